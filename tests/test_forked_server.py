"""The Prefect server that is a fork of the service: what it lets go of, and when it ends.

Each test is a Python of its own that stands for the service; in place of the server it runs something that tells.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

from flows.host.processes import is_running
from tests.kernel import needs_proc
from tests.service import ROOT, clean_environment, free_port
from tests.waiting import wait_until

pytestmark = needs_proc

SERVICE = """
import json, logging, os, signal, sys, time
from pathlib import Path
from flows.host import log
from flows.service import forked_server, server_process, warm_process
from flows.service.prefect_server import ServerTrouble, prefect_environment
from flows.settings import load
warm_process.IMPORTED = ("prefect.context",)

settings = load(home=sys.argv[1])
folders, port = settings.folders, int(sys.argv[2])
folders.make()
os.environ.update(prefect_environment(folders, {}), PREFECT_API_URL=f"http://127.0.0.1:{port}/api")
log.begin(settings, console=True)
signal.signal(signal.SIGTERM, lambda *_: print("the service's own handler", flush=True))
lock = open(folders.home / "lock", "w")
print("what waits to be said", end="")

def begin(run):
    server_process.run = run
    return forked_server.fork_server(folders, "127.0.0.1", port)
"""


def service(script: str, home: Path, port: int) -> subprocess.Popen[str]:
    """A service that does this."""
    return subprocess.Popen(
        [sys.executable, "-P", "-c", SERVICE + textwrap.dedent(script), str(home), str(port)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env=clean_environment(PYTHONPATH=str(ROOT)),
    )


def test_it_is_another_process_in_all_but_its_memory(tmp_path: Path) -> None:
    script = """
    def run(host, port, ends_with):
        import prefect.settings
        told = {
            "address of another": os.environ.get("PREFECT_API_URL"),
            "address in Prefect's settings": prefect.settings.PREFECT_API_URL.value(),
            "whose pages may ask": prefect.settings.PREFECT_SERVER_CORS_ALLOWED_ORIGINS.value(),
            "open files": sorted(map(int, os.listdir("/proc/self/fd")))[:-1],
            "session": os.getsid(0) == os.getpid() != ends_with == os.getppid(),
            "handler": signal.getsignal(signal.SIGTERM) == signal.SIG_DFL,
            "new files": oct(os.umask(0)),
        }
        print(json.dumps(told))
        logging.getLogger("nambat").error("not for the log of the service")
        sys.exit(3)

    forked = begin(run)
    print(forked.wait(), forked.poll(), forked.returncode)
    """
    port = free_port()
    process = service(script, tmp_path, port)
    out, err = process.communicate(timeout=120)
    assert out == "what waits to be said3 3 3\n", err
    said = (tmp_path / "logs" / "server.log").read_text()
    told = json.loads(said)
    origins = told.pop("whose pages may ask")
    assert f"http://127.0.0.1:{port}" in origins
    assert told == {
        "address of another": None,
        "address in Prefect's settings": None,
        "open files": [0, 1, 2],
        "session": True,
        "handler": True,
        "new files": "0o77",
    }
    assert "not for" not in err
    assert not (tmp_path / "logs" / "nambat.log").exists()


def test_it_ends_with_the_service(tmp_path: Path) -> None:
    script = """
    def run(host, port, ends_with):
        time.sleep(300)

    print("\\n", begin(run).pid, flush=True)
    time.sleep(300)
    """
    process = service(script, tmp_path, free_port())
    assert process.stdout is not None
    process.stdout.readline()
    server = int(process.stdout.readline())
    assert is_running(server)
    process.send_signal(signal.SIGKILL)
    process.wait()
    wait_until(lambda: not is_running(server), 10)


def test_a_port_that_is_taken_is_told_before(tmp_path: Path) -> None:
    script = """
    import socket
    from types import SimpleNamespace
    hours = iter(range(0, 360000, 3600))
    clock = SimpleNamespace(sleep=lambda seconds: None, monotonic=lambda: next(hours))
    forked_server.wait_for_port.__globals__["time"] = clock
    with socket.create_server(("127.0.0.1", port)):
        try:
            begin(None)
        except ServerTrouble as trouble:
            print(f"\\n{trouble}")
    """
    port = free_port()
    out, err = service(script, tmp_path, port).communicate(timeout=120)
    assert f"port {port} on 127.0.0.1 is in use" in out, err


def test_a_fault_in_it_is_in_its_log(tmp_path: Path) -> None:
    script = """
    def run(host, port, ends_with):
        raise LookupError("nothing there")

    print(begin(run).wait())
    """
    out, err = service(script, tmp_path, free_port()).communicate(timeout=120)
    assert out.endswith("1\n"), err
    assert "LookupError: nothing there" in (tmp_path / "logs" / "server.log").read_text()
