"""One part of a batch: its documents are read side by side, published, and put away, whatever else reads or dies.

The truth about a document is in the storage: a lease while somebody works on it (see :mod:`flows.batch.leases`), and
afterwards its published JSON, which names the SHA-256 of its scan and what it was made with. So a part can be worked
on again at any time, by anybody, and nothing is read twice or published twice::

    lease -> fetch -> [published already from these bytes?] -> pages -> texts, JSON -> scan put away -> lease removed

A trouble of one document puts it off or into quarantine, and the others go on. A trouble of the machine or of the
storage ends the part: what is left is for another try.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import threading
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from functools import partial
from itertools import count
from logging import INFO, WARNING
from pathlib import Path, PurePosixPath
from typing import Any, Literal
from zoneinfo import ZoneInfo

from flows import faults
from flows.batch.give_way import Turns
from flows.batch.leases import Lease, Leases, Lost
from flows.batch.plan import RESULT, Batch, Entry, Source, entries_of, part_name
from flows.batch.storage import Changed, Storage, Stored, is_away, open_folders, open_home
from flows.convert import scratch
from flows.host import meter
from flows.host.log import note
from flows.host.mounts import missing_mount
from flows.host.moves import numbered
from flows.host.names import readable
from flows.intake.claims import Claim, ClaimStore
from flows.intake.duplicates import made_with
from flows.intake.quarantine import WHAT_TO_DO_THERE, crashed_too_often, reason_text
from flows.intake.register import reason_path
from flows.pipeline import engine, publish, stages
from flows.pipeline.engine import Failed, Job, Passed, Published, Scan
from flows.pipeline.faults import as_fault, tries_again
from flows.pipeline.outcome import Outcome
from flows.pipeline.stages import PublishPlan, digest
from flows.pipeline.strangers import names_like
from flows.pipeline.workers import WorkerPool
from flows.settings import Settings
from ocr.faults import Fault, ToolMissing

AHEAD = 2
"""Documents that are fetched or published beside the pages that are read: most of that is waiting."""

CHANGED_AGAIN = 5
"""Times that a document is published anew because somebody changed what is published of it at that moment."""

End = Literal["published", "there", "quarantined", "kept", "put off", "held", "gone"]
"""What becomes of a document: published now; published before, from the same bytes; given up; given up, and what was
published before stays; to be tried again; another works on it, or writes to it; its scan is not there any more."""

LEFT: tuple[End, ...] = ("put off", "held")
"""What is for another try."""


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a document.

    Attributes:
        name: of its scan, as it would be below the inbox; not to be shown as it is.
        reason, vietnamese: why it was not published.
        to_check: pages that a person should look at.
    """

    name: str
    end: End
    pages: int = 0
    words: int = 0
    seconds: float = 0.0
    reason: str = ""
    vietnamese: str = ""
    to_check: tuple[int, ...] = ()
    warnings: int = 0


@dataclass(frozen=True, slots=True)
class PartDone:
    """What a part came to.

    Attributes:
        trouble: of the machine or the storage, which ended it before its time.
        unseen: documents whose turn did not come.
    """

    batch: str
    part: int
    documents: tuple[Done, ...]
    trouble: Fault | None = None
    unseen: int = 0

    @property
    def left(self) -> int:
        """Documents for another try."""
        return self.unseen + sum(one.end in LEFT for one in self.documents)

    @property
    def counts(self) -> dict[str, int]:
        """How many documents came to which end."""
        return dict(Counter(one.end for one in self.documents))

    @property
    def pages(self) -> int:
        """Pages of what was published now."""
        return sum(one.pages for one in self.documents if one.end == "published")


@dataclass(slots=True, eq=False)
class _InWork:
    """A document in work.

    Attributes:
        stored: its scan's object, as it was taken.
        folder: for what is fetched.
        pages_done: pages that were read before.
        alone: whether no other document is read beside it.
        begins: held while it is written down that reading begins.
    """

    lease: Lease
    stored: Stored
    folder: Path
    sha256: str = ""
    pages_done: int = 0
    alone: bool = False
    begins: threading.Lock = field(default_factory=threading.Lock)


