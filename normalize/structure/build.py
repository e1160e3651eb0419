"""Pages to a document: blocks in reading order, footnotes at the words that cite them, nothing printed lost."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from itertools import chain, groupby
from typing import Any, Literal

from normalize.document import (
    About,
    Block,
    BlockType,
    Document,
    Dropped,
    DropReason,
    Footnote,
    LowestWord,
    PageReport,
    PageWarning,
    Source,
    Token,
)
from normalize.facts.bundles import documents
from normalize.facts.letterhead import with_number
from normalize.facts.metadata import with_parts
from normalize.facts.signature import columns, is_signature, may_sign
from normalize.facts.title import titled
from normalize.structure import footnotes, headings, paragraphs, recipients, stamps, tables
from normalize.structure.grade import grade
from normalize.structure.head_columns import with_title_parted
from normalize.structure.lines import (
    Margins,
    Rulings,
    SetLine,
    page_margins,
    set_line,
    settled_margins,
    token,
)
from normalize.structure.page_gaps import page_gaps
from normalize.structure.running_headers import page_numbers, running_lines
from normalize.vietnamese.decree30 import (
    has_office_word,
    is_addressee,
    is_motto,
    is_recipients_head,
    is_recipients_list,
)
from normalize.vietnamese.syllable import clean, parse
from ocr.page import (
    Box,
    Line,
    Page,
    Word,
    Zone,
    is_read_elsewhere,
    lines_of,
    mean_confidence,
    of_words,
    take_out,
    words_of,
)

# In page widths: right of here a signature begins; it is no wider; left of here is the middle of a recipient's line.
_SIGNED_FROM, _SIGNED_WIDTH, _RECIPIENTS_CENTRE = 0.3, 0.5, 0.5
#: A seal leaves so many signs and small letters before the capitals of an office, at most: .„+".cGIÁM, øCHỦ.
_LONGEST_TRACE = 7
#: Letters that a stroke of the pen between an office and a name is read as.
_TRACE = 8
#: What was read as noise may be a line of print from so many letters and digits on, if its type is that of the text but
#: for this share.
_LINE_OF_LETTERS, _SAME_TYPE = 15, 0.35
#: Where less of the print-like ink stands in words, something was lost, though no group of letters shows where: of 148
#: pages, real ones and samples, none had less.
_EXPLAINED = 0.985
#: A scan of two pages is so many times as wide as high, with so many lines of text at either side of its middle. So
#: much of its width is free there, and no more than this share of the lines stands across it.
_SPREAD, _LINES_OF_PAGE, _GUTTER, _ACROSS = 1.2, 10, 0.04, 0.05

Role = Literal[
    "text",
    "letterhead",
    "recipients",
    "signature",
    "table",
    "missing",
    "part missing",
    "sheet",
    "notes",
    "page number",
    "stamp",
    "noise",
]


_Outside = Mapping[DropReason, Set[tuple[int, Box]]]
"""Page and place of lines that belong to the pages and not to the text, by the reason for dropping them."""


@dataclass(frozen=True, slots=True)
class _Part:
    """A line of the body with the role of the zone it stands in.

    Attributes:
        role: ``text``, ``letterhead``, ``recipients``, ``signature``, ``table``, ``missing``, ``part missing`` or
            ``sheet``.
        lines: one line, all those of a table, or none for a separator sheet and for the marker of a page that is
            lost, in whole or in part.
        table: the zone of a table.
        goes_on: the table continues the one before it.
    """

    role: Role
    page: int
    lines: tuple[Line, ...] = ()
    table: Zone | None = None
    goes_on: bool = False


@dataclass(slots=True)
class _Reading:
    """What is gathered while the pages go by."""

    body: list[_Part] = field(default_factory=list)
    notes: list[tuple[int, Line]] = field(default_factory=list)
    margins: dict[int, Margins] = field(default_factory=dict)
    widths: dict[int, int] = field(default_factory=dict)
    dropped: list[Dropped] = field(default_factory=list)
    warnings: list[PageWarning] = field(default_factory=list)
    reports: list[PageReport] = field(default_factory=list)
    begins: bool = True  # the page to come is the first of a document
    engine: dict[str, str] = field(default_factory=dict)

    def drop(self, page: int, lines: Iterable[Line], reason: DropReason) -> None:
        self.dropped += [Dropped(page, line.box, line.text, reason) for line in lines]

    def drop_added(self, page: int, line: Line, reason: DropReason) -> None:
        """What was put on the page later: its words are words of the language, and are repaired."""
        tokens = tuple(token(page, word, {}) for word in line.words)
        self.dropped.append(Dropped(page, line.box, line.text, reason, tokens))


def build_document(pages: Iterable[Page], source: Source) -> Document:
    """The document that a scan's pages hold, before repair.

    Args:
        pages: in order; a page whose ``error`` is set leaves a marker block and a warning.
        source: the file they were read from.
    """
    begun = time.perf_counter()
    reading = _Reading()
    pages = list(pages)
    outside: _Outside = {"page number": page_numbers(pages), "running header": running_lines(pages)}
    for page in pages:
        _take_page(page, outside, reading)
    reading.body = _with_continued_tables(reading)
    margins = settled_margins(reading.margins, reading.widths)
    body = [(part.page, line) for part in reading.body for line in part.lines]
    reattached = footnotes.reattach(body, reading.notes, margins)
    parts = _closing_in_order(_relined(reading.body, reattached.relined))
    reading.dropped += [Dropped(page, box, text, "noise") for page, box, text in reattached.strays]
    gaps = _gaps(parts, reading.dropped)
    blocks = tuple(_blocks(parts, margins, reattached.rulings, gaps))
    sheets = {page.number for page in pages if page.separator}
    blocks = tuple(block for own in documents(blocks, sheets) for block in titled(own))
    cited = {label for block in blocks for label in block.labels}
    odd = [warning for block in blocks if block.rows for warning in tables.disagreements(block)]
    warnings = [*reading.warnings, *reattached.warnings, *odd, *gaps]
    document = Document(
        source=source,
        blocks=blocks,
        footnotes=tuple(_footnote(note, note.label in cited) for note in reattached.notes),
        pages=tuple(reading.reports),
        dropped=tuple(sorted(reading.dropped, key=lambda one: one.page)),
        warnings=tuple(sorted(warnings, key=lambda one: one.page)),
        engine=reading.engine,
    )
    seconds = {
        "reading": round(sum(report.seconds for report in document.pages), 3),
        "structure": round(time.perf_counter() - begun, 3),
    }
    return with_parts(replace(document, timings=seconds))


def _with_continued_tables(reading: _Reading) -> list[_Part]:
    """The body with the tables that go on on a next page marked; a head that is printed again there is dropped."""
    out: list[_Part] = []
    first: Zone | None = None
    for part in reading.body:
        above = out[-1] if out else None
        goes_on = (
            above is not None
            and first is not None
            and part.table is not None
            and above.page + 1 == part.page
            and tables.carries_on(first, part.table)
        )
        if not goes_on:
            first = part.table
        elif part.table is not None and first is not None:
            rest, head = tables.without_rows(part.table, tables.repeated_head(first, part.table))
            if rest.lines:
                reading.drop(part.page, head, "running header")
                part = replace(part, table=rest, lines=rest.lines)
            part = replace(part, goes_on=True)
        out.append(part)
    return out


def _relined(parts: Sequence[_Part], relined: Mapping[int, Line]) -> list[_Part]:
    """The parts with some of their lines, counted through all of them, replaced."""
    out, index = [], 0
    for part in parts:
        lines = tuple(relined.get(index + i, line) for i, line in enumerate(part.lines))
        index += len(lines)
        out.append(replace(part, lines=lines) if lines != part.lines else part)
    return out


def _take_page(page: Page, outside: _Outside, reading: _Reading) -> None:
    report = _report(page)
    reading.reports.append(report)
    reading.engine.update(page.engine)
    if page.separator:
        reading.body.append(_Part("sheet", page.number))
        reading.dropped.append(Dropped(page.number, None, " ".join(w.text for w in page.words), "separator sheet"))
        reading.begins = True
        return
    if page.error is not None:
        reading.body.append(_Part("missing", page.number))
        reading.begins = False
        reading.warnings.append(PageWarning(page.number, f"The page could not be read: {page.error}", about="page"))
        return
    if page.damage is not None:
        reading.warnings.append(PageWarning(page.number, page.damage, about="page"))
    elif report.grade == "poor" and report.words and not page.unread:  # of which each place is told
        hard = "The page was hard to read: compare it with the scan."
        reading.warnings.append(PageWarning(page.number, hard, about="page"))
    reading.warnings += [*_unread_print(page), *_streaks(page), *_unreadable_lines(page), *_side_by_side(page)]
    zones = _documents_own(page, outside, reading)
    boxes = _text_boxes(zones)
    if not boxes:
        if page.damage is None:
            about: About = "print" if page.has_ink and not page.words else "text"
            reading.warnings.append(PageWarning(page.number, _without_words(page), about=about))
        else:
            reading.body.append(_Part("part missing", page.number))
        return
    reading.margins[page.number] = page_margins(boxes)
    reading.widths[page.number] = page.width
    for piece in _roles(zones, reading.begins, page.width):
        _take_piece(piece, page.number, reading)
    if page.damage is not None:
        reading.body.append(_Part("part missing", page.number))
    reading.begins = False


def _without_words(page: Page) -> str:
    """What is said of a page that gives no text: it is blank only if nothing is on it."""
    if page.words:
        return "The page holds only what is not the document's text, such as a stamp or a page number."
    if page.has_ink:
        return "No words were found on the page, and yet it is not blank: look at it."
    return "The page is blank."


def _documents_own(page: Page, outside: _Outside, reading: _Reading) -> tuple[Zone, ...]:
    """The zones of a page without what is not the document's text, which is dropped: stamps and running headers."""
    zones, added = stamps.take_off(page)
    zones = with_number(zones)
    for line, reason in added:
        reading.drop_added(page.number, line, reason)
    if reading.begins:
        zones = with_title_parted(zones, page)
    for reason, places in outside.items():
        zones, lines = _without_places(zones, page.number, places)
        reading.drop(page.number, lines, reason)
    return zones


