"""Claims: files in work, and how a file moves from one folder of the service to the next.

Every file that people drop is at every instant in exactly one of inbox/, working/, originals/ and
quarantine/, because it moves by rename (see :mod:`flows.moves` for file systems of their own)::

    inbox/a/b.pdf  ->  working/<claim>/scan/b.pdf  ->  originals/a/b.pdf
                   <-           (handed back)      ->  quarantine/a/b.pdf + b.pdf.reason.txt

A claim is a folder of working/ with ``claim.json`` (the file's name, who works on it) written before the file
is moved in. Whoever owns a claim is a process (see :mod:`flows.heartbeat`); a claim whose owner is dead is stale,
and its file goes back to the inbox. What was read of it so far stays in ``working/.progress/`` under the hash
of its content, so that no page is read twice. A claim that met a trouble of the machine is put off: it has no
owner until its time comes.

Nothing here knows Prefect, and nothing loops or waits.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from flows import heartbeat, publish
from flows.heartbeat import identity
from flows.inbox import Look, look_at
from flows.locks import claims_lock, locked, moves_lock
from flows.moves import Gone, below, below_without_links, drop_part, lies, move, rename_to_free, room_for, same_look
from flows.settings import LONGEST_PAUSE, Folders
from flows.stages import digest
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


_CLAIM_FIELDS = frozenset(field.name for field in fields(Claim))


def save_claim(folders: Folders, claim: Claim) -> None:
    """Write ``claim.json``.

    Raises:
        OSError: it cannot be written.
    """
    data = json.dumps(asdict(claim), indent=1).encode()
    # The first record is flushed with its folder before a file comes; later ones only add to it.
    publish.replace_file(claim.folder(folders) / "claim.json", data, at_once=False)


def load_claim(folders: Folders, claim_id: str) -> Claim:
    """The claim of that id.

    Raises:
        Gone: there is no such claim, or its record is not whole or not ours.
    """
    if not claim_id or "/" in claim_id or claim_id.startswith("."):
        raise Gone(f"{claim_id!r} is no claim")
    try:
        data = json.loads((folders.working / claim_id / "claim.json").read_text())
        known = {name: value for name, value in data.items() if name in _CLAIM_FIELDS}  # a later version may add some
        if known.get("look") is not None:
            known["look"] = Look(known["look"]["size"], known["look"]["modified"])
        claim = Claim(**known)
        below(folders.inbox, claim.name)
        return claim
    except (OSError, ValueError, TypeError, AttributeError, KeyError) as fault:
        raise Gone(f"there is no claim {claim_id}") from fault


def open_claims(folders: Folders) -> list[Claim]:
    """All claims, oldest first. A file whose record cannot be read counts as nobody's, so that it goes back."""
    found = []
    with contextlib.suppress(FileNotFoundError):
        for folder in sorted(folders.working.iterdir()):
            try:
                found.append(load_claim(folders, folder.name))
            except Gone:
                if not folder.name.startswith("."):
                    found += [Claim(folder.name, scan.name, "") for scan in _scans_of(folder)]
    return found


def _scans_of(folder: Path) -> list[Path]:
    try:
        return [scan for scan in (folder / "scan").iterdir() if not scan.name.startswith(".")]
    except OSError:
        return []


def drop_empty_claims(folders: Folders) -> None:
    """Remove what a process left that died between making a claim's folder and moving a file into it.

    Only a process that holds the service's lock may do this, before anything is taken.
    """
    for folder in folders.working.iterdir():
        if not folder.name.startswith(".") and not (folder / "claim.json").exists() and not _scans_of(folder):
            shutil.rmtree(folder, ignore_errors=True)


def take_over(folders: Folders, claim_id: str, flow_run: str) -> Claim:
    """Make a claim this process's own, to work on it.

    Raises:
        Gone: there is no such claim, or its file was handed back.
    """
    with locked(claims_lock(folders)):
        claim = load_claim(folders, claim_id)
        if not claim.scan(folders).is_file():
            raise Gone(f"the file of claim {claim_id} is gone")
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
        if now.running or (now.owner != claim.owner and not now.is_put_off):
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
    return claim.look is None or look_at(claim.scan(folders)) == claim.look


