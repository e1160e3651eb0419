"""Changes made to a document, on the record, and taken back.

Every change becomes a :class:`~normalize.document.Correction` that says where, what, why and how surely. Applied
backwards to the published text they give the text as it was read; :func:`undo` gives the document itself, exactly.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from normalize.document import Block, Correction, Document, Footnote, Reference, Token, Tokens, published
from normalize.facts.metadata import read_metadata, read_parts, with_parts
from normalize.repair.changes import Change
from normalize.vietnamese.syllable import clean, skeleton, split_tone
from ocr.page import hull

_EDGE = "\n"
"""Between two tokens while they are changed: a token may hold a space of its own, as Tesseract read it."""


def undo(document: Document) -> Document:
    """The document as it was before repair."""
    if not document.corrections:
        return document
    read: dict[str, list[tuple[int, int, Tokens]]] = {}
    for correction in document.corrections:
        if correction.read is not None:
            read.setdefault(correction.where, []).append(correction.read)

    def restore(where: str, tokens: Tokens) -> Tokens:
        out = list(tokens)
        for first, end, before in reversed(read.get(where, [])):
            out[first:end] = before
        return tuple(out) if where in read else tokens

    return replace(_with_texts(document, restore), corrections=())


def apply(document: Document, changes: Sequence[Change]) -> Document:
    """The document with ``changes`` made, and their corrections.

    Args:
        changes: no two of which change the same characters, see :func:`~normalize.repair.changes.beside`.
    """
    names = [where for where, _ in document.texts()]
    by_text: dict[str, list[Change]] = {}
    for change in sorted(changes, key=lambda one: (one.text, one.first, one.start)):
        by_text.setdefault(names[change.text], []).append(change)
    corrections: dict[str, list[Correction]] = {}

    def change_tokens(where: str, tokens: Tokens) -> Tokens:
        if where not in by_text:
            return tokens
        changed, corrections[where] = _changed(where, tokens, by_text[where])
        return changed

    repaired = _with_texts(document, change_tokens)
    return replace(repaired, corrections=tuple(one for where in names for one in corrections.get(where, ())))


def _changed(where: str, tokens: Tokens, changes: Sequence[Change]) -> tuple[Tokens, list[Correction]]:
    """A text with changes made, and their corrections."""
    out: list[Token] = []
    corrections: list[Correction] = []
    published = 0  # length of the published text of `out`, with a space behind each token
    at = 0
    for run in _runs(changes):
        first, end = run[0].first, run[-1].last + 1
        for token in tokens[at:first]:
            published += len(token.published) + 1
            out.append(token)
        before, at = tokens[first:end], end
        after, offsets = _rewritten(before, run)
        for number, (change, offset) in enumerate(zip(run, offsets, strict=True)):
            token = tokens[change.first]
            corrections.append(
                Correction(
                    where=where,
                    start=published + offset,
                    before=change.before,
                    after=change.after,
                    kind=_kind(change.before, change.after),
                    probability=round(change.probability, 4),
                    evidence=change.because,
                    page=token.page,
                    box=token.box,
                    read=None if number else (len(out), len(out) + len(after), before),
                )
            )
        for token in after:
            published += len(token.published) + 1
            out.append(token)
    return (*out, *tokens[at:]), corrections


def _runs(changes: Sequence[Change]) -> list[list[Change]]:
    """Changes that share tokens, together."""
    runs: list[list[Change]] = []
    for change in changes:
        if runs and change.first <= runs[-1][-1].last:
            runs[-1].append(change)
        else:
            runs.append([change])
    return runs


def _rewritten(tokens: Tokens, changes: Sequence[Change]) -> tuple[Tokens, list[int]]:
    """Tokens after changes that lie in them, and where each change begins in their published text."""
    first = changes[0].first
    starts = [0]
    for token in tokens:
        starts.append(starts[-1] + len(token.text) + 1)
    text = _EDGE.join(token.text for token in tokens)
    references = [
        replace(one, offset=start + one.offset)
        for start, token in zip(starts, tokens, strict=False)
        for one in token.references
    ]
    pieces: list[str] = []
    origin: list[int] = []  # of each character, its place in the text as it was
    begins: list[int] = []
    moved: list[Reference] = []
    at = 0
    for change in changes:
        start, end = (
            starts[index - first] + offset
            for index, offset in ((change.first, change.start), (change.last, change.end))
        )
        read = text[start:end].replace(_EDGE, " ")
        assert read == change.before, f"{read!r} is not {change.before!r}"
        is_of_a_word = change.first == change.last and change.keeps_words
        after = change.after if is_of_a_word else change.after.replace(" ", _EDGE)
        moved += _moved(_up_to(end, references, len(moved)), by=len(origin) - at)
        pieces += [text[at:start], after]
        origin += range(at, start)
        begins.append(len(origin))
        origin += [min(start + i, end - 1) for i in range(len(after))]
        at = end
    moved += _moved(references[len(moved) :], by=len(origin) - at)
    origin += range(at, len(text))
    return _cut("".join([*pieces, text[at:]]), moved, origin, tokens, starts), _with_references(begins, moved)


def _up_to(place: int, references: Sequence[Reference], done: int) -> Sequence[Reference]:
    """The references before a place of a text, without so many that were seen already."""
    return references[done : bisect_left(references, place, lo=done, key=lambda one: one.offset)]


def _moved(references: Iterable[Reference], by: int) -> list[Reference]:
    return [replace(one, offset=one.offset + by) for one in references]


def _with_references(begins: Sequence[int], references: Sequence[Reference]) -> list[int]:
    """Where places of a text stand in it as published, with the references to footnotes."""
    offsets, at, longer = [], 0, 0
    for start in begins:
        while at < len(references) and references[at].offset <= start:
            longer += len(references[at].label) + 3
            at += 1
        offsets.append(start + longer)
    return offsets


def _cut(
    text: str, references: Sequence[Reference], origin: Sequence[int], tokens: Tokens, starts: Sequence[int]
) -> Tokens:
    """The words of a changed text as tokens, each with the evidence of those it came from."""
    words = text.split(_EDGE)
    out = []
    at = seen = 0
    for number, word in enumerate(words):
        end = at + len(word)
        inside = tuple(_moved(_up_to(end + 1, references, seen), by=-at))
        seen += len(inside)
        if len(words) == len(tokens):
            token = tokens[number]
        else:
            token = _evidence(origin[at:end], tokens, starts)
        out.append(replace(token, text=word, references=inside))
        at = end + 1
    return tuple(out)


def _evidence(origin: Sequence[int], tokens: Tokens, starts: Sequence[int]) -> Token:
    """What the page shows where a word's characters came from: a part of a token, or several of them."""
    low, high = min(origin), max(origin) + 1
    first, last = (bisect_right(starts, at) - 1 for at in (low, high - 1))
    if first < last:
        return _joined(tokens[first : last + 1])
    token, start = tokens[first], starts[first]
    is_whole = len(token.letters) == len(token.text)
    return replace(token, letters=token.letters[low - start : high - start] if is_whole else ())


