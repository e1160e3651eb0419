"""What was misread in text that brings no page: every plausible syllable of every place, weighed by what is known.

Other engines leave misreadings that go well with their neighbours (``misreadings.py``), so that the likelihood of the
sentence alone tells little: half of them cost the language model less than seven nats. The rest of the document tells
more. A report speaks of the same things again and again, and a syllable that stands elsewhere between the same
neighbours, or that stands nowhere else, is evidence for or against it. So each candidate that is not hopeless gets
:data:`FEATURES` from both of its sides, from the tables of n-grams and from the document, and a logistic regression
makes a probability of them, fitted on held-out reports (``train_without_page.py``).

Names are read as elsewhere in the document or left alone.
"""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from normalize.repair.candidates import Candidate, Proposal, Slot
from normalize.repair.channel import load_channel
from normalize.repair.decision import Judge, decide, load_decision
from normalize.repair.evidence import Ids, OwnCounts, Reals, bond, familiar, known
from normalize.repair.misreadings import SHARES, kind_of_syllable
from normalize.repair.own_phrases import OwnPhrases
from normalize.repair.pairs_without_page import PAIR_FEATURES, make_sense, plausible_pairs
from normalize.repair.search import ODD, Scores, base_scores, decode, scored
from normalize.repair.seen import Gains, Seen
from normalize.vietnamese.cloze import MOST, gaps, load_cloze
from normalize.vietnamese.language import NONE, RESERVED, LanguageModel
from normalize.vietnamese.syllable import parse

DATA = Path(__file__).parent / "data" / "without_page.json"
# A candidate that makes the text less likely by more nats than this is not looked at; one that the document does not
# have beside the same neighbour must make it likelier.
HOPELESS, WITHOUT_EVIDENCE = -4.0, 0.0
# A syllable that goes this firmly (nats) with a neighbour stays, if what it would become goes with either so much less:
# "cách ly" is not "cách lý". In nine spoilt reports no right change was of that kind.
FIRM, LOOSER = 4.0, 2.0
# Text of another engine has about this many changes of at least SURE in a syllable; clean text has this share of it, so
# that what is beyond the share says how many misreadings there are. However clean, they are not rarer than LEAST by it.
# What is known before the document is seen weighs as much as so many syllables.
SURE, SURE_CHANGES, CLEAN, LEAST, KNOWN_BEFORE = 0.9, 0.0005, 0.2, 0.05, 2000
# Of changes that see each other (within the reach of the model) only the surest is made; the others are weighed again
# when the text has it.
REACH = 3
# What a document of fewer symbols does not have, it may have had no room for.
SHORT = 5000
# The weights know no document of a line or two, where nearly every feature is at its end: below so many syllables only
# what is this sure is changed ("ngày 17/5/2020 của" becomes "cửa" with 0.77 otherwise).
TINY, SURE_IN_TINY = 40, 0.95

FEATURES = (
    "bias",
    "gain",  # by how much the text becomes likelier, nats
    "left",  # what of it the syllables before alone say
    "right",  # and the three after
    "weaker side",
    "before the next best",
    "odds",  # and what the network says of it, nats
    *SHARES,  # the kind of confusion
    "name",
    "capital",
    "frequency after",  # log probability of the syllable by itself
    "frequency before",
    "bond left after",  # pointwise mutual information with the neighbour
    "bond right after",
    "bond left before",
    "bond right before",
    "pairs after",  # of the n-grams around it, how many the tables have
    "triples after",
    "fours after",
    "pairs before",
    "triples before",
    "fours before",
    "no pair before",
    "familiar",  # mean log probability of the symbols around
    "begins",  # nothing is to the left
    "ends",
    "here after",  # how often the document has the syllable, log
    "here before",
    "pairs here after",  # and beside the same neighbour
    "pairs here before",
    "any pair here after",
    "any pair here before",
    "triples here after",
    "triples here before",
    "skips here after",  # and two places from the same syllable
    "skips here before",
    "rate here after",  # how much more frequent it is here than elsewhere, log
    "rate here before",
    "name here after",
    "name here before",
    "room",  # log of the document's length beside a long one's, not above 0
    "gain in little room",
    "here before in little room",
)


