"""Red print that is no seal: stamps of urgency and secrecy, received stamps, red numbers and letterheads.

Red ink is taken off a page because seals are red. A row of letters is no seal: it is told by letters of one size on one
straight line, outside of every seal and of what is left of one at the edge of the paper. A row in a frame of its own,
or set askew, was stamped on the page and is read by itself; any other is print and stays on the page.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import cv2
import numpy as np

from ocr.image.components import Components, Shapes, find_components
from ocr.image.seals import NO_PRINT, Seal
from ocr.page import Box, hull, in_rows

# In page widths, 210 mm.
_LETTER = (0.0075, 0.05)  # height of a letter: 1.6 to 10 mm
_FRAME = (0.035, 0.5)  # width of a stamp's frame
_FRAME_HEIGHT = (0.02, 0.3)
_DRAWING = (0.06, 0.045)  # what is longer and wider and no frame is a piece of a seal, an emblem, a stroke of the pen
_TORN, _BROKEN = 0.0008, 0.002  # half the gaps in a frame, and in a ring, that was badly inked
# In heights of the row's letters.
_SPACE = 1.3
_MARKS = 0.7  # so far above and below a row its marks stand
_LEVEL = 0.12  # how far the feet of letters may stand off one line, half of them
_LIKE = (0.55, 1.8)  # sizes of letters in one row
_LONGEST = 8.0  # width of letters that touch
#: Share of a letter's box that is inked.
_COVERED = 0.15
_FEWEST = 3
#: Of a page that has red print, so much is red at least: three letters of 3 mm are.
_LEAST = 0.00008
#: A pixel of half the resolution is red when so much of it is, of 255.
_HALF = 90
#: Of the rectangle about a frame its outline encloses so much, and of that so much is ink.
_FILLED, _HOLLOW = 0.9, 0.55
_INSIDE = 0.9  # of a frame's width and height: what is larger is a second line of the frame
_SAME = 0.7  # share of the smaller of two boxes from which on they are one thing
#: Rise of a row over its length beyond which it was stamped: 3 degrees.
_ASKEW = 0.052


@dataclass(frozen=True, slots=True)
class Stamp:
    """What was stamped on a page: where, in pixels, and by how much its lines rise or fall over their length."""

    box: Box
    slope: float


@dataclass(frozen=True, slots=True)
class RedPrint:
    """The red print of a page.

    Attributes:
        letters: ``(height, width)`` mask of print; ``None`` where there is none.
        stamped: mask of the letters of stamps; ``None`` where there are none.
        stamps: where they stand.
    """

    letters: np.ndarray | None = None
    stamped: np.ndarray | None = None
    stamps: list[Stamp] = field(default_factory=list)


def find_red_print(red: np.ndarray | None, seals: list[Seal]) -> RedPrint:
    """The rows of red letters on a page that are no seal's, and what stands in a red frame.

    Args:
        red: from :func:`ocr.image.seals.red_ink`; what is known to be letters may be left out.
        seals: from :func:`ocr.image.seals.find_red`, found on the same page.
    """
    if red is None or cv2.countNonZero(red) < _LEAST * red.size:
        return RedPrint()
    # Half the resolution tells letters well enough, in a quarter of the time.
    small = (cv2.resize(red, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA) > _HALF).astype(np.uint8)
    parts = find_components(small)
    frames, drawings = _frames_and_drawings(small)
    letter = _are_letters(parts, [_halved(seal) for seal in seals], drawings)
    framed = [frame for frame in frames if bool((letter & parts.within(frame.box)).any())]
    for frame in framed:
        letter &= ~parts.within(frame.box)
    rows = _rows(parts.take(letter))
    stamps = framed + [Stamp(row.box, row.slope) for row in rows if abs(row.slope) > _ASKEW]
    printed = np.zeros(parts.count, bool)
    stamped = np.zeros(parts.count, bool)
    for row in rows:
        (stamped if abs(row.slope) > _ASKEW else printed)[_letters_of(parts, row)] = True
    for frame in framed:
        inside = parts.within(frame.box) & (parts.width < _INSIDE * frame.box.width)
        stamped |= inside & (parts.height < _INSIDE * frame.box.height)
    return RedPrint(
        _doubled(parts, printed & ~stamped, red),
        _doubled(parts, stamped, red),
        [replace(stamp, box=Box(*(2 * side for side in stamp.box))) for stamp in stamps],
    )


def _halved(seal: Seal) -> Seal:
    return replace(seal, x=seal.x // 2, y=seal.y // 2, radius=seal.radius // 2)


@dataclass(frozen=True, slots=True)
class _Row:
    """Letters on a line: their box, the height of one, and by how much the line rises over its length."""

    box: Box
    size: float
    slope: float


def _frames_and_drawings(red: np.ndarray) -> tuple[list[Stamp], list[Box]]:
    """The frames, and the boxes of all else in red that is larger than letters."""
    width = red.shape[1]
    lines, pieces = (_mended(red, round(gap * width)) for gap in (_TORN, _BROKEN))
    wide = (lines.width > _FRAME[0] * width) & (lines.width < _FRAME[1] * width)
    wide &= (lines.height > _FRAME_HEIGHT[0] * width) & (lines.height < _FRAME_HEIGHT[1] * width)
    found = (_frame(lines, index) for index in np.flatnonzero(wide).tolist())
    frames = [frame for frame in found if frame is not None]
    frames = [one for one in frames if not any(other is not one and other.box.holds(one.box) for other in frames)]
    long, narrow = np.maximum(pieces.width, pieces.height), np.minimum(pieces.width, pieces.height)
    large = (long > _DRAWING[0] * width) & (narrow > _DRAWING[1] * width)
    drawings = [pieces.box(index) for index in np.flatnonzero(large).tolist()]
    return frames, [box for box in drawings if all(box.shared(frame.box) < _SAME for frame in frames)]


def _mended(red: np.ndarray, gap: int) -> Components:
    """The components of a mask whose gaps are closed."""
    return find_components(cv2.dilate(red, np.ones((2 * gap + 1, 2 * gap + 1), np.uint8)))


def _frame(parts: Components, index: int) -> Stamp | None:
    """The frame that a component is if it is a rectangle's outline: a circle fills 0.79 of the rectangle about it."""
    left, top, right, bottom = parts.box(index)
    ink = (parts.labels[top:bottom, left:right] == index + 1).astype(np.uint8)
    outline = cv2.convexHull(cv2.findNonZero(ink))
    _, (width, height), turned = cv2.minAreaRect(outline)
    filled = cv2.contourArea(outline)
    if filled < _FILLED * width * height or int(parts.area[index]) > _HOLLOW * filled:
        return None
    # OpenCV tells the turn of one side or of the other.
    turned = (turned + 45) % 90 - 45
    return Stamp(Box(left, top, right, bottom), float(np.tan(np.radians(turned))))


