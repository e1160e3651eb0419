"""A service on PostgreSQL and workers of one core each: how much faster two read than one, and that nothing is lost.

    python -m benchmarks.cluster [--documents 120] [--workers 1 2] [--part 10] [--inbox] [--strips] [--goal 0.55]
    python -m benchmarks.cluster overhead [--documents 12] [--rounds 3] [--strips]
    python -m benchmarks.cluster parts [--parts 20000]
    python -m benchmarks.cluster simulate [--parts 20] [--pages 500] [--seconds-a-page 0.5] [--runs 10]

Starts a PostgreSQL of its own, ``nambat serve --pool`` with its Prefect server on it, and workers bound to a core each,
which take themselves for machines of their own (a process namespace each). They read scans of one page, made from
sample_scans/, as a batch in parts, or with --inbox as people drop them; first with the first number of workers, then
with the next. A last round, with the most workers, kills one worker and the service with its server midway. Each
document must be published once, none in quarantine, its text as ``nambat convert`` makes it, its JSON too but for
times.

Wall times mean something on a quiet machine only, so the processor time of each worker, and of all else that ran, is
shown beside them: on a core of its own a worker takes about its processor time, and what it waited between its runs.

``overhead`` holds a batch against plain ``convert`` of the same files, in turns, both on one core. The others ask what
an archive of millions of pages costs besides reading (benchmarks/ministry.py).

Exit status: 0 if all held, 1 if not.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from PIL import Image

from benchmarks.chaos import QUICK
from benchmarks.idle import TICK, family, processor_seconds
from benchmarks.killed_batches import without_times
from benchmarks.ministry import measure_parts, simulate
from flows.batch import plan as plans
from flows.batch.under_way import find_open, open_batch
from flows.host.names import new_id, readable
from flows.host.processes import descendants, kill_tree
from flows.pipeline import publish
from flows.settings import Settings, load
from tests.postgres import postgres
from tests.service import ROOT, Service, Worker, clean_environment, on_another_machine

SAMPLES = Path(__file__).parent.parent / "sample_scans"

POOL = "quét văn bản"

FORMATS = ("txt", "json")


def page_pictures(folder: Path, count: int, strips: bool) -> list[Path]:
    """Pages of the sample scans as pictures: so many, or as many as there are.

    Args:
        strips: whether only the upper quarter of each is wanted, which reads in about a second.
    """
    made: list[Path] = []
    for scan in sorted(SAMPLES.glob("*.pdf")):
        if len(made) < count:
            command = ["pdftoppm", "-r", "300", "-gray", "-l", str(count - len(made))]
            subprocess.run([*command, os.fspath(scan), os.fspath(folder / scan.stem)], check=True)
            made += sorted(folder.glob(f"{scan.stem}-*.pgm"))
    for path in made if strips else ():
        with Image.open(path) as image:
            image.crop((0, 0, image.width, image.height // 4)).save(path)
    return made


def make_scans(folder: Path, count: int, pictures: list[Path], mark: str = "") -> list[Path]:
    """Scans of one page, no two alike: the edge of the same page lies elsewhere each time.

    Args:
        mark: something else to stand in each file, so that none is a copy of one of another folder.
    """
    made = []
    for number in range(count):
        path = folder / f"{number % 7}" / f"Tờ trình {number:03}.pdf"
        path.parent.mkdir(parents=True, exist_ok=True)
        with Image.open(pictures[number % len(pictures)]) as image:
            cut = 2 * (number // len(pictures))
            page = image.crop((0, cut, image.width, image.height))
            # Pillow would write the time, and no two sets of scans would be alike.
            moment = time.gmtime(0)
            page.save(path, resolution=300, title=f"{mark}{number}", creationDate=moment, modDate=moment)
        made.append(path)
    return made


def convert(folder: Path, out: Path, *before: str) -> tuple[float, float]:
    """Let ``nambat convert`` read a folder; wall and processor seconds.

    Args:
        before: words before the command.
    """
    begun, used = time.monotonic(), _of_children()
    command = [*before, sys.executable, "-P", "-m", "flows.cli", "convert", os.fspath(folder), "--out", os.fspath(out)]
    given = clean_environment(PYTHONPATH=str(ROOT), NAMBAT_JOBS="1", NAMBAT_FORMATS=",".join(FORMATS))
    done = subprocess.run(command, env=given, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return time.monotonic() - begun, _of_children() - used


def _of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def busy_seconds() -> float:
    """Processor seconds that all cores of this machine have spent on anything since it was started."""
    fields = Path("/proc/stat").read_text().splitlines()[0].split()[1:]
    user, nice, system, _idle, _waiting, interrupt, soft = map(int, fields[:7])
    return (user + nice + system + interrupt + soft) / TICK


@dataclass
class Cluster:
    """A service on PostgreSQL, and its workers.

    Attributes:
        archive: the folder whose scans batches read.
    """

    service: Service
    archive: Path
    database: Path
    workers: list[Worker] = field(default_factory=list)
    names: int = 0

    def settings(self) -> Settings:
        return load(home=self.service.home, read_roots=str(self.archive), formats=FORMATS)

    def start_worker(self, core: int) -> Worker:
        """A worker on a machine of its own, with one core."""
        self.names += 1
        name = f"máy {self.names}"
        own = self.service.log.with_name(f"tmp {self.names}")
        own.mkdir()
        before = ("taskset", "-c", str(core % (os.cpu_count() or 1)), *on_another_machine())
        settings = {**self.service.settings, "NAMBAT_JOBS": "1", "TMPDIR": str(own)}
        made = Worker(self.service, name, self.service.log.with_name(f"{name}.log"), before, settings)
        made.start()
        self.workers.append(made)
        return made

    def used(self) -> dict[str, float]:
        """Processor seconds so far, by what used them."""
        found = {one.name: sum(map(processor_seconds, family(one))) for one in self.workers}
        found["service"] = sum(map(processor_seconds, family(self.service)))
        with suppress(OSError, ValueError):
            pid = int((self.database / "postmaster.pid").read_text().split()[0])
            found["PostgreSQL"] = sum(map(processor_seconds, [pid, *descendants(pid)]))
        return found | {"all": busy_seconds()}


@contextmanager
def pictures_and_cluster(arguments: argparse.Namespace) -> Iterator[tuple[Path, list[Path], Cluster]]:
    """A folder that goes at the end, pictures of pages to make scans of, and a service without workers yet."""
    with tempfile.TemporaryDirectory(prefix="nambat-cluster-") as name:
        folder = Path(name)
        (folder / "pictures").mkdir()
        pictures = page_pictures(folder / "pictures", arguments.documents, arguments.strips)
        with running_cluster(folder) as cluster:
            yield folder, pictures, cluster


@contextmanager
def running_cluster(folder: Path) -> Iterator[Cluster]:
    """A service that leaves its reading to workers, of which there are none yet."""
    archive = folder / "Lưu trữ"
    archive.mkdir()
    with postgres(folder / "postgres") as database:
        given = {
            **QUICK,
            "NAMBAT_POOL": POOL,
            "NAMBAT_CLAIM_TIMEOUT": "30",
            "NAMBAT_READ_ROOTS": os.fspath(archive),
            "NAMBAT_FORMATS": ",".join(FORMATS),
            "NAMBAT_ATTEMPTS": "5",
            "PREFECT_SERVER_DATABASE_CONNECTION_URL": database,
        }
        service = Service(folder / "home", folder / "serve.log", given)
        cluster = Cluster(service, archive, folder / "postgres" / "data")
        try:
            service.start()
            service.wait_until_ready(300)
            yield cluster
        finally:
            for worker in cluster.workers:
                worker.kill()
            service.end()


@dataclass(frozen=True, slots=True)
class Round:
    """What a round took.

    Attributes:
        wall: seconds from the order to the last document's end.
        used: processor seconds meanwhile, by what used them.
        waited: of each worker, seconds between its runs, by Prefect's clock.
    """

    workers: int
    wall: float
    used: dict[str, float]
    waited: dict[str, float]

    @property
    def slowest(self) -> float:
        """Seconds that the slowest worker would have taken on a core of its own."""
        return max(self.used[name] + waited for name, waited in self.waited.items())


def place_below(cluster: Cluster, name: str, arguments: argparse.Namespace) -> Path:
    """The folder that a round's documents are published in."""
    root = cluster.service.home / "published"
    return root / name if arguments.inbox else root / cluster.archive.name / name


