"""Who may see the service's folders."""

from __future__ import annotations

import grp
import os
import stat
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest

from flows.host.files import make_folder
from flows.host.modes import PRIVATE, make_private, seen_by_others
from flows.pipeline.publish import publish
from flows.settings import BadSetting, load

GROUP = grp.getgrgid(os.getegid()).gr_name


@pytest.fixture(autouse=True, params=[0o022, 0o002, 0o000, 0o077], ids="umask {0:03o}".format)
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


def mode(path: Path) -> str:
    return f"{stat.S_IMODE(path.stat().st_mode):04o}"


def test_a_new_home_is_closed(tmp_path: Path) -> None:
    folders = load(home=tmp_path / "home").folders
    assert make_private(folders) == []
    assert {path.name: mode(path) for path in folders.home.iterdir()} == dict.fromkeys(
        (*PRIVATE, "inbox", "published"), "0700"
    )
    assert mode(folders.home) == "0700"
    assert seen_by_others(folders) == []


def test_an_old_home_is_closed_with_its_database(tmp_path: Path) -> None:
    folders = load(home=tmp_path / "home").folders
    for name in ("inbox/2026", "published", "working", "originals", "quarantine", "prefect/tmp"):
        (folders.home / name).mkdir(parents=True)
    for name in ("prefect/prefect.db", "prefect/prefect.db-wal", "prefect/server.log", "prefect/tmp/x"):
        (folders.home / name).write_text("")
        (folders.home / name).chmod(0o644)
    for path in (folders.home, *folders.home.iterdir()):
        path.chmod(0o755)
    assert {path.name for path in seen_by_others(folders)} >= {"prefect", "inbox", "originals"}
    assert make_private(folders) == []
    assert mode(folders.home) == "0700"
    assert {mode(path) for path in folders.home.iterdir()} == {"0700"}
    assert {mode(path) for path in folders.home.rglob("prefect/**/*") if path.is_file()} == {"0600"}
    assert seen_by_others(folders) == []


def test_a_home_that_holds_more_stays_open_but_for_our_folders(tmp_path: Path) -> None:
    (tmp_path / "somebody's").mkdir()
    tmp_path.chmod(0o755)
    folders = load(home=tmp_path).folders
    assert make_private(folders) == []
    assert mode(tmp_path) == "0755"
    assert {mode(tmp_path / name) for name in (*PRIVATE, "inbox", "published")} == {"0700"}
    assert seen_by_others(folders) == []


def test_folders_chosen_elsewhere_stay_as_they_are(tmp_path: Path) -> None:
    for name in ("scans", "text"):
        (tmp_path / name).mkdir()
        (tmp_path / name).chmod(0o775)
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked").chmod(0o775)
    folders = load(home=tmp_path / "home", inbox=tmp_path / "scans", published=tmp_path / "text").folders
    make_private(folders, GROUP)
    assert {mode(tmp_path / name) for name in ("scans", "text")} == {"0775"}
    (tmp_path / "other").mkdir()
    (tmp_path / "other/inbox").symlink_to(tmp_path / "linked")
    assert make_private(load(home=tmp_path / "other").folders) == []
    assert mode(tmp_path / "linked") == "0775"


def test_a_group_may_drop_and_read_and_no_more(tmp_path: Path) -> None:
    folders = load(home=tmp_path / "home", group=GROUP).folders
    (folders.published / "2025").mkdir(parents=True)
    (folders.published / "2025/old.txt").write_text("x")
    assert make_private(folders, GROUP) == []
    assert (mode(folders.home), mode(folders.inbox), mode(folders.published)) == ("0710", "2770", "2750")
    assert {mode(folders.home / name) for name in PRIVATE} == {"0700"}
    assert (mode(folders.published / "2025"), mode(folders.published / "2025/old.txt")) == ("2750", "0640")
    publish({folders.published / "2026/tháng 1/new.txt": b"y"}, folders.working / ".staging")
    new = folders.published / "2026/tháng 1/new.txt"
    assert [mode(path) for path in (new, new.parent, new.parent.parent)] == ["0640", "2750", "2750"]
    assert seen_by_others(folders) == []
    make_private(folders)
    assert (mode(folders.home), mode(folders.inbox), mode(folders.published)) == ("0700", "0700", "0700")


def test_what_is_published_into_a_folder_of_a_group_is_the_groups(tmp_path: Path) -> None:
    number = next(one for one in (54321, *os.getgroups()) if os.geteuid() == 0 or one in os.getgroups())
    shared = tmp_path / "shared"
    shared.mkdir()
    os.chown(shared, -1, number)
    modes = ((0o2775, "0644"), (0o2750, "0640"), (0o2700, "0600"))
    for (given, expected), root in product(modes, (None, shared)):
        shared.chmod(given)
        publish({shared / "a" / f"{given:o}.txt": b""}, tmp_path / "staging", root=root)
        made = shared / "a" / f"{given:o}.txt"
        assert (mode(made), made.stat().st_gid, made.parent.stat().st_gid) == (expected, number, number)
        assert mode(made.parent) == f"{given:o}"
        make_folder(shared / f"{given:o}" / "b")
        assert mode(shared / f"{given:o}" / "b") == f"{given:o}"
        (made.parent / made.name).unlink()
        made.parent.rmdir()


def test_a_group_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="NAMBAT_GROUP: no group is called văn-thư"):
        make_private(load(home=tmp_path / "home").folders, "văn-thư")
