"""What the run of a published document came to, for people: convert's table, the report in the UI, the tags."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flows.pipeline.to_check import Check, Passage, checks_of, left_out, passage_of

SHOWN_CHANGES = 20
"""So many corrections, the least sure ones, and so much of what was left out is shown."""


@dataclass(frozen=True, slots=True)
class Change:
    """A correction.

    Attributes:
        before: as it was read.
        after: as it is published, in its sentence.
    """

    page: int
    before: str
    after: Passage


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
        changes: the least sure corrections, page by page.
        files: what was published.
        seconds: from the first look to the last file.
        copy_of: name of the scan with the same bytes whose text this is; empty for what was read.
        kept: where that lies now which was published before and would have been lost.
        checks: what to compare with the scan, in that order.
        left_out: page, text and reason of what is not in the published text, in the order to look at it.
        left_out_in_all: how much that is in all.
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
    changes: tuple[Change, ...]
    files: tuple[Path, ...]
    fair_pages: tuple[int, ...] = ()
    damaged_pages: tuple[tuple[int, str], ...] = ()
    seconds: float = 0.0
    copy_of: str = ""
    kept: tuple[Path, ...] = ()
    checks: tuple[Check, ...] = ()
    left_out: tuple[tuple[int, str, str], ...] = ()
    left_out_in_all: int = 0

    @property
    def grades(self) -> str:
        """How well its pages were read: ``12 good, 2 fair``."""
        poor, fair = len(self.low_pages), len(self.fair_pages)
        counts = ((self.pages - len(self.failed_pages) - poor - fair, "good"), (fair, "fair"), (poor, "poor"))
        return ", ".join(f"{count} {name}" for count, name in counts if count > 0)


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
        confidence=_mean_confidence(read),
        low_pages=tuple((page["number"], page["mean_confidence"]) for page in hard),
        fair_pages=tuple(page["number"] for page in read if page.get("grade") == "fair" and page not in hard),
        failed_pages=_told(pages, "error"),
        damaged_pages=_told(pages, "damage"),
        warnings=tuple(map(_warning, data["warnings"])),
        changes=_changes(data),
        files=tuple(files),
        copy_of=copy_of,
        checks=checks_of(data),
        left_out=tuple((one["page"], one["text"], one["reason"]) for one in left_out(data["dropped"])[:SHOWN_CHANGES]),
        left_out_in_all=len(data["dropped"]),
    )


def _changes(data: Mapping[str, Any]) -> tuple[Change, ...]:
    least_sure = sorted(data["corrections"], key=lambda one: one["probability"])[:SHOWN_CHANGES]
    by_page = sorted(least_sure, key=lambda one: one["page"])
    return tuple(Change(one["page"], one["before"], passage_of(data, one)) for one in by_page)


def _told(pages: Sequence[Mapping[str, Any]], what: str) -> tuple[tuple[int, str], ...]:
    """Number and trouble of each page that has one of that kind."""
    return tuple((page["number"], page[what]) for page in pages if page.get(what))


def _mean_confidence(pages: Sequence[Mapping[str, Any]]) -> float | None:
    """Over the words of some pages, 0 to 100; ``None`` without any page."""
    words = sum(page["words"] for page in pages)
    return sum(page["words"] * page["mean_confidence"] for page in pages) / max(1, words) if pages else None


def _warning(warning: Mapping[str, Any]) -> str:
    return f"page {warning['page']}: {warning['message']}" if warning["page"] else str(warning["message"])
