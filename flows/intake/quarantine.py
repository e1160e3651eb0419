"""Quarantine: scans that cannot be published, each with a note that says why and what to do."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Collection
from datetime import datetime
from logging import WARNING
from pathlib import Path
from zoneinfo import ZoneInfo

from flows import faults
from flows.faults import CrashedTooOften
from flows.host import meter
from flows.host.locks import claims_lock, locked, moves_lock
from flows.host.log import note as log
from flows.host.moves import Gone, below_without_links, is_file, lies, read_below
from flows.host.names import readable
from flows.intake import duplicates, register, transfers
from flows.intake.claims import Claim, ClaimStore
from flows.intake.inbox import list_inbox
from flows.intake.register import REASON, Entry, reason_path
from flows.language import N_, _, language
from flows.pipeline.publish import remove
from ocr.faults import Fault

WHAT_TO_DO = (
    "Khi đã khắc phục: chép tệp vào lại inbox, hoặc chạy lệnh `nambat retry`.\n"
    "When that is mended: drop the file into the inbox again, or run `nambat retry`."
)
"""Stands in every note."""

WHAT_TO_DO_THERE = (
    "Bản quét vẫn nằm ở chỗ cũ. Khi đã khắc phục: chạy lại đợt xử lý (`nambat batch`).\n"
    "The scan lies where it lay. When that is mended: run the batch again (`nambat batch`)."
)
"""Stands in notes about scans that a batch run read and that stay where they are, out of quarantine."""

WRITTEN_ON = N_("a note that somebody wrote on; its scan is gone")


def crashed_too_often(attempts: int) -> CrashedTooOften:
    """The fault of a document whose reading ended without an answer so many times."""
    return faults.CRASHED_TOO_OFTEN.fault(attempts=attempts)


def quarantine(store: ClaimStore, claim: Claim, fault: Fault, now: datetime | None = None) -> Path | None:
    """Move a scan that failed to quarantine/, with a note beside it that says why and what to do.

    One that a crash left half-way between two folders goes back to the inbox instead: it has to be found first.
    One that was to be read again goes back to originals/: what was published of it is still there. There goes, too, one
    whose reading stopped again and again only after its text was published.
    Pages that were read are kept for a later try.

    Raises:
        OSError: it cannot be moved, or the note cannot be written; the claim stays.
    """
    if claim.keep and transfers.is_half_way(store, claim):
        return transfers.recover(store, claim)
    if claim.original or (isinstance(fault, CrashedTooOften) and duplicates.is_published(store, claim)):
        place = transfers.archive(store, claim)
        meter.count_end(store.folders, "kept", type(fault).__name__)
        return place
    root = store.folders.quarantine
    moment = (now or datetime.now()).astimezone(ZoneInfo(store.settings.timezone))
    note = reason_text(claim.name, fault, moment, claim.id)
    pages = store.progress_folder(claim).name

    def announce(place: Path) -> None:
        where = os.fspath(place.relative_to(root))
        known = hashlib.sha256(note).hexdigest()
        register.enter(store, Entry(claim.id, where, known, pages, claim.name, claim.flow_run), note)

    def is_taken(place: Path) -> bool:
        beside = reason_path(place)
        return lies(place) or (lies(beside) and not register.is_own_note(store, beside))

    place = transfers.move_out(store, claim, root, is_taken=is_taken, announce=announce)
    name, kind = readable(claim.name), type(fault).__name__
    log("quarantined", f"to quarantine: {name}: {fault}", level=WARNING, file=name, fault=kind, reason=str(fault))
    meter.count_end(store.folders, "quarantined", kind)
    if claim.keep:
        store.keep_pages(claim)
    else:
        store.drop_progress(claim)
    return place


def reason_text(name: str, fault: Fault, now: datetime, claim_id: str, what_to_do: str | None = None) -> bytes:
    """The note beside a quarantined scan: Vietnamese, English, what to do, and the technical detail."""
    return (
        f"{_in_one_line(fault.vietnamese)}\n{_in_one_line(str(fault))}\n\n{what_to_do or WHAT_TO_DO}\n\n"
        f"{readable(name)}, {now:%Y-%m-%d %H:%M:%S %z}, {type(fault).__name__}, {claim_id}\n"
        f"{fault.detail}".rstrip()
        + "\n"
    ).encode("utf-8", "replace")


def _in_one_line(sentence: str) -> str:
    return " ".join(sentence.split())


def quarantined_files(store: ClaimStore) -> list[tuple[Path, str]]:
    """Every scan in quarantine with the sentence of its note that is in the language of the moment."""
    root = store.folders.quarantine
    names = list_inbox(root).files
    listed = list(register.entries(store))
    scans = {root / entry.place for entry in listed}
    notes = {register.note_of(store, entry): entry for entry in listed}
    found = []
    for name in sorted(names):
        path = root / name
        if path in notes and path not in scans:
            if not lies(root / notes[path].place) and not register.has_own_note(store, notes[path]):
                found.append((path, _(WRITTEN_ON)))
        elif not _is_note(root, name, names):
            found.append((path, _why(root, path)))
    return found


def _why(root: Path, scan: Path) -> str:
    """What the note about a scan says, in the language of the moment: Vietnamese stands first, English second."""
    line = 0 if language() == "vi" else 1
    with contextlib.suppress(Gone, OSError, IndexError):
        return _text(root, os.fspath(reason_path(scan).relative_to(root))).splitlines()[line]
    return _("no note says why")


def _is_note(root: Path, name: str, names: Collection[str]) -> bool:
    """Whether a file is a note without an entry: about a scan beside it, as version 0.1 wrote it and batch runs do, or
    about one that stays where it lies."""
    with contextlib.suppress(Gone, OSError):
        if name.endswith(REASON):
            text = _text(root, name)
            return WHAT_TO_DO_THERE in text or (name.removesuffix(REASON) in names and WHAT_TO_DO in text)
    return False


def _text(root: Path, name: str) -> str:
    return read_below(root, name).decode("utf-8", "replace")


def drop_stray_notes(store: ClaimStore) -> None:
    """Remove notes of ours whose scan is not there: a crash kept it from getting there, or somebody took it.

    For a process that has recovered all claims. What a person wrote on stays.
    """
    with locked(moves_lock(store.folders)):
        listed = list(register.entries(store))
        for entry in listed:
            with contextlib.suppress(OSError, Fault):
                if lies(store.folders.quarantine / entry.place):
                    continue
                if register.has_own_note(store, entry):
                    remove(register.note_of(store, entry), store.folders.quarantine)
                if not lies(register.note_of(store, entry)):
                    register.strike(store, entry)
    in_work = {store.progress_folder(claim).name for claim in store.open_claims()}
    store.drop_old_progress({*in_work, *(entry.pages for entry in register.entries(store))})


def retry(store: ClaimStore, path: Path, owner: str) -> Path:
    """Put a quarantined scan back into the inbox under its first name and remove its note. Returns where it lies then.

    Args:
        owner: the process that does so; if it dies half-way, a sweep ends what it began.

    Raises:
        Gone: it is not in quarantine.
        OSError: it cannot be moved.
    """
    with locked(claims_lock(store.folders)):  # or a sweep would start a run for what is only passing through
        claim, entry = _take(store, path, owner)
        place = transfers.hand_back(store, claim)
    if place is None:
        raise Gone(f"{readable(path.name)} is gone")
    if entry is not None:
        store.pass_on_pages(entry.pages, os.fspath(place.relative_to(store.folders.inbox)))
    return place


def take_again(store: ClaimStore, claim_id: str, owner: str, flow_run: str) -> Claim:
    """Claim the scan that went from the claim of that id to quarantine: its run was started again from the UI.

    Args:
        flow_run: that run. The claim bears its id from the start, or a sweep would begin a second one.

    Raises:
        Gone: it is not in quarantine any more, or that is no id of a claim.
        OSError: it cannot be moved, or cannot be read.
    """
    with locked(claims_lock(store.folders)):  # or it might be dismissed at this moment
        entry = register.entry_of(store, claim_id)
        # Under its old id: the run's parameters name it, and it may be retried once more.
        path = store.folders.quarantine / entry.place
        claim, _entry = _take(store, path, owner, claim_id=claim_id, flow_run=flow_run)
    store.pass_on_pages(entry.pages, claim.name)
    return store.with_digest(claim)


def _take(
    store: ClaimStore, path: Path, owner: str, *, claim_id: str = "", flow_run: str = ""
) -> tuple[Claim, Entry | None]:
    """A claim on a quarantined scan, whose note goes, and the scan's entry.

    Raises:
        Gone: it is not in quarantine.
        OSError: it cannot be moved.
    """
    root = store.folders.quarantine
    if not path.is_relative_to(root):
        raise Gone(_("{name} is not in quarantine").format(name=readable(path.name)))
    name = os.fspath(path.relative_to(root))
    if not is_file(below_without_links(root, name)):
        raise Gone(_("{name} is not in quarantine").format(name=readable(path.name)))
    entry = next((entry for entry in register.entries(store) if entry.place == name), None)
    called = name if entry is None else entry.name
    note = reason_path(path)
    has_note = entry is None and is_file(note) and _is_note(root, name + REASON, {name})
    claim = transfers.bring_in(store, path, called, owner, claim_id=claim_id, flow_run=flow_run, quarantined=name)
    if entry is not None:
        with contextlib.suppress(OSError, Fault):  # then it stays, and its entry
            register.take_note_away(store, entry)
            register.strike(store, entry, goes_on=entry.flow_run == flow_run)
    elif has_note:
        with contextlib.suppress(OSError, Fault):
            register.take_note_away(store, Entry(claim.id, name, "", "", name))
    return claim, entry
