"""What is piped into ``nambat convert -`` and ``nambat normalize -``, as a file of a name that the user gives."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from flows import faults
from flows.pipeline.archives import Opened

MARK = Path("-")
"""Stands on the command line for standard input."""

PLACE = Path("/dev/stdin")
"""The folder that what is piped in counts as lying in: the same each time, so that it is published under its name again
and never under that of a file."""

_CHUNK = 1 << 20


def is_plain_name(name: str) -> bool:
    """Whether a name may be a file's: without folders, and without signs that nobody sees."""
    return name not in ("", ".", "..") and "/" not in name and name.isprintable() and len(os.fsencode(name)) <= 200


def spool(stream: BinaryIO, name: str, folder: Path, most: int) -> Path:
    """Write what comes to a file of that name in ``folder``, which is made. Returns where it lies.

    Args:
        most: bytes that may come.

    Raises:
        TooLarge: more come; nothing is left of them.
        OSError: it cannot be read or written.
    """
    folder.mkdir()
    place, count = folder / name, 0
    with place.open("xb") as file:
        while chunk := stream.read(_CHUNK):
            count += len(chunk)
            if count > most:
                file.truncate(0)
                raise faults.PIPED_TOO_LARGE.fault(most=most / 1e6)
            file.write(chunk)
    return place


def as_piped(opened: Opened, folder: Path, plain: str, family: Sequence[str]) -> Opened:
    """What was spooled to ``folder``, or unpacked from it, as if it lay in :data:`PLACE`.

    Args:
        plain: the suffix that a name gets which has none of a ``family``, so that ``--name X`` gives ``X.txt``.
    """
    files: list[tuple[Path, Path]] = []
    places = dict(opened.places)
    for path, root in opened.files:
        if root == folder:
            name = path.relative_to(folder)
            known = name.name.lower().endswith(tuple(family))
            piped = PLACE / (name if known else name.with_name(name.name + plain))
            files.append((piped, PLACE))
            places[piped] = places.get(path, path)
        else:
            files.append((path, root))
    return replace(opened, files=files, places=places)
