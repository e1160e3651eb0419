"""The channel: how readily a printed syllable comes out of OCR as another one.

All costs are in nats and relative to the syllable as it was read, which costs nothing: ``cost`` is
-log [ P(what was read | printed = candidate) / P(what was read | printed = as read) ]. Two kinds of text:

* Text read by our own Tesseract brings, for every letter, the letters that competed with it. A competitor with
  confidence is cheap, a letter that was only listed dearer, one that was not listed dearest: the language model
  decides where the page itself is in doubt, and hardly ever overrules a letter without competitor.
* Text from another engine brings letters alone. There the table of confusions is the channel: which diacritics
  are lost, taken for each other or added, and how often.

The figures are in ``data/channel.json``; ``train_channel.py`` learns them from pages whose text is known.
"""

from __future__ import annotations

import json
import unicodedata
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from normalize.vietnamese.syllable import TONE_MARKS, place
from ocr.page import Letter

DATA = Path(__file__).parent / "data" / "channel.json"
# Lower bounds of the confidence a competitor is listed with, the highest first.
CONFIDENCES = (70, 55, 40, 20, 10, 5, 1, 0)
UNLISTED = len(CONFIDENCES)
# From this confidence on a competitor makes its letter doubtful: then letters that are not listed are likelier too.
DOUBT = 1
# A letter of another base ("m" for "n") must compete with this confidence to be a candidate.
COMPETES = 10

_TONE_SIGNS = {mark for mark in TONE_MARKS if mark}
_SHAPE_SIGNS = {"\u0302": "hat", "\u0306": "breve", "\u031b": "horn"}


@dataclass(frozen=True, slots=True)
class Channel:
    """What was learned about one engine's confusions.

    Attributes:
        listed: cost of another letter of the same base by the confidence it is listed with (see
            :data:`CONFIDENCES`), the last entry for one that is not listed.
        unlisted_in_doubt: cost of a letter that is not listed where another one of its base competes.
        other_base: cost of a letter of another base by the confidence it is listed with, down to :data:`COMPETES`.
        kind: cost of each kind of confusion (see :func:`kind_of`) in text that brings letters alone.
        on_page: what each kind of confusion adds to ``listed``: a hook above for an acute is commoner than its letters'
            confidences tell, a lost dot below is rarer.
        other: cost of a kind that was never seen.
        burst: how much cheaper a confusion is right after another one: they come in rows.
    """

    listed: tuple[float, ...]
    unlisted_in_doubt: float
    other_base: tuple[float, ...]
    kind: dict[str, float]
    on_page: dict[str, float]
    other: float
    burst: float
    _prices: dict[tuple[Letter, str], dict[str, float]] = field(
        init=False, default_factory=dict, repr=False, compare=False
    )

    def prices(self, letter: Letter, read: str) -> dict[str, float]:
        """What each letter that the page listed costs, by its small form; under "" a letter that was not listed.

        The same letters come again and again, so the answer is kept.
        """
        known = self._prices.get((letter, read))
        if known is None:
            if len(self._prices) > 50_000:
                self._prices.clear()
            known = self._prices[letter, read] = self._priced(letter, read)
        return known

    def _priced(self, letter: Letter, read: str) -> dict[str, float]:
        out = {"": self.unlisted_in_doubt if doubtful(letter) else self.listed[UNLISTED]}
        for text, _ in letter.choices:
            kind, where = kind_of(text, read), rank(letter, text)
            if kind is None:
                price = self.other_base[min(where, len(self.other_base) - 1)]
            else:
                # Capitals err in their own ways, and the pages that this was learned on had few of them.
                price = self.listed[where] + (self.on_page.get(kind, 0.0) if read.islower() else 0.0)
            out[text.lower()] = price
        return out


@lru_cache(maxsize=4)
def load_channel(path: Path = DATA) -> Channel:
    """The channel as it was learned.

    Raises:
        FileNotFoundError: the data file is missing.
    """
    data = json.loads(path.read_text(encoding="utf-8"))
    return Channel(
        tuple(data["listed"]),
        data["unlisted_in_doubt"],
        tuple(data["other_base"]),
        data["kind"],
        data["on_page"],
        data["other"],
        data["burst"],
    )


