"""Seals taken off the page image: they lie over the signature, and Tesseract takes them, and what they touch, for
pictures.

A seal in colour is looked at through a filter of its own colour. On a grey or bilevel scan it is found as a circle
of the size that offices use. Where it is lighter than the letters it is faded; where it is as black as they are, its
rings and the emblem in its middle become paper, and letters that a ring crosses keep the rest of their strokes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from ocr.image.components import Shapes, find_components
from ocr.page import Box, hull, in_rows

#: In radii: what stands nearer to the centre of a seal is no print.
NO_PRINT = 1.15
#: Radius of a seal, in page widths: seals are 30 to 42 mm wide, a page 210 mm.
_RADIUS = (0.06, 0.12)
#: Share of a circle that must be inked for the rim of a seal. Circles seen in text are inked to 0.3 at most.
_RIM = 0.7
#: Share of a circle inside the rim that must be inked for a ring: letters set along a circle are inked less.
_RING = 0.45
#: Within this share of the radius there are no rings but a star or an emblem.
_INNERMOST_RING = 0.3
#: A ring's edges are ragged, by so many pixels; rings nearer to each other than this are one.
_RAGGED = 2
#: A stroke that goes on beyond a ring for this share of the radius, 6 pixels of a seal at 300 dpi, crosses it and is no
#: part of it; so is one of so many pixels along the ring. Measured on 28 black seals.
_CROSSING, _CROSSING_WIDTH = 0.035, 3
#: Within this share of the radius lies the star of a plain seal, or the emblem of a national one.
_STAR, _EMBLEM = 0.42, 0.64
#: In radii: outside of this a seal ends.
_RIM_WIDTH = 1.12
# Name stamps in red, in radii of the seal beside them (15 to 21 mm; letters of 13 points are 3 mm tall).
_REACH = 3.2  # so far to either side of the seal they stand, and 0.7 times as far above and below
_LEAST_LETTER, _TALLEST_LETTER = 0.08, 0.42
_NEXT_LETTER = 0.3
_FEWEST_LETTERS, _SHORTEST_ROW = 3, 0.6
_ROOM_FOR_MARKS = 0.08
_WITHIN_RIM = 0.93  # what is nearer to the centre is the seal's own
#: Ink is blue when it has so many of 256 shades more of blue than of red.
_BLUE = 25
#: A seal is told from letters when it is lighter than they are by so many of 256 shades.
_LIGHTER = 30.0


@dataclass(frozen=True, slots=True)
class Seal:
    """A round seal on a page.

    Attributes:
        x, y: its centre in pixels.
        radius: of its rim, in pixels.
        rings: for each radius in pixels from 0 on, the share of that circle that is inked.
    """

    x: int
    y: int
    radius: int
    rings: np.ndarray

    def covers(self, x: Any, y: Any, reach: float) -> Any:
        """Whether a place, or each of some in arrays, is nearer to its centre than ``reach``, in radii."""
        return np.hypot(x - self.x, y - self.y) < reach * self.radius

    def rings_touch(self, box: Box) -> bool:
        """Whether one of its rings runs through a box: what is printed there has lost a part of its strokes."""
        beside = max(box.left - self.x, 0, self.x - box.right), max(box.top - self.y, 0, self.y - box.bottom)
        corner = max(self.x - box.left, box.right - self.x), max(self.y - box.top, box.bottom - self.y)
        near, far = np.hypot(*beside), np.hypot(*corner)
        return any(first < far and near < last for first, last in _bands(self))


def red_ink(image: np.ndarray) -> np.ndarray | None:
    """Mask of a page in colour, 255 where it is red; ``None`` for a grey page.

    Args:
        image: ``(height, width)`` grey or ``(height, width, 3)`` RGB.
    """
    if image.ndim == 2:
        return None
    red, green, blue = cv2.split(image)
    _, mask = cv2.threshold(cv2.subtract(red, cv2.max(green, blue)), 40, 255, cv2.THRESH_BINARY)
    return mask


def drop_red(image: np.ndarray, red: np.ndarray | None, letters: np.ndarray | None = None) -> np.ndarray:
    """Grey version of a page in which red ink is as light as paper, but for what is print.

    Seals of Vietnamese offices are red. In the red channel of the image red ink is as bright as paper, while black
    letters under the seal stay dark: the page is simply looked at through a red filter where it is reddish.

    Args:
        image: ``(height, width)`` grey or ``(height, width, 3)`` RGB.
        red: its :func:`red_ink`.
        letters: from :func:`red_letters`; what is in them is looked at the other way: blue ink becomes paper.
    """
    if red is None:
        return image
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    reddish = cv2.dilate(red, np.ones((3, 3), np.uint8))
    out = cv2.copyTo(cv2.max(cv2.extractChannel(image, 0), grey), reddish, grey.copy())
    if letters is None or not letters.any():
        return out
    darkest = image.min(axis=2)
    pen = cv2.subtract(image[:, :, 2], image[:, :, 0]) > _BLUE
    out = np.where(letters > 0, darkest, out)
    near = cv2.dilate(letters, np.ones((9, 9), np.uint8)) > 0
    return np.where(near & pen & (letters == 0), 255, out).astype(np.uint8)


def red_letters(red: np.ndarray | None, seals: list[Seal]) -> np.ndarray | None:
    """Mask of the red ink of name stamps: straight rows of letters near a seal and outside of it.

    Args:
        red: from :func:`red_ink`.
        seals: from :func:`find_red`, found on the same image.
    """
    if red is None or not seals:
        return None
    outside = red.copy()
    for seal in seals:
        cv2.circle(outside, (seal.x, seal.y), round(_WITHIN_RIM * seal.radius), 0, -1)
        reach = round(_RIM_WIDTH * seal.radius)
        window, distance, angle = _about(seal, reach, red)
        outside[window][_drawn(seal, red, distance, angle)] = 0
    parts = find_components(outside)
    keep = np.zeros(parts.count, bool)
    for seal in seals:
        for row in _rows_of_letters(parts, seal):
            keep |= parts.within(row) & (parts.height < _TALLEST_LETTER * seal.radius)
    return np.where(parts.mask(keep), 255, 0).astype(np.uint8)


def _rows_of_letters(parts: Shapes, seal: Seal) -> list[Box]:
    """The rows of letters about a seal, with room for their marks."""
    reach = _REACH * seal.radius
    near = (np.abs(parts.x - seal.x) < reach) & (np.abs(parts.y - seal.y) < 0.7 * reach)
    near &= (parts.height > _LEAST_LETTER * seal.radius) & (parts.height < _TALLEST_LETTER * seal.radius)

    def goes_on(row: list[Box], letter: Box) -> bool:
        level = row[-1].down(letter) > 0.5 * min(row[-1].height, letter.height)
        return level and letter.left - row[-1].right < _NEXT_LETTER * seal.radius

    rows = in_rows(sorted(parts.take(near).boxes(), key=lambda box: box.left), goes_on)
    room = round(_ROOM_FOR_MARKS * seal.radius)
    found = [hull(row) for row in rows if len(row) >= _FEWEST_LETTERS]
    long = [row for row in found if row.width > _SHORTEST_ROW * seal.radius]
    return [Box(row.left - room, row.top - room, row.right + room, row.bottom + room) for row in long]


def find_red(red: np.ndarray | None) -> list[Seal]:
    """The red seals of a page, which :func:`drop_red` takes off, by its :func:`red_ink`."""
    if red is None or cv2.countNonZero(red) < 0.0005 * red.size:
        return []
    return find_seals(255 - red, red)


def find_seals(grey: np.ndarray, ink: np.ndarray) -> list[Seal]:
    """The round seals of a page, by the Hough transform for circles (Yuen et al. 1990) on a reduced image.

    Args:
        grey: ``(height, width)`` page.
        ink: mask of the same size, 255 where there is ink.
    """
    width = grey.shape[1]
    small = cv2.resize(grey, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    least, most = (round(share * small.shape[1]) for share in _RADIUS)
    circles = cv2.HoughCircles(
        cv2.GaussianBlur(small, (3, 3), 0), cv2.HOUGH_GRADIENT, 1, 2 * least,
        param1=150, param2=40, minRadius=least, maxRadius=most,
    )  # fmt: skip
    if circles is None:
        return []
    # More than a few circles are a pattern, not seals.
    found = [_rim_at(ink, 4 * x, 4 * y, 4 * radius) for x, y, radius in circles[0][:6]]
    return [seal for seal in found if seal is not None and seal.radius < _RADIUS[1] * width]


def without_seals(grey: np.ndarray, ink: np.ndarray, seals: list[Seal]) -> np.ndarray:
    """The page with its seals faded or erased; the very same array where it has none.

    Args:
        grey: ``(height, width)`` page whose light is even.
        ink: mask of the same size, 255 where there is ink.
        seals: from :func:`find_seals`.
    """
    if not seals:
        return grey
    out = grey.copy()
    letters = float(np.percentile(grey[ink > 0][::7], 30))
    for seal in seals:
        window, distance, angle = _about(seal, round(_RIM_WIDTH * seal.radius), grey)
        part = out[window]
        rim = (np.abs(distance - seal.radius) < 4) & (ink[window] > 0)
        shade = float(np.median(grey[window][rim]))
        if shade >= letters + _LIGHTER:
            out[window] = np.where(distance < 1.06 * seal.radius, _faded(part, letters, shade), part)
        else:
            out[window] = np.where(_drawn(seal, ink, distance, angle), 255, part)
    return out


def _about(seal: Seal, reach: int, page: np.ndarray) -> tuple[tuple[slice, slice], np.ndarray, np.ndarray]:
    """The window of a page about a seal, and of each pixel in it the distance and the angle from the seal's centre."""
    top, left = max(0, seal.y - reach), max(0, seal.x - reach)
    bottom, right = min(page.shape[0], seal.y + reach), min(page.shape[1], seal.x + reach)
    y, x = np.ogrid[top - seal.y : bottom - seal.y, left - seal.x : right - seal.x]
    return np.s_[top:bottom, left:right], np.hypot(x, y), np.arctan2(y, x)


