"""Kill, fill and unplug a running service, then count its files: none may be lost, none published twice.

    python -m benchmarks.chaos [kill] [mounts] [disk] [readonly] [server] [away] [hostile] [homes]
                               [--kills 200] [--scans 60] [--seed 1]

Small scans flow into a real ``nambat serve`` (its own folders, port and Prefect database) while

* ``kill``: SIGKILL hits the service or one of its children (Prefect, runs, workers, poppler, Tesseract) at random
  moments;
* ``mounts``: the same with inbox/, published/, originals/ and quarantine/ on file systems of their own, where a move is
  a copy (a quarter of the kills);
* ``disk``: the disk that holds everything, a small tmpfs, is full for a while, again and again;
* ``readonly``: the disk of published/, another tmpfs, is read-only for a while, again and again;
* ``server``: the Prefect server's processes are killed and come back;
* ``away``: the Prefect server is another one (PREFECT_API_URL) that is away for minutes;
* ``homes``: two services, each with folders of its own, share a Prefect server that is none of theirs, and SIGKILL hits
  either; all whole scans must be published, since nobody cancels anything;
* ``hostile``: nothing is killed, but before each scan comes one of the hostile files of tests/bad_inputs.py.

Some scans are broken and belong into quarantine, some are twins of earlier ones. All the time an observer checks
that each file is in exactly one of inbox, working, originals and quarantine, and that whatever shows in published/
is whole. Afterwards each file must be in originals/ with its text published once, or in quarantine/ with a reason.
``mounts``, ``disk`` and ``readonly`` need the right to mount and are skipped without it.

Exit status: 0 if all held, 1 if not.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

from flows.host.moves import PART
from flows.host.processes import descendants, is_running, kill_tree
from flows.intake import inbox, status
from flows.intake.claims import ClaimStore
from flows.intake.quarantine import reason_path
from flows.intake.transfers import COPYING
from flows.pipeline import publish
from flows.pipeline.workers import SCRATCH
from flows.service.prefect_server import is_healthy, local_api, wait_for_server
from flows.service.record import read_service
from flows.settings import Folders, load
from tests.bad_inputs import bad_inputs
from tests.service import Service, clean_environment, free_port

SAMPLE = Path(__file__).parent.parent / "sample_scans" / "giay_moi_trang_1.jpg"

SCENARIOS = ("kill", "mounts", "disk", "readonly", "server", "away", "hostile", "homes")


def scan(number: int, pages: int) -> bytes:
    """A small scan unlike all others: a strip of the sample, its edge elsewhere for each number."""
    with tempfile.TemporaryDirectory() as folder, Image.open(SAMPLE) as image:
        path = Path(folder, "scan.pdf")
        strips = [
            image.convert("L").crop((0, 2 * number, image.width, image.height // 4 + 3 * page + 2 * number))
            for page in range(pages)
        ]
        strips[0].save(path, save_all=True, append_images=strips[1:], resolution=300)
        # Pillow writes the time; without it a scan is the same each time it is made.
        return path.read_bytes()


@dataclass(frozen=True)
class Drop:
    """A file to drop.

    Attributes:
        name: below the inbox.
        good: whether it must be published; otherwise it must not.
        either: or whether both are right.
    """

    name: str
    data: bytes
    good: bool
    either: bool = False

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()


def drops(count: int, chance: random.Random, pages: Sequence[int] = (1, 2, 3, 5, 10)) -> list[Drop]:
    """Scans of so many pages; about one in ten a twin of an earlier one, one in twelve broken."""
    made: list[Drop] = []
    for number in range(count):
        folder = chance.choice(["", "", "van-thu/", "phòng 2/Công văn/"])
        name = f"{folder}{number:03} {chance.choice(['Báo cáo', 'Quyết định', '-kế hoạch'])}.pdf"
        good = [one for one in made if one.good]
        if good and chance.random() < 0.1:
            made.append(Drop(name, chance.choice(good).data, True))
            continue
        data = scan(number, chance.choice(pages))
        if chance.random() < 0.08:
            made.append(Drop(name, data[: len(data) // 2], False))
        else:
            made.append(Drop(name, data, True))
    return made


def hostile_drops() -> list[Drop]:
    """Each file of the collection, and after it a good scan."""
    made: list[Drop] = []
    for number, one in enumerate(bad_inputs()):
        good, refused = bool(one.ends - {"refused"}), "refused" in one.ends
        made.append(Drop(one.name, one.make(), good, either=good and refused))
        made.append(Drop(f"after {number:03}.pdf", scan(number, 1), True))
    return made


QUICK = {
    "NAMBAT_SETTLE": "1",
    "NAMBAT_SETTLE_BROKEN": "3",
    "NAMBAT_RESCAN": "3",
    "NAMBAT_RETRY_DELAY": "5",
    "NAMBAT_MIN_FREE": "0",
}
"""Settings under which little time is spent waiting."""


@dataclass
class Observer:
    """Looks again and again whether every file is in exactly one place and what is published is whole."""

    folders: Folders
    dropped: dict[str, Drop] = field(default_factory=dict)
    looks: int = 0
    complaints: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def drop(self, one: Drop) -> None:
        """As a person does: under a name that is passed over, then renamed."""
        with self.lock:
            place = self.folders.inbox / one.name
            place.parent.mkdir(parents=True, exist_ok=True)
            arriving = place.with_name(place.name + ".part")
            arriving.write_bytes(one.data)
            arriving.rename(place)
            self.dropped[one.name] = one

    def places(self) -> tuple[dict[str, list[str]], Counter[str]]:
        """Size and checksum of a file's content -> where files with it lie; and how many whole copies lie hidden,
        on their way between two file systems."""
        found: dict[str, list[str]] = {}
        under_way: Counter[str] = Counter()
        for root in ("inbox", "working", "originals", "quarantine"):
            for path in _files(getattr(self.folders, root)):
                hidden = path.name.startswith((".nambat-", COPYING))
                if (path.name.startswith(".") and not hidden) or path.name.endswith(PART) or path.name == "claim.json":
                    continue
                with suppress(OSError):
                    if path.is_file():
                        mark = _mark(path.read_bytes())
                        if hidden:
                            under_way[mark] += 1
                        else:
                            found.setdefault(mark, []).append(str(path))
        return found, under_way

    def misplaced(self) -> list[str]:
        """Files that are in no place, or in two."""
        with self.lock:
            wanted = Counter(_mark(one.data) for one in self.dropped.values())
            found, under_way = self.places()
        return [
            f"{count} dropped, found at {found.get(mark, [])}"
            for mark, count in wanted.items()
            if not len(found.get(mark, [])) <= count <= len(found.get(mark, [])) + under_way[mark]
        ]

    def torn(self) -> list[str]:
        """Published files that are not whole, or are none of ours."""
        wrong = []
        for path in _files(self.folders.published):
            try:
                if path.name.startswith(".") or path.suffix not in (".txt", ".json"):
                    wrong.append(f"a stray file {path}")
                elif path.suffix == ".json":
                    data = json.loads(path.read_bytes())
                    for entry in data["files"]:
                        if hashlib.sha256((path.with_name(entry["name"])).read_bytes()).hexdigest() != entry["sha256"]:
                            wrong.append(f"{path} and its text do not match")
            except FileNotFoundError:
                continue
            except (ValueError, KeyError) as fault:
                wrong.append(f"{path}: {fault!r}")
        return wrong

    def watch(self, over: threading.Event) -> None:
        # A file that moves while the folders are listed is seen twice or not at all; what is wrong stays wrong.
        before: set[str] = set()
        twice: set[str] = set()
        while not over.wait(2):
            self.looks += 1
            now = {*self.misplaced(), *self.torn()}
            for one in now & before & twice:
                self.complaints.append(f"{time.strftime('%H:%M:%S')} {one}")
            twice, before = before & now, now


def _files(folder: Path) -> Iterator[Path]:
    """Files in visible folders below ``folder``, which may change meanwhile."""
    for root, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (Path(root, name) for name in names)


def _mark(data: bytes) -> str:
    return f"{len(data)}-{zlib.crc32(data):08x}"


def verdict(folders: Folders, observer: Observer) -> tuple[dict[str, int], list[str]]:
    """How many files ended where, and everything that is not as it must be."""
    wrong = list(observer.complaints)
    counts: Counter[str] = Counter()
    originals, quarantined = folders.originals, folders.quarantine
    outputs: set[Path] = set()
    for one in observer.dropped.values():
        kept = [path for path in (originals, quarantined) if (path / one.name).is_file()]
        if len(kept) != 1 or (kept[0] / one.name).read_bytes() != one.data:
            wrong.append(f"{one.name}: in {[path.name for path in kept]}")
            counts["lost"] += not kept
            continue
        if kept[0] == quarantined:
            reason = reason_path(quarantined / one.name)
            said = reason.read_text().splitlines() if reason.exists() else []
            if len(said) < 2:
                wrong.append(f"{one.name}: quarantined without a reason")
            kind = "hostile" if one.either else "good" if one.good else "broken"
            counts[f"quarantined, {kind} file"] += 1
            if kind == "good":
                print(f"  a good file in quarantine: {one.name}: {said[1:2]}")
            continue
        if not one.good:
            wrong.append(f"{one.name}: published, though it is broken")
        places = {form: folders.published / p for form, p in publish.output_names(one.name, ("txt", "json")).items()}
        outputs.update(places.values())
        try:
            data = json.loads(places["json"].read_text())
        except (OSError, ValueError) as fault:
            wrong.append(f"{one.name}: archived, but {fault!r}")
            continue
        if data["source"]["sha256"] != one.sha256:
            wrong.append(f"{one.name}: the text of another scan is published under this name")
        counts["published as a copy" if "copy_of" in data["source"] else "published"] += 1
    extra = {path for path in folders.published.rglob("*") if path.is_file()} - outputs
    wrong += [f"published without an original: {path}" for path in sorted(extra)]
    wrong += observer.misplaced() + observer.torn()
    left = [str(path) for path in folders.working.glob("2*")]
    wrong += [f"left in working/: {path}" for path in left]
    wrong += [f"left in inbox/: {path}" for path in inbox.list_inbox(folders.inbox).files]
    versions = [path for path in folders.versions.rglob("*") if path.is_file()]
    wrong += [f"a version of what has only one: {path}" for path in versions]
    return dict(counts), wrong


def all_done(folders: Folders, observer: Observer) -> bool:
    done = (folders.originals, folders.quarantine)
    return all(any((root / name).is_file() for root in done) for name in list(observer.dropped))


VICTIMS = {
    "nambat serve": 4,
    "run": 4,
    "worker": 5,
    "tesseract": 4,
    "poppler": 1,
    "Prefect server": 1,
    "warm process": 1,
    "other child": 0.3,
}
"""How often SIGKILL is to hit which kind of process. The rest of the family are Python's own helpers."""


