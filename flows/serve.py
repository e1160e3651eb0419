"""``nambat serve``: one process that users leave running.

It starts a Prefect server (unless the environment names one), serves the two deployments and watches the inbox.
Everything it starts ends with it. What a killed service left behind is cleared away by the next one.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.host import heartbeat
from flows.host.locks import claims_lock, locked
from flows.host.mounts import missing_mount, note_mounts
from flows.host.moves import Gone
from flows.host.names import readable
from flows.host.processes import kill_tree, machine
from flows.intake import claims
from flows.intake.claims import Claim
from flows.intake.quarantine import crashed_too_often, drop_stray_notes, quarantine
from flows.intake.sweep import Swept, sweep
from flows.pipeline.workers import clear_scratch
from flows.service.prefect_server import (
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
    FORMER_DEPLOYMENTS,
    INGEST,
    PAGE,
    SWEEP,
    lock_of_service,
    read_service,
    record_of_service,
    runs_on_server,
    write_service,
)
from flows.settings import Folders, Settings

if TYPE_CHECKING:
    from prefect.runner import Runner

    from flows.pipeline.outcome import Outcome

STARTED_IN_VAIN = "nambat was stopped; the file lies in the inbox again and will be read at the next start."
STOPPED_AT_THE_END = "nambat was stopped when the file had been put away already: it lies in originals/ or quarantine/."

Say = Callable[[str], None]


class AlreadyServed(Exception):
    """Another service runs on these folders; ``str()`` says what to do."""


def serve(settings: Settings, say: Say) -> None:
    """Run until SIGTERM or Ctrl-C.

    Args:
        say: shows one line to the user.

    Raises:
        AlreadyServed: another service runs on these folders.
        ShareAway: a folder's share is not mounted.
        BadSetting: one folder lies in another.
        ServerTrouble: the Prefect server cannot be started or does not answer.
        OSError: a folder cannot be made.
    """
    folders = settings.folders
    folders.check_apart()
    if away := missing_mount(folders):
        raise away
    folders.make()
    note_mounts(folders)
    with locked(lock_of_service(folders), wait=False) as alone, heartbeat.beating(folders):
        if not alone or _served_elsewhere(folders):
            raise AlreadyServed(
                f"another nambat service runs on {folders.home} already; stop it first, or set NAMBAT_HOME"
            )
        end_leftovers(folders)
        clear_leftovers(folders)
        # The runs' processes find the same folders, wherever they are started.
        os.environ["NAMBAT_HOME"] = str(folders.home)
        os.environ.update(prefect_environment(folders, os.environ))
        deadline = _StopDeadline()
        with _server(settings, folders, say, deadline) as server:
            write_service(folders, api=server.api, server_pid=server.pid)
            try:
                _run_until_stopped(settings, folders, server, say, deadline)
            finally:
                record_of_service(folders).unlink(missing_ok=True)


def _run_until_stopped(settings: Settings, folders: Folders, server: Server, say: Say, deadline: _StopDeadline) -> None:
    """Serve, and start anew whenever the server was away for long or failed.

    Raises:
        Exception: what the server fails with again and again.
    """
    on_term = signal.getsignal(signal.SIGTERM)
    failures = 0
    while True:
        begun = time.monotonic()
        try:
            if asyncio.run(_run(settings, folders, server, say, deadline)):
                return
            say("The Prefect server did not answer for long; starting anew when it does.")
        except Exception as fault:
            # A server that comes and goes must not end the service; one that never works must.
            failures = 1 if time.monotonic() - begun > LONG_OUTAGE else failures + 1
            if failures > MOST_FAILURES:
                raise
            say(f"The Prefect server failed ({type(fault).__name__}: {fault}); starting anew.")
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
def _server(settings: Settings, folders: Folders, say: Say, deadline: _StopDeadline) -> Iterator[Server]:
    given = given_server()
    if given:
        yield given
        return
    log = folders.home / "prefect" / "server.log"
    process = begin_server(folders, settings.host, settings.port, log, for_service=True)
    over = threading.Event()

    def look_after() -> None:
        """Start the server anew when it ends: a kill or a crash must not end the service."""
        nonlocal process
        while not over.wait(1):
            if process.poll() is not None:
                say(f"The Prefect server ended (exit status {process.returncode}); starting it again.")
                end_servers(folders)
                with contextlib.suppress(ServerTrouble, OSError):
                    process = begin_server(folders, settings.host, settings.port, log, for_service=True, again=True)
                    write_service(folders, api=local_api(settings.host, settings.port), server_pid=process.pid)

    guard = threading.Thread(target=look_after, name="server guard", daemon=True)
    try:
        say("Starting the Prefect server ...")
        server = Server(local_api(settings.host, settings.port), process.pid)
        wait_for_server(process, server.api, log)
        os.environ["PREFECT_API_URL"] = server.api
        guard.start()
        yield server
    finally:
        over.set()
        if guard.is_alive():
            guard.join(deadline.left(6))
        stop_server(process, deadline.left(STOP_SECONDS))
        end_servers(folders)


def end_leftovers(folders: Folders) -> None:
    """End what a killed service left running: its Prefect server, and the runs that still hold claims.

    Only a process that holds the service's lock may do this.
    """
    end_servers(folders)
    _end_runs(folders)


def _end_runs(folders: Folders) -> None:
    """Kill the processes of this machine that hold claims."""
    for owner in {claim.owner for claim in claims.open_claims(folders) if claim.keep}:
        _end_run(folders, owner)


def _end_run(folders: Folders, owner: str) -> None:
    pid = heartbeat.pid_of(folders, owner)
    if pid is not None and pid != os.getpid():
        kill_tree(pid)


def clear_leftovers(folders: Folders) -> None:
    """Remove files in the making that a killed service left, and claims of nothing.

    Only a process that holds the service's lock may do this, before anything is taken.
    """
    clear_scratch()
    claims.drop_empty_claims(folders)
    stagings = [folders.working / ".staging", folders.published / ".nambat-staging"]
    for staging in (*stagings, *folders.versions.rglob(".staging")):
        shutil.rmtree(staging, ignore_errors=True)
    for folder in (folders.working, folders.quarantine):
        for left in folder.rglob(".*.tmp"):
            with contextlib.suppress(OSError):
                left.unlink()


def hand_back_all(
    folders: Folders, settings: Settings, *, crashed: bool, seconds: float | None = None
) -> list[tuple[Claim, Path | None]]:
    """Put the files of all claims back into the inbox, but for those of other machines and those put off.

    Args:
        crashed: whether what was running was cut off by a crash, which counts as an attempt.
        seconds: time this may take; what is left then stays claimed, and the next start takes it back.

    Returns:
        Each claim, and where its file lies now.
    """
    returned: list[tuple[Claim, Path | None]] = []
    if missing_mount(folders):
        return returned
    deadline = time.monotonic() + (float("inf") if seconds is None else seconds)
    here = machine()
    for claim in sorted(claims.open_claims(folders), key=lambda claim: not claim.running):
        elsewhere = claim.owner.split(":")[0] not in ("", here)
        if claim.is_put_off:
            continue
        if (elsewhere or not claim.keep) and heartbeat.is_alive(folders, claim.owner, settings.claim_timeout):
            continue  # another machine's, or a `nambat ingest` that somebody runs
        if time.monotonic() > deadline:
            break
        # What is wrong with one claim must not keep the others: it stays where it is, and `nambat status` shows it.
        with contextlib.suppress(Exception), locked(claims_lock(folders)):
            # A run that a killed service had just begun may have taken its claim over by now, or be done with it.
            with contextlib.suppress(Gone):
                now = claims.load_claim(folders, claim.id)
                _end_run(folders, now.owner)
                claim = now
            if not claim.folder(folders).exists():
                continue
            if crashed and claim.running and claims.count_attempt(folders, claim, settings.dpi) >= settings.attempts:
                fault = crashed_too_often(settings.attempts)
                returned.append((claim, quarantine(folders, claim, fault, settings.dpi)))
            else:
                returned.append((claim, claims.recover(folders, claim)))
    return returned


async def _run(settings: Settings, folders: Folders, server: Server, say: Say, deadline: _StopDeadline) -> bool:
    """Serve until asked to stop (true), or until Prefect's runners give up on their server (false)."""
    from prefect.runner import Runner

    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()

    with _own_temporary_folder(folders):
        ingesting = Runner(name="nambat-ingest", limit=settings.documents, query_seconds=2, pause_on_shutdown=False)
        # In a runner of its own, so that a sweep never waits behind long documents.
        sweeping = Runner(name="nambat-sweep", limit=1, query_seconds=5, pause_on_shutdown=False)
    await _deploy(settings, ingesting, sweeping)
    left = hand_back_all(folders, settings, crashed=True)
    drop_stray_notes(folders)
    await _close_runs(folders, settings, left)

    tasks: list[asyncio.Task[None]] = [asyncio.create_task(runner.start()) for runner in (ingesting, sweeping)]
    while not all(runner.started for runner in (ingesting, sweeping)):
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
    watcher = threading.Thread(target=watch, args=(settings, folders, watcher_stop, say), daemon=True)
    renewing = asyncio.Event()
    # A thread of its own: the loop would wait for one of its threads at the end, however long that waits for an answer.
    threading.Thread(
        target=_wait_for_outage,
        args=(server.api, watcher_stop, lambda: loop.call_soon_threadsafe(renewing.set)),
        daemon=True,
    ).start()
    if settings.watch:
        watcher.start()
    say(f"Drop scans into   {folders.inbox}")
    say(f"Clean text is in  {folders.published}")
    say(f"Watch the runs at {server.ui}")
    waiting: list[asyncio.Task[Any]] = [
        asyncio.create_task(stopping.wait()),
        asyncio.create_task(renewing.wait()),
    ]
    try:
        await asyncio.wait([*tasks, *waiting], return_when=asyncio.FIRST_COMPLETED)
    finally:
        if stopping.is_set():
            deadline.asked = time.monotonic()
            say("Stopping ...")
        watcher_stop.set()
        for task in [*tasks, *waiting]:
            task.cancel()
        await asyncio.wait([*tasks, *waiting], timeout=deadline.left(4))
        if watcher.is_alive():
            await asyncio.to_thread(watcher.join, deadline.left(2))
        _end_runs(folders)
        left = hand_back_all(folders, settings, crashed=False, seconds=deadline.left(2))
        with contextlib.suppress(Exception):
            await asyncio.wait_for(_close_runs(folders, settings, left), timeout=deadline.left(2))
        if left:
            say(f"{len(left)} unfinished files lie in the inbox again.")
    for task in tasks:
        if task.done() and not task.cancelled() and not stopping.is_set() and (fault := task.exception()):
            if is_healthy(server.api):
                raise fault  # a runner ended by itself: say why
            say(f"Prefect's runner ended: {fault}")
    return stopping.is_set()


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
    while not over.wait(5):
        if not is_healthy(api, 10):
            away_since = away_since or time.monotonic()
        elif away_since is not None and time.monotonic() - away_since > LONG_OUTAGE:
            with contextlib.suppress(RuntimeError):  # the loop is closed already
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


