"""The table of the day: what is in it, and that it is made only when something changed."""

from __future__ import annotations

import logging
import os
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings

from flows.intake import transfers
from flows.intake.claims import ClaimStore
from flows.intake.inbox import list_inbox
from flows.intake.quarantine import quarantine
from flows.pipeline.to_check import Check
from flows.service import day, reports
from flows.service.day import Day, Note
from ocr.faults import Fault
from tests.markdown import WORDS, shown
from tests.test_reports import FINE

NOON = datetime(2026, 11, 26, 12, tzinfo=ZoneInfo("Asia/Ho_Chi_Minh")).timestamp()
NIGHT = NOON + 11 * 3600  # still that day there, and in UTC, too
NEXT_DAY = NOON + 13 * 3600  # the next day there, not yet in UTC
LOOK = Check("fact", 2, "The subject is left empty.")


def publish(store: ClaimStore, name: str, now: float = NOON, *checks: Check, run: str = "r") -> None:
    day.leave_note(store, name, replace(FINE, name=name, checks=checks), run, now)


def put_in_quarantine(store: ClaimStore, name: str) -> None:
    (store.folders.inbox / name).write_bytes(b"%PDF-1.4")
    claim = transfers.take(store, name, list_inbox(store.folders.inbox).files[name], "owner")
    quarantine(store, claim, Fault("It is damaged.", vietnamese="Nó bị hỏng."))


@pytest.fixture
def tables(monkeypatch: pytest.MonkeyPatch) -> list[list[dict[str, Any]]]:
    """The tables that were made, in place of a server that would show them."""
    made: list[list[dict[str, Any]]] = []
    monkeypatch.setattr(reports, "create_table_artifact", lambda rows, key, description: made.append(rows))
    monkeypatch.setattr(reports.time, "time", lambda: NOON)
    return made


def files_of(folder: Path) -> dict[str, int]:
    """Everything below a folder, and when it was written."""
    return {os.fspath(path): path.lstat().st_mtime_ns for path in [folder, *folder.rglob("*")]}


def test_only_what_needs_a_look_is_told_the_latest_first(store: ClaimStore) -> None:
    publish(store, "good.pdf", NOON, Check("word", 1, "“a” was read with a confidence of 4."))
    publish(store, "a.pdf", NOON, LOOK)
    publish(store, "b.pdf", NIGHT, *[replace(LOOK, page=n) for n in range(9)])
    put_in_quarantine(store, "hỏng.pdf")
    seen = day.read_day(store, NIGHT)
    assert (len(seen.notes), [note.name for note in seen.to_look_at]) == (3, ["b.pdf", "a.pdf"])
    assert seen.quarantined == (("hỏng.pdf", "It is damaged."),)
    first, second, third = reports.day_rows(seen)
    assert "in quarantine: It is damaged" in first["what needs a look"]
    assert second["what needs a look"].count("<br>") == 3 and second["what needs a look"].endswith(
        "and 6 more to check"
    )
    assert (third["what needs a look"], third["time"]) == ("page 2: The subject is left empty.", "12:00")
    assert third["run"] == "[open](/runs/flow-run/r?tab=Artifacts)"
    line = "2026-11-26 23:00: 3 documents published today, 2 of them need a look; 1 file in quarantine"
    assert reports.day_line(seen) == line


def test_a_better_scan_takes_the_row_away(store: ClaimStore) -> None:
    publish(store, "a.pdf", NOON, LOOK)
    publish(store, "a.pdf", NIGHT)
    (note,) = day.read_day(store, NIGHT).notes
    assert (note.at, note.looks) == (NIGHT, ())


def test_a_page_of_low_confidence_needs_a_look(store: ClaimStore) -> None:
    outcome = replace(FINE, low_pages=((2, 51.0), (3, 60.0)), checks=(Check("page", 3, "It was hard to read."),))
    assert day.looks_of(outcome) == ["page 3: It was hard to read.", "page 2: The page was hard to read."]


def test_the_day_is_the_offices(store: ClaimStore) -> None:
    publish(store, "a.pdf", NIGHT, LOOK)
    publish(store, "b.pdf", NEXT_DAY, LOOK)
    assert [note.name for note in day.read_day(store, NIGHT).notes] == ["a.pdf"]
    assert [note.name for note in day.read_day(store, NEXT_DAY).notes] == ["b.pdf"]


def test_it_is_made_only_when_something_changed(store: ClaimStore, tables: list[Any]) -> None:
    reports.report_day(store)
    assert tables == [], "nothing was ever read here"
    publish(store, "a.pdf", NOON, LOOK)
    reports.report_day(store)
    before = files_of(store.folders.home)
    for _ in range(3):
        reports.report_day(store)
    assert len(tables) == 1
    assert files_of(store.folders.home) == before, "at rest nothing is written"
    put_in_quarantine(store, "x.pdf")
    reports.report_day(store)
    publish(store, "a.pdf", NOON)
    reports.report_day(store)
    (store.folders.quarantine / "x.pdf").unlink()
    reports.report_day(store)
    assert [len(table) for table in tables] == [1, 2, 1, 1]
    assert tables[-1] == [reports.day_row("–", ["nothing"])]


def test_midnight_writes_nothing_and_yesterday_goes_with_the_first_document(
    store: ClaimStore, tables: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(store, "a.pdf", NOON, LOOK)
    reports.report_day(store)
    before = files_of(store.folders.home)
    monkeypatch.setattr(reports.time, "time", lambda: NEXT_DAY)
    reports.report_day(store)
    assert (len(tables), files_of(store.folders.home)) == (1, before)
    publish(store, "b.pdf", NEXT_DAY, LOOK)
    reports.report_day(store)
    reports.report_day(store)
    assert [[row["document"] for row in table] for table in tables] == [["a\\.pdf"], ["b\\.pdf"]]
    assert [folder.name for folder in (store.folders.working / ".days").iterdir()] == ["2026-11-27"]


def test_a_table_that_could_not_be_shown_is_made_again(
    store: ClaimStore, tables: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(store, "a.pdf", NOON, LOOK)

    def away(*_: object, **__: object) -> None:
        raise ConnectionError("the server is away")

    with monkeypatch.context() as patched:
        patched.setattr(reports, "create_table_artifact", away)
        patched.setattr(reports, "get_run_logger", lambda: logging.getLogger("test"))
        reports.report_day(store)
    reports.report_day(store)
    assert len(tables) == 1


def test_what_is_no_note_is_passed_over(store: ClaimStore) -> None:
    publish(store, "a.pdf", NOON, LOOK)
    (folder,) = (store.folders.working / ".days").iterdir()
    (folder / "b.json").write_text("{")
    (folder / "c.json").write_text('{"name": 3}')
    assert [note.name for note in day.read_day(store, NOON).notes] == ["a.pdf"]


@settings(max_examples=50)
@given(WORDS)
def test_names_and_reasons_are_shown_as_they_are(words: list[str]) -> None:
    name = " ".join(words)
    note = Note(name, NOON, "r", 2, "2 good", (name,))
    moment = datetime.fromtimestamp(NOON, ZoneInfo("Asia/Ho_Chi_Minh"))
    for row in reports.day_rows(Day(moment, (note,), ((name, name),))):
        for text in (row["document"], row["what needs a look"].removeprefix("in quarantine: ")):
            lines = [shown(line) for line in text.split("<br>")]
            assert "".join(line for line, _ in lines).replace(" ", "") == name.replace(" ", "")
            assert {kind for _, kinds in lines for kind in kinds} <= {"paragraph"}
