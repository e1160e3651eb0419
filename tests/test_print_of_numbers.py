"""What the page says of numbers and of lines that were read as one: commas, the space before a unit, two rows."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from ocr.image.components import find_components
from ocr.page import Box, Line, Raised, Word, Zone, hull, letter
from ocr.reread.separators import with_decimal_comma
from ocr.reread.torn_words import read_torn
from ocr.reread.two_rows import read_two_rows
from sample_scans.layout import font_files

FAMILIES = ("Liberation Serif", "TeX Gyre Termes", "Liberation Sans")


@cache
def font_of(family: str, size: int) -> ImageFont.FreeTypeFont:
    files = [str(file) for file in font_files(family)]
    return ImageFont.truetype(next(file for file in files if "regular" in file.lower()), size)


def drawn(text: str, family: str, size: int = 42, blur: float = 1.2, ink: int = 60) -> tuple[np.ndarray, Box]:
    """A line of type as a scanner sees it, and the box of its print."""
    font = font_of(family, size)
    picture = Image.new("L", (700, 160), 245)
    ImageDraw.Draw(picture).text((60, 100), text, font=font, fill=ink, anchor="ls")
    left, top, right, bottom = font.getbbox(text, anchor="ls")
    image = cv2.GaussianBlur(np.asarray(picture), (0, 0), blur)
    return image, Box(60 + int(left), 100 + int(top), 60 + int(right), 100 + int(bottom))


def word(text: str, box: Box, raised: tuple[Raised, ...] = (), confidence: float = 90.0) -> Word:
    return Word(text, box, confidence, tuple(letter(c) for c in text), raised)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("size", [42, 54])
@pytest.mark.parametrize("text", ["54,8", "4,46", "(27,4", "73,9%", "9,5;"])
def test_a_comma_read_as_a_point_hangs_below_the_digits(text: str, size: int, family: str) -> None:
    image, box = drawn(text, family, size)
    assert with_decimal_comma(word(text.replace(",", "."), box), image).text == text


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("text", ["54.8", "4.46", "1.2.", "(3.1)", "7.5;"])
def test_a_point_stays_one(text: str, family: str) -> None:
    image, box = drawn(text, family)
    read = word(text, box)
    assert with_decimal_comma(read, image) is read


@pytest.mark.parametrize("text", ["12.400", "1.250.000", "10.4.2023", "54,8", "tr.54"])
def test_other_numbers_are_not_looked_at(text: str) -> None:
    image, box = drawn(text.replace(".", ","), FAMILIES[0])
    read = word(text, box)
    assert with_decimal_comma(read, image) is read


def measure(text: str, unit: str, family: str) -> tuple[Line, np.ndarray]:
    """A number and its unit with a raised 2 behind it, read as one word, and the ink of the page."""
    image, box = drawn(text + unit, family)
    ink = np.where(image < 170, 255, 0).astype(np.uint8)
    sign = Box(box.right + 2, box.top, box.right + 14, box.top + 18)
    ink[sign.top : sign.bottom, sign.left : sign.right] = 255
    plain = (text + unit).replace(" ", "")
    raised = (Raised(len(plain), "2", 95.0, sign),)
    return Line((word(plain, hull([box, sign]), raised),), hull([box, sign]), 100.0, 20.0), ink


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(("number", "unit"), [("740 ", "m"), ("9.815 ", "m"), ("1.105 ", "km"), ("(12 ", "m")])
def test_a_number_and_its_unit_are_two_words_where_the_page_has_a_space(number: str, unit: str, family: str) -> None:
    line, ink = measure(number, unit, family)
    found = read_torn([line], find_components(ink), lambda box: [])
    assert found is not None
    assert [(one.text, [sign.offset for sign in one.raised]) for one in found[0].words] == [
        (number.strip(), []),
        (unit, [len(unit)]),
    ]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(("number", "unit"), [("740", "m"), ("1.105", "km")])
def test_a_number_printed_together_with_its_unit_stays_so(number: str, unit: str, family: str) -> None:
    line, ink = measure(number, unit, family)
    assert read_torn([line], find_components(ink), lambda box: []) is None


TALL = (word("ven", Box(300, 100, 370, 200), confidence=11), word("nghi:", Box(400, 106, 490, 190), confidence=0))
BESIDE = (word("sáng", Box(520, 104, 600, 146)), word("sử", Box(620, 104, 660, 146)))
SUNK = Line((*TALL, *BESIDE), hull([one.box for one in (*TALL, *BESIDE)]), 140.0, 21.0)
SPECK = Line((word("1", Box(340, 170, 346, 190), confidence=40),), Box(340, 170, 346, 190), 190.0, 12.0)


def row(text: str, baseline: int, confidence: float = 96.0) -> Line:
    words = [
        word(one, Box(300 + 100 * at, baseline - 36, 380 + 100 * at, baseline + 6), confidence=confidence)
        for at, one in enumerate(text.split())
    ]
    return Line(tuple(words), hull([one.box for one in words]), float(baseline), 21.0)


def read_again(rows: list[Line], line: Line = SUNK) -> list[str] | None:
    found = read_two_rows([Zone("notes", (line, SPECK), hull([line.box, SPECK.box]))], lambda box: rows)
    return None if found is None else [one.text for one in found]


def test_words_of_two_rows_go_to_their_lines() -> None:
    assert read_again([row("thống chiếu", 140), row("hội hóa.", 192)]) == ["thống chiếu sáng sử", "hội hóa."]
    assert read_again([row("hội hóa.", 192), row("thống chiếu", 140)]) == ["thống chiếu sáng sử", "hội hóa."]


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [row("thống chiếu", 140)],
        [row("thống chiếu", 140), row("hội hóa.", 150)],  # no two rows
        [row("thống chiếu", 140), row("hội hóa.", 192, 60.0)],
        [row("thống", 140), row("hội", 192), row("x", 240)],
    ],
)
def test_what_reads_no_better_stays(rows: list[Line]) -> None:
    assert read_again(rows) is None


def test_a_sure_word_is_not_parted() -> None:
    sure = Line((*(word(one.text, one.box) for one in TALL), *BESIDE), SUNK.box, 140.0, 21.0)
    assert read_again([row("thống chiếu", 140), row("hội hóa.", 192)], sure) is None