@dataclass(frozen=True, slots=True)
class Weights:
    """Two logistic regressions, and the least probability of a change in each mode.

    Attributes:
        values: of :data:`FEATURES`, for one syllable.
        pairs: of :data:`~normalize.repair.pairs_without_page.PAIR_FEATURES`, for two in a row.
        thresholds, pair_thresholds: by mode.
    """

    values: tuple[float, ...]
    pairs: tuple[float, ...]
    thresholds: dict[str, float]
    pair_thresholds: dict[str, float]


@lru_cache(maxsize=4)
def load_weights(path: Path = DATA) -> Weights:
    """The weights as ``train_without_page.py`` fitted them.

    Raises:
        FileNotFoundError: the data file is missing.
    """
    data = json.loads(path.read_text(encoding="utf-8"))
    single, pairs = data["weights"], data["pairs"]
    return Weights(
        tuple(single[name] for name in FEATURES),
        tuple(pairs[name] for name in PAIR_FEATURES),
        data["thresholds"],
        data["pair thresholds"],
    )


@dataclass(frozen=True, slots=True)
class Plausible:
    """Candidates worth weighing, one row each.

    Attributes:
        slot: number of the slot.
        candidate: symbol, spelling, cost.
        features: shape (n, len(FEATURES)).
    """

    slot: npt.NDArray[np.int64]
    candidate: tuple[Candidate, ...]
    features: Reals


def plausible(
    ids: Ids, slots: Sequence[Slot], model: LanguageModel, base: Scores | None = None, seen: Seen | None = None
) -> Plausible:
    """The candidates of a document that are not hopeless, with their features.

    Args:
        base: :func:`~normalize.repair.search.base_scores` of the document, where they are known.
        seen: what earlier looks at the document left.
    """
    padded = np.concatenate([[NONE] * 3, ids, [NONE] * 4]).astype(np.int64)
    base = base_scores(ids, model) if base is None else base
    scores = np.concatenate([base, np.zeros(4)]).astype(np.float64)
    number, candidate, gains = _not_hopeless(padded, scores, slots, model, seen or Seen())
    if not number.size:
        return Plausible(number, (), np.zeros((0, len(FEATURES))))
    chosen = [slots[one].candidates[two] for one, two in zip(number.tolist(), candidate.tolist(), strict=True)]
    at = np.array([slots[one].at for one in number.tolist()])
    symbol = np.array([one[0] for one in chosen])
    # The seven symbols around each, with the candidate and with what was read.
    around = padded[at[:, None] + np.arange(7)]
    read = around[:, 3].copy()
    with_candidate = around.copy()
    with_candidate[:, 3] = symbol

    strong = _capitalised(len(ids), slots)
    is_name = np.array([slots[one].name for one in number], bool)
    beside_name = is_name & (strong[np.maximum(at - 1, 0)] | strong[np.minimum(at + 1, len(ids) - 1)])
    here = _here(ids, strong, around, with_candidate, beside_name)
    total = gains.sum(axis=1)
    odds = _odds(ids, at, symbol, total)
    # A pair that the document has makes a candidate worth a look; so does a likelier sentence, or gap.
    worth = (here["pairs here after"] > 0) | (total > WITHOUT_EVIDENCE) | (odds > WITHOUT_EVIDENCE)
    # A name follows its other occurrences, or stays.
    worth &= ~is_name | (here["pairs here after"] > here["pairs here before"])

    columns = {
        "bias": np.ones(len(at)),
        "gain": total,
        "left": gains[:, 0],
        "right": total - gains[:, 0],
        "weaker side": np.minimum(gains[:, 0], total - gains[:, 0]),
        "before the next best": total - np.maximum(_next_best(number, total), 0.0),
        "odds": odds,
        "name": is_name,
        "capital": np.array([not slots[one].read.islower() for one in number], float),
        "frequency after": model.alone(symbol),
        "frequency before": model.alone(read),
        "familiar": familiar(scores, at, 4),
        "begins": around[:, 2] < len(RESERVED),
        "ends": around[:, 4] < len(RESERVED),
    }
    kinds = [
        kind_of_syllable(one[1].lower(), slots[slot].read.lower()) for one, slot in zip(chosen, number, strict=True)
    ]
    columns |= {kind: np.array([one == kind for one in kinds], float) for kind in SHARES}
    columns |= _known(model, with_candidate, "after") | _known(model, around, "before")
    firm_after, firm_before = (
        np.maximum(columns[f"bond left {side}"], columns[f"bond right {side}"]) for side in ("after", "before")
    )
    worth &= (firm_before < FIRM) | (firm_after > firm_before - LOOSER)
    columns["no pair before"] = columns["pairs before"] == 0
    columns |= {name: np.log1p(values) for name, values in here.items()}
    for side, one in (("after", symbol), ("before", read)):
        columns[f"any pair here {side}"] = np.minimum(here[f"pairs here {side}"], 1)
        columns[f"rate here {side}"] = columns[f"here {side}"] - model.alone(one) - math.log(max(len(ids), SHORT))
        columns[f"name here {side}"] = is_name * np.minimum(here[f"pairs here {side}"], 1)
    room = math.log(min(len(ids), SHORT) / SHORT)
    columns["room"] = np.full(len(at), room)
    columns["gain in little room"] = room * total
    columns["here before in little room"] = room * columns["any pair here before"]
    features = np.stack([np.asarray(columns[name], float) for name in FEATURES], axis=1)
    picked = np.flatnonzero(worth)
    return Plausible(number[picked], tuple(chosen[one] for one in picked.tolist()), features[picked])