@dataclass(frozen=True)
class Part:
    """What it takes to work on documents of a source.

    Attributes:
        home: where leases, published files and what is put away lie.
        scans: where the scans lie.
        work: a hidden folder for what is fetched and made.
        journal: where is written down what became of documents.
        suspects: those whose reader died, or that of another that was read beside them; to be read one by one.
    """

    settings: Settings
    source: Source
    home: Storage
    scans: Storage
    leases: Leases
    work: Path
    made: str
    journal: Path
    suspects: dict[Entry, int] = field(default_factory=dict)
    _in_work: dict[str, _InWork] = field(default_factory=dict)
    _ends: dict[str, End | None] = field(default_factory=dict)

    def job(self, entry: Entry, *, alone: bool = False) -> Job[Entry]:
        """What reads a document.

        Args:
            alone: whether this process reads no other meanwhile.
        """
        return Job(entry, partial(self.open, entry, alone=alone), partial(self.finish, entry))

    def open(self, entry: Entry, pool: WorkerPool, *, alone: bool = False) -> Scan | None:
        """Take a document's lease, fetch its scan and look at it; ``None`` if there is nothing to read now."""
        stored = self.scans.look(entry.scan)
        if stored is None:
            self.source.check_mount()
            self.leases.clear(self.source.address, entry.scan)
            return self._nothing(entry, "gone")
        lease = self.leases.take(self.source.address, entry.scan, stored.tag)
        if lease is None:
            return self._nothing(entry, "held")
        folder = self.work / secrets.token_hex(8)
        folder.mkdir()
        held = self._in_work[entry.scan] = _InWork(lease, stored, folder)
        size, most = stored.size, self.settings.max_bytes
        if size > most:
            raise faults.FILE_TOO_LARGE.fault(megabytes=size / 1e6, most=most / 1e6)
        path = folder / f"scan{PurePosixPath(entry.scan).suffix[:16]}"
        held.stored = self.scans.fetch(entry.scan, path)
        limits = self.settings.max_bytes, self.settings.max_pages
        checked = pool.call(stages.check, path, *limits, seconds=self.settings.page_timeout)
        held.sha256 = checked.sha256
        if self.is_published(entry.name, checked.sha256):
            self._put_away(entry, held)
            return self._nothing(entry, "there")
        records = self._records(entry, held)
        records.mkdir(parents=True, exist_ok=True)
        held.pages_done = sum(1 for _ in records.glob("*.json"))
        held.alone = alone
        attempts = self.leases.attempts(lease, held.pages_done)
        if attempts >= self.settings.attempts:
            raise crashed_too_often(self.settings.attempts)
        if attempts and not alone:
            self.suspects[entry] = attempts
            self.leases.release(lease)
            return self._nothing(entry, None)
        return Scan(path, records, checked, is_last_try=lease.tries >= self.settings.retries)

    @contextlib.contextmanager
    def reading(self, turns: Turns, entry: Entry) -> Iterator[None]:
        """Wait for a page's turn; the first of a document is written down."""
        with turns.turn():
            held = self._in_work.get(entry.scan)
            if held is not None:  # else it has failed meanwhile, and nobody asks for this page
                with held.begins:
                    if not held.lease.begun:
                        held.lease = self.leases.begin(held.lease, held.pages_done, alone=held.alone)
            yield

    def finish(self, entry: Entry, pool: WorkerPool, scan: Scan) -> Outcome:
        """Publish a document whose pages are read, and put its scan away."""
        held = self._in_work[entry.scan]
        now = self.scans.look(entry.scan)
        if now is None or now.tag != held.stored.tag:
            self.source.check_mount()
            raise Changed(entry.scan)
        if away := missing_mount(self.settings.folders):
            raise away  # what is published now would not be seen
        names = publish.output_names(entry.name, self.settings.formats, self.settings.split != "off")
        for number in range(CHANGED_AGAIN):
            self.leases.confirm(held.lease)
            work = held.folder / f"desk{number}"
            work.mkdir()
            try:
                with self.home.desk(os.fspath(names["json"]), work) as desk:
                    plan = PublishPlan(
                        self.settings.repair,
                        self.settings.footnotes,
                        self.settings.low_confidence,
                        {form: desk.published / place for form, place in names.items()},
                        desk.staging,
                        desk.versions,
                        self.settings.split,
                        desk.published,
                        tells_strangers=True,
                        timezone=self.settings.timezone,
                        made_with=self.made,
                    )
                    shown, seconds = PurePosixPath(entry.name).name, self.settings.document_timeout
                    outcome = pool.call(stages.finish, scan.records, shown, scan.checked, plan, seconds=seconds)
                    if self.leases.is_lost(held.lease):
                        raise Lost(entry.scan)
                break
            except Changed:
                if number == CHANGED_AGAIN - 1:
                    raise
        outcome = replace(outcome, name=readable(entry.name))
        _journal(self.journal, _published(entry, outcome), place=f"published/{names['json']}")
        self._put_away(entry, held)
        shutil.rmtree(scan.records, ignore_errors=True)
        return outcome

    def is_published(self, name: str, sha256: str) -> bool:
        """Whether a document is published from these bytes, made as it would be made now.

        What people changed in it does not matter.
        """
        names = publish.output_names(name, self.settings.formats, self.settings.split != "off")
        for places in names_like({form: Path("published") / place for form, place in names.items()}):
            try:
                raw, _tag = self.home.read(os.fspath(places["json"]))
            except FileNotFoundError:
                return False
            with contextlib.suppress(ValueError, KeyError, TypeError, RecursionError):
                data = json.loads(raw)
                source = data["source"]
                if (source["sha256"], source.get("made_with")) == (sha256, self.made):
                    return self._has_all_texts(data, places)
        raise AssertionError

    def _has_all_texts(self, data: dict[str, Any], places: dict[str, Path]) -> bool:
        """Whether nothing is missing that a published JSON names."""
        folder = places["json"].parent
        listed = {str(one["name"]) for one in data["files"]}
        known = {readable(place.name): place.name for place in places.values()}
        return all(self.home.look(os.fspath(folder / known.get(name, name))) is not None for name in listed)

    def give_up(self, entry: Entry, fault: Fault) -> None:
        """Write down why a document is not published, and put its scan into quarantine if it does not stay.

        Raises:
            Lost: another has taken it over.
            OSError, StorageAway: that cannot be done now; the document is left for another try.
        """
        held = self._in_work[entry.scan]
        self.leases.confirm(held.lease)
        if self.source.is_published:
            self._end(entry)
            return
        place = f"quarantine/{entry.name}" if self.source.keeps else self._free_place(entry, held, "quarantine")
        moment = datetime.now().astimezone(ZoneInfo(self.settings.timezone))
        # The note comes first: a scan without one would be a riddle.
        what_to_do = WHAT_TO_DO_THERE if self.source.keeps else None
        self.home.put(_note_of(place), reason_text(entry.name, fault, moment, held.lease.place, what_to_do))
        if not self.source.keeps:
            _journal(self.journal, _given_up(entry, fault), place=place)
            self._move(entry, held, place)
        self._end(entry)

    def put_off(self, entry: Entry) -> None:
        """Leave a document for another try.

        Raises:
            Lost, OSError, StorageAway: as :meth:`give_up`.
        """
        self.leases.put_off(self._in_work[entry.scan].lease)
        self.forget(entry)

    def end_of(self, entry: Entry) -> End | None:
        """What became of a document of which nothing was read; ``None`` if its turn comes later."""
        return self._ends[entry.scan]

    def tries(self, entry: Entry) -> int:
        """How many times a document was put off before."""
        return self._in_work[entry.scan].lease.tries

    def has_scan(self, entry: Entry) -> bool:
        """Whether a document's scan lies where it lay.

        Raises:
            OSError, ShareAway, StorageAway: that cannot be said now.
        """
        if self.scans.look(entry.scan) is not None:
            return True
        self.source.check_mount()
        return False

    def holds(self, entry: Entry) -> bool:
        """Whether this process has the document in work."""
        return entry.scan in self._in_work

    def forget(self, entry: Entry) -> None:
        """Drop what was fetched of a document."""
        held = self._in_work.pop(entry.scan, None)
        if held is not None:
            shutil.rmtree(held.folder, ignore_errors=True)

    def let_go(self, entry: Entry) -> None:
        """Leave a document to whom it belongs, or to another try."""
        held = self._in_work.get(entry.scan)
        if held is not None:
            with contextlib.suppress(Lost):
                self.leases.release(held.lease)
        self.forget(entry)

    def _nothing(self, entry: Entry, end: End | None) -> Scan | None:
        """Nothing to read, and why."""
        self._ends[entry.scan] = end
        return None

    def _records(self, entry: Entry, held: _InWork) -> Path:
        """Where the page records of a document lie: where those of a scan of the inbox would."""
        return ClaimStore(self.settings).progress_folder(Claim("", entry.name, "", sha256=held.sha256))

    def _put_away(self, entry: Entry, held: _InWork) -> None:
        """End the work on a document that is published."""
        if not self.source.keeps:
            self._move(entry, held, self._free_place(entry, held, "originals"))
        # The note of an earlier try, unless it is that of an earlier scan of the name, which lies there.
        may_have_one = self.source.keeps or held.lease.tries or held.lease.attempts
        if may_have_one and self.home.look(f"quarantine/{entry.name}") is None:
            self.home.delete(_note_of(f"quarantine/{entry.name}"))
        self._end(entry)

    def _end(self, entry: Entry) -> None:
        held = self._in_work[entry.scan]
        with contextlib.suppress(Lost):  # all is done; who took it over finds that
            self.leases.end(held.lease)
        self.forget(entry)

    def _free_place(self, entry: Entry, held: _InWork, folder: str) -> str:
        """A free name for a scan in another folder; the one that it has there if it was copied before."""
        for number in count(1):
            place = os.fspath(numbered(Path(folder, entry.name), number))
            there = self.home.look(place)
            if there is None or self._is_copy(held, there):
                return place
        raise AssertionError

    def _move(self, entry: Entry, held: _InWork, place: str) -> None:
        """Copy a scan to its place in another folder, and remove it; what was copied before is not copied again."""
        with contextlib.suppress(Changed):  # another scan lies there by now: it stays, to be read
            if self.home.look(place) is None:
                self.home.copy(entry.scan, place, held.stored.tag)
            self.home.delete(entry.scan, held.stored.tag)

    def _is_copy(self, held: _InWork, there: Stored) -> bool:
        """Whether an object is the same scan: a kill came before it could be removed from where it lay."""
        if there.size != held.stored.size:
            return False
        path = held.folder / secrets.token_hex(4)
        self.home.fetch(there.name, path)
        if not held.sha256:
            mine = held.folder / secrets.token_hex(4)
            self.scans.fetch(held.stored.name, mine)
            held.sha256 = digest(mine)
        return digest(path) == held.sha256


