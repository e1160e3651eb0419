"""The letter ỵ, which Tesseract's Vietnamese model lacks: ``tỉnh lỵ``, ``Tân Tỵ``, ``đột quỵ``, ``Lê Thị Mỵ``.

It reads y, as sure as any letter and with no other choice, so that no confidence and no dictionary tells what is lost:
``Mỵ`` and ``My`` are both names. The dot stands on the page, below the baseline and beside the tail of the letter.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ocr.image.components import Components, Shapes
from ocr.page import Letter, Line, Word, Zone, each_line, letter

#: A y that may bear a dot: behind a consonant or a u, and nothing behind it but the "ch" of "huỵch".
_MAY_BEAR = re.compile(r"(?<=[bcdđghklmnpqrstvxuBCDĐGHKLMNPQRSTVXU])[yY](?=(?:ch|CH)?(?![^\W\d_]))")

# All in heights of a small letter. In 62 typefaces, regular, bold and italic, at 150 to 300 dpi, 90 of 100 dots were
# 0.15 to 0.33 across; they began 0.08 to 0.27 below the baseline and ended 0.55 below it at most, and their middle
# stood 0.54 and more from the left edge of the y, and never beyond its right one.
#: How wide and how high a dot is, and its longer side in its shorter ones; it fills so much of its box.
_DOT, _ROUND, _FILLED = (0.13, 0.42), 1.7, 0.6
#: It begins and ends so far below the baseline: a full stop ends on it, a comma begins above it, and what stands lower
#: belongs to the next line.
_BEGINS, _ENDS = 0.03, 0.7
#: A y reaches so far below the baseline, is so wide and no higher: brackets are narrower, or higher.
_TAIL, _WIDTH, _HEIGHT = 0.2, 0.6, 1.75
#: From the left edge of its y, at least, and beyond the right one, at most: the middle of its dot. Where letters touch,
#: the y is the last part of them, so wide. A capital has it below its middle, so far from
#: both edges at least.
_FROM, _BEYOND, _LETTER, _CAPITAL, _MIDDLE = 0.4, 0.1, 1.25, 1.7, 0.25
#: How far the line's baseline may be off at a word of it: pages are level to a tenth of a degree.
_OFF_LEVEL = 0.3


def with_dots_below(zones: Sequence[Zone], ink: Components) -> tuple[Zone, ...]:
    """The zones with ỵ where a y has a dot below it; y stays as the letter's second choice.

    Args:
        ink: of the page.
    """
    shapes = ink.take(np.argsort(ink.left, kind="stable"))
    return each_line(
        zones, lambda line: replace(line, words=tuple(_with_dot(word, line, shapes) for word in line.words))
    )


def _with_dot(word: Word, line: Line, ink: Shapes) -> Word:
    """The word with the dot below its y, if there is one.

    Args:
        ink: of the page, from left to right.
    """
    found = _MAY_BEAR.search(word.text)
    if not found or [one.text for one in word.letters] != list(word.text):
        return word
    size = line.x_height
    first, last = np.searchsorted(ink.left, (word.box.left - size / 2, word.box.right + size / 2))
    near = ink.take(slice(int(first), int(last)))
    near = near.take((near.bottom > word.box.top) & (near.top < line.baseline + size))
    at = found.start()
    if not _has_dot(near, line.baseline, size, capital=word.text[at] == "Y"):
        return word
    letters = (*word.letters[:at], _dotted(word.letters[at]), *word.letters[at + 1 :])
    return replace(word, text="".join(one.text for one in letters), letters=letters)


def _dotted(read: Letter) -> Letter:
    text = unicodedata.normalize("NFC", read.text + "\N{COMBINING DOT BELOW}")
    sureness = max((confidence for choice, confidence in read.choices if choice == read.text), default=0)
    return letter(text, ((text, sureness), *read.choices) if read.choices else ())


def _has_dot(near: Shapes, baseline: float, size: float, *, capital: bool) -> bool:
    """Whether the last y of a word has a dot below it.

    Args:
        near: the ink of the word.
        baseline: about where the word stands.
        size: height of a small letter.
        capital: it is a Y, which has no tail.
    """
    stands = near.take((near.height > 0.7 * size) & (abs(near.bottom - baseline) < _OFF_LEVEL * size))
    foot = float(np.median(stands.bottom)) if stands.count else baseline
    has_tail = near.bottom > foot + _TAIL * size
    tall = (near.height > size) & (near.height < _HEIGHT * size)
    letters = near.take(tall & (near.width > _WIDTH * size) & (has_tail != capital))
    if not letters.count:
        return False
    last = letters.box(int(np.argmax(letters.right)))
    left = max(last.left, last.right - (_CAPITAL if capital else _LETTER) * size)
    dots = near.take(
        (near.x > left + (_MIDDLE if capital else _FROM) * size)
        & (near.x < last.right + (-_MIDDLE if capital else _BEYOND) * size)
        & (near.top > foot + _BEGINS * size)
        & (near.bottom < foot + _ENDS * size)
        & (np.minimum(near.width, near.height) > _DOT[0] * size)
        & (np.maximum(near.width, near.height) < _DOT[1] * size)
        & (np.maximum(near.width, near.height) <= _ROUND * np.minimum(near.width, near.height))
        & (near.area >= _FILLED * near.width * near.height)
    )
    return dots.count == 1
