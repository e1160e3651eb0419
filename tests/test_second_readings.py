"""Numbers read twice: what the second reading mends, what it only doubts, and how it is read off the page."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from normalize.document import Block, Document, Source, Token
from normalize.formats import to_dict
from normalize.repair.repair import repair, undo
from ocr.page import Page, from_json, lines_of, to_json, zone_of
from ocr.rasterize import rasterize
from ocr.reread.numbers import read_twice
from ocr.tesseract import read_rows
from tests.typeset import page

CASES = json.loads((Path(__file__).parent / "cases" / "second_readings.json").read_text(encoding="utf-8"))
SAMPLE = Path(__file__).parent.parent / "sample_scans" / "bao_cao_clean300.pdf"


def document(case: dict[str, Any]) -> Document:
    tokens = tuple(Token(word, 1, None, 60.0, second=case["second"].get(word)) for word in case["before"].split())
    return Document(Source("test.pdf", "", 1, 0), (Block("paragraph", tokens, 1),))


@pytest.mark.parametrize("case", CASES, ids=[case["label"] for case in CASES])
def test_cases(case: dict[str, Any]) -> None:
    before = document(case)
    after = repair(before)
    assert after.blocks[0].text == (case["after"] or case["before"])
    assert undo(after) == before
    assert repair(after) == after
    assert [doubt["text"] for doubt in to_dict(after)["doubts"]] == case.get("doubted", [])


@pytest.mark.parametrize(("role", "becomes"), [("letterhead", "2?2"), ("paragraph", "259")])
def test_what_a_pen_filled_in_is_not_read_by_the_second_reader_either(role: str, becomes: str) -> None:
    """Two readers of a number by hand are two guesses."""
    tokens = (Token("Số:", 1), Token("2?2", 1, None, 40.0, second="259"), Token("/KH-SYT", 1))
    before = Document(Source("test.pdf", "", 1, 0), (Block(role, tokens, 1),))
    assert repair(before).blocks[0].text == f"Số: {becomes} /KH-SYT"


def doubtful(rows: list[str]) -> Page:
    """A page whose words were not read surely."""
    typeset = page(1, rows)
    unsure = [
        replace(one, words=tuple(replace(word, confidence=90.0) for word in one.words))
        for one in lines_of(typeset.zones)
    ]
    return replace(typeset, zones=zone_of("text", unsure))


def test_a_number_read_surely_is_not_read_again() -> None:
    typeset = page(1, ["T Năm 2024 có 1.250 hộ.<"])
    assert read_twice(typeset.zones, np.zeros((400, 2400), np.uint8), lambda rows: ["0"] * len(rows)) == typeset.zones


def test_every_doubtful_word_with_digits_is_read_again_and_no_other() -> None:
    typeset = doubtful(["T Năm 2024 có 1.250 hộ nghèo, giảm¹ 12 hộ.<"])
    seen: list[tuple[int, ...]] = []

    def reader(rows: list[np.ndarray]) -> list[str]:
        seen.extend(row.shape for row in rows)
        return ["2024", "1.260", ""]

    zones = read_twice(typeset.zones, np.full((typeset.height, typeset.width), 255, np.uint8), reader)
    words = [word for zone in zones for line in zone.lines for word in line.words]
    assert {word.text: word.second for word in words if word.second} == {"2024": "2024", "1.250": "1.260"}
    assert len(seen) == 3
    assert len({height for height, _ in seen}) == 1
    assert [replace(word, second=None) for word in words] == typeset.words


def test_the_record_of_a_page_keeps_the_second_reading() -> None:
    typeset = doubtful(["T Năm 2024 có 1.250 hộ.<"])
    zones = read_twice(typeset.zones, np.full((400, 2400), 255, np.uint8), lambda rows: ["2024"] * len(rows))
    assert from_json(to_json(replace(typeset, zones=zones))) == replace(typeset, zones=zones)


def test_no_numbers_no_second_reader() -> None:
    def reader(rows: list[np.ndarray]) -> list[str]:
        assert not rows
        return []

    typeset = doubtful(["T Không có con số nào.<"])
    assert read_twice(typeset.zones, np.zeros((400, 2400), np.uint8), reader) == typeset.zones


def test_the_second_model_reads_the_figures_of_a_sample(sample: Page) -> None:
    image, _ = rasterize(SAMPLE, 1)
    grey = image if image.ndim == 2 else image[:, :, 0]
    zones = read_twice(sample.zones, grey, read_rows)
    numbers = [word for zone in zones for line in zone.lines for word in line.words if word.second]
    assert len(numbers) > 2
    agree = sum(not Token(word.text, second=word.second).doubted for word in numbers)
    assert agree >= 0.5 * len(numbers)


@pytest.fixture
def sample() -> Page:
    from ocr.reading import read_page

    return read_page(SAMPLE, 1)
