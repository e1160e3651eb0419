"""One page of a scan, from file to record."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

import cv2
import numpy as np

from ocr import cells, clean, layout, marks, missed, specks
from ocr.components import Components, find_components
from ocr.page import Box, Line, Page, Word, Zone, mean_confidence
from ocr.rasterize import MAX_PIXELS, rasterize
from ocr.recognize import ReadLine, engine_versions, find_rotation, moved, recognize
from ocr.tables import Table, erase_borders, find_tables
from ocr.type_size import measured

#: Below this mean confidence a page may be lying on its side or standing on its head.
_DOUBTFUL = 70.0
#: Tesseract's orientation detection is believed from this confidence on.
_SURE_ROTATION = 2.0
#: What a line read anew must show at least: a word of four letters read with confidence.
_ONE_WORD = 150.0
#: By how much a line read anew must show more than before.
_BETTER = 1.1


def read_page(path: Path, number: int, *, dpi: int = 300, timeout: float = 180.0, max_pixels: int = MAX_PIXELS) -> Page:
    """Read page ``number`` (from 1) of a scan.

    Args:
        dpi: resolution to render PDF pages at.
        timeout: seconds that rendering and recognition may each take.
        max_pixels: a page of more is rendered at a lower resolution.

    Raises:
        ocr.faults.PageFault: the page cannot be rendered or read (``Timeout`` when it took too long).
        ocr.faults.ToolMissing: Tesseract, its Vietnamese data or poppler is missing.
    """
    begun = time.perf_counter()
    cv2.setNumThreads(1)  # pages are read side by side; threads inside a page only get in the way
    image, dpi = rasterize(path, number, dpi=dpi, timeout=timeout, max_pixels=max_pixels)
    read = _read(image, dpi, timeout)
    rotation = 0
    if read.lines and read.confidence < _DOUBTFUL:
        turn, sure = find_rotation(read.page.image)
        if turn and sure >= _SURE_ROTATION:
            again = _read(np.rot90(image, -turn // 90), dpi, timeout)
            if again.confidence > read.confidence:
                read, rotation = again, turn
    height, width = read.page.image.shape
    rules = layout.find_rules(read.page.ink)
    lines = marks.attach(read.lines, read.signs)
    zones = layout.find_zones(lines, rules, read.tables, width, height, read.page.seals)
    for read_again in (_reread_columns, _reread_seals, _reread_cells, _reread_missed):
        reread = read_again(read, zones, dpi, timeout)
        if reread is not None:
            zones = layout.find_zones(reread, rules, read.tables, width, height, read.page.seals)
    return Page(
        number=number,
        width=width,
        height=height,
        dpi=dpi,
        skew=read.page.skew,
        rotation=rotation,
        zones=zones,
        rules=rules,
        seconds=round(time.perf_counter() - begun, 3),
        engine=dict(engine_versions()),
    )


@dataclass(frozen=True, slots=True)
class _Read:
    """What was read of a page image before it is laid out.

    Attributes:
        page: the cleaned page.
        image: what Tesseract read: without specks, borders and raised signs.
        unerased: the same with the raised signs.
        parts: the components of the ink of its text, specks and raised signs included.
    """

    page: clean.CleanPage
    image: np.ndarray
    unerased: np.ndarray
    parts: Components
    tables: list[Table] = field(default_factory=list)
    signs: list[marks.RaisedSign] = field(default_factory=list)
    lines: list[ReadLine] = field(default_factory=list)
    shifts: list[marks.Shift] = field(default_factory=list)

    def again(
        self,
        box: Box,
        dpi: int,
        timeout: float,
        *,
        one_block: bool = False,
        with_signs: bool = False,
        margin: int = 0,
    ) -> list[Line]:
        """A part of the page, read by itself; ``with_signs``: what was taken for raised signs is read as print.

        Args:
            margin: pixels of paper to put around it.
        """
        part = (self.unerased if with_signs else self.image)[box.top : box.bottom, box.left : box.right]
        if margin:
            part = np.pad(part, margin, constant_values=int(np.percentile(part, 90)))
        found = recognize(part, dpi=dpi, timeout=timeout, one_block=one_block)
        lines = [moved(line, 1.0, box.left - margin, box.top - margin) for line in found]
        if with_signs:
            return marks.attach(measured(lines, self.parts), [])
        return marks.attach(measured(marks.put_back(lines, self.shifts), self.parts), self.signs)

    @property
    def confidence(self) -> float:
        """Mean over the letters, 0 to 100."""
        return mean_confidence([word for line in self.lines for word in line.words])


def _read(image: np.ndarray, dpi: int, timeout: float) -> _Read:
    page = clean.clean(image)
    if not page.ink.any():
        return _Read(page, page.image, page.image, find_components(page.ink))
    tables, borders = find_tables(page.ink)
    image, ink = page.image, page.ink
    if tables:
        image, ink = erase_borders(image, borders), cv2.subtract(ink, borders)
    parts = find_components(ink)
    signs = marks.find_raised(image, ink, parts)
    image, ink = specks.drop_specks(image, ink, [sign.box for sign in signs], parts)
    erased, shifts = marks.close_up(marks.erase(image, ink, signs), ink, signs)
    lines = marks.put_back(recognize(erased, dpi=dpi, timeout=timeout), shifts)
    return _Read(page, erased, image, parts, tables, signs, measured(lines, parts), shifts)


def _reread_columns(read: _Read, zones: tuple[Zone, ...], dpi: int, timeout: float) -> list[Line] | None:
    """The page's lines, those of two columns side by side read again column by column where that reads better.

    Tesseract likes to take lines of two columns for one; when their baselines differ a little, both suffer. Only
    columns with a doubtful line, or with a letter taken for a raised sign, are read again, which on most pages is none.
    ``None`` when nothing was replaced.
    """
    out = [line for zone in zones for line in zone.lines]
    noted = any(zone.kind == "notes" for zone in zones)
    replaced = False
    for side_by_side, group in groupby(zones, key=lambda zone: zone.kind in ("left", "right")):
        if not side_by_side:
            continue
        columns = list(group)
        gutter_left = max(zone.box.right for zone in columns if zone.kind == "left")
        gutter_right = min((zone.box.left for zone in columns if zone.kind == "right"), default=0)
        if gutter_left >= gutter_right:
            continue
        gutter = (gutter_left + gutter_right) // 2
        margin = round(0.8 * columns[0].lines[0].x_height)
        top = max(0, min(zone.box.top for zone in columns) - margin)
        bottom = max(zone.box.bottom for zone in columns) + margin
        for left, right in ((0, gutter), (gutter, read.image.shape[1])):
            lines = [line for line in out if top < line.box.middle < bottom and left < line.box.centre < right]
            # On a page without notes, what was taken for a mark in a narrow column is a broken letter.
            broken = not noted and any(word.raised for word in _words(lines))
            if not broken and all(mean_confidence(line.words) >= _DOUBTFUL for line in lines):
                continue
            again = read.again(Box(left, top, right, bottom), dpi, timeout, with_signs=broken)
            better = broken or mean_confidence(_words(again)) > mean_confidence(_words(lines))
            if better and _letters(again) >= _letters(lines):
                out = [line for line in out if line not in lines] + again
                replaced = True
    return out if replaced else None


def _reread_seals(read: _Read, zones: tuple[Zone, ...], dpi: int, timeout: float) -> list[Line] | None:
    """The page's lines, those about a seal read again without Tesseract's own layout analysis.

    What is left of a seal and the signature across it still look like a picture, and a name beside them is taken for a
    part of it. Line by line the reading that shows more is kept. ``None`` when nothing was replaced.
    """
    out = [line for zone in zones for line in zone.lines]
    replaced = False
    for seal in read.page.seals:
        top, bottom = max(0, round(seal.y - 1.5 * seal.radius)), round(seal.y + 2 * seal.radius)
        beside = [line.box.right for line in out if top < line.box.middle < bottom and line.box.right < seal.x]
        left = max(0, round(seal.x - 2.5 * seal.radius), *(edge + seal.radius // 16 for edge in beside))
        right = round(seal.x + 3.5 * seal.radius)
        for line in read.again(Box(left, top, right, bottom), dpi, timeout, one_block=True):
            same = [one for one in out if _is_same_line(one, line)]
            if _evidence([line]) > max(_BETTER * _evidence(same), _ONE_WORD):
                out = [one for one in out if one not in same] + [line]
                replaced = True
    return out if replaced else None


def _reread_cells(read: _Read, zones: tuple[Zone, ...], dpi: int, timeout: float) -> list[Line] | None:
    """The page's lines, columns of tables in which something is doubtful read again by themselves."""
    return cells.read_cells(zones, read.image, lambda box: read.again(box, dpi, timeout, one_block=True, margin=40))


