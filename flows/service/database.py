"""Where the Prefect server that nambat starts keeps what it knows of runs: an SQLite file, or PostgreSQL.

``python -m flows.service.database`` connects as the server would and says in JSON what is there. It is a process of its
own, as what this imports is of no use to a service that rests.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from flows.language import _
from flows.service.prefect_server import ServerTrouble, server_environment
from flows.settings import Settings

OLDEST = 140009
"""The oldest PostgreSQL that Prefect works with, as that counts its versions: 14.9."""

_NAMED = re.compile(r"PREFECT_(SERVER|API)_DATABASE_(CONNECTION_URL|DRIVER|HOST|PORT|USER|NAME|PASSWORD)")
"""Environment variables that say where the database is; the later ones are parts of an address."""

ANSWERS_WITHIN = 60.0
"""Seconds that looking may take, of which Python takes some to begin."""


def find_database(settings: Settings) -> str:
    """What is there, for people: never a password.

    Raises:
        ServerTrouble: it cannot be used.
    """
    environment = server_environment(settings.folders, settings.host, settings.port)
    if not any(_NAMED.fullmatch(name) and value for name, value in environment.items()):
        return _told_of_file(Path(environment["PREFECT_HOME"], "prefect.db"))
    command = [sys.executable, "-P", "-m", "flows.service.database"]
    try:
        done = subprocess.run(command, capture_output=True, env=environment, timeout=ANSWERS_WITHIN)
        found: dict[str, str | int] = json.loads(done.stdout)
    except (OSError, subprocess.TimeoutExpired, ValueError) as fault:
        raise ServerTrouble(_unusable(_("the database"), type(fault).__name__)) from fault
    if "file" in found:
        return _told_of_file(Path(str(found["file"])))
    place = _("PostgreSQL, database {name} at {host}:{port}").format(**found)
    if "trouble" in found:
        raise ServerTrouble(_unusable(place, str(found["trouble"])))
    if int(found["number"]) < OLDEST:
        said = _("{place} is of version {version}; Prefect needs 14.9 or newer")
        raise ServerTrouble(said.format(place=place, version=found["version"]))
    return _("{place}, version {version}").format(place=place, version=found["version"])


def _unusable(place: str, why: str) -> str:
    said = _("{place} cannot be used ({why}); start it, or check PREFECT_SERVER_DATABASE_CONNECTION_URL")
    return said.format(place=place, why=why)


def _told_of_file(path: Path) -> str:
    try:
        return _("SQLite, {path}, {megabytes:.1f} MB").format(path=path, megabytes=path.stat().st_size / 1e6)
    except OSError:
        return _("SQLite, {path}, which will be made").format(path=path)


def look(environment: Mapping[str, str]) -> dict[str, str | int]:
    """Connect to the database that Prefect's settings name.

    Returns:
        ``file`` for SQLite; else ``host``, ``port``, ``name``, and ``version`` and ``number`` or ``trouble``.
    """
    from prefect.settings import get_current_settings
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    named = get_current_settings().server.database.connection_url
    try:
        url = make_url(named.get_secret_value() if named else "")
    except ArgumentError:
        return {"host": "?", "port": "?", "name": "?", "trouble": "no address of a database"}
    if url.get_backend_name() == "sqlite":
        return {"file": url.database or ":memory:"}
    found: dict[str, str | int] = {"host": url.host or "?", "port": url.port or 5432, "name": url.database or "?"}
    try:
        return {**found, **asyncio.run(_ask(url.render_as_string(hide_password=False)))}
    except Exception as fault:
        # Behind the names of classes that SQLAlchemy puts before it.
        why = re.sub(r"^\([\w.]+\) (<class '[\w.]+'>: )?", "", next(iter(str(fault).splitlines()), ""))
        why = why or type(fault).__name__
        secret = url.password or environment.get("PREFECT_SERVER_DATABASE_PASSWORD") or ""
        return {**found, "trouble": why.replace(secret, "***") if secret else why}


async def _ask(url: str) -> dict[str, str | int]:
    """The server's version, for people and as a number.

    Raises:
        Exception: it cannot be connected to.
    """
    from prefect.server.database.configurations import AsyncPostgresConfiguration
    from sqlalchemy import text

    # As Prefect connects, with its settings for TLS and for time.
    engine = await AsyncPostgresConfiguration(url, connection_timeout=10).engine()
    async with engine.connect() as connection:
        version = (await connection.execute(text("SHOW server_version"))).scalar_one()
        number = (await connection.execute(text("SHOW server_version_num"))).scalar_one()
    return {"version": str(version).split()[0], "number": int(number)}


if __name__ == "__main__":
    print(json.dumps(look(os.environ)))
