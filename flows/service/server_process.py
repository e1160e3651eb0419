"""``python -m flows.service.server_process HOST PORT``: a Prefect server behind our guard.

As ``prefect server start`` runs it, which offers no place to put the guard in, nor a log that is put aside when it is
full, and which takes more of the machine than it needs while nothing happens.
"""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import traceback
from typing import cast

import uvicorn

from flows.host.log import log_file, replace_terminal, server_log
from flows.intake.claims import ClaimStore
from flows.service.guard import Application, admitted, guarded
from flows.service.health import look
from flows.service.health_page import with_health, with_metrics
from flows.service.lean_prefect import (
    leave_out_events,
    leave_out_modules,
    look_seldom,
    mark_seldom,
    offer_no_newer_ui,
)
from flows.service.metrics import exposition
from flows.service.prefect_server import PASSING_EVENTS
from flows.settings import load


def run(host: str, port: int, ends_with: int | None = None) -> None:
    """Run a Prefect server until it is told to stop; its settings come from the environment.

    Args:
        ends_with: the parent process, if this one shall end as soon as that does.

    Raises:
        SystemExit: it cannot be started; what it said tells why.
    """
    leave_out_modules()
    preparing = _prepare_database()
    from prefect.server.api.server import create_app
    from prefect.settings import get_current_settings

    look_seldom()
    mark_seldom()
    leave_out_events(PASSING_EVENTS)
    offer_no_newer_ui()
    settings = load()
    server = get_current_settings().server
    application = cast(Application, create_app(final=True))
    replace_terminal(log_file(server_log(settings.folders), settings, takes_output=True))
    may = admitted(server.api.cors_allowed_origins.split(","))
    _, status = os.waitpid(preparing, 0)
    if status:
        sys.exit(1)
    gc.collect()
    gc.freeze()  # what is there now stays, and need not be looked through again and again
    store = ClaimStore(settings)
    pages = with_metrics(with_health(application, lambda: look(store)), lambda: exposition(store))
    web = _WebServer(
        uvicorn.Config(
            guarded(pages, may),
            host=host,
            port=port,
            timeout_keep_alive=server.api.keepalive_timeout,
            ws_ping_interval=server.api.websocket_ping_interval,
            ws_ping_timeout=server.api.websocket_ping_timeout,
            log_level=server.logging_level.lower(),
            log_config=None,
        ),
        ends_with,
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


class _WebServer(uvicorn.Server):
    """One that looks once a second whether it is to stop, not ten times."""

    def __init__(self, config: uvicorn.Config, ends_with: int | None) -> None:
        super().__init__(config)
        self._ends_with = ends_with

    async def main_loop(self) -> None:
        seconds = 0
        while not await self.on_tick(10 * seconds):  # it counts in tenths
            seconds += 1
            await asyncio.sleep(1)
            # Most kernels have killed it by then.
            self.should_exit |= self._ends_with is not None and os.getppid() != self._ends_with


if __name__ == "__main__":
    run(sys.argv[1], int(sys.argv[2]))
