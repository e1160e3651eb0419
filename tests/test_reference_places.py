"""The mark of a footnote stands where it was printed, before the signs at the end of its word or behind them."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont

from ocr.image import clean
from ocr.page import Box, letter
from ocr.superscripts.attach import attach
from ocr.superscripts.find import RaisedSign, find_raised
from ocr.tesseract import ReadLine, ReadWord
from sample_scans.layout import font_files

FILL = "Công tác kiểm tra được duy trì thường xuyên, đúng kế hoạch đã ban hành"
LEFT, BASELINE, SIZE = 350, 640, 58  # 14 points at 300 dpi
FAMILIES = ("Liberation Serif", "TeX Gyre Termes", "Liberation Sans")


@cache
def font_of(family: str) -> ImageFont.FreeTypeFont:
    files = [str(file) for file in font_files(family)]
    return ImageFont.truetype(next(file for file in files if "regular" in file.lower()), SIZE)


def drawn(before: str, behind: str, family: str, blur: float = 0.8) -> tuple[np.ndarray, Box]:
    """A page on which a raised 1 stands between two pieces of a word, and the box of that word's letters."""
    font = font_of(family)
    picture = Image.new("L", (2480, 3508), 255)
    pen = ImageDraw.Draw(picture)
    for n in range(5):
        pen.text((LEFT, 140 + 100 * n), FILL, font=font, fill=0, anchor="ls")
    pen.text((LEFT, BASELINE), "kế hoạch " + before, font=font, fill=0, anchor="ls")
    at = LEFT + font.getlength("kế hoạch " + before)
    small = font.font_variant(size=round(0.62 * SIZE))
    pen.text((at + 2, BASELINE - 0.36 * SIZE), "1", font=small, fill=0, anchor="ls")
    at += 2 + small.getlength("1")
    pen.text((at, BASELINE), behind + " và các xã", font=font, fill=0, anchor="ls")
    start = LEFT + font.getlength("kế hoạch ")
    box = Box(round(start), BASELINE - 45, round(at + font.getlength(behind)), BASELINE + 12)
    return cv2.GaussianBlur(np.asarray(picture), (0, 0), blur), box


def attached(image: np.ndarray, text: str, box: Box) -> str:
    """The word with its mark, given letter boxes as rough as Tesseract's: as if all letters were alike."""
    (sign,) = find_raised(image, clean.binarize(image))
    step = box.width / len(text)
    boxes = tuple(Box(round(box.left + step * n), 600, round(box.left + step * (n + 1)), 650) for n in range(len(text)))
    word = ReadWord(text, box, 95.0, tuple(letter(c) for c in text), boxes)
    (found,) = attach([ReadLine((word,), box, BASELINE, 0.0, 27.0, 1)], [sign])[0].words
    (raised,) = found.raised
    return f"{found.text[: raised.offset]}[^1]{found.text[raised.offset :]}"


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(
    ("before", "behind"),
    [("hạn", ";"), ("hạn;", ""), ("phố", "."), ("phố.", ""), ("71%", ","), ("71%,", ""), ("nghi", ":"), ("nghi:", ""),
     ("đẹp”", ";"), ("đẹp", "”;"), ("đẹp”;", ""), ("2025)", "."), ("2025", ")."), ("2025).", ""), ("cư", "..."),
     ("trình", ""), ("đô", "!"), ("đô?", "")],
)  # fmt: skip
def test_a_mark_stands_on_the_side_of_a_sign_on_which_it_was_printed(family: str, before: str, behind: str) -> None:
    image, box = drawn(before, behind, family)
    assert attached(image, before + behind, box) == f"{before}[^1]{behind}"


@pytest.mark.parametrize("behind", ["/s", "/h.", ";"])
def test_an_exponent_stands_behind_its_unit(behind: str) -> None:
    image, box = drawn("m", behind, FAMILIES[0])
    assert attached(image, "m" + behind, box) == f"m[^1]{behind}"


@given(st.text("nạ.,;:”)m", min_size=1, max_size=9), st.integers(1, 9), st.integers(-1, 6))
def test_no_letter_of_a_word_is_lost_or_moved(text: str, offset: int, behind: int) -> None:
    offset = min(offset, len(text))
    boxes = tuple(Box(100 + 20 * n, 60, 118 + 20 * n, 100) for n in range(len(text)))
    word = ReadWord(text, Box(100, 60, boxes[-1].right, 100), 95.0, tuple(letter(c) for c in text), boxes)
    middle = 100 + 20 * offset
    sign = RaisedSign("1", Box(middle - 4, 50, middle + 4, 70), 99.0, 100.0, 28.0, behind=behind)
    (found,) = attach([ReadLine((word,), word.box, 100.0, 0.0, 28.0, 1)], [sign])[0].words
    assert found.text == text
    assert [0 <= raised.offset <= len(text) for raised in found.raised] == [True]
