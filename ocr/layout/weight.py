"""How thick the strokes of each word are, beside those of the page: bold print is told from the rest by nothing else.

Measured along the rows of the ink: most of what a row crosses are stems, which bold print has half as thick again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from ocr.page import Line, Word, Zone, each_line, words_of

#: A run of ink longer than this, in median runs, is a bar or a pen's stroke, and no stem.
_BAR = 2.0
#: A word of fewer runs (a dash, a full stop) has no stems to measure.
_FEWEST_RUNS = 20
#: Letters: with fewer, a page does not show what is usual on it.
_FEWEST_LETTERS = 100


def with_weights(zones: Iterable[Zone], ink: np.ndarray) -> tuple[Zone, ...]:
    """The zones with the weight of each word that has enough ink to measure.

    Args:
        ink: ``(height, width)`` mask of the page, 0 where there is paper.
    """
    zones = tuple(zones)
    words = [word for zone in zones if zone.kind != "noise" for word in words_of(zone.lines)]
    measured = [(word, stroke) for word in words if (stroke := _stroke(word, ink))]
    usual = _usual(measured)
    if not usual:
        return zones
    # By identity: the hash of a word is that of all its letters and their rivals.
    weights = {id(word): round(stroke / usual, 2) for word, stroke in measured}
    return each_line(zones, lambda line: _weighed(line, weights))


def _weighed(line: Line, weights: Mapping[int, float]) -> Line:
    return replace(line, words=tuple(replace(word, weight=weights.get(id(word), 0.0)) for word in line.words))


def _stroke(word: Word, ink: np.ndarray) -> float:
    """Pixels; 0.0 where it cannot be told."""
    left, top, right, bottom = word.box
    window = ink[max(0, top) : bottom, max(0, left) : right]
    if not any(c.isalnum() for c in word.text) or not window.size:
        return 0.0
    on_paper = np.zeros((window.shape[0], window.shape[1] + 2), bool)
    np.not_equal(window, 0, out=on_paper[:, 1:-1])
    # Every row begins and ends on paper: its edges are, in turn, where a run begins and where it ends.
    edges = np.flatnonzero(on_paper[:, 1:] != on_paper[:, :-1])
    runs = np.sort(edges[1::2] - edges[::2])
    if len(runs) < _FEWEST_RUNS:
        return 0.0
    usual = (runs[(len(runs) - 1) // 2] + runs[len(runs) // 2]) / 2
    return float(runs[runs <= _BAR * usual].mean())


def _usual(measured: Sequence[tuple[Word, float]]) -> float:
    """The thickness of most of a page's letters; 0.0 where there are too few."""
    letters = np.repeat([stroke for _, stroke in measured], [len(word.text) for word, _ in measured])
    return float(np.median(letters)) if len(letters) >= _FEWEST_LETTERS else 0.0
