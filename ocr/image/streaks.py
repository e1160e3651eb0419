"""Streaks across the print, taken out of the page: dirt on a scanner's glass draws them, and so does a fold.

Tesseract gives up the whole line of text that one runs along, and reads ``|`` or another letter where one runs down
through a word; letters that a line joins are print to nobody. A streak is told from a rule, a border or an underline
by what it crosses: letters go on at both of its sides, and it goes on beyond them. A line that ends with the letters
that it crosses strikes them out, and stays.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ocr.image.components import find_components
from ocr.page import Box

# In inches.
_LONGEST_STROKE = 0.29  # a straight run of ink that is longer belongs to a line, not to a letter
_THICKEST = 0.055  # two thirds of the height of a small letter
_BEYOND = 0.25  # a streak goes on so far beyond the letters at it, at one of its ends at least
_MEETS = 0.04  # a border ends no further from the border that it meets
_LEAST_LETTER = 0.02  # what is left of a letter above or below a streak is higher
_EDGE = 0.12  # of the paper: nothing is printed there, and its shadow is ragged

#: A streak is so long at least, in pages ...
_SHORTEST = 0.5
#: ... and strays so far in its own length: pages are levelled by their text, not by it.
_STRAY = 0.02
#: A row of dots to be written on has ink in fewer of its columns.
_UNBROKEN = 0.85
#: So many letters it crosses at least, and over so much of its length.
_FEWEST_LETTERS, _LEAST_PRINT = 5, 0.015
#: Percentile of a line's thickness that is its own: much of it crosses no letter.
_BARE = 25


@dataclass(frozen=True, slots=True)
class Streaks:
    """The streaks of a page.

    Attributes:
        ink: ``(height, width)`` of bool: theirs, without that of the letters they cross.
        boxes: where they run, level ones first.
    """

    ink: np.ndarray
    boxes: tuple[Box, ...]

    def touch(self, box: Box) -> bool:
        """Whether one runs through a box."""
        return bool(self.ink[max(0, box.top) : box.bottom, max(0, box.left) : box.right].any())


def find_streaks(ink: np.ndarray, dpi: int) -> Streaks:
    """The streaks across the print of a page.

    Args:
        ink: ``(height, width)`` mask, 255 where there is ink.
        dpi: of the page.
    """
    small, gone = _halved(ink), np.zeros(ink.shape, bool)
    if not small.size:
        return Streaks(gone, ())
    level, upright = _runs(small, dpi), _runs(small.T, dpi).T
    boxes = [box for box in _lines(level, dpi) if _mark(gone, ink, level, upright, box, dpi)]
    turned = [box for box in _lines(upright.T, dpi) if _mark(gone.T, ink.T, upright.T, level.T, box, dpi)]
    boxes += [Box(box.top, box.left, box.bottom, box.right) for box in turned]
    return Streaks(gone, tuple(Box(*(2 * edge for edge in box)) for box in boxes))


def without_streaks(image: np.ndarray, ink: np.ndarray, streaks: Streaks) -> tuple[np.ndarray, np.ndarray]:
    """The page, ``(height, width)`` grey, and its ink without the streaks."""
    if not streaks.boxes:
        return image, ink
    # Their grey edges go with them; those of letters are ink.
    rim = cv2.dilate(streaks.ink.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    paper = int(np.percentile(image[::8, ::8], 75))
    return (
        np.where(rim & ((ink == 0) | streaks.ink), paper, image).astype(np.uint8),
        np.where(streaks.ink, 0, ink).astype(np.uint8),
    )


def _halved(ink: np.ndarray) -> np.ndarray:
    """The mask at half the resolution: a hairline is still there, and the work a quarter."""
    height, width = (size // 2 * 2 for size in ink.shape)
    rows = np.maximum(ink[:height:2], ink[1:height:2])
    return np.maximum(rows[:, :width:2], rows[:, 1:width:2])


def _runs(small: np.ndarray, dpi: int) -> np.ndarray:
    """The level runs of ink, at half the resolution, that are longer than any of a letter."""
    small = np.ascontiguousarray(small)
    mended = cv2.morphologyEx(small, cv2.MORPH_CLOSE, np.ones((1, 3), np.uint8))
    return cv2.morphologyEx(mended, cv2.MORPH_OPEN, np.ones((1, round(_LONGEST_STROKE * dpi / 2)), np.uint8))


def _lines(runs: np.ndarray, dpi: int) -> list[Box]:
    """Where such runs make a long and thin line, at half the resolution."""
    height, width = runs.shape
    stray = round(_STRAY * width) + 3
    # Most pages have none, and to know that takes less than to find them.
    bands = [runs[top : top + 2 * stray].any(axis=0).sum() for top in range(0, height, stray)]
    if max(bands, default=0) < _SHORTEST * width:
        return []
    parts = find_components(cv2.dilate(np.ascontiguousarray(runs), np.ones((3, 15), np.uint8)))
    thin = parts.area / parts.width - 2 <= _THICKEST * dpi / 2  # dilated by a pixel at either side
    inside = (parts.y > _EDGE * dpi / 2) & (parts.y < height - _EDGE * dpi / 2)
    long = (parts.width >= _SHORTEST * width) & (parts.height <= _STRAY * parts.width + 3 + _THICKEST * dpi / 2)
    return parts.take(long & thin & inside).boxes()


def _mark(gone: np.ndarray, ink: np.ndarray, along: np.ndarray, across: np.ndarray, box: Box, dpi: int) -> bool:
    """Whether a level line is a streak; then its ink is marked in ``gone``.

    Args:
        along, across: the runs in the line's direction and in the other, at half the resolution.
        box: of the line, at half the resolution.
    """
    margin = round(_THICKEST * dpi) + 4
    top, bottom = max(0, 2 * box.top - margin), min(ink.shape[0], 2 * box.bottom + margin)
    left, right = 2 * box.left, min(ink.shape[1], 2 * box.right)
    window = Box(left, top, right, bottom)
    here = ink[top:bottom, left:right] > 0
    line = _band(here & _grown(along, window))
    borders = _grown(across, window)
    beside = here & ~line & ~borders
    reach = int(line.sum(axis=0).max()) + 2
    letters = _without_ragged_edges(beside, dpi)
    found = _is_streak(line, letters, _crossed(line, letters, reach), borders, dpi)
    if found:
        gone[top:bottom, left:right] |= line & ~_crossed(line, beside, reach)
    return found


def _crossed(line: np.ndarray, beside: np.ndarray, reach: int) -> np.ndarray:
    """The pixels of a level line that have ink above and below them, no further than ``reach`` pixels."""
    ink = np.ascontiguousarray(beside).astype(np.uint8)
    # Strokes that lean come out a little to the side of where they went in.
    above = cv2.dilate(ink, np.ones((reach, 3), np.uint8), anchor=(1, reach - 1)) > 0
    below = cv2.dilate(ink, np.ones((reach, 3), np.uint8), anchor=(1, 0)) > 0
    return line & above & below


def _without_ragged_edges(ink: np.ndarray, dpi: int) -> np.ndarray:
    """The ink beside a level line that is higher than what a rough one leaves at its sides."""
    parts = find_components(np.ascontiguousarray(ink).astype(np.uint8))
    return parts.mask(parts.height >= _LEAST_LETTER * dpi)


def _band(runs: np.ndarray) -> np.ndarray:
    """The pixels of a level line without those of the letters that it touches: where it is bare it shows its course."""
    heights = runs.sum(axis=0)
    if not heights.any():
        return runs
    thick = int(np.percentile(heights[heights > 0], _BARE))
    bare = np.nonzero((heights > 0) & (heights <= thick))[0]
    rows = np.arange(len(runs))[:, None]
    middle = (runs[:, bare] * rows).sum(axis=0) / heights[bare]
    course = np.polyval(np.polyfit(bare, middle, 2), np.arange(runs.shape[1]))
    return np.asarray(runs & (np.abs(rows - course) <= thick / 2 + 1))


def _grown(runs: np.ndarray, window: Box) -> np.ndarray:
    """A window of runs of half the resolution at the full one, with a pixel more at each side."""
    rows = np.minimum(np.arange(window.top, window.bottom) // 2, runs.shape[0] - 1)
    columns = np.minimum(np.arange(window.left, window.right) // 2, runs.shape[1] - 1)
    grown = np.ascontiguousarray(runs[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
    grown = np.repeat(np.repeat(grown, 2, axis=0), 2, axis=1)[window.top % 2 :, window.left % 2 :]
    grown = cv2.dilate(grown[: window.height, : window.width], np.ones((3, 3), np.uint8)) > 0
    short = (window.height - grown.shape[0], window.width - grown.shape[1])
    return np.pad(grown, ((0, short[0]), (0, short[1])))


def _is_streak(line: np.ndarray, letters: np.ndarray, crossed: np.ndarray, borders: np.ndarray, dpi: int) -> bool:
    """Whether a line crosses print, and neither strikes it out nor underlines it nor goes from border to border."""
    columns, through = np.nonzero(line.any(axis=0))[0], np.nonzero(crossed.any(axis=0))[0]
    if len(through) < max(1.0, _LEAST_PRINT * len(columns)):
        return False
    first, last = int(columns[0]), int(columns[-1])
    if len(columns) < _UNBROKEN * (last - first) or np.count_nonzero(np.diff(through) > 2) + 1 < _FEWEST_LETTERS:
        return False
    beside = np.nonzero(letters.any(axis=0))[0]
    if max(beside[0] - first, last - beside[-1]) < _BEYOND * dpi:
        return False
    near = round(_MEETS * dpi)
    return not (borders[:, : first + near].any() and borders[:, last - near :].any())
