"""The command line as users meet it: real processes, real Tesseract."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from flows.host.processes import descendants, is_running
from tests.kernel import needs_proc
from tests.scans import write_scan

ROOT = Path(__file__).parents[1]
TESSERACT = shutil.which("tesseract")


def nambat(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "flows.cli", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=240,
        env={**os.environ, **environment},
    )


WITHOUT_RIGHTS = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
"""Puts root, who may read everything, into the place of the users that people are."""


def bound_by_rights(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """The same as :func:`nambat`, for a user who may not read everything."""
    if os.geteuid() != 0:
        return nambat(*arguments, **environment)
    command = [*WITHOUT_RIGHTS, sys.executable, "-m", "flows.cli", *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=240, env={**os.environ, "PYTHONPATH": str(ROOT), **environment}
    )


needs_rights = pytest.mark.skipif(
    os.geteuid() == 0 and not (shutil.which("setpriv") and subprocess.run([*WITHOUT_RIGHTS, "true"]).returncode == 0),
    reason="root may read everything here, and there is no setpriv to take that from it",
)


def published(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def failing_tesseract(folder: Path, failures: int) -> str:
    """A PATH whose tesseract crashes so many times, then works."""
    folder.mkdir()
    script = folder / "tesseract"
    script.write_text(
        "#!/bin/sh\n"
        'case "$*" in *--list-langs*|*--version*) exec ' + str(TESSERACT) + ' "$@";; esac\n'
        f"for n in $(seq {failures}); do mkdir {folder}/$n 2>/dev/null && kill -ABRT $$; done\n"
        f'exec {TESSERACT} "$@"\n'
    )
    script.chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


def test_convert(tmp_path: Path) -> None:
    scans = tmp_path / "scans"
    write_scan(scans / "sub" / "Giấy mời.pdf", pages=2)
    write_scan(scans / "b.pdf")
    write_scan(scans / "b.tif")
    (scans / "notes.docx").write_text("none of ours")
    done = nambat("convert", scans, "--out", tmp_path / "out", "--format", "txt,md")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert published(tmp_path / "out") == sorted(
        f"{stem}.{form}" for stem in ("b", "b.tif", "sub/Giấy mời") for form in ("txt", "md", "json")
    )
    data = json.loads((tmp_path / "out/sub/Giấy mời.json").read_text())
    assert data["schema"] == "nambat/1"
    assert (data["source"]["name"], data["source"]["pages"]) == ("Giấy mời.pdf", 2)
    assert [entry["name"] for entry in data["files"]] == ["Giấy mời.txt", "Giấy mời.md"]
    assert list(data["timings"]) == ["reading", "structure", "repair"]
    for name in ("b.txt", "b.tif.txt", "sub/Giấy mời.md"):
        assert "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM" in (tmp_path / "out" / name).read_text()


def test_one_bad_file_does_not_stop_the_rest(tmp_path: Path) -> None:
    scans = tmp_path / "scans"
    good = write_scan(scans / "good.pdf")
    (scans / "empty.pdf").touch()
    (scans / "text.pdf").write_text("hello")
    (scans / "cut.pdf").write_bytes(good.read_bytes()[:3000])
    done = nambat("convert", scans, tmp_path / "nowhere.pdf", "--out", tmp_path / "out", "--summary")
    assert done.returncode == 1
    assert published(tmp_path / "out") == ["good.json", "good.txt"]
    lines = done.stderr.splitlines()
    assert sorted(line.split(":")[1].strip().removeprefix(str(tmp_path) + "/") for line in lines) == [
        "cut.pdf",
        "empty.pdf",
        "nowhere.pdf",
        "text.pdf",
    ]
    assert "good.pdf" in done.stdout
    assert "Traceback" not in done.stderr


@needs_rights
def test_what_cannot_be_read_does_not_stop_the_rest(tmp_path: Path) -> None:
    good, shut, closed = tmp_path / "good.pdf", tmp_path / "shut.pdf", tmp_path / "scans" / "closed"
    write_scan(good)
    write_scan(shut).chmod(0)
    write_scan(closed / "inside.pdf")
    closed.chmod(0)
    done = bound_by_rights("convert", shut, good, tmp_path / "scans", "--out", tmp_path / "out")
    closed.chmod(0o700)
    assert (done.returncode, published(tmp_path / "out")) == (1, ["good.json", "good.txt"])
    about_folder, about_file = done.stderr.splitlines()
    assert about_folder == f"nambat: {closed}: Permission denied; nothing in it is read."
    assert about_file.startswith("nambat: shut.pdf: Permission denied")
    alone = bound_by_rights("convert", shut, "--out", tmp_path / "other")
    assert (alone.returncode, published(tmp_path / "other")) == (1, [])


@needs_rights
def test_a_text_that_cannot_be_read_does_not_stop_the_rest(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.txt").write_text("Ủy ban nhân dân báo cáo.\n")
    (tmp_path / "b.txt").chmod(0)
    broken = tmp_path / "d.txt"
    broken.symlink_to("/proc/self/mem")  # a file that is there, and gives an error when it is read
    texts = [tmp_path / f"{name}.txt" for name in ("b", "a", "c")]
    done = bound_by_rights("normalize", *texts, broken, tmp_path / "typo.txt", "--out", tmp_path / "out")
    assert (done.returncode, published(tmp_path / "out")) == (1, ["a.json", "a.txt", "c.json", "c.txt"])
    assert [line.split(": ")[1] for line in done.stderr.splitlines()] == [str(tmp_path / "typo.txt"), "b.txt", "d.txt"]


@needs_rights
@pytest.mark.slow
def test_a_scan_that_cannot_be_read_does_not_stop_the_rest_of_ingest(tmp_path: Path) -> None:
    shut, good = write_scan(tmp_path / "a.pdf"), write_scan(tmp_path / "b.pdf")
    shut.chmod(0)
    done = bound_by_rights("ingest", shut, good, "--out", tmp_path / "out", NAMBAT_HOME=str(tmp_path / "home"))
    assert (done.returncode, published(tmp_path / "out")) == (1, ["b.json", "b.txt"])
    assert [line for line in done.stderr.splitlines() if line.startswith("nambat: a.pdf: Permission denied")]
    assert list((tmp_path / "home" / "working").glob("2*")) == []


def test_an_unreadable_page_leaves_a_marker(tmp_path: Path) -> None:
    scan = write_scan(tmp_path / "a.pdf", pages=3)
    path = failing_tesseract(tmp_path / "bin", failures=1)
    done = nambat("convert", scan, "--out", tmp_path / "out", "--jobs", "1", PATH=path)
    assert done.returncode == 0
    assert "page 1" in done.stderr
    text = (tmp_path / "out/a.txt").read_text()
    assert "[trang 1: không đọc được]" in text
    assert text.count("CỘNG HÒA XÃ HỘI") >= 1
    warnings = json.loads((tmp_path / "out/a.json").read_text())["warnings"]
    assert any(warning["page"] == 1 for warning in warnings)


def test_too_many_unreadable_pages_fail_the_document(tmp_path: Path) -> None:
    scan = write_scan(tmp_path / "a.pdf", pages=3)
    path = failing_tesseract(tmp_path / "bin", failures=2)
    done = nambat("convert", scan, "--out", tmp_path / "out", "--jobs", "1", PATH=path)
    assert done.returncode == 1
    assert "2 of 3 pages" in done.stderr
    assert published(tmp_path / "out") == []


def test_missing_programs(tmp_path: Path) -> None:
    scan = write_scan(tmp_path / "a.pdf")
    done = nambat("convert", scan, "--out", tmp_path / "out", PATH=str(tmp_path))
    assert done.returncode == 3
    assert "apt-get install tesseract-ocr" in done.stderr
    assert "apt-get install poppler-utils" in done.stderr
    assert nambat("doctor", PATH=str(tmp_path), NAMBAT_HOME=str(tmp_path)).returncode == 3


@pytest.mark.parametrize(
    "arguments",
    [
        ("convert",),
        ("convert", "a.pdf"),
        ("convert", "/nowhere", "--out", "o"),
        ("convert", ".", "--jobs", "0"),
        ("what",),
    ],
)
def test_wrong_usage(arguments: tuple[str, ...]) -> None:
    done = nambat(*arguments)
    assert done.returncode == 2
    assert done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("name", "value"), [("NAMBAT_JOBS", "many"), ("NAMBAT_SWEEP_CRON", "at noon")])
def test_a_bad_setting_is_named(name: str, value: str) -> None:
    done = nambat("status", **{name: value})
    assert done.returncode == 2
    assert name in done.stderr


@needs_proc
@pytest.mark.parametrize(("signum", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_stopping_leaves_nothing(tmp_path: Path, signum: int, status: int) -> None:
    scan = write_scan(tmp_path / "a.pdf", pages=40)
    process = subprocess.Popen(
        [sys.executable, "-m", "flows.cli", "convert", str(scan), "--out", str(tmp_path / "out")],
        stderr=subprocess.PIPE,
        text=True,
        # A test run in the background of a shell has interrupts switched off, and its children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not list((tmp_path / "out").glob(".nambat-*/0/*.json")):
        time.sleep(0.05)
    children = descendants(process.pid)
    assert children
    process.send_signal(signum)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == status
    assert "Traceback" not in errors
    time.sleep(0.2)
    assert not [pid for pid in children if is_running(pid)]
    assert list((tmp_path / "out").iterdir()) == []


def test_normalize_and_explain(tmp_path: Path) -> None:
    source = tmp_path / "in" / "a.txt"
    source.parent.mkdir()
    source.write_text("Ủy ban nhân dân thành phố¹ báo cáo.\n\n¹ Theo Quyết định số 12/QĐ-UBND.\n", "utf-8")
    (tmp_path / "in" / "b.md").write_bytes(b"\xff\xfe")
    done = nambat("normalize", source.parent, "--out", tmp_path / "out")
    assert done.returncode == 1
    assert "b.md" in done.stderr
    assert published(tmp_path / "out") == ["a.json", "a.txt"]
    assert "thành phố[^1]" in (tmp_path / "out/a.txt").read_text()
    assert nambat("explain", tmp_path / "out/a.json").returncode == 0
    assert nambat("explain", source).returncode == 2
    clash = nambat("normalize", source, "--out", source.parent)
    assert clash.returncode == 2
    assert "overwrite" in clash.stderr


def test_normalize_has_limits(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "slow.txt").write_text("phân đâu vê đây mạnh câu hình " * 3000)
    (tmp_path / "in" / "large.txt").write_text("a" * 200_001)
    limits = {"NAMBAT_TEXT_TIMEOUT": "2", "NAMBAT_MAX_TEXT_BYTES": "200000"}
    done = nambat("normalize", tmp_path / "in", "--out", tmp_path / "out", **limits)
    assert done.returncode == 1
    assert "slow.txt: The text took longer than 2 s" in done.stderr
    assert "large.txt: The text has 0.2 MB, more than" in done.stderr
    assert published(tmp_path / "out") == []


def test_status_and_retry(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "quarantine").mkdir(parents=True)
    (home / "quarantine" / "a.pdf").write_bytes(b"x")
    (home / "quarantine" / "a.pdf.reason.txt").write_text("hỏng\nbroken\n")
    assert "broken" in nambat("status", NAMBAT_HOME=str(home)).stdout
    assert nambat("retry", "nothing.pdf", NAMBAT_HOME=str(home)).returncode == 1
    assert nambat("retry", "../home/quarantine/../../x", NAMBAT_HOME=str(home)).returncode == 1
    assert nambat("retry", NAMBAT_HOME=str(home)).returncode == 2
    assert nambat("retry", "--all", NAMBAT_HOME=str(home)).returncode == 0
    assert (home / "inbox" / "a.pdf").read_bytes() == b"x"
    assert list((home / "quarantine").iterdir()) == []


def test_convert_starts_fast_and_without_prefect(tmp_path: Path) -> None:
    """Prefect takes 1.5 s to import; nothing on the way of `convert` may."""
    code = (
        "import sys; sys.argv = ['nambat', 'convert', '/nowhere', '--out', '/tmp/none']\n"
        "from flows import cli\n"
        "try: cli.main()\n"
        "except SystemExit: pass\n"
        "import flows.convert, flows.pipeline.workers, flows.pipeline.stages\n"
        "print([name for name in ('prefect', 'cv2', 'rich', 'httpx') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
