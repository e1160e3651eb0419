"""The logs: a line for whatever happened to a document or the service, in files that are put aside when they are full.

Several processes write to one file, the service and the runs, so each line is one write to the end of whatever lies
under the file's name at that moment (the handlers of Python's library hold the file open, and lose lines to each other
when one of them puts it aside). A log never stops a document: a line that cannot be written is left out.

What is logged are names of files, counts and reasons, never text of documents.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import select
import socket
import sys
import time
from collections.abc import Iterator
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from flows.host.locks import locked
from flows.settings import Folders, Settings

LOG = logging.getLogger("nambat")
LOG.propagate = False
LOG.addHandler(logging.NullHandler())  # until a process of the service begins its log

SAID = "service"
"""The event of a line that the service says to a person at its terminal, too."""

WORKER = "NAMBAT_WORKER"
"""Environment variable of a ``nambat worker`` and of its runs: what it is called."""

_WRITTEN_S = 0.02
"""Seconds after which a line that another process was writing stands whole in the file."""

MOST_AT_ONCE = 4096
"""Bytes that a pipe or a terminal takes without making its writer wait, if it takes any (PIPE_BUF of Linux)."""


def note(event: str, sentence: str, *, level: int = logging.INFO, **facts: str | float | None) -> None:
    """Log one line.

    Args:
        event: what happened, in a word that programs can look for.
        sentence: the same for people.
        facts: what a program may want to count; they stand beside the sentence where lines are JSON.
    """
    LOG.log(level, "%s", sentence, extra={"event": event, "facts": facts})


def service_log(folders: Folders) -> Path:
    """Where a service and its runs log, and those of workers: a file for each machine.

    On many shares two machines that add to one file overwrite each other's lines.
    """
    host = "".join(letter if letter.isalnum() or letter in "-._" else "-" for letter in socket.gethostname())
    return folders.logs / (f"nambat-{host}.log" if os.environ.get(WORKER) else "nambat.log")


def server_log(folders: Folders) -> Path:
    """Where the Prefect server of a service logs."""
    return folders.logs / "server.log"


def begin(settings: Settings, *, console: bool, tells_person: bool = False) -> None:
    """Let this process log to the service's file from here on.

    Args:
        console: whether its lines go to standard error, too: there they are what ``docker logs`` or the journal keeps.
        tells_person: whether what the service says reaches a person without this.
    """
    handlers: list[logging.Handler] = [log_file(service_log(settings.folders), settings)]
    if console:
        shown = ConsoleLines()
        shown.setFormatter(line_format(settings))
        shown.addFilter(lambda record: not tells_person or getattr(record, "event", "") != SAID)
        handlers.append(shown)
    LOG.setLevel(logging.INFO)
    LOG.handlers = handlers


def is_begun() -> bool:
    """Whether this process logs to a file already."""
    return any(isinstance(handler, LogFile) for handler in LOG.handlers)


def log_file(path: Path, settings: Settings, *, takes_output: bool = False) -> LogFile:
    """A log file with the size, number and form of lines that the settings ask for."""
    file = LogFile(path, settings.log_bytes, settings.log_files, takes_output=takes_output)
    file.setFormatter(line_format(settings))
    return file


def line_format(settings: Settings) -> logging.Formatter:
    """How lines look: for people or as JSON, with times in the set time zone."""
    zone = ZoneInfo(settings.timezone)
    return JsonLines(zone) if settings.log_format == "json" else PlainLines(zone)


_replaced: list[logging.Handler] = []
"""Handlers that are put away, and not dropped: Prefect sets up logging anew if one of its own is gone."""


def replace_terminal(*handlers: logging.Handler) -> None:
    """Let all that libraries would say on a terminal, by now, go to these instead."""
    named = (logging.getLogger(name) for name in logging.root.manager.loggerDict if name != LOG.name)
    for logger in (logging.root, *named):
        on_terminal = [one for one in logger.handlers if isinstance(one, logging.StreamHandler)]
        for handler in on_terminal:
            logger.removeHandler(handler)
            _replaced.append(handler)
        if on_terminal:
            logger.handlers += handlers


def adopt_errors(settings: Settings) -> None:
    """Let errors that Prefect would show on the terminal look like our lines, and go to the service's log, too.

    What a run says of its document stands there already, but for an exception that nobody expected.
    """
    handlers: list[logging.Handler] = [log_file(service_log(settings.folders), settings), ConsoleLines()]
    for handler in handlers:
        handler.setFormatter(line_format(settings))
        handler.setLevel(logging.ERROR)
        handler.addFilter(lambda record: record.name != "prefect.flow_runs" or bool(record.exc_info))
    replace_terminal(*handlers)


class PlainLines(logging.Formatter):
    """``2026-11-26 16:15:02 +0700 INFO published a/b.pdf: 2 pages``. What goes on in further lines is indented."""

    def __init__(self, zone: tzinfo) -> None:
        super().__init__()
        self.zone = zone

    def format(self, record: logging.LogRecord) -> str:
        text = "\n    ".join(super().format(record).splitlines())
        when = datetime.fromtimestamp(record.created, self.zone)
        return f"{when:%Y-%m-%d %H:%M:%S %z} {record.levelname} {text}"


class JsonLines(logging.Formatter):
    """One JSON object a line: time, level, logger, event, message and the facts of the event."""

    def __init__(self, zone: tzinfo) -> None:
        super().__init__()
        self.zone = zone

    def format(self, record: logging.LogRecord) -> str:
        when = datetime.fromtimestamp(record.created, self.zone)
        line: dict[str, Any] = {
            "time": when.isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": getattr(record, "event", "log"),
            "message": record.getMessage(),
            "pid": record.process,
            **getattr(record, "facts", {}),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


class LogFile(logging.Handler):
    """A log file that several processes add to.

    Attributes:
        path: the file; older ones beside it are called ``.1`` (the last one) to ``.9`` and so on.
        most_bytes: size at which it is put aside.
        kept: how many older ones stay.
        takes_output: whether what this process writes to its standard output and error goes there as well.
    """

    def __init__(self, path: Path, most_bytes: int, kept: int, *, takes_output: bool = False) -> None:
        super().__init__()
        self.path = path
        self.most_bytes = most_bytes
        self.kept = kept
        self.takes_output = takes_output

    def emit(self, record: logging.LogRecord) -> None:
        with contextlib.suppress(Exception):
            self._add((self.format(record) + "\n").encode("utf-8", "backslashreplace"))

    def _add(self, line: bytes) -> None:
        with self._opened() as file:
            size = os.fstat(file).st_size
            is_full = size > 0 and size + len(line) > self.most_bytes
            if _ends_within_a_line(file):
                line = b"\n" + line  # the disk was full in the middle of the last one
            if not is_full:
                os.write(file, line)
        if is_full:
            # Where that cannot be (a folder without the right to write), the file goes on growing.
            with contextlib.suppress(OSError):
                self._put_aside(len(line))
            with self._opened() as file:
                os.write(file, line)

    @contextlib.contextmanager
    def _opened(self) -> Iterator[int]:
        self.path.parent.mkdir(mode=0o700, exist_ok=True)
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        file = os.open(self.path, flags, 0o600)
        try:
            if self.takes_output and not os.path.sameopenfile(file, sys.__stderr__.fileno()):  # type: ignore[union-attr]
                os.dup2(file, 1)
                os.dup2(file, 2)
            yield file
        finally:
            os.close(file)

    def _put_aside(self, more: int) -> None:
        """Make room for a new file. Of several processes that find this one full, one does; the others go on."""
        with locked(self.path.with_name(f".{self.path.name}.lock"), wait=False) as alone:
            if not alone or self.path.stat().st_size + more <= self.most_bytes:
                return
            for number in range(self.kept - 1, 0, -1):
                with contextlib.suppress(FileNotFoundError):
                    self._older(number).replace(self._older(number + 1))
            self.path.replace(self._older(1))

    def _older(self, number: int) -> Path:
        return self.path.with_name(f"{self.path.name}.{number}")


def _ends_within_a_line(file: int) -> bool:
    """Whether the last line was left half written; not whether another process is writing it at this very moment."""
    ends = set()
    for is_again in (False, True):
        if is_again:
            time.sleep(_WRITTEN_S)
        size = os.fstat(file).st_size
        if not size or os.pread(file, 1, size - 1) == b"\n":
            return False
        ends.add(size)
    return len(ends) == 1


class ConsoleLines(logging.Handler):
    """Lines on standard error, as far as it takes them at once.

    A terminal that is held (Ctrl-S) or a pipe that nobody empties must not make a document wait.
    """

    def emit(self, record: logging.LogRecord) -> None:
        with contextlib.suppress(Exception):
            line = (self.format(record) + "\n").encode("utf-8", "backslashreplace")
            if len(line) > MOST_AT_ONCE:
                line = line[: MOST_AT_ONCE - 5].decode("utf-8", "ignore").encode() + b" ...\n"
            error = sys.__stderr__.fileno()  # type: ignore[union-attr]
            if select.select([], [error], [], 0)[1]:
                os.write(error, line)
