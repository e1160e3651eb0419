"""The Prefect flows: ``ingest`` works on one document, ``sweep`` looks at the inbox.

Thin wraps around :mod:`flows.pipeline.stages` and :mod:`flows.intake.sweep`. One document is one flow run, named after
the file; one page is one task run. What passes between tasks is small: page records lie on disk, so a retry or a
restart never reads a page twice.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast
from uuid import UUID

from prefect import flow, get_run_logger, runtime, task
from prefect.artifacts import (
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State, TaskRun
from prefect.futures import PrefectFuture
from prefect.states import Cancelled, Completed, Failed
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner
from prefect.tasks import Task
from unidecode import unidecode

from flows.host import heartbeat
from flows.host.locks import page_slot
from flows.host.mounts import missing_mount, mount_of, mount_table
from flows.host.moves import Gone, below
from flows.host.names import readable
from flows.intake import claims, duplicates
from flows.intake.claims import Claim
from flows.intake.quarantine import quarantine, take_again
from flows.intake.sweep import Swept
from flows.intake.sweep import sweep as look_once
from flows.pipeline import publish, stages
from flows.pipeline.faults import as_fault, is_passing, took_too_long, tries_again
from flows.pipeline.outcome import Outcome
from flows.pipeline.page_policy import ATTEMPTS, GRACE, settle_failed
from flows.pipeline.stages import Checked, PageRead, PublishPlan
from flows.pipeline.workers import WorkerPool
from flows.service.record import version
from flows.settings import Folders, Settings, load
from ocr.faults import Fault, PageFault

MOST_THREADS = 64
"""Threads a run may have; how many pages are read at once is bounded by NAMBAT_JOBS, not by this."""

NEEDS_ATTENTION, QUARANTINED, PUT_OFF = "needs attention", "quarantined", "put off"
PAGES_MISSING, LOW_CONFIDENCE, WARNINGS, COPY = "pages missing", "low confidence", "warnings", "copy"
TAGS = frozenset({NEEDS_ATTENTION, QUARANTINED, PUT_OFF, PAGES_MISSING, LOW_CONFIDENCE, WARNINGS, COPY})
"""Tags of runs: by them the UI finds what a person should look at. States keep Prefect's names, because the UI's list
of states to choose from knows no others."""

# A line feed within a paragraph would show as one in the UI.
ABOUT_INGEST = f"""\
Reads one scan and publishes its text. Each document is a run, named after its file. Runs start by themselves: \
drop scans into the inbox. There is nothing to start by hand here.

To see what waits for a person, choose the tag `{NEEDS_ATTENTION}` under *Runs*.

**Completed**: the text is published. Its tags:

- `{PAGES_MISSING}`: some pages could not be read. The report under *Artifacts* names them; scan them again.
- `{LOW_CONFIDENCE}`: some pages were hard to read. The report names them; compare them with the scan.
- `{WARNINGS}`: something is doubtful, such as a footnote without its mark. The report lists it.
- `{COPY}`: the scan has the same bytes as an earlier one, whose text was copied.

**Failed**: the log says why, in Vietnamese and English. The tags:

- `{QUARANTINED}`: the scan lies in quarantine. Drop a better scan of the same name, or mend it there and press *Retry*.
- `{PUT_OFF}`: the machine has a trouble, such as a full disk. The document is tried again at the time in the log.

**Crashed**: nambat was stopped or killed. The file is taken again by itself.

**Cancelled**: the file was handed back to the inbox, or a person cancelled the run. The log says which.

A tag stays on its run when the trouble is over, and a scan that crashed its reader too often has none: \
`nambat status` lists what lies in quarantine now.
"""

ABOUT_SWEEP = f"""\
Looks at the inbox on a schedule, so that nothing is lost which the watcher did not see. *Run*, *Quick run* looks at \
once. For each file that it takes, a run of *ingest* starts.

The tag `{NEEDS_ATTENTION}` says that something could not be done; the run's log says what.

