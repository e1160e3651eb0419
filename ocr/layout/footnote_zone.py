"""The footnotes of a page: all its lines from some line on, in one column.

Three things tell where they begin: a rule above them at the left margin, type smaller than the body's, and lines that
begin with the number of a note. None is enough alone, and any may be missing: the rule may be lost in scanning or never
have been printed, notes of 12 points stand under a body of 13, and the lines on a page may all carry on a note of the
page before.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ocr.layout.two_columns import side_by_side
from ocr.page import Box, Line

#: What each sign of footnotes counts. A zone needs more than ``_ENOUGH``: two signs, one of them a strong one.
_WEIGHTS = {
    "short rule": 2.5,  # right above the zone, at the left margin
    "rule over the whole measure": 2.0,
    "raised head": 2.5,  # a line begins with a raised sign
    "raised heads": 1.0,  # more than one line does; a page of tables may have no body to compare their type with
    "plain head": 1.5,  # a line begins with the number of a reference that stands above
    "small type": 3.0,
    "smaller type": 1.5,
    "type of the body": -1.5,
}
_ENOUGH = 3.4
#: A head that is not that of the zone's first line counts so much of its weight.
_LATER_HEAD = 0.8

# Type, in x-heights of the body's.
_SMALL_TYPE = 0.88
_SAME_TYPE = 0.965  # from here on it is the body's own: 12 points beside 13 are 0.92
_LARGER_TYPE = 1.06
#: Share of a zone's letters that may be larger than its type; where several lines begin with raised signs, one of a few
#: short lines may be measured too large by a number that it begins with.
_LARGER_SHARE, _LARGER_SHARE_OF_HEADED = 0.2, 0.35

# The rule, in page widths.
_RULE_AT_MARGIN = 0.05  # so near to the margin
_SHORTEST_RULE, _LONGEST_RULE = 0.06, 0.55
_RULE_ABOVE = 6.0  # so many x-heights above the notes at most

#: In page widths: lines begin no further right of the margin.
_INDENT = 0.15
#: A zone stands apart when the step above it is so many times as wide as those between its lines.
_APART = 1.5
#: The step within a zone of one line, in x-heights.
_USUAL_STEP = 2.5

#: A note's number in ordinary digits.
_PLAIN_HEAD = re.compile(r"[\[(]?(\d{1,3}|\*{1,3})[\])]?[.:]?(?=\s*\S)")


@dataclass(frozen=True, slots=True)
class _Measure:
    """What the lines of a page are measured by.

    Attributes:
        body: x-height of the body's type, in pixels.
        width: of the page in pixels.
        left, right: margins of the text, in pixels from the left.
        rules: printed on the page.
    """

    body: float
    width: int
    left: float
    right: float
    rules: Sequence[Box]


def find_notes(lines: Sequence[Line], rules: Sequence[Box], body: float, width: int) -> list[Line]:
    """The lines of the footnotes, from the top of the page; none where too little speaks for any.

    Args:
        lines: of the page, without its margins.
        rules: printed on the page.
        body: x-height of the body's type.
        width: of the page in pixels.
    """
    if not lines:  # a page that bears nothing but its number
        return []
    ordered = sorted(lines, key=lambda line: line.baseline)
    left = float(np.percentile([line.box.left for line in lines], 10))
    right = float(np.percentile([line.box.right for line in lines], 90))
    measure = _Measure(body, width, left, right, rules)
    best, most = len(ordered), _ENOUGH
    for first in range(_columns_end(ordered), len(ordered)):
        evidence = _evidence(ordered[first:], ordered[:first], measure)
        if evidence > most:
            best, most = first, evidence
    return ordered[best:]


def _evidence(zone: Sequence[Line], above: Sequence[Line], measure: _Measure) -> float:
    """What speaks for footnotes that begin with the first line of ``zone``; 0.0 where none can begin there."""
    if zone[0].box.left > measure.left + _INDENT * measure.width:
        return 0.0  # the name under a signature
    rule = _rule_above(zone[0], above, measure)
    if not rule and not _is_smaller(zone[0], above) and not _begins_raised(zone[0]):
        return 0.0
    size = _size(zone) / measure.body
    if _has_larger_type(zone, size, measure.body):
        return 0.0
    if not rule and size < _SAME_TYPE and above and above[-1].x_height < _SAME_TYPE * measure.body:
        return 0.0  # small type above it too: the zone would begin there
    heads = _heads(zone, above)
    # Without a rule and a number at its head the zone must at least stand apart.
    if not rule and not heads[0] and not (any(heads) and _stands_apart(zone, above)):
        return 0.0
    several = _WEIGHTS["raised heads"] if sum(map(_begins_raised, zone)) > 1 else 0.0
    return rule + max(heads[0], _LATER_HEAD * max(heads)) + several + _type_weight(size)


def _columns_end(ordered: Sequence[Line]) -> int:
    """Index of the first line from which on every line stands alone in its row."""
    for index in range(len(ordered) - 1, 0, -1):
        if side_by_side(ordered[index], ordered[index - 1]):
            return index + 1
    return 0


def _rule_above(line: Line, above: Sequence[Line], measure: _Measure) -> float:
    """What a rule right above ``line`` says for footnotes below it; 0.0 where there is none."""
    top = line.baseline - line.x_height
    floor = above[-1].baseline - 0.5 * above[-1].x_height if above else 0.0
    width = measure.width
    for rule in measure.rules:
        if not (floor < rule.top < top and top - rule.bottom < _RULE_ABOVE * line.x_height):
            continue
        if abs(rule.left - measure.left) < _RULE_AT_MARGIN * width:
            if _SHORTEST_RULE * width < rule.width < _LONGEST_RULE * width:
                return _WEIGHTS["short rule"]
            if rule.right > measure.right - _RULE_AT_MARGIN * width:
                return _WEIGHTS["rule over the whole measure"]
    return 0.0


def _is_smaller(line: Line, above: Sequence[Line]) -> bool:
    """Whether a line is set in smaller type than the one before it."""
    return bool(above) and line.x_height < _SAME_TYPE * above[-1].x_height


def _size(zone: Sequence[Line]) -> float:
    """The x-height that half of a zone's letters do not reach."""
    sizes = sorted((line.x_height, float(len(line.text))) for line in zone)
    letters = np.cumsum([count for _, count in sizes])
    return sizes[int(np.searchsorted(letters, letters[-1] / 2))][0]


