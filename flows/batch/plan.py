"""A batch: what lies in a source, listed in parts of some hundred pages, each of which is one run.

The parts of batch B are objects ``batches/B/00001.jsonl``, a document a line; ``batches/B/batch.json`` tells of the
whole. It is put there last: a batch whose planning was cut short has none, and is no batch.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from logging import WARNING
from pathlib import Path, PurePosixPath
from typing import Any

from flows import faults
from flows.batch.storage import BUCKET, Storage, Stored, open_home, open_storage
from flows.host.log import note
from flows.host.mounts import is_away, mount_of
from flows.host.moves import Gone, below_without_links, lies
from flows.host.names import is_id, new_id, readable
from flows.intake.claims import FORGOTTEN
from flows.intake.duplicates import made_with
from flows.intake.given_paths import name_of_root, root_of
from flows.intake.inbox import is_junk
from flows.pipeline import archives
from flows.pipeline.publish import SCAN_SUFFIXES
from flows.pipeline.workers import WorkerPool
from flows.settings import Folders, Settings
from ocr.faults import Fault

FOLDER = "batches/"

INBOX = "inbox"

OURS = ("published", "originals", "quarantine", "versions", "claims", "batches")
"""First parts of names in a bucket whose objects are no source."""

BYTES_A_PAGE = 206_000
"""Mean size of a page where nothing was counted; of 181 pages of 70 scans, with a half below 56,000."""

COUNTING = 60.0
"""Seconds that counting pages may take; then they are estimated by what was counted. A scan takes 25 ms."""

LOOK = 20.0
"""Seconds that the look at one scan may take."""

WRITTEN_AT_ONCE = 8
"""Parts that are written down side by side: each has to reach the disk, or a bucket, which is all waiting."""

RESULT = ".result.json"
"""How the name of the object ends that tells what a part has come to."""

CUT_SHORT = 86400.0
"""Seconds without a new part after which a plan without its record counts as cut short."""

ID_LENGTH = 24
"""Letters of an id (see :func:`flows.host.names.new_id`)."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where the scans of a batch lie.

    Attributes:
        address: of their storage; empty for that of the home.
        prefix: how the names of their objects begin.
        keeps: whether they stay where they are; else they go to originals/ or quarantine/.
        under: folder below which they are published; empty for the names that they have.
        is_published: whether they are scans of originals/ whose texts lie in published/ already: these stay there where
            a scan cannot be read this time, and nobody need hear of it in quarantine/.
        mount: where the file system is mounted that they lie on; empty for a bucket and the home.
    """

    address: str
    prefix: str
    keeps: bool
    under: str = ""
    is_published: bool = False
    mount: str = ""

    def check_mount(self) -> None:
        """Make sure that what is not there is not only out of sight.

        Raises:
            ShareAway: the share that the scans lie on is not mounted.
        """
        if self.mount and is_away(Path(self.mount)):
            raise faults.SOURCE_AWAY.fault(mount=self.mount, folder=self.shown)

    @property
    def shown(self) -> str:
        """What a person calls it."""
        return readable("/".join(part.strip("/") if number else part for number, part in enumerate(self._parts)))

    @property
    def _parts(self) -> list[str]:
        return [part for part in (self.address, self.prefix.rstrip("/")) if part]

    def open(self, settings: Settings) -> Storage:
        """The storage that they lie in."""
        return open_storage(self.address) if self.address else open_home(settings)


@dataclass(frozen=True, slots=True)
class Entry:
    """A document to read.

    Attributes:
        scan: name of its object in the source's storage.
        name: of the scan as it would be below the inbox: by it is its text published.
        tag: of the object when it was listed; empty where any will do.
        bytes: its size.
        pages: how many it has, or may have.
    """

    scan: str
    name: str
    tag: str = ""
    bytes: int = 0
    pages: int = 1

    def as_line(self) -> str:
        # Not by asdict(), which takes four times as long as all else of it: there may be millions.
        told = {"scan": self.scan, "name": self.name, "tag": self.tag, "bytes": self.bytes, "pages": self.pages}
        return json.dumps(told) + "\n"


@dataclass(frozen=True, slots=True)
class Batch:
    """A planned batch.

    Attributes:
        made: a mark of all that makes a document of pages, when it was planned.
        created: seconds since the epoch.
        parts, documents, pages, bytes: how many there are; pages as far as they were counted.
        left: how many files of the source are no scans, or archives, and are left alone.
        closed: what could not be looked into, a sentence each.
    """

    id: str
    source: Source
    made: str
    created: float
    parts: int = 0
    documents: int = 0
    pages: int = 0
    bytes: int = 0
    left: int = 0
    closed: tuple[str, ...] = ()


def check_id(batch_id: str) -> str:
    """``batch_id`` if it is one that we could have made: it becomes part of a name.

    Raises:
        PathRefused: it is not.
    """
    if not is_id(batch_id):
        raise faults.NO_BATCH.fault(batch=readable(batch_id))
    return batch_id


def part_name(batch_id: str, part: int, ending: str = ".jsonl") -> str:
    """The name of the object that lists a part, or of one beside it.

    Raises:
        PathRefused: there is no such part.
    """
    if part < 1:
        raise faults.NO_BATCH.fault(batch=f"{readable(batch_id)}, {part}")
    return f"{FOLDER}{check_id(batch_id)}/{part:05}{ending}"


def source_of(given: str, settings: Settings) -> Source:
    """The source that a person names: ``inbox``, a folder, a file, or what lies below ``NAMBAT_BUCKET``.

    Args:
        given: counted from the home's folder, or from / if it begins so. It may come from anywhere.

    Raises:
        PathRefused: it names nothing that may be read so.
        OSError: it cannot be looked at.
    """
    folders = settings.folders
    if given.strip().rstrip("/") in (INBOX, os.fspath(folders.inbox), f"{settings.bucket}/{INBOX}"):
        return Source("", f"{INBOX}/", keeps=False)
    if given.startswith(BUCKET):
        return _in_bucket(given, settings)
    if "\0" in given:
        raise faults.NO_SOURCE.fault(path=readable(given))
    path = Path(os.path.normpath(folders.home / given.strip()))
    root = root_of(settings, path)
    if any(folder.is_relative_to(path) for folder in (folders.home, folders.inbox, folders.published)):
        raise faults.HOLDS_OURS.fault(path=readable(path))
    name = os.fspath(path.relative_to(root))
    try:
        if path != root:
            below_without_links(root, name)
        if path.is_symlink() or not lies(path):
            raise Gone(name)
    except Gone as fault:
        raise faults.NO_SOURCE.fault(path=readable(path)) from fault
    prefix = "" if path == root else f"{name}/" if path.is_dir() else name
    under = name_of_root(settings, root)
    return Source(os.fspath(root), prefix, keeps=True, under=under, mount=os.fspath(mount_of(path)))


def _in_bucket(given: str, settings: Settings) -> Source:
    name = given.removeprefix(f"{settings.bucket}/").rstrip("/")
    parts = name.split("/")
    if not settings.bucket or name == given.rstrip("/") or parts[0] in OURS or {"", ".", ".."}.intersection(parts):
        raise faults.NOT_IN_BUCKET.fault(path=readable(given), bucket=settings.bucket or "NAMBAT_BUCKET")
    is_scan = name.lower().endswith(SCAN_SUFFIXES)
    return Source("", name if is_scan else f"{name}/", keeps=parts[0] != INBOX)


def plan(
    source: Source,
    settings: Settings,
    batch_id: str,
    *,
    home: Storage | None = None,
    scans: Storage | None = None,
    most: int | None = None,
) -> Batch:
    """List a source in parts; the batch if it was planned already.

    Args:
        batch_id: see :func:`flows.host.names.new_id`.
        home: where batches and leases lie; that of the settings if it is left out.
        scans: the source's storage; the one at its address if it is left out.
        most: pages of a part; those of the settings if it is left out.

    Raises:
        OSError, StorageAway: it cannot be listed or written down now; no batch is planned then.
    """
    home = home or open_home(settings)
    if (planned := find(home, batch_id)) is not None:
        return planned
    closed: list[str] = []
    left = [0]

    def tell_closed(fault: OSError) -> None:
        closed.append(_told(fault))
        note("closed", f"batch {batch_id}: not looked into: {closed[-1]}", level=WARNING, batch=batch_id)

    listed = (scans or source.open(settings)).list(source.prefix, tell_closed)
    batch = Batch(batch_id, source, made_with(settings), time.time())
    with _Counter(settings, scans or source.open(settings)) as counter:
        entries = _entries(listed, source, counter.pages, left)
        batch = with_parts(batch, entries, home, most or settings.batch_pages)
    return put_last(replace(batch, left=left[0], closed=tuple(closed)), home, settings.folders)


def with_parts(batch: Batch, entries: Iterable[Entry], home: Storage, most: int) -> Batch:
    """Write the parts of a batch down; the batch with what was counted.

    Args:
        home: where batches lie.
        most: pages of a part.

    Raises:
        OSError, StorageAway: they cannot be written down now.
    """
    parts = documents = pages = size = 0
    written: deque[Future[str]] = deque()
    with ThreadPoolExecutor(WRITTEN_AT_ONCE) as threads:
        for part, several in enumerate(split(entries, most), 1):
            lines = "".join(entry.as_line() for entry in several).encode()
            written.append(threads.submit(home.put, part_name(batch.id, part), lines))
            if len(written) > WRITTEN_AT_ONCE:  # no more are kept than are written
                written.popleft().result()
            parts = part
            documents += len(several)
            pages += sum(entry.pages for entry in several)
            size += sum(entry.bytes for entry in several)
        for one in written:
            one.result()
    return replace(batch, parts=parts, documents=documents, pages=pages, bytes=size)


def put_last(batch: Batch, home: Storage, folders: Folders) -> Batch:
    """Write down what tells of the whole of a batch: from here on it is one. What is left of old ones goes.

    Args:
        folders: of the home; they tell which batches are under way.

    Raises:
        OSError, StorageAway: it cannot be written down now.
    """
    _forget(home, folders)
    home.put(f"{FOLDER}{batch.id}/batch.json", (json.dumps(asdict(batch), indent=1) + "\n").encode())
    return batch


def _forget(home: Storage, folders: Folders) -> None:
    """Remove what is left of plans that were cut short, and of batches of which nothing changed for long.

    Those that are under way here stay, however long they wait. What they published is no part of them.
    """
    objects: dict[str, list[Stored]] = {}
    for one in home.list(FOLDER):
        objects.setdefault(one.name.split("/")[1], []).append(one)
    now, waiting = home.clock(), _under_way(folders)
    for batch_id, several in objects.items():
        whole = f"{FOLDER}{batch_id}/batch.json"
        patience = FORGOTTEN if any(one.name == whole for one in several) else CUT_SHORT
        if batch_id not in waiting and now - max(one.modified for one in several) > patience:
            for one in sorted(several, key=lambda one: one.name != whole):  # cut short here, it is no batch any more
                home.delete(one.name)
            if (place := home.local(whole)) is not None:
                with contextlib.suppress(OSError):
                    place.parent.rmdir()
    _forget_notes(folders, now, waiting)


def _under_way(folders: Folders) -> set[str]:
    """The batches that :mod:`flows.batch.under_way` has written down as such."""
    return {place.stem.removeprefix("open-") for place in (folders.working / ".batch").glob("open-*.json")}


def _forget_notes(folders: Folders, now: float, waiting: set[str]) -> None:
    """Remove what was noted of batches, and of processes that worked on them, long ago."""
    for place in (folders.working / ".batch").glob("*"):
        with contextlib.suppress(OSError):
            about = place.lstat()
            is_note = stat.S_ISREG(about.st_mode) and not place.name.startswith((".", "open-"))
            if is_note and place.name[:ID_LENGTH] not in waiting and now - about.st_mtime > FORGOTTEN:
                place.unlink()


def plan_for_service(source: Source, settings: Settings, batch_id: str = "") -> Batch:
    """List a source in parts for the running service.

    Raises:
        PathRefused: the service reads that source by itself.
        OSError, StorageAway: as :func:`plan`.
    """
    if not source.keeps and not settings.bucket:
        raise faults.INBOX_OF_SERVICE.fault()
    return plan(source, settings, batch_id or new_id())


def _told(fault: OSError) -> str:
    return readable(f"{fault.filename}: {fault.strerror}")


def _entries(
    listed: Iterable[Stored], source: Source, pages: Callable[[Stored], int], left: list[int]
) -> Iterator[Entry]:
    for one in listed:
        if source.prefix and not source.prefix.endswith("/") and one.name != source.prefix:
            continue  # a file was named, and not what is called like it with more behind
        below = one.name.removeprefix(f"{INBOX}/") if not source.keeps else one.name
        parts = PurePosixPath(below).parts
        if any(part.startswith(".") for part in parts[:-1]) or is_junk(parts[-1]):
            continue
        is_scan = below.lower().endswith(SCAN_SUFFIXES)
        # What is no scan is told so where people drop it; an archive holds what it holds. ZIP files are left alone.
        if (source.keeps and not is_scan) or below.lower().endswith(archives.SUFFIX):
            left[0] += 1
            continue
        name = os.fspath(PurePosixPath(source.under, below))
        yield Entry(one.name, name, one.tag, one.size, pages(one))


def split(entries: Iterable[Entry], most: int) -> Iterator[list[Entry]]:
    """Parts of at most so many pages, in order; a longer document is a part of its own."""
    several: list[Entry] = []
    pages = 0
    for entry in entries:
        if several and pages + entry.pages > most:
            yield several
            several, pages = [], 0
        several.append(entry)
        pages += entry.pages
    if several:
        yield several


@dataclass(slots=True)
class _Counter:
    """Counts the pages of scans, in a worker that can be stopped; after a while it estimates.

    Attributes:
        counted: pages and bytes of the scans whose pages were counted.
    """

    settings: Settings
    scans: Storage
    counted: list[int] = field(default_factory=lambda: [0, 0])
    spent: float = 0.0
    pool: WorkerPool | None = None

    def __enter__(self) -> _Counter:
        limits = {"memory": self.settings.worker_memory, "scratch": self.settings.worker_scratch}
        self.pool = WorkerPool(1, **limits, warm=("ocr.rasterize",))
        return self

    def __exit__(self, *_: object) -> None:
        if self.pool is not None:
            self.pool.stop()

    def pages(self, one: Stored) -> int:
        """How many pages a scan has, or may have."""
        from ocr.rasterize import inspect

        path = self.scans.local(one.name)
        if path is not None and self.pool is not None and self.spent < COUNTING:
            begun = time.monotonic()
            try:
                pages = self.pool.call(inspect, path, seconds=LOOK).pages
                self.counted = [self.counted[0] + pages, self.counted[1] + one.size]
                return pages
            except (Fault, OSError):
                return 1  # it is told when its turn comes
            finally:
                self.spent += time.monotonic() - begun
        pages, size = self.counted
        return max(1, round(one.size / (size / pages if pages else BYTES_A_PAGE)))


def find(home: Storage, batch_id: str) -> Batch | None:
    """A planned batch; ``None`` if there is none of that id.

    Raises:
        PathRefused: that is no id of a batch.
        OSError, StorageAway: it cannot be read now.
    """
    try:
        raw, _tag = home.read(f"{FOLDER}{check_id(batch_id)}/batch.json")
        told: dict[str, Any] = json.loads(raw)
        told["source"] = Source(**told["source"])
        return Batch(**{**told, "closed": tuple(told["closed"])})
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def entries_of(home: Storage, batch: Batch, part: int) -> list[Entry]:
    """The documents of a part.

    Raises:
        PathRefused: there is no such part.
        OSError, StorageAway: it cannot be read now.
    """
    if part > batch.parts:
        raise faults.NO_BATCH.fault(batch=f"{batch.id}, {part}")
    raw, _tag = home.read(part_name(batch.id, part))
    return [Entry(**json.loads(line)) for line in raw.decode().splitlines()]
