"""A file that holds several documents, published as one set of files for each (``NAMBAT_SPLIT``).

``b.pdf`` becomes ``b-1.txt`` and ``b-1.json``, ``b-2.txt`` and ``b-2.json``, and so on, and ``b.json``: the record of
the whole file, which names all of these with their SHA-256 and is put in place last. There is no ``b.txt`` then; the
texts of the parts one after the other are what it would be. Where a file holds one document nothing is different.

So that no other scan is published under such a name, ``b-1.pdf`` keeps its suffix while files are split
(``b-1.pdf.txt``).
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from flows.host.names import fitted
from flows.pipeline import publish
from flows.pipeline.publish import read_published
from flows.pipeline.versions import Shelf, other_formats, read_earlier, replace_published
from normalize.document import Document
from normalize.formats import WRITERS, to_dict, write


@dataclass(frozen=True, slots=True)
class FileSet:
    """What is published of one document.

    Attributes:
        targets: format -> file, ``json`` among them.
        texts: content of each, without the JSON.
        data: what the JSON holds, without the list of files.
        beside: name -> content of files in other formats that stay.
    """

    targets: Mapping[str, Path]
    texts: Mapping[Path, bytes]
    data: dict[str, Any]
    beside: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def files(self) -> dict[Path, bytes]:
        """Content of each, the JSON last."""
        texts = {os.fsdecode(target.name): content for target, content in self.texts.items()}
        return {**self.texts, self.targets["json"]: publish.manifest(self.data, {**texts, **self.beside})}


def part_targets(targets: Mapping[str, Path], number: int) -> dict[str, Path]:
    """Where a part is published, by the place of the whole.

    Args:
        number: 1 for the first.
    """
    return {
        form: target.with_name(fitted(f"{target.name.removesuffix(f'.{form}')}-{number}", f".{form}"))
        for form, target in targets.items()
    }


def may_replace(targets: Mapping[str, Path], path: Path) -> bool:
    """Whether a file may be replaced by some part of what is published at ``targets``."""
    return any(
        path.parent == target.parent
        and path.suffix == f".{form}"
        and publish.PART_END.sub("", path.stem) == target.name.removesuffix(f".{form}")
        for form, target in targets.items()
    )


def file_sets(document: Document, mode: str, targets: Mapping[str, Path], footnotes: str) -> list[FileSet]:
    """The sets to publish, that of the whole last: its JSON is the end of publishing, and holds what people changed.

    Args:
        mode: ``off``, ``separator`` (at separator sheets) or ``letterhead`` (at new letterheads, too).
        targets: format -> file to publish the whole at.
        footnotes: ``paragraph``, ``inline`` or ``end``.
    """
    from normalize.split import split  # with all that knows a document's facts: not for those who only copy

    parts = split(document, starts(document, mode))
    if len(parts) == 1:
        return [_set(document, targets, footnotes)]
    sets = []
    for number, part in enumerate(parts, 1):
        one = _set(replace(part, edits=()), part_targets(targets, number), footnotes)
        sets.append(FileSet(one.targets, one.texts, {**one.data, "part": {"number": number, "of": len(parts)}}))
    published = {target: content for one in sets for target, content in one.files.items()}
    whole = FileSet({"json": targets["json"]}, published, {**to_dict(document), "parts": len(parts)})
    return [*sets, whole]


def starts(document: Document, mode: str) -> list[int]:
    """With which of the documents in it a file begins."""
    if mode == "off":
        return [0]
    return [at for at, part in enumerate(document.parts) if at == 0 or mode == "letterhead" or part.separated]


def _set(document: Document, targets: Mapping[str, Path], footnotes: str) -> FileSet:
    texts = {target: write(document, form, footnotes) for form, target in targets.items() if form != "json"}
    return FileSet(targets, texts, to_dict(document))


def publish_sets(sets: Sequence[FileSet], targets: Mapping[str, Path], shelf: Shelf) -> list[Path]:
    """Put all sets in place, the JSON of the whole last, and take away what an earlier publishing has left beside them.

    What would be lost goes to the folder of versions first; where there is none, what is not as it was published stays.

    Args:
        targets: format -> file that the whole is or would be published at.

    Returns:
        What was kept in the folder of versions.

    Raises:
        Passing: a link or a folder lies in the way.
        OSError: nothing, or only some files, were replaced; none is half-written.
    """
    if shelf.keeps_formats:
        sets = [_with_other_formats(one, shelf.root) for one in sets]
    files = {target: content for one in sets for target, content in one.files.items()}
    sha256 = sets[-1].data["source"]["sha256"]
    return replace_published(files, all_sets(targets, shelf.root, len(sets) - 1), sha256, shelf)


def _with_other_formats(one: FileSet, root: Path) -> FileSet:
    if len(one.targets) == 1:  # the record of what is published in parts
        return one
    record = one.targets["json"]
    stem = record.name.removesuffix(".json")
    places = [record.with_name(fitted(stem, f".{form}")) for form in WRITERS if form not in one.targets]
    return replace(one, beside=other_formats(record, one.data["source"]["sha256"], places, root))


def all_sets(targets: Mapping[str, Path], root: Path, parts: int = 0) -> list[dict[str, Path]]:
    """Format -> file of all that is or may have been published at ``targets``: of each part, and of the whole.

    Args:
        parts: so many are published now.
    """
    earlier = read_earlier(read_published(root, targets["json"]))
    stem = targets["json"].name.removesuffix(".json")
    whole = {form: targets["json"].with_name(fitted(stem, f".{form}")) for form in (*WRITERS, "json")}
    whole |= targets
    several = max(parts, earlier.parts if earlier else 0)
    return [*(part_targets(whole, number) for number in range(1, several + 1)), whole]
