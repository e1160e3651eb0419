"""Words that were torn, or run together: read again by themselves.

``THƯ!`` and ``ỪNG`` touch each other on the page, so no space is printed there, and what was read is wrong. ``BỘYTẾ``
has two gaps on the page that are as wide as spaces. So has ``740m²`` one, between the number and its unit.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate, pairwise

import numpy as np

from ocr.image.components import Components, Shapes
from ocr.page import Box, Line, Word, evidence, hull, mean_confidence, of_words
from ocr.reread.table_cells import Again
from ocr.tesseract import plain_letters

#: In x-heights: what stands nearer together has no space between it.
_TOUCH = 0.15
#: Both halves are doubtful together below the first; the word read anew must be surer than the second.
_DOUBTFUL, _SURE = 70.0, 85.0
#: Capitals below this confidence may be words run together; so many of them at least.
_MAY_BE_TWO, _SHORTEST = 85.0, 4
#: In heights of a capital: a gap in a word of capitals that is wider is a space ("BỘ Y TẾ" has 0.4, its words 0.12).
_SPACE = 0.28
#: A number and its unit read as one word; in heights of a digit, the gap of a space between them.
_NUMBER_AND_UNIT = re.compile(r"(?P<number>\D?\d[\d.,]*)(?P<unit>[kdc]?m)\D{0,2}")
_SPACE_BEFORE_UNIT = 0.22
_LETTER_OF_UNIT = (0.6, 1.4)  # width of a letter of the unit


def read_torn(lines: Sequence[Line], ink: Components, again: Again) -> list[Line] | None:
    """The lines of a page, with torn words, and words run together, as they read again; ``None`` if all stay.

    Args:
        lines: as they were read.
        ink: of the page.
        again: reads a part of the page by itself, as one block.
    """
    by_top = ink.take(np.argsort(ink.top, kind="stable"))
    out = [_parted(_mended(line, again), by_top, again) for line in lines]
    return out if any(new is not old for new, old in zip(out, lines, strict=True)) else None


def _mended(line: Line, again: Again) -> Line:
    for before, after in pairwise(line.words):
        whole = _whole(before, after, again) if _is_torn(before, after, line.x_height) else None
        if whole is not None:
            words = [whole if word is before else word for word in line.words if word is not after]
            return _mended(of_words(line, words), again)
    return line


def _is_torn(before: Word, after: Word, x_height: float) -> bool:
    touch = abs(after.box.left - before.box.right) < _TOUCH * x_height
    letters = all(any(c.isalpha() for c in word.text) for word in (before, after))
    return touch and letters and not before.raised and mean_confidence([before, after]) < _DOUBTFUL


def _whole(before: Word, after: Word, again: Again) -> Word | None:
    """The two as one word, if that is what reads better."""
    found = [word for one in again(hull([before.box, after.box])) for word in one.words]
    if len(found) != 1 or found[0].confidence < _SURE or evidence(found) <= evidence([before, after]):
        return None
    return found[0]


def _parted(line: Line, ink: Shapes, again: Again) -> Line:
    """The line with its words in capitals parted where the page has a space and Tesseract, asked again, reads one."""
    words: list[Word] = []
    for word in line.words:
        if apart := _number_and_unit(word, ink):
            words += apart
            continue
        words += (_several(word, again) if _has_space(word, ink) else None) or [word]
    return of_words(line, words) if len(words) > len(line.words) else line


def _has_space(word: Word, ink: Shapes) -> bool:
    """Whether the ink of a word in capitals has a gap as wide as a space.

    Args:
        ink: from the top of the page.
    """
    capitals = len(word.text) >= _SHORTEST and word.text.isalpha() and word.text.isupper()
    if not capitals or word.confidence >= _MAY_BE_TWO or word.raised:
        return False
    box = word.box
    first, last = np.searchsorted(ink.top, (box.top, box.bottom))
    near = ink.take(slice(int(first), int(last)))
    inside = near.take((near.left >= box.left) & (near.right <= box.right) & (near.bottom <= box.bottom))
    if not inside.count:
        return False
    order = np.argsort(inside.left, kind="stable")
    reached = np.maximum.accumulate(inside.right[order])
    gaps = inside.left[order][1:] - reached[:-1]
    capital = float(np.median(inside.height[inside.height > 0.5 * inside.height.max()]))
    return bool(gaps.size) and float(gaps.max()) > _SPACE * capital


def _number_and_unit(word: Word, ink: Shapes) -> list[Word] | None:
    """A number and the unit behind it as two words, where the page has a space between them.

    Only units with an exponent are looked at: in the gap that it left when it was taken out, Tesseract moves what
    stands before it.

    Args:
        ink: from the top of the page.
    """
    found = _NUMBER_AND_UNIT.fullmatch(word.text)
    if not found or len(word.raised) != 1 or len(word.letters) != len(word.text):
        return None
    if word.raised[0].offset != found.end("unit"):
        return None
    box = word.box._replace(right=word.raised[0].box.left)
    first, last = np.searchsorted(ink.top, (box.top - 2, box.bottom))
    near = ink.take(slice(int(first), int(last)))
    inside = near.take((near.x > box.left) & (near.x < box.right) & (near.bottom <= box.bottom + 2))
    parts = _at_widest_gap(sorted(inside.boxes()))
    if parts is None:
        return None
    before, after = parts
    digit = max(before.height, after.height)
    wide = _LETTER_OF_UNIT[0] <= after.width / digit / len(found["unit"]) <= _LETTER_OF_UNIT[1]
    if not wide or after.left - before.right < _SPACE_BEFORE_UNIT * digit:
        return None
    at = found.start("unit")
    number = replace(word, text=word.text[:at], box=word.box._replace(right=before.right), letters=word.letters[:at])
    raised = tuple(replace(one, offset=one.offset - at) for one in word.raised)
    unit = replace(word, text=word.text[at:], box=word.box._replace(left=after.left), letters=word.letters[at:])
    return [replace(number, raised=()), replace(unit, raised=raised)]


def _at_widest_gap(boxes: Sequence[Box]) -> tuple[Box, Box] | None:
    """Pieces of print, from the left, before and behind the widest gap among them; ``None`` where there is none."""
    reached = [*accumulate((box.right for box in boxes), max)]
    gaps = [box.left - end for end, box in zip(reached, boxes[1:], strict=False)]
    if not gaps or max(gaps) <= 0:
        return None
    at = gaps.index(max(gaps)) + 1
    return hull([*boxes[:at]]), hull([*boxes[at:]])


def _several(word: Word, again: Again) -> list[Word] | None:
    """The words that a word reads as by itself, if they are the same letters; their marks may be read better."""
    found = [one for line in again(word.box) for one in line.words]
    same = plain_letters("".join(one.text for one in found)) == plain_letters(word.text)
    return found if len(found) > 1 and same else None
