"""The lines about a seal, read again without Tesseract's own layout analysis.

What is left of a seal and the signature across it still look like a picture, and a name beside them is taken for a part
of it.
"""

from __future__ import annotations

from collections.abc import Sequence

from ocr.image.seals import Seal
from ocr.page import Box, Line, Zone, lines_of, words_of
from ocr.reread.table_cells import Again

#: What a line read anew must show at least: a word of four letters read with confidence.
_ONE_WORD = 150.0
#: By how much a line read anew must show more than before.
_BETTER = 1.1


def read_about_seals(zones: Sequence[Zone], seals: Sequence[Seal], again: Again) -> list[Line] | None:
    """The lines of a page; about a seal, line by line, the reading that shows more. ``None`` if nothing was replaced.

    Args:
        zones: of the page.
        seals: on the page.
        again: reads a part of the page by itself, as one block.
    """
    out = lines_of(zones)
    replaced = False
    for seal in seals:
        top, bottom = max(0, round(seal.y - 1.5 * seal.radius)), round(seal.y + 2 * seal.radius)
        beside = [line.box.right for line in out if top < line.box.y < bottom and line.box.right < seal.x]
        left = max(0, round(seal.x - 2.5 * seal.radius), *(edge + seal.radius // 16 for edge in beside))
        right = round(seal.x + 3.5 * seal.radius)
        for line in again(Box(left, top, right, bottom)):
            same = [one for one in out if _is_same_line(one, line)]
            if _evidence([line]) > max(_BETTER * _evidence(same), _ONE_WORD):
                out = [one for one in out if one not in same] + [line]
                replaced = True
    return out if replaced else None


def _is_same_line(line: Line, other: Line) -> bool:
    """Whether two lines share ground, over more than half of the height of the smaller one."""
    least = 0.5 * min(line.box.height, other.box.height)
    return line.box.across(other.box) > 0 and line.box.down(other.box) > least


def _evidence(lines: Sequence[Line]) -> float:
    """How much was read: its letters, each by its confidence above a guess. Digits are strokes and rings as often."""
    return sum(max(0.0, word.confidence - 50) * sum(c.isalpha() for c in word.text) for word in words_of(lines))
