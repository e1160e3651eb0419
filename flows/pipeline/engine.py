"""Many documents through one pool of workers, so that no core waits at the border between two of them.

Pages of all documents are read side by side; opening a document and finishing it (structure, repair, publishing) are
calls beside them and never hold up reading. ``nambat convert`` and batch runs are two ways to say where documents come
from and where they go.
"""

from __future__ import annotations

import contextlib
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Generic, TypeVar

from flows.pipeline import stages
from flows.pipeline.faults import as_fault, took_too_long
from flows.pipeline.outcome import Outcome
from flows.pipeline.page_policy import GRACE, settle_failed, tries_page_again
from flows.pipeline.stages import Checked, PageRead
from flows.pipeline.workers import WorkerPool
from flows.settings import Settings
from ocr.faults import Fault, PageFault, ToolMissing

Wanted = TypeVar("Wanted")


@dataclass(frozen=True, slots=True)
class Scan:
    """A scan that is ready to be read.

    Attributes:
        path: where it lies, absolute.
        records: folder for the records of its pages; it is there.
        is_last_try: of its document; see :func:`~flows.pipeline.page_policy.settle_failed`.
    """

    path: Path
    records: Path
    checked: Checked
    is_last_try: bool = True


@dataclass(frozen=True, slots=True)
class Job(Generic[Wanted]):
    """A document to read. Its functions run in threads, and may raise any exception but those of a bug.

    Attributes:
        wanted: what events name it by.
        open: gets hold of the scan and looks at it; ``None`` if there is nothing to be read.
        finish: publishes it once all pages have their records.
    """

    wanted: Wanted
    open: Callable[[WorkerPool], Scan | None]
    finish: Callable[[WorkerPool, Scan], Outcome]


@dataclass(frozen=True, slots=True)
class Opened(Generic[Wanted]):
    """A document was looked at and has so many pages."""

    wanted: Wanted
    pages: int


@dataclass(frozen=True, slots=True)
class Passed(Generic[Wanted]):
    """Of a document nothing is to be read."""

    wanted: Wanted


@dataclass(frozen=True, slots=True)
class PageDone(Generic[Wanted]):
    """A page was read, or given up."""

    wanted: Wanted
    page: PageRead


@dataclass(frozen=True, slots=True)
class Published(Generic[Wanted]):
    """A document is published."""

    wanted: Wanted
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Failed(Generic[Wanted]):
    """A document could not be published.

    Attributes:
        fault: as a person is told.
        cause: what was raised.
    """

    wanted: Wanted
    fault: Fault
    cause: Exception


Event = Opened[Wanted] | Passed[Wanted] | PageDone[Wanted] | Published[Wanted] | Failed[Wanted]


@dataclass(slots=True, eq=False)
class _Document(Generic[Wanted]):
    """A document on its way.

    Attributes:
        waited: seconds that its pages waited for their turn: they are none of its time.
    """

    job: Job[Wanted]
    scan: Scan
    started: float
    next_page: int = 1
    done: int = 0
    failed: dict[int, Fault] = field(default_factory=dict)
    over: bool = False
    waited: float = 0.0

    @property
    def pages_left(self) -> int:
        return self.scan.checked.pages - self.next_page + 1


