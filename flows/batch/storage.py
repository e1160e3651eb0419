"""The seam between batch runs and where documents lie: objects with names, in a folder or in a bucket.

A storage holds whole objects under names with slashes, such as ``inbox/a/b.pdf``. What two machines must not do at once
is decided by it alone: :meth:`Storage.put_new` and :meth:`Storage.put_if` have one winner, and ages are told by its
own clock. No caller asks which kind it has.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from flows.host.names import readable
from flows.settings import Settings

if TYPE_CHECKING:
    from flows.batch.bucket_storage import BucketStorage

OURS = ".nambat-"
"""How the names of our own helpers in a folder begin: they are no objects."""

BUCKET = "s3://"
"""How the address of a bucket begins."""

LONGEST_NAME = 1024
"""Bytes that a name may have; a bucket's keys may not have more."""


Closed = Callable[[OSError], object]


def ignore(fault: OSError) -> None:
    """For those who need not hear of it."""


class Changed(Exception):
    """An object is not the one any more that it was, or is gone."""


@dataclass(frozen=True, slots=True)
class Stored:
    """An object, as a storage lists it.

    Attributes:
        name: where it lies; bytes that are no UTF-8 stand in it as Python's ``surrogateescape`` has them.
        size: in bytes.
        tag: tells its content from what lies there at another time.
        modified: when it was put there, in seconds on the storage's clock.
    """

    name: str
    size: int
    tag: str
    modified: float


@dataclass(frozen=True, slots=True)
class Desk:
    """Folders of this machine in which the files of one document are changed as anywhere.

    Attributes:
        published: of all that is published.
        versions: for what is replaced there.
        staging: for files in the making, on the file system of ``published``.
    """

    published: Path
    versions: Path
    staging: Path


class Storage(Protocol):
    """Objects with names. All methods may raise ``OSError`` or :class:`~flows.faults.StorageAway`: try again later.

    Each may be called by several threads. ``ValueError`` is raised for a name that :func:`check_name` refuses.
    """

    def list(self, prefix: str = "", closed: Closed = ignore) -> Iterator[Stored]:
        """All objects whose names begin with ``prefix``, in the same order each time.

        Args:
            closed: is told of what cannot be looked into or named.
        """

    def look(self, name: str) -> Stored | None:
        """One object; ``None`` if there is none."""

    def read(self, name: str) -> tuple[bytes, str]:
        """Content and tag of an object.

        Raises:
            FileNotFoundError: there is none.
        """

    def fetch(self, name: str, to: Path) -> Stored:
        """Copy an object to a new file of this machine, which gets its time.

        Raises:
            FileNotFoundError: there is none.
        """

    def local(self, name: str) -> Path | None:
        """Where an object lies as a file of this machine, to be looked at; ``None`` where it does not."""

    def put(self, name: str, data: bytes) -> str:
        """Put an object in place, whole or not at all, whatever lay there. Returns its tag."""

    def put_new(self, name: str, data: bytes) -> str:
        """The same, where nothing lies.

        Raises:
            FileExistsError: something does.
        """

    def put_if(self, name: str, data: bytes, tag: str) -> str:
        """The same, in place of the very object with this tag.

        Raises:
            Changed: it is not there any more.
        """

    def copy(self, name: str, to: str, tag: str) -> None:
        """Copy the very object with this tag to another name, whatever lies there.

        Raises:
            Changed: it is not there any more.
        """

    def delete(self, name: str, tag: str = "") -> None:
        """Remove an object, if it is there; only the very one with a tag, if one is given.

        Raises:
            Changed: another one lies there.
        """

    def clock(self) -> float:
        """Seconds since the epoch on the storage's own clock."""

    def desk(self, name: str, work: Path) -> AbstractContextManager[Desk]:
        """What is published of a document, to be changed; it is in the storage at the end of the block.

        Texts come before the JSON, and what is replaced is in versions/ before either.

        Args:
            name: of the document's JSON below ``published/``.
            work: an empty folder of this machine, which may be used for it.

        Raises:
            Changed: at the end of the block: somebody else changed what is published of it meanwhile. What he did is
                there; what was done here is not, or in part, and must be done again.
        """


def check_name(name: str) -> str:
    """``name``, if an object may be called so: it becomes part of a path.

    Raises:
        ValueError: no object may.
    """
    parts = name.split("/")
    if "\0" in name or any(part in ("", ".", "..") or part.startswith(OURS) for part in parts):
        raise ValueError(f"{readable(name)!r} is no name of an object")
    if len(os.fsencode(name)) > LONGEST_NAME:
        raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG), readable(name))
    return name


def open_storage(address: str, places: Mapping[str, Path] | None = None) -> Storage:
    """The storage at an address: ``s3://bucket/prefix`` or the path of a folder.

    A bucket's endpoint and keys come from the environment, as all programs for S3 take them.

    Args:
        places: folders that lie elsewhere than below that folder, by the first part of the names in them.

    Raises:
        BadSetting: that is no address, or what buckets need is not installed.
    """
    from flows.batch.folder_storage import FolderStorage

    if address.startswith(BUCKET):
        return _bucket(address)
    return FolderStorage(Path(address).absolute(), dict(places or {}))


def _bucket(address: str) -> BucketStorage:
    from flows.language import _
    from flows.settings import BadSetting

    try:
        from flows.batch.bucket_storage import BucketStorage
    except ImportError as fault:
        said = _("{address}: buckets need the package s3fs; install it with: pip install 'nambat[s3]'")
        raise BadSetting(said.format(address=address)) from fault
    bucket, _slash, prefix = address.removeprefix(BUCKET).strip("/").partition("/")
    return BucketStorage(bucket, prefix)


def open_home(settings: Settings) -> Storage:
    """Where what is published goes: ``NAMBAT_BUCKET``, or the home's folders.

    Raises:
        BadSetting: as :func:`open_storage`.
    """
    folders = settings.folders
    places = {
        "inbox": folders.inbox,
        "published": folders.published,
        # What nobody but us has any business with.
        "claims": folders.working / ".leases",
        "batches": folders.working / ".batches",
    }
    return open_storage(settings.bucket or os.fspath(folders.home), places)


def open_folders(settings: Settings) -> Storage:
    """The home's folders, wherever else batches publish to: what came by the inbox is there."""
    return open_home(settings.model_copy(update={"bucket": ""}))


def is_away(fault: BaseException) -> bool:
    """Whether a fault is the storage's or the machine's, and so says nothing about the document it came with."""
    from flows.faults import Passing, ShareAway, StorageAway
    from flows.pipeline.faults import OF_THE_MACHINE

    if isinstance(fault, OSError):
        return fault.errno in OF_THE_MACHINE or fault.errno in _NETWORK
    return isinstance(fault, Passing | ShareAway | StorageAway)


_NETWORK = frozenset({errno.ENOTCONN, errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ETIMEDOUT, errno.ECONNREFUSED})
