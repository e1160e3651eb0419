"""``nambat serve``: one process that users leave running.

It starts a Prefect server (unless the environment names one), serves the two deployments and watches the inbox.
Everything it starts ends with it. What a killed service left behind is cleared away by the next one.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.host import heartbeat, log
from flows.host.locks import locked
from flows.host.modes import make_private
from flows.host.mounts import missing_mount, note_mounts
from flows.host.moves import Gone
from flows.host.names import readable
from flows.host.processes import machine, use_one_arena
from flows.host.trusted_paths import shut_out_current_folder, stand_in
from flows.intake import transfers
from flows.intake.claims import Claim, ClaimStore
from flows.intake.quarantine import drop_stray_notes
from flows.intake.reread import Original, take_original
from flows.language import _, ngettext, told
from flows.pipeline.faults import as_fault
from flows.review.beside import reviewing
from flows.service.database import find_database
from flows.service.forked_server import ForkedServer, fork_server
from flows.service.health import look
from flows.service.health_page import answering
from flows.service.home import name_home
from flows.service.leftovers import clear_leftovers, disown_all, end_leftovers, end_runs, hand_back_all
from flows.service.metrics import exposition
from flows.service.prefect_server import (
    PATIENCE_WITH_RUNNERS,
    STOP_SECONDS,
    Server,
    ServerTrouble,
    begin_server,
    end_servers,
    given_server,
    is_healthy,
    local_api,
    prefect_environment,
    private_server,
    stop_server,
    wait_for_server,
)
from flows.service.record import (
    ARCHIVE,
    INBOX,
    INGEST,
    READ,
    SWEEP,
    lock_of_service,
    read_service,
    record_of_service,
    write_service,
)
from flows.service.warm_process import warm_process
from flows.service.watch import Say, watch
from flows.settings import Folders, Settings
from ocr.faults import Fault

if TYPE_CHECKING:
    from prefect.runner import Runner

    from flows.pipeline.outcome import Outcome
    from flows.service.deployments import Served


class AlreadyServed(Exception):
    """Another service runs on these folders; ``str()`` says what to do."""


def serve(settings: Settings, say: Say | None) -> None:
    """Run until SIGTERM or Ctrl-C.

    Args:
        say: shows one line to a person at the terminal; ``None`` if nobody sits there.

    Raises:
        AlreadyServed: another service runs on these folders.
        ShareAway: a folder's share is not mounted.
        BadSetting: one folder lies in another.
        ServerTrouble: the Prefect server cannot be started or does not answer.
        OSError: a folder cannot be made.
    """
    store = ClaimStore(settings)
    folders = store.folders
    folders.check_apart()
    if away := missing_mount(folders):
        raise away
    seen = make_private(folders, settings.group)
    say = _logging_too(say, settings)
    for folder in seen:
        said = _("Others on this machine can see {folder}; give it to the user who runs nambat, with the mode 700.")
        say(said.format(folder=folder))
    note_mounts(folders)
    with locked(lock_of_service(folders), wait=False) as alone:
        if not alone or _served_elsewhere(folders):
            said = _("another nambat service runs on {home} already; stop it first, or set NAMBAT_HOME")
            raise AlreadyServed(said.format(home=folders.home))
        name, is_copy = name_home(folders)
        if is_copy:
            disown_all(store)
        end_leftovers(store)
        clear_leftovers(store)
        # The runs' processes find the same folders, wherever they are started, and nothing of where we were started.
        shut_out_current_folder()
        stand_in(folders.home / "prefect")
        os.environ["NAMBAT_HOME"] = str(folders.home)
        os.environ.update(prefect_environment(folders, os.environ))
        if not settings.pool:
            os.environ.update({**PATIENCE_WITH_RUNNERS, **os.environ})
        deadline = _StopDeadline()
        given = given_server()
        if given is None:
            say(_("Runs are kept in {database}").format(database=find_database(settings)))
            os.environ["PREFECT_API_URL"] = local_api(settings.host, settings.port)
        # Before there are threads: the heart's is the first.
        use_one_arena()
        with (
            _forked(settings, given) as forked,
            warm_process(partial(log.adopt_errors, settings)) as warm,
            heartbeat.beating(folders),
            _server(settings, given, forked, say, deadline) as server,
        ):
            warm.begin_runs_of_prefect()
            # A server of our own has no other home's deployments.
            home = name if server.pid is None else ""
            write_service(folders, server=server, home=home, pool=settings.pool)
            try:
                with _health_page(store, server, say), reviewing(settings, say):
                    _run_until_stopped(store, server, say, deadline)
            finally:
                record_of_service(folders).unlink(missing_ok=True)


def _logging_too(say: Say | None, settings: Settings) -> Say:
    """Begin the service's log; what is said goes there, too."""
    log.begin(settings, console=True, tells_person=say is not None)

    def say_and_log(line: str) -> None:
        log.note(log.SAID, line)
        if say is not None:
            say(line)

    return say_and_log


