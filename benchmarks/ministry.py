"""What an archive of millions of pages costs besides reading it; `benchmarks/cluster.py` runs this.

``parts`` makes a plan of very many parts, with results of those that are done, and measures what is done again and
again with it: the keeper's look, the report of a part, listing the plan, the leases.

``simulate`` lets a real service with its Prefect server on PostgreSQL and real workers go through a batch whose pages
take as long as is said, and whose texts are short; all else is what it is. Then it tells what a part cost.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import multiprocessing
import os
import re
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.idle import family, memory, processor_seconds, role
from flows.batch import give_way, under_way
from flows.batch import plan as plans
from flows.batch.leases import Leases
from flows.batch.plan import Batch, Entry, Source
from flows.batch.storage import open_home
from flows.batch.under_way import Open, PartRun, Starter
from flows.batch.work import Done, PartDone, as_json
from flows.host.files import replace_file
from flows.host.log import server_log
from flows.host.names import new_id
from flows.host.processes import descendants
from flows.pipeline import engine, stages
from flows.pipeline.outcome import Outcome
from flows.pipeline.stages import Checked, PageRead, PublishPlan
from flows.service import worker
from flows.settings import Settings, load
from tests.postgres import postgres
from tests.service import ROOT, Service, Worker, clean_environment

SECONDS_A_PAGE = "SECONDS_A_PAGE"
"""Environment variable that tells a pretended worker what a page takes."""

WORDS_OF_A_PAGE = 400


@dataclass(frozen=True, slots=True)
class Took:
    """What something took.

    Attributes:
        wall, processor: seconds.
    """

    wall: float
    processor: float

    def __str__(self) -> str:
        return f"{self.wall:9.3f} s, {self.processor:.3f} s of processor time"


@contextlib.contextmanager
def timed(what: str) -> Iterator[None]:
    """Print what a block takes."""
    wall, processor = time.monotonic(), time.process_time()
    yield
    print(f"  {what:<62} {Took(time.monotonic() - wall, time.process_time() - processor)}", flush=True)


def entries(documents: int, pages: int) -> Iterator[Entry]:
    """Documents as an archive has them."""
    for number in range(documents):
        place = f"{1976 + number % 50}/Hồ sơ {number // 100:06}/Quyết định số {number:08}.pdf"
        yield Entry(
            f"Lưu trữ/{place}", f"Lưu trữ/{place}", "206000-1790000000000000000-12345678", 206_000 * pages, pages
        )


def result(batch: Batch, part: int, listed: list[Entry]) -> PartDone:
    """What such a part comes to where two of a hundred documents are given up and five have pages to look at."""
    ended = [Done(one.name, "published", one.pages, WORDS_OF_A_PAGE * one.pages, 12.5) for one in listed]
    for number, one in enumerate(ended):
        if number % 50 == 0:
            ended[number] = replace(one, end="quarantined", reason="The file is not a PDF, TIFF, PNG or JPEG.")
        elif number % 20 == 0:
            ended[number] = replace(one, to_check=(1,))
    return PartDone(batch.id, part, tuple(ended))


def measure_parts(arguments: argparse.Namespace) -> int:
    """Print what is done again and again with a plan of very many parts."""
    with tempfile.TemporaryDirectory(prefix="nambat-parts-") as folder:
        settings = load(home=Path(folder, "home"))
        settings.folders.make()
        home = open_home(settings)
        batch = Batch(new_id(), Source("", "Lưu trữ/", keeps=True), "", time.time())
        documents = arguments.parts * arguments.documents
        pages = arguments.pages // arguments.documents
        print(f"A plan of {arguments.parts} parts, {documents} documents of {pages} pages", flush=True)
        with timed("plan: parts written down"):
            batch = plans.with_parts(batch, entries(documents, pages), home, pages * arguments.documents)
        with timed("plan: the whole written down (halves of others looked for)"):
            plans.put_last(batch, home, settings.folders)
        done = int(batch.parts * arguments.done)
        begun = time.monotonic()
        for part in range(1, done + 1):
            raw = as_json(result(batch, part, plans.entries_of(home, batch, part)))
            place = settings.folders.working / ".batches" / batch.id / f"{part:05}.result.json"
            place.write_bytes(raw)
        print(f"  {done} results of {len(raw)} bytes made in {time.monotonic() - begun:.0f} s", flush=True)
        with timed("plan: another one written down beside it"):
            plans.put_last(replace(batch, id=new_id()), home, settings.folders)
        _measure_reports(home, batch, settings)
        _measure_keeper(settings, batch, done)
        _measure_leases(settings, arguments.seconds)
    return 0


def _measure_reports(home: Any, batch: Batch, settings: Settings) -> None:
    tracemalloc.start()
    whole = under_way.sum_up(home, batch)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    with timed("report: what the whole batch has come to"):
        whole = under_way.sum_up(home, batch)
    print(f"  {'':<62} {most / 1e6:.0f} MB; {whole.counts}", flush=True)


def _measure_keeper(settings: Settings, batch: Batch, done: int) -> None:
    """Looks of the keeper at rest and when runs have ended."""
    runs = {part: PartRun(over=True, tries=1) for part in range(1, done + 1)}
    runs |= {part: PartRun(flow_run=f"run {part}") for part in range(done + 1, min(done + 51, batch.parts + 1))}
    opened = Open(batch.id, batch.source.shown, batch.parts, batch.documents, runs, batch.pages)
    under_way.open_batch(settings, batch)
    under_way._save(settings.folders, opened)
    stored = settings.folders.working / ".batch" / f"open-{batch.id}.json"
    print(f"  the batch under way is noted in {stored.stat().st_size / 1e6:.2f} MB", flush=True)
    ended: dict[str, str] = {}
    starter = Starter(
        lambda batch, part, tries: f"run {part}", lambda ids: {one: ended[one] for one in ids if one in ended}
    )
    home = open_home(settings)

    def look(what: str) -> None:
        with timed(f"keeper: {what}"):
            troubles = under_way.keep_going(settings, starter, ahead=50, home=home)
        assert not troubles, troubles

    look("a look, nothing has ended")
    for part in range(done + 1, done + 11):
        raw = json.dumps({"left": 0, "trouble": None, "documents": []}).encode()
        home.put(plans.part_name(batch.id, part, ".result.json"), raw)
        ended[f"run {part}"] = "completed"
    look("a look, 10 runs have ended and 10 are begun")
    with timed("what a scrape of the metrics and the health ask of batches"):
        sum(one.pages_waiting for one in under_way.all_open(settings.folders))


def _measure_leases(settings: Settings, seconds: float) -> None:
    """Leases taken, begun, confirmed and removed a second, by processes side by side."""
    for count in (1, 4, 8):
        with multiprocessing.get_context("fork").Pool(count) as pool:
            done = pool.starmap(_lease_all_the_time, [(settings, number, seconds) for number in range(count)])
        waits = sorted(wait for _number, several in done for wait in several)
        total = sum(number for number, _waits in done)
        print(
            f"  leases: {count} processes: {total / seconds:8.0f} documents/s of 4 writes each; one write takes "
            f"{1000 * waits[len(waits) // 2]:.1f} ms, of 100 the slowest {1000 * waits[len(waits) * 99 // 100]:.1f} ms",
            flush=True,
        )


def _lease_all_the_time(settings: Settings, number: int, seconds: float) -> tuple[int, list[float]]:
    end = time.monotonic() + seconds
    waits: list[float] = []

    def clocked(what: Callable[..., Any], *given: Any) -> Any:
        begun = time.monotonic()
        found = what(*given)
        waits.append(time.monotonic() - begun)
        return found

    done = 0
    with Leases(open_home(settings), settings, owner=f"machine:{number}:1") as leases:
        while time.monotonic() < end:
            lease = clocked(leases.take, "", f"{number}/{done}.pdf", "tag")
            lease = clocked(leases.begin, lease, 0)
            clocked(leases.confirm, lease)
            clocked(leases.end, lease)
            done += 1
    return done, waits


class _Pretended:
    """Stands in for the worker processes of a run: a page takes as long as is said, and its text is short."""

    def __init__(self, _count: int, **_how: object) -> None:
        self._seconds = float(os.environ[SECONDS_A_PAGE])

    def __enter__(self) -> _Pretended:
        return self

    def __exit__(self, *_fault: object) -> None:
        pass

    def start(self, _count: int) -> None:
        pass

    stop = __exit__

    def call(self, function: Callable[..., Any], *given: Any, seconds: float | None = None) -> Any:
        del seconds
        if function is stages.check:
            path: Path = given[0]
            return Checked(stages.digest(path), int(path.read_text().split()[1]), path.stat().st_size)
        if function is stages.read_page_to_disk:
            _path, number, records, *_limits = given
            time.sleep(self._seconds)
            stages.record_path(records, number).write_text(json.dumps({"words": "lời " * WORDS_OF_A_PAGE}))
            return PageRead(number, WORDS_OF_A_PAGE, 95.0, self._seconds)
        assert function is stages.finish
        return _publish(*given)


def _publish(records: Path, name: str, checked: Checked, plan: PublishPlan) -> Outcome:
    """Texts as long as those of such a document, put in place as all are."""
    text = "".join(json.loads(path.read_bytes())["words"] + "\n" for path in sorted(records.glob("*.json")))
    source = {"sha256": checked.sha256, "made_with": plan.made_with}
    for form, place in plan.targets.items():
        place.parent.mkdir(parents=True, exist_ok=True)
        data = {"source": source, "files": [{"name": place.name} for place in plan.targets.values()], "text": text}
        replace_file(place, (json.dumps(data) if form == "json" else text).encode())
    return Outcome(
        *(name, checked.pages, WORDS_OF_A_PAGE * checked.pages, 0, 0, 95.0, (), (), (), ()),
        files=tuple(plan.targets.values()),
    )


def be_worker(name: str, limit: int) -> None:
    """Work as ``nambat worker`` does, but for reading and for the places of the machine's cores: it stands for many."""
    engine.WorkerPool = _Pretended  # type: ignore[misc,assignment]
    give_way.page_slot = lambda *_place, **_how: contextlib.nullcontext()  # type: ignore[assignment]
    worker.work(load(), limit, name, None)


