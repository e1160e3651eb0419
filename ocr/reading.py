"""One page of a scan, from file to record."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from ocr.fragments import mended
from ocr.image import clean, specks
from ocr.image.components import Components, find_components
from ocr.image.seals import Seal
from ocr.image.separator_sheet import is_separator_sheet
from ocr.image.streaks import Streaks, find_streaks, without_streaks
from ocr.layout import tick_boxes, unread_ink
from ocr.layout.digit_heights import measure_digits
from ocr.layout.ruled_tables import Table, column_boxes, erase_borders, find_tables
from ocr.layout.rules import find_rules
from ocr.layout.weight import with_weights
from ocr.layout.x_height import measured
from ocr.layout.zones import find_zones
from ocr.page import Box, Line, Page, Word, Zone, each_word, letter, lines_of, mean_confidence, words_of, zone_of
from ocr.rasterize import MAX_PIXELS, render
from ocr.reread.columns import read_columns
from ocr.reread.doubtful_lines import read_alone, read_doubtful
from ocr.reread.list_marks import read_list_marks
from ocr.reread.missed_text import read_missed, read_unread
from ocr.reread.note_heads import read_glued_marks, read_note_heads
from ocr.reread.numbers import read_twice
from ocr.reread.overprinted.about_seals import read_about_seals
from ocr.reread.red_stamps import read_stamps
from ocr.reread.separators import with_decimal_commas
from ocr.reread.table_cells import read_cells
from ocr.reread.torn_words import read_torn
from ocr.reread.two_rows import read_two_rows
from ocr.signs.dots_below import with_dots_below
from ocr.signs.inequalities import Inequality, find_inequalities, put_in, without_inequalities
from ocr.signs.strokes import with_roman_ones
from ocr.superscripts.attach import attach
from ocr.superscripts.erase import Shift, close_up, erase, opened_again, put_back
from ocr.superscripts.find import RaisedSign, find_raised
from ocr.superscripts.note_heads import NoteHead, find_broken_head, find_glued_mark, find_note_head
from ocr.tesseract import ReadLine, engine_versions, find_rotation, moved, read_rows, recognize

#: Below this mean confidence a page may be lying on its side or standing on its head.
_DOUBTFUL = 70.0
#: What lies about a seal is read twice, the second time as if its resolution were this share of what it is.
_LARGER = 0.73
#: In x-heights: a component taller or wider than this is a stroke of the pen.
_STROKE_HEIGHT, _STROKE_WIDTH = 3.2, 10.0
#: Words that may be read on a separator sheet, the signs that its codes are taken for among them. A page with more and
#: the code of one is a document's.
_MOST_ON_SHEET = 80
#: In x-heights: a full stop is smaller; a letter is twice as high.
_DOT = 0.33
#: The confidence, 0 to 100, of a word that a streak runs through: no number, name or date is told as sure from it.
_CROSSED = 30.0
#: Tesseract's orientation detection is believed from this confidence on.
_SURE_ROTATION = 2.0
#: Of the type that offices use (13 and 14 points), in inches: where nothing was read, nothing else tells it.
_USUAL_X_HEIGHT = 0.09


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
    rendered = render(path, number, dpi=dpi, timeout=timeout, max_pixels=max_pixels)
    image, dpi = rendered.image, rendered.dpi
    read = _read(image, dpi, timeout)
    rotation = 0
    on_side = _lies_on_its_side(read.lines)
    if read.lines and (on_side or read.confidence < _DOUBTFUL):
        turn, sure = find_rotation(read.page.image)
        if turn and sure >= _SURE_ROTATION:
            turned = _read(np.rot90(image, -turn // 90), dpi, timeout)
            if turned.confidence > read.confidence or (on_side and not _lies_on_its_side(turned.lines)):
                read, rotation = turned, turn
    height, width = read.page.image.shape
    rules = find_rules(read.page.ink)
    zones = find_zones(attach(read.lines, read.signs), rules, read.tables, width, height, read.page.seals)
    separator = len(words_of(lines_of(zones))) <= _MOST_ON_SHEET and is_separator_sheet(read.page.image, dpi)
    if separator:
        ink = _account(read, zones, dpi)
    else:
        zones, ink = _read_closer(read, zones, rules, dpi, timeout)
    lines = lines_of(zones)
    if not lines and rendered.damage:
        raise rendered.damage  # an empty page it is not
    zones = _doubted(zones, read.streaks) if read.streaks else zones
    zones = _doubted_digits(zones, read.page.seals) if read.page.seals else zones
    stamped, stamps_ink = read.stamps(dpi, timeout)
    ink = unread_ink.together([ink, stamps_ink])
    return Page(
        number=number,
        width=width,
        height=height,
        dpi=dpi,
        skew=read.page.skew,
        rotation=rotation,
        zones=(*with_weights(zones, read.page.ink), *zone_of("stamp", stamped)),
        rules=rules,
        ink_explained=ink.explained,
        unread=ink.unread,
        streaks=read.streaks.boxes if read.streaks else (),
        has_ink=bool(read.page.ink.any()),
        damage=str(rendered.damage) if rendered.damage else None,
        separator=separator,
        seconds=round(time.perf_counter() - begun, 3),
        engine=dict(engine_versions()),
    )


def _lies_on_its_side(lines: Sequence[ReadLine]) -> bool:
    """Whether most letters stand in lines that run up or down: Tesseract reads some of such pages, line by line."""
    upright = sum(len(word.text) for line in lines if line.box.height > line.box.width for word in line.words)
    return upright > sum(len(word.text) for line in lines for word in line.words) / 2


def _read_closer(
    read: _Read, zones: tuple[Zone, ...], rules: tuple[Box, ...], dpi: int, timeout: float
) -> tuple[tuple[Zone, ...], unread_ink.InkAccount]:
    """The zones, after all that may read better was read once more, and what became of the page's ink."""
    height, width = read.page.image.shape
    zones = _reread(read, zones, rules, dpi, timeout)
    ink = _account(read, zones, dpi)
    if ink.unread or ink.lone:
        again = partial(read.again, dpi=dpi, timeout=timeout, one_block=True, margin=20, without_dots=True)
        if found := read_unread(zones, ink, read.parts, read.image, again):
            zones = find_zones(found, rules, read.tables, width, height, read.page.seals)
            ink = _account(read, zones, dpi)
    zones = with_decimal_commas(zones, read.unerased)
    zones = read_twice(zones, read.unerased, partial(read_rows, timeout=timeout))
    return with_dots_below(measure_digits(zones, read.parts), read.parts), ink


