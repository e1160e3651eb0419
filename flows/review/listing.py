"""The list of documents: which ones, in which order, a page at a time.

A page begins behind the last document of the page before, not at a count: so the thousandth page costs what the first
does, and nothing is shown twice when a document comes in meanwhile.
"""

from __future__ import annotations

import base64
import json
import os
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from flows.review.entry import Facts
from flows.review.index import Library, ask
from flows.review.words import without_marks

Order = Literal["newest", "oldest", "dated", "doubtful"]
State = Literal["new", "looked at", "mended", "broken"]

#: By which columns a list is sorted, and whether the greatest comes first.
_ORDERS: dict[Order, tuple[tuple[str, ...], bool]] = {
    "newest": (("documents.changed", "documents.number"), True),
    "oldest": (("documents.changed", "documents.number"), False),
    "dated": (("documents.date", "documents.number"), True),
    "doubtful": (("documents.unread", "documents.doubt", "documents.number"), True),
}

SHOWN = (
    "documents.number, documents.id, documents.name, documents.scan, documents.sha256, documents.pages, "
    "documents.unread, documents.doubtful, documents.grade, documents.state, documents.broken, documents.changed"
)
"""What is selected of a document for :func:`listed`."""


class BadPlace(ValueError):
    """What should say where a page of the list begins was not made here."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which documents; what is empty lets all through. Of a bundle, one of its documents must be so in all.

    Attributes:
        since, until: ISO 8601; days of the documents' own dates, both inclusive.
        agency, type, symbol: some of it, with or without marks. The symbol may be whole: ``559/BC-UBND``.
        number: the whole of it.
        grade: of the worst page, one of ``flows.review.entry.GRADES``.
    """

    since: str = ""
    until: str = ""
    agency: str = ""
    type: str = ""
    number: str = ""
    symbol: str = ""
    state: str = ""
    grade: str = ""