def _has_larger_type(zone: Sequence[Line], size: float, body: float) -> bool:
    """Whether a zone holds much type that is no footnote's: of the body's size below smaller type, or larger still."""
    most = (_SAME_TYPE if size < _SAME_TYPE else _LARGER_TYPE) * body
    larger = sum(len(line.text) for line in zone if line.x_height > most)
    share = _LARGER_SHARE_OF_HEADED if sum(map(_begins_raised, zone)) > 1 else _LARGER_SHARE
    return larger > share * sum(len(line.text) for line in zone)


def _type_weight(size: float) -> float:
    """What the size of its type says for a zone of footnotes."""
    if size < _SMALL_TYPE:
        return _WEIGHTS["small type"]
    return _WEIGHTS["smaller type" if size < _SAME_TYPE else "type of the body"]


def _heads(zone: Sequence[Line], above: Sequence[Line]) -> list[float]:
    """What the head of each line says for a note that begins with it."""
    cited = {raised.text for line in above for word in line.words for raised in word.raised}
    return [_head(line, cited) for line in zone]


def _head(line: Line, cited: set[str]) -> float:
    """What the head of a line says for a note that begins with it: a raised sign, or a reference's plain number."""
    if _begins_raised(line):
        return _WEIGHTS["raised head"]
    found = _PLAIN_HEAD.match(line.text)
    return _WEIGHTS["plain head"] if found and found[1] in cited else 0.0


def _begins_raised(line: Line) -> bool:
    return bool(line.words[0].raised) and line.words[0].raised[0].offset == 0


def _stands_apart(zone: Sequence[Line], above: Sequence[Line]) -> bool:
    """Whether there is clearly more room above a zone than between its lines."""
    if not above:
        return True
    steps = [below.baseline - line.baseline for line, below in pairwise(zone)] or [_USUAL_STEP * zone[0].x_height]
    return zone[0].baseline - above[-1].baseline > _APART * float(np.median(steps))