def _health_page(store: ClaimStore, server: Server, say: Say) -> contextlib.AbstractContextManager[None]:
    """Who answers at /nambat/health and /nambat/metrics, if it is not the Prefect server that we started."""
    if server.pid is not None:
        return contextlib.nullcontext()
    return answering(store.settings, lambda: look(store), lambda: exposition(store), say)


def _run_until_stopped(store: ClaimStore, server: Server, say: Say, deadline: _StopDeadline) -> None:
    """Serve, and start anew whenever the server was away for long or failed.

    Raises:
        Exception: what the server fails with again and again.
    """
    on_term = signal.getsignal(signal.SIGTERM)
    failures = 0
    while True:
        begun = time.monotonic()
        try:
            if asyncio.run(_run(store, server, say, deadline)):
                return
            say(_("The Prefect server did not answer for long; starting anew when it does."))
        except ServerTrouble:
            raise
        except Exception as fault:
            # A server that comes and goes must not end the service; one that never works must.
            failures = 1 if time.monotonic() - begun > LONG_OUTAGE else failures + 1
            if failures > MOST_FAILURES:
                raise
            said = _("The Prefect server failed ({what}); starting anew.")
            say(said.format(what=f"{type(fault).__name__}: {fault}"))
            time.sleep(2)
        signal.signal(signal.SIGTERM, on_term)  # the loop that is closed now had its own
        while not is_healthy(server.api):
            time.sleep(2)


def _served_elsewhere(folders: Folders) -> bool:
    """Whether a service on another machine runs on these folders; a share's locks may not reach from there to here.

    One that was killed a moment ago looks alive at first: it gets the time to show another sign of life.
    """
    owner = read_service(folders).get("owner", "")
    first = heartbeat.last_beat(folders, owner)
    if first is None or owner.split(":")[0] == machine():
        return False
    if not heartbeat.is_alive(folders, owner, patience=120):
        return False
    time.sleep(3 * heartbeat.BEAT)
    return heartbeat.last_beat(folders, owner) != first


STOP_WITHIN = 8.0
"""Seconds that stopping may take: who asked for it kills after ten."""


@dataclass(slots=True)
class _StopDeadline:
    """How long stopping may still take.

    Attributes:
        asked: when the service was asked to stop, on the monotonic clock in seconds; ``None`` while it runs.
    """

    asked: float | None = None

    def left(self, most: float) -> float:
        """Seconds a step of stopping may take: at most so many, and no more than there are left for all."""
        if self.asked is None:
            return most
        return max(0.2, min(most, self.asked + STOP_WITHIN - time.monotonic()))


@contextlib.contextmanager
def _forked(settings: Settings, given: Server | None) -> Iterator[ForkedServer | None]:
    """A Prefect server that shares this process's memory, and ends with the block; ``None`` if there shall be none."""
    forked = None
    if given is None:
        with contextlib.suppress(OSError):  # too little memory to share it
            forked = fork_server(settings.folders, settings.host, settings.port)
    try:
        yield forked
    finally:
        if forked is not None:
            stop_server(forked)


