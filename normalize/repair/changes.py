"""A change: some characters of a text, and what they become. Rules and language model yield the same record."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from normalize.document import Document, Token, Tokens
from normalize.vietnamese.syllable import clean
from ocr.page import Letter


@dataclass(frozen=True, slots=True)
class Change:
    """Characters of a text, from one token to the same or a later one, and what they become.

    Between two tokens there is one space, in ``before`` and ``after`` alike: a change over two tokens whose ``after``
    has no space joins a syllable that was split, one with a space in ``after`` parts two that were glued.

    Attributes:
        text: index of the text in ``Document.texts()``.
        first, start: the token in which it begins, and the character there.
        last, end: the token in which it ends, and where (exclusive) in it.
        before: what stands there.
        after: what is put there.
        probability: that it is right.
        because: why, in plain English.
    """

    text: int
    first: int
    start: int
    last: int
    end: int
    before: str
    after: str
    probability: float
    because: str

    def meets(self, other: Change) -> bool:
        """Whether the two change some of the same characters."""
        begins, ends = (self.first, self.start), (self.last, self.end)
        return self.text == other.text and begins < (other.last, other.end) and (other.first, other.start) < ends

    @property
    def keeps_words(self) -> bool:
        """Whether as many words stand there after it as before."""
        return self.before.count(" ") == self.after.count(" ")


@dataclass(frozen=True, slots=True)
class Place:
    """A token where it stands.

    Attributes:
        text: index of the text in ``Document.texts()``.
        where: that text's name, see :class:`~normalize.document.Correction`.
        tokens: of that text.
        index: of the token among them.
    """

    text: int
    where: str
    tokens: Tokens
    index: int

    @property
    def token(self) -> Token:
        return self.tokens[self.index]

    @property
    def before(self) -> str:
        """The word before it; empty at the beginning."""
        return self.tokens[self.index - 1].text if self.index else ""

    @property
    def after(self) -> str:
        """The word after it; empty at the end."""
        return self.tokens[self.index + 1].text if self.index + 1 < len(self.tokens) else ""

    def change(self, start: int, end: int, after: str, probability: float, because: str) -> Change:
        """A change of some characters of the token."""
        before = self.token.text[start:end]
        return Change(self.text, self.index, start, self.index, end, before, after, probability, because)

    def change_through(self, other: Place, after: str, probability: float, because: str) -> Change:
        """A change of all from this token to another one of its text, both included."""
        before = " ".join(token.text for token in self.tokens[self.index : other.index + 1])
        end = len(other.token.text)
        return Change(self.text, self.index, 0, other.index, end, before, after, probability, because)

    def holds_reference(self, start: int, end: int) -> bool:
        """Whether a footnote reference stands between some characters of the token."""
        return any(start < one.offset < end for one in self.token.references)


def places(document: Document) -> Iterator[Place]:
    """Every token of a document, in its order."""
    for text, (where, tokens) in enumerate(document.texts()):
        for index in range(len(tokens)):
            yield Place(text, where, tokens, index)


def heads(document: Document) -> Iterator[Place]:
    """The first token of each block."""
    for text, (where, tokens) in enumerate(document.texts()):
        if tokens and where.startswith("blocks/"):
            yield Place(text, where, tokens, 0)


def beside(made: Iterable[Change], more: Iterable[Change], document: Document) -> list[Change]:
    """Those of ``more`` that change nothing that is changed already, and leave the cells of tables their words."""
    tables = {number for number, block in enumerate(document.blocks) if block.rows or block.type == "table"}
    by_text: dict[int, list[Change]] = {}
    for change in made:
        by_text.setdefault(change.text, []).append(change)
    kept = []
    for change in more:
        here = by_text.setdefault(change.text, [])
        if any(map(change.meets, here)) or (change.text in tables and not change.keeps_words):
            continue
        here.append(change)
        kept.append(change)
    return kept


def carried_back(change: Change, made: Iterable[Change]) -> Change | None:
    """A change of a text in which others were made, as a change of that text before.

    ``None`` where it touches tokens that were changed.
    """
    runs: list[tuple[int, int, int]] = []  # of tokens that were changed: first, last, and how many more they became
    for one in sorted((one for one in made if one.text == change.text), key=lambda one: (one.first, one.start)):
        grown = one.after.count(" ") - one.before.count(" ")
        if runs and one.first <= runs[-1][1]:
            first, last, before = runs.pop()
            runs.append((first, max(last, one.last), before + grown))
        else:
            runs.append((one.first, one.last, grown))
    shift = 0
    for first, last, grown in runs:
        if change.last < first + shift:
            break
        if change.first <= last + grown + shift:
            return None
        shift += grown
    return replace(change, first=change.first - shift, last=change.last - shift)


def page_letters(token: Token) -> tuple[Letter, ...]:
    """The page's letters, one for each character of the token, or nothing."""
    letters = token.letters
    return letters if len(letters) == len(token.text) and [one.text for one in letters] == list(token.text) else ()


def confidence_of(letter: Letter, wanted: str) -> int:
    """With what confidence, 0 to 100, the page showed one of some letters at a place; -1 where it did not."""
    return max((confidence for text, confidence in letter.choices if text and text in wanted), default=-1)


@lru_cache(maxsize=1 << 14)
def cleaned(text: str) -> str:
    """The text in Vietnamese letters, where that changes no offsets."""
    if text.isascii():
        return text
    plain = clean(text)
    return plain if len(plain) == len(text) else text
