"""A service that leaves its reading to workers, with real workers, some of which think that they are elsewhere.

What is "another machine" here is another process namespace: process ids count anew, and no claim of one can be looked
up by the other. That of a share's locks and caches cannot be had so.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.unchanged import MEASURED
from flows.host.processes import descendants, is_running, kill_tree, machine
from tests.kernel import needs_proc
from tests.scans import write_scan
from tests.service import ROOT, Service, Worker, clean_environment, on_another_machine
from tests.test_serve import QUICK, files, retry_in_the_ui, start_again, states, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900), needs_proc]

POOL = "quét văn bản"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that reads nothing by itself."""
    folder = tmp_path_factory.mktemp("pool")
    settings = {**QUICK, "NAMBAT_POOL": POOL, "NAMBAT_CLAIM_TIMEOUT": "30", "NAMBAT_ATTEMPTS": "5"}
    made = Service(folder / "home", folder / "serve.log", settings)
    start_again(made)
    try:
        yield made
    finally:
        made.end()


def worker_of(service: Service, name: str, *before: str, options: tuple[str, ...] = (), **settings: str) -> Worker:
    """A worker that takes runs."""
    log = service.log.with_name(f"{name}.log")
    made = Worker(service, name, log, before, {"NAMBAT_JOBS": "1", "NAMBAT_CLAIM_TIMEOUT": "30", **settings}, options)
    made.start()
    try:
        made.wait_until_ready()
    except BaseException:
        made.kill()
        raise
    return made


def command(service: Service, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Another command of nambat for the same home."""
    return subprocess.run(
        [sys.executable, "-m", "flows.cli", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=ROOT,
        env=clean_environment(NAMBAT_HOME=str(service.home), COLUMNS="200", **settings),
    )


def without_times(record: Any) -> Any:
    """A published record without what is measured anew each time, and what only `convert` or only the service notes."""
    if isinstance(record, dict):
        left_out = MEASURED | {"path_mark", "made_with"}
        return {key: without_times(value) for key, value in record.items() if key not in left_out}
    return [without_times(one) for one in record] if isinstance(record, list) else record


def five_minutes_ahead() -> tuple[str, ...]:
    """Words that put a command's clock forward where that can be had (Debian's faketime); times of files stay true."""
    if shutil.which("faketime") is None:
        return ()
    return ("env", "NO_FAKE_STAT=1", "FAKE_UTIME=1", "faketime", "-f", "+300s")


def held_elsewhere(service: Service) -> set[str]:
    """Names of what a run of another machine works on."""
    claims = service.store.open_claims()
    return {one.name for one in claims if one.running and one.owner.split(":")[0] != machine()}


def test_two_workers_read_each_document_once_though_one_is_killed(service: Service, tmp_path: Path) -> None:
    """One thinks that it is elsewhere, five minutes ahead; it is killed with all it runs when it is at work."""
    names = [f"tờ trình {number}.pdf" for number in range(8)]
    here = worker_of(service, "gần", options=("--limit", "2"))
    there = worker_of(service, "xa", *five_minutes_ahead(), *on_another_machine())
    try:
        for name in names:
            write_scan(service.home / "inbox" / name)
        wait_until(lambda: held_elsewhere(service))
        there.kill()
        held = held_elsewhere(service)
        assert held
        for name in names:
            wait_until((service.home / "originals" / name).exists)
        # No run of a dead worker is left at work for ever.
        wait_until(lambda: not {"PENDING", "RUNNING"} & {one for name in names for one in states(service, name)})
    finally:
        there.kill()
        here.kill()
    wait_until(lambda: not service.store.open_claims(), 30)
    assert files(service.home / "quarantine") == []
    assert files(service.home / "originals") == sorted(names)
    assert not (service.home / "versions").exists() or files(service.home / "versions") == []
    for name in names:
        ended = sorted(states(service, name))
        assert ended.count("COMPLETED") == 1, (name, ended)
        assert set(ended) <= {"COMPLETED", "CRASHED", "CANCELLED"}
        if name in held:
            assert "CRASHED" in ended
    # What came of it is what nambat makes of these scans anywhere.
    scans = [str(service.home / "originals" / name) for name in names]
    done = subprocess.run(
        [sys.executable, "-m", "flows.cli", "convert", "--out", str(tmp_path), *scans],
        capture_output=True,
        cwd=ROOT,
        env=clean_environment(),
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    for name in names:
        stem = name.removesuffix(".pdf")
        ours, theirs = ((place / f"{stem}.json").read_bytes() for place in (service.home / "published", tmp_path))
        assert without_times(json.loads(ours)) == without_times(json.loads(theirs))
        text, same = ((place / f"{stem}.txt").read_bytes() for place in (service.home / "published", tmp_path))
        assert text == same


def test_a_deployment_names_no_path_and_the_queues_have_their_priorities(service: Service) -> None:
    deployments = {one["name"]: one for one in service.api("deployments/filter")}
    for name in ("nambat-ingest", "nambat-read"):
        one = deployments[name]
        assert (one["path"], one["pull_steps"], one["storage_document_id"]) == (None, [], None)
        assert (one["work_pool_name"], one["work_queue_name"]) == (POOL, "inbox")
        assert all(about.get("description") for about in one["parameter_openapi_schema"]["properties"].values())
    assert deployments["nambat-sweep"]["work_pool_name"] is None
    assert str(service.home) not in json.dumps(deployments, ensure_ascii=False)
    queues = {one["name"]: one["priority"] for one in service.api(f"work_pools/{'%20'.join(QUOTED)}/queues/filter")}
    assert queues["inbox"] == 1
    assert queues["archive"] > queues["inbox"]


QUOTED = ("qu%C3%A9t", "v%C4%83n", "b%E1%BA%A3n")


@pytest.mark.longest
def test_a_second_service_on_another_machine_refuses(service: Service) -> None:
    """Before it does, it looks whether the first one's sign of life is renewed."""
    done = subprocess.run(
        [*on_another_machine(), sys.executable, "-m", "flows.cli", "serve"],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=ROOT,
        # Locks reach from one namespace to the other; on many shares they do not, so this one has none to meet.
        env=clean_environment(**service.settings, NAMBAT_HOME=str(service.home), NAMBAT_PORT="1"),
    )
    assert done.returncode == 1
    assert "another nambat service runs on" in done.stderr