@contextlib.contextmanager
def _server(
    settings: Settings, given: Server | None, forked: ForkedServer | None, say: Say, deadline: _StopDeadline
) -> Iterator[Server]:
    """The Prefect server: the one that is given, or one that runs as long as the block, at first the forked one."""
    if given:
        yield given
        return
    folders = settings.folders
    process = forked or begin_server(folders, settings.host, settings.port, for_service=True)
    over = threading.Event()

    def look_after() -> None:
        """Start the server anew when it ends: a kill or a crash must not end the service."""
        nonlocal process
        while not over.wait(1):
            if process.poll() is not None:
                said = _("The Prefect server ended (exit status {status}); starting it again.")
                say(said.format(status=process.returncode))
                end_servers(folders)
                with contextlib.suppress(ServerTrouble, OSError):
                    process = begin_server(folders, settings.host, settings.port, for_service=True)
                    anew = Server(local_api(settings.host, settings.port), process.pid)
                    write_service(folders, server=anew, home="", pool=settings.pool)

    guard = threading.Thread(target=look_after, name="server guard", daemon=True)
    try:
        say(_("Starting the Prefect server ..."))
        server = Server(local_api(settings.host, settings.port), process.pid)
        wait_for_server(process, server.api, log.server_log(folders))
        guard.start()
        yield server
    finally:
        over.set()
        if guard.is_alive():
            guard.join(deadline.left(6))
        stop_server(process, deadline.left(STOP_SECONDS))
        end_servers(folders)


def _served(settings: Settings, ingesting: Runner | None, sweeping: Runner, batching: Runner | None) -> list[Served]:
    """All that is served, and who runs it.

    Args:
        ingesting, batching: what reads documents and parts of batches; ``None`` if workers do, from the queues of the
            work pool.
    """
    from flows.batch_flows import batch, batch_part, reprocess
    from flows.ingest import ingest, read, sweep
    from flows.service.batch_runs import AGAIN, BATCH, PART
    from flows.service.deployments import Served

    return [
        Served(ingest, INGEST, ingesting or INBOX),
        Served(read, READ, ingesting or INBOX),
        Served(sweep, SWEEP, sweeping),
        Served(batch, BATCH, ingesting or INBOX),
        Served(reprocess, AGAIN, ingesting or INBOX),
        Served(batch_part, PART, batching or ARCHIVE),
    ]


