"""Commas of an enumeration whose tail was lost, ``các phường. xã``, in a list of recipients.

A full stop before a small letter is a comma or dirt. In running text it is dirt as often; the list of recipients is an
enumeration, and on 45 of them each of the two that stood before a small letter was a comma in print.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from normalize.document import Document
from normalize.repair.changes import Change, places
from normalize.vietnamese.syllable import parse

_WORD = re.compile(r"(?:.*\W)?([^\W\d_]{2,})\.")
PROBABILITY = 0.9


def list_commas(document: Document) -> Iterator[Change]:
    """The commas behind small syllables that go on in small letters, as the page was read."""
    listed = {f"blocks/{at}" for at, block in enumerate(document.blocks) if block.type == "recipients"}
    for place in places(document):
        text = place.token.text
        word = _WORD.fullmatch(text) if place.where in listed and place.token.letters else None
        if word is None or not word[1].islower() or parse(word[1]) is None or place.token.references:
            continue
        if place.after[:1].islower() and parse(place.after.strip(".,;:()").lower()) is not None:
            because = "an item of a list goes on in small letters after a comma, not after a full stop"
            yield place.change(len(text) - 1, len(text), ",", PROBABILITY, because)
