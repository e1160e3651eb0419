"""What is done to Prefect's server in memory so that it takes less of the machine, where it has no setting for it.

Prefect is pinned; tests/test_server.py says what of this must hold with another one.
"""

from __future__ import annotations

import importlib
import os
import sys
import time
from collections.abc import Awaitable, Callable, Collection
from datetime import timedelta
from functools import partial, wraps
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

ENCRYPTION = "prefect.server.utilities.encryption"


def leave_out_modules() -> None:
    """Import less; to be called before Prefect's server is imported."""
    _check_no_types()
    _import_encryption_later()


def _check_no_types() -> None:
    """Do without beartype, which checks the arguments of a store of results that nobody uses here: 6 MB."""
    checker: Any = ModuleType("beartype")
    checker.BeartypeConf = lambda **_how: None
    checker.BeartypeStrategy = SimpleNamespace(O0=0, O1=1)
    checker.beartype = lambda conf: lambda function: function
    checker.claw = ModuleType("beartype.claw")
    checker.claw.beartype_this_package = lambda **_how: None
    sys.modules |= {"beartype": checker, "beartype.claw": checker.claw}


def _import_encryption_later() -> None:
    """Import what encrypts the secrets of blocks when the first is stored or read: 5 MB."""

    def now() -> Any:
        if sys.modules.get(ENCRYPTION) is later:
            del sys.modules[ENCRYPTION]
        return importlib.import_module(ENCRYPTION)

    async def encrypt_fernet(*given: Any) -> Any:
        return await now().encrypt_fernet(*given)

    async def decrypt_fernet(*given: Any) -> Any:
        return await now().decrypt_fernet(*given)

    later: Any = ModuleType(ENCRYPTION)
    later.encrypt_fernet, later.decrypt_fernet = encrypt_fernet, decrypt_fernet
    sys.modules[ENCRYPTION] = later


SELDOM = timedelta(seconds=5)
"""How often what Prefect's server has to do later is looked for. From 250 ms, a hundredth of a core went into that."""

AT_REST = timedelta(seconds=60)
"""How often is done what only matters where several servers share their work, or for what was lost on the way."""


def look_seldom() -> None:
    """Have loops of Prefect's server go round less often for which it has no setting.

    Together they took half of what a server took that has nothing to do; above all the one that asked ten times a
    second, in a thread of its own, whether a task of the server's own is to be cancelled, which Prefect never does.
    """
    from prefect.server.api import background_workers
    from prefect.server.events import triggers

    class Worker(background_workers.Worker):
        """Does at once what is to be done now, and what is to be done later up to five seconds late."""

        def __init__(self, docket: background_workers.Docket) -> None:
            docket.heartbeat_interval = AT_REST
            super().__init__(docket, minimum_check_interval=SELDOM, scheduling_resolution=SELDOM)

        async def _cancellation_listener(self) -> None:
            session = self._processing_session
            if session is not None:
                session.cancellation_ready.set()
                await session.stopping.wait()

    background_workers.Worker = Worker  # type: ignore[misc,assignment]
    # Events of automations whose predecessor was lost, and of buckets that are over.
    triggers.consumer = partial(triggers.consumer, periodic_granularity=AT_REST)


MARKED_ANEW = timedelta(hours=1)
"""How often is written down of a deployment that somebody asks for its runs."""

Mark = Callable[..., Awaitable[None]]


def mark_seldom() -> None:
    """Have the server note once an hour, and not four times a minute, that a runner asks for a deployment's runs.

    At rest these notes were most of what it wrote: 400 MB a day of SQLite's log. They stay where somebody looks whether
    there are any: where deployments count as not ready earlier (see
    :data:`flows.service.prefect_server.PATIENCE_WITH_RUNNERS`).
    """
    from prefect.server.api import background_workers, deployments
    from prefect.settings import get_current_settings

    patience = get_current_settings().server.services.foreman.deployment_last_polled_timeout_seconds
    if patience <= MARKED_ANEW.total_seconds():
        return
    mark = _marking_seldom(deployments.mark_deployments_ready)
    deployments.mark_deployments_ready = mark  # type: ignore[assignment]
    tasks: list[Mark] = background_workers.task_functions
    tasks[:] = [mark if one is mark.__wrapped__ else one for one in tasks]  # type: ignore[attr-defined]


def _marking_seldom(mark: Mark) -> Mark:
    """The task that marks deployments as ready, for those that were not marked in the last hour.

    Those of a work pool's queues are marked as always: whether workers ask for their runs is news to people.
    """
    marked: dict[frozenset[object], float] = {}

    @wraps(mark)  # what it is told and called is looked at
    async def seldom(**told: Any) -> None:
        asked: Collection[object] = told.get("deployment_ids") or ()
        deployments, now = frozenset(asked), time.monotonic()
        since = now - marked.get(deployments, float("-inf"))
        if told.get("work_queue_ids") or since >= MARKED_ANEW.total_seconds():
            await mark(**told)
            marked[deployments] = now

    return seldom


def leave_out_events(kinds: Collection[str]) -> None:
    """Have the server keep no events of these kinds; who waits for them is told of them all the same."""
    from prefect.server.events.services import event_persister

    write = event_persister.write_events

    async def write_others(session: Any, events: list[Any]) -> None:
        await write(session=session, events=[one for one in events if one.event not in kinds])

    event_persister.write_events = write_others


def offer_no_newer_ui() -> None:
    """Leave out Prefect's newer UI, which its dashboard offers: it asks a host of its maker's for settings."""
    import prefect

    prefect.__ui_v2_static_path__ = Path(os.devnull, "not served")
