"""What stands before our Prefect server: it answers its own pages and this machine's programs, no other web page.

A browser carries out what any page in it asks for, and its user may have a Prefect server on this machine whose API
asks for no password. Prefect's own means (allowed origins, CSRF tokens) leave two ways open: its web sockets ask nobody
where they come from, and a page whose domain name is pointed to this machine after it was loaded (DNS rebinding) counts
as the server's own. So each request is looked at here:

* ``Host`` must be an address in digits, ``localhost`` or a name that the settings give: a name is what rebinding needs.
* ``Origin``, which a browser sends with all that could change or tell anything, must be the server's own.
* What a browser says of a request without it (``Sec-Fetch-Site``) must not be that another page made it, but for a
  link that leads to the UI's pages.
* No other page may show ours in a frame, where it could lay itself over the buttons.

A program is no browser, sends none of these and is let in: it could lie anyhow.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from flows import faults
from flows.faults import NotAdmitted

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

HEADERS = {
    b"x-frame-options": b"DENY",
    b"cross-origin-resource-policy": b"same-origin",
    b"referrer-policy": b"same-origin",
    b"x-content-type-options": b"nosniff",
}
"""What each answer tells the browser beside :func:`content_policy`."""

POLICY_VIOLATION = 1008
"""Why a web socket is closed (RFC 6455, 7.4.1)."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """Who may ask.

    Attributes:
        names: by which the server is asked, in small letters and without ports, beside addresses in digits.
        origins: pages that may ask beside the server's own, such as ``http://localhost:4200``.
        everyone: whether any page may ask.
    """

    names: frozenset[str]
    origins: frozenset[str]
    everyone: bool = False


def own_origins(host: str, port: int, *further: str) -> list[str]:
    """The origins of the UI's pages.

    Args:
        host: the server listens there.
        further: other addresses of it, as URLs.
    """
    names = ["127.0.0.1", "localhost", "[::1]"]
    if host not in ("", "0.0.0.0", "::", *names):
        names.append(f"[{host}]" if ":" in host else host)
    found = [f"http://{name}:{port}" for name in names]
    return list(dict.fromkeys([*found, *filter(None, map(_origin, further))]))


def _origin(url: str) -> str:
    """Scheme and authority of a URL; nothing for what is none."""
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc}".lower() if parts.scheme and parts.netloc else ""


def admitted(origins: Iterable[str]) -> Admitted:
    """Who may ask a server whose pages have these origins. ``*`` among them admits every page, but no other name."""
    listed = {one.strip() for one in origins}
    pages = frozenset(filter(None, map(_origin, listed)))
    return Admitted(frozenset({"localhost", *(_name(urlsplit(one).netloc) for one in pages)}), pages, "*" in listed)


def _name(authority: str) -> str:
    """The host of ``host:port`` in small letters; of ``[::1]:4200`` without brackets."""
    authority = authority.lower()
    if authority.startswith("["):
        inside, bracket, rest = authority[1:].partition("]")
        return inside if bracket and (not rest or rest.startswith(":")) else ""
    return authority.partition(":")[0]


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def trouble_with(scope: Scope, may: Admitted) -> NotAdmitted | None:
    """Why this request is not answered; ``None`` if it is."""
    headers: dict[str, list[str]] = {}
    for name, value in scope["headers"]:
        headers.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1").strip().lower())
    hosts, origins = headers.get("host", []), headers.get("origin", [])
    name = _name(hosts[0]) if len(hosts) == 1 else ""
    if not (_is_address(name) or (name and name in may.names)):
        return faults.FOREIGN_NAME.fault(name=hosts[0] if hosts else "-")
    own = {f"{scheme}://{hosts[0]}" for scheme in ("http", "https")}
    if may.everyone or (len(origins) == 1 and origins[0] in own | may.origins):
        return None
    if origins:
        return faults.FOREIGN_PAGE.fault(origin=", ".join(origins))
    if headers.get("sec-fetch-site", ["none"])[0] in ("none", "same-origin") or _follows_a_link(scope, headers):
        return None
    return faults.FOREIGN_PAGE.fault(origin="-")


def _follows_a_link(scope: Scope, headers: MutableMapping[str, list[str]]) -> bool:
    """Whether a person went to one of the UI's pages from somewhere else."""
    return (
        scope["type"] == "http"
        and scope["method"] in ("GET", "HEAD")
        and not scope["path"].startswith("/api")
        and headers.get("sec-fetch-mode") == ["navigate"]
        and headers.get("sec-fetch-dest") == ["document"]
    )


def content_policy(may: Admitted) -> str:
    """What our pages may load: nothing from another machine.

    A picture there would tell who reads a report and when, and Prefect's newer UI asks its maker for settings.
    """
    origins = ["*"] if may.everyone else sorted(may.origins)
    sockets = [f"ws{one.removeprefix('http')}" for one in origins if one.startswith("http")]
    return (
        # The drawing of a run makes functions of text, and writes styles into its elements.
        "default-src 'self'; script-src 'self' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
        "worker-src 'self' blob:; font-src 'self' data:; "
        f"connect-src 'self' {' '.join([*origins, *sockets])}; img-src 'self' data: blob:; object-src 'none'; "
        "base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
    )


def guarded(application: Application, may: Admitted, policy: str = "") -> Application:
    """``application``, which is asked only by those who may.

    Args:
        policy: what its pages may load, where that is not :func:`content_policy`.
    """

    headers = {**HEADERS, b"content-security-policy": (policy or content_policy(may)).encode()}

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                kept = [(name, value) for name, value in message.get("headers", []) if name.lower() not in headers]
                message = {**message, "headers": [*kept, *headers.items()]}
            await send(message)

        if scope["type"] not in ("http", "websocket"):
            return await application(scope, receive, send)  # its life span
        trouble = trouble_with(scope, may)
        if trouble is None:
            return await application(scope, receive, send_with_headers)
        if scope["type"] == "websocket":
            await receive()  # that it would like to be connected
            return await send({"type": "websocket.close", "code": POLICY_VIOLATION})
        told = f"{trouble.vietnamese}\n{trouble}\n".encode()
        kinds = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(told)).encode())]
        await send_with_headers({"type": "http.response.start", "status": 403, "headers": kinds})
        return await send({"type": "http.response.body", "body": told})

    return answer
