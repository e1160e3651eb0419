"""What a person sees of a run in Prefect's UI: tags, reports, descriptions."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings

from flows import ingest
from flows.intake.sweep import Swept
from flows.pipeline.outcome import Outcome
from flows.service import reports
from ocr.faults import Fault
from tests.markdown import WORDS, shown

FINE = Outcome("a.pdf", 3, 900, 2, 1, 95.0, (), (), (), ((2, "tô", "tổ"),), (Path("/p/a.txt"),))
MISSING = replace(FINE, failed_pages=((2, "damaged"),), warnings=("page 2: The page could not be read: damaged",))


@pytest.mark.parametrize(
    ("outcome", "tags"),
    [
        (FINE, []),
        (MISSING, ["needs attention", "pages missing", "warnings"]),
        (replace(FINE, low_pages=((3, 51.0),)), ["needs attention", "low confidence"]),
        (replace(FINE, warnings=("page 1: The page is blank.",)), ["warnings"]),
        (replace(FINE, copy_of="b.pdf"), ["copy"]),
        (replace(MISSING, copy_of="b.pdf"), ["needs attention", "pages missing", "warnings", "copy"]),
    ],
)
def test_tags_tell_runs_apart(outcome: Outcome, tags: list[str]) -> None:
    assert reports.tags_of(outcome) == tags
    assert reports.TAGS.issuperset(tags)


def test_every_tag_is_explained_where_the_runs_are() -> None:
    assert [tag for tag in reports.TAGS if f"`{tag}`" not in reports.ABOUT_INGEST] == []
    assert ingest.ingest.description == reports.ABOUT_INGEST
    assert ingest.sweep.description == reports.ABOUT_SWEEP


def test_what_needs_a_look_stands_before_what_was_changed() -> None:
    changes = ((1, "tô", "tổ"), (3, "chi", "chỉ"), (2, "a|b", "á"))
    report = reports.success_report(replace(MISSING, corrections=3, changes=changes), None)
    parts = ["Pages that could not be read", "- page 2: damaged", "Warnings", "Corrections", "tô", "á", "chỉ"]
    assert [part for part in parts if part not in report] == []
    assert sorted(parts, key=report.index) == parts
    assert "| 2 | a\\|b | á |" in report


def test_names_are_no_links_and_no_pictures() -> None:
    hostile = "[a](http://x) ![b](http://y/z.png) <img src=c> `d` e|f\x1b.pdf"
    for report in (
        reports.success_report(replace(FINE, name=hostile, files=(Path("/p") / hostile.replace("/", "-"),)), None),
        reports.failure_report(hostile, Fault(hostile), Path("/q/" + hostile.replace("/", "-"))),
    ):
        _, kinds = shown(report)
        assert kinds.isdisjoint({"link", "image", "html_inline", "html_block"})
        assert "\x1b" not in report


@settings(max_examples=50, deadline=None)
@given(WORDS)
def test_what_people_name_is_shown_as_they_wrote_it(words: list[str]) -> None:
    """In each place of a report: a heading, a cell, an item, a sentence, code."""
    name = " ".join(words)
    path = Path("/p") / name.replace("/", "-")
    outcome = replace(
        FINE, name=name, copy_of=name, failed_pages=((2, name),), warnings=(name,), changes=((1, name, name),)
    )
    text, kinds = shown(reports.success_report(replace(outcome, files=(path,)), path))
    assert text.count(name) >= 6
    assert text.count(str(path)) >= 2
    text, more = shown(reports.failure_report(name, Fault(name, vietnamese=name, detail=f"{name}\n{name}"), path))
    assert text.count(name) >= 5
    assert f"{name}\n{name}\n" in text
    rows = reports.sweep_rows(Swept(taken=(name,), quarantined=(name,)))
    assert [shown(row["file"]) for row in rows] == [(name, {"paragraph"})] * 2
    live = {"link", "image", "html_inline", "html_block", "em", "s", "hr", "blockquote"}
    assert (kinds & live, more & live) == (set(), {"em"}), "the one word that we stress ourselves"


def test_a_failure_says_what_to_do_only_where_the_scan_was_put_away() -> None:
    fault = Fault("It is damaged.", vietnamese="Nó bị hỏng.", detail="xref ``` table")
    report = reports.failure_report("Công văn <1>.pdf", fault, Path("/q/Công văn <1>.pdf"))
    parts = [
        r"# Công văn \<1>.pdf",
        "Nó bị hỏng.",
        "It is damaged.",
        "`/q/Công văn <1>.pdf`",
        "*Retry*",
        "xref ``` table",
    ]
    assert sorted(parts, key=report.index) == parts
    assert "````\nxref ``` table\n````" in report
    kept = reports.failure_report("a.pdf", Fault("It is damaged."), None)
    assert "quarantine" not in kept
    assert "Retry" not in kept


def test_a_sweep_says_that_it_had_troubles() -> None:
    assert (
        reports.sweep_line(Swept(taken=("a.pdf",), waiting=2))
        == "1 taken, 2 still arriving, 0 handed back, 0 to quarantine"
    )
    assert reports.sweep_line(Swept(troubles=("no space",))).endswith("0 to quarantine; 1 trouble: see the logs")