def _note_of(place: str) -> str:
    """The name of the note about a scan in quarantine; as in folders, it is never too long a name where the scan's is
    not."""
    return os.fspath(reason_path(Path(place)))


Tell = Callable[[engine.Event[Entry]], object]


def work(
    batch: Batch,
    part: int,
    settings: Settings,
    *,
    home: Storage | None = None,
    scans: Storage | None = None,
    tell: Tell = lambda event: None,
    stop: threading.Event | None = None,
) -> PartDone:
    """Work on a part until all of its documents have come to an end, or nothing can be done now.

    Args:
        home, scans: the storages of the home, where the batch lies, and of the source; those of the settings and of the
            batch if left out.
        tell: is told what happens.
        stop: set by who wants the part to end; what is not done is left.

    Raises:
        ToolMissing: Tesseract, its Vietnamese data or poppler is missing.
        PathRefused: there is no such part.
        OSError, StorageAway: the part cannot even be begun.
    """
    lists = home or open_home(settings)
    # What is read again is published in the home's folders, wherever batches lie.
    home = open_folders(settings) if batch.source.is_published and settings.bucket else lists
    scans = scans or (batch.source.open(settings) if batch.source.address else home)
    entries = entries_of(lists, batch, part)
    done = earlier(lists, batch.id, part)
    journal = settings.folders.working / ".batch" / f"{batch.id}-{part:05}.jsonl"
    ended_before, put_away = _journalled(journal)
    done |= ended_before
    trouble: Fault | None = None
    folders = settings.folders
    with scratch(folders.working / ".batch") as folder, Leases(home, settings) as leases:
        on = Part(settings, batch.source, home, scans, leases, folder.absolute(), made_with(settings), journal)
        events = _events(on, entries, settings, stop)
        try:
            clear_forsaken(batch.source, leases, scans)
            for event in events:
                tell(event)
                if (one := _after(on, event, settings)) is not None:
                    one = _as_it_ended(one, put_away, home)
                    _note(batch, one)
                    _count(event, one, settings)
                    if one.end not in ("there", "gone") or one.name not in done or done[one.name].end in LEFT:
                        done[one.name] = one
                        _journal(journal, one)
        except ToolMissing:
            raise
        except Exception as fault:
            if not is_away(fault):
                raise
            trouble = as_fault(fault)
        finally:
            events.close()
    with contextlib.suppress(OSError, faults.StorageAway):
        done |= _ended_elsewhere(done, earlier(lists, batch.id, part))
    ended = tuple(done[entry.name] for entry in entries if entry.name in done)
    result = PartDone(batch.id, part, ended, trouble, len(entries) - len(ended))
    with contextlib.suppress(OSError, faults.StorageAway):  # what is missing in a report can be read again
        lists.put(part_name(batch.id, part, RESULT), as_json(result))
        journal.unlink(missing_ok=True)
    return result


