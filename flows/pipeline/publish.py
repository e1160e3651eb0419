"""Output names that never collide, and files that are never seen half-written.

Names depend on the input's name alone, never on what lies beside it, so that they are the same from run to
run:

* ``b.pdf`` gives ``b.txt`` and ``b.json``;
* any other scan keeps its suffix, ``b.tif`` gives ``b.tif.txt``, and so does ``B.PDF`` (``B.PDF.txt``), which
  may lie beside ``B.pdf``;
* ``b.tif.pdf`` keeps its suffix too, because ``b.tif.txt`` belongs to ``b.tif``;
* a scan whose name does not say what it is, ``b`` or ``b.2024``, gives ``b.file.txt``, because ``b.txt`` belongs to
  ``b.pdf``.

Files are written to a hidden place on the same file system, flushed to disk and then renamed into place; the
JSON comes last and names the others with their SHA-256, so that a reader who finds a matching JSON has a
whole set.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import stat
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import count
from pathlib import Path, PurePosixPath
from typing import Any

from flows.host.files import hand_on, make_folder, sync_folder, write_synced
from flows.host.names import fitted, readable

SCAN_SUFFIXES = (".pdf", ".tif", ".tiff", ".png", ".jpg", ".jpeg")
TEXT_SUFFIXES = (".txt", ".md")

_NAMELESS = ".file"


def stem_of(name: str, plain: str = ".pdf", family: Sequence[str] = SCAN_SUFFIXES) -> str:
    """The output name of an input file, without the format's suffix. Different names give different stems.

    Args:
        name: the input's file name, without folders.
        plain: the one suffix that is dropped.
        family: suffixes that inputs may have.
    """
    if not name.lower().endswith(tuple(family)):
        return name + _NAMELESS
    bare = name.removesuffix(plain)
    # What ends like the stem of another kind of input keeps its suffix.
    return name if bare in ("", ".", "..") or bare.lower().endswith((*family, _NAMELESS)) else bare


def output_names(relative: str | Path, formats: Sequence[str]) -> dict[str, PurePosixPath]:
    """Where an inbox file's outputs go, relative to published/: ``{"txt": a/b.txt, "json": a/b.json}``."""
    path = PurePosixPath(relative)
    return {form: path.parent / fitted(stem_of(path.name), f".{form}") for form in formats}


def target_stems(
    inputs: Sequence[tuple[Path, Path]], plain: str = ".pdf", family: Sequence[str] = SCAN_SUFFIXES
) -> list[PurePosixPath]:
    """Output stems in one folder for the files of a command line, in their order.

    A file whose stem no other input shares keeps it. Those that share one (``x/b.pdf``, ``y/b.pdf``) all get
    as many of their folders in front as it takes to tell them apart (``x-b``, ``y-b``), whatever their order.

    Args:
        inputs: each file, and the folder that was given on the command line to find it (its own parent for a
            file given by name); folders below that one are kept.
    """
    paths = [_without_dots(path) for path, _ in inputs]
    below = [
        PurePosixPath(path.relative_to(_without_dots(root))) for path, (_, root) in zip(paths, inputs, strict=True)
    ]
    plainest = [place.parent / stem_of(place.name, plain, family) for place in below]

    def shared(names: list[PurePosixPath]) -> set[PurePosixPath]:
        owners: dict[PurePosixPath, set[Path]] = {}
        for name, path in zip(names, paths, strict=True):
            owners.setdefault(name, set()).add(path)
        return {name for name, several in owners.items() if len(several) > 1}

    names = list(plainest)
    for depth in range(1, max((len(path.parts) for path in paths), default=1)):
        meeting = shared(names)
        if not meeting:
            break
        for index, name in enumerate(names):
            if name in meeting:
                above = paths[index].parts[1 : -len(below[index].parts)][-depth:]
                names[index] = plainest[index].with_name("-".join((*above, plainest[index].name)))
    # Folder names with dashes can still meet (x-y/b beside x/y-b): tell those apart by a hash of their path.
    meeting = shared(names)
    return [
        name.with_name(f"{name.name}~{hashlib.sha256(os.fsencode(path)).hexdigest()[:12]}") if name in meeting else name
        for name, path in zip(names, paths, strict=True)
    ]


def _without_dots(path: Path) -> Path:
    """``path``, absolute, without ``..``; links stay what they are called."""
    return Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow links


