"""Which home this is: what its deployments are called on a Prefect server that several homes share."""

from __future__ import annotations

import json
import re
import secrets
from pathlib import Path

from flows.host.files import replace_file
from flows.host.names import dashed
from flows.settings import Folders

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*", re.ASCII)


def name_home(folders: Folders) -> tuple[str, bool]:
    """The home's name, made at its first start, and whether its folders were copied from a home that is still there.

    A home that is moved or renamed keeps its name, and so its deployments; a copy gets one of its own. Only a process
    that holds the service's lock may ask.

    Raises:
        OSError: the name cannot be read or written down.
    """
    here = str(folders.home.resolve())
    known = _read(folders.working)
    if known is not None and known[1] == here:
        return known[0], False
    is_copy = known is not None and _still_there(*known)
    if known is None or is_copy:
        # The folder's name tells people which home it is, the rest tells it from others of that name.
        name = f"{dashed(folders.home.name)[:40]}-{secrets.token_hex(4)}".strip("-")
    else:
        name = known[0]
    replace_file(_record(folders.working), json.dumps({"name": name, "folder": here}).encode())
    return name, is_copy


def read_name(folders: Folders) -> str:
    """The home's name, if a service has ever run on it; empty if not.

    Raises:
        OSError: it cannot be read now.
    """
    known = _read(folders.working)
    return known[0] if known else ""


def _still_there(name: str, folder: str) -> bool:
    """Whether the home of that name is where it was when it was started last."""
    try:
        known = _read(Path(folder) / "working")
    except OSError:
        return True  # who knows; a name of our own does no harm
    return known is not None and known[0] == name


def _read(working: Path) -> tuple[str, str] | None:
    """Name and folder as they were written down; ``None`` if that was never done, or is damaged.

    Raises:
        OSError: they cannot be read now.
    """
    try:
        record = json.loads(_record(working).read_bytes())
        name, folder = str(record["name"]), str(record["folder"])
    except (FileNotFoundError, NotADirectoryError, ValueError, KeyError, TypeError):
        return None
    return (name, folder) if _NAME.fullmatch(name) else None


def _record(working: Path) -> Path:
    return working / ".home.json"
