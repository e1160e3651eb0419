"""What the review page shows of a published JSON: every word at its offset, with its place and what is known of it."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from hypothesis import given

from flows.review.views import DocumentView, Spot, Word, view_of
from normalize.document import Document
from normalize.formats.record import to_dict
from tests.published import documents
from tests.review import BODY, CORRECTED, UNLIKE, UNSURE, publish


def texts(view: DocumentView) -> dict[str, tuple[str, tuple[Word, ...]]]:
    pages = [view.page(number) for number in view.pages]
    blocks = [block.text for page in pages for block in page.blocks]
    notes = [text for page in pages for note in page.notes for text in note.texts]
    return {text.where: (text.plain, text.words) for text in (*blocks, *notes)}


@given(documents())
def test_every_text_is_shown_once_and_every_word_stands_where_it_says(document: Document) -> None:
    shown = texts(view_of(to_dict(document)))
    published = {where: " ".join(token.published for token in tokens) for where, tokens in document.texts()}
    assert {where: plain for where, (plain, _) in shown.items()} == published
    for plain, words in shown.values():
        assert [word.text for word in words] == plain.split()
        assert all(plain[word.offset :].startswith(word.text) for word in words)


@given(documents())
def test_a_word_of_one_token_has_the_box_that_was_read(document: Document) -> None:
    shown = texts(view_of(to_dict(document)))
    for where, tokens in document.texts():
        at, spots = 0, {word.offset: word.spots for word in shown[where][1]}
        for token in tokens:
            if token.box and " " not in token.published:
                (spot,) = spots[at]
                assert (spot.page, spot.left, spot.right) == (token.page, token.box.left, token.box.right)
                assert spot.top <= token.box.top and spot.bottom >= token.box.bottom
            at += len(token.published) + 1


@given(documents())
def test_what_is_lit_is_counted_before_it_is_shown(document: Document) -> None:
    view = view_of(to_dict(document))
    for number in view.pages:
        page, counts = view.page(number), view.pages[number].counts
        lit = Counter(light for word in page.words() for light in word.lights)
        assert {light: counts[light] for light in ("doubt", "unlike", "number")} == {
            light: lit[light] for light in ("doubt", "unlike", "number")
        }
        assert bool(counts["correction"]) == bool(lit["correction"])
        assert (counts["warning"], counts["dropped"]) == (len(page.warnings), len(page.dropped))


def view_of_published(tmp_path: Path, **changed: Any) -> DocumentView:
    return view_of({**publish(tmp_path).record(), **changed})


def test_each_kind_is_lit_at_its_word(tmp_path: Path) -> None:
    words = view_of_published(tmp_path).page(1).blocks[0].text.words
    assert words[CORRECTED].lights == ("correction",)
    assert words[UNSURE].lights == ("doubt",)
    assert words[UNLIKE].lights == ("unlike",) and words[UNLIKE].second == "72"
    assert words[BODY.index("8")].lights == ("number",)
    assert [word.text for word in words if not word.lights] == [
        *(one for at, one in enumerate(BODY[:-1]) if at not in (CORRECTED, UNSURE, UNLIKE) and one != "8"),
        "thôn[^1]",
    ]


def test_a_json_without_places_shows_those_that_it_knows(tmp_path: Path) -> None:
    """As they were published before there were any."""
    made = publish(tmp_path)
    record = json.loads(made.json.read_text("utf-8"))
    for one in (*record["blocks"], *record["footnotes"]):
        del one["places"]
    words = view_of(record).page(1).blocks[0].text.words
    assert words[0].spots == ()
    box = made.boxes[1][CORRECTED]
    assert words[CORRECTED].spots == (Spot(1, *box),)
    assert words[UNSURE].spots == (Spot(1, *made.boxes[1][UNSURE]),)


def test_a_reference_is_a_link_and_what_only_looks_like_one_is_not(tmp_path: Path) -> None:
    (last,) = view_of_published(tmp_path).page(1).blocks[0].text.words[-1:]
    assert [(piece.text, piece.note) for piece in last.pieces] == [("thôn", ""), ("1", "1")]
    plain = Word(0, "a[^1]b", no_references=(1,))
    assert [(piece.text, piece.note) for piece in plain.pieces] == [("a[^1]b", "")]


def test_a_note_leads_to_the_block_that_cites_it(tmp_path: Path) -> None:
    (note,) = view_of_published(tmp_path).page(1).notes
    assert (note.label, note.cited_in, note.texts[0].where) == ("1", 0, "footnotes/1/0")


def test_facts_stand_beside_the_letterhead(tmp_path: Path) -> None:
    (facts,) = view_of_published(tmp_path).facts
    subject = next(fact for fact in facts if fact.name == "subject")
    assert subject.where == "documents/0/subject" and subject.is_unsure
    assert subject.spot == Spot(1, 80, 100, 300, 118)
    assert not next(fact for fact in facts if fact.name == "number").is_unsure


def test_a_table_shows_each_word_in_its_cell() -> None:
    block = {
        "type": "table",
        "level": 0,
        "page": 1,
        "bbox": None,
        "text": "TT Tên 1 Xã Gò Mít",
        "rows": [["TT", "Tên"], ["", ""], ["1", "Xã Gò Mít"]],
    }
    empty: dict[str, Any] = {"footnotes": [], "corrections": [], "warnings": [], "dropped": [], "pages": []}
    rows = view_of({**empty, "metadata": {}, "blocks": [block]}).page(1).blocks[0].rows
    assert [[[word.offset for word in cell] for cell in row] for row in rows] == [
        [[0], [3]],
        [[], []],
        [[7], [9, 12, 15]],
    ]
