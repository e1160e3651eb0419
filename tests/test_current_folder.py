"""Nothing that lies where nambat is started is run: no module, no program, no settings of Prefect."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from flows.host import trusted_paths
from tests.scans import write_scan
from tests.service import clean_environment, plant

ROOT = Path(__file__).parents[1]

PATHS = {"PATH": f".{os.pathsep}{os.environ['PATH']}{os.pathsep}", "LD_LIBRARY_PATH": os.pathsep}
"""As they come of ``PATH=$PATH:$MORE`` where there is no ``MORE``."""


@pytest.mark.parametrize(
    "entries", [PATHS, pytest.param({**PATHS, "PYTHONPATH": f"{ROOT}{os.pathsep}"}, marks=pytest.mark.slow)]
)
def test_what_lies_beside_the_scan_is_not_run(tmp_path: Path, entries: dict[str, str]) -> None:
    ran = plant(tmp_path / "mail", at_start="PYTHONPATH" not in entries)
    write_scan(tmp_path / "mail" / "scan.png")
    done = subprocess.run(
        [sys.executable, "-P", "-m", "flows.cli", "convert", "scan.png", "--out", "out", "--dpi", "100"],
        cwd=tmp_path / "mail",
        env={**clean_environment(PYTHONPATH=str(ROOT)), **entries},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "mail/out/scan.png.txt").exists()
    assert ran() == set()


def test_what_is_planted_would_run(tmp_path: Path) -> None:
    """Or the tests that it does not would prove nothing."""
    ran = plant(tmp_path, at_start=True)
    environment = {**clean_environment(), "PATH": f"{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": os.pathsep}
    subprocess.run([sys.executable, "-c", "import resource"], cwd=tmp_path, env=environment, check=True)
    subprocess.run(["env", "tesseract", "--version"], cwd=tmp_path, env=environment, check=True)
    assert {"sitecustomize.py", "resource.py", "tesseract"} <= ran()


def test_the_path_of_modules_keeps_what_was_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", str(tmp_path), str(ROOT), *sys.path])
    monkeypatch.setenv("PYTHONPATH", os.pathsep)
    assert str(tmp_path) not in trusted_paths.import_path()
    assert str(ROOT) in trusted_paths.import_path()
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert str(tmp_path) in trusted_paths.import_path()
    monkeypatch.chdir(ROOT)
    assert str(ROOT) in trusted_paths.import_path(), "nambat itself lies there"


def test_without_a_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    shutil.rmtree(gone)
    monkeypatch.setattr(sys, "path", ["", *sys.path])
    assert all(Path(part).is_absolute() for part in trusted_paths.import_path())


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("", None),
        (":", None),
        (":/usr/bin:", "/usr/bin"),
        ("bin:/a b:.:./x:/usr/bin", "/a b:/usr/bin"),
        ("~/bin:/usr/bin", "/usr/bin"),
    ],
)
def test_lists_of_folders_lose_what_means_the_current_one(given: str, kept: str | None) -> None:
    for name in trusted_paths.LISTS:
        assert trusted_paths.trusted_environment({name: given}).get(name) == kept


def test_relative_names_of_files_count_from_where_nambat_was_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    told = trusted_paths.trusted_environment({"NAMBAT_WORDS": "words.txt", "TESSDATA_PREFIX": "/data", "LANG": "vi"})
    assert (told["NAMBAT_WORDS"], told["TESSDATA_PREFIX"], told["LANG"]) == (f"{tmp_path}/words.txt", "/data", "vi")
    assert "NAMBAT_HOME" not in told
