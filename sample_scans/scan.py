"""What printing, handling and scanning do to a page; all of it hangs on the given generator alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

Noise = np.random.Generator


@dataclass(frozen=True)
class Condition:
    """How a page is scanned: what the pages go through, and how they are stored."""

    dpi: int
    quality: int  # of JPEG; 0: 1-bit, CCITT G4
    worsen: Callable[[np.ndarray, Noise], np.ndarray]


def _field(shape: tuple[int, int], cells: int, rng: Noise) -> np.ndarray:
    """A smooth random field between -1 and 1."""
    small = rng.uniform(-1, 1, (cells + 1, cells)).astype(np.float32)
    return np.clip(cv2.resize(small, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC), -1, 1)


def _uneven_ink(page: np.ndarray, rng: Noise) -> np.ndarray:
    """A seal is never inked evenly: fade the red in patches."""
    blue, green, red = (page[:, :, k].astype(np.float32) for k in range(3))
    redness = np.clip((red - np.maximum(blue, green)) / 90, 0, 1)
    if not redness.any():
        return page
    fade = redness * (0.25 + 0.3 * _field(page.shape[:2], 60, rng))
    return (page + (255 - page.astype(np.float32)) * np.clip(fade, 0, 0.6)[:, :, None]).astype(np.uint8)


def _rotate(page: np.ndarray, degrees: float, border: int) -> np.ndarray:
    height, width = page.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
    shade = (border,) * 3
    return cv2.warpAffine(page, matrix, (width, height), flags=cv2.INTER_CUBIC, borderValue=shade)


def _resize(page: np.ndarray, dpi: int) -> np.ndarray:
    return cv2.resize(page, None, fx=dpi / 300, fy=dpi / 300, interpolation=cv2.INTER_AREA)


def _curl(page: np.ndarray, pixels: float, rng: Noise) -> np.ndarray:
    """The sheet does not lie flat: lines bend a little, most near the left edge."""
    height, width = page.shape[:2]
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    phase = rng.uniform(0, 2 * np.pi)
    bend = pixels * np.exp(-2.2 * x / width) * np.sin(np.pi * y / height + phase)
    bend += 0.5 * pixels * np.sin(2 * np.pi * x / width * 0.8 + phase)
    return cv2.remap(page, x, (y + bend).astype(np.float32), cv2.INTER_CUBIC, borderValue=(235, 235, 235))


def _tone(page: np.ndarray, ink: float, paper: np.ndarray | float) -> np.ndarray:
    """Print between the brightness of the ink and that of the paper."""
    toned: np.ndarray = ink + page.astype(np.float32) / 255 * (paper - ink)
    return toned


def _grain(page: np.ndarray, sigma: float, rng: Noise) -> np.ndarray:
    noisy = page.astype(np.float32) + rng.normal(0, sigma, page.shape)
    return np.clip(np.rint(noisy), 0, 255).astype(np.uint8)


def _specks(page: np.ndarray, count: int, darkest: int, rng: Noise) -> np.ndarray:
    for _ in range(count):
        centre = (int(rng.integers(page.shape[1])), int(rng.integers(page.shape[0])))
        shade = (int(rng.integers(darkest, 200)),) * 3
        cv2.circle(page, centre, int(rng.integers(1, 3)), shade, -1, cv2.LINE_AA)
    return page


def _fray(shape: tuple[int, ...], blur: float, rng: Noise) -> np.ndarray:
    """Noise a little wider than a pixel: it nibbles at the edges of the print."""
    noise = np.asarray(rng.standard_normal(shape), np.float32)
    return np.asarray(cv2.GaussianBlur(noise, (0, 0), blur))


def _grey(page: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(page, cv2.COLOR_BGR2GRAY)


def clean300(page: np.ndarray, rng: Noise) -> np.ndarray:
    """A good sheet on a good scanner, grey."""
    page = _rotate(_uneven_ink(page, rng), rng.uniform(-0.08, 0.08), 255)
    return np.clip(_tone(cv2.GaussianBlur(_grey(page), (0, 0), 0.7), 18, 254), 0, 255).astype(np.uint8)


def office300(page: np.ndarray, rng: Noise) -> np.ndarray:
    """An everyday office scanner: a little turned, paper not quite white, a few specks."""
    page = _rotate(_uneven_ink(page, rng), rng.uniform(-0.6, 0.6), 245)
    page = _specks(page, 25, 90, rng)
    page = cv2.GaussianBlur(_grey(page), (0, 0), 1.0)
    return _grain(_tone(page, 32, 244 + 4 * _field(page.shape, 3, rng)), 1.6, rng)


def poor200(page: np.ndarray, rng: Noise) -> np.ndarray:
    """A copy of a copy, carelessly laid on the glass: soft, noisy, uneven light, curled."""
    page = _curl(_rotate(_uneven_ink(page, rng), rng.uniform(-0.7, 0.7), 235), 9, rng)
    page = _resize(_grey(_specks(page, 60, 60, rng)), 200)
    width = page.shape[1]
    shade = 218 + 14 * _field(page.shape, 3, rng)
    # The spine edge lies off the glass and darkens.
    shade -= 55 * np.exp(-np.arange(width, dtype=np.float32) / (0.05 * width))[None, :]
    return _grain(cv2.GaussianBlur(_tone(page, 70, shade), (0, 0), 1.05), 7, rng)


def fax200(page: np.ndarray, rng: Noise) -> np.ndarray:
    """A fax machine: 1 bit, frayed strokes, pepper, a streak."""
    page = _grey(_rotate(page, rng.uniform(-0.4, 0.4), 255))
    small = cv2.GaussianBlur(_resize(page, 200), (0, 0), 0.7).astype(np.float32)
    fray = _fray(small.shape, 0.8, rng)
    bits = np.where(small + 72 * fray > 154 + 10 * _field(small.shape, 4, rng), 255, 0).astype(np.uint8)
    for _ in range(110):
        y, x = int(rng.integers(bits.shape[0])), int(rng.integers(bits.shape[1]))
        bits[y : y + int(rng.integers(1, 3)), x : x + int(rng.integers(1, 4))] = 0
    # A dirty spot on the glass draws a thin broken line down the margin.
    column = int(rng.integers(20, 60))
    bits[rng.random(bits.shape[0]) < 0.25, column] = 0
    return bits


def skewed300(page: np.ndarray, rng: Noise) -> np.ndarray:
    """Laid on the glass askew, in colour: cream paper, red seal, blue ink."""
    page = _rotate(_uneven_ink(page, rng), 1.5 + rng.uniform(-0.15, 0.15), 255)
    page = cv2.GaussianBlur(page, (0, 0), 0.9)
    light = 1 + 0.012 * _field(page.shape[:2], 3, rng)
    paper = np.array([236, 246, 250], np.float32)[None, None, :] * light[:, :, None]
    # One grain for all three colours: a scanner's noise is mostly in brightness.
    noise = rng.normal(0, 1.2, page.shape[:2])[:, :, None]
    return np.clip(np.rint(_tone(page, 30, paper) + noise), 0, 255).astype(np.uint8)


def bilevel300(page: np.ndarray, rng: Noise) -> np.ndarray:
    """An office machine set to black and white."""
    page = _grey(_rotate(page, rng.uniform(-0.3, 0.3), 255))
    soft = cv2.GaussianBlur(page, (0, 0), 0.9).astype(np.float32)
    fray = _fray(soft.shape, 1.0, rng)
    bits = np.where(soft + 25 * fray > 160, 255, 0).astype(np.uint8)
    for _ in range(40):
        y, x = int(rng.integers(bits.shape[0])), int(rng.integers(bits.shape[1]))
        bits[y : y + 2, x : x + int(rng.integers(1, 4))] = 0
    return bits


def colour200(page: np.ndarray, rng: Noise) -> np.ndarray:
    """A flatbed in colour at 200 dpi, stored as one JPEG."""
    page = _resize(_rotate(_uneven_ink(page, rng), rng.uniform(-0.5, 0.5), 250), 200)
    page = cv2.GaussianBlur(page, (0, 0), 0.5)
    paper = np.array([250, 248, 243], np.float32)[None, None, :]
    return _grain(_tone(page, 35, paper), 1.5, rng)


CONDITIONS = {
    "clean300": Condition(300, 36, clean300),
    "office300": Condition(300, 45, office300),
    "poor200": Condition(200, 42, poor200),
    "fax200": Condition(200, 0, fax200),
    "skewed300": Condition(300, 45, skewed300),
    "bilevel300": Condition(300, 0, bilevel300),
    "colour200": Condition(200, 70, colour200),
}
