"""Claims: files in work, and what is written down about them.

A claim is a folder of working/ with ``claim.json`` (the file's name, who works on it) written before the file
is moved in. Whoever owns a claim is a process (see :mod:`flows.host.heartbeat`); a claim whose owner is dead is stale,
and its file goes back to the inbox (see :mod:`flows.intake.transfers`). What was read of it so far stays in
``working/.progress/`` under the hash of its content, so that no page is read twice. A claim that met a trouble of the
machine is put off: it has no owner until its time comes.

Nothing here knows Prefect, and nothing loops or waits.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import re
import secrets
import shutil
import time
from collections.abc import Collection
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from logging import WARNING
from pathlib import Path, PurePosixPath

from pydantic import TypeAdapter

from flows.host import heartbeat, meter
from flows.host.files import replace_file, sync_folder
from flows.host.heartbeat import identity
from flows.host.locks import claims_lock, locked
from flows.host.log import note
from flows.host.moves import Gone, below
from flows.host.names import is_id, new_id, readable
from flows.intake.inbox import HELD, Look
from flows.pipeline.stages import digest
from flows.settings import LONGEST_PAUSE, Folders, Settings
from ocr.faults import Fault

_MARK = re.compile(r"[0-9a-f]*", re.ASCII)

FORGOTTEN = 30 * 86400.0
"""Seconds after which page records are removed that no scan in work or in quarantine needs."""


def check_id(claim_id: str) -> str:
    """``claim_id`` if it is one that we could have made: it becomes part of a path, and may come from anywhere.

    Raises:
        Gone: it is not.
    """
    if not is_id(claim_id):
        raise Gone(f"{claim_id!r} is no claim")
    return claim_id


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
        quarantined: path below quarantine/ that it was taken from; empty if it was not.
        mark: what the hidden names of its file end in, while that is on its way between two file systems. Nobody can
            guess it, so that nobody can put something there beforehand. Empty in records of version 0.1.
        original: path below originals/ that it was taken from to be read again; empty if it was not. What is published
            of it stays if that fails, and the scan goes back there.
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
    quarantined: str = ""
    mark: str = ""
    original: str = ""

    @property
    def hidden_name(self) -> str:
        """What its file is called while it is held in the inbox, or on its way to another file system."""
        return f"{HELD}{self.mark or self.id}"

    @property
    def is_put_off(self) -> bool:
        return self.not_before > 0

    def is_due(self, now: float) -> bool:
        """Whether a claim that was put off is to be tried again (a clock set back must not put it off for ever)."""
        return not now < self.not_before <= now + LONGEST_PAUSE


_RECORD = TypeAdapter(Claim)


@dataclass(frozen=True)
class ClaimStore:
    """The claims of a service: what is written down about the files in its working/.

    :meth:`take_over`, :meth:`begin`, :meth:`assign` and :meth:`put_off` take the lock of all claims, because another
    process may change the same claim. How files move is the matter of :mod:`flows.intake.transfers`.
    """

    settings: Settings

    @functools.cached_property
    def folders(self) -> Folders:
        """The service's folders, as absolute paths; the same for the life of the store."""
        return self.settings.folders

    def folder(self, claim: Claim) -> Path:
        """The folder of working/ that is this claim."""
        return self.folders.working / claim.id

    def scan(self, claim: Claim) -> Path:
        """Where the claimed file lies while it is worked on."""
        return self.folder(claim) / "scan" / PurePosixPath(claim.name).name

    def is_owner_alive(self, claim: Claim) -> bool:
        """Whether the process that answers for a claim lives; see :func:`flows.host.heartbeat.is_alive`."""
        return heartbeat.is_alive(self.folders, claim.owner, self.settings.claim_timeout)

    def save(self, claim: Claim) -> None:
        """Write ``claim.json``.

        Raises:
            OSError: it cannot be written.
        """
        data = json.dumps(asdict(claim), indent=1).encode()
        # The first record is flushed with its folder before a file comes; later ones only add to it.
        replace_file(self.folder(claim) / "claim.json", data, at_once=False)

    def load(self, claim_id: str) -> Claim:
        """The claim of that id.

        Raises:
            Gone: there is no such claim, or its record is not whole or not ours.
            OSError: the record cannot be read now.
        """
        check_id(claim_id)
        try:
            record = json.loads((self.folders.working / claim_id / "claim.json").read_bytes())
            claim = _RECORD.validate_python(record)  # not from JSON: there, names that are no UTF-8 are refused
            below(self.folders.inbox, claim.name)
            if claim.original:
                below(self.folders.originals, claim.original)
            if claim.quarantined:
                below(self.folders.quarantine, claim.quarantined)
        except (FileNotFoundError, NotADirectoryError, ValueError, RecursionError) as fault:
            raise Gone(f"there is no claim {claim_id}") from fault
        if claim.id != claim_id or not _MARK.fullmatch(claim.mark):
            raise Gone(f"the record of claim {claim_id} is another's")
        return claim

    def open_claims(self) -> list[Claim]:
        """All claims, oldest first. A file whose record is lost counts as nobody's, so that it goes back."""
        found = []
        with contextlib.suppress(FileNotFoundError):
            for folder in sorted(self.folders.working.iterdir()):
                try:
                    found.append(self.load(folder.name))
                except Gone:
                    if is_id(folder.name):
                        mark = secrets.token_hex(8)  # what its hidden names were, nobody knows any more
                        found += [Claim(folder.name, scan.name, "", mark=mark) for scan in scans_of(folder)]
                except OSError:
                    continue  # a disk or share that does not answer now says nothing about the claim
        return found

    def new_claim(
        self,
        name: str,
        owner: str,
        claim_id: str = "",
        flow_run: str = "",
        *,
        original: str = "",
        quarantined: str = "",
    ) -> Claim:
        """A claim whose folder is made and whose file has yet to come.

        Args:
            name: of the file, below the inbox.
            claim_id: an earlier claim's, to go on under it.
            original, quarantined: path below originals/ or quarantine/ of a file that comes from there.

        Raises:
            Gone: that is no id of a claim.
            OSError: it cannot be written down; nothing of it is left.
        """
        now = datetime.now(UTC)
        claim = Claim(
            check_id(claim_id or new_id(now)),
            name,
            owner,
            flow_run=flow_run,
            host=heartbeat.host(),
            taken=now.timestamp(),
            mark=secrets.token_hex(8),
            original=original,
            quarantined=quarantined,
        )
        self.folder(claim).mkdir(parents=True)
        try:
            (self.folder(claim) / "scan").mkdir()
            self.save(claim)
            sync_folder(self.folder(claim))
            sync_folder(self.folders.working)
        except OSError:
            shutil.rmtree(self.folder(claim), ignore_errors=True)
            raise
        return claim

    def with_digest(self, claim: Claim) -> Claim:
        """The claim with the hash of its file, and what earlier attempts at that content came to.

        Raises:
            OSError: the file cannot be read, or the claim cannot be written down.
        """
        claim = replace(claim, sha256=digest(self.scan(claim)))
        claim = replace(claim, attempt=_attempts(self.progress_folder(claim))[0] + 1)
        self.save(claim)
        return claim

    def drop_empty_claims(self) -> None:
        """Remove what a process left that died between making a claim's folder and moving a file into it.

        Only a process that holds the service's lock may do this, before anything is taken. Folders that are none of
        ours are left alone.
        """
        for folder in self.folders.working.iterdir():
            if not folder.name.startswith(".") and not (folder / "claim.json").exists() and not scans_of(folder):
                with contextlib.suppress(OSError):
                    for part in (folder / "scan", folder):
                        part.rmdir()

    def take_over(self, claim_id: str, flow_run: str) -> Claim:
        """Make a claim this process's own, to work on it.

        Raises:
            Gone: there is no such claim, its file was handed back, or another run works on it.
        """
        with locked(claims_lock(self.folders)):
            claim = self.load(claim_id)
            if not self.scan(claim).is_file():
                raise Gone(f"the file of claim {claim_id} is gone")
            is_others = claim.running and claim.flow_run != flow_run
            if is_others and heartbeat.is_alive(self.folders, claim.owner, patience=120):
                raise Gone(f"another run works on claim {claim_id}")
            claim = replace(claim, owner=identity(), host=heartbeat.host(), flow_run=flow_run, not_before=0.0, why="")
            self.save(claim)
            return claim

    def begin(self, claim: Claim) -> Claim:
        """Note that the work on a claim of this process begins: if it ends without an answer, that is an attempt.

        Raises:
            Gone: there is no such claim any more.
            OSError: the note cannot be written.
        """
        with locked(claims_lock(self.folders)):
            claim = replace(self.load(claim.id), running=True)
            self.save(claim)
            return claim

    def assign(self, claim: Claim, owner: str, flow_run: str) -> None:
        """Note which run will work on a claim, and who answers for it until then. It may have begun already.

        Raises:
            Gone: the run is done with it already.
            OSError: the note cannot be written.
        """
        with locked(claims_lock(self.folders)):
            now = self.load(claim.id)
            if now.running or now.tries != claim.tries or (now.owner != claim.owner and not now.is_put_off):
                return
            self.save(replace(now, owner=owner, host=heartbeat.host(), flow_run=flow_run, not_before=0.0))

    def put_off(self, claim: Claim, fault: Fault, not_before: float) -> Claim:
        """Leave a claim in working/ to be tried again later.

        Args:
            not_before: seconds since the epoch.

        Raises:
            Gone: there is no such claim any more.
            OSError: the note cannot be written.
        """
        with locked(claims_lock(self.folders)):
            claim = replace(
                self.load(claim.id),
                owner="",
                running=False,
                flow_run="",
                tries=claim.tries + 1,
                not_before=not_before,
                why=str(fault),
            )
            self.save(claim)
        name = readable(claim.name)
        note(
            "put off",
            f"put off: {name}: {fault} (try {claim.tries}, the next in {not_before - time.time():.0f} s)",
            level=WARNING,
            file=name,
            fault=type(fault).__name__,
            reason=str(fault),
            tries=claim.tries,
            seconds_to_next=round(not_before - time.time()),
        )
        meter.count_end(self.folders, "put off", type(fault).__name__)
        return claim

    def progress_folder(self, claim: Claim) -> Path:
        """Where a claim's page records lie: the same place for the same content, name and resolution.

        Claims whose content is not known share nothing.
        """
        content = claim.sha256[:32] or claim.id
        return self.folders.working / ".progress" / f"{content}-{_short(claim.name)}-{self.settings.dpi}"

    def drop_progress(self, claim: Claim) -> None:
        """Remove a claim's page records: its document is published."""
        shutil.rmtree(self.progress_folder(claim), ignore_errors=True)

    def keep_pages(self, claim: Claim) -> None:
        """Of a claim whose document is given up, keep the pages that were read: they need not be read again one day.

        What is known of pages that could not be read goes, and the count of attempts: all that is tried anew.
        """
        folder = self.progress_folder(claim)
        (folder / "attempts").unlink(missing_ok=True)
        for record in sorted(folder.glob("*.json")):
            with contextlib.suppress(OSError):
                if not _was_read(record):
                    record.unlink()
        with contextlib.suppress(OSError):
            folder.rmdir()

    def pass_on_pages(self, kept: str, name: str) -> None:
        """Let the pages of a scan that was given up serve it under the name that it has now.

        Args:
            kept: name of their folder below working/.progress/.
            name: of the scan below the inbox.
        """
        content, _, dpi = kept.rsplit("-", 2)
        progress = self.folders.working / ".progress"
        with contextlib.suppress(OSError):  # there are none, or others are there already
            (progress / kept).rename(progress / f"{content}-{_short(name)}-{dpi}")

    def drop_old_progress(self, kept: Collection[str]) -> None:
        """Remove page records that nobody has touched for :data:`FORGOTTEN` seconds: their scans are elsewhere.

        Args:
            kept: names of the folders that stay, however old.
        """
        with contextlib.suppress(OSError):
            now = heartbeat.beat(self.folders, identity())  # on the clock of the file system
            for folder in (self.folders.working / ".progress").iterdir():
                if folder.name not in kept and now - folder.stat().st_mtime > FORGOTTEN:
                    shutil.rmtree(folder, ignore_errors=True)

    def count_attempt(self, claim: Claim) -> int:
        """Remember that work on a claim ended without an answer (a crash, a power cut).

        Returns:
            How many attempts in a row ended so without reading one more page. A document that gets further each
            time will be done one day; one that does not is what kills its reader.

        Raises:
            OSError: it cannot be written.
        """
        if not claim.sha256:
            return 0
        progress = self.progress_folder(claim)
        progress.mkdir(parents=True, exist_ok=True)
        count, pages = _attempts(progress)
        now = sum(1 for _ in progress.glob("*.json"))
        count = 1 if now > pages else count + 1
        replace_file(progress / "attempts", f"{count} {now}".encode())
        self.save(replace(claim, running=False))  # or it would count again if the file cannot go back now
        return count


def scans_of(folder: Path) -> list[Path]:
    """The files that lie in a claim's folder, whatever its record says; none if it cannot be looked into."""
    try:
        return [scan for scan in (folder / "scan").iterdir() if not scan.name.startswith(".")]
    except OSError:
        return []


def _short(name: str) -> str:
    return hashlib.sha256(os.fsencode(name)).hexdigest()[:8]


def _was_read(record: Path) -> bool:
    """Whether a page's record holds what was read, and not why nothing was.

    Raises:
        OSError: it cannot be looked into.
    """
    try:
        return json.loads(record.read_bytes())["error"] is None
    except (ValueError, KeyError, TypeError, RecursionError):
        return False


def _attempts(progress: Path) -> tuple[int, int]:
    """How many attempts in a row got no further, and how many pages were read by then."""
    try:
        count, pages = map(int, (progress / "attempts").read_text().split())
        return count, pages
    except (OSError, ValueError):
        return 0, 0
