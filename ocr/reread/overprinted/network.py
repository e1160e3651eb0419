"""A small network that reads one printed line, letter by letter, through what was stamped and written over it.

Tesseract was taught clean lines: a seal's ring or a stroke of the pen makes other letters for it, or none. This network
was taught lines with such things over them (:mod:`ocr.reread.overprinted.train`). It is convolutional throughout: from
the picture of a line it makes, for each fourth column, the odds of each letter and of none (connectionist temporal
classification, Graves et al. 2006). It sees some three letters to either side and no further: it reads, and knows no
words.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

WEIGHTS = Path(__file__).parent / "data" / "letters.npz"

_VOWELS = "aàáảãạăằắẳẵặâầấẩẫậeèéẻẽẹêềếểễệiìíỉĩịoòóỏõọôồốổỗộơờớởỡợuùúủũụưừứửữựyỳýỷỹỵ"
_LOWER = _VOWELS + "bcdđfghjklmnpqrstvwxz"
#: What the network can answer, in this order; before them, at 0, that no letter begins or goes on there.
LETTERS = _LOWER + _LOWER.upper() + "0123456789" + " .,:;()/-"
#: Pixels: of the picture of a line, from its capitals' heads to their feet, and from its top to these feet.
HEIGHT, CAPITALS, FEET = 48, 22, 36
#: Columns of the picture for one row of odds.
STRIDE = 4


@dataclass(frozen=True, slots=True)
class Reading:
    """What the network read in a line.

    Attributes:
        text: without spaces at its ends.
        odds: of each letter of the text, 0 to 1.
        columns: of the picture, where each letter is.
    """

    text: str
    odds: tuple[float, ...]
    columns: tuple[int, ...]

    @property
    def least(self) -> float:
        """The odds of the letter that is least sure; 0 where nothing was read."""
        return min(self.odds, default=0.0)


def even(line: np.ndarray) -> np.ndarray:
    """A grey line as the network sees it: paper 0, ink 1, as ``float32``."""
    grey = line.astype(np.float32)
    paper, ink = np.percentile(grey, 90), grey.min()
    return np.clip((paper - grey) / max(paper - ink, 40.0), 0, 1).astype(np.float32)


def read(line: np.ndarray) -> Reading:
    """Read the picture of a line.

    Args:
        line: ``(HEIGHT, width)`` grey, its letters as high and where :data:`CAPITALS` and :data:`FEET` say.
    """
    return decoded(odds(even(line), load()))


@lru_cache(maxsize=1)
def load(path: Path = WEIGHTS) -> dict[str, np.ndarray]:
    """The weights: kernels ``(out, in, rows, columns)``, ``(channels, columns)`` of the long ones, and biases."""
    with np.load(path) as stored:
        return {name: stored[name].astype(np.float32) for name in stored.files}


def odds(picture: np.ndarray, weights: dict[str, np.ndarray]) -> np.ndarray:
    """``(width / STRIDE, 1 + len(LETTERS))``: how likely each letter, or none, is in each part of an even line."""
    x = picture[None]
    for at, (down, right) in enumerate(((2, 2), (2, 2), (1, 1), (1, 1), (2, 1), (1, 1))):
        kernel = weights[f"k{at}"]
        x = np.maximum(_convolved(x, kernel, down, right) + weights[f"b{at}"][:, None, None], 0)
    channels, rows, columns = x.shape
    flat = weights["k6"].reshape(-1, channels * rows) @ x.reshape(channels * rows, columns)
    x = np.maximum(flat + _bias(weights, 6), 0)
    for at in range(7, 11):
        x = x + np.maximum(weights[f"k{at}"] @ _spread(x, weights[f"d{at}"]) + _bias(weights, at), 0)
    score = weights["k11"] @ x + _bias(weights, 11)
    score = np.exp(score - score.max(axis=0))
    return np.asarray((score / score.sum(axis=0)).T)


def _bias(weights: dict[str, np.ndarray], at: int) -> np.ndarray:
    return weights[f"b{at}"][:, None]


def _convolved(x: np.ndarray, kernel: np.ndarray, down: int, right: int) -> np.ndarray:
    """``x`` ``(channels, rows, columns)`` under a kernel, paper about it, each so many rows and columns."""
    out, channels, tall, wide = kernel.shape
    x = np.pad(x, ((0, 0), (tall // 2, tall // 2), (wide // 2, wide // 2)))
    rows, columns = (x.shape[1] - tall) // down + 1, (x.shape[2] - wide) // right + 1
    windows = np.empty((channels, tall, wide, rows, columns), x.dtype)
    for row in range(tall):
        for column in range(wide):
            windows[:, row, column] = x[:, row : row + down * rows : down, column : column + right * columns : right]
    flat = windows.reshape(channels * tall * wide, rows * columns)
    return np.asarray((kernel.reshape(out, -1) @ flat).reshape(out, rows, columns))


def _spread(x: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """``x`` ``(channels, columns)``, each channel under its own row of a kernel."""
    width = kernel.shape[1]
    padded = np.pad(x, ((0, 0), (width // 2, width // 2)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, width, 1)
    return np.asarray(np.einsum("cxw,cw->cx", windows, kernel))


def decoded(odds: np.ndarray) -> Reading:
    """The likeliest letter of each part of the line, those that go on counted once."""
    best = odds.argmax(axis=1)
    text: list[str] = []
    sure: list[float] = []
    columns: list[int] = []
    before = 0
    for at, letter in enumerate(best.tolist()):
        if letter and letter == before:
            sure[-1] = max(sure[-1], float(odds[at, letter]))
        elif letter:
            text.append(LETTERS[letter - 1])
            sure.append(float(odds[at, letter]))
            columns.append(STRIDE * at + STRIDE // 2)
        before = letter
    while text and text[-1] == " ":
        del text[-1], sure[-1], columns[-1]
    first = next((at for at, letter in enumerate(text) if letter != " "), 0)
    return Reading("".join(text[first:]), tuple(sure[first:]), tuple(columns[first:]))
