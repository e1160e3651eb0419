"""A part of a batch: what it publishes, where scans go; no kill, no outage and no other worker loses anything."""

from __future__ import annotations

import errno
import json
import os
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from flows import faults
from flows.batch.give_way import Turns
from flows.batch.leases import Leases, open_leases
from flows.batch.plan import Batch, Source, plan, source_of
from flows.batch.storage import Storage, open_home
from flows.batch.under_way import sum_up
from flows.batch.work import is_over, work
from flows.convert import convert, find_inputs, scratch
from flows.convert import plan as plan_convert
from flows.faults import ShareAway, StorageAway
from flows.host import heartbeat
from flows.host.heartbeat import identity
from flows.host.names import new_id, readable
from flows.host.processes import machine
from flows.intake.claims import ClaimStore
from flows.intake.quarantine import quarantined_files
from flows.pipeline import engine
from flows.pipeline.engine import Event, PageDone
from flows.settings import Settings, load
from tests.bucket import make_bucket, running_bucket
from tests.intake import OTHER, take_one
from tests.scans import write_scan


class PoolHere:
    """Runs calls in this process: a thousand parts would else start a thousand workers."""

    def __init__(self, *_: object, **__: object) -> None:
        pass

    def __enter__(self) -> PoolHere:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def start(self, count: int) -> None:
        pass

    def stop(self) -> None:
        pass

    def call(self, function: Callable[..., Any], *arguments: Any, seconds: float | None = None) -> Any:
        return function(*arguments)


@pytest.fixture(scope="module")
def bucket_server() -> Iterator[str]:
    with running_bucket() as address:
        yield address


@pytest.fixture(params=["folder", pytest.param("bucket", marks=pytest.mark.longest)])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """Of a home whose storage is its folders, or a bucket of its own."""
    bucket = ""
    if request.param == "bucket":
        request.getfixturevalue("bucket_server")
        bucket = f"{make_bucket()}/văn thư"
    made = load(home=tmp_path / "home", bucket=bucket, jobs=2)
    made.folders.make()
    return made


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages are read in this process."""
    monkeypatch.setattr(engine, "WorkerPool", PoolHere)


SCANS = {"a/Báo cáo.pdf": 2, "b.tif": 1, os.fsdecode(b"\xff.pdf"): 1}


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of a few small scans."""
    root = tmp_path_factory.mktemp("scans")
    for number, (name, pages) in enumerate(SCANS.items()):
        made = write_scan(root / f"{number}{Path(name).suffix}", pages)
        (root / name).parent.mkdir(exist_ok=True)
        made.rename(root / name)
    return root


