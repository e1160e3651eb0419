"""Who may ask for a page, and what a page may do.

Which names and other pages are answered is the business of :mod:`flows.service.guard`, as for the Prefect server. Here
is what the review page adds: a content policy without inline scripts or styles, the password, and the token without
which nothing is changed.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import getpass
import hmac
import os
import secrets
from http import HTTPStatus

from starlette.requests import Request

from flows.language import N_, _
from flows.service.guard import Application, Receive, Scope, Send

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
"""Of every page: only what this server gives is loaded, and no script or style that stands in a page."""

TOKEN_HEADER = "x-nambat-token"

ASKS_FOR_PASSWORD = N_("This page asks for a name and a password.")


def new_token() -> str:
    """What the pages of this process show when they change something; no other page can read it."""
    return secrets.token_urlsafe(32)


def is_ours(given: str, token: str) -> bool:
    """Whether a request bears the token."""
    return hmac.compare_digest(given.encode(), token.encode())


def who_asks(request: Request) -> str:
    """Who changes something: the name that was given with the password, else the user who runs this."""
    name = _given(request.scope).decode("utf-8", "replace").partition(":")[0]
    with contextlib.suppress(KeyError, OSError):
        return name or getpass.getuser()
    return str(os.getuid())


def with_password(application: Application, secret: str) -> Application:
    """``application``, which answers those who know the password.

    Args:
        secret: ``user:password``, as Prefect wants it; empty where no password is asked for.
    """
    if not secret.strip(":"):
        return application
    wanted = secret.encode()

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or hmac.compare_digest(_given(scope), wanted):
            return await application(scope, receive, send)
        told = (_(ASKS_FOR_PASSWORD) + "\n").encode()
        headers = [
            (b"www-authenticate", b'Basic realm="nambat", charset="UTF-8"'),
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"content-length", str(len(told)).encode()),
            (b"cache-control", b"no-store"),
        ]
        await send({"type": "http.response.start", "status": HTTPStatus.UNAUTHORIZED, "headers": headers})
        return await send({"type": "http.response.body", "body": told})

    return answer


def _given(scope: Scope) -> bytes:
    """``user:password`` of a request; nothing where it has none."""
    told = [value for name, value in scope["headers"] if name.lower() == b"authorization"]
    kind, _blank, coded = (told[0] if len(told) == 1 else b"").partition(b" ")
    if kind.lower() != b"basic":
        return b""
    try:
        return base64.b64decode(coded.strip(), validate=True)
    except binascii.Error:
        return b""
