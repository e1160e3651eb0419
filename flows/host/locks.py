"""Locks between processes: lock files, which a process that dies lets go of."""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from flows.host.processes import machine
from flows.settings import Folders

FORGOTTEN = 7 * 86400.0
"""Seconds after which the places of a machine that has read no page are removed: each boot has its own."""

_had = threading.local()
"""The place that each thread has had last, by its kind."""


@contextlib.contextmanager
def locked(path: Path, *, wait: bool = True) -> Iterator[bool]:
    """Hold the lock file ``path``; yields whether it was to be had. A process that dies lets go of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
            return
        yield True
    finally:
        os.close(handle)


def claims_lock(folders: Folders) -> Path:
    """The lock under which a claim's record is changed."""
    return folders.working / ".claims.lock"


def moves_lock(folders: Folders) -> Path:
    """The lock under which a free name is chosen and taken."""
    return folders.working / ".moves.lock"


@contextlib.contextmanager
def page_slot(
    folders: Folders, count: int | Callable[[], int], pause: float = 0.05, *, kind: str = ""
) -> Iterator[None]:
    """One of ``count`` places for reading a page, shared by all processes of this machine that work on these folders.

    The places are locked files, so a process that dies gives its place back. Each machine has its own: several may
    read for one home, and on a share a lock is held against all of them.

    Args:
        count: how many there are; asked for again and again where it changes.
        pause: seconds between two looks for a free one.
        kind: of the places, where there is more than one.
    """
    home = slots_of(folders)
    home.mkdir(parents=True, exist_ok=True)
    had: dict[str, int] = _had.__dict__
    while True:
        places = range(count if isinstance(count, int) else count())
        # The place that this thread had before is free more often than not; each that is not costs a share some work.
        for number in sorted(places, key=lambda number: number != had.get(kind)):
            place = home / f"{kind}{number}"
            with locked(place, wait=False) as held:
                if held:
                    had[kind] = number
                    with contextlib.suppress(OSError):
                        os.utime(place)  # who is here still; see forget_slots()
                    yield
                    return
        time.sleep(pause)


def slots_of(folders: Folders) -> Path:
    """Where this machine's places for reading pages lie."""
    return folders.working / ".slots" / machine()


def forget_slots(folders: Folders, now: float) -> None:
    """Remove the places of machines that have not read for long.

    Args:
        now: on the clock of working/, in seconds.
    """
    for home in [place for place in (folders.working / ".slots").glob("*") if place != slots_of(folders)]:
        # Earlier versions had the places themselves here.
        places = sorted(home.iterdir()) if home.is_dir() else [home]
        with contextlib.suppress(OSError):
            if all(now - place.stat().st_mtime > FORGOTTEN for place in [*places, home]):
                for place in places:
                    place.unlink()
                if home.is_dir():
                    home.rmdir()