def _faded(grey: np.ndarray, letters: float, seal: float) -> np.ndarray:
    """What is darker than a seal keeps its shades, drawn apart so that the seal itself is white."""
    shades = np.arange(256, dtype=np.float64)
    drawn_apart = letters + (shades - letters) * (255 - letters) / (0.8 * (seal - letters))
    return cv2.LUT(grey, np.where(shades <= letters, shades, drawn_apart).clip(0, 255).astype(np.uint8))


def _drawn(seal: Seal, ink: np.ndarray, distance: np.ndarray, angle: np.ndarray) -> np.ndarray:
    """Mask of a seal's rings and of the star or emblem in its middle.

    Args:
        ink: mask of the page.
        distance, angle: of each pixel of a window from the seal's centre; in radians.
    """
    inner = seal.rings[round(0.3 * seal.radius) : round(0.6 * seal.radius)]
    core = _EMBLEM if float(inner.mean()) > 0.3 else _STAR
    turns = round(2 * np.pi * seal.radius)
    drawn = _rings(ink, seal, turns)
    turn = (angle / (2 * np.pi) * turns).round().astype(np.intp) % turns
    radius = distance.round().astype(np.intp)
    outside = radius >= drawn.shape[1]
    return (distance < core * seal.radius) | (drawn[turn, np.where(outside, 0, radius)] & ~outside)


