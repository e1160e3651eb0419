"""The letterhead's two columns, set right where geometry could not tell: by the words that are prescribed in it.

Tesseract may read the first lines of both columns as one line across a gap as narrow as a space.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from normalize.vietnamese.decree30 import is_national_title
from normalize.vietnamese.syllable import skeleton
from ocr.page import Line, Page, Zone, of_words, zone_of

#: The letterhead stands in this upper part of the first page.
_TOP = 0.35
#: The title alone has seven words.
_FEWEST_WORDS = 8


def with_title_parted(zones: Sequence[Zone], page: Page) -> tuple[Zone, ...]:
    """The zones with a line that runs on into the national title cut before it."""
    lines = [line for zone in zones if zone.kind != "noise" for line in zone.lines]
    if any(is_national_title(line.text) for line in lines):
        return tuple(zones)
    found = next(((line, cut) for line in lines if (cut := _title_in(line, page))), None)
    if found is None:
        return tuple(zones)
    whole, cut = found
    left, right = of_words(whole, whole.words[:cut]), of_words(whole, whole.words[cut:])
    out: list[Zone] = []
    for zone in zones:
        if whole not in zone.lines:
            out.append(zone)
            continue
        at = zone.lines.index(whole)
        if zone.kind == "left":
            out += [*zone_of("left", (*zone.lines[:at], left, *zone.lines[at + 1 :])), *zone_of("right", (right,))]
        else:
            out += [*zone_of(zone.kind, zone.lines[:at]), *zone_of("left", (left,)), *zone_of("right", (right,))]
            out += zone_of(zone.kind, zone.lines[at + 1 :])
    return tuple(out)


def _title_in(line: Line, page: Page) -> int:
    """The index of the word with which the national title begins behind the widest gap of a line; 0 for any other.

    "CHỦ TỊCH NƯỚC CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM" is one name.
    """
    if line.box.bottom > _TOP * page.height or len(line.words) < _FEWEST_WORDS:
        return 0
    gaps = [after.box.left - before.box.right for before, after in pairwise(line.words)]
    cut = gaps.index(max(gaps)) + 1
    title = " ".join(word.text for word in line.words[cut:])
    before = skeleton(line.words[cut - 1].text).strip(" .,")
    names = sum(c.isalpha() for word in line.words[:cut] for c in word.text) > 1
    return cut if names and before != "nuoc" and title.isupper() and is_national_title(title) else 0