def _not_hopeless(
    padded: Ids, base: Reals, slots: Sequence[Slot], model: LanguageModel, seen: Seen
) -> tuple[Ids, Ids, Reals]:
    """The candidates that are not hopeless: number of the slot, which of its candidates, and its gains (n, 4).

    What a candidate gains depends on its own text only, so that of texts which did not change it is known already.
    """
    text = np.array([slot.text for slot in slots], np.int64)
    old = seen.gains
    is_new = np.isin(text, list(seen.fresh)) if old is not None else np.ones(len(slots), bool)
    which, candidate, symbol = _flat([slot for slot, new in zip(slots, is_new.tolist(), strict=True) if new])
    number = np.flatnonzero(is_new)[which]
    at = np.array([slot.at for slot in slots], np.int64)[number]
    gains, kept = _gains(padded, base, at, symbol, model)
    number, candidate, gains = number[kept], candidate[kept], gains[kept]
    if old is not None:
        same = np.flatnonzero(~np.isin(old.text, list(seen.fresh)))
        number = np.concatenate([number, np.searchsorted(text, old.text[same]) + old.slot[same]])
        candidate = np.concatenate([candidate, old.candidate[same]])
        gains = np.concatenate([gains, old.gains[same]])
        order = np.lexsort((candidate, number))
        number, candidate, gains = number[order], candidate[order], gains[order]
    seen.gains = Gains(text[number], number - np.searchsorted(text, text[number]), candidate, gains)
    return number, candidate, gains


def _flat(slots: Sequence[Slot]) -> tuple[Ids, Ids, Ids]:
    """All candidates of some slots in a row: number of the slot, which of its candidates, and its symbol."""
    tables: dict[int, int] = {}  # few tuples of candidates differ, and equal ones are mostly the same
    rows: list[tuple[Candidate, ...]] = []
    for slot in slots:
        if tables.setdefault(id(slot.candidates), len(rows)) == len(rows):
            rows.append(slot.candidates)
    kind = np.array([tables[id(slot.candidates)] for slot in slots], np.int64)
    sizes = np.array([len(row) for row in rows], np.int64)
    symbols = np.array([one[0] for row in rows for one in row], np.int64)
    begins = np.cumsum(sizes) - sizes
    number = np.repeat(np.arange(len(slots)), sizes[kind])
    first = np.cumsum(sizes[kind]) - sizes[kind]
    which = np.arange(number.shape[0]) - first[number]
    return number, which, symbols[begins[kind][number] + which]


