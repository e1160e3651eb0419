"""One health: what is looked at, what makes it bad, and who hears of it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows import doctor
from flows.host import heartbeat
from flows.host.files import try_writing
from flows.intake import status
from flows.intake.claims import Claim, ClaimStore
from flows.intake.inbox import list_inbox
from flows.service import health, health_page
from flows.service.health import Check, Health
from flows.service.health_page import PATH, with_health
from flows.service.prefect_server import Server
from flows.service.record import read_service, write_service
from flows.service.watch import SILENT_AFTER
from flows.settings import Folders, load
from tests.intake import beats, drop, take_one
from tests.kernel import needs_proc, small_disk
from tests.scans import write_scan
from tests.service import ROOT, Service, clean_environment
from tests.waiting import wait_until

pytestmark = needs_proc

MINUTE, HOUR = 60, 3600


@pytest.fixture
def served(store: ClaimStore, monkeypatch: pytest.MonkeyPatch) -> ClaimStore:
    """Folders whose service is this process; its watcher and its server are well."""
    monkeypatch.setattr(health, "is_healthy", lambda api, seconds: True)
    write_service(store.folders, server=Server("http://127.0.0.1:9/api"), home="")
    beats(store.folders, f"{heartbeat.identity()}.watch", 0)
    return store


def bad(store: ClaimStore) -> dict[str, str]:
    return {check.what: check.found for check in health.look(store).troubles}


def aged(path: Path, seconds: float) -> None:
    then = time.time() - seconds - 1
    os.utime(path, (then, then))


def test_all_is_well(served: ClaimStore) -> None:
    found = health.look(served)
    assert (found.is_well, found.troubles, found.hindrance) == (True, (), "")
    assert [check.what for check in found.checks] == [
        *("service", "watcher", "server"),
        *("inbox", "working", "published", "originals", "quarantine"),
        *("mounts", "disk", "waiting", "progress"),
    ]


def test_a_look_leaves_nothing(served: ClaimStore) -> None:
    before = set(served.folders.home.rglob("*"))
    health.look(served)
    assert set(served.folders.home.rglob("*")) == before


def test_without_a_service(store: ClaimStore) -> None:
    found = health.look(store)
    assert [check.what for check in found.troubles] == ["service"]
    assert "nambat serve" in found.hindrance


def test_a_frozen_watcher(served: ClaimStore) -> None:
    beats(served.folders, f"{heartbeat.identity()}.watch", 20 * MINUTE)
    assert bad(served) == {"watcher": "no sign of life for 20 min; restart `nambat serve`"}


def test_a_watcher_that_ended_or_has_not_begun(served: ClaimStore) -> None:
    heartbeat.take_back(served.folders, f"{heartbeat.identity()}.watch")
    assert "not begun yet" in bad(served)["watcher"]
    aged(served.folders.working / ".service.json", HOUR)
    assert "does not run" in bad(served)["watcher"]


def test_nobody_misses_a_watcher_that_is_switched_off(served: ClaimStore) -> None:
    beats(served.folders, f"{heartbeat.identity()}.watch", HOUR)
    assert bad(ClaimStore(served.settings.model_copy(update={"watch": False}))) == {}


def test_a_server_that_does_not_answer(served: ClaimStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "is_healthy", lambda api, seconds: False)
    assert bad(served) == {"server": "http://127.0.0.1:9/api does not answer; restart `nambat serve`"}
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    assert bad(served) == {"server": "http://127.0.0.1:9/api (PREFECT_API_URL) does not answer; start it"}


@pytest.mark.parametrize("name", health.FOLDERS[2:])
def test_a_folder_that_is_gone(served: ClaimStore, name: str) -> None:
    (served.folders.home / name).rmdir()
    if name == "published":
        assert set(bad(served)) == {"published", "disk"}
    else:
        assert list(bad(served)) == [name]
    assert "No such file" in bad(served)[name]


def test_a_folder_that_is_read_only(served: ClaimStore) -> None:
    with small_disk(served.folders.published) as published:
        subprocess.run(["mount", "-o", "remount,ro", str(published)], check=True)
        why = bad(ClaimStore(served.settings.model_copy(update={"min_free": 0})))
    assert list(why) == ["published"]
    assert "Read-only file system" in why["published"]


def test_a_full_disk(served: ClaimStore) -> None:
    drop(served.folders, "a.pdf")
    with small_disk(served.folders.working) as working:
        write_service(served.folders, server=Server("http://127.0.0.1:9/api"), home="")
        beats(served.folders, f"{heartbeat.identity()}.watch", 0)
        with (working / "filler").open("wb", buffering=0) as filler, pytest.raises(OSError, match="No space"):
            while True:
                filler.write(b"x" * 4096)
        why = bad(served)
        held = status.status(served, health.look(served).hindrance)[1]
    assert set(why) == {"working", "disk"}
    assert "make room there" in why["working"]
    assert "NAMBAT_MIN_FREE" in why["disk"]
    assert [one.why for one in held] == [f"not taken now: working: {why['working']}"]


def test_a_share_that_is_away(served: ClaimStore) -> None:
    from flows.host.mounts import note_mounts

    with small_disk(served.folders.originals, 1):
        note_mounts(served.folders)
        assert bad(served) == {}
    assert list(bad(served)) == ["mounts"]
    assert "is not mounted" in health.look(served).hindrance


def test_a_folder_that_does_not_answer(served: ClaimStore, monkeypatch: pytest.MonkeyPatch) -> None:
    answers, asked = threading.Event(), []

    def hang(folder: Path) -> float:
        if folder == served.folders.inbox:
            asked.append(folder)
            answers.wait(30)
        return try_writing(folder)

    monkeypatch.setattr(health, "try_writing", hang)
    monkeypatch.setattr(health, "ANSWERS_WITHIN", 0.2)
    for _ in range(3):
        begun = time.monotonic()
        assert "does not answer" in bad(served)["inbox"]
        assert time.monotonic() - begun < 5
    assert len(asked) == 1
    answers.set()
    health._asked[served.folders.inbox].join(10)
    monkeypatch.setattr(health, "ANSWERS_WITHIN", 10)
    assert bad(served) == {}


def test_a_file_that_waits_too_long(served: ClaimStore) -> None:
    drop(served.folders, "a.pdf")
    aged(served.folders.inbox / "a.pdf", 9 * HOUR)  # a copy keeps the time of what was copied: that says nothing
    assert bad(served) == {}
    time.sleep(0.1)
    hasty = ClaimStore(served.settings.model_copy(update={"late_after": 0.05}))
    assert bad(hasty)["waiting"].startswith("1 file in the inbox, the oldest for 0 s")
    # ... but one that waits for an earlier version of itself does not count
    claim = take_one(served, heartbeat.identity(), running=True)
    drop(served.folders, claim.name)
    time.sleep(0.1)
    assert bad(hasty) == {}


@given(
    st.datetimes(datetime(2001, 1, 1), datetime(2099, 1, 1)),
    st.sampled_from(["", "*/10 7-18 * * 1-6", "0 6 1 * *", "30 2 * * *"]),
    st.booleans(),
    st.floats(1, 1e6),
)
def test_a_file_is_due_when_somebody_looks(came: datetime, cron: str, watch: bool, interval: float) -> None:
    settings = load(sweep_cron=cron, watch=watch, sweep_interval=interval)
    at = came.replace(tzinfo=ZoneInfo(settings.timezone)).timestamp()
    due = health._due(at, settings)
    if watch:
        assert due == at
    elif not cron:
        assert due == at + interval
    else:
        assert at < due <= at + 62 * 86400
        assert due % 60 == 0


def make_progress(store: ClaimStore, claim: Claim, ago: float) -> None:
    folder = store.progress_folder(claim)
    folder.mkdir(parents=True, exist_ok=True)
    aged(folder, ago)


@pytest.mark.parametrize(
    ("noted", "page", "is_well"),
    [(5, None, True), (HOUR, None, False), (HOUR, 5, True), (5 * HOUR, HOUR, False), (20 * MINUTE, None, True)],
)
def test_a_run_that_gets_no_further(served: ClaimStore, noted: float, page: float | None, is_well: bool) -> None:
    claim = take_one(served, heartbeat.identity(), running=True)
    aged(served.folder(claim) / "claim.json", noted)
    if page is not None:
        make_progress(served, claim, page)
    assert (list(bad(served)) == []) is is_well
    if not is_well:
        assert bad(served)["progress"].startswith("1 file in work, of which one has got no further for 1 h 0 min")


def test_a_page_may_take_as_long_as_is_set(served: ClaimStore) -> None:
    claim = take_one(served, heartbeat.identity(), running=True)
    aged(served.folder(claim) / "claim.json", HOUR)
    assert bad(ClaimStore(served.settings.model_copy(update={"page_timeout": 1500.0}))) == {}


def test_files_whose_turn_never_comes(served: ClaimStore) -> None:
    claim = take_one(served, heartbeat.identity(), running=False)
    aged(served.folder(claim) / "claim.json", HOUR)
    assert list(bad(served)) == ["progress"]
    # ... but with documents that come and go before it, its turn will come
    (served.folders.working / ".progress").mkdir(exist_ok=True)
    assert bad(served) == {}


def test_a_file_that_was_put_off(served: ClaimStore) -> None:
    claim = take_one(served, heartbeat.identity(), running=False)
    aged(served.folder(claim) / "claim.json", 3 * HOUR)
    for due_in, is_well in ((HOUR / 2, True), (-5 * MINUTE, True), (-HOUR, False)):
        served.save(replace(claim, tries=1, not_before=time.time() + due_in))
        assert (bad(served) == {}) is is_well


def test_health_names_no_file(served: ClaimStore) -> None:
    claim = take_one(served, heartbeat.identity(), running=True)
    aged(served.folder(claim) / "claim.json", HOUR)
    drop(served.folders, "secret name.pdf")
    time.sleep(0.05)
    found = health.look(ClaimStore(served.settings.model_copy(update={"late_after": 0.01})))
    assert {check.what for check in found.troubles} == {"waiting", "progress"}
    assert "secret" not in json.dumps(found.as_record())
    assert "a.pdf" not in json.dumps(found.as_record())


# -- who hears of it ------------------------------------------------------------------------------------------------


def test_status_says_why_nothing_is_taken(served: ClaimStore) -> None:
    drop(served.folders, "a.pdf")
    beats(served.folders, f"{heartbeat.identity()}.watch", HOUR)
    ((why,),) = [[one.why for one in status.status(served, health.look(served).hindrance)[1]]]
    assert why == "not taken now: watcher: no sign of life for 1 h 0 min; restart `nambat serve`"


WELL = Health((Check("disk", True, "at /srv/scans"),))
ILL = Health((Check("disk", False, "full: /srv/scans"),))


async def nothing(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "passed on", "status": 0})


def ask(
    look: Callable[[], Health], path: str = PATH, method: str = "GET", client: str = "127.0.0.1", times: int = 1
) -> list[tuple[int, Any]]:
    """What is answered to so many who ask at once."""

    async def one(application: Any) -> tuple[int, Any]:
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        async def receive() -> Any:
            return {"type": "http.request"}

        scope = {"type": "http", "method": method, "path": path, "client": (client, 5), "headers": []}
        await application(scope, receive, send)
        return sent[0]["status"], json.loads(sent[1]["body"]) if len(sent) > 1 and sent[1]["body"] else None

    async def all_of_them() -> list[tuple[int, Any]]:
        application = with_health(nothing, look)
        return await asyncio.gather(*(one(application) for _ in range(times)))

    return asyncio.run(all_of_them())


def test_the_page_says_what_is_well_and_what_is_not() -> None:
    assert ask(lambda: WELL) == [(200, WELL.as_record())]
    assert ask(lambda: ILL) == [(503, ILL.as_record())]
    assert ask(lambda: ILL, method="HEAD") == [(503, None)]
    assert ask(lambda: ILL, method="POST")[0][0] == 405
    assert ask(lambda: ILL, path="/api/health") == [(0, None)]


def test_the_page_tells_other_machines_no_more_than_that() -> None:
    for client in ("192.168.1.5", "2001:db8::1", "no address"):
        ((status_code, told),) = ask(lambda: ILL, client=client)
        assert (status_code, told) == (503, {"healthy": False, "checks": [{"what": "disk", "ok": False}]})


def test_many_who_ask_share_one_look() -> None:
    looks = []

    def look() -> Health:
        looks.append(1)
        time.sleep(0.1)
        return WELL

    assert ask(look, times=50) == [(200, WELL.as_record())] * 50
    assert len(looks) == 1


def test_a_look_that_hangs_or_fails_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health_page, "ANSWER_WITHIN", 0.1)
    over = threading.Event()

    def hang() -> Health:
        over.wait(1)
        return WELL

    def fail() -> Health:
        raise ValueError("no")

    assert ask(hang)[0][1]["checks"] == [{"what": "look", "ok": False, "found": health_page.HANGS}]
    over.set()
    assert ask(fail)[0][0] == 503


# -- doctor: what `serve` would trip over -----------------------------------------------------------------------------


def doctor_says(store: ClaimStore) -> dict[str, str]:
    return {check.what: check.found for check in doctor.checks(store.settings) if not check.ok}


def test_doctor_tries_the_folders(store: ClaimStore) -> None:
    assert not {"inbox", "published", "disk"} & set(doctor_says(store))
    with small_disk(store.folders.published) as published:
        subprocess.run(["mount", "-o", "remount,ro", str(published)], check=True)
        assert {"published", "disk"} <= set(doctor_says(store))


def test_doctor_tries_where_folders_would_be_made(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        store = ClaimStore(load(home=disk / "a" / "home"))
        assert not {*health.FOLDERS, "logs", "prefect"} & set(doctor_says(store))
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        said = doctor_says(store)
    assert {*health.FOLDERS, "logs", "prefect", "versions"} <= set(said)
    assert "cannot be made" in said["inbox"]
    (tmp_path / "file").write_text("")
    assert "Not a directory" in doctor_says(ClaimStore(load(home=tmp_path / "file" / "home")))["inbox"]


def test_doctor_knows_what_else_serve_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    monkeypatch.delenv("PREFECT_SERVER_API_AUTH_STRING", raising=False)
    home = tmp_path / "home"
    said = doctor_says(ClaimStore(load(home=home, published=home / "inbox" / "text", host="0.0.0.0", group="no such")))
    assert {"folders", "password", "group"} <= set(said)


def test_doctor_of_a_running_service_says_its_health(served: ClaimStore) -> None:
    beats(served.folders, f"{heartbeat.identity()}.watch", HOUR)
    assert "no sign of life" in doctor_says(served)["watcher"]


# -- a real service ---------------------------------------------------------------------------------------------------


def nambat(service: Service, *arguments: str) -> subprocess.CompletedProcess[str]:
    where = {"NAMBAT_HOME": str(service.home), "NAMBAT_PORT": str(service.port), "PYTHONPATH": str(ROOT)}
    environment = clean_environment(**where, **service.settings)
    command = [sys.executable, "-P", "-m", "flows.cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment)


def page(service: Service, **headers: str) -> tuple[int, Any]:
    request = urllib.request.Request(f"http://127.0.0.1:{service.port}{PATH}", headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as answer:
        return answer.code, json.load(answer) if answer.code == 503 else None


def troubles(record: dict[str, Any]) -> list[str]:
    return [check["what"] for check in record["checks"] if not check["ok"]]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_real_service(tmp_path: Path) -> None:
    """Well, then its watcher is frozen, its server is frozen, published/ is read-only; and what its logs say."""
    home = tmp_path / "home"
    settings = {"NAMBAT_SETTLE": "1", "NAMBAT_SETTLE_BROKEN": "4", "NAMBAT_LOG_FORMAT": "json", "NAMBAT_MIN_FREE": "0"}
    service = Service(home, tmp_path / "service.log", settings)
    with small_disk(home / "published", 16) as published, service.running(400):
        drop(service.folders, "hỏng.pdf", b"%PDF-1.4 no such thing %%EOF")
        write_scan(home / "inbox" / "một trang.pdf")
        wait_until(lambda: (published / "một trang.json").exists() and (home / "quarantine" / "hỏng.pdf").exists())
        wait_until(lambda: (home / "originals" / "một trang.pdf").exists())
        service_is_well(service)
        a_read_only_folder_shows(service, published)
        a_frozen_service_shows(service)
        a_frozen_server_shows(service)
        service.stop()
        logs_tell_what_happened(service)
        service.start()
        service.wait_until_ready(400)
        told = (home / "logs" / "nambat.log").read_text().splitlines()
        assert [json.loads(line)["message"] for line in told].count("Starting the Prefect server ...") == 2


def service_is_well(service: Service) -> None:
    done = nambat(service, "health")
    assert (done.returncode, done.stderr) == (0, "")
    assert all(line.startswith("ok ") for line in done.stdout.splitlines())
    status_code, record = page(service)
    assert (status_code, record["healthy"], troubles(record)) == (200, True, [])
    assert json.loads(nambat(service, "health", "--json").stdout)["healthy"]
    assert page(service, Host="evil.example")[0] == 403
    assert page(service, Origin="http://evil.example")[0] == 403


def a_read_only_folder_shows(service: Service, published: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(published)], check=True)
    time.sleep(health_page.FRESH)
    try:
        assert troubles(page(service)[1]) == ["published"]
        assert nambat(service, "health").returncode == 1
        assert "published: " in nambat(service, "status").stdout
        assert "Read-only file system" in nambat(service, "doctor").stdout
    finally:
        subprocess.run(["mount", "-o", "remount,rw", str(published)], check=True)


def a_frozen_service_shows(service: Service) -> None:
    os.kill(service.pid, signal.SIGSTOP)
    try:
        drop(service.folders, "waits.pdf")
        wait_until(lambda: troubles(page(service)[1]) == ["watcher"], SILENT_AFTER + 30)
        done = nambat(service, "health")
        assert done.returncode == 1
        assert "BAD  watcher: no sign of life for" in done.stdout
        assert "not taken now: watcher: no sign of" in " ".join(nambat(service, "status").stdout.split())
    finally:
        os.kill(service.pid, signal.SIGCONT)
    wait_until(lambda: page(service)[0] == 200)


def a_frozen_server_shows(service: Service) -> None:
    server = heartbeat.pid_of(service.folders, read_service(service.folders)["server"])
    assert server is not None
    os.kill(server, signal.SIGSTOP)
    try:
        done = nambat(service, "health", "--json")
    finally:
        os.kill(server, signal.SIGCONT)
    assert done.returncode == 1
    assert troubles(json.loads(done.stdout)) == ["server"]


def logs_tell_what_happened(service: Service) -> None:
    shown = [json.loads(line) for line in service.said().splitlines() if not line.startswith("---")]
    kept = [json.loads(line) for line in (service.home / "logs" / "nambat.log").read_text().splitlines()]
    for told in (shown, kept):
        (done,) = [line for line in told if line["event"] == "published"]
        assert (done["file"], done["pages"], done["unreadable_pages"]) == ("một trang.pdf", 1, 0)
        assert done["seconds"] > 0
        (bad_one,) = [line for line in told if line["event"] == "quarantined" and line["file"] == "hỏng.pdf"]
        assert bad_one["reason"].startswith("The PDF is damaged")
        assert {"một trang.pdf", "hỏng.pdf"} <= {line["file"] for line in told if line["event"] == "taken"}
        assert all(line["time"].endswith("+07:00") for line in told)
    text = (service.home / "published" / "một trang.txt").read_text()
    words = {word for word in text.split() if len(word) > 4}
    assert words
    assert not [line for line in kept if words & set(line["message"].split())]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_service_with_anothers_server_answers_by_itself(tmp_path: Path) -> None:
    theirs = Service(tmp_path / "theirs", tmp_path / "theirs.log")
    with theirs.running(400):
        api = f"http://127.0.0.1:{theirs.port}/api"
        ours = Service(tmp_path / "ours", tmp_path / "ours.log", {"PREFECT_API_URL": api})
        with ours.running(400):
            wait_until(lambda: page(ours)[0] == 200)
            assert {check["found"] for check in page(ours)[1]["checks"] if check["what"] == "server"} == {api}
            assert page(ours, Host="evil.example")[0] == 403


# -- writing to a folder ----------------------------------------------------------------------------------------------


def test_trying_a_folder_leaves_nothing_with_and_without_nameless_files(
    folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time()
    assert abs(try_writing(folders.inbox) - now) < 60
    real = os.open

    def without(path: Any, flags: int, *more: Any, **others: Any) -> int:
        if flags & os.O_TMPFILE == os.O_TMPFILE:
            raise OSError(95, "Operation not supported")
        return real(path, flags, *more, **others)

    monkeypatch.setattr(os, "open", without)
    assert abs(try_writing(folders.inbox) - now) < 60
    assert list(folders.inbox.iterdir()) == []
    assert list_inbox(folders.inbox).files == {}
