"""The lock files hold what pyproject.toml asks for, and nothing in them depends on where they were written."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
LOCKS = {
    "requirements.lock": ("build",),
    "requirements-s3.lock": ("build", "s3"),
    "requirements-cluster.lock": ("build", "s3", "cluster"),
    "requirements-dev.lock": ("build", "s3", "cluster", "dev"),
}


def locked(lock: str) -> dict[str, list[Requirement]]:
    """What a lock file pins, by name; the same package may stand there for several systems."""
    found: dict[str, list[Requirement]] = {}
    for line in (ROOT / lock).read_text().splitlines():
        if line and not line.startswith(("#", " ")):
            one = Requirement(line.removesuffix("\\").strip())
            found.setdefault(canonicalize_name(one.name), []).append(one)
    return found


def version(one: Requirement) -> Version:
    (pin,) = one.specifier
    assert pin.operator == "=="
    return Version(pin.version)


def asked_for(*extras: str) -> Iterator[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for text in [
        *project["dependencies"],
        *(text for extra in extras for text in project["optional-dependencies"][extra]),
    ]:
        yield Requirement(text)


@pytest.mark.parametrize("lock", LOCKS)
def test_the_lock_satisfies_pyproject(lock: str) -> None:
    """If not, run: ./run lock"""
    pins = locked(lock)
    wrong = [
        str(one)
        for one in asked_for(*LOCKS[lock])
        if not any(one.specifier.contains(version(pin)) for pin in pins.get(canonicalize_name(one.name), []))
    ]
    assert wrong == []


def test_what_is_built_with_is_locked_too() -> None:
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
    assert {canonicalize_name(Requirement(text).name) for text in build} <= set(locked("requirements.lock"))


def test_tests_run_with_what_users_get() -> None:
    """Each lock holds all of the one before."""
    for less, more in pairwise(LOCKS):
        pins = locked(more)
        assert {name: pins.get(name) for name in locked(less)} == locked(less)


def test_buckets_and_several_servers_cost_nobody_else_anything() -> None:
    assert not {"s3fs", "aiobotocore", "aiohttp", "prefect-redis"} & set(locked("requirements.lock"))
    assert "prefect-redis" not in locked("requirements-s3.lock")


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_has_its_hashes_and_none_a_place(lock: str) -> None:
    text = (ROOT / lock).read_text()
    entries = re.split(
        r"\n(?=[a-zA-Z0-9])", "".join(line for line in text.splitlines(True) if not line.startswith("#"))
    )
    assert [entry for entry in entries if "--hash=sha256:" not in entry] == []
    assert re.findall(r"https?:|file:|--(?:extra-)?index-url|--find-links|@ ", text) == []


def test_the_tool_that_writes_the_locks_is_locked() -> None:
    assert "uv" in locked("requirements-dev.lock")
    assert "pip install" not in (ROOT / "run").read_text().partition("lock() {")[2].partition("\n}")[0]
