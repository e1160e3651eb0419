"""What people have dropped into the inbox, and which of it is whole."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from flows.host.moves import PART, Gone, open_regular
from flows.language import N_, _, cause

HELD = ".nambat-"
"""How the hidden name of a file begins that is held in the inbox; its claim's mark follows."""

JUNK_NAMES = frozenset({"thumbs.db", "desktop.ini", "ehthumbs.db"})
JUNK_STARTS = (".", "~$", "._")
JUNK_ENDS = (
    "~",
    ".part",
    ".partial",
    ".crdownload",
    ".download",
    ".filepart",
    ".tmp",
    ".temp",
    ".swp",
    ".!ut",
)


def is_junk(name: str) -> bool:
    """Whether a file of this name is none of ours: an office lock, a download under way, a system file."""
    low = name.lower()
    return low in JUNK_NAMES or low.startswith(JUNK_STARTS) or low.endswith(JUNK_ENDS)


@dataclass(frozen=True, slots=True)
class Look:
    """How a file looked: while any of this changes, it is still arriving.

    Attributes:
        size: in bytes.
        modified: time of the last change, in nanoseconds.
    """

    size: int
    modified: int


def look_at(path: Path) -> Look:
    """How a file looks at this moment. What a listing says of a file on a network share may be a minute old.

    Raises:
        Gone: it is no regular file.
        OSError: it is not there, or its folder cannot be looked into.
    """
    try:
        # Shares keep what they know of a file for a while, but not past an open.
        handle = open_regular(path)
    except PermissionError:
        status = path.lstat()
    else:
        try:
            status = os.fstat(handle)
        finally:
            os.close(handle)
    return Look(status.st_size, status.st_mtime_ns)


NO_FILE = N_("a link, pipe or device: not taken")


@dataclass(frozen=True, slots=True)
class Listing:
    """What lies in the inbox.

    Attributes:
        files: path below the inbox -> how it looks; regular files only.
        refused: path of what is not taken -> why: links, pipes and devices, which are never opened, and folders
            that cannot be looked into.
        hidden: paths of originals that are held here while their copies are worked on (see
            :func:`flows.intake.transfers.take`).
    """

    files: dict[str, Look]
    refused: dict[str, str]
    hidden: tuple[str, ...] = ()


def list_inbox(inbox: Path) -> Listing:
    """Everything in the inbox and its subfolders that is no junk. Links are not followed."""
    files: dict[str, Look] = {}
    refused: dict[str, str] = {}
    hidden: list[str] = []
    waiting = [""]
    while waiting:
        below = waiting.pop()
        try:
            entries = sorted(os.scandir(inbox / below), key=lambda entry: entry.name)
        except (FileNotFoundError, NotADirectoryError):
            continue  # gone since it was listed
        except OSError as fault:
            said = _("a folder that cannot be looked into ({cause}): nothing in it is taken")
            refused[below or "."] = said.format(cause=cause(fault))
            continue
        folders = []
        for entry in entries:
            path = f"{below}{entry.name}"
            if entry.name.startswith(HELD) and not entry.name.endswith(PART):
                hidden.append(path)
            if is_junk(entry.name):
                continue
            try:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(f"{path}/")
                elif entry.is_file(follow_symlinks=False):
                    status = entry.stat(follow_symlinks=False)
                    files[path] = Look(status.st_size, status.st_mtime_ns)
                else:
                    refused[path] = _(NO_FILE)
            except FileNotFoundError:
                continue  # gone since it was listed
            except OSError as fault:
                refused[path] = _("cannot be looked at ({cause}): not taken").format(cause=cause(fault))
        waiting += reversed(folders)
    return Listing(files, refused, tuple(hidden))


