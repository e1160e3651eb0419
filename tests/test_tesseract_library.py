"""Parts of a page, read by Tesseract's library in this process: letter for letter as by the command."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from ocr import faults, tesseract, tesseract_library
from ocr.image import clean
from ocr.rasterize import rasterize
from ocr.reading import read_page
from ocr.tesseract import LANGUAGE, SECOND_LANGUAGE, ReadLine, engine_versions, recognize

SAMPLES = Path(__file__).parent.parent / "sample_scans"
PARTS = (
    ("giay_moi_trang_1.jpg", (slice(150, 460), slice(0, None))),
    ("thong_bao_nghieng300.pdf", (slice(900, 1100), slice(200, 2200))),
    ("thong_bao_nghieng300.pdf", (slice(300, 700), slice(0, 1200))),
)
"""Pieces of sample scans: rows and columns of their first pages."""

needs_library = pytest.mark.skipif(
    tesseract_library._library() is None, reason="libtesseract.so.5, which comes with Tesseract 5, is not there"
)


@cache
def part(number: int) -> np.ndarray:
    name, window = PARTS[number]
    return clean.clean(rasterize(SAMPLES / name, 1)[0]).image[window]


@cache
def by_command(number: int, one_block: bool, language: str) -> list[ReadLine]:
    return recognize(part(number), one_block=one_block, language=language, rivals=language == LANGUAGE)


def hocr(image: np.ndarray, *, version: str | None = None, timeout: float = 60) -> bytes | None:
    command = engine_versions()["tesseract"] if version is None else version
    return tesseract_library.hocr(image, LANGUAGE, command, psm=6, rivals=True, timeout=timeout)


@needs_library
def test_parts_read_as_by_the_command_in_whatever_order_they_come(monkeypatch: pytest.MonkeyPatch) -> None:
    """Words, boxes, confidences and the letters that compete; each part twice among the others."""
    calls = [
        (number, one_block, language)
        for number in range(len(PARTS))
        for one_block, language in ((True, LANGUAGE), (False, LANGUAGE), (True, SECOND_LANGUAGE))
    ]
    expected = {call: by_command(*call) for call in calls}
    assert sum(len(line.words) for lines in expected.values() for line in lines) > 100
    monkeypatch.setattr("ocr.tesseract._hocr_of_command", None)  # it is the library that reads
    random.Random(1).shuffle(order := 2 * calls)
    for number, one_block, language in order:
        found = recognize(
            part(number), one_block=one_block, is_part=True, language=language, rivals=language == LANGUAGE
        )
        assert found == expected[number, one_block, language]


@needs_library
@pytest.mark.parametrize(
    "image",
    [
        np.full((60, 400), 255, np.uint8),
        np.zeros((40, 40), np.uint8),
        np.zeros((1, 1), np.uint8),
        np.random.default_rng(1).integers(0, 255, (200, 300)).astype(np.uint8),
    ],
    ids=["blank", "black", "one pixel", "noise"],
)
def test_what_is_no_print(image: np.ndarray) -> None:
    assert recognize(image, is_part=True, one_block=True) == recognize(image, one_block=True)


@needs_library
def test_a_part_that_takes_too_long_ends_as_a_page_does_and_spoils_nothing() -> None:
    page = clean.clean(rasterize(SAMPLES / "giay_moi_trang_1.jpg", 1)[0]).image
    begun = time.monotonic()
    with pytest.raises(faults.Timeout, match=r"The page took longer than 0\.05 s to read") as caught:
        recognize(page, is_part=True, one_block=True, timeout=0.05)
    assert time.monotonic() - begun < 20
    assert not caught.value.permanent
    assert recognize(part(0), is_part=True, one_block=True) == by_command(0, True, LANGUAGE)


@needs_library
def test_a_limit_of_years_is_none() -> None:
    assert hocr(part(1), timeout=1e9) is not None


@needs_library
def test_what_the_library_refuses_is_told_by_the_command() -> None:
    with pytest.raises(faults.PageFault, match="Tesseract failed") as caught:
        recognize(np.full((33_000, 40), 255, np.uint8), dpi=200, is_part=True)
    assert "Image too large" in str(caught.value.detail)


@needs_library
def test_a_library_of_another_version_or_with_other_models_is_not_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert hocr(part(1)) is not None
    assert hocr(part(1), version="5.99.0") is None
    monkeypatch.setattr(tesseract_library, "_models_of_command", lambda: tmp_path)
    assert hocr(part(1)) is None
    assert recognize(part(1), is_part=True, one_block=True) == by_command(1, True, LANGUAGE)


def test_without_the_library_the_command_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tesseract_library, "_LIBRARY", "libnothing.so.5")
    tesseract_library._library.cache_clear()
    try:
        assert hocr(part(1)) is None
        assert recognize(part(1), is_part=True, one_block=True) == by_command(1, True, LANGUAGE)
    finally:
        monkeypatch.undo()
        tesseract_library._library.cache_clear()


@needs_library
def test_the_library_says_nothing(tmp_path: Path) -> None:
    """Not on a page that it cannot make out, and not when the process ends."""
    path = tmp_path / "noise.png"
    cv2.imwrite(str(path), np.random.default_rng(2).integers(0, 255, (300, 300)).astype(np.uint8))
    script = (
        "import cv2, sys\n"
        "from ocr.tesseract import recognize\n"
        "image = cv2.imread(sys.argv[1], cv2.IMREAD_GRAYSCALE)\n"
        "for one_block in (True, False):\n"
        "    recognize(image, is_part=True, one_block=one_block)\n"
        "    recognize(image[:3, :3], is_part=True, one_block=one_block)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")


@needs_library
def test_a_page_starts_the_command_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its parts are read all the same: the numbers of this one twice."""
    starts = []
    command = tesseract._hocr_of_command

    def counted(image: np.ndarray, *how: Any) -> bytes:
        starts.append(image.shape)
        return command(image, *how)

    monkeypatch.setattr(tesseract, "_hocr_of_command", counted)
    page = read_page(SAMPLES / "thong_bao_nghieng300.pdf", 1)
    assert any(word.second for zone in page.zones for line in zone.lines for word in line.words)
    assert len(starts) == 1
