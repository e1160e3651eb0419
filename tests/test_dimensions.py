"""Centimetres that were read as pupils, and pupils."""

import json
from pathlib import Path

import pytest

from normalize.document import Block, Document, Source, Token
from normalize.repair.corrections import apply
from normalize.repair.repair import undo
from normalize.repair.rules.dimensions import dimensions
from ocr.page import letter

CASES = json.loads((Path(__file__).parent / "cases" / "dimensions.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES, ids=[case["label"] for case in CASES])
def test_cases(case: dict[str, str | None]) -> None:
    tokens = tuple(Token(word, 1, letters=tuple(map(letter, word))) for word in (case["before"] or "").split())
    before = Document(Source("test.pdf", "", 1, 0), (Block("paragraph", tokens),))
    after = apply(before, list(dimensions(before)))
    assert after.blocks[0].text == (case["after"] or case["before"])
    assert undo(after) == before


def test_text_of_another_engine_is_left_as_it_is() -> None:
    tokens = tuple(Token(word, 1) for word in ["30", "em", "x", "30", "em"])
    assert not list(dimensions(Document(Source("test.txt", "", 1, 0), (Block("paragraph", tokens),))))
