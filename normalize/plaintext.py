"""Text of another OCR engine to a document: footnotes out of the middle of sentences, split paragraphs joined.

Such text is the pages one after the other: a paragraph stops where its page ended, the page's footnotes follow,
then the paragraph goes on. Each chunk between blank lines either belongs to the body or to a note, and either goes
on with what was there or begins anew. Notes are headed by a raised number; for every other chunk the cheapest story
over the whole document is sought (beam search), with the language model as the judge of what follows on what.

Marks are understood as ``¹``, ``<sup>1</sup>``, ``[1]`` and ``[^1]``.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from normalize import language, paragraphs
from normalize.document import Block, Document, Footnote, Mark, PageWarning, Source, Token, Tokens
from normalize.footnotes import Sign, is_exponent, labels, match_marks, settle, superscript
from normalize.letterhead import is_motto, is_recipients_head, read_metadata
from normalize.lines import insert, join_lines
from normalize.syllable import skeleton

_SUPERSCRIPT = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
_RAISED = re.compile(
    r"<sup>\s*\[?(\d{1,3})\]?\s*</sup>|([⁰¹²³⁴⁵⁶⁷⁸⁹]+)|\[\^?(\d{1,3})\]:?|\$\^\{?(\d{1,3})\}?\$", re.IGNORECASE
)
_EMPHASIS = re.compile(r"\*{1,3}|(?<!\w)_{1,2}(?=\S)|(?<=\S)_{1,2}(?!\w)|^#{1,6}\s+|</?(?:b|i|u|strong|em)>")
_OPENED, _CLOSED = "\ue000", "\ue001"  # around a raised number while the text is taken apart
_ENDED = re.compile(r"[.;:!?…](?:[\"”’)\]]|\ue000\d+\ue001)*$|/\.$")

# Costs in nats, by feel where the language model has nothing to say.
_LOWER_CASE_START = 6.0
_BROKEN_OFF = 3.0
_NOTE_BROKEN_OFF = 2.0
_NEW_NOTE_PARAGRAPH = 2.2
_NOTE_AFTER_BODY = 1.0
_STRANGE_JOIN = 2.0
_THIN_BODY = 3.0
_THIN_PAGE = 600  # letters
_BEAM = 48


@dataclass(frozen=True, slots=True)
class _Chunk:
    """A paragraph or a piece of one, as it stands in the text.

    Attributes:
        text: plain, raised numbers between two private characters.
        head: the raised number it begins with; empty for none.
        table: cells by row, of a Markdown table.
    """

    text: str
    head: str = ""
    table: tuple[tuple[str, ...], ...] = ()

    @property
    def ended(self) -> bool:
        return bool(_ENDED.search(self.text)) or bool(self.table)

    @property
    def lower(self) -> bool:
        """Begins in the middle of a sentence, by its looks."""
        first = next((c for c in self.text if c.isalnum()), "")
        return first.islower() and not paragraphs.is_list_item(self.text)

    @property
    def short(self) -> bool:
        """May be a heading, which ends without a full stop."""
        return len(self.text) < 160


def parse_text(text: str, source: Source) -> Document:
    """The document that a text holds, before repair.

    Args:
        text: plain or Markdown, chunks parted by blank lines.
        source: the file it comes from; its ``pages`` are 0.
    """
    chunks = _chunks(text)
    story = _tell(chunks)
    marks = _marks(chunks, story)
    heads = [index for index, chunk in enumerate(chunks) if chunk.head]
    mark_numbers = settle([Sign(at, digits, 3.5) for at, _, digits in marks])
    head_numbers = settle(
        [Sign(index, chunks[index].head, 3.5) for index in heads],
        frozenset(number for number in mark_numbers if number is not None),
    )
    named = dict(zip(heads, labels(head_numbers), strict=True))
    cited = match_marks(
        [(at, number) for (at, _, _), number in zip(marks, mark_numbers, strict=True)],
        [(index, *name) for index, name in named.items() if name],
        farthest=len(chunks),
    )
    rulings = {(at, place): label for (at, place, _), label in zip(marks, cited, strict=True)}
    blocks, notes = _build(chunks, story, named, rulings)
    anchored = {label for block in blocks for label in block.labels}
    warnings = [
        PageWarning(0, f"The mark of footnote {note.printed_label} was not found.")
        for note in notes
        if note.label not in anchored
    ]
    known = {note.label for note in notes}
    warnings += [PageWarning(0, f"Footnote mark {label} has no note.") for label in sorted(anchored - known)]
    return Document(
        source=source,
        blocks=tuple(blocks),
        footnotes=tuple(replace(note, anchored=note.label in anchored) for note in notes),
        metadata=read_metadata(blocks),
        warnings=tuple(warnings),
    )


def _chunks(text: str) -> list[_Chunk]:
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    parts = re.split(r"\n[ \t]*\n|\n(?=[ \t]*[-–+*•][ \t])", text)
    if len(parts) < 0.1 * text.count("\n"):  # no blank lines: every line is a paragraph
        parts = text.split("\n")
    chunks = []
    for part in parts:
        rows = [row.strip() for row in part.split("\n") if row.strip()]
        if len(rows) > 1 and all(row.startswith("|") for row in rows):
            cells = [tuple(cell.strip() for cell in row.strip("|").split("|")) for row in rows]
            cells = [row for row in cells if not all(re.fullmatch(r":?-*:?", cell) for cell in row)]
            chunks.append(_Chunk(" ".join(cell for row in cells for cell in row if cell), table=tuple(cells)))
            continue
        plain = _RAISED.sub(_seal, " ".join(_EMPHASIS.sub("", row) for row in rows))
        plain = re.sub(rf"\s+(?={_OPENED})(?!{_OPENED}\d+{_CLOSED}\s*\w)", "", plain).strip()
        if not any(c.isalnum() for c in plain):  # a rule of dashes, an empty paragraph
            continue
        head = re.match(rf"{_OPENED}(\d+){_CLOSED}\s*", plain)
        if head and len(plain) > head.end():
            chunks.append(_Chunk(plain[head.end() :], head[1]))
        else:
            chunks.append(_Chunk(plain))
    return chunks


def _seal(found: re.Match[str]) -> str:
    digits = next(group for group in found.groups() if group).translate(_SUPERSCRIPT)
    return f"{_OPENED}{digits}{_CLOSED}"


# -- which chunk belongs where --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Story:
    """What each chunk so far is, and what that cost.

    Attributes:
        kinds: ``body`` or ``note``.
        joins: whether a chunk goes on with the one before it of its kind.
        body, note: index of the last chunk of each kind, -1 for none.
        run: letters of body since the last note.
    """

    cost: float
    kinds: tuple[str, ...] = ()
    joins: tuple[bool, ...] = ()
    body: int = -1
    note: int = -1
    run: int = 0


def _tell(chunks: Sequence[_Chunk]) -> _Story:
    """The cheapest story of a whole text."""
    first_head = next((index for index, chunk in enumerate(chunks) if chunk.head), len(chunks))
    judge = _Judge(chunks)
    beam = [_Story(0.0)]
    for index in range(len(chunks)):
        best: dict[tuple[int, int, bool], _Story] = {}
        for story in beam:
            for one in _goes_on(chunks, index, story, judge, notes_begun=index > first_head):
                state = (one.body, one.note, one.kinds[-1] == "note")
                if state not in best or one.cost < best[state].cost:
                    best[state] = one
        beam = sorted(best.values(), key=lambda one: one.cost)[:_BEAM]
    return beam[0]


def _goes_on(chunks: Sequence[_Chunk], index: int, story: _Story, judge: _Judge, notes_begun: bool) -> list[_Story]:
    chunk = chunks[index]
    body = chunks[story.body] if story.body >= 0 else None
    note = chunks[story.note] if story.note >= 0 else None
    body_open = body is not None and not body.ended
    note_open = note is not None and not note.ended

    def told(kind: str, join: bool, cost: float) -> _Story:
        return _Story(
            story.cost + cost,
            (*story.kinds, kind),
            (*story.joins, join),
            index if kind == "body" else story.body,
            index if kind == "note" else story.note,
            story.run + len(chunk.text) if kind == "body" else 0,
        )

    if chunk.head:
        # Between two groups of notes lies the body of a page, which is seldom only a few lines.
        thin = note is not None and 0 < story.run < _THIN_PAGE
        return [told("note", False, (_NOTE_BROKEN_OFF if note_open else 0.0) + (_THIN_BODY if thin else 0.0))]
    begins = _LOWER_CASE_START if chunk.lower else 0.0
    new_body = begins + (_BROKEN_OFF if body is not None and body_open and not body.short else 0.0)
    stories = [told("body", False, new_body)]
    heading = body is not None and (
        paragraphs.is_document_type(body.text) or (bool(paragraphs.heading_level(body.text)) and not chunk.lower)
    )
    if body_open and not heading and not chunk.table:
        strange = 0.0 if chunk.lower else _STRANGE_JOIN + (2.0 if body is not None and body.short else 0.0)
        stories.append(told("body", True, strange - judge.follows(story.body, index)))
    if note is not None and notes_begun and not chunk.table:
        after_note = story.kinds[-1] == "note"
        away = 0.0 if after_note else _NOTE_AFTER_BODY
        if note_open:
            # Across a page end a capital hardly goes on with a sentence, whatever the words say.
            strange = 0.0 if chunk.lower else 1.0 if after_note else _STRANGE_JOIN + 2.0
            stories.append(told("note", True, strange + away - judge.follows(story.note, index)))
        if after_note:
            stories.append(told("note", False, _NEW_NOTE_PARAGRAPH + begins))
    return stories


class _Judge:
    """How well one chunk follows on another, by the language model."""

    def __init__(self, chunks: Sequence[_Chunk]) -> None:
        model = language.load()
        self._model = model
        self._ids = [
            [model.id(piece.symbol) for part in _plain(chunk.text).split() for piece in language.symbols(part)]
            for chunk in chunks
        ]
        self._known: dict[tuple[int, int], float] = {}

    def follows(self, before: int, after: int) -> float:
        """Nats by which the first two words of a chunk are likelier after another one than at a sentence's start."""
        if (before, after) not in self._known:
            start = [0, 0, 0, *self._ids[after][:2]]
            joined = [0, 0, 0, *self._ids[before]][-3:] + self._ids[after][:2]
            rows = [sequence[i : i + 4] for sequence in (joined, start) for i in range(len(sequence) - 3)]
            gain = 0.0
            if rows:
                scores = self._model.score_many(np.array(rows, np.int64))
                half = len(rows) // 2
                gain = float(scores[:half].sum() - scores[half:].sum())
            self._known[before, after] = max(-6.0, min(6.0, gain))
        return self._known[before, after]


