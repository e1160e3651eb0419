"""A real ``nambat serve`` for tests and benchmarks: how it is started, asked and ended."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from flows.host.processes import kill_tree
from flows.intake.claims import ClaimStore
from flows.service.prefect_server import is_taken
from flows.settings import Folders, load


def free_port(chance: random.Random | None = None) -> int:
    """A port that nobody listens on.

    Below the ports that outgoing connections get: one of those could take it while the service is down.
    """
    ports = (chance or random.Random()).sample(range(20000, 30000), 100)
    return next(port for port in ports if not is_taken("127.0.0.1", port))


def clean_environment(**more: str) -> dict[str, str]:
    """The environment without settings of nambat and Prefect, and with ``more``."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "NAMBAT_"))}
    return {**kept, **more}


ROOT = Path(__file__).parents[1]

PLANTED = (
    *("resource", "json", "pickle", "numpy", "cv2", "click", "lxml", "PIL", "pytesseract", "prefect", "uvicorn"),
    *("fastapi", "flows", "ocr", "normalize", "sitecustomize", "usercustomize"),
)
"""Modules that somebody may leave where nambat is started: Python's, others', ours."""


def plant(folder: Path, *, at_start: bool) -> Callable[[], set[str]]:
    """Put modules and programs into a folder that note when they are run, and Prefect's settings that lead astray.

    Args:
        at_start: whether there are such as Python loads before anything of ours, if the folder is in its path.

    Returns:
        Tells the names of those that were run.
    """
    folder.mkdir(parents=True, exist_ok=True)
    note = folder / "ran"
    for name in PLANTED if at_start else ("resource", "numpy", "cv2"):
        (folder / f"{name}.py").write_text(f"print('{name}.py', file=open({str(note)!r}, 'a'))\n")
    for name in ("tesseract", "pdftoppm", "pdfinfo", "pdfimages", "python", "python3"):
        (folder / name).write_text(f"#!/bin/sh\necho {name} >>'{note}'\n")
        (folder / name).chmod(0o755)
    (folder / ".env").write_text("PREFECT_API_URL=http://127.0.0.1:9/api\nPREFECT_SERVER_UI_ENABLED=false\n")
    (folder / "prefect.toml").write_text("[server.ui]\nenabled = false\n[logging]\nlevel = 'nonsense'\n")
    (folder / "pyproject.toml").write_text("[tool.prefect.server.ui]\nenabled = false\n")
    return lambda: set(note.read_text().split()) if note.exists() else set()


