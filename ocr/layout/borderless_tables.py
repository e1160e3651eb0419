"""Tables without borders: rows whose words leave the same strips of paper free from top to bottom.

Tesseract reads a row of such a table as one line, or as one for each cell, as its gaps are narrow or wide. What makes a
table of rows is that a strip stays free through all of them: the spaces of running text never fall under each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from ocr.page import Box, Line, Word, Zone, hull

# In x-heights.
_STRIP = 1.2  # a strip between columns is at least so wide through all rows
_WIDE_GAP = 1.8  # and so wide in the row that the search begins with
_PAIR_GAP = 3.0  # where there are two columns only
_NEXT_ROW = 5.0  # from baseline to baseline
_FLUSH = 0.8  # cells begin at the same place
#: A table has so many rows with words in two columns or more.
_FEWEST_ROWS = 3
#: Share of the rows of two columns whose first cell ends in a colon: labels and values.
_LABELLED = 0.6


def find_open_tables(rows: Sequence[Sequence[Line]]) -> list[tuple[int, int, Zone]]:
    """Tables without borders among the rows of a page.

    Args:
        rows: lines that share a baseline, left to right; rows from top to bottom.

    Returns:
        First row, the row after the last, and the table, from top to bottom.
    """
    found: list[tuple[int, int, Zone]] = []
    index = 0
    while index < len(rows):
        table = _table_at(rows, index, found[-1][1] if found else 0)
        if table:
            found.append(table)
            index = table[1]
        else:
            index += 1
    return found


def labels_and_values(rows: Sequence[Sequence[Line]]) -> list[Line] | None:
    """The rows of a table each as one line, if it is none but a list of labels, each with its value behind a colon."""
    strips = _strips(rows, _PAIR_GAP)
    if len(strips) != 1:
        return None
    labels = [_cells(row, strips).get(0) for row in rows]
    if sum(label is not None and label[-1].text.endswith(":") for label in labels) < _LABELLED * len(rows):
        return None
    return [replace(row[0], words=tuple(_words(row)), box=hull([line.box for line in row])) for row in rows]


def _table_at(rows: Sequence[Sequence[Line]], seed: int, floor: int) -> tuple[int, int, Zone] | None:
    """The table that row ``seed`` belongs to and that begins at row ``floor`` or below."""
    size = _size(rows[seed])
    gaps = sum(right.box.left - left.box.right >= _WIDE_GAP * size for left, right in _neighbours(rows[seed]))
    widest = max((right.box.left - left.box.right for left, right in _neighbours(rows[seed])), default=0)
    for count in range(gaps, 1, -1):
        region = _grown(rows, seed, floor, count, _STRIP)
        if _is_table(rows[slice(*region)], count, _STRIP):
            return (*region, _zone(rows[slice(*region)], _STRIP))
    if widest >= _PAIR_GAP * size:
        region = _grown(rows, seed, floor, 1, _PAIR_GAP)
        if _is_table(rows[slice(*region)], 1, _PAIR_GAP):
            return (*region, _zone(rows[slice(*region)], _PAIR_GAP))
    return None


def _size(row: Sequence[Line]) -> float:
    return min(line.x_height for line in row)


def _words(row: Sequence[Line]) -> list[Word]:
    return sorted((word for line in row for word in line.words), key=lambda word: word.box.left)


def _neighbours(row: Sequence[Line]) -> list[tuple[Word, Word]]:
    return list(pairwise(_words(row)))


def _strips(rows: Sequence[Sequence[Line]], least: float) -> list[tuple[int, int]]:
    """Strips at least ``least`` x-heights wide that the words of all rows leave free, between the outermost words."""
    # A dash or a speck between two columns parts them no less.
    boxes = sorted(word.box for row in rows for word in _words(row) if any(c.isalnum() for c in word.text))
    if not boxes:
        return []
    wide = least * min(_size(row) for row in rows)
    strips, reach = [], boxes[0].right
    for box in boxes[1:]:
        if box.left - reach >= wide:
            strips.append((reach, box.left))
        reach = max(reach, box.right)
    return strips


def _grown(rows: Sequence[Sequence[Line]], seed: int, floor: int, count: int, least: float) -> tuple[int, int]:
    """The rows around ``seed`` that leave ``count`` strips free, as first and one after last."""

    def near(above: Sequence[Line], below: Sequence[Line]) -> bool:
        step = min(line.baseline for line in below) - max(line.baseline for line in above)
        return step < _NEXT_ROW * max(_size(above), _size(below))

    first, last = seed, seed + 1
    while (
        last < len(rows) and near(rows[last - 1], rows[last]) and len(_strips(rows[first : last + 1], least)) >= count
    ):
        last += 1
    while first > floor and near(rows[first - 1], rows[first]) and len(_strips(rows[first - 1 : last], least)) >= count:
        first -= 1
    columns = _strips(rows[first:last], least)
    # A heading above the table or a line below it may keep to one column by chance.
    while first < last and len(_cells(rows[first], columns)) < 2:
        first += 1
    while last > first and len(_cells(rows[last - 1], columns)) < 2 and not _carries_on(rows[first:last], columns):
        last -= 1
    return first, last


def _cells(row: Sequence[Line], strips: Sequence[tuple[int, int]]) -> dict[int, list[Word]]:
    """The words of a row by the column they stand in."""
    cells: dict[int, list[Word]] = {}
    for word in _words(row):
        cells.setdefault(sum(word.box.x > strip[0] for strip in strips), []).append(word)
    return cells


def _carries_on(rows: Sequence[Sequence[Line]], strips: Sequence[tuple[int, int]]) -> bool:
    """Whether the last row is a further line of a cell of the row above: tight below it, not in the first column."""
    if len(rows) < 2 or 0 in _cells(rows[-1], strips):
        return False
    return rows[-1][0].baseline - max(line.baseline for line in rows[-2]) < 2.9 * _size(rows[-1])


def _is_table(rows: Sequence[Sequence[Line]], count: int, least: float) -> bool:
    strips = _strips(rows, least) if rows else []
    if not rows or len(strips) < count:
        return False
    cells = [_cells(row, strips) for row in rows]
    full = [row for row in cells if len(row) >= 2]
    if len(full) < _FEWEST_ROWS:
        return False
    if len(strips) > 1:
        return sum(len(row) >= 3 for row in full) >= 2
    # Two columns may as well be the letterhead or the signatures: those are centred, or a list beside a name.
    size = _size(rows[0])
    return len(full) >= 0.6 * len(rows) and all(
        _flush([row[column][0].box.left for row in cells if column in row], size) for column in (0, 1)
    )


def _flush(lefts: Sequence[int], size: float) -> bool:
    return max(lefts) - min(lefts) <= _FLUSH * size


def _zone(rows: Sequence[Sequence[Line]], least: float) -> Zone:
    strips = _strips(rows, least)
    lines = tuple(line for row in rows for line in row)
    box = hull([line.box for line in lines])
    columns = [(left + right) // 2 for left, right in strips]
    return Zone("table", lines, box, (box.left, *columns, box.right), _row_edges(rows, strips, box))


def _row_edges(rows: Sequence[Sequence[Line]], strips: Sequence[tuple[int, int]], box: Box) -> tuple[int, ...]:
    """Where the rows of the table part: printed rows without a first cell carry on the cells above or below.

    Between the printed rows that begin a row of the table, it parts at the widest step.
    """
    starts = [n for n, row in enumerate(rows) if {0} < _cells(row, strips).keys()]
    if len(starts) < 2:
        starts = [n for n, row in enumerate(rows) if len(_cells(row, strips)) >= 2]
    edges = [box.top]
    baselines = [max(line.baseline for line in row) for row in rows]
    for above, below in pairwise(starts):
        steps = {n: baselines[n + 1] - baselines[n] for n in range(above, below)}
        widest = max(steps.values())
        at = max(n for n, step in steps.items() if step > 0.97 * widest)
        edges.append(round((baselines[at] + baselines[at + 1]) / 2 - 0.45 * _size(rows[at + 1])))
    return (*edges, box.bottom)
