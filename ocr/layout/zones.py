"""Lines to zones: what stands where on the page, by geometry alone.

Pages of Vietnamese administrative documents are one column of text, broken by few things: the letterhead
and the signature block, where two columns stand side by side; the page number in the top margin; footnotes in
smaller type under a short rule; tables; and the traces of seals and stamps.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

import numpy as np

from ocr.image.seals import Seal
from ocr.layout.borderless_tables import find_open_tables
from ocr.layout.ruled_tables import Table
from ocr.page import Box, Line, Zone, hull, mean_confidence, of_words

#: Type below this share of the body's x-height is small type.
SMALL_TYPE = 0.88
#: From this share on it is the body's own type: 12 points beside 13 are 0.92.
_SAME_TYPE = 0.965
#: Evidence that makes a footnote zone; what each sign counts stands in :func:`_notes`.
_ENOUGH = 3.4
_PAGE_NUMBER = re.compile(r"(tr\w{2,3}g?|page|p)?[ .:]*\d{1,4}(?:\s?(?:/|trên|of)\s?\d{1,4})?", re.IGNORECASE)
#: A note's number in ordinary digits.
_PLAIN_HEAD = re.compile(r"[\[(]?(\d{1,3}|\*{1,3})[\])]?[.:]?(?=\s*\S)")


def find_zones(
    lines: Sequence[Line],
    rules: Sequence[Box],
    tables: Sequence[Table],
    width: int,
    height: int,
    seals: Sequence[Seal] = (),
) -> tuple[Zone, ...]:
    """Group the lines of a page into zones in reading order.

    Args:
        lines: as Tesseract gave them, in any order.
        rules: from :func:`ocr.layout.rules.find_rules`.
        tables: from :func:`ocr.layout.ruled_tables.find_tables`.
        width, height: of the page in pixels.
        seals: from :func:`ocr.image.seals.find_seals`; what is read in one with little confidence is noise.
    """
    lines, inside = _in_tables(lines, tables)
    lines = [piece for line in lines for piece in _cut_at_gutter(line)]
    lines, noise = _without_noise(
        [piece for line in lines for piece in _cut_between_columns(line, lines, width)], seals
    )
    if not lines:
        return (*inside, *_zones("noise", noise))
    body = body_x_height(lines)
    head, foot = _margins(lines, width, height)
    rest = [line for line in lines if line not in head and line not in foot]
    notes = _notes(rest, rules, body, width)
    rest = [line for line in rest if line not in notes]
    zones = [*_zones("head", head), *_with_tables(rest, inside, width)]
    zones += _zones("notes", notes)
    zones += [*_zones("foot", foot), *_zones("noise", noise)]
    return tuple(zones)


def body_x_height(lines: Sequence[Line]) -> float:
    """The x-height of the body's type: the largest that a fair share of the page's letters is set in.

    A page may hold more footnotes than body, so neither the mean nor the median tells; lines in capitals are left
    out, because Tesseract takes the height of their capitals for the x-height.
    """
    mixed = [line for line in lines if any(c.islower() for c in line.text)] or list(lines)
    sizes = np.array([line.x_height for line in mixed])
    weights = np.array([sum(len(word.text) for word in line.words) for line in mixed], dtype=float)
    for size in sorted(set(sizes.tolist()), reverse=True):
        alike = np.abs(sizes - size) <= 0.06 * size
        if weights[alike].sum() >= 0.12 * weights.sum():
            return float(np.average(sizes[alike], weights=weights[alike]))
    return float(np.median(sizes))


def _in_tables(lines: Sequence[Line], tables: Sequence[Table]) -> tuple[list[Line], list[Zone]]:
    """Lines outside the tables, and the tables that hold any, each as a zone."""
    outside: list[Line] = []
    inside: dict[int, list[Line]] = {}
    for line in lines:
        # A line may run out of a table, or be read as one with what stands beside it.
        at_word = [_table_at(line, index, tables) for index in range(len(line.words))]
        for at, run in groupby(range(len(line.words)), key=at_word.__getitem__):
            members = list(run)
            piece = _part(line, members[0], members[-1] + 1) if len(members) < len(line.words) else line
            if at is None:
                outside.append(piece)
            else:
                inside.setdefault(at, []).append(piece)
    zones = [
        Zone("table", tuple(inside[index]), table.box, table.columns, table.rows, table.merged)
        for index, table in enumerate(tables)
        if index in inside
    ]
    return outside, zones


def _table_at(line: Line, index: int, tables: Sequence[Table]) -> int | None:
    """Which of the tables a word of the line stands in."""
    word = line.words[index].box
    for number, table in enumerate(tables):
        across = table.box.left - line.x_height < word.centre < table.box.right + line.x_height
        if across and table.box.top < line.box.middle < table.box.bottom:
            return number
    return None


def _with_tables(lines: list[Line], tables: list[Zone], width: int) -> list[Zone]:
    """Columns and text, with the tables between them where they stand."""
    zones: list[Zone] = []
    for _, _, table in find_open_tables(_rows(lines)):
        tables = [*tables, table]
        lines = [line for line in lines if line not in table.lines]
    for table in sorted(tables, key=lambda one: one.box.top):
        above = [line for line in lines if line.box.middle < table.box.top]
        lines = [line for line in lines if line.box.middle >= table.box.top]
        zones += [*_columns_and_text(_rows(above), width), table]
    return zones + _columns_and_text(_rows(lines), width)


def _zones(kind: str, lines: Sequence[Line]) -> tuple[Zone, ...]:
    return (Zone(kind, tuple(lines), hull([line.box for line in lines])),) if lines else ()


def _without_noise(lines: list[Line], seals: Sequence[Seal] = ()) -> tuple[list[Line], list[Line]]:
    """Lines of text, and what is none: specks read as letters, traces of seals and pen strokes."""
    kept: list[Line] = []
    noise: list[Line] = []
    typical = float(np.median([line.x_height for line in lines])) if lines else 0.0
    for line in lines:
        letters = sum(c.isalnum() for c in line.text)
        total = sum(not c.isspace() for c in line.text)
        confidence = mean_confidence(line.words)
        digits = sum(c.isdigit() for c in line.text)
        # Marks that came off their capitals are read as a line of signs; a lone letter is a trace of a pen or seal.
        speck = total <= 8 and digits == 0 and letters <= 1
        speck &= letters == 0 or total > 1 or confidence < 80 or line.x_height < 0.75 * typical
        garbage = confidence < 30 or (confidence < 50 and letters < 0.6 * total)
        out_of_scale = line.x_height > 3.5 * typical and confidence < 75
        # The words along a seal's rim, and the signature across it.
        in_seal = any(math.hypot(line.box.centre - s.x, line.box.middle - s.y) < 0.9 * s.radius for s in seals)
        in_seal &= confidence < 85 or letters <= 3
        (noise if speck or garbage or out_of_scale or in_seal else kept).append(line)
    return kept, noise


def _notes(lines: list[Line], rules: Sequence[Box], body: float, width: int) -> list[Line]:
    """The lines of the footnote zone: all from some line of the page on, in one column.

    Three things tell it: a rule above it at the left margin, type smaller than the body's, and lines that begin with
    the number of a note. None is enough alone, and any may be missing: the rule may be lost in scanning or never have
    been printed, notes of 12 points stand under a body of 13, and the lines on a page may all carry on a note of the
    page before.
    """
    ordered = sorted(lines, key=lambda line: line.baseline)
    left = float(np.percentile([line.box.left for line in lines], 10))
    right = float(np.percentile([line.box.right for line in lines], 90))
    best, most = len(ordered), _ENOUGH
    for first in range(_columns_end(ordered), len(ordered)):
        zone, above = ordered[first:], ordered[:first]
        if zone[0].box.left > left + 0.15 * width:
            continue  # the name under a signature
        ruled = _ruled(zone[0], above[-1] if above else None, rules, left, right, width)
        if not ruled and not (above and _smaller(zone[0], above[-1])) and not _begins_raised(zone[0]):
            continue
        weights = np.array([len(line.text) for line in zone], dtype=float)
        sizes = np.array([line.x_height for line in zone])
        middle = sorted(zip(sizes.tolist(), weights.tolist(), strict=True))
        at = int(np.searchsorted(np.cumsum([w for _, w in middle]), weights.sum() / 2))
        size = middle[at][0] / body
        if weights[sizes > (_SAME_TYPE if size < _SAME_TYPE else 1.06) * body].sum() > 0.2 * weights.sum():
            continue  # type of the body's size below it
        if above and size < _SAME_TYPE and not ruled and above[-1].x_height < _SAME_TYPE * body:
            continue  # small type above it too: the zone would begin there
        cited = {raised.text for line in above for word in line.words for raised in word.raised}
        heads = [_head(line, cited) for line in zone]
        # Without a rule and a number at its head the zone must at least stand apart.
        if not ruled and not (heads[0] or (any(heads) and _stands_apart(zone, above))):
            continue
        evidence = ruled + max(heads[0], 0.8 * max(heads))
        evidence += 3.0 if size < SMALL_TYPE else 1.5 if size < _SAME_TYPE else -1.5
        if evidence > most:
            best, most = first, evidence
    return ordered[best:]


def _columns_end(ordered: Sequence[Line]) -> int:
    """Index of the first line from which on every line stands alone in its row."""
    for index in range(len(ordered) - 1, 0, -1):
        if _side_by_side(ordered[index], ordered[index - 1]):
            return index + 1
    return 0


def _ruled(line: Line, before: Line | None, rules: Sequence[Box], left: float, right: float, width: int) -> float:
    """What a rule right above ``line`` says for footnotes below it; 0.0 where there is none."""
    top = line.baseline - line.x_height
    floor = before.baseline - 0.5 * before.x_height if before else 0.0
    for rule in rules:
        if not (floor < rule.top < top and top - rule.bottom < 6 * line.x_height):
            continue
        if abs(rule.left - left) < 0.05 * width:
            if 0.06 * width < rule.width < 0.55 * width:
                return 2.5
            if rule.right > right - 0.05 * width:
                return 2.0
    return 0.0


def _stands_apart(zone: Sequence[Line], above: Sequence[Line]) -> bool:
    """Whether there is clearly more room above a zone than between its lines."""
    steps = [below.baseline - line.baseline for line, below in pairwise(zone)]
    return not above or zone[0].baseline - above[-1].baseline > 1.5 * float(
        np.median(steps or [2.5 * zone[0].x_height])
    )


def _smaller(line: Line, before: Line) -> bool:
    """Whether a line is set in smaller type than the one before it."""
    return line.x_height < _SAME_TYPE * before.x_height


def _begins_raised(line: Line) -> bool:
    return bool(line.words[0].raised) and line.words[0].raised[0].offset == 0


def _head(line: Line, cited: set[str]) -> float:
    """What the head of a line says for a note that begins with it: a raised sign, or the plain number of a mark."""
    if _begins_raised(line):
        return 2.5
    found = _PLAIN_HEAD.match(line.text)
    return 1.5 if found and found[1] in cited else 0.0


def _margins(lines: list[Line], width: int, height: int) -> tuple[list[Line], list[Line]]:
    """Lines alone in the top and in the bottom margin: page numbers and running headers."""
    if len(lines) < 2:
        return [], []
    ordered = sorted(lines, key=lambda line: line.baseline)
    # A running header may stand above the page number or beside it.
    head = [line for line in ordered[:2] if _is_page_number(line, width) and line.box.bottom < 0.14 * height]
    foot = [line for line in ordered[-2:] if _is_page_number(line, width) and line.box.top > 0.88 * height]
    return head, [line for line in foot if line not in head]


def _is_page_number(line: Line, width: int) -> bool:
    """``2``, ``- 2 -``, ``Trang 2/5``: in the middle or at the right, with its word anywhere."""
    found = _PAGE_NUMBER.fullmatch(line.text.strip(" -–—.|_/~"))
    centred = 0.3 * width < line.box.centre < 0.75 * width or line.box.left > 0.7 * width
    return found is not None and (centred or found[1] is not None)


def _rows(lines: list[Line]) -> list[list[Line]]:
    """Lines that share a baseline, left to right; rows from top to bottom."""
    rows: list[list[Line]] = []
    for line in sorted(lines, key=lambda one: one.baseline):
        row = rows[-1] if rows else []
        if row and all(_side_by_side(line, other) for other in row):
            row.append(line)
        else:
            rows.append([line])
    return [sorted(row, key=lambda one: one.box.left) for row in rows]


def _cut_at_gutter(line: Line) -> list[Line]:
    """A line in which two columns were read as one, cut at a gap far wider than justified text ever leaves."""
    gaps = [
        (after.box.left - before.box.right, index)
        for index, (before, after) in enumerate(zip(line.words, line.words[1:], strict=False), 1)
    ]
    if not gaps:
        return [line]
    widest, cut = max(gaps)
    others = sorted(gap for gap, _ in gaps)[:-1]
    usual = float(np.median(others)) if others else 0.5 * line.x_height
    if widest < max(4.5 * line.x_height, 3.5 * usual):
        return [line]
    return [*_cut_at_gutter(_part(line, 0, cut)), *_cut_at_gutter(_part(line, cut, len(line.words)))]


def _cut_between_columns(line: Line, lines: Sequence[Line], width: int) -> list[Line]:
    """A line in which two columns were read as one across a narrow gutter, cut there.

    The gap alone would not tell: a line near by must be centred on one of the two halves and keep to its column, as
    the motto does under the name of the state.
    """
    gaps = sorted(
        (after.box.left - before.box.right, index)
        for index, (before, after) in enumerate(zip(line.words, line.words[1:], strict=False), 1)
    )
    if len(gaps) < 3:
        return [line]
    (usual, _), (widest, cut) = gaps[-2:]
    left, right = _part(line, 0, cut), _part(line, cut, len(line.words))
    if widest < max(1.6 * usual, 1.2 * line.x_height) or not 0.2 * width < left.box.right < 0.7 * width:
        return [line]
    # A line that begins and ends where others do is running text, however wide its spaces are.
    near = 0.5 * line.x_height
    begun = sum(abs(other.box.left - line.box.left) < near for other in lines if other is not line)
    ended = sum(abs(other.box.right - line.box.right) < near for other in lines if other is not line)
    if min(begun, ended) >= 2:
        return [line]
    for other in lines:
        if other is line or abs(other.baseline - line.baseline) > 5 * line.x_height or len(other.words) < 2:
            continue
        on_left = other.box.right <= right.box.left and _centred_alike(other, left, width)
        on_right = other.box.left >= left.box.right and _centred_alike(other, right, width)
        if on_left or on_right:
            return [left, right]
    return [line]


def _centred_alike(line: Line, other: Line, width: int) -> bool:
    """Whether two lines are centred on the same place, not merely begun at the same margin."""
    begun_alike = abs(line.box.left - other.box.left) < line.x_height
    return abs(line.box.centre - other.box.centre) < 0.02 * width and not begun_alike


def _part(line: Line, first: int, last: int) -> Line:
    return of_words(line, line.words[first:last])


def _side_by_side(line: Line, other: Line) -> bool:
    apart = line.box.left >= other.box.right or other.box.left >= line.box.right
    near = abs(line.baseline - other.baseline) < 0.9 * max(line.x_height, other.x_height)
    return apart and near


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


def _columns_and_text(rows: list[list[Line]], width: int) -> list[Zone]:
    """Zones ``left``/``right`` where two columns stand side by side, ``text`` elsewhere."""
    zones: list[Zone] = []
    text: list[Line] = []
    index = 0
    while index < len(rows):
        region, after = _region_at(rows, index, width)
        if region:
            zones += _zones("text", text)
            text = []
            zones += [*_zones("left", region.left), *_zones("right", region.right)]
            index = after
        else:
            text += rows[index]
            index += 1
    return zones + list(_zones("text", text))


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
    return line.box.left > 0.42 * width and line.box.centre > 0.6 * width


def _is_pair(row: list[Line], width: int) -> bool:
    if len(row) < 2:
        return False
    left, right = row[0], row[-1]
    return (
        left.box.centre < 0.5 * width
        and right.box.centre > 0.5 * width
        and right.box.left - left.box.right > 0.8 * max(left.x_height, right.x_height)
    )


def _grow(region: _Region, rows: list[list[Line]], index: int, width: int) -> _Region | None:
    """The region with row ``index`` too, or ``None`` when that row does not keep to its columns."""
    row, above = rows[index], rows[index - 1]
    gap = min(line.box.top for line in row) - max(line.box.bottom for line in above)
    if gap > 16 * max(line.x_height for line in row):
        return None
    # The room for a signature stands in the right column; a column at the left has no such hole, unless what stands
    # beside it goes on below: the number may stand well under the name of the office, and a line of a list be lost.
    if region.left and all(line.box.centre < 0.45 * width for line in row):
        column = hull([line.box for line in region.left])
        hole = min(line.box.top for line in row) - column.bottom
        goes_on = any(line.box.left > 0.42 * width for other in rows[index + 1 : index + 3] for line in other)
        slack = 2 * max(line.x_height for line in row)
        within = all(column.left - slack < line.box.left and line.box.right < column.right + slack for line in row)
        # "Kính gửi:" stands under the letterhead's left column, but it begins the text below it.
        below = rows[index + 1] if index + 1 < len(rows) else []
        begins_text = any(
            abs(line.box.left - other.box.left) < 0.5 * line.x_height and other.box.right > region.gutter(width)[1]
            for line in row
            for other in below
        )
        if begins_text or hole > (3.5 if goes_on else 1.45 if within else 1.1) * slack:
            return None
    left, right = list(region.left), list(region.right)
    gutter_left, gutter_right = region.gutter(width)
    for line in row:
        on_left = line.box.right <= gutter_right and line.box.centre < 0.5 * width
        on_right = line.box.left >= gutter_left and line.box.centre > 0.5 * width
        if len(row) == 1:  # a pair of its own has only to respect the gutter
            on_left = line.box.right <= gutter_right and (
                _keeps_to(line, left, width) if left else line.box.centre < 0.5 * width
            )
            # What stands wholly in the right half is no title, whatever it is centred on.
            on_right = line.box.left >= gutter_left and (_keeps_to(line, right, width) or line.box.left > 0.53 * width)
        if on_left == on_right:
            return None
        (left if on_left else right).append(line)
    grown = _Region(tuple(left), tuple(right))
    gutter_left, gutter_right = grown.gutter(width)
    return grown if gutter_left < gutter_right else None


def _keeps_to(line: Line, column: list[Line], width: int) -> bool:
    """Whether a line is centred on a column, or aligned left with one that is set flush left."""
    box = hull([other.box for other in column])
    if abs(line.box.centre - box.centre) < 0.05 * width:
        return True
    aligned = [other for other in column if abs(line.box.left - other.box.left) < 0.012 * width]
    return 2 * len(aligned) > len(column)
