"""The raised number at the head of a note that stands right before a digit or letter, without a space.

There it often touches what follows it (``¹02 vụ``, ``³Đạt``), so that neither is a component of its own and
:mod:`ocr.superscripts.find` passes over both. At the head of a line it is known where the number must begin: at the
line's first ink. How far it goes is tried out, and the network tells where the cut leaves a digit.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from ocr.image.components import Components, find_components
from ocr.image.sign_network import cut_out
from ocr.page import Box, Line, Word, hull
from ocr.superscripts.find import RaisedSign
from ocr.superscripts.raised_digits import SIGNS, probabilities

_NOTHING = SIGNS.index("")
_LONGEST = 3  # digits of a note's number

# In x-heights of the line.
_BEFORE = 1.6  # a number begins no further before the first word that was read
_BEHIND = 1.0  # or behind it
_ROOM = 4.5  # so far the head of a line goes
_HIGHEST = 2.3  # nothing of it stands higher above the baseline
_FLOOR = 0.3  # and all of it at least so high
_LOWEST_TOP = 1.15
_HEIGHT = (0.5, 1.2)  # of a digit
_WIDTH = (0.16, 0.95)
_NARROWEST_BUT_1 = 0.38  # what is narrower is a 1, or a part of a digit
_UNLIKE = 0.25  # digits of one number differ by so much in their foot and in their top
_GAP = 0.4  # between two digits of one number
#: A number stands before something: within so much there is print on the baseline.
_NEXT = 3.0
#: A cut goes through no more ink than this, in x-heights: the leg of a V is thicker ...
_JOINT = 0.8
#: ... and of two cuts the one through less ink is taken, other things being alike: so much weighs as much as odds of e.
_DEAR = 0.5
#: The network has to be so sure of each digit: in 2600 lines of 60 pages that takes no line of a note for a head.
_SURE = 0.5
#: ... but where the numbers about it say which digit has to come, it need only not be sure of another thing.
_EXPECTED = 0.04
#: A number whose digits are broken has so much room for each, in x-heights, is so high (a quote is lower), and is told
#: with this confidence.
_BROKEN_WIDTH, _BROKEN_HEIGHT, _BROKEN = (0.35, 0.8), (0.75, 1.2), 20.0
#: What reaches further down than this, in x-heights above the baseline, is print: the side of a round letter does.
_BROKEN_FLOOR = 0.55
#: Pixels above and below a number in which pieces of it may stand.
_RIM = 2
#: Columns that a way down goes aside, cheapest first where they cost the same.
_ASIDE = np.array([0, -1, 1])
#: At the end of a word it has to be this sure, and no more ink is cut through, in x-heights: the marks of ế and ề pass
#: for a 1 and a 3 with 0.99, but joints of 0.12.
_SURE_MARK, _MARK_JOINT = 0.9, 0.06
#: In x-heights: so much of the end of a word is looked at, and so much behind it.
_TAIL, _PAST = 2.0, 0.2


@dataclass(frozen=True, slots=True)
class _Digit:
    """One raised digit.

    Attributes:
        text: what it is.
        box: where it stands on the page.
        ink: of the head: the pixels of the digit.
        odds: how sure the network is, 0 to 1.
        joint: pixels of ink that were cut through, by their darkness.
    """

    text: str
    box: Box
    ink: np.ndarray
    odds: float
    joint: float


@dataclass(frozen=True, slots=True)
class NoteHead:
    """The raised number at the head of a line.

    Attributes:
        sign: the number.
        ink: of the window of the page that ``window`` tells: the number's own.
        others: the same for all else.
    """

    sign: RaisedSign
    ink: np.ndarray
    others: np.ndarray
    window: Box

    def taken_out(self, image: np.ndarray) -> np.ndarray:
        """The page without the number and its grey rim, but with all of what it touches."""
        left, top, right, bottom = self.window
        out = image.copy()
        print_ = out[top:bottom, left:right]
        rim = np.ones((5, 5), np.uint8)
        near = cv2.dilate(self.ink.astype(np.uint8), rim) > 0
        number = self._room()
        near[number.top : number.bottom, number.left : number.right] = True
        print_[near & ~self._print()] = int(np.percentile(image[top:bottom, left:right], 92))
        return out

    def _print(self) -> np.ndarray:
        """The ink that is not the number's: of the rest, pieces that stand where it does are broken off its digits."""
        number = self._room()
        pieces = find_components(self.others.astype(np.uint8))
        own = (pieces.top >= number.top) & (pieces.right <= number.right) & (pieces.bottom <= number.bottom)
        return self.others & ~pieces.mask(own)

    def _room(self) -> Box:
        """Where in the window the number stands, with its rim; nothing else stands there, or before it."""
        number = self.sign.box.moved(-self.window.left, -self.window.top)
        return Box(0, max(0, number.top - _RIM), number.right, number.bottom + _RIM)


