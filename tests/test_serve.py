"""The service as users run it: one process, a real Prefect server, real Tesseract.

One service serves nearly all of these tests, because a fresh Prefect server takes some 15 seconds to start, and most
of what they look at is dropped at once, because what takes long is waiting. No test needs another one: each has file
names of its own. Those that kill a service, or need other settings, start their own.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from flows.host.modes import seen_by_others
from flows.host.processes import descendants, is_running
from flows.intake.sweep import Swept
from flows.service.health_page import FRESH
from flows.service.idle_sweeps import KEPT
from flows.service.metrics import PATH as METRICS
from flows.service.prefect_server import is_healthy, local_api
from flows.service.reports import sweep_line
from tests.bad_inputs import BadInput, bad_inputs, good_pdf, strip
from tests.browser import browser
from tests.kernel import needs_proc
from tests.scans import write_scan
from tests.service import Service, clean_environment, plant
from tests.waiting import wait_until

pytestmark = [pytest.mark.timeout(420), needs_proc]

QUICK = {
    "NAMBAT_SETTLE": "1",
    "NAMBAT_SETTLE_BROKEN": "4",
    "NAMBAT_RESCAN": "2",
    "NAMBAT_RETRY_DELAY": "5",
    "NAMBAT_SWEEP_CRON": "*/7 * * * *",
}
"""Settings under which little time is spent waiting."""


def start(home: Path, **settings: str) -> Service:
    """A service that is ready, whose Tesseract the kernel kills as long as ``bin/no memory`` is there."""
    programs = home / "bin"
    programs.mkdir(parents=True, exist_ok=True)
    (programs / "tesseract").write_text(
        f'#!/bin/sh\n[ -e "{programs}/no memory" ] && kill -KILL $$\nexec {shutil.which("tesseract")} "$@"\n'
    )
    (programs / "tesseract").chmod(0o755)
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    stands_in = home.with_name(f"{home.name}.mail")
    plant(stands_in, at_start=True)
    log = home.with_name(f"{home.name}.log")
    service = Service(home, log, {"PATH": path, **QUICK, **settings}, stands_in=stands_in)
    start_again(service)
    return service


def start_again(service: Service) -> None:
    service.start()
    try:
        service.wait_until_ready()
    except BaseException:
        service.end()
        raise


def hostile() -> list[BadInput]:
    """One of each class; all of them are `benchmarks/chaos.py hostile`."""
    return list({one.kind: one for one in bad_inputs() if len(one.ends) == 1}.values())


def half(data: bytes) -> bytes:
    return data[: len(data) // 2]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with a morning's work in its inbox, dropped at once."""
    folder = tmp_path_factory.mktemp("service")
    twins = write_scan(folder / "twins.pdf").read_bytes()
    dropped = {
        "hỏng.pdf": half(write_scan(folder / "broken.pdf").read_bytes()),
        "sửa.pdf": half(write_scan(folder / "to be mended.pdf", pages=3).read_bytes()),
        "song sinh 1.pdf": twins,
        "song sinh 2.pdf": twins,
        "nhật ký.pdf": write_scan(folder / "log.pdf").read_bytes(),
        "đọc lại.pdf": write_scan(folder / "read again.pdf").read_bytes(),
        **{one.name: one.make() for one in hostile()},
        "sau cùng.pdf": good_pdf(image=strip().crop((0, 0, 999, 200))),
    }
    service = start(folder / "home")
    try:
        for name, data in dropped.items():
            (service.home / "inbox" / name).write_bytes(data)
        yield service
    finally:
        service.end()


def now() -> str:
    return datetime.now(UTC).isoformat()


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def states(service: Service, name: str) -> list[str]:
    return [run["state_type"] for run in service.runs(name)]


def failed_run(service: Service, name: str) -> dict[str, Any]:
    """The run of a file that goes to quarantine, once it is there."""
    wait_until((service.home / "quarantine" / name).exists)
    wait_until(lambda: states(service, name) == ["FAILED"], 30)
    (run,) = service.runs(name)
    return run


def retry_in_the_ui(service: Service, run: dict[str, Any]) -> None:
    """As the button does it: the failed run is set to be run again."""
    again = {"type": "SCHEDULED", "name": "AwaitingRetry", "state_details": {"scheduled_time": now()}}
    service.api(f"flow_runs/{run['id']}/set_state", state=again, force=False)


def sweep_deployment(service: Service) -> dict[str, Any]:
    (deployment,) = [one for one in service.api("deployments/filter") if one["schedules"]]
    return deployment


