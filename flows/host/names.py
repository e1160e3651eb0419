"""File names: shown to people, and short enough for a file system."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from datetime import UTC, datetime
from pathlib import Path

from unidecode import unidecode

NAME_BYTES = 255
"""Longest file name on the usual file systems, in bytes."""

PATH_BYTES = 4096
"""Length that no path of a system call may reach, in bytes."""


_DATED_ID = re.compile(r"\d{8}-\d{6}-[0-9a-f]{8}", re.ASCII)


def new_id(now: datetime | None = None) -> str:
    """An id that nothing else has, and that sorts by its time: of a claim, an entry, a batch."""
    return f"{now or datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(4)}"


def is_id(text: str) -> bool:
    """Whether :func:`new_id` could have made this: ids become parts of paths, and may come from anywhere."""
    return _DATED_ID.fullmatch(text) is not None


def readable(name: str | Path) -> str:
    """``name`` as text to show, log and store: undecodable bytes and control characters are replaced."""
    text = os.fsencode(name).decode("utf-8", "replace")
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def fitted(name: str, suffix: str) -> str:
    """``name + suffix``; where that is too long for a file system, shortened and told apart by a hash."""
    whole = os.fsencode(name + suffix)
    if len(whole) <= NAME_BYTES:
        return name + suffix
    mark = "~" + hashlib.sha256(os.fsencode(name)).hexdigest()[:12] + suffix
    kept = os.fsencode(name)[: NAME_BYTES - len(os.fsencode(mark))]
    while kept and len(kept) < len(os.fsencode(name)) and os.fsencode(name)[len(kept)] & 0xC0 == 0x80:
        kept = kept[:-1]  # do not cut a letter in two
    return os.fsdecode(kept) + mark


def dashed(name: str) -> str:
    """``name`` in small plain letters and digits, with a dash for each run of other signs."""
    plain = "".join(char if char.isalnum() and char.isascii() else "-" for char in unidecode(name).lower())
    return "-".join(part for part in plain.split("-") if part)