def find_note_head(image: np.ndarray, parts: Components, line: Line, number: str = "") -> NoteHead | None:
    """The raised number at the head of a line, apart from what it touches; ``None`` where there is none.

    Args:
        image: ``(height, width)`` grey, with the raised signs.
        parts: the components of its ink.
        line: as it was read.
        number: that is expected; empty for any.
    """
    head = _head_of(image, parts, line)
    digits: list[_Digit] = []
    at = head.first_ink(0, (_BEFORE + _BEHIND) * line.x_height)
    while at is not None and len(digits) < (len(number) or _LONGEST):
        digit = head.digit_at(at, number[len(digits)] if number else "")
        if digit is None or (digits and not _alike(digits[0].box, digit.box, line.x_height)):
            break
        digits.append(digit)
        at = head.first_ink(digit.box.right - head.left, _GAP * line.x_height)
    if len(digits) < max(1, len(number)) or not head.stands_after(digits[-1].box.right):
        return None
    sign = RaisedSign(
        text="".join(digit.text for digit in digits),
        box=hull([digit.box for digit in digits]),
        confidence=round(100 * min(digit.odds for digit in digits), 1),
        baseline=line.baseline,
        x_height=line.x_height,
    )
    ink = np.logical_or.reduce([digit.ink for digit in digits])
    height, width = ink.shape
    window = Box(head.left, head.top, head.left + width, head.top + height)
    return NoteHead(sign, ink, head.ink & ~ink, window)


def find_broken_head(image: np.ndarray, parts: Components, line: Line, number: str) -> NoteHead | None:
    """A number at the head of a line whose digits are too broken to be told, by where it stands and how wide it is.

    It is all that is raised before the first print on the baseline. The other marks of a line's head are narrower than
    a number of two digits, and with them that is wider.

    Args:
        image, parts: as for :func:`find_note_head`.
        line: at whose head a part of the number was found.
        number: that must stand there by those of the notes above and below.
    """
    size = line.x_height
    head = _head_of(image, parts, line, with_specks=True)
    start = head.first_ink(0, (_BEFORE + _BEHIND) * size)
    if start is None:
        return None
    floor = round(head.baseline - _BROKEN_FLOOR * size) - head.top
    standing = head.ink[floor:, start:].any(axis=0)
    ink = np.zeros_like(head.ink)
    end = start + int(standing.argmax())
    ink[:floor, start:end] = head.ink[:floor, start:end]
    rows, columns = np.nonzero(ink.any(axis=1))[0], np.nonzero(ink.any(axis=0))[0]
    if not standing.any() or not columns.size:
        return None
    box = Box(
        head.left + int(columns[0]),
        head.top + int(rows[0]),
        head.left + int(columns[-1]) + 1,
        head.top + int(rows[-1]) + 1,
    )
    narrowest, widest = (len(number) * share * size for share in _BROKEN_WIDTH)
    if not (narrowest <= box.width <= widest and _BROKEN_HEIGHT[0] * size <= box.height <= _BROKEN_HEIGHT[1] * size):
        return None
    sign = RaisedSign(number, box, _BROKEN, line.baseline, size)
    window = Box(head.left, head.top, head.left + ink.shape[1], head.top + ink.shape[0])
    return NoteHead(sign, ink, head.ink & ~ink, window)


def find_glued_mark(image: np.ndarray, parts: Components, line: Line, word: Word, number: str) -> RaisedSign | None:
    """A raised number at the end of a word whose last letter it touches; ``None`` where it is not surely there.

    The end of the word is looked at in a mirror, where it is the head of one.

    Args:
        image, parts: as for :func:`find_note_head`.
        line: the word's.
        number: that is expected.
    """
    size = line.x_height
    left, right = round(max(word.box.left, word.box.right - _TAIL * size)), round(word.box.right + _PAST * size)
    end = _head_of(image, parts, replace(line, box=line.box._replace(left=round(left + _BEFORE * size))))
    width = right - end.left
    if width <= 0:
        return None
    mirror = _Mirror(
        image=np.ascontiguousarray(image[end.top : end.top + len(end.ink), end.left : right][:, ::-1]),
        ink=np.ascontiguousarray(end.ink[:, :width][:, ::-1]),
        darkness=np.ascontiguousarray(end.darkness[:, :width][:, ::-1]),
        left=0,
        top=0,
        baseline=end.baseline - end.top,
        x_height=size,
    )
    digits: list[_Digit] = []
    at = mirror.first_raised(0)
    while at is not None and len(digits) < len(number):
        digit = mirror.digit_at(at, number[-1 - len(digits)])
        if digit is None or digit.odds < _SURE_MARK or digit.joint > _MARK_JOINT * size:
            return None
        digits.append(digit)
        at = mirror.first_raised(digit.box.right)
    if len(digits) < len(number):
        return None
    box = hull([digit.box for digit in digits])
    place = Box(right - box.right, box.top + end.top, right - box.left, box.bottom + end.top)
    return RaisedSign(number, place, round(100 * min(digit.odds for digit in digits), 1), line.baseline, size)


