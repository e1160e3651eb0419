"""Running headers and footers: lines that stand at the top or the bottom of page after page."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz

from normalize.vietnamese.decree30 import is_motto
from normalize.vietnamese.syllable import skeleton
from ocr.page import Box, Line, Page

#: Of the page's height: how near to the edge they stand, and how far they wander from page to page.
_MARGIN, _WANDER = 0.14, 0.02
#: Of 100: how alike their texts are, numbers apart.
_ALIKE = 80
#: Share of the pages around, the first one apart, that carry one, and how many pages to either side are looked at.
_OFTEN, _REACH = 0.4, 10
_FEWEST_LETTERS = 4
_FEWEST_LINES = 4


@dataclass(frozen=True, slots=True)
class _Edge:
    """A line next to the edge of a page; ``height`` is where it stands, 0 at the top and 1 at the bottom."""

    page: int
    line: Line
    text: str
    height: float


def running_lines(pages: Sequence[Page]) -> set[tuple[int, Box]]:
    """Page and place of each line that is a running header or footer.

    A line counts when the same words, numbers apart, stand at the same height of at least two pages and of a fair share
    of all. The letterhead of a document that is scanned together with another is none.
    """
    edges = [_edges(page) for page in pages]
    found = set()
    for index, own in enumerate(edges):
        around = edges[max(0, index - _REACH) : index + _REACH + 1]
        usual = max(2.0, _OFTEN * (len(around) - 1))
        for edge in own:
            alike = sum(any(_is_same(edge, other) for other in others) for others in around)
            if alike >= usual:
                found.add((edge.page, edge.line.box))
    return found


def _is_same(edge: _Edge, other: _Edge) -> bool:
    return abs(other.height - edge.height) < _WANDER and fuzz.ratio(other.text, edge.text) >= _ALIKE


def _edges(page: Page) -> list[_Edge]:
    """The two uppermost and the two lowest lines of a page, where they stand in its margins."""
    if any(is_motto(line.text) for zone in page.zones for line in zone.lines):
        return []
    lines = [line for zone in page.zones if zone.kind in ("text", "left", "right", "notes") for line in zone.lines]
    if len(lines) < _FEWEST_LINES:
        return []
    lines.sort(key=lambda line: line.baseline)
    out = []
    for line in dict.fromkeys([*lines[:2], *lines[-2:]]):
        height = line.box.y / page.height
        text = re.sub(r"[\d\W]+", " ", skeleton(line.text)).strip()
        in_margin = height < _MARGIN or height > 1 - _MARGIN
        if in_margin and sum(c.isalpha() for c in text) >= _FEWEST_LETTERS:
            out.append(_Edge(page.number, line, text, height))
    return out
