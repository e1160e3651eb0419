"""A path that a person gives in the UI's form: which files may be read so, and how one comes into working/.

Below the home, and below each folder of ``NAMBAT_READ_ROOTS``. A scan of originals/ is read again; a copy of any other
file is read, and the file stays where it is. No link is followed below these folders.
"""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

from flows import faults
from flows.host.modes import PRIVATE
from flows.host.moves import Gone, open_regular, opened_folder
from flows.host.names import readable
from flows.intake import reread, transfers
from flows.intake.claims import Claim, ClaimStore
from flows.settings import Settings


def take_given(store: ClaimStore, given: str, owner: str, flow_run: str) -> Claim:
    """Claim the file that a path names, for a run.

    Args:
        given: from / or from the home's folder.

    Raises:
        PathRefused: it names no file that may be read so.
        TooLarge: it is larger than the settings allow.
        Gone: it is gone.
        OSError: it cannot be read or copied.
    """
    folders = store.folders
    if "\0" in given:
        raise faults.PATH_NO_FILE.fault(path=readable(given))
    path = Path(os.path.normpath(folders.home / given.strip()))
    if path.is_relative_to(folders.originals):
        return reread.take_original(store, reread.find_original(store, os.fspath(path)), owner, flow_run=flow_run)
    root = root_of(store.settings, path)
    below = os.fspath(path.relative_to(root))
    # What lies outside is published below a folder of its own, so that it does not meet what came by the inbox.
    name = os.fspath(PurePosixPath(name_of_root(store.settings, root), below))
    try:
        with (
            opened_folder(root, below) as handle,
            os.fdopen(open_regular(PurePosixPath(below).name, handle), "rb") as file,
        ):
            size, most = os.fstat(file.fileno()).st_size, store.settings.max_bytes
            if size > most:
                raise faults.FILE_TOO_LARGE.fault(megabytes=size / 1e6, most=most / 1e6)
            return transfers.copy_in(store, file, name, owner, flow_run)
    except (Gone, FileNotFoundError, NotADirectoryError) as fault:
        raise faults.PATH_NO_FILE.fault(path=readable(path)) from fault


def root_of(settings: Settings, path: Path) -> Path:
    """The folder below which a path that a person gives may be read: the home or one of ``NAMBAT_READ_ROOTS``.

    Raises:
        PathRefused: it lies below none of them, or in a folder of ours.
    """
    folders = settings.folders
    for folder in (folders.inbox, folders.published, *(folders.home / name for name in PRIVATE)):
        if path.is_relative_to(folder):
            raise faults.PATH_OF_OURS.fault(path=readable(path), folder=readable(folder.name))
    root = next((root for root in (folders.home, *settings.read_roots) if path.is_relative_to(root)), None)
    if root is None:
        raise faults.PATH_OUTSIDE.fault(path=readable(path), home=readable(folders.home))
    return root


def name_of_root(settings: Settings, root: Path) -> str:
    """The folder below which is published what lies in a root; empty for the home, whose names are as they are.

    It is the root's own name, with those of folders above it where another root is called so: ``1.pdf`` of one is not
    taken for a new scan of ``1.pdf`` of the other.

    Args:
        root: as :func:`root_of` gives it.
    """
    if root == settings.folders.home:
        return ""
    others = [other.parts for other in settings.read_roots if other != root]
    parts = root.parts[1:]
    sizes = range(1, len(parts) + 1)
    size = next((size for size in sizes if all(other[-size:] != parts[-size:] for other in others)), len(parts))
    return "/".join(parts[-size:])
