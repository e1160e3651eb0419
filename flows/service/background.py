"""``python -m flows.service.background``: do the background services of Prefect's server run on this machine?

Where several server processes share a Redis, what Prefect does by itself (schedules, late runs, events) runs in a
process apart, ``prefect server services start``, which answers nobody. But it leaves a sign of life in Redis every few
seconds, under its machine's name: what Docker asks here. Exit status 0 if there is a fresh one.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from datetime import UTC, datetime

from docket import Docket

SERVICES = "prefect"
"""What Prefect's command line calls the services' docket (_server_utils.py of Prefect 3.9); its API has another one."""

SILENT_AFTER = 60.0
"""Seconds after its last sign until it counts as dead; it leaves one every two or so."""


async def last_sign(url: str) -> datetime | None:
    """When the services of this machine were heard of last; ``None`` if never, or too long ago for Redis to know.

    Args:
        url: of Redis, as in ``PREFECT_SERVER_DOCKET_URL``.

    Raises:
        Exception: Redis does not answer.
    """
    async with Docket(name=SERVICES, url=url) as docket:
        workers = await docket.workers()
    return max((one.last_seen for one in workers if one.name.startswith(f"{socket.gethostname()}#")), default=None)


def run() -> int:
    """Exit status 0 if they run, 1 if not."""
    # Not by way of Prefect's settings, which take two seconds to import; it is asked every minute.
    last = asyncio.run(last_sign(os.environ["PREFECT_SERVER_DOCKET_URL"]))
    silent = (datetime.now(UTC) - last).total_seconds() if last else float("inf")
    print(f"{silent:.0f} s")
    return 0 if silent < SILENT_AFTER else 1


if __name__ == "__main__":
    sys.exit(run())
