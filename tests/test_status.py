"""What `nambat status` says: where files lie, and why."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from datetime import datetime

import pytest

from flows.host import heartbeat
from flows.intake import quarantine, status, transfers
from flows.intake.claims import ClaimStore
from flows.service.prefect_server import Server
from flows.service.record import write_service
from flows.settings import Folders
from ocr.faults import NotAScan
from tests.intake import apart, drop, take_one
from tests.service import ROOT, clean_environment


def test_status_says_where_and_why(folders: Folders, store: ClaimStore) -> None:
    look = drop(folders, "a.pdf")
    claim = transfers.take(store, "a.pdf", look, heartbeat.identity())
    quarantine.quarantine(store, claim, NotAScan("broken", vietnamese="hỏng"), now=datetime(2026, 1, 2))
    drop(folders, "b.pdf")
    counts, held = status.status(store)
    assert counts == {"inbox": 1, "working": 0, "published": 0, "originals": 0, "quarantine": 1}
    assert [(one.where, one.name, one.why) for one in held] == [
        ("inbox", "b.pdf", "waiting to be taken"),
        ("quarantine", "a.pdf", "broken"),
    ]


def test_status_says_why_something_is_put_off(store: ClaimStore) -> None:
    claim = take_one(store, heartbeat.identity(), running=True)
    store.put_off(claim, NotAScan("the disk is full"), not_before=time.time() + 60)
    ((_, name, why),) = [(one.where, one.name, one.why) for one in status.status(store)[1]]
    assert name == "a.pdf"
    assert "the disk is full" in why


def test_a_held_file_whose_folder_was_moved_is_told(
    folders: Folders, store: ClaimStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    apart(monkeypatch, folders)
    look = drop(folders, "sub/a.pdf")
    claim = transfers.take(store, "sub/a.pdf", look, heartbeat.identity())
    assert [one.where for one in status.status(store)[1]] == ["working"]
    (folders.inbox / "sub").rename(folders.inbox / "moved")
    transfers.archive(store, claim)
    assert [(one.where, one.name) for one in status.status(store)[1]] == [("inbox", f"moved/{claim.hidden_name}")]


def test_status_for_programs(folders: Folders, store: ClaimStore) -> None:
    for number in range(120):
        drop(folders, f"Phòng A/{number}.pdf")
    (folders.inbox / os.fsdecode(b"kh\xf4ng.pdf")).write_bytes(b"%PDF")
    command = [sys.executable, "-P", "-m", "flows.cli", "status", "--json"]
    environment = clean_environment(NAMBAT_HOME=str(folders.home), PYTHONPATH=str(ROOT))
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment)
    told = json.loads(done.stdout)
    assert (done.returncode, done.stderr) == (0, "")
    assert list(told) == ["home", "served", "ui", "healthy", "checks", "files", "not_done"]
    assert (told["home"], told["served"], told["ui"], told["healthy"]) == (str(folders.home), False, "", False)
    assert [check["what"] for check in told["checks"] if not check["ok"]] == ["service"]
    assert told["files"] == {"inbox": 121, "working": 0, "published": 0, "originals": 0, "quarantine": 0}
    assert len(told["not_done"]) == 121
    assert {"Phòng A/7.pdf", "kh\N{REPLACEMENT CHARACTER}ng.pdf"} <= {one["name"] for one in told["not_done"]}
    assert {one["where"] for one in told["not_done"]} == {"inbox"}
    assert "nambat serve" in told["not_done"][0]["why"]


@pytest.mark.parametrize(
    ("environment", "ui"),
    [
        ({}, "http://api:4200"),
        ({"PREFECT_UI_URL": "https://scans.example/"}, "https://scans.example"),
        ({"PREFECT_SERVER_UI_API_URL": "https://scans.example/prefect/api"}, "https://scans.example/prefect"),
        ({"PREFECT_UI_URL": "http://a", "PREFECT_SERVER_UI_API_URL": "http://b/api"}, "http://a"),
    ],
)
@pytest.mark.parametrize("asked", ["", "--json"])
def test_status_names_the_address_that_people_open(
    folders: Folders, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], ui: str, asked: str
) -> None:
    """A server may have another name among containers; who asks need not know what the service was told."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with heartbeat.beating(folders):
        write_service(folders, server=Server("http://api:4200/api"), home="")
        command = [sys.executable, "-P", "-m", "flows.cli", "status", *filter(None, [asked])]
        told = clean_environment(NAMBAT_HOME=str(folders.home), PYTHONPATH=str(ROOT))
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=told)
    if asked:
        assert json.loads(done.stdout)["ui"] == ui
    else:
        assert f"UI at {ui}\n" in done.stdout
