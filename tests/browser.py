"""A real browser: Chromium without a window, driven by the protocol of its developer tools."""

from __future__ import annotations

import base64
import itertools
import json
import os
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect

from flows.host.processes import kill_tree

NAMES = ("chromium", "chromium-browser", "google-chrome")

QUIET = (
    *("--headless", "--disable-gpu", "--disable-quic", "--no-first-run", "--mute-audio", "--disable-dev-shm-usage"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions"),
    *("--window-size=1400,1200", "--host-resolver-rules=MAP *.example 127.0.0.1"),
)
"""How it is started: it asks nobody for anything, and all names that end in ``.example`` lead to this machine."""


@dataclass
class Page:
    """A tab.

    Attributes:
        asked: the URLs that it has asked for since :meth:`note_requests`, or would have if it were let.
    """

    socket: ClientConnection
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    asked: list[str] = field(default_factory=list)

    def tell(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Have the browser do something, and its answer."""
        number = next(self.numbers)
        self.socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            answer = json.loads(self.socket.recv(timeout=60))
            match answer.get("method"):
                case "Network.requestWillBeSent":
                    self.asked.append(answer["params"]["request"]["url"])
                case "Network.webSocketCreated":
                    self.asked.append(answer["params"]["url"])
            if answer.get("id") == number:
                assert "error" not in answer, answer
                result: dict[str, Any] = answer["result"]
                return result

    def note_requests(self) -> None:
        """Note from now on what it asks for."""
        self.tell("Network.enable")

    def open(self, url: str) -> None:
        """Go to ``url`` and wait until it is loaded."""
        self.tell("Page.navigate", url=url)
        self.wait_for("document.readyState === 'complete' && location.href !== 'about:blank'")

    def run(self, script: str) -> Any:
        """What an expression of JavaScript gives; a promise is waited for."""
        answer = self.tell("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def wait_for(self, script: str, seconds: float = 60) -> Any:
        """Wait until an expression gives something true, and give that."""
        deadline = time.monotonic() + seconds
        while not (found := self.run(script)):
            assert time.monotonic() < deadline, f"{script}: {self.run('document.body.innerText')}"
            time.sleep(0.2)
        return found

    def click(self, text: str) -> None:
        """Click on the innermost visible thing that says ``text``, as soon as there is one."""
        one = f"""[...document.querySelectorAll('button, a, [role=menuitem], .p-overflow-menu-item, label')].filter(
            one => one.innerText.trim() === {json.dumps(text)} && one.offsetParent && !one.disabled).at(-1)"""
        self.wait_for(f"!!({one})")
        self.run(f"({one}).click()")

    def picture(self, path: Path) -> None:
        """Save what it shows, for a person who wants to know why a test failed."""
        path.write_bytes(base64.b64decode(self.tell("Page.captureScreenshot")["data"]))


@contextmanager
def browser(profile: Path) -> Iterator[Page]:
    """An empty tab of a browser of its own; the test is skipped where there is no Chromium.

    Args:
        profile: an empty folder for what it stores.
    """
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.skip("there is no Chromium; apt-get install chromium")
    # As root it does without its sandbox; what it shows here is ours.
    options = [*QUIET, *(["--no-sandbox"] if os.getuid() == 0 else [])]
    with (profile.parent / f"{profile.name}.log").open("wb") as log:
        process = subprocess.Popen(
            [program, *options, f"--user-data-dir={profile}", "--remote-debugging-port=0", "about:blank"],
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        told = profile / "DevToolsActivePort"
        deadline = time.monotonic() + 60
        while not (told.exists() and len(told.read_text().split()) == 2):
            assert process.poll() is None, (profile.parent / f"{profile.name}.log").read_text(errors="replace")
            assert time.monotonic() < deadline
            time.sleep(0.1)
        port = told.read_text().split()[0]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list", timeout=30) as answer:
            place = next(one for one in json.load(answer) if one["type"] == "page")["webSocketDebuggerUrl"]
        with connect(place, max_size=None, proxy=None) as socket:
            yield Page(socket)
    finally:
        kill_tree(process.pid)
        process.wait()
