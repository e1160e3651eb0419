"""Commas and points in the numbers of a table, checked against the page.

Tesseract drops a comma that touches nothing (``5,0`` read ``50``) or takes it for a slash (``102,7`` read ``102/7``).
The digits of a number stand at one pitch, and a separator has room of its own between two of them: where it stands low
in a gap so wide, it is one.
"""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np

from ocr.image.components import find_components
from ocr.page import Box, Word, letter

#: Ink is darker than this, of 256 shades.
_DARK = 140
_NUMBER = re.compile(r"\d[\d.,/:;'’]*\d")
#: What a comma is misread as between two digits.
_MISREAD = "/:;'’"

# In heights of a digit.
_DIGIT = 0.8  # the lowest digit
_SEPARATOR = (0.1, 0.5)  # height of a point and of a comma
_WIDEST_SEPARATOR = 0.4
_LOW = 0.3  # its foot is no higher above that of the digits
_TAIL = 0.1  # a comma reaches further below the digits than this
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