def _is_as_wide(text: str, box: Box, x_height: float) -> bool:
    return text == "1" or box.width >= _NARROWEST_BUT_1 * x_height


def _alike(one: Box, other: Box, x_height: float) -> bool:
    limit = _UNLIKE * x_height
    return abs(one.top - other.top) <= limit and abs(one.bottom - other.bottom) <= limit


@dataclass(frozen=True, slots=True)
class _Head:
    """The head of a line.

    Attributes:
        image: of the page, grey.
        ink: of the head: what hangs down from the line above left out.
        darkness: of its pixels, 0 to 1.
        left, top: of the head on the page.
        baseline: of the line, on the page.
        x_height: of the line.
    """

    image: np.ndarray
    ink: np.ndarray
    darkness: np.ndarray
    left: int
    top: int
    baseline: float
    x_height: float

    def first_ink(self, start: int, room: float) -> int | None:
        """The first column from ``start`` on that has ink, if it comes within ``room`` pixels."""
        columns = self.ink[:, start : start + int(room) + 1].any(axis=0)
        return start + int(columns.argmax()) if columns.any() else None

    def digit_at(self, start: int, wanted: str = "") -> _Digit | None:
        """The digit that begins in a column, cut from what it touches where it looks most like one, or like ``wanted``.

        Args:
            wanted: the digit that is expected; empty for any.
        """
        cuts = [(box, ink, joint) for ink, joint in self._cuts(start) if (box := self._box(ink))]
        odds = probabilities([self._cut_out(box, ink) for box, ink, _ in cuts])
        found = []
        least = _EXPECTED if wanted else _SURE
        for (box, ink, joint), row in zip(cuts, odds, strict=True):
            best = SIGNS.index(wanted) if wanted else int(row[:_NOTHING].argmax())
            if SIGNS[best] == "*" and not joint and row[best] >= _SURE:  # half of it might pass for a 4
                return None
            if SIGNS[best].isdigit() and row[best] >= least and _is_as_wide(SIGNS[best], box, self.x_height):
                found.append(_Digit(SIGNS[best], box, ink, float(row[best]), joint))
        return max(found, key=lambda d: np.log(d.odds) - d.joint / (_DEAR * self.x_height), default=None)

    def _cuts(self, start: int) -> list[tuple[np.ndarray, float]]:
        """What may be the digit that begins in a column: its pixels, and how much ink was cut through.

        A cut goes up and down, by the way of least ink, from a place beside the digit.
        """
        floor = round(self.baseline - _FLOOR * self.x_height) - self.top
        narrowest, widest = (round(share * self.x_height) for share in _WIDTH)
        window = self.ink[:floor, start : start + widest + 1]
        dark = np.where(window, self.darkness[:floor, start : start + widest + 1], 0.0)
        rows = np.nonzero(window[:, : narrowest + 1].any(axis=1))[0]
        beside = int(rows[0] + rows[-1]) // 2 if len(rows) else 0
        down, up = _ways_down(dark[beside:]), _ways_down(dark[beside::-1])
        ways = [
            (np.concatenate([above[:0:-1], below]), joint + more - float(dark[beside, column]))
            for column, ((below, joint), (above, more)) in enumerate(zip(down, up, strict=True))
        ]
        cuts: list[tuple[np.ndarray, float]] = []
        for way, joint in ways[narrowest:]:
            left = np.arange(window.shape[1])[None, :] < way[:, None]
            digit = np.zeros_like(self.ink)
            digit[:floor, start : start + widest + 1] = window & left
            if joint <= _JOINT * self.x_height and not any((digit == other).all() for other, _ in cuts):
                cuts.append((digit, joint))
        return cuts

    def _box(self, ink: np.ndarray) -> Box | None:
        """Where the pixels of a digit stand, if it has the height and the place of a raised one."""
        if not ink.any():
            return None
        rows, columns = np.nonzero(ink.any(axis=1))[0], np.nonzero(ink.any(axis=0))[0]
        top, bottom = self.top + int(rows[0]), self.top + int(rows[-1]) + 1
        tall, high = (bottom - top) / self.x_height, (self.baseline - top) / self.x_height
        if not (_HEIGHT[0] <= tall <= _HEIGHT[1] and _LOWEST_TOP <= high <= _HIGHEST):
            return None
        if self.ink[bottom - self.top, ink[bottom - self.top - 1]].any():  # it goes on below: no foot of a digit
            return None
        left, right = self.left + int(columns[0]), self.left + int(columns[-1]) + 1
        return Box(left, top, right, bottom) if right - left >= _WIDTH[0] * self.x_height else None

    def _cut_out(self, box: Box, ink: np.ndarray) -> np.ndarray:
        """The picture of a digit with a margin of paper, and without the ink of what it touches."""
        others = self.ink & ~ink
        top, left = max(0, box.top - 2), max(0, box.left - 2)
        picture = cut_out(self.image, *box).copy()
        window = others[top - self.top : box.bottom + 2 - self.top, left - self.left : box.right + 2 - self.left]
        height, width = min(picture.shape[0], window.shape[0]), min(picture.shape[1], window.shape[1])
        picture[:height, :width][window[:height, :width]] = np.percentile(picture, 95)
        return picture

    def stands_after(self, right: int) -> bool:
        """Whether print stands on the baseline right after a number."""
        first = right - self.left
        foot = round(self.baseline - 0.25 * self.x_height) - self.top
        return bool(self.ink[foot:, first : first + round(_NEXT * self.x_height)].any())


