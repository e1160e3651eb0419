"""What a reader's program shows of our Markdown is the text, with nothing in it that lives."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from normalize.document import Block, Document, Footnote, Reference, Source, Token
from normalize.formats.markdown import escaped, escaped_paragraph, to_markdown
from normalize.formats.plain_text import FOOTNOTE_STYLES
from normalize.plaintext.parse import parse_text
from tests.markdown import WORDS, shown


def document(*blocks: Block, footnotes: tuple[Footnote, ...] = ()) -> Document:
    return Document(Source("quét.pdf", "", 1, 0), blocks, footnotes=footnotes)


def tokens(words: list[str]) -> tuple[Token, ...]:
    return tuple(Token(word) for word in words)


@settings(max_examples=150)
@given(WORDS)
def test_a_paragraph_is_shown_as_it_was_printed(words: list[str]) -> None:
    assert shown(to_markdown(document(Block("paragraph", tokens(words))))) == (" ".join(words), {"paragraph"})


@settings(max_examples=150)
@given(WORDS, st.sampled_from(["title", "heading"]))
def test_a_heading_is_shown_as_it_was_printed(words: list[str], kind: str) -> None:
    block = Block("title", tokens(words)) if kind == "title" else Block("heading", tokens(words), level=2)
    assert shown(to_markdown(document(block))) == (" ".join(words), {"heading"})


@settings(max_examples=150)
@given(st.lists(WORDS, min_size=4, max_size=4))
def test_a_table_is_shown_as_it_was_printed(cells: list[list[str]]) -> None:
    rows = [[" ".join(cell) for cell in cells[at : at + 2]] for at in (0, 2)]
    block = Block("table", tokens([word for cell in cells for word in cell]), rows=tuple(map(tuple, rows)))
    text, kinds = shown(to_markdown(document(block)))
    assert text == "".join(f"{cell}\t" for row in rows for cell in row)
    assert kinds <= {"table", "thead", "tbody", "tr", "th", "td"}


@settings(max_examples=60)
@given(WORDS, WORDS, st.sampled_from(FOOTNOTE_STYLES))
def test_notes_are_shown_as_they_were_printed(words: list[str], note: list[str], style: str) -> None:
    made = document(
        Block("paragraph", (Token("phố", references=(Reference(3, "1"),)), *tokens(words))),
        footnotes=(Footnote("1", "1", (tokens(note),)),),
    )
    markdown = to_markdown(made, style)
    if style == "inline":
        assert shown(markdown)[0] == f"phố [1: {' '.join(note)}] {' '.join(words)}"
        return
    paragraph, below = markdown.split("\n\n")
    assert paragraph.startswith("phố[^1] ")
    assert shown(below.removeprefix("[^1]: ")) == (" ".join(note), {"paragraph"})


def test_references_stay_references() -> None:
    word = Token("phố(sau", references=(Reference(3, "1"),))
    made = document(
        Block("paragraph", (Token("[^1]"), word, Token("x:", references=(Reference(1, "2"),)))),
        Block("table", (word,), rows=(("phố[^1](sau", "[^9]"),)),
        footnotes=(Footnote("1", "1", (tokens(["Số"]),)), Footnote("2", "2", (tokens(["Hai"]),))),
    )
    text = to_markdown(made, "end")
    assert r"phố[^1]\(sau x[^2]\:" in text
    assert r"| phố[^1]\(sau | \[^9] |" in text
    assert text.endswith("[^1]: Số\n\n[^2]: Hai\n")


@pytest.mark.parametrize(
    "plain",
    [
        "Căn cứ Nghị định số 30/2020/NĐ-CP ngày 05/3/2020; tỷ lệ 5,5% (trong đó: 3.500 hộ)!",
        "KT. BỘ TRƯỞNG",
        "a) Nạo vét 1.200 m³ - 3 km; giá 5.000.000 đ/m",
        "Lúc 7:30, tổ 3-5 họp.",
    ],
)
def test_what_is_not_live_is_not_escaped(plain: str) -> None:
    assert escaped(plain) == escaped_paragraph(plain) == plain


@pytest.mark.parametrize(
    ("printed", "written"),
    [
        ("3. Kinh phí", r"3\. Kinh phí"),
        ("12) Kinh phí", r"12\) Kinh phí"),
        ("- Nạo vét", r"\- Nạo vét"),
        ("+ Nạo vét", r"\+ Nạo vét"),
        ("# 5", r"\# 5"),
        ("---", r"\---"),
        ("(*) Ghi chú: <10 ha", r"(\*) Ghi chú: \<10 ha"),
        ("xem http://a.vn, b@c.vn", r"xem http\://a\.vn, b\@c\.vn"),
    ],
)
def test_how_it_is_escaped(printed: str, written: str) -> None:
    assert escaped_paragraph(printed) == written


@pytest.mark.parametrize(
    "printed",
    ["*** Thực hiện các văn bản chỉ đạo**", "Giá $100 và $200_a_ mỗi bộ", "Diện tích <10 ha và >5 ha `x`", "3. Mục ba"],
)
def test_it_is_taken_back_as_it_was_printed(printed: str) -> None:
    made = document(Block("paragraph", tokens(printed.split())))
    assert [block.text for block in parse_text(to_markdown(made), made.source).blocks] == [printed]
