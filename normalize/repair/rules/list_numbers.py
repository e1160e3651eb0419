"""The signs of list items that were read in part, put right by the numbers around them.

``.`` between ``3.`` and ``5.`` is ``4.``: where as many items are without their number as numbers are missing, each
gets its own. What may be a sign of its own (a dash) changes only among others that cannot be one. ``-_`` is a dash.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise

from normalize.document import Document
from normalize.repair.changes import Change, Place, heads
from normalize.vietnamese.decree30 import begins_part
from normalize.vietnamese.syllable import skeleton

_ROMAN = re.compile(r"[IVXLH]{1,5}[.-]?")
_SIGN = re.compile(r"\(?(?:\d{1,2}|[a-zđ])[.)]")
_NUMBER = re.compile(r"(\d{1,2})\.")
#: What is left of a number and its point, and signs that may stand for it or for themselves.
_REST = frozenset((".", "..", "...", "…", "._", ".,", "'."))
_DASHES = ("-", "–", "—")
_MAY_BE_REST = frozenset((*_DASHES, ",", "'", "*"))
SURE, LIKELY = 0.97, 0.93
#: Blocks between two items of one list, at most.
_FARTHEST = 40


def list_numbers(document: Document) -> Iterator[Change]:
    """Items whose number was lost, and dashes that were read with a line under or behind them."""
    found = [
        place
        for place in heads(document)
        if len(place.tokens) > 1 and not place.token.references and not _is_ground(place)
    ]
    for place in found:
        yield from _dash(place)
    for parted, group in groupby(found, key=_begins_part):
        if not parted:
            yield from _in_list(
                [place for place in group if _number(place) or place.token.text in _REST | _MAY_BE_REST]
            )


def _is_ground(place: Place) -> bool:
    """Whether a block is one of the grounds before the text proper, "Căn cứ ...": a speck before it is no number."""
    return skeleton(" ".join(token.text for token in place.tokens[1:3])) in ("can cu", "xet de", "theo de")


def _in_list(signs: Sequence[Place]) -> Iterator[Change]:
    """The numbers that are missing among the items of one part of the text."""
    known = [index for index, place in enumerate(signs) if _number(place)]
    for first, last in zip([-1, *known], [*known, len(signs)], strict=True):
        before = _number(signs[first]) if first >= 0 else 0
        after = _number(signs[last]) if last < len(signs) else 0
        items = signs[max(first, 0) : last + 1]
        if _are_near(items):
            yield from _numbered(signs[first + 1 : last], before, after)


def _are_near(items: Sequence[Place]) -> bool:
    """Whether items are of one list: in a long text without numbers two that count on by chance are none."""
    return all(two.text - one.text <= _FARTHEST for one, two in pairwise(items))


def _begins_part(place: Place) -> bool:
    """Whether a block begins a part of the text, in which items may count anew."""
    return begins_part(f"{place.token.text} {place.after}") or bool(_ROMAN.fullmatch(place.token.text))


def _number(place: Place) -> int:
    """The number at the head of an item; 0 for any other block."""
    found = _NUMBER.fullmatch(place.token.text)
    return int(found[1]) if found else 0


def _numbered(lost: Sequence[Place], before: int, after: int) -> Iterator[Change]:
    """The items between two numbers with the numbers that are missing there.

    Args:
        before, after: the numbers around them; 0 where the document begins or ends.
    """
    rests = [place for place in lost if place.token.text in _REST]
    if not rests:
        return
    missing = after - before - 1
    if len(lost) == missing:  # a dash among them stands where a number is missing
        numbered = lost
    elif len(rests) == missing or (not after and before and len(rests) == 1 and lost[0] is rests[0]):
        numbered = rests
    else:
        return
    around = f"the item before it is {before or 'none'}, the one after {after or 'none'}"
    for number, place in enumerate(numbered, before + 1):
        yield place.change(0, len(place.token.text), f"{number}.", LIKELY, f"items count in numbers: {around}")


def _dash(place: Place) -> Iterator[Change]:
    """``-_``, ``- _`` and ``5. _`` at the head of an item."""
    text = place.token.text
    if text[:1] not in _DASHES and not _SIGN.fullmatch(text):
        return
    because = "no sign of an item is followed by a line"
    if text[0] in _DASHES and len(text) > 1 and not text[1:].strip("_"):
        yield place.change(1, len(text), "", SURE, because)
    elif (len(text) == 1 or text[0] not in _DASHES) and len(place.tokens) > 2 and place.after == "_":
        yield place.change_through(Place(place.text, place.where, place.tokens, 1), text, SURE, because)
