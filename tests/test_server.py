"""Who may listen where, and what a Prefect server is told."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

import pytest

from flows.service.prefect_server import is_healthy, is_loopback, password_trouble, prefect_environment
from flows.settings import load


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
