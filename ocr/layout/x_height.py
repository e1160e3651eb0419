"""The type size of a line, measured on its ink, and that of a page, which tells at what resolution it was scanned.

Tesseract gives a line's x-height in steps of a pixel and a half, and takes capitals or whole lines for small letters
when a line is short. Notes set one point smaller than the body are told by less than that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from ocr.image.components import Components, Shapes, find_components
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

# Of a whole page.
#: What is looked at has pixels enough on its short side; a smaller one is enlarged so many times, as its letters melt.
_COARSE_PAGE, _ENLARGED = 1400, 2
#: A letter's width, in its heights, the share of its box that is ink, and its height in pages at most.
_LETTER_WIDTH, _LETTER_INK, _TALLEST_LETTER = (0.3, 2.5), 0.2, 0.06
#: Fewer letters tell nothing. Small letters without marks are the lowest height that this share of them has.
_FEWEST_ON_PAGE, _SHARE_OF_PAGE, _ALIKE_ON_PAGE = 50, 0.25, 0.15

#: Where less than this share of what is on a page may be letters, it is noise: of pages scanned at 80 to 150 dpi, grey
#: and poor ones among them, at least 0.73 are, of noise 0.23.
_LEAST_OF_PAGE = 0.5


def type_size(image: np.ndarray) -> float | None:
    """The x-height of a page's type in pixels of its image, before anything is read; ``None`` where it shows too few.

    Within a pixel of what is measured line by line after reading, on scans of 70 to 300 dpi.

    Args:
        image: ``(height, width)`` grey or ``(height, width, 3)`` RGB.
    """
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) if image.ndim == 3 else image
    zoom = _ENLARGED if min(grey.shape) < _COARSE_PAGE else 1
    if zoom > 1:
        grey = cv2.resize(grey, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_CUBIC)
    limit, _ = cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    found = find_components(np.where(grey <= limit, 255, 0).astype(np.uint8))
    letters = (found.height >= _SHORTEST) & (found.height < _TALLEST_LETTER * max(grey.shape))
    letters &= (found.width > _LETTER_WIDTH[0] * found.height) & (found.width < _LETTER_WIDTH[1] * found.height)
    letters &= found.area > _LETTER_INK * found.width * found.height
    heights = np.sort(found.height[letters])
    if len(heights) < max(_FEWEST_ON_PAGE, _LEAST_OF_PAGE * found.count):
        return None
    # For each height, how many are as high or a little higher.
    alike = np.searchsorted(heights, heights * (1 + _ALIKE_ON_PAGE), side="right") - np.arange(len(heights))
    first = int(np.argmax(alike >= _SHARE_OF_PAGE * len(heights)))
    if alike[first] < _SHARE_OF_PAGE * len(heights):
        return None
    return float(np.median(heights[first : first + alike[first]])) / zoom


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
