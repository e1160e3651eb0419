"""Text of other OCR engines to documents: the cases in cases/plaintext, and that no word is lost."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from normalize.document import Source
from normalize.formats import to_dict, to_text
from normalize.plaintext.parse import parse_text

CASES = sorted((Path(__file__).parent / "cases" / "plaintext").glob("*.txt"))
SOURCE = Source("test.txt", "0" * 64, 0, 1)


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_case(path: Path) -> None:
    text, expected = path.read_text("utf-8").split("--- published\n")
    assert to_text(parse_text(text, SOURCE)) == expected


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_clean_text_stays_as_it_is(path: Path) -> None:
    expected = path.read_text("utf-8").split("--- published\n")[1]
    assert to_text(parse_text(expected, SOURCE)) == expected


def test_windows_line_ends_and_decomposed_letters() -> None:
    document = parse_text("Đo\u1ea1n mo\u0302\u0323t.\r\n\r\nDoa\u0323n hai.\r\n", SOURCE)
    assert to_text(document) == "Đoạn một.\n\nDoạn hai.\n"


def test_a_markdown_table_is_kept_by_rows() -> None:
    document = parse_text("| TT | Nội dung |\n|---|---|\n| 1 | Nạo vét |", SOURCE)
    assert to_text(document) == "TT\tNội dung\n1\tNạo vét\n"
    assert to_dict(document)["blocks"][0]["type"] == "table"


def test_byte_order_mark_and_zero_width_letters_are_gone() -> None:
    assert to_text(parse_text("\ufeffĐoạn\u200b một.", SOURCE)) == "Đoạn một.\n"


def test_a_mark_without_a_note_is_kept_and_said() -> None:
    document = parse_text("Kết quả đạt kế hoạch¹.\n\nĐoạn hai có 12 m² và 10³ mẫu.", SOURCE)
    assert [w.message for w in document.warnings] == ["Footnote mark 1 has no note."]
    assert to_text(document) == "Kết quả đạt kế hoạch[^1].\n\nĐoạn hai có 12 m² và 10³ mẫu.\n"


def test_brackets_without_notes_are_text() -> None:
    document = parse_text("Theo tài liệu [1], kết quả đạt kế hoạch.", SOURCE)
    assert to_text(document) == "Theo tài liệu [1], kết quả đạt kế hoạch.\n"
    assert not document.warnings


def test_a_note_without_a_mark_is_kept_and_said() -> None:
    document = parse_text("Kết quả đạt kế hoạch.\n\n¹ Ghi chú bị mất dấu.", SOURCE)
    assert [w.message for w in document.warnings] == ["The mark of footnote 1 was not found."]
    assert "[^1]: Ghi chú bị mất dấu." in to_text(document)


def test_a_note_without_a_mark_stands_at_the_end_of_its_page() -> None:
    pages = ["Trang đầu có một đoạn.", "¹ Ghi chú bị mất dấu.", "<!-- page 2 -->", "Trang sau có một đoạn."]
    assert to_text(parse_text("\n\n".join(pages), SOURCE)).split("\n\n")[1] == "[^1]: Ghi chú bị mất dấu."


def test_a_misread_mark_between_its_neighbours_is_found() -> None:
    text = "Cấp 229 giấy¹, thu hồi” 12 giấy, hủy 5 giấy³.\n\n¹ Lũy kế.\n\n² Do cấp sai.\n\n³ Do trùng."
    document = parse_text(text, SOURCE)
    assert to_text(document).startswith("Cấp 229 giấy[^1], thu hồi[^2] 12 giấy, hủy 5 giấy[^3].")
    assert [w.message for w in document.warnings] == [
        "The mark of footnote 2 was read as ”; it stands where its number was expected."
    ]


def test_a_closing_quote_is_no_misread_mark() -> None:
    text = "Cấp 229 giấy¹, phong trào “Xanh” tốt, hủy 5 giấy³.\n\n¹ Lũy kế.\n\n² Do cấp sai.\n\n³ Do trùng."
    assert "“Xanh” tốt" in to_text(parse_text(text, SOURCE))


def test_plain_digits_taken_for_marks_are_said() -> None:
    text = (CASES[0].parent / "plain_digits.txt").read_text("utf-8").split("--- published\n")[0]
    said = [warning.message for warning in parse_text(text, SOURCE).warnings]
    assert said == ["Plain digits were taken for the numbers of footnotes: 1, 2, 3."]


def test_what_pages_carry_is_dropped_and_listed() -> None:
    text = (CASES[0].parent / "printed_lines.txt").read_text("utf-8").split("--- published\n")[0]
    dropped = [(one.text, one.reason) for one in parse_text(text, SOURCE).dropped]
    header = ("UBND HUYỆN THANH SƠN HẠ", "running header")
    assert dropped == [("2", "page number"), header, ("3", "page number"), header]


WORDS = st.sampled_from(
    ["Huyện", "đã", "giao", "xã¹", "chợ.", "2021-", "m²", "dân²;", "a)", "12", "-", "Theo", "<sup>3</sup>"]
)
CHUNKS = st.lists(
    st.tuples(st.sampled_from(["", "", "¹ ", "² ", "- "]), st.lists(WORDS, min_size=1, max_size=8)), max_size=8
)


@settings(max_examples=80)
@given(CHUNKS)
def test_no_letter_is_lost(parts: list[tuple[str, list[str]]]) -> None:
    text = "\n\n".join(head + " ".join(words) for head, words in parts)
    published = to_text(parse_text(text, SOURCE))

    def letters(value: str) -> Counter[str]:
        return Counter(c for c in value.replace("<sup>", "").replace("</sup>", "") if c.isalpha())

    assert letters(text) == letters(published)


LAYOUT_WORDS = st.sampled_from(
    [
        "Huyện",
        "đã",
        "giao",
        "chợ.",
        "rừng;",
        "m²",
        "Điều",
        "khoản",
        "hộ",
        "UBND",
        "và",
        "“Xanh”",
        "(kèm",
        "theo)",
        "Tr.",
        "2021-",
        "5*3",
        "kết_quả",
    ]
)
HEADS = st.sampled_from(["", "", "", "¹ ", "[1] ", "<sup>2</sup> ", "2. ", "1 ", "(1) ", "- ", "a) ", "# ", "Điều 5. "])
MARKS = st.sampled_from(["", "", "", "¹", "1", "[2]", "^2^", "(1)", "$^{1}$", " 2", "*", "”"])
PIECES = st.builds(
    lambda head, words, mark, times: head + " ".join(words * times) + mark,
    HEADS,
    st.lists(LAYOUT_WORDS, min_size=1, max_size=9),
    MARKS,
    st.sampled_from([1, 1, 1, 4, 30]),
)
PAGE_SIGNS = st.sampled_from(
    ["---", "\f", "<!-- page 2 -->", "## Page 2", "Trang 3", "2", "3", "- 2 -", "2/5", "UBND HUYỆN SƠN HẠ", "{2}------"]
)
ROWS = st.sampled_from(
    ["| TT | Tên |\n|---|---|\n| 1 | **Chợ** |", "<table><tr><td>Chợ</td></tr></table>", "Xã\tChợ\nA\tB"]
)
TEXTS = st.lists(
    st.tuples(st.one_of(PIECES, PIECES, PIECES, PAGE_SIGNS, ROWS), st.sampled_from(["\n", "\n\n"])), max_size=30
)


def words(text: str) -> Counter[str]:
    """Runs of letters; digits aside, which marks are made of."""
    return Counter(re.findall(r"[^\W\d_⁰¹²³⁴⁵⁶⁷⁸⁹]+", re.sub(r"</?(?:sup|table|tr|td)>", " ", text)))


@settings(max_examples=150)
@given(TEXTS, st.sampled_from(["\n", "\r\n"]))
def test_every_word_is_published_or_dropped(parts: list[tuple[str, str]], line_end: str) -> None:
    text = "".join(part + gap for part, gap in parts)
    document = parse_text(text.replace("\n", line_end), SOURCE)
    gone = " ".join(one.text for one in document.dropped)
    assert words(text) == words(to_text(document)) + words(gone)


NUMBERS = st.sampled_from(
    [
        "Điều 71",
        "khoản 2,",
        "phố 1.",
        "2021-2025",
        "số 12/QĐ-UBND",
        "1.",
        "(2)",
        "A1",
        "12 hộ",
        "3.",
        "tổ 5;",
        "xã nghèo 4,",
        "v2",
        "Covid19",
    ]
)


@settings(max_examples=100)
@given(st.lists(st.lists(NUMBERS, min_size=1, max_size=12), max_size=12))
def test_without_notes_every_digit_stays(paragraphs: list[list[str]]) -> None:
    text = "\n\n".join("Nội dung " + " ".join(paragraph) for paragraph in paragraphs)
    document = parse_text(text, SOURCE)
    assert to_text(document).split() == text.split()
    assert not document.footnotes


# -- several documents in one text ----------------------------------------------------------------------------------

DECISION = """UBND TỈNH HÀ SƠN\nSỞ XÂY DỰNG\n\nSố: 118/QĐ-SXD\n
CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM\nĐộc lập - Tự do - Hạnh phúc\n\nHà Sơn, ngày 04 tháng 5 năm 2020\n
QUYẾT ĐỊNH\nVề việc giao đất\n\nĐiều 1. Phê duyệt kế hoạch.\n
Nơi nhận:\n- Như trên;\n- Lưu: VT.\n\nGIÁM ĐỐC\n\nPhan Thị Hồng Lĩnh\n"""
LETTER = """UBND HUYỆN AN LÃO\nPHÒNG XÂY DỰNG\nSố: 77/PXD
CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM\nĐộc lập - Tự do - Hạnh phúc\nAn Lão, ngày 11 tháng 5 năm 2020\n
Kính gửi: Sở Xây dựng Hà Sơn.\n\nPhòng đã nhận quyết định và sẽ thực hiện đúng nội dung đã được phê duyệt.\n
Nơi nhận:\n- Lưu: VT.\n\nTRƯỞNG PHÒNG\n\nVi Văn Chỉnh\n"""


@pytest.mark.parametrize("between", ["\n", "\n\f\n", "\n<!-- page 2 -->\n\n"])
def test_a_second_letterhead_begins_another_document(between: str) -> None:
    document = parse_text(DECISION + between + LETTER, SOURCE)
    found = [
        (one.metadata.number, one.metadata.agency, one.metadata.date, one.metadata.signer, len(one.metadata.recipients))
        for one in document.parts
    ]
    assert found == [
        ("118", "SỞ XÂY DỰNG", "2020-05-04", "Phan Thị Hồng Lĩnh", 2),
        ("77", "PHÒNG XÂY DỰNG", "2020-05-11", "Vi Văn Chỉnh", 1),
    ]
    assert sum("Another document begins" in warning.message for warning in document.warnings) == 1


def test_the_documents_of_a_text_do_not_hang_on_their_order() -> None:
    letter, decision = parse_text(LETTER + "\n" + DECISION, SOURCE).parts
    assert (letter.metadata.agency, letter.metadata.type) == ("PHÒNG XÂY DỰNG", "Công văn")
    assert (decision.metadata.agency, decision.metadata.type) == ("SỞ XÂY DỰNG", "Quyết định")


def test_the_text_of_several_documents_is_that_of_each() -> None:
    together = to_text(parse_text(DECISION + "\n" + LETTER, SOURCE))
    assert together == to_text(parse_text(DECISION, SOURCE)) + "\n" + to_text(parse_text(LETTER, SOURCE))
    assert len(parse_text(together, SOURCE).parts) == 2  # taken back, it is the same bundle


@pytest.mark.parametrize(
    "changed",
    [
        DECISION.replace("118/QĐ-SXD", "..../GXN").replace("ngày 04 tháng 5 năm 2020", "ngày ... tháng ... năm ..."),
        DECISION.replace("Số: 118/QĐ-SXD\n\n", ""),
        DECISION.replace("Hà Sơn, ngày 04 tháng 5 năm 2020\n\n", ""),
        DECISION.replace("UBND TỈNH HÀ SƠN\nSỞ XÂY DỰNG", "Mẫu số 01"),
    ],
)
def test_a_form_in_an_annex_is_no_document_of_its_own(changed: str) -> None:
    assert len(parse_text(LETTER + "\n" + changed, SOURCE).parts) == 1


def test_a_letterhead_before_the_end_of_a_document_begins_none() -> None:
    unsigned = LETTER[: LETTER.index("Nơi nhận")]
    assert len(parse_text(unsigned + "\n" + DECISION, SOURCE).parts) == 1
