"""Which published documents are to be read again: those that an older version read, or of which a condition holds.

A condition is one comparison or some with ``and`` between: ``low pages > 0``, ``warnings > 3 and pages < 10``,
``published before 2026-01-31``. A count without a comparison means more than none: ``unread pages``. What can be
compared stands in :data:`COUNTS`.
"""

from __future__ import annotations

import json
import operator
import os
import re
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flows.language import N_, _
from flows.review.index import Library, ask


@dataclass(frozen=True, slots=True)
class Reading:
    """How a published document was read.

    Attributes:
        name: path of its JSON below the published folder.
        scan: name of the file that was read, fit to be shown.
        sha256, bytes: of that.
        version: of nambat that read it; empty before the JSON said so.
        made_with: a mark of all that made it of its pages; empty likewise.
        pages: of its scan.
        confidences: mean ones of its pages with words, 0 to 100.
        poor: pages of the grade poor.
        unread: pages that could not be read, or not whole.
        seconds: that reading its pages took, together.
        published: when, in seconds since the epoch.
    """

    name: str
    scan: str
    sha256: str
    bytes: int
    version: str
    made_with: str
    pages: int
    confidences: tuple[float, ...]
    poor: int
    unread: int
    warnings: int
    seconds: float
    published: float


Holds = Callable[[Reading], bool]

COUNTS: Mapping[str, Callable[[Reading, float], int]] = {
    "pages": lambda reading, low: reading.pages,
    "low pages": lambda reading, low: sum(one < low for one in reading.confidences),
    "poor pages": lambda reading, low: reading.poor,
    "unread pages": lambda reading, low: reading.unread,
    "warnings": lambda reading, low: reading.warnings,
}
"""What can be compared, counted of a reading. The other value is the mean confidence below which a page is low."""

_COMPARED: Mapping[str, Callable[[int, int], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
    "=": operator.eq,
}

_COUNTED = re.compile(r"([a-z ]+?)\s*(?:(>=|<=|!=|>|<|==?)\s*(\d{1,9}))?", re.ASCII)
_DATED = re.compile(r"published\s+(before|since)\s+(\S+)", re.ASCII)


class BadCondition(ValueError):
    """It is no condition; ``str()`` says what is wrong with it, and what can be written."""


GRAMMAR = N_("write for example `low pages > 0`, `warnings > 3 and pages < 10` or `published before 2026-01-31`")


def condition(text: str, low_confidence: float, zone: str) -> Holds:
    """What a person wrote as a condition.

    Args:
        low_confidence: a page whose words have a lower mean confidence (0 to 100) is low.
        zone: time zone in which days begin.

    Raises:
        BadCondition: it is none.
    """
    parts = re.split(r"\s+and\s+", " ".join(text.lower().split()))
    all_of = [_comparison(part.strip(), low_confidence, zone) for part in parts]
    return lambda reading: all(holds(reading) for holds in all_of)


def _comparison(text: str, low_confidence: float, zone: str) -> Holds:
    if dated := _DATED.fullmatch(text):
        day = _day(dated[2], zone)
        is_before = dated[1] == "before"
        return lambda reading: (reading.published < day) == is_before
    found = _COUNTED.fullmatch(text)
    if found is None:
        raise BadCondition(_("{text!r} is no condition; {grammar}").format(text=text, grammar=_(GRAMMAR)))
    count = COUNTS.get(found[1])
    if count is None:
        said = _("nothing is called {name!r}; {names} can be compared")
        raise BadCondition(said.format(name=found[1], names=", ".join((*COUNTS, "published"))))
    compare, number = _COMPARED[(found[2] or ">").replace("==", "=")], int(found[3] or 0)
    return lambda reading: compare(count(reading, low_confidence), number)


def _day(text: str, zone: str) -> float:
    """When a day begins, in seconds since the epoch.

    Raises:
        BadCondition: it is none.
    """
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=ZoneInfo(zone)).timestamp()
    except ValueError:
        raise BadCondition(_("{text!r} is no day; write one such as 2026-01-31").format(text=text)) from None


_VERSION = re.compile(r"\d+(\.\d+){0,3}", re.ASCII)


def older_than(text: str, running: str) -> Holds:
    """Whether a version before this one read a document; one whose JSON does not say which is older than all.

    Args:
        text: a version, such as ``0.2.0``.
        running: this program's version: what it reads would be older than any later one for ever.

    Raises:
        BadCondition: it is no version, or a later one than this program's.
    """
    if not _VERSION.fullmatch(text):
        raise BadCondition(_("{text!r} is no version; write one such as {running}").format(text=text, running=running))
    if _numbers(running) < _numbers(text):
        said = _("this is nambat {running}; what it reads would be older than {text}, too")
        raise BadCondition(said.format(running=running, text=text))
    return lambda reading: _numbers(reading.version) < _numbers(text)


def _numbers(version: str) -> tuple[int, ...]:
    """The numbers of a version, to compare; none for what is none. What stands behind them does not count."""
    found = re.match(r"\d+(\.\d+)*", version, re.ASCII)
    if found is None:
        return ()
    numbers = [int(one) for one in found[0].split(".")]
    return tuple(numbers + [0] * (4 - len(numbers)))


_ALL = """
SELECT name, scan, sha256, bytes, version, made_with, pages, confidences, poor, unread, warnings, seconds, changed
FROM readings JOIN documents ON documents.number = readings.document ORDER BY name
"""


def _reading(row: tuple[Any, ...]) -> Reading:
    """A row of these columns, which are named and ordered as those of a reading."""
    found = Reading(*row)
    name, published = os.fsdecode(row[0]), found.published / 1e9
    return replace(found, name=name, confidences=tuple(json.loads(row[7])), published=published)


def readings(library: Library) -> list[Reading]:
    """Of all documents that the index knows, the ones in parts as a whole; by name.

    Raises:
        OSError, sqlite3.Error: it cannot be used.
    """

    def question(connection: sqlite3.Connection) -> list[Reading]:
        return [_reading(row) for row in connection.execute(_ALL)]

    return ask(library, question)