def test_a_slow_copy_is_published_once_and_whole(service: Service, tmp_path: Path) -> None:
    data = write_scan(tmp_path / "slow.pdf", pages=3).read_bytes()
    target = service.home / "inbox" / "chậm" / "Báo cáo tháng.pdf"
    target.parent.mkdir()
    chunk = len(data) // 8 + 1
    with target.open("wb") as file:
        for begin in range(0, len(data), chunk):
            file.write(data[begin : begin + chunk])
            file.flush()
            time.sleep(0.7)  # in all longer than a file may lie that does not open
            assert target.exists()
    wait_until((service.home / "originals/chậm/Báo cáo tháng.pdf").exists)
    assert (service.home / "originals/chậm/Báo cáo tháng.pdf").read_bytes() == data
    assert files(service.home / "published/chậm") == ["Báo cáo tháng.json", "Báo cáo tháng.txt"]
    published = json.loads((service.home / "published/chậm/Báo cáo tháng.json").read_text())
    assert published["source"]["pages"] == 3
    assert files(service.home / "inbox/chậm") == []
    wait_until(lambda: states(service, "chậm/Báo cáo tháng.pdf") == ["COMPLETED"], 30)
    run = service.runs("chậm/Báo cáo tháng.pdf")[0]
    chosen = {"id": {"any_": [run["id"]]}}
    # Task runs and artifacts reach the database a moment after the run has ended.
    wait_until(lambda: len(service.api("task_runs/filter", flow_runs=chosen)) == 4, 30)
    tasks = {one["name"]: one["state_name"] for one in service.api("task_runs/filter", flow_runs=chosen)}
    assert tasks == dict.fromkeys(["page 1 of 3", "page 2 of 3", "page 3 of 3", "publish"], "Completed")
    artifacts = {one["type"]: one for one in service.api("artifacts/filter", flow_runs=chosen)}
    assert set(artifacts) == {"progress", "markdown"}
    assert artifacts["progress"]["data"] == 100
    assert str(service.home / "published/chậm/Báo cáo tháng.txt") in artifacts["markdown"]["data"]


def test_a_corrupt_file_goes_to_quarantine_and_fails_again_when_it_is_retried(service: Service) -> None:
    run = failed_run(service, "hỏng.pdf")
    vietnamese, english, *_ = (service.home / "quarantine/hỏng.pdf.reason.txt").read_text().splitlines()
    assert run["state"]["message"] == f"{vietnamese} / {english}"
    assert run["tags"] == ["needs attention", "quarantined"]
    service.api(f"flow_runs/{run['id']}", "PATCH", tags=["put off", "năm 2026"])
    retry_in_the_ui(service, run)
    wait_until(lambda: service.runs("hỏng.pdf")[0]["run_count"] == 2)
    wait_until(lambda: states(service, "hỏng.pdf") == ["FAILED"])
    (again,) = service.runs("hỏng.pdf")
    assert again["state"]["message"] == run["state"]["message"]
    # Ours are those of the last try; a person's own stay.
    assert again["tags"] == ["needs attention", "năm 2026", "quarantined"]
    assert [name for name in files(service.home / "quarantine") if "hỏng" in name] == [
        "hỏng.pdf",
        "hỏng.pdf.reason.txt",
    ]
    assert not (service.home / "inbox/hỏng.pdf").exists()


def test_a_scan_mended_in_quarantine_is_read_by_the_run_that_is_retried(service: Service, tmp_path: Path) -> None:
    run = failed_run(service, "sửa.pdf")
    (service.home / "quarantine/sửa.pdf").write_bytes(write_scan(tmp_path / "mended.pdf", pages=3).read_bytes())
    retry_in_the_ui(service, run)
    wait_until((service.home / "originals/sửa.pdf").exists)
    wait_until(lambda: states(service, "sửa.pdf") == ["COMPLETED"], 30)
    assert not (service.home / "quarantine/sửa.pdf.reason.txt").exists()


def published_at(service: Service, name: str) -> int:
    return (service.home / "published" / name).stat().st_mtime_ns


def test_retry_of_a_completed_run_reads_its_scan_again(service: Service) -> None:
    name = "đọc lại.pdf"
    wait_until(lambda: states(service, name) == ["COMPLETED"])
    before = published_at(service, "đọc lại.json")
    (run,) = service.runs(name)
    retry_in_the_ui(service, run)
    wait_until(lambda: service.runs(name)[0]["run_count"] == 2)
    wait_until(lambda: states(service, name) == ["COMPLETED"], 60)
    assert published_at(service, "đọc lại.json") > before
    assert [path for path in files(service.home) if path.endswith(name)] == [f"originals/{name}"]
    tasks = service.api("task_runs/filter", flow_runs={"id": {"any_": [run["id"]]}}, sort="ID_DESC")
    assert [task["name"] for task in tasks].count("page 1 of 1") == 2  # read, not copied

    # The same by the command, which leaves it to the service.
    before = published_at(service, "đọc lại.json")
    done = subprocess.run(
        [sys.executable, "-m", "flows.cli", "reread", "đọc lại.txt", "không có.pdf"],
        capture_output=True,
        text=True,
        env=clean_environment(NAMBAT_HOME=str(service.home)),
    )
    assert done.returncode == 1
    assert "không có.pdf" in done.stderr
    wait_until(lambda: states(service, name) == ["COMPLETED", "COMPLETED"])
    assert published_at(service, "đọc lại.json") > before
    assert (service.home / "originals" / name).exists()


