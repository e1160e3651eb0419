"""Show that a change of the code changes nothing that is published.

    python -m benchmarks.unchanged publish OUT SCANS... [--code CHECKOUT] [--jobs 2]
    python -m benchmarks.unchanged compare BEFORE AFTER

``publish`` runs the command line of this checkout, or of ``--code``, over scans (files, or folders of them) and over
texts of other engines (``ocr.txt`` in a folder), into one folder: text, Markdown and JSON of each. ``compare`` holds
two such folders side by side: the texts byte for byte, the JSON without what is measured anew each time (timings,
seconds, versions, hashes of the files that hold them). It prints each difference; if there is one, status 1.
"""

from __future__ import annotations

import argparse
import difflib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ocr.rasterize import SUFFIXES

MEASURED = frozenset({"timings", "seconds", "engine", "files", "this_file"})
"""Keys of the JSON whose values differ between two runs of the same code."""


def inputs(places: list[Path]) -> Iterator[tuple[str, Path]]:
    """The verb and the file of all that can be published."""
    for place in places:
        files = sorted(place.iterdir()) if place.is_dir() else [place]
        for file in files:
            if file.suffix.lower() in SUFFIXES:
                yield "convert", file
            elif file.is_dir() and (file / "ocr.txt").exists():
                yield "normalize", file / "ocr.txt"


def publish(out: Path, places: list[Path], code: Path, jobs: int) -> int:
    """Publish all inputs into ``out``; returns the number of them."""
    environment = {**os.environ, "PYTHONPATH": str(code), "NAMBAT_FORMATS": "txt,md,json"}
    count = 0
    for verb, file in inputs(places):
        target = out / verb / (file.parent.name if verb == "normalize" else file.parent.name + "-" + file.stem)
        command = [sys.executable, "-m", "flows.cli", verb, str(file.resolve()), "--out", str(target.resolve())]
        command += ["--jobs", str(jobs)] if verb == "convert" else []
        done = subprocess.run(command, env=environment, cwd=code, capture_output=True, text=True)
        (target / "status").write_text(f"{done.returncode}\n")
        print(f"{verb} {file.name}: {done.returncode}", flush=True)
        count += 1
    return count


def without_measured(value: Any) -> Any:
    """A JSON value without the keys of :data:`MEASURED`."""
    if isinstance(value, dict):
        return {key: without_measured(one) for key, one in value.items() if key not in MEASURED}
    if isinstance(value, list):
        return [without_measured(one) for one in value]
    return value


def lines_of(path: Path) -> list[str]:
    """A published file as lines that can be compared; none if it is not there."""
    if not path.exists():
        return []
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".json":
        text = json.dumps(without_measured(json.loads(text)), ensure_ascii=False, indent=1, sort_keys=True)
    return text.split("\n")


def compare(before: Path, after: Path) -> int:
    """Print what differs; returns the number of files that do."""
    names = {path.relative_to(folder) for folder in (before, after) for path in folder.rglob("*") if path.is_file()}
    differ = 0
    for name in sorted(names):
        one, two = lines_of(before / name), lines_of(after / name)
        if one != two or (before / name).exists() != (after / name).exists():
            differ += 1
            print(f"== {name}")
            print("\n".join(list(difflib.unified_diff(one, two, "before", "after", lineterm="", n=1))[:40]))
    print(f"{len(names)} files compared, {differ} differ")
    return differ


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    publishing = verbs.add_parser("publish")
    publishing.add_argument("out", type=Path)
    publishing.add_argument("scans", type=Path, nargs="+")
    publishing.add_argument("--code", type=Path, default=Path(__file__).parent.parent)
    publishing.add_argument("--jobs", type=int, default=2)
    comparing = verbs.add_parser("compare")
    comparing.add_argument("before", type=Path)
    comparing.add_argument("after", type=Path)
    arguments = parser.parse_args()
    if arguments.verb == "compare":
        return min(1, compare(arguments.before, arguments.after))
    return 0 if publish(arguments.out, arguments.scans, arguments.code.resolve(), arguments.jobs) else 1


if __name__ == "__main__":
    sys.exit(main())
