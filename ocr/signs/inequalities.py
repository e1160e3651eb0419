"""The signs ≤ and ≥: found by their shape before recognition, taken out of the page, and put back between the words.

Tesseract's Vietnamese model knows neither: it reads ``<``, ``_`` or nothing, and the angle without its bar has been
taken for a raised digit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ocr.image.components import Components, Shapes
from ocr.image.sign_network import cut_out
from ocr.page import Box, hull, letter
from ocr.signs.network import SIGNS, probabilities
from ocr.tesseract import ReadLine, ReadWord

#: The network is believed from this probability on: on 72 real pages it found the 11 signs there are, and no other.
_SURE = 0.9
#: With fewer letters a page is too empty to tell the size of its type.
_FEWEST_LETTERS = 20
#: A page of more components is noise as a whole, as for the specks.
_MOST_COMPONENTS = 20_000

# In heights of a small letter.
_SMALLEST_LETTER = 9  # pixels
_SIGN = (0.6, 2.0)  # height, and width, of the whole sign
_BAR = 0.35  # the bar is at most so thick
_ABOVE_BAR = 0.5  # between the angle and its bar
#: The narrower of angle and bar has at least so much of the wider one's width, and stands over so much of it.
_ALIKE = 0.7
#: Where the bar touches the angle, so much of the lowest rows is ink.
_TOUCHING_BAR = 0.8
#: Between its arms, and above its tip, an angle has no ink: so much for noise, in these shares of its sides.
_INK_IN_OPENING, _INK_ON_TOP = 0.6, 0.3
_SIDE, _TOP, _MIDDLE = 0.3, 0.15, (0.29, 0.43)
_BESIDE = 4.0  # the words beside a sign are no further away
_OFF_BASELINE = 0.6
_NEAR = 0.8
_PHANTOMS = ("_", "-", "–", "—", ".", "'", "‘", "’", "ˆ", "^", "~")
_TIGHT = 0.3  # a number nearer than this is one word with its sign


@dataclass(frozen=True, slots=True)
class Inequality:
    """A sign ``≤`` or ``≥`` and where it stands; the confidence is from 0 to 100."""

    text: str
    box: Box
    confidence: float


def find_inequalities(image: np.ndarray, parts: Components) -> list[Inequality]:
    """The signs of a page, from the top to the bottom.

    Args:
        image: ``(height, width)`` grey.
        parts: the components of its ink.
    """
    tall = parts.height >= _SMALLEST_LETTER
    if tall.sum() < _FEWEST_LETTERS or parts.count > _MOST_COMPONENTS:
        return []
    size = float(np.median(parts.height[tall]))
    boxes = [*_over_bars(parts, size), *_with_touching_bars(parts, size)]
    odds = probabilities([cut_out(image, *box) for box in boxes])
    found = []
    for box, row in zip(boxes, odds, strict=True):
        best = int(row.argmax())
        if SIGNS[best] in ("≤", "≥") and row[best] >= _SURE:
            found.append(Inequality(SIGNS[best], box, round(100 * float(row[best]), 1)))
    return sorted(found, key=lambda sign: (sign.box.top, sign.box.left))


def _over_bars(parts: Components, size: float) -> list[Box]:
    """What has a bar as wide as itself right below it."""
    low, high = _SIGN
    wide = (parts.width >= low * size) & (parts.width <= high * size)
    bars = parts.take(wide & (parts.height <= _BAR * size))
    angles = parts.take(wide & (parts.height >= 0.5 * size) & (parts.height <= high * size))
    found = []
    for bar in bars.boxes():
        near = (angles.bottom > bar.top - _ABOVE_BAR * size) & (angles.bottom <= bar.bottom) & (angles.top < bar.top)
        near &= np.minimum(angles.right, bar.right) - np.maximum(angles.left, bar.left) > _ALIKE * bar.width
        near &= (angles.width < bar.width / _ALIKE) & (angles.width > _ALIKE * bar.width)
        found += [hull([bar, angle]) for angle in angles.take(near).boxes()]
    return found


def _with_touching_bars(parts: Components, size: float) -> list[Box]:
    """What is as wide as the sign and ends in a bar."""
    low, high = _SIGN
    shapes = (parts.width >= low * size) & (parts.width <= high * size)
    shapes &= (parts.height >= low * size) & (parts.height <= high * size)
    shapes &= np.abs(parts.width - parts.height) < 0.35 * parts.height
    found = []
    for box, index in _boxes(parts, shapes):
        own = parts.labels[box.top : box.bottom, box.left : box.right] == index + 1
        if _ends_in_bar(own) and _opens(own):
            found.append(box)
    return found


def _boxes(parts: Components, which: np.ndarray) -> list[tuple[Box, int]]:
    indices = np.nonzero(which)[0]
    return list(zip(Shapes(parts.stats[indices]).boxes(), indices.tolist(), strict=True))


def _ends_in_bar(own: np.ndarray) -> bool:
    """Whether the lowest rows of a component are ink from left to right."""
    height, width = own.shape
    lowest = own[-max(2, height // 6) :]
    return bool(np.count_nonzero(lowest.any(axis=0)) / width >= _TOUCHING_BAR)


def _opens(own: np.ndarray) -> bool:
    """Whether a component may have an angle above its bar: most letters have a stem, or ink on top, at either side.

    It spares the network half of its pictures, and takes none from it of which it is sure: of 3,942 signs drawn in 29
    typefaces at six sizes, blurred and with noise, none had more ink there.
    """
    height, width = own.shape
    side = max(1, round(_SIDE * width))
    top = own[: max(1, round(_TOP * height))]
    middle = own[int(_MIDDLE[0] * height) : int(_MIDDLE[1] * height) + 1]
    if _share(top[:, :side]) < _INK_ON_TOP and _share(middle[:, -side:]) < _INK_IN_OPENING:
        return True
    return _share(top[:, -side:]) < _INK_ON_TOP and _share(middle[:, :side]) < _INK_IN_OPENING


def _share(mask: np.ndarray) -> float:
    return np.count_nonzero(mask) / mask.size


def without_inequalities(
    image: np.ndarray, ink: np.ndarray, signs: Sequence[Inequality]
) -> tuple[np.ndarray, np.ndarray]:
    """The page and its ink without the signs."""
    if not signs:
        return image, ink
    image, ink = image.copy(), ink.copy()
    for sign in signs:
        left, top, right, bottom = sign.box
        window = np.s_[max(0, top - 2) : bottom + 2, max(0, left - 2) : right + 2]
        image[window] = int(np.percentile(image[max(0, top - 9) : bottom + 9, max(0, left - 9) : right + 9], 90))
        ink[window] = 0
    return image, ink


def put_in(lines: Sequence[ReadLine], signs: Sequence[Inequality]) -> list[ReadLine]:
    """The lines with the signs as words of theirs; a sign that stands by no line is one by itself."""
    out = list(lines)
    for sign in signs:
        word = ReadWord(sign.text, sign.box, sign.confidence, (letter(sign.text),), (sign.box,))
        index = min(
            (n for n, line in enumerate(out) if _stands_by(sign.box, line)),
            key=lambda n: abs(_baseline(out[n], sign.box) - sign.box.bottom),
            default=None,
        )
        if index is None:
            size = 0.8 * sign.box.height
            out.append(ReadLine((word,), sign.box, float(sign.box.bottom), 0.0, size, 0))
        else:
            out[index] = _with_word(out[index], word)
    return out


def _baseline(line: ReadLine, box: Box) -> float:
    return line.baseline + line.slope * (box.x - line.box.left)


def _stands_by(box: Box, line: ReadLine) -> bool:
    beside = line.box.left - _BESIDE * line.x_height < box.x < line.box.right + _BESIDE * line.x_height
    return beside and abs(_baseline(line, box) - box.bottom) < _OFF_BASELINE * line.x_height


def _is_beside(box: Box, sign: Box, x_height: float) -> bool:
    return -box.across(sign) < _NEAR * x_height


def _with_word(line: ReadLine, word: ReadWord) -> ReadLine:
    """The line with one word more, which is joined to a number tight behind it."""
    # Tesseract likes to fill the gap that the sign left.
    kept = [one for one in line.words if one.text not in _PHANTOMS or not _is_beside(one.box, word.box, line.x_height)]
    words = sorted([*kept, word], key=lambda one: one.box.left)
    at = words.index(word)
    after = words[at + 1] if at + 1 < len(words) else None
    if after and after.text[0].isdigit() and after.box.left - word.box.right < _TIGHT * line.x_height:
        joined = ReadWord(
            word.text + after.text,
            hull([word.box, after.box]),
            after.confidence,
            word.letters + after.letters,
            word.letter_boxes + after.letter_boxes,
        )
        words[at : at + 2] = [joined]
    return replace(line, words=tuple(words), box=hull([one.box for one in words]))
