"""The folder that ``convert`` and ``normalize`` publish into: nothing there is lost in silence."""

from __future__ import annotations

import hashlib
import json
import os
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from flows import convert
from flows.cli import nambat
from flows.host.locks import locked
from flows.host.processes import machine
from flows.pipeline.stages import publish_document
from flows.settings import load
from normalize.document import Document, Metadata, Source
from tests.intake import dead_owner

TEXT = "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM\n\nKính gửi: Ủy ban nhân dân xã Nậm Bạt.\n\n{}\n"


def scan(path: Path, data: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(data)
    return path


def publish_scan(path: Path, out: Path, formats: tuple[str, ...] = ("txt", "json")) -> tuple[Path, ...]:
    """Publish a scan as convert does, but for the reading. Returns what was kept."""
    (wanted,) = convert.plan([(path, path.parent)], out, formats)
    source = Source(path.name, hashlib.sha256(path.read_bytes()).hexdigest(), 1, 1)
    plan = convert.publish_plan(wanted, load(), out / ".nambat-x")
    return publish_document(Document(source, (), (), Metadata(), ()), plan).kept


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def source(path: Path) -> str:
    return str(json.loads(path.read_bytes())["source"]["sha256"])


def test_13_12f_scans_of_one_name_converted_one_after_the_other_have_files_of_their_own(tmp_path: Path) -> None:
    out = tmp_path / "out"
    one, two = scan(tmp_path / "x/b.pdf", "one"), scan(tmp_path / "y/b.pdf", "two")
    for _ in range(2):  # and the same ones each time
        publish_scan(one, out)
        publish_scan(two, out)
        assert names(out) == ["b.json", "b.txt", "y-b.json", "y-b.txt"]
        assert source(out / "b.json") == hashlib.sha256(b"one").hexdigest()
        assert source(out / "y-b.json") == hashlib.sha256(b"two").hexdigest()
    together = convert.plan([(one, one.parent), (two, two.parent)], out, ("json",))
    assert [wanted.targets["json"].name for wanted in together] == ["x-b.json", "y-b.json"]


def test_13_12f_names_that_are_taken_too_give_way(tmp_path: Path) -> None:
    out = tmp_path / "out"
    scans = [scan(tmp_path / place / "b.pdf", place) for place in ("p/y", "q/y", "r/p/y", "q-y")]
    scans.append(scan(tmp_path / "s" / "q-y-b.pdf", "s"))
    for _ in range(2):
        for path in scans:
            publish_scan(path, out)
        found = {source(path): path.name for path in out.glob("*.json")}
        assert len(found) == len(scans)
        assert len(list(out.glob("*.json"))) == len(scans)
        assert not (out / "versions").exists()


def test_13_12f_the_same_scan_moved_and_a_new_scan_of_the_same_place_keep_the_name(tmp_path: Path) -> None:
    out = tmp_path / "out"
    publish_scan(scan(tmp_path / "x/b.pdf", "one"), out)
    assert publish_scan(scan(tmp_path / "z/b.pdf", "one"), out) == ()
    assert names(out) == ["b.json", "b.txt"]
    kept = publish_scan(scan(tmp_path / "z/b.pdf", "scanned again"), out)
    assert [path.parent for path in kept] == [out / "versions"] * 2
    assert source(out / "b.json") == hashlib.sha256(b"scanned again").hexdigest()


def test_13_12f_a_folder_given_as_a_whole_is_looked_at_file_by_file(tmp_path: Path) -> None:
    out = tmp_path / "out"
    publish_scan(scan(tmp_path / "x/b.pdf", "one"), out)
    files = [(scan(tmp_path / "y" / name, name), tmp_path / "y") for name in ("b.pdf", "c.pdf", "sub/b.pdf")]
    wanted = convert.plan(files, out, ("json",))
    assert [str(one.targets["json"].relative_to(out)) for one in wanted] == ["y-b.json", "c.json", "sub/b.json"]


@pytest.mark.parametrize("mended", ["b.txt", "b.json"])
def test_13_9_what_was_mended_by_hand_is_kept(tmp_path: Path, mended: str) -> None:
    out = tmp_path / "out"
    path = scan(tmp_path / "x/b.pdf", "one")
    publish_scan(path, out)
    assert publish_scan(path, out) == ()
    with (out / mended).open("a") as file:
        file.write("mended\n")
    words = (out / mended).read_bytes()
    assert words in [path.read_bytes() for path in publish_scan(path, out)]
    assert (out / mended).read_bytes() != words


def test_13_9_a_file_that_was_never_ours_is_kept(tmp_path: Path) -> None:
    out = tmp_path / "out"
    scan(out / "b.txt", "mine")
    scan(out / "b.json", '{"source": {"name": "of another program"}}')
    kept = publish_scan(scan(tmp_path / "x/b.pdf", "one"), out)
    assert sorted(path.read_text() for path in kept) == ["mine", '{"source": {"name": "of another program"}}']


def test_a_format_asked_for_another_time_stays(tmp_path: Path) -> None:
    out = tmp_path / "out"
    path = scan(tmp_path / "x/b.pdf", "one")
    publish_scan(path, out, ("md", "json"))
    publish_scan(path, out, ("txt", "json"))
    publish_scan(path, out, ("txt", "json"))
    assert names(out) == ["b.json", "b.md", "b.txt"]
    assert [one["name"] for one in json.loads((out / "b.json").read_bytes())["files"]] == ["b.txt", "b.md"]
    kept = publish_scan(scan(path, "scanned again"), out, ("txt", "json"))
    assert sorted(path.suffix for path in kept) == [".json", ".md", ".txt"]  # of another scan: not beside its text
    assert not (out / "b.md").exists()


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(nambat, [str(argument) for argument in arguments])


def test_13_9_normalize_says_what_it_kept(tmp_path: Path) -> None:
    out = tmp_path / "out"
    one = scan(tmp_path / "x/b.txt", TEXT.format("Một."))
    assert run("normalize", one, "-o", out).exit_code == 0
    (out / "b.txt").write_text("mended\n")
    done = run("normalize", one, "-o", out)
    assert done.exit_code == 0
    assert "is kept" in done.output
    assert "mended\n" in [path.read_text() for path in (out / "versions").glob("*.txt")]
    two = scan(tmp_path / "y/b.txt", TEXT.format("Hai."))
    assert run("normalize", two, "-o", out).exit_code == 0
    assert "Hai." in (out / "y-b.txt").read_text()
    assert "Một." in (out / "b.txt").read_text()


@pytest.mark.parametrize("kind", ["file", "folder", "dangling"])
def test_13_4_links_in_the_folder_lead_nowhere(tmp_path: Path, kind: str) -> None:
    out, outside = tmp_path / "out", tmp_path / "outside"
    scan(outside / "b.txt", "theirs")
    out.mkdir()
    (out / "b.txt").symlink_to({"file": outside / "b.txt", "folder": outside, "dangling": outside / "c"}[kind])
    (out / "sub").symlink_to(outside)
    scan(tmp_path / "in/b.txt", TEXT.format("Một."))
    scan(tmp_path / "in/sub/b.txt", TEXT.format("Hai."))
    done = run("normalize", tmp_path / "in", "-o", out)
    assert done.exit_code == 1
    assert done.output.count("is in the way") == 2
    assert names(outside) == ["b.txt"]
    assert (outside / "b.txt").read_text() == "theirs"


def scratch(out: Path, name: str, age: float) -> Path:
    folder = out / name
    (folder / "0").mkdir(parents=True)
    page = folder / "0" / "00001.json"
    page.write_text("{}")
    then = time.time() - age
    for path in (page, page.parent, folder):
        os.utime(path, (then, then))
    return folder


DAY = 86400.0
DEAD = int(dead_owner().split(":")[1])
ELSEWHERE = "0badcafe-f0000001"


@pytest.mark.parametrize(
    ("name", "age", "is_left"),
    [
        (f".nambat-{machine()}-{DEAD}-01234567", 0, True),  # a process of this machine that is gone
        (f".nambat-{machine()}-{os.getpid()}-01234567", 9 * DAY, False),  # one that runs
        (f".nambat-{ELSEWHERE}-{DEAD}-01234567", DAY / 2, False),  # another machine's, whose processes nobody knows
        (f".nambat-{ELSEWHERE}-{DEAD}-01234567", 9 * DAY, True),
        (f".nambat-{DEAD}-01234567", DAY / 2, False),  # version 0.1 did not say which machine
        (f".nambat-{DEAD}-01234567", 9 * DAY, True),
        (".nambat-staging", 9 * DAY, False),
        (".nambat-mine-1", 9 * DAY, False),
    ],
    ids=["gone", "runs", "elsewhere", "elsewhere, old", "0.1", "0.1, old", "no process", "somebody's"],
)
def test_13_12e_only_scratch_that_is_left_is_removed(tmp_path: Path, name: str, age: float, is_left: bool) -> None:
    old = scratch(tmp_path, name, age)
    with convert.scratch(tmp_path) as work:
        assert old.exists() is not is_left
        assert work.exists()
    assert not work.exists()


@pytest.mark.parametrize(
    "name",
    [f".nambat-{ELSEWHERE}-{DEAD}-01234567", f".nambat-{machine()}-{DEAD}-01234567"],
    ids=["elsewhere", "here"],
)
def test_13_12e_scratch_whose_lock_is_held_stays_however_old(tmp_path: Path, name: str) -> None:
    """A machine that slept over the week-end, or a container with process ids of its own."""
    old = scratch(tmp_path, name, 9 * DAY)
    with locked(old / convert.LOCK):
        os.utime(old / convert.LOCK, (0, 0))
        os.utime(old, (0, 0))
        with convert.scratch(tmp_path):
            assert (old / "0" / "00001.json").exists()
    os.utime(old / convert.LOCK, (0, 0))
    os.utime(old, (0, 0))
    with convert.scratch(tmp_path):
        assert not old.exists()


def test_13_12e_two_at_once_leave_each_other_alone(tmp_path: Path) -> None:
    with convert.scratch(tmp_path) as one, convert.scratch(tmp_path) as two:
        assert one != two
        assert one.exists()
    assert names(tmp_path) == []


def test_a_scratch_that_is_a_link_is_left_alone(tmp_path: Path) -> None:
    outside = scratch(tmp_path, "outside", 9 * DAY)
    out = tmp_path / "out"
    out.mkdir()
    (out / f".nambat-{ELSEWHERE}-1-01234567").symlink_to(outside)
    with convert.scratch(out):
        pass
    assert (outside / "0" / "00001.json").exists()
