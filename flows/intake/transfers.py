"""How a file comes into working/, where it goes from there, and what becomes of one that a crash left on its way.

Every file that people drop is at every instant in exactly one of inbox/, working/, originals/ and
quarantine/, because it moves by rename (see :mod:`flows.host.moves` for file systems of their own)::

    inbox/a/b.pdf  ->  working/<claim>/scan/b.pdf  ->  originals/a/b.pdf
                   <-           (handed back)      ->  quarantine/a/b.pdf + b.pdf.reason.txt

Nothing here knows Prefect, and nothing loops or waits.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO

from flows.host import meter, moves
from flows.host.files import sync_folder
from flows.host.locks import locked, moves_lock
from flows.host.log import note
from flows.host.mounts import is_away, mount_of
from flows.host.moves import (
    Gone,
    below,
    below_without_links,
    copy_whole,
    drop_part,
    fits,
    is_file,
    lies,
    move,
    opened_folder,
    room_for,
    same_look,
)
from flows.host.names import readable
from flows.intake.claims import Claim, ClaimStore, scans_of
from flows.intake.inbox import Look, look_at

COPYING = ".copying"
"""What a file is called while it comes into working/ from another file system."""


def take(store: ClaimStore, name: str, look: Look, owner: str) -> Claim:
    """Claim a file of the inbox: from here on it lies in working/.

    Where the inbox is a file system of its own, what lies in working/ is a copy. The file itself stays beside its
    place in the inbox under a hidden name, so that a program that still writes to it does not write to nowhere.

    Files larger than ``max_bytes`` of the settings are not read to know their hash; they will be refused.

    Raises:
        Gone: it is not there any more, is no regular file, or has changed since ``look``.
        OSError: it cannot be moved and is still in the inbox, or cannot be read and is claimed.
    """
    source = below_without_links(store.folders.inbox, name)
    with _as_gone(name):
        if look_at(source) != look:
            raise Gone(f"{readable(name)} changed while it was taken")
        is_copied = source.lstat().st_dev != store.folders.working.stat().st_dev
        if is_copied and shutil.disk_usage(store.folders.working).free < look.size + store.settings.min_free:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(store.folders.working))
    claim = replace(store.new_claim(name, owner), look=look)
    scan, held = store.scan(claim), _held(store, claim)
    try:
        with _as_gone(name), opened_folder(store.folders.inbox, name) as folder:
            try:
                moves.rename_to_free(source, scan, folder)
            except OSError as fault:
                if fault.errno != errno.EXDEV:
                    raise
                claim = replace(claim, mount=str(mount_of(source.parent)))
                store.save(claim)
                moves.rename_to_free(source, held, folder)
                if not is_file(held):  # a link or a folder that somebody put in its place just now: not ours
                    moves.rename_to_free(held, source)
                    raise Gone(f"{readable(name)} is no regular file") from fault
                copying = scan.with_name(COPYING)
                copy_whole(held, copying)
                moves.rename_to_free(copying, scan)
            sync_folder(scan.parent)
            # Between look and rename someone may have gone on writing, or put another file in its place.
            if not is_unchanged(store, claim):
                raise Gone(f"{readable(name)} changed while it was taken")
    except BaseException:
        recover(store, claim)
        raise
    note("taken", f"taken: {readable(name)} ({look.size / 1e6:.1f} MB)", file=readable(name), bytes=look.size)
    if look.size <= store.settings.max_bytes:
        return store.with_digest(claim)
    store.save(claim)
    return claim


def bring_in(
    store: ClaimStore,
    source: Path,
    name: str,
    owner: str,
    *,
    claim_id: str = "",
    flow_run: str = "",
    original: str = "",
    quarantined: str = "",
) -> Claim:
    """A claim on a file that lies elsewhere than in the inbox, where nobody writes to it.

    Args:
        name: below the inbox.
        claim_id: an earlier claim's, to go on under it.
        flow_run: the run that works on it already.
        original: its path below originals/ if it lies there.
        quarantined: its path below quarantine/ if it lies there.

    Raises:
        Gone: it is not there any more, or is no regular file.
        OSError: it cannot be moved and is still where it was.
    """
    claim = store.new_claim(name, owner, claim_id, flow_run, original=original, quarantined=quarantined)
    scan = store.scan(claim)
    try:
        with _as_gone(name):
            move(source, scan, scan.with_name(COPYING), root=scan.parent)
            return replace(claim, look=look_at(scan))
    except BaseException:
        if not lies(scan) and not lies(scan.with_name(COPYING)):
            _end(store, claim)
        raise


def take_copy(store: ClaimStore, path: Path, name: str, owner: str) -> Claim:
    """A claim on a copy of ``path``; the file itself stays where it is.

    Raises:
        OSError: it cannot be copied.
    """
    with path.open("rb") as file:
        return copy_in(store, file, name, owner)


def copy_in(store: ClaimStore, file: IO[bytes], name: str, owner: str, flow_run: str = "") -> Claim:
    """A claim on a copy of an open file.

    Raises:
        OSError: it cannot be copied.
    """
    claim = replace(store.new_claim(name, owner, flow_run=flow_run), keep=False)
    try:
        store.save(claim)
        with store.scan(claim).open("xb") as copy:
            shutil.copyfileobj(file, copy, 1 << 20)
        return store.with_digest(claim)
    except BaseException:
        shutil.rmtree(store.folder(claim), ignore_errors=True)
        raise


@contextlib.contextmanager
def _as_gone(name: str) -> Iterator[None]:
    try:
        yield
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as fault:
        raise Gone(f"{readable(name)} is gone") from fault


def is_unchanged(store: ClaimStore, claim: Claim) -> bool:
    """Whether a claimed file still looks as it did when it was taken. If not, someone still writes to it.

    Raises:
        OSError: it is not there.
    """
    if claim.look is None:
        return True
    _check_mount(claim)
    held = _held(store, claim)
    return look_at(held if is_file(held) else store.scan(claim)) == claim.look


def _check_mount(claim: Claim) -> None:
    """Raises ``OSError`` while the share is away on which a claim's file is held."""
    if claim.mount and is_away(Path(claim.mount)):
        raise OSError(errno.ENODEV, "not mounted", claim.mount)


