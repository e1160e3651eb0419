"""``nambat doctor``: is everything there that nambat needs?"""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from flows.host import heartbeat
from flows.host.modes import number_of, seen_by_others
from flows.host.programs import PACKAGES, find_programs
from flows.intake.claims import ClaimStore
from flows.language import _
from flows.service.database import find_database
from flows.service.health import FOLDERS, Check, disk, look, server, try_folder
from flows.service.prefect_server import ServerTrouble, is_taken, password_trouble
from flows.service.record import read_service
from flows.settings import BadSetting, Settings


def checks(settings: Settings) -> Iterator[Check]:
    """Everything nambat needs, one by one; of a service that runs, how it is (:mod:`flows.service.health`)."""
    store = ClaimStore(settings)
    yield from _programs()
    yield _prefect()
    yield from _privacy(settings)
    owner = read_service(store.folders).get("owner", "")
    if heartbeat.is_alive(store.folders, owner, settings.claim_timeout):
        yield from look(store).checks
    else:
        yield from _folders(store)
        yield _server(settings)
    if not os.environ.get("PREFECT_API_URL"):
        yield _database(settings)


def _database(settings: Settings) -> Check:
    """Where the Prefect server that nambat starts keeps its runs."""
    try:
        return Check("database", True, find_database(settings))
    except ServerTrouble as fault:
        return Check("database", False, str(fault))


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
            yield Check(
                name,
                False,
                _("not installed; install it with: apt-get install {package}").format(package=PACKAGES[name]),
                True,
            )
        else:
            version = _first_line(name, "--version" if name == "tesseract" else "-v")
            yield Check(name, True, f"{version} ({place})")
    if programs.reads_vietnamese:
        yield Check("Vietnamese data", True, "vie")
    elif programs.has_tesseract and programs.reads_vietnamese is None:
        yield Check("Vietnamese data", False, _("tesseract was killed when it was asked; try again"))
    elif programs.has_tesseract:
        yield Check("Vietnamese data", False, _("no vie; install it with: apt-get install tesseract-ocr-vie"), True)


def _folders(store: ClaimStore) -> Iterator[Check]:
    """What a service that is to start needs of the folders: those that it would make are tried where it would."""
    folders = store.folders
    try:
        folders.check_apart()
    except BadSetting as fault:
        yield Check("folders", False, str(fault))
    for name in (*FOLDERS, "versions", "logs", "prefect"):
        folder: Path = getattr(folders, name, folders.home / name)
        if os.path.lexists(folder):
            yield try_folder(name, folder).check
        else:
            yield _can_be_made(name, folder)
    if folders.working.exists() and folders.published.exists():
        yield from disk(store)
        here = folders.working.stat().st_dev
        apart = [name for name in FOLDERS if (there := getattr(folders, name)).exists() and there.stat().st_dev != here]
        if apart:
            names = ", ".join(apart)
            yield Check(
                "file systems",
                True,
                _("not that of working: {names}; files are copied there, which is slower").format(names=names),
            )


def _can_be_made(name: str, folder: Path) -> Check:
    above = next(place for place in folder.parents if os.path.lexists(place))
    tried = try_folder(name, above).check
    if tried.ok:
        return Check(name, True, _("{folder} (will be made by `nambat serve`)").format(folder=folder))
    return Check(name, False, _("{folder} cannot be made: {why}").format(folder=folder, why=tried.found))


def _privacy(settings: Settings) -> Iterator[Check]:
    folders = settings.folders
    if seen := seen_by_others(folders):
        names = ", ".join(folder.name for folder in seen)
        said = _("others on this machine can see {names}; `nambat serve` closes them when it starts")
        yield Check("privacy", False, said.format(names=names))
    if settings.group:
        try:
            number_of(settings.group)
        except BadSetting as fault:
            yield Check("group", False, str(fault))
    if not os.environ.get("PREFECT_API_URL") and (trouble := password_trouble(settings.host, settings.no_password)):
        yield Check("password", False, trouble)


def _prefect() -> Check:
    found = importlib.metadata.version("prefect")
    fastapi = importlib.metadata.version("fastapi")
    # What was tried; with others, the server did not start or its own command line failed.
    ok = found.startswith("3.9.") and tuple(int(part) for part in fastapi.split(".")[:2]) < (0, 151)
    said = _("{prefect} with FastAPI {fastapi}")
    if not ok:
        said = _(
            "{prefect} with FastAPI {fastapi}; nambat was tried with Prefect 3.9 and FastAPI before 0.151: "
            "install requirements.lock"
        )
    return Check("Prefect", ok, said.format(prefect=found, fastapi=fastapi))


def _server(settings: Settings) -> Check:
    """What a service that is to start needs for its Prefect server."""
    if given := os.environ.get("PREFECT_API_URL"):
        return server(given)
    if is_taken(settings.host, settings.port):
        return Check(
            "server",
            False,
            _("port {port} is used by another program; set NAMBAT_PORT to a free one").format(port=settings.port),
        )
    return Check(
        "server", True, _("not running; `nambat serve` will start it on port {port}").format(port=settings.port)
    )