async def _deploy(settings: Settings, ingesting: Runner, sweeping: Runner) -> None:
    """Register both deployments, and drop sweeps that were due while nobody was here."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import (
        DeploymentFilter,
        DeploymentFilterId,
        FlowRunFilter,
        FlowRunFilterState,
        FlowRunFilterStateType,
    )
    from prefect.client.schemas.objects import StateType
    from prefect.client.schemas.sorting import FlowRunSort
    from prefect.deployments.runner import EntrypointType
    from prefect.exceptions import ObjectNotFound
    from prefect.schedules import Cron, Interval

    from flows.ingest import ingest
    from flows.ingest import sweep as sweep_flow

    schedule = (
        Cron(settings.sweep_cron, timezone=settings.timezone)
        if settings.sweep_cron
        else Interval(timedelta(seconds=settings.sweep_interval), timezone=settings.timezone)
    )
    await ingesting.aadd_flow(
        ingest,
        name=INGEST,
        entrypoint_type=EntrypointType.MODULE_PATH,
    )
    deployment = await sweeping.aadd_flow(
        sweep_flow,
        name=SWEEP,
        schedule=schedule,
        entrypoint_type=EntrypointType.MODULE_PATH,
    )
    async with get_client() as client:
        for name in FORMER_DEPLOYMENTS:
            with contextlib.suppress(ObjectNotFound):
                await client.delete_deployment((await client.read_deployment_by_name(name)).id)
        late = await client.read_flow_runs(
            deployment_filter=DeploymentFilter(id=DeploymentFilterId(any_=[deployment])),
            flow_run_filter=FlowRunFilter(
                state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.SCHEDULED]))
            ),
            sort=FlowRunSort.EXPECTED_START_TIME_ASC,
            limit=PAGE,
        )
        for run in late:
            due = run.next_scheduled_start_time
            if due is not None and due.timestamp() < time.time():
                await client.delete_flow_run(run.id)


async def _close_runs(folders: Folders, settings: Settings, left: Sequence[tuple[Claim, Path | None]]) -> None:
    """Let the server know that the runs of these claims will not go on.

    Args:
        left: what :func:`hand_back_all` gives.
    """
    from uuid import UUID

    from prefect.client.orchestration import get_client
    from prefect.client.schemas.objects import State
    from prefect.exceptions import ObjectNotFound
    from prefect.states import Cancelled, Crashed, Failed

    async with get_client() as client:
        for claim, place in left:
            if claim.flow_run:
                state: State[Any] = (Crashed if claim.running else Cancelled)(message=STARTED_IN_VAIN)
                if place is None:
                    state = Crashed(message=STOPPED_AT_THE_END)
                elif place.is_relative_to(folders.quarantine):
                    fault = crashed_too_often(settings.attempts)
                    state = Failed(message=f"{fault.vietnamese} / {fault}")
                with contextlib.suppress(ObjectNotFound):
                    await client.set_flow_run_state(UUID(claim.flow_run), state, force=True)


def watch(settings: Settings, folders: Folders, stop: threading.Event, say: Say) -> None:
    """Sweep whenever something moves in the inbox, while files are arriving, and every ``rescan`` seconds anyway."""
    from watchfiles import watch as changes

    runs = runs_on_server()
    said: dict[str, float] = {}
    last = lasted = 0.0
    arriving = True

    def look() -> None:
        nonlocal last, lasted, arriving
        begun = time.monotonic()
        try:
            _look()
        finally:
            last = time.monotonic()
            lasted = last - begun

    def _look() -> None:
        nonlocal arriving
        try:
            swept = sweep(folders, settings, heartbeat.identity(), runs, stopping=stop.is_set)
        except Exception as fault:
            _say_once(f"the inbox cannot be swept now, trying again: {fault}", said, say)
            return
        if swept is not None:
            arriving = swept.waiting > 0
            for line in _news(swept):
                _say_once(line, said, say)

    def is_due() -> bool:
        # Thousands of files take a while to look at: the machine has more to do than that.
        pause = time.monotonic() - last - min(2 * lasted, settings.rescan)
        if arriving:
            return pause >= min(1.0, settings.rescan)
        return pause >= settings.rescan

    while not stop.is_set():
        try:
            for changed in changes(
                folders.inbox,
                stop_event=stop,
                rust_timeout=500,
                yield_on_timeout=True,
                debounce=400,
                raise_interrupt=False,
                ignore_permission_denied=True,
            ):
                arriving = arriving or bool(changed)
                if is_due():
                    look()
        except Exception as fault:
            # No events here (too many watches, a share that went away): look all the same.
            _say_once(f"file events are not to be had ({fault}); looking every {settings.rescan:.0f} s", said, say)
            if is_due():
                look()
            stop.wait(1.0)


def _news(swept: Swept) -> list[str]:
    """What a person should hear of a sweep."""
    return [*swept.refused, *swept.troubles]


SAID_AGAIN = 3600.0
"""Seconds after which the same line is said again."""


def _say_once(line: str, said: dict[str, float], say: Say) -> None:
    now = time.monotonic()
    if now - said.get(line, float("-inf")) >= SAID_AGAIN:
        for old in [one for one, at in said.items() if now - at >= SAID_AGAIN]:
            del said[old]
        said[line] = now
        say(line)


def ingest_now(
    files: Sequence[tuple[Path, str]], settings: Settings, tell: Callable[[str, Outcome | None, str], None]
) -> None:
    """Run the flow over copies of ``files``, one after the other, with a Prefect server started for it.

    Args:
        files: each scan and its name, as it would be below the inbox. They stay where they are.
        tell: called after each with its name, its outcome (``None`` if it failed) and the run's last message.

    Raises:
        ServerTrouble: the Prefect server cannot be started or does not answer.
        OSError: a file cannot be copied.
    """
    folders = settings.folders
    folders.make()
    os.environ["NAMBAT_HOME"] = str(folders.home)
    os.environ["NAMBAT_PUBLISHED"] = str(folders.published)
    service = read_service(folders)
    if heartbeat.pid_of(folders, service.get("owner", "")) is not None:
        os.environ.setdefault("PREFECT_API_URL", service["api"])
    with private_server(folders):
        from prefect.logging.handlers import APILogHandler

        from flows.ingest import ingest, outcome_of

        for path, name in files:
            claim = claims.take_copy(folders, path, name, heartbeat.identity(), dpi=settings.dpi)
            try:
                state: Any = ingest(name=readable(name), claim=claim.id, return_state=True)
            except BaseException:
                claims.recover(folders, claim)
                raise
            run = str(state.state_details.flow_run_id)
            tell(name, outcome_of(run), state.message or state.name)
        APILogHandler().flush()  # or the last lines would be sent to a server that is gone
