"""Claims: files in work, and how a file moves from one folder of the service to the next.

Every file that people drop is at every instant in exactly one of inbox/, working/, originals/ and
quarantine/, because it moves by rename (see :mod:`flows.host.moves` for file systems of their own)::

    inbox/a/b.pdf  ->  working/<claim>/scan/b.pdf  ->  originals/a/b.pdf
                   <-           (handed back)      ->  quarantine/a/b.pdf + b.pdf.reason.txt

A claim is a folder of working/ with ``claim.json`` (the file's name, who works on it) written before the file
is moved in. Whoever owns a claim is a process (see :mod:`flows.host.heartbeat`); a claim whose owner is dead is stale,
and its file goes back to the inbox. What was read of it so far stays in ``working/.progress/`` under the hash
of its content, so that no page is read twice. A claim that met a trouble of the machine is put off: it has no
owner until its time comes.

Nothing here knows Prefect, and nothing loops or waits.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from pydantic import TypeAdapter

from flows.host import heartbeat, moves
from flows.host.files import replace_file, sync_folder
from flows.host.heartbeat import identity
from flows.host.locks import claims_lock, locked, moves_lock
from flows.host.mounts import is_away, mount_of
from flows.host.moves import (
    Gone,
    below,
    below_without_links,
    copy_whole,
    drop_part,
    fits,
    lies,
    move,
    opened_folder,
    room_for,
    same_look,
)
from flows.host.names import readable
from flows.intake.inbox import HELD, Look, look_at
from flows.pipeline.stages import digest
from flows.settings import LONGEST_PAUSE, Folders
from ocr.faults import Fault

COPYING = ".copying"
"""What a file is called while it comes into working/ from another file system."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A file taken out of the inbox to be worked on.

    Attributes:
        id: name of its folder in working/.
        name: path below the inbox.
        owner: the process that answers for it (see :func:`identity`).
        sha256: of the file; empty until it is known.
        attempt: 1 for the first time this content is worked on, more after crashes that got no page further.
        running: whether a run has begun to work on it.
        flow_run: id of the Prefect run that does or will do the work; empty before it is known.
        keep: false for a copy that ``nambat ingest`` made: it goes nowhere in the end.
        host: the owner's machine, for people.
        taken: when it was taken, in seconds since the epoch.
        look: how the file looked then; if it looks different later, someone still writes to it.
        tries: how many times it was put off.
        not_before: when it is tried again, in seconds since the epoch; 0 unless it is put off.
        why: English sentence that says why it was put off.
        mount: where the file system is mounted on which the file itself is held; empty if working/ has it.
    """

    id: str
    name: str
    owner: str
    sha256: str = ""
    attempt: int = 1
    running: bool = False
    flow_run: str = ""
    keep: bool = True
    host: str = ""
    taken: float = 0.0
    look: Look | None = None
    tries: int = 0
    not_before: float = 0.0
    why: str = ""
    mount: str = ""

    @property
    def is_put_off(self) -> bool:
        return self.not_before > 0

    def is_due(self, now: float) -> bool:
        """Whether a claim that was put off is to be tried again (a clock set back must not put it off for ever)."""
        return not now < self.not_before <= now + LONGEST_PAUSE

    def folder(self, folders: Folders) -> Path:
        return folders.working / self.id

    def scan(self, folders: Folders) -> Path:
        return folders.working / self.id / "scan" / PurePosixPath(self.name).name


_RECORD = TypeAdapter(Claim)


def save_claim(folders: Folders, claim: Claim) -> None:
    """Write ``claim.json``.

    Raises:
        OSError: it cannot be written.
    """
    data = json.dumps(asdict(claim), indent=1).encode()
    # The first record is flushed with its folder before a file comes; later ones only add to it.
    replace_file(claim.folder(folders) / "claim.json", data, at_once=False)


def load_claim(folders: Folders, claim_id: str) -> Claim:
    """The claim of that id.

    Raises:
        Gone: there is no such claim, or its record is not whole or not ours.
        OSError: the record cannot be read now.
    """
    if not claim_id or "/" in claim_id or claim_id.startswith("."):
        raise Gone(f"{claim_id!r} is no claim")
    try:
        record = json.loads((folders.working / claim_id / "claim.json").read_bytes())
        claim = _RECORD.validate_python(record)  # not from JSON: there, names that are no UTF-8 are refused
        below(folders.inbox, claim.name)
    except (FileNotFoundError, NotADirectoryError, ValueError, RecursionError) as fault:
        raise Gone(f"there is no claim {claim_id}") from fault
    if claim.id != claim_id:
        raise Gone(f"the record of claim {claim_id} is another's")
    return claim


def open_claims(folders: Folders) -> list[Claim]:
    """All claims, oldest first. A file whose record is lost counts as nobody's, so that it goes back."""
    found = []
    with contextlib.suppress(FileNotFoundError):
        for folder in sorted(folders.working.iterdir()):
            try:
                found.append(load_claim(folders, folder.name))
            except Gone:
                if not folder.name.startswith("."):
                    found += [Claim(folder.name, scan.name, "") for scan in _scans_of(folder)]
            except OSError:
                continue  # a disk or share that does not answer now says nothing about the claim
    return found


