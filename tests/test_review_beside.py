"""The review page beside a service: there as long as the service is, again when it ends, gone with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from flows.host.processes import descendants, kill_tree
from flows.review.beside import reviewing
from flows.review.index import document_id
from flows.service.prefect_server import free_port
from flows.settings import Settings
from tests.scans import write_scan
from tests.service import Service, clean_environment
from tests.waiting import wait_until

ROOT = Path(__file__).parents[1]


def answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "home"
    (home / "published").mkdir(parents=True)
    (home / "originals").mkdir()
    monkeypatch.setenv("NAMBAT_HOME", str(home))
    monkeypatch.delenv("PREFECT_SERVER_API_AUTH_STRING", raising=False)
    return home


@pytest.mark.slow
def test_it_is_started_again_when_it_ends_and_goes_with_the_block(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    port, said = free_port(), []
    monkeypatch.setenv("NAMBAT_REVIEW_PORT", str(port))
    with reviewing(Settings(), said.append):
        wait_until(lambda: answers(port))
        (first,) = [one for one in descendants(os.getpid()) if b"flows.review.server" in _command(one)]
        kill_tree(first)
        wait_until(lambda: answers(port))
    assert not answers(port)
    assert any(f":{port}" in line for line in said)


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


@pytest.mark.slow
def test_it_ends_with_a_service_that_is_killed(home: Path) -> None:
    port = free_port()
    script = (
        "import time\nfrom flows.review.beside import reviewing\nfrom flows.settings import load\n"
        "with reviewing(load(), print):\n    time.sleep(600)\n"
    )
    environment = clean_environment(NAMBAT_HOME=str(home), NAMBAT_REVIEW_PORT=str(port), PYTHONPATH=str(ROOT))
    service = subprocess.Popen([sys.executable, "-c", script], env=environment)
    try:
        wait_until(lambda: answers(port))
    finally:
        service.send_signal(signal.SIGKILL)
        service.wait()
    wait_until(lambda: not answers(port))


@pytest.mark.parametrize(
    ("settings", "word"),
    [({"review_port": 0}, None), ({"host": "0.0.0.0", "review_port": 4999}, "PREFECT_SERVER_API_AUTH_STRING")],
)
def test_it_is_not_there_where_it_must_not_be(home: Path, settings: dict[str, object], word: str | None) -> None:
    said: list[str] = []
    with reviewing(Settings(**settings), said.append):  # type: ignore[arg-type]
        pass
    assert [word in line for line in said if word] == ([True] if word else [])


def test_a_port_that_is_taken_does_not_end_the_service(home: Path) -> None:
    import socket

    said: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with reviewing(Settings(review_port=port), said.append):
            pass
    (line,) = said
    assert "NAMBAT_REVIEW_PORT" in line


@pytest.mark.slow
def test_a_run_of_the_service_and_its_document_lead_to_each_other(tmp_path: Path) -> None:
    port = free_port()
    service = Service(tmp_path / "home", tmp_path / "log", {"NAMBAT_REVIEW_PORT": str(port)})
    write_scan(tmp_path / "home/inbox/Báo cáo.pdf")
    with service.running():
        wait_until(lambda: any(one["state_name"] == "Completed" for one in service.runs("Báo cáo.pdf")))
        run = service.runs("Báo cáo.pdf")[0]["id"]
        chosen = {"flow_run_id": {"any_": [run]}, "type": {"any_": ["markdown"]}}
        (report,) = service.api("artifacts/filter", artifacts=chosen)
        address = f"http://127.0.0.1:{port}/documents/{document_id('Báo cáo.json')}"
        assert f"]({address})" in report["data"]
        shown = urllib.request.urlopen(address, timeout=30).read().decode()
        assert f'href="http://127.0.0.1:{service.port}/runs/flow-run/{run}"' in shown