@dataclass
class PretendedWorker(Worker):
    """A worker that does not read."""

    limit: int = 1

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "benchmarks.ministry", self.name, str(self.limit)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env=clean_environment(
                    **{"NAMBAT_HOME": str(self.service.home), "PYTHONPATH": str(ROOT), "NAMBAT_LANG": "en"},
                    **{"PREFECT_API_URL": f"http://127.0.0.1:{self.service.port}/api", **self.settings},
                ),
            )


@dataclass(frozen=True, slots=True)
class Count:
    """What has been used so far; processor time in hundredths of a second, so that all are whole numbers.

    Attributes:
        asked: requests to the server, by what they ask for.
        rows: written to the database's tables, by insertion and by change.
        sizes: bytes of the tables with their indexes.
        used: processor time, by who used it.
    """

    at: float
    asked: Counter[str]
    rows: Counter[str]
    sizes: Counter[str]
    used: Counter[str]

    def since(self, before: Count) -> Count:
        return Count(
            self.at - before.at,
            self.asked - before.asked,
            self.rows - before.rows,
            self.sizes - before.sizes,
            self.used - before.used,
        )


REQUEST = re.compile(r'"(GET|POST|PUT|PATCH|DELETE|WebSocket) (/api/\S*)')

ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def requests(log: Path) -> Counter[str]:
    """Requests that the server's log tells of."""
    found: Counter[str] = Counter()
    for place in log.parent.glob(f"{log.name}*"):
        for verb, path in REQUEST.findall(place.read_text("utf-8", "replace")):
            found[f"{verb} {ID.sub('ID', path.partition('?')[0])}"] += 1
    return found


