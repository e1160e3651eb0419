"""Ruled tables: where they stand, and their borders taken out of the page before it is read.

Tesseract reads a border as a row of dashes or bars and gives whole cells up as pictures; without borders it reads
the cells like any text, and the borders' places tell afterwards which cell a word stands in.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np

from ocr.image.components import find_components
from ocr.page import Box

#: A vertical border is at least this long, in pages: twice the height of a capital. Of part of a page, which is lower,
#: in pixels: a letter on an underline with its mark above is 50 high at 300 dpi.
_SHORTEST_UPRIGHT, _SHORTEST_UPRIGHT_PIXELS = 0.02, 55
_SHORTEST_LEVEL = 0.03
#: A table is at least so wide and so high, in pages.
_NARROWEST, _LOWEST = 0.1, 0.015
#: Share of the table's height or width that a border runs through at least.
_BORDER = 0.3
#: Width and height below which a frame may be a stamp's, in pages.
_SMALL_FRAME = (0.45, 0.14)
#: Border lines nearer to each other than this, in pages, are the two edges of one thick or double line.
_SAME_LINE = 0.004


@dataclass(frozen=True, slots=True)
class Table:
    """A ruled table.

    Attributes:
        box: its outermost borders, in pixels.
        columns: x of the vertical borders, left to right.
        rows: y of the horizontal borders, top to bottom.
        merged: row and column, from 0, of each cell without a border to the next column's.
    """

    box: Box
    columns: tuple[int, ...]
    rows: tuple[int, ...]
    merged: tuple[tuple[int, int], ...] = ()


def find_tables(ink: np.ndarray) -> tuple[list[Table], np.ndarray]:
    """The tables of a page, top to bottom, and a mask of their borders (255 = border).

    A table has borders that meet and at least two cells; a frame around a page is none, a small one, such as a stamp
    has, is a table of one cell.

    Args:
        ink: ``(height, width)`` mask, 255 where there is ink.
    """
    height, width = ink.shape
    upright = _runs(ink, (max(_SHORTEST_UPRIGHT_PIXELS, round(_SHORTEST_UPRIGHT * height)), 1), (9, 1))
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
        columns = _lines(uprights, 0, _SAME_LINE * width, _BORDER * box.height)
        rows = _lines(levels, 1, _SAME_LINE * height, _BORDER * box.width)
        small = box.width < _SMALL_FRAME[0] * width and box.height < _SMALL_FRAME[1] * height
        if len(columns) < 2 or len(rows) < 2 or (len(columns) + len(rows) < 5 and not small):
            continue
        first, last = _reach(levels, rows, columns)
        tables.append(
            Table(
                box._replace(left=box.left + first, right=box.left + last + 1),
                tuple(box.left + x for x in columns),
                tuple(box.top + y for y in rows),
                _merged(uprights, rows, columns),
            )
        )
        borders[window][here] = 255
    tables.sort(key=lambda table: (table.box.top, table.box.left))
    return tables, cv2.bitwise_and(borders, cv2.dilate(cv2.bitwise_or(upright, level), np.ones((5, 5), np.uint8)))


def _merged(upright: np.ndarray, rows: list[int], columns: list[int]) -> tuple[tuple[int, int], ...]:
    """Row and column of the cells that have no border at their right, the last column's apart."""
    out = []
    for row, (above, below) in enumerate(pairwise(rows)):
        rim = (below - above) // 5
        for column, x in enumerate(columns[1:-1]):
            band = upright[above + rim : below - rim, max(0, x - 6) : x + 7]
            if band.size and band.any(axis=1).mean() < 0.3:
                out.append((row, column))
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
    lengths = mask.sum(axis=axis)
    # A line that is a little askew spreads over neighbouring rows of pixels: sum over its thickness.
    thick = max(3, int(2 * same))
    spread = np.convolve(lengths, np.ones(thick), mode="same")
    at = np.nonzero(spread >= min(shortest, 0.9 * mask.shape[axis]))[0]
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