def test_one_file_is_read_by_the_form_of_the_ui(service: Service) -> None:
    (deployment,) = [one for one in service.api("deployments/filter") if one["name"] == "nambat-read"]
    path = deployment["parameter_openapi_schema"]["properties"]["path"]
    assert path["type"] == "string"
    assert "NAMBAT_READ_ROOTS" in path["description"]
    scan = write_scan(service.home / "kho" / "tờ trình.pdf")
    run = {
        given: service.api(
            f"deployments/{deployment['id']}/create_flow_run", state={"type": "SCHEDULED"}, parameters={"path": given}
        )["id"]
        for given in ("kho/tờ trình.pdf", "/etc/passwd")
    }

    def state(given: str) -> dict[str, Any]:
        found: dict[str, Any] = service.api(f"flow_runs/{run[given]}", "GET")["state"]
        return found

    wait_until(lambda: state("/etc/passwd")["type"] == "FAILED")
    assert "NAMBAT_READ_ROOTS" in state("/etc/passwd")["message"]
    wait_until(lambda: state("kho/tờ trình.pdf")["type"] == "COMPLETED")
    assert files(service.home / "published" / "kho") == ["tờ trình.json", "tờ trình.txt"]
    assert scan.exists()


def test_a_twin_is_a_copy_and_a_new_scan_of_the_name_a_version(service: Service) -> None:
    published, originals = service.home / "published", service.home / "originals"
    twins = {"song sinh 1", "song sinh 2"}
    for one in twins:
        wait_until((originals / f"{one}.pdf").exists)
    sources = {one: json.loads((published / f"{one}.json").read_text())["source"] for one in twins}
    (copy,) = [one for one in twins if "copy_of" in sources[one]]
    (first,) = twins - {copy}
    assert (sources[copy]["name"], sources[copy]["copy_of"]) == (f"{copy}.pdf", f"{first}.pdf")
    text = (published / f"{first}.txt").read_bytes()
    assert (published / f"{copy}.txt").read_bytes() == text
    wait_until(lambda: states(service, f"{copy}.pdf") == ["COMPLETED"], 30)
    (run,) = service.runs(f"{copy}.pdf")
    assert service.api("task_runs/filter", flow_runs={"id": {"any_": [run["id"]]}}) == []
    assert run["tags"] == ["copy"]

    write_scan(service.home / "inbox" / f"{first}.pdf", pages=2)
    wait_until((originals / f"{first} (2).pdf").exists)
    assert json.loads((published / f"{first}.json").read_text())["source"]["pages"] == 2
    versions = sorted((service.home / "versions").glob(f"{first} (*"))
    assert [path.suffix for path in versions] == [".json", ".txt"]
    assert versions[1].read_bytes() == text


def test_a_trouble_of_the_machine_is_waited_out(service: Service) -> None:
    """A place that cannot be written: the run fails and says when the next one comes; then all is well."""
    (service.home / "published" / "chặn").write_text("a file where a folder must be")
    write_scan(service.home / "inbox" / "chặn" / "a.pdf")
    wait_until(lambda: "FAILED" in states(service, "chặn/a.pdf"))
    run = next(run for run in service.runs("chặn/a.pdf") if run["state_type"] == "FAILED")
    assert run["tags"] == ["put off"]
    assert "Sẽ thử lại lúc" in run["state"]["message"]
    assert "Tried again at" in run["state"]["message"]
    status = subprocess.run(
        [sys.executable, "-m", "flows.cli", "status"],
        capture_output=True,
        text=True,
        env=clean_environment(NAMBAT_HOME=str(service.home), COLUMNS="200"),
    ).stdout
    assert "chặn/a.pdf" in status
    (service.home / "published" / "chặn").unlink()
    wait_until((service.home / "originals" / "chặn" / "a.pdf").exists)
    assert files(service.home / "published" / "chặn") == ["a.json", "a.txt"]
    wait_until(lambda: "COMPLETED" in states(service, "chặn/a.pdf"), 30)
    tags = {run["state_type"]: run["tags"] for run in service.runs("chặn/a.pdf")}
    assert tags == {"FAILED": ["put off"], "COMPLETED": []}


def test_hostile_files_do_not_stop_the_line(service: Service) -> None:
    chosen = hostile()
    assert len(chosen) == 8
    for one in chosen:
        place = "quarantine" if one.ends == {"refused"} else "originals"
        wait_until((service.home / place / one.name).exists)
    wait_until((service.home / "originals" / "sau cùng.pdf").exists)
    assert service.is_up()


