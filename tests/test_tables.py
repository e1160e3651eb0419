"""Tables: their borders, the signs in their cells, tables over page ends, and numbers that do not agree."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from normalize.document import Block, Source
from normalize.structure.build import build_document
from normalize.structure.tables import disagreements
from ocr.image import clean
from ocr.image.components import find_components
from ocr.image.seals import Seal
from ocr.image.train_sign_network import find_fonts
from ocr.layout import ruled_tables
from ocr.layout.borderless_tables import labels_and_values
from ocr.page import Box, Letter, Line, Page, Raised, Word, Zone, from_json, hull, letter, to_json
from ocr.reread.lone_signs import lone_sign
from ocr.reread.separators import with_separators
from ocr.signs.inequalities import Inequality, find_inequalities, put_in, without_inequalities
from ocr.signs.misread import signs_for
from ocr.signs.strokes import strokes_in, with_roman_ones
from ocr.superscripts.attach import attach
from ocr.superscripts.find import RaisedSign
from ocr.tesseract import ReadLine, ReadWord

COLUMNS = (300, 420, 1180, 1600, 2200)


def grid(rows: list[int], columns: tuple[int, ...] = COLUMNS) -> np.ndarray:
    """The ink of a table with these borders."""
    ink = np.zeros((3508, 2480), np.uint8)
    for y in rows:
        ink[y : y + 4, columns[0] : columns[-1] + 4] = 255
    for x in columns:
        ink[rows[0] : rows[-1] + 4, x : x + 4] = 255
    return ink


# --- Borders ---


def test_the_caption_above_a_table_is_not_in_it_though_a_seal_touches_both() -> None:
    ink = grid([600, 700, 800, 900])
    cv2.circle(ink, (320, 560), 130, 255, 6)
    ink[500:560, 700:1400:9] = 255  # letters of the caption
    (table,), _ = ruled_tables.find_tables(ink)
    assert table.box.top > 580
    assert len(table.rows) == 4
    assert len(table.columns) == len(COLUMNS)


def test_a_cell_over_several_rows_and_one_over_several_columns() -> None:
    ink = grid([600, 700, 800, 900, 1000])
    ink[700:704, 430:1170] = 0  # the second column has one cell for the first two rows
    ink[904:1000, 1180:1184] = 0  # the last row one for the second and third column
    (table,), _ = ruled_tables.find_tables(ink)
    assert table.tall == ((0, 1),)
    assert table.merged == ((3, 1),)


def test_a_border_that_went_with_a_seal_is_still_one() -> None:
    ink = grid([600, 700, 800, 900, 1000])
    ink[700:704, 430:1170] = 0
    seal = Seal(800, 700, 390, np.zeros(400))
    (table,), _ = ruled_tables.find_tables(ink, [seal])
    assert table.tall == ()


def test_the_serifs_of_a_word_are_no_border() -> None:
    ink = grid([600, 700, 800, 900])
    ink[745:748, 500:620] = 255  # a word in bold capitals, its serifs run together
    _, borders = ruled_tables.find_tables(ink)
    assert not borders[740:752, 510:610].any()
    assert borders[701, 430:1170].all()


def test_old_page_records_know_no_tall_cells() -> None:
    words = (word("1", 320, 680),)
    zone = Zone("table", (line(words),), Box(300, 590, 2204, 910), COLUMNS, (600, 700, 800, 900), ((1, 1),), ((0, 2),))
    page = Page(1, 2480, 3508, 300, zones=(zone,))
    assert from_json(to_json(page)) == page
    older = to_json(page).replace(",[[0,2]]]]", "]]")
    assert from_json(older).zones[0].tall == ()


# --- Signs ---


def font(size: int) -> ImageFont.FreeTypeFont:
    fonts = [path for path in find_fonts() if "serif" in path.lower() and "bold" not in path.lower()]
    if not fonts:
        pytest.skip("no font to draw signs with")
    return ImageFont.truetype(fonts[0], size)


def drawn(text: str, size: int = 56, width: int = 900) -> np.ndarray:
    """A line of print on white paper."""
    canvas = Image.new("L", (width, 140), 250)
    ImageDraw.Draw(canvas).text((60, 30), text, font=font(size), fill=20)
    return cv2.GaussianBlur(np.asarray(canvas), (0, 0), 1.0)


@pytest.mark.parametrize("sign", ["%", "‰", "-", "+", "x"])
def test_a_sign_alone_in_its_cell(sign: str) -> None:
    found = lone_sign(drawn(sign), Box(5, 5, 300, 135), 26.0)
    assert found is not None
    assert found.text == sign


@pytest.mark.parametrize("text", ["", "a", "7", "đ", "Có", "12", ":", "...", "|"])
def test_what_is_no_such_sign(text: str) -> None:
    assert lone_sign(drawn(text), Box(5, 5, 300, 135), 26.0) is None


@pytest.mark.parametrize(
    ("text", "signs"),
    [
        ("trong ≤ 3 ngày", "≤"),
        ("phải ≥ 15 m và ≤20 m", "≥≤"),
        ("dưới < 60 hoặc trên > 30", ""),
        ("Luật Lâm Zô EEL 225 B.", ""),
        ("3 + 2 = 5, 4 - 1 = 3", ""),
    ],
)
def test_inequalities_are_found_by_their_shape(text: str, signs: str) -> None:
    page = np.vstack([drawn("Một dòng chữ dài để biết cỡ chữ của trang", width=1500), drawn(text, width=1500)])
    ink = clean.binarize(page)
    found = sorted(find_inequalities(page, find_components(ink)), key=lambda one: one.box.left)
    assert "".join(one.text for one in found) == signs
    bare, rest = without_inequalities(page, ink, found)
    assert all(bare[one.box.top : one.box.bottom, one.box.left : one.box.right].min() > 200 for one in found)
    assert (bare is page) == (not found)
    assert (rest[:140] == ink[:140]).all()


@pytest.mark.parametrize("size", [26, 40, 58])
@pytest.mark.parametrize(("blur", "noise"), [(0.5, 0), (1.0, 12), (1.0, 30), (2.0, 45)])
def test_what_the_network_is_not_shown_it_would_not_have_taken(
    monkeypatch: pytest.MonkeyPatch, size: int, blur: float, noise: float
) -> None:
    """Whatever the scan did to a sign: alone, tight before a number, or run together with what stands beside it."""
    rng = np.random.default_rng(size)
    texts = ["Một dòng chữ dài để biết cỡ chữ của trang", "a≤ ≥b ≤5 ≥ 12 ≤≥ (≤) x≥y ≤", "≥ ≤ ≥7 m≤ 3 ≥,≤. ≥≥ e≤n"]
    canvas = Image.new("L", (1700, 120 * len(texts)), 250)
    for row, text in enumerate(texts):
        ImageDraw.Draw(canvas).text((40, 120 * row + 25), text, font=font(size), fill=20)
    grey = cv2.GaussianBlur(np.asarray(canvas), (0, 0), blur)
    page = np.clip(grey + rng.normal(0, noise, grey.shape), 0, 255).astype(np.uint8)
    parts = find_components(clean.binarize(page))
    found = find_inequalities(page, parts)
    monkeypatch.setattr("ocr.signs.inequalities._opens", lambda own: True)
    assert found == find_inequalities(page, parts)
    assert found or noise > 20


def read_word(text: str, left: int) -> ReadWord:
    boxes = tuple(Box(left + 20 * i, 60, left + 20 * i + 18, 100) for i in range(len(text)))
    return ReadWord(text, Box(left, 60, boxes[-1].right, 100), 95.0, tuple(letter(c) for c in text), boxes)


def test_an_inequality_goes_back_before_its_number() -> None:
    words = (read_word("gửi", 0), read_word("_", 100), read_word("3", 150), read_word("ngày", 200))
    before = ReadLine(words, Box(0, 60, 300, 100), 100.0, 0.0, 28.0, 1)
    (after,) = put_in([before], [Inequality("≤", Box(98, 70, 125, 100), 99.0)])
    assert [one.text for one in after.words] == ["gửi", "≤", "3", "ngày"]
    (tight,) = put_in([before], [Inequality("≤", Box(118, 70, 145, 100), 99.0)])
    assert [one.text for one in tight.words] == ["gửi", "≤3", "ngày"]
    alone = put_in([before], [Inequality("≥", Box(900, 470, 925, 500), 99.0)])
    assert [one.text for one in alone[1].words] == ["≥"]


@pytest.mark.parametrize(
    ("read", "printed"),
    [
        ("%o", "‰"),
        ("0,2%o", "0,2‰"),
        ("2”C", "2°C"),
        ("30”C,", "30°C,"),
        ("”C", "°C"),
        ("%", "%"),
        ("%of", "%of"),
        ("“C”", "“C”"),
        ("2”Các", "2”Các"),
        ("5'", "5'"),
    ],
)
def test_signs_that_are_always_misread_so(read: str, printed: str) -> None:
    letters: list[Letter] = [letter(c) for c in read]
    for first, last, sign in signs_for(letters):
        letters[first:last] = [sign]
    assert "".join(one.text for one in letters) == printed


@pytest.mark.parametrize(
    ("words", "sign", "text"),
    [
        ([("2C", 0)], "0", "2°C"),  # printed with a raised zero
        ([("4C.", 0)], "6", "4°C."),  # whatever the ring was read as
        ([("30", 0)], "0", "30°"),
        ([("2A", 0)], "0", "2°A"),
        ([("nhà", 0)], "0", "nhà"),
        ([("2C", 0)], "", "2°C"),
        ([("13/4", 0)], "0", "13/4"),
        ([("3Các", 0)], "2", "3Các"),
    ],
)
def test_a_raised_ring_behind_a_number_is_a_degree_sign(words: list[tuple[str, int]], sign: str, text: str) -> None:
    read = tuple(read_word(*one) for one in words)
    where = 18 if len(text.rstrip("°")) > 2 and not text.endswith("°") and "/" not in text else read[0].box.right
    raised = RaisedSign(sign, Box(where - 1, 55, where + 3, 75), 99.0, 100.0, 28.0)
    (out,) = attach([ReadLine(read, Box(0, 60, 400, 100), 100.0, 0.0, 28.0, 1)], [raised])
    assert " ".join(one.text for one in out.words) == text
    assert all("".join(c.text for c in one.letters) == one.text for one in out.words)


@pytest.mark.parametrize(
    ("printed", "read", "text"),
    [
        ("5,0", "50", "5,0"),
        ("102,7", "102/7", "102,7"),
        ("12.400", "12400", "12.400"),
        ("4.500.000", "4500.000", "4.500.000"),
        ("50", "50", "50"),
        ("102", "102", "102"),
        ("2/7", "2/7", "2/7"),
        ("25/5", "25/5", "25/5"),
        ("111", "111", "111"),
    ],
)
def test_separators_of_a_number_are_seen_on_the_page(printed: str, read: str, text: str) -> None:
    image = drawn(printed)
    dark = np.argwhere(image < 140)
    box = Box(int(dark[:, 1].min()), int(dark[:, 0].min()), int(dark[:, 1].max()) + 1, int(dark[:, 0].max()) + 1)
    found = with_separators(Word(read, box, 90.0), image)
    assert found.text == text


def test_a_word_with_a_mark_keeps_its_letters() -> None:
    marked = Word("50", Box(60, 40, 120, 90), 90.0, (), (Raised(2, "1", 90.0, Box(121, 30, 130, 50)),))
    assert with_separators(marked, drawn("5,0")) is marked


@pytest.mark.parametrize(("printed", "read", "text"), [("II", "H", "II"), ("III", "HI", "III"), ("H", "H", "H")])
def test_roman_ones_have_no_bar(printed: str, read: str, text: str) -> None:
    image = drawn(printed)
    dark = np.argwhere(image < 140)
    box = Box(int(dark[:, 1].min()), int(dark[:, 0].min()), int(dark[:, 1].max()) + 1, int(dark[:, 0].max()) + 1)
    part = box.width // len(read)
    boxes = tuple(box._replace(left=box.left + n * part, right=box.left + (n + 1) * part) for n in range(len(read)))
    one = ReadWord(read, box, 80.0, tuple(letter(c) for c in read), boxes)
    (out,) = with_roman_ones([ReadLine((one,), box, float(box.bottom), 0.0, 26.0, 1)], image)
    assert out.words[0].text == text
    assert len(out.words[0].letter_boxes) == len(text)
    assert strokes_in(image, box) == (len(text) if text != "H" else 0)


# --- Documents ---


def word(text: str, left: int, baseline: int) -> Word:
    return Word(text, Box(left, baseline - 36, left + 20 * len(text), baseline), 95.0, tuple(letter(c) for c in text))


def line(words: tuple[Word, ...]) -> Line:
    return Line(words, hull([one.box for one in words]), float(words[0].box.bottom), 26.0)


def table(number: int, rows: list[list[str]], columns: tuple[int, ...] = COLUMNS) -> Page:
    """A page that holds a table and nothing else."""
    lines = []
    for index, row in enumerate(rows):
        for cell, left in zip(row, columns, strict=False):
            words, at = [], left + 15
            for part in cell.split():
                words.append(word(part, at, 560 + 100 * index))
                at = words[-1].box.right + 14
            if words:
                lines.append(line(tuple(words)))
    edges = tuple(500 + 100 * index for index in range(len(rows) + 1))
    zone = Zone("table", tuple(lines), Box(columns[0], 490, columns[-1], edges[-1] + 10), columns, edges)
    return Page(number, 2480, 3508, 300, zones=(zone,))


HEAD = ["STT", "Nội dung", "Đơn vị", "Số lượng"]


def built(*pages: Page) -> list[Block]:
    return list(build_document(pages, Source("scan.pdf", "", len(pages), 0)).blocks)


def test_a_table_goes_on_on_the_next_page_and_a_row_over_its_end() -> None:
    first = table(1, [HEAD, ["1", "Bàn học", "cái", "12"], ["2", "Nhà xe", "Phòng quản lý", "1"]])
    moved = tuple(x + 14 for x in COLUMNS)
    second = table(2, [["", "", "đô thị", ""], ["3", "Ghế", "cái", "24"]], moved)
    (block,) = built(first, second)
    assert block.rows[2:] == (("2", "Nhà xe", "Phòng quản lý đô thị", "1"), ("3", "Ghế", "cái", "24"))
    assert [one.text for one in block.tokens] == " ".join(cell for row in block.rows for cell in row).split()


def test_a_head_printed_again_is_dropped() -> None:
    first, second = table(1, [HEAD, ["1", "Bàn", "cái", "12"]]), table(2, [HEAD, ["2", "Ghế", "cái", "24"]])
    document = build_document([first, second], Source("scan.pdf", "", 2, 0))
    (block,) = document.blocks
    assert [row[0] for row in block.rows] == ["STT", "1", "2"]
    assert " ".join(one.text for one in document.dropped) == "STT Nội dung Đơn vị Số lượng"
    assert {one.reason for one in document.dropped} == {"running header"}


@pytest.mark.parametrize(
    "second",
    [
        table(2, [["STT", "Họ và tên", "Chức vụ", "Ký"], ["1", "Lê An", "Đội trưởng", "x"]]),  # a head of its own
        table(2, [["3", "Ghế", "cái", "24"]], (300, 700, 1180, 1600, 2200)),  # other columns
        table(2, [["3", "Ghế", "24"]], (300, 420, 1180, 2200)),
        table(3, [["3", "Ghế", "cái", "24"]]),  # not the next page
    ],
)
def test_another_table_is_another_table(second: Page) -> None:
    assert len(built(table(1, [HEAD, ["1", "Bàn", "cái", "12"], ["2", "Tủ", "cái", "3"]]), second)) == 2


def test_like_rows_are_no_repeated_head() -> None:
    first = table(1, [HEAD, ["1", "Khảo sát điểm trường", "điểm", "3"], ["2", "Khảo sát chợ", "chợ", "3"]])
    second = table(2, [HEAD, ["3", "Khảo sát điểm trường", "điểm", "3"], ["4", "Khảo sát chợ", "chợ", "3"]])
    (block,) = built(first, second)
    assert [row[0] for row in block.rows] == ["STT", "1", "2", "3", "4"]


@pytest.mark.parametrize(
    ("again", "kept"),
    [(["(1)", "(2)", "(3)", "(4)"], False), (["q)", "(2)", "(3)", "(4)"], False), (["1", "2", "7", "9"], True)],
)
def test_the_numbers_of_the_columns_printed_again_are_dropped(again: list[str], kept: bool) -> None:
    first = table(1, [HEAD, ["(1)", "(2)", "(3)", "(4)"], ["1", "Bàn", "cái", "12"]])
    second = table(2, [again, ["2", "Ghế", "cái", "24"]])
    (block,) = built(first, second)
    assert len(block.rows) == 4 + kept


def test_a_row_without_number_is_not_joined_where_others_have_none() -> None:
    first = table(1, [HEAD, ["1", "Bàn", "cái", "12"], ["", "trong đó: hỏng", "cái", "3"]])
    second = table(2, [["", "cho mượn", "cái", "2"], ["2", "Ghế", "cái", "24"]])
    (block,) = built(first, second)
    assert len(block.rows) == 5


def of_rows(*rows: str) -> Block:
    return Block("table", (), 1, rows=tuple(tuple(row.split("|")) for row in rows))


def test_shares_that_do_not_agree_are_named_and_nothing_is_changed() -> None:
    rows = ["TT|Kế hoạch|Thực hiện|%", "1|85,0|78,2|92,0", "2|14,5|13,9|95,9", "3|12.400|12.896|104", "4|7,0|6,3|90,0"]
    assert list(disagreements(of_rows(*rows))) == []
    (warning,) = disagreements(of_rows(*rows, "5|50|11,0|220"))
    assert "row 6" in warning.message
    assert "50; 11,0; 220" in warning.message


@pytest.mark.parametrize(
    ("last", "warned"), [("Tổng cộng||10", False), ("Tổng cộng||8", True), ("Cộng||19", True), ("5|Tủ|8", False)]
)
def test_totals_that_do_not_add_up(last: str, warned: bool) -> None:
    rows = ("TT|Tên|Số", "1|Bàn|2", "2|Ghế|3", "3|Đèn|5", last)
    assert bool(list(disagreements(of_rows(*rows)))) == warned


def test_numbers_without_a_relation_are_no_disagreement() -> None:
    rows = ("TT|A|B|C", "1|5|7|9", "2|6|1|3", "3|8|8|2", "4|1|9|4", "5|3|3|3")
    assert list(disagreements(of_rows(*rows))) == []


# --- No tables ---


def test_labels_and_values_are_lines() -> None:
    def row(label: str, value: str, y: int) -> list[Line]:
        return [line((word(label, 400, y),)), line((word(value, 1100, y),))]

    rows = [row("Tên:", "Lớp", 500), row("Mã:", "0123", 570), row("Kỳ:", "Hai", 640)]
    found = labels_and_values(rows)
    assert found is not None
    assert [one.text for one in found] == ["Tên: Lớp", "Mã: 0123", "Kỳ: Hai"]
    assert labels_and_values([row("Bàn", "12", 500), row("Ghế", "24", 570), row("Tủ:", "3", 640)]) is None
