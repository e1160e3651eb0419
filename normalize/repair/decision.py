"""Which of the proposed changes are sure enough to be made.

A logistic regression turns a change into the probability that it is right; what the document says elsewhere counts on
top. Changes that see each other are judged together.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from normalize.repair.candidates import Proposal, Slot
from normalize.repair.channel import UNLISTED, doubtful, rank
from normalize.repair.own_phrases import OwnPhrases
from normalize.repair.search import Scores, base_scores, score_one, total_score
from normalize.vietnamese import language
from normalize.vietnamese.language import NONE, LanguageModel

DATA = Path(__file__).parent / "data"
# So many symbols on either side tell whether the model knows this kind of text.
FAR = 12
# A candidate that the channel makes this much dearer (nats) is no rival.
RIVAL = 8.0
# The margin (nats) that overrules a letter without such a competitor. The regression would be content with less: on
# its pages, which are worse than real ones, such letters are wrong too often to teach it caution.
OVERWHELMING = {"safe": 6.0, "full": 3.0}
# What it is worth that the document reads a name one way elsewhere, nats. Half of it for other words, on a page
# half, three quarters, seven eighths for one phrase, two, three.
EVIDENCE = 3.0
# Text of another engine has about this many changes of at least SURE in a syllable; clean text has a fifth of it. What
# is known before the document is seen weighs as much as so many syllables.
SURE, SURE_CHANGES, KNOWN_BEFORE = 0.9, 0.0005, 2000


@dataclass(frozen=True, slots=True)
class Decision:
    """Logistic regressions from a change to the probability that it is right, one for each kind of text.

    Attributes:
        page, text: weight of each of :data:`FEATURES`, for slots with and without the evidence of a page.
        thresholds: least probability, by ``page`` or ``text`` and then by mode.
    """

    page: tuple[float, ...]
    text: tuple[float, ...]
    thresholds: dict[str, dict[str, float]]


# Changes that are judged together; a group costs the square of its length. The longest of 58 real papers was 5.
LONGEST_GROUP = 12
FEATURES = ("bias", "margin", "name", "word after", "word before", "row", "familiar")


@lru_cache(maxsize=4)
def load_decision(path: Path = DATA / "decision.json") -> Decision:
    """The decision as ``normalize/repair/train_decision.py`` fitted it.

    Raises:
        FileNotFoundError: the data file is missing.
    """
    data = json.loads(path.read_text(encoding="utf-8"))
    page, text = (tuple(data[kind][name] for name in FEATURES) for kind in ("page", "text"))
    return Decision(page, text, data["thresholds"])


def decide(
    changes: list[Proposal],
    ids: npt.NDArray[np.int64],
    model: LanguageModel,
    burst: float,
    accept: Callable[[Proposal], float],
    base: Scores | None = None,
) -> list[Proposal]:
    """The changes that are sure enough.

    Changes that see each other (within the reach of the model) are judged together: the weakest is rejected until
    the others stand.

    Args:
        accept: by how much a change passes; negative for one that does not.
        base: :func:`~normalize.repair.search.base_scores` of the text, where they are known.
    """
    kept: list[Proposal] = []
    group: list[Proposal] = []
    if base is None:
        base = base_scores(ids, model) if changes else np.zeros(0, np.float32)
    for change in [*changes, None]:
        if group and (change is None or change.slot.at - group[-1].slot.at > 3 or len(group) >= LONGEST_GROUP):
            while group:
                group = weigh(group, ids, model, burst, base)
                weakest = min(group, key=accept)
                if accept(weakest) >= 0:
                    break
                group = [one for one in group if one is not weakest]
            kept += group
            group = []
        if change is not None:
            group.append(change)
    return kept


def weigh(
    group: list[Proposal], ids: npt.NDArray[np.int64], model: LanguageModel, burst: float, base: npt.NDArray[np.float32]
) -> list[Proposal]:
    """Each change with its features; the margin is against the text without it, with each other candidate in its
    place, and without the whole group, together."""
    first, last = group[0].slot.at, group[-1].slot.at + 3
    changed = ids.copy()
    for one in group:
        changed[one.slot.at] = one.symbol
    places = {one.slot.at for one in group}

    rows = sum(1 for place in places if place - 1 in places)
    best = total_score(model, changed, first, last) - sum(one.cost for one in group) + burst * rows
    none = total_score(model, ids, first, last)
    out = []
    for one in group:
        at, was = one.slot.at, int(ids[one.slot.at])
        rivals = [none]
        here = total_score(model, changed, at, at + 3)  # all that another symbol in its place changes
        for symbol, _, cost in ((was, "", None), *one.slot.candidates):
            if symbol != one.symbol and (cost is None or cost < one.cost + RIVAL):
                changed[at] = symbol
                gain = total_score(model, changed, at, at + 3) - here + one.cost - (cost or 0.0)
                lost_rows = (at - 1 in places) + (at + 1 in places) if cost is None else 0
                rivals.append(best + gain - burst * lost_rows)
        changed[at] = one.symbol
        margin = best - max(rivals) - math.log(sum(math.exp(r - max(rivals)) for r in rivals))
        features = (
            1.0,
            min(max(margin, -4.0), 16.0),
            float(one.slot.name),
            _bond(model, changed, at, one.symbol),
            _bond(model, ids, at, was),
            float(at - 1 in places or at + 1 in places),
            _familiar(base, first, last),
        )
        out.append(replace(one, margin=margin, features=features))
    return out


def _familiar(base: npt.NDArray[np.float32], first: int, last: int) -> float:
    """How well the model knows the text around a group, the group left out: mean log probability of a symbol."""
    around = np.concatenate([base[max(0, first - FAR) : first], base[last + 1 : last + 1 + FAR]])
    return float(around.mean()) if around.size else 0.0


def undoubted(change: Proposal) -> bool:
    """Whether a change replaces a letter that had no such competitor on the page."""
    letters = zip(change.slot.letters, change.after, change.slot.read, strict=False)
    return any(new != old and rank(letter, new) == UNLISTED and not doubtful(letter) for letter, new, old in letters)


def _bond(model: LanguageModel, ids: npt.NDArray[np.int64], at: int, symbol: int) -> float:
    """How firmly a syllable makes a word with one of its neighbours: the greater pointwise mutual information."""
    bonds = [0.0]
    if at > 0 and ids[at - 1] >= len(language.RESERVED):
        bonds.append(
            score_one(model, NONE, NONE, int(ids[at - 1]), symbol) - score_one(model, NONE, NONE, NONE, symbol)
        )
    if at + 1 < len(ids) and ids[at + 1] >= len(language.RESERVED):
        after = int(ids[at + 1])
        bonds.append(score_one(model, NONE, NONE, symbol, after) - score_one(model, NONE, NONE, NONE, after))
    return min(max(bonds), 10.0)


class Judge:
    """What this document's own words say about a change, and the probability that comes of it all."""

    def __init__(self, decision: Decision, mode: str, slots: list[Slot], phrases: OwnPhrases) -> None:
        self._decision, self._mode, self._phrases = decision, mode, phrases
        self._pageless = sum(not slot.letters for slot in slots)
        self._cleaner = 0.0

    def see(self, changes: list[Proposal]) -> None:
        """Learn from the changes of a first round how clean the text is that comes without a page.

        Where hardly any change is sure, errors are rare, and a doubtful change is likelier a rare word. How badly a
        page was read, its letters tell.
        """
        sure = sum(not change.slot.letters and self.probability(change) >= SURE for change in changes)
        rate = (sure + SURE_CHANGES * KNOWN_BEFORE) / (self._pageless + KNOWN_BEFORE)
        self._cleaner = max(0.0, math.log(SURE_CHANGES / rate))

    def probability(self, change: Proposal) -> float:
        """That the change is right."""
        decision = self._decision
        weights = decision.page if change.slot.letters else decision.text
        value = sum(weight * feature for weight, feature in zip(weights, change.features, strict=True))
        new, old = self._phrases.elsewhere(change.slot, change.symbol)
        if change.slot.name:
            if new >= 2 and new > 3 * old:
                value += EVIDENCE
            elif not change.slot.letters:
                value -= 2 * EVIDENCE
            elif old >= 1:
                value -= EVIDENCE
        elif new >= 1 and not old:
            value += EVIDENCE * (1 - 0.5**new) if change.slot.letters else EVIDENCE / 2
        elif old >= 2 and not new and not change.slot.letters:
            value -= EVIDENCE / 2
        if not change.slot.letters:
            value -= self._cleaner
        return 1 / (1 + math.exp(-max(-50.0, min(value, 50.0))))

    def accept(self, change: Proposal) -> float:
        """By how much a change passes the threshold of the mode."""
        if change.margin < OVERWHELMING[self._mode] and undoubted(change):
            return -1.0
        kind = "page" if change.slot.letters else "text"
        return self.probability(change) - self._decision.thresholds[kind][self._mode]
