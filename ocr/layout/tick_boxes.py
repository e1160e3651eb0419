"""Boxes to be ticked in forms: squares as large as a letter, empty or with a tick or a cross in them.

Tesseract knows no such sign: it reads ``[S``, ``L]`` or ``O``, or nothing. They are taken out of the page before it is
read and stand afterwards in their lines as ☐ and ☑.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ocr.image.components import Components
from ocr.page import Box, Line, Word, hull, letter, of_words

EMPTY, TICKED = "☐", "☑"
#: Side of a box in inches: 2.2 to 6 mm.
_SIDE = (0.085, 0.24)
#: How far from square, in sides; how thick a side is at most, and how much of its length is inked at least.
_OUT_OF_SQUARE, _THICK, _INKED = 0.12, 0.16, 0.94
#: Right inside a side is paper, apart from the tick: the stems of a bold H, whose serifs meet, are as thick again.
_STEM = 0.5
#: In sides: another sign stands no nearer beside a box; letters of a word do.
_APART = 0.25
#: Share of what lies inside the sides that is inked: less is empty (a speck), more is ticked; a letter, a digit or a
#: filled square has more still, or is something else.
_SPECK, _FULL = 0.03, 0.55
#: In x-heights: how far from the next word of its line a box may stand.
_REACH = 12.0


@dataclass(frozen=True, slots=True)
class TickBox:
    """A box to be ticked.

    Attributes:
        box: around its sides.
    ticked: whether something is drawn in it.
    """

    box: Box
    ticked: bool


def find_tick_boxes(parts: Components, dpi: int) -> list[TickBox]:
    """The boxes among the components of a page's ink, from the top of the page."""
    least, most = _SIDE[0] * dpi, _SIDE[1] * dpi
    square = np.abs(parts.width - parts.height) <= _OUT_OF_SQUARE * np.maximum(parts.width, parts.height)
    square &= (parts.width >= least) & (parts.width <= most) & (parts.height >= least) & (parts.height <= most)
    found = []
    for index in np.nonzero(square)[0].tolist():
        box = parts.box(index)
        inside = _inside(parts.labels[box.top : box.bottom, box.left : box.right] == index + 1)
        if inside is not None and inside < _FULL and _stands_apart(box, parts):
            whole = parts.labels[box.top : box.bottom, box.left : box.right] > 0
            found.append(TickBox(box, _share_inside(whole) > _SPECK))
    return sorted(found, key=lambda one: (one.box.top, one.box.left))


def _inside(ink: np.ndarray) -> float | None:
    """The share of a box's inside that is inked; ``None`` where it has not four straight sides that meet."""
    rim = max(2, round(_THICK * min(ink.shape)))
    # One after the other: most letters have no first side, and a page has hundreds as square as a box.
    sides = ((ink[:rim], 0), (ink[-rim:], 0), (ink[:, :rim], 1), (ink[:, -rim:], 1))
    if any(side.any(axis=axis).mean() < _INKED for side, axis in sides):
        return None
    # A side is a line: its ink lies in a few rows of pixels, not in a curve as that of O and D.
    lines = (ink[:rim].mean(axis=1), ink[-rim:].mean(axis=1), ink[:, :rim].mean(axis=0), ink[:, -rim:].mean(axis=0))
    if min(line.max() for line in lines) < _INKED:
        return None
    within = (
        ink[rim : 2 * rim, rim:-rim],
        ink[-2 * rim : -rim, rim:-rim],
        ink[rim:-rim, rim : 2 * rim],
        ink[rim:-rim, -2 * rim : -rim],
    )
    return None if max(strip.mean() for strip in within) > _STEM else _share_inside(ink)


def _stands_apart(box: Box, parts: Components) -> bool:
    """Whether no sign as high as half of a box stands close beside it, as the letters of a word do."""
    reach = _APART * box.width
    level = (np.minimum(parts.bottom, box.bottom) - np.maximum(parts.top, box.top)) > 0.5 * box.height
    beside = (parts.left < box.right + reach) & (parts.right > box.left - reach)
    within = (parts.left >= box.left) & (parts.right <= box.right)
    return not bool((level & beside & ~within).any())


def _share_inside(ink: np.ndarray) -> float:
    rim = max(2, round(1.5 * _THICK * min(ink.shape)))
    return float(ink[rim:-rim, rim:-rim].mean())


def erase_tick_boxes(image: np.ndarray, ink: np.ndarray, boxes: Sequence[TickBox]) -> tuple[np.ndarray, np.ndarray]:
    """A page and the mask of its ink without the boxes and what is drawn in them."""
    image, ink = image.copy(), ink.copy()
    for one in boxes:
        rim = max(2, round(_THICK * one.box.width))
        window = np.s_[
            max(0, one.box.top - rim) : one.box.bottom + rim, max(0, one.box.left - rim) : one.box.right + rim
        ]
        image[window] = int(np.percentile(image[window], 92))
        ink[window] = 0
    return image, ink


def with_tick_boxes(lines: Sequence[Line], boxes: Sequence[TickBox]) -> list[Line]:
    """The lines with each box in the one it stands in; one that stands in none is a line of its own."""
    out = list(lines)
    for one in boxes:
        sign = TICKED if one.ticked else EMPTY
        word = Word(sign, one.box, 95.0, (letter(sign),))
        at = min(
            (n for n, line in enumerate(out) if _stands_in(one.box, line)),
            key=lambda n: _gap(one.box, out[n]),
            default=None,
        )
        if at is None:
            size = one.box.height / 1.4
            out.append(Line((word,), one.box, float(one.box.bottom), size))
        else:
            line = out[at]
            # The baseline is that at the left end of the line, which is level enough for the width of a box.
            words = sorted((*line.words, word), key=lambda each: each.box.left)
            out[at] = replace(of_words(line, words), box=hull([line.box, one.box]))
    return out


def _stands_in(box: Box, line: Line) -> bool:
    down = box.down(line.box) > 0.5 * min(box.height, line.box.height)
    return down and _gap(box, line) < _REACH * line.x_height


def _gap(box: Box, line: Line) -> int:
    """Paper between a box and the nearest word of a line; 0 within the line."""
    return max(0, min(-box.across(word.box) for word in line.words))
