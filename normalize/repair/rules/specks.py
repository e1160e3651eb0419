"""Dirt that was read as a sign at a word where print has none: ``_2.`` at the head of an item, ``quý-IV/2021``,
``. TỈNH BÌNH LÂM`` in a letterhead, ``__ Thực hiện`` at the head of a paragraph.

Only of a page: what people type is what they meant.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from normalize.document import Document
from normalize.repair.changes import Change, Place, heads, places

#: Signs that are dirt before the number of an item; a dash is none.
_SPECKED = re.compile(r"([_~'`’‘·•°^]{1,2})(?:\d{1,2}(?:\.\d{1,2})*[.)]|[a-zđ]\))")
_ITEM = re.compile(r"\d{1,2}[.)]")
_QUARTER = re.compile(r"([Qq]uý|QUÝ)([-–_.~'`·]{1,2})(?:I{1,3}|IV|[1-4])(?:[./]\d{4})?[.,;:)]*")
#: At the head of a line of the letterhead; a dash may stand there, between two bodies that issue together.
_AT_HEAD = re.compile(r"([_~'`’‘·•°^.,]{1,2})((?:[^\W\d_]{2,}.*)?)")
#: At the head of a paragraph, where no such sign begins one; a point may be what is left of a number, a wave of a dash.
_AT_HEAD_OF_TEXT = re.compile(r"([_ˆ`´„‚,;:¬|]{1,3})((?:[^\W\d_]{2,}.*)?)")
#: Alone behind the end of a sentence that ends its paragraph; a leader of dots may stand there, or an end of its own.
_BEHIND = re.compile(r"[„‚,'`´’‘·^~_+°;:]{1,3}")
_SENTENCE_END = re.compile(r".*(?:[.;]|\./\.)")
#: Words of a paragraph at least.
_SENTENCE = 4
PROBABILITY = 0.95


def specks(document: Document) -> Iterator[Change]:
    """Signs at the number of an item, between a quarter and its number, at the head of a line, at a paragraph's end."""
    for place in heads(document):
        if place.where.startswith("blocks/"):
            if document.blocks[place.text].type == "letterhead":
                yield from _at_head(place, _AT_HEAD, "a speck before a line of the letterhead")
            elif not _closes_quotation(place):
                yield from _at_head(place, _AT_HEAD_OF_TEXT, "a speck before a paragraph")
        yield from _before_number(place)
    for place in places(document):
        yield from _behind_quarter(place)
    yield from _behind_paragraphs(document)


def _before_number(place: Place) -> Iterator[Change]:
    found = _SPECKED.fullmatch(place.token.text)
    if found is not None and place.token.letters and len(place.tokens) > 1 and not place.token.references:
        yield place.change(0, found.end(1), "", PROBABILITY, "a speck before the number of an item")


def _behind_quarter(place: Place) -> Iterator[Change]:
    found = _QUARTER.fullmatch(place.token.text)
    if found is not None and place.token.letters and not place.token.references:
        because = "a speck between a quarter and its number"
        yield place.change(found.start(2), found.end(2), " ", PROBABILITY, because)


def _at_head(place: Place, signs: re.Pattern[str], because: str) -> Iterator[Change]:
    """Signs alone before a line that begins with a capital or a number, or at its first word."""
    found = signs.fullmatch(place.token.text)
    if found is None or not place.token.letters or len(place.tokens) < 2 or place.token.references:
        return
    if found[2]:
        yield place.change(0, found.end(1), "", PROBABILITY, because)
    elif place.tokens[1].text[:1].isupper() or _ITEM.fullmatch(place.tokens[1].text):
        following = replace(place, index=place.index + 1)
        yield place.change_through(following, following.token.text, PROBABILITY, because)


def _closes_quotation(place: Place) -> bool:
    """Whether a quotation is closed in a text that opens none: the sign at its head may be what opens it."""
    text = "".join(token.text for token in place.tokens)
    return "”" in text and "“" not in text


def _behind_paragraphs(document: Document) -> Iterator[Change]:
    for number, block in enumerate(document.blocks):
        if block.type not in ("paragraph", "list_item") or len(block.tokens) < _SENTENCE:
            continue
        last = Place(number, f"blocks/{number}", block.tokens, len(block.tokens) - 1)
        dirty = last.token.letters and not last.token.references and _BEHIND.fullmatch(last.token.text)
        if dirty and _SENTENCE_END.fullmatch(last.before):
            before = replace(last, index=last.index - 1)
            yield before.change_through(last, before.token.text, PROBABILITY, "a speck behind the end of a paragraph")
