"""The warm process: it has imported all that a run needs, and begins each run by forking itself.

A new Python takes seconds until it has imported Prefect, nearly as long as it takes to read a page. The warm process is
itself a fork of the service, made before that has threads, and shares its memory. It has a single thread, does nothing
by itself, and ends with the service, however that ends; so do the runs, which end with it.

Prefect's runner begins its processes here (:meth:`WarmProcess.get_context` is what it asks :mod:`multiprocessing`
for); all else about a run is as Prefect does it. If the warm process is killed, its runs count as crashed, and later
ones are begun as Prefect does it by itself, with a new Python each.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import itertools
import multiprocessing
import os
import pickle
import signal
import threading
from collections.abc import Callable, Iterator
from functools import partial
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from flows.host.processes import kill_tree
from flows.service.deleted_runs import do_not_wait_for_deleted_runs

IMPORTED = ("flows.ingest", "prefect.runner", "prefect.engine", "prefect.artifacts", "prefect.logging.handlers")
"""What a run needs, so far as nothing of it starts a thread."""

ANSWERS_WITHIN = 30.0
"""Seconds after which a warm process that has not begun a run counts as hung."""


class Run:
    """A run's process, with what Prefect's runner uses of a ``Process`` of :mod:`multiprocessing`.

    Attributes:
        pid: its process id, once it has begun.
        exitcode: its exit status, or minus the signal that killed it, once it has ended.
        noticed: whether it has begun, or ended without that.
    """

    def __init__(self, warm: WarmProcess, target: Callable[..., object], args: tuple[Any, ...]) -> None:
        self._warm, self._work = warm, (target, args)
        self._ended = threading.Event()
        self.noticed = threading.Event()
        self.pid: int | None = None
        self.exitcode: int | None = None

    def start(self) -> None:
        """Begin it.

        Raises:
            OSError: it cannot be begun.
        """
        self._warm.begin(self, pickle.dumps(self._work))

    def join(self) -> None:
        """Wait until it has ended."""
        self._ended.wait()

    def has_begun(self, pid: int) -> None:
        self.pid = pid
        self.noticed.set()

    def has_ended(self, status: int) -> None:
        self.exitcode = status
        self._ended.set()
        self.noticed.set()


class WarmProcess:
    """The service's end of the warm process. Safe to use from several threads."""

    def __init__(self, pid: int, channel: Connection) -> None:
        self.pid, self._channel = pid, channel
        self._numbers = itertools.count(1)
        self._runs: dict[int, Run] = {}
        self._lock = threading.Lock()
        self._lives = True

    def begin_runs_of_prefect(self) -> None:
        """Let Prefect's runners of this process begin their runs here, from now on."""
        from prefect import flow_engine

        self.listen()
        flow_engine.multiprocessing = self  # type: ignore[assignment]

    def listen(self) -> None:
        """Begin to take note of what begins and ends; from now on there is a second thread."""
        threading.Thread(target=self._listen, name="warm process", daemon=True).start()

    def get_context(self, method: str) -> Any:
        """What makes processes: this, as long as it lives."""
        return self if self._lives else multiprocessing.get_context(method)

    def Process(self, target: Callable[..., object], args: tuple[Any, ...]) -> Run:
        """A process that calls ``target(*args)`` once it is started; called so by Prefect, as in multiprocessing."""
        return Run(self, target, args)

    def begin(self, run: Run, work: bytes) -> None:
        """Begin a run.

        Raises:
            OSError: the warm process cannot begin it.
        """
        with self._lock:
            if self._lives:
                number = next(self._numbers)
                self._runs[number] = run
                self._channel.send((number, work))
        if self._lives and not run.noticed.wait(ANSWERS_WITHIN):
            kill_tree(self.pid)
        if run.pid is None:
            raise OSError("the process that begins runs has ended, or could not begin one")

    def end(self) -> None:
        """End it, and what runs still go on."""
        with self._lock:
            if self._lives:  # or the number may be another process's by now
                kill_tree(self.pid)
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(self.pid, 0)
            self._lives = False

    def _listen(self) -> None:
        with contextlib.suppress(EOFError, OSError):
            while True:
                number, pid, status = self._channel.recv()
                if status is None:
                    self._runs[number].has_begun(pid)
                else:
                    self._runs.pop(number).has_ended(status)
        self.end()
        for run in self._runs.values():
            if run.pid is not None:
                kill_tree(run.pid)  # it has ended already, where the kernel ends what loses its parent
            run.has_ended(-signal.SIGKILL)


def import_all() -> None:
    """Import what a run needs."""
    for module in IMPORTED:
        importlib.import_module(module)


@contextlib.contextmanager
def warm_process(when_imported: Callable[[], object] = lambda: None) -> Iterator[WarmProcess]:
    """A warm process for as long as the block runs.

    To be called while this process has a single thread, and once all settings of Prefect are in its environment.

    Args:
        when_imported: done in this process before the other one comes to be.
    """
    import_all()
    do_not_wait_for_deleted_runs()
    when_imported()
    gc.collect()
    gc.freeze()  # or a collection would write to memory that both share
    ours, theirs = multiprocessing.Pipe()
    service = os.getpid()
    with _signals_held() as let_them_come:
        pid = os.fork()
        if pid == 0:
            try:
                end_with(service)
                _close_all_but(theirs)
                handlers = {one: signal.signal(one, signal.SIG_IGN) for one in SIGNALS}
                let_them_come()
                _serve_requests(theirs, handlers)
            finally:
                os._exit(0)
    theirs.close()
    warm = WarmProcess(pid, ours)
    try:
        yield warm
    finally:
        warm.end()


SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""What is sent to a whole group of processes or to all of a service: what the warm process does about it, the service
decides."""


@contextlib.contextmanager
def _signals_held() -> Iterator[Callable[[], object]]:
    """Let signals wait as long as the block runs; yields what lets them come earlier, for a process forked in it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    let_them_come = partial(signal.pthread_sigmask, signal.SIG_SETMASK, before)
    try:
        yield let_them_come
    finally:
        let_them_come()


def _serve_requests(channel: Connection, handlers: dict[signal.Signals, Any]) -> None:
    """Begin runs until the service closes its end, and tell when each has begun and ended.

    Args:
        handlers: what a run does about signals.
    """
    own = os.getpid()
    runs: dict[Any, tuple[int, BaseProcess]] = {}

    def run(work: bytes, let_them_come: Callable[[], object]) -> None:
        end_with(own)
        channel.close()
        for one, handler in handlers.items():
            signal.signal(one, handler)
        let_them_come()
        target, args = pickle.loads(work)
        target(*args)

    while True:
        for ready in wait([channel, *runs]):
            if ready is channel:
                try:
                    number, work = channel.recv()
                except EOFError:
                    return
                try:
                    with _signals_held() as let_them_come:
                        process = multiprocessing.get_context("fork").Process(target=run, args=(work, let_them_come))
                        process.start()
                except OSError:  # no memory, too many processes
                    channel.send((number, None, -signal.SIGKILL))
                    continue
                runs[process.sentinel] = number, process
                channel.send((number, process.pid, None))
            else:
                number, ended = runs.pop(ready)
                ended.join()
                channel.send((number, ended.pid, ended.exitcode))
                ended.close()


PR_SET_PDEATHSIG = 1


def end_with(parent: int) -> None:
    """Let the kernel kill this process as soon as its parent has ended."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def _close_all_but(channel: Connection) -> None:
    """Close what the service has open: its locks must not outlive it."""
    kept = channel.fileno()
    os.closerange(3, kept)
    os.closerange(kept + 1, os.sysconf("SC_OPEN_MAX"))
