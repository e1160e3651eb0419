"""To be replaced by flows.review.index."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path


def document_id(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:16]


def name_of(root: Path, wanted: str) -> str | None:
    return next((name for name in names(root) if document_id(name) == wanted), None)


def names(root: Path) -> list[str]:
    found = []
    for path in sorted(root.rglob("*.json")):
        if not path.is_symlink():
            found.append(str(path.relative_to(root)))
    return found


def rows(root: Path) -> list[dict]:
    out = []
    for name in names(root):
        row = {"id": document_id(name), "name": name, "metadata": {}, "pages": 0, "broken": True}
        try:
            data = json.loads((root / name).read_bytes())
            row |= {"metadata": data["metadata"], "pages": data["source"]["pages"], "broken": False}
        except (ValueError, KeyError, TypeError):
            pass
        out.append(row)
    return out
