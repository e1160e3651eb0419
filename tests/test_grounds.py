"""Print on dots, on one grey, or in white on dark becomes dark letters on paper; other pages stay as they are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from ocr.image.clean import binarize, clean
from ocr.image.grounds import even_shades, without_grounds

HEAD = (300, 200, 1900, 320)  # left, top, right, bottom
BAYER = np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]]) * 16 + 8


def table(ground: int, letters: int) -> np.ndarray:
    """The upper part of a page at 300 dpi: a line of text, and a table with its head on a ground."""
    page = np.full((700, 2480), 255, np.uint8)
    cv2.putText(page, "Bao cao ket qua thuc hien nhu sau", (300, 120), cv2.FONT_HERSHEY_COMPLEX, 1.8, 0, 4)
    left, top, right, bottom = HEAD
    page[top:bottom, left:right] = ground
    for text, x in (("STT", 330), ("Noi dung", 600), ("So luong", 1300)):
        cv2.putText(page, text, (x, 280), cv2.FONT_HERSHEY_COMPLEX, 1.8, letters, 5)
    for x in (left, 500, 1200, right):
        cv2.line(page, (x, top if letters < ground else bottom), (x, 500), 0, 4)
    for y in (top, bottom, 410, 500):
        cv2.line(page, (left, y), (right, y), 0, 4)
    return page


def dithered(page: np.ndarray, scale: int) -> np.ndarray:
    height, width = page.shape
    cell = np.kron(BAYER, np.ones((scale, scale), int))
    limits = np.tile(cell, (height // len(cell) + 1, width // len(cell) + 1))[:height, :width]
    return np.where(page > limits, 255, 0).astype(np.uint8)


def ink_of(page: np.ndarray) -> np.ndarray:
    return np.where(page < 128, 255, 0).astype(np.uint8)


def alike(found: np.ndarray, plain: np.ndarray) -> float:
    """Share of the ink of either that both have, in the head, borders aside, letters a pixel off not minded."""
    left, top, _, bottom = HEAD
    inside = np.s_[top + 10 : bottom - 10, left + 10 : 490]
    one, other = found[inside] > 0, plain[inside] > 0
    near = np.ones((5, 5), np.uint8)
    hit = (one & (cv2.dilate(plain[inside], near) > 0)).sum() + (other & (cv2.dilate(found[inside], near) > 0)).sum()
    return float(hit / (one.sum() + other.sum()))


PLAIN = ink_of(table(255, 0))


@pytest.mark.parametrize("scale", [1, 2, 3])
@pytest.mark.parametrize("ground", [215, 190, 150])
def test_a_head_on_dots(ground: int, scale: int) -> None:
    page = dithered(table(ground, 0), scale)
    lifted, ink = without_grounds(page, ink_of(page))
    assert lifted is not page
    assert alike(ink, PLAIN) > 0.9


@pytest.mark.parametrize("ground", [0, 70])
def test_a_head_in_white_on_dark_and_its_borders(ground: int) -> None:
    page = table(ground, 255)
    _, ink = without_grounds(page, ink_of(page))
    assert alike(ink, PLAIN) > 0.9
    _, top, _, bottom = HEAD
    assert all((ink[top + 8 : bottom - 8, x] > 0).all() for x in (500, 1200))


def test_a_head_in_white_on_dark_dots() -> None:
    page = dithered(table(60, 255), 1)
    assert alike(without_grounds(page, ink_of(page))[1], PLAIN) > 0.9


def _text(page: np.ndarray) -> None:
    for y in range(80, 690, 44):
        cv2.putText(page, "Uy ban nhan dan huyen bao cao ket qua thuc hien " * 2, (60, y), 3, 1.1, 0, 4)


def _specks(page: np.ndarray) -> None:
    for x, y in np.random.default_rng(2).integers((0, 0), (2480, 700), (1500, 2)):
        page[y : y + 2, x : x + 2] = 0


def _black_bar(page: np.ndarray) -> None:
    page[:, 2380:] = 0


def _grid(page: np.ndarray) -> None:
    for x in range(300, 2000, 60):
        cv2.line(page, (x, 100), (x, 600), 0, 4)
    for y in range(100, 601, 50):
        cv2.line(page, (300, y), (2000, y), 0, 4)


def _worn_words(page: np.ndarray) -> None:
    """Words in bold capitals of which a worn bilevel scan left dots: as full of them as a ground, and lower."""
    for x in range(300, 2000, 400):
        page[200:244, x : x + 200] = dithered(np.full((44, 200), 150, np.uint8), 2)


@pytest.mark.parametrize("draw", [_text, _specks, _black_bar, _grid, _worn_words, lambda page: None])
def test_what_is_no_ground_stays(draw: object) -> None:
    page = np.full((700, 2480), 255, np.uint8)
    draw(page)  # type: ignore[operator]
    ink = ink_of(page)
    lifted, after = without_grounds(page, ink)
    assert lifted is page
    assert after is ink


SAMPLE = Path(__file__).parent.parent / "sample_scans" / "giay_moi_trang_1.jpg"


def sample() -> np.ndarray:
    """A page with a grey seal, ``(height, width)`` grey at 200 dpi."""
    with Image.open(SAMPLE) as image:
        return np.asarray(image.convert("L"))


def marked(page: np.ndarray) -> np.ndarray:
    """A line marked with a pen."""
    out = page.copy()
    out[820:870, 200:1500] = out[820:870, 200:1500] * 0.7
    return out


def darkened(page: np.ndarray) -> np.ndarray:
    """A band across the page, and half of it darker still."""
    out = page.copy()
    out[1000:1060] = out[1000:1060] * 0.55
    return out


def watermarked(page: np.ndarray) -> np.ndarray:
    mark = np.full(page.shape, 255, np.uint8)
    cv2.putText(mark, "SAO Y", (250, 1300), cv2.FONT_HERSHEY_SIMPLEX, 9, 170, 34)
    turning = cv2.getRotationMatrix2D((page.shape[1] / 2, 1200), 25, 1)
    mark = cv2.warpAffine(mark, turning, page.shape[::-1], borderValue=255)
    return np.minimum(page, mark)


@pytest.mark.parametrize("ground", [marked, darkened, watermarked])
def test_print_on_one_grey(ground: Callable[[np.ndarray], np.ndarray]) -> None:
    """The ink of its letters is that of the same page without the ground, but for their edges."""
    plain, found = clean(sample()).ink > 0, clean(ground(sample())).ink > 0
    near = np.ones((5, 5), np.uint8)
    strange = found & (cv2.dilate(plain.astype(np.uint8), near) == 0)
    lost = plain & (cv2.dilate(found.astype(np.uint8), near) == 0)
    assert strange.sum() < 0.02 * plain.sum()
    assert lost.sum() < 0.01 * plain.sum()


@pytest.mark.parametrize("height", [90, 200, 700])
def test_pages_without_grounds_stay_as_they_are(height: int) -> None:
    page = sample()[:, :]
    assert even_shades(page) is page
    part = np.ascontiguousarray(page[1450 : 1450 + height])  # the seal with its star among them
    assert even_shades(part) is part


def test_letters_in_white_on_grey_stay() -> None:
    page = table(120, 255)
    assert np.array_equal(even_shades(page)[200:320, 310:1890], page[200:320, 310:1890])


def test_a_photograph_stays() -> None:
    page = sample().copy()
    rows, columns = np.mgrid[0:500, 0:600]
    page[1400:1900, 500:1100] = (110 + 60 * np.sin(rows / 60) * np.cos(columns / 80)).astype(np.uint8)
    assert even_shades(page) is page


def test_a_black_block_stays_black() -> None:
    page = sample().copy()
    page[2000:2200, 100:1500] = 20
    assert (binarize(even_shades(page))[2020:2180, 120:1480] > 0).all()
