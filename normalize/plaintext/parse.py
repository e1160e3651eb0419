"""Text of another OCR engine to a document: footnotes out of the middle of sentences, split paragraphs joined.

Such text is the pages one after the other: a paragraph stops where its page ended, the page's footnotes follow,
then the paragraph goes on. Each chunk (see :mod:`normalize.plaintext.chunks`) either belongs to the body or to a note,
and either goes on with what was there or begins anew. Notes are headed by a raised number; for every other chunk the
cheapest story over the whole document is sought (beam search), with the language model as the judge of what follows
on what.

Marks are understood as ``¹``, ``<sup>1</sup>``, ``[1]``, ``[^1]``, ``^1^`` and ``$^{1}$`` wherever they stand, and as
``(1)`` or plain digits where marks and notes bear each other out (see :mod:`normalize.plaintext.plain_numbers`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from normalize.document import Block, Document, Footnote, Mark, PageWarning, Source, Token, Tokens, published
from normalize.plaintext.chunks import BRACKETED, CLOSED, RAISED, SIGN, Chunk, bare, chunks_of
from normalize.plaintext.plain_numbers import with_plain_numbers
from normalize.structure.footnotes import Sign, is_exponent, labels, match_marks, settle, superscript
from normalize.structure.lines import glue, join_lines
from normalize.structure.metadata import read_metadata
from normalize.vietnamese import language
from normalize.vietnamese.decree30 import heading_level, is_document_type, is_list_item, is_motto, is_recipients_head
from normalize.vietnamese.language import load_language_model
from normalize.vietnamese.syllable import skeleton

#: At the end of a word: what other engines make of a small raised digit, a full stop after it or not.
_MISREAD = re.compile(r"(?<=[\w%)])([!*°'’\"”^ˆ]{1,2})(?=[.,;:]?(?:\s|$))")

# Costs in nats, by feel where the language model has nothing to say.
_LOWER_CASE_START = 6.0
_BROKEN_OFF = 3.0
_NOTE_BROKEN_OFF = 2.0
_NEW_NOTE_PARAGRAPH = 2.2
_NOTE_AFTER_BODY = 1.0
_STRANGE_JOIN = 2.0
_THIN_BODY = 3.0
_THIN_PAGE = 600  # letters
_MARK_IN_NOTE = 4.0
_BODY_BELOW_NOTES = 4.0  # on one page
_NOTE_ON_TOP = 3.0  # of a page
_SURE_SIGN = 3.5  # cost of taking a number that is plainly raised for something else
_NO_PAGE_BETWEEN = 3.0  # the two halves of a broken note follow each other
_USUAL_PAGE = 12  # chunks
_BEAM = 48
_HOPELESS = 16.0  # this much dearer than the cheapest, a story is given up


def parse_text(text: str, source: Source) -> Document:
    """The document that a text holds, before repair.

    Args:
        text: plain or Markdown; lines may be printed lines or paragraphs, with blank lines between or without.
        source: the file it comes from; its ``pages`` are 0.
    """
    chunks, dropped = chunks_of(text)
    chunks, plain = with_plain_numbers(chunks)
    story = _tell(chunks)
    marks = _marks(chunks, story)
    heads = [index for index, chunk in enumerate(chunks) if chunk.head]
    mark_numbers = settle([Sign(at, digits, _SURE_SIGN) for at, _, digits in marks])
    head_numbers = settle(
        [Sign(index, chunks[index].head, _SURE_SIGN) for index in heads],
        frozenset(number for number in mark_numbers if number is not None),
    )
    named = dict(zip(heads, labels(head_numbers), strict=True))
    cited = match_marks(
        [(at, number) for (at, _, _), number in zip(marks, mark_numbers, strict=True)],
        [(index, *name) for index, name in named.items() if name],
        farthest=len(chunks),
    )
    rulings = {(at, place): label for (at, place, _), label in zip(marks, cited, strict=True)}
    warnings = _marks_without_notes(chunks, marks, mark_numbers, named, rulings)
    if plain:
        warnings.append(PageWarning(0, f"Plain digits were taken for the numbers of footnotes: {', '.join(plain)}."))
    chunks, rulings, guessed = _guessed(chunks, story, named, rulings)
    blocks, notes = _build(chunks, story, named, rulings)
    anchored = {label for block in blocks for label in block.labels}
    warnings += guessed
    warnings += [
        PageWarning(note.pages[0] if note.pages else 0, f"The mark of footnote {note.printed_label} was not found.")
        for note in notes
        if note.label not in anchored
    ]
    return Document(
        source=source,
        blocks=tuple(blocks),
        footnotes=tuple(replace(note, anchored=note.label in anchored) for note in notes),
        metadata=read_metadata(blocks),
        dropped=tuple(dropped),
        warnings=tuple(warnings),
    )


# -- which chunk belongs where --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Story:
    """What each chunk so far is, and what that cost.

    Attributes:
        before: the story up to the last chunk.
        note_kind: the last chunk belongs to a note, not to the body.
        join: the last chunk goes on with the one before it of its kind.
        body, note: index of the last chunk of each kind, -1 for none.
        run: letters of body since the last note.
    """

    cost: float
    before: _Story | None = None
    note_kind: bool = False
    join: bool = False
    body: int = -1
    note: int = -1
    run: int = 0


@dataclass(frozen=True, slots=True)
class _Told:
    """What each chunk is: a note's or the body's, going on with the one before it of its kind or not."""

    in_note: list[bool]
    joins: list[bool]


def _tell(chunks: Sequence[Chunk]) -> _Told:
    """The cheapest story of a whole text."""
    first_head = next((index for index, chunk in enumerate(chunks) if chunk.head), len(chunks))
    judge = _Judge(chunks, back=1 if first_head == len(chunks) else _USUAL_PAGE)
    cites = _cites(chunks)
    beam = [_Story(0.0)]
    for index in range(len(chunks)):
        best: dict[tuple[int, int, bool], _Story] = {}
        judge.learn({(before, index) for story in beam for before in (story.body, story.note) if before >= 0})
        for story in beam:
            for one in _goes_on(chunks, index, story, judge, cites[index], notes_begun=index > first_head):
                state = (one.body, one.note, one.note_kind)
                if state not in best or one.cost < best[state].cost:
                    best[state] = one
        beam = sorted(best.values(), key=lambda one: one.cost)[:_BEAM]
        beam = [one for one in beam if one.cost <= beam[0].cost + _HOPELESS]
    in_note, joins = [], []
    last: _Story | None = beam[0]
    while last is not None and last.before is not None:
        in_note.append(last.note_kind)
        joins.append(last.join)
        last = last.before
    return _Told(in_note[::-1], joins[::-1])


def _cites(chunks: Sequence[Chunk]) -> list[int]:
    """How many marks stand in each chunk, by the likeliest rising sequence of all raised numbers of the text."""
    counts = [0] * len(chunks)
    last_head: dict[str, int] = {}
    for index, chunk in enumerate(chunks):
        if chunk.head:
            last_head[chunk.head] = index
    if not last_head:
        return counts
    signs = [
        (index, sign[2])
        for index, chunk in enumerate(chunks)
        if not chunk.head
        for sign in SIGN.finditer(chunk.text)
        if not _exponent(chunk.text, sign.start(), sign[2])
    ]
    numbers = settle([Sign(index, digits, _SURE_SIGN) for index, digits in signs])
    for (index, digits), number in zip(signs, numbers, strict=True):
        if number is not None and last_head.get(digits, -1) > index:
            counts[index] += 1
    return counts


def _goes_on(
    chunks: Sequence[Chunk], index: int, story: _Story, judge: _Judge, cites: int, notes_begun: bool
) -> list[_Story]:
    chunk = chunks[index]
    body = chunks[story.body] if story.body >= 0 else None
    note = chunks[story.note] if story.note >= 0 else None
    body_open = body is not None and (not body.ended or (chunk.lower and _may_go_on(body)))
    note_open = note is not None and (not note.ended or (chunk.lower and _may_go_on(note)))
    page_begins = index > 0 and chunk.page != chunks[index - 1].page

    def told(in_note: bool, join: bool, cost: float) -> _Story:
        return _Story(
            story.cost + cost,
            story,
            in_note,
            join,
            story.body if in_note else index,
            index if in_note else story.note,
            0 if in_note else story.run + len(chunk.text),
        )

    if chunk.head:
        # Between two groups of notes lies the body of a page, which is seldom only a few lines.
        thin = note is not None and 0 < story.run < _THIN_PAGE
        return [told(True, False, (_NOTE_BROKEN_OFF if note_open else 0.0) + (_THIN_BODY if thin else 0.0))]
    begins = _LOWER_CASE_START if chunk.lower else 0.0
    below = _BODY_BELOW_NOTES if chunk.page and story.note_kind and not page_begins else 0.0
    new_body = begins + (_BROKEN_OFF if body is not None and body_open and not body.short else 0.0)
    stories = [told(False, False, new_body + below)]
    heading = body is not None and (is_document_type(body.text) or (bool(heading_level(body.text)) and not chunk.lower))
    if body_open and not heading and not chunk.table:
        strange = 0.0 if chunk.lower else _STRANGE_JOIN + (2.0 if body is not None and body.short else 0.0)
        stories.append(told(False, True, strange - judge.follows(story.body, index) + below))
    if note is not None and notes_begun and not chunk.table:
        away = 0.0 if story.note_kind else _NOTE_AFTER_BODY
        away += _MARK_IN_NOTE * min(2, cites) + (_NOTE_ON_TOP if page_begins else 0.0)
        if note_open:
            # Across a page end a capital hardly goes on with a sentence, whatever the words say.
            strange = 0.0 if chunk.lower else 1.0 if story.note_kind else _STRANGE_JOIN + 2.0
            strange += _NO_PAGE_BETWEEN if story.note_kind else 0.0
            stories.append(told(True, True, strange + away - judge.follows(story.note, index)))
        if story.note_kind:
            again = 0.0 if chunk.indented else _NEW_NOTE_PARAGRAPH
            stories.append(told(True, False, again + begins + away))
    return stories


def _may_go_on(chunk: Chunk) -> bool:
    """Whether a chunk ends in a semicolon, which ends a list item, or parts two halves of a sentence."""
    return not chunk.table and bare(chunk.text).endswith(";")


class _Judge:
    """How well one chunk follows on another, by the language model."""

    def __init__(self, chunks: Sequence[Chunk], back: int) -> None:
        """Args: chunks; and how many chunks back most questions will go, to ask the model all of them at once."""
        self._model = load_language_model()
        # The edges are all that is looked at: a chunk may be long.
        self._heads = [self._ids(bare(chunk.text[:80]).split()[:2])[:2] for chunk in chunks]
        self._tails = [self._ids(bare(chunk.text[-120:]).split()[-3:])[-3:] for chunk in chunks]
        self._starts = self._scores([([0, 0, 0], head) for head in self._heads])
        self._open = [not chunk.ended for chunk in chunks]
        self._asked = [not chunk.head and not chunk.table for chunk in chunks]
        self._known: dict[tuple[int, int], float] = {}
        self.learn({(before, after) for after in range(len(chunks)) for before in range(max(0, after - back), after)})

    def _ids(self, parts: Sequence[str]) -> list[int]:
        return [self._model.id(piece.symbol) for part in parts for piece in language.symbols(part)]

    def _scores(self, wanted: Sequence[tuple[list[int], list[int]]]) -> list[float]:
        """Logarithm of the probability of each short sequence after its three symbols of context."""
        rows, owners = [], []
        for owner, (context, head) in enumerate(wanted):
            sequence = [*context, *head]
            for i in range(len(head)):
                rows.append(sequence[i : i + 4])
                owners.append(owner)
        if not rows:
            return [0.0] * len(wanted)
        scores = self._model.score_many(np.array(rows, np.int64))
        return list(np.bincount(owners, weights=scores, minlength=len(wanted)))

    def _gains(self, pairs: Sequence[tuple[int, int]]) -> list[float]:
        joined = self._scores([([0, 0, 0, *self._tails[before]][-3:], self._heads[after]) for before, after in pairs])
        return [
            max(-6.0, min(6.0, float(score - self._starts[after])))
            for score, (_, after) in zip(joined, pairs, strict=True)
        ]

    def learn(self, pairs: set[tuple[int, int]]) -> None:
        """Ask the model about several pairs of chunks at once."""
        wanted = [pair for pair in pairs if pair not in self._known and self._open[pair[0]] and self._asked[pair[1]]]
        if wanted:
            self._known.update(zip(wanted, self._gains(wanted), strict=True))

    def follows(self, before: int, after: int) -> float:
        """Nats by which the first two words of a chunk are likelier after another one than at a sentence's start."""
        if (before, after) not in self._known:
            self._known[before, after] = self._gains([(before, after)])[0]  # it ends in a semicolon
        return self._known[before, after]


