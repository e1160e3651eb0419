"""A change: some characters of a text, and what they become. Rules and language model yield the same record."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from normalize.document import Document, Token, Tokens
from normalize.vietnamese.syllable import clean, skeleton
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


@dataclass(slots=True)  # not frozen, which takes three times as long to make: each rule goes through all of them
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


def places_where(document: Document, holds: Callable[[str], object]) -> Iterator[Place]:
    """The tokens whose text passes a test, in their order.

    Args:
        holds: asked for every word of the document, so it should be quick, or remember what it said.
    """
    for text, (where, tokens) in enumerate(document.texts()):
        for index, token in enumerate(tokens):
            if holds(token.text):
                yield Place(text, where, tokens, index)


def brings_page(document: Document) -> bool:
    """Whether any word of a document has what a page showed: letters, or a second reading."""
    return any(token.letters or token.second is not None for _, tokens in document.texts() for token in tokens)


def heads(document: Document) -> Iterator[Place]:
    """The first token of each block."""
    for text, (where, tokens) in enumerate(document.texts()):
        if tokens and where.startswith("blocks/"):
            yield Place(text, where, tokens, 0)


def beside(made: Iterable[Change], more: Iterable[Change], document: Document) -> list[Change]:
    """Those of ``more`` that change nothing that is changed already, and leave the cells of tables their words."""
    tables = {number for number, block in enumerate(document.blocks) if block.rows or block.type == "table"}
    by_text: dict[int, list[Change]] = {}  # in the order of the text
    for change in sorted(made, key=_begin):
        by_text.setdefault(change.text, []).append(change)
    kept = []
    for change in more:
        here = by_text.setdefault(change.text, [])
        at = bisect_right(here, _begin(change), key=_begin)
        # No two of them share a character: only the nearest can, and one that puts something in between two.
        if any(map(change.meets, here[max(0, at - 2) : at + 1])) or (change.text in tables and not change.keeps_words):
            continue
        here.insert(at, change)
        kept.append(change)
    return kept


def _begin(change: Change) -> tuple[int, int]:
    return change.first, change.start


def carried_back(changes: Iterable[Change], made: Iterable[Change]) -> Iterator[Change]:
    """Changes of texts in which others were made, as changes of those texts before.

    Without those that touch tokens that were changed.
    """
    by_text: dict[int, list[_Run]] = {}
    for one in sorted(made, key=_begin):
        runs, grown = by_text.setdefault(one.text, []), one.after.count(" ") - one.before.count(" ")
        if runs and one.first <= runs[-1].last:
            runs[-1] = replace(runs[-1], last=max(runs[-1].last, one.last), grown=runs[-1].grown + grown)
        else:
            runs.append(_Run(one.first, one.last, runs[-1].shift + runs[-1].grown if runs else 0, grown))
    for change in changes:
        runs = by_text.get(change.text, [])
        # The last run that begins before the change ends.
        at = bisect_right(runs, change.last, key=lambda run: run.first + run.shift) - 1
        if at < 0:
            yield change
        elif change.first > runs[at].last + runs[at].shift + runs[at].grown:
            shift = runs[at].shift + runs[at].grown
            yield replace(change, first=change.first - shift, last=change.last - shift)


def put_back(changes: Iterable[Change], made: Iterable[Change]) -> list[Change]:
    """Those of the changes made in a document that others, found in it as it is with them, would undo.

    So does what takes the word for a third one of the same letters: of the three, none is sure.
    """
    again = {(one.text, one.first, one.start, one.before): one.after for one in changes}
    grown: Counter[int] = Counter()  # by so many tokens, each text, up to here
    undone = []
    for one in sorted(made, key=_begin):
        third = again.get((one.text, one.first + grown[one.text], one.start, one.after))
        if third is not None and skeleton(third) == skeleton(one.before):
            undone.append(one)
        grown[one.text] += one.after.count(" ") - one.before.count(" ")
    return undone


@dataclass(frozen=True, slots=True)
class _Run:
    """Tokens of a text that were changed.

    Attributes:
        first, last: they, in the text before.
        shift: how many more tokens stand before them now.
        grown: how many more they became.
    """

    first: int
    last: int
    shift: int
    grown: int


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
