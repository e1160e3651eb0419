"""What was put on a page after it was printed: received stamps, electronic-signature blocks, copy lines, stamps of
urgency and secrecy.

None of it is the document's text. It is told by its fixed words, by where it stands, by the frame around a stamp and by
its red ink; it goes to ``dropped`` with its reason.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from normalize.document import DropReason
from normalize.vietnamese.decree30 import (
    begins_copy_form,
    begins_incoming,
    is_motto,
    is_national_title,
    is_received_field,
    is_received_head,
    is_urgency_or_secrecy,
    names_portal,
)
from normalize.vietnamese.syllable import skeleton
from ocr.page import Box, Line, Page, Word, Zone, hull, lines_of, of_words, take_out

RECEIVED: Final = "received stamp"
SIGNED: Final = "electronic signature"
COPY: Final = "copy line"
STAMP: Final = "stamp"

#: A stamp or a signature block is at most this wide and high, in pages.
_WIDEST, _HIGHEST = 0.45, 0.14
#: The note of an electronic copy stands in this upper part, in lines of so many letters, as large as this in the
#: heights of its first line, and begins with a line of so few words.
_COPY_NOTE, _COPY_LETTERS, _COPY_STEP, _COPY_HEAD = 0.13, 60, 1.8, 4
_A4_RATIO = 1.414
#: Stamps and copy lines stand in this upper part of the page.
_TOP = 0.5
#: In x-heights: how far above ĐẾN the office that received may stand.
_OFFICE_ABOVE = 9.0
#: In heights of its highest line: how far above and below a signature block its next line may stand.
_REACH = 1.5
_DATE = re.compile(r"\d{1,2}[./-]\d{1,2}[./-]\d{4}")
_MOMENT = re.compile(_DATE.pattern + r"\W{0,3}\d{1,2}:\d{2}(:\d{2})?")
#: Words that only an electronic signature has, and labels that may stand around them.
_SIGNED = re.compile(r"\b(nguoi ky|ky boi|thoi gian ky|ngay ky)\s*[:;]|\bdigitally signed\b|\bsignature (not )?valid\b")
#: What is left at the end of a line of letterhead over which an electronic signature's moment is printed.
_MOMENT_END = re.compile(r"\+?\d{2}:\d{2}(:\d{2})?|\d{1,2}[./]\d{1,2}[./]\d{4}")
_LABEL = re.compile(r"\W*(email|e-mail|co quan|to chuc|chuc vu|noi ky|ly do|don vi|reason|location|date|cn|dn)\s*[:=]")


def take_off(page: Page) -> tuple[tuple[Zone, ...], list[tuple[Line, DropReason]]]:
    """The zones of a page without what was added to it, and that, each line with its reason."""
    own, added = _without_stamp_zones(page)
    zones, moments = _without_moments(own, page)
    added += [(line, SIGNED) for line in moments]
    lines = lines_of(zones)
    found: dict[int, DropReason] = {}
    sorts: tuple[tuple[DropReason, Sequence[Line]], ...] = (
        (COPY, _copy_lines(lines, page)),
        (SIGNED, _signature_blocks(lines, page)),
        (RECEIVED, _bare_stamp(lines, page)),
        (STAMP, _urgency_and_secrecy(lines, page)),
    )
    for reason, members in sorts:
        for line in members:
            found.setdefault(id(line), reason)
    kept, taken = take_out(zones, lambda line: id(line) in found)
    return kept, added + [(line, found[id(line)]) for line in taken]


def _without_stamp_zones(page: Page) -> tuple[list[Zone], list[tuple[Line, DropReason]]]:
    """The zones of a page but for framed stamps and what was stamped in red, and the lines of those."""
    zones: list[Zone] = []
    added: list[tuple[Line, DropReason]] = []
    for zone in page.zones:
        if zone.kind == "stamp":
            added += [(line, _red_reason(zone)) for line in zone.lines]
        elif _is_framed_stamp(zone, page):
            added += [(line, RECEIVED) for line in zone.lines]
        else:
            zones.append(zone)
    return zones, added


def _red_reason(zone: Zone) -> DropReason:
    """Why what was stamped on a page in red is no text."""
    received = any(is_received_head(line.text) or is_received_field(line.text) for line in zone.lines)
    return RECEIVED if received or any(names_portal(line.text) for line in zone.lines) else STAMP


def _urgency_and_secrecy(lines: Sequence[Line], page: Page) -> list[Line]:
    """HỎA TỐC, KHẨN, MẬT and their like where they stand alone in the upper half of the first page, in black."""
    if page.number != 1:
        return []
    return [line for line in lines if line.box.bottom < _TOP * page.height and is_urgency_or_secrecy(line.text)]


def _is_framed_stamp(zone: Zone, page: Page) -> bool:
    """A small frame with the word Đến in capitals, the portal's name, or two of the fields that a stamp leaves open."""
    if zone.kind != "table" or not _is_small(zone.box, page) or zone.box.top > _TOP * page.height:
        return False
    plain = [skeleton(line.text) for line in zone.lines]
    if any("cong van den" in text or "van ban den" in text for text in plain):
        return True
    if any(names_portal(text) for text in (*plain, " ".join(plain))):
        return True
    incoming = any(_is_incoming(line) for line in zone.lines)
    fields = sum(is_received_field(line.text) for line in zone.lines)
    return incoming or (fields >= 2 and len(plain) <= 6)


