"""What publishing replaces: nothing that a person made or changed is lost, nor the text of another scan.

What is replaced is made again if every file is byte for byte as we wrote it and comes from the same scan. The published
JSON tells: it lists the other files with their SHA-256, and bears one of its own (see
:func:`flows.pipeline.publish.manifest`). All else goes to a folder of versions first, as ``NAME (date time).txt``.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from flows.faults import Passing
from flows.host.names import fitted, readable
from flows.language import _
from flows.pipeline import publish

MARKS = ("path_mark", "made_with")
"""What a published JSON may say of its source beside what the document knows; see ``PublishPlan``."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """Where the files of a document are put.

    Attributes:
        root: the folder of all that is published; below it no link is followed.
        staging: folder for files in the making, on the same file system.
        versions: folder for what would be lost; ``None`` to keep nothing.
        keeps_formats: whether files of the same scan stay in formats that are not asked for this time.
        timezone: in which the dates in the names of what is kept are told; empty for the machine's.
    """

    root: Path
    staging: Path
    versions: Path | None = None
    keeps_formats: bool = False
    timezone: str = ""


@dataclass(frozen=True, slots=True)
class Earlier:
    """What a published JSON says of an earlier publishing.

    Attributes:
        sha256: of the scan.
        files: name -> SHA-256 of the files beside it.
        parts: as how many parts the scan was published; 0 for one that was not taken apart.
        is_untouched: whether the JSON is byte for byte as it was written.
        is_edited: whether people changed the document.
    """

    sha256: str
    files: Mapping[str, str]
    parts: int
    is_untouched: bool
    is_edited: bool = False


class _ChangedMeanwhile(Exception):
    """Somebody wrote to a published file just now."""


def read_earlier(raw: bytes | None) -> Earlier | None:
    """What the bytes of a published JSON say; ``None`` where there are none, or they are none of ours."""
    try:
        data: dict[str, Any] = json.loads(raw or b"")
        files = {str(entry["name"]): str(entry["sha256"]) for entry in data["files"]}
        parts = max(0, min(int(data.get("parts", 0)), len(files)))
        is_untouched = publish.is_as_written(raw or b"")
        return Earlier(str(data["source"]["sha256"]), files, parts, is_untouched, bool(data.get("edits")))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def replace_published(
    files: Mapping[Path, bytes], sets: Sequence[Mapping[str, Path]], sha256: str, shelf: Shelf
) -> list[Path]:
    """Publish ``files``, keep what would be lost with what they replace, and remove what they leave behind.

    Args:
        files: target -> content; the JSON of the whole last.
        sets: format -> file of all that is or may have been published under this name, of each part and of the whole.
        sha256: of the scan.

    Returns:
        What was kept, where it lies now.

    Raises:
        Passing: a link or a folder lies in the way.
        OSError: nothing, or only some files, were replaced; none is half-written.
    """
    for tries in count(1):
        old = what_lies(sets, files, shelf.root)
        kept, gone = _keep(old, files, sets, sha256, shelf)

        def check(old: Mapping[Path, bytes] = old) -> None:
            if what_lies(sets, files, shelf.root) != old:
                raise _ChangedMeanwhile

        try:
            publish.publish(files, shelf.staging, gone, root=shelf.root, check=check)
        except _ChangedMeanwhile as fault:
            if tries == 10:
                folder = readable(next(iter(files)).parent)
                raise OSError(_("somebody writes to {folder} all the time").format(folder=folder)) from fault
            continue
        return kept
    raise AssertionError


def set_aside(sets: Sequence[Mapping[str, Path]], shelf: Shelf) -> list[Path]:
    """Copy all that lies at some places to the folder of versions, if there is one. Returns where it lies there.

    Raises:
        Passing: a link or a folder lies in the way.
        OSError: it cannot be copied.
    """
    if shelf.versions is None:
        return []
    old = what_lies(sets, (), shelf.root)
    there = ({form: path for form, path in one.items() if path in old} for one in sets)
    return [kept for one in there if one for kept in _put_aside(one, old, shelf, shelf.versions)]


def what_lies(sets: Iterable[Mapping[Any, Path]], files: Iterable[Path], root: Path) -> dict[Path, bytes]:
    """Content of the files that are there. What is no file is of no concern where none is to be put."""
    found: dict[Path, bytes] = {}
    for path in (path for one in sets for path in one.values()):
        try:
            content = publish.read_published(root, path)
        except Passing:
            if path in files:
                raise
            continue
        if content is not None:
            found[path] = content
    return found


def _keep(
    old: Mapping[Path, bytes],
    files: Mapping[Path, bytes],
    sets: Sequence[Mapping[str, Path]],
    sha256: str,
    shelf: Shelf,
) -> tuple[list[Path], list[Path]]:
    """Keep what would be lost. Returns where it lies now, and what is to be removed."""
    *_, record = files
    earlier = read_earlier(old.get(record))
    ours = _made_by_us(old, sets, sha256)
    safe = {path for path, content in old.items() if path in ours or content == files.get(path)}
    keeps_formats = shelf.keeps_formats and earlier is not None and earlier.sha256 == sha256
    kept: list[Path] = []
    gone: list[Path] = []
    for one in sets:
        there = {form: path for form, path in one.items() if path in old and _is_of_concern(path, files, earlier)}
        left = set(there.values()) - files.keys()
        if keeps_formats and _has_a_text(one, files):
            left.clear()
        if not safe.issuperset(there.values()):
            if shelf.versions is not None:
                kept += _put_aside(there, old, shelf, shelf.versions)
            else:
                left &= safe
        gone += sorted(left)
    return kept, gone


def _is_of_concern(path: Path, files: Mapping[Path, bytes], earlier: Earlier | None) -> bool:
    """Whether a file is to be replaced, or was published by us; else it is somebody's own."""
    return path in files or (earlier is not None and _name(path) in earlier.files)