# -- marks, blocks, notes -------------------------------------------------------------------------------------------


def _marks(chunks: Sequence[Chunk], story: _Told) -> list[tuple[int, int, str]]:
    """``(chunk, offset in its text, digits)`` of every raised number in the body that is no exponent."""
    return [
        (index, sign.start(), sign[2])
        for index, chunk in enumerate(chunks)
        if not story.in_note[index]
        for sign in SIGN.finditer(chunk.text)
        if not _exponent(chunk.text, sign.start(), sign[2])
    ]


def _exponent(text: str, at: int, digits: str) -> bool:
    before = text[max(0, at - 40) : at]
    word = before.split()[-1] if before.split() and not before[-1].isspace() else ""
    return len(digits) == 1 and is_exponent(word, digits)


def _marks_without_notes(
    chunks: Sequence[Chunk],
    marks: Sequence[tuple[int, int, str]],
    numbers: Sequence[int | None],
    named: Mapping[int, tuple[str, str] | None],
    rulings: dict[tuple[int, int], str | None],
) -> list[PageWarning]:
    """Rule that numbers raised after a word are marks, though no note answers them; say so."""
    known = {name[0] for name in named.values() if name}
    renumbered = any(name[0] != name[1] for name in named.values() if name)
    warnings: list[PageWarning] = []
    for (index, at, digits), number in zip(marks, numbers, strict=True):
        text = chunks[index].text
        bracketed = text[at] == BRACKETED
        if rulings[index, at] is not None or not at or text[at - 1].isdigit() or (bracketed and not known):
            continue
        if number is None or str(number) != digits:
            continue
        if not bracketed and not renumbered and digits not in known:
            rulings[index, at] = digits
            known.add(digits)
        warnings.append(PageWarning(chunks[index].page, f"Footnote mark {digits} has no note."))
    return warnings


