"""Where a file is at every instant: in one place, whatever crashes or comes in between."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from flows.host import heartbeat, moves
from flows.host.moves import Gone
from flows.host.names import PATH_BYTES
from flows.intake import inbox, quarantine, transfers
from flows.intake.claims import ClaimStore
from flows.intake.quarantine import reason_path
from flows.intake.sweep import sweep
from flows.pipeline.faults import as_fault, tries_again
from flows.service.leftovers import clear_leftovers
from flows.settings import Folders, load
from ocr.faults import NotAScan
from tests.intake import PDF, FakeServer, apart, dead_owner, drop, everything, places, take_one

NAMES = [
    "a.pdf",
    "sub/Báo cáo quý III.pdf",
    "sub/Ba\u0301o.pdf",
    "-rf.pdf",
    "a\nb.pdf",
    "x" * 251 + ".pdf",
    "claim.json",
    "🙂.tif",
    "sub/" + os.fsdecode(b"caf\xe9.pdf"),
]


@pytest.mark.parametrize("name", NAMES)
def test_a_file_is_in_one_place_all_the_way(folders: Folders, store: ClaimStore, name: str) -> None:
    look = drop(folders, name)
    claim = transfers.take(store, name, look, heartbeat.identity())
    assert places(folders, name) == ["working"]
    assert store.load(claim.id) == claim
    assert transfers.hand_back(store, claim) == folders.inbox / name
    assert places(folders, name) == ["inbox"]
    claim = transfers.take(store, name, look, heartbeat.identity())
    place = quarantine.quarantine(store, claim, NotAScan("broken", vietnamese="hỏng", detail="bad xref"))
    assert place == folders.quarantine / name
    assert places(folders, name) == ["quarantine"]
    vietnamese, english, *rest = reason_path(place).read_text().splitlines()
    assert (vietnamese, english, rest[-1]) == ("hỏng", "broken", "bad xref")
    assert quarantine.retry(store, place, heartbeat.identity()) == folders.inbox / name
    assert places(folders, name) == ["inbox"]
    assert not reason_path(place).exists()
    claim = transfers.take(store, name, look, heartbeat.identity())
    transfers.archive(store, claim)
    assert places(folders, name) == ["originals"]
    assert store.open_claims() == []


def test_nothing_is_overwritten(folders: Folders, store: ClaimStore) -> None:
    for data in (PDF, PDF + b"\n", PDF + b"\n\n"):
        look = drop(folders, "b.pdf", data)
        transfers.archive(store, transfers.take(store, "b.pdf", look, heartbeat.identity()))
    assert sorted(path.name for path in folders.originals.iterdir()) == ["b (2).pdf", "b (3).pdf", "b.pdf"]
    assert (folders.originals / "b.pdf").read_bytes() == PDF


def test_folders_on_file_systems_of_their_own(
    folders: Folders, store: ClaimStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    apart(monkeypatch, folders)
    look = drop(folders, "sub/a.pdf")
    claim = transfers.take(store, "sub/a.pdf", look, heartbeat.identity())
    assert everything(folders) == [f"inbox/sub/{claim.hidden_name}"]
    transfers.hand_back(store, claim)
    assert everything(folders) == ["inbox/sub/a.pdf"]
    claim = transfers.take(store, "sub/a.pdf", look, heartbeat.identity())
    place = quarantine.quarantine(store, claim, NotAScan("broken"))
    assert place is not None
    assert everything(folders) == ["quarantine/sub/a.pdf", "quarantine/sub/a.pdf.reason.txt"]
    quarantine.retry(store, place, heartbeat.identity())
    assert everything(folders) == ["inbox/sub/a.pdf"]
    claim = transfers.take(store, "sub/a.pdf", look, heartbeat.identity())
    transfers.archive(store, claim)
    assert everything(folders) == ["originals/sub/a.pdf"]
    assert store.open_claims() == []


@pytest.mark.skipif(
    not Path("/dev/shm").is_dir() or Path("/dev/shm").stat().st_dev == Path(tempfile.gettempdir()).stat().st_dev,
    reason="needs a second file system in /dev/shm",
)
def test_a_real_second_file_system(tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory(dir="/dev/shm") as other:
        store = ClaimStore(load(home=tmp_path / "home", inbox=Path(other, "inbox"), min_free=0))
        folders = store.folders
        folders.make()
        look = drop(folders, "sub/a.pdf")
        os.utime(folders.inbox / "sub/a.pdf", ns=(10**18, 10**18 + 123))
        look = inbox.list_inbox(folders.inbox).files["sub/a.pdf"]
        narrow = ClaimStore(load(home=tmp_path / "home", inbox=Path(other, "inbox"), min_free=10**18))
        with pytest.raises(OSError, match="No space"):
            transfers.take(narrow, "sub/a.pdf", look, heartbeat.identity())
        assert inbox.list_inbox(folders.inbox) == inbox.Listing({"sub/a.pdf": look}, {})
        claim = transfers.take(store, "sub/a.pdf", look, heartbeat.identity())
        assert places(folders, "sub/a.pdf") == ["working"]
        assert store.load(claim.id) == claim
        assert transfers.is_unchanged(store, claim)
        transfers.hand_back(store, claim)
        assert inbox.list_inbox(folders.inbox) == inbox.Listing({"sub/a.pdf": look}, {})


def test_who_still_writes_to_a_file_that_was_copied_away_loses_nothing(
    folders: Folders, store: ClaimStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The program that writes has the file open and knows nothing of our moves."""
    apart(monkeypatch, folders)
    look = drop(folders, "sub/a.pdf")
    with (folders.inbox / "sub/a.pdf").open("ab") as file:
        claim = transfers.take(store, "sub/a.pdf", look, heartbeat.identity())
        assert transfers.is_unchanged(store, claim)
        assert inbox.list_inbox(folders.inbox).files == {}
        file.write(b"the rest")
    assert not transfers.is_unchanged(store, claim)
    transfers.hand_back(store, claim)
    assert everything(folders) == ["inbox/sub/a.pdf"]
    assert (folders.inbox / "sub/a.pdf").read_bytes() == PDF + b"the rest"


