"""Reports as Prefect's UI shows them, in a real browser: pictures are seen, names and words of strangers do nothing."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from PIL import Image

from flows.pipeline.outcome import Change
from flows.pipeline.to_check import Check, Passage
from flows.service import reports
from flows.service.day import Day, Note
from tests.browser import Page, browser
from tests.service import Service
from tests.test_reports import FINE

HOSTILE = "[x](http://e.example/a) ![y](http://e.example/b.png) <img src=http://e.example/c> `d` *e* |f.pdf"
RUN = "00000000-0000-4000-8000-000000000001"

TARGETS = "[...document.querySelectorAll('a, img')].map(one => one.getAttribute('href') || one.src)"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service at rest; what is shown is put there by its API."""
    folder = tmp_path_factory.mktemp("service")
    made = Service(folder / "home", folder / "log")
    with made.running():
        yield made


def show(service: Service, page: Page, kind: str, data: str, description: str) -> str:
    """What the UI says of an artifact."""
    made = service.api("artifacts/", key="shown", type=kind, data=data, description=description)
    page.open(f"http://127.0.0.1:{service.port}/artifacts/artifact/{made['id']}")
    page.wait_for("document.body.innerText.includes('Last Updated') || document.body.innerText.includes('Created')")
    page.wait_for("document.body.innerText.includes('f.pdf')")
    return str(page.run("document.body.innerText"))


def check_targets(page: Page, wanted: set[str]) -> None:
    """Nothing leads anywhere but to the UI's own pages, and nothing is fetched from elsewhere."""
    targets = {target for target in page.run(TARGETS) if target and not target.startswith(("data:", "/artifacts"))}
    assert {target for target in targets if "example" in target or "e.ex" in target} == set()
    assert wanted <= targets


@pytest.mark.slow
def test_a_report_shows_its_pictures_and_no_links(service: Service, tmp_path: Path) -> None:
    out = io.BytesIO()
    Image.new("L", (300, 40), 200).save(out, "PNG")
    passage = Passage(HOSTILE, "tổ", HOSTILE)
    outcome = replace(
        FINE,
        name=HOSTILE,
        checks=(Check("word", 2, HOSTILE, passage, picture=out.getvalue()), Check("dropped", 2, HOSTILE)),
        changes=(Change(1, HOSTILE, passage),),
        left_out=((1, HOSTILE, "noise"),),
    )
    with browser(tmp_path / "profile") as page:
        text = show(service, page, "markdown", reports.success_report(outcome, None), reports.cell(HOSTILE))
        page.picture(tmp_path / "seen.png")
        check_targets(page, set())
        size = "[...document.querySelectorAll('img')].map(one => [one.naturalWidth, one.naturalHeight])"
        assert page.run(size) == [[300, 40]]
        assert base64.b64encode(out.getvalue()).decode() in page.run("document.images[0].src")
        strong = "[...document.querySelectorAll('strong, .markdown-renderer__text--strong')].map(one => one.innerText)"
        assert page.run(strong).count("tổ") == 2
        assert text.count(HOSTILE) >= 9


@pytest.mark.slow
def test_the_table_of_the_day_has_links_to_runs_only(service: Service, tmp_path: Path) -> None:
    name = HOSTILE.replace("http://", "")
    note = Note(name, datetime(2026, 11, 26, 9, tzinfo=UTC).timestamp(), RUN, 2, "2 good", (name,))
    seen = Day(datetime(2026, 11, 26, 12, tzinfo=UTC), (note,), ((name, name),))
    with browser(tmp_path / "profile") as page:
        text = show(service, page, "table", json.dumps(reports.day_rows(seen)), reports.day_line(seen))
        page.picture(tmp_path / "seen.png")
        check_targets(page, {f"/runs/flow-run/{RUN}?tab=Artifacts"})
        assert page.run("document.images.length") == 0
        assert "1 document published today, 1 of them needs a look; 1 file in quarantine" in text
        assert "".join(text.split()).count("".join(name.split())) == 4