def _are_letters(parts: Components, seals: list[Seal], drawings: list[Box]) -> np.ndarray:
    """For each component, whether it has the size of a letter, or of some that touch, and stands in no seal."""
    width = parts.labels.shape[1]
    letter = (parts.height > _LETTER[0] * width) & (parts.height < _LETTER[1] * width)
    letter &= (parts.width < _LONGEST * parts.height) & (parts.area > _COVERED * parts.width * parts.height)
    for seal in seals:
        letter &= ~seal.covers(parts.x, parts.y, NO_PRINT)
    for box in drawings:
        letter &= ~parts.within(box)
    return np.asarray(letter)


def _rows(letters: Shapes) -> list[_Row]:
    """Straight rows of letters of one size."""

    def goes_on(row: list[Box], one: Box) -> bool:
        last = row[-1]
        like = _LIKE[0] < one.height / last.height < _LIKE[1]
        level = last.down(one) > 0.5 * min(last.height, one.height)
        return like and level and one.left - last.right < _SPACE * max(last.height, one.height)

    groups = in_rows(sorted(letters.boxes(), key=lambda box: box.left), goes_on)
    found = (_row(group) for group in groups if len(group) >= _FEWEST)
    return [row for row in found if row is not None]


def _row(letters: list[Box]) -> _Row | None:
    """The row of some letters; ``None`` where their feet stand on no straight line, as along a seal's rim."""
    size = float(np.median([box.height for box in letters]))
    x, feet = np.array([box.x for box in letters]), np.array([float(box.bottom) for box in letters])
    length = float(x[-1] - x[0])
    if length < size:
        return None
    rises = (feet[None, :] - feet[:, None])[np.triu_indices(len(x), 1)]
    runs = (x[None, :] - x[:, None])[np.triu_indices(len(x), 1)]
    # Theil 1950 and Sen 1968: a letter that hangs low is outvoted.
    slope = float(np.median(rises / np.maximum(runs, 1)))
    off = np.abs(feet - slope * x - np.median(feet - slope * x))
    return _Row(hull(letters), size, slope) if float(np.median(off)) <= _LEVEL * size else None


def _letters_of(shapes: Shapes, row: _Row) -> np.ndarray:
    """For each shape, whether it is a letter of a row or a mark of one."""
    room = _MARKS * row.size
    place = Box(
        *(
            round(side)
            for side in (row.box.left - room, row.box.top - room, row.box.right + room, row.box.bottom + room)
        )
    )
    return shapes.within(place) & (shapes.height < _LIKE[1] * row.size) & (shapes.width < _LONGEST * row.size)


def _doubled(parts: Components, chosen: np.ndarray, red: np.ndarray) -> np.ndarray | None:
    """Mask of some components at the full resolution; ``None`` where there are none."""
    if not chosen.any():
        return None
    mask = cv2.dilate(parts.mask(chosen).astype(np.uint8), np.ones((3, 3), np.uint8))
    return cv2.bitwise_and(red, 255 * cv2.resize(mask, red.shape[::-1], interpolation=cv2.INTER_NEAREST))
