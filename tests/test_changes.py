"""Changes as spans of tokens: made, on the record, and taken back, whether they join words or part them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from normalize.document import Block, Document, Reference, Source, Token, published
from normalize.repair.changes import Change, Place, beside, places, put_back
from normalize.repair.corrections import apply, undo
from ocr.page import Box, Letter

SOURCE = Source("test.pdf", "", 1, 0)


def document(text: str, kind: str = "paragraph") -> Document:
    """One block; every word on the page in a box of its own."""
    tokens = tuple(
        Token(word, 1, Box(100 * n, 0, 100 * n + 90, 40), 90.0 - n, tuple(Letter(c, ((c, 90),)) for c in word))
        for n, word in enumerate(text.split())
    )
    rows = (tuple(text.split(" | ")),) if kind == "table" else ()
    return Document(SOURCE, (Block(kind, tokens, rows=rows),))


def test_two_tokens_are_joined() -> None:
    before = document("ủy ban th ông báo")
    found = list(places(before))
    after = apply(before, [found[2].change_through(found[3], "thông", 0.9, "one syllable")])
    assert [token.text for token in after.blocks[0].tokens] == ["ủy", "ban", "thông", "báo"]
    joined = after.blocks[0].tokens[2]
    assert (joined.box, joined.confidence, len(joined.letters)) == (Box(200, 0, 390, 40), 87.0, 5)
    (correction,) = after.corrections
    assert (correction.start, correction.before, correction.after, correction.kind) == (7, "th ông", "thông", "join")
    assert undo(after) == before


def test_one_token_is_parted() -> None:
    before = document("ủy banthông báo")
    place = list(places(before))[1]
    after = apply(before, [place.change(0, 8, "ban thông", 0.9, "two syllables")])
    one, two = after.blocks[0].tokens[1:3]
    assert (one.text, two.text) == ("ban", "thông")
    assert one.box == two.box == place.token.box
    assert "".join(letter.text for letter in one.letters) == "ban"
    assert after.corrections[0].kind == "split"
    assert undo(after) == before


@pytest.mark.parametrize(("again", "is_undone"), [("sẵn", True), ("săn", True), ("sang", False)])
def test_a_change_that_the_next_look_would_undo(again: str, is_undone: bool) -> None:
    before = document("quy đ ịnh có sẵn và sẵn")
    found = list(places(before))
    joined = found[1].change_through(found[2], "định", 0.9, "one syllable")
    made = [found[4].change(0, 3, "sắn", 0.9, ""), joined]
    after = list(places(apply(before, made)))
    # The same word as in the first change, and one that was not changed.
    looked = [after[3].change(0, 3, again, 0.9, ""), after[5].change(0, 3, "sắn", 0.9, "")]
    assert put_back(looked, made) == (made[:1] if is_undone else [])


def test_cells_of_tables_keep_their_words() -> None:
    before = document("th ông | báo", kind="table")
    found = list(places(before))
    joined = found[0].change_through(found[1], "thông", 0.9, "")
    same = found[0].change(0, 2, "Th", 0.9, "")
    assert beside([], [joined, same], before) == [same]


@pytest.mark.parametrize(
    ("one", "two", "meet"),
    [
        ((0, 0, 0, 2), (0, 2, 0, 4), False),
        ((0, 0, 0, 2), (0, 1, 0, 4), True),
        ((0, 3, 1, 1), (1, 0, 1, 3), True),
        ((0, 3, 1, 1), (1, 1, 1, 3), False),
        ((0, 0, 2, 1), (1, 0, 1, 1), True),
    ],
)
def test_changes_meet(one: tuple[int, ...], two: tuple[int, ...], meet: bool) -> None:
    first, second = (Change(0, *span, "", "", 1.0, "") for span in (one, two))
    assert first.meets(second) == second.meets(first) == meet
    assert not first.meets(replace(second, text=1))


def _cited(token: Token, draw: st.DrawFn) -> Token:
    """The token with a reference to note 3 somewhere in it."""
    return replace(token, references=(Reference(draw(st.integers(0, len(token.text))), "3"),))


@st.composite
def changed(draw: st.DrawFn) -> tuple[Document, list[Change]]:
    words = draw(st.lists(st.text("aăbô1", min_size=1, max_size=5), min_size=1, max_size=8))
    before = document(" ".join(words))
    tokens = [_cited(token, draw) if draw(st.booleans()) else token for token in before.blocks[0].tokens]
    before = replace(before, blocks=(Block("paragraph", tuple(tokens)),))
    wanted = []
    for _ in range(draw(st.integers(0, 4))):
        first = draw(st.integers(0, len(tokens) - 1))
        last = draw(st.integers(first, min(first + 2, len(tokens) - 1)))
        begin, end = Place(0, "blocks/0", tuple(tokens), first), Place(0, "blocks/0", tuple(tokens), last)
        after = " ".join(draw(st.lists(st.text("xyz", min_size=1, max_size=4), min_size=1, max_size=3)))
        if any(token.references for token in tokens[first : last + 1]):
            continue  # a rule does not touch a word with a footnote reference inside
        wanted.append(begin.change_through(end, after, 0.9, "test"))
    return before, beside([], wanted, before)


@given(changed())
def test_what_is_changed_can_be_taken_back(made: tuple[Document, list[Change]]) -> None:
    before, changes = made
    after = apply(before, changes)
    assert len(after.corrections) == len(changes)
    assert undo(after) == before
    text = published(after.blocks[0].tokens)
    assert text == " ".join(text.split(" "))
    for correction in reversed(after.corrections):
        end = correction.start + len(correction.after)
        assert text[correction.start : end] == correction.after
        text = text[: correction.start] + correction.before + text[end:]
    assert text == published(before.blocks[0].tokens), "applied backwards, the record gives the text as it was read"