def _is_incoming(line: Line) -> bool:
    """Whether ĐẾN stands in a line in capitals, however its diacritics were read, and nothing behind it but fields.

    The frame is what is sure; "ĐỀN BÙ GIẢI PHÓNG MẶT BẰNG" in one is no stamp.
    """
    words = [word.text.strip("_-|") for word in line.words]
    for index, word in enumerate(words):
        rest = " ".join(words[index + 1 :])
        if begins_incoming(" ".join(words[index:])) or (begins_incoming(word) and is_received_field(rest)):
            return True
    return False


def _is_small(box: Box, page: Page) -> bool:
    return box.width < _WIDEST * page.width and box.height < _HIGHEST * _whole_height(page)


def _whole_height(page: Page) -> float:
    """The height that a page of this width has, if this is only the upper part of one."""
    return max(float(page.height), _A4_RATIO * page.width)


def _copy_lines(lines: Sequence[Line], page: Page) -> list[Line]:
    """The line that an electronic copy bears at its top edge (Decree 30/2020/NĐ-CP, article 25), or its lines."""
    out = [
        line
        for line in lines
        if line.box.bottom < 0.08 * page.height and begins_copy_form(line.text) and _DATE.search(line.text)
    ]
    for first in lines:
        if first not in out and _is_copy_head(first, page):
            out += _copy_note(first, lines, page)
    return out


def _is_copy_head(line: Line, page: Page) -> bool:
    """Whether a line is "SAO Y" in capitals, alone at the top of a page."""
    short = len(line.words) <= _COPY_HEAD and line.text.isupper()
    return short and line.box.bottom < _COPY_NOTE * page.height and begins_copy_form(line.text)


def _copy_note(first: Line, lines: Sequence[Line], page: Page) -> list[Line]:
    """ "SAO Y" with the lines set flush left under it: who certified the copy, and when."""
    note = [first]
    for line in sorted(lines, key=lambda one: one.baseline):
        above = note[-1]
        flush = abs(line.box.left - first.box.left) < first.box.height
        step = line.baseline - above.baseline
        close = 0 < step < _COPY_STEP * first.box.height and line.box.bottom < _COPY_NOTE * page.height
        if flush and close and len(line.text) <= _COPY_LETTERS and not is_motto(line.text) and not line.text.isupper():
            note.append(line)
    return note


def _without_moments(zones: Sequence[Zone], page: Page) -> tuple[list[Zone], list[Line]]:
    """The zones without the end of a signature's moment that was printed over the national title and read with it."""
    out: list[Zone] = []
    taken: list[Line] = []
    for zone in zones:
        lines = []
        for line in zone.lines:
            over = _over_title(line) if line.box.bottom < _COPY_NOTE * page.height else ()
            if over:
                taken.append(of_words(line, over))
                line = of_words(line, line.words[: -len(over)])
            lines.append(line)
        out.append(replace(zone, lines=tuple(lines)) if tuple(lines) != zone.lines else zone)
    return out, taken


def _over_title(line: Line) -> tuple[Word, ...]:
    """The words at the end of the national title that are the moment of a signature."""
    if not is_national_title(line.text):
        return ()
    start = len(line.words)
    while start > 1 and _MOMENT_END.fullmatch(line.words[start - 1].text):
        start -= 1
    return line.words[start:]