def _scans_of(folder: Path) -> list[Path]:
    try:
        return [scan for scan in (folder / "scan").iterdir() if not scan.name.startswith(".")]
    except OSError:
        return []


def drop_empty_claims(folders: Folders) -> None:
    """Remove what a process left that died between making a claim's folder and moving a file into it.

    Only a process that holds the service's lock may do this, before anything is taken. Folders that are none of
    ours are left alone.
    """
    for folder in folders.working.iterdir():
        if not folder.name.startswith(".") and not (folder / "claim.json").exists() and not _scans_of(folder):
            with contextlib.suppress(OSError):
                for part in (folder / "scan", folder):
                    part.rmdir()


def take_over(folders: Folders, claim_id: str, flow_run: str) -> Claim:
    """Make a claim this process's own, to work on it.

    Raises:
        Gone: there is no such claim, its file was handed back, or another run works on it.
    """
    with locked(claims_lock(folders)):
        claim = load_claim(folders, claim_id)
        if not claim.scan(folders).is_file():
            raise Gone(f"the file of claim {claim_id} is gone")
        if claim.running and claim.flow_run != flow_run and heartbeat.is_alive(folders, claim.owner, patience=120):
            raise Gone(f"another run works on claim {claim_id}")
        claim = replace(claim, owner=identity(), host=heartbeat.host(), flow_run=flow_run, not_before=0.0, why="")
        save_claim(folders, claim)
        return claim


def begin(folders: Folders, claim: Claim) -> Claim:
    """Note that the work on a claim of this process begins: if it ends without an answer, that counts as an attempt.

    Raises:
        Gone: there is no such claim any more.
        OSError: the note cannot be written.
    """
    with locked(claims_lock(folders)):
        claim = replace(load_claim(folders, claim.id), running=True)
        save_claim(folders, claim)
        return claim


def assign(folders: Folders, claim: Claim, owner: str, flow_run: str) -> None:
    """Note which run will work on a claim, and who answers for it until then. The run may have begun already.

    Raises:
        Gone: the run is done with it already.
        OSError: the note cannot be written.
    """
    with locked(claims_lock(folders)):
        now = load_claim(folders, claim.id)
        if now.running or now.tries != claim.tries or (now.owner != claim.owner and not now.is_put_off):
            return
        save_claim(folders, replace(now, owner=owner, host=heartbeat.host(), flow_run=flow_run, not_before=0.0))


def put_off(folders: Folders, claim: Claim, fault: Fault, not_before: float) -> Claim:
    """Leave a claim in working/ to be tried again later.

    Args:
        not_before: seconds since the epoch.

    Raises:
        Gone: there is no such claim any more.
        OSError: the note cannot be written.
    """
    with locked(claims_lock(folders)):
        claim = replace(
            load_claim(folders, claim.id),
            owner="",
            running=False,
            flow_run="",
            tries=claim.tries + 1,
            not_before=not_before,
            why=str(fault),
        )
        save_claim(folders, claim)
        return claim


