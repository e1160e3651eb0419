"""What settings mean, and which make no sense."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from flows.pipeline.outcome import outcome_of
from flows.settings import NOT_SETTINGS, BadSetting, Settings, check_names, heeded, in_force, load

ROOT = Path(__file__).parent.parent
VARIABLES = sorted(f"NAMBAT_{name.upper()}" for name in Settings.model_fields)


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


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("NAMBAT_SWEEP_CORN", "NAMBAT_SWEEP_CRON"),
        ("NAMBAT_JOB", "NAMBAT_JOBS"),
        ("nambat_max_byte", "NAMBAT_MAX_BYTES"),
        ("NAMBAT_TIME_ZONE", "NAMBAT_TIMEZONE"),
    ],
)
def test_a_misspelt_setting_is_told_with_the_nearest(monkeypatch: pytest.MonkeyPatch, given: str, meant: str) -> None:
    monkeypatch.setenv(given, "1")
    with pytest.raises(BadSetting, match=rf"{given}: .*did you mean {meant}\?"):
        load()


def test_a_name_like_no_setting_is_told_too() -> None:
    with pytest.raises(BadSetting, match=r"NAMBAT_QQQQQQQQ: .*`nambat settings`"):
        check_names({"NAMBAT_QQQQQQQQ": ""})


@given(name=some.sampled_from(VARIABLES), at=some.integers(0, 40), letter=some.sampled_from("ABCEIMNORSTX_"))
def test_one_wrong_letter_never_passes(name: str, at: int, letter: str) -> None:
    at = len("NAMBAT_") + at % (len(name) - len("NAMBAT_"))
    misspelt = name[:at] + letter + name[at + 1 :]
    if misspelt in VARIABLES:
        check_names({misspelt: "1"})
    else:
        with pytest.raises(BadSetting, match=re.escape(misspelt)):
            check_names({misspelt: "1"})


def test_what_is_no_business_of_ours_passes() -> None:
    of_a_cluster = ("NAMBAT_SERVICE_HOST", "NAMBAT_SERVICE_PORT_UI", "NAMBAT_PORT_4200_TCP_ADDR")
    check_names(dict.fromkeys([*VARIABLES, *NOT_SETTINGS, *of_a_cluster, "PREFECT_API_URL", "NAMBATS", "PATH"], "1"))


def test_every_variable_that_the_code_names_is_a_setting_or_reserved() -> None:
    """One that is read past the settings would be refused where somebody sets it."""
    sources = [path for room in ("ocr", "normalize", "flows", "tests") for path in (ROOT / room).rglob("*.py")]
    named = {name for path in sources for name in re.findall(r"\bNAMBAT_[A-Z_]*[A-Z]\b", path.read_text())}
    misspelt = {"NAMBAT_SWEEP_CORN", "NAMBAT_JOB", "NAMBAT_TIME_ZONE", "NAMBAT_QQQQQQQQ"}
    of_a_cluster = {name for name in named if name.startswith(("NAMBAT_SERVICE", "NAMBAT_PORT_"))}
    assert named - {*VARIABLES, *NOT_SETTINGS} - misspelt - of_a_cluster == set()


@pytest.mark.parametrize(
    ("name", "value", "what"),
    [
        ("NAMBAT_JOBS", "many", r"write a whole number \(it is 'many'\)"),
        ("NAMBAT_JOBS", "0", "write a number of 1 or more"),
        ("NAMBAT_DPI", "2000", "write a number of 1200 or less"),
        ("NAMBAT_SETTLE", "soon", "write a number"),
        ("NAMBAT_WATCH", "perhaps", "write true or false"),
        ("NAMBAT_REPAIR", "much", "write one of off, safe, full"),
        ("NAMBAT_LANG", "fr", "write one of vi, en"),
        ("NAMBAT_FORMATS", "txt,docx", "there is no such format; write of txt, md, html, json"),
        ("NAMBAT_TIMEZONE", "Hanoi", "no time zone is called so"),
        ("NAMBAT_SWEEP_CRON", "at noon", "that is no cron line"),
    ],
)
def test_what_may_be_written_is_said(monkeypatch: pytest.MonkeyPatch, name: str, value: str, what: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(BadSetting, match=f"{name}: {what}"):
        load()


def test_an_option_is_blamed_for_what_the_option_says() -> None:
    with pytest.raises(BadSetting, match=r"^--jobs: write a number of 1 or more"):
        load(jobs=0)


def test_what_counts_and_where_from(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NAMBAT_HOME", str(tmp_path))
    monkeypatch.setenv("nambat_formats", "md")
    found = {one.variable: one for one in in_force(load())}
    assert sorted(found) == VARIABLES
    assert (found["NAMBAT_HOME"].value, found["NAMBAT_HOME"].is_set) == (str(tmp_path), True)
    assert (found["NAMBAT_FORMATS"].value, found["NAMBAT_FORMATS"].is_set) == ("md,json", True)
    assert (found["NAMBAT_INBOX"].value, found["NAMBAT_INBOX"].is_set) == (str(tmp_path / "inbox"), False)
    assert (found["NAMBAT_DPI"].value, found["NAMBAT_DPI"].is_set) == ("300", False)
    assert all(one.meaning and "{" not in one.meaning for one in found.values())


def test_passwords_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = {
        "PREFECT_SERVER_API_AUTH_STRING": "an:geheim",
        "PREFECT_API_KEY": "geheim",
        "PREFECT_API_URL": "https://an:geheim@server/api",
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": "postgresql://an:geheim@db/x?password=geheim",
        "PREFECT_CLIENT_CUSTOM_HEADERS": '{"X": "geheim"}',
    }
    for name, value in secrets.items():
        monkeypatch.setenv(name, value)
    shown = dict(heeded())
    assert set(secrets) <= set(shown)
    assert "geheim" not in str(shown)
    assert shown["PREFECT_API_URL"] == "https://***@server/api"
