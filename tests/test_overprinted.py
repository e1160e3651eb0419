"""Printed lines under seals and strokes of the pen, read by a network of our own: what is there, or nothing sure."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont

from normalize.document import Block, Token
from normalize.facts.signature import read_signature
from ocr.image.clean import binarize
from ocr.image.components import find_components
from ocr.image.seals import Seal
from ocr.page import Box, Line, Raised, Word, Zone, hull, lines_of
from ocr.reread.overprinted import drawn_lines, network
from ocr.reread.overprinted.about_seals import read_about_seals
from ocr.reread.overprinted.network import LETTERS
from sample_scans.layout import font_files

#: Pixels: of an x-height of 14 points at 300 dpi; of the page, and of the seal on it.
X_HEIGHT = 26.5
HEIGHT, WIDTH = 900, 1400
SEAL = Seal(480, 430, 205, np.zeros(230))
#: What a name or an office is told by.
SURE = 60


@cache
def face(style: str) -> ImageFont.FreeTypeFont:
    file = next(path for path in font_files("Liberation Serif") if path.stem.endswith(f"-{style}"))
    return ImageFont.truetype(str(file), 56)


def printed(*lines: tuple[str, int], style: str = "Bold") -> np.ndarray:
    """A page with some lines, each at the height of its feet, that begin within the seal's left half."""
    page = Image.new("L", (WIDTH, HEIGHT), 255)
    for text, feet in lines:
        ImageDraw.Draw(page).text((420, feet), text, 0, face(style), anchor="ls")
    return np.asarray(page).copy()


def sealed(page: np.ndarray, shade: int = 60) -> np.ndarray:
    """The page with the rings of a seal over it."""
    over = np.full_like(page, 255)
    for share, wide in ((1.0, 8), (0.93, 2), (0.68, 3)):
        cv2.circle(over, (SEAL.x, SEAL.y), round(share * SEAL.radius), shade, wide, cv2.LINE_AA)
    return np.minimum(page, over)


def stroked(page: np.ndarray, *corners: tuple[int, int], wide: int = 6) -> np.ndarray:
    """The page with strokes of the pen over it."""
    out = page.copy()
    cv2.polylines(out, [np.array(corners, np.int32)], False, 10, wide, cv2.LINE_AA)
    return out


def read(page: np.ndarray, bare: np.ndarray | None = None, already: Sequence[Word] = ()) -> dict[str, float]:
    """The lines that are read about the seal beyond what Tesseract already read, and the least confidence in each."""
    bare = page if bare is None else bare
    body = Line((Word("thi", Box(900, 40, 960, 80), 96.0),), Box(900, 40, 960, 80), 80.0, X_HEIGHT)
    old = [Line(tuple(already), hull([word.box for word in already]), 640.0, X_HEIGHT)] if already else []
    zones = [Zone("text", (body, *old), body.box)]
    found = read_about_seals(zones, [SEAL], find_components(binarize(bare)), [lambda _: []], [page, bare])
    lines = [line for line in found or lines_of(zones) if line.text != body.text]
    return {line.text: min(word.confidence for word in line.words) for line in lines}


@pytest.mark.parametrize("text", ["BỘ TRƯỞNG", "PHÓ GIÁM ĐỐC", "KT. CHỦ TỊCH", "Nguyễn Văn Phúc", "Lê Thị Ngọc Hà"])
def test_a_line_under_rings_and_a_stroke_is_read(text: str) -> None:
    bare = stroked(printed((text, 620)), (300, 700), (700, 610), (1100, 560))
    found = read(sealed(bare), bare)
    assert list(found) == [text]
    assert found[text] >= SURE


@pytest.mark.parametrize("name", ["Lê Hữu Phúc", "Lê Hữu Phục", "Lê Hữu Phức", "Lê Hứu Phúc", "Lệ Hữu Phúc"])
def test_a_name_one_mark_away_is_not_the_usual_one(name: str) -> None:
    found = read(stroked(printed((name, 640)), (300, 690), (700, 625), (1100, 540)))
    assert list(found) == [name]


@pytest.mark.parametrize("text", ["Nguyễn Văn Phúc", "GIÁM ĐỐC"])
def test_what_is_crossed_out_wholly_is_not_sure(text: str) -> None:
    page = printed((text, 640))
    for shift in range(0, 60, 9):
        zigzag = [(400 + 25 * n + shift, 570 if n % 2 else 655) for n in range(22)]
        page = stroked(page, *zigzag, wide=7)
    assert not [line for line, confidence in read(page).items() if confidence >= SURE]


@pytest.mark.parametrize("shade", [20, 120])
def test_no_line_is_read_where_none_is_printed(shade: int) -> None:
    page = sealed(np.full((HEIGHT, WIDTH), 255, np.uint8), shade)
    page = stroked(page, (300, 600), (450, 420), (520, 600), (600, 400), (700, 560), (1200, 480))
    assert read(page) == {}


