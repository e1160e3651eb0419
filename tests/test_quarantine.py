"""What lies in quarantine, with its note, and how it comes back."""

from __future__ import annotations

import pytest

from flows.host import heartbeat
from flows.host.moves import Gone
from flows.intake import quarantine, transfers
from flows.intake.claims import ClaimStore
from flows.intake.sweep import sweep
from flows.settings import Folders, load
from ocr.faults import NotAScan
from tests.intake import FakeServer, drop, places, take_one


def test_retry_in_the_ui_finds_the_scan_in_quarantine(folders: Folders) -> None:
    server, store = FakeServer(), ClaimStore(load(home=folders.home, settle=0))
    claim = take_one(store, heartbeat.identity(), running=True)
    quarantine.quarantine(store, claim, NotAScan("broken"))
    with pytest.raises(Gone):
        quarantine.take_again(store, "20260101-000000-00000000", heartbeat.identity(), "run 1")
    for _ in range(2):  # the same run can be retried again and again
        again = quarantine.take_again(store, claim.id, heartbeat.identity(), "run 1")
        assert (again.id, again.name, again.sha256) == (claim.id, "a.pdf", claim.sha256)
        assert places(folders, "a.pdf") == ["working"]
        assert list(folders.quarantine.iterdir()) == []
        sweep(store, heartbeat.identity(), server.runs)
        assert server.started == []  # it has its run
        quarantine.quarantine(store, again, NotAScan("broken"))


def test_a_scan_called_like_a_note_is_not_overwritten(folders: Folders, store: ClaimStore) -> None:
    """Whatever comes first, a file that somebody named ``a.pdf.reason.txt``, or ``a.pdf``, both are kept and shown."""
    for order in (["a.pdf.reason.txt", "a.pdf"], ["a.pdf", "a.pdf.reason.txt"]):
        for name in order:
            look = drop(folders, name, name.encode())
            claim = transfers.take(store, name, look, heartbeat.identity())
            assert quarantine.quarantine(store, claim, NotAScan(f"no scan: {name}"))
        kept = quarantine.quarantined_files(store)
        assert {(path.read_bytes().decode(), why) for path, why in kept} == {
            (name, f"no scan: {name}") for name in order
        }
        quarantine.drop_stray_notes(store)
        assert quarantine.quarantined_files(store) == kept
        for path, _ in kept:
            quarantine.retry(store, path, heartbeat.identity())
        assert list(folders.quarantine.iterdir()) == []
        for path in folders.inbox.iterdir():
            path.unlink()
