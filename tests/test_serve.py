"""The service as users run it: one process, a real Prefect server, real Tesseract.

One service serves the whole module, because a fresh Prefect server takes some 15 seconds to start.
"""

from __future__ import annotations

import base64
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from flows.host.processes import descendants, is_running, kill_tree
from flows.service.prefect_server import is_taken
from tests.bad_inputs import bad_inputs, good_pdf, strip
from tests.scans import write_scan

pytestmark = [pytest.mark.slow, pytest.mark.timeout(420)]


@dataclass
class Service:
    home: Path
    port: int
    process: subprocess.Popen[str]

    def api(self, path: str, method: str = "POST", /, **body: Any) -> Any:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/api/{path}",
            data=json.dumps(body).encode(),
            headers={"content-type": "application/json"},
            method=method,
        )
        for again in range(20):
            try:
                with urllib.request.urlopen(request, timeout=30) as answer:
                    return json.loads(answer.read() or "null")
            except urllib.error.HTTPError as error:
                # SQLite is locked for the moment; Prefect's own client asks again as well.
                if error.code != 503 or again == 19:
                    raise
                time.sleep(0.5)
        raise AssertionError

    def runs(self, name: str) -> list[dict[str, Any]]:
        return self.api("flow_runs/filter", flow_runs={"name": {"any_": [name]}})


