"""A value of the metadata, the words it was read from, and what makes it doubtful."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from normalize.document import Block, Evidence, Token, Tokens
from ocr.page import Box, hull

#: In heights of a capital: digits that are further from the type of their line are a pen's. Measured on 29 letterheads
#: of seven offices: print up to 0.10, pens from 0.11 on where their digits were read as digits; of 598 numbers in
#: clean running text 0.8 % lie above it.
MOST_UNEVEN = 0.1
#: A digit read with less confidence, or with another digit that was as likely as this, may be another one. Measured on
#: the same: print from 85 on and below 46, pens often beyond.
LEAST_SURE_DIGIT, STRONGEST_RIVAL = 75, 60


@dataclass(frozen=True, slots=True)
class Value:
    """What was read for a field of the metadata.

    Attributes:
        text: the value; ``None`` where there is none, or none that is sure.
        tokens: the words it was read from, or that stand where it should.
        doubt: why there is no value, in plain English; empty where there is one or nothing to say.
        box: where it stands, when that is not where its words are.
        confidence: of its own letters, where the words hold more than it; ``None`` to ask the words.
    """

    text: str | None = None
    tokens: Tokens = ()
    doubt: str = ""
    box: Box | None = None
    confidence: float | None = None

    @property
    def sure(self) -> float | None:
        """Confidence, 0 to 100; ``None`` for text from another engine."""
        return confidence_of(self.tokens) if self.confidence is None else self.confidence

    @property
    def evidence(self) -> Evidence | None:
        """Where it stands and how surely it was read; ``None`` where there is no value."""
        if not self.text or not self.tokens:
            return None
        return Evidence(self.tokens[0].page, self.place, None if self.sure is None else round(self.sure, 1))

    @property
    def place(self) -> Box | None:
        return self.box or box_of(self.tokens)


NOTHING = Value()


def plain_text(block: Block) -> str:
    """The words of a block without footnote references."""
    return " ".join(token.text for token in block.tokens)


def tokens_at(block: Block, start: int, end: int) -> Tokens:
    """The tokens that stand, whole or in part, between two characters of :func:`plain_text`."""
    return tuple(token for token, at in _with_offsets(block) if at < end and start < at + len(token.text))


def _with_offsets(block: Block) -> list[tuple[Token, int]]:
    out, at = [], 0
    for token in block.tokens:
        out.append((token, at))
        at += len(token.text) + 1
    return out


def box_at(block: Block, start: int, end: int) -> Box | None:
    """Around what stands between two characters; where in a word it begins and ends goes by the word's length."""
    boxes = []
    for token, at in _with_offsets(block):
        if token.box and at < end and start < at + len(token.text):
            pitch = token.box.width / len(token.text)
            left = token.box.left + round(pitch * max(0, start - at))
            right = token.box.left + round(pitch * min(len(token.text), end - at))
            boxes.append(Box(left, token.box.top, max(right, left + 1), token.box.bottom))
    return hull(boxes) if boxes else None


def doubt_of_digits(block: Block, start: int, end: int) -> str:
    """Why the digits between two characters may not be what is printed; empty where nothing speaks against them."""
    for token, at in _with_offsets(block):
        if not (at < end and start < at + len(token.text)):
            continue
        if token.uneven > MOST_UNEVEN:
            return "seems to be written by hand"
        if _is_read_otherwise(token):
            return "has digits that two readers read differently"
        if _may_be_others(token, range(max(0, start - at), min(len(token.text), end - at))):
            return "has digits that cannot be read surely"
    return ""


def _is_read_otherwise(token: Token) -> bool:
    """Whether a second reader saw other digits in the same places.

    Of single italic digits it often sees letters or nothing, which says nothing against the first.
    """
    own, other = re.findall(r"\d+", token.text), re.findall(r"\d+", token.second or "")
    return own != other and [len(run) for run in own] == [len(run) for run in other]


def _may_be_others(token: Token, which: range) -> bool:
    """Whether a digit of the token may be another one."""
    if "".join(one.text for one in token.letters) != token.text:
        return False  # repaired, or from another engine: there is no evidence for each of its letters
    at = 0
    for one in token.letters:
        if at in which and one.text.isdecimal() and one.choices:
            sure = dict(one.choices).get(one.text, 0)
            rivals = [confidence for text, confidence in one.choices if text.isdecimal() and text != one.text]
            if sure < LEAST_SURE_DIGIT or max(rivals, default=0) >= STRONGEST_RIVAL:
                return True
        at += len(one.text)
    return False


def confidence_of_letters(block: Block, start: int, end: int) -> float | None:
    """Of the least sure letter or digit between two characters; a word's own, where nothing is known of its letters.

    A number and its symbol are long words, and Tesseract trusts a long word less, however sure its letters are.
    """
    sure: list[float] = []
    for token, begin in _with_offsets(block):
        if begin >= end or start >= begin + len(token.text):
            continue
        if "".join(one.text for one in token.letters) != token.text:
            sure += [] if token.confidence is None else [token.confidence]
            continue
        at = begin
        for one in token.letters:
            if start <= at < end and one.text.isalnum() and one.choices:
                sure.append(dict(one.choices).get(one.text, 0))
            at += len(one.text)
    return min(sure, default=None)


def box_of(tokens: Sequence[Token]) -> Box | None:
    """Around those of the tokens that stand on the first one's page."""
    boxes = [token.box for token in tokens if token.box and token.page == tokens[0].page]
    return hull(boxes) if boxes else None


def confidence_of(tokens: Tokens) -> float | None:
    """Of the least sure word, signs that stand alone left out; ``None`` for text from another engine."""
    words = [token for token in tokens if any(c.isalnum() for c in token.text)] or tokens
    return min((token.confidence for token in words if token.confidence is not None), default=None)


def located(value: str, blocks: Sequence[Block]) -> Tokens:
    """The words that say ``value`` in some blocks, where it may go on from one to the next; none where not found."""
    wanted = value.split()
    tokens = [token for block in blocks for token in block.tokens]
    for start in range(len(tokens) - len(wanted) + 1):
        found = tokens[start : start + len(wanted)]
        if all(word in token.text for word, token in zip(wanted, found, strict=True)):
            return tuple(found)
    rest = iter(tokens)  # in that order, with traces of seal and pen between them
    kept = tuple(token for word in wanted for token in [next((one for one in rest if word in one.text), None)] if token)
    return kept if len(kept) == len(wanted) else ()
