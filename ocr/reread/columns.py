"""Two columns side by side (letterhead, signature block), read column by column where that reads better.

Tesseract likes to take lines of two columns for one; when their baselines differ a little, both suffer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby

from ocr.page import Box, Line, Zone, lines_of, mean_confidence, words_of

#: A column with a line below this confidence is read again.
_DOUBTFUL = 70.0
#: A letter or digit counts as read from this confidence on: reading again must lose none of them.
_READ = 60.0

AgainWithSigns = Callable[[Box, bool], Sequence[Line]]


def read_columns(zones: Sequence[Zone], width: int, again: AgainWithSigns) -> list[Line] | None:
    """The lines of a page, those of two columns read again where that reads better; ``None`` if nothing was replaced.

    Only columns with a doubtful line, or with a letter taken for a raised sign, are read again, which on most pages is
    none.

    Args:
        zones: of the page.
        width: of the page, in pixels.
        again: reads a part of the page by itself; what was taken for raised signs as print, if so told.
    """
    out = lines_of(zones)
    noted = any(zone.kind == "notes" for zone in zones)
    replaced = False
    for side_by_side, group in groupby(zones, key=lambda zone: zone.kind in ("left", "right")):
        for box in _column_boxes(list(group), width) if side_by_side else ():
            lines = [line for line in out if _stands_in(line, box)]
            found = _read_better(box, lines, noted, again)
            if found is not None:
                out = [line for line in out if line not in lines] + list(found)
                replaced = True
    return out if replaced else None


def _stands_in(line: Line, column: Box) -> bool:
    """Whether the middle of a line stands in a column; one in the middle of the gutter stands in neither."""
    across = column.left < line.box.x < column.right
    return across and column.top < line.box.y < column.bottom


def _read_better(box: Box, lines: Sequence[Line], noted: bool, again: AgainWithSigns) -> Sequence[Line] | None:
    """The lines of a column read again; ``None`` where they were read as well before.

    Args:
        noted: whether the page has footnotes.
    """
    # On a page without notes, what was taken for a reference in a narrow column is a broken letter.
    broken = not noted and any(word.raised for word in words_of(lines))
    if not broken and all(mean_confidence(line.words) >= _DOUBTFUL for line in lines):
        return None
    found = again(box, broken)
    better = broken or mean_confidence(words_of(found)) > mean_confidence(words_of(lines))
    return found if better and _letters(found) >= _letters(lines) else None


def _column_boxes(columns: Sequence[Zone], width: int) -> list[Box]:
    """The left and the right half of the page about a gutter; none where the columns reach into each other."""
    gutter_left = max(zone.box.right for zone in columns if zone.kind == "left")
    gutter_right = min((zone.box.left for zone in columns if zone.kind == "right"), default=0)
    if gutter_left >= gutter_right:
        return []
    gutter = (gutter_left + gutter_right) // 2
    margin = round(0.8 * columns[0].lines[0].x_height)
    top = max(0, min(zone.box.top for zone in columns) - margin)
    bottom = max(zone.box.bottom for zone in columns) + margin
    return [Box(0, top, gutter, bottom), Box(gutter, top, width, bottom)]


def _letters(lines: Sequence[Line]) -> int:
    """How many letters and digits were read with some confidence."""
    return sum(sum(c.isalnum() for c in word.text) for word in words_of(lines) if word.confidence >= _READ)
