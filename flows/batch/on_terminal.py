"""``nambat batch``: a batch without a service, or waited for."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator

from flows import faults
from flows.batch.leases import Leases
from flows.batch.plan import Batch, Source, plan
from flows.batch.storage import open_home
from flows.batch.told import ENDS, counts_line, reason
from flows.batch.under_way import Summary, find_open
from flows.batch.work import Tell, clear_forsaken, work
from flows.host import log
from flows.host.locks import locked
from flows.host.modes import make_private
from flows.host.mounts import missing_mount
from flows.host.names import new_id, readable
from flows.language import _, told
from flows.service.record import lock_of_service
from flows.settings import Settings

LOOK = 2.0
"""Seconds between two looks at what the service has done."""

MOST_TOLD = 100
"""Documents that a terminal is told of; the log names all."""

Complain = Callable[[str], None]


def read_here(
    source: Source,
    settings: Settings,
    begin: Callable[[Batch], contextlib.AbstractContextManager[Tell]],
    complain: Complain,
) -> Batch:
    """Plan a source and work through it in this process.

    Args:
        begin: gives what is told of the batch's progress.
        complain: is told what ends it before its time.

    Raises:
        ToolMissing: Tesseract, its Vietnamese data or poppler is missing.
        ShareAway: a folder's share is not mounted.
        PathRefused: a service starts just now that reads the source by itself.
        OSError, StorageAway: it cannot be planned.
    """
    folders = settings.folders
    make_private(folders, settings.group)
    log.begin(settings, console=False)
    if away := missing_mount(folders):
        raise away
    if settings.word_list.is_file():  # normalize/ and the processes that it runs in are told by the environment
        os.environ["NAMBAT_WORDS"] = str(settings.word_list)
    with _alone(source, settings):
        planned = plan(source, settings, new_id())
        if planned.parts == 0:
            home = open_home(settings)
            clear_forsaken(source, Leases(home, settings), home)
        with begin(planned) as tell:
            for part in range(1, planned.parts + 1):
                done = work(planned, part, settings, tell=tell)
                if done.trouble is not None:
                    complain(told(done.trouble))
                    break
    return planned


@contextlib.contextmanager
def _alone(source: Source, settings: Settings) -> Iterator[None]:
    """No service takes what lies in the inbox meanwhile, where that is the source."""
    if source.keeps or settings.bucket:
        yield
        return
    with locked(lock_of_service(settings.folders), wait=False) as alone:
        if not alone:
            raise faults.INBOX_OF_SERVICE.fault()
        yield


def wait_for(settings: Settings, batch: Batch) -> None:
    """Wait until the service has done all that it will of a batch; on a terminal, show how far it is."""
    shown = ""
    while (state := find_open(settings.folders, batch.id)) is not None and not state.is_done:
        line = _("{done} of {parts} parts").format(done=state.parts_over, parts=state.parts)
        if sys.stderr.isatty() and line != shown:
            print(line, file=sys.stderr)
            shown = line
        time.sleep(LOOK)


def tell_summary(summary: Summary, complain: Complain) -> None:
    """What became of a batch: what failed, a line each, and on a terminal the counts."""
    for one in summary.failed[:MOST_TOLD]:
        complain(
            f"{readable(one.name)}: {ENDS[one.end]()}: {reason(one)}"
            if one.reason
            else f"{readable(one.name)}: {ENDS[one.end]()}"
        )
    if len(summary.failed) > MOST_TOLD:
        said = _("and {count} more; {log} names all")
        complain(said.format(count=len(summary.failed) - MOST_TOLD, log="logs/nambat.log"))
    if waiting := summary.counts.get("waiting"):
        complain(_("not read yet: {count}; run it again").format(count=waiting))
    if sys.stdout.isatty():
        print(counts_line(summary.counts))
