"""Spaces inside a syllable, and missing ones between two: ``quy đ ịnh`` -> ``quy định``, ``tạiUBND`` -> ``tại UBND``.

Only what cannot be Vietnamese as it stands is looked at: two tokens one of which is no syllable, and that are one
together; a token that is no syllable and that no text has, and that is two. The language model weighs the text with the
space against the text without it. Texts of the ministries have such slips too, so that here most changes of clean text
are right ones. Cells of tables keep their words.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from normalize.document import Document
from normalize.repair.changes import Change, Place, cleaned, places_where
from normalize.vietnamese.language import NONE, ORDER, RESERVED, START, LanguageModel, symbols
from normalize.vietnamese.syllable import key, parse

#: A syllable that the model saw less often (weighted) is no word beside which another one may be torn.
_RARE = 100.0
#: A syllable that is put together, or that two run together are parted into, must have been seen this often.
_COMMON = 500.0
#: How much likelier (nats) the text must be with a syllable whole. In 4 million syllables of Wikipedia the four above
#: this were torn, and the three below were not.
_WHOLE = 6.0
#: The same where neither half is a syllable; no clean text has such two side by side.
_WHOLE_OF_TWO = 3.0
#: The same of two apart. Two words cost more than one that is unknown, so it is below nothing where no spelling of a
#: foreign word has the like: a capital inside. Below the others stood Sapa, phátxít and càphê, in as much text.
_APART_AT_CAPITAL, _APART_SMALL, _APART_NAME = -6.0, -3.5, 5.0
#: So many symbols on either side have a part in that.
_REACH = ORDER - 1
_HEAD = re.compile(r"(?:.*[(\[“\"‘/])?([^\W\d_]+)")
_TAIL = re.compile(r"([^\W\d_]+)[)\]”\"’.,;:!?/]*")
#: The longest syllable has seven letters.
_RUN = re.compile(r"[(\[“\"‘]*([^\W\d_]{4,16})([)\]”\"’.,;:!?]*)")
_NUMBERED = re.compile(r"\(?(ngày|tháng|năm|[Đđ]iều|[Kk]hoản)\d{1,4}[.,;:)]*")
#: Words of other languages that many write in one, and others with a space or a hyphen.
_LOANS = frozenset((
    "bêtông", "càphê", "vắcxin", "văcxin", "phátxít", "canô", "môtô", "xíchlô", "ximăng", "axít", "cácbon", "phốtpho",
    "ápphích", "sôcôla", "côngtenơ", "côngtơ", "xìgà", "búpbê", "xàphòng", "cátxét", "tắcxi", "ghisê", "càrốt", "súplơ",
    "xúcxích", "đôla", "kilôgam", "kilômét", "mêtan", "êtan", "mêkông", "vitamin", "oátkơ",
))  # fmt: skip
_CONSONANTS = frozenset("bcdđghklmnpqrstvx")
PROBABILITY = 0.95


def torn_syllables(document: Document, model: LanguageModel) -> Iterator[Change]:
    """Syllables with a space in the middle."""
    for place in _pairs_with_fragment(document, model):
        head, tail = _head(place.token.text), _tail(place.after)
        if head is None or tail is None or place.token.references:
            continue
        one, two = head[1], tail[1]
        fragments = [part for part in (one, two) if _is_fragment(part, model)]
        is_small = two.islower() and (one.islower() or one.istitle())
        if not fragments or not is_small or not _is_common(one + two, model):
            continue
        gain = _gain(place, 2, [one + place.after], model)
        if gain >= (_WHOLE if len(fragments) == 1 else _WHOLE_OF_TWO):
            because = f"{fragments[0]} is no syllable; in one the text is {gain:.1f} nats likelier"
            where = (place.text, place.index, head.start(1), place.index + 1, tail.end(1))
            yield Change(*where, f"{one} {two}", one + two, PROBABILITY, because)


def _pairs_with_fragment(document: Document, model: LanguageModel) -> Iterator[Place]:
    """The tokens that are a fragment at their end, or stand before one that is a fragment."""
    for text, (where, tokens) in enumerate(document.texts()):
        found = [_has_fragment(token.text, model) for token in tokens]
        for index, is_fragment in enumerate(map(max, found, found[1:])):
            if is_fragment:
                yield Place(text, where, tokens, index)


@lru_cache(maxsize=1 << 16)
def _has_fragment(text: str, model: LanguageModel) -> bool:
    """Whether a token is no whole syllable as the first or the second of two."""
    return any(found is not None and _is_fragment(found[1], model) for found in (_head(text), _tail(text)))


@lru_cache(maxsize=1 << 14)
def _head(text: str) -> re.Match[str] | None:
    return _HEAD.fullmatch(text)


@lru_cache(maxsize=1 << 14)
def _tail(text: str) -> re.Match[str] | None:
    return _TAIL.fullmatch(text)


def syllables_run_together(document: Document, model: LanguageModel) -> Iterator[Change]:
    """Syllables without the space between them, and numbers right behind the word that counts them."""
    for place in places_where(document, functools.partial(_may_run_together, model=model)):
        token = place.token
        if token.references:
            continue
        if (numbered := _NUMBERED.fullmatch(token.text)) is not None:
            at = numbered.end(1)
            yield place.change(at - 1, at, f"{token.text[at - 1]} ", PROBABILITY, "a word and its number run together")
        found = _RUN.fullmatch(token.text)
        if found is None or not _may_be_two(token.text, found[1], model):
            continue
        gain, at = max(_partings(place, found, model), default=(0.0, 0))
        if at:
            because = f"{found[1]} is no word; for two it fits by {gain:.1f} nats"
            parted = f"{found[1][:at]} {found[1][at:]}"
            yield place.change(found.start(1), found.end(1), parted, PROBABILITY, because)


@lru_cache(maxsize=1 << 16)
def _may_run_together(text: str, model: LanguageModel) -> bool:
    """Whether a token is a word and its number, or may be two syllables."""
    found = _RUN.fullmatch(text)
    return _NUMBERED.fullmatch(text) is not None or (found is not None and _may_be_two(text, found[1], model))


def _may_be_two(text: str, word: str, model: LanguageModel) -> bool:
    return not (text.isascii() and text.islower()) and _is_no_word(word, model)


def _partings(place: Place, found: re.Match[str], model: LanguageModel) -> Iterator[tuple[float, int]]:
    """By how much (nats) each way to part a token is likelier than the token, and where that parts it."""
    word = found[1]
    for at in range(2, len(word) - 1):
        one, two = word[:at], word[at:]
        if not (one.islower() or one.istitle()) or not _is_common(one, model):
            continue
        is_abbreviation = two.isupper() and len(two) > 2 and model.id(key(two)) >= len(RESERVED)
        if not is_abbreviation and not ((two.islower() or two.istitle()) and _is_common(two, model)):
            continue
        needed = _APART_AT_CAPITAL if not two.islower() else _APART_SMALL if one.islower() else _APART_NAME
        gain = _gain(place, 1, [one, two + found[2]], model)
        if gain >= needed:
            yield gain, at


def _is_no_word(word: str, model: LanguageModel) -> bool:
    """Whether no text has a word, and none is spelt so."""
    small = key(word)
    return not word.isupper() and parse(word) is None and small not in model.ids and small not in _LOANS


@lru_cache(maxsize=1 << 14)
def _is_fragment(word: str, model: LanguageModel) -> bool:
    """Whether a word is no syllable, or one that hardly any text has."""
    return word.lower() in _CONSONANTS or not _is_seen(word, model, _RARE)


def _is_common(word: str, model: LanguageModel) -> bool:
    return _is_seen(word, model, _COMMON)


def _is_seen(word: str, model: LanguageModel, often: float) -> bool:
    """Whether a word is a syllable that the model saw so often."""
    symbol = model.ids.get(key(word))
    return symbol is not None and parse(word) is not None and float(model.counts[symbol]) >= often


def _gain(place: Place, size: int, words: Sequence[str], model: LanguageModel) -> float:
    """By how much (nats) the text is likelier with other words in the place of some tokens.

    Args:
        size: number of those tokens.
        words: with the signs behind the last one.
    """
    at, end = place.index, place.index + size
    texts = [token.text for token in place.tokens[max(0, at - _REACH) : end + _REACH]]
    first = min(at, _REACH)
    before = (_ids(texts[:first], model) or [START])[-_REACH:]
    after = _ids(texts[first + size :], model)[:_REACH]
    read, other = _ids(texts[first : first + size], model), _ids(words, model)
    return _score(before, [*other, *after], model) - _score(before, [*read, *after], model)


def _ids(texts: Sequence[str], model: LanguageModel) -> list[int]:
    return [model.id(piece.symbol) for text in texts for piece in symbols(cleaned(text))]


def _score(before: Sequence[int], ids: Sequence[int], model: LanguageModel) -> float:
    """log P of symbols behind others."""
    row = [NONE] * _REACH + [*before, *ids]
    first = len(row) - len(ids)
    return sum(model.score(row[at - 3], row[at - 2], row[at - 1], row[at]) for at in range(first, len(row)))
