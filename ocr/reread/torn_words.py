"""Words that were torn: two badly read words with no space between them are read again as one.

``THƯ!`` and ``ỪNG`` touch each other on the page, so no space is printed there, and what was read is wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from ocr.page import Line, Word, evidence, hull, mean_confidence, of_words
from ocr.reread.table_cells import Again

#: In x-heights: what stands nearer together has no space between it.
_TOUCH = 0.15
#: Both halves are doubtful together below the first; the word read anew must be surer than the second.
_DOUBTFUL, _SURE = 70.0, 85.0


def read_torn(lines: Sequence[Line], again: Again) -> list[Line] | None:
    """The lines of a page, with torn words read again where that gives one sure word; ``None`` where none does."""
    out = [_mended(line, again) for line in lines]
    return out if any(new is not old for new, old in zip(out, lines, strict=True)) else None


def _mended(line: Line, again: Again) -> Line:
    for before, after in pairwise(line.words):
        whole = _whole(before, after, again) if _is_torn(before, after, line.x_height) else None
        if whole is not None:
            words = [whole if word is before else word for word in line.words if word is not after]
            return _mended(of_words(line, words), again)
    return line


def _is_torn(before: Word, after: Word, x_height: float) -> bool:
    touch = abs(after.box.left - before.box.right) < _TOUCH * x_height
    letters = all(any(c.isalpha() for c in word.text) for word in (before, after))
    return touch and letters and not before.raised and mean_confidence([before, after]) < _DOUBTFUL


def _whole(before: Word, after: Word, again: Again) -> Word | None:
    """The two as one word, if that is what reads better."""
    found = [word for one in again(hull([before.box, after.box])) for word in one.words]
    if len(found) != 1 or found[0].confidence < _SURE or evidence(found) <= evidence([before, after]):
        return None
    return found[0]