async def tables(address: str) -> tuple[Counter[str], Counter[str]]:
    """Rows written to the tables of a database, and the sizes of these."""
    import asyncpg  # type: ignore[import-untyped]

    connection = await asyncpg.connect(address.replace("+asyncpg", ""))
    try:
        rows, sizes = Counter[str](), Counter[str]()
        for one in await connection.fetch(
            "SELECT relname, n_tup_ins, n_tup_upd, pg_total_relation_size(relid) AS size FROM pg_stat_user_tables"
        ):
            rows[f"{one['relname']} new"] = one["n_tup_ins"]
            rows[f"{one['relname']} changed"] = one["n_tup_upd"]
            sizes[one["relname"]] = one["size"]
        return rows, sizes
    finally:
        await connection.close()


def count(service: Service, workers: list[Worker], database: Path) -> Count:
    """What has been used so far."""
    rows, sizes = asyncio.run(tables(service.settings["PREFECT_SERVER_DATABASE_CONNECTION_URL"]))
    used: Counter[str] = Counter()
    for pid in family(service):
        used[role(pid, service)] += _ticks([pid])
    used["workers"] = _ticks(family(*workers))
    postmaster = int((database / "postmaster.pid").read_text().split()[0])
    used["PostgreSQL"] = _ticks([postmaster, *descendants(postmaster)])
    return Count(time.monotonic(), requests(server_log(service.folders)), rows, sizes, used)


