"""The signs of list items that stand far before their words: found on the page, and kept on the line of their item.

Tesseract takes a dash or a number with a wide gap behind it for a speck, or for a column of its own, and leaves it out,
or reads ``.`` for ``4.`` The ink before the words tells: a short flat stroke is a dash, a round blot a bullet, and
digits before a point are read by the network for lone digits, as they are in the cells of tables.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ocr.image.components import Components, Shapes
from ocr.image.sign_network import cut_out
from ocr.layout.two_columns import BEHIND_SIGN, DASHES
from ocr.page import Box, Line, Word, Zone, hull, letter, lines_of, mean_confidence, of_words, without, words_of
from ocr.reread.table_cells import Again
from ocr.superscripts.raised_digits import SIGNS, probabilities

# In x-heights of the line.
#: How far before its words a sign stands, at most and at least, and how wide it is at most.
_BEFORE, _GAP, _WIDEST = 6.0, 0.25, 2.6
#: A dash that stands alone on its page is one up to this far before the words.
_NEAR = 2.5
#: Signs of one list begin at the same place.
_ALIGNED = 0.8
#: What is smaller is a speck.
_SPECK = 0.12
#: Height and width of a dash; above the second it is a long one; it stands so high above the baseline.
_FLAT, _DASH, _LONG_DASH, _DASH_HEIGHT = 0.35, (0.25, 1.3), 0.8, (0.12, 0.95)
#: A bullet is so large, as wide as high, and that share of its box is ink.
_BULLET, _ROUND, _SOLID = (0.25, 0.9), (0.75, 1.33), 0.65
#: The height of a digit and how near to the baseline its foot is; the size of a point.
_DIGIT, _FOOT, _POINT = (1.05, 1.8), 0.22, 0.4
#: The network for lone digits, and Tesseract (of 100), are believed from here on.
_SURE, _SURE_AGAIN = 0.9, 70.0
#: A number that was read as a line of its own is joined to the words behind it across this, whatever else stands in
#: their row: what is wider may be a gutter between columns (:data:`ocr.layout.two_columns._GUTTER`).
_JOINED = 4.4
#: So many lines with some ink before them are looked at again by Tesseract; more of it is dirt.
_MOST_AGAIN = 12
#: Two columns without borders are a list when this share of the lines in the first one are signs.
_LISTED = 0.75
#: No printed line is taller.
_TALLEST = 4.0
#: In usual x-heights of the page: a line that seems to be larger consists of capitals.
_LARGEST = 1.15

_DASHES = ("-", "–", "—", "+", "*", "•")
_SIGN = re.compile(r"[-–—+*•]|\(?\d{1,2}[.)]|\(?[a-zđ€©]\)|[IVX]{1,5}[.)]")  # € and © are what c is read as
_NUMBER_SIGN = re.compile(r"\(?\d{1,3}(?:\.\d{1,2})*[.)]?|\(?[a-zđ]\)|[IVXLH1|l]{1,5}[.)/-]|[A-ZĐ][.)]")


def read_list_marks(zones: Sequence[Zone], ink: Components, image: np.ndarray, again: Again) -> list[Line] | None:
    """The lines of a page, each with the sign of its item; ``None`` when none was missing.

    Args:
        zones: of the page.
        ink: its components, specks and raised signs included.
        image: ``(height, width)`` grey, with the raised signs.
        again: reads a part of the page by itself, as one block.
    """
    elsewhere = lines_of(zone for zone in zones if zone.kind in ("notes", "head", "foot") or _is_table(zone))
    noise = [line for zone in zones for line in _illegible(zone)]
    before = [line for line in lines_of(zones) if line not in elsewhere]
    lines = _without_specks(_with_lone_signs(before))
    legible = [line for line in lines if line not in noise]
    found = _lost_signs(legible, [*elsewhere, *legible], ink, image, again)
    if not found and lines == before:
        return None
    lines = [_signed(line, found[line]) if line in found else line for line in lines]
    return [*elsewhere, *without(lines, _standing_in(noise, found.values()))]


def _illegible(zone: Zone) -> list[Line]:
    return [line for line in zone.lines if zone.kind == "noise" or _is_column(line)]


def _standing_in(noise: Sequence[Line], signs: Iterable[Word]) -> list[Word]:
    """What was read as noise where a sign is."""
    boxes = [sign.box for sign in signs]
    return [word for word in words_of(noise) if any(word.box.overlaps(box) for box in boxes)]


def _is_table(zone: Zone) -> bool:
    """Whether a zone is a table, and not a list whose signs stand far before their words."""
    if zone.kind != "table" or len(zone.columns) != 3 or zone.columns[0] != zone.box.left:  # one with borders
        return zone.kind == "table"
    first = [line for line in zone.lines if line.box.x < zone.columns[1]]
    return not first or sum(bool(_SIGN.fullmatch(line.text)) for line in first) < _LISTED * len(first)


def _is_column(line: Line) -> bool:
    """Whether the signs of several items were read as one line, from top to bottom."""
    return line.box.height > _TALLEST * line.x_height and mean_confidence(line.words) < _SURE_AGAIN


def _with_lone_signs(lines: Sequence[Line]) -> list[Line]:
    """The lines, with the signs that were read as lines of their own at the head of the lines they belong to."""
    out = list(lines)
    for sign in [line for line in lines if len(line.words) == 1 and _SIGN.fullmatch(line.text)]:
        behind = [line for line in out if line is not sign and _stands_behind(line, sign)]
        nearest = min(behind, key=lambda line: line.box.left, default=None)
        far = nearest is not None and nearest.box.left - sign.box.right > _JOINED * nearest.x_height
        if nearest is not None and not _has_sign(nearest) and not (far and _stands_in_columns(sign, nearest, out)):
            out[out.index(nearest)] = of_words(nearest, [*sign.words, *nearest.words])
            out.remove(sign)
    return out


def _stands_in_columns(sign: Line, line: Line, lines: Sequence[Line]) -> bool:
    """Whether a number far before a line may be a column: others stand in its row as well."""
    level = [one for one in lines if abs(one.baseline - line.baseline) < 0.5 * line.x_height]
    return sign.text not in DASHES and any(one not in (sign, line) for one in level)


def _without_specks(lines: Sequence[Line]) -> list[Line]:
    """The lines, the specks that were read as dashes at their heads by themselves."""
    return [piece for line in lines for piece in _without_speck(line)]


def _without_speck(line: Line) -> list[Line]:
    """A line that a speck was read into as the dash of an item, and the speck by itself: below the line or over it."""
    first = line.words[0]
    if len(line.words) < 2 or first.text not in _DASHES or first.confidence >= _SURE_AGAIN:
        return [line]
    low, high = (line.baseline - first.box.bottom) / line.x_height, (line.baseline - first.box.top) / line.x_height
    at_height = high > _DASH_HEIGHT[0] and low < _DASH_HEIGHT[1]
    return [line] if at_height else [of_words(line, line.words[1:]), of_words(line, [first])]


def _stands_behind(line: Line, sign: Line) -> bool:
    gap = line.box.left - sign.box.right
    level = abs(line.baseline - sign.baseline) < 0.5 * line.x_height or sign.box.down(line.box) >= sign.box.height
    return level and _GAP * line.x_height < gap < BEHIND_SIGN * line.x_height and _letters(line) > 1


def _lost_signs(
    lines: Sequence[Line], all_lines: Sequence[Line], ink: Components, image: np.ndarray, again: Again
) -> dict[Line, Word]:
    """The signs found on the page that were not read, by the line that each begins.

    Args:
        all_lines: those of tables and notes too.
    """
    by_top = ink.take(np.argsort(ink.top, kind="stable"))
    usual = float(np.median([line.x_height for line in lines])) if lines else 0.0
    page = _Page(by_top, image, [word.box for line in all_lines for word in line.words], _LARGEST * usual)
    lost = [ahead for line in lines if (ahead := page.ahead(line)) is not None]
    signs = _found((ahead, page.sign(ahead)) for ahead in lost)
    unread = [ahead for ahead in lost if ahead.line not in signs and ahead.may_be_number]
    signs |= _found((ahead, _read_again(ahead, again)) for ahead in unread[:_MOST_AGAIN])
    return _borne_out(signs, lines)


def _borne_out(signs: Mapping[Line, Word], lines: Sequence[Line]) -> dict[Line, Word]:
    """The signs without the dashes that may be dirt."""
    dashes = [line.box.left for line in lines if line.text[:1] in _DASHES]
    dashes += [sign.box.left for sign in signs.values() if sign.text in _DASHES]
    return {line: sign for line, sign in signs.items() if _is_borne_out(sign, line, dashes)}


def _found(signs: Iterable[tuple[_Ahead, Word | None]]) -> dict[Line, Word]:
    return {ahead.line: sign for ahead, sign in signs if sign is not None}


def _signed(line: Line, sign: Word) -> Line:
    """The line with its sign instead of what was read of it."""
    return of_words(line, [sign, *line.words[_first_word(line) :]])


def _is_borne_out(sign: Word, line: Line, dashes: Sequence[int]) -> bool:
    """Whether a dash is near to its words, or others are aligned with it; a number needs no others."""
    near = line.words[_first_word(line)].box.left - sign.box.right < _NEAR * line.x_height
    aligned = sum(abs(left - sign.box.left) < _ALIGNED * line.x_height for left in dashes)
    return sign.text not in _DASHES or near or aligned > 1


@dataclass(frozen=True, slots=True)
class _Ahead:
    """The ink ahead of a line's words.

    Attributes:
        size: x-height of the line, in pixels.
        boxes: of its pieces, from left to right.
        areas: of the same, in pixels of ink.
    """

    line: Line
    size: float
    boxes: list[Box]
    areas: list[int]

    @property
    def may_be_number(self) -> bool:
        return any(box.height > _DIGIT[0] * self.size for box in self.boxes)


@dataclass(frozen=True, slots=True)
class _Page:
    """What of a page is looked at.

    Attributes:
        ink: its components, from the top.
        image: ``(height, width)`` grey.
        words: where words were read.
        largest: x-height that a line may have, in pixels.
    """

    ink: Shapes
    image: np.ndarray
    words: list[Box]
    largest: float

    def ahead(self, line: Line) -> _Ahead | None:
        """The ink ahead of a line that has no sign, if there is some that may be one."""
        first = _first_word(line)
        if _letters(line) < 2 or _has_sign(line):
            return None
        size, left = min(line.x_height, self.largest), line.words[first].box.left
        place = Box(
            round(left - _BEFORE * size), round(line.baseline - 1.9 * size), left, round(line.baseline + 0.4 * size)
        )
        others = [box for box in self.words if box.overlaps(place) and box not in [w.box for w in line.words]]
        start, end = np.searchsorted(self.ink.top, (place.top - 2 * size, place.bottom))
        near = self.ink.take(slice(int(start), int(end)))
        inside = (
            (near.x > place.left) & (near.x < left - _SPECK * size) & (near.y > place.top) & (near.y < place.bottom)
        )
        inside &= np.maximum(near.width, near.height) > _SPECK * size
        found = near.take(inside)
        if others or not found.count:
            return None
        order = np.argsort(found.left, kind="stable")
        found = found.take(order)
        boxes = found.boxes()
        whole = hull(boxes)
        stands_off = left - whole.right > _GAP * size and whole.width <= _WIDEST * size
        return _Ahead(line, size, boxes, found.area.tolist()) if stands_off and whole.height < 2.2 * size else None

    def sign(self, ahead: _Ahead) -> Word | None:
        """The sign that the ink is: a dash, a bullet, or a number and a point."""
        if len(ahead.boxes) == 1:
            return _stroke(ahead)
        return self._number(ahead)

    def _number(self, ahead: _Ahead) -> Word | None:
        """One or two digits and a point."""
        *digits, point = ahead.boxes
        size, baseline = ahead.size, ahead.line.baseline
        is_point = max(point.width, point.height) <= _POINT * size and abs(point.bottom - baseline) < _FOOT * size
        stand = all(
            _DIGIT[0] * size < box.height < _DIGIT[1] * size and abs(box.bottom - baseline) < _FOOT * size
            for box in digits
        )
        if not (is_point and stand and len(digits) <= 2):
            return None
        odds = probabilities([cut_out(self.image, *box) for box in digits])
        text = "".join(SIGNS[sign] for sign in odds.argmax(axis=1))
        if len(text) != len(digits) or not text.isdigit() or float(odds.max(axis=1).min()) < _SURE:
            return None
        return _word(f"{text}.", hull(ahead.boxes), 100 * float(odds.max(axis=1).min()))


def _stroke(ahead: _Ahead) -> Word | None:
    """A dash or a bullet, by its shape and its height on the line."""
    (box,), (area,) = ahead.boxes, ahead.areas
    width, height = box.width / ahead.size, box.height / ahead.size
    if not _DASH_HEIGHT[0] < (ahead.line.baseline - box.y) / ahead.size < _DASH_HEIGHT[1]:
        return None
    if height <= _FLAT and _DASH[0] <= width <= _DASH[1] and width >= 1.5 * height:
        return _word("-" if width <= _LONG_DASH else "–", box, _SURE * 100)
    large = _BULLET[0] <= min(width, height) and max(width, height) <= _BULLET[1]
    if large and _ROUND[0] <= width / height <= _ROUND[1] and area >= _SOLID * box.width * box.height:
        return _word("•", box, _SURE * 100)
    return None


def _read_again(ahead: _Ahead, again: Again) -> Word | None:
    """The sign as Tesseract reads it with the first words of its line, if it reads those as before."""
    line = ahead.line
    first = _first_word(line)
    words = line.words[first : first + 3]
    box = hull([*ahead.boxes, *(word.box for word in words)])
    pad = round(0.5 * line.x_height)
    found = again(Box(max(0, box.left - pad), max(0, box.top - pad), box.right + pad // 2, box.bottom + pad // 2))
    read = [word for one in found for word in one.words]
    if len(read) < 2 or read[0].confidence < _SURE_AGAIN or not _SIGN.fullmatch(read[0].text):
        return None
    return read[0] if read[1].text == words[0].text and read[0].box.right <= words[0].box.left else None


def _word(text: str, box: Box, confidence: float) -> Word:
    return Word(text, box, round(confidence, 1), tuple(letter(c) for c in text))


def _first_word(line: Line) -> int:
    """Index of the first word with a letter or digit: what stands before it is what was read of a sign."""
    return next((i for i, word in enumerate(line.words) if any(c.isalnum() for c in word.text)), 0)


def _has_sign(line: Line) -> bool:
    """Whether a line begins with the sign of an item."""
    first = _first_word(line)
    dashed = first > 0 and line.words[0].text in _DASHES
    glued = line.words[0].text[:1] in _DASHES and len(line.words[0].text) > 1 and first == 0
    return dashed or glued or bool(_NUMBER_SIGN.fullmatch(line.words[first].text))


def _letters(line: Line) -> int:
    return sum(c.isalpha() for c in line.text)
