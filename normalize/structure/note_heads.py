"""Which lines head notes, told by the references and by what was read at their heads together.

A reference asks for a note of its number on its own page, or on the next one; the notes follow each other as their
references do. Where a number at the head of a note was misread, or nothing of it was read, its place among the others
still tells it. The cheapest way to go through lines and references side by side is found by dynamic programming.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

_INFINITE = float("inf")

# Costs, in nats by feel, as those of normalize.structure.footnotes.
_NO_NOTE = 2.5  # a reference without a note
_NO_REFERENCE = 0.5  # a note without a reference
_GAP = 1.5  # ... for each number that is missing between it and those with references
_MISREAD = 3.0  # a number read unlike that is no proof of a note without a reference
_NEXT_PAGE = 0.7
_ANOTHER_PAGE = 3.0
#: So many numbers may be missing between two references, before the first and after the last.
_MOST_MISSING = 3
#: Lines times notes; more is more than a document has.
_MOST_WORK = 3_000_000


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the notes that may head one.

    Attributes:
        page: 1 for the first.
        cost: of taking what was read at its head for a number; infinite where that is out of the question.
        drop: cost of taking what was read at its head for something else; 0 where nothing was.
    """

    page: int
    cost: Callable[[int], float]
    drop: float


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A note that is asked for, or may be there.

    Attributes:
        first_page, last_page: on which its reference stands; between those of its neighbours where it was not found.
        cited: whether its reference was found.
        gap: how many numbers stand between it and the nearest one that is cited.
    """

    number: int
    first_page: int
    last_page: int
    cited: bool = True
    gap: int = 0


def align(lines: Sequence[Line], references: Sequence[tuple[int, int]]) -> dict[int, int]:
    """The number of each line that heads a note, by the line's index.

    Args:
        lines: of the notes, in reading order.
        references: page and number of each, in reading order.
    """
    wanted = _wanted(references)
    if len(lines) * len(wanted) > _MOST_WORK:
        return {}
    one_series = all(one.number < other.number for one, other in pairwise(wanted))
    skips = [_NO_NOTE if note.cited else 0.0 for note in wanted]
    costs = [0.0, *[_INFINITE] * len(wanted)]  # of the cheapest way on which so many of the notes are passed
    ways: list[tuple[list[int], list[bool]]] = []
    for line in lines:
        costs, origins = _with_skips(costs, skips)
        passed = [cost + line.drop for cost in costs]
        heads = [False] * len(passed)
        for at, note in enumerate(wanted):
            cost = costs[at] + _cost(line, note, one_series)
            if cost < passed[at + 1]:
                passed[at + 1], heads[at + 1] = cost, True
        ways.append((origins, heads))
        costs = passed
    _, origins = _with_skips(costs, skips)
    at, found = origins[-1], {}
    for index in range(len(lines) - 1, -1, -1):
        origins, heads = ways[index]
        if heads[at]:
            at -= 1
            found[index] = wanted[at].number
        at = origins[at]
    return dict(sorted(found.items()))


def _with_skips(costs: Sequence[float], skips: Sequence[float]) -> tuple[list[float], list[int]]:
    """The costs where notes may be passed without a line, and how many were passed before each such way began."""
    out, origins = [costs[0]], [0]
    for at, skip in enumerate(skips, 1):
        skipped = out[-1] + skip < costs[at]
        out.append(out[-1] + skip if skipped else costs[at])
        origins.append(origins[-1] if skipped else at)
    return out, origins


def _cost(line: Line, note: _Wanted, one_series: bool) -> float:
    """Of taking a line for the head of a note."""
    if note.first_page <= line.page <= note.last_page:
        far = 0.0
    elif line.page == note.last_page + 1:
        far = _NEXT_PAGE
    elif one_series:
        far = _ANOTHER_PAGE
    else:
        return _INFINITE
    read = line.cost(note.number)
    if not note.cited:
        return far + _NO_REFERENCE + _GAP * note.gap + (read if read < _MISREAD else _INFINITE)
    return far + read


def _wanted(references: Sequence[tuple[int, int]]) -> list[_Wanted]:
    """The notes that are cited, and those whose numbers are missing among them."""
    out: list[_Wanted] = []
    for at, (page, number) in enumerate(references):
        last, before = references[at - 1] if at else (page, 0)
        if number > before:  # the series goes on
            missing = range(max(before + 1, number - _MOST_MISSING), number)
        else:
            out += _after(before, last, page)
            missing = range(max(1, number - _MOST_MISSING), number)
        gaps = {one: min(number - one, one - before if number > before else number) - 1 for one in missing}
        out += [_Wanted(one, last, page, cited=False, gap=gap) for one, gap in gaps.items()]
        out.append(_Wanted(number, page, page))
    return out + (_after(references[-1][1], references[-1][0], references[-1][0]) if references else [])


def _after(number: int, first_page: int, last_page: int) -> list[_Wanted]:
    """Notes that may follow the last one of a series."""
    return [_Wanted(number + 1 + gap, first_page, last_page, cited=False, gap=gap) for gap in range(_MOST_MISSING)]
