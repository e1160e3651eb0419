"""Batch runs give way to the inbox: people wait for what they drop there, nobody for an archive of millions."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterator

from flows.host.locks import page_slot
from flows.host.moves import Gone
from flows.intake.claims import ClaimStore

KNOWN_FOR = 1.0
"""Seconds that an answer about the inbox is believed."""

KIND = "batch-"
"""How the places are called that batch runs take beside those of all who read pages."""


class Turns:
    """When a batch run may read a page: of all pages that are read at once at most ``jobs``, as everybody; and only
    one of a batch run's while a scan of the inbox waits or is read.

    Args:
        store: the claims of the home.
    """

    def __init__(self, store: ClaimStore) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._asked = float("-inf")
        self._is_busy = False

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for a place for one page; it is taken as long as the block runs."""
        folders, jobs = self._store.folders, self._store.settings.jobs
        with page_slot(folders, self._most, kind=KIND), page_slot(folders, jobs):
            yield

    def _most(self) -> int:
        with self._lock:
            if time.monotonic() - self._asked > KNOWN_FOR:
                self._is_busy = inbox_is_busy(self._store)
                self._asked = time.monotonic()
            return 1 if self._is_busy else self._store.settings.jobs


def inbox_is_busy(store: ClaimStore) -> bool:
    """Whether a scan that came by the inbox waits for its turn or is read; one that is put off is not."""
    with contextlib.suppress(OSError):
        for name in os.listdir(store.folders.working):  # noqa: PTH208 - thousands, and the first answers
            if name.startswith("."):
                continue
            with contextlib.suppress(Gone, OSError):
                claim = store.load(name)
                if not claim.is_put_off and store.is_owner_alive(claim):
                    return True
    return False
