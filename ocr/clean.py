"""Page images made fit for reading: seals out, light evened, page level.

Every step takes and returns ``uint8`` arrays; a page that is already good passes through nearly unchanged.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

#: Skew is looked for within this many degrees to either side.
MAX_SKEW = 6.0
#: Diameter of a seal, in page widths: 30 to 42 mm of 210.
_SEAL_DIAMETER = (0.12, 0.24)
#: A seal is told from letters when it is lighter than they are by so many of 256 shades.
_SEAL_LIGHTER = 30.0
#: Turning a page blurs its letters a little; below this many degrees it does more harm than good.
LEVEL = 0.12


@dataclass(frozen=True, slots=True)
class CleanPage:
    """A page image ready for recognition.

    Attributes:
        image: ``(height, width)`` grey, dark letters on white paper.
        ink: the same page as a mask, 255 where there is ink.
        skew: degrees by which it was turned; positive = it hung down to the right.
    """

    image: np.ndarray
    ink: np.ndarray
    skew: float


def clean(image: np.ndarray) -> CleanPage:
    """Remove seals, even out the light and level the page.

    Args:
        image: ``(height, width)`` grey or ``(height, width, 3)`` RGB.
    """
    grey = drop_seals(image)
    grey = even_light(grey)
    skew = find_skew(grey)
    if abs(skew) >= LEVEL:
        grey = turn(grey, skew)
    else:
        skew = 0.0
    ink = binarize(grey)
    faded = fade_seals(grey, ink)
    return CleanPage(faded, ink if faded is grey else binarize(faded), skew)


def drop_seals(image: np.ndarray) -> np.ndarray:
    """Grey version of a page in which red ink is as light as paper.

    Seals of Vietnamese offices are red. In the red channel of the image red ink is as bright as paper, while black
    letters under the seal stay dark: the page is simply looked at through a red filter where it is reddish.
    """
    if image.ndim == 2:
        return image
    red, green, blue = cv2.split(image)
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    excess = cv2.subtract(red, cv2.max(green, blue))
    reddish = cv2.dilate((excess > 40).astype(np.uint8), np.ones((3, 3), np.uint8))
    return np.where(reddish > 0, cv2.max(red, grey), grey).astype(np.uint8)


def fade_seals(grey: np.ndarray, ink: np.ndarray) -> np.ndarray:
    """The page without the seals that a grey scan shows lighter than its letters.

    Tesseract takes a seal for a picture, and the lines that touch it with it. A seal is a large round component; where
    it is clearly lighter than the letters of the page, everything in its disc that is as light as it becomes paper.
    A bilevel scan, on which seal and letters are equally black, is left as it is.
    """
    height, width = ink.shape
    half = cv2.resize(ink, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    _, half = cv2.threshold(half, 40, 255, cv2.THRESH_BINARY)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(cv2.dilate(half, np.ones((3, 3), np.uint8)))
    least, most = _SEAL_DIAMETER[0] * width / 2, _SEAL_DIAMETER[1] * width / 2
    out = grey
    for label in range(1, len(stats)):
        left, top, w, h, area = (int(v) for v in stats[label])
        if not (least < min(w, h) < most and max(w, h) < 2.5 * min(w, h) and area < 0.5 * w * h):
            continue
        ring = _ring(labels[top : top + h, left : left + w] == label)
        if ring is None:
            continue
        centre, radius = (2 * (left + ring[0]), 2 * (top + ring[1])), 2 * ring[2]
        band = np.zeros_like(ink)
        cv2.circle(band, centre, round(radius), 255, 9)
        letters = float(np.percentile(grey[ink > 0][::7], 30))
        seal = float(np.median(grey[(band > 0) & (ink > 0)]))
        if seal < letters + _SEAL_LIGHTER:
            continue
        disc = np.zeros_like(ink)
        cv2.circle(disc, centre, round(1.06 * radius), 255, -1)
        # What is darker than the seal keeps its shades, drawn apart so that the seal itself is white.
        shades = np.arange(256, dtype=np.float64)
        faded = letters + (shades - letters) * (255 - letters) / (0.8 * (seal - letters))
        table = np.where(shades <= letters, shades, faded).clip(0, 255).astype(np.uint8)
        out = np.where(disc > 0, cv2.LUT(out, table), out).astype(np.uint8)
    return out


def _ring(component: np.ndarray) -> tuple[int, int, float] | None:
    """Centre and radius, in pixels, of the circle that a component is drawn along; ``None`` if it is drawn along none.

    A pen stroke may reach out of the circle on one side, so its diameter is the component's shorter side.
    """
    height, width = component.shape
    radius = min(height, width) / 2
    y, x = np.nonzero(component)
    best, most = None, 0
    for shift in range(0, max(height, width) - min(height, width) + 1, 4):
        centre_x, centre_y = (shift + radius, radius) if width > height else (radius, shift + radius)
        near = np.abs(np.hypot(x - centre_x, y - centre_y) - radius) < 5
        turns = np.arctan2(y[near] - centre_y, x[near] - centre_x)
        sectors = len(np.unique(((turns + np.pi) * 36 / np.pi).astype(np.int64)))
        if sectors > most:
            best, most = (round(centre_x), round(centre_y), radius - 2), sectors
    return best if most >= 44 else None  # of 72 sectors of five degrees


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
    count, labels, stats, _ = cv2.connectedComponentsWithStats(ink)
    if count < 40:
        return 0.0
    keep = (stats[:, cv2.CC_STAT_HEIGHT] < 40) & (stats[:, cv2.CC_STAT_WIDTH] < 200)
    keep &= stats[:, cv2.CC_STAT_AREA] >= 4
    keep[0] = False
    y, x = np.nonzero(keep[labels])
    if len(y) < 500:
        return 0.0

    def sharpness(degrees: float) -> float:
        slope = np.tan(np.radians(degrees))
        rows = np.bincount((y - x * slope + ink.shape[1] * abs(slope) + 1).astype(np.int64)).astype(np.float64)
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
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    return cv2.warpAffine(
        grey, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=255
    )
