"""``nambat convert``: the pipeline without a server (see :mod:`flows.pipeline.engine`)."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePosixPath

from flows import faults
from flows.faults import Passing
from flows.host.locks import locked
from flows.host.moves import lies
from flows.host.names import fitted, readable
from flows.host.processes import is_running, machine
from flows.language import _, cause
from flows.pipeline import archives, engine, publish, stages
from flows.pipeline.engine import Failed, Job, Published, Scan
from flows.pipeline.outcome import Outcome
from flows.pipeline.saves import finish_saves
from flows.pipeline.stages import PublishPlan
from flows.pipeline.versions import Shelf, is_anothers, path_mark
from flows.pipeline.workers import WorkerPool, clear_scratch
from flows.settings import Settings
from ocr.faults import Timeout


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file to convert.

    Attributes:
        path: the file.
        name: as shown to the user.
        targets: format -> file to publish, ``json`` last.
        out: folder that the targets lie in or below.
        mark: what tells the file from one of the same name elsewhere.
    """

    path: Path
    name: str
    targets: dict[str, Path]
    out: Path
    mark: str


Event = engine.Event[Wanted]


def find_inputs(
    given: Sequence[Path], suffixes: Sequence[str] = (*publish.SCAN_SUFFIXES, archives.SUFFIX)
) -> tuple[list[tuple[Path, Path]], list[str]]:
    """The files to convert, each with the folder its output path is relative to, and what is wrong with the
    rest.

    Folders are walked for files with one of ``suffixes``; a file given by name is taken whatever its name.

    Returns:
        (files, complaints): files in the order given, each once; one sentence for each unusable input.
    """
    files: dict[Path, tuple[Path, Path]] = {}
    complaints: list[str] = []
    for path in given:
        shown = readable(path)
        try:
            mode = path.stat().st_mode
        except OSError as fault:
            complaints.append(_("{path}: {cause}; check the path.").format(path=shown, cause=cause(fault)))
            continue
        if stat.S_ISDIR(mode):
            closed: list[OSError] = []
            found = list(publish.scans_in(path, suffixes, closed.append))
            for shut in closed:
                said = _("{path}: {cause}; nothing in it is read.")
                complaints.append(said.format(path=readable(shut.filename), cause=cause(shut)))
            if not found and not closed:
                said = _("{path}: no files in this folder end in {suffixes}.")
                complaints.append(said.format(path=shown, suffixes=", ".join(suffixes)))
            for one in found:
                files.setdefault(one.absolute(), (one, path))
        elif stat.S_ISREG(mode):
            files.setdefault(path.absolute(), (path, path.parent))
        else:
            said = _("{path}: not a regular file; only files and folders can be read.")
            complaints.append(said.format(path=shown))
    return list(files.values()), complaints


def plan(
    files: Sequence[tuple[Path, Path]],
    out: Path,
    formats: Sequence[str],
    plain: str = ".pdf",
    family: Sequence[str] = publish.SCAN_SUFFIXES,
    split: bool = False,
) -> list[Wanted]:
    """Where each file's outputs go. No two files share an output, and none lies where an input does.

    Where the text of another input of that name lies already, a file gets the name that it would have beside that one.

    Args:
        split: files may be published in parts.
    """

    def targets(stem: PurePosixPath) -> dict[str, Path]:
        stem = publish.apart(stem, plain) if split else stem
        return {form: out / stem.parent / fitted(stem.name, f".{form}") for form in formats}

    stems = publish.target_stems(files, plain, family)
    given = set(stems)
    wanted = []
    for (path, root), stem in zip(files, stems, strict=True):
        if is_anothers(targets(stem)["json"], out, path):
            others = (one for one in publish.longer_stems(path, root, plain, family) if one not in given)
            stem = next(one for one in others if not is_anothers(targets(one)["json"], out, path))
            given.add(stem)
        shown = readable(path.relative_to(root) if path.parent != root else path.name)
        wanted.append(Wanted(path, shown, targets(stem), out, path_mark(path)))
    return wanted


def publish_plan(wanted: Wanted, settings: Settings, staging: Path) -> PublishPlan:
    """How a file is published: what would be lost in its folder goes to ``versions/`` there.

    All paths are absolute: who publishes may stand in another folder.
    """
    out = wanted.out.absolute()
    return PublishPlan(
        settings.repair,
        settings.footnotes,
        settings.low_confidence,
        {form: target.absolute() for form, target in wanted.targets.items()},
        staging.absolute(),
        versions=out / "versions",
        split=settings.split,
        root=out,
        keeps_formats=True,
        path_mark=wanted.mark,
        timezone=settings.timezone,
    )


