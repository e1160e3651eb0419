"""``nambat normalize`` on what nambat published: the same text again; and on anything: nothing more the second time."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from normalize.document import Block, BlockType, Document, Footnote, Reference, Source, Token, Tokens
from normalize.formats import WRITERS, to_text
from normalize.plaintext.parse import parse_text
from normalize.repair.repair import repair
from tests.test_plaintext import HEADS, LAYOUT_WORDS, MARKS

SOURCE = Source("test.txt", "0" * 64, 0, 1)
STYLES = [(name, style) for name in ("txt", "md") for style in ("paragraph", "inline", "end")]


def normalized(text: str, name: str = "txt", style: str = "paragraph", mode: str = "off") -> str:
    return WRITERS[name].write(repair(parse_text(text, SOURCE), mode), style)


# -- documents as we publish them -----------------------------------------------------------------------------------

SENTENCES = st.sampled_from((
    "Huyện đã trồng 4.120 cây phân tán, đạt 103% kế hoạch.",
    "Ủy ban nhân dân huyện giao các xã kiểm tra tỷ lệ cây sống vào tháng 6 và tháng 12.",
    "Diện tích rừng trồng mới là 35 km², chăm sóc 12 ha; vốn 1.250 triệu đồng.",
    "Năm 2024, xã Bình An có 10³ hộ; 5*3 và kết_quả (theo mẫu).",
    "Theo Quyết định số 12/QĐ-UBND ngày 05/3/2024 của Ủy ban nhân dân huyện;",
))  # fmt: skip
LINES: tuple[tuple[BlockType, tuple[str, ...]], ...] = (
    ("letterhead", ("ỦY BAN NHÂN DÂN", "HUYỆN SÔNG LÔI", "Số: 45/BC-UBND", "V/v báo cáo kết quả trồng cây năm 2024",
                    "và chăm sóc rừng", "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", "Độc lập - Tự do - Hạnh phúc",
                    "Sông Lôi, ngày 05 tháng 12 năm 2024")),
    ("title", ("BÁO CÁO", "Kết quả trồng cây", "và chăm sóc rừng năm 2024")),
    ("recipients", ("Nơi nhận:", "- Như trên;", "- Lưu: VT.")),
    ("signature", ("TM. ỦY BAN NHÂN DÂN", "KT. CHỦ TỊCH", "PHÓ CHỦ TỊCH", "Vũ Trường")),
)  # fmt: skip
CELLS = st.sampled_from(("", "", "1", "15,0", "Bình An", "Cây phân tán (cây)", "-", "Cộng | tổng", "12 km²", "¹"))
SIGNATURES = st.sampled_from((
    LINES[3][1],
    ("ĐẠI DIỆN BÊN A", "GIÁM ĐỐC", "Lê Thử", "ĐẠI DIỆN BÊN B", "CHỦ TỊCH", "Tô Trinh"),  # side by side on the page
    ("KT. BỘ TRƯỞNG", "THỨ TRƯỞNG", "BỘ Y TẾ", "(đã ký)", "Đặng Bộ"),
))  # fmt: skip
KINDS: st.SearchStrategy[BlockType] = st.sampled_from(
    ("paragraph", "paragraph", "list_item", "list_item", "heading", "table", "missing")
)
ITEMS = st.sampled_from(("- ", "+ ", "a) ", "đ) ", "1. ", "(2) ", "1.1. ", "[1] "))
HEADINGS = st.sampled_from((("1. Kết quả", 3), ("KẾT QUẢ THỰC HIỆN", 1), ("Về trồng rừng", 2), ("a) Thương mại", 5)))


@dataclass
class _Numbers:
    """The notes cited so far."""

    last: int = 0


@st.composite
def documents(draw: st.DrawFn) -> Document:
    """One or two documents as we publish them: letterheads and signatures or not, lists, tables, pages that failed,
    notes of several paragraphs."""
    numbers = _Numbers()
    blocks: list[Block] = []
    notes: list[Footnote] = []
    for _ in range(draw(st.sampled_from((1, 1, 2)))):
        _add_document(draw, blocks, notes, numbers)
    return Document(SOURCE, tuple(blocks), tuple(notes))


def _add_document(draw: st.DrawFn, blocks: list[Block], notes: list[Footnote], numbers: _Numbers) -> None:
    formal = draw(st.booleans())
    if formal:
        blocks += [Block(kind, _words(line)) for kind, lines in LINES[:2] for line in lines]
    for _ in range(draw(st.integers(2, 7))):
        kind = draw(KINDS)
        if kind == "table":
            blocks.append(_table(draw, blocks))
            continue
        if kind == "missing":  # the sentence around it breaks off, and goes on
            if sum(block.type == kind for block in blocks) == 2:  # three times the same line would be a running header
                continue
            halves = ("Theo báo cáo của Ủy ban", "[trang 2: không đọc được]", "nhân dân huyện, các xã đã trồng rừng.")
            blocks += [Block(kind if text[0] == "[" else "paragraph", _words(text)) for text in halves]
            continue
        if kind == "heading":
            heading, level = draw(HEADINGS)
            blocks.append(Block(kind, _words(heading), level=level))
            continue
        sentences = draw(st.lists(SENTENCES, min_size=1, max_size=3))
        text = (draw(ITEMS) if kind == "list_item" else "") + " ".join(sentences)
        tokens, cited = _cited(draw, _words(text), numbers)
        blocks.append(Block(kind, tokens))
        for label in cited:
            paragraphs = draw(st.lists(SENTENCES, min_size=1, max_size=3))
            notes.append(Footnote(label, label, tuple(map(_words, paragraphs))))
    if formal:
        blocks += [Block("recipients", _words(line)) for line in LINES[2][1]]
        blocks += [Block("signature", _words(line)) for line in draw(SIGNATURES)]


def _words(text: str) -> Tokens:
    return tuple(map(Token, text.split()))


def _cited(draw: st.DrawFn, tokens: Tokens, numbers: _Numbers) -> tuple[Tokens, list[str]]:
    """Tokens with references to new notes after some of them."""
    out, cited = [], []
    for token in tokens:
        at = len(token.text.rstrip(".,;:"))
        if at and token.text[at - 1].isalpha() and draw(st.integers(0, 9)) == 0:
            numbers.last += 1
            cited.append(str(numbers.last))
            token = Token(token.text, references=(Reference(at, cited[-1]),))
        out.append(token)
    return tuple(out), cited


def _table(draw: st.DrawFn, blocks: list[Block]) -> Block:
    """A table of several rows, some with an empty first or last cell, some empty; never right after another one."""
    if blocks and blocks[-1].rows:
        return Block("paragraph", _words("Số liệu của từng thôn như dưới đây:"))
    width = draw(st.integers(2, 5))
    head = [f"Cột {number}" for number in range(width)]
    rows = draw(st.lists(st.lists(CELLS, min_size=width, max_size=width).map(tuple), min_size=1, max_size=5))
    cells = (tuple(head), *rows)
    return Block("table", _words(" ".join(cell for row in cells for cell in row)), rows=cells)


@pytest.mark.parametrize(("name", "style"), STYLES)
@settings(max_examples=60)
@given(data=st.data())
def test_what_we_publish_is_taken_back_as_it_is(name: str, style: str, data: st.DataObject) -> None:
    text = data.draw(documents().map(lambda document: WRITERS[name].write(document, style)))
    assert normalized(text, name, style) == text


@pytest.mark.parametrize("mode", ["safe", "full"])
@settings(max_examples=25)
@given(text=documents().map(to_text))
def test_repair_leaves_it_as_it_is(text: str, mode: str) -> None:
    once = normalized(text, mode=mode)
    assert normalized(once, mode=mode) == once


# -- anything -------------------------------------------------------------------------------------------------------

PIECES = st.builds(
    lambda head, words, mark, times: head + " ".join(words * times) + mark,
    HEADS,
    st.lists(LAYOUT_WORDS, min_size=1, max_size=9),
    MARKS,
    st.sampled_from((1, 1, 4)),
)
#: Without lone numbers: when one of several is told to be no page's, the others may look more like it.
ROWS = (
    st.lists(CELLS.filter(lambda cell: "|" not in cell), min_size=2, max_size=4)
    .map("\t".join)
    .filter(lambda row: any(map(str.isalpha, row)))
)


@settings(max_examples=300)  # it has corners, see below
@given(st.lists(st.tuples(st.one_of(PIECES, PIECES, ROWS), st.sampled_from(("\n\n", "\n\n", "\n"))), max_size=9))
def test_a_second_time_changes_nothing(pieces: list[tuple[str, str]]) -> None:
    once = normalized("".join(piece + gap for piece, gap in pieces))
    assert normalized(once) == once


def test_a_line_that_was_indented_stays_by_itself() -> None:
    line = " ".join(["Huyện"] * 16)
    once = normalized("\n\n".join(["Huyện"] * 3 + [line, "\tBình An", "\tBình An", line, f"[1] {line}"]) + "\n\n")
    assert normalized(once) == once
