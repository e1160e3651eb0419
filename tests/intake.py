"""Folders with files in them, and what stands for the Prefect server and for the dead."""

from __future__ import annotations

import errno
import functools
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from flows.host import heartbeat, moves
from flows.intake import inbox, transfers
from flows.intake.claims import Claim, ClaimStore
from flows.intake.inbox import Look
from flows.intake.sweep import Runs
from flows.settings import Folders

PDF = b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"


def drop(folders: Folders, name: str, data: bytes = PDF) -> Look:
    path = folders.inbox / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return inbox.list_inbox(folders.inbox).files[name]


def places(folders: Folders, name: str) -> list[str]:
    """In which of the four folders a file of this name lies."""
    found = [root for root in ("inbox", "originals", "quarantine") if (getattr(folders, root) / name).is_file()]
    base = Path(name).name
    return found + ["working" for path in folders.working.glob(f"*/scan/{base}") if path.is_file()]


def everything(folders: Folders) -> list[str]:
    """All files that people see or could stumble on: below all folders but working/, hidden ones too."""
    found = []
    for root in (folders.inbox, folders.originals, folders.quarantine):
        found += [str(path.relative_to(folders.home)) for path in root.rglob("*") if path.is_file()]
    return sorted(found)


def apart(patch: pytest.MonkeyPatch, folders: Folders) -> None:
    """Make renames between the folders fail as they do when each is a file system of its own."""
    real = moves.rename_to_free
    roots = (folders.inbox, folders.working, folders.originals, folders.quarantine)

    def rename(source: Path, target: Path, folder: int | None = None, into: int | None = None) -> None:
        if [source.is_relative_to(root) for root in roots] != [target.is_relative_to(root) for root in roots]:
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        real(source, target, folder, into)

    patch.setattr(moves, "rename_to_free", rename)


@functools.cache
def dead_owner() -> str:
    """The identity of a process that has ended."""
    code = "from flows.host.heartbeat import identity; print(identity())"
    root = Path(__file__).parent.parent
    return subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True).stdout[
        :-1
    ]


class FakeServer:
    """Stands for the Prefect server: runs are started and end as the test says."""

    def __init__(self) -> None:
        self.started: list[str] = []
        self.ends: dict[str, str] = {}
        self.away = False

    @property
    def runs(self) -> Runs:
        return Runs(self._start, lambda ids: {one: self.ends[one] for one in ids if one in self.ends})

    def _start(self, claim: Claim) -> str:
        if self.away:
            raise ConnectionError("refused")
        self.started.append(claim.name)
        return f"run of {claim.id}"


def take_one(
    store: ClaimStore, owner: str, *, name: str = "a.pdf", running: bool = False, flow_run: str = "1"
) -> Claim:
    look = drop(store.folders, name)
    claim = replace(transfers.take(store, name, look, owner), running=running, flow_run=flow_run)
    store.save(claim)
    return claim


OTHER = "0badcafe-1:77:12345"
"""A process of another machine."""


def beats(folders: Folders, owner: str, seconds_ago: float) -> None:
    now = heartbeat.beat(folders, owner)
    os.utime(folders.working / ".alive" / owner, (now - seconds_ago, now - seconds_ago))


def make_deep(root: Path, name: str, depth: int) -> None:
    """Folders in one another with a scan in the last, deeper than any path can say."""
    here = os.open(root, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir(name, dir_fd=here)
        inner = os.open(name, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    with open("a.pdf", "wb", opener=lambda path, flags: os.open(path, flags, dir_fd=here)) as file:
        file.write(PDF)
    os.close(here)