@dataclass(frozen=True, slots=True)
class _Mirror(_Head):
    """The end of a word, from right to left."""

    def first_raised(self, start: int) -> int | None:
        """The first column from ``start`` on that has ink where a raised number stands: a full stop has none there."""
        floor = round(self.baseline - _FLOOR * self.x_height)
        columns = self.ink[:floor, start:].any(axis=0)
        return start + int(columns.argmax()) if columns.any() else None

    def _cut_out(self, box: Box, ink: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(_Head._cut_out(self, box, ink)[:, ::-1])


def _head_of(image: np.ndarray, parts: Components, line: Line, *, with_specks: bool = False) -> _Head:
    size, baseline = line.x_height, line.baseline
    left = max(0, round(line.box.left - _BEFORE * size))
    top, bottom = max(0, round(baseline - _HIGHEST * size)), round(baseline + 0.1 * size)
    labels = parts.labels[top:bottom, left : round(line.box.left + _ROOM * size)]
    # What begins above the head and ends above the line's small letters hangs down from the line above.
    above = (parts.top < top) & (parts.bottom < baseline - size)
    specks = parts.area <= 0.03 * size * size
    gone = np.zeros(parts.count + 1, bool)
    gone[0] = True
    gone[1:] = above if with_specks else above | specks
    window = image[top:bottom, left : left + labels.shape[1]].astype(np.float32)
    paper, black = float(np.percentile(window, 90)), float(window.min())
    darkness = ((paper - window) / max(1.0, paper - black)).clip(0, 1)
    return _Head(image, ~gone[labels], darkness, left, top, baseline, size)


def _ways_down(dark: np.ndarray) -> list[tuple[np.ndarray, float]]:
    """For each column of a picture the way of least ink from its top to the bottom, and how much ink that is.

    Args:
        dark: ``(height, width)``, 0 for paper.

    Returns:
        For each column where a way begins the column in each row.
    """
    height, width = dark.shape
    # To turn aside costs a little, so that ways through paper are straight.
    aside = 0.01
    total = np.full(width + 2, np.inf)  # with a wall at either side
    total[1:-1] = dark[-1]
    steps = np.empty((height - 1, width), np.int64)  # from each row to the one below it
    for row in range(height - 2, -1, -1):
        choices = np.stack([total[1:-1], total[:-2] + aside, total[2:] + aside])
        steps[row] = _ASIDE[choices.argmin(axis=0)]
        total[1:-1] = dark[row] + choices.min(axis=0)
    ways = np.empty((height, width), np.int64)
    ways[0] = np.arange(width)
    for row, step in enumerate(steps):
        ways[row + 1] = ways[row] + step[ways[row]]
    passed = np.take_along_axis(dark, ways, axis=1).sum(axis=0)
    return list(zip(ways.T, passed.tolist(), strict=True))
