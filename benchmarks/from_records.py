"""Publish scans from page records that are kept: reading once, everything after it in seconds.

    python -m benchmarks.from_records RECORDS OUT SCANS... [--jobs 2] [--anew]

For work on what comes after reading (structure, facts, repair, formats). The records of a scan lie in RECORDS under
the hash of its content and are read where they are missing; a change in ocr/ asks for ``--anew``. Each scan is
published in OUT under its own name, two of one name under the names of their folders.
"""

from __future__ import annotations

import argparse
import shutil
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from flows.pipeline.stages import Checked, PublishPlan, check, finish, read_page_to_disk, record_path
from flows.settings import Settings
from ocr.faults import ScanFault
from ocr.rasterize import SUFFIXES


def scans(places: list[Path]) -> list[Path]:
    """The scans among the files given and below the folders given."""
    files = [file for place in places for file in (sorted(place.rglob("*")) if place.is_dir() else [place])]
    return [file for file in files if file.suffix.lower() in SUFFIXES]


def read(scan: Path, number: int, records: Path) -> None:
    """Read one page, unless its record is there."""
    settings = Settings()
    read_page_to_disk(scan, number, records, settings.dpi, settings.page_timeout, settings.max_pixels)


def publish(
    scan: Path, checked: Checked, records: Path, out: Path, name: str, settings: Settings | None = None
) -> None:
    """Publish a scan from its records, as text and JSON."""
    settings = settings or Settings()
    out.mkdir(parents=True, exist_ok=True)
    plan = PublishPlan(
        repair=settings.repair,
        footnotes=settings.footnotes,
        low_confidence=settings.low_confidence,
        targets={form: out / f"{name}.{form}" for form in ("txt", "json")},
        staging=out,
    )
    finish(records, scan.name, checked, plan)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("records", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("scans", type=Path, nargs="+")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--anew", action="store_true", help="read the pages again")
    options = parser.parse_args()
    files, settings = scans(options.scans), Settings()
    names = Counter(file.stem for file in files)
    with ProcessPoolExecutor(options.jobs) as pool:
        waiting, found = [], []
        for scan in files:
            try:
                checked = check(scan, settings.max_bytes, settings.max_pages)
            except ScanFault as fault:
                print(f"{scan}: {fault}")
                continue
            records = options.records / checked.sha256
            if options.anew:
                shutil.rmtree(records, ignore_errors=True)
            records.mkdir(parents=True, exist_ok=True)
            found.append((scan, checked, records))
            for number in range(1, checked.pages + 1):
                if not record_path(records, number).exists():
                    waiting.append(pool.submit(read, scan, number, records))
        for done in waiting:
            done.result()
        ends = [
            pool.submit(
                publish,
                scan,
                checked,
                records,
                options.out,
                scan.stem if names[scan.stem] == 1 else f"{scan.parent.name}-{scan.stem}",
            )
            for scan, checked, records in found
        ]
        for done in ends:
            done.result()


if __name__ == "__main__":
    main()
