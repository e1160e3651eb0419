"""Which published documents are read again, and that they are, once, and nothing is lost."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.review.readings import COUNTS, BadCondition, Reading, condition, older_than

ZONE = "Asia/Ho_Chi_Minh"
READING = Reading("a.json", "0" * 64, 10, "0.1.0", 12, (60.0, 80.0, 95.0), 2, 1, 4, 30.0, 0.0)


def holds(text: str, reading: Reading = READING, low: float = 75) -> bool:
    return condition(text, low, ZONE)(reading)


@pytest.mark.parametrize(
    ("text", "is_so"),
    [
        ("low pages > 0", True),
        ("low pages > 1", False),
        ("low pages", True),
        ("Low  Pages  >=  1", True),
        ("poor pages = 2", True),
        ("poor pages == 2", True),
        ("poor pages != 2", False),
        ("unread pages<1", False),
        ("warnings > 3 and pages < 13", True),
        ("warnings > 3 and pages < 12", False),
        ("warnings>3 AND pages<=12 and unread pages", True),
        ("published before 1970-01-02", True),
        ("published since 1970-01-02", False),
        ("published since 1970-01-01 and published before 1970-01-02", True),
    ],
)
def test_conditions(text: str, is_so: bool) -> None:
    assert holds(text) is is_so


def test_a_page_is_low_below_the_setting() -> None:
    assert [holds("low pages = 2", low=low) for low in (75, 90)] == [False, True]


def test_days_begin_in_the_set_zone() -> None:
    for hour, is_before in ((0, False), (-1, True)):
        moment = datetime(2026, 1, 31, tzinfo=ZoneInfo(ZONE)).timestamp() + hour
        assert holds("published before 2026-01-31", replace(READING, published=moment)) is is_before


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no condition"),
        ("bad pages > 0", "nothing is called 'bad pages'; pages, low pages"),
        ("pages > many", "no condition"),
        ("pages > -1", "no condition"),
        ("pages > 0 or warnings > 0", "no condition"),
        ("pages > 0 and", "no condition"),
        ("published before yesterday", "'yesterday' is no day"),
        ("published before 2026-13-01", "no day"),
        ("__import__('os')", "no condition"),
    ],
)
def test_what_is_no_condition_is_said_in_one_line(text: str, said: str) -> None:
    with pytest.raises(BadCondition) as fault:
        condition(text, 75, ZONE)
    assert said in str(fault.value)
    assert "\n" not in str(fault.value)


@given(st.text(max_size=40))
def test_any_text_is_a_condition_or_none(text: str) -> None:
    try:
        assert holds(text) in (True, False)
    except BadCondition as fault:
        assert str(fault)


SIGNS = {">": "__gt__", ">=": "__ge__", "<": "__lt__", "<=": "__le__", "=": "__eq__", "!=": "__ne__"}


@given(
    st.lists(st.tuples(st.sampled_from(sorted(COUNTS)), st.sampled_from(sorted(SIGNS)), st.integers(0, 20)), min_size=1)
)
def test_all_of_several_comparisons_must_hold(comparisons: list[tuple[str, str, int]]) -> None:
    text = " and ".join(f"{name} {sign} {number}" for name, sign, number in comparisons)
    expected = all(getattr(COUNTS[name](READING, 75), SIGNS[sign])(number) for name, sign, number in comparisons)
    assert holds(text) is expected


@pytest.mark.parametrize(
    ("read_by", "older"),
    [("", True), ("0.1.0", True), ("0.1.9", True), ("0.2.0", False), ("0.2", False), ("0.10.0", False), ("x", True)],
)
def test_versions(read_by: str, older: bool) -> None:
    assert older_than("0.2", "0.11.0")(replace(READING, version=read_by)) is older


@pytest.mark.parametrize(("text", "said"), [("new", "no version"), ("", "no version"), ("0.3", "this is nambat 0.2.1")])
def test_versions_that_cannot_be(text: str, said: str) -> None:
    with pytest.raises(BadCondition, match=said):
        older_than(text, "0.2.1")
