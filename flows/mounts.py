"""Network shares that are not there: an inbox whose share is not mounted is an empty folder of the local disk.

A file put back into that folder would be out of sight once the share is mounted again, a text published there as
well. So the service writes down on which mount each folder of its own lies, and waits while one is missing.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

from flows import publish
from flows.settings import Folders

_OCTAL = re.compile(rb"\\([0-7]{3})")


def mount_points() -> set[Path]:
    """Where anything is mounted, another folder of the same disk included."""
    lines = Path("/proc/self/mountinfo").read_bytes().splitlines()
    # Blanks and the like stand as octal numbers there.
    return {Path(os.fsdecode(_OCTAL.sub(lambda code: bytes([int(code[1], 8)]), line.split()[4]))) for line in lines}


def mount_of(path: Path) -> Path:
    """The mount point that ``path``, which need not exist, lies on."""
    path, points = path.resolve(), mount_points()
    while path not in points and path != path.parent:
        path = path.parent
    return path


def note_mounts(folders: Folders) -> None:
    """Write down on which mounts the folders lie, as far as that is not where working/ lies.

    Raises:
        OSError: it cannot be written.
    """
    ours = mount_of(folders.working)
    known = {str(folder): str(mount) for folder in _folders(folders) if (mount := mount_of(folder)) != ours}
    if known != _known(folders):
        publish.replace_file(_record(folders), json.dumps(known).encode())


def missing_mount(folders: Folders) -> str | None:
    """One sentence about a folder whose mount is not there, if there is one."""
    known, points = _known(folders), mount_points()
    for folder in _folders(folders):
        mount = Path(known.get(str(folder), "/"))
        # A folder that is a link may lead elsewhere by now, on purpose.
        if mount not in points and folder.resolve().is_relative_to(mount):
            return (
                f"{mount}, where {folder} lies, is not mounted; mount it "
                f"(or remove {_record(folders)} if it will not come back)"
            )
    return None


def _folders(folders: Folders) -> tuple[Path, ...]:
    return folders.inbox, folders.published, folders.originals, folders.quarantine, folders.versions


def _record(folders: Folders) -> Path:
    return folders.working / ".mounts.json"


def _known(folders: Folders) -> dict[str, str]:
    """Folder -> mount, as written down."""
    try:
        return {str(folder): str(mount) for folder, mount in json.loads(_record(folders).read_text()).items()}
    except (OSError, ValueError, AttributeError):
        return {}
