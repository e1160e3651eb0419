"""Cells of a table that were read in their row and in their column: which of the two is taken."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from ocr.page import Box, Line, Word, Zone
from ocr.reread.table_cells import read_cells

COLUMNS, ROWS = (0, 200, 600, 900), (0, 60, 120, 180, 240)
PAPER = np.full((240, 900), 255, np.uint8)

Read = tuple[str, float]


def word(text: str, confidence: float, row: int, column: int, at: int = 0) -> Word:
    left, top = COLUMNS[column] + 30 + 60 * at, ROWS[row] + 15
    return Word(text, Box(left, top, left + 50, top + 30), confidence)


def line(cells: dict[int, str], row: int, confidences: dict[int, float]) -> Line:
    words = [
        word(text, confidences.get(column, 95.0), row, column, at)
        for column, cell in cells.items()
        for at, text in enumerate(cell.split())
    ]
    return Line(
        tuple(words),
        Box(words[0].box.left, ROWS[row] + 15, words[-1].box.right, ROWS[row] + 45),
        ROWS[row] + 43.0,
        20.0,
    )


def table(last: list[Read]) -> Zone:
    """A table of three rows below its head; what was read in its last column, and how surely."""
    heads = line({0: "TT", 1: "Nội dung", 2: last[0][0]}, 0, {2: last[0][1]})
    rows = [line({0: str(n), 1: "Nội dung", 2: last[n][0]}, n, {2: last[n][1]}) for n in (1, 2, 3)]
    return Zone("table", (heads, *rows), Box(0, 0, 900, 244), COLUMNS, ROWS)


def last_column(row_by_row: list[Read], by_itself: list[Read]) -> list[str]:
    """What stands in the cells of the last column, once it was read by itself too."""

    def again(box: Box) -> list[Line]:
        if box.left < COLUMNS[2]:
            return []
        return [line({2: text}, row, {2: sure}) for row, (text, sure) in enumerate(by_itself) if text]

    zone = table(row_by_row)
    lines = read_cells([zone], PAPER, again) or list(zone.lines)
    words = sorted((w for one in lines for w in one.words if w.box.left >= COLUMNS[2]), key=lambda w: w.box)
    return [
        " ".join(w.text for w in sorted(words, key=lambda w: w.box.left) if top <= w.box.top < bottom)
        for top, bottom in pairwise(ROWS)
    ]


@pytest.mark.parametrize(
    ("row_by_row", "by_itself", "want"),
    [
        # A head that reads better by itself does not take a number with it that reads worse.
        (
            [("nhe", 0), ("31,5", 70), ("10,2", 86), ("73,9", 80)],
            [("Kinh phí đồng", 96), ("cổ Bạ", 12), ("10,2", 81), ("73,9", 77)],
            ["Kinh phí đồng", "31,5", "10,2", "73,9"],
        ),
        # Among numbers a number is likelier than what is none, however surely that was read.
        (
            [("Tỷ", 60), ("27A", 89), ("10,2", 86), ("4,8", 59)],
            [("Tỷ đồng", 96), ("27,4", 51), ("10,2", 81), ("4,8", 70)],
            ["Tỷ đồng", "27,4", "10,2", "4,8"],
        ),
        # Where both saw the same digits, one may have lost the comma.
        (
            [("Tỷ", 60), ("31,5", 96), ("10,2", 86), ("4,8", 59)],
            [("Tỷ đồng", 96), ("31,5", 96), ("102", 96), ("48", 96)],
            ["Tỷ đồng", "31,5", "10,2", "4,8"],
        ),
        # Text that was read surely by itself is taken though the column as a whole reads worse.
        (
            [("Moànthành", 68), ("Tháng 9", 96), ("Tháng 6", 96), ("Tháng 12", 96)],
            [("Hoàn thành", 96), ("Tháng 9", 50), ("Tháng 6", 20), ("", 0)],
            ["Hoàn thành", "Tháng 9", "Tháng 6", "Tháng 12"],
        ),
        # Doubtful text is not.
        (
            [("Moànthành", 68), ("Tháng 9", 96), ("Tháng 6", 96), ("Tháng 12", 96)],
            [("Nloàn thànhh", 85), ("Tháng 9", 50), ("Tháng 6", 20), ("", 0)],
            ["Moànthành", "Tháng 9", "Tháng 6", "Tháng 12"],
        ),
        # Nor is a number that was hardly read.
        (
            [("Số", 60), ("12", 55), ("15", 96), ("17", 96)],
            [("Số", 60), ("92", 40), ("15", 60), ("17", 60)],
            ["Số", "12", "15", "17"],
        ),
    ],
)
def test_the_better_reading_of_each_cell(row_by_row: list[Read], by_itself: list[Read], want: list[str]) -> None:
    assert last_column(row_by_row, by_itself) == want
