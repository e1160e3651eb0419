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
    """The scans below some folders. Nothing is read before somebody asks, and no link is followed."""

    def __init__(self, folders: tuple[Path, ...]) -> None:
        self._folders = folders
        self._by_size: dict[int, list[Path]] = {}
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
            for looked in (False, True):
                if looked or not self._by_size:
                    self._look()
                for path in self._by_size.get(size, ()):
                    if _sha256(path) == sha256:
                        self._found[sha256] = path
                        return path
            self._found.pop(sha256, None)
            return None

    def _look(self) -> None:
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
        self._by_size = dict(found)


def _sha256(path: Path) -> str:
    import hashlib

    try:
        with os.fdopen(open_regular(path), "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, Gone):
        return ""
