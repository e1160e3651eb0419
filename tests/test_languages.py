"""What users read on a terminal, in both languages."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.scans import write_scan

ENGLISH = re.compile(r"\b(the|and|with|not|cannot|will|from|show|write|is|are|of|to|by)\b", re.IGNORECASE)


def nambat(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "flows.cli", *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=240, env={**os.environ, **environment}, check=False
    )


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with something in every place that `status` tells of."""
    home = tmp_path / "home"
    for folder in ("inbox", "working", "published", "originals", "quarantine"):
        (home / folder).mkdir(mode=0o700, parents=True)
    (home / "inbox" / "a.pdf").write_bytes(b"x")
    (home / "quarantine" / "b.pdf").write_bytes(b"x")
    (home / "quarantine" / "b.pdf.reason.txt").write_text(
        "Tệp rỗng; hãy quét lại.\nThe file is empty; scan it again.\n"
    )
    return home


@pytest.mark.parametrize(
    ("arguments", "status", "english", "vietnamese"),
    [
        (("--help",), 0, ["Usage: nambat", "Options:", "Commands:"], ["Cách dùng: nambat", "Tùy chọn:", "Các lệnh:"]),
        (("convert", "--help"), 0, ["Folder to publish into.", "[required]"], ["Thư mục ghi kết quả.", "[bắt buộc]"]),
        (
            ("status",),
            0,
            ["not served", "Not done", "The file is empty"],
            ["dịch vụ không chạy", "Chưa xong", "Tệp rỗng"],
        ),
        (("doctor",), 0, ["ok   tesseract"], ["tốt  tesseract"]),
        (("settings",), 0, ["(environment)", "(default)"], ["(biến môi trường)", "(mặc định)"]),
        (("convert", "--out", "x"), 2, ["Error: Missing argument"], ["Lỗi: Thiếu tham số"]),
        (("convert", "a", "--format", "docx"), 2, ["no format 'docx'"], ["không có loại tệp 'docx'"]),
        (("what",), 2, ["No such command 'what'"], ["Không có lệnh 'what'"]),
        (("retry",), 2, ["name the files to put back"], ["hãy nêu tên các tệp"]),
        (("explain", "nowhere.json"), 2, ["No such file"], ["Không có tệp"]),
    ],
)
def test_commands_speak_both_languages(
    home: Path, arguments: tuple[str, ...], status: int, english: list[str], vietnamese: list[str]
) -> None:
    for name, wanted, unwanted in (("en", english, vietnamese), ("vi", vietnamese, english)):
        done = nambat(*arguments, NAMBAT_LANG=name, NAMBAT_HOME=str(home))
        said = done.stdout + done.stderr
        assert done.returncode == status, said
        assert [words for words in wanted if words not in said] == []
        assert [words for words in unwanted if words in said] == []


@pytest.mark.parametrize("arguments", [("--help",), ("settings",), ("convert", "--help"), ("retry", "--help")])
def test_help_holds_no_english_sentence(home: Path, arguments: tuple[str, ...]) -> None:
    done = nambat(*arguments, NAMBAT_LANG="vi", NAMBAT_HOME=str(home), COLUMNS="200")
    assert [line for line in done.stdout.splitlines() if len(ENGLISH.findall(line)) > 1] == []


def test_the_locale_chooses_where_nothing_else_does(home: Path) -> None:
    assert "Cách dùng" in nambat("--help", LC_ALL="vi_VN.UTF-8").stdout
    assert "Usage" in nambat("--help", LC_ALL="en_US.UTF-8").stdout


def test_a_summary_fits_in_its_line_in_both_languages() -> None:
    for name in ("vi", "en"):
        said = nambat("--help", NAMBAT_LANG=name, COLUMNS="80").stdout
        assert "..." not in said.partition("ARGS]...")[2]
        assert max(map(len, said.splitlines())) <= 80


def test_a_conversion_is_told_in_vietnamese(tmp_path: Path) -> None:
    scan = write_scan(tmp_path / "a.pdf")
    (tmp_path / "b.pdf").touch()
    given = scan, tmp_path / "b.pdf", tmp_path / "c.pdf"
    done = nambat("convert", *given, "--out", tmp_path / "out", "--summary", NAMBAT_LANG="vi")
    assert done.returncode == 1
    assert "Đã xuất bản" in done.stdout
    assert "chú thích" in done.stdout
    assert "b.pdf: Tệp rỗng" in done.stderr
    assert "c.pdf: Không có tệp" in done.stderr
    # What programs read is the same in every language.
    english = nambat("convert", scan, "--out", tmp_path / "english")
    assert english.returncode == 0
    assert (tmp_path / "out/a.txt").read_bytes() == (tmp_path / "english/a.txt").read_bytes()
