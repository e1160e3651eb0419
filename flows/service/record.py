"""Which service runs on a set of folders, and how a sweep talks to its Prefect server."""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
from collections.abc import Collection, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from flows.host import heartbeat
from flows.host.files import replace_file
from flows.host.names import readable
from flows.intake.claims import Claim
from flows.intake.sweep import Runs
from flows.language import N_, _
from flows.service.prefect_server import Server, clock_ahead
from flows.service.worker_records import dead_workers
from flows.settings import Folders

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.client.schemas.objects import FlowRun

INGEST, READ, SWEEP = "nambat-ingest", "nambat-read", "nambat-sweep"
"""Names of the deployments; Prefect puts the flow's name in front: ``ingest/nambat-ingest``."""

INBOX, ARCHIVE = "inbox", "archive"
"""Queues of a work pool: for what people wait for, and for what has time."""

SERVICE_SILENT_AFTER = 120.0
"""Seconds without a sign of life after which a service of another machine counts as gone."""

STUCK_AFTER = timedelta(minutes=5)
"""A run whose process has not begun to work after that never will: it takes seconds."""

WORKER_LABEL = "prefect.worker.name"
"""The label by which Prefect says which worker took a run."""

PAGE = 200
"""Most flow runs that the API gives in one answer."""


class ServiceGone(Exception):
    """No service runs on these folders; ``str()`` says what to do."""


def lock_of_service(folders: Folders) -> Path:
    """The lock that a running service holds."""
    return folders.working / ".service.lock"


def record_of_service(folders: Folders) -> Path:
    """Where a running service writes down who it is."""
    return folders.working / ".service.json"


def name_on_server(deployment: str, home: str) -> str:
    """What a deployment is called on the server.

    Args:
        home: the home's name where other homes may use the same server; empty where none does.
    """
    return f"{deployment}-{home}" if home else deployment


def write_service(folders: Folders, *, server: Server, home: str, pool: str = "") -> None:
    """Write down that this process is the service.

    Args:
        home: as in :func:`name_on_server`.
        pool: the work pool that it leaves the reading to; empty if it reads by itself.

    Raises:
        OSError: it cannot be written.
    """
    record = {"owner": heartbeat.identity(), "api": server.api, "server": "", "home": home, "pool": pool}
    if server.pid is not None:
        with contextlib.suppress(OSError):  # it has ended already, or the kernel does not tell
            record["server"] = heartbeat.identity(server.pid)
    record |= {"version": version(), "ui": server.ui}
    replace_file(record_of_service(folders), json.dumps(record).encode())


def read_service(folders: Folders) -> dict[str, str]:
    """The last service's record; empty if there was none. It may be dead.

    ``owner``, ``api``, ``server``, ``home``, ``pool``, ``version``, ``ui``.
    """
    try:
        record = json.loads(record_of_service(folders).read_text())
        # Services of earlier versions did not write all.
        later = {name: str(record.get(name, "")) for name in ("home", "pool", "version")}
        later["ui"] = str(record.get("ui", "")) or Server(str(record["api"])).ui
        return {name: str(record[name]) for name in ("owner", "api", "server")} | later
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def owner_of_service(folders: Folders) -> str:
    """The identity of the service that runs on these folders.

    Raises:
        ServiceGone: none does.
    """
    owner = read_service(folders).get("owner", "")
    if not heartbeat.is_alive(folders, owner, SERVICE_SILENT_AFTER):
        said = _("no nambat service runs on {home}; start it with: nambat serve")
        raise ServiceGone(said.format(home=folders.home))
    return owner


def version() -> str:
    """nambat's version."""
    return importlib.metadata.version("nambat")


