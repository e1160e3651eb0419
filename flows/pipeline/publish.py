"""Output names that never collide, and files that are never seen half-written.

Names depend on the input's name alone, never on what lies beside it, so that they are the same from run to
run:

* ``b.pdf`` gives ``b.txt`` and ``b.json``;
* any other scan keeps its suffix, ``b.tif`` gives ``b.tif.txt``, and so does ``B.PDF`` (``B.PDF.txt``), which
  may lie beside ``B.pdf``;
* ``b.tif.pdf`` keeps its suffix too, because ``b.tif.txt`` belongs to ``b.tif``;
* a scan whose name does not say what it is, ``b`` or ``b.2024``, gives ``b.file.txt``, because ``b.txt`` belongs to
  ``b.pdf``;
* ``b~2.pdf`` keeps its suffix, because ``b~2.txt`` is the text of a second document that was dropped as ``b.pdf`` (see
  :mod:`flows.pipeline.strangers`);
* where bundles are published in parts, ``b-1.pdf`` keeps its suffix, because ``b-1.txt`` is the first part of
  ``b.pdf`` (see :mod:`flows.pipeline.parts`).

Files are written to a hidden place on the same file system, flushed to disk and then renamed into place; the
JSON comes last and names the others with their SHA-256, so that a reader who finds a matching JSON has a
whole set.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import secrets
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import count
from json.encoder import encode_basestring
from math import isfinite
from pathlib import Path, PurePosixPath
from typing import Any

from flows import faults
from flows.host.files import hand_on, make_folder, write_synced
from flows.host.moves import Gone, lies, opened_folder, read_below
from flows.host.names import fitted, readable

SCAN_SUFFIXES = (".pdf", ".tif", ".tiff", ".png", ".jpg", ".jpeg")
TEXT_SUFFIXES = (".txt", ".md")

PART_END = re.compile(r"-\d+$")
"""What the stem of a part ends in."""

STRANGER_END = re.compile(r"~\d+$")
"""What the stem of a further document under a used name ends in."""

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


def apart(stem: PurePosixPath, plain: str = ".pdf") -> PurePosixPath:
    """An output stem while bundles are published in parts: one that could be a part's gets its suffix back."""
    return stem.with_name(stem.name + plain) if PART_END.search(stem.name) else stem


def output_names(relative: str | Path, formats: Sequence[str], split: bool = False) -> dict[str, PurePosixPath]:
    """Where an inbox file's outputs go, relative to published/: ``{"txt": a/b.txt, "json": a/b.json}``.

    Args:
        split: bundles are published in parts.
    """
    path = PurePosixPath(relative)
    stem = path.parent / stem_of(path.name)
    if (split and PART_END.search(stem.name)) or STRANGER_END.search(stem.name):
        stem = stem.with_name(f"{stem.name}.pdf")
    return {form: stem.parent / fitted(stem.name, f".{form}") for form in formats}


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
    paths = [without_dots(path) for path, _ in inputs]
    below = [PurePosixPath(path.relative_to(without_dots(root))) for path, (_, root) in zip(paths, inputs, strict=True)]
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
                names[index] = _with_folders(paths[index], below[index], plainest[index], depth)
    # Folder names with dashes can still meet (x-y/b beside x/y-b): tell those apart by a hash of their path.
    meeting = shared(names)
    return [_with_hash(name, path) if name in meeting else name for name, path in zip(names, paths, strict=True)]


def longer_stems(
    path: Path, root: Path, plain: str = ".pdf", family: Sequence[str] = SCAN_SUFFIXES
) -> Iterator[PurePosixPath]:
    """The names that :func:`target_stems` gives a file, one after the other, until it shares none with another.

    They never end: after the hash of its path that comes with a number.
    """
    path, root = without_dots(path), without_dots(root)
    below = PurePosixPath(path.relative_to(root))
    name = plainest = below.parent / stem_of(below.name, plain, family)
    for depth in range(1, len(path.parts) - len(below.parts)):
        name = _with_folders(path, below, plainest, depth)
        yield name
    yield _with_hash(name, path)
    for number in count(2):
        yield _with_hash(name, path / str(number))


def _with_folders(path: Path, below: PurePosixPath, plainest: PurePosixPath, depth: int) -> PurePosixPath:
    """A stem with so many of the folders in front that lie above what was given."""
    above = path.parts[1 : -len(below.parts)][-depth:]
    return plainest.with_name("-".join((*above, plainest.name)))


def _with_hash(name: PurePosixPath, path: Path) -> PurePosixPath:
    return name.with_name(f"{name.name}~{hashlib.sha256(os.fsencode(path)).hexdigest()[:12]}")


