"""``python -m flows.service.server_process HOST PORT``: a Prefect server behind our guard.

As ``prefect server start`` runs it, which offers no place to put the guard in, and which takes more of the machine than
it needs while nothing happens.
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

from flows.service.guard import Application, admitted, guarded


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
    server = get_current_settings().server
    may = admitted(server.api.cors_allowed_origins.split(","))
    application = guarded(cast(Application, create_app(final=True)), may)
    _, status = os.waitpid(preparing, 0)
    if status:
        sys.exit(1)
    web = _WebServer(
        uvicorn.Config(
            application,
            host=host,
            port=port,
            timeout_keep_alive=server.api.keepalive_timeout,
            ws_ping_interval=server.api.websocket_ping_interval,
            ws_ping_timeout=server.api.websocket_ping_timeout,
            log_level=server.logging_level.lower(),
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


SELDOM = timedelta(seconds=2)
"""How often what Prefect's server has to do later is looked for. From 250 ms, a hundredth of a core went into that."""


def _look_seldom() -> None:
    """Have the loop that waits for what the server has to do later go round less often; no setting does."""
    from prefect.server.api import background_workers

    background_workers.Worker = partial(  # type: ignore[misc,assignment]
        background_workers.Worker, minimum_check_interval=SELDOM, scheduling_resolution=SELDOM
    )


def _offer_no_newer_ui() -> None:
    """Leave out Prefect's newer UI, which its dashboard offers: it asks a host of its maker's for settings."""
    import prefect

    prefect.__ui_v2_static_path__ = Path(os.devnull)


class _WebServer(uvicorn.Server):
    """One that looks once a second whether it is to stop, not ten times."""

    async def main_loop(self) -> None:
        seconds = 0
        while not await self.on_tick(10 * seconds):  # it counts in tenths
            seconds += 1
            await asyncio.sleep(1)


if __name__ == "__main__":
    run(sys.argv[1], int(sys.argv[2]))