def _without_places(
    zones: tuple[Zone, ...], page: int, places: Set[tuple[int, Box]]
) -> tuple[tuple[Zone, ...], list[Line]]:
    return take_out(zones, lambda line: (page, line.box) in places)


def _text_boxes(zones: Sequence[Zone]) -> list[Box]:
    """The lines that show a page's margins: those of the full measure, or all where there are none."""
    text = [line.box for zone in zones if zone.kind == "text" for line in zone.lines]
    return text or [line.box for zone in zones for line in zone.lines]


def _take_piece(piece: _Piece, page: int, reading: _Reading) -> None:
    """Lines to the body, to the notes or to what is dropped, by their role."""
    role, lines = piece.role, piece.lines
    if role == "notes":
        reading.notes += [(page, line) for line in lines]
    elif role == "page number" or role == "noise":
        reading.drop(page, lines, role)
    elif role == "signature":
        reading.drop(page, filter(_is_stroke, lines), "noise")
        own = [_with_traces_parted(line) for line in lines if not _is_stroke(line)]
        _take_trimmed(role, own, _without_traces, page, reading)
    elif role == "letterhead":
        reading.drop(page, filter(_is_pen_mark, lines), "noise")
        reading.body += [_Part(role, page, (line,)) for line in lines if not _is_pen_mark(line)]
    elif role == "table":
        reading.body.append(_Part(role, page, lines, piece.zone))
    elif role == "recipients":
        _take_recipients(lines, page, reading)
    else:
        reading.body += [_Part(role, page, (line,)) for line in lines]


