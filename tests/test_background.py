"""Do Prefect's background services run here? Asked of a real Redis, in which workers of their kind leave signs."""

from __future__ import annotations

import asyncio
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from docket import Docket, Worker

from flows.service.background import SERVICES, last_sign
from tests.service import ROOT, clean_environment, free_port

pytestmark = pytest.mark.equipped


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[str]:
    """The address of a Redis that forgets all; skips where none is installed."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("no Redis here: apt-get install redis-server")
    port = free_port()
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path)]
    process = subprocess.Popen([program, *options], stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                assert time.monotonic() < deadline and process.poll() is None
                time.sleep(0.05)
        yield f"redis://127.0.0.1:{port}/1"
    finally:
        process.kill()
        process.wait()


def told(url: str) -> int:
    """The exit status that Docker sees."""
    command = [sys.executable, "-P", "-m", "flows.service.background"]
    environment = clean_environment(PREFECT_SERVER_DOCKET_URL=url, PYTHONPATH=str(ROOT))
    return subprocess.run(command, capture_output=True, env=environment, timeout=120).returncode


@pytest.mark.parametrize(
    ("docket", "name", "status"), [(SERVICES, None, 0), (SERVICES, "other#1", 1), ("api", None, 1)]
)
def test_services_of_this_machine_are_told_by_their_sign(
    redis: str, docket: str, name: str | None, status: int
) -> None:
    """Neither another machine's, nor what the API's own processes leave."""

    async def look() -> int:
        # They know no task of their own until they look for some: a sign names the tasks.
        async with Docket(name=docket, url=redis) as made, Worker(made, name=name) as worker:
            running = asyncio.create_task(worker.run_forever())
            await asyncio.sleep(3)
            try:
                return await asyncio.to_thread(told, redis)
            finally:
                running.cancel()

    assert asyncio.run(look()) == status


def test_nobody_is_there_at_first(redis: str) -> None:
    assert asyncio.run(last_sign(redis)) is None


def test_a_redis_that_is_away_is_no_sign() -> None:
    assert told(f"redis://127.0.0.1:{free_port()}/1") != 0


def test_prefect_calls_its_docket_so() -> None:
    """Its name is written in Prefect's code and in no setting; a new Prefect may have another one."""
    import inspect

    from prefect.cli import _server_utils

    assert f'name="{SERVICES}"' in inspect.getsource(_server_utils._run_all_services)
