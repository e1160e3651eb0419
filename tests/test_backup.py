"""What is saved of a home by the steps of docs/intake.md is all of it: restored, the service goes on as if nothing was.

The steps stand here as they stand there.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from flows.batch.leases import open_leases
from flows.batch.plan import plan, source_of
from flows.batch.storage import open_home
from flows.batch.under_way import all_open, find_open, open_batch, sum_up
from flows.host import heartbeat
from flows.host.names import new_id
from flows.intake import quarantine
from flows.pipeline import publish, revise
from flows.pipeline.versions import Shelf
from flows.review.index import document_id, mark_looked_at, of_service, refresh
from normalize.edits.edit import new
from tests.bad_inputs import good_pdf, strip
from tests.kernel import needs_proc
from tests.postgres import postgres, program
from tests.scans import write_scan
from tests.service import Service
from tests.waiting import wait_until

STOPPED = """
tar -C "$HOME_OF_NAMBAT" --exclude=working/.slots --exclude=working/.alive --exclude=prefect/tmp \\
    --exclude='review/index*' -cf "$BACKUP" .
"""
"""With the service stopped."""

FILES = """
cd "$HOME_OF_NAMBAT"
for round in 1 2; do
    for folder in inbox working quarantine originals published versions dismissed review words.txt; do
        if [ -e "$folder" ]; then cp -au "$folder" "$BACKUP" || true; fi
    done
done
"""
"""With the service at work: in the order that files go, and twice, so that none that moves meanwhile is missed."""

SQLITE = """
cd "$HOME_OF_NAMBAT"
python3 -c 'import sqlite3, sys; sqlite3.connect(sys.argv[1]).backup(sqlite3.connect(sys.argv[2]))' \\
    prefect/prefect.db "$BACKUP/prefect.db"