def without_dots(path: Path) -> Path:
    """``path``, absolute, without ``..``; links stay what they are called."""
    return Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow links


def publish(
    files: Mapping[Path, bytes],
    staging: Path,
    gone: Sequence[Path] = (),
    *,
    root: Path | None = None,
    check: Callable[[], None] = lambda: None,
) -> None:
    """Put ``files`` in place, each whole or not at all, in their order (the manifest goes last).

    All are first written to ``staging`` and flushed to disk, so that a full disk is met before anything is
    replaced; what is then left to do is one rename a file.

    Args:
        files: target -> content. Folders are made as needed.
        staging: a hidden or private folder on the targets' file system; made as needed.
        gone: published files that are no longer; removed when all is in place but the manifest.
        root: folder below which no link is followed; each target's own folder if it is ``None``.
        check: called when all is written and nothing is replaced yet; what it raises ends the publishing.

    Raises:
        Passing: a link or a folder lies in the way; nothing was replaced.
        OSError: nothing, or only the first few files, were replaced; none is half-written.
    """
    if staging.is_symlink():
        raise faults.IN_THE_WAY.fault(what=readable(staging))
    make_folder(staging)
    waiting: list[tuple[Path, Path]] = []
    try:
        for target, data in files.items():
            with _folder_of(root, target, make=True) as folder:
                _refuse_what_is_no_file(target, folder)
            parked = staging / f"{secrets.token_hex(8)}.tmp"
            waiting.append((parked, target))
            write_synced(parked, data)
            hand_on(parked, target.parent)
        check()
        for number, (parked, target) in enumerate(waiting, 1):
            if number == len(waiting):
                for old in gone:
                    remove(old, root)
            put(parked, target, root)
    finally:
        for parked, _ in waiting:
            parked.unlink(missing_ok=True)


def put(parked: Path, target: Path, root: Path | None) -> None:
    """Rename a finished file to ``target``, below ``root``, where no link is followed or replaced.

    Raises:
        Passing, OSError: it cannot be.
    """
    with _folder_of(root, target) as folder:
        _refuse_what_is_no_file(target, folder)
        os.replace(parked, target.name, dst_dir_fd=folder)
        with contextlib.suppress(OSError):  # some shares cannot
            os.fsync(folder)


def remove(target: Path, root: Path | None) -> None:
    """Remove a published file below ``root``, where no link is followed.

    Raises:
        Passing, OSError: it cannot be.
    """
    with _folder_of(root, target) as folder:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(target.name, dir_fd=folder)
        with contextlib.suppress(OSError):
            os.fsync(folder)


def read_published(root: Path, target: Path) -> bytes | None:
    """The content of a file below ``root``, reached over no link; ``None`` if nothing is there.

    Raises:
        Passing: a link or a folder lies in the way.
        OSError: it cannot be read.
    """
    try:
        return read_below(root, os.fspath(target.relative_to(root)))
    except FileNotFoundError:
        return None
    except (Gone, NotADirectoryError) as fault:
        if not lies(target) and _blocker(root, target) == target:
            return None
        raise faults.IN_THE_WAY.fault(repr(fault), what=readable(_blocker(root, target))) from fault


@contextlib.contextmanager
def _folder_of(root: Path | None, target: Path, *, make: bool = False) -> Iterator[int]:
    root = root or target.parent
    with contextlib.ExitStack() as stack:
        try:
            name = os.fspath(target.relative_to(root))
            folder = stack.enter_context(opened_folder(root, name, make=make))
        except (Gone, NotADirectoryError, FileExistsError) as fault:
            raise faults.IN_THE_WAY.fault(repr(fault), what=readable(_blocker(root, target))) from fault
        yield folder


def _refuse_what_is_no_file(target: Path, folder: int) -> None:
    """Raises ``Passing`` if what would be replaced is a link, a folder or a device: somebody put it there."""
    with contextlib.suppress(FileNotFoundError):
        if not stat.S_ISREG(os.stat(target.name, dir_fd=folder, follow_symlinks=False).st_mode):
            raise faults.IN_THE_WAY.fault(what=readable(target))


def _blocker(root: Path, target: Path) -> Path:
    """The first thing on the way from ``root`` to ``target`` that is no folder; ``target`` if there is none."""
    above = [folder for folder in reversed(target.parents) if folder.is_relative_to(root) and folder != root]
    return next((folder for folder in above if folder.is_symlink() or (lies(folder) and not folder.is_dir())), target)


