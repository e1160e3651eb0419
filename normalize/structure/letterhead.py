"""The letterhead's two columns, set right where geometry could not tell: by the words that are prescribed in it.

Tesseract may read the first lines of both columns as one line across a gap as narrow as a space, and a number written
by hand costs the line "Số: ... /KH-SYT" its confidence, so that it is taken for noise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from normalize.vietnamese.decree30 import NUMBER_AND_SYMBOL, begins_number, is_national_title
from ocr.page import Line, Page, Zone, hull, of_words, take_out, zone_of

#: The letterhead stands in this upper part of the first page.
_TOP = 0.35
#: In x-heights: how far under the left column's last line the number may stand.
_NUMBER_BELOW = 9.0
#: Of a symbol: Latin letters in capitals, so many at least.
_SYMBOL_LETTERS = 2


def set_right(zones: Sequence[Zone], page: Page) -> tuple[Zone, ...]:
    """The zones of a page, its letterhead's columns parted and its number line among them."""
    return _with_number_line(_parted(zones, page), page)


def _parted(zones: Sequence[Zone], page: Page) -> tuple[Zone, ...]:
    """The zones with a line that runs on into the national title cut before it."""
    out: list[Zone] = []
    for zone in zones:
        at = next((n for n, line in enumerate(zone.lines) if zone.kind != "noise" and _title_in(line, page)), None)
        if at is None:
            out.append(zone)
            continue
        line = zone.lines[at]
        cut = _title_in(line, page)
        left, right = of_words(line, line.words[:cut]), of_words(line, line.words[cut:])
        if zone.kind == "left":
            out += zone_of("left", (*zone.lines[:at], left, *zone.lines[at + 1 :]))
            out += zone_of("right", (right,))
        else:
            out += zone_of(zone.kind, zone.lines[:at])
            out += [*zone_of("left", (left,)), *zone_of("right", (right,))]
            out += zone_of(zone.kind, zone.lines[at + 1 :])
    return tuple(out)


def _title_in(line: Line, page: Page) -> int:
    """The index of the word with which the national title begins in a line; 0 where none does behind other words."""
    if line.box.bottom > _TOP * page.height:
        return 0
    for index in range(1, len(line.words)):
        rest = " ".join(word.text for word in line.words[index:])
        before = [word for word in line.words[:index] if any(c.isalnum() for c in word.text)]
        if before and line.words[index].text.isupper() and is_national_title(rest):
            # One letter before it is what a speck was read as.
            return index if sum(c.isalpha() for word in before for c in word.text) > 1 else 0
    return 0


def _with_number_line(zones: tuple[Zone, ...], page: Page) -> tuple[Zone, ...]:
    """The zones with the number line back from the noise to the letterhead's left column."""
    lefts = [zone for zone in zones if zone.kind == "left" and zone.box.top < _TOP * page.height]
    if not lefts or any(_is_number_line(line) for zone in zones if zone.kind != "noise" for line in zone.lines):
        return zones
    column = hull([zone.box for zone in lefts])
    kept, taken = take_out(zones, lambda line: _is_number_line(line) and _is_under(line, lefts))
    if len(taken) != 1 or not any(zone.kind == "left" for zone in kept):
        return zones
    last = max((n for n, zone in enumerate(kept) if zone.kind == "left" and zone.box.top <= column.bottom), default=0)
    lines = sorted((*kept[last].lines, *taken), key=lambda line: line.baseline)
    whole = replace(kept[last], lines=tuple(lines), box=hull([line.box for line in lines]))
    return (*kept[:last], whole, *kept[last + 1 :])


def _is_number_line(line: Line) -> bool:
    """Whether a line is "Số: ... /KH-SYT", whatever was read of the number."""
    found = NUMBER_AND_SYMBOL.search(line.text)
    return begins_number(line.text) and found is not None and _capitals(found[3]) >= _SYMBOL_LETTERS


def _capitals(text: str) -> int:
    return sum(c.isupper() for c in text)


def _is_under(line: Line, lefts: Sequence[Zone]) -> bool:
    """Whether a line stands in the letterhead's left column, or just under it."""
    column = hull([zone.box for zone in lefts])
    size = max(one.x_height for zone in lefts for one in zone.lines)
    return column.top < line.box.y < column.bottom + _NUMBER_BELOW * size and line.box.across(column) > 0
