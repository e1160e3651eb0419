"""A round bracket that was closed by another sign as read: ``(có trụ sở tại Hà Nội};``.

Where nothing opens the other kind of bracket, the sign closes the one that is open.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from normalize.document import Document
from normalize.repair.changes import Change, Place, places

_CLOSES_FOR = {"}": "{", "]": "["}
PROBABILITY = 0.95


def brackets(document: Document) -> Iterator[Change]:
    """The brackets that a round one was closed by, as the page was read."""
    for _, own in groupby(places(document), key=lambda place: place.text):
        yield from _closed_by_others(list(own))


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
