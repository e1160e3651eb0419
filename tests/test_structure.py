"""Pages to documents: the cases in cases/structure, and that no printed word is lost."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from normalize.document import Document, Source
from normalize.formats import to_dict, to_markdown, to_text
from normalize.structure.build import build_document
from normalize.structure.footnotes import Sign, labels, settle
from normalize.structure.lines import Margins, settled_margins
from normalize.vietnamese.decree30 import heading_level, is_document_type, is_list_item
from ocr.page import Line, Page, Zone, from_json, hull, to_json
from tests.typeset import line, page, read_case

CASES = sorted((Path(__file__).parent / "cases" / "structure").glob("*.txt"))
SOURCE = Source("test.pdf", "0" * 64, 1, 1)


def case(name: str) -> list[Page]:
    return read_case(next(path for path in CASES if path.stem == name))[0]


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_case(path: Path) -> None:
    pages, expected = read_case(path)
    assert to_text(build_document(pages, SOURCE)) == expected


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_page_records_survive_the_disk(path: Path) -> None:
    for one in read_case(path)[0]:
        assert from_json(to_json(one)) == one


def test_half_a_page_record_is_refused() -> None:
    text = to_json(case("units_are_no_marks")[0])
    with pytest.raises(ValueError, match="not a page record"):
        from_json(text[: len(text) // 2])


def test_metadata_of_the_letterhead() -> None:
    found = build_document(case("letterhead_title_and_signature"), SOURCE).metadata
    assert (found.number, found.symbol, found.type) == ("73", "TB-UBND", "Thông báo")
    assert found.subject == "Kết luận của Chủ tịch huyện tại cuộc họp về công tác giải phóng mặt bằng"
    assert (found.agency, found.place, found.date) == ("ỦY BAN NHÂN DÂN HUYỆN VĨNH KHÊ", "Vĩnh Khê", "2022-04-15")
    assert (found.signer, found.signer_title) == ("Nông Thị Quyên", "CHÁNH VĂN PHÒNG")
    assert found.recipients == ("- UBND huyện;", "- Lưu: VT.")


@pytest.mark.parametrize(
    ("number_line", "number", "symbol"),
    [
        ("Số: 559/BC-UBND", "559", "BC-UBND"),
        ("Số: /BC-UBND", None, "BC-UBND"),
        ("Số: 08/2019/NQ-HĐND", "08/2019", "NQ-HĐND"),
        ("Sô: 12 /TTr-SNN", "12", "TTr-SNN"),
        ("Số: 947/SXD-QLN", "947", "SXD-QLN"),
        # numbers written by hand: what was read of them is no number
        ("Số: q1ÖØ/QĐ-UBND", None, "QĐ-UBND"),
        ("Số: q10/QĐ-UBND", None, "QĐ-UBND"),
        ("Số 01+ /2010/ TTLT-BQP-BTC", None, "TTLT-BQP-BTC"),
    ],
)
def test_number_and_symbol(number_line: str, number: str | None, symbol: str) -> None:
    found = build_document([page(1, [f"L {number_line}", "R Độc lập - Tự do - Hạnh phúc", "T >Nội dung.<"])], SOURCE)
    assert (found.metadata.number, found.metadata.symbol) == (number, symbol)


@pytest.mark.parametrize(
    ("text", "date", "place"),
    [
        ("Hà Nội, ngày 13 tháng 01 năm 2010", "2010-01-13", "Hà Nội"),
        ("Lạng Sơn, ngày tháng 7 năm 2020", None, "Lạng Sơn"),
        ("TP. Bình Lâm, ngày 31 tháng 02 năm 2021", None, "TP. Bình Lâm"),
        ("Vĩnh Khê, ngảy 5 thảng 4 năm 2022", "2022-04-05", "Vĩnh Khê"),
        ("Hà Nội, ngày 41‡ tháng 01 năm 2010", None, "Hà Nội"),
        ("Hải Phòng, ngày 2Ô tháng O2 năm 2025", None, "Hải Phòng"),
    ],
)
def test_place_and_date(text: str, date: str | None, place: str) -> None:
    found = build_document([page(1, ["L Số: 1/TB-UBND", f"R {text}", "T >Nội dung.<"])], SOURCE).metadata
    assert (found.date, found.place) == (date, place)


def test_a_letter_has_its_subject_under_its_number() -> None:
    rows = ["L SỞ XÂY DỰNG", "L Số: 947/SXD-QLN", "L V/v rà soát quỹ đất và tiến độ", "L các dự án nhà ở xã hội"]
    rows += ["R CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", "R Độc lập - Tự do - Hạnh phúc", "T >Nội dung.<"]
    found = build_document([page(1, rows)], SOURCE).metadata
    assert (found.type, found.subject) == ("Công văn", "rà soát quỹ đất và tiến độ các dự án nhà ở xã hội")
    assert found.agency == "SỞ XÂY DỰNG"


def head(*more: str) -> list[str]:
    rows = ["L BỘ QUỐC PHÒNG - BỘ TÀI CHÍNH.", "L Số: 04/2010/TTLT-BQP-BTC", "R CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM"]
    return [*rows, "R Độc lập - Tự do - Hạnh phúc", *more]


def test_two_signers_and_their_offices() -> None:
    rows = head("T >Thông tư này có hiệu lực từ ngày ký.<", "L KT. BỘ TRƯỞNG BỘ TÀI CHÍNH", "L THỨ TRƯỞNG")
    rows += [
        "L Nguyễn Công Nghiệm",
        "R KT. BỘ TRƯỞNG BỘ QUỐC PHÒNG",
        "R THỨ TRƯỞNG",
        "R _: sa",
        "R Thượng tướng Lê Văn Đạt",
    ]
    rows += ["T Nơi nhận:<", "T - Như trên;<", "T - Lưu: VT.<"]
    found = build_document([page(1, rows)], SOURCE).metadata
    assert found.signer == "Nguyễn Công Nghiệm; Thượng tướng Lê Văn Đạt"
    assert found.signer_title == "THỨ TRƯỞNG; THỨ TRƯỞNG"
    assert found.agency == "BỘ QUỐC PHÒNG - BỘ TÀI CHÍNH"
    assert found.recipients == ("- Như trên;", "- Lưu: VT.")


@pytest.mark.parametrize(
    ("between", "is_trace"),
    [
        (["T 7 / '©;<", "T „ư ———” 7 9<"], True),
        (["T Z_ .-<"], True),
        (["T Thời hạn: 30 ngày.<"], False),  # text: what stands above it signs nothing
        (["T (Đã ký và đóng dấu tại hai bản có giá trị như nhau)<"], False),
    ],
)
def test_what_pens_left_between_offices_and_names_is_no_text(between: list[str], is_trace: bool) -> None:
    """Of two who sign above the list of recipients."""
    offices = ["L KT. BỘ TRƯỞNG", "L THỨ TRƯỞNG", "R KT. BỘ TRƯỞNG", "R PHÓ CHỦ NHIỆM"]
    rows = [*offices, *between, "L Lê Văn Tư", "R Hà Thị Hùng", "T Nơi nhận:<", "T - Như trên;<", "T - Lưu: VT.<"]
    document = build_document([page(1, head("T >Thông tư này có hiệu lực từ ngày ký.<", *rows))], SOURCE)
    signed = [block.text for block in document.blocks if block.type == "signature"]
    if is_trace:
        assert signed == [row[2:] for row in (*offices[:2], "L Lê Văn Tư", *offices[2:], "R Hà Thị Hùng")]
        assert [one.reason for one in document.dropped] == ["noise"] * len(between)
        assert document.metadata.signer == "Lê Văn Tư; Hà Thị Hùng"
    else:
        assert signed == ["Lê Văn Tư", "Hà Thị Hùng"]
        assert between[0][2:].rstrip("<") in "\n".join(block.text for block in document.blocks)


def test_what_the_seal_left_is_no_office() -> None:
    rows = head("T >Thông tư này có hiệu lực từ ngày ký.<", "L Nơi nhận:", "L - Như trên;", "L - Lưu: VT.")
    rows += ['R ạp- "Ô TRƯỞNG', "R 1:^ CHỦ NHIỆM", "R IWeg", "R *% 2", "R (đã ký)", "R Nguyễn Thành Biền"]
    document = build_document([page(1, rows)], SOURCE)
    # PHÓ may have stood before CHỦ NHIỆM.
    assert (document.metadata.signer, document.metadata.signer_title) == ("Nguyễn Thành Biền", None)
    assert any("signer_title" in warning.message for warning in document.warnings)
    assert [one.text for one in document.dropped] == ["IWeg", "*% 2"]


@pytest.mark.parametrize(
    ("rows", "kind", "subject"),
    [
        (
            ["T |BÁO CÁO", "T |Kết quả thực hiện kế hoạch năm 2023;", "T |phương hướng năm 2024"],
            "Báo cáo",
            "Kết quả thực hiện kế hoạch năm 2023; phương hướng năm 2024",
        ),
        (
            ["T |THÔNG TƯ", "T >Hướng dẫn chính sách hỗ trợ bộ đội học nghề<"],
            "Thông tư",
            "Hướng dẫn chính sách hỗ trợ bộ đội học nghề",
        ),
        (["T |QUYẾT ĐỊNH", "T >Căn cứ Luật Đất đai năm 2013;<"], "Quyết định", None),
        (["T |BÁO CÁO TÌNH HÌNH KINH TẾ"], "Báo cáo", "TÌNH HÌNH KINH TẾ"),
    ],
)
def test_type_and_subject(rows: list[str], kind: str, subject: str | None) -> None:
    found = build_document([page(1, head(*rows, "T >Nội dung của văn bản.<"))], SOURCE).metadata
    assert (found.type, found.subject) == (kind, subject)


def test_addressees_are_text_even_in_the_left_column() -> None:
    rows = ["L SỞ XÂY DỰNG", "L Số: 947/SXD-QLN", "L Kính gửi: Ủy ban nhân dân huyện", "R Độc lập - Tự do - Hạnh phúc"]
    blocks = build_document([page(1, [*rows, "T >Nội dung.<"])], SOURCE).blocks
    assert [block.type for block in blocks] == ["letterhead", "letterhead", "letterhead", "paragraph", "paragraph"]
    assert blocks[3].text == "Kính gửi: Ủy ban nhân dân huyện"


def test_a_signature_without_a_list_of_recipients() -> None:
    rows = ["T >Yêu cầu các tổ chuyên môn thực hiện Kế hoạch này./.<", "S HIỆU TRƯỞNG", "S Hoàng Thị Mận", "T |PHỤ LỤC"]
    document = build_document([page(1, rows)], SOURCE)
    assert (document.metadata.signer, document.metadata.signer_title) == ("Hoàng Thị Mận", "HIỆU TRƯỞNG")
    assert [block.type for block in document.blocks] == ["paragraph", "signature", "signature", "heading"]
    rows = ["T >Nội dung.<", "S ĐƠN VỊ: ĐỒNG", "S Hoàng Thị Mận", "T >Nội dung.<"]
    assert build_document([page(1, rows)], SOURCE).metadata.signer is None


def test_a_letterhead_in_two_pairs_of_columns() -> None:
    rows = ["L TỈNH HÀ LÂM", "R CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", "L ỦY BAN NHÂN DÂN", "L HUYỆN ĐÔNG LĨNH"]
    rows += ["L Số: 318/BC-UBND", "R Độc lập - Tự do - Hạnh phúc", "T >Nội dung.<"]
    document = build_document([page(1, rows)], SOURCE)
    assert document.metadata.agency == "ỦY BAN NHÂN DÂN HUYỆN ĐÔNG LĨNH"
    assert [block.text for block in document.blocks[:4]] == [row[2:] for row in rows if row[0] == "L"]


def test_a_body_whose_second_line_begins_like_another() -> None:
    rows = [
        "L BAN QUẢN LÝ RỪNG",
        "L PHÒNG HỘ SÔNG LÔI",
        "L Số: 3/BC-BQL",
        "R Độc lập - Tự do - Hạnh phúc",
        "T >Nội dung.<",
    ]
    assert build_document([page(1, rows)], SOURCE).metadata.agency == "BAN QUẢN LÝ RỪNG PHÒNG HỘ SÔNG LÔI"


def test_recipients_are_whole_items() -> None:
    rows = head(
        "T >Nội dung.<", "L Nơi nhận:", "L - Như trên;", "L - VPCP: BTCN, các PCN,", "L các Vụ, Cục;", "L - Lưu: VT."
    )
    found = build_document([page(1, [*rows, "R CHỦ TỊCH", "R Lê Văn Đạt"])], SOURCE).metadata
    assert found.recipients == ("- Như trên;", "- VPCP: BTCN, các PCN, các Vụ, Cục;", "- Lưu: VT.")


JOINT = ["T >Nội dung của chương trình phối hợp.<", "L SỞ VĂN HÓA", "L GIÁM ĐỐC", "+ LIÊN ĐOÀN LAO ĐỘNG", "R CHỦ TỊCH"]
LIST = ["Nơi nhận:", "- Như trên;", "- Lưu: VT."]


@pytest.mark.parametrize(
    ("rows", "first"),
    [
        pytest.param([*JOINT, *(f"T |{row}" for row in LIST)], "recipients", id="below joint signatures"),
        pytest.param([JOINT[0], "R CHỦ TỊCH", *(f"T |{row}" for row in LIST)], "recipients", id="below one signature"),
        pytest.param([JOINT[0], *(f"L {row}" for row in LIST), "+ CHỦ TỊCH"], "recipients", id="beside one signature"),
    ],
)
def test_where_a_list_of_recipients_is_published(rows: list[str], first: str) -> None:
    blocks = build_document([page(1, head(*rows))], SOURCE).blocks
    assert next(block.type for block in blocks if block.type in ("signature", "recipients")) == first


def test_three_who_sign_side_by_side() -> None:
    rows = ["CÔNG AN TỈNH", "SỞ Y TẾ", "HỘI NÔNG DÂN", "GIÁM ĐỐC", "CỤC TRƯỞNG", "CHỦ TỊCH"]
    rows += ["Vi Văn Sáu", "Lò Thị Hằng", "Giàng A Páo"]
    signed = [line(row, "LRS"[at % 3], 500 + 75 * (at // 3)) for at, row in enumerate(rows)]
    listed = [line(row, "T", 900 + 75 * at) for at, row in enumerate(["Nơi nhận:<", "- Như trên;<", "- Lưu: VT.<"])]
    beside = [one for at, one in enumerate(signed) if at % 3]
    plain = page(1, head("T >Các bên thực hiện.<"))
    zones = [("left", signed[::3]), ("right", beside), ("text", listed)]
    below = [Zone(kind, tuple(own), hull([one.box for one in own])) for kind, own in zones]
    document = build_document([replace(plain, zones=(*plain.zones, *below))], SOURCE)
    assert [one.text for one in document.blocks if one.type == "signature"] == rows[::3] + rows[1::3] + rows[2::3]
    assert document.metadata.signer == "Vi Văn Sáu; Lò Thị Hằng; Giàng A Páo"


def test_stamps_are_dropped_with_their_reasons() -> None:
    document = build_document(case("stamps_and_signatures_of_computers"), SOURCE)
    assert [(one.reason, one.text) for one in document.dropped] == [
        ("received stamp", "SỞ Y TẾ TỈNH BÌNH LÂM"),
        ("received stamp", "CÔNG VĂN ĐẾN"),
        ("received stamp", "Số: 615"),
        ("received stamp", "Ngày: 16/4/2024"),
        ("copy line", "SAO Y; VĂN PHÒNG UBND TỈNH; 20/02/2025; 10:47:25 +07:00"),
        ("electronic signature", "Người ký: ỦY BAN NHÂN DÂN TỈNH BÌNH LÂM"),
        ("electronic signature", "Email: ubnd@binhlam.vn"),
        ("electronic signature", "Thời gian ký: 16.04.2024 10:45:45 +07:00"),
    ]
    assert not build_document(case("words_of_stamps_in_the_text"), SOURCE).dropped


def test_what_is_uncertain_is_said() -> None:
    messages = [w.message for w in build_document(case("note_without_mark"), SOURCE).warnings]
    assert messages == ["The mark of footnote 1 was not found."]
    messages = [w.message for w in build_document(case("mark_without_note"), SOURCE).warnings]
    assert messages == ["Footnote mark 3 has no note."]
    messages = [w.message for w in build_document(case("raised_number_that_is_no_mark"), SOURCE).warnings]
    assert messages[0] == "A raised 1 has no note and belongs to no numbering; it stands as printed."
    document = build_document(case("unreadable_page"), SOURCE)
    assert [(w.page, w.message) for w in document.warnings] == [
        (2, "The page could not be read: poppler gave no picture")
    ]


def test_numbering_anew_keeps_the_printed_label() -> None:
    document = build_document(case("numbering_anew_on_each_page"), SOURCE)
    assert [(n.label, n.printed_label) for n in document.footnotes] == [("1", "1"), ("2", "1")]


def test_footnote_styles() -> None:
    document = build_document(case("mark_and_full_stop"), SOURCE)
    assert to_text(document, "inline").startswith("Đã họp dân [1: Ba cuộc.]. Đã chi trả. [2: Hai đợt.] Thực")
    assert to_text(document, "end").endswith("[^3]: Do Huyện đoàn phát động.\n")
    with pytest.raises(ValueError, match="footnotes must be one of"):
        to_text(document, "margin")


def test_markdown_marks_headings_up() -> None:
    text = to_markdown(build_document(case("letterhead_title_and_signature"), SOURCE))
    assert "# THÔNG BÁO\n" in text
    assert "### I. KẾT QUẢ ĐẠT ĐƯỢC\n" in text


def test_json_of_a_document() -> None:
    data = to_dict(build_document(case("note_over_page_end"), SOURCE))
    assert data["schema"] == "nambat/1"
    assert data["footnotes"][0]["pages"] == [1, 2]
    assert data["blocks"][0]["type"] == "paragraph"
    assert data["blocks"][0]["bbox"][0] == 500


# -- sequences -----------------------------------------------------------------------------------------------------


def signs(*readings: tuple[int, str]) -> list[Sign]:
    return [Sign(page, text, 3.5) for page, text in readings]


@pytest.mark.parametrize(
    ("read", "numbers"),
    [
        ([(1, "1"), (1, "2"), (2, "3")], [1, 2, 3]),
        ([(1, "1"), (1, "8"), (2, "3")], [1, 2, 3]),
        ([(1, "9"), (2, "10"), (2, "11")], [9, 10, 11]),
        ([(1, "1"), (2, "1"), (2, "2"), (3, "1")], [1, 1, 2, 1]),
        ([(1, "1"), (1, "2"), (2, "4")], [1, 2, 4]),
        ([], []),
    ],
)
def test_settle(read: list[tuple[int, str]], numbers: list[int]) -> None:
    assert settle(signs(*read)) == numbers


def test_a_stray_sign_is_left_out() -> None:
    read = [Sign(1, "1", 3.5), Sign(1, "7", 1.2), Sign(1, "2", 3.5), Sign(2, "3", 3.5)]
    assert settle(read) == [1, None, 2, 3]


@given(st.lists(st.tuples(st.integers(1, 5), st.sampled_from([*"0123456789", "10", "11", "12"])), max_size=25))
def test_settled_numbers_rise_or_start_anew_on_a_later_page(read: list[tuple[int, str]]) -> None:
    read.sort(key=lambda one: one[0])
    numbers = settle(signs(*read))
    assert len(numbers) == len(read)
    kept = [(page, n) for (page, _), n in zip(read, numbers, strict=True) if n is not None]
    for (page_before, before), (page_after, after) in pairwise(kept):
        assert after > before or (after == 1 and page_after > page_before)


@given(st.lists(st.one_of(st.none(), st.integers(1, 9)), max_size=12))
def test_labels_are_unique(numbers: list[int | None]) -> None:
    named = [name for name in labels(numbers) if name]
    assert len({label for label, _ in named}) == len(named)


# -- nothing is lost -----------------------------------------------------------------------------------------------

WORDS = st.sampled_from(["Ủy", "ban", "nhân", "dân¹", "huyện.", "2021-", "-", "m²", "(b/c);", "a)", "12", "phố²", "1."])
PHRASES = st.sampled_from(
    ["Nơi nhận:", "CÔNG VĂN ĐẾN", "Số: 1/BC-UBND", "SAO Y; 2025", "Người ký: UBND", "Thời gian ký: 1.1.2025 10:45",
     "Kính gửi: Sở", "BÁO CÁO", "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", "KT. CHỦ TỊCH", "- Lưu: VT."]
)  # fmt: skip
ROWS = st.tuples(
    st.sampled_from("LRTTTTNNHXB"),
    st.sampled_from(["", ">", "|"]),
    st.one_of(st.lists(WORDS, min_size=1, max_size=9), PHRASES.map(str.split)),
)
PAGES = st.lists(st.lists(ROWS, min_size=1, max_size=12), min_size=1, max_size=4)


def letters_of(words: list[str]) -> Counter[str]:
    return Counter(c for text in words for c in text if not c.isspace())


def printed(pages: list[Page]) -> Counter[str]:
    return letters_of([word.text for one in pages for word in one.words])


def kept(document: Document) -> Counter[str]:
    tokens = [token.text for _, tokens in document.texts() for token in tokens]
    return letters_of(tokens + [one.text for one in document.dropped])


@settings(max_examples=150)
@given(PAGES)
def test_no_letter_is_lost(rows: list[list[tuple[str, str, list[str]]]]) -> None:
    pages = [
        page(number, [f"{zone} {sign}{' '.join(words)}<" for zone, sign, words in one])
        for number, one in enumerate(rows, 1)
    ]
    document = build_document(pages, SOURCE)
    missing = printed(pages) - kept(document)
    # The number at the head of a note and the sign it was read as become the note's label.
    assert sum(missing.values()) <= sum(len(note.printed_label) + 3 for note in document.footnotes)
    assert set(missing) <= set("0123456789()[].:?")
    # ... and nothing is there twice. Raised digits are no part of a word on the page; exponents are one of the text.
    raised = letters_of([sign.text for one in pages for word in one.words for sign in word.raised])
    assert not kept(document) - printed(pages) - raised - letters_of(["¹²³"] * raised.total())
    assert to_text(document).count("[^") >= len(document.footnotes)


# -- small judgements ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["- Về y tế", "a) Giáo dục", "đ) Thu chi", "1. Kinh tế", "1.2. Đất đai", "(1) Chợ", "+ Xã"]
)
def test_list_items(text: str) -> None:
    assert is_list_item(text)


A_NUMBER_LIKE_AN_ITEM = pytest.mark.xfail(reason="a number at the head looks like that of an item", strict=True)


@pytest.mark.parametrize(
    "text",
    [
        *("2021 là năm", "Năm 2021", "-xã hội", "UBND tỉnh", "ngày 1/1", "150 hộ", "12.500 hộ"),
        pytest.param("12 hộ", marks=A_NUMBER_LIKE_AN_ITEM),
    ],
)
def test_no_list_items(text: str) -> None:
    assert not is_list_item(text)


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("Phần I", 1),
        ("Chương II", 1),
        ("I. CÔNG TÁC CHỈ ĐẠO", 2),
        ("Điều 1. Phạm vi điều chỉnh", 3),
        ("1. Về kinh tế", 3),
        ("1.1. Đất đai", 4),
        ("a) Thương mại - du lịch", 5),
        ("Năm 2020 là năm cuối", 0),
        ("1. Nghị định này quy định vị trí, chức năng.", 0),
    ],
)
def test_heading_levels(text: str, level: int) -> None:
    assert heading_level(text) == level


def test_document_types_are_known_by_their_skeleton() -> None:
    assert is_document_type("BÁO CÁO")
    assert is_document_type("BAO CAO")
    assert is_document_type("QUYẾT ĐỊNH:")
    assert not is_document_type("BÁO CÁO CỦA UBND")


# -- headings and items --------------------------------------------------------------------------------------------


def weighed(one: Page, weights: dict[str, float]) -> Page:
    """The page with the weight of the words of each line: that of the line's first words, else that of regular type."""

    def line_weighed(text_line: Line) -> Line:
        weight = next((value for text, value in weights.items() if text_line.text.startswith(text)), 1.0)
        return replace(text_line, words=tuple(replace(word, weight=weight) for word in text_line.words))

    return replace(one, zones=tuple(replace(z, lines=tuple(map(line_weighed, z.lines))) for z in one.zones))


