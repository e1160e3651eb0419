"""Round brackets that were closed by another sign as read, and what is none."""

import json
from pathlib import Path

import pytest

from normalize.document import Block, Document, Source, Token
from normalize.repair.corrections import apply
from normalize.repair.repair import undo
from normalize.repair.rules.brackets import brackets
from ocr.page import letter

CASES = json.loads((Path(__file__).parent / "cases" / "brackets.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES, ids=[case["label"] for case in CASES])
def test_cases(case: dict[str, str | None]) -> None:
    tokens = tuple(Token(word, 1, letters=tuple(map(letter, word))) for word in (case["before"] or "").split())
    before = Document(Source("test.pdf", "", 1, 0), (Block("paragraph", tokens),))
    after = apply(before, list(brackets(before)))
    assert after.blocks[0].text == (case["after"] or case["before"])
    assert undo(after) == before


def test_text_of_another_engine_is_left_as_it_is() -> None:
    tokens = tuple(Token(word, 1) for word in ["(có", "trụ", "sở}"])
    assert not list(brackets(Document(Source("test.txt", "", 1, 0), (Block("paragraph", tokens),))))