def take(folders: Folders, name: str, look: Look, owner: str, *, dpi: int, max_bytes: int | None = None) -> Claim:
    """Claim a file of the inbox: from here on it lies in working/.

    Args:
        max_bytes: larger files are not read to know their hash; they will be refused.

    Raises:
        Gone: it is not there any more, is no regular file, or has changed since ``look``.
        OSError: it cannot be moved and is still in the inbox, or cannot be read and is claimed.
    """
    source = below_without_links(folders.inbox, name)
    with _as_gone(name):
        device = source.lstat().st_dev
        if look_at(source) != look:
            raise Gone(f"{publish.readable(name)} changed while it was taken")
    claim = bring_in(folders, source, name, owner)
    assert claim.look is not None
    # Between look and move someone may have gone on writing, or put another file in its place. Not every file
    # system stores times to the same fraction of a second.
    moved_across = claim.scan(folders).lstat().st_dev != device
    if claim.look.size != look.size or (claim.look != look and not moved_across):
        hand_back(folders, claim)
        raise Gone(f"{publish.readable(name)} changed while it was taken")
    if max_bytes is None or look.size <= max_bytes:
        return with_digest(folders, claim, dpi)
    save_claim(folders, claim)
    return claim


def bring_in(folders: Folders, source: Path, name: str, owner: str, *, claim_id: str = "", flow_run: str = "") -> Claim:
    """A claim on a file, which is moved to working/ from wherever it lies.

    Args:
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
            claim = replace(claim, look=look_at(scan))
    except BaseException:
        if lies(scan):
            hand_back(folders, claim)
        elif not lies(scan.with_name(COPYING)):
            shutil.rmtree(claim.folder(folders), ignore_errors=True)
        raise
    return claim


@contextlib.contextmanager
def _as_gone(name: str) -> Iterator[None]:
    try:
        yield
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as fault:
        raise Gone(f"{publish.readable(name)} is gone") from fault


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
    (claim.folder(folders) / "scan").mkdir(parents=True)
    try:
        save_claim(folders, claim)
        publish.sync_folder(claim.folder(folders))
        publish.sync_folder(folders.working)
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
    publish.replace_file(progress / "attempts", f"{count} {now}".encode())
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
        is_taken, announce: see :func:`flows.moves.move`.

    Raises:
        OSError: it cannot be moved; the claim stays.
    """
    scan = claim.scan(folders)
    place = None
    # Several processes move files; where a rename may replace a file, no other may choose the same free name.
    with locked(moves_lock(folders)):
        if lies(scan) and claim.keep:
            wanted = room_for(root, claim.name)
            place = move(scan, wanted, _parked(claim, wanted.parent), is_taken=is_taken, announce=announce)
        shutil.rmtree(claim.folder(folders), ignore_errors=True)
    return place


def _parked(claim: Claim, folder: Path) -> Path:
    """The hidden copy by way of which a claim's file goes to a folder on another file system."""
    return folder / f".nambat-{claim.id}"


def recover(folders: Folders, claim: Claim) -> Path | None:
    """End what a dead process left of a claim: its file goes back to the inbox, if it was not on its way elsewhere.

    Returns:
        Where it lies in the inbox now; ``None`` if it does not.

    Raises:
        OSError: the file cannot be moved; the claim stays.
    """
    scan = claim.scan(folders)
    copying = scan.with_name(COPYING)
    drop_part(copying)
    if lies(copying):
        if any(_is_the_same(folders, claim, root, copying) for root in (folders.inbox, folders.quarantine)):
            copying.unlink()  # the copy was whole, the first not yet removed
        else:
            rename_to_free(copying, scan)
    for root in (folders.inbox, folders.originals, folders.quarantine):
        for folder in {root, below(root, claim.name).parent}:
            parked = _parked(claim, folder)
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                drop_part(parked)
            if not lies(parked):
                continue
            if lies(scan):
                parked.unlink()
                continue
            with locked(moves_lock(folders)):
                place = move(parked, folder / scan.name, parked)
                shutil.rmtree(claim.folder(folders), ignore_errors=True)
            return place if root == folders.inbox else None
    return hand_back(folders, claim)


def _is_the_same(folders: Folders, claim: Claim, root: Path, copy: Path) -> bool:
    """Whether a claim's file still lies where it was taken from, below ``root``, and looks like its copy."""
    with contextlib.suppress(OSError):
        return same_look(below(root, claim.name).lstat(), copy.lstat())
    return False
