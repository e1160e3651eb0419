"""The Prefect server that nambat starts for itself: local, private, on SQLite.

``PREFECT_API_URL`` in the environment names another one; then none is started. Nothing here imports Prefect: what
it reads from its environment must be set before it is imported.
"""

from __future__ import annotations

import contextlib
import email.utils
import http.client
import ipaddress
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from flows.host.log import server_log
from flows.host.processes import kill_tree, with_environment
from flows.host.trusted_paths import trusted_environment
from flows.language import _
from flows.service.guard import own_origins
from flows.settings import Folders

if TYPE_CHECKING:
    from flows.service.forked_server import ForkedServer

START_SECONDS = 120.0
"""The first start makes the database: 15 s on a fast machine, far more on a slow disk."""

STOP_SECONDS = 4.0

LEAST_ROOM = 16 * 1024**2
"""Free bytes that its database needs."""

MARK = "NAMBAT_SERVER_OF"
"""Environment variable of a service's Prefect server: the home of its folders."""


PATIENCE_WITH_RUNNERS = {"PREFECT_SERVER_SERVICES_FOREMAN_DEPLOYMENT_LAST_POLLED_TIMEOUT_SECONDS": "7200"}
"""Seconds after which a deployment counts as not ready that nobody asks for its runs. The server of a service that has
no work pool ends with who asks, and so need not write down four times a minute that he does."""

PASSING_EVENTS = tuple(f"prefect.flow-run.{name}" for name in ("heartbeat", "Submitting", "Pending"))
"""Kinds of events that tell nothing an hour later: the run has begun by then, or its state says that it has not."""


class ServerTrouble(Exception):
    """The Prefect server cannot be used; ``str()`` is one sentence that says what to do."""


@dataclass(frozen=True, slots=True)
class Server:
    """A Prefect server.

    Attributes:
        api: its address, ending in /api.
        pid: of the process we started, or ``None`` if it is another's.
    """

    api: str
    pid: int | None = None

    @property
    def ui(self) -> str:
        """The address at which people open it: between machines or containers, programs may know it by another."""
        return given_ui() or self.api.removesuffix("/api")


def given_ui() -> str:
    """The address at which people open the Prefect server's UI, where the environment says so; else empty."""
    given = os.environ.get("PREFECT_UI_URL") or os.environ.get("PREFECT_SERVER_UI_API_URL", "")
    return given.rstrip("/").removesuffix("/api")


def prefect_environment(folders: Folders, given: Mapping[str, str]) -> dict[str, str]:
    """Environment for everything of Prefect: its home in ours, nothing reported to anyone, console kept quiet.

    What looks after workers of other machines does so once a minute, too: one counts as offline after 90 seconds
    without a sign, found within another 60. No document waits for that, as who works on one is told by claims.

    Args:
        given: the environment we were started with; what it sets of these stays.
    """
    wanted = {
        "PREFECT_HOME": str(folders.home / "prefect"),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        # The newer UI asks a host of its maker's for settings on each page, and both advertise a paid service.
        "PREFECT_SERVER_UI_V2_ENABLED": "false",
        "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
        "DO_NOT_TRACK": "1",
        # Who may ask at all is the guard's business (flows.service.guard); this is a second lock on the same door.
        "PREFECT_SERVER_CSRF_PROTECTION_ENABLED": "true",
        "PREFECT_CLIENT_CSRF_SUPPORT_ENABLED": "true",
        "PREFECT_SERVER_LOGGING_LEVEL": "WARNING",
        "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "ERROR",
        "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
        # Most of what its database takes are events.
        "PREFECT_SERVER_EVENTS_RETENTION_PERIOD": "P1D",
        # Those of earlier versions; ours keeps none of these (flows.service.server_process).
        "PREFECT_SERVER_SERVICES_DB_VACUUM_EVENT_RETENTION_OVERRIDES": json.dumps(dict.fromkeys(PASSING_EVENTS, 3600)),
        # Ours does so in a process of its own before it starts (flows.service.server_process).
        "PREFECT_SERVER_DATABASE_MIGRATE_ON_START": "false",
        "PREFECT_API_BLOCKS_REGISTER_ON_START": "false",
        # As seldom as people will not mind: each of these looks costs a processor time while nothing happens.
        "PREFECT_SERVER_SERVICES_LATE_RUNS_LOOP_SECONDS": "60",
        "PREFECT_SERVER_SERVICES_SCHEDULER_RECENT_DEPLOYMENTS_LOOP_SECONDS": "60",
        "PREFECT_SERVER_SERVICES_FOREMAN_LOOP_SECONDS": "60",
        "PREFECT_SERVER_EVENTS_PROACTIVE_GRANULARITY": "PT60S",
        "PREFECT_SERVER_SERVICES_REPOSSESSOR_LOOP_SECONDS": "60",
        # No run of ours is paused, or has others below it.
        "PREFECT_SERVER_SERVICES_PAUSE_EXPIRATIONS_LOOP_SECONDS": "600",
        "PREFECT_SERVER_SERVICES_CANCELLATION_CLEANUP_LOOP_SECONDS": "600",
        # It gives out anew what workers were asked to clear away and did not: containers, of which we start none.
        "PREFECT_SERVER_SERVICES_CLEANUP_RECONCILER_ENABLED": "false",
        # Many threads of few allocations each: glibc would give each memory of its own, and keep it.
        "MALLOC_ARENA_MAX": "2",
        "PREFECT_CLI_COLORS": "false",
        "PREFECT_CLI_PROMPT": "false",
    }
    if given.get("PREFECT_SERVER_API_AUTH_STRING"):
        # Our own runs must know the password that the server asks for.
        wanted["PREFECT_API_AUTH_STRING"] = given["PREFECT_SERVER_API_AUTH_STRING"]
    return {name: given.get(name, value) for name, value in wanted.items()}


