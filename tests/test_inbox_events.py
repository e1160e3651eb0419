"""What the kernel tells of the inbox: which files their writers are done with."""

from __future__ import annotations

import os
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from flows.intake.inbox import is_whole_and_closed, is_written_to, list_inbox, ready_files
from flows.intake.inbox_events import EventsLost, InboxEvents

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="inotify is Linux's")

PDF = b"%PDF-1.4\n...\n%%EOF\n"


class Clock:
    """One that tests set."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    (tmp_path / "inbox").mkdir()
    return tmp_path / "inbox"


@pytest.fixture
def events(inbox: Path, clock: Clock) -> Iterator[InboxEvents]:
    with closing(InboxEvents(inbox, quiet=2, clock=clock)) as events:
        yield events


def settled_after(events: InboxEvents, clock: Clock, path: str, seconds: float) -> bool:
    events.wait(0)
    clock.now += seconds
    return events.is_settled(path)


@pytest.mark.parametrize(("seconds", "settled"), [(1.9, False), (2, True), (50, True)])
def test_a_file_settles_some_time_after_it_was_closed(
    inbox: Path, events: InboxEvents, clock: Clock, seconds: float, settled: bool
) -> None:
    (inbox / "a.pdf").write_bytes(PDF)
    assert settled_after(events, clock, "a.pdf", seconds) is settled


def test_one_that_is_still_open_does_not_settle(inbox: Path, events: InboxEvents, clock: Clock) -> None:
    with (inbox / "a.pdf").open("wb") as file:
        file.write(PDF)
        file.flush()
        assert not settled_after(events, clock, "a.pdf", 50)
    assert settled_after(events, clock, "a.pdf", 2)


def test_whoever_writes_again_begins_anew(inbox: Path, events: InboxEvents, clock: Clock) -> None:
    (inbox / "a.pdf").write_bytes(PDF)
    assert settled_after(events, clock, "a.pdf", 2)
    with (inbox / "a.pdf").open("ab") as file:
        file.write(b"more")
        file.flush()
        assert not settled_after(events, clock, "a.pdf", 50)
    assert settled_after(events, clock, "a.pdf", 2)


def test_time_stamps_that_a_copy_sets_last_are_waited_for(inbox: Path, events: InboxEvents, clock: Clock) -> None:
    (inbox / "a.pdf").write_bytes(PDF)
    assert not settled_after(events, clock, "a.pdf", 1.5)
    os.utime(inbox / "a.pdf", (1, 1))
    assert not settled_after(events, clock, "a.pdf", 1.5)
    assert settled_after(events, clock, "a.pdf", 0.5)


def test_what_is_renamed_into_place_settles_under_its_new_name(
    inbox: Path, events: InboxEvents, clock: Clock, tmp_path: Path
) -> None:
    (inbox / "a.part").write_bytes(PDF)
    (inbox / "a.part").rename(inbox / "a.pdf")
    (tmp_path / "b.pdf").write_bytes(PDF)
    (tmp_path / "b.pdf").rename(inbox / "b.pdf")
    assert settled_after(events, clock, "a.pdf", 2)
    assert events.is_settled("b.pdf")
    assert not events.is_settled("a.part")


def test_what_lay_there_before_is_not_known(inbox: Path, clock: Clock) -> None:
    (inbox / "a.pdf").write_bytes(PDF)
    with closing(InboxEvents(inbox, quiet=0, clock=clock)) as events:
        assert not settled_after(events, clock, "a.pdf", 50)


@pytest.mark.parametrize("name", ["b", "Tháng 11/Công văn đến", "x" * 200])
def test_folders_made_later_are_watched_too(inbox: Path, events: InboxEvents, clock: Clock, name: str) -> None:
    for folder in reversed((inbox / name, *(inbox / name).parents)):
        if not folder.exists():
            folder.mkdir()
            events.wait(0)
    (inbox / name / "a.pdf").write_bytes(PDF)
    assert settled_after(events, clock, f"{name}/a.pdf", 2)


def test_a_folder_moved_in_whole_has_settled_files(
    inbox: Path, events: InboxEvents, clock: Clock, tmp_path: Path
) -> None:
    (tmp_path / "b" / "c").mkdir(parents=True)
    (tmp_path / "b" / "c" / "a.pdf").write_bytes(PDF)
    (tmp_path / "b").rename(inbox / "b")
    assert settled_after(events, clock, "b/c/a.pdf", 2)
    (inbox / "b" / "c" / "d.pdf").write_bytes(PDF)
    assert settled_after(events, clock, "b/c/d.pdf", 2)


def test_a_folder_that_is_renamed_makes_all_be_looked_at_anew(inbox: Path, events: InboxEvents) -> None:
    (inbox / "b").mkdir()
    events.wait(0)
    (inbox / "b").rename(inbox / "c")
    with pytest.raises(EventsLost):
        events.wait(0)


def test_an_inbox_that_is_removed_is_told(inbox: Path, events: InboxEvents) -> None:
    shutil.rmtree(inbox)
    with pytest.raises(EventsLost):
        for _ in range(3):
            events.wait(1)


def test_a_linked_folder_is_not_followed(inbox: Path, clock: Clock, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (inbox / "link").symlink_to(tmp_path / "elsewhere")
    with closing(InboxEvents(inbox, quiet=0, clock=clock)) as events:
        (inbox / "later").symlink_to(tmp_path / "elsewhere")
        events.wait(0)
        (tmp_path / "elsewhere" / "a.pdf").write_bytes(PDF)
        events.wait(0)
        clock.now += 50
        assert not events.is_settled("link/a.pdf")
        assert not events.is_settled("later/a.pdf")


def test_the_next_to_settle(inbox: Path, events: InboxEvents, clock: Clock) -> None:
    assert events.next_settled(after=0) is None
    (inbox / "a.pdf").write_bytes(PDF)
    events.wait(0)
    clock.now += 1
    (inbox / "b.pdf").write_bytes(PDF)
    events.wait(0)
    assert events.next_settled(after=0) == 102
    assert events.next_settled(after=102) == 103
    assert events.next_settled(after=103) is None
    (inbox / "b.pdf").unlink()
    events.wait(0)
    assert events.next_settled(after=102) is None


def test_waiting_ends_when_something_happens(inbox: Path, events: InboxEvents) -> None:
    begun = time.monotonic()
    assert not events.wait(0.2)
    assert time.monotonic() - begun >= 0.19
    threading.Timer(0.1, (inbox / "a.pdf").write_bytes, [PDF]).start()
    assert events.wait(30)
    assert time.monotonic() - begun < 20


def test_who_has_it_open_to_write_is_seen(inbox: Path) -> None:
    path = inbox / "a.pdf"
    path.write_bytes(PDF)
    assert is_whole_and_closed(path)
    with path.open("rb"):
        assert not is_written_to(path)
    with path.open("ab"):
        assert is_written_to(path)
        assert not is_whole_and_closed(path)
    assert not is_written_to(path)
    assert not is_written_to(inbox / "none.pdf")


def test_who_opens_it_while_it_is_looked_at_harms_nobody(inbox: Path) -> None:
    """The kernel sends a signal to whoever holds the lease that is asked for."""
    path = inbox / "a.pdf"
    path.write_bytes(PDF)
    over = time.monotonic() + 1

    def write_again_and_again() -> None:
        while time.monotonic() < over:
            path.open("ab").close()

    writers = [threading.Thread(target=write_again_and_again) for _ in range(3)]
    for writer in writers:
        writer.start()
    while time.monotonic() < over:
        is_written_to(path)
    for writer in writers:
        writer.join()
    assert not is_written_to(path)


@pytest.mark.parametrize(
    ("data", "ready"),
    [
        (PDF, True),
        (PDF[:-7], False),
        (b"\x89PNG\r\n\x1a\n...IEND....", True),
        (b"\xff\xd8\xff...", False),
        # Their end says nothing: they lie still for a while first.
        (b"II*\x00 a TIFF", False),
        (b"no scan", False),
        (b"", False),
    ],
)
def test_what_its_writer_closed_is_ready_if_its_end_tells(inbox: Path, data: bytes, ready: bool) -> None:
    (inbox / "a").write_bytes(data)
    listing = list_inbox(inbox)

    def found(is_settled: bool) -> list[str]:
        return ready_files(
            inbox, listing, {"a": 0.0}, settle=5, settle_broken=60, is_settled=lambda path: is_settled and path == "a"
        )

    assert found(True) == (["a"] if ready else [])
    assert found(False) == []
