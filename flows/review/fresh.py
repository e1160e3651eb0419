"""Keeps the index up to date while somebody looks at the documents."""

from __future__ import annotations

import sqlite3
import threading
import time

from flows.review.index import Library, refresh

PAUSE = 5.0
"""Seconds between two looks at the folder while the page is used."""

SOON = 0.5
"""The same where somebody asks for a document that is not known: it may have come just now."""

AT_MOST = 1.5
"""Seconds that a person waits for a look; a large folder that is read for the first time fills the list bit by bit."""


class Fresh:
    """Looks at the folder when it is asked to, never twice at once."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._lock = threading.Lock()
        self._looking: threading.Event | None = None
        self._looked = float("-inf")

    def wait(self, pause: float = PAUSE) -> None:
        """Have the folder looked at if that was not done just now, and give it a moment.

        Args:
            pause: seconds for which a look is good.
        """
        with self._lock:
            if self._looking is None and time.monotonic() - self._looked > pause:
                self._looking = threading.Event()
                threading.Thread(target=self._look, args=(self._looking,), name="index", daemon=True).start()
            looking = self._looking
        if looking:
            looking.wait(AT_MOST)

    def forget(self) -> None:
        """Something was published; the next look is not put off."""
        with self._lock:
            self._looked = float("-inf")

    def _look(self, done: threading.Event) -> None:
        begun = time.monotonic()
        try:
            refresh(self._library, wait=False)
        except (OSError, sqlite3.Error):
            pass  # a folder that is away now; the list shows what was there
        finally:
            with self._lock:
                self._looking, self._looked = None, begun
            done.set()
