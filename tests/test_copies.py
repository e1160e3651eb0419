"""The same bytes twice are read once; what is replaced is kept."""

from __future__ import annotations

import json
import os
import threading
from datetime import datetime
from pathlib import Path

import pytest

from flows.intake import duplicates
from flows.intake.claims import ClaimStore
from flows.pipeline import publish
from flows.settings import load

SHA = "ab" * 32

DOCUMENT = {
    "schema": "nambat/1",
    "source": {"name": "a.pdf", "sha256": SHA, "pages": 2, "bytes": 10},
    "footnotes": [{}],
    "corrections": [],
    "pages": [
        {"number": 1, "words": 3, "mean_confidence": 90.0, "error": None},
        {"number": 2, "words": 0, "mean_confidence": None, "error": "damaged"},
    ],
    "warnings": [{"page": 2, "message": "damaged"}],
}


def targets(store: ClaimStore, name: str) -> dict[str, Path]:
    places = publish.output_names(name, store.settings.formats)
    return {form: store.folders.published / place for form, place in places.items()}


def publish_first(store: ClaimStore, name: str = "sub/a.pdf", text: bytes = b"Tieu de\n") -> dict[str, Path]:
    folders = store.folders
    places = targets(store, name)
    whole = publish.manifest(DOCUMENT, {os.fsdecode(places["txt"].name): text})
    publish.publish({places["txt"]: text, places["json"]: whole}, folders.working / ".staging")
    duplicates.remember(store, SHA, name, "1")
    return places


def test_a_twin_is_answered_with_a_marked_copy(store: ClaimStore) -> None:
    folders = store.folders
    publish_first(store)
    twin = duplicates.find_twin(store, SHA, "1")
    assert twin is not None
    places = targets(store, "Bản sao.tif")
    outcome = duplicates.publish_copy(twin, "Bản sao.tif", places, folders.working / ".staging", folders.versions)
    assert places["txt"].read_bytes() == b"Tieu de\n"
    data = json.loads(places["json"].read_text())
    assert data["source"] == {**DOCUMENT["source"], "name": "Bản sao.tif", "copy_of": "sub/a.pdf"}
    assert [entry["name"] for entry in data["files"]] == ["Bản sao.tif.txt"]
    assert {key: data[key] for key in DOCUMENT if key != "source"} == {
        key: value for key, value in DOCUMENT.items() if key != "source"
    }
    assert (outcome.copy_of, outcome.pages, outcome.words, outcome.footnotes) == ("sub/a.pdf", 2, 3, 1)
    assert outcome.failed_pages == ((2, "damaged"),)


def test_a_copy_of_a_copy_names_the_original(store: ClaimStore) -> None:
    folders = store.folders
    first = publish_first(store)
    staging = folders.working / ".staging"
    twin = duplicates.find_twin(store, SHA, "1")
    assert twin is not None
    duplicates.publish_copy(twin, "b.pdf", targets(store, "b.pdf"), staging, folders.versions)
    duplicates.remember(store, SHA, "b.pdf", "1")
    first["json"].unlink()
    twin = duplicates.find_twin(store, SHA, "1")
    assert twin is not None
    assert twin.name == "b.pdf"
    places = targets(store, "c.pdf")
    duplicates.publish_copy(twin, "c.pdf", places, staging, folders.versions)
    assert json.loads(places["json"].read_text())["source"]["copy_of"] == "sub/a.pdf"


def test_the_same_name_again_is_left_as_it_is(store: ClaimStore) -> None:
    folders = store.folders
    places = publish_first(store)
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in places.values()}
    twin = duplicates.find_twin(store, SHA, "1")
    assert twin is not None
    duplicates.publish_copy(twin, "sub/a.pdf", places, folders.working / ".staging", folders.versions)
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in places.values()} == before


@pytest.mark.parametrize("spoil", ["text mended", "text gone", "json gone", "json torn", "other scan", "notes torn"])
def test_no_copy_of_what_is_not_as_it_was_published(store: ClaimStore, spoil: str) -> None:
    places = publish_first(store)
    match spoil:
        case "text mended":
            places["txt"].write_text("Tiêu đề\n")
        case "text gone":
            places["txt"].unlink()
        case "json gone":
            places["json"].unlink()
        case "json torn":
            places["json"].write_bytes(places["json"].read_bytes()[:100])
        case "other scan":
            places["json"].write_text(places["json"].read_text().replace(SHA, "cd" * 32))
        case "notes torn":
            (notes,) = (store.folders.working / ".contents").glob("*.jsonl")
            notes.write_text("not json\n" + notes.read_text()[:50])
    assert duplicates.find_twin(store, SHA, "1") is None


@pytest.mark.parametrize("change", [{"dpi": 200}, {"repair": "off"}, {"footnotes": "end"}, {"formats": "txt,md"}])
def test_other_settings_make_another_document(store: ClaimStore, change: dict[str, object]) -> None:
    publish_first(store)
    other = ClaimStore(load(home=store.folders.home, **change))
    assert duplicates.find_twin(other, SHA, "1") is None
    assert duplicates.find_twin(store, SHA, "2") is None
    assert duplicates.find_twin(store, "cd" * 32, "1") is None


def test_twins_wait_for_each_other(store: ClaimStore) -> None:
    order: list[str] = []

    def second() -> None:
        with duplicates.content_lock(store, SHA):
            order.append("second")

    with duplicates.content_lock(store, SHA):
        thread = threading.Thread(target=second)
        thread.start()
        thread.join(0.3)
        order.append("first")
    thread.join(10)
    assert order == ["first", "second"]


def kept(store: ClaimStore) -> dict[str, bytes]:
    root = store.folders.versions
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*.*")) if path.is_file()}


def test_a_new_scan_of_the_same_name_keeps_the_old_text(store: ClaimStore) -> None:
    folders = store.folders
    places = publish_first(store, "sub/a.pdf", b"old\n")
    old = places["json"].read_bytes()
    at = datetime(2026, 3, 4, 5, 6, 7).timestamp()
    for path in places.values():
        os.utime(path, (at, at))
    for _ in range(2):  # a second try after a crash keeps nothing twice
        publish.keep_versions(places, "cd" * 32, {places["txt"]: b"new\n"}, folders.versions / "sub")
    assert kept(store) == {"sub/a (2026-03-04 050607).txt": b"old\n", "sub/a (2026-03-04 050607).json": old}
    assert places["txt"].read_bytes() == b"old\n"


@pytest.mark.parametrize(
    ("before", "sha256", "is_kept"),
    [
        ("untouched", SHA, False),  # read again, with other settings or a later version
        ("untouched", "cd" * 32, True),
        ("mended", SHA, True),  # by a person: not to be lost
        ("no json, same text", SHA, False),  # a crash between the two
        ("no json, other text", SHA, True),
        ("nothing", SHA, False),
    ],
)
def test_what_is_kept(store: ClaimStore, before: str, sha256: str, is_kept: bool) -> None:
    places = publish_first(store)
    new = b"new\n"
    if before == "mended":
        places["txt"].write_text("mended\n")
    elif before == "nothing":
        for path in places.values():
            path.unlink()
    elif before.startswith("no json"):
        places["json"].unlink()
        new = b"Tieu de\n" if "same" in before else new
    publish.keep_versions(places, sha256, {places["txt"]: new}, store.folders.versions)
    assert bool(kept(store)) is is_kept
