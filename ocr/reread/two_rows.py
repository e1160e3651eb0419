"""Words in which Tesseract read two lines as one: read again by themselves.

On a page that is curled, a line may sink to the height of the next one at its end. Where that is short, its words and
those above them come out as one word, twice as high as its neighbours and read as neither.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import groupby

from ocr.page import Box, Line, Word, Zone, evidence, hull, lines_of, mean_confidence, of_words, words_of
from ocr.reread.table_cells import Again

#: In x-heights: with the marks of a capital and a tail a word is 2.7 high, two lines of them 4 and more.
_TALL = 3.6
#: In x-heights: lines are further apart than this.
_PITCH = 1.5
#: Such words are read with less confidence; what is read of each row must have more.
_DOUBTFUL, _SURE = 70.0, 75.0


def read_two_rows(zones: Sequence[Zone], again: Again) -> list[Line] | None:
    """The lines of a page, with words that stand in two rows parted; ``None`` where there are none.

    Args:
        again: reads a part of the page by itself, as one block.
    """
    before = lines_of(zones)
    out = before
    for zone in zones:
        for line in zone.lines if zone.kind in ("text", "notes", "left", "right") else ():
            for words in _tall(line):
                out = _parted(out, words, again)
    return None if out is before else out


def _tall(line: Line) -> list[list[Word]]:
    """Runs of words of a line that are as high as two lines, and were hardly read."""
    runs = groupby(
        line.words,
        lambda word: word.box.height > _TALL * line.x_height and word.confidence < _DOUBTFUL and not word.raised,
    )
    return [list(words) for tall, words in runs if tall]


def _parted(lines: list[Line], words: Sequence[Word], again: Again) -> list[Line]:
    """The lines of a page with some words of one of them as two rows, where they read better so."""
    line = next(one for one in lines if words[0] in one.words)
    others = [word for word in line.words if word not in words]
    place = hull([word.box for word in words])
    inside = _inside(place, [one for one in lines if one is not line])
    rows = again(place)
    are_better = _are_two(rows, line.x_height) and evidence(words_of(rows)) > evidence([*words, *words_of(inside)])
    if not others or not are_better:
        return lines
    own, loose = sorted(rows, key=partial(_from_level, others))
    whole = of_words(line, sorted([*others, *own.words], key=_left))
    kept = [one for one in lines if one not in inside]
    return [*(whole if one is line else one for one in kept), loose]


def _left(word: Word) -> int:
    return word.box.left


def _inside(place: Box, lines: Sequence[Line]) -> list[Line]:
    """The lines all of whose words stand in a place: what else was read of its print."""
    return [line for line in lines if all(place.holds(word.box) for word in line.words)]


def _from_level(words: Sequence[Word], row: Line) -> float:
    """How far a row stands above or below some words."""
    return abs(row.box.y - hull([word.box for word in words]).y)


def _are_two(rows: Sequence[Line], x_height: float) -> bool:
    """Whether what was read is two lines of print, one below the other, both surely read."""
    if len(rows) != 2 or abs(rows[1].baseline - rows[0].baseline) < _PITCH * x_height:
        return False
    return min(mean_confidence(row.words) for row in rows) >= _SURE
