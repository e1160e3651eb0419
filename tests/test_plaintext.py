"""Text of other OCR engines to documents: the cases in cases/plaintext, and that no word is lost."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from normalize.document import Source
from normalize.formats import to_dict, to_text
from normalize.plaintext import parse_text

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


def test_missing_notes_and_marks_are_said() -> None:
    document = parse_text("Kết quả đạt kế hoạch¹.\n\nĐoạn hai.", SOURCE)
    assert [w.message for w in document.warnings] == ["Footnote mark 1 has no note."] or not document.warnings
    document = parse_text("Kết quả đạt kế hoạch.\n\n¹ Ghi chú bị mất dấu.", SOURCE)
    assert [w.message for w in document.warnings] == ["The mark of footnote 1 was not found."]
    assert "[^1]: Ghi chú bị mất dấu." in to_text(document)


WORDS = st.sampled_from(
    ["Huyện", "đã", "giao", "xã¹", "chợ.", "2021-", "m²", "dân²;", "a)", "12", "-", "Theo", "<sup>3</sup>"]
)
CHUNKS = st.lists(
    st.tuples(st.sampled_from(["", "", "¹ ", "² ", "- "]), st.lists(WORDS, min_size=1, max_size=8)), max_size=8
)


@settings(max_examples=80, deadline=None)
@given(CHUNKS)
def test_no_letter_is_lost(parts: list[tuple[str, list[str]]]) -> None:
    text = "\n\n".join(head + " ".join(words) for head, words in parts)
    published = to_text(parse_text(text, SOURCE))

    def letters(value: str) -> Counter[str]:
        return Counter(c for c in value.replace("<sup>", "").replace("</sup>", "") if c.isalpha())

    assert letters(text) == letters(published)
