"""Fixed formulas of official documents: set right in their own blocks, names and other lines left alone."""

import json
from pathlib import Path

import pytest

from normalize.document import Block, Document, Source, Token
from normalize.repair.repair import repair, undo
from normalize.repair.rules.formulas import formulas
from normalize.structure.metadata import read_metadata

CASES = json.loads((Path(__file__).parent / "cases" / "formulas.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES, ids=[case["label"] for case in CASES])
def test_cases(case: dict[str, str | None]) -> None:
    tokens = tuple(map(Token, str(case["before"]).split()))
    blocks = (Block(str(case["type"]), tokens),)
    before = Document(Source("test.pdf", "", 1, 0), blocks, metadata=read_metadata(blocks))
    assert bool(list(formulas(before))) == bool(case["after"])
    after = repair(before)
    assert after.blocks[0].text == (case["after"] or case["before"])
    assert undo(after) == before
    assert repair(after) == after
