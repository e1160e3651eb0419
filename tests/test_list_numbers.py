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
