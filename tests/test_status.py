"""What `nambat status` says: where files lie, and why."""

from __future__ import annotations

import time
from datetime import datetime

import pytest

from flows.host import heartbeat
from flows.intake import claims, quarantine, status
from flows.settings import Folders
from ocr.faults import NotAScan
from tests.intake import apart, drop, take_one


def test_status_says_where_and_why(folders: Folders) -> None:
    look = drop(folders, "a.pdf")
    claim = claims.take(folders, "a.pdf", look, heartbeat.identity(), dpi=300)
    quarantine.quarantine(folders, claim, NotAScan("broken", vietnamese="hỏng"), 300, now=datetime(2026, 1, 2))
    drop(folders, "b.pdf")
    counts, held = status.status(folders)
    assert counts == {"inbox": 1, "working": 0, "published": 0, "originals": 0, "quarantine": 1}
    assert [(one.where, one.name, one.why) for one in held] == [
        ("inbox", "b.pdf", "waiting to be taken"),
        ("quarantine", "a.pdf", "broken"),
    ]


def test_status_says_why_something_is_put_off(folders: Folders) -> None:
    claim = take_one(folders, heartbeat.identity(), running=True)
    claims.put_off(folders, claim, NotAScan("the disk is full"), not_before=time.time() + 60)
    ((_, name, why),) = [(one.where, one.name, one.why) for one in status.status(folders)[1]]
    assert name == "a.pdf"
    assert "the disk is full" in why


def test_a_held_file_whose_folder_was_moved_is_told(folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    apart(monkeypatch, folders)
    look = drop(folders, "sub/a.pdf")
    claim = claims.take(folders, "sub/a.pdf", look, heartbeat.identity(), dpi=300)
    assert [one.where for one in status.status(folders)[1]] == ["working"]
    (folders.inbox / "sub").rename(folders.inbox / "moved")
    claims.archive(folders, claim, 300)
    assert [(one.where, one.name) for one in status.status(folders)[1]] == [("inbox", f"moved/.nambat-{claim.id}")]
