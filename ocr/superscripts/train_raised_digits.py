"""Train the network of :mod:`ocr.superscripts.raised_digits` on digits rendered here.

    python -m ocr.superscripts.train_raised_digits

Digits, asterisks and signs that are neither are drawn in every Latin text font of the machine, small as footnote
references are, then blurred, thresholded, speckled and enlarged like scans. Nothing but the machine's fonts goes in.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ocr.image import train_sign_network
from ocr.image.components import find_components
from ocr.image.sign_network import cut_out
from ocr.superscripts.raised_digits import SIGNS, WEIGHTS, picture

#: Raised signs that are no footnote references. Letters that look like digits (o, l, s, z) are left out.
OTHERS = "\"'’”“‘´`^~?!°ªaenmcrtvxkhuwyAENHTKVX(),.-–=+/%&@;:§ơưăđ"


def draw(text: str, font: ImageFont.FreeTypeFont, random: np.random.Generator) -> np.ndarray | None:
    """One sign as a scanner would see it, cut close; ``None`` when the font lacks it."""
    size = round(font.size)
    canvas = Image.new("L", (size * 3, size * 3), 255)
    ImageDraw.Draw(canvas).text((size, size // 2), text, font=font, fill=int(random.integers(0, 130)))
    image: np.ndarray = np.asarray(canvas, np.float32)
    if image.min() > 200:
        return None
    # Drawn at three times the size: brought down with a random phase, as a scanner's grid falls.
    shift = random.uniform(0, 3, 2)
    matrix = np.array([[1 / 3, random.uniform(-0.03, 0.03), shift[0]], [0, 1 / 3, shift[1]]], np.float32)
    side = image.shape[0] // 3 + 6
    image = cv2.GaussianBlur(image, (0, 0), random.uniform(0.8, 4.2))
    image = cv2.warpAffine(image, matrix, (side, side), flags=cv2.INTER_AREA, borderValue=255.0)
    image = image + random.normal(0, random.uniform(0, 14), image.shape)
    if random.random() < 0.4:  # bilevel, like a fax
        image = np.where(image < random.uniform(110, 190), 0.0, 255.0)
        flips = random.random(image.shape) < random.uniform(0, 0.01)
        image[flips] = 255 - image[flips]
    if random.random() < 0.5:  # 200 dpi brought to 300
        image = cv2.resize(image.astype(np.float32), None, fx=1.5, fy=1.5, interpolation=cv2.INTER_CUBIC)
    grey = image.clip(0, 255).astype(np.uint8)
    _, ink = cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY_INV + cv2.THRESH_OTSU)
    parts = find_components(ink)
    if not parts.count:
        return None
    largest = int(parts.area.argmax())
    box = parts.box(largest)
    if parts.area[largest] < 8 or box.height < 6:
        return None
    return cut_out(grey, *box, margin=int(random.integers(1, 4)))


def choose(random: np.random.Generator) -> tuple[str, str]:
    """A sign, or none, and what is to be drawn for it."""
    kind = int(random.integers(0, 14))
    sign = SIGNS[kind] if kind < 11 else ""
    return sign, sign or str(random.choice(list(OTHERS)))


def make_examples(count: int, seed: int, fonts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """``count`` pictures and the index of each one's sign."""
    return train_sign_network.make_examples(
        count, seed, fonts, signs=SIGNS, sizes=(17, 40), choose=choose, draw=draw, picture=picture
    )


if __name__ == "__main__":
    train_sign_network.train_by_command(__doc__, 60_000, make_examples, SIGNS, WEIGHTS)
