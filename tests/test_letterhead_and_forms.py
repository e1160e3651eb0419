"""Letterheads, forms and stamps: columns parted, values kept by their labels, boxes to be ticked, doubtful lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from normalize.document import Block, Document, Dropped, Source, Token
from normalize.formats import to_text
from normalize.repair.repair import repair, undo
from normalize.structure.build import build_document
from ocr.image.components import find_components
from ocr.image.seals import Seal
from ocr.layout import tick_boxes
from ocr.layout.noise import without_noise, without_strays
from ocr.layout.ruled_tables import Table
from ocr.layout.two_columns import cut_between_columns, with_values
from ocr.layout.zones import find_zones
from ocr.page import Box, Line, Page, Word, Zone, hull, lines_of
from ocr.reread.doubtful_lines import read_doubtful
from sample_scans.layout import font_files

SOURCE = Source("test.pdf", "0" * 64, 1, 1)
WIDTH, HEIGHT = 2480, 3508
X_HEIGHT, LETTER, SPACE = 27.0, 20, 16


def line(
    text: str, left: int, baseline: int, *, gap: int = 0, confidence: float = 95.0, size: float = X_HEIGHT
) -> Line:
    """A line of words; ``|`` between two words is a gap of ``gap`` pixels, and no word."""
    words, x = [], left
    for part in text.split(" "):
        if part == "|":
            x += gap - SPACE
            continue
        box = Box(x, round(baseline - 1.5 * size), x + LETTER * len(part), baseline + 5)
        words.append(Word(part, box, confidence))
        x = box.right + SPACE
    return Line(tuple(words), hull([word.box for word in words]), baseline, size)


def middle(text: str, x: int, baseline: int, **options: float) -> Line:
    """The same, centred on ``x``."""
    at = line(text, 0, baseline)
    return line(text, round(x - at.box.width / 2), baseline, **options)  # type: ignore[arg-type]


TITLE = "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM"
MERGED = line(f"UBND TỈNH BÌNH LÂM | {TITLE}", 350, 300, gap=64, size=38.0)
"""The first lines of both columns, 5 mm apart; the columns begin and end where the text does."""
LEFT_MIDDLE = (MERGED.words[0].box.left + MERGED.words[3].box.right) // 2
RIGHT_MIDDLE = (MERGED.words[4].box.left + MERGED.words[-1].box.right) // 2
BODY = [
    line("Công tác kiểm tra được duy trì thường xuyên, đúng kế hoạch đã đề ra từ đầu năm và", 350, 900 + 60 * n)
    for n in range(6)
]
BODY = [
    replace(
        one, words=(*one.words[:-1], replace(one.words[-1], box=one.words[-1].box._replace(right=MERGED.box.right)))
    )
    for one in BODY
]
BODY = [replace(one, box=hull([word.box for word in one.words])) for one in BODY]


def parted(one: Line, others: Sequence[Line]) -> list[str]:
    return [piece.text for piece in cut_between_columns(one, [one, *others], WIDTH)]


@pytest.mark.parametrize(
    "below",
    [
        [middle("SỞ Y TẾ", LEFT_MIDDLE, 362), middle("Độc lập - Tự do - Hạnh phúc", RIGHT_MIDDLE, 362)],
        # The left column's second line is longer than its first and reaches into the gap of that.
        [line("TRƯỜNG CAO ĐẲNG SƯ PHẠM BL", 330, 362), middle("Độc lập - Tự do - Hạnh phúc", RIGHT_MIDDLE, 362)],
    ],
)
def test_first_lines_of_the_columns_are_parted_though_they_begin_and_end_where_the_text_does(below: list[Line]) -> None:
    assert parted(MERGED, [*below, *BODY]) == ["UBND TỈNH BÌNH LÂM", TITLE]


def test_the_end_of_a_rule_between_the_columns_goes_with_the_gap() -> None:
    first, rest = MERGED.words[:4], MERGED.words[4:]
    speck = Word("_", Box(first[-1].box.right + 10, 280, first[-1].box.right + 40, 300), 60.0)
    whole = replace(MERGED, words=(*first, speck, *rest))
    below = [middle("SỞ Y TẾ", LEFT_MIDDLE, 362), middle("Độc lập - Tự do - Hạnh phúc", RIGHT_MIDDLE, 362)]
    assert parted(whole, [*below, *BODY]) == ["UBND TỈNH BÌNH LÂM", TITLE]


def test_text_with_a_wide_space_stays_one_line() -> None:
    wide = line("Công tác kiểm tra được duy trì thường | xuyên, đúng kế hoạch đã đề ra", 350, 960, gap=64)
    assert len(parted(wide, BODY)) == 1
    # Nothing near it keeps to one half.
    assert len(parted(MERGED, [middle("THÔNG BÁO", WIDTH // 2, 420), *BODY])) == 1


def test_a_word_in_small_letters_behind_a_wide_space_is_no_column() -> None:
    wide = line("Kính gửi: - Các thành viên Ban Giám đốc Sở Y | tế;", 608, 488, gap=64)
    below = middle("- Các phòng chức năng Sở;", round(wide.box.x) - 40, 550)
    assert parted(wide, [below]) == [wide.text]
    lost = line("ỦY BAN NHÂN DÂN | ộc lập - Tự do - Hạnh phúc", 494, 316, gap=64)
    assert len(parted(lost, [middle("TỈNH HÀ LÂM", 662, 259)])) == 2  # the first letter of a column was lost
    capital = replace(wide, words=(*wide.words[:-1], replace(wide.words[-1], text="Tế")))
    assert len(parted(capital, [below])) == 2


NATIONAL = "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM"


@pytest.mark.parametrize(
    ("first", "expected"),
    [
        (f"ỦY BAN NHÂN DÂN HUYỆN | {NATIONAL}", ["ỦY BAN NHÂN DÂN HUYỆN", NATIONAL]),
        (f"CHỦ TỊCH NƯỚC | {NATIONAL}", [f"CHỦ TỊCH NƯỚC {NATIONAL}"]),
        (f"_ {NATIONAL}", [f"_ {NATIONAL}"]),
    ],
)
def test_the_words_of_the_national_title_part_what_geometry_could_not(first: str, expected: list[str]) -> None:
    lines = (line(first, 400, 300, gap=22), line("Các cơ quan đã phối hợp tuyên truyền, vận động.", 350, 800))
    page = Page(1, WIDTH, HEIGHT, 300, zones=(Zone("text", lines, hull([one.box for one in lines])),))
    blocks = [block.text for block in build_document([page], SOURCE).blocks]
    assert blocks[:-1] == expected


# -- forms -----------------------------------------------------------------------------------------------------------


def rows(*labelled: tuple[str, str]) -> list[Line]:
    return [
        one
        for n, (label, value) in enumerate(labelled)
        for one in (line(label, 350, 600 + 90 * n), line(value, 900, 600 + 90 * n))
    ]


def test_a_value_stays_by_its_label() -> None:
    lines = rows(("Họ và tên", ": Nông Văn Páo"), ("Nơi thường trú", ": Thôn Nà Lay, xã Thượng Lâm"))
    more = line("Chức vụ: Trưởng thôn", 1600, 600)
    zones = find_zones([*lines, more], [], [], WIDTH, HEIGHT)
    page = Page(1, WIDTH, HEIGHT, 300, zones=zones)
    assert to_text(build_document([page], SOURCE)) == (
        "Họ và tên : Nông Văn Páo Chức vụ: Trưởng thôn\n\nNơi thường trú : Thôn Nà Lay, xã Thượng Lâm\n"
    )


def test_a_label_behind_a_leader_stays_in_its_line() -> None:
    lines = [line("Họ và tên cha: .....", 350, 600), line("Năm sinh: .....", 1290, 600)]
    assert [one.text for one in with_values(lines)] == ["Họ và tên cha: ..... Năm sinh: ....."]


@pytest.mark.parametrize(
    "lines",
    [
        # One colon may be a speck of the seal before an office.
        [line("- Như trên", 350, 600), line(": GIÁM ĐỐC", 1500, 600)],
        [
            line("- Như trên", 350, 600),
            line(": KT. GIÁM ĐỐC", 1500, 600),
            line("- Lưu", 350, 660),
            line(": PHÓ", 1500, 660),
        ],
        [
            line("Nơi nhận:", 350, 600),
            line(": TM. ỦY BAN", 1500, 600),
            line("Số: .....", 350, 660),
            line(": PHÓ", 1500, 660),
        ],
        [line("Số: .....", 350, 600), line("Vĩnh Khê, ngày ... tháng ...", 1300, 600)],
    ],
)
def test_other_pieces_of_a_row_stay_apart(lines: list[Line]) -> None:
    assert with_values(lines) == lines


def drawn(*shapes: str) -> np.ndarray:
    """Ink of signs in a row, each 40 pixels large."""
    page = Image.new("L", (140 * len(shapes), 140), 0)
    draw = ImageDraw.Draw(page)
    face = ImageFont.truetype(str(font_files("Liberation Serif")[0]), 58)
    for n, shape in enumerate(shapes):
        x, y = 40 + 140 * n, 50
        if shape in ("empty", "tick", "cross", "frame"):
            side = 110 if shape == "frame" else 42
            draw.rectangle([x - 20, y, x - 20 + side, y + min(side, 80)], outline=255, width=4)
        if shape == "tick":
            draw.line([x - 12, y + 20, x - 2, y + 32, x + 14, y + 8], fill=255, width=5)
        elif shape == "cross":
            draw.line([x - 14, y + 6, x + 16, y + 36], fill=255, width=5)
            draw.line([x - 14, y + 36, x + 16, y + 6], fill=255, width=5)
        elif shape == "block":
            draw.rectangle([x - 20, y, x + 22, y + 42], fill=255)
        elif len(shape) == 1:
            draw.text((x - 20, y - 12), shape, font=face, fill=255)
    return np.asarray(page)


def test_boxes_are_told_by_four_straight_sides() -> None:
    shapes = ("empty", "tick", "cross", "frame", "block", *"ODB08HEM口"[:8])
    found = tick_boxes.find_tick_boxes(find_components(drawn(*shapes)), 300)
    assert [(one.box.left // 140, one.ticked) for one in sorted(found, key=lambda one: one.box.left)] == [
        (0, False),
        (1, True),
        (2, True),
    ]


def test_a_bold_letter_whose_serifs_meet_is_no_box() -> None:
    letter = np.zeros((120, 160), np.uint8)
    letter[40:46, 40:83] = letter[76:82, 40:83] = letter[58:63, 50:73] = 255
    letter[40:82, 43:54] = letter[40:82, 69:80] = 255
    assert not tick_boxes.find_tick_boxes(find_components(letter), 300)
    # A box in a word is a letter too.
    word = drawn("empty", "H", "O")
    close = np.hstack([word[:, :66], word[:, 160:]])
    assert not tick_boxes.find_tick_boxes(find_components(close), 300)


def test_boxes_stand_in_their_lines() -> None:
    lines = [line("Đăng ký lần đầu", 470, 600), line("Giới tính: Nam | Nữ", 350, 700, gap=200)]
    nam = lines[1].words[2].box.right
    boxes = [Box(390, 560, 432, 602), Box(nam + 60, 660, nam + 102, 702), Box(900, 1500, 942, 1542)]
    found = [tick_boxes.TickBox(box, n == 1) for n, box in enumerate(boxes)]
    assert [one.text for one in tick_boxes.with_tick_boxes(lines, found)] == [
        "☐ Đăng ký lần đầu",
        "Giới tính: Nam ☑ Nữ",
        "☐",
    ]


def test_a_box_is_no_speck_and_is_published() -> None:
    lines = [line("☐", 390, 600), line("Các cơ quan đã phối hợp tuyên truyền, vận động.", 350, 800)]
    zones = find_zones(lines, [], [], WIDTH, HEIGHT)
    assert [zone.kind for zone in zones] == ["text"]


# -- lines of doubt --------------------------------------------------------------------------------------------------


def mixed(*words: tuple[str, float]) -> Line:
    """A line of words each read with its own confidence."""
    one = line(" ".join(text for text, _ in words), 400, 600)
    return replace(one, words=tuple(replace(w, confidence=c) for w, (_, c) in zip(one.words, words, strict=True)))


PRINT = [line("Các cơ quan đã phối hợp tuyên truyền, vận động.", 350, 800 + 60 * n) for n in range(3)]


@pytest.mark.parametrize(
    ("doubtful", "is_print"),
    [
        (mixed(("lên", 52), ("thoại:", 96), ("02373.522.704.“+/&#%", 0)), True),
        (mixed(("KIỆN", 91), ("}.„^~ˆ`_", 0), ("„", 0)), False),  # a seal's
        (mixed(("/Z2’w__", 12)), False),
    ],
)
def test_a_line_is_print_where_part_of_it_was_read_beyond_doubt(doubtful: Line, is_print: bool) -> None:
    kept, _ = without_noise([doubtful, *PRINT])
    assert (doubtful in kept) == is_print


def test_what_another_line_has_is_not_kept_twice() -> None:
    doubtful = mixed(("lên", 52), ("thoại:", 96), ("02373.522.704.“+/&#%", 0))
    kept, _ = without_noise([doubtful, line("số điện thoại: 02373.522.704", 410, 602), *PRINT])
    assert doubtful not in kept


@pytest.mark.parametrize(
    ("top", "x_height", "is_print"),
    [
        (770, 10.0, False),  # over the small letters of a line, within its box
        (738, 10.0, True),  # between two lines
        (770, 25.0, True),  # of the page's type
        (790, 10.0, True),  # as deep as the letters themselves
    ],
)
def test_the_diacritics_of_a_line_are_no_line(top: int, x_height: float, is_print: bool) -> None:
    below = replace(PRINT[0], box=Box(350, 766, 1400, 812), baseline=802.0)
    marks = replace(line("4 LÄ 4 nay", 500, top + 16), box=Box(500, top, 900, top + 8), x_height=x_height)
    for kept in (without_noise([marks, below, *PRINT[1:]])[0], without_strays([marks, below, *PRINT[1:]])[0]):
        assert (marks.text in [one.text for one in kept]) == is_print


def test_a_letter_as_tall_as_three_is_a_pens() -> None:
    mark = replace(line("Ø", 2000, 600), box=Box(2000, 520, 2060, 605))
    letter = line("A", 2000, 700)
    kept, noise = without_noise([mark, letter, *PRINT])
    assert mark in noise and letter in kept


def reading(number: Line, again: dict[int, Line], seals: Sequence[Seal] = ()) -> list[str] | None:
    """What `read_doubtful` makes of a noise line whose parts, by their left edge, read like this by themselves."""
    zones = (
        Zone("text", tuple(PRINT), hull([one.box for one in PRINT])),
        Zone("noise", (number,), number.box),
    )

    def read(box: Box) -> list[Line]:
        near = [one for left, one in again.items() if abs(left - box.left) < 10]
        return near if len(near) == 1 and box.width < number.box.width else [number]

    found = read_doubtful(zones, seals, read, read, WIDTH, HEIGHT)
    return None if found is None else [one.text for one in found if one not in PRINT]


def test_a_number_by_hand_costs_its_line_nothing_when_that_is_read_word_by_word() -> None:
    number = mixed(("Số:", 44), ("2}2", 0), ("/KH-SNV", 0))
    again = {
        word.box.left: replace(number, words=(replace(word, text=text, confidence=sure),), box=word.box)
        for word, text, sure in zip(number.words, ("Số:", "^?2", "/KH-SNV"), (96.0, 63.0, 91.0), strict=True)
    }
    assert reading(number, again) == ["Số: ^?2 /KH-SNV"]
    seal = Seal(round(number.box.x), round(number.box.y), 200, np.zeros(1))
    assert reading(number, again, [seal]) is None
    assert reading(number, {}) is None


def test_a_stamps_line_is_read_again_with_the_borders_of_its_frame() -> None:
    head = mixed(("(ỦNG", 41), ("z¡š", 10), ("1Ù", 8), ("PHÙ", 15))
    frame = Zone("table", (head,), Box(390, 500, 1000, 700), (390, 1000), (500, 700))
    right = line("CỔNG THÔNG TIN ĐIỆN TỬ", 400, 600, confidence=80)
    zones = (Zone("text", tuple(PRINT), hull([one.box for one in PRINT])), frame)
    found = read_doubtful(zones, (), lambda box: [], lambda box: [right], WIDTH, HEIGHT)
    assert found is not None and right in found and head not in found
    wide = replace(frame, box=Box(390, 500, 2200, 700))
    assert read_doubtful((zones[0], wide), (), lambda box: [], lambda box: [right], WIDTH, HEIGHT) is None


def test_a_small_frame_beside_the_letterhead_parts_no_lines() -> None:
    left = [middle("CHÍNH PHỦ", 700, 300), line("Số: 79/2021/NĐ-CP", 500, 614)]
    right = [middle(TITLE, 1700, 300), middle("Hà Nội, ngày 01 tháng 4 năm 2021", 1700, 614)]
    stamp = Zone("table", (line("ĐẾN", 210, 700),), Box(192, 599, 748, 849), (192, 748), (625, 849))
    table = Table(stamp.box, stamp.columns, stamp.rows)
    zones = find_zones([*left, *right, *stamp.lines, BODY[0]], [], [table], WIDTH, HEIGHT)
    assert [(zone.kind, len(zone.lines)) for zone in zones] == [("left", 2), ("right", 2), ("table", 1), ("text", 1)]
    assert lines_of(zones)[1].text == "Số: 79/2021/NĐ-CP"


# -- what repair makes of it -----------------------------------------------------------------------------------------


def tokens(text: str, left: int = 400) -> tuple[Token, ...]:
    return tuple(Token(word.text, 1, word.box, word.confidence) for word in line(text, left, 300).words)


@pytest.mark.parametrize(
    ("title", "below", "is_set_right"),
    [
        ("CỘNG HÒA XÃ HỘI CHỮÑ&fi4'V†‡°S”W", "Độc lập - Tự do - Hạnh phúc", True),
        ("CỘNG HÒA XÃ HỘI GHỮÑGHIXViỆTNÑAM", "Độc lập - Tự do - Hạnh phúc", True),
        # no motto under it, no width for it, another name
        ("CỘNG HÒA XÃ HỘI CHỮÑ&fi4'V†‡°S”W", "Số: 12/UBND", False),
        ("CỘNG HÒA XÃ HỘI CHỮ", "Độc lập - Tự do - Hạnh phúc", False),
        ("CỘNG HÒA XÃ HỘI DÂN TỘC BÌNH LÂM", "Độc lập - Tự do - Hạnh phúc", False),
    ],
)
def test_the_national_title_under_an_overprint(title: str, below: str, is_set_right: bool) -> None:
    blocks = (Block("letterhead", tokens(title), 1), Block("letterhead", tokens(below), 1))
    document = Document(SOURCE, blocks)
    repaired = repair(document)
    assert (repaired.blocks[0].text == NATIONAL) == is_set_right
    assert undo(repaired) == document


def test_the_words_of_a_stamp_are_repaired_and_the_correction_can_be_undone() -> None:
    text = "CỦNG THÔNG TIN ĐIỆN TỦ CHÍNH PHÙ"
    stamp = Dropped(1, None, text, "received stamp", tokens(text))
    noise = Dropped(1, None, "TỦ CHÍNH PHÙ", "noise")
    document = Document(SOURCE, (Block("paragraph", tokens("Các cơ quan đã phối hợp."), 1),), dropped=(noise, stamp))
    repaired = repair(document)
    assert [one.text for one in repaired.dropped] == [noise.text, "CỔNG THÔNG TIN ĐIỆN TỬ CHÍNH PHỦ"]
    assert {one.where for one in repaired.corrections} == {"dropped/1"}
    assert undo(repaired) == document
    assert repair(repaired) == repaired


def test_erased_boxes_leave_paper() -> None:
    ink = drawn("empty", "O")
    image = 255 - ink
    boxes = tick_boxes.find_tick_boxes(find_components(ink), 300)
    clean, rest = tick_boxes.erase_tick_boxes(image, ink, boxes)
    assert cv2.countNonZero(rest[:, :130]) == 0 and clean[:, :130].min() > 200
    assert (rest[:, 140:] == ink[:, 140:]).all()


def test_a_title_that_begins_where_the_right_column_does_is_no_line_of_it() -> None:
    right = [middle(NATIONAL, 1500, 302), middle("Độc lập - Tự do - Hạnh phúc", 1500, 362)]
    right.append(middle("Vĩnh Khê, ngày 17 tháng 11 năm 2017", 1500, 490))
    left = [middle("UBND TỈNH BÌNH LÂM", 640, 302), middle("SỞ Y TẾ", 640, 362)]
    title = line("BÁO CÁO", right[0].box.left + 10, 680)
    zones = find_zones([*left, *right, title, BODY[0]], [], [], WIDTH, HEIGHT)
    assert [(zone.kind, len(zone.lines)) for zone in zones] == [("left", 2), ("right", 3), ("text", 2)]
