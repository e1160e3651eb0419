"""Numerals that were read as letters: what the page and the headings prove, and what they do not."""

import json
from pathlib import Path
from typing import Any

import pytest

from normalize.document import Block, Document, Source, Token
from normalize.repair.repair import repair, undo
from normalize.repair.rules.numerals import strokes
from ocr.page import Box, Letter

CASES = json.loads((Path(__file__).parent / "cases" / "numerals.json").read_text(encoding="utf-8"))


def token(word: str, case: dict[str, Any]) -> Token:
    """A word of a page: other letters the page showed, and its width in heights."""
    shown = case.get("shown", {}).get(word, {})
    letters = tuple(Letter(c, ((c, 90), (shown[c], 50)) if c in shown else ((c, 96),)) for c in word)
    width = case.get("widths", {}).get(word)
    return Token(word, 1, Box(0, 0, int(40 * width), 40) if width else None, 90.0, letters)


def document(case: dict[str, Any]) -> Document:
    """One block for each part between slashes that stand alone."""
    blocks = (
        Block("heading", tuple(token(word, case) for word in text.split())) for text in case["before"].split(" / ")
    )
    return Document(Source("test.pdf", "", 1, 0), tuple(blocks))


@pytest.mark.parametrize("case", CASES, ids=[case["label"] for case in CASES])
def test_cases(case: dict[str, Any]) -> None:
    before = document(case)
    after = repair(before)
    assert " / ".join(block.text for block in after.blocks) == (case["after"] or case["before"])
    assert undo(after) == before
    assert repair(after) == after


@pytest.mark.parametrize(
    ("word", "wanted"), [("HI", "III"), ("IL", "II"), ("VH", "VII"), ("X", "X"), ("MV", None), ("", None)]
)
def test_strokes(word: str, wanted: str | None) -> None:
    assert strokes(word) == wanted
