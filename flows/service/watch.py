"""The watcher of the inbox: sweeps as soon as something moves there, and tells a person what a sweep met."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from dataclasses import replace

from flows.host import heartbeat
from flows.intake.claims import ClaimStore
from flows.intake.inbox_events import EventsLost, InboxEvents
from flows.intake.sweep import Swept, sweep
from flows.language import _
from flows.service.batch_runs import keeper
from flows.service.record import runs_on_server
from flows.settings import Folders

Say = Callable[[str], None]
"""Shows one line to the user."""


SILENT_AFTER = 60.0
"""Seconds without a sign of life after which the watcher counts as frozen. A server that is slow to answer may hold it
up for as long."""


def last_sign(folders: Folders, owner: str) -> float | None:
    """When the watcher of a service last left a sign of life, on the clock of working/; ``None`` if none watches.

    Args:
        owner: the service's process.
    """
    return heartbeat.last_beat(folders, _name(owner))


def _name(owner: str) -> str:
    """What the watcher of a service is called among those who leave signs of life."""
    return f"{owner}.watch"


def watch(store: ClaimStore, stop: threading.Event, say: Say, started: Callable[[], object] = lambda: None) -> None:
    """Sweep whenever something moves in the inbox, while files are arriving, and every ``rescan`` seconds anyway.

    Args:
        started: told whenever a run waits on the server to be begun.
    """
    settings = store.settings
    on_server = runs_on_server(store.folders)
    runs = replace(on_server, start=lambda claim: _telling(on_server.start(claim), started))
    keep_batches = keeper(store)
    said: dict[str, float] = {}
    last = lasted = 0.0
    beaten = float("-inf")
    arriving = True

    def is_stopping() -> bool:
        """Asked by all that goes round here, which lives as long as it asks."""
        nonlocal beaten
        now = time.monotonic()
        if now - beaten >= heartbeat.BEAT:
            beaten = now
            with contextlib.suppress(OSError):
                heartbeat.beat(store.folders, _name(heartbeat.identity()))
        return stop.is_set()

    def look(events: InboxEvents | None = None) -> None:
        nonlocal last, lasted, arriving
        begun = time.monotonic()
        try:
            _look(events.is_settled if events else lambda path: False)
        finally:
            last = time.monotonic()
            lasted = last - begun

    def _look(is_settled: Callable[[str], bool]) -> None:
        nonlocal arriving
        try:
            swept = sweep(store, heartbeat.identity(), runs, stopping=is_stopping, is_settled=is_settled)
        except Exception as fault:
            _say_once(_("the inbox cannot be swept now, trying again: {why}").format(why=fault), said, say)
            return
        if swept is not None:
            arriving = swept.waiting > 0
            for line in [*_news(swept), *keep_batches()]:
                _say_once(line, said, say)

    def next_look(settles: float | None = None) -> float:
        """When to look next, on the monotonic clock."""
        # Thousands of files take a while to look at: the machine has more to do than that.
        rest = last + min(2 * lasted, settings.rescan)
        soon = last + (min(1.0, settings.rescan) if arriving else settings.rescan)
        return max(rest, soon if settles is None else min(soon, settles))

    while not is_stopping():
        try:
            with contextlib.closing(InboxEvents(store.folders.inbox, settings.settle_closed)) as events:
                arriving = True  # what came while there were none
                while not is_stopping():
                    due = next_look(events.next_settled(after=last))
                    arriving = events.wait(min(max(due - time.monotonic(), 0.0), NOTICED)) or arriving
                    if time.monotonic() >= next_look(events.next_settled(after=last)):
                        look(events)
        except EventsLost:
            continue
        except Exception as fault:
            # No events here (too many watches, a share that went away): look all the same.
            line = _("file events are not to be had ({why}); looking every {seconds:.0f} s")
            _say_once(line.format(why=fault, seconds=settings.rescan), said, say)
            if time.monotonic() >= next_look():
                look()
            stop.wait(1.0)
    heartbeat.take_back(store.folders, _name(heartbeat.identity()))


def _telling(run: str, tell: Callable[[], object]) -> str:
    tell()
    return run


NOTICED = 1.0
"""Seconds within which the watcher notices that it is to stop."""


def _news(swept: Swept) -> list[str]:
    """What a person should hear of a sweep."""
    return [*swept.refused, *swept.troubles]


SAID_AGAIN = 3600.0
"""Seconds after which the same line is said again."""


def _say_once(line: str, said: dict[str, float], say: Say) -> None:
    now = time.monotonic()
    if now - said.get(line, float("-inf")) >= SAID_AGAIN:
        for old in [one for one, at in said.items() if now - at >= SAID_AGAIN]:
            del said[old]
        said[line] = now
        say(line)
