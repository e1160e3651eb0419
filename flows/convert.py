"""``nambat convert``: the pipeline without a server.

Pages of all documents go through one pool of workers, so that no core waits at the border between two
documents; finishing a document (structure, repair, publishing) is a call to the same pool and never holds up
reading.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import stat
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from flows import faults
from flows.faults import Passing
from flows.host.locks import locked
from flows.host.moves import lies
from flows.host.names import fitted, readable
from flows.host.processes import is_running, machine
from flows.language import _, cause
from flows.pipeline import archives, publish, stages
from flows.pipeline.faults import as_fault, took_too_long
from flows.pipeline.outcome import Outcome
from flows.pipeline.page_policy import GRACE, settle_failed, tries_page_again
from flows.pipeline.saves import finish_saves
from flows.pipeline.stages import Checked, PageRead, PublishPlan
from flows.pipeline.versions import Shelf, is_anothers, path_mark
from flows.pipeline.workers import WorkerPool, clear_scratch
from flows.settings import Settings
from ocr.faults import Fault, PageFault, Timeout, ToolMissing


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


@dataclass(frozen=True, slots=True)
class Opened:
    """A document was looked at and has so many pages."""

    wanted: Wanted
    pages: int


@dataclass(frozen=True, slots=True)
class PageDone:
    """A page was read, or given up."""

    wanted: Wanted
    page: PageRead


@dataclass(frozen=True, slots=True)
class Published:
    """A document is published."""

    wanted: Wanted
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Failed:
    """A document could not be converted."""

    wanted: Wanted
    fault: Fault


Event = Opened | PageDone | Published | Failed


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


@dataclass(slots=True, eq=False)
class _Document:
    """A document on its way."""

    wanted: Wanted
    records: Path
    started: float
    checked: Checked
    next_page: int = 1
    done: int = 0
    failed: dict[int, Fault] = field(default_factory=dict)
    over: bool = False


def convert(files: Sequence[Wanted], settings: Settings, work: Path) -> Iterator[Event]:
    """Convert ``files``, at most ``settings.jobs`` pages at a time, and tell what happens as it happens.

    Args:
        work: an empty folder on the outputs' file system, for page records and files in the making.

    Raises:
        ToolMissing: Tesseract, its Vietnamese data or poppler is missing.
    """
    work = work.absolute()  # a worker stands elsewhere
    waiting = deque(enumerate(files))
    reading: deque[_Document] = deque()
    read: deque[_Document] = deque()
    running: dict[Future[object], Callable[[Future[object]], list[Event]]] = {}

    with (
        WorkerPool(
            settings.jobs, memory=settings.worker_memory, scratch=settings.worker_scratch, warm=stages.WARM
        ) as pool,
        ThreadPoolExecutor(settings.jobs) as threads,
        contextlib.ExitStack() as stack,
    ):
        stack.callback(pool.stop)  # before the threads are waited for
        pool.start(min(settings.jobs, 4))

        def submit(after: Callable[[Future[object]], list[Event]], *call: object, seconds: float) -> None:
            running[threads.submit(pool.call, *call, seconds=seconds)] = after  # type: ignore[arg-type]

        def fail(document: _Document, fault: Exception) -> list[Event]:
            if document.over:
                return []
            document.over = True
            for several in (reading, read):
                if document in several:
                    several.remove(document)
            shutil.rmtree(document.records, ignore_errors=True)
            return [Failed(document.wanted, as_fault(fault))]

        def look(index: int, wanted: Wanted) -> None:
            started = time.monotonic()

            def after(future: Future[object]) -> list[Event]:
                try:
                    checked = future.result()
                except ToolMissing:
                    raise
                except Exception as fault:
                    return [Failed(wanted, as_fault(fault))]
                assert isinstance(checked, Checked)
                records = work / str(index)
                records.mkdir()
                reading.append(_Document(wanted, records, started, checked))
                return [Opened(wanted, checked.pages)]

            limits = settings.max_bytes, settings.max_pages
            submit(after, stages.check, wanted.path.absolute(), *limits, seconds=settings.page_timeout)

        def read_page(document: _Document, number: int, attempt: int = 1) -> None:
            def after(future: Future[object]) -> list[Event]:
                if document.over:
                    return []
                if time.monotonic() - document.started > settings.document_timeout:
                    return fail(document, took_too_long(settings.document_timeout))
                try:
                    page = future.result()
                except ToolMissing:
                    raise
                except Exception as fault:
                    if tries_page_again(fault, attempt):
                        read_page(document, number, attempt + 1)
                        return []
                    if not isinstance(fault, PageFault):
                        return fail(document, fault)
                    document.failed[number] = fault
                    page = PageRead(number, 0, None, 0.0, str(fault))
                assert isinstance(page, PageRead)
                document.done += 1
                events: list[Event] = [PageDone(document.wanted, page)]
                if document.done < document.checked.pages:
                    return events
                try:
                    settle_failed(document.failed, document.checked.pages, document.records, settings, is_last_try=True)
                except (Fault, OSError) as fault:
                    return [*events, *fail(document, fault)]
                read.append(document)
                return events

            submit(
                after,
                stages.read_page_to_disk,
                document.wanted.path.absolute(),
                number,
                document.records,
                settings.dpi,
                settings.page_timeout,
                settings.max_pixels,
                seconds=settings.page_timeout + GRACE,
            )

        def finish(document: _Document) -> None:
            def after(future: Future[object]) -> list[Event]:
                try:
                    outcome = future.result()
                except Exception as fault:
                    return fail(document, fault)
                assert isinstance(outcome, Outcome)
                shutil.rmtree(document.records, ignore_errors=True)
                seconds = time.monotonic() - document.started
                return [Published(document.wanted, replace(outcome, name=document.wanted.name, seconds=seconds))]

            wanted = document.wanted
            submit(
                after,
                stages.finish,
                document.records,
                wanted.path.name,
                document.checked,
                publish_plan(wanted, settings, work / "staging"),
                seconds=settings.document_timeout,
            )

        while True:
            while len(running) < settings.jobs:
                left = sum(document.checked.pages - document.next_page + 1 for document in reading)
                if read:
                    finish(read.popleft())
                elif waiting and left < settings.jobs:
                    look(*waiting.popleft())
                elif reading:
                    document = reading[0]
                    read_page(document, document.next_page)
                    document.next_page += 1
                    if document.next_page > document.checked.pages:
                        reading.popleft()
                else:
                    break
            if not running:
                return
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                yield from running.pop(future)(future)


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
