"""Lines of the letterhead, the title and the signature as they are set: each for itself, whatever stands around them.

Other engines leave them without a blank line between, and those that read across two columns leave one line of two.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from normalize.plaintext.signs import ended
from normalize.vietnamese.decree30 import (
    begins_about,
    begins_number,
    date_parts,
    is_addressee,
    is_document_type,
    is_recipients_head,
)
from normalize.vietnamese.syllable import skeleton

_LONGEST = 90  # letters of a line that is one by its words
_LONGEST_DATE = 70
_SHORT = 45  # letters: capitals that go on on the next line fill more
_SHORT_TEXT = 60  # the same of small letters
_HEAD_LINES = 12  # in which two columns may have been read across

_TITLE = re.compile(r"cong hoa xa hoi chu nghia\b.*")
_MOTTO = re.compile(r"doc lap\s?\S{0,2}\s?tu do\s?\S{0,2}\s?hanh phuc\W*$")
_NUMBER = re.compile(r"\s*S[ốôo]\s?:", re.IGNORECASE)
#: Where the lines of a column begin that an engine ran together.
_RUN_ON_LEFT = re.compile(r"(?<=\s)S[ốôo]\s?:")
_RUN_ON_RIGHT = re.compile(r"(?<=\s)Đ[ộôo]c\s+l[ậâa]p\s|(?<=ph[úuù]c\s)(?=[A-ZĐ][^,\d]{1,30},\s?ngày\s)", re.IGNORECASE)
_NUMBER_BESIDE_DATE = re.compile(r"(S[ốôo]\s?:.{0,20}?/\S+)\s+(\S.*)", re.IGNORECASE)


def part_of_form(last: str, text: str) -> bool:
    """Whether a line begins anew after the one before it, because one of them is a line of a form."""
    if stands_alone(last) or stands_alone(text) or _begins_anew(text):
        return True
    one, other = _is_capitals(last), _is_capitals(text)
    if one and other:
        return len(last) < _SHORT
    if one:  # an office and the name below it, a type and its subject
        return True
    return other and (ended(last) or len(last) < _SHORT_TEXT)


def _begins_anew(text: str) -> bool:
    return len(text) <= _LONGEST and (is_addressee(text) or (text.startswith("V") and begins_about(text)))


def stands_alone(text: str) -> bool:
    """Whether a line is the national title, the motto, a number, a place and date, a type, or the recipients' head."""
    if len(text) > _LONGEST:
        return False
    plain = skeleton(text)
    if _MOTTO.match(plain) or (_TITLE.match(plain) and text.isupper()):
        return True
    if begins_number(text) and _NUMBER.match(text) and "/" in text:
        return True
    return (is_document_type(text) and text.isupper()) or is_recipients_head(text) or _is_place_and_date(text)


def _is_place_and_date(text: str) -> bool:
    return len(text) <= _LONGEST_DATE and text[:1].isupper() and text[-1:].isdigit() and date_parts(text) is not None


def _is_capitals(text: str) -> bool:
    """Whether a line is of capitals, and of more than one word: a single one may end a sentence, "của UBND"."""
    return text.isupper() and len(text.split()) > 1 and len(text) <= _LONGEST and sum(map(str.isalpha, text)) > 3


def with_columns_parted(lines: Sequence[str]) -> list[str]:
    """The lines, those of a letterhead that was read across parted: the left column's, then the right one's.

    Only where the national title stands behind something else on its line: nothing else shows that surely.
    """
    full = [index for index, line in enumerate(lines) if line.strip()][:_HEAD_LINES]
    first = next((index for index in full if _parted_title(lines[index])), None)
    if first is None:
        return list(lines)
    left: list[str] = []
    right: list[str] = []
    last = first
    for index in (index for index in full if index >= first):
        columns = _columns(lines[index])
        if columns is None:
            break
        left += columns[0]
        right += columns[1]
        last = index
    return [*lines[:first], *left, "", *right, "", *lines[last + 1 :]]


def _columns(line: str) -> tuple[list[str], list[str]] | None:
    """What of a line of a letterhead belongs to its left and to its right column; ``None`` below the letterhead."""
    if parts := _parted(line):
        return _cut_before(_RUN_ON_LEFT, parts[0]), _cut_before(_RUN_ON_RIGHT, parts[1])
    if stands_alone(line.strip()) and not _NUMBER.match(line):
        return None if is_document_type(line) else ([], [line])
    of_left = _is_capitals(line.strip()) or _NUMBER.match(line) or begins_about(line)
    return ([line], []) if of_left else None


def _cut_before(run_on: re.Pattern[str], text: str) -> list[str]:
    """The lines of a column that were run together, each beginning where one may."""
    starts = [0, *(found.start() for found in run_on.finditer(text)), len(text)]
    return [part for start, end in pairwise(starts) if (part := text[start:end].strip())]


def _parted_title(line: str) -> tuple[str, str] | None:
    """What stands before the national title on its line, and the title."""
    found = re.search(r"\sC[ỘOÔ]NG\s+H[ÒOÓ][AÀÁ]\s+X[ÃA]\s", line)
    before = line[: found.start()].strip() if found else ""
    return (before, line[found.start() :].strip()) if found and any(map(str.isalpha, before)) else None


def _parted(line: str) -> tuple[str, str] | None:
    """The two columns of a line that was read across them: at the title, the motto, or between number and date."""
    found = re.search(r"\sĐ[ộôo]c\s+l[ậâa]p\s", line)
    motto = (line[: found.start()].strip(), line[found.start() :].strip()) if found else None
    number = _NUMBER_BESIDE_DATE.match(line.strip())
    dated = (number[1], number[2]) if number and _is_place_and_date(number[2].strip()) else None
    parts = _parted_title(line) or motto or dated
    return parts if parts and all(parts) else None
