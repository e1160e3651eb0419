"""Raised signs on a page: where the small digits of footnotes (and of m²) stand, and what they say.

They are found by geometry on the connected components of the ink, before recognition. A component is raised when it
stands well above the baseline of the letters around it, is smaller than a capital, and has nothing below it down to
that baseline (which every diacritic of a Vietnamese vowel has).
"""

from __future__ import annotations

import statistics
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ocr.image.components import Components, Shapes, find_components
from ocr.image.sign_network import cut_out
from ocr.page import Box, hull, in_rows
from ocr.superscripts.points import point_behind, runs_of_ink
from ocr.superscripts.raised_digits import SIGNS, probabilities

# What a page's print is made of, in pixels and in pages.
_SHORTEST_LETTER, _NARROWEST_LETTER, _NARROWEST_SIGN = 9, 5, 3
_LARGEST_SPECK = 8  # pixels of ink
_TALLEST_PRINT, _WIDEST_PRINT = 0.04, 0.12
_TALLEST_SIGN = 0.017
#: With fewer letters a page is too empty to tell the size of its type.
_FEWEST_LETTERS = 30

# In x-heights of the letters around.
_LOWEST_RISE, _HIGHEST_RISE = 0.28, 1.25  # of its bottom above the baseline
_LOWEST_TOP, _HIGHEST_TOP = 1.15, 2.35  # of its top above the baseline
_SMALLEST, _LARGEST = 0.36, 1.35  # its height
#: An asterisk may be small; a digit in the line is smaller only if it is a piece of a quote or of a broken letter ...
_SMALLEST_DIGIT = 0.58
#: ... and at the head of a line only if the scan broke it.
_SMALLEST_BROKEN_DIGIT = 0.45
#: A bracket's height, in digits.
_BRACKET = 1.15
_BRACKET_ALONE = 1.25  # where the one on the other side touches a letter
#: Diacritics of capitals and of misprinted letters have no x-height: not half of the page's.
_SMALLEST_TYPE = 0.5
#: Prior odds that a candidate is a digit: quotes, its rivals, are hardly ever this tall (in x-heights) ...
_TALL, _TALL_ODDS = 0.72, 5.0
#: ... and never stand alone at the head of a line.
_HEAD_ODDS = 3.0
#: A baseline is told by so many letters at least; fewer will do where one of them touches the sign.
_FEWEST_NEAR, _FEWEST_BESIDE_LETTER = 3, 2
_NOTHING = SIGNS.index("")
#: Print behind a sign: up to a gap as wide as a space, no further than this; and how high it reaches.
_SPACE, _LONGEST_BEHIND, _QUOTES = 0.4, 6.0, 1.5


@dataclass(frozen=True, slots=True)
class RaisedSign:
    """A raised number or asterisk on the page.

    Attributes:
        text: its digits, or ``*``.
        box: in pixels of the page image.
        confidence: 0 to 100; the least of its digits.
        baseline: y of the baseline it stands above.
        x_height: of the letters around it, in pixels.
        point_before, point_after: whether a full stop or comma stands next to it on that side.
        behind: how many pieces of print stand between it and the next space; -1 where that was not looked for.
        point: what stands behind it, where that is ``.``, ``,``, ``:`` or ``;`` alone.
    """

    text: str
    box: Box
    confidence: float
    baseline: float
    x_height: float
    point_before: bool = False
    point_after: bool = False
    behind: int = -1
    point: str = ""


@dataclass(frozen=True, slots=True)
class _Candidate:
    """What stands where a raised sign would stand.

    Attributes:
        box: in pixels of the page image.
        baseline: y of the baseline it stands above.
        x_height: of the letters around it, in pixels.
        odds: prior odds that it is a sign, by its height and place.
        heads_line: whether no letter stands close before it.
    """

    box: Box
    baseline: float
    x_height: float
    odds: float
    heads_line: bool


