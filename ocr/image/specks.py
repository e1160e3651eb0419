"""Specks between words: dirt of the size of a full stop that Tesseract would read as one.

Only what cannot be print is removed: a dot that stands in the gap between two words, away from the letter
before it (where a full stop would stand) and with no letter above or below it (whose diacritic it might be).
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from ocr.image.components import Components, Shapes, find_components
from ocr.page import Box

# In x-heights of the letters around.
_LARGEST = 0.34  # a full stop and the dot of ạ are about 0.2
_FULL_STOP_GAP = 0.24  # from the letter before; up to
_WIDE_FULL_STOP_GAP = 0.38  # when a space as wide as
_SPACE = 0.4  # follows
_POINT_IN_NUMBER = 0.9  # from letter to letter, the point of 1.000 included ...
_POINT_IN_FIGURES = 1.15  # ... where both are as tall as digits
_NARROW_DIGIT = 0.55  # digits are all as wide; ...
_PAPER_OF_ONE = 0.15  # ... a 1, which is narrower, leaves so much paper behind it
_DIGIT = 1.2  # the height of a digit, at least
_LEVEL = 0.2  # the foot of a point is so near to that of the digit
_COLUMN = 0.12  # a diacritic may overhang its letter by this much
_BESIDE = 3.0  # letters further away say nothing about a dot
_LETTER = 0.6  # the height of a letter, at least
#: A page of more components is noise as a whole (a halftone, a wrong threshold); weighing each would take minutes.
#: Pages of the devset have at most 2,900 once they are cleaned.
_MOST_COMPONENTS = 20_000
#: With fewer letters a page is too empty to tell the size of its type.
_FEWEST_LETTERS = 50


def drop_specks(
    image: np.ndarray, ink: np.ndarray, raised: Sequence[Box] = (), parts: Components | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """The page and its ink mask without the specks between words.

    Args:
        image: ``(height, width)`` grey.
        ink: ``(height, width)`` mask, 255 where there is ink.
        raised: boxes of raised signs; a full stop may stand after one.
        parts: the components of the ink, where they are known already.
    """
    parts = parts or find_components(ink)
    specks = _specks(parts, raised, *ink.shape)
    if not specks.any():
        return image, ink
    paper = int(np.percentile(image[::8, ::8], 75))
    indices = np.nonzero(specks)[0].tolist()
    image, ink = image.copy(), ink.copy()
    for index in indices:
        left, top, right, bottom = parts.box(index)
        ink[top:bottom, left:right][parts.labels[top:bottom, left:right] == index + 1] = 0
    # A few small windows are painted over sooner than the whole page is looked at.
    for index in indices:
        window = _about(parts.box(index))
        halo = cv2.dilate((parts.labels[window] == index + 1).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
        image[window][halo & (ink[window] == 0)] = paper
    return image, ink


def _about(speck: Box) -> tuple[slice, slice]:
    """Rows and columns of a speck and of its grey edges."""
    left, top, right, bottom = speck
    return np.s_[max(0, top - 2) : bottom + 2, max(0, left - 2) : right + 2]


def _specks(parts: Components, raised: Sequence[Box], page_height: int, page_width: int) -> np.ndarray:
    """Which of the components are specks."""
    specks = np.zeros(parts.count, bool)
    letters = (parts.height >= 9) & (parts.width >= 4)
    letters &= (parts.height < 0.03 * page_height) & (parts.width < 0.1 * page_width)
    if letters.sum() < _FEWEST_LETTERS or parts.count > _MOST_COMPONENTS:
        return specks
    x_height = float(np.median(parts.height[letters]))
    small = np.maximum(parts.width, parts.height) <= max(3.0, _LARGEST * x_height)
    tall = parts.take(letters & ~small & (parts.height > _LETTER * x_height))
    tall = tall.take(np.argsort(tall.bottom, kind="stable"))
    low = np.nonzero(parts.height < _LETTER * x_height)[0]
    low = low[np.argsort(parts.top[low], kind="stable")]
    # From the top of the page and from the left: a row of dots is told by those that stay.
    dots = sorted(np.nonzero(small)[0].tolist(), key=lambda i: (parts.top[i] // int(2 * x_height), parts.left[i]))
    for index in dots:
        dot = parts.box(index)
        beside = _letters_near(dot, tall, x_height)
        if not beside.count:
            specks[index] = True
            continue
        may_be_print = (
            _may_be_a_diacritic(dot, beside, x_height)
            or _may_be_a_point(dot, beside, x_height)
            or any(_follows_sign(dot, sign, x_height) for sign in raised)
            or _has_partner(dot, parts.take(_others_near(index, parts, low, specks, x_height)), x_height)
        )
        specks[index] = not may_be_print
    return specks


def _letters_near(dot: Box, letters: Shapes, x_height: float) -> Shapes:
    """The letters whose feet are level with the dot or up to two lines' diacritics away: its own line and near it.

    Args:
        letters: by their feet, from the top of the page.
    """
    first, last = np.searchsorted(letters.bottom, (dot.top - 0.9 * x_height, dot.bottom + 2.6 * x_height))
    near = letters.take(slice(int(first), int(last)))
    reach = _BESIDE * x_height
    return near.take(
        (near.top < dot.bottom + 1.1 * x_height) & (near.right > dot.left - reach) & (near.left < dot.right + reach)
    )


def _may_be_a_diacritic(dot: Box, letters: Shapes, x_height: float) -> bool:
    """Whether a dot stands above, below or against a letter: perhaps its diacritic."""
    overhang = _COLUMN * x_height
    return bool(((letters.left < dot.right + overhang) & (letters.right > dot.left - overhang)).any())


def _may_be_a_point(dot: Box, letters: Shapes, x_height: float) -> bool:
    """Whether a dot follows a letter as a full stop does, or stands in a number."""
    level = letters.top < dot.bottom
    before = letters.take(level & (letters.right <= dot.left) & (letters.bottom > dot.top - 0.4 * x_height))
    after = letters.take(level & (letters.left >= dot.right) & (letters.bottom > dot.top))
    gap = float(dot.left - before.right.max()) / x_height if before.count else float("inf")
    space = float(after.left.min() - dot.right) / x_height if after.count else float("inf")
    tight = gap + space + float(dot.width) / x_height
    in_figures = False
    if before.count:
        last = before.box(int(before.right.argmax()))
        if last.height >= _DIGIT * x_height and abs(dot.bottom - last.bottom) <= _LEVEL * x_height:
            if last.width < _NARROW_DIGIT * x_height:
                gap -= _PAPER_OF_ONE
                tight -= _PAPER_OF_ONE
            in_figures = bool(after.count) and int(after.height[after.left.argmin()]) >= _DIGIT * x_height
    return (
        gap <= _FULL_STOP_GAP
        or (gap <= _WIDE_FULL_STOP_GAP and space >= _SPACE)
        # Between two digits a point may stand in more paper than a speck between words.
        or tight <= (_POINT_IN_FIGURES if in_figures else _POINT_IN_NUMBER)
    )


def _follows_sign(dot: Box, sign: Box, x_height: float) -> bool:
    """Whether a dot may be the full stop after a raised sign."""
    return -2 <= dot.left - sign.right < 0.5 * x_height and sign.top < dot.top < sign.bottom + 1.3 * x_height


def _others_near(index: int, parts: Components, low: np.ndarray, specks: np.ndarray, x_height: float) -> np.ndarray:
    """The low components at the height of a dot, without itself and the specks found so far.

    Args:
        low: indices of the low components by their tops, from the top of the page.
    """
    top = parts.top[index]
    first, last = np.searchsorted(parts.top[low], (top - 1.1 * x_height, top + 1.1 * x_height))
    others = low[first:last]
    return others[(others != index) & ~specks[others]]


def _has_partner(dot: Box, others: Shapes, x_height: float) -> bool:
    """Whether a dot is one of a row of dots, or the upper dot of a colon or semicolon."""
    level = (np.abs(others.bottom - dot.bottom) < 0.2 * x_height) & (np.abs(dot.left - others.right) < 0.9 * x_height)
    level &= others.right <= dot.left
    stacked = (others.left < dot.right) & (others.right > dot.left)
    return bool((level | stacked).any())
