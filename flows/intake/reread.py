"""A scan that was published is read again: its file comes out of originals/ for it, and goes back there.

A scan keeps the name under which it is published, even where it lies in originals/ as ``b (2).pdf``, beside an older
one. If it cannot be read this time, it goes back all the same: what was published of it stays.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from flows import faults
from flows.host.locks import claims_lock, locked
from flows.host.moves import Gone, below, below_without_links, is_file, numbered, read_below
from flows.host.names import readable
from flows.intake import duplicates, transfers
from flows.intake.claims import Claim, ClaimStore
from flows.language import _
from flows.pipeline.stages import digest

MOST_OF_A_NAME = 10_000
"""Scans of one name that are looked for in originals/."""


@dataclass(frozen=True, slots=True)
class Original:
    """A scan in originals/.

    Attributes:
        place: its path below originals/.
        name: its path below the inbox, when it was dropped.
        others: places of other scans of that name, the oldest first.
    """

    place: str
    name: str
    others: tuple[str, ...] = ()


def find_original(store: ClaimStore, given: str) -> Original:
    """The scan that a person means.

    Args:
        given: a name as originals/ or published/ show it. Of several scans of that name the one is meant that came
            last, and for a text the one that it was read from; a path that leads to a file in originals/ means that
            very file.

    Raises:
        PathRefused: there is none.
        OSError: originals/ cannot be looked into now.
    """
    folders = store.folders
    path = Path(os.path.normpath(Path.cwd() / given))
    with contextlib.suppress(Gone):
        if "\0" in given:
            raise Gone("no path")
        if path.is_relative_to(folders.originals):
            place = os.fspath(path.relative_to(folders.originals))
            if _lies(store, place):
                return Original(place, _name_of(store, place))
        elif path.is_relative_to(folders.published):
            given = os.fspath(path.relative_to(folders.published))
        given = os.fspath(below(folders.originals, given).relative_to(folders.originals))
        if found := _of_name(store, given):
            return found
        for name, sha256 in _published_as(store, given):
            if found := _of_text(store, name, sha256):
                return found
    raise faults.NO_ORIGINAL.fault(name=readable(given))


def original_of_run(store: ClaimStore, claim_id: str, shown: str) -> Original:
    """The scan that a run read which is started once more.

    Args:
        claim_id: the claim that held the scan then.
        shown: the scan's name as the run shows it.

    Raises:
        Gone: it does not lie in originals/ any more, or was not published by that run.
        OSError: originals/ cannot be looked into now.
    """
    known = duplicates.published_by(store, claim_id)
    if known is not None:
        sha256, name = known
        for place in _places(store, name):
            if digest(store.folders.originals / place) == sha256:
                return Original(place, name)
    said = _("{name} does not lie in originals/ any more, or another run published it")
    raise Gone(said.format(name=shown))


def is_original(store: ClaimStore, place: str, sha256: str) -> bool:
    """Whether the very scan that a text was read from lies at that path below originals/.

    Raises:
        OSError: it cannot be read now.
    """
    return _lies(store, place) and digest(store.folders.originals / place) == sha256


def take_original(
    store: ClaimStore, original: Original, owner: str, *, claim_id: str = "", flow_run: str = ""
) -> Claim:
    """Claim a scan that lies in originals/, to be read anew: not copied from what is published of it.

    Args:
        owner: the process that answers for it.
        claim_id: an earlier claim's, to go on under it.
        flow_run: the run that works on it already.

    Raises:
        PathRefused: a scan of that name is in work.
        Gone: it is not there any more.
        OSError: it cannot be moved, or cannot be read.
    """
    path = below_without_links(store.folders.originals, original.place)
    with locked(claims_lock(store.folders)):  # or a sweep would start a run before the claim is whole
        if any(claim.name == original.name for claim in store.open_claims() if claim.keep):
            raise faults.READ_JUST_NOW.fault(name=readable(original.name))
        claim = transfers.bring_in(
            store, path, original.name, owner, claim_id=claim_id, flow_run=flow_run, original=original.place
        )
        claim = store.with_digest(claim)
        duplicates.forget(store, claim.sha256)
        store.drop_progress(claim)
        return claim


def _of_name(store: ClaimStore, name: str) -> Original | None:
    """The scan of that name that came last."""
    places = list(_places(store, name))
    if not places:
        return None
    newest = places[-1]
    return Original(newest, _name_of(store, newest) if newest == name else name, tuple(places[:-1]))


def _of_text(store: ClaimStore, name: str, sha256: str) -> Original | None:
    """The scan of that name that a text was read from: two documents may have been dropped under one name."""
    places = list(_places(store, name))
    for place in reversed(places):
        if digest(store.folders.originals / place) == sha256:
            return Original(place, name, tuple(other for other in places if other != place))
    return _of_name(store, name)


def _places(store: ClaimStore, name: str) -> Iterator[str]:
    """Where the scans that were dropped under a name lie below originals/, the oldest first."""
    root = store.folders.originals
    folder = below(root, name).parent
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        listed = {path.name for path in folder.iterdir()}
        for number in range(1, min(len(listed) + 2, MOST_OF_A_NAME)):
            path = numbered(root / name, number)
            place = os.fspath(path.relative_to(root))
            # "b (2).pdf" may also be what somebody called a scan.
            if path.name in listed and _lies(store, place) and (number == 1 or _was_called(store, place, name)):
                yield place


def _was_called(store: ClaimStore, place: str, name: str) -> bool:
    names = duplicates.names_of(store, digest(store.folders.originals / place))
    return name in names or not names


def _name_of(store: ClaimStore, place: str) -> str:
    """The name under which a scan of originals/ is published."""
    names = duplicates.names_of(store, digest(store.folders.originals / place))
    for name in [] if place in names else names:
        if Path(place) in (numbered(Path(name), number) for number in range(2, 100)):
            return name
    return place


def _published_as(store: ClaimStore, given: str) -> list[tuple[str, str]]:
    """What the scan was called of which a text is published under that name, and its SHA-256."""
    path = PurePosixPath(given)
    for record in (path.with_suffix(".json"), path.with_name(f"{path.name}.json")):
        with contextlib.suppress(OSError, Gone, ValueError, KeyError, TypeError, RecursionError):
            source = json.loads(read_below(store.folders.published, os.fspath(record)))["source"]
            return [(os.fspath(path.with_name(str(source["name"]))), str(source["sha256"]))]
    return []


def _lies(store: ClaimStore, place: str) -> bool:
    try:
        return is_file(below_without_links(store.folders.originals, place))
    except Gone:
        return False
