"""Saving all files of a document at once: whatever kills the process, it is the old document or the new one.

The new files are written to a hidden folder below that of all that is published and flushed to disk. Renaming this
folder is the moment of saving: before it nothing is saved, after it everything is, for whoever comes next and finds it
puts the files in place (:func:`finish_saves`). Then each file is renamed to its place, the JSON last.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from flows import faults
from flows.host.files import hand_on, make_folder, sync_folder, write_synced
from flows.host.locks import locked
from flows.host.moves import below, is_file
from flows.host.names import readable
from flows.pipeline import publish
from flows.pipeline.versions import Shelf, set_aside

HOME = ".nambat-saves"
"""Where saves and their locks lie, below the folder of all that is published."""

_NEW, _SAVED = ".new", ".saved"
_PLAN = "plan.json"
_LOCKS = 64
"""Documents share so many locks: one each would leave a file each."""


@contextlib.contextmanager
def document_lock(root: Path, record: Path) -> Iterator[None]:
    """Hold the lock under which a document is read, changed and saved; documents under one name share it.

    Args:
        record: its published JSON.

    Raises:
        Passing: a link lies in the way.
        OSError: nothing can be written there.
    """
    _make_home(root)
    with locked(_lock(root, _number(root, record))):
        yield


@contextlib.contextmanager
def lock_if_saved_here(root: Path, record: Path) -> Iterator[None]:
    """The same where somebody has ever saved a document below ``root``; else nothing, and no file is made."""
    if (root / HOME).is_dir():
        with document_lock(root, record):
            yield
    else:
        yield


def save(files: Mapping[Path, bytes], shelf: Shelf, record: Path, check: Callable[[], None]) -> None:
    """Put the files of a document in place, all or none. The caller holds the document's lock.

    Args:
        files: target -> content, the JSON last.
        record: the document's JSON.
        check: called when all is written and nothing is saved yet; what it raises ends the saving.

    Raises:
        Passing: a link or a folder lies in the way.
        OSError: nothing was saved; or all is saved, and :func:`finish_saves` has yet to put it in place.
    """
    name = f"{_number(shelf.root, record):02}-{secrets.token_hex(8)}"
    folder = shelf.root / HOME / f"{name}{_NEW}"
    make_folder(folder)
    try:
        plan = []
        for number, (target, content) in enumerate(files.items()):
            write_synced(folder / str(number), content)
            hand_on(folder / str(number), target.parent)
            lies = publish.read_published(shelf.root, target)
            plan.append(
                {
                    "target": os.fspath(target.relative_to(shelf.root)),
                    "sha256": _hash(content),
                    "was": None if lies is None else _hash(lies),
                }
            )
        write_synced(folder / _PLAN, json.dumps(plan).encode())
        sync_folder(folder)
        check()
        saved = folder.with_suffix(_SAVED)
        folder.rename(saved)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    sync_folder(saved.parent)
    _put_in_place(saved, shelf)


def finish_saves(shelf: Shelf, record: Path | None = None) -> int:
    """Put in place what was saved by processes that died then, and remove what they did not save.

    Args:
        record: only for documents that share the lock of this one, which the caller holds; all if it is ``None``.

    Returns:
        How many saves were finished.

    Raises:
        Passing, OSError: one cannot be; the others wait, too.
    """
    home = shelf.root / HOME
    if home.is_symlink() or not home.is_dir():
        return 0
    own = None if record is None else _number(shelf.root, record)
    done = 0
    for folder in sorted(one for one in home.iterdir() if one.suffix in (_NEW, _SAVED)):
        number = folder.name.partition("-")[0]
        if not number.isdecimal() or int(number) >= _LOCKS or own not in (None, int(number)):
            continue
        with contextlib.nullcontext() if own is not None else locked(_lock(shelf.root, int(number))):
            done += _finish(folder, shelf)
    return done


def _finish(folder: Path, shelf: Shelf) -> int:
    if folder.is_symlink() or not folder.is_dir():  # another process has finished it meanwhile
        return 0
    if folder.suffix == _NEW:
        shutil.rmtree(folder, ignore_errors=True)
        return 0
    _put_in_place(folder, shelf)
    return 1


def _put_in_place(folder: Path, shelf: Shelf) -> None:
    """Rename the files of a save to their places, those that are not there yet; then remove its folder."""
    for number, one in enumerate(json.loads((folder / _PLAN).read_bytes())):
        waiting = folder / str(number)
        if not is_file(waiting):
            continue
        target = below(shelf.root, one["target"])
        lies = publish.read_published(shelf.root, target)
        if lies is not None and _hash(lies) not in (one["was"], one["sha256"]):
            set_aside([{target.suffix.removeprefix("."): target}], shelf)  # somebody changed it after the process died
        publish.put(waiting, target, shelf.root)
    done = folder.with_suffix(_NEW)  # from here on nothing of it is needed, however little is removed
    folder.rename(done)
    sync_folder(folder.parent)
    shutil.rmtree(done, ignore_errors=True)


def _make_home(root: Path) -> None:
    home = root / HOME
    if home.is_symlink():
        raise faults.IN_THE_WAY.fault(what=readable(home))
    make_folder(home / "locks")


def _lock(root: Path, number: int) -> Path:
    return root / HOME / "locks" / f"{number:02}"


def _number(root: Path, record: Path) -> int:
    """Which lock a document has: the same for all that is published under the name of a scan, parts and strangers."""
    stem = publish.STRANGER_END.sub("", publish.PART_END.sub("", record.name.removesuffix(".json")))
    place = record.relative_to(root).with_name(publish.STRANGER_END.sub("", stem))
    return hashlib.sha256(os.fsencode(place)).digest()[0] % _LOCKS


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
