"""Which parts of a batch have runs: a few at a time, in order, and again where one ended without having done all."""

from __future__ import annotations

import json
import os
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from flows.batch import under_way
from flows.batch.plan import Batch, Source, part_name
from flows.batch.storage import open_home
from flows.batch.under_way import (
    Starter,
    all_open,
    all_with_given_up,
    find_open,
    keep_going,
    open_batch,
    sum_up_in_turn,
    summary_of,
    try_again,
)
from flows.batch.work import Done, PartDone
from flows.service.batch_reports import part_report
from flows.settings import Settings, load
from tests.intake import dead_owner


@dataclass
class Server:
    """Stands for the Prefect server: runs end as the test says."""

    started: list[tuple[str, int, int]] = field(default_factory=list)
    ends: dict[str, str] = field(default_factory=dict)
    away: bool = False
    lost: list[str] = field(default_factory=list)

    @property
    def starter(self) -> Starter:
        return Starter(self._start, self._ended, self.lost.extend)

    def _ended(self, ids: list[str]) -> dict[str, str]:
        return {one: self.ends[one] for one in ids if one in self.ends}

    def _start(self, batch: str, part: int, tries: int) -> str:
        if self.away:
            raise ConnectionError("refused")
        self.started.append((batch, part, tries))
        return f"{part}:{tries}"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = load(home=tmp_path / "home", retries=2, retry_delay=60)
    made.folders.make()
    return made


FIRST, SECOND = "20260101-000000-00000000", "20260102-000000-00000000"


def opened(settings: Settings, batch_id: str = FIRST, parts: int = 4) -> None:
    open_batch(settings, Batch(batch_id, Source("", "archive/", keeps=True), "", 0.0, parts, parts))


def done(settings: Settings, part: int, left: int = 0, batch_id: str = FIRST) -> None:
    """A part's run wrote down what it came to."""
    told = {"left": left, "trouble": None, "documents": []}
    open_home(settings).put(part_name(batch_id, part, ".result.json"), json.dumps(told).encode())


def test_parts_get_runs_in_order_and_a_few_at_a_time(settings: Settings) -> None:
    server = Server()
    opened(settings)
    opened(settings)  # once is enough
    opened(settings, SECOND, parts=1)
    for _ in range(3):
        assert keep_going(settings, server.starter, ahead=2) == []
    assert server.started == [(FIRST, 1, 0), (FIRST, 2, 0)]
    done(settings, 1)
    server.ends["1:0"] = "completed"
    keep_going(settings, server.starter, ahead=2)
    assert server.started[2:] == [(FIRST, 3, 0)]
    for part in (2, 3, 4):
        done(settings, part)
        server.ends[f"{part}:0"] = "completed"
        keep_going(settings, server.starter, ahead=2)
    assert server.started[3:] == [(FIRST, 4, 0), (SECOND, 1, 0)]
    assert [one.id for one in all_open(settings.folders)] == [SECOND]
    found = find_open(settings.folders, FIRST)
    assert found is not None and found.is_done and found.parts_over == 4


def test_what_is_left_is_tried_again_later_and_in_the_end_given_up(settings: Settings) -> None:
    server = Server()
    opened(settings, parts=1)
    now = 1000.0
    keep_going(settings, server.starter, now=now)
    for tries, pause in enumerate((60, 120)):
        server.ends[f"1:{tries}"] = "crashed" if tries else "failed"
        keep_going(settings, server.starter, now=now)
        keep_going(settings, server.starter, now=now + pause - 1)
        assert len(server.started) == tries + 1
        now += pause
        keep_going(settings, server.starter, now=now)
        assert server.started[-1] == (FIRST, 1, tries + 1)
    server.ends["1:2"] = "failed"
    keep_going(settings, server.starter, now=now)
    found = find_open(settings.folders, FIRST)
    assert found is not None and found.is_done
    assert found.part_runs[1].given_up == under_way.ALL_TRIED
    assert all_open(settings.folders) == []


def given_up(settings: Settings, server: Server, parts: int = 2) -> None:
    """All parts of a batch but the last are given up."""
    opened(settings, parts=parts)
    done(settings, parts)
    now = 0.0
    while all_open(settings.folders):
        keep_going(settings, server.starter, ahead=parts, now=now)
        server.ends |= {f"{part}:{tries}": "failed" for _batch, part, tries in server.started}
        now += 100_000


