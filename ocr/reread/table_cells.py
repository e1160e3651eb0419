"""The cells of a table, read by themselves where the page as a whole was read badly.

Tesseract takes a row of cells for a line of text: it drops a digit that stands alone in its cell, and runs words
together because the gaps between the cells are so much wider than its spaces. Column by column it reads the same table
well, apart from the lone digits, which the network for raised digits reads.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from ocr.image.components import find_components
from ocr.image.sign_network import cut_out
from ocr.page import Box, Line, Word, Zone, evidence, hull, letter, lines_of, of_words, without, words_of
from ocr.reread.lone_signs import CAPITAL, bracketed, is_dash, lone_sign
from ocr.reread.separators import with_separators
from ocr.signs.strokes import strokes_in
from ocr.superscripts.raised_digits import SIGNS, probabilities

#: A column with a word below this confidence is read again.
_DOUBTFUL = 70.0
#: Borders are taken out of the image, but their rims may be left: so much of a cell is not looked at, in x-heights.
_RIM = 0.35
#: Ink in a cell is print when it is so tall, in x-heights; a lone digit so tall, and at most so wide.
_PRINT, _DIGIT = 0.55, (1.15, 1.8)
#: Ink is darker than this, of 256 shades.
_DARK = 140
#: Height of a capital, and the gap between the strokes of a Roman numeral, in x-heights.
_CAPITAL, _NEXT_STROKE = (1.15, 1.8), 0.7
#: A column holds so many numbers, dashes and other signs before a dash in it is one.
_FEWEST_LIKE_DASHES = 2
#: A number of a cell that was read again is taken from this confidence on.
_STRAY = 50.0
#: Words of one cell alone are taken from this confidence on.
_SURE_TEXT = 90.0
_OTHER_SIGNS = frozenset("%‰+xX")
#: Confidence of a numeral that is told by its strokes.
_NUMERAL = 80.0
#: The network is believed from this probability on.
_SURE = 0.95
#: And from this one on where Tesseract saw a stroke that may be a 1.
_LIKELY, _STROKES = 0.6, frozenset("Il|i!")

#: A word below this confidence, and no longer than this, may be ``(%)`` or ``(1)`` misread.
_SURE_IN_BRACKETS, _LONGEST_IN_BRACKETS = 85.0, 4
_LETTER_IN_BRACKETS = re.compile(r"\([^\W\d_]+\)")
#: A number and its separators; with more digits than this it is not read piece by piece.
_FIGURE, _MOST_DIGITS = re.compile(r"[\d.,]+"), 7
#: In x-heights: how far apart digits of one number are, with a separator between them, and how level.
_NEXT_DIGIT, _LEVEL = 0.9, 0.2
_CROSSES = frozenset("xX")

Again = Callable[[Box], Sequence[Line]]


def read_cells(
    zones: Sequence[Zone], image: np.ndarray, again: Again, unerased: np.ndarray | None = None
) -> list[Line] | None:
    """The lines of a page, those of its tables read again where that shows more; ``None`` if nothing was replaced.

    Args:
        zones: of the page.
        image: ``(height, width)`` grey, the borders of tables taken out.
        again: reads a part of the page by itself, as one block.
        unerased: the image with what was taken for raised signs, the upper ring of a % among them.
    """
    out = before = lines_of(zones)
    for zone in zones:
        if zone.kind != "table" or len(zone.columns) < 3:
            continue
        grid = _grid(zone, image)
        if _is_doubtful(zone, grid, out):
            out = _with_columns_again(out, grid, again)
            out = _with_lone_numbers(out, grid, image)
        out = _with_lone_signs(out, grid, image)
        out = _with_unread_numerals(out, grid, image)
        out = _with_crosses_in_their_case(out, grid)
        out = _with_lost_digits(out, grid, image)
        out = _with_bracketed(out, zone, image if unerased is None else unerased, grid.size)
        out = _with_separators(out, zone, image)
    return None if out is before else out


@dataclass(frozen=True, slots=True)
class _Grid:
    """A table as the cells to read.

    Attributes:
        size: x-height of its print, in pixels.
        columns: from left to right, one in which nothing was read among them.
        rows: top and bottom of each, from top to bottom.
        joined: the cells that run over several columns; they are not read again, as they would be cut in two.
        prints: of each other cell the pieces of print in it.
        rim: pixels at the sides of a column that are left out, as its borders stood there.
    """

    size: float
    columns: list[Box]
    rows: list[tuple[int, int]]
    joined: list[Box]
    prints: dict[Box, list[Box]]
    rim: int

    def is_joined(self, word: Word) -> bool:
        """Whether a word stands in a cell that runs over several columns."""
        return any(cell.holds(word.box) for cell in self.joined)


def _grid(zone: Zone, image: np.ndarray) -> _Grid:
    size = float(np.median([line.x_height for line in zone.lines]))
    columns = [Box(left, zone.box.top, right, zone.box.bottom) for left, right in pairwise(zone.columns)]
    columns = [*_lost_column(zone, image, size), *columns]
    rows = _printed_rows(zone, size) if zone.is_open else list(pairwise(zone.rows))
    joined = _joined(zone)
    cells = [cell for column in columns for cell in _cells(column, rows)]
    prints = {cell: _print(image, cell, size) for cell in cells if not any(cell.overlaps(other) for other in joined)}
    return _Grid(size, columns, rows, joined, prints, rim=0 if zone.is_open else round(0.2 * size))


def _is_doubtful(zone: Zone, grid: _Grid, lines: Sequence[Line]) -> bool:
    """Whether a word of a table was read badly, or there is print in a cell in which no word was read."""
    missing = any(found and not _inside(lines, cell) for cell, found in grid.prints.items())
    return missing or any(word.confidence < _DOUBTFUL for word in words_of(zone.lines))


def _with_columns_again(lines: list[Line], grid: _Grid, again: Again) -> list[Line]:
    """The lines with each cell of a table as it reads in its column by itself, where that shows more."""

    def own_words(column: Box) -> list[Word]:
        return [word for word in _inside(lines, column) if not grid.is_joined(word)]

    for column in grid.columns:
        found = again(column._replace(left=column.left + grid.rim, right=column.right - grid.rim))
        found = [line for line in found if _is_own_text(line, grid)]
        rereads = evidence(words_of(found)) > evidence(own_words(column))
        cells = _cells(column, grid.rows)
        figures = 2 * sum(any(map(_is_figure, (_inside(lines, cell), _inside(found, cell)))) for cell in cells)
        for cell in cells:
            before = own_words(cell)
            better = [line for line in (_within(line, cell) for line in found) if line is not None]
            if _reads_better(words_of(better), before, rereads=rereads, figures=figures >= len(cells)):
                lines = [*without(lines, before), *better]
    return lines


def _is_own_text(line: Line, grid: _Grid) -> bool:
    """Whether a line holds a letter or a digit, and no word of a cell that runs over several columns."""
    return any(c.isalnum() for c in line.text) and not any(map(grid.is_joined, line.words))


def _reads_better(found: Sequence[Word], before: Sequence[Word], *, rereads: bool, figures: bool) -> bool:
    """Whether a cell reads better in its column than in its row.

    Args:
        rereads: whether the column as a whole reads better by itself; else only what was read surely is taken.
        figures: whether the column is one of numbers.
    """
    if not found:
        return False
    surely = min(word.confidence for word in found) >= (_STRAY if _is_figure(found) else _SURE_TEXT)
    if not (rereads or surely):
        return False
    if figures and _is_figure(found) != _is_figure(before):
        return _is_figure(found)
    if figures and _digits(found) == _digits(before) != "":
        # A separator may be lost; where one was read, there is ink.
        return _separators(found) > _separators(before)
    return evidence(found) > evidence(before)


def _is_figure(words: Sequence[Word]) -> bool:
    return len(words) == 1 and bool(_FIGURE.fullmatch(words[0].text))


def _digits(words: Sequence[Word]) -> str:
    return "".join(c for word in words for c in word.text if c.isdigit())


def _separators(words: Sequence[Word]) -> int:
    return sum(c in ".," for word in words for c in word.text)


def _with_lone_numbers(lines: list[Line], grid: _Grid, image: np.ndarray) -> list[Line]:
    """The lines with the numbers that stand alone in a cell of a table as the network for raised digits reads them."""
    for column in grid.columns:
        cells = _cells(column, grid.rows)
        figures = 2 * sum(_is_figure(_inside(lines, cell)) for cell in cells) >= len(cells)
        for cell in cells:
            found, before = grid.prints.get(cell, []), _inside(lines, cell)
            text = " ".join(word.text for word in before)
            # "TT" at the head of the numbers looks like 11; among numbers a stroke is a 1.
            may_be_number = len(found) == 1 or cell.top > grid.rows[0][0]
            least = _LIKELY if figures and text in _STROKES else _SURE
            number = lone_number(image, found, grid.size, least=least) if may_be_number else None
            if number is not None and text != number.text:
                lines = [*without(lines, before), Line((number,), number.box, float(number.box.bottom), grid.size)]
    return lines


def _with_unread_numerals(lines: list[Line], grid: _Grid, image: np.ndarray) -> list[Line]:
    """The lines with the Roman numerals II and III that Tesseract passed over in a cell of a table."""
    for cell, found in grid.prints.items():
        words = _inside(lines, cell)
        loose = [
            box
            for box in found
            if _CAPITAL[0] < box.height / grid.size < _CAPITAL[1] and not any(word.box.overlaps(box) for word in words)
        ]
        groups: list[list[Box]] = []
        for box in loose:
            last = groups[-1][-1] if groups else None
            if last and box.left - last.right < _NEXT_STROKE * grid.size and last.down(box) > 0.8 * box.height:
                groups[-1].append(box)
            else:
                groups.append([box])
        for group in groups:
            box = hull(group)
            strokes = strokes_in(image, box)
            if 2 <= strokes <= 3 and len(group) in (1, strokes):
                word = Word("I" * strokes, box, _NUMERAL, tuple(letter("I") for _ in range(strokes)))
                lines = [*lines, Line((word,), box, float(box.bottom), grid.size)]
    return lines


def _with_lone_signs(lines: list[Line], grid: _Grid, image: np.ndarray) -> list[Line]:
    """The lines with the signs that stand alone in a cell of a table, where nothing surer was read in it."""
    for column in grid.columns:
        cells = _cells(column, grid.rows)
        found = _lone_signs([cell for cell in cells if cell in grid.prints], lines, grid, image)
        others = sum(any(map(_is_number_or_sign, _inside(lines, cell))) for cell in cells)
        dashes = sum(is_dash([sign]) for _, sign in found)
        for before, sign in found:
            # A speck may be as flat as a dash, which says that there is no number where there might be one.
            silent = not any(map(_says_something, before))
            if not is_dash([sign]) or (silent and others + dashes >= _FEWEST_LIKE_DASHES):
                lines = [*without(lines, before), Line((sign,), sign.box, float(sign.box.bottom), grid.size)]
    return lines


def _with_bracketed(lines: list[Line], zone: Zone, image: np.ndarray, size: float) -> list[Line]:
    """The lines with each doubtful word of a table that is a sign or a digit in brackets, as networks read it."""
    mended = {
        id(word): better
        for word in words_of(lines)
        if word.confidence < _SURE_IN_BRACKETS and len(word.text) <= _LONGEST_IN_BRACKETS and zone.box.holds(word.box)
        if not _LETTER_IN_BRACKETS.fullmatch(word.text)  # (I) looks like (1)
        if (better := bracketed(image, word.box, size)) is not None
    }
    return _with_words(lines, mended)


def _with_words(lines: list[Line], mended: Mapping[int, Word]) -> list[Line]:
    """The lines with other words for some of theirs, by the ``id`` of those."""
    if not mended:
        return lines
    return [replace(line, words=tuple(mended.get(id(word), word) for word in line.words)) for line in lines]


def _is_number_or_sign(word: Word) -> bool:
    return word.text in _OTHER_SIGNS or any(c.isdigit() for c in word.text)


def _says_something(word: Word) -> bool:
    """Whether a word is more than a stroke or dots, which Tesseract makes of a dash: ``¬``, ``_``, ``:``."""
    return any(c.isalnum() or c in "%‰+" for c in word.text)


def _with_crosses_in_their_case(lines: list[Line], grid: _Grid) -> list[Line]:
    """The lines with each x that stands alone in a cell as high as it is: Tesseract reads small ones as capitals."""
    mended: dict[int, Word] = {}
    for cell, found in grid.prints.items():
        words = _inside(lines, cell)
        if len(found) == 1 and len(words) == 1 and words[0].text in _CROSSES:
            text = "X" if found[0].height >= CAPITAL * grid.size else "x"
            mended[id(words[0])] = replace(words[0], text=text, letters=(letter(text),))
    return _with_words(lines, mended)


def _lone_signs(
    cells: Sequence[Box], lines: Sequence[Line], grid: _Grid, image: np.ndarray
) -> list[tuple[list[Word], Word]]:
    """The signs that stand alone in cells, each with what was read there instead."""
    rim = round(_RIM * grid.size)
    found = []
    for cell in cells:
        before = _inside(lines, cell)
        if any(word.confidence >= _DOUBTFUL and _says_something(word) for word in before):
            continue
        sign = lone_sign(image, Box(cell.left + rim, cell.top + rim, cell.right - rim, cell.bottom - rim), grid.size)
        if sign is not None and " ".join(word.text for word in before) != sign.text:
            found.append((before, sign))
    return found


def _with_separators(lines: list[Line], zone: Zone, image: np.ndarray) -> list[Line]:
    """The lines with the commas and points that stand in the numbers of a table."""
    mended = {
        word: better
        for word in words_of(lines)
        if zone.box.holds(word.box) and (better := with_separators(word, image)) is not word
    }
    if not mended:
        return lines
    return [replace(line, words=tuple(mended.get(word, word) for word in line.words)) for line in lines]


def _within(line: Line, cell: Box) -> Line | None:
    """The part of a line whose words stand in a cell."""
    words = [word for word in line.words if cell.holds(word.box)]
    return of_words(line, words) if words else None


def _cells(column: Box, rows: Sequence[tuple[int, int]]) -> list[Box]:
    return [column._replace(top=top, bottom=bottom) for top, bottom in rows]


def _printed_rows(zone: Zone, size: float) -> list[tuple[int, int]]:
    """Top and bottom of each printed row of a table, in pixels."""
    rows: list[float] = []
    for baseline in sorted(line.baseline for line in zone.lines):
        if not rows or baseline - rows[-1] > 0.6 * size:
            rows.append(baseline)
    return [(round(baseline - 1.9 * size), round(baseline + 0.7 * size)) for baseline in rows]


def _lost_column(zone: Zone, image: np.ndarray, size: float) -> list[Box]:
    """The first column of a table without borders, when nothing was read in it: its numbers stand alone."""
    if not zone.is_open:
        return []
    column = Box(max(0, round(zone.box.left - 12 * size)), zone.box.top, zone.box.left - 1, zone.box.bottom)
    found = [_print(image, cell, size) for cell in _cells(column, _printed_rows(zone, size))]
    held = [boxes for boxes in found if boxes]
    if len(held) < 2 or any(len(boxes) > 3 for boxes in held):
        return []
    return [column._replace(left=round(min(boxes[0].left for boxes in held) - size))]


def _inside(lines: Sequence[Line], box: Box) -> list[Word]:
    """The words whose middle stands in a box."""
    return [word for word in words_of(lines) if box.holds(word.box)]


def _joined(zone: Zone) -> list[Box]:
    """The cells that run over several columns."""
    return [
        Box(zone.columns[column], zone.rows[row], zone.columns[column + 2], zone.rows[row + 1])
        for row, column in zone.merged
    ]


def _print(image: np.ndarray, cell: Box, size: float) -> list[Box]:
    """The pieces of print in a cell that are as tall as letters, left to right."""
    rim = round(_RIM * size)
    left, top = cell.left + rim, cell.top + rim
    window = image[top : cell.bottom - rim, left : cell.right - rim]
    if not window.size:
        return []
    pieces = [box.moved(left, top) for box in find_components((window < _DARK).astype(np.uint8)).boxes()]
    return sorted(box for box in pieces if box.height >= _PRINT * size)


def _with_lost_digits(lines: list[Line], grid: _Grid, image: np.ndarray) -> list[Line]:
    """The lines with each number alone in its cell that has fewer digits than the cell has pieces of print (11 for 111)
    as the network reads those."""
    mended: dict[int, Word] = {}
    for cell, found in grid.prints.items():
        words = _inside(lines, cell)
        if len(words) != 1 or not _FIGURE.fullmatch(words[0].text) or words[0].raised:
            continue
        if len(found) <= sum(c.isdigit() for c in words[0].text) or not _stand_together(found, grid.size):
            continue
        number = lone_number(image, found, grid.size, most=_MOST_DIGITS)
        if number is not None:
            mended[id(words[0])] = number
    return _with_words(lines, mended)


def _stand_together(digits: Sequence[Box], size: float) -> bool:
    """Whether digits stand on one line as close as those of one number: what is left of a border stands apart."""
    return all(
        right.left - left.right < _NEXT_DIGIT * size and abs(right.bottom - left.bottom) < _LEVEL * size
        for left, right in pairwise(digits)
    )


def lone_number(
    image: np.ndarray, found: Sequence[Box], size: float, most: int = 2, least: float = _SURE
) -> Word | None:
    """The number of a few digits that is all the print of a cell, if the network can read it.

    Args:
        image: ``(height, width)`` grey.
        found: the boxes of its digits, from the left.
        size: x-height of the print.
        most: digits that it may have.
        least: how sure the network must be of each.
    """
    if not 1 <= len(found) <= most or any(not _DIGIT[0] < box.height / size < _DIGIT[1] for box in found):
        return None
    odds = probabilities([cut_out(image, *box) for box in found])
    best = odds.argmax(axis=1)
    text = "".join(SIGNS[sign] for sign in best)
    if len(text) < len(found) or not text.isdigit() or float(odds.max(axis=1).min()) < least:
        return None
    confidence = round(100 * float(odds.max(axis=1).min()), 1)
    return Word(text, hull(list(found)), confidence, tuple(letter(c) for c in text))
