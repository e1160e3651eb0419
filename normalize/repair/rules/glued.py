"""Syllables that a speck on the page glued together: ``tổ.chức`` -> ``tổ chức``.

A sign between two small words without a space on either side is dirt where the language goes on across it, and print
where it does not (``kinh tế-xã hội``). The model of the language sees no hyphens, so a hyphen counts as dirt only
beside a word that no compound begins or ends with, or where the document has the same two words without one.

So is a full stop before a space and a small letter, ``tổ. chức``: dirt, or what was printed is a comma. And a sign
between two spaces, ``trong . đó``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from normalize.document import Document, Token, Tokens
from normalize.repair.changes import Change, Place, cleaned, places
from normalize.vietnamese.language import COMMA, START, LanguageModel, symbols
from normalize.vietnamese.syllable import parse

_GLUED = re.compile(r"([^\W\d_]+)([.,:;'’‘`\-–_~*·•]{1,2})([^\W\d_]+)")
_HYPHENS = frozenset("-–")
_DIRT = frozenset("'’‘`_~*·•")
_COMMA_AND_DIRT = frozenset((",-", ",–", ",_", ",~", ",'", ",`", ",·", ",."))
# How much likelier (nats) the text must be without the sign. A small letter after a full stop is a hint by itself.
_ENOUGH = {".": 0.0, ":": 4.0, ";": 4.0, ",": 5.0}
# Two words without diacritics may be foreign.
_ENOUGH_ASCII = 3.0
_NEVER_IN_COMPOUNDS = frozenset((
    "và", "của", "các", "có", "được", "cho", "trong", "với", "để", "do", "từ", "theo", "về", "là", "không", "tại",
    "trên", "những", "một", "này", "đó", "khi", "đã", "sẽ",
))  # fmt: skip
# A document that glues more words than this with a hyphen (for each thousand words) does so on purpose.
_HYPHENS_PER_THOUSAND = 2.0
#: Signs that print never sets between spaces inside a sentence. A dash it does, and a comma people type so.
_LONE = frozenset(".:¡|('`^ˆ´·°")
#: How much likelier (nats) a sentence must go on across such a sign than end there. Of nine on 34 real papers, all of
#: them dirt, eight gain 9.2 and more.
_GOES_ON = 6.0
#: In nats: so much likelier a full stop inside a sentence must be nothing, or a comma. Of 31 on 200 real pages 17 are;
#: of the five that are nothing by 3 to 6 nats some were commas or colons.
_CLEARLY = {"": 6.0, ",": 4.0}
PROBABILITY = 0.95


def glued(document: Document, model: LanguageModel) -> Iterator[Change]:
    """Signs between two small words that are dirt. Only of a page."""
    hyphens: _Hyphens | None = None
    for place in places(document):
        token = place.token
        if not token.letters or token.references or token.text.isalpha():
            continue
        found = _GLUED.fullmatch(token.text.strip('().,;:"“”'))
        if found is None or not all(_small_word(found[i], model) for i in (1, 3)):
            continue
        one, sign, _ = found.groups()
        if set(sign) & _HYPHENS and sign not in _COMMA_AND_DIRT:
            hyphens = hyphens or _hyphens(document)
        because = _dirt(place, found, hyphens, model)
        if because is not None:
            start = token.text.index(found.group()) + len(one)
            space = ", " if sign in _COMMA_AND_DIRT else " "
            yield place.change(start, start + len(sign), space, PROBABILITY, because)


def stray_points(document: Document, model: LanguageModel) -> Iterator[Change]:
    """Full stops between two small words: none where the language goes on, a comma where it pauses. Only of a page."""
    for place in places(document):
        token = place.token
        one, two = token.text[:-1], place.after.rstrip(".,;:)")
        if not token.text.endswith(".") or not token.letters or token.references:
            continue
        if not (_small_word(one, model) and _small_word(two, model)):
            continue
        following = replace(place, index=place.index + 1)
        none, comma = (_likelihood(following, one, sign, model) for sign in ("", ","))
        after = "" if none > comma else ","
        if abs(none - comma) >= _CLEARLY[after]:
            put = "a comma" if after else "nothing"
            because = f"a full stop before a small letter: {put} is {abs(none - comma):.1f} nats likelier there"
            yield place.change(len(one), len(one) + 1, after, PROBABILITY, because)


def lone_signs(document: Document, model: LanguageModel) -> Iterator[Change]:
    """Signs alone between two small words of a sentence that goes on across them. Only of a page."""
    for place in places(document):
        token = place.token
        if token.text not in _LONE or not token.letters or token.references or not place.index:
            continue
        one, two = place.before, place.after.rstrip(".,;:)")
        if not (_small_word(one, model) and _small_word(two, model)) or (token.text == "(" and _is_closed(place)):
            continue
        around = (*place.tokens[: place.index - 1], token, *place.tokens[place.index + 2 :])
        gain = _gain(around, place.index - 1, one, two, ".", model)
        if gain >= _GOES_ON:
            before = replace(place, index=place.index - 1)
            because = f"a speck between two words: without the sign the text is {gain:.1f} nats likelier"
            yield before.change_through(place, one, PROBABILITY, because)


def _is_closed(place: Place) -> bool:
    """Whether a bracket that opens here is closed further on."""
    return any(")" in token.text for token in place.tokens[place.index :])


def _likelihood(place: Place, one: str, sign: str, model: LanguageModel) -> float:
    """Of a word and those after it (log, nats), with a sign before it.

    Args:
        one: the word before it, without its sign.
    """
    before = [*_ids(place.tokens[max(0, place.index - 3) : place.index - 1], model)[-2:], model.id(one)]
    ids = [*before, *([COMMA] if sign == "," else []), *_ids(place.tokens[place.index : place.index + 3], model)[:3]]
    return _log_probability(ids, len(before), model)


def _dirt(place: Place, found: re.Match[str], hyphens: _Hyphens | None, model: LanguageModel) -> str | None:
    """Why the sign between two words is dirt; ``None`` where it is print."""
    one, sign, two = found.groups()
    if sign in _COMMA_AND_DIRT:
        return "a speck behind a comma"
    if hyphens is not None and set(sign) & _HYPHENS:
        clear = {one, two} & _NEVER_IN_COMPOUNDS or (hyphens.without[one, two] and hyphens.between[one, two] <= 1)
        because = "a speck read as a hyphen: no compound has this word, or the document has the two without one"
        return because if clear and not hyphens.meant else None
    if set(sign) <= _DIRT:
        return "a speck between two words"
    gain = _gain(place.tokens, place.index, one, two, sign, model)
    if gain < max(_ENOUGH.get(c, 0.0) for c in sign) or (one.isascii() and two.isascii() and gain < _ENOUGH_ASCII):
        return None
    return f"a speck between two words: without the sign the text is {gain:.1f} nats likelier"


def _small_word(word: str, model: LanguageModel) -> bool:
    return len(word) > 1 - (word == "ở") and word.islower() and parse(word) is not None and model.id(word) > COMMA


class _Hyphens(NamedTuple):
    """How a document uses hyphens.

    Attributes:
        without: how often two words follow each other.
        between: how often two words have a hyphen between them, twice where it stands between spaces.
        meant: whether it glues so many words with a hyphen that it must mean it.
    """

    without: Counter[tuple[str, str]]
    between: Counter[tuple[str, str]]
    meant: bool


def _hyphens(document: Document) -> _Hyphens:
    pairs: Counter[tuple[str, str]] = Counter()
    hyphened: Counter[tuple[str, str]] = Counter()
    joined = words = 0
    for _, tokens in document.texts():
        words += len(tokens)
        before = ""
        for token in tokens:
            word = token.text.lower()
            if before.isalpha():
                pairs[before, word.rstrip(".,;:)")] += 1
            before = word
            found = _GLUED.fullmatch(token.text)
            if found and found[2] in _HYPHENS and found[1].islower() and found[3].islower():
                hyphened[found[1], found[3]] += 1
                joined += 1
        texts = [token.text.lower() for token in tokens]
        for one, sign, two in zip(texts, texts[1:], texts[2:], strict=False):
            if sign in _HYPHENS:
                hyphened[one, two] += 2
    return _Hyphens(pairs, hyphened, joined > max(3.0, _HYPHENS_PER_THOUSAND * words / 1000))


def _gain(tokens: Tokens, index: int, one: str, two: str, sign: str, model: LanguageModel) -> float:
    """By how much (nats) the text is likelier without the sign than with it."""
    before = _ids(tokens[max(0, index - 2) : index], model)[-2:]
    after = _ids(tokens[index + 1 : index + 2], model)[:1]
    a, b, end = model.id(one), model.id(two), COMMA if sign == "," else START
    whole, parted = [*before, a, b, *after], [*before, a, end, b, *after]
    first = len(before) + 1
    return _log_probability(whole, first, model) - _log_probability(parted, first, model)


def _ids(tokens: tuple[Token, ...], model: LanguageModel) -> list[int]:
    return [model.id(piece.symbol) for token in tokens for piece in symbols(cleaned(token.text))]


def _log_probability(ids: list[int], first: int, model: LanguageModel) -> float:
    """Of the symbols from one on, in nats, after those before it."""
    return sum(_score(ids, at, model) for at in range(first, len(ids)))


def _score(ids: list[int], at: int, model: LanguageModel) -> float:
    a, b, c = ([0, 0, 0, *ids[:at]])[-3:]
    return model.score(a, b, c, ids[at])
