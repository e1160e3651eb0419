"""Items of lists whose number was read in part, and what looks like one."""

import json
from pathlib import Path

import pytest

from normalize.document import Block, Document, Source, Token
from normalize.repair.repair import repair, undo

CASES = json.loads((Path(__file__).parent / "cases" / "list_numbers.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES, ids=[case["label"] for case in CASES])
def test_cases(case: dict[str, str | None]) -> None:
    texts = (case["before"] or "").split(" / ")
    blocks = tuple(Block("paragraph", tuple(Token(word, 1) for word in text.split())) for text in texts)
    before = Document(Source("test.pdf", "", 1, 0), blocks)
    after = repair(before)
    assert " / ".join(block.text for block in after.blocks) == (case["after"] or case["before"])
    assert undo(after) == before
    assert repair(after) == after


@pytest.mark.parametrize(("between", "is_one_list"), [(3, True), (60, False)])
def test_numbers_far_from_each_other_are_no_list(between: int, is_one_list: bool) -> None:
    text = ["Các cơ quan, đơn vị tổ chức thực hiện."] * between
    texts = ["1. Thu ngân sách", *text, ". Chi ngân sách", *text, "3. Đầu tư công"]
    blocks = tuple(Block("paragraph", tuple(Token(word, 1) for word in one.split())) for one in texts)
    after = repair(Document(Source("test.pdf", "", 1, 0), blocks))
    assert (after.blocks[between + 1].text == "2. Chi ngân sách") == is_one_list
