"""Locks between processes: lock files, which a process that dies lets go of."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from flows.settings import Folders


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
    """One of ``count`` places for reading a page, shared by all processes that work on these folders.

    The places are locked files, so a process that dies gives its place back.

    Args:
        count: how many there are; asked for again and again where it changes.
        pause: seconds between two looks for a free one.
        kind: of the places, where there is more than one.
    """
    home = folders.working / ".slots"
    home.mkdir(parents=True, exist_ok=True)
    while True:
        for number in range(count if isinstance(count, int) else count()):
            with locked(home / f"{kind}{number}", wait=False) as held:
                if held:
                    yield
                    return
        time.sleep(pause)