def _gains(padded: Ids, base: Reals, at: Ids, symbol: Ids, model: LanguageModel) -> tuple[Reals, npt.NDArray[np.intp]]:
    """By how much each of the four symbols that a candidate touches becomes likelier, and which are not hopeless."""
    size = base.shape[0] - 4
    gains = np.zeros((at.shape[0], 4))
    # What the symbols not yet looked up cost in the text as read is the most that can still be won there.
    ends = np.cumsum(-base[at[:, None] + np.arange(4)], axis=1)
    open_ = np.arange(at.shape[0])
    for shift in range(4):
        rest = ends[open_, 3] - (ends[open_, shift - 1] if shift else 0.0)
        open_ = open_[gains[open_].sum(axis=1) + rest > HOPELESS]
        here = at[open_] + shift
        rows = padded[here[:, None] + np.arange(4)]
        rows[:, 3 - shift] = symbol[open_]
        gains[open_, shift] = np.where(here < size, scored(model, rows) - base[here], 0.0)
    return gains, open_[gains[open_].sum(axis=1) > HOPELESS]


def _odds(ids: Ids, at: Ids, symbol: Ids, gain: Reals) -> Reals:
    """What the network says of candidates beside what was read, nats; shape (n,).

    Of what it does not know it says nothing: there the n-grams' word stands for its.
    """
    cloze, read = load_cloze(), ids[at]
    places, where = np.unique(at, return_inverse=True)
    odds = cloze.odds(cloze.vectors(gaps(ids, places))[where], symbol, read).astype(np.float64)
    return np.where(cloze.knows(symbol) & cloze.knows(read), odds, np.clip(gain, -MOST, MOST))


def _next_best(number: npt.NDArray[np.int64], total: Reals) -> Reals:
    """The gain of the best other candidate of the same slot; those of a slot stand together."""
    out = np.full(len(number), HOPELESS)
    starts = np.flatnonzero(np.diff(number, prepend=-1))
    for first, end in zip(starts, [*starts[1:], len(number)], strict=True):
        if end - first > 1:
            best, second = np.sort(total[first:end])[:-3:-1]
            out[first:end] = np.where(total[first:end] == best, second, best)
    return out


def _capitalised(size: int, slots: Sequence[Slot]) -> npt.NDArray[np.bool_]:
    """Which symbols are slots that begin with a capital."""
    out = np.zeros(size, bool)
    out[[slot.at for slot in slots if not slot.read.islower()]] = True
    return out


def _here(
    ids: Ids,
    capital: npt.NDArray[np.bool_],
    before: Ids,
    after: Ids,
    beside_name: npt.NDArray[np.bool_],
) -> dict[str, Reals]:
    """What the document has, this place left out; each shape (n,).

    "gia đình" says nothing about Gia Định: where a name stands beside another capital, only capitals count.
    """
    one, pair, triple, skip = (OwnCounts(ids, shape) for shape in ((0,), (0, 1), (0, 1, 2), (0, 2)))
    names = OwnCounts(ids, (0, 1), capital)
    is_word = before >= len(RESERVED)
    out: dict[str, Reals] = {}
    for side, rows, itself in (("after", after, 0), ("before", before, 1)):
        beside = functools.partial(_beside, rows=rows, is_word=is_word, itself=itself)
        times = functools.partial(_times, rows=rows, is_word=is_word, itself=itself)
        out[f"here {side}"] = times(one, (3,))
        out[f"pairs here {side}"] = np.where(beside_name, beside(names), beside(pair))
        out[f"triples here {side}"] = np.maximum.reduce(
            [times(triple, places) for places in ((1, 2, 3), (2, 3, 4), (3, 4, 5))]
        )
        out[f"skips here {side}"] = np.maximum(times(skip, (1, 3)), times(skip, (3, 5)))
    return out


def _times(count: OwnCounts, places: tuple[int, ...], rows: Ids, is_word: npt.NDArray[np.bool_], itself: int) -> Reals:
    """How often else the document has some of seven symbols, of which one must be a word."""
    found = np.maximum(count(rows[:, places]) - itself, 0)
    return np.where(is_word[:, places].any(axis=1), found, 0).astype(float)


