"""Numerals and letters by their neighbours, and specks at numbers; what is in turn, and what nobody can tell."""

from dataclasses import replace

import pytest

from normalize.document import Block, Document, Source, Token
from normalize.repair.repair import repair, undo
from normalize.repair.rules.siblings import siblings
from ocr.page import letter


def document(text: str, *, page: bool = False) -> Document:
    """One block for each part between slashes that stand alone."""
    blocks = tuple(
        Block(
            "paragraph", tuple(Token(word, letters=tuple(map(letter, word)) if page else ()) for word in part.split())
        )
        for part in text.split(" / ")
    )
    return Document(Source("test", "", 0, 0), blocks)


def text(document: Document) -> str:
    return " / ".join(block.text for block in document.blocks)


NUMERALS = {
    "II. Kết quả / II. Hạn chế / IV. Nhiệm vụ": "II. Kết quả / III. Hạn chế / IV. Nhiệm vụ",
    "XII. Một / 1. Hai / XII. Ba / XIV. Bốn": "XII. Một / 1. Hai / XIII. Ba / XIV. Bốn",
    "Chương XVI / A / Chương XVI / B / Chương XVIII / C": "Chương XVI / A / Chương XVII / B / Chương XVIII / C",
    "VII- Một / VI- Hai / IX- Ba": None,  # two strokes
    "I. Một / II. Hai / II. Ba": None,
    "I. Một / II. Hai / III. Ba": None,
    "III. Một / IX. Hai / V. Ba": None,
    "III. Một / III. Hai / I. Ba": None,
}
LETTERS = {
    "b) Hai / ©) Ba / d) Bốn": "b) Hai / c) Ba / d) Bốn",
    "a) Một / ¬) Hai / c) Ba": "a) Một / b) Hai / c) Ba",
    "b) Hai / ©) Ba / e) Bốn": None,
    "©) Luật bản quyền / ®) Nhãn hiệu": None,
}
SPECKS = {
    "1. Một / _2. Hai / 3. Ba": "1. Một / 2. Hai / 3. Ba",
    "báo cáo quý-IV/2021 của tỉnh": "báo cáo quý IV/2021 của tỉnh",
    "'b) Nội dung của mục": "b) Nội dung của mục",
    "- 2. Hai / -3. Ba": None,
    "đá quý-kim loại và 'Trung tâm' của tỉnh": None,
}


@pytest.mark.parametrize(("read", "right"), [*NUMERALS.items(), *LETTERS.items()])
def test_by_their_neighbours(read: str, right: str | None) -> None:
    before = document(read)
    after = repair(before)
    assert text(after) == (right or read)
    assert undo(after) == before


TAILS = {
    "Kế hoạch này được áp dụng trong tỉnh. ,": "Kế hoạch này được áp dụng trong tỉnh.",
    "Các đơn vị triển khai thực hiện kế hoạch./. „+": "Các đơn vị triển khai thực hiện kế hoạch./.",
    "Các đơn vị triển khai thực hiện; '": "Các đơn vị triển khai thực hiện;",
    "Kế hoạch này được áp dụng trong tỉnh .": None,
    "Kế hoạch này được áp dụng trong tỉnh. ...": None,
    "Kế hoạch này được áp dụng trong tỉnh.”": None,
    "Kế hoạch này được áp dụng trong tỉnh ,": None,
    "Ghi chú. ,": None,
}


@pytest.mark.parametrize(("read", "right"), (SPECKS | TAILS).items())
def test_specks(read: str, right: str | None) -> None:
    before = document(read, page=True)
    after = repair(before)
    assert text(after) == (right or read)
    assert undo(after) == before
    typed = document(read)
    assert repair(typed).blocks == typed.blocks


HEADS = {
    "_ UBND TỈNH HÀ LÂM": "UBND TỈNH HÀ LÂM",
    ". TỈNH BÌNH LÂM": "TỈNH BÌNH LÂM",
    "'SỞ Y TẾ": "SỞ Y TẾ",
    ".. THỊ XÃ PHÚ ĐIỀN": "THỊ XÃ PHÚ ĐIỀN",
    "- BỘ TƯ PHÁP": None,  # issues together with the body above
    "-BỘ CÔNG AN": None,
    "* ĐẢNG BỘ": None,
    "...... , ngày": None,
    ". . .": None,
    "Số: 12/QĐ-UBND": None,
}


ALSO_IN_TEXT = ("_ UBND TỈNH HÀ LÂM",)
"""Begun by a sign that begins no paragraph either."""


@pytest.mark.parametrize(("read", "right"), HEADS.items())
def test_specks_before_a_line_of_the_letterhead(read: str, right: str | None) -> None:
    blocks = tuple(replace(block, type="letterhead") for block in document(read, page=True).blocks)
    before = replace(document(read), blocks=blocks)
    after = repair(before)
    assert text(after) == (right or read)
    assert undo(after) == before
    if read not in ALSO_IN_TEXT:
        assert repair(document(read, page=True)).blocks == document(read, page=True).blocks


PARAGRAPHS = {
    "__ Thực hiện Nghị quyết của Hội đồng nhân dân": "Thực hiện Nghị quyết của Hội đồng nhân dân",
    ", Căn cứ Luật Tổ chức chính quyền địa phương": "Căn cứ Luật Tổ chức chính quyền địa phương",
    "_Căn cứ Luật Tổ chức chính quyền địa phương": "Căn cứ Luật Tổ chức chính quyền địa phương",
    ",Thành viên của đoàn kiểm tra": "Thành viên của đoàn kiểm tra",
    "` 1. Lập báo cáo": "1. Lập báo cáo",
    "ˆ Sốt xuất huyết giảm": "Sốt xuất huyết giảm",
    "„ Trong quá trình thực hiện": "Trong quá trình thực hiện",
    "„Thu nội địa” không kể tiền sử dụng đất": None,  # opens a quotation
    ". Trạm Y tế": None,  # may be what is left of a number
    "~ Trạm Y tế": None,  # of a dash
    "- Trạm Y tế": None,
    "“Thu nội địa” không kể tiền": None,
    "; trong đó có 12 hộ nghèo": None,  # goes on from somewhere
    "__________": None,
}


@pytest.mark.parametrize(("read", "right"), PARAGRAPHS.items())
def test_specks_before_a_paragraph(read: str, right: str | None) -> None:
    before = document(read, page=True)
    after = repair(before)
    assert text(after) == (right or read)
    assert undo(after) == before
    assert repair(document(read)).blocks == document(read).blocks


def test_every_lost_stroke_between_two_siblings() -> None:
    numerals = [
        "I",
        "II",
        "III",
        "IV",
        "V",
        "VI",
        "VII",
        "VIII",
        "IX",
        "X",
        "XI",
        "XII",
        "XIII",
        "XIV",
        "XV",
        "XVI",
        "XVII",
        "XVIII",
        "XIX",
        "XX",
    ]
    for before, right, after in zip(numerals, numerals[1:], numerals[2:], strict=False):
        assert not list(siblings(document(f"{before}. Một / {right}. Hai / {after}. Ba")))
        lost = right.replace("I", "", 1) if right.endswith("I") else ""
        if lost:
            changes = list(siblings(document(f"{before}. Một / {lost}. Hai / {after}. Ba")))
            assert [change.after for change in changes] == [right]
