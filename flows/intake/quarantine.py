"""Quarantine: scans that cannot be published, each with a note that says why and what to do."""

from __future__ import annotations

import contextlib
import os
import shutil
from datetime import datetime
from pathlib import Path

from flows import messages
from flows.faults import CrashedTooOften
from flows.host.files import replace_file
from flows.host.locks import claims_lock, locked, moves_lock
from flows.host.moves import Gone, lies
from flows.host.names import fitted, readable
from flows.intake import claims
from flows.intake.claims import Claim
from flows.intake.inbox import list_inbox
from flows.settings import Folders
from ocr.faults import Fault

REASON = ".reason.txt"

WHAT_TO_DO = (
    "Khi đã khắc phục: chép tệp vào lại inbox, hoặc chạy lệnh `nambat retry`.\n"
    "When that is mended: drop the file into the inbox again, or run `nambat retry`."
)
"""Stands in every note, and tells one from a file of that name that somebody dropped."""


def crashed_too_often(attempts: int) -> CrashedTooOften:
    """The fault of a document whose reading ended without an answer so many times."""
    return messages.CRASHED_TOO_OFTEN.fault(attempts=attempts)


def quarantine(folders: Folders, claim: Claim, fault: Fault, dpi: int, now: datetime | None = None) -> Path | None:
    """Move a scan that failed to quarantine/, with a note beside it that says why and what to do.

    One that a crash left half-way between two folders goes back to the inbox instead: it has to be found first.

    Raises:
        OSError: it cannot be moved, or the note cannot be written; the claim stays.
    """
    if claim.keep and claims.is_half_way(folders, claim):
        return claims.recover(folders, claim)
    note = reason_text(claim.name, fault, now or datetime.now(), claim.id)
    place = claims.move_out(
        folders,
        claim,
        folders.quarantine,
        is_taken=lambda place: lies(place) or (lies(reason_path(place)) and not _is_note(reason_path(place))),
        announce=lambda place: replace_file(reason_path(place), note),
    )
    shutil.rmtree(claims.progress_folder(folders, claim, dpi), ignore_errors=True)
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


def quarantined_files(folders: Folders) -> list[tuple[Path, str]]:
    """Every scan in quarantine with the English sentence of its note."""
    found = []
    for name in sorted(list_inbox(folders.quarantine).files):
        path = folders.quarantine / name
        if _is_note(path):
            continue
        why = "no note says why"
        with contextlib.suppress(OSError, IndexError):
            why = reason_path(path).read_text("utf-8", "replace").splitlines()[1]
        found.append((path, why))
    return found


def drop_stray_notes(folders: Folders) -> None:
    """Remove notes whose scan a crash kept from getting there, once all claims are recovered."""
    with locked(moves_lock(folders)):
        names = list_inbox(folders.quarantine).files
        scans = {path for path, _ in quarantined_files(folders)}
        noted = {reason_path(path) for path in scans}
        for path in {folders.quarantine / name for name in names} - scans - noted:
            with contextlib.suppress(OSError):
                path.unlink()


def retry(folders: Folders, path: Path, owner: str) -> Path:
    """Put a quarantined scan back into the inbox and remove its note. Returns where it lies then.

    Args:
        owner: the process that does so; if it dies half-way, a sweep ends what it began.

    Raises:
        Gone: it is not in quarantine.
        OSError: it cannot be moved.
    """
    with locked(claims_lock(folders)):  # or a sweep would start a run for what is only passing through
        place = claims.hand_back(folders, _take(folders, path, owner))
    if place is None:
        raise Gone(f"{readable(path.name)} is gone")
    return place


def take_again(folders: Folders, claim_id: str, owner: str, flow_run: str, *, dpi: int) -> Claim:
    """Claim the scan that went from the claim of that id to quarantine: its run was started again from the UI.

    Args:
        flow_run: that run. The claim bears its id from the start, or a sweep would begin a second one.

    Raises:
        Gone: it is not in quarantine any more.
        OSError: it cannot be moved, or cannot be read.
    """
    for path, _ in quarantined_files(folders):
        note = ""
        with contextlib.suppress(OSError):
            note = reason_path(path).read_text("utf-8", "replace")
        if claim_id and f", {claim_id}\n" in note:
            # Under its old id: the run's parameters name it, and it may be retried once more.
            claim = _take(folders, path, owner, claim_id=claim_id, flow_run=flow_run)
            return claims.with_digest(folders, claim, dpi)
    raise Gone(f"nothing in quarantine comes from claim {claim_id}")


def _take(folders: Folders, path: Path, owner: str, *, claim_id: str = "", flow_run: str = "") -> Claim:
    """A claim on a quarantined scan, whose note goes.

    Raises:
        Gone: it is not in quarantine.
        OSError: it cannot be moved.
    """
    if not path.is_relative_to(folders.quarantine) or path.is_symlink() or not path.is_file():
        raise Gone(f"{readable(path.name)} is not in quarantine")
    note = reason_path(path)
    name = os.fspath(path.relative_to(folders.quarantine))
    claim = claims.bring_in(folders, path, name, owner, claim_id=claim_id, flow_run=flow_run)
    if _is_note(note):
        note.unlink(missing_ok=True)
    return claim
