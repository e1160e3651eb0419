"""Where the runs are kept: a file that needs nothing, or a real PostgreSQL."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from flows.service import database
from flows.service.database import find_database
from flows.service.prefect_server import ServerTrouble
from flows.settings import load
from tests.kernel import needs_proc
from tests.postgres import PASSWORD, postgres
from tests.scans import write_scan
from tests.service import ROOT, Service, clean_environment, free_port
from tests.test_serve import QUICK, files, start_again, states, wait_until

URL = "PREFECT_SERVER_DATABASE_CONNECTION_URL"


def test_without_a_word_about_it_there_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if "DATABASE" in name or name == "PREFECT_HOME"]:
        monkeypatch.delenv(name)
    settings, file = load(home=tmp_path), tmp_path / "prefect" / "prefect.db"
    assert find_database(settings) == f"SQLite, {file}, which will be made"
    file.parent.mkdir()
    file.write_bytes(bytes(2_500_000))
    assert find_database(settings) == f"SQLite, {file}, 2.5 MB"


def test_one_that_does_not_answer_is_told_without_its_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    monkeypatch.setenv(URL, f"postgresql+asyncpg://nambat:{PASSWORD.replace(' ', '%20')}@127.0.0.1:{port}/runs")
    with pytest.raises(ServerTrouble, match=f"PostgreSQL, database runs at 127.0.0.1:{port} cannot be used") as told:
        find_database(load(home=tmp_path))
    assert PASSWORD not in str(told.value)
    assert "bí" not in str(told.value)


@pytest.mark.parametrize("number", [130010, 140008, 90603])
def test_one_that_is_too_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    answer = {"host": "db", "port": 5432, "name": "runs", "version": "old", "number": number}
    monkeypatch.setenv(URL, "postgresql+asyncpg://nambat@db/runs")
    done = subprocess.CompletedProcess([], 0, json.dumps(answer).encode(), b"")
    monkeypatch.setattr(database.subprocess, "run", lambda *_arguments, **_how: done)
    with pytest.raises(ServerTrouble, match=r"needs 14\.9 or newer"):
        find_database(load(home=tmp_path))
    done.stdout = json.dumps({**answer, "version": "14.9", "number": 140009}).encode()
    assert find_database(load(home=tmp_path)) == "PostgreSQL, database runs at db:5432, version 14.9"


@pytest.mark.slow
@pytest.mark.timeout(900)
@needs_proc
def test_a_service_keeps_its_runs_in_postgresql(tmp_path: Path) -> None:
    with postgres(tmp_path / "pg") as url:
        settings = {**QUICK, URL: url}
        service = Service(tmp_path / "home", tmp_path / "log", settings)
        environment = clean_environment(**settings, NAMBAT_HOME=str(service.home))
        try:
            start_again(service)
            assert "Runs are kept in PostgreSQL, database postgres at 127.0.0.1:" in service.said()
            write_scan(service.home / "inbox" / "công văn.pdf")
            wait_until((service.home / "originals" / "công văn.pdf").exists)
            wait_until(lambda: states(service, "công văn.pdf") == ["COMPLETED"], 30)
            (sweep,) = [one for one in service.api("deployments/filter") if one["name"] == "nambat-sweep"]
            own = {"schedule": {"cron": "5 4 * * *", "timezone": "Asia/Ho_Chi_Minh"}, "active": True}
            service.api(f"deployments/{sweep['id']}/schedules", "POST", own)
            service.stop()
            start_again(service)
            (after,) = [one for one in service.api("deployments/filter") if one["name"] == "nambat-sweep"]
            crons = sorted(one["schedule"]["cron"] for one in after["schedules"])
            assert (after["id"], crons) == (sweep["id"], ["*/7 * * * *", "5 4 * * *"])
            assert states(service, "công văn.pdf") == ["COMPLETED"]
            doctor = command("doctor", environment)
            assert "ok   database: PostgreSQL, database postgres" in doctor.stdout
            # No file of SQLite's is made beside it, and the password stands in no log.
            assert [name for name in files(service.home / "prefect") if name.endswith(".db")] == []
            said = service.log.read_text() + "".join(path.read_text() for path in (service.home / "logs").iterdir())
            assert PASSWORD not in said + doctor.stdout
            assert url not in said + doctor.stdout + command("settings", environment).stdout
        finally:
            service.end()
        wrong = {**environment, URL: url.replace("b%C3%AD", "b%C3%AA")}
        refused = command("serve", wrong)
        assert refused.returncode == 1
        assert "password authentication failed" in refused.stderr
        assert "BAD  database" in command("doctor", wrong).stdout


def command(name: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "flows.cli", name],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=ROOT,
        env=environment,
    )
