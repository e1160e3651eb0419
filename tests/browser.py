"""A real browser: the system's Chromium without a window, driven by Playwright, which brings none of its own."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import CDPSession, Error, sync_playwright
from playwright.sync_api import Page as Tab

NAMES = ("chromium", "chromium-browser", "google-chrome")

QUIET = (
    *("--disable-gpu", "--disable-quic", "--mute-audio", "--disable-component-update", "--disable-sync"),
    "--host-resolver-rules=MAP *.example 127.0.0.1",
)
"""How it is started beside what Playwright does: it asks nobody for anything, and all names that end in ``.example``
lead to this machine."""

SECONDS = 60.0
"""For anything that a page is waited for."""


@dataclass
class Page:
    """A tab.

    Attributes:
        tab: Playwright's.
        asked: the URLs that it has asked for since :meth:`note_requests`, or would have if it were let.
    """

    tab: Tab
    asked: list[str] = field(default_factory=list)

    def note_requests(self) -> None:
        """Note from now on what it asks for."""
        self.tab.on("request", lambda request: self.asked.append(request.url))
        self.tab.on("websocket", lambda socket: self.asked.append(socket.url))

    def open(self, url: str) -> None:
        """Go to ``url`` and wait until it is loaded."""
        self.tab.goto(url)

    def run(self, script: str) -> Any:
        """What an expression of JavaScript gives; a promise is waited for."""
        return self.tab.evaluate(script)

    def wait_for(self, script: str, seconds: float = SECONDS) -> Any:
        """Wait until an expression gives something true, and give that.

        Playwright's own way has the page make a function of a text, which our ``Content-Security-Policy`` forbids. It
        looks no oftener than a person would click: what is drawn may not listen yet, as a switch of Prefect's UI.
        """
        deadline = time.monotonic() + seconds
        while not (found := self._run_if_there(script)):
            assert time.monotonic() < deadline, f"{script}: {self.run('document.body.innerText')}"
            self.tab.wait_for_timeout(200)
        return found

    def _run_if_there(self, script: str) -> Any:
        """The same as :meth:`run`; nothing while the tab goes to another page."""
        try:
            return self.run(script)
        except Error as fault:
            if "context was destroyed" not in str(fault):
                raise
            return None

    def click(self, text: str) -> None:
        """Click on the innermost visible thing that says ``text``, as soon as there is one."""
        one = f"""[...document.querySelectorAll('button, a, [role=menuitem], .p-overflow-menu-item, label')].filter(
            one => one.innerText.trim() === {json.dumps(text)} && one.offsetParent && !one.disabled).at(-1)"""
        self.wait_for(f"!!({one})")
        self.run(f"({one}).click()")

    def press(self, keys: str) -> None:
        """Press a key where the focus is, such as ``n``, ``Shift+N`` or ``Control+z``."""
        self.tab.keyboard.press(keys)

    def picture(self, path: Path) -> None:
        """Save what it shows, for a person who wants to know why a test failed."""
        self.tab.screenshot(path=path)

    def tools(self) -> CDPSession:
        """The developer tools of the tab, for what Playwright has no name for."""
        return self.tab.context.new_cdp_session(self.tab)


@contextmanager
def browser(profile: Path, width: int = 1400, height: int = 1200) -> Iterator[Page]:
    """An empty tab of a browser of its own; the test is skipped where there is no Chromium.

    Args:
        profile: a folder for what it stores; made if it is not there.
        width, height: of the tab, in pixels.
    """
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.skip("there is no Chromium; apt-get install chromium")
    with sync_playwright() as driver:
        context = driver.chromium.launch_persistent_context(
            profile,
            executable_path=program,
            args=[*QUIET],
            viewport={"width": width, "height": height},
            chromium_sandbox=os.getuid() != 0,  # as root it does without; what it shows here is ours
        )
        try:
            context.set_default_timeout(1000 * SECONDS)
            yield Page(context.pages[0])
        finally:
            context.close()
