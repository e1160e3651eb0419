"""What a service writes to its database that has nothing to do."""

from __future__ import annotations

import asyncio
import inspect
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from flows.service import lean_prefect
from flows.service.lean_prefect import MARKED_ANEW
from flows.service.prefect_server import PASSING_EVENTS, PATIENCE_WITH_RUNNERS
from tests.kernel import needs_proc
from tests.service import ROOT, Service, clean_environment
from tests.test_serve import wait_until

PATCHED = """
from flows.service.lean_prefect import mark_seldom
mark_seldom()
from prefect.server.api import background_workers, deployments, workers
from prefect.server.models.deployments import mark_deployments_ready as theirs
print(deployments.mark_deployments_ready is not theirs, workers.mark_deployments_ready is theirs)
print([one is deployments.mark_deployments_ready
       for one in background_workers.task_functions if one.__name__ == theirs.__name__])
"""


@pytest.mark.parametrize(
    ("given", "told"), [(PATIENCE_WITH_RUNNERS, "True True\n[True]\n"), ({}, "False True\n[True]\n")]
)
def test_marks_stay_as_often_as_they_are_looked_for(given: dict[str, str], told: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-c", PATCHED],
        env=clean_environment(PYTHONPATH=str(ROOT), PREFECT_HOME=str(tmp_path), **given),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.stdout == told, done.stderr


def test_a_deployment_is_marked_at_once_and_then_once_an_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    marked: list[dict[str, Any]] = []
    now = [1000.0]
    monkeypatch.setattr(lean_prefect.time, "monotonic", lambda: now[0])

    async def mark(*, db: str = "theirs", deployment_ids: Any = None, work_queue_ids: Any = None) -> None:
        if deployment_ids == ["fails"] and not marked:
            marked.append({})
            raise OSError
        marked.append({"deployment_ids": deployment_ids, "work_queue_ids": work_queue_ids})

    seldom = lean_prefect._marking_seldom(mark)
    assert inspect.signature(seldom) == inspect.signature(mark)

    def polls(**told: Any) -> int:
        before = len(marked)
        asyncio.run(seldom(**told))  # type: ignore[arg-type]
        return len(marked) - before

    with pytest.raises(OSError):
        polls(deployment_ids=["fails"])
    assert polls(deployment_ids=["fails"]) == 1
    assert [polls(deployment_ids=["a", "b"]) for _ in range(3)] == [1, 0, 0]
    assert polls(deployment_ids=["b", "a"]) == 0
    assert polls(deployment_ids=["a"]) == 1
    assert [polls(work_queue_ids=["q"]) for _ in range(3)] == [1, 1, 1]
    now[0] += MARKED_ANEW.total_seconds() - 1
    assert polls(deployment_ids=["a"]) == 0
    now[0] += 2
    assert [polls(deployment_ids=["a"]) for _ in range(2)] == [1, 0]


MOST_A_SWEEP = 30_000
"""Bytes of tables and indexes; 18,400 were measured, and 36,200 with all events."""


def used(database: Path) -> tuple[int, set[str], set[tuple[str, str]]]:
    """Bytes in use, kinds of events, status and last marks of deployments."""
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=30)
    try:
        ((pages, free, size),) = connection.execute(
            "SELECT (SELECT * FROM pragma_page_count()), (SELECT * FROM pragma_freelist_count()),"
            "(SELECT * FROM pragma_page_size())"
        )
        kinds = {kind for (kind,) in connection.execute("SELECT event FROM events")}
        marks = {
            (str(status), str(at)) for status, at in connection.execute("SELECT status, last_polled FROM deployment")
        }
        return (pages - free) * size, kinds, marks
    finally:
        connection.close()


@pytest.mark.slow
@pytest.mark.timeout(600)
@needs_proc
def test_sweeps_and_rest_write_little(tmp_path: Path) -> None:
    service = Service(tmp_path / "home", tmp_path / "log", {"NAMBAT_SWEEP_INTERVAL": "86400"})
    database = service.home / "prefect" / "prefect.db"
    with service.running():
        sweep = service.api("deployments/name/sweep/nambat-sweep", "GET")["id"]

        def swept() -> bool:
            run = service.api(f"deployments/{sweep}/create_flow_run", state={"type": "SCHEDULED"})["id"]
            wait_until(lambda: service.api(f"flow_runs/{run}", "GET")["state_type"] == "COMPLETED", 90)
            return True

        wait_until(lambda: {status for status, _at in used(database)[2]} == {"READY"}, 60)
        assert swept()
        time.sleep(10)  # events are written some seconds later
        before, kinds, marks = used(database)
        assert kinds
        assert not kinds & set(PASSING_EVENTS)
        for _ in range(4):
            assert swept()
        time.sleep(10)
        after, _kinds, marks_after = used(database)
        assert after - before < 4 * MOST_A_SWEEP
        assert marks_after == marks