def kill_at_random(service: Service, count: int, chance: random.Random, go_on: Callable[[int], None]) -> Counter[str]:
    """SIGKILL to the service or a child of it, so many times."""
    killed: Counter[str] = Counter()
    while sum(killed.values()) < count:
        go_on(sum(killed.values()))
        # A kind first, and a wait for one of that kind: some live for hours, Tesseract for a second.
        wanted = chance.choices(list(VICTIMS), list(VICTIMS.values()))[0]
        while_starting = chance.random() < 0.2
        time.sleep(chance.uniform(0.1, 6))
        deadline = time.monotonic() + 20
        family = _family(service)
        while (wanted not in family or not (while_starting or _is_ready(service))) and time.monotonic() < deadline:
            if not service.is_up():
                break
            time.sleep(0.05)
            family = _family(service)
        if not service.is_up():
            service.start()  # it ended because its Prefect server was killed before it was ready
            continue
        if wanted not in family:
            wanted = chance.choice(sorted(family))
        time.sleep(chance.choice([0, 0, chance.uniform(0, 0.5)]))  # not always in its first moments
        victim = chance.choice(family[wanted])
        killed[wanted] += is_running(victim)
        with suppress(ProcessLookupError):
            os.kill(victim, signal.SIGKILL)
        if victim == service.pid:
            assert service.process is not None
            service.process.wait()
            if chance.random() < 0.3:
                time.sleep(chance.uniform(0, 5))  # orphans go on for a while
            service.start()
    return killed


