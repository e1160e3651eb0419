"""Worker processes: results, faults, crashes, hangs, and nothing left running."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest

from flows.faults import WorkerDied
from flows.host.processes import is_running
from flows.pipeline.workers import Stopped, WorkerPool, clear_scratch
from ocr.faults import Killed, NotAScan, Timeout
from tests.kernel import needs_proc


# These run in workers, which import this module by name.
def double(number: int) -> int:
    return 2 * number


def raise_fault() -> None:
    raise NotAScan("not a scan", vietnamese="không phải bản quét", detail="what poppler said")


def raise_bug() -> None:
    raise KeyError("nobody expects this")


def crash() -> None:
    os.write(2, b"about to go\n")
    os.abort()


def start_child_and_hang(note: str, own_session: bool = True) -> None:
    child = subprocess.Popen(["sleep", "600"], start_new_session=own_session)
    Path(note).write_text(f"{os.getpid()} {child.pid}")
    time.sleep(600)


def eat_memory() -> int:
    return len(bytearray(3 * 1024**3))


def gone(pids: list[int], seconds: float = 5) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not any(is_running(pid) for pid in pids):
            return True
        time.sleep(0.02)
    return False


def noted(note: Path, seconds: float = 20) -> list[int]:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if note.exists() and len(note.read_text().split()) == 2:
            return [int(pid) for pid in note.read_text().split()]
        time.sleep(0.02)
    raise AssertionError("the worker did not start its child")


def test_calls_and_faults() -> None:
    with WorkerPool(1) as pool:
        assert pool.call(double, 21) == 42
        with pytest.raises(NotAScan) as caught:
            pool.call(raise_fault)
        assert (caught.value.vietnamese, caught.value.detail) == ("không phải bản quét", "what poppler said")
        with pytest.raises(KeyError) as bug:
            pool.call(raise_bug)
        assert "raise_bug" in bug.value.__notes__[0]


def test_a_crash_costs_one_call() -> None:
    with WorkerPool(1) as pool:
        with pytest.raises(WorkerDied) as caught:
            pool.call(crash)
        assert "SIGABRT" in caught.value.detail
        assert "about to go" in caught.value.detail
        assert pool.call(double, 1) == 2


def test_a_worker_that_is_killed_says_nothing_about_its_page(tmp_path: Path) -> None:
    """As the kernel does when memory runs out."""
    with WorkerPool(1) as pool:
        raised: list[BaseException] = []

        def call() -> None:
            try:
                pool.call(start_child_and_hang, str(tmp_path / "note"), False)
            except BaseException as fault:
                raised.append(fault)

        thread = threading.Thread(target=call)
        thread.start()
        worker, child = noted(tmp_path / "note")
        os.kill(worker, signal.SIGKILL)
        thread.join(10)
        assert [type(fault) for fault in raised] == [Killed]
        assert gone([worker, child])
        assert pool.call(double, 1) == 2


@needs_proc
def test_a_hang_is_killed_with_its_children(tmp_path: Path) -> None:
    with WorkerPool(1) as pool:
        pool.call(double, 1)
        with pytest.raises(Timeout):
            pool.call(start_child_and_hang, str(tmp_path / "note"), seconds=3)
        assert gone(noted(tmp_path / "note"))
        assert pool.call(double, 1) == 2


@needs_proc
def test_stop_ends_calls_in_flight(tmp_path: Path) -> None:
    pool = WorkerPool(1)
    raised: list[BaseException] = []

    def call() -> None:
        try:
            pool.call(start_child_and_hang, str(tmp_path / "note"))
        except BaseException as fault:
            raised.append(fault)

    thread = threading.Thread(target=call)
    thread.start()
    pids = noted(tmp_path / "note")
    pool.stop()
    thread.join(10)
    assert [type(fault) for fault in raised] == [Stopped]
    assert gone(pids)


def test_memory_is_bounded() -> None:
    with WorkerPool(1, memory=1024**3) as pool:
        with pytest.raises(MemoryError):
            pool.call(eat_memory)
        assert pool.call(double, 1) == 2


def leave_files_and_hang(note: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "page.pgm").write_bytes(b"x")
        child = subprocess.Popen(["sleep", "600"])
        Path(note).write_text(f"{os.getpid()} {child.pid}")
        Path(note + ".folder").write_text(folder)
        time.sleep(600)


def write_much() -> int:
    with tempfile.TemporaryFile() as file:
        return file.write(bytes(3_000_000))


def environment() -> dict[str, str]:
    return dict(os.environ)


def test_what_a_killed_worker_wrote_goes_with_it(tmp_path: Path) -> None:
    with WorkerPool(1) as pool:
        with pytest.raises(Timeout):
            pool.call(leave_files_and_hang, str(tmp_path / "note"), seconds=3)
        assert not Path((tmp_path / "note.folder").read_text()).parent.exists()


def test_workers_end_with_a_killed_parent(tmp_path: Path) -> None:
    """Also in the middle of a call that hangs; the next one to look clears their files away."""
    code = (
        "import sys; from flows.pipeline.workers import WorkerPool\n"
        "from tests.test_workers import leave_files_and_hang\n"
        "WorkerPool(1).call(leave_files_and_hang, sys.argv[1])"
    )
    parent = subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "note")])
    pids = noted(tmp_path / "note")
    folder = Path((tmp_path / "note.folder").read_text())
    clear_scratch()
    assert folder.exists()  # its owner lives
    parent.kill()
    parent.wait()
    assert gone(pids)
    clear_scratch()
    assert not folder.exists()


def test_scratch_is_bounded() -> None:
    with WorkerPool(1, scratch=1_000_000) as pool:
        with pytest.raises(OSError, match="File too large"):
            pool.call(write_much)
        assert pool.call(double, 1) == 2


def test_workers_get_a_clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No keys and no proxies for programs that open strangers' files; an office's own words all the same."""
    monkeypatch.setenv("PREFECT_API_AUTH_STRING", "user:password")
    monkeypatch.setenv("https_proxy", "http://proxy")
    monkeypatch.setenv("NAMBAT_WORDS", "/words.txt")
    with WorkerPool(1) as pool:
        found = pool.call(environment)
    assert not {"PREFECT_API_AUTH_STRING", "https_proxy"} & set(found)
    assert found["NAMBAT_WORDS"] == "/words.txt"
