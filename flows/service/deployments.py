"""The deployments of a service: what they are called, and how they are registered without undoing what people set.

On the server that a service starts for itself they have plain names. A server that PREFECT_API_URL names may serve
other homes, too: there their names and a tag say which home they belong to. A runner asks for the runs of its own
deployments only, so that no service takes another's.

The settings seed the schedule of the sweep. What a person changes in the UI afterwards (a pause, a schedule, a limit,
a tag) stays, until the *settings* change: then the schedule that they seeded is replaced, and only that.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from prefect import Flow
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.actions import DeploymentScheduleCreate
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterId,
    DeploymentFilterName,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import ConcurrencyLimitConfig, State, StateType
from prefect.client.schemas.responses import DeploymentResponse
from prefect.client.schemas.schedules import CronSchedule, IntervalSchedule
from prefect.client.schemas.sorting import FlowRunSort
from prefect.deployments.runner import EntrypointType
from prefect.exceptions import ObjectNotFound
from prefect.runner import Runner
from prefect.states import Cancelled, Crashed, Failed

from flows import faults
from flows.host.files import replace_file
from flows.intake.claims import Claim, ClaimStore
from flows.intake.quarantine import crashed_too_often
from flows.language import N_, _, told
from flows.service.record import (
    INGEST,
    LOST,
    PAGE,
    SERVICE_SILENT_AFTER,
    SWEEP,
    WORKER_LABEL,
    name_on_server,
)
from flows.service.worker_records import dead_workers, read_workers
from flows.settings import Folders, Settings

FORMER_DEPLOYMENTS = ("ingest/nambat", "sweep/nambat")
"""What earlier versions called them; dropped, or their schedules would go on."""

OURS = "nambat-settings"
"""The slug of the schedule that the settings seed."""

STARTED_IN_VAIN = N_("nambat was stopped; the file lies in the inbox again and will be read at the next start.")
STOPPED_AT_THE_END = N_(
    "nambat was stopped when the file had been put away already: it lies in originals/ or quarantine/."
)

LOOK_FOR_DEPLOYMENTS = 20.0
"""Seconds between two looks whether all deployments are still there."""


@dataclass(frozen=True, slots=True)
class Served:
    """A flow that a service serves.

    Attributes:
        base: the deployment's name on a server of our own.
        by: what runs it: a runner of the service, or workers that take it from this queue of the work pool.
    """

    flow: Flow[..., Any]
    base: str
    by: Runner | str


@dataclass(frozen=True, slots=True)
class Deployer:
    """What it takes to register the deployments of a service.

    Attributes:
        home: the home's name, on a server that it may share; empty on its own.
    """

    settings: Settings
    home: str
    served: Sequence[Served]

    def full_name(self, served: Served) -> str:
        """What a deployment is called, with its flow, as Prefect shows it."""
        return f"{served.flow.name}/{name_on_server(served.base, self.home)}"


async def deploy(deployer: Deployer) -> None:
    """Register all deployments, and drop sweeps that were due while nobody was here."""
    async with get_client() as client:
        ids = {served.base: await _register(client, deployer, served) for served in deployer.served}
        if not deployer.home:  # on a shared server, others may still live by these
            for name in FORMER_DEPLOYMENTS:
                with contextlib.suppress(ObjectNotFound):
                    await client.delete_deployment((await client.read_deployment_by_name(name)).id)
        await _drop_late_sweeps(client, ids[SWEEP])


async def keep_deployed(deployer: Deployer, say: Callable[[str], None]) -> None:
    """Register a deployment anew that somebody deleted in the UI: without it no document would be read any more.

    Its runs that had not begun are gone with it; a sweep finds their claims and starts others.
    """
    closed: set[str] = set()
    async with get_client() as client:  # making one takes longer than asking with it
        while True:
            await asyncio.sleep(LOOK_FOR_DEPLOYMENTS)
            with contextlib.suppress(Exception):  # the server is away: that is another's business
                await _close_orphans(client, deployer, closed)
                for served in deployer.served:
                    name = deployer.full_name(served)
                    if await _find(client, name) is None:
                        say(_("The deployment {name} was deleted from Prefect; it is made anew.").format(name=name))
                        await _register(client, deployer, served)


async def _close_orphans(client: PrefectClient, deployer: Deployer, closed: set[str]) -> None:
    """End the runs of workers that were killed, in the eyes of the server: nobody else will.

    Their files are a sweep's business, which goes by claims.

    Args:
        closed: processes of workers that this was done for; added to.
    """
    folders = deployer.settings.folders
    dead = dead_workers(folders, SERVICE_SILENT_AFTER)
    new = {worker.owner for worker in read_workers(folders) if worker.name in dead} - closed
    if not new:
        return
    names = [name_on_server(served.base, deployer.home) for served in deployer.served]
    at_work = FlowRunFilterStateType(any_=[StateType.PENDING, StateType.RUNNING, StateType.CANCELLING])
    found = await client.read_flow_runs(
        deployment_filter=DeploymentFilter(name=DeploymentFilterName(any_=names)),
        flow_run_filter=FlowRunFilter(state=FlowRunFilterState(type=at_work)),
        limit=PAGE,
    )
    for run in found:
        if run.labels.get(WORKER_LABEL) in dead:
            was_cancelled = run.state is not None and run.state.is_cancelling()
            cancelled = told(faults.CANCELLED.fault())
            state: State[Any] = Cancelled(message=cancelled) if was_cancelled else Crashed(message=_(LOST))
            with contextlib.suppress(ObjectNotFound):
                await client.set_flow_run_state(run.id, state, force=True)
    closed |= new


async def _find(client: PrefectClient, name: str) -> DeploymentResponse | None:
    """The deployment of that name; ``None`` if there is none."""
    try:
        return await client.read_deployment_by_name(name)
    except ObjectNotFound:
        return None


async def _register(client: PrefectClient, deployer: Deployer, served: Served) -> UUID:
    """Register a deployment with the server, and with its runner if it has one. Returns its id."""
    found = await _find(client, deployer.full_name(served))
    # An update replaces all that can be set: what people set has to be given again.
    kept = {} if found is None else _kept(found, served.flow)
    tags = {f"home {deployer.home}"} if deployer.home else set()
    seed = _seed(deployer.settings)
    schedules = [] if found is None else _as_they_are(found)
    if served.base == SWEEP:
        schedules = _with_seed(deployer.settings.folders, found, schedules, seed)
    wanted: dict[str, Any] = {
        "name": name_on_server(served.base, deployer.home),
        "tags": sorted({*(found.tags if found else ()), *tags}),
        "schedules": schedules,
        # Found by its name on every machine: no path of this one gets into the deployment.
        "entrypoint_type": EntrypointType.MODULE_PATH,
        **kept,
    }
    if isinstance(served.by, Runner):
        made: UUID = await served.by.aadd_flow(served.flow, **wanted)
    else:
        pool = deployer.settings.pool
        moved = found is not None and found.work_pool_name == pool and found.work_queue_name
        deployment = await served.flow.ato_deployment(work_pool_name=pool, work_queue_name=moved or served.by, **wanted)
        made = await deployment.aapply()
    if served.base == SWEEP:
        replace_file(_record(deployer.settings.folders), json.dumps(_applied(made, seed)).encode())
    return made


def _kept(found: DeploymentResponse, flow: Flow[..., Any]) -> dict[str, Any]:
    """What people may have set of a deployment beside schedules and tags, as arguments of ``aadd_flow``."""
    limit, options = found.global_concurrency_limit, found.concurrency_options
    kept: dict[str, Any] = {
        "paused": found.paused,
        "parameters": {key: value for key, value in found.parameters.items() if key in flow.parameters.properties},
    }
    if limit is not None:
        kept["concurrency_limit"] = (
            ConcurrencyLimitConfig(limit=limit.limit, **options.model_dump()) if options else limit.limit
        )
    return kept


def _seed(settings: Settings) -> DeploymentScheduleCreate:
    """The schedule that the settings ask for."""
    schedule = (
        CronSchedule(cron=settings.sweep_cron, timezone=settings.timezone)
        if settings.sweep_cron
        else IntervalSchedule(interval=timedelta(seconds=settings.sweep_interval), timezone=settings.timezone)
    )
    return DeploymentScheduleCreate(schedule=schedule, active=True, slug=OURS)


def _as_they_are(found: DeploymentResponse) -> list[DeploymentScheduleCreate]:
    return [
        DeploymentScheduleCreate(
            schedule=one.schedule, active=one.active, parameters=one.parameters or {}, slug=one.slug
        )
        for one in found.schedules
    ]


def _with_seed(
    folders: Folders,
    found: DeploymentResponse | None,
    schedules: list[DeploymentScheduleCreate],
    seed: DeploymentScheduleCreate,
) -> list[DeploymentScheduleCreate]:
    """The schedules that the sweep is to have: as they are, unless it is new or the settings have changed.

    Even then those that people made stay, and so does their pause.
    """
    applied = _read_applied(folders)
    if found is not None and applied == _applied(found.id, seed):
        return schedules
    before = [one for one in schedules if one.slug == OURS]
    others = [one for one in schedules if one.slug != OURS]
    if applied is None and not before:
        others = [one for one in others if one.slug]  # earlier versions gave theirs no slug
    return [*others, seed.model_copy(update={"active": all(one.active for one in before)})]


def _applied(deployment: UUID, wanted: DeploymentScheduleCreate) -> dict[str, Any]:
    """What is written down of a schedule that was seeded."""
    # An interval's anchor is the time at which it was asked for.
    return {
        "deployment": str(deployment),
        "schedule": wanted.schedule.model_dump(mode="json", exclude={"anchor_date"}),
    }


def _read_applied(folders: Folders) -> object | None:
    """The schedule that was seeded last, and for which deployment; ``None`` if nothing tells."""
    try:
        found: object = json.loads(_record(folders).read_bytes())
        return found
    except (OSError, ValueError, RecursionError):
        return None


def _record(folders: Folders) -> Path:
    return folders.working / ".schedule.json"


async def close_forsaken(deployer: Deployer, waiting: Collection[str], message: str) -> None:
    """Cancel the runs that a killed service had asked for and whose files lie in the inbox again.

    It may have been killed before it could say so. Each would cost a process that finds nothing to do. What a person
    starts once more has begun before, and stays.

    Args:
        waiting: ids of claims that still wait for their runs.
        message: what is said of the runs.
    """
    ingest = name_on_server(INGEST, deployer.home)
    waits = FlowRunFilterStateType(any_=[StateType.SCHEDULED, StateType.PENDING])
    async with get_client() as client:
        found = await client.read_flow_runs(
            deployment_filter=DeploymentFilter(name=DeploymentFilterName(any_=[ingest])),
            flow_run_filter=FlowRunFilter(state=FlowRunFilterState(type=waits)),
            limit=PAGE,
        )
        for run in found:
            if not run.run_count and run.parameters.get("claim") not in waiting:
                with contextlib.suppress(ObjectNotFound):
                    await client.set_flow_run_state(run.id, Cancelled(message=message), force=True)


async def close_runs(store: ClaimStore, left: Sequence[tuple[Claim, Path | None]]) -> None:
    """Let the server know that the runs of these claims will not go on.

    Args:
        left: what :func:`hand_back_all` gives.
    """
    async with get_client() as client:
        for claim, place in left:
            if claim.flow_run:
                state: State[Any] = (Crashed if claim.running else Cancelled)(message=_(STARTED_IN_VAIN))
                if place is None or place.is_relative_to(store.folders.originals):
                    state = Crashed(message=_(STOPPED_AT_THE_END))
                elif place.is_relative_to(store.folders.quarantine):
                    fault = crashed_too_often(store.settings.attempts)
                    state = Failed(message=f"{fault.vietnamese} / {fault}")
                with contextlib.suppress(ObjectNotFound):
                    await client.set_flow_run_state(UUID(claim.flow_run), state, force=True)


async def _drop_late_sweeps(client: PrefectClient, deployment: UUID) -> None:
    """Delete the scheduled sweeps whose time has passed; what a person planned is done late."""
    late = await client.read_flow_runs(
        deployment_filter=DeploymentFilter(id=DeploymentFilterId(any_=[deployment])),
        flow_run_filter=FlowRunFilter(
            state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.SCHEDULED]))
        ),
        sort=FlowRunSort.EXPECTED_START_TIME_ASC,
        limit=PAGE,
    )
    for run in late:
        due = run.next_scheduled_start_time
        if run.auto_scheduled and due is not None and due.timestamp() < time.time():
            await client.delete_flow_run(run.id)
