"""Batches as users run them: on the command line, and by a real service with its Prefect server."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flows.batch.leases import Leases
from flows.batch.plan import source_of
from flows.batch.storage import open_home
from flows.batch.under_way import all_open, all_with_given_up, find_open
from flows.settings import load
from tests.intake import OTHER
from tests.kernel import needs_proc
from tests.scans import write_scan
from tests.service import ROOT, Service, clean_environment
from tests.waiting import wait_until

pytestmark = [pytest.mark.timeout(420), needs_proc]


def nambat(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "flows.cli", *arguments],
        env=clean_environment(PYTHONPATH=str(ROOT), **({"NAMBAT_JOBS": "2"} | settings)),
        capture_output=True,
        text=True,
        timeout=200,
    )


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("archive") / "Lưu trữ"
    write_scan(root / "1998" / "Báo cáo.pdf", 2)
    write_scan(root / "1999" / "b.tif")
    (root / "1999" / "hỏng.pdf").write_bytes(b"no scan")
    return root


PUBLISHED = ["1998/Báo cáo.json", "1998/Báo cáo.txt", "1999/b.tif.json", "1999/b.tif.txt"]


def published(home: Path, archive: Path) -> list[str]:
    root = home / "published" / archive.name
    return sorted(os.fspath(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def test_without_a_service_a_batch_is_read_here_and_can_be_repeated(archive: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    settings = {"NAMBAT_HOME": str(home), "NAMBAT_READ_ROOTS": str(archive)}
    first = nambat("batch", str(archive), **settings)
    assert (first.returncode, first.stdout) == (1, "")
    (line,) = first.stderr.splitlines()
    assert line.startswith("nambat: Lưu trữ/1999/hỏng.pdf: not published: The file is not a PDF")
    assert published(home, archive) == PUBLISHED
    made = {path: path.stat().st_mtime_ns for path in (home / "published").rglob("*.json")}
    again = nambat("batch", str(archive / "1998"), **settings)
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")
    assert {path: path.stat().st_mtime_ns for path in made} == made
    log = (home / "logs/nambat.log").read_text().splitlines()
    assert [line.split(": ")[1:3] for line in log if "Báo cáo" in line] == [
        ["published", "Lưu trữ/1998/Báo cáo.pdf"],
        ["there", "Lưu trữ/1998/Báo cáo.pdf"],
    ]
    assert len(log) == 4  # a line a document, and none a page


def test_what_is_no_source_is_said(tmp_path: Path) -> None:
    found = nambat("batch", "/etc", NAMBAT_HOME=str(tmp_path / "home"))
    assert found.returncode == 1
    assert "NAMBAT_READ_ROOTS" in found.stderr
    assert len(found.stderr.splitlines()) == 1


@pytest.fixture(scope="module")
def service(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("service")
    settings = {"NAMBAT_READ_ROOTS": str(archive), "NAMBAT_RESCAN": "2", "NAMBAT_RETRY_DELAY": "1", "NAMBAT_JOBS": "2"}
    running = Service(folder / "home", folder / "log", settings)
    with running.running():
        yield running


def part_runs(service: Service) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = service.api("flow_runs/filter", flows={"name": {"any_": ["batch_part"]}})
    return sorted(found, key=lambda run: str(run["created"]))


@pytest.mark.slow
def test_a_batch_is_one_run_and_no_task_a_page(service: Service, archive: Path) -> None:
    deployment = service.api("deployments/name/batch/nambat-batch", "GET")["id"]
    run = service.api(f"deployments/{deployment}/create_flow_run", parameters={"source": str(archive)})
    wait_until(lambda: [one["state_type"] for one in part_runs(service)] == ["COMPLETED"])
    assert published(service.home, archive) == PUBLISHED
    (planned,) = service.api("flow_runs/filter", flow_runs={"id": {"any_": [run["id"]]}})
    assert (planned["state_type"], planned["state"]["message"]) == ("COMPLETED", "3 documents in 1 part")
    (part,) = part_runs(service)
    chosen = {"id": {"any_": [part["id"]]}}
    assert service.api("task_runs/filter", flow_runs=chosen) == []
    artifacts = {one["type"]: one["data"] for one in service.api("artifacts/filter", flow_runs=chosen)}
    assert set(artifacts) == {"progress", "markdown"}
    assert r"hỏng\.pdf" in artifacts["markdown"]
    assert "needs attention" in part["tags"]


@pytest.mark.slow
def test_a_path_that_leads_elsewhere_is_refused(service: Service) -> None:
    for name, parameters in (
        ("batch/nambat-batch", {"source": "/etc"}),
        ("batch_part/nambat-batch-part", {"batch": "../../etc", "part": 1}),
    ):
        deployment = service.api(f"deployments/name/{name}", "GET")["id"]
        run = service.api(f"deployments/{deployment}/create_flow_run", parameters=parameters)["id"]

        def state(run: str = run) -> Any:
            return service.api("flow_runs/filter", flow_runs={"id": {"any_": [run]}})[0]["state"]

        wait_until(lambda: state()["type"] in ("FAILED", "CRASHED", "COMPLETED"))
        assert state()["type"] == "FAILED"
        assert "NAMBAT_READ_ROOTS" in state()["message"] or "no batch run" in state()["message"]


@pytest.mark.slow
def test_a_service_that_is_killed_in_the_middle_goes_on_with_the_batch(service: Service, archive: Path) -> None:
    for number in range(6):
        write_scan(archive / "2000" / f"{number}.pdf", 2)
    before = len(part_runs(service))
    found = nambat("batch", str(archive / "2000"), NAMBAT_HOME=str(service.home), NAMBAT_READ_ROOTS=str(archive))
    assert found.returncode == 0, found.stderr
    assert found.stdout.startswith("The service reads 6 documents in 1 part: batch ")
    folder = service.home / "published" / archive.name / "2000"
    wait_until(lambda: folder.exists() and any(folder.glob("*.json")))
    assert service.process is not None
    service.process.send_signal(signal.SIGKILL)
    service.process.wait()
    service.start()
    service.wait_until_ready()
    wait_until(lambda: len(list(folder.glob("*.json"))) == 6, 400)
    assert not (service.home / "quarantine" / archive.name / "2000").exists()
    data = json.loads((folder / "0.json").read_text())
    assert data["source"]["pages"] == 2
    assert len(part_runs(service)) > before
    leases = service.home / "working" / ".leases"
    wait_until(lambda: not list(leases.glob("*.json")), 60)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_part_that_was_given_up_is_tried_again(archive: Path, tmp_path: Path) -> None:
    """By "Retry" in the UI, and from the command line."""
    root = tmp_path / "kho"
    write_scan(root / "a.pdf")
    told = {"NAMBAT_READ_ROOTS": str(root), "NAMBAT_RESCAN": "1", "NAMBAT_RETRIES": "0", "NAMBAT_JOBS": "1"}
    service = Service(tmp_path / "home", tmp_path / "log", told)
    with service.running():
        settings = load(home=service.home, read_roots=str(root))
        home, source = open_home(settings), source_of(str(root), settings)
        stored = source.open(settings).look("a.pdf")
        assert stored is not None
        published = service.home / "published" / "kho" / "a.json"
        for number in (1, 2):
            with Leases(home, settings, OTHER) as others:
                assert others.take(source.address, "a.pdf", stored.tag) is not None
                asked = nambat("batch", str(root), NAMBAT_HOME=str(service.home), **told)
                assert asked.returncode == 0, asked.stderr
                wait_until(lambda: all_with_given_up(settings.folders), 90)
            shown = nambat("status", NAMBAT_HOME=str(service.home), **told).stdout
            assert "1 of 1 parts were given up" in shown
            (batch,) = all_with_given_up(settings.folders)
            assert batch.id in shown
            assert not published.exists()
            run = part_runs(service)[-1]
            if number == 1:
                state = {"type": "SCHEDULED", "name": "AwaitingRetry"}
                service.api(f"flow_runs/{run['id']}/set_state", "POST", state=state, force=True)
            else:
                again = nambat("batch", "--again", batch.id, NAMBAT_HOME=str(service.home), **told)
                assert (again.returncode, again.stderr) == (0, "")
            wait_until(lambda: not [*all_open(settings.folders), *all_with_given_up(settings.folders)], 90)
            found = find_open(settings.folders, batch.id)
            assert found is not None and found.is_done and found.parts_over == 1
            assert published.exists()
            published.unlink()
        assert len(part_runs(service)) == 3  # one of them twice


def test_nothing_that_was_given_up_is_said(tmp_path: Path) -> None:
    for more in ((), ("20260101-000000-00000000",), ("../../etc",)):
        found = nambat("batch", "--again", *more, NAMBAT_HOME=str(tmp_path / "home"))
        assert (found.returncode, found.stdout) == (1, "")
        assert "no part was given up" in found.stderr
    assert nambat("batch", NAMBAT_HOME=str(tmp_path / "home")).returncode == 2
