"""Two syllables in a row that were misread together, in text that brings no page: "phần đầu" for "phấn đấu".

Either alone makes the sentence no better, so that they are proposed and weighed as one: by how firmly the two go
together, by what the sentence says of them, and by how often the document has the word elsewhere. A logistic regression
over :data:`PAIR_FEATURES` makes a probability of it, as :mod:`normalize.repair.without_page` does for single ones
(``train_without_page.py`` fits both).
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from normalize.repair.candidates import Candidate, Slot
from normalize.repair.evidence import Ids, OwnCounts, Reals, bond, familiar, known
from normalize.repair.misreadings import SHARES, kind_of_syllable
from normalize.repair.search import ODD, WORD, Scores, base_scores, scored
from normalize.vietnamese.cloze import REACH, gaps, load_cloze
from normalize.vietnamese.language import COMMA, NONE, OTHER, RESERVED, START, LanguageModel

# A pair that makes the text less likely by more nats than this is not looked at.
HOPELESS = -2.0

# Two syllables that go together this firmly (nats) are a word, if a rare one, and stay: "xả hơi" is not "xã hội", "dữ
# kiện" is not "dự kiến". So are two of which one goes this firmly with what stands on its other side: "đậu tiến sĩ" is
# not "đầu tiên sĩ", "viết năm 1970" is no Việt Nam. Of 60 pairs that were rightly put right in nine reports one was.
A_WORD, WITH_ANOTHER = 0.9, 2.0

PAIR_FEATURES = (
    "bias",
    "gain",  # by how much the text becomes likelier, nats
    "odds",  # what the network says of each beside the other, nats together
    *SHARES,  # how many of the two were confused in which way
    "unlike",  # in none of these ways
    "capital",
    "bond after",  # pointwise mutual information of the two
    "bond before",
    "bond left after",  # and with the syllables about them
    "bond left before",
    "bond right after",
    "bond right before",
    "frequency after",  # log probability of the two by themselves
    "frequency before",
    "pairs after",  # of the pairs and triples around them, how many the tables have
    "triples after",
    "pairs before",
    "triples before",
    "here after",  # how often the document has the two elsewhere, log
    "here before",
    "any here after",
    "triples here after",  # and beside the same neighbour
    "triples here before",
    "familiar",  # mean log probability of the symbols around
)


@dataclass(frozen=True, slots=True)
class PlausiblePairs:
    """Pairs of candidates worth weighing, one row each.

    Attributes:
        slot: number of the first of the two slots, which stand next to each other.
        candidates: one for each of the two.
        features: shape (n, len(PAIR_FEATURES)).
    """

    slot: npt.NDArray[np.int64]
    candidates: tuple[tuple[Candidate, Candidate], ...]
    features: Reals


def plausible_pairs(
    ids: Ids, slots: Sequence[Slot], model: LanguageModel, base: Scores | None = None
) -> PlausiblePairs:
    """The pairs of candidates of a document that are not hopeless, with their features.

    Looked at are syllables that the model finds unlikely both, that are no name, and that make no word as read.

    Args:
        base: :func:`~normalize.repair.search.base_scores` of the document, where they are known.
    """
    scores = (base_scores(ids, model) if base is None else base).astype(np.float64)
    slot, candidates, symbol = _words(scores, slots, model)
    if not slot.size:
        return PlausiblePairs(slot, (), np.zeros((0, len(PAIR_FEATURES))))
    at = np.array([one.at for one in slots])[slot]
    padded = np.concatenate([[NONE] * 3, ids, [NONE] * 5]).astype(np.int64)
    before = padded[at[:, None] + np.arange(8)]  # the two are the fourth and the fifth
    after = before.copy()
    after[:, 3:5] = symbol
    gain = _gain(scores, at, after, model)
    here = OwnCounts(ids, (0, 1))
    elsewhere = here(symbol)
    kept = np.flatnonzero(~make_sense(before[:, 2:6], model) & ((gain > HOPELESS) | (elsewhere > 0)))
    slot, at, before, after, gain = slot[kept], at[kept], before[kept], after[kept], gain[kept]
    chosen = tuple(candidates[one] for one in kept)

    columns: dict[str, Reals] = {
        "bias": np.ones(len(at)),
        "gain": gain,
        "odds": _odds(ids, at, before[:, 3:5], after[:, 3:5]),
        "capital": np.array([not slots[one].read.islower() for one in slot], float),
        "familiar": familiar(scores, at, 5),
    }
    kinds = [_kinds(slots[one], slots[one + 1], pair) for one, pair in zip(slot.tolist(), chosen, strict=True)]
    columns |= {kind: np.array([one.count(kind) for one in kinds], float) for kind in SHARES}
    columns["unlike"] = np.array([one.count(None) for one in kinds], float)
    triples = OwnCounts(ids, (0, 1, 2))
    for side, rows, itself in (("after", after, 0), ("before", before, 1)):
        beside = functools.partial(_bond, model, rows)
        columns[f"bond {side}"] = beside(3)
        columns[f"bond left {side}"] = beside(2)
        columns[f"bond right {side}"] = beside(4)
        columns[f"frequency {side}"] = model.alone(rows[:, 3]) + model.alone(rows[:, 4]).astype(float)
        columns[f"pairs {side}"] = known(model, rows, 2, range(2, 5))
        columns[f"triples {side}"] = known(model, rows, 3, range(1, 5))
        columns[f"here {side}"] = np.log1p(np.maximum(here(rows[:, 3:5]) - itself, 0))
        # A comma beside the two says nothing.
        left, right = (
            np.where(rows[:, neighbour] >= len(RESERVED), triples(rows[:, first : first + 3]) - itself, 0)
            for neighbour, first in ((2, 2), (5, 3))
        )
        columns[f"triples here {side}"] = np.log1p(np.maximum(np.maximum(left, right), 0))
    columns["any here after"] = np.minimum(columns["here after"], 1.0)
    return PlausiblePairs(slot, chosen, np.stack([columns[name] for name in PAIR_FEATURES], axis=1))


def _odds(ids: Ids, at: Ids, read: Ids, symbol: Ids) -> Reals:
    """What the network says of each of two candidates where the other one stands, nats together; shape (n,).

    Args:
        at: where the first of the two stands.
        read, symbol: what was read, and the candidates; shape (n, 2).
    """
    cloze = load_cloze()
    total = np.zeros(len(at))
    for which, other in ((0, 1), (1, 0)):
        around = gaps(ids, at + which)
        around[:, REACH + other - which] = symbol[:, other]
        total += cloze.odds(cloze.vectors(around), symbol[:, which], read[:, which])
    return total


def make_sense(rows: Ids, model: LanguageModel) -> npt.NDArray[np.bool_]:
    """Which syllables in a row are as meant, because some of them are a word; shape (n, k) -> (n,).

    Args:
        rows: the syllables, and the symbols on either side of them.
    """
    bonds = np.stack([_bond(model, rows, left) for left in range(rows.shape[1] - 2)], axis=1)
    behind = np.where(rows[:, -2] >= len(RESERVED), bond(model, rows, rows.shape[1] - 2), 0.0)  # a number, too
    behind = np.where(np.isin(rows[:, -1], (NONE, START, OTHER, COMMA)), 0.0, behind)
    outside = np.maximum(bonds[:, 0], behind) >= WITH_ANOTHER
    return outside | (bonds[:, 1:] >= A_WORD).any(axis=1)


def _words(
    base: Reals, slots: Sequence[Slot], model: LanguageModel
) -> tuple[npt.NDArray[np.int64], list[tuple[Candidate, Candidate]], Ids]:
    """Pairs of candidates that make a word: number of the first slot, the candidates, and their symbols (n, 2)."""
    places = np.array([slot.at for slot in slots], np.int64)
    is_open = np.array([not slot.name for slot in slots], bool) & (base[places] <= ODD) if slots else np.zeros(0, bool)
    first = np.flatnonzero((np.diff(places) == 1) & is_open[:-1] & is_open[1:])
    numbers, pairs = [], []
    for number in first.tolist():
        both = [(one, two) for one in slots[number].candidates for two in slots[number + 1].candidates]
        numbers += [number] * len(both)
        pairs += both
    if not pairs:
        return np.zeros(0, np.int64), [], np.zeros((0, 2), np.int64)
    symbol = np.array([(one[0], two[0]) for one, two in pairs], np.int64)
    words = np.flatnonzero(model.score_many(np.hstack([np.zeros_like(symbol), symbol])) > WORD)
    return np.array(numbers, np.int64)[words], [pairs[one] for one in words], symbol[words]


def _gain(base: Reals, at: Ids, after: Ids, model: LanguageModel) -> Reals:
    """By how much the two and the three symbols behind them become likelier."""
    gain = np.zeros(len(at))
    behind = np.concatenate([base, np.zeros(5)])
    for shift in range(5):
        inside = at + shift < len(base)
        gain += np.where(inside, scored(model, after[:, shift : shift + 4]) - behind[at + shift], 0.0)
    return gain


def _kinds(one: Slot, two: Slot, pair: tuple[Candidate, Candidate]) -> tuple[str | None, str | None]:
    """In which way each of the two was confused."""
    first, second = (
        kind_of_syllable(candidate[1].lower(), slot.read.lower()) if len(candidate[1]) == len(slot.read) else None
        for candidate, slot in zip(pair, (one, two), strict=True)
    )
    return first, second


def _bond(model: LanguageModel, rows: Ids, left: int) -> Reals:
    """The bond of two neighbours; 0 where one of them is no word."""
    is_word = (rows[:, left : left + 2] >= len(RESERVED)).all(axis=1)
    return np.where(is_word, bond(model, rows, left), 0.0)
