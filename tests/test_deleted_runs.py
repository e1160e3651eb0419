"""A run that was deleted before its process began ends, and does not wait for an answer about itself for ever."""

from __future__ import annotations

import asyncio
from uuid import UUID, uuid4

import httpx
import pytest
from prefect._internal.observers import FlowRunSuspendingObserver
from prefect.client.schemas.objects import FlowRun, State
from prefect.exceptions import ObjectNotFound
from prefect.states import Running, Suspended

from flows.service.deleted_runs import do_not_wait_for_deleted_runs


class Server:
    """Answers with these, one after the other, and with the last for ever."""

    def __init__(self, *answers: Exception | FlowRun) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def read_flow_run(self, flow_run_id: UUID) -> FlowRun:
        self.asked += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def observer(monkeypatch: pytest.MonkeyPatch) -> FlowRunSuspendingObserver:
    was = FlowRunSuspendingObserver.watch_flow_run_id
    monkeypatch.setattr(FlowRunSuspendingObserver, "watch_flow_run_id", was)  # and so it is again afterwards
    do_not_wait_for_deleted_runs()
    return FlowRunSuspendingObserver(on_suspended=lambda _run, _state: None, polling_interval=0.01)


def watch(observer: FlowRunSuspendingObserver, server: Server) -> None:
    observer._client = server  # type: ignore[assignment]
    asyncio.run(asyncio.wait_for(observer.watch_flow_run_id(uuid4()), 5))


def test_a_deleted_run_is_asked_for_once(observer: FlowRunSuspendingObserver) -> None:
    server = Server(ObjectNotFound(httpx.HTTPError("not found")))
    watch(observer, server)
    assert server.asked == 1
    assert not observer._in_flight_flow_run_ids


@pytest.mark.parametrize("state", [Running(), Suspended()])
def test_a_server_that_is_away_is_asked_again(observer: FlowRunSuspendingObserver, state: State[None]) -> None:
    away = httpx.ConnectError("away")
    server = Server(away, away, FlowRun(flow_id=uuid4(), state=state))
    watch(observer, server)
    assert server.asked == 3
    assert len(observer._in_flight_flow_run_ids) == 1
