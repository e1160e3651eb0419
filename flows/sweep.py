"""One look at the folders: take back what dead processes left, take what is whole in the inbox, start runs.

This is the truth that the service lives by; file events only make it happen sooner. It is cheap, does no harm
when it runs twice, and knows Prefect only through the two functions of :class:`Runs`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from flows import inbox, publish
from flows.inbox import Claim, Gone, StabilityTracker
from flows.settings import Folders, Settings
from ocr.faults import Fault


class Cancelled(Fault):
    """A person cancelled the run."""


@dataclass(frozen=True, slots=True)
class Runs:
    """What a sweep needs of the Prefect server. Both may raise any exception while the server is away.

    Attributes:
        start: start the run for a claim and return its id; the same id when called again for the same claim.
        ended: of those runs that have ended, how: ``completed``, ``failed``, ``crashed``, ``cancelled``, or
            ``gone`` when the server does not know them.
    """

    start: Callable[[Claim], str]
    ended: Callable[[list[str]], dict[str, str]]


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep did.

    Attributes:
        taken: names of the files taken from the inbox.
        returned: names of files that dead runs had left and that lie in the inbox again.
        quarantined: names of files given up.
        waiting: files in the inbox that are still arriving.
        refused: links, pipes and devices in the inbox.
        troubles: what could not be done now and will be tried again; one sentence each.
    """

    taken: tuple[str, ...] = ()
    returned: tuple[str, ...] = ()
    quarantined: tuple[str, ...] = ()
    waiting: int = 0
    refused: tuple[str, ...] = ()
    troubles: tuple[str, ...] = ()

    def then(self, later: Swept) -> Swept:
        """What both sweeps did, and how things stand after the later one."""
        return replace(
            later,
            taken=self.taken + later.taken,
            returned=self.returned + later.returned,
            quarantined=self.quarantined + later.quarantined,
        )


def sweep(folders: Folders, settings: Settings, owner: str, runs: Runs, now: float | None = None) -> Swept | None:
    """Look once. ``None`` when another process is sweeping right now.

    Args:
        owner: the process that answers for new claims until their run begins (see :func:`inbox.identity`).
        now: seconds since the epoch.
    """
    with inbox.locked(folders.working / ".sweep.lock", wait=False) as held:
        if not held:
            return None
        troubles: list[str] = []
        returned, quarantined = _look_after_claims(folders, settings, owner, runs, troubles)

        notes = folders.working / ".seen.json"
        tracker = StabilityTracker.load(notes.read_text() if notes.exists() else "")
        listing = inbox.list_inbox(folders.inbox)
        unchanged = tracker.observe(listing.files, time.time() if now is None else now)
        publish.replace_file(notes, tracker.dump().encode())
        ready = inbox.ready_files(
            folders.inbox, listing, unchanged, settle=settings.settle, settle_broken=settings.settle_broken
        )
        taken = []
        for name in ready:
            try:
                claim = inbox.take(folders, name, listing.files[name], owner, dpi=settings.dpi)
            except Gone:
                continue
            except OSError as fault:
                troubles.append(f"{publish.readable(name)} cannot be taken: {fault.strerror}")
                continue
            taken.append(name)
            _start(folders, claim, runs, troubles)
        return Swept(
            tuple(taken),
            tuple(returned),
            tuple(quarantined),
            len(listing.files) - len(taken),
            listing.refused,
            tuple(troubles),
        )


def _start(folders: Folders, claim: Claim, runs: Runs, troubles: list[str]) -> None:
    try:
        flow_run = runs.start(claim)
        with inbox.locked(inbox.claim_lock(folders)):
            # The run may have begun already and have made the claim its own.
            claim = inbox.load_claim(folders, claim.id)
            inbox.save_claim(folders, replace(claim, flow_run=flow_run))
    except Gone:
        pass  # the run is done with it already
    except Exception as fault:
        # The claim waits in working/ without a run; the next sweep starts one.
        troubles.append(f"{publish.readable(claim.name)}: no run could be started yet ({fault})")


def _look_after_claims(
    folders: Folders, settings: Settings, owner: str, runs: Runs, troubles: list[str]
) -> tuple[list[str], list[str]]:
    returned: list[str] = []
    quarantined: list[str] = []
    doubtful: list[tuple[Claim, bool]] = []
    for claim in inbox.claims(folders):
        alive = inbox.pid_of(claim.owner) is not None
        if alive and not claim.flow_run:
            _start(folders, claim, runs, troubles)
        elif not (alive and claim.running):
            doubtful.append((claim, alive))
    try:
        all_ended = runs.ended([claim.flow_run for claim, _ in doubtful if claim.flow_run])
    except Exception as fault:
        troubles.append(f"the Prefect server does not answer: {fault}")
        return returned, quarantined
    for claim, alive in doubtful:
        ended = all_ended.get(claim.flow_run)
        if alive and ended is None:
            continue  # its run waits for its turn
        try:
            if not claim.folder(folders).exists():
                continue  # done between our two looks
            if ended == "cancelled":
                inbox.quarantine(folders, claim, cancelled(), settings.dpi)
                quarantined.append(claim.name)
            elif claim.running and inbox.count_attempt(folders, claim, settings.dpi) >= settings.attempts:
                inbox.quarantine(folders, claim, inbox.crashed_too_often(settings.attempts), settings.dpi)
                quarantined.append(claim.name)
            elif inbox.recover(folders, claim) is not None:
                returned.append(claim.name)
        except Exception as fault:
            troubles.append(f"{publish.readable(claim.name)} stays in working/ for now: {fault}")
    return returned, quarantined


def cancelled() -> Cancelled:
    """The fault of a document whose run was cancelled."""
    return Cancelled(
        "The run was cancelled; put the file back if it is to be read after all.",
        vietnamese="Lượt xử lý đã bị hủy; hãy đưa tệp trở lại nếu vẫn muốn đọc.",
    )
