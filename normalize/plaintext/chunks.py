"""Text of another OCR engine to chunks: paragraphs, or the pieces of them that page ends left.

Engines differ in what a line is (a printed line, or a paragraph), in what blank lines part, and in what they leave of
the page: its number, its running header, a rule, a form feed, a comment. What a line is, is told by the lengths of all
lines; what belongs to the page and not to the text, by :mod:`normalize.plaintext.page_ends`.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from normalize.document import Dropped, DropReason
from normalize.plaintext.form_lines import part_of_form, with_columns_parted
from normalize.plaintext.markup import TABLE, Rows, without_html, without_images
from normalize.plaintext.markup import plain as plain_text
from normalize.plaintext.page_ends import page_ends
from normalize.plaintext.signs import BRACKETED, CLOSED, NOTATION, PLAIN_HEAD, RAISED, begins_lower, ended
from normalize.plaintext.tables import is_row, tables_in, with_rows_told
from normalize.vietnamese.decree30 import is_list_item

_HEAD = re.compile(rf"[{RAISED}{BRACKETED}](\d+){CLOSED}\s*")
#: What may begin a list item, or a line that broke before a dash.
_DASH = re.compile(r"[-–+*•]\s")
#: Putting marks in order takes the square of their number, so that Unicode (UAX #15, stream-safe text) has at most
#: thirty on a letter, and a joiner of no width behind them where there are more.
_TOO_MANY_MARKS, _JOINER = re.compile("([\u0300-\u036f]{30})(?=[\u0300-\u036f])"), "\u034f"
_BROKEN = re.compile(r"\w[-–/]$")
_MARKDOWN_HEADING = re.compile(r"(#{1,6})\s+")

_WIDEST_GAP = 64  # spaces or tabs in a row; more say no more
_WIDEST = 140  # letters in a printed line
_SHORT_LINE = 40  # letters: where lines are paragraphs, what ends a sentence after fewer is no paragraph of its own
_FIRST_LINE_INDENT = (2, 12)  # spaces, fewest and most

#: A line goes on with the one before it, begins a paragraph, or does so only if it turns out to be a note.
_How = Literal["on", "new", "perhaps"]


@dataclass(frozen=True, slots=True)
class Chunk:
    """A paragraph or a piece of one, as it stands in the text.

    Attributes:
        text: plain, raised numbers between private characters.
        head: the raised number it begins with; empty for none.
        bracketed: the head is ``[1]``, which may as well be a list's.
        table: cells by row, of a Markdown or HTML table, as ``text`` is.
        page: 1 for the first, where the text says where pages end; 0 elsewhere.
        glued: it goes on with the chunk before it unless it turns out to be a note: nothing but its first
            characters, digits, speaks for a new paragraph.
        indented: by four spaces or more, as further paragraphs of a published note are.
        marks: number signs of Markdown before it: 1 for a title, more for a heading.
    """

    text: str
    head: str = ""
    bracketed: bool = False
    table: Rows = ()
    page: int = 0
    glued: bool = False
    indented: bool = False
    marks: int = 0

    @property
    def ended(self) -> bool:
        """Its last sentence is whole, or it has none."""
        return ended(self.text) or bool(self.table)

    @property
    def lower(self) -> bool:
        """Begins in the middle of a sentence, by its looks."""
        return begins_lower(self.text)

    @property
    def short(self) -> bool:
        """May be a heading, which ends without a full stop."""
        return len(self.text) < 160


def chunks_of(text: str, *, a_block_each: bool = False) -> tuple[list[Chunk], list[Dropped]]:
    """The chunks of a text, and what belongs to its pages only: page numbers, running headers, separators.

    Args:
        a_block_each: blank lines part all its paragraphs and nothing else, whatever the lengths of its lines say.
    """
    text, links = without_images(_cleaned(text))
    text, tables = without_html(text)
    lines = [line if is_row(line) else _unindented(line) for line in with_rows_told(text.split("\n"))]
    lines = with_columns_parted(lines)
    pages, dropped = page_ends(lines, full_line=_measure(lines).width or _WIDEST)
    lengths = _measure([line for index, line in enumerate(lines) if index not in dropped])
    measure = _Measure(0, 0.0, all_print=True) if a_block_each else lengths
    spaced = measure.width > 0 and _spaced(lines, dropped)
    a_line_each = not measure.width and _hardly_blank(lines)
    chunks: list[Chunk] = []
    page = 1 if pages else 0
    begun = 0  # chunks before this page
    run: list[str] = []

    def close() -> None:
        chunks.extend(_chunks_of_run(run, page, measure, a_line_each, tables))
        run.clear()

    for index, line in enumerate(lines):
        if index in pages:
            close()
            page += len(chunks) > begun  # several signs of one page end count once
            begun = len(chunks)
        if index in dropped:
            continue
        if line.strip():
            run.append(line)
        elif not spaced:
            close()
    close()
    return chunks, links + _dropped(lines, dropped)


def _dropped(lines: Sequence[str], dropped: Mapping[int, DropReason | None]) -> list[Dropped]:
    """What is reported of the lines that are left out: those that say anything."""
    gone = [Dropped(0, None, lines[index].strip(), reason) for index, reason in sorted(dropped.items()) if reason]
    return [one for one in gone if any(c.isalnum() for c in one.text)]


def _cleaned(text: str) -> str:
    text = _TOO_MANY_MARKS.sub(rf"\1{_JOINER}", text.replace("\r\n", "\n").replace("\r", "\n"))
    text = unicodedata.normalize("NFC", text)
    text = re.sub("[\ufeff\u200b\u200c\u200d\u2060\u00ad]", "", text)
    text = re.sub("[\ue000-\ue004]", "\ufffd", text)
    text = re.sub("[\u00a0\u2000-\u200a\u202f]", " ", text).replace("\v", "\n").replace("\u2028", "\n")
    text = re.sub(rf"([ \t]{{{_WIDEST_GAP}}})[ \t]+", r"\1", text)
    return text.replace("\f", "\n\f\n")


def _unindented(line: str) -> str:
    """A line that is no row, indented with spaces only."""
    indent = len(line) - len(line.lstrip(" \t"))
    return (line[:indent].expandtabs(4) + line[indent:]).rstrip(" \t")


# -- what is a paragraph --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Measure:
    """Of printed lines, in letters.

    Attributes:
        width: of a full line; 0 where a line is a paragraph.
        slack: free space that a line may have at its end though the next word would fit: letters differ in width.
        all_print: whatever stands there is text, signs without a word too.
    """

    width: int
    slack: float
    all_print: bool = False


def _measure(lines: Sequence[str]) -> _Measure:
    full = [line.strip() for line in lines if line.strip() and not is_row(line)]
    lengths = sorted(map(len, full))
    if len(lengths) < 8:
        return _Measure(0, 0.0)
    longest = lengths[int(0.98 * (len(lengths) - 1))]
    near = len(lengths) - bisect_left(lengths, 0.8 * longest)
    if not 30 <= longest <= _WIDEST or near < 0.35 * len(lengths):
        return _Measure(0, 0.0)
    rooms = sorted(
        _room(before, line, longest)
        for before, line in pairwise(full)
        if begins_lower(line) and not ended(before) and len(before) > 0.6 * longest
    )
    usual = rooms[int(0.95 * (len(rooms) - 1))] if rooms else 0
    return _Measure(longest, min(0.2 * longest, max(0.02 * longest, usual + 1)))


def _room(before: str, line: str, width: int) -> int:
    """Letters that were still free at the end of a line, the next line's first word set there too."""
    return width - len(before) - 1 - len(line.split()[0])


