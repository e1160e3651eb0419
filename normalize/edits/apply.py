"""Edits made, undone and made again.

Each kind is a pair of functions: one makes the edit and fills in what it took out of the document, the other puts that
back. Undone is the last edit first, or any other one if what was made after it still fits without it.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, get_args

from normalize.document import (
    Block,
    BlockType,
    Correction,
    Document,
    Edit,
    EditKind,
    Evidence,
    Metadata,
    MetadataEvidence,
    Part,
    Taken,
    Tokens,
    published,
)
from normalize.edits.edit import DoesNotFit
from normalize.edits.words import (
    Rewriting,
    begins_of,
    find_words,
    put_back,
    rewriting,
    text_at,
    with_anchors,
    with_cells,
    with_text,
    without_touched,
)
from ocr.page import Box, hull

__all__ = ["DoesNotFit", "apply", "make", "redo", "undo", "unmake"]

_TYPES = frozenset(get_args(BlockType)) - {"table", "missing"}
"""What a person may make of a block."""

_WITH_LEVELS = frozenset({"heading", "list_item"})
_FACTS = frozenset(field.name for field in fields(Metadata))


def apply(document: Document, edit: Edit) -> Document:
    """The document with an edit made, as the last one of its ``edits``. What was undone cannot be made again then.

    Raises:
        DoesNotFit: the document is not as the edit takes it to be.
    """
    changed, made = make(document, edit)
    before = tuple(replace(one, applied=False) if one.undone else one for one in document.edits)
    return replace(changed, edits=(*before, made))


def undo(document: Document, id: str | None = None) -> Document:
    """The document without an edit that was made.

    Args:
        id: of that edit; the last one if it is ``None``. Those after it are made anew without it.

    Raises:
        DoesNotFit: there is no such edit, or one that was made after it does not fit without it.
    """
    made = [index for index, one in enumerate(document.edits) if one.is_made and id in (None, one.id)]
    if not made:
        raise DoesNotFit("there is nothing to undo")
    at, edits = made[-1], list(document.edits)
    later = [index for index in range(at + 1, len(edits)) if edits[index].is_made]
    for index in (*reversed(later), at):
        document = unmake(document, edits[index])
    edits[at] = replace(edits[at], undone=True, applied=not later, taken=Taken())
    for index in later:
        document, edits[index] = make(document, edits[index])
    return replace(document, edits=tuple(edits))


def redo(document: Document) -> Document:
    """The document with the first of the edits made again that were undone last.

    Raises:
        DoesNotFit: there is none.
    """
    edits = list(document.edits)
    last_made = max((index for index, one in enumerate(edits) if one.is_made), default=-1)
    for index in range(last_made + 1, len(edits)):
        if edits[index].undone and edits[index].applied:
            changed, edits[index] = make(document, edits[index])
            return replace(changed, edits=tuple(edits))
    raise DoesNotFit("there is nothing to make again")


def make(document: Document, edit: Edit) -> tuple[Document, Edit]:
    """The document with an edit made but not recorded, and the edit with all that is to be recorded.

    Raises:
        DoesNotFit: the document is not as the edit takes it to be.
    """
    changed, made = _KINDS[edit.kind].make(document, edit)
    return changed, replace(made, undone=False, applied=True)


def unmake(document: Document, edit: Edit) -> Document:
    """The document as it was before an edit, which stays on record as it is.

    Raises:
        DoesNotFit: the document is not as the edit left it.
    """
    return _KINDS[edit.kind].unmake(document, edit)


@dataclass(frozen=True, slots=True)
class _Kind:
    """How one kind of edit is made, and how it is undone."""

    make: Callable[[Document, Edit], tuple[Document, Edit]]
    unmake: Callable[[Document, Edit], Document]


# -- words ---------------------------------------------------------------------------------------------------------


def _make_text(document: Document, edit: Edit) -> tuple[Document, Edit]:
    if edit.where.startswith("dropped/"):
        raise DoesNotFit("what was left out of the text can only have a correction taken back")
    return _rewrite(document, edit, edit.start, edit.before, edit.after)


def _make_tie(document: Document, edit: Edit) -> tuple[Document, Edit]:
    changed, made = _make_text(document, edit)
    tokens = text_at(changed, made.where)
    first, end = find_words(tokens, made.start, made.after)
    labels = [one.label for token in tokens[first:end] for one in token.references]
    were = [one.label for token in made.taken.tokens for one in token.references]
    if len(labels) != len(were) + 1:
        raise DoesNotFit("a reference to one of the footnotes must be put in")
    return changed, made


def _make_take_back(document: Document, edit: Edit) -> tuple[Document, Edit]:
    for one in document.corrections:
        if one.where == edit.where and _takes_back(edit, one):
            return _rewrite(document, edit, one.start, one.after, one.before)
    raise DoesNotFit("there is no such correction any more")


def _takes_back(edit: Edit, one: Correction) -> bool:
    """Whether an edit, of the changed characters alone or of the words that they stand in, takes a correction back."""
    at = one.start - edit.start
    if not 0 <= at <= len(edit.before) or not edit.before.startswith(one.after, at):
        return False
    before = edit.before[:at] + one.before + edit.before[at + len(one.after) :]
    return before.split() == edit.after.split()


def _rewrite(document: Document, edit: Edit, start: int, before: str, after: str) -> tuple[Document, Edit]:
    """Put other characters in the place of some, and whole words on record."""
    tokens = text_at(document, edit.where)
    labels = {note.label for note in document.footnotes} | {one.label for token in tokens for one in token.references}
    found = rewriting(tokens, start, before, after, labels)
    old, new = published(found.old), published(found.new)
    if old == new:
        raise DoesNotFit("that changes nothing")
    table = _table_at(document, edit.where)
    cells = with_cells(table, found.start, old, new) if table else None
    rest = (*tokens[: found.first], *found.new, *tokens[found.first + len(found.old) :])
    end, longer = found.start + len(old), len(published(rest)) - len(published(tokens))
    kept, taken = without_touched(document.corrections, edit.where, found.start, end, longer)
    changed = replace(with_text(document, edit.where, rest, cells), corrections=kept)
    changed = with_anchors(changed, found.old, found.new)
    page, box = _on_paper(found)
    is_emptied = table is not None and cells is not None and _filled(table) != _filled(cells)
    bare = replace(table, tokens=()) if is_emptied and table else None
    made = replace(
        edit,
        start=found.start,
        before=old,
        after=new,
        page=page,
        box=box,
        taken=Taken(tokens=found.old, corrections=taken, block=bare),
    )
    return changed, made


def _on_paper(found: Rewriting) -> tuple[int, Box | None]:
    page = found.old[0].page if found.old else 0
    boxes = [token.box for token in found.old if token.box is not None and token.page == page]
    return page, hull(boxes) if boxes else None


def _table_at(document: Document, where: str) -> Block | None:
    if not where.startswith("blocks/"):
        return None
    block = document.blocks[int(where.partition("/")[2])]
    return block if block.rows else None


def _filled(table: Block) -> int:
    """How many cells of a table hold something."""
    return sum(bool(cell) for row in table.rows for cell in row)


def _unmake_text(document: Document, edit: Edit) -> Document:
    tokens = text_at(document, edit.where)
    first, end = find_words(tokens, edit.start, edit.after)
    old = edit.taken.tokens
    rest = (*tokens[:first], *old, *tokens[end:])
    table = _table_at(document, edit.where)
    cells = None
    if table:
        emptied = edit.taken.block
        cells = replace(table, rows=emptied.rows) if emptied else with_cells(table, edit.start, edit.after, edit.before)
    longer = len(published(rest)) - len(published(tokens))
    kept, _ = without_touched(document.corrections, edit.where, edit.start, edit.start + len(edit.after), longer)
    changed = with_text(document, edit.where, rest, cells)
    changed = replace(changed, corrections=put_back(kept, edit.taken.corrections))
    return with_anchors(changed, tokens[first:end], old)


# -- facts ---------------------------------------------------------------------------------------------------------


def _make_fact(document: Document, edit: Edit) -> tuple[Document, Edit]:
    number, name = _fact_at(document, edit.where)
    now = fact(document, edit.where)
    if now != edit.before:
        raise DoesNotFit(f"{name} is “{now}” meanwhile, not “{edit.before}”")
    if edit.after == now:
        raise DoesNotFit("that changes nothing")
    _check_value(name, edit.after)
    part = document.parts[number] if document.parts else None
    evidence = part.evidence.get(name) if part else None
    told = [
        (index, one)
        for index, one in enumerate(document.warnings)
        if one.about == name and _is_of(one.page, number, document.parts)
    ]
    gone = {index for index, _ in told}
    changed = _with_fact(document, number, name, edit.after, None)
    changed = replace(changed, warnings=tuple(one for at, one in enumerate(document.warnings) if at not in gone))
    place = evidence[0] if isinstance(evidence, tuple) and evidence else evidence
    page, box = (place.page, place.box) if isinstance(place, Evidence) else (part.first_page if part else 0, None)
    return changed, replace(edit, page=page, box=box, taken=Taken(warnings=tuple(told), evidence=evidence))


def _check_value(name: str, text: str) -> None:
    """Raises ``DoesNotFit`` for what a fact cannot be."""
    if name == "date" and text and not _is_date(text):
        raise DoesNotFit(f"“{text}” is no date; write year-month-day, like 2024-02-29")
    if name != "recipients" and "\n" in text:
        raise DoesNotFit(f"{name} is one line")


def _unmake_fact(document: Document, edit: Edit) -> Document:
    number, name = _fact_at(document, edit.where)
    if fact(document, edit.where) != edit.after:
        raise DoesNotFit(f"{name} is not “{edit.after}” any more")
    changed = _with_fact(document, number, name, edit.before, edit.taken.evidence)
    return replace(changed, warnings=put_back(document.warnings, edit.taken.warnings))


def fact(document: Document, where: str) -> str:
    """A value of the metadata as one text; empty where it is unknown.

    Args:
        where: like ``documents/0/subject``.

    Raises:
        DoesNotFit: there is no such fact.
    """
    number, name = _fact_at(document, where)
    value = getattr(document.parts[number].metadata if document.parts else document.metadata, name)
    return "\n".join(value) if isinstance(value, tuple) else value or ""


def _fact_at(document: Document, where: str) -> tuple[int, str]:
    found = re.fullmatch(r"documents/(\d+)/(\w+)", where)
    if not found or found[2] not in _FACTS or int(found[1]) >= max(1, len(document.parts)):
        raise DoesNotFit(f"there is no fact {where} in this document")
    return int(found[1]), found[2]


def _with_fact(
    document: Document, number: int, name: str, text: str, evidence: Evidence | tuple[Evidence, ...] | None
) -> Document:
    value: Any = tuple(filter(None, text.split("\n"))) if name == "recipients" else text or None
    parts = list(document.parts)
    if parts:
        others: MetadataEvidence = {key: one for key, one in parts[number].evidence.items() if key != name}
        known: Mapping[str, Any] = {**others, name: evidence} if evidence is not None else others
        metadata = replace(parts[number].metadata, **{name: value})
        parts[number] = replace(parts[number], metadata=metadata, evidence=known)
    first = replace(document.metadata, **{name: value}) if number == 0 else document.metadata
    return replace(document, metadata=first, parts=tuple(parts))


def _is_of(page: int, number: int, parts: tuple[Part, ...]) -> bool:
    """Whether a page belongs to one of the documents in a file; what is of no page belongs to the first."""
    if len(parts) < 2 or not page:
        return number == 0
    return parts[number].first_page <= page <= parts[number].last_page


def _is_date(text: str) -> bool:
    try:
        return datetime.date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


# -- blocks --------------------------------------------------------------------------------------------------------


def _make_type(document: Document, edit: Edit) -> tuple[Document, Edit]:
    index, block = _block_at(document, edit.where)
    kind, level = _type_of(edit.after)
    now = type_of(block)
    if edit.before not in ("", now):
        raise DoesNotFit(f"the block is a {now} meanwhile")
    if now == edit.after:
        raise DoesNotFit("that changes nothing")
    if block.type == "missing" or kind not in _TYPES or (level > 0) != (kind in _WITH_LEVELS) or level > 9:
        raise DoesNotFit(f"{now} cannot become {edit.after}")
    changed = _with_block(document, index, replace(block, type=kind, level=level, rows=()))
    page, box = block.page, block.box
    taken = Taken(block=replace(block, tokens=()) if block.rows else None)
    return changed, replace(edit, start=0, before=now, page=page, box=box, taken=taken)


def _unmake_type(document: Document, edit: Edit) -> Document:
    index, block = _block_at(document, edit.where)
    if type_of(block) != edit.after:
        raise DoesNotFit(f"the block is no {edit.after} any more")
    rows = edit.taken.block.rows if edit.taken.block else ()
    if rows and " ".join(cell for row in rows for cell in row if cell) != block.text:
        raise DoesNotFit("the words of this table are others now")
    kind, level = _type_of(edit.before)
    return _with_block(document, index, replace(block, type=kind, level=level, rows=rows))


def type_of(block: Block) -> str:
    """A block's type and level: ``heading 2``, ``paragraph``."""
    return f"{block.type} {block.level}" if block.level else block.type


