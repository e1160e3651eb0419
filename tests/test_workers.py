"""Worker processes: results, faults, crashes, hangs, and nothing left running."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from pathlib import Path

import pytest

from flows.workers import Stopped, WorkerDied, WorkerPool, is_running
from ocr.faults import NotAScan, Timeout


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


def start_child_and_hang(note: str) -> None:
    child = subprocess.Popen(["sleep", "600"], start_new_session=True)
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


def test_a_hang_is_killed_with_its_children(tmp_path: Path) -> None:
    with WorkerPool(1) as pool:
        pool.call(double, 1)
        with pytest.raises(Timeout):
            pool.call(start_child_and_hang, str(tmp_path / "note"), seconds=3)
        assert gone(noted(tmp_path / "note"))
        assert pool.call(double, 1) == 2


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
