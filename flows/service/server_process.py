"""``python -m flows.service.server_process HOST PORT``: a Prefect server behind our guard.

As ``prefect server start`` runs it, which offers no place to put the guard in.
"""

from __future__ import annotations

import sys
from typing import cast

from flows.service.guard import Application, admitted, guarded


def run(host: str, port: int) -> None:
    """Run a Prefect server until it is told to stop; its settings come from the environment."""
    import uvicorn
    from prefect.server.api.server import create_app
    from prefect.settings import get_current_settings

    server = get_current_settings().server
    may = admitted(server.api.cors_allowed_origins.split(","))
    uvicorn.run(
        guarded(cast(Application, create_app(final=True)), may),
        host=host,
        port=port,
        timeout_keep_alive=server.api.keepalive_timeout,
        ws_ping_interval=server.api.websocket_ping_interval,
        ws_ping_timeout=server.api.websocket_ping_timeout,
        log_level=server.logging_level.lower(),
    )


if __name__ == "__main__":
    run(sys.argv[1], int(sys.argv[2]))
