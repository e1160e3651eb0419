"""Commas of a list of recipients that were read as full stops, and what is one."""

import json
from pathlib import Path

import pytest

from normalize.document import Block, Document, Source, Token
from normalize.repair.corrections import apply
from normalize.repair.repair import undo
from normalize.repair.rules.list_commas import list_commas
from ocr.page import letter

CASES = json.loads((Path(__file__).parent / "cases" / "list_commas.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES, ids=[case["label"] for case in CASES])
def test_cases(case: dict[str, str | None]) -> None:
    tokens = tuple(Token(word, 1, letters=tuple(map(letter, word))) for word in (case["before"] or "").split())
    before = Document(Source("test.pdf", "", 1, 0), (Block(case["type"], tokens),))  # type: ignore[arg-type]
    after = apply(before, list(list_commas(before)))
    assert after.blocks[0].text == (case["after"] or case["before"])
    assert undo(after) == before


def test_text_of_another_engine_is_left_as_it_is() -> None:
    tokens = tuple(Token(word, 1) for word in ["-", "UBND", "các", "phường.", "xã;"])
    assert not list(list_commas(Document(Source("test.txt", "", 1, 0), (Block("recipients", tokens),))))
