"""A published document changed by a person: saved as a whole, the version before kept, nobody overwritten."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from flows import faults
from flows.host.names import fitted, readable
from flows.pipeline import parts, publish, saves, strangers, versions
from flows.pipeline.versions import Shelf
from normalize.document import Document, Edit
from normalize.edits import apply
from normalize.edits.edit import typed
from normalize.edits.replay import replay
from normalize.formats import FOOTNOTE_STYLES, WRITERS, write
from normalize.formats.read_record import edits_of, from_dict


@dataclass(frozen=True, slots=True)
class Revised:
    """A document that was changed and saved.

    Attributes:
        document: as it is now.
        seal: of its published JSON, which the next change must have seen.
        files: what was published.
        kept: where the version before lies.
    """

    document: Document
    seal: str
    files: tuple[Path, ...]
    kept: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class _Saved:
    """A document that was saved, with what else its JSON tells of how it is published.

    Attributes:
        data: of the JSON: ``source``, ``files`` and, where it is published in parts, ``parts``.
        footnotes: where notes stand in the text.
    """

    document: Document
    data: Mapping[str, Any]
    footnotes: str | None = None


_last_saved: dict[str, _Saved] = {}
"""By its seal, the document that this process saved last: who changes one changes it again."""


def revise(
    shelf: Shelf, record: Path, seen: str, edits: Sequence[Edit], who: str, footnotes: str = "paragraph"
) -> Revised:
    """Make edits in a published document and publish it anew in all formats that it has.

    Args:
        record: its published JSON.
        seen: the ``this_file`` of the JSON that the person had before them.
        edits: in their order; all of them are made or none.
        who: makes them.
        footnotes: where notes stand, if the published text does not tell.

    Raises:
        Stale: somebody changed the document meanwhile.
        EditRefused: an edit does not fit the document, or it is none that can be changed.
        Passing: a link or a folder lies in the way.
        OSError: it cannot be read or written.
    """

    def change(document: Document) -> Document:
        for edit in edits:
            document = apply.apply(document, replace(edit, who=typed(who)))
        return document

    return _revised(shelf, record, seen, change, footnotes)


def undo(shelf: Shelf, record: Path, seen: str, edit: str | None = None, footnotes: str = "paragraph") -> Revised:
    """Undo an edit of a published document; the last one, if none is named. See :func:`revise`."""
    return _revised(shelf, record, seen, lambda document: apply.undo(document, edit), footnotes)


def redo(shelf: Shelf, record: Path, seen: str, footnotes: str = "paragraph") -> Revised:
    """Make the edit again that was undone last. See :func:`revise`."""
    return _revised(shelf, record, seen, apply.redo, footnotes)


def _revised(shelf: Shelf, record: Path, seen: str, change: Callable[[Document], Document], footnotes: str) -> Revised:
    with saves.document_lock(shelf.root, record):
        saves.finish_saves(shelf, record)
        raw = publish.read_published(shelf.root, record)
        if raw is None:
            raise faults.NOT_PUBLISHED.fault(name=readable(record.name))
        if publish.seal_of(raw) != seen:
            raise faults.STALE.fault(name=readable(record.name))
        lies = (publish.is_as_written(raw) and _last_saved.get(seen)) or _read(raw, record)
        if "part" in lies.data:
            raise faults.PART_OF_A_FILE.fault(name=readable(publish.PART_END.sub("", record.stem)))
        try:
            changed = change(lies.document)
        except apply.DoesNotFit as fault:
            raise faults.EDIT_DOES_NOT_FIT.fault(str(fault), why=str(fault)) from fault
        return _save(shelf, record, lies, changed, footnotes)


def _read(raw: bytes, record: Path) -> _Saved:
    try:
        data = json.loads(raw)
        return _Saved(from_dict(data), data)
    except (ValueError, RecursionError) as fault:
        raise faults.NOT_PUBLISHED.fault(str(fault), name=readable(record.name)) from fault


def _save(shelf: Shelf, record: Path, before: _Saved, document: Document, footnotes: str) -> Revised:
    data = before.data
    count = int(data.get("parts", 0))
    listed = {str(one["name"]): str(one["sha256"]) for one in data["files"]}
    targets = _targets(record, listed, count)
    style = footnotes
    if not count:
        style = before.footnotes or _footnote_style(before.document, targets, listed, footnotes)
    sets = parts.file_sets(document, _split_mode(document, count), targets, style)
    for one in sets:
        one.data["source"] |= {
            mark: data["source"][mark] for mark in ("path_mark", "made_with") if mark in data["source"]
        }
    files = {target: content for one in sets for target, content in one.files.items()}
    lying = parts.all_sets(targets, shelf.root, count)
    old = versions.what_lies(lying, files, shelf.root)
    kept = versions.set_aside(lying, shelf)

    def check() -> None:
        if versions.what_lies(lying, files, shelf.root) != old:
            raise faults.STALE.fault(name=readable(record.name))

    saves.save(files, shelf, record, check)
    seal = publish.seal_of(files[record])
    now = {name: data[name] for name in ("source", "parts") if name in data}
    now["files"] = [
        {"name": readable(target.name), "sha256": _hash(content)} for target, content in sets[-1].texts.items()
    ]
    _last_saved.clear()
    _last_saved[seal] = _Saved(document, now, style)
    return Revised(document, seal, tuple(files), tuple(kept))


def _targets(record: Path, listed: Mapping[str, str], count: int) -> dict[str, Path]:
    """Format -> file of all that the JSON lists, of the whole or of its first part, and the JSON."""
    stem = record.name.removesuffix(".json")
    whole = {form: record.with_name(fitted(stem, f".{form}")) for form in WRITERS} | {"json": record}
    of_one = parts.part_targets(whole, 1) if count else whole
    return {form: whole[form] for form in WRITERS if readable(of_one[form].name) in listed} | {"json": record}


def _footnote_style(document: Document, targets: Mapping[str, Path], listed: Mapping[str, str], usual: str) -> str:
    """Where notes stand in the published text: the style in which it has the hash that the JSON lists."""
    for style in (usual, *FOOTNOTE_STYLES):
        for form, target in targets.items():
            if form != "json" and listed[readable(target.name)] == _hash(write(document, form, style)):
                return style
    return usual


def _split_mode(document: Document, count: int) -> str:
    """How a file was taken apart: the way that gives as many parts."""
    if not count:
        return "off"
    return next((mode for mode in ("separator", "letterhead") if len(parts.starts(document, mode)) == count), "off")


def with_earlier_edits(document: Document, targets: Mapping[str, Path], root: Path) -> Document:
    """The document with what people changed in it when the same scan was published before.

    Args:
        document: as it was read anew and repaired.
        targets: format -> file that the name of its scan gives.
    """
    for _, data in strangers.published_under(targets, root):
        try:
            if data["source"]["sha256"] == document.source.sha256 and (edits := edits_of(data)):
                return replay(document, edits)[0]
        except (KeyError, TypeError, ValueError):  # none of ours; versions/ keeps it
            continue
    return document


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
