"""What becomes of a scan in quarantine when a better one of its name is published, or when nobody wants it any more."""

from __future__ import annotations

import tempfile
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from flows import cli, ingest
from flows.host import heartbeat, moves
from flows.host.moves import Gone
from flows.intake import quarantine, register, settling, transfers
from flows.intake.claims import ClaimStore
from flows.intake.register import reason_path
from flows.intake.status import status
from flows.intake.sweep import Runs, sweep
from flows.settings import Folders, load
from ocr.faults import NotAScan
from tests.intake import FakeServer, apart, drop


def refuse(store: ClaimStore, name: str, data: bytes = b"no scan", flow_run: str = "") -> Path:
    claim = transfers.take(store, name, drop(store.folders, name, data), heartbeat.identity())
    place = quarantine.quarantine(store, replace(claim, flow_run=flow_run), NotAScan(f"no scan: {name}"))
    assert place is not None
    return place


def below(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_a_better_scan_of_the_name_puts_the_others_away(folders: Folders, store: ClaimStore) -> None:
    for data in (b"first", b"second"):
        refuse(store, "sub/a.pdf", data)
    other = [refuse(store, "a.pdf"), refuse(store, "sub/a.tif")]
    notes = [reason_path(folders.quarantine / "sub" / name).read_bytes() for name in ("a.pdf", "a (2).pdf")]
    placed = settling.settle(store, "sub/a.pdf")
    assert sorted(placed) == [folders.dismissed / "sub/a (2).pdf", folders.dismissed / "sub/a.pdf"]
    assert below(folders.dismissed) == {
        "sub/a.pdf": b"first",
        "sub/a (2).pdf": b"second",
        "sub/a.pdf.reason.txt": notes[0],
        "sub/a (2).pdf.reason.txt": notes[1],
    }
    assert [path for path, _ in quarantine.quarantined_files(store)] == other
    assert status(store)[0]["quarantine"] == 2
    assert settling.settle(store, "sub/a.pdf") == []


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_how_the_marks_of_a_name_are_written_does_not_matter(store: ClaimStore, form: str) -> None:
    name = "Tờ trình số 5.pdf"
    refuse(store, unicodedata.normalize(form, name))
    assert len(settling.settle(store, unicodedata.normalize("NFC" if form == "NFD" else "NFD", name))) == 1


def test_nothing_is_replaced_in_dismissed(folders: Folders, store: ClaimStore) -> None:
    for round in range(3):
        place = refuse(store, "a.pdf", str(round).encode())
        assert settling.dismiss(store, place).is_relative_to(folders.dismissed)
        (folders.dismissed / "a (2).pdf.reason.txt").write_bytes(b"somebody's")
    kept = below(folders.dismissed)
    assert {"0", "1", "2"} <= {data.decode() for data in kept.values()}
    assert kept["a (2).pdf.reason.txt"] == b"somebody's"
    assert set(kept) >= {"a.pdf", "a (3).pdf", "a (3).pdf.reason.txt", "a (4).pdf"}


def test_a_note_that_somebody_wrote_on_goes_with_its_scan(folders: Folders, store: ClaimStore) -> None:
    place = refuse(store, "a.pdf")
    with reason_path(place).open("a") as file:
        file.write("đã gọi cho văn thư\n")
    words = reason_path(place).read_bytes()
    settling.dismiss(store, place)
    assert below(folders.dismissed)["a.pdf.reason.txt"] == words
    assert below(folders.quarantine) == {}


def test_what_somebody_put_into_quarantine_can_be_dismissed_too(folders: Folders, store: ClaimStore) -> None:
    (folders.quarantine / "x.pdf").write_bytes(b"x")
    assert settling.dismiss(store, folders.quarantine / "x.pdf") == folders.dismissed / "x.pdf"
    assert list(register.entries(store)) == []


def test_only_what_lies_in_quarantine_can_be_dismissed(folders: Folders, store: ClaimStore, tmp_path: Path) -> None:
    place = refuse(store, "a.pdf")
    other = tmp_path / "other"
    other.mkdir()
    (other / "b.pdf").write_bytes(b"b")
    (folders.quarantine / "link").symlink_to(other)
    (folders.quarantine / "c.pdf").symlink_to(other / "b.pdf")
    for path in (
        folders.quarantine / "no.pdf",
        folders.inbox / "a.pdf",
        folders.quarantine / "link/b.pdf",
        folders.quarantine / "c.pdf",
        folders.quarantine,
        reason_path(place),
    ):
        with pytest.raises(Gone):
            settling.dismiss(store, path)
    assert place.exists() and (other / "b.pdf").exists() and below(folders.dismissed) == {}


def test_a_retried_scan_has_the_name_that_it_was_dropped_under(folders: Folders, store: ClaimStore) -> None:
    refuse(store, "sub/a.pdf", b"first").unlink()
    second = refuse(store, "sub/a.pdf", b"second")
    third = refuse(store, "sub/a.pdf", b"third")
    assert (second.name, third.name) == ("a.pdf", "a (2).pdf")
    assert quarantine.retry(store, third, heartbeat.identity()) == folders.inbox / "sub/a.pdf"
    (entry,) = register.entries(store)
    assert quarantine.take_again(store, entry.claim, heartbeat.identity(), "run").name == "sub/a.pdf"


@pytest.mark.parametrize("how", ["settle", "dismiss", "retry", "taken by hand"])
def test_the_run_of_a_scan_that_left_quarantine_loses_its_tags(store: ClaimStore, how: str) -> None:
    released: list[str] = []
    server = FakeServer()
    runs = Runs(server.runs.start, server.runs.ended, released.extend)
    place = refuse(store, "a.pdf", flow_run="run 1")
    sweep(store, heartbeat.identity(), runs)
    assert released == []
    match how:
        case "settle":
            settling.settle(store, "a.pdf")
        case "dismiss":
            settling.dismiss(store, place)
        case "retry":
            quarantine.retry(store, place, heartbeat.identity())
        case "taken by hand":
            place.unlink()
            quarantine.drop_stray_notes(store)

    def away(ids: list[str]) -> None:
        raise ConnectionError("refused")

    sweep(store, heartbeat.identity(), Runs(server.runs.start, server.runs.ended, away))
    for _ in range(2):
        sweep(store, heartbeat.identity(), runs)
    assert released == ["run 1"]  # once, when the server is back


def test_a_run_that_is_started_again_keeps_its_tags(store: ClaimStore) -> None:
    """It sets them itself when it ends, and leaves alone what it finds to be so already."""
    refuse(store, "a.pdf", flow_run="run 1")
    (entry,) = register.entries(store)
    quarantine.take_again(store, entry.claim, heartbeat.identity(), "run 1")
    assert register.runs_left(store) == {}


def test_a_run_with_several_scans_in_quarantine_waits_for_the_last(store: ClaimStore) -> None:
    """As that of an archive in which two are damaged."""
    places = [refuse(store, name, flow_run="run 1") for name in ("z/a.pdf", "z/b.pdf")]
    settling.dismiss(store, places[0])
    assert register.runs_left(store) == {}
    settling.dismiss(store, places[1])
    assert list(register.runs_left(store)) == ["run 1"]


class Killed(BaseException):
    """Stands for the end of the process."""


CUTS = ("rename_to_free", "copy_whole", "sync_folder")


@settings(max_examples=40)
@given(st.integers(1, 14), st.booleans(), st.booleans())
def test_a_kill_at_any_step_loses_nothing_and_the_next_sweep_ends_it(
    step: int, are_apart: bool, is_written_on: bool
) -> None:
    """Whether the folders are one file system or two."""
    with tempfile.TemporaryDirectory() as home, pytest.MonkeyPatch.context() as patch:
        store = ClaimStore(load(home=Path(home)))
        folders = store.folders
        folders.make()
        place = refuse(store, "sub/a.pdf", b"the scan", flow_run="run 1")
        if is_written_on:
            with reason_path(place).open("a") as file:
                file.write("a remark\n")
        words = reason_path(place).read_bytes()
        if are_apart:
            apart(patch, folders)
        left = step

        def cut(real: Callable[..., object]) -> Callable[..., object]:
            def call(*given: object, **named: object) -> object:
                nonlocal left
                left -= 1
                if left == 0:
                    raise Killed
                return real(*given, **named)

            return call

        with pytest.MonkeyPatch.context() as cuts:
            for name in CUTS:
                cuts.setattr(moves, name, cut(getattr(moves, name)))
            cuts.setattr(Path, "unlink", cut(Path.unlink))
            cuts.setattr(register, "save", cut(register.save))
            try:
                settling.settle(store, "sub/a.pdf")
            except Killed:
                held = {*below(folders.quarantine).values(), *below(folders.dismissed).values()}
                assert {b"the scan", words} <= held
        was_marked = any(entry.is_settled for entry in register.entries(store))
        assert settling.finish(store) == []
        if was_marked or not place.exists():
            assert below(folders.dismissed) == {"sub/a.pdf": b"the scan", "sub/a.pdf.reason.txt": words}
            assert below(folders.quarantine) == {}
            assert list(register.runs_left(store)) == ["run 1"]
        else:  # killed before anything was done
            assert set(below(folders.quarantine)) == {"sub/a.pdf", "sub/a.pdf.reason.txt"}


def test_what_cannot_be_moved_now_is_said_and_moved_later(folders: Folders, store: ClaimStore) -> None:
    refuse(store, "a.pdf")
    folders.dismissed.write_bytes(b"in the way")
    assert settling.settle(store, "a.pdf") == []
    (trouble,) = settling.finish(store)
    assert trouble.startswith("a.pdf stays in quarantine for now")
    folders.dismissed.unlink()
    assert settling.finish(store) == []
    assert (folders.dismissed / "a.pdf").exists()


def test_a_scan_that_comes_to_the_place_of_a_settled_one_stays(folders: Folders, store: ClaimStore) -> None:
    """Somebody took the first away just before it was moved."""
    place = refuse(store, "a.pdf", b"first")
    folders.dismissed.write_bytes(b"in the way")
    settling.settle(store, "a.pdf")
    for path in (place, reason_path(place)):
        path.unlink()
    folders.dismissed.unlink()
    assert refuse(store, "a.pdf", b"second") == place
    assert settling.finish(store) == []
    assert place.read_bytes() == b"second"


def test_a_record_that_leads_elsewhere_is_none(folders: Folders, store: ClaimStore) -> None:
    """Its fields become parts of paths."""
    refuse(store, "a.pdf")
    (entry,) = register.entries(store)
    for change in ({"name": "../a.pdf"}, {"mark": "../x"}, {"place": "/etc/passwd"}):
        register.save(store, replace(entry, **change))
        assert list(register.entries(store)) == []
    assert set(below(folders.quarantine)) == {"a.pdf", "a.pdf.reason.txt"}


def test_a_scan_that_is_only_read_again_settles_nothing(folders: Folders, store: ClaimStore) -> None:
    """What lies in quarantine may have come after it."""
    place = refuse(store, "a.pdf")
    claim = transfers.take(store, "a.pdf", drop(folders, "a.pdf"), heartbeat.identity())
    assert ingest._settle(store, replace(claim, original="a.pdf")) == ()
    assert ingest._settle(store, replace(claim, keep=False)) == ()
    assert place.exists()
    assert ingest._settle(store, claim) == (folders.dismissed / "a.pdf",)


def test_the_command_says_what_it_put_away(store: ClaimStore, monkeypatch: pytest.MonkeyPatch) -> None:
    place = refuse(store, "sub/a.pdf")
    monkeypatch.setenv("NAMBAT_HOME", str(store.folders.home))
    done = CliRunner().invoke(cli.nambat, ["dismiss", "sub/a.pdf", "no.pdf", "../inbox/x.pdf"])
    assert done.exit_code == 1
    assert f"sub/a.pdf is put away: {store.folders.dismissed}/sub/a.pdf" in done.output
    assert done.output.count("is not in quarantine; `nambat status` lists what is.") == 2
    assert not place.exists()
    assert CliRunner().invoke(cli.nambat, ["dismiss"]).exit_code == 2
