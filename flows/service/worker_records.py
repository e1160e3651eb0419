"""Who reads for a home that leaves that to workers: each writes down who it is, and leaves a sign whenever it asks for
runs.

In the home's own folders, so that ``nambat status`` and ``nambat health`` tell the same on each machine, also while the
Prefect server is away.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from flows.host import heartbeat
from flows.host.files import replace_file
from flows.host.processes import machine
from flows.settings import Folders

IN_TIME = 60.0
"""Seconds after a worker's last sign until it counts as silent. It asks for runs every ten or so."""


@dataclass(frozen=True, slots=True)
class WorkerRecord:
    """A worker.

    Attributes:
        owner: its process (see :mod:`flows.host.heartbeat`).
        name: what Prefect calls it.
        host: its machine, for people.
        version: nambat's.
        pool: the work pool that it takes runs from.
        trouble: why it takes none now; empty if it does.
    """

    owner: str
    name: str
    host: str
    version: str
    pool: str
    trouble: str = ""


_RECORD = TypeAdapter(WorkerRecord)


def write_worker(folders: Folders, worker: WorkerRecord) -> None:
    """Write down a worker of this machine.

    Raises:
        OSError: it cannot be written.
    """
    path = _record(folders, worker.owner)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    replace_file(path, json.dumps(asdict(worker), ensure_ascii=False).encode())


def leave_sign(folders: Folders, owner: str) -> float:
    """Leave a worker's sign; its time on the file system's clock, in seconds.

    Raises:
        OSError: it cannot be left.
    """
    return heartbeat.beat(folders, _sign(owner))


def last_sign(folders: Folders, owner: str) -> float | None:
    """When a worker last asked for runs, on the clock of working/; ``None`` if never."""
    return heartbeat.last_beat(folders, _sign(owner))


def lives(folders: Folders, worker: WorkerRecord, patience: float) -> bool:
    """Whether a worker runs, as far as can be told.

    Args:
        patience: seconds after which one of another machine counts as dead that has not asked for runs.
    """
    if worker.owner.split(":")[0] == machine():
        return heartbeat.pid_of(folders, worker.owner, patience) is not None
    last = last_sign(folders, worker.owner)
    try:
        return last is not None and heartbeat.beat(folders, heartbeat.identity()) - last < patience
    except OSError:
        return True  # who knows


def dead_workers(folders: Folders, patience: float) -> set[str]:
    """Names of workers that were killed, and that no living one bears.

    Args:
        patience: as in :func:`lives`.
    """
    workers = read_workers(folders)
    alive = {worker.name for worker in workers if lives(folders, worker, patience)}
    return {worker.name for worker in workers} - alive


def drop_worker(folders: Folders, owner: str) -> None:
    """Remove what is written down of a worker that ends."""
    with contextlib.suppress(OSError):
        _record(folders, owner).unlink(missing_ok=True)
    heartbeat.take_back(folders, _sign(owner))


def read_workers(folders: Folders) -> list[WorkerRecord]:
    """All workers that are written down, by machine and name; some may be dead."""
    found = []
    for path in _folder(folders).glob("*.json"):
        with contextlib.suppress(OSError, ValidationError):
            worker = _RECORD.validate_json(path.read_bytes())
            if path == _record(folders, worker.owner):
                found.append(worker)
    return sorted(found, key=lambda worker: (worker.host, worker.name))


def forget_workers(folders: Folders, now: float) -> None:
    """Drop workers that were killed long ago.

    Args:
        now: on the clock of working/, in seconds.
    """
    for worker in read_workers(folders):
        if now - (last_sign(folders, worker.owner) or 0.0) > heartbeat.FORGOTTEN:
            drop_worker(folders, worker.owner)


def _folder(folders: Folders) -> Path:
    return folders.working / ".workers"


def _record(folders: Folders, owner: str) -> Path:
    return _folder(folders) / f"{owner}.json"


def _sign(owner: str) -> str:
    return f"{owner}.worker"
