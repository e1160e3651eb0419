"""What a service leaves when it is stopped or killed: runs, files in the making, claims. Here it is cleared away."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from flows.batch.leases import note_ended
from flows.batch.under_way import workers
from flows.faults import Passing
from flows.host import heartbeat
from flows.host.locks import claims_lock, forget_slots, locked
from flows.host.mounts import missing_mount
from flows.host.moves import Gone
from flows.host.processes import descendants, kill_tree, machine
from flows.intake import transfers
from flows.intake.claims import Claim, ClaimStore
from flows.intake.quarantine import crashed_too_often, quarantine
from flows.pipeline import saves
from flows.pipeline.versions import Shelf
from flows.pipeline.workers import clear_scratch
from flows.service.prefect_server import end_servers
from flows.service.worker_records import forget_workers
from flows.settings import Folders


def end_leftovers(store: ClaimStore) -> None:
    """End what a killed service left running: its Prefect server, and the runs that still hold claims.

    Runs of workers go on: they outlive services. Only a process that holds the service's lock may do this.
    """
    end_servers(store.folders)
    if not store.settings.pool:
        end_runs(store)


def end_runs(store: ClaimStore) -> None:
    """Kill the processes of this machine that hold claims, or work on parts of batches."""
    for owner in {claim.owner for claim in store.open_claims() if claim.keep}:
        _end_run(store.folders, owner)
    for owner in workers(store.folders):
        note_ended(store.folders, owner)
        _end_run(store.folders, owner)


def end_parts_here(store: ClaimStore) -> None:
    """Kill the processes that this one has begun and that work on parts of batches; they go on elsewhere at once."""
    ours = set(descendants(os.getpid()))
    for owner in workers(store.folders):
        if heartbeat.pid_of(store.folders, owner) in ours:
            note_ended(store.folders, owner)
            _end_run(store.folders, owner)


def _end_run(folders: Folders, owner: str) -> None:
    pid = heartbeat.pid_of(folders, owner)
    if pid is not None and pid != os.getpid():
        kill_tree(pid)


def disown_all(store: ClaimStore) -> None:
    """Forget who works on the claims of folders that were copied: that is another home's service.

    Raises:
        OSError: it cannot be written down.
    """
    for claim in store.open_claims():
        store.save(replace(claim, owner="", running=False, flow_run=""))


def clear_leftovers(store: ClaimStore) -> None:
    """Remove files in the making that a killed service left, and claims of nothing; finish what was saved.

    Only a process that holds the service's lock may do this, before anything is taken.
    """
    clear_scratch()
    store.drop_empty_claims()
    folders = store.folders
    now = _now(folders)
    forget_slots(folders, now)
    forget_workers(folders, now)
    # What workers are writing just now is none of what was left.
    newest = now - IN_THE_MAKING if store.settings.pool else float("inf")
    stagings = [folders.working / ".staging", folders.published / ".nambat-staging"]
    for staging in (*stagings, *folders.versions.rglob(".staging")):
        if store.settings.pool:
            _clear(staging, newest)
        else:
            shutil.rmtree(staging, ignore_errors=True)
    with contextlib.suppress(
        OSError, Passing
    ):  # what waits there waits on, and is tried when its document is next read
        saves.finish_saves(Shelf(folders.published, stagings[0], folders.versions))
    for folder in (folders.working, folders.quarantine):
        for left in folder.rglob(f".{'[0-9a-f]' * 16}.tmp"):  # as replace_file() calls them, and nobody else
            with contextlib.suppress(OSError):
                if left.lstat().st_mtime <= newest:
                    left.unlink()


IN_THE_MAKING = 24 * 3600.0
"""Seconds after which what a worker was writing counts as left; it takes seconds."""


def _now(folders: Folders) -> float:
    """The time on the clock of working/, in seconds."""
    try:
        return heartbeat.beat(folders, heartbeat.identity())
    except OSError:  # a full disk, say
        return time.time()


def _clear(staging: Path, newest: float) -> None:
    """Remove files in the making, but for those of later than ``newest``, in seconds. Their folder may be in use."""
    with contextlib.suppress(OSError):
        for left in () if staging.is_symlink() else staging.iterdir():
            if left.lstat().st_mtime <= newest:
                left.unlink()


def hand_back_all(store: ClaimStore, *, crashed: bool, seconds: float | None = None) -> list[tuple[Claim, Path | None]]:
    """Put the files of all claims back into the inbox, but for those of other machines and those put off.

    What a worker works on stays as well, on this machine, too; what waits for one goes back.

    Args:
        crashed: whether what was running was cut off by a crash, which counts as an attempt.
        seconds: time this may take; what is left then stays claimed, and the next start takes it back.

    Returns:
        Each claim, and where its file lies now.
    """
    returned: list[tuple[Claim, Path | None]] = []
    if missing_mount(store.folders):
        return returned
    deadline = time.monotonic() + (float("inf") if seconds is None else seconds)
    here = machine()
    for claim in sorted(store.open_claims(), key=lambda claim: not claim.running):
        elsewhere = claim.owner.split(":")[0] not in ("", here)
        worked_on = bool(store.settings.pool) and claim.owner != heartbeat.identity()
        if claim.is_put_off:
            continue
        if (elsewhere or worked_on or not claim.keep) and store.is_owner_alive(claim):
            continue  # another machine's, a worker's, or a `nambat ingest` that somebody runs
        if time.monotonic() > deadline:
            break
        # What is wrong with one claim must not keep the others: it stays where it is, and `nambat status` shows it.
        with contextlib.suppress(Exception), locked(claims_lock(store.folders)):
            # A run that a killed service had just begun may have taken its claim over by now, or be done with it.
            with contextlib.suppress(Gone):
                now = store.load(claim.id)
                if store.settings.pool and now.owner != claim.owner:
                    continue  # a worker has begun with it this moment
                _end_run(store.folders, now.owner)
                claim = now
            if not store.folder(claim).exists():
                continue
            if crashed and claim.running and store.count_attempt(claim) >= store.settings.attempts:
                fault = crashed_too_often(store.settings.attempts)
                returned.append((claim, quarantine(store, claim, fault)))
            else:
                returned.append((claim, transfers.recover(store, claim)))
    return returned


def hand_back(store: ClaimStore, claims: Iterable[Claim]) -> list[tuple[Claim, Path | None]]:
    """Put the files of claims back into the inbox whose processes were ended on purpose.

    Returns:
        As :func:`hand_back_all`. What cannot be moved now stays, and a sweep takes it back.
    """
    returned: list[tuple[Claim, Path | None]] = []
    for claim in claims:
        with contextlib.suppress(Exception), locked(claims_lock(store.folders)):
            now = store.load(claim.id)
            if now.owner == claim.owner and not now.is_put_off:
                returned.append((now, transfers.recover(store, now)))
    return returned
