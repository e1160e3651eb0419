"""Raised signs taken out of the page image before Tesseract sees it, and the gaps that they leave closed.

Tesseract would read them as ``!`` or ``”`` and often misread the letters beside them too.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from ocr.image.components import find_components
from ocr.page import Box, hull
from ocr.superscripts.find import RaisedSign
from ocr.tesseract import ReadLine, ReadWord

# In x-heights: print nearer than this stands tight; a gap as wide as this is a space.
_TIGHT, _SPACE = 0.32, 0.4


@dataclass(frozen=True, slots=True)
class Shift:
    """Print that was moved to the left to close the gap which a sign left.

    Attributes:
        box: where it stands on the page.
        by: pixels by which it was moved.
    """

    box: Box
    by: int


def erase(image: np.ndarray, ink: np.ndarray, signs: list[RaisedSign]) -> np.ndarray:
    """The image with the signs painted over with the paper around them."""
    if not signs:
        return image
    out = image.copy()
    for sign in signs:
        left, top, right, bottom = sign.box
        # The grey rim of a sign is enough for Tesseract to read an apostrophe: paint over the rim too, but not
        # over the ink of a neighbour.
        rim = max(2, round(0.12 * sign.x_height))
        window = (slice(max(0, top - rim), bottom + rim), slice(max(0, left - rim), right + rim))
        others = ink[window].copy()
        inner_top, inner_left = top - window[0].start, left - window[1].start
        others[inner_top : inner_top + bottom - top, inner_left : inner_left + right - left] = 0
        free = cv2.dilate(others, np.ones((3, 3), np.uint8)) == 0
        out[window][free] = int(np.percentile(image[window], 92))
        out[top:bottom, left:right] = int(np.percentile(image[window], 92))
    return out


def close_up(image: np.ndarray, ink: np.ndarray, signs: list[RaisedSign]) -> tuple[np.ndarray, list[Shift]]:
    """The image with the print that stood tight behind a sign moved up to the letter before it.

    ``m`` and ``/ngày`` with a gap between them are read as ``mì /ngày``; ``m/ngày`` is read right.

    Args:
        image: after :func:`erase`.
        ink: of the page, signs included.
    """
    out, shifts = image, []
    for sign in signs:
        # A full stop or comma is put back to its word anyway, and a wider gap before it does no harm.
        shift = None if sign.point_after else _tight_after(ink, sign)
        if shift is None or any(other is not sign and other.box.overlaps(shift.box) for other in signs):
            continue
        left, top, right, bottom = shift.box
        window = ink[top:bottom, left:right]
        parts = find_components(window)
        # A tail of the line above or a diacritic of the line below is cut by the window's edge and stays.
        whole = parts.mask((parts.top > 0) & (parts.bottom < bottom - top))
        mask = cv2.dilate(whole.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
        if out is image:
            out = image.copy()
        print_ = out[top:bottom, left:right].copy()
        out[top:bottom, left:right][mask] = int(np.percentile(print_, 92))
        target = out[top:bottom, left - shift.by : right - shift.by]
        target[mask] = np.minimum(target, print_)[mask]
        shifts.append(shift)
    return out, shifts


def opened_again(
    image: np.ndarray, unerased: np.ndarray, shifts: list[Shift], signs: list[RaisedSign]
) -> tuple[np.ndarray, list[Shift]]:
    """The image with the print behind some signs where it was before :func:`close_up`, and the shifts that are left.

    Args:
        image: after :func:`close_up`.
        unerased: the same with the signs; those given here come back with what stands behind them.
    """
    undone = [shift for shift in shifts if any(_is_behind(shift, sign) for sign in signs)]
    if not undone:
        return image, shifts
    out = image.copy()
    for left, top, right, bottom in (hull([shift.box, shift.box.moved(-shift.by)]) for shift in undone):
        out[top:bottom, left:right] = unerased[top:bottom, left:right]
    return out, [shift for shift in shifts if shift not in undone]


def _is_behind(shift: Shift, sign: RaisedSign) -> bool:
    return shift.box.down(sign.box) > 0 and -2 <= shift.box.left - sign.box.right <= _TIGHT * sign.x_height


def _tight_after(ink: np.ndarray, sign: RaisedSign) -> Shift | None:
    """The print between a sign and the next space, if a letter stands tight before the sign and print behind it."""
    x = sign.x_height
    band = slice(max(0, int(sign.baseline - 1.1 * x)), int(sign.baseline + 0.15 * x))
    tight, space = round(_TIGHT * x), max(3, round(_SPACE * x))
    before = np.asarray((ink[band, max(0, sign.box.left - tight) : sign.box.left] > 0).any(axis=0))
    columns = np.asarray((ink[band, sign.box.right : sign.box.right + round(20 * x)] > 0).any(axis=0))
    if not before.any() or not columns[:tight].any():
        return None
    start = int(columns.argmax())
    blank = np.convolve(columns[start:].astype(np.int32), np.ones(space, np.int32), mode="valid") == 0
    if not blank.any():
        return None
    end = start + int(blank.argmax())
    edge = sign.box.left - 1 - int(before[::-1].argmax())
    by = sign.box.right + start - edge - max(2, round(0.12 * x))
    if by < 0.1 * x:
        return None
    top, bottom = max(0, int(sign.baseline - 2.1 * x)), int(sign.baseline + 0.6 * x)
    return Shift(Box(sign.box.right + start - 2, top, sign.box.right + end + 2, bottom), by)


def put_back(lines: list[ReadLine], shifts: list[Shift]) -> list[ReadLine]:
    """The lines with the boxes of print that :func:`close_up` moved where they are on the page."""
    return [replace(line, words=tuple(_put_back(word, shifts) for word in line.words)) for line in lines]


def _put_back(word: ReadWord, shifts: list[Shift]) -> ReadWord:
    for shift in shifts:
        at = shift.box.moved(-shift.by)
        if not (at.top < word.box.y < at.bottom and word.box.overlaps(at)):
            continue
        boxes = tuple(box.moved(shift.by) if at.left <= box.x <= at.right else box for box in word.letter_boxes)
        word = replace(word, letter_boxes=boxes, box=hull([word.box, *boxes]) if boxes else word.box)
    return word
