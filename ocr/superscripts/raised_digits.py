"""Reading a raised sign: a small neural network over its picture, because Tesseract cannot read one.

Tesseract's recognizer knows no superscripts and returns ``!``, ``'`` or ``”`` for them, and nothing at all for a
digit that stands alone. One hidden layer over 24 x 16 pixels tells the ten digits, the asterisk and "something
else" apart. Its weights are made by ``python -m ocr.superscripts.train_raised_digits``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ocr.image import sign_network
from ocr.image.sign_network import normalized

#: What the network can answer; the empty string is "no footnote sign".
SIGNS = ("0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "")
HEIGHT, WIDTH = 24, 16
WEIGHTS = Path(__file__).parent / "data" / "raised_digits.npz"


def picture(sign: np.ndarray) -> np.ndarray:
    """The picture of a sign, grey and cut out, as the network sees it."""
    return normalized(sign, HEIGHT, WIDTH).ravel()


def probabilities(signs: list[np.ndarray]) -> np.ndarray:
    """``(len(signs), len(SIGNS))``: how likely each picture is each sign; every row sums to 1."""
    if not signs:
        return np.zeros((0, len(SIGNS)), np.float32)
    return sign_network.probabilities(np.stack([picture(sign) for sign in signs]), sign_network.load(WEIGHTS))
