"""Letters that are put right by rule: look-alikes, stray capitals, and capitals that are small letters."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from normalize.document import Document, Tokens
from normalize.repair.changes import Change, Place, cleaned, confidence_of, page_letters, places, places_where
from normalize.repair.channel import LETTERS
from normalize.vietnamese import language
from normalize.vietnamese.language import NONE, LanguageModel
from normalize.vietnamese.syllable import key, parse, skeleton
from ocr.page import Letter

# Look-alike letters and stray capitals are put right by rule; this is what their corrections carry.
MECHANICAL = 0.99
_FOREIGN = "a letter of another alphabet inside a Vietnamese word"
_STRAY = "a capital letter inside a small word"
# One printed Đ that Tesseract read twice, as each of the two letters its alphabet has for it.
_DOUBLE = re.compile("ĐÐ|ÐĐ")
#: Letters that tell of Icelandic, of Old English or of a phonetic transcription, where ð is a letter of its own.
_ETH_AT_HOME = frozenset("þæœəɪʊʌɔɛɑɜθʃʒŋˈˌ")
_TRANSCRIPTION = re.compile(r"\W*(?:/[^/\s]+/|\[[^\]\s]+\])\W*")
_LIST_LETTER = re.compile(r"\(?ð[).]\W*")
#: In letters. Longer words in capitals are words, "HAFNARFJARÐAR", and so are those with more vowels than this.
_LONGEST_ABBREVIATION, _VOWELS_OF_ABBREVIATION = 8, 1


def look_alikes(document: Document) -> Iterator[Change]:
    """Letters of other alphabets in Vietnamese words (Ð for Đ, ĐÐ for Đ), and capitals in a small word (``sỐ``)."""
    for place in places_where(document, _may_look_alike):
        token = place.token.text
        for found in language.WORD.finditer(token):
            word, right = found.group(), _in_one_alphabet(found.group())
            is_ours = _is_written_in_vietnamese(right) and not _is_eth(place, found)
            if right != word and is_ours and not place.holds_reference(*found.span()):
                because = _STRAY if word.lower() == right.lower() else _FOREIGN
                yield place.change(*found.span(), right, MECHANICAL, because)


@lru_cache(maxsize=1 << 16)
def _may_look_alike(text: str) -> bool:
    """Whether a word has capitals, or letters of another alphabet."""
    return not (text.isascii() or (text.islower() and cleaned(text) == text))


def _in_one_alphabet(word: str) -> str:
    """A word in Vietnamese letters, and small where only a letter in the middle of a small word is a capital."""
    right = cleaned(_DOUBLE.sub("Đ", word))
    is_mixed = right[0].islower() and not right.islower() and not right.isascii()
    return right.lower() if is_mixed and parse(right) is not None else right


def _is_written_in_vietnamese(word: str) -> bool:
    """Whether a word in Vietnamese letters can be Vietnamese, and is no foreign one with ð in the middle of it.

    >>> [_is_written_in_vietnamese(word) for word in ("đã", "Đắk", "QĐ", "thửađất", "Veđurstofa", "HÓĐGAR")]
    [True, True, True, True, False, False]
    """
    small = word.lower()
    if not set(small) <= LETTERS | set("fjwz"):
        return False
    if word[0] == "Đ" and "đ" not in small[1:]:  # no other language begins a word with this capital
        return True
    vowels = sum(letter in "aeiouy" for letter in skeleton(word))
    if word.isupper() and len(word) <= _LONGEST_ABBREVIATION and vowels <= _VOWELS_OF_ABBREVIATION:
        return True
    return small == "đ" or all(parse(part) is not None for part in re.findall("đ?[^đ]+|đ", small))


def _is_eth(place: Place, found: re.Match[str]) -> bool:
    """Whether the ð of a word is one: in a phonetic transcription, beside foreign words, or as a letter spoken of."""
    word, token = found.group(), place.token.text
    if "ð" not in word:
        return False
    if _TRANSCRIPTION.fullmatch(token) or not _ETH_AT_HOME.isdisjoint((place.before + token + place.after).lower()):
        return True
    if word != "ð":
        return False
    is_unit = (token[: found.start()] or place.before)[-1:].isdigit()  # 500.000 đ
    return not (is_unit or _LIST_LETTER.fullmatch(token))


# What engines that write LaTeX make of a calculation in the text: $217/345 = 42,98\%$.
_FORMULA = re.compile(r"[\d.,/+=<>%()\s-]|\\%|\\times|\\,")
# So many tokens behind the one that opens a formula are looked at for its end.
_LONGEST = 8
_BEHIND = ".,;:)"


def formula_markup(document: Document) -> Iterator[Change]:
    """Dollar signs and backslashes that an engine put around figures. No figure changes."""
    for text, (where, tokens) in enumerate(document.texts()):
        for first, last in _formulas(tokens):
            for index in range(first, last + 1):
                place = Place(text, where, tokens, index)
                read, plain = place.token.text, _without_markup(place.token.text)
                if plain and plain != read and not place.token.references:
                    because = "the markup of a formula around plain figures"
                    yield place.change(0, len(read), plain, MECHANICAL, because)


def _formulas(tokens: Tokens) -> Iterator[tuple[int, int]]:
    """First and last token of what stands between two dollar signs, where that is figures and signs only."""
    opened: int | None = None
    for index, token in enumerate(tokens):
        if opened is None and token.text.startswith("$"):
            opened = index
        if opened is None:
            continue
        end = token.text.rstrip(_BEHIND)
        if not end.endswith("$") or (index == opened and len(end) < 3):
            opened = opened if index - opened < _LONGEST else None
            continue
        inside = " ".join(one.text for one in tokens[opened : index + 1]).strip(" " + _BEHIND).strip("$")
        if not _FORMULA.sub("", inside) and any(letter.isdigit() for letter in inside):
            yield opened, index
        opened = None


def _without_markup(text: str) -> str:
    return text.replace("$", "").replace("\\%", "%").replace("\\,", "").replace("\\times", "×")


# An amount of money, and what engines make of the small raised đ behind it.
_AMOUNT = re.compile(r"\d{1,3}(?:[.,]\d{3})+$|\d{4,}$")
_RAISED_D = re.compile(r"\$?\s?\^\s?(?:\{\s?[dD]\s?\}|[dD])\$?(?!\w)")


def raised_dong(document: Document) -> Iterator[Change]:
    """The đ of an amount of money that was read as an exponent: ``182.900.000^d``. No figure changes."""
    for place in places_where(document, _has_exponent):
        token = place.token.text
        if (found := _RAISED_D.search(token)) is None or place.token.references:
            continue
        start = found.start()
        before = token[:start] if start else place.before
        opened = start > 0 and token.startswith("$") and found.group().endswith("$")
        if _AMOUNT.search(before) is None:
            continue
        why = "a raised d behind an amount of money is a đ"
        if opened:
            yield place.change(0, found.end(), f"{token[1:start]}đ", MECHANICAL, why)
        else:
            yield place.change(start, found.end(), "đ", MECHANICAL, why)


def _has_exponent(text: str) -> bool:
    return "^" in text


# Letters whose capital is the small letter made larger: alone they do not tell which was printed.
_SAME_SHAPE = frozenset("covxsuwzk")
# How firmly (pointwise mutual information, nats) such a word must be bound to a neighbour to be no abbreviation.
_BOUND = 2.0
# A small letter counts as shown by the page from this confidence on.
_SMALL = 20
CASE = 0.95


def small_capitals(document: Document, model: LanguageModel) -> Iterator[Change]:
    """Words in capitals that have the shape of their small letters, inside a sentence in small letters: ``hồ SƠ``.

    Only words with diacritics, which abbreviations do not have, and only of a page.
    """
    for place in places(document):
        found = language.WORD.search(place.token.text)
        if found is None or not _may_be_small(place, found.group(), found.span()) or not _inside_a_sentence(place):
            continue
        start, end = found.span()
        shown = all(_shown(letter) for letter in page_letters(place.token)[start:end] or (Letter(""),))
        if shown or _bond(place, found.group(), model) > _BOUND:
            because = "capital and small letters have one shape here, and the words around it are small"
            yield place.change(start, end, found.group().lower(), CASE, because)


def _may_be_small(place: Place, word: str, span: tuple[int, int]) -> bool:
    """Whether a word in capitals, alone in its token, has diacritics, and letters that look alike in both cases."""
    token = place.token
    if not token.letters or any(letter.isdigit() for letter in token.text) or _other_letters(token.text, span):
        return False
    return word.isupper() and not word.isascii() and set(skeleton(word)) <= _SAME_SHAPE and parse(word) is not None


def _shown(letter: Letter) -> bool:
    """Whether the page showed the small letter too."""
    return confidence_of(letter, letter.text.lower()) >= _SMALL


def _other_letters(text: str, span: tuple[int, int]) -> bool:
    """Whether there are letters or a sign before a word in its token."""
    return span[0] > 0 or any(letter.isalpha() for letter in text[span[1] :])


def _inside_a_sentence(place: Place) -> bool:
    """Whether the word before is small, without a sign after it, and the word after is not in capitals."""
    return place.before.isalpha() and place.before.islower() and not place.after.isupper()


def _bond(place: Place, word: str, model: LanguageModel) -> float:
    """Pointwise mutual information (nats) of a word with the one before it, or with the one after it."""
    own = model.id(key(word))
    if own < len(language.RESERVED):
        return 0.0
    before = model.id(key(place.before))
    bonds = [model.score(NONE, NONE, before, own) - model.score(NONE, NONE, NONE, own)]
    if place.index + 1 < len(place.tokens) and not place.token.text.endswith((".", ";", ":")):
        after = model.id(key(place.after.strip(".,;:")))
        bonds.append(model.score(NONE, NONE, own, after) - model.score(NONE, NONE, NONE, after))
    return max(bonds)
