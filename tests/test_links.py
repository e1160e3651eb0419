"""Links that people put into the folders of the home, and into an ``--out``: none leads out, none costs a scan."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from flows.faults import Passing
from flows.host import heartbeat, moves
from flows.host.moves import Gone
from flows.intake import duplicates, quarantine, transfers
from flows.intake.claims import ClaimStore
from flows.intake.inbox import look_at
from flows.intake.sweep import sweep
from flows.pipeline import publish
from flows.pipeline.parts import all_sets
from flows.pipeline.versions import Shelf, replace_published
from flows.settings import Folders
from ocr.faults import NotAScan
from tests.intake import PDF, FakeServer, apart, drop

SHA, OTHER = "ab" * 32, "cd" * 32


@dataclass(frozen=True)
class Outside:
    """A folder of somebody else's, with files called as ours are."""

    folder: Path

    def files(self) -> dict[str, bytes]:
        return {
            str(path.relative_to(self.folder)): path.read_bytes() for path in self.folder.rglob("*") if path.is_file()
        }


NAMES = ("b.pdf", "b.txt", "b.json", "b.md", "b.pdf.reason.txt")


@pytest.fixture
def outside(tmp_path: Path) -> Outside:
    folder = tmp_path / "outside"
    folder.mkdir()
    for name in NAMES:
        (folder / name).write_bytes(b"theirs " + name.encode())
    return Outside(folder)


def shelf(folders: Folders) -> Shelf:
    return Shelf(folders.published, folders.working / ".staging", folders.versions)


def put(folders: Folders, sha256: str, text: bytes = b"text\n") -> None:
    """Publish ``a/b.pdf``."""
    targets = {form: folders.published / f"a/b.{form}" for form in ("txt", "md", "json")}
    texts = {targets["txt"]: text, targets["md"]: b"md " + text}
    whole = publish.manifest({"source": {"sha256": sha256}}, {path.name: data for path, data in texts.items()})
    replace_published({**texts, targets["json"]: whole}, all_sets(targets, folders.published), sha256, shelf(folders))


def take(store: ClaimStore, outside: Outside) -> None:
    sweep(store, heartbeat.identity(), FakeServer().runs)
    with pytest.raises(Gone):
        transfers.take(store, "a/b.pdf", look_at(outside.folder / "b.pdf"), heartbeat.identity())


def archive(store: ClaimStore, outside: Outside) -> None:
    transfers.archive(store, transfers.take(store, "a/b.pdf", drop(store.folders, "a/b.pdf"), heartbeat.identity()))


def refuse(store: ClaimStore, outside: Outside) -> None:
    claim = transfers.take(store, "a/b.pdf", drop(store.folders, "a/b.pdf"), heartbeat.identity())
    place = quarantine.quarantine(store, claim, NotAScan("broken"))
    assert place is not None
    quarantine.quarantined_files(store)
    quarantine.drop_stray_notes(store)


def retry(store: ClaimStore, outside: Outside) -> None:
    with pytest.raises(Gone):
        quarantine.retry(store, store.folders.quarantine / "a/b.pdf", heartbeat.identity())


def publish_it(store: ClaimStore, outside: Outside) -> None:
    with pytest.raises(Passing, match="is in the way"):
        put(store.folders, SHA)


def find_twin(store: ClaimStore, outside: Outside) -> None:
    duplicates.remember(store, SHA, "a/b.pdf", "1")
    assert duplicates.find_twin(store, SHA, "1") is None


def keep_version(store: ClaimStore, outside: Outside) -> None:
    put(store.folders, SHA)
    with pytest.raises(Passing, match="is in the way"):
        put(store.folders, OTHER, b"new\n")
    assert (store.folders.published / "a/b.txt").read_bytes() == b"text\n"


WAYS: dict[str, list[Callable[[ClaimStore, Outside], None]]] = {
    "inbox": [take],
    "originals": [archive],
    "quarantine": [refuse, retry],
    "published": [publish_it, find_twin],
    "versions": [keep_version],
}


@pytest.mark.parametrize("target", ["folder", "nothing", "circle", "file"])
@pytest.mark.parametrize(("root", "way"), [(root, way) for root, ways in WAYS.items() for way in ways])
def test_13_4_a_linked_folder_is_not_followed(
    folders: Folders,
    store: ClaimStore,
    outside: Outside,
    root: str,
    way: Callable[[ClaimStore, Outside], None],
    target: str,
) -> None:
    link = folders.home / root / "a"
    link.parent.mkdir(exist_ok=True)
    link.symlink_to(
        {
            "folder": outside.folder,
            "nothing": outside.folder / "nothing",
            "circle": link,
            "file": outside.folder / "b.pdf",
        }[target]
    )
    before = outside.files()
    way(store, outside)
    assert outside.files() == before
    assert link.is_symlink()
    scans = [path for path in folders.home.rglob("b.pdf") if not path.is_symlink()]
    assert all(path.read_bytes() == PDF for path in scans)
    assert len(scans) == (way in (archive, refuse))
    assert not any(
        b"theirs" in path.read_bytes() for path in folders.home.rglob("*") if path.is_file() and not path.is_symlink()
    )


def link(place: Path, kind: str, outside: Outside) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    match kind:
        case "link to a file":
            place.symlink_to(outside.folder / place.name)
        case "link to a folder":
            place.symlink_to(outside.folder)
        case "dangling link":
            place.symlink_to(outside.folder / "nothing")
        case "hard link":
            place.hardlink_to(outside.folder / place.name)


