"""Layouts that differ: where notes begin, tables without borders, running headers, small signs on the page."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from benchmarks.evaluate import score
from benchmarks.layouts import HERE, Layout, read_layouts, truth, typst_pages
from normalize.document import Source
from normalize.formats import to_text
from normalize.repair.repair import repair
from normalize.structure.build import build_document
from ocr.image import clean, specks
from ocr.image.components import find_components
from ocr.layout.borderless_tables import find_open_tables
from ocr.layout.unread_ink import account
from ocr.layout.x_height import measured
from ocr.layout.zones import find_zones
from ocr.page import Box, Line, Page, Raised, Word, Zone, hull, letter, zone_of
from ocr.reading import read_page
from ocr.reread import missed_text, table_cells
from ocr.reread.lone_signs import bracketed
from ocr.superscripts.attach import attach
from ocr.superscripts.erase import close_up, erase, opened_again, put_back
from ocr.superscripts.find import RaisedSign, find_raised
from ocr.tesseract import ReadLine, ReadWord
from sample_scans.layout import font_files
from sample_scans.source import read_source
from tests.typeset import HEIGHT, WIDTH, page, read_case

CASES = Path(__file__).parent / "cases" / "structure"
SOURCE = Source("test.pdf", "0" * 64, 1, 1)


def line(text: str, left: int, baseline: int, x_height: float = 27.0, raised: str = "") -> Line:
    """A line of words with letters 0.75 x-heights wide; ``raised`` is a sign at its head."""
    words, x = [], float(left)
    for index, part in enumerate(text.split(" ")):
        right = x + 0.75 * x_height * len(part)
        box = Box(round(x), round(baseline - 1.5 * x_height), round(right), baseline + 5)
        signs = (Raised(0, raised, 99.0, box),) if raised and not index else ()
        words.append(Word(part, box, 95.0, (), signs))
        x = right + 0.6 * x_height
    return Line(tuple(words), hull([word.box for word in words]), baseline, x_height)


BODY = "Công tác kiểm tra được duy trì thường xuyên, đúng kế hoạch đã ban hành từ đầu năm và được nhân dân đồng tình"
NOTE = "Kế hoạch số 27 của Ủy ban nhân dân huyện về kiểm tra các công trình cấp nước tập trung trên địa bàn các xã"


def zones_of(notes: list[Line], rules: tuple[Box, ...] = (), more: tuple[Line, ...] = ()) -> tuple[Zone, ...]:
    """The zones of a page with a body of 30 lines and the given lines below it."""
    body = [line(BODY, 350, 500 + 60 * n) for n in range(30)]
    cited = Raised(4, "1", 99.0, Box(900, 2200, 910, 2215))
    last = body[-1]
    body[-1] = Line((*last.words[:-1], Word("tình", last.words[-1].box, 95.0, (), (cited,))), last.box, 2240, 27.0)
    return find_zones([*body, *notes, *more], rules, [], WIDTH, HEIGHT)


SHORT, LONG = Box(350, 2560, 940, 2564), Box(350, 2560, 2240, 2564)


NOTES = [
    ((SHORT,), "1", ""), ((LONG,), "1", ""), ((), "1", ""), ((SHORT,), "", ""), ((SHORT,), "", "1. "),
    ((LONG,), "", "(1) "), ((), "", "1. "),
]  # fmt: skip
SIZES = (18.0, 21.0, 25.0)
LIKE_A_LIST = {(((LONG,), "", "(1) "), 25.0), (((), "", "1. "), 25.0)}
"""Little but a plain number under type of nearly the same size: that may be a list."""


MISSED = pytest.mark.xfail(reason="little but a number tells these notes from a list", strict=True)


@pytest.mark.parametrize(
    ("rules", "raised", "head", "x_height"),
    [
        pytest.param(*one, x_height, marks=[MISSED] if (one, x_height) in LIKE_A_LIST else [])
        for one in NOTES
        for x_height in SIZES
    ],
)
def test_a_footnote_zone_is_told_by_two_of_rule_type_and_number(
    rules: tuple[Box, ...], raised: str, head: str, x_height: float
) -> None:
    notes = [line(head + NOTE, 350, 2620, x_height, raised), line(NOTE, 350, 2680, x_height)]
    zones = zones_of(notes, rules)
    assert [(zone.kind, len(zone.lines)) for zone in zones] == [("text", 30), ("notes", 2)]


@pytest.mark.parametrize(
    ("below", "rules"),
    [
        ([line("- " + NOTE, 350, 2620, 21.0), line("- Lưu: VT.", 350, 2670, 21.0)], ()),  # a list of recipients
        ([line("1. " + BODY, 350, 2620), line(BODY, 350, 2680)], (Box(350, 2560, 700, 2564),)),  # an underlined heading
        ([line("2. " + BODY, 350, 2620, 25.0)], ()),
    ],
)
def test_small_type_a_rule_or_a_number_alone_is_no_footnote(below: list[Line], rules: tuple[Box, ...]) -> None:
    assert "notes" not in [zone.kind for zone in zones_of(below, rules)]


@pytest.mark.parametrize("text", ["2", "- 2 -", "Trang 2", "Trang 2/5", "trang 12", "2/5"])
@pytest.mark.parametrize("left", [1240, 2050])
def test_page_numbers_at_the_foot(text: str, left: int) -> None:
    zones = zones_of([line(NOTE, 350, 2620, 21.0, "1")], (SHORT,), (line(text, left, 3350),))
    assert [zone.kind for zone in zones] == ["text", "notes", "foot"]


@pytest.mark.parametrize("text", ["năm 2020.", "Trang phục", "2 hộ", "12.500"])
def test_other_last_lines_are_no_page_numbers(text: str) -> None:
    assert "foot" not in [zone.kind for zone in zones_of([], (), (line(text, 1240, 3350),))]


@pytest.mark.parametrize(
    ("left", "baseline", "beside", "is_foot"),
    [
        (2200, 3060, None, True),
        (2200, 3060, "3. Xã Tân Thịnh", False),  # a row of figures without borders
        (1240, 3060, None, False),  # may be a line of the text
        (2200, 2700, None, False),
    ],
)
def test_a_number_alone_low_at_the_right_is_the_pages(
    left: int, baseline: int, beside: str | None, is_foot: bool
) -> None:
    more = [line("3", left, baseline), *([line(beside, 350, baseline)] if beside else [])]
    zones = zones_of([], (), tuple(more))
    assert ("foot" in [zone.kind for zone in zones]) == is_foot


# -- tables without borders ------------------------------------------------------------------------------------------


def row(baseline: int, *cells_: tuple[int, str]) -> list[Line]:
    return [line(text, left, baseline) for left, text in cells_]


def test_a_table_without_borders_keeps_its_rows() -> None:
    rows = [
        row(300, (350, BODY)),
        row(400, (380, "TT"), (600, "Loại thực phẩm"), (1400, "Định mức"), (1800, "Nguồn cung cấp")),
        row(480, (390, "1"), (500, "Gạo tẻ"), (1420, "450 gam"), (1800, "Hợp tác xã")),
        row(560, (390, "2"), (500, "Thịt lợn, thịt gà"), (1420, "160 gam"), (1800, "Các hộ chăn nuôi")),
        row(615, (1800, "đã ký cam kết")),
        row(700, (390, "3"), (500, "Rau xanh"), (1420, "300 gam"), (1800, "Vườn trường")),
        row(800, (350, BODY)),
    ]
    ((first, last, zone),) = find_open_tables(rows)
    assert (first, last) == (1, 6)
    pages = [Page(1, WIDTH, HEIGHT, 300, zones=(zone,))]
    assert to_text(build_document(pages, SOURCE)) == (
        "TT\tLoại thực phẩm\tĐịnh mức\tNguồn cung cấp\n1\tGạo tẻ\t450 gam\tHợp tác xã\n"
        "2\tThịt lợn, thịt gà\t160 gam\tCác hộ chăn nuôi đã ký cam kết\n3\tRau xanh\t300 gam\tVườn trường\n"
    )


def test_names_and_offices_in_two_columns_are_rows() -> None:
    names = ("Ông Lê Văn Tám", "Bà Hoàng Thị Mận", "Ông Giàng Seo Páo")
    rows = [row(300 + 80 * n, (500, f"- {name};"), (1500, "Phó Trưởng ban;")) for n, name in enumerate(names)]
    ((_, last, zone),) = find_open_tables(rows)
    assert last == 3
    assert len(zone.rows) == 4


@pytest.mark.parametrize(
    "rows",
    [
        [row(300 + 70 * n, (350, BODY[n:])) for n in range(6)],
        [  # a letterhead
            row(300, (560, "UBND TỈNH HÀ LÂM"), (1160, "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM")),
            row(360, (490, "SỞ VĂN HÓA VÀ THỂ THAO"), (1370, "Độc lập - Tự do - Hạnh phúc")),
            row(440, (540, "Số: 672/QĐ-SVHTT"), (1280, "Hà Lâm, ngày 06 tháng 7 năm 2021")),
        ],
        [  # recipients and signature
            row(300, (350, "Nơi nhận:"), (1460, "TM. ỦY BAN NHÂN DÂN")),
            row(360, (350, "- UBND tỉnh (b/c);"), (1590, "KT. CHỦ TỊCH")),
            row(420, (350, "- Sở Nông nghiệp;"), (1570, "PHÓ CHỦ TỊCH")),
            row(480, (350, "- Lưu: VT.")),
        ],
    ],
)
def test_text_letterhead_and_signature_are_no_tables(rows: list[list[Line]]) -> None:
    assert find_open_tables(rows) == []


# -- what stands on the page ---------------------------------------------------------------------------------------


def liberation_serif() -> Path:
    """The font that most offices print with, or one of its measures; the test is skipped without it."""
    try:
        return next(file for file in font_files("Liberation Serif") if file.stem.endswith("-Regular"))
    except FileNotFoundError as missing:
        pytest.skip(str(missing))


def printed(text: str, size: int = 54) -> tuple[np.ndarray, ImageDraw.ImageDraw, Image.Image, ImageFont.FreeTypeFont]:
    """A page with some lines of text, the last of them ``text``; 54 pixels are 13 points."""
    font = ImageFont.truetype(str(liberation_serif()), size)
    image = Image.new("L", (WIDTH, HEIGHT), 255)
    draw = ImageDraw.Draw(image)
    for n in range(5):
        draw.text((350, 100 + 100 * n), BODY[:70], font=font, fill=0)
    draw.text((350, 600), text, font=font, fill=0)
    return np.asarray(image), draw, image, font


def found_signs(image: np.ndarray) -> list[str]:
    return [sign.text for sign in find_raised(image, clean.binarize(image))]


@pytest.mark.parametrize(
    ("sign", "overlap"),
    [("2", 0), ("2", 2), ("2", 4), ("3", 4), ("14", 0), ("14", 2), ("*", 0), ("**", 0), ("(3)", 0), ("[1]", 0)],
)
def test_a_raised_sign_after_a_horn(sign: str, overlap: int) -> None:
    """The horn of ư is where a digit after it stands: they may touch."""
    text = "Các hộ dân trong vùng dự án đã tham dự"
    _, draw, image, font = printed(text)
    left = 350 + font.getlength(text)
    draw.text((left - overlap + 2, 596), sign, font=font.font_variant(size=34), fill=0)
    assert found_signs(np.asarray(image)) == [sign.strip("()[]")]


@pytest.mark.parametrize("text", ["(71,5%).", "“Nhà sạch, vườn đẹp” và 1.126 hộ", "phối hợp, chấp hành, số 11, T.P.I"])
def test_quotes_marks_and_figures_are_no_raised_signs(text: str) -> None:
    assert found_signs(printed(text)[0]) == []


def test_print_behind_a_unit_is_moved_up_and_its_boxes_back() -> None:
    _, draw, image, font = printed("công suất 420 m")
    left = 350 + font.getlength("công suất 420 m")
    small = font.font_variant(size=34)
    draw.text((left, 596), "3", font=small, fill=0)
    draw.text((left + small.getlength("3"), 600), "/ngày đêm", font=font, fill=0)
    grey = np.asarray(image)
    ink = clean.binarize(grey)
    signs = find_raised(grey, ink)
    assert [sign.text for sign in signs] == ["3"]
    moved, (shift,) = close_up(erase(grey, ink, signs), ink, signs)
    # Nothing is lost: as much ink as before, but for the 3.
    was, now = (grey < 128).sum(), (moved < 128).sum()
    assert was - now == pytest.approx((grey[560:640, signs[0].box.left : signs[0].box.right] < 128).sum(), rel=0.05)
    slash = Box(shift.box.left - shift.by + 3, 610, shift.box.left - shift.by + 20, 650)
    word = ReadWord("m/", Box(600, 610, slash.right, 650), 95.0, (), (Box(600, 620, 640, 650), slash))
    back = put_back([ReadLine((word,), word.box, 650.0, 0.0, 27.0, 1)], [shift])[0].words[0]
    assert [box.left for box in back.letter_boxes] == [600, slash.left + shift.by]
    # Undone for that sign, the page is as it was; for another nothing changes.
    opened, left_over = opened_again(moved, grey, [shift], signs)
    assert left_over == []
    assert np.array_equal(opened[:, signs[0].box.right :], grey[:, signs[0].box.right :])
    elsewhere = replace(signs[0], box=signs[0].box.moved(0, 90))
    assert opened_again(moved, grey, [shift], [elsewhere]) == (moved, [shift])


@pytest.mark.parametrize(("text", "kept"), [("m/ngày", "m/ngày"), ("mˆ,", "m,"), ("m(a)", "m(a)")])
def test_a_phantom_goes_and_print_beside_a_sign_stays(text: str, kept: str) -> None:
    boxes = [Box(100, 60, 130, 90), *(Box(144 + 20 * n, 60, 160 + 20 * n, 90) for n in range(len(text) - 1))]
    word = ReadWord(text, hull(boxes), 95.0, tuple(letter(c) for c in text), tuple(boxes))
    sign = RaisedSign("3", Box(132, 50, 143, 70), 99.0, 90.0, 28.0)
    assert attach([ReadLine((word,), word.box, 90.0, 0.0, 28.0, 1)], [sign])[0].text == kept


def test_the_point_of_a_figure_is_no_speck() -> None:
    image, *_ = printed("đường ống phân phối và 1.126 đồng hồ; 1. Cấp nước; 2.111,1 m")
    ink = clean.binarize(image)
    _, kept = specks.drop_specks(image, ink)
    assert (kept == ink).all()


def test_type_size_is_measured_to_a_part_of_a_point() -> None:
    sizes = []
    for size in (54, 50):  # 13 and 12 points
        image, *_ = printed(BODY[:60], size)
        rough = ReadLine((ReadWord(BODY[:60], Box(350, 600, 1700, 660), 95.0, (), ()),), Box(350, 600, 1700, 660),
                         600 + round(0.89 * size), 0.0, 27.0, 1)  # fmt: skip
        sizes.append(measured([rough], find_components(clean.binarize(image)))[0].x_height)
    # The letters are fitted to whole pixels, so that 12 to 13 is not met exactly.
    assert 0.85 < sizes[1] / sizes[0] < 0.95


def test_a_row_that_was_passed_over_is_read_by_itself() -> None:
    image, *_ = printed("(71,5%) các hộ dân")
    ink = clean.binarize(image)
    read = []
    for n in range(5):
        words = line(BODY[:70], 350, 148 + 100 * n, 36.0).words
        read.append(Line(words, hull([word.box for word in words]), 148.0 + 100 * n, 25.0))
    asked: list[Box] = []

    def again(box: Box) -> list[Line]:
        asked.append(box)
        return [line("(71,5%) các hộ dân", 350, 648)]

    out = missed_text.read_missed(zone_of("text", read), find_components(ink), [], again)
    assert out is not None
    assert [one.text for one in out][5:] == ["(71,5%) các hộ dân"]
    assert len(asked) == 1
    assert asked[0].top < 620 < 640 < asked[0].bottom
    assert missed_text.read_missed(zone_of("text", out), find_components(ink), [], again) is None


@pytest.mark.parametrize(
    ("top", "found"), [(160, ["3"]), (3300, ["3"]), (1500, [])], ids=["head", "foot", "in the text"]
)
def test_a_page_number_that_was_passed_over_is_read_by_the_network(top: int, found: list[str]) -> None:
    image = Image.new("L", (2480, 3508), 255)
    ImageDraw.Draw(image).text((1230, top), "3", font=ImageFont.truetype(str(liberation_serif()), 54), fill=0)
    page = np.asarray(image)
    ink = find_components((page < 128).astype(np.uint8))
    read = [replace(line(BODY[:70], 350, at, 36.0), x_height=25.0) for at in (600, 1900)]
    missed = account(ink, [word.box for one in read for word in one.words], 25.0, (), 300)
    assert len(missed.lone) == 1
    out = missed_text.read_unread(zone_of("text", read), missed, ink, page, lambda box: [])
    assert [one.text for one in (out or [])[2:]] == found


def test_a_lone_digit_in_a_cell_is_read_by_the_network() -> None:
    _, draw, image, font = printed("")
    draw.text((400, 700), "3", font=font, fill=0)
    lines = (line("TT", 400, 648), line("Rau xanh", 700, 648), line("Vườn trường", 700, 748))
    zone = Zone("table", lines, Box(360, 590, 1200, 800), (360, 500, 1200), (590, 690, 800))
    out = table_cells.read_cells([zone], np.asarray(image), lambda box: [])
    assert out is not None
    assert [one.text for one in out] == ["TT", "Rau xanh", "Vườn trường", "3"]


def drawn(text: str, size: int = 54) -> tuple[np.ndarray, Box]:
    """A few signs on paper and their box."""
    font = ImageFont.truetype(str(liberation_serif()), size)
    image = Image.new("L", (600, 200), 255)
    ImageDraw.Draw(image).text((100, 60), text, font=font, fill=0)
    left, top, right, bottom = font.getbbox(text)
    return np.asarray(image), Box(100 + int(left), 60 + int(top), 100 + int(right), 60 + int(bottom))


@pytest.mark.parametrize(
    ("printed_as", "found"),
    [
        *((text, text) for text in ("(%)", "(‰)", "(1)", "(2)", "(5)")),
        *((text, None) for text in ("(12)", "(12)%", "(m)", "(kg)", "1)", "%", "12,5", "(x)")),
    ],
)
@pytest.mark.parametrize("lost", [0, 18], ids=["whole", "first bracket lost"])
def test_a_sign_in_brackets_is_read_by_the_networks(printed_as: str, found: str | None, lost: int) -> None:
    image, box = drawn(printed_as)
    word = bracketed(image, box._replace(left=box.left + lost), 25.0)
    assert (word and word.text) == found


@pytest.mark.parametrize(
    ("sign", "read", "found"), [("x", "X", "x"), ("X", "x", "X"), ("-", "¬", "-"), ("-", ":", "-")]
)
def test_crosses_and_dashes_in_cells_are_what_was_printed(sign: str, read: str, found: str) -> None:
    font = ImageFont.truetype(str(liberation_serif()), 54)
    image = Image.new("L", (1400, 1000), 255)
    draw = ImageDraw.Draw(image)
    rows = [(700, "5"), (800, "7"), (900, sign)]
    for top, text in rows:
        draw.text((600, top - 45), text, font=font, fill=0)
    lines = [line(f"Xã {n}", 400, top) for n, (top, _) in enumerate(rows)]
    lines += [line(text if text != sign else read, 600, top) for top, text in rows]
    zone = Zone("table", tuple(lines), Box(360, 640, 1200, 930), (360, 560, 700, 1200), (640, 730, 830, 930))
    out = table_cells.read_cells([zone], np.asarray(image), lambda box: []) or lines
    assert [one.text for one in out if one.box.left > 560][-1] == found


def test_a_column_read_again_is_taken_cell_by_cell() -> None:
    lines = [line("TT", 400, 648), line("Số hộ", 700, 648)]
    lines += [line("1", 400, 748), replace_confidence(line("11", 700, 748), 60.0)]
    lines += [line("2", 400, 848), line("333", 700, 848)]
    again = [line("111", 700, 748), replace_confidence(line("838", 700, 848), 70.0)]
    zone = Zone("table", tuple(lines), Box(360, 590, 1200, 880), (360, 500, 1200), (590, 690, 790, 880))
    out = table_cells.read_cells(
        [zone], np.full((1000, 1400), 255, np.uint8), lambda box: again if box.left > 480 else []
    )
    assert out is not None
    assert sorted(one.text for one in out) == ["1", "111", "2", "333", "Số hộ", "TT"]


@pytest.mark.parametrize(
    ("printed_as", "read", "found"),
    [("111", "11", "111"), ("1.115", "1.15", "1.115"), ("25", "25", "25"), ("abc", "11", "11"), ("12", "312", "312")],
)
def test_a_number_has_as_many_digits_as_its_cell_has_pieces(printed_as: str, read: str, found: str) -> None:
    font = ImageFont.truetype(str(liberation_serif()), 54)
    image = Image.new("L", (1400, 1000), 255)
    ImageDraw.Draw(image).text((700, 703), printed_as, font=font, fill=0)
    lines = [line("TT", 400, 648), line("Số hộ", 700, 648), line("1", 400, 748), line(read, 700, 748)]
    zone = Zone("table", tuple(lines), Box(360, 590, 1200, 790), (360, 500, 1200), (590, 690, 790))
    out = table_cells.read_cells([zone], np.asarray(image), lambda box: []) or lines
    assert [one.text for one in out if one.box.left > 560 and one.box.top > 690] == [found]


def replace_confidence(one: Line, confidence: float) -> Line:
    return replace(one, words=tuple(replace(word, confidence=confidence) for word in one.words))


# -- whole documents -----------------------------------------------------------------------------------------------


def test_the_json_keeps_asterisks_and_dropped_headers() -> None:
    document = build_document(read_case(CASES / "asterisks_on_each_page.txt")[0], SOURCE)
    assert [(note.label, note.printed_label) for note in document.footnotes] == [("1", "*"), ("2", "**"), ("3", "*")]
    document = build_document(read_case(CASES / "running_header.txt")[0], SOURCE)
    assert [(one.page, one.reason) for one in document.dropped] == [(2, "running header"), (3, "running header")]


def test_a_letterhead_on_each_page_is_no_running_header() -> None:
    rows = [
        "L SỞ XÂY DỰNG",
        "L Số: 947/SXD-QLN",
        "R CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM",
        "R Độc lập - Tự do - Hạnh phúc",
    ]
    rows += ["T >Nội dung thứ nhất của văn bản này.<", "T >Nội dung thứ hai.<"]
    assert build_document([page(1, rows), page(2, rows), page(3, rows)], SOURCE).dropped == ()


def test_every_layout_of_the_benchmark_is_possible() -> None:
    layouts = read_layouts()
    assert len({one.name for one in layouts}) == len(layouts) >= 25
    for one in layouts:
        source = read_source(HERE / f"{one.source}.txt")
        assert truth(source, one)["footnotes"]


def test_a_page_with_nothing_but_its_number_has_no_notes() -> None:
    numbers = [line("- 2 -", WIDTH // 2 - 50, 150.0), line("- 3 -", WIDTH // 2 - 50, HEIGHT - 120.0)]
    assert [zone.kind for zone in find_zones(numbers, [], [], WIDTH, HEIGHT)] == ["head", "foot"]


@pytest.mark.slow
def test_a_page_in_an_unusual_layout_is_read(tmp_path: Path) -> None:
    """Notes nearly as large as the body, no rule, asterisks anew on each page, and a page number at the foot."""
    liberation_serif()
    one = Layout(
        "unusual", "thong_bao", "typst", "Liberation Serif", paper=(148, 210), margins=(14, 14, 16, 12), size=11,
        spacing=1.2, indent=9, head_size=8.5, sign_size=9, separator="none", marks="asterisks-page", note_size=10,
        page_number="bottom-right", page_form="Trang {n}/{all}",
    )  # fmt: skip
    source = read_source(HERE / "thong_bao.txt")
    read = []
    for number, picture in enumerate(typst_pages(source, one), 1):
        path = tmp_path / f"{number}.png"
        Image.fromarray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)).save(path, dpi=(300, 300))
        read.append(replace(read_page(path, 1), number=number))
    document = repair(build_document(read, SOURCE))
    result = score(truth(source, one), to_text(document))
    assert result.notes_right == result.notes == result.notes_found == 5
    assert result.paragraph_f1 == 1.0
    assert {note.printed_label for note in document.footnotes} <= {"*", "**", "***", "****", "*****"}


@pytest.mark.parametrize(
    ("gap", "lower", "size", "sure", "joined"),
    [
        (20, 0, 27.0, 95.0, True),
        (-6, 5, 25.0, 95.0, True),
        (60, 0, 27.0, 95.0, False),  # five millimetres: two columns may stand so near
        (20, 16, 27.0, 95.0, False),  # on another baseline
        (20, 0, 20.0, 95.0, False),  # other type
        (20, 0, 27.0, 40.0, False),  # what a stamp left
    ],
)
def test_pieces_of_one_line_are_joined(gap: int, lower: int, size: float, sure: float, joined: bool) -> None:
    body = [line(BODY, 350, 1000 + 60 * n) for n in range(6)]
    first = line("Căn cứ Nghị định số 75/2017/NĐ-CP", 350, 1360)
    second = line("ngày 20 tháng 6 của Chính phủ", first.box.right + gap, 1360 + lower, size)
    second = replace(second, words=tuple(replace(word, confidence=sure) for word in second.words))
    texts = [one.text for zone in find_zones([*body, second, first], [], [], WIDTH, HEIGHT) for one in zone.lines]
    assert (f"{first.text} {second.text}" in texts) is joined
