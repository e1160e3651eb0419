"""Specks between words: dirt of the size of a full stop that Tesseract would read as one.

Only what cannot be print is removed: a dot that stands in the gap between two words, away from the letter
before it (where a full stop would stand) and with no letter above or below it (whose mark it might be).
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from ocr.image.components import Components, find_components
from ocr.page import Box

# In x-heights of the letters around.
_LARGEST = 0.34  # a full stop and the dot of ạ are about 0.2
_FULL_STOP_GAP = 0.24  # from the letter before; up to
_WIDE_FULL_STOP_GAP = 0.38  # when a space as wide as
_SPACE = 0.4  # follows
_POINT_IN_NUMBER = 0.9  # from letter to letter, the point of 1.000 included ...
_POINT_IN_FIGURES = 1.15  # ... where both are as tall as digits
_PAPER_OF_ONE = 0.15  # digits are all as wide; a 1 leaves so much paper behind it
_DIGIT = 1.2  # the height of a digit, at least
_LEVEL = 0.2  # the foot of a point is so near to that of the digit
_COLUMN = 0.12  # a mark may overhang its letter by this much


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
    labels, stats = parts.labels, parts.stats
    left, top, width, height = (stats[:, i].astype(np.int64) for i in range(4))
    right, bottom = left + width, top + height
    letters = (height >= 9) & (width >= 4) & (height < 0.03 * ink.shape[0]) & (width < 0.1 * ink.shape[1])
    if letters.sum() < 50:
        return image, ink
    typical = float(np.median(height[letters]))
    small = np.maximum(width, height) <= max(3.0, _LARGEST * typical)
    small[0] = letters[0] = False
    is_letter = letters & ~small & (height > 0.6 * typical)
    order = np.nonzero(is_letter)[0]
    order = order[np.argsort(bottom[order], kind="stable")]
    bottoms = bottom[order]
    low = np.nonzero((height < 0.6 * typical) & (np.arange(len(top)) > 0))[0]
    low = low[np.argsort(top[low], kind="stable")]
    doomed: set[int] = set()
    for i in sorted(np.nonzero(small)[0].tolist(), key=lambda i: (top[i] // int(2 * typical), left[i])):
        # Letters whose feet are level with the dot or up to two lines' marks away: its own line and near it.
        first, last = np.searchsorted(bottoms, (top[i] - 0.9 * typical, bottom[i] + 2.6 * typical))
        near = order[first:last]
        near = near[(top[near] < bottom[i] + 1.1 * typical)]
        beside = near[(right[near] > left[i] - 3 * typical) & (left[near] < right[i] + 3 * typical)]
        if not len(beside):
            doomed.add(i)
            continue
        column = _COLUMN * typical
        if ((left[beside] < right[i] + column) & (right[beside] > left[i] - column)).any():
            continue  # above, below or touching a letter: perhaps its mark
        before = beside[
            (right[beside] <= left[i]) & (top[beside] < bottom[i]) & (bottom[beside] > top[i] - 0.4 * typical)
        ]
        after = beside[(left[beside] >= right[i]) & (top[beside] < bottom[i]) & (bottom[beside] > top[i])]
        gap = float(left[i] - right[before].max()) / typical if len(before) else float("inf")
        space = float(left[after].min() - right[i]) / typical if len(after) else float("inf")
        tight = gap + space + float(width[i]) / typical
        digit = before[right[before].argmax()] if len(before) else 0
        after_digit = bool(
            len(before) and height[digit] >= _DIGIT * typical and abs(bottom[i] - bottom[digit]) <= _LEVEL * typical
        )
        if after_digit and width[digit] < 0.55 * typical:
            gap -= _PAPER_OF_ONE
            tight -= _PAPER_OF_ONE
        # Between two digits a point may stand in more paper than a speck between words.
        number = after_digit and len(after) and height[after[left[after].argmin()]] >= _DIGIT * typical
        follows_letter = (
            gap <= _FULL_STOP_GAP
            or (gap <= _WIDE_FULL_STOP_GAP and space >= _SPACE)
            or tight <= (_POINT_IN_FIGURES if number else _POINT_IN_NUMBER)
        )
        follows_sign = any(
            -2 <= left[i] - sign.right < 0.5 * typical and sign.top < top[i] < sign.bottom + 1.3 * typical
            for sign in raised
        )
        if follows_letter or follows_sign or _has_partner(i, low, left, top, right, bottom, typical, doomed):
            continue
        doomed.add(i)
    if not doomed:
        return image, ink
    mask = np.isin(labels, list(doomed))
    halo = cv2.dilate(mask.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    halo &= (ink == 0) | mask
    image, ink = image.copy(), ink.copy()
    image[halo] = int(np.percentile(image[::8, ::8], 75))
    ink[mask] = 0
    return image, ink


def _has_partner(
    i: int,
    low: np.ndarray,
    left: np.ndarray,
    top: np.ndarray,
    right: np.ndarray,
    bottom: np.ndarray,
    typical: float,
    doomed: set[int],
) -> bool:
    """Whether a dot is one of a row of dots, or the upper dot of a colon or semicolon."""
    first, last = np.searchsorted(top[low], (top[i] - 1.1 * typical, top[i] + 1.1 * typical))
    others = np.array([j for j in low[first:last] if j != i and j not in doomed], dtype=np.int64)
    level = (np.abs(bottom[others] - bottom[i]) < 0.2 * typical) & (np.abs(left[i] - right[others]) < 0.9 * typical)
    level &= right[others] <= left[i]
    stacked = (left[others] < right[i]) & (right[others] > left[i])
    return bool((level | stacked).any())