def test_a_word_that_is_hidden_before_an_office_leaves_its_first_word_in_doubt() -> None:
    """GIÁM ĐỐC is what remains of PHÓ GIÁM ĐỐC when its first word is a blot."""
    page = printed(("PHÓ GIÁM ĐỐC", 690))
    cv2.rectangle(page, (415, 640), (415 + round(face("Bold").getlength("PHÓ")) + 6, 692), 0, -1)
    told = [line for line, confidence in read(page).items() if confidence >= SURE]
    assert told == []


def test_letters_by_hand_before_an_office_leave_it_in_doubt() -> None:
    page = printed(("GIÁM ĐỐC", 690))
    for stroke in (((300, 650), (300, 690)), ((335, 648), (303, 670), (338, 692)), ((345, 650), (390, 650))):
        page = stroked(page, *stroke, wide=4)
    page = stroked(page, (367, 650), (367, 690), wide=4)
    assert not [line for line, confidence in read(page).items() if line == "GIÁM ĐỐC" and confidence >= SURE]


@pytest.mark.parametrize(
    ("name", "confidence", "told"),
    [
        ("TRƯƠNG THỊ BÍCH", 95.0, "TRƯƠNG THỊ BÍCH"),
        ("TRƯƠNG THỊ BÍCH", 72.0, None),
        ("Trương Thị Bích", 95.0, "Trương Thị Bích"),
        ("Trương Thị Bích", 50.0, None),
    ],
)
def test_a_name_in_capitals_is_told_only_where_it_is_surer_than_an_office(
    name: str, confidence: float, told: str | None
) -> None:
    rows = [("GIÁM ĐỐC", 72.0), (name, confidence)]
    blocks = [Block("signature", tuple(Token(word, confidence=sure) for word in row.split())) for row, sure in rows]
    signature = read_signature(blocks)
    assert (signature.signer, signature.title) == (told, "GIÁM ĐỐC")


def test_words_with_raised_signs_and_sure_words_beside_are_not_lost() -> None:
    page = printed(("Nguyễn Văn Phúc", 640))
    place = Box(420, 590, 860, 640)
    raised = Word("Phuc", place, 64.0, raised=(Raised(4, "2", 90.0, Box(850, 580, 860, 600)),))
    beside = Word("Sao", Box(880, 600, 916, 640), 94.0)
    assert list(read(page, already=[replace(raised, raised=())])) == ["Nguyễn Văn Phúc"]
    assert list(read(page, already=[raised])) == ["Phuc"]
    assert list(read(page, already=[Word("A&B", place, 82.0)])) == ["A&B"]
    assert list(read(page, already=[replace(raised, raised=()), beside])) == ["Nguyễn Văn Phúc Sao"]


def test_the_weights_are_small() -> None:
    assert network.WEIGHTS.stat().st_size < 2_000_000


def test_odds_are_of_every_part_of_a_line_and_sum_to_one() -> None:
    odds = network.odds(np.random.default_rng(1).random((network.HEIGHT, 200)).astype(np.float32), network.load())
    assert odds.shape == (200 // network.STRIDE, 1 + len(LETTERS))
    assert odds.sum(axis=1) == pytest.approx(1.0, abs=1e-4)


@given(st.lists(st.integers(0, len(LETTERS)), max_size=30))
def test_what_goes_on_is_one_letter(path: list[int]) -> None:
    reading = network.decoded(np.eye(1 + len(LETTERS))[path] if path else np.zeros((0, 1 + len(LETTERS))))
    assert len(reading.text) == len(reading.odds) == len(reading.columns)
    assert list(reading.columns) == sorted(reading.columns)
    once = [one for one, before in zip(path, [0, *path], strict=False) if one and one != before]
    assert reading.text == "".join(LETTERS[one - 1] for one in once).strip(" ")


@given(st.integers(0, 2**32 - 1))
def test_texts_to_learn_from_are_of_letters_that_can_be_answered(seed: int) -> None:
    text = drawn_lines.a_text(np.random.default_rng(seed))
    assert set(text) <= set(LETTERS)
    assert text == unicodedata.normalize("NFC", text)


def test_a_drawn_line_is_a_picture_that_the_network_takes() -> None:
    random = np.random.default_rng(2)
    fonts = [str(Path(file)) for file in font_files("Liberation Serif")]
    stamps = drawn_lines.make_stamps(2, fonts, random)
    for _ in range(5):
        line, text = drawn_lines.a_line(random, fonts, stamps, 576)
        assert line.shape == (network.HEIGHT, 576)
        assert line.dtype == np.uint8
        assert not text or line.std() > 2