Runs to come bear names that Prefect makes up, until they start.
"""


def may_pass(task: Task[..., Any], task_run: TaskRun, state: State[Any]) -> bool:
    """Whether a task is tried again: only where trying again can help."""
    fault = state.result(raise_on_failure=False)
    return isinstance(fault, BaseException) and is_passing(fault)


@task(
    task_run_name="page {number} of {total}",
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
    get_run_logger().info("page %d: %d words, %.1f s", number, page.words, page.seconds)
    return asdict(page)


@task(
    task_run_name="publish",
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
    description=ABOUT_INGEST,
    task_runner=cast(TaskRunner[PrefectFuture[Any]], ThreadPoolTaskRunner(max_workers=MOST_THREADS)),
    persist_result=False,
)
def ingest(name: str, claim: str) -> Any:
    """Read one document and publish it.

    Args:
        name: the file's path below the inbox, as shown.
        claim: the id of the claim that holds the file in working/.
    """
    settings = load()
    folders = settings.folders
    with heartbeat.beating(folders):
        try:
            held = claims.take_over(folders, claim, str(runtime.flow_run.id or ""))
        except Gone:
            try:
                # "Retry" in the UI runs a failed run again: its scan lies in quarantine.
                if (runtime.flow_run.run_count or 1) < 2:
                    raise
                run = str(runtime.flow_run.id or "")
                held = take_again(folders, claim, heartbeat.identity(), run, dpi=settings.dpi)
            except OSError as fault:
                return Failed(message=f"The scan cannot be taken from quarantine: {as_fault(fault)}")
            except Gone:
                return Cancelled(
                    message="The file does not wait for this run any more: it was published, handed back or taken anew."
                )
        except OSError as fault:
            # The claim cannot be written down (a full disk). It has no running owner, so a sweep takes it back.
            why = as_fault(fault)
            return Failed(message=f"{why.vietnamese} / {why}")
        return _ingest(name, held, folders, settings)


def _ingest(name: str, held: Claim, folders: Folders, settings: Settings) -> State[Any]:
    started = time.monotonic()
    try:
        with contextlib.ExitStack() as stack:
            if held.keep and held.sha256:
                stack.enter_context(duplicates.content_lock(folders, held.sha256))
            outcome = work_on(held, folders, settings)
            outcome = replace(outcome, name=name, seconds=time.monotonic() - started)
            if not claims.is_unchanged(folders, held):
                raise StillArriving
            place = claims.archive(folders, held, settings.dpi)
            if held.keep and held.sha256:
                with contextlib.suppress(OSError):
                    duplicates.remember(folders, held.sha256, held.name, settings, version())
    except Gone:
        return Cancelled(message="The file was handed back to the inbox meanwhile.")
    except Exception as fault:
        return _end_badly(name, held, fault, folders, settings)
    report_success(outcome, place)
    _keep_outcome(outcome)
    if outcome.copy_of:
        return Completed(message=f"The same bytes as {outcome.copy_of}, which was read before: its text was copied.")
    always = (outcome.pages, "page"), (outcome.footnotes, "footnote"), (outcome.corrections, "correction")
    troubles = (
        (len(outcome.failed_pages), "unreadable page"),
        (len(outcome.low_pages), "low-confidence page"),
        (len(outcome.warnings), "warning"),
    )
    counts = (*always, *(trouble for trouble in troubles if trouble[0]))
    return Completed(message=", ".join(_count(n, thing) for n, thing in counts))


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


class StillArriving(Exception):
    """The file changed after it was taken."""


def _end_badly(name: str, held: Claim, fault: Exception, folders: Folders, settings: Settings) -> State[Any]:
    """Put a document off or give it up; either way its run has failed, and says why."""
    log = get_run_logger()
    why = as_fault(fault)
    away = missing_mount(folders) if held.keep else None
    try:
        if away:
            why = away  # nothing can be put anywhere now
        elif isinstance(fault, StillArriving) or not claims.is_unchanged(folders, held):
            claims.hand_back(folders, held)
            return Cancelled(message="Someone still wrote to the file; it lies in the inbox again until it is whole.")
        if held.keep and held.tries < tries_again(why, settings.retries):
            pause = settings.pause_before_retry(held.tries)
            claims.put_off(folders, held, why, time.time() + pause)
            at = datetime.now() + timedelta(seconds=pause)
            message = f"{why.vietnamese} Sẽ thử lại lúc {at:%H:%M:%S}. / {why} Tried again at {at:%H:%M:%S}."
            log.warning("%s", message)
            with _best_effort():
                tag_run([PUT_OFF])
            return Failed(message=message)
        place = quarantine(folders, held, why, settings.dpi)
    except Gone:
        return Cancelled(message="The file was handed back to the inbox meanwhile.")
    except OSError as trouble:
        # Not even that can be written down now. The next sweep finds the claim without an owner and takes it back.
        log.error("%s / %s (%s)", why.vietnamese, why, trouble)
        return Failed(message=f"{why.vietnamese} / {why}")
    log.error("%s / %s", why.vietnamese, why)
    report_failure(name, why, place)
    return Failed(message=f"{why.vietnamese} / {why}")


def work_on(claim: Claim, folders: Folders, settings: Settings) -> Outcome:
    """Everything between taking a claim and putting its scan away.

    Raises:
        Gone: the claim was handed back.
        StillArriving: someone writes to the file.
        Fault, OSError: why the document cannot be published.
    """
    log = get_run_logger()
    scan = claim.scan(folders)
    targets = {
        form: below(folders.published, os.fspath(place))
        for form, place in publish.output_names(claim.name, settings.formats).items()
    }
    versions = below(folders.versions, claim.name).parent
    with WorkerPool(
        settings.jobs, memory=settings.worker_memory, scratch=settings.worker_scratch, warm=stages.WARM
    ) as pool:
        limits = settings.max_bytes, settings.max_pages
        checked = pool.call(stages.check, scan, *limits, seconds=settings.page_timeout)
        if claim.keep:
            twin = duplicates.find_twin(folders, checked.sha256, settings, version())
            if twin is not None:
                wait_for_mounts(folders)
                log.info("the same bytes as %s", readable(twin.name))
                return duplicates.publish_copy(twin, claim.name, targets, staging_folder(folders), versions)
        claim = claims.begin(folders, claim)
        deadline = time.monotonic() + settings.document_timeout
        records = claims.progress_folder(folders, claim, settings.dpi)
        records.mkdir(parents=True, exist_ok=True)
        log.info("%s, %.1f MB, attempt %d", _count(checked.pages, "page"), checked.bytes / 1e6, claim.attempt)
        failed = read_pages(scan, records, checked.pages, settings, pool, deadline)
        settle_failed(failed, checked.pages, records, settings, is_last_try=claim.tries >= settings.retries)
        if not claims.is_unchanged(folders, claim):
            raise StillArriving
        wait_for_mounts(folders)
        plan = PublishPlan(settings.repair, settings.footnotes, targets, staging_folder(folders), versions)
        shown = Path(claim.name).name
        return publish_pages.submit(records, shown, checked, plan, pool).result()


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
    progress: UUID | None = None
    with _best_effort():
        progress = cast(UUID, create_progress_artifact(0.0, description=f"0 of {total} pages read"))
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
            get_run_logger().warning("page %d cannot be read: %s", number, answer)
        elif isinstance(answer, BaseException):
            raise answer
        elif (error := PageRead(**answer).error) is not None:
            failed[number] = PageFault(error)  # an earlier run gave it up
        done += 1
        if progress is not None:
            with _best_effort():
                update_progress_artifact(progress, done / total * 100, description=f"{done} of {total} pages read")

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


def staging_folder(folders: Folders) -> Path:
    """Where files are written before they are renamed into published/: on the same file system, out of sight."""
    folders.published.mkdir(parents=True, exist_ok=True)
    same = folders.working.stat().st_dev == folders.published.stat().st_dev
    # Another folder of the same disk may be mounted there, as containers do: no rename leads from here to it.
    table = mount_table()
    same = same and mount_of(folders.working, table) == mount_of(folders.published, table)
    return folders.working / ".staging" if same else folders.published / ".nambat-staging"


# What the UI shows


@contextlib.contextmanager
def _best_effort() -> Iterator[None]:
    """What only the UI would miss must not fail a document while the server is away."""
    try:
        yield
    except Exception as fault:
        get_run_logger().debug("the UI does not hear of this: %s", fault)


def tag_run(tags: Iterable[str]) -> None:
    """Put ``tags`` on this run, in place of those of :data:`TAGS` that an earlier try left on it.

    Raises:
        Exception: whatever Prefect raises while its server is away.
    """
    old = set(runtime.flow_run.tags)
    new = {*(old - TAGS), *tags}
    if new != old:
        with get_client(sync_client=True) as client:
            client.update_flow_run(UUID(runtime.flow_run.id), tags=sorted(new))


def tags_of(outcome: Outcome) -> list[str]:
    """The tags of a run that published a document."""
    holds = {
        NEEDS_ATTENTION: outcome.failed_pages or outcome.low_pages,
        PAGES_MISSING: outcome.failed_pages,
        LOW_CONFIDENCE: outcome.low_pages,
        WARNINGS: outcome.warnings,
        COPY: outcome.copy_of,
    }
    return [tag for tag, why in holds.items() if why]


def artifact_key(name: str) -> str:
    """The key of a document's artifacts: small letters, digits and dashes, the same for the same name."""
    plain = "".join(char if char.isalnum() and char.isascii() else "-" for char in unidecode(name).lower())
    short = "-".join(part for part in plain.split("-") if part)[:60].strip("-")
    return f"{short}-{hashlib.sha256(os.fsencode(name)).hexdigest()[:8]}".lstrip("-")


