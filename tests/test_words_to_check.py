"""Words read with doubt and all numbers, each with its place in the published text."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from normalize.document import (
    DOUBT,
    Block,
    Document,
    Dropped,
    Footnote,
    LowestWord,
    PageReport,
    Reference,
    Source,
    Token,
    Tokens,
)
from normalize.formats import to_dict
from normalize.repair.changes import Place, beside
from normalize.repair.corrections import apply
from normalize.repair.repair import repair
from ocr.page import Box
from tests.test_changes import SOURCE

WORDS = st.sampled_from(
    ["tô", "chức", "l2", "8.OOO", "1.250", "(3)", "m²", "Uỷ", "ban", "12/2010/NĐ-CP", "a b", "1 2", "²", "thng"]
)


@st.composite
def texts(draw: st.DrawFn) -> Tokens:
    """Words, some cited, some unsure, some with spaces of their own; each in a box of its own."""
    tokens = []
    for number, word in enumerate(draw(st.lists(WORDS, min_size=1, max_size=4))):
        at = draw(st.integers(0, len(word)))
        cited = (Reference(at, draw(st.sampled_from(["1", "12"]))),) if draw(st.booleans()) else ()
        sure = draw(st.sampled_from([None, 0.0, 79.96, DOUBT, 96.0]))
        box = Box(100 * number, 0, 100 * number + 90, 40)
        tokens.append(Token(word, draw(st.integers(1, 2)), box, sure, references=cited))
    return tuple(tokens)


@st.composite
def documents(draw: st.DrawFn) -> Document:
    blocks = [
        Block(draw(st.sampled_from(["paragraph", "list_item"])), text, 1)
        for text in draw(st.lists(texts(), max_size=3))
    ]
    cells = [
        tuple(replace(token, text=token.text.replace(" ", "")) for token in cell)
        for cell in draw(st.lists(texts(), min_size=1, max_size=4))
    ]
    rows = tuple((" ".join(token.published for token in cell), "") for cell in cells)
    blocks.append(Block("table", tuple(token for cell in cells for token in cell), 1, rows=rows))
    notes = [
        Footnote(label, label, tuple(draw(st.lists(texts(), min_size=1, max_size=2))), (1,)) for label in ("1", "12")
    ]
    return Document(SOURCE, tuple(blocks), tuple(notes))


def check_places(document: Document) -> None:
    """Each entry names the very word, none is missing, and none is too many."""
    data = to_dict(document)
    texts = [[block.tokens] for block in document.blocks] + [list(note.paragraphs) for note in document.footnotes]
    for record, paragraphs in zip([*data["blocks"], *data["footnotes"]], texts, strict=True):
        tokens = [token for tokens in paragraphs for token in tokens]
        wanted = [
            (token.published, token.page, list(token.box or ()), round(token.confidence, 1))
            for token in tokens
            if token.confidence is not None and (token.confidence < DOUBT or any(c in "0123456789" for c in token.text))
        ]
        found = [
            (
                record["text"][word["offset"] : word["offset"] + word["length"]],
                word["page"],
                word["bbox"],
                word["confidence"],
            )
            for word in record.get("words_to_check", [])
        ]
        assert found == wanted
        if record.get("rows"):
            cells = [cell for row in record["rows"] for cell in row]
            assert " ".join(filter(None, cells)) == record["text"], "so that a place in the text is one in a cell"


@settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow])  # repair loads its language model first
@given(documents(), st.sampled_from(["off", "safe", "full"]))
def test_each_entry_names_its_word(document: Document, mode: str) -> None:
    check_places(repair(document, mode))


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(documents(), st.data())
def test_each_entry_names_its_word_whatever_was_changed(document: Document, data: st.DataObject) -> None:
    """Words that were joined, parted or written anew, also beside references."""
    wanted = []
    for text, (where, tokens) in enumerate(document.texts()):
        first = data.draw(st.integers(0, len(tokens) - 1))
        last = data.draw(st.integers(first, min(first + 2, len(tokens) - 1)))
        if not any(token.references for token in tokens[first : last + 1]):
            begin, end = Place(text, where, tokens, first), Place(text, where, tokens, last)
            after = " ".join(data.draw(st.lists(st.text("xyz7", min_size=1, max_size=4), min_size=1, max_size=3)))
            wanted.append(begin.change_through(end, after, 0.9, "test"))
    check_places(apply(document, beside([], wanted, document)))


def test_text_of_another_engine_has_none() -> None:
    """Nothing is known of how it was read."""
    data = to_dict(Document(SOURCE, (Block("paragraph", (Token("1.250"), Token("đồng"))),)))
    assert "words_to_check" not in data["blocks"][0]


LOWEST = LowestWord("tô", Box(0, 0, 40, 20))
PAGE = PageReport(1, 300, 0.0, 5, 90.0, 12.0, 1.0, lowest_word=LOWEST)


@pytest.mark.parametrize(
    ("blocks", "dropped", "wanted"),
    [
        (["nó", "tổ[^1]"], [], {"text": "tổ[^1]", "where": "blocks/0", "offset": 3}),
        (["nó"], [Box(0, 0, 100, 20)], {"text": "tô", "where": "dropped/0", "offset": None}),
        (["nó"], [], {"text": "tô", "where": None, "offset": None}),
    ],
    ids=["published, and mended", "dropped", "in no text"],
)
def test_the_lowest_confidence_says_of_which_word(
    blocks: list[str], dropped: list[Box], wanted: dict[str, Any]
) -> None:
    tokens = [Token("nó", 1, Box(50, 0, 90, 20), 90.0)]
    if len(blocks) > 1:
        tokens.append(Token("tổ", 1, LOWEST.box, 12.0, references=(Reference(2, "1"),)))
    document = Document(
        Source("a.pdf", "", 1, 0),
        (Block("paragraph", tuple(tokens), 1),),
        pages=(PAGE, replace(PAGE, number=2, lowest_confidence=None, lowest_word=None)),
        dropped=tuple(Dropped(1, box, "tô", "noise") for box in dropped),
    )
    first, second = to_dict(document)["pages"]
    assert first["lowest_confidence"] == 12.0
    assert first["lowest_word"] == {**wanted, "bbox": [0, 0, 40, 20]}
    assert second["lowest_word"] is None
