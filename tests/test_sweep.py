"""One look at the folders: what is taken, started, returned, given up or left to wait."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from flows.host import heartbeat, meter
from flows.host.locks import locked
from flows.intake import status, transfers
from flows.intake.claims import ClaimStore
from flows.intake.inbox import StabilityTracker
from flows.intake.quarantine import reason_path
from flows.intake.sweep import sweep
from flows.pipeline.faults import as_fault
from flows.settings import Folders, load
from ocr.faults import NotAScan
from tests.intake import PDF, FakeServer, dead_owner, drop, make_deep, places, take_one
from tests.kernel import needs_proc


@pytest.mark.parametrize(
    "notes",
    [
        *('{"a": [1]}', "[", b"\xff\xfe", "[]", "[" * 100_000, '{"clock": "c"}', '{"clock": "c", "since": []}'),
        *(f'{{"clock": "c", "since": {{"a": {look}}}}}' for look in ("[1]", '[1, 2, "x"]', '["x", 2, 3]', "1")),
        '{"a": [1, 2, 3]}',  # by the time of day, as version 0.1 wrote them
        '{"clock": "before the last start", "since": {"a": [1, 2, 3]}}',
    ],
)
def test_damaged_notes_are_forgotten(folders: Folders, store: ClaimStore, notes: str | bytes) -> None:
    assert StabilityTracker.load(notes, "c").since == {}
    (folders.working / ".seen.json").write_bytes(notes if isinstance(notes, bytes) else notes.encode())
    assert sweep(store, heartbeat.identity(), FakeServer().runs) is not None


def test_sweep_takes_what_is_whole_and_starts_a_run_for_each(folders: Folders) -> None:
    server, store = FakeServer(), ClaimStore(load(home=folders.home, settle=5))
    drop(folders, "a.pdf")
    drop(folders, "sub/b.pdf")
    first = sweep(store, heartbeat.identity(), server.runs, clock=lambda: 1000)
    assert first is not None
    assert (first.taken, first.waiting) == ((), 2)
    drop(folders, "sub/b.pdf", PDF * 2)  # still arriving
    second = sweep(store, heartbeat.identity(), server.runs, clock=lambda: 1006)
    assert second is not None
    assert (second.taken, second.waiting) == (("a.pdf",), 1)
    third = sweep(store, heartbeat.identity(), server.runs, clock=lambda: 1012)
    assert third is not None
    assert third.taken == ("sub/b.pdf",)
    assert server.started == ["a.pdf", "sub/b.pdf"]
    assert [claim.flow_run for claim in store.open_claims()] == [f"run of {c.id}" for c in store.open_claims()]


@pytest.mark.parametrize("step", [3600.0, -3600.0])
def test_13_12c_a_clock_that_is_set_settles_nothing(
    folders: Folders, monkeypatch: pytest.MonkeyPatch, step: float
) -> None:
    """A file just arriving, when somebody sets the time or the machine gets it from the network."""
    server, store = FakeServer(), ClaimStore(load(home=folders.home, settle=30))
    drop(folders, "a.pdf")
    sweep(store, heartbeat.identity(), server.runs)
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + step)
    swept = sweep(store, heartbeat.identity(), server.runs)
    assert swept is not None
    assert (swept.taken, swept.waiting) == ((), 1)


def test_a_claim_without_a_run_gets_one_when_the_server_is_back(folders: Folders) -> None:
    server, store = FakeServer(), ClaimStore(load(home=folders.home, settle=0))
    drop(folders, "a.pdf")
    server.away = True
    swept = sweep(store, heartbeat.identity(), server.runs)
    assert swept is not None
    assert len(swept.troubles) == 1
    assert places(folders, "a.pdf") == ["working"]
    server.away = False
    sweep(store, heartbeat.identity(), server.runs)
    sweep(store, heartbeat.identity(), server.runs)
    assert server.started == ["a.pdf"]


def test_thousands_of_files_are_claimed_and_get_runs_little_by_little(
    folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.intake.sweep.RUNS_AHEAD", 3)
    server, store = FakeServer(), ClaimStore(load(home=folders.home, settle=0))
    names = [f"{number}.pdf" for number in range(8)]
    for name in names:
        drop(folders, name, PDF + name.encode())
    sweep(store, heartbeat.identity(), server.runs)
    assert len(store.open_claims()) == 8
    assert len(server.started) == 3
    sweep(store, heartbeat.identity(), server.runs)
    assert len(server.started) == 3
    first = next(claim for claim in store.open_claims() if claim.flow_run)
    transfers.archive(store, first)
    sweep(store, heartbeat.identity(), server.runs)
    assert len(server.started) == 4


def test_a_twin_waits_until_the_first_is_done(folders: Folders) -> None:
    server, store = FakeServer(), ClaimStore(load(home=folders.home, settle=0))
    for name in ("a.pdf", "b.pdf"):
        drop(folders, name)
    drop(folders, "c.pdf", PDF + b"another")
    for _ in range(2):
        sweep(store, heartbeat.identity(), server.runs)
        assert sorted(server.started) == ["a.pdf", "c.pdf"]
    first = next(claim for claim in store.open_claims() if claim.name == "a.pdf")
    transfers.archive(store, first)
    sweep(store, heartbeat.identity(), server.runs)
    assert sorted(server.started) == ["a.pdf", "b.pdf", "c.pdf"]


@needs_proc
def test_a_run_that_never_begins_gives_its_file_back(folders: Folders) -> None:
    """Its process died while the server was away. One that has begun is left alone, however it looks there."""
    server, store = FakeServer(), ClaimStore(load(home=folders.home, settle=1000))
    claim = take_one(store, heartbeat.identity(), running=False)
    server.ends[claim.flow_run] = "stuck"
    child = subprocess.Popen(["sleep", "60"])
    try:
        store.save(replace(claim, owner=heartbeat.identity(child.pid)))
        sweep(store, heartbeat.identity(), server.runs)
        assert places(folders, "a.pdf") == ["working"]
        store.save(claim)
        sweep(store, heartbeat.identity(), server.runs)
        assert places(folders, "a.pdf") == ["inbox"]
    finally:
        child.kill()
        child.wait()


def test_a_server_that_is_away_is_asked_once(folders: Folders) -> None:
    server, store = FakeServer(), ClaimStore(load(home=folders.home, settle=0))
    server.away = True
    for number in range(5):
        drop(folders, f"{number}.pdf")
    swept = sweep(store, heartbeat.identity(), server.runs)
    assert swept is not None
    assert len(swept.taken) == 5
    assert len(swept.troubles) == 1


def test_sweep_returns_what_the_dead_left(folders: Folders) -> None:
    server, store = FakeServer(), ClaimStore(load(home=folders.home, settle=1000))
    take_one(store, dead_owner(), running=True)
    swept = sweep(store, heartbeat.identity(), server.runs)
    assert swept is not None
    assert swept.returned == ("a.pdf",)
    assert places(folders, "a.pdf") == ["inbox"]


def test_what_is_returned_is_counted_once(folders: Folders) -> None:
    store = ClaimStore(load(home=folders.home, settle=1000))
    take_one(store, dead_owner(), running=True)
    sweep(store, heartbeat.identity(), FakeServer().runs)
    assert meter.counted(folders) == {"documents/returned": 1}


def test_sweep_leaves_the_living_alone(folders: Folders) -> None:
    server, store = FakeServer(), ClaimStore(load(home=folders.home, settle=1000))
    take_one(store, heartbeat.identity(), running=True)
    sweep(store, heartbeat.identity(), server.runs)
    assert places(folders, "a.pdf") == ["working"]


@pytest.mark.parametrize(
    ("end", "place"),
    [("crashed", "inbox"), ("gone", "inbox"), ("dropped", "inbox"), ("cancelled", "quarantine")],
)
def test_a_run_that_ended_before_it_began(folders: Folders, end: str, place: str) -> None:
    server, store = FakeServer(), ClaimStore(load(home=folders.home, settle=1000))
    claim = take_one(store, heartbeat.identity(), running=False)
    sweep(store, heartbeat.identity(), server.runs)
    assert places(folders, "a.pdf") == ["working"]  # its run waits for its turn
    server.ends[claim.flow_run] = end
    sweep(store, heartbeat.identity(), server.runs)
    assert places(folders, "a.pdf") == [place]


def test_what_kills_its_reader_again_and_again_is_given_up(folders: Folders) -> None:
    server, store = FakeServer(), ClaimStore(load(home=folders.home, settle=1000, attempts=3))
    owner = dead_owner()
    for _ in range(3):
        assert places(folders, "a.pdf") in ([], ["inbox"])
        take_one(store, owner, running=True)
        sweep(store, heartbeat.identity(), server.runs)
    assert places(folders, "a.pdf") == ["quarantine"]
    assert "3 times" in reason_path(folders.quarantine / "a.pdf").read_text()


@pytest.mark.parametrize("is_its_own", [True, False])
def test_what_stops_again_and_again_after_it_was_published_is_put_away(folders: Folders, is_its_own: bool) -> None:
    """The text stands in published/; a scan in quarantine would say that it does not."""
    server, store = FakeServer(), ClaimStore(load(home=folders.home, settle=1000, attempts=2))
    owner = dead_owner()
    for _ in range(2):
        claim = take_one(store, owner, running=True)
        record = {"source": {"sha256": claim.sha256 if is_its_own else "0" * 64}}
        (folders.published / "a.json").write_text(json.dumps(record))
        swept = sweep(store, heartbeat.identity(), server.runs)
    assert swept is not None
    assert places(folders, "a.pdf") == ["originals" if is_its_own else "quarantine"]
    assert swept.quarantined == (() if is_its_own else ("a.pdf",))


def test_a_crash_counts_once_even_if_its_file_cannot_go_back(folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    server, store = FakeServer(), ClaimStore(load(home=folders.home, settle=1000, attempts=2))
    take_one(store, dead_owner(), running=True)

    def fails(*_: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    with monkeypatch.context() as patch:
        patch.setattr(transfers, "hand_back", fails)
        for _ in range(4):
            swept = sweep(store, heartbeat.identity(), server.runs)
            assert swept is not None
            assert "stays in working/" in swept.troubles[0]
    sweep(store, heartbeat.identity(), server.runs)
    assert places(folders, "a.pdf") == ["inbox"]


def test_what_gets_further_each_time_is_not_given_up(folders: Folders) -> None:
    server, store = FakeServer(), ClaimStore(load(home=folders.home, settle=1000, attempts=2))
    owner = dead_owner()
    for page in range(1, 5):
        claim = take_one(store, owner, running=True)
        records = store.progress_folder(claim)
        records.mkdir(parents=True, exist_ok=True)
        (records / f"{page:05}.json").write_text("{}")
        sweep(store, heartbeat.identity(), server.runs)
        assert places(folders, "a.pdf") == ["inbox"]


def test_only_one_sweep_at_a_time(folders: Folders) -> None:
    server, store = FakeServer(), ClaimStore(load(home=folders.home, settle=1000))
    with locked(folders.working / ".sweep.lock"):
        code = (
            "import sys; from pathlib import Path; from flows.host import locks\n"
            "with locks.locked(Path(sys.argv[1]), wait=False) as held: print(held)"
        )
        lock = str(folders.working / ".sweep.lock")
        out = subprocess.run([sys.executable, "-c", code, lock], capture_output=True, text=True, check=True).stdout
        assert out.strip() == "False"
        assert sweep(store, heartbeat.identity(), server.runs) is None
    assert sweep(store, heartbeat.identity(), server.runs) is not None


def test_what_is_put_off_waits_its_time_and_is_started_anew(folders: Folders) -> None:
    server, store = FakeServer(), ClaimStore(load(home=folders.home, settle=0))
    claim = take_one(store, heartbeat.identity(), running=True)
    full = as_fault(OSError(28, "No space left on device"))
    store.put_off(claim, full, not_before=1000)
    for now, started in [(900, []), (999, []), (1000, ["a.pdf"]), (1001, ["a.pdf"])]:
        sweep(store, heartbeat.identity(), server.runs, now=now)
        assert server.started == started
        assert places(folders, "a.pdf") == ["working"]
    (again,) = store.open_claims()
    assert (again.tries, again.is_put_off, again.flow_run) == (1, False, f"run of {claim.id}")
    assert store.take_over(claim.id, "2").tries == 1


def test_a_clock_set_back_puts_nothing_off_for_ever(folders: Folders) -> None:
    server, store = FakeServer(), ClaimStore(load(home=folders.home, settle=0))
    claim = take_one(store, heartbeat.identity(), running=True)
    store.put_off(claim, NotAScan("x"), not_before=1_000_000)
    sweep(store, heartbeat.identity(), server.runs, now=1000)
    assert server.started == ["a.pdf"]


def test_nothing_is_taken_while_the_disk_is_nearly_full(folders: Folders) -> None:
    server = FakeServer()
    drop(folders, "a.pdf")
    swept = sweep(ClaimStore(load(home=folders.home, settle=0, min_free=10**18)), heartbeat.identity(), server.runs)
    assert swept is not None
    assert (swept.taken, swept.waiting) == ((), 1)
    assert "MB free" in swept.troubles[0]
    assert places(folders, "a.pdf") == ["inbox"]


def test_the_next_version_waits_for_the_one_before(folders: Folders) -> None:
    server, store = FakeServer(), ClaimStore(load(home=folders.home, settle=0))
    first = take_one(store, heartbeat.identity(), running=True)
    drop(folders, "a.pdf", PDF + b"\n")
    drop(folders, "b.pdf")
    swept = sweep(store, heartbeat.identity(), server.runs)
    assert swept is not None
    assert (swept.taken, swept.waiting) == (("b.pdf",), 1)
    transfers.archive(store, first)
    swept = sweep(store, heartbeat.identity(), server.runs)
    assert swept is not None
    assert swept.taken == ("a.pdf",)


def test_a_path_too_long_to_be_said_is_told(deep_folders: Folders, deep_store: ClaimStore) -> None:
    make_deep(deep_folders.inbox, "x" * 200, 30)
    drop(deep_folders, "b.pdf")
    swept = sweep(deep_store, heartbeat.identity(), FakeServer().runs)
    assert swept is not None
    assert (swept.waiting, len(swept.refused)) == (1, 1)
    assert "too long" in swept.refused[0]
    assert [one.where for one in status.status(deep_store)[1]] == ["inbox", "inbox"]


@pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("setpriv") is None,
    reason="needs root, to make files of others and lay rights down",
)
def test_folders_of_another_user(folders: Folders, store: ClaimStore) -> None:
    """One that may not be looked into, one that may be read only: both are told, and nothing is tried in vain."""
    for name, mode in (("closed", 0o700), ("readable", 0o755)):
        drop(folders, f"{name}/a.pdf")
        drop(folders, f"{name}/b.pdf")
        os.chown(folders.inbox / name, 12345, 12345)
        (folders.inbox / name).chmod(mode)
    drop(folders, "mine.pdf")
    code = f"""
from flows.intake.claims import ClaimStore
from flows.host import heartbeat, meter
from flows.settings import load
from flows.intake.sweep import Runs, sweep
store = ClaimStore(load(home={str(folders.home)!r}, settle=0, settle_broken=0))
swept = sweep(store, heartbeat.identity(), Runs(lambda claim: claim.id, lambda ids: {{}}))
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
    assert len(store.open_claims()) == 1
