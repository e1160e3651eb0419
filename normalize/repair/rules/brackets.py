"""Round brackets that were closed by another sign as read, and those that an ``@`` was read with.

``(có trụ sở tại Hà Nội};``: where nothing opens the other kind of bracket, the sign closes the one that is open.
``vanthu(@halam.gov.vn``: the round end of an ``@`` is no bracket.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby

from normalize.document import Document
from normalize.repair.changes import Change, Place, places

_CLOSES_FOR = {"}": "{", "]": "["}
#: Letters, then the sign with a bracket at either side or both, then what an address ends in.
_ADDRESS = re.compile(r"[\w.-]{2,}(\(?@\)?)[\w-]+(?:\.[\w-]+)+")
PROBABILITY = 0.95


def brackets(document: Document) -> Iterator[Change]:
    """The brackets that a round one was closed by, as the page was read."""
    for _, own in groupby(places(document), key=lambda place: place.text):
        text = list(own)
        yield from _closed_by_others(text)
        for place in text:
            if place.token.letters:
                yield from _at_an_address(place)


def _at_an_address(place: Place) -> Iterator[Change]:
    """The brackets at the ``@`` of an address."""
    for found in _ADDRESS.finditer(place.token.text):
        if found[1] != "@":
            yield place.change(*found.span(1), "@", PROBABILITY, "an address has no bracket at its @")


def _closed_by_others(text: list[Place]) -> Iterator[Change]:
    whole = "".join(place.token.text for place in text)
    still_open = 0
    for place in text:
        for at, sign in enumerate(place.token.text):
            if sign == "(":
                still_open += 1
            elif sign == ")":
                still_open = max(0, still_open - 1)
            elif sign in _CLOSES_FOR and _CLOSES_FOR[sign] not in whole and still_open and place.token.letters:
                still_open -= 1
                yield place.change(at, at + 1, ")", PROBABILITY, "it closes a round bracket")
