"""Letters of another base, list letters, symbols: put right where the page showed the letter, else left alone."""

import json
from pathlib import Path
from typing import Any

import pytest

from normalize.document import Block, Document, Source, Token
from normalize.repair.repair import repair, undo
from normalize.repair.rules.list_letters import follows
from ocr.page import Box, Letter

CASES = json.loads((Path(__file__).parent / "cases" / "letters.json").read_text(encoding="utf-8"))


def token(word: str, shown: dict[str, tuple[str, int]]) -> Token:
    """A word of a page; ``shown`` has the competitor of a letter and its confidence."""
    letters = tuple(Letter(c, ((c, 90), (shown[c][0], shown[c][1])) if c in shown else ((c, 96),)) for c in word)
    return Token(word, 1, Box(0, 0, 9, 9), 90.0, letters)


def document(case: dict[str, Any]) -> Document:
    """One block for each part between slashes that stand alone."""
    shown = case.get("shown", {})
    blocks = (
        Block("list_item", tuple(token(word, shown.get(word, {})) for word in text.split()))
        for text in case["before"].split(" / ")
    )
    return Document(Source("test.pdf", "", 1, 0), tuple(blocks))


@pytest.mark.parametrize("mode", ["safe", "full"])
@pytest.mark.parametrize("case", CASES, ids=[case["label"] for case in CASES])
def test_cases(case: dict[str, Any], mode: str) -> None:
    before = document(case)
    after = repair(before, mode)
    assert " / ".join(block.text for block in after.blocks) == (case["after"] or case["before"])
    assert undo(after) == before


def test_the_second_of_two_equal_letters_stays() -> None:
    """Only the first đ) is out of turn; its evidence says so."""
    (correction,) = repair(document(next(c for c in CASES if c["label"] == "a list letter out of turn"))).corrections
    assert (correction.where, correction.before, correction.after) == ("blocks/3", "đ", "d")
    assert "the one before is c" in correction.evidence and "d (67)" in correction.evidence


@pytest.mark.parametrize(
    ("before", "letter", "wanted"),
    [("a", "b", True), ("đ", "e", True), ("e", "f", False), ("e", "g", True), ("y", "a", False), ("c", "b", False)],
)
def test_follows(before: str, letter: str, wanted: bool) -> None:
    assert follows(before, letter) is wanted