def cell(text: str) -> str:
    """``text`` for a cell of a Markdown table: what people name or write there is no link, picture or tag."""
    for sign in "\\|`[]":
        text = text.replace(sign, f"\\{sign}")
    return readable(" ".join(text.split())).replace("<", "&lt;")


def path_shown(path: Path) -> str:
    """A path as Markdown code."""
    return f"`{readable(path).replace('`', chr(39))}`"


def success_report(outcome: Outcome, scan: Path | None) -> str:
    """The outcome of a document as Markdown."""
    confidence = "–" if outcome.confidence is None else f"{outcome.confidence:.1f}"
    lines = [
        f"# {cell(outcome.name)}",
        "",
        "| pages | words | footnotes | corrections | mean confidence | seconds |",
        "|---:|---:|---:|---:|---:|---:|",
        f"| {outcome.pages} | {outcome.words} | {outcome.footnotes} | {outcome.corrections} "
        f"| {confidence} | {outcome.seconds:.1f} |",
        "",
        "**Files**",
        "",
        *(f"- {path_shown(path)}" for path in outcome.files),
        *([f"- {path_shown(scan)} (the scan)"] if scan else []),
        *(["", f"The same bytes as {cell(outcome.copy_of)}: a copy of its text."] if outcome.copy_of else []),
    ]
    if outcome.failed_pages:
        lines += ["", "**Pages that could not be read**", ""]
        lines += [f"- page {number}: {cell(why)}" for number, why in outcome.failed_pages]
    if outcome.low_pages:
        lines += ["", "**Pages to check: low confidence**", ""]
        lines += [f"- page {number}: {value:.1f}" for number, value in outcome.low_pages]
    if outcome.warnings:
        lines += ["", "**Warnings**", "", *(f"- {cell(warning)}" for warning in outcome.warnings[:50])]
    if outcome.changes:
        shown = len(outcome.changes)
        lines += ["", f"**Corrections** ({shown} of {outcome.corrections}; all are in the JSON)", ""]
        lines += ["| page | before | after |", "|---:|---|---|"]
        changes = sorted(outcome.changes, key=lambda change: change[0])
        lines += [f"| {page or ''} | {cell(before)} | {cell(after)} |" for page, before, after in changes]
    return "\n".join(lines) + "\n"


