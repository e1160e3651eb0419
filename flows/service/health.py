"""Is the service well? One look for ``nambat health``, ``status``, ``doctor``, the web address and Docker.

A service that runs may still not work: its watcher hangs, its server does not answer, a share came back read-only. So
each thing is tried, not asked after: the watch loop itself leaves a sign of life, folders are written to, the server
has to answer, and files must not lie anywhere for longer than they should. Nothing said here names a file of anyone's.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from flows.host import heartbeat
from flows.host.files import try_writing
from flows.host.mounts import missing_mount
from flows.host.processes import machine
from flows.intake.claims import Claim, ClaimStore
from flows.intake.inbox import list_inbox
from flows.intake.sweep import full_disk
from flows.language import N_, _, cause, ngettext, told
from flows.service.prefect_server import is_healthy
from flows.service.record import read_service, record_of_service
from flows.service.watch import SILENT_AFTER, last_sign
from flows.service.worker_records import IN_TIME, WorkerRecord, lives, read_workers
from flows.service.worker_records import last_sign as last_sign_of_worker
from flows.settings import Folders, Settings

NAMES = (
    *(N_("service"), N_("watcher"), N_("server"), N_("mounts"), N_("disk"), N_("waiting"), N_("progress")),
    *(N_("workers"), N_("database")),
    *(N_("Vietnamese data"), N_("folders"), N_("file systems"), N_("privacy"), N_("group"), N_("password")),
)
"""What has a name in every language."""

FOLDERS = ("inbox", "working", "published", "originals", "quarantine")
"""Folders that have to be there, as attributes of :class:`~flows.settings.Folders`."""

ANSWERS_WITHIN = 5.0
"""Seconds in which a folder must let itself be written to: a share whose server is gone makes everybody wait."""

STARTS_WITHIN = 120.0
"""Seconds that a service may take from its server's answer until it watches."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Attributes:
        what: a word that programs can look for.
        found: what it is like; for a bad one, what to do.
        is_program: whether a program or language file is missing (exit status 3 of ``nambat doctor``).
        stops_taking: whether nothing is taken from the inbox while it is bad.
    """

    what: str
    ok: bool
    found: str
    is_program: bool = False
    stops_taking: bool = False

    @property
    def shown(self) -> str:
        """``what`` for people; folders and programs are called the same in every language."""
        return _(self.what) if self.what in NAMES else self.what


@dataclass(frozen=True, slots=True)
class Health:
    """How a service is.

    Attributes:
        checks: all that was looked at.
    """

    checks: tuple[Check, ...]

    @property
    def is_well(self) -> bool:
        return all(check.ok for check in self.checks)

    @property
    def troubles(self) -> tuple[Check, ...]:
        return tuple(check for check in self.checks if not check.ok)

    @property
    def hindrance(self) -> str:
        """Why nothing is taken from the inbox now; empty if it is."""
        return next((f"{check.shown}: {check.found}" for check in self.troubles if check.stops_taking), "")

    def as_record(self, *, with_words: bool = True) -> dict[str, object]:
        """For JSON.

        Args:
            with_words: whether to say what was found, which names folders of this machine.
        """
        checks = [
            {"what": check.what, "ok": check.ok, **({"found": check.found} if with_words else {})}
            for check in self.checks
        ]
        return {"healthy": self.is_well, "checks": checks}


def look(store: ClaimStore) -> Health:
    """How the service of these folders is."""
    folders = store.folders
    tried = {name: try_folder(name, getattr(folders, name)) for name in FOLDERS}
    checks = [one.check for one in tried.values()]
    if any(one.hangs for one in tried.values()):
        return Health(tuple(checks))  # whatever looks there would wait as well
    clocks = {name: one.clock for name, one in tried.items()}
    claims = store.open_claims()
    files = _waiting(store, claims, clocks), _in_work(store, claims, clocks)
    readers = _workers(store, claims, clocks["working"])
    return Health((*_service(store, clocks), *checks, *disk(store), *files, *readers))


def look_at_workers(store: ClaimStore) -> Health:
    """How the workers of this machine are; in a container, the one that runs there."""
    folders = store.folders
    tried = try_folder("working", folders.working)
    if not tried.check.ok:
        return Health((tried.check,))
    seen = seen_workers(folders, tried.clock)
    here = [one for one in seen if one.worker.owner.split(":")[0] == machine()]
    checks = [_worker(one) for one in here if lives(folders, one.worker, IN_TIME)]
    nobody = Check("workers", False, _("none runs on this machine; start one with: nambat worker"))
    return Health((tried.check, *(checks or [nobody])))


# -- the service and its server -------------------------------------------------------------------------------------


def _service(store: ClaimStore, clocks: Mapping[str, float]) -> Iterator[Check]:
    folders, settings = store.folders, store.settings
    service = read_service(folders)
    owner = service.get("owner", "")
    if not heartbeat.is_alive(folders, owner, settings.claim_timeout):
        why = _("no nambat service runs on {home}; start it with: nambat serve")
        yield Check("service", False, why.format(home=folders.home), stops_taking=True)
        return
    yield Check("service", True, _("runs on {home}").format(home=folders.home))
    if settings.watch:
        yield _watcher(folders, owner, clocks["working"])
    yield server(service["api"], is_here=owner.split(":")[0] == machine())


def _watcher(folders: Folders, owner: str, now: float) -> Check:
    sign = last_sign(folders, owner)
    if sign is None:
        with contextlib.suppress(OSError):
            if now - record_of_service(folders).stat().st_mtime < STARTS_WITHIN:
                return Check("watcher", False, _("has not begun yet; wait a moment"), stops_taking=True)
        why = _("does not run, because the Prefect server is away; it begins again when that answers")
        return Check("watcher", False, why, stops_taking=True)
    silent = max(0.0, now - sign)
    if silent > SILENT_AFTER:
        why = _("no sign of life for {time}; restart `nambat serve`")
        return Check("watcher", False, why.format(time=lasting(silent)), stops_taking=True)
    return Check("watcher", True, _("a sign of life {time} ago").format(time=lasting(silent)))


def server(api: str, *, is_here: bool = True) -> Check:
    """Whether the Prefect server answers.

    Args:
        is_here: whether its address means anything on this machine.
    """
    if not is_here:
        return Check("server", True, _("{address} on another machine, which was not asked").format(address=api))
    if is_healthy(api, ANSWERS_WITHIN):
        return Check("server", True, api)
    why = _("{address} does not answer; restart `nambat serve`")
    if os.environ.get("PREFECT_API_URL") == api:
        why = _("{address} (PREFECT_API_URL) does not answer; start it")
    return Check("server", False, why.format(address=api))


# -- the folders ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Tried:
    """A folder that was written to.

    Attributes:
        clock: what its file system takes for the time, in seconds.
        hangs: whether it does not answer at all.
    """

    check: Check
    clock: float
    hangs: bool = False


_asked: dict[Path, threading.Thread] = {}
"""Who waits for a folder's answer: one that hangs is not asked again by one thread after the other."""


