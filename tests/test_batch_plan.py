"""A plan lists every scan of a source once, in parts that are neither too long nor too many."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.batch.plan import (
    WRITTEN_AT_ONCE,
    Batch,
    Entry,
    Source,
    check_id,
    entries_of,
    find,
    part_name,
    plan,
    source_of,
    split,
    with_parts,
)
from flows.batch.storage import Storage, open_home, open_storage
from flows.batch.under_way import open_batch
from flows.faults import PathRefused
from flows.host.names import new_id
from flows.intake.given_paths import name_of_root
from flows.settings import Settings, load
from tests.scans import write_scan


@given(st.lists(st.integers(1, 90), max_size=60), st.integers(1, 60))
def test_every_document_is_in_one_part_in_order(pages: list[int], most: int) -> None:
    entries = [Entry(f"{number}.pdf", f"{number}.pdf", pages=count) for number, count in enumerate(pages)]
    parts = list(split(entries, most))
    assert [entry for part in parts for entry in part] == entries
    sizes = [sum(entry.pages for entry in part) for part in parts]
    assert all(size <= most or len(part) == 1 for size, part in zip(sizes, parts, strict=True))
    # No two neighbours would have fitted into one.
    assert all(size + part[0].pages > most for size, part in zip(sizes, parts[1:], strict=False))


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A folder of scans and other files."""
    root = tmp_path / "Lưu trữ"
    write_scan(root / "a.pdf", 3)
    write_scan(root / "năm 1998" / "b.tif", 2)
    write_scan(root / "năm 1998" / "ü.pdf", 1)
    (root / os.fsdecode(b"\xff.pdf")).write_bytes(b"no PDF at all")
    (root / "notes.txt").write_text("no scan")
    (root / "more.zip").write_bytes(b"PK")
    (root / ".hidden").mkdir()
    write_scan(root / ".hidden" / "c.pdf")
    (root / "~$d.pdf").write_bytes(b"")
    (root / "link.pdf").symlink_to(root / "a.pdf")
    return root


@pytest.fixture
def settings(tmp_path: Path, archive: Path) -> Settings:
    made = load(home=tmp_path / "home", read_roots=str(archive))
    made.folders.make()
    return made


def test_a_folder_is_planned(settings: Settings, archive: Path) -> None:
    batch = plan(source_of(str(archive), settings), settings, new_id(), most=3)
    assert (batch.documents, batch.pages, batch.left, batch.closed) == (4, 7, 2, ())
    home = open_home(settings)
    found = {entry.name: entry.pages for part in range(1, batch.parts + 1) for entry in entries_of(home, batch, part)}
    folder = archive.name
    assert found == {
        f"{folder}/a.pdf": 3,
        f"{folder}/năm 1998/b.tif": 2,
        f"{folder}/năm 1998/ü.pdf": 1,
        f"{folder}/{os.fsdecode(bytes([255]))}.pdf": 1,
    }
    assert find(home, batch.id) == batch
    # Once planned, a batch stays as it is.
    write_scan(archive / "later.pdf")
    assert plan(batch.source, settings, batch.id, most=3) == batch