@pytest.mark.longest
def test_the_commands_tell_of_the_workers(service: Service) -> None:
    """Nobody reads, and files wait; then somebody does."""
    write_scan(service.home / "inbox" / "chờ.pdf")
    wait_until(lambda: states(service, "chờ.pdf") == ["SCHEDULED"])
    bad = f"BAD  workers: 1 file to be read, and no worker takes runs from the work pool {POOL}; start one"
    wait_until(lambda: bad in command(service, "health").stdout, 90)  # one of another machine was killed just now
    assert "BAD  workers" in command(service, "status").stdout
    reader = worker_of(service, "đọc")
    try:
        wait_until((service.home / "originals" / "chờ.pdf").exists)
        well = command(service, "health")
        assert well.returncode == 0, well.stdout
        assert f"1 takes runs from the work pool {POOL}" in well.stdout
        told = command(service, "status").stdout
        assert "Workers" in told and "đọc" in told and "takes runs" in told
        assert "ok   workers" in command(service, "doctor").stdout
        own = command(service, "health", "--worker")
        assert (own.returncode, "đọc takes runs" in own.stdout) == (0, True), own.stdout
        # Read again, by the command and in the UI.
        assert command(service, "reread", "chờ.pdf").returncode == 0
        wait_until(lambda: states(service, "chờ.pdf").count("COMPLETED") == 2)
        last = max(service.runs("chờ.pdf"), key=lambda run: run["created"])
        retry_in_the_ui(service, last)
        wait_until(lambda: run_count(service, last) == 2 and set(states(service, "chờ.pdf")) == {"COMPLETED"})
        assert files(service.home / "originals").count("chờ.pdf") == 1
    finally:
        reader.kill()


def run_count(service: Service, run: dict[str, Any]) -> int:
    count: int = service.api(f"flow_runs/{run['id']}", "GET")["run_count"]
    return count


