"""Claims: who holds a file, and what a damaged or foreign one costs."""

from __future__ import annotations

import errno
import json
import time
from dataclasses import replace
from pathlib import Path

import pytest

from flows.host import heartbeat
from flows.host.moves import Gone
from flows.intake import status, transfers
from flows.intake.claims import ClaimStore
from flows.intake.sweep import sweep
from flows.service.leftovers import clear_leftovers, hand_back_all
from flows.settings import Folders, load
from ocr.faults import NotAScan
from tests.intake import PDF, FakeServer, dead_owner, drop, places, take_one


def test_a_file_that_changed_since_it_was_seen_is_not_taken(folders: Folders, store: ClaimStore) -> None:
    look = drop(folders, "a.pdf")
    drop(folders, "a.pdf", PDF * 2)
    with pytest.raises(Gone):
        transfers.take(store, "a.pdf", look, heartbeat.identity())
    assert places(folders, "a.pdf") == ["inbox"]
    assert store.open_claims() == []
    (folders.inbox / "a.pdf").unlink()
    with pytest.raises(Gone):
        transfers.take(store, "a.pdf", look, heartbeat.identity())


def test_another_run_does_not_take_over_what_is_at_work(store: ClaimStore) -> None:
    claim = take_one(store, heartbeat.identity(), running=True, flow_run="1")
    with pytest.raises(Gone):
        store.take_over(claim.id, "2")
    assert store.take_over(claim.id, "1").flow_run == "1"
    store.save(replace(claim, owner=dead_owner()))
    assert store.take_over(claim.id, "2").flow_run == "2"


def test_an_assignment_that_comes_late_does_not_undo_a_put_off(store: ClaimStore) -> None:
    claim = take_one(store, heartbeat.identity(), running=False)
    put_off = store.put_off(claim, NotAScan("later"), not_before=time.time() + 60)
    store.assign(claim, heartbeat.identity(), "late")
    assert store.load(claim.id) == put_off


def test_a_full_disk_leaves_the_file_where_it_is_and_nothing_else(
    folders: Folders, store: ClaimStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = drop(folders, "a.pdf")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("flows.host.files.write_synced", full)
    with pytest.raises(OSError, match="No space"):
        transfers.take(store, "a.pdf", look, heartbeat.identity())
    assert places(folders, "a.pdf") == ["inbox"]
    assert [path.name for path in folders.working.iterdir() if not path.name.startswith(".")] == []


def test_a_claim_whose_record_is_gone_gives_its_file_back(folders: Folders) -> None:
    server, store = FakeServer(), ClaimStore(load(home=folders.home, settle=1000))
    claim = take_one(store, heartbeat.identity(), running=True)
    (store.folder(claim) / "claim.json").write_text("{")
    sweep(store, heartbeat.identity(), server.runs)
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
def test_a_damaged_record_costs_no_file(folders: Folders, store: ClaimStore, record: str) -> None:
    claim = take_one(store, heartbeat.identity(), running=True)
    (store.folder(claim) / "claim.json").write_text(record.replace('"x"', f'"{claim.id}"'))
    assert sweep(ClaimStore(load(home=folders.home, settle=1000)), heartbeat.identity(), FakeServer().runs) is not None
    status.status(store)
    assert places(folders, "a.pdf") == ["inbox"]
    assert store.open_claims() == []


def test_a_file_under_another_name_than_its_record_says_is_not_removed(folders: Folders, store: ClaimStore) -> None:
    claim = take_one(store, heartbeat.identity(), running=True)
    store.scan(claim).rename(store.scan(claim).with_name("A.PDF"))
    transfers.hand_back(store, claim)
    transfers.recover(store, claim)
    assert places(folders, "A.PDF") == ["inbox"]
    assert store.open_claims() == []


def test_a_disk_that_does_not_answer_is_no_reason_to_remove_anything(
    folders: Folders, store: ClaimStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = take_one(store, dead_owner(), running=True)
    real = Path.lstat

    def stale(self: Path):
        if self.name == "a.pdf":
            raise OSError(errno.ESTALE, "Stale file handle")
        return real(self)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "lstat", stale)
        with pytest.raises(OSError, match="Stale"):
            transfers.hand_back(store, claim)
        assert sweep(store, heartbeat.identity(), FakeServer().runs) is not None
    assert places(folders, "a.pdf") == ["working"]


def test_folders_of_others_in_working_are_left_alone(folders: Folders, store: ClaimStore) -> None:
    for name in ("lost+found", "my backup"):
        (folders.working / name).mkdir()
    (folders.working / "my backup" / "x.pdf").write_bytes(PDF)
    clear_leftovers(store)
    assert (folders.working / "my backup" / "x.pdf").exists()
    assert store.open_claims() == []


def test_links_in_a_circle_stop_nothing(folders: Folders, store: ClaimStore) -> None:
    claim = take_one(store, dead_owner(), running=True)
    store.save(replace(claim, name="a/a.pdf"))
    (folders.inbox / "a").symlink_to("a")
    assert [place for _, place in hand_back_all(store, crashed=True)] == [folders.inbox / "a.pdf"]


def test_claims_of_a_later_version_can_be_read(store: ClaimStore) -> None:
    claim = take_one(store, heartbeat.identity(), running=True)
    record = store.folder(claim) / "claim.json"
    record.write_text(json.dumps({**json.loads(record.read_text()), "news": 1}))
    assert store.load(claim.id) == claim


def test_someone_still_writes(store: ClaimStore) -> None:
    claim = take_one(store, heartbeat.identity(), running=True)
    assert transfers.is_unchanged(store, claim)
    with store.scan(claim).open("ab") as file:
        file.write(b"more")
    assert not transfers.is_unchanged(store, claim)


def test_a_huge_file_is_not_hashed(folders: Folders) -> None:
    store = ClaimStore(load(home=folders.home, max_bytes=10))
    look = drop(folders, "a.pdf")
    assert transfers.take(store, "a.pdf", look, heartbeat.identity()).sha256 == ""
