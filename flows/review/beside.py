"""The review page beside the running service: a process of its own, so that neither can hold the other up."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator

from flows.host.processes import kill_tree
from flows.host.trusted_paths import trusted_environment
from flows.language import _
from flows.service.prefect_server import is_taken, local_address, password_trouble
from flows.settings import Settings

PAUSES = (1.0, 5.0, 30.0, 120.0)
"""Seconds before it is started again that ended by itself; one that never works must not be started all the time."""


@contextlib.contextmanager
def reviewing(settings: Settings, say: Callable[[str], object]) -> Iterator[None]:
    """Serve the review page as long as the block runs; without it the service goes on all the same.

    Args:
        say: shows a person one line.
    """
    host, port = settings.host, settings.review_port
    if not port:
        yield
        return
    if trouble := password_trouble(host, settings.no_password):
        say(_("No review page: {why}").format(why=trouble))
        yield
        return
    if is_taken(host, port):
        said = _("No review page at {address}: another program has the port; choose one with NAMBAT_REVIEW_PORT.")
        say(said.format(address=local_address(host, port)))
        yield
        return
    over = threading.Event()
    process = _begin(settings)

    def look_after() -> None:
        nonlocal process
        tries = 0
        while not over.wait(1):
            if process.poll() is None:
                continue
            pause = PAUSES[min(tries, len(PAUSES) - 1)]
            tries += 1
            said = _("The review page ended (exit status {status}); starting it again.")
            say(said.format(status=process.returncode))
            if not over.wait(pause):
                process = _begin(settings)

    guard = threading.Thread(target=look_after, name="review guard", daemon=True)
    guard.start()
    say(_("Read and mend texts at {address}").format(address=local_address(host, port)))
    try:
        yield
    finally:
        over.set()
        guard.join(1)
        kill_tree(process.pid, seconds=1)
        process.wait()


def _begin(settings: Settings) -> subprocess.Popen[bytes]:
    """Start the process, which ends when the pipe to it closes: with this one, however that ends."""
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "flows.review.server", settings.host, str(settings.review_port)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
        umask=0o077,
        env=trusted_environment(os.environ),
    )
