"""Print that Tesseract passed over: letters on the page that stand in no word.

Its layout analysis now and then takes a short line for part of a picture or of the line below, and leaves it out or
reads a letter or two of it. The ink tells: every row of letters must be covered by words that have about as many.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ocr.image.components import Components
from ocr.image.seals import Seal
from ocr.page import Box, Line, Word, evidence, of_words
from ocr.reread.table_cells import Again

# In x-heights.
_LETTER = (0.6, 2.0)  # height of a letter
_WIDEST = 3.0
_SPACE = 1.3  # letters nearer than this are in one row
_LEVEL = 0.25  # their feet are level
#: A row of fewer letters may be dirt, or the rest of a pen stroke.
_FEWEST = 3
#: A word may be made of so many pieces more than it has letters (parts that touch nothing, broken print).
_PIECES, _SPARE = 1.7, 2
#: What a row read anew must show at least: its letters and digits, each by its confidence above a guess.
_EVIDENCE = 100.0


def read_missed(lines: Sequence[Line], ink: Components, seals: Sequence[Seal], again: Again) -> list[Line] | None:
    """The lines of a page, with those that had been passed over; ``None`` when there are none.

    Args:
        lines: as they were read.
        ink: of the page.
        seals: what stands in one is no print.
        again: reads a part of the page by itself, as one block.
    """
    out = list(lines)
    found = False
    for row in _missed_rows(lines, ink, seals):
        for line in map(_trimmed, again(row)):
            old = [word for one in out for word in one.words if _overlaps(word.box, line.box)]
            if evidence(line.words) > max(_EVIDENCE, 1.2 * evidence(old)):
                out = _joined(_without(out, old), line)
                found = True
    return out if found else None


def _missed_rows(lines: Sequence[Line], ink: Components, seals: Sequence[Seal]) -> list[Box]:
    """Rows of at least a few letters that no word covers."""
    if not lines:
        return []
    size = float(np.median([line.x_height for line in lines]))
    stats = ink.stats[1:].astype(np.int64)
    stats = stats[np.argsort(stats[:, 1], kind="stable")]
    left, top, width, height = (stats[:, i] for i in range(4))
    letters = (height > _LETTER[0] * size) & (height < _LETTER[1] * size) & (width < _WIDEST * size)
    letters &= width > 0.15 * size
    x, y = left + width / 2, top + height / 2
    for seal in seals:
        letters &= np.hypot(x - seal.x, y - seal.y) > 1.15 * seal.radius
    missed = letters.copy()
    rim = 0.3 * size
    for word in (word for line in lines for word in line.words):
        box = word.box
        near = slice(*np.searchsorted(top, (box.top - rim - _LETTER[1] * size, box.bottom + rim)))
        inside = (x[near] > box.left - rim) & (x[near] < box.right + rim)
        inside &= (y[near] > box.top - rim) & (y[near] < box.bottom + rim)
        if (letters[near] & inside).sum() <= _PIECES * len(word.text) + _SPARE:
            missed[near] &= ~inside
    rows: list[list[int]] = []
    for i in sorted(np.nonzero(missed)[0].tolist(), key=lambda i: left[i]):
        row = next((row for row in rows if _carries_on(row[-1], i, stats, size)), None)
        if row is None:
            rows.append([i])
        else:
            row.append(i)
    boxes = [
        Box(
            int(min(left[j] for j in row) - size),
            int(min(top[j] for j in row) - 0.6 * size),
            int(max(left[j] + width[j] for j in row) + size),
            int(max(top[j] + height[j] for j in row) + 0.5 * size),
        )
        for row in rows
        if len(row) >= _FEWEST
    ]
    page_height, page_width = ink.labels.shape
    return [Box(max(0, b.left), max(0, b.top), min(page_width, b.right), min(page_height, b.bottom)) for b in boxes]


def _carries_on(last: int, i: int, stats: np.ndarray, size: float) -> bool:
    """Whether a letter stands next to the last one of a row, on the same baseline."""
    gap = stats[i, 0] - (stats[last, 0] + stats[last, 2])
    foot, foot_before = stats[i, 1] + stats[i, 3], stats[last, 1] + stats[last, 3]
    # A p or a comma hangs lower, a raised mark higher.
    return bool(gap < _SPACE * size and abs(foot - foot_before) < (_LEVEL + 0.35) * size)


def _trimmed(line: Line) -> Line:
    """The line without the signs that its cut-off neighbours were read as."""
    words = [word for word in line.words if any(c.isalnum() for c in word.text) or word.confidence > 80]
    return of_words(line, words) if words else line


def _joined(lines: Sequence[Line], new: Line) -> list[Line]:
    """The lines and the new one, which may be the beginning or the end of one of them."""
    for line in lines:
        gap = max(line.box.left - new.box.right, new.box.left - line.box.right)
        if -0.5 * line.x_height <= gap < 2 * line.x_height and abs(line.baseline - new.baseline) < 0.4 * line.x_height:
            whole = of_words(line, sorted([*line.words, *new.words], key=lambda word: word.box.left))
            return [whole if one is line else one for one in lines]
    return [*lines, new]


def _overlaps(one: Box, other: Box) -> bool:
    across = min(one.right, other.right) - max(one.left, other.left)
    down = min(one.bottom, other.bottom) - max(one.top, other.top)
    return across > 0.3 * min(one.width, other.width) and down > 0.5 * min(one.height, other.height)


def _without(lines: Sequence[Line], words: Sequence[Word]) -> list[Line]:
    out = []
    for line in lines:
        kept = tuple(word for word in line.words if word not in words)
        if kept:
            out.append(of_words(line, kept))
    return out
