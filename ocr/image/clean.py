"""Page images made fit for reading: seals out, light evened, page level.

Every step takes and returns ``uint8`` arrays; a page that is already good passes through nearly unchanged.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cache

import cv2
import numpy as np

from ocr.image import red_print, seals
from ocr.image.components import find_components
from ocr.image.grounds import even_shades, without_grounds
from ocr.image.red_print import Stamp
from ocr.page import Box

#: Skew is looked for within this many degrees to either side.
MAX_SKEW = 6.0
#: Turning a page blurs its letters a little; below this many degrees it does more harm than good.
LEVEL = 0.12
# Of the page reduced to 1000 pixels: what is not larger or smaller may be letters and words, and so much of it tells
# the skew.
_TALLEST, _WIDEST = 40, 200  # pixels
_SMALLEST = 4  # pixels of ink
_FEWEST_COMPONENTS, _LEAST_INK = 39, 500
# The edges of red letters: so many pixels about them, at 300 dpi, so many of 256 shades more of red, and so bright.
_HALO, _REDDISH, _PALE = 11, 12, 150


@dataclass(frozen=True, slots=True)
class CleanPage:
    """A page image ready for recognition.

    Attributes:
        image: ``(height, width)`` grey, dark letters on white paper.
        ink: the same page as a mask, 255 where there is ink.
        skew: degrees by which it was turned; positive = it hung down to the right.
        seals: the round seals that were taken off.
        stamped: what was stamped on the page in red and taken off with them, as ``image``; ``None`` where nothing was.
        stamps: where it stands.
        sealed: the same page as ``image`` with those of its seals that are not red.
    """

    image: np.ndarray
    ink: np.ndarray
    skew: float
    seals: list[seals.Seal] = field(default_factory=list)
    stamped: np.ndarray | None = None
    stamps: list[Stamp] = field(default_factory=list)
    sealed: np.ndarray | None = None


def clean(image: np.ndarray) -> CleanPage:
    """Remove seals, even out the light and level the page.

    Args:
        image: ``(height, width)`` grey or ``(height, width, 3)`` RGB.
    """
    red_ink = seals.red_ink(image)
    red = seals.find_red(red_ink)
    letters = seals.red_letters(red_ink, red)
    others = red_print.find_red_print(_without(red_ink, letters), red)
    grey = seals.drop_red(image, red_ink, _both(letters, others.letters))
    stamps, stamped = others.stamps, None
    if others.stamped is not None:
        stamped = np.where(others.stamped > 0, image.min(axis=2), 255).astype(np.uint8)
        grey = _without_halo(grey, image, others.stamped)
    grey = even_shades(even_light(grey))
    skew = find_skew(grey)
    if abs(skew) >= LEVEL:
        grey = turn(grey, skew)
        turning = _turning(grey, skew)
        stamped = None if stamped is None else turn(stamped, skew)
        level = float(np.tan(np.radians(skew)))
        stamps = [Stamp(_turned(stamp.box, turning), stamp.slope - level) for stamp in stamps]
        x, y = turning @ np.array([[seal.x, seal.y, 1] for seal in red]).reshape(-1, 3).T
        red = [replace(seal, x=round(a), y=round(b)) for seal, a, b in zip(red, x, y, strict=True)]
    else:
        skew = 0.0
    grey, ink = without_grounds(grey, binarize(grey))
    found = seals.find_seals(grey, ink)
    bare = seals.without_seals(grey, ink, found)
    return CleanPage(bare, ink if bare is grey else binarize(bare), skew, [*red, *found], stamped, stamps, grey)


def upright(image: np.ndarray, rotation: int, skew: float) -> np.ndarray:
    """A page as people see it, in grey and with its seals, turned as it was turned to be read.

    Args:
        image: as for :func:`clean`.
        rotation, skew: of the page that was read, see :class:`ocr.page.Page`.
    """
    grey = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    grey = even_light(np.ascontiguousarray(np.rot90(grey, -rotation // 90)))
    return turn(grey, skew) if skew else grey


def _without(mask: np.ndarray | None, other: np.ndarray | None) -> np.ndarray | None:
    return mask if mask is None or other is None else cv2.subtract(mask, other)


def _both(mask: np.ndarray | None, other: np.ndarray | None) -> np.ndarray | None:
    return mask if other is None else other if mask is None else cv2.bitwise_or(mask, other)


def _without_halo(grey: np.ndarray, image: np.ndarray, stamped: np.ndarray) -> np.ndarray:
    """The page without the pale edges of what was stamped on it: JPEG keeps colours at half the resolution."""
    near = cv2.dilate(stamped, np.ones((_HALO, _HALO), np.uint8)) > 0
    red = image[:, :, 0]
    reddish = cv2.subtract(red, cv2.max(image[:, :, 1], image[:, :, 2])) > _REDDISH
    # Print under the stamp is dark in red light too.
    return np.where(near & reddish, np.where(red > _PALE, 255, cv2.max(red, grey)), grey).astype(np.uint8)


def _turned(box: Box, turning: np.ndarray) -> Box:
    """The box about a box that was turned."""
    corners = np.array([[x, y, 1] for x in (box.left, box.right) for y in (box.top, box.bottom)])
    x, y = turning @ corners.T
    return Box(int(x.min()), int(y.min()), round(x.max()), round(y.max()))


def even_light(grey: np.ndarray) -> np.ndarray:
    """Divide by the paper's own brightness, so that shadows and yellowed paper become white.

    A bilevel page, whose paper is white already, is returned as it is.
    """
    small = cv2.resize(grey, None, fx=0.125, fy=0.125, interpolation=cv2.INTER_AREA)
    # The paper is what remains when every letter is closed by its surroundings (a grey closing).
    paper = cv2.morphologyEx(small, cv2.MORPH_CLOSE, np.ones((15, 15), np.uint8))
    paper = cv2.GaussianBlur(paper, (0, 0), 5)
    if int(paper.min()) >= 245:
        return grey
    # A photograph or a black bar has no paper under it; dividing by it would only raise noise.
    paper = np.maximum(paper, 96)
    paper = cv2.resize(paper, (grey.shape[1], grey.shape[0]), interpolation=cv2.INTER_LINEAR)
    return cv2.divide(grey, paper, scale=250)


def binarize(grey: np.ndarray) -> np.ndarray:
    """Ink mask (255 = ink) by Otsu's threshold, which suits a page whose light is even.

    A little lighter than Otsu has it, because the hairlines of small digits are grey.
    """
    sample = np.ascontiguousarray(grey[::3, ::3])
    if float(sample.std()) < 2.0:  # A blank page: Otsu would split the noise of the paper.
        return np.zeros_like(grey)
    otsu, _ = cv2.threshold(sample, 0, 255, cv2.THRESH_BINARY_INV + cv2.THRESH_OTSU)
    _, ink = cv2.threshold(grey, otsu + 0.15 * (255 - otsu), 255, cv2.THRESH_BINARY_INV)
    return ink


def find_skew(grey: np.ndarray) -> float:
    """Degrees by which the text lines hang down to the right; 0.0 where there is too little text to tell.

    The projection profile method (Postl 1986): of all turns, the right one gives the row sums that change most
    sharply from row to row. Searched coarsely, then finely, on a reduced image.
    """
    scale = 1000.0 / max(grey.shape)
    small = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    ink = (binarize(small) > 0).astype(np.uint8)
    # Specks, seals and rules are not text lines: keep components of the size of letters and words.
    parts = find_components(ink)
    if parts.count < _FEWEST_COMPONENTS:
        return 0.0
    text = (parts.height < _TALLEST) & (parts.width < _WIDEST) & (parts.area >= _SMALLEST)
    y, x = np.nonzero(parts.mask(text))
    if len(y) < _LEAST_INK:
        return 0.0

    across, down = x.astype(np.float64), y.astype(np.float64)

    @cache  # a turn that was the best of some is looked at once more among finer ones
    def sharpness(degrees: float) -> float:
        slope = np.tan(np.radians(degrees))
        places = across * slope
        np.subtract(down, places, out=places)
        places += ink.shape[1] * abs(slope)
        places += 1
        rows = np.bincount(places.astype(np.int64)).astype(np.float64)
        return float(np.square(np.diff(rows)).sum())

    best, step = 0.0, 0.5
    angles = np.arange(-MAX_SKEW, MAX_SKEW + step, step)
    while step >= 0.03:
        best = float(max(angles, key=sharpness))
        angles = np.linspace(best - step, best + step, 9)
        step /= 4
    return round(float(max(angles, key=sharpness)), 3)


def turn(grey: np.ndarray, degrees: float) -> np.ndarray:
    """Turn the page counter-clockwise by ``degrees`` about its centre; the corners are filled with white."""
    height, width = grey.shape
    return cv2.warpAffine(
        grey,
        _turning(grey, degrees),
        (width, height),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=255,
    )


def _turning(grey: np.ndarray, degrees: float) -> np.ndarray:
    """The matrix of a turn about the centre of the page."""
    height, width = grey.shape
    return np.asarray(cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0))