def _plain(text: str) -> str:
    return re.sub(rf"{_OPENED}\d+{_CLOSED}", "", text)


# -- marks, blocks, notes -------------------------------------------------------------------------------------------


def _marks(chunks: Sequence[_Chunk], story: _Story) -> list[tuple[int, int, str]]:
    """``(chunk, offset in its text, digits)`` of every raised number in the body that is no exponent."""
    found = []
    for index, chunk in enumerate(chunks):
        if story.kinds[index] != "body":
            continue
        for sign in re.finditer(rf"{_OPENED}(\d+){_CLOSED}", chunk.text):
            if not _exponent(chunk.text, sign.start(), sign[1]):
                found.append((index, sign.start(), sign[1]))
    return found


def _exponent(text: str, at: int, digits: str) -> bool:
    word = text[:at].split()[-1] if text[:at].split() else ""
    return len(digits) == 1 and is_exponent(word, digits)


def _tokens(chunk: _Chunk, index: int, rulings: dict[tuple[int, int], str | None], in_note: bool) -> Tokens:
    out: list[Token] = []
    for part in re.finditer(r"\S+", chunk.text):
        text, marks, raised = "", [], []
        at = 0
        for sign in re.finditer(rf"{_OPENED}(\d+){_CLOSED}", part[0]):
            text += part[0][at : sign.start()]
            at = sign.end()
            label = None if in_note else rulings.get((index, part.start() + sign.start()))
            if label is not None:
                marks.append(Mark(len(text), label))
            else:
                raised.append((len(text), superscript(sign[1])))
        token = Token(text + part[0][at:], marks=tuple(marks))
        for offset, digits in reversed(raised):
            token = insert(token, offset, digits)
        out.append(token)
    return tuple(out)