def publish(files: Mapping[Path, bytes], staging: Path) -> None:
    """Put ``files`` in place, each whole or not at all, in their order (the manifest goes last).

    All are first written to ``staging`` and flushed to disk, so that a full disk is met before anything is
    replaced; what is then left to do is one rename a file.

    Args:
        files: target -> content. Folders are made as needed.
        staging: a hidden or private folder on the targets' file system; made as needed.

    Raises:
        OSError: nothing, or only the first few files, were replaced; none is half-written.
    """
    make_folder(staging)
    waiting: list[tuple[Path, Path]] = []
    try:
        for target, data in files.items():
            make_folder(target.parent)
            parked = staging / f"{secrets.token_hex(8)}.tmp"
            waiting.append((parked, target))
            write_synced(parked, data)
            hand_on(parked, target.parent)
        for parked, target in waiting:
            parked.replace(target)
            sync_folder(target.parent)
    finally:
        for parked, _ in waiting:
            parked.unlink(missing_ok=True)


def keep_versions(targets: Mapping[str, Path], sha256: str, texts: Mapping[Path, bytes], versions: Path) -> list[Path]:
    """Before ``targets`` are replaced, keep what would be lost: the text of another scan, or text mended by hand.

    What was published from the same scan and is untouched is not kept: it is about to be made again.

    Args:
        targets: format -> file that will be replaced, ``json`` among them.
        sha256: of the scan whose text comes now.
        texts: the new files, without the JSON.
        versions: folder to keep them in, as ``NAME (date time).txt``.

    Returns:
        What was kept, where it lies now.

    Raises:
        OSError: it cannot be kept.
    """
    old = {target: target.read_bytes() for target in targets.values() if target.exists()}
    if not old or _made_again(old, targets, sha256, texts):
        return []
    date = datetime.fromtimestamp(max(target.stat().st_mtime for target in old))
    for number in count(1):
        mark = f"{date:%Y-%m-%d %H%M%S}" + (f" {number}" if number > 1 else "")
        kept = {
            versions / fitted(target.name.removesuffix(f".{form}"), f" ({mark}).{form}"): old[target]
            for form, target in targets.items()
            if target in old
        }
        if not _hold_other_content(kept):
            break
    publish(kept, versions / ".staging")
    return list(kept)


def _made_again(
    old: Mapping[Path, bytes], targets: Mapping[str, Path], sha256: str, texts: Mapping[Path, bytes]
) -> bool:
    """Whether nothing is lost with ``old``: it is an untouched text of the same scan, or the very text that comes."""
    try:
        listed = json.loads(old[targets["json"]])
        hashes = {entry["sha256"] for entry in listed["files"]}
        untouched = all(hashlib.sha256(old[target]).hexdigest() in hashes for target in old if target in texts)
        return bool(listed["source"]["sha256"] == sha256 and untouched)
    except (KeyError, ValueError, TypeError):
        # A crash came between the text and its JSON, or the text is somebody else's.
        return all(content == texts.get(target) for target, content in old.items())


def _hold_other_content(places: Mapping[Path, bytes]) -> bool:
    """Whether a file with other content than what is to be put there lies at one of these places."""
    return any(place.exists() and place.read_bytes() != content for place, content in places.items())


def name_for(stem: PurePosixPath, path: Path) -> str:
    """A name for the scan ``path`` below the inbox under which it is published as ``stem`` (see `target_stems`)."""
    if path.name.lower().endswith(SCAN_SUFFIXES):
        return str(stem.with_name(stem.name.removesuffix(path.suffix) + path.suffix))
    return str(stem.with_name(stem.name.removesuffix(_NAMELESS)))


def manifest(data: dict[str, Any], texts: Mapping[str, bytes]) -> bytes:
    """The document's JSON with the files published beside it under ``files``, as UTF-8.

    Args:
        data: what ``normalize.formats.to_dict`` gives.
        texts: file name -> content of the other formats.
    """
    files = [
        {"name": readable(name), "sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
        for name, content in texts.items()
    ]
    return (json.dumps({**data, "files": files}, ensure_ascii=False, indent=1) + "\n").encode("utf-8", "replace")


def scans_in(folder: Path, suffixes: Sequence[str] = SCAN_SUFFIXES) -> Iterator[Path]:
    """Files below ``folder`` that end in one of ``suffixes`` (any case), sorted; no hidden ones, no links."""
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(root, name)
            if not name.lower().endswith(tuple(suffixes)) or name.startswith((".", "~$")):
                continue
            with contextlib.suppress(OSError):  # gone since it was listed
                if stat.S_ISREG(path.lstat().st_mode):
                    yield path
