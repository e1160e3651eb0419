"""Roman numerals by their siblings: ``II.`` between ``II.`` and ``IV.`` is ``III.``

Strokes of a numeral get lost, and a page of bold type shows them to nobody. But headings of one kind count by one, and
so a numeral that is out of turn between two others that are two apart is the one between them, if it differs from that
in strokes alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from normalize.document import Document
from normalize.repair.changes import Change, Place, heads
from normalize.vietnamese.syllable import skeleton

_NUMERAL = re.compile(r"([IVX]{1,7})[.:,\-–)]?")
_HEADING = re.compile(r"([IVX]{1,7})[.\-–)]")
#: Words that a counted part of a text begins with.
_PARTS = ("chuong", "phan", "muc")
_TENS = ("", "X", "XX", "XXX")
_ONES = ("", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX")
_VALUES = {tens + ones: 10 * i + j for i, tens in enumerate(_TENS) for j, ones in enumerate(_ONES)}
_NUMERALS = {value: numeral for numeral, value in _VALUES.items()}
PROBABILITY = 0.95


def siblings(document: Document) -> Iterator[Change]:
    """Numerals of headings that are out of turn between their siblings."""
    series: dict[str, list[tuple[Place, str]]] = {}
    for kind, place, numeral in _counted(document):
        series.setdefault(kind, []).append((place, numeral))
    for one in series.values():
        for (_, before), (place, read), (_, after) in zip(one, one[1:], one[2:], strict=False):
            right = _between(before, after)
            if right is not None and right != read and _strokes_apart(read, right) == 1:
                because = f"a roman numeral: the ones around it are {before} and {after}"
                yield place.change(0, len(read), right, PROBABILITY, because)


def _counted(document: Document) -> Iterator[tuple[str, Place, str]]:
    """The numerals at the heads of blocks: the word before them, where they stand, and they themselves."""
    for place in heads(document):
        first = skeleton(place.token.text)
        second = Place(place.text, place.where, place.tokens, 1)
        if first in _PARTS and len(place.tokens) > 1:
            found, where = _NUMERAL.fullmatch(second.token.text), second
        else:
            first, where = "", place
            found = _HEADING.fullmatch(place.token.text) if len(place.tokens) > 1 else None
        if found is not None and not where.token.references:
            yield first, where, found[1]


def _between(before: str, after: str) -> str | None:
    """The numeral between two that are two apart; ``None`` for others."""
    one, two = _VALUES.get(before), _VALUES.get(after)
    return _NUMERALS[one + 1] if one and two == one + 2 else None


def _strokes_apart(read: str, right: str) -> int | None:
    """By how many strokes two numerals differ; ``None`` where they differ in more.

    >>> _strokes_apart("XII", "XIII"), _strokes_apart("II", "IV"), _strokes_apart("V", "VI")
    (1, None, 1)
    """
    same = read.replace("I", "") == right.replace("I", "") and read.rstrip("I") == right.rstrip("I")
    return abs(len(read) - len(right)) if same else None