def _ended_elsewhere(done: dict[str, Done], known: dict[str, Done]) -> dict[str, Done]:
    """What another run of the part ended meanwhile of what this one has left: a person may start one once more."""
    return {
        name: one
        for name, one in known.items()
        # What the other has published and put away is gone, to this one.
        if one.end not in LEFT and (name not in done or done[name].end in (*LEFT, "gone"))
    }


def clear_forsaken(source: Source, leases: Leases, scans: Storage) -> None:
    """Remove leases of scans that were put away: no plan lists those, so nobody would come upon them.

    Raises:
        OSError, StorageAway: that cannot be done now.
    """
    if not source.keeps:
        leases.clear_forsaken(source.address, lambda name: scans.look(name) is not None)


def _events(
    on: Part, entries: Sequence[Entry], settings: Settings, stop: threading.Event | None
) -> Generator[engine.Event[Entry], None, None]:
    page_turn = partial(on.reading, Turns(ClaimStore(settings)))

    def is_to_stop() -> bool:
        return stop is not None and stop.is_set()

    jobs = (on.job(entry) for entry in entries if not is_to_stop())
    yield from engine.read_all(jobs, settings, ahead=AHEAD, page_turn=page_turn)
    # Last, so that what does stop its reader keeps nothing else from being read; those that did so oftener later still.
    for entry in sorted(on.suspects, key=lambda one: on.suspects[one]):
        if not is_to_stop():
            yield from engine.read_all([on.job(entry, alone=True)], settings, page_turn=page_turn)


