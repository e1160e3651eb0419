"""Runs that somebody deletes, with their deployment, their flow or by themselves, before their processes have begun.

Prefect 3.9 watches from the start of a run whether it is suspended, and first asks for its state until it has an answer
(``FlowRunSuspendingObserver.watch_flow_run_id``). For a run that is not there any more that was for ever: its process
held the only slot of a service, and nothing was read until that was started again.
"""

from __future__ import annotations

from functools import wraps
from typing import Any
from uuid import UUID


def do_not_wait_for_deleted_runs() -> None:
    """Have the process of a run that is not there any more fail, as Prefect has it where a run is deleted later.

    For this process, and for those that are forked from it.
    """
    from prefect._internal.observers import FlowRunSuspendingObserver
    from prefect.exceptions import ObjectNotFound

    watch = FlowRunSuspendingObserver.watch_flow_run_id

    @wraps(watch)
    async def watch_as_long_as_it_is_there(observer: Any, flow_run_id: UUID) -> None:
        client = observer._client
        read = client.read_flow_run

        async def read_or_give_up(asked: UUID) -> Any:
            try:
                return await read(asked)
            except ObjectNotFound:
                observer.remove_in_flight_flow_run_id(asked)  # what is not watched is not asked for again
                raise

        client.read_flow_run = read_or_give_up
        try:
            await watch(observer, flow_run_id)
        finally:
            client.read_flow_run = read

    FlowRunSuspendingObserver.watch_flow_run_id = watch_as_long_as_it_is_there  # type: ignore[method-assign,assignment]
