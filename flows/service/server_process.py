"""``python -m flows.service.server_process HOST PORT``: a Prefect server behind our guard.

As ``prefect server start`` runs it, which offers no place to put the guard in, nor a log that is put aside when it is
full, and which takes more of the machine than it needs while nothing happens.
"""

from __future__ import annotations

import asyncio
import os
import sys
import traceback
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import cast

import uvicorn

from flows.host.log import log_file, replace_terminal, server_log
from flows.intake.claims import ClaimStore
from flows.service.guard import Application, admitted, guarded
from flows.service.health import look
from flows.service.health_page import with_health
from flows.settings import load


def run(host: str, port: int) -> None:
    """Run a Prefect server until it is told to stop; its settings come from the environment.

    Raises:
        SystemExit: it cannot be started; what it said tells why.
    """
    preparing = _prepare_database()
    from prefect.server.api.server import create_app
    from prefect.settings import get_current_settings

    _look_seldom()
    _offer_no_newer_ui()
    settings = load()
    server = get_current_settings().server
    application = cast(Application, create_app(final=True))
    replace_terminal(log_file(server_log(settings.folders), settings, takes_output=True))
    may = admitted(server.api.cors_allowed_origins.split(","))
    _, status = os.waitpid(preparing, 0)
    if status:
        sys.exit(1)
    web = _WebServer(
        uvicorn.Config(
            guarded(with_health(application, lambda: look(ClaimStore(settings))), may),
            host=host,
            port=port,
            timeout_keep_alive=server.api.keepalive_timeout,
            ws_ping_interval=server.api.websocket_ping_interval,
            ws_ping_timeout=server.api.websocket_ping_timeout,
            log_level=server.logging_level.lower(),
            log_config=None,
        )
    )
    web.run()
    if not web.started:
        sys.exit(3)


def _prepare_database() -> int:
    """Begin to bring the database up to date, in a process of its own: what that imports and leaves is 50 MB.

    Returns:
        The process's id.
    """
    from prefect.server.database import provide_database_interface
    from prefect.server.models.block_registration import run_block_auto_registration

    async def prepare() -> None:
        database = provide_database_interface()
        await database.create_db()
        async with await database.session() as session:
            await run_block_auto_registration(session=session)

    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        asyncio.run(prepare())
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


SELDOM = timedelta(seconds=5)
"""How often what Prefect's server has to do later is looked for. From 250 ms, a hundredth of a core went into that."""

AT_REST = timedelta(seconds=60)
"""How often is done what only matters where several servers share their work, or for what was lost on the way."""


def _look_seldom() -> None:
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


def _offer_no_newer_ui() -> None:
    """Leave out Prefect's newer UI, which its dashboard offers: it asks a host of its maker's for settings."""
    import prefect

    prefect.__ui_v2_static_path__ = Path(os.devnull, "not served")


class _WebServer(uvicorn.Server):
    """One that looks once a second whether it is to stop, not ten times."""

    async def main_loop(self) -> None:
        seconds = 0
        while not await self.on_tick(10 * seconds):  # it counts in tenths
            seconds += 1
            await asyncio.sleep(1)


if __name__ == "__main__":
    run(sys.argv[1], int(sys.argv[2]))
