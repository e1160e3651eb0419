"""prefect.yaml: Prefect's own models take it, its command line deploys it, and no parameter leads out of the home."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from importlib.resources import files as packaged
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from benchmarks.chaos import OtherServer
from flows.host.moves import Gone
from flows.intake.claims import check_id
from flows.service.prefect_server import local_api
from tests.kernel import needs_proc
from tests.scans import write_scan
from tests.service import ROOT, Service, Worker, clean_environment, free_port
from tests.test_serve import QUICK, files, start_again, wait_until

FILE = yaml.safe_load((ROOT / "prefect.yaml").read_text())


def fields(model: type[BaseModel]) -> set[str]:
    """What a model of Prefect's knows; what it does not, it leaves out without a word."""
    return {field.alias or name for name, field in model.model_fields.items()}


def test_it_is_as_prefects_own_models_want_it() -> None:
    from prefect.cli.deploy._models import DeploymentConfig, PrefectYamlModel, RawScheduleConfig, WorkPoolConfig

    read = PrefectYamlModel.model_validate(FILE)
    assert set(FILE) <= fields(PrefectYamlModel) | {"definitions"}
    for written, one in zip(FILE["deployments"], read.deployments, strict=True):
        assert set(written) <= fields(DeploymentConfig)
        assert set(written["work_pool"]) <= fields(WorkPoolConfig)
        assert all(isinstance(schedule, RawScheduleConfig) for schedule in one.schedules or [])
        assert all(schedule["timezone"] == "Asia/Ho_Chi_Minh" for schedule in written.get("schedules", []))
    full = [(one.entrypoint, one.name) for one in read.deployments]
    assert len(full) == len(set(full))
    assert FILE["pull"] == FILE["build"] == FILE["push"] == []


def test_entrypoints_are_flows_and_parameters_are_described() -> None:
    from prefect.flows import load_flow_from_entrypoint

    for one in FILE["deployments"]:
        flow = load_flow_from_entrypoint(one["entrypoint"], use_placeholder_flow=False)
        assert set(one.get("parameters", {})) <= set(flow.parameters.properties)
        assert all(about.get("description") for about in flow.parameters.properties.values())


def test_job_variables_are_those_of_a_docker_pool() -> None:
    """Held against the template that Prefect itself brings for pools of that type; prefect-docker is not installed."""
    from jsonschema import Draft202012Validator

    brought = packaged("prefect.server.api.collections_data.views") / "aggregate-worker-metadata.json"
    template = json.loads(brought.read_text())["prefect-docker"]["docker"]["default_base_job_configuration"]
    for one in FILE["deployments"]:
        variables = one["work_pool"].get("job_variables", {})
        assert set(variables) <= set(template["variables"]["properties"])
        assert list(Draft202012Validator(template["variables"]).iter_errors(variables)) == []
    assert any(one["work_pool"].get("job_variables") for one in FILE["deployments"])


@given(st.text())
def test_only_ids_that_we_make_name_a_claim(text: str) -> None:
    try:
        assert check_id(text) == text
    except Gone:
        return
    assert not {"/", ".", "\0"} & set(text)


