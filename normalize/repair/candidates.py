"""The places of a document that repair may change, with what may have been printed there.

Every syllable is a slot, except numbers, codes, addresses, abbreviations and foreign words. Its candidates are the
known syllables of the same letters, each with what the channel (``channel.py``) asks for it.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from normalize.document import Document, Token, Tokens
from normalize.repair.changes import cleaned, page_letters
from normalize.repair.channel import LETTERS, UNLISTED, Channel, competitors, cost, rank
from normalize.repair.seen import Seen
from normalize.vietnamese.language import OTHER, START, WORD, LanguageModel, symbols
from normalize.vietnamese.syllable import NANG, SAC, TONE_MARKS, match_case, parse, place, spellings
from ocr.page import Letter

# Without a page the search proposes more than it believes: changes this much (nats) cheaper than the channel says.
# The decision then weighs each proposal by more than its likelihood.
PROPOSE = 6.5


# Signs that tell of markup; what stands between them is no whole word.
_MARKUP = frozenset("<>{}\\")

# Symbol id, spelling, channel cost in nats.
Candidate = tuple[int, str, float]


class Slot(NamedTuple):
    """A syllable that may be repaired.

    Attributes:
        at: its index in the sequence of symbols.
        text: index of the text in ``Document.texts()``.
        token: index of the token in it.
        start, end: characters of the token.
        read: as it stands there.
        letters: one for each character of ``read``, or empty.
        name: capitalised inside a sentence.
        candidates: without the one that was read.
    """

    at: int
    text: int
    token: int
    start: int
    end: int
    read: str
    letters: tuple[Letter, ...]
    name: bool
    candidates: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True)
class Proposal:
    """A slot and what the language model would make of it.

    Attributes:
        cost: of the channel, nats.
        margin: by how much the text with it beats the text as read, nats.
        features: see :data:`~normalize.repair.decision.FEATURES`.
        probability: that it is right.
    """

    slot: Slot
    after: str
    symbol: int
    cost: float
    margin: float = 0.0
    features: tuple[float, ...] = ()
    probability: float = 0.0


class _Piece(NamedTuple):
    """A word of a text and where it stands; ``at`` counts the text's own symbols."""

    at: int
    token: int
    start: int
    end: int
    word: str


@dataclass(frozen=True, slots=True)
class _Cut:
    """A text as symbols.

    Attributes:
        tokens: that were cut.
        ids: the text's own symbols.
        pieces: the words among them that could be slots.
        style: how many more of them are written as hoà (new) than as hòa.
    """

    tokens: Tokens
    ids: list[int]
    pieces: list[_Piece]
    style: int


def lattice(
    document: Document, model: LanguageModel, channel: Channel, seen: Seen | None = None
) -> tuple[npt.NDArray[np.int64], list[Slot]]:
    """The document as one sequence of symbol ids, and the slots in it.

    Args:
        seen: what earlier looks at the document left.
    """
    seen = seen or Seen()
    texts = [tokens for _, tokens in document.texts()]
    cuts = [seen.of("cut", *one, functools.partial(_cut, one[1], model)) for one in enumerate(texts)]
    new_style = sum(cut.style for cut in cuts) > 0
    options = _options_of_document(model, channel, new_style)
    what = ("slots", new_style)
    seen.fresh = {number for number, tokens in enumerate(texts) if not seen.has(what, number, tokens)}
    # A start stands between two texts.
    ids: list[int] = [START]
    slots: list[Slot] = []
    for number, cut in enumerate(cuts):
        if ids[-1] != START:
            ids.append(START)
        make = functools.partial(_slots_from, number, cut, len(ids), options)
        first, own = seen.of(what, number, cut.tokens, make)
        if first != len(ids):
            own = [slot._replace(at=slot.at + len(ids) - first) for slot in own]
            seen.keep(what, number, cut.tokens, (len(ids), own))
        slots += own
        ids += cut.ids
    if ids[-1] != START:
        ids.append(START)
    return np.array(ids, np.int64), slots


