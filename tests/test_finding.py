"""The index of published documents, the list and the search over it, and ``nambat find``."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import sqlite3
import string
import subprocess
import sys
import time
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flows.cli import nambat
from flows.pipeline.publish import manifest
from flows.pipeline.workers import WorkerPool
from flows.review import index
from flows.review.entry import NotWhole, Text, entry_of
from flows.review.index import Library, document_id, mark_looked_at, name_of, of_folder, of_service, refresh
from flows.review.listing import BadPlace, Filter, choices, count, documents, find_document
from flows.review.search import asked_on_command_line, marked, places, search
from flows.review.words import asked, plain, without_marks, words_of
from flows.settings import Folders
from normalize.document import Block, Document, Footnote, Metadata, PageReport, PageWarning, Part, Source, Token
from normalize.formats.record import to_dict
from ocr.faults import Killed

ROOT = Path(__file__).parents[1]


def record(
    *texts: str, notes: Mapping[str, str] | None = None, sha256: str = "ab" * 32, **facts: Any
) -> dict[str, Any]:
    """The JSON of a document with these paragraphs, one a page, and these facts."""
    metadata = Metadata(**facts)
    blocks = tuple(
        Block("paragraph", tuple(Token(word, page) for word in text.split()), page)
        for page, text in enumerate(texts, 1)
    )
    footnotes = tuple(
        Footnote(label, label, (tuple(Token(word, 1) for word in text.split()),), (1,))
        for label, text in (notes or {}).items()
    )
    reports = tuple(PageReport(page, 300, 0.0, 9, 90.0, 50.0, 1.0, grade="good") for page in range(1, len(texts) + 1))
    source = Source("Scan.pdf", sha256, len(texts), 1000)
    return to_dict(Document(source, blocks, footnotes, metadata, (Part(1, len(texts), metadata),), pages=reports))


def put(folder: Path, name: str, data: Mapping[str, Any]) -> Path:
    """Publish a JSON as the publisher does: a new file in place of the old one."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".tmp")
    beside.write_bytes(manifest(dict(data), {}))
    beside.replace(path)
    return path


@pytest.fixture
def library(tmp_path: Path) -> Library:
    folder = tmp_path / "out"
    folder.mkdir()
    return of_folder(folder)


def names(library: Library, question: str, **wanted: str) -> list[str]:
    refresh(library)
    return [hit.document.name for hit in search(library, question, Filter(**wanted)).hits]


def test_words_are_found_with_and_without_marks_and_the_exact_ones_first(library: Library) -> None:
    put(library.root, "a.json", record("Dat dai va nha o"))
    put(library.root, "b.json", record("Luật Đất đai, đất ở"))
    put(library.root, "c.json", record("đạt giải"))
    assert set(names(library, "dat dai")) == {"a.json", "b.json"}
    assert names(library, "đất đai") == ["b.json", "a.json"]
    assert names(library, "ĐẤT") == ["b.json", "a.json", "c.json"] or names(library, "ĐẤT") == [
        "b.json",
        "c.json",
        "a.json",
    ]
    assert names(library, "dat giai") == ["c.json"]


def test_old_and_new_places_of_the_tone_are_the_same_word(library: Library) -> None:
    put(library.root, "a.json", record("Hoà Bình"))
    put(library.root, "b.json", record("Hòa Bình"))
    refresh(library)
    assert [hit.found[0].is_exact for hit in search(library, "hòa").hits] == [True, True]


@pytest.mark.parametrize(
    ("question", "is_found"),
    [
        ("559/BC-UBND", True),
        ("559/bc-ubnd", True),
        ("559/QĐ-UBND", False),
        ("559", True),
        ("55", False),
        ("1.250", True),
        ("250", False),
        ("1", False),
        ("12,5%", True),
        ("12.5", False),
        ("15/3/2021", True),
        ("3/2021", True),
        ('"thành phố Hà Nội"', True),
        ('"thanh pho ha noi"', True),
        ('"phố thành"', False),
        ("nội phố", True),
        ('"Hà Nội năm"', False),
        ("m2", True),
        ("năm sau", True),
        ("...", False),
        ("", False),
        ('"', False),
        ("tỉnh OR *", False),
    ],
)
def test_what_is_typed_is_found_as_it_is(library: Library, question: str, is_found: bool) -> None:
    text = "Báo cáo số 559/BC-UBND ngày 15/3/2021: 1.250 hộ, 12,5% và 30 m²; thành phố[^1] Hà Nội"
    put(library.root, "a.json", record(text, "năm sau", notes={"1": "Theo chú thích"}))
    assert bool(names(library, question)) == is_found
    for hit in search(library, question).hits:
        assert hit.found, "the place is shown"