@dataclass(frozen=True, slots=True)
class Listed:
    """A document in the list.

    Attributes:
        id: names it in addresses.
        name: path of its JSON below the folder.
        scan: name of the file that was read.
        parts: what each document in the file says of itself; empty for a broken one.
        doubtful: places to compare with the scan.
        published: when, in seconds since the epoch.
        broken: why it cannot be shown, an English sentence's end marked for the catalogue; empty if it can.
    """

    id: str
    name: str
    scan: str
    sha256: str
    pages: int
    unread: int
    doubtful: int
    grade: str
    state: str
    broken: str
    published: float
    parts: tuple[Facts, ...]

    @property
    def facts(self) -> Facts:
        """Those of the first document in the file."""
        return self.parts[0] if self.parts else Facts()

    @property
    def title(self) -> str:
        """Number and symbol, or else the scan's name."""
        return "/".join(filter(None, (self.facts.number, self.facts.symbol))) or self.scan


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of the list.

    Attributes:
        after: where the next page begins; empty if there is none.
        before: where the page before ends, to be given as ``before``; empty on the first one.
    """

    documents: tuple[Listed, ...]
    after: str = ""
    before: str = ""


@dataclass(frozen=True, slots=True)
class Choices:
    """What there is to choose from, with the number of documents: the most frequent first."""

    agencies: tuple[tuple[str, int], ...]
    types: tuple[tuple[str, int], ...]
    states: tuple[tuple[str, int], ...]
    grades: tuple[tuple[str, int], ...]


def documents(
    library: Library,
    wanted: Filter | None = None,
    order: Order = "newest",
    *,
    after: str = "",
    before: str = "",
    limit: int = 50,
) -> Listing:
    """A page of the documents that the index knows.

    Args:
        after: as the page before says; empty for the first page.
        before: as the page after says, to go back to this one.

    Raises:
        BadPlace: ``after`` or ``before`` was not made here for this order.
    """
    columns, falls = _ORDERS[order]
    falls = falls != bool(before)
    where, values = conditions(wanted or Filter())
    if place := after or before:
        key = read_place(place, len(columns))
        where += f" AND ({', '.join(columns)}) {'<' if falls else '>'} ({', '.join('?' * len(key))})"
        values = [*values, *key]
    by = ", ".join(f"{column} {'DESC' if falls else 'ASC'}" for column in columns)
    statement = (
        f"SELECT {', '.join(columns)}, {SHOWN} FROM documents WHERE {where} ORDER BY {by} LIMIT {int(limit) + 1}"
    )

    def question(connection: sqlite3.Connection) -> Listing:
        rows = connection.execute(statement, values).fetchall()
        is_more, rows = len(rows) > limit, rows[:limit]
        if before:
            rows.reverse()
        shown = listed(connection, [row[len(columns) :] for row in rows])
        keys = [place_of(row[: len(columns)]) for row in rows]
        if not keys:
            return Listing(())
        goes_on, came_from = (True, is_more) if before else (is_more, bool(after))
        return Listing(shown, keys[-1] if goes_on else "", keys[0] if came_from else "")

    return ask(library, question)


def count(library: Library, wanted: Filter | None = None) -> int:
    """How many documents there are of this kind."""
    where, values = conditions(wanted or Filter())
    statement = f"SELECT count(*) FROM documents WHERE {where}"
    return int(ask(library, lambda connection: connection.execute(statement, values).fetchone()[0]))


def find_document(library: Library, id: str) -> Listed | None:
    """The document with this id; ``None`` if the index has none."""
    statement = f"SELECT {SHOWN} FROM documents WHERE id = ? AND is_ours"

    def question(connection: sqlite3.Connection) -> Listed | None:
        return next(iter(listed(connection, connection.execute(statement, (id,)).fetchall())), None)

    return ask(library, question)


def choices(library: Library) -> Choices:
    """What the filters can be set to."""

    def question(connection: sqlite3.Connection) -> Choices:
        def of(table: str, column: str) -> tuple[tuple[str, int], ...]:
            which = "is_ours" if table == "documents" else "true"
            return tuple(
                connection.execute(
                    f"SELECT {column}, count(*) AS many FROM {table} WHERE {column} != '' AND {which} "
                    f"GROUP BY {column} ORDER BY many DESC, {column} LIMIT 500"
                )
            )

        return Choices(of("parts", "agency"), of("parts", "type"), of("documents", "state"), of("documents", "grade"))

    return ask(library, question)


def conditions(wanted: Filter) -> tuple[str, list[str | float]]:
    """A filter as the condition of a query over ``documents``, and its values."""
    about_part: dict[str, str] = {
        "date >= ?": wanted.since,
        "date != '' AND date <= ?": wanted.until,
        "number = ?": wanted.number.strip(),
        "instr(plain_agency, ?)": without_marks(wanted.agency.strip()),
        "instr(plain_type, ?)": without_marks(wanted.type.strip()),
        "instr(plain_symbol, ?)": without_marks(wanted.symbol.strip()),
    }
    about_file = {"documents.state = ?": wanted.state, "documents.grade = ?": wanted.grade}
    parts = [condition for condition, value in about_part.items() if value]
    whole = ["documents.is_ours", *(condition for condition, value in about_file.items() if value)]
    values: list[str | float] = [value for value in about_file.values() if value]
    if parts:
        whole.append(f"documents.number IN (SELECT document FROM parts WHERE {' AND '.join(parts)})")
        values += [value for value in about_part.values() if value]
    return " AND ".join(whole), values


def listed(connection: sqlite3.Connection, rows: Sequence[Sequence[Any]]) -> tuple[Listed, ...]:
    """Documents with their facts.

    Args:
        rows: what :data:`SHOWN` selects.
    """
    facts: dict[int, list[Facts]] = {}
    for number, *_ in rows:
        of_document = connection.execute(
            "SELECT number, symbol, type, subject, agency, date, signer FROM parts WHERE document = ? ORDER BY part",
            (number,),
        )
        facts[number] = [Facts(*row) for row in of_document]
    return tuple(_listed(row, facts[row[0]]) for row in rows)


def _listed(row: Sequence[Any], facts: Sequence[Facts]) -> Listed:
    _, id, name, scan, sha256, pages, unread, doubtful, grade, state, broken, changed = row
    return Listed(
        id,
        os.fsdecode(name),
        scan,
        sha256,
        pages,
        unread,
        doubtful,
        grade,
        state,
        broken,
        published=changed / 1e9,
        parts=tuple(facts),
    )


def place_of(key: Sequence[object]) -> str:
    """The place of a document in a list, fit for an address."""
    return base64.urlsafe_b64encode(json.dumps(list(key)).encode()).decode().rstrip("=")


def read_place(place: str, columns: int) -> list[str | float]:
    """The values that :func:`place_of` was given.

    Raises:
        BadPlace: it did not make this.
    """
    try:
        key = json.loads(base64.urlsafe_b64decode(place + "=" * (-len(place) % 4)))
    except (ValueError, RecursionError) as fault:
        raise BadPlace(place) from fault
    if not isinstance(key, list) or len(key) != columns or not all(_can_be_asked(value) for value in key):
        raise BadPlace(place)
    return key


def _can_be_asked(value: object) -> bool:
    if isinstance(value, str):
        return value.isascii()
    return isinstance(value, float) or (isinstance(value, int) and abs(value) < 2**63)
