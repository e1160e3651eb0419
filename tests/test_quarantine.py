"""What lies in quarantine, with its note, and how it comes back."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from flows.host import heartbeat, moves
from flows.host.moves import Gone
from flows.intake import quarantine, register, transfers
from flows.intake.claims import FORGOTTEN, Claim, ClaimStore
from flows.intake.inbox import look_at
from flows.intake.register import reason_path
from flows.intake.sweep import sweep
from flows.pipeline.faults import took_too_long
from flows.settings import Folders, load
from ocr.faults import NotAScan
from tests.intake import PDF, FakeServer, drop, places, take_one


def test_retry_in_the_ui_finds_the_scan_in_quarantine(folders: Folders) -> None:
    server, store = FakeServer(), ClaimStore(load(home=folders.home, settle=0))
    claim = take_one(store, heartbeat.identity(), running=True)
    quarantine.quarantine(store, claim, NotAScan("broken"))
    with pytest.raises(Gone):
        quarantine.take_again(store, "20260101-000000-00000000", heartbeat.identity(), "run 1")
    for _ in range(2):  # the same run can be retried again and again
        again = quarantine.take_again(store, claim.id, heartbeat.identity(), "run 1")
        assert (again.id, again.name, again.sha256) == (claim.id, "a.pdf", claim.sha256)
        assert places(folders, "a.pdf") == ["working"]
        assert list(folders.quarantine.iterdir()) == []
        sweep(store, heartbeat.identity(), server.runs)
        assert server.started == []  # it has its run
        quarantine.quarantine(store, again, NotAScan("broken"))


def test_a_scan_called_like_a_note_is_not_overwritten(folders: Folders, store: ClaimStore) -> None:
    """Whatever comes first, a file that somebody named ``a.pdf.reason.txt``, or ``a.pdf``, both are kept and shown."""
    for order in (["a.pdf.reason.txt", "a.pdf"], ["a.pdf", "a.pdf.reason.txt"]):
        for name in order:
            look = drop(folders, name, name.encode())
            claim = transfers.take(store, name, look, heartbeat.identity())
            assert quarantine.quarantine(store, claim, NotAScan(f"no scan: {name}"))
        kept = quarantine.quarantined_files(store)
        assert {(path.read_bytes().decode(), why) for path, why in kept} == {
            (name, f"no scan: {name}") for name in order
        }
        quarantine.drop_stray_notes(store)
        assert quarantine.quarantined_files(store) == kept
        for path, _ in kept:
            quarantine.retry(store, path, heartbeat.identity())
        assert list(folders.quarantine.iterdir()) == []
        for path in folders.inbox.iterdir():
            path.unlink()


def refuse(store: ClaimStore, name: str, data: bytes) -> Path:
    claim = transfers.take(store, name, drop(store.folders, name, data), heartbeat.identity())
    place = quarantine.quarantine(store, claim, NotAScan(f"no scan: {name}"))
    assert place is not None
    return place


REMARK = "\nđã gọi cho văn thư\n"


def test_13_12d_a_note_with_a_remark_that_is_dropped_into_the_inbox_is_kept(
    folders: Folders, store: ClaimStore
) -> None:
    """A clerk drags both files from quarantine to the inbox: the note is a file like any other there."""
    for name in ("a.pdf", "a.pdf.reason.txt"):
        refuse(store, "a.pdf", b"a")
        note = folders.quarantine / "a.pdf.reason.txt"
        with note.open("a") as file:
            file.write(REMARK)
        words = note.read_bytes()
        for path in list(folders.quarantine.iterdir()):
            path.rename(folders.inbox / path.name)
        order = [name, *({"a.pdf", "a.pdf.reason.txt"} - {name})]
        for one in order:
            refuse(store, one, (folders.inbox / one).read_bytes())
        quarantine.drop_stray_notes(store)
        assert words in [path.read_bytes() for path, _ in quarantine.quarantined_files(store)]
        for path in folders.quarantine.iterdir():
            path.unlink()
        quarantine.drop_stray_notes(store)


def test_13_12d_a_note_that_a_person_wrote_on_is_never_removed(folders: Folders, store: ClaimStore) -> None:
    for leave in ("retry", "retry in the UI", "taken by hand"):
        place = refuse(store, "sub/a.pdf", b"a")
        note = reason_path(place)
        with note.open("a") as file:
            file.write(f"{REMARK}{leave}")
        words = note.read_bytes()
        match leave:
            case "retry":
                quarantine.retry(store, place, heartbeat.identity()).unlink()
            case "retry in the UI":
                (entry,) = register.entries(store)
                transfers.hand_back(store, quarantine.take_again(store, entry.claim, heartbeat.identity(), "run"))
                (folders.inbox / "sub/a.pdf").unlink()
            case "taken by hand":
                place.unlink()
        quarantine.drop_stray_notes(store)
        found = [path for path in folders.home.rglob("*") if path.is_file() and path.read_bytes() == words]
        assert len(found) == 1
        if leave == "taken by hand":
            assert quarantine.quarantined_files(store) == [(note, quarantine.WRITTEN_ON)]
            assert refuse(store, "sub/a.pdf", b"a").name == "a (2).pdf"  # the next one does not replace it
            assert note.read_bytes() == words
        else:
            assert found[0].is_relative_to(folders.versions / "sub")


@pytest.mark.parametrize("kind", ["symlink", "hardlink"])
def test_13_12d_a_link_in_place_of_a_note_is_left_alone(
    folders: Folders, store: ClaimStore, tmp_path: Path, kind: str
) -> None:
    place = refuse(store, "a.pdf", b"a")
    other = tmp_path / "other"
    other.write_bytes(reason_path(place).read_bytes() + b"x")
    reason_path(place).unlink()
    (reason_path(place).symlink_to if kind == "symlink" else reason_path(place).hardlink_to)(other)
    words = other.read_bytes()
    place.unlink()
    quarantine.drop_stray_notes(store)
    again = refuse(store, "a.pdf", b"a")
    quarantine.retry(store, again, heartbeat.identity())
    assert other.read_bytes() == words


def test_notes_of_version_0_1_are_no_scans(folders: Folders, store: ClaimStore) -> None:
    """They have no entry; nothing is known of them but their text."""
    place = refuse(store, "a.pdf", b"a")
    for entry in register.entries(store):
        register.strike(store, entry)
    assert quarantine.quarantined_files(store) == [(place, "no scan: a.pdf")]
    quarantine.drop_stray_notes(store)
    assert reason_path(place).exists()


def test_what_was_quarantined_under_a_name_that_was_taken_meanwhile_has_one_note(
    folders: Folders, store: ClaimStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = transfers.take(store, "a.pdf", drop(folders, "a.pdf"), heartbeat.identity())
    real = moves.rename_to_free

    def rename(source: Path, target: Path, *handles: int | None, **into: int | None) -> None:
        monkeypatch.setattr(moves, "rename_to_free", real)
        (folders.quarantine / "a.pdf").write_bytes(b"a person's")
        real(source, target, *handles, **into)

    monkeypatch.setattr(moves, "rename_to_free", rename)
    quarantine.quarantine(store, claim, NotAScan("broken"))
    assert sorted(path.name for path in folders.quarantine.iterdir()) == ["a (2).pdf", "a (2).pdf.reason.txt", "a.pdf"]


def records(store: ClaimStore, claim: Claim, **pages: str | None) -> Path:
    folder = store.progress_folder(claim)
    folder.mkdir(parents=True)
    for number, error in pages.items():
        (folder / f"{number}.json").write_text(json.dumps({"number": number, "error": error}))
    (folder / "attempts").write_text("2 1")
    return folder


@pytest.mark.parametrize("way", ["retry", "retry beside another", "retry in the UI", "by hand"])
def test_13_12g_pages_that_were_read_outlive_quarantine(folders: Folders, store: ClaimStore, way: str) -> None:
    claim = transfers.take(store, "sub/a.pdf", drop(folders, "sub/a.pdf"), heartbeat.identity())
    records(store, claim, p00001=None, p00002="damaged")
    place = quarantine.quarantine(store, claim, took_too_long(10))
    assert place is not None
    quarantine.drop_stray_notes(store)  # as the next start does
    if way == "retry beside another":
        drop(folders, "sub/a.pdf", PDF + b"another")
    if way.startswith("retry in"):
        again = quarantine.take_again(store, claim.id, heartbeat.identity(), "run")
    else:
        if way == "by hand":
            place.rename(folders.inbox / "sub/a.pdf")
        back = folders.inbox / "sub/a.pdf" if way == "by hand" else quarantine.retry(store, place, heartbeat.identity())
        name = str(back.relative_to(folders.inbox))
        again = transfers.take(store, name, look_at(back), heartbeat.identity())
    assert [path.name for path in store.progress_folder(again).iterdir()] == ["p00001.json"]
    assert again.attempt == 1


def test_13_12g_pages_that_nobody_needs_go_one_day(
    folders: Folders, store: ClaimStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = transfers.take(store, "a.pdf", drop(folders, "a.pdf"), heartbeat.identity())
    folder = records(store, claim, p00001=None)
    place = quarantine.quarantine(store, claim, took_too_long(10))
    assert place is not None
    long_ago = time.time() - FORGOTTEN - 60
    os.utime(folder, (long_ago, long_ago))
    quarantine.drop_stray_notes(store)
    assert folder.exists()
    place.unlink()
    quarantine.drop_stray_notes(store)
    assert not folder.exists()
