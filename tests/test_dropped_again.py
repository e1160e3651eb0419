"""The service, when something else is dropped under a name that was used before: a better scan, another document."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageFilter

from tests.kernel import needs_proc
from tests.service import ROOT, Service, clean_environment
from tests.waiting import wait_until

pytestmark = [pytest.mark.timeout(600), pytest.mark.slow, needs_proc]

SAMPLES = ROOT / "sample_scans"
INVITATION, LETTER = SAMPLES / "giay_moi_trang_1.jpg", SAMPLES / "cong_van_300.tif"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("again")
    quick = {"NAMBAT_SETTLE": "1", "NAMBAT_SETTLE_BROKEN": "2", "NAMBAT_RESCAN": "2"}
    service = Service(folder / "home", folder / "log", quick)
    with service.running():
        yield service


def scan_of(sample: Path, blur: float = 0) -> bytes:
    """A one-page PDF of a sample, each blur another scan."""
    place = Path(f"{sample.stem} {blur}.pdf")
    with Image.open(sample) as image:
        page = image.convert("L").resize((1654, 2339))
    return _as_pdf(page.filter(ImageFilter.GaussianBlur(blur)) if blur else page, place.name)


def _as_pdf(page: Image.Image, title: str) -> bytes:
    from io import BytesIO

    made = BytesIO()
    page.save(made, "PDF", resolution=200, title=title)
    return made.getvalue()


def drop(service: Service, name: str, data: bytes, state: str) -> dict[str, Any]:
    """Drop a file and wait for its run; the run as the server knows it then."""
    before = {run["id"] for run in service.runs(name)}
    (service.home / "inbox" / name).write_bytes(data)

    def ended() -> dict[str, Any] | None:
        new = [run for run in service.runs(name) if run["id"] not in before and run["state_type"] == state]
        return new[0] if new else None

    return dict(wait_until(ended))


def tags(service: Service, run: dict[str, Any]) -> list[str]:
    return list(service.api(f"flow_runs/{run['id']}", "GET")["tags"])


def report(service: Service, run: dict[str, Any]) -> str:
    chosen = {"flow_run_id": {"any_": [run["id"]]}, "type": {"any_": ["markdown"]}}
    return str(wait_until(lambda: service.api("artifacts/filter", artifacts=chosen), 30)[0]["data"])


def nambat(service: Service, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "flows.cli", *arguments],
        env=clean_environment(NAMBAT_HOME=str(service.home), PYTHONPATH=str(ROOT)),
        capture_output=True,
        text=True,
        check=False,
    )


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*") if path.is_file()}


def test_a_better_scan_clears_quarantine_and_another_document_has_a_name_of_its_own(service: Service) -> None:
    home = service.home
    bad = drop(service, "scan.pdf", scan_of(INVITATION)[:5000], "FAILED")
    wait_until(lambda: "needs attention" in tags(service, bad), 30)

    first = drop(service, "scan.pdf", scan_of(INVITATION), "COMPLETED")
    assert names(home / "quarantine") == set()
    assert names(home / "dismissed") == {"scan.pdf", "scan.pdf.reason.txt"}
    assert "settles what lay in quarantine under this name" in first["state"]["message"]
    assert "Settles what lay in quarantine" in report(service, first)
    wait_until(lambda: tags(service, bad) == [], 60)
    status = nambat(service, "status").stdout
    assert "quarantine 0" in status and "scan.pdf" not in status

    again = drop(service, "scan.pdf", scan_of(INVITATION, 0.8), "COMPLETED")
    assert "replaces the text of" in again["state"]["message"]
    assert "replaced" in tags(service, again)
    assert "Replaces the text of" in report(service, again)
    assert names(home / "published") == {"scan.txt", "scan.json"}
    assert len(names(home / "versions")) == 2

    other = drop(service, "scan.pdf", scan_of(LETTER), "COMPLETED")
    assert "has nothing in common with what is published as scan.txt" in other["state"]["message"]
    assert "another document" in tags(service, other)
    assert names(home / "published") == {"scan.txt", "scan.json", "scan~2.txt", "scan~2.json"}

    last = drop(service, "scan.pdf", scan_of(LETTER, 0.8), "COMPLETED")
    assert "replaced" in tags(service, last)
    assert names(home / "published") == {"scan.txt", "scan.json", "scan~2.txt", "scan~2.json"}
    assert len(names(home / "versions")) == 4
    assert "GIẤY MỜI" in (home / "published/scan.txt").read_text()


def test_what_nobody_wants_is_dismissed_while_the_service_runs(service: Service) -> None:
    bad = drop(service, "bỏ.pdf", scan_of(LETTER)[:5000], "FAILED")
    wait_until(lambda: "needs attention" in tags(service, bad), 30)
    done = nambat(service, "dismiss", "bỏ.pdf", "không có.pdf")
    assert done.returncode == 1
    assert "không có.pdf is not in quarantine" in done.stderr
    assert str(service.home / "dismissed/bỏ.pdf") in done.stdout
    assert "bỏ.pdf" not in nambat(service, "status").stdout
    wait_until(lambda: tags(service, bad) == [], 60)
    assert {"bỏ.pdf", "bỏ.pdf.reason.txt"} <= names(service.home / "dismissed")


def test_a_scan_that_is_retried_is_shown_once_and_its_run_needs_nobody(service: Service) -> None:
    bad = drop(service, "lại.pdf", scan_of(INVITATION, 1.1)[:5000], "FAILED")
    wait_until(lambda: "needs attention" in tags(service, bad), 30)
    (service.home / "quarantine/lại.pdf").write_bytes(scan_of(INVITATION, 1.1))
    assert nambat(service, "retry", "lại.pdf").returncode == 0
    wait_until(lambda: (service.home / "originals/lại.pdf").exists())
    wait_until(lambda: tags(service, bad) == [], 60)
    assert "lại.pdf" not in nambat(service, "status").stdout


def test_what_is_dismissed_while_no_service_runs_is_told_to_the_next(service: Service) -> None:
    bad = drop(service, "sau.pdf", scan_of(LETTER, 1.1)[:5000], "FAILED")
    wait_until(lambda: "needs attention" in tags(service, bad), 30)
    service.stop()
    assert nambat(service, "dismiss", "sau.pdf").returncode == 0
    service.start()
    service.wait_until_ready()
    wait_until(lambda: tags(service, bad) == [], 60)
