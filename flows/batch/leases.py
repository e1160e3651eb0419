"""Leases: who works on which document of an archive, whatever machine it runs on.

A lease is an object of the storage, ``claims/<sha256 of the scan's name>.json``, that one worker can make and every
other can see. As long as he works he renews it; one that is not renewed for ``NAMBAT_CLAIM_TIMEOUT`` seconds on the
storage's own clock, or whose owner is known to be dead, is taken over by the next who comes. Clocks of workers play no
part. Who has lost his lease publishes nothing.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any

from flows.batch.storage import Changed, Storage
from flows.faults import StorageAway
from flows.host import heartbeat
from flows.host.processes import machine
from flows.settings import Folders, Settings

RENEWED_EVERY = 20.0
"""Seconds between two renewals of a lease; NAMBAT_CLAIM_TIMEOUT is at least 30."""

FOLDER = "claims/"


class Lost(Exception):
    """Somebody else holds the lease."""


@dataclass(frozen=True, slots=True)
class Lease:
    """What is written down about a document in work.

    Attributes:
        name: of the scan's object.
        source: address of the storage that the scan lies in.
        owner: the process that works on it (see :mod:`flows.host.heartbeat`); empty if nobody does.
        host: its machine's name, for people.
        renewed: number of the renewal, so that no two records are the same.
        attempts: how many times in a row the work ended without an answer and no page further. Where others were read
            beside it, any of them may be the cause, or none: of those times only the first counts.
        pages_done: pages that were read when the present attempt began.
        begun: whether the present attempt has begun to read: what is only fetched stops nobody.
        alone: whether its process reads no other document meanwhile.
        tries: how many times it was put off for a trouble that may pass.
        tag: of the scan's object.
    """

    name: str
    source: str
    owner: str
    host: str
    renewed: int = 0
    attempts: int = 0
    pages_done: int = 0
    begun: bool = False
    tries: int = 0
    tag: str = ""
    alone: bool = False

    @property
    def place(self) -> str:
        """The name of its object."""
        return place_of(self.source, self.name)

    def as_bytes(self) -> bytes:
        return (json.dumps(asdict(self), indent=1) + "\n").encode()


def place_of(source: str, name: str) -> str:
    """The name of the lease of a scan.

    Args:
        source: address of the storage that the scan lies in; empty where that is the lease's own.
    """
    whole = os.fsencode(f"{source}/{name}" if source else name)
    return f"{FOLDER}{hashlib.sha256(whole).hexdigest()}.json"


def read_lease(storage: Storage, place: str) -> tuple[Lease, str] | None:
    """A lease and its tag; ``None`` if there is none. One that is damaged counts as nobody's.

    Raises:
        OSError, StorageAway: it cannot be read now.
    """
    try:
        raw, tag = storage.read(place)
    except FileNotFoundError:
        return None
    return _lease(raw), tag


def _lease(raw: bytes) -> Lease:
    try:
        told: dict[str, Any] = json.loads(raw)
        words = {name: str(told[name]) for name in ("name", "source", "owner", "host", "tag")}
        numbers = {name: int(told[name]) for name in ("renewed", "attempts", "pages_done", "tries")}
        alone = bool(told.get("alone"))  # earlier versions did not write it
        return Lease(**words, **numbers, begun=bool(told["begun"]), alone=alone)  # type: ignore[arg-type]
    except (ValueError, KeyError, TypeError, RecursionError):
        return Lease("", "", "", "")


@dataclass(slots=True, eq=False)
class _Held:
    """A lease that this process holds.

    Attributes:
        tag: of its object.
        sure_until: on the monotonic clock, until when nobody can have taken it over.
        lock: held while it is written.
        lost: whether somebody has taken it over.
    """

    lease: Lease
    tag: str
    sure_until: float
    lock: threading.Lock = field(default_factory=threading.Lock)
    lost: bool = False


class Leases:
    """The leases that this process holds; they are renewed as long as the block runs.

    ::

        with Leases(storage, settings) as leases:
            lease = leases.take("", "inbox/a.pdf", tag)

    Args:
        storage: where they lie.
        owner: who takes them; this process, if it is left out.
        renewed_every: seconds between two renewals.
    """

    def __init__(
        self, storage: Storage, settings: Settings, owner: str = "", renewed_every: float = RENEWED_EVERY
    ) -> None:
        self.storage = storage
        self.owner = owner or heartbeat.identity()
        self._folders: Folders = settings.folders
        self._timeout = settings.claim_timeout
        self._every = renewed_every
        self._held: dict[str, _Held] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._go_on, name="leases", daemon=True)

    def __enter__(self) -> Leases:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join(self._every)
        # What is not done is another's to do, and at once.
        for held in list(self._held.values()):
            try:
                self.release(held.lease)
            except Lost:
                continue
            except (OSError, StorageAway):
                note_ended(self._folders, self.owner)

    def take(self, source: str, name: str, tag: str) -> Lease | None:
        """Take the lease of a scan; ``None`` if somebody else holds it.

        One that a dead owner left counts as an attempt; see :meth:`begin`.

        Raises:
            OSError, StorageAway: it cannot be taken now.
        """
        lease = Lease(name, source, self.owner, heartbeat.host(), tag=tag)
        place = lease.place
        since = time.monotonic()
        with contextlib.suppress(FileExistsError):
            return self._hold(lease, self.storage.put_new(place, lease.as_bytes()), since)
        found = read_lease(self.storage, place)
        if found is None:
            return None  # done just now
        old, old_tag = found
        if not self._is_free(old, place):
            return None
        # Who lives, or was not stopped by a document, is no sign that this one stops its reader.
        crashed = old.begun and old.owner not in ("", self.owner) and not _ended(self._folders, old.owner).exists()
        attempts = old.attempts + 1 if crashed and (old.alone or not old.attempts) else old.attempts
        lease = replace(lease, renewed=old.renewed + 1, attempts=attempts, pages_done=old.pages_done, tries=old.tries)
        if old.tag != tag:
            lease = replace(lease, attempts=0, tries=0, pages_done=0)  # another scan under that name
        since = time.monotonic()
        try:
            return self._hold(lease, self.storage.put_if(place, lease.as_bytes(), old_tag), since)
        except Changed:
            return None  # somebody was faster

    def _hold(self, lease: Lease, tag: str, since: float) -> Lease:
        self._held[lease.place] = _Held(lease, tag, since + self._timeout)
        return lease

    def _is_free(self, lease: Lease, place: str) -> bool:
        """Whether nobody works under a lease any more."""
        if not lease.owner or lease.owner == self.owner:
            return place not in self._held
        is_of_here = lease.owner.split(":")[0] == machine()
        if is_of_here and not heartbeat.is_alive(self._folders, lease.owner, self._timeout):
            return True  # the kernel knows
        stored = self.storage.look(place)
        return stored is not None and self.storage.clock() - stored.modified > self._timeout

    def begin(self, lease: Lease, pages_done: int, *, alone: bool = False) -> Lease:
        """Note that reading begins: if it ends without an answer, that is an attempt.

        Args:
            pages_done: pages that were read before, by which this attempt is judged (see :meth:`attempts`).
            alone: whether this process reads no other document meanwhile.

        Raises:
            Lost: somebody else holds the lease.
            OSError, StorageAway: that cannot be written down.
        """
        attempts = self.attempts(lease, pages_done)
        return self._write(lease.place, pages_done=pages_done, attempts=attempts, begun=True, alone=alone)

    @staticmethod
    def attempts(lease: Lease, pages_done: int) -> int:
        """How many attempts in a row got no further, now that so many pages are read.

        A document that gets further each time will be done one day; one that does not is what stops its reader.
        """
        return min(lease.attempts, 1) if pages_done > lease.pages_done else lease.attempts

    def confirm(self, lease: Lease) -> None:
        """Make sure, at this moment, that the lease is held.

        Raises:
            Lost: it is not.
            OSError, StorageAway: that cannot be said.
        """
        self._write(lease.place)

    def release(self, lease: Lease) -> None:
        """Let another take the lease; what is known of earlier tries stays in it.

        Raises:
            Lost: somebody else holds it.
            OSError, StorageAway: that cannot be written down.
        """
        if lease.attempts or lease.tries:
            self._write(lease.place, owner="", begun=False)
            self._held.pop(lease.place, None)
        else:
            self.end(lease)

    def put_off(self, lease: Lease) -> None:
        """The same, and count a try.

        Raises:
            Lost, OSError, StorageAway: as :meth:`release`.
        """
        self.release(self._write(lease.place, tries=lease.tries + 1, attempts=0))

    def end(self, lease: Lease) -> None:
        """Remove the lease of a document that is done.

        Raises:
            Lost: somebody else holds it.
            OSError, StorageAway: it cannot be removed now.
        """
        held = self._held.pop(lease.place, None)
        if held is None:
            raise Lost(lease.name)
        with held.lock:
            try:
                self.storage.delete(lease.place, held.tag)
            except Changed as fault:
                raise Lost(lease.name) from fault

    def clear(self, source: str, name: str) -> None:
        """Remove the lease of a scan that is not there any more, if nobody holds it.

        Raises:
            OSError, StorageAway: that cannot be done now.
        """
        place = place_of(source, name)
        found = read_lease(self.storage, place)
        if found is not None and self._is_free(found[0], place):
            with contextlib.suppress(Changed):
                self.storage.delete(place, found[1])

    def clear_forsaken(self, source: str, is_there: Callable[[str], bool]) -> None:
        """Remove the leases of scans that were put away by somebody who died before he could remove them.

        Args:
            source: address of the storage of the scans.
            is_there: whether a scan still lies where it lay.

        Raises:
            OSError, StorageAway: that cannot be done now.
        """
        for lease in list(open_leases(self.storage)):
            if lease.name and lease.source == source and lease.owner != self.owner and not is_there(lease.name):
                self.clear(source, lease.name)

    def is_lost(self, lease: Lease) -> bool:
        """Whether somebody may have taken a lease over; asked often, so it asks nobody."""
        held = self._held.get(lease.place)
        return held is None or held.lost or time.monotonic() > held.sure_until

    def _write(self, place: str, **changes: Any) -> Lease:
        """Renew a lease that is held, with what changes in it."""
        held = self._held.get(place)
        if held is None:
            raise Lost(place)
        with held.lock:
            if held.lost:
                raise Lost(held.lease.name)
            lease = replace(held.lease, renewed=held.lease.renewed + 1, **changes)
            since = time.monotonic()
            try:
                held.tag = self.storage.put_if(place, lease.as_bytes(), held.tag)
            except Changed as fault:
                held.lost = True
                raise Lost(lease.name) from fault
            held.lease, held.sure_until = lease, since + self._timeout
            return lease

    def _go_on(self) -> None:
        while not self._over.wait(self._every):
            for place in list(self._held):
                # What cannot be renewed now is tried again; after the timeout it may be another's.
                with contextlib.suppress(OSError, StorageAway, Lost):
                    self._write(place)


def note_ended(folders: Folders, owner: str) -> None:
    """Write down that a process of this home ends for no fault of its documents, and may leave leases behind."""
    with contextlib.suppress(OSError):
        _ended(folders, owner).parent.mkdir(exist_ok=True)
        _ended(folders, owner).touch()


def _ended(folders: Folders, owner: str) -> Path:
    return folders.working / ".batch" / f"{hashlib.sha256(owner.encode()).hexdigest()}.ended"


def open_leases(storage: Storage) -> Iterator[Lease]:
    """All leases that there are."""
    for stored in storage.list(FOLDER):
        found = read_lease(storage, stored.name)
        if found is not None:
            yield found[0]