def _type_of(text: str) -> tuple[Any, int]:
    kind, _, level = text.partition(" ")
    return kind, int(level) if level.isdecimal() else 0


def _make_join(document: Document, edit: Edit) -> tuple[Document, Edit]:
    index, first = _block_at(document, edit.where)
    _, second = _block_at(document, f"blocks/{index + 1}")
    if first.rows or second.rows or {first.type, second.type} & {"table", "missing"}:
        raise DoesNotFit("tables and pages that are missing cannot be joined")
    if any(part.first_block == index + 1 for part in document.parts[1:]):
        raise DoesNotFit("another document begins there")
    begins = begins_of(first.tokens)
    start = begins[-2] if first.tokens else 0
    head = first.tokens[-1].published if first.tokens else ""
    tail = second.tokens[0].published if second.tokens else ""
    joined = " ".join(published(one) for one in (first.tokens[-1:], second.tokens[:1]) if one)
    if edit.before not in ("", f"{head}\n{tail}"):
        raise DoesNotFit("something else stands there")
    page, box = (first.tokens[-1].page, first.tokens[-1].box) if first.tokens else (first.page, first.box)
    made = replace(
        edit,
        start=start,
        before=f"{head}\n{tail}",
        after=joined,
        page=page,
        box=box,
        taken=Taken(block=replace(second, tokens=())),
    )
    return _joined(document, index, begins[-1]), made


