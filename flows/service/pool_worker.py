"""Prefect's worker for processes as it serves nambat: it takes runs only while it may, and begins them by forking.

All else is Prefect's: what is due, limits, heartbeats, cancelling, what becomes of a run whose process dies.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import anyio
import anyio.abc
import httpx
from prefect import Flow
from prefect.client.schemas.objects import FlowRun, WorkPool
from prefect.flow_engine import run_flow_in_subprocess
from prefect.flows import load_flow_from_entrypoint
from prefect.runner._control_channel import ControlChannel
from prefect.runner._flow_run_executor import FlowRunExecutionResult, FlowRunExecutorContext
from prefect.runner._process_manager import ProcessHandle
from prefect.workers.process import ProcessJobConfiguration, ProcessWorker, ProcessWorkerResult

OURS = "flows."
"""How the entrypoint of a deployment of ours begins: a module, which the process that begins runs has imported."""

AHEAD = 10.0
"""Seconds before its time that a run is taken; it waits then by itself."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """What a worker asks before it asks for runs.

    Attributes:
        may_take: whether it may take any now; may take a while.
        is_ours: whether a work pool gives runs of this worker's home.
        clock_ahead: seconds by which the server's clock is ahead of this machine's.
        say_away: told why the server does not answer.
    """

    may_take: Callable[[], bool]
    is_ours: Callable[[WorkPool], bool]
    clock_ahead: Callable[[], float]
    say_away: Callable[[Exception], None]


class PoolWorker(ProcessWorker):
    """A worker of Prefect's that nambat starts.

    Attributes:
        freed: set whenever a run has ended.
        takes: false once it is to stop.
    """

    def __init__(self, conditions: Conditions, pool: str, name: str, limit: int) -> None:
        super().__init__(pool, name=name, limit=limit, create_pool_if_not_found=False)
        self._conditions = conditions
        self.freed = asyncio.Event()
        self.takes = True

    @classmethod
    def __dispatch_key__(cls) -> str:
        return "nambat"  # it does not take the place of Prefect's own, whose type it has

    @property
    def at_work(self) -> int:
        """How many runs it has."""
        return int(self._limiter.borrowed_tokens) if self._limiter else 0

    async def get_and_submit_flow_runs(self) -> list[FlowRun]:
        asked = self._conditions
        if not self.takes or not await asyncio.to_thread(asked.may_take):
            return []
        if self._work_pool and not asked.is_ours(self._work_pool):
            return []
        self._prefetch_seconds = AHEAD + asked.clock_ahead()  # it reckons with this machine's clock
        with self._server_may_be_away():
            return await super().get_and_submit_flow_runs()
        return []

    async def _sync_and_initialize(self) -> None:
        with self._server_may_be_away():
            await super()._sync_and_initialize()

    @contextlib.contextmanager
    def _server_may_be_away(self) -> Iterator[None]:
        """Let nobody count how often the server did not answer: Prefect's loops give up after some minutes."""
        try:
            yield
        except httpx.HTTPError as fault:
            if not self.is_setup:
                raise
            self._conditions.say_away(fault)

    def _release_limit_slot(self, flow_run_id: Any) -> None:
        super()._release_limit_slot(flow_run_id)
        self.freed.set()

    async def run(
        self,
        flow_run: FlowRun,
        configuration: ProcessJobConfiguration,
        task_status: anyio.abc.TaskStatus[int] | None = None,
    ) -> ProcessWorkerResult:
        entrypoint = getattr(configuration._related_objects.get("deployment"), "entrypoint", None) or ""
        is_others = ":" in entrypoint or not entrypoint.startswith(OURS)
        if is_others or configuration._command_configured or configuration.working_dir:
            return await super().run(flow_run, configuration, task_status)
        flow: Flow[Any, Any] = load_flow_from_entrypoint(entrypoint)
        async with FlowRunExecutorContext() as context:
            starter = _Forking(flow, configuration.env, context.control_channel)

            async def resolve(_flow_run: FlowRun) -> Flow[Any, Any]:
                return flow

            executor = context.create_executor(flow_run, starter, resolve_flow=resolve, propose_submitting=False)
            ended: list[FlowRunExecutionResult | None] = []

            async def execute(*, task_status: anyio.abc.TaskStatus[ProcessHandle]) -> None:
                ended.append(await executor.submit(task_status=task_status))

            async with anyio.create_task_group() as group:
                handle: ProcessHandle = await group.start(execute)
                if task_status is not None:
                    task_status.started(handle.pid or 0)
        if not ended or ended[0] is None or ended[0].status_code is None:
            raise RuntimeError("the run's process could not be started")
        return ProcessWorkerResult(status_code=ended[0].status_code, identifier=str(ended[0].handle.pid))


@dataclass(frozen=True, slots=True)
class _Forking:
    """Begins a run as Prefect's runner does, in the process that has imported all that it needs.

    Attributes:
        environment: of the run; what a deployment's job variables add is in it.
        control: by which Prefect tells a run that it is to be cancelled.
    """

    flow: Flow[Any, Any]
    environment: dict[str, str | None]
    control: ControlChannel

    async def start(
        self,
        flow_run: FlowRun,
        task_status: anyio.abc.TaskStatus[ProcessHandle] = anyio.TASK_STATUS_IGNORED,
    ) -> None:
        port, token = self.control.register(flow_run.id)
        told = {"PREFECT__CONTROL_PORT": str(port), "PREFECT__CONTROL_TOKEN": token}
        process = run_flow_in_subprocess(self.flow, flow_run=flow_run, env={**self.environment, **told})
        task_status.started(ProcessHandle(process))
        await anyio.to_thread.run_sync(process.join)
