"""Seals taken off the page image: they lie over the signature, and Tesseract takes them, and what they touch, for
pictures.

A seal in colour is looked at through a filter of its own colour. On a grey or bilevel scan it is found as a circle
of the size that offices use. Where it is lighter than the letters it is faded; where it is as black as they are, its
rings and the emblem in its middle become paper, and letters that a ring crosses keep the rest of their strokes.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

#: Radius of a seal, in page widths: seals are 30 to 42 mm wide, a page 210 mm.
_RADIUS = (0.06, 0.12)
#: Share of a circle that must be inked for the rim of a seal. Circles seen in text are inked to 0.3 at most.
_RIM = 0.7
#: Share of a circle inside the rim that must be inked for a ring: letters set along a circle are inked less.
_RING = 0.45
#: Within this share of the radius lies the star of a plain seal, or the emblem of a national one.
_STAR, _EMBLEM = 0.42, 0.64
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


def drop_red(image: np.ndarray, red: np.ndarray | None) -> np.ndarray:
    """Grey version of a page in which red ink is as light as paper.

    Seals of Vietnamese offices are red. In the red channel of the image red ink is as bright as paper, while black
    letters under the seal stay dark: the page is simply looked at through a red filter where it is reddish.

    Args:
        image: ``(height, width)`` grey or ``(height, width, 3)`` RGB.
        red: its :func:`red_ink`.
    """
    if red is None:
        return image
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    reddish = cv2.dilate(red, np.ones((3, 3), np.uint8))
    return np.where(reddish > 0, cv2.max(image[:, :, 0], grey), grey).astype(np.uint8)


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
        reach = round(1.12 * seal.radius)
        top, left = max(0, seal.y - reach), max(0, seal.x - reach)
        window = np.s_[top : seal.y + reach, left : seal.x + reach]
        part = out[window]
        y, x = np.ogrid[: part.shape[0], : part.shape[1]]
        distance = np.hypot(x + left - seal.x, y + top - seal.y)
        rim = (np.abs(distance - seal.radius) < 4) & (ink[window] > 0)
        shade = float(np.median(grey[window][rim]))
        if shade >= letters + _LIGHTER:
            out[window] = np.where(distance < 1.06 * seal.radius, _faded(part, letters, shade), part)
        else:
            out[window] = np.where(_drawn(seal, distance), 255, part)
    return out


def _faded(grey: np.ndarray, letters: float, seal: float) -> np.ndarray:
    """What is darker than a seal keeps its shades, drawn apart so that the seal itself is white."""
    shades = np.arange(256, dtype=np.float64)
    drawn_apart = letters + (shades - letters) * (255 - letters) / (0.8 * (seal - letters))
    return cv2.LUT(grey, np.where(shades <= letters, shades, drawn_apart).clip(0, 255).astype(np.uint8))


def _drawn(seal: Seal, distance: np.ndarray) -> np.ndarray:
    """Mask of a seal's rings and of the star or emblem in its middle, by each pixel's distance from its centre."""
    inner = seal.rings[round(0.3 * seal.radius) : round(0.6 * seal.radius)]
    core = _EMBLEM if float(inner.mean()) > 0.3 else _STAR
    ring = (seal.rings > _RING).astype(np.uint8)
    # A ring's edges are ragged.
    ring = cv2.dilate(ring[None], np.ones((1, 5), np.uint8))[0]
    radius = np.minimum(distance.round().astype(np.intp), len(ring) - 1)
    return (distance < core * seal.radius) | (ring[radius] > 0)


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