def _beside(count: OwnCounts, rows: Ids, is_word: npt.NDArray[np.bool_], itself: int) -> Reals:
    """How often else the document has the middle one of seven symbols beside the word to its left or right."""
    left = np.where(is_word[:, 2], count(rows[:, [2, 3]]) - itself, 0)
    right = np.where(is_word[:, 4], count(rows[:, [3, 4]]) - itself, 0)
    return np.maximum(np.maximum(left, right), 0).astype(float)


def _known(model: LanguageModel, rows: Ids, side: str) -> dict[str, Reals]:
    """How firmly the middle one of seven symbols goes with its neighbours, and which n-grams around it are known."""
    out: dict[str, Reals] = {}
    for name, neighbour, first in (("left", 2, 2), ("right", 4, 3)):
        is_word = rows[:, neighbour] >= len(RESERVED)
        out[f"bond {name} {side}"] = np.where(is_word, bond(model, rows, first), 0.0)
    for order, name in ((2, "pairs"), (3, "triples"), (4, "fours")):
        out[f"{name} {side}"] = known(model, rows, order, range(4 - order, 4))
    return out


def weighed(
    ids: Ids,
    slots: Sequence[Slot],
    model: LanguageModel,
    weights: Weights,
    base: Scores | None = None,
    seen: Seen | None = None,
) -> list[Proposal]:
    """The best candidate of each slot that has one, with the probability that it was printed there."""
    found = plausible(ids, slots, model, base, seen)
    gain = FEATURES.index("gain")
    out = []
    for row, probability in _best(found.slot, found.features @ np.array(weights.values), len(slots) < TINY):
        symbol, form, _ = found.candidate[row]
        slot, features = slots[int(found.slot[row])], tuple(found.features[row])
        out.append(Proposal(slot, form, symbol, 0.0, features[gain], features, probability))
    return out


def weighed_pairs(
    ids: Ids, slots: Sequence[Slot], model: LanguageModel, weights: Weights, base: Scores | None = None
) -> list[tuple[Proposal, Proposal]]:
    """The best candidates of two slots in a row that have some, each with the probability that the two were printed."""
    found = plausible_pairs(ids, slots, model, base)
    gain = PAIR_FEATURES.index("gain")
    out = []
    for row, probability in _best(found.slot, found.features @ np.array(weights.pairs)):
        number, features = int(found.slot[row]), tuple(found.features[row])
        one, two = (
            Proposal(slot, form, symbol, 0.0, features[gain], features, probability)
            for slot, (symbol, form, _) in zip(slots[number : number + 2], found.candidates[row], strict=True)
        )
        out.append((one, two))
    return out


def _best(slot: npt.NDArray[np.int64], values: Reals, shared: bool = False) -> list[tuple[int, float]]:
    """The row of the greatest value of each slot, with the probability that it stands for.

    Args:
        shared: whether the candidates of a slot share it, since only one of them can have been printed.
    """
    odds = np.exp(np.clip(values, -50, 50))
    best: dict[int, int] = {}
    others: dict[int, float] = {}
    for row, number in enumerate(slot.tolist()):
        others[number] = others.get(number, 0.0) + float(odds[row])
        if number not in best or values[row] > values[best[number]]:
            best[number] = row
    return [
        (row, float(odds[row]) / (1 + (others[number] if shared else float(odds[row])))) for number, row in best.items()
    ]


