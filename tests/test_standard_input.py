"""What is piped into `nambat convert -` and `nambat normalize -`."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from flows.pipeline.archives import Opened
from flows.pipeline.publish import SCAN_SUFFIXES
from flows.standard_input import PLACE, as_piped, is_plain_name, spool
from ocr.faults import TooLarge
from tests.scans import write_scan

TEXT = "Ủy ban nhân dân thành phố báo cáo kết quả thực hiện.\n"


def nambat(*arguments: str | Path, piped: bytes, **environment: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "flows.cli", *map(str, arguments)]
    return subprocess.run(
        command, input=piped, capture_output=True, timeout=240, env={**os.environ, **environment}, check=False
    )


def published(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_text_is_published_under_its_name_again_and_again(tmp_path: Path) -> None:
    out = tmp_path / "out"
    for text in (TEXT, TEXT + "\nNội dung mới.\n"):
        done = nambat("normalize", "-", "--name", "báo cáo", "--out", out, piped=text.encode())
        assert (done.returncode, done.stderr) == (0, b"") or b"is kept" in done.stderr
    assert [name for name in published(out) if "versions" not in name] == ["báo cáo.json", "báo cáo.txt"]
    assert "Nội dung mới." in (out / "báo cáo.txt").read_text()
    data = json.loads((out / "báo cáo.json").read_text())
    assert (data["source"]["name"], data["source"]["bytes"]) == ("báo cáo", len((TEXT + "\nNội dung mới.\n").encode()))


def test_text_does_not_take_the_place_of_a_file_of_its_name(tmp_path: Path) -> None:
    out, file = tmp_path / "out", tmp_path / "a.txt"
    file.write_text(TEXT)
    assert nambat("normalize", file, "--out", out, piped=b"").returncode == 0
    before = (out / "a.txt").read_bytes()
    assert nambat("normalize", "-", "--name", "a.txt", "--out", out, piped="Văn bản khác.\n".encode()).returncode == 0
    assert (out / "a.txt").read_bytes() == before
    assert len(published(out)) == 4


def test_a_scan_and_files_beside_it(tmp_path: Path) -> None:
    scan = write_scan(tmp_path / "a.pdf")
    done = nambat("convert", scan, "-", "--name", "b.pdf", "--out", tmp_path / "out", piped=scan.read_bytes())
    assert (done.returncode, done.stderr) == (0, b"")
    assert published(tmp_path / "out") == ["a.json", "a.txt", "b.json", "b.txt"]
    assert json.loads((tmp_path / "out/b.json").read_text())["source"]["name"] == "b.pdf"


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (("-",), b"give it one with --name"),
        (("-", "--name", "a/b.pdf"), b"give it one with --name"),
        (("-", "--name", ".."), b"give it one with --name"),
        (("a.pdf", "--name", "b.pdf"), b"goes with standard input"),
    ],
)
@pytest.mark.parametrize("verb", ["convert", "normalize"])
def test_without_a_good_name_it_is_wrong_usage(
    tmp_path: Path, verb: str, arguments: tuple[str, ...], what: bytes
) -> None:
    done = nambat(verb, *arguments, "--out", tmp_path / "out", piped=b"x")
    assert done.returncode == 2
    assert what in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("verb", "limit"), [("convert", "NAMBAT_MAX_BYTES"), ("normalize", "NAMBAT_MAX_TEXT_BYTES")])
def test_limits_hold(tmp_path: Path, verb: str, limit: str) -> None:
    done = nambat(verb, "-", "--name", "a", "--out", tmp_path / "out", piped=b"x" * 1001, **{limit: "1000"})
    assert done.returncode == 1
    assert b"a: More than the 0.0 MB allowed come from standard input" in done.stderr
    assert published(tmp_path / "out") == []


def test_nothing_that_comes_is_told_as_an_empty_file(tmp_path: Path) -> None:
    done = nambat("convert", "-", "--name", "a.pdf", "--out", tmp_path / "out", piped=b"")
    assert done.returncode == 1
    assert b"a.pdf: The file is empty" in done.stderr


@given(data=some.binary(max_size=300), most=some.integers(0, 300))
def test_what_is_spooled_is_what_came_or_too_much(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, most: int
) -> None:
    folder = tmp_path_factory.mktemp("spool") / "stdin"
    if len(data) > most:
        with pytest.raises(TooLarge):
            spool(io.BytesIO(data), "a", folder, most)
        assert (folder / "a").stat().st_size == 0
    else:
        assert spool(io.BytesIO(data), "a", folder, most).read_bytes() == data


@given(name=some.text(max_size=300))
def test_a_plain_name_stays_in_its_folder(name: str) -> None:
    if is_plain_name(name):
        assert (Path("/a") / name).parent == Path("/a")
        assert len(os.fsencode(name)) < 255


def test_what_an_archive_held_lies_in_the_same_place(tmp_path: Path) -> None:
    folder = tmp_path / "stdin"
    other = (tmp_path / "x" / "a.pdf", tmp_path / "x")
    opened = Opened(
        files=[(folder / "b" / "c.tif", folder), (folder / "d", folder), other],
        places={folder / "b" / "c.tif": tmp_path / "unpacked"},
    )
    found = as_piped(opened, folder, ".pdf", SCAN_SUFFIXES)
    assert found.files == [(PLACE / "b" / "c.tif", PLACE), (PLACE / "d.pdf", PLACE), other]
    assert found.places[PLACE / "b" / "c.tif"] == tmp_path / "unpacked"
    assert found.places[PLACE / "d.pdf"] == folder / "d"


def test_an_archive_is_unpacked(tmp_path: Path) -> None:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.write(write_scan(tmp_path / "a.pdf"), "sub/a.pdf")
    done = nambat("convert", "-", "--name", "hồ sơ.zip", "--out", tmp_path / "out", piped=data.getvalue())
    assert (done.returncode, done.stderr) == (0, b"")
    assert published(tmp_path / "out") == ["hồ sơ/sub/a.json", "hồ sơ/sub/a.txt"]