def _take_recipients(lines: Sequence[Line], page: int, reading: _Reading) -> None:
    """Lines of the list of recipients to the body, braces and what the pen left to what is dropped."""
    own = [piece for line in lines for piece in recipients.parted(line)]
    reading.drop(page, filter(recipients.is_trace, own), "noise")
    kept = [line for line in own if not recipients.is_trace(line)]
    _take_trimmed("recipients", kept, recipients.without_pen, page, reading)


def _is_pen_mark(line: Line) -> bool:
    """Whether a line of the letterhead is what a pen left beside the number: one or two letters, and no syllable.

    The Party's letterheads have an asterisk of their own.
    """
    text = line.text.strip()
    return len(text) <= 2 and any(c.isalpha() for c in text) and not parse(clean(text))


def _take_trimmed(
    role: Role, lines: Sequence[Line], trimmed: Callable[[Line], Line], page: int, reading: _Reading
) -> None:
    """Lines to the body, what the pen and the seal left at their ends to what is dropped."""
    for line in lines:
        kept = trimmed(line)
        gone = [word for word in line.words if word not in kept.words]
        reading.dropped += [Dropped(page, word.box, word.text, "noise") for word in gone]
        reading.body.append(_Part(role, page, (kept,)))


def _with_traces_parted(line: Line) -> Line:
    """A line of a signature block whose first word bears what a seal left before its capitals, as a word of its own."""
    at = next((n for n, word in enumerate(line.words) if any(c.isalnum() for c in word.text)), 0)
    first = line.words[at]
    length = _length_of_trace(first.text)
    if not length or [letter.text for letter in first.letters] != list(first.text) or first.raised:
        return line
    cut = first.box.left + round(first.box.width * length / len(first.text))
    trace, rest = first.box._replace(right=cut), first.box._replace(left=cut)
    words = (
        replace(first, text=first.text[:length], box=trace, letters=first.letters[:length]),
        replace(first, text=first.text[length:], box=rest, letters=first.letters[length:]),
    )
    return of_words(line, [*line.words[:at], *words, *line.words[at + 1 :]])