def test_what_was_given_up_is_told_once(settings: Settings) -> None:
    server = Server()
    opened(settings, parts=2)
    done(settings, 2)
    told = []
    for now in range(10):
        told += keep_going(settings, server.starter, now=now * 100_000.0)
        server.ends |= {f"{part}:{tries}": "failed" for _batch, part, tries in server.started}
    (line,) = told
    assert line == f"part 1 of archive was tried 3 times and is given up; once more with: nambat batch --again {FIRST}"


def test_what_was_given_up_is_tried_again_if_a_person_wants_it(settings: Settings) -> None:
    server, folders = Server(), settings.folders
    given_up(settings, server, parts=3)
    assert [(one.id, one.given_up) for one in all_with_given_up(folders)] == [(FIRST, [1, 2])]
    assert try_again(folders, SECOND) == 0
    assert try_again(folders, FIRST) == 2
    assert (try_again(folders, FIRST), all_with_given_up(folders)) == (0, [])
    keep_going(settings, server.starter, now=0)
    # A key that was used before would give the run that failed.
    assert server.started[-2:] == [(FIRST, 1, 3), (FIRST, 2, 3)]
    assert len(set(server.started)) == len(server.started)
    done(settings, 1)
    server.ends |= {"1:3": "completed", "2:3": "failed"}
    keep_going(settings, server.starter, now=0)
    found = find_open(folders, FIRST)
    assert found is not None and not found.is_done
    # The other has as many tries as at first.
    given_up_again = 0
    for now in range(1, 10):
        keep_going(settings, server.starter, now=now * 100_000.0)
        server.ends |= {f"2:{tries}": "failed" for _batch, part, tries in server.started if part == 2}
        given_up_again += bool(all_with_given_up(folders))
    assert [tries for _batch, part, tries in server.started if part == 2] == [0, 1, 2, 3, 4, 5]
    assert given_up_again
    assert try_again(folders, FIRST) == 1


def test_a_run_that_a_person_starts_once_more_counts_as_the_parts(settings: Settings) -> None:
    server, folders = Server(), settings.folders
    given_up(settings, server)
    del server.ends["1:2"]
    with under_way.at_work(folders, FIRST, 1):
        under_way.taken_up(folders, FIRST, 1, "1:2")
        for now in (0, 1_000_000):
            keep_going(settings, server.starter, now=now)
        assert [one.id for one in all_open(folders)] == [FIRST]
        done(settings, 1)
    server.ends["1:2"] = "completed"
    keep_going(settings, server.starter, now=0)
    found = find_open(folders, FIRST)
    assert found is not None and found.is_done and found.parts_over == 2
    assert len(server.started) == 4


def test_runs_of_parts_that_were_not_given_up_change_nothing(settings: Settings) -> None:
    server, folders = Server(), settings.folders
    opened(settings)
    keep_going(settings, server.starter)
    before = find_open(folders, FIRST)
    for batch, part in ((FIRST, 1), (FIRST, 4), (FIRST, 5), (SECOND, 1)):
        under_way.taken_up(folders, batch, part, "x")
    assert find_open(folders, FIRST) == before
    assert find_open(folders, SECOND) is None


def test_what_a_person_cancels_is_not_tried_again(settings: Settings) -> None:
    server = Server()
    opened(settings, parts=2)
    keep_going(settings, server.starter)
    server.ends |= {"1:0": "cancelled", "2:0": "completed"}
    done(settings, 2)
    keep_going(settings, server.starter)
    assert server.lost == []
    found = find_open(settings.folders, FIRST)
    assert found is not None and found.is_done
    assert [run.given_up for run in found.part_runs.values()] == [under_way.CANCELLED, ""]


def test_a_run_that_lasts_is_not_stuck_as_long_as_somebody_works_on_it(settings: Settings) -> None:
    server = Server()
    opened(settings, parts=1)
    keep_going(settings, server.starter, now=0)
    server.ends["1:0"] = "stuck"
    with under_way.at_work(settings.folders, FIRST, 1):
        keep_going(settings, server.starter, now=0)
        assert all_open(settings.folders)[0].part_runs[1].flow_run == "1:0"
        assert server.lost == []
    keep_going(settings, server.starter, now=0)
    assert all_open(settings.folders)[0].part_runs[1].flow_run == ""
    assert server.lost == ["1:0"]


def test_a_run_whose_process_was_killed_is_over(settings: Settings) -> None:
    server = Server()
    opened(settings, parts=1)
    keep_going(settings, server.starter, now=0)
    note = settings.folders.working / ".batch" / f"{FIRST}-00001.worker"
    note.write_text(dead_owner())
    keep_going(settings, server.starter, now=0)
    assert all_open(settings.folders)[0].part_runs[1].flow_run == ""
    assert server.lost == ["1:0"]  # or it would be at work for ever, as the server sees it
    keep_going(settings, server.starter, now=100)
    assert server.started == [(FIRST, 1, 0), (FIRST, 1, 1)]
    keep_going(settings, server.starter, now=100)  # that one has not begun, and is not taken for dead
    assert all_open(settings.folders)[0].part_runs[1].flow_run == "1:1"