def test_a_reader_that_is_killed_costs_no_page(service: Service) -> None:
    """As the kernel does when memory runs out: the document is put off, not published with a hole."""
    # What others dropped must not be hit.
    wait_until(lambda: not files(service.home / "inbox") and not list((service.home / "working").glob("2*")))
    flag = service.home / "bin" / "no memory"
    flag.touch()
    try:
        write_scan(service.home / "inbox" / "bộ nhớ.pdf", pages=2)
        wait_until(lambda: "FAILED" in states(service, "bộ nhớ.pdf"))
    finally:
        flag.unlink()
    run = next(run for run in service.runs("bộ nhớ.pdf") if run["state_type"] == "FAILED")
    assert "was killed" in run["state"]["message"]
    assert run["tags"] == ["put off"]
    wait_until((service.home / "originals" / "bộ nhớ.pdf").exists)
    pages = json.loads((service.home / "published" / "bộ nhớ.json").read_text())["pages"]
    assert [page.get("error") for page in pages] == [None, None]


def test_logs_hold_no_text_of_documents(service: Service) -> None:
    """What was read stays out of the logs: words of the page, and of its corrections."""

    def logged(**chosen: Any) -> list[str]:
        entries: list[dict[str, Any]] = []
        while more := service.api("logs/filter", limit=200, offset=len(entries), logs=chosen):
            entries += more
        return [entry["message"] for entry in entries]

    wait_until(lambda: states(service, "nhật ký.pdf") == ["COMPLETED"])
    (run,) = service.runs("nhật ký.pdf")
    # The log reaches the database a moment after the run has ended.
    wait_until(lambda: any("Finished" in one for one in logged(flow_run_id={"any_": [run["id"]]})), 30)
    words = {
        word
        for path in (service.home / "published").rglob("*.txt")
        for word in path.read_text().split()
        if len(word) > 3
    }
    assert {"NHÂN", "NGHĨA"} <= words
    logs = [path.read_text() for path in (service.home / "logs").glob("*.log")]
    messages = [*"\n".join(logs).splitlines(), *service.said().splitlines()]
    messages += logged(level={"ge_": 0})
    assert any("words" in message for message in messages)
    assert not [message for message in messages if words & set(message.split())]


def logged_events(service: Service) -> Counter[str]:
    lines = (service.home / "logs" / "nambat.log").read_text("utf-8").splitlines()
    events = ("published", "quarantined", "put off")
    shown = {"published": " published: ", "quarantined": " to quarantine: ", "put off": " put off: "}
    return Counter(event for line in lines for event in events if shown[event] in line and line[:2] == "20")


def numbers(service: Service) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{service.port}{METRICS}", timeout=30) as answer:
        assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
        return str(answer.read().decode())


def test_its_numbers_are_those_of_its_log(service: Service) -> None:
    wait_until(lambda: states(service, "nhật ký.pdf") == ["COMPLETED"])
    wait_until((service.home / "quarantine" / "hỏng.pdf").exists)
    for _ in range(100):  # others of these files end meanwhile
        before = logged_events(service)
        time.sleep(FRESH + 0.5)  # what is told now is no older than what was logged
        text = numbers(service)
        if before == logged_events(service):
            break
    found = {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }

    def documents(*ends: str) -> float:
        return sum(found["nambat_documents_total", (end,)] for end in ends)

    assert documents("published", "copied") == before["published"] > 0
    assert documents("quarantined") == before["quarantined"] > 0
    assert documents("put_off") == before["put off"]
    failed = sum(value for (name, labels), value in found.items() if name == "nambat_failures_total")
    assert failed == documents("quarantined", "put_off", "kept")
    assert found["nambat_failures_total", ("NotAScan", "quarantined")] >= 1
    assert found["nambat_pages_total", ("read",)] >= documents("published") > 0
    for stage in ("reading", "structure", "repair", "publish"):
        count = found["nambat_page_seconds_count", (stage,)]
        assert count == sum(found["nambat_pages_total", (one,)] for one in ("read", "unreadable"))
        assert found["nambat_page_seconds_sum", (stage,)] > 0
    assert found["nambat_healthy", ()] == 1
    assert found["nambat_watcher_silent_seconds", ()] < 60
    assert found["nambat_sweep_age_seconds", ()] < 60
    for word in ("ký", "hỏng", ".pdf", str(service.home)):
        assert word not in text


def test_nothing_is_run_of_what_lies_where_the_service_was_started(service: Service) -> None:
    wait_until(lambda: states(service, "nhật ký.pdf") == ["COMPLETED"])
    assert service.stands_in is not None
    assert not (service.stands_in / "ran").exists()
    with urllib.request.urlopen(f"http://127.0.0.1:{service.port}/", timeout=30) as answer:
        assert answer.status == 200, "prefect.toml and .env there switch the UI off"


