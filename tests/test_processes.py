"""Which processes live, as the kernel tells it, and where it tells nothing."""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.host import heartbeat, processes
from flows.host.processes import descendants, is_running, kill_tree, machine, start_time
from flows.pipeline.workers import SCRATCH, WorkerPool, clear_scratch
from flows.settings import Folders
from tests.kernel import needs_proc
from tests.service import ROOT, clean_environment


def forget() -> None:
    for cached in (processes.machine, processes.process_namespace, heartbeat._own_identity):
        cached.cache_clear()


@pytest.fixture
def untold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As where /proc is not mounted."""
    (tmp_path / "proc").mkdir()
    monkeypatch.setattr(processes, "PROC", tmp_path / "proc")
    forget()
    yield
    monkeypatch.undo()
    forget()


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    child = subprocess.Popen(["sleep", "60"], start_new_session=True)
    yield child
    child.kill()
    child.wait()


@needs_proc
def test_the_kernel_tells_when_a_process_began(sleeper: subprocess.Popen[bytes]) -> None:
    began = start_time(sleeper.pid)
    assert began is not None
    assert began >= (start_time(os.getpid()) or 0)
    assert descendants(os.getpid()).count(sleeper.pid) == 1


@pytest.mark.parametrize("told", [True, False])
def test_a_child_that_ended_does_not_run(
    sleeper: subprocess.Popen[bytes], request: pytest.FixtureRequest, told: bool
) -> None:
    """Though its number is not free before somebody has waited for it."""
    if not told:
        request.getfixturevalue("untold")
    assert is_running(sleeper.pid)
    kill_tree(sleeper.pid)
    assert sleeper.returncode is None
    assert not is_running(sleeper.pid)
    sleeper.wait()
    assert not is_running(sleeper.pid)
    with pytest.raises(ProcessLookupError):
        start_time(sleeper.pid)


@pytest.mark.parametrize("pid", [0, -1, 2**31, 2**70])
def test_numbers_that_are_no_process(untold: None, pid: int) -> None:
    assert not is_running(pid)


@pytest.mark.skipif(os.getuid() != 0, reason="takes root to work as somebody else")
def test_the_process_of_another_user_runs(untold: None) -> None:
    child = os.fork()
    if child == 0:
        os.setuid(65534)
        os._exit(0 if is_running(os.getppid()) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_family_ends_though_the_kernel_does_not_tell_who_belongs_to_it(untold: None, tmp_path: Path) -> None:
    parent = subprocess.Popen(["sh", "-c", "sleep 60 & echo $!; wait"], stdout=subprocess.PIPE, start_new_session=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    kill_tree(parent.pid)
    parent.wait()
    deadline = time.monotonic() + 5
    while Path(f"/proc/{child}/stat").exists() and time.monotonic() < deadline:
        if Path(f"/proc/{child}/stat").read_text().split()[2] == "Z":
            break
        time.sleep(0.01)
    else:
        assert not Path(f"/proc/{child}").exists()


def test_names_of_processes_where_nothing_is_told(folders: Folders, untold: None) -> None:
    own = heartbeat.identity()
    assert re.fullmatch(r"[\w.-]+-0:\d+:x[0-9a-f]{12}", own)
    assert heartbeat.identity() == own
    assert heartbeat.pid_of(folders, own) == os.getpid()
    assert heartbeat.is_alive(folders, own, patience=60)
    # The number was given to a later process: this one.
    assert heartbeat.pid_of(folders, f"{machine()}:{os.getpid()}:x{'0' * 12}") is None


def test_who_shows_signs_of_life_lives(folders: Folders, untold: None, sleeper: subprocess.Popen[bytes]) -> None:
    other = f"{machine()}:{sleeper.pid}:xabc"
    assert not heartbeat.is_alive(folders, other, patience=60)
    heartbeat.beat(folders, other)
    assert heartbeat.pid_of(folders, other) == sleeper.pid
    sign = folders.working / ".alive" / other
    os.utime(sign, (time.time() - 30, time.time() - 30))
    assert heartbeat.pid_of(folders, other) is None
    assert heartbeat.is_alive(folders, other, patience=60), "it may be busy"
    sleeper.kill()
    sleeper.wait()
    heartbeat.beat(folders, other)
    assert not heartbeat.is_alive(folders, other, patience=60), "what does not run shows no signs of its own"


def test_another_process_has_no_name_where_nothing_is_told(untold: None, sleeper: subprocess.Popen[bytes]) -> None:
    with pytest.raises(OSError, match="does not tell"):
        heartbeat.identity(sleeper.pid)


def test_13_12e_workers_work_and_leave_nothing_where_nothing_is_told(
    untold: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with WorkerPool(1) as pool:
        assert pool.call(os.path.basename, "a/b") == "b"
        clear_scratch()
        (folder,) = tmp_path.glob(f"{SCRATCH}*")
        os.utime(folder, (0, 0))  # a service that had nothing to do since Friday
        clear_scratch()
        assert folder.exists(), "it may be at work"
    assert list(tmp_path.glob(f"{SCRATCH}*")) == []


WITHOUT_PROC = """
import os, pathlib, subprocess, sys
from flows.intake import transfers
from flows.intake.claims import ClaimStore
from flows.host import heartbeat
from flows.host import mounts
from flows.intake.inbox import look_at
from flows.host.processes import is_running, kill_tree
from flows.settings import load
assert not pathlib.Path("/proc/self").exists()
store = ClaimStore(load(home=pathlib.Path(sys.argv[1])))
folders = store.folders
folders.make()
mounts.note_mounts(folders)
assert mounts.missing_mount(folders) is None
(folders.inbox / "a.pdf").write_bytes(b"%PDF-1.4 %%EOF")
with heartbeat.beating(folders):
    claim = transfers.take(store, "a.pdf", look_at(folders.inbox / "a.pdf"), heartbeat.identity())
    assert heartbeat.is_alive(folders, claim.owner, 60)
