"""What a letterhead says: who issued the document, its number and symbol, the place and the date.

Number and date are what a pen fills in, and what is read there may be anything: they are published where they stand as
print does, and else left out with a word about where they are.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from dataclasses import replace

from normalize.document import Block, Tokens
from normalize.facts.date_line import NO_PLACE, find_date_line, is_misread_place, unread_date_line
from normalize.facts.values import (
    NOTHING,
    Value,
    box_at,
    box_of,
    confidence_of_letters,
    doubt_of_digits,
    plain_text,
    tokens_at,
)
from normalize.vietnamese import decree30
from ocr.page import Box, Line, Zone, hull, take_out

#: Of a number: a document's has five digits at most.
_NUMBER = re.compile(r"\d{1,5}")
#: Before a number that could not be read.
_HEAD_OF_NUMBER = re.compile(r"\W*S[ốôó]\s?:")
#: What a form leaves to be filled in.
_OPEN = " .…_-–:,"
_EDGES = " _-–.,:'\""
#: Share of its letters that make a line one of capitals.
_CAPITALS = 0.8
#: In lines of the left column: so far below it may its number stand.
_BELOW_BODY = 4
#: The years of documents that the program may meet; a year beyond is misread.
_YEARS = range(1945, 2100)
#: In letters: a longer one is no place.
_LONGEST_PLACE = 40
#: So many documents cited with a later year, or so large a share of all, and the year of the date is misread.
_FEWEST_LATER, _SHARE_LATER = 2, 0.5
#: Years after the latest one in the text, of which at least so many are there.
_LONG_AFTER, _FEWEST_YEARS = 10, 3
#: What the symbols of laws begin with, whose letterhead bears no date: the last article does.
_OF_PARLIAMENT = "QH"
#: In lines of the motto: so far below it the date stands.
_BELOW_MOTTO = 3
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
        sure = confidence_of_letters(block, *parts.symbol)
        return _number(block, text, parts), Value(
            symbol, tokens_at(block, *parts.symbol), box=box_at(block, *parts.symbol), confidence=sure
        )
    for block in head:
        if _HEAD_OF_NUMBER.match(plain_text(block)):
            unread = Value(None, block.tokens, "cannot be read; it may be written by hand", block.box)
            return unread, unread
    return NOTHING, NOTHING


def _number(block: Block, text: str, parts: decree30.NumberParts) -> Value:
    read = text[slice(*parts.number)].strip(_OPEN)
    tokens, box = tokens_at(block, *parts.number), box_at(block, *parts.number)
    if not read:
        return Value(None, (), "is left open or written by hand", _gap(block, parts))
    if not _NUMBER.fullmatch(read):
        return Value(None, tokens, "cannot be read; it may be written by hand", box)
    if doubt := doubt_of_digits(block, *parts.number):
        return Value(None, tokens, doubt, box)
    year = text[slice(*parts.year)]
    sure = confidence_of_letters(block, *parts.number)
    return Value(f"{read}/{year}" if year else read, tokens, box=box, confidence=sure)


def _gap(block: Block, parts: decree30.NumberParts) -> Box | None:
    """What lies between "Số:" and the symbol."""
    left, right = box_of(tokens_at(block, 0, parts.head)), box_of(tokens_at(block, *parts.symbol))
    if left is None or right is None or left.right >= right.left:
        return right
    return Box(left.right, min(left.top, right.top), right.left, max(left.bottom, right.bottom))


def place_and_date(head: Sequence[Block], text: Sequence[Block]) -> tuple[Value, Value]:
    """Place and date, as ISO 8601.

    Args:
        text: all of the document, whose years speak for or against that of the date.
    """
    block = find_date_line(head)
    parts = block and decree30.date_parts(plain_text(block))
    if block and parts:
        line = plain_text(block)
        return _place(block, line, parts), _date(block, line, parts, text, _year_of_number(head))
    if unread := unread_date_line(head):
        return NOTHING, Value(None, unread.tokens, "cannot be read; it may be written by hand")
    return NOTHING, _missing_date(head)


def _missing_date(head: Sequence[Block]) -> Value:
    """What is said of the date of a letterhead with motto and number in which no line of it was found."""
    motto = next((block.box for block in reversed(head) if decree30.is_motto(plain_text(block))), None)
    symbol = number_and_symbol(head)[1].text
    if motto is None or symbol is None or symbol.startswith(_OF_PARLIAMENT):
        return NOTHING
    below = Box(motto.left, motto.bottom, motto.right, motto.bottom + _BELOW_MOTTO * motto.height)
    return Value(None, (), "was not found below the motto", below)


def _place(block: Block, line: str, parts: decree30.DateParts) -> Value:
    place = line[: parts.place].strip(" ,.;")
    if not 1 < len(place) <= _LONGEST_PLACE or not place[0].isalpha():
        return NOTHING
    tokens = tokens_at(block, 0, parts.place)
    if decree30.number_parts(place) or NO_PLACE.search(place) or is_misread_place(place):
        return Value(None, tokens, "cannot be read surely")
    return Value(place, tokens)


def _year_of_number(head: Sequence[Block]) -> str:
    """The year that a law or decree has in its number, where it is read surely; it is that of its date."""
    for block in head:
        text = plain_text(block)
        if parts := decree30.number_parts(text):
            return "" if doubt_of_digits(block, *parts.year) else text[slice(*parts.year)]
    return ""


def _date(block: Block, line: str, parts: decree30.DateParts, text: Sequence[Block], year_of_number: str = "") -> Value:
    spans = (parts.day, parts.month, parts.year)
    tokens = tokens_at(block, parts.day[0], parts.year[1])
    day, month, year = (line[slice(*span)].strip(_OPEN) for span in spans)
    if not (day and month and year):
        return Value(None, tokens, "is left open or written by hand")
    try:
        date = datetime.date(int(year), int(month), int(day))
    except ValueError:
        return Value(None, tokens, "cannot be read; it may be written by hand")
    # A year that is printed twice on the page, and read the same both times, needs no further proof.
    for span in spans[:2] if year == year_of_number else spans:
        if doubt := doubt_of_digits(block, *span):
            return Value(None, tokens, doubt)
    if date.year not in _YEARS or _is_implausible(date.year, block, text):
        return Value(None, tokens, f"has a year, {year}, that does not go with the years in the text")
    if year_of_number not in ("", year):
        return Value(None, tokens, f"has a year, {year}, that is not that of the number, {year_of_number}")
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


def agency(head: Sequence[Block], text: Sequence[Block] = ()) -> Value:
    """The issuing body: the last name in capitals above the number, with the place it belongs to.

    Args:
        text: all of the document, which may name the body in full.
    """
    names: list[str] = []
    tokens: list[Tokens] = []
    for block in head:
        line = plain_text(block)
        if decree30.number_parts(line) or (decree30.begins_number(line) and "/" in line):
            if names:
                break
        elif _may_name_body(line):
            # A joint document's bodies are parted by a hyphen, at which a line may end.
            if names and (not decree30.begins_body(line) or names[-1].endswith("-")):
                names[-1] += " " + line
                tokens[-1] += block.tokens
            else:
                names.append(line.lstrip(_EDGES))
                tokens.append(block.tokens)
            names[-1] = names[-1].rstrip(_EDGES.replace("-", ""))
    if not names:
        return NOTHING
    name = names[-1].rstrip(_EDGES)
    if not decree30.begins_body(name) and _is_cut(name, text):
        return Value(None, tokens[-1], "has lost its first word")
    return Value(name, tokens[-1])


def _is_cut(name: str, text: Sequence[Block]) -> bool:
    """Whether the document calls the body by a name that has a word more in front: Bộ Kế hoạch và Đầu tư."""
    plain = decree30.skeleton(name)
    for block in text:
        words = decree30.skeleton(plain_text(block))
        for found in re.finditer(rf"\b(\w+) {re.escape(plain)}\b", words):
            if decree30.begins_body(f"{found[1]} {plain}"):
                return True
    return False


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


def with_number(zones: Sequence[Zone]) -> tuple[Zone, ...]:
    """The zones with the number's line back in the letterhead's left column.

    What a pen wrote in it is read as nothing much, and the line as noise.
    """
    left = next((i for i, zone in enumerate(zones) if zone.kind == "left"), None)
    if left is None or any(decree30.number_parts(line.text) for zone in zones[: left + 1] for line in zone.lines):
        return tuple(zones)
    column = zones[left]
    pitch = column.box.height / len(column.lines)

    def is_number(line: Line) -> bool:
        below = line.box.top - column.box.bottom
        beside = line.box.across(column.box) > 0.5 * min(line.box.width, column.box.width)
        return beside and below < _BELOW_BODY * pitch and decree30.number_parts(line.text) is not None

    lines = [line for zone in zones if zone.kind == "noise" for line in zone.lines if is_number(line)]
    if len(lines) != 1:
        return tuple(zones)
    out, _ = take_out(zones[left + 1 :], lambda line: line in lines)
    whole = sorted([*column.lines, *lines], key=lambda line: line.box.y)
    return (*zones[:left], replace(column, lines=tuple(whole), box=hull([line.box for line in whole])), *out)
