"""The Prefect flows: ``ingest`` works on one document, ``read`` on a file that a person names, ``sweep`` looks at the
inbox.

Thin wraps around :mod:`flows.pipeline.stages` and :mod:`flows.intake.sweep`. One document is one flow run, named after
the file; one page is one task run. What passes between tasks is small: page records lie on disk, so a retry or a
restart never reads a page twice.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections import deque
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, cast

from prefect import flow, get_run_logger, runtime, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.futures import PrefectFuture
from prefect.states import Cancelled, Completed, Failed
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner
from prefect.tasks import Task

from flows import faults
from flows.host import heartbeat, meter
from flows.host.locks import page_slot
from flows.host.log import adopt_errors, begin, is_begun, note
from flows.host.mounts import missing_mount, staging_folder
from flows.host.moves import Gone
from flows.host.names import readable
from flows.intake import duplicates, settling, transfers
from flows.intake.claims import Claim, ClaimStore
from flows.intake.given_paths import take_given
from flows.intake.quarantine import quarantine, take_again
from flows.intake.reread import original_of_run, take_original
from flows.intake.sweep import sweep as look_once
from flows.intake.unpacking import deliver, open_claimed
from flows.language import N_, _, ngettext, shown_time, told
from flows.pipeline import stages
from flows.pipeline.archives import is_archive, left_whole
from flows.pipeline.faults import as_fault, is_passing, took_too_long, tries_again
from flows.pipeline.outcome import Outcome
from flows.pipeline.page_policy import ATTEMPTS, GRACE, settle_failed
from flows.pipeline.stages import Checked, PageRead, PublishPlan
from flows.pipeline.to_check import to_picture
from flows.pipeline.workers import WorkerPool
from flows.review.runs import note_run
from flows.service import day
from flows.service.batch_runs import keeper
from flows.service.idle_sweeps import forget_idle_sweeps
from flows.service.record import ServiceGone, owner_of_service, runs_on_server, version
from flows.service.reports import (
    ABOUT_INGEST,
    ABOUT_READ,
    ABOUT_SWEEP,
    NEEDS_ATTENTION,
    PUT_OFF,
    about,
    about_others,
    begin_progress,
    best_effort,
    report_day,
    report_failure,
    report_success,
    report_sweep,
    report_unpacked,
    review_address,
    show_progress,
    success_line,
    sweep_line,
    tag_run,
)
from flows.settings import Folders, Settings, load, tell_words
from ocr.faults import Fault, PageFault

MOST_THREADS = 64
"""Threads a run may have; how many pages are read at once is bounded by NAMBAT_JOBS, not by this."""


def may_pass(task: Task[..., Any], task_run: TaskRun, state: State[Any]) -> bool:
    """Whether a task is tried again: only where trying again can help."""
    fault = state.result(raise_on_failure=False)
    return isinstance(fault, BaseException) and is_passing(fault)


@task(
    task_run_name=_("page {number} of {total}"),
    retries=ATTEMPTS - 1,
    retry_delay_seconds=2,
    retry_condition_fn=may_pass,
    cache_policy=NO_CACHE,
    persist_result=False,
)
def read_page(number: int, total: int, scan: Path, records: Path, pool: WorkerPool) -> dict[str, Any]:
    """Read one page to disk, in a worker process."""
    settings = load()
    with page_slot(settings.folders, settings.jobs):
        page = pool.call(
            stages.read_page_to_disk,
            scan,
            number,
            records,
            settings.dpi,
            settings.page_timeout,
            settings.max_pixels,
            seconds=settings.page_timeout + GRACE,
        )
    said = _("page {number}: {words} words, {seconds:.1f} s")
    get_run_logger().info("%s", said.format(number=number, words=page.words, seconds=page.seconds))
    return asdict(page)


@task(
    task_run_name=_("publish"),
    retries=2,
    retry_delay_seconds=[2, 10],
    retry_condition_fn=may_pass,
    cache_policy=NO_CACHE,
    persist_result=False,
)
def publish_pages(records: Path, name: str, checked: Checked, plan: PublishPlan, pool: WorkerPool) -> Outcome:
    """Structure, repair and publish the pages on disk. A trouble that lasts longer puts the document off."""
    settings = load()
    with page_slot(settings.folders, settings.jobs):
        return pool.call(stages.finish, records, name, checked, plan, seconds=settings.document_timeout)


@flow(
    name="ingest",
    flow_run_name="{name}",
    description=about(ABOUT_INGEST),
    task_runner=cast(TaskRunner[PrefectFuture[Any]], ThreadPoolTaskRunner(max_workers=MOST_THREADS)),
    persist_result=False,
)
def ingest(name: str, claim: str) -> Any:
    """Read one document and publish it.

    Args:
        name: the file's path below the inbox, as shown.
        claim: the id of the claim that holds the file in working/.
    """
    store = store_of_run()
    with heartbeat.beating(store.folders):
        run = str(runtime.flow_run.id or "")
        try:
            held = store.take_over(claim, run)
        except Gone:
            if (runtime.flow_run.run_count or 1) < 2:
                return Cancelled(message=_(NOT_WAITING))
            try:
                held = _take_once_more(store, name, claim, run)
            except Gone as gone:
                nothing = _("There is nothing to read again: {why}.").format(why=gone)
                return Cancelled(message=" ".join((_(NOT_WAITING), nothing)))
            except (Fault, OSError) as fault:
                return failed_run(as_fault(fault))
        except OSError as fault:
            # The claim cannot be written down (a full disk). It has no running owner, so a sweep takes it back.
            return failed_run(as_fault(fault))
        return _ingest(store, readable(held.name), held)


def failed_run(why: Fault) -> State[Any]:
    """The state of a run that has failed; it says why in both languages."""
    return Failed(message=f"{why.vietnamese} / {why}")


def store_of_run() -> ClaimStore:
    """The claims, for a run, whose process logs from here on."""
    settings = load()
    if not is_begun():
        begin(settings, console=True)
        adopt_errors(settings)
    tell_words(settings)
    return ClaimStore(settings)


NOT_WAITING = N_("The file does not wait for this run any more: it was published, handed back or taken anew.")


def _take_once_more(store: ClaimStore, name: str, claim: str, run: str) -> Claim:
    """Claim the scan of a run that is run again by "Retry" in the UI.

    That of a failed run lies in quarantine, that of a completed one in originals/.

    Raises:
        Gone: in neither.
        Fault, OSError: it cannot be taken now.
    """
    with contextlib.suppress(Gone):
        return take_again(store, claim, heartbeat.identity(), run)
    original = original_of_run(store, claim, name)
    return take_original(store, original, heartbeat.identity(), claim_id=claim, flow_run=run)


@flow(
    name="read",
    flow_run_name="{path}",
    description=about(ABOUT_READ),
    task_runner=cast(TaskRunner[PrefectFuture[Any]], ThreadPoolTaskRunner(max_workers=MOST_THREADS)),
    persist_result=False,
)
def read(path: str) -> Any:
    """Read one file and publish it.

    Args:
        path: The scan to read, such as `originals/a/b.pdf`. It is counted from the folder of the service's home, or
            from / if it begins so; it must lie below the home or a folder of NAMBAT_READ_ROOTS.
    """
    store = store_of_run()
    with heartbeat.beating(store.folders):
        try:
            held = take_given(store, path, heartbeat.identity(), str(runtime.flow_run.id or ""))
        except (Gone, Fault, OSError) as fault:
            return failed_run(as_fault(fault))
        return _ingest(store, readable(held.name), held)


def _ingest(store: ClaimStore, name: str, held: Claim) -> State[Any]:
    started = time.monotonic()
    try:
        with contextlib.ExitStack() as stack:
            if held.keep and held.sha256:
                stack.enter_context(duplicates.content_lock(store, held.sha256))
            if is_archive(store.scan(held)):
                return _unpack(store, name, held)
            outcome = work_on(store, held)
            outcome = replace(outcome, name=name, seconds=time.monotonic() - started)
            if not transfers.is_unchanged(store, held):
                raise StillArriving
            # Before the scan is put away: after a crash it is read again, and this is done then.
            outcome = replace(outcome, settled=_settle(store, held))
            place = transfers.archive(store, held)
            meter.count(store.folders, outcome.counts)
            if held.keep and held.sha256:
                with contextlib.suppress(OSError):
                    duplicates.remember(store, held.sha256, held.name, version(), held.id)
    except Gone:
        return Cancelled(message=_("The file was handed back to the inbox meanwhile."))
    except Exception as fault:
        return _end_badly(store, name, held, fault)
    note_published(outcome)
    for line in about_others(outcome, for_log=True):
        get_run_logger().info("%s", line)
    record = next((path for path in reversed(outcome.files) if path.suffix == ".json"), None)
    if record is not None:
        with best_effort("the review page does not lead to this run"):
            note_run(store.folders, record, str(runtime.flow_run.id or ""))
    report_success(outcome, place, review_address(store.settings, record))
    with best_effort("the table of the day misses this document"):
        day.leave_note(store, held.name, outcome, str(runtime.flow_run.id or ""), time.time())
    _keep_outcome(outcome)
    return Completed(message=success_line(outcome, for_log=True))


def _settle(store: ClaimStore, held: Claim) -> tuple[Path, ...]:
    """Put away the scans of the same name that lie in quarantine; where they lie now.

    One that is only read again is no better one than they are.

    Raises:
        OSError: that cannot be written down.
    """
    return tuple(settling.settle(store, held.name)) if held.keep and not held.original else ()


def _unpack(store: ClaimStore, name: str, held: Claim) -> State[Any]:
    """An archive: what is in it goes into the inbox, and has runs of its own.

    Raises:
        Gone, StillArriving, Fault, OSError: as :func:`work_on`.
    """
    if not held.keep:
        raise left_whole(store.scan(held))  # there may be nobody to read what would lie in the inbox
    held = store.begin(held)
    size, most = store.scan(held).stat().st_size, store.settings.max_bytes
    if size > most:
        raise faults.FILE_TOO_LARGE.fault(megabytes=size / 1e6, most=most / 1e6)
    unpacking = open_claimed(store, held)
    if not transfers.is_unchanged(store, held):
        raise StillArriving
    deliver(store, held, unpacking)
    _settle(store, held)
    place = transfers.archive(store, held)
    meter.count_end(store.folders, "unpacked")
    scans, others = len(unpacking.scans), len(unpacking.others)
    unpacked = ngettext("{count} scan unpacked", "{count} scans unpacked", scans).format(count=scans)
    left = ngettext("{count} other file left in it", "{count} other files left in it", others).format(count=others)
    line = _("An archive: {unpacked}, {left}").format(unpacked=unpacked, left=left)
    get_run_logger().info("%s", line)
    note("unpacked", f"unpacked: {name}: {scans} scans, {others} other files left in it", file=name, scans=scans)
    report_unpacked(name, unpacking, place)
    return Completed(message=line)


def note_published(outcome: Outcome) -> None:
    """Log that a document is published."""
    note(
        "published",
        f"published: {outcome.name}: {success_line(outcome, for_log=True)}, {outcome.seconds:.1f} s",
        level=logging.WARNING if outcome.failed_pages else logging.INFO,
        file=outcome.name,
        pages=outcome.pages,
        unreadable_pages=len(outcome.failed_pages),
        words=outcome.words,
        footnotes=outcome.footnotes,
        corrections=outcome.corrections,
        warnings=len(outcome.warnings),
        seconds=round(outcome.seconds, 1),
        copy_of=outcome.copy_of or None,
    )


class StillArriving(Exception):
    """The file changed after it was taken."""


def _end_badly(store: ClaimStore, name: str, held: Claim, fault: Exception) -> State[Any]:
    """Put a document off or give it up; either way its run has failed, and says why."""
    log = get_run_logger()
    why = as_fault(fault)
    away = missing_mount(store.folders) if held.keep else None
    try:
        if away:
            why = away  # nothing can be put anywhere now
        elif isinstance(fault, StillArriving) or not transfers.is_unchanged(store, held):
            transfers.hand_back(store, held)
            said = _("Someone still wrote to the file; it lies in the inbox again until it is whole.")
            return Cancelled(message=said)
        if held.keep and held.tries < tries_again(why, store.settings.retries):
            pause = store.settings.pause_before_retry(held.tries)
            at = time.time() + pause
            store.put_off(held, why, at)
            vietnamese, english = (shown_time(at, store.settings.timezone, speak=name) for name in ("vi", "en"))
            message = f"{why.vietnamese} Sẽ thử lại lúc {vietnamese}. / {why} Tried again at {english}."
            log.warning("%s", message)
            with best_effort():
                tag_run([PUT_OFF])
            return Failed(message=message)
        # One that was published before goes back to originals/.
        place = quarantine(store, held, why)
    except Gone:
        return Cancelled(message=_("The file was handed back to the inbox meanwhile."))
    except OSError as trouble:
        # Not even that can be written down now. The next sweep finds the claim without an owner and takes it back.
        log.error("%s / %s (%s)", why.vietnamese, why, trouble)
        return failed_run(why)
    log.error("%s / %s", why.vietnamese, why)
    report_failure(name, why, None if held.original else place)
    if held.original:
        return Failed(message=f"{why.vietnamese} {STAYS_PUBLISHED[0]} / {why} {STAYS_PUBLISHED[1]}")
    return failed_run(why)


STAYS_PUBLISHED = ("Văn bản đã công bố trước đây vẫn giữ nguyên.", "What was published before stays.")


def work_on(store: ClaimStore, claim: Claim) -> Outcome:
    """Everything between taking a claim and putting its scan away.

    Raises:
        Gone: the claim was handed back.
        StillArriving: someone writes to the file.
        Fault, OSError: why the document cannot be published.
    """
    log = get_run_logger()
    folders, settings = store.folders, store.settings
    scan = store.scan(claim)
    targets = duplicates.targets_of(store, claim.name)
    plan = PublishPlan(
        settings.repair,
        settings.footnotes,
        settings.low_confidence,
        targets,
        staging_folder(folders.working, folders.published),
        folders.versions,
        settings.split,
        folders.published,
        tells_strangers=True,
        timezone=settings.timezone,
        made_with=duplicates.made_with(settings),
    )
    with WorkerPool(
        settings.jobs, memory=settings.worker_memory, scratch=settings.worker_scratch, warm=stages.WARM
    ) as pool:
        limits = settings.max_bytes, settings.max_pages
        checked = pool.call(stages.check, scan, *limits, seconds=settings.page_timeout)
        if claim.keep:
            twin = duplicates.find_twin(store, checked.sha256, version())
            if twin is not None:
                wait_for_mounts(folders)
                log.info("%s", _("the same bytes as {name}").format(name=readable(twin.name)))
                return duplicates.publish_copy(twin, claim.name, plan)
        claim = store.begin(claim)
        deadline = time.monotonic() + settings.document_timeout
        records = store.progress_folder(claim)
        records.mkdir(parents=True, exist_ok=True)
        pages = ngettext("{count} page", "{count} pages", checked.pages).format(count=checked.pages)
        said = _("{pages}, {megabytes:.1f} MB, attempt {number}")
        log.info("%s", said.format(pages=pages, megabytes=checked.bytes / 1e6, number=claim.attempt))
        failed = read_pages(scan, records, checked.pages, settings, pool, deadline)
        settle_failed(failed, checked.pages, records, settings, is_last_try=claim.tries >= settings.retries)
        if not transfers.is_unchanged(store, claim):
            raise StillArriving
        wait_for_mounts(folders)
        shown = Path(claim.name).name
        outcome: Outcome = publish_pages.submit(records, shown, checked, plan, pool).result()
        return with_pictures(outcome, scan, settings, pool)


PICTURES_WITHIN = 30.0
"""Seconds that the pictures in a document's report may take; it is published by then."""