def _unmake_join(document: Document, edit: Edit) -> Document:
    index, block = _block_at(document, edit.where)
    find_words(block.tokens, edit.start, edit.after)
    head = edit.before.partition("\n")[0]
    seam = edit.start + len(head) + 1 if head else edit.start
    if edit.taken.block is None:
        raise DoesNotFit("nobody knows what the second block was")
    changed, crossed = _parted(document, index, seam, edit.taken.block)
    if crossed:
        raise DoesNotFit("a correction goes over the place where the blocks met")
    return changed


def _make_part(document: Document, edit: Edit) -> tuple[Document, Edit]:
    index, block = _block_at(document, edit.where)
    if block.rows or block.type in ("table", "missing"):
        raise DoesNotFit("a table or a missing page cannot be parted")
    head, is_known, _ = edit.after.partition("\n")
    seam = edit.start + len(head) + 1 if is_known else edit.start
    begins = begins_of(block.tokens)
    at = begins.index(seam) if seam in begins else 0
    if not 0 < at < len(block.tokens):
        raise DoesNotFit("a block can be parted where a word begins, but for its first one")
    before, after = block.tokens[at - 1], block.tokens[at]
    words = f"{before.published} {after.published}"
    if edit.before not in ("", words):
        raise DoesNotFit("something else stands there")
    page = after.page or block.page
    boxes = [one.box for one in block.tokens[at:] if one.box is not None and one.page == page]
    second = Block(block.type, (), page, block.level, hull(boxes) if boxes else None)
    changed, crossed = _parted(document, index, seam, second)
    made = replace(
        edit,
        start=begins[at - 1],
        before=words,
        after=f"{before.published}\n{after.published}",
        page=before.page,
        box=before.box,
        taken=Taken(corrections=crossed),
    )
    return changed, made