@dataclass(frozen=True, slots=True)
class _Options:
    """What may have been printed at a word of a document.

    Attributes:
        candidates: of a word and the page's letters.
        others: the same with another base.
        pageless: the candidates of words without a page that were asked for already.
        same: each tuple of candidates by itself: a long document has few that differ.
    """

    model: LanguageModel
    candidates: Callable[[str, tuple[Letter, ...]], tuple[Candidate, ...]]
    others: Callable[[str, tuple[Letter, ...]], tuple[Candidate, ...]]
    pageless: dict[str, tuple[Candidate, ...]]
    same: dict[tuple[Candidate, ...], tuple[Candidate, ...]]

    def of(self, word: str, letters: tuple[Letter, ...], name: bool) -> tuple[Candidate, ...]:
        """The candidates of a word; those of a name keep its letters."""
        if letters:
            found = self.candidates(word, letters) + (() if name else self.others(word, letters))
            return self.same.setdefault(found, found)
        if word not in self.pageless:
            found = self.candidates(word, ())
            self.pageless[word] = self.same.setdefault(found, found)
        return self.pageless[word]


def _options_of_document(model: LanguageModel, channel: Channel, new_style: bool) -> _Options:
    candidates = functools.partial(_candidates, model=model, channel=channel, new_style=new_style)
    others = functools.partial(_other_letters, model=model, channel=channel, new_style=new_style)
    return _Options(model, candidates, others, {}, {})


def _slots_from(text: int, cut: _Cut, first: int, options: _Options) -> tuple[int, list[Slot]]:
    """Where the own symbols of a text begin in the document, and its slots."""
    return first, list(_slots(text, cut, first, options))


def _slots(text: int, cut: _Cut, first: int, options: _Options) -> Iterator[Slot]:
    """The slots of a text whose own symbols begin at a place of the document."""
    tokens, pieces = cut.tokens, cut.pieces
    last = len(pieces) - 1
    for number, piece in enumerate(pieces):
        at, index, start, end, word = piece
        token = tokens[index]
        before = pieces[number - 1] if number and pieces[number - 1].at == at - 1 else None
        after = pieces[number + 1] if number < last and pieces[number + 1].at == at + 1 else None
        letters = _letters(token, start, end) if token.letters else ()
        if token.references and _is_cited_inside(piece, tokens):
            continue
        if _is_frozen_here(piece, before, after, letters, options.model):
            continue
        if not letters and "-" in token.text and _is_foreign_compound(token.text):
            continue
        name = word[0].isupper() and _is_name(piece, after, is_first=_begins(piece, cut))
        candidates = options.of(word, letters, name)
        if candidates:
            yield Slot(first + at, text, index, start, end, word, letters, name, candidates)


def _is_cited_inside(piece: _Piece, tokens: Tokens) -> bool:
    """Whether a footnote reference stands in the middle of a word."""
    return any(piece.start < one.offset < piece.end for one in tokens[piece.token].references)


def _cut(tokens: Tokens, model: LanguageModel) -> _Cut:
    """A text as symbols."""
    ids: list[int] = []
    pieces: list[_Piece] = []
    style = 0
    for index, token in enumerate(tokens):
        own, words, own_style = _symbols_of(token.text, model)
        for at, start, end, word in words:
            pieces.append(_Piece(len(ids) + at, index, start, end, word))
        ids += own
        style += own_style
    return _Cut(tokens, ids, pieces, style)


@lru_cache(maxsize=1 << 16)
def _symbols_of(text: str, model: LanguageModel) -> tuple[tuple[int, ...], tuple[tuple[int, int, int, str], ...], int]:
    """The symbols of a token, its words that could be slots (which symbol, from where to where, and themselves), and
    their style."""
    plain = cleaned(text)
    is_markup = not plain.isalpha() and not _MARKUP.isdisjoint(plain)
    found = symbols(plain)
    words = tuple(
        (at, piece.start, piece.end, plain[piece.start : piece.end])
        for at, piece in enumerate(found)
        if piece.end > piece.start and piece.symbol not in ("<n>", "<x>") and not is_markup
    )
    return tuple(model.id(piece.symbol) for piece in found), words, sum(_style(word) for *_, word in words)


