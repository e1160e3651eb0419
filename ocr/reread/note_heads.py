"""Lines of notes read again without the raised number that touched their first letter or digit.

``¹02 vụ`` was read as ``102 vụ`` and ``⁵Dịch`` as ``SDịch``: the number is cut off in the picture, and the line is read
without it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from ocr.layout.zones import body_x_height
from ocr.page import Box, Line, Zone, evidence, lines_of
from ocr.superscripts.note_heads import NoteHead

#: Where no zone of notes was found, lines whose type is smaller than this share of the body's may be notes.
_SMALL_TYPE = 0.9

# In x-heights of the line: what of the page is read again, above and below the baseline and at both ends.
_ABOVE, _BELOW, _BESIDE = 2.0, 0.7, 0.5
#: The line that was read again stands so near to the baseline of the first.
_SAME_LINE = 0.5
#: What is read again shows at least so much of what was read at first.
_ENOUGH = 0.8


def read_note_heads(
    zones: Sequence[Zone],
    find: Callable[[Line], NoteHead | None],
    again: Callable[[Box, NoteHead], Sequence[Line]],
) -> list[Line] | None:
    """The lines of a page, those with a number newly found at their head read again; ``None`` when there are none.

    Args:
        zones: of the page.
        find: the raised number at the head of a line.
        again: reads a part of the page by itself, with that number as a raised sign.
    """
    lines = lines_of(zones)
    if not lines:
        return None
    small = _SMALL_TYPE * body_x_height(lines)
    found: dict[Line, Line] = {}
    for zone in zones:
        for line in zone.lines:
            if zone.kind != "notes" and not (zone.kind == "text" and line.x_height < small):
                continue
            size = line.x_height
            if zone.kind == "notes":  # a line of capitals and digits is measured too large
                size = min(size, float(np.median([one.x_height for one in zone.lines])))
            head = find(replace(line, x_height=size))
            if head and not _raised_head(line).startswith(head.sign.text) and (read := _read(line, head, again)):
                found[line] = replace(read, x_height=size)
    return [found.get(line, line) for line in lines] if found else None


def _raised_head(line: Line) -> str:
    """The number that was found at the head of a line already."""
    first = line.words[0]
    return first.raised[0].text if first.raised and first.raised[0].offset == 0 else ""


def _read(line: Line, head: NoteHead, again: Callable[[Box, NoteHead], Sequence[Line]]) -> Line | None:
    """The line read without its number; ``None`` where that shows less of it than before."""
    size = line.x_height
    box = Box(
        max(0, round(min(line.box.left, head.sign.box.left) - _BESIDE * size)),
        max(0, round(line.baseline - _ABOVE * size)),
        round(line.box.right + _BESIDE * size),
        round(line.baseline + _BELOW * size),
    )
    near = [one for one in again(box, head) if abs(one.baseline - line.baseline) < _SAME_LINE * size]
    best = max(near, key=lambda one: evidence(one.words), default=None)
    if best is None or evidence(best.words) < _ENOUGH * evidence(line.words):
        return None
    if _raised_head(best) != head.sign.text:
        return None
    return replace(best, baseline=line.baseline)