def order(cluster: Cluster, name: str, scans: Path, arguments: argparse.Namespace) -> str:
    """Have a folder of scans read; the batch's id, or nothing for the inbox."""
    if arguments.inbox:
        shutil.copytree(scans, cluster.service.home / "inbox" / name)
        return ""
    settings = cluster.settings()
    source = plans.source_of(os.fspath(scans), settings)
    planned = plans.plan(source, settings, new_id(), most=arguments.part)
    open_batch(settings, planned)
    return planned.id


def is_over(cluster: Cluster, batch: str, place: Path, count: int) -> bool:
    """Whether all is done that was ordered."""
    if batch:
        found = find_open(cluster.service.folders, batch)
        return found is not None and found.is_done
    return len(list(place.rglob("*.json"))) >= count and not cluster.service.store.open_claims()


def read_round(cluster: Cluster, name: str, scans: Path, arguments: argparse.Namespace, kills: bool = False) -> Round:
    """Have the workers that there are read a folder."""
    place, before, begun = place_below(cluster, name, arguments), cluster.used(), time.monotonic()
    batch = order(cluster, name, scans, arguments)
    killing = _kill_midway(cluster, place, arguments.documents) if kills else iter(())
    while not is_over(cluster, batch, place, arguments.documents):
        assert time.monotonic() - begun < arguments.patience, f"not done in time; see {cluster.service.log.parent}"
        next(killing, None)
        time.sleep(0.2)
    wall = time.monotonic() - begun
    used = {who: seconds - before.get(who, 0.0) for who, seconds in cluster.used().items()}
    waited = {} if kills else waits(part_runs(cluster.service, batch, place.name), cluster.workers)
    return Round(len(cluster.workers), wall, used, waited)


