"""Which parts of a batch have runs: a few at a time, in order, and again where one ended without having done all."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from flows.batch import under_way
from flows.batch.plan import Batch, Source, part_name
from flows.batch.storage import open_home
from flows.batch.under_way import Starter, all_open, find_open, keep_going, open_batch, summary_of
from flows.batch.work import Done
from flows.settings import Settings, load
from tests.intake import dead_owner


@dataclass
class Server:
    """Stands for the Prefect server: runs end as the test says."""

    started: list[tuple[str, int, int]] = field(default_factory=list)
    ends: dict[str, str] = field(default_factory=dict)
    away: bool = False

    @property
    def starter(self) -> Starter:
        return Starter(self._start, lambda ids: {one: self.ends[one] for one in ids if one in self.ends})

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


def test_what_a_person_cancels_is_not_tried_again(settings: Settings) -> None:
    server = Server()
    opened(settings, parts=2)
    keep_going(settings, server.starter)
    server.ends |= {"1:0": "cancelled", "2:0": "completed"}
    done(settings, 2)
    keep_going(settings, server.starter)
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
    keep_going(settings, server.starter, now=0)
    assert all_open(settings.folders)[0].part_runs[1].flow_run == ""


def test_a_run_whose_process_was_killed_is_over(settings: Settings) -> None:
    server = Server()
    opened(settings, parts=1)
    keep_going(settings, server.starter, now=0)
    note = settings.folders.working / ".batch" / f"{FIRST}-00001.worker"
    note.write_text(dead_owner())
    keep_going(settings, server.starter, now=0)
    assert all_open(settings.folders)[0].part_runs[1].flow_run == ""
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
