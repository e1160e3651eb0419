"""Which published documents are read again, and that they are, once, and nothing is lost."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import unicodedata
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.batch.again import plan_again, wanted
from flows.batch.plan import entries_of, find, new_id, plan, source_of
from flows.batch.storage import open_folders, open_home
from flows.batch.under_way import all_open
from flows.batch.work import is_over, work
from flows.intake.claims import ClaimStore
from flows.intake.duplicates import made_with
from flows.pipeline import publish, revise
from flows.pipeline.versions import Shelf
from flows.review.readings import COUNTS, BadCondition, Reading, condition, older_than
from flows.review.scans import Scans
from flows.settings import Folders, load
from normalize.edits.edit import new
from tests.bad_inputs import good_pdf, strip
from tests.bucket import running_bucket
from tests.kernel import needs_proc
from tests.service import ROOT, Service, clean_environment
from tests.waiting import wait_until

ZONE = "Asia/Ho_Chi_Minh"
READING = Reading("a.json", "a.pdf", "0" * 64, 10, "0.1.0", "", 12, (60.0, 80.0, 95.0), 2, 1, 4, 30.0, 0.0)


def holds(text: str, reading: Reading = READING, low: float = 75) -> bool:
    return condition(text, low, ZONE)(reading)


@pytest.mark.parametrize(
    ("text", "is_so"),
    [
        ("low pages > 0", True),
        ("low pages > 1", False),
        ("low pages", True),
        ("Low  Pages  >=  1", True),
        ("poor pages = 2", True),
        ("poor pages == 2", True),
        ("poor pages != 2", False),
        ("unread pages<1", False),
        ("warnings > 3 and pages < 13", True),
        ("warnings > 3 and pages < 12", False),
        ("warnings>3 AND pages<=12 and unread pages", True),
        ("published before 1970-01-02", True),
        ("published since 1970-01-02", False),
        ("published since 1970-01-01 and published before 1970-01-02", True),
    ],
)
def test_conditions(text: str, is_so: bool) -> None:
    assert holds(text) is is_so


@pytest.mark.parametrize(
    ("since", "where", "is_so"),
    [
        ("", "pages > 11", True),
        ("0.1.1", "", True),
        ("0.1.0", " ", False),
        (" 0.1.1 ", "pages > 11", True),
        ("0.1.1", "pages > 12", False),
    ],
)
def test_who_asks_by_a_form_leaves_fields_empty(
    since: str, where: str, is_so: bool, folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.batch.again.version", lambda: "0.3.0")
    assert wanted(since, where, load(home=folders.home))(READING) is is_so


@pytest.mark.parametrize(("since", "where"), [("", ""), (" ", "\t"), ("x", "pages"), ("../../etc", ""), ("", "/etc")])
def test_who_asks_for_nothing_is_told_what_can_be_asked_for(since: str, where: str, folders: Folders) -> None:
    with pytest.raises(BadCondition, match=r"say which|is no"):
        wanted(since, where, load(home=folders.home))


def test_a_page_is_low_below_the_setting() -> None:
    assert [holds("low pages = 2", low=low) for low in (75, 90)] == [False, True]


def test_days_begin_in_the_set_zone() -> None:
    for hour, is_before in ((0, False), (-1, True)):
        moment = datetime(2026, 1, 31, tzinfo=ZoneInfo(ZONE)).timestamp() + hour
        assert holds("published before 2026-01-31", replace(READING, published=moment)) is is_before


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no condition"),
        ("bad pages > 0", "nothing is called 'bad pages'; pages, low pages"),
        ("pages > many", "no condition"),
        ("pages > -1", "no condition"),
        ("pages > 0 or warnings > 0", "no condition"),
        ("pages > 0 and", "no condition"),
        ("published before yesterday", "'yesterday' is no day"),
        ("published before 2026-13-01", "no day"),
        ("__import__('os')", "no condition"),
    ],
)
def test_what_is_no_condition_is_said_in_one_line(text: str, said: str) -> None:
    with pytest.raises(BadCondition) as fault:
        condition(text, 75, ZONE)
    assert said in str(fault.value)
    assert "\n" not in str(fault.value)


@given(st.text(max_size=40))
def test_any_text_is_a_condition_or_none(text: str) -> None:
    try:
        assert holds(text) in (True, False)
    except BadCondition as fault:
        assert str(fault)


SIGNS = {">": "__gt__", ">=": "__ge__", "<": "__lt__", "<=": "__le__", "=": "__eq__", "!=": "__ne__"}


@given(
    st.lists(st.tuples(st.sampled_from(sorted(COUNTS)), st.sampled_from(sorted(SIGNS)), st.integers(0, 20)), min_size=1)
)
def test_all_of_several_comparisons_must_hold(comparisons: list[tuple[str, str, int]]) -> None:
    text = " and ".join(f"{name} {sign} {number}" for name, sign, number in comparisons)
    expected = all(getattr(COUNTS[name](READING, 75), SIGNS[sign])(number) for name, sign, number in comparisons)
    assert holds(text) is expected


@pytest.mark.parametrize(
    ("read_by", "older"),
    [("", True), ("0.1.0", True), ("0.1.9", True), ("0.2.0", False), ("0.2", False), ("0.10.0", False), ("x", True)],
)
def test_versions(read_by: str, older: bool) -> None:
    assert older_than("0.2", "0.11.0")(replace(READING, version=read_by)) is older


@pytest.mark.parametrize(("text", "said"), [("new", "no version"), ("", "no version"), ("0.3", "this is nambat 0.2.1")])
def test_versions_that_cannot_be(text: str, said: str) -> None:
    with pytest.raises(BadCondition, match=said):
        older_than(text, "0.2.1")


# -- reading again --------------------------------------------------------------------------------------------------


def published_from(home: Path, *scans: tuple[str, bytes]) -> ClaimStore:
    """A home in which these scans were dropped and published, without a server."""
    settings = load(home=home, settle=0, jobs=2)
    store = ClaimStore(settings)
    store.folders.make()
    for name, data in scans:
        path = store.folders.inbox / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        batch = plan(source_of("inbox", settings), settings, new_id())
        for part in range(1, batch.parts + 1):
            assert work(batch, part, settings).left == 0
    return store


def nambat(home: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*arguments), capture_output=True, text=True, timeout=300, env=where(home, **more))


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-P", "-m", "flows.cli", *arguments]


def where(home: Path, **more: str) -> dict[str, str]:
    return clean_environment(NAMBAT_HOME=str(home), NAMBAT_JOBS="2", PYTHONPATH=str(ROOT), **more)


def record(store: ClaimStore, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((store.folders.published / name).read_text("utf-8"))
    return found


def footnotes_elsewhere(store: ClaimStore) -> set[str]:
    """The documents that were read with notes at the end: the setting that these tests change."""
    made = made_with(load(home=store.folders.home, footnotes="end"))
    found = {path.relative_to(store.folders.published) for path in store.folders.published.rglob("*.json")}
    return {str(name) for name in found if record(store, str(name))["source"].get("made_with") == made}


ANEW = {"NAMBAT_FOOTNOTES": "end"}


def one_of(number: int) -> bytes:
    return good_pdf(image=strip().crop((0, 0, 900 + number, 180)))


def test_a_name_in_any_letters_is_read_again_once(tmp_path: Path) -> None:
    odd = os.fsdecode(b"kh\xf4ng.pdf")
    apart = unicodedata.normalize("NFD", "Tờ trình.pdf")
    scans = [("Phòng A/đơn.pdf", one_of(1)), (odd, one_of(2)), (apart, one_of(3)), ("bản sao.pdf", one_of(1))]
    store = published_from(tmp_path / "home", *scans)
    originals = {path: path.read_bytes() for path in store.folders.originals.rglob("*.pdf")}
    listed = nambat(store.folders.home, "reprocess", "--where", "pages >= 1", "--dry-run", **ANEW)
    assert (listed.returncode, listed.stderr) == (0, "")
    assert "Phòng A/đơn.json: 1 page, read by nambat" in listed.stdout
    assert "4 documents, 4 pages" in listed.stdout
    assert footnotes_elsewhere(store) == set()
    done = nambat(store.folders.home, "reprocess", "--where", "pages >= 1", **ANEW)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count(": read again") == 4
    assert footnotes_elsewhere(store) == {str(PurePosixPath(name).with_suffix(".json")) for name, _ in scans}
    assert {path: path.read_bytes() for path in store.folders.originals.rglob("*.pdf")} == originals
    again = nambat(store.folders.home, "reprocess", "--where", "pages >= 1", **ANEW)
    assert again.returncode == 0
    assert "0 documents, 0 pages" in again.stdout
    assert "4 more were read by this version with these settings" in again.stdout
    assert "read again\n" not in again.stdout
    assert not list(store.folders.quarantine.iterdir())


def test_two_documents_of_one_name_and_a_scan_that_was_moved(tmp_path: Path) -> None:
    store = published_from(tmp_path / "home", ("scan.pdf", one_of(1)), ("đi xa.pdf", one_of(2)))
    (store.folders.originals / "2026").mkdir()
    (store.folders.originals / "đi xa.pdf").rename(store.folders.originals / "2026" / "xa hơn.pdf")
    (store.folders.originals / "scan.pdf").unlink()
    before = (store.folders.published / "scan.txt").read_bytes()
    done = nambat(store.folders.home, "reprocess", "--where", "pages", **ANEW)
    assert done.returncode == 1
    assert "scan.json: its scan does not lie in originals/ any more" in done.stderr
    assert footnotes_elsewhere(store) == {"đi xa.json"}
    assert (store.folders.published / "scan.txt").read_bytes() == before


def planned_again(folders: Folders, readings: list[Reading]) -> tuple[list[str], int]:
    """Which scans of originals/ would be read, and how many are missing."""
    settings = load(home=folders.home)
    missing: list[Reading] = []
    home = open_folders(settings)
    batch = plan_again(readings, settings, home, missing.append)
    entries = [entry for part in range(1, batch.parts + 1) for entry in entries_of(home, batch, part)]
    return [entry.scan.removeprefix("originals/") for entry in entries], len(missing)


def reading_of(name: str, scan: Path) -> Reading:
    data = scan.read_bytes()
    return replace(READING, name=f"{name}.json", scan=f"{name}.pdf", sha256=sha256(data).hexdigest(), bytes=len(data))


def test_scans_of_one_size_are_read_once_to_be_found_however_many_were_renamed(
    folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders.make()
    scans = [folders.originals / f"mới {number:02}.pdf" for number in range(20)]
    for scan in scans:
        scan.write_bytes(f"scan {scan.name}".encode())
    readings = [reading_of(f"{number:02}", scan) for number, scan in enumerate(scans)]
    gone = [replace(one, name=f"x{one.name}", scan=f"x{one.scan}", sha256=one.sha256[::-1]) for one in readings]
    read: list[Path] = []
    looks: list[None] = []

    def counted(path: Path) -> str:
        read.append(path)
        return sha256(path.read_bytes()).hexdigest()

    look = Scans._look
    monkeypatch.setattr("flows.review.scans._sha256", counted)
    monkeypatch.setattr(Scans, "_look", lambda scans: looks.append(None) or look(scans))
    found, missing = planned_again(folders, [*readings, *gone])
    assert (found, missing) == ([scan.name for scan in scans], 20)
    assert (len(read), len(looks)) == (20, 1)


@pytest.mark.parametrize("scan", ["", ".", "..", "a/b.pdf", "/etc/passwd", "../../a.pdf", "a.p\0df", "a."])
def test_what_is_no_name_of_a_scan_stops_no_other(folders: Folders, scan: str) -> None:
    folders.make()
    good = folders.originals / "a.pdf"
    good.write_bytes(b"scan")
    found, missing = planned_again(folders, [replace(READING, name="b.json", scan=scan), reading_of("a", good)])
    assert (found, missing) == (["a.pdf"], 1)


@pytest.mark.longest
def test_what_lies_in_the_folders_is_read_again_there_where_batches_publish_to_a_bucket(tmp_path: Path) -> None:
    store = published_from(tmp_path / "home", ("đơn.pdf", one_of(1)))
    record = store.folders.published / "đơn.json"
    source = json.loads(record.read_bytes())["source"]
    reading = replace(READING, name="đơn.json", scan="đơn.pdf", sha256=source["sha256"], bytes=source["bytes"])
    with running_bucket() as address:
        settings = load(home=store.folders.home, bucket=address, repair="off", jobs=1)
        planned = plan_again([reading], settings, open_home(settings), lambda one: None)
        # As a run of the service finds it.
        found = find(open_home(settings), planned.id)
        assert found is not None
        assert work(found, 1, settings, home=open_home(settings)).counts == {"published": 1}
        assert is_over(open_home(settings), found.id, 1)
        assert [one.name.split("/")[0] for one in open_home(settings).list()] == ["batches"] * 3
    assert json.loads(record.read_bytes())["source"]["made_with"] == made_with(settings)
    assert (store.folders.originals / "đơn.pdf").exists()


def test_what_people_changed_is_kept(tmp_path: Path) -> None:
    store = published_from(tmp_path / "home", ("a.pdf", one_of(1)), ("b.pdf", one_of(2)))
    folders = store.folders
    data = record(store, "a.json")
    at, block = next((at, one) for at, one in enumerate(data["blocks"]) if one["text"].strip())
    word = block["text"].split()[0]
    shelf = Shelf(folders.published, folders.working / ".staging", folders.versions)
    edit = new("text", "Lan", f"blocks/{at}", before=word, after="ĐÃ-SỬA")
    revise.revise(shelf, folders.published / "a.json", data["this_file"], [edit], "Lan")
    (folders.published / "b.txt").write_text("by hand")
    done = nambat(folders.home, "reprocess", "--where", "pages", **ANEW)
    assert done.returncode == 0
    assert "ĐÃ-SỬA" in (folders.published / "a.txt").read_text("utf-8")
    assert [edit["after"] for edit in record(store, "a.json")["edits"]] == ["ĐÃ-SỬA"]
    assert footnotes_elsewhere(store) == {"a.json", "b.json"}
    (kept,) = folders.versions.rglob("b *.txt")
    assert kept.read_text() == "by hand"
    assert "kept" in done.stderr


def test_what_fails_leaves_what_was_published(tmp_path: Path) -> None:
    store = published_from(tmp_path / "home", ("a.pdf", one_of(1)), ("b.pdf", one_of(2)))
    folders = store.folders
    before = {path.name: path.read_bytes() for path in folders.published.iterdir()}
    done = nambat(folders.home, "reprocess", "--where", "pages", NAMBAT_MAX_BYTES="100", **ANEW)
    assert done.returncode == 1
    assert "a.pdf: " in done.stderr
    assert "What was published before stays of 2 others." in done.stdout
    assert {path.name: path.read_bytes() for path in folders.published.iterdir()} == before
    assert sorted(path.name for path in folders.originals.iterdir()) == ["a.pdf", "b.pdf"]
    assert not list(folders.quarantine.iterdir())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "say which documents"),
        (["--where", "bad"], "nothing is called 'bad'"),
        (["--since", "99"], "this is nambat"),
    ],
)
def test_a_wrong_question_is_one_clear_line(folders: Folders, arguments: list[str], said: str) -> None:
    done = nambat(folders.home, "reprocess", *arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.longest
@pytest.mark.timeout(900)
def test_kills_lose_nothing_and_the_next_run_goes_on(tmp_path: Path) -> None:
    store = published_from(tmp_path / "home", *((f"{number}.pdf", one_of(number)) for number in range(8)))
    folders = store.folders
    texts = {path.name: path.read_bytes() for path in folders.published.glob("*.txt")}
    chance, kills = random.Random(3), 0
    for _ in range(40):
        process = subprocess.Popen(
            command("reprocess", "--where", "pages"),
            env=where(folders.home, **ANEW),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            assert process.wait(chance.uniform(2, 7)) == 0
            break
        except subprocess.TimeoutExpired:
            kills += 1
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            for path in folders.published.glob("*.json"):
                assert publish.is_as_written(path.read_bytes())
    done = nambat(folders.home, "reprocess", "--where", "pages", **ANEW)
    assert (done.returncode, kills > 1) == (0, True)
    assert len(footnotes_elsewhere(store)) == 8
    assert {path.name: path.read_bytes() for path in folders.published.glob("*.txt")} == texts
    assert sorted(path.name for path in folders.originals.iterdir()) == sorted(f"{number}.pdf" for number in range(8))
    assert not list(folders.quarantine.iterdir())
    assert "0 documents" in nambat(folders.home, "reprocess", "--where", "pages", "--dry-run", **ANEW).stdout


@needs_proc
@pytest.mark.longest
@pytest.mark.timeout(600)
def test_the_service_reads_again_and_people_do_not_wait(tmp_path: Path) -> None:
    store = published_from(tmp_path / "home", *((f"{number}.pdf", one_of(number)) for number in range(12)))
    folders = store.folders
    service = Service(folders.home, tmp_path / "log", {"NAMBAT_SETTLE": "1", "NAMBAT_RESCAN": "1", **ANEW})
    with service.running():
        asked = nambat(folders.home, "reprocess", "--where", "pages", **ANEW)
        assert (asked.returncode, asked.stderr) == (0, "")
        assert "The service reads them again as batch" in asked.stdout
        again = nambat(folders.home, "reprocess", "--where", "pages", **ANEW)
        assert (again.returncode, "reads some again just now" in again.stderr) == (1, True)
        (folders.inbox / "của dân.pdf").write_bytes(one_of(50))
        wait_until(lambda: len(footnotes_elsewhere(store)) >= 13 and not all_open(folders), 300, service.said)
        logged = (folders.logs / "nambat.log").read_text("utf-8")
        last = max(logged.index(f": published: {number}.pdf") for number in range(12))
        assert logged.index("published: của dân.pdf") < last
        over = nambat(folders.home, "reprocess", "--where", "pages", **ANEW)
        assert (over.returncode, "0 documents" in over.stdout) == (0, True)
        assert len(list(folders.originals.iterdir())) == 13
