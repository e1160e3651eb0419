"""One page of a scan, from file to record."""

from __future__ import annotations

import time
from pathlib import Path

import cv2
import numpy as np

from ocr import clean, layout, marks, specks
from ocr.page import Line, Page
from ocr.rasterize import rasterize
from ocr.recognize import LANGUAGE, ReadLine, find_rotation, recognize

#: Below this mean confidence a page may be lying on its side or standing on its head.
_DOUBTFUL = 70.0
#: Tesseract's orientation detection is believed from this confidence on.
_SURE_ROTATION = 2.0


def read_page(path: Path, number: int, *, dpi: int = 300, timeout: float = 180.0) -> Page:
    """Read page ``number`` (from 1) of a scan.

    Args:
        dpi: resolution to render PDF pages at.
        timeout: seconds that rendering and recognition may each take.

    Raises:
        ocr.faults.PageFault: the page cannot be rendered or read (``Timeout`` when it took too long).
        ocr.faults.ToolMissing: Tesseract, its Vietnamese data or poppler is missing.
    """
    begun = time.perf_counter()
    cv2.setNumThreads(1)  # pages are read side by side; threads inside a page only get in the way
    image, dpi = rasterize(path, number, dpi=dpi, timeout=timeout)
    page, lines, signs = _read(image, timeout)
    rotation = 0
    if lines and _mean_confidence(lines) < _DOUBTFUL:
        turn, sure = find_rotation(page.image)
        if turn and sure >= _SURE_ROTATION:
            again = _read(np.rot90(image, -turn // 90), timeout)
            if again[1] and _mean_confidence(again[1]) > _mean_confidence(lines):
                (page, lines, signs), rotation = again, turn
    height, width = page.image.shape
    rules = layout.find_rules(page.ink)
    records: list[Line] = marks.attach(lines, signs)
    return Page(
        number=number,
        width=width,
        height=height,
        dpi=dpi,
        skew=page.skew,
        rotation=rotation,
        zones=layout.find_zones(records, rules, width, height),
        rules=rules,
        seconds=round(time.perf_counter() - begun, 3),
        engine={"model": LANGUAGE},
    )


def _read(image: np.ndarray, timeout: float) -> tuple[clean.CleanPage, list[ReadLine], list[marks.RaisedSign]]:
    page = clean.clean(image)
    if not page.ink.any():
        return page, [], []
    signs = marks.find_raised(page.image, page.ink)
    image, ink = specks.drop_specks(page.image, page.ink, [sign.box for sign in signs])
    lines = recognize(marks.erase(image, ink, signs), timeout=timeout)
    return page, lines, signs


def _mean_confidence(lines: list[ReadLine]) -> float:
    words = [word for line in lines for word in line.words]
    return sum(word.confidence * len(word.text) for word in words) / max(1, sum(len(w.text) for w in words))
