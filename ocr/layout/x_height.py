"""The type size of a line, measured on its ink.

Tesseract gives a line's x-height in steps of a pixel and a half, and takes capitals or whole lines for small letters
when a line is short. Notes set one point smaller than the body are told by less than that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from ocr.image.components import Components
from ocr.tesseract import ReadLine

#: A letter stands on the baseline when its foot is within this share of the x-height of it.
_FOOT = 0.16
#: Small letters without marks are the lowest height that at least this share of a line's letters has.
_SHARE = 0.2
_FEWEST = 3
#: Heights within this share of each other are one.
_ALIKE = 0.06
#: A measured height this far from Tesseract's (in Tesseract's) is something else.
_LOW, _HIGH = 0.5, 1.2


def measured(lines: Sequence[ReadLine], ink: Components) -> list[ReadLine]:
    """The lines with the x-height that their letters have on the page, where enough of them can be measured.

    Lines without small letters keep the height that Tesseract gave.

    Args:
        ink: of the page.
    """
    stats = ink.stats[1:].astype(np.int32)
    stats = stats[(stats[:, cv2.CC_STAT_HEIGHT] >= 6) & (stats[:, cv2.CC_STAT_HEIGHT] < 0.04 * ink.labels.shape[0])]
    bottom = stats[:, cv2.CC_STAT_TOP] + stats[:, cv2.CC_STAT_HEIGHT]
    stats = stats[np.argsort(bottom, kind="stable")]
    return [_measured(line, stats) for line in lines]


def _measured(line: ReadLine, stats: np.ndarray) -> ReadLine:
    if not any(c.islower() for word in line.words for c in word.text):
        return line
    left, height, width = (stats[:, i] for i in (cv2.CC_STAT_LEFT, cv2.CC_STAT_HEIGHT, cv2.CC_STAT_WIDTH))
    bottom = stats[:, cv2.CC_STAT_TOP] + height
    reach = _FOOT * line.x_height
    fall = line.slope * line.box.width
    first, last = np.searchsorted(
        bottom, (line.baseline - reach + min(0.0, fall), line.baseline + reach + max(0.0, fall) + 1)
    )
    near = slice(int(first), int(last))
    middle = left[near] + width[near] / 2
    baseline = line.baseline + line.slope * (middle - line.box.left)
    stands = (np.abs(bottom[near] - baseline) <= reach) & (middle > line.box.left) & (middle < line.box.right)
    stands &= (height[near] > _LOW * line.x_height) & (width[near] < 2.5 * line.x_height)
    heights = np.sort(height[near][stands]).astype(np.float64)
    if len(heights) < _FEWEST:
        return line
    for at in heights:
        alike = heights[(heights >= at) & (heights <= at * (1 + 2 * _ALIKE))]
        if len(alike) >= max(_FEWEST, _SHARE * len(heights)):
            x_height = float(np.median(alike))
            alike = heights[np.abs(heights - x_height) <= _ALIKE * x_height]
            x_height = round(float(alike.mean()), 2)
            return replace(line, x_height=x_height) if x_height < _HIGH * line.x_height else line
    return line