def _spaced(lines: Sequence[str], dropped: Mapping[int, DropReason | None]) -> bool:
    """Whether a blank line follows nearly every printed line, so that it says nothing."""
    full = [index for index, line in enumerate(lines[:-1]) if line.strip() and index not in dropped]
    return sum(not lines[index + 1].strip() for index in full) > 0.9 * len(full)


def _hardly_blank(lines: Sequence[str]) -> bool:
    """Whether a text has too few blank lines for them to part its paragraphs."""
    return sum(not line.strip() for line in lines) < 0.1 * len(lines)


def _chunks_of_run(
    run: Sequence[str], page: int, measure: _Measure, a_line_each: bool, tables: Sequence[Rows]
) -> list[Chunk]:
    """The chunks of lines that no blank line parts."""
    if not run:
        return []
    if len(run) == 1 and run[0].strip().startswith(TABLE):
        rows = tables[int(run[0].strip().strip(TABLE))]
        return [_table(tuple(row for row in rows if any(row)) or (("",),), page)]
    chunks: list[Chunk] = []
    for text, rows in tables_in(run):
        chunks += [_table(rows, page)] if rows else _paragraphs(text, page, measure, a_line_each)
    return chunks


def _table(rows: Rows, page: int) -> Chunk:
    return Chunk(" ".join(cell for row in rows for cell in row if cell), table=rows, page=page)


