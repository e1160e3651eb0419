"""The Prefect flows of batch runs: ``batch`` lists a source in parts, ``batch_part`` works on one of them.

A part is one flow run and no task run, whatever its number of pages: a server that keeps some thousand runs for an
archive has no trouble with them. What became of a document is in the storage, and a line in the log.
"""

from __future__ import annotations

import time
from typing import Any

from prefect import flow, runtime
from prefect.states import Completed, Failed

from flows import faults
from flows.batch import plan as plans
from flows.batch import under_way
from flows.batch.leases import Lost
from flows.batch.plan import Entry
from flows.batch.storage import open_home
from flows.batch.told import part_line, planned_line
from flows.batch.work import work
from flows.host import heartbeat
from flows.host.mounts import missing_mount
from flows.ingest import failed_run, store_of_run
from flows.pipeline.engine import Event, Opened, PageDone
from flows.pipeline.faults import as_fault
from flows.service.batch_reports import ABOUT_BATCH, ABOUT_PART, report_part, report_planned
from flows.service.reports import about, begin_progress, show_progress
from flows.settings import BadSetting
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
