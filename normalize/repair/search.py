"""The best reading of a whole sentence: dynamic programming over the candidates of its slots.

Most slots are settled in vectorised sweeps; what is left is searched exactly (Viterbi over 4-gram states), so that
several wrong syllables in a row are put right together.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from normalize.repair.candidates import Candidate, Proposal, Slot
from normalize.vietnamese.language import NONE, OTHER, LanguageModel

# A candidate whose own gain is this far below the text as read can still win together with its neighbours.
SLACK = 4.0
# An unseen syllable takes an equal share of the unknown: there are about 18,000 possible ones.
UNSEEN = math.log(18_000)
# Two syllables in a row are tried together where the model finds one of them less likely than this.
ODD = -5.0
# Two syllables count as a word where the second follows the first with at least this log probability.
WORD = -5.0
BEAM = 200
# So many slots are swept at a time.
PART = 5000


#: log P of symbols, nats.
Scores: TypeAlias = npt.NDArray[np.float32]


def decode(
    ids: npt.NDArray[np.int64], slots: list[Slot], model: LanguageModel, burst: float, base: Scores | None = None
) -> list[Proposal]:
    """The best sequence of candidates; returns the slots where it differs from the text as read.

    Most slots are settled in one sweep of vectorised look-ups: a candidate that loses by more than ``SLACK`` alone,
    and with each single candidate of its neighbour, cannot be on the best path. What remains is searched exactly.

    Args:
        base: :func:`base_scores` of the text, where they are known.
    """
    padded, base = _padded(ids), base_scores(ids, model) if base is None else base
    changes: list[Proposal] = []
    for part in _parts(slots):
        open_ = _promising(padded, base, part, model)
        group: list[int] = []
        for number in [*sorted(open_), -1]:
            if group and (number < 0 or part[number].at - part[group[-1]].at > 3):
                changes += _search(ids, [(part[i], open_[i]) for i in group], model, burst)
                group = []
            group.append(number)
    return changes


def _parts(slots: list[Slot]) -> Iterator[list[Slot]]:
    """The slots of whole texts, about ``PART`` at a time: the memory of a sweep does not grow with the document."""
    part: list[Slot] = []
    for slot in slots:
        if len(part) >= PART and slot.text != part[-1].text:
            yield part
            part = []
        part.append(slot)
    if part:
        yield part


def _padded(ids: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    return np.concatenate([[NONE] * 3, ids, [NONE] * 4]).astype(np.int64)


def base_scores(ids: npt.NDArray[np.int64], model: LanguageModel) -> npt.NDArray[np.float32]:
    """log P of each symbol of the text as read; shape (n,) -> (n,)."""
    return scored(model, np.lib.stride_tricks.sliding_window_view(_padded(ids)[: len(ids) + 3], 4))


def _promising(
    padded: npt.NDArray[np.int64], base: npt.NDArray[np.float32], slots: list[Slot], model: LanguageModel
) -> dict[int, list[Candidate]]:
    """Slot number -> the candidates worth searching."""
    size = base.shape[0]
    base_padded = np.concatenate([base, np.zeros(3, np.float32)])

    numbers = np.repeat(np.arange(len(slots)), [len(slot.candidates) for slot in slots])
    at = np.array([slot.at for slot in slots])[numbers]
    flat = [candidate for slot in slots for candidate in slot.candidates]
    symbol = np.array([one[0] for one in flat])
    cost = np.array([one[2] for one in flat])
    # The four symbols that a candidate touches, its own first. What the ones not yet looked up cost in the text as read
    # is the most that can still be won there, so most candidates are out after one look-up.
    ends = np.cumsum(-base_padded[at[:, None] + np.arange(4)], axis=1)
    open_ = np.arange(at.shape[0])
    gain = -cost
    for shift in range(4):
        rest = ends[open_, 3] - (ends[open_, shift - 1] if shift else 0.0)
        open_ = open_[gain[open_] + rest > -SLACK]
        here = at[open_] + shift
        rows = padded[here[:, None] + np.arange(4)]
        rows[:, 3 - shift] = symbol[open_]
        gain[open_] += np.where(here < size, scored(model, rows) - base_padded[here], 0)
    open_ = open_[gain[open_] > -SLACK]

    out: dict[int, list[Candidate]] = {}
    kept = set(open_.tolist()) | _pairs(padded, base, slots, (symbol, cost), model)
    for index in sorted(kept):
        out.setdefault(int(numbers[index]), []).append(flat[index])
    return out


def scored(model: LanguageModel, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    """Scores of rows of ids; an unknown word gets its share of the unknown only."""
    out = model.score_many(rows)
    out -= np.where(rows[:, 3] == OTHER, UNSEEN, 0).astype(np.float32)
    return out


def _pairs(
    padded: npt.NDArray[np.int64],
    base: npt.NDArray[np.float32],
    slots: list[Slot],
    candidates: tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]],
    model: LanguageModel,
) -> set[int]:
    """Flat indices of the candidates that are worth it together with a candidate of the neighbour.

    ``candidates`` are the symbols and costs of all slots' candidates, one slot after the other.

    "phân đầu" for "phấn đấu": either alone is no better than what was read. The two must make a word (the second is
    likely after the first), and then win in their sentence.
    """
    symbol, cost = candidates
    sizes = np.array([len(slot.candidates) for slot in slots])
    offsets = np.cumsum(sizes) - sizes
    places = np.array([slot.at for slot in slots])
    odd = base[places] <= ODD
    first = np.flatnonzero((np.diff(places) == 1) & odd[:-1] & odd[1:])
    if not first.size:
        return set()
    # Every candidate of the one with every candidate of the other.
    left, right = sizes[first], sizes[first + 1]
    which = np.repeat(np.arange(first.shape[0]), left * right)
    within = np.arange(which.shape[0]) - np.repeat(np.cumsum(left * right) - left * right, left * right)
    one, two = offsets[first][which] + within // right[which], offsets[first + 1][which] + within % right[which]
    pair = np.stack([symbol[one], symbol[two]], axis=1)
    bond = model.score_many(np.hstack([np.zeros_like(pair), pair]))
    words = np.flatnonzero(bond > WORD)
    one, two, pair, at = one[words], two[words], pair[words], places[first][which][words]
    size = base.shape[0]
    base = np.concatenate([base, np.zeros(4, np.float32)])
    gain = -cost[one] - cost[two]
    for shift in range(5):
        around = padded[(at + shift)[:, None] + np.arange(4)]
        for k in range(2):
            place = 3 - shift + k
            if 0 <= place < 4:
                around[:, place] = pair[:, k]
        inside = at + shift < size
        gain += np.where(inside, scored(model, around) - base[at + shift], 0)
    good = gain > -SLACK
    return {*one[good].tolist(), *two[good].tolist()}


#: What was picked at the last open slot, and the path up to it: paths are long and share their beginnings.
_Path: TypeAlias = 'tuple[int, "_Path"] | None'

#: The last three symbols: what the best way there costs, and that way.
_States: TypeAlias = dict[tuple[int, ...], tuple[float, _Path]]


def _search(
    ids: npt.NDArray[np.int64],
    group: list[tuple[Slot, list[Candidate]]],
    model: LanguageModel,
    burst: float,
) -> list[Proposal]:
    """Viterbi over one group of open slots, with states of three symbols."""
    choices = {slot.at: [(int(ids[slot.at]), slot.read, 0.0), *open_] for slot, open_ in group}
    slots = {slot.at: slot for slot, _ in group}
    first, last = group[0][0].at, min(group[-1][0].at + 3, len(ids) - 1)
    context = tuple(int(ids[i]) if i >= 0 else NONE for i in range(first - 3, first))
    states: _States = {context: (0.0, None)}
    for at in range(first, last + 1):
        options = choices.get(at)
        if options is None:
            states = _followed(states, int(ids[at]), model)
        else:
            states = _branched(states, options, model, burst if at - 1 in choices else 0.0)
        if len(states) > BEAM:
            states = dict(sorted(states.items(), key=lambda item: -item[1][0])[:BEAM])
    _, path = max(states.values(), key=lambda state: state[0])
    picked = ((slots[at], choices[at][pick]) for at, pick in zip(choices, _picks(path), strict=True) if pick)
    return [Proposal(slot, after, symbol, cost) for slot, (symbol, after, cost) in picked]


def _followed(states: _States, symbol: int, model: LanguageModel) -> _States:
    """The states after a symbol that is no slot's."""
    following: _States = {}
    for (a, b, c), (total, path) in states.items():
        value, state = total + score_one(model, a, b, c, symbol), (b, c, symbol)
        if state not in following or following[state][0] < value:
            following[state] = (value, path)
    return following


