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
from ocr.superscripts.points import point_behind
from ocr.tesseract import ReadLine, ReadWord
from sample_scans.layout import font_files

SIZE = 58  # 14 points at 300 dpi
LEFT, FIRST, PITCH, ABOVE = 350, 300, 120, 70
FAMILIES = ("Liberation Serif", "TeX Gyre Termes", "Liberation Sans")
#: What stands before a mark and behind it.
WORDS = (
    ("hạn", ";"), ("hạn;", ""), ("phố", "."), ("phố.", ""), ("71%", ","), ("71%,", ""), ("nghi", ":"), ("nghi:", ""),
    ("đẹp”", ";"), ("đẹp", "”;"), ("đẹp”;", ""), ("2025)", "."), ("2025", ")."), ("2025).", ""), ("cư", "..."),
    ("trình", ""), ("đô?", ""), ("m", "/s"), ("m", "/h."), ("m", ";"), ("km", "."),
)  # fmt: skip


@cache
def font_of(family: str) -> ImageFont.FreeTypeFont:
    files = [str(file) for file in font_files(family)]
    return ImageFont.truetype(next(file for file in files if "regular" in file.lower()), SIZE)


def line_of(family: str, before: str, behind: str) -> Image.Image:
    """A line of type in which a raised 1 stands between two pieces of a word."""
    font = font_of(family)
    small = font.font_variant(size=round(0.62 * SIZE))
    picture = Image.new("L", (1700, 100), 255)
    pen = ImageDraw.Draw(picture)
    start = "kế hoạch " + before
    pen.text((0, ABOVE), start, font=font, fill=0, anchor="ls")
    at = font.getlength(start) + 2
    pen.text((at, ABOVE - 0.36 * SIZE), "1", font=small, fill=0, anchor="ls")
    pen.text((at + small.getlength("1"), ABOVE), behind + " và các xã", font=font, fill=0, anchor="ls")
    return picture


@cache
def signs_of(family: str, words: tuple[tuple[str, str], ...]) -> list[RaisedSign]:
    """The raised signs that are found on a page with a line for each word, blurred as a scan is."""
    page = Image.new("L", (2480, 3508), 255)
    for number, (before, behind) in enumerate(words):
        page.paste(line_of(family, before, behind), (LEFT, FIRST - ABOVE + PITCH * number))
    image = cv2.GaussianBlur(np.asarray(page), (0, 0), 0.8)
    return find_raised(image, clean.binarize(image))


def attached(family: str, words: tuple[tuple[str, str], ...], number: int, read: str = "") -> str:
    """A word with its mark, given letter boxes as rough as Tesseract's: as if all letters were alike.

    Args:
        read: what it was read as; empty where that is right.
    """
    font, baseline = font_of(family), FIRST + PITCH * number
    (sign,) = (one for one in signs_of(family, words) if abs(one.baseline - baseline) < 0.5 * PITCH)
    before, behind = words[number]
    text = read or before + behind
    left = LEFT + round(font.getlength("kế hoạch "))
    right = sign.box.left if text == before else sign.box.right + 2 + round(font.getlength(behind))
    box = Box(left, baseline - 45, right, baseline + 12)
    step = box.width / len(text)
    boxes = tuple(
        Box(round(left + step * n), box.top, round(left + step * (n + 1)), box.bottom) for n in range(len(text))
    )
    word = ReadWord(text, box, 95.0, tuple(letter(c) for c in text), boxes)
    (found,) = attach([ReadLine((word,), box, float(baseline), 0.0, 27.0, 1)], [sign])[0].words
    (raised,) = found.raised
    return f"{found.text[: raised.offset]}[^1]{found.text[raised.offset :]}"


@pytest.mark.parametrize("number", range(len(WORDS)), ids=["^".join(word) for word in WORDS])
@pytest.mark.parametrize("family", FAMILIES)
def test_a_mark_stands_on_the_side_of_a_sign_on_which_it_was_printed(family: str, number: int) -> None:
    before, behind = WORDS[number]
    assert attached(family, WORDS, number) == f"{before}[^1]{behind}"


@pytest.mark.parametrize("number", range(len(WORDS)), ids=["^".join(word) for word in WORDS])
@pytest.mark.parametrize("family", FAMILIES)
def test_the_point_behind_a_mark_is_told_by_its_shape(family: str, number: int) -> None:
    (sign,) = (one for one in signs_of(family, WORDS) if abs(one.baseline - FIRST - PITCH * number) < 0.5 * PITCH)
    behind = WORDS[number][1]
    assert sign.point == (behind if behind in (".", ",", ":", ";") else "")