def _guessed(
    chunks: Sequence[Chunk],
    story: _Told,
    named: Mapping[int, tuple[str, str] | None],
    rulings: dict[tuple[int, int], str | None],
) -> tuple[list[Chunk], dict[tuple[int, int], str | None], list[PageWarning]]:
    """Marks that were misread: the one odd sign at the end of a word between the neighbouring marks."""
    places = {label: place for place, label in rulings.items() if label is not None}
    heads = {name[0]: index for index, name in named.items() if name}
    chunks = list(chunks)
    warnings: list[PageWarning] = []
    for label, head in heads.items():
        if label in places or not label.isdigit():
            continue
        low = places.get(str(int(label) - 1), (-1, -1))
        if low == (-1, -1) and label != "1":
            continue
        high = min(places.get(str(int(label) + 1), (len(chunks), 0)), (head, 0))
        found = [
            (index, sign)
            for index in range(max(0, low[0]), min(high[0] + 1, len(chunks)))
            if not story.in_note[index] and not chunks[index].table
            for sign in _MISREAD.finditer(chunks[index].text)
            if low < (index, sign.start()) < high and not _closes_a_quote(chunks[index].text, sign)
        ]
        if len(found) != 1 or head - found[0][0] > 40:
            continue
        index, sign = found[0]
        text = chunks[index].text
        mark = f"{RAISED}{label}{CLOSED}"
        shift = len(mark) - len(sign[1])
        chunks[index] = replace(chunks[index], text=text[: sign.start()] + mark + text[sign.end(1) :])
        rulings = {
            (at, place + shift if at == index and place > sign.start() else place): value
            for (at, place), value in rulings.items()
        }
        rulings[index, sign.start()] = label
        places = {value: place for place, value in rulings.items() if value is not None}
        said = f"The mark of footnote {label} was read as {sign[1]}; it stands where its number was expected."
        warnings.append(PageWarning(chunks[index].page, said))
    return chunks, rulings, warnings


