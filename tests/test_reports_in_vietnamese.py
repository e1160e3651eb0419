"""What the UI and `nambat status` show, in Vietnamese, with times in the zone that is set."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

import pytest

from flows.host import heartbeat
from flows.intake import status
from flows.intake.claims import ClaimStore
from flows.intake.quarantine import quarantine
from flows.intake.sweep import Swept
from flows.pipeline.archives import Unpacked, Unpacking
from flows.pipeline.outcome import Outcome, Replaced, outcome_of
from flows.pipeline.to_check import Check
from flows.service import reports
from flows.service.health import FOLDERS, NAMES
from flows.service.health import Check as Looked
from flows.settings import load
from ocr.messages import EMPTY_FILE
from tests.intake import take_one

ENGLISH = re.compile(r"\b(the|and|with|not|cannot|will|read|pages?|was|is|are|of|to|by|words?|scan|none)\b")


@pytest.fixture(autouse=True)
def vietnamese(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NAMBAT_LANG", "vi")


def an_outcome() -> Outcome:
    """One of which there is something to say everywhere."""
    data = {
        "source": {"pages": 4},
        "pages": [
            {"number": 1, "words": 2, "mean_confidence": 60.0},
            {"number": 2, "words": 2, "mean_confidence": 95.0, "grade": "fair"},
            {"number": 3, "words": 0, "mean_confidence": None, "error": "The page could not be read; scan it again."},
            {"number": 4, "words": 2, "mean_confidence": 95.0, "damage": "Page 4 cannot be rendered; it is damaged."},
        ],
        "footnotes": [],
        "corrections": [],
        "warnings": [
            {"page": 1, "message": "Footnote mark 3 has no note."},
            {"page": 0, "message": "The page is blank."},
        ],
        "dropped": [],
        "blocks": [],
    }
    made = outcome_of(data, "a.pdf", 75, [Path("/p/a.txt")])
    checks = (
        Check("fact", 1, "signer is left open: the name could not be read for sure (box 1, 2, 3, 4)."),
        Check("unsure fact", 1, "Signer title: “CHỦ TỊCH” was read with a confidence of 41."),
        Check("number", 2, "A second reading of the number “12” gave “72”."),
        Check("dropped", 2, "“abc” was left out as noise."),
    )
    earlier = Replaced("12/QĐ-UBND", datetime(2026, 11, 26, 2, 5, tzinfo=UTC).astimezone())
    return replace(made, checks=checks, replaced=earlier, left_out=((1, "7", "page number"),), left_out_in_all=3)


def test_a_report_holds_no_english() -> None:
    text = reports.success_report(an_outcome(), Path("/o/a.pdf"))
    assert "Cần kiểm tra trước" in text
    assert "Bỏ trống người ký" in text
    assert "Chức vụ người ký: “CHỦ TỊCH” được đọc với độ tin cậy 41" in text
    assert "| 1 | 7 | số trang |" in text
    assert [line for line in text.splitlines() if ENGLISH.search(line)] == []
    assert ENGLISH.search(reports.success_line(an_outcome())) is None


def test_other_reports_hold_no_english() -> None:
    fault = EMPTY_FILE.fault()
    failed = reports.failure_report("a.pdf", fault, Path("/q/a.pdf"))
    said = [line for line in failed.splitlines() if ENGLISH.search(line)]
    assert said == [reports.cell(str(fault))], "the reason itself is told in both languages"
    bad = Unpacked(PurePosixPath("b.pdf"), Path("/x"), "BadZipFile")
    unpacked = reports.unpacked_report("a.zip", Unpacking((bad,), ()), Path("/o/a.zip"))
    assert [line for line in unpacked.splitlines() if ENGLISH.search(line)] == []
    swept = Swept(taken=("a.pdf",), returned=("b.pdf",), quarantined=("c.pdf",), troubles=("x", "y"))
    assert ENGLISH.search(reports.sweep_line(swept)) is None
    assert ENGLISH.search(str(reports.sweep_rows(swept))) is None


def test_descriptions_explain_every_tag_by_its_own_name() -> None:
    about = reports.about(reports.ABOUT_INGEST)
    assert [tag for tag in reports.TAGS if f"`{tag}`" not in about] == []
    for text in (reports.ABOUT_INGEST, reports.ABOUT_READ, reports.ABOUT_SWEEP):
        assert reports.about(text) != text
        assert "{" not in reports.about(text)


def test_times_are_those_of_the_zone_that_is_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    store = ClaimStore(load(home=tmp_path / "home", timezone="Asia/Ho_Chi_Minh"))
    store.folders.make()
    claim = take_one(store, heartbeat.identity(), running=True)
    moment = datetime(2026, 11, 26, 2, 5, tzinfo=UTC)
    store.put_off(claim, EMPTY_FILE.fault(), moment.timestamp())
    ((_where, why),) = [(one.where, one.why) for one in status.status(store)[1]]
    assert why == "sẽ thử lại lúc 26/11/2026 09:05: Tệp rỗng; hãy quét hoặc chép lại."
    monkeypatch.setenv("NAMBAT_LANG", "en")
    ((_where, why),) = [(one.where, one.why) for one in status.status(store)[1]]
    assert why == "tried again at 2026-11-26 09:05: The file is empty; scan or copy it again."
    place = quarantine(store, claim, EMPTY_FILE.fault(), now=moment)
    assert place is not None
    assert "2026-11-26 09:05:00 +0700" in place.with_name(f"{place.name}.reason.txt").read_text()


def test_the_reason_of_what_lies_in_quarantine_is_told_in_one_language(
    store: ClaimStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    quarantine(store, take_one(store, heartbeat.identity(), running=True), EMPTY_FILE.fault())
    assert [one.why for one in status.status(store)[1]] == ["Tệp rỗng; hãy quét hoặc chép lại."]
    monkeypatch.setenv("NAMBAT_LANG", "en")
    assert [one.why for one in status.status(store)[1]] == ["The file is empty; scan or copy it again."]


def test_folders_are_called_the_same_in_every_language() -> None:
    assert [Looked(name, True, "").shown for name in FOLDERS] == list(FOLDERS)
    assert [name for name in NAMES if Looked(name, True, "").shown == name] == []