@contextlib.contextmanager
def scratch(out: Path) -> Iterator[Path]:
    """A hidden folder in ``out`` for files in the making; removed at the end.

    Those of earlier runs that were killed are removed too, if that is sure: of this machine, whose lock nobody holds
    and whose process is gone; of another, if nothing was written there for :data:`FORGOTTEN` seconds, too.

    Raises:
        OSError: ``out`` cannot be written to.
    """
    clear_scratch()
    out.mkdir(parents=True, exist_ok=True)
    folder = out / f".nambat-{machine()}-{os.getpid()}-{secrets.token_hex(4)}"
    folder.mkdir()
    try:
        with locked(folder / LOCK):
            now = (folder / LOCK).stat().st_mtime  # on the clock of the file system
            for old in out.glob(".nambat-*"):
                with contextlib.suppress(OSError):
                    if old != folder and _is_abandoned(old, now):
                        shutil.rmtree(old, ignore_errors=True)
            with contextlib.suppress(OSError, Passing):  # it is tried again when its document is next published
                finish_saves(Shelf(out.absolute(), folder.absolute(), out.absolute() / "versions"))
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


LOCK = ".lock"
"""The file that who makes files in a scratch folder holds locked."""

FORGOTTEN = 86400.0
"""Seconds without a new file after which another machine's scratch folder counts as left. A page takes minutes."""

_SCRATCH = re.compile(r"\.nambat-(?:(?P<machine>[^-]+-[0-9a-f]+)-)?(?P<pid>\d+)-[0-9a-f]{8}")


def _is_abandoned(folder: Path, now: float) -> bool:
    """Whether nobody works in a scratch folder any more.

    Raises:
        OSError: that cannot be said.
    """
    name = _SCRATCH.fullmatch(folder.name)
    if name is None or folder.is_symlink() or not folder.is_dir():
        return False
    if lies(folder / LOCK):
        with locked(folder / LOCK, wait=False) as is_free:
            if not is_free:
                return False
    if name["machine"] == machine():
        return not is_running(int(name["pid"]))
    newest = max(path.lstat().st_mtime for path in (folder, *folder.rglob("*")))
    return now - newest > FORGOTTEN


def convert(files: Sequence[Wanted], settings: Settings, work: Path) -> Iterator[Event]:
    """Convert ``files``, at most ``settings.jobs`` pages at a time, and tell what happens as it happens.

    Args:
        work: an empty folder on the outputs' file system, for page records and files in the making.

    Raises:
        ToolMissing: Tesseract, its Vietnamese data or poppler is missing.
    """
    work = work.absolute()  # a worker stands elsewhere
    records = {one.targets["json"]: work / str(index) for index, one in enumerate(files)}
    jobs = [
        Job(one, partial(_open, one, settings, records[one.targets["json"]]), partial(_finish, one, settings, work))
        for one in files
    ]
    for event in engine.read_all(jobs, settings):
        if isinstance(event, Published | Failed):
            shutil.rmtree(records[event.wanted.targets["json"]], ignore_errors=True)
        yield event


def _open(wanted: Wanted, settings: Settings, records: Path, pool: WorkerPool) -> Scan:
    path = wanted.path.absolute()
    checked = pool.call(stages.check, path, settings.max_bytes, settings.max_pages, seconds=settings.page_timeout)
    records.mkdir()
    return Scan(path, records, checked)


def _finish(wanted: Wanted, settings: Settings, work: Path, pool: WorkerPool, scan: Scan) -> Outcome:
    outcome = pool.call(
        stages.finish,
        scan.records,
        wanted.path.name,
        scan.checked,
        publish_plan(wanted, settings, work / "staging"),
        seconds=settings.document_timeout,
    )
    return replace(outcome, name=wanted.name)


def normalized(wanted: Wanted, settings: Settings, work: Path, pool: WorkerPool) -> Outcome:
    """Clean up the text of another OCR engine, in a worker that can be stopped, and publish it.

    Args:
        work: an empty folder on the outputs' file system, for files in the making.

    Raises:
        Fault, OSError: as :func:`~flows.pipeline.stages.normalize_text`, or the worker crashed.
        TooLarge: the text has more bytes than the settings allow.
        TookTooLong: its time is up.
    """
    size, most = wanted.path.stat().st_size, settings.max_text_bytes
    if size > most:
        raise faults.TEXT_TOO_LARGE.fault(megabytes=size / 1e6, most=most / 1e6)
    plan, path = publish_plan(wanted, settings, work / "staging"), wanted.path.absolute()
    try:
        return pool.call(stages.normalize_text, path, wanted.name, plan, seconds=settings.text_timeout)
    except Timeout as fault:
        raise faults.TEXT_TOOK_TOO_LONG.fault(seconds=settings.text_timeout) from fault