def _kill_midway(cluster: Cluster, place: Path, count: int) -> Iterator[None]:
    """Kill a worker after a third of the documents, the service with its server after a half; start both again."""

    def published() -> int:
        return len(list(place.rglob("*.json")))

    while published() < count // 3:
        yield
    cluster.workers.pop(0).kill()
    print(f"  a worker was killed when {published()} of {count} were published", flush=True)
    cluster.start_worker(0)
    yield
    while published() < count // 2:
        yield
    kill_tree(cluster.service.pid)
    assert cluster.service.process is not None
    cluster.service.process.wait()
    print(f"  the service and its server were killed when {published()} of {count} were published", flush=True)
    cluster.service.start()
    cluster.service.wait_until_ready(300)


def part_runs(service: Service, batch: str, shown: str) -> list[dict[str, Any]]:
    """The runs of a batch's parts, or of a folder of the inbox, in their order."""
    flow, like = ("batch_part", batch) if batch else ("ingest", shown)
    asked = {"flows": {"name": {"any_": [flow]}}, "flow_runs": {"name": {"like_": like}}}
    found: list[dict[str, Any]] = []
    while several := service.api("flow_runs/filter", sort="ID_DESC", limit=200, offset=len(found), **asked):
        found += several
    return sorted((one for one in found if one["start_time"]), key=lambda one: str(one["start_time"]))


def moment(told: str) -> float:
    """Seconds since the epoch."""
    return datetime.fromisoformat(told).timestamp()


def waits(runs: list[dict[str, Any]], workers: list[Worker]) -> dict[str, float]:
    """Seconds that each worker had no run at work, from the first one's start to the end of its own last one."""
    begun = moment(runs[0]["start_time"])
    found = {}
    for worker in workers:
        mine = [one for one in runs if one["labels"].get("prefect.worker.name") == worker.name]
        free, waited = begun, 0.0
        for one in mine:
            waited += max(0.0, moment(one["start_time"]) - free)
            free = max(free, moment(one["end_time"]))
        found[worker.name] = waited
    return found


def check(cluster: Cluster, name: str, scans: list[Path], converted: Path, arguments: argparse.Namespace) -> list[str]:
    """All that is not as it must be after a round."""
    wrong: list[str] = []
    home, place = cluster.service.home, place_below(cluster, name, arguments)
    wanted = {form for scan in scans for form in _published_names(scan)}
    found = {os.fspath(path.relative_to(place)) for path in place.rglob("*") if path.is_file()}
    wrong += [f"{one}: published, and nobody asked for it" for one in sorted(found - wanted)]
    for one in sorted(wanted):
        try:
            ours, theirs = ((root / one).read_bytes() for root in (place, converted))
        except FileNotFoundError as fault:
            wrong.append(f"{one}: {fault}")
            continue
        if _comparable(one, ours, arguments) != _comparable(one, theirs, arguments):
            wrong.append(f"{one}: not what convert makes of it")
    for folder in ("quarantine", "versions"):
        wrong += [f"in {folder}: {path.name}" for path in (home / folder).rglob("*") if path.is_file()]
    wrong += [f"a lease is left: {path.read_text()}" for path in (home / "working" / ".leases").glob("*.json")]
    said = Counter(_published_in_log(home))
    wrong += [f"published {count} times: {one}" for one, count in said.items() if count > 1]
    if arguments.inbox:
        kept = sorted(path.name for path in (home / "originals" / name).rglob("*.pdf"))
        if kept != sorted(path.name for path in scans):
            wrong.append(f"originals/{name} holds {len(kept)} scans")
    return wrong