def with_pictures(outcome: Outcome, scan: Path, settings: Settings, pool: WorkerPool) -> Outcome:
    """The outcome with pictures of what to check; as it is where they cannot be had, as no run fails for them."""
    most = settings.report_pictures
    if not (most and to_picture(outcome.checks, most)):
        return outcome
    with best_effort("the report has no pictures"), page_slot(settings.folders, settings.jobs):
        limits = most, settings.dpi, PICTURES_WITHIN, settings.max_pixels
        checks = pool.call(stages.with_pictures, scan, outcome.checks, *limits, seconds=PICTURES_WITHIN)
        return replace(outcome, checks=checks)
    return outcome


def read_pages(
    scan: Path, records: Path, total: int, settings: Settings, pool: WorkerPool, deadline: float
) -> dict[int, Fault]:
    """Read all pages, a few at a time, and give up those that cannot be read.

    A page that might be read another time is not given up yet: it leaves no record.

    Args:
        deadline: on the monotonic clock, in seconds.

    Returns:
        Number and reason of each page that was not read.

    Raises:
        Fault, OSError: what concerns more than a page.
    """
    failed: dict[int, Fault] = {}
    waiting: deque[tuple[int, PrefectFuture[dict[str, Any]]]] = deque()
    progress = begin_progress(total)
    done = 0

    def settle() -> None:
        nonlocal done
        number, future = waiting.popleft()
        future.wait(timeout=max(0.0, deadline - time.monotonic()))
        if time.monotonic() >= deadline:
            pool.stop()
            raise took_too_long(settings.document_timeout)
        answer = future.result(raise_on_failure=False)
        if isinstance(answer, PageFault):
            failed[number] = answer
            if answer.permanent:  # written down at once: a run that is taken up again does not read it again
                stages.give_up_page(number, records, settings.dpi, answer)
            said = _("page {number} cannot be read: {why}").format(number=number, why=told(answer))
            get_run_logger().warning("%s", said)
        elif isinstance(answer, BaseException):
            raise answer
        elif (error := PageRead(**answer).error) is not None:
            failed[number] = PageFault(error)  # an earlier run gave it up
        done += 1
        show_progress(progress, done, total)

    for number in range(1, total + 1):
        waiting.append((number, read_page.submit(number, total, scan, records, pool)))
        # A window keeps the memory of a 500-page scan bounded, and twice the jobs keeps every worker busy.
        if len(waiting) >= 2 * settings.jobs:
            settle()
    while waiting:
        settle()
    return failed


