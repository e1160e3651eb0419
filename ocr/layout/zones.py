"""Lines to zones: what stands where on the page, by geometry alone.

Pages of Vietnamese administrative documents are one column of text, broken by few things: the letterhead
and the signature block, where two columns stand side by side; the page number in the top margin; footnotes in
smaller type under a short rule; tables; and the traces of seals and stamps.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby

import numpy as np

from ocr.image.seals import Seal
from ocr.layout.borderless_tables import find_open_tables, labels_and_values
from ocr.layout.footnote_zone import find_notes
from ocr.layout.noise import cut_off_speck, without_noise, without_strays
from ocr.layout.ruled_tables import Table
from ocr.layout.two_columns import columns_and_text, cut_at_gutter, cut_between_columns, part, rows_of, with_values
from ocr.page import Box, Line, Zone, hull, in_rows, mean_confidence, of_words, zone_of

#: Sizes of type within this share of each other are one; the body's is set in so many of the page's letters at least.
_ALIKE, _BODY_SHARE = 0.06, 0.12

# A frame beside the text: in page widths, and how many vertical borders.
_BESIDE_WIDTH, _BESIDE_COLUMNS = 0.45, 4
#: From baseline to baseline of two lines that follow each other, in x-heights, at most.
_NEXT_LINE = 5.0

# Pieces of one line, in x-heights: between them, and from baseline to baseline; their type, in that of the first; and
# the least confidence that they were read with. A gutter between columns has 5 mm, twice as much, on 26 field papers.
_PIECES, _LEVEL, _LIKE_TYPE, _READ = (-0.3, 1.2), 0.25, (0.8, 1.25), 60.0

# Page numbers and running headers, in pages.
_HEAD, _FOOT = 0.14, 0.88  # above and below these they stand
_MIDDLE = (0.3, 0.75)
_AT_THE_RIGHT = 0.7
#: Below this a number alone at the right is a page's, too: no line of text stands so. Of 230 real and made pages two
#: have their numbers between here and the foot, and nothing else.
_LOW_AT_THE_RIGHT = 0.8
_PAGE_NUMBER = re.compile(r"(tr\w{2,3}g?|page|p)?[ .:]*\d{1,4}(?:\s?(?:/|trên|of)\s?\d{1,4})?", re.IGNORECASE)


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
    lines, inside, strays = _in_tables(lines, tables)
    lines = _with_pieces_joined(lines)
    whole = [piece for line in lines for piece in cut_off_speck(line)]
    lines = [piece for line in whole for piece in _without_blanks(cut_at_gutter(line), whole)]
    lines, noise = without_noise([piece for line in lines for piece in cut_between_columns(line, lines, width)], seals)
    noise += strays
    if not lines:
        return (*inside, *zone_of("noise", noise))
    lines = with_values(lines)
    body = body_x_height(lines)
    head, foot = _margins(lines, width, height) if len(lines) + len(inside) > 1 else ([], [])
    rest = [line for line in lines if line not in head and line not in foot]
    notes = find_notes(rest, rules, body, width)
    rest = [line for line in rest if line not in notes]
    zones = [*zone_of("head", head), *_with_tables(rest, inside, width)]
    zones += zone_of("notes", notes)
    zones += [*zone_of("foot", foot), *zone_of("noise", noise)]
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
        alike = np.abs(sizes - size) <= _ALIKE * size
        if weights[alike].sum() >= _BODY_SHARE * weights.sum():
            return float(np.average(sizes[alike], weights=weights[alike]))
    return float(np.median(sizes))


def _in_tables(lines: Sequence[Line], tables: Sequence[Table]) -> tuple[list[Line], list[Zone], list[Line]]:
    """Lines outside the tables, the tables that hold any, each as a zone, and what is no print in them."""
    noise: list[Line] = []
    outside: list[Line] = []
    inside: dict[int, list[Line]] = {}
    for line in lines:
        # A line may run out of a table, or be read as one with what stands beside it.
        at_word = [_table_at(line, index, tables) for index in range(len(line.words))]
        for at, run in groupby(range(len(line.words)), key=at_word.__getitem__):
            members = list(run)
            piece = part(line, members[0], members[-1] + 1) if len(members) < len(line.words) else line
            if at is None:
                outside.append(piece)
            else:
                inside.setdefault(at, []).append(piece)
    for index, pieces in inside.items():
        inside[index], stray = without_strays(pieces)
        noise += stray
    zones = [
        Zone("table", tuple(inside[index]), table.box, table.columns, table.rows, table.merged, table.tall)
        for index, table in enumerate(tables)
        if inside.get(index)
    ]
    return outside, zones, noise


def _with_pieces_joined(lines: Sequence[Line]) -> list[Line]:
    """The lines, those as one that stand on one baseline with no more than a space between them.

    What was stamped over a line parts it into pieces, each of which is read.
    """
    rows = in_rows(sorted(lines, key=lambda line: line.box.left), _goes_on_level)
    return [of_words(row[0], [word for line in row for word in line.words]) for row in rows]


def _goes_on_level(row: Sequence[Line], line: Line) -> bool:
    last = row[-1]
    size = last.x_height
    return (
        _PIECES[0] * size <= line.box.left - last.box.right <= _PIECES[1] * size
        and abs(line.baseline - last.baseline) <= _LEVEL * size
        and _LIKE_TYPE[0] * size <= line.x_height <= _LIKE_TYPE[1] * size
        and min(mean_confidence(last.words), mean_confidence(line.words)) >= _READ
    )


def _without_blanks(pieces: Sequence[Line], lines: Sequence[Line]) -> list[Line]:
    """The pieces of a line joined again where what parted them is room for a pen: "số      /SYT ngày      tháng".

    What follows a blank goes on with the sentence, and a line near by runs across the place of the gap, which no line
    does between two columns.
    """
    out = list(pieces[:1])
    for piece in pieces[1:]:
        first, last = piece.text[0], out[-1].text[-1]
        if (first.islower() or first == "/") and last.isalnum() and _is_crossed(out[-1], piece, lines):
            words = (*out[-1].words, *piece.words)
            out[-1] = replace(piece, words=words, box=hull([word.box for word in words]))
        else:
            out.append(piece)
    return out


def _is_crossed(left: Line, right: Line, lines: Sequence[Line]) -> bool:
    """Whether a word of the line above or below stands in the gap between two pieces of one line."""
    gap = (left.box.right, right.box.left)
    near = [line for line in lines if 0.5 < abs(line.baseline - left.baseline) / left.x_height < _NEXT_LINE]
    return any(
        min(word.box.right, gap[1]) - max(word.box.left, gap[0]) > left.x_height for line in near for word in line.words
    )


def _table_at(line: Line, index: int, tables: Sequence[Table]) -> int | None:
    """Which of the tables a word of the line stands in."""
    word = line.words[index].box
    for number, table in enumerate(tables):
        across = table.box.left - line.x_height < word.x < table.box.right + line.x_height
        # A frame that is no table of cells ends at its borders, though a pen's stroke may run out of it.
        top = max(table.box.top, table.rows[0]) if len(table.columns) == 2 else table.box.top
        if across and top < line.box.y < table.box.bottom:
            return number
    return None


def _with_tables(lines: list[Line], tables: list[Zone], width: int) -> list[Zone]:
    """Columns and text, with the tables between them where they stand."""
    zones: list[Zone] = []
    rows = rows_of(lines)
    for first, last, table in find_open_tables(rows):
        lines = [line for line in lines if line not in table.lines]
        labelled = labels_and_values(rows[first:last])
        if labelled:
            lines += labelled
        else:
            tables = [*tables, table]
    beside = [table for table in tables if _stands_beside(table, lines, width)]
    for table in sorted((one for one in tables if one not in beside), key=lambda one: one.box.top):
        above = [line for line in lines if line.box.y < table.box.top]
        lines = [line for line in lines if line.box.y >= table.box.top]
        zones += [*columns_and_text(rows_of(above), width), table]
    zones += columns_and_text(rows_of(lines), width)
    for frame in beside:
        zones.insert(_place_of(frame, zones), frame)
    return zones


def _place_of(frame: Zone, zones: Sequence[Zone]) -> int:
    """Before which zone a frame beside the text is read: none is between two columns."""
    below = (n for n, zone in enumerate(zones) if zone.box.top > frame.box.top and zone.kind != "right")
    return next(below, len(zones))


def _stands_beside(table: Zone, lines: Sequence[Line], width: int) -> bool:
    """Whether a small frame of one cell or a few stands beside lines that it does not part: a stamp's, as a rule."""
    if table.box.width > _BESIDE_WIDTH * width or len(table.columns) > _BESIDE_COLUMNS:
        return False
    return any(table.box.down(line.box) > 0.5 * line.box.height for line in lines)