def _unmake_part(document: Document, edit: Edit) -> Document:
    index, first = _block_at(document, edit.where)
    _, second = _block_at(document, f"blocks/{index + 1}")
    head, _, tail = edit.after.partition("\n")
    find_words(first.tokens, edit.start, head)
    find_words(second.tokens, 0, tail)
    begins = begins_of(first.tokens)
    if begins[-1] != edit.start + len(head) + 1:
        raise DoesNotFit("the first of the two blocks has other words now")
    changed = _joined(document, index, begins[-1])
    return replace(changed, corrections=put_back(changed.corrections, edit.taken.corrections))


def _block_at(document: Document, where: str) -> tuple[int, Block]:
    kind, _, number = where.partition("/")
    if kind != "blocks" or not number.isdecimal() or int(number) >= len(document.blocks):
        raise DoesNotFit(f"there is no {where} in this document")
    return int(number), document.blocks[int(number)]


def _with_block(document: Document, index: int, block: Block) -> Document:
    return replace(document, blocks=(*document.blocks[:index], block, *document.blocks[index + 1 :]))


def _joined(document: Document, index: int, seam: int) -> Document:
    """The document with a block and the next one as one; ``seam`` is where the words of the next one begin in it."""
    first, second = document.blocks[index : index + 2]
    tokens: Tokens = first.tokens + second.tokens

    def moved(one: Correction, number: int) -> Correction:
        if number == index + 1:
            return replace(one, where=f"blocks/{index}", start=one.start + seam)
        return replace(one, where=f"blocks/{number - 1}") if number > index + 1 else one

    blocks = (*document.blocks[:index], replace(first, tokens=tokens), *document.blocks[index + 2 :])
    return _moved_blocks(document, blocks, index, -1, moved)


