"""Signs that stand alone in a cell of a table: ``%``, ``‰``, ``x``, ``+`` and the dash that says "none".

Tesseract passes over what is no word. The cell tells where the sign is, a network which; a dash is told by its shape.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ocr.image.components import find_components
from ocr.image.sign_network import cut_out
from ocr.page import Box, Word, hull, letter
from ocr.signs.network import SIGNS, probabilities
from ocr.superscripts import raised_digits

#: Ink is darker than this, of 256 shades.
_DARK = 140
#: The network is believed from this probability on.
_SURE = 0.9
#: What the network is asked for; the other signs it knows stand before a number.
_ALONE = ("%", "‰", "x", "+")
_SHARES = ("%", "‰")
#: So is the network for digits.
_SURE_DIGIT = 0.95

# In x-heights.
_SPECK = 0.12  # smaller pieces are dirt
_HIGHEST, _WIDEST = 2.2, 3.0
_SMALLEST = 0.6
CAPITAL = 1.25  # a cross as high as this is an X
_DASH_HEIGHT = (0.06, 0.3)
_DASH_WIDTH = (0.28, 1.6)
_LONG_DASH = 0.95
#: Share of a dash's box that is ink.
_SOLID = 0.5
#: In x-heights: a bracket is higher and narrower than this; so far outside of the word's box ink is looked for, and so
#: far before it, as Tesseract loses the first one.
_BRACKET = (1.7, 0.8)
_RIM, _BEFORE = 0.3, 1.0


def lone_sign(image: np.ndarray, cell: Box, size: float) -> Word | None:
    """The sign that is all the ink of a cell.

    Args:
        image: ``(height, width)`` grey, the borders of tables taken out.
        cell: the inside of the cell, without the rims of its borders.
        size: x-height of the table's print.
    """
    window = image[cell.top : cell.bottom, cell.left : cell.right]
    if not window.size:
        return None
    parts = find_components((window < _DARK).astype(np.uint8))
    kept = np.maximum(parts.width, parts.height) >= _SPECK * size
    # What the edge of the window cuts is the rim of a border, or a letter of the next cell.
    whole = (parts.left > 0) & (parts.top > 0) & (parts.right < window.shape[1]) & (parts.bottom < window.shape[0])
    kept &= whole
    if not kept.any() or kept.sum() > 8:
        return None
    box = hull(parts.take(kept).boxes())
    text, confidence = _dash(box, int(parts.area[kept].sum()), size), 90.0
    if text is None:
        if not (_SMALLEST * size <= box.height <= _HIGHEST * size and box.width <= _WIDEST * size):
            return None
        odds = probabilities([cut_out(window, *box)])[0]
        best = int(odds.argmax())
        if SIGNS[best] not in _ALONE or odds[best] < _SURE:
            return None
        text, confidence = SIGNS[best], round(100 * float(odds[best]), 1)
        if text == "x" and box.height >= CAPITAL * size:
            text = "X"
    return Word(text, box.moved(cell.left, cell.top), confidence, (letter(text),))


def bracketed(image: np.ndarray, place: Box, size: float) -> Word | None:
    """The sign or the digit that stands between two brackets and is all the ink of a place: ``(%)``, ``(1)``.

    Args:
        image: ``(height, width)`` grey.
        place: around the word.
        size: x-height of the print.
    """
    rim, before = round(_RIM * size), round(_BEFORE * size)
    left, top = max(0, place.left - before), max(0, place.top - rim)
    window = image[top : place.bottom + rim, left : place.right + rim]
    if not window.size:
        return None
    parts = find_components((window < _DARK).astype(np.uint8))
    found = sorted(parts.take(np.maximum(parts.width, parts.height) >= _SPECK * size).boxes())
    brackets = [at for at, box in enumerate(found) if _is_bracket(box, size)]
    if len(brackets) < 2 or brackets[-1] - brackets[-2] < 2:
        return None
    found = found[brackets[-2] : brackets[-1] + 1]
    inner = found[1:-1]
    middle = hull(inner)
    if middle.width > _WIDEST * size or middle.height > _HIGHEST * size:
        return None
    sign, sure = _read_sign(window, middle, len(inner) == 1)
    if not sign:
        return None
    text = f"({sign})"
    return Word(text, hull(found).moved(left, top), round(100 * sure, 1), tuple(map(letter, text)))


def _is_bracket(box: Box, size: float) -> bool:
    return box.height > _BRACKET[0] * size and box.width < _BRACKET[1] * size and 2 * box.width < box.height


def _read_sign(image: np.ndarray, box: Box, in_one_piece: bool) -> tuple[str, float]:
    """The percent or per mille sign, or the digit, in a box, and its probability; empty where neither is sure."""
    picture = cut_out(image, *box)
    odds = probabilities([picture])[0]
    best = int(odds.argmax())
    if SIGNS[best] in _SHARES and odds[best] >= _SURE:
        return SIGNS[best], float(odds[best])
    odds = raised_digits.probabilities([picture])[0]
    best = int(odds.argmax())
    is_digit = in_one_piece and raised_digits.SIGNS[best].isdigit() and odds[best] >= _SURE_DIGIT
    return (raised_digits.SIGNS[best], float(odds[best])) if is_digit else ("", 0.0)


def _dash(box: Box, ink: int, size: float) -> str | None:
    high, wide = box.height / size, box.width / size
    if not (_DASH_HEIGHT[0] <= high <= _DASH_HEIGHT[1] and _DASH_WIDTH[0] <= wide <= _DASH_WIDTH[1]):
        return None
    if wide < 1.5 * high or ink < _SOLID * box.width * box.height:
        return None
    return "–" if wide >= _LONG_DASH else "-"


def is_dash(words: Sequence[Word]) -> bool:
    """Whether nothing but a dash was read."""
    return len(words) == 1 and words[0].text in ("-", "–", "—", "_", "~")
