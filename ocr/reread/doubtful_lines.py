"""Lines that look like print and were read with no confidence, read again by themselves before they are dropped.

A number by hand in the middle of "Số: ... /KH-SYT", a stamp's frame through a line or a speck before it cost the whole
line its confidence; alone, or word by word, the rest of it reads well.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ocr.image.seals import NO_PRINT, Seal
from ocr.page import Box, Line, Word, Zone, evidence, is_read_elsewhere, lines_of, mean_confidence, of_words
from ocr.reread.table_cells import Again

#: Height of a line of print, in x-heights of the page.
_HEIGHT = (0.9, 3.2)
#: A line of fewer letters and digits may be a speck or a pen's stroke.
_FEWEST = 4
#: Below this confidence a line read again is read word by word as well.
_SURE = 70.0
#: What a line read again must show at least, and how much more than before: its letters, each by its confidence above
#: a guess. On the lines of real scans that were thrown away, print had 130 and more, traces of seals 60 at most.
_EVIDENCE, _BETTER = 100.0, 1.2
#: A frame of so many columns at most, so wide and so high, in pages, may be a stamp's.
_FRAME_COLUMNS, _FRAME_WIDTH, _FRAME_HEIGHT = 3, 0.45, 0.14
#: Paper about a word, in x-heights.
_RIM = 0.25


def read_doubtful(
    zones: Sequence[Zone], seals: Sequence[Seal], again: Again, framed: Again, width: int, height: int
) -> list[Line] | None:
    """The lines of a page, with those of its noise and of its small frames that read better by themselves.

    Args:
        zones: of the page.
        seals: what stands in one is no print.
        again: reads a part of the page by itself, as one block.
        framed: the same, with the borders of tables.
        width, height: of the page, in pixels.

    Returns:
        ``None`` where no line reads better.
    """
    sizes = [line.x_height for zone in zones if zone.kind != "noise" for line in zone.lines]
    if not sizes:
        return None
    out = lines_of(zones)
    size = float(np.median(sizes))

    def reread(line: Line, zone: Zone) -> Line:
        if zone.kind == "noise" and _looks_like_print(line, size, seals) and not is_read_elsewhere(line, out):
            return _better_of(line, _read_again(line, size, again))
        if _is_small_frame(zone, width, height) and mean_confidence(line.words) < _SURE:
            return _better_of(line, _one_line(framed(line.box), line))
        return line

    taken = [reread(line, zone) for zone in zones for line in zone.lines]
    return taken if any(one is not line for one, line in zip(taken, out, strict=True)) else None


def _better_of(line: Line, again: Line) -> Line:
    """A line as it was read again where that shows so much more, or else as it was."""
    return again if evidence(again.words) > max(_EVIDENCE, _BETTER * evidence(line.words)) else line


def _is_small_frame(zone: Zone, width: int, height: int) -> bool:
    """Whether a table is as small as the frame of a stamp, and has as few columns."""
    # Of part of a page the height says nothing.
    small = zone.box.width < _FRAME_WIDTH * width and zone.box.height < _FRAME_HEIGHT * max(height, width)
    return zone.kind == "table" and len(zone.columns) <= _FRAME_COLUMNS + 1 and small


def _looks_like_print(line: Line, size: float, seals: Sequence[Seal]) -> bool:
    """Whether a line has the height of the page's print, a few letters, and stands in no seal."""
    if not _HEIGHT[0] * size < line.box.height < _HEIGHT[1] * size:
        return False
    if sum(c.isalnum() for c in line.text) < _FEWEST:
        return False
    return not any(seal.covers(line.box.x, line.box.y, NO_PRINT) for seal in seals)


def _read_again(line: Line, size: float, again: Again) -> Line:
    """The better of a line read by itself and the same read word by word."""
    whole = _one_line(again(line.box), line)
    if len(line.words) == 1 or mean_confidence(whole.words) >= _SURE:
        return whole
    rim = round(_RIM * size)
    words: list[Word] = []
    for word in line.words:
        box = Box(max(0, word.box.left - rim), line.box.top, word.box.right + rim, line.box.bottom)
        words += _one_line(again(box), of_words(line, [word])).words
    by_words = of_words(line, sorted(words, key=lambda word: word.box.left))
    return by_words if evidence(by_words.words) > evidence(whole.words) else whole


def _one_line(found: Sequence[Line], before: Line) -> Line:
    """Of the lines read at a place the one that shows most; the one read there before where there is none."""
    best = max(found, key=lambda line: evidence(line.words), default=before)
    return best if best.words else before