def sure(
    ids: Ids, slots: Sequence[Slot], model: LanguageModel, mode: str, mended: int = 0, seen: Seen | None = None
) -> list[Proposal]:
    """The changes that are sure enough in a mode, of those that see each other the surest alone.

    Where hardly any change is sure, errors are rare, and a doubtful change is likelier a rare word.

    Args:
        mended: how many sure changes the text has already.
        seen: what earlier looks at the document left.
    """
    weights, base = load_weights(), base_scores(ids, model)
    found = weighed(ids, slots, model, weights, base, seen)
    groups: list[tuple[Proposal, ...]] = [*((one,) for one in found), *weighed_pairs(ids, slots, model, weights, base)]
    are_sure = mended + sum(one.probability >= SURE for one in found)
    rate = (are_sure + SURE_CHANGES * KNOWN_BEFORE) / (len(slots) + KNOWN_BEFORE)
    cleaner = min(1.0, max(LEAST, (rate / SURE_CHANGES - CLEAN) / (1 - CLEAN)))
    thresholds = {1: weights.thresholds[mode], 2: weights.pair_thresholds[mode]}
    least = SURE_IN_TINY if len(slots) < TINY else 0.0
    good = [
        tuple(replace(one, probability=probability) for one in group)
        for group in groups
        if (probability := _less_likely(group[0].probability, cleaner)) >= max(least, thresholds[len(group)])
    ]
    good += rows(ids, slots, model, mode, base)
    kept: list[Proposal] = []
    taken: set[int] = set()
    for group in sorted(good, key=lambda group: (-len(group), -max(one.probability for one in group))):
        if all(taken.isdisjoint(range(one.slot.at - REACH, one.slot.at + REACH + 1)) for one in group):
            taken.update(one.slot.at for one in group)
            kept += group
    return sorted(kept, key=lambda one: one.slot.at)


def rows(
    ids: Ids, slots: Sequence[Slot], model: LanguageModel, mode: str, base: Scores | None = None
) -> list[tuple[Proposal, ...]]:
    """Changes of several syllables in a row by their likelihood alone: in a line or two, too, and more than two.

    And of words that are no syllables, which no engine with a language model of its own leaves. Two that make a word as
    read stay, as they do where pairs are weighed.
    """
    if not slots:
        return []
    base = base_scores(ids, model) if base is None else base
    at = np.array([slot.at for slot in slots])
    odd = base[at] <= ODD
    first = np.flatnonzero((np.diff(at) == 1) & odd[:-1] & odd[1:])
    no_syllable = [number for number, slot in enumerate(slots) if odd[number] and parse(slot.read) is None]
    chosen = [slots[one] for one in sorted({*first.tolist(), *(first + 1).tolist(), *no_syllable})]
    if not chosen:
        return []
    burst = load_channel().burst
    proposals = decode(ids, chosen, model, burst, base)
    if not proposals:
        return []
    judge = Judge(load_decision(), mode, list(slots), OwnPhrases(ids, slots))
    proposals = decide(proposals, ids, model, burst, judge.accept, base)
    judge.see(proposals)
    groups: list[list[Proposal]] = []
    for one in decide(proposals, ids, model, burst, judge.accept, base):
        if groups and one.slot.at == groups[-1][-1].slot.at + 1:
            groups[-1].append(replace(one, probability=judge.probability(one)))
        else:
            groups.append([replace(one, probability=judge.probability(one))])
    return [tuple(group) for group in groups if _is_row(group, ids, model)]


def _is_row(group: Sequence[Proposal], ids: Ids, model: LanguageModel) -> bool:
    """Whether changes of neighbours are a row that makes no sense as read, or one of what is no syllable."""
    if len(group) == 1:
        return parse(group[0].slot.read) is None
    around = ids[group[0].slot.at - 1 : group[-1].slot.at + 2]
    return not make_sense(around[None, :], model)[0]


def _less_likely(probability: float, times: float) -> float:
    """A probability whose odds are multiplied."""
    return probability * times / (1 - probability + probability * times)


def beside_the_same(proposal: Proposal) -> tuple[int, int]:
    """How often else the document has the new and the old syllable of a weighed change beside the same word."""
    after, before = (proposal.features[FEATURES.index(f"pairs here {side}")] for side in ("after", "before"))
    return round(math.expm1(after)), round(math.expm1(before))


def together_elsewhere(proposal: Proposal) -> int:
    """How often else the document has the two syllables of a weighed change of a pair."""
    return round(math.expm1(proposal.features[PAIR_FEATURES.index("here after")]))


def seen_from_both_sides(proposal: Proposal) -> float:
    """How much likelier the network finds a weighed change, or the two of a pair, nats."""
    names = FEATURES if len(proposal.features) == len(FEATURES) else PAIR_FEATURES
    return proposal.features[names.index("odds")]
