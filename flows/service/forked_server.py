"""A Prefect server that is a fork of the service: what both have imported lies in memory once.

That is some 35 MB, and a second less until it answers. One that has to be started again, when the service has threads
and must not be forked, is a new Python (:func:`flows.service.prefect_server.begin_server`).
"""

from __future__ import annotations

import gc
import logging
import os
import signal
import sys
import threading
import traceback
from collections.abc import Mapping

from flows.host.log import LOG
from flows.service.prefect_server import opened_log, server_environment, wait_for_port
from flows.service.warm_process import SIGNALS, end_with, import_all
from flows.settings import Folders


class ForkedServer:
    """A server, with what is used of a ``Popen``. Safe to use from several threads.

    Attributes:
        pid: its process id.
        returncode: its exit status, or minus the signal that killed it; ``None`` while it runs.
    """

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._lock = threading.Lock()

    def poll(self) -> int | None:
        """Its exit status, or ``None`` if it runs."""
        return self._look(os.WNOHANG)

    def wait(self) -> int | None:
        """Its exit status, once it has ended."""
        return self._look(0)

    def _look(self, how: int) -> int | None:
        with self._lock:
            if self.returncode is None:
                pid, status = os.waitpid(self.pid, how)
                if pid:
                    self.returncode = os.waitstatus_to_exitcode(status)
            return self.returncode


def fork_server(folders: Folders, host: str, port: int) -> ForkedServer:
    """Begin a Prefect server; it is not ready yet.

    To be called while this process has a single thread, once all settings of Prefect are in its environment, and
    before it logs what Prefect says.

    Raises:
        ServerTrouble: the port is taken.
        OSError: there is no memory for it, or its log cannot be written.
    """
    wait_for_port(host, port)
    import_all()
    environment = server_environment(folders, host, port)
    service = os.getpid()
    with opened_log(folders) as output:
        gc.collect()
        gc.freeze()  # or a collection would write to memory that both share
        for stream in (sys.stdout, sys.stderr):
            stream.flush()  # or both would say what waits there
        pid = os.fork()
        if pid:
            return ForkedServer(pid)
        status: object = 1
        try:
            end_with(service)
            _become_another(environment, output.fileno())
            from flows.service.server_process import run

            run(host, port, ends_with=service)
            status = 0
        except SystemExit as ended:
            status = ended.code
        except BaseException:
            traceback.print_exc()
        finally:
            for stream in (sys.stdout, sys.stderr):
                stream.flush()
            os._exit(status if isinstance(status, int) else 1)


def _become_another(environment: Mapping[str, str], output: int) -> None:
    """Let go of what this process has of the one that it was forked from.

    Args:
        environment: environment variables.
        output: where its output goes.
    """
    os.setsid()
    os.umask(0o077)  # file names stand in its database
    for one in SIGNALS:
        if signal.getsignal(one) != signal.SIG_IGN:
            signal.signal(one, signal.SIG_DFL)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))  # its locks must not outlive it
    os.environ.clear()
    os.environ.update(environment)
    LOG.handlers = [logging.NullHandler()]
    from prefect.context import refresh_global_settings_context

    refresh_global_settings_context()