def types(rows: list[str], weights: dict[str, float] | None = None) -> list[str]:
    typeset = page(1, rows)
    document = build_document([weighed(typeset, weights) if weights else typeset], SOURCE)
    return [block.type for block in document.blocks]


BODY = ["T >Ủy ban nhân dân xã báo cáo kết quả trồng cây đầu xuân của các thôn", "T trong toàn xã như sau.<"]


def test_items_in_the_middle_are_items() -> None:
    assert [one.type for one in build_document(case("items_in_the_middle"), SOURCE).blocks][1:4] == ["list_item"] * 3


def test_a_lone_dash_in_the_middle_is_an_item() -> None:
    assert types([*BODY, "T |- Giống cây do Hạt Kiểm lâm cấp cho từng hộ trồng"])[-1] == "list_item"


@pytest.mark.parametrize(
    ("row", "weight", "wanted"),
    [
        ("T >1. Kết quả trồng cây:<", 1.35, "heading"),
        ("T >1. Kết quả trồng cây:<", 1.0, "list_item"),
        ("T >Điều 3. Trách nhiệm của các thôn.<", 1.3, "heading"),
        ("T >Điều 3. Trách nhiệm của các thôn<", 1.05, "paragraph"),
        ("T >Thành phần dự họp gồm có:<", 1.4, "heading"),
        ("T >Thành phần dự họp gồm có:<", 1.1, "paragraph"),
        ("T |TỔ CHỨC THỰC HIỆN", 1.0, "heading"),
        ("T |(Kèm theo Kế hoạch số 12/KH-UBND)", 1.3, "paragraph"),
        ("T >- Thôn Đông Cao trồng 120 cây;<", 1.4, "list_item"),
        ("T >II. NHIỆM VỤ<", 1.0, "heading"),
        ("T >A. CÔNG TRÌNH CẤP HUYỆN<", 1.3, "heading"),
        ("T >B. CÔNG TRÌNH CẤP XÃ<", 1.0, "heading"),
        ("T >A. Công trình cấp huyện<", 1.0, "list_item"),
    ],
)
def test_bold_type_tells_headings(row: str, weight: float, wanted: str) -> None:
    rows = [*BODY, "T >I. TÌNH HÌNH CHUNG<", *BODY, row, *BODY]
    weights = {"I. TÌNH": 1.4, row[2:].lstrip(">|").removesuffix("<"): weight}
    assert types(rows, weights)[3] == wanted


