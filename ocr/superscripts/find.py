"""Raised signs on a page: where the small digits of footnotes (and of m²) stand, and what they say.

They are found by geometry on the connected components of the ink, before recognition. A component is raised when it
stands well above the baseline of the letters around it, is smaller than a capital, and has nothing below it down to
that baseline (which every mark of a Vietnamese vowel has).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from ocr.image.components import Components, find_components
from ocr.page import Box, hull
from ocr.superscripts.raised_digits import SIGNS, cut_out, probabilities

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
#: Marks of capitals and of misprinted letters have no x-height: not half of the page's.
_SMALLEST_TYPE = 0.5
#: Prior odds that a candidate is a digit: quotes, its rivals, are hardly ever this tall (in x-heights) ...
_TALL, _TALL_ODDS = 0.72, 5.0
#: ... and never stand alone at the head of a line.
_HEAD_ODDS = 3.0
#: A baseline is told by so many letters at least; fewer will do where one of them touches the sign.
_FEWEST_NEAR, _FEWEST_BESIDE_LETTER = 3, 2
_NOTHING = SIGNS.index("")


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
    """

    text: str
    box: Box
    confidence: float
    baseline: float
    x_height: float
    point_before: bool = False
    point_after: bool = False


@dataclass(frozen=True, slots=True)
class _Candidate:
    box: Box
    baseline: float
    x_height: float
    odds: float
    heads_line: bool


def find_raised(image: np.ndarray, ink: np.ndarray, parts: Components | None = None) -> list[RaisedSign]:
    """Raised digits and asterisks, from the top of the page to the bottom.

    Args:
        image: ``(height, width)`` grey.
        ink: the same page as a mask, 255 where there is ink.
        parts: the components of the ink, where they are known already.
    """
    candidates = _split_wide(_candidates(ink, parts or find_components(ink)), image, ink)
    crops = [cut_out(image, *c.box) for c in candidates]
    odds = probabilities(crops)
    signs = []
    for candidate, row in zip(candidates, odds, strict=True):
        best = int(row[:_NOTHING].argmax())
        least = _SMALLEST_BROKEN_DIGIT if candidate.heads_line else _SMALLEST_DIGIT
        if SIGNS[best].isdigit() and candidate.box.height < least * candidate.x_height:
            continue
        if candidate.odds * row[best] >= row[_NOTHING]:
            signs.append(
                RaisedSign(
                    SIGNS[best],
                    candidate.box,
                    round(100 * float(row[best]), 1),
                    candidate.baseline,
                    candidate.x_height,
                )
            )
    signs = _without_rivals(signs)
    return [
        replace(sign, point_before=_point(ink, sign, before=True), point_after=_point(ink, sign, before=False))
        for sign in _joined(signs, ink)
    ]


def _without_rivals(signs: list[RaisedSign]) -> list[RaisedSign]:
    """The signs without those that share their ink with a surer one."""
    kept: list[RaisedSign] = []
    for sign in sorted(signs, key=lambda one: -one.confidence):
        if not any(sign.box.shared(other.box) > 0.5 for other in kept):
            kept.append(sign)
    return sorted(kept, key=lambda one: (one.box.top, one.box.left))