@pytest.mark.parametrize(
    "headers",
    [{"Host": "evil.example"}, {"Origin": "http://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "same-site"}],
)
def test_what_only_another_page_sends_is_refused(service: Service, headers: dict[str, str]) -> None:
    """What Chromium sends is seen in a test of its own; this one needs none."""
    for path in ("/api/admin/version", "/api/csrf-token?client=evil", METRICS, "/"):
        request = urllib.request.Request(f"http://127.0.0.1:{service.port}{path}", headers=headers)
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(request, timeout=30)


def test_a_change_needs_a_token(service: Service) -> None:
    request = urllib.request.Request(f"http://127.0.0.1:{service.port}/api/flow_runs/filter", data=b"{}")
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(request, timeout=30)


def test_nobody_else_sees_names_and_text(service: Service) -> None:
    wait_until(lambda: states(service, "nhật ký.pdf") == ["COMPLETED"])
    assert seen_by_others(service.folders) == []
    kept = [path for path in (service.home / "prefect").rglob("*") if path.is_file()]
    assert any(path.name == "prefect.db" for path in kept)
    assert [path for path in kept if path.stat().st_mode & 0o077] == []


@pytest.mark.parametrize("command", ["deployment", "flow-run", "artifact", "work-pool", "automation", "flow"])
@pytest.mark.slow
def test_prefects_own_command_line_works(service: Service, command: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "prefect", command, "ls"],
        env=clean_environment(
            PREFECT_API_URL=f"http://127.0.0.1:{service.port}/api", PREFECT_HOME=str(tmp_path), COLUMNS="200"
        ),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, "")
    if command == "deployment":
        assert "ingest/nambat-ingest" in done.stdout


def planned_run(service: Service) -> str:
    """The id of a sweep that is to begin in some hours."""
    later = (datetime.now(UTC) + timedelta(hours=3)).isoformat()
    state = {"type": "SCHEDULED", "state_details": {"scheduled_time": later}}
    run = service.api(f"deployments/{sweep_deployment(service)['id']}/create_flow_run", state=state)
    return str(run["id"])


ATTACK = """(async () => {
    const api = %(api)r, run = %(run)r, tried = {};
    const cancel = JSON.stringify({state: {type: 'CANCELLING'}, force: true});
    const ask = async (name, path, options) => {
        try {
            const answer = await fetch(api + path, options);
            tried[name] = answer.type === 'opaque' ? 'opaque' : answer.status + ' ' + await answer.text();
        } catch { tried[name] = 'refused'; }
    };
    const json = {'content-type': 'application/json'};
    await ask('read', '/admin/version');
    await ask('read runs', '/flow_runs/filter', {method: 'POST', headers: json, body: '{}'});
    await ask('token', '/csrf-token?client=evil');
    await ask('cancel', `/flow_runs/${run}/set_state`, {method: 'POST', headers: json, body: cancel});
    await ask('cancel blindly', `/flow_runs/${run}/set_state`, {method: 'POST', mode: 'no-cors', body: cancel});
    await ask('delete', `/flow_runs/${run}`, {method: 'DELETE'});
    for (const path of ['/events/in', '/events/out', '/logs/out', '/task_runs/subscriptions/scheduled'])
        for (const protocols of [[], ['prefect']])
            tried[`socket ${path} ${protocols}`] = await new Promise(told => {
                const socket = new WebSocket(api.replace('http', 'ws') + path, protocols);
                socket.onopen = () => told('open');
                socket.onerror = socket.onclose = () => told('refused');
            });
    const form = document.createElement('form'), frame = document.createElement('iframe');
    frame.name = 'frame';
    Object.assign(form, {method: 'post', enctype: 'text/plain', target: 'frame'});
    form.action = `${api}/flow_runs/${run}/set_state`;
    const field = document.createElement('input');
    Object.assign(field, {name: cancel.slice(0, -1) + ', "x": "', value: '"}'});
    form.append(field);
    document.body.append(frame, form);
    form.submit();
    await new Promise(told => { frame.onload = told; setTimeout(told, 3000); });
    return tried;
})()"""


@contextmanager
def another_page() -> Iterator[int]:
    """A web server that has nothing to do with us; its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><title>Evil</title><body>evil")

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


@pytest.mark.slow
def test_no_other_page_in_the_browser_reads_or_drives_the_server(service: Service, tmp_path: Path) -> None:
    """A page elsewhere, one of another port here, and one whose name was pointed here after it was loaded."""
    run = planned_run(service)
    with browser(tmp_path / "profile") as page, another_page() as port:
        for place in (f"http://evil.example:{port}/", f"http://127.0.0.1:{port}/", f"http://localhost:{port}/"):
            for name in ("127.0.0.1", "localhost"):
                page.open(place)
                tried = page.run(ATTACK % {"api": f"http://{name}:{service.port}/api", "run": run})
                assert tried.pop("cancel blindly") in ("opaque", "refused")
                assert set(tried.values()) == {"refused"}, (place, name)
        page.open(f"http://evil.example:{service.port}/")
        assert "evil.example" in page.run("document.body.innerText")
        tried = page.run(ATTACK % {"api": f"http://evil.example:{service.port}/api", "run": run})
        assert {told.split()[0] for told in tried.values()} == {"403", "refused"}
    assert service.api(f"flow_runs/{run}", "GET")["state_type"] == "SCHEDULED"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_the_ui_itself_drives_it(service: Service, tmp_path: Path, name: str) -> None:
    run, deployment = planned_run(service), sweep_deployment(service)
    with browser(tmp_path / "profile") as page:
        try:
            page.open(f"http://{name}:{service.port}/runs/flow-run/{run}")
            page.click("Cancel")
            page.click("Confirm")
            wait_until(lambda: service.api(f"flow_runs/{run}", "GET")["state_type"] in ("CANCELLING", "CANCELLED"), 30)
            page.open(f"http://{name}:{service.port}/deployments/deployment/{deployment['id']}")
            switch = "document.querySelector('[role=switch]')"
            for active in (False, True):
                page.wait_for(f"{switch}?.ariaChecked === '{'false' if active else 'true'}'")
                page.run(f"{switch}.click()")
                wait_until(lambda want=active: sweep_deployment(service)["schedules"][0]["active"] is want, 30)
        except BaseException:
            page.picture(tmp_path / "seen.png")
            raise


HOSTS_ASKED = """(async () => {
    const tried = {};
    const note = (name, promise) => promise.then(() => { tried[name] = 'let'; }, () => { tried[name] = 'refused'; });
    const load = element => new Promise((good, bad) => {
        element.onload = good; element.onerror = bad; document.body.append(element);
    });
    await note('fetch', fetch('http://other.example:%(port)s/'));
    await note('picture', load(Object.assign(new Image(), {src: 'http://other.example:%(port)s/a.png'})));
    const script = document.createElement('script');
    await note('script', load(Object.assign(script, {src: 'http://other.example:%(port)s/a.js'})));
    const sheet = Object.assign(document.createElement('link'), {rel: 'stylesheet'});
    await note('style', load(Object.assign(sheet, {href: 'http://other.example:%(port)s/a.css'})));
    return tried;
})()"""


@pytest.mark.slow
def test_the_ui_asks_no_other_machine(service: Service, tmp_path: Path) -> None:
    """All its pages that people use; and what a page would fetch from elsewhere all the same is not fetched."""
    wait_until(lambda: states(service, "nhật ký.pdf") == ["COMPLETED"])
    (run,) = service.runs("nhật ký.pdf")
    ours = f"127.0.0.1:{service.port}"
    pages = {
        "dashboard": "Flow Runs",
        "runs": "nhật ký.pdf",
        f"runs/flow-run/{run['id']}": "Artifacts",
        "flows": "ingest",
        "deployments": "nambat-ingest",
        f"deployments/deployment/{sweep_deployment(service)['id']}": "nambat-sweep",
        "artifacts": "Artifacts",
        "automations": "Automations",
        "settings": "Version",
    }
    with browser(tmp_path / "profile") as page, another_page() as port:
        page.note_requests()
        try:
            for path, text in pages.items():
                page.open(f"http://{ours}/{path}")
                page.wait_for(f"document.body.innerText.includes({text!r})")
                time.sleep(1)  # what a page fetches late
            shown = page.run("document.body.innerText")
            tried = page.run(HOSTS_ASKED % {"port": port})
        except BaseException:
            page.picture(tmp_path / "seen.png")
            raise
    hosts = {urllib.parse.urlsplit(url).netloc for url in page.asked if url.startswith(("http", "ws"))}
    assert ours in hosts
    assert len(page.asked) > 50
    assert hosts <= {ours, f"other.example:{port}"}
    assert tried == dict.fromkeys(["fetch", "picture", "script", "style"], "refused")
    assert "V2" not in shown
    with urllib.request.urlopen(f"http://{ours}/ui-settings", timeout=30) as answer:
        assert json.load(answer)["available_uis"] == ["v1"]


def test_the_schedule_shows_what_is_coming(service: Service) -> None:
    deployment = sweep_deployment(service)
    assert deployment["entrypoint"] == "flows.ingest.sweep"
    assert "Looks at the inbox on a schedule" in deployment["description"]
    assert deployment["schedules"][0]["schedule"]["timezone"] == "Asia/Ho_Chi_Minh"

    def coming() -> list[dict[str, Any]]:
        chosen = {"state": {"type": {"any_": ["SCHEDULED"]}}, "deployment_id": {"any_": [deployment["id"]]}}
        found: list[dict[str, Any]] = service.api("flow_runs/filter", flow_runs=chosen)
        return found

    wait_until(lambda: len(coming()) >= 3)


def test_sweeps_that_found_nothing_are_forgotten(service: Service) -> None:
    """But for the latest, those that somebody tagged, and those that did something."""
    deployment = sweep_deployment(service)["id"]
    idle = sweep_line(Swept())

    def ended(message: str, *tags: str) -> str:
        state = {"type": "COMPLETED", "name": "Completed", "message": message}
        run = service.api(f"deployments/{deployment}/create_flow_run", state=state, tags=list(tags))
        return str(run["id"])

    busy, tagged = ended("3 taken"), ended(idle, "remember this")
    forgotten = [ended(idle) for _ in range(3)]
    latest = [ended(idle) for _ in range(KEPT)]
    logged = {"flow_run_id": {"any_": [forgotten[0]]}}
    service.api(
        "logs/", "POST", {"name": "test", "level": 20, "message": "x", "timestamp": now(), "flow_run_id": forgotten[0]}
    )
    assert service.api("logs/filter", logs=logged)
    service.api(f"deployments/{deployment}/create_flow_run", state={"type": "SCHEDULED"})

    def left(*runs: str) -> set[str]:
        return {run["id"] for run in service.api("flow_runs/filter", flow_runs={"id": {"any_": list(runs)}})}

    wait_until(lambda: not left(*forgotten), 120)
    assert left(busy, tagged) == {busy, tagged}
    assert len(left(*latest)) >= KEPT - 1  # the sweep that has forgotten them may count itself
    wait_until(lambda: service.api("logs/filter", logs=logged) == [], 60)


def test_a_second_service_refuses(service: Service) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "flows.cli", "serve", "--home", str(service.home)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "already" in done.stderr


def test_a_busy_port_is_said_in_one_line(service: Service, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "flows.cli", "serve", "--home", str(tmp_path), "--port", str(service.port)],
        capture_output=True,
        text=True,
        timeout=60,
        env=clean_environment(),
    )
    assert done.returncode == 1
    assert f"port {service.port}" in done.stderr


def test_nothing_listens_in_the_open_without_a_password(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "flows.cli", "serve", "--home", str(tmp_path / "home"), "--host", "0.0.0.0"],
        capture_output=True,
        text=True,
        timeout=60,
        env=clean_environment(),
    )
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "PREFECT_SERVER_API_AUTH_STRING" in done.stderr


# With services of their own


@pytest.mark.slow
def test_a_sweep_takes_what_the_watcher_did_not_see(tmp_path: Path) -> None:
    service = start(tmp_path / "home", NAMBAT_WATCH="false", NAMBAT_SETTLE="0", NAMBAT_SWEEP_CRON="0 0 1 1 *")
    try:
        scan = write_scan(service.home / "inbox" / "a.pdf")
        time.sleep(5)
        assert scan.exists()
        assert service.runs("a.pdf") == []
        run = service.api(f"deployments/{sweep_deployment(service)['id']}/create_flow_run", state={"type": "SCHEDULED"})
        chosen = {"id": {"any_": [run["id"]]}}
        wait_until(lambda: service.api("flow_runs/filter", flow_runs=chosen)[0]["state_type"] == "COMPLETED")
        assert not scan.exists()
        wait_until((service.home / "originals" / "a.pdf").exists)
    finally:
        service.end()


@pytest.mark.slow
def test_a_closed_file_is_taken_at_once_and_read_whether_the_warm_process_lives_or_not(tmp_path: Path) -> None:
    service = start(tmp_path / "home", NAMBAT_SETTLE="100000", NAMBAT_SETTLE_BROKEN="100000", NAMBAT_RESCAN="100000")

    def forks(leads: bool) -> list[int]:
        """The forks of the service but for its runs: the server, which leads a session, or the warm process."""
        line = Path(f"/proc/{service.pid}/cmdline").read_bytes()
        children = map(int, Path(f"/proc/{service.pid}/task/{service.pid}/children").read_text().split())
        return [
            pid
            for pid in children
            if Path(f"/proc/{pid}/cmdline").read_bytes() == line and (os.getsid(pid) == pid) == leads
        ]

    try:
        with (service.home / "inbox" / "a.pdf").open("wb") as file:
            file.write(write_scan(tmp_path / "a.pdf").read_bytes())
            file.flush()
            time.sleep(3)
            assert service.runs("a.pdf") == []
        wait_until((service.home / "originals" / "a.pdf").exists)
        wait_until(lambda: states(service, "a.pdf") == ["COMPLETED"], 60)
        (warm,), (server,) = forks(leads=False), forks(leads=True)
        os.kill(warm, signal.SIGKILL)
        wait_until(lambda: forks(leads=False) == [], 30)
        write_scan(tmp_path / "b.pdf").rename(service.home / "inbox" / "b.pdf")
        wait_until((service.home / "originals" / "b.pdf").exists)
        wait_until(lambda: states(service, "b.pdf") == ["COMPLETED"], 60)
        assert forks(leads=True) == [server]
        # A server that ends is started again, as a Python of its own.
        os.kill(server, signal.SIGKILL)
        wait_until(lambda: "starting it again" in service.said(), 30)
        wait_until(lambda: is_healthy(local_api("127.0.0.1", service.port)), 120)
        write_scan(tmp_path / "c.pdf").rename(service.home / "inbox" / "c.pdf")
        wait_until((service.home / "originals" / "c.pdf").exists)
        assert forks(leads=True) == []
        assert service.is_up()
    finally:
        service.end()


@pytest.mark.slow
def test_13_12a_deployments_deleted_in_the_ui_are_made_anew(tmp_path: Path) -> None:
    """With runs that wait for their turn, which Prefect deletes too, and files that come later."""
    service = start(tmp_path / "home", NAMBAT_DOCUMENTS="1", NAMBAT_JOBS="1")
    try:
        for way in ("deployments", "flows"):
            names = [f"{way} {number}.pdf" for number in range(4)]
            for name in names[:3]:
                write_scan(tmp_path / name, pages=2).rename(service.home / "inbox" / name)
            wait_until(lambda names=names: all(service.runs(name) for name in names[:3]))
            before = {one["id"] for one in service.api("deployments/filter")}
            assert len(before) == 6
            told = service.said().count("was deleted")
            for one in service.api(f"{way}/filter"):
                service.api(f"{way}/{one['id']}", "DELETE")
            write_scan(tmp_path / names[3]).rename(service.home / "inbox" / names[3])
            originals = [service.home / "originals" / name for name in names]
            wait_until(lambda originals=originals: all(one.exists() for one in originals), said=service.said)
            wait_until(lambda: service.store.open_claims() == [], 60)  # a moment after its scan is put away
            after = {one["id"] for one in service.api("deployments/filter")}
            assert len(after) == 6
            assert not before & after
            assert service.said().count("was deleted") > told
            wait_until(lambda: [one for one in service.api("deployments/filter") if one["schedules"]])
    finally:
        service.end()


@pytest.mark.slow
def test_killed_and_stopped_services_hand_files_back_and_the_next_goes_on(tmp_path: Path) -> None:
    """kill -9, then a new service, then SIGTERM while it works, then another one that ends the work."""
    service = start(tmp_path / "home")
    try:
        write_scan(service.home / "inbox" / "dài.pdf", pages=30)

        def pages_read() -> int:
            return len(list((service.home / "working/.progress").glob("*/0*.json")))

        wait_until(lambda: pages_read() >= 2)
        assert service.process is not None
        service.process.kill()
        service.process.wait()
        start_again(service)
        before = pages_read()
        assert before >= 2
        wait_until(lambda: pages_read() > before)
        family = descendants(service.pid)
        assert service.stop() < 10
        assert service.process.returncode == 0
        # A process that was told to stop may need a moment more to be gone from the list.
        wait_until(lambda: not [pid for pid in family if is_running(pid)], 15)
        assert files(service.home / "inbox") == ["dài.pdf"]
        assert not list((service.home / "working").glob("2*"))
        start_again(service)
        wait_until((service.home / "originals" / "dài.pdf").exists)
        data = json.loads((service.home / "published" / "dài.json").read_text())
        assert [page["number"] for page in data["pages"]] == list(range(1, 31))
        wait_until(lambda: "COMPLETED" in states(service, "dài.pdf"), 60)
        assert states(service, "dài.pdf").count("CRASHED") == 2
        assert files(service.home / "inbox") == []
        assert files(service.home / "quarantine") == []
    finally:
        service.end()


@pytest.mark.slow
def test_a_password_keeps_strangers_out_and_lets_our_runs_in(tmp_path: Path) -> None:
    service = start(tmp_path / "home", PREFECT_SERVER_API_AUTH_STRING="van-thu:mat-khau")

    def status(path: str, secret: str | None = None) -> int:
        request = urllib.request.Request(f"http://127.0.0.1:{service.port}{path}")
        if secret is not None:
            request.add_header("Authorization", "Basic " + base64.b64encode(secret.encode()).decode())
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code

    try:
        write_scan(service.home / "inbox" / "a.pdf")
        for path in ("/api/admin/version", "/api/admin/settings", "/api/flows/name/ingest"):
            assert status(path) == status(path, "van-thu:khac") == 401
            assert status(path, "van-thu:mat-khau") == 200
        wait_until((service.home / "originals" / "a.pdf").exists)
    finally:
        service.end()