def _is_ready(service: Service) -> bool:
    return is_healthy(local_api("127.0.0.1", service.port), 0.5)


def _family(service: Service) -> dict[str, list[int]]:
    """The service, its children and theirs, by what they are."""
    found: dict[str, list[int]] = {"nambat serve": [service.pid]}
    for pid in descendants(service.pid):
        found.setdefault(_kind(pid, service), []).append(pid)
    return found


def _kind(pid: int, service: Service) -> str:
    """What a process of a service's family is, from its command line; forks of the service have the service's."""
    with suppress(OSError):
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode("utf-8", "replace").split("\0")
        line = " ".join(words)
        known = {
            "flows.pipeline.workers": "worker",
            "tesseract": "tesseract",
            "pdf": "poppler",
            "server_process": "Prefect server",
            "uvicorn": "Prefect server",
            "server start": "Prefect server",
            "prefect": "run",
            "multiprocessing.spawn": "run",
        }
        if "flows.cli" in line:
            if os.getsid(pid) == pid:
                return "Prefect server"
            parent = Path(f"/proc/{pid}/stat").read_text("latin-1").rpartition(")")[2].split()[1]
            return "warm process" if parent == str(service.pid) else "run"
        for part, kind in known.items():
            if part in line:
                return kind
    return "other child"


