"""Grounds taken off from under print: heads of tables on grey, which printers and bilevel scanners set as dots, and
heads in white on dark.

Dots and letters run together for Tesseract, and white letters are no ink at all: what stands on a ground is lost
without a trace. A ground is told by its dots, or its pinholes where it is dark: no print has so many specks so close
together. It is blurred until its dots are gone, its shade becomes paper, and what is darker, or lighter where most is,
becomes ink.
"""

from __future__ import annotations

import cv2
import numpy as np

from ocr.image.components import Components, find_components
from ocr.page import Box

#: Of A4 at 300 dpi; all lengths below are in its pixels, 0.085 mm.
_WIDTH = 2480
#: A page is looked at in cells of so many pixels. A ground has some ink in all of them, in so many rows and columns at
#: least, which other print seldom has.
_CELL = 8
_LEAST_INK = 0.04
_ROWS, _COLUMNS = 7, 16
#: A ground shows above and below its print: it is higher than a word. Words of broken bold letters are 48 at most.
_LEAST_HEIGHT = 54
#: A row or a column of pixels at its edge belongs to it from this share of its usual ink on.
_RAGGED = 0.5
#: A dot or a pinhole is at most so large, in square pixels; a ground has one in nearly each square of so many pixels,
#: and they are no farther apart than this.
_DOT, _SQUARE, _APART = 60, 20, 14
_DOTTED = 0.75
#: A dark ground has so much ink, and as much along its edges, and some letters in it.
_DARK, _EDGE, _EDGE_INK, _FEWEST_LETTERS = 0.5, 10, 0.8, 3
_LETTER = (14, 90)  # their height
#: Half-width of the blur that makes dots a shade, in distances between them.
_BLUR = 0.35
#: Shades between a ground and its print: so far from the ground, of all the way, lies paper still.
_PAPER = 0.3
#: What differs from a ground by fewer of 256 shades is no print.
_LEAST_CONTRAST = 40
#: No stroke of print holds a square so large: what does is a shade of paper, or black.
_THICKEST = 18
#: Of 255: a shade of one mean so far from white, and so far from black, with so little in it that strays.
_SHADES, _STRAY = (90, 228), 14
#: A shade of one piece is so large at least, in square pixels, and one of its sides so long: the star of a seal is not.
_LEAST_SHADE, _LONG = 5000, 250
#: A border of the table below goes up so far at least to be seen, and stands so far from letters in the head.
_BORDER, _CLEAR = 30, 3