def test_while_the_server_is_away_batches_wait(settings: Settings) -> None:
    server = Server(away=True)
    opened(settings)
    (trouble,) = keep_going(settings, server.starter)
    assert "refused" in trouble
    server.away = False
    assert keep_going(settings, server.starter) == []
    assert len(server.started) == under_way.AHEAD


def test_a_summary_counts_every_document_once() -> None:
    done = [
        Done("a.pdf", "published", pages=2, to_check=(2,)),
        Done("b.pdf", "there"),
        Done("c.pdf", "quarantined", reason="no scan"),
        Done("d.pdf", "put off", reason="no memory"),
    ]
    found = summary_of(done, 6)
    assert found.counts == {"published": 1, "there": 1, "quarantined": 1, "put off": 1, "waiting": 2}
    assert sum(found.counts.values()) == found.documents
    assert [one.name for one in found.failed] == ["d.pdf", "c.pdf"]
    assert [one.name for one in found.to_check] == ["a.pdf"]
    assert not found.is_well
    assert summary_of(done[:2], 2).is_well


def test_parts_that_are_worked_on_keep_none_waiting(settings: Settings) -> None:
    """However many workers there are, each finds the next part at once."""
    server = Server()
    opened(settings, parts=9)
    keep_going(settings, server.starter, ahead=2)
    with ExitStack() as stack:
        for part in range(1, 7):
            stack.enter_context(under_way.at_work(settings.folders, FIRST, part))
            keep_going(settings, server.starter, ahead=2)
            assert [begun for _, begun, _ in server.started] == list(range(1, part + 3))


def test_what_was_begun_before_the_server_went_away_is_kept(settings: Settings) -> None:
    server = Server()
    opened(settings, parts=4)

    def start(batch: str, part: int, tries: int) -> str:
        server.away = part == 3
        return server._start(batch, part, tries)

    assert keep_going(settings, Starter(start, lambda ids: {}), ahead=4) != []
    (batch,) = all_open(settings.folders)
    assert {part: run.flow_run for part, run in batch.part_runs.items()} == {1: "1:0", 2: "2:0"}


def test_a_batch_of_many_parts_is_summed_up_now_and_then_and_at_its_end(settings: Settings) -> None:
    home, parts = open_home(settings), under_way.FEW + 1
    batch = Batch(FIRST, Source("", "archive/", keeps=True), "", 0.0, parts, parts)
    open_batch(settings, batch)
    keep_going(settings, Server().starter, ahead=parts - 1)
    first = sum_up_in_turn(settings, home, batch)
    assert first is not None and first.counts == {"waiting": parts}
    mark = settings.folders.working / ".batch" / f"{FIRST}.summed"
    mark.write_text("10")
    assert sum_up_in_turn(settings, home, batch) is None
    long_ago = mark.stat().st_mtime - 10 * under_way.SHARE
    os.utime(mark, (long_ago, long_ago))
    assert sum_up_in_turn(settings, home, batch) is not None
    mark.write_text("10")
    keep_going(settings, Server().starter, ahead=parts)
    assert sum_up_in_turn(settings, home, batch) is not None  # any of those that are left may be the last


def test_a_batch_of_few_parts_is_summed_up_after_each(settings: Settings) -> None:
    batch = Batch(FIRST, Source("", "archive/", keeps=True), "", 0.0, under_way.FEW, 1)
    for _ in range(3):
        assert sum_up_in_turn(settings, open_home(settings), batch) is not None


def test_a_part_that_tells_of_itself_says_what_is_left_failed_or_to_look_at() -> None:
    batch = Batch(FIRST, Source("", "archive/", keeps=True), "", 0.0, 20_000, 1_000_000)
    documents = (
        Done("a.pdf", "published", 3, to_check=(2,)),
        Done("văn bản.pdf", "quarantined", reason="The file is not a PDF.", vietnamese="Tệp không phải PDF."),
    )
    report = part_report(batch, PartDone(FIRST, 7, documents, unseen=4))
    assert f"Batch {FIRST}, part 7" in report
    assert "| 1 | 1 | 4 |" in report
    for told in (r"The file is not a PDF", "văn bản", r"a\.pdf: 2"):
        assert told in report