def _published_names(scan: Path) -> Iterator[str]:
    yield from map(os.fspath, publish.output_names(f"{scan.parent.name}/{scan.name}", FORMATS).values())


def _comparable(name: str, raw: bytes, arguments: argparse.Namespace) -> Any:
    """A published file without what may differ; of the inbox's scans each round's have bytes of their own."""
    data = without_times(name, raw)
    if name.endswith(".json"):
        for key in ("engine", "files"):
            data.pop(key, None)
        for key in ("sha256", "bytes") if arguments.inbox else ():
            data["source"].pop(key)
    return data


def _published_in_log(home: Path) -> Iterator[str]:
    """Names of documents that the logs of batches say were published."""
    for log in (home / "logs").glob("nambat*.log*"):
        for line in log.read_text("utf-8", "replace").splitlines():
            if ": published: " in line:
                yield line.split(": published: ", 1)[1].rsplit(": ", 1)[0]


def show(one: Round, first: Round | None) -> None:
    """Print what a round took."""
    if not one.waited:  # who was killed does not tell any more what he has used
        print(f"  {one.workers} workers: {one.wall:.0f} s, load {os.getloadavg()[0]:.1f}", flush=True)
        return
    names = [name for name in one.used if name != "all"]
    others = one.used["all"] - sum(one.used[name] for name in names)
    shares = ", ".join(f"{name} {one.used[name]:.0f}" for name in names)
    print(f"  {one.workers} workers: {one.wall:.0f} s; processor seconds: {shares}", flush=True)
    print(f"    others beside: {others / one.wall:.1f} cores of {os.cpu_count()}, load {os.getloadavg()[0]:.1f}")
    waited = ", ".join(f"{seconds:.0f}" for seconds in one.waited.values())
    print(f"    between runs {waited} s; on cores of their own {one.slowest:.0f} s", flush=True)
    if first is not None:
        ratios = one.wall / first.wall, one.slowest / first.slowest
        print(f"    against {first.workers}: wall {ratios[0]:.2f}, on cores of their own {ratios[1]:.2f}", flush=True)


def read(arguments: argparse.Namespace) -> int:
    """Rounds with more and more workers, and one with kills."""
    wrong: list[str] = []
    with pictures_and_cluster(arguments) as (folder, pictures, cluster):
        kinds = [*map(str, arguments.workers), *(["kills"] if arguments.kills else [])]
        done: list[Round] = []
        for kind in kinds:
            place = cluster.archive / kind if not arguments.inbox else folder / "scans" / kind
            scans = make_scans(place, arguments.documents, pictures, kind if arguments.inbox else "")
            if not (folder / "converted").exists():
                wall, used = convert(place, folder / "converted")
                print(f"convert: {wall:.0f} s, {used:.0f} processor seconds for {len(scans)} pages", flush=True)
            while len(cluster.workers) < (int(kind) if kind != "kills" else max(arguments.workers)):
                cluster.start_worker(len(cluster.workers)).wait_until_ready(300)
            print(f"round {kind}", flush=True)
            done.append(read_round(cluster, kind, place, arguments, kills=kind == "kills"))
            show(done[-1], done[0] if len(done) > 1 else None)
            wrong += check(cluster, kind, scans, folder / "converted", arguments)
        if arguments.goal and len(done) > 1 and done[1].slowest / done[0].slowest > arguments.goal:
            wrong.append(f"{done[1].workers} workers need more than {arguments.goal} of the time of one")
    for one in wrong[:40]:
        print(f"  WRONG: {readable(one)}")
    print("all held" if not wrong else f"{len(wrong)} things went wrong", flush=True)
    return int(bool(wrong))


def watch_first_page(folder: Path, over: threading.Event, seen: list[float]) -> None:
    """Note when the first lease says that a page is read."""
    while not over.wait(0.02):
        for path in folder.glob("*.json"):
            with suppress(OSError, ValueError, KeyError):
                if json.loads(path.read_bytes())["begun"]:
                    seen.append(time.time())
                    return


