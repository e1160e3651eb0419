"""What is taken from the inbox, and when."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.host import heartbeat
from flows.host.moves import Gone
from flows.intake import inbox, transfers
from flows.intake.claims import ClaimStore
from flows.intake.inbox import Look, StabilityTracker
from flows.settings import Folders
from tests.intake import PDF, drop, make_deep


@pytest.mark.parametrize(
    "name", ["~$a.docx", ".DS_Store", "a.pdf.part", "a.crdownload", "Thumbs.db", "._a.pdf", "a.pdf~"]
)
def test_junk(name: str) -> None:
    assert inbox.is_junk(name)


@pytest.mark.parametrize("name", ["a.pdf", "-rf.pdf", "Báo cáo.PDF", "part.pdf", "a b\n.tif"])
def test_no_junk(name: str) -> None:
    assert not inbox.is_junk(name)


def test_links_pipes_and_folders_called_pdf_are_not_files(folders: Folders, tmp_path: Path) -> None:
    drop(folders, "sub/good.pdf")
    secret = tmp_path / "secret.pdf"
    secret.write_bytes(PDF)
    (folders.inbox / "link.pdf").symlink_to(secret)
    (folders.inbox / "way_out").symlink_to(tmp_path)
    (folders.inbox / "folder.pdf").mkdir()
    os.mkfifo(folders.inbox / "pipe.pdf")
    listing = inbox.list_inbox(folders.inbox)
    assert list(listing.files) == ["sub/good.pdf"]
    assert sorted(listing.refused) == ["link.pdf", "pipe.pdf", "way_out"]


LOOKS = st.builds(Look, st.integers(0, 3), st.integers(0, 3))


@given(st.lists(st.tuples(st.floats(0, 10), st.dictionaries(st.sampled_from("abc"), LOOKS)), max_size=12))
def test_a_file_is_as_old_as_its_last_change(looks: list[tuple[float, dict[str, Look]]]) -> None:
    """The tracker, also when it is stored between looks, says how long each file has been seen unchanged."""
    tracker, now = StabilityTracker("c"), 100.0
    expected: dict[str, tuple[Look, float]] = {}
    for pause, files in looks:
        now += pause
        expected = {
            path: expected[path] if path in expected and expected[path][0] == look else (look, now)
            for path, look in files.items()
        }
        tracker = StabilityTracker.load(tracker.dump(), "c")
        assert tracker.observe(files, now) == {path: now - since for path, (_, since) in expected.items()}


def test_a_clock_set_back_makes_nothing_old() -> None:
    tracker = StabilityTracker("c")
    look = Look(1, 1)
    tracker.observe({"a": look}, 1000.0)
    assert tracker.observe({"a": look}, 10.0) == {"a": 0.0}


def test_13_12c_the_clock_of_another_start_says_nothing() -> None:
    tracker = StabilityTracker("before")
    tracker.observe({"a": Look(1, 1)}, 10.0)
    assert StabilityTracker.load(tracker.dump(), "after").observe({"a": Look(1, 1)}, 1000.0) == {"a": 0.0}


@pytest.mark.parametrize(
    ("data", "whole"),
    [
        (PDF, True),
        (PDF[:-7], False),
        (b"\x89PNG\r\n\x1a\n....IEND\xaeB`\x82", True),
        (b"\x89PNG\r\n\x1a\n....", False),
        (b"\xff\xd8\xff\xe0....\xff\xd9", True),
        (b"\xff\xd8\xff\xe0....", False),
        (b"II*\x00....", True),
        (b"hello", False),
        (b"", False),
    ],
)
def test_looks_whole(tmp_path: Path, data: bytes, whole: bool) -> None:
    (tmp_path / "a").write_bytes(data)
    assert inbox.looks_whole(tmp_path / "a") is whole


def test_what_does_not_open_waits_longer(folders: Folders) -> None:
    drop(folders, "whole.pdf")
    drop(folders, "half.pdf", PDF[:-7])
    listing = inbox.list_inbox(folders.inbox)

    def ready(seconds: float) -> list[str]:
        unchanged = dict.fromkeys(listing.files, seconds)
        return sorted(inbox.ready_files(folders.inbox, listing, unchanged, settle=5, settle_broken=60))

    assert ready(4.9) == []
    assert ready(5) == ["whole.pdf"]
    assert ready(60) == ["half.pdf", "whole.pdf"]


@pytest.mark.timeout(20)
def test_a_pipe_in_place_of_a_file_hangs_nothing(folders: Folders, store: ClaimStore) -> None:
    os.mkfifo(folders.inbox / "a.pdf")
    assert not inbox.looks_whole(folders.inbox / "a.pdf")
    with pytest.raises(Gone):
        inbox.look_at(folders.inbox / "a.pdf")
    with pytest.raises(Gone):
        transfers.take(store, "a.pdf", Look(0, 0), heartbeat.identity())


def test_folders_a_thousand_deep(deep_folders: Folders) -> None:
    make_deep(deep_folders.inbox, "a", 1500)
    name = "a/" * 1500 + "a.pdf"
    assert list(inbox.list_inbox(deep_folders.inbox).files) == [name]
