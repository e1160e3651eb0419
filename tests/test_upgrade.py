"""A home of version 0.1.0 under today's programs: all of it is found, nothing of it is lost."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from flows.host import heartbeat
from flows.intake import quarantine, settling
from flows.intake.claims import ClaimStore
from flows.intake.reread import find_original
from flows.intake.status import status
from flows.intake.sweep import sweep
from flows.pipeline import publish, revise
from flows.pipeline.versions import Shelf
from flows.review.evaluate import evaluate
from flows.review.index import of_service, refresh
from flows.review.listing import Filter
from flows.review.search import asked_on_command_line, look_for
from flows.settings import load
from normalize.edits.edit import new
from tests.intake import FakeServer
from tests.kernel import needs_proc
from tests.old_home import NOTE, PREFECT_3_8, TEXT, make_old_home
from tests.service import Service
from tests.waiting import wait_until


@pytest.fixture
def old(tmp_path: Path) -> ClaimStore:
    store = ClaimStore(load(home=tmp_path / "home", settle=0))
    make_old_home(store.folders)
    return store


def test_old_texts_are_found(old: ClaimStore) -> None:
    library = of_service(old.folders)
    assert refresh(library).broken == 0
    found = look_for(library, asked_on_command_line(("cong trinh",)), Filter(agency="Nông nghiệp"))
    assert [hit.document.name for hit in found.hits] == ["Phòng A/thủy lợi.json"]
    assert evaluate(library).all.together.made == 1


def test_an_old_text_is_mended(old: ClaimStore) -> None:
    folders = old.folders
    shelf = Shelf(folders.published, folders.working / ".staging", folders.versions)
    place = folders.published / "Phòng A" / "thủy lợi.json"
    seen = publish.seal_of(place.read_bytes())
    edit = new("text", "Lan", "blocks/1", before="Kết quả", after="Kết luận")
    revise.revise(shelf, place, seen, [edit], "Lan")
    assert "Kết luận quản lý" in place.with_suffix(".txt").read_text()
    assert publish.is_as_written(place.read_bytes())
    assert {path.read_text() for path in folders.versions.rglob("*.txt")} == {TEXT}


def test_an_old_scan_is_found_to_be_read_again(old: ClaimStore) -> None:
    assert find_original(old, "Phòng A/thủy lợi.txt").place == "Phòng A/thủy lợi.pdf"


def test_what_a_kill_left_comes_back(old: ClaimStore) -> None:
    server = FakeServer()
    for _ in range(3):
        sweep(old, heartbeat.identity(), server.runs)
    assert [claim.name for claim in old.open_claims()] == ["dở dang.pdf"]
    assert len(server.started) == 1


def test_an_old_note_says_why_and_goes_with_its_scan(old: ClaimStore) -> None:
    folders = old.folders
    assert [(one.name, one.why) for one in status(old)[1] if one.where == "quarantine"] == [
        ("hỏng.pdf", "The PDF is damaged and cannot be opened; scan or export it again.")
    ]
    quarantine.retry(old, folders.quarantine / "hỏng.pdf", heartbeat.identity())
    assert list(folders.quarantine.iterdir()) == []
    (kept,) = folders.versions.rglob("*.txt")  # nothing tells whether somebody wrote on it
    assert kept.read_text() == NOTE


def test_an_old_note_is_dismissed_with_its_scan(old: ClaimStore) -> None:
    settling.dismiss(old, old.folders.quarantine / "hỏng.pdf")
    assert list(old.folders.quarantine.iterdir()) == []
    assert {path.name for path in old.folders.dismissed.iterdir()} == {"hỏng.pdf", "hỏng.pdf.reason.txt"}


def test_a_file_that_is_called_like_a_note_stays(old: ClaimStore) -> None:
    note = old.folders.quarantine / "hỏng.pdf.reason.txt"
    note.write_text("of somebody's own")
    quarantine.retry(old, old.folders.quarantine / "hỏng.pdf", heartbeat.identity())
    assert note.read_text() == "of somebody's own"


@needs_proc
@pytest.mark.slow
@pytest.mark.timeout(420)
def test_todays_service_goes_on_in_an_old_home(tmp_path: Path) -> None:
    folders = load(home=tmp_path / "home").folders
    make_old_home(folders, database=True)
    service = Service(folders.home, tmp_path / "log", {"NAMBAT_SETTLE": "1", "NAMBAT_RESCAN": "2"})
    with service.running():
        wait_until((folders.published / "dở dang.json").exists, said=service.said)
        assert {one["name"] for one in service.api("deployments/filter")} == {
            *("nambat-ingest", "nambat-read", "nambat-sweep"),
            *("nambat-batch", "nambat-batch-part", "nambat-reprocess"),
        }
    with sqlite3.connect(folders.home / "prefect" / "prefect.db") as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone()[0] != PREFECT_3_8
    assert (folders.originals / "dở dang.pdf").is_file()
    assert (folders.published / "Phòng A" / "thủy lợi.txt").is_file()
