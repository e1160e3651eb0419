"""Numbers that two readers read unlike: where one reading has the form of a number and the other has none.

The page's own evidence only: what is put there was read there, by the second of two readers. Where both readings have a
form nothing is changed; the doubt stays on record (:attr:`~normalize.document.Token.doubted`).
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator

from normalize.document import Document
from normalize.repair.changes import Change, places
from normalize.vietnamese.decree30 import begins_number

#: All 33 such changes on 1,759 printed numbers of bad scans that the rule was made on were right, and both on 1,803
#: others.
_SURE = 0.97
_CORE = re.compile(r"^\W*?(\d.*?[\w%])[^\w%]*$")
_DATE = re.compile(r"(\d{1,2})[/-](\d{1,2})[/-](\d{4})")
_SIGNS = ".,"
#: What a percent sign is read as at the end of decimals: 41,209o, 33.2809, 98,2395, 1.4390.
_PERCENT = re.compile(r"[.,]\d{1,2}(?:\d?9|°|[5-9][05o]|[^\d\s.,;:)]+)[^\w]*$|%")
_DECIMALS = re.compile(r"^(\d{1,3}(?:\.\d{3})*)[.,](\d{1,2}%?)$")
_LIKE_DIGITS = frozenset("lIiOoQDSsBGTZzÐöð")
#: The second reading may be so many characters longer or shorter.
_LONGER = 2
_FORMS = re.compile(r"\d{1,3}(?:\.\d{3})*(?:[.,]\d{1,2})?%?|\d{1,4}(?:,\d{1,2})?%?|\d{1,2}/\d{1,4}")


def second_readings(document: Document) -> Iterator[Change]:
    """Numbers without a form whose second reading has one: ``17/572020`` -> ``17/5/2020``."""
    by_hand = _lines_that_a_pen_fills_in(document)
    again = [
        place
        for place in places(document)
        if place.token.second is not None and not place.token.references and place.text not in by_hand
    ]
    decimal = _decimal_sign(document) if again else ""
    for place in again:
        token = place.token
        after = better(token.text, token.second or "", decimal)
        if after is not None:
            core = _CORE.match(token.text)
            start, end = core.span(1) if core else (0, len(token.text))
            because = (
                f"a second reader read {token.second}, which has the form of a number; {token.text[start:end]} has none"
            )
            yield place.change(start, end, after, _SURE, because)


def _lines_that_a_pen_fills_in(document: Document) -> set[int]:
    """The lines of letterheads with the document's number: what is read there may be anything, by either reader."""
    blocks = enumerate(document.blocks)
    return {at for at, block in blocks if block.type == "letterhead" and begins_number(block.text)}


def _decimal_sign(document: Document) -> str:
    """The comma, unless most decimals of the document were read with a point."""
    words = [token.text.strip("().;:") for _, tokens in document.texts() for token in tokens]
    points = sum(re.fullmatch(r"\d+\.\d{1,2}%?", word) is not None for word in words)
    commas = sum(re.fullmatch(r"\d+,\d{1,2}%?", word) is not None for word in words)
    return "." if points > commas else ","


def better(first: str, second: str, decimal: str = ",") -> str | None:
    """The second reading of a number with the first one's signs, if it alone has a number's form.

    Args:
        decimal: the sign before decimals in this document.

    >>> better("17/572020", "17/5/2020"), better("4116.620", "416.620")
    ('17/5/2020', '416.620')
    >>> better("41,209o", "41.20%"), better("286.579", "280.579"), better("2013", "2014")
    ('41,20%', None, None)
    """
    one, other = _CORE.match(first), _CORE.match(second)
    read = one[1] if one else first
    if other is None or has_form(read) or not _may_be_digits(first) or _lost_some(first, read, second, other[1]):
        return None
    # Which sign stands at a place is the first reader's word: the second was brought up on English.
    pairs = zip(other[1], read.ljust(len(other[1])), strict=False)
    after = "".join(b if a in _SIGNS and b in _SIGNS else a for a, b in pairs)
    after = _DECIMALS.sub(rf"\g<1>{decimal}\g<2>", after)
    return after if has_form(after) and abs(len(after) - len(read)) <= _LONGER else None


def _may_be_digits(text: str) -> bool:
    """Whether the letters of a word are such as digits are read as; another word may be glued to a number."""
    letters = [c for c in text if c.isalpha()]
    return 2 * len(letters) <= len(text) and all(c in _LIKE_DIGITS for c in letters)


def _lost_some(first: str, read: str, second: str, seen: str) -> bool:
    """Whether the second reader passed over something: a percent sign, a sign in the number, a figure before it."""
    percent = _PERCENT.search(first) is not None and not seen.endswith("%")
    signs = sum(c in "./-," for c in read) > sum(c in "./-," for c in seen)
    return percent or signs or second[: second.index(seen)] not in first


def has_form(text: str) -> bool:
    """Whether a text is a number, a percentage, a date or a month as official papers write them."""
    date = _DATE.fullmatch(text)
    if date is None:
        return _FORMS.fullmatch(text) is not None
    try:
        datetime.date(int(date[3]), int(date[2]), int(date[1]))
    except ValueError:
        return False
    return 1900 <= int(date[3]) <= 2100
