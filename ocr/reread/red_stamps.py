"""What was stamped on a page in red is read by itself: its ink was taken off the page with that of the seals."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np

from ocr.image.clean import binarize
from ocr.image.components import find_components
from ocr.image.red_print import Stamp
from ocr.layout.unread_ink import InkAccount, account, together
from ocr.page import Box, Line, words_of

#: Paper around a stamp, in inches: more than ink accounting leaves out at the edge of a page.
_PAPER = 0.2
#: Height of a capital in x-heights, the middle one of a stamp's letters, marks and small ones among them.
_CAPITAL = 1.4
#: The letters of a stamp are higher than this, in inches; what is not are marks and dots.
_LEAST = 0.05


def read_stamps(
    page: np.ndarray, stamps: Sequence[Stamp], dpi: int, again: Callable[[np.ndarray, Box], list[Line]]
) -> tuple[list[Line], InkAccount]:
    """The lines of the stamps of a page, and what became of their ink.

    Args:
        page: ``(height, width)`` grey, the stamps' letters on white paper.
        stamps: where they stand.
        again: reads an image as one block of lines and moves them to a place on the page.

    Returns:
        Lines of a stamp that was askew stand where they do once it is set level about its middle.
    """
    lines: list[Line] = []
    accounts: list[InkAccount] = []
    margin = round(_PAPER * dpi)
    for stamp in stamps:
        box = Box(max(0, stamp.box.left), max(0, stamp.box.top), stamp.box.right, stamp.box.bottom)
        part = np.pad(page[box.top : box.bottom, box.left : box.right], margin, constant_values=255)
        part = _level(part, stamp.slope)
        parts = find_components(binarize(part))
        heights = parts.height[parts.height > _LEAST * dpi]
        if not heights.size:
            continue
        around = Box(box.left - margin, box.top - margin, box.right + margin, box.bottom + margin)
        found = again(part, around)
        words = [word.box.moved(-around.left, -around.top) for word in words_of(found)]
        ink = account(parts, words, float(np.median(heights)) / _CAPITAL, (), dpi)
        lines += found
        accounts.append(InkAccount(ink.explained, (box,) if ink.unread else (), ink.ink))
    return lines, together(accounts)


def _level(part: np.ndarray, slope: float) -> np.ndarray:
    """A part of the page turned about its middle until a line that rose so much is level."""
    height, width = part.shape
    turning = cv2.getRotationMatrix2D((width / 2, height / 2), float(np.degrees(np.arctan(slope))), 1.0)
    return cv2.warpAffine(part, turning, (width, height), borderMode=cv2.BORDER_CONSTANT, borderValue=255)