def test_a_bold_beginning_makes_no_heading() -> None:
    typeset = weighed(page(1, [*BODY, "T >1. Thời gian: sáng thứ hai ngày 14 tháng 11 năm 2022<"]), {"1. Thời": 1.0})
    zone = typeset.zones[0]
    head = zone.lines[-1]
    words = tuple(replace(word, weight=1.4) if at < 3 else word for at, word in enumerate(head.words))
    lines = (*zone.lines[:-1], replace(head, words=words))
    bold = replace(typeset, zones=(replace(zone, lines=lines),))
    assert [one.type for one in build_document([bold], SOURCE).blocks][-1] == "list_item"


def test_regular_lines_that_follow_each_other_are_items() -> None:
    names = ["T >1. Hội Nông dân huyện<", "T >2. Trạm Khuyến nông<", "T >3. Đoàn Thanh niên xã<"]
    assert types([*BODY, *names, *BODY], {"Ủy ban": 1.0})[1:4] == ["list_item"] * 3
    alone = ["T >1. Hội Nông dân huyện<", *BODY, "T >2. Trạm Khuyến nông<", *BODY]
    assert types([*BODY, *alone], {"Ủy ban": 1.0})[1::2] == ["heading"] * 2


def test_a_landscape_page_has_margins_of_its_own() -> None:
    margins = settled_margins({1: Margins(350, 2270), 2: Margins(200, 3300)}, {1: 2480, 2: 3508})
    assert margins[1] == Margins(350, 2270)


