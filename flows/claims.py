"""Claims: files in work, and how a file moves from one folder of the service to the next.

Every file that people drop is at every instant in exactly one of inbox/, working/, originals/ and
quarantine/, because it moves by rename alone::

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
import errno
import fcntl
import hashlib
import json
import os
import secrets
import shutil
import stat
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from flows import heartbeat, publish
from flows.heartbeat import identity
from flows.inbox import Look, list_inbox
from flows.settings import LONGEST_PAUSE, Folders
from flows.stages import digest
from ocr.faults import Fault

REASON = ".reason.txt"
COPYING = ".copying"
"""What a file is called while it comes into working/ from another file system."""


@contextlib.contextmanager
def locked(path: Path, *, wait: bool = True) -> Iterator[bool]:
    """Hold the lock file ``path``; yields whether it was to be had. A process that dies lets go of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
            return
        yield True
    finally:
        os.close(handle)


@contextlib.contextmanager
def page_slot(folders: Folders, count: int, pause: float = 0.05) -> Iterator[None]:
    """One of ``count`` places for reading a page, shared by all processes that work on these folders.

    The places are locked files, so a process that dies gives its place back.
    """
    home = folders.working / ".slots"
    home.mkdir(parents=True, exist_ok=True)
    while True:
        for number in range(count):
            with locked(home / str(number), wait=False) as held:
                if held:
                    yield
                    return
        time.sleep(pause)


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


class Gone(Exception):
    """The file or claim is not there any more: someone else took it, moved it or handed it back."""


def save_claim(folders: Folders, claim: Claim) -> None:
    """Write ``claim.json``.

    Raises:
        OSError: it cannot be written.
    """
    data = json.dumps(asdict(claim), indent=1).encode()
    publish.replace_file(claim.folder(folders) / "claim.json", data)


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
            known["look"] = Look(**known["look"])
        claim = Claim(**known)
        below(folders.inbox, claim.name)
        return claim
    except (OSError, ValueError, TypeError, AttributeError) as fault:
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
        return [scan for scan in (folder / "scan").iterdir() if scan.name != COPYING]
    except OSError:
        return []


def drop_empty_claims(folders: Folders) -> None:
    """Remove what a process left that died between making a claim's folder and moving a file into it.

    Only a process that holds the service's lock may do this, before anything is taken.
    """
    for folder in folders.working.iterdir():
        if not folder.name.startswith(".") and not (folder / "claim.json").exists() and not _scans_of(folder):
            shutil.rmtree(folder, ignore_errors=True)


def claim_lock(folders: Folders) -> Path:
    """The lock under which a claim's record is changed."""
    return folders.working / ".claims.lock"


def take_over(folders: Folders, claim_id: str, flow_run: str) -> Claim:
    """Make a claim this process's own, to work on it.

    Raises:
        Gone: there is no such claim, or its file was handed back.
    """
    with locked(claim_lock(folders)):
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
    with locked(claim_lock(folders)):
        claim = replace(load_claim(folders, claim.id), running=True)
        save_claim(folders, claim)
        return claim


def assign(folders: Folders, claim: Claim, owner: str, flow_run: str) -> None:
    """Note which run will work on a claim, and who answers for it until then. The run may have begun already.

    Raises:
        Gone: the run is done with it already.
        OSError: the note cannot be written.
    """
    with locked(claim_lock(folders)):
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
    with locked(claim_lock(folders)):
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
    status = claim.scan(folders).lstat()
    return claim.look is None or (status.st_size, status.st_mtime_ns) == (claim.look.size, claim.look.modified)


def below(root: Path, name: str) -> Path:
    """``root / name``, which must lie below ``root``: no absolute names, no ``..``.

    Raises:
        Gone: it would not.
    """
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or ".." in parts:
        raise Gone(f"{publish.readable(name)} is no name below {root}")
    return root.joinpath(*parts)


def below_without_links(root: Path, name: str) -> Path:
    """The same, and none of the folders on the way is a link: in the inbox, people can put links.

    Raises:
        Gone: one is.
    """
    place = below(root, name)
    if place.parent.resolve() != root.resolve().joinpath(*place.relative_to(root).parts[:-1]):
        raise Gone(f"{publish.readable(name)} lies behind a link")
    return place


def take(folders: Folders, name: str, look: Look, owner: str, *, dpi: int, max_bytes: int | None = None) -> Claim:
    """Claim a file of the inbox: from here on it lies in working/.

    Args:
        max_bytes: larger files are not read to know their hash; they will be refused.

    Raises:
        Gone: it is not there any more, is no regular file, or has changed since ``look``.
        OSError: it cannot be moved and is still in the inbox, or cannot be read and is claimed.
    """
    source = below_without_links(folders.inbox, name)
    claim = _new_claim(folders, name, owner, look)
    target = claim.scan(folders)
    try:
        try:
            source.rename(target)
        except OSError as fault:
            if fault.errno != errno.EXDEV:
                raise
            _move_across(source, target, target.with_name(COPYING))
        status = target.lstat()
        if not stat.S_ISREG(status.st_mode) or status.st_size != look.size or status.st_mtime_ns != look.modified:
            hand_back(folders, claim)
            raise Gone(f"{publish.readable(name)} changed while it was taken")
    except FileNotFoundError as fault:
        shutil.rmtree(claim.folder(folders), ignore_errors=True)
        raise Gone(f"{publish.readable(name)} is gone") from fault
    except OSError:
        if not target.exists():
            shutil.rmtree(claim.folder(folders), ignore_errors=True)
        raise
    publish.sync_folder(target.parent)
    publish.sync_folder(source.parent)
    return claim if max_bytes is not None and look.size > max_bytes else _with_digest(folders, claim, dpi)


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
    return _with_digest(folders, claim, dpi)


