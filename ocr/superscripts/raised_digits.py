"""Reading a raised sign: a small neural network over its picture, because Tesseract cannot read one.

Tesseract's recognizer knows no superscripts and returns ``!``, ``'`` or ``”`` for them, and nothing at all for a
digit that stands alone. One hidden layer over 24 x 16 pixels tells the ten digits, the asterisk and "something
else" apart. Its weights are made by ``python -m ocr.superscripts.train_raised_digits``.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import cv2
import numpy as np

#: What the network can answer; the empty string is "no footnote sign".
SIGNS = ("0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "")
HEIGHT, WIDTH = 24, 16
WEIGHTS = Path(__file__).parent / "data" / "raised_digits.npz"


def cut_out(image: np.ndarray, left: int, top: int, right: int, bottom: int, margin: int = 2) -> np.ndarray:
    """The picture of one sign with ``margin`` pixels around it: the flag of a thin 1 is often only grey."""
    return image[max(0, top - margin) : bottom + margin, max(0, left - margin) : right + margin]


def normalized(sign: np.ndarray, height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    """The picture of one sign as the network sees it.

    Args:
        sign: grey from :func:`cut_out`, dark on light.
        height, width: of what the network sees.

    Returns:
        ``(height, width)`` float32, ink 1 and paper 0, the sign centred with its proportions kept.
    """
    ink = 255.0 - sign.astype(np.float32)
    low, high = float(np.percentile(ink, 5)), float(ink.max())
    ink = ((ink - low) / max(high - low, 1.0)).clip(0, 1)
    scale = min((height - 2) / ink.shape[0], (width - 1) / ink.shape[1])
    size = (max(1, round(ink.shape[1] * scale)), max(1, round(ink.shape[0] * scale)))
    small = cv2.resize(ink, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    out = np.zeros((height, width), np.float32)
    top, left = (height - small.shape[0]) // 2, (width - small.shape[1]) // 2
    out[top : top + small.shape[0], left : left + small.shape[1]] = small
    return out


def probabilities(signs: list[np.ndarray]) -> np.ndarray:
    """``(len(signs), len(SIGNS))``: how likely each picture is each sign; every row sums to 1."""
    if not signs:
        return np.zeros((0, len(SIGNS)), np.float32)
    weights = _weights()
    batch = np.stack([normalized(sign) for sign in signs]).reshape(len(signs), -1)
    hidden = np.maximum(batch @ weights["w1"] + weights["b1"], 0)
    score = hidden @ weights["w2"] + weights["b2"]
    score = np.exp(score - score.max(axis=1, keepdims=True))
    return np.asarray(score / score.sum(axis=1, keepdims=True))


@cache
def _weights() -> dict[str, np.ndarray]:
    with np.load(WEIGHTS) as file:
        return {name: file[name].astype(np.float32) for name in file.files}
