"""The centimetres of a size, read as pupils: ``30 em x 30 em``.

A c that ran together with the m behind it has the shape of an e, and ``30 em`` are thirty children. Multiplied by
another number, they are not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from normalize.document import Document
from normalize.repair.changes import Change, Place, places

_NUMBER = re.compile(r"\(?\d+([.,]\d+)?")
_READ = re.compile(r"(em)[.,;:)]*")
_TIMES = frozenset("x×")
PROBABILITY = 0.97


def dimensions(document: Document) -> Iterator[Change]:
    """Each ``em`` behind a number that is multiplied by another one, as the page was read."""
    for place in places(document):
        read = _READ.fullmatch(place.token.text)
        if read and place.token.letters and _NUMBER.fullmatch(place.before) and _is_multiplied(place):
            because = "a number with its unit is multiplied by another: a length, not pupils"
            yield place.change(*read.span(1), "cm", PROBABILITY, because)


def _is_multiplied(place: Place) -> bool:
    """Whether a times sign and a number follow the unit, or a times sign stands before its number and a unit there."""
    words = [token.text for token in place.tokens]
    behind = words[place.index + 1 : place.index + 3]
    if len(behind) == 2 and behind[0] in _TIMES and _NUMBER.match(behind[1]):
        return True
    ahead = words[max(0, place.index - 4) : place.index - 1]  # 30 cm x
    return len(ahead) == 3 and ahead[2] in _TIMES and ahead[1] in ("em", "cm") and bool(_NUMBER.fullmatch(ahead[0]))
