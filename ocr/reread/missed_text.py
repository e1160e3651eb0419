"""Print that Tesseract passed over: letters on the page that stand in no word.

Its layout analysis now and then takes a short line for part of a picture or of the line below, and leaves it out or
reads a letter or two of it. The ink tells: every row of letters must be covered by words that have about as many.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ocr.image.components import Components, Shapes
from ocr.image.seals import NO_PRINT, Seal
from ocr.layout.unread_ink import InkAccount
from ocr.layout.zones import may_be_page_number
from ocr.page import (
    Box,
    Line,
    Word,
    Zone,
    evidence,
    hull,
    in_rows,
    lines_of,
    mean_confidence,
    of_words,
    without,
    words_of,
)
from ocr.reread.table_cells import Again, lone_number

# In x-heights.
_LETTER = (0.6, 2.0)  # height of a letter
_NARROWEST, _WIDEST = 0.15, 3.0
_RIM = 0.3  # a letter stands so far from its word's box at most
_SPACE = 1.3  # letters nearer than this are in one row
_LEVEL = 0.25  # their feet are level
#: A row of fewer letters may be dirt, or the rest of a pen stroke.
_FEWEST = 3
#: A word may be made of so many pieces more than it has letters (parts that touch nothing, broken print).
_PIECES, _SPARE = 1.7, 2
#: What a row read anew must show at least: its letters and digits, each by its confidence above a guess.
_EVIDENCE = 100.0
#: What ink accounting finds unread is read with less paper about it, in x-heights: to the sides, above and below. Rows
#: of dots to be written on end there.
_TIGHT = (0.3, 0.6, 0.4)
#: In x-heights: words so near to it are read again with it, where letters that touch were left out within a line.
_TOUCHING = 1.0
#: It is print when it reads as surely as this and as about as many letters as there are.
_SURE_LETTERS, _MORE_OR_LESS = 75.0, 1
#: Letters that touch are fewer pieces; then they must be so wide each, in x-heights.
_WIDTH = (0.45, 1.6)
#: Signs of several parts that touch nothing.
_PARTS = {"%": 3, "‰": 4}


def read_missed(zones: Sequence[Zone], ink: Components, seals: Sequence[Seal], again: Again) -> list[Line] | None:
    """The lines of a page, with those that had been passed over; ``None`` when there are none.

    Args:
        zones: of the page; what was read as noise may be print that reads better without its neighbours.
        ink: of the page.
        seals: what stands in one is no print.
        again: reads a part of the page by itself, as one block.
    """
    out = lines_of(zones)
    read = [line for zone in zones if zone.kind != "noise" for line in zone.lines]
    found = False
    for row in _missed_rows(read, ink, seals):
        for line in map(_trimmed, again(row)):
            old = [word for one in out for word in one.words if _stand_in_one_place(word.box, line.box)]
            if evidence(line.words) > max(_EVIDENCE, 1.2 * evidence(old)):
                out = _joined(without(out, old), line)
                found = True
    return out if found else None


def read_unread(
    zones: Sequence[Zone], account: InkAccount, ink: Components, image: np.ndarray, again: Again
) -> list[Line] | None:
    """The lines of a page, with what ink accounting found unread as far as it can be read; ``None`` if nothing can be.

    Args:
        zones: of the page.
        account: of its ink.
        ink: of the page.
        image: ``(height, width)`` grey.
        again: reads a part of the page by itself, as one block.
    """
    out = before = lines_of(zones)
    read = [line for zone in zones if zone.kind not in ("noise", "head", "foot") for line in zone.lines]
    if not read:
        return None
    size = float(np.median([line.x_height for line in read]))
    for group in (*account.unread, *account.lone):
        number = None
        if _is_in_margin(group, read) and may_be_page_number(group, image.shape[1], image.shape[0]):
            number = lone_number(image, _pieces(group, ink, size), size)
        if number is not None:
            out = [*out, Line((number,), number.box, float(number.box.bottom), size)]
        elif group in account.unread and (whole := _read_with_neighbours(group, out, size, image.shape, again)):
            out = whole
        elif group in account.unread:
            for line in _read_tightly(group, ink, size, image.shape, again):
                out = _joined(out, line)
    return None if out is before else out


def _read_with_neighbours(
    group: Box, lines: list[Line], size: float, page: tuple[int, ...], again: Again
) -> list[Line] | None:
    """The lines, with a gap in one of them read anew together with the words at both its sides.

    ``None`` where it is no such gap, or where that does not show more than was read before.
    """
    beside = [word.box for word in words_of(lines) if _touches(word.box, group, size)]
    if not (any(box.x < group.x for box in beside) and any(box.x > group.x for box in beside)):
        return None
    found = again(_tight(hull([group, *beside]), size, page))
    if len(found) != 1:
        return None
    line = _trimmed(found[0])
    old = [word for word in words_of(lines) if _stand_in_one_place(word.box, line.box)]
    return _joined(without(lines, old), line) if _shows_more(line.words, old) else None


def _shows_more(new: Sequence[Word], old: Sequence[Word]) -> bool:
    """Whether words were read surely, and with more letters than those in their place."""
    sure = mean_confidence(new) >= _SURE_LETTERS and evidence(new) > evidence(old)
    return sure and _count(new) > _count(old)


def _touches(word: Box, group: Box, size: float) -> bool:
    level = word.down(group) > 0.5 * min(word.height, group.height)
    return level and word.across(group) > -_TOUCHING * size


def _count(words: Sequence[Word]) -> int:
    """Letters and digits of some words."""
    return sum(c.isalnum() for word in words for c in word.text)


def _is_in_margin(group: Box, lines: Sequence[Line]) -> bool:
    """Whether a group of letters stands above or below all lines of a page."""
    return group.bottom < min(line.box.top for line in lines) or group.top > max(line.box.bottom for line in lines)


def _pieces(group: Box, ink: Components, size: float) -> list[Box]:
    """The letters of a group, from the left."""
    return sorted(ink.take(ink.within(group) & (ink.height > _LETTER[0] * size)).boxes(), key=lambda box: box.left)


def _read_tightly(group: Box, ink: Components, size: float, page: tuple[int, ...], again: Again) -> list[Line]:
    """What a group of letters reads as by itself, if it reads as print."""
    lines = again(_tight(group, size, page))
    if len(lines) != 1:
        return []
    line = _trimmed(lines[0])
    pieces = sum(_PARTS.get(c, 1) for c in line.text if not c.isspace())
    sure = mean_confidence(line.words) >= _SURE_LETTERS and any(c.isalnum() or c in _PARTS for c in line.text)
    fitting = _WIDTH[0] * size * pieces < group.width < _WIDTH[1] * size * pieces
    return [line] if sure and (fitting or abs(pieces - len(_pieces(group, ink, size))) <= _MORE_OR_LESS) else []


def _tight(group: Box, size: float, page: tuple[int, ...]) -> Box:
    """The box of a group with little paper around it, as far as the page goes."""
    beside, above, below = (round(share * size) for share in _TIGHT)
    height, width = page[:2]
    return Box(
        max(0, group.left - beside),
        max(0, group.top - above),
        min(width, group.right + beside),
        min(height, group.bottom + below),
    )


def _missed_rows(lines: Sequence[Line], ink: Components, seals: Sequence[Seal]) -> list[Box]:
    """Rows of at least a few letters that no word covers."""
    if not lines:
        return []
    size = float(np.median([line.x_height for line in lines]))
    missed = _not_in_words(words_of(lines), _letters(ink, seals, size), size)
    letters = sorted(missed.boxes(), key=lambda box: box.left)
    rows = in_rows(letters, lambda row, letter: _carries_on(row[-1], letter, size))
    page_height, page_width = ink.labels.shape
    return [_with_paper(hull(row), size, page_width, page_height) for row in rows if len(row) >= _FEWEST]


def _letters(ink: Components, seals: Sequence[Seal], size: float) -> Shapes:
    """What has the size of a letter and stands in no seal, from the top of the page."""
    shapes = ink.take(np.argsort(ink.top, kind="stable"))
    letters = (shapes.height > _LETTER[0] * size) & (shapes.height < _LETTER[1] * size)
    letters &= (shapes.width > _NARROWEST * size) & (shapes.width < _WIDEST * size)
    for seal in seals:
        letters &= ~seal.covers(shapes.x, shapes.y, NO_PRINT)
    return shapes.take(letters)


def _not_in_words(words: Sequence[Word], letters: Shapes, size: float) -> Shapes:
    """The letters that stand in no word which has about as many.

    Args:
        letters: from the top of the page.
    """
    missed = np.ones(letters.count, bool)
    rim = _RIM * size
    x, y = letters.x, letters.y
    for word in words:
        box = word.box
        first, last = np.searchsorted(letters.top, (box.top - rim - _LETTER[1] * size, box.bottom + rim))
        rows = slice(int(first), int(last))
        inside = (x[rows] > box.left - rim) & (x[rows] < box.right + rim)
        inside &= (y[rows] > box.top - rim) & (y[rows] < box.bottom + rim)
        if inside.sum() <= _PIECES * len(word.text) + _SPARE:
            missed[rows] &= ~inside
    return letters.take(missed)


def _carries_on(last: Box, letter: Box, size: float) -> bool:
    """Whether a letter stands next to the last one of a row, on the same baseline."""
    # A p or a comma hangs lower, a raised sign higher.
    level = abs(letter.bottom - last.bottom) < (_LEVEL + 0.35) * size
    return letter.left - last.right < _SPACE * size and level


def _with_paper(row: Box, size: float, page_width: int, page_height: int) -> Box:
    """The box of a row with the paper around it that reading needs, as far as the page goes."""
    return Box(
        max(0, int(row.left - size)),
        max(0, int(row.top - 0.6 * size)),
        min(page_width, int(row.right + size)),
        min(page_height, int(row.bottom + 0.5 * size)),
    )


def _trimmed(line: Line) -> Line:
    """The line without the signs that its cut-off neighbours were read as."""
    words = [word for word in line.words if any(c.isalnum() for c in word.text) or word.confidence > 80]
    return of_words(line, words) if words else line


def _joined(lines: Sequence[Line], new: Line) -> list[Line]:
    """The lines and the new one, which may be the beginning or the end of one of them, or fill a gap in it."""
    for line in lines:
        gap = max(line.box.left - new.box.right, new.box.left - line.box.right)
        near = -0.5 * line.x_height <= gap < 2 * line.x_height
        near |= gap < 0 and not any(word.box.across(new.box) > 0 for word in line.words)
        if near and abs(line.baseline - new.baseline) < 0.4 * line.x_height:
            whole = of_words(line, sorted([*line.words, *new.words], key=lambda word: word.box.left))
            return [whole if one is line else one for one in lines]
    return [*lines, new]


def _stand_in_one_place(one: Box, other: Box) -> bool:
    """Whether two boxes share so much that they hold the same print."""
    across = one.across(other) > 0.3 * min(one.width, other.width)
    return across and one.down(other) > 0.5 * min(one.height, other.height)