@pytest.mark.longest
def test_who_cancels_in_the_ui_is_heard_by_a_worker(service: Service) -> None:
    reader = worker_of(service, "huỷ")
    try:
        write_scan(service.home / "inbox" / "huỷ.pdf", pages=40)
        wait_until(lambda: "RUNNING" in states(service, "huỷ.pdf"))
        (run,) = service.runs("huỷ.pdf")
        service.api(f"flow_runs/{run['id']}/set_state", state={"type": "CANCELLING"}, force=False)
        wait_until((service.home / "quarantine" / "huỷ.pdf").exists)
        wait_until(lambda: states(service, "huỷ.pdf") == ["CANCELLED"], 60)
    finally:
        reader.kill()
        for left in (service.home / "quarantine").iterdir():
            left.unlink()


@pytest.mark.longest
def test_a_worker_that_is_stopped_hands_back_and_one_that_is_killed_loses_nothing(service: Service) -> None:
    reader = worker_of(service, "dừng", NAMBAT_WORKER_GRACE="2")
    write_scan(service.home / "inbox" / "dừng.pdf", pages=40)
    wait_until(lambda: "RUNNING" in states(service, "dừng.pdf"))
    wait_until(lambda: any(one.running for one in service.store.open_claims()))
    family = descendants(reader.pid)
    assert reader.process is not None
    begun = time.monotonic()
    reader.process.send_signal(signal.SIGTERM)
    assert reader.process.wait(60) == 0
    assert time.monotonic() - begun < 20
    assert "1 unfinished file lies in the inbox again" in reader.said()
    assert not [pid for pid in family if is_running(pid)]
    assert "CRASHED" in states(service, "dừng.pdf")
    # The service takes it again at once; the next worker is killed alone, and the kernel ends its runs.
    reader = worker_of(service, "giết")
    wait_until(lambda: "RUNNING" in states(service, "dừng.pdf"))
    wait_until(lambda: any(one.running for one in service.store.open_claims()))
    family = descendants(reader.pid)
    os.kill(reader.pid, signal.SIGKILL)
    assert reader.process is not None
    reader.process.wait()
    wait_until(lambda: not [pid for pid in family if is_running(pid)], 30)
    reader = worker_of(service, "xong", NAMBAT_JOBS="2")
    try:
        wait_until((service.home / "originals" / "dừng.pdf").exists)
        wait_until(lambda: "COMPLETED" in states(service, "dừng.pdf"), 60)
    finally:
        reader.kill()
    ended = states(service, "dừng.pdf")
    assert ended.count("COMPLETED") == 1
    assert set(ended) == {"COMPLETED", "CRASHED"}
    assert files(service.home / "quarantine") == []


@pytest.mark.longest
def test_what_a_worker_runs_outlives_the_service(service: Service) -> None:
    """The service is stopped and started, and killed and started, while a worker reads."""
    reader = worker_of(service, "bền")
    try:
        write_scan(service.home / "inbox" / "bền.pdf", pages=60)
        wait_until(lambda: any(one.running for one in service.store.open_claims()))
        (before,) = service.store.open_claims()
        assert service.stop() < 10
        start_again(service)
        (after,) = service.store.open_claims()
        assert (after.id, after.owner, after.running) == (before.id, before.owner, True)
        assert service.process is not None
        kill_tree(service.pid)
        service.process.wait()
        start_again(service)
        assert [(one.id, one.owner) for one in service.store.open_claims()] == [(before.id, before.owner)]
        wait_until((service.home / "originals" / "bền.pdf").exists)
        wait_until(lambda: states(service, "bền.pdf") == ["COMPLETED"])
    finally:
        reader.kill()


@pytest.mark.longest
def test_a_service_that_reads_by_itself_again_takes_its_deployments_back(tmp_path: Path) -> None:
    service = Service(tmp_path / "home", tmp_path / "log", {**QUICK, "NAMBAT_POOL": "p"})
    try:
        start_again(service)
        write_scan(service.home / "inbox" / "a.pdf")
        wait_until(lambda: states(service, "a.pdf") == ["SCHEDULED"])
        service.stop()
        assert files(service.home / "inbox") == ["a.pdf"]
        del service.settings["NAMBAT_POOL"]
        start_again(service)
        wait_until((service.home / "originals" / "a.pdf").exists)
        assert {one["work_pool_name"] for one in service.api("deployments/filter")} == {None}
        wait_until(lambda: sorted(states(service, "a.pdf")) == ["CANCELLED", "COMPLETED"], 60)
        refused = command(service, "worker")
        assert refused.returncode == 1
        assert "reads by itself" in refused.stderr
    finally:
        service.end()