def _length_of_trace(text: str) -> int:
    """How many characters, none of them a capital, a digit or a bracket, stand before two capitals."""
    for at in range(1, min(_LONGEST_TRACE + 1, len(text) - 1)):
        if text[at : at + 2].isalpha() and text[at : at + 2].isupper():
            return 0 if any(c.isupper() or c.isdigit() or c == "(" for c in text[:at]) else at
    return 0


def _without_traces(line: Line) -> Line:
    """A line of a signature block without the signs before and after its words."""
    worded = [at for at, word in enumerate(line.words) if any(c.isalnum() for c in word.text)]
    if len(worded) > 1 and _length_of_trace("".join(line.words[at].text for at in worded[:2])) == len(
        line.words[worded[0]].text
    ):
        worded = worded[1:]
    return of_words(line, line.words[worded[0] : worded[-1] + 1]) if worded else line


def _is_stroke(line: Line) -> bool:
    """Whether what was read between an office and a name is a pen's stroke: a few letters that make no syllable."""
    return _has_few_letters(line) and len(line.words) <= 3 and not _syllables(line)


def _is_trace(line: Line) -> bool:
    """Whether a line between columns of offices and of names is what the pen left there: few letters, and no word."""
    return _has_few_letters(line) and all(len(word) == 1 for word in _syllables(line))


def _has_few_letters(line: Line) -> bool:
    return sum(c.isalpha() for c in line.text) <= _TRACE


def _syllables(line: Line) -> list[str]:
    words = (clean(word.text.strip("()[].,:;/")) for word in line.words)
    return [word for word in words if parse(word)]


def _report(page: Page) -> PageReport:
    words = page.words
    lowest = None if page.separator else min(words, key=lambda word: word.confidence, default=None)
    return PageReport(
        number=page.number,
        dpi=page.dpi,
        skew=page.skew,
        words=len(words),
        mean_confidence=round(mean_confidence(words), 1) if lowest else None,
        lowest_confidence=round(lowest.confidence, 1) if lowest else None,
        seconds=page.seconds,
        error=page.error,
        damage=page.damage,
        ink_explained=page.ink_explained,
        grade=None if page.error or page.separator else grade(_words_of_print(page), page.ink_explained),
        rotation=page.rotation,
        lowest_word=LowestWord(lowest.text, lowest.box) if lowest else None,
    )


def _words_of_print(page: Page) -> list[Word]:
    return words_of(lines_of(zone for zone in page.zones if zone.kind not in ("stamp", "noise")))


def _unread_print(page: Page) -> list[PageWarning]:
    """Where print stands on a page that is in no word, each place with its distance from the paper's edges."""
    if not page.unread and page.ink_explained < _EXPLAINED:
        share = 100 * (1 - page.ink_explained)
        said = f"About {share:.0f} % of what looks like print on this page was not read: compare it with the scan."
        return [PageWarning(page.number, said, about="print")]
    return [
        PageWarning(
            page.number, f"Print that was not read stands {_place(box, page)}: look at the page.", box, about="print"
        )
        for box in sorted(page.unread, key=lambda box: (box.top, box.left))
    ]


def _streaks(page: Page) -> list[PageWarning]:
    """What runs across the print of a page: the words that it crosses may be misread."""
    return [
        PageWarning(
            page.number,
            f"A streak runs across the print {_place(box, page)}: look at the words that it crosses.",
            box,
            about="print",
        )
        for box in page.streaks
    ]


