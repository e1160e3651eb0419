"""A real PostgreSQL for tests, where Debian's or another is installed; it runs as a user who is not root."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.service import free_port

NAME, PASSWORD = "nambat", "bí mật"


def program(name: str) -> str | None:
    """Where a program of PostgreSQL is: Debian keeps those of the server out of the PATH."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda place: float(place.parent.name))
    return shutil.which(name, path=os.pathsep.join([*map(str, reversed(versions)), os.environ.get("PATH", "")]))


@contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """A server with an empty database; yields its address as Prefect wants it, with its password.

    Skips the test where PostgreSQL is not installed.
    """
    initdb, server = program("initdb"), program("pg_ctl")
    if initdb is None or server is None:
        pytest.skip("no PostgreSQL here: apt-get install postgresql")
    port = free_port()
    data, secret = folder / "data", folder / "secret"
    folder.mkdir()
    secret.write_text(PASSWORD)
    as_user: list[str] = []
    if os.geteuid() == 0:  # PostgreSQL does not run as root
        if not shutil.which("setpriv"):
            pytest.skip("no setpriv here, and PostgreSQL does not run as root")
        as_user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        for path in (folder, secret):
            os.chown(path, 65534, 65534)
        for above in folder.parents:
            if above.stat().st_uid == 0 and str(above).startswith(f"{folder.parents[-2]}{os.sep}"):
                above.chmod(above.stat().st_mode | 0o011)
    run = {"check": True, "capture_output": True, "cwd": folder, "env": {**os.environ, "LC_ALL": "C.UTF-8"}}
    how = ["-A", "scram-sha-256", "-U", NAME, f"--pwfile={secret}", "-E", "UTF8", "--no-sync"]
    subprocess.run([*as_user, initdb, "-D", data, *how], **run)  # type: ignore[call-overload]
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off"
    control = [*as_user, server, "-D", data, "-w", "-t", "60"]
    subprocess.run([*control, "-l", folder / "log", "-o", options, "start"], **{**run, "capture_output": False})  # type: ignore[call-overload]
    try:
        yield f"postgresql+asyncpg://{NAME}:b%C3%AD%20m%E1%BA%ADt@127.0.0.1:{port}/postgres"
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], check=False, capture_output=True)
