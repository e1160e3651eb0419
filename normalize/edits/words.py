"""The words of a text that somebody changes: which are touched, what the new ones are, what else moves with them."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from normalize.document import Block, Correction, Document, Reference, Token, Tokens, published
from normalize.edits.edit import DoesNotFit
from normalize.formats.record import REFERENCE
from ocr.page import hull

Item = TypeVar("Item")

_SPACES = re.compile(" +")
_WHERE = re.compile(r"(blocks|dropped)/(\d+)|footnotes/(.+)/(\d+)")


@dataclass(frozen=True, slots=True)
class Rewriting:
    """Whole words of a text, and what they become.

    Attributes:
        first: index of the first word.
        start: where it stands in the published text; the place of the first new word, too.
        old, new: the words. One of the old ones is kept where words are only put in, so that their place is known.
    """

    first: int
    start: int
    old: Tokens
    new: Tokens


def text_at(document: Document, where: str) -> Tokens:
    """The words of a text; of a dropped one that was read back, they are known by their letters only.

    Raises:
        DoesNotFit: there is no such text.
    """
    found = _WHERE.fullmatch(where)
    try:
        if found and found[1] == "blocks":
            return document.blocks[int(found[2])].tokens
        if found and found[1] == "dropped":
            one = document.dropped[int(found[2])]
            return one.tokens or tuple(Token(word, one.page) for word in one.text.split(" "))
        if found:
            note = next(note for note in document.footnotes if note.label == found[3])
            return note.paragraphs[int(found[4])]
    except (IndexError, StopIteration):
        pass
    raise DoesNotFit(f"there is no text {where} in this document")


def with_text(document: Document, where: str, tokens: Tokens, block: Block | None = None) -> Document:
    """The document with other words in one of its texts.

    Args:
        block: with the cells of the changed table, if the text is one.
    """
    kind, _, name = where.partition("/")
    if kind == "footnotes":
        label, _, number = name.rpartition("/")
        notes = tuple(
            replace(note, paragraphs=_with(note.paragraphs, int(number), tokens)) if note.label == label else note
            for note in document.footnotes
        )
        return replace(document, footnotes=notes)
    index = int(name)
    if kind == "dropped":
        one = document.dropped[index]
        changed = replace(one, text=published(tokens), tokens=tokens if one.tokens else ())
        return replace(document, dropped=_with(document.dropped, index, changed))
    changed_block = replace(block or document.blocks[index], tokens=tokens)
    return replace(document, blocks=_with(document.blocks, index, changed_block))


def _with(items: tuple[Item, ...], index: int, item: Item) -> tuple[Item, ...]:
    return (*items[:index], item, *items[index + 1 :])


def begins_of(tokens: Tokens) -> list[int]:
    """Where each word begins in the published text, and where one more would."""
    begins = [0]
    for token in tokens:
        begins.append(begins[-1] + len(token.published) + 1)
    return begins


def rewriting(tokens: Tokens, start: int, before: str, after: str, labels: Collection[str]) -> Rewriting:
    """What becomes of the words in which some characters are changed.

    Args:
        labels: of the document's footnotes; any other that is typed is text.

    Raises:
        DoesNotFit: something else stands there.
    """
    text, end = published(tokens), start + len(before)
    if text[start:end] != before or end > len(text):
        raise DoesNotFit(f"“{before}” does not stand there any more")
    if not tokens:
        return Rewriting(0, 0, (), _as_tokens(after, (), labels))
    begins = begins_of(tokens)[:-1]
    first, last = (bisect_right(begins, place) - 1 for place in (start, end))
    old = tokens[first : last + 1]
    begin = begins[first]
    run = text[begin:start] + after + text[end : begins[last] + len(tokens[last].published)]
    run = _SPACES.sub(" ", run).strip(" ")
    while len(old) > 1 and f"{run} ".startswith(f"{old[0].published} "):
        begin += len(old[0].published) + 1
        run, old, first = run[len(old[0].published) + 1 :], old[1:], first + 1
    while len(old) > 1 and f" {run}".endswith(f" {old[-1].published}"):
        run, old = f" {run}"[: -len(old[-1].published) - 1].removeprefix(" "), old[:-1]
    return Rewriting(first, begin, old, _as_tokens(run, old, labels))


def _as_tokens(text: str, old: Tokens, labels: Collection[str]) -> Tokens:
    """What a person made of words, with the place on paper of these. Nobody doubts it."""
    words = text.split(" ") if text else []
    if len(words) == len(old):
        return tuple(_as_token(word, token, labels) for word, token in zip(words, old, strict=True))
    if len(words) > len(old) and old:
        # Words that are only put in stand beside one that stays.
        if words[-1] == old[-1].published:
            return (*(_as_token(word, _beside(old[0]), labels) for word in words[: -len(old)]), *old)
        if words[0] == old[0].published:
            return (*old, *(_as_token(word, _beside(old[-1]), labels) for word in words[len(old) :]))
    return tuple(_as_token(word, _around(old), labels) for word in words)


def _beside(token: Token) -> Token:
    return Token("", token.page)


def _around(tokens: Tokens) -> Token:
    """A word in the place of several."""
    if not tokens:
        return Token("")
    page = tokens[0].page
    boxes = [token.box for token in tokens if token.box is not None and token.page == page]
    return Token("", page, hull(boxes) if boxes else None)


def _as_token(word: str, old: Token, labels: Collection[str]) -> Token:
    """A typed word in the place of another one; of what stays as it was read, all that is known of it."""
    if word == old.published:
        return old
    text, references, done = "", [], 0
    for found in REFERENCE.finditer(word):
        if found[1] in labels:
            text += word[done : found.start()]
            references.append(Reference(len(text), found[1]))
            done = found.end()
    text += word[done:]
    if text == old.text:
        return replace(old, references=tuple(references))
    return Token(text, old.page, old.box, references=tuple(references), line=old.line)


def find_words(tokens: Tokens, start: int, text: str) -> tuple[int, int]:
    """From which word to which some whole words of a text stand at a place in it.

    Raises:
        DoesNotFit: they do not.
    """
    begins = begins_of(tokens)
    first = bisect_left(begins, start)
    end = bisect_left(begins, start + len(text) + 1) if text else first
    if first >= len(begins) or begins[first] != start or published(tokens[first:end]) != text:
        raise DoesNotFit(f"“{text}” does not stand there any more")
    return first, end


def without_touched(
    corrections: Sequence[Correction], where: str, start: int, end: int, by: int
) -> tuple[tuple[Correction, ...], tuple[tuple[int, Correction], ...]]:
    """The corrections after a change of a text, moved where they stand behind it; and those of what was changed.

    Args:
        start, end: of what was changed.
        by: so many characters the text is longer now.
    """
    kept, taken = [], []
    for index, one in enumerate(corrections):
        if one.where != where:
            kept.append(one)
        elif _is_touched(one, start, end):
            taken.append((index, one))
        else:
            kept.append(replace(one, start=one.start + by) if one.start >= end else one)
    return tuple(kept), tuple(taken)


def _is_touched(one: Correction, start: int, end: int) -> bool:
    if not one.after:
        return start <= one.start <= end
    return one.start < end and start < one.start + len(one.after)


def put_back(records: Sequence[Item], taken: Sequence[tuple[int, Item]]) -> tuple[Item, ...]:
    """Records with those that were taken out of them, each in its place."""
    out = list(records)
    for index, one in taken:
        out.insert(index, one)
    return tuple(out)


def with_cells(block: Block, start: int, before: str, after: str) -> Block:
    """A table with some characters of one of its cells changed; its words are changed by the caller.

    Raises:
        DoesNotFit: the change is not inside one cell.
    """
    if " ".join(cell for row in block.rows for cell in row if cell) != block.text:
        raise DoesNotFit("the cells of this table do not hold its text")
    at = 0
    for number, row in enumerate(block.rows):
        for column, cell in enumerate(row):
            if cell and at <= start and start + len(before) <= at + len(cell):
                inside = start - at
                changed = _SPACES.sub(" ", cell[:inside] + after + cell[inside + len(before) :]).strip(" ")
                return replace(block, rows=_with(block.rows, number, _with(row, column, changed)))
            at += len(cell) + 1 if cell else 0
    raise DoesNotFit("a change in a table must be inside one cell")


def with_anchors(document: Document, old: Tokens, new: Tokens) -> Document:
    """The document whose notes know whether they are cited, after words became others."""
    had, has = ({one.label for token in tokens for one in token.references} for tokens in (old, new))
    gone = had - has
    if gone:
        gone -= {one.label for _, tokens in document.texts() for token in tokens for one in token.references}
    if not gone and not has - had:
        return document
    notes = (
        replace(note, anchored=note.label in has or (note.anchored and note.label not in gone))
        for note in document.footnotes
    )
    return replace(document, footnotes=tuple(notes))
