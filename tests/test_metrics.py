"""The numbers for Prometheus: what is counted outlives its process and is counted once; what is told names no file."""

from __future__ import annotations

import asyncio
import json
import random
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from flows.host import heartbeat, meter
from flows.intake import quarantine, transfers
from flows.intake.claims import ClaimStore
from flows.intake.sweep import sweep
from flows.pipeline.outcome import outcome_of
from flows.service import health, health_page, metrics
from flows.service.health_page import with_metrics
from flows.service.prefect_server import Server
from flows.service.record import version, write_service
from flows.settings import Folders, load
from ocr.faults import NotAScan
from tests.intake import FakeServer, beats, drop, take_one
from tests.kernel import needs_proc
from tests.service import ROOT, clean_environment

Samples = dict[tuple[str, tuple[str, ...]], float]


def samples(text: str) -> Samples:
    """The samples of an exposition, by name and values of labels, in the order of the labels' names."""
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def told(store: ClaimStore) -> Samples:
    return samples(metrics.exposition(store).decode())


@pytest.fixture
def served(store: ClaimStore, monkeypatch: pytest.MonkeyPatch) -> ClaimStore:
    """Folders whose service is this process; its watcher and its server are well."""
    monkeypatch.setattr(health, "is_healthy", lambda api, seconds: True)
    write_service(store.folders, server=Server("http://127.0.0.1:9/api"), home="")
    beats(store.folders, f"{heartbeat.identity()}.watch", 0)
    return store


# -- counting -------------------------------------------------------------------------------------------------------

AMOUNTS = st.dictionaries(st.sampled_from(["documents/published", "failures/put off/Ở xa", "a"]), st.integers(1, 9))


@settings(max_examples=60)
@given(st.lists(st.tuples(AMOUNTS, st.sampled_from(["", "torn", "cut short", "files kept"])), max_size=30))
def test_all_is_counted_once(added: list[tuple[dict[str, int], str]]) -> None:
    """Whatever a killed process leaves: a line without its end, or totals beside the file that they were made of."""
    with tempfile.TemporaryDirectory() as home, pytest.MonkeyPatch.context() as patch:
        patch.setattr(meter, "MOST_NEW", 300)
        folders = load(home=Path(home)).folders
        new = folders.working / ".counts" / "new.jsonl"
        expected: Counter[str] = Counter()
        for amounts, crash in added:
            expected.update(amounts)
            with pytest.MonkeyPatch.context() as killed:
                if crash == "files kept":
                    killed.setattr(Path, "unlink", lambda path, missing_ok=False: (_ for _ in ()).throw(OSError))
                meter.count(folders, amounts)
            if crash in ("torn", "cut short") and new.exists():
                with new.open("ab") as file:
                    file.write(b'{"a": 5' if crash == "torn" else b"[" * 5)
            assert meter.counted(folders) == dict(expected)


def test_many_processes_count_together_and_the_folder_stays_small(folders: Folders) -> None:
    code = (
        "import sys; from pathlib import Path; from flows.host import meter; from flows.settings import load\n"
        "meter.MOST_NEW = 2000\n"
        "for number in range(300): meter.count(load(home=Path(sys.argv[1])).folders, {'a': 1, sys.argv[2]: 2})\n"
    )
    run = [sys.executable, "-c", code, str(folders.home)]
    counting = [subprocess.Popen([*run, name], cwd=ROOT, env=clean_environment()) for name in "bcd"]
    assert [one.wait(120) for one in counting] == [0, 0, 0]
    assert meter.counted(folders) == {"a": 900, "b": 600, "c": 600, "d": 600}
    assert sum(path.stat().st_size for path in (folders.working / ".counts").iterdir()) < 3000