def _new_claim(folders: Folders, name: str, owner: str, look: Look | None = None) -> Claim:
    now = datetime.now(UTC)
    claim = Claim(
        f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(4)}",
        name,
        owner,
        host=heartbeat.host(),
        taken=now.timestamp(),
        look=look,
    )
    try:
        (claim.folder(folders) / "scan").mkdir(parents=True)
        save_claim(folders, claim)
    except OSError:
        shutil.rmtree(claim.folder(folders), ignore_errors=True)
        raise
    return claim


def _with_digest(folders: Folders, claim: Claim, dpi: int) -> Claim:
    claim = replace(claim, sha256=digest(claim.scan(folders)))
    claim = replace(claim, attempt=_attempts(progress_folder(folders, claim, dpi))[0] + 1)
    save_claim(folders, claim)
    return claim


def _move_across(source: Path, target: Path, copying: Path) -> None:
    """Move a file to another file system, by way of the hidden file ``copying`` there.

    As long as the source is there it is the file; once it is removed, the whole copy is. :func:`recover` ends
    what a crash left in between.
    """
    shutil.copy2(source, copying, follow_symlinks=False)
    if not copying.is_symlink():
        with copying.open("rb") as file:
            os.fsync(file.fileno())
    publish.sync_folder(copying.parent)
    source.unlink()
    copying.rename(target)


def _returning(folders: Folders, claim: Claim) -> Path:
    """The hidden copy by way of which a claim's file goes back to an inbox on another file system."""
    return folders.inbox / f".nambat-{claim.id}"


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
    return _move_out(folders, claim, folders.inbox)


def archive(folders: Folders, claim: Claim, dpi: int) -> Path | None:
    """Move a published scan to originals/ and drop the claim. An older scan of that name stays beside it.

    Raises:
        OSError: it cannot be moved; the claim stays.
    """
    place = _move_out(folders, claim, folders.originals)
    shutil.rmtree(progress_folder(folders, claim, dpi), ignore_errors=True)
    return place


def quarantine(folders: Folders, claim: Claim, fault: Fault, dpi: int, now: datetime | None = None) -> Path | None:
    """Move a scan that failed to quarantine/, with a note beside it that says why and what to do.

    Raises:
        OSError: it cannot be moved, or the note cannot be written; the claim stays.
    """
    note = reason_text(claim.name, fault, now or datetime.now(), claim.id)
    place = _move_out(folders, claim, folders.quarantine, note)
    shutil.rmtree(progress_folder(folders, claim, dpi), ignore_errors=True)
    return place


def reason_text(name: str, fault: Fault, now: datetime, claim_id: str) -> bytes:
    """The note beside a quarantined scan: Vietnamese, English, what to do, and the technical detail."""
    return (
        f"{fault.vietnamese}\n{fault}\n\n"
        f"Khi đã khắc phục: chép tệp vào lại inbox, hoặc chạy lệnh `nambat retry`.\n"
        f"When that is mended: drop the file into the inbox again, or run `nambat retry`.\n\n"
        f"{publish.readable(name)}, {now.astimezone():%Y-%m-%d %H:%M:%S %z}, {type(fault).__name__}, {claim_id}\n"
        f"{fault.detail}".rstrip()
        + "\n"
    ).encode("utf-8", "replace")


def reason_path(scan: Path) -> Path:
    """Where the note about a quarantined scan lies."""
    return scan.with_name(publish.fitted(scan.name, REASON))


def _move_out(folders: Folders, claim: Claim, root: Path, reason: bytes | None = None) -> Path | None:
    scan = claim.scan(folders)
    place = None
    # Several processes move files; between choosing a free name and taking it no other may choose.
    with locked(folders.working / ".moves.lock"):
        if _lies(scan) and claim.keep:
            place = free_place(_room_for(root, claim.name))
            if reason is not None:
                publish.replace_file(reason_path(place), reason)
            try:
                scan.rename(place)
            except OSError as fault:
                if fault.errno != errno.EXDEV:
                    raise
                _move_across(scan, place, _returning(folders, claim))
            publish.sync_folder(place.parent)
            publish.sync_folder(scan.parent)
        shutil.rmtree(claim.folder(folders), ignore_errors=True)
    return place