def _held(store: ClaimStore, claim: Claim) -> Path:
    """Where the file itself is, while a copy of it is worked on; and by way of which a copy goes back to the inbox."""
    return _parked(claim, _goals(store.folders.inbox, claim)[0])


def hand_back(store: ClaimStore, claim: Claim) -> Path | None:
    """Put a claim's file back into the inbox and drop the claim; ``None`` if there is no file to put back.

    Raises:
        OSError: it cannot be moved; the claim stays.
    """
    place = move_out(store, claim, store.folders.inbox)
    if place is not None:
        _note_returned(store, claim)
    return place


def _note_returned(store: ClaimStore, claim: Claim) -> None:
    """Log and count that a claim's file lies in the inbox again."""
    meter.count_end(store.folders, "returned")
    note("returned", f"back in the inbox: {readable(claim.name)}", file=readable(claim.name), claim=claim.id)


def archive(store: ClaimStore, claim: Claim) -> Path | None:
    """Move a published scan to originals/ and drop the claim. An older scan of that name stays beside it.

    Raises:
        OSError: it cannot be moved; the claim stays.
    """
    place = move_out(store, claim, store.folders.originals)
    store.drop_progress(claim)
    return place


def move_out(
    store: ClaimStore,
    claim: Claim,
    root: Path,
    *,
    is_taken: Callable[[Path], bool] = lies,
    announce: Callable[[Path], None] = lambda place: None,
) -> Path | None:
    """Move a claim's file to where it belongs below ``root``, and drop the claim; ``None`` if there is no file.

    Args:
        is_taken, announce: see :func:`flows.host.moves.move`.

    Raises:
        OSError: it cannot be moved; the claim stays.
    """
    scan = store.scan(claim)
    place = None
    # Several processes move files; where a rename may replace a file, no other may choose the same free name.
    _check_mount(claim)
    with locked(moves_lock(store.folders)):
        if claim.keep and lies(scan):
            held, source = _held(store, claim), scan
            if is_file(held):
                # One of the two is the file from here on, the held one if somebody has written to it since. A crash
                # leaves it in the inbox or in working/.
                if root == store.folders.inbox or not same_look(held.lstat(), scan.lstat()):
                    source = held
                (scan if source == held else held).unlink()
            wanted = room_for(root, claim.name)
            parked = _parked(claim, wanted.parent)
            place = move(source, wanted, parked, root=root, is_taken=is_taken, announce=announce)
        _end(store, claim)
    return place