def _closes_a_quote(text: str, sign: re.Match[str]) -> bool:
    """Whether a sign may be a closing quote, or one of a pair of stars."""
    before = text[: sign.start()]
    if "”" in sign[1] or "’" in sign[1]:
        return before.count("“") > before.count("”") or before.count("‘") > before.count("’")
    return any(c in sign[1] and before.count(c) % 2 for c in "\"'*")


def _tokens(
    chunk: Chunk, index: int, rulings: Mapping[tuple[int, int], str | None], in_note: bool, offset: int = 0
) -> Tokens:
    out: list[Token] = []
    for part in re.finditer(r"\S+", chunk.text):
        text, marks = "", []
        at = 0
        for sign in SIGN.finditer(part[0]):
            text += part[0][at : sign.start()]
            at = sign.end()
            label = None if in_note else rulings.get((index, offset + part.start() + sign.start()))
            if label is not None:
                marks.append(Mark(len(text), label))
            else:
                text += f"[{sign[2]}]" if sign[1] == BRACKETED else superscript(sign[2])
        token = Token(text + part[0][at:], marks=tuple(marks))
        if out and marks and marks[0].offset == 0 and not any(c.isalnum() for c in token.text):
            out[-1] = glue(out[-1], token)  # the space before a mark is the engine's, not the page's
        else:
            out.append(token)
    return tuple(out)


