"""What becomes of pages that cannot be read, for both runners."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.faults import TooManyPagesFailed, TooManyPagesTimedOut
from flows.pipeline.page_policy import settle_failed, tries_page_again
from flows.pipeline.stages import pages_on_disk, record_path
from flows.settings import load
from ocr.faults import Killed, PageFault, RenderTimeout, Timeout


@pytest.mark.parametrize(
    ("fault", "again"),
    [
        (Timeout("late"), True),
        (Killed("SIGKILL"), True),
        (OSError(28, "No space left on device"), True),
        (MemoryError(), True),
        (RenderTimeout("late"), False),
        (PageFault("damaged"), False),
        (ValueError("ours"), False),
    ],
)
def test_what_may_pass_is_tried_twice(fault: BaseException, again: bool) -> None:
    assert tries_page_again(fault, 1) is again
    assert not tries_page_again(fault, 2)


def test_a_killed_reader_is_no_reason_to_give_up_a_page(tmp_path: Path) -> None:
    fault = Killed("SIGKILL")
    with pytest.raises(type(fault)):
        settle_failed({2: fault}, 3, tmp_path, load(), is_last_try=False)
    assert list(tmp_path.iterdir()) == []
    settle_failed({2: fault}, 3, tmp_path, load(), is_last_try=True)
    assert [path.name for path in tmp_path.iterdir()] == [record_path(tmp_path, 2).name]


def test_a_page_that_failed_is_published_as_missing(tmp_path: Path) -> None:
    settle_failed({1: PageFault("damaged"), 2: Timeout("late")}, 20, tmp_path, load(), is_last_try=True)
    assert [page.error for page in pages_on_disk(tmp_path, 2)] == ["damaged", "late"]


@pytest.mark.parametrize(
    ("faults", "kind"),
    [
        ([PageFault("damaged"), PageFault("damaged")], TooManyPagesFailed),
        ([PageFault("damaged"), Timeout("late")], TooManyPagesTimedOut),
        ([RenderTimeout("late"), RenderTimeout("late")], TooManyPagesFailed),
    ],
)
def test_too_many_failed_pages_fail_the_document(tmp_path: Path, faults: list[PageFault], kind: type) -> None:
    with pytest.raises(TooManyPagesFailed) as raised:
        settle_failed(dict(enumerate(faults, 1)), 2, tmp_path, load(), is_last_try=True)
    assert type(raised.value) is kind
    assert list(tmp_path.iterdir()) == []


def test_nothing_failed(tmp_path: Path) -> None:
    settle_failed({}, 3, tmp_path, load(), is_last_try=False)
