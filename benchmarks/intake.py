"""Thousands of files dropped at once: how fast are they claimed, does the API stay usable, does memory stay flat?

    python benchmarks/intake.py [--files 5000] [--minutes 5]

Tiny files that are all unlike and no scans (so that none takes a Tesseract) are moved into the inbox of a real
``nambat serve`` at once. Printed every ten seconds: files still in the inbox, claimed, done; runs the Prefect server
knows; seconds that its API takes for what the UI's first page asks; memory of service and server.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import Any

from flows.host.processes import descendants, kill_tree
from flows.intake import inbox
from flows.service.prefect_server import is_taken
from flows.settings import Folders, load


def ask(port: int, path: str, **body: Any) -> tuple[Any, float]:
    """An answer of the API, and the seconds it took."""
    begun = time.perf_counter()
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/api/{path}",
        data=json.dumps(body).encode(),
        headers={"content-type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer), time.perf_counter() - begun


def memory(pid: int) -> float:
    """Resident memory of a process, MB."""
    with suppress(OSError, StopIteration):
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1024
    return 0.0


def look(folders: Folders, port: int, service: int) -> dict[str, float]:
    """How things stand."""
    # The UI's first page counts runs by state and lists the latest.
    _, counting = ask(port, "flow_runs/count")
    _, listing = ask(port, "flow_runs/filter", limit=50, sort="START_TIME_DESC")
    known, _ = ask(port, "flow_runs/count", flows={"name": {"any_": ["ingest"]}})
    server = [pid for pid in descendants(service) if b"server\0start" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    return {
        "inbox": len(inbox.list_inbox(folders.inbox).files),
        "claimed": len([path for path in folders.working.iterdir() if not path.name.startswith(".")]),
        "done": sum(1 for path in folders.quarantine.rglob("*") if path.suffix == ".pdf"),
        "runs": known,
        "API s": round(counting + listing, 2),
        "service MB": round(memory(service)),
        "server MB": round(sum(map(memory, server))),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--files", type=int, default=5000)
    parser.add_argument("--minutes", type=float, default=5, help="to watch after the last file is claimed")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="nambat-intake-") as folder:
        folders = load(home=Path(folder, "home")).folders
        folders.make()
        port = next(port for port in random.sample(range(20000, 30000), 100) if not is_taken("127.0.0.1", port))
        waiting = Path(folder, "waiting")
        waiting.mkdir()
        for number in range(arguments.files):
            (waiting / f"{number:05}.pdf").write_bytes(b"%PDF-1.4\n" + os.urandom(64) + b"\n%%EOF\n")
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "NAMBAT_"))}
        process = subprocess.Popen(
            [sys.executable, "-m", "flows.cli", "serve"],
            stderr=subprocess.PIPE,
            text=True,
            env={**clean, "NAMBAT_HOME": str(folders.home), "NAMBAT_PORT": str(port), "NAMBAT_SETTLE": "1"},
        )
        assert process.stderr is not None
        try:
            for line in process.stderr:
                if line.startswith("Watch the runs"):
                    break
            first = look(folders, port, process.pid)
            print("  ".join(f"{name:>10}" for name in ("second", *first)))
            begun = time.monotonic()
            waiting.rename(folders.inbox / "moved in")  # a folder moved in whole
            claimed = None
            answers = []
            while claimed is None or time.monotonic() < claimed + 60 * arguments.minutes:
                time.sleep(10)
                now = look(folders, port, process.pid)
                answers.append(now["API s"])
                print(
                    "  ".join(f"{value:>10}" for value in (round(time.monotonic() - begun), *now.values())), flush=True
                )
                if claimed is None and not now["inbox"] and now["claimed"] + now["done"] >= arguments.files:
                    claimed = time.monotonic()
                    each = (claimed - begun) / arguments.files * 1000
                    print(f"all claimed and tracked after {claimed - begun:.0f} s, {each:.1f} ms each")
            print(f"API: median {statistics.median(answers):.2f} s, slowest {max(answers):.2f} s")
        finally:
            kill_tree(process.pid, seconds=15)


if __name__ == "__main__":
    main()
