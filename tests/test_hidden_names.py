"""Nothing of ours trusts a name: neither a hidden file that somebody planted, nor an id that comes from outside."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.host import heartbeat
from flows.host.moves import PART, Gone
from flows.intake import quarantine, transfers
from flows.intake.claims import Claim, ClaimStore, check_id
from flows.settings import Folders
from ocr.faults import NotAScan
from tests.intake import PDF, apart, drop, everything, take_one

ENDS: dict[str, Callable[[ClaimStore, Claim], object]] = {
    "hand back": transfers.hand_back,
    "archive": transfers.archive,
    "quarantine": lambda store, claim: quarantine.quarantine(store, claim, NotAScan("broken")),
    "recover": transfers.recover,
}


def plant(place: Path, kind: str, outside: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    match kind:
        case "link to a file":
            place.symlink_to(outside)
        case "link to a folder":
            place.symlink_to(outside.parent)
        case "dangling link":
            place.symlink_to(outside.with_name("nothing"))
        case "file":
            place.write_bytes(b"planted")
        case "folder":
            place.mkdir()


KINDS = ("link to a file", "link to a folder", "dangling link", "file", "folder")


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("is_apart", [False, True])
def test_13_3_a_planted_hidden_name_destroys_no_scan(
    folders: Folders,
    store: ClaimStore,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    end: str,
    kind: str,
    is_apart: bool,
) -> None:
    """Claim ids are shown in the UI and in notes: whoever may write in the inbox knows them."""
    outside = tmp_path / "outside" / "secret"
    outside.parent.mkdir()
    outside.write_bytes(b"theirs")
    if is_apart:
        apart(monkeypatch, folders)
    claim = transfers.take(store, "sub/a.pdf", drop(folders, "sub/a.pdf"), heartbeat.identity())
    for root in (folders.inbox, folders.originals, folders.quarantine):
        for folder in (root, root / "sub"):
            plant(folder / f".nambat-{claim.id}", kind, outside)
            plant(folder / f".nambat-{claim.id}{PART}", kind, outside)
    ENDS[end](store, claim)
    scans = [path for root in (folders.inbox, folders.originals, folders.quarantine) for path in root.rglob("a.pdf")]
    assert [path.read_bytes() for path in scans] == [PDF]
    assert not scans[0].is_symlink()
    assert [path.name for path in outside.parent.iterdir()] == ["secret"]
    assert outside.read_bytes() == b"theirs"
    assert store.open_claims() == []
    planted = [
        path for root in (folders.inbox, folders.originals, folders.quarantine) for path in root.rglob(".nambat-*")
    ]
    assert len(planted) == 12  # not ours to remove, either


@pytest.mark.parametrize("kind", ["link to a file", "dangling link"])
def test_13_3_a_copy_in_the_making_is_not_written_through_a_link(
    folders: Folders, store: ClaimStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Even one that has the right name: somebody who sees it come into being may be quick."""
    apart(monkeypatch, folders)
    outside = tmp_path / "secret"
    outside.write_bytes(b"theirs")
    claim = transfers.take(store, "a.pdf", drop(folders, "a.pdf"), heartbeat.identity())
    plant(folders.originals / f"{claim.hidden_name}{PART}", kind, outside)
    transfers.archive(store, claim)
    assert everything(folders) == ["originals/a.pdf"]
    assert (outside.read_bytes(), (tmp_path / "nothing").exists()) == (b"theirs", False)


@pytest.mark.parametrize("kind", ["link to a file", "dangling link", "folder"])
def test_13_3_a_held_file_that_became_a_link_is_not_taken_for_the_scan(
    folders: Folders, store: ClaimStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    apart(monkeypatch, folders)
    outside = tmp_path / "secret"
    outside.write_bytes(b"theirs")
    claim = transfers.take(store, "a.pdf", drop(folders, "a.pdf"), heartbeat.identity())
    held = folders.inbox / claim.hidden_name
    held.unlink()
    plant(held, kind, outside)
    place = quarantine.quarantine(store, claim, NotAScan("broken"))
    assert place is not None
    assert (place.read_bytes(), outside.read_bytes()) == (PDF, b"theirs")


@given(
    st.text()
    | st.sampled_from(["..", "../x", "20260101-000000-00000000/../..", ".alive", "", "20260101-000000-0000000g"])
)
def test_13_3_what_is_no_id_of_ours_is_refused(text: str) -> None:
    with pytest.raises(Gone):
        check_id(text)


def test_13_3_an_id_of_ours_is_one(store: ClaimStore) -> None:
    claim = take_one(store, heartbeat.identity(), running=False)
    assert check_id(claim.id) == claim.id


STRANGE = ("../../outside", "../outside", "/outside", "..", ".quarantined", "x\x00y", "", "claim", "a" * 300)


@pytest.mark.parametrize("claim_id", STRANGE)
def test_13_3_a_claim_parameter_from_the_ui_leads_nowhere(
    folders: Folders, store: ClaimStore, tmp_path: Path, claim_id: str
) -> None:
    """The detail in a note is what a program said of a file that anybody may have made."""
    claim = take_one(store, heartbeat.identity(), running=True)
    crafted = f"x\nb.pdf, 2026-01-01 00:00:00 +0700, NotAScan, {claim_id}\n"
    quarantine.quarantine(store, claim, NotAScan(f"broken\nb, {claim_id}\n", detail=crafted))
    before = sorted(path for path in tmp_path.rglob("*") if path.suffix != ".lock")
    with pytest.raises(Gone):
        quarantine.take_again(store, claim_id, heartbeat.identity(), "run")
    with pytest.raises(Gone):
        store.take_over(claim_id, "run")
    with pytest.raises(Gone):
        store.new_claim("a.pdf", heartbeat.identity(), claim_id or "-")
    assert sorted(path for path in tmp_path.rglob("*") if path.suffix != ".lock") == before


def test_13_3_a_note_names_no_claim(folders: Folders, store: ClaimStore) -> None:
    """A scan whose error text names another claim is not handed to that one's run."""
    other = "20260101-000000-0badcafe"
    claim = take_one(store, heartbeat.identity(), running=True)
    crafted = f"b.pdf, 2026-01-01 00:00:00 +0700, NotAScan, {other}\n"
    quarantine.quarantine(store, claim, NotAScan(f"broken\n{crafted}", detail=crafted), now=datetime(2026, 1, 2))
    note = folders.quarantine / "a.pdf.reason.txt"
    assert note.read_text().splitlines()[1].startswith("broken b.pdf")  # one line, whatever stands in it
    note.write_text(crafted)
    with pytest.raises(Gone):
        quarantine.take_again(store, other, heartbeat.identity(), "run")
    assert quarantine.take_again(store, claim.id, heartbeat.identity(), "run").name == "a.pdf"
