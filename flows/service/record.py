"""Which service runs on a set of folders, and how a sweep talks to its Prefect server."""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from flows.host import heartbeat
from flows.host.files import replace_file
from flows.host.names import readable
from flows.intake.claims import Claim
from flows.intake.sweep import Runs
from flows.language import _
from flows.settings import Folders

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient

INGEST, SWEEP = "nambat-ingest", "nambat-sweep"
"""Names of the deployments; Prefect puts the flow's name in front: ``ingest/nambat-ingest``."""

FORMER_DEPLOYMENTS = ("ingest/nambat", "sweep/nambat")
"""What earlier versions called them; dropped, or their schedules would go on."""

STUCK_AFTER = timedelta(minutes=5)
"""A run whose process has not begun to work after that never will: it takes seconds."""

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


def write_service(folders: Folders, *, api: str, server_pid: int | None) -> None:
    """Write down that this process is the service.

    Raises:
        OSError: it cannot be written.
    """
    record = {"owner": heartbeat.identity(), "api": api, "server": ""}
    if server_pid is not None:
        with contextlib.suppress(OSError):  # it has ended already, or the kernel does not tell
            record["server"] = heartbeat.identity(server_pid)
    replace_file(record_of_service(folders), json.dumps(record).encode())


def read_service(folders: Folders) -> dict[str, str]:
    """The last service's record: ``owner``, ``api``, ``server``; empty if there was none. It may be dead."""
    try:
        record = json.loads(record_of_service(folders).read_text())
        return {name: str(record[name]) for name in ("owner", "api", "server")}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def owner_of_service(folders: Folders) -> str:
    """The identity of the service that runs on these folders.

    Raises:
        ServiceGone: none does.
    """
    owner = read_service(folders).get("owner", "")
    if heartbeat.pid_of(folders, owner) is None:
        said = _("no nambat service runs on {home}; start it with: nambat serve")
        raise ServiceGone(said.format(home=folders.home))
    return owner


def version() -> str:
    """nambat's version."""
    return importlib.metadata.version("nambat")


def runs_on_server() -> Runs:
    """The runs of the Prefect server that the environment names. For one thread."""
    from prefect.client.orchestration import get_client

    # Making a client takes longer than asking with it, and thousands of files may arrive at once.
    open_client: SyncPrefectClient | None = None
    deployment: UUID | None = None

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
        nonlocal deployment
        with client() as server:
            if deployment is None:
                deployment = server.read_deployment_by_name(f"ingest/{INGEST}").id
            name = readable(claim.name)
            run = server.create_flow_run_from_deployment(
                deployment,
                parameters={"name": name, "claim": claim.id},
                name=name,
                # The same key gives the same run, even one that failed; so it names this very claim and try.
                idempotency_key=f"{claim.sha256}:{version()}:{claim.id}:{claim.attempt}:{claim.tries}",
            )
            return str(run.id)

    def ended(ids: list[str]) -> dict[str, str]:
        if not ids:
            return {}
        with client() as server:
            return _ended(server, ids)

    return Runs(start, ended)


def _ended(client: SyncPrefectClient, ids: list[str]) -> dict[str, str]:
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
            run = known.get(one)
            if run is None:
                found[one] = "gone"
            elif run.state is not None and run.state.is_final():
                found[one] = run.state.type.value.lower()
            elif (
                # A process that was to begin the run died with nobody to tell: the server was away just then.
                run.state is not None
                and (run.state.is_pending() or run.state.is_running())
                and datetime.now(UTC) - run.state.timestamp > STUCK_AFTER
            ):
                found[one] = "stuck"
    return found
