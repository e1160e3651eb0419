"""Words that specks glued together, and signs that were printed."""

import json
from pathlib import Path

import pytest

from normalize.document import Block, Document, Source, Token
from normalize.repair.repair import repair, undo
from ocr.page import Box, Letter

CASES = json.loads((Path(__file__).parent / "cases" / "glued.json").read_text(encoding="utf-8"))


def document(text: str, *, page: bool = True, kind: str = "paragraph") -> Document:
    tokens = tuple(
        Token(word, 1, Box(0, 0, 9, 9), 90.0, tuple(Letter(c, ((c, 96),)) for c in word) if page else ())
        for word in text.split()
    )
    rows = ((text,),) if kind == "table" else ()
    return Document(Source("test.pdf", "", 1, 0), (Block(kind, tokens, rows=rows),))


@pytest.mark.parametrize("case", CASES, ids=[case["label"] for case in CASES])
def test_cases(case: dict[str, str | None]) -> None:
    before = document(str(case["before"]))
    after = repair(before)
    assert after.blocks[0].text == (case["after"] or case["before"])
    assert {correction.kind for correction in after.corrections} == ({"split"} if case["after"] else set())
    assert undo(after) == before
    assert repair(after) == after


def test_text_without_a_page_keeps_its_signs() -> None:
    assert not repair(document("Ủy ban nhân dân tỉnh tổ.chức Hội nghị", page=False)).corrections


def test_cells_keep_their_words() -> None:
    before = document("Ủy ban nhân dân tỉnh tổ.chức Hội nghị", kind="table")
    assert repair(before) == before


def test_with_a_wrong_mark_beside_the_speck() -> None:
    before = document("Ủy ban nhân dân thành phố tô.chức thực hiện kế hoạch")
    token = before.blocks[0].tokens[6]
    letters = tuple(Letter(c.text, (("ô", 90), ("ổ", 60))) if c.text == "ô" else c for c in token.letters)
    tokens = [*before.blocks[0].tokens]
    tokens[6] = Token(token.text, 1, token.box, 90.0, letters)
    before = Document(before.source, (Block("paragraph", tuple(tokens)),))
    after = repair(before)
    assert "thành phố tổ chức thực hiện" in after.blocks[0].text
    assert undo(after) == before


LONE = {
    "số ca mắc giảm, trong . đó không có trường hợp tử vong": "số ca mắc giảm, trong đó không có trường hợp tử vong",
    "Sở Y tế đề nghị thủ ¡ trưởng các đơn vị": "Sở Y tế đề nghị thủ trưởng các đơn vị",
    "khuyến khích đổi mới sáng ( tạo, thúc đẩy phát triển": "khuyến khích đổi mới sáng tạo, thúc đẩy phát triển",
    "bố trí nguồn vốn dự : phòng ngân sách": "bố trí nguồn vốn dự phòng ngân sách",
    "Hội nghị ( tập huấn cho cán bộ ) tại huyện": None,  # closed further on
    "phát triển kinh tế - xã hội của tỉnh": None,
    "được thực hiện , kèm theo thời hạn": None,  # typed so
    "Năm 2020 . 15 hộ thoát nghèo": None,
    "UBND tỉnh . Hội đồng nhân dân": None,
    "tỷ lệ : 12 phần trăm": None,
}


STRAY = {
    "Ngày 13/7/2020, UBND tỉnh tổ. chức Hội nghị trực tuyến": "Ngày 13/7/2020, UBND tỉnh tổ chức Hội nghị trực tuyến",
    "nguồn lực của các thành phần. kinh tế cùng sự hỗ trợ": "nguồn lực của các thành phần kinh tế cùng sự hỗ trợ",
    "tiền chất, thuốc phóng xạ. thuốc dạng phối hợp": "tiền chất, thuốc phóng xạ, thuốc dạng phối hợp",
    "Ủy ban nhân dân tỉnh. Tổ chức Hội nghị trực tuyến": None,
    "Ủy ban nhân dân tỉnh tổ chức. v.v.": None,
    "cửa hàng tr. kia": None,
    "Ủy ban nhân dân tỉnh tổ. 12 chức": None,
}


@pytest.mark.parametrize(("read", "right"), [*STRAY.items(), *LONE.items()])
def test_full_stops_before_small_letters_and_signs_alone(read: str, right: str | None) -> None:
    before = document(read)
    after = repair(before)
    assert after.blocks[0].text == (right or read)
    assert undo(after) == before
    assert repair(after) == after
    assert not repair(document(read, page=False)).corrections
