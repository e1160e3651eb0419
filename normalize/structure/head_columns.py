"""The letterhead's two columns, set right where geometry could not tell: by the words that are prescribed in it.

Tesseract may read the first lines of both columns as one line across a gap as narrow as a space.
"""

from __future__ import annotations

from collections.abc import Sequence

from normalize.vietnamese.decree30 import is_national_title
from ocr.page import Line, Page, Zone, of_words, zone_of

#: The letterhead stands in this upper part of the first page.
_TOP = 0.35


def with_title_parted(zones: Sequence[Zone], page: Page) -> tuple[Zone, ...]:
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