async def _run(store: ClaimStore, server: Server, say: Say, deadline: _StopDeadline) -> bool:
    """Serve until asked to stop (true), or until Prefect's runners give up on their server (false)."""
    from prefect.runner import Runner

    from flows.service.deployments import STARTED_IN_VAIN, Deployer, close_forsaken, close_runs, deploy, keep_deployed

    folders, settings = store.folders, store.settings
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()

    with _own_temporary_folder(folders):
        ingesting = None
        if not settings.pool:
            limit = settings.documents
            ingesting = Runner(name="nambat-ingest", limit=limit, query_seconds=POLL, pause_on_shutdown=False)
        # In a runner of its own, so that a sweep never waits behind long documents.
        sweeping = Runner(name="nambat-sweep", limit=1, query_seconds=POLL, pause_on_shutdown=False)
        # One part reads as many pages as there are cores.
        batching = None
        if not settings.pool:
            batching = Runner(name="nambat-batch", limit=1, query_seconds=POLL, pause_on_shutdown=False)
    if settings.pool:
        from flows.service.work_pool import make_pool

        await make_pool(settings.pool, name_home(folders)[0])
    runners = [runner for runner in (ingesting, sweeping, batching) if runner is not None]
    served = _served(settings, ingesting, sweeping, batching)
    deployer = Deployer(settings, read_service(folders)["home"], served)
    await deploy(deployer)
    left = hand_back_all(store, crashed=True)
    drop_stray_notes(store)
    await close_runs(store, left)
    await close_forsaken(deployer, {claim.id for claim in store.open_claims()}, _(STARTED_IN_VAIN))

    tasks: list[asyncio.Task[None]] = [asyncio.create_task(runner.start()) for runner in runners]
    while not all(runner.started for runner in runners):
        await asyncio.wait(tasks, timeout=0.05, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            if task.done():
                for other in tasks:
                    other.cancel()
                await asyncio.wait(tasks, timeout=4)
                await task  # raises what went wrong
    # Runner.start() has put its own handler for SIGTERM; this one must come after.
    for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(signum) != signal.SIG_IGN:
            loop.add_signal_handler(signum, stopping.set)

    watcher_stop = threading.Event()
    waits = asyncio.Event()
    tell = partial(_in_loop, loop, waits.set)
    watcher = threading.Thread(target=watch, args=(store, watcher_stop, say, tell), daemon=True)
    renewing = asyncio.Event()
    # A thread of its own: the loop would wait for one of its threads at the end, however long that waits for an answer.
    threading.Thread(
        target=_wait_for_outage,
        args=(server.api, watcher_stop, partial(_in_loop, loop, renewing.set)),
        daemon=True,
    ).start()
    if settings.watch:
        watcher.start()
    say(_("Drop scans into   {folder}").format(folder=folders.inbox))
    say(_("Clean text is in  {folder}").format(folder=folders.published))
    if settings.pool:
        say(
            _("The reading is left to workers; start some with: nambat worker --pool {pool}").format(pool=settings.pool)
        )
    say(_("Watch the runs at {address}").format(address=server.ui))
    waiting: list[asyncio.Task[Any]] = [
        asyncio.create_task(stopping.wait()),
        asyncio.create_task(renewing.wait()),
        asyncio.create_task(keep_deployed(deployer, say)),
    ]
    if ingesting is not None:
        waiting.append(asyncio.create_task(_begin_at_once(ingesting, waits)))
    try:
        await asyncio.wait([*tasks, *waiting], return_when=asyncio.FIRST_COMPLETED)
    finally:
        if stopping.is_set():
            deadline.asked = time.monotonic()
            say(_("Stopping ..."))
        watcher_stop.set()
        for task in [*tasks, *waiting]:
            task.cancel()
        await asyncio.wait([*tasks, *waiting], timeout=deadline.left(4))
        if watcher.is_alive():
            await asyncio.to_thread(watcher.join, deadline.left(2))
        if not settings.pool:
            end_runs(store)
        left = hand_back_all(store, crashed=False, seconds=deadline.left(2))
        with contextlib.suppress(Exception):
            await asyncio.wait_for(close_runs(store, left), timeout=deadline.left(2))
        if left:
            said = ngettext(
                "{count} unfinished file lies in the inbox again.",
                "{count} unfinished files lie in the inbox again.",
                len(left),
            )
            say(said.format(count=len(left)))
    for task in tasks:
        if task.done() and not task.cancelled() and not stopping.is_set() and (fault := task.exception()):
            if is_healthy(server.api):
                raise fault  # a runner ended by itself: say why
            say(_("Prefect's runner ended: {why}").format(why=fault))
    return stopping.is_set()


POLL = 15.0
"""Seconds between two looks of a runner of Prefect for runs that are due, beside those of :func:`_begin_at_once`."""

POLL_AT_WORK = 1.0
"""Seconds between two such looks while runs are at work: as soon as one ends, the next one's turn has come."""


async def _begin_at_once(runner: Runner, waits: asyncio.Event) -> None:
    """Have a runner look for runs that are due as soon as one waits, and often as long as some are at work."""
    while True:
        at_work = bool(runner._scheduled_run_poller._submitting_flow_run_ids)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(waits.wait(), POLL_AT_WORK if at_work else None)
        waits.clear()
        if runner.has_slots_available():
            with contextlib.suppress(Exception):  # the server is away: the runner looks again by itself
                await runner._get_and_submit_flow_runs()


def _in_loop(loop: asyncio.AbstractEventLoop, tell: Callable[[], object]) -> None:
    """Have a loop's thread do something, from another thread."""
    with contextlib.suppress(RuntimeError):  # the loop is closed already
        loop.call_soon_threadsafe(tell)


MOST_FAILURES = 5
"""Times in a row that the runs may end at once because of the server."""

LONG_OUTAGE = 60.0
"""Seconds without its server after which what a runner of Prefect knows of its runs is not to be trusted."""


def _wait_for_outage(api: str, over: threading.Event, tell: Callable[[], object]) -> None:
    """Tell once the server is back that was away for long.

    Prefect's runners go on after that, but runs whose start or crash they could not report are stuck, and cancelling
    from the UI has no effect any more. New runners are cheap: no page is read twice.
    """
    away_since: float | None = None
    while not over.wait(15):
        if not is_healthy(api, 10):
            away_since = away_since or time.monotonic()
        elif away_since is not None and time.monotonic() - away_since > LONG_OUTAGE:
            tell()
            return
        else:
            away_since = None


@contextlib.contextmanager
def _own_temporary_folder(folders: Folders) -> Iterator[None]:
    """Let Prefect's runners choose their folder below ours.

    They use a ``runner_storage`` in /tmp that belongs to whichever user of the machine came first.
    """
    before, tempfile.tempdir = tempfile.tempdir, str(folders.home / "prefect" / "tmp")
    Path(tempfile.tempdir).mkdir(parents=True, exist_ok=True)
    try:
        yield
    finally:
        tempfile.tempdir = before


Tell = Callable[[str, "Outcome | None", str], None]
"""Called after each scan with its name, its outcome (``None`` if it failed) and its run's last message."""


def ingest_now(files: Sequence[tuple[Path, str]], settings: Settings, tell: Tell) -> None:
    """Run the flow over copies of ``files``, one after the other, with a Prefect server started for it.

    Args:
        files: each scan and its name, as it would be below the inbox. They stay where they are.

    Raises:
        ServerTrouble: the Prefect server cannot be started or does not answer.
        OSError: a folder of the service cannot be made.
    """
    store = ClaimStore(settings)
    files = [(path.absolute(), name) for path, name in files]
    takes = [(name, partial(transfers.take_copy, store, path, name, heartbeat.identity())) for path, name in files]
    with _flows_here(store):
        _run_here(store, takes, tell)


def reread_now(originals: Sequence[Original], settings: Settings, tell: Tell) -> None:
    """Read scans of originals/ again, one after the other, where no service runs on these folders.

    Raises:
        AlreadyServed: one runs, or starts just now.
        ServerTrouble: the Prefect server cannot be started or does not answer.
        OSError: a folder of the service cannot be made.
    """
    store = ClaimStore(settings)
    takes = [(one.name, partial(take_original, store, one, heartbeat.identity())) for one in originals]
    # A service that started meanwhile would take what this process works on for a killed one's.
    with locked(lock_of_service(store.folders), wait=False) as alone:
        if not alone:
            said = _("a nambat service starts or stops on {home} just now; try again")
            raise AlreadyServed(said.format(home=store.folders.home))
        with heartbeat.beating(store.folders), _flows_here(store):
            _run_here(store, takes, tell)


@contextlib.contextmanager
def _flows_here(store: ClaimStore) -> Iterator[None]:
    """This process can run flows: with the service's server, or one that ends with the block."""
    folders = store.folders
    make_private(folders, store.settings.group)
    log.begin(store.settings, console=False)
    shut_out_current_folder()
    stand_in(folders.home / "prefect")
    os.environ["NAMBAT_HOME"] = str(folders.home)
    os.environ["NAMBAT_PUBLISHED"] = str(folders.published)
    service = read_service(folders)
    if heartbeat.pid_of(folders, service.get("owner", "")) is not None:
        os.environ.setdefault("PREFECT_API_URL", service["api"])
    with private_server(folders):
        yield


def _run_here(store: ClaimStore, takes: Sequence[tuple[str, Callable[[], Claim]]], tell: Tell) -> None:
    """Run the flow over claims that are taken one after the other; one that cannot be taken does not stop the rest.

    Args:
        takes: the name of each scan, and what claims it.
    """
    from prefect.logging.handlers import APILogHandler

    from flows.ingest import ingest, outcome_of

    for name, take in takes:
        try:
            claim = take()
        except (Gone, Fault, OSError) as fault:
            tell(name, None, str(fault) if isinstance(fault, Gone) else told(as_fault(fault)))
            continue
        try:
            state: Any = ingest(name=readable(claim.name), claim=claim.id, return_state=True)
        except BaseException:
            transfers.recover(store, claim)
            raise
        run = str(state.state_details.flow_run_id)
        tell(name, outcome_of(run), state.message or state.name)
    APILogHandler().flush()  # or the last lines would be sent to a server that is gone