def try_folder(name: str, folder: Path) -> Tried:
    """Write to a folder."""
    answers: list[float | OSError] = []

    def ask() -> None:
        try:
            answers.append(try_writing(folder))
        except OSError as fault:
            answers.append(fault)

    before = _asked.get(folder)
    if before is None or not before.is_alive():
        asking = _asked[folder] = threading.Thread(target=ask, name=f"health of {name}", daemon=True)
        asking.start()
        asking.join(ANSWERS_WITHIN)
    answer = answers[0] if answers else TimeoutError(errno.ETIMEDOUT, N_("it does not answer"))
    if isinstance(answer, OSError):
        why = _("{folder} cannot be written to ({cause}); check its owner, its rights and its disk")
        if answer.errno in (errno.ENOSPC, errno.EDQUOT):
            why = _("{folder} cannot be written to ({cause}); make room there")
        check = Check(
            name, False, why.format(folder=folder, cause=cause(answer)), stops_taking=name in ("inbox", "working")
        )
        return Tried(check, time.time(), hangs=not answers)
    return Tried(Check(name, True, _("{folder} can be written to").format(folder=folder)), answer)


def disk(store: ClaimStore) -> Iterator[Check]:
    """Whether the shares are there, and whether there is room."""
    if away := missing_mount(store.folders):
        yield Check("mounts", False, told(away), stops_taking=True)
        return
    yield Check("mounts", True, _("all that were there are there"))
    try:
        full = full_disk(store)
        free = min(shutil.disk_usage(folder).free for folder in (store.folders.working, store.folders.published))
    except OSError as fault:
        yield Check("disk", False, f"{fault.filename}: {cause(fault)}", stops_taking=True)
        return
    room = _("{gigabytes:.1f} GB free").format(gigabytes=free / 1e9)
    yield Check("disk", not full, full or room, stops_taking=True)


# -- the files ------------------------------------------------------------------------------------------------------


def _waiting(store: ClaimStore, claims: Sequence[Claim], clocks: Mapping[str, float]) -> Check:
    """Whether a file has waited in the inbox for longer than it should."""
    settings = store.settings
    came = times_in_inbox(store.folders, claims)
    if not came:
        return Check("waiting", True, _("no file waits"))
    late = clocks["inbox"] - _due(min(came), settings)
    said = _("{files} in the inbox, the oldest for {time}")
    if late > settings.late_after:
        said = _("{files} in the inbox, the oldest for {time}; `nambat status` and the log say why")
    found = said.format(files=_files(len(came)), time=lasting(clocks["inbox"] - min(came)))
    return Check("waiting", late <= settings.late_after, found)


def times_in_inbox(folders: Folders, claims: Sequence[Claim]) -> list[float]:
    """Since when each file has lain in the inbox that waits to be taken, on the clock of the inbox."""
    # A later version of a file waits until the earlier one is done.
    busy = {claim.name for claim in claims}
    came: list[float] = []
    for name in list_inbox(folders.inbox).files:
        if name not in busy:
            with contextlib.suppress(OSError):  # taken just now
                came.append((folders.inbox / name).lstat().st_ctime)
    return came