@dataclass(slots=True)
class StabilityTracker:
    """How long each file of the inbox has looked the same. Pure: the caller brings the listings and the time.

    Only what was seen counts. A file's own time stamps say little: copies keep old ones, and a share's clock
    is another one than ours. The time is that of a clock that nobody sets: else an hour put forward would let a file
    that is just arriving look as if it had lain still for an hour.

    Attributes:
        clock: which clock that is: one that counts from the start of a machine says nothing after the next start.
        since: path -> how it looks, and when it was first seen like that.
        is_news: whether the last listing brought anything new.
    """

    clock: str
    since: dict[str, tuple[Look, float]] = field(default_factory=dict)
    is_news: bool = False

    def observe(self, files: Mapping[str, Look], now: float) -> dict[str, float]:
        """Take note of a listing made at ``now`` and return for how many seconds each file is unchanged."""
        noted: dict[str, tuple[Look, float]] = {}
        for path, look in files.items():
            before = self.since.get(path)
            if before is not None and before[0] == look and before[1] <= now:
                noted[path] = before
            else:
                noted[path] = (look, now)
        self.is_news = self.is_news or noted != self.since
        self.since = noted
        return {path: now - since for path, (_, since) in noted.items()}

    def dump(self) -> str:
        """As JSON, for the next process that looks."""
        since = {path: [look.size, look.modified, at] for path, (look, at) in self.since.items()}
        return json.dumps({"clock": self.clock, "since": since})

    @classmethod
    def load(cls, text: str | bytes, clock: str) -> StabilityTracker:
        """What :meth:`dump` wrote; an empty tracker if it cannot be read, or is by another clock."""
        try:
            dumped = json.loads(text)
            noted = {path: (Look(*look), float(at)) for path, (*look, at) in dumped["since"].items()}
            if dumped["clock"] == clock and all(isinstance(look.size, int) for look, _ in noted.values()):
                return cls(clock, noted)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            pass
        return cls(clock)


def looks_whole(path: Path) -> bool:
    """Whether a file begins and ends as its format does. False may mean: still arriving.

    Looks at a few kilobytes only. Formats whose end says nothing (TIFF) and files of no known format count as
    whole when they begin as they should.
    """
    head, tail = _head_and_tail(path)
    return _ends_whole(head, tail) or head.startswith((b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+"))


def is_whole_and_closed(path: Path) -> bool:
    """Whether a file ends as its format does, of those whose end tells, and nobody on this machine writes to it."""
    return _ends_whole(*_head_and_tail(path)) and not is_written_to(path)


def is_written_to(path: Path) -> bool:
    """Whether a process of this machine has a file open to write. False where the kernel does not tell."""
    try:
        handle = open_regular(path)
    except (OSError, Gone):
        return False
    try:
        # A lease is given only if nobody has it open to write. Who opens it in this very moment waits until it is given
        # back, and the kernel sends a signal that would end this process, but for this one, which is ignored.
        fcntl.fcntl(handle, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError as fault:
        return fault.errno == errno.EAGAIN
    finally:
        os.close(handle)
    return False


def _head_and_tail(path: Path) -> tuple[bytes, bytes]:
    """The first and the last bytes of a file; none if it is gone or cannot be read."""
    try:
        with os.fdopen(open_regular(path), "rb") as file:
            head = file.read(1024)
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - 2048))
            return head, file.read()
    except (OSError, Gone):
        return b"", b""


def _ends_whole(head: bytes, tail: bytes) -> bool:
    """Whether a file of a format whose end tells has come to it."""
    if head.startswith(b"PK\x03\x04"):
        at = tail.rfind(b"PK\x05\x06")  # behind it stand 18 bytes and a remark of as many bytes as the last two say
        return at >= 0 and len(tail) - at == 22 + int.from_bytes(tail[at + 20 : at + 22], "little")
    if b"%PDF-" in head:
        return b"%%EOF" in tail
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return b"IEND" in tail
    if head.startswith(b"\xff\xd8\xff"):
        return b"\xff\xd9" in tail
    return False


def _never(path: str) -> bool:
    return False


def ready_files(
    inbox: Path,
    listing: Listing,
    unchanged: Mapping[str, float],
    *,
    settle: float,
    settle_broken: float,
    is_settled: Callable[[str], bool] = _never,
) -> list[str]:
    """The files that can be taken, oldest first.

    Args:
        unchanged: path -> for how many seconds it has looked the same.
        settle: seconds after which a file that looks whole is taken.
        settle_broken: seconds after which one that does not is taken all the same: it will not get better.
        is_settled: whether the writer of a file is known to be done with it: then it need not lie still any longer.
    """

    def is_ready(path: str, seconds: float) -> bool:
        if seconds >= settle:
            return seconds >= settle_broken or looks_whole(inbox / path)
        return is_settled(path) and is_whole_and_closed(inbox / path)

    ready = [path for path, seconds in unchanged.items() if is_ready(path, seconds)]
    return sorted(ready, key=lambda path: (listing.files[path].modified, path))
