"""Running headers and footers, and numbers of pages: what stands at the top or the bottom of page after page.

What is one is told by its place and by coming again, and by nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

from rapidfuzz import fuzz

from normalize.vietnamese.decree30 import is_motto
from normalize.vietnamese.syllable import skeleton
from ocr.page import Box, Line, Page, Zone, lines_of

#: Of the page's height: how near to the edge they stand, and how far they wander from page to page.
_MARGIN, _WANDER = 0.14, 0.02
#: Of 100: how alike their texts are, numbers apart.
_ALIKE = 80
#: Share of the pages around, the first one apart, that carry one, and how many pages to either side are looked at.
_OFTEN, _REACH = 0.4, 10
_FEWEST_LETTERS = 4
_FEWEST_LINES = 4
#: Of so many letters, the numbers in a header need not agree (they may be misread): no two forms are called so.
_LONG = 20
#: The head of a form comes again on each copy of it. To be a running header it must stand on this share of the pages
#: around, and on so many; the first one is then kept.
_HEAD_SHARE, _FEWEST_HEADS = 0.8, 3
_PAGE_WORD = re.compile(r"\b(trang|tr|page|p)\b")
#: "3/12", "Trang 3/12", "- 3/12 -".
_PAGE_OF_TOTAL = re.compile(r"(?:tr\w{2,3}g?|page|p)?[ .:]*(\d{1,3})\s?/\s?(\d{1,3})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Edge:
    """A line next to the edge of a page; ``height`` is where it stands, 0 at the top and 1 at the bottom.

    Attributes:
        text: its letters, without marks and numbers.
        in_head: it stands in two columns of several lines, as the head of a letter or of a form does.
    """

    page: int
    line: Line
    text: str
    height: float
    in_head: bool

    @property
    def numbers(self) -> tuple[int, ...]:
        return tuple(int(number) for number in re.findall(r"\d{1,9}", self.line.text))


def running_lines(pages: Sequence[Page]) -> set[tuple[int, Box]]:
    """Page and place of each line that is a running header or footer.

    A line counts when the same words stand at the same height of at least two pages and of a fair share of all, and
    its numbers are the same or count the pages. The letterhead of a document that is scanned together with another is
    none, nor is that of a form ("Mẫu 01" above the first and "Mẫu 02" above the second).
    """
    edges = [_edges(page) for page in pages]
    found = set()
    for index, own in enumerate(edges):
        around = edges[max(0, index - _REACH) : index + _REACH + 1]
        running = {edge for edge in own if _comes_again(edge, around)}
        # The number of a form tells its head from that of the next one.
        whole_head = all(edge in running for edge in own if edge.in_head)
        found |= {(edge.page, edge.line.box) for edge in running if whole_head or not edge.in_head}
    return found


def _comes_again(edge: _Edge, around: Sequence[Sequence[_Edge]]) -> bool:
    """Whether a line comes again on so many of the pages around that it belongs to them."""
    on_pages = {other.page for others in around for other in others if _is_same(edge, other)}
    if edge.in_head:
        return len(on_pages) >= max(_FEWEST_HEADS, _HEAD_SHARE * len(around)) and edge.page > min(on_pages)
    return len(on_pages) >= max(2.0, _OFTEN * (len(around) - 1))


def page_numbers(pages: Sequence[Page]) -> set[tuple[int, Box]]:
    """Page and place of each line that says which page of how many it stands on.

    "3/12" may be a date or a fraction. It counts pages when it stands above or below all else on at least two pages,
    rises as they do, and the total stays the same.
    """
    found: dict[tuple[int, int], list[tuple[int, Box]]] = {}
    for page in pages:
        for line in _outermost(page):
            read = _PAGE_OF_TOTAL.fullmatch(line.text.strip(" -–—.|_/~"))
            if read is not None and 1 <= int(read[1]) <= int(read[2]):
                found.setdefault((int(read[1]) - page.number, int(read[2])), []).append((page.number, line.box))
    counted = (places for places in found.values() if len({page for page, _ in places}) > 1)
    return {place for places in counted for place in places}


def _outermost(page: Page) -> list[Line]:
    """The first and the last line of a page, tables included: a line of theirs is outside of them when it is alone."""
    lines = [line for zone in page.zones if zone.kind not in ("stamp", "noise", "table") for line in zone.lines]
    rest = [line.box for zone in page.zones if zone.kind == "table" for line in zone.lines]
    lines.sort(key=lambda line: line.baseline)
    ends = list(dict.fromkeys([*lines[:1], *lines[-1:]]))
    return [
        line for line in ends if _is_beyond(line.box, [*rest, *(other.box for other in lines if other is not line)])
    ]


def _is_beyond(box: Box, others: Sequence[Box]) -> bool:
    return all(box.bottom <= other.y for other in others) or all(box.top >= other.y for other in others)


def _is_same(edge: _Edge, other: _Edge) -> bool:
    if abs(other.height - edge.height) >= _WANDER or fuzz.ratio(other.text, edge.text) < _ALIKE:
        return False
    return len(edge.text) >= _LONG or _numbers_agree(edge, other)


def _numbers_agree(edge: _Edge, other: _Edge) -> bool:
    """Whether the numbers in two lines are the same, or count the pages and say so."""
    if len(edge.numbers) != len(other.numbers):
        return False
    steps = {0, other.page - edge.page} if _PAGE_WORD.search(edge.text) else {0}
    return all(b - a in steps for a, b in zip(edge.numbers, other.numbers, strict=True))


def _edges(page: Page) -> list[_Edge]:
    """The two uppermost and the two lowest lines of a page and its head, where they stand in its margins."""
    if any(is_motto(line.text) for line in lines_of(page.zones)):
        return []
    zones = [zone for zone in page.zones if zone.kind in ("text", "left", "right", "notes")]
    lines = lines_of(zones)
    if len(lines) < _FEWEST_LINES:
        return []
    lines.sort(key=lambda line: line.baseline)
    heads = set(lines_of(_heads(zones)))
    outer = dict.fromkeys([*lines[:2], *filter(heads.__contains__, lines), *lines[-2:]])
    edges = (_edge(page, line, line in heads) for line in outer)
    return [edge for edge in edges if edge is not None]


def _edge(page: Page, line: Line, in_head: bool) -> _Edge | None:
    """A line as the edge of its page, where it stands in the margin and has letters."""
    height = line.box.y / page.height
    text = re.sub(r"[\d\W]+", " ", skeleton(line.text)).strip()
    in_margin = height < _MARGIN or height > 1 - _MARGIN
    has_letters = sum(c.isalpha() for c in text) >= _FEWEST_LETTERS
    return _Edge(page.number, line, text, height, in_head) if in_margin and has_letters else None


def _heads(zones: Sequence[Zone]) -> list[Zone]:
    """The two columns at the top of a page, where one of them has several lines."""
    columns = list(takewhile(lambda zone: zone.kind in ("left", "right"), zones))[:2]
    return columns if any(len(zone.lines) > 1 for zone in columns) else []
