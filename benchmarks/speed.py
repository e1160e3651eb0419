"""Wall time of ``nambat convert`` against bare pdftoppm and Tesseract over the same scans, in turns.

    python -m benchmarks.speed SCAN.pdf... [--rounds 3] [--jobs 2]

The reference rasterizes each scan with ``pdftoppm -r 300 -gray`` and reads ``--jobs`` pages at a time with
``OMP_THREAD_LIMIT=1 tesseract -l vie``: no cleaning, no footnotes, no repair. Quote the ratios, not the seconds; the
ratio of processor times says more than that of wall times where other work goes on beside.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ocr.rasterize import inspect


def reference(scans: list[Path], jobs: int) -> float:
    """Seconds that pdftoppm and Tesseract take."""
    environment = {**os.environ, "OMP_THREAD_LIMIT": "1"}
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        for index, scan in enumerate(scans):
            subprocess.run(["pdftoppm", "-r", "300", "-gray", str(scan), f"{folder}/{index}"], check=True)

        def read(page: Path) -> None:
            command = ["tesseract", str(page), str(page.with_suffix("")), "-l", "vie"]
            subprocess.run(command, check=True, capture_output=True, env=environment)

        with ThreadPoolExecutor(jobs) as pool:
            list(pool.map(read, sorted(Path(folder).glob("*.pgm"))))
    return time.perf_counter() - begun


def nambat(scans: list[Path], jobs: int) -> float:
    """Seconds that ``nambat convert`` takes, start-up included."""
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "flows.cli", "convert", *map(str, scans), "--out", folder]
        subprocess.run([*command, "--jobs", str(jobs)], check=True)
    return time.perf_counter() - begun


def processor_seconds() -> float:
    """User and system time of all ended child processes so far."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scans", nargs="+", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    pages = sum(inspect(scan).pages for scan in options.scans)
    wall, processor = [], []
    for _ in range(options.rounds):
        start = processor_seconds()
        theirs = reference(options.scans, options.jobs)
        middle = processor_seconds()
        ours = nambat(options.scans, options.jobs)
        wall.append(ours / theirs)
        processor.append((processor_seconds() - middle) / (middle - start))
        print(
            f"reference {theirs / pages:.2f} s a page, nambat {ours / pages:.2f}: wall {wall[-1]:.2f}, "
            f"processor {processor[-1]:.2f} ({(middle - start) / pages:.2f} s a page)",
            flush=True,
        )
    print(
        f"median over {options.rounds} rounds of {pages} pages: wall {statistics.median(wall):.2f}, "
        f"processor {statistics.median(processor):.2f}"
    )


if __name__ == "__main__":
    main()
