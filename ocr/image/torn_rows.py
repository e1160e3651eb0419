"""A row from which on a picture goes on beside itself: its data lost their place, and no decoder knows it.

Bytes that were lost, doubled or put into each other's place leave a picture of raw pixels, of LZW or of JPEG as valid
as it was. To see is a seam: print below it does not go on from what is above, and it does so once it is moved sideways.
Letters that merely resemble each other do not all do so by the same way.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

#: In rows at 300 dpi: a seam is blurred by rendering, so rows that far apart are held against each other.
_APART = 3
#: Windows to the width of a page; each overlaps the next by half.
_WINDOWS = 8
#: In inches: how far what is below a seam is looked for at either side, and what may be a letter that leans.
_FAR, _NEAR = 1.4, 1 / 60
#: Strokes that a window crosses above and below a seam: fewer fit something by chance.
_ABOVE, _BELOW = 5, 4
#: Cosines of the ink of two rows: at most, where they stand, and at least, moved. Stems have 0.8 and more unmoved.
_UNMOVED, _MOVED = 0.5, 0.8
#: So much better it fits there than anywhere else: hatching, dots and screens fit at each of their steps.
_SURER = 0.1
#: Share of a window that is ink, at most: the rows of a rule or a bar are no print.
_INKED = 0.7
#: In rows, and in pixels: by so much the seams that two windows show, and the ways they are moved by, differ at most.
_SAME_ROW, _SAME_SHIFT = 2, 1
#: Windows beside each other that show one seam. In 151 pages of scans never more than 1 does; 2 to 7 in torn pictures.
_WINDOWS_AGREE = 2


@dataclass(frozen=True, slots=True)
class _Fit:
    """A window that fits what is above it once it is moved.

    Attributes:
        row: the last above the seam.
        left: edge of the window, in pixels.
        shift: how far the print below was moved to the right, in pixels.
    """

    row: int
    left: int
    shift: int


def find_seam(image: np.ndarray, dpi: int) -> int | None:
    """The row of a page image, from its top, below which the picture goes on beside itself; ``None`` if there is none.

    Args:
        image: as it was rendered, ``(height, width)`` grey or ``(height, width, 3)`` RGB, ``uint8``; no row of its
            pixels has been turned.
        dpi: of the image.
    """
    grey = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    _, ink = cv2.threshold(cv2.GaussianBlur(grey, (3, 3), 0), 0, 1, cv2.THRESH_BINARY_INV + cv2.THRESH_OTSU)
    apart = max(2, round(_APART * dpi / 300))
    width = ink.shape[1] // _WINDOWS
    if ink.shape[0] <= apart or width < 2:
        return None
    lefts = range(0, ink.shape[1] - width + 1, width // 2)
    fits = [fit for left in lefts for fit in _fits(ink, left, width, apart, dpi)]
    return next((fit.row + apart // 2 + 1 for fit in fits if _agree(fit, fits, width) >= _WINDOWS_AGREE), None)


def _agree(one: _Fit, fits: Sequence[_Fit], width: int) -> int:
    """How many windows beside each other show the same seam."""
    count, right = 0, 0
    for fit in fits:  # from the left
        is_same = abs(fit.row - one.row) <= _SAME_ROW and abs(fit.shift - one.shift) <= _SAME_SHIFT
        if is_same and fit.left >= right:
            count, right = count + 1, fit.left + 2 * (width // 2)
    return count


def _fits(ink: np.ndarray, left: int, width: int, apart: int, dpi: int) -> Iterator[_Fit]:
    """Where the print in a window of the page goes on beside itself, from the top.

    Args:
        ink: of the page, 0 and 1.
        apart: rows that are held against each other lie so far apart.
    """
    window = ink[:, left : left + width]
    above, below = window[:-apart], window[apart:]
    inked, inked_below = (part.sum(axis=1, dtype=np.int64) for part in (above, below))
    both = (above & below).sum(axis=1, dtype=np.int64)
    ends = (both < _UNMOVED * np.sqrt(inked * inked_below)) & (inked < _INKED * width)
    rows = np.flatnonzero(ends)
    is_print = (_strokes(above[rows]) >= _ABOVE) & (_strokes(below[rows]) >= _BELOW)
    far, near = round(_FAR * dpi), round(_NEAR * dpi)
    for row in rows[is_print].tolist():
        line = np.pad(ink[row + apart].astype(np.float32), far)[left : left + width + 2 * far]
        alike = np.correlate(line, window[row].astype(np.float32))
        passed = np.concatenate(([0.0], np.cumsum(line)))
        alike /= np.sqrt(np.maximum(1.0, inked[row] * (passed[width:] - passed[:-width])))
        best = int(alike.argmax())
        elsewhere = np.concatenate((alike[: max(0, best - near)], alike[best + near + 1 :]))
        if abs(best - far) >= near and alike[best] >= max(_MOVED, elsewhere.max() + _SURER):
            yield _Fit(row, left, best - far)


def _strokes(rows: np.ndarray) -> np.ndarray:
    """How many strokes each of some rows of ink crosses."""
    return np.asarray((np.diff(rows.astype(np.int8), axis=1, prepend=0) == 1).sum(axis=1))
