"""What becomes of pages that cannot be read: the same for ``nambat convert`` and for the flow.

A page is tried again at once where that can help, and no more than :data:`ATTEMPTS` times in all. When all pages were
tried, the document is published without those that failed, unless there are too many of them, or one failed for what
the machine did and there will be another try of the document.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from flows.pipeline.faults import is_passing, too_many_failed
from flows.pipeline.stages import give_up_page, record_path
from flows.settings import Settings
from ocr.faults import Fault, Killed

ATTEMPTS = 2
"""Times a page is tried whose reader timed out or died, or that met a trouble of the machine. Others are tried once."""

GRACE = 30.0
"""Seconds a worker may take beyond a page's own limit before it is killed from outside."""


def tries_page_again(fault: BaseException, attempt: int) -> bool:
    """Whether a page is tried again at once that failed in its ``attempt``-th try (from 1)."""
    return attempt < ATTEMPTS and is_passing(fault)


def settle_failed(
    failed: Mapping[int, Fault], pages: int, records: Path, settings: Settings, *, is_last_try: bool
) -> None:
    """Decide over a document of which some pages could not be read, and give those pages up if it goes on.

    Args:
        failed: number and reason of each such page.
        records: where page records lie; those of given-up pages are written there.
        is_last_try: of the document. ``convert`` has one try.

    Raises:
        Killed: a reader was killed, and the document will be tried again; no page is given up for that.
        TooManyPagesFailed: publishing the rest would mislead.
        OSError: a record cannot be written.
    """
    killed = next((fault for fault in failed.values() if isinstance(fault, Killed)), None)
    if killed is not None and not is_last_try:
        raise killed
    if settings.too_many_failed(len(failed), pages):
        passing = any(not fault.permanent for fault in failed.values())
        raise too_many_failed({number: str(fault) for number, fault in failed.items()}, pages, passing)
    for number, fault in failed.items():
        if not record_path(records, number).exists():  # the flow writes down at once what is final
            give_up_page(number, records, settings.dpi, fault)