def start(home: Path, port: int, **extra: str) -> Service:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    # A Tesseract that the kernel kills, as long as a test wants it.
    programs = home / "bin"
    programs.mkdir(parents=True, exist_ok=True)
    real = shutil.which("tesseract")
    (programs / "tesseract").write_text(
        f'#!/bin/sh\n[ -e "{programs}/no memory" ] && kill -KILL $$\nexec {real} "$@"\n'
    )
    (programs / "tesseract").chmod(0o755)
    process = subprocess.Popen(
        [sys.executable, "-m", "flows.cli", "serve"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={
            **environment,
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
            "NAMBAT_HOME": str(home),
            "NAMBAT_PORT": str(port),
            "NAMBAT_SETTLE": "3",
            "NAMBAT_SETTLE_BROKEN": "5",
            "NAMBAT_RETRY_DELAY": "5",
            "NAMBAT_SWEEP_CRON": "*/7 * * * *",
            **extra,
        },
    )
    assert process.stderr is not None
    said = []
    for line in process.stderr:
        said.append(line)
        if line.startswith("Watch the runs"):
            return Service(home, port, process)
    raise AssertionError(f"the service ended with {process.wait()}: {''.join(said)}")


def wait_until(what: Callable[[], object], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.2)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    # Below the ports that outgoing connections get: one of those could take ours while the service is down.
    port = next(port for port in random.sample(range(20000, 30000), 100) if not is_taken("127.0.0.1", port))
    service = start(tmp_path_factory.mktemp("service"), port)
    yield service
    kill_tree(service.process.pid)


def now() -> str:
    return datetime.now(UTC).isoformat()


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_slow_copy_is_published_once_and_whole(service: Service, tmp_path: Path) -> None:
    data = write_scan(tmp_path / "a.pdf", pages=3).read_bytes()
    target = service.home / "inbox" / "sub" / "Báo cáo tháng.pdf"
    target.parent.mkdir()
    chunk = len(data) // 10 + 1
    with target.open("wb") as file:
        for begin in range(0, len(data), chunk):
            file.write(data[begin : begin + chunk])
            file.flush()
            assert not service.runs("sub/Báo cáo tháng.pdf")
            time.sleep(1)
    wait_until((service.home / "originals/sub/Báo cáo tháng.pdf").exists)
    assert (service.home / "originals/sub/Báo cáo tháng.pdf").read_bytes() == data
    assert files(service.home / "published") == ["sub/Báo cáo tháng.json", "sub/Báo cáo tháng.txt"]
    published = json.loads((service.home / "published/sub/Báo cáo tháng.json").read_text())
    assert published["source"]["pages"] == 3
    assert files(service.home / "inbox") == []

    def completed() -> bool:
        return [run["state_name"] for run in service.runs("sub/Báo cáo tháng.pdf")] == ["Completed"]

    wait_until(completed, 20)
    run = service.runs("sub/Báo cáo tháng.pdf")[0]
    chosen = {"id": {"any_": [run["id"]]}}
    # Task runs and artifacts reach the database a moment after the run has ended.
    wait_until(lambda: len(service.api("task_runs/filter", flow_runs=chosen)) == 4, 30)
    tasks = {one["name"]: one["state_name"] for one in service.api("task_runs/filter", flow_runs=chosen)}
    assert tasks == dict.fromkeys(["page 1 of 3", "page 2 of 3", "page 3 of 3", "publish"], "Completed")
    artifacts = {one["type"]: one for one in service.api("artifacts/filter", flow_runs=chosen)}
    assert set(artifacts) == {"progress", "markdown"}
    assert artifacts["progress"]["data"] == 100
    assert str(service.home / "published/sub/Báo cáo tháng.txt") in artifacts["markdown"]["data"]


def test_a_corrupt_file_goes_to_quarantine_and_the_next_is_published(service: Service, tmp_path: Path) -> None:
    whole = write_scan(tmp_path / "a.pdf").read_bytes()
    (service.home / "inbox" / "hỏng.pdf").write_bytes(whole[: len(whole) // 2])
    note = service.home / "quarantine" / "hỏng.pdf.reason.txt"
    wait_until((service.home / "quarantine" / "hỏng.pdf").exists)
    vietnamese, english, *_ = note.read_text().splitlines()
    assert (service.home / "quarantine" / "hỏng.pdf").read_bytes() == whole[: len(whole) // 2]
    wait_until(lambda: service.runs("hỏng.pdf")[0]["state_type"] == "FAILED", 20)
    assert service.runs("hỏng.pdf")[0]["state"]["message"] == f"{vietnamese} / {english}"
    assert service.runs("hỏng.pdf")[0]["tags"] == ["needs attention", "quarantined"]
    write_scan(service.home / "inbox" / "tốt.pdf")
    wait_until((service.home / "originals" / "tốt.pdf").exists)


def test_retry_in_the_ui_reads_a_quarantined_file_again(service: Service) -> None:
    """The button sets the failed run to be run again; what is still broken fails again, with the same reason."""
    (run,) = service.runs("hỏng.pdf")
    service.api(f"flow_runs/{run['id']}", "PATCH", tags=["put off", "năm 2026"])
    again = {"type": "SCHEDULED", "name": "AwaitingRetry", "state_details": {"scheduled_time": now()}}
    service.api(f"flow_runs/{run['id']}/set_state", state=again, force=False)
    wait_until(lambda: service.runs("hỏng.pdf")[0]["run_count"] == 2)
    wait_until(lambda: service.runs("hỏng.pdf")[0]["state_type"] == "FAILED")
    assert service.runs("hỏng.pdf")[0]["state"]["message"] == run["state"]["message"]
    # Ours are those of the last try; a person's own stay.
    assert service.runs("hỏng.pdf")[0]["tags"] == ["needs attention", "năm 2026", "quarantined"]
    assert files(service.home / "quarantine") == ["hỏng.pdf", "hỏng.pdf.reason.txt"]
    assert files(service.home / "inbox") == []


def test_a_twin_is_a_copy_and_a_new_scan_of_the_name_a_version(service: Service, tmp_path: Path) -> None:
    published, originals = service.home / "published", service.home / "originals"
    data = (originals / "tốt.pdf").read_bytes()
    text = (published / "tốt.txt").read_bytes()
    (service.home / "inbox" / "bản sao.pdf").write_bytes(data)
    wait_until((originals / "bản sao.pdf").exists)
    assert (published / "bản sao.txt").read_bytes() == text
    source = json.loads((published / "bản sao.json").read_text())["source"]
    assert (source["name"], source["copy_of"]) == ("bản sao.pdf", "tốt.pdf")
    assert "copy_of" not in json.loads((published / "tốt.json").read_text())["source"]
    wait_until(lambda: service.runs("bản sao.pdf")[0]["state_type"] == "COMPLETED", 20)
    chosen = {"id": {"any_": [service.runs("bản sao.pdf")[0]["id"]]}}
    assert service.api("task_runs/filter", flow_runs=chosen) == []
    assert service.runs("bản sao.pdf")[0]["tags"] == ["copy"]

    write_scan(service.home / "inbox" / "tốt.pdf", pages=2)
    wait_until((originals / "tốt (2).pdf").exists)
    assert json.loads((published / "tốt.json").read_text())["source"]["pages"] == 2
    assert sorted(path.suffix for path in (service.home / "versions").glob("tốt (*")) == [".json", ".txt"]
    assert next((service.home / "versions").glob("*.txt")).read_bytes() == text


def test_a_trouble_of_the_machine_is_waited_out(service: Service) -> None:
    """A place that cannot be written: the run fails and says when the next one comes; then all is well."""
    (service.home / "published" / "sau").write_text("a file where a folder must be")
    write_scan(service.home / "inbox" / "sau" / "a.pdf")
    wait_until(lambda: [run["state_type"] for run in service.runs("sau/a.pdf")][-1:] == ["FAILED"])
    assert service.runs("sau/a.pdf")[0]["tags"] == ["put off"]
    message = service.runs("sau/a.pdf")[0]["state"]["message"]
    assert "Sẽ thử lại lúc" in message
    assert "Tried again at" in message
    status = subprocess.run(
        [sys.executable, "-m", "flows.cli", "status"],
        capture_output=True,
        text=True,
        env={**os.environ, "NAMBAT_HOME": str(service.home), "COLUMNS": "200"},
    ).stdout
    assert "quarantine 1" in status  # the corrupt file from before
    (service.home / "published" / "sau").unlink()
    wait_until((service.home / "originals" / "sau" / "a.pdf").exists)
    assert files(service.home / "published" / "sau") == ["a.json", "a.txt"]
    wait_until(lambda: "COMPLETED" in [run["state_type"] for run in service.runs("sau/a.pdf")], 20)
    tags = {run["state_type"]: run["tags"] for run in service.runs("sau/a.pdf")}
    assert tags == {"FAILED": ["put off"], "COMPLETED": []}


def test_a_reader_that_is_killed_costs_no_page(service: Service) -> None:
    """As the kernel does when memory runs out: the document is put off, not published with a hole."""
    flag = service.home / "bin" / "no memory"
    flag.touch()
    write_scan(service.home / "inbox" / "bộ nhớ.pdf", pages=2)
    wait_until(lambda: [run["state_type"] for run in service.runs("bộ nhớ.pdf")][-1:] == ["FAILED"])
    (run,) = service.runs("bộ nhớ.pdf")
    assert "was killed" in run["state"]["message"]
    assert run["tags"] == ["put off"]
    assert not (service.home / "published" / "bộ nhớ.txt").exists()
    flag.unlink()
    wait_until((service.home / "originals" / "bộ nhớ.pdf").exists)
    pages = json.loads((service.home / "published" / "bộ nhớ.json").read_text())["pages"]
    assert [page.get("error") for page in pages] == [None, None]


def test_a_scan_mended_in_quarantine_is_read_by_the_run_that_is_retried(service: Service) -> None:
    whole = write_scan(service.home / "mended.pdf", pages=3).read_bytes()
    (service.home / "inbox" / "sửa.pdf").write_bytes(whole[: len(whole) // 2])
    wait_until((service.home / "quarantine" / "sửa.pdf").exists)
    wait_until(lambda: service.runs("sửa.pdf")[0]["state_type"] == "FAILED", 20)
    (run,) = service.runs("sửa.pdf")
    (service.home / "quarantine" / "sửa.pdf").write_bytes(whole)
    again = {"type": "SCHEDULED", "name": "AwaitingRetry", "state_details": {"scheduled_time": now()}}
    service.api(f"flow_runs/{run['id']}/set_state", state=again, force=False)
    wait_until((service.home / "originals" / "sửa.pdf").exists)
    wait_until(lambda: [one["state_type"] for one in service.runs("sửa.pdf")] == ["COMPLETED"], 30)
    assert not (service.home / "quarantine" / "sửa.pdf.reason.txt").exists()


def test_hostile_files_do_not_stop_the_line(service: Service) -> None:
    """One of each class; all of them are `benchmarks/chaos.py hostile`."""
    chosen = {one.kind: one for one in bad_inputs() if len(one.ends) == 1}
    assert len(chosen) == 8
    for number, one in enumerate(chosen.values()):
        (service.home / "inbox" / one.name).write_bytes(one.make())
        (service.home / "inbox" / f"sau {number}.pdf").write_bytes(
            good_pdf(image=strip().crop((0, 0, 1000 - number, 200)))
        )
    for number in range(len(chosen)):
        wait_until((service.home / "originals" / f"sau {number}.pdf").exists, 180)
    for one in chosen.values():
        place = "quarantine" if one.ends == {"refused"} else "originals"
        wait_until((service.home / place / one.name).exists, 180)
    assert service.process.poll() is None


def test_logs_hold_no_text_of_documents(service: Service) -> None:
    """What was read stays out of the logs: words of the page, and of its corrections."""
    words = {
        word
        for path in (service.home / "published").rglob("*.txt")
        for word in path.read_text().split()
        if len(word) > 3
    }
    assert {"NHÂN", "NGHĨA"} <= words
    entries = service.api("logs/filter", limit=200, logs={"level": {"ge_": 0}})
    messages = [entry["message"] for entry in entries] + (service.home / "prefect/server.log").read_text().splitlines()
    assert any("words" in message for message in messages)
    assert not [message for message in messages if words & set(message.split())]


def test_the_schedule_shows_what_is_coming(service: Service) -> None:
    (deployment,) = [one for one in service.api("deployments/filter") if one["schedules"]]
    assert deployment["entrypoint"] == "flows.ingest.sweep"
    assert "Looks at the inbox on a schedule" in deployment["description"]
    assert deployment["schedules"][0]["schedule"]["timezone"] == "Asia/Ho_Chi_Minh"

    def coming() -> list[dict[str, Any]]:
        chosen = {"state": {"type": {"any_": ["SCHEDULED"]}}, "deployment_id": {"any_": [deployment["id"]]}}
        return service.api("flow_runs/filter", flow_runs=chosen)

    wait_until(lambda: len(coming()) >= 3, 60)


def test_a_sweep_takes_what_the_watcher_did_not_see(service: Service, tmp_path: Path) -> None:
    (deployment,) = [one for one in service.api("deployments/filter") if one["schedules"]]
    run = service.api(f"deployments/{deployment['id']}/create_flow_run", state={"type": "SCHEDULED"})
    wait_until(
        lambda: service.api("flow_runs/filter", flow_runs={"id": {"any_": [run["id"]]}})[0]["state_type"] == "COMPLETED"
    )


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
        env={name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")},
    )
    assert done.returncode == 1
    assert f"port {service.port}" in done.stderr


def test_killed_and_stopped_services_hand_files_back_and_the_next_goes_on(service: Service) -> None:
    """kill -9, then a new service, then SIGTERM while it works, then another one that ends the work."""
    write_scan(service.home / "inbox" / "dài.pdf", pages=30)

    def pages_read() -> int:
        return len(list((service.home / "working/.progress").glob("*/0*.json")))

    wait_until(lambda: pages_read() >= 2)
    service.process.kill()
    service.process.wait()
    service = start(service.home, service.port)
    try:
        before = pages_read()
        assert before >= 2
        wait_until(lambda: pages_read() > before)
        family = descendants(service.process.pid)
        began = time.monotonic()
        service.process.send_signal(signal.SIGTERM)
        assert service.process.wait(timeout=30) == 0
        assert time.monotonic() - began < 10
        # A process that was told to stop may need a moment more to be gone from the list.
        wait_until(lambda: not [pid for pid in family if is_running(pid)], 15)
        assert files(service.home / "inbox") == ["dài.pdf"]
        assert not list((service.home / "working").glob("2*"))
    finally:
        kill_tree(service.process.pid)
    service = start(service.home, service.port)
    try:
        wait_until((service.home / "originals" / "dài.pdf").exists)
        data = json.loads((service.home / "published" / "dài.json").read_text())
        assert [page["number"] for page in data["pages"]] == list(range(1, 31))
        wait_until(lambda: "Completed" in [run["state_name"] for run in service.runs("dài.pdf")], 60)
        states = [run["state_name"] for run in service.runs("dài.pdf")]
        assert states.count("Crashed") == 2
        assert files(service.home / "inbox") == []
        assert "dài.pdf" not in files(service.home / "quarantine")
    finally:
        kill_tree(service.process.pid)


def test_nothing_listens_in_the_open_without_a_password(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    done = subprocess.run(
        [sys.executable, "-m", "flows.cli", "serve", "--home", str(tmp_path / "home"), "--host", "0.0.0.0"],
        capture_output=True,
        text=True,
        timeout=60,
        env=environment,
    )
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "PREFECT_SERVER_API_AUTH_STRING" in done.stderr


def test_a_password_keeps_strangers_out_and_lets_our_runs_in(tmp_path: Path) -> None:
    port = next(port for port in random.sample(range(20000, 30000), 100) if not is_taken("127.0.0.1", port))
    service = start(tmp_path / "home", port, PREFECT_SERVER_API_AUTH_STRING="van-thu:mat-khau")

    def status(path: str, secret: str | None = None) -> int:
        request = urllib.request.Request(f"http://127.0.0.1:{port}{path}")
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
        kill_tree(service.process.pid)