def _branched(states: _States, options: list[Candidate], model: LanguageModel, burst: float) -> _States:
    """The states after an open slot; ``burst`` is what one change gains that follows another."""
    following: _States = {}
    for (a, b, c), (total, path) in states.items():
        for pick, (symbol, _, cost) in enumerate(options):
            value = total - cost + score_one(model, a, b, c, symbol)
            if pick and path and path[0]:
                value += burst
            state = (b, c, symbol)
            if state not in following or following[state][0] < value:
                following[state] = (value, (pick, path))
    return following


def _picks(path: _Path) -> list[int]:
    """What was picked at each open slot, from the first one on."""
    picks = []
    while path is not None:
        pick, path = path
        picks.append(pick)
    return picks[::-1]


def score_one(model: LanguageModel, a: int, b: int, c: int, d: int) -> float:
    value = model.score(a, b, c, d)
    return value - UNSEEN if d == OTHER else value


def total_score(model: LanguageModel, ids: npt.NDArray[np.int64], first: int, last: int) -> float:
    """log P of the symbols from ``first`` to ``last``."""
    total = 0.0
    for at in range(first, min(last, len(ids) - 1) + 1):
        a, b, c = (int(ids[i]) if i >= 0 else NONE for i in range(at - 3, at))
        total += score_one(model, a, b, c, int(ids[at]))
    return total