def _margins(lines: list[Line], width: int, height: int) -> tuple[list[Line], list[Line]]:
    """Lines alone in the top and in the bottom margin: page numbers and running headers."""
    ordered = sorted(lines, key=lambda line: line.baseline)
    # A running header may stand above the page number or beside it.
    head = [line for line in ordered[:2] if _is_page_number(line, width) and line.box.bottom < _HEAD * height]
    numbers = [line for line in ordered[-2:] if _is_page_number(line, width)]
    foot = [line for line in numbers if line.box.top > _FOOT * height]
    foot += [line for line in numbers if line not in foot and _is_alone_at_the_right(line, lines, width, height)]
    return head, [line for line in foot if line not in head]


def _is_page_number(line: Line, width: int) -> bool:
    """``2``, ``- 2 -``, ``Trang 2/5``: in the middle or at the right, with its word anywhere."""
    found = _PAGE_NUMBER.fullmatch(line.text.strip(" -–—.|_/~"))
    return found is not None and (_is_in_middle_or_right(line.box, width) or found[1] is not None)


def may_be_page_number(box: Box, width: int, height: int) -> bool:
    """Whether a number stands at the head or the foot of a page, where :func:`find_zones` takes it for the page's."""
    return (box.bottom < _HEAD * height or box.top > _FOOT * height) and _is_in_middle_or_right(box, width)


def _is_alone_at_the_right(line: Line, lines: Sequence[Line], width: int, height: int) -> bool:
    """Whether a number stands low at the right of a page, and nothing stands beside it, as in a row of figures."""
    box = line.box
    beside = (one for one in lines if one is not line and one.box.down(box) > 0.5 * box.height)
    return box.left > _AT_THE_RIGHT * width and box.top > _LOW_AT_THE_RIGHT * height and not any(beside)


def _is_in_middle_or_right(box: Box, width: int) -> bool:
    return _MIDDLE[0] * width < box.x < _MIDDLE[1] * width or box.left > _AT_THE_RIGHT * width
