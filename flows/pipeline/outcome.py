"""What the run of a published document came to, for people: convert's table, the report in the UI, the tags."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from flows.language import _
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
        changes: the least sure corrections, page by page.
        files: what was published.
        seconds: from the first look to the last file.
        copy_of: name of the scan with the same bytes whose text this is; empty for what was read.
        kept: where that lies now which was published before and would have been lost.
        checks: what to compare with the scan, in that order.
        left_out: page, text and reason of what is not in the published text, in the order to look at it.
        left_out_in_all: how much that is in all.
        timings: seconds by stage, those of all pages together; none of a copy.
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
    changes: tuple[Change, ...]
    files: tuple[Path, ...]
    fair_pages: tuple[int, ...] = ()
    damaged_pages: tuple[tuple[int, str], ...] = ()
    seconds: float = 0.0
    copy_of: str = ""
    kept: tuple[Path, ...] = ()
    replaced: Replaced | None = None
    beside: str = ""
    settled: tuple[Path, ...] = ()
    checks: tuple[Check, ...] = ()
    left_out: tuple[tuple[int, str, str], ...] = ()
    left_out_in_all: int = 0
    timings: Mapping[str, float] = field(default_factory=dict)

    @property
    def counts(self) -> dict[str, float]:
        """What of it is counted (see :mod:`flows.host.meter`)."""
        if self.copy_of:
            return {"documents/copied": 1}
        unread = len(self.failed_pages)
        counts: dict[str, float] = {"documents/published": 1, "pages/read": self.pages - unread}
        if unread:
            counts["pages/unreadable"] = unread
        for stage, seconds in self.timings.items():
            counts |= {f"seconds/{stage}": seconds, f"pages of/{stage}": self.pages}
        return counts


def outcome_of(
    data: Mapping[str, Any], name: str, low_confidence: float, files: Sequence[Path] = (), copy_of: str = ""
) -> Outcome:
    """The outcome of a document with this published JSON.

    Args:
        low_confidence: a page whose words have a lower mean confidence (0 to 100) is pointed out.

    Raises:
        ValueError, KeyError, TypeError: the JSON is not whole.
    """
    pages, dropped = data["pages"], data.get("dropped", ())
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
        changes=_changes(data),
        files=tuple(files),
        copy_of=copy_of,
        checks=checks_of(data),
        left_out=tuple((one["page"], one["text"], one["reason"]) for one in left_out(dropped)[:SHOWN_CHANGES]),
        left_out_in_all=len(dropped),
        timings=data.get("timings", {}),
    )


def grades(outcome: Outcome) -> str:
    """How well a document's pages were read: ``12 good, 2 fair``."""
    poor, fair = len(outcome.low_pages), len(outcome.fair_pages)
    good = outcome.pages - len(outcome.failed_pages) - poor - fair
    counts = ((good, _("{count} good")), (fair, _("{count} fair")), (poor, _("{count} poor")))
    return ", ".join(said.format(count=count) for count, said in counts if count > 0)


def _changes(data: Mapping[str, Any]) -> tuple[Change, ...]:
    least_sure = sorted(data["corrections"], key=lambda one: one["probability"])[:SHOWN_CHANGES]
    by_page = sorted(least_sure, key=lambda one: one["page"])
    return tuple(Change(one["page"], one["before"], passage_of(data, one)) for one in by_page)


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