def report_success(outcome: Outcome, scan: Path | None) -> None:
    """Show the outcome in the UI."""
    with _best_effort():
        tag_run(tags_of(outcome))
        create_markdown_artifact(
            success_report(outcome, scan),
            key=artifact_key(outcome.name),
            description=f"Published: {cell(outcome.name)}",
        )


def failure_report(name: str, fault: Fault, place: Path | None) -> str:
    """Why a document failed, where it lies and what can be done, as Markdown."""
    lines = [f"# {cell(name)}", "", cell(fault.vietnamese), "", cell(str(fault))]
    if place:
        lines += ["", "**The scan lies in quarantine**", "", path_shown(place), ""]
        lines += [
            "Drop a better scan of the same name into the inbox. Or mend it in quarantine, then press *Retry* on its "
            "run or use `nambat retry`."
        ]
    if fault.detail:
        lines += ["", "**Technical detail**", "", "```", fault.detail.replace("```", ""), "```"]
    return "\n".join(lines) + "\n"


def report_failure(name: str, fault: Fault, place: Path | None) -> None:
    """Show in the UI why a document failed and where it lies."""
    with _best_effort():
        tag_run([NEEDS_ATTENTION, QUARANTINED] if place else [NEEDS_ATTENTION])
        create_markdown_artifact(
            failure_report(name, fault, place), key=artifact_key(name), description=f"Failed: {cell(name)}"
        )


