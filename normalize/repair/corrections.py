"""Changes made to a document, on the record, and taken back.

Every change becomes a :class:`~normalize.document.Correction` that says where, what, why and how surely; :func:`undo`
gives the text as it was read, exactly.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from normalize.document import Block, Correction, Document, Footnote, Mark, Token, Tokens
from normalize.repair.candidates import Change
from normalize.structure.metadata import read_metadata
from normalize.vietnamese.syllable import clean, skeleton, split_tone


def undo(document: Document) -> Document:
    """The document as it was before repair."""
    if not document.corrections:
        return document
    wanted: dict[str, list[Correction]] = {}
    for correction in document.corrections:
        wanted.setdefault(correction.where, []).append(correction)

    def restore(where: str, tokens: Tokens) -> Tokens:
        here = wanted.get(where)
        if not here:
            return tokens
        out = list(tokens)
        starts = _starts(tokens)
        for correction in sorted(here, key=lambda one: -one.start):
            index = max(i for i, start in enumerate(starts) if start <= correction.start)
            token = out[index]
            start = _text_offset(token, correction.start - starts[index])
            out[index] = _replace(token, start, start + len(correction.after), correction.before)
        return tuple(out)

    return replace(_with_texts(document, restore), corrections=())


def apply(document: Document, changes: list[Change]) -> Document:
    """The document with ``changes`` made, and their corrections."""
    texts = list(document.texts())
    by_text: dict[str, list[Change]] = {}
    for change in changes:
        by_text.setdefault(texts[change.slot.text][0], []).append(change)

    def change_tokens(where: str, tokens: Tokens) -> Tokens:
        here = by_text.get(where)
        if not here:
            return tokens
        out = list(tokens)
        for change in sorted(here, key=lambda one: (one.slot.token, -one.slot.start)):
            slot = change.slot
            out[slot.token] = _replace(out[slot.token], slot.start, slot.end, change.after)
        return tuple(out)

    repaired = _with_texts(document, change_tokens)
    corrections = []
    for where, tokens in repaired.texts():
        starts = _starts(tokens)
        shifts: Counter[int] = Counter()  # by token: how much longer the changes before this one made it
        for change in sorted(by_text.get(where, []), key=lambda one: (one.slot.token, one.slot.start)):
            slot, token = change.slot, tokens[change.slot.token]
            start = slot.start + shifts[slot.token]
            shifts[slot.token] += len(change.after) - (slot.end - slot.start)
            before = texts[slot.text][1][slot.token].text[slot.start : slot.end]
            corrections.append(
                Correction(
                    where=where,
                    start=starts[slot.token] + _published_offset(token, start),
                    before=before,
                    after=change.after,
                    kind=_kind(before, change.after),
                    probability=round(change.probability, 4),
                    evidence=_evidence(change),
                    page=token.page,
                    box=token.box,
                )
            )
    return replace(repaired, corrections=tuple(corrections))


def _kind(before: str, after: str) -> str:
    if " " in after:
        return "split"
    if before.lower() == after.lower():
        return "case"
    if not any(map(str.isalpha, after)) and not any(map(str.isalpha, before.replace("\\times", ""))):
        return "sign"
    if skeleton(before) != skeleton(after) or clean(before).lower() == after.lower():
        return "letter"
    one, two = split_tone(before.lower()), split_tone(after.lower())
    return "tone" if one is not None and two is not None and one[0] == two[0] else "mark"


def _evidence(change: Change) -> str:
    """Why, in plain English."""
    if change.because:
        return change.because
    reasons = []
    for letter, new, old in zip(change.slot.letters, change.after, change.slot.read, strict=False):
        if new != old:
            seen = dict(letter.choices)
            if new in seen:
                reasons.append(f"the page also showed {new} ({seen[new]}) beside {old} ({seen.get(old, 0)})")
            else:
                reasons.append(f"the page showed {old} alone")
    if not change.slot.letters:
        reasons.append("no page to look at")
    times = (change.margin + change.cost) / math.log(10)
    reasons.append(f"in its sentence the new reading is {times:.1f} orders of magnitude likelier")
    return "; ".join(reasons)


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
    # Metadata are what the blocks say; where somebody else set them, they stay.
    metadata = document.metadata
    if metadata == read_metadata(document.blocks):
        metadata = read_metadata(blocks)
    return replace(document, blocks=tuple(blocks), footnotes=tuple(notes), metadata=metadata)


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


def _starts(tokens: Tokens) -> list[int]:
    """Where each token begins in the published text."""
    starts, at = [], 0
    for token in tokens:
        starts.append(at)
        at += len(token.published) + 1
    return starts


def _published_offset(token: Token, offset: int) -> int:
    """Offset in the published token of a character of its text."""
    return offset + sum(len(mark.label) + 3 for mark in token.marks if mark.offset <= offset)


def _text_offset(token: Token, offset: int) -> int:
    """Offset in the token's text of a character of the published token."""
    at = offset
    for mark in token.marks:
        if mark.offset + len(mark.label) + 3 <= at:
            at -= len(mark.label) + 3
    return at


def _replace(token: Token, start: int, end: int, text: str) -> Token:
    """The token with some of its characters replaced; marks stay at their character."""
    longer = len(text) - (end - start)
    marks = tuple(Mark(mark.offset + longer, mark.label) if mark.offset >= end else mark for mark in token.marks)
    return replace(token, text=token.text[:start] + text + token.text[end:], marks=marks)
