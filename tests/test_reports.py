"""What a person sees of a run in Prefect's UI: tags, reports, descriptions."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings

from flows import ingest
from flows.intake.sweep import Swept
from flows.pipeline.outcome import Change, Outcome
from flows.pipeline.to_check import Check, Passage
from flows.service import reports
from ocr.faults import Fault
from tests.markdown import WORDS, shown

CHANGE = Change(2, "tô", Passage("Nó đã", "tổ", "chức hội nghị."))
FINE = Outcome("a.pdf", 3, 900, 2, 1, 95.0, (), (), (), (CHANGE,), (Path("/p/a.txt"),))
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
    assert [tag for tag in reports.TAGS if f"`{tag}`" not in reports.about(reports.ABOUT_INGEST)] == []
    assert ingest.ingest.description == reports.about(reports.ABOUT_INGEST)
    assert ingest.sweep.description == reports.about(reports.ABOUT_SWEEP)


def test_what_needs_a_look_stands_before_what_was_changed() -> None:
    changes = (CHANGE, Change(3, "a|b", Passage("", "á", "")))
    outcome = replace(
        MISSING,
        corrections=30,
        changes=changes,
        checks=(
            Check("fact", 1, "The subject is left empty."),
            Check("word", 3, "“chi” was read with a confidence of 31.", Passage("Chỉ", "chi", "tiêu.")),
        ),
        left_out=((2, "740 m².", "noise"),),
        left_out_in_all=5,
    )
    report = reports.success_report(outcome, Path("/o/a.pdf"))
    parts = [
        *(
            "## What to check first",
            "- page 1: The subject is left empty.",
            "- page 3: “chi” was read",
            "31.\n\n  Chỉ **chi** tiêu.",
        ),
        *("Pages that could not be read", "- page 2: damaged", "## Warnings"),
        *(
            "## Corrections (the 2 least sure ones of 30)",
            "- page 2: “tô” was read, now: Nó đã **tổ** chức hội nghị.",
            "- page 3: “a\\|b” was read, now: **á**",
        ),
        *(
            "## Left out of the text (the first 1 of 5)",
            "| 2 | 740 m². | noise |",
            "`/p/a.txt`",
            "`/o/a.pdf` (the scan)",
        ),
    ]
    assert [part for part in parts if part not in report] == []
    assert sorted(parts, key=report.index) == parts


def test_what_was_told_is_not_told_again() -> None:
    check = Check("page", 2, "The page could not be read: damaged")
    report = reports.success_report(replace(MISSING, checks=(check,)), None)
    assert report.count("The page could not be read") == 1
    assert "Warnings" not in report
    assert "Nothing: no fact is left open" in reports.success_report(FINE, None)


def test_a_report_is_bounded() -> None:
    """Of each kind some, with the number of the rest; pictures up to so many bytes."""
    words = [Check("word", 1, f"word {n}", picture=b"x" * 20_000) for n in range(30)]
    facts = [Check("fact", 1, f"fact {n}") for n in range(12)]
    report = reports.success_report(replace(FINE, checks=(*facts, *words)), None)
    assert "**Facts that are left open** (2 more are in the JSON)" in report
    assert "**The least sure words** (20 more are in the JSON)" in report
    assert (report.count("- page 1: fact"), report.count("- page 1: word")) == (10, 10)
    assert (report.count("data:image/png;base64,"), len(report) < reports.MOST_PICTURED) == (3, True)
    _, kinds = shown(report)
    assert "image" in kinds and "code_block" not in kinds, "a picture belongs to its item"


def test_names_are_no_links_and_no_pictures() -> None:
    hostile = "[a](http://x) ![b](http://y/z.png) <img src=c> `d` e|f\x1b.pdf"
    for report in (
        reports.success_report(replace(FINE, name=hostile, files=(Path("/p") / hostile.replace("/", "-"),)), None),
        reports.failure_report(hostile, Fault(hostile), Path("/q/" + hostile.replace("/", "-"))),
    ):
        _, kinds = shown(report)
        assert kinds.isdisjoint({"link", "image", "html_inline", "html_block"})
        assert "\x1b" not in report


@settings(max_examples=50)
@given(WORDS)
def test_what_people_name_is_shown_as_they_wrote_it(words: list[str]) -> None:
    """In each place of a report: a heading, a cell, an item, a sentence, code."""
    name = " ".join(words)
    path = Path("/p") / name.replace("/", "-")
    outcome = replace(
        FINE,
        name=name,
        copy_of=name,
        failed_pages=((2, name),),
        warnings=(name,),
        changes=(Change(1, name, Passage(name, name, name)),),
        checks=(Check("word", 1, name, Passage(name, name, name)), Check("dropped", 3, name)),
        left_out=((1, name, "noise"),),
    )
    text, kinds = shown(reports.success_report(replace(outcome, files=(path,)), path))
    assert text.count(name) >= 14
    assert text.count(str(path)) >= 2
    text, more = shown(reports.failure_report(name, Fault(name, vietnamese=name, detail=f"{name}\n{name}"), path))
    assert text.count(name) >= 5
    assert f"{name}\n{name}\n" in text
    rows = reports.sweep_rows(Swept(taken=(name,), quarantined=(name,)))
    assert [shown(row["file"]) for row in rows] == [(name, {"paragraph"})] * 2
    live = {"link", "image", "html_inline", "html_block", "em", "s", "hr", "blockquote"}
    assert (kinds & live, more & live) == (set(), {"em"}), "the one word that we stress ourselves"
    assert "strong" in kinds, "the words in question"


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