def is_unchanged(folders: Folders, claim: Claim) -> bool:
    """Whether a claimed file still looks as it did when it was taken. If not, someone still writes to it.

    Raises:
        OSError: it is not there.
    """
    if claim.look is None:
        return True
    _check_mount(claim)
    held = _held(folders, claim)
    return look_at(held if lies(held) else claim.scan(folders)) == claim.look


def _check_mount(claim: Claim) -> None:
    """Raises ``OSError`` while the share is away on which a claim's file is held."""
    if claim.mount and is_away(Path(claim.mount)):
        raise OSError(errno.ENODEV, "not mounted", claim.mount)


def take(
    folders: Folders,
    name: str,
    look: Look,
    owner: str,
    *,
    dpi: int,
    max_bytes: int | None = None,
    min_free: int = 0,
) -> Claim:
    """Claim a file of the inbox: from here on it lies in working/.

    Where the inbox is a file system of its own, what lies in working/ is a copy. The file itself stays beside its
    place in the inbox under a hidden name, so that a program that still writes to it does not write to nowhere.

    Args:
        max_bytes: larger files are not read to know their hash; they will be refused.
        min_free: bytes that must stay free where it is copied.

    Raises:
        Gone: it is not there any more, is no regular file, or has changed since ``look``.
        OSError: it cannot be moved and is still in the inbox, or cannot be read and is claimed.
    """
    source = below_without_links(folders.inbox, name)
    with _as_gone(name):
        if look_at(source) != look:
            raise Gone(f"{readable(name)} changed while it was taken")
        is_copied = source.lstat().st_dev != folders.working.stat().st_dev
        if is_copied and shutil.disk_usage(folders.working).free < look.size + min_free:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folders.working))
    claim = replace(_new_claim(folders, name, owner), look=look)
    scan, held = claim.scan(folders), _held(folders, claim)
    try:
        with _as_gone(name), opened_folder(folders.inbox, name) as folder:
            try:
                moves.rename_to_free(source, scan, folder)
            except OSError as fault:
                if fault.errno != errno.EXDEV:
                    raise
                claim = replace(claim, mount=str(mount_of(source.parent)))
                save_claim(folders, claim)
                moves.rename_to_free(source, held, folder)
                copying = scan.with_name(COPYING)
                copy_whole(held, copying)
                moves.rename_to_free(copying, scan)
            sync_folder(scan.parent)
            # Between look and rename someone may have gone on writing, or put another file in its place.
            if not is_unchanged(folders, claim):
                raise Gone(f"{readable(name)} changed while it was taken")
    except BaseException:
        recover(folders, claim)
        raise
    if max_bytes is None or look.size <= max_bytes:
        return with_digest(folders, claim, dpi)
    save_claim(folders, claim)
    return claim


def _held(folders: Folders, claim: Claim) -> Path:
    """Where the file itself is, while a copy of it is worked on; and by way of which a copy goes back to the inbox."""
    return _parked(claim, _goals(folders.inbox, claim)[0])


def bring_in(folders: Folders, source: Path, name: str, owner: str, *, claim_id: str = "", flow_run: str = "") -> Claim:
    """A claim on a file that lies elsewhere than in the inbox, where nobody writes to it.

    Args:
        name: below the inbox.
        claim_id: an earlier claim's, to go on under it.
        flow_run: the run that works on it already.

    Raises:
        Gone: it is not there any more, or is no regular file.
        OSError: it cannot be moved and is still where it was.
    """
    claim = _new_claim(folders, name, owner, claim_id, flow_run)
    scan = claim.scan(folders)
    try:
        with _as_gone(name):
            move(source, scan, scan.with_name(COPYING))
            return replace(claim, look=look_at(scan))
    except BaseException:
        if not lies(scan) and not lies(scan.with_name(COPYING)):
            _end(folders, claim)
        raise


