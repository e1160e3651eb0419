"""Several services on one Prefect server, and what people set in its UI: real servers, real restarts."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.chaos import OtherServer
from flows.service.prefect_server import local_api
from tests.kernel import needs_proc
from tests.scans import write_scan
from tests.service import Service, clean_environment, free_port
from tests.test_serve import QUICK, files, start_again, states, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900), needs_proc]


@pytest.fixture
def homes(tmp_path: Path) -> Iterator[list[Service]]:
    """Two services whose homes are called alike, on a server that is neither's."""
    port = free_port()
    server = OtherServer(tmp_path / "prefect", port, tmp_path)
    settings = {**QUICK, "PREFECT_API_URL": local_api("127.0.0.1", port), "NAMBAT_DOCUMENTS": "1"}
    services = [
        Service(tmp_path / name / "Văn thư", tmp_path / f"{name}.log", {**settings, "NAMBAT_SWEEP_CRON": cron}, port)
        for name, cron in (("a", "*/7 * * * *"), ("b", "*/11 * * * *"))
    ]
    try:
        for service in services:
            start_again(service)
        yield services
    finally:
        for service in services:
            service.end()
        server.stop()


def ingest_of(service: Service) -> str:
    """The name of the deployment that reads a home's documents."""
    return f"nambat-ingest-{json.loads((service.home / 'working/.home.json').read_text())['name']}"


def sweeps(service: Service) -> dict[str, list[Any]]:
    """The schedules of each deployment that has one."""
    return {
        one["name"]: [(schedule["schedule"].get("cron"), schedule["active"]) for schedule in one["schedules"]]
        for one in service.api("deployments/filter")
        if one["schedules"]
    }


def set_state(service: Service, run: dict[str, Any], kind: str, **more: Any) -> None:
    service.api(f"flow_runs/{run['id']}/set_state", state={"type": kind, **more}, force=False)


def test_two_homes_on_one_server(homes: list[Service], tmp_path: Path) -> None:
    a, b = homes
    assert sorted(sweeps(a).values()) == [[("*/11 * * * *", True)], [("*/7 * * * *", True)]]
    assert len(a.api("deployments/filter")) == 12
    # The same names and the same bytes in both; the second half of each is dropped when one of the services is dead.
    names = [f"{number}.pdf" for number in range(4)]
    for service in homes:
        for name in names[:2]:
            write_scan(service.home / "inbox" / name)
    wait_until(lambda: all(len(states(a, name)) == 2 for name in names[:2]))
    assert b.process is not None
    b.process.send_signal(signal.SIGKILL)
    b.process.wait()
    forsaken = a.api(
        f"deployments/{next(one['id'] for one in a.api('deployments/filter') if one['name'] == ingest_of(b))}"
        "/create_flow_run",
        state={"type": "SCHEDULED"},
        parameters={"name": "x.pdf", "claim": "20260101-000000-00000000"},
    )
    for service in homes:
        for name in names[2:]:
            write_scan(service.home / "inbox" / name)
    second = subprocess.run(
        [sys.executable, "-m", "flows.cli", "serve", "--home", str(a.home)],
        capture_output=True,
        text=True,
        timeout=60,
        env=clean_environment(**a.settings),
    )
    assert second.returncode == 1
    assert "already" in second.stderr
    start_again(b)
    ended = a.api(f"flow_runs/{forsaken['id']}", "GET")
    assert (ended["state_type"], ended["run_count"]) == ("CANCELLED", 0)  # no process was started for it
    assert len(a.api("deployments/filter")) == 12
    for service in homes:
        for name in names:
            wait_until((service.home / "originals" / name).exists)
        assert files(service.home / "quarantine") == []
        assert [path for path in files(service.home / "published") if path.endswith(".txt")] == [
            f"{number}.txt" for number in range(4)
        ]
    tags = {one["id"]: one["tags"] for one in a.api("deployments/filter")}
    runs = [run for name in names for run in a.runs(name)]
    assert {tuple(run["tags"]) for run in runs} == {tuple(one) for one in tags.values()}
    assert all(run["tags"] == tags[run["deployment_id"]] for run in runs)
    assert a.stop() < 10

    # B goes on alone. Runs that wait for their turn are cancelled: one by a person, the other by nobody.
    write_scan(b.home / "inbox" / "dài.pdf", pages=12)
    wait_until(lambda: "RUNNING" in states(b, "dài.pdf"))
    for name in ("huỷ.pdf", "không ai huỷ.pdf"):
        write_scan(b.home / "inbox" / name)
        wait_until(lambda name=name: states(b, name) == ["SCHEDULED"])
    (by_person,), (by_nobody,) = b.runs("huỷ.pdf"), b.runs("không ai huỷ.pdf")
    set_state(b, by_person, "CANCELLING")
    set_state(b, by_nobody, "CANCELLED", message="Deployment concurrency limit reached.")
    wait_until((b.home / "quarantine" / "huỷ.pdf").exists)
    wait_until((b.home / "originals" / "không ai huỷ.pdf").exists)
    assert files(b.home / "quarantine") == ["huỷ.pdf", "huỷ.pdf.reason.txt"]