def _unreadable_lines(page: Page) -> list[PageWarning]:
    """Whole lines of the type of the page's text that were read as noise: what stands there is lost to the text."""
    sizes = [line.x_height for zone in page.zones if zone.kind == "text" for line in zone.lines]
    if not sizes:
        return []
    size, lines = statistics.median(sizes), lines_of(page.zones)
    return [
        PageWarning(
            page.number,
            f"A line that cannot be read stands {_place(line.box, page)}: look at the page.",
            line.box,
            about="print",
        )
        for zone in page.zones
        if zone.kind == "noise"
        for line in zone.lines
        if sum(c.isalnum() for c in line.text) >= _LINE_OF_LETTERS
        and abs(line.x_height / size - 1) <= _SAME_TYPE
        and line.box.width >= _LINE_OF_LETTERS * size / 2
        and not is_read_elsewhere(line, lines)
    ]


def _side_by_side(page: Page) -> list[PageWarning]:
    """Two pages of a bound volume on one scan: their lines stand beside each other, and none goes across the middle."""
    if page.width < _SPREAD * page.height:
        return []
    lines = [line.box for zone in page.zones if zone.kind != "noise" for line in zone.lines if len(line.words) >= 3]
    middle, gap = page.width / 2, _GUTTER * page.width / 2
    left = sum(box.right <= middle + gap for box in lines)
    right = sum(box.left >= middle - gap for box in lines)
    ruled = any(zone.kind == "table" and not zone.is_open and zone.box.holds(_centre(page)) for zone in page.zones)
    if ruled or min(left, right) < _LINES_OF_PAGE or left + right < (1 - _ACROSS) * len(lines):
        return []
    said = "Two pages stand side by side on this one, and their lines may be mixed: scan them one by one."
    return [PageWarning(page.number, said, about="page")]