_outcomes: dict[str, Outcome] = {}


def _keep_outcome(outcome: Outcome) -> None:
    _outcomes[str(runtime.flow_run.id)] = outcome


def outcome_of(flow_run: str) -> Outcome | None:
    """The outcome of a run that this process made; ``None`` if it failed or another process made it."""
    return _outcomes.pop(flow_run, None)


@flow(name="sweep", flow_run_name="sweep of the inbox", description=ABOUT_SWEEP, persist_result=False)
def sweep() -> Any:
    """Look at the inbox: take what is whole, start a run for each, take back what dead runs left."""
    from flows.service.record import ServiceGone, owner_of_service, runs_on_server

    settings = load()
    folders = settings.folders
    log = get_run_logger()
    try:
        owner = owner_of_service(folders)
    except ServiceGone as fault:
        return Failed(message=str(fault))
    swept = look_once(folders, settings, owner, runs_on_server())
    if swept is not None and swept.waiting:
        # A file is whole when two looks find it unchanged; with a schedule of hours the second must come now.
        time.sleep(settings.settle + 0.5)
        again = look_once(folders, settings, owner, runs_on_server())
        swept = swept if again is None else swept.then(again)
    if swept is None:
        return Completed(message="Another sweep is at work.")
    for trouble in swept.troubles:
        log.warning("%s", trouble)
    for path in swept.refused:
        log.warning("%s", path)
    report_sweep(swept)
    if swept.troubles:
        with _best_effort():
            tag_run([NEEDS_ATTENTION])
    return Completed(message=describe(swept))


def describe(swept: Swept) -> str:
    """A sweep in one line."""
    counts = (
        f"{len(swept.taken)} taken, {swept.waiting} still arriving, {len(swept.returned)} handed back, "
        f"{len(swept.quarantined)} to quarantine"
    )
    return f"{counts}; {_count(len(swept.troubles), 'trouble')}: see the logs" if swept.troubles else counts


def report_sweep(swept: Swept) -> None:
    """List in the UI what a sweep moved, if anything."""
    moved = [("taken", swept.taken), ("handed back", swept.returned), ("to quarantine", swept.quarantined)]
    rows = [{"file": readable(name), "what": what} for what, names in moved for name in names[:200]]
    if rows:
        with _best_effort():
            create_table_artifact(rows, key="sweep", description=describe(swept))
