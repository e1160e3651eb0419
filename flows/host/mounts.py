"""Network shares that are not there: an inbox whose share is not mounted is an empty folder of the local disk.

A file put back into that folder would be out of sight once the share is mounted again, a text published there as
well. So the service writes down on which mount each folder of its own lies, and waits while one is missing.

A mount is missing only if the kernel says so. Its table (``/proc/self/mountinfo``) does not list the root folder of a
chroot or of some containers, and is not to be had without ``/proc``; then the borders between file systems tell what
is mounted, but for a folder of the same disk that is mounted elsewhere, of which nothing can be known.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

from flows import faults
from flows.faults import ShareAway
from flows.host.files import replace_file
from flows.settings import Folders

TABLE = Path("/proc/self/mountinfo")

_OCTAL = re.compile(rb"\\([0-7]{3})")


def mount_table() -> frozenset[Path] | None:
    """Where anything is mounted, another folder of the same disk included; ``None`` if the kernel does not tell."""
    try:
        lines = TABLE.read_bytes().splitlines()
        # Blanks and the like stand as octal numbers there.
        places = [_OCTAL.sub(lambda code: bytes([int(code[1], 8)]), line.split()[4]) for line in lines]
    except (OSError, IndexError):
        return None
    return frozenset(Path(os.fsdecode(place)) for place in places)


def is_mounted(place: Path, table: frozenset[Path] | None) -> bool:
    """Whether something is mounted at ``place``, as far as the kernel tells.

    Args:
        table: what :func:`mount_table` gave, which costs too much to ask for anew for each folder.
    """
    return place == place.parent or (table is not None and place in table) or os.path.ismount(place)


def mount_of(path: Path, table: frozenset[Path] | None = None) -> Path:
    """The mount point that ``path``, which need not exist, lies on."""
    path, table = path.resolve(), table or mount_table()
    return next(place for place in (path, *path.parents) if is_mounted(place, table))


def is_away(mount: Path) -> bool:
    """Whether nothing is mounted any more where a claim's file is held."""
    return not is_mounted(mount, mount_table())


def staging_folder(working: Path, published: Path) -> Path:
    """Where files are written before they are renamed into published/: on the same file system, out of sight.

    Raises:
        OSError: published/ cannot be made.
    """
    published.mkdir(parents=True, exist_ok=True)
    same = working.stat().st_dev == published.stat().st_dev
    # Another folder of the same disk may be mounted there, as containers do: no rename leads from here to it.
    table = mount_table()
    same = same and mount_of(working, table) == mount_of(published, table)
    return working / ".staging" if same else published / ".nambat-staging"


def note_mounts(folders: Folders) -> None:
    """Write down on which mounts the folders lie, as far as that is not where working/ lies.

    Raises:
        OSError: it cannot be written.
    """
    table = mount_table()
    ours = mount_of(folders.working, table)
    mounts = {folder: mount for folder in _folders(folders) if (mount := mount_of(folder, table)) != ours}
    known = {str(folder): {"mount": str(mount), "border": os.path.ismount(mount)} for folder, mount in mounts.items()}
    if known != _read_record(folders):
        replace_file(_record(folders), json.dumps(known).encode())


def missing_mount(folders: Folders) -> ShareAway | None:
    """The fault of a folder whose mount is not there, if there is one."""
    known, table = _read_record(folders), mount_table()
    for folder in _folders(folders):
        mount, is_border = _noted(known.get(str(folder)))
        told = table is not None or is_border
        # A folder that is a link may lead elsewhere by now, on purpose.
        if told and not is_mounted(mount, table) and folder.resolve().is_relative_to(mount):
            return faults.SHARE_AWAY.fault(mount=mount, folder=folder, record=_record(folders))
    return None


def _folders(folders: Folders) -> tuple[Path, ...]:
    kept = folders.originals, folders.quarantine, folders.versions, folders.dismissed
    return folders.inbox, folders.published, *kept


def _record(folders: Folders) -> Path:
    return folders.working / ".mounts.json"


def _read_record(folders: Folders) -> dict[str, Any]:
    try:
        known = json.loads(_record(folders).read_text())
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _noted(entry: Any) -> tuple[Path, bool]:
    """A folder's mount as written down, and whether it is a file system of its own; ``/`` if nothing was."""
    match entry:
        case {"mount": str(mount), "border": bool(is_border)}:
            return Path(mount), is_border
        case str(mount):  # as versions before 0.2 wrote it
            return Path(mount), True
        case _:
            return Path("/"), True