def _is_frozen_here(
    piece: _Piece, before: _Piece | None, after: _Piece | None, letters: tuple[Letter, ...], model: LanguageModel
) -> bool:
    """Whether a word is none of the model's business; one that the page garbled is."""
    alone = _frozen_alone(piece.word)
    if alone is False or not frozen(piece.word, [near.word for near in (before, after) if near is not None]):
        return False
    return not (letters and _garbled(piece.word, model))


@lru_cache(maxsize=1 << 12)
def _is_foreign_compound(text: str) -> bool:
    """Whether words with hyphens between them are a foreign name: one of them tells, or one capital before them all.

    >>> [_is_foreign_compound(text) for text in ("Spi-nô-da", "Cuốc-va-hem", "Lê-nin")]
    [True, True, True]
    >>> [_is_foreign_compound(text) for text in ("tê-xã", "UBND-xã", "Việt-Nam")]
    [False, False, False]
    """
    first, *others = [found.group() for found in WORD.finditer(cleaned(text))] or [""]
    if first.istitle() and others and all(word.islower() for word in others):
        return True
    return any(not word.isupper() and not looks_vietnamese(word) for word in (first, *others))


def _begins(piece: _Piece, cut: _Cut) -> bool:
    """Whether a word begins a sentence or a list item, where a capital says nothing."""
    is_first = not piece.at or cut.ids[piece.at - 1] == START
    return is_first or (piece.start == 0 and _marker(cut.tokens, piece.token))


def _is_name(piece: _Piece, after: _Piece | None, *, is_first: bool) -> bool:
    """Whether a word is capitalised as names are: inside a sentence, or before another such word.

    What breaks the rule of tones was not printed so: "Quôc" is nobody's name.
    """
    word = piece.word
    if not word[0].isupper():
        return False
    before_another = after is not None and word.istitle() and after.word.istitle()
    capitalised = before_another if is_first else not word.isupper()
    return capitalised and parse(word) is not None


_MARKER = re.compile(r"^(?:[-–+*•]|\(?[\da-zđ]{1,2}[.)]+)$")


def _marker(tokens: Tokens, index: int) -> bool:
    """Whether a token follows the sign of a list item: ``(4) Chỉnh trang``."""
    return index == 0 or _MARKER.match(tokens[index - 1].text) is not None


def frozen(word: str, neighbours: Sequence[str]) -> bool:
    """Whether a word is not for the language model to touch, given the words right beside it.

    >>> frozen("UBND", ["của"]), frozen("PHÂN", ["ĐẤU"]), frozen("Covid", []), frozen("tô", [])
    (True, False, True, False)
    """
    alone = _frozen_alone(word)
    if alone is not None:
        return alone
    if word.isupper():
        # Abbreviations stand alone; a heading is a row of capital syllables.
        return not any(near.isupper() and len(near) > 1 and looks_vietnamese(near) for near in neighbours)
    return any(near.isascii() and not near.isupper() and parse(near) is None for near in neighbours)


@lru_cache(maxsize=1 << 16)
def _frozen_alone(word: str) -> bool | None:
    """Whether a word is frozen whatever stands beside it; None where that decides."""
    if len(word) < 2 and word.isupper():
        return True
    if word.isupper():
        return None if looks_vietnamese(word) else True
    if not (word.islower() or word.istitle()):
        return True
    if not looks_vietnamese(word):
        return True
    return None if word.isascii() else False


# Letters of Tesseract's alphabet that no Vietnamese word has, and what it takes for them.
_NEVER_PRINTED = str.maketrans("øöäåïëñ", "gơăăiên")


#: Diphthongs that Vietnamese has with diacritics only.
_DIPHTHONGS = (("ie", "iê"), ("ye", "yê"), ("uo", "uô"), ("uo", "ươ"), ("uơ", "ươ"), ("ưo", "ươ"))


@lru_cache(maxsize=1 << 16)
def looks_vietnamese(word: str) -> bool:
    """Whether a word is a syllable, or would be one with another tone, with one tone instead of two, or with ê, ô, ơ
    or ư where it has a tone on the bare letter: ``quyét`` is ``quyết``, where ``Thiers`` is nothing.

    >>> looks_vietnamese("vửớng"), looks_vietnamese("øỡ"), looks_vietnamese("quyét"), looks_vietnamese("Covid")
    (True, True, True, False)
    """
    if parse(word) is not None:
        return True
    plain = unicodedata.normalize("NFD", word.lower().translate(_NEVER_PRINTED))
    letters = unicodedata.normalize("NFC", "".join(sign for sign in plain if sign not in TONE_MARKS[1:]))
    forms = [letters]
    if len(letters) < len(plain):
        forms += [letters.replace(bare, written) for bare, written in _DIPHTHONGS if bare in letters]
    return any(parse(s) for form in forms for s in _retoned(form))


