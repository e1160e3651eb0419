"""How the service does, in numbers for Prometheus: the web address ``/nambat/metrics``.

Counters come from what runs leave on disk (:mod:`flows.host.meter`), all else is looked at when somebody asks; as long
as nobody does, nothing of it costs anything. No metric names a file or a folder of anyone's: labels are folders of the
home by their role, stages, kinds of faults and the checks of ``nambat health``.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flows.batch.under_way import all_open
from flows.host import meter
from flows.intake.claims import ClaimStore
from flows.intake.inbox import list_inbox
from flows.intake.register import REASON
from flows.intake.sweep import last_sweep
from flows.service import health
from flows.service.health import Health
from flows.service.record import read_service, version
from flows.service.watch import last_sign
from flows.settings import Folders

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

PATH = "/nambat/metrics"

KIND = "text/plain; version=0.0.4; charset=utf-8"
"""What Prometheus and all that understand it can read."""

ENDS = ("published", "copied", "unpacked", "put off", "quarantined", "kept", "returned")
"""How the work on a document ends (see :func:`flows.host.meter.count_end`); each is told of from the start, with 0."""

STAGES = ("reading", "structure", "repair", "publish")

DISKS = ("inbox", "working", "published", "originals", "quarantine")
"""Folders whose disks are looked at, as attributes of :class:`~flows.settings.Folders`."""


@dataclass(frozen=True, slots=True)
class _Families:
    """What the library's writer asks for what to write."""

    found: tuple[Metric, ...]

    def collect(self) -> tuple[Metric, ...]:
        return self.found


def exposition(store: ClaimStore) -> bytes:
    """All metrics, in Prometheus's text format.

    A folder that hangs or is gone takes what was to be looked at there with it; the checks say so.
    """
    from prometheus_client.exposition import generate_latest

    found = tuple(_families(store))
    # The writer wants a registry, and uses no more of it than this.
    registry: Any = _Families(found)
    return generate_latest(registry)


def _families(store: ClaimStore) -> Iterator[Metric]:
    from prometheus_client.metrics_core import GaugeMetricFamily, InfoMetricFamily

    found = health.look(store)
    yield InfoMetricFamily("nambat_build", "What runs here.", {"version": version()})
    yield GaugeMetricFamily("nambat_healthy", "Whether all checks of `nambat health` are good.", float(found.is_well))
    yield _labelled("nambat_check_ok", "Whether a check is good.", "check", _checks(found))
    if any(check.what == "service" for check in found.checks):  # no folder hangs
        yield from _counted(store.folders)
        yield from _in_folders(store)


def _checks(found: Health) -> dict[str, float]:
    return {check.what: float(check.ok) for check in found.checks}


def _labelled(name: str, meaning: str, label: str, values: Mapping[str, float]) -> Metric:
    """A gauge with a value for each of some things."""
    from prometheus_client.metrics_core import GaugeMetricFamily

    family = GaugeMetricFamily(name, meaning, labels=[label])
    for what, value in values.items():
        family.add_metric([what], value)
    return family


# -- what happened --------------------------------------------------------------------------------------------------


def _counted(folders: Folders) -> Iterator[Metric]:
    from prometheus_client.metrics_core import CounterMetricFamily, SummaryMetricFamily

    try:
        counts = meter.counted(folders)
    except OSError:
        return  # better none than counters that fall to 0 and rise again
    documents = CounterMetricFamily("nambat_documents", "Documents by how the work on them ended.", labels=["outcome"])
    for how in ENDS:
        documents.add_metric([_word(how)], counts.get(f"documents/{how}", 0))
    yield documents
    failures = CounterMetricFamily("nambat_failures", "Of these the failed ones.", labels=["outcome", "fault"])
    pages = CounterMetricFamily("nambat_pages", "Pages of published documents.", labels=["result"])
    for result in ("read", "unreadable"):
        pages.add_metric([result], counts.get(f"pages/{result}", 0))
    for what, count in sorted(counts.items()):
        kind, _, rest = what.partition("/")
        how, _, fault = rest.partition("/")
        if kind == "failures":
            failures.add_metric([_word(how), fault], count)
    yield failures
    yield pages
    seconds = SummaryMetricFamily(
        "nambat_page_seconds", "Seconds that a page took in each stage, side by side or not.", labels=["stage"]
    )
    for stage in STAGES:
        seconds.add_metric([stage], int(counts.get(f"pages of/{stage}", 0)), counts.get(f"seconds/{stage}", 0))
    yield seconds


def _word(how: str) -> str:
    """A label as those who write queries expect it."""
    return how.replace(" ", "_")


# -- how things stand -----------------------------------------------------------------------------------------------


def _in_folders(store: ClaimStore) -> Iterator[Metric]:
    from prometheus_client.metrics_core import GaugeMetricFamily

    folders = store.folders
    claims = store.open_claims()
    came = health.times_in_inbox(folders, claims)
    yield GaugeMetricFamily("nambat_inbox_files", "Files that wait in the inbox.", len(came))
    oldest = max(0.0, time.time() - min(came)) if came else 0.0
    yield GaugeMetricFamily("nambat_inbox_oldest_seconds", "How long the oldest of them has waited.", oldest)
    states = {"put_off": 0, "reading": 0, "waiting": 0}
    for claim in claims:
        states["put_off" if claim.is_put_off else "reading" if claim.running else "waiting"] += 1
    yield _labelled("nambat_working_files", "Files in working/, by what becomes of them.", "state", states)
    # The notes beside them are not read for it: there may be thousands.
    in_quarantine = sum(not name.endswith(REASON) for name in list_inbox(folders.quarantine).files)
    yield GaugeMetricFamily("nambat_quarantine_files", "Files in quarantine.", in_quarantine)
    yield _labelled("nambat_disk_free_bytes", "Bytes free on a folder's disk.", "folder", _free(folders))
    waiting = sum(one.pages_waiting for one in all_open(folders))
    yield GaugeMetricFamily("nambat_batch_pages_waiting", "Pages of batches that are left to read, about.", waiting)
    yield from _signs(folders)


def _free(folders: Folders) -> dict[str, float]:
    found = {}
    for name in DISKS:
        try:
            found[name] = float(shutil.disk_usage(getattr(folders, name)).free)
        except OSError:
            continue
    return found


def _signs(folders: Folders) -> Iterator[Metric]:
    """Since when the watcher left no sign of life and no sweep came to its end; nothing where there was none yet."""
    from prometheus_client.metrics_core import GaugeMetricFamily

    now = time.time()
    if (sign := last_sign(folders, read_service(folders).get("owner", ""))) is not None:
        meaning = "Seconds since the watcher of the inbox last left a sign of life."
        yield GaugeMetricFamily("nambat_watcher_silent_seconds", meaning, max(0.0, now - sign))
    if (swept := last_sweep(folders)) is not None:
        meaning = "Seconds since a sweep of the inbox last came to its end."
        yield GaugeMetricFamily("nambat_sweep_age_seconds", meaning, max(0.0, now - swept))