def _after(on: Part, event: engine.Event[Entry], settings: Settings) -> Done | None:
    """Do what is left to do after an event; what became of its document, if that is known now.

    Raises:
        Exception: a trouble of the machine or the storage.
    """
    match event:
        case Passed(entry):
            on.forget(entry)
            end = on.end_of(entry)
            return Done(entry.name, end) if end else None
        case Published(entry, outcome):
            return _published(entry, outcome)
        case Failed(entry, fault, cause):
            return _failed(on, entry, fault, cause, settings)
        case _:
            return None


def _published(entry: Entry, outcome: Outcome) -> Done:
    looks = {number for number, _ in (*outcome.low_pages, *outcome.failed_pages, *outcome.damaged_pages)}
    return Done(
        entry.name,
        "published",
        outcome.pages,
        outcome.words,
        round(outcome.seconds, 1),
        to_check=tuple(sorted(looks)),
        warnings=len(outcome.warnings),
    )


def _failed(on: Part, entry: Entry, fault: Fault, cause: Exception, settings: Settings) -> Done:
    if is_away(cause):
        on.forget(entry)
        raise cause
    name = entry.name
    told = _given_up(entry, fault, "put off")
    if not on.holds(entry):  # it could not even be looked at
        return told
    try:
        if isinstance(cause, Lost | Changed):
            on.let_go(entry)
            return Done(name, "held")
        if isinstance(cause, FileNotFoundError) and not on.has_scan(entry):
            on.let_go(entry)
            return Done(name, "gone")
        if on.tries(entry) >= tries_again(fault, settings.retries):
            on.give_up(entry, fault)
            return replace(told, end="kept" if on.source.is_published else "quarantined")
        on.put_off(entry)
        return told
    except Lost:
        on.forget(entry)
        return Done(name, "held")
    except (OSError, ValueError) as trouble:
        if is_away(trouble):
            raise
        # It cannot even be put away, such as where its name becomes too long: the others must not wait for that.
        on.let_go(entry)
        why = as_fault(trouble)
        return Done(name, told.end, 0, 0, 0.0, str(why), why.vietnamese)


