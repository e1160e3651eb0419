"""Worker processes that run our functions, one call at a time each, and can be killed whole.

A page is read in a process of its own, because OpenCV and the parsing of Tesseract's output hold Python's
lock, because a crash or a hang inside a library must cost one page and not the document, and because memory
is given back when a worker is replaced. The standard pools do not fit: one dead worker breaks the whole pool,
a hung call cannot be killed, and with the ``spawn`` method each worker would first import its parent's main
module (1.5 s under Prefect).

A worker is ``python -P -m flows.pipeline.workers`` in its own session and, as the programs that it starts, in a folder
of its own: nothing that lies where nambat was started is taken for a module or a program. Calls and results go over two
private pipes; its standard output and error go to a temporary file whose end is the detail of a crash. When the parent
dies, the pipe closes and the worker ends itself with its children.

Temporary files of a worker and its children lie in a folder of its own, which goes when the worker is killed:
a page that timed out would else leave its image behind.
"""

from __future__ import annotations

import contextlib
import fcntl
import importlib
import os
import pickle
import queue
import resource
import select
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from flows import faults
from flows.faults import WorkerDied
from flows.host.processes import is_running, kill_tree, process_namespace, start_time
from flows.host.trusted_paths import trusted_environment
from ocr.faults import Fault, Killed

Result = TypeVar("Result")

CALLS_BEFORE_REPLACEMENT = 100
"""Memory that a library leaks is given back after so many calls."""

INHERITED = (
    *("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TESSDATA_PREFIX", "LD_LIBRARY_PATH"),
    *("VIRTUAL_ENV", "PYTHONDONTWRITEBYTECODE", "PYTHONHASHSEED", "COVERAGE_PROCESS_START"),
    "NAMBAT_WORDS",
)
"""Environment variables a worker gets, and through it Tesseract and poppler: no keys, no proxies."""


SCRATCH = "nambat-scratch-"
"""How the names of the workers' folders for temporary files begin; who made them follows."""


class Stopped(Exception):
    """The pool was stopped while a call waited or ran."""


class WorkerPool:
    """Up to ``count`` worker processes, started when first needed. Safe to use from several threads.

    ::

        with WorkerPool(2) as pool:
            page = pool.call(read_page, path, 1, seconds=180)

    Args:
        count: calls that run side by side.
        memory: address space of each worker and of each of its children, in bytes; 0 for no limit.
        scratch: size of each file that a worker or a child of it may write, in bytes; 0 for no limit.
        warm: modules that a new worker imports while it waits for its first call.
    """

    def __init__(self, count: int, *, memory: int = 0, scratch: int = 0, warm: tuple[str, ...] = ()) -> None:
        self._slots: queue.LifoQueue[_Worker | None] = queue.LifoQueue()
        for _ in range(count):
            self._slots.put(None)
        self._limits = (memory, scratch)
        self._warm = warm
        self._busy: set[_Worker] = set()
        self._lock = threading.Lock()
        self._stopped = False

    def __enter__(self) -> WorkerPool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self, count: int) -> None:
        """Start ``count`` workers now, so that they are warm when the first call comes."""
        taken = [self._slots.get() for _ in range(count)]
        for worker in taken:
            self._slots.put(worker or _Worker(self._limits, self._warm))

    def call(self, function: Callable[..., Result], *args: Any, seconds: float | None = None) -> Result:
        """``function(*args)`` in a worker; waits for a free one first.

        Args:
            function: a module's top-level function. Arguments and result must be picklable and small, and paths
                absolute: the worker does not stand where its parent does.
            seconds: wall time the call may take once it runs; then the worker and its children are killed.

        Raises:
            Timeout: it took longer.
            WorkerDied: the worker process crashed.
            Killed: it was killed from outside.
            Stopped: the pool was stopped.
            Exception: whatever ``function`` raised.
        """
        worker = self._slots.get()
        try:
            with self._lock:
                if self._stopped:
                    raise Stopped
                if worker is None or worker.process.poll() is not None:
                    worker = _Worker(self._limits, self._warm)
                self._busy.add(worker)
            try:
                return worker.call(function, args, seconds)
            except (WorkerDied, Killed):
                if self._stopped:
                    raise Stopped from None
                raise
            finally:
                with self._lock:
                    self._busy.discard(worker)
                if worker.calls >= CALLS_BEFORE_REPLACEMENT or worker.broken:
                    worker.kill()
                    worker = None
        finally:
            self._slots.put(worker)

    def stop(self) -> None:
        """Kill all workers with their children. Calls in flight end with :class:`Stopped`."""
        with self._lock:
            self._stopped = True
            busy = list(self._busy)
        for worker in busy:
            worker.end()  # its pipes are closed by the thread that reads from them
        with contextlib.suppress(queue.Empty):
            idle = []
            while True:
                idle.append(self._slots.get_nowait())
        for one in idle:
            if one is not None:
                one.kill()
            self._slots.put(None)


