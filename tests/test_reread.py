"""Published scans that are read again, and paths that a person gives: which file is meant, and where it lies then."""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from flows import cli
from flows.faults import PathRefused
from flows.host import heartbeat, moves
from flows.host.moves import Gone
from flows.intake import duplicates, quarantine, transfers
from flows.intake.claims import Claim, ClaimStore
from flows.intake.given_paths import take_given
from flows.intake.reread import find_original, original_of_run, take_original
from flows.intake.sweep import sweep
from flows.service.leftovers import hand_back_all
from flows.settings import load
from ocr.faults import NotAScan, TooLarge
from tests.intake import PDF, FakeServer, apart, dead_owner, drop, everything, places


def publish(store: ClaimStore, name: str, data: bytes = PDF) -> Claim:
    """As if a scan had been read: it lies in originals/, its text in published/."""
    claim = transfers.take(store, name, drop(store.folders, name, data), heartbeat.identity())
    transfers.archive(store, claim)
    duplicates.remember(store, claim.sha256, name, "1", claim.id)
    target = (store.folders.published / name).with_suffix(".json")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps({"source": {"name": Path(name).name, "sha256": claim.sha256}}))
    return claim


@pytest.mark.parametrize("given", ["a/b.pdf", "a/b.txt", "a/b.json", "a/b", "./a/b.pdf"])
def test_names_as_originals_and_published_show_them(store: ClaimStore, given: str) -> None:
    publish(store, "a/b.pdf")
    found = find_original(store, given)
    assert (found.place, found.name, found.others) == ("a/b.pdf", "a/b.pdf", ())