def _rows(
    chunk: Chunk, index: int, rulings: Mapping[tuple[int, int], str | None], in_note: bool
) -> tuple[tuple[str, ...], ...]:
    """The cells of a table as published."""
    offset = 0
    out = []
    for row in chunk.table:
        cells = []
        for cell in row:
            cells.append(published(_tokens(Chunk(cell), index, rulings, in_note, offset)))
            offset += len(cell) + 1 if cell else 0
        out.append(tuple(cells))
    return tuple(out)


def _build(
    chunks: Sequence[Chunk],
    story: _Told,
    named: Mapping[int, tuple[str, str] | None],
    rulings: Mapping[tuple[int, int], str | None],
) -> tuple[list[Block], list[Footnote]]:
    bodies: list[list[Tokens]] = []
    pages: list[int] = []
    tables: dict[int, tuple[tuple[str, ...], ...]] = {}
    notes: list[tuple[str, str, list[list[Tokens]], list[int]]] = []
    for index, chunk in enumerate(chunks):
        in_note = story.in_note[index]
        tokens = _tokens(chunk, index, rulings, in_note)
        name = named.get(index)
        if name:
            notes.append((*name, [[tokens]], [chunk.page]))
            continue
        if chunk.head:  # a number that is no note's after all: it stays
            number = f"[{chunk.head}]" if chunk.bracketed else superscript(chunk.head)
            tokens = (Token(number), *tokens)
        if in_note and notes:
            if story.joins[index]:
                notes[-1][2][-1].append(tokens)
            else:
                notes[-1][2].append([tokens])
            notes[-1][3].append(chunk.page)
        elif story.joins[index] and bodies:
            bodies[-1].append(tokens)
        else:
            if chunk.table:
                tables[len(bodies)] = _rows(chunk, index, rulings, in_note)
            bodies.append([tokens])
            pages.append(chunk.page)
    joined = [join_lines(parts) for parts in bodies]
    footnotes = [
        Footnote(label, number, tuple(join_lines(parts) for parts in parts_of), tuple(dict.fromkeys(filter(None, on))))
        for label, number, parts_of, on in notes
    ]
    return [replace(block, page=page) for block, page in zip(_blocks(joined, tables), pages, strict=True)], footnotes


def _blocks(bodies: Sequence[Tokens], tables: Mapping[int, tuple[tuple[str, ...], ...]]) -> list[Block]:
    blocks: list[Block] = []
    texts = [" ".join(token.text for token in tokens) for tokens in bodies]
    title = next((i for i, text in enumerate(texts[:30]) if is_document_type(text)), None)
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
            blocks.append(Block("table", tokens, rows=tables[index]))
            continue
        if section == "text":
            level = heading_level(text)
            kind = "heading" if level else "list_item" if is_list_item(text) else "paragraph"
            level = level or int(kind == "list_item")
        elif section == "letterhead" and len(text) > 200 and not is_motto(text):
            kind = "paragraph"
        else:
            kind = section
        if kind == "title" and index != title and (heading_level(text) or skeleton(text).startswith("can cu")):
            kind, section = "paragraph", "text"
        blocks.append(Block(kind, tokens, level=level))
    return blocks