def overhead(arguments: argparse.Namespace) -> int:
    """A batch against ``convert`` of the same files, in turns, each on the same core."""
    arguments.inbox, arguments.part, arguments.patience = False, 10 * arguments.documents, 3600.0
    ratios: list[float] = []
    with pictures_and_cluster(arguments) as (folder, pictures, cluster):
        cluster.start_worker(0).wait_until_ready(300)
        for number in range(arguments.rounds):
            place = cluster.archive / f"{number}"
            scans = make_scans(place, arguments.documents, pictures)
            wall, used = convert(place, folder / f"converted {number}", "taskset", "-c", "0")
            over, seen = threading.Event(), list[float]()
            leases = cluster.service.home / "working" / ".leases"
            watching = threading.Thread(target=watch_first_page, args=(leases, over, seen))
            watching.start()
            done = read_round(cluster, place.name, place, arguments)
            over.set()
            watching.join()
            show(done, None)
            (worker,) = done.waited
            ratios.append(done.used[worker] / used)
            print(f"    convert {wall:.0f} s; processor seconds {used:.1f}, of the worker {done.used[worker]:.1f}")
            _tell_edges(cluster, place.name, seen, arguments)
            wrong = check(cluster, place.name, scans, folder / f"converted {number}", arguments)
            assert not wrong, wrong
    told = ", ".join(f"{one:.3f}" for one in ratios)
    print(f"processor time of a batch against convert: {told}; median {statistics.median(ratios):.3f}")
    return 0


def _tell_edges(cluster: Cluster, name: str, seen: list[float], arguments: argparse.Namespace) -> None:
    """Print what a part takes before its first page and after its last."""
    (run,) = part_runs(cluster.service, last_batch(cluster), "")
    states = cluster.service.api(f"flow_run_states/?flow_run_id={run['id']}", "GET")
    at = {one["type"]: moment(one["timestamp"]) for one in states}
    last = max(path.stat().st_mtime for path in place_below(cluster, name, arguments).rglob("*.json"))
    steps = [
        ("waits for a worker", "SCHEDULED", at["PENDING"] - at["SCHEDULED"]),
        ("its process begins", "PENDING", at["RUNNING"] - at["PENDING"]),
        ("to its first page", "RUNNING", seen[0] - at["RUNNING"] if seen else float("nan")),
        ("from its last text", "COMPLETED", at["COMPLETED"] - last),
    ]
    print("    a part: " + ", ".join(f"{what} {seconds:.1f} s" for what, _state, seconds in steps), flush=True)


def last_batch(cluster: Cluster) -> str:
    """The id of the batch that was planned last."""
    return max(path.name for path in (cluster.service.home / "working" / ".batches").iterdir())


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=120)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--part", type=int, default=10, help="pages of a part")
    parser.add_argument("--inbox", action="store_true", help="drop the scans into the inbox")
    parser.add_argument("--strips", action="store_true", help="quarters of pages, which read in a second")
    parser.add_argument("--no-kills", dest="kills", action="store_false", help="leave the round with kills out")
    parser.add_argument(
        "--goal", type=float, default=0.0, help="most of the first round's time that the second may take"
    )
    parser.add_argument("--patience", type=float, default=3600, help="seconds for a round")
    parser.set_defaults(act=read)
    acts = parser.add_subparsers(title="others")
    one = acts.add_parser("overhead")
    one.add_argument("--documents", type=int, default=12)
    one.add_argument("--rounds", type=int, default=3)
    one.add_argument("--strips", action="store_true")
    one.set_defaults(act=overhead)
    one = acts.add_parser("parts")
    one.add_argument("--parts", type=int, default=20_000)
    one.add_argument("--pages", type=int, default=500, help="of a part")
    one.add_argument("--documents", type=int, default=50, help="of a part")
    one.add_argument("--done", type=float, default=0.5, help="share of the parts that are done")
    one.add_argument("--seconds", type=float, default=5.0, help="that leases are tried for")
    one.set_defaults(act=measure_parts)
    one = acts.add_parser("simulate")
    one.add_argument("--parts", type=int, default=20)
    one.add_argument("--pages", type=int, default=500, help="of a part")
    one.add_argument("--documents", type=int, default=100, help="of a part")
    one.add_argument("--seconds-a-page", type=float, default=0.5)
    one.add_argument("--jobs", type=int, default=16, help="pages that a run reads side by side")
    one.add_argument("--rest", type=float, default=30, help="seconds that the service is looked at while it rests")
    one.add_argument("--patience", type=float, default=1200, help="seconds")
    one.add_argument("--runs", type=int, default=10, help="parts at once, of two workers")
    one.set_defaults(act=simulate)
    return parser.parse_args()


def main() -> int:
    arguments = parse()
    act: Callable[[argparse.Namespace], int] = arguments.act
    return act(arguments)


if __name__ == "__main__":
    sys.exit(main())
