"""A few documents of what `benchmarks/cluster.py` does with 120: two workers, one killed, and then the server."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.cluster import make_scans, page_pictures
from tests.kernel import needs_proc
from tests.postgres import program
from tests.service import on_another_machine


def test_scans_of_a_set_are_unlike_and_each_set_is_the_same(tmp_path: Path) -> None:
    pictures = page_pictures(tmp_path, 1, strips=True)
    first, same = (make_scans(tmp_path / name, 3, pictures) for name in ("a", "b"))
    assert len({scan.read_bytes() for scan in first}) == 3
    assert [scan.read_bytes() for scan in first] == [scan.read_bytes() for scan in same]
    others = make_scans(tmp_path / "c", 3, pictures, "c")
    assert not {scan.read_bytes() for scan in first} & {scan.read_bytes() for scan in others}


@pytest.mark.longest
@pytest.mark.timeout(900)
@needs_proc
def test_two_workers_lose_nothing_when_one_is_killed_and_the_server(tmp_path: Path) -> None:
    if program("initdb") is None:
        pytest.skip("no PostgreSQL here: apt-get install postgresql")
    on_another_machine()
    done = subprocess.run(
        [
            *(sys.executable, "-m", "benchmarks.cluster", "--documents", "8", "--part", "2"),
            *("--workers", "2", "--strips", "--patience", "300"),
        ],
        capture_output=True,
        text=True,
        env={**os.environ, "TMPDIR": os.fspath(tmp_path)},
    )
    assert done.returncode == 0, done.stdout + done.stderr
