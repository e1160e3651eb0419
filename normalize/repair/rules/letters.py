"""Letters that are put right by rule: look-alikes, stray capitals, and capitals that are small letters."""

from __future__ import annotations

import re

from normalize.document import Document, Tokens
from normalize.repair.candidates import Change, by_rule, cleaned, page_letters
from normalize.vietnamese import language
from normalize.vietnamese.language import NONE, LanguageModel
from normalize.vietnamese.syllable import key, parse, skeleton
from ocr.page import Letter

# Look-alike letters and stray capitals are put right by rule; this is what their corrections carry.
MECHANICAL = 0.99
_FOREIGN = "a letter of another alphabet inside a Vietnamese word"
# One printed Đ that Tesseract read twice, as each of the two letters its alphabet has for it.
_DOUBLE = re.compile("ĐÐ|ÐĐ")


def look_alikes(document: Document, changes: list[Change]) -> list[Change]:
    """Letters of other alphabets in Vietnamese words (Ð for Đ, ĐÐ for Đ), and capitals in a small word (``sỐ``).

    Leaves alone what ``changes`` change already.
    """
    done = {(change.slot.text, change.slot.token) for change in changes}
    out = []
    for text, (_, tokens) in enumerate(document.texts()):
        for index, token in enumerate(tokens):
            word = token.text
            if word.isascii() or (text, index) in done or (cleaned(word) == word and word.islower()):
                continue
            for found in language.WORD.finditer(word):
                start, end = found.span()
                part = cleaned(_DOUBLE.sub("Đ", word[start:end]))
                if part[0].islower() and not part.islower() and not part.isascii() and parse(part) is not None:
                    part = part.lower()
                if part != word[start:end] and not any(start < mark.offset < end for mark in token.marks):
                    stray = word[start:end].lower() == part.lower()
                    reason = "a capital letter inside a small word" if stray else _FOREIGN
                    out.append(by_rule(text, index, token, start, end, part, MECHANICAL, reason))
    return out


# What engines that write LaTeX make of a calculation in the text: $217/345 = 42,98\%$.
_FORMULA = re.compile(r"[\d.,/+=<>%()\s-]|\\%|\\times|\\,")


def formula_marks(document: Document) -> list[Change]:
    """Dollar signs and backslashes that an engine put around figures. No figure changes."""
    out = []
    for text, (_, tokens) in enumerate(document.texts()):
        opened: int | None = None
        for index, token in enumerate(tokens):
            if opened is None and token.text.startswith("$"):
                opened = index
            if opened is None:
                continue
            end = token.text.rstrip(".,;:)")
            if not end.endswith("$") or (index == opened and len(end) < 3):
                opened = opened if index - opened < 8 else None
                continue
            inside = " ".join(one.text for one in tokens[opened : index + 1]).strip(" .,;:)").strip("$")
            if not _FORMULA.sub("", inside) and any(letter.isdigit() for letter in inside):
                for at in range(opened, index + 1):
                    one = tokens[at]
                    plain = one.text.replace("$", "").replace("\\%", "%").replace("\\,", "").replace("\\times", "×")
                    if plain and plain != one.text and not one.marks:
                        reason = "the markup of a formula around plain figures"
                        out.append(by_rule(text, at, one, 0, len(one.text), plain, MECHANICAL, reason))
            opened = None
    return out


# Letters whose capital is the small letter made larger: alone they do not tell which was printed.
_SAME_SHAPE = frozenset("covxsuwzk")
# How firmly (pointwise mutual information, nats) such a word must be bound to a neighbour to be no abbreviation.
_BOUND = 2.0
# A small letter counts as shown by the page from this confidence on.
_SMALL = 20
CASE = 0.95


def small_capitals(document: Document, model: LanguageModel, changes: list[Change]) -> list[Change]:
    """Words in capitals that have the shape of their small letters, inside a sentence in small letters: ``hồ SƠ``.

    Only words with marks, which abbreviations do not have, and only of a page. Leaves alone what ``changes`` change.
    """
    done = {(change.slot.text, change.slot.token) for change in changes}
    out = []
    for text, (_, tokens) in enumerate(document.texts()):
        for index in range(1, len(tokens)):
            token = tokens[index]
            found = language.WORD.search(token.text)
            if found is None or not token.letters or (text, index) in done:
                continue
            word = found.group()
            if word.isascii() or not word.isupper() or any(letter.isdigit() for letter in token.text):
                continue
            if set(skeleton(word)) - _SAME_SHAPE or parse(word) is None or _other_letters(token.text, found.span()):
                continue
            start, end = found.span()
            shown = all(_shown(letter) for letter in page_letters(token)[start:end] or (Letter(""),))
            if _inside_a_sentence(tokens, index) and (shown or _bond(tokens, index, word, model) > _BOUND):
                reason = "capital and small letters have one shape here, and the words around it are small"
                out.append(by_rule(text, index, token, start, end, word.lower(), CASE, reason))
    return out


def _shown(letter: Letter) -> bool:
    """Whether the page showed the small letter too."""
    return any(text == letter.text.lower() and confidence >= _SMALL for text, confidence in letter.choices)


def _other_letters(text: str, span: tuple[int, int]) -> bool:
    """Whether there are letters or a sign before a word in its token."""
    return span[0] > 0 or any(letter.isalpha() for letter in text[span[1] :])


def _inside_a_sentence(tokens: Tokens, index: int) -> bool:
    """Whether the word before is small, without a sign after it, and the word after is not in capitals."""
    before = tokens[index - 1].text
    if not before.isalpha() or not before.islower():
        return False
    return index + 1 == len(tokens) or not tokens[index + 1].text.isupper()


def _bond(tokens: Tokens, index: int, word: str, model: LanguageModel) -> float:
    """Pointwise mutual information (nats) of a word with the one before it, or with the one after it."""
    own = model.id(key(word))
    if own < len(language.RESERVED):
        return 0.0
    before = model.id(key(tokens[index - 1].text))
    bonds = [model.score(NONE, NONE, before, own) - model.score(NONE, NONE, NONE, own)]
    if index + 1 < len(tokens) and not tokens[index].text.endswith((".", ";", ":")):
        after = model.id(key(tokens[index + 1].text.strip(".,;:")))
        bonds.append(model.score(NONE, NONE, own, after) - model.score(NONE, NONE, NONE, after))
    return max(bonds)
