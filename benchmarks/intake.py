"""Thousands of files dropped at once: how fast are they claimed, does the API stay usable, does memory stay flat?

    python -m benchmarks.intake [--files 5000] [--minutes 5]

Tiny files that are all unlike and no scans (so that none takes a Tesseract) are moved into the inbox of a real
``nambat serve`` at once. Printed every ten seconds: files still in the inbox, claimed, done; runs the Prefect server
knows; seconds that its API takes for what the UI's first page asks; memory of service and server.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from flows.host.processes import descendants
from flows.intake import inbox
from tests.service import Service


def ask(service: Service, path: str, **body: Any) -> tuple[Any, float]:
    """An answer of the API, and the seconds it took."""
    begun = time.perf_counter()
    return service.api(path, **body), time.perf_counter() - begun


def memory(pid: int) -> float:
    """Resident memory of a process, MB."""
    with suppress(OSError, StopIteration):
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1024
    return 0.0


def look(service: Service) -> dict[str, float]:
    """How things stand."""
    folders = service.folders
    # The UI's first page counts runs by state and lists the latest.
    _, counting = ask(service, "flow_runs/count")
    _, listing = ask(service, "flow_runs/filter", limit=50, sort="START_TIME_DESC")
    known, _ = ask(service, "flow_runs/count", flows={"name": {"any_": ["ingest"]}})
    server = [pid for pid in descendants(service.pid) if b"server\0start" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    return {
        "inbox": len(inbox.list_inbox(folders.inbox).files),
        "claimed": len([path for path in folders.working.iterdir() if not path.name.startswith(".")]),
        "done": sum(1 for path in folders.quarantine.rglob("*") if path.suffix == ".pdf"),
        "runs": known,
        "API s": round(counting + listing, 2),
        "service MB": round(memory(service.pid)),
        "server MB": round(sum(map(memory, server))),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--files", type=int, default=5000)
    parser.add_argument("--minutes", type=float, default=5, help="to watch after the last file is claimed")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="nambat-intake-") as folder:
        service = Service(Path(folder, "home"), Path(folder, "log"), {"NAMBAT_SETTLE": "1"})
        waiting = Path(folder, "waiting")
        waiting.mkdir()
        for number in range(arguments.files):
            (waiting / f"{number:05}.pdf").write_bytes(b"%PDF-1.4\n" + os.urandom(64) + b"\n%%EOF\n")
        service.start()
        try:
            service.wait_until_ready()
            first = look(service)
            print("  ".join(f"{name:>10}" for name in ("second", *first)))
            begun = time.monotonic()
            waiting.rename(service.folders.inbox / "moved in")  # a folder moved in whole
            claimed = None
            answers = []
            while claimed is None or time.monotonic() < claimed + 60 * arguments.minutes:
                time.sleep(10)
                now = look(service)
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
            service.stop()
            service.end()


if __name__ == "__main__":
    main()
