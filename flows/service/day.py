"""Which documents of the day need a look, and what lies in quarantine: one table for the office, kept by the sweep.

Each run that publishes a document leaves a note in ``working/.days/DATE/``, under a mark of the document's name, so
that a later run of the same document replaces it. A sweep makes the table anew only if something changed since it was
shown last, which the times of the folders tell: at rest it costs a look at four folders, and nothing is written, not at
midnight either. A note that is lost costs a row of this table and nothing else.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter

from flows.host.files import replace_file
from flows.host.names import readable
from flows.intake.claims import ClaimStore
from flows.intake.quarantine import quarantined_files
from flows.pipeline.outcome import Outcome, grades
from flows.pipeline.to_check import Kind
from flows.settings import Folders, Settings

TOLD: frozenset[Kind] = frozenset({"fact", "page", "print", "number"})
"""What brings a document into the table; a few doubtful words are on nearly every page."""

MOST_TOLD = 3
"""So much is told of a document; the rest is counted."""


@dataclass(frozen=True, slots=True)
class Note:
    """A document that was published.

    Attributes:
        name: fit to be shown.
        at: when, in seconds since the epoch.
        run: id of its flow run.
        pages: how many.
        grades: of its pages, in words.
        looks: what to look at, a sentence each.
        more: how much else there is.
    """

    name: str
    at: float
    run: str
    pages: int
    grades: str
    looks: tuple[str, ...]
    more: int = 0


@dataclass(frozen=True, slots=True)
class Day:
    """How things stand.

    Attributes:
        date: of today, in the set time zone.
        notes: of all documents published today, the latest first.
        quarantined: name and reason of all that lies in quarantine, whenever it came there.
    """

    date: datetime
    notes: tuple[Note, ...]
    quarantined: tuple[tuple[str, str], ...]

    @property
    def to_look_at(self) -> list[Note]:
        """The notes of documents that need a look."""
        return [note for note in self.notes if note.looks]


_NOTE = TypeAdapter(Note)


def leave_note(store: ClaimStore, name: str, outcome: Outcome, run: str, now: float) -> None:
    """Note that a document was published.

    Args:
        name: its path below the inbox.

    Raises:
        OSError: the note cannot be written.
    """
    looks = looks_of(outcome)
    told, more = tuple(looks[:MOST_TOLD]), len(looks[MOST_TOLD:])
    note = Note(outcome.name, now, run, outcome.pages, grades(outcome), told, more)
    folder = _notes(store.folders) / f"{_moment(store.settings, now):%Y-%m-%d}"
    place = folder / f"{hashlib.sha256(os.fsencode(name)).hexdigest()[:32]}.json"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    replace_file(place, json.dumps(asdict(note)).encode())


def looks_of(outcome: Outcome) -> list[str]:
    """Why a person should look at a document, a sentence each; empty for most."""
    told = [check for check in outcome.checks if check.kind in TOLD]
    pages = {check.page for check in told if check.kind in ("page", "print")}
    hard = [number for number, _ in outcome.low_pages if number not in pages]
    looks = [f"page {check.page}: {check.why}" if check.page else check.why for check in told]
    if outcome.beside:
        looks.append(f"Another document is published under this name: {readable(outcome.beside)}.")
    return [*looks, *(f"page {number}: The page was hard to read." for number in hard)]


def state_of(folders: Folders) -> list[str]:
    """What changes when something in the table does: the last day of which there are notes, when folders changed."""
    days = _days(folders)
    watched = *days[-1:], folders.working / ".quarantined", folders.quarantine
    return [*(day.name for day in days[-1:]), *map(_changed, watched)]


def _changed(folder: Path) -> str:
    try:
        return str(folder.stat().st_mtime_ns)
    except FileNotFoundError:
        return ""


def is_news(folders: Folders, state: list[str]) -> bool:
    """Whether the table was not shown yet as it is in this state; never before anything happened here."""
    was_used = _notes(folders).exists() or (folders.working / ".quarantined").exists()
    return was_used and state != _shown(folders)


def _shown(folders: Folders) -> list[str] | None:
    with contextlib.suppress(OSError, ValueError):
        found = json.loads(_record(folders).read_bytes())
        return found if isinstance(found, list) else None
    return None


def mark_shown(folders: Folders, state: list[str]) -> None:
    """Write down that the table shows what there was in this state, which was looked at before it was read.

    Notes of days before the last one are removed.

    Raises:
        OSError: it cannot be written.
    """
    replace_file(_record(folders), json.dumps(state).encode())
    for day in _days(folders)[:-1]:
        shutil.rmtree(day, ignore_errors=True)


def read_day(store: ClaimStore, now: float) -> Day:
    """How things stand.

    Raises:
        OSError: a folder cannot be read.
    """
    today = _moment(store.settings, now)
    notes = []
    for place in (_notes(store.folders) / f"{today:%Y-%m-%d}").glob("*.json"):
        with contextlib.suppress(ValueError, FileNotFoundError):
            notes.append(_NOTE.validate_json(place.read_bytes()))
    root = store.folders.quarantine
    quarantined = tuple((os.fspath(path.relative_to(root)), why) for path, why in quarantined_files(store))
    return Day(today, tuple(sorted(notes, key=lambda note: -note.at)), quarantined)


def _moment(settings: Settings, seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, ZoneInfo(settings.timezone))


def _days(folders: Folders) -> list[Path]:
    """The folders with the notes of each day, the last day last."""
    return sorted(_notes(folders).glob("????-??-??"))


def _notes(folders: Folders) -> Path:
    return folders.working / ".days"


def _record(folders: Folders) -> Path:
    return folders.working / ".day-shown.json"
