"""Dirt that was read as a sign at a word where print has none: ``_2.`` at the head of an item, ``quý-IV/2021``.

Only of a page: what people type is what they meant.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from normalize.document import Document
from normalize.repair.changes import Change, heads, places

#: Signs that are dirt before the number of an item; a dash is none.
_SPECKED = re.compile(r"([_~'`’‘·•°^]{1,2})(?:\d{1,2}(?:\.\d{1,2})*[.)]|[a-zđ]\))")
_QUARTER = re.compile(r"([Qq]uý|QUÝ)([-–_.~'`·]{1,2})(?:I{1,3}|IV|[1-4])(?:[./]\d{4})?[.,;:)]*")
PROBABILITY = 0.95


def specks(document: Document) -> Iterator[Change]:
    """Signs at the number of an item, and between a quarter and its number."""
    for place in heads(document):
        found = _SPECKED.fullmatch(place.token.text)
        if found is not None and place.token.letters and len(place.tokens) > 1 and not place.token.references:
            yield place.change(0, found.end(1), "", PROBABILITY, "a speck before the number of an item")
    for place in places(document):
        found = _QUARTER.fullmatch(place.token.text)
        if found is not None and place.token.letters and not place.token.references:
            yield place.change(
                found.start(2), found.end(2), " ", PROBABILITY, "a speck between a quarter and its number"
            )
