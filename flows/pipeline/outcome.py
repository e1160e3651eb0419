"""What the run of a published document came to, for people: convert's table, the report in the UI, the tags."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

SHOWN_CHANGES = 20
"""So many corrections are shown as examples."""


@dataclass(frozen=True, slots=True)
class Replaced:
    """A document whose text was replaced by that of another scan.

    Attributes:
        title: its number and symbol, or the name of its scan.
        published: when its text was published.
    """

    title: str
    published: datetime


@dataclass(frozen=True, slots=True)
class Outcome:
    """A document that was published.

    Attributes:
        name: of the input, fit to be shown.
        confidence: mean over its words, 0 to 100; ``None`` for one without words.
        low_pages: numbers and mean confidences of pages a person should look at: of low confidence or poor grade.
        fair_pages: numbers of pages that were read well, though not in all their words.
        failed_pages: numbers and reasons of pages that could not be read.
        damaged_pages: numbers of pages of which a part is missing, and what.
        changes: the first corrections, as (page, before, after).
        files: what was published.
        seconds: from the first look to the last file.
        copy_of: name of the scan with the same bytes whose text this is; empty for what was read.
        kept: where that lies now which was published before and would have been lost.
        replaced: the document of another scan whose text was replaced, if one was.
        beside: name of the file that another document's text has and this one's would have had; empty if none has.
        settled: where the scans of the same name lie now that lay in quarantine.
    """

    name: str
    pages: int
    words: int
    footnotes: int
    corrections: int
    confidence: float | None
    low_pages: tuple[tuple[int, float], ...]
    failed_pages: tuple[tuple[int, str], ...]
    warnings: tuple[str, ...]
    changes: tuple[tuple[int, str, str], ...]
    files: tuple[Path, ...]
    fair_pages: tuple[int, ...] = ()
    damaged_pages: tuple[tuple[int, str], ...] = ()
    seconds: float = 0.0
    copy_of: str = ""
    kept: tuple[Path, ...] = ()
    replaced: Replaced | None = None
    beside: str = ""
    settled: tuple[Path, ...] = ()


def outcome_of(
    data: Mapping[str, Any], name: str, low_confidence: float, files: Sequence[Path] = (), copy_of: str = ""
) -> Outcome:
    """The outcome of a document with this published JSON.

    Args:
        low_confidence: a page whose words have a lower mean confidence (0 to 100) is pointed out.

    Raises:
        ValueError, KeyError, TypeError: the JSON is not whole.
    """
    pages = data["pages"]
    read = [page for page in pages if page["mean_confidence"] is not None]
    hard = [page for page in read if page["mean_confidence"] < low_confidence or page.get("grade") == "poor"]
    return Outcome(
        name=name,
        pages=data["source"]["pages"],
        words=sum(page["words"] for page in pages),
        footnotes=len(data["footnotes"]),
        corrections=len(data["corrections"]),
        confidence=mean_confidence(pages),
        low_pages=tuple((page["number"], page["mean_confidence"]) for page in hard),
        fair_pages=tuple(page["number"] for page in read if page.get("grade") == "fair" and page not in hard),
        failed_pages=_told(pages, "error"),
        damaged_pages=_told(pages, "damage"),
        warnings=tuple(map(_warning, data["warnings"])),
        changes=tuple((one["page"], one["before"], one["after"]) for one in data["corrections"][:SHOWN_CHANGES]),
        files=tuple(files),
        copy_of=copy_of,
    )


def _told(pages: Sequence[Mapping[str, Any]], what: str) -> tuple[tuple[int, str], ...]:
    """Number and trouble of each page that has one of that kind."""
    return tuple((page["number"], page[what]) for page in pages if page.get(what))


def mean_confidence(pages: Sequence[Mapping[str, Any]]) -> float | None:
    """Over the words of a published JSON's pages, 0 to 100; ``None`` if none of them was read."""
    read = [page for page in pages if page["mean_confidence"] is not None]
    words = sum(page["words"] for page in read)
    return sum(page["words"] * page["mean_confidence"] for page in read) / max(1, words) if read else None


def _warning(warning: Mapping[str, Any]) -> str:
    return f"page {warning['page']}: {warning['message']}" if warning["page"] else str(warning["message"])