def _note(batch: Batch, one: Done) -> None:
    """One line of the service's log."""
    name = readable(one.name)
    if one.end == "published":
        said = f"published: {name}: {one.pages} pages, {one.words} words, {one.seconds:.1f} s"
    else:
        said = f"{one.end}: {name}" + (f": {one.reason}" if one.reason else "")
    level = WARNING if one.reason else INFO
    facts = {"pages": one.pages, "words": one.words, "seconds": one.seconds, "reason": one.reason or None}
    note(one.end, f"batch {batch.id}: {said}", level=level, file=name, batch=batch.id, **facts)


def _count(event: engine.Event[Entry], one: Done, settings: Settings) -> None:
    """What the service tells Prometheus of it, as of any other document."""
    match event:
        case Published(_, outcome):
            meter.count(settings.folders, outcome.counts)
        case Failed(_, fault, _) if one.end in ("quarantined", "kept", "put off"):
            meter.count_end(settings.folders, one.end, type(fault).__name__)
        case _:
            pass


def _given_up(entry: Entry, fault: Fault, end: End = "quarantined") -> Done:
    return Done(entry.name, end, reason=str(fault), vietnamese=fault.vietnamese)


def _journal(path: Path, one: Done, *, place: str = "") -> None:
    """Write down at once what became of a document: of what a killed process did, the report would know nothing.

    Args:
        place: name of an object that lies there if it did come to that: its scan is put away now, and may be gone
            before anybody can say more. Empty if it has come to an end.
    """
    told = asdict(one) | ({"place": place} if place else {})
    with contextlib.suppress(OSError):
        path.parent.mkdir(exist_ok=True)
        with path.open("a") as file:
            file.write(json.dumps(told) + "\n")


def _journalled(path: Path) -> tuple[dict[str, Done], dict[str, tuple[Done, str]]]:
    """What became of documents, by their names, and what was to become of those of which only their putting away is
    noted: nobody has told of them."""
    ended: dict[str, Done] = {}
    put_away: dict[str, tuple[Done, str]] = {}
    with contextlib.suppress(OSError):
        for line in path.read_text().splitlines():
            with contextlib.suppress(ValueError, KeyError, TypeError, AttributeError):  # cut short
                told = json.loads(line)
                place = told.pop("place", "")
                one = _read_done(told)
                if place:
                    put_away[one.name] = one, place
                else:
                    ended[one.name] = one
    return ended, {name: told for name, told in put_away.items() if name not in ended}


def _as_it_ended(one: Done, put_away: dict[str, tuple[Done, str]], home: Storage) -> Done:
    """What became of a document, in the words of a process that was killed when it had done all but say so.

    Args:
        put_away: see :func:`_journalled`.
    """
    before, place = put_away.get(one.name, (one, ""))
    if place and one.end in ("there", "gone") and home.look(place) is not None:
        return before
    return one


def _read_done(told: dict[str, Any]) -> Done:
    return Done(**{**told, "to_check": tuple(told["to_check"])})


def as_json(result: PartDone) -> bytes:
    """What is kept of what a part came to."""
    trouble = None if result.trouble is None else [str(result.trouble), result.trouble.vietnamese]
    told = {"left": result.left, "trouble": trouble, "documents": [asdict(one) for one in result.documents]}
    return (json.dumps(told) + "\n").encode()


def earlier(home: Storage, batch_id: str, part: int) -> dict[str, Done]:
    """What earlier runs of a part came to, by the names of the documents.

    Raises:
        OSError, StorageAway: that cannot be read now.
    """
    try:
        raw, _tag = home.read(part_name(batch_id, part, RESULT))
        told = json.loads(raw)["documents"]
        return {one["name"]: _read_done(one) for one in told}
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return {}


def is_over(home: Storage, batch_id: str, part: int) -> bool:
    """Whether nothing of a part is left.

    Raises:
        OSError, StorageAway: that cannot be read now.
    """
    try:
        raw, _tag = home.read(part_name(batch_id, part, RESULT))
        return json.loads(raw)["left"] == 0
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return False