def test_what_is_written_late_is_kept_even_in_quarantine(
    folders: Folders, store: ClaimStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    apart(monkeypatch, folders)
    look = drop(folders, "sub/a.pdf")
    with (folders.inbox / "sub/a.pdf").open("ab") as file:
        claim = transfers.take(store, "sub/a.pdf", look, heartbeat.identity())
        file.write(b"the rest")
    place = quarantine.quarantine(store, claim, NotAScan("cancelled"))
    assert place is not None
    assert place.read_bytes() == PDF + b"the rest"
    assert everything(folders) == ["quarantine/sub/a.pdf", "quarantine/sub/a.pdf.reason.txt"]


def test_a_held_file_that_somebody_removed_comes_back_from_its_copy(
    folders: Folders, store: ClaimStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    apart(monkeypatch, folders)
    look = drop(folders, "sub/a.pdf")
    claim = transfers.take(store, "sub/a.pdf", look, heartbeat.identity())
    shutil.rmtree(folders.inbox / "sub")
    transfers.hand_back(store, claim)
    assert everything(folders) == ["inbox/sub/a.pdf"]


class Crash(BaseException):
    """Stands for kill -9."""


def crash_at(patch: pytest.MonkeyPatch, step: int) -> None:
    """Crash at the ``step``-th change of the file system from now on."""
    steps = 0

    def crashing(real):
        def call(*args, **kwargs):
            nonlocal steps
            steps += 1
            if steps == step:
                raise Crash
            return real(*args, **kwargs)

        return call

    for name in ("rename", "replace", "unlink", "mkdir", "rmdir"):
        patch.setattr(Path, name, crashing(getattr(Path, name)))
    patch.setattr(moves, "rename_to_free", crashing(moves.rename_to_free))
    for name in ("copyfileobj", "rmtree"):
        patch.setattr(shutil, name, crashing(getattr(shutil, name)))


def start_over(store: ClaimStore) -> None:
    """What the next service does with what a dead one left."""
    clear_leftovers(store)
    for left in store.open_claims():
        transfers.recover(store, left)
    quarantine.drop_stray_notes(store)


@pytest.mark.parametrize("verdict", [False, True])
@pytest.mark.parametrize("own_file_systems", [False, True])
@pytest.mark.parametrize(
    ("move", "ends"),
    [
        ("take", {"inbox"}),
        ("hand_back", {"inbox"}),
        ("archive", {"inbox", "originals"}),
        ("quarantine", {"inbox", "quarantine"}),
        ("retry", {"inbox", "quarantine"}),
    ],
)
def test_a_crash_at_any_step_of_a_move_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, move: str, ends: set[str], own_file_systems: bool, verdict: bool
) -> None:
    """Also if the first who finds the claim wants to put its file into quarantine (``verdict``)."""
    broken = NotAScan("broken")
    reached: set[str] = set()
    step, crashed = 0, True
    while crashed:
        step += 1
        store = ClaimStore(load(home=tmp_path / str(step)))
        folders = store.folders
        folders.make()
        look = drop(folders, "sub/a.pdf")
        with monkeypatch.context() as patch:
            if own_file_systems:
                apart(patch, folders)
            if move == "take":
                claim, place = None, None
            else:
                claim = transfers.take(store, "sub/a.pdf", look, dead_owner())
                place = quarantine.quarantine(store, claim, broken) if move == "retry" else None
            crash_at(patch, step)
            try:
                if move == "take":
                    transfers.take(store, "sub/a.pdf", look, dead_owner())
                elif move == "quarantine":
                    quarantine.quarantine(store, claim, broken)
                elif move == "archive":
                    transfers.archive(store, claim)
                elif move == "retry":
                    quarantine.retry(store, place, dead_owner())
                else:
                    transfers.hand_back(store, claim)
                crashed = False
            except Crash:
                pass
        with monkeypatch.context() as patch:
            if own_file_systems:
                apart(patch, folders)
            if verdict:
                for left in store.open_claims():
                    quarantine.quarantine(store, left, broken)
            start_over(store)
        (where,) = places(folders, "sub/a.pdf")
        reached.add(where)
        assert (getattr(folders, where) / "sub/a.pdf").read_bytes() == PDF
        assert store.open_claims() == []
        note = ["quarantine/sub/a.pdf.reason.txt"] if where == "quarantine" else []
        assert everything(folders) == [f"{where}/sub/a.pdf", *note], step
    if verdict:
        assert reached <= {*ends, "quarantine"}
    else:
        assert reached == ends
    assert step > 4


def test_a_file_dropped_at_the_moment_of_a_move_is_not_replaced(
    folders: Folders, store: ClaimStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between choosing a free name and taking it, a person drops a file of that name."""
    look = drop(folders, "a.pdf")
    claim = transfers.take(store, "a.pdf", look, heartbeat.identity())
    real = moves.rename_to_free
    dropped = []

    def rename(source: Path, target: Path, *handles: int | None, **into: int | None) -> None:
        if not dropped:
            dropped.append(drop(folders, "a.pdf", PDF + b"new"))
        real(source, target, *handles, **into)

    monkeypatch.setattr(moves, "rename_to_free", rename)
    assert transfers.hand_back(store, claim) == folders.inbox / "a (2).pdf"
    assert (folders.inbox / "a.pdf").read_bytes() == PDF + b"new"
    assert (folders.inbox / "a (2).pdf").read_bytes() == PDF


@pytest.mark.parametrize("has_renameat2", [True, False])
def test_a_rename_never_replaces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_renameat2: bool) -> None:
    if not has_renameat2:
        monkeypatch.setattr(moves, "_renameat2", lambda: None)
    one, other = tmp_path / "một.pdf", tmp_path / "hai.pdf"
    one.write_text("1")
    other.write_text("2")
    with pytest.raises(FileExistsError):
        moves.rename_to_free(one, other)
    assert (one.read_text(), other.read_text()) == ("1", "2")
    moves.rename_to_free(one, tmp_path / "ba.pdf")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ba.pdf", "hai.pdf"]
    with pytest.raises(FileNotFoundError):
        moves.rename_to_free(one, tmp_path / "bốn.pdf")


def test_a_file_that_grows_while_it_is_copied_stays(
    folders: Folders, store: ClaimStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    apart(monkeypatch, folders)
    look = drop(folders, "a.pdf")
    real = shutil.copyfileobj

    def slow(source, target, length):
        real(source, target, length)
        held = next(folders.inbox.glob(".nambat-*"))
        with held.open("ab") as file:
            file.write(b"more")

    monkeypatch.setattr(shutil, "copyfileobj", slow)
    with pytest.raises(Gone):
        transfers.take(store, "a.pdf", look, heartbeat.identity())
    assert everything(folders) == ["inbox/a.pdf"]
    assert store.open_claims() == []


def test_a_folder_swapped_for_a_link_at_the_last_moment_leads_nowhere(
    folders: Folders, store: ClaimStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = drop(folders, "sub/a.pdf")
    outside = tmp_path / "outside"
    real = ClaimStore.new_claim

    def swap(*args, **kwargs):
        (folders.inbox / "sub").rename(outside)
        (folders.inbox / "sub").symlink_to(outside)
        return real(*args, **kwargs)

    monkeypatch.setattr(ClaimStore, "new_claim", swap)
    with pytest.raises(Gone):
        transfers.take(store, "sub/a.pdf", look, heartbeat.identity())
    assert (outside / "a.pdf").exists()
    assert store.open_claims() == []


@pytest.mark.parametrize("name", ["../a.pdf", "/etc/passwd", "a/../../b.pdf", ".."])
def test_no_name_leads_out(folders: Folders, store: ClaimStore, name: str) -> None:
    with pytest.raises(Gone):
        moves.below(folders.inbox, name)
    claim = take_one(store, heartbeat.identity(), running=True)
    store.save(replace(claim, name=name))
    sweep(ClaimStore(load(home=folders.home, settle=1000)), heartbeat.identity(), FakeServer().runs)
    assert places(folders, "a.pdf") == ["inbox"]


def test_a_folder_that_became_a_link_is_not_followed(folders: Folders, store: ClaimStore, tmp_path: Path) -> None:
    look = drop(folders, "sub/a.pdf")
    outside = tmp_path / "outside"
    (folders.inbox / "sub").rename(outside)
    (folders.inbox / "sub").symlink_to(outside)
    with pytest.raises(Gone):
        transfers.take(store, "sub/a.pdf", look, heartbeat.identity())
    assert (outside / "a.pdf").exists()


def test_a_file_goes_back_even_if_a_link_lies_where_its_folder_was(
    folders: Folders, store: ClaimStore, tmp_path: Path
) -> None:
    look = drop(folders, "sub/a.pdf")
    claim = transfers.take(store, "sub/a.pdf", look, heartbeat.identity())
    (folders.inbox / "sub").rmdir()
    (folders.inbox / "sub").symlink_to(tmp_path)
    assert transfers.hand_back(store, claim) == folders.inbox / "a.pdf"


@pytest.mark.parametrize("root", ["quarantine", "originals"])
def test_a_path_that_is_too_long_elsewhere(deep_folders: Folders, deep_store: ClaimStore, root: str) -> None:
    """The other folders have longer names than the inbox: what just fits there does not fit here."""
    room = PATH_BYTES - 1 - len(os.fsencode(deep_folders.inbox)) - len("/a.pdf")
    depth, rest = divmod(room, 201)
    name = "/".join(["x" * 200] * depth + (["y" * (rest - 1)] if rest > 1 else []) + ["a.pdf"])
    look = drop(deep_folders, name)
    claim = transfers.take(deep_store, name, look, heartbeat.identity())
    if root == "originals":
        place = transfers.archive(deep_store, claim)
    else:
        place = quarantine.quarantine(deep_store, claim, as_fault(OSError(errno.ENAMETOOLONG, "too long")))
    assert place == getattr(deep_folders, root) / "a.pdf"
    assert tries_again(as_fault(OSError(errno.ENAMETOOLONG, "File name too long")), retries=8) == 0
