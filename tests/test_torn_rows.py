"""Seams across a picture: print that goes on beside itself is found, print that does not is left alone."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from PIL import Image

from ocr.image.torn_rows import find_seam
from tests.bad_inputs import SAMPLE


def page() -> np.ndarray:
    """The upper half of a scan, at the resolution that pages are rendered at."""
    with Image.open(SAMPLE) as image:
        part = image.convert("L").crop((0, 0, image.width, image.height // 2))
        return np.asarray(part.resize((part.width * 3 // 2, part.height * 3 // 2)))


PAGE = page()
#: Through the middle of a line of text.
ROW = 1268


def displaced(row: int, by: int) -> np.ndarray:
    """The page, from a row on ``by`` pixels further to the right, as if so many had been put in."""
    flat = PAGE.reshape(-1)
    at = row * PAGE.shape[1]
    return np.concatenate([flat[: at + by], flat[at : len(flat) - by]]).reshape(PAGE.shape)


def in_blocks(row: int, by: int) -> np.ndarray:
    """From the middle of a row of blocks on, the page is ``by`` pixels further to the right, as in a JPEG."""
    out, middle = PAGE.copy(), PAGE.shape[1] // 3
    moved = np.roll(PAGE, by, axis=1)
    out[row : row + 12, middle:] = moved[row : row + 12, middle:]
    out[row + 12 :] = moved[row + 12 :]
    return out


@pytest.mark.parametrize("by", [8, 12, 24, -24, 90])
def test_a_page_that_goes_on_beside_itself_has_a_seam(by: int) -> None:
    found = find_seam(displaced(ROW, by) if by > 0 else displaced(ROW, -by)[:, ::-1], 300)
    assert found is not None
    assert abs(found - ROW) <= 4


@pytest.mark.parametrize("by", [12, 24])
def test_one_of_blocks_has_two(by: int) -> None:
    found = find_seam(in_blocks(ROW, by), 300)
    assert found is not None
    assert ROW - 4 <= found <= ROW + 16


@pytest.mark.parametrize("turn", [0, 1])
@pytest.mark.parametrize("colour", [False, True])
def test_a_whole_page_has_none(turn: int, colour: bool) -> None:
    image = np.ascontiguousarray(np.rot90(PAGE, turn))
    assert find_seam(cv2.cvtColor(image, cv2.COLOR_GRAY2RGB) if colour else image, 300) is None


def test_nor_has_one_that_is_moved_where_nothing_is_cut() -> None:
    """Between two lines a seam cannot be seen, and no letter is hurt."""
    blank = int(np.flatnonzero((PAGE > 200).all(axis=1) & (np.arange(len(PAGE)) > ROW))[0])
    assert find_seam(displaced(blank + 2, 3), 300) is None


def dotted(slope: float) -> np.ndarray:
    out = np.full((300, 2000), 255, np.uint8)
    for x in range(100, 1900, 14):
        cv2.circle(out, (x, round(150 + slope * x)), 3, 0, -1)
    return out


def hatched(aslant: float) -> np.ndarray:
    y, x = np.mgrid[:600, :2000]
    return np.where((x + aslant * y) % 20 < 6, 0, 255).astype(np.uint8)


def screened() -> np.ndarray:
    """A grey as printers make it: dots in rows, each set between those of the row above."""
    y, x = np.mgrid[:600, :2000]
    return np.where(np.cos(x * np.pi / 6) + np.cos(y * np.pi / 4) < -0.9, 0, 255).astype(np.uint8)


def offset_cells() -> np.ndarray:
    """Two columns of a table whose lines stand half a line apart."""
    out = PAGE.copy()
    half = out.shape[1] // 2
    out[:, half:] = np.roll(out, 21, axis=0)[:, half:]
    return out


@pytest.mark.parametrize(
    "image",
    [
        dotted(0.0),
        dotted(0.01),
        hatched(1.0),
        hatched(3.0),
        screened(),
        offset_cells(),
        np.full((400, 900), 255, np.uint8),
        np.zeros((2, 30), np.uint8),
        np.random.default_rng(1).integers(0, 256, (500, 1500)).astype(np.uint8),
        np.vstack([PAGE[:ROW], PAGE[ROW + 200 :]]),
    ],
    ids=["dots", "dots aslant", "hatched", "hatched flat", "screened", "cells", "white", "tiny", "noise", "joined"],
)
def test_what_merely_resembles_one_is_none(image: np.ndarray) -> None:
    assert find_seam(image, 300) is None
