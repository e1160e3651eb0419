"""Syllables with a space in the middle, and without one between them."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from normalize.document import Block, Document, Reference, Source, Token
from normalize.repair.corrections import apply
from normalize.repair.repair import repair, undo
from normalize.repair.rules.spaces import syllables_run_together, torn_syllables
from normalize.vietnamese.language import load_language_model
from ocr.page import Box, letter

CASES = json.loads((Path(__file__).parent / "cases" / "spaces.json").read_text(encoding="utf-8"))
RIGHT = (
    [
        "Ủy",
        "ban",
        "nhân",
        "dân",
        "tỉnh",
        "tổ",
        "chức",
        "thực",
        "hiện",
        "các",
        "nhiệm",
        "vụ",
        "phát",
        "triển",
        "kinh",
        "tế",
        "theo",
        "quy",
        "định",
        "của",
        "pháp",
        "luật",
    ],
    [
        "Sở",
        "Tài",
        "chính",
        "chủ",
        "trì",
        "phối",
        "hợp",
        "với",
        "các",
        "đơn",
        "vị",
        "liên",
        "quan",
        "báo",
        "cáo",
        "kết",
        "quả",
        "về",
        "Văn",
        "phòng",
        "Chính",
        "phủ",
    ],
)


def document(words: list[str], *, page: bool = False, kind: str = "paragraph") -> Document:
    place = {"page": 1, "box": Box(0, 0, 9, 9), "confidence": 90.0} if page else {}
    tokens = tuple(Token(word, letters=tuple(map(letter, word)) if page else (), **place) for word in words)
    rows = ((" ".join(words),),) if kind == "table" else ()
    return Document(Source("t", "", int(page), 0), (Block(kind, tokens, rows=rows),))


@pytest.mark.parametrize("page", [False, True])
@pytest.mark.parametrize("case", CASES, ids=[case["label"] for case in CASES])
def test_cases(case: dict[str, str | None], page: bool) -> None:
    before = document(str(case["before"]).split(), page=page)
    model = load_language_model()
    after = apply(before, [*torn_syllables(before, model), *syllables_run_together(before, model)])
    assert after.blocks[0].text == (case["after"] or case["before"])
    kinds = {correction.kind for correction in after.corrections}
    assert kinds <= {"join", "split"} and bool(kinds) == bool(case["after"])
    assert undo(after) == before


@given(st.sampled_from(RIGHT), st.data())
def test_repair_puts_together_what_was_torn(right: list[str], data: st.DataObject) -> None:
    at = data.draw(st.sampled_from([at for at, word in enumerate(right) if len(word) > 4]))
    cut = data.draw(st.integers(1, 2))
    torn = document([*right[:at], right[at][:cut], right[at][cut:], *right[at + 1 :]])
    after = repair(torn)
    assert after.blocks[0].text in (" ".join(right), torn.blocks[0].text)
    assert undo(after) == torn
    assert repair(after) == after


@given(st.sampled_from(RIGHT), st.data())
def test_repair_parts_what_ran_together(right: list[str], data: st.DataObject) -> None:
    at = data.draw(st.integers(1, len(right) - 2))
    glued = document([*right[:at], right[at] + right[at + 1], *right[at + 2 :]])
    after = repair(glued)
    assert after.blocks[0].text in (" ".join(right), glued.blocks[0].text)
    assert undo(after) == glued
    assert repair(after) == after


def test_most_of_them_are_mended() -> None:
    mended = total = 0
    for right in RIGHT:
        for at in range(len(right) - 1):
            parted = repair(document([*right[:at], right[at] + right[at + 1], *right[at + 2 :]]))
            mended += parted.blocks[0].text == " ".join(right)
            total += 1
    assert mended >= 0.75 * total


def test_cells_keep_their_words() -> None:
    before = document(["thực", "hiện", "quy", "đ", "ịnh", "và", "quyđịnh"], kind="table")
    assert repair(before) == before


def test_a_cited_note_stays_between_its_letters() -> None:
    tokens = (Token("theo"), Token("quyđịnh", references=(Reference(3, "1"),)), Token("của"), Token("luật"))
    before = Document(Source("t", "", 0, 0), (Block("paragraph", tokens),))
    assert repair(before).blocks == before.blocks
