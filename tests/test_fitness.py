"""May this machine take runs: each trouble is found before any document is taken, and said in one line."""

from __future__ import annotations

import email.utils
import json
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from flows.cli import nambat
from flows.host import heartbeat
from flows.host.locks import FORGOTTEN, forget_slots, locked, page_slot, slots_of
from flows.host.processes import machine
from flows.intake.claims import ClaimStore
from flows.service.fitness import MOST_APART, unfit
from flows.service.health import look, look_at_workers, seen_workers
from flows.service.home import name_home
from flows.service.prefect_server import Server, clock_ahead
from flows.service.record import record_of_service, write_service
from flows.service.worker import (
    LOCK,
    OWN,
    Watched,
    WorkerTrouble,
    address_of_server,
    own_folder,
    worker_environment,
)
from flows.service.worker_records import (
    WorkerRecord,
    dead_workers,
    drop_worker,
    last_sign,
    leave_sign,
    read_workers,
    write_worker,
)
from flows.settings import BadSetting, Folders, load
from tests.intake import OTHER, beats, dead_owner, take_one
from tests.kernel import small_disk


@pytest.fixture
def served(store: ClaimStore) -> ClaimStore:
    """A home with a service that leaves its reading to workers."""
    name_home(store.folders)
    write_service(store.folders, server=Server("http://127.0.0.1:9/api"), home="", pool="quét")
    return store


def why(store: ClaimStore, apart: float | None = 0.0, home: str = "") -> str:
    found = unfit(store, apart, home)
    return found.why if found else ""


def test_a_machine_that_has_all_may_take_runs(served: ClaimStore) -> None:
    assert why(served) == ""


def test_a_missing_program_is_told_with_its_own_exit_status(
    served: ClaimStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    found = unfit(served, 0.0)
    assert found is not None and found.is_program
    assert "Tesseract" in found.why
    assert unfit(served, 0.0, thorough=False) is None


def test_a_share_that_is_not_there_is_no_home(served: ClaimStore) -> None:
    (served.folders.working / ".home.json").unlink()
    assert "mount its share there" in why(served)


def test_another_home_is_not_taken_for_this_one(served: ClaimStore) -> None:
    name = json.loads((served.folders.working / ".home.json").read_text())["name"]
    assert why(served, home=name) == ""
    assert "and not van-thu-1" in why(served, home="van-thu-1")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_to(served: ClaimStore) -> None:
    served.folders.originals.chmod(0o500)
    try:
        assert "originals cannot be written to" in why(served)
    finally:
        served.folders.originals.chmod(0o700)


def test_a_folder_that_is_gone(served: ClaimStore) -> None:
    served.folders.originals.rmdir()
    assert "originals cannot be written to" in why(served)


def test_a_disk_that_is_nearly_full(tmp_path: Path) -> None:
    with small_disk(tmp_path / "home", 4):
        store = ClaimStore(load(home=tmp_path / "home"))
        store.folders.make()
        name_home(store.folders)
        write_service(store.folders, server=Server(""), home="", pool="p")
        assert "has only" in why(store)
        assert why(ClaimStore(load(home=tmp_path / "home", min_free=0))) == ""


@pytest.mark.parametrize("version", ["0.0.1", ""])
def test_another_version_than_the_services(served: ClaimStore, version: str) -> None:
    record = record_of_service(served.folders)
    record.write_text(json.dumps({**json.loads(record.read_text()), "version": version}))
    assert "install the same version on both machines" in why(served)


def test_a_home_that_was_never_served(served: ClaimStore) -> None:
    record_of_service(served.folders).unlink()
    assert "no nambat service runs" in why(served)


@given(st.floats(-100_000, 100_000))
def test_a_clock_that_is_minutes_off_does_no_harm_and_one_that_nobody_set_does(apart: float) -> None:
    from flows.service.fitness import _wrong_clock

    assert (_wrong_clock(apart) is None) == (abs(apart) <= MOST_APART)


@contextmanager
def server_of(ahead: float) -> Iterator[str]:
    """Something that answers as a Prefect server does whose clock is so many seconds ahead."""

    class Answers(BaseHTTPRequestHandler):
        def date_time_string(self, timestamp: float | None = None) -> str:
            return email.utils.formatdate(time.time() + ahead, usegmt=True)

        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"true")

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = HTTPServer(("127.0.0.1", 0), Answers)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/api"
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("ahead", [0.0, 300.0, -300.0, 3600.0, -86400.0])
def test_the_servers_clock_is_told_to_a_second(served: ClaimStore, ahead: float) -> None:
    with server_of(ahead) as api:
        told = clock_ahead(api)
    assert told is not None
    assert abs(told - ahead) < 1.5
    assert ("minutes off" in why(served, told)) == (abs(ahead) > 600)
    assert clock_ahead("http://127.0.0.1:9/api", 1) is None