@contextmanager
def tmpfs(place: Path, megabytes: int) -> Iterator[None]:
    """A small file system of its own.

    Raises:
        PermissionError: mounting is not allowed here.
    """
    place.mkdir(parents=True, exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "none", str(place)]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True).returncode:
        raise PermissionError("mounting a tmpfs is not allowed here")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(place)], check=False)


def fill(place: Path) -> None:
    """Write until nothing more fits."""
    with suppress(OSError), place.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(65536))


def scenario(name: str, arguments: argparse.Namespace, home: Path) -> list[str]:
    """Run one scenario; prints figures and returns what went wrong."""
    chance = random.Random(f"{arguments.seed} {name}")
    published = home.parent / f"{home.name}-published" if name == "readonly" else home / "published"
    kills = max(1, arguments.kills // 4) if name == "mounts" else arguments.kills
    store = ClaimStore(load(home=home, published=published))
    folders = store.folders
    folders.make()
    service = Service(
        home, arguments.logs / f"{name}.log", {**QUICK, "NAMBAT_PUBLISHED": str(published)}, free_port(chance)
    )
    if name == "away":
        service.settings["PREFECT_API_URL"] = local_api("127.0.0.1", service.port)
    if name == "hostile":
        service.settings |= {"NAMBAT_PAGE_TIMEOUT": "30", "NAMBAT_WORKER_MEMORY": str(2 * 1024**3)}
    observer = Observer(folders)
    count = {"kill": arguments.scans, "mounts": arguments.scans // 4}.get(name, min(arguments.scans, 20))
    coming = hostile_drops() if name == "hostile" else drops(count, chance)
    over = threading.Event()
    watcher = threading.Thread(target=observer.watch, args=(over,), daemon=True)
    begun = time.monotonic()
    elsewhere = (
        OtherServer(home.parent / f"{home.name}-prefect", service.port, arguments.logs) if name == "away" else None
    )
    service.start()
    watcher.start()
    try:
        if name == "hostile":
            wait_until_up(service)
            while coming:
                observer.drop(coming.pop(0))
        elif name in ("kill", "mounts"):

            def go_on(number: int) -> None:
                while coming and len(observer.dropped) <= number * len(coming_all) / max(1, 0.9 * kills):
                    observer.drop(coming.pop(0))

            coming_all = list(coming)
            killed = kill_at_random(service, kills, chance, go_on)
            while coming:
                observer.drop(coming.pop(0))
            print("  killed: " + ", ".join(f"{count} {what}" for what, count in killed.most_common()))
        else:
            trouble: Callable[[Service, random.Random], None] = {
                "disk": full_disk,
                "readonly": read_only,
                "server": server_killed,
                "away": elsewhere.go_away if elsewhere else server_killed,
            }[name]
            wait_until_up(service)  # a disk that is full at the very first start is another story
            rounds = 2 if name == "away" else arguments.rounds
            for number in range(rounds):
                for _ in range(max(1, 20 // rounds)):
                    if coming:
                        observer.drop(coming.pop(0))
                trouble(service, chance)
                if not service.is_up():
                    print("  the service had ended by itself")
                    service.start()
                print(f"  round {number + 1}: {observer_line(store)}", flush=True)
        deadline = time.monotonic() + arguments.patience
        while not all_done(folders, observer) and time.monotonic() < deadline:
            if not service.is_up():
                print("  the service had ended by itself")
                service.start()
            time.sleep(1)
        time.sleep(3)
    finally:
        over.set()
        watcher.join()
        seconds = service.stop()
        service.end()
        if elsewhere is not None:
            elsewhere.stop()
    counts, wrong = verdict(folders, observer)
    if name in ("hostile", "away") and service.starts > 1:
        wrong.append(f"the service was started {service.starts} times")
    if seconds > 10:
        wrong.append(f"SIGTERM took {seconds:.1f} s")
    print(f"  ended: {counts}, of {len(observer.dropped)} dropped; {observer.looks} looks, {service.starts} starts")
    print(f"  {time.monotonic() - begun:.0f} s in all; SIGTERM took {seconds:.1f} s")
    left = [pid for pid in _running_below(home) if is_running(pid)]
    wrong += [f"still running: {pid} {_kind(pid, service)}" for pid in left]
    for pid in left:
        kill_tree(pid)
    print(f"  scratch folders of dead workers, for the next start to clear: {len(_scratch())}")
    return wrong


def two_homes(arguments: argparse.Namespace, folder: Path) -> list[str]:
    """Run the scenario ``homes``; prints figures and returns what went wrong."""
    chance = random.Random(f"{arguments.seed} homes")
    port = free_port(chance)
    settings = {**QUICK, "PREFECT_API_URL": local_api("127.0.0.1", port), "NAMBAT_JOBS": "1", "NAMBAT_DOCUMENTS": "1"}
    # Called alike, as homes in several departments are.
    homes = [folder / department / "văn thư" for department in ("a", "b")]
    services = [Service(home, arguments.logs / f"homes-{home.parent.name}.log", settings, port) for home in homes]
    for service in services:
        service.folders.make()
    observers = [Observer(service.folders) for service in services]
    coming = [drops(arguments.scans, chance, pages=(1, 2)) for _ in services]
    over = threading.Event()
    watchers = [threading.Thread(target=one.watch, args=(over,), daemon=True) for one in observers]
    begun = time.monotonic()
    elsewhere = OtherServer(folder / "prefect", port, arguments.logs)
    killed: Counter[str] = Counter()
    try:
        for running in (*services, *watchers):
            running.start()
        for number in range(arguments.kills):
            for observer, left in zip(observers, coming, strict=True):
                while left and len(observer.dropped) <= number * arguments.scans / max(1, 0.9 * arguments.kills):
                    observer.drop(left.pop(0))
            killed += kill_at_random(chance.choice(services), 1, chance, lambda _: None)
        for observer, left in zip(observers, coming, strict=True):
            for one in left:
                observer.drop(one)
        print("  killed: " + ", ".join(f"{count} {what}" for what, count in killed.most_common()), flush=True)
        deadline = time.monotonic() + arguments.patience
        while time.monotonic() < deadline and not all(
            all_done(service.folders, observer) for service, observer in zip(services, observers, strict=True)
        ):
            for service in services:
                if not service.is_up():
                    print("  a service had ended by itself")
                    service.start()
            time.sleep(1)
        time.sleep(3)
        wrong = _told_apart(services[0])
    finally:
        over.set()
        for service in services:
            service.stop()
            service.end()
        elsewhere.stop()
    for service, observer in zip(services, observers, strict=True):
        counts, more = verdict(service.folders, observer)
        if lost := counts.get("quarantined, good file", 0):
            more.append(f"{lost} good files in quarantine")
        wrong += [f"{service.home.parent.name}: {one}" for one in more]
        print(f"  {service.home.parent.name}: {counts}, of {len(observer.dropped)} dropped; {service.starts} starts")
    print(f"  {time.monotonic() - begun:.0f} s in all")
    return wrong


def _told_apart(service: Service) -> list[str]:
    """What is wrong with the deployments of two homes on one server, and with their runs."""
    wrong = []
    deployments = {one["id"]: one for one in service.api("deployments/filter")}
    if len(deployments) != 10 or len({tuple(one["tags"]) for one in deployments.values()}) != 2:
        wrong.append(f"deployments of two homes: {sorted(one['name'] for one in deployments.values())}")
    runs: list[dict[str, Any]] = []
    while more := service.api("flow_runs/filter", limit=200, offset=len(runs), sort="ID_DESC"):
        runs += more
    for run in runs:
        deployment = deployments.get(run["deployment_id"])
        if deployment is None or not set(deployment["tags"]) <= set(run["tags"]):
            wrong.append(f"a run of no home: {run['name']}")
    ended = Counter(
        f"{run['state_name']}, {run['state']['message']}" for run in runs if run["state_type"] == "CANCELLED"
    )
    print(f"  {len(runs)} runs: {dict(Counter(run['state_type'] for run in runs))}; cancelled ones: {dict(ended)}")
    return wrong


def _scratch() -> list[Path]:
    return list(Path(tempfile.gettempdir()).glob(f"{SCRATCH}*"))


def _running_below(home: Path) -> list[int]:
    """Processes whose environment names these folders."""
    found = []
    for place in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            if f"NAMBAT_HOME={home}".encode() in place.read_bytes().split(b"\0"):
                found.append(int(place.parent.name))
    return found


def observer_line(store: ClaimStore) -> str:
    counts, _ = status.status(store)
    return ", ".join(f"{name} {count}" for name, count in counts.items())


def wait_until_up(service: Service, seconds: float = 240) -> None:
    """Return once the service's Prefect server answers, or after so long."""
    deadline = time.monotonic() + seconds
    while not is_healthy(local_api("127.0.0.1", service.port)) and time.monotonic() < deadline:
        time.sleep(0.5)


def full_disk(service: Service, chance: random.Random) -> None:
    """A full disk for some seconds, then room again."""
    ballast = service.folders.home / "ballast"
    time.sleep(chance.uniform(1, 15))
    for _ in range(8):
        fill(ballast)  # what is freed meanwhile is taken, too
        time.sleep(chance.uniform(1, 4))
    ballast.unlink()
    time.sleep(chance.uniform(5, 20))


def read_only(service: Service, chance: random.Random) -> None:
    """published/ cannot be written for some seconds."""
    place = str(service.folders.published)
    time.sleep(chance.uniform(1, 10))
    subprocess.run(["mount", "-o", "remount,ro", place], check=False, capture_output=True)
    time.sleep(chance.uniform(10, 30))
    subprocess.run(["mount", "-o", "remount,rw", place], check=True)
    time.sleep(chance.uniform(1, 10))


def server_killed(service: Service, chance: random.Random) -> None:
    """Each process of the Prefect server is killed at once."""
    time.sleep(chance.uniform(2, 20))
    with suppress(KeyError, IndexError, ValueError):
        kill_tree(int(read_service(service.folders)["server"].split(":")[1]))
    time.sleep(chance.uniform(10, 40))


class OtherServer:
    """A Prefect server that is none of the service's."""

    def __init__(self, home: Path, port: int, logs: Path) -> None:
        self.port = port
        self.environment = clean_environment(PREFECT_HOME=str(home), DO_NOT_TRACK="1")
        self.log = logs / "other-server.log"
        self.start()

    def start(self) -> None:
        """Start it and wait until it answers."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "prefect", "server", "start", "--port", str(self.port)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env=self.environment,
            )
        wait_for_server(self.process, local_api("127.0.0.1", self.port), self.log)

    def go_away(self, service: Service, chance: random.Random) -> None:
        """Be away for some minutes."""
        time.sleep(chance.uniform(10, 30))
        self.stop()
        time.sleep(chance.uniform(120, 240))
        print(f"  away: {observer_line(service.store)}", flush=True)
        self.start()
        time.sleep(30)

    def stop(self) -> None:
        kill_tree(self.process.pid)
        self.process.wait()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help=f"of {', '.join(SCENARIOS)}; all by default")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--scans", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=5, help="of the other troubles")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--patience", type=float, default=1200, help="seconds for what is left at the end")
    parser.add_argument(
        "--logs", type=Path, default=Path(tempfile.gettempdir()), help="where the services' output goes"
    )
    arguments = parser.parse_args()
    unknown = set(arguments.scenarios) - set(SCENARIOS)
    if unknown:
        parser.error(f"no scenario is called {unknown.pop()}")
    arguments.logs.mkdir(parents=True, exist_ok=True)
    failed = False
    for name in arguments.scenarios or SCENARIOS:
        print(f"{name}:", flush=True)
        with tempfile.TemporaryDirectory(prefix=f"nambat-chaos-{name}-") as folder:
            home = Path(folder, "home")
            try:
                if name == "disk":
                    with tmpfs(home, 64):
                        wrong = scenario(name, arguments, home)
                elif name == "readonly":
                    with tmpfs(home.parent / f"{home.name}-published", 64):
                        wrong = scenario(name, arguments, home)
                elif name == "mounts":
                    with ExitStack() as stack:
                        for one in ("inbox", "published", "originals", "quarantine"):
                            stack.enter_context(tmpfs(home / one, 64))
                        wrong = scenario(name, arguments, home)
                elif name == "homes":
                    wrong = two_homes(arguments, Path(folder))
                else:
                    wrong = scenario(name, arguments, home)
            except PermissionError as fault:
                print(f"  skipped: {fault}")
                continue
        for one in wrong[:50]:
            print(f"  WRONG: {one}")
        print(f"  {'all held' if not wrong else f'{len(wrong)} things went wrong'}", flush=True)
        failed = failed or bool(wrong)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
