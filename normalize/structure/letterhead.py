"""What a letterhead says: who issued the document, its number and symbol, the place and the date.

Number and date are what a pen fills in, and what is read there may be anything: they are published where they stand as
print does, and else left out with a word about where they are.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence

from normalize.document import Block, Tokens
from normalize.structure.values import NOTHING, Value, box_of, doubt_of_digits, plain_text, tokens_at
from normalize.vietnamese import decree30
from ocr.page import Box

#: Of a number: a document's has five digits at most.
_NUMBER = re.compile(r"\d{1,5}")
#: What a form leaves to be filled in.
_OPEN = " .…_-–:,"
_EDGES = " _-–.,:'\""
#: Share of its letters that make a line one of capitals.
_CAPITALS = 0.8
#: The years of documents that the program may meet; a year beyond is misread.
_YEARS = range(1945, 2100)
#: In letters: a longer one is no place.
_LONGEST_PLACE = 40
#: In letters: a line with the date that is longer is a sentence.
_LONGEST_DATE_LINE = 90
#: So many documents cited with a later year, or so large a share of all, and the year of the date is misread.
_FEWEST_LATER, _SHARE_LATER = 2, 0.5
#: Years after the latest one in the text, of which at least so many are there.
_LONG_AFTER, _FEWEST_YEARS = 10, 3
_CITING = re.compile(r"\W*(can cu|thuc hien|theo|xet|tiep theo)\b")
_CITED_YEAR = re.compile(
    r"\b\d{1,2}[/.-]\d{1,2}[/.-]((?:19|20)\d\d)\b|tháng \d{1,2} năm ((?:19|20)\d\d)|/((?:19|20)\d\d)/"
)
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")


def number_and_symbol(head: Sequence[Block]) -> tuple[Value, Value]:
    """The number, with the year where laws and decrees have it, and the symbol."""
    for block in head:
        text = plain_text(block)
        parts = decree30.number_parts(text)
        if parts is None:
            continue
        symbol = decree30.plain_symbol(text[slice(*parts.symbol)])
        return _number(block, text, parts), Value(symbol, tokens_at(block, *parts.symbol))
    return NOTHING, NOTHING


def _number(block: Block, text: str, parts: decree30.NumberParts) -> Value:
    read = text[slice(*parts.number)].strip(_OPEN)
    tokens = tokens_at(block, *parts.number)
    if not read:
        return Value(None, (), "is left open or written by hand", _gap(block, parts))
    if not _NUMBER.fullmatch(read):
        return Value(None, tokens, "cannot be read; it may be written by hand")
    if doubt := doubt_of_digits(block, *parts.number):
        return Value(None, tokens, doubt)
    year = text[slice(*parts.year)]
    return Value(f"{read}/{year}" if year else read, tokens)


def _gap(block: Block, parts: decree30.NumberParts) -> Box | None:
    """What lies between "Số:" and the symbol."""
    head, symbol = tokens_at(block, 0, parts.head), tokens_at(block, *parts.symbol)
    left, right = box_of(head), box_of(symbol)
    if left is None or right is None or left.right >= right.left:
        return right
    return Box(left.right, min(left.top, right.top), right.left, max(left.bottom, right.bottom))


def place_and_date(head: Sequence[Block], text: Sequence[Block]) -> tuple[Value, Value]:
    """Place and date, as ISO 8601.

    Args:
        text: all of the document, whose years speak for or against that of the date.
    """
    for block in head:
        line = plain_text(block)
        parts = decree30.date_parts(line)
        if parts and len(line) <= _LONGEST_DATE_LINE:
            return _place(block, line, parts), _date(block, line, parts, text)
    return NOTHING, NOTHING


def _place(block: Block, line: str, parts: decree30.DateParts) -> Value:
    place = line[: parts.place].strip(" ,.;")
    if not 1 < len(place) <= _LONGEST_PLACE or not place[0].isalpha():
        return NOTHING
    return Value(place, tokens_at(block, 0, parts.place))


def _date(block: Block, line: str, parts: decree30.DateParts, text: Sequence[Block]) -> Value:
    spans = (parts.day, parts.month, parts.year)
    tokens = tokens_at(block, parts.day[0], parts.year[1])
    day, month, year = (line[slice(*span)].strip(_OPEN) for span in spans)
    if not (day and month and year):
        return Value(None, tokens, "is left open or written by hand")
    try:
        date = datetime.date(int(year), int(month), int(day))
    except ValueError:
        return Value(None, tokens, "cannot be read; it may be written by hand")
    for span in spans:
        if doubt := doubt_of_digits(block, *span):
            return Value(None, tokens, doubt)
    if date.year not in _YEARS or _is_implausible(date.year, block, text):
        return Value(None, tokens, f"has a year, {year}, that does not go with the years in the text")
    return Value(date.isoformat(), tokens)


def _is_implausible(year: int, line: Block, text: Sequence[Block]) -> bool:
    """Whether the text cites documents from after that year, or ends long before it."""
    cited, named = [], []
    for block in text:
        if block is not line:
            words = plain_text(block)
            named += [int(one) for one in _YEAR.findall(words)]
            if _CITING.match(decree30.skeleton(words)):
                cited += [int(one) for found in _CITED_YEAR.findall(words) for one in found if one]
    later = sum(one > year for one in cited)
    if later >= _FEWEST_LATER or (later and later >= _SHARE_LATER * len(cited)):
        return True
    return len(named) >= _FEWEST_YEARS and year - max(named) > _LONG_AFTER


def agency(head: Sequence[Block]) -> Value:
    """The issuing body: the last name in capitals above the number, with the place it belongs to."""
    names: list[str] = []
    tokens: list[Tokens] = []
    for block in head:
        text = plain_text(block)
        if decree30.number_parts(text) or (decree30.begins_number(text) and "/" in text):
            if names:
                break
        elif _may_name_body(text):
            # A joint document's bodies are parted by a hyphen, at which a line may end.
            goes_on = names and (not decree30.begins_body(text) or names[-1].endswith("-"))
            if goes_on:
                names[-1] += " " + text
                tokens[-1] += block.tokens
            else:
                names.append(text.lstrip(_EDGES))
                tokens.append(block.tokens)
            names[-1] = names[-1].rstrip(_EDGES.replace("-", "")).rstrip()
    return Value(names[-1].rstrip(_EDGES), tokens[-1]) if names else NOTHING


def _may_name_body(text: str) -> bool:
    """Whether a line of the letterhead is in capitals and nothing else that is printed so."""
    return (
        share_of_capitals(text) >= _CAPITALS
        and not decree30.is_motto(text)
        and not decree30.bears_date(text)
        and not decree30.document_type(text)
        and not decree30.begins_about(text)
    )


def share_of_capitals(text: str) -> float:
    """Of the letters, 0 to 1."""
    letters = [c for c in text if c.isalpha()]
    return sum(c.isupper() for c in letters) / max(1, len(letters))
