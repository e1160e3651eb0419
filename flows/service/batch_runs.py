"""How the service has parts of batches run on its Prefect server."""

from __future__ import annotations

import time
from collections.abc import Callable

from flows.batch.under_way import AHEAD, Starter, keep_going
from flows.intake.claims import ClaimStore
from flows.intake.sweep import RUNS_AHEAD
from flows.service.record import name_on_server, read_service, runs_on_server
from flows.settings import Folders

BATCH, AGAIN, PART = "nambat-batch", "nambat-reprocess", "nambat-batch-part"
"""Names of the deployments."""

EVERY = 5.0
"""Seconds between two looks at the batches."""


def parts_on_server(folders: Folders) -> Starter:
    """The runs of parts on the Prefect server that the environment names. For one thread."""
    from prefect.client.orchestration import get_client

    def start(batch: str, part: int, tries: int) -> str:
        with get_client(sync_client=True) as server:
            name = name_on_server(PART, read_service(folders).get("home", ""))
            run = server.create_flow_run_from_deployment(
                server.read_deployment_by_name(f"batch_part/{name}").id,
                parameters={"batch": batch, "part": part},
                name=f"{batch} {part}",
                # The same key gives the same run, even one that failed.
                idempotency_key=f"{batch}:{part}:{tries}",
            )
            return str(run.id)

    runs = runs_on_server(folders)
    return Starter(start, runs.ended, runs.lose)


def keeper(store: ClaimStore) -> Callable[[], list[str]]:
    """What keeps the batches of a home going, to be called often: it looks after them every few seconds.

    It returns what could not be done, a sentence each.
    """
    starter = parts_on_server(store.folders)
    last = float("-inf")

    def keep() -> list[str]:
        nonlocal last
        if time.monotonic() - last < EVERY:
            return []
        # Workers of a pool take several at once, as soon as they are free; how many there are, nobody knows beforehand.
        ahead = RUNS_AHEAD if read_service(store.folders).get("pool") else AHEAD
        troubles = keep_going(store.settings, starter, ahead=ahead)
        last = time.monotonic()
        return troubles

    return keep