def test_a_kill_loses_nothing_that_was_counted(folders: Folders) -> None:
    code = (
        "import sys; from pathlib import Path; from flows.host import meter; from flows.settings import load\n"
        "meter.MOST_NEW = 200\n"
        "folders = load(home=Path(sys.argv[1])).folders\n"
        "while True: meter.count(folders, {'a': 1}); print('.', end='', flush=True)\n"
    )
    chance, least, kills = random.Random(7), 0, 12
    for _ in range(kills):
        run = [sys.executable, "-c", code, str(folders.home)]
        process = subprocess.Popen(run, cwd=ROOT, env=clean_environment(), stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.read(1)
        time.sleep(chance.uniform(0, 0.1))
        process.kill()
        least += 1 + len(process.stdout.read())
        process.wait()
    assert least <= meter.counted(folders)["a"] <= least + kills
    assert least > 20 * kills


def test_what_does_not_belong_there_is_passed_over(folders: Folders) -> None:
    meter.count(folders, {"a": 1})
    place = folders.working / ".counts"
    (place / "totals.json").write_text('{"counts": {"a": 5, "b": "x", "c": NaN, "d": -1}, "file": 5, "lines": "x"}')
    with (place / "new.jsonl").open("a") as file:
        file.write('null\n{"a": null}\n[1]\n"a"\n')
    assert meter.counted(folders) == {"a": 6}


@pytest.mark.parametrize(
    "amounts", [f'{{"b": 1{"0" * 400}}}', '{"failures/kept/\\udc80": 1}', '{"b": 1e308, "a\\n": 1}']
)
def test_numbers_that_are_none_spoil_no_others(store: ClaimStore, amounts: str) -> None:
    meter.count(store.folders, {"a": 1})
    place = store.folders.working / ".counts"
    (place / "totals.json").write_text(f'{{"counts": {amounts}}}')
    with (place / "new.jsonl").open("a") as file:
        file.write(f"{amounts}\n")
    meter.count(store.folders, {"a": 1})
    assert meter.counted(store.folders) == {"a": 2}
    assert b"nambat_build_info" in metrics.exposition(store)


def test_nothing_fails_where_nothing_can_be_counted(folders: Folders) -> None:
    (folders.working / ".counts").write_text("in the way")
    meter.count_end(folders, "published")
    with pytest.raises(OSError, match=r"\.counts"):
        meter.counted(folders)


# -- what is told ---------------------------------------------------------------------------------------------------

JSON = {
    "schema": "nambat/1",
    "source": {"name": "đơn.pdf", "sha256": "", "pages": 3, "bytes": 1},
    "pages": [
        {"number": number, "words": 9, "mean_confidence": 90.0, "error": error, "seconds": 2.0}
        for number, error in enumerate((None, None, "it is torn"), 1)
    ],
    "timings": {"reading": 6.0, "structure": 0.3, "repair": 0.9},
    **{name: [] for name in ("blocks", "footnotes", "corrections", "warnings", "dropped", "doubts", "documents")},
    "metadata": {},
}


@needs_proc
def test_the_numbers_of_a_morning(served: ClaimStore) -> None:
    folders = served.folders
    taken = take_one(served, heartbeat.identity(), name="a.pdf")
    quarantine.quarantine(served, taken, NotAScan("it is broken", vietnamese="hỏng"))
    put_off = take_one(served, heartbeat.identity(), name="b.pdf")
    served.put_off(put_off, NotAScan("the disk is full"), not_before=time.time() + 60)
    take_one(served, heartbeat.identity(), name="c.pdf", running=True)
    transfers.hand_back(served, take_one(served, heartbeat.identity(), name="mật.pdf"))
    meter.count(folders, outcome_of(JSON, "đơn.pdf", 75).counts)
    meter.count(folders, outcome_of(JSON, "đơn 2.pdf", 75, copy_of="đơn.pdf").counts)
    sweep(served, heartbeat.identity(), FakeServer().runs)
    found = told(served)
    assert {key: value for key, value in found.items() if key[0].endswith(("_total", "_sum", "_count"))} == {
        **{("nambat_documents_total", (how,)): 1.0 for how in ("published", "copied", "put_off", "quarantined")},
        **{("nambat_documents_total", (how,)): 0.0 for how in ("unpacked", "kept")},
        ("nambat_documents_total", ("returned",)): 1.0,
        ("nambat_failures_total", ("NotAScan", "put_off")): 1.0,
        ("nambat_failures_total", ("NotAScan", "quarantined")): 1.0,
        ("nambat_pages_total", ("read",)): 2.0,
        ("nambat_pages_total", ("unreadable",)): 1.0,
        **{("nambat_page_seconds_count", (stage,)): 3.0 for stage in ("reading", "structure", "repair")},
        ("nambat_page_seconds_sum", ("reading",)): 6.0,
        ("nambat_page_seconds_sum", ("structure",)): 0.3,
        ("nambat_page_seconds_sum", ("repair",)): 0.9,
        ("nambat_page_seconds_sum", ("publish",)): 0.0,
        ("nambat_page_seconds_count", ("publish",)): 0.0,
    }
    assert found["nambat_build_info", (version(),)] == 1
    assert found["nambat_inbox_files", ()] == 1
    assert 0 <= found["nambat_inbox_oldest_seconds", ()] < 60
    states = {labels[0]: value for (name, labels), value in found.items() if name == "nambat_working_files"}
    assert states == {"put_off": 1, "reading": 1, "waiting": 0}
    assert found["nambat_quarantine_files", ()] == 1
    assert found["nambat_disk_free_bytes", ("published",)] > 0
    assert 0 <= found["nambat_watcher_silent_seconds", ()] < 60
    assert 0 <= found["nambat_sweep_age_seconds", ()] < 60
    assert found["nambat_healthy", ()] == found["nambat_check_ok", ("disk",)] == 1


@needs_proc
def test_no_number_names_a_file_or_a_folder(served: ClaimStore) -> None:
    drop(served.folders, "Nguyễn Văn A/kỷ luật.pdf")
    taken = take_one(served, heartbeat.identity(), name="mật.pdf")
    quarantine.quarantine(served, taken, NotAScan("mật.pdf is broken", vietnamese="hỏng"))
    text = metrics.exposition(served).decode()
    for word in ("Nguy", "luật", "mật", ".pdf", str(served.folders.home), "broken"):
        assert word not in text


@needs_proc
def test_numbers_without_a_service_or_a_folder(store: ClaimStore) -> None:
    found = told(store)
    assert found["nambat_healthy", ()] == found["nambat_check_ok", ("service",)] == 0
    assert ("nambat_watcher_silent_seconds", ()) not in found
    store.folders.quarantine.rmdir()
    assert told(store)["nambat_check_ok", ("quarantine",)] == 0
    (store.folders.working / ".counts").mkdir(exist_ok=True)
    (store.folders.working / ".counts" / "totals.json").mkdir()
    assert not any(name == "nambat_documents_total" for name, _ in told(store))


# -- the page -------------------------------------------------------------------------------------------------------


def ask(measure: Any, *, path: str = metrics.PATH, method: str = "GET") -> tuple[int, bytes]:
    """What is answered to one who asks from another machine."""
    sent: list[Any] = []

    async def nothing(scope: Any, receive: Any, send: Any) -> None:
        await send({"status": 0})

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request"}

    scope = {"type": "http", "method": method, "path": path, "client": ("192.0.2.1", 5), "headers": []}
    asyncio.run(with_metrics(nothing, measure)(scope, receive, send))
    return sent[0]["status"], sent[1]["body"] if len(sent) > 1 else b""


def test_the_page_answers_all_who_may_ask() -> None:
    assert ask(lambda: b"nambat_healthy 1.0\n") == (200, b"nambat_healthy 1.0\n")
    assert ask(lambda: b"x", method="HEAD") == (200, b"")
    assert ask(lambda: b"x", method="POST")[0] == 405
    assert ask(lambda: b"x", path="/nambat/health") == (0, b"")


def test_numbers_that_cannot_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> bytes:
        raise ValueError("mật.pdf")

    status, body = ask(fail)
    assert (status, b"pdf" in body) == (503, False)
    monkeypatch.setattr(health_page, "ANSWER_WITHIN", 0.05)
    assert ask(lambda: time.sleep(0.3) or b"x")[0] == 503


# -- the dashboard --------------------------------------------------------------------------------------------------

DASHBOARD = ROOT / "docs" / "grafana.json"


def panels() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(DASHBOARD.read_text("utf-8"))["panels"]
    return found


def test_the_dashboard_has_what_grafana_asks_for() -> None:
    board = json.loads(DASHBOARD.read_text("utf-8"))
    assert board["title"] and board["uid"] and board["schemaVersion"] >= 36 and board["time"]["from"]
    assert "id" not in board or board["id"] is None  # Grafana gives it one
    assert [one["name"] for one in board["__inputs"]] == ["DS_PROMETHEUS"]
    assert len({one["id"] for one in panels()}) == len(panels())
    for one in panels():
        assert one["title"] and one["type"] in ("stat", "timeseries", "table", "row"), one["title"]
        assert {"h", "w", "x", "y"} == set(one["gridPos"]) and one["gridPos"]["x"] + one["gridPos"]["w"] <= 24
        assert one["type"] == "row" or one["datasource"] == {"type": "prometheus", "uid": "${DS_PROMETHEUS}"}


def test_panels_do_not_lie_on_each_other() -> None:
    taken: Counter[tuple[int, int]] = Counter()
    for one in panels():
        place = one["gridPos"]
        taken.update(
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        )
    assert max(taken.values()) == 1


@needs_proc
def test_the_dashboard_asks_for_what_there_is(served: ClaimStore) -> None:
    meter.count_end(served.folders, "quarantined", "NotAScan")
    sweep(served, heartbeat.identity(), FakeServer().runs)
    names = {name for name, _ in told(served)}
    asked = {
        name
        for one in panels()
        for target in one.get("targets", ())
        for name in re.findall(r"nambat_\w+", target["expr"])
    }
    assert asked - names == set()
    assert names - asked == set()
