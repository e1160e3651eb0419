"""Which of the syllables of the same letters stands in a gap: a small network that sees both sides of it.

The n-grams (``language.py``) know what stands next to what. The network knows what goes with what farther away: it has
a vector for each of the six symbols on either side of the gap and the mean of those of the 32 beyond them, makes one
vector of it all through two gated layers (Dauphin et al. 2017), and compares that with one vector for each syllable.
It was trained to tell a syllable from those of the same letters (``train_cloze.py``), so what it says is a ratio of
odds between two of these. What it adds to the n-grams is measured in ``docs/repair.md``.

Where nobody asks nothing is computed: a gap takes 2.3 million multiplications.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from normalize.vietnamese.language import DATA, NONE, OTHER, RESERVED

FILE = DATA / "cloze.npz"
#: Symbols on either side of the gap that have a vector each, and those beyond them that have one together.
NEAR, FAR = 6, 32
REACH = NEAR + FAR
#: Odds are kept within this bound, nats.
MOST = 12.0
#: What the mean of many vectors, which is small, is multiplied by.
FAR_TIMES = 3.0
_GAPS = 2048  # as many at once as memory should hold

Ids = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]

#: Where the symbols around a gap stand, and which of them are near and far.
OFFSETS = np.arange(-REACH, REACH + 1)
ARE_NEAR = np.flatnonzero((np.abs(OFFSETS) <= NEAR) & (OFFSETS != 0))
ARE_FAR = np.flatnonzero(np.abs(OFFSETS) > NEAR)


@dataclass(frozen=True, slots=True)
class Table:
    """A vector for each symbol, in steps of 8 bits.

    Attributes:
        steps: shape (symbols, n).
        size: of a step, by symbol; shape (symbols, 1).
    """

    steps: npt.NDArray[np.int8]
    size: Floats

    def __getitem__(self, ids: Ids) -> Floats:
        """The vectors of some symbols; shape (...) -> (..., n)."""
        return self.steps[ids].astype(np.float32) * self.size[ids]


@dataclass(frozen=True, slots=True)
class Cloze:
    """The network.

    Attributes:
        near, far: of the symbols around the gap.
        out, bias: of the syllables that may stand in it.
        layers: weights and bias of each, the gated ones with twice the width.
    """

    near: Table
    far: Table
    out: Table
    bias: Floats
    layers: tuple[tuple[Floats, Floats], ...]

    def knows(self, symbols: Ids) -> npt.NDArray[np.bool_]:
        """Which symbols are syllables or words that training had; shape (n,) -> (n,)."""
        return (symbols >= len(RESERVED)) & (symbols < len(self.bias))

    def vectors(self, around: Ids) -> Floats:
        """What stands around each gap as one vector; shape (n, 2 * REACH + 1) -> (n, width of ``out``).

        Args:
            around: symbols as :func:`gaps` gives them; what stands in the gap itself is not looked at.
        """
        parts = [self._some(around[first : first + _GAPS]) for first in range(0, len(around), _GAPS)]
        return np.concatenate(parts or [np.zeros((0, self.out.steps.shape[1]), np.float32)])

    def _some(self, around: Ids) -> Floats:
        known = np.where((around < len(self.bias)) & (around != NONE), around, OTHER)
        near = self.near[known[:, ARE_NEAR]].reshape(len(known), -1)
        is_there = (around[:, ARE_FAR] != NONE).astype(np.float32)
        far = np.einsum("nf,nfk->nk", is_there, self.far[known[:, ARE_FAR]]) * np.float32(FAR_TIMES / len(ARE_FAR))
        first, second, last = self.layers
        hidden = _gated(np.hstack([near, far]), *first)
        hidden = hidden + _gated(_normal(hidden), *second)
        return _normal(hidden) @ last[0] + last[1]

    def odds(self, vectors: Floats, symbols: Ids, others: Ids) -> Floats:
        """log P(symbol) / P(other) in each gap, nats, 0 where the network does not know both; shape (n,).

        Args:
            vectors: shape (n, width of ``out``).
            symbols, others: what may stand there; of the same letters, or the odds mean nothing.
        """
        known = self.knows(symbols) & self.knows(others)
        one, two = (np.where(known, side, OTHER) for side in (symbols, others))
        odds = np.einsum("nk,nk->n", vectors, self.out[one] - self.out[two]) + self.bias[one] - self.bias[two]
        return np.where(known, np.clip(odds, -MOST, MOST), 0).astype(np.float32)


def gaps(ids: Ids, at: Ids) -> Ids:
    """The symbols around gaps in a text, and in them; shape (n,) -> (n, 2 * REACH + 1).

    Beyond the ends of the text nothing is known: there stands ``NONE``, which near the gap counts as a hidden word, and
    farther away as nothing. (As a hidden word there, too, it led astray: in texts of 8 syllables 11 % of the gaps were
    filled wrongly, and 4 % so; of reports that training left out, 8,382 gaps.)
    """
    padded = np.pad(ids, REACH, constant_values=NONE)
    return padded[at[:, None] + REACH + OFFSETS]


def _gated(values: Floats, weights: Floats, bias: Floats) -> Floats:
    """A layer one half of which says how much of the other passes."""
    passing, gate = np.split(values @ weights + bias, 2, axis=1)
    return passing / (1 + np.exp(-gate))


def _normal(values: Floats) -> Floats:
    """Each row with mean 0 and variance 1 (layer normalization, Ba et al. 2016)."""
    centred = values - values.mean(axis=1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(axis=1, keepdims=True) + np.float32(1e-5))


@lru_cache(maxsize=2)
def load_cloze(path: Path = FILE) -> Cloze:
    """The network as ``train_cloze.py`` left it, once a process.

    Raises:
        FileNotFoundError: the data file is missing.
    """
    with np.load(path) as data:
        near, far, out = (Table(data[name], data[f"{name}_size"].astype(np.float32)) for name in ("near", "far", "out"))
        layers = tuple(
            (data[f"{name}_weights"].astype(np.float32), data[f"{name}_bias"].astype(np.float32))
            for name in ("first", "second", "last")
        )
        return Cloze(near, far, out, data["bias"].astype(np.float32), layers)
