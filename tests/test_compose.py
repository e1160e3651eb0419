"""compose.yaml and the units of systemd: what they name exists, nothing in them is open or without bounds.

``python -m benchmarks.compose_by_hand`` starts what compose.yaml says; the long test here has it do so.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.compose_by_hand import image_environment, order, read_services
from flows.service.prefect_server import prefect_environment
from flows.settings import Settings, load
from tests.service import ROOT, clean_environment

FILE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES = read_services()
LASTING = {name for name, one in SERVICES.items() if one["restart"] != "no"}
"""Services that run until they are stopped."""

PLAIN = st.text(alphabet=st.sampled_from("abcXYZ019._~-"), min_size=1)


def prefects_names() -> set[str]:
    """Environment variables that Prefect, and its Redis messaging, know."""
    from prefect.settings.legacy import _get_valid_setting_names
    from prefect.settings.models.root import Settings as PrefectSettings
    from prefect_redis.client import RedisMessagingSettings

    redis = {f"PREFECT_REDIS_MESSAGING_{name.upper()}" for name in RedisMessagingSettings.model_fields}
    return set(_get_valid_setting_names(PrefectSettings)) | redis


def docker_compose() -> list[str] | None:
    """Words that begin a command of Docker Compose 2, if it is here; it needs no Docker to look at a file."""
    for words in (["docker", "compose"], ["docker-compose"]):
        if shutil.which(words[0]):
            said = subprocess.run([*words, "version", "--short"], capture_output=True, text=True)
            if said.returncode == 0 and re.match(r"v?[2-9]", said.stdout.strip()):
                return words
    return None


@pytest.mark.equipped
def test_docker_compose_takes_the_file(tmp_path: Path) -> None:
    words = docker_compose()
    if words is None:
        pytest.skip("no Docker Compose 2 here")
    done = subprocess.run([*words, "-f", ROOT / "compose.yaml", "config", "--quiet"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", SERVICES)
def test_a_container_has_no_more_than_it_needs(name: str) -> None:
    service = SERVICES[name]
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", service["user"])  # never root
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert not {"cap_add", "privileged", "network_mode", "pid", "ipc", "devices"} & set(service)
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert re.fullmatch(r"\d+[mg]", service["mem_limit"])
    assert service["pids_limit"] > 0
    assert service["logging"]["options"]["max-size"]
    if name in LASTING:
        assert service["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL")
        assert service["restart"] == "unless-stopped"
        assert service["stop_grace_period"]


def test_nothing_is_published_beyond_this_machine() -> None:
    ports = [port for one in SERVICES.values() for port in one.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)
    assert len({port.split(":")[1] for port in ports}) == len(ports)
    assert FILE["networks"]["stores"]["internal"] is True
    for name in ("postgres", "redis"):
        assert SERVICES[name]["networks"] == ["stores"]
        assert "ports" not in SERVICES[name]


def test_secrets_are_files_and_every_one_is_used() -> None:
    named = {name for one in SERVICES.values() for name in one.get("secrets", [])}
    assert named == set(FILE["secrets"])
    assert all(set(about) == {"file"} for about in FILE["secrets"].values())
    for one in SERVICES.values():
        for variable, value in one.get("environment", {}).items():
            is_secret = re.search(r"PASSWORD|AUTH|SECRET|TOKEN|KEY|CONNECTION_URL", variable)
            assert not is_secret or variable == "NAMBAT_NO_PASSWORD" or str(value).startswith("/run/secrets/"), variable
            assert not re.search(r"//[^/@\s]*:[^/@\s]*@", str(value)), variable
    ignored = (ROOT / ".gitignore").read_text().splitlines()
    folders = {f"/{Path(about['file']).parts[0]}/" for about in FILE["secrets"].values()}
    assert folders <= set(ignored)


def test_every_variable_is_one_that_somebody_knows() -> None:
    ours = {f"NAMBAT_{name.upper()}" for name in Settings.model_fields}
    theirs = prefects_names()
    filled_in = re.findall(r"\$\{(\w+)", (ROOT / "compose.yaml").read_text())
    assert {variable for variable in filled_in if variable.startswith("NAMBAT_")} <= ours
    for name, one in SERVICES.items():
        given = one.get("environment", {})
        assert {variable for variable in given if variable.startswith("NAMBAT_")} <= ours, name
        assert {variable for variable in given if variable.startswith("PREFECT_")} <= theirs, name
        assert all(isinstance(value, str) for value in given.values()), name  # YAML's true is not Prefect's


def test_the_server_is_as_nambat_would_have_its_own() -> None:
    """But for looks that save a processor while nothing happens, and what several processes need."""
    folders = load(home=Path("/data")).folders
    wanted = {name: value for name, value in prefect_environment(folders, {}).items() if "_LOOP_SECONDS" not in name}
    left_out = {
        *("PREFECT_HOME", "PREFECT_SERVER_EVENTS_PROACTIVE_GRANULARITY", "PREFECT_API_BLOCKS_REGISTER_ON_START"),
        *(name for name in wanted if name.startswith(("PREFECT_CLI", "PREFECT_CLIENT", "PREFECT_LOGGING"))),
    }
    for name in ("prepare", "api", "api-more", "background"):
        has = SERVICES[name]["environment"]
        assert {one: has.get(one) for one in wanted if one not in left_out} == {
            one: value for one, value in wanted.items() if one not in left_out
        }


def test_service_and_workers_share_one_home() -> None:
    service, worker = SERVICES["nambat"], SERVICES["worker"]
    for name in ("NAMBAT_HOME", "NAMBAT_POOL", "PREFECT_API_URL"):
        assert service["environment"][name] == worker["environment"][name]
    home = f"home:{service['environment']['NAMBAT_HOME']}"
    assert [home] == service["volumes"] == worker["volumes"]
    grace = float(worker["environment"]["NAMBAT_WORKER_GRACE"])
    # What is at work may go on for so long; then two times five seconds to hand it back (flows.service.worker).
    assert float(worker["stop_grace_period"].removesuffix("s")) >= grace + 15
    assert float(worker["cpus"]) == float(worker["environment"]["NAMBAT_JOBS"])


def test_nobody_waits_for_one_that_waits_for_him() -> None:
    assert len(order(SERVICES)) == len(SERVICES)


def test_the_image_has_what_the_file_asks_of_it() -> None:
    dockerfile, sent = (ROOT / "Dockerfile").read_text(), (ROOT / ".dockerignore").read_text().splitlines()
    assert image_environment()["NAMBAT_HOME"] == SERVICES["nambat"]["environment"]["NAMBAT_HOME"]
    lock = SERVICES["prepare"]["build"]["args"]["LOCK"]
    assert (ROOT / lock).is_file()
    assert "ARG LOCK=requirements.lock" in dockerfile
    for line in re.findall(r"^COPY (.+) \S+$", dockerfile.replace("${LOCK}", lock), re.M):
        assert {f"!{one}" for one in line.split()} <= set(sent)
    builds = [name for name, one in SERVICES.items() if "build" in one]
    assert builds == ["prepare"]  # the image is made once


# -- secrets ----------------------------------------------------------------------------------------------------------


def with_secrets(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = clean_environment(CREDENTIALS_DIRECTORY=str(folder), REDIS_HOST="redis")
    command = [ROOT / "deploy/with-secrets", *words]
    return subprocess.run(command, capture_output=True, text=True, env=environment)


def test_passwords_become_what_prefect_looks_for(tmp_path: Path) -> None:
    for name in ("database", "redis", "prefect"):
        (tmp_path / f"{name}_password").write_text(f"{name}-1\n")
    done = with_secrets(tmp_path, "env")
    told = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
    assert told["PREFECT_SERVER_DATABASE_PASSWORD"] == "database-1"
    assert told["PREFECT_REDIS_MESSAGING_URL"] == "redis://:redis-1@redis:6379/0"
    assert told["PREFECT_SERVER_DOCKET_URL"] == "redis://:redis-1@redis:6379/1"
    assert told["PREFECT_SERVER_API_AUTH_STRING"] == told["PREFECT_API_AUTH_STRING"] == "nambat:prefect-1"
    assert {name for name in told if name.startswith("PREFECT_")} <= prefects_names()
    assert not {"secret", "redis"} & set(told)


def test_without_secrets_nothing_is_set(tmp_path: Path) -> None:
    done = with_secrets(tmp_path, sys.executable, "-c", "import sys; print(sys.argv[1:]); sys.exit(7)", "một hai", "*")
    assert (done.returncode, done.stdout) == (7, "['một hai', '*']\n")
    assert "PREFECT_" not in with_secrets(tmp_path, "env").stdout


@settings(max_examples=40)  # each starts a shell
@given(st.text().filter(lambda text: not re.fullmatch(r"[A-Za-z0-9._~-]+\n*", text) and "\0" not in text))
def test_a_password_that_would_spoil_an_address_is_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    folder = tmp_path_factory.mktemp("secrets")
    (folder / "redis_password").write_bytes(text.encode("utf-8", "surrogatepass"))
    done = with_secrets(folder, "env")
    assert (done.returncode, done.stdout) == (78, "")
    assert "redis_password: write one password of letters" in done.stderr


@settings(max_examples=20)
@given(PLAIN)
def test_any_other_password_is_taken(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    folder = tmp_path_factory.mktemp("secrets")
    (folder / "redis_password").write_text(text)
    assert f"PREFECT_SERVER_DOCKET_URL=redis://:{text}@redis:6379/1\n" in with_secrets(folder, "env").stdout


# -- systemd ----------------------------------------------------------------------------------------------------------

UNITS = sorted((ROOT / "deploy/systemd").glob("*.service"))


def settings_of(unit: Path) -> dict[str, str]:
    return dict(line.split("=", 1) for line in unit.read_text().splitlines() if "=" in line and line[0] not in "#[")


@pytest.mark.equipped
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_takes_the_units(unit: Path, tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("no systemd-analyze here")
    # It looks whether the program is there.
    text = unit.read_text().replace("/opt/nambat/.venv/bin/nambat", sys.executable)
    written = tmp_path / unit.name
    written.write_text(text)
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", written], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_may_write_to_its_home_only(unit: Path) -> None:
    told = settings_of(unit)
    assert told["ProtectSystem"] == "strict"
    assert told["ReadWritePaths"] == told["RequiresMountsFor"] == told["WorkingDirectory"]
    example = settings_of(ROOT / "deploy/systemd/nambat.env")
    assert example["NAMBAT_HOME"] == told["ReadWritePaths"]
    assert told["NoNewPrivileges"] == told["PrivateTmp"] == "yes"
    assert told["CapabilityBoundingSet"] == ""
    assert told["User"] == told["Group"] == "nambat"
    assert told["MemoryMax"] and told["TasksMax"]
    assert told["Restart"] == "on-failure"
    is_worker = "@" in unit.name
    least = Settings.model_fields["worker_grace"].default + 15 if is_worker else 15
    assert float(told["TimeoutStopSec"]) >= least


def test_the_example_names_settings() -> None:
    names = re.findall(r"^#?((?:NAMBAT|PREFECT)_\w+)=", (ROOT / "deploy/systemd/nambat.env").read_text(), re.M)
    assert set(names) <= {f"NAMBAT_{name.upper()}" for name in Settings.model_fields} | prefects_names()


# -- by hand ----------------------------------------------------------------------------------------------------------


@pytest.mark.longest
@pytest.mark.timeout(1500)
def test_what_the_file_says_reads_scans_and_loses_nothing() -> None:
    """PostgreSQL, Redis, the API, its services, nambat and two workers, each as its container would be."""
    command = [sys.executable, "-m", "benchmarks.compose_by_hand", "--scans", "4", "--workers", "2", "--apis", "2"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=clean_environment())
    if done.returncode == 77:
        pytest.skip(done.stdout.strip())
    assert done.returncode == 0, done.stdout + done.stderr
