"""The logs: whole lines from several processes, put aside when full, and never in a document's way."""

from __future__ import annotations

import io
import json
import logging
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.host import log
from flows.intake import quarantine, transfers
from flows.intake.claims import ClaimStore
from flows.settings import Folders, Settings, load
from ocr.faults import NotAScan
from tests.intake import drop
from tests.kernel import small_disk
from tests.service import clean_environment

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def nothing_logged_after() -> Iterator[None]:
    before = log.LOG.handlers
    yield
    log.LOG.handlers = before


def settings_of(home: Path, **more: object) -> Settings:
    return load(home=home, **more)


def lines(settings: Settings) -> list[str]:
    return log.service_log(settings.folders).read_text("utf-8").splitlines()


def test_a_line_bears_its_time_in_the_set_zone(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, timezone="Asia/Ho_Chi_Minh")
    log.begin(settings, console=False)
    log.note("taken", "taken: a.pdf", file="a.pdf")
    (line,) = lines(settings)
    told = re.fullmatch(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \+0700) INFO taken: a\.pdf", line)
    assert told
    when = datetime.strptime(told[1], "%Y-%m-%d %H:%M:%S %z")
    assert when.utcoffset() == timedelta(hours=7)
    assert abs(when.timestamp() - time.time()) < 30


def test_json_lines_hold_the_facts(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, log_format="json")
    log.begin(settings, console=False)
    log.note("published", "published: Đơn.pdf", file="Đơn.pdf", pages=2, seconds=1.5)
    (line,) = map(json.loads, lines(settings))
    assert {name: line[name] for name in ("event", "file", "pages", "seconds", "level", "message")} == {
        "event": "published",
        "file": "Đơn.pdf",
        "pages": 2,
        "seconds": 1.5,
        "level": "info",
        "message": "published: Đơn.pdf",
    }
    assert datetime.fromisoformat(line["time"]).utcoffset() == timedelta(hours=7)


@settings(max_examples=50)
@given(st.text(max_size=200))
def test_no_text_forges_a_line(text: str) -> None:
    for form in ("text", "json"):
        with tempfile.TemporaryDirectory() as folder:
            settings = settings_of(Path(folder), log_format=form)
            log.begin(settings, console=False)
            log.note("taken", text)
            written = log.service_log(settings.folders).read_text("utf-8")
            if form == "json":
                assert json.loads(written)["message"] == text
            else:
                first, *others = written.removesuffix("\n").split("\n")
                assert first[:2] == "20"
                assert all(line.startswith("    ") for line in others)


def test_several_processes_lose_no_line_and_split_none(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from flows.host import log; from flows.settings import load\n"
        "log.begin(load(home=Path(sys.argv[1]), log_bytes=4000, log_files=200), console=False)\n"
        "[log.note('taken', f'{sys.argv[2]}-{number} ' + 'x' * 50) for number in range(300)]"
    )
    writers = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path), name], cwd=ROOT) for name in "abc"]
    assert [writer.wait(120) for writer in writers] == [0, 0, 0]
    files = [path for path in (tmp_path / "logs").iterdir() if not path.name.startswith(".")]
    found = [line for path in files for line in path.read_text().splitlines()]
    assert len(files) > 5
    assert [line for line in found if not re.fullmatch(r"\S+ \S+ \+0700 INFO [abc]-\d+ x{50}", line)] == []
    assert {line.split()[4] for line in found} == {f"{name}-{number}" for name in "abc" for number in range(300)}
    assert len(found) == 900