def find_raised(
    image: np.ndarray, ink: np.ndarray, parts: Components | None = None, columns: Sequence[Box] = ()
) -> list[RaisedSign]:
    """Raised digits and asterisks, from the top of the page to the bottom.

    Args:
        image: ``(height, width)`` grey.
        ink: the same page as a mask, 255 where there is ink.
        parts: the components of the ink, where they are known already.
        columns: of tables; what stands beside one of them stands on baselines of its own.
    """
    candidates = _split_wide(_candidates(ink, parts or find_components(ink), columns), image, ink)
    crops = [cut_out(image, *c.box) for c in candidates]
    odds = probabilities(crops)
    signs = []
    for candidate, row in zip(candidates, odds, strict=True):
        best = int(row[:_NOTHING].argmax())
        if SIGNS[best].isdigit() and _too_small_for_a_digit(candidate):
            continue
        if candidate.odds * row[best] >= row[_NOTHING]:
            confidence = round(100 * float(row[best]), 1)
            signs.append(RaisedSign(SIGNS[best], candidate.box, confidence, candidate.baseline, candidate.x_height))
    signs = _joined(_without_rivals(signs), ink)
    others = ink.copy()
    for sign in signs:
        others[sign.box.top : sign.box.bottom, sign.box.left : sign.box.right] = 0
    return [
        replace(
            sign,
            point_before=_point(ink, sign, before=True),
            point_after=_point(ink, sign, before=False),
            behind=_pieces_behind(others, sign),
            point=point_behind(others, sign.box.right, sign.baseline, sign.x_height),
        )
        for sign in signs
    ]


def _too_small_for_a_digit(candidate: _Candidate) -> bool:
    least = _SMALLEST_BROKEN_DIGIT if candidate.heads_line else _SMALLEST_DIGIT
    return candidate.box.height < least * candidate.x_height


def _without_rivals(signs: list[RaisedSign]) -> list[RaisedSign]:
    """The signs without those that share their ink with a surer one."""
    kept: list[RaisedSign] = []
    for sign in sorted(signs, key=lambda one: -one.confidence):
        if not any(sign.box.shared(other.box) > 0.5 for other in kept):
            kept.append(sign)
    return sorted(kept, key=lambda one: (one.box.top, one.box.left))


@dataclass(frozen=True, slots=True)
class _Print:
    """The components of a page that may be letters, and the digits that touch a letter, each as one more component.

    Attributes:
        shapes: the components, then those digits.
        letter_of: of each such digit the letter it touches, both by their index in ``shapes``.
        typical: height of a small letter, in pixels.
        by_top: indices of all from the top of the page to the bottom.
        tops: where each of ``by_top`` begins.
        column: for each the number, from 1, of the column of a table it stands in, 0 outside.
    """

    shapes: Shapes
    letter_of: dict[int, int]
    typical: float
    by_top: np.ndarray
    tops: np.ndarray
    column: np.ndarray


def _candidates(ink: np.ndarray, parts: Components, columns: Sequence[Box]) -> list[_Candidate]:
    """Components that stand where a raised sign would stand."""
    page_height, page_width = ink.shape
    page = _print_of(parts, page_height, page_width, columns)
    if page is None:
        return []
    plausible = np.nonzero(_may_be_raised(page.shapes, page.typical, page_height, page_width))[0]
    candidates = (_candidate(page, index) for index in plausible.tolist())
    return [candidate for candidate in candidates if candidate is not None]


def _print_of(parts: Components, page_height: int, page_width: int, columns: Sequence[Box]) -> _Print | None:
    """The print of a page; ``None`` where there is too little to tell the size of its type."""
    # Specks and drawings take no part; a page of text has a few thousand components left.
    letter_like = np.nonzero(
        (parts.height < _TALLEST_PRINT * page_height)
        & (parts.width < _WIDEST_PRINT * page_width)
        & (parts.area > _LARGEST_SPECK)
    )[0]
    shapes = parts.take(letter_like)
    tall_enough = shapes.height >= _SHORTEST_LETTER
    if tall_enough.sum() < _FEWEST_LETTERS:
        return None
    typical = float(np.median(shapes.height[tall_enough & (shapes.width >= _NARROWEST_LETTER)]))
    touching = _standing_out(parts.labels, shapes, letter_like + 1, typical)
    letter_of = {shapes.count + n: letter for n, (letter, _) in enumerate(touching)}
    shapes = Shapes(np.vstack([shapes.stats, *(row for _, row in touching)]))
    by_top = np.argsort(shapes.top, kind="stable")
    column = np.zeros(shapes.count, np.int32)
    for number, box in enumerate(columns, 1):
        inside = (shapes.x >= box.left) & (shapes.x < box.right) & (shapes.y >= box.top) & (shapes.y < box.bottom)
        column[inside] = number
    return _Print(shapes, letter_of, typical, by_top, shapes.top[by_top], column)