class _Worker:
    """One worker process and the pipes to it."""

    def __init__(self, limits: tuple[int, int], warm: tuple[str, ...]) -> None:
        self.calls = 0
        self.broken = False
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the worker
        self._scratch = tempfile.mkdtemp(
            prefix=f"{SCRATCH}{process_namespace()}-{os.getpid()}-{start_time(os.getpid()) or 0}-"
        )
        # Held as long as the worker lives: a process that cannot tell whether this one does asks for the lock.
        self._held = os.open(self._scratch, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        fcntl.flock(self._held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        to_child, self._out = os.pipe()
        self._in, from_child = os.pipe()
        # Inheritable only through pass_fds: another worker that held them would keep this one alive.
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "flows.pipeline.workers", *map(str, (to_child, from_child, *limits)), *warm],
            cwd=self._scratch,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            pass_fds=(to_child, from_child),
            start_new_session=True,
            env={
                **trusted_environment({name: os.environ[name] for name in INHERITED if name in os.environ}),
                "TMPDIR": self._scratch,
                # One thread a process: pages are what runs side by side.
                "OMP_THREAD_LIMIT": "1",
                "OMP_NUM_THREADS": "1",
                "OPENBLAS_NUM_THREADS": "1",
            },
        )
        os.close(to_child)
        os.close(from_child)

    def call(self, function: Callable[..., Result], args: tuple[Any, ...], seconds: float | None) -> Result:
        self.calls += 1
        self.broken = True  # until a whole answer is here
        try:
            _send(self._out, (function.__module__, function.__qualname__, args))
            if not select.select([self._in], [], [], seconds)[0]:
                self.kill()
                raise faults.READER_STOPPED.fault(seconds=seconds)
            ok, value = _receive(self._in)
        except (EOFError, OSError) as fault:
            self.kill()
            code = self.process.returncode
            if code == -signal.SIGKILL:
                raise faults.READER_KILLED.fault(f"a worker was killed\n{self._tail()}".strip()) from fault
            why = f"signal {signal.Signals(-code).name}" if code and code < 0 else f"exit status {code}"
            raise faults.READER_CRASHED.fault(f"worker ended with {why}\n{self._tail()}".strip()) from fault
        self.broken = False
        if ok:
            return value
        raise value

    def end(self) -> None:
        """End the worker and all its descendants."""
        if self.process.returncode is None:
            kill_tree(self.process.pid)
            self.process.wait()
        shutil.rmtree(self._scratch, ignore_errors=True)

    def kill(self) -> None:
        """The same, and close the pipes."""
        self.end()
        for handle in (self._out, self._in, self._held):
            with contextlib.suppress(OSError):
                os.close(handle)
        self._out = self._in = self._held = -1

    def _tail(self, size: int = 2000) -> str:
        end = self._log.seek(0, os.SEEK_END)
        self._log.seek(max(0, end - size))
        return self._log.read().decode("utf-8", "replace")


def clear_scratch() -> None:
    """Remove the temporary files of workers whose parent was killed."""
    for folder in Path(tempfile.gettempdir()).glob(f"{SCRATCH}*-*-*-*"):
        with contextlib.suppress(OSError, ValueError):
            namespace, pid, started, _ = folder.name.removeprefix(SCRATCH).split("-", 3)
            began = start_time(int(pid)) if is_running(int(pid)) else 0
            if int(namespace) != process_namespace() or began is None:
                # Another container's, which counts its processes by itself; or the kernel does not tell. The day is
                # for those that hold no lock: of version 0.1, or where locks do not reach from there to here.
                lives = time.time() - folder.stat().st_mtime < 86400 or _is_held(folder)
            else:
                lives = began == int(started) != 0
            if not lives and folder.stat().st_uid == os.getuid():
                shutil.rmtree(folder, ignore_errors=True)


def _is_held(folder: Path) -> bool:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


_HEADER = struct.Struct("!Q")


def _send(handle: int, value: object) -> None:
    data = pickle.dumps(value)
    view = memoryview(_HEADER.pack(len(data)) + data)
    while view:
        view = view[os.write(handle, view) :]


def _receive(handle: int) -> Any:
    def exactly(size: int) -> bytes:
        parts: list[bytes] = []
        while size:
            part = os.read(handle, min(size, 1 << 20))
            if not part:
                raise EOFError
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    return pickle.loads(exactly(_HEADER.unpack(exactly(_HEADER.size))[0]))


def serve_calls(inbound: int, outbound: int) -> None:
    """Answer calls until the parent closes the pipe."""
    while True:
        try:
            module, name, args = _receive(inbound)
        except EOFError:
            return
        answer: tuple[bool, object]
        try:
            answer = True, getattr(importlib.import_module(module), name)(*args)
        except Exception as fault:
            answer = False, _portable(fault)
        try:
            _send(outbound, answer)
        except BrokenPipeError:
            return


def end_with_parent(inbound: int) -> None:
    """Wait until the parent is gone (its end of the pipe closes), then kill this process's whole group.

    Nobody else would end a call that hangs: its time limit was the parent's business.
    """
    watched = select.poll()
    watched.register(inbound, 0)  # hang-ups are always told
    watched.poll()
    os.killpg(os.getpid(), signal.SIGKILL)


def _portable(fault: Exception) -> Exception:
    """``fault`` with its traceback as a note; a plain one that says the same if it cannot be pickled."""
    if not isinstance(fault, Fault):
        fault.add_note("".join(traceback.format_tb(fault.__traceback__)))
    try:
        pickle.loads(pickle.dumps(fault))
        return fault
    except Exception:
        return RuntimeError(f"{type(fault).__name__}: {fault}")


def _main(arguments: list[str]) -> None:
    inbound, outbound, memory, scratch = map(int, arguments[:4])
    # A terminal's Ctrl-C is the parent's business; it ends us by signal or by closing the pipe.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for handle in (inbound, outbound):
        os.set_inheritable(handle, False)
    if memory:
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    if scratch:
        resource.setrlimit(resource.RLIMIT_FSIZE, (scratch, scratch))
    threading.Thread(target=end_with_parent, args=(inbound,), daemon=True).start()
    for module in arguments[4:]:
        importlib.import_module(module)
    with contextlib.suppress(KeyboardInterrupt):
        serve_calls(inbound, outbound)


if __name__ == "__main__":
    _main(sys.argv[1:])
