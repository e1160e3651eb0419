"""Files written whole or not at all, and so that they outlive a power cut."""

from __future__ import annotations

import contextlib
import os
import secrets
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
    for above in missing[1:]:
        sync_folder(above)


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
