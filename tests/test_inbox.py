"""The folders: what is taken when, and where a file is at every instant."""

from __future__ import annotations

import errno
import functools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.host import heartbeat, moves
from flows.host.files import replace_file
from flows.host.locks import locked
from flows.host.moves import Gone
from flows.host.names import PATH_BYTES
from flows.intake import claims, inbox, quarantine, status
from flows.intake.inbox import Look, StabilityTracker
from flows.intake.quarantine import reason_path
from flows.intake.sweep import Runs, sweep
from flows.pipeline.faults import as_fault, too_many_failed, tries_again
from flows.pipeline.workers import WorkerDied
from flows.serve import _served_elsewhere, clear_leftovers, hand_back_all
from flows.service.record import record_of_service
from flows.settings import BadSetting, Folders, load
from ocr.faults import Encrypted, Killed, NoPages, NotAScan, PageFault, Timeout, TooLarge, ToolMissing
from tests.kernel import needs_proc

PDF = b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    made = load(home=tmp_path / "home").folders
    made.make()
    return made


def drop(folders: Folders, name: str, data: bytes = PDF) -> Look:
    path = folders.inbox / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return inbox.list_inbox(folders.inbox).files[name]


def places(folders: Folders, name: str) -> list[str]:
    """In which of the four folders a file of this name lies."""
    found = [root for root in ("inbox", "originals", "quarantine") if (getattr(folders, root) / name).is_file()]
    base = Path(name).name
    return found + ["working" for path in folders.working.glob(f"*/scan/{base}") if path.is_file()]


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
    tracker, now = StabilityTracker(), 100.0
    expected: dict[str, tuple[Look, float]] = {}
    for pause, files in looks:
        now += pause
        expected = {
            path: expected[path] if path in expected and expected[path][0] == look else (look, now)
            for path, look in files.items()
        }
        tracker = StabilityTracker.load(tracker.dump())
        assert tracker.observe(files, now) == {path: now - since for path, (_, since) in expected.items()}


def test_a_clock_set_back_makes_nothing_old() -> None:
    tracker = StabilityTracker()
    look = Look(1, 1)
    tracker.observe({"a": look}, 1000.0)
    assert tracker.observe({"a": look}, 10.0) == {"a": 0.0}


@pytest.mark.parametrize(
    "notes", ['{"a": [1]}', "[", b"\xff\xfe", "[]", '{"a": [1, 2, "x"]}', '{"a": ["x", 2, 3]}', "[" * 100_000]
)
def test_damaged_notes_are_forgotten(folders: Folders, notes: str | bytes) -> None:
    assert StabilityTracker.load(notes).since == {}
    (folders.working / ".seen.json").write_bytes(notes if isinstance(notes, bytes) else notes.encode())
    assert sweep(folders, load(home=folders.home), heartbeat.identity(), FakeServer().runs) is not None


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
def test_a_file_is_in_one_place_all_the_way(folders: Folders, name: str) -> None:
    look = drop(folders, name)
    claim = claims.take(folders, name, look, heartbeat.identity(), dpi=300)
    assert places(folders, name) == ["working"]
    assert claims.load_claim(folders, claim.id) == claim
    assert claims.hand_back(folders, claim) == folders.inbox / name
    assert places(folders, name) == ["inbox"]
    claim = claims.take(folders, name, look, heartbeat.identity(), dpi=300)
    place = quarantine.quarantine(folders, claim, NotAScan("broken", vietnamese="hỏng", detail="bad xref"), 300)
    assert place == folders.quarantine / name
    assert places(folders, name) == ["quarantine"]
    vietnamese, english, *rest = reason_path(place).read_text().splitlines()
    assert (vietnamese, english, rest[-1]) == ("hỏng", "broken", "bad xref")
    assert quarantine.retry(folders, place, heartbeat.identity()) == folders.inbox / name
    assert places(folders, name) == ["inbox"]
    assert not reason_path(place).exists()
    claim = claims.take(folders, name, look, heartbeat.identity(), dpi=300)
    claims.archive(folders, claim, 300)
    assert places(folders, name) == ["originals"]
    assert claims.open_claims(folders) == []


def test_nothing_is_overwritten(folders: Folders) -> None:
    for data in (PDF, PDF + b"\n", PDF + b"\n\n"):
        look = drop(folders, "b.pdf", data)
        claims.archive(folders, claims.take(folders, "b.pdf", look, heartbeat.identity(), dpi=300), 300)
    assert sorted(path.name for path in folders.originals.iterdir()) == ["b (2).pdf", "b (3).pdf", "b.pdf"]
    assert (folders.originals / "b.pdf").read_bytes() == PDF


def test_a_file_that_changed_since_it_was_seen_is_not_taken(folders: Folders) -> None:
    look = drop(folders, "a.pdf")
    drop(folders, "a.pdf", PDF * 2)
    with pytest.raises(Gone):
        claims.take(folders, "a.pdf", look, heartbeat.identity(), dpi=300)
    assert places(folders, "a.pdf") == ["inbox"]
    assert claims.open_claims(folders) == []
    (folders.inbox / "a.pdf").unlink()
    with pytest.raises(Gone):
        claims.take(folders, "a.pdf", look, heartbeat.identity(), dpi=300)


def apart(patch: pytest.MonkeyPatch, folders: Folders) -> None:
    """Make renames between the folders fail as they do when each is a file system of its own."""
    real = moves.rename_to_free
    roots = (folders.inbox, folders.working, folders.originals, folders.quarantine)

    def rename(source: Path, target: Path, folder: int | None = None) -> None:
        if [source.is_relative_to(root) for root in roots] != [target.is_relative_to(root) for root in roots]:
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        real(source, target, folder)

    patch.setattr(moves, "rename_to_free", rename)