def test_a_point_at_the_edge_of_the_page_is_told() -> None:
    ink = np.zeros((200, 300), np.uint8)
    ink[95:100, 292:297] = 255
    assert point_behind(ink, 285, 100.0, 27.0) == "."
    assert point_behind(ink, 298, 100.0, 27.0) == point_behind(ink, 300, 100.0, 27.0) == ""


@pytest.mark.parametrize(
    ("word", "read"),
    [
        (("71%", "."), "71%"),
        (("71%", "."), "71%.."),
        (("71%", "."), "71%..."),
        (("71%", "."), "71%…"),
        (("71%", ","), "71%"),
        (("dân", ";"), "dân,"),
        (("dân", ";"), "dân"),
        (("nghi", ":"), "nghi."),
        (("thao", ";"), "thao?;"),
        (("nối”", "."), "nối”"),
    ],
)
def test_a_point_that_was_misread_beside_the_gap_of_a_mark_is_put_right(word: tuple[str, str], read: str) -> None:
    assert attached(FAMILIES[0], (word, *WORDS), 0, read) == "[^1]".join(word)


def test_the_point_behind_a_mark_that_was_read_as_a_word_is_not_put_there_twice() -> None:
    word, point = Box(1498, 1184, 1686, 1239), Box(1660, 1167, 1688, 1245)  # boxes as rough as Tesseract's
    six = tuple(Box(1498 + 31 * n, 1184, 1529 + 31 * n, 1239) for n in range(6))
    read = ReadWord("nghiệp", word, 95.0, tuple(map(letter, "nghiệp")), six)
    comma = ReadWord(",", point, 95.0, (letter(","),), (point,))
    sign = RaisedSign("3", Box(1656, 1178, 1674, 1205), 99.0, 1230.0, 31.0, point_after=True, behind=1, point=",")
    (found,) = attach([ReadLine((read, comma), word, 1230.0, 0.0, 31.0, 1)], [sign])[0].words
    assert (found.text, [one.offset for one in found.raised]) == ("nghiệp,", [6])


@pytest.mark.parametrize(
    ("word", "read"),
    [
        (("đô?", ""), "đô?"),
        (("nghi", ""), "nghi."),  # nothing is seen behind it: what was read may be print that is not
        (("2025", ")."), "2025)"),
        (("71%", ","), "71%."),  # Tesseract tells these two better
    ],
)
def test_what_is_not_known_of_the_print_behind_a_mark_stays_as_read(word: tuple[str, str], read: str) -> None:
    assert attached(FAMILIES[0], (word, *WORDS), 0, read).replace("[^1]", "") == read


@pytest.mark.parametrize(
    ("text", "behind", "point_before", "kept"),
    [
        ("hạn..", 1, False, "hạn."),
        ("hạn..", 1, True, "hạn.."),
        ("hạn...", 3, False, "hạn..."),
        ("hạn.", 1, False, "hạn."),
        ("m.", 0, False, "m"),
        ("m..", 1, False, "m."),
        ("m:.", 1, False, "m."),
        ("740m-,", 1, False, "740m,"),
        ("phạm.", 0, False, "phạm."),
    ],
)
def test_a_sign_that_was_read_in_the_gap_of_a_raised_one_goes(
    text: str, behind: int, point_before: bool, kept: str
) -> None:
    boxes = tuple(Box(100 + 20 * n, 60, 118 + 20 * n, 100) for n in range(len(text)))
    word = ReadWord(text, Box(100, 60, boxes[-1].right, 100), 95.0, tuple(letter(c) for c in text), boxes)
    right = word.box.right
    place = Box(right - 20, 50, right - 10, 70)
    point = "." if behind == 1 else ""
    sign = RaisedSign("2", place, 99.0, 100.0, 28.0, point_before, point_after=behind > 0, behind=behind, point=point)
    (found,) = attach([ReadLine((word,), word.box, 100.0, 0.0, 28.0, 1)], [sign])[0].words
    assert found.text == kept


@given(st.text("nạ,;:”)", min_size=1, max_size=9), st.integers(1, 9), st.integers(-1, 6))
def test_no_letter_of_a_word_is_lost_or_moved(text: str, offset: int, behind: int) -> None:
    offset = min(offset, len(text))
    boxes = tuple(Box(100 + 20 * n, 60, 118 + 20 * n, 100) for n in range(len(text)))
    word = ReadWord(text, Box(100, 60, boxes[-1].right, 100), 95.0, tuple(letter(c) for c in text), boxes)
    middle = 100 + 20 * offset
    sign = RaisedSign("1", Box(middle - 4, 50, middle + 4, 70), 99.0, 100.0, 28.0, behind=behind)
    (found,) = attach([ReadLine((word,), word.box, 100.0, 0.0, 28.0, 1)], [sign])[0].words
    assert found.text == text
    assert [0 <= raised.offset <= len(text) for raised in found.raised] == [True]