def _due(came: float, settings: Settings) -> float:
    """When a file that came then is looked at, at the latest: at once, or when the sweep's turn comes."""
    from cronsim import CronSim

    if settings.watch:
        return came
    if settings.sweep_cron:
        due = next(CronSim(settings.sweep_cron, datetime.fromtimestamp(came, ZoneInfo(settings.timezone))))
        return due.timestamp()
    return came + settings.sweep_interval


def _in_work(store: ClaimStore, claims: Sequence[Claim], clocks: Mapping[str, float]) -> Check:
    """Whether files in work get on: each run has to read a page now and then, and runs have to begin and end."""
    limit = max(store.settings.stuck_after, 3 * store.settings.page_timeout)
    now, wall = clocks["working"], time.time()
    running = [now - _last_step(store, claim) for claim in claims if claim.running and not claim.is_put_off]
    # A document's folder of page records is made when its run begins and goes when it ends.
    turned = _time_of(store.folders.working / ".progress")
    waiting = [
        now - max(turned, _last_step(store, claim))
        for claim in claims
        if not claim.running and not claim.is_put_off and claim.keep
    ]
    waiting += [wall - claim.not_before for claim in claims if claim.is_put_off and claim.is_due(wall)]
    idle = max([*running, *(waiting if not running else [])], default=0.0)
    said = _("{files} in work") if claims else _("no file in work")
    if idle > limit:
        said = _("{files} in work, of which one has got no further for {time}; restart `nambat serve`")
    return Check("progress", idle <= limit, said.format(files=_files(len(claims)), time=lasting(idle)))


def _workers(store: ClaimStore, claims: Sequence[Claim], now: float) -> Iterator[Check]:
    """Whether somebody reads, where the service leaves that to workers.

    Args:
        now: on the clock of working/, in seconds.
    """
    folders, service = store.folders, read_service(store.folders)
    pool = service.get("pool", "")
    if not pool:
        return
    waiting = sum(1 for claim in claims if claim.keep and not claim.is_put_off and not claim.running)
    heard = [one for one in seen_workers(folders, now) if one.is_heard and one.worker.pool == pool]
    well = [one for one in heard if not one.worker.trouble]
    found = ngettext(
        "{count} takes runs from the work pool {pool}", "{count} take runs from the work pool {pool}", len(well)
    ).format(count=len(well), pool=pool)
    if well or not waiting:
        yield Check("workers", True, found)
        return
    why = _("{files} to be read, and no worker takes runs from the work pool {pool}; {what_to_do}")
    what = _("start one with: nambat worker")
    if heard:
        what = f"{heard[0].worker.name}: {heard[0].worker.trouble}"
    yield Check("workers", False, why.format(files=_files(waiting), pool=pool, what_to_do=what))


def _worker(seen: SeenWorker) -> Check:
    """Whether a worker that runs takes runs."""
    worker = seen.worker
    if worker.trouble:
        return Check("workers", False, f"{worker.name}: {worker.trouble}")
    if not seen.is_heard:
        why = _("{name}: no sign of life for {time}; restart it")
        return Check("workers", False, why.format(name=worker.name, time=seen.ago))
    found = _("{name} takes runs from the work pool {pool}")
    return Check("workers", True, found.format(name=worker.name, pool=worker.pool))


@dataclass(frozen=True, slots=True)
class SeenWorker:
    """A worker, and when it was heard of last.

    Attributes:
        ago: in words; empty if never.
        is_heard: whether that is not too long ago, and nobody killed it since.
    """

    worker: WorkerRecord
    ago: str
    is_heard: bool


def seen_workers(folders: Folders, now: float) -> list[SeenWorker]:
    """All workers of a home.

    Args:
        now: on the clock of working/, in seconds.
    """
    seen = []
    for worker in read_workers(folders):
        last = last_sign_of_worker(folders, worker.owner)
        silent = float("inf") if last is None else max(0.0, now - last)
        is_heard = silent < IN_TIME and lives(folders, worker, IN_TIME)
        seen.append(SeenWorker(worker, "" if last is None else lasting(silent), is_heard))
    return seen


def _last_step(store: ClaimStore, claim: Claim) -> float:
    """When the work on a claim last got a step further, on the clock of working/."""
    return max(_time_of(store.folder(claim) / "claim.json"), _time_of(store.progress_folder(claim)))


def _time_of(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _files(count: int) -> str:
    return ngettext("{count} file", "{count} files", count).format(count=count)


def lasting(seconds: float) -> str:
    """A time in words: ``4 s``, ``12 min``, ``3 h 20 min``, ``2 days``."""
    minutes, hours = int(seconds // 60), int(seconds // 3600)
    if minutes < 2:
        return _("{number:.0f} s").format(number=max(0.0, seconds))
    if hours < 1:
        return _("{number} min").format(number=minutes)
    if hours < 48:
        return _("{hours} h {minutes} min").format(hours=hours, minutes=minutes % 60)
    return _("{number} days").format(number=hours // 24)