def _retoned(letters: str) -> list[str]:
    """``letters`` with the tones that no coda forbids."""
    try:
        return [place(letters, tone) for tone in (0, SAC, NANG)]
    except ValueError:
        return []


def _letters(token: Token, start: int, end: int) -> tuple[Letter, ...]:
    """The page's evidence for some characters of a token; empty where it cannot be told."""
    if not token.letters:
        return ()
    found = page_letters(token)[start:end]
    return found if any(one.choices for one in found) else ()


@lru_cache(maxsize=1 << 16)
def _style(word: str) -> int:
    """1 for a word in the new placement of tones, -1 for the old one, 0 where they agree."""
    if word.isascii() or len(word) > 7:
        return 0
    syllable = parse(word)
    if syllable is None or not syllable.tone or len(spellings(syllable)) < 2:
        return 0
    return -1 if word.lower() == spellings(syllable)[0] else 1


@lru_cache(maxsize=1 << 16)
def _options(word: str, model: LanguageModel, new_style: bool, itself: bool = False) -> tuple[tuple[int, str], ...]:
    """Symbol and spelling of each other syllable of the same letters, in the case and style of ``word``.

    With ``itself`` that of ``word`` too.
    """
    low = word.lower()
    own = parse(low)
    if own is not None and own.tone and len(spellings(own)) > 1:
        new_style = low == spellings(own)[1]
    out = []
    for symbol in model.same_letters(low.translate(_NEVER_PRINTED)):
        syllable = parse(model.words[symbol])
        if syllable is None or (syllable == own and not itself):
            continue
        form = spellings(syllable)[-1 if new_style else 0]
        if len(form) == len(word):
            out.append((symbol, match_case(form, word)))
    return tuple(out)


def _candidates(
    word: str, letters: tuple[Letter, ...], *, model: LanguageModel, channel: Channel, new_style: bool
) -> tuple[Candidate, ...]:
    """The candidates of a slot with their costs."""
    offer = 0.0 if letters else PROPOSE
    return tuple(
        (symbol, form, max(0.5, cost(channel, form, word, letters) - offer))
        for symbol, form in _options(word, model, new_style)
    )


def _garbled(word: str, model: LanguageModel) -> bool:
    """Whether a small word that is no syllable may be a misread one: it has a letter of ours alone, or is unknown."""
    return word.islower() and not looks_vietnamese(word) and (bool(_OURS_ALONE & set(word)) or model.id(word) == OTHER)


# Letters that none of the other languages in our documents has.
_OURS_ALONE = LETTERS - set("abcdeghiklmnopqrstuvxyàáèéêìíòóùúýâôõãđ")


def _listed(form: str, word: str, letters: tuple[Letter, ...]) -> bool:
    """Whether every letter of ``form`` that is not in ``word`` was listed on the page."""
    triples = zip(form, word, letters, strict=True)
    return all(one == two or rank(letter, one) != UNLISTED for one, two, letter in triples)


def _other_letters(
    word: str, letters: tuple[Letter, ...], *, model: LanguageModel, channel: Channel, new_style: bool
) -> tuple[Candidate, ...]:
    """Candidates with one letter of another base, one that competed on the page: ``minh`` for ``ninh``."""
    low = word.lower()
    out: dict[str, Candidate] = {}
    for index, letter in enumerate(letters):
        for other in competitors(letter):
            variant = low[:index] + other + low[index + 1 :]
            for symbol, form in _options(match_case(variant, word), model, new_style, True):
                if form[index].lower() == other and _listed(form, word, letters):
                    price = max(0.5, cost(channel, form, word, letters))
                    if form not in out or price < out[form][2]:
                        out[form] = (symbol, form, price)
    return tuple(out.values())
