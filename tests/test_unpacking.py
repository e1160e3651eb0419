"""An archive in the inbox: each scan in it comes into the inbox once, whatever happens meanwhile."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from flows.host import heartbeat
from flows.intake import transfers, unpacking
from flows.intake.claims import Claim, ClaimStore
from flows.intake.inbox import look_at, looks_whole
from flows.intake.quarantine import reason_path
from flows.intake.sweep import sweep
from flows.settings import Folders, load
from tests.bad_inputs import good_pdf
from tests.intake import FakeServer, dead_owner, drop, everything
from tests.kernel import needs_proc
from tests.test_archives import PDF, zipped
from tests.test_serve import start, wait_until

NAME = "a/hồ sơ.zip"
FILES = {"mot.pdf": PDF + b"1", "thư mục/hai.pdf": PDF + b"2", "phieu.xml": b"<xml/>", "trong.zip": zipped({"x": PDF})}
ENDS = [
    "inbox/a/hồ sơ/mot.pdf",
    "inbox/a/hồ sơ/thư mục/hai.pdf",
    "originals/a/hồ sơ.zip",
    "quarantine/a/hồ sơ/trong.zip",
    "quarantine/a/hồ sơ/trong.zip.reason.txt",
]


def claimed(store: ClaimStore, owner: str | None = None, data: bytes | None = None) -> Claim:
    look = drop(store.folders, NAME, zipped(FILES) if data is None else data)
    return store.begin(transfers.take(store, NAME, look, owner or heartbeat.identity()))


def work(store: ClaimStore, claim: Claim) -> None:
    """What the run of an archive does."""
    unpacking.deliver(store, claim, unpacking.open_claimed(store, claim))
    transfers.archive(store, claim)


def test_each_scan_goes_into_the_inbox_and_the_archive_to_the_originals(store: ClaimStore, folders: Folders) -> None:
    work(store, claimed(store))
    assert everything(folders) == ENDS
    assert (folders.inbox / "a/hồ sơ/mot.pdf").read_bytes() == FILES["mot.pdf"]
    assert "in an archive" in reason_path(folders.quarantine / "a/hồ sơ/trong.zip").read_text("utf-8")
    assert store.open_claims() == []
    assert list((folders.working / ".progress").iterdir()) == []


class Crash(BaseException):
    """The process dies here."""


def dying(function: Callable[..., object], steps: Iterator[int], last: int) -> Callable[..., object]:
    """The function, before whose call the process dies if it is the last of its steps."""

    def call(*arguments: object, **options: object) -> object:
        if next(steps) == last:
            raise Crash
        return function(*arguments, **options)

    return call


STEPS = (
    *((unpacking, "unpack"), (unpacking, "replace_file"), (unpacking, "quarantine")),
    *((transfers, "move"), (transfers, "_end")),
)


def crashes(store: ClaimStore, claim: Claim, last: int) -> bool:
    """Whether the work on an archive ends with a crash before its step of that number, because it has so many."""
    steps = count()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(unpacking, "identity", dead_owner)
        for module, name in STEPS:
            patched.setattr(module, name, dying(getattr(module, name), steps, last))
        try:
            work(store, claim)
        except Crash:
            return True
    return False


@pytest.mark.slow
def test_a_crash_at_any_step_loses_nothing_and_doubles_nothing(tmp_path: Path) -> None:
    """Before each file that is moved, written down or removed; then the next sweep takes back what is left."""
    for last in count():
        store = ClaimStore(load(home=tmp_path / str(last)))
        folders = store.folders
        folders.make()
        crashed = crashes(store, claimed(store, dead_owner()), last)
        sweep(store, heartbeat.identity(), FakeServer().runs)
        if (folders.inbox / NAME).exists():
            work(store, store.begin(transfers.take(store, NAME, look_at(folders.inbox / NAME), heartbeat.identity())))
        assert store.open_claims() == []
        ends = everything(folders)
        if "inbox/a/hồ sơ/trong.zip" in ends:
            # On its way to quarantine it was given back, and is looked at anew.
            ends = sorted({one.replace("inbox/a/hồ sơ/trong", "quarantine/a/hồ sơ/trong") for one in ends} | {ENDS[-1]})
        assert ends == ENDS, f"a crash before step {last}"
        if not crashed:
            assert last >= 10
            return


def test_an_archive_that_is_dropped_again_is_opened_again(store: ClaimStore, folders: Folders) -> None:
    """Even if a crash kept what it left from being cleared away."""
    claim = claimed(store)
    unpacking.deliver(store, claim, unpacking.open_claimed(store, claim))
    transfers.move_out(store, claim, folders.originals)
    for path in (folders.inbox / "a/hồ sơ").rglob("*.pdf"):
        path.unlink()
    claim = claimed(store)
    unpacking.deliver(store, claim, unpacking.open_claimed(store, claim))
    assert (folders.inbox / "a/hồ sơ/mot.pdf").exists()


def test_an_archive_that_is_still_arriving_does_not_look_whole(tmp_path: Path) -> None:
    data = zipped(FILES, zipfile.ZIP_STORED)
    for length, whole in ((len(data), True), (len(data) - 30, False), (len(data) // 2, False)):
        (tmp_path / "a.zip").write_bytes(data[:length])
        assert looks_whole(tmp_path / "a.zip") is whole


@pytest.mark.slow
@needs_proc
@pytest.mark.timeout(420)
def test_a_service_publishes_what_is_in_an_archive_and_keeps_it(tmp_path: Path) -> None:
    service = start(tmp_path / "home")
    home = service.home
    try:
        files = {
            "Một.pdf": good_pdf(),
            "hỏng.pdf": b"%PDF-1.4 nothing",
            "a.docx": b"x",
            "trong.zip": zipped({"a": PDF}),
        }
        drop(service.folders, NAME, zipped(files))
        wait_until((home / "originals/a/hồ sơ/Một.pdf").exists)
        wait_until((home / "quarantine/a/hồ sơ/hỏng.pdf").exists)
        assert (home / "published/a/hồ sơ/Một.txt").exists()
        assert (home / "originals" / NAME).exists()
        (run,) = service.runs(NAME)
        assert run["state"]["message"] == "An archive: 3 scans unpacked, 1 other file left in it"
        assert sorted(run["tags"]) == ["needs attention", "quarantined", "warnings"]
    finally:
        service.stop()
