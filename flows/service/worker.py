"""``nambat worker``: takes runs of a home's work pool and reads their documents, on any machine that shares the home.

Prefect's own worker for processes (:mod:`flows.service.pool_worker`), which asks first, again and again, whether this
machine may take runs (:mod:`flows.service.fitness`). Each run is a process of its own, forked from one that has
imported all it needs, and ends with the worker, however that ends. What a run works on is told by its claim, as ever; a
worker holds nothing itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import stat
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from flows.host import heartbeat, log
from flows.host.locks import locked
from flows.host.processes import descendants, kill_tree, machine, use_one_arena
from flows.host.trusted_paths import shut_out_current_folder, stand_in
from flows.intake.claims import Claim, ClaimStore
from flows.language import _, in_one_line, ngettext
from flows.service.fitness import SHARE, Unfit, unfit
from flows.service.home import read_name
from flows.service.leftovers import end_parts_here, hand_back
from flows.service.prefect_server import clock_ahead, is_healthy, prefect_environment
from flows.service.record import read_service, version
from flows.service.warm_process import warm_process
from flows.service.watch import Say, say_once
from flows.service.worker_records import (
    IN_TIME,
    WorkerRecord,
    drop_worker,
    leave_sign,
    lives,
    read_workers,
    write_worker,
)
from flows.settings import Folders, Settings

if TYPE_CHECKING:
    from prefect.client.schemas.objects import WorkPool

    from flows.service.pool_worker import PoolWorker

ASKED_EVERY = 5.0
"""Seconds between two looks for runs at rest. As soon as one ends, the next look follows within :data:`SOON`."""

SOON = 1.0

LOOKED_AT_EVERY = 60.0
"""Seconds between two looks at what costs something: the programs, each folder, the server's clock."""

ENDS_WITHIN = 5.0
"""Seconds that Prefect's worker gets to tell the server of runs that were killed."""


OWN, LOCK = "nambat-worker-", "lock"
"""How the name of a worker's own folder begins, and the file in it that it holds a lock on."""

MADE_WITHIN = 60.0
"""Seconds in which a worker that starts comes to hold its lock."""


class WorkerTrouble(Exception):
    """A worker must not start here; ``str()`` is one sentence that says what to do.

    Attributes:
        is_program: whether a program or language file is missing.
    """

    def __init__(self, why: str, *, is_program: bool = False) -> None:
        super().__init__(why)
        self.is_program = is_program


def work(settings: Settings, limit: int, name: str, say: Say | None) -> None:
    """Take runs until SIGTERM or Ctrl-C.

    Args:
        limit: how many runs at once.
        name: what Prefect calls this worker; chosen after the machine if empty.
        say: shows one line to a person at the terminal; ``None`` if nobody sits there.

    Raises:
        WorkerTrouble: it must not start here.
        OSError: nothing can be written where temporary files go.
    """
    store = ClaimStore(settings)
    refuse_if(unfit(store, None))
    api, pool = address_of_server(store.folders), _pool(settings)
    refuse_if(unfit(store, clock_ahead(api), thorough=False))
    shut_out_current_folder()
    with own_folder() as own:
        stand_in(own)
        given = {**os.environ, "PREFECT_API_URL": api, "NAMBAT_HOME": str(store.folders.home), "NAMBAT_POOL": pool}
        name = name or _free_name(store.folders)
        os.environ.update(worker_environment(store.folders, own, name, given))
        os.environ["TMPDIR"] = str(own)
        log.begin(settings, console=True, tells_person=say is not None)

        def say_and_log(line: str) -> None:
            log.note(log.SAID, line)
            if say is not None:
                say(line)

        watched = Watched(store, api, read_name(store.folders), pool, name, say_and_log)
        use_one_arena()
        with warm_process(partial(log.adopt_errors, settings)) as warm, written_down(watched):
            warm.begin_runs_of_prefect()
            asyncio.run(_work(watched, limit))


@contextlib.contextmanager
def own_folder() -> Iterator[Path]:
    """A private folder of this machine for as long as the block runs; those of workers that were killed go."""
    for left in Path(tempfile.gettempdir()).glob(f"{OWN}*"):
        with contextlib.suppress(OSError):
            about = left.lstat()
            is_ours = stat.S_ISDIR(about.st_mode) and about.st_uid == os.getuid()
            if is_ours and time.time() - about.st_mtime > MADE_WITHIN:
                with locked(left / LOCK, wait=False) as is_left:
                    if is_left:
                        shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=OWN) as own, locked(Path(own, LOCK)):
        yield Path(own)


def execute(settings: Settings) -> NoReturn:
    """Become the process of the run that the environment names; a worker that is not ours began this one for it."""
    own = Path(tempfile.mkdtemp(prefix="nambat-run-"))
    stand_in(own)
    given = {"PREFECT_API_URL": "", **os.environ, "NAMBAT_HOME": str(settings.home), "NAMBAT_POOL": settings.pool}
    environment = {**os.environ, **worker_environment(settings.folders, own, heartbeat.host(), given)}
    os.execve(sys.executable, [sys.executable, "-P", "-m", "prefect.engine"], environment)


