"""``python -m flows.service.server_process HOST PORT``: a Prefect server behind our guard.

As ``prefect server start`` runs it, which offers no place to put the guard in.
"""

from __future__ import annotations

import asyncio
import sys
from datetime import timedelta
from functools import partial
from typing import cast

from flows.service.guard import Application, admitted, guarded


def run(host: str, port: int) -> None:
    """Run a Prefect server until it is told to stop; its settings come from the environment."""
    import uvicorn
    from prefect.server.api.server import create_app
    from prefect.settings import get_current_settings

    look_seldom()
    server = get_current_settings().server
    may = admitted(server.api.cors_allowed_origins.split(","))
    config = uvicorn.Config(
        guarded(cast(Application, create_app(final=True)), may),
        host=host,
        port=port,
        timeout_keep_alive=server.api.keepalive_timeout,
        ws_ping_interval=server.api.websocket_ping_interval,
        ws_ping_timeout=server.api.websocket_ping_timeout,
        log_level=server.logging_level.lower(),
    )
    uvicorn.Server(config).run()


SELDOM = timedelta(seconds=2)
"""How often what Prefect's server has to do later is looked for: from 250 ms a thirtieth of a core goes into that."""


def look_seldom() -> None:
    """Have the server's loops that wait for something go round less often while there is nothing."""
    import uvicorn
    from prefect.server.api import background_workers

    # Neither offers a setting.
    background_workers.Worker = partial(  # type: ignore[misc,assignment]
        background_workers.Worker, minimum_check_interval=SELDOM, scheduling_resolution=SELDOM
    )

    async def main_loop(self: uvicorn.Server) -> None:
        ticks = 0
        while not await self.on_tick(ticks):
            ticks += TICKS_A_SECOND
            await asyncio.sleep(1)

    uvicorn.Server.main_loop = main_loop  # type: ignore[method-assign]


TICKS_A_SECOND = 10
"""In which unit the web server counts time; it looks that often whether it is to stop."""


if __name__ == "__main__":
    run(sys.argv[1], int(sys.argv[2]))
