"""Claims: who holds a file, and what a damaged or foreign one costs."""

from __future__ import annotations

import errno
import json
import time
from pathlib import Path

import pytest

from flows.host import heartbeat
from flows.host.moves import Gone
from flows.intake import claims, status
from flows.intake.sweep import sweep
from flows.serve import clear_leftovers, hand_back_all
from flows.settings import Folders, load
from ocr.faults import NotAScan
from tests.intake import PDF, FakeServer, dead_owner, drop, places, take_one


def test_a_file_that_changed_since_it_was_seen_is_not_taken(folders: Folders) -> None:
    look = drop(folders, "a.pdf")
    drop(folders, "a.pdf", PDF * 2)
    with pytest.raises(Gone):
        claims.take(folders, "a.pdf", look, heartbeat.identity(), dpi=300)
    assert places(folders, "a.pdf") == ["inbox"]
    assert claims.open_claims(folders) == []
    (folders.inbox / "a.pdf").unlink()
    with pytest.raises(Gone):
        claims.take(folders, "a.pdf", look, heartbeat.identity(), dpi=300)


def test_another_run_does_not_take_over_what_is_at_work(folders: Folders) -> None:
    claim = take_one(folders, heartbeat.identity(), running=True, flow_run="1")
    with pytest.raises(Gone):
        claims.take_over(folders, claim.id, "2")
    assert claims.take_over(folders, claim.id, "1").flow_run == "1"
    claims.save_claim(folders, claims.replace(claim, owner=dead_owner()))
    assert claims.take_over(folders, claim.id, "2").flow_run == "2"


def test_an_assignment_that_comes_late_does_not_undo_a_put_off(folders: Folders) -> None:
    claim = take_one(folders, heartbeat.identity(), running=False)
    put_off = claims.put_off(folders, claim, NotAScan("later"), not_before=time.time() + 60)
    claims.assign(folders, claim, heartbeat.identity(), "late")
    assert claims.load_claim(folders, claim.id) == put_off


def test_a_full_disk_leaves_the_file_where_it_is_and_nothing_else(
    folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = drop(folders, "a.pdf")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("flows.host.files.write_synced", full)
    with pytest.raises(OSError, match="No space"):
        claims.take(folders, "a.pdf", look, heartbeat.identity(), dpi=300)
    assert places(folders, "a.pdf") == ["inbox"]
    assert [path.name for path in folders.working.iterdir() if not path.name.startswith(".")] == []


def test_a_claim_whose_record_is_gone_gives_its_file_back(folders: Folders) -> None:
    server, settings = FakeServer(), load(home=folders.home, settle=1000)
    claim = take_one(folders, heartbeat.identity(), running=True)
    (claim.folder(folders) / "claim.json").write_text("{")
    sweep(folders, settings, heartbeat.identity(), server.runs)
    assert places(folders, "a.pdf") == ["inbox"]


@pytest.mark.parametrize(
    "record",
    [
        "",
        "[]",
        '{"owner": null}',
        "[" * 100_000,
        '{"id": "x", "name": "../a.pdf", "owner": ""}',
        '{"id": "x", "name": "a.pdf", "owner": "", "not_before": "soon"}',
        '{"id": "another", "name": "a.pdf", "owner": ""}',
    ],
)
def test_a_damaged_record_costs_no_file(folders: Folders, record: str) -> None:
    claim = take_one(folders, heartbeat.identity(), running=True)
    (claim.folder(folders) / "claim.json").write_text(record.replace('"x"', f'"{claim.id}"'))
    assert sweep(folders, load(home=folders.home, settle=1000), heartbeat.identity(), FakeServer().runs) is not None
    status.status(folders)
    assert places(folders, "a.pdf") == ["inbox"]
    assert claims.open_claims(folders) == []


def test_a_file_under_another_name_than_its_record_says_is_not_removed(folders: Folders) -> None:
    claim = take_one(folders, heartbeat.identity(), running=True)
    claim.scan(folders).rename(claim.scan(folders).with_name("A.PDF"))
    claims.hand_back(folders, claim)
    claims.recover(folders, claim)
    assert places(folders, "A.PDF") == ["inbox"]
    assert claims.open_claims(folders) == []


def test_a_disk_that_does_not_answer_is_no_reason_to_remove_anything(
    folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = take_one(folders, dead_owner(), running=True)
    real = Path.lstat

    def stale(self: Path):
        if self.name == "a.pdf":
            raise OSError(errno.ESTALE, "Stale file handle")
        return real(self)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "lstat", stale)
        with pytest.raises(OSError, match="Stale"):
            claims.hand_back(folders, claim)
        assert sweep(folders, load(home=folders.home), heartbeat.identity(), FakeServer().runs) is not None
    assert places(folders, "a.pdf") == ["working"]


def test_folders_of_others_in_working_are_left_alone(folders: Folders) -> None:
    for name in ("lost+found", "my backup"):
        (folders.working / name).mkdir()
    (folders.working / "my backup" / "x.pdf").write_bytes(PDF)
    clear_leftovers(folders)
    assert (folders.working / "my backup" / "x.pdf").exists()
    assert claims.open_claims(folders) == []


def test_links_in_a_circle_stop_nothing(folders: Folders) -> None:
    claim = take_one(folders, dead_owner(), running=True)
    claims.save_claim(folders, claims.replace(claim, name="a/a.pdf"))
    (folders.inbox / "a").symlink_to("a")
    assert [place for _, place in hand_back_all(folders, load(home=folders.home), crashed=True)] == [
        folders.inbox / "a.pdf"
    ]


def test_claims_of_a_later_version_can_be_read(folders: Folders) -> None:
    claim = take_one(folders, heartbeat.identity(), running=True)
    record = claim.folder(folders) / "claim.json"
    record.write_text(json.dumps({**json.loads(record.read_text()), "news": 1}))
    assert claims.load_claim(folders, claim.id) == claim


def test_someone_still_writes(folders: Folders) -> None:
    claim = take_one(folders, heartbeat.identity(), running=True)
    assert claims.is_unchanged(folders, claim)
    with claim.scan(folders).open("ab") as file:
        file.write(b"more")
    assert not claims.is_unchanged(folders, claim)


def test_a_huge_file_is_not_hashed(folders: Folders) -> None:
    look = drop(folders, "a.pdf")
    assert claims.take(folders, "a.pdf", look, heartbeat.identity(), dpi=300, max_bytes=10).sha256 == ""
