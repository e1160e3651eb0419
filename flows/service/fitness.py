"""May this machine take runs? What a worker makes sure of before it starts and before it asks for runs.

A worker that cannot see the home's folders, or reads with another version, would do harm to each document that it
takes. Each trouble is one sentence that says what to do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from flows.host.programs import missing_tools
from flows.intake.claims import ClaimStore
from flows.intake.sweep import full_disk
from flows.language import _, ngettext
from flows.service.health import try_folder
from flows.service.home import read_name
from flows.service.record import read_service, version

MOST_APART = 600.0
"""Seconds that a machine's clock may be off from the Prefect server's. What is less is reckoned with; more is no clock
that is a little slow but one that nobody has set, and times of documents would be wrong."""


PROGRAM, SHARE = "program", "share"
"""Kinds of trouble that are dealt with apart."""


@dataclass(frozen=True, slots=True)
class Unfit:
    """Why a worker must not take runs now.

    Attributes:
        kind: which trouble it is; the sentence may change from one look to the next.
        why: one sentence that says what to do.
    """

    kind: str
    why: str

    @property
    def is_program(self) -> bool:
        """Whether a program or language file is missing (exit status 3)."""
        return self.kind == PROGRAM


def unfit(store: ClaimStore, apart: float | None, home: str = "", *, thorough: bool = True) -> Unfit | None:
    """What keeps this machine from taking runs; the first trouble that is found.

    Args:
        apart: seconds by which the server's clock is ahead; ``None`` if it does not answer, which is no matter of this.
        home: the name of the home that it must be; empty if any will do.
        thorough: whether to look at what costs something as well: the programs, and each folder.
    """
    return next(_troubles(store, apart, home, thorough), None)


def _troubles(store: ClaimStore, apart: float | None, home: str, thorough: bool) -> Iterator[Unfit]:
    for sentence in missing_tools() if thorough else ():
        yield Unfit(PROGRAM, sentence)
    looks: Mapping[str, Callable[[], str | None]] = {
        SHARE: partial(_no_share, store, home),
        "folder": partial(_no_writing, store) if thorough else lambda: None,
        "version": partial(_another_version, store),
        "disk": partial(full_disk, store),
        "clock": partial(_wrong_clock, apart),
    }
    for kind, look in looks.items():
        if why := look():
            yield Unfit(kind, why)


def _no_share(store: ClaimStore, home: str) -> str | None:
    """The home's folders are not here, or are another home's."""
    folders = store.folders
    # A share whose server is gone makes everybody wait who only looks at it; this gives up after some seconds.
    tried = try_folder("working", folders.working)
    if tried.hangs:
        return tried.check.found
    try:
        found = read_name(folders)
    except OSError as fault:
        return f"{folders.working}: {fault.strerror}"
    if not found:
        said = _("no home of a nambat service lies in {home}; mount its share there, or set NAMBAT_HOME")
        return said.format(home=folders.home)
    if home and found != home:
        said = _("{home} is the home {found}, and not {wanted}; mount the right share there")
        return said.format(home=folders.home, found=found, wanted=home)
    return None


def _no_writing(store: ClaimStore) -> str | None:
    """A folder that a run writes to cannot be written to."""
    names = ("working", "published", "originals", "quarantine", "inbox")
    tried = (try_folder(name, getattr(store.folders, name)).check for name in names)
    return next((check.found for check in tried if not check.ok), None)


def _another_version(store: ClaimStore) -> str | None:
    """The service is of another version, or has never run."""
    service, own = read_service(store.folders), version()
    if not service:
        said = _("no nambat service runs on {home}; start it with: nambat serve --pool NAME")
        return said.format(home=store.folders.home)
    if service["version"] != own:
        said = _("this is nambat {own} and the service is {theirs}; install the same version on both machines")
        return said.format(own=own, theirs=service["version"] or _("an earlier one"))
    return None


def _wrong_clock(apart: float | None) -> str | None:
    if apart is None or abs(apart) <= MOST_APART:
        return None
    minutes = round(abs(apart) / 60)
    said = ngettext(
        "this machine's clock is {minutes} minute off from the Prefect server's; set it (timedatectl set-ntp true)",
        "this machine's clock is {minutes} minutes off from the Prefect server's; set it (timedatectl set-ntp true)",
        minutes,
    )
    return said.format(minutes=minutes)