@pytest.fixture(scope="module")
def converted(scans: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What ``nambat convert`` makes of them."""
    out = tmp_path_factory.mktemp("converted")
    settings = load(jobs=2)
    files, _ = find_inputs([scans])
    with scratch(out) as work_folder:
        events = list(convert(plan_convert(files, out, settings.formats), settings, work_folder))
    assert not [event for event in events if isinstance(event, engine.Failed)]
    names = [os.fspath(one.relative_to(out)) for one in out.rglob("*") if one.is_file()]
    return published(lambda name: (out / name).read_bytes(), names)


def published(read: Callable[[str], bytes], names: list[str]) -> dict[str, Any]:
    """All that is published, without what differs from run to run."""
    found: dict[str, Any] = {}
    for name in names:
        raw = read(name)
        found[name] = raw
        if name.endswith(".json"):
            data = json.loads(raw)
            for page in data["pages"]:
                page.pop("seconds")
            for mark in ("made_with", "path_mark"):
                data["source"].pop(mark, None)
            found[name] = {key: value for key, value in data.items() if key not in ("timings", "this_file")}
    return found


def in_storage(storage: Storage) -> dict[str, Any]:
    names = [one.name.removeprefix("published/") for one in storage.list("published/")]
    return published(lambda name: storage.read(f"published/{name}")[0], names)


def fill(storage: Storage, scans: Path, folder: str = "inbox") -> None:
    for name in SCANS:
        storage.put(f"{folder}/{name}", (scans / name).read_bytes())


def names(storage: Storage, folder: str) -> list[str]:
    return sorted(one.name.removeprefix(f"{folder}/") for one in storage.list(f"{folder}/"))


INBOX = Source("", "inbox/", keeps=False)


def planned(settings: Settings, source: Source = INBOX) -> Batch:
    return plan(source, settings, new_id())


def test_an_inbox_is_published_as_convert_would(settings: Settings, scans: Path, converted: dict[str, Any]) -> None:
    home = open_home(settings)
    fill(home, scans)
    batch = planned(settings)
    events: list[Event[Any]] = []
    result = work(batch, 1, settings, tell=events.append)
    assert (result.counts, result.left, result.pages) == ({"published": 3}, 0, 4)
    assert in_storage(home) == converted
    assert names(home, "originals") == sorted(SCANS)
    assert all(home.read(f"originals/{name}")[0] == (scans / name).read_bytes() for name in SCANS)
    assert names(home, "inbox") == names(home, "versions") == names(home, "quarantine") == []
    assert list(open_leases(home)) == []
    assert is_over(home, batch.id, 1)
    assert list((settings.folders.working / ".progress").iterdir()) == []
    assert sum(isinstance(event, PageDone) for event in events) == 4
    # Once more: nothing is there to be read, and what is known of the part stays.
    assert work(batch, 1, settings).counts == {"published": 3}


def test_a_collection_stays_where_it_is_and_is_read_once(
    settings: Settings, scans: Path, converted: dict[str, Any]
) -> None:
    settings = settings.model_copy(update={"read_roots": (scans,)})
    home = open_home(settings)
    source = source_of(str(scans), settings)
    result = work(planned(settings, source), 1, settings)
    assert result.counts == {"published": 3}
    below = {name.removeprefix(f"{scans.name}/"): data for name, data in in_storage(home).items()}
    assert below == converted
    assert names(home, "originals") == []
    events: list[Event[Any]] = []
    again = work(planned(settings, source), 1, settings, tell=events.append)
    assert again.counts == {"there": 3}
    assert not any(isinstance(event, PageDone) for event in events)
    assert names(home, "versions") == []


class Died(BaseException):
    """The process was killed."""


class CutShort:
    """A storage in front of which a process dies: from one call on, it makes no more.

    Args:
        when: told each call and name; true when it is to be the last.
        after: whether that call is still made.
        fault: raised instead once, and the process lives on.
    """

    def __init__(
        self, storage: Storage, when: Callable[[str, str], bool], *, after: bool = False, fault: Exception | None = None
    ) -> None:
        self.storage, self.when, self.after, self.fault = storage, when, after, fault
        self.is_dead = False
        self.lock = threading.Lock()

    def __getattr__(self, call: str) -> Callable[..., Any]:
        made = getattr(self.storage, call)

        def cut(*arguments: Any) -> Any:
            with self.lock:
                dies = not self.is_dead and self.when(call, str(arguments[0]) if arguments else "")
                self.is_dead = self.is_dead or dies
                if self.is_dead and not (dies and self.after):
                    raise self.fault or Died
            answer = made(*arguments)
            if dies:
                raise self.fault or Died
            return answer

        return cut


def dies(batch: Batch, settings: Settings, storage: Any) -> bool:
    """Work on a part in what is another process, which is dead afterwards; whether it died of the storage."""
    gone = f"{machine()}:{2**22 + 1}:{secrets.randbits(32)}"
    with mock.patch.object(heartbeat, "identity", lambda pid=None: gone):
        try:
            work(batch, 1, settings, home=storage, scans=storage)
            return False
        except Died:
            return True


def at_call(number: int) -> Callable[[str, str], bool]:
    left = [number]

    def count(call: str, name: str) -> bool:
        left[0] -= 1
        return left[0] == 0

    return count


def nth(wanted: str, number: int) -> Callable[[str, str], bool]:
    """Whether it is the call of a kind that has this number, counted from 1."""
    left = [number]

    def count(call: str, name: str) -> bool:
        left[0] -= call == wanted
        return call == wanted and left[0] == 0

    return count


@pytest.mark.parametrize("after", [False, pytest.param(True, marks=pytest.mark.slow)])
@pytest.mark.parametrize("every", [12, pytest.param(1, marks=[pytest.mark.longest, pytest.mark.timeout(1800)])])
def test_killed_between_any_two_calls_nothing_is_lost_and_nothing_doubled(
    settings: Settings, here: None, tmp_path: Path, after: bool, every: int
) -> None:
    scan = write_scan(tmp_path / "scans" / "a" / "Báo cáo.pdf")
    broken = b"%PDF-1.4 not at all"
    ends: dict[str, Any] | None = None
    records = tmp_path / "records"
    for number in range(1, 200, every):
        one = _of_its_own(settings, tmp_path / f"home{number}")
        home = open_home(one)
        home.put("inbox/a/Báo cáo.pdf", scan.read_bytes())
        home.put("inbox/hỏng.pdf", broken)
        if records.exists():
            shutil.copytree(records, one.folders.working / ".progress")
        batch = planned(one)
        dying = CutShort(home, at_call(number), after=after)
        died = dies(batch, one, dying)
        if not records.exists() and (one.folders.working / ".progress").exists():
            shutil.copytree(one.folders.working / ".progress", records)
        result = work(batch, 1, one)
        assert result.left == 0
        ended = {done.name: done.end for done in result.documents}
        assert ended.pop("a/Báo cáo.pdf") in ("published", "there")
        assert ended == {"hỏng.pdf": "quarantined"}
        assert names(home, "originals") == ["a/Báo cáo.pdf"]
        assert home.read("originals/a/Báo cáo.pdf")[0] == scan.read_bytes()
        assert names(home, "quarantine") == ["hỏng.pdf", "hỏng.pdf.reason.txt"]
        assert home.read("quarantine/hỏng.pdf")[0] == broken
        assert names(home, "inbox") == names(home, "versions") == []
        assert list(open_leases(home)) == []
        now = in_storage(home)
        assert sorted(now) == ["a/Báo cáo.json", "a/Báo cáo.txt"]
        assert ends in (None, now)
        ends = now
        if not died:
            break
    assert not died, "there are more calls than were tried"


def test_what_was_put_away_before_a_kill_is_told_as_what_it_came_to(
    settings: Settings, scans: Path, here: None, tmp_path: Path
) -> None:
    """Nothing but the journal tells of it: the scan does not lie where it lay, and the lease is gone."""
    for name, data in (("b.tif", (scans / "b.tif").read_bytes()), ("hỏng.pdf", b"no scan")):
        one = _of_its_own(settings, tmp_path / name)
        home = open_home(one)
        home.put(f"inbox/{name}", data)
        batch = planned(one)

        def is_lease_gone(call: str, about: str) -> bool:
            return call == "delete" and about.startswith("claims/")

        assert dies(batch, one, CutShort(home, is_lease_gone, after=True))
        events: list[Event[Any]] = []
        (done,) = work(batch, 1, one, tell=events.append).documents
        assert [type(event) for event in events] == [engine.Passed]
        assert (done.end, done.pages) == (("published", 1) if name == "b.tif" else ("quarantined", 0))
        assert bool(done.reason) is (name != "b.tif")


def test_what_was_told_of_before_a_kill_is_not_told_of_again(settings: Settings, scans: Path, here: None) -> None:
    home = open_home(settings)
    fill(home, scans)
    batch = planned(settings)
    told: list[str] = []

    def note(event: str, sentence: str, **about: object) -> None:
        told.append(str(about["file"]) if event == "published" else "")

    with mock.patch("flows.batch.work.note", note):
        assert dies(batch, settings, CutShort(home, lambda call, about: bool(told)))
        assert work(batch, 1, settings).counts == {"published": 3}
    assert sorted(filter(None, told)) == sorted(map(readable, SCANS))


def test_what_somebody_took_away_is_gone_whatever_was_to_become_of_it(
    settings: Settings, here: None, tmp_path: Path
) -> None:
    home = open_home(settings)
    home.put("inbox/hỏng.pdf", b"no scan")
    batch = planned(settings)
    assert dies(batch, settings, CutShort(home, lambda call, name: call == "copy"))
    home.delete("inbox/hỏng.pdf")
    assert work(batch, 1, settings).counts == {"gone": 1}


def _of_its_own(settings: Settings, home: Path) -> Settings:
    bucket = f"{make_bucket()}/x" if settings.bucket else ""
    made = settings.model_copy(update={"home": home, "bucket": bucket})
    made.folders.make()
    return made


def test_a_storage_that_goes_away_ends_the_part_and_the_next_try_ends_the_rest(
    settings: Settings, scans: Path, here: None
) -> None:
    home = open_home(settings)
    fill(home, scans)
    batch = planned(settings)
    away = faults.STORAGE_AWAY.fault(where="it")
    calls = []
    for number in (3, 9, 15, 21):
        cut = CutShort(home, at_call(number), fault=away)
        result = work(batch, 1, settings, home=cut, scans=cut)
        calls.append(result.trouble)
        assert result.left > 0
    assert all(isinstance(trouble, StorageAway) for trouble in calls)
    result = work(batch, 1, settings)
    assert result.left == 0
    assert set(result.counts) <= {"published", "there"}  # what was done before the storage went away
    assert len(in_storage(home)) == 2 * len(SCANS)
    assert names(home, "originals") == sorted(SCANS)
    assert names(home, "inbox") == names(home, "versions") == []
    assert list(open_leases(home)) == []


def test_a_share_that_is_not_mounted_has_lost_no_scan(
    tmp_path: Path, scans: Path, here: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "share"
    shutil.copytree(scans, root)
    settings = load(home=tmp_path / "home", read_roots=str(root))
    settings.folders.make()
    batch = planned(settings, source_of(str(root), settings))
    root.rename(tmp_path / "away")
    root.mkdir()
    with monkeypatch.context() as patch:
        patch.setattr("flows.batch.plan.is_away", lambda mount: True)
        result = work(batch, 1, settings)
    assert isinstance(result.trouble, ShareAway)
    assert result.left == 3
    root.rmdir()
    (tmp_path / "away").rename(root)
    assert work(batch, 1, settings).counts == {"published": 3}


def test_what_another_works_on_is_left_to_him(settings: Settings, scans: Path, here: None) -> None:
    home = open_home(settings)
    fill(home, scans)
    stored = home.look("inbox/b.tif")
    assert stored is not None
    other = Leases(home, settings, OTHER)
    lease = other.take("", "inbox/b.tif", stored.tag)
    assert lease is not None
    batch = planned(settings)
    assert work(batch, 1, settings).counts == {"published": 2, "held": 1}
    assert names(home, "inbox") == ["b.tif"]
    other.release(lease)
    assert work(batch, 1, settings).counts == {"published": 3}


def test_who_loses_his_lease_publishes_nothing(settings: Settings, scans: Path, here: None) -> None:
    home = open_home(settings)
    home.put("inbox/b.tif", (scans / "b.tif").read_bytes())
    batch = planned(settings)

    def take_over(event: Event[Any]) -> None:
        if isinstance(event, PageDone):
            (lease,) = open_leases(home)
            home.put(lease.place, replace(lease, owner=OTHER).as_bytes())

    result = work(batch, 1, settings, tell=take_over)
    assert result.counts == {"held": 1}
    assert in_storage(home) == {}
    assert names(home, "inbox") == ["b.tif"]


def test_a_trouble_that_may_pass_puts_off_and_in_the_end_gives_up(
    settings: Settings, scans: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Starved(PoolHere):
        def call(self, function: Callable[..., Any], *arguments: Any, seconds: float | None = None) -> Any:
            if function.__name__ == "read_page_to_disk":
                raise faults.READER_KILLED.fault()
            return function(*arguments)

    monkeypatch.setattr(engine, "WorkerPool", Starved)
    settings = settings.model_copy(update={"retries": 2})
    home = open_home(settings)
    home.put("inbox/b.tif", (scans / "b.tif").read_bytes())
    batch = planned(settings)
    results = [work(batch, 1, settings) for _ in range(3)]
    assert [result.counts for result in results] == [{"put off": 1}, {"put off": 1}, {"quarantined": 1}]
    assert [result.left for result in results] == [1, 1, 0]
    assert "killed" not in home.read("quarantine/b.tif.reason.txt")[0].decode().splitlines()[0]
    assert names(home, "quarantine") == ["b.tif", "b.tif.reason.txt"]


class Deadly(PoolHere):
    """A pool with which its process dies as soon as one of some pages is read.

    Attributes:
        pages: sizes of scans, in bytes, and whether a page of theirs kills; a kill from outside hits at any.
        storage: cut short then.
        reads: sizes of the scans whose pages were read, in that order.
    """

    kills: Callable[[int], bool]
    storage: CutShort
    reads: list[int]

    def call(self, function: Callable[..., Any], *arguments: Any, seconds: float | None = None) -> Any:
        if function.__name__ == "read_page_to_disk" and not self.storage.is_dead:
            size = Path(arguments[0]).stat().st_size
            self.reads.append(size)
            if type(self).kills(size):
                self.storage.is_dead = True
                raise Died
        return function(*arguments)


def until_done(batch: Batch, settings: Settings, monkeypatch: pytest.MonkeyPatch, kills: Callable[[int], bool]) -> int:
    """Work on a part until it is over, with a process that dies now and then; how many times it did."""
    monkeypatch.setattr(engine, "WorkerPool", Deadly)
    monkeypatch.setattr(Deadly, "kills", staticmethod(kills), raising=False)
    monkeypatch.setattr(Deadly, "reads", [], raising=False)
    home = open_home(settings)
    for deaths in range(20):
        monkeypatch.setattr(Deadly, "storage", CutShort(home, lambda call, name: False), raising=False)
        if not dies(batch, settings, Deadly.storage):
            return deaths
        shutil.rmtree(settings.folders.working / ".progress", ignore_errors=True)
    raise AssertionError("it never ends")


def test_what_is_only_fetched_stops_nobody(settings: Settings, scans: Path, here: None) -> None:
    home = open_home(settings)
    home.put("inbox/b.tif", (scans / "b.tif").read_bytes())
    batch = planned(settings)
    for _ in range(settings.attempts + 1):
        assert dies(batch, settings, CutShort(home, nth("fetch", 1), after=True))
    assert work(batch, 1, settings).counts == {"published": 1}


@pytest.mark.parametrize("among", [0, 5])
def test_what_stops_its_reader_again_and_again_is_given_up_and_nothing_else(
    settings: Settings, scans: Path, monkeypatch: pytest.MonkeyPatch, among: int
) -> None:
    home, scan = open_home(settings), (scans / "b.tif").read_bytes()
    home.put("inbox/b.tif", scan)
    for number in range(among):
        home.put(f"inbox/{'ac'[number % 2]}{number}.tif", scan + bytes(number + 1))
    batch = planned(settings)
    assert until_done(batch, settings, monkeypatch, lambda size: size == len(scan)) == settings.attempts
    assert names(home, "quarantine") == ["b.tif", "b.tif.reason.txt"]
    assert "3" in home.read("quarantine/b.tif.reason.txt")[0].decode().splitlines()[1]
    assert len(names(home, "originals")) == among
    assert names(home, "inbox") == []
    assert list(open_leases(home)) == []


def test_kills_that_hit_whatever_is_read_at_first_condemn_nothing(
    settings: Settings, scans: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A scan that was read when its process was killed is read by itself, and after all others."""
    home, scan = open_home(settings), (scans / "b.tif").read_bytes()
    for number in range(4):
        home.put(f"inbox/{number}.tif", scan + bytes(number))
    batch = planned(settings)
    times = [0]

    def three_times(size: int) -> bool:
        times[0] += 1
        return times[0] in (1, 2, 4)

    assert until_done(batch, settings, monkeypatch, three_times) == 3
    assert names(home, "quarantine") == []
    assert len(names(home, "originals")) == 4


def test_in_a_collection_a_note_tells_and_goes_once_the_scan_is_mended(
    settings: Settings, tmp_path: Path, here: None
) -> None:
    root = tmp_path / "kho"
    root.mkdir()
    (root / "hỏng.pdf").write_bytes(b"no scan")
    settings = settings.model_copy(update={"read_roots": (root,)})
    home, source = open_home(settings), source_of(str(root), settings)
    assert work(planned(settings, source), 1, settings).counts == {"quarantined": 1}
    assert names(home, "quarantine") == ["kho/hỏng.pdf.reason.txt"]
    assert (root / "hỏng.pdf").exists()
    write_scan(root / "hỏng.pdf")
    assert work(planned(settings, source), 1, settings).counts == {"published": 1}
    assert names(home, "quarantine") == []


def test_what_people_changed_is_kept(settings: Settings, scans: Path, here: None) -> None:
    home = open_home(settings)
    home.put("inbox/b.tif", (scans / "b.tif").read_bytes())
    assert work(planned(settings), 1, settings).counts == {"published": 1}
    home.put("published/b.tif.txt", "sửa bằng tay".encode())
    # The same scan once more is published already, and stays as people have it.
    home.put("inbox/b.tif", (scans / "b.tif").read_bytes())
    assert work(planned(settings), 1, settings).counts == {"there": 1}
    assert home.read("published/b.tif.txt")[0] == "sửa bằng tay".encode()
    # The same scan read in another way replaces it, and their text is kept.
    other = settings.model_copy(update={"repair": "off"})
    home.put("inbox/b.tif", (scans / "b.tif").read_bytes())
    assert work(planned(other), 1, other).counts == {"published": 1}
    (kept,) = [name for name in names(home, "versions") if name.endswith(".txt")]
    assert home.read(f"versions/{kept}")[0] == "sửa bằng tay".encode()
    assert names(home, "originals") == ["b.tif"]


def test_somebody_who_changes_it_at_that_moment_is_not_overwritten(
    bucket_server: str, tmp_path: Path, scans: Path, here: None
) -> None:
    settings = load(home=tmp_path / "home", bucket=make_bucket(), jobs=1)
    settings.folders.make()
    home = open_home(settings)
    home.put("inbox/b.tif", (scans / "b.tif").read_bytes())
    real, changed = home.desk, []

    def desk(name: str, work_folder: Path) -> Any:
        opened = real(name, work_folder)
        if not changed:
            enter = opened.__enter__

            def late() -> Any:
                found = enter()
                home.put("published/b.tif.txt", b"theirs")
                changed.append(name)
                return found

            class Opened:
                def __enter__(self) -> Any:
                    return late()

                def __exit__(self, *told: Any) -> Any:
                    return opened.__exit__(*told)

            return Opened()
        return opened

    home.desk = desk  # type: ignore[method-assign]
    assert work(planned(settings), 1, settings, home=home, scans=home).counts == {"published": 1}
    kept = [home.read(f"versions/{name}")[0] for name in names(home, "versions")]
    assert kept == [b"theirs"]


def test_a_scan_that_changes_while_it_is_read_is_left_for_another_try(
    settings: Settings, scans: Path, here: None
) -> None:
    home = open_home(settings)
    home.put("inbox/b.tif", (scans / "b.tif").read_bytes())
    batch = planned(settings)

    def change(event: Event[Any]) -> None:
        if isinstance(event, PageDone):
            home.put("inbox/b.tif", (scans / "b.tif").read_bytes() + b"\0")

    assert work(batch, 1, settings, tell=change).counts == {"held": 1}
    assert in_storage(home) == {}
    assert work(batch, 1, settings).counts == {"published": 1}


def test_another_scan_of_a_name_stays_beside_the_older(settings: Settings, scans: Path, here: None) -> None:
    home = open_home(settings)
    for number in range(2):
        home.put("inbox/b.tif", (scans / "b.tif").read_bytes() + bytes(number))
        assert work(planned(settings), 1, settings).counts == {"published": 1}
    assert names(home, "originals") == ["b (2).tif", "b.tif"]


def test_the_lease_of_a_scan_that_a_dead_one_put_away_goes(settings: Settings, scans: Path, here: None) -> None:
    home = open_home(settings)
    home.put("inbox/b.tif", (scans / "b.tif").read_bytes())
    deleted = CutShort(home, lambda call, name: (call, name) == ("delete", "inbox/b.tif"), after=True)
    assert dies(planned(settings), settings, deleted)
    assert len(list(open_leases(home))) == 1
    home.put("inbox/c.tif", (scans / "b.tif").read_bytes())
    work(planned(settings), 1, settings)  # another batch, whose plan does not know of it
    assert list(open_leases(home)) == []


def test_each_scan_in_quarantine_has_its_own_note(settings: Settings, here: None) -> None:
    home = open_home(settings)
    for number in range(2):
        home.put("inbox/b.tif", b"no scan %d" % number)
        assert work(planned(settings), 1, settings).counts == {"quarantined": 1}
    assert names(home, "quarantine") == ["b (2).tif", "b (2).tif.reason.txt", "b.tif", "b.tif.reason.txt"]


def test_while_the_inbox_is_busy_one_page_is_read_at_a_time(store: ClaimStore) -> None:
    def most_at_once() -> int:
        turns, now, most, lock = Turns(store), [0], [0], threading.Lock()

        def run() -> None:
            with turns.turn():
                with lock:
                    now[0] += 1
                    most[0] = max(most[0], now[0])
                time.sleep(0.1)
                with lock:
                    now[0] -= 1

        threads = [threading.Thread(target=run) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return most[0]

    store = ClaimStore(store.settings.model_copy(update={"jobs": 3}))
    assert most_at_once() == 3
    claim = take_one(store, identity(), running=True)
    assert most_at_once() == 1
    store.put_off(claim, faults.NO_MEMORY.fault(), time.time() + 1000)
    assert most_at_once() == 3


def test_notes_about_scans_that_stay_elsewhere_are_no_scans(tmp_path: Path, here: None) -> None:
    root = tmp_path / "kho"
    root.mkdir()
    (root / "hỏng.pdf").write_bytes(b"no scan")
    settings = load(home=tmp_path / "home", read_roots=str(root))
    settings.folders.make()
    work(planned(settings, source_of(str(root), settings)), 1, settings)
    assert (settings.folders.quarantine / "kho/hỏng.pdf.reason.txt").exists()
    assert quarantined_files(ClaimStore(settings)) == []


def test_names_as_long_as_a_name_may_be_stop_no_part(settings: Settings, scans: Path, here: None) -> None:
    home = open_home(settings)
    good, bad = f"{'ơ' * 125}x.pdf", f"{'h' * 251}.pdf"
    assert [len(name.encode()) for name in (good, bad)] == [255, 255]
    home.put(f"inbox/{good}", (scans / "a/Báo cáo.pdf").read_bytes())
    home.put(f"inbox/{bad}", b"no scan")
    home.put("inbox/z.tif", (scans / "b.tif").read_bytes())
    result = work(planned(settings), 1, settings)
    assert (result.counts, result.left) == ({"published": 2, "quarantined": 1}, 0)
    assert names(home, "originals") == sorted(["z.tif", good])
    in_quarantine = names(home, "quarantine")
    assert bad in in_quarantine
    (note,) = (name for name in in_quarantine if name != bad)
    assert note.startswith("h" * 200)
    assert len(note.encode()) <= 255


def test_the_note_about_a_long_name_goes_with_its_cause(settings: Settings, tmp_path: Path, here: None) -> None:
    root = tmp_path / "kho"
    root.mkdir()
    scan = root / f"{'h' * 251}.pdf"
    scan.write_bytes(b"no scan")
    settings = settings.model_copy(update={"read_roots": (root,)})
    home, source = open_home(settings), source_of(str(root), settings)
    assert work(planned(settings, source), 1, settings).counts == {"quarantined": 1}
    assert len(names(home, "quarantine")) == 1
    write_scan(scan)
    assert work(planned(settings, source), 1, settings).counts == {"published": 1}
    assert names(home, "quarantine") == []


def test_what_cannot_be_put_away_keeps_nothing_else_from_being_read(
    settings: Settings, scans: Path, here: None
) -> None:
    home = open_home(settings)
    fill(home, scans)
    home.put("inbox/0.pdf", b"no scan")
    too_long = OSError(errno.ENAMETOOLONG, "File name too long", "0.pdf")
    cut = FailingPut(home, "quarantine/0.pdf", too_long)
    result = work(planned(settings), 1, settings, home=cut, scans=home)
    assert result.counts == {"put off": 1, "published": 3}
    assert result.trouble is None
    assert names(home, "inbox") == ["0.pdf"]
    (reason,) = {one.reason for one in result.documents if one.end == "put off"}
    assert "too long" in reason


class FailingPut:
    """A storage into which what begins with a name cannot be put."""

    def __init__(self, storage: Storage, name: str, fault: Exception) -> None:
        self.storage, self.name, self.fault = storage, name, fault

    def __getattr__(self, call: str) -> Any:
        return getattr(self.storage, call)

    def put(self, name: str, data: bytes) -> str:
        if name.startswith(self.name):
            raise self.fault
        return self.storage.put(name, data)


def _shut(look: Callable[..., Any], shut: str, fault: Exception) -> Callable[..., Any]:
    def looked(storage: Storage, name: str) -> Any:
        if name == shut:
            raise fault
        return look(storage, name)

    return looked


def test_a_scan_that_nobody_may_look_at_keeps_nothing_else_from_being_read(
    settings: Settings, scans: Path, here: None
) -> None:
    home = open_home(settings)
    fill(home, scans)
    batch = planned(settings)
    shut = OSError(errno.EACCES, "Permission denied", "b.tif")
    with mock.patch.object(type(home), "look", _shut(type(home).look, "inbox/b.tif", shut)):
        result = work(batch, 1, settings)
    assert (result.counts, result.left, result.trouble) == ({"put off": 1, "published": 2}, 1, None)
    assert work(batch, 1, settings).counts == {"published": 3}


def test_two_runs_of_a_part_leave_what_both_have_come_to(settings: Settings, scans: Path, here: None) -> None:
    home = open_home(settings)
    fill(home, scans)
    batch = planned(settings)
    stored = home.look("inbox/b.tif")
    assert stored is not None
    other = Leases(home, settings, OTHER)
    lease = other.take("", "inbox/b.tif", stored.tag)
    assert lease is not None
    second: list[int] = []

    def tell(event: Event[Any]) -> None:
        if isinstance(event, engine.Passed) and not second:
            second.append(1)
            other.release(lease)
            second.append(work(batch, 1, settings).left)

    work(batch, 1, settings, tell=tell)
    assert names(home, "inbox") == []
    assert is_over(home, batch.id, 1)
    assert set(sum_up(home, batch).counts) <= {"published", "there"}


@pytest.mark.slow
def test_a_scan_that_a_bucket_has_archived_keeps_nothing_else_from_being_read(
    bucket_server: str, scans: Path, here: None, tmp_path: Path
) -> None:
    import s3fs

    address = make_bucket()
    settings = load(home=tmp_path / "home", bucket=address, jobs=2)
    settings.folders.make()
    fill(open_home(settings), scans)
    s3fs.S3FileSystem(skip_instance_cache=True).call_s3(
        "put_object", Bucket=address.removeprefix("s3://"), Key="inbox/0.pdf", Body=b"x", StorageClass="GLACIER"
    )
    result = work(planned(settings), 1, settings)
    assert result.counts["published"] == 3
    assert result.trouble is None
    assert names(open_home(settings), "inbox") == ["0.pdf"]