def _signature_blocks(lines: Sequence[Line], page: Page) -> list[Line]:
    """The lines of blocks such as "Người ký: ... / Email: ... / Thời gian ký: 16.04.2024 10:45:45 +07:00"."""
    sure = _sure_lines(lines)
    out: list[Line] = []
    for first in sure:
        if first in out:
            continue
        block = _grown_block(first, lines, sure)
        if _is_signature_block(block, page):
            out += block
    return out


def _sure_lines(lines: Sequence[Line]) -> list[Line]:
    """The lines that have an electronic signature's fixed words or its moment: blocks grow around them."""
    short = [line for line in lines if not _is_sentence(line)]
    worded = [line for line in short if _has_fixed_words(line)]
    return worded + [line for line in short if line not in worded and _MOMENT.search(line.text)]


def _has_fixed_words(line: Line) -> bool:
    return bool(_SIGNED.search(skeleton(line.text)))


def _grown_block(first: Line, lines: Sequence[Line], sure: Sequence[Line]) -> list[Line]:
    """A line with all that stands near it and belongs to a signature: labels, and what the block encloses."""
    block = [first]
    while True:
        box = hull([line.box for line in block])
        reach = _REACH * max(line.box.height for line in block)
        near = [line for line in lines if line not in block and _near(line.box, box, reach)]
        grown = [line for line in near if line in sure or _is_label(line) or _is_inside(line.box, box)]
        if not grown:
            return block
        block += grown


def _is_label(line: Line) -> bool:
    return bool(_LABEL.match(skeleton(line.text)))


def _is_signature_block(block: Sequence[Line], page: Page) -> bool:
    """Whether a block is small enough and has two lines of fixed words, or one and a moment: a form may have one."""
    box = hull([line.box for line in block])
    worded = sum(_has_fixed_words(line) for line in block)
    dated = any(_MOMENT.search(line.text) for line in block)
    small = box.width < 2 * _WIDEST * page.width and box.height < _HIGHEST * _whole_height(page)
    return small and worded >= 2 - dated


def _is_sentence(line: Line) -> bool:
    """Whether the fixed words stand in the middle of running text."""
    return len(line.words) > 14


def _near(box: Box, other: Box, reach: float) -> bool:
    across = box.left < other.right and other.left < box.right
    return across and box.top < other.bottom + reach and other.top - reach < box.bottom


def _is_inside(box: Box, other: Box) -> bool:
    return other.left <= box.x <= other.right and other.top <= box.y <= other.bottom


def _bare_stamp(lines: Sequence[Line], page: Page) -> list[Line]:
    """A received stamp whose frame was lost: CÔNG VĂN ĐẾN with the fields below it, or ĐẾN with one behind it."""
    out: list[Line] = []
    if page.number != 1:
        return out
    for head in lines:
        if head.box.bottom > _TOP * page.height:
            continue
        if is_received_head(head.text) and head.text.isupper():
            out += _fields_below(head, lines, page)
        elif begins_incoming(head.text) and any(is_received_field(rest) for rest in _rests(head.text)):
            out += [head, *_office_above(head, lines, page)]
    return out


def _fields_below(head: Line, lines: Sequence[Line], page: Page) -> list[Line]:
    size = head.box.height
    block = [head]
    for line in sorted(lines, key=lambda one: one.box.top):
        below = 0 < line.box.y - head.box.y < 7 * size
        overlaps = line.box.left < head.box.right + 2 * size and head.box.left - 4 * size < line.box.right
        if below and overlaps and line.box.width < 0.4 * page.width and is_received_field(line.text):
            block.append(line)
    return block if len(block) >= 3 or (len(block) == 2 and "van den" in skeleton(head.text)) else []


def _rests(text: str) -> list[str]:
    """What follows the first word of a line, and the second."""
    words = text.split()
    return [" ".join(words[n:]) for n in (1, 2)]


def _office_above(head: Line, lines: Sequence[Line], page: Page) -> list[Line]:
    """The office that received, in capitals over ĐẾN: as far to the left as the stamp, in no row with other print."""
    reach = _OFFICE_ABOVE * head.x_height
    return [
        line
        for line in lines
        if line.text.isupper()
        and 0 < head.box.y - line.box.y < reach
        and abs(line.box.left - head.box.left) < 2 * head.x_height
        and line.box.right < head.box.right + 4 * head.x_height
        and line.box.width < _WIDEST * page.width
    ]