def test_a_worker_puts_off_and_says_so_once(served: ClaimStore) -> None:
    lines: list[str] = []
    folders = served.folders
    with server_of(0.0) as api:
        watched = Watched(served, api, "", "quét", "máy 1", lines.append)
        write_worker(folders, watched.record())
        assert watched.may_take()
        first = last_sign(folders, heartbeat.identity())
        marker = folders.working / ".home.json"
        marker.rename(folders.working / "away")
        for _ in range(3):
            assert not watched.may_take()
        assert [worker.trouble for worker in read_workers(folders)] == [""]  # nothing is written where no home is
        (folders.working / "away").rename(marker)
        assert watched.may_take()
        # A share that went away leaves an empty folder, in which nothing must be made.
        folders.home.rename(folders.home.with_name("share"))
        folders.home.mkdir()
        assert not watched.may_take()
        assert list(folders.home.iterdir()) == []
        folders.home.rmdir()
        folders.home.with_name("share").rename(folders.home)
        record = record_of_service(folders)
        told = record.read_text()
        record.write_text(json.dumps({**json.loads(told), "version": "9"}))
        assert not watched.may_take()
        assert [worker.trouble for worker in read_workers(folders)] == [watched.trouble]
        record.write_text(told)
        assert watched.may_take()
    assert len(lines) == 5
    assert "no runs are taken now: no home of a nambat service lies in" in lines[0]
    assert lines[1] == "runs are taken again"
    assert first is not None and (last_sign(folders, heartbeat.identity()) or 0) >= first
    assert [worker.trouble for worker in read_workers(folders)] == [""]
    drop_worker(folders, heartbeat.identity())
    assert read_workers(folders) == []


def record_of(owner: str, name: str = "máy 1", trouble: str = "") -> WorkerRecord:
    return WorkerRecord(owner, name, "máy", "0.1.0", "quét", trouble)


def test_health_is_bad_only_while_files_wait_for_nobody(served: ClaimStore) -> None:
    def check() -> tuple[bool, str]:
        return next((one.ok, one.found) for one in look(served).checks if one.what == "workers")

    folders, now = served.folders, time.time()
    assert check()[0]
    claim = take_one(served, heartbeat.identity(), running=False)
    assert not check()[0]
    write_worker(folders, record_of(OTHER))
    assert not check()[0]  # it was never heard of
    leave_sign(folders, OTHER)
    assert check() == (True, "1 takes runs from the work pool quét")
    beats(folders, f"{OTHER}.worker", 61)
    assert not check()[0]
    leave_sign(folders, OTHER)
    write_worker(folders, record_of(OTHER, trouble="the disk is full"))
    assert not check()[0]
    assert "máy 1: the disk is full" in check()[1]
    write_worker(folders, record_of(heartbeat.identity(), "máy 2"))
    leave_sign(folders, heartbeat.identity())
    assert check()[0]
    assert [one.is_heard for one in seen_workers(folders, now + 1)] == [True, True]
    served.save(claim)


def test_the_health_of_this_machines_worker_is_its_own(served: ClaimStore) -> None:
    """Neither that of the service, nor of another machine's worker, nor of one that was killed."""

    def check() -> tuple[bool, str]:
        health = look_at_workers(served)
        return health.is_well, "; ".join(one.found for one in health.checks if one.what == "workers")

    folders, own = served.folders, heartbeat.identity()
    for others in (OTHER, dead_owner()):
        write_worker(folders, record_of(others))
        leave_sign(folders, others)
    assert check() == (False, "none runs on this machine; start one with: nambat worker")
    write_worker(folders, record_of(own, "đây"))
    leave_sign(folders, own)
    assert check() == (True, "đây takes runs from the work pool quét")
    beats(folders, f"{own}.worker", 61)
    assert not check()[0]
    assert check()[1].startswith("đây: no sign of life for 6")
    leave_sign(folders, own)
    write_worker(folders, record_of(own, "đây", trouble="the disk is full"))
    assert check() == (False, "đây: the disk is full")
    folders.working.rename(folders.home / "away")
    assert not look_at_workers(served).is_well


def test_a_service_that_reads_by_itself_has_no_workers_to_look_after(store: ClaimStore) -> None:
    write_service(store.folders, server=Server("http://127.0.0.1:9/api"), home="")
    assert "workers" not in {one.what for one in look(store).checks}


def test_who_is_dead_is_told_here_at_once_and_of_others_after_a_while(served: ClaimStore) -> None:
    folders = served.folders
    write_worker(folders, record_of(heartbeat.identity(), "here"))
    write_worker(folders, record_of(dead_owner(), "killed"))
    write_worker(folders, record_of(OTHER, "there"))
    beats(folders, f"{OTHER}.worker", 60)
    assert dead_workers(folders, 120) == {"killed"}
    beats(folders, f"{OTHER}.worker", 121)
    assert dead_workers(folders, 120) == {"killed", "there"}
    write_worker(folders, record_of(heartbeat.identity(), "there"))
    assert dead_workers(folders, 120) == {"killed"}  # another one is called so by now


