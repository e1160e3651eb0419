"""Digits that do not stand as the type of their line does: what a pen filled in, whatever was read there.

A typeface sets all its digits on the baseline and as high as its capitals. A hand does not, and a number filled in by
hand is as often read as other digits as it is read right, with the same confidence as print.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ocr.image.components import Components, Shapes
from ocr.page import Box, Line, Word, Zone, each_line, hull

#: What a line's type is measured on: words of capitals and digits, by their tallest components, of which at least so
#: many have to be there, each this share of the tallest at least (so no small letter, mark or dash).
_SETS_THE_TYPE = re.compile(r"\d|[A-ZĐ].*[A-ZĐ]")
_FEWEST, _TALL = 3, 0.6
#: In heights of a capital: what is lower is a speck, a point, a mark of the line below or a piece of a digit that the
#: scan has broken.
_LEAST_HEIGHT = 0.7
#: Two pieces are one digit when they stand above each other by so much of the narrower one, with so little between
#: them, in heights of a capital: a mark of the line below stands further off.
_ABOVE, _APART = 0.5, 0.1
#: In heights of a capital: what is flatter is a rule or a dotted line, and what is wider holds more than digits.
_FLAT, _WIDE = 0.2, 3.0
#: A whole digit, whose foot counts, is so high at least, in heights of a capital.
_WHOLE = 0.8


def measure_digits(zones: Sequence[Zone], ink: Components) -> tuple[Zone, ...]:
    """The zones with :attr:`ocr.page.Word.uneven` measured for each word that has digits.

    Args:
        ink: of the page.
    """
    shapes = ink.take(np.argsort(ink.left, kind="stable"))
    return each_line(zones, lambda line: _measured(line, shapes))


def _has_digit(text: str) -> bool:
    return any(c.isdecimal() for c in text)


def _measured(line: Line, ink: Shapes) -> Line:
    """The line with the unevenness of its words.

    Args:
        ink: of the page, from left to right.
    """
    if not _has_digit(line.text):
        return line
    first, last = np.searchsorted(ink.left, (line.box.left - line.box.height, line.box.right))
    near = ink.take(slice(int(first), int(last)))
    near = near.take((near.y > line.box.top) & (near.y < line.box.bottom))
    capital = _capital_height(line, near)
    if capital is None:
        return line
    return replace(line, words=tuple(_with_evenness(word, near, capital) for word in line.words))


def _capital_height(line: Line, ink: Shapes) -> float | None:
    """The height of a capital of the line's type, in pixels; the lower one where the hand wrote half of the line."""
    heights: list[int] = []
    for word in line.words:
        if _SETS_THE_TYPE.search(word.text):
            own = ink.height[(ink.x >= word.box.left) & (ink.x < word.box.right)]
            if own.size:
                heights += own[own >= _TALL * own.max()].tolist()
    heights.sort()
    return float(heights[(len(heights) - 1) // 2]) if len(heights) >= _FEWEST else None


def _with_evenness(word: Word, ink: Shapes, capital: float) -> Word:
    ink = ink.take((ink.height > _FLAT * capital) & (ink.width < _WIDE * capital))
    runs = [_digits(word, found.span(), ink, capital) for found in re.finditer(r"\d+", word.text)]
    uneven = round(max((_unevenness(boxes, capital) for boxes in runs), default=0.0), 2)
    return replace(word, uneven=uneven) if uneven else word


def _digits(word: Word, span: tuple[int, int], ink: Shapes, capital: float) -> list[Box]:
    """The digits that stand, by its length, about that part of a word; pieces above each other are one."""
    pitch = word.box.width / len(word.text)
    left, right = (word.box.left + offset * pitch for offset in span)
    # The edges of a word's box are exact, those inside it are guesses: what lies half beyond one is not asked.
    inside = (ink.left >= left - 2) if span[0] == 0 else (ink.x > left)
    inside &= (ink.x < right + 2) if span[1] == len(word.text) else (ink.right < right)
    whole: list[Box] = []
    for box in ink.take(inside).boxes():
        before = whole[-1] if whole else None
        if (
            before
            and before.across(box) >= _ABOVE * min(before.width, box.width)
            and before.down(box) >= -_APART * capital
        ):
            whole[-1] = hull([before, box])
        else:
            whole.append(box)
    return whole


def _unevenness(digits: Sequence[Box], capital: float) -> float:
    """By how much digits differ from the type in height, or from each other in where they stand, in capitals."""
    seen = [box for box in digits if box.height >= _LEAST_HEIGHT * capital]
    feet = [box.bottom for box in seen if box.height >= _WHOLE * capital]
    height = max((abs(box.height / capital - 1) for box in seen), default=0.0)
    foot = (max(feet) - min(feet)) / capital if feet else 0.0
    return max(height, foot)