def runs_on_server(folders: Folders) -> Runs:
    """The runs of these folders on the Prefect server that the environment names. For one thread."""
    from prefect.client.orchestration import get_client
    from prefect.states import Scheduled

    # Making a client takes longer than asking with it, and thousands of files may arrive at once.
    open_client: SyncPrefectClient | None = None
    deployment: UUID | None = None
    apart = timedelta(0)

    @contextlib.contextmanager
    def client() -> Iterator[SyncPrefectClient]:
        nonlocal open_client, deployment
        if open_client is None:
            open_client = get_client(sync_client=True)
            open_client.__enter__()
        try:
            yield open_client
        except BaseException:
            broken, open_client, deployment = open_client, None, None
            with contextlib.suppress(Exception):
                broken.__exit__(None, None, None)
            raise

    def start(claim: Claim) -> str:
        nonlocal deployment, apart
        with client() as server:
            if deployment is None:
                name = name_on_server(INGEST, read_service(folders).get("home", ""))
                deployment = server.read_deployment_by_name(f"ingest/{name}").id
                apart = timedelta(seconds=clock_ahead(str(server.api_url).rstrip("/")) or 0.0)
            name = readable(claim.name)
            run = server.create_flow_run_from_deployment(
                deployment,
                parameters={"name": name, "claim": claim.id},
                name=name,
                # Workers, too, ask for what is due by the server's clock.
                state=Scheduled(scheduled_time=datetime.now(UTC) + apart),
                # The same key gives the same run, even one that failed; so it names this very claim and try.
                idempotency_key=f"{claim.sha256}:{version()}:{claim.id}:{claim.attempt}:{claim.tries}",
            )
            return str(run.id)

    def ended(ids: list[str]) -> dict[str, str]:
        if not ids:
            return {}
        with client() as server:
            return _ended(server, ids, dead_workers(folders, SERVICE_SILENT_AFTER))

    def release(ids: list[str]) -> None:
        with client() as server:
            for one in ids:
                _release(server, one)

    def lose(ids: list[str]) -> None:
        with client() as server:
            for one in ids:
                _close_lost(server, one)

    return Runs(start, ended, release, lose)


LOST = N_("The process that worked on it has died; what is left is taken up again, by another run.")


def _close_lost(client: SyncPrefectClient, flow_run: str) -> None:
    """Let a run whose process died with nobody to tell count as crashed, or it would be at work for ever."""
    from prefect.exceptions import ObjectNotFound
    from prefect.states import Crashed

    with contextlib.suppress(ObjectNotFound, ValueError):
        client.set_flow_run_state(UUID(flow_run), Crashed(message=_(LOST)), force=True)


def _release(client: SyncPrefectClient, flow_run: str) -> None:
    """Take the tags off a run that say that its scan lies in quarantine."""
    from prefect.exceptions import ObjectNotFound

    from flows.service.reports import NEEDS_ATTENTION, QUARANTINED

    with contextlib.suppress(ObjectNotFound, ValueError):  # somebody deleted it, or that is no id of a run
        run = client.read_flow_run(UUID(flow_run))
        if over := {NEEDS_ATTENTION, QUARANTINED}.intersection(run.tags):
            client.update_flow_run(run.id, tags=sorted(set(run.tags) - over))


def _ended(client: SyncPrefectClient, ids: list[str], dead: Collection[str]) -> dict[str, str]:
    """How runs have ended, of those that have.

    Args:
        dead: names of workers whose runs will never begin.
    """
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
    from prefect.client.schemas.sorting import FlowRunSort

    found: dict[str, str] = {}
    for begin in range(0, len(ids), PAGE):
        part = ids[begin : begin + PAGE]
        chosen = FlowRunFilter(id=FlowRunFilterId(any_=[UUID(one) for one in part]))
        known = {
            str(run.id): run
            for run in client.read_flow_runs(flow_run_filter=chosen, sort=FlowRunSort.ID_DESC, limit=PAGE)
        }
        for one in part:
            if (how := _how_it_ended(client, known.get(one), dead)) is not None:
                found[one] = how
    return found


def _how_it_ended(client: SyncPrefectClient, run: FlowRun | None, dead: Collection[str]) -> str | None:
    """How a run has ended; ``None`` if it has not.

    Args:
        run: as the server knows it; ``None`` if it does not.
        dead: as in :func:`_ended`.
    """
    if run is None:
        return "gone"
    if run.state is None:
        return None
    if run.state.is_cancelling():
        return "cancelled"  # its process is being ended, or has died before it could be
    if run.state.is_cancelled():
        return "cancelled" if _is_cancelled_by_a_person(client, run) else "dropped"
    if run.state.is_final():
        return run.state.type.value.lower()
    if not (run.state.is_pending() or run.state.is_running()):
        return None
    # A process that was to begin the run died with nobody to tell: the server was away, or a worker died as well.
    is_stuck = run.labels.get(WORKER_LABEL) in dead or datetime.now(UTC) - run.state.timestamp > STUCK_AFTER
    return "stuck" if is_stuck else None


def _is_cancelled_by_a_person(client: SyncPrefectClient, run: FlowRun) -> bool:
    """Whether somebody asked for a run to be cancelled.

    Who did, Prefect does not record. But who presses *Cancel* asks for the state Cancelling, and what ends in
    Cancelled by itself never has it: a runner that shuts down, a limit of a deployment, a run of ours that has nothing
    to do any more. Of a run that has not begun the server makes a Cancelled one at once, which says nothing at all;
    all others say why.
    """
    if run.state is not None and not run.state.message:
        return True
    return any(state.is_cancelling() for state in client.read_flow_run_states(run.id))
