"""Ruled tables: where they stand, and their borders taken out of the page before it is read.

Tesseract reads a border as a row of dashes or bars and gives whole cells up as pictures; without borders it reads
the cells like any text, and the borders' places tell afterwards which cell a word stands in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import cv2
import numpy as np

from ocr.image.components import Components, find_components
from ocr.image.seals import Seal
from ocr.page import Box

#: A vertical border is at least this long, in pages as long as this one's longer side: twice the height of a capital.
#: Of part of a page, which is lower, in pixels: a letter on an underline with its mark above is 50 high at 300 dpi.
_SHORTEST_UPRIGHT, _SHORTEST_UPRIGHT_PIXELS = 0.02, 55
_SHORTEST_LEVEL = 0.03
#: A table is at least so wide and so high, in pages.
_NARROWEST, _LOWEST = 0.1, 0.015
#: Share of the table's height or width that a border runs through at least, or from one column to the next ...
_BORDER = 0.3
#: ... and then over so much of the page's width at least: the serifs of a word in capitals run together as far.
_SHORTEST_PART = 0.05
#: Width and height below which a frame may be a stamp's, in pages.
_SMALL_FRAME = (0.45, 0.14)
#: Border lines nearer to each other than this, in pages, are the two edges of one thick or double line.
_SAME_LINE = 0.004
#: A border strays so far, in pages, from the middle of its line: scans of bound papers are warped.
_STRAY = 0.006
#: A cell whose border is missing by more than the rest of this goes on beyond it.
_OPEN = 0.3
#: In radii of a seal: what stood nearer to its centre may have gone with it.
_SEAL = 1.2


@dataclass(frozen=True, slots=True)
class Table:
    """A ruled table.

    Attributes:
        box: its outermost borders, in pixels.
        columns: x of the vertical borders, left to right.
        rows: y of the horizontal borders, top to bottom.
        merged: row and column, from 0, of each cell without a border to the next column's.
        tall: row and column of each cell without a border to the next row's.
    """

    box: Box
    columns: tuple[int, ...]
    rows: tuple[int, ...]
    merged: tuple[tuple[int, int], ...] = ()
    tall: tuple[tuple[int, int], ...] = ()


def find_tables(ink: np.ndarray, seals: Sequence[Seal] = ()) -> tuple[list[Table], np.ndarray]:
    """The tables of a page, top to bottom, and a mask of their borders (255 = border).

    A table has borders that meet and at least two cells; a frame around a page is none, a small one, such as a stamp
    has, is a table of one cell.

    Args:
        ink: ``(height, width)`` mask, 255 where there is ink.
        seals: what was taken off the page with the borders under it: there a missing border says nothing.
    """
    height, width = ink.shape
    upright = _runs(ink, (max(_SHORTEST_UPRIGHT_PIXELS, round(_SHORTEST_UPRIGHT * max(height, width))), 1), (9, 1))
    borders = np.zeros_like(ink)
    if not upright.any():
        return [], borders
    level = _runs(ink, (1, max(40, round(_SHORTEST_LEVEL * width))), (1, 9))
    grid = cv2.dilate(cv2.bitwise_or(upright, level), np.ones((7, 7), np.uint8))
    frames = find_components(grid)
    tables = []
    for index, box in enumerate(frames.boxes()):
        if box.width < _NARROWEST * width or box.height < _LOWEST * height:
            continue
        window = np.s_[box.top : box.bottom, box.left : box.right]
        here = frames.labels[window] == index + 1
        uprights, levels = here & (upright[window] > 0), here & (level[window] > 0)
        found = _table(uprights, levels, width, height)
        if found is not None:
            table, own = found
            tables.append(_closed_under(_moved(table, box.left, box.top), seals))
            borders[window][own] = 255
    tables.sort(key=lambda table: (table.box.top, table.box.left))
    return tables, cv2.bitwise_and(cv2.dilate(borders, np.ones((5, 5), np.uint8)), grid)


def _table(uprights: np.ndarray, levels: np.ndarray, width: int, height: int) -> tuple[Table, np.ndarray] | None:
    """The table that these runs of ink make, and which of them are its borders; ``None`` where they make none.

    Args:
        uprights, levels: masks of the runs, as large as the frame that they make.
        width, height: of the page.
    """
    tall, wide = uprights.shape
    columns = _lines(uprights, 0, _SAME_LINE * width, _BORDER * tall)
    if len(columns) < 2:
        return None
    parts = find_components(levels.astype(np.uint8))
    rows = _rows(levels, parts, columns, width, height)
    small = wide < _SMALL_FRAME[0] * width and tall < _SMALL_FRAME[1] * height
    if len(rows) < 2 or (len(columns) + len(rows) < 5 and not small):
        return None
    stray = (round(_STRAY * width), round(_STRAY * height))
    first, last = _reach(levels, rows, columns)
    table = Table(
        Box(first, max(0, rows[0] - stray[1] // 2), last + 1, min(tall, rows[-1] + stray[1] // 2)),
        tuple(columns),
        tuple(rows),
        _open_sides(uprights, columns[1:-1], rows, stray[0]),
        tuple((row, column) for column, row in _open_sides(levels.T, rows[1:-1], columns, stray[1])),
    )
    upright_parts = find_components(uprights.astype(np.uint8))
    beside = _near(upright_parts.left, upright_parts.right, columns, stray[0])
    on_rows = _near(parts.top, parts.bottom, rows, stray[1] // 2) | _spans(parts, columns, width)
    return table, upright_parts.mask(beside) | parts.mask(on_rows)


def column_boxes(table: Table) -> list[Box]:
    """The columns of a table, from left to right."""
    return [table.box._replace(left=left, right=right) for left, right in pairwise(table.columns)]


def _moved(table: Table, right: int, down: int) -> Table:
    return replace(
        table,
        box=table.box.moved(right, down),
        columns=tuple(x + right for x in table.columns),
        rows=tuple(y + down for y in table.rows),
    )


def _closed_under(table: Table, seals: Sequence[Seal]) -> Table:
    """The table with a border in place wherever a seal stood on it."""

    def clear(x: float, y: float) -> bool:
        return not any(seal.covers(x, y, _SEAL) for seal in seals)

    columns, rows = table.columns, table.rows
    merged = ((row, column) for row, column in table.merged if clear(columns[column + 1], sum(rows[row : row + 2]) / 2))
    tall = (
        (row, column)
        for row, column in table.tall
        if all(clear(x, rows[row + 1]) for x in np.linspace(columns[column], columns[column + 1], 5))
    )
    return replace(table, merged=tuple(merged), tall=tuple(tall))


def _rows(levels: np.ndarray, parts: Components, columns: Sequence[int], width: int, height: int) -> list[int]:
    """y of the horizontal borders: what runs through much of the table, or from one vertical border to the next.

    The heads of a group of columns and the cells beside one that is several rows high have short borders.
    """
    same = _SAME_LINE * height
    rows = _lines(levels, 1, same, _BORDER * levels.shape[1])
    between = _spans(parts, columns, width)
    for y in sorted(((parts.top + parts.bottom) // 2)[between].tolist()):
        if all(abs(y - row) > 2 * same for row in rows):
            rows.append(y)
    return sorted(rows)


def _spans(parts: Components, columns: Sequence[int], width: int) -> np.ndarray:
    """Which runs reach from one vertical border to the next."""
    stray = _STRAY * width
    found = np.zeros(parts.count, bool)
    for left, right in pairwise(columns):
        found |= (parts.left <= left + stray) & (parts.right >= right - stray)
    return found & (parts.width >= _SHORTEST_PART * width)


def _near(first: np.ndarray, last: np.ndarray, lines: Sequence[int], stray: float) -> np.ndarray:
    """Which runs lie on one of the lines, or not further from it than ``stray`` pixels."""
    found = np.zeros(len(first), bool)
    for line in lines:
        found |= (first - stray <= line) & (line <= last + stray)
    return found


def _open_sides(
    runs: np.ndarray, lines: Sequence[int], across: Sequence[int], stray: int
) -> tuple[tuple[int, int], ...]:
    """Where a border is missing: the number of the cell along it, and that of the border.

    Args:
        runs: mask of the runs of the borders' direction, turned so that they are upright.
        lines: x of the borders.
        across: y of the borders that cross them.
        stray: pixels that a border may be off its line.
    """
    out = []
    for cell, (above, below) in enumerate(pairwise(across)):
        rim = (below - above) // 5
        for number, x in enumerate(lines):
            band = runs[above + rim : below - rim, max(0, x - stray) : x + stray + 1]
            if band.size and band.any(axis=1).mean() < _OPEN:
                out.append((cell, number))
    return tuple(out)


def _reach(level: np.ndarray, rows: list[int], columns: list[int]) -> tuple[int, int]:
    """Where the rows begin and end: at the outermost columns, or beyond them in a table that is open at its sides.

    The median over the rows, because a border may run on into a letter that touches it.
    """
    ends = []
    for row in rows:
        across = np.nonzero(level[max(0, row - 3) : row + 4].any(axis=0))[0]
        if len(across):
            ends.append((int(across[0]), int(across[-1])))
    if not ends:
        return columns[0], columns[-1]
    first, last = np.median(ends, axis=0)
    return min(columns[0], int(first)), max(columns[-1], int(last))


def _runs(ink: np.ndarray, length: tuple[int, int], mend: tuple[int, int]) -> np.ndarray:
    """Straight runs of ink at least as long as ``length``, small breaks mended first."""
    mended = cv2.morphologyEx(ink, cv2.MORPH_CLOSE, np.ones(mend, np.uint8))
    return cv2.morphologyEx(mended, cv2.MORPH_OPEN, np.ones(length, np.uint8))


def _lines(mask: np.ndarray, axis: int, same: float, shortest: float) -> list[int]:
    """Places of the lines across ``axis``: where enough of the mask is set, near ones taken together."""
    # A line that is a little askew spreads over neighbouring rows of pixels: what counts is set in any of them.
    thick = max(3, int(2 * same))
    kernel = np.ones((1, thick) if axis == 0 else (thick, 1), np.uint8)
    lengths = cv2.dilate(mask.astype(np.uint8), kernel).sum(axis=axis)
    at = np.nonzero(lengths >= shortest)[0]
    if not len(at):
        return []
    groups = np.split(at, np.nonzero(np.diff(at) > max(2.0, same))[0] + 1)
    return [int(group[len(group) // 2]) for group in groups]


def erase_borders(image: np.ndarray, borders: np.ndarray) -> np.ndarray:
    """The page without the borders of its tables."""
    if not borders.any():
        return image
    out = image.copy()
    out[borders > 0] = int(np.percentile(image[::8, ::8], 75))
    return out