class Deployed:
    """A Prefect server to which prefect.yaml was deployed, by Prefect's command line."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.server = OtherServer(folder / "prefect", self.port, folder)
        self.api = local_api("127.0.0.1", self.port)
        self.folder = folder

    def prefect(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "prefect", "--no-prompt", *arguments],
            capture_output=True,
            text=True,
            timeout=240,
            cwd=ROOT,
            env=clean_environment(PREFECT_API_URL=self.api, PREFECT_HOME=str(self.folder / "client")),
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    made = Deployed(tmp_path_factory.mktemp("deployed"))
    try:
        made.prefect("work-pool", "create", "nambat", "--type", "process")
        made.prefect("work-pool", "create", "nambat-docker", "--type", "docker")
        made.prefect("deploy", "--all")
        yield made
    finally:
        made.server.stop()


@pytest.mark.slow
@pytest.mark.timeout(600)
@needs_proc
def test_prefects_command_line_deploys_it_and_no_path_gets_in(deployed: Deployed, tmp_path: Path) -> None:
    asks = Service(tmp_path, tmp_path / "log", port=deployed.port)
    found = asks.api("deployments/filter")
    assert sorted(one["name"] for one in found) == sorted(one["name"] for one in FILE["deployments"])
    for one in found:
        assert (one["path"], one["pull_steps"]) == (None, [])
        assert one["description"]
        assert all(about["description"] for about in one["parameter_openapi_schema"]["properties"].values())
        assert not any(schedule["active"] for schedule in one["schedules"])
    told = json.dumps(found)
    assert str(ROOT) not in told
    assert str(Path.home()) not in told


HOSTILE = (
    *("/etc/passwd", "../../etc/passwd", "originals/../../../etc/passwd", "/proc/self/environ", "file:///etc/passwd"),
    *(
        "working/.home.json",
        "prefect/prefect.db",
        "inbox/chờ.pdf",
        "published/a.json",
        "a\0b",
        "~/a.pdf",
        "$HOME/a",
        "",
    ),
    *("liên kết/passwd", "liên kết.pdf", "quarantine/a.pdf", "{{ secret }}", "." * 5000),
)
"""Paths that must not be read: outside of the home, ours, or by way of a link."""


@pytest.mark.slow
@pytest.mark.timeout(900)
@needs_proc
def test_no_parameter_of_a_run_leads_out_of_the_home(deployed: Deployed, tmp_path: Path) -> None:
    """Through the server, a real worker and the real flows, for the deployments of the file."""
    service = Service(
        tmp_path / "home", tmp_path / "log", {**QUICK, "PREFECT_API_URL": deployed.api, "NAMBAT_POOL": "nambat"}
    )
    service.port = deployed.port
    worker = Worker(service, "máy", tmp_path / "worker.log", options=("--limit", "2"))
    start_again(service)
    try:
        home = service.home
        (home / "liên kết").symlink_to("/etc")
        (home / "liên kết.pdf").symlink_to("/etc/passwd")
        write_scan(home / "khác" / "được.pdf")
        before = {name: seen(home, name) for name in ("originals", "published", "quarantine")}
        worker.start()
        worker.wait_until_ready()
        ids = {one["name"]: one["id"] for one in service.api("deployments/filter")}
        runs = [ask(service, ids["nambat-read"], path=path) for path in HOSTILE if "\0" not in path]
        for claim in ("../../etc", "/etc/passwd", "20260101-000000-00000000/../..", "", "x\ny"):
            runs.append(ask(service, ids["nambat-ingest"], name="../../etc/passwd", claim=claim))
        for source in ("/etc", "../..", "liên kết", "working", "/proc/self", "s3://x/y", ""):
            runs.append(ask(service, ids["nambat-batch"], source=source))
        for batch in ("../../etc", "/etc", "", "20260101-000000-00000000"):
            runs.append(ask(service, ids["nambat-batch-part"], batch=batch, part=1))
        for where in ("", "/etc/passwd", "pages > 0; drop table", "published/../../etc", "{{ secret }}", "." * 5000):
            runs.append(ask(service, ids["nambat-reprocess"], where=where))
        runs.append(ask(service, ids["nambat-reprocess"], since="../../etc"))
        wait_until(lambda: all(state(service, run) in ("FAILED", "CANCELLED") for run in runs), 300)
        assert {name: seen(home, name) for name in before} == before
        assert not service.store.open_claims()
        good = ask(service, ids["nambat-read"], path="khác/được.pdf")
        wait_until(lambda: state(service, good) == "COMPLETED", 60)
        assert (home / "published" / "khác" / "được.txt").exists()
    finally:
        worker.kill()
        service.end()


def seen(home: Path, name: str) -> list[str]:
    return files(home / name)


@pytest.mark.slow
@pytest.mark.timeout(600)
@needs_proc
def test_published_scans_are_read_again_by_a_worker(deployed: Deployed, tmp_path: Path) -> None:
    settings = {**QUICK, "PREFECT_API_URL": deployed.api, "NAMBAT_POOL": "nambat"}
    service = Service(tmp_path / "home", tmp_path / "log", settings, port=deployed.port)
    worker = Worker(service, "máy", tmp_path / "worker.log")
    start_again(service)
    try:
        worker.start()
        worker.wait_until_ready()
        write_scan(service.home / "inbox" / "được.pdf")
        record = service.home / "published" / "được.json"
        wait_until(record.exists, 120)
        made = json.loads(record.read_text())["source"]["made_with"]
        ids = {one["name"]: one["id"] for one in service.api("deployments/filter")}

        def ended(**parameters: str | bool) -> str:
            run = ask(service, ids["nambat-reprocess"], **parameters)
            wait_until(lambda: state(service, run) in ("COMPLETED", "FAILED"), 90)
            return str(service.api(f"flow_runs/{run}", "GET")["state"]["message"])

        assert "0 documents" in ended(where="pages > 0")  # this version has read it
        record.write_text(record.read_text().replace(made, "khác"))
        assert "1 document, 1 page" in ended(where="pages > 0", dry_run=True)
        assert "0 documents" in ended(where="pages > 1")
        assert json.loads(record.read_text())["source"]["made_with"] == "khác"
        assert "1 document, 1 page" in ended(where="pages > 0")
        wait_until(lambda: json.loads(record.read_text())["source"]["made_with"] == made, 120)
        assert files(service.home / "originals") == ["được.pdf"]
        assert files(service.home / "quarantine") == []
    finally:
        worker.kill()
        service.end()


def ask(service: Service, deployment: str, **parameters: str | int) -> str:
    """Start a run as the UI's form does; its id."""
    run = service.api(
        f"deployments/{deployment}/create_flow_run", "POST", state={"type": "SCHEDULED"}, parameters=parameters
    )
    return str(run["id"])


def state(service: Service, run: str) -> str:
    found: dict[str, Any] = service.api(f"flow_runs/{run}", "GET")
    return str(found["state_type"])
