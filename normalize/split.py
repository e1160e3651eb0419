"""A document that is a bundle, taken apart into the documents it holds.

Nothing is added and nothing lost: the texts of the parts one after the other are the text of the whole, and every
correction, dropped text, page and warning of it is in just one part. Pages and labels of footnotes keep their numbers.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace

from normalize.document import Correction, Document, Footnote
from normalize.facts.metadata import another_begins
from normalize.formats.plain_text import unanchored


def split(document: Document, starts: Sequence[int]) -> list[Document]:
    """The documents that begin with some of the parts of a bundle.

    Args:
        starts: which of ``document.parts``, rising; the first is always one.
    """
    begins = [0, *(start for start in starts if start)]
    if len(begins) < 2:
        return [document]
    ends = [*begins[1:], len(document.parts)]
    edges = [0, *(document.parts[start].first_block for start in begins[1:])]
    pages = [document.parts[start].first_page for start in begins]
    return [
        replace(
            one,
            metadata=document.parts[start].metadata,
            parts=tuple(replace(p, first_block=p.first_block - edge) for p in document.parts[start:end]),
        )
        for one, start, end, edge in zip(
            _by_blocks(_by_pages(document, pages), edges), begins, ends, edges, strict=True
        )
    ]


def _by_pages(document: Document, pages: Sequence[int]) -> list[Document]:
    """The document with the pages, dropped texts and warnings of each part only; ``pages`` are those they begin on.

    What is on no page is in the first.
    """

    def part_of(page: int) -> int:
        return max(0, bisect_right(pages, page) - 1) if page else 0

    out = []
    for at in range(len(pages)):
        kept = [index for index, one in enumerate(document.dropped) if part_of(one.page) == at]
        names = {f"dropped/{index}": f"dropped/{new}" for new, index in enumerate(kept)}
        corrections = (_renamed(one, "dropped/", names) for one in document.corrections)
        one = replace(
            document,
            pages=tuple(page for page in document.pages if part_of(page.number) == at),
            dropped=tuple(document.dropped[index] for index in kept),
            warnings=tuple(warning for warning in document.warnings if part_of(warning.page) == at),
            corrections=tuple(one for one in corrections if one),
        )
        out.append(one)
    return out


def _by_blocks(parts: Sequence[Document], edges: Sequence[int]) -> list[Document]:
    """The parts with their own blocks and notes only; ``edges`` are the blocks they begin with."""
    whole = parts[0]
    holders = _holders(whole, edges)
    out = []
    for at, (part, first, end) in enumerate(zip(parts, edges, [*edges[1:], len(whole.blocks)], strict=True)):
        names = {f"blocks/{index}": f"blocks/{index - first}" for index in range(first, end)}
        notes = tuple(note for note in whole.footnotes if holders[note.label] == at)
        names |= {where: where for where, _ in replace(whole, blocks=(), footnotes=notes).texts()}
        corrections = (_renamed(one, ("blocks/", "footnotes/"), names) for one in part.corrections)
        said = another_begins(whole.blocks[first])
        one = replace(
            part,
            blocks=whole.blocks[first:end],
            footnotes=notes,
            warnings=tuple(warning for warning in part.warnings if warning != said),
            corrections=tuple(one for one in corrections if one),
        )
        out.append(one)
    return out


def _renamed(one: Correction, kinds: str | tuple[str, ...], names: dict[str, str]) -> Correction | None:
    """A correction in a text of some kinds, under that text's name in its part; ``None`` where it is in no such."""
    if not one.where.startswith(kinds):
        return one
    return replace(one, where=names[one.where]) if one.where in names else None


def _holders(document: Document, edges: Sequence[int]) -> dict[str, int]:
    """The part in whose text each note is published, by the note's label."""
    notes = {note.label: note for note in document.footnotes}
    waiting = unanchored(document)
    found: dict[str, int] = {}
    for index, block in enumerate(document.blocks):
        _take([*block.labels, *waiting.get(index, [])], bisect_right(edges, index) - 1, notes, found)
    _take(list(notes), len(edges) - 1, notes, found)
    return found


def _take(labels: Sequence[str], at: int, notes: dict[str, Footnote], found: dict[str, int]) -> None:
    """Give notes that nobody holds to a part, with those that they cite in turn."""
    for label in labels:
        if label in notes and label not in found:
            found[label] = at
            _take(notes[label].labels, at, notes, found)