def _candidates(ink: np.ndarray, parts: Components) -> list[_Candidate]:
    """Components that stand where a raised sign would stand."""
    page_height, page_width = ink.shape
    labels, stats = parts.labels, parts.stats[1:].astype(np.int32)
    # Specks and drawings take no part; a page of text has a few thousand components left.
    letter_like = np.nonzero(
        (stats[:, cv2.CC_STAT_HEIGHT] < page_height * 0.04)
        & (stats[:, cv2.CC_STAT_WIDTH] < page_width * 0.12)
        & (stats[:, cv2.CC_STAT_AREA] > 8)
    )[0]
    stats = stats[letter_like]
    height = stats[:, cv2.CC_STAT_HEIGHT]
    if (height >= 9).sum() < 30:
        return []
    typical = float(np.median(height[(height >= 9) & (stats[:, cv2.CC_STAT_WIDTH] >= 5)]))
    touching = _standing_out(labels, stats, letter_like + 1, typical)
    letter_of = {len(stats) + n: letter for n, (letter, _) in enumerate(touching)}
    stats = np.vstack([stats, *(row for _, row in touching)])
    left, top, width, height = (
        stats[:, i] for i in (cv2.CC_STAT_LEFT, cv2.CC_STAT_TOP, cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT)
    )
    right, bottom = left + width, top + height
    tall_enough = height >= 9
    plausible = (height >= 9) & (height < page_height * 0.017) & (width >= 3) & (width < 1.9 * height)
    # Narrow the field with the page's own letter height before looking at each one's neighbours.
    plausible &= height < 1.2 * typical
    plausible &= ~_on_baseline(left, bottom, tall_enough & (height >= 0.8 * typical), page_width)
    by_top = np.argsort(top, kind="stable")
    tops = top[by_top]
    found = []
    for i in np.nonzero(plausible)[0]:
        own = int(height[i])
        # Only components of the same row of text matter: cut them out of the sorted list.
        first, last = np.searchsorted(tops, (top[i] - 3 * own, bottom[i] + 2 * own))
        row = by_top[first:last]
        row = row[row != i]
        reach = max(12 * own, 9 * typical)
        near = row[
            (left[row] > left[i] - reach)
            & (right[row] < right[i] + reach)
            & (height[row] >= 0.65 * own)
            & (height[row] >= 9)
            & (height[row] < 3.6 * own)
            & (top[row] < bottom[i] + 0.6 * own)  # a sign raised high clears the small letters beside it
            & (bottom[row] > bottom[i] - 0.15 * own)
        ]
        fewest = _FEWEST_BESIDE_LETTER if int(i) in letter_of else _FEWEST_NEAR
        if len(near) < fewest:
            continue
        baseline = float(sorted(bottom[near].tolist())[len(near) // 2])
        if baseline - bottom[i] < 0.2 * own:  # an ordinary letter: by far the most; no need to look closer
            continue
        standing = near[np.abs(bottom[near] - baseline) <= max(2.0, 0.14 * own)]
        if len(standing) < fewest:
            continue
        heights = height[standing]
        low = heights[heights <= 1.25 * np.percentile(heights, 20)]
        # Beside nothing but digits and capitals their height would pass for the x-height.
        x_height = min(float(np.median(low)), 1.25 * typical)
        if len(standing) < 3:  # the last line of a paragraph may be one short word
            x_height = min(x_height, typical)
        if baseline - top[i] < _LOWEST_TOP * x_height:
            # Among many capitals and tall letters ("8 Từ tháng") the few small ones tell.
            low = heights[heights <= 1.15 * np.percentile(heights, 10)]
            x_height = min(x_height, float(np.median(low)))
        if x_height < _SMALLEST_TYPE * typical:
            continue
        rise, above = (baseline - bottom[i]) / x_height, (baseline - top[i]) / x_height
        if not (_LOWEST_RISE <= rise <= _HIGHEST_RISE and _LOWEST_TOP <= above <= _HIGHEST_TOP):
            continue
        if not _SMALLEST <= own / x_height <= _LARGEST:
            continue
        box = Box(int(left[i]), int(top[i]), int(right[i]), int(bottom[i]))
        shared = np.minimum(right[row], right[i]) - np.maximum(left[row], left[i])
        below = row[
            (shared > 0.3 * np.minimum(width[row], width[i]))
            & (bottom[row] > bottom[i] + 0.1 * x_height)
            & (top[row] < baseline)
            & (height[row] > 0.1 * x_height)
            & (row != letter_of.get(int(i), -1))
        ]
        # The hairline of a small 2 often breaks: what lies under it, raised as well, is the rest of it.
        foot = below[(bottom[below] < baseline - _LOWEST_RISE * x_height) & (top[below] < bottom[i] + 0.4 * own)]
        if len(foot) < len(below):
            continue
        if len(foot):
            box = hull([box, *(Box(int(left[j]), int(top[j]), int(right[j]), int(bottom[j])) for j in foot)])
            if box.height > _LARGEST * x_height:
                continue
        heads_line = not bool(((left[near] < left[i]) & (right[near] > left[i] - 4 * x_height)).any())
        odds = (_TALL_ODDS if own >= _TALL * x_height else 1.0) * (_HEAD_ODDS if heads_line else 1.0)
        found.append(_Candidate(box, baseline, x_height, odds, heads_line))
    return found


def _standing_out(
    labels: np.ndarray, stats: np.ndarray, names: np.ndarray, typical: float
) -> list[tuple[int, np.ndarray]]:
    """Digits that touch the horn of the ư or ơ before them: what stands out above such a letter at its right.

    Args:
        labels: ``(height, width)``: the component each pixel belongs to.
        stats: of the components.
        names: their labels.
        typical: height of a small letter, in pixels.

    Returns:
        For each the row of the whole component in ``stats``, and a row like it for the digit alone.
    """
    found = []
    height, width = stats[:, cv2.CC_STAT_HEIGHT], stats[:, cv2.CC_STAT_WIDTH]
    # With the digit such a letter is as tall as a capital, and wider than one letter.
    for i in np.nonzero((height > 1.3 * typical) & (height < 2.4 * typical) & (width > 1.1 * typical))[0]:
        left, top, w, h = (int(v) for v in stats[i, :4])
        if w > 5 * typical:
            continue
        own = labels[top : top + h, left : left + w] == names[i]
        lowest = h - 1 - own[::-1].argmax(axis=0)
        hangs = lowest < h - 0.3 * typical
        start = w - int(hangs[::-1].argmin()) if not hangs.all() else 0
        if not 0.25 * typical < w - start < 1.6 * typical:
            continue
        # The horn comes first, and the digit begins somewhere in it: where it looks most like one, tells the network.
        highest = own.argmax(axis=0)
        for cut in range(start + 1, min(w - 2, start + round(0.6 * typical)), 2):
            rows = np.nonzero(own[:, cut:].any(axis=1))[0]
            tall = int(rows[-1] - rows[0]) + 1
            # What it touches is a small letter: the arms of T and P reach no higher than their stems. An acute that
            # runs together with its letter stands out in the same way, but is not as tall.
            if int(rows[0]) < highest[:cut].min() - 0.25 * typical and tall > 0.65 * typical:
                box = left + cut, top + int(rows[0]), w - cut, tall
                found.append((int(i), np.array([*box, int(own[:, cut:].sum())], dtype=stats.dtype)))
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
    groups: list[list[RaisedSign]] = []
    for sign in sorted(signs, key=lambda s: s.box.left):
        before = next((group for group in groups if _continues(group, sign)), None)
        if before is None:
            groups.append([sign])
        else:
            before.append(sign)
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
    _, _, stats, _ = cv2.connectedComponentsWithStats(window, connectivity=8)
    near = [Box(left + x, top + y, left + x + w, top + y + h) for x, y, w, h, _ in stats[1:].tolist()]
    near = [box for box in near if box.top < sign.box.middle < box.bottom]
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