child = subprocess.Popen(["sleep", "60"], start_new_session=True)
kill_tree(child.pid)
assert not is_running(child.pid)
print("held")
"""


@pytest.mark.equipped
def test_a_claim_is_made_where_proc_is_not_mounted(tmp_path: Path) -> None:
    """For real, in a mount namespace without it."""
    apart = ["unshare", "--mount", "--propagation", "private", "sh", "-c", 'umount -l /proc && exec "$@"', "sh"]
    if shutil.which("unshare") is None or subprocess.run([*apart, "true"], capture_output=True).returncode:
        pytest.skip("no mount namespace can be made here")
    root = Path(__file__).parent.parent
    done = subprocess.run(
        [*apart, sys.executable, "-c", WITHOUT_PROC, str(tmp_path / "home")], capture_output=True, text=True, cwd=root
    )
    assert (done.returncode, done.stdout) == (0, "held\n"), done.stderr


def test_what_tests_start_hears_signals_that_a_shell_had_the_tests_ignore() -> None:
    script = """if True:
        import signal, subprocess, sys
        signal.signal(signal.SIGHUP, signal.SIG_IGN), signal.signal(signal.SIGINT, signal.SIG_IGN)
        import tests.conftest
        signal.raise_signal(signal.SIGHUP), signal.raise_signal(signal.SIGINT)
        heard = "import signal; print([signal.getsignal(one) == signal.SIG_IGN for one in (1, 2)])"
        subprocess.run([sys.executable, "-c", heard], check=True)
    """
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout == "[False, False]\n", done.stderr


ARENAS = """
import ctypes, threading
from flows.host.processes import use_one_arena

{first}
libc = ctypes.CDLL(None)
libc.malloc.argtypes, libc.malloc.restype = [ctypes.c_size_t], ctypes.c_void_p
together = threading.Barrier(4)

def take():
    together.wait()
    libc.malloc(1000)
    together.wait()

threads = [threading.Thread(target=take) for _ in range(4)]
[one.start() for one in threads], [one.join() for one in threads]
libc.malloc_stats()
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_stats"), reason="this C library is not glibc")
def test_threads_of_a_service_share_what_memory_is_taken_from() -> None:
    told = {
        first: subprocess.run(
            [sys.executable, "-c", ARENAS.format(first=first)],
            capture_output=True,
            text=True,
            check=True,
            env=clean_environment(PYTHONPATH=str(ROOT)),
        ).stderr.count("Arena ")
        for first in ("", "use_one_arena()")
    }
    assert told[""] > 1
    assert told["use_one_arena()"] == 1
