"""Options and fixtures of all tests."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings as hypothesis_settings

from flows.intake.claims import ClaimStore
from flows.settings import Folders, load

# Tests read what nambat says in English, wherever they run; those of its Vietnamese ask for it.
os.environ["LC_ALL"] = "C.UTF-8"
os.environ.pop("NAMBAT_LANG", None)

# The same examples for everyone and always: what turns red was turned by a change. Look for new ones with
# ./run test -m hypothesis --hypothesis-profile=explore
hypothesis_settings.register_profile("known", derandomize=True)
hypothesis_settings.register_profile("explore", max_examples=1000)
hypothesis_settings.load_profile("known")


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
def store(tmp_path: Path) -> ClaimStore:
    """The claims of a service with the default settings; its folders are made and empty."""
    made = ClaimStore(load(home=tmp_path / "home"))
    made.folders.make()
    return made


@pytest.fixture
def folders(store: ClaimStore) -> Folders:
    """The folders of ``store``."""
    return store.folders


@pytest.fixture
def deep_store(store: ClaimStore) -> Iterator[ClaimStore]:
    """One with folders in which others may lie deeper than ``shutil.rmtree`` can go."""
    yield store
    subprocess.run(["rm", "-rf", str(store.folders.home)], check=True)


@pytest.fixture
def deep_folders(deep_store: ClaimStore) -> Folders:
    """The folders of ``deep_store``."""
    return deep_store.folders
