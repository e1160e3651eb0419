"""Kill workers of batch runs over a bucket, then count: no scan may be lost, doubled, or read unlike ``convert``.

    python -m benchmarks.killed_batches [--kills 60] [--scans 36] [--workers 2] [--seed 1]

An S3 server (moto's) holds the bucket. Workers with homes of their own, as on several machines, read what comes into
its inbox/, a page at a time; SIGKILL hits one of them at random moments, and it is started again. Some scans are
broken. In the end each must lie once in originals/ with its text published, or in quarantine/ with a reason; what is
published must be what ``nambat convert`` makes of the same scans, and no lease may be left.

Exit status: 0 if all held, 1 if not.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.chaos import Drop, drops
from flows.batch.leases import Leases, open_leases
from flows.batch.plan import Source, plan
from flows.batch.storage import Storage, open_home
from flows.batch.work import clear_forsaken, work
from flows.convert import convert, scratch
from flows.convert import plan as plan_convert
from flows.host.names import new_id
from flows.pipeline import publish
from flows.pipeline.engine import Failed
from flows.settings import Settings, load
from tests.bucket import running_bucket

INBOX = Source("", "inbox/", keeps=False)


def be_worker() -> None:
    """Read what lies in the inbox, again and again."""
    settings = load()
    settings.folders.make()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    while True:
        batch = plan(INBOX, settings, new_id())
        if batch.parts == 0:
            home = open_home(settings)
            clear_forsaken(INBOX, Leases(home, settings), home)
            time.sleep(0.3)
        for part in range(1, batch.parts + 1):
            work(batch, part, settings)


def start(home: Path, bucket: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "benchmarks.killed_batches", "--work"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=(home.parent / f"{home.name}.log").open("ab"),
        start_new_session=True,
        env={
            **os.environ,
            "NAMBAT_HOME": str(home),
            "NAMBAT_BUCKET": bucket,
            "NAMBAT_JOBS": "1",
            "NAMBAT_SETTLE": "0",
            "NAMBAT_CLAIM_TIMEOUT": "30",
        },
    )


def kill_at_random(
    arguments: argparse.Namespace, chance: random.Random, storage: Storage, homes: list[Path], coming: list[Drop]
) -> dict[str, Drop]:
    """Drop the scans bit by bit and kill workers meanwhile; then let them end their work."""
    dropped: dict[str, Drop] = {}
    running = [start(home, arguments.bucket) for home in homes]
    begun = [time.monotonic()] * len(homes)
    ages: list[float] = []
    count = len(coming)
    try:
        while len(ages) < arguments.kills:
            while coming and len(dropped) <= len(ages) * count / max(1, 0.9 * arguments.kills):
                one = coming.pop(0)
                storage.put(f"inbox/{one.name}", one.data)
                dropped[one.name] = one
            time.sleep(chance.uniform(0.2, arguments.most_seconds))
            victim = chance.randrange(len(homes))
            assert running[victim].poll() is None, f"worker {victim} ended by itself; see {homes[victim]}.log"
            os.kill(running[victim].pid, signal.SIGKILL)
            running[victim].wait()
            ages.append(time.monotonic() - begun[victim])
            running[victim], begun[victim] = start(homes[victim], arguments.bucket), time.monotonic()
        for one in coming:
            storage.put(f"inbox/{one.name}", one.data)
            dropped[one.name] = one
        print(f"  {len(ages)} kills of workers {min(ages):.1f} to {max(ages):.1f} s old", flush=True)
        deadline = time.monotonic() + arguments.patience
        while any(storage.list("inbox/")) and time.monotonic() < deadline:
            time.sleep(1)
        while any(open_leases(storage)) and time.monotonic() < deadline:
            time.sleep(1)
    finally:
        for process in running:
            process.terminate()
        for process in running:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(30)
            process.kill()
    return dropped


def verdict(storage: Storage, dropped: dict[str, Drop], converted: dict[str, Any]) -> tuple[Counter[str], list[str]]:
    """How many scans ended where, and everything that is not as it must be."""
    wrong: list[str] = []
    counts: Counter[str] = Counter()
    outputs: set[str] = set()
    for one in dropped.values():
        kept = [root for root in ("originals", "quarantine") if storage.look(f"{root}/{one.name}") is not None]
        if len(kept) != 1 or storage.read(f"{kept[0]}/{one.name}")[0] != one.data:
            wrong.append(f"{one.name}: in {kept}")
            continue
        if kept == ["quarantine"]:
            reason = storage.read(f"quarantine/{one.name}.reason.txt")[0].decode().splitlines()
            counts["quarantined, good scan" if one.good else "quarantined, broken scan"] += 1
            if one.good:
                print(f"  a good scan in quarantine: {one.name}: {reason[1]}")
            continue
        counts["published"] += 1
        names = publish.output_names(one.name, ("txt", "json"))
        for place in map(str, names.values()):
            outputs.add(place)
            try:
                found = without_times(place, storage.read(f"published/{place}")[0])
            except (FileNotFoundError, ValueError) as fault:
                wrong.append(f"{one.name}: {fault!r}")
                continue
            if found != converted.get(place):
                wrong.append(f"{place}: not what convert makes of it")
    wrong += [f"left in the inbox: {one.name}" for one in storage.list("inbox/")]
    wrong += [f"a lease is left: {lease}" for lease in open_leases(storage)]
    wrong += [f"a version of what has only one: {one.name}" for one in storage.list("versions/")]
    published = {one.name.removeprefix("published/") for one in storage.list("published/")}
    wrong += [f"published without an original: {name}" for name in sorted(published - outputs)]
    kept_names = {one.name for root in ("originals/", "quarantine/") for one in storage.list(root)}
    expected = {f"{root}/{name}" for root in ("originals", "quarantine") for name in dropped}
    expected |= {f"quarantine/{name}.reason.txt" for name in dropped}
    wrong += [f"put away twice, or a note without a scan: {name}" for name in sorted(kept_names - expected)]
    for name in dropped:
        note = f"quarantine/{name}.reason.txt"
        if note in kept_names and f"quarantine/{name}" not in kept_names:
            wrong.append(f"a note without a scan: {note}")
    return counts, wrong


def without_times(name: str, raw: bytes) -> Any:
    """A published file without what differs from run to run."""
    if not name.endswith(".json"):
        return raw
    data = json.loads(raw)
    for page in data["pages"]:
        page.pop("seconds")
    for mark in ("made_with", "path_mark"):
        data["source"].pop(mark, None)
    return {key: value for key, value in data.items() if key not in ("timings", "this_file")}


def converted(scans: list[Drop], folder: Path) -> dict[str, Any]:
    """What ``nambat convert`` makes of the scans."""
    settings: Settings = load(jobs=2)
    root, out = folder / "scans", folder / "converted"
    for one in scans:
        (root / one.name).parent.mkdir(parents=True, exist_ok=True)
        (root / one.name).write_bytes(one.data)
    files = [(root / one.name, root) for one in scans]
    with scratch(out) as place:
        failed = [
            event
            for event in convert(plan_convert(files, out, settings.formats), settings, place)
            if isinstance(event, Failed)
        ]
    assert not failed, failed
    made = [path for path in out.rglob("*") if path.is_file()]
    return {str(path.relative_to(out)): without_times(path.name, path.read_bytes()) for path in made}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--scans", type=int, default=36)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", default="1")
    parser.add_argument("--most-seconds", type=float, default=12, help="between two kills")
    parser.add_argument("--patience", type=float, default=900, help="seconds for what is left at the end")
    parser.add_argument("--work", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.work:
        be_worker()
    chance = random.Random(arguments.seed)
    with tempfile.TemporaryDirectory(prefix="nambat-killed-") as folder, running_bucket() as bucket:
        arguments.bucket = f"{bucket}/văn thư"
        storage = open_home(load(home=Path(folder, "none"), bucket=arguments.bucket))
        coming = drops(arguments.scans, chance, pages=(1,))
        scans = list(coming)
        homes = [Path(folder, f"home{number}") for number in range(arguments.workers)]
        begun = time.monotonic()
        dropped = kill_at_random(arguments, chance, storage, homes, coming)
        print(f"  {time.monotonic() - begun:.0f} s for {len(scans)} scans of one page", flush=True)
        counts, wrong = verdict(storage, dropped, converted([one for one in scans if one.good], Path(folder)))
        print(f"  ended: {dict(counts)}, of {len(dropped)} dropped")
        for home in homes:
            log = home.parent / f"{home.name}.log"
            if said := log.read_text("utf-8", "replace").strip():
                print(f"  {home.name} said: {said[-1500:]}")
    for one in wrong[:50]:
        print(f"  WRONG: {one}")
    print(f"  {'all held' if not wrong else f'{len(wrong)} things went wrong'}")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