def _centre(page: Page) -> Box:
    return Box(page.width // 2, page.height // 2, page.width // 2 + 1, page.height // 2 + 1)


def _place(box: Box, page: Page) -> str:
    """Where something stands, as one finds it with a ruler."""
    return f"{2.54 * box.left / page.dpi:.1f} cm from the left and {2.54 * box.top / page.dpi:.1f} cm from the top"


@dataclass(frozen=True, slots=True)
class _Piece:
    """Lines of a zone and the role they play: one of a :class:`_Part`, ``notes``, ``page number`` or ``noise``."""

    role: Role
    zone: Zone
    lines: tuple[Line, ...]


def _roles(zones: Sequence[Zone], first: bool, width: int) -> list[_Piece]:
    """The lines of a page by the role they play; a zone may change its role at "Nơi nhận"."""
    out: list[_Piece] = []
    above_text = first
    for index, zone in enumerate(zones):
        # From the list of recipients on, what stands at the right are signatures.
        listed = next((piece for piece in reversed(out) if piece.role == "recipients"), None)
        closing = listed is not None
        if zone.kind == "head" or zone.kind == "foot":
            out.append(_Piece("page number", zone, zone.lines))
        elif closed := _closing_pieces(zone, listed, width):
            out += closed
        elif _is_full_measure(zone):
            above_text = False
            out = _with_full_measure(out, zone, width)
        elif zone.kind == "left":
            out += _columns(zone, _right_of(zones, index), above_text, closing)
        elif zone.kind != "right":
            out.append(_Piece(zone.kind, zone, zone.lines))
        elif not _has_left(zones, index):  # one that has came with it
            role = "signature" if closing else out[-1].role if out else "text"
            out.append(_Piece(role, zone, zone.lines))
    return _left_before_right([piece for piece in out if piece.lines])


def _is_open(zone: Zone) -> bool:
    """Whether a table has no borders: then it is as wide as its words."""
    return bool(zone.columns) and zone.columns[0] == zone.box.left


def _parted(zone: Zone, width: int) -> list[_Piece]:
    """Recipients at the left, and at the right the signature."""
    left = tuple(line for line in zone.lines if line.box.x < 0.5 * width)
    right = tuple(line for line in zone.lines if line not in left)
    return [_Piece("recipients", zone, left), _Piece("signature", zone, right)]


def _closing_pieces(zone: Zone, listed: _Piece | None, width: int) -> list[_Piece]:
    """The recipients and signatures in a zone that is no column; the rest of it is text. None where it has none.

    A list of recipients and the signature beside it are lined up like the columns of a table. A stroke of the pen that
    reaches into the list, or the room for a signature, parts the columns; what is below goes on with them.

    Args:
        listed: the last lines above that belong to the list of recipients.
    """
    if zone.kind == "table" and _is_open(zone) and _recipients_head(zone) is not None:
        return _parted(zone, width)
    if listed is None or zone.kind not in ("text", "table"):
        return []
    out: list[_Piece] = []
    for at, line in enumerate(zone.lines):
        role = _closing_role(line, width, out[-1] if out else listed)
        if role is None:
            closed = any(piece.role != "noise" for piece in out)
            return [*out, _Piece("text", zone, zone.lines[at:])] if closed else []
        out.append(_Piece(role, zone, (line,)))
    return out


def _closing_role(line: Line, width: int, above: _Piece) -> Role | None:
    """The part a line plays below the head of the list of recipients; ``None`` for text."""
    above_it = above.lines[-1:]  # none where nothing stands between the head and a frame
    wrapped = above.role == "recipients" and any(recipients.goes_on(one, line) for one in above_it)
    item = line.text[:1] in recipients.DASHES or is_recipients_list([line.text])
    if line.box.x < _RECIPIENTS_CENTRE * width and (item or wrapped):
        return "recipients"
    if _is_stroke(line) or all(sum(c.isalpha() for c in word.text) < 2 for word in line.words):
        return "noise"
    in_the_middle = line.box.left > _SIGNED_FROM * width and line.box.width < _SIGNED_WIDTH * width
    return "signature" if in_the_middle and may_sign(line.text) else None


def _is_full_measure(zone: Zone) -> bool:
    """Whether a zone is text of the full measure, or a mere frame around some."""
    one_cell = zone.kind == "table" and len(zone.columns) == 2 and len(zone.rows) == 2
    return zone.kind == "text" or one_cell


def _with_full_measure(above: Sequence[_Piece], zone: Zone, width: int) -> list[_Piece]:
    """The pieces above some text and those of the text, which may hold the list of recipients or a signature."""
    head = _recipients_head(zone)
    if head is None:
        return [*above, *_with_signature(zone, width)]
    # The signatures stood above the list instead of beside it.
    signed = [_signed(piece, above[at:]) for at, piece in enumerate(above)]
    first = next((at for at, piece in enumerate(signed) if piece.role == "signature"), None)
    if first is not None:
        signed[first:] = [replace(one, role="signature") if _is_body_name(one) else one for one in signed[first:]]
        strokes = [piece for piece in signed[first:] if piece.role == "text" and all(map(_is_trace, piece.lines))]
        signed = [replace(piece, role="noise") for piece in strokes] + [one for one in signed if one not in strokes]
    return [*signed, _Piece("text", zone, zone.lines[:head]), _Piece("recipients", zone, zone.lines[head:])]


def _recipients_head(zone: Zone) -> int | None:
    """Index of the line "Nơi nhận:"."""
    return next((i for i, line in enumerate(zone.lines) if is_recipients_head(line.text)), None)


def _has_left(zones: Sequence[Zone], index: int) -> bool:
    """Whether a right column stands beside a left one; what was taken off the page may have been its left one."""
    return index > 0 and zones[index - 1].kind == "left"


def _right_of(zones: Sequence[Zone], index: int) -> Zone | None:
    """The right column that stands beside a left one."""
    after = zones[index + 1] if index + 1 < len(zones) else None
    return after if after and after.kind == "right" else None


def _columns(left: Zone, right: Zone | None, above_text: bool, closing: bool) -> list[_Piece]:
    """A left column and the right one beside it: of a letterhead, of recipients and signature, or of the text.

    Args:
        above_text: no text of the full measure stands above them in the document.
        closing: the list of recipients does.
    """
    addressed: tuple[Line, ...] = ()
    role: Role = "recipients" if closing else "text"
    lines = left.lines
    if _lists_recipients(left, right, above_text):
        role = "recipients"
    elif above_text or _bears_motto(left, right):
        role = "letterhead"
        lines, addressed = _parted_at_addressee(lines)
    above: tuple[Line, ...] = ()
    if head := _recipients_head(left):
        above, lines, rest = _torn_rows(left.lines[:head], right.lines if right else ()), left.lines[head:], right
        right = replace(rest, lines=tuple(one for one in rest.lines if not _is_part_of(one, above))) if rest else None
    out = [_Piece("text", left, above), _Piece(role, left, lines)]
    if right:
        out.append(_Piece("signature" if closing or role == "recipients" else role, right, right.lines))
    if addressed:
        out.append(_Piece("text", left, addressed))
    return out


def _torn_rows(left: Sequence[Line], right: Sequence[Line]) -> tuple[Line, ...]:
    """Lines above the list of recipients that a stroke of the pen has torn in two, joined again."""
    return tuple(
        of_words(line, [*line.words, *(word for other in right if _is_beside(line, other) for word in other.words)])
        for line in left
    )


def _is_beside(line: Line, other: Line) -> bool:
    return abs(line.baseline - other.baseline) < max(line.x_height, other.x_height)


def _is_part_of(line: Line, rows: Sequence[Line]) -> bool:
    return any(line.words[0] in row.words for row in rows)


def _lists_recipients(left: Zone, right: Zone | None, above_text: bool) -> bool:
    """Whether a left column is the list of recipients, by its head or, beside a signature, by its dashes."""
    if _recipients_head(left) is not None:
        return True
    if any(is_addressee(line.text) for line in left.lines):
        return False
    return right is not None and not above_text and is_recipients_list([line.text for line in left.lines])


def _bears_motto(left: Zone, right: Zone | None) -> bool:
    return any(is_motto(line.text) for line in (*left.lines, *(right.lines if right else ())))


def _parted_at_addressee(lines: tuple[Line, ...]) -> tuple[tuple[Line, ...], tuple[Line, ...]]:
    """A letterhead's left column, and a letter's addressees, which may keep to that column under the letterhead."""
    to = next((i for i, line in enumerate(lines) if is_addressee(line.text)), len(lines))
    return lines[:to], lines[to:]


def _left_before_right(pieces: Sequence[_Piece]) -> list[_Piece]:
    """The same, where a letterhead or a signature fell into several pairs of columns: first all that stands at the
    left."""
    ordered: list[_Piece] = []
    for role, group in groupby(pieces, key=lambda piece: piece.role):
        run = list(group)
        by_column = role == "letterhead" or (role == "signature" and all(map(_is_column, run)))
        ordered += sorted(run, key=lambda piece: piece.zone.kind == "right") if by_column else run
    return ordered


def _is_column(piece: _Piece) -> bool:
    return piece.zone.kind in ("left", "right")


def _with_signature(zone: Zone, width: int) -> list[_Piece]:
    """Text, and in it a signature that no list of recipients stands beside: in the right half, an office and a name."""
    lines = zone.lines
    at_right = [line.box.left > 0.42 * width and line.box.x > 0.58 * width for line in lines]
    for start, line in enumerate(lines):
        if not at_right[start] or (start and at_right[start - 1]):
            continue
        end = next((i for i in range(start, len(lines)) if not at_right[i]), len(lines))
        if end - start > 1 and is_signature([line.text for line in lines[start:end]]):
            out = [_Piece("text", zone, lines[:start]), _Piece("signature", zone, lines[start:end])]
            return out + _with_signature(replace(zone, lines=lines[end:]), width)
    return [_Piece("text", zone, lines)]


def _signed(piece: _Piece, onward: Sequence[_Piece]) -> _Piece:
    """A column as ``signature`` when it was taken for text and nothing but columns stands from it on (``onward``).

    Strokes of the pen between the columns are no text.
    """
    columns_only = all(_is_column(one) or all(map(_is_trace, one.lines)) for one in onward)
    signed = any(map(_names_office, piece.lines))
    return replace(piece, role="signature") if piece.role == "text" and columns_only and signed else piece


def _is_body_name(piece: _Piece) -> bool:
    """Whether a column taken for text holds capitals only: the name of a body that signs, where signatures begin."""
    return piece.role == "text" and _is_column(piece) and all(line.text.isupper() for line in piece.lines)


def _closing_in_order(parts: Sequence[_Part]) -> list[_Part]:
    """The parts with each list of recipients before the signatures beside or above it."""
    out: list[_Part] = []
    for closing, group in groupby(parts, key=lambda part: part.role in ("recipients", "signature")):
        together = list(group)
        out += sorted(together, key=lambda part: part.role) if closing else together
    return out


def _names_office(line: Line) -> bool:
    """Whether a line may be that of an office above a signature."""
    return may_sign(line.text) or has_office_word(line.text)


def _footnote(note: footnotes.Note, anchored: bool) -> Footnote:
    return Footnote(
        label=note.label,
        printed_label=note.printed,
        paragraphs=tuple(paragraph.tokens for paragraph in paragraphs.group(note.lines)),
        pages=tuple(dict.fromkeys(line.page for line in note.lines)),
        anchored=anchored,
    )


@dataclass(slots=True)
class _SoFar:
    """What of a document stands above a paragraph.

    Attributes:
        bold_headings: the document sets its headings in bold.
        in_title: nothing but lines of the title.
        titled: some of them.
        signed: page of the last recipients or signature.
    """

    bold_headings: bool
    in_title: bool = True
    titled: bool = False
    signed: int = 0


def _gaps(parts: Sequence[_Part], dropped: Sequence[Dropped]) -> tuple[PageWarning, ...]:
    return tuple(page_gaps({part.page for part in parts if part.role == "letterhead"}, dropped))


def _blocks(
    body: Sequence[_Part], margins: Mapping[int, Margins], rulings: Rulings, gaps: Sequence[PageWarning]
) -> Iterator[Block]:
    """The body's blocks in published order: letterhead, title and text, recipients, signature.

    Args:
        gaps: before whose pages others are missing: nothing goes on there.
    """

    def of_one_run(part: _Part) -> tuple[Any, int]:
        return part.role, sum(gap.page <= part.page for gap in gaps)

    runs = [(role, list(parts)) for (role, _), parts in groupby(body, key=of_one_run)]
    lines = [_set_lines(parts, margins, rulings) for _, parts in runs]
    texts = [paragraphs.group(own) if role == "text" else [] for (role, _), own in zip(runs, lines, strict=True)]
    so_far = _SoFar(headings.marks_in_bold(chain.from_iterable(texts)))
    for (role, parts), own, text in zip(runs, lines, texts, strict=True):
        if role == "missing" or role == "part missing":
            yield from (_missing(part.page, in_part=role == "part missing") for part in parts)
        elif role == "sheet":
            so_far = _SoFar(so_far.bold_headings)
        elif role == "table":
            on_pages = [tables.PagePart(part.page, part.table, part.goes_on) for part in parts if part.table]
            yield from tables.table_blocks(on_pages, rulings)
        elif role == "text":
            yield from _text_blocks(text, so_far)
        else:
            yield from _lined_blocks(role, own, so_far)


def _text_blocks(run: Sequence[paragraphs.Paragraph], so_far: _SoFar) -> Iterator[Block]:
    for before, paragraph, after in _with_neighbours(run):
        listed = any(headings.follow_each_other(paragraph, other) for other in (before, after))
        on_signed = paragraph.page == so_far.signed
        kind, level = headings.type_of(paragraph, so_far.in_title, so_far.bold_headings, on_signed, listed)
        above_title = not so_far.titled and headings.may_stand_above_title(paragraph)
        so_far.in_title &= kind == "title" or above_title
        so_far.titled |= kind == "title"
        yield Block(kind, paragraph.tokens, paragraph.page, level, paragraph.box)


def _lined_blocks(role: BlockType, lines: Sequence[SetLine], so_far: _SoFar) -> Iterator[Block]:
    """Letterhead, recipients and signature: lines that are no paragraphs."""
    if role == "recipients" or role == "signature":
        so_far.signed, so_far.in_title = lines[-1].page, False
    if role == "recipients":
        yield from recipients.blocks(lines)
        return
    blocks = [_line_block(role, line) for line in lines]
    if role == "signature" and len(signers := columns(blocks)) > 2:
        # Two are told by the layout of the page; of three or more who sign together it gives rows.
        blocks = list(chain.from_iterable(signers))
    yield from blocks


def _with_neighbours(
    run: Sequence[paragraphs.Paragraph],
) -> Iterator[tuple[paragraphs.Paragraph | None, paragraphs.Paragraph, paragraphs.Paragraph | None]]:
    """Each paragraph with the one before it and the one after it."""
    return zip([None, *run[:-1]], run, [*run[1:], None], strict=True)


def _set_lines(parts: Iterable[_Part], margins: Mapping[int, Margins], rulings: Rulings) -> list[SetLine]:
    return [set_line(part.page, line, margins, rulings) for part in parts for line in part.lines]


def _missing(page: int, *, in_part: bool) -> Block:
    words = f"[trang {page}: {'một phần ' if in_part else ''}không đọc được]".split(" ")
    return Block("missing", tuple(Token(word, page) for word in words), page)


def _line_block(role: BlockType, line: SetLine) -> Block:
    return Block(role, line.tokens, line.page, box=line.box)