def test_what_is_not_counted_is_estimated(settings: Settings, archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.batch.plan.COUNTING", 0.0)
    (archive / "long.pdf").write_bytes(bytes(2_060_000))
    batch = plan(source_of(str(archive), settings), settings, new_id())
    (entry,) = [one for one in entries_of(open_home(settings), batch, 1) if one.name.endswith("long.pdf")]
    assert entry.pages == 10


class CutShort:
    """A storage that dies at the so manieth call of ``put``."""

    def __init__(self, storage: Storage, left: int) -> None:
        self.storage, self.left = storage, left

    def put(self, name: str, data: bytes) -> str:
        if self.left == 0:
            raise KeyboardInterrupt
        self.left -= 1
        return self.storage.put(name, data)

    def __getattr__(self, name: str) -> object:
        return getattr(self.storage, name)


def test_planning_that_is_cut_short_plans_nothing_and_can_be_done_again(settings: Settings, archive: Path) -> None:
    source, batch_id, home = source_of(str(archive), settings), new_id(), open_home(settings)
    for left in range(100):
        try:
            batch = plan(source, settings, batch_id, home=CutShort(home, left), most=2)  # type: ignore[arg-type]
            break
        except KeyboardInterrupt:
            assert find(home, batch_id) is None
    assert left == batch.parts + 1 > 2  # the last is the record of the whole
    assert sum(len(entries_of(home, batch, part)) for part in range(1, batch.parts + 1)) == batch.documents == 4


def test_parts_are_written_side_by_side_and_no_more_are_kept(settings: Settings) -> None:
    """A bucket answers each after a while; millions of documents do not fit into memory."""
    home, lock, now, most, made = open_home(settings), threading.Lock(), [0], [0], [0]

    class Slow(CutShort):
        def put(self, name: str, data: bytes) -> str:
            with lock:
                now[0] += 1
                most[0] = max(most[0], now[0])
            time.sleep(0.01)
            with lock:
                now[0] -= 1
            return home.put(name, data)

    def entries() -> Iterator[Entry]:
        for number in range(200):
            made[0] += 1
            yield Entry(f"{number}.pdf", f"{number}.pdf", pages=1)

    batch = Batch(new_id(), Source("", "x/", keeps=True), "", 0.0)
    batch = with_parts(batch, entries(), Slow(home, 10**6), 1)  # type: ignore[arg-type]
    assert (batch.parts, batch.documents, most[0]) == (200, 200, WRITTEN_AT_ONCE)
    assert [entries_of(home, batch, part)[0].scan for part in (1, 77, 200)] == ["0.pdf", "76.pdf", "199.pdf"]

    made[0] = 0
    with pytest.raises(KeyboardInterrupt):
        with_parts(batch, entries(), CutShort(home, 3), 1)  # type: ignore[arg-type]
    assert made[0] <= 4 + 2 * WRITTEN_AT_ONCE + 2


def test_what_is_left_of_a_plan_that_was_cut_short_goes_after_a_day(settings: Settings, archive: Path) -> None:
    home, source = open_home(settings), source_of(str(archive), settings)
    old, new = new_id(), new_id()
    for batch_id in (old, new):
        home.put(part_name(batch_id, 1), b"")
    path = settings.folders.working / ".batches" / old / "00001.jsonl"
    os.utime(path, (path.stat().st_mtime - 90_000,) * 2)
    kept = plan(source, settings, new_id())
    assert {one.name.split("/")[1] for one in home.list("batches/")} == {new, kept.id}


def test_a_part_of_a_folder_and_one_scan_are_sources_too(settings: Settings, archive: Path) -> None:
    batch = plan(source_of(str(archive / "năm 1998"), settings), settings, new_id())
    assert batch.documents == 2
    batch = plan(source_of(str(archive / "a.pdf"), settings), settings, new_id())
    assert batch.documents == 1
    assert source_of("inbox", settings) == Source("", "inbox/", keeps=False)


@pytest.mark.parametrize(
    "given", ["/etc", "..", ".", "inbox/a", "published", "originals", "working/.batches", "a\0b", "nowhere", "s3://b/a"]
)
def test_no_other_folder_is_a_source(settings: Settings, given: str) -> None:
    with pytest.raises(PathRefused):
        source_of(given, settings)


def test_a_link_is_no_source(settings: Settings, archive: Path, tmp_path: Path) -> None:
    (archive / "out").symlink_to(tmp_path)
    for path in (archive / "out", archive / "out" / "home", archive / "link.pdf"):
        with pytest.raises(PathRefused):
            source_of(str(path), settings)


def test_only_folders_of_scans_in_the_own_bucket_are_sources(tmp_path: Path) -> None:
    settings = load(home=tmp_path / "home", bucket="s3://kho/văn thư/")
    assert source_of("s3://kho/văn thư/inbox", settings) == Source("", "inbox/", keeps=False)
    assert source_of("s3://kho/văn thư/1998/1", settings) == Source("", "1998/1/", keeps=True)
    assert source_of("s3://kho/văn thư/1998/a.pdf", settings) == Source("", "1998/a.pdf", keeps=True)
    for place in ("khác/1998", "văn thư/published", "văn thư/../x"):
        with pytest.raises(PathRefused):
            source_of(f"s3://kho/{place}", settings)


@pytest.mark.parametrize("batch_id", ["", "../x", "20261126-172939-af462c9", "20261126-172939-af462c92/..", "x" * 24])
def test_no_id_leads_elsewhere(batch_id: str) -> None:
    with pytest.raises(PathRefused):
        check_id(batch_id)
    with pytest.raises(PathRefused):
        part_name(batch_id, 1)


def test_there_are_no_other_parts(settings: Settings, archive: Path) -> None:
    batch = plan(source_of(str(archive), settings), settings, new_id())
    for part in (0, -1, batch.parts + 1):
        with pytest.raises(PathRefused):
            entries_of(open_home(settings), batch, part)


def test_a_folder_that_is_not_there_is_no_empty_one(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        plan(Source(str(tmp_path / "away"), "", keeps=True), settings, new_id())


def test_manifests_are_lines_of_json(settings: Settings, archive: Path) -> None:
    batch = plan(source_of(str(archive), settings), settings, new_id())
    raw, _tag = open_home(settings).read(part_name(batch.id, 1))
    names = {json.loads(line)["scan"] for line in raw.splitlines()}
    assert names == {one.name for one in open_storage(str(archive)).list() if one.name.endswith((".pdf", ".tif"))} - {
        "~$d.pdf",
        ".hidden/c.pdf",
    }


def test_a_file_is_named_and_not_what_is_called_like_it(settings: Settings, archive: Path) -> None:
    write_scan(archive / "a.pdf.tif")
    write_scan(archive / "a.pdf (2).pdf")
    batch = plan(source_of(str(archive / "a.pdf"), settings), settings, new_id())
    assert [entry.scan for entry in entries_of(open_home(settings), batch, 1)] == ["a.pdf"]


def grow_old(folder: Path, days: float) -> None:
    moment = time.time() - days * 86400
    for path in folder.rglob("*"):
        os.utime(path, (moment, moment))


def test_batches_of_long_ago_go_but_for_those_that_wait(settings: Settings, archive: Path) -> None:
    home, source = open_home(settings), source_of(str(archive), settings)
    old, waiting = (plan(source, settings, new_id(), most=3) for _ in range(2))
    open_batch(settings, waiting)
    notes = settings.folders.working / ".batch"
    for name in (f"done-{old.id}.json", f"{old.id}-00001.jsonl", f"{waiting.id}-00001.jsonl", "0" * 64 + ".ended"):
        (notes / name).write_text("{}")
    for days, kept in ((29, [old.id, waiting.id]), (31, [waiting.id])):
        for folder in (settings.folders.working / ".batches", notes):
            grow_old(folder, days)
        new = plan(source, settings, new_id())
        assert find(home, new.id) == new
        ids = sorted(place.name for place in (settings.folders.working / ".batches").iterdir())
        assert [one for one in ids if one in (old.id, waiting.id)] == sorted(kept)
    assert find(home, old.id) is None
    assert len(entries_of(home, waiting, 1)) > 0
    left = sorted(place.name for place in notes.iterdir() if not place.name.startswith("."))
    assert left == sorted([f"open-{waiting.id}.json", f"{waiting.id}-00001.jsonl"])


def test_roots_of_one_name_are_published_apart(tmp_path: Path) -> None:
    roots = [tmp_path / folder for folder in ("sở/1998", "huyện/1998", "huyện/1999", "a/b/1998")]
    for root in roots:
        write_scan(root / "1.pdf")
    settings = load(home=tmp_path / "home", read_roots=os.pathsep.join(map(str, roots)))
    settings.folders.make()
    sources = [source_of(str(root / "1.pdf"), settings) for root in roots]
    assert [source.under for source in sources] == ["sở/1998", "huyện/1998", "1999", "b/1998"]
    planned = [plan(source, settings, new_id()) for source in sources]
    names = [entry.name for batch in planned for entry in entries_of(open_home(settings), batch, 1)]
    assert names == ["sở/1998/1.pdf", "huyện/1998/1.pdf", "1999/1.pdf", "b/1998/1.pdf"]
    assert name_of_root(settings, settings.folders.home) == ""


def test_a_root_within_another_of_its_name_has_a_name(tmp_path: Path) -> None:
    inner = tmp_path / "kho" / "kho"
    settings = load(home=tmp_path / "home", read_roots=os.pathsep.join([str(inner), str(inner.parent)]))
    assert {name_of_root(settings, root) for root in (inner, inner.parent)} == {"kho/kho", f"{tmp_path.name}/kho"}