@pytest.mark.parametrize(
    ("numbers", "dropped"),
    [
        (["1/3", "2/3", "3/3"], 3),
        (["1/3", "1/3", "1/3"], 0),
        (["2/3", "2/5", "3/7"], 0),
        (["Trang 4/9", "Trang 5/9", ""], 2),
    ],
)
def test_numbers_of_pages_and_their_total(numbers: list[str], dropped: int) -> None:
    pages = [page(at, [*BODY, *BODY, *([f"T >{number}<"] if number else [])]) for at, number in enumerate(numbers, 1)]
    found = [one.text for one in build_document(pages, SOURCE).dropped if one.reason == "page number"]
    assert len(found) == dropped


def test_forms_that_are_counted_keep_their_heads() -> None:
    pages = [page(n, ["L CÔNG TY CẤP NƯỚC", "L PHÒNG KỸ THUẬT", f"R Mẫu số 0{n}", *BODY, *BODY]) for n in range(1, 5)]
    assert not build_document(pages, SOURCE).dropped


def test_a_head_of_many_forms_is_kept_once() -> None:
    head = ["L CÔNG TY CẤP NƯỚC", "L PHÒNG KỸ THUẬT", "R Mã số: QT-07"]
    pages = [page(number, [*head, *BODY, *BODY]) for number in range(1, 6)]
    document = build_document(pages, SOURCE)
    assert to_text(document).count("Mã số: QT-07") == 1
    assert [one.page for one in document.dropped if one.text == "Mã số: QT-07"] == [2, 3, 4, 5]


