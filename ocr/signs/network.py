"""Reading a sign: a small neural network over its picture, because Tesseract's Vietnamese model knows none of ≤ ≥ ‰.

It also loses a sign that stands alone in the cell of a table. One hidden layer over 24 x 24 pixels tells these signs
and "something else" apart. Its weights are made by ``python -m ocr.signs.train``.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

from ocr.superscripts.raised_digits import normalized

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
    weights = _weights()
    hidden = np.maximum(np.stack([picture(sign) for sign in signs]) @ weights["w1"] + weights["b1"], 0)
    score = hidden @ weights["w2"] + weights["b2"]
    score = np.exp(score - score.max(axis=1, keepdims=True))
    return np.asarray(score / score.sum(axis=1, keepdims=True))


@cache
def _weights() -> dict[str, np.ndarray]:
    with np.load(WEIGHTS) as file:
        return {name: file[name].astype(np.float32) for name in file.files}