def _rings(ink: np.ndarray, seal: Seal, turns: int) -> np.ndarray:
    """Mask of a seal's rings, a row for each of so many angles and a column for each pixel of radius.

    As staves are taken out of music: where ink goes on beyond a ring, to either side, a letter or a stroke of the pen
    crosses it, and there the ring is left standing.
    """
    around = np.linspace(0, 2 * np.pi, turns, endpoint=False)[:, None]
    radii = np.arange(len(seal.rings))
    across = (seal.x + radii * np.cos(around)).round().astype(np.intp).clip(0, ink.shape[1] - 1)
    down = (seal.y + radii * np.sin(around)).round().astype(np.intp).clip(0, ink.shape[0] - 1)
    inked = ink[down, across] > 0
    reach = round(_CROSSING * seal.radius)
    drawn = np.zeros_like(inked)
    for first, last in _bands(seal):
        crossed = inked[:, first - reach : first].all(axis=1)
        if last + reach <= inked.shape[1]:
            crossed |= inked[:, last : last + reach].all(axis=1)
        # Opened by itself: the first angle is beside the last one.
        round_about = np.concatenate([crossed[-_CROSSING_WIDTH:], crossed, crossed[:_CROSSING_WIDTH]])
        wide = cv2.morphologyEx(round_about.astype(np.uint8)[None], cv2.MORPH_OPEN, np.ones((1, _CROSSING_WIDTH)))
        drawn[:, first:last] |= wide[0, _CROSSING_WIDTH:-_CROSSING_WIDTH, None] == 0
    return drawn


def _bands(seal: Seal) -> list[tuple[int, int]]:
    """First radius of each ring, and the one after its last, ragged edges included."""
    inked = np.flatnonzero(seal.rings > _RING)
    inked = inked[inked > _INNERMOST_RING * seal.radius]
    if not len(inked):
        return []
    pieces = np.split(inked, np.flatnonzero(np.diff(inked) > _RAGGED + 1) + 1)
    return [(int(piece[0]) - _RAGGED, min(int(piece[-1]) + 1 + _RAGGED, len(seal.rings))) for piece in pieces]


def _rim_at(ink: np.ndarray, x: float, y: float, radius: float) -> Seal | None:
    """The seal whose rim lies near a circle, ``None`` where the ink near it is no rim."""
    centre_x, centre_y = x, y
    best = 0.0
    # Coarsely, then finely: the reduced image tells the centre to some four pixels.
    for step, angles in ((4, 180), (1, 360)):
        around_x, around_y = centre_x, centre_y
        for dx in range(-2 * step, 2 * step + 1, step):
            for dy in range(-2 * step, 2 * step + 1, step):
                near = np.arange(0.85 * radius, 1.12 * radius)
                share = float(_inked(ink, around_x + dx, around_y + dy, near, angles).max())
                if share > best:
                    best, centre_x, centre_y = share, around_x + dx, around_y + dy
        if best < 0.6 * _RIM:
            return None
    if best < _RIM:
        return None
    rings = _inked(ink, centre_x, centre_y, np.arange(round(1.12 * radius)), 720)
    inside = round(0.85 * radius)
    return Seal(round(centre_x), round(centre_y), inside + int(rings[inside:].argmax()), rings)


def _inked(ink: np.ndarray, x: float, y: float, radii: np.ndarray, angles: int) -> np.ndarray:
    """For each radius, the share of the circle about ``(x, y)`` that is inked."""
    turn = np.linspace(0, 2 * np.pi, angles, endpoint=False)
    across = (x + radii[:, None] * np.cos(turn)).round().astype(np.intp).clip(0, ink.shape[1] - 1)
    down = (y + radii[:, None] * np.sin(turn)).round().astype(np.intp).clip(0, ink.shape[0] - 1)
    return np.asarray((ink[down, across] > 0).mean(axis=1))
