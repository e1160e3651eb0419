"""The register of quarantine: which claim each scan there comes from, and what we wrote into the note beside it.

A note is for people: they may change it, move it or drop it into the inbox, and what a scan makes its reader say
stands in it. So nothing is read out of notes. What nambat has to know lies in ``working/.quarantined/<claim>.json``,
and a note is ours only as long as it is byte for byte what was written there.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import secrets
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path, PurePosixPath
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter

from flows.host.files import replace_file
from flows.host.moves import (
    Gone,
    below,
    below_without_links,
    is_file,
    move,
    opened_folder,
    read_below,
    room_for,
)
from flows.host.names import fitted
from flows.intake.claims import ClaimStore, check_id
from flows.intake.inbox import HELD
from flows.pipeline.publish import remove

REASON = ".reason.txt"


@dataclass(frozen=True, slots=True)
class Entry:
    """What is written down about a scan in quarantine.

    Attributes:
        claim: id of the claim it comes from.
        place: path of the scan below quarantine/.
        note: SHA-256 of the note beside it, as we wrote it.
        pages: name of the folder of working/.progress/ that keeps what was read of it.
        name: what it was called below the inbox; its place may have a number, where another of that name lay already.
        flow_run: id of the Prefect run that failed on it; empty if none did.
        is_settled: whether it is to go to dismissed/ (see :mod:`flows.intake.settling`).
        mark: what its hidden name ends in on the way there.
        dismissed: path below dismissed/ where it was about to go, or has gone.
    """

    claim: str
    place: str
    note: str
    pages: str
    name: str = ""
    flow_run: str = ""
    is_settled: bool = False
    mark: str = ""
    dismissed: str = ""


_RECORD = TypeAdapter(Entry)
_MARK = re.compile(r"[0-9a-f]*", re.ASCII)


def reason_path(scan: Path) -> Path:
    """Where the note about a quarantined scan lies."""
    return scan.with_name(fitted(scan.name, REASON))


def entry_of(store: ClaimStore, claim_id: str) -> Entry:
    """The entry of the scan that went from the claim of that id to quarantine.

    Raises:
        Gone: there is none, or that is no id of a claim.
        OSError: it cannot be read now.
    """
    try:
        entry = _RECORD.validate_python(json.loads(_path(store, check_id(claim_id)).read_bytes()))
        entry = replace(entry, name=entry.name or entry.place)  # versions before 0.5 did not write it down
        below(store.folders.quarantine, entry.place)
        below(store.folders.inbox, entry.name)
    except (FileNotFoundError, ValueError, RecursionError) as fault:
        raise Gone(f"nothing in quarantine comes from claim {claim_id}") from fault
    if entry.claim != claim_id or PurePosixPath(entry.pages).name != entry.pages or not _MARK.fullmatch(entry.mark):
        raise Gone(f"the entry of claim {claim_id} is another's")
    return entry


def entries(store: ClaimStore) -> Iterator[Entry]:
    """All entries that can be read."""
    for path in sorted(_path(store, "").parent.glob("*.json")):
        with contextlib.suppress(Gone, OSError):
            yield entry_of(store, path.stem)


def enter(store: ClaimStore, entry: Entry, note: bytes) -> None:
    """Write an entry and the note it is about; the entry first, so that each note of ours has one.

    An earlier note for the same claim goes: somebody else's file lies at the place that it was about.

    Raises:
        Gone: a link lies on the way to the note.
        OSError: one cannot be written.
    """
    with contextlib.suppress(Gone):
        earlier = entry_of(store, entry.claim)
        if earlier.place != entry.place and has_own_note(store, earlier):
            remove(note_of(store, earlier), store.folders.quarantine)
    for earlier in entries(store):
        if earlier.place == entry.place and earlier.claim != entry.claim:
            strike(store, earlier)  # its scan has left that place
    save(store, entry)
    _write_note(store, entry, note)


def save(store: ClaimStore, entry: Entry) -> None:
    """Write an entry down, or what has changed in it.

    Raises:
        OSError: it cannot be written.
    """
    record = _path(store, entry.claim)
    record.parent.mkdir(exist_ok=True)
    replace_file(record, json.dumps(asdict(entry)).encode())


def _write_note(store: ClaimStore, entry: Entry, note: bytes) -> None:
    beside = f".{secrets.token_hex(8)}.tmp"
    with opened_folder(store.folders.quarantine, entry.place) as folder:
        try:
            with open(beside, "xb", opener=lambda path, flags: os.open(path, flags, dir_fd=folder)) as file:
                file.write(note)
                file.flush()
                os.fsync(file.fileno())
            os.replace(beside, note_of(store, entry).name, src_dir_fd=folder, dst_dir_fd=folder)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(beside, dir_fd=folder)
            raise


def is_own_note(store: ClaimStore, path: Path) -> bool:
    """Whether what lies there is a note of ours, byte for byte as we wrote it."""
    return any(note_of(store, entry) == path and has_own_note(store, entry) for entry in entries(store))


def strike(store: ClaimStore, entry: Entry, *, goes_on: bool = False) -> None:
    """Remove an entry; its note has to be gone by then.

    The run that failed on its scan is remembered: its tags say that the scan lies in quarantine, and the server that
    has to hear that this is over may be away now.

    Args:
        goes_on: whether that very run works on the scan again, and will set its tags itself.
    """
    record = _path(store, entry.claim)
    with contextlib.suppress(OSError):
        if entry.flow_run and not goes_on:
            left = _left(store)
            left.mkdir(exist_ok=True)
            record.replace(left / record.name)
        else:
            record.unlink(missing_ok=True)


def runs_left(store: ClaimStore) -> dict[str, list[Path]]:
    """Runs none of whose scans lies in quarantine any more, and the records to remove when their tags are off."""
    waited_for = {entry.flow_run for entry in entries(store)}  # an archive's run has failed on several scans
    found: dict[str, list[Path]] = {}
    for record in sorted(_left(store).glob("*.json")):
        try:
            run = str(json.loads(record.read_bytes())["flow_run"])
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            continue
        if run not in waited_for:
            found.setdefault(run, []).append(record)
    return found


def _left(store: ClaimStore) -> Path:
    return store.folders.working / ".quarantined" / "left"


def note_of(store: ClaimStore, entry: Entry) -> Path:
    """Where the note lies that an entry is about."""
    return reason_path(store.folders.quarantine / entry.place)


def has_own_note(store: ClaimStore, entry: Entry) -> bool:
    """Whether an entry's note lies there, byte for byte as we wrote it."""
    name = os.fspath(note_of(store, entry).relative_to(store.folders.quarantine))
    with contextlib.suppress(Gone, OSError):
        return hashlib.sha256(read_below(store.folders.quarantine, name)).hexdigest() == entry.note
    return False


def take_note_away(store: ClaimStore, entry: Entry) -> None:
    """Remove the note of a scan that is read again. One that a person wrote on goes to versions/.

    Raises:
        OSError: it cannot be moved.
    """
    note = note_of(store, entry)
    if has_own_note(store, entry):
        remove(note, store.folders.quarantine)
    elif is_file(note):
        now = datetime.now(ZoneInfo(store.settings.timezone))
        name = PurePosixPath(entry.place).with_name(f"{note.stem} ({now:%Y-%m-%d %H%M%S}).txt")
        wanted = room_for(store.folders.versions, os.fspath(name.with_name(fitted(name.stem, name.suffix))))
        with contextlib.suppress(Gone):
            below_without_links(store.folders.quarantine, os.fspath(note.relative_to(store.folders.quarantine)))
            parked = wanted.with_name(f"{HELD}{secrets.token_hex(8)}")
            move(note, wanted, parked, root=store.folders.versions)


def _path(store: ClaimStore, claim_id: str) -> Path:
    return store.folders.working / ".quarantined" / f"{claim_id}.json"
