"""What people change in a document: made, undone, made again, on record, and found in a document that is read anew."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from normalize.document import (
    Block,
    Correction,
    Document,
    Dropped,
    Edit,
    Evidence,
    Footnote,
    Metadata,
    PageWarning,
    Part,
    Reference,
    Token,
)
from normalize.edits.apply import DoesNotFit, apply, fact, redo, type_of, undo
from normalize.edits.edit import edit_from, new, typed
from normalize.edits.replay import replay
from normalize.edits.words import begins_of
from normalize.formats import to_dict, to_text
from normalize.formats.read_record import from_dict
from ocr.page import Box
from tests.published import SOURCE, documents

few = settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])

TYPED = st.sampled_from(["tổ", "hội nghị", "", "1.250", "12[^1]", "[^9]", "thứ ba này", "x"])


def on_disk(document: Document) -> Document:
    """The document as it is after it was published and read back."""
    return from_dict(json.loads(json.dumps(to_dict(document), ensure_ascii=False)))


def without_edits(document: Document) -> Document:
    return replace(document, edits=())


def text_and_facts(document: Document) -> dict[str, Any]:
    """All that is published of it but the edits."""
    return to_dict(without_edits(document))


@st.composite
def edits(draw: st.DrawFn, document: Document) -> Edit:
    """An edit of any kind, many of which fit."""
    kind = draw(st.sampled_from(["text", "text", "take_back", "metadata", "type", "join", "part", "tie"]))
    where, tokens = draw(st.sampled_from(list(document.texts())))
    block = draw(st.integers(0, len(document.blocks) - 1))
    begins = begins_of(tokens)
    if kind in ("text", "tie"):
        text = " ".join(token.published for token in tokens)
        start = draw(st.integers(0, len(text))) if draw(st.booleans()) else draw(st.sampled_from(begins[:-1] or [0]))
        before = text[start : start + draw(st.sampled_from([0, 0, 1, 3, 9]))]
        after = draw(TYPED) if kind == "text" else "[^1]"
        return new(kind, "An", where, start=start, before=before, after=after)
    if kind == "take_back":
        if not document.corrections:
            return new("take_back", "An", where)
        one = draw(st.sampled_from(document.corrections))
        return new("take_back", "An", one.where, start=one.start, before=one.after, after=one.before)
    if kind == "metadata":
        name, value = draw(
            st.sampled_from([("number", "12"), ("date", "2024-02-30"), ("date", "2024-03-01"), ("recipients", "A\nB")])
        )
        where = f"documents/{draw(st.integers(0, 1))}/{name}"
        try:
            return new("metadata", "An", where, before=fact(document, where), after=draw(st.sampled_from([value, ""])))
        except DoesNotFit:
            return new("metadata", "An", where, after=value)
    if kind == "type":
        after = draw(st.sampled_from(["paragraph", "heading 1", "heading", "list_item 2", "title", "table"]))
        return new("type", "An", f"blocks/{block}", after=after)
    start = draw(st.sampled_from(begins_of(document.blocks[block].tokens))) if kind == "part" else 0
    return new(kind, "An", f"blocks/{block}", start=start)


@few
@given(documents(), st.data(), st.booleans())
def test_undone_it_is_the_same_document(document: Document, data: st.DataObject, saved: bool) -> None:
    """In memory, and when every step was published and read back."""
    document = on_disk(document) if saved else document
    try:
        made = apply(document, data.draw(edits(document)))
    except DoesNotFit:
        return
    assert to_dict(made) != to_dict(document)
    undone = undo(on_disk(made) if saved else made)
    again = redo(on_disk(undone) if saved else undone)
    assert text_and_facts(undone) == text_and_facts(document)
    assert text_and_facts(again) == text_and_facts(made)
    if not saved:  # the least sure word of a page is told as it is published then
        assert without_edits(undone) == document
        assert again == made


@few
@given(documents(), st.data())
def test_any_sequence_of_edits_undos_and_redos(document: Document, data: st.DataObject) -> None:
    """Held against a plain stack of whole documents."""
    document = now = on_disk(document)
    before: list[Document] = []
    after: list[Document] = []
    for _ in range(data.draw(st.integers(1, 8))):
        step = data.draw(st.sampled_from(["edit", "edit", "edit", "undo", "redo"]))
        try:
            if step == "edit":
                changed = apply(now, data.draw(edits(now)))
                before, after = [*before, now], []
            elif step == "undo":
                changed = undo(now)
                after.append(now)
                assert text_and_facts(changed) == text_and_facts(before.pop())
            else:
                changed = redo(now)
                before.append(now)
                assert text_and_facts(changed) == text_and_facts(after.pop())
        except DoesNotFit:
            assert step == "edit" or not (before if step == "undo" else after)
            continue
        now = on_disk(changed)
        assert to_dict(now) == json.loads(json.dumps(to_dict(changed)))
    while any(one.is_made for one in now.edits):
        now = undo(now)
    assert text_and_facts(now) == text_and_facts(document)


@few
@given(documents(), st.data())
def test_replayed_on_the_unchanged_document_all_are_kept(document: Document, data: st.DataObject) -> None:
    """Where each word stands once: else some places cannot be told apart when something before them was changed."""
    document = made = with_words_of_their_own(on_disk(document))
    for _ in range(data.draw(st.integers(1, 4))):
        try:
            made = apply(made, data.draw(edits(made)))
        except DoesNotFit:
            continue
    again, kept, lost = replay(document, on_disk(made).edits)
    assert not lost
    assert len(kept) == len(made.edits)
    assert to_text(again) == to_text(made)
    assert again.metadata == made.metadata
    assert [type_of(block) for block in again.blocks] == [type_of(block) for block in made.blocks]


def with_words_of_their_own(document: Document) -> Document:
    """The document, each word of its blocks another one; without notes and corrections."""
    blocks, count = [], 0
    for block in document.blocks:
        tokens = tuple(replace(token, text=f"w{count + at}v", references=()) for at, token in enumerate(block.tokens))
        count += len(tokens)
        rows, at = [], 0
        for row in block.rows:
            size = len(row[0].split(" ")) if row[0] else 0
            rows.append((" ".join(token.text for token in tokens[at : at + size]), ""))
            at += size
        box = Box(0, 5000 * len(blocks), 300, 5000 * len(blocks) + 9) if block.box else None
        blocks.append(replace(block, tokens=tokens, rows=tuple(rows), box=box))
    return replace(document, blocks=tuple(blocks), footnotes=(), corrections=())


# -- what each kind does -------------------------------------------------------------------------------------------


def word(text: str, left: int, *labels: str, sure: float | None = 95.0) -> Token:
    cited = tuple(Reference(len(text), label) for label in labels)
    return Token(text, 1, Box(left, 100, left + 90, 140), sure, references=cited, line=(95, 145))


TONE = Correction("blocks/0", 5, "chưc", "chức", "tone", 0.93, "", 1, Box(200, 100, 290, 140))
LETTER = Document(
    SOURCE,
    (
        Block("paragraph", (word("Uỷ", 0), word("b", 100, sure=41.0), word("chức", 200), word("nó", 300, "2")), 1),
        Block("list_item", (word("a)", 0), word("ba", 100)), 1, 1),
        Block("table", (word("5", 0), word("kg", 100), word("x", 200)), 1, rows=(("5 kg", ""), ("", "x"))),
    ),
    (
        Footnote("2", "2", ((word("Tổng", 0), word("số", 100)),), (1,)),
        Footnote("3", "3", ((word("Xa", 0),),), (1,), False),
    ),
    Metadata(number="12", recipients=("A;", "B.")),
    (Part(1, 1, Metadata(number="12", recipients=("A;", "B.")), {"number": Evidence(1, Box(5, 5, 9, 9), 41.0)}),),
    (TONE,),
    dropped=(Dropped(1, None, "Số đên 5", "received stamp"),),
    warnings=(PageWarning(1, "The number is not sure.", None, "number"), PageWarning(1, "Look.", None)),
)


def text_of(document: Document, index: int = 0) -> str:
    return document.blocks[index].text


def test_a_typed_word_is_not_doubted_any_more_and_stands_where_the_old_one_did() -> None:
    made = apply(LETTER, new("text", " An\n", "blocks/0", start=3, before="b", after="ban"))
    assert text_of(made) == "Uỷ ban chức nó[^2]"
    first, second = (to_dict(one)["blocks"][0] for one in (LETTER, made))
    assert [one["offset"] for one in first["words_to_check"]] == [3]
    assert "words_to_check" not in second
    assert first["places"][0].replace(" 5:", " 7:").replace(" 10:", " 12:") == second["places"][0]
    assert made.corrections == (replace(TONE, start=7),)
    (edit,) = made.edits
    assert (edit.who, edit.before, edit.after, edit.page, edit.box) == ("An", "b", "ban", 1, Box(100, 100, 190, 140))


@pytest.mark.parametrize(
    ("start", "before", "after", "wanted", "recorded"),
    [
        (3, "b", "ban", "Uỷ ban chức nó[^2]", ("b", "ban")),
        (4, "", "an", "Uỷ ban chức nó[^2]", ("b", "ban")),
        (2, "", " xa", "Uỷ xa b chức nó[^2]", ("Uỷ", "Uỷ xa")),
        (3, "b ", "", "Uỷ chức nó[^2]", ("b", "")),
        (0, "Uỷ b", "Uỷ ban", "Uỷ ban chức nó[^2]", ("b", "ban")),
        (1, "ỷ b chứ", "ỷ ban c", "Uỷ ban cc nó[^2]", ("b chức", "ban cc")),
        (10, "nó[^2]", "nó", "Uỷ b chức nó", ("nó[^2]", "nó")),
        (0, "Uỷ b chức nó[^2]", "", "", ("Uỷ b chức nó[^2]", "")),
    ],
)
def test_whole_words_are_recorded(start: int, before: str, after: str, wanted: str, recorded: tuple[str, str]) -> None:
    made = apply(LETTER, new("text", "An", "blocks/0", start=start, before=before, after=after))
    assert text_of(made) == wanted
    assert (made.edits[0].before, made.edits[0].after) == recorded
    assert without_edits(undo(made)) == LETTER


def test_a_note_whose_reference_goes_is_cited_no_more() -> None:
    made = apply(LETTER, new("text", "An", "blocks/0", start=10, before="nó[^2]", after="nó"))
    assert [note.anchored for note in made.footnotes] == [False, False]


def test_a_note_is_tied_to_the_place_that_cites_it() -> None:
    made = apply(LETTER, new("tie", "An", "blocks/1", start=5, after="[^3]"))
    assert text_of(made, 1) == "a) ba[^3]"
    assert made.blocks[1].tokens[1].confidence == 95.0, "the word is read as it was"
    assert [note.anchored for note in made.footnotes] == [True, True]
    assert to_text(made).split("\n\n")[2:4] == ["a) ba[^3]", "[^3]: Xa"]
    for after in ("[^4]", "3", ""):
        with pytest.raises(DoesNotFit):
            apply(LETTER, new("tie", "An", "blocks/1", start=5, after=after))


def test_a_correction_is_taken_back_and_stays_on_record() -> None:
    made = apply(LETTER, new("take_back", "An", "blocks/0", start=5, before="chức", after="chưc"))
    assert text_of(made) == "Uỷ b chưc nó[^2]"
    assert made.corrections == ()
    assert on_disk(made).edits[0].taken.corrections == ((0, LETTER.corrections[0]),)
    with pytest.raises(DoesNotFit, match="no such correction"):
        apply(made, new("take_back", "An", "blocks/0", start=5, before="chưc", after="chức"))


def test_a_correction_of_what_was_left_out() -> None:
    stamp = replace(TONE, where="dropped/0", start=3, before="dên", after="đên")
    document = replace(LETTER, corrections=(stamp,))
    made = apply(document, new("take_back", "An", "dropped/0", start=3, before="đên", after="dên"))
    assert made.dropped[0].text == "Số dên 5"
    assert to_dict(without_edits(undo(on_disk(made)))) == to_dict(on_disk(document))
    with pytest.raises(DoesNotFit):
        apply(document, new("text", "An", "dropped/0", start=3, before="đên", after="đến"))


def test_cells_keep_their_words() -> None:
    made = apply(LETTER, new("text", "An", "blocks/2", start=2, before="kg", after="tấn gạo"))
    assert made.blocks[2].rows == (("5 tấn gạo", ""), ("", "x"))
    emptied = apply(made, new("text", "An", "blocks/2", start=10, before="x", after=""))
    assert emptied.blocks[2].rows == (("5 tấn gạo", ""), ("", ""))
    assert to_dict(without_edits(undo(undo(on_disk(emptied))))) == to_dict(on_disk(LETTER))
    shorter = apply(made, new("text", "An", "blocks/2", start=6, before="gạo", after=""))
    assert shorter.blocks[2].rows == (("5 tấn", ""), ("", "x"))
    assert undo(shorter).blocks[2].rows == made.blocks[2].rows, "into the cell from which the word went"
    with pytest.raises(DoesNotFit, match="inside one cell"):
        apply(LETTER, new("text", "An", "blocks/2", start=2, before="kg x", after="tạ y"))


def test_a_fact_that_a_person_gives_is_not_warned_about() -> None:
    made = apply(LETTER, new("metadata", "An", "documents/0/number", before="12", after="13"))
    assert made.metadata.number == made.parts[0].metadata.number == "13"
    assert made.parts[0].evidence == {}
    assert [one.about for one in made.warnings] == ["text"]
    assert to_dict(without_edits(undo(on_disk(made)))) == to_dict(on_disk(LETTER))


@pytest.mark.parametrize(
    ("where", "before", "after"),
    [
        ("documents/0/number", "11", "13"),
        ("documents/0/number", "12", "12"),
        ("documents/0/date", "", "2024-02-30"),
        ("documents/0/date", "", "29/2/2024"),
        ("documents/0/subject", "", "a\nb"),
        ("documents/1/number", "", "13"),
        ("documents/0/engine", "", "13"),
        ("documents/0/__class__", "", "13"),
    ],
)
def test_facts_that_do_not_fit(where: str, before: str, after: str) -> None:
    with pytest.raises(DoesNotFit):
        apply(LETTER, new("metadata", "An", where, before=before, after=after))


def test_blocks_are_joined_and_parted() -> None:
    made = apply(LETTER, new("join", "An", "blocks/0"))
    assert text_of(made) == "Uỷ b chức nó[^2] a) ba"
    assert (made.edits[0].before, made.edits[0].after) == ("nó[^2]\na)", "nó[^2] a)")
    parted = apply(made, new("part", "An", "blocks/0", start=5))
    assert [block.text for block in parted.blocks] == ["Uỷ b", "chức nó[^2] a) ba", "5 kg x"]
    assert parted.corrections == (replace(TONE, where="blocks/1", start=0),)
    assert without_edits(undo(undo(parted))) == LETTER
    for start in (0, 1, 99):
        with pytest.raises(DoesNotFit):
            apply(LETTER, new("part", "An", "blocks/0", start=start))
    for where in ("blocks/1", "blocks/2", "blocks/9"):
        with pytest.raises(DoesNotFit):
            apply(LETTER, new("join", "An", where))


def test_two_documents_of_a_file_are_not_joined() -> None:
    document = replace(LETTER, parts=(*LETTER.parts, Part(1, 1, Metadata(), first_block=1)))
    with pytest.raises(DoesNotFit, match="another document"):
        apply(document, new("join", "An", "blocks/0"))
    assert apply(document, new("part", "An", "blocks/0", start=3)).parts[1].first_block == 2


def test_a_table_that_is_none_gets_its_cells_back() -> None:
    made = apply(LETTER, new("type", "An", "blocks/2", after="paragraph"))
    assert to_text(made).split("\n\n")[-2:] == ["5 kg x", "[^3]: Xa\n"]
    assert to_dict(without_edits(undo(on_disk(made)))) == to_dict(on_disk(LETTER))


def test_an_earlier_edit_is_undone_by_itself() -> None:
    one = apply(LETTER, new("text", "An", "blocks/0", start=0, before="Uỷ", after="Cả nước"))
    two = apply(one, new("text", "Bình", "blocks/1", start=3, before="ba", after="bốn"))
    undone = undo(two, one.edits[0].id)
    assert (text_of(undone), text_of(undone, 1)) == (text_of(LETTER), "a) bốn")
    with pytest.raises(DoesNotFit):  # it stays on record, but what came after it was made without it
        redo(undone)
    with pytest.raises(DoesNotFit):
        undo(two, "0" * 16)


def test_what_another_edit_stands_on_is_not_undone_alone() -> None:
    one = apply(LETTER, new("text", "An", "blocks/1", start=3, before="ba", after="bốn"))
    two = apply(one, new("text", "Bình", "blocks/1", start=3, before="bốn", after="năm"))
    with pytest.raises(DoesNotFit):
        undo(two, one.edits[0].id)


def test_what_was_undone_before_another_edit_is_not_made_again() -> None:
    one = undo(apply(LETTER, new("text", "An", "blocks/1", start=3, before="ba", after="bốn")))
    two = apply(one, new("text", "An", "blocks/1", start=0, before="a)", after="b)"))
    with pytest.raises(DoesNotFit, match="nothing to make again"):
        redo(two)
    assert text_of(redo(undo(two)), 1) == "b) ba"
    assert len(two.edits) == 2


# -- a scan that is read anew --------------------------------------------------------------------------------------


def read_anew() -> Document:
    """The same page read again: a heading is found before the rest, and all stands a pixel further down."""
    heading = Block("heading", (Token("QUYẾT", 1, Box(0, 10, 90, 40), 95.0),), 1, 1)
    moved = [
        replace(block, tokens=tuple(replace(token, box=token.box.moved(0, 1)) for token in block.tokens if token.box))
        for block in LETTER.blocks
    ]
    return replace(LETTER, blocks=(heading, *moved), corrections=(replace(LETTER.corrections[0], where="blocks/1"),))


def test_edits_find_their_places_in_another_reading() -> None:
    made = apply(LETTER, new("text", "An", "blocks/0", start=3, before="b", after="ban"))
    made = apply(made, new("take_back", "An", "blocks/0", start=7, before="chức", after="chưc"))
    made = apply(made, new("metadata", "An", "documents/0/subject", after="Giao đất"))
    made = apply(made, new("join", "An", "blocks/0"))
    made = apply(made, new("tie", "An", "blocks/0", start=len("Uỷ ban chưc nó[^2] a) ba"), after="[^3]"))
    again, kept, lost = replay(read_anew(), on_disk(made).edits)
    assert (len(kept), lost) == (5, ())
    assert text_of(again, 1) == "Uỷ ban chưc nó[^2] a) ba[^3]"
    assert again.metadata.subject == "Giao đất"
    assert again.corrections == ()
    assert without_edits(undo(undo(undo(undo(undo(again)))))) == read_anew()


def test_what_has_no_place_any_more_is_kept_and_told() -> None:
    made = apply(LETTER, new("text", "An", "blocks/0", start=3, before="b", after="ban"))
    other = replace(LETTER, blocks=LETTER.blocks[1:], corrections=())
    again, kept, lost = replay(other, made.edits)
    assert (kept, len(lost)) == ((), 1)
    assert again.edits == lost
    assert not lost[0].applied
    assert again.blocks == other.blocks
    assert again.warnings[-1].message.endswith("“b” had become “ban”.")
    # And another time it may have its place again.
    back, kept, lost = replay(LETTER, on_disk(again).edits)
    assert (len(kept), lost) == (1, ())
    assert text_of(back) == "Uỷ ban chức nó[^2]"


def test_what_is_read_right_now_needs_no_edit_and_no_warning() -> None:
    made = apply(LETTER, new("text", "An", "blocks/0", start=3, before="b", after="ban"))
    right = without_edits(made)
    again, kept, lost = replay(right, made.edits)
    assert (kept, lost) == ((), ())
    assert not again.edits[0].applied
    assert again.warnings == right.warnings


# -- from outside --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"kind": "remove", "where": "blocks/0"},
        {"kind": "text", "where": "../blocks/0"},
        {"kind": "text", "where": "blocks/0", "start": -1},
        {"kind": "text", "where": "blocks/0", "start": True},
        {"kind": "text", "where": "blocks/0", "after": 3},
        {"kind": "text", "where": "blocks/0", "after": "x" * 10_001},
        {"kind": ["text"], "where": "blocks/0"},
        {"kind": "text", "where": None},
    ],
)
def test_what_is_no_edit_is_refused(asked: dict[str, Any]) -> None:
    with pytest.raises(DoesNotFit):
        edit_from(asked, "An")


def test_what_is_typed_becomes_one_line_of_composed_letters() -> None:
    edit = edit_from({"kind": "text", "where": "blocks/0", "after": " to\u0302\u0301i\nnay\u202e\u0000 "}, "A\u0000n")
    assert (edit.after, edit.who) == (" tối nay ", "An")
    assert (
        edit_from({"kind": "metadata", "where": "documents/0/recipients", "after": "A;\n\n B. "}, "").after == "A;\nB."
    )


@given(st.text())
def test_typed_text_holds_nothing_unseen(text: str) -> None:
    once = typed(text)
    assert typed(once) == once
    assert "\n" not in once and "  " not in once
