"""Published documents are read again, as a batch: their scans lie in originals/ and stay there.

It is a batch like others, and so goes on after a kill: what was published anew names this version and its settings in
its JSON, and is not chosen again. What fails leaves what was published. Edits of people are made again in what is read
now, and what somebody changed by hand goes to versions/, as by ``nambat reread``.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from flows.batch.plan import Batch, Entry, Source, put_last, with_parts
from flows.batch.storage import Storage
from flows.batch.under_way import Open, all_open
from flows.host.names import new_id
from flows.intake import duplicates
from flows.intake.claims import ClaimStore
from flows.intake.reread import is_original
from flows.language import _
from flows.pipeline import publish
from flows.pipeline.strangers import names_like
from flows.review.readings import BadCondition, Holds, Reading, condition, older_than
from flows.review.scans import Scans
from flows.service.record import version
from flows.settings import Folders, Settings

ORIGINALS = Source("", "originals/", keeps=True, is_published=True)

MOST_OF_A_NAME = 100
"""Documents of one name (``b.txt``, ``b~2.txt``) among which one is looked for."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is to be read again.

    Attributes:
        readings: of these documents.
        same: how many more it would be that this version read with these settings, so that nothing would come of it.
    """

    readings: tuple[Reading, ...]
    same: int

    @property
    def pages(self) -> int:
        return sum(one.pages for one in self.readings)

    @property
    def seconds(self) -> float:
        """That reading their pages took last time, one after the other."""
        return sum(one.seconds for one in self.readings)


def wanted(since: str, where: str, settings: Settings) -> Holds:
    """Which documents a person wants to have read again.

    Args:
        since: those that a version before this one read; all versions' if empty.
        where: those of which this condition holds; all if empty.

    Raises:
        BadCondition: one of them says nothing of documents, or both are empty.
    """
    tests = [older_than(since.strip(), version())] if since.strip() else []
    tests += [condition(where, settings.low_confidence, settings.timezone)] if where.strip() else []
    if not tests:
        raise BadCondition(_("say which documents: those that an earlier version read, those of a condition, or both"))
    return lambda reading: all(test(reading) for test in tests)


def at_it(folders: Folders) -> Open | None:
    """The batch that the service reads again just now; ``None`` if there is none."""
    return next((one for one in all_open(folders) if one.shown == ORIGINALS.shown), None)


def choose(readings: Iterable[Reading], holds: Holds, made: str) -> Chosen:
    """Those of the readings that are to be read again.

    Args:
        made: a mark of all that would make a document of pages now.
    """
    found = [one for one in readings if holds(one)]
    others = [one for one in found if one.made_with != made]
    return Chosen(tuple(others), len(found) - len(others))


def plan_again(
    readings: Iterable[Reading], settings: Settings, home: Storage, missing: Callable[[Reading], object]
) -> Batch:
    """A batch of the scans of published documents.

    Args:
        home: where batches lie.
        missing: told of a document whose scan does not lie in originals/ any more, or nothing tells what it was called.

    Raises:
        OSError: it cannot be written down now.
    """
    batch = Batch(new_id(), ORIGINALS, duplicates.made_with(settings), time.time())
    entries = _entries(readings, ClaimStore(settings), missing)
    return put_last(with_parts(batch, entries, home, settings.batch_pages), home, settings.folders)


def _entries(readings: Iterable[Reading], store: ClaimStore, missing: Callable[[Reading], object]) -> Iterator[Entry]:
    moved = Scans((store.folders.originals,), looks_again=False)
    for reading in readings:
        name = _name_of(reading, store)
        place = name if name and is_original(store, name, reading.sha256) else None
        # By what is in it and not by its name: listing a folder for each of a hundred thousand takes days.
        if name and place is None and (path := moved.scan_of(reading.sha256, reading.bytes)) is not None:
            place = os.fspath(path.relative_to(store.folders.originals))
        if name is None or place is None:
            missing(reading)
        else:
            yield Entry(f"originals/{place}", name, bytes=reading.bytes, pages=reading.pages)


def _name_of(reading: Reading, store: ClaimStore) -> str | None:
    """The name below the inbox of a scan of whose text this is the JSON; ``None`` if it cannot be told any more.

    The JSON tells it as far as it can be shown; its own name and what was noted when it was published tell the rest.
    """
    told = *_told_by_json(reading), *duplicates.names_of(store, reading.sha256)
    return next((name for name in told if _is_published_as(store.settings, name, reading.name)), None)


def _told_by_json(reading: Reading) -> tuple[str, ...]:
    """What the scan may have been called; nothing if somebody wrote into the JSON what is no name of a file."""
    record = PurePosixPath(reading.name)
    if not reading.scan.strip(".") or "/" in reading.scan or "\0" in reading.scan:
        return ()
    shown = record.with_name(reading.scan)
    return os.fspath(shown), os.fspath(record.with_suffix(shown.suffix))


def _is_published_as(settings: Settings, name: str, record: str) -> bool:
    """Whether the text of a scan of this name may have this JSON."""
    names = publish.output_names(name, settings.formats, settings.split != "off")
    places = names_like({"json": Path(names["json"])})
    return any(os.fspath(place["json"]) == record for place, _ in zip(places, range(MOST_OF_A_NAME), strict=False))
