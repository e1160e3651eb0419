"""The web address ``/nambat/health``: 200 if the service is well, 503 if not, and what was found as JSON. Beside it
``/nambat/metrics``, for Prometheus.

They stand before our Prefect server. Where ``PREFECT_API_URL`` names another's server, the service answers by itself,
at the same address as ours would (``NAMBAT_HOST``, ``NAMBAT_PORT``). They ask for no password, so that Docker and
monitors can use them; who asks from another machine hears what is well and what is not, and numbers, and no word
more.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import json
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from flows.language import N_, _
from flows.service import metrics
from flows.service.guard import Application, Receive, Scope, Send, admitted, guarded, own_origins
from flows.service.health import Check, Health
from flows.service.prefect_server import is_taken
from flows.settings import Settings

PATH = "/nambat/health"

ANSWER_WITHIN = 8.0
"""Seconds after which it is not waited for any longer: Docker gives up after ten."""

FRESH = 2.0
"""Seconds that an answer is given to further askers: many of them must not write to the folders all the time."""

HANGS = N_("the look at the folders does not come to an end; a disk or share hangs")


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Looking(Generic[T]):
    """A look that somebody asked for.

    Attributes:
        begun: on the monotonic clock, in seconds.
    """

    task: asyncio.Task[T]
    begun: float


def shared(look: Callable[[], T]) -> Callable[[], Awaitable[asyncio.Task[T] | None]]:
    """``look`` for all who ask at about the same time.

    Returns:
        Gives the look of this moment, which has come to its end; ``None`` if it does not.
    """
    last: _Looking[T] | None = None

    async def looked() -> asyncio.Task[T] | None:
        nonlocal last
        if last is None or (last.task.done() and time.monotonic() - last.begun > FRESH):
            last = _Looking(asyncio.create_task(asyncio.to_thread(look)), time.monotonic())
        asked = last.task
        done, _waiting = await asyncio.wait([asked], timeout=ANSWER_WITHIN)
        return asked if done else None

    return looked


def with_health(application: Application, look: Callable[[], Health]) -> Application:
    """``application``, and the page of the service's health beside it."""
    looked = shared(look)

    async def health() -> Health:
        task = await looked()
        if task is None:
            return Health((Check("look", False, _(HANGS)),))
        if fault := task.exception():
            return Health((Check("look", False, _("nobody can say: {fault}").format(fault=fault)),))
        return task.result()

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != PATH:
            return await application(scope, receive, send)
        if scope["method"] not in ("GET", "HEAD"):
            return await _send(send, 405, {"error": "GET or HEAD"}, body=True)
        found = await health()
        record = found.as_record(with_words=_is_here(scope))
        return await _send(send, 200 if found.is_well else 503, record, body=scope["method"] == "GET")

    return answer


def with_metrics(application: Application, measure: Callable[[], bytes]) -> Application:
    """``application``, and the page with the service's numbers beside it.

    Args:
        measure: gives them, as Prometheus reads them; they must name nothing that a stranger may not know.
    """
    looked = shared(measure)

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != metrics.PATH:
            return await application(scope, receive, send)
        if scope["method"] not in ("GET", "HEAD"):
            return await _send(send, 405, {"error": "GET or HEAD"}, body=True)
        task, body = await looked(), scope["method"] == "GET"
        if task is None or task.exception():
            return await _send(send, 503, {"error": f"nobody can say now; see {PATH}"}, body=body)
        return await _send_bytes(send, 200, metrics.KIND, task.result(), body=body)

    return answer


def _is_here(scope: Scope) -> bool:
    """Whether a program of this machine asks."""
    with contextlib.suppress(ValueError, TypeError, IndexError):
        return ipaddress.ip_address(scope["client"][0]).is_loopback
    return False


async def _send(send: Send, status: int, record: object, *, body: bool) -> None:
    told = (json.dumps(record, ensure_ascii=False, indent=1) + "\n").encode()
    await _send_bytes(send, status, "application/json", told, body=body)


async def _send_bytes(send: Send, status: int, kind: str, told: bytes, *, body: bool) -> None:
    headers = [
        (b"content-type", kind.encode()),
        (b"content-length", str(len(told)).encode()),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": told if body else b""})


async def _nothing_else(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "http":
        await _send(send, 404, {"error": f"only {PATH} and {metrics.PATH} are here"}, body=True)
    elif scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1000})


@contextlib.contextmanager
def answering(
    settings: Settings, look: Callable[[], Health], measure: Callable[[], bytes], say: Callable[[str], None]
) -> Iterator[None]:
    """Answer at the service's own address as long as the block runs: its Prefect server is another's."""
    host, port = settings.host, settings.port
    if is_taken(host, port):
        said = _("No health at {address}: another program has the port; choose one with NAMBAT_PORT.")
        say(said.format(address=f"http://{host}:{port}{PATH}"))
        yield
        return
    import uvicorn

    pages = with_metrics(with_health(_nothing_else, look), measure)
    application = guarded(pages, admitted(own_origins(host, port)))
    config = uvicorn.Config(application, host=host, port=port, lifespan="off", log_config=None, log_level="critical")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, name="health page", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(1)
