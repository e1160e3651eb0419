"""Scans in quarantine that nobody waits for any more: a better one of their name is published, or a person said so.

They go to dismissed/ with the notes about them; nothing is deleted. Only the same name is taken for the same document
(a name in which one machine wrote ``ế`` as one character and another as three is the same to everybody): ``b.tif`` may
well be another than ``b.pdf``.

An entry of the register is marked first, then its scan moves, then its note, then the entry goes. What a crash leaves
half-done the next sweep ends.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from flows.host.locks import claims_lock, locked, moves_lock
from flows.host.moves import Gone, below_without_links, drop_part, is_file, lies, move, room_for, same_look
from flows.host.names import new_id, readable
from flows.intake import register
from flows.intake.claims import ClaimStore
from flows.intake.inbox import HELD
from flows.intake.register import Entry, reason_path
from flows.language import _, cause


def settle(store: ClaimStore, name: str) -> list[Path]:
    """Put away what lies in quarantine of a name whose document is published now.

    Args:
        name: of the scan below the inbox.

    Returns:
        Where those scans lie now. What cannot be moved now stays marked, and a sweep moves it.

    Raises:
        OSError: not even a mark can be written.
    """
    called = _as_seen(name)
    if not any(_as_seen(entry.name) == called for entry in register.entries(store)):
        return []
    placed = []
    with locked(claims_lock(store.folders)):  # or it might be read again at this moment
        found = [_marked(store, entry) for entry in register.entries(store) if _as_seen(entry.name) == called]
        for entry in found:
            with contextlib.suppress(OSError, Gone):
                placed.append(_put_away(store, entry))
    return [place for place in placed if place is not None]


def dismiss(store: ClaimStore, path: Path) -> Path:
    """Put away a scan in quarantine that nobody wants any more. Returns where it lies then.

    Raises:
        Gone: it is not in quarantine.
        OSError: it cannot be moved now; if it was marked, a sweep will move it.
    """
    root = store.folders.quarantine
    missing = Gone(_("{name} is not in quarantine").format(name=readable(path.name)))
    if not path.is_relative_to(root):
        raise missing
    name = os.fspath(path.relative_to(root))
    with locked(claims_lock(store.folders)):
        if not is_file(below_without_links(root, name)):
            raise missing
        if register.is_own_note(store, path):
            said = _("{name} is the note about a scan and goes where that goes; name the scan")
            raise Gone(said.format(name=readable(path.name)))
        known = next((entry for entry in register.entries(store) if entry.place == name), None)
        place = _put_away(store, _marked(store, known or Entry(new_id(), name, "", "", name)))
    if place is None:
        raise missing
    return place


def finish(store: ClaimStore) -> list[str]:
    """End what a crash or a trouble of the machine left half-done. Returns what cannot be done yet, a sentence each."""
    troubles = []
    if any(entry.is_settled for entry in register.entries(store)):
        with locked(claims_lock(store.folders)):
            for entry in [entry for entry in register.entries(store) if entry.is_settled]:
                try:
                    _put_away(store, entry)
                except (OSError, Gone) as fault:
                    said = _("{name} stays in quarantine for now, though it is settled: {why}")
                    why = cause(fault) if isinstance(fault, OSError) else str(fault)
                    troubles.append(said.format(name=readable(entry.place), why=why))
    return troubles


def _as_seen(name: str) -> str:
    """A name as people see it: how its marks are written does not show."""
    return unicodedata.normalize("NFC", name)


def _marked(store: ClaimStore, entry: Entry) -> Entry:
    """The entry, marked as one whose scan is to go.

    Raises:
        OSError: the mark cannot be written.
    """
    if not entry.is_settled:
        entry = replace(entry, is_settled=True, mark=secrets.token_hex(8))
        register.save(store, entry)
    return entry


def _put_away(store: ClaimStore, entry: Entry) -> Path | None:
    """Move the scan of a marked entry to dismissed/ with its note, and strike the entry.

    Returns:
        Where the scan lies now; ``None`` if somebody took it meanwhile.

    Raises:
        Gone: a link lies on the way, or the scan changed while it was copied.
        OSError: it cannot be moved now.
    """
    root = store.folders.dismissed

    def is_taken(place: Path) -> bool:
        return lies(place) or lies(reason_path(place))

    def announce(place: Path) -> None:
        register.save(store, replace(entry, dismissed=os.fspath(place.relative_to(root))))

    with locked(moves_lock(store.folders)):
        scan = below_without_links(store.folders.quarantine, entry.place)
        place = _carry(scan, root, entry.place, entry.mark, is_taken, announce)
        if place is None and entry.dismissed and lies(root / entry.dismissed):
            place = root / entry.dismissed  # it came so far before a crash
        beside = reason_path(place or root / entry.place)
        _carry(register.note_of(store, entry), root, os.fspath(beside.relative_to(root)), f"{entry.mark}0")
        register.strike(store, entry)
    return place


def _carry(
    source: Path,
    root: Path,
    name: str,
    mark: str,
    is_taken: Callable[[Path], bool] = lies,
    announce: Callable[[Path], None] = lambda place: None,
) -> Path | None:
    """Move a file to ``root / name`` or a free name like it, or end such a move that a crash cut off.

    Args:
        mark: what its hidden name ends in, the same each time.
        is_taken, announce: see :func:`flows.host.moves.move`.

    Returns:
        Where it lies now; ``None`` if there is no such file.

    Raises:
        Gone, OSError: it cannot be moved.
    """
    wanted = room_for(root, name)
    parked = wanted.with_name(f"{HELD}{mark}")
    for copy in {parked, root / parked.name}:
        drop_part(copy)
        if is_file(copy):
            if is_file(source) and same_look(source.lstat(), copy.lstat()):
                copy.unlink()  # the copy was whole, the first not yet removed
            else:
                source = copy
    return move(source, wanted, parked, root=root, is_taken=is_taken, announce=announce) if is_file(source) else None
