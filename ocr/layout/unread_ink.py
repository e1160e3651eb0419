"""Ink accounting: how much of the ink that looks like print stands in a word, and where the rest is.

Nothing printed may vanish. What was read is in some word of the page, be it text, noise or a page number; ink that
looks like letters and stands in none was passed over, and a person has to be told where to look.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from ocr.image.components import Components, Shapes, find_components
from ocr.image.seals import NO_PRINT, Seal
from ocr.page import Box, hull, in_rows

# In x-heights of the page's type.
_HEIGHT = (0.6, 2.2)  # of letters and digits, their diacritics included
_WIDTH = (0.12, 3.5)  # from the stroke of a 1 to letters that touch
_RIM = 0.35  # so far outside its word's box a letter's centre may stand
_SPACE = 1.2  # letters nearer than this stand in one group
#: Share of its box that the ink of a letter covers; strokes of a pen cover less, blots more.
_COVERED = (0.18, 0.9)
#: Half the width of a letter's stroke, in those of the page's words: bold type has up to twice.
_STROKE = (0.55, 2.2)
#: A solid shape is print only if it is a stroke, so narrow: the I, the 1.
_BAR = 0.4
#: So many letters tell the width of a page's strokes.
_SAMPLE = 100
#: In inches: no office prints so near to the edge of the paper; the shadow of the scanner's lid and holes lie there.
_EDGE = 0.16
#: So many letters stand in no word before a group is told of: a lone one may be a speck or a piece of a letter.
_FEWEST = 2
#: One shape so wide, in x-heights, is several letters that touch; it is no speck where words of a line stand at both
#: its sides, so near.
_SEVERAL, _BESIDE = 1.6, 1.0
#: Letters that a line joins are one shape with it. What is left of it without its straight runs, so long in x-heights,
#: is print where so many letters of it stand in a row; a flourish of the pen falls into fewer.
_RUN, _FEWEST_JOINED = 2.5, 4
#: In pixels: a shape in a larger box is a frame about the page.
_LARGEST_BOX = 4_000_000


@dataclass(frozen=True, slots=True)
class InkAccount:
    """What became of the print-like ink of a page.

    Attributes:
        explained: share of it that stands in words, 0 to 1; 1 on a page without any.
        unread: groups of at least two letters that stand in no word, or of letters that touch within a line.
        ink: how much of it there is, in pixels.
        lone: single letters that stand in no word; most are specks.
    """

    explained: float = 1.0
    unread: tuple[Box, ...] = ()
    ink: float = 0.0
    lone: tuple[Box, ...] = ()


def together(accounts: Sequence[InkAccount]) -> InkAccount:
    """The account of several layers of ink of a page."""
    ink = sum(one.ink for one in accounts)
    missed = sum((1.0 - one.explained) * one.ink for one in accounts)
    unread = tuple(box for one in accounts for box in one.unread)
    return InkAccount(round(1.0 - missed / max(1.0, ink), 4), unread, ink)


def account(parts: Components, words: Sequence[Box], x_height: float, seals: Sequence[Seal], dpi: int) -> InkAccount:
    """The account of a page.

    Args:
        parts: the components of its ink, without the borders of tables.
        words: the boxes of all that were read, noise included.
        x_height: of the page's type, in pixels.
        seals: what stands in one is not print.
        dpi: of the page.
    """
    like = np.nonzero(_is_print_like(parts, x_height, seals, dpi))[0]
    read = _stand_in_words(parts.take(like), words, _RIM * x_height)
    own, missed = like[read], like[~read]
    joined = _joined_by_lines(parts, words, x_height, seals)
    if not missed.size:
        return InkAccount(ink=float(parts.area[own].sum()), unread=joined)
    usual = float(np.median(_half_strokes(parts, own[:: 1 + len(own) // _SAMPLE]))) if own.size else 0.0
    stroke = _half_strokes(parts, missed)
    printed = missed[(stroke >= _STROKE[0] * usual) & (stroke <= _STROKE[1] * usual)] if usual else missed
    ink_read, ink_missed = float(parts.area[own].sum()), float(parts.area[printed].sum())
    groups = _groups(parts.take(printed).boxes(), x_height)
    told = [len(group) >= _FEWEST or _is_gap_in_line(group[0], words, x_height) for group in groups]
    return InkAccount(
        explained=round(ink_read / max(1.0, ink_read + ink_missed), 4),
        unread=(*(hull(group) for group, one in zip(groups, told, strict=True) if one), *joined),
        ink=ink_read + ink_missed,
        lone=tuple(group[0] for group, one in zip(groups, told, strict=True) if not one),
    )


def _is_gap_in_line(shape: Box, words: Sequence[Box], x_height: float) -> bool:
    """Whether a shape is letters that touch, which were left out between two words of a line: 75/2017/.. -CP."""
    if shape.width < _SEVERAL * x_height:
        return False
    beside = [
        word
        for word in words
        if word.down(shape) > 0.5 * min(word.height, shape.height) and word.across(shape) > -_BESIDE * x_height
    ]
    return any(word.x < shape.x for word in beside) and any(word.x > shape.x for word in beside)


def _joined_by_lines(
    parts: Components, words: Sequence[Box], x_height: float, seals: Sequence[Seal]
) -> tuple[Box, ...]:
    """Rows of letters that stand in no word and that a line across them makes one shape of, which is like no print."""
    wide = (parts.width > _WIDTH[1] * x_height) & (parts.width * parts.height < _LARGEST_BOX)
    wide &= (parts.height > _HEIGHT[0] * x_height) & (parts.height > 0.02 * parts.width)
    for seal in seals:
        wide &= ~seal.covers(parts.x, parts.y, NO_PRINT)
    run = max(3, round(_RUN * x_height))
    rows: list[Box] = []
    for index in np.flatnonzero(wide).tolist():
        left, top, right, bottom = parts.box(index)
        shape = (parts.labels[top:bottom, left:right] == index + 1).astype(np.uint8)
        level = cv2.morphologyEx(shape, cv2.MORPH_OPEN, np.ones((1, run), np.uint8))
        upright = cv2.morphologyEx(shape, cv2.MORPH_OPEN, np.ones((run, 1), np.uint8))
        if not (level.any() or upright.any()):
            continue
        # A line through the middle of letters leaves their upper and lower halves.
        gap = int(level.sum(axis=0).max(initial=0)) + 2
        halves = cv2.subtract(shape, cv2.bitwise_or(level, upright))
        pieces = find_components(cv2.morphologyEx(halves, cv2.MORPH_CLOSE, np.ones((gap, 1), np.uint8)))
        like = (pieces.height > _HEIGHT[0] * x_height) & (pieces.height < _HEIGHT[1] * x_height)
        like &= (pieces.width > _WIDTH[0] * x_height) & (pieces.width < _WIDTH[1] * x_height)
        letters = pieces.take(like)
        missed = ~_stand_in_words(letters, [word.moved(-left, -top) for word in words], _RIM * x_height)
        groups = _groups(letters.take(missed).boxes(), x_height)
        rows += [hull(group).moved(left, top) for group in groups if len(group) >= _FEWEST_JOINED]
    return tuple(rows)


def _is_print_like(parts: Components, x_height: float, seals: Sequence[Seal], dpi: int) -> np.ndarray:
    """For each component, whether it has the size and the fill of a letter and stands where print may stand."""
    page_height, page_width = parts.labels.shape
    edge = _EDGE * dpi
    like = (parts.height > _HEIGHT[0] * x_height) & (parts.height < _HEIGHT[1] * x_height)
    like &= (parts.width > _WIDTH[0] * x_height) & (parts.width < _WIDTH[1] * x_height)
    covered = parts.area / (parts.width * parts.height)
    like &= (covered > _COVERED[0]) & ((covered < _COVERED[1]) | (parts.width < _BAR * x_height))
    like &= (parts.x > edge) & (parts.x < page_width - edge) & (parts.y > edge) & (parts.y < page_height - edge)
    for seal in seals:
        like &= ~seal.covers(parts.x, parts.y, NO_PRINT)
    return like


def _stand_in_words(shapes: Shapes, words: Sequence[Box], rim: float) -> np.ndarray:
    """For each shape, whether its centre stands in the box of a word or within ``rim`` pixels of it."""
    inside = np.zeros(shapes.count, bool)
    x, y = shapes.x, shapes.y
    for left, top, right, bottom in words:
        inside |= (x > left - rim) & (x < right + rim) & (y > top - rim) & (y < bottom + rim)
    return inside


def _half_strokes(parts: Components, which: np.ndarray) -> np.ndarray:
    """Half the width of the thickest stroke of some components, in pixels, by the distance transform."""
    out = np.zeros(len(which))
    for at, index in enumerate(which.tolist()):
        left, top, right, bottom = parts.box(index)
        part = (parts.labels[top:bottom, left:right] == index + 1).astype(np.uint8)
        out[at] = cv2.distanceTransform(np.pad(part, 1), cv2.DIST_L2, 3).max()
    return out


def _groups(letters: Sequence[Box], x_height: float) -> list[list[Box]]:
    """Letters that stand beside each other in a line, from the left."""

    def goes_on(group: list[Box], letter: Box) -> bool:
        return letter.left - group[-1].right < _SPACE * x_height and letter.down(group[-1]) > 0

    return in_rows(sorted(letters, key=lambda box: box.left), goes_on)