def _build(
    chunks: Sequence[_Chunk],
    story: _Story,
    named: dict[int, tuple[str, str] | None],
    rulings: dict[tuple[int, int], str | None],
) -> tuple[list[Block], list[Footnote]]:
    bodies: list[list[Tokens]] = []
    tables: dict[int, _Chunk] = {}
    notes: list[tuple[str, str, list[list[Tokens]]]] = []
    for index, chunk in enumerate(chunks):
        in_note = story.kinds[index] == "note"
        tokens = _tokens(chunk, index, rulings, in_note)
        name = named.get(index)
        if name:
            notes.append((*name, [[tokens]]))
        elif in_note and notes:
            if story.joins[index]:
                notes[-1][2][-1].append(tokens)
            else:
                notes[-1][2].append([tokens])
        elif story.joins[index] and bodies:
            bodies[-1].append(tokens)
        else:
            if chunk.table:
                tables[len(bodies)] = chunk
            bodies.append([tokens])
    joined = [join_lines(parts) for parts in bodies]
    footnotes = [
        Footnote(label, printed, tuple(join_lines(parts) for parts in parts_of)) for label, printed, parts_of in notes
    ]
    return list(_blocks(joined, tables)), footnotes


def _blocks(bodies: Sequence[Tokens], tables: dict[int, _Chunk]) -> list[Block]:
    blocks: list[Block] = []
    texts = [" ".join(token.text for token in tokens) for tokens in bodies]
    title = next((i for i, text in enumerate(texts[:30]) if paragraphs.is_document_type(text)), None)
    section = "letterhead" if title is not None else "text"
    for index, (tokens, text) in enumerate(zip(bodies, texts, strict=True)):
        if index == title:
            section = "title"
        elif section == "title" and index != (title or 0) + 1:
            section = "text"
        if is_recipients_head(text):
            section = "recipients"
        elif section == "recipients" and not re.match(r"\s*[-–+*•]", text):
            section = "signature"
        level = 0
        if index in tables:
            blocks.append(Block("table", tokens, rows=tables[index].table))
            continue
        if section == "text":
            level = paragraphs.heading_level(text)
            kind = "heading" if level else "list_item" if paragraphs.is_list_item(text) else "paragraph"
            level = level or int(kind == "list_item")
        elif section == "letterhead" and len(text) > 200 and not is_motto(text):
            kind = "paragraph"
        else:
            kind = section
        if (
            kind == "title"
            and index != title
            and (paragraphs.heading_level(text) or skeleton(text).startswith("can cu"))
        ):
            kind, section = "paragraph", "text"
        blocks.append(Block(kind, tokens, level=level))
    return blocks
