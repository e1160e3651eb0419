"""Network shares that are not there: an inbox whose share is not mounted is an empty folder of the local disk.

A file put back into that folder would be out of sight once the share is mounted again, a text published there as
well. So the service writes down on which mount each folder of its own lies, and waits while one is missing.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from flows import publish
from flows.settings import Folders


def mount_of(path: Path) -> Path:
    """The mount point that ``path``, which need not exist, lies on."""
    path = path.resolve()
    while not os.path.ismount(path):  # noqa: PTH - Path.is_mount() asks the same, but raises where it may not look
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
    known = _known(folders)
    for folder in _folders(folders):
        mount = known.get(str(folder))
        if mount is not None and not os.path.ismount(mount):  # noqa: PTH
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
