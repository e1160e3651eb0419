"""The process that begins runs by forking: what becomes of its runs when they, it, or the service end.

Each test is a Python of its own that stands for the service; pytest has threads and must not be forked.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from flows.host.processes import descendants, is_running
from tests.kernel import needs_proc
from tests.service import ROOT, clean_environment
from tests.waiting import wait_until

pytestmark = needs_proc

SERVICE = """
import contextlib, os, signal, sys, threading, time
from flows.service import warm_process
from flows.host.processes import descendants, is_running, kill_tree
warm_process.IMPORTED = ()
# As in a terminal, wherever the tests are started: nohup and background jobs of a shell ignore two of them.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

def note(text):
    print(text, flush=True)

with warm_process.warm_process() as warm:
    warm.listen()

    def begin(function, *args):
        run = warm.get_context("spawn").Process(target=function, args=args)
        run.start()
        return run
"""


def service(script: str) -> subprocess.Popen[str]:
    """A service that has a warm process and does this."""
    return subprocess.Popen(
        [sys.executable, "-P", "-c", SERVICE + textwrap.indent(textwrap.dedent(script), "    ")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env=clean_environment(PYTHONPATH=str(ROOT)),
    )


def said(script: str) -> list[str]:
    process = service(script)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return out.splitlines()


def test_how_a_run_ended_is_told() -> None:
    assert said("""
        runs = [begin(print, "printed"), begin(sys.exit, 3), begin(os.abort), begin(int, "no number"), begin(sys.exit)]
        for run in runs:
            run.join()
        note([run.exitcode for run in runs])
        note(len({run.pid for run in runs}))
    """)[-2:] == [str([0, 3, -signal.SIGABRT, 1, 0]), "5"]


def test_a_run_can_be_killed_by_its_number_and_others_go_on() -> None:
    assert said("""
        first, second = begin(time.sleep, 60), begin(time.sleep, 1)
        kill_tree(first.pid)
        first.join()
        note((first.exitcode, second.exitcode))
        second.join()
        note(second.exitcode)
    """) == ["(-9, None)", "0"]


def test_threads_of_a_run_end_their_work_before_it_ends() -> None:
    """So do the logs of Prefect, which a thread sends."""
    assert said("""
        begin(exec, "import threading; threading.Timer(0.5, print, ['late']).start()").join()
    """) == ["late"]


def test_signals_for_all_the_service_do_not_end_it_but_end_runs_as_ever() -> None:
    assert said("""
        for one in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            os.kill(warm.pid, one)
            run = begin(time.sleep, 60)
            os.kill(run.pid, one)
            run.join()
            note(run.exitcode)
    """) == ["-15", "1", "-1"]


def test_what_the_warm_process_held_is_not_held_by_it(tmp_path: Path) -> None:
    """A lock of a service that was killed is free at once."""
    lock = tmp_path / "lock"
    held = f"lock = os.open({str(lock)!r}, os.O_CREAT); __import__('fcntl').flock(lock, 2)\n\nwith warm_process"
    script = SERVICE.replace("with warm_process", held, 1)
    script += "    note('holds it')\n    time.sleep(60)\n"
    with subprocess.Popen(
        [sys.executable, "-P", "-c", script],
        stdout=subprocess.PIPE,
        text=True,
        env=clean_environment(PYTHONPATH=str(ROOT)),
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "holds it\n"
        (warm,) = descendants(process.pid)
        # It may have just come to be.
        wait_until(lambda: str(lock) not in {str(one.readlink()) for one in Path(f"/proc/{warm}/fd").iterdir()}, 20)
        # Input, output, error, the channel, and what waits for it.
        assert len(list(Path(f"/proc/{warm}/fd").iterdir())) <= 5
        process.kill()


def test_when_it_is_killed_its_runs_are_and_later_ones_begin_otherwise() -> None:
    assert said("""
        run = begin(time.sleep, 60)
        os.kill(warm.pid, signal.SIGKILL)
        run.join()
        note(run.exitcode)
        note(is_running(run.pid))
        note(type(warm.get_context("spawn")).__name__)
    """) == ["-9", "False", "SpawnContext"]


def test_a_run_that_is_asked_for_in_that_very_moment_is_refused() -> None:
    assert said("""
        run = warm.get_context("spawn").Process(target=time.sleep, args=(60,))
        os.kill(warm.pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):  # who listens has waited for it already
            os.waitpid(warm.pid, 0)
        try:
            run.start()
        except OSError as fault:
            note("refused")
    """) == ["refused"]


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_all_end_with_the_service(how: int) -> None:
    process = service("""
        run = begin(time.sleep, 600)
        note("begun")
        time.sleep(600)
    """)
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    family = descendants(process.pid)
    assert len(family) == 2
    process.send_signal(how)
    process.wait()
    wait_until(lambda: not any(map(is_running, family)), 10)
    process.communicate()
