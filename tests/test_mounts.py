"""Shares that are mounted or not, as the kernel tells it or does not."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.faults import ShareAway
from flows.host import heartbeat, mounts
from flows.host.mounts import missing_mount, mount_of, mount_table, note_mounts
from flows.intake.claims import ClaimStore
from flows.intake.sweep import sweep
from flows.serve import serve
from flows.service.leftovers import hand_back_all
from flows.settings import Folders, load
from tests.intake import FakeServer, dead_owner, drop, take_one
from tests.kernel import needs_proc


@pytest.fixture
def share(tmp_path: Path) -> Iterator[Path]:
    """A place where something may be mounted, under a name that the kernel's table writes in octal numbers."""
    place = tmp_path / "ổ mạng (Z)"
    place.mkdir()
    yield place
    while mounts.is_mounted(place, mount_table()):
        subprocess.run(["umount", "-l", str(place)], check=True)


def mount(*what: str | Path) -> None:
    if shutil.which("mount") is None or subprocess.run(["mount", *map(str, what)], capture_output=True).returncode:
        pytest.skip("mounting is not allowed here")


def mount_share(place: Path) -> None:
    mount("-t", "tmpfs", "-o", "size=1m", "none", place)


def unmount(place: Path) -> None:
    subprocess.run(["umount", str(place)], check=True)


def tell_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where /proc is not mounted."""
    monkeypatch.setattr(mounts, "TABLE", Path("/nowhere/mountinfo"))


@needs_proc
@pytest.mark.parametrize("told", [True, False])
def test_a_share_that_is_not_mounted(tmp_path: Path, share: Path, monkeypatch: pytest.MonkeyPatch, told: bool) -> None:
    """Nothing is put into the empty folder below it, and a service does not start on it."""
    if not told:
        tell_nothing(monkeypatch)
    mount_share(share)
    store = ClaimStore(load(home=tmp_path / "home", inbox=share / "inbox", settle=0))
    folders = store.folders
    folders.make()
    note_mounts(folders)
    claim = take_one(store, dead_owner(), running=True)
    drop(folders, "b.pdf")
    unmount(share)
    swept = sweep(store, heartbeat.identity(), FakeServer().runs)
    assert swept is not None
    assert (swept.taken, swept.returned) == ((), ())
    assert f"{share}, where {folders.inbox} lies, is not mounted" in swept.troubles[0]
    assert hand_back_all(store, crashed=True) == []
    with pytest.raises(ShareAway):
        serve(store.settings, print)
    assert store.open_claims() == [claim]
    assert list(share.iterdir()) == []
    mount_share(share)
    folders.make()
    swept = sweep(store, heartbeat.identity(), FakeServer().runs)
    assert swept is not None
    assert swept.returned == ("a.pdf",)


@needs_proc
def test_a_missing_share_is_told_in_two_languages(tmp_path: Path, share: Path) -> None:
    mount_share(share)
    folders = load(home=tmp_path / "home", published=share / "chữ").folders
    folders.make()
    note_mounts(folders)
    assert missing_mount(folders) is None
    unmount(share)
    away = missing_mount(folders)
    assert away is not None
    for sentence in (str(away), away.vietnamese):
        assert sentence.endswith(".")
        assert all(str(place) in sentence for place in (share, folders.published, folders.working / ".mounts.json"))
    assert "is not mounted" not in away.vietnamese
    assert "chưa được gắn" in away.vietnamese


@pytest.mark.parametrize("table", [None, "", "damaged\n", "22 27 0:21 / /proc rw,relatime - proc proc rw\n"])
def test_what_the_kernel_does_not_tell_is_not_missing(
    folders: Folders, store: ClaimStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, table: str | None
) -> None:
    """A chroot's root is in no table; without /proc there is none; a folder stands for one that cannot be read."""
    place = tmp_path / "mountinfo"
    if table is None:
        place.mkdir()
    else:
        place.write_text(table)
    monkeypatch.setattr(mounts, "TABLE", place)
    note_mounts(folders)
    assert missing_mount(folders) is None
    assert mount_of(folders.published / "a" / "not there yet") in (folders.home, *folders.home.parents)
    assert not mounts.is_away(mount_of(folders.inbox))
    swept = sweep(store, heartbeat.identity(), FakeServer().runs)
    assert swept is not None
    assert swept.troubles == ()


@needs_proc
def test_a_folder_of_the_same_disk_that_is_mounted(
    tmp_path: Path, share: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As containers do it. Only the table knows of it, so without a table nobody knows that it is away."""
    (tmp_path / "volume").mkdir()
    mount("--bind", tmp_path / "volume", share)
    folders = load(home=tmp_path / "home", inbox=share).folders
    folders.make()
    note_mounts(folders)
    assert mount_of(folders.inbox) == share
    with monkeypatch.context() as patch:
        tell_nothing(patch)
        assert missing_mount(folders) is None
    unmount(share)
    assert missing_mount(folders) is not None
    tell_nothing(monkeypatch)
    assert missing_mount(folders) is None


def test_a_folder_that_moved_is_no_missing_share(folders: Folders) -> None:
    note_mounts(folders)
    assert missing_mount(folders) is None


@pytest.mark.parametrize(
    "record", ["[", "[]", '["damaged"]', '{"INBOX": 1}', '{"INBOX": {"mount": 5}}', '{"INBOX": "/"}']
)
def test_a_damaged_record_says_nothing(folders: Folders, record: str) -> None:
    (folders.working / ".mounts.json").write_text(record.replace("INBOX", str(folders.inbox)))
    assert missing_mount(folders) is None


def test_a_record_of_an_earlier_version_is_understood(folders: Folders, tmp_path: Path) -> None:
    (folders.working / ".mounts.json").write_text(f'{{"{folders.inbox}": "{tmp_path}"}}')
    assert missing_mount(folders) is not None