@pytest.mark.parametrize("record", [b"", b"{", b"[]", b'{"owner": 1}', b'{"owner": "../../x", "name": "x"}'])
def test_a_damaged_record_of_a_worker_is_none(folders: Folders, record: bytes) -> None:
    (folders.working / ".workers").mkdir()
    (folders.working / ".workers" / "x.json").write_bytes(record)
    assert read_workers(folders) == []


def test_each_machine_has_places_of_its_own_for_reading_pages(folders: Folders) -> None:
    with page_slot(folders, 1):
        assert [place.name for place in slots_of(folders).iterdir()] == ["0"]
        assert slots_of(folders).name == machine()


def test_a_thread_looks_first_at_the_place_that_it_had(folders: Folders) -> None:
    """On a share each look at a place that is taken costs something."""

    def held(count: int) -> list[str]:
        with page_slot(folders, count):
            return [place.name for place in sorted(slots_of(folders).iterdir()) if not _is_free(place)]

    with ThreadPoolExecutor(1) as thread:
        with page_slot(folders, 1):
            assert thread.submit(held, 2).result() == ["0", "1"]
        assert thread.submit(held, 2).result() == ["1"]
        assert thread.submit(held, 1).result() == ["0"]  # there are fewer now


def _is_free(place: Path) -> bool:
    with locked(place, wait=False) as was_free:
        return was_free


def test_places_of_machines_that_are_gone_are_forgotten(folders: Folders) -> None:
    with page_slot(folders, 2):
        pass
    old, new, earlier = (folders.working / ".slots" / name for name in ("old", "new", "0"))
    for home in (old, new):
        home.mkdir()
        (home / "0").touch()
    earlier.touch()
    now = time.time()
    for path in (old / "0", old, earlier):
        os.utime(path, (now - FORGOTTEN - 1, now - FORGOTTEN - 1))
    forget_slots(folders, now)
    assert {place.name for place in (folders.working / ".slots").iterdir()} == {"new", machine()}


@pytest.mark.parametrize("pool", ["prefect-x", "Prefect", "a/b", "a%b", "a\nb", ".. /"])
def test_names_that_are_none_of_a_work_pool(pool: str) -> None:
    with pytest.raises(BadSetting, match=r"NAMBAT_POOL|--pool"):
        load(pool=pool)


@pytest.mark.parametrize("pool", ["nambat", "Quét văn bản", "kho-2026_1.b", ""])
def test_names_of_work_pools(pool: str) -> None:
    assert load(pool=pool).pool == pool


def test_nothing_of_the_server_or_the_share_gets_into_a_workers_environment(folders: Folders, tmp_path: Path) -> None:
    given = {"PREFECT_API_URL": "http://a:1/api", "NAMBAT_HOME": str(folders.home), "NAMBAT_POOL": "p"}
    made = worker_environment(folders, tmp_path, "máy", {**given, "PREFECT_SERVER_API_AUTH_STRING": "a:b"})
    assert not [name for name in made if name.startswith("PREFECT_SERVER_")]
    assert made["PREFECT_API_AUTH_STRING"] == "a:b"
    assert made["PREFECT_HOME"].startswith(str(tmp_path))
    assert made.items() >= given.items()


def test_a_worker_needs_to_know_its_server(served: ClaimStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    with pytest.raises(WorkerTrouble, match=r"no Prefect server answers at http://127\.0\.0\.1:9/api"):
        address_of_server(served.folders)  # the service's own, as that is of this machine
    record = record_of_service(served.folders)
    record.write_text(json.dumps({**json.loads(record.read_text()), "owner": OTHER}))
    with pytest.raises(WorkerTrouble, match="set PREFECT_API_URL"):
        address_of_server(served.folders)


def test_the_folder_of_a_killed_worker_goes_and_that_of_a_living_one_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (tmp_path / f"{OWN}file").touch()
    link = tmp_path / f"{OWN}link"
    link.symlink_to(tmp_path)
    killed, living, young = (tmp_path / f"{OWN}{name}" for name in ("killed", "living", "young"))
    for folder in (killed, living, young):
        (folder / "scratch").mkdir(parents=True)
    with locked(living / LOCK):
        for folder in (killed, living):
            os.utime(folder, (1, 1))
        with own_folder() as own:
            assert {path.name for path in tmp_path.iterdir()} == {
                *(link.name, f"{OWN}file", living.name, young.name, own.name)
            }
    assert not own.exists()


@pytest.mark.parametrize("name", ["a/b", "100%", "a\nb", os.fsdecode(b"m\xe1y")])
def test_a_name_that_nobody_could_be_shown_is_refused(folders: Folders, name: str) -> None:
    done = CliRunner().invoke(nambat, ["worker", "--name", name], env={"NAMBAT_HOME": str(folders.home)})
    assert done.exit_code == 2
    assert "no sign that cannot be shown" in " ".join(done.output.split())
