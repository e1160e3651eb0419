"""Moving a file from one folder of the service to the next: a crash at any step loses nothing, nothing is replaced.

Within a file system a move is one rename. Between two (the inbox on a network share, a folder with a mount of its
own) the file is copied to a hidden name beside its goal and flushed to disk; only then the first one is removed and
the copy gets its name. The hidden name ends in ``.part`` until the copy is whole, so that whoever finds it after a
crash knows what it is worth.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import functools
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from flows.host.files import hand_on_opened, make_folder, sync_folder
from flows.host.names import NAME_BYTES, PATH_BYTES, fitted, readable

PART = ".part"
"""How the name of a copy in the making ends."""


class Gone(Exception):
    """The file or claim is not there any more: someone else took it, moved it or handed it back."""


def below(root: Path, name: str) -> Path:
    """``root / name``, which must lie below ``root``: no absolute names, no ``..``.

    Raises:
        Gone: it would not.
    """
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or ".." in parts:
        raise Gone(f"{readable(name)} is no name below {root}")
    return root.joinpath(*parts)


def below_without_links(root: Path, name: str) -> Path:
    """The same, and none of the folders on the way is a link: in the inbox, people can put links.

    Raises:
        Gone: one is.
    """
    place = below(root, name)
    try:
        found = place.parent.resolve()
    except RuntimeError as fault:  # links in a circle
        raise Gone(f"{readable(name)} lies behind a link") from fault
    if found != root.resolve().joinpath(*place.relative_to(root).parts[:-1]):
        raise Gone(f"{readable(name)} lies behind a link")
    return place


@contextlib.contextmanager
def opened_folder(root: Path, name: str, *, make: bool = False) -> Iterator[int]:
    """The folder that holds ``root / name``, opened without following a link, not even one that is put there now.

    Args:
        make: whether folders that are missing are made.

    Raises:
        Gone: a link or no folder lies on the way.
        OSError: a folder cannot be opened or made.
    """
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
    if make:
        make_folder(root)
    handle = os.open(root, flags)
    try:
        for part in below(root, name).relative_to(root).parts[:-1]:
            is_new = make and _make_in(handle, part)
            try:
                inner = os.open(part, flags | os.O_NOFOLLOW, dir_fd=handle)
            except (FileNotFoundError, NotADirectoryError) as fault:
                raise Gone(f"{readable(name)} is gone, or lies behind a link") from fault
            if is_new:
                hand_on_opened(inner, handle)
            os.close(handle)
            handle = inner
        yield handle
    finally:
        os.close(handle)


def _make_in(folder: int, name: str) -> bool:
    """Make a folder, unless something of that name is there; whether it was made."""
    try:
        os.mkdir(name, dir_fd=folder)
    except FileExistsError:
        return False
    with contextlib.suppress(OSError):  # some shares cannot
        os.fsync(folder)
    return True


def open_regular(path: str | Path, folder: int | None = None) -> int:
    """A handle on a regular file. Whatever else lies there now is not opened, or at once closed again.

    Args:
        folder: handle of the folder that ``path`` is relative to.

    Raises:
        Gone: it is no regular file.
        OSError: it cannot be opened.
    """
    name = readable(Path(path).name)
    if not stat.S_ISREG(os.stat(path, dir_fd=folder, follow_symlinks=False).st_mode):
        raise Gone(f"{name} is no regular file")
    try:
        # What a person puts in its place at this moment is no link that is followed, no pipe that is waited for.
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    except OSError as fault:
        if fault.errno == errno.ELOOP:
            raise Gone(f"{name} is a link") from fault
        raise
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise Gone(f"{name} is no regular file")
    return handle


def read_below(root: Path, name: str) -> bytes:
    """The content of the regular file ``root / name``, reached over no link.

    Raises:
        Gone: a link lies on the way, or it is no regular file.
        OSError: it is not there, or cannot be read.
    """
    with opened_folder(root, name) as folder, os.fdopen(open_regular(PurePosixPath(name).name, folder), "rb") as file:
        return file.read()


def is_file(path: Path) -> bool:
    """Whether a regular file of that name is there, and no link to one.

    Raises:
        OSError: that cannot be said now.
    """
    status = _look(path)
    return status is not None and stat.S_ISREG(status.st_mode)


def room_for(root: Path, name: str) -> Path:
    """``root / name`` with its folders made; right below ``root`` where that cannot be: a link or a file lies in the
    way, or the path is too long.

    Raises:
        OSError: a folder cannot be made.
    """
    try:
        place = below_without_links(root, name)
        if fits(place.parent):
            make_folder(place.parent)
            return place
    except (Gone, FileExistsError, NotADirectoryError):
        pass
    except OSError as fault:
        if fault.errno != errno.ENAMETOOLONG:
            raise
    make_folder(root)
    return root / PurePosixPath(name).name


def fits(folder: Path) -> bool:
    """Whether the path of a folder leaves room for any file name."""
    return len(os.fsencode(folder)) + 1 + NAME_BYTES < PATH_BYTES


def lies(path: Path) -> bool:
    """Whether something of that name is there, a broken link included.

    Raises:
        OSError: that cannot be said now (a share that does not answer); "no" would be a reason to remove things.
    """
    return _look(path) is not None


def _look(path: Path) -> os.stat_result | None:
    try:
        return path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as fault:
        if fault.errno == errno.ELOOP:  # behind links in a circle lies nothing
            return None
        raise


def free_place(path: Path, is_taken: Callable[[Path], bool] = lies) -> Path:
    """``path``, or the first of ``b (2).pdf``, ``b (3).pdf`` ... that is not taken."""
    number = 1
    while is_taken(place := numbered(path, number)):
        number += 1
    return place


def numbered(path: Path, number: int) -> Path:
    """The name that the ``number``-th file of a name gets: ``b.pdf``, ``b (2).pdf``, ``b (3).pdf`` ..."""
    suffix = path.suffix if len(os.fsencode(path.suffix)) < 16 else ""  # not each dot begins a suffix
    if number == 1:
        return path
    return path.with_name(fitted(path.name.removesuffix(suffix), f" ({number}){suffix}"))


def move(
    source: Path,
    wanted: Path,
    parked: Path,
    *,
    root: Path,
    is_taken: Callable[[Path], bool] = lies,
    announce: Callable[[Path], None] = lambda place: None,
) -> Path:
    """Move a file to ``wanted``, or to a free name like it where something lies already. Returns where it lies then.

    Args:
        parked: hidden name in the folder of ``wanted``, by way of which a file comes from another file system.
        root: folder that ``wanted`` lies in or below; below it no link is followed, not even one put there just now.
        is_taken: whether a name is not free.
        announce: called with the place just before the file gets there.

    Raises:
        Gone: the file changed while it was copied, or a link lies on the way; it stays where it was.
        OSError: it cannot be moved; it lies where it was, or whole under the name ``parked``.
    """
    with opened_folder(root, os.fspath(wanted.relative_to(root))) as folder:
        while True:
            place = free_place(wanted, is_taken)
            announce(place)
            try:
                rename_to_free(source, place, into=folder)
            except FileExistsError:
                continue  # someone was faster
            except OSError as fault:
                if fault.errno != errno.EXDEV or source == parked:
                    raise
                copy_whole(source, parked, folder)
                source.unlink()
                sync_folder(source.parent)
                source = parked
                continue
            sync_folder(place.parent)
            return place


def copy_whole(source: Path, parked: Path, folder: int | None = None) -> None:
    """Copy a file to ``parked`` with its time stamps and flush it to disk, or leave nothing.

    Args:
        folder: handle of the folder of ``parked``, where its path may lead elsewhere meanwhile.

    Raises:
        Gone: it changed meanwhile, or is no regular file.
        OSError: it cannot be copied, or something lies at ``parked``.
    """
    part = parked.with_name(parked.name + PART)
    name = part if folder is None else part.name

    def drop() -> None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name, dir_fd=folder)

    drop()
    with os.fdopen(open_regular(source), "rb") as file:
        before = os.fstat(file.fileno())
        try:
            # A new file, and never through a link that somebody puts there.
            with open(name, "xb", opener=lambda path, flags: os.open(path, flags, dir_fd=folder)) as copy:
                shutil.copyfileobj(file, copy, 1 << 20)
                copy.flush()
                with contextlib.suppress(OSError):  # on some shares all files belong to one user, who is not us
                    os.fchmod(copy.fileno(), stat.S_IMODE(before.st_mode))
                    os.utime(copy.fileno(), ns=(before.st_atime_ns, before.st_mtime_ns))
                os.fsync(copy.fileno())
            if not same_look(before, source.lstat()):
                raise Gone(f"{readable(source.name)} changed while it was copied")
            rename_to_free(part, parked, folder, into=folder)
        except BaseException:
            drop()
            raise
    sync_folder(parked.parent)


def same_look(one: os.stat_result, other: os.stat_result) -> bool:
    """Whether size and time of change are the same."""
    return (one.st_size, one.st_mtime_ns) == (other.st_size, other.st_mtime_ns)


def drop_part(parked: Path) -> None:
    """Remove a copy that a crash left half-way."""
    with contextlib.suppress(OSError):  # hidden, and of no use: at worst it stays
        parked.with_name(parked.name + PART).unlink(missing_ok=True)


_AT_FDCWD, _RENAME_NOREPLACE = -100, 1
_NOT_HERE = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP)


@functools.cache
def _renameat2() -> Any:
    """The C library's ``renameat2``, which Python does not offer; ``None`` where there is none."""
    try:
        function = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):
        return None
    function.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint]
    return function


def rename_to_free(source: Path, target: Path, folder: int | None = None, into: int | None = None) -> None:
    """Rename, but never over what a person puts there at the same moment.

    Some file systems (NFS) cannot promise that; there, a look before the rename must do.

    Args:
        folder: handle of the source's folder, where its path may lead elsewhere meanwhile.
        into: the same for the target's.

    Raises:
        FileExistsError: something lies there.
        OSError: it cannot be renamed.
    """
    function = _renameat2()
    if function is not None:
        begin = (_AT_FDCWD, os.fsencode(source)) if folder is None else (folder, os.fsencode(source.name))
        end = (_AT_FDCWD, os.fsencode(target)) if into is None else (into, os.fsencode(target.name))
        if function(*begin, *end, _RENAME_NOREPLACE) == 0:
            return
        code = ctypes.get_errno()
        if code not in _NOT_HERE:
            raise OSError(code, os.strerror(code), os.fspath(source), None, os.fspath(target))
    if lies(target):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), os.fspath(target))
    os.rename(
        source if folder is None else source.name,
        target if into is None else target.name,
        src_dir_fd=folder,
        dst_dir_fd=into,
    )
