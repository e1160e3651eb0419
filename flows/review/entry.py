"""What the index keeps of a published JSON: its facts, how much of it is doubtful, and its texts with their pages.

Anything may lie in a folder of published documents: what is not as we wrote it becomes :class:`NotWhole`, never another
error.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from typing import Any

from flows.language import N_
from flows.review.tally import counts_of, put_right
from normalize.document import DOUBT
from normalize.formats.record import SCHEMA

GRADES = ("unread", "poor", "fair", "good", "")
"""How well the worst page of a document was read, worst first; empty where there are no pages."""

TOO_DEEP = N_("it is nested too deeply")
NO_JSON = N_("it is no whole JSON")
NOT_AS_WRITTEN = N_("it is not as nambat writes it")

_MOST = 2**53
_DROPPED_SPACE = re.compile(r"\s+")


class NotWhole(Exception):
    """A JSON is none, or is not as we write it; ``str()`` says what is wrong, in English."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What one of the documents in a file says of itself; empty where it does not."""

    number: str = ""
    symbol: str = ""
    type: str = ""
    subject: str = ""
    agency: str = ""
    date: str = ""
    signer: str = ""


@dataclass(frozen=True, slots=True)
class Text:
    """One text of a document.

    Attributes:
        where: ``blocks/12``, ``footnotes/3`` (by label), or ``metadata/0/subject`` (document in the file, field).
        text: as published.
        pages: (offset, page) wherever it goes on on another page; the first one for its beginning.
    """

    where: str
    text: str
    pages: tuple[tuple[int, int], ...]

    def page_at(self, offset: int) -> int:
        """The page that a place of it is on; 0 where there are no pages."""
        return next((page for begin, page in reversed(self.pages) if begin <= offset), self.pages[0][1])


@dataclass(frozen=True, slots=True)
class HowRead:
    """How the scan of a document was read.

    Attributes:
        version: of nambat; empty where the JSON does not say so, as before 0.2.
        made_with: a mark of all that made it of its pages (:func:`flows.intake.duplicates.made_with`); empty likewise.
        bytes: of the scan.
        confidences: mean ones of its pages with words, 0 to 100.
        poor: pages of that grade.
        seconds: that its pages took, together.
    """

    version: str
    made_with: str
    bytes: int
    confidences: tuple[float, ...]
    poor: int
    warnings: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Entry:
    """What is kept of a document.

    Attributes:
        scan: name of the file that was read.
        unread: pages that could not be read, or not whole.
        doubtful: places that a person should compare with the scan.
        grade: one of :data:`GRADES`.
        edits: that people made and did not undo.
        parts: the documents in the file, at least one.
        counts: of :func:`flows.review.tally.counts_of`; none of a part of a file, which is counted with the whole.
        put_right: of :func:`flows.review.tally.put_right`, likewise.
        how_read: likewise; ``None`` for text of another engine, too.
    """

    scan: str
    sha256: str
    pages: int
    unread: int
    doubtful: int
    grade: str
    edits: int
    parts: tuple[Facts, ...]
    texts: tuple[Text, ...]
    counts: tuple[tuple[str, str, int], ...] = ()
    put_right: tuple[tuple[int, str, str], ...] = ()
    how_read: HowRead | None = None


def entry_of(raw: bytes) -> Entry | None:
    """What is kept of a published JSON; ``None`` for a JSON of something else.

    Raises:
        NotWhole: it is none, or not as we write it.
    """
    try:
        data = json.loads(raw)
    except RecursionError as fault:
        raise NotWhole(TOO_DEEP) from fault
    except ValueError as fault:
        raise NotWhole(NO_JSON) from fault
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        return None
    try:
        return _entry(data)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError) as fault:
        raise NotWhole(NOT_AS_WRITTEN) from fault


def _entry(data: Mapping[str, Any]) -> Entry:
    # Version 0.1 told no documents apart in a file.
    parts = tuple(_facts(part["metadata"]) for part in data.get("documents", ())) or (_facts(data["metadata"]),)
    source, pages = data["source"], data["pages"]
    is_whole = "part" not in data
    counts = counts_of(data).items() if is_whole else ()
    mended = put_right(data) if is_whole else ()
    return Entry(
        _string(source["name"]),
        _string(source["sha256"]),
        _number(source["pages"]),
        sum(bool(page["error"]) or bool(page.get("damage")) for page in pages),
        _doubtful(data),
        _worst_grade(pages),
        sum(not one.get("undone") for one in data.get("edits", ())),
        parts,
        (*_texts(data), *_facts_as_texts(parts)),
        tuple((what, _string(kind), many) for (what, kind), many in counts),
        tuple((number, _string(before), _string(after)) for number, before, after in mended),
        _how_read(data) if is_whole and pages else None,
    )