def refuse_if(trouble: Unfit | None) -> None:
    """Raises ``WorkerTrouble`` if there is a trouble."""
    if trouble is not None:
        raise WorkerTrouble(trouble.why, is_program=trouble.is_program)


def address_of_server(folders: Folders) -> str:
    """The address of the Prefect server that runs are taken from.

    Raises:
        WorkerTrouble: nothing names it, or it does not answer.
    """
    service = read_service(folders)
    is_here = service.get("owner", "").split(":")[0] == machine()
    api = os.environ.get("PREFECT_API_URL") or (service.get("api", "") if is_here else "")
    if not api:
        said = _("set PREFECT_API_URL to the address of the service's Prefect server: http://{host}:4200/api")
        raise WorkerTrouble(said.format(host=_("MACHINE")))
    if not is_healthy(api, 10):
        said = _("no Prefect server answers at {address}; start the service, or set PREFECT_API_URL to its address")
        raise WorkerTrouble(said.format(address=api))
    return api


def _pool(settings: Settings) -> str:
    """The work pool that runs are taken from.

    Raises:
        WorkerTrouble: the service gives its documents to none, or to another one.
    """
    services = read_service(settings.folders).get("pool", "")
    if not services:
        said = _("the service of {home} reads by itself; start it with: nambat serve --pool NAME")
        raise WorkerTrouble(said.format(home=settings.home))
    if settings.pool not in ("", services):
        said = _("the service of {home} gives its documents to the work pool {pool}, not to {given}")
        raise WorkerTrouble(said.format(home=settings.home, pool=services, given=settings.pool))
    return services


def _free_name(folders: Folders) -> str:
    """The machine's name, with a number if another worker is called so."""
    taken = {worker.name for worker in read_workers(folders) if lives(folders, worker, IN_TIME)}
    host = heartbeat.host().replace("/", "-").replace("%", "-")
    names = [host, *(f"{host}-{number}" for number in range(2, len(taken) + 2))]
    return next(name for name in names if name not in taken)


def worker_environment(folders: Folders, own: Path, name: str, given: Mapping[str, str]) -> dict[str, str]:
    """The environment of a worker and of its runs: ours of Prefect, but for what is the server's.

    Args:
        own: a folder of this machine, where Prefect keeps what is its own. Nothing of it belongs on the share.
        name: the worker's name, by which its runs know that they log for a machine of many.
        given: the environment we were started with; what it sets of these stays.
    """
    ours = prefect_environment(folders, {"PREFECT_HOME": str(own / "prefect"), **given})
    wanted = {one: value for one, value in ours.items() if not one.startswith("PREFECT_SERVER_")}
    wanted["PREFECT_WORKER_QUERY_SECONDS"] = given.get("PREFECT_WORKER_QUERY_SECONDS", f"{ASKED_EVERY:.0f}")
    for one in ("PREFECT_API_URL", "NAMBAT_HOME", "NAMBAT_POOL"):
        wanted[one] = given[one]
    return {**wanted, log.WORKER: name}


@dataclass(slots=True)
class Watched:
    """What a worker knows of itself.

    Attributes:
        home: the name of its home, which must not become another one's.
        apart: seconds by which the server's clock was ahead when it was asked last.
        looked: when all was looked at last, on the monotonic clock in seconds.
        trouble: why it takes no runs now; empty if it does.
        said: what was said when.
    """

    store: ClaimStore
    api: str
    home: str
    pool: str
    name: str
    say: Say
    apart: float = 0.0
    looked: float = float("-inf")
    trouble: str = ""
    said: dict[str, float] = field(default_factory=dict)

    def record(self) -> WorkerRecord:
        """What is written down of it."""
        own, host = heartbeat.identity(), heartbeat.host()
        return WorkerRecord(own, self.name, host, version(), self.pool, self.trouble)

    def may_take(self) -> bool:
        """Whether this machine may take runs now; if not, a person is told why, once an hour."""
        now = time.monotonic()
        is_due = now - self.looked >= LOOKED_AT_EVERY
        if is_due:
            self.looked = now
            self.apart = clock_ahead(self.api) or 0.0
        # What was missing may be there by now.
        found = unfit(self.store, self.apart, self.home, thorough=is_due or self.trouble != "")
        before, self.trouble = self.trouble, found.why if found else ""
        if found:
            said = _("no runs are taken now: {why}")
            say_once(said.format(why=found.why), self.said, self.say, kind=found.kind)
        elif before:
            self.said.clear()
            self.say(_("runs are taken again"))
        if found is None or found.kind != SHARE:  # nothing is to be made in a folder where no share is mounted
            with contextlib.suppress(OSError):  # that is the trouble
                leave_sign(self.store.folders, heartbeat.identity())
                if self.trouble != before:
                    write_worker(self.store.folders, self.record())
        return not self.trouble

    def is_ours(self, pool: WorkPool) -> bool:
        """Whether a work pool gives runs of this home; if not, a person is told."""
        from flows.service.work_pool import owner_of

        owner = owner_of(pool)
        if owner not in ("", self.home):
            said = _("the work pool {pool} is that of the home {home}; choose another name with --pool")
            say_once(said.format(pool=self.pool, home=owner), self.said, self.say)
        return owner in ("", self.home)

    def say_away(self, fault: Exception) -> None:
        """Tell a person that the server does not answer, once an hour."""
        said = _("the Prefect server does not answer: {why}")
        say_once(said.format(why=in_one_line(fault)), self.said, self.say, kind="away")