def test_paths_that_lead_there(store: ClaimStore, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(store, "a/b.pdf")
    folders = store.folders
    assert find_original(store, str(folders.originals / "a/b.pdf")).place == "a/b.pdf"
    assert find_original(store, str(folders.published / "a/b.txt")).place == "a/b.pdf"
    monkeypatch.chdir(folders.home)
    assert find_original(store, "originals/a/b.pdf").place == "a/b.pdf"
    (folders.home / "a").mkdir()
    (folders.home / "a/b.pdf").write_bytes(b"another of that name, where one stands")
    assert find_original(store, "a/b.pdf").place == "a/b.pdf"


@pytest.mark.parametrize(
    "given", ["", "x.pdf", "a", "/etc/passwd", "../b.pdf", "a/../../b.pdf", "b.pdf/x", "a/b.pdf\0"]
)
def test_what_is_no_original(store: ClaimStore, given: str) -> None:
    publish(store, "a/b.pdf")
    with pytest.raises(PathRefused):
        find_original(store, given)


def test_links_in_originals_are_not_followed(store: ClaimStore, tmp_path: Path) -> None:
    (tmp_path / "b.pdf").write_bytes(PDF)
    (store.folders.originals / "link.pdf").symlink_to(tmp_path / "b.pdf")
    (store.folders.originals / "folder").symlink_to(tmp_path)
    for shown in ("link.pdf", "folder/b.pdf", str(store.folders.originals / "folder/b.pdf")):
        with pytest.raises(PathRefused):
            find_original(store, shown)


def test_of_several_scans_of_a_name_the_last_is_read_under_that_name(store: ClaimStore) -> None:
    for number in range(3):
        publish(store, "b.pdf", PDF + bytes([number]))
    found = find_original(store, "b.pdf")
    assert (found.place, found.name, found.others) == ("b (3).pdf", "b.pdf", ("b.pdf", "b (2).pdf"))
    assert find_original(store, "b.txt") == found
    older = find_original(store, "b (2).pdf")
    assert (older.place, older.name) == ("b (2).pdf", "b.pdf")
    first = find_original(store, str(store.folders.originals / "b.pdf"))
    assert (first.place, first.name, first.others) == ("b.pdf", "b.pdf", ())


def test_a_scan_that_somebody_called_so_is_no_second_one(store: ClaimStore) -> None:
    publish(store, "b.pdf")
    publish(store, "b (2).pdf", PDF + b"another")
    assert find_original(store, "b.pdf").place == "b.pdf"
    found = find_original(store, "b (2).pdf")
    assert (found.place, found.name) == ("b (2).pdf", "b (2).pdf")


@settings(max_examples=25)
@given(st.lists(st.sampled_from(["b.pdf", "b (2).pdf", "b (2) (2).pdf", "a/b.pdf", "b"]), min_size=1, max_size=6))
def test_the_last_scan_of_a_name_is_found_whatever_others_are_called(dropped: list[str]) -> None:
    with TemporaryDirectory() as folder:
        store = ClaimStore(load(home=folder))
        store.folders.make()
        last = {}
        for number, name in enumerate(dropped):
            last[name] = PDF + bytes([number])
            publish(store, name, last[name])
        for name, data in last.items():
            found = find_original(store, name)
            assert ((store.folders.originals / found.place).read_bytes(), found.name) == (data, name)
            claim = take_original(store, found, heartbeat.identity())
            transfers.archive(store, claim)
            assert find_original(store, name) == found


def test_a_scan_taken_again_is_read_anew_and_goes_back(store: ClaimStore) -> None:
    publish(store, "a/b.pdf")
    publish(store, "a/b.pdf", PDF + b"2")
    sha = find_original(store, "a/b.pdf")
    claim = take_original(store, sha, heartbeat.identity())
    assert (claim.name, claim.original) == ("a/b.pdf", "a/b (2).pdf")
    assert duplicates.find_twin(store, claim.sha256, "1") is None
    assert everything(store.folders) == ["originals/a/b.pdf"]
    server = FakeServer()
    sweep(store, heartbeat.identity(), server.runs)
    assert server.started == ["a/b.pdf"]
    with pytest.raises(PathRefused, match="just now"):
        take_original(store, find_original(store, "a/b.pdf"), heartbeat.identity())
    transfers.archive(store, store.load(claim.id))
    assert everything(store.folders) == ["originals/a/b (2).pdf", "originals/a/b.pdf"]


def test_what_cannot_be_read_this_time_goes_back_to_originals(store: ClaimStore) -> None:
    publish(store, "b.pdf")
    claim = take_original(store, find_original(store, "b.pdf"), heartbeat.identity())
    quarantine.quarantine(store, claim, NotAScan("broken"))
    assert everything(store.folders) == ["originals/b.pdf"]
    assert store.open_claims() == []


@pytest.mark.parametrize("end", ["cancelled", "dropped"])
def test_a_reread_that_is_cancelled(store: ClaimStore, end: str) -> None:
    """By a person: it stays as it was. By nobody: it is read all the same, by way of the inbox."""
    server = FakeServer()
    publish(store, "b.pdf")
    claim = take_original(store, find_original(store, "b.pdf"), heartbeat.identity())
    store.save(replace(claim, flow_run="1"))
    server.ends["1"] = end
    swept = sweep(store, heartbeat.identity(), server.runs)
    assert swept is not None
    assert swept.quarantined == ()
    assert places(store.folders, "b.pdf") == ["originals" if end == "cancelled" else "inbox"]
    assert duplicates.find_twin(store, claim.sha256, "1") is None


def test_after_a_crash_it_comes_by_the_inbox(store: ClaimStore) -> None:
    publish(store, "b.pdf")
    take_original(store, find_original(store, "b.pdf"), dead_owner())
    hand_back_all(store, crashed=True)
    assert everything(store.folders) == ["inbox/b.pdf"]


@pytest.mark.parametrize("step", range(6))
def test_a_crash_between_two_file_systems_loses_nothing(
    store: ClaimStore, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    """originals/ is a file system of its own, and the process dies before one of the steps of the move."""
    publish(store, "b.pdf")
    publish(store, "b.pdf", PDF + b"2")
    steps = iter(range(step))

    class Killed(BaseException):
        pass

    def dies(what: object) -> object:
        def instead(*given: object, **more: object) -> object:
            if next(steps, None) is None:
                raise Killed
            return what(*given, **more)  # type: ignore[operator]

        return instead

    with monkeypatch.context() as patch:
        apart(patch, store.folders)
        patch.setattr(moves, "rename_to_free", dies(moves.rename_to_free))
        patch.setattr(moves, "sync_folder", dies(moves.sync_folder))
        patch.setattr(Path, "unlink", dies(Path.unlink))
        with contextlib.suppress(Killed):
            take_original(store, find_original(store, "b.pdf"), dead_owner())
    hand_back_all(store, crashed=True)
    kept = sorted(path.read_bytes() for path in store.folders.home.rglob("b*.pdf") if path.is_file())
    assert kept == [PDF, PDF + b"2"]
    assert store.open_claims() == []


def test_the_scan_of_a_completed_run(store: ClaimStore) -> None:
    first = publish(store, "b.pdf")
    second = publish(store, "b.pdf", PDF + b"2")
    assert original_of_run(store, first.id, "b.pdf").place == "b.pdf"
    assert original_of_run(store, second.id, "b.pdf").place == "b (2).pdf"
    for claim_id in ("20260101-000000-00000000", ""):
        with pytest.raises(Gone):
            original_of_run(store, claim_id, "b.pdf")
    (store.folders.originals / "b.pdf").write_bytes(PDF + b"somebody mended it")
    with pytest.raises(Gone):
        original_of_run(store, first.id, "b.pdf")
    again = take_original(
        store, original_of_run(store, second.id, "b.pdf"), heartbeat.identity(), claim_id=second.id, flow_run="1"
    )
    assert (again.id, again.flow_run, again.name) == (second.id, "1", "b.pdf")


def test_the_command_says_what_it_does(store: ClaimStore, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(2):
        publish(store, "b.pdf", PDF + bytes([number]))
    monkeypatch.setenv("NAMBAT_HOME", str(store.folders.home))
    monkeypatch.setattr("flows.service.record.owner_of_service", lambda _: heartbeat.identity())
    done = CliRunner().invoke(cli.nambat, ["reread", "b.txt", "x.pdf", "b.pdf"])
    assert done.exit_code == 1
    assert "b (2).pdf: the service reads it again" in done.output
    assert "b.pdf is being read just now" in done.output
    assert str(store.folders.originals / "b.pdf") in done.output
    assert "no scan in originals/ is called x.pdf" in done.output
    assert [claim.original for claim in store.open_claims()] == ["b (2).pdf"]


# A path that a person gives


@pytest.fixture
def roots(tmp_path: Path) -> ClaimStore:
    """A home with a folder beside it from which may be read."""
    store = ClaimStore(load(home=tmp_path / "home", read_roots=f"{tmp_path / 'kho'}:{tmp_path / 'kho 2'}"))
    store.folders.make()
    for root in ("kho/a", "kho 2", "secret", "home/other"):
        (tmp_path / root).mkdir(parents=True)
        (tmp_path / root / "b.pdf").write_bytes(PDF)
    return store


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("{0}/kho/a/b.pdf", "kho/a/b.pdf"),
        ("{0}/kho 2/b.pdf ", "kho 2/b.pdf"),
        ("other/b.pdf", "other/b.pdf"),
        ("{0}/home/other/b.pdf", "other/b.pdf"),
        ("../kho/a/b.pdf", "kho/a/b.pdf"),
    ],
)
def test_a_copy_of_a_given_file_is_read(roots: ClaimStore, tmp_path: Path, given: str, name: str) -> None:
    claim = take_given(roots, given.format(tmp_path), heartbeat.identity(), "1")
    assert (claim.name, claim.keep, claim.flow_run) == (name, False, "1")
    assert roots.scan(claim).read_bytes() == PDF
    transfers.archive(roots, claim)
    assert everything(roots.folders) == []
    assert (tmp_path / "kho/a/b.pdf").exists()


def test_a_given_original_is_read_again(roots: ClaimStore) -> None:
    publish(roots, "b.pdf")
    publish(roots, "b.pdf", PDF + b"2")
    claim = take_given(roots, "originals/b.pdf", heartbeat.identity(), "1")
    assert (claim.original, claim.keep, claim.flow_run) == ("b.pdf", True, "1")


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("/etc/passwd", "NAMBAT_READ_ROOTS"),
        ("{0}/secret/b.pdf", "NAMBAT_READ_ROOTS"),
        ("{0}/kho/../secret/b.pdf", "NAMBAT_READ_ROOTS"),
        ("{0}/khoa/b.pdf", "NAMBAT_READ_ROOTS"),
        ("", "is no file"),
        ("other", "is no file"),
        ("other/none.pdf", "is no file"),
        ("other/b.pdf/c", "is no file"),
        ("other/link.pdf", "is no file"),
        ("behind/b.pdf", "is no file"),
        ("other/pipe", "is no file"),
        ("other/b.pdf\0.txt", "is no file"),
        ("inbox/b.pdf", "lies in inbox"),
        ("working/x/scan/b.pdf", "lies in working"),
        ("published/b.txt", "lies in published"),
        ("quarantine/b.pdf", "lies in quarantine"),
        ("versions/b.txt", "lies in versions"),
        ("prefect/prefect.db", "lies in prefect"),
        ("dismissed/b.pdf", "lies in dismissed"),
        ("logs/nambat.log", "lies in logs"),
        ("review/index.sqlite", "lies in review"),
        ("originals/none.pdf", "originals/"),
    ],
)
def test_a_given_path_that_is_refused(roots: ClaimStore, tmp_path: Path, given: str, says: str) -> None:
    home = roots.folders.home
    (home / "other/link.pdf").symlink_to(tmp_path / "secret/b.pdf")
    (home / "behind").symlink_to(tmp_path / "secret")
    os.mkfifo(home / "other/pipe")
    with pytest.raises(PathRefused, match=says) as refused:
        take_given(roots, given.format(tmp_path), heartbeat.identity(), "1")
    assert refused.value.vietnamese
    assert roots.open_claims() == []


def test_a_given_file_that_is_too_large_is_not_copied(roots: ClaimStore, tmp_path: Path) -> None:
    small = ClaimStore(load(home=roots.folders.home, max_bytes=10))
    with pytest.raises(TooLarge):
        take_given(small, "other/b.pdf", heartbeat.identity(), "1")
    assert roots.open_claims() == []


def test_roots_are_paths_with_colons_between(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NAMBAT_READ_ROOTS", f"{tmp_path}::~/scans")
    assert load().read_roots == (tmp_path, Path("~/scans").expanduser())
    monkeypatch.delenv("NAMBAT_READ_ROOTS")
    assert load().read_roots == ()