def _end(store: ClaimStore, claim: Claim) -> None:
    """Remove a claim, but no file that somebody may miss."""
    folder = store.folder(claim)
    if not claim.keep:
        shutil.rmtree(folder, ignore_errors=True)
    for root in (store.folders.inbox, store.folders.originals, store.folders.quarantine):
        for goal in _goals(root, claim):
            drop_part(_parked(claim, goal))
    with contextlib.suppress(OSError):  # what cannot be removed now stays, record and all, for a later sweep
        for hidden in [*folder.glob(".*.tmp"), *(folder / "scan").glob(".*")]:
            hidden.unlink(missing_ok=True)
        if (folder / "scan").exists():
            (folder / "scan").rmdir()
        (folder / "claim.json").unlink(missing_ok=True)
        folder.rmdir()


def _parked(claim: Claim, folder: Path) -> Path:
    """The hidden copy by way of which a claim's file goes to a folder on another file system."""
    return folder / claim.hidden_name


def _goals(root: Path, claim: Claim) -> list[Path]:
    """The folders below ``root`` that a claim's file may have been on its way to, the likeliest first."""
    folder = below(root, claim.name).parent
    return [folder, root] if fits(folder) and folder != root else [root]


def is_half_way(store: ClaimStore, claim: Claim) -> bool:
    """Whether a crash left a claim's file between two folders: :func:`recover` knows where it is.

    Raises:
        OSError: that cannot be said now.
    """
    scan = store.scan(claim)
    goals = [*_goals(store.folders.originals, claim), *_goals(store.folders.quarantine, claim)]
    return not lies(scan) or lies(scan.with_name(COPYING)) or any(is_file(_parked(claim, folder)) for folder in goals)


def recover(store: ClaimStore, claim: Claim) -> Path | None:
    """End what a dead process left of a claim: its file goes back to the inbox, if it was not on its way elsewhere.

    Returns:
        Where it lies in the inbox now; ``None`` if it does not.

    Raises:
        OSError: the file cannot be moved; the claim stays.
    """
    _check_mount(claim)
    scan = store.scan(claim)
    copying = scan.with_name(COPYING)
    drop_part(copying)
    for held in (_parked(claim, folder) for folder in _goals(store.folders.inbox, claim)):
        drop_part(held)
        if is_file(held):
            # The file itself, or a whole copy of it on its way back: what lies in working/ is not needed.
            scan.unlink(missing_ok=True)
            with locked(moves_lock(store.folders)):
                root = store.folders.inbox
                place = move(held, room_for(root, claim.name), held, root=root)
                _end(store, claim)
            _note_returned(store, claim)
            return place
    if lies(copying):
        if _is_the_same(store, claim, copying):
            copying.unlink()  # the copy was whole, the first not yet removed
        else:
            moves.rename_to_free(copying, scan)
    for root in (store.folders.originals, store.folders.quarantine):
        for folder in _goals(root, claim):
            parked = _parked(claim, folder)
            drop_part(parked)
            if not is_file(parked):
                continue
            if lies(scan):
                parked.unlink()
                continue
            with locked(moves_lock(store.folders)):
                move(parked, folder / scan.name, parked, root=root)
                _end(store, claim)
            return None
    if not lies(scan):
        # A record whose name is another than the file's: damaged, but the file is there.
        for other in scans_of(store.folder(claim)):
            claim = replace(claim, name=other.name)
    return hand_back(store, claim)


def _is_the_same(store: ClaimStore, claim: Claim, copy: Path) -> bool:
    """Whether a claim's file still lies in quarantine or originals/, whence it was taken, and looks like its copy."""
    folders = store.folders
    if claim.original:
        source = below(folders.originals, claim.original)
    else:
        source = below(folders.quarantine, claim.quarantined or claim.name)
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        return same_look(source.lstat(), copy.lstat())
    return False
