"""Reading a small picture of one sign: a network with one hidden layer, for what Tesseract cannot read.

Its weights tell which signs it knows: :mod:`ocr.superscripts.raised_digits` and :mod:`ocr.signs.network` have their
own. They are made by :mod:`ocr.image.train_sign_network`.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import cv2
import numpy as np


def cut_out(image: np.ndarray, left: int, top: int, right: int, bottom: int, margin: int = 2) -> np.ndarray:
    """The picture of one sign with ``margin`` pixels around it: the flag of a thin 1 is often only grey."""
    return image[max(0, top - margin) : bottom + margin, max(0, left - margin) : right + margin]


def normalized(sign: np.ndarray, height: int, width: int) -> np.ndarray:
    """The picture of one sign as the network sees it.

    Args:
        sign: grey from :func:`cut_out`, dark on light.
        height, width: of what the network sees.

    Returns:
        ``(height, width)`` float32, ink 1 and paper 0, the sign centred with its proportions kept.
    """
    ink = 255.0 - sign.astype(np.float32)
    low, high = _twentieth(ink), float(ink.max())
    ink = ((ink - low) / max(high - low, 1.0)).clip(0, 1)
    scale = min((height - 2) / ink.shape[0], (width - 1) / ink.shape[1])
    size = (max(1, round(ink.shape[1] * scale)), max(1, round(ink.shape[0] * scale)))
    small = cv2.resize(ink, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    out = np.zeros((height, width), np.float32)
    top, left = (height - small.shape[0]) // 2, (width - small.shape[1]) // 2
    out[top : top + small.shape[0], left : left + small.shape[1]] = small
    return out


def _twentieth(ink: np.ndarray) -> float:
    """What one in twenty pixels is below: the fifth percentile, which NumPy takes five times as long for."""
    place = (ink.size - 1) * 0.05
    below, above = np.partition(ink, (int(place), int(place) + 1), axis=None)[int(place) : int(place) + 2]
    return float(below + (above - below) * (place - int(place)))


def probabilities(pictures: np.ndarray, weights: dict[str, np.ndarray]) -> np.ndarray:
    """``(count, signs)``: how likely each picture is each sign; every row sums to 1.

    Args:
        pictures: ``(count, height * width)`` from :func:`normalized`.
        weights: from :func:`load`.
    """
    hidden = np.maximum(pictures @ weights["w1"] + weights["b1"], 0)
    score = hidden @ weights["w2"] + weights["b2"]
    score = np.exp(score - score.max(axis=1, keepdims=True))
    return np.asarray(score / score.sum(axis=1, keepdims=True))


@cache
def load(path: Path) -> dict[str, np.ndarray]:
    """The weights of a network; read once a process."""
    with np.load(path) as file:
        return {name: file[name].astype(np.float32) for name in file.files}