def _reread_missed(read: _Read, zones: tuple[Zone, ...], dpi: int, timeout: float) -> list[Line] | None:
    """The page's lines, with rows of letters that stand in no word read by themselves."""
    lines = [line for zone in zones for line in zone.lines]
    return missed.read_missed(
        lines, read.parts, read.page.seals, lambda box: read.again(box, dpi, timeout, one_block=True, margin=20)
    )


def _is_same_line(line: Line, other: Line) -> bool:
    across = min(line.box.right, other.box.right) - max(line.box.left, other.box.left)
    down = min(line.box.bottom, other.box.bottom) - max(line.box.top, other.box.top)
    return across > 0 and down > 0.5 * min(line.box.height, other.box.height)


def _evidence(lines: Sequence[Line]) -> float:
    """How much was read: its letters, each by its confidence above a guess."""
    return sum(max(0.0, word.confidence - 50) * sum(c.isalpha() for c in word.text) for word in _words(lines))


def _words(lines: Sequence[Line]) -> list[Word]:
    return [word for line in lines for word in line.words]


def _letters(lines: Sequence[Line]) -> int:
    """How many letters and digits were read with some confidence: reading again must lose none of them."""
    return sum(sum(c.isalnum() for c in word.text) for word in _words(lines) if word.confidence >= 60)