@lru_cache(maxsize=4096)
def _taken_apart(letter: str) -> tuple[str, str, str]:
    """Base letter, shape sign and tone of a letter: ``ố`` -> ``o``, ``hat``, U+0301."""
    base, shape, tone = "", "", ""
    for sign in unicodedata.normalize("NFD", letter.lower()):
        if sign in _TONE_SIGNS:
            tone = sign
        elif sign in _SHAPE_SIGNS:
            shape = _SHAPE_SIGNS[sign]
        else:
            base += sign
    return ("d", "bar", "") if base == "đ" else (base, shape, tone)


LETTERS = frozenset("bcdđghklmnpqrstvx") | frozenset(place(one, tone) for one in "aăâeêioôơuưy" for tone in range(6))

_NAMES = dict(zip(TONE_MARKS, ("level", "huyen", "sac", "hoi", "nga", "nang"), strict=True))


@lru_cache(maxsize=1 << 14)
def kind_of(printed: str, read: str) -> str | None:
    """The kind of confusion between two letters; None where their bases differ, empty where they are the same.

    >>> kind_of("ố", "ô"), kind_of("ừ", "ư"), kind_of("ă", "â"), kind_of("o", "u")
    ('hat sac>level', 'horn huyen>level', 'breve>hat', None)
    """
    base, shape, tone = _taken_apart(printed)
    read_base, read_shape, read_tone = _taken_apart(read)
    if base != read_base:
        return None
    parts = []
    if shape != read_shape:
        parts.append(f"{shape or 'plain'}>{read_shape or 'plain'}")
    if tone != read_tone:
        if shape == read_shape:
            parts.append(f"{shape or 'plain'} {_NAMES[tone]}>{_NAMES[read_tone]}")
        else:
            parts.append(f"{_NAMES[tone]}>{_NAMES[read_tone]}")
    return " ".join(parts)


def rank(letter: Letter, wanted: str) -> int:
    """Index into ``Channel.listed`` for a letter that competes with the one that was read."""
    best = -1
    for text, confidence in letter.choices:
        if text == wanted or (len(text) == len(wanted) and text.lower() == wanted.lower()):
            best = max(best, confidence)
    if best < 0:
        return UNLISTED
    return next(index for index, bound in enumerate(CONFIDENCES) if best >= bound)


def doubtful(letter: Letter) -> bool:
    """Whether another letter of the same base competed on the page."""
    return any(confidence >= DOUBT and kind_of(text, letter.text) for text, confidence in letter.choices)


@lru_cache(maxsize=1 << 14)
def competitors(letter: Letter) -> tuple[str, ...]:
    """The letters of another base that competed on the page with one that was read, lower case.

    >>> competitors(Letter("n", (("n", 92), ("m", 62), ("ñ", 20), ("r", 4))))
    ('m',)
    """
    low = letter.text.lower()
    if len(low) != 1 or not low.isalpha():
        return ()
    found = (text.lower() for text, confidence in letter.choices if confidence >= COMPETES)
    return tuple(dict.fromkeys(text for text in found if text in LETTERS and kind_of(text, low) is None))


def cost(channel: Channel, candidate: str, read: str, letters: tuple[Letter, ...]) -> float:
    """Cost in nats of ``candidate`` having been printed where ``read`` was read.

    Args:
        candidate, read: two syllables of the same length, NFC, in the same case. Where their letters differ in more
            than diacritics, the candidate's must be one of :func:`competitors`.
        letters: one for each character of ``read``, or empty where there is no evidence of the page.

    >>> from ocr.page import Letter
    >>> page = (Letter("t"), Letter("ô", (("ô", 95), ("ổ", 41))))
    >>> cost(load_channel(), "tổ", "tô", page) < cost(load_channel(), "tố", "tô", page)
    True
    """
    total = 0.0
    if letters:
        for one, other, letter in zip(candidate, read, letters, strict=True):
            if one != other:
                prices = channel.prices(letter, other)
                total += prices.get(one.lower(), prices[""])
    else:
        for one, other in zip(candidate, read, strict=True):
            kind = kind_of(one, other)
            if kind != "":
                total += channel.other if kind is None else channel.kind.get(kind, channel.other)
    return total
