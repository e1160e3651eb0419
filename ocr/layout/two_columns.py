"""Two columns side by side, as in the letterhead and at the signature: where they stand, and lines read across them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ocr.page import Line, Word, Zone, hull, of_words, zone_of

# A gap in a line is a gutter when it is so wide, in x-heights and in the line's usual gaps.
_GUTTER = 4.5
_GUTTER_IN_GAPS = 3.5
#: Signs of the items of a list; what they are may stand so far behind them, in x-heights.
DASHES, BEHIND_SIGN = ("-", "–", "—", "•"), 8.5
NUMBER_SIGN = re.compile(r"\(?\d{1,2}[.)]|\(?[a-zđ]\)|[IVX]{1,5}[.)]")
_USUAL_GAP = 0.5  # of a line of two words, in x-heights

# A narrow gutter, which lines near by must bear out: 5 to 11 mm between the first lines of real letterheads.
_NARROW_GUTTER = 1.2  # in x-heights
_NARROW_GUTTER_IN_GAPS = 1.6  # in the line's second widest gap
_CAPITALS = 1.4  # what Tesseract gives for the x-height of a line in capitals is their height: so many x-heights
_LEFTMOST_GUTTER, _RIGHTMOST_GUTTER = 0.2, 0.7  # in page widths
_NEAR_BY = 5.0  # from baseline to baseline, in x-heights
_SAME_EDGE = 0.5  # in x-heights
_SAME_CENTRE = 0.02  # in page widths
#: So few words that begin with a small letter are a line's last ones ("Ban Giám đốc Sở Y   tế;"): no column begins so,
#: but one whose first letter was lost ("ộc lập - Tự do").
_LAST_WORDS = 2
#: What is read of specks in the gutter and of the end of a rule beside it.
_SPECK = re.compile(r"[_|.,·'‘’\"“”`´~^¬]")

# Labels and values.
_LEADER = re.compile(r"[.…_]{3,}$|…$")
_FEWEST_VALUES = 2  # values that begin with a colon on one page: one may be a speck before a word

# The right column and the pair of columns, in page widths.
_RIGHT_COLUMN = 0.42  # it begins right of here, ...
_RIGHT_CENTRE = 0.6  # ... and the middle of its first line is right of here
_WHOLLY_RIGHT = 0.53  # what begins right of here is no title, whatever it is centred on
_LEFT_CENTRE = 0.45  # the middle of a line of the left column is left of here
_GAP_OF_PAIR = 0.8  # between the lines of a pair, in x-heights
_COLUMN_CENTRE = 0.05  # a line keeps to a column when it is centred on it, or begins with most of its lines
_COLUMN_EDGE = 0.012

# A line that was torn in two, in x-heights: the gap is no wider, or no wider than the second between lines that run
# across it; so many lines stand between the same margins.
_TORN, _WIDELY_TORN, _FEWEST_FULL = 2.5, 8.0, 2

# Rows of one region.
_NEXT_ROW = 16.0  # in x-heights
# The room for a signature stands in the right column; a column at the left has no such hole, unless what stands beside
# it goes on below: the number may stand well under the name of the office, and a line of a list be lost.
# In twice the x-height:
_HOLE = 1.1
_HOLE_WITHIN = 1.45  # where the line reaches no further to either side than the column
_HOLE_BESIDE_PRINT = 3.5  # where the right column goes on


def rows_of(lines: Sequence[Line]) -> list[list[Line]]:
    """Lines that share a baseline, left to right; rows from top to bottom."""
    rows: list[list[Line]] = []
    for line in sorted(lines, key=lambda one: one.baseline):
        row = rows[-1] if rows else []
        if row and all(side_by_side(line, other) for other in row):
            row.append(line)
        else:
            rows.append([line])
    return [sorted(row, key=lambda one: one.box.left) for row in rows]


def side_by_side(line: Line, other: Line) -> bool:
    """Whether two lines stand in one row."""
    apart = line.box.left >= other.box.right or other.box.left >= line.box.right
    near = abs(line.baseline - other.baseline) < 0.9 * max(line.x_height, other.x_height)
    return apart and near


def part(line: Line, first: int, last: int) -> Line:
    """The words of a line from ``first`` up to, without, ``last``."""
    return of_words(line, line.words[first:last])


def cut_at_gutter(line: Line) -> list[Line]:
    """A line in which two columns were read as one, cut at a gap far wider than justified text ever leaves."""
    gaps = _gaps(line)
    if not gaps:
        return [line]
    widest, cut = gaps[-1]
    usual = float(np.median([gap for gap, _ in gaps[:-1]])) if len(gaps) > 1 else _USUAL_GAP * line.x_height
    if widest < max(_GUTTER * line.x_height, _GUTTER_IN_GAPS * usual) or _is_behind_sign(line, cut, gaps):
        return [line]
    return [*cut_at_gutter(part(line, 0, cut)), *cut_at_gutter(part(line, cut, len(line.words)))]


def _is_behind_sign(line: Line, cut: int, gaps: Sequence[tuple[int, int]]) -> bool:
    """Whether what stands before the widest gap is the sign of an item, and no column.

    A number or letter may be a column of a table: it is the sign of an item where no other gap is as wide.
    """
    widest = gaps[-1][0]
    if cut != 1 or widest >= BEHIND_SIGN * line.x_height:
        return False
    alone = len(gaps) < 2 or gaps[-2][0] < _GUTTER * line.x_height
    return line.words[0].text in DASHES or (bool(NUMBER_SIGN.fullmatch(line.words[0].text)) and alone)


def cut_between_columns(line: Line, lines: Sequence[Line], width: int) -> list[Line]:
    """A line in which two columns were read as one across a narrow gutter, cut there.

    The gap alone would not tell: a line near by must be centred on one of the two halves and keep to its column, as
    the motto does under the name of the state.
    """
    gaps = _gaps(line, with_specks=False)
    if len(gaps) < 3:
        return [line]
    (usual, _), (widest, cut) = gaps[-2:]
    size = line.x_height / (_CAPITALS if line.text.isupper() else 1.0)
    if widest < max(_NARROW_GUTTER_IN_GAPS * usual, _NARROW_GUTTER * size):
        return [line]
    left, right = part(line, 0, cut), part(line, cut, len(line.words))
    gutter = _without_specks(left).box.right, _without_specks(right).box.left
    if _are_last_words(right) or not _LEFTMOST_GUTTER * width < gutter[0] < _RIGHTMOST_GUTTER * width:
        return [line]
    others = [other for other in lines if other is not line]
    near = [other for other in others if abs(other.baseline - line.baseline) <= _NEAR_BY * line.x_height]
    if _is_running_text(line, others) and any(_runs_across(other, gutter) for other in near):
        return [line]
    left, right = _without_specks(left), _without_specks(right)
    return [left, right] if any(_keeps_to_half(other, left, right, width) for other in near) else [line]


def _are_last_words(right: Line) -> bool:
    """Whether what stands behind a gap is the end of a line, and no column."""
    return len(right.words) <= _LAST_WORDS and _without_specks(right).text[0].islower()


def _gaps(line: Line, *, with_specks: bool = True) -> list[tuple[int, int]]:
    """The gaps between the words of a line, from the narrowest to the widest, each with the index of the word after.

    Args:
        with_specks: whether a speck, or the end of a rule, that was read between two words is a word; or else it
            belongs to the gap.
    """
    words = [(n, word.box) for n, word in enumerate(line.words) if with_specks or not _is_speck(word)]
    return sorted((after.left - before.right, n) for (_, before), (n, after) in pairwise(words))


def _is_speck(word: Word) -> bool:
    return bool(_SPECK.fullmatch(word.text))


def _without_specks(line: Line) -> Line:
    """A piece of a line without the specks that were read in the gutter beside it, if it is anything else."""
    worded = [n for n, word in enumerate(line.words) if not _is_speck(word)]
    return part(line, worded[0], worded[-1] + 1) if worded else line


def _runs_across(line: Line, gutter: tuple[int, int]) -> bool:
    """Whether a line runs over a gutter with a word in its middle third: running text, or a title, leaves none free."""
    left, right = gutter[0] + (gutter[1] - gutter[0]) / 3, gutter[1] - (gutter[1] - gutter[0]) / 3
    over = line.box.left < gutter[0] and gutter[1] < line.box.right
    return over and any(word.box.left < right and left < word.box.right for word in line.words)


def _is_running_text(line: Line, others: Sequence[Line]) -> bool:
    """A line that begins and ends where others do is running text, however wide its spaces are."""
    near = _SAME_EDGE * line.x_height
    begun = sum(abs(other.box.left - line.box.left) < near for other in others)
    ended = sum(abs(other.box.right - line.box.right) < near for other in others)
    return min(begun, ended) >= 2


def _keeps_to_half(line: Line, left: Line, right: Line, width: int) -> bool:
    """Whether a line is centred on one of two halves and does not reach into the other."""
    if len(line.words) < 2:
        return False
    on_left = line.box.right <= right.box.left and _centred_alike(line, left, width)
    return on_left or (line.box.left >= left.box.right and _centred_alike(line, right, width))


def _centred_alike(line: Line, other: Line, width: int) -> bool:
    """Whether two lines are centred on the same place, not merely begun at the same margin."""
    begun_alike = abs(line.box.left - other.box.left) < line.x_height
    return abs(line.box.x - other.box.x) < _SAME_CENTRE * width and not begun_alike


@dataclass(frozen=True, slots=True)
class _Region:
    """Rows in which two columns stand side by side; one of the columns may begin later than the other."""

    left: tuple[Line, ...]
    right: tuple[Line, ...]

    def gutter(self, width: int) -> tuple[float, float]:
        """Left and right end of the free strip between the columns, in pixels."""
        return (
            max((line.box.right for line in self.left), default=0),
            min((line.box.left for line in self.right), default=width),
        )


def columns_and_text(rows: list[list[Line]], width: int) -> list[Zone]:
    """Zones ``left``/``right`` where two columns stand side by side, ``text`` elsewhere."""
    zones: list[Zone] = []
    text: list[Line] = []
    rows = _with_torn_rows_joined(rows)
    index = 0
    while index < len(rows):
        region, after = _region_at(rows, index, width)
        if region:
            zones += zone_of("text", text)
            text = []
            zones += [*zone_of("left", region.left), *zone_of("right", region.right)]
            index = after
        else:
            text += rows[index]
            index += 1
    return zones + list(zone_of("text", text))


def _with_torn_rows_joined(rows: list[list[Line]]) -> list[list[Line]]:
    """The rows, two lines of one row as one where together they are running text and no gutter parts them.

    A sign that was lost between two words, or a stroke through it, parts a line in two.
    """
    lines = [line for row in rows for line in row]
    out = []
    for row, above, below in zip(rows, [[], *rows], [*rows[1:], []], strict=False):
        torn = len(row) == 2 and (_is_torn(row[0], row[1], lines) or _is_torn_between(row[0], row[1], above, below))
        out.append([of_words(row[0], [*row[0].words, *row[1].words])] if torn else row)
    return out


def _is_torn(left: Line, right: Line, lines: Sequence[Line]) -> bool:
    """Whether two lines of a row begin and end where lines of the full measure do, with no gutter between them."""
    if right.box.left - left.box.right > _TORN * max(left.x_height, right.x_height):
        return False
    near = _SAME_EDGE * left.x_height
    full = [
        line
        for line in lines
        if abs(line.box.left - left.box.left) < near and abs(line.box.right - right.box.right) < near
    ]
    return len(full) >= _FEWEST_FULL and any(_runs_across(line, (left.box.right, right.box.left)) for line in full)


def _is_torn_between(left: Line, right: Line, above: Sequence[Line], below: Sequence[Line]) -> bool:
    """Whether the rows right above and below a row run across the gap in it, and begin where it does."""
    size = max(left.x_height, right.x_height)
    gap = left.box.right, right.box.left
    near = [
        len(row) == 1 and abs(row[0].baseline - left.baseline) < _NEAR_BY * size and _runs_across(row[0], gap)
        for row in (above, below)
    ]
    begun = any(abs(line.box.left - left.box.left) < _SAME_EDGE * size for line in (*above, *below))
    return all(near) and begun and gap[1] - gap[0] < _WIDELY_TORN * size


def with_values(lines: Sequence[Line]) -> list[Line]:
    """The lines, each value that begins with a colon joined to its label and to what stands behind it in the row.

    "Địa chỉ        : 41 phố Chợ" is one line, however far the colons are set from the labels: neither two columns nor
    a table.
    """
    rows = rows_of(lines)
    values = [next((n for n in range(1, len(row)) if _is_value(row[n], row[n - 1])), 0) for row in rows]
    colons = sum(n > 0 and row[n].text.startswith(":") for n, row in zip(values, rows, strict=True))
    if colons == sum(n > 0 for n in values) < _FEWEST_VALUES:
        return list(lines)
    out: list[Line] = []
    for row, at in zip(rows, values, strict=True):
        if at:
            words = [word for line in row[at - 1 :] for word in line.words]
            out += [*row[: at - 1], of_words(row[at - 1], words)]
        else:
            out += row
    return out


def _is_value(line: Line, label: Line) -> bool:
    """Whether a line is the value of the label before it; a label ends in no sign, and an item of a list is none.

    After a label with a leader, "Họ và tên: ........", a further one with its own colon belongs to the same line.
    """
    if _LEADER.search(label.text):
        return ":" in label.text and ":" in line.text and line.text[0].isalnum()
    labelled = label.text[0].isalnum() and (label.text[-1].isalnum() or label.text[-1] in ")]")
    return labelled and line.text.startswith(":") and any(c.isalnum() for c in line.text)


def _region_at(rows: list[list[Line]], start: int, width: int) -> tuple[_Region | None, int]:
    """The two-column region that begins at row ``start``, and the row after it."""
    first = rows[start]
    if _is_pair(first, width):
        region = _Region((first[0],), tuple(first[1:]))
    elif len(first) == 1 and _is_right(first[0], width):
        # The signature may begin a line or two above the list of recipients beside it.
        region = _Region((), tuple(first))
    else:
        return None, start
    index = start + 1
    while index < len(rows):
        grown = _grow(region, rows, index, width)
        if grown is None:
            break
        region = grown
        index += 1
    return (region, index) if region.left else (None, start)


def _is_right(line: Line, width: int) -> bool:
    return line.box.left > _RIGHT_COLUMN * width and line.box.x > _RIGHT_CENTRE * width


def _is_pair(row: list[Line], width: int) -> bool:
    if len(row) < 2:
        return False
    left, right = row[0], row[-1]
    return (
        left.box.x < 0.5 * width
        and right.box.x > 0.5 * width
        and right.box.left - left.box.right > _GAP_OF_PAIR * max(left.x_height, right.x_height)
    )


def _grow(region: _Region, rows: list[list[Line]], index: int, width: int) -> _Region | None:
    """The region with row ``index`` too, or ``None`` when that row does not keep to its columns."""
    row, above = rows[index], rows[index - 1]
    gap = min(line.box.top for line in row) - max(line.box.bottom for line in above)
    if gap > _NEXT_ROW * max(line.x_height for line in row):
        return None
    all_left = all(line.box.x < _LEFT_CENTRE * width for line in row)
    if region.left and all_left and not _carries_on_left(region, row, rows[index + 1 : index + 3], width):
        return None
    left, right = list(region.left), list(region.right)
    for line in row:
        column = _column_of(line, region, len(row) == 1, width)
        if column is None:
            return None
        (left if column == "left" else right).append(line)
    grown = _Region(tuple(left), tuple(right))
    gutter_left, gutter_right = grown.gutter(width)
    return grown if gutter_left < gutter_right else None


def _carries_on_left(region: _Region, row: Sequence[Line], below: Sequence[list[Line]], width: int) -> bool:
    """Whether a row at the left is close enough under the region's left column to carry it on.

    Args:
        below: the two rows that follow.
    """
    if below and _begins_text(region, row, below[0], width):
        return False
    column = hull([line.box for line in region.left])
    slack = 2 * max(line.x_height for line in row)
    widest = _HOLE
    if any(line.box.left > _RIGHT_COLUMN * width for other in below for line in other):
        widest = _HOLE_BESIDE_PRINT
    elif all(column.left - slack < line.box.left and line.box.right < column.right + slack for line in row):
        widest = _HOLE_WITHIN
    return min(line.box.top for line in row) - column.bottom <= widest * slack


def _begins_text(region: _Region, row: Sequence[Line], below: Sequence[Line], width: int) -> bool:
    """Whether a row begins where a line below it does that runs into the right column.

    "Kính gửi:" stands under the letterhead's left column, but it begins the text below it.
    """
    _, gutter_right = region.gutter(width)
    across = [line for line in below if line.box.right > gutter_right]
    return any(abs(line.box.left - one.box.left) < _SAME_EDGE * line.x_height for line in row for one in across)


def _column_of(line: Line, region: _Region, alone: bool, width: int) -> str | None:
    """``left`` or ``right``, the column of a region that a line keeps to; ``None`` for neither or both.

    Args:
        alone: whether the line stands alone in its row; a pair has only to respect the gutter.
    """
    gutter_left, gutter_right = region.gutter(width)
    on_left = line.box.x < 0.5 * width
    on_right = line.box.x > 0.5 * width
    if alone:
        on_left = _keeps_to(line, region.left, width) if region.left else on_left
        # The title under a letterhead may begin by chance where the right column's lines do.
        on_right = line.box.left > _WHOLLY_RIGHT * width or (
            _keeps_to(line, region.right, width) and not _is_title_under(line, region.right, width)
        )
    on_left &= line.box.right <= gutter_right
    on_right &= line.box.left >= gutter_left
    if on_left == on_right:
        return None
    return "left" if on_left else "right"


def _is_title_under(line: Line, column: Sequence[Line], width: int) -> bool:
    """Whether a line of capitals is centred on the page, under a column whose lines are centred on one another."""
    centres, lefts = [other.box.x for other in column], [other.box.left for other in column]
    centred = max(centres) - min(centres) < _SAME_CENTRE * width < max(lefts) - min(lefts)
    on_page = abs(line.box.x - 0.5 * width) < _COLUMN_CENTRE * width
    return len(column) > 1 and centred and on_page and line.text.isupper()


def _keeps_to(line: Line, column: Sequence[Line], width: int) -> bool:
    """Whether a line is centred on a column, or aligned left with one that is set flush left."""
    box = hull([other.box for other in column])
    if abs(line.box.x - box.x) < _COLUMN_CENTRE * width:
        return True
    aligned = [other for other in column if abs(line.box.left - other.box.left) < _COLUMN_EDGE * width]
    return 2 * len(aligned) > len(column)