@dataclass
class Service:
    """A ``nambat serve`` that can be started again after each death.

    Attributes:
        settings: environment variables for it.
        log: what it says; added to by each start.
        stands_in: the folder it is started in; this process's by default.
        token: what its Prefect server wants to see with all that changes something.
    """

    home: Path
    log: Path
    settings: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    stands_in: Path | None = None
    process: subprocess.Popen[bytes] | None = None
    starts: int = 0
    said_before: int = 0
    token: str = ""

    @property
    def store(self) -> ClaimStore:
        published = self.settings.get("NAMBAT_PUBLISHED")
        return ClaimStore(load(home=self.home, published=Path(published) if published else None))

    @property
    def folders(self) -> Folders:
        return self.store.folders

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def start(self) -> None:
        """Start it, without waiting until it is ready."""
        self.starts += 1
        with self.log.open("ab") as log:
            log.write(f"--- start {self.starts}, {time.strftime('%H:%M:%S')}\n".encode())
            log.flush()
            self.said_before = log.tell()
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "flows.cli", "serve"],
                cwd=self.stands_in,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env=clean_environment(
                    **{"NAMBAT_HOME": str(self.home), "NAMBAT_PORT": str(self.port), "PYTHONPATH": str(ROOT)},
                    **{"NAMBAT_REVIEW_PORT": "0", **self.settings},
                ),
            )

    def said(self) -> str:
        """What it has said since it was started last."""
        with self.log.open("rb") as log:
            log.seek(self.said_before)
            return log.read().decode(errors="replace")

    def wait_until_ready(self, seconds: float = 180) -> None:
        """Return once it takes files."""
        deadline = time.monotonic() + seconds
        while "Watch the runs" not in self.said():
            assert self.is_up(), f"the service ended: {self.said()}"
            assert time.monotonic() < deadline, f"the service is not ready: {self.said()}"
            time.sleep(0.1)

    @contextmanager
    def running(self, seconds: float = 180) -> Iterator[Service]:
        """It is started before, and ended after, whatever came of it meanwhile."""
        self.start()
        try:
            self.wait_until_ready(seconds)
            yield self
        finally:
            self.end()

    def is_up(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def stop(self) -> float:
        """SIGTERM, and the seconds it took."""
        assert self.process is not None
        begun = time.monotonic()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(60)
        return time.monotonic() - begun

    def end(self) -> None:
        """End it and all that belongs to it, whatever state it is in."""
        if self.process is not None:
            # Asked first, it ends its family itself, which nobody else knows where /proc is not mounted.
            kill_tree(self.process.pid, seconds=10 if self.is_up() else 0)
            self.process.wait()

    def api(self, path: str, method: str = "POST", /, *listed: Any, **body: Any) -> Any:
        """What its Prefect server answers to an object, or to a list of what is ``listed``."""
        for again in range(20):
            request = urllib.request.Request(
                f"http://127.0.0.1:{self.port}/api/{path}",
                data=None if method == "GET" else json.dumps(list(listed) or body).encode(),
                headers={
                    "content-type": "application/json",
                    "prefect-csrf-client": "tests",
                    "prefect-csrf-token": self.token or "none yet",
                },
                method=method,
            )
            try:
                with urllib.request.urlopen(request, timeout=60) as answer:
                    return json.loads(answer.read() or "null")
            except urllib.error.HTTPError as error:
                # A token is valid for an hour. SQLite may be locked for a moment.
                if error.code not in (403, 503) or again == 19:
                    raise
                if error.code == 403:
                    self.token = self.api("csrf-token?client=tests", "GET")["token"]
                else:
                    time.sleep(0.5)
        raise AssertionError

    def runs(self, name: str) -> list[dict[str, Any]]:
        """The runs of this name."""
        found: list[dict[str, Any]] = self.api("flow_runs/filter", flow_runs={"name": {"any_": [name]}})
        return found


@dataclass
class Worker:
    """A ``nambat worker`` of a service's.

    Attributes:
        before: words before the command, such as make it think that it is on another machine.
        settings: environment variables for it.
    """

    service: Service
    name: str
    log: Path
    before: tuple[str, ...] = ()
    settings: dict[str, str] = field(default_factory=dict)
    options: tuple[str, ...] = ()
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, without waiting until it takes runs."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*self.before, sys.executable, "-P", "-m", "flows.cli", "worker", "--name", self.name, *self.options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env=clean_environment(
                    **{"NAMBAT_HOME": str(self.service.home), "PYTHONPATH": str(ROOT)},
                    **{"PREFECT_API_URL": f"http://127.0.0.1:{self.service.port}/api", **self.settings},
                ),
            )

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def said(self) -> str:
        """What it has said."""
        return self.log.read_text(errors="replace")

    def wait_until_ready(self, seconds: float = 120) -> None:
        """Return once it takes runs."""
        deadline = time.monotonic() + seconds
        while "Reads for" not in self.said():
            assert self.process is not None and self.process.poll() is None, f"the worker ended: {self.said()}"
            assert time.monotonic() < deadline, f"the worker is not ready: {self.said()}"
            time.sleep(0.1)

    def kill(self) -> None:
        """Kill it and all that belongs to it, at once."""
        if self.process is not None:
            kill_tree(self.process.pid)
            self.process.wait()


def on_another_machine() -> tuple[str, ...]:
    """Words before a command that let it think so: process ids count anew for it. Skips where that is not allowed."""
    words = ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child")
    if shutil.which("unshare") is None or subprocess.run([*words, "true"], capture_output=True).returncode:
        pytest.skip("no process namespace can be made here (unshare --pid --mount-proc)")
    return words
