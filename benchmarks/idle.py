"""What a service costs that has nothing to do, and how long a small scan takes from the drop to its text.

    python -m benchmarks.idle [--rest 60] [--drops 10] [--scan sample_scans/quyet_dinh_fax200.pdf] [--pages 2] [--pool]

With --pool the service leaves the reading to one `nambat worker`, which is shown as well.

Starts a real ``nambat serve`` with its default settings. At rest: seconds of processor time of all its processes
(those that ended meanwhile count with their parents) and their memory (PSS: pages that processes share count once).
Then a scan is written into the inbox, closed, and its text waited for; so many times, one after the other. Times that
count from the closing of the file; "began" is when its run did, as Prefect's server says. The wall times mean something
on a quiet machine only; the processor times mean about the same on a busy one.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from flows.host.processes import descendants
from tests.service import ROOT, Service, Worker

TICK = os.sysconf("SC_CLK_TCK")

ROLES = {"server_process": "server", "flows.cli": "service", "resource_tracker": "resource tracker"}
"""What stands in a process's command line, and what it is called in the table."""


def family(*roots: Service | Worker) -> list[int]:
    """The process ids of a service, or a worker, and of all that belongs to it."""
    return [pid for root in roots for pid in (root.pid, *descendants(root.pid))]


def processor_seconds(pid: int) -> float:
    """User and system time of a process and of the children that it has waited for."""
    with suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text("latin-1").rpartition(")")[2].split()
        return sum(map(int, fields[11:15])) / TICK
    return 0.0


def memory(pid: int) -> float:
    """Memory of a process in MB, of pages that it shares its part (PSS)."""
    with suppress(OSError, StopIteration):
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("Pss:")).split()[1]) / 1024
    return 0.0


def written(pid: int) -> float:
    """Megabytes that a process has written to files, as far as they are to reach a disk."""
    with suppress(OSError, StopIteration):
        lines = Path(f"/proc/{pid}/io").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("write_bytes:")).split()[1]) / 1e6
    return 0.0


def role(pid: int, service: Service | Worker) -> str:
    """What a process is, for the table."""
    if isinstance(service, Worker):
        return "worker" if pid == service.pid else "its warm process or run"
    with suppress(OSError):
        line = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        found = next((name for part, name in ROLES.items() if part in line), line[:40])
        if found != "service" or pid == service.pid:
            return found
        # Forks of the service have its command line; the server has a session of its own.
        return "server" if os.getsid(pid) == pid else "warm process or run"
    return "ended"


COLUMNS = (("CPU s", 8), ("% of a core", 13), ("PSS MB", 9), ("threads", 9), ("MB/day", 9))


def at_rest(seconds: float, *roots: Service | Worker) -> None:
    """Print what the processes of a service and of a worker use while nothing happens."""
    before = {pid: (processor_seconds(pid), written(pid)) for pid in family(*roots)}
    begun = time.monotonic()
    time.sleep(seconds)
    lasted = time.monotonic() - begun
    heads = "".join(f"{head:>{width}}" for head, width in COLUMNS)
    print(f"{f'at rest for {lasted:.0f} s':<24}{heads}")
    total_time = total_memory = 0.0
    for root, pid in ((one, pid) for one in roots for pid in family(one)):
        time_before, written_before = before.get(pid, (0.0, 0.0))
        used, pss = processor_seconds(pid) - time_before, memory(pid)
        daily = (written(pid) - written_before) * 86400 / lasted
        with suppress(OSError):
            threads = len(list(Path(f"/proc/{pid}/task").iterdir()))
            share = f"{100 * used / lasted:>13.2f}"
            print(f"{role(pid, root):<24}{used:>8.2f}{share}{pss:>9.1f}{threads:>9}{daily:>9.0f}")
        total_time, total_memory = total_time + used, total_memory + pss
    print(f"{'together':<24}{total_time:>8.2f}{100 * total_time / lasted:>13.2f}{total_memory:>9.1f}", flush=True)


