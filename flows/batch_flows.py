"""The Prefect flows of batch runs: ``batch`` lists a source in parts, ``reprocess`` what is to be read again, and
``batch_part`` works on one of them.

A part is one flow run and no task run, whatever its number of pages: a server that keeps some thousand runs for an
archive has no trouble with them. What became of a document is in the storage, and a line in the log.
"""

from __future__ import annotations

import contextlib
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from prefect import flow, runtime
from prefect.states import Completed, Failed

from flows import faults
from flows.batch import plan as plans
from flows.batch import under_way
from flows.batch.again import at_it, choose, plan_again, wanted
from flows.batch.leases import Lost
from flows.batch.plan import Entry
from flows.batch.storage import open_home
from flows.batch.told import at_it_line, chosen_line, missing_line, part_line, planned_line
from flows.batch.work import work
from flows.host import heartbeat
from flows.host.log import note
from flows.host.mounts import missing_mount
from flows.host.processes import machine
from flows.ingest import failed_run, store_of_run
from flows.intake.duplicates import made_with
from flows.language import _
from flows.pipeline.engine import Event, Opened, PageDone
from flows.pipeline.faults import as_fault
from flows.review.index import Library, of_service, refresh
from flows.review.readings import BadCondition, Reading, readings
from flows.service.batch_reports import (
    ABOUT_BATCH,
    ABOUT_PART,
    ABOUT_REPROCESS,
    report_chosen,
    report_part,
    report_planned,
)
from flows.service.record import read_service
from flows.service.reports import about, begin_progress, show_progress
from flows.settings import BadSetting, Folders
from ocr.faults import Fault

SHOWN_EVERY = 5.0
"""Seconds between two updates of a part's progress."""


@flow(name="batch", flow_run_name="{source}", description=about(ABOUT_BATCH), persist_result=False)
def batch(source: str) -> Any:
    """List what lies in a source, in parts that get runs of their own.

    Args:
        source: A folder of scans, such as `/srv/archive/1998`, below the service's folder or one of NAMBAT_READ_ROOTS;
            `inbox` or a folder of the bucket where NAMBAT_BUCKET is set.
    """
    store = store_of_run()
    settings = store.settings
    try:
        found = plans.source_of(source, settings)
        planned = plans.plan_for_service(found, settings, _id_of_run())
        under_way.open_batch(settings, planned)
    except (Fault, OSError, BadSetting) as fault:
        return failed_run(as_fault(fault))
    report_planned(planned)
    return Completed(message=planned_line(planned))


def _id_of_run() -> str:
    """An id for this run's batch, the same when the run is tried again."""
    began = runtime.flow_run.scheduled_start_time
    return f"{began:%Y%m%d-%H%M%S}-{str(runtime.flow_run.id).replace('-', '')[:8]}"


@flow(
    name="reprocess",
    flow_run_name=_("read again: {where} {since}"),
    description=about(ABOUT_REPROCESS),
    persist_result=False,
)
def reprocess(where: str = "", since: str = "", dry_run: bool = False) -> Any:
    """Have published scans read again, in parts that get runs of their own.

    Args:
        where: A condition, such as `low pages > 0` or `warnings > 3 and pages < 10`. Compared with a number can be
            pages, low pages, poor pages, unread pages and warnings; `published before 2026-01-31` goes as well.
        since: A version of nambat, such as `0.2.0`: what earlier versions read.
        dry_run: Only list what would be read.
    """
    store = store_of_run()
    settings = store.settings
    try:
        holds = wanted(since, where, settings)
        if away := missing_mount(store.folders):
            raise away
        if (others := at_it(store.folders)) is not None and not dry_run:
            return Failed(message=at_it_line(others))
        with _index(store.folders) as library:
            chosen = choose(readings(library), holds, made_with(settings))
        line = chosen_line(chosen, settings.jobs)
        if dry_run or not chosen.readings:
            report_chosen(chosen, settings.jobs)
            return Completed(message=line)
        missing: list[Reading] = []
        planned = plan_again(chosen.readings, settings, open_home(settings), missing.append)
        if planned.documents:
            under_way.open_batch(settings, planned)
    except BadCondition as fault:
        return Failed(message=str(fault))
    except (Fault, OSError, BadSetting, sqlite3.Error) as fault:
        return failed_run(as_fault(fault))
    for one in missing:
        note("missing", missing_line(one), batch=planned.id)
    report_chosen(chosen, settings.jobs, planned, missing)
    return Completed(message=line) if planned.documents else Failed(message=missing_line(missing[0]))


@contextlib.contextmanager
def _index(folders: Folders) -> Iterator[Library]:
    """The index of what is published, brought up to date.

    The service's own is used on its machine only: what SQLite keeps in memory beside a file, another would not see.

    Raises:
        OSError, sqlite3.Error: it cannot be made.
    """
    with contextlib.ExitStack() as stack:
        if read_service(folders).get("owner", "").split(":")[0] == machine():
            library = of_service(folders)
        else:
            place = stack.enter_context(tempfile.TemporaryDirectory(prefix="nambat-index-"))
            library = Library(folders.published, Path(place))
        refresh(library)
        yield library


@flow(name="batch_part", flow_run_name="{batch} {part}", description=about(ABOUT_PART), persist_result=False)
def batch_part(batch: str, part: int) -> Any:
    """Read the documents of one part of a batch and publish them.

    Args:
        batch: The id of the batch.
        part: Its number; 1 is the first.
    """
    store = store_of_run()
    settings = store.settings
    with heartbeat.beating(store.folders):
        try:
            if away := missing_mount(store.folders):
                raise away
            home = open_home(settings)
            found = plans.find(home, batch)
            if found is None:
                raise faults.NO_BATCH.fault(batch=batch)
            show = _Progress(sum(entry.pages for entry in plans.entries_of(home, found, part)))
            with under_way.at_work(store.folders, batch, part):
                under_way.taken_up(store.folders, batch, part, str(runtime.flow_run.id))
                done = work(found, part, settings, home=home, tell=show)
            show.end()
            whole = under_way.sum_up_in_turn(settings, home, found)
        except (Fault, OSError, BadSetting, Lost) as fault:
            return failed_run(as_fault(fault))
    report_part(found, done, whole)
    if done.trouble is not None:
        return failed_run(done.trouble)
    return Failed(message=part_line(done)) if done.left else Completed(message=part_line(done))


class _Progress:
    """Shows how many pages are read. What was estimated when it was planned is known once a scan is opened."""

    def __init__(self, pages: int) -> None:
        self._pages = max(1, pages)
        self._done = 0
        self._shown = time.monotonic()
        self._artifact = begin_progress(self._pages)

    def __call__(self, event: Event[Entry]) -> None:
        match event:
            case Opened(entry, pages):
                self._pages = max(1, self._pages + pages - entry.pages)
            case PageDone():
                self._done += 1
        if time.monotonic() - self._shown > SHOWN_EVERY:
            self._shown = time.monotonic()
            show_progress(self._artifact, min(self._done, self._pages), self._pages)

    def end(self) -> None:
        """Show that nothing more is read."""
        show_progress(self._artifact, 1, 1)
