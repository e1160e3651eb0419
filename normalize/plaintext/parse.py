"""Text of another OCR engine to a document: footnotes out of the middle of sentences, split paragraphs joined.

Such text is the pages one after the other: a paragraph stops where its page ended, the page's footnotes follow,
then the paragraph goes on. Each chunk (see :mod:`normalize.plaintext.chunks`) either belongs to the body or to a note,
and either goes on with what was there or begins anew. Notes are headed by a raised number; what every other chunk is
the cheapest story over the whole document says (see :mod:`normalize.plaintext.story`).

References to notes are understood as ``¹``, ``<sup>1</sup>``, ``[1]``, ``[^1]``, ``^1^`` and ``$^{1}$`` wherever they
stand, and as ``(1)`` or plain digits where references and notes bear each other out (see
:mod:`normalize.plaintext.plain_numbers`).
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Literal

from normalize.document import (
    Block,
    BlockType,
    Document,
    Dropped,
    Footnote,
    PageWarning,
    Reference,
    Source,
    Token,
    Tokens,
    published,
)
from normalize.facts.bundles import letterheads_within
from normalize.facts.metadata import with_parts
from normalize.plaintext.chunks import Chunk, chunks_of
from normalize.plaintext.own_text import own_chunks, tell_own
from normalize.plaintext.plain_numbers import with_plain_numbers
from normalize.plaintext.signs import BRACKETED, CLOSED, RAISED, SIGN, SURE_SIGN, begins_lower, raised_numbers
from normalize.plaintext.story import Told, tell
from normalize.structure.footnotes import Sign, labels, match_references, settle, superscript
from normalize.structure.lines import glue, join_lines
from normalize.vietnamese.decree30 import heading_level, is_document_type, is_list_item, is_motto, is_recipients_head
from normalize.vietnamese.syllable import skeleton

#: At the end of a word: what other engines make of a small raised digit, a full stop after it or not.
_MISREAD = re.compile(r"(?<=[\w%)])([!*°'’\"”^ˆ]{1,2})(?=[.,;:]?(?:\s|$))")

#: Where a sign stands: the index of its chunk and its offset in the chunk's text.
_Spot = tuple[int, int]
#: The note that each raised number cites, by its label; ``None`` for none.
_Rulings = Mapping[_Spot, str | None]
#: Label and printed number of the note that a chunk heads; ``None`` where its number is no note's.
_Names = Mapping[int, tuple[str, str] | None]

_RECIPIENT = re.compile(r"\s*[-–+*•]")

_TITLE_WITHIN = 30  # blocks from the start
_LONGEST_LETTERHEAD = 200  # letters
_FARTHEST_MISREAD = 40  # chunks between a misread reference and its note


def parse_text(text: str, source: Source) -> Document:
    """The document that a text holds, before repair.

    Args:
        text: plain or Markdown; lines may be printed lines or paragraphs, with blank lines between or without.
        source: the file it comes from; its ``pages`` are 0.
    """
    own = own_chunks(text)
    reading = _as_published(own) if own is not None else _as_another_engine_left_it(text)
    blocks, notes = _build(reading)
    cited = {label for block in blocks for label in block.labels} | {label for note in notes for label in note.labels}
    lost = [
        PageWarning(note.pages[0] if note.pages else 0, f"The mark of footnote {note.printed_label} was not found.")
        for note in notes
        if note.label not in cited
    ]
    document = Document(
        source=source,
        blocks=tuple(blocks),
        footnotes=tuple(replace(note, anchored=note.label in cited) for note in notes),
        dropped=tuple(reading.dropped),
        warnings=(*reading.warnings, *lost),
    )
    return with_parts(document)


@dataclass(frozen=True, slots=True)
class _Reading:
    """A text taken apart, and what its parts turned out to be.

    Attributes:
        named, rulings: see :data:`_Names` and :data:`_Rulings`.
        marked_up: it is Markdown of ours, which says what is a title or a heading.
    """

    chunks: Sequence[Chunk]
    story: Told
    named: _Names
    rulings: _Rulings
    marked_up: bool = False
    dropped: Sequence[Dropped] = ()
    warnings: Sequence[PageWarning] = ()


def _as_published(chunks: Sequence[Chunk]) -> _Reading:
    """Our own text: each number is the reference or the note that it says."""
    named = {index: (chunk.head, chunk.head) for index, chunk in enumerate(chunks) if chunk.head}
    rulings = {
        (index, sign.start()): sign[2] for index, chunk in enumerate(chunks) for sign in SIGN.finditer(chunk.text)
    }
    unanswered = dict.fromkeys(label for label in rulings.values() if (label, label) not in named.values())
    warnings = [PageWarning(0, f"Footnote mark {label} has no note.") for label in unanswered]
    marked_up = any(chunk.marks for chunk in chunks)
    return _Reading(chunks, tell_own(chunks), named, rulings, marked_up, warnings=warnings)


def _as_another_engine_left_it(text: str) -> _Reading:
    """What the numbers and chunks of a text are, by all that speaks for it."""
    chunks, dropped = chunks_of(text)
    chunks, plain = with_plain_numbers(chunks)
    story = tell(chunks)
    references = _references(chunks, story)
    heads = [index for index, chunk in enumerate(chunks) if chunk.head]
    reference_numbers = settle([Sign(at, digits, SURE_SIGN) for at, _, digits in references])
    head_numbers = settle(
        [Sign(index, chunks[index].head, SURE_SIGN) for index in heads],
        frozenset(number for number in reference_numbers if number is not None),
    )
    named = dict(zip(heads, labels(head_numbers), strict=True))
    cited = match_references(
        [(at, number) for (at, _, _), number in zip(references, reference_numbers, strict=True)],
        [(index, *name) for index, name in named.items() if name],
        farthest=len(chunks),
    )
    rulings = {(at, place): label for (at, place, _), label in zip(references, cited, strict=True)}
    warnings = _references_without_notes(chunks, references, reference_numbers, named, rulings)
    if plain:
        warnings.append(PageWarning(0, f"Plain digits were taken for the numbers of footnotes: {', '.join(plain)}."))
    chunks, rulings, guessed = _guessed(chunks, story, named, rulings)
    return _Reading(chunks, story, named, rulings, dropped=dropped, warnings=warnings + guessed)


# -- references, blocks, notes --------------------------------------------------------------------------------------


def _references(chunks: Sequence[Chunk], story: Told) -> list[tuple[int, int, str]]:
    """``(chunk, offset in its text, digits)`` of every raised number in the body that is no exponent."""
    return [
        (index, sign.start(), sign[2])
        for index, chunk in enumerate(chunks)
        if not story.in_note[index]
        for sign in raised_numbers(chunk.text)
    ]


def _references_without_notes(
    chunks: Sequence[Chunk],
    references: Sequence[tuple[int, int, str]],
    numbers: Sequence[int | None],
    named: _Names,
    rulings: dict[_Spot, str | None],
) -> list[PageWarning]:
    """Rule that numbers raised after a word are references, though no note answers them; say so."""
    known = {name[0] for name in named.values() if name}
    renumbered = any(name[0] != name[1] for name in named.values() if name)
    warnings: list[PageWarning] = []
    for (index, at, digits), number in zip(references, numbers, strict=True):
        text = chunks[index].text
        answered = rulings[index, at] is not None
        if answered or str(number) != digits or not _stands_after_word(text, at):
            continue
        bracketed = text[at] == BRACKETED
        if bracketed and not known:  # without any note, brackets may as well cite a list of sources
            continue
        if not bracketed and not renumbered and digits not in known:
            rulings[index, at] = digits
            known.add(digits)
        warnings.append(PageWarning(chunks[index].page, f"Footnote mark {digits} has no note."))
    return warnings


def _stands_after_word(text: str, at: int) -> bool:
    """Whether something comes before an offset that is no digit, whose power the number there would be."""
    before = text[:at].rstrip()
    return bool(before) and not before[-1].isdigit()


def _guessed(
    chunks: Sequence[Chunk], story: Told, named: _Names, rulings: _Rulings
) -> tuple[list[Chunk], dict[_Spot, str | None], list[PageWarning]]:
    """References that were misread: the one odd sign at the end of a word between the neighbouring references."""
    chunks, known = list(chunks), dict(rulings)
    warnings: list[PageWarning] = []
    heads = {name[0]: index for index, name in named.items() if name}
    places = {cited: place for place, cited in known.items() if cited is not None}
    odd = [
        index
        for index, chunk in enumerate(chunks)
        if not story.in_note[index] and not chunk.table and _MISREAD.search(chunk.text)
    ]
    for label, head in heads.items():
        gap = _gap_of(label, head, places, len(chunks))
        found = list(islice(_odd_signs(chunks, odd, *gap), 2)) if gap else []
        if len(found) != 1 or head - found[0][0] > _FARTHEST_MISREAD:
            continue
        index, sign = found[0]
        text, place = chunks[index].text, (index, sign.start())
        sealed = f"{RAISED}{label}{CLOSED}"
        _shift(text, place, len(sealed) - len(sign[1]), known, places)
        chunks[index] = replace(chunks[index], text=text[: sign.start()] + sealed + text[sign.end(1) :])
        known[place], places[label] = label, place
        said = f"The mark of footnote {label} was read as {sign[1]}; it stands where its number was expected."
        warnings.append(PageWarning(chunks[index].page, said))
    return chunks, known, warnings


def _gap_of(label: str, head: int, places: Mapping[str, _Spot], end: int) -> tuple[_Spot, _Spot] | None:
    """Between which places the reference to a note must stand: after the one before, above the next one and the note.

    ``None`` where the reference was found, or nothing says where to look.

    Args:
        places: of the references that were found, by label.
    """
    if label in places or not label.isdigit():
        return None
    number = int(label)
    before = places.get(str(number - 1))
    if before is None and label != "1":
        return None
    after = places.get(str(number + 1), (end, 0))
    return before or (-1, -1), min(after, (head, 0))


def _odd_signs(
    chunks: Sequence[Chunk], odd: Sequence[int], low: _Spot, high: _Spot
) -> Iterator[tuple[int, re.Match[str]]]:
    """The signs of the body between two places that a raised digit may have been read as, each with its chunk.

    Args:
        odd: the chunks that have such signs.
    """
    for index in odd[bisect_left(odd, low[0]) : bisect_right(odd, high[0])]:
        for sign in _closing_no_quote(chunks[index].text):
            if low < (index, sign.start()) < high:
                yield index, sign


def _closing_no_quote(text: str) -> Iterator[re.Match[str]]:
    """The odd signs of a text that close no quote, and no emphasis between two stars."""
    counts = dict.fromkeys("“”‘’\"'*", 0)
    at = 0
    for sign in _MISREAD.finditer(text):
        for c in counts:
            counts[c] += text.count(c, at, sign.start())
        at = sign.start()
        if "”" in sign[1] or "’" in sign[1]:
            closes = counts["“"] > counts["”"] or counts["‘"] > counts["’"]
        else:
            closes = any(counts.get(c, 0) % 2 for c in sign[1])
        if not closes:
            yield sign


def _shift(text: str, after: _Spot, by: int, rulings: dict[_Spot, str | None], places: dict[str, _Spot]) -> None:
    """Move the rulings, and the places of references, where the text of a chunk grows behind an offset."""
    for sign in reversed(list(SIGN.finditer(text, after[1]))):
        old, new = (after[0], sign.start()), (after[0], sign.start() + by)
        if old in rulings:
            label = rulings[new] = rulings.pop(old)
            if label is not None and places.get(label) == old:
                places[label] = new


def _tokens(chunk: Chunk, index: int, rulings: _Rulings, offset: int = 0) -> Tokens:
    out: list[Token] = []
    for part in re.finditer(r"\S+", chunk.text):
        text, references = "", []
        at = 0
        for sign in SIGN.finditer(part[0]):
            text += part[0][at : sign.start()]
            at = sign.end()
            label = rulings.get((index, offset + part.start() + sign.start()))
            if label is not None:
                references.append(Reference(len(text), label))
            else:
                text += f"[{sign[2]}]" if sign[1] == BRACKETED else superscript(sign[2])
        token = Token(text + part[0][at:], references=tuple(references))
        if out and references and references[0].offset == 0 and not any(c.isalnum() for c in token.text):
            out[-1] = glue(out[-1], token)  # the space before a reference is the engine's, not the page's
        else:
            out.append(token)
    return tuple(out)


def _rows(chunk: Chunk, index: int, rulings: _Rulings) -> tuple[tuple[str, ...], ...]:
    """The cells of a table as published."""
    offset = 0
    out = []
    for row in chunk.table:
        cells = []
        for cell in row:
            cells.append(published(_tokens(Chunk(cell), index, rulings, offset)))
            offset += len(cell) + 1 if cell else 0
        out.append(tuple(cells))
    return tuple(out)


def _build(reading: _Reading) -> tuple[list[Block], list[Footnote]]:
    chunks, story, named, rulings = reading.chunks, reading.story, reading.named, reading.rulings
    bodies: list[list[Tokens]] = []
    pages: list[int] = []
    marks: list[int] = []
    tables: dict[int, tuple[tuple[str, ...], ...]] = {}
    notes: list[tuple[str, str, list[list[Tokens]], list[int]]] = []
    for index, chunk in enumerate(chunks):
        in_note = story.in_note[index]
        tokens = _tokens(chunk, index, rulings)
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
                tables[len(bodies)] = _rows(chunk, index, rulings)
            bodies.append([tokens])
            pages.append(chunk.page)
            marks.append(chunk.marks)
    joined = [join_lines(parts) for parts in bodies]
    footnotes = [
        Footnote(label, number, tuple(join_lines(parts) for parts in parts_of), tuple(dict.fromkeys(filter(None, on))))
        for label, number, parts_of, on in notes
    ]
    blocks = _marked_blocks(joined, tables, marks) if reading.marked_up else _blocks_of_all(joined, tables)
    return [replace(block, page=page) for block, page in zip(blocks, pages, strict=True)], footnotes


Section = Literal["letterhead", "title", "text", "recipients", "signature"]


def _blocks_of_all(bodies: Sequence[Tokens], tables: Mapping[int, tuple[tuple[str, ...], ...]]) -> list[Block]:
    """The blocks of a text that may hold several documents."""
    heads = letterheads_within(bodies)
    heads = heads if heads and not heads[0].start else [range(0), *heads]
    starts = [head.start for head in heads]
    blocks: list[Block] = []
    for start, end, head in zip(starts, [*starts[1:], len(bodies)], heads, strict=True):
        own = _blocks(bodies[start:end], {at - start: rows for at, rows in tables.items() if start <= at < end})
        blocks += [replace(block, type="letterhead", level=0) for block in own[: len(head)]]
        blocks += own[len(head) :]
    return blocks


def _blocks(bodies: Sequence[Tokens], tables: Mapping[int, tuple[tuple[str, ...], ...]]) -> list[Block]:
    blocks: list[Block] = []
    texts = [" ".join(token.text for token in tokens) for tokens in bodies]
    title = next((i for i, text in enumerate(texts[:_TITLE_WITHIN]) if is_document_type(text)), None)
    section: Section = "letterhead" if title is not None else "text"
    for index, (tokens, text) in enumerate(zip(bodies, texts, strict=True)):
        section = _section(section, text, since_title=None if title is None else index - title)
        if index in tables:
            blocks.append(Block("table", tokens, rows=tables[index]))
        elif section == "title" and index != title and _opens_body(text):
            section = "text"
            blocks.append(Block("paragraph", tokens))
        else:
            kind, level = _kind_and_level(section, text)
            blocks.append(Block(kind, tokens, level=level))
    return blocks


def _marked_blocks(
    bodies: Sequence[Tokens], tables: Mapping[int, tuple[tuple[str, ...], ...]], marks: Sequence[int]
) -> list[Block]:
    """The blocks of Markdown of ours: what is a title or a heading, its number signs say."""
    blocks: list[Block] = []
    section: Section = "letterhead" if 1 in marks else "text"
    for index, (tokens, signs) in enumerate(zip(bodies, marks, strict=True)):
        text = " ".join(token.text for token in tokens)
        section = "text" if signs else _section(section, text, since_title=None)
        if index in tables:
            blocks.append(Block("table", tokens, rows=tables[index]))
        elif signs:
            blocks.append(Block("heading" if signs > 1 else "title", tokens, level=signs - 1))
        else:
            kind, level = _kind_and_level(section, text)
            if kind == "heading":  # it looks like one, and has no signs
                kind, level = ("list_item", 1) if is_list_item(text) else ("paragraph", 0)
            blocks.append(Block(kind, tokens, level=level))
    return blocks


def _section(before: Section, text: str, since_title: int | None) -> Section:
    """The part of a document that a block belongs to: letterhead, title, text, recipients, signature.

    Args:
        before: the part that the block before belongs to.
        text: of the block.
        since_title: how many blocks after the title it comes; ``None`` where there is no title.
    """
    section: Section = before
    if since_title == 0:
        section = "title"
    elif before == "title" and since_title != 1 and not begins_lower(text):
        section = "text"  # the block after the type may say what the document is about, over several lines
    if is_recipients_head(text):
        return "recipients"
    if section == "recipients" and not _RECIPIENT.match(text):
        return "signature"
    return section


def _opens_body(text: str) -> bool:
    """Whether a block below the title is no subject: the first heading, or what the document rests on."""
    return bool(heading_level(text)) or skeleton(text).startswith("can cu")


def _kind_and_level(section: Section, text: str) -> tuple[BlockType, int]:
    """What a block is published as."""
    if section == "text":
        level = heading_level(text)
        if level:
            return "heading", level
        return ("list_item", 1) if is_list_item(text) else ("paragraph", 0)
    if section == "letterhead" and len(text) > _LONGEST_LETTERHEAD and not is_motto(text):
        return "paragraph", 0
    return section, 0
