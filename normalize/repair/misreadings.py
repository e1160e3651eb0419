"""Misreadings as engines with a language model of their own leave them: right letters, wrong marks, plausible words.

The errors that such an engine leaves in a Vietnamese report differ from Tesseract's. Base letters are kept; the tone
is lost or another one stands at any vowel, sometimes a hat, breve or horn is lost or taken for another; and what comes
out is nearly always a syllable that goes well with its neighbours, for what does not the engine itself has mended. A
confusion put in at random makes the language model's probability of the text drop by 23 nats in the median, one of
forty labelled errors of real reports by 6.5: so likelier words are drawn more often here, with :data:`PULL`.
:func:`spoilt` makes such errors in clean text, for fitting the weights (``train_without_page.py``) and for measuring
repair (``benchmarks/noised_reports.py``).

The shares of the kinds follow what was counted in three labelled reports; no word of theirs is used.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from normalize.repair.channel import kind_of
from normalize.vietnamese.language import NONE, ORDER, START, LanguageModel, symbols
from normalize.vietnamese.syllable import key, match_case, parse, spellings

#: Misreadings in a syllable of running text: three reports have 12 to 15 in 10,000.
RATE = 0.0013
#: How likely the syllable after a misread one is misread, too, and a pair of syllables that was misread just before.
ROW, AGAIN = 0.12, 0.15
#: How much likelier a misreading is for each nat by which it makes the text likelier, and up to how many nats.
PULL, MOST = 0.42, 2.0
#: Weights of the kinds of confusion.
SHARES = {"tone lost": 0.45, "tone for tone": 0.3, "tone added": 0.05, "shape": 0.12, "shape and tone": 0.06, "đ": 0.02}
_TONES = ("level", "huyen", "sac", "hoi", "nga", "nang")
_BARS = frozenset(("plain>bar", "bar>plain"))
_EDGES = re.compile(r"^\W+|\W+$")


def kind_of_syllable(printed: str, read: str) -> str | None:
    """Which of :data:`SHARES` stands for reading one syllable as another of the same length; None for none of them.

    >>> kind_of_syllable("chồng", "chông"), kind_of_syllable("cửa", "của"), kind_of_syllable("gặp", "gấp")
    ('tone lost', 'shape', 'shape and tone')
    """
    kinds = [kind_of(one, two) for one, two in zip(printed, read, strict=True)]
    if None in kinds or not any(kinds):
        return None
    parts = " ".join(kind for kind in kinds if kind).split(" ")
    if not _BARS.isdisjoint(parts):
        return "đ" if len(parts) == 1 else None
    tones = [part for part in parts if part.split(">")[0] in _TONES]
    if any(">" in part and part not in tones for part in parts):
        return "shape and tone" if tones else "shape"
    return _kind_of_tones(tones)


def _kind_of_tones(changes: Sequence[str]) -> str:
    """Which kind the changes of tones of one syllable are of, each written ``from>to``."""
    if any(change.endswith(">level") for change in changes):
        return "tone lost"
    return "tone added" if any(change.startswith("level>") for change in changes) else "tone for tone"


@lru_cache(maxsize=1 << 16)
def misread(word: str, model: LanguageModel) -> tuple[tuple[int, str, float], ...]:
    """Each syllable that a small word may be read as: its symbol, its form, the share of its kind."""
    own = parse(word)
    if own is None:
        return ()
    new_style = own.tone and len(spellings(own)) > 1 and word == spellings(own)[1]
    out = []
    for symbol in model.same_letters(word):
        other = parse(model.words[symbol])
        if other is None or other == own:
            continue
        form = spellings(other)[-1 if new_style else 0]
        kind = kind_of_syllable(word, form) if len(form) == len(word) else None
        if kind is not None:
            out.append((symbol, form, SHARES[kind]))
    return tuple(out)


def spoilt(
    words: Sequence[str], model: LanguageModel, rng: random.Random, rate: float = RATE, row: float = ROW
) -> list[str]:
    """The words of a document with misreadings in them.

    Args:
        words: what stands between spaces, punctuation included.
        rate: misreadings per syllable; rows and misreadings that come again make them a fifth more.
        row: how likely the syllable after a misread one is misread, too.
    """
    options = _options(words, model)
    total = sum(weight for one in options for _, weight in one)
    share = rate * len(words) / max(total, 1e-9)
    again: dict[tuple[str, str], str] = {}
    out: list[str] = []
    before, in_row = "", False
    for word, here in zip(words, options, strict=True):
        core = _EDGES.sub("", word)
        low = core.lower()
        new = None
        if rng.random() < AGAIN and (before, low) in again:
            new = again.pop((before, low))
        elif here:
            weights = [weight for _, weight in here]
            if rng.random() < (row if in_row else min(0.5, share * sum(weights))):
                new = again[before, low] = rng.choices([form for form, _ in here], weights)[0]
        in_row = new is not None
        out.append(word.replace(core, match_case(new, core), 1) if new else word)
        before = low
    return out


def _options(words: Sequence[str], model: LanguageModel) -> list[list[tuple[str, float]]]:
    """For each word what it may be read as, and how likely that is beside the others."""
    ids, at = [START], []
    for word in words:
        here = -1
        for piece in symbols(word):
            if piece.end > piece.start:
                here = len(ids) if here < 0 else -2
            ids.append(model.id(piece.symbol))
        at.append(here)
    padded = np.array([NONE] * 3 + ids + [START] + [NONE] * 3, np.int64)
    flat, symbol, places = [], [], []
    for number, (word, place) in enumerate(zip(words, at, strict=True)):
        core = _EDGES.sub("", word)
        if place < 0 or len(core) < 2 or not (core.islower() or core.istitle() or core.isupper()):
            continue
        for other, form, share in misread(core.lower(), model):
            flat.append((number, form, share))
            symbol.append(other)
            places.append(place + 3)
    gains = _gains(padded, np.array(places, np.int64), np.array(symbol, np.int64), model)
    out: list[list[tuple[str, float]]] = [[] for _ in words]
    for (number, form, share), gain in zip(flat, gains.tolist(), strict=True):
        out[number].append((form, share * math.exp(PULL * min(gain, MOST))))
    return out


def _gains(
    padded: npt.NDArray[np.int64], places: npt.NDArray[np.int64], symbol: npt.NDArray[np.int64], model: LanguageModel
) -> npt.NDArray[np.float64]:
    """By how much another symbol in a place makes the text likelier, nats."""
    total = np.zeros(places.shape[0])
    for shift in range(ORDER):
        rows = padded[(places + shift)[:, None] + np.arange(1 - ORDER, 1)]
        inside = rows[:, -1] != NONE
        total -= np.where(inside, model.score_many(rows), 0)
        rows[:, ORDER - 1 - shift] = symbol
        total += np.where(inside, model.score_many(rows), 0)
    return total


def is_mended(printed: str, now: str) -> bool:
    """Whether two words are the same but for case, punctuation and the placement of tones."""
    return key(_EDGES.sub("", printed)) == key(_EDGES.sub("", now))