"""

POSTGRESQL = 'pg_dump --format=custom --file="$BACKUP/prefect.dump" "$DATABASE"'

BACK = 'pg_restore --no-owner --exit-on-error --dbname="$DATABASE" "$BACKUP/prefect.dump"'
"""Into an empty database, before the service starts."""

QUICK = {"NAMBAT_SETTLE": "1", "NAMBAT_SETTLE_BROKEN": "2", "NAMBAT_RESCAN": "1", "NAMBAT_JOBS": "2"}


def shell(steps: str, **names: Path | str) -> None:
    environment = {**os.environ, **{name: str(path) for name, path in names.items()}}
    programs = [Path(sys.executable).parent, Path(program("pg_dump") or "/").parent]
    environment["PATH"] = os.pathsep.join([*map(str, programs), environment["PATH"]])
    subprocess.run(["sh", "-euc", steps], check=True, env=environment)


def published(home: Path) -> set[str]:
    return {path.stem for path in (home / "published").rglob("*.json")}


def seals(home: Path) -> dict[str, str]:
    """What tells each published document from one that was published anew."""
    return {
        path.stem: json.loads(path.read_text("utf-8"))["this_file"] for path in (home / "published").rglob("*.json")
    }


def one_of(number: int) -> bytes:
    """Other bytes each time: a PDF says when it was made."""
    return good_pdf(image=strip().crop((0, 0, 900 + number, 180)))


def completed(service: Service, name: str) -> list[dict[str, Any]]:
    return [run for run in service.runs(name) if run["state_type"] == "COMPLETED"]


def mended(service: Service, name: str) -> str:
    """Change a word of a published document, as the review page does; what stands there then."""
    folders = service.folders
    record = folders.published / f"{name}.json"
    data = json.loads(record.read_text("utf-8"))
    where, block = next((f"blocks/{at}", one) for at, one in enumerate(data["blocks"]) if one["text"].strip())
    word = block["text"].split()[0]
    edit = new("text", "Lan", where, before=word, after="ĐÃ-SỬA")
    shelf = Shelf(folders.published, folders.working / ".staging", folders.versions)
    revise.revise(shelf, record, data["this_file"], [edit], "Lan")
    return "ĐÃ-SỬA"


@needs_proc
@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "is_running", [pytest.param(False, id="stopped", marks=pytest.mark.longest), pytest.param(True, id="running")]
)
def test_a_home_that_is_restored_goes_on(tmp_path: Path, is_running: bool) -> None:
    home = tmp_path / "home"
    service = Service(home, tmp_path / "log", QUICK)
    with service.running():
        scans = {f"đơn {number}": one_of(number) for number in range(10)}
        for name, scan in scans.items():
            (home / "inbox" / f"{name}.pdf").write_bytes(scan)
        for name in ("hỏng.pdf", "rách.pdf"):
            (home / "inbox" / name).write_bytes(one_of(20)[:700] + name.encode())
        wait_until(lambda: len(published(home)) == 10 and len(list((home / "quarantine").glob("*.pdf"))) == 2)
        word = mended(service, "đơn 3")
        library = of_service(service.folders)
        refresh(library)
        mark_looked_at(library, document_id("đơn 4.json"))
        before = seals(home)
        write_scan(home / "inbox" / "dở dang.pdf", pages=6)
        wait_until(lambda: list((home / "working" / ".progress").rglob("0000*.json")))
        backup = tmp_path / ("backup" if is_running else "backup.tar")
        if is_running:
            backup.mkdir()
            shell(FILES + SQLITE, HOME_OF_NAMBAT=home, BACKUP=backup)
        os.kill(service.pid, signal.SIGKILL)  # nothing is put in order first
        service.end()
        if not is_running:
            shell(STOPPED, HOME_OF_NAMBAT=home, BACKUP=backup)
        shutil.rmtree(home)
        home.mkdir()
        if is_running:
            subprocess.run(["cp", "-a", f"{backup}/.", str(home)], check=True)
            (home / "prefect").mkdir()
            (home / "prefect.db").rename(home / "prefect" / "prefect.db")
        else:
            subprocess.run(["tar", "-C", str(home), "-xf", str(backup)], check=True)

        service.start()
        service.wait_until_ready()
        wait_until(lambda: "dở dang" in published(home))
        assert published(home) == {*before, "dở dang"}
        assert {name: seal for name, seal in seals(home).items() if name in before} == before
        assert word in (home / "published" / "đơn 3.txt").read_text("utf-8")
        assert {run["name"] for run in service.api("flow_runs/filter", limit=200)} >= {"đơn 0.pdf", "hỏng.pdf"}
        kept = quarantine.quarantined_files(service.store)
        assert [path.name for path, _ in kept] == ["hỏng.pdf", "rách.pdf"]
        assert all("damaged" in why for _, why in kept)
        assert (home / "review" / "looked_at" / document_id("đơn 4.json")).exists()
        wait_until(lambda: not service.store.open_claims() and not list((home / "inbox").glob("*.pdf")))
        originals = sorted(path.name for path in (home / "originals").iterdir())
        assert originals == sorted([*(f"đơn {number}.pdf" for number in range(10)), "dở dang.pdf"])
        completed_before = len(completed(service, "đơn 7.pdf"))
        (home / "inbox" / "đơn 7.pdf").write_bytes(scans["đơn 7"])  # the very bytes: what was read is not read anew
        wait_until(lambda: len(completed(service, "đơn 7.pdf")) > completed_before)
        quarantine.retry(service.store, home / "quarantine" / "hỏng.pdf", heartbeat.identity())
        wait_until(lambda: len(service.runs("hỏng.pdf")) == 2)
        assert seals(home)["đơn 7"] == before["đơn 7"]
    with sqlite3.connect(home / "prefect" / "prefect.db") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert publish.is_as_written((home / "published" / "đơn 0.json").read_bytes())


DATABASE = "PREFECT_SERVER_DATABASE_CONNECTION_URL"


@needs_proc
@pytest.mark.longest
@pytest.mark.timeout(1800)
def test_a_batch_half_way_goes_on_from_files_and_a_dump_of_postgresql(tmp_path: Path) -> None:
    archive, home, backup = tmp_path / "kho", tmp_path / "home", tmp_path / "backup"
    archive.mkdir()
    backup.mkdir()
    count, each = 24, 6
    for number in range(count):
        (archive / f"{number:02}.pdf").write_bytes(one_of(number))
    given = {**QUICK, "NAMBAT_READ_ROOTS": str(archive), "NAMBAT_RETRY_DELAY": "1"}
    service = Service(home, tmp_path / "log", given)
    settings = service.store.settings.model_copy(update={"read_roots": (archive,)})

    def half_way() -> int:
        return len(published(home))

    try:
        with postgres(tmp_path / "first") as url:
            service.settings[DATABASE] = url
            service.start()
            service.wait_until_ready()
            batch = plan(source_of(str(archive), settings), settings, new_id(), most=each)
            assert batch.parts == count // each
            open_batch(settings, batch)
            wait_until(lambda: half_way() >= count // 3)
            shell(FILES, HOME_OF_NAMBAT=home, BACKUP=backup)
            shell(POSTGRESQL, BACKUP=backup, DATABASE=url.replace("+asyncpg", ""))
            saved = seals(backup)
            assert count // 3 <= len(saved) < count
            os.kill(service.pid, signal.SIGKILL)
            service.end()
        shutil.rmtree(home)
        shutil.copytree(backup, home, symlinks=True, ignore=shutil.ignore_patterns("prefect.dump"))
        with postgres(tmp_path / "second") as url:
            shell(BACK, BACKUP=backup, DATABASE=url.replace("+asyncpg", ""))
            service.settings[DATABASE] = url
            service.start()
            service.wait_until_ready()
            wait_until(lambda: not all_open(settings.folders), 900)
            found = find_open(settings.folders, batch.id)
            assert found is not None and found.parts_over == batch.parts
            assert published(home) == {f"{number:02}" for number in range(count)}
            assert {name: seal for name, seal in seals(home).items() if name in saved} == saved
            assert list(open_leases(open_home(settings))) == []
            assert not any(path.is_file() for root in ("quarantine", "versions") for path in (home / root).rglob("*"))
            whole = sum_up(open_home(settings), batch)
            assert whole.is_well
            assert whole.counts.get("published", 0) >= count - len(saved)
            runs = service.api("flow_runs/filter", flows={"name": {"any_": ["batch_part"]}})
            # What was at work when the database was saved is not so for ever.
            assert {run["state_type"] for run in runs} <= {"COMPLETED", "CRASHED"}
            done = {run["name"].split()[-1] for run in runs if run["state_type"] == "COMPLETED"}
            assert done == {str(part) for part in range(1, batch.parts + 1)}
            (home / "inbox" / "sau đó.pdf").write_bytes(one_of(50))
            wait_until(lambda: [run for run in service.runs("sau đó.pdf") if run["state_type"] == "COMPLETED"])
    finally:
        service.end()
