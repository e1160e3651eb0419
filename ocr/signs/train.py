"""Train the network of :mod:`ocr.signs.network` on signs rendered here.

    python -m ocr.signs.train

Signs, and letters, digits and pieces of words that are none, are drawn in every Latin text font of the machine and
treated like scans, as for :mod:`ocr.superscripts.train_raised_digits`. Nothing but the machine's fonts goes in.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ocr.image import train_sign_network
from ocr.image.components import find_components
from ocr.image.sign_network import cut_out
from ocr.page import hull
from ocr.signs.network import SIGNS, WEIGHTS, picture

#: How a sign may be printed, where in more ways than one.
DRAWN = {"x": "xX×"}
#: What stands where such a sign may stand.
OTHERS = (
    *"0123456789abcdđeghiklmnopqrstuvyABCDĐEGHIKLMNOPQRSTUVY&§@#$?!*()[]{}/|\\=~:;.,\"'“”-–—_ơưăâêôếệộọụịạằẩ",
    *(
        "10",
        "11",
        "12",
        "20",
        "25",
        "2/",
        "%)",
        "(%",
        "<<",
        "1.",
        "a)",
        "I.",
        "II",
        "III",
        "c:",
        "...",
        "-x",
        "°C",
        "2°",
    ),
    *(
        "±",
        "÷",
        "≠",
        "≈",
        "=",
        "∑",
        "√",
        "→",
        "←",
        "☐",
        "☑",
        "✓",
        "no",
        "Bộ",
        "TT",
        "ha",
        "m2",
        "kg",
        "ng",
        "an",
        "Z",
        "S",
    ),
)


def draw(text: str, font: ImageFont.FreeTypeFont, random: np.random.Generator) -> np.ndarray | None:
    """A sign as a scanner would see it, cut close around all its pieces; ``None`` when the font lacks it."""
    size = round(font.size)
    left, top, right, bottom = (round(side) for side in font.getbbox(text))
    margin = size // 3
    canvas = Image.new("L", (right - left + 2 * margin, bottom - top + 2 * margin), 255)
    pen = ImageDraw.Draw(canvas)
    pen.text((margin - left, margin - top), text, font=font, fill=int(random.integers(0, 130)))
    image: np.ndarray = np.asarray(canvas, np.float32)
    if image.min() > 200:
        return None
    shift = random.uniform(0, 3, 2)
    lean = random.uniform(-0.03, 0.03, 2)
    matrix = np.array([[1 / 3, lean[0], shift[0]], [lean[1], 1 / 3, shift[1] + 3]], np.float32)
    side = (image.shape[1] // 3 + 6, image.shape[0] // 3 + 12)
    image = cv2.GaussianBlur(image, (0, 0), random.uniform(0.8, 4.2))
    image = cv2.warpAffine(image, matrix, side, flags=cv2.INTER_AREA, borderValue=255.0)
    image = image + random.normal(0, random.uniform(0, 14), image.shape)
    if random.random() < 0.5:  # bilevel, like a fax
        image = np.where(image < random.uniform(100, 200), 0.0, 255.0)
    if random.random() < 0.5:  # 200 dpi brought to 300
        image = cv2.resize(image.astype(np.float32), None, fx=1.5, fy=1.5, interpolation=cv2.INTER_CUBIC)
    grey = image.clip(0, 255).astype(np.uint8)
    _, ink = cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY_INV + cv2.THRESH_OTSU)
    parts = find_components(ink)
    boxes = [box for box, area in zip(parts.boxes(), parts.area.tolist(), strict=True) if area >= 8]
    if not boxes:
        return None
    return cut_out(grey, *hull(boxes), margin=int(random.integers(1, 4)))


def choose(random: np.random.Generator) -> tuple[str, str]:
    """A sign, or none, and what is to be drawn for it."""
    kind = int(random.integers(0, 2 * len(SIGNS)))
    sign = SIGNS[kind] if kind < len(SIGNS) else ""
    return sign, str(random.choice(list(DRAWN.get(sign, sign)))) if sign else str(random.choice(OTHERS))


def make_examples(count: int, seed: int, fonts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """``count`` pictures and the index of each one's sign."""
    return train_sign_network.make_examples(
        count, seed, fonts, signs=SIGNS, sizes=(24, 64), choose=choose, draw=draw, picture=picture
    )


if __name__ == "__main__":
    train_sign_network.train_by_command(__doc__, 30_000, make_examples, SIGNS, WEIGHTS)