def _joined(tokens: Tokens) -> Token:
    """One token with the evidence of several: the least confidence, and the box around those on the first's page."""
    boxes = [token.box for token in tokens if token.box is not None and token.page == tokens[0].page]
    confidences = [token.confidence for token in tokens if token.confidence is not None]
    return replace(
        tokens[0],
        box=hull(boxes) if boxes else None,
        confidence=min(confidences, default=None),
        letters=tuple(letter for token in tokens for letter in token.letters),
    )


def _kind(before: str, after: str) -> str:
    if before.count(" ") != after.count(" "):
        return "split" if " " in after else "join"
    if before.lower() == after.lower():
        return "case"
    if not any(map(str.isalpha, after)) and not any(map(str.isalpha, before.replace("\\times", ""))):
        return "sign"
    if skeleton(before) != skeleton(after) or clean(before).lower() == after.lower():
        return "letter"
    one, two = split_tone(before.lower()), split_tone(after.lower())
    return "tone" if one is not None and two is not None and one[0] == two[0] else "mark"


def _with_texts(document: Document, change: Callable[[str, Tokens], Tokens]) -> Document:
    """The document with each text passed through ``change(where, tokens)``."""
    blocks = []
    for index, block in enumerate(document.blocks):
        tokens = change(f"blocks/{index}", block.tokens)
        blocks.append(block if tokens is block.tokens else _with_tokens(block, tokens))
    notes: list[Footnote] = []
    for note in document.footnotes:
        paragraphs = tuple(
            change(f"footnotes/{note.label}/{index}", tokens) for index, tokens in enumerate(note.paragraphs)
        )
        notes.append(replace(note, paragraphs=paragraphs) if paragraphs != note.paragraphs else note)
    dropped = []
    for index, one in enumerate(document.dropped):
        tokens = change(f"dropped/{index}", one.tokens) if one.tokens else one.tokens
        dropped.append(one if tokens is one.tokens else replace(one, tokens=tokens, text=published(tokens)))
    # Metadata are what the blocks say; where somebody else set them, they stay.
    out = replace(document, blocks=tuple(blocks), footnotes=tuple(notes), dropped=tuple(dropped))
    parts, doubts = read_parts(document.blocks, document.sheets)
    if document.metadata != parts[0].metadata:
        return out
    if not document.parts:
        return replace(out, metadata=read_metadata(blocks))
    return with_parts(replace(out, warnings=tuple(one for one in out.warnings if one not in doubts)))


def _with_tokens(block: Block, tokens: Tokens) -> Block:
    """The block with other words; the cells of a table hold the same words and change with them."""
    rows = []
    at = 0
    for row in block.rows:
        cells = []
        for cell in row:
            size = len(cell.split())
            old, new = block.tokens[at : at + size], tokens[at : at + size]
            if cell == " ".join(token.text for token in old):
                cell = " ".join(token.text for token in new)
            elif cell == " ".join(token.published for token in old):
                cell = " ".join(token.published for token in new)
            cells.append(cell)
            at += size
        rows.append(tuple(cells))
    return replace(block, tokens=tokens, rows=tuple(rows))
