"""Options and fixtures of all tests."""

from __future__ import annotations

import os
import signal
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

# nohup, and a shell that starts something in the background, have it ignore signals, and so would all that tests start
# and send these to. What has a handler, if one that does nothing, ignores them as well, but hands nothing down.
for one in (signal.SIGHUP, signal.SIGINT):
    if signal.getsignal(one) == signal.SIG_IGN:
        signal.signal(one, lambda *_: None)

# The same examples for everyone and always: what turns red was turned by a change. Look for new ones with
# ./run test -m hypothesis --hypothesis-profile=explore
# No deadlines: how long an example takes says what else the machine does. pytest-timeout bounds each test.
hypothesis_settings.register_profile("known", derandomize=True, deadline=None)
hypothesis_settings.register_profile("explore", max_examples=1000, deadline=None)
hypothesis_settings.load_profile("known")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="run the tests that take long, too (as if CI were set)")
    parser.addoption("--all", action="store_true", help="run those that take minutes each, too")


def _may_take(item: pytest.Item) -> float:
    """Seconds a test that has its own limit may take; 0 if it has none."""
    limit = item.get_closest_marker("timeout")
    return float(limit.args[0]) if limit else 0.0


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    # Files that run a service mostly wait. Begun first, they wait beside tests that compute; left for the end, as
    # pytest-xdist leaves files of few tests (hence --no-loadscope-reorder), all would wait for them.
    longest: dict[Path, float] = {}
    for item in items:
        longest[item.path] = max(longest.get(item.path, 0.0), _may_take(item))
    items.sort(key=lambda item: longest[item.path], reverse=True)
    runs_all = config.getoption("--all")
    runs_slow = runs_all or config.getoption("--slow") or os.environ.get("CI")
    for item in items:
        if item.get_closest_marker("longest") and not runs_all:
            item.add_marker(pytest.mark.skip(reason="takes minutes; run with --all"))
        elif item.get_closest_marker("slow") and not runs_slow:
            item.add_marker(pytest.mark.skip(reason="takes long; run with --slow"))


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
