"""The batches that a home has under way: which parts have runs, and which wait for theirs.

``working/.batch/open-<id>.json`` holds what is known of each. Parts get runs in their order and a few at a time, so
that the Prefect server has few to keep. A part whose run ended without having done all is tried again later, until
there were too many tries; what its documents have come to is in the storage, whatever becomes of runs.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

from flows.batch.plan import Batch
from flows.batch.storage import Storage, open_home
from flows.batch.work import Done, earlier, is_over
from flows.faults import StorageAway
from flows.host import heartbeat
from flows.host.files import replace_file, try_writing
from flows.host.locks import locked
from flows.language import _, in_one_line
from flows.settings import BadSetting, Folders, Settings

AHEAD = 2
"""Parts that have a run and wait for their turn, where the service reads by itself: one at a time."""

ALL_TRIED, CANCELLED = "tried", "cancelled"
"""Why a part is not tried any more: too many tries; a person cancelled its run."""


DIED = "died"
"""How a run has ended whose process is dead and could tell nobody."""


@dataclass(frozen=True, slots=True)
class PartRun:
    """A part that has begun, or had to be tried again.

    Attributes:
        flow_run: its run; empty if it has none now.
        tries: how many runs ended without having done all.
        not_before: seconds since the epoch before which no other run begins.
        over: whether nothing of it is left to do.
        given_up: why it is not tried any more; empty if it is.
        forgiven: of the tries, how many do not count: a person wants it to be tried again.
    """

    flow_run: str = ""
    tries: int = 0
    not_before: float = 0.0
    over: bool = False
    given_up: str = ""
    forgiven: int = 0

    def once_more(self, flow_run: str = "") -> PartRun:
        """The same, where it was given up and is to be tried again, by this run if one is named."""
        # The tries are part of the key by which the server knows a run, and so go on.
        return PartRun(flow_run, self.tries, forgiven=self.tries)


@dataclass(frozen=True, slots=True)
class Open:
    """A batch under way.

    Attributes:
        shown: its source, as a person calls it.
        documents: how many it has.
        pages: how many these have, as far as they were counted.
        part_runs: by their numbers; those that have not begun are missing.
    """

    id: str
    shown: str
    parts: int
    documents: int
    part_runs: dict[int, PartRun] = field(default_factory=dict)
    pages: int = 0

    @property
    def is_done(self) -> bool:
        """Whether nothing will be done any more."""
        return len(self.part_runs) == self.parts and all(one.over or one.given_up for one in self.part_runs.values())

    @property
    def parts_over(self) -> int:
        return sum(one.over for one in self.part_runs.values())

    @property
    def given_up(self) -> list[int]:
        """The parts that are not tried any more although something of them is left."""
        return sorted(part for part, one in self.part_runs.items() if one.given_up)

    @property
    def pages_waiting(self) -> float:
        """About how many pages are left to read: parts have about as many each."""
        left = self.parts - sum(bool(one.over or one.given_up) for one in self.part_runs.values())
        return self.pages * left / max(1, self.parts)


@dataclass(frozen=True, slots=True)
class Starter:
    """What it takes of the Prefect server. All may raise any exception while it is away.

    Attributes:
        start: start the run of a part and return its id; the same id for the same batch, part and try.
        ended: of those runs that have ended, how (see :class:`flows.intake.sweep.Runs`).
        lose: note of runs that their processes are dead, as those can not.
    """

    start: Callable[[str, int, int], str]
    ended: Callable[[list[str]], dict[str, str]]
    lose: Callable[[list[str]], None] = lambda ids: None


def open_batch(settings: Settings, batch: Batch) -> None:
    """Let the parts of a batch have runs from now on.

    Raises:
        OSError: it cannot be written down.
    """
    with locked(_lock(settings.folders)):
        if not _place(settings.folders, batch.id).exists():
            shown = batch.source.shown
            _save(settings.folders, Open(batch.id, shown, batch.parts, batch.documents, pages=batch.pages))


def all_open(folders: Folders) -> list[Open]:
    """The batches under way, the oldest first."""
    found = (_read(path) for path in _places_of_open(folders))
    return [one for one in found if one is not None]


def _places_of_open(folders: Folders) -> list[Path]:
    return sorted((folders.working / ".batch").glob("open-*.json"))


def all_with_given_up(folders: Folders) -> list[Open]:
    """The batches, done or under way, of which parts were given up, the oldest first."""
    places = (folders.working / ".batch").glob("*-*.json")
    known = {place.stem.partition("-")[2] for place in places if place.name.startswith(("open-", "done-"))}
    found = (find_open(folders, batch_id) for batch_id in sorted(known))
    return [one for one in found if one is not None and one.given_up]


def try_again(folders: Folders, batch_id: str) -> int:
    """Let the parts of a batch that were given up have runs again, as many as at first; how many parts these are.

    Args:
        batch_id: of a batch of this home; nothing is done where there is none.

    Raises:
        OSError: it cannot be written down.
    """
    with locked(_lock(folders)):
        batch = find_open(folders, batch_id)
        given_up = [] if batch is None else batch.given_up
        if batch is not None and given_up:
            for part in given_up:
                batch.part_runs[part] = batch.part_runs[part].once_more()
            _open_again(folders, batch)
        return len(given_up)


def taken_up(folders: Folders, batch_id: str, part: int, flow_run: str) -> None:
    """A run of a part begins: where the part had been given up, a person has started that run once more.

    Raises:
        OSError: it cannot be written down.
    """
    with locked(_lock(folders)):
        batch = find_open(folders, batch_id)
        if batch is not None and part in batch.given_up:
            batch.part_runs[part] = batch.part_runs[part].once_more(flow_run)
            _open_again(folders, batch)


def _open_again(folders: Folders, batch: Open) -> None:
    _save(folders, batch)
    _place(folders, batch.id, "done").unlink(missing_ok=True)


def keep_going(
    settings: Settings,
    starter: Starter,
    *,
    ahead: int = AHEAD,
    now: float | None = None,
    home: Storage | None = None,
) -> list[str]:
    """Start runs for the next parts of the batches under way, and look after those that have ended.

    Args:
        ahead: most parts that may have a run and wait for their turn.
        now: seconds since the epoch.
        home: the storage; that of the settings if it is left out.

    Returns:
        What could not be done, a sentence each.
    """
    folders = settings.folders
    if not _places_of_open(folders):
        return []
    with locked(_lock(folders), wait=False) as alone:
        if not alone:
            return []
        try:
            now = time.time() if now is None else now
            return _look_after(settings, starter, ahead, now, home or open_home(settings))
        except (BadSetting, OSError, StorageAway) as fault:
            return [_("batches wait: {why}").format(why=fault)]
        except Exception as fault:
            return [_("the Prefect server does not answer: {why}").format(why=in_one_line(fault))]


@contextlib.contextmanager
def at_work(folders: Folders, batch_id: str, part: int) -> Iterator[None]:
    """This process works on a part as long as the block runs; it must leave signs of life meanwhile.

    Raises:
        OSError: it cannot be written down.
    """
    note = _note_of_worker(folders, batch_id, part)
    note.parent.mkdir(parents=True, exist_ok=True)
    replace_file(note, heartbeat.identity().encode())
    try:
        yield
    finally:
        note.unlink(missing_ok=True)


def workers(folders: Folders) -> list[str]:
    """The processes that work on parts, or did so when they were killed."""
    found = []
    for note in (folders.working / ".batch").glob("*.worker"):
        with contextlib.suppress(OSError):
            found.append(note.read_text())
    return found


def _is_at_work(settings: Settings, batch_id: str, part: int) -> bool | None:
    """Whether the process still runs that works on a part; ``None`` if none has begun."""
    try:
        owner = _note_of_worker(settings.folders, batch_id, part).read_text()
    except OSError:
        return None
    return heartbeat.is_alive(settings.folders, owner, settings.claim_timeout)


def _note_of_worker(folders: Folders, batch_id: str, part: int) -> Path:
    return folders.working / ".batch" / f"{batch_id}-{part:05}.worker"


def _look_after(settings: Settings, starter: Starter, ahead: int, now: float, home: Storage) -> list[str]:
    """Do what there is to do; what was given up, a sentence each."""
    folders = settings.folders
    batches = all_open(folders)
    given_up = [line for batch in batches for line in _look_at_runs(settings, starter, batch, now, home)]
    left = ahead - sum(_waiting(settings, batch) for batch in batches)
    for batch in batches:
        begun = list(islice(_due(batch, now), max(0, left)))
        left -= len(begun)
        try:
            for part in begun:
                run = batch.part_runs.get(part, PartRun())
                batch.part_runs[part] = replace(run, flow_run=starter.start(batch.id, part, run.tries))
        finally:  # the server may have gone away in between
            if begun:
                _save(folders, batch)
        if batch.is_done:
            _place(folders, batch.id).rename(_place(folders, batch.id, "done"))
    return given_up


def _waiting(settings: Settings, batch: Open) -> int:
    """How many parts have a run and wait for their turn."""
    return sum(
        bool(run.flow_run) and not _is_at_work(settings, batch.id, part) for part, run in batch.part_runs.items()
    )


def _look_at_runs(settings: Settings, starter: Starter, batch: Open, now: float, home: Storage) -> list[str]:
    """Write down which runs of a batch have ended; which parts were given up, a sentence each."""
    ended = _ended(settings, starter, batch)
    if not ended:
        return []
    lost = [batch.part_runs[part].flow_run for part, how in ended.items() if how == DIED]
    for part, how in ended.items():
        batch.part_runs[part] = _after(settings, home, batch.id, part, batch.part_runs[part], how, now)
    _save(settings.folders, batch)  # once for all: of a batch of thousands of parts each writing takes a while
    for part in ended:
        _note_of_worker(settings.folders, batch.id, part).unlink(missing_ok=True)
    if lost:
        with contextlib.suppress(Exception):  # the server is away again: it only looks as if they went on
            starter.lose(lost)
    said = _(
        "part {part} of {source} was tried {count} times and is given up; once more with: nambat batch --again {batch}"
    )
    return [
        said.format(part=part, source=batch.shown, count=batch.part_runs[part].tries, batch=batch.id)
        for part in ended
        if batch.part_runs[part].given_up == ALL_TRIED
    ]


def _ended(settings: Settings, starter: Starter, batch: Open) -> dict[int, str]:
    """How the runs of parts have ended, of those that have."""
    runs = {part: run.flow_run for part, run in batch.part_runs.items() if run.flow_run}
    told = starter.ended(list(runs.values())) if runs else {}
    found = {part: _how_it_ended(settings, batch, part, told.get(run)) for part, run in runs.items()}
    return {part: how for part, how in found.items() if how is not None}


def _how_it_ended(settings: Settings, batch: Open, part: int, told: str | None) -> str | None:
    """How the run of a part has ended; ``None`` if it has not.

    A run that has lasted for a while looks as one does that never began, and one whose process was killed as if it went
    on: whether somebody works on it, we know.

    Args:
        told: what the server says.
    """
    works = _is_at_work(settings, batch.id, part)
    if told == "stuck":
        return None if works else DIED
    return DIED if told is None and works is False else told


def _after(settings: Settings, home: Storage, batch_id: str, part: int, run: PartRun, how: str, now: float) -> PartRun:
    """What is known of a part whose run has ended."""
    run = replace(run, flow_run="", tries=run.tries + 1)
    if is_over(home, batch_id, part):
        return replace(run, over=True)
    if how == "cancelled":
        return replace(run, given_up=CANCELLED)
    tries = run.tries - run.forgiven
    if tries > settings.retries:
        return replace(run, given_up=ALL_TRIED)
    return replace(run, not_before=now + settings.pause_before_retry(tries - 1))


def _due(batch: Open, now: float) -> Iterator[int]:
    """The parts that may have a run now, in their order."""
    for part in range(1, batch.parts + 1):
        run = batch.part_runs.get(part, PartRun())
        if not (run.flow_run or run.over or run.given_up) and run.not_before <= now:
            yield part


@dataclass(frozen=True, slots=True)
class Summary:
    """What a batch has come to.

    Attributes:
        counts: how many documents came to which end; ``waiting`` are those whose turn has not come.
        failed: what was not published, the first of each reason first.
        to_check: documents with pages that a person should look at.
    """

    documents: int
    pages: int
    counts: dict[str, int]
    failed: tuple[Done, ...] = ()
    to_check: tuple[Done, ...] = ()

    @property
    def is_well(self) -> bool:
        """Whether everything is published."""
        return self.counts.get("published", 0) + self.counts.get("there", 0) == self.documents


FEW = 100
"""Parts of a batch that is summed up after each of them."""

SHARE = 50
"""Of more parts that is done so seldom that it takes no more than one of so many seconds of one process."""

FAILED = ("quarantined", "kept", "put off", "held", "gone")


def sum_up(home: Storage, batch: Batch) -> Summary:
    """What the parts of a batch have come to by now.

    Raises:
        OSError, StorageAway: that cannot be read now.
    """
    ended = (one for part in range(1, batch.parts + 1) for one in earlier(home, batch.id, part).values())
    return summary_of(ended, batch.documents)


def summary_of(done: Iterable[Done], documents: int) -> Summary:
    """What so many documents have come to, of which these have come to an end."""
    counted: Counter[str] = Counter()
    pages = 0
    failed, to_check = [], []
    for one in done:  # there may be millions: only those are kept of which something is to be told
        counted[one.end] += 1
        pages += one.pages
        if one.end in FAILED:
            failed.append(one)
        if one.to_check:
            to_check.append(one)
    counts = {end: counted[end] for end in ("published", "there", *FAILED)}
    counts["waiting"] = documents - counted.total()
    return Summary(
        documents,
        pages,
        {end: count for end, count in counts.items() if count},
        tuple(sorted(failed, key=lambda one: (one.reason, one.name))),
        tuple(to_check),
    )


def sum_up_in_turn(settings: Settings, home: Storage, batch: Batch) -> Summary | None:
    """The same after a part has ended; ``None`` where that was done a while ago and many parts are still to come.

    All results are read for it. After each of some thousand parts that would take longer than their pages.

    Raises:
        OSError, StorageAway: as :func:`sum_up`.
    """
    if batch.parts <= FEW or _is_nearly_done(settings.folders, batch):
        return sum_up(home, batch)
    mark = settings.folders.working / ".batch" / f"{batch.id}.summed"
    with locked(mark, wait=False) as alone:
        told = mark.read_text()
        now = try_writing(mark.parent)
        if not alone or (told and now - mark.stat().st_mtime < float(told) * SHARE):
            return None
        begun = time.monotonic()
        found = sum_up(home, batch)
        mark.write_text(f"{time.monotonic() - begun:.3f}")
        return found


def _is_nearly_done(folders: Folders, batch: Batch) -> bool:
    """Whether no part of a batch waits for its first run: each of the last ones may be the very last."""
    found = find_open(folders, batch.id)
    return found is None or len(found.part_runs) == batch.parts


def _lock(folders: Folders) -> Path:
    return folders.working / ".batch" / ".lock"


def _place(folders: Folders, batch_id: str, state: str = "open") -> Path:
    return folders.working / ".batch" / f"{state}-{batch_id}.json"


def _save(folders: Folders, batch: Open) -> None:
    place = _place(folders, batch.id)
    place.parent.mkdir(parents=True, exist_ok=True)
    replace_file(place, json.dumps(asdict(batch)).encode())


def _read(path: Path) -> Open | None:
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
        told: dict[str, Any] = json.loads(path.read_bytes())
        told["part_runs"] = {int(part): PartRun(**run) for part, run in told["part_runs"].items()}
        return Open(**told)
    return None


def find_open(folders: Folders, batch_id: str) -> Open | None:
    """A batch of this home, under way or done."""
    return _read(_place(folders, batch_id)) or _read(_place(folders, batch_id, "done"))