CLOSED = ("L Nơi nhận:", "L - Như trên;", "L - Lưu: VT.")


@pytest.mark.parametrize(
    ("signed", "signer", "title"),
    [
        (["R KT. GIÁM ĐỐC", "R PHÓ GIÁM ĐỐC", "R Đỗ Thị Mơ"], "Đỗ Thị Mơ", "PHÓ GIÁM ĐỐC"),
        # KT. by hand was read as a scrawl, or not at all: the deputy's line tells all the same.
        (["R V*Y. GIÁM ĐỐC", "R PHÓ GIÁM ĐỐC", "R Đỗ Thị Mơ"], "Đỗ Thị Mơ", "PHÓ GIÁM ĐỐC"),
        (["R GIÁM ĐỐC", "R PHÓ GIÁM ĐỐC", "R Đỗ Thị Mơ"], "Đỗ Thị Mơ", "PHÓ GIÁM ĐỐC"),
        # The deputy's line is lost, or its first word.
        (["R KT. GIÁM ĐỐC", "R Đỗ Thị Mơ"], "Đỗ Thị Mơ", None),
        (["R V*Y. GIÁM ĐỐC", "R Đỗ Thị Mơ"], "Đỗ Thị Mơ", None),
        (["R GIÁM ĐỐC", "R GIÁM ĐỐC", "R Đỗ Thị Mơ"], "Đỗ Thị Mơ", None),
        (["R GIÁM ĐỐC", "R lo Š M ĐỐC", "R Đỗ Thị Mơ"], "Đỗ Thị Mơ", None),
        (["R TRƯỞNG", "R Đỗ Thị Mơ"], "Đỗ Thị Mơ", None),
        (["R TRƯỞNG BAN", "R GIÁM ĐỐC SỞ Y TẾ", "R Đỗ Thị Mơ"], "Đỗ Thị Mơ", "TRƯỞNG BAN GIÁM ĐỐC SỞ Y TẾ"),
        (["R TL. CHỦ TỊCH", "R CHÁNH VĂN PHÒNG", "R Đỗ Thị Mơ"], "Đỗ Thị Mơ", "CHÁNH VĂN PHÒNG"),
        (["R Q. HIỆU TRƯỞNG", "R PGS.TS Đỗ Thị Mơ"], "PGS.TS Đỗ Thị Mơ", "Q. HIỆU TRƯỞNG"),
        # A degree that is glued to the name is no part of it.
        (["R HIỆU TRƯỞNG", "R PGS.TS.Đỗ Thị Mơ"], "Đỗ Thị Mơ", "HIỆU TRƯỞNG"),
        (["R BỘ TRƯỜNG#Z“", "R Đỗ Thị Mơ"], "Đỗ Thị Mơ", "BỘ TRƯỞNG"),
        (["R GIÁM ĐỐC", "R TRƯƠNG THỊ BÍCH"], "TRƯƠNG THỊ BÍCH", "GIÁM ĐỐC"),
        (["R SỞ Y TẾ", "R GIÁM ĐỐC", "R Đỗ Thị Mơ"], "Đỗ Thị Mơ", "GIÁM ĐỐC"),
        # What stands before a name belongs to it.
        (["R GIÁM ĐỐC", "R š,ê Hoàng Mơ"], None, "GIÁM ĐỐC"),
        (["R GIÁM ĐỐC", "R Đỗ Thj Mơ"], None, "GIÁM ĐỐC"),
        (["R TRƯỞNG PHÒNG", "R Vũ Trường"], "Vũ Trường", "TRƯỞNG PHÒNG"),
    ],
)
def test_who_signs_is_told_where_it_is_whole(signed: list[str], signer: str | None, title: str | None) -> None:
    document = build_document([page(1, head("T >Trân trọng./.<", *CLOSED) + signed)], SOURCE)
    assert (document.metadata.signer, document.metadata.signer_title) == (signer, title)
    said = " ".join(warning.message for warning in document.warnings)
    assert ("signer is left open" in said) == (signer is None)
    assert ("signer_title is left open" in said) == (title is None)
