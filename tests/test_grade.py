"""The grade of a page: words, ink and numbers, each of which alone can make it worse."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from normalize.structure.grade import grade
from ocr.page import Box, Word

BOX = Box(0, 0, 10, 10)
ORDER = ("good", "fair", "poor")


def words(sure: int, weak: int = 0, agreed: int = 0, doubted: int = 0) -> list[Word]:
    return [
        *(Word("nam", BOX, 96.0) for _ in range(sure)),
        *(Word("nầm", BOX, 55.0) for _ in range(weak)),
        *(Word("2024", BOX, 96.0, second="2024") for _ in range(agreed)),
        *(Word("2024", BOX, 96.0, second="2021") for _ in range(doubted)),
    ]


@pytest.mark.parametrize(
    ("page", "ink", "wanted"),
    [
        (words(300), 1.0, "good"),
        (words(300, weak=3), 0.997, "good"),
        (words(300, weak=12), 1.0, "fair"),
        (words(300, weak=60), 1.0, "poor"),
        (words(300), 0.99, "fair"),
        (words(300), 0.8, "poor"),
        (words(300, agreed=20, doubted=1), 1.0, "good"),
        (words(300, agreed=20, doubted=4), 1.0, "fair"),
        (words(300, agreed=3, doubted=4), 1.0, "fair"),
        (words(300, agreed=3, doubted=7), 1.0, "poor"),
        ([], 1.0, "good"),
        ([], 0.0, "poor"),
    ],
)
def test_grades(page: list[Word], ink: float, wanted: str) -> None:
    assert grade(page, ink) == wanted


@given(st.integers(1, 300), st.integers(0, 50), st.integers(0, 20), st.integers(0, 20), st.floats(0, 1))
def test_more_doubt_never_betters_a_grade(sure: int, weak: int, agreed: int, doubted: int, ink: float) -> None:
    before = ORDER.index(grade(words(sure, weak, agreed, doubted), ink))
    assert ORDER.index(grade(words(sure, weak + 5, agreed, doubted + 5), 0.9 * ink)) >= before
