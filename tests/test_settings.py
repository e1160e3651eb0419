"""What settings mean, and which make no sense."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.pipeline.outcome import outcome_of
from flows.settings import BadSetting, load


def test_pauses_grow_to_an_hour() -> None:
    settings = load(retry_delay=60)
    assert [settings.pause_before_retry(n) for n in (0, 1, 2, 6, 50)] == [60, 120, 240, 3600, 3600]


@pytest.mark.parametrize("inner", ["published", "inbox"])
def test_folders_in_one_another_are_refused(tmp_path: Path, inner: str) -> None:
    outer = {"published": "inbox", "inbox": "published"}[inner]
    home = tmp_path / "home"
    folders = load(home=home, **{inner: home / outer / "sub"}).folders
    with pytest.raises(BadSetting, match=f"{inner}.*lies in.*{outer}"):
        folders.check_apart()
    load(home=home).folders.check_apart()


@pytest.mark.parametrize(
    ("value", "is_one"), [("0", True), ("62.5", True), ("100", True), ("-1", False), ("101", False), ("nan", False)]
)
def test_low_confidence_is_a_percentage(monkeypatch: pytest.MonkeyPatch, value: str, is_one: bool) -> None:
    monkeypatch.setenv("NAMBAT_LOW_CONFIDENCE", value)
    if is_one:
        assert load().low_confidence == float(value)
    else:
        with pytest.raises(BadSetting, match="NAMBAT_LOW_CONFIDENCE"):
            load()


def test_the_setting_decides_which_pages_are_pointed_out() -> None:
    data = {
        "source": {"pages": 3},
        "pages": [
            {"number": 1, "words": 2, "mean_confidence": 74.9},
            {"number": 2, "words": 2, "mean_confidence": 75.0},
            {"number": 3, "words": 0, "mean_confidence": None},
        ],
        **{name: [] for name in ("footnotes", "corrections", "warnings")},
    }
    assert outcome_of(data, "a.pdf", load().low_confidence).low_pages == ((1, 74.9),)
    assert outcome_of(data, "a.pdf", 80).low_pages == ((1, 74.9), (2, 75.0))
