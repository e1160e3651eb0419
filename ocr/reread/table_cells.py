"""The cells of a table, read by themselves where the page as a whole was read badly.

Tesseract takes a row of cells for a line of text: it drops a digit that stands alone in its cell, and runs words
together because the gaps between the cells are so much wider than its spaces. Column by column it reads the same table
well, apart from the lone digits, which the network for raised digits reads.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import cv2
import numpy as np

from ocr.page import Box, Line, Word, Zone, evidence, hull, letter, lines_of, of_words
from ocr.superscripts.raised_digits import SIGNS, cut_out, probabilities

#: A column with a word below this confidence is read again.
_DOUBTFUL = 70.0
#: Borders are taken out of the image, but their rims may be left: so much of a cell is not looked at, in x-heights.
_RIM = 0.35
#: Ink in a cell is print when it is so tall, in x-heights; a lone digit so tall, and at most so wide.
_PRINT, _DIGIT = 0.55, (1.15, 1.8)
#: The network is believed from this probability on.
_SURE = 0.95

Again = Callable[[Box], Sequence[Line]]


def read_cells(zones: Sequence[Zone], image: np.ndarray, again: Again) -> list[Line] | None:
    """The lines of a page, those of its tables read again where that shows more; ``None`` if nothing was replaced.

    Args:
        zones: of the page.
        image: ``(height, width)`` grey, the borders of tables taken out.
        again: reads a part of the page by itself, as one block.
    """
    out = lines_of(zones)
    replaced = False
    for zone in zones:
        if zone.kind != "table" or len(zone.columns) < 3:
            continue
        size = float(np.median([line.x_height for line in zone.lines]))
        columns = [Box(left, zone.box.top, right, zone.box.bottom) for left, right in pairwise(zone.columns)]
        columns = [*_lost_column(zone, image, size), *columns]
        rows = _printed_rows(zone, size) if _is_open(zone) else list(pairwise(zone.rows))
        joined = _joined(zone)
        prints = {
            cell: _print(image, cell, size)
            for column in columns
            for cell in _cells(column, rows)
            if not any(_overlap(cell, one) for one in joined)
        }
        missing = any(found and not _inside(out, cell) for cell, found in prints.items())
        if not missing and all(word.confidence >= _DOUBTFUL for line in zone.lines for word in line.words):
            continue
        rim = 0 if _is_open(zone) else round(0.2 * size)
        for column in columns:
            inner = column._replace(left=column.left + rim, right=column.right - rim)
            lines = [line for line in again(inner) if any(c.isalnum() for c in line.text)]
            # A cell that runs over several columns would be cut in two.
            lines = [line for line in lines if not any(_holds(one, word) for one in joined for word in line.words)]
            before = [word for word in _inside(out, column) if not any(_holds(one, word) for one in joined)]
            if evidence([word for line in lines for word in line.words]) > evidence(before):
                out, replaced = [*_without(out, column, but=joined), *lines], True
        for cell, found in prints.items():
            # "TT" at the head of the numbers looks like 11.
            number = _lone_number(image, found, size) if len(found) == 1 or cell.top > rows[0][0] else None
            if number and " ".join(word.text for word in _inside(out, cell)) != number.text:
                line = Line((number,), number.box, float(number.box.bottom), size)
                out, replaced = [*_without(out, cell), line], True
    return out if replaced else None


def _cells(column: Box, rows: Sequence[tuple[int, int]]) -> list[Box]:
    return [column._replace(top=top, bottom=bottom) for top, bottom in rows]


def _is_open(zone: Zone) -> bool:
    """Whether a table has no borders: then it is as wide as its words."""
    return zone.columns[0] == zone.box.left


def _printed_rows(zone: Zone, size: float) -> list[tuple[int, int]]:
    """Top and bottom of each printed row of a table, in pixels."""
    rows: list[float] = []
    for baseline in sorted(line.baseline for line in zone.lines):
        if not rows or baseline - rows[-1] > 0.6 * size:
            rows.append(baseline)
    return [(round(baseline - 1.9 * size), round(baseline + 0.7 * size)) for baseline in rows]


def _lost_column(zone: Zone, image: np.ndarray, size: float) -> list[Box]:
    """The first column of a table without borders, when nothing was read in it: its numbers stand alone."""
    if not _is_open(zone):
        return []
    column = Box(max(0, round(zone.box.left - 12 * size)), zone.box.top, zone.box.left - 1, zone.box.bottom)
    found = [_print(image, cell, size) for cell in _cells(column, _printed_rows(zone, size))]
    held = [boxes for boxes in found if boxes]
    if len(held) < 2 or any(len(boxes) > 3 for boxes in held):
        return []
    return [column._replace(left=round(min(boxes[0].left for boxes in held) - size))]


def _inside(lines: Sequence[Line], box: Box) -> list[Word]:
    """The words whose middle stands in a box."""
    return [word for line in lines for word in line.words if _holds(box, word)]


def _holds(box: Box, word: Word) -> bool:
    return box.left <= word.box.centre < box.right and box.top <= word.box.middle < box.bottom


def _joined(zone: Zone) -> list[Box]:
    """The cells that run over several columns."""
    return [
        Box(zone.columns[column], zone.rows[row], zone.columns[column + 2], zone.rows[row + 1])
        for row, column in zone.merged
    ]


def _overlap(box: Box, other: Box) -> bool:
    across = min(box.right, other.right) - max(box.left, other.left)
    return across > 0 and min(box.bottom, other.bottom) > max(box.top, other.top)


def _without(lines: Sequence[Line], box: Box, but: Sequence[Box] = ()) -> list[Line]:
    """The lines without the words in a box; those in one of the boxes ``but`` stay."""
    out = []
    for line in lines:
        words = tuple(word for word in line.words if not _holds(box, word) or any(_holds(one, word) for one in but))
        if len(words) == len(line.words):
            out.append(line)
        elif words:
            out.append(of_words(line, words))
    return out


def _print(image: np.ndarray, cell: Box, size: float) -> list[Box]:
    """The pieces of print in a cell that are as tall as letters, left to right."""
    rim = round(_RIM * size)
    left, top = cell.left + rim, cell.top + rim
    window = image[top : cell.bottom - rim, left : cell.right - rim]
    if not window.size:
        return []
    _, _, stats, _ = cv2.connectedComponentsWithStats((window < 140).astype(np.uint8), connectivity=8)
    boxes = [Box(left + x, top + y, left + x + w, top + y + h) for x, y, w, h, _ in stats[1:].tolist()]
    return sorted(box for box in boxes if box.height >= _PRINT * size)


def _lone_number(image: np.ndarray, found: Sequence[Box], size: float) -> Word | None:
    """The number of one or two digits that is all the print of a cell, if the network can read it."""
    if not 1 <= len(found) <= 2 or any(not _DIGIT[0] < box.height / size < _DIGIT[1] for box in found):
        return None
    odds = probabilities([cut_out(image, *box) for box in found])
    best = odds.argmax(axis=1)
    text = "".join(SIGNS[sign] for sign in best)
    if len(text) < len(found) or not text.isdigit() or float(odds.max(axis=1).min()) < _SURE:
        return None
    confidence = round(100 * float(odds.max(axis=1).min()), 1)
    return Word(text, hull(list(found)), confidence, tuple(letter(c) for c in text))