def is_healthy(api: str, seconds: float = 2.0) -> bool:
    """Whether a Prefect server answers at ``api``."""
    try:
        with urllib.request.urlopen(f"{api}/health", timeout=seconds) as answer:
            return answer.status == 200 and answer.read().strip() == b"true"
    except (OSError, ValueError, http.client.HTTPException):
        return False


def clock_ahead(api: str, seconds: float = 10.0) -> float | None:
    """Seconds by which a Prefect server's clock is ahead of this machine's, to a second; ``None`` if it does not tell.

    Args:
        seconds: how long it may take to answer.
    """
    asked = time.time()
    try:
        with urllib.request.urlopen(f"{api}/health", timeout=seconds) as answer:
            date = answer.headers["Date"]
    except urllib.error.HTTPError as refused:
        date = refused.headers["Date"]
    except (OSError, ValueError, http.client.HTTPException):
        return None
    answered = time.time()
    try:
        # A date has no parts of a second: on average it is half of one too early.
        return email.utils.parsedate_to_datetime(date).timestamp() + 0.5 - (asked + answered) / 2
    except (TypeError, ValueError):
        return None


def free_port(host: str = "127.0.0.1") -> int:
    """A port nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


def is_taken(host: str, port: int) -> bool:
    """Whether another program listens on the port."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return True
    return False


def begin_server(folders: Folders, host: str, port: int, *, for_service: bool = False) -> subprocess.Popen[bytes]:
    """Start a Prefect server in a session of its own; it is not ready yet.

    Args:
        for_service: whether a service starts it, which :func:`end_servers` may end.

    Raises:
        ServerTrouble: the port is taken.
    """
    wait_for_port(host, port)
    with opened_log(folders) as output:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "flows.service.server_process", host, str(port)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            umask=0o077,  # file names stand in its database
            env={
                **server_environment(folders, host, port),
                **({MARK: str(folders.home)} if for_service else {}),
            },
        )


def wait_for_port(host: str, port: int) -> None:
    """Return once the port is free.

    Raises:
        ServerTrouble: it does not come to be.
    """
    deadline = time.monotonic() + 5  # a server that was just killed may still be letting go of it
    while is_taken(host, port) and time.monotonic() < deadline:
        time.sleep(0.1)
    if is_taken(host, port):
        said = _(
            "port {port} on {host} is in use by another program (another Prefect server?); "
            "stop that, or choose another port with NAMBAT_PORT, "
            "or use that server with PREFECT_API_URL=http://{host}:{port}/api"
        )
        raise ServerTrouble(said.format(host=host, port=port))


def opened_log(folders: Folders) -> BinaryIO:
    """The server's log, to be written to at its end."""
    log = server_log(folders)
    log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return open(log, "ab", opener=lambda path, how: os.open(path, how, 0o600))


def server_environment(folders: Folders, host: str, port: int) -> dict[str, str]:
    """The environment of a Prefect server that listens there."""
    ui_api = os.environ.get("PREFECT_SERVER_UI_API_URL", local_api(host, port))
    return {
        # Its own environment must not send it to itself.
        **trusted_environment({name: value for name, value in os.environ.items() if name != "PREFECT_API_URL"}),
        **prefect_environment(folders, os.environ),
        "PREFECT_SERVER_UI_API_URL": ui_api,
        "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": os.environ.get(
            "PREFECT_SERVER_CORS_ALLOWED_ORIGINS", ",".join(own_origins(host, port, ui_api))
        ),
    }