def test_a_hit_tells_its_place_in_the_published_text(library: Library) -> None:
    data = record("Trang một.", "Câu đầu. Nhà nước thu hồi đất[^1] đai của hộ. Câu cuối.", notes={"1": "Xem bảng giá."})
    put(library.root, "a.json", data)
    refresh(library)
    (one,) = search(library, '"dat dai"').hits[0].found
    text = data["blocks"][1]["text"]
    assert (one.where, one.page) == ("blocks/1", 2)
    assert text[one.offset : one.offset + one.length] == "đất[^1] đai"
    assert (one.passage.before, one.passage.words) == ("Nhà nước thu hồi", "đất[^1] đai")
    (note,) = search(library, "bảng giá").hits[0].found[:1]
    assert (note.where, note.page, note.offset) == ("footnotes/1", 1, 4)


def test_each_phrase_of_a_question_shows_a_place(library: Library) -> None:
    put(library.root, "a.json", record(*["kế hoạch"] * 9, "ngân sách", "ke hoach"))
    refresh(library)
    found = search(library, "kế hoạch ngân sách").hits[0].found
    assert [one.passage.words for one in found[:2]] == ["kế hoạch", "ngân sách"]
    assert all(one.is_exact for one in found)


def test_where_words_stand_side_by_side_comes_first(library: Library) -> None:
    texts = ["Độc lập - Tự do", "Ké", "một hoạch", "về kế hoạch[^1] đầu tư công", "kế và xa " + "x " * 60 + "hoạch"]
    put(library.root, "a.json", record(*texts))
    refresh(library)
    (first, *rest) = search(library, "ke hoach dau tu").hits[0].found
    assert first.passage.words == "kế hoạch[^1] đầu tư" and first.page == 4
    assert len(rest) <= 2
    marks = [piece for piece, is_asked in marked("Kế hoạch, hoách; đầu năm", asked("kế hoạch dau")) if is_asked]
    assert marks == ["Kế", "hoạch", "đầu"]


@given(
    st.lists(st.lists(st.sampled_from(["a.", "ê", "b", "x " * 50, "e[^1]", "ẹ."]), max_size=9), max_size=4), st.data()
)
def test_each_phrase_can_be_seen_in_what_is_shown(paragraphs: list[list[str]], data: st.DataObject) -> None:
    texts = [Text(f"blocks/{at}", " ".join(words), ((0, 1),)) for at, words in enumerate(paragraphs)]
    phrases = asked(data.draw(st.sampled_from(["a e", "b a e", "e b", "ẹ x", "a b x e"])))
    found = places(texts, phrases)
    shown = " ¶ ".join(f"{one.passage.before} {one.passage.words} {one.passage.after}" for one in found)
    for phrase in phrases:
        if any(re.search(phrase.pattern, text.text) for text in texts):
            assert re.search(phrase.pattern, shown)


def test_a_paragraph_over_two_pages_tells_the_page_of_each_word() -> None:
    data = record("Đầu trang trước rồi sang trang sau")
    data["blocks"][0]["places"] = ["1 10 50 0:1-9 4:10-20", "2 10 50 16:1-9 20:10-30"]
    entry = entry_of(json.dumps(data).encode())
    assert entry is not None
    (text,) = entry.texts
    assert text.pages == ((0, 1), (16, 2))
    assert [text.page_at(at) for at in (0, 15, 16, 99)] == [1, 1, 2, 2]