def _may_be_raised(shapes: Shapes, typical: float, page_height: int, page_width: int) -> np.ndarray:
    """Which components may be raised by their size and place on the page: looked at before each one's neighbours."""
    tall_enough = shapes.height >= _SHORTEST_LETTER
    plausible = tall_enough & (shapes.height < _TALLEST_SIGN * page_height)
    plausible &= (shapes.width >= _NARROWEST_SIGN) & (shapes.width < 1.9 * shapes.height)
    # The page's own letter height narrows the field.
    plausible &= shapes.height < 1.2 * typical
    letters = tall_enough & (shapes.height >= 0.8 * typical)
    return plausible & ~_on_baseline(shapes.left, shapes.bottom, letters, page_width)


def _candidate(page: _Print, index: int) -> _Candidate | None:
    """A component, if it stands where a raised sign would stand among the letters of its row."""
    sign, shapes = page.shapes.box(index), page.shapes
    row = _row_of(page, index, sign)
    near = _beside(shapes, row, sign, page.typical)
    # The rows of two columns of a table may stand at different heights; the unit of a cell has a letter or two only.
    own_row = row[page.column[row] == page.column[index]]
    if (shapes.height[own_row] >= 0.65 * page.typical).sum() >= _FEWEST_NEAR:
        near = near[page.column[near] == page.column[index]]
    fewest = _FEWEST_BESIDE_LETTER if index in page.letter_of else _FEWEST_NEAR
    if len(near) < fewest:
        return None
    feet = shapes.bottom[near]
    baseline = float(sorted(feet.tolist())[len(near) // 2])
    if baseline - sign.bottom < 0.2 * sign.height:  # an ordinary letter: by far the most; no need to look closer
        return None
    standing = near[np.abs(feet - baseline) <= max(2.0, 0.14 * sign.height)]
    if len(standing) < fewest:
        return None
    x_height = _x_height(shapes.height[standing], baseline - sign.top, page.typical)
    if x_height < _SMALLEST_TYPE * page.typical or not _is_raised(sign, baseline, x_height):
        return None
    others = row[row != page.letter_of.get(index, -1)]
    box = _down_to_baseline(sign, shapes.take(others), baseline, x_height)
    if box is None:
        return None
    heads_line = not ((shapes.left[near] < sign.left) & (shapes.right[near] > sign.left - 4 * x_height)).any()
    odds = (_TALL_ODDS if sign.height >= _TALL * x_height else 1.0) * (_HEAD_ODDS if heads_line else 1.0)
    return _Candidate(box, baseline, x_height, odds, heads_line)


def _row_of(page: _Print, index: int, sign: Box) -> np.ndarray:
    """Indices of the other components in the same row of text: only those matter."""
    first, last = np.searchsorted(page.tops, (sign.top - 3 * sign.height, sign.bottom + 2 * sign.height))
    row = page.by_top[first:last]
    return row[row != index]


def _beside(shapes: Shapes, row: np.ndarray, sign: Box, typical: float) -> np.ndarray:
    """Those components of a row that are letters near the sign and can tell its baseline."""
    own, letters = sign.height, shapes.take(row)
    reach = max(12 * own, 9 * typical)
    return row[
        (letters.left > sign.left - reach)
        & (letters.right < sign.right + reach)
        & (letters.height >= 0.65 * own)
        & (letters.height >= _SHORTEST_LETTER)
        & (letters.height < 3.6 * own)
        & (letters.top < sign.bottom + 0.6 * own)  # a sign raised high clears the small letters beside it
        & (letters.bottom > sign.bottom - 0.15 * own)
    ]


def _x_height(heights: np.ndarray, top: float, typical: float) -> float:
    """The x-height of the letters beside a sign.

    Args:
        heights: of the letters that stand on the sign's baseline.
        top: of the sign, above the baseline.
        typical: height of a small letter of the page.
    """
    # Beside nothing but digits and capitals their height would pass for the x-height.
    x_height = min(_lowest_alike(heights, 20, 1.25), 1.25 * typical)
    if len(heights) < 3:  # the last line of a paragraph may be one short word
        x_height = min(x_height, typical)
    if top < _LOWEST_TOP * x_height:
        # Among many capitals and tall letters ("8 Từ tháng") the few small ones tell.
        x_height = min(x_height, _lowest_alike(heights, 10, 1.15))
    return x_height


def _lowest_alike(heights: np.ndarray, percentile: int, alike: float) -> float:
    """The median of the heights up to ``alike`` times a low percentile of them."""
    # A few dozen numbers: NumPy takes ten times as long for its percentile, thousands of times a page.
    lowest = sorted(heights.tolist())
    place = (len(lowest) - 1) * percentile / 100
    below, above = lowest[int(place)], lowest[min(int(place) + 1, len(lowest) - 1)]
    most = alike * (below + (above - below) * (place - int(place)))
    return float(statistics.median(lowest[: bisect_right(lowest, most)]))


def _is_raised(sign: Box, baseline: float, x_height: float) -> bool:
    """Whether a component has the height of a raised sign, and stands as high above the baseline as one."""
    rise, top = (baseline - sign.bottom) / x_height, (baseline - sign.top) / x_height
    return (
        _LOWEST_RISE <= rise <= _HIGHEST_RISE
        and _LOWEST_TOP <= top <= _HIGHEST_TOP
        and _SMALLEST <= sign.height / x_height <= _LARGEST
    )


def _down_to_baseline(sign: Box, others: Shapes, baseline: float, x_height: float) -> Box | None:
    """The sign with what the scan broke off it; ``None`` where anything else stands between it and the baseline."""
    shared = np.minimum(others.right, sign.right) - np.maximum(others.left, sign.left)
    below = others.take(
        (shared > 0.3 * np.minimum(others.width, sign.width))
        & (others.bottom > sign.bottom + 0.1 * x_height)
        & (others.top < baseline)
        & (others.height > 0.1 * x_height)
    )
    # The hairline of a small 2 often breaks: what lies under it, raised as well, is the rest of it.
    foot = (below.bottom < baseline - _LOWEST_RISE * x_height) & (below.top < sign.bottom + 0.4 * sign.height)
    if not foot.all():
        return None
    if not below.count:
        return sign
    whole = hull([sign, *below.boxes()])
    return whole if whole.height <= _LARGEST * x_height else None


def _standing_out(
    labels: np.ndarray, shapes: Shapes, names: np.ndarray, typical: float
) -> list[tuple[int, np.ndarray]]:
    """Digits that touch the horn of the ư or ơ before them: what stands out above such a letter at its right.

    Args:
        labels: ``(height, width)``: the component each pixel belongs to.
        shapes: of the components.
        names: their labels.
        typical: height of a small letter, in pixels.

    Returns:
        For each the index of the whole component in ``shapes``, and a row like those of its ``stats`` for the digit
        alone.
    """
    # With the digit such a letter is as tall as a capital, and wider than one letter.
    tall = (shapes.height > 1.3 * typical) & (shapes.height < 2.4 * typical)
    wide = (shapes.width > 1.1 * typical) & (shapes.width <= 5 * typical)
    found = []
    for index in np.nonzero(tall & wide)[0].tolist():
        left, top, right, bottom = shapes.box(index)
        own = labels[top:bottom, left:right] == names[index]
        for x, y, width, height in _above_the_right_end(own, typical):
            area = int(own[:, x:].sum())
            found.append((index, np.array([left + x, top + y, width, height, area], dtype=shapes.stats.dtype)))
    return found


def _above_the_right_end(own: np.ndarray, typical: float) -> list[tuple[int, int, int, int]]:
    """What may be a digit above the right end of a component: left, top, width and height in its picture.

    The horn comes first, and the digit begins somewhere in it: where it looks most like one, tells the network.

    Args:
        own: ``(height, width)``: the pixels of the component.
        typical: height of a small letter, in pixels.
    """
    height, width = own.shape
    lowest = height - 1 - own[::-1].argmax(axis=0)
    hangs = lowest < height - 0.3 * typical
    start = width - int(hangs[::-1].argmin()) if not hangs.all() else 0
    if not 0.25 * typical < width - start < 1.6 * typical:
        return []
    found = []
    highest = own.argmax(axis=0)
    for cut in range(start + 1, min(width - 2, start + round(0.6 * typical)), 2):
        rows = np.nonzero(own[:, cut:].any(axis=1))[0]
        tall = int(rows[-1] - rows[0]) + 1
        # What it touches is a small letter: the arms of T and P reach no higher than their stems. An acute that
        # runs together with its letter stands out in the same way, but is not as tall.
        if int(rows[0]) < highest[:cut].min() - 0.25 * typical and tall > 0.65 * typical:
            found.append((cut, int(rows[0]), width - cut, tall))
    return found


def _on_baseline(left: np.ndarray, bottom: np.ndarray, tall: np.ndarray, page_width: int) -> np.ndarray:
    """Which components stand on a baseline, in company: by far the most letters of a page.

    A component does when at least four tall ones of the same strip of the page, a seventh of its width, end within
    two pixels of it. Raised signs are too few to stand in such company.
    """
    strip = left * 7 // page_width
    place = strip.astype(np.int64) * 100_000 + bottom
    places = np.sort(place[tall])
    company = np.searchsorted(places, place + 2, side="right") - np.searchsorted(places, place - 2, side="left")
    return np.asarray(company >= 5)


def _split_wide(candidates: list[_Candidate], image: np.ndarray, ink: np.ndarray) -> list[_Candidate]:
    """Two digits that touch are one component: cut it where its ink is thinnest, if both halves are digits."""
    out: list[_Candidate] = []
    for candidate in candidates:
        box = candidate.box
        if box.width < 0.8 * box.height:
            out.append(candidate)
            continue
        columns = (ink[box.top : box.bottom, box.left : box.right] > 0).sum(axis=0)
        quarter = box.width // 4
        middle = np.arange(quarter, box.width - quarter)
        cuts = box.left + middle[np.argsort(columns[middle], kind="stable")[:5]]
        halves = [half for cut in cuts.tolist() for half in (box._replace(right=cut), box._replace(left=cut))]
        crops = [_between(image, half, box) for half in halves]
        odds = probabilities([cut_out(image, *box), *crops])[:, :_NOTHING].max(axis=1)
        surest = np.minimum(odds[1::2], odds[2::2])
        best = int(surest.argmax())
        if surest[best] > max(float(odds[0]), 0.4):
            out += [replace(candidate, box=half) for half in halves[2 * best : 2 * best + 2]]
        else:
            out.append(candidate)
    return out


def _between(image: np.ndarray, half: Box, whole: Box, margin: int = 2) -> np.ndarray:
    """A half of a component that was cut in two: with a margin, but without the other half in it."""
    left = half.left - (margin if half.left == whole.left else 0)
    right = half.right + (margin if half.right == whole.right else 0)
    return image[max(0, half.top - margin) : half.bottom + margin, max(0, left) : right]


def _joined(signs: list[RaisedSign], ink: np.ndarray) -> list[RaisedSign]:
    """Digits side by side are one number, with the brackets they may stand in."""
    groups = in_rows(sorted(signs, key=lambda s: s.box.left), _continues)
    return sorted((_number(group, ink) for group in groups), key=lambda s: (s.box.top, s.box.left))


def _continues(group: list[RaisedSign], sign: RaisedSign) -> bool:
    last = group[-1]
    return (
        abs(last.box.bottom - sign.box.bottom) < 0.4 * sign.x_height
        and -0.2 * sign.x_height <= sign.box.left - last.box.right < 0.45 * sign.x_height
        and sign.text.isdigit() == last.text.isdigit()
        and len(group) < 5
    )


def _number(parts: list[RaisedSign], ink: np.ndarray) -> RaisedSign:
    """The number that signs side by side make.

    Brackets, as in [1] and (1), are taller than digits; the network, which knows none, reads them as 1 and 0.
    """
    lowest = min(part.box.height for part in parts)
    boxes = [part.box for part in parts]
    inner = parts
    left = _bracket_beside(inner[0], ink, before=True)
    if len(inner) > 1 and inner[0].box.height > _BRACKET * lowest:
        left, inner = inner[0].box, inner[1:]
    right = _bracket_beside(inner[-1], ink, before=False)
    if len(inner) > 1 and inner[-1].box.height > _BRACKET * lowest:
        right, inner = inner[-1].box, inner[:-1]
    if left and right and abs(left.height - right.height) < 0.25 * left.height:
        boxes += [left, right]
    elif inner is not parts and max(box.height for box in boxes) < _BRACKET_ALONE * lowest:
        inner = parts
    return replace(
        inner[0],
        text="".join(part.text for part in inner),
        box=hull(boxes),
        confidence=min(part.confidence for part in inner),
    )


def _bracket_beside(sign: RaisedSign, ink: np.ndarray, *, before: bool) -> Box | None:
    """What stands next to a sign on one side, if it has the shape and the place of a raised bracket."""
    height = sign.box.height
    left = max(0, sign.box.left - height) if before else sign.box.right
    top, bottom = max(0, sign.box.top - height), round(sign.baseline + 0.5 * sign.x_height)
    window = ink[top:bottom, left : (sign.box.left if before else left + height)]
    near = [box.moved(left, top) for box in find_components(window).boxes()]
    near = [box for box in near if box.top < sign.box.y < box.bottom]
    if not near:
        return None
    nearest = max(near, key=lambda box: box.right) if before else min(near, key=lambda box: box.left)
    gap = sign.box.left - nearest.right if before else nearest.left - sign.box.right
    upright = _BRACKET <= nearest.height / height <= 2.0 and nearest.width < 0.6 * height
    raised = nearest.bottom < sign.baseline - 0.1 * sign.x_height
    return nearest if upright and raised and gap < 0.4 * height else None


def _point(ink: np.ndarray, sign: RaisedSign, *, before: bool) -> bool:
    """Whether the nearest ink beside a sign, on the baseline, is as low as a full stop or comma."""
    reach = round(0.8 * sign.x_height)
    top, bottom = int(sign.baseline - 1.1 * sign.x_height), int(sign.baseline + 0.4 * sign.x_height)
    if before:
        band = ink[max(0, top) : bottom, max(0, sign.box.left - reach) : sign.box.left][:, ::-1]
    else:
        band = ink[max(0, top) : bottom, sign.box.right : sign.box.right + reach]
    columns = np.asarray((band > 0).any(axis=0))
    if not columns.any():
        return False
    start = int(columns.argmax())
    after = np.nonzero(np.logical_not(columns[start:]))[0]
    end = start + int(after[0]) if len(after) else len(columns)
    rows = np.nonzero((band[:, start:end] > 0).any(axis=1))[0]
    return len(after) > 0 and int(rows[0]) + max(0, top) > sign.baseline - 0.45 * sign.x_height


def _pieces_behind(ink: np.ndarray, sign: RaisedSign) -> int:
    """How many pieces of print, parted by paper from top to bottom, stand between a sign and the next space.

    Args:
        ink: of the page without its raised signs.
    """
    x = sign.x_height
    top, bottom = max(0, int(sign.baseline - _QUOTES * x)), int(sign.baseline + 0.4 * x)
    runs = runs_of_ink(ink[top:bottom, sign.box.right : sign.box.right + round(_LONGEST_BEHIND * x)])
    gaps = [start - end for (start, _), (_, end) in zip(runs, [(0, 0), *runs], strict=False)]
    return next((number for number, gap in enumerate(gaps) if gap > _SPACE * x), len(runs))
