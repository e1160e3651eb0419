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

#: In rows at 300 dpi: a seam is blurred by rendering, so rows that far apart are held against each other; at least two.
_APART, _LEAST_APART = 3, 2
#: Windows to the width of a page; each overlaps the next by half.
_WINDOWS = 8
#: In inches: how far what is below a seam is looked for at either side, and what may be a letter that leans.
_FAR, _NEAR = 1.4, 1 / 60
#: Strokes that a window crosses above and below a seam: fewer fit something by chance.
_ABOVE, _BELOW = 5, 4
#: Share of a window that is ink, at most: the rows of a rule or a bar are no print.
_INKED = 0.7
#: In rows, and in pixels: by so much the seams that two windows show, and the ways they are moved by, differ at most.
_SAME_ROW, _SAME_SHIFT = 2, 1
#: Windows beside each other that show one seam. In 151 pages of scans never more than 1 does; 2 to 7 in torn pictures.
_WINDOWS_AGREE = 2


#: The page is looked over at a half of its resolution; where that shows a seam, so many rows about it are looked at.
_COARSE, _ROWS_ABOUT = 2, (8, 12)


@dataclass(frozen=True, slots=True)
class _Bounds:
    """When a row of print goes on from another one beside itself, in cosines of their ink.

    Attributes:
        unmoved: where it stands, at most. Stems have 0.8 and more.
        moved: once it is moved, at least.
        surer: so much better it fits there than anywhere else: hatching, dots and screens fit at each of their steps.
    """

    unmoved: float
    moved: float
    surer: float


#: Of 298 damaged pictures the looser ones at half the resolution let through all 15 that the strict ones find at the
#: whole of it, and 1 of 151 whole pages; looking at all of a page at its whole resolution took five times as long.
_LOOSE, _STRICT = _Bounds(0.55, 0.75, 0.06), _Bounds(0.5, 0.8, 0.1)


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
    if min(grey.shape) < 2 * _WINDOWS * _COARSE:
        return None
    half = cv2.resize(grey, None, fx=1 / _COARSE, fy=1 / _COARSE, interpolation=cv2.INTER_AREA)
    likely = sorted({_COARSE * row for row in _seams(_ink(half), dpi / _COARSE, _LOOSE)})
    ink = _ink(grey) if likely else grey
    for row in likely:
        top = max(0, row - _ROWS_ABOUT[0])
        for seam in _seams(ink[top : row + _ROWS_ABOUT[1]], dpi, _STRICT):
            return top + seam + _apart(dpi) // 2 + 1
    return None


def _ink(grey: np.ndarray) -> np.ndarray:
    """``(height, width)``: 1 where there is ink, 0 for paper."""
    blurred = cv2.GaussianBlur(grey, (3, 3), 0)
    return np.asarray(cv2.threshold(blurred, 0, 1, cv2.THRESH_BINARY_INV + cv2.THRESH_OTSU)[1])


def _apart(dpi: float) -> int:
    return max(_LEAST_APART, round(_APART * dpi / 300))


def _seams(ink: np.ndarray, dpi: float, bounds: _Bounds) -> Iterator[int]:
    """Rows, each the last above a seam that some windows beside each other show.

    Args:
        ink: of the page, or of some of its rows, 0 and 1.
    """
    width = ink.shape[1] // _WINDOWS
    if ink.shape[0] <= _apart(dpi):
        return
    fits = list(_fits(ink, width, dpi, bounds))
    yield from (fit.row for fit in fits if _agree(fit, fits, width) >= _WINDOWS_AGREE)


def _agree(one: _Fit, fits: Sequence[_Fit], width: int) -> int:
    """How many windows beside each other show the same seam."""
    count, right = 0, 0
    for fit in fits:  # from the left
        is_same = abs(fit.row - one.row) <= _SAME_ROW and abs(fit.shift - one.shift) <= _SAME_SHIFT
        if is_same and fit.left >= right:
            count, right = count + 1, fit.left + 2 * (width // 2)
    return count


def _fits(ink: np.ndarray, width: int, dpi: float, bounds: _Bounds) -> Iterator[_Fit]:
    """Where the print in a window of the page goes on beside itself, window by window from the left.

    Args:
        ink: of the page, 0 and 1.
        width: of a window.
    """
    apart, far, near = _apart(dpi), round(_FAR * dpi), round(_NEAR * dpi)
    lefts = range(0, ink.shape[1] - width + 1, width // 2)
    inked = _counts(ink, lefts, width)
    above, below = inked[:-apart], inked[apart:]
    both = _counts(cv2.bitwise_and(ink[:-apart], ink[apart:]), lefts, width)
    strokes = _strokes(ink, lefts, width)
    ends = (both < bounds.unmoved * np.sqrt(above * below)) & (above < _INKED * width)
    ends &= (strokes[:-apart] >= _ABOVE) & (strokes[apart:] >= _BELOW)
    padded = cv2.copyMakeBorder(ink, 0, 0, far, far, cv2.BORDER_CONSTANT, value=0)
    for at, left in enumerate(lefts):
        for row in np.flatnonzero(ends[:, at]).tolist():
            line = padded[row + apart, left : left + width + 2 * far].astype(np.float32)
            alike = np.correlate(line, ink[row, left : left + width].astype(np.float32))
            passed = np.concatenate(([0.0], np.cumsum(line)))
            alike /= np.sqrt(np.maximum(1.0, above[row, at] * (passed[width:] - passed[:-width])))
            best = int(alike.argmax())
            elsewhere = np.concatenate((alike[: max(0, best - near)], alike[best + near + 1 :]))
            if abs(best - far) >= near and alike[best] >= max(bounds.moved, elsewhere.max() + bounds.surer):
                yield _Fit(row, left, best - far)


def _counts(mask: np.ndarray, lefts: Sequence[int], width: int) -> np.ndarray:
    """``(height, windows)``: how many pixels of a mask are 1 in each row of each window."""
    sums = [cv2.reduce(mask[:, left : left + width], 1, cv2.REDUCE_SUM, dtype=cv2.CV_32S) for left in lefts]
    return np.hstack(sums).astype(np.int64)


def _strokes(ink: np.ndarray, lefts: Sequence[int], width: int) -> np.ndarray:
    """``(height, windows)``: how many strokes each row of each window crosses."""
    begins = ink.copy()
    begins[:, 1:] &= 1 - ink[:, :-1]
    cut = ink[:, lefts] - begins[:, lefts]  # by the left edge of a window
    return _counts(begins, lefts, width) + cut
