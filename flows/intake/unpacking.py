"""An archive in the inbox: its scans come into the inbox themselves, as if a person had unpacked it there.

All of them are unpacked beside the claim first, out of sight and flushed to disk, and a list of them is written. From
then on each goes by rename, so that after a crash those that still lie there are those that have yet to go: none is
lost, none comes twice. What came damaged out of the archive, or is an archive itself, goes to quarantine with its
reason. The archive goes to originals/ when the last of its scans has gone.
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path, PurePosixPath

from flows.host.files import replace_file, sync_folder
from flows.host.heartbeat import identity
from flows.host.locks import claims_lock, locked
from flows.host.moves import Gone, below, lies
from flows.intake import transfers
from flows.intake.claims import Claim, ClaimStore
from flows.intake.quarantine import quarantine
from flows.pipeline.archives import Unpacked, Unpacking, folder_of, unpack
from flows.pipeline.stages import digest

_LIST = "list"


def open_claimed(store: ClaimStore, claim: Claim) -> Unpacking:
    """Unpack the archive that a claim holds into the claim's progress folder, or go on with what a crash left there.

    Raises:
        ScanFault: it cannot be opened, see :func:`flows.pipeline.archives.unpack`.
        OSError: the machine fails (its disk).
    """
    folder = store.progress_folder(claim) / "unpacked"
    earlier = _listed(folder)
    if earlier is not None and (_any_left(earlier) or not _is_archived(store, claim)):
        return earlier
    shutil.rmtree(folder, ignore_errors=True)
    free = shutil.disk_usage(store.folders.working).free - store.settings.min_free
    unpacking = unpack(store.scan(claim), folder, store.settings.max_bytes, room=free)
    for part in {scan.path.parent for scan in unpacking.scans} | {folder}:
        sync_folder(part)
    replace_file(folder / _LIST, _as_list(unpacking, folder))
    return unpacking


def deliver(store: ClaimStore, claim: Claim, unpacking: Unpacking) -> None:
    """Put the scans of an archive into the inbox, in a folder of the archive's name, and into quarantine what is no
    scan although it should be.

    Raises:
        OSError: one of them cannot be moved; it is moved when the claim is worked on again.
    """
    for scan in unpacking.scans:
        if not lies(scan.path):
            continue
        name = os.fspath(PurePosixPath(folder_of(claim.name)) / scan.name)
        with locked(claims_lock(store.folders)):  # or a sweep would start a run for what is only passing through
            own = transfers.bring_in(store, scan.path, name, identity())
            if scan.fault is None:
                transfers.hand_back(store, own)
            else:
                quarantine(store, replace(own, flow_run=claim.flow_run), scan.fault)


def _any_left(unpacking: Unpacking) -> bool:
    return any(lies(scan.path) for scan in unpacking.scans)


def _is_archived(store: ClaimStore, claim: Claim) -> bool:
    """Whether the archive lies in originals/ already: then it was dropped again after it was done with."""
    try:
        place = below(store.folders.originals, claim.name)
        return lies(place) and not place.is_symlink() and digest(place) == claim.sha256
    except (Gone, OSError):
        return False


def _as_list(unpacking: Unpacking, folder: Path) -> bytes:
    scans = [
        [str(scan.name), str(scan.path.relative_to(folder)), scan.damage, scan.archive] for scan in unpacking.scans
    ]
    return json.dumps({"scans": scans, "others": unpacking.others}).encode()


def _listed(folder: Path) -> Unpacking | None:
    """What an earlier try unpacked to its end; ``None`` if it did not come so far."""
    try:
        data = json.loads((folder / _LIST).read_bytes())
    except (OSError, ValueError):
        return None
    scans = (
        Unpacked(PurePosixPath(name), folder / path, damage, archive) for name, path, damage, archive in data["scans"]
    )
    return Unpacking(tuple(scans), tuple(data["others"]))
