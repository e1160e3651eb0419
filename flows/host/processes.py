"""Processes of this machine: which run, since when, whose children they are, and how a whole family is ended.

The kernel tells all this in ``/proc``. Where that is not mounted, or shows only a part (``subset=pid``, ``hidepid``, a
bare chroot), what it does not tell is unknown, and unknown is neither "dead" nor a reason to stop: the callers then
go by the signs of life that each process leaves (:mod:`flows.host.heartbeat`).

psutil was tried and left out: to it a process that ``/proc`` does not show is gone, its start times follow the wall
clock, and its wait takes a child's exit status from the ``Popen`` that tells a killed worker by it. What it could
replace, :func:`descendants` and :func:`with_environment`, came out no shorter and took twice the time.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import os
import signal
import socket
import time
from pathlib import Path

PROC = Path("/proc")


@functools.cache
def machine() -> str:
    """A name for that in which process ids count: this boot of this kernel, this namespace (container)."""
    try:
        boot = (PROC / "sys/kernel/random/boot_id").read_text().strip()[:8]
    except OSError:
        # Still never the name of another machine on the same share, as long as host names differ.
        boot = "".join(letter for letter in socket.gethostname() if letter.isalnum()) or "unknown"
    return f"{boot}-{process_namespace():x}"


@functools.cache
def process_namespace() -> int:
    """What process ids count in: a container has its own. 0 where the kernel does not tell."""
    try:
        return (PROC / "self/ns/pid").stat().st_ino
    except OSError:
        return 0


def start_time(pid: int) -> int | None:
    """When a process began, in clock ticks since the machine did; ``None`` if the kernel does not tell.

    Raises:
        ProcessLookupError: there is no such process.
    """
    fields = _stat(pid)
    if fields is None and not is_running(pid):
        raise ProcessLookupError(pid)
    return int(fields[19]) if fields else None


def is_running(pid: int) -> bool:
    """Whether the process exists and is no zombie."""
    fields = _stat(pid)
    if fields is not None:
        return fields[0] not in ("Z", "X")
    if not 0 < pid < 2**31:
        return False  # a group of processes, for kill; or no number of a process at all
    try:
        # A child of ours that has ended still has its number until somebody waits for it.
        if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
            return False
    except OSError:
        pass  # no child of ours
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True  # another user's
    except OSError:
        return False
    return True


def _stat(pid: int) -> list[str] | None:
    """The fields of ``/proc/PID/stat`` after the program's name, which may hold anything; ``None`` if not told."""
    try:
        fields = (PROC / str(pid) / "stat").read_text("latin-1").rpartition(")")[2].split()
    except OSError:
        return None
    return fields if len(fields) > 19 else None


def descendants(pid: int) -> list[int]:
    """Process ids of the children of ``pid``, their children, and so on, as far as the kernel tells."""
    found: list[int] = []
    with contextlib.suppress(OSError):
        for task in (PROC / str(pid) / "task").iterdir():
            with contextlib.suppress(OSError):
                for child in map(int, (task / "children").read_text().split()):
                    found += [child, *descendants(child)]
    return found


def with_environment(name: str, value: str) -> list[int]:
    """Process ids of those that were started with this environment variable, as far as the kernel tells."""
    wanted = os.fsencode(f"{name}={value}")
    found = []
    for environment in PROC.glob("[0-9]*/environ"):
        with contextlib.suppress(OSError, ValueError):
            if wanted in environment.read_bytes().split(b"\0"):
                found.append(int(environment.parent.name))
    return found


def kill_tree(pid: int, seconds: float = 0) -> None:
    """Kill a process, its descendants and its process group; with ``seconds``, ask first and wait so long."""
    if seconds:
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and is_running(pid):
            time.sleep(0.05)
    children = descendants(pid)
    for one in (pid, *children):
        with contextlib.suppress(OSError):
            if os.getpgid(one) == one:
                os.killpg(one, signal.SIGKILL)
        with contextlib.suppress(OSError):
            os.kill(one, signal.SIGKILL)
    gone_by = time.monotonic() + 5
    while any(is_running(one) for one in (pid, *children)) and time.monotonic() < gone_by:
        time.sleep(0.01)


M_ARENA_MAX = -8
"""What glibc's ``mallopt`` calls its number of arenas."""


def use_one_arena() -> None:
    """Let all threads of this process, and its forks, take memory from one place; to be called before there are any.

    glibc would give each of eight threads a place of its own, and keep it: with all that a service runs at rest, 3 MB.
    """
    with contextlib.suppress(OSError, AttributeError):  # another C library
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 1)
