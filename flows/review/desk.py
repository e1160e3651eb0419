"""What the review page works on: a folder of published texts, their scans, and how they are put in place again."""

from __future__ import annotations

import json
import os
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flows.host.moves import Gone, read_below
from flows.pipeline.versions import Shelf
from flows.review.entry import NotWhole
from flows.review.index import LARGEST, Library
from flows.review.learned import WordList
from flows.review.scans import Scans
from flows.review.views import DocumentView, view_of

KEPT_VIEWS = 8


class Vanished(Exception):
    """A document is not there any more."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What is looked at.

    Attributes:
        shelf: where the texts lie, and where new ones are put.
        scans: the scans that they come from.
        library: the index of the texts; it can be made anew at any time.
        words: the office's own, into which those go that people put right again and again.
        timezone: of the times that are shown.
        max_pixels: as the pages were read with.
        prefect_port: of the Prefect UI that shows the runs; 0 for texts that no run published.
        prefect_ui: its address, where it is not at that port of the machine by whose name this page was reached.
    """

    shelf: Shelf
    scans: Scans
    library: Library
    words: WordList
    timezone: str = "Asia/Ho_Chi_Minh"
    max_pixels: int = 60_000_000
    prefect_port: int = 0
    prefect_ui: str = ""
    _views: OrderedDict[str, tuple[tuple[int, int, int], DocumentView]] = field(default_factory=OrderedDict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def root(self) -> Path:
        return self.shelf.root

    @property
    def is_writable(self) -> bool:
        """Whether anything can be mended."""
        return os.access(self.root, os.W_OK | os.X_OK)

    def view(self, name: str) -> DocumentView:
        """A document as it is published now.

        Args:
            name: of its JSON, below the folder; from the index, never from an address.

        Raises:
            Vanished: it is gone, or a link lies there.
            NotWhole: it cannot be read.
        """
        try:
            status = (self.root / name).lstat()
            sign = (status.st_mtime_ns, status.st_size, status.st_ino)
            with self._lock:
                kept = self._views.get(name)
                if kept and kept[0] == sign:
                    self._views.move_to_end(name)
                    return kept[1]
            if status.st_size > LARGEST:
                raise NotWhole(name)
            raw = read_below(self.root, name)
        except (OSError, Gone) as fault:
            raise Vanished(name) from fault
        found = _parsed(raw, name)
        with self._lock:
            self._views[name] = (sign, found)
            while len(self._views) > KEPT_VIEWS:
                self._views.popitem(last=False)
        return found

    def forget(self, name: str) -> None:
        """A document was put in place anew."""
        with self._lock:
            self._views.pop(name, None)


def _parsed(raw: bytes, name: str) -> DocumentView:
    try:
        data: Any = json.loads(raw)
        return view_of(data)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError) as fault:
        raise NotWhole(name) from fault