LINKS = ("link to a file", "link to a folder", "dangling link", "hard link")


@pytest.mark.parametrize("kind", LINKS)
@pytest.mark.parametrize(
    ("root", "name"),
    [
        *(("inbox", name) for name in ("b.pdf",)),
        *(("originals", name) for name in ("b.pdf",)),
        *(("quarantine", name) for name in ("b.pdf", "b.pdf.reason.txt")),
        *(("published", name) for name in ("b.txt", "b.md", "b.json")),
        *(("versions", name) for name in ("b.txt",)),
    ],
)
def test_13_4_a_link_where_a_file_goes_is_neither_followed_nor_lost(
    folders: Folders, store: ClaimStore, outside: Outside, root: str, name: str, kind: str
) -> None:
    """What a hard link leads to is not written to; what it holds is kept, as of any file of a person."""
    place = folders.home / root / "a" / name
    if root == "versions":
        put(folders, SHA)
        at = (folders.published / "a/b.txt").stat().st_mtime
        for path in (folders.published / "a").iterdir():
            os.utime(path, (at, at))
        from datetime import datetime

        place = place.with_name(f"b ({datetime.fromtimestamp(at):%Y-%m-%d %H%M%S}).txt")
        (outside.folder / place.name).write_bytes(b"theirs")
    link(place, kind, outside)
    before, is_hard = outside.files(), kind == "hard link"
    match root:
        case "inbox":
            sweep(store, heartbeat.identity(), FakeServer().runs)
        case "originals":
            archive(store, outside)
        case "quarantine":
            refuse(store, outside)
        case "published" | "versions":
            try:
                put(folders, OTHER, b"new\n")
                assert is_hard or root == "versions"
            except Passing as fault:
                assert not is_hard
                assert place.name in str(fault)
    assert outside.files() == before
    if not is_hard:
        assert place.is_symlink()
    if is_hard and root == "published":
        kept = [path.read_bytes() for path in folders.versions.rglob("*") if path.is_file()]
        assert before[name] in kept
    scans = [
        path
        for path in folders.home.rglob("*.pdf")
        if path.is_file() and not path.is_symlink() and path.stat().st_nlink == 1
    ]
    assert [path.read_bytes() for path in scans] == [PDF] * (root in ("originals", "quarantine"))


@pytest.mark.parametrize("kind", ["link to a folder", "dangling link"])
def test_13_4_a_link_in_place_of_our_hidden_folder_is_not_followed(
    folders: Folders, store: ClaimStore, outside: Outside, kind: str
) -> None:
    """Where published/ is a file system of its own, files in the making lie there, in sight of all."""
    staging = folders.published / ".nambat-staging"
    link(staging, kind, outside)
    before = outside.files()
    with pytest.raises(Passing, match="nambat-staging"):
        publish.publish({folders.published / "a/b.txt": b"text"}, staging, root=folders.published)
    assert outside.files() == before


def test_13_4_what_is_no_concern_of_ours_is_not_in_the_way(folders: Folders, outside: Outside) -> None:
    put(folders, SHA)
    (folders.published / "a/b.html").symlink_to(outside.folder / "b.txt")
    (folders.published / "a/c.txt").symlink_to(outside.folder / "b.txt")
    put(folders, SHA, b"new\n")
    assert (folders.published / "a/b.txt").read_bytes() == b"new\n"
    assert (folders.published / "a/b.html").is_symlink()
    assert json.loads((folders.published / "a/b.json").read_bytes())["source"] == {"sha256": SHA}


def swap(folder: Path, outside: Outside) -> None:
    """Put a link in place of a folder: somebody is quick."""
    folder.rename(folder.with_name("moved away"))
    folder.symlink_to(outside.folder)


@pytest.mark.parametrize("is_apart", [False, True])
@pytest.mark.parametrize("root", ["originals", "quarantine", "inbox"])
def test_13_4_a_folder_that_becomes_a_link_at_the_last_moment_leads_nowhere(
    folders: Folders, store: ClaimStore, outside: Outside, monkeypatch: pytest.MonkeyPatch, root: str, is_apart: bool
) -> None:
    if is_apart:
        apart(monkeypatch, folders)
    claim = transfers.take(store, "a/b.pdf", drop(folders, "a/b.pdf"), heartbeat.identity())
    real = moves.free_place

    def free_place(*given: Any) -> Path:
        monkeypatch.setattr(moves, "free_place", real)
        swap(folders.home / root / "a", outside)
        return real(*given)

    monkeypatch.setattr(moves, "free_place", free_place)
    before = outside.files()
    with contextlib.suppress(Gone, OSError):
        {
            "originals": transfers.archive,
            "inbox": transfers.hand_back,
            "quarantine": lambda store, claim: quarantine.quarantine(store, claim, NotAScan("broken")),
        }[root](store, claim)
    assert outside.files() == before
    scans = [path for path in folders.home.rglob("*") if path.is_file() and path.read_bytes() == PDF]
    assert len(scans) == 1


def test_13_4_published_folders_that_become_links_at_the_last_moment_lead_nowhere(
    folders: Folders, outside: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(folders, SHA)
    real = publish.put

    def put_late(parked: Path, target: Path, root: Path | None) -> None:
        monkeypatch.setattr(publish, "put", real)
        swap(folders.published / "a", outside)
        real(parked, target, root)

    monkeypatch.setattr(publish, "put", put_late)
    before = outside.files()
    with pytest.raises(Passing, match="is in the way"):
        put(folders, SHA, b"new\n")
    assert outside.files() == before
