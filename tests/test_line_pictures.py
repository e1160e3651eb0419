"""The small pictures of a report: of the right place, on pages that were turned, and small."""

from __future__ import annotations

import io
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np
import pytest
from PIL import Image

from flows import ingest
from flows.intake.claims import ClaimStore
from flows.pipeline import stages
from flows.pipeline.to_check import Check
from flows.pipeline.workers import WorkerPool
from flows.service import reports
from ocr.faults import PageFault
from ocr.line_pictures import line_pictures
from ocr.page import Box, Place
from tests.test_reports import FINE

WORD = Box(800, 500, 920, 540)


@pytest.fixture
def page() -> np.ndarray:
    """Upright: paper with a black word, and grey lines about it."""
    image = np.full((1600, 1200), 255, np.uint8)
    for y in range(100, 1500, 80):
        cv2.rectangle(image, (100, y), (700, y + 30), 200, -1)
    cv2.rectangle(image, WORD[:2], (WORD.right - 1, WORD.bottom - 1), 0, -1)
    return image


def saved(image: np.ndarray, path: Path) -> Path:
    Image.fromarray(image).save(path, dpi=(300, 300))
    return path


def shades(picture: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(picture)).convert("RGB"), dtype=np.int16)


def check(picture: bytes) -> None:
    """The black word stands in its red frame, and there is some of the page about it."""
    colours = shades(picture)
    red = (colours[..., 0] > 150) & (colours[..., 1] < 90)
    rows, columns = np.nonzero(red)
    inside = colours[rows.min() + 1 : rows.max(), columns.min() + 1 : columns.max(), 1]
    assert (inside < 90).mean() > 0.7, "the word"
    outside = np.delete(colours[..., 1], np.s_[columns.min() - 1 : columns.max() + 2], axis=1)
    assert (outside > 180).mean() > 0.95, "paper, not another word"
    assert colours.shape[0] <= 160 and colours.shape[1] <= 640
    assert len(picture) < 4000


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_a_page_that_was_turned(page: np.ndarray, tmp_path: Path, rotation: int) -> None:
    """What lies on its side is turned clockwise by so much, and boxes are of the page as it was read."""
    lying = np.ascontiguousarray(np.rot90(page, rotation // 90))
    (picture,) = line_pictures(saved(lying, tmp_path / "a.png"), [Place(1, WORD, 300, rotation, 0.0)])
    check(picture)


def test_a_page_that_hung(page: np.ndarray, tmp_path: Path) -> None:
    height, width = page.shape
    turning = cv2.getRotationMatrix2D((width / 2, height / 2), -3.0, 1.0)
    hanging = cv2.warpAffine(page, turning, (width, height), borderValue=255)
    (picture,) = line_pictures(saved(hanging, tmp_path / "a.png"), [Place(1, WORD, 300, 0, 3.0)])
    check(picture)


def test_each_in_its_order_and_none_where_the_page_is_another(page: np.ndarray, tmp_path: Path) -> None:
    path = saved(page, tmp_path / "a.png")
    gone, edge = Box(5000, 5000, 5010, 5010), Box(1150, 1580, 1300, 1700)
    places = [Place(1, box, dpi, 0, 0.0) for box, dpi in ((edge, 300), (WORD, 300), (gone, 300), (WORD, 200))]
    found = line_pictures(path, places)
    assert [bool(picture) for picture in found] == [True, True, False, False]
    check(found[1])
    assert line_pictures(path, []) == []


def test_a_place_of_many_lines_is_no_larger(page: np.ndarray, tmp_path: Path) -> None:
    path = saved(cv2.randu(page, 0, 255), tmp_path / "a.png")
    (picture,) = line_pictures(path, [Place(1, Box(100, 100, 1100, 1500), 300, 0, 0.0)])
    assert max(shades(picture).shape) <= 640
    assert shades(picture).shape[0] <= 160


CHECKS = (
    Check("fact", 1, "The subject is left empty."),
    Check("word", 1, "“a” was read with a confidence of 4.", place=Place(1, WORD, 300, 0, 0.0)),
    Check("word", 1, "“b” was read with a confidence of 9.", place=Place(1, WORD, 300, 0, 0.0)),
)


def test_some_of_the_checks_get_pictures(page: np.ndarray, tmp_path: Path) -> None:
    found = stages.with_pictures(saved(page, tmp_path / "a.png"), CHECKS, 1, 300, 30, 60_000_000)
    assert [bool(one.picture) for one in found] == [False, True, False]
    check(found[1].picture)
    assert tuple(replace(one, picture=b"") for one in found) == CHECKS


class Refusing:
    """A pool whose workers die."""

    def __init__(self) -> None:
        self.asked = 0

    def call(self, *_: Any, **__: Any) -> Any:
        self.asked += 1
        raise PageFault("the worker was killed")


@pytest.mark.parametrize(("most", "asked"), [(10, 1), (0, 0)])
def test_no_run_fails_for_its_pictures(
    store: ClaimStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int, asked: int
) -> None:
    monkeypatch.setattr(reports, "get_run_logger", lambda: logging.getLogger("test"))
    pool, outcome = Refusing(), replace(FINE, checks=CHECKS)
    settings = store.settings.model_copy(update={"report_pictures": most})
    found = ingest.with_pictures(outcome, tmp_path / "gone.pdf", settings, cast(WorkerPool, pool))
    assert (found, pool.asked) == (outcome, asked)
