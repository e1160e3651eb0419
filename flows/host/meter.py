"""What happened to documents, counted over all processes that work on these folders, on this machine and others.

A run is a process that ends with its document, so what it counted must outlive it: it adds a line to
``working/.counts/new.jsonl``. Now and then, when that file has grown, whoever adds to it puts the sums into
``totals.json`` and begins a new one; nobody else need come by for the folder to stay small. Who asks reads both, and
writes nothing. All is done under one lock.

A process that is killed leaves its line whole or not at all. The totals say how far they go in which file (each has a
name of its own in its first line), so that one that is killed between writing them and removing the file makes nothing
count twice. Nothing is flushed to disk: after a power cut some counts may be gone, and so may all of them if somebody
empties the folder. Counters may begin at 0 again; no document waits for them, and none is lost with them.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from flows.host.files import replace_file
from flows.host.locks import locked
from flows.settings import Folders

MOST_NEW = 64_000
"""Bytes of lines after which they go into the totals: those of some 300 documents, read in a millisecond."""

MOST = 1e300
"""What is no count any more: such a sum could not be written down, or not read again."""

Counts = Mapping[str, float]
"""How much there was of what; what is called with a word or some, with slashes between."""


def count(folders: Folders, amounts: Counts) -> None:
    """Add to the counts. Where that cannot be (a full disk), they are too low; nothing else goes wrong."""
    with contextlib.suppress(OSError), locked(_lock(folders)):
        if _add(_new(folders), json.dumps(dict(amounts))) > MOST_NEW:
            _put_into_totals(folders)


def count_end(folders: Folders, how: str, fault: str = "") -> None:
    """Count that the work on a document ended.

    Args:
        how: ``published``, ``copied``, ``unpacked``, ``put off``, ``quarantined``, ``kept`` (one that was published
            before could not be read again) or ``returned`` (to the inbox).
        fault: what kind of fault it was that ended it, if one did: the name of its class.
    """
    count(folders, {f"documents/{how}": 1, **({f"failures/{how}/{fault}": 1} if fault else {})})


def counted(folders: Folders) -> dict[str, float]:
    """All that was counted in these folders so far.

    Raises:
        OSError: it cannot be read.
    """
    with locked(_lock(folders)):
        return dict(_sums(folders))


def _lock(folders: Folders) -> Path:
    return folders.working / ".counts" / ".lock"


def _new(folders: Folders) -> Path:
    return folders.working / ".counts" / "new.jsonl"


def _totals(folders: Folders) -> Path:
    return folders.working / ".counts" / "totals.json"


def _add(path: Path, line: str) -> int:
    """Add a line to a file, in one write; how many bytes it has then."""
    file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        size = os.fstat(file).st_size
        if size == 0:
            line = f"{json.dumps({'file': secrets.token_hex(8)})}\n{line}"
        elif os.pread(file, 1, size - 1) != b"\n":
            line = f"\n{line}"  # the disk was full in the middle of the last one
        return size + os.write(file, f"{line}\n".encode())
    finally:
        os.close(file)


def _sums(folders: Folders) -> Counter[str]:
    """The totals, and what they do not hold yet."""
    kept = _kept(folders)
    sums = Counter(_amounts(kept.get("counts")))
    lines = _lines(_new(folders))
    is_held = bool(lines) and _file_of(lines) != "" and _file_of(lines) == kept.get("file")
    for line in lines[_whole(kept.get("lines")) if is_held else 0 :]:
        sums.update(_amounts(_read(line)))
    return sums


def _put_into_totals(folders: Folders) -> None:
    """Make totals of all there is.

    Raises:
        OSError: they cannot be written.
    """
    new = _new(folders)
    lines = _lines(new)
    totals = {"counts": _sums(folders), "file": _file_of(lines), "lines": len(lines)}
    replace_file(_totals(folders), json.dumps(totals).encode())
    new.unlink()


def _kept(folders: Folders) -> Mapping[str, object]:
    with contextlib.suppress(FileNotFoundError):
        found = _read(_totals(folders).read_bytes())
        return found if isinstance(found, dict) else {}
    return {}


def _lines(path: Path) -> list[bytes]:
    with contextlib.suppress(FileNotFoundError):
        return path.read_bytes().splitlines()
    return []


def _file_of(lines: list[bytes]) -> str:
    """What a file of lines calls itself; empty where its first line is not whole."""
    first = _read(lines[0]) if lines else None
    return str(first.get("file", "")) if isinstance(first, dict) else ""


def _read(line: bytes) -> object:
    """What a line says; ``None`` where it is not whole."""
    with contextlib.suppress(ValueError, RecursionError):
        return json.loads(line)
    return None


def _amounts(found: object) -> dict[str, float]:
    """What of it are amounts: the folder may hold anything."""
    return dict(_numbers(found)) if isinstance(found, dict) else {}


def _numbers(found: Mapping[object, object]) -> Iterator[tuple[str, float]]:
    for what, amount in found.items():
        is_name = isinstance(what, str) and what.isprintable()  # halves of letters can be told nobody
        if is_name and isinstance(amount, int | float) and 0 < amount < MOST:
            yield str(what), amount


def _whole(number: object) -> int:
    return number if isinstance(number, int) and number >= 0 else 0