@contextlib.contextmanager
def written_down(watched: Watched) -> Iterator[None]:
    """Let the home know of this worker as long as the block runs.

    Raises:
        OSError: that cannot be written.
    """
    folders = watched.store.folders
    write_worker(folders, watched.record())
    leave_sign(folders, heartbeat.identity())
    try:
        yield
    finally:
        drop_worker(folders, heartbeat.identity())


async def _work(watched: Watched, limit: int) -> None:
    """Take runs until asked to stop."""
    from flows.service.pool_worker import Conditions, PoolWorker

    stopping, at_once = asyncio.Event(), asyncio.Event()
    conditions = Conditions(watched.may_take, watched.is_ours, lambda: watched.apart, watched.say_away)
    worker = PoolWorker(conditions, watched.pool, watched.name, limit)
    loop = asyncio.get_running_loop()

    def stop() -> None:
        (at_once if stopping.is_set() else stopping).set()

    for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(signum) != signal.SIG_IGN:
            loop.add_signal_handler(signum, stop)
    working = asyncio.create_task(worker.start(printer=lambda *_said: None))
    asking = asyncio.create_task(_ask_when_freed(worker))
    said = _("Reads for {home}: takes runs from the work pool {pool}, {limit} at a time")
    watched.say(said.format(home=watched.store.folders.home, pool=watched.pool, limit=limit))
    asked = asyncio.create_task(stopping.wait())
    try:
        await asyncio.wait([working, asked], return_when=asyncio.FIRST_COMPLETED)
    finally:
        asking.cancel()
        if not working.done():
            await _end_runs(watched, worker, at_once)
        working.cancel()
        await asyncio.wait([working], timeout=ENDS_WITHIN)
    # It may still be at it, where the server is away: then its end is not waited for.
    if working.done() and not working.cancelled() and (fault := working.exception()):
        said = _("the Prefect server at {address} does not take this worker: {why}")
        raise WorkerTrouble(said.format(address=watched.api, why=fault)) from fault


async def _ask_when_freed(worker: PoolWorker) -> None:
    """Look for the next run as soon as one has ended."""
    while True:
        await worker.freed.wait()
        worker.freed.clear()
        await asyncio.sleep(SOON)
        with contextlib.suppress(Exception):  # the server is away: the worker looks again by itself
            await worker.get_and_submit_flow_runs()


async def _end_runs(watched: Watched, worker: PoolWorker, at_once: asyncio.Event) -> None:
    """Let runs go on for a while, and end those that are left; their scans go back to the inbox."""
    store, say = watched.store, watched.say
    worker.takes = False  # Prefect's loops go on, so that what runs can still be cancelled
    count, seconds = worker.at_work, store.settings.worker_grace
    if count:
        said = ngettext(
            "Stopping: {count} run may go on for {seconds:.0f} s ...",
            "Stopping: {count} runs may go on for {seconds:.0f} s ...",
            count,
        )
        say(said.format(count=count, seconds=seconds))
    await _until_idle(worker, seconds, at_once)
    left = _held_here(store)
    end_parts_here(store)
    for child in descendants(os.getpid()):
        kill_tree(child)
    await _until_idle(worker, ENDS_WITHIN, asyncio.Event())
    returned = await asyncio.to_thread(hand_back, store, left)
    if returned:
        from flows.service.deployments import close_runs

        with contextlib.suppress(Exception):
            await asyncio.wait_for(close_runs(store, returned), ENDS_WITHIN)
        said = ngettext(
            "{count} unfinished file lies in the inbox again.",
            "{count} unfinished files lie in the inbox again.",
            len(returned),
        )
        say(said.format(count=len(returned)))


async def _until_idle(worker: PoolWorker, seconds: float, at_once: asyncio.Event) -> None:
    """Wait until no run is left, at most so long."""
    deadline = time.monotonic() + seconds
    while worker.at_work and time.monotonic() < deadline and not at_once.is_set():
        await asyncio.sleep(0.2)


def _held_here(store: ClaimStore) -> list[Claim]:
    """The claims that runs of this worker hold."""
    ours = set(descendants(os.getpid()))
    return [claim for claim in store.open_claims() if heartbeat.pid_of(store.folders, claim.owner) in ours]
