"""Which requests our Prefect server answers: its own pages' and this machine's programs', no other web page's."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from flows.service.guard import (
    HEADERS,
    Message,
    Receive,
    Scope,
    Send,
    admitted,
    content_policy,
    guarded,
    own_origins,
    trouble_with,
)

OWN = "http://127.0.0.1:4200"
CALL = {"sec-fetch-mode": "cors", "sec-fetch-dest": "empty"}
LINK = {"sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}


def scope(
    host: str | None = "127.0.0.1:4200", kind: str = "http", method: str = "POST", path: str = "/api/x", **headers: str
) -> Scope:
    """What uvicorn says of a request; ``_`` in names of headers stands for ``-``."""
    listed = [] if host is None else [(b"host", host.encode())]
    listed += [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {"type": kind, "method": method, "path": path, "headers": listed}


ANSWERED = [
    # programs
    scope(),
    scope("localhost:4200"),
    scope("[::1]:4200"),
    scope("127.0.0.1"),
    scope("192.168.1.5:4200"),
    scope(kind="websocket"),
    # the UI
    scope(origin=OWN, sec_fetch_site="same-origin"),
    scope(origin=OWN, kind="websocket"),
    scope(origin="http://localhost:4200", sec_fetch_site="cross-site"),
    scope("localhost:4200", origin="http://localhost:4200"),
    scope("LOCALHOST:4200", origin="http://localhost:4200"),
    scope("[::1]:4200", origin="http://[::1]:4200"),
    scope("127.0.0.1:8080", origin="http://127.0.0.1:8080"),
    scope("192.168.1.5:4200", origin="http://192.168.1.5:4200"),
    scope(method="GET", sec_fetch_site="same-origin"),
    # a person
    scope(method="GET", path="/", sec_fetch_site="none", **LINK),
    scope(method="GET", path="/runs/flow-run/1", sec_fetch_site="cross-site", **LINK),
    scope(method="GET", path="/", sec_fetch_site="same-site", **LINK),
    # by the name the settings give
    scope("scan.example", origin="https://scan.example"),
    scope(origin="https://scan.example"),
    scope("scan.example:4200"),
]

REFUSED = [
    # names: pages whose domain was pointed to this machine
    scope("evil.example:4200"),
    scope("evil.example", origin="http://evil.example"),
    scope("evil.example:4200", kind="websocket", origin="http://evil.example:4200"),
    scope("evil.example:4200", method="GET", path="/", sec_fetch_site="none", **LINK),
    scope("localhost.evil.example"),
    scope("127.0.0.1.evil.example:4200"),
    scope("evil.scan.example"),
    scope("localhost."),
    scope("[::1].evil.example"),
    scope("[localhost"),
    scope("127.1:4200"),
    scope(""),
    scope(None),
    scope("127.0.0.1:4200", Host="evil.example"),
    # pages elsewhere
    scope(origin="http://evil.example", sec_fetch_site="cross-site", **CALL),
    scope(origin="http://evil.example", kind="websocket"),
    scope(origin="null"),
    scope(origin=""),
    scope(origin=f"{OWN}.evil.example"),
    scope(origin="http://evil.example/http://127.0.0.1:4200"),
    scope(origin=OWN, Origin="http://evil.example"),
    scope(method="GET", sec_fetch_site="cross-site", **CALL),
    scope(method="GET", path="/api/logs", sec_fetch_site="cross-site", **LINK),
    scope(method="POST", path="/", sec_fetch_site="cross-site", **LINK),
    scope(method="GET", path="/", sec_fetch_site="cross-site", **{**LINK, "sec-fetch-dest": "iframe"}),
    scope(method="GET", path="/", sec_fetch_site="cross-site", sec_fetch_mode="no-cors", sec_fetch_dest="image"),
    # pages of other ports and schemes of this machine
    scope(origin="http://127.0.0.1:8000", sec_fetch_site="same-site", **CALL),
    scope(origin="http://localhost:8000"),
    scope("192.168.1.5:4200", origin="http://192.168.1.5:8000"),
    scope(origin="http://127.0.0.1:8000", kind="websocket"),
    scope(origin="http://127.0.0.1"),
    scope(origin="file://"),
    scope(method="GET", sec_fetch_site="same-site", **CALL),
]

MAY = admitted(own_origins("127.0.0.1", 4200, "https://scan.example/api"))


@pytest.mark.parametrize("asked", ANSWERED)
def test_own_pages_and_programs_are_answered(asked: Scope) -> None:
    assert trouble_with(asked, MAY) is None


@pytest.mark.parametrize("asked", REFUSED)
def test_other_pages_are_not(asked: Scope) -> None:
    trouble = trouble_with(asked, MAY)
    assert trouble is not None
    assert trouble.vietnamese


def test_the_ui_has_the_addresses_that_people_open() -> None:
    assert own_origins("0.0.0.0", 80) == ["http://127.0.0.1:80", "http://localhost:80", "http://[::1]:80"]
    assert own_origins("::", 80) == own_origins("0.0.0.0", 80)
    assert "http://scan-server:4200" in own_origins("scan-server", 4200)
    assert "http://[fd00::1]:4200" in own_origins("fd00::1", 4200)
    assert own_origins("127.0.0.1", 1, "", "no url", "http://[broken", "HTTPS://Scan.Example/a/api")[3:] == [
        "https://scan.example"
    ]


def test_whoever_admits_all_pages_admits_no_other_name() -> None:
    may = admitted(["*"])
    assert trouble_with(scope(origin="http://other.example"), may) is None
    assert trouble_with(scope("evil.example"), may) is not None


def asked_of_guard(request: Scope) -> list[Message]:
    """What the guard of a server answers that says yes to everything."""
    sent: list[Message] = []

    async def server(scope: Scope, receive: Receive, send: Send) -> None:
        start = {"type": "http.response.start", "status": 200, "headers": [(b"X-Frame-Options", b"ALLOWALL")]}
        await send(start if scope["type"] == "http" else {"type": "websocket.accept"})

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(guarded(server, MAY)(request, receive, send))
    return sent


@pytest.mark.parametrize(("request_", "status"), [(ANSWERED[0], 200), (REFUSED[0], 403)])
def test_no_answer_may_be_framed(request_: Scope, status: int) -> None:
    begun: dict[str, Any] = dict(asked_of_guard(request_)[0])
    assert begun["status"] == status
    assert [value for name, value in begun["headers"] if name.lower() == b"x-frame-options"] == [b"DENY"]
    assert {*HEADERS, b"content-security-policy"} <= {name for name, _ in begun["headers"]}


def test_our_pages_ask_no_other_machine() -> None:
    policy = dict(part.split(" ", 1) for part in content_policy(MAY).split("; "))
    assert policy["frame-ancestors"] == "'none'"
    assert policy["img-src"] == "'self' data: blob:"
    # What nothing else is said of, such as media and frames.
    assert policy["default-src"] == "'self'"
    assert not [part for part, places in policy.items() if part != "connect-src" and "//" in places]
    assert {"'self'", OWN, "ws://127.0.0.1:4200", "wss://scan.example"} <= set(policy["connect-src"].split())
    assert "*" not in policy["connect-src"]
    assert "connect-src 'self' *;" in content_policy(admitted(["*"]))


def test_what_a_refusal_says() -> None:
    _, body = asked_of_guard(REFUSED[0])
    assert "evil.example" in body["body"].decode()
    assert "PREFECT_SERVER_UI_API_URL" in body["body"].decode()


def test_a_web_socket_is_refused_before_it_is_open() -> None:
    assert [message["type"] for message in asked_of_guard(scope(kind="websocket", origin="http://evil.example"))] == [
        "websocket.close"
    ]
    assert [message["type"] for message in asked_of_guard(scope(kind="websocket"))] == ["websocket.accept"]
