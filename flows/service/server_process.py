"""``python -m flows.service.server_process HOST PORT``: a Prefect server behind our guard.

As ``prefect server start`` runs it, which offers no place to put the guard in, nor a log that is put aside when it is
full.
"""

from __future__ import annotations

import sys
from typing import cast

from flows.host.log import log_file, replace_terminal, server_log
from flows.intake.claims import ClaimStore
from flows.service.guard import Application, admitted, guarded
from flows.service.health import look
from flows.service.health_page import with_health
from flows.settings import load


def run(host: str, port: int) -> None:
    """Run a Prefect server until it is told to stop; its settings come from the environment."""
    import uvicorn
    from prefect.server.api.server import create_app
    from prefect.settings import get_current_settings

    settings = load()
    server = get_current_settings().server
    application = cast(Application, create_app(final=True))
    replace_terminal(log_file(server_log(settings.folders), settings, takes_output=True))
    may = admitted(server.api.cors_allowed_origins.split(","))
    uvicorn.run(
        guarded(with_health(application, lambda: look(ClaimStore(settings))), may),
        host=host,
        port=port,
        timeout_keep_alive=server.api.keepalive_timeout,
        ws_ping_interval=server.api.websocket_ping_interval,
        ws_ping_timeout=server.api.websocket_ping_timeout,
        log_level=server.logging_level.lower(),
        log_config=None,
    )


if __name__ == "__main__":
    run(sys.argv[1], int(sys.argv[2]))
