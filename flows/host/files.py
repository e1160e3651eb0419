"""Files written whole or not at all, and so that they outlive a power cut."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from pathlib import Path


def sync_folder(folder: Path) -> None:
    """Make renames in ``folder`` outlive a power cut. File systems that cannot (some shares) are let off."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def make_folder(folder: Path) -> None:
    """Make ``folder`` and those above it, so that they outlive a power cut.

    Raises:
        OSError: it cannot be made.
    """
    missing = [folder]
    while not missing[-1].exists() and missing[-1] != missing[-1].parent:
        missing.append(missing[-1].parent)
    folder.mkdir(parents=True, exist_ok=True)
    for made in reversed(missing[:-1]):
        hand_on(made, made.parent)
    for above in missing[1:]:
        sync_folder(above)


def hand_on(path: Path, folder: Path) -> None:
    """Give a new file or folder the group of the folder it is for, where that hands on its group (setgid).

    It may then be read by those who may read the folder. What is made elsewhere and moved there would keep the group
    of the process.

    A folder of a group that this user is not in is left alone.
    """
    handles = [os.open(one, os.O_RDONLY | os.O_CLOEXEC) for one in (path, folder)]
    try:
        hand_on_opened(*handles)
    finally:
        for handle in handles:
            os.close(handle)


def hand_on_opened(made: int, folder: int) -> None:
    """The same by handles, of a file or folder that was made and of the folder it is for."""
    above, below = os.fstat(folder), os.fstat(made)
    if not above.st_mode & stat.S_ISGID:
        return
    mode = stat.S_IMODE(above.st_mode)
    readable = stat.S_IRUSR | stat.S_IWUSR | mode & (stat.S_IRGRP | stat.S_IROTH)
    with contextlib.suppress(OSError):
        if below.st_gid != above.st_gid:
            os.fchown(made, -1, above.st_gid)
        os.fchmod(made, mode if stat.S_ISDIR(below.st_mode) else readable)


def write_synced(path: Path, data: bytes) -> None:
    """Write ``data`` to the new file ``path`` and on to the disk; an incomplete file is removed again.

    Raises:
        OSError: it cannot be written.
    """
    try:
        with path.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def replace_file(path: Path, data: bytes, *, at_once: bool = True) -> None:
    """Write ``path`` whole or not at all, by way of a hidden file beside it. For our own small records.

    Args:
        at_once: whether the new record must outlive a power cut from here on. Otherwise the old one may come back.

    Raises:
        OSError: it cannot be written; the old file is untouched.
    """
    beside = path.with_name(f".{secrets.token_hex(8)}.tmp")
    write_synced(beside, data)
    try:
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    if at_once:
        sync_folder(path.parent)


def try_writing(folder: Path) -> float:
    """Write a file into ``folder`` and remove it again: rights, shares and full disks show only so.

    The file has no name where the file system knows such files, so that nobody sees it and no crash leaves it there.

    Returns:
        Its time on the file system's own clock, in seconds.

    Raises:
        OSError: nothing can be written there.
    """
    flags = os.O_RDWR | os.O_CLOEXEC
    beside = folder / f".{secrets.token_hex(8)}.tmp"
    try:
        handle = os.open(folder, flags | os.O_TMPFILE, 0o600)
    except PermissionError:
        raise
    except OSError as fault:
        if fault.errno not in (errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL):
            raise
        handle = os.open(beside, flags | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(handle, b"\0" * 4096)
        return os.fstat(handle).st_mtime
    finally:
        try:
            os.close(handle)  # shares tell only now that it could not be written
        finally:
            beside.unlink(missing_ok=True)
