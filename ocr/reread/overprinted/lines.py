"""Rows of letters cut out of a page as the network sees lines: level, and all of one size."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import cv2
import numpy as np

from ocr.page import Box, hull
from ocr.reread.overprinted.network import CAPITALS, FEET, HEIGHT

#: In heights of a capital: the paper before and after a row, where letters may stand that are part of a stroke.
_BEFORE, _AFTER = 10.0, 9.0
#: Of the letters that two feet are compared of, so many capitals lie between.
_FAR = 4.0
#: A row leans no more than this, down or up for each pixel to the right: name stamps are set by hand.
_LEANS = 0.09


def base_line(letters: Sequence[Box], capital: float) -> tuple[float, float]:
    """The line that the letters of a row stand on: its height at x = 0, and its slope (Theil 1950, Sen 1968)."""
    feet = [(box.x, float(box.bottom)) for box in letters]
    slopes = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in combinations(feet, 2) if b[0] - a[0] > _FAR * capital]
    slope = float(np.clip(np.median(slopes), -_LEANS, _LEANS)) if slopes else 0.0
    return float(np.median([y - slope * x for x, y in feet])), slope


def cut_out(
    grey: np.ndarray, letters: Sequence[Box], capital: float, *, down: float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """The picture of a row, ``(HEIGHT, width)`` grey, and the 2 x 3 matrix from its pixels to those of the page.

    Args:
        grey: the page.
        letters: of the row, from left to right.
        capital: how high its capitals are, in pixels of the page.
        down: by how much of a capital the row stands lower than its letters say.
    """
    height, slope = base_line(letters, capital)
    row, scale = hull(list(letters)), capital / CAPITALS
    left = max(0.0, row.left - _BEFORE * capital)
    right = min(float(grey.shape[1]), row.right + _AFTER * capital)
    width = max(8, round((right - left) / scale))
    feet = height + slope * left + down * capital
    to_page = np.array([[scale, 0.0, left], [slope * scale, scale, feet - scale * FEET]])
    if scale > 1:
        # Reduced by what is averaged, not by what is left out.
        grey, to_small = _reduced(grey, to_page, width)
    else:
        to_small = to_page
    picture = cv2.warpAffine(
        grey, to_small, (width, HEIGHT), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT, borderValue=255,
    )  # fmt: skip
    return picture, to_page


def _reduced(grey: np.ndarray, to_page: np.ndarray, width: int) -> tuple[np.ndarray, np.ndarray]:
    """The part of a page about a picture, blurred as its reduction asks for; and the matrix into this part."""
    corners = to_page @ np.array([[0, width, 0, width], [0, 0, HEIGHT, HEIGHT], [1, 1, 1, 1]], np.float64)
    left, top = (max(0, int(edge) - 2) for edge in corners.min(axis=1))
    right, bottom = (int(edge) + 3 for edge in corners.max(axis=1))
    part = cv2.GaussianBlur(grey[top:bottom, left:right], (0, 0), 0.35 * float(to_page[0, 0]))
    return part, to_page - np.array([[0, 0, left], [0, 0, top]])
