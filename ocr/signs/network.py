"""Reading a sign: a small neural network over its picture, because Tesseract's Vietnamese model knows none of ≤ ≥ ‰.

It also loses a sign that stands alone in the cell of a table. One hidden layer over 24 x 24 pixels tells these signs
and "something else" apart. Its weights are made by ``python -m ocr.signs.train``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ocr.image import sign_network
from ocr.image.sign_network import normalized

#: What the network can answer; the empty string is "none of these".
SIGNS = ("%", "‰", "≤", "≥", "<", ">", "x", "+", "")
SIDE = 24
WEIGHTS = Path(__file__).parent / "data" / "signs.npz"


def picture(sign: np.ndarray) -> np.ndarray:
    """The picture of a sign, grey and cut out, as the network sees it."""
    return normalized(sign, SIDE, SIDE).ravel()


def probabilities(signs: list[np.ndarray]) -> np.ndarray:
    """``(len(signs), len(SIGNS))``: how likely each picture is each sign; every row sums to 1."""
    if not signs:
        return np.zeros((0, len(SIGNS)), np.float32)
    return sign_network.probabilities(np.stack([picture(sign) for sign in signs]), sign_network.load(WEIGHTS))
