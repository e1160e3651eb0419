"""Streaks of a scanner across the print: taken out, and what they cross is doubted; rules and borders stay."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from normalize.document import Source
from normalize.structure.build import build_document
from ocr.image.clean import binarize
from ocr.image.streaks import find_streaks, without_streaks
from ocr.page import Box, Line, Page, Word, Zone, from_json, to_json
from ocr.reading import read_page

SAMPLE = Path(__file__).parent.parent / "sample_scans" / "giay_moi_trang_1.jpg"
DPI = 200
PART = (100, 790, 1640, 1060)
"""Of the sample: four lines of print with paper about them. The first runs from y = 30 to 70."""

Draw = Callable[[ImageDraw.ImageDraw, int, int], None]

STREAKS: dict[str, Draw] = {
    "level": lambda pen, width, height: pen.rectangle((0, 52, width, 54), fill=0),
    "grey": lambda pen, width, height: pen.rectangle((0, 50, width, 51), fill=110),
    "thick": lambda pen, width, height: pen.rectangle((0, 52, width, 57), fill=0),
    "slanted": lambda pen, width, height: pen.line((0, 44, width, 68), fill=0, width=3),
    "over half the page": lambda pen, width, height: pen.rectangle((500, 55, width, 57), fill=0),
}

OTHERS: dict[str, Draw] = {
    "nothing": lambda pen, width, height: None,
    "a rule between lines": lambda pen, width, height: pen.rectangle((0, 120, width, 122), fill=0),
    "an underline": lambda pen, width, height: pen.rectangle((252, 61, 1408, 63), fill=0),
    "a line struck out": lambda pen, width, height: pen.rectangle((250, 52, 1412, 54), fill=0),
    "a line of a few words": lambda pen, width, height: pen.rectangle((400, 52, 700, 54), fill=0),
    "a frame": lambda pen, width, height: pen.rectangle((20, 8, width - 20, height - 8), outline=0, width=3),
    "dots to write on": lambda pen, width, height: [
        pen.ellipse((x, 50, x + 3, 53), fill=0) for x in range(0, width, 8)
    ],
    "the shadow of the paper's edge": lambda pen, width, height: pen.rectangle((0, 4, width, 7), fill=0),
}


def part(draw: Draw) -> np.ndarray:
    with Image.open(SAMPLE) as image:
        print_ = image.convert("L").crop(PART)
    draw(ImageDraw.Draw(print_), *print_.size)
    return np.asarray(print_)


@pytest.mark.parametrize("name", STREAKS)
def test_a_streak_is_taken_out_and_the_letters_stay(name: str) -> None:
    whole, crossed = binarize(part(OTHERS["nothing"])), part(STREAKS[name])
    ink = binarize(crossed)
    streaks = find_streaks(ink, DPI)
    assert len(streaks.boxes) == 1
    image, left = without_streaks(crossed, ink, streaks)
    streak = (ink > 0) & (whole == 0)
    assert np.count_nonzero(left[streak]) < 0.25 * np.count_nonzero(streak)
    assert np.count_nonzero(left[whole > 0]) > 0.85 * np.count_nonzero(whole)
    assert np.median(image[streak & (left == 0)]) > 200
    # What is not the streak's is as it was.
    assert (image[190:] == crossed[190:]).all()


def test_an_upright_streak_down_the_page() -> None:
    with Image.open(SAMPLE) as image:
        page = image.convert("L")
    whole = binarize(np.asarray(page))
    ImageDraw.Draw(page).line((800, 0, 806, page.height), fill=0, width=3)
    streaks = find_streaks(binarize(np.asarray(page)), DPI)
    (box,) = streaks.boxes
    assert box.height > 0.98 * page.height and box.width < 24
    assert np.count_nonzero(streaks.ink & (whole > 0)) < 0.003 * np.count_nonzero(whole)


@pytest.mark.parametrize("name", OTHERS)
def test_other_lines_are_no_streaks(name: str) -> None:
    image = part(OTHERS[name])
    ink = binarize(image)
    streaks = find_streaks(ink, DPI)
    assert not streaks.boxes and not streaks.ink.any()
    assert without_streaks(image, ink, streaks)[0] is image


def test_borders_of_a_table_are_no_streaks_where_print_touches_them() -> None:
    def table(pen: ImageDraw.ImageDraw, width: int, height: int) -> None:
        for y in (20, 76, 130, 186, 250):
            pen.line((40, y, width - 40, y), fill=0, width=3)
        for x in (40, 500, 900, width - 40):
            pen.line((x, 20, x, 250), fill=0, width=3)

    assert not find_streaks(binarize(part(table)), DPI).boxes


def test_a_tiny_picture_has_none() -> None:
    for size in ((1, 1), (3, 400), (400, 3), (40, 40)):
        assert not find_streaks(np.full(size, 255, np.uint8), DPI).boxes


@pytest.mark.parametrize("name", ["level", "slanted"])
def test_a_line_that_a_streak_runs_along_is_read_and_doubted(name: str, tmp_path: Path) -> None:
    path = tmp_path / "scan.png"
    Image.fromarray(part(STREAKS[name])).save(path, dpi=(DPI, DPI))
    page = read_page(path, 1)
    words = [word for zone in page.zones if zone.kind != "noise" for line in zone.lines for word in line.words]
    crossed = [word.text for word in words if word.confidence <= 30]
    assert len({"Thường", "trực", "Đảng", "đồng", "nhân", "dân,", "Chủ", "tịch"} & set(crossed)) >= 6
    sure = [word.text for word in words if word.confidence > 30]
    assert {"Mặt", "trận", "quốc", "Trưởng", "thôn"} <= set(sure)
    assert len(page.streaks) == 1
    assert from_json(to_json(page)) == page


def page_of(zones: tuple[Zone, ...], **more: object) -> Page:
    return Page(number=1, width=1600, height=2300, dpi=DPI, zones=zones, has_ink=True, **more)  # type: ignore[arg-type]


def line(text: str, top: int, x_height: float = 18.0, confidence: float = 95.0) -> Line:
    words, left = [], 200
    for word in text.split():
        words.append(Word(word, Box(left, top, left + 14 * len(word), top + 30), confidence))
        left += 14 * len(word) + 12
    return Line(tuple(words), Box(200, top, left - 12, top + 30), top + 28.0, x_height)


def zone(kind: str, *lines: Line) -> Zone:
    return Zone(kind, lines, Box(200, lines[0].box.top, 1400, lines[-1].box.bottom))  # type: ignore[arg-type]


TEXT = zone("text", line("Ủy ban nhân dân xã tổ chức Hội nghị lấy ý kiến", 400), line("của cộng đồng dân cư.", 450))


def warnings(page: Page) -> list[str]:
    return [one.message for one in build_document([page], Source("x", "", 1, 0)).warnings]


def test_a_streak_is_told_of() -> None:
    (told,) = warnings(page_of((TEXT,), streaks=(Box(0, 410, 1600, 416),)))
    assert told.startswith("A streak runs across the print 0.0 cm from the left and 5.2 cm from the top")
    assert not warnings(page_of((TEXT,)))


@pytest.mark.parametrize(
    ("noise", "is_told"),
    [
        (line("4tr hFôo Trđong tâon èzaàrâe réadñợ âmf tâøftồ ở", 500, confidence=20.0), True),
        (line("/w~= Jiw^ T", 500, confidence=20.0), False),  # what a pen left
        (line("hFôo Trđong tâon èzaàrâe réadñợ âmf", 500, x_height=40.0, confidence=20.0), False),  # a drawing
        (line("hFôo Trđong tâon èzaàrâe réadñợ âmf", 500, x_height=7.0, confidence=20.0), False),  # specks
    ],
)
def test_a_line_of_print_that_was_read_as_noise_is_told_of(noise: Line, is_told: bool) -> None:
    found = [told for told in warnings(page_of((TEXT, zone("noise", noise)))) if told.startswith("A line that cannot")]
    assert bool(found) is is_told


def test_print_that_was_read_elsewhere_too_is_not_missed() -> None:
    """A stamp's frame makes Tesseract read its first line once more, as noise."""
    twice = line("CỔNG THÔNG TIN ĐIỆN TỬ CHÍNH PHỦ", 500)
    noise = line("CÔNG TMÔNG YIN ÐIẼN TƯ CHINM PHU", 502, confidence=20.0)
    found = warnings(page_of((TEXT, zone("text", twice), zone("noise", noise))))
    assert not any(told.startswith("A line that cannot") for told in found)