def name_for(stem: PurePosixPath, path: Path) -> str:
    """A name for the scan ``path`` below the inbox under which it is published as ``stem`` (see `target_stems`)."""
    if path.name.lower().endswith(SCAN_SUFFIXES):
        return str(stem.with_name(stem.name.removesuffix(path.suffix) + path.suffix))
    return str(stem.with_name(stem.name.removesuffix(_NAMELESS)))


def manifest(data: dict[str, Any], texts: Mapping[str, bytes]) -> bytes:
    """The document's JSON with the files published beside it under ``files``, as UTF-8.

    It ends in ``this_file``: the SHA-256 of the JSON itself, taken while zeros stand in place of these 64 digits. So a
    JSON that somebody mended can be told from one that is as we wrote it.

    Args:
        data: what ``normalize.formats.to_dict`` gives.
        texts: file name -> content of the other formats.
    """
    files = [
        {"name": readable(name), "sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
        for name, content in texts.items()
    ]
    whole = {key: value for key, value in data.items() if key not in ("files", _SEAL)}
    whole |= {"files": files, _SEAL: _NO_SEAL}  # in this order, at the end
    written = (_written(whole) + "\n").encode("utf-8", "replace")
    return _sealed(written, hashlib.sha256(written).hexdigest())


def _written(value: object, margin: str = "\n") -> str:
    r"""JSON with an indentation of 1, but each box, and each record of numbers and boxes, in one line; there are many.

    It is what ``json.dumps`` writes, which is several times slower where it indents: that is not done in C.

    >>> print(_written({"of": [{"page": 1, "bbox": [1, 2]}], "text": "a"}))
    {
     "of": [
      {"page":1,"bbox":[1,2]}
     ],
     "text": "a"
    }
    """
    if isinstance(value, str):
        return encode_basestring(value)
    if (line := _in_a_line(value)) is not None:
        return line
    inner = margin + " "
    if isinstance(value, Mapping) and value:
        items = [f"{inner}{encode_basestring(key)}: {_written(one, inner)}" for key, one in value.items()]
        return f"{{{','.join(items)}{margin}}}"
    if isinstance(value, list | tuple) and value:
        return f"[{','.join([inner + _written(one, inner) for one in value])}{margin}]"
    return json.dumps(value)


def _in_a_line(value: object) -> str | None:
    """A number, a box, or a record of such; ``None`` for everything else."""
    if not isinstance(value, Mapping):
        return _number_or_box(value)
    told = [(key, _number_or_box(one)) for key, one in value.items()]
    if not told or any(one is None or not _WORD.fullmatch(key) for key, one in told):
        return None
    return "{" + ",".join([f'"{key}":{one}' for key, one in told]) + "}"


def _number_or_box(value: object) -> str | None:
    if not isinstance(value, list | tuple):
        return _number(value)
    numbers = [_number(one) for one in value]
    return f"[{','.join(filter(None, numbers))}]" if numbers and None not in numbers else None


def _number(value: object) -> str | None:
    if value is None:
        return "null"
    return repr(value) if type(value) in (int, float) and isfinite(value) else None  # type: ignore[arg-type]


_WORD = re.compile(r"\w+")


_SEAL = "this_file"
_NO_SEAL = "0" * 64
_TAIL = re.compile(rb'"this_file": "([0-9a-f]{64})"\n}\n\Z')


def _sealed(written: bytes, seal: str) -> bytes:
    return written[: -len(_NO_SEAL) - len(b'"\n}\n')] + seal.encode() + b'"\n}\n'


def seal_of(raw: bytes) -> str:
    """The ``this_file`` of a published JSON; empty where it has none."""
    found = _TAIL.search(raw[-200:])
    return found[1].decode() if found else ""


def is_as_written(raw: bytes) -> bool:
    """Whether a published JSON is byte for byte as :func:`manifest` made it. Those of version 0.1 do not tell."""
    found = _TAIL.search(raw[-200:])
    return found is not None and hashlib.sha256(_sealed(raw, _NO_SEAL)).hexdigest() == found[1].decode()


def scans_in(
    folder: Path,
    suffixes: Sequence[str] = SCAN_SUFFIXES,
    closed: Callable[[OSError], object] = lambda fault: None,
) -> Iterator[Path]:
    """Files below ``folder`` that end in one of ``suffixes`` (any case), sorted; no hidden ones, no links.

    Args:
        closed: is told of each folder that cannot be looked into.
    """
    for root, folders, names in os.walk(folder, onerror=closed):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(root, name)
            if not name.lower().endswith(tuple(suffixes)) or name.startswith((".", "~$")):
                continue
            with contextlib.suppress(OSError):  # gone since it was listed
                if stat.S_ISREG(path.lstat().st_mode):
                    yield path
