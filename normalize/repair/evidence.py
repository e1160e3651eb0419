"""What speaks for and against a reading where there is no page: what the document says elsewhere, and around it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from normalize.repair.search import scored
from normalize.vietnamese.language import LanguageModel, pack

Ids = npt.NDArray[np.int64]
Reals = npt.NDArray[np.float64]

# Bonds (pointwise mutual information) are kept within these bounds, nats.
LOOSE, FIRM = -3.0, 10.0
# So many symbols on either side tell whether the model knows this kind of text.
FAR = 12


class OwnCounts:
    """How often the document has each sequence of symbols of one shape."""

    def __init__(self, ids: Ids, offsets: Sequence[int], where: npt.NDArray[np.bool_] | None = None) -> None:
        """``offsets`` are those of the sequence's members from the first; ``where``: at which symbols it may stand."""
        size = max(len(ids) - offsets[-1], 0)
        columns = np.stack([ids[one : one + size] for one in offsets], axis=1)
        if where is not None:
            columns = columns[np.logical_and.reduce([where[one : one + size] for one in offsets])]
        self._keys, self._times = np.unique(packed(columns), return_counts=True)

    def __call__(self, columns: Ids) -> npt.NDArray[np.int64]:
        """How often each row stands in the document; shape (n, k) -> (n,)."""
        if not self._keys.size:
            return np.zeros(columns.shape[0], np.int64)
        wanted = packed(columns)
        at = np.minimum(np.searchsorted(self._keys, wanted), self._keys.size - 1)
        return np.where(self._keys[at] == wanted, self._times[at], 0)


def packed(columns: Ids) -> npt.NDArray[np.uint64]:
    """Rows of up to four ids as keys of the language model's tables."""
    return pack(np.hstack([np.zeros((columns.shape[0], 4 - columns.shape[1]), np.int64), columns]))


def bond(model: LanguageModel, rows: Ids, left: int) -> Reals:
    """How firmly the symbol in a column of each row goes with the next one: pointwise mutual information, nats."""
    pair = rows[:, left : left + 2]
    found = scored(model, np.hstack([np.zeros_like(pair), pair])) - model.alone(pair[:, 1])
    return np.clip(found, LOOSE, FIRM)


def known(model: LanguageModel, rows: Ids, order: int, firsts: range) -> Reals:
    """How many of the n-grams of an order that begin in these columns of each row the tables have."""
    return np.sum([model.find(packed(rows[:, one : one + order])) >= 0 for one in firsts], axis=0).astype(float)


def familiar(base: Reals, at: Ids, touched: int) -> Reals:
    """Mean log probability of the symbols around some places, without the ``touched`` ones that begin there.

    Args:
        base: log probability of each symbol of the document.
    """
    sums = np.concatenate([[0.0], np.cumsum(base)])
    first, begin = np.maximum(at - FAR, 0), np.minimum(at + touched, len(base))
    last = np.minimum(at + touched + FAR, len(base))
    size = (at - first) + (last - begin)
    return (sums[at] - sums[first] + sums[last] - sums[begin]) / np.maximum(size, 1)