def first_pages(scan: Path, pages: int, out: Path) -> bytes:
    """The first pages of a PDF, as they are."""
    parts = out / "page-%d.pdf"
    subprocess.run(["pdfseparate", "-l", str(pages), scan, parts], check=True)
    whole = out / "pages.pdf"
    subprocess.run(["pdfunite", *(str(parts) % (number + 1) for number in range(pages)), whole], check=True)
    return whole.read_bytes()


def drop(service: Service, name: str, data: bytes, *beside: Worker) -> dict[str, float]:
    """Write a scan into the inbox and wait for its text; seconds since it was closed, and of processor time."""
    folders = service.folders
    used = sum(map(processor_seconds, family(service, *beside)))
    path = folders.inbox / name
    path.write_bytes(data)
    closed, closed_at = time.monotonic(), time.time()
    found: dict[str, float] = {}
    for what, has_come in (
        ("taken", lambda: not path.exists()),
        ("published", (folders.published / name).with_suffix(".json").exists),
        ("ended", lambda: [run["state_type"] for run in service.runs(name)] == ["COMPLETED"]),
    ):
        while not has_come():
            assert time.monotonic() < closed + 300, f"{name} is not {what}: {service.said()}"
            time.sleep(0.02 if what != "ended" else 0.2)
        found[what] = time.monotonic() - closed
    (run,) = service.runs(name)
    found["began"] = datetime.fromisoformat(run["start_time"]).timestamp() - closed_at
    time.sleep(1)  # the run's process has to end, or its time is not known
    found["CPU s"] = sum(map(processor_seconds, family(service, *beside))) - used
    return found


def print_drops(drops: Sequence[Mapping[str, float]], pages: int) -> None:
    """A table of the seconds of each drop, see :func:`drop`."""
    columns = ("taken", "began", "published", "ended", "CPU s")
    print(f"\n{f'{len(drops)} drops, {pages} pages':<24}" + "".join(f"{one:>11}" for one in columns))
    for name, choose in (("median", statistics.median), ("fastest", min), ("slowest", max)):
        print(f"{name:<24}" + "".join(f"{choose([one[column] for one in drops]):>11.2f}" for column in columns))
    print()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rest", type=float, default=60, help="seconds to watch it at rest")
    parser.add_argument("--drops", type=int, default=10)
    parser.add_argument("--scan", type=Path, default=ROOT / "sample_scans" / "quyet_dinh_fax200.pdf")
    parser.add_argument("--pages", type=int, default=2)
    parser.add_argument("--pool", action="store_true", help="leave the reading to a worker")
    parser.add_argument("--json", type=Path, help="also write the seconds of each drop there")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="nambat-idle-") as folder:
        service = Service(Path(folder, "home"), Path(folder, "log"), {"NAMBAT_POOL": "idle"} if arguments.pool else {})
        workers = [Worker(service, "worker", Path(folder, "worker.log"))] if arguments.pool else []
        data = first_pages(arguments.scan, arguments.pages, Path(folder))
        load = os.getloadavg()[0]
        service.start()
        try:
            service.wait_until_ready()
            for worker in workers:
                worker.start()
                worker.wait_until_ready()
            time.sleep(20)  # what its start has to do may go on for a while
            at_rest(arguments.rest, service, *workers)
            drops = [
                drop(service, f"{number:02}.pdf", data + f"%{number}\n%%EOF\n".encode(), *workers)
                for number in range(arguments.drops)
            ]
            if drops:
                print_drops(drops, arguments.pages)
            time.sleep(20)
            at_rest(arguments.rest, service, *workers)
            print(f"load of the machine before and after: {load:.1f}, {os.getloadavg()[0]:.1f}")
            if arguments.json:
                arguments.json.write_text(json.dumps(drops, indent=1))
        finally:
            for worker in workers:
                worker.kill()
            service.stop()
            service.end()


if __name__ == "__main__":
    main()