def read_all(
    jobs: Iterable[Job[Wanted]],
    settings: Settings,
    *,
    ahead: int = 0,
    page_turn: Callable[[Wanted], AbstractContextManager[object]] = contextlib.nullcontext,
) -> Generator[Event[Wanted], None, None]:
    """Read documents, at most ``settings.jobs`` pages at a time, and tell what happens as it happens.

    Args:
        jobs: taken one after the other, a few pages before their turn.
        ahead: documents that are opened or finished beside the pages that are read, where that is mostly waiting for a
            share or a bucket.
        page_turn: entered for as long as a page of a document is read; it may make it wait.

    Raises:
        ToolMissing: Tesseract, its Vietnamese data or poppler is missing.
    """
    waiting = iter(jobs)
    reading: deque[_Document[Wanted]] = deque()
    read: deque[_Document[Wanted]] = deque()
    running: dict[Future[Any], Callable[[Future[Any]], list[Event[Wanted]]]] = {}
    pages_running = 0
    is_more = True

    with (
        WorkerPool(
            settings.jobs, memory=settings.worker_memory, scratch=settings.worker_scratch, warm=stages.WARM
        ) as pool,
        ThreadPoolExecutor(settings.jobs + ahead) as threads,
        contextlib.ExitStack() as stack,
    ):
        stack.callback(pool.stop)  # before the threads are waited for
        pool.start(min(settings.jobs, 4))

        def fail(document: _Document[Wanted], fault: Exception) -> list[Event[Wanted]]:
            if document.over:
                return []
            document.over = True
            for several in (reading, read):
                if document in several:
                    several.remove(document)
            return [Failed(document.job.wanted, as_fault(fault), fault)]

        def look(job: Job[Wanted]) -> None:
            started = time.monotonic()

            def after(future: Future[Any]) -> list[Event[Wanted]]:
                try:
                    scan: Scan | None = future.result()
                except ToolMissing:
                    raise
                except Exception as fault:
                    return [Failed(job.wanted, as_fault(fault), fault)]
                if scan is None:
                    return [Passed(job.wanted)]
                reading.append(_Document(job, scan, started))
                return [Opened(job.wanted, scan.checked.pages)]

            running[threads.submit(job.open, pool)] = after

        def read_page(document: _Document[Wanted], number: int, attempt: int = 1) -> None:
            nonlocal pages_running
            pages_running += 1

            def in_turn() -> PageRead:
                asked = time.monotonic()
                with page_turn(document.job.wanted):
                    document.waited += time.monotonic() - asked
                    return pool.call(
                        stages.read_page_to_disk,
                        document.scan.path,
                        number,
                        document.scan.records,
                        settings.dpi,
                        settings.page_timeout,
                        settings.max_pixels,
                        seconds=settings.page_timeout + GRACE,
                    )

            def after(future: Future[Any]) -> list[Event[Wanted]]:
                nonlocal pages_running
                pages_running -= 1
                if document.over:
                    return []
                if time.monotonic() - document.started - document.waited > settings.document_timeout:
                    return fail(document, took_too_long(settings.document_timeout))
                try:
                    page: PageRead = future.result()
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
                return page_done(document, page)

            running[threads.submit(in_turn)] = after

        def page_done(document: _Document[Wanted], page: PageRead) -> list[Event[Wanted]]:
            document.done += 1
            scan = document.scan
            events: list[Event[Wanted]] = [PageDone(document.job.wanted, page)]
            if document.done < scan.checked.pages:
                return events
            try:
                settle_failed(document.failed, scan.checked.pages, scan.records, settings, is_last_try=scan.is_last_try)
            except (Fault, OSError) as fault:
                return [*events, *fail(document, fault)]
            read.append(document)
            return events

        def finish(document: _Document[Wanted]) -> None:
            def after(future: Future[Any]) -> list[Event[Wanted]]:
                try:
                    outcome: Outcome = future.result()
                except Exception as fault:
                    return fail(document, fault)
                seconds = time.monotonic() - document.started
                return [Published(document.job.wanted, replace(outcome, seconds=seconds))]

            running[threads.submit(document.job.finish, pool, document.scan)] = after

        def begin_next() -> bool:
            """Begin what is most urgent; whether there was anything."""
            nonlocal is_more
            if read:
                finish(read.popleft())
                return True
            others = len(running) - pages_running
            # Those that are being opened count for a page each: more are not known of them.
            left = sum(document.pages_left for document in reading) + (others if ahead else 0)
            if is_more and left < settings.jobs + ahead:
                job = next(waiting, None)
                is_more = job is not None
                if job is not None:
                    look(job)
                    return True
            if reading and pages_running < settings.jobs:
                document = reading[0]
                read_page(document, document.next_page)
                document.next_page += 1
                if document.pages_left == 0:
                    reading.popleft()
                return True
            return False

        while True:
            while len(running) < settings.jobs + ahead and begin_next():
                pass
            if not running:
                return
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                yield from running.pop(future)(future)
