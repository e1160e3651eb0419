"""What is installed from a wheel: all packages, all data, and nothing taken from the checkout."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.service import clean_environment

ROOT = Path(__file__).parent.parent
ROOMS = ("ocr", "normalize", "flows")


def wanted_files() -> set[str]:
    """Every module, every file of a data folder, the translations and what web pages are made of, as paths."""
    inside = [path for room in ROOMS for path in (ROOT / room).rglob("*") if path.is_file()]
    folders = ("data", "templates", "static")
    wanted = [path for path in inside if path.suffix in (".py", ".mo") or path.parent.name in folders]
    return {path.relative_to(ROOT).as_posix() for path in wanted}


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel of a copy of the sources, because what an earlier build left in the checkout would be packed too."""
    folder = tmp_path_factory.mktemp("wheel")
    sources = folder / "sources"
    for room in ROOMS:
        shutil.copytree(ROOT / room, sources / room, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, sources)
    pip = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--no-index", "--quiet"]
    done = subprocess.run(
        [*pip, "--disable-pip-version-check", "--wheel-dir", str(folder), str(sources)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "unpacked")
    return folder / "unpacked"


def test_a_wheel_holds_every_module_and_all_data(unpacked: Path) -> None:
    packed = {path.relative_to(unpacked).as_posix() for path in unpacked.rglob("*") if path.is_file()}
    assert wanted_files() - packed == set()
    assert {one for one in packed if ".dist-info/" not in one} - wanted_files() == set()
    for name in sorted(wanted_files()):
        assert (unpacked / name).read_bytes() == (ROOT / name).read_bytes()


def test_a_wheel_works_without_the_checkout(unpacked: Path, tmp_path: Path) -> None:
    code = f"""
import json, sys
import flows.cli, ocr.reading, normalize.repair.repair
from normalize.repair.channel import load_channel
from normalize.repair.decision import load_decision
from normalize.vietnamese.language import load_language_model
from flows.language import _
assert _("stopped.") == "đã dừng."
load_language_model(), load_channel(), load_decision()
print(json.dumps({{name: module.__file__ for name, module in sys.modules.items() if name.split(".")[0] in {ROOMS}}}))
"""
    done = subprocess.run(
        [sys.executable, "-P", "-c", code],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=clean_environment(PYTHONPATH=str(unpacked), NAMBAT_LANG="vi"),
    )
    assert done.returncode == 0, done.stderr
    loaded = {name: Path(place) for name, place in json.loads(done.stdout).items()}
    # An editable install would find in the checkout what the wheel lacks.
    assert [name for name, place in loaded.items() if not place.is_relative_to(unpacked)] == []
    assert {"flows.cli", "ocr.reading", "normalize.repair.repair"} <= set(loaded)