def wait_for_mounts(folders: Folders) -> None:
    """Make sure that what is published now will be seen.

    Raises:
        ShareAway: the share it is published to is not mounted; the document is put off.
    """
    if away := missing_mount(folders):
        raise away


_outcomes: dict[str, Outcome] = {}


def _keep_outcome(outcome: Outcome) -> None:
    _outcomes[str(runtime.flow_run.id)] = outcome


def outcome_of(flow_run: str) -> Outcome | None:
    """The outcome of a run that this process made; ``None`` if it failed or another process made it."""
    return _outcomes.pop(flow_run, None)


@flow(name="sweep", flow_run_name=_("sweep of the inbox"), description=about(ABOUT_SWEEP), persist_result=False)
def sweep() -> Any:
    """Look at the inbox: take what is whole, start a run for each, take back what dead runs left."""
    store = store_of_run()
    log = get_run_logger()
    try:
        owner = owner_of_service(store.folders)
    except ServiceGone as fault:
        return Failed(message=str(fault))
    swept = look_once(store, owner, runs_on_server(store.folders))
    if swept is not None and swept.waiting:
        # A file is whole when two looks find it unchanged; with a schedule of hours the second must come now.
        time.sleep(store.settings.settle + 0.5)
        again = look_once(store, owner, runs_on_server(store.folders))
        swept = swept if again is None else swept.then(again)
    if swept is None:
        return Completed(message=_("Another sweep is at work."))
    for trouble in (*swept.troubles, *keeper(store)()):
        log.warning("%s", trouble)
    for path in swept.refused:
        log.warning("%s", path)
    report_sweep(swept)
    report_day(store)
    with best_effort():
        forget_idle_sweeps()
    if swept.troubles:
        with best_effort():
            tag_run([NEEDS_ATTENTION])
    return Completed(message=sweep_line(swept))