def _worst_grade(pages: Sequence[Mapping[str, Any]]) -> str:
    grades = {"unread" if page["error"] else str(page.get("grade") or "") for page in pages}
    return next((grade for grade in GRADES if grade in grades), "")


def _how_read(data: Mapping[str, Any]) -> HowRead:
    pages = data["pages"]
    confidences = [page["mean_confidence"] for page in pages]
    return HowRead(
        _string(data.get("engine", {}).get("nambat", "")),
        _string(data["source"].get("made_with", "")),
        _number(data["source"]["bytes"]),
        tuple(_amount(one) for one in confidences if one is not None),
        sum(page.get("grade") == "poor" for page in pages),
        len(data["warnings"]),
        sum(_amount(page["seconds"]) for page in pages),
    )


def _doubtful(data: Mapping[str, Any]) -> int:
    """Words read with doubt, numbers that two readers read unlike, and warnings."""
    unsure = sum(
        word["confidence"] < DOUBT
        for record in (*data["blocks"], *data["footnotes"])
        for word in record.get("words_to_check", ())
    )
    return unsure + len(data.get("doubts", ())) + len(data["warnings"])


def _texts(data: Mapping[str, Any]) -> Iterator[Text]:
    for index, block in enumerate(data["blocks"]):
        yield Text(f"blocks/{index}", _string(block["text"]), _pages(block, _number(block["page"])))
    for note in data["footnotes"]:
        first = next(iter(note["pages"]), 0)
        yield Text(f"footnotes/{_string(note['label'])}", _string(note["text"]), _pages(note, _number(first)))


def _pages(record: Mapping[str, Any], first: int) -> tuple[tuple[int, int], ...]:
    """Where a text turns the page: its printed lines tell, or else the words in it whose page is known."""
    found = [(0, first)]
    for line in record.get("places", ()):  # such as 1 120 160 0:100-180 4:190-250, of which the page comes first
        if not line.startswith(f"{found[-1][1]} "):
            page, _, _, word, *_ = line.split(" ", 4)
            found.append((_number(int(word.partition(":")[0])), _number(int(page))))
    if "places" not in record:
        for word in record.get("words_to_check", ()):
            if word["page"] != found[-1][1]:
                found.append((_number(word["offset"]), _number(word["page"])))
    return tuple(found)


def _facts_as_texts(parts: Sequence[Facts]) -> Iterator[Text]:
    """The facts that people look for, which repair or a person may have put right where the letterhead was not."""
    for index, facts in enumerate(parts):
        symbol = "/".join(filter(None, (facts.number, facts.symbol)))
        values = {"symbol": symbol, "type": facts.type, "subject": facts.subject, "agency": facts.agency}
        for name, value in {**values, "signer": facts.signer}.items():
            if value:
                yield Text(f"metadata/{index}/{name}", value, ((0, 0),))


def _facts(metadata: Mapping[str, Any]) -> Facts:
    facts = {one.name: _DROPPED_SPACE.sub(" ", _string(metadata.get(one.name) or "")) for one in fields(Facts)}
    return Facts(**{**facts, "date": _day(facts["date"])})


def _day(written: str) -> str:
    """A day as ISO 8601 writes it; empty if it is none."""
    try:
        return date.fromisoformat(written).isoformat()
    except ValueError:
        return ""


def _string(value: object) -> str:
    """``value``, which must be a text; halves of letters in it, which nothing can store, become question marks.

    Raises:
        ValueError: it is none.
    """
    if not isinstance(value, str):
        raise ValueError(f"{type(value)} in place of a text")
    return value.encode("utf-8", "replace").decode("utf-8")


def _number(value: object) -> int:
    """``value``, which must be a count or a place.

    Raises:
        ValueError: it is none.
    """
    if not isinstance(value, int) or not 0 <= value < _MOST:
        raise ValueError(f"{value!r} in place of a number")
    return value


def _amount(value: object) -> float:
    """``value``, which must be an amount of something.

    Raises:
        ValueError: it is none.
    """
    if not isinstance(value, int | float) or not 0 <= value < _MOST:
        raise ValueError(f"{value!r} in place of an amount")
    return float(value)
