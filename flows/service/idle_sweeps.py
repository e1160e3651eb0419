"""The runs of sweeps that found nothing to do: a day has 288 of them, and Prefect would keep them for 90 days."""

from __future__ import annotations

import contextlib
from uuid import UUID

from prefect import runtime
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterId,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import StateType
from prefect.client.schemas.sorting import FlowRunSort
from prefect.exceptions import ObjectNotFound

from flows.intake.sweep import Swept
from flows.service.reports import sweep_line

KEPT = 24
"""The latest sweeps, which stay whatever they came to: two hours of them show that the schedule is heeded."""

MOST_AT_ONCE = 20
"""Runs that are deleted by one sweep; a service that was upgraded gets rid of its old ones within some days."""


def forget_idle_sweeps() -> None:
    """Delete earlier runs of this sweep's deployment that found nothing to do, but for the latest.

    Those that moved a file, met a trouble or failed stay, and so does what somebody tagged.

    Raises:
        Exception: whatever Prefect raises while its server is away.
    """
    deployment = runtime.deployment.id
    if not deployment:
        return  # run by hand, without a schedule
    idle, own_tags = sweep_line(Swept()), set(runtime.flow_run.tags)
    ended_well = FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.COMPLETED]))
    with get_client(sync_client=True) as server:
        earlier = server.read_flow_runs(
            deployment_filter=DeploymentFilter(id=DeploymentFilterId(any_=[UUID(str(deployment))])),
            flow_run_filter=FlowRunFilter(state=ended_well),
            sort=FlowRunSort.EXPECTED_START_TIME_DESC,
            offset=KEPT,
            limit=MOST_AT_ONCE,
        )
        for run in earlier:
            if run.state is not None and run.state.message == idle and set(run.tags) <= own_tags:
                with contextlib.suppress(ObjectNotFound):  # somebody else did
                    server.delete_flow_run(run.id)