def _paragraphs(lines: Sequence[str], page: int, measure: _Measure, a_line_each: bool) -> list[Chunk]:
    """The chunks of lines that are not a table's."""
    chunks: list[Chunk] = []
    text, indented, glued = "", False, False
    left = min(map(_indent, lines))
    width = measure.width
    a_line_each |= not width and len(lines) > 1 and max(map(len, lines)) > _WIDEST

    def close() -> None:
        """End the paragraph; one without a word is a rule of dashes, or empty."""
        nonlocal text
        one = _chunk(text, page, glued, indented)
        if any(map(str.isalnum, one.text + one.head)) or (measure.all_print and one.text):
            chunks.append(one)
        text = ""

    before = ""
    for line in lines:
        plain = line.strip()
        if text:
            how = "new" if a_line_each else _how(before, line, left, measure)
            if how == "on":
                broken = width and _BROKEN.search(text[-2:]) and plain[:1].isalnum()
                text += plain if broken else " " + plain
            else:
                close()
                glued = how == "perhaps"
        if not text:
            text, indented = plain, _indent(line) >= 4
            glued = glued and bool(chunks)
        before = line
    close()
    return chunks


def _how(before: str, line: str, left: int, measure: _Measure) -> _How:
    """How a line stands to the one before it; ``left`` is where the lines of its paragraphs begin."""
    last, text = before.strip(), line.strip()
    if part_of_form(last, text):
        return "new"
    if _DASH.match(text):
        wrapped = len(last) >= 0.8 * measure.width and not ended(last)
        return "on" if measure.width and wrapped else "new"
    if NOTATION.match(text) and re.search(r"[^\W\d_]", text):
        return "new"
    if not measure.width:
        return _how_after_paragraph(last, text)
    return _how_after_printed_line(before, line, left, measure)


def _how_after_paragraph(last: str, text: str) -> _How:
    """The same where lines are paragraphs, or pieces of them that page ends left."""
    if ended(last) and not begins_lower(text):
        return "new" if len(last) > _SHORT_LINE else "on"
    return "new" if _MARKDOWN_HEADING.match(text) or _MARKDOWN_HEADING.match(last) else "on"


def _how_after_printed_line(before: str, line: str, left: int, measure: _Measure) -> _How:
    """The same where lines are printed lines: room, indents and list markers begin a paragraph."""
    last, text = before.strip(), line.strip()
    counted = bool(re.match(r"\d[\d.,]*\s", text))  # "12 hộ" is no list item
    marker = is_list_item(text) and not counted
    after_sentence = ended(last)
    if not marker and (begins_lower(text) or (counted and not after_sentence)):
        return _how_in_sentence(last, text, measure, counted)
    had_room = _room(last, text, measure.width) > measure.slack
    if had_room or _begins_indented(before, line, left) or (marker and after_sentence):
        return "new"
    return "perhaps" if PLAIN_HEAD.match(text) else "on"


def _how_in_sentence(last: str, text: str, measure: _Measure, counted: bool) -> _How:
    """The same for a printed line that looks like the middle of a sentence: only plain room ends a paragraph there."""
    room = _room(last, text, measure.width)
    if last.endswith(".") and ended(last):
        return "new" if room > measure.slack else "on"
    if room > 0.45 * measure.width:
        return "new"
    return "perhaps" if counted and PLAIN_HEAD.match(text) else "on"


def _begins_indented(before: str, line: str, left: int) -> bool:
    """Whether a line is indented as the first of a paragraph is, and farther than the line before."""
    indent = _indent(line) - left
    return _FIRST_LINE_INDENT[0] <= indent <= _FIRST_LINE_INDENT[1] and indent > _indent(before) - left


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _chunk(text: str, page: int, glued: bool, indented: bool) -> Chunk:
    plain = text.strip()
    heading = _MARKDOWN_HEADING.match(plain)
    plain = plain[heading.end() :] if heading else plain
    plain = plain_text(re.sub(r"^>\s+", "", plain))
    plain = " ".join(plain.split())
    # A space before a reference is the engine's, not the page's, and so is one between it and a comma.
    plain = re.sub(rf" (?={RAISED})(?!{RAISED}\d+{CLOSED} ?\w)", "", plain)
    plain = re.sub(rf"({CLOSED}) (?=[.,;:!?)](?:\s|$))", r"\1", plain)
    if plain.count("**") % 2:  # bold that was opened and never closed
        plain = re.sub(r"^\*\*|\*\*$", "", plain)
    head = _HEAD.match(plain)
    if head and len(plain) > head.end():
        return Chunk(plain[head.end() :], head[1], plain[0] == BRACKETED, page=page, indented=indented)
    return Chunk(plain, page=page, glued=glued, indented=indented, marks=len(heading[1]) if heading else 0)
