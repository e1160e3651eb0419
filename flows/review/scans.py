"""Which scan a published text comes from, told by its content: originals are renamed and put into other folders."""

from __future__ import annotations

import os
import threading
from collections import defaultdict
from pathlib import Path

from flows.host.moves import Gone, is_file, open_regular

MOST_FILES = 500_000
"""Files that are looked at; a folder with more holds something else."""


class Scans:
    """The scans below some folders. Nothing is read before somebody asks, and no link is followed.

    Args:
        looks_again: whether the folders are looked at anew for a scan that did not lie there. Who asks for thousands
            in a row asks for what lies there now.
    """

    def __init__(self, folders: tuple[Path, ...], *, looks_again: bool = True) -> None:
        self._folders = folders
        self._looks_again = looks_again
        self._by_size: dict[int, list[Path]] | None = None
        self._found: dict[str, Path] = {}
        self._lock = threading.Lock()

    def scan_of(self, sha256: str, size: int) -> Path | None:
        """The scan of this SHA-256 and so many bytes; ``None`` if there is none any more.

        Raises:
            OSError: the folders cannot be read.
        """
        with self._lock:
            known = self._found.get(sha256)
            if known and is_file(known) and known.stat().st_size == size:
                return known
            self._found.pop(sha256, None)
            if self._by_size is not None and (path := self._of_size(self._by_size, sha256, size)):
                return path
            if self._by_size is None or self._looks_again:
                self._by_size = self._look()
                return self._of_size(self._by_size, sha256, size)
            return None

    def _of_size(self, by_size: dict[int, list[Path]], sha256: str, size: int) -> Path | None:
        """The scan among those of this size; each is read once, however many are asked for."""
        unread = by_size.get(size, [])
        while unread:
            path = unread.pop()
            found = _sha256(path)
            self._found[found] = path
            if found == sha256 != "":  # what cannot be read has none
                return path
        return None

    def _look(self) -> dict[int, list[Path]]:
        found: dict[int, list[Path]] = defaultdict(list)
        seen = 0
        for root in self._folders:
            for folder, inner, names in os.walk(root):
                inner[:] = [name for name in inner if not name.startswith(".")]
                for name in names:
                    seen += 1
                    path = Path(folder, name)
                    try:
                        if seen <= MOST_FILES and is_file(path):
                            found[path.stat().st_size].append(path)
                    except OSError:
                        continue
        return dict(found)


def _sha256(path: Path) -> str:
    import hashlib

    try:
        with os.fdopen(open_regular(path), "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, Gone):
        return ""
