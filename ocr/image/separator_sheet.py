"""Separator sheets: pages with a QR code of ours that people put between two documents before they scan them.

Looking for a code costs as much as a tenth of reading a page. Its three corner marks, square rings of one size, are
seen in a small picture of the page at once, and no page without them is searched.
"""

from __future__ import annotations

from itertools import combinations

import cv2
import numpy as np

from ocr.page import Box, hull

#: What the code says.
PAYLOAD = "NAMBAT SEPARATOR"

#: The corner marks are looked for at this resolution, in dots per inch.
_COARSE = 75
#: Their size in mm, on the sheet that `nambat separator` writes and on one that was copied smaller or larger.
_SMALLEST, _LARGEST = 8.0, 40.0
#: Sides of a mark, and of two marks, differ by so large a share at most.
_ALIKE = 0.25
#: The square in the middle of a mark, in widths of the mark: how wide it is, and how far off the middle it may stand.
_CORE, _OFF_CENTRE = (0.3, 0.6), 0.12
#: In pixels: a mark is made so wide before the code is decoded; seven modules of five pixels.
_MARK = 35
#: Two codes have six; a page with many more such squares is a form or a photograph.
_MOST_MARKS = 12


def is_separator_sheet(image: np.ndarray, dpi: int) -> bool:
    """Whether a page bears the code of a separator sheet, in any orientation.

    Args:
        image: ``(height, width)``, grey.
        dpi: its resolution.
    """
    marks = _corner_marks(image, dpi)
    for three in combinations(marks, 3):
        if _are_alike(three) and _says_so(image, hull(list(three)), float(np.mean([box.width for box in three]))):
            return True
    return False


def _corner_marks(image: np.ndarray, dpi: int) -> list[Box]:
    """Boxes of what may be corner marks, in pixels of the image; none where there are too many to be any."""
    scale = _COARSE / dpi
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    _, ink = cv2.threshold(small, 0, 255, cv2.THRESH_BINARY_INV | cv2.THRESH_OTSU)
    _, _, stats, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    boxes = [Box(left, top, left + width, top + height) for left, top, width, height, _ in stats[1:].tolist()]
    squares = [box for box in boxes if abs(box.width - box.height) <= _ALIKE * max(box.width, box.height)]
    least, most = (_COARSE * size / 25.4 for size in (_SMALLEST, _LARGEST))
    rings = [one for one in squares if least <= one.width <= most and any(_is_core(other, one) for other in squares)]
    found = [Box(*(round(side / scale) for side in ring)) for ring in rings]
    return found if len(found) <= _MOST_MARKS else []


def _is_core(box: Box, ring: Box) -> bool:
    """Whether a square is the middle of a corner mark, three modules of its seven."""
    off = max(abs(box.x - ring.x), abs(box.y - ring.y))
    return _CORE[0] <= box.width / ring.width <= _CORE[1] and off <= _OFF_CENTRE * ring.width


def _are_alike(boxes: tuple[Box, ...]) -> bool:
    sizes = [box.width for box in boxes]
    return max(sizes) - min(sizes) <= _ALIKE * max(sizes)


def _says_so(image: np.ndarray, box: Box, mark: float) -> bool:
    """Whether a code with its marks in a box says that this is a separator sheet."""
    margin = round(mark)
    part = image[max(0, box.top - margin) : box.bottom + margin, max(0, box.left - margin) : box.right + margin]
    scale = _MARK / mark
    small = cv2.resize(part, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    text, _, _ = cv2.QRCodeDetector().detectAndDecode(small)
    return str(text) == PAYLOAD