def _doubted(zones: Sequence[Zone], streaks: Streaks) -> tuple[Zone, ...]:
    """The zones, with no word believed that a streak runs through, however surely the rest of its letters was read."""
    return each_word(zones, lambda word: _less_sure(word) if streaks.touch(word.box) else word)


def _less_sure(word: Word) -> Word:
    """The word, which something runs through: neither it nor a digit of it is believed."""
    letters = tuple(
        letter(one.text, tuple((text, min(sure, round(_CROSSED))) for text, sure in one.choices))
        if one.text.isdecimal()
        else one
        for one in word.letters
    )
    return replace(word, confidence=min(word.confidence, _CROSSED), letters=letters)


def _doubted_digits(zones: Sequence[Zone], seals: Sequence[Seal]) -> tuple[Zone, ...]:
    """The zones, with no digits believed that a seal's ring runs through: of a 3 without a part of it remains a 5."""

    def doubted(word: Word) -> Word:
        has_digits = any(c.isdigit() for c in word.text)
        return _less_sure(word) if has_digits and any(seal.rings_touch(word.box) for seal in seals) else word

    return each_word(zones, doubted)


def _account(read: _Read, zones: Sequence[Zone], dpi: int) -> unread_ink.InkAccount:
    """What became of the print-like ink of a page."""
    lines = lines_of(zones)
    x_height = float(np.median([line.x_height for line in lines])) if lines else _USUAL_X_HEIGHT * dpi
    return unread_ink.account(read.parts, [word.box for word in words_of(lines)], x_height, read.page.seals, dpi)


