"""Options and fixtures of all tests."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.settings import Folders, load


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="run the tests that take long, too (as if CI were set)")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--slow") or os.environ.get("CI"):
        return
    skipped = pytest.mark.skip(reason="takes long; run with --slow")
    for item in items:
        if item.get_closest_marker("slow"):
            item.add_marker(skipped)


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    """The folders of a service, made and empty."""
    made = load(home=tmp_path / "home").folders
    made.make()
    return made


@pytest.fixture
def deep_folders(folders: Folders) -> Iterator[Folders]:
    """Folders in which others may lie deeper than ``shutil.rmtree`` can go."""
    yield folders
    subprocess.run(["rm", "-rf", str(folders.home)], check=True)
