"""Facts right or null: what stands in the metadata, where it stands, and what is left to a person to type."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from normalize.document import Block, Document, Footnote, Source, Token
from normalize.facts.signature import may_sign, read_signature
from normalize.formats import to_dict
from normalize.repair.repair import repair
from normalize.repair.rules.bodies import bodies
from normalize.structure.build import build_document
from normalize.vietnamese.decree30 import date_parts, number_parts, plain_symbol
from ocr.image.components import find_components
from ocr.layout.digit_heights import measure_digits
from ocr.page import Box, Line, Page, Word, Zone, from_json, hull, letter, to_json
from tests.typeset import page

SOURCE = Source("test.pdf", "0" * 64, 1, 1)
MOTTO = ["R CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", "R Độc lập - Tự do - Hạnh phúc"]
BODY = ["T >Căn cứ Nghị định số 42/2017/NĐ-CP ngày 05/4/2017 của Chính phủ;<", "T >Điều 1. Phê duyệt kế hoạch.<"]
CLOSING = ["L Nơi nhận:", "L - Như trên;", "L - Lưu: VT.", "R GIÁM ĐỐC", "R Phan Thị Hồng Lĩnh"]


def built(*pages: list[str]) -> Document:
    return build_document([page(number, rows) for number, rows in enumerate(pages, 1)], SOURCE)


def letterhead(number: str = "Số: 118/QĐ-SXD", date: str = "Hà Sơn, ngày 04 tháng 5 năm 2020") -> list[str]:
    return ["L UBND TỈNH HÀ SƠN", "L SỞ XÂY DỰNG", f"L {number}", *MOTTO, f"R {date}"]


def with_word(one: Page, text: str, **changes: object) -> Page:
    """The page with one of its words changed."""
    zones = tuple(
        replace(
            zone,
            lines=tuple(
                replace(
                    line,
                    words=tuple(replace(word, **changes) if word.text == text else word for word in line.words),  # type: ignore[arg-type]
                )
                for line in zone.lines
            ),
        )
        for zone in one.zones
    )
    return replace(one, zones=zones)


# -- numbers and symbols --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "number", "year", "symbol"),
    [
        ("Số: 118/QĐ-SXD", "118", "", "QĐ-SXD"),
        ("Số:205/PYT", "205", "", "PYT"),
        ("Só: 12 /TTr-SNN", "12", "", "TTr-SNN"),
        ("Sẻ: 31/CT-BCT", "31", "", "CT-BCT"),
        ("Số: 12/2012/TTLT-BYT-BTC", "12", "2012", "TTLT-BYT-BTC"),
        ("Số: 59!2012/NĐ - CP", "59", "2012", "NĐ-CP"),
        ("59/2012/NĐ-CP", "59", "2012", "NĐ-CP"),
        ("Luật số: 71/2014/QH13", "71", "2014", "QH13"),
        ("Số: 34/2003/QĐ/BNN", "34", "2003", "QĐ/BNN"),
        ("Số: 559/NQ-UBTVQH13", "559", "", "NQ-UBTVQH13"),
        # the Party's
        ("Số 05-HD/BTGTU", "05", "", "HD/BTGTU"),
        ("Số: 196 - QĐ/TW", "196", "", "QĐ/TW"),
        # by hand, or open
        ("Số: /Z2/TB-SYT", "/Z2", "", "TB-SYT"),
        ("Số: /ƒ#$ /QĐ-TTg", "/ƒ#$", "", "QĐ-TTg"),
        ("Số: 6Ÿ QĐ-BKH", "6Ÿ", "", "QĐ-BKH"),
        ("Số: ........./BC-UBND", ".........", "", "BC-UBND"),
        ("Số: 20 /GM-GAVỊ", "20", "", "GM-GAVI"),
    ],
)
def test_parts_of_a_number(line: str, number: str, year: str, symbol: str) -> None:
    parts = number_parts(line)
    assert parts is not None
    found = [line[slice(*span)] for span in (parts.number, parts.year, parts.symbol)]
    assert [found[0].strip(), found[1], plain_symbol(found[2])] == [number.strip(), year, symbol]


@pytest.mark.parametrize(
    "line",
    ["SỞ XÂY DỰNG", "Sở Y tế/UBND huyện", "Số lượng: 12/15", "Số 12 phố Hàng Bài", "Hà Nội, 05/2012", "V/v rà soát"],
)
def test_no_number(line: str) -> None:
    assert number_parts(line) is None


@pytest.mark.parametrize(
    ("line", "day", "month", "year"),
    [
        ("Hà Sơn, ngày 04 tháng 5 năm 2020", "04", "5", "2020"),
        ("Hà Sơn, ngày04tháng 5năm 2020", "04", "5", "2020"),
        ("Hà Sơn, ngày 04/5/2020", "04", "5", "2020"),
        ("Hà Sơn, ngảy 4 thảng 5 nám 2020", "4", "5", "2020"),
    ],
)
def test_parts_of_a_date(line: str, day: str, month: str, year: str) -> None:
    parts = date_parts(line)
    assert parts is not None
    assert [line[slice(*span)].strip() for span in parts[1:]] == [day, month, year]
    assert line[: parts.place] == "Hà Sơn, "


def test_a_number_by_hand_is_null_and_a_warning_says_where() -> None:
    one = with_word(page(1, [*letterhead("Số: 155 /QĐ-SXD"), *BODY]), "155", uneven=0.2)
    document = repair(build_document([one], SOURCE))
    assert (document.metadata.number, document.metadata.symbol) == (None, "QĐ-SXD")
    (warning,) = document.warnings
    assert "number" in warning.message
    assert (warning.page, warning.box) == (1, next(word.box for word in one.words if word.text == "155"))
    found = to_dict(document)
    assert found["warnings"][0]["bbox"] == list(warning.box or ())
    assert "number" not in found["metadata_evidence"]
    assert document.blocks[2].text == "Số: 155 /QĐ-SXD"  # what was read stays in the text


@pytest.mark.parametrize(
    "change", [{"uneven": 0.15}, {"letters": (letter("0", (("0", 95),)), letter("4", (("4", 30),)))}]
)
def test_a_day_by_hand_or_under_a_ring_is_no_date(change: dict[str, object]) -> None:
    one = with_word(page(1, [*letterhead(), *BODY]), "04", **change)
    document = build_document([one], SOURCE)
    assert (document.metadata.date, document.metadata.place) == (None, "Hà Sơn")
    assert "date" in document.warnings[0].message


@pytest.mark.parametrize(
    ("choices", "second", "number"),
    [
        ((("1", 95),), None, "118/QĐ-SXD"),
        ((("1", 90), ("l", 84)), None, "118/QĐ-SXD"),  # no digit
        ((("1", 88), ("4", 71)), None, None),
        ((("1", 60),), None, None),
        ((("1", 95),), "148/QĐ-SXD", None),
        ((("1", 95),), "&8/QĐ-SXD", "118/QĐ-SXD"),
    ],
)
def test_a_digit_that_may_be_another_one(
    choices: tuple[tuple[str, int], ...], second: str | None, number: str | None
) -> None:
    letters = tuple(letter(c, choices) if c == "1" else letter(c, ((c, 95),)) for c in "118/QĐ-SXD")
    one = with_word(page(1, [*letterhead(), *BODY]), "118/QĐ-SXD", letters=letters, second=second)
    found = build_document([one], SOURCE).metadata
    assert (found.number, found.symbol) == ("118" if number else None, "QĐ-SXD")


@pytest.mark.parametrize(
    ("date", "text", "expected"),
    [
        ("ngày 04 tháng 5 năm 2020", ["Căn cứ Quyết định số 5/QĐ-TTg ngày 07/3/2019;"], "2020-05-04"),
        # a plan looks ahead
        (
            "ngày 04 tháng 5 năm 2020",
            ["Thực hiện Kế hoạch giai đoạn 2021 - 2025 và tầm nhìn đến năm 2030;"],
            "2020-05-04",
        ),
        # a document cannot cite what was not there yet
        ("ngày 04 tháng 5 năm 2010", ["Căn cứ Nghị định số 42/2017/NĐ-CP ngày 05/4/2017;"], None),
        ("ngày 04 tháng 5 năm 2070", ["Căn cứ Luật số 5/2009/QH12;", "Năm 2009, 2010, 2011 đã chi hết."], None),
        ("ngày 04 tháng 5 năm 1020", ["Căn cứ đề nghị của các phòng;"], None),
        ("ngày 31 tháng 02 năm 2020", ["Căn cứ đề nghị của các phòng;"], None),
    ],
)
def test_the_year_goes_with_the_years_in_the_text(date: str, text: list[str], expected: str | None) -> None:
    document = built([*letterhead(date=f"Hà Sơn, {date}"), *(f"T >{line}<" for line in text)])
    assert document.metadata.date == expected
    assert bool(document.warnings) == (expected is None)


def test_the_line_of_the_number_comes_back_from_the_noise() -> None:
    rows = ["L UBND TỈNH HÀ SƠN", "L SỞ XÂY DỰNG", *MOTTO, *BODY]
    one = page(1, rows)
    line = page(1, ["X Số: 2}2 /QĐ-SXD"]).zones[0].lines[0]
    moved = replace(
        line,
        baseline=line.baseline + 150,
        words=tuple(replace(word, box=word.box.moved(0, 150)) for word in line.words),
        box=line.box.moved(0, 150),
    )
    document = build_document([replace(one, zones=(*one.zones, Zone("noise", (moved,), moved.box)))], SOURCE)
    assert (document.metadata.number, document.metadata.symbol) == (None, "QĐ-SXD")
    assert not document.dropped


# -- who issued it --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "agency"),
    [
        (["UBND HUYỆN AN LÃO", "PHÒNG Y TẾ"], "PHÒNG Y TẾ"),
        (["SỞ Y TẾ HÀ SƠN", "THANH TRA"], "THANH TRA"),
        (["TRƯỜNG ĐẠI HỌC Y", "HẢI ĐÔNG"], "TRƯỜNG ĐẠI HỌC Y HẢI ĐÔNG"),
        (["BỘ Y TẾ -", "BỘ TÀI CHÍNH"], "BỘ Y TẾ - BỘ TÀI CHÍNH"),
        (["ĐẢNG BỘ TỈNH HÀ SƠN", "BAN TUYÊN GIÁO"], "BAN TUYÊN GIÁO"),
    ],
)
def test_agency(lines: list[str], agency: str) -> None:
    document = built([*(f"L {line}" for line in lines), "L Số: 1/KH-X", *MOTTO, "T |KẾ HOẠCH", *BODY])
    assert document.metadata.agency == agency


@pytest.mark.parametrize(
    ("line", "told"),
    [("Số:", True), ("Số: ……………", True), ("Sổ hộ khẩu số ba", False), ("Sở: Nội vụ", False)],
)
def test_a_number_of_which_nothing_was_read_is_told(line: str, told: bool) -> None:
    document = built(["L SỞ NỘI VỤ", f"L {line}", "L [-TTra", *MOTTO, "T |KẾ HOẠCH", *BODY, *CLOSING])
    assert (document.metadata.number, document.metadata.symbol) == (None, None)
    about = [warning.about for warning in document.warnings]
    assert [about.count(one) for one in ("number", "symbol")] == ([1, 1] if told else [0, 0])


def test_a_body_that_lost_its_first_word_is_null() -> None:
    rows = ["L XÂY DỰNG HÀ SƠN", "L Số: 1/KH-SXD", *MOTTO, "T |KẾ HOẠCH", "T >Theo đề nghị của Sở Xây dựng Hà Sơn.<"]
    document = built(rows)
    assert document.metadata.agency is None
    assert "agency" in document.warnings[0].message


@pytest.mark.parametrize(
    ("text", "shown", "expected"),
    [
        ("Ban Thi đua huyện báo cáo; Ban Thi đua huyện đề nghị", 1, ["HUYỆN"]),
        ("Ban Thi đua huyện báo cáo", 40, []),  # once may be misread itself
        ("Ban Thi đua huyện báo cáo", 60, ["HUYỆN"]),  # but not where the page nearly says so
        ("Ban Thi đua huyện báo cáo; Ban Thi đua huyên họp; Ban Thi đua huyện đề nghị", 60, []),
        ("Ban Thi đua huyện báo cáo; Ban Thi đua huyện đề nghị", 0, []),  # the page does not show it
        ("Ban Tổ chức huyện báo cáo; Ban Tổ chức huyện đề nghị", 60, []),  # another body
        ("BAN THI ĐUA HUYỆN báo cáo; BAN THI ĐUA HUYỆN đề nghị", 60, []),  # as small as those signs themselves
    ],
)
def test_a_body_is_called_as_the_text_calls_it(text: str, shown: int, expected: list[str]) -> None:
    one = page(1, ["L BAN THI ĐUA HUYÊN", "L Số: 1/KH-X", *MOTTO, "T |KẾ HOẠCH", f"T >Xét {text}.<"])
    letters = tuple(letter(c, ((c, 90), ("Ệ", shown)) if shown and c == "Ê" else ((c, 95),)) for c in "HUYÊN")
    document = build_document([with_word(one, "HUYÊN", letters=letters)], SOURCE)
    assert [change.after for change in bodies(document)] == expected


@pytest.mark.parametrize(
    ("texts", "doubted", "expected"),
    [
        (["Sở Văn hóa và Thế thao họp"], "", []),  # once, though it stands between two words of the name
        (["Sở Văn hóa và Thế thao họp", "Hội Thế thao họp"], "", ["THẾ"]),
        (["Sở Văn hóa và Thế thao họp", "Hội Thế thao họp"], "ể", []),  # the page showed Thể there, too
        (["Sở Văn hóa và Thế thao họp", "Hội Thế thao họp"], "ề", ["THẾ"]),
    ],
)
def test_a_text_that_was_itself_read_with_doubt_is_no_witness(
    texts: list[str], doubted: str, expected: list[str]
) -> None:
    """A face whose ể is read as ế in small letters, and rightly in capitals."""

    def token(word: str) -> Token:
        doubts = (
            {"Ể": (("Ể", 94), ("Ế", 28)), "ế": (("ế", 94), (doubted, 32))} if doubted else {"Ể": (("Ể", 94), ("Ế", 28))}
        )
        return Token(word, 1, Box(0, 0, 9, 9), 95.0, tuple(letter(c, doubts.get(c, ((c, 95),))) for c in word))

    rows = [("letterhead", "SỞ VĂN HÓA VÀ THỂ THAO"), *(("paragraph", text) for text in texts)]
    blocks = tuple(Block(role, tuple(map(token, row.split()))) for role, row in rows)
    assert [change.after for change in bodies(Document(SOURCE, blocks))] == expected
    notes = (Footnote("1", "1", (tuple(map(token, texts[-1].split())),)),)
    assert [change.after for change in bodies(Document(SOURCE, blocks[: len(texts)], notes))] == expected


@pytest.mark.parametrize(
    ("head", "agency"),
    [("SỞ Y TÉ", "SỞ Y TẾ"), ("BỘ KÉ HOẠCH VÀ ĐÀU TƯ", "BỘ KẾ HOẠCH VÀ ĐẦU TƯ"), ("SỞ CÔNG THƯƠNG", "SỞ CÔNG THƯƠNG")],
)
def test_bodies_whose_names_are_known(head: str, agency: str) -> None:
    text = "T >Bộ Công Thương và Bộ Y tế đã trả lời.<"
    found = repair(built([f"L {head}", "L Số: 1/KH-X", *MOTTO, "T |KẾ HOẠCH", text]))
    assert found.metadata.agency == agency


# -- type and subject -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "kind", "subject"),
    [
        (["T |ĐIỀU LỆ", "T |Hội thao xã Minh Tân"], "Điều lệ", "Hội thao xã Minh Tân"),
        (["T |UYẾT ĐỊNH", "T |Về việc giao đất"], "Quyết định", "Về việc giao đất"),
        # not centred: a photo, a shifted scan
        (["T >QUYẾT ĐỊNH<", "T >Về việc giao đất<"], "Quyết định", "Về việc giao đất"),
        (["T |BIÊN BẢN HỌP HỘI ĐỒNG"], "Biên bản", "HỌP HỘI ĐỒNG"),
        (["T |BIÊN BẢN HỌP", "T |Về việc thông qua kết quả"], "Biên bản", "Về việc thông qua kết quả"),
        (["T |NGHỊ QUYẾT CỦA QUỐC HỘI", "T |Về việc phê chuẩn kế hoạch"], "Nghị quyết", "Về việc phê chuẩn kế hoạch"),
        (
            ["T |NGHỊ QUYẾT", "T |CỦA ỦY BAN THƯỜNG VỤ", "T |Về việc phê chuẩn kế hoạch", "T |ỦY BAN THƯỜNG VỤ"],
            "Nghị quyết",
            "Về việc phê chuẩn kế hoạch",
        ),
        # a subject that begins as a text does
        (["T |KẾ HOẠCH", "T |Thực hiện Nghị quyết số 5/NQ-CP"], "Kế hoạch", "Thực hiện Nghị quyết số 5/NQ-CP"),
        # whom it binds is no subject
        (["T |QUYẾT ĐỊNH", "T |GIÁM ĐỐC SỞ XÂY DỰNG"], "Quyết định", None),
    ],
)
def test_a_title_stands_anywhere(rows: list[str], kind: str, subject: str | None) -> None:
    document = built([*letterhead(), *rows, *BODY])
    assert (document.metadata.type, document.metadata.subject) == (kind, subject)
    titles = [block.text for block in document.blocks if block.type == "title"]
    assert titles[0] == rows[0].removesuffix("<")[3:]


@pytest.mark.parametrize(
    ("subject", "off"),
    [
        # the second lines begin in capitals, or as a text does
        (["Phối hợp giữa các cơ quan chuyên môn", "Quản lý Nhà nước về đất đai"], 130),
        (["Tổ chức kỷ niệm 70 năm", "Ngày Thầy thuốc Việt Nam"], -150),
        (["Hội thi Tiếng hát", "Cán bộ, công chức ngành Y tế", "Lần thứ II năm 2017"], 60),
        (["Chi tiêu nội bộ", "Trường Trung học cơ sở Hà Sơn"], 0),
    ],
)
def test_a_title_off_the_middle_has_all_its_lines(subject: list[str], off: int) -> None:
    """The lines are centred on one another, not on the page, and the type is not quite over them."""
    rows = [*letterhead(), "T |QUY CHẾ", *(f"T |{one}" for one in subject), *BODY]
    whole = page(1, rows)
    moved = {"QUY CHẾ": off + 45, **dict.fromkeys(subject, off)}
    zones = tuple(
        replace(zone, lines=tuple(aside(one, moved.get(one.text, 0)) for one in zone.lines)) for zone in whole.zones
    )
    document = build_document([replace(whole, zones=zones)], SOURCE)
    assert (document.metadata.type, document.metadata.subject) == ("Quy chế", " ".join(subject))


def aside(line: Line, by: int) -> Line:
    words = tuple(replace(word, box=word.box.moved(by)) for word in line.words)
    return replace(line, words=words, box=line.box.moved(by))


def test_a_remark_below_the_subject_is_no_part_of_it() -> None:
    rows = ["T |BÁO CÁO", "T |Kết quả sáu tháng đầu năm", "T |(Trình tại kỳ họp thứ ba)", *BODY]
    assert built([*letterhead(), *rows]).metadata.subject == "Kết quả sáu tháng đầu năm"
    rows = ["T |QUY CHẾ", "T |(Ban hành kèm theo Quyết định số 5)", "T |Chi tiêu nội bộ", *BODY]
    assert built([*letterhead(), *rows]).metadata.subject == "Chi tiêu nội bộ"


@pytest.mark.parametrize(
    ("rows", "kind", "subject"),
    [
        (["T Kính gửi: Sở Tài chính.<", "T >Sở Xây dựng trả lời như sau.<"], "Công văn", None),
        (["T V/v rà soát quỹ đất<", "T >Kính gửi: Sở Tài chính.<"], "Công văn", "rà soát quỹ đất"),
        # neither: a decision whose title was lost, and one that speaks of a subject
        (["T >V/v giao đất cho các hộ<", *BODY], "Quyết định", None),
        (["T >Hội đồng đã họp.<", "T |QUYẾT ĐỊNH:", *BODY], "Quyết định", None),
    ],
)
def test_letters_and_lost_titles(rows: list[str], kind: str, subject: str | None) -> None:
    document = built([*letterhead(), *rows])
    assert (document.metadata.type, document.metadata.subject) == (kind, subject)


def test_a_document_of_the_party() -> None:
    head = ["L ĐẢNG BỘ TỈNH HÀ SƠN", "L BAN TUYÊN GIÁO", "L Số 05-HD/BTGTU", "R ĐẢNG CỘNG SẢN VIỆT NAM"]
    rows = ["R Hà Sơn, ngày 08 tháng 7 năm 2021", "T |HƯỚNG DẪN", "T |tuyên truyền Đại hội Đảng bộ tỉnh", *BODY]
    found = built([*head, *rows]).metadata
    assert (found.number, found.symbol, found.date) == ("05", "HD/BTGTU", "2021-07-08")
    assert (found.type, found.subject) == ("Hướng dẫn", "tuyên truyền Đại hội Đảng bộ tỉnh")
    assert found.agency == "BAN TUYÊN GIÁO"


def test_what_a_pen_left_beside_the_number_is_dropped() -> None:
    document = built([*letterhead()[:3], "L Ø", *letterhead()[3:], "T |QUYẾT ĐỊNH", *BODY])
    assert [(one.text, one.reason) for one in document.dropped] == [("Ø", "noise")]


# -- evidence -------------------------------------------------------------------------------------------------------


def test_every_value_has_its_place() -> None:
    document = built([*letterhead(), "T |QUYẾT ĐỊNH", "T |Về việc giao đất", *BODY, *CLOSING])
    found = to_dict(document)
    values = {name: value for name, value in found["metadata"].items() if value}
    assert set(found["metadata_evidence"]) == set(values)
    for name, evidence in found["metadata_evidence"].items():
        for one in evidence if name == "recipients" else [evidence]:
            assert one["page"] == 1
            assert len(one["box"]) == 4
            assert one["confidence"] == 95.0
    assert len(found["metadata_evidence"]["recipients"]) == len(found["metadata"]["recipients"]) == 2
    number = next(one for one in page(1, letterhead()).words if one.text == "118/QĐ-SXD").box
    left, top, right, bottom = found["metadata_evidence"]["number"]["box"]
    assert (left, top, bottom) == (number.left, number.top, number.bottom)
    assert right < number.x


def test_a_value_that_was_hardly_read_is_null() -> None:
    one = with_word(page(1, [*letterhead(), "T |QUYẾT ĐỊNH", *BODY]), "DỰNG", confidence=12.0)
    document = build_document([one], SOURCE)
    assert document.metadata.agency is None
    assert "agency" in document.warnings[0].message


# -- bundles --------------------------------------------------------------------------------------------------------


def test_two_documents_in_one_file() -> None:
    first = [*letterhead(), "T |QUYẾT ĐỊNH", "T |Về việc giao đất", *BODY, *CLOSING]
    second = ["L UBND HUYỆN AN LÃO", "L PHÒNG XÂY DỰNG", "L Số: 77/PXD", *MOTTO, "R An Lão, ngày 11 tháng 5 năm 2020"]
    second += ["T Kính gửi: Sở Xây dựng Hà Sơn.<", "T >Phòng đã nhận quyết định.<", "L Nơi nhận:", "L - Lưu: VT."]
    second += ["R TRƯỞNG PHÒNG", "R Vi Văn Chỉnh"]
    document = repair(built(first, ["T >Điều 2. Các hộ có tên thi hành.<"], second))
    found = to_dict(document)
    assert found["metadata"] == found["documents"][0]["metadata"]
    assert [(one["first_page"], one["last_page"]) for one in found["documents"]] == [(1, 2), (3, 3)]
    one, two = (part["metadata"] for part in found["documents"])
    assert (one["number"], one["agency"], one["signer"]) == ("118", "SỞ XÂY DỰNG", "Phan Thị Hồng Lĩnh")
    assert (two["number"], two["type"], two["signer"]) == ("77", "Công văn", "Vi Văn Chỉnh")
    assert (one["recipients"], two["recipients"]) == (["- Như trên;", "- Lưu: VT."], ["- Lưu: VT."])
    assert [(warning.page, warning.message) for warning in document.warnings] == [
        (3, "Another document begins on page 3; its metadata are under documents.")
    ]


@pytest.mark.parametrize(
    "second",
    [
        # a form in an annex, number and date left open
        ["L TÊN CƠ QUAN", "L Số: ..../GXN", *MOTTO, "R ..., ngày ... tháng ... năm ...", "T |GIẤY XÁC NHẬN"],
        # an annex with the national title only
        [*MOTTO, "T |QUY CHẾ", "T |Quản lý công trình", "T >Điều 1. Phạm vi.<"],
        # the plan that a decision brings, with the name of the body
        ["L SỞ XÂY DỰNG", *MOTTO, "T |KẾ HOẠCH", "T >Kèm theo Quyết định số 118/QĐ-SXD ngày 04 tháng 5 năm 2020.<"],
    ],
)
def test_an_annex_is_no_document_of_its_own(second: list[str]) -> None:
    document = built([*letterhead(), "T |QUYẾT ĐỊNH", *BODY, *CLOSING], second)
    assert len(document.parts) == 1
    assert document.parts[0].last_page == 2
    assert not document.warnings


# -- which line bears the date --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "subject",
    [
        ["L V/v triển khai Công điện", "L ngày 12/3/2020 của Bộ Xây dựng"],
        ["L V/v thực hiện Công điện", "L ngày 12 tháng 3 năm 2020"],
        ["L V/v thực hiện Công điện ngày", "L 12 tháng 3 năm 2020"],
        ["L V/v họp, ngày 12/3/2020"],
    ],
)
def test_a_date_in_the_subject_of_a_letter_is_not_its_own(subject: list[str]) -> None:
    head = letterhead("Số: 118/SXD-QLN")
    found = built([*head[:3], *subject, *head[3:], *BODY]).metadata
    assert (found.place, found.date) == ("Hà Sơn", "2020-05-04")


@pytest.mark.parametrize(
    "lines",
    [
        ["T |Sửa đổi Quyết định số 12/QĐ-SXD ngày 07 tháng 8 năm 2019"],
        ["T |Sửa đổi Quyết định, ngày 07 tháng 8 năm 2019"],
        ["T |Sửa đổi Quyết định số 12/QĐ-SXD", "T |ngày 07 tháng 8 năm 2019 của Giám đốc Sở"],
        ["T >Hôm nay, ngày 07 tháng 8 năm 2019,<", "T >Sở Xây dựng họp.<"],
    ],
)
def test_where_the_line_with_the_date_is_lost_no_other_is_taken_for_it(lines: list[str]) -> None:
    document = built([*letterhead()[:-1], "T |QUYẾT ĐỊNH", *lines, *BODY])
    assert (document.metadata.place, document.metadata.date) == (None, None)
    (warning,) = document.warnings
    assert warning.message.startswith("The date was not found below the motto; it is left empty.")
    assert warning.box is not None


def test_laws_have_no_date_in_their_letterhead() -> None:
    document = built(["L QUỐC HỘI", "L Luật số: 71/2014/QH13", *MOTTO, "T |LUẬT", *BODY])
    assert (document.metadata.date, document.warnings) == (None, ())


@pytest.mark.parametrize(
    ("rows", "place"),
    [
        (["R Thành phố Hồ Chí Minh, ngày 08 tháng 01 năm", "R 2020"], "Thành phố Hồ Chí Minh"),
        (["R Thành phố Hồ Chí Minh, ngày 08 tháng", "R 01 năm 2020"], "Thành phố Hồ Chí Minh"),
        (["R Thành phố Hồ Chí Minh,", "R ngày 08 tháng 01 năm 2020"], "Thành phố Hồ Chí Minh"),
        (["R Hà nội ngày 08 tháng 01 năm 2020"], "Hà nội"),
        (["R ngày 08 tháng 01 năm 2020"], None),
    ],
)
def test_a_date_may_stand_on_two_lines_or_without_a_place(rows: list[str], place: str | None) -> None:
    found = built([*letterhead()[:-1], *rows, *BODY]).metadata
    assert (found.place, found.date) == (place, "2020-01-08")


@pytest.mark.parametrize("row", ["Hà Sơn_ngay-08 tháng 01 năm 2020", "Hà Sơn, ngày*2tháng wăm 2020"])
def test_a_date_that_cannot_be_read_is_said_to_be(row: str) -> None:
    document = built([*letterhead()[:-1], f"R {row}", *BODY])
    assert document.metadata.date is None
    (warning,) = document.warnings
    assert warning.message.startswith("The date cannot be read; it may be written by hand; it is left empty.")


def test_a_date_beside_a_number_in_one_line_of_text_is_said_to_be_unread() -> None:
    rows = ["L UBND TỈNH HÀ SƠN", "L SỞ XÂY DỰNG", *MOTTO, "T Số: 4ư^4/,Qp-SXD Hà Sơn, ngày tháng 44 năm 2020<"]
    document = built([*rows, *BODY])
    assert document.metadata.date is None
    assert any(one.message.startswith("The date ") for one in document.warnings)


def test_no_place_has_the_number_in_it() -> None:
    document = built(["L UBND TỈNH HÀ SƠN", *MOTTO, "R Số: 118/QĐ-SXD Hà Sơn, ngày 04 tháng 5 năm 2020", *BODY])
    assert (document.metadata.place, document.metadata.date) == (None, "2020-05-04")
    assert [warning.message.split()[1] for warning in document.warnings] == ["place"]


@pytest.mark.parametrize(
    ("place", "is_one"),
    [
        ("Đắk Lắk", True), ("Bà Rịa - Vũng Tàu", True), ("TP. Vinh", True), ("Kiên giang", True), ("Hà Sương", True),
        ("thành phố Vinh", True), ("ắk Lắk", False), ("kiên Giang", False), ("Hà â Sương", False), ("Đắk Lắb", False),
        ("Đắt Lắk", False), ("Hà Nộii", False), ("Kiên Gian", False),
    ],
)  # fmt: skip
def test_a_place_that_is_nearly_a_province_was_misread(place: str, is_one: bool) -> None:
    document = built([*letterhead()[:-1], f"R {place}, ngày 04 tháng 5 năm 2020", *BODY])
    assert (document.metadata.place, document.metadata.date) == (place if is_one else None, "2020-05-04")
    assert [warning.message.split()[1] for warning in document.warnings] == ([] if is_one else ["place"])


@pytest.mark.parametrize(
    ("number", "rival", "date"),
    [
        ("Số: 118/2020/NĐ-CP", 63, "2020-05-04"),  # the year stands there twice
        ("Số: 118/QĐ-SXD", 63, None),
        ("Số: 118/2021/NĐ-CP", 0, None),
    ],
)
def test_the_year_of_the_number_is_that_of_the_date(number: str, rival: int, date: str | None) -> None:
    letters = (letter("2"), letter("0"), letter("2"), letter("0", (("0", 94), ("6", rival))))
    one = with_word(page(1, [*letterhead(number), *BODY]), "2020", letters=letters)
    document = build_document([one], SOURCE)
    assert document.metadata.date == date
    assert any("The date" in warning.message for warning in document.warnings) == (date is None)


# -- digits by hand, on the page ------------------------------------------------------------------------------------


def drawn(sizes: list[tuple[int, int]]) -> tuple[Line, np.ndarray]:
    """A line "Số: 1234/QĐ-SXD" whose digits have these heights and feet below the line, in pixels."""
    ink = np.zeros((200, 900), np.uint8)
    texts, words, x = ["Số:", "1234", "/QĐ-SXD"], [], 40
    heights = iter(sizes)
    for text in texts:
        boxes = []
        for c in text:
            if c in ":-":
                continue
            height, foot = next(heights) if c.isdecimal() else (26 if c == "ố" else 38, 0)
            cv2.rectangle(ink, (x, 120 + foot - height), (x + 20, 119 + foot), 255, -1)
            boxes.append(Box(x, 120 + foot - height, x + 21, 120 + foot))
            x += 27
        words.append(Word(text, hull(boxes), 90.0, tuple(letter(c) for c in text)))
        x += 15
    return Line(tuple(words), hull([word.box for word in words]), 120.0, 26.0), ink


@pytest.mark.parametrize(
    ("sizes", "by_hand"),
    [
        ([(38, 0), (38, 0), (39, 1), (37, 0)], False),
        ([(38, 0), (38, 0), (38, 0), (46, 0)], True),
        ([(38, 0), (38, 6), (38, 0), (38, 0)], True),
        ([(55, 4), (61, 11), (49, 2), (58, 7)], True),
        ([(31, 0), (33, 2), (30, 0), (32, 1)], True),
    ],
)
def test_digits_by_hand_differ_from_the_type(sizes: list[tuple[int, int]], by_hand: bool) -> None:
    line, ink = drawn(sizes)
    (zone,) = measure_digits([Zone("left", (line,), line.box)], find_components(ink))
    assert (zone.lines[0].words[1].uneven > 0.1) == by_hand
    assert zone.lines[0].words[0] == line.words[0]
    one = Page(1, 900, 200, 300, zones=(zone,))
    assert from_json(to_json(one)) == one


@pytest.mark.parametrize(
    ("agency", "subject", "empty"),
    [
        ("SỞ XÂY DỰNG", "Về việc giảm 5% chi phí (đợt 2)", None),
        ("SỞ [+ DỰNG", "Về việc giảm chi phí", "agency"),
        ("SỞ XÂY DỰNG", "Về việc {ảm chi phí", "subject"),
    ],
)
def test_a_value_with_signs_that_nobody_prints_is_left_empty(agency: str, subject: str, empty: str | None) -> None:
    head = [agency if row == "SỞ XÂY DỰNG" else row.replace("SỞ XÂY DỰNG", agency) for row in letterhead()]
    document = built([*head, "T |QUYẾT ĐỊNH", f"T |{subject}", *BODY])
    values = {"agency": document.metadata.agency, "subject": document.metadata.subject}
    assert [name for name, value in values.items() if value is None] == ([empty] if empty else [])
    said = [one.message for one in document.warnings if "signs that are not printed so" in one.message]
    assert [message.split()[1] for message in said] == ([empty] if empty else [])


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("Đinh Quang Thạch", True),
        ("Đỉnh Quang Thạch", False),  # nobody's family name, and one mark away from one
        ("Nguyên Văn An", False),
        ("ThS. Trấn Thị Lan", False),
        ("Lò Văn Ón", True),
        ("Vừ Bá Súa", True),
        ("Khoang Văn An", True),  # known to no list, and like none of it
        ("Hạ Thị Bình", True),
    ],
)
def test_a_family_name_that_is_none_is_not_told_as_sure(name: str, told: bool) -> None:
    rows = ["KT. CHỦ TỊCH", "PHÓ CHỦ TỊCH", name]
    blocks = [Block("signature", tuple(Token(word, confidence=90.0) for word in row.split())) for row in rows]
    signature = read_signature(blocks)
    assert signature.signer == (name if told else None)
    assert signature.title == "PHÓ CHỦ TỊCH"
    assert [doubt.about for doubt in signature.doubts] == ([] if told else ["signer"])


@given(st.lists(st.text(alphabet="ABaộThS. .,_-;:'\"„“”Đại tá|/\\", min_size=1, max_size=14), max_size=4))
def test_any_lines_can_be_asked_who_signs(lines: list[str]) -> None:
    """What a seal and a pen leave is seldom a word: ``Z_ .-`` ended the reading of a document."""
    rows = [line.split() for line in lines if line.split()]
    blocks = [Block("signature", tuple(Token(word, confidence=90.0) for word in row)) for row in rows]
    signer = read_signature(blocks).signer
    assert signer is None or all(c.isalpha() or c in " ;.'" for c in signer)
    assert {may_sign(" ".join(row)) for row in rows} <= {True, False}