def without_grounds(grey: np.ndarray, ink: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A page and its ink with print on grounds as dark letters on paper; the very same arrays where it has none.

    Args:
        grey: ``(height, width)`` page whose light is even.
        ink: mask of the same size, 255 where there is ink.
    """
    unit = grey.shape[1] / _WIDTH
    pitches = {place: _pitch(ink, place, unit) for place in _places(ink, unit)}
    places = [place for place, pitch in pitches.items() if pitch or _is_dark(ink, place, unit)]
    if not places:
        return grey, ink
    grey, ink = grey.copy(), ink.copy()
    for place in places:
        window = np.s_[place.top : place.bottom, place.left : place.right]
        lifted = _lifted(grey[window], pitches[place])
        if lifted is None:
            continue
        _draw_borders(lifted, ink, place, unit)
        grey[window] = lifted
        ink[window] = np.where(lifted < 128, 255, 0)
    return grey, ink


def even_shades(grey: np.ndarray) -> np.ndarray:
    """The page with print on grounds of one grey as print on paper; the very same array where it has none.

    A line that was marked with a pen, a band that a fold or a scanner darkened, a watermark: too narrow for the light
    of a page to be evened by, and dark enough to be taken for ink with the letters on it. The shade under print is what
    a grey closing leaves, which takes out all that is narrower than its square.

    Args:
        grey: ``(height, width)`` page whose light is even.
    """
    unit = grey.shape[1] / _WIDTH
    half = cv2.resize(grey, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    side = max(3, round(_THICKEST * unit / 2))
    shades = cv2.morphologyEx(half, cv2.MORPH_CLOSE, np.ones((side, side), np.uint8))
    low, high = _SHADES
    grey_shades = cv2.inRange(shades, low, high)
    least, long = _LEAST_SHADE * unit * unit / 4, _LONG * unit / 2
    if cv2.countNonZero(grey_shades) < least:  # of most pages nothing at all
        return grey
    parts = find_components(grey_shades)
    large = np.flatnonzero((parts.area >= least) & (np.maximum(parts.width, parts.height) >= long))
    even = [index for index in large.tolist() if _is_one_shade(shades, parts, index, unit / 2)]
    if not even:
        return grey
    chosen = np.zeros(parts.count, bool)
    chosen[even] = True
    own = np.where(_reaching(parts.mask(chosen), side), shades, 255).astype(np.uint8)
    ground = cv2.resize(own, (grey.shape[1], grey.shape[0]), interpolation=cv2.INTER_LINEAR)
    return np.where(ground < high, cv2.divide(grey, ground, scale=250), grey).astype(np.uint8)


def _is_one_shade(shades: np.ndarray, parts: Components, index: int, unit: float) -> bool:
    """Whether most of a component has one grey, as no photograph has, and no letters in white stand on it."""
    left, top, right, bottom = parts.box(index)
    inside = parts.labels[top:bottom, left:right] == index + 1
    low, high = np.percentile(shades[top:bottom, left:right][inside], (25, 75))
    return bool(high - low <= _STRAY) and _letters_in_white(inside, unit) < _FEWEST_LETTERS


def _letters_in_white(ground: np.ndarray, unit: float) -> int:
    """How many holes of the size of a letter a ground has."""
    paper = find_components((~ground).astype(np.uint8))
    letters = (paper.height > _LETTER[0] * unit) & (paper.height < _LETTER[1] * unit) & (paper.left > 0)
    letters &= (paper.top > 0) & (paper.right < ground.shape[1]) & (paper.bottom < ground.shape[0])
    return int(letters.sum())


def _reaching(mask: np.ndarray, side: int) -> np.ndarray:
    """A mask with the edges that a closing took off it."""
    return cv2.dilate(mask.astype(np.uint8), np.ones((side, side), np.uint8)) > 0


def _places(ink: np.ndarray, unit: float) -> list[Box]:
    """Where a page is inked so densely that there may be a ground."""
    cell = max(2, round(_CELL * unit))
    height, width = (side // cell for side in ink.shape)
    share = cv2.resize(ink[: height * cell, : width * cell], (width, height), interpolation=cv2.INTER_AREA)
    # Dots may be as far apart as two cells.
    share = cv2.blur(share, (3, 3), borderType=cv2.BORDER_REPLICATE)
    inked = (share > 255 * _LEAST_INK).astype(np.uint8)
    whole = cv2.morphologyEx(inked, cv2.MORPH_OPEN, np.ones((_ROWS, _COLUMNS), np.uint8))
    places = [_trimmed(ink, Box(*(cell * side for side in box))) for box in find_components(whole).boxes()]
    return [place for place in places if place.height >= _LEAST_HEIGHT * unit]


def _trimmed(ink: np.ndarray, place: Box) -> Box:
    """A place without the paper at its edges that its cells took in."""
    part = ink[place.top : place.bottom, place.left : place.right] > 0
    ends = []
    for axis in (1, 0):
        share = part.mean(axis=axis)
        inked = np.flatnonzero(share >= _RAGGED * float(np.median(share)))
        ends.append((int(inked[0]), int(inked[-1]) + 1))
    (top, bottom), (left, right) = ends
    return Box(place.left + left, place.top + top, place.left + right, place.top + bottom)


def _pitch(ink: np.ndarray, place: Box, unit: float) -> float:
    """How far apart the dots or pinholes of a place are, in pixels; 0 where it is not full of them."""
    part = (ink[place.top : place.bottom, place.left : place.right] > 0).astype(np.uint8)
    side = max(4, round(_SQUARE * unit))
    squares = np.zeros((part.shape[0] // side + 1, part.shape[1] // side + 1), bool)
    most = 1
    for mask, connectivity in ((part, 8), (1 - part, 4)):
        _, _, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=connectivity)
        small = stats[1:][stats[1:, cv2.CC_STAT_AREA] < _DOT * unit * unit]
        squares[small[:, cv2.CC_STAT_TOP] // side, small[:, cv2.CC_STAT_LEFT] // side] = True
        most = max(most, len(small))
    whole = squares[: part.shape[0] // side, : part.shape[1] // side]
    full = whole.size > 0 and float(whole.mean()) > _DOTTED
    apart = float(np.sqrt(part.size / most))
    return apart if full and apart < _APART * unit else 0.0


def _is_dark(ink: np.ndarray, place: Box, unit: float) -> bool:
    """Whether a place is black, its edges too, with letters in white."""
    part = ink[place.top : place.bottom, place.left : place.right] > 0
    edge = max(2, round(_EDGE * unit))
    sides = (part[edge : 2 * edge], part[-2 * edge : -edge], part[:, edge : 2 * edge], part[:, -2 * edge : -edge])
    if float(part.mean()) < _DARK or min(float(side.mean()) for side in sides) < _EDGE_INK:
        return False
    return _letters_in_white(part, unit) >= _FEWEST_LETTERS


def _lifted(part: np.ndarray, pitch: float) -> np.ndarray | None:
    """A place with its ground as white as paper and its print dark; ``None`` where nothing stands on it.

    Args:
        pitch: how far apart the dots of the ground are, in pixels; 0 where it has none.
    """
    shades = cv2.GaussianBlur(part, (0, 0), max(1.0, _BLUR * pitch)) if pitch else part
    ground = float(np.median(shades))
    dark, light = float(np.percentile(shades, 1)), float(np.percentile(shades, 99))
    away, print_at = (
        (ground - shades.astype(np.float32), dark)
        if ground - dark > light - ground
        else (
            shades.astype(np.float32) - ground,
            light,
        )
    )
    contrast = abs(print_at - ground)
    if contrast < _LEAST_CONTRAST:
        return None
    strength = (away / contrast - _PAPER) / (1 - _PAPER)
    return np.asarray(255 - (255 * strength).clip(0, 255), np.uint8)


def _draw_borders(lifted: np.ndarray, ink: np.ndarray, place: Box, unit: float) -> None:
    """Draw the edges of a ground, and the borders of the columns below it as far as they cross no letters."""
    reach, clear, thick = (max(1, round(length * unit)) for length in (_BORDER, _CLEAR, 4))
    height, width = lifted.shape
    below = ink[place.bottom + thick : place.bottom + thick + reach, place.left : place.right]
    cv2.rectangle(lifted, (0, 0), (width - 1, height - 1), 0, thick)
    if below.shape[0] < reach:
        return
    inner = lifted[2 * thick : height - 2 * thick] < 128
    for x in np.flatnonzero((below > 0).all(axis=0)).tolist():
        if not inner[:, max(0, x - clear) : x + clear + 1].any():
            lifted[:, x] = 0
