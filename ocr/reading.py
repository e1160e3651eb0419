"""One page of a scan, from file to record."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from ocr import clean, layout, marks, specks
from ocr.page import Page
from ocr.rasterize import rasterize
from ocr.recognize import LANGUAGE, ReadLine, find_rotation, recognize
from ocr.tables import Table, erase_borders, find_tables

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
    read = _read(image, timeout)
    rotation = 0
    if read.lines and read.confidence < _DOUBTFUL:
        turn, sure = find_rotation(read.page.image)
        if turn and sure >= _SURE_ROTATION:
            again = _read(np.rot90(image, -turn // 90), timeout)
            if again.confidence > read.confidence:
                read, rotation = again, turn
    height, width = read.page.image.shape
    rules = layout.find_rules(read.page.ink)
    lines = marks.attach(read.lines, read.signs)
    return Page(
        number=number,
        width=width,
        height=height,
        dpi=dpi,
        skew=read.page.skew,
        rotation=rotation,
        zones=layout.find_zones(lines, rules, read.tables, width, height),
        rules=rules,
        seconds=round(time.perf_counter() - begun, 3),
        engine={"model": LANGUAGE},
    )


@dataclass(frozen=True, slots=True)
class _Read:
    """What was read of a page image before it is laid out."""

    page: clean.CleanPage
    tables: list[Table] = field(default_factory=list)
    signs: list[marks.RaisedSign] = field(default_factory=list)
    lines: list[ReadLine] = field(default_factory=list)

    @property
    def confidence(self) -> float:
        """Mean over the letters, 0 to 100."""
        words = [word for line in self.lines for word in line.words]
        return sum(word.confidence * len(word.text) for word in words) / max(1, sum(len(w.text) for w in words))


def _read(image: np.ndarray, timeout: float) -> _Read:
    page = clean.clean(image)
    if not page.ink.any():
        return _Read(page)
    tables, borders = find_tables(page.ink)
    image, ink = page.image, page.ink
    if tables:
        image, ink = erase_borders(image, borders), cv2.subtract(ink, borders)
    signs = marks.find_raised(image, ink)
    image, ink = specks.drop_specks(image, ink, [sign.box for sign in signs])
    lines = recognize(marks.erase(image, ink, signs), timeout=timeout)
    return _Read(page, tables, signs, lines)