def _ticks(pids: list[int]) -> int:
    return round(100 * sum(map(processor_seconds, pids)))


def simulate(arguments: argparse.Namespace) -> int:
    """Let pretended workers go through a batch, and tell what a part cost."""
    with tempfile.TemporaryDirectory(prefix="nambat-ministry-") as name, postgres(Path(name, "postgres")) as database:
        folder = Path(name)
        (folder / "Lưu trữ").mkdir()
        settings = {
            "NAMBAT_POOL": "p",
            "NAMBAT_MIN_FREE": "0",
            "NAMBAT_READ_ROOTS": os.fspath(folder / "Lưu trữ"),
            "NAMBAT_FORMATS": "txt,json",
            "PREFECT_SERVER_DATABASE_CONNECTION_URL": database,
            "PREFECT_SERVER_LOGGING_LEVEL": "INFO",
            "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "INFO",
        }
        service = Service(folder / "home", folder / "serve.log", settings)
        ours = {**settings, "NAMBAT_JOBS": str(arguments.jobs), SECONDS_A_PAGE: str(arguments.seconds_a_page)}
        halves = (arguments.runs + 1) // 2, arguments.runs // 2
        workers = [
            PretendedWorker(service, f"w{number}", folder / f"w{number}.log", settings=ours, limit=limit)
            for number, limit in enumerate(halves, 1)
        ]
        try:
            service.start()
            service.wait_until_ready(300)
            for one in workers:
                one.start()
            for one in workers:
                one.wait_until_ready(300)
            return _simulate(service, list(workers), folder, arguments)
        finally:
            for one in workers:
                one.kill()
            service.end()


def _simulate(service: Service, workers: list[Worker], folder: Path, arguments: argparse.Namespace) -> int:
    database = folder / "postgres" / "data"
    time.sleep(5)
    rest = count(service, workers, database)
    time.sleep(arguments.rest)
    before = count(service, workers, database)
    show("at rest", before.since(rest), 1, "")
    settings = load(home=service.home, read_roots=str(folder / "Lưu trữ"), formats=("txt", "json"))
    pages = arguments.pages // arguments.documents
    listed = list(archive_of(folder / "Lưu trữ", arguments.parts * arguments.documents, pages))
    source = plans.source_of(os.fspath(folder / "Lưu trữ"), settings)
    batch = Batch(new_id(), source, "", time.time())
    home = open_home(settings)
    batch = plans.put_last(plans.with_parts(batch, listed, home, arguments.pages), home, settings.folders)
    begun = time.monotonic()
    under_way.open_batch(settings, batch)
    while (opened := under_way.find_open(service.folders, batch.id)) is None or not opened.is_done:
        if time.monotonic() - begun > arguments.patience:
            print(f"not done in time: {opened}\n{service.said()[-2000:]}\n{workers[0].said()[-2000:]}")
            return 1
        time.sleep(0.2)
    wall = time.monotonic() - begun
    time.sleep(5)  # the server writes some of it later
    whole = under_way.sum_up(home, batch)
    print(f"{batch.parts} parts, {whole.pages} pages in {wall:.0f} s, load {os.getloadavg()[0]:.1f}: {whole.counts}")
    show("in all", count(service, workers, database).since(before), batch.parts, " a part")
    print(f"  memory of the service and its server: {sum(memory(pid) for pid in family(service)):.0f} MB")
    return int(not whole.is_well)


def archive_of(root: Path, documents: int, pages: int) -> Iterator[Entry]:
    """Documents that are none, but say how many pages they have."""
    for one in entries(documents, pages):
        path = root / one.name.removeprefix("Lưu trữ/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{one.name.replace(' ', '_')} {pages}")
        yield replace(one, scan=os.fspath(path.relative_to(root)))


def show(what: str, used: Count, parts: int, each: str) -> None:
    """Print what was used, the most first."""
    print(f"{what}: {used.at:.0f} s")
    of_processors = "hundredths of a second of a core"
    for head, counter in (
        *(("requests", used.asked), ("rows", used.rows), ("bytes", used.sizes)),
        (of_processors, used.used),
    ):
        total = sum(counter.values())
        print(f"  {head}: {total:.1f}, {total / parts:.2f}{each}, {total / used.at:.2f} a second")
        for name, number in counter.most_common(14):
            print(f"    {number / parts:12.2f} {name}")
    sys.stdout.flush()


if __name__ == "__main__":
    be_worker(sys.argv[1], int(sys.argv[2]))