def _reread(read: _Read, zones: tuple[Zone, ...], rules: tuple[Box, ...], dpi: int, timeout: float) -> tuple[Zone, ...]:
    """The zones, after each part of the page that may read better by itself was read again."""
    height, width = read.page.image.shape
    again = partial(read.again, dpi=dpi, timeout=timeout)
    block = partial(again, one_block=True, margin=25)
    framed = partial(again, one_block=True, margin=20, with_borders=True)
    # Told a lower resolution, Tesseract is given larger letters, which it reads differently where they are broken.
    larger = partial(read.again, dpi=round(_LARGER * dpi), timeout=timeout, one_block=True, margin=25)
    bare = partial(block, without_strokes=True)

    def read_apart(told: int) -> Callable[[Sequence[Box]], list[list[Line]]]:
        return partial(read.apart, dpi=told, timeout=timeout, margin=25)

    rereads: tuple[Callable[[Sequence[Zone]], list[Line] | None], ...] = (
        lambda zones: read_columns(zones, width, lambda box, signs: again(box, with_signs=signs)),
        lambda zones: read_doubtful(zones, read.page.seals, partial(block, margin=20), framed, width, height),
        lambda zones: read_about_seals(zones, read.page.seals, read.parts, [block, larger, bare], read.layers),
        lambda zones: read_cells(zones, read.image, partial(block, margin=40), read.unerased),
        lambda zones: read_two_rows(zones, partial(block, margin=20)),
        lambda zones: read_missed(zones, read.parts, read.page.seals, partial(block, margin=20)),
        lambda zones: read_list_marks(zones, read.parts, read.unerased, partial(block, margin=20)),
        lambda zones: read_alone(zones, width, read.page.seals, [read_apart(dpi), read_apart(round(_LARGER * dpi))]),
        lambda zones: read_torn(lines_of(zones), read.parts, partial(block, margin=20)),
        lambda zones: read_note_heads(
            zones,
            lambda line, number: find_note_head(read.unerased, read.parts, line, number),
            lambda line, number: find_broken_head(read.unerased, read.parts, line, number),
            lambda box, head: read.without(head).again(box, dpi, timeout, one_block=True, margin=20),
        ),
        lambda zones: read_glued_marks(zones, partial(find_glued_mark, read.unerased, read.parts)),
    )
    for reread in rereads:
        found = reread(zones)
        if found is not None:
            zones = find_zones(found, rules, read.tables, width, height, read.page.seals)
    if read.boxes:
        lines = tick_boxes.with_tick_boxes(lines_of(zones), read.boxes)
        zones = find_zones(lines, rules, read.tables, width, height, read.page.seals)
    return zones


