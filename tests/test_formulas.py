"""Fixed formulas of official documents: set right in their own blocks, names and other lines left alone."""

import json
from pathlib import Path
from typing import Any

import pytest

from normalize.document import Block, Document, Source, Token
from normalize.facts.metadata import read_metadata
from normalize.repair.repair import repair, undo
from normalize.repair.rules.formulas import formulas
from ocr.page import Box, Letter

CASES = json.loads((Path(__file__).parent / "cases" / "formulas.json").read_text(encoding="utf-8"))


def token(word: str, shown: dict[str, str] | None) -> Token:
    """A word of a text, or of a page: ``shown`` has the competitor of each letter that the page doubts."""
    if shown is None:
        return Token(word)
    letters = tuple(Letter(c, ((c, 90), (shown[c], 30)) if c in shown else ((c, 96),)) for c in word)
    return Token(word, 1, Box(0, 0, 9, 9), 90.0, letters)


@pytest.mark.parametrize("case", CASES, ids=[case["label"] for case in CASES])
def test_cases(case: dict[str, Any]) -> None:
    above = [Block(case["type"], tuple(map(Token, line.split()))) for line in case.get("above", ())]
    tokens = tuple(token(word, case.get("shown")) for word in case["before"].split())
    blocks = (*above, Block(case["type"], tokens))
    before = Document(Source("test.pdf", "", 1, 0), blocks, metadata=read_metadata(blocks))
    assert bool(list(formulas(before))) == bool(case["after"])
    after = repair(before)
    assert after.blocks[-1].text == (case["after"] or case["before"])
    assert undo(after) == before
    assert repair(after) == after