@contextlib.contextmanager
def _as_gone(name: str) -> Iterator[None]:
    try:
        yield
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as fault:
        raise Gone(f"{readable(name)} is gone") from fault


def take_copy(folders: Folders, path: Path, name: str, owner: str, *, dpi: int) -> Claim:
    """A claim on a copy of ``path``; the file itself stays where it is.

    Raises:
        OSError: it cannot be copied.
    """
    claim = replace(_new_claim(folders, name, owner), keep=False)
    try:
        save_claim(folders, claim)
        shutil.copyfile(path, claim.scan(folders))
    except OSError:
        shutil.rmtree(claim.folder(folders), ignore_errors=True)
        raise
    return with_digest(folders, claim, dpi)


def _new_claim(folders: Folders, name: str, owner: str, claim_id: str = "", flow_run: str = "") -> Claim:
    now = datetime.now(UTC)
    claim = Claim(
        claim_id or f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(4)}",
        name,
        owner,
        flow_run=flow_run,
        host=heartbeat.host(),
        taken=now.timestamp(),
    )
    claim.folder(folders).mkdir(parents=True)
    try:
        (claim.folder(folders) / "scan").mkdir()
        save_claim(folders, claim)
        sync_folder(claim.folder(folders))
        sync_folder(folders.working)
    except OSError:
        shutil.rmtree(claim.folder(folders), ignore_errors=True)
        raise
    return claim


def with_digest(folders: Folders, claim: Claim, dpi: int) -> Claim:
    """The claim with the hash of its file, and what earlier attempts at that content came to.

    Raises:
        OSError: the file cannot be read, or the claim cannot be written down.
    """
    claim = replace(claim, sha256=digest(claim.scan(folders)))
    claim = replace(claim, attempt=_attempts(progress_folder(folders, claim, dpi))[0] + 1)
    save_claim(folders, claim)
    return claim


def progress_folder(folders: Folders, claim: Claim, dpi: int) -> Path:
    """Where a claim's page records lie: the same place for the same content, name and resolution.

    Claims whose content is not known share nothing.
    """
    name = hashlib.sha256(os.fsencode(claim.name)).hexdigest()[:8]
    return folders.working / ".progress" / f"{claim.sha256[:32] or claim.id}-{name}-{dpi}"


def _attempts(progress: Path) -> tuple[int, int]:
    """How many attempts in a row got no further, and how many pages were read by then."""
    try:
        count, pages = map(int, (progress / "attempts").read_text().split())
        return count, pages
    except (OSError, ValueError):
        return 0, 0


def count_attempt(folders: Folders, claim: Claim, dpi: int) -> int:
    """Remember that work on a claim ended without an answer (a crash, a power cut).

    Returns:
        How many attempts in a row ended so without reading one more page. A document that gets further each
        time will be done one day; one that does not is what kills its reader.

    Raises:
        OSError: it cannot be written.
    """
    if not claim.sha256:
        return 0
    progress = progress_folder(folders, claim, dpi)
    progress.mkdir(parents=True, exist_ok=True)
    count, pages = _attempts(progress)
    now = sum(1 for _ in progress.glob("*.json"))
    count = 1 if now > pages else count + 1
    replace_file(progress / "attempts", f"{count} {now}".encode())
    save_claim(folders, replace(claim, running=False))  # or it would count again if the file cannot go back now
    return count


def hand_back(folders: Folders, claim: Claim) -> Path | None:
    """Put a claim's file back into the inbox and drop the claim; ``None`` if there is no file to put back.

    Raises:
        OSError: it cannot be moved; the claim stays.
    """
    return move_out(folders, claim, folders.inbox)


