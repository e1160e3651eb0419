"""The type size of a line, measured on its ink.

Tesseract gives a line's x-height in steps of a pixel and a half, and takes capitals or whole lines for small letters
when a line is short. Notes set one point smaller than the body are told by less than that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ocr.image.components import Components, Shapes
from ocr.tesseract import ReadLine

#: Letters are so tall at least, in pixels, and at most, in pages.
_SHORTEST, _TALLEST = 6, 0.04
#: What is wider, in x-heights, is no letter.
_WIDEST = 2.5
#: A letter stands on the baseline when its foot is within this share of the x-height of it.
_FOOT = 0.16
#: Small letters without diacritics are the lowest height that at least this share of a line's letters has.
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
    page_height = ink.labels.shape[0]
    letters = ink.take((ink.height >= _SHORTEST) & (ink.height < _TALLEST * page_height))
    letters = letters.take(np.argsort(letters.bottom, kind="stable"))
    return [_measured(line, letters) for line in lines]


def _measured(line: ReadLine, letters: Shapes) -> ReadLine:
    """The line with the x-height of its letters.

    Args:
        letters: of the page, by their feet from the top of the page.
    """
    if not any(c.islower() for word in line.words for c in word.text):
        return line
    reach = _FOOT * line.x_height
    fall = line.slope * line.box.width
    first, last = np.searchsorted(
        letters.bottom, (line.baseline - reach + min(0.0, fall), line.baseline + reach + max(0.0, fall) + 1)
    )
    near = letters.take(slice(int(first), int(last)))
    baseline = line.baseline + line.slope * (near.x - line.box.left)
    stands = np.abs(near.bottom - baseline) <= reach
    stands &= (near.x > line.box.left) & (near.x < line.box.right)
    stands &= (near.height > _LOW * line.x_height) & (near.width < _WIDEST * line.x_height)
    heights = np.sort(near.height[stands]).astype(np.float64)
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
