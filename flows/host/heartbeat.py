"""Signs of life: which process still answers for what it claimed, on this machine and on others.

A process is named by machine, process id and start time. Whether one of this machine lives, its kernel knows.
For one of another machine (folders on a share, two containers on one volume), and for one whose start the kernel
does not tell, there is only what it leaves in the folder itself: every few seconds each process that holds claims
touches ``working/.alive/<name>``. Ages are taken on the file system's own clock, by touching a file there: two
machines seldom agree on the time.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import os
import secrets
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

from flows.host.processes import is_running, machine, start_time
from flows.settings import Folders

BEAT = 5.0
"""Seconds between two signs of life."""

UNTOLD = "x"
"""How the start time begins in the name of a process of which the kernel does not tell it: a random number follows."""

FORGOTTEN = 24 * 3600.0
"""Seconds after which a silent process's file is removed."""


def identity(pid: int | None = None) -> str:
    """A name for a process of this machine that no later process has: machine, process id and start time.

    Raises:
        OSError: there is no such process, or nothing tells it from a later one of the same number.
    """
    if pid is None or pid == os.getpid():
        return _own_identity(os.getpid())
    began = start_time(pid)
    if began is None:
        raise OSError(errno.ENOTSUP, "the kernel does not tell when it began", str(pid))
    return f"{machine()}:{pid}:{began}"


@functools.cache
def _own_identity(pid: int) -> str:
    return f"{machine()}:{pid}:{start_time(pid) or UNTOLD + secrets.token_hex(6)}"


def pid_of(folders: Folders, owner: str, patience: float = 2 * BEAT) -> int | None:
    """The process id of ``owner`` (see :func:`identity`) if that very process still runs on this machine.

    Args:
        patience: where the kernel tells only that some process of this number runs, it counts as the owner if that
            left a sign of life in the last so many seconds. No number is given out anew within few seconds.
    """
    try:
        where, number, began = owner.split(":")
        pid = int(number)
        if where != machine() or not is_running(pid):
            return None
        now = None if began.startswith(UNTOLD) else start_time(pid)
    except (ValueError, OSError):
        return None
    if owner == identity():
        return pid
    lives = _beats(folders, owner, patience) if now is None else str(now) == began
    return pid if lives else None


def host() -> str:
    """This machine's name, for people."""
    return socket.gethostname()


def is_alive(folders: Folders, owner: str, patience: float) -> bool:
    """Whether the process that ``owner`` names still runs, here or elsewhere.

    Args:
        patience: seconds of silence after which a process counts as dead of which the kernel tells nothing.
    """
    if owner.split(":")[0] == machine():
        return pid_of(folders, owner, patience) is not None
    return _beats(folders, owner, patience)


def _beats(folders: Folders, owner: str, patience: float) -> bool:
    """Whether ``owner`` left a sign of life in the last ``patience`` seconds."""
    last = last_beat(folders, owner)
    if last is None:
        return False
    try:
        return beat(folders, identity()) - last < patience
    except OSError:
        return True  # the folder cannot be written now; who knows


def beat(folders: Folders, owner: str) -> float:
    """Leave a sign of life; returns its time on the file system's clock, in seconds.

    Raises:
        OSError: it cannot be left.
    """
    path = _sign(folders, owner)
    with contextlib.suppress(FileExistsError):
        path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        os.utime(handle)
        return os.fstat(handle).st_mtime
    finally:
        os.close(handle)


def last_beat(folders: Folders, owner: str) -> float | None:
    """When ``owner`` last left a sign of life, on the file system's clock; ``None`` if never."""
    if not owner or "/" in owner or owner.startswith("."):
        return None
    try:
        # Opened and not just looked at: shares keep what they know of a file for a minute, but not past an open.
        with _sign(folders, owner).open("rb") as file:
            return os.fstat(file.fileno()).st_mtime
    except OSError:
        return None


def take_back(folders: Folders, owner: str) -> None:
    """Remove the sign of life of one who ends."""
    with contextlib.suppress(OSError):
        _sign(folders, owner).unlink(missing_ok=True)


def _sign(folders: Folders, owner: str) -> Path:
    return folders.working / ".alive" / owner


@contextlib.contextmanager
def beating(folders: Folders) -> Iterator[None]:
    """Leave signs of life for this process as long as the block runs."""
    own = identity()
    over = threading.Event()

    def go_on() -> None:
        while not over.wait(BEAT):
            with contextlib.suppress(OSError):  # a full disk does not keep a file from being touched
                beat(folders, own)

    with contextlib.suppress(OSError):
        _forget_the_silent(folders, beat(folders, own))
    thread = threading.Thread(target=go_on, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(1)
        take_back(folders, own)


def _forget_the_silent(folders: Folders, now: float) -> None:
    for sign in (folders.working / ".alive").iterdir():
        with contextlib.suppress(OSError):
            if now - sign.stat().st_mtime > FORGOTTEN:
                sign.unlink()
