"""Quarantine: scans that cannot be published, each with a note that says why and what to do."""

from __future__ import annotations

import contextlib
import os
from datetime import datetime
from pathlib import Path

from flows import faults
from flows.faults import CrashedTooOften
from flows.host.files import replace_file
from flows.host.locks import claims_lock, locked, moves_lock
from flows.host.moves import Gone, lies
from flows.host.names import fitted, readable
from flows.intake import transfers
from flows.intake.claims import Claim, ClaimStore
from flows.intake.inbox import list_inbox
from ocr.faults import Fault

REASON = ".reason.txt"

WHAT_TO_DO = (
    "Khi đã khắc phục: chép tệp vào lại inbox, hoặc chạy lệnh `nambat retry`.\n"
    "When that is mended: drop the file into the inbox again, or run `nambat retry`."
)
"""Stands in every note, and tells one from a file of that name that somebody dropped."""


def crashed_too_often(attempts: int) -> CrashedTooOften:
    """The fault of a document whose reading ended without an answer so many times."""
    return faults.CRASHED_TOO_OFTEN.fault(attempts=attempts)


def quarantine(store: ClaimStore, claim: Claim, fault: Fault, now: datetime | None = None) -> Path | None:
    """Move a scan that failed to quarantine/, with a note beside it that says why and what to do.

    One that a crash left half-way between two folders goes back to the inbox instead: it has to be found first.

    Raises:
        OSError: it cannot be moved, or the note cannot be written; the claim stays.
    """
    if claim.keep and transfers.is_half_way(store, claim):
        return transfers.recover(store, claim)
    note = reason_text(claim.name, fault, now or datetime.now(), claim.id)
    place = transfers.move_out(
        store,
        claim,
        store.folders.quarantine,
        is_taken=lambda place: lies(place) or (lies(reason_path(place)) and not _is_note(reason_path(place))),
        announce=lambda place: replace_file(reason_path(place), note),
    )
    store.drop_progress(claim)
    return place


def reason_text(name: str, fault: Fault, now: datetime, claim_id: str) -> bytes:
    """The note beside a quarantined scan: Vietnamese, English, what to do, and the technical detail."""
    return (
        f"{fault.vietnamese}\n{fault}\n\n{WHAT_TO_DO}\n\n"
        f"{readable(name)}, {now.astimezone():%Y-%m-%d %H:%M:%S %z}, {type(fault).__name__}, {claim_id}\n"
        f"{fault.detail}".rstrip()
        + "\n"
    ).encode("utf-8", "replace")


def reason_path(scan: Path) -> Path:
    """Where the note about a quarantined scan lies."""
    return scan.with_name(fitted(scan.name, REASON))


def _is_note(path: Path) -> bool:
    """Whether a file is one of our notes, and not a scan that somebody called so."""
    with contextlib.suppress(OSError):
        return path.name.endswith(REASON) and WHAT_TO_DO in path.read_text("utf-8", "replace")
    return False


def quarantined_files(store: ClaimStore) -> list[tuple[Path, str]]:
    """Every scan in quarantine with the English sentence of its note."""
    found = []
    for name in sorted(list_inbox(store.folders.quarantine).files):
        path = store.folders.quarantine / name
        if _is_note(path):
            continue
        why = "no note says why"
        with contextlib.suppress(OSError, IndexError):
            why = reason_path(path).read_text("utf-8", "replace").splitlines()[1]
        found.append((path, why))
    return found


def drop_stray_notes(store: ClaimStore) -> None:
    """Remove notes whose scan a crash kept from getting there, once all claims are recovered."""
    with locked(moves_lock(store.folders)):
        names = list_inbox(store.folders.quarantine).files
        scans = {path for path, _ in quarantined_files(store)}
        noted = {reason_path(path) for path in scans}
        for path in {store.folders.quarantine / name for name in names} - scans - noted:
            with contextlib.suppress(OSError):
                path.unlink()


def retry(store: ClaimStore, path: Path, owner: str) -> Path:
    """Put a quarantined scan back into the inbox and remove its note. Returns where it lies then.

    Args:
        owner: the process that does so; if it dies half-way, a sweep ends what it began.

    Raises:
        Gone: it is not in quarantine.
        OSError: it cannot be moved.
    """
    with locked(claims_lock(store.folders)):  # or a sweep would start a run for what is only passing through
        place = transfers.hand_back(store, _take(store, path, owner))
    if place is None:
        raise Gone(f"{readable(path.name)} is gone")
    return place


def take_again(store: ClaimStore, claim_id: str, owner: str, flow_run: str) -> Claim:
    """Claim the scan that went from the claim of that id to quarantine: its run was started again from the UI.

    Args:
        flow_run: that run. The claim bears its id from the start, or a sweep would begin a second one.

    Raises:
        Gone: it is not in quarantine any more.
        OSError: it cannot be moved, or cannot be read.
    """
    for path, _ in quarantined_files(store):
        note = ""
        with contextlib.suppress(OSError):
            note = reason_path(path).read_text("utf-8", "replace")
        if claim_id and f", {claim_id}\n" in note:
            # Under its old id: the run's parameters name it, and it may be retried once more.
            claim = _take(store, path, owner, claim_id=claim_id, flow_run=flow_run)
            return store.with_digest(claim)
    raise Gone(f"nothing in quarantine comes from claim {claim_id}")


def _take(store: ClaimStore, path: Path, owner: str, *, claim_id: str = "", flow_run: str = "") -> Claim:
    """A claim on a quarantined scan, whose note goes.

    Raises:
        Gone: it is not in quarantine.
        OSError: it cannot be moved.
    """
    if not path.is_relative_to(store.folders.quarantine) or path.is_symlink() or not path.is_file():
        raise Gone(f"{readable(path.name)} is not in quarantine")
    note = reason_path(path)
    name = os.fspath(path.relative_to(store.folders.quarantine))
    claim = transfers.bring_in(store, path, name, owner, claim_id=claim_id, flow_run=flow_run)
    if _is_note(note):
        note.unlink(missing_ok=True)
    return claim
