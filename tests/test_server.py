"""Who may listen where, and what a Prefect server is told."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from flows.service.prefect_server import is_healthy, is_loopback, password_trouble, prefect_environment
from flows.settings import load
from tests.service import ROOT, clean_environment


@pytest.mark.parametrize("host", ["127.0.0.1", "127.3.2.1", "::1", "[::1]", "localhost"])
def test_loopback(host: str) -> None:
    assert is_loopback(host)
    assert password_trouble(host, no_password=False) is None


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "scan-server", "", "127.0.0.1.example"])
def test_the_open(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not is_loopback(host)
    for nothing in (None, "", ":"):
        monkeypatch.delenv("PREFECT_SERVER_API_AUTH_STRING", raising=False)
        if nothing is not None:
            monkeypatch.setenv("PREFECT_SERVER_API_AUTH_STRING", nothing)
        assert "PREFECT_SERVER_API_AUTH_STRING" in (password_trouble(host, no_password=False) or "")
    assert password_trouble(host, no_password=True) is None
    monkeypatch.setenv("PREFECT_SERVER_API_AUTH_STRING", "user:password")
    assert password_trouble(host, no_password=False) is None


def test_our_runs_know_the_servers_password(tmp_path: Path) -> None:
    folders = load(home=tmp_path).folders
    assert "PREFECT_API_AUTH_STRING" not in prefect_environment(folders, {})
    told = prefect_environment(folders, {"PREFECT_SERVER_API_AUTH_STRING": "a:b"})
    assert told["PREFECT_API_AUTH_STRING"] == "a:b"
    given = {"PREFECT_SERVER_API_AUTH_STRING": "a:b", "PREFECT_API_AUTH_STRING": "c:d"}
    assert prefect_environment(folders, given)["PREFECT_API_AUTH_STRING"] == "c:d"


def test_a_password_that_prefect_cannot_compare(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would answer every question with an error of its own."""
    monkeypatch.setenv("PREFECT_SERVER_API_AUTH_STRING", "văn thư:mật khẩu")
    assert "without diacritics" in (password_trouble("127.0.0.1", no_password=False) or "")


@pytest.mark.parametrize(
    ("answer", "healthy"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ntrue", True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfalse", False),
        (b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n", False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\ntr", False),
        (b"no HTTP at all\r\n\r\n", False),
        (b"", False),
    ],
)
def test_only_a_whole_answer_is_healthy(answer: bytes, healthy: bool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        assert is_healthy(f"http://127.0.0.1:{listener.getsockname()[1]}/api") is healthy
        thread.join()


AT_REST = """
import asyncio
from datetime import timedelta
from prefect.server.api import background_workers
from flows.service.lean_prefect import look_seldom

look_seldom()
threads, done = [], asyncio.Event()
in_thread = asyncio.to_thread

async def counted(*work):
    threads.append(work)
    return await in_thread(*work)

async def task():
    done.set()

async def main():
    async with background_workers.Docket("test", "memory://", execution_ttl=timedelta(0)) as docket:
        docket.register(task)
        async with background_workers.Worker(docket) as worker:
            working = asyncio.create_task(worker.run_forever())
            await asyncio.sleep(1)
            print("threads", len(threads))
            await docket.add(task)()
            await asyncio.wait_for(done.wait(), 2)  # long before it looks for what was put off
            print("done")
            working.cancel()
    print("ended")

asyncio.to_thread = counted
asyncio.run(asyncio.wait_for(main(), 30))
"""


def test_a_server_at_rest_rests_and_does_at_once_what_there_is_to_do(tmp_path: Path) -> None:
    """Prefect's own asks ten times a second, each time in a thread, whether one of its tasks is to be cancelled."""
    done = subprocess.run(
        [sys.executable, "-P", "-c", AT_REST],
        env=clean_environment(PYTHONPATH=str(ROOT), PREFECT_HOME=str(tmp_path)),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.stdout.split("\n") == ["threads 0", "done", "ended", ""], done.stderr


ENCRYPTED = """
import asyncio, sys
from flows.service.lean_prefect import ENCRYPTION, leave_out_modules

leave_out_modules()
from prefect.server.database import orm_models
import prefect.server.api.server

left_out = ("cryptography.fernet", "beartype.door")
print([name in sys.modules for name in left_out])

async def main():
    stored = await orm_models.encrypt_fernet(None, {"mật khẩu": "chữ có dấu"})
    print("dấu" in stored, await orm_models.decrypt_fernet(None, stored), "cryptography.fernet" in sys.modules)

asyncio.run(main())
"""


def test_what_the_server_does_without_and_what_it_imports_when_it_needs_it(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-c", ENCRYPTED],
        env=clean_environment(
            PYTHONPATH=str(ROOT),
            PREFECT_HOME=str(tmp_path),
            PREFECT_SERVER_ENCRYPTION_KEY="bmFtYmF0IG5hbWJhdCBuYW1iYXQgbmFtYmF0IG5hbWI=",
        ),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.stdout == "[False, False]\nFalse {'mật khẩu': 'chữ có dấu'} True\n", done.stderr
