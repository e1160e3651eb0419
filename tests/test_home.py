"""The name of a home on a shared server, and what a copy of a home's folders must not touch."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast
from uuid import UUID, uuid4

import pytest
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import DeploymentScheduleCreate
from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.responses import DeploymentResponse
from prefect.client.schemas.schedules import CronSchedule, IntervalSchedule
from prefect.states import Cancelled, Cancelling, Pending, Running, State

from flows.host import heartbeat
from flows.host.names import dashed
from flows.intake.claims import ClaimStore
from flows.service import deployments, record
from flows.service.home import name_home
from flows.service.leftovers import disown_all, end_runs
from flows.settings import Folders, load
from tests.intake import take_one


def made(home: Path) -> Folders:
    folders = load(home=home).folders
    folders.make()
    return folders


@pytest.mark.parametrize(
    ("name", "plain"),
    [("Văn thư", "van-thu"), ("nambat-data", "nambat-data"), ("../x", "x"), ("数据", "shu-ju"), ("!!!", ""), ("", "")],
)
def test_names_in_plain_letters(name: str, plain: str) -> None:
    assert dashed(name) == plain


def test_a_home_keeps_its_name(tmp_path: Path) -> None:
    name, is_copy = name_home(made(tmp_path / "Văn thư"))
    assert name.startswith("van-thu-")
    assert not is_copy
    assert name_home(made(tmp_path / "Văn thư")) == (name, False)
    (tmp_path / "Văn thư").rename(tmp_path / "moved")
    assert name_home(made(tmp_path / "moved")) == (name, False)
    assert name_home(made(tmp_path / "b" / "Văn thư"))[0] != name


def test_a_copy_gets_a_name_of_its_own(tmp_path: Path) -> None:
    first = made(tmp_path / "a")
    name, _ = name_home(first)
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    other, is_copy = name_home(made(tmp_path / "b"))
    assert is_copy
    assert other != name
    assert name_home(first) == (name, False)
    assert name_home(made(tmp_path / "b")) == (other, False)


@pytest.mark.parametrize("damaged", [b"", b"[]", b"\xff", b'{"name": 1}', b'{"name": "../x", "folder": "/"}'])
def test_a_damaged_name_is_made_anew(tmp_path: Path, damaged: bytes) -> None:
    folders = made(tmp_path / "a")
    (folders.working / ".home.json").write_bytes(damaged)
    name, is_copy = name_home(folders)
    assert name.startswith("a-")
    assert not is_copy
    assert name_home(folders) == (name, False)


def test_a_copy_does_not_end_what_the_other_home_runs(store: ClaimStore, tmp_path: Path) -> None:
    """The claims that were copied name living processes and runs of the other home."""
    claim = take_one(store, heartbeat.identity(), running=True, flow_run="theirs")
    copy = ClaimStore(load(home=tmp_path / "copy"))
    shutil.copytree(store.folders.home, copy.folders.home)
    disown_all(copy)
    (disowned,) = copy.open_claims()
    assert (disowned.owner, disowned.running, disowned.flow_run) == ("", False, "")
    assert replace(disowned, owner=claim.owner, running=True, flow_run="theirs") == claim
    assert store.load(claim.id) == claim
    end_runs(copy)


# Who cancelled a run


class States:
    """A server that knows the states of one run."""

    def __init__(self, *states: State[Any]) -> None:
        self.states = list(states)

    def read_flow_run_states(self, _: UUID) -> list[State[Any]]:
        return self.states

    def is_cancelled_by_a_person(self) -> bool:
        run = FlowRun(id=uuid4(), flow_id=uuid4(), state=self.states[-1])
        return record._is_cancelled_by_a_person(cast(SyncPrefectClient, self), run)


def test_who_presses_cancel_is_a_person() -> None:
    by_runner = Cancelled(message="Flow run was cancelled successfully.")
    assert States(Running(), Cancelling(), by_runner).is_cancelled_by_a_person()
    assert States(Pending(), Cancelled()).is_cancelled_by_a_person()  # so the server ends one that has not begun


@pytest.mark.parametrize(
    "message",
    [
        "Runner is shutting down.",
        "Deployment concurrency limit reached.",
        "The file does not wait for this run any more: it was published, handed back or taken anew.",
    ],
)
def test_what_ends_as_cancelled_by_itself_is_no_person(message: str) -> None:
    assert not States(Pending(), Running(), Cancelled(message=message)).is_cancelled_by_a_person()


# What people set of a schedule


SETTINGS = CronSchedule(cron="*/7 * * * *", timezone="Asia/Ho_Chi_Minh")
SEED = DeploymentScheduleCreate(schedule=SETTINGS, active=True, slug=deployments.OURS)
OWN = DeploymentScheduleCreate(schedule=CronSchedule(cron="5 4 * * *"), active=True)


def seeded(
    folders: Folders, found: list[DeploymentScheduleCreate] | None, applied: DeploymentScheduleCreate | None
) -> list[DeploymentScheduleCreate]:
    """What becomes of the schedules of a deployment, where a seed was applied before."""
    deployment = DeploymentResponse(id=uuid4(), name="x", flow_id=uuid4())
    if applied is not None:
        text = deployments.json.dumps(deployments._applied(deployment.id, applied))
        deployments._record(folders).write_text(text)
    return deployments._with_seed(folders, None if found is None else deployment, found or [], SEED)


def other(seed: DeploymentScheduleCreate) -> DeploymentScheduleCreate:
    return seed.model_copy(update={"schedule": CronSchedule(cron="0 0 * * *")})


def paused(seed: DeploymentScheduleCreate) -> DeploymentScheduleCreate:
    return seed.model_copy(update={"active": False})


def test_a_new_deployment_is_seeded(folders: Folders) -> None:
    assert seeded(folders, None, None) == [SEED]
    assert seeded(folders, None, SEED) == [SEED]  # deleted in the UI, and made anew


@pytest.mark.parametrize("found", [[], [SEED], [paused(SEED)], [other(SEED)], [OWN], [SEED, OWN]])
def test_what_people_set_stays_while_the_settings_are_the_same(
    folders: Folders, found: list[DeploymentScheduleCreate]
) -> None:
    assert seeded(folders, found, SEED) == found


@pytest.mark.parametrize(
    ("found", "then"),
    [
        ([other(SEED)], [SEED]),
        ([paused(other(SEED))], [paused(SEED)]),
        ([OWN, other(SEED)], [OWN, SEED]),
        ([OWN], [OWN, SEED]),
        ([], [SEED]),
    ],
)
def test_new_settings_replace_what_the_settings_seeded(
    folders: Folders, found: list[DeploymentScheduleCreate], then: list[DeploymentScheduleCreate]
) -> None:
    assert seeded(folders, found, other(SEED)) == then


def test_the_schedule_of_an_earlier_version_is_replaced(folders: Folders) -> None:
    assert seeded(folders, [OWN], None) == [SEED]
    assert seeded(folders, [OWN, SEED], None) == [OWN, SEED]  # its record is lost: what has a slug is of this version


def test_an_interval_is_the_same_whenever_it_was_asked_for() -> None:
    at, every = uuid4(), timedelta(minutes=5)
    seeds = [
        SEED.model_copy(update={"schedule": IntervalSchedule(interval=every, anchor_date=f"2026-11-2{day}T00:00:00Z")})
        for day in (5, 6)
    ]
    assert deployments._applied(at, seeds[0]) == deployments._applied(at, seeds[1])
    assert deployments._applied(at, seeds[0]) != deployments._applied(at, SEED)
