"""Which troubles of a document are tried again."""

from __future__ import annotations

import pytest

from flows.faults import WorkerDied
from flows.pipeline.faults import as_fault, too_many_failed, tries_again
from ocr.faults import Encrypted, Killed, NoPages, PageFault, Timeout, TooLarge, ToolMissing


@pytest.mark.parametrize(
    ("fault", "times"),
    [
        (OSError(28, "No space left on device"), 8),
        (OSError(30, "Read-only file system"), 8),
        (MemoryError(), 8),
        (ToolMissing("no tesseract"), 8),
        (too_many_failed({1: "late"}, 1, passing=True), 1),
        (too_many_failed({1: "damaged"}, 1), 0),
        (WorkerDied("crashed while the file was opened"), 2),
        (Killed("killed while the file was opened"), 8),
        (Timeout("opening took too long"), 2),
        (PageFault("damaged"), 0),
        (Encrypted("locked"), 0),
        (NoPages("none"), 0),
        (TooLarge("big"), 0),
        (KeyError("a fault of ours"), 0),
    ],
)
def test_only_what_may_pass_is_tried_again(fault: Exception, times: int) -> None:
    assert tries_again(as_fault(fault), retries=8) == times