@dataclass(frozen=True, slots=True)
class _Read:
    """What was read of a page image before it is laid out.

    Attributes:
        page: the cleaned page.
        image: what Tesseract read: without specks, borders and raised signs.
        unerased: the same with the raised signs.
        parts: the components of the ink of its text, specks and raised signs included.
        boxes: to be ticked; taken out of the image.
        inequalities: what was taken out of both images before.
        streaks: and so were these.
    """

    page: clean.CleanPage
    image: np.ndarray
    unerased: np.ndarray
    parts: Components
    tables: list[Table] = field(default_factory=list)
    signs: list[RaisedSign] = field(default_factory=list)
    lines: list[ReadLine] = field(default_factory=list)
    shifts: list[Shift] = field(default_factory=list)
    boxes: Sequence[tick_boxes.TickBox] = ()
    inequalities: list[Inequality] = field(default_factory=list)
    streaks: Streaks | None = None

    def again(
        self,
        box: Box,
        dpi: int,
        timeout: float,
        *,
        one_block: bool = False,
        with_signs: bool = False,
        with_borders: bool = False,
        without_strokes: bool = False,
        without_dots: bool = False,
        margin: int = 0,
    ) -> list[Line]:
        """A part of the page, read by itself.

        Args:
            with_signs: what was taken for raised signs is read as print.
            with_borders: the page as it was, with the borders of its tables.
            without_strokes: what is far larger than letters is painted over.
            without_dots: what is far smaller and stands neither above nor below a letter is painted over.
            margin: pixels of paper to put around it.
        """
        whole = self.page.image if with_borders else self.unerased if with_signs else self.image
        part = whole[box.top : box.bottom, box.left : box.right]
        if not part.size:  # between two borders that touch
            return []
        if without_strokes:
            part = np.where(self._strokes(box), 255, part).astype(np.uint8)
        if without_dots:
            part = np.where(self._dots(box), 255, part).astype(np.uint8)
        if margin:
            part = np.pad(part, margin, constant_values=int(np.percentile(part, 90)))
        found = list(map(mended, recognize(part, dpi=dpi, timeout=timeout, one_block=one_block, is_part=True)))
        lines = [moved(line, 1.0, box.left - margin, box.top - margin) for line in with_roman_ones(found, part)]
        return self._attached(lines, box, plain=with_signs or with_borders)

    def stamps(self, dpi: int, timeout: float) -> tuple[list[Line], unread_ink.InkAccount]:
        """What was stamped on the page in red, and what became of its ink."""
        if self.page.stamped is None:
            return [], unread_ink.InkAccount()

        def again(part: np.ndarray, place: Box) -> list[Line]:
            found = map(mended, recognize(part, dpi=dpi, timeout=timeout, one_block=True, is_part=True))
            return attach([moved(line, 1.0, place.left, place.top) for line in found], [])

        return read_stamps(self.page.stamped, self.page.stamps, dpi, again)

    def apart(self, boxes: Sequence[Box], dpi: int, timeout: float, margin: int) -> list[list[Line]]:
        """Parts of the page, each read by itself, in one go: one below the other, with paper between them.

        Args:
            margin: pixels of paper around each.

        Returns:
            The lines of each part.
        """
        parts = [self.image[box.top : box.bottom, box.left : box.right] for box in boxes]
        paper = int(np.percentile(np.concatenate([part.ravel() for part in parts]), 90))
        sheet = _below_each_other(parts, margin, paper)
        ends = np.cumsum([part.shape[0] + 2 * margin for part in parts])
        out: list[list[ReadLine]] = [[] for _ in boxes]
        found = list(map(mended, recognize(sheet, dpi=dpi, timeout=timeout, one_block=True, is_part=True)))
        for line in with_roman_ones(found, sheet):
            at = min(int(np.searchsorted(ends, line.box.y, side="right")), len(boxes) - 1)
            box, above = boxes[at], int(ends[at]) - parts[at].shape[0] - 2 * margin
            out[at].append(moved(line, 1.0, box.left - margin, box.top - margin - above))
        return [self._attached(lines, box) for lines, box in zip(out, boxes, strict=True)]

    def _attached(self, lines: list[ReadLine], box: Box, *, plain: bool = False) -> list[Line]:
        """Lines read anew in a part of the page, with the signs that were taken out of it.

        Args:
            plain: raised signs were not taken out.
        """
        whole = lines if plain else put_back(lines, self.shifts)
        whole = put_in(whole, [sign for sign in self.inequalities if box.holds(sign.box)])
        return attach(measured(whole, self.parts), [] if plain else self.signs)

    def _strokes(self, box: Box) -> np.ndarray:
        """Mask of the strokes of the pen in a part of the page: components that are larger than joined letters."""
        size = float(np.median([line.x_height for line in self.lines]))
        large = (self.parts.height > _STROKE_HEIGHT * size) | (self.parts.width > _STROKE_WIDTH * size)
        found = np.concatenate(([False], large))[self.parts.labels[box.top : box.bottom, box.left : box.right]]
        return cv2.dilate(found.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0

    def _dots(self, box: Box) -> np.ndarray:
        """Mask of the dots in a part of the page that is left to be written on."""
        size = float(np.median([line.x_height for line in self.lines]))
        inside = self.parts.within(box)
        small = np.maximum(self.parts.width, self.parts.height) < _DOT * size
        letters = self.parts.take(inside & (self.parts.height > 2 * _DOT * size))
        x = self.parts.x[inside & small]
        loose = np.zeros(self.parts.count, bool)
        loose[inside & small] = ~((x[:, None] > letters.left) & (x[:, None] < letters.right)).any(axis=1)
        found = np.concatenate(([False], loose))[self.parts.labels[box.top : box.bottom, box.left : box.right]]
        return cv2.dilate(found.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0

    def without(self, head: NoteHead) -> _Read:
        """The page without the number at the head of a note, which is one of its raised signs instead."""
        part_of_it = [sign for sign in self.signs if sign.box.overlaps(head.sign.box)]
        others = [sign for sign in self.signs if sign not in part_of_it]
        # Of a number of which a digit was found already, the print behind that digit was moved up to the one before it.
        image, shifts = opened_again(self.image, self.unerased, self.shifts, part_of_it)
        return replace(self, image=head.taken_out(image), signs=[*others, head.sign], shifts=shifts)

    @property
    def layers(self) -> list[np.ndarray]:
        """The page in grey with its seals, and without them."""
        return [self.image] if self.page.sealed is None else [self.page.sealed, self.image]

    @property
    def confidence(self) -> float:
        """Mean over the letters, 0 to 100."""
        return mean_confidence([word for line in self.lines for word in line.words])


def _below_each_other(parts: Sequence[np.ndarray], margin: int, paper: int) -> np.ndarray:
    """Parts of a page in one image, ``(height, width)`` grey, with so many pixels of paper around each."""
    widest = max(part.shape[1] for part in parts)
    rims = [((margin, margin), (margin, margin + widest - part.shape[1])) for part in parts]
    return np.vstack([np.pad(part, rim, constant_values=paper) for part, rim in zip(parts, rims, strict=True)])


def _read(image: np.ndarray, dpi: int, timeout: float) -> _Read:
    page = clean.clean(image)
    if not page.ink.any():
        return _Read(page, page.image, page.image, find_components(page.ink))
    streaks = find_streaks(page.ink, dpi)
    image, ink = without_streaks(page.image, page.ink, streaks)
    page = replace(page, image=image, ink=ink)
    tables, borders = find_tables(ink, page.seals)
    if tables:
        image, ink = erase_borders(image, borders), cv2.subtract(ink, borders)
    parts = find_components(ink)
    boxes = tick_boxes.find_tick_boxes(parts, dpi)
    if boxes:
        image, ink = tick_boxes.erase_tick_boxes(image, ink, boxes)
        parts = find_components(ink)
    inequalities = find_inequalities(image, parts)
    if inequalities:
        image, ink = without_inequalities(image, ink, inequalities)
        parts = find_components(ink)
    signs = find_raised(image, ink, parts, [column for table in tables for column in column_boxes(table)])
    image, ink = specks.drop_specks(image, ink, [sign.box for sign in signs], parts)
    erased, shifts = close_up(erase(image, ink, signs), ink, signs)
    found = list(map(mended, recognize(erased, dpi=dpi, timeout=timeout)))
    lines = put_back(with_roman_ones(found, erased), shifts)
    lines = measured(put_in(lines, inequalities), parts)
    return _Read(page, erased, image, parts, tables, signs, lines, shifts, boxes, inequalities, streaks)
