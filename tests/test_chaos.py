"""A few minutes of what `benchmarks/chaos.py` does for an hour; with NAMBAT_CHAOS set only, for its length."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.chaos import drops, scan


def test_scans_for_chaos_are_unlike_and_some_are_twins() -> None:
    made = drops(60, random.Random(1))
    assert len({one.name for one in made}) == 60
    good = [one.data for one in made if one.good]
    assert len(set(good)) < len(good) < len(made)
    assert scan(1, 1) != scan(2, 1)


@pytest.mark.slow
@pytest.mark.skipif("NAMBAT_CHAOS" not in os.environ, reason="takes minutes; set NAMBAT_CHAOS=1")
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("scenario", ["kill", "server", "readonly", "disk"])
def test_nothing_is_lost(tmp_path: Path, scenario: str) -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "benchmarks.chaos", scenario),
            *("--kills", "8", "--scans", "6", "--rounds", "1", "--patience", "600", "--logs", str(tmp_path)),
        ],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