def test_facts_are_found_and_filtered_by(library: Library) -> None:
    put(library.root, "a.json", record("x", number="559", symbol="BC-UBND", agency="SỞ TÀI CHÍNH", date="2020-05-06"))
    put(library.root, "b.json", record("x", number="60", symbol="QĐ-BNV", agency="BỘ NỘI VỤ", type="Quyết định"))
    put(library.root, "c.json", record("x", agency="Sở Tài chính", date="2021-01-01"))
    assert names(library, "559/BC-UBND") == ["a.json"]
    assert set(names(library, "x", agency="so tai")) == {"a.json", "c.json"}
    assert names(library, "x", since="2020-05-06", until="2020-05-06") == ["a.json"]
    assert names(library, "x", until="2020-12-31") == ["a.json"], "what has no date lies in no range"
    assert names(library, "x", symbol="60/qd") == ["b.json"]
    assert names(library, "x", type="quyet dinh") == ["b.json"]
    assert names(library, "x", number="6") == []
    assert dict(choices(library).agencies) == {"SỞ TÀI CHÍNH": 1, "BỘ NỘI VỤ": 1, "Sở Tài chính": 1}


def test_pages_of_the_list_and_of_hits_show_each_document_once_both_ways(library: Library) -> None:
    for number in range(23):
        data = record("từ", date=f"2020-01-{number % 5 + 1:02}")
        data["warnings"] = [{"page": 1, "message": "x", "about": "text"}] * (number % 4)
        put(library.root, f"{number}.json", data)
    refresh(library)
    for order in ("newest", "oldest", "dated", "doubtful"):
        pages = [documents(library, order=order, limit=5)]
        while pages[-1].after:
            pages.append(documents(library, order=order, limit=5, after=pages[-1].after))
        shown = [one.name for page in pages for one in page.documents]
        assert len(shown) == len(set(shown)) == 23
        assert not pages[0].before
        for page, following in pairwise(pages):
            assert documents(library, order=order, limit=5, before=following.before).documents == page.documents
    hits = [search(library, "tu", limit=4)]
    while hits[-1].after:
        hits.append(search(library, "tu", limit=4, after=hits[-1].after))
    assert len({hit.document.id for page in hits for hit in page.hits}) == hits[0].count == 23
    doubtful = [one.doubtful for one in documents(library, order="doubtful").documents]
    assert doubtful == sorted(doubtful, reverse=True) and doubtful[0] == 3


def test_places_side_by_side_are_shown_once(library: Library) -> None:
    put(library.root, "a.json", record("từ và từ và từ, " + "khác " * 30 + "từ"))
    refresh(library)
    assert [one.offset for one in search(library, "từ").hits[0].found] == [0, 16 + 5 * 30]


@pytest.mark.parametrize("place", ["x", "!!", "W10", "WzEsWzJdXQ", "WyJcdWQ4MDAiLCAxXQ", "[" * 5000])
def test_a_place_in_the_list_that_was_not_made_here_is_refused(library: Library, place: str) -> None:
    with pytest.raises(BadPlace):
        documents(library, after=place)
    with pytest.raises(BadPlace):
        search(library, "x", after=place)


def test_what_changes_is_read_again_and_what_goes_is_forgotten(library: Library) -> None:
    put(library.root, "a.json", record("cũ"))
    put(library.root, "deep/b.json", record("khác"))
    assert refresh(library) == index.Refreshed(2, 0, 0)
    assert refresh(library) == index.Refreshed(0, 0, 0)
    id = document_id("a.json")
    put(library.root, "a.json", record("mới"))
    assert names(library, "cũ") == []
    assert names(library, "mới") == ["a.json"]
    assert find_document(library, id) is not None and name_of(library, id) == "a.json"
    (library.root / "deep" / "b.json").unlink()
    assert refresh(library) == index.Refreshed(0, 0, 1)
    assert names(library, "khác") == [] and find_document(library, document_id("deep/b.json")) is None


def hostile() -> dict[str, bytes]:
    """JSONs that anybody may have put there, by name."""
    good = record("tốt")
    far = {**good, "source": {**good["source"], "pages": 10**30}}
    return {
        "empty": b"",
        "cut": manifest(good, {})[:300],
        "deep": b"[" * 1_000_000,
        "no-utf8": b'{"schema": "nambat/1", "\xff": 1}',
        "text-is-a-number": json.dumps({**good, "blocks": [{**good["blocks"][0], "text": 5}]}).encode(),
        "blocks-is-a-text": json.dumps({**good, "blocks": "abc"}).encode(),
        "no-source": json.dumps({**good, "source": None}).encode(),
        "far": json.dumps(far).encode(),
        "digits": b'{"schema": "nambat/1", "blocks": ' + b"9" * 10_000 + b"}",
        "page-is-a-list": json.dumps({**good, "blocks": [{**good["blocks"][0], "page": [1]}]}).encode(),
        "places": json.dumps({**good, "blocks": [{**good["blocks"][0], "places": ["x"]}]}).encode(),
    }