def _has_a_text(one: Mapping[str, Path], files: Mapping[Path, bytes]) -> bool:
    return any(path in files for form, path in one.items() if form != "json")


def _made_by_us(old: Mapping[Path, bytes], sets: Iterable[Mapping[str, Path]], sha256: str) -> set[Path]:
    """Which files are byte for byte what was published from this scan, and so will be made again.

    None where people changed the document: another reading may have no place for what they did.
    """
    found: set[Path] = set()
    for one in sets:
        record = one["json"]
        earlier = read_earlier(old.get(record))
        if earlier is not None and earlier.is_untouched and not earlier.is_edited and earlier.sha256 == sha256:
            beside = (path for path in old if path.parent == record.parent)
            found |= {path for path in beside if earlier.files.get(_name(path)) == _hash(old[path])}
            found.add(record)
    return found


def _put_aside(there: Mapping[str, Path], old: Mapping[Path, bytes], shelf: Shelf, versions: Path) -> list[Path]:
    """Copy files that belong together to ``versions``, under their names and the date of the latest."""
    date = _date(max(path.stat().st_mtime for path in there.values()), shelf.timezone)
    for number in count(1):
        mark = f"{date:%Y-%m-%d %H%M%S}" + (f" {number}" if number > 1 else "")
        kept = {
            versions
            / path.parent.relative_to(shelf.root)
            / fitted(path.name.removesuffix(f".{form}"), f" ({mark}).{form}"): old[path]
            for form, path in there.items()
        }
        if all(publish.read_published(versions, place) in (None, content) for place, content in kept.items()):
            staging = versions / ".staging"
            publish.publish(kept, staging, root=versions)
            with contextlib.suppress(OSError):
                staging.rmdir()
            return list(kept)
    raise AssertionError


def _date(seconds: float, timezone: str = "") -> datetime:
    """The time of a file's last change; now, where that is no date (some file systems keep any number)."""
    zone = ZoneInfo(timezone) if timezone else None
    try:
        return datetime.fromtimestamp(seconds, zone)
    except (ValueError, OverflowError, OSError):
        return datetime.now(zone)


def _name(path: Path) -> str:
    return readable(path.name)


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def other_formats(record: Path, sha256: str, places: Iterable[Path], root: Path) -> dict[str, bytes]:
    """Name -> content of the files that a published JSON lists, among ``places``, if they are as we wrote them.

    Args:
        sha256: of the scan that they must come from.
    """
    earlier = read_earlier(publish.read_published(root, record))
    if earlier is None or not earlier.is_untouched or earlier.sha256 != sha256:
        return {}
    read = what_lies([dict(enumerate(places))], (), root)
    return {path.name: content for path, content in read.items() if earlier.files.get(_name(path)) == _hash(content)}


def path_mark(path: Path) -> str:
    """What tells an input from one of the same name elsewhere: 16 digits of the SHA-256 of its absolute path."""
    return _hash(os.fsencode(publish.without_dots(path)))[:16]


def is_anothers(record: Path, root: Path, path: Path) -> bool:
    """Whether a published JSON names another input than ``path``: one that lies elsewhere and has other bytes."""
    try:
        source = json.loads(publish.read_published(root, record) or b"")["source"]
        mark, sha256 = source.get("path_mark"), source["sha256"]
        if mark in (None, path_mark(path)):
            return False
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OSError, Passing):
        return False  # what is wrong there is said when it is published
    try:
        with path.open("rb") as file:
            return bool(sha256 != hashlib.file_digest(file, "sha256").hexdigest())
    except OSError:
        return True