def local_address(host: str, port: int) -> str:
    """The address of a server that listens there for people and programs on this machine."""
    host = "127.0.0.1" if host in ("0.0.0.0", "::", "") else host
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def local_api(host: str, port: int) -> str:
    """The API's address for programs on this machine."""
    return f"{local_address(host, port)}/api"


def wait_for_server(
    process: subprocess.Popen[bytes] | ForkedServer, api: str, log: Path, seconds: float = START_SECONDS
) -> None:
    """Return once the server answers.

    Raises:
        ServerTrouble: it ended, or does not answer after ``seconds``.
    """
    deadline = time.monotonic() + seconds
    home = Path(os.environ.get("PREFECT_HOME", log.parent))
    while time.monotonic() < deadline:
        if is_healthy(api):
            return
        if process.poll() is not None:
            free = shutil.disk_usage(home).free
            if free < LEAST_ROOM:
                said = _("the Prefect server did not start: the disk of {folder} is full; make room there")
                raise ServerTrouble(said.format(folder=home))
            database = home / "prefect.db"
            said = _("the Prefect server did not start (exit status {status}); see {log}")
            if database.exists():
                said = _(
                    "the Prefect server did not start (exit status {status}); see {log}. If its database is "
                    "damaged, remove {database}*: only the history of the runs is lost with it"
                )
            raise ServerTrouble(said.format(status=process.returncode, log=log, database=database))
        time.sleep(0.1)
    said = _("the Prefect server did not answer within {seconds:.0f} s; see {log}")
    raise ServerTrouble(said.format(seconds=seconds, log=log))


def stop_server(process: subprocess.Popen[bytes] | ForkedServer, seconds: float = STOP_SECONDS) -> None:
    """End the server and its children; asked first, killed after so many seconds."""
    if process.poll() is None:
        kill_tree(process.pid, seconds=seconds)
        process.wait()


def end_servers(folders: Folders) -> None:
    """Kill whatever is left of servers that a service started for these folders.

    They are told by their environment: a service that is killed may not have come to write down what it started,
    and of a server whose first process is killed, the second goes on and keeps the port. A fork of the service has
    that of the service, and ends with it.
    """
    for pid in with_environment(MARK, str(folders.home)):
        kill_tree(pid)


def is_loopback(host: str) -> bool:
    """Whether only programs of this machine reach a server that listens there."""
    if host == "localhost":
        return True
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    return False


def password_trouble(host: str, no_password: bool) -> str | None:
    """Why a server must not listen on ``host`` with this environment, in one sentence; ``None`` if it may."""
    secret = os.environ.get("PREFECT_SERVER_API_AUTH_STRING", "")
    if not secret.isascii():
        return _(
            "PREFECT_SERVER_API_AUTH_STRING: Prefect compares ASCII letters only; choose a password without diacritics"
        )
    if is_loopback(host) or no_password or secret.strip(":"):
        return None
    return _(
        "anyone who reaches {host} could see and start runs; set PREFECT_SERVER_API_AUTH_STRING to "
        "user:password, or NAMBAT_NO_PASSWORD=true where something else keeps strangers out"
    ).format(host=host or _("this machine"))


def given_server() -> Server | None:
    """The server that ``PREFECT_API_URL`` names; ``None`` when it names none.

    Raises:
        ServerTrouble: it does not answer.
    """
    given = os.environ.get("PREFECT_API_URL")
    if not given:
        return None
    if not is_healthy(given, 10):
        said = _("no Prefect server answers at {address} (PREFECT_API_URL); start it, or unset that")
        raise ServerTrouble(said.format(address=given))
    return Server(given)


@contextlib.contextmanager
def private_server(folders: Folders) -> Iterator[Server]:
    """A server on a free port for as long as the block runs; the environment's, if it names one.

    Raises:
        ServerTrouble: it cannot be started, or the environment's does not answer.
    """
    os.environ.update(prefect_environment(folders, os.environ))
    given = given_server()
    if given:
        yield given
        return
    host, port = "127.0.0.1", free_port()
    process = begin_server(folders, host, port)
    try:
        api = local_api(host, port)
        os.environ["PREFECT_API_URL"] = api
        wait_for_server(process, api, server_log(folders))
        yield Server(api, process.pid)
    finally:
        os.environ.pop("PREFECT_API_URL", None)
        stop_server(process)