@settings(max_examples=25)
@given(st.integers(1, 5), st.lists(st.integers(1, 3000), max_size=40))
def test_no_more_is_kept_than_was_asked_for(kept: int, lengths: list[int]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        settings = settings_of(Path(folder), log_bytes=1000, log_files=kept)
        log.begin(settings, console=False)
        for number, length in enumerate(lengths):
            log.note("taken", f"{number} {'x' * length}")
        files = sorted(path for path in Path(folder, "logs").glob("nambat.log*"))
        assert len(files) <= kept + 1
        assert all(path.stat().st_size <= 1000 or len(path.read_text().splitlines()) == 1 for path in files)
        if lengths:
            assert lines(settings)[-1].split()[4] == str(len(lengths) - 1)


@pytest.mark.parametrize("spoil", ["a file for the folder", "a link", "a pipe", "a folder"])
def test_a_log_that_cannot_be_written_stops_nothing(tmp_path: Path, spoil: str) -> None:
    settings = settings_of(tmp_path)
    path = log.service_log(settings.folders)
    if spoil == "a file for the folder":
        path.parent.write_text("")
    else:
        path.parent.mkdir()
        elsewhere = tmp_path / "elsewhere"
        {"a link": lambda: path.symlink_to(elsewhere), "a pipe": lambda: os.mkfifo(path), "a folder": path.mkdir}[
            spoil
        ]()
    log.begin(settings, console=False)
    log.note("taken", "taken: a.pdf")
    assert not (tmp_path / "elsewhere").exists()


def test_a_full_disk_stops_nothing_and_the_log_goes_on_when_there_is_room(tmp_path: Path) -> None:
    with small_disk(tmp_path / "home") as home:
        settings = settings_of(home)
        log.begin(settings, console=False)
        log.note("taken", "before")
        with (home / "filler").open("wb", buffering=0) as filler, pytest.raises(OSError, match="No space"):
            while True:
                filler.write(b"x" * 4096)
        for _ in range(200):
            log.note("taken", "meanwhile " + "x" * 100)
        (home / "filler").unlink()
        log.note("taken", "after")
        told = [line.split()[4] for line in lines(settings) if "INFO" in line and line.startswith("20")]
        assert (told[0], told[-1]) == ("before", "after")


def test_a_terminal_that_takes_nothing_stops_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb"), os.fdopen(writer, "wb", buffering=0) as error:
        monkeypatch.setattr(sys, "__stderr__", error)
        log.begin(settings_of(tmp_path), console=True)
        for _ in range(2000):
            log.note("taken", "x" * 1000)  # 2 MB into a pipe of 64 kB that nobody reads
        shown = os.read(reader, 4096).decode()
    assert " INFO xxx" in shown
    assert len(lines(settings_of(tmp_path))) == 2000


def test_what_a_person_was_told_is_not_told_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for tells_person, expected in ((True, ["a document"]), (False, ["the service", "a document"])):
        with (tmp_path / f"{tells_person}").open("w+b", buffering=0) as error:
            monkeypatch.setattr(sys, "__stderr__", error)
            log.begin(settings_of(tmp_path), console=True, tells_person=tells_person)
            log.note(log.SAID, "the service")
            log.note("taken", "a document")
            error.seek(0)
            assert [line.split(" INFO ")[1] for line in error.read().decode().splitlines()] == expected


def test_nothing_is_said_where_no_log_was_begun() -> None:
    code = "import logging; from flows.host import log; log.note('quarantined', 'a warning', level=logging.WARNING)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b"", b"")


def test_moves_of_a_document_are_logged(folders: Folders, store: ClaimStore) -> None:
    log.begin(store.settings, console=False)
    claims = [transfers.take(store, name, drop(folders, name), "me") for name in ("a.pdf", "b.pdf", "c.pdf")]
    quarantine.quarantine(
        store, claims[0], NotAScan("broken: see page 3", vietnamese="hỏng", detail="text of the page")
    )
    transfers.hand_back(store, claims[1])
    store.put_off(claims[2], NotAScan("the disk is full"), not_before=time.time() + 60)
    told = [line.split(" ", 3)[3] for line in lines(store.settings)]
    assert [line for line in told if "a.pdf" in line][1] == "WARNING to quarantine: a.pdf: broken: see page 3"
    assert [line for line in told if "b.pdf" in line][1] == "INFO back in the inbox: b.pdf"
    assert [line for line in told if "c.pdf" in line][1].startswith("WARNING put off: c.pdf: the disk is full (try 1, ")
    assert [line.split(" (")[0] for line in told if "taken" in line] == [f"INFO taken: {name}.pdf" for name in "abc"]
    assert "text of the page" not in "".join(told)


def test_what_the_server_would_say_on_a_terminal_goes_to_its_log(tmp_path: Path) -> None:
    terminal = logging.StreamHandler(io.StringIO())
    logger = logging.getLogger("a server")
    logger.propagate = False
    logger.addHandler(terminal)
    before = {
        one: list(one.handlers) for one in (logging.root, *map(logging.getLogger, logging.root.manager.loggerDict))
    }
    settings = settings_of(tmp_path)
    try:
        log.replace_terminal(log.log_file(log.server_log(settings.folders), settings))
        logger.warning("the database is locked")
    finally:
        for one, handlers in before.items():
            one.handlers = handlers
        logger.removeHandler(terminal)
    text = log.server_log(settings.folders).read_text()
    assert re.fullmatch(r"\S+ \S+ \+0700 WARNING the database is locked\n", text)


def test_prefect_does_not_take_its_terminal_back(tmp_path: Path) -> None:
    code = (
        "import gc, logging, sys; from pathlib import Path; import prefect\n"
        "from prefect.logging.configuration import setup_logging\n"
        "from flows.host import log; from flows.settings import load\n"
        "setup_logging(); settings = load(home=Path(sys.argv[1]))\n"
        "log.replace_terminal(log.log_file(log.server_log(settings.folders), settings))\n"
        "gc.collect(); setup_logging()\n"
        "logging.getLogger('uvicorn.error').error('a port is taken')\n"
        "logging.getLogger('prefect.server').error('a database is locked')"
    )
    environment = clean_environment(PREFECT_HOME=str(tmp_path / "prefect"), PYTHONPATH=str(ROOT))
    command = [sys.executable, "-P", "-c", code, str(tmp_path)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=True, env=environment)
    assert (done.stdout, done.stderr) == (b"", b"")
    told = log.server_log(settings_of(tmp_path).folders).read_text().splitlines()
    assert [line.split(" ", 3)[3] for line in told] == ["ERROR a port is taken", "ERROR a database is locked"]


def test_output_follows_the_log_that_is_put_aside(tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from flows.host import log; from flows.settings import load\n"
        "import logging; settings = load(home=Path(sys.argv[1]), log_bytes=1000, log_files=9)\n"
        "logging.root.addHandler(log.log_file(log.server_log(settings.folders), settings, takes_output=True))\n"
        "for number in range(5):\n"
        "    logging.warning('x' * 900)\n"
        "    os.write(2, f'crash {number}\\n'.encode())"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b"", b"")
    found = {path.name: re.findall(r"crash \d", path.read_text()) for path in (tmp_path / "logs").glob("server.log*")}
    assert found == {
        "server.log": ["crash 4"],
        **{f"server.log.{number}": [f"crash {4 - number}"] for number in range(1, 5)},
    }
