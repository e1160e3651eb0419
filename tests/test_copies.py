"""The same bytes twice are read once; what is replaced is kept."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import threading
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.intake import duplicates
from flows.intake.claims import ClaimStore
from flows.pipeline import publish, versions
from flows.pipeline.parts import FileSet, all_sets, publish_sets
from flows.pipeline.stages import PublishPlan
from flows.pipeline.versions import Shelf, replace_published
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


def plan(store: ClaimStore, name: str) -> PublishPlan:
    folders = store.folders
    return PublishPlan(
        "safe",
        "paragraph",
        75.0,
        targets(store, name),
        folders.working / ".staging",
        folders.versions,
        root=folders.published,
    )


def publish_first(store: ClaimStore, name: str = "sub/a.pdf", text: bytes = b"Tieu de\n") -> dict[str, Path]:
    folders = store.folders
    places = targets(store, name)
    whole = publish.manifest(DOCUMENT, {os.fsdecode(places["txt"].name): text})
    publish.publish({places["txt"]: text, places["json"]: whole}, folders.working / ".staging")
    duplicates.remember(store, SHA, name, "1")
    return places


def test_a_twin_is_answered_with_a_marked_copy(store: ClaimStore) -> None:
    publish_first(store)
    twin = duplicates.find_twin(store, SHA, "1")
    assert twin is not None
    places = targets(store, "Bản sao.tif")
    outcome = duplicates.publish_copy(twin, "Bản sao.tif", plan(store, "Bản sao.tif"))
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
    folders.working / ".staging"
    twin = duplicates.find_twin(store, SHA, "1")
    assert twin is not None
    duplicates.publish_copy(twin, "b.pdf", plan(store, "b.pdf"))
    duplicates.remember(store, SHA, "b.pdf", "1")
    first["json"].unlink()
    twin = duplicates.find_twin(store, SHA, "1")
    assert twin is not None
    assert twin.name == "b.pdf"
    places = targets(store, "c.pdf")
    duplicates.publish_copy(twin, "c.pdf", plan(store, "c.pdf"))
    assert json.loads(places["json"].read_text())["source"]["copy_of"] == "sub/a.pdf"


def test_the_same_name_again_is_left_as_it_is(store: ClaimStore) -> None:
    places = publish_first(store)
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in places.values()}
    twin = duplicates.find_twin(store, SHA, "1")
    assert twin is not None
    duplicates.publish_copy(twin, "sub/a.pdf", plan(store, "sub/a.pdf"))
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in places.values()} == before


@pytest.mark.parametrize(
    "spoil", ["text mended", "json mended", "text gone", "json gone", "json torn", "other scan", "notes torn"]
)
def test_no_copy_of_what_is_not_as_it_was_published(store: ClaimStore, spoil: str) -> None:
    places = publish_first(store)
    match spoil:
        case "text mended":
            places["txt"].write_text("Tiêu đề\n")
        case "json mended":
            places["json"].write_text(places["json"].read_text().replace("damaged", "torn"))
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


def publish_again(store: ClaimStore, places: dict[str, Path], sha256: str, text: bytes) -> list[Path]:
    data = {**DOCUMENT, "source": {**DOCUMENT["source"], "sha256": sha256}}
    others = {target: text for form, target in places.items() if form != "json"}
    whole = publish.manifest(data, {target.name: content for target, content in others.items()})
    shelf = plan(store, "a.pdf").shelf
    return replace_published({**others, places["json"]: whole}, all_sets(places, shelf.root), sha256, shelf)


def test_a_new_scan_of_the_same_name_keeps_the_old_text(store: ClaimStore) -> None:
    places = publish_first(store, "sub/a.pdf", b"old\n")
    old = places["json"].read_bytes()
    at = datetime(2026, 3, 4, 5, 6, 7).timestamp()
    for path in places.values():
        os.utime(path, (at, at))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(publish, "put", lambda *_: pytest.fail("a crash", pytrace=False))
        for _ in range(2):  # a second try after a crash keeps nothing twice
            with pytest.raises(pytest.fail.Exception):
                publish_again(store, places, "cd" * 32, b"new\n")
    publish_again(store, places, "cd" * 32, b"new\n")
    assert kept(store) == {"sub/a (2026-03-04 050607).txt": b"old\n", "sub/a (2026-03-04 050607).json": old}
    assert places["txt"].read_bytes() == b"new\n"


@pytest.mark.parametrize(
    ("before", "sha256", "is_kept"),
    [
        ("untouched", SHA, False),  # read again, with other settings or a later version
        ("untouched", "cd" * 32, True),
        ("mended", SHA, True),  # by a person: not to be lost
        ("json mended", SHA, True),
        ("json laid out anew", SHA, True),
        ("no json, same text", SHA, False),  # a crash between the two
        ("no json, other text", SHA, True),
        ("a json of version 0.1", SHA, True),  # it does not tell whether somebody mended it
        ("nothing", SHA, False),
    ],
)
def test_13_9_what_is_kept(store: ClaimStore, before: str, sha256: str, is_kept: bool) -> None:
    places = publish_first(store)
    new = b"new\n"
    record = places["json"]
    match before:
        case "mended":
            places["txt"].write_text("mended\n")
        case "json mended":
            record.write_text(record.read_text().replace('"pages": 2', '"pages": 3'))
        case "json laid out anew":
            record.write_text(json.dumps(json.loads(record.read_text())))
        case "a json of version 0.1":
            data = json.loads(record.read_text())
            del data["this_file"]
            record.write_text(json.dumps(data, ensure_ascii=False, indent=1) + "\n")
        case "nothing":
            for path in places.values():
                path.unlink()
        case "no json, same text" | "no json, other text":
            record.unlink()
            new = b"Tieu de\n" if "same" in before else new
    had = {path.read_bytes() for path in places.values() if path.exists()}
    told = publish_again(store, places, sha256, new)
    assert set(kept(store).values()) == (had if is_kept else set())
    assert {path.read_bytes() for path in told} == set(kept(store).values())
    assert places["txt"].read_bytes() == new


@given(st.integers(0, 10**6), st.binary(min_size=0, max_size=3))
def test_13_9_no_change_of_a_json_goes_unseen(at: int, put: bytes) -> None:
    written = publish.manifest({**DOCUMENT, "text": "Tiêu đề " * 3}, {"a.txt": b"Tieu de"})
    assert publish.is_as_written(written)
    at %= len(written) + 1
    for changed in (written[:at] + put + written[at:], written[:at] + put + written[at + len(put) :], written[:at]):
        assert publish.is_as_written(changed) is (changed == written)


def test_a_manifest_of_a_manifest_is_one(store: ClaimStore) -> None:
    written = publish.manifest(DOCUMENT, {"a.txt": b"Tieu de"})
    assert publish.manifest(json.loads(written), {"a.txt": b"Tieu de"}) == written
    assert list(json.loads(written))[-2:] == ["files", "this_file"]


def test_13_9_what_a_person_writes_while_it_is_replaced_is_kept(
    store: ClaimStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = publish_first(store)
    real = publish.write_synced

    def slow(path: Path, data: bytes) -> None:
        real(path, data)
        if data == b"new\n":  # only now, when it was looked through already
            monkeypatch.setattr(publish, "write_synced", real)
            places["txt"].write_text("mended at the last moment\n")

    monkeypatch.setattr(publish, "write_synced", slow)
    publish_again(store, places, SHA, b"new\n")
    assert b"mended at the last moment\n" in kept(store).values()
    assert places["txt"].read_bytes() == b"new\n"


@pytest.mark.parametrize("is_mended", [False, True])
def test_13_12b_a_format_that_is_switched_off_leaves_nothing_stale(store: ClaimStore, is_mended: bool) -> None:
    with_md = ClaimStore(load(home=store.folders.home, formats="txt,md"))
    places = targets(with_md, "a.pdf")
    publish_again(with_md, places, SHA, b"old\n")
    if is_mended:
        places["md"].write_bytes(b"mended\n")
    others = places["md"].with_suffix(".html")
    others.write_bytes(b"a person's own\n")
    publish_again(store, targets(store, "a.pdf"), SHA, b"new\n")
    assert not places["md"].exists()
    assert (b"mended\n" in kept(store).values()) is is_mended
    assert others.read_bytes() == b"a person's own\n"


def test_13_12b_a_format_of_another_scan_is_no_longer_there(store: ClaimStore) -> None:
    with_md = ClaimStore(load(home=store.folders.home, formats="txt,md"))
    places = targets(with_md, "a.pdf")
    publish_again(with_md, places, SHA, b"old\n")
    publish_again(store, targets(store, "a.pdf"), "cd" * 32, b"new\n")
    assert not places["md"].exists()
    assert sorted(Path(name).suffix for name in kept(store)) == [".json", ".md", ".txt"]


@pytest.mark.parametrize("change", ["other words", "no file", "not set"])
def test_13_12h_other_words_make_another_document(
    store: ClaimStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    words = tmp_path / "words.txt"
    words.write_text("Nậm Bạt\n")
    monkeypatch.setenv("NAMBAT_WORDS", str(words))
    publish_first(store)
    assert duplicates.find_twin(store, SHA, "1") is not None
    match change:
        case "other words":
            words.write_text("Nậm Bát\n")
        case "no file":
            words.unlink()
        case "not set":
            monkeypatch.delenv("NAMBAT_WORDS")
    assert duplicates.find_twin(store, SHA, "1") is None


@pytest.mark.parametrize("seconds", [1e18, -1e18, float("nan")])
def test_a_time_stamp_that_is_no_date_stops_nothing(seconds: float) -> None:
    assert abs(datetime.now() - versions._date(seconds)).seconds < 60
    assert versions._date(seconds, "Asia/Ho_Chi_Minh").utcoffset() == timedelta(hours=7)


FILES = st.sampled_from(["a.txt", "a.md", "a.html", "a.json", "a-1.txt", "b.txt"])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("publish"), st.sampled_from([SHA, "cd" * 32]), st.sampled_from(["txt", "txt,md", "html"])),
        st.tuples(st.just("write"), FILES, st.binary(min_size=1, max_size=4)),
        st.tuples(st.just("append"), FILES, st.binary(min_size=1, max_size=4)),
        st.tuples(st.just("remove"), FILES, st.just(b"")),
    ),
    min_size=2,
    max_size=10,
)


@settings(max_examples=50)
@given(STEPS, st.booleans())
def test_13_9_whatever_people_do_between_publishings_is_kept(steps: list[tuple[str, Any, Any]], keeps: bool) -> None:
    """What a person wrote, and did not remove again, lies in published/ or versions/; the last JSON tells the truth."""
    with tempfile.TemporaryDirectory() as home, pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda handle: None)
        root = Path(home, "published")
        root.mkdir()
        shelf = Shelf(root, Path(home, "staging"), Path(home, "versions"), keeps)
        written: dict[str, bytes] = {}
        replaced: set[bytes] = set()
        for number, (what, name, more) in enumerate(steps):
            if what == "publish":
                places = {form: root / f"a.{form}" for form in (*more.split(","), "json")}
                texts = {path: f"{name} {form}".encode() for form, path in places.items() if form != "json"}
                data = {**DOCUMENT, "source": {**DOCUMENT["source"], "sha256": name}}
                one = FileSet(places, texts, data)
                publish_sets([one], places, shelf)
                listed = json.loads(places["json"].read_bytes())["files"]
                assert {path.name for path in texts} <= {entry["name"] for entry in listed}
                for entry in listed:
                    assert hashlib.sha256((root / entry["name"]).read_bytes()).hexdigest() == entry["sha256"]
                assert publish.is_as_written(places["json"].read_bytes())
            elif what == "remove":
                (root / name).unlink(missing_ok=True)
                written.pop(name, None)
            else:
                before = (root / name).read_bytes() if what == "append" and (root / name).exists() else b""
                written_now = before + more + str(number).encode()
                (root / name).write_bytes(written_now)
                written[name] = written_now
            if what == "publish":
                # What was replaced is in versions/ now, where the person's later steps do not reach it.
                there = {path.name: path.read_bytes() for path in root.iterdir()}
                replaced |= {data for kept, data in written.items() if there.get(kept) != data}
                written = {kept: data for kept, data in written.items() if there.get(kept) == data}
            lie = {path.read_bytes() for path in Path(home).rglob("*") if path.is_file()}
            assert lie.issuperset({*written.values(), *replaced})
