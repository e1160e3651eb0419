"""One look at the folders: take back what dead processes left, take what is whole in the inbox, start runs.

This is the truth that the service lives by; file events only make it happen sooner. It is cheap, does no harm
when it runs twice, and knows Prefect only through the functions of :class:`Runs`.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path, PurePosixPath

from flows import faults
from flows.host.files import replace_file
from flows.host.locks import claims_lock, locked
from flows.host.mounts import missing_mount
from flows.host.moves import Gone, lies
from flows.host.names import readable
from flows.host.processes import machine
from flows.intake import inbox, register, settling, transfers
from flows.intake.claims import Claim, ClaimStore
from flows.intake.inbox import StabilityTracker
from flows.intake.quarantine import crashed_too_often, quarantine
from flows.language import _, cause, in_one_line, ngettext, told
from flows.settings import Folders
from ocr.faults import Fault


@dataclass(frozen=True, slots=True)
class Runs:
    """What a sweep needs of the Prefect server. All may raise any exception while the server is away.

    Attributes:
        start: start the run for a claim and return its id; the same id when called again for the same claim.
        ended: of those runs that have ended, how: ``completed``, ``failed``, ``crashed``, ``cancelled`` by a person,
            ``dropped`` when they ended as cancelled and nobody asked for that, ``gone`` when the server does not know
            them, or ``stuck`` when they were about to begin minutes ago.
        release: take off the tags of runs whose scans do not lie in quarantine any more.
        lose: note of runs that their processes are dead, as those can not.
    """

    start: Callable[[Claim], str]
    ended: Callable[[list[str]], dict[str, str]]
    release: Callable[[list[str]], None] = lambda ids: None
    lose: Callable[[list[str]], None] = lambda ids: None


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep did.

    Attributes:
        taken: names of the files taken from the inbox.
        returned: names of files that dead runs had left and that lie in the inbox again.
        quarantined: names of files given up.
        waiting: files in the inbox that are still arriving.
        refused: what is in the inbox and not taken, a sentence each: links, folders that cannot be looked into.
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


def sweep(
    store: ClaimStore,
    owner: str,
    runs: Runs,
    now: float | None = None,
    stopping: Callable[[], bool] = lambda: False,
    clock: Callable[[], float] = time.monotonic,
    is_settled: Callable[[str], bool] = lambda path: False,
) -> Swept | None:
    """Look once. ``None`` when another process is sweeping right now.

    Args:
        owner: the process that answers for new claims until their run begins (see :mod:`flows.host.heartbeat`).
        now: seconds since the epoch.
        stopping: asked between files; once it says yes, no more are taken.
        clock: gives seconds that no setting of the time changes, the same for all processes of this machine.
        is_settled: whether the writer of a file below the inbox is known to be done with it.
    """
    now = time.time() if now is None else now
    folders, settings = store.folders, store.settings
    with locked(_sign_of_sweep(folders), wait=False) as held:
        if not held:
            return None
        if away := missing_mount(folders):
            return Swept(troubles=(told(away),))  # nothing must be put back into a folder that is not the real one
        troubles: list[str] = []
        folders.make()  # whoever removed one meanwhile
        working = store.open_claims()
        being_read = {claim.sha256 for claim in working if claim.flow_run and not claim.is_put_off}
        starts = _Starts(store, owner, runs, troubles, RUNS_AHEAD, being_read)
        returned, quarantined = _look_after(working, starts, now)
        troubles += settling.finish(store)
        _release_runs(store, runs)

        notes = folders.working / ".seen.json"
        tracker = StabilityTracker.load(notes.read_bytes() if notes.exists() else b"", machine())
        listing = inbox.list_inbox(folders.inbox)
        unchanged = tracker.observe(listing.files, clock())
        if tracker.is_news:
            replace_file(notes, tracker.dump().encode())
        ready = inbox.ready_files(
            folders.inbox,
            listing,
            unchanged,
            settle=settings.settle,
            settle_broken=settings.settle_broken,
            is_settled=is_settled,
        )
        if ready and (full := full_disk(store)):
            troubles.append(full)
            ready = []
        # A later version of a file waits until the earlier one is done: published last, it is the one that counts.
        busy = {claim.name for claim in working if claim.name not in returned}
        taken = []
        locked_away: dict[PurePosixPath, int] = {}
        for name in ready:
            if stopping():
                break
            if name in busy:
                continue
            folder = PurePosixPath(name).parent
            if folder in locked_away or not os.access(folders.inbox / folder, os.W_OK | os.X_OK):
                locked_away[folder] = locked_away.get(folder, 0) + 1
                continue
            try:
                claim = transfers.take(store, name, listing.files[name], owner)
            except Gone:
                continue
            except OSError as fault:
                said = _("{name} cannot be taken: {cause}")
                troubles.append(said.format(name=readable(name), cause=cause(fault)))
                continue
            taken.append(name)
            starts.start(claim)
        for folder, count in locked_away.items():
            where = readable(folders.inbox / folder)
            said = ngettext(
                "{folder}: {count} file cannot be taken; give nambat the right to write in this folder",
                "{folder}: {count} files cannot be taken; give nambat the right to write in this folder",
                count,
            )
            troubles.append(said.format(folder=where, count=count))
        with contextlib.suppress(OSError):
            os.utime(_sign_of_sweep(folders))
        return Swept(
            tuple(taken),
            tuple(returned),
            tuple(quarantined),
            len(listing.files) - len(taken) - sum(locked_away.values()),
            tuple(f"{readable(path)}: {why}" for path, why in listing.refused.items()),
            tuple(troubles),
        )


def _sign_of_sweep(folders: Folders) -> Path:
    """The lock of sweeps; each touches it when it has come to its end."""
    return folders.working / ".sweep.lock"


def last_sweep(folders: Folders) -> float | None:
    """When a sweep last came to its end, on the clock of working/; ``None`` if none ever did."""
    try:
        return _sign_of_sweep(folders).stat().st_mtime
    except OSError:
        return None


def _release_runs(store: ClaimStore, runs: Runs) -> None:
    """Take the tags off runs whose scans have left quarantine. While the server is away they wait."""
    left = dict(list(register.runs_left(store).items())[:MOST_ASKED])
    if left:
        with contextlib.suppress(Exception):
            runs.release(list(left))
            for record in chain.from_iterable(left.values()):
                record.unlink(missing_ok=True)


def full_disk(store: ClaimStore) -> str | None:
    """One sentence about a folder whose disk has less space free than the settings ask for, if there is one."""
    least = store.settings.min_free
    for folder in (store.folders.working, store.folders.published):
        free = shutil.disk_usage(folder).free
        if free < least:
            return _(
                "the disk of {folder} has only {free:,.0f} MB free; nothing is taken from the inbox "
                "until there are {least:,.0f} MB (NAMBAT_MIN_FREE)"
            ).format(folder=folder, free=free / 1e6, least=least / 1e6)
    return None


RUNS_AHEAD = 50
"""Claims that have a run before its turn has come. With thousands of files the rest wait without one: the Prefect
server makes a few runs a second, and is slow with thousands of them scheduled."""


@dataclass(slots=True)
class _Starts:
    """Starts runs, a limited number in one sweep.

    Attributes:
        left: how many more.
        being_read: hashes of the contents that runs work on, or will: their twins wait, and are then copied.
    """

    store: ClaimStore
    owner: str
    runs: Runs
    troubles: list[str]
    left: int
    being_read: set[str]

    def start(self, claim: Claim) -> None:
        if self.left <= 0 or (claim.sha256 and claim.sha256 in self.being_read):
            return
        self.left -= 1
        self.being_read.add(claim.sha256)
        try:
            self.store.assign(claim, self.owner, self.runs.start(claim))
        except Gone:
            pass  # the run is done with it already
        except Exception as fault:
            # The claim waits in working/ without a run; the next sweep starts one. Asking a server that is away once
            # more for each file would take a minute each.
            said = _("{name}: no run could be started yet ({why})")
            self.troubles.append(said.format(name=readable(claim.name), why=in_one_line(fault)))
            self.left = 0


def _stays(claim: Claim, fault: Exception) -> str:
    """One sentence about a file that cannot be moved on."""
    return _("{name} stays in working/ for now: {why}").format(name=readable(claim.name), why=in_one_line(fault))


MOST_ASKED = 200
"""Claims that wait for their run's turn and whose runs are looked up in one sweep; each gets its turn."""


