"""Commas and points in numbers, checked against the page.

Tesseract drops a comma that touches nothing (``5,0`` read ``50``) or takes it for a slash (``102,7`` read ``102/7``).
The digits of a number stand at one pitch, and a separator has room of its own between two of them: where it stands low
in a gap so wide, it is one.

In running text a comma is taken for a point as well (``54,8`` read ``54.8``). No whole number has a point before one or
two digits; where a tail hangs below them, a comma is printed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ocr.image.components import find_components
from ocr.page import Box, Line, Word, Zone, each_line, hull, letter, of_words

#: Ink is darker than this, of 256 shades.
_DARK = 140
_NUMBER = re.compile(r"\d[\d.,/:;'’]*\d")
#: A number with a point that no thousand stands behind.
_POINTED = re.compile(r"\D{0,2}\d{1,3}(?P<point>\.)\d{1,2}\D{0,3}")
#: What a comma is misread as between two digits.
_MISREAD = "/:;'’"

# In heights of a digit.
_DIGIT = 0.8  # the lowest digit
_SEPARATOR = (0.1, 0.5)  # height of a point and of a comma
_WIDEST_SEPARATOR = 0.4
_LOW = 0.3  # its foot is no higher above that of the digits
_TAIL = 0.1  # a comma reaches further below the digits than this
#: Of notes and cells on an office and a poor scan commas hang by 0.08 to 0.13 and are 0.29 to 0.35 high, points -0.03
#: to 0.03 and up to 0.22, where what has this share of the paper's paleness still is ink.
_HANGS, _COMMA, _PALE = 0.06, 0.26, 0.7
#: From the middle of one digit to that of the next: 0.75 side by side, 1.1 with a separator in Times and Arial.
_APART = 0.93


def with_separators(word: Word, image: np.ndarray) -> Word:
    """A number with the separators that stand on the page; any other word as it is.

    Args:
        image: ``(height, width)`` grey.
    """
    if word.raised or not _NUMBER.fullmatch(word.text):
        return word
    digits, separators = _pieces(image, word.box)
    plain = [c for c in word.text if c.isdigit()]
    if len(digits) != len(plain):
        return word
    text = word.text
    for number in range(len(plain) - 1, 0, -1):
        seen = _between(digits[number - 1], digits[number], separators)
        if seen is None:
            continue
        at, end = _gap(text, number)
        if at == end or text[at:end] in _MISREAD:
            text = text[:at] + seen + text[end:]
    if text == word.text:
        return word
    return replace(word, text=text, letters=tuple(letter(c) for c in text))


def with_decimal_commas(zones: Sequence[Zone], image: np.ndarray) -> tuple[Zone, ...]:
    """The zones with the commas that stand on the page in numbers in which a point was read.

    Args:
        image: ``(height, width)`` grey, what the words were read from.
    """

    def seen(line: Line) -> Line:
        words = [with_decimal_comma(word, image) for word in line.words]
        same = all(new is old for new, old in zip(words, line.words, strict=True))
        return line if same else of_words(line, words)

    return each_line(zones, seen)


def with_decimal_comma(word: Word, image: np.ndarray) -> Word:
    """A number with the comma that stands on the page where a point was read; any other word as it is.

    Args:
        image: ``(height, width)`` grey.
    """
    found = _POINTED.fullmatch(word.text)
    if word.raised or not found or len(word.letters) != len(word.text) or not _has_tail(image, word.box):
        return word
    at = found.start("point")
    letters = (*word.letters[:at], letter(","), *word.letters[at + 1 :])
    return replace(word, text="".join(one.text for one in letters), letters=letters)


def _has_tail(image: np.ndarray, box: Box) -> bool:
    """Whether the one separator among the digits of a number hangs below them, and is higher than a point."""
    rim = max(2, box.height // 6)
    window = image[max(0, box.top - rim) : box.bottom + rim, max(0, box.left - rim) : box.right + rim]
    dark, paper = np.percentile(window, (2, 90))
    # The tail of a comma is thin, and paler than a letter on any scan in grey.
    boxes = find_components((window < dark + _PALE * (paper - dark)).astype(np.uint8)).boxes()
    highest = max((one.height for one in boxes), default=0)
    height = float(np.median([one.height for one in boxes if one.height > 0.5 * highest] or [0]))  # a bracket is higher
    digits = [one for one in boxes if one.height >= _DIGIT * height]
    if len(digits) < 2:
        return False
    foot = float(np.median([one.bottom for one in digits]))
    at_feet = hull(digits)._replace(top=round(foot - 0.4 * height), bottom=window.shape[0])
    low = [one for one in boxes if at_feet.holds(one) and _is_small(one, height)]
    return len(low) == 1 and low[0].bottom > foot + _HANGS * height and low[0].height > _COMMA * height


def _is_small(piece: Box, height: float) -> bool:
    """Whether a piece of print among digits of a height has the size of a point or comma."""
    return _SEPARATOR[0] * height < piece.height <= _SEPARATOR[1] * height and piece.width <= _WIDEST_SEPARATOR * height


def _gap(text: str, number: int) -> tuple[int, int]:
    """Where the signs between the digit before digit ``number`` (from 0) and that one begin and end."""
    at = [index for index, c in enumerate(text) if c.isdigit()]
    return at[number - 1] + 1, at[number]


def _pieces(image: np.ndarray, box: Box) -> tuple[list[Box], list[Box]]:
    """The digits of a number and its smaller pieces, each from left to right."""
    rim = max(2, box.height // 6)
    top, left = max(0, box.top - rim), max(0, box.left - rim)
    window = image[top : box.bottom + rim, left : box.right + rim]
    boxes = sorted(find_components((window < _DARK).astype(np.uint8)).boxes())
    highest = max((one.height for one in boxes), default=0)
    digits = [one for one in boxes if one.height >= _DIGIT * highest]
    return digits, [one for one in boxes if one.height < _DIGIT * highest]


def _between(before: Box, after: Box, pieces: list[Box]) -> str | None:
    """The separator between two digits; ``None`` where there is none."""
    height = before.height
    if after.x - before.x < _APART * height:
        return None
    foot = (before.bottom + after.bottom) / 2
    found = [
        piece
        for piece in pieces
        if before.x < piece.x < after.x
        and _SEPARATOR[0] * height <= piece.height <= _SEPARATOR[1] * height
        and piece.width <= _WIDEST_SEPARATOR * height
        and piece.top > before.top + 0.4 * height
        and piece.bottom > foot - _LOW * height
    ]
    if len(found) != 1:
        return None
    return "," if found[0].bottom > foot + _TAIL * height else "."