def _parted(
    document: Document, index: int, seam: int, second: Block
) -> tuple[Document, tuple[tuple[int, Correction], ...]]:
    """The document with a block in two, and the corrections that went over the place where it was parted.

    Args:
        seam: where in the block's text the words of the second one begin.
        second: that block, without words.
    """
    block = document.blocks[index]
    begins = begins_of(block.tokens)
    if seam not in begins:
        raise DoesNotFit("no word begins there any more")
    at = begins.index(seam)
    crossed = tuple(
        (number, one)
        for number, one in enumerate(document.corrections)
        if one.where == f"blocks/{index}" and one.start < seam < one.start + len(one.after)
    )
    gone = {number for number, _ in crossed}
    kept = tuple(one for number, one in enumerate(document.corrections) if number not in gone)

    def moved(one: Correction, number: int) -> Correction:
        if number == index and one.start >= seam:
            return replace(one, where=f"blocks/{index + 1}", start=one.start - seam)
        return replace(one, where=f"blocks/{number + 1}") if number > index else one

    halves = replace(block, tokens=block.tokens[:at]), replace(second, tokens=block.tokens[at:])
    blocks = (*document.blocks[:index], *halves, *document.blocks[index + 1 :])
    return _moved_blocks(replace(document, corrections=kept), blocks, index, 1, moved), crossed


def _moved_blocks(
    document: Document,
    blocks: Iterable[Block],
    index: int,
    by: int,
    moved: Callable[[Correction, int], Correction],
) -> Document:
    """The document with other blocks; what names those behind one of them names them by their new numbers."""

    def renamed(one: Correction) -> Correction:
        kind, _, number = one.where.partition("/")
        return moved(one, int(number)) if kind == "blocks" else one

    parts = (
        replace(part, first_block=part.first_block + by) if part.first_block > index else part
        for part in document.parts
    )
    corrections = tuple(map(renamed, document.corrections))
    return replace(document, blocks=tuple(blocks), parts=tuple(parts), corrections=corrections)


_KINDS: Mapping[EditKind, _Kind] = {
    "text": _Kind(_make_text, _unmake_text),
    "tie": _Kind(_make_tie, _unmake_text),
    "take_back": _Kind(_make_take_back, _unmake_text),
    "metadata": _Kind(_make_fact, _unmake_fact),
    "type": _Kind(_make_type, _unmake_type),
    "join": _Kind(_make_join, _unmake_join),
    "part": _Kind(_make_part, _unmake_part),
}