def _look_after(working: Sequence[Claim], starts: _Starts, now: float) -> tuple[list[str], list[str]]:
    """Take back what dead processes left, and start the runs that are due.

    Returns:
        Names of the files that lie in the inbox again, and of those given up.
    """
    store, troubles = starts.store, starts.troubles
    returned: list[str] = []
    quarantined: list[str] = []
    waiting: list[Claim] = []
    dead: list[Claim] = []
    startable: list[Claim] = []
    halves: list[Claim] = []
    alive: dict[str, bool] = {}
    for claim in working:
        if claim.owner not in alive:
            alive[claim.owner] = store.is_owner_alive(claim)
        if claim.is_put_off:
            if claim.is_due(now):
                startable.append(claim)
        elif not alive[claim.owner]:
            dead.append(claim)
        elif not claim.keep:
            pass  # a `nambat ingest` works on it by itself
        elif not claim.flow_run:
            startable.append(claim)
        elif not claim.running:
            waiting.append(claim)
    starts.left -= len(waiting)
    for claim in startable:
        try:
            if lies(store.scan(claim)):
                starts.start(claim)
            else:
                halves.append(claim)  # a share that failed, and failed again when the file was to go back
        except OSError as fault:
            troubles.append(_stays(claim, fault))
    first = int(now / 10) * MOST_ASKED % max(1, len(waiting))
    asked = [*dead, *(waiting[first:] + waiting[:first])[:MOST_ASKED]]
    try:
        all_ended = starts.runs.ended([claim.flow_run for claim in asked if claim.flow_run])
    except Exception as fault:
        troubles.append(_("the Prefect server does not answer: {why}").format(why=in_one_line(fault)))
        return returned, quarantined
    lost: list[str] = []
    for claim in [*asked, *halves]:
        ended = all_ended.get(claim.flow_run)
        lives = alive[claim.owner] and claim not in halves
        if lives and (ended is None or (ended == "stuck" and claim.owner != starts.owner)):
            continue  # its run waits for its turn, or has begun
        try:
            with locked(claims_lock(store.folders)):
                # Its run may have begun, or be done, since we looked: then it is none of ours.
                if claim.owner and store.load(claim.id) != claim:
                    continue
                if transfers.is_half_way(store, claim):
                    transfers.recover(store, claim)
                elif ended == "cancelled":
                    quarantined += _given_up(store, claim, faults.CANCELLED.fault())
                elif claim.running and store.count_attempt(claim) >= store.settings.attempts:
                    quarantined += _given_up(store, claim, crashed_too_often(store.settings.attempts))
                elif transfers.recover(store, claim) is not None:
                    returned.append(claim.name)
            if claim.flow_run and ended in (None, "stuck"):
                lost.append(claim.flow_run)
        except Gone:
            continue
        except Exception as fault:
            troubles.append(_stays(claim, fault))
    if lost:
        with contextlib.suppress(Exception):  # they stay as they are; their files go on without them
            starts.runs.lose(lost)
    return returned, quarantined


def _given_up(store: ClaimStore, claim: Claim, fault: Fault) -> list[str]:
    """Give a file up. Its name, unless it went to originals/: its text is published.

    Raises:
        OSError: it cannot be moved; the claim stays.
    """
    place = quarantine(store, claim, fault)
    is_put_away = place is not None and place.is_relative_to(store.folders.originals)
    return [] if is_put_away else [claim.name]
