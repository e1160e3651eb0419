"""A storage that is a folder: of this machine, or on a share of several.

Objects are put in place by rename, as files. Who compares before he replaces holds a lock file meanwhile; people and
other programs do not, so theirs are told by their times. There are many lock files, and an object's name says which is
its: behind a single one each write of a lease on any machine would wait for all others to reach the disk.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import secrets
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from flows.batch.storage import OURS, Changed, Closed, Desk, Stored, check_name, ignore
from flows.host.files import try_writing
from flows.host.locks import locked
from flows.host.mounts import staging_folder
from flows.host.moves import Gone, copy_whole, open_regular, opened_folder, rename_to_free

_NOT_THERE = (FileNotFoundError, NotADirectoryError, Gone)


@dataclass(frozen=True, slots=True)
class FolderStorage:
    """Objects that are files below a folder; no link below it is followed.

    Attributes:
        root: the folder.
        places: folders that lie elsewhere, by the first part of the names of what is in them.
    """

    root: Path
    places: Mapping[str, Path] = field(default_factory=dict)

    def list(self, prefix: str = "", closed: Closed = ignore) -> Iterator[Stored]:
        if not self.root.is_dir():
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), os.fspath(self.root))
        yield from self._walk(prefix.rpartition("/")[0], prefix, closed)

    def _walk(self, folder: str, prefix: str, closed: Closed) -> Iterator[Stored]:
        """What lies below a folder, in the order of the bytes of the whole names."""
        try:
            found = self._entries(folder)
        except _NOT_THERE:
            return
        except OSError as fault:
            closed(self._named(fault, folder))
            return
        for name in sorted(found, key=lambda name: os.fsencode(name) + b"/" * found[name]):
            whole = f"{folder}/{name}" if folder else name
            if name.startswith(OURS) or not whole.startswith(prefix):
                continue
            if found[name]:
                yield from self._walk(whole, prefix, closed)
            elif one := self._listed(whole, closed):
                yield one

    def _listed(self, name: str, closed: Closed) -> Stored | None:
        try:
            return self.look(name)
        except OSError as fault:
            closed(self._named(fault, name))
            return None

    def _named(self, fault: OSError, name: str) -> OSError:
        """A fault with the whole path of what it is about: the kernel was told the last part of it, or a number."""
        return OSError(fault.errno, fault.strerror, os.fspath(self._path(name)))

    def _entries(self, folder: str) -> dict[str, bool]:
        """What lies in a folder, and whether it is one; what is neither file nor folder is left out."""
        below = f"{folder}/{OURS}" if folder else OURS
        with self._folder_of(below) as handle, os.scandir(handle) as entries:
            found = {
                entry.name: entry.is_dir(follow_symlinks=False)
                for entry in entries
                if entry.is_dir(follow_symlinks=False) or entry.is_file(follow_symlinks=False)
            }
        return found if folder else found | dict.fromkeys(self.places, True)

    def look(self, name: str) -> Stored | None:
        try:
            with self._opened(check_name(name)) as handle:
                return _stored(name, os.fstat(handle))
        except _NOT_THERE:
            return None
        except PermissionError:
            return self._look_without_rights(name)

    def _look_without_rights(self, name: str) -> Stored | None:
        """A file that lies there but that this user may not read: who wants to read it is told so."""
        with contextlib.suppress(*_NOT_THERE), self._folder_of(name) as folder:
            status = os.stat(PurePosixPath(name).name, dir_fd=folder, follow_symlinks=False)
            if stat.S_ISREG(status.st_mode):
                return _stored(name, status)
        return None

    def read(self, name: str) -> tuple[bytes, str]:
        with _as_missing(name), self._opened(check_name(name)) as handle, os.fdopen(os.dup(handle), "rb") as file:
            return file.read(), _tag(os.fstat(handle))

    def fetch(self, name: str, to: Path) -> Stored:
        with _as_missing(name), self._opened(check_name(name)) as handle:
            found = _stored(name, os.fstat(handle))
            with os.fdopen(os.dup(handle), "rb") as file, to.open("xb") as copy:
                while part := file.read(1 << 20):
                    copy.write(part)
            os.utime(to, (found.modified, found.modified))
            return found

    def local(self, name: str) -> Path | None:
        return self._path(check_name(name))

    def put(self, name: str, data: bytes) -> str:
        with self._lock(name):
            return self._put(name, data)

    def put_new(self, name: str, data: bytes) -> str:
        with self._lock(name):
            return self._put(name, data, is_new=True)

    def put_if(self, name: str, data: bytes, tag: str) -> str:
        with self._lock(name):
            self._check(name, tag)
            return self._put(name, data)

    def copy(self, name: str, to: str, tag: str) -> None:
        with self._lock(name, to), _as_changed(name), self._folder_of(check_name(to), make=True) as folder:
            self._check(name, tag)
            beside, target = f"{OURS}{secrets.token_hex(8)}", PurePosixPath(to).name
            try:
                copy_whole(self._path(name), self._path(to).with_name(beside), folder)
                os.replace(beside, target, src_dir_fd=folder, dst_dir_fd=folder)
                _sync(folder)
            finally:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(beside, dir_fd=folder)

    def delete(self, name: str, tag: str = "") -> None:
        with self._lock(name), contextlib.suppress(*_NOT_THERE), self._folder_of(check_name(name)) as folder:
            found = self.look(name)
            if tag and found is not None and found.tag != tag:
                raise Changed(name)
            os.unlink(PurePosixPath(name).name, dir_fd=folder)
            _sync(folder)

    def clock(self) -> float:
        return try_writing(self._lock_folder())

    @contextlib.contextmanager
    def desk(self, name: str, work: Path) -> Iterator[Desk]:
        published = self._path("published")  # as all else that publishes here, under its locks
        yield Desk(published, self._path("versions"), staging_folder(work, published))

    def _path(self, name: str) -> Path:
        first, _slash, rest = name.partition("/")
        return self.places.get(first, self.root / first) / rest

    def _folder_of(self, name: str, *, make: bool = False) -> contextlib.AbstractContextManager[int]:
        """The opened folder that holds an object, reached over no link."""
        first, _slash, rest = name.partition("/")
        if first in self.places:
            return opened_folder(self.places[first], rest, make=make)
        return opened_folder(self.root, name, make=make)

    @contextlib.contextmanager
    def _opened(self, name: str) -> Iterator[int]:
        with self._folder_of(name) as folder:
            handle = open_regular(PurePosixPath(name).name, folder)
        try:
            yield handle
        finally:
            os.close(handle)

    def _put(self, name: str, data: bytes, *, is_new: bool = False) -> str:
        beside, target = f"{OURS}{secrets.token_hex(8)}", PurePosixPath(name).name
        with self._folder_of(check_name(name), make=True) as folder:
            try:
                with open(beside, "xb", opener=lambda path, flags: os.open(path, flags, dir_fd=folder)) as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                    tag = _tag(os.fstat(file.fileno()))
                if is_new:
                    rename_to_free(Path(beside), Path(target), folder, folder)
                else:
                    os.replace(beside, target, src_dir_fd=folder, dst_dir_fd=folder)
            finally:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(beside, dir_fd=folder)
            _sync(folder)
        return tag

    def _check(self, name: str, tag: str) -> None:
        """Raises :class:`Changed` unless the object with this tag lies there."""
        found = self.look(name)
        if found is None or found.tag != tag:
            raise Changed(name)

    def _lock_folder(self) -> Path:
        """Our own folder of this storage: beside the claims of a home, or the root."""
        return self.places["claims"].parent if "claims" in self.places else self.root

    @contextlib.contextmanager
    def _lock(self, *names: str) -> Iterator[None]:
        """Hold the lock files of objects, in one order for all, so that no two wait for each other."""
        with contextlib.ExitStack() as stack:
            for place in sorted({self._lock_of(name) for name in names}):
                stack.enter_context(locked(place))
            yield

    def _lock_of(self, name: str) -> Path:
        """The lock file of an object; there are 256."""
        return self._lock_folder() / f"{OURS}lock-{hashlib.sha256(os.fsencode(name)).hexdigest()[:2]}"


def _stored(name: str, status: os.stat_result) -> Stored:
    return Stored(name, status.st_size, _tag(status), status.st_mtime)


def _tag(status: os.stat_result) -> str:
    return f"{status.st_size}-{status.st_mtime_ns}-{status.st_ino}"


def _sync(folder: int) -> None:
    with contextlib.suppress(OSError):  # some shares cannot
        os.fsync(folder)


@contextlib.contextmanager
def _as_missing(name: str) -> Iterator[None]:
    try:
        yield
    except _NOT_THERE as fault:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name) from fault


@contextlib.contextmanager
def _as_changed(name: str) -> Iterator[None]:
    try:
        yield
    except _NOT_THERE as fault:
        raise Changed(name) from fault