def test_broken_and_hostile_jsons_are_listed_and_hinder_nothing(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, raw in hostile().items():
        (library.root / f"{name}.json").write_bytes(raw)
        if name != "deep":
            with pytest.raises(NotWhole):
                entry_of(raw)
    half = record("nửa chữ")
    half["blocks"][0]["text"] += " \ud800 hết"
    (library.root / "half.json").write_text(json.dumps(half))
    (library.root / "package.json").write_text('{"name": "of somebody else"}')
    put(library.root, "good.json", record("tốt"))
    monkeypatch.setattr(index, "LARGEST", 5_000_000)
    (library.root / "huge.json").write_bytes(b" " * 5_000_001)
    refresh(library)
    listed = {one.name: one for one in documents(library).documents}
    broken = {name for name, one in listed.items() if one.broken}
    assert broken == {f"{name}.json" for name in hostile()} | {"huge.json"}
    assert listed.keys() - broken == {"good.json", "half.json"}, "what is somebody else's is not listed"
    assert names(library, "tot") == ["good.json"] and names(library, "nua chu het") == ["half.json"]
    assert count(library, Filter(state="broken")) == len(broken)
    put(library.root, "cut.json", record("tốt"))
    assert set(names(library, "tốt")) == {"good.json", "cut.json"}, "mended"
    assert refresh(library).read == 0, "broken ones are not read again and again"


@pytest.mark.parametrize("killed", [False, True])
def test_many_are_read_in_processes_of_their_own_and_none_is_lost_with_one(
    library: Library, monkeypatch: pytest.MonkeyPatch, killed: bool
) -> None:
    class Killing(WorkerPool):
        def call(self, *given: Any, **more: Any) -> Any:
            asked.append(given[2])
            if killed and len(asked) == 2:
                raise Killed("a worker was killed")
            return super().call(*given, **more)

    asked: list[Any] = []
    monkeypatch.setattr(index, "BATCH", 5)
    monkeypatch.setattr(index, "WorkerPool", Killing)
    for number in range(12):
        put(library.root, f"{number}.json", record(f"văn bản số {number}"))
    (library.root / "broken.json").write_text("{")
    assert (refresh(library).read, len(asked)) == (13, 3)
    assert count(library) == 13 and count(library, Filter(state="broken")) == 1
    assert [names(library, f'"so {number}"') for number in range(12)] == [[f"{number}.json"] for number in range(12)]


def test_nothing_outside_of_the_folder_is_read(library: Library, tmp_path: Path) -> None:
    outside = put(tmp_path / "else", "secret.json", record("bí mật"))
    (library.root / "link.json").symlink_to(outside)
    (library.root / "folder").symlink_to(outside.parent)
    os.mkfifo(library.root / "pipe.json")
    (library.root / ".hidden").mkdir()
    put(library.root, ".hidden/x.json", record("bí mật"))
    put(library.root, "versions/old.json", record("bí mật"))
    assert names(library, "bí mật") == [] and count(library) == 0
    real = library.root / "later.json"
    put(library.root, "later.json", record("x"))
    seen = dict(index._found(library, []))["later.json"]
    real.unlink()
    real.symlink_to(outside)  # between the look and the reading
    assert index._read(library, "later.json", seen)[2] == index.CANNOT_BE_READ


def test_a_damaged_or_foreign_index_is_made_anew(library: Library) -> None:
    for number in range(30):
        put(library.root, f"{number}.json", record("đất đai " * 200))
    refresh(library)
    assert search(library, "đất").count == 30
    library.file.write_bytes(b"no database " * 1000)
    assert search(library, "đất").count == 30
    raw = bytearray(library.file.read_bytes())
    raw[4096:] = os.urandom(len(raw) - 4096)
    library.file.write_bytes(raw)
    assert search(library, "đất").count == 30
    library.file.unlink()
    connection = sqlite3.connect(library.file)
    connection.execute("CREATE TABLE documents (x)")
    connection.close()
    assert search(library, "đất").count == 30
    index.ask(library, lambda connection: connection.execute("UPDATE texts SET packed = x'00'"))
    assert search(library, "đất").hits[0].found
    index.ask(library, lambda connection: connection.execute("PRAGMA user_version = 999"))
    assert refresh(library).read == 30


def test_documents_stay_in_the_index_while_the_folder_is_away(library: Library) -> None:
    put(library.root, "a.json", record("x"))
    refresh(library)
    away = Library(library.root / "away", library.place)
    with pytest.raises(FileNotFoundError):
        refresh(away)
    assert count(library) == 1


def test_looked_at_outlives_the_index_but_not_another_scan(library: Library) -> None:
    put(library.root, "a.json", record("x"))
    refresh(library)
    id = document_id("a.json")

    def state() -> str:
        refresh(library)
        found = find_document(library, id)
        assert found is not None
        return found.state

    assert state() == "new"
    mark_looked_at(library, id)
    mark_looked_at(library, "0" * 16)
    assert state() == "looked at"
    library.file.unlink()
    assert state() == "looked at"
    mark_looked_at(library, id, looked_at=False)
    assert state() == "new"
    mark_looked_at(library, id)
    put(library.root, "a.json", record("x", sha256="cd" * 32))
    assert state() == "new"
    edit = {"kind": "text", "before": "y", "after": "x", "applied": True, "taken": {}}
    put(library.root, "a.json", {**record("x"), "edits": [{**edit, "undone": True}, {**edit, "undone": False}]})
    assert state() == "mended"


def test_where_nothing_can_be_written_the_index_lies_in_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folders: Folders
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "out"
    put(folder, "a.json", record("đất"))
    (folder / ".nambat_review").symlink_to(tmp_path)
    library = of_folder(folder)
    assert library.place.is_relative_to(tmp_path / "cache")
    assert library.place.stat().st_mode & 0o777 == 0o700
    assert names(library, "dat") == ["a.json"]
    assert library.file.stat().st_mode & 0o777 == 0o600
    assert of_service(folders).place == folders.home / "review"


FILL = """
import sys
from pathlib import Path
from flows.review import index
index.BATCH = 3
print("begun", flush=True)
index.refresh(index.of_folder(Path(sys.argv[1])))
"""


def filling(folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", FILL, str(folder)], cwd=ROOT, stdout=subprocess.PIPE, text=True)


@pytest.mark.slow
def test_the_index_is_whole_after_kills_and_with_several_writers(library: Library) -> None:
    chance = random.Random(5)
    for round_ in range(12):
        for number in range(30):
            words = "".join(chance.choices(string.ascii_lowercase, k=5))
            put(library.root, f"{chance.randrange(60)}.json", record(f"vòng {round_} số {number} {words}"))
        writers = [filling(library.root) for _ in range(2)]
        for one in writers:
            assert one.stdout is not None and one.stdout.readline() == "begun\n"
        time.sleep(chance.random() / 4)
        writers[0].send_signal(signal.SIGKILL)
        for one in writers:
            one.wait(60)
            assert one.stdout is not None
            one.stdout.close()
        assert writers[1].returncode in (0, -signal.SIGKILL)
    refresh(library)
    there = {str(path.relative_to(library.root)): json.loads(path.read_bytes()) for path in library.root.glob("*.json")}
    assert count(library) == len(there)
    for name, data in there.items():
        assert name in names(library, f'"{data["blocks"][0]["text"]}"')
    for table in ("exact", "plain"):
        check = f"INSERT INTO {table} ({table}) VALUES ('integrity-check')"
        index.ask(library, lambda one, check=check: one.execute(check))  # type: ignore[misc]
    assert index.ask(library, lambda one: one.execute("PRAGMA integrity_check").fetchone()) == ("ok",)


VIETNAMESE = st.text("aàảãáạăằđĐêếốộơớưựyỹ bcdghnt12.,/-()“”[^]m²\n", max_size=60)


@given(VIETNAMESE)
def test_without_marks_a_text_keeps_its_places(text: str) -> None:
    assert len(without_marks(text)) == len(text)
    assert without_marks(without_marks(text)) == without_marks(text)


@settings(max_examples=50)
@given(st.text(max_size=80))
def test_any_question_can_be_asked(question: str) -> None:
    for phrase in asked(question):
        assert phrase.plain and '"' not in phrase.plain + phrase.exact


@given(st.lists(VIETNAMESE, min_size=1, max_size=3), st.data())
def test_what_the_index_finds_is_found_in_the_text(texts: list[str], data: st.DataObject) -> None:
    """Some words of a text, one behind the other, are found in it where they stand, typed with marks or without."""
    chosen = data.draw(st.sampled_from(texts))
    words = words_of(chosen)
    if not words:
        return
    begin = data.draw(st.integers(0, len(words) - 1))
    typed = " ".join(words[begin : begin + data.draw(st.integers(1, 4))])
    question = data.draw(st.sampled_from([typed, plain(typed.split())]))
    (phrase,) = asked(f'"{question}"')
    found = places([Text(f"blocks/{at}", text, ((0, 1),)) for at, text in enumerate(texts)], [phrase])
    assert found
    for one in found:
        text = texts[int(one.where.partition("/")[2])]
        assert plain(words_of(text[one.offset : one.offset + one.length])) == phrase.plain


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(st.lists(st.lists(st.sampled_from(["đất", "dat", "Đạt", "nhà", "1.250", "1"]), max_size=4), max_size=5))
def test_the_index_finds_what_holds_the_words(library: Library, paragraphs: list[list[str]]) -> None:
    put(library.root, "a.json", record(*(" ".join(words) for words in paragraphs)))
    plain_words = {plain([word]) for words in paragraphs for word in words}
    for word in ("đất", "dat", "nhà", "1.250", "1"):
        assert names(library, word) == (["a.json"] if plain([word]) in plain_words else [])


def find(*arguments: str) -> Any:
    return CliRunner().invoke(nambat, ["find", *arguments])


def test_nambat_find(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    put(library.root, "a.json", record("Trang đầu", "Thu hồi\x1b[2J đất đai.", number="559", symbol="BC-UBND"))
    (library.root / "broken.json").write_text("{")
    place = ["--in", str(library.root)]
    answer = find(*place, "dat dai")
    assert answer.exit_code == 0
    assert "a.json: 559/BC-UBND" in answer.output and "page 2: Thu hồi" in answer.output
    assert "»đất đai.«" in answer.output and "\x1b" not in answer.output
    assert "1 published JSON is broken" in answer.stderr
    assert find(*place, "đai đất").exit_code == 1, "with a blank in it an argument is a phrase"
    assert find(*place, "đai", "đất").exit_code == 0
    assert find(*place, "--symbol", "559/bc").exit_code == 0
    assert find(*place).exit_code == 2
    assert find(*place, "--since", "yesterday", "x").exit_code == 2
    told = json.loads(find(*place, "--json", "đất").stdout)
    assert told["count"] == 1 and told["documents"][0]["found"][0]["page"] == 2
    monkeypatch.setenv("NAMBAT_LANG", "vi")
    assert "không tìm thấy gì" in find(*place, "xyzzy").output
    assert "trang 2: Thu hồi" in find(*place, "đất").output


def test_nambat_find_without_a_service(folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NAMBAT_HOME", str(folders.home))
    put(folders.published, "nam/a.json", record("đất"))
    assert "nam/a.json" in find("dat").output
    monkeypatch.setenv("NAMBAT_HOME", str(folders.home / "none"))
    answer = find("dat")
    assert answer.exit_code == 2 and "nothing is published there yet" in answer.output


def test_an_argument_with_blanks_is_a_phrase() -> None:
    assert asked_on_command_line(["a b", "c", '"d e" f']) == '"a b" c "d e" f'


def test_what_is_to_be_looked_at_says_so(library: Library) -> None:
    data = to_dict(
        Document(
            Source("a.pdf", "ab" * 32, 1, 9),
            (Block("paragraph", (Token("một", 1, confidence=50.0), Token("hai", 1, confidence=95.0)), 1),),
            pages=(PageReport(1, 300, 0.0, 2, 70.0, 50.0, 1.0, error="no", grade=None),),
            warnings=(PageWarning(1, "Look."),),
        )
    )
    put(library.root, "a.json", data)
    refresh(library)
    (one,) = documents(library, order="doubtful").documents
    assert (one.doubtful, one.unread, one.grade) == (2, 1, "unread")
