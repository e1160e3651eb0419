"""``nambat doctor``: is everything there that nambat needs?"""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from flows.host import heartbeat
from flows.host.modes import seen_by_others
from flows.host.mounts import missing_mount
from flows.host.programs import PACKAGES, find_programs
from flows.service.prefect_server import is_healthy, is_taken
from flows.service.record import read_service
from flows.settings import Settings


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Attributes:
        found: what it is like; for a bad one, what to do.
        is_program: whether a program or language file is missing (exit status 3).
    """

    what: str
    ok: bool
    found: str
    is_program: bool = False


def checks(settings: Settings) -> Iterator[Check]:
    """Everything nambat needs, one by one."""
    yield from _programs()
    yield from _folders(settings)
    yield _prefect()
    yield _server(settings)


def _first_line(*command: str) -> str:
    """The first line a program prints, or nothing if it cannot be run."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    lines = (done.stdout or done.stderr).splitlines()
    return lines[0] if lines else ""


def _programs() -> Iterator[Check]:
    programs = find_programs()
    for name, place in programs.places.items():
        if place is None:
            yield Check(name, False, f"not installed; install it with: apt-get install {PACKAGES[name]}", True)
        else:
            version = _first_line(name, "--version" if name == "tesseract" else "-v")
            yield Check(name, True, f"{version} ({place})")
    if programs.reads_vietnamese:
        yield Check("Vietnamese data", True, "vie")
    elif programs.has_tesseract and programs.reads_vietnamese is None:
        yield Check("Vietnamese data", False, "tesseract was killed when it was asked; try again")
    elif programs.has_tesseract:
        yield Check("Vietnamese data", False, "no vie; install it with: apt-get install tesseract-ocr-vie", True)


def _folders(settings: Settings) -> Iterator[Check]:
    folders = settings.folders
    for name in ("inbox", "working", "published", "originals", "quarantine"):
        folder: Path = getattr(folders, name)
        if not folder.exists():
            yield Check(name, True, f"{folder} (will be made by `nambat serve`)")
        elif not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
            yield Check(name, False, f"{folder} cannot be written to; check its owner and permissions")
        elif name == "inbox" and (away := missing_mount(folders)):
            yield Check(name, False, str(away))
        else:
            apart = folders.working.exists() and folder.stat().st_dev != folders.working.stat().st_dev
            free = shutil.disk_usage(folder).free / 1e9
            note = ", on another file system: files are copied there, which is slower" if apart else ""
            yield Check(name, free > 0.5, f"{folder}, {free:.1f} GB free{note}")
    if seen := seen_by_others(folders):
        names = ", ".join(folder.name for folder in seen)
        yield Check(
            "privacy", False, f"others on this machine can see {names}; `nambat serve` closes them when it starts"
        )


def _prefect() -> Check:
    found = importlib.metadata.version("prefect")
    fastapi = importlib.metadata.version("fastapi")
    # What was tried; with others, the server did not start or its own command line failed.
    ok = found.startswith("3.9.") and tuple(int(part) for part in fastapi.split(".")[:2]) < (0, 151)
    advice = "" if ok else "; nambat was tried with Prefect 3.9 and FastAPI before 0.151: install requirements.lock"
    return Check("Prefect", ok, f"{found} with FastAPI {fastapi}{advice}")


def _server(settings: Settings) -> Check:
    given = os.environ.get("PREFECT_API_URL")
    if given:
        ok = is_healthy(given)
        return Check("Prefect server", ok, given if ok else f"{given} (PREFECT_API_URL) does not answer; start it")
    service = read_service(settings.folders)
    if heartbeat.pid_of(settings.folders, service.get("owner", "")) is not None:
        ok = is_healthy(service["api"])
        return Check("Prefect server", ok, service["api"] + ("" if ok else " does not answer; restart `nambat serve`"))
    if is_taken(settings.host, settings.port):
        return Check(
            "Prefect server", False, f"port {settings.port} is used by another program; set NAMBAT_PORT to a free one"
        )
    return Check("Prefect server", True, f"not running; `nambat serve` will start it on port {settings.port}")