def deployment(service: Service, name: str) -> dict[str, Any]:
    (found,) = [one for one in service.api("deployments/filter") if one["name"] == name]
    return found


def test_what_people_set_in_the_ui_outlives_restarts(tmp_path: Path) -> None:
    """A pause, a schedule, a tag and a limit; after SIGTERM, after SIGKILL, and with other settings."""
    service = Service(tmp_path / "home", tmp_path / "log", dict(QUICK))
    start_again(service)
    try:
        sweep, ingest = deployment(service, "nambat-sweep"), deployment(service, "nambat-ingest")
        (seeded,) = sweep["schedules"]
        schedules = f"deployments/{sweep['id']}/schedules"
        service.api(f"{schedules}/{seeded['id']}", "PATCH", active=False)
        own = {"schedule": {"cron": "5 4 * * *", "timezone": "Asia/Ho_Chi_Minh"}, "active": True}
        service.api(schedules, "POST", own)
        service.api(f"deployments/{ingest['id']}", "PATCH", tags=["năm 2026"], concurrency_limit=3, paused=True)
        set_by_people = {"nambat-sweep": [("*/7 * * * *", False), ("5 4 * * *", True)]}

        def kept() -> bool:
            now = deployment(service, "nambat-ingest")
            assert (now["id"], now["tags"], now["paused"]) == (ingest["id"], ["năm 2026"], True)
            assert now["global_concurrency_limit"]["limit"] == 3
            return {name: sorted(one) for name, one in sweeps(service).items()} == {
                name: sorted(one) for name, one in set_by_people.items()
            }

        assert kept()
        service.stop()
        start_again(service)
        assert kept()
        assert service.process is not None
        service.process.kill()
        service.process.wait()
        start_again(service)
        assert kept()
        service.stop()
        service.settings["NAMBAT_SWEEP_CRON"] = "*/9 * * * *"
        start_again(service)
        set_by_people["nambat-sweep"][0] = ("*/9 * * * *", False)
        assert kept()
    finally:
        service.end()


def test_without_a_service_the_command_reads_by_itself(tmp_path: Path) -> None:
    home = tmp_path / "home"
    write_scan(home / "originals" / "a" / "b.pdf")
    write_scan(home / "originals" / "c.pdf").write_bytes(b"no scan")

    def reread(*names: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "flows.cli", "reread", *names],
            capture_output=True,
            text=True,
            timeout=300,
            env=clean_environment(NAMBAT_HOME=str(home), LC_ALL="C.UTF-8"),
        )

    done = reread("a/b.pdf", "c.pdf", "none.pdf")
    assert done.returncode == 1
    assert "a/b.pdf: 1 page" in done.stdout
    assert "What was published before stays" in done.stderr
    assert "none.pdf" in done.stderr
    assert files(home / "originals") == ["a/b.pdf", "c.pdf"]
    assert files(home / "published") == ["a/b.json", "a/b.txt"]
    assert not list((home / "working").glob("2*"))