def everything(folders: Folders) -> list[str]:
    """All files that people see or could stumble on: below all folders but working/, hidden ones too."""
    found = []
    for root in (folders.inbox, folders.originals, folders.quarantine):
        found += [str(path.relative_to(folders.home)) for path in root.rglob("*") if path.is_file()]
    return sorted(found)


def test_folders_on_file_systems_of_their_own(folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    apart(monkeypatch, folders)
    look = drop(folders, "sub/a.pdf")
    claim = claims.take(folders, "sub/a.pdf", look, heartbeat.identity(), dpi=300)
    assert everything(folders) == [f"inbox/sub/.nambat-{claim.id}"]
    claims.hand_back(folders, claim)
    assert everything(folders) == ["inbox/sub/a.pdf"]
    claim = claims.take(folders, "sub/a.pdf", look, heartbeat.identity(), dpi=300)
    place = quarantine.quarantine(folders, claim, NotAScan("broken"), 300)
    assert place is not None
    assert everything(folders) == ["quarantine/sub/a.pdf", "quarantine/sub/a.pdf.reason.txt"]
    quarantine.retry(folders, place, heartbeat.identity())
    assert everything(folders) == ["inbox/sub/a.pdf"]
    claim = claims.take(folders, "sub/a.pdf", look, heartbeat.identity(), dpi=300)
    claims.archive(folders, claim, 300)
    assert everything(folders) == ["originals/sub/a.pdf"]
    assert claims.open_claims(folders) == []


@pytest.mark.skipif(
    not Path("/dev/shm").is_dir() or Path("/dev/shm").stat().st_dev == Path(tempfile.gettempdir()).stat().st_dev,
    reason="needs a second file system in /dev/shm",
)
def test_a_real_second_file_system(tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory(dir="/dev/shm") as other:
        folders = load(home=tmp_path / "home", inbox=Path(other, "inbox")).folders
        folders.make()
        look = drop(folders, "sub/a.pdf")
        os.utime(folders.inbox / "sub/a.pdf", ns=(10**18, 10**18 + 123))
        look = inbox.list_inbox(folders.inbox).files["sub/a.pdf"]
        with pytest.raises(OSError, match="No space"):
            claims.take(folders, "sub/a.pdf", look, heartbeat.identity(), dpi=300, min_free=10**18)
        assert inbox.list_inbox(folders.inbox) == inbox.Listing({"sub/a.pdf": look}, {})
        claim = claims.take(folders, "sub/a.pdf", look, heartbeat.identity(), dpi=300)
        assert places(folders, "sub/a.pdf") == ["working"]
        assert claims.load_claim(folders, claim.id) == claim
        assert claims.is_unchanged(folders, claim)
        claims.hand_back(folders, claim)
        assert inbox.list_inbox(folders.inbox) == inbox.Listing({"sub/a.pdf": look}, {})


def test_who_still_writes_to_a_file_that_was_copied_away_loses_nothing(
    folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The program that writes has the file open and knows nothing of our moves."""
    apart(monkeypatch, folders)
    look = drop(folders, "sub/a.pdf")
    with (folders.inbox / "sub/a.pdf").open("ab") as file:
        claim = claims.take(folders, "sub/a.pdf", look, heartbeat.identity(), dpi=300)
        assert claims.is_unchanged(folders, claim)
        assert inbox.list_inbox(folders.inbox).files == {}
        file.write(b"the rest")
    assert not claims.is_unchanged(folders, claim)
    claims.hand_back(folders, claim)
    assert everything(folders) == ["inbox/sub/a.pdf"]
    assert (folders.inbox / "sub/a.pdf").read_bytes() == PDF + b"the rest"


def test_what_is_written_late_is_kept_even_in_quarantine(folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    apart(monkeypatch, folders)
    look = drop(folders, "sub/a.pdf")
    with (folders.inbox / "sub/a.pdf").open("ab") as file:
        claim = claims.take(folders, "sub/a.pdf", look, heartbeat.identity(), dpi=300)
        file.write(b"the rest")
    place = quarantine.quarantine(folders, claim, NotAScan("cancelled"), 300)
    assert place is not None
    assert place.read_bytes() == PDF + b"the rest"
    assert everything(folders) == ["quarantine/sub/a.pdf", "quarantine/sub/a.pdf.reason.txt"]


def test_a_held_file_whose_folder_was_moved_is_told(folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    apart(monkeypatch, folders)
    look = drop(folders, "sub/a.pdf")
    claim = claims.take(folders, "sub/a.pdf", look, heartbeat.identity(), dpi=300)
    assert [one.where for one in status.status(folders)[1]] == ["working"]
    (folders.inbox / "sub").rename(folders.inbox / "moved")
    claims.archive(folders, claim, 300)
    assert [(one.where, one.name) for one in status.status(folders)[1]] == [("inbox", f"moved/.nambat-{claim.id}")]


def test_a_held_file_that_somebody_removed_comes_back_from_its_copy(
    folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    apart(monkeypatch, folders)
    look = drop(folders, "sub/a.pdf")
    claim = claims.take(folders, "sub/a.pdf", look, heartbeat.identity(), dpi=300)
    shutil.rmtree(folders.inbox / "sub")
    claims.hand_back(folders, claim)
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
    for name in ("copyfile", "rmtree"):
        patch.setattr(shutil, name, crashing(getattr(shutil, name)))


def start_over(folders: Folders) -> None:
    """What the next service does with what a dead one left."""
    clear_leftovers(folders)
    for left in claims.open_claims(folders):
        claims.recover(folders, left)
    quarantine.drop_stray_notes(folders)


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
        folders = load(home=tmp_path / str(step)).folders
        folders.make()
        look = drop(folders, "sub/a.pdf")
        with monkeypatch.context() as patch:
            if own_file_systems:
                apart(patch, folders)
            if move == "take":
                claim, place = None, None
            else:
                claim = claims.take(folders, "sub/a.pdf", look, dead_owner(), dpi=300)
                place = quarantine.quarantine(folders, claim, broken, 300) if move == "retry" else None
            crash_at(patch, step)
            try:
                if move == "take":
                    claims.take(folders, "sub/a.pdf", look, dead_owner(), dpi=300)
                elif move == "quarantine":
                    quarantine.quarantine(folders, claim, broken, 300)
                elif move == "archive":
                    claims.archive(folders, claim, 300)
                elif move == "retry":
                    quarantine.retry(folders, place, dead_owner())
                else:
                    claims.hand_back(folders, claim)
                crashed = False
            except Crash:
                pass
        with monkeypatch.context() as patch:
            if own_file_systems:
                apart(patch, folders)
            if verdict:
                for left in claims.open_claims(folders):
                    quarantine.quarantine(folders, left, broken, 300)
            start_over(folders)
        (where,) = places(folders, "sub/a.pdf")
        reached.add(where)
        assert (getattr(folders, where) / "sub/a.pdf").read_bytes() == PDF
        assert claims.open_claims(folders) == []
        note = ["quarantine/sub/a.pdf.reason.txt"] if where == "quarantine" else []
        assert everything(folders) == [f"{where}/sub/a.pdf", *note], step
    if verdict:
        assert reached <= {*ends, "quarantine"}
    else:
        assert reached == ends
    assert step > 4


def test_a_file_dropped_at_the_moment_of_a_move_is_not_replaced(
    folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between choosing a free name and taking it, a person drops a file of that name."""
    look = drop(folders, "a.pdf")
    claim = claims.take(folders, "a.pdf", look, heartbeat.identity(), dpi=300)
    real = moves.rename_to_free
    dropped = []

    def rename(source: Path, target: Path) -> None:
        if not dropped:
            dropped.append(drop(folders, "a.pdf", PDF + b"new"))
        real(source, target)

    monkeypatch.setattr(moves, "rename_to_free", rename)
    assert claims.hand_back(folders, claim) == folders.inbox / "a (2).pdf"
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


def test_a_file_that_grows_while_it_is_copied_stays(folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    apart(monkeypatch, folders)
    look = drop(folders, "a.pdf")
    real = shutil.copyfile

    def slow(source, target, **kwargs):
        done = real(source, target, **kwargs)
        with Path(source).open("ab") as file:
            file.write(b"more")
        return done

    monkeypatch.setattr(shutil, "copyfile", slow)
    with pytest.raises(Gone):
        claims.take(folders, "a.pdf", look, heartbeat.identity(), dpi=300)
    assert everything(folders) == ["inbox/a.pdf"]
    assert claims.open_claims(folders) == []


@functools.cache
def dead_owner() -> str:
    """The identity of a process that has ended."""
    code = "from flows.host.heartbeat import identity; print(identity())"
    root = Path(__file__).parent.parent
    return subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True).stdout[
        :-1
    ]


def test_identities(folders: Folders) -> None:
    assert heartbeat.pid_of(folders, heartbeat.identity()) == os.getpid()
    assert heartbeat.pid_of(folders, dead_owner()) is None
    boot, pid, started = heartbeat.identity().split(":")
    # The pid was given to a later process.
    later = started[:-1] + ("1" if started[-1] != "1" else "2")
    assert heartbeat.pid_of(folders, f"{boot}:{pid}:{later}") is None
    assert heartbeat.pid_of(folders, "") is None


class FakeServer:
    """Stands for the Prefect server: runs are started and end as the test says."""

    def __init__(self) -> None:
        self.started: list[str] = []
        self.ends: dict[str, str] = {}
        self.away = False

    @property
    def runs(self) -> Runs:
        return Runs(self._start, lambda ids: {one: self.ends[one] for one in ids if one in self.ends})

    def _start(self, claim: claims.Claim) -> str:
        if self.away:
            raise ConnectionError("refused")
        self.started.append(claim.name)
        return f"run of {claim.id}"


def test_sweep_takes_what_is_whole_and_starts_a_run_for_each(folders: Folders) -> None:
    server, settings = FakeServer(), load(home=folders.home, settle=5)
    drop(folders, "a.pdf")
    drop(folders, "sub/b.pdf")
    first = sweep(folders, settings, heartbeat.identity(), server.runs, now=1000)
    assert first is not None
    assert (first.taken, first.waiting) == ((), 2)
    drop(folders, "sub/b.pdf", PDF * 2)  # still arriving
    second = sweep(folders, settings, heartbeat.identity(), server.runs, now=1006)
    assert second is not None
    assert (second.taken, second.waiting) == (("a.pdf",), 1)
    third = sweep(folders, settings, heartbeat.identity(), server.runs, now=1012)
    assert third is not None
    assert third.taken == ("sub/b.pdf",)
    assert server.started == ["a.pdf", "sub/b.pdf"]
    assert [claim.flow_run for claim in claims.open_claims(folders)] == [
        f"run of {c.id}" for c in claims.open_claims(folders)
    ]


def test_a_claim_without_a_run_gets_one_when_the_server_is_back(folders: Folders) -> None:
    server, settings = FakeServer(), load(home=folders.home, settle=0)
    drop(folders, "a.pdf")
    server.away = True
    swept = sweep(folders, settings, heartbeat.identity(), server.runs)
    assert swept is not None
    assert len(swept.troubles) == 1
    assert places(folders, "a.pdf") == ["working"]
    server.away = False
    sweep(folders, settings, heartbeat.identity(), server.runs)
    sweep(folders, settings, heartbeat.identity(), server.runs)
    assert server.started == ["a.pdf"]


def test_thousands_of_files_are_claimed_and_get_runs_little_by_little(
    folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.intake.sweep.RUNS_AHEAD", 3)
    server, settings = FakeServer(), load(home=folders.home, settle=0)
    names = [f"{number}.pdf" for number in range(8)]
    for name in names:
        drop(folders, name, PDF + name.encode())
    sweep(folders, settings, heartbeat.identity(), server.runs)
    assert len(claims.open_claims(folders)) == 8
    assert len(server.started) == 3
    sweep(folders, settings, heartbeat.identity(), server.runs)
    assert len(server.started) == 3
    first = next(claim for claim in claims.open_claims(folders) if claim.flow_run)
    claims.archive(folders, first, 300)
    sweep(folders, settings, heartbeat.identity(), server.runs)
    assert len(server.started) == 4


def test_a_twin_waits_until_the_first_is_done(folders: Folders) -> None:
    server, settings = FakeServer(), load(home=folders.home, settle=0)
    for name in ("a.pdf", "b.pdf"):
        drop(folders, name)
    drop(folders, "c.pdf", PDF + b"another")
    for _ in range(2):
        sweep(folders, settings, heartbeat.identity(), server.runs)
        assert sorted(server.started) == ["a.pdf", "c.pdf"]
    first = next(claim for claim in claims.open_claims(folders) if claim.name == "a.pdf")
    claims.archive(folders, first, 300)
    sweep(folders, settings, heartbeat.identity(), server.runs)
    assert sorted(server.started) == ["a.pdf", "b.pdf", "c.pdf"]


@needs_proc
def test_a_run_that_never_begins_gives_its_file_back(folders: Folders) -> None:
    """Its process died while the server was away. One that has begun is left alone, however it looks there."""
    server, settings = FakeServer(), load(home=folders.home, settle=1000)
    claim = take_one(folders, heartbeat.identity(), running=False)
    server.ends[claim.flow_run] = "stuck"
    child = subprocess.Popen(["sleep", "60"])
    try:
        claims.save_claim(folders, claims.replace(claim, owner=heartbeat.identity(child.pid)))
        sweep(folders, settings, heartbeat.identity(), server.runs)
        assert places(folders, "a.pdf") == ["working"]
        claims.save_claim(folders, claim)
        sweep(folders, settings, heartbeat.identity(), server.runs)
        assert places(folders, "a.pdf") == ["inbox"]
    finally:
        child.kill()
        child.wait()


def test_another_run_does_not_take_over_what_is_at_work(folders: Folders) -> None:
    claim = take_one(folders, heartbeat.identity(), running=True, flow_run="1")
    with pytest.raises(Gone):
        claims.take_over(folders, claim.id, "2")
    assert claims.take_over(folders, claim.id, "1").flow_run == "1"
    claims.save_claim(folders, claims.replace(claim, owner=dead_owner()))
    assert claims.take_over(folders, claim.id, "2").flow_run == "2"


def test_an_assignment_that_comes_late_does_not_undo_a_put_off(folders: Folders) -> None:
    claim = take_one(folders, heartbeat.identity(), running=False)
    put_off = claims.put_off(folders, claim, NotAScan("later"), not_before=time.time() + 60)
    claims.assign(folders, claim, heartbeat.identity(), "late")
    assert claims.load_claim(folders, claim.id) == put_off


def test_a_server_that_is_away_is_asked_once(folders: Folders) -> None:
    server, settings = FakeServer(), load(home=folders.home, settle=0)
    server.away = True
    for number in range(5):
        drop(folders, f"{number}.pdf")
    swept = sweep(folders, settings, heartbeat.identity(), server.runs)
    assert swept is not None
    assert len(swept.taken) == 5
    assert len(swept.troubles) == 1


def take_one(folders: Folders, owner: str, *, running: bool, flow_run: str = "1") -> claims.Claim:
    look = drop(folders, "a.pdf")
    claim = claims.replace(claims.take(folders, "a.pdf", look, owner, dpi=300), running=running, flow_run=flow_run)
    claims.save_claim(folders, claim)
    return claim


def test_sweep_returns_what_the_dead_left(folders: Folders) -> None:
    server, settings = FakeServer(), load(home=folders.home, settle=1000)
    take_one(folders, dead_owner(), running=True)
    swept = sweep(folders, settings, heartbeat.identity(), server.runs)
    assert swept is not None
    assert swept.returned == ("a.pdf",)
    assert places(folders, "a.pdf") == ["inbox"]


def test_sweep_leaves_the_living_alone(folders: Folders) -> None:
    server, settings = FakeServer(), load(home=folders.home)
    take_one(folders, heartbeat.identity(), running=True)
    sweep(folders, settings, heartbeat.identity(), server.runs)
    assert places(folders, "a.pdf") == ["working"]


@pytest.mark.parametrize(("end", "place"), [("crashed", "inbox"), ("gone", "inbox"), ("cancelled", "quarantine")])
def test_a_run_that_ended_before_it_began(folders: Folders, end: str, place: str) -> None:
    server, settings = FakeServer(), load(home=folders.home, settle=1000)
    claim = take_one(folders, heartbeat.identity(), running=False)
    sweep(folders, settings, heartbeat.identity(), server.runs)
    assert places(folders, "a.pdf") == ["working"]  # its run waits for its turn
    server.ends[claim.flow_run] = end
    sweep(folders, settings, heartbeat.identity(), server.runs)
    assert places(folders, "a.pdf") == [place]


def test_what_kills_its_reader_again_and_again_is_given_up(folders: Folders) -> None:
    server, settings = FakeServer(), load(home=folders.home, settle=1000, attempts=3)
    owner = dead_owner()
    for _ in range(3):
        assert places(folders, "a.pdf") in ([], ["inbox"])
        take_one(folders, owner, running=True)
        sweep(folders, settings, heartbeat.identity(), server.runs)
    assert places(folders, "a.pdf") == ["quarantine"]
    assert "3 times" in reason_path(folders.quarantine / "a.pdf").read_text()


def test_a_crash_counts_once_even_if_its_file_cannot_go_back(folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    server, settings = FakeServer(), load(home=folders.home, settle=1000, attempts=2)
    take_one(folders, dead_owner(), running=True)

    def fails(*_: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    with monkeypatch.context() as patch:
        patch.setattr(claims, "hand_back", fails)
        for _ in range(4):
            swept = sweep(folders, settings, heartbeat.identity(), server.runs)
            assert swept is not None
            assert "stays in working/" in swept.troubles[0]
    sweep(folders, settings, heartbeat.identity(), server.runs)
    assert places(folders, "a.pdf") == ["inbox"]


def test_what_gets_further_each_time_is_not_given_up(folders: Folders) -> None:
    server, settings = FakeServer(), load(home=folders.home, settle=1000, attempts=2)
    owner = dead_owner()
    for page in range(1, 5):
        claim = take_one(folders, owner, running=True)
        records = claims.progress_folder(folders, claim, 300)
        records.mkdir(parents=True, exist_ok=True)
        (records / f"{page:05}.json").write_text("{}")
        sweep(folders, settings, heartbeat.identity(), server.runs)
        assert places(folders, "a.pdf") == ["inbox"]


def test_only_one_sweep_at_a_time(folders: Folders) -> None:
    server, settings = FakeServer(), load(home=folders.home)
    with locked(folders.working / ".sweep.lock"):
        code = (
            "import sys; from pathlib import Path; from flows.host import locks\n"
            "with locks.locked(Path(sys.argv[1]), wait=False) as held: print(held)"
        )
        lock = str(folders.working / ".sweep.lock")
        out = subprocess.run([sys.executable, "-c", code, lock], capture_output=True, text=True, check=True).stdout
        assert out.strip() == "False"
        assert sweep(folders, settings, heartbeat.identity(), server.runs) is None
    assert sweep(folders, settings, heartbeat.identity(), server.runs) is not None


def test_status_says_where_and_why(folders: Folders) -> None:
    look = drop(folders, "a.pdf")
    claim = claims.take(folders, "a.pdf", look, heartbeat.identity(), dpi=300)
    quarantine.quarantine(folders, claim, NotAScan("broken", vietnamese="hỏng"), 300, now=datetime(2026, 1, 2))
    drop(folders, "b.pdf")
    counts, held = status.status(folders)
    assert counts == {"inbox": 1, "working": 0, "published": 0, "originals": 0, "quarantine": 1}
    assert [(one.where, one.name, one.why) for one in held] == [
        ("inbox", "b.pdf", "waiting to be taken"),
        ("quarantine", "a.pdf", "broken"),
    ]


# Signs of life


OTHER = "0badcafe-1:77:12345"
"""A process of another machine."""


def beats(folders: Folders, owner: str, seconds_ago: float) -> None:
    now = heartbeat.beat(folders, owner)
    os.utime(folders.working / ".alive" / owner, (now - seconds_ago, now - seconds_ago))


@pytest.mark.parametrize(("seconds_ago", "place"), [(1, "working"), (119, "working"), (1000, "inbox"), (None, "inbox")])
def test_claims_of_another_machine_are_its_own_while_it_lives(
    folders: Folders, seconds_ago: float | None, place: str
) -> None:
    server, settings = FakeServer(), load(home=folders.home, settle=1000, claim_timeout=120)
    take_one(folders, OTHER, running=True)
    if seconds_ago is not None:
        beats(folders, OTHER, seconds_ago)
    sweep(folders, settings, heartbeat.identity(), server.runs)
    assert places(folders, "a.pdf") == [place]


def test_a_process_beats_as_long_as_it_works(folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat, "BEAT", 0.02)
    own = heartbeat.identity()
    beats(folders, OTHER, 2 * 86400)
    with heartbeat.beating(folders):
        beats(folders, own, 500)
        deadline = time.monotonic() + 10
        while heartbeat.beat(folders, OTHER) - (heartbeat.last_beat(folders, own) or 0) > 100:
            assert time.monotonic() < deadline
            time.sleep(0.02)
    assert heartbeat.last_beat(folders, own) is None
    for name in ("", "../../etc/passwd", ".hidden"):
        assert heartbeat.last_beat(folders, name) is None


def test_the_long_silent_are_forgotten(folders: Folders) -> None:
    beats(folders, OTHER, 2 * 86400)
    with heartbeat.beating(folders):
        assert heartbeat.last_beat(folders, OTHER) is None


@pytest.mark.parametrize("lives", [True, False])
def test_a_service_on_another_machine_is_noticed_and_a_dead_one_is_not(
    folders: Folders, monkeypatch: pytest.MonkeyPatch, lives: bool
) -> None:
    """A share's locks may not reach from one machine to the other; one that was killed just now beats no more."""
    monkeypatch.setattr(heartbeat, "BEAT", 0.1)
    assert not _served_elsewhere(folders)
    replace_file(record_of_service(folders), json.dumps({"owner": OTHER, "api": "", "server": ""}).encode())
    beats(folders, OTHER, 0.5)
    over = threading.Event()

    def go_on() -> None:
        while not over.wait(0.05):
            heartbeat.beat(folders, OTHER)

    thread = threading.Thread(target=go_on)
    if lives:
        thread.start()
    try:
        assert _served_elsewhere(folders) is lives
    finally:
        over.set()
        if lives:
            thread.join()


# Put off and tried again


def test_what_is_put_off_waits_its_time_and_is_started_anew(folders: Folders) -> None:
    server, settings = FakeServer(), load(home=folders.home, settle=0)
    claim = take_one(folders, heartbeat.identity(), running=True)
    full = as_fault(OSError(28, "No space left on device"))
    claims.put_off(folders, claim, full, not_before=1000)
    for now, started in [(900, []), (999, []), (1000, ["a.pdf"]), (1001, ["a.pdf"])]:
        sweep(folders, settings, heartbeat.identity(), server.runs, now=now)
        assert server.started == started
        assert places(folders, "a.pdf") == ["working"]
    (again,) = claims.open_claims(folders)
    assert (again.tries, again.is_put_off, again.flow_run) == (1, False, f"run of {claim.id}")
    assert claims.take_over(folders, claim.id, "2").tries == 1


def test_a_clock_set_back_puts_nothing_off_for_ever(folders: Folders) -> None:
    server, settings = FakeServer(), load(home=folders.home, settle=0)
    claim = take_one(folders, heartbeat.identity(), running=True)
    claims.put_off(folders, claim, NotAScan("x"), not_before=1_000_000)
    sweep(folders, settings, heartbeat.identity(), server.runs, now=1000)
    assert server.started == ["a.pdf"]


def test_status_says_why_something_is_put_off(folders: Folders) -> None:
    claim = take_one(folders, heartbeat.identity(), running=True)
    claims.put_off(folders, claim, NotAScan("the disk is full"), not_before=time.time() + 60)
    ((_, name, why),) = [(one.where, one.name, one.why) for one in status.status(folders)[1]]
    assert name == "a.pdf"
    assert "the disk is full" in why


@pytest.mark.parametrize(
    ("fault", "times"),
    [
        (OSError(28, "No space left on device"), 8),
        (OSError(30, "Read-only file system"), 8),
        (MemoryError(), 8),
        (ToolMissing("no tesseract"), 8),
        (too_many_failed({1: "late"}, 1, passing=True), 1),
        (too_many_failed({1: "damaged"}, 1), 0),
        (WorkerDied("crashed while the file was opened"), 2),
        (Killed("killed while the file was opened"), 8),
        (Timeout("opening took too long"), 2),
        (PageFault("damaged"), 0),
        (Encrypted("locked"), 0),
        (NoPages("none"), 0),
        (TooLarge("big"), 0),
        (KeyError("a fault of ours"), 0),
    ],
)
def test_only_what_may_pass_is_tried_again(fault: Exception, times: int) -> None:
    assert tries_again(as_fault(fault), retries=8) == times


def test_pauses_grow_to_an_hour() -> None:
    settings = load(retry_delay=60)
    assert [settings.pause_before_retry(n) for n in (0, 1, 2, 6, 50)] == [60, 120, 240, 3600, 3600]


# What else can lie in the way


def test_nothing_is_taken_while_the_disk_is_nearly_full(folders: Folders) -> None:
    server = FakeServer()
    drop(folders, "a.pdf")
    swept = sweep(folders, load(home=folders.home, settle=0, min_free=10**18), heartbeat.identity(), server.runs)
    assert swept is not None
    assert (swept.taken, swept.waiting) == ((), 1)
    assert "MB free" in swept.troubles[0]
    assert places(folders, "a.pdf") == ["inbox"]


def test_a_full_disk_leaves_the_file_where_it_is_and_nothing_else(
    folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = drop(folders, "a.pdf")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("flows.host.files.write_synced", full)
    with pytest.raises(OSError, match="No space"):
        claims.take(folders, "a.pdf", look, heartbeat.identity(), dpi=300)
    assert places(folders, "a.pdf") == ["inbox"]
    assert [path.name for path in folders.working.iterdir() if not path.name.startswith(".")] == []


def test_the_next_version_waits_for_the_one_before(folders: Folders) -> None:
    server, settings = FakeServer(), load(home=folders.home, settle=0)
    first = take_one(folders, heartbeat.identity(), running=True)
    drop(folders, "a.pdf", PDF + b"\n")
    drop(folders, "b.pdf")
    swept = sweep(folders, settings, heartbeat.identity(), server.runs)
    assert swept is not None
    assert (swept.taken, swept.waiting) == (("b.pdf",), 1)
    claims.archive(folders, first, 300)
    swept = sweep(folders, settings, heartbeat.identity(), server.runs)
    assert swept is not None
    assert swept.taken == ("a.pdf",)


def test_a_claim_whose_record_is_gone_gives_its_file_back(folders: Folders) -> None:
    server, settings = FakeServer(), load(home=folders.home, settle=1000)
    claim = take_one(folders, heartbeat.identity(), running=True)
    (claim.folder(folders) / "claim.json").write_text("{")
    sweep(folders, settings, heartbeat.identity(), server.runs)
    assert places(folders, "a.pdf") == ["inbox"]


@pytest.mark.parametrize(
    "record",
    [
        "",
        "[]",
        '{"owner": null}',
        "[" * 100_000,
        '{"id": "x", "name": "../a.pdf", "owner": ""}',
        '{"id": "x", "name": "a.pdf", "owner": "", "not_before": "soon"}',
        '{"id": "another", "name": "a.pdf", "owner": ""}',
    ],
)
def test_a_damaged_record_costs_no_file(folders: Folders, record: str) -> None:
    claim = take_one(folders, heartbeat.identity(), running=True)
    (claim.folder(folders) / "claim.json").write_text(record.replace('"x"', f'"{claim.id}"'))
    assert sweep(folders, load(home=folders.home, settle=1000), heartbeat.identity(), FakeServer().runs) is not None
    status.status(folders)
    assert places(folders, "a.pdf") == ["inbox"]
    assert claims.open_claims(folders) == []


def test_a_file_under_another_name_than_its_record_says_is_not_removed(folders: Folders) -> None:
    claim = take_one(folders, heartbeat.identity(), running=True)
    claim.scan(folders).rename(claim.scan(folders).with_name("A.PDF"))
    claims.hand_back(folders, claim)
    claims.recover(folders, claim)
    assert places(folders, "A.PDF") == ["inbox"]
    assert claims.open_claims(folders) == []


def test_a_disk_that_does_not_answer_is_no_reason_to_remove_anything(
    folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = take_one(folders, dead_owner(), running=True)
    real = Path.lstat

    def stale(self: Path):
        if self.name == "a.pdf":
            raise OSError(errno.ESTALE, "Stale file handle")
        return real(self)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "lstat", stale)
        with pytest.raises(OSError, match="Stale"):
            claims.hand_back(folders, claim)
        assert sweep(folders, load(home=folders.home), heartbeat.identity(), FakeServer().runs) is not None
    assert places(folders, "a.pdf") == ["working"]


def test_folders_of_others_in_working_are_left_alone(folders: Folders) -> None:
    for name in ("lost+found", "my backup"):
        (folders.working / name).mkdir()
    (folders.working / "my backup" / "x.pdf").write_bytes(PDF)
    clear_leftovers(folders)
    assert (folders.working / "my backup" / "x.pdf").exists()
    assert claims.open_claims(folders) == []


def test_links_in_a_circle_stop_nothing(folders: Folders) -> None:
    claim = take_one(folders, dead_owner(), running=True)
    claims.save_claim(folders, claims.replace(claim, name="a/a.pdf"))
    (folders.inbox / "a").symlink_to("a")
    assert [place for _, place in hand_back_all(folders, load(home=folders.home), crashed=True)] == [
        folders.inbox / "a.pdf"
    ]


@pytest.mark.timeout(20)
def test_a_pipe_in_place_of_a_file_hangs_nothing(folders: Folders) -> None:
    os.mkfifo(folders.inbox / "a.pdf")
    assert not inbox.looks_whole(folders.inbox / "a.pdf")
    with pytest.raises(Gone):
        inbox.look_at(folders.inbox / "a.pdf")
    with pytest.raises(Gone):
        claims.take(folders, "a.pdf", Look(0, 0), heartbeat.identity(), dpi=300)


def test_a_folder_swapped_for_a_link_at_the_last_moment_leads_nowhere(
    folders: Folders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = drop(folders, "sub/a.pdf")
    outside = tmp_path / "outside"
    real = claims._new_claim

    def swap(*args, **kwargs):
        (folders.inbox / "sub").rename(outside)
        (folders.inbox / "sub").symlink_to(outside)
        return real(*args, **kwargs)

    monkeypatch.setattr(claims, "_new_claim", swap)
    with pytest.raises(Gone):
        claims.take(folders, "sub/a.pdf", look, heartbeat.identity(), dpi=300)
    assert (outside / "a.pdf").exists()
    assert claims.open_claims(folders) == []


def test_claims_of_a_later_version_can_be_read(folders: Folders) -> None:
    claim = take_one(folders, heartbeat.identity(), running=True)
    record = claim.folder(folders) / "claim.json"
    record.write_text(json.dumps({**json.loads(record.read_text()), "news": 1}))
    assert claims.load_claim(folders, claim.id) == claim


@pytest.mark.parametrize("name", ["../a.pdf", "/etc/passwd", "a/../../b.pdf", ".."])
def test_no_name_leads_out(folders: Folders, name: str) -> None:
    with pytest.raises(Gone):
        moves.below(folders.inbox, name)
    claim = take_one(folders, heartbeat.identity(), running=True)
    claims.save_claim(folders, claims.replace(claim, name=name))
    sweep(folders, load(home=folders.home, settle=1000), heartbeat.identity(), FakeServer().runs)
    assert places(folders, "a.pdf") == ["inbox"]


def test_a_folder_that_became_a_link_is_not_followed(folders: Folders, tmp_path: Path) -> None:
    look = drop(folders, "sub/a.pdf")
    outside = tmp_path / "outside"
    (folders.inbox / "sub").rename(outside)
    (folders.inbox / "sub").symlink_to(outside)
    with pytest.raises(Gone):
        claims.take(folders, "sub/a.pdf", look, heartbeat.identity(), dpi=300)
    assert (outside / "a.pdf").exists()


def test_a_file_goes_back_even_if_a_link_lies_where_its_folder_was(folders: Folders, tmp_path: Path) -> None:
    look = drop(folders, "sub/a.pdf")
    claim = claims.take(folders, "sub/a.pdf", look, heartbeat.identity(), dpi=300)
    (folders.inbox / "sub").rmdir()
    (folders.inbox / "sub").symlink_to(tmp_path)
    assert claims.hand_back(folders, claim) == folders.inbox / "a.pdf"


def test_someone_still_writes(folders: Folders) -> None:
    claim = take_one(folders, heartbeat.identity(), running=True)
    assert claims.is_unchanged(folders, claim)
    with claim.scan(folders).open("ab") as file:
        file.write(b"more")
    assert not claims.is_unchanged(folders, claim)


def test_a_huge_file_is_not_hashed(folders: Folders) -> None:
    look = drop(folders, "a.pdf")
    assert claims.take(folders, "a.pdf", look, heartbeat.identity(), dpi=300, max_bytes=10).sha256 == ""


def test_retry_in_the_ui_finds_the_scan_in_quarantine(folders: Folders) -> None:
    claim = take_one(folders, heartbeat.identity(), running=True)
    quarantine.quarantine(folders, claim, NotAScan("broken"), 300)
    with pytest.raises(Gone):
        quarantine.take_again(folders, "20260101-000000-00000000", heartbeat.identity(), "run 1", dpi=300)
    server, settings = FakeServer(), load(home=folders.home, settle=0)
    for _ in range(2):  # the same run can be retried again and again
        again = quarantine.take_again(folders, claim.id, heartbeat.identity(), "run 1", dpi=300)
        assert (again.id, again.name, again.sha256) == (claim.id, "a.pdf", claim.sha256)
        assert places(folders, "a.pdf") == ["working"]
        assert list(folders.quarantine.iterdir()) == []
        sweep(folders, settings, heartbeat.identity(), server.runs)
        assert server.started == []  # it has its run
        quarantine.quarantine(folders, again, NotAScan("broken"), 300)


def test_a_scan_called_like_a_note_is_not_overwritten(folders: Folders) -> None:
    """Whatever comes first, a file that somebody named ``a.pdf.reason.txt``, or ``a.pdf``, both are kept and shown."""
    for order in (["a.pdf.reason.txt", "a.pdf"], ["a.pdf", "a.pdf.reason.txt"]):
        for name in order:
            look = drop(folders, name, name.encode())
            claim = claims.take(folders, name, look, heartbeat.identity(), dpi=300)
            assert quarantine.quarantine(folders, claim, NotAScan(f"no scan: {name}"), 300)
        kept = quarantine.quarantined_files(folders)
        assert {(path.read_bytes().decode(), why) for path, why in kept} == {
            (name, f"no scan: {name}") for name in order
        }
        quarantine.drop_stray_notes(folders)
        assert quarantine.quarantined_files(folders) == kept
        for path, _ in kept:
            quarantine.retry(folders, path, heartbeat.identity())
        assert list(folders.quarantine.iterdir()) == []
        for path in folders.inbox.iterdir():
            path.unlink()


def make_deep(root: Path, name: str, depth: int) -> None:
    """Folders in one another with a scan in the last, deeper than any path can say."""
    here = os.open(root, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir(name, dir_fd=here)
        inner = os.open(name, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    with open("a.pdf", "wb", opener=lambda path, flags: os.open(path, flags, dir_fd=here)) as file:
        file.write(PDF)
    os.close(here)


@pytest.fixture
def deep_folders(tmp_path: Path) -> Iterator[Folders]:
    made = load(home=tmp_path / "home").folders
    made.make()
    yield made
    subprocess.run(["rm", "-rf", str(made.home)], check=True)  # deeper than shutil.rmtree can go


def test_folders_a_thousand_deep(deep_folders: Folders) -> None:
    make_deep(deep_folders.inbox, "a", 1500)
    name = "a/" * 1500 + "a.pdf"
    assert list(inbox.list_inbox(deep_folders.inbox).files) == [name]


def test_a_path_too_long_to_be_said_is_told(deep_folders: Folders) -> None:
    make_deep(deep_folders.inbox, "x" * 200, 30)
    drop(deep_folders, "b.pdf")
    swept = sweep(deep_folders, load(home=deep_folders.home), heartbeat.identity(), FakeServer().runs)
    assert swept is not None
    assert (swept.waiting, len(swept.refused)) == (1, 1)
    assert "too long" in swept.refused[0]
    assert [one.where for one in status.status(deep_folders)[1]] == ["inbox", "inbox"]


@pytest.mark.parametrize("root", ["quarantine", "originals"])
def test_a_path_that_is_too_long_elsewhere(deep_folders: Folders, root: str) -> None:
    """The other folders have longer names than the inbox: what just fits there does not fit here."""
    room = PATH_BYTES - 1 - len(os.fsencode(deep_folders.inbox)) - len("/a.pdf")
    depth, rest = divmod(room, 201)
    name = "/".join(["x" * 200] * depth + (["y" * (rest - 1)] if rest > 1 else []) + ["a.pdf"])
    look = drop(deep_folders, name)
    claim = claims.take(deep_folders, name, look, heartbeat.identity(), dpi=300)
    if root == "originals":
        place = claims.archive(deep_folders, claim, 300)
    else:
        place = quarantine.quarantine(deep_folders, claim, as_fault(OSError(errno.ENAMETOOLONG, "too long")), 300)
    assert place == getattr(deep_folders, root) / "a.pdf"
    assert tries_again(as_fault(OSError(errno.ENAMETOOLONG, "File name too long")), retries=8) == 0


@pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("setpriv") is None,
    reason="needs root, to make files of others and lay rights down",
)
def test_folders_of_another_user(folders: Folders) -> None:
    """One that may not be looked into, one that may be read only: both are told, and nothing is tried in vain."""
    for name, mode in (("closed", 0o700), ("readable", 0o755)):
        drop(folders, f"{name}/a.pdf")
        drop(folders, f"{name}/b.pdf")
        os.chown(folders.inbox / name, 12345, 12345)
        (folders.inbox / name).chmod(mode)
    drop(folders, "mine.pdf")
    code = f"""
from flows.intake import claims
from flows.host import heartbeat
from flows.settings import load
from flows.intake.sweep import Runs, sweep
settings = load(home={str(folders.home)!r}, settle=0, settle_broken=0)
swept = sweep(settings.folders, settings, heartbeat.identity(), Runs(lambda claim: claim.id, lambda ids: {{}}))
print(*swept.taken, swept.waiting, *swept.refused, *swept.troubles, sep="\\n")
"""
    said = subprocess.run(
        ["setpriv", "--bounding-set=-dac_override,-dac_read_search", sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    ).stdout.splitlines()
    assert said == [
        "mine.pdf",
        "0",
        "closed/: a folder that cannot be looked into (Permission denied): nothing in it is taken",
        f"{folders.inbox}/readable: 2 files cannot be taken; give nambat the right to write in this folder",
    ]
    assert [path.name for path in folders.working.iterdir() if not path.name.startswith(".")] != []
    assert len(claims.open_claims(folders)) == 1


@pytest.mark.parametrize("inner", ["published", "inbox"])
def test_folders_in_one_another_are_refused(tmp_path: Path, inner: str) -> None:
    outer = {"published": "inbox", "inbox": "published"}[inner]
    home = tmp_path / "home"
    folders = load(home=home, **{inner: home / outer / "sub"}).folders
    with pytest.raises(BadSetting, match=f"{inner}.*lies in.*{outer}"):
        folders.check_apart()
    load(home=home).folders.check_apart()