def _room_for(root: Path, name: str) -> Path:
    """``root / name`` with its folders made; ``root`` itself where someone has put a link or a file in the way.

    Raises:
        OSError: a folder cannot be made.
    """
    try:
        place = below_without_links(root, name)
        place.parent.mkdir(parents=True, exist_ok=True)
    except (Gone, FileExistsError, NotADirectoryError):
        place = root / PurePosixPath(name).name
        root.mkdir(parents=True, exist_ok=True)
    return place


def _lies(path: Path) -> bool:
    """Whether something of that name is there, a broken link included."""
    return os.path.lexists(path)


def free_place(path: Path) -> Path:
    """``path``, or the first of ``b (2).pdf``, ``b (3).pdf`` ... that nothing lies at."""
    number, place = 1, path
    while _lies(place):
        number += 1
        ending = f" ({number}){path.suffix}"
        place = path.with_name(publish.fitted(path.name.removesuffix(path.suffix), ending))
    return place


def recover(folders: Folders, claim: Claim) -> Path | None:
    """End what a dead process left of a claim: its file goes back to the inbox. Returns where it lies then.

    Raises:
        OSError: the file cannot be moved; the claim stays.
    """
    scan = claim.scan(folders)
    copying, returning = scan.with_name(COPYING), _returning(folders, claim)
    if _lies(copying):
        source = folders.inbox / claim.name
        if not _lies(scan) and not (_lies(source) and _same_file(source, copying)):
            copying.rename(scan)
        else:
            copying.unlink()
    if _lies(returning):
        if _lies(scan):
            returning.unlink()
        else:
            with locked(folders.working / ".moves.lock"):
                place = free_place(_room_for(folders.inbox, claim.name))
                returning.rename(place)
            shutil.rmtree(claim.folder(folders), ignore_errors=True)
            return place
    return hand_back(folders, claim)


def _same_file(one: Path, other: Path) -> bool:
    """Whether two files look like a file and its copy."""
    first, second = one.lstat(), other.lstat()
    return (first.st_size, first.st_mtime_ns) == (second.st_size, second.st_mtime_ns)


class CrashedTooOften(Fault):
    """The process that worked on a document died again and again."""


def crashed_too_often(attempts: int) -> CrashedTooOften:
    """The fault of a document whose reading ended without an answer so many times."""
    return CrashedTooOften(
        f"Reading this document stopped half-way {attempts} times; scan it again, or split it.",
        vietnamese=f"Việc đọc văn bản này đã bị dừng giữa chừng {attempts} lần; hãy quét lại hoặc tách nhỏ.",
    )


def quarantined_files(folders: Folders) -> list[tuple[Path, str]]:
    """Every scan in quarantine with the English sentence of its note."""
    found = []
    for name in sorted(list_inbox(folders.quarantine).files):
        path = folders.quarantine / name
        if path.name.endswith(REASON):
            continue
        why = "no note says why"
        with contextlib.suppress(OSError, IndexError):
            why = reason_path(path).read_text("utf-8", "replace").splitlines()[1]
        found.append((path, why))
    return found


def retry(folders: Folders, path: Path) -> Path:
    """Put a quarantined scan back into the inbox and remove its note. Returns where it lies then.

    Raises:
        Gone: it is not in quarantine.
        OSError: it cannot be moved.
    """
    if not path.is_relative_to(folders.quarantine) or path.is_symlink() or not path.is_file():
        raise Gone(f"{publish.readable(path.name)} is not in quarantine")
    with locked(folders.working / ".moves.lock"):
        place = free_place(_room_for(folders.inbox, os.fspath(path.relative_to(folders.quarantine))))
        try:
            path.rename(place)
        except OSError as fault:
            if fault.errno != errno.EXDEV:
                raise
            _move_across(path, place, place.with_name(f".nambat-retry-{secrets.token_hex(4)}"))
        reason_path(path).unlink(missing_ok=True)
    return place


def take_again(folders: Folders, claim_id: str, owner: str, *, dpi: int) -> Claim:
    """Claim the scan that went from the claim of that id to quarantine: its run was started again from the UI.

    Raises:
        Gone: it is not in quarantine any more, or cannot be moved.
        OSError: it cannot be read.
    """
    for path, _ in quarantined_files(folders):
        note = reason_path(path)
        try:
            if f", {claim_id}\n" not in note.read_text("utf-8", "replace") or not claim_id:
                continue
            status = path.lstat()
        except OSError:
            continue
        name = os.fspath(path.relative_to(folders.quarantine))
        with locked(folders.working / ".moves.lock"):
            claim = _new_claim(folders, name, owner, Look(status.st_size, status.st_mtime_ns, status.st_ino))
            try:
                path.rename(claim.scan(folders))
            except OSError as fault:
                shutil.rmtree(claim.folder(folders), ignore_errors=True)
                raise Gone(f"{publish.readable(name)} cannot be taken from quarantine") from fault
            note.unlink(missing_ok=True)
        return _with_digest(folders, claim, dpi)
    raise Gone(f"nothing in quarantine comes from claim {claim_id}")