def archive(folders: Folders, claim: Claim, dpi: int) -> Path | None:
    """Move a published scan to originals/ and drop the claim. An older scan of that name stays beside it.

    Raises:
        OSError: it cannot be moved; the claim stays.
    """
    place = move_out(folders, claim, folders.originals)
    shutil.rmtree(progress_folder(folders, claim, dpi), ignore_errors=True)
    return place


def move_out(
    folders: Folders,
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
    scan = claim.scan(folders)
    place = None
    # Several processes move files; where a rename may replace a file, no other may choose the same free name.
    _check_mount(claim)
    with locked(moves_lock(folders)):
        if claim.keep and lies(scan):
            held, source = _held(folders, claim), scan
            if lies(held):
                # One of the two is the file from here on, the held one if somebody has written to it since. A crash
                # leaves it in the inbox or in working/.
                if root == folders.inbox or not same_look(held.lstat(), scan.lstat()):
                    source = held
                (scan if source == held else held).unlink()
            wanted = room_for(root, claim.name)
            place = move(source, wanted, _parked(claim, wanted.parent), is_taken=is_taken, announce=announce)
        _end(folders, claim)
    return place


def _end(folders: Folders, claim: Claim) -> None:
    """Remove a claim, but no file that somebody may miss."""
    folder = claim.folder(folders)
    if not claim.keep:
        shutil.rmtree(folder, ignore_errors=True)
    for root in (folders.inbox, folders.originals, folders.quarantine):
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
    return folder / f"{HELD}{claim.id}"


def _goals(root: Path, claim: Claim) -> list[Path]:
    """The folders below ``root`` that a claim's file may have been on its way to, the likeliest first."""
    folder = below(root, claim.name).parent
    return [folder, root] if fits(folder) and folder != root else [root]


def is_half_way(folders: Folders, claim: Claim) -> bool:
    """Whether a crash left a claim's file between two folders: :func:`recover` knows where it is.

    Raises:
        OSError: that cannot be said now.
    """
    scan = claim.scan(folders)
    goals = [*_goals(folders.originals, claim), *_goals(folders.quarantine, claim)]
    return not lies(scan) or lies(scan.with_name(COPYING)) or any(lies(_parked(claim, folder)) for folder in goals)


def recover(folders: Folders, claim: Claim) -> Path | None:
    """End what a dead process left of a claim: its file goes back to the inbox, if it was not on its way elsewhere.

    Returns:
        Where it lies in the inbox now; ``None`` if it does not.

    Raises:
        OSError: the file cannot be moved; the claim stays.
    """
    _check_mount(claim)
    scan = claim.scan(folders)
    copying = scan.with_name(COPYING)
    drop_part(copying)
    for held in (_parked(claim, folder) for folder in _goals(folders.inbox, claim)):
        drop_part(held)
        if lies(held):
            # The file itself, or a whole copy of it on its way back: what lies in working/ is not needed.
            scan.unlink(missing_ok=True)
            with locked(moves_lock(folders)):
                place = move(held, room_for(folders.inbox, claim.name), held)
                _end(folders, claim)
            return place
    if lies(copying):
        if _is_the_same(folders, claim, copying):
            copying.unlink()  # the copy was whole, the first not yet removed
        else:
            moves.rename_to_free(copying, scan)
    for root in (folders.originals, folders.quarantine):
        for folder in _goals(root, claim):
            parked = _parked(claim, folder)
            drop_part(parked)
            if not lies(parked):
                continue
            if lies(scan):
                parked.unlink()
                continue
            with locked(moves_lock(folders)):
                move(parked, folder / scan.name, parked)
                _end(folders, claim)
            return None
    if not lies(scan):
        # A record whose name is another than the file's: damaged, but the file is there.
        for other in _scans_of(claim.folder(folders)):
            claim = replace(claim, name=other.name)
    return hand_back(folders, claim)


def _is_the_same(folders: Folders, claim: Claim, copy: Path) -> bool:
    """Whether a claim's file still lies in quarantine, from where it was taken, and looks like its copy."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        return same_look(below(folders.quarantine, claim.name).lstat(), copy.lstat())
    return False
