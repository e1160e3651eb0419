"""Signs of list items far before their words, bold type, and words that were read twice in part or torn."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from ocr.fragments import mended
from ocr.image.components import find_components
from ocr.page import BOLD, Box, Line, Page, Word, letter, lines_of, zone_of
from ocr.reading import read_page
from ocr.reread.list_marks import read_list_marks
from ocr.reread.torn_words import read_torn
from ocr.tesseract import ReadLine, ReadWord
from sample_scans.layout import font_files

SIZE = 54  # 13 points at 300 dpi
BODY = (
    "Ủy ban nhân dân huyện Vĩnh Khê phân bổ giống cây lâm nghiệp vụ xuân",
    "cho các tổ chức có tên dưới đây; các tổ chức cử người đến nhận cây tại",
    "vườn ươm của huyện trước ngày 15 và báo cáo kết quả trồng theo mẫu.",
)
ITEMS = (
    *(("1.", "Hợp tác xã Đông Cao"), ("2.", "Hội Nông dân huyện"), ("3.", "Trạm Khuyến nông")),
    *(("-", "Tổ trồng rừng số một"), ("-", "Đội bảo vệ rừng"), ("-", "Ban kiểm soát")),
    *(("4.", "Đoàn Thanh niên xã"), ("5.", "Trường Tiểu học Phú Lâm")),
)


def font(style: str) -> ImageFont.FreeTypeFont:
    file = next(path for path in font_files("Liberation Serif") if path.stem.endswith(f"-{style}"))
    return ImageFont.truetype(str(file), SIZE)


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Page:
    """A page of text and items whose signs stand 8 and 13 mm before their words, with a heading in bold."""
    image = Image.new("L", (2480, 3508), 255)
    draw = ImageDraw.Draw(image)
    y = 300
    draw.text((420, y), "Danh sách nhận giống cây", font=font("Bold"), fill=0)
    for text in BODY:
        y += 85
        draw.text((350, y), text, font=font("Regular"), fill=0)
    for sign, text in ITEMS:
        y += 95
        left = 560 if sign == "-" else 430
        draw.text((left, y), sign, font=font("Regular"), fill=0)
        draw.text((left + (150 if sign == "-" else 100), y), text, font=font("Regular"), fill=0)
    path = Path(tmp_path_factory.mktemp("lists")) / "list.png"
    image.save(path, dpi=(300, 300))
    return read_page(path, 1)


def test_signs_far_before_their_words_are_kept(read: Page) -> None:
    texts = [line.text for line in lines_of(zone for zone in read.zones if zone.kind != "noise")]
    signs = [text.split()[0] for text in texts[-len(ITEMS) :]]
    assert signs == [sign for sign, _ in ITEMS]


def test_bold_type_is_heavier(read: Page) -> None:
    weights = [word.weight for line in lines_of(read.zones) for word in line.words if len(word.text) > 2]
    heading, rest = weights[:5], weights[5:]
    assert min(heading) > BOLD > max(rest)


def test_weights_survive_the_disk() -> None:
    from ocr.page import from_json, to_json

    line = Line((Word("Điều", Box(0, 0, 90, 30), 95.0, weight=1.4),), Box(0, 0, 90, 30), 30.0, 20.0)
    page = Page(1, 100, 100, 300, zones=zone_of("text", [line]))
    assert from_json(to_json(page)) == page
    earlier = to_json(page).replace(",[],1.4,0.0,null]", ",[]]")  # a record of version 0.1
    assert from_json(earlier).words[0].weight == 0.0


# -- signs by their shape ------------------------------------------------------------------------------------------


def page_with(marks: list[Box], lines: list[Line]) -> list[str]:
    """The texts of lines on a page with some ink before them."""
    image = np.full((600, 1200), 255, np.uint8)
    for box in marks:
        image[box.top : box.bottom, box.left : box.right] = 0
    ink = find_components((image < 128).astype(np.uint8) * 255)
    found = read_list_marks(zone_of("text", lines), ink, image, lambda box: [])
    return [line.text for line in found or lines]


def text_line(text: str, left: int, baseline: int) -> Line:
    words = []
    for part in text.split():
        words.append(Word(part, Box(left, baseline - 36, left + 18 * len(part), baseline), 95.0, ()))
        left = words[-1].box.right + 14
    return Line(tuple(words), Box(words[0].box.left, baseline - 36, left - 14, baseline), baseline, 27.0)


LINES = [text_line("Vụ Pháp chế", 400, 100), text_line("Vụ Tổ chức", 400, 180)]


@pytest.mark.parametrize(
    ("marks", "wanted"),
    [
        ([Box(320, 86, 336, 90), Box(320, 166, 336, 170)], ["- Vụ Pháp chế", "- Vụ Tổ chức"]),
        ([Box(360, 86, 376, 90)], ["- Vụ Pháp chế", "Vụ Tổ chức"]),  # near to its words it needs no other
        ([Box(300, 86, 316, 90)], ["Vụ Pháp chế", "Vụ Tổ chức"]),  # far from them it may be dirt
        ([Box(300, 98, 380, 101)], ["Vụ Pháp chế", "Vụ Tổ chức"]),  # a rule
        ([Box(340, 60, 346, 110)], ["Vụ Pháp chế", "Vụ Tổ chức"]),  # a stroke
        ([Box(340, 97, 343, 100)], ["Vụ Pháp chế", "Vụ Tổ chức"]),  # a speck
        ([Box(320, 86, 336, 90), Box(342, 70, 350, 100)], ["Vụ Pháp chế", "Vụ Tổ chức"]),  # more than a dash
    ],
)
def test_what_is_a_dash(marks: list[Box], wanted: list[str]) -> None:
    assert page_with(marks, LINES) == wanted


def test_a_sign_read_by_itself_joins_its_words() -> None:
    lines = [text_line("1.", 330, 100), *LINES]
    assert page_with([], lines) == ["1. Vụ Pháp chế", "Vụ Tổ chức"]
    far = [text_line("1.", 100, 100), *LINES]
    assert page_with([], far) == [line.text for line in far]
    lost = [text_line("c)", 220, 100), *LINES]  # farther than columns are apart, and alone in its row
    assert page_with([], lost) == ["c) Vụ Pháp chế", "Vụ Tổ chức"]
    table = [*lost, text_line("12 người", 900, 100)]
    assert page_with([], table) == [line.text for line in table]
    beside = [text_line("Sở", 330, 100), *LINES]
    assert page_with([], beside) == [line.text for line in beside]


@pytest.mark.parametrize(
    ("top", "bottom", "confidence", "texts"),
    [
        (107, 114, 42.0, ["Vụ Pháp chế", "-", "Vụ Tổ chức"]),  # below the line
        (52, 58, 42.0, ["Vụ Pháp chế", "-", "Vụ Tổ chức"]),  # over it
        (86, 90, 42.0, ["- Vụ Pháp chế", "Vụ Tổ chức"]),
        (64, 100, 42.0, ["- Vụ Pháp chế", "Vụ Tổ chức"]),  # as tall as the line, as Tesseract has it now and then
        (107, 114, 92.0, ["- Vụ Pháp chế", "Vụ Tổ chức"]),
    ],
)
def test_a_speck_is_no_dash(top: int, bottom: int, confidence: float, texts: list[str]) -> None:
    first = LINES[0]
    dash = Word("-", Box(330, top, 338, bottom), confidence, ())
    assert page_with([], [Line((dash, *first.words), first.box, first.baseline, 27.0), LINES[1]]) == texts


# -- fragments -----------------------------------------------------------------------------------------------------


def read_word(text: str, left: int, widths: list[int], confidence: float = 90.0) -> ReadWord:
    edges = [left + sum(widths[:n]) for n in range(len(widths) + 1)]
    boxes = tuple(Box(a, 10, b, 50) for a, b in pairwise(edges))
    return ReadWord(text, Box(left, 10, edges[-1], 50), confidence, tuple(letter(c) for c in text), boxes)


def mended_texts(*words: ReadWord) -> list[str]:
    box = Box(words[0].box.left, 10, words[-1].box.right, 50)
    return [word.text for word in mended(ReadLine(words, box, 50.0, 0.0, 27.0, 1)).words]


def test_letters_read_twice_stand_once() -> None:
    hyphen = read_word("-NQ/TW", 156, [14, 30, 30, 18, 30, 40])
    assert mended_texts(read_word("29-", 100, [28, 28, 14]), hyphen) == ["29-NQ/TW"]
    assert mended_texts(read_word("22/1", 100, [20, 20, 12, 20]), read_word("12/1990", 152, [20] * 7)) == ["22/12/1990"]
    assert mended_texts(read_word("s", 112, [10]), read_word("số", 100, [18, 22])) == ["số"]
    assert mended_texts(read_word("t", 102, [10]), read_word("từ", 100, [14, 24])) == ["từ"]


def test_words_that_are_alike_stay() -> None:
    assert mended_texts(read_word("số", 100, [18, 22]), read_word("số", 158, [18, 22])) == ["số", "số"]
    assert mended_texts(read_word("ở", 100, [20]), read_word("ở", 136, [20])) == ["ở", "ở"]
    assert mended_texts(read_word("một", 100, [30, 20, 12]), read_word("số", 150, [18, 22])) == ["một", "số"]
    assert mended_texts(read_word("10", 100, [20, 20]), read_word("02", 152, [20, 20])) == ["10", "02"]


def test_symbols_without_a_space_are_one_word() -> None:
    symbol = [10, 30, 28, 16, 30, 44]
    assert mended_texts(read_word("51", 100, [20, 20]), read_word("-KL/TW", 148, symbol)) == ["51-KL/TW"]
    assert mended_texts(read_word("51", 100, [20, 20]), read_word("-KL/TW", 156, symbol)) == ["51", "-KL/TW"]
    assert mended_texts(read_word("sách", 100, [20] * 4), read_word("-bảo", 185, [10, 20, 20, 20])) == ["sách", "-bảo"]


# -- torn words ----------------------------------------------------------------------------------------------------


def torn(before: float, after: float, found: list[tuple[str, float]]) -> list[str]:
    words = (Word("THƯ!", Box(100, 10, 220, 50), before, ()), Word("ỪNG", Box(220, 10, 340, 50), after, ()))
    line = Line(words, Box(100, 10, 340, 50), 50.0, 27.0)
    again = [Line(tuple(Word(text, line.box, sure, ()) for text, sure in found), line.box, 50.0, 27.0)]
    out = read_torn([line], find_components(np.zeros((60, 400), np.uint8)), lambda box: again)
    return [word.text for word in (out or [line])[0].words]


def test_a_torn_word_is_read_again() -> None:
    assert torn(58, 28, [("THƯỜNG", 96.0)]) == ["THƯỜNG"]
    assert torn(58, 28, [("THƯỜNG", 50.0)]) == ["THƯ!", "ỪNG"]
    assert torn(58, 28, [("THƯ", 96.0), ("NG", 96.0)]) == ["THƯ!", "ỪNG"]
    assert torn(95, 93, [("THƯỜNG", 96.0)]) == ["THƯ!", "ỪNG"]


def test_words_run_together_are_parted() -> None:
    ink = np.zeros((60, 400), np.uint8)
    for left in (100, 145, 205, 265, 305):  # BỘ Y TẾ
        ink[10:50, left : left + 35] = 255
    line = Line((Word("BỘYTÉ", Box(100, 10, 340, 50), 77.0, ()),), Box(100, 10, 340, 50), 50.0, 27.0)
    parts = [Word("BỘ", Box(100, 10, 180, 50), 93.0, ()), Word("Y", Box(205, 10, 240, 50), 92.0, ())]
    parts.append(Word("TẾ", Box(265, 10, 340, 50), 60.0, ()))
    found = [Line(tuple(parts), line.box, 50.0, 27.0)]
    out = read_torn([line], find_components(ink), lambda box: found)
    assert out is not None and out[0].text == "BỘ Y TẾ"
    tight = np.zeros((60, 400), np.uint8)
    tight[10:50, 100:340] = 255
    assert read_torn([line], find_components(tight), lambda box: found) is None
