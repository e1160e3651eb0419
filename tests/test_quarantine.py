"""What lies in quarantine, with its note, and how it comes back."""

from __future__ import annotations

import pytest

from flows.host import heartbeat
from flows.host.moves import Gone
from flows.intake import claims, quarantine
from flows.intake.sweep import sweep
from flows.settings import Folders, load
from ocr.faults import NotAScan
from tests.intake import FakeServer, drop, places, take_one


def test_retry_in_the_ui_finds_the_scan_in_quarantine(folders: Folders) -> None:
    claim = take_one(folders, heartbeat.identity(), running=True)
    quarantine.quarantine(folders, claim, NotAScan("broken"), 300)
    with pytest.raises(Gone):
        quarantine.take_again(folders, "20260101-000000-00000000", heartbeat.identity(), "run 1", dpi=300)
    server, settings = FakeServer(), load(home=folders.home, settle=0)
    for _ in range(2):  # the same run can be retried again and again
        again = quarantine.take_again(folders, claim.id, heartbeat.identity(), "run 1", dpi=300)
        assert (again.id, again.name, again.sha256) == (claim.id, "a.pdf", claim.sha256)
        assert places(folders, "a.pdf") == ["working"]
        assert list(folders.quarantine.iterdir()) == []
        sweep(folders, settings, heartbeat.identity(), server.runs)
        assert server.started == []  # it has its run
        quarantine.quarantine(folders, again, NotAScan("broken"), 300)


def test_a_scan_called_like_a_note_is_not_overwritten(folders: Folders) -> None:
    """Whatever comes first, a file that somebody named ``a.pdf.reason.txt``, or ``a.pdf``, both are kept and shown."""
    for order in (["a.pdf.reason.txt", "a.pdf"], ["a.pdf", "a.pdf.reason.txt"]):
        for name in order:
            look = drop(folders, name, name.encode())
            claim = claims.take(folders, name, look, heartbeat.identity(), dpi=300)
            assert quarantine.quarantine(folders, claim, NotAScan(f"no scan: {name}"), 300)
        kept = quarantine.quarantined_files(folders)
        assert {(path.read_bytes().decode(), why) for path, why in kept} == {
            (name, f"no scan: {name}") for name in order
        }
        quarantine.drop_stray_notes(folders)
        assert quarantine.quarantined_files(folders) == kept
        for path, _ in kept:
            quarantine.retry(folders, path, heartbeat.identity())
        assert list(folders.quarantine.iterdir()) == []
        for path in folders.inbox.iterdir():
            path.unlink()
