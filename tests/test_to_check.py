"""What to compare with the scan, and why: its order, its sentences, its bounds."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.pipeline.outcome import SHOWN_CHANGES, outcome_of
from flows.pipeline.to_check import (
    LONGEST_SIDE,
    MOST_WORDS,
    Check,
    Kind,
    Passage,
    checks_of,
    left_out,
    passage,
    passage_of,
    to_picture,
)
from normalize.document import (
    Block,
    Document,
    Dropped,
    Evidence,
    Footnote,
    Metadata,
    PageReport,
    PageWarning,
    Part,
    Reference,
    Token,
    Tokens,
)
from normalize.formats import to_dict
from normalize.repair.changes import Place, places
from normalize.repair.corrections import apply
from ocr.page import Box
from ocr.page import Place as OnPage
from tests.test_changes import SOURCE

PAGE = PageReport(1, 300, 1.5, 9, 90.0, 12.0, 1.0, grade="fair", rotation=90)


def words(text: str, unsure: dict[str, float] | None = None, **second: str) -> Tokens:
    """Words side by side; of those named the confidence, or what a second reader saw."""
    sure = unsure or {}
    return tuple(
        Token(word, 1, Box(100 * n, 0, 100 * n + 90, 40), sure.get(word, 96.0), second=second.get(f"_{word}"))
        for n, word in enumerate(text.split())
    )


def lower(tokens: Tokens) -> Tokens:
    """The same words further down the page."""
    return tuple(replace(token, box=token.box and token.box.moved(0, 80)) for token in tokens)


DOCUMENT = Document(
    SOURCE,
    (
        Block(
            "paragraph",
            words("Hai câu. Chi 1250 đồng cho thôn Nà Sâm. Hết.", {"Sâm.": 31.0, "Hai": 70.0}, _1250="1260"),
            1,
        ),
        Block("table", lower(words("Tổng 12 cộng 99", {"99": 5.0})), 1, rows=(("Tổng 12", ""), ("", "cộng 99"))),
    ),
    metadata=Metadata(number="12", signer="Nguyễn Văn A"),
    parts=(
        Part(
            1,
            1,
            Metadata(number="12", signer="Nguyễn Văn A", recipients=("Như trên;", "Lưu: VT.")),
            {
                "number": Evidence(1, Box(1, 1, 9, 9), 54.0),
                "signer": Evidence(1, Box(1, 1, 9, 9), 96.0),
                "recipients": (Evidence(1, Box(1, 1, 9, 9), 96.0), Evidence(1, Box(1, 1, 9, 9), 44.0)),
            },
        ),
    ),
    pages=(PAGE,),
    dropped=(
        Dropped(1, Box(0, 0, 9, 9), "- 2 -", "page number"),
        Dropped(1, Box(0, 0, 9, 9), "~ .", "noise"),
        Dropped(1, Box(0, 0, 9, 9), "740 m².", "noise"),
        Dropped(1, Box(0, 0, 9, 9), "ĐẾN", "received stamp"),
    ),
    warnings=(
        PageWarning(1, "Footnote mark 3 has no note."),
        PageWarning(1, "The numbers in row 2 of a table do not agree.", about="numbers"),
        PageWarning(1, "Print that was not read stands there.", Box(5, 5, 90, 20), "print"),
        PageWarning(2, "The page could not be read: damaged", about="page"),
        PageWarning(1, "The subject is left empty.", Box(5, 5, 90, 20), "subject"),
    ),
)


def test_facts_come_first_and_noise_last() -> None:
    found = [(check.kind, check.page, check.why) for check in checks_of(to_dict(DOCUMENT))]
    assert found == [
        ("fact", 1, "The subject is left empty."),
        ("unsure fact", 1, "Number: “12” was read with a confidence of 54."),
        ("unsure fact", 1, "Recipients: “Lưu: VT.” was read with a confidence of 44."),
        ("page", 2, "The page could not be read: damaged"),
        ("print", 1, "Print that was not read stands there."),
        ("number", 1, "A second reading of the number “1250” gave “1260”."),
        ("number", 1, "The numbers in row 2 of a table do not agree."),
        ("word", 1, "“99” was read with a confidence of 5."),
        ("word", 1, "“Sâm.” was read with a confidence of 31."),
        ("word", 1, "“Hai” was read with a confidence of 70."),
        ("dropped", 1, "“740 m².” was left out as noise."),
    ]


def test_each_stands_in_its_sentence_or_row_and_has_its_place() -> None:
    by_why = {check.why.split("”")[0].split("“")[-1]: check for check in checks_of(to_dict(DOCUMENT))}
    assert by_why["1250"].passage == Passage("Chi", "1250", "đồng cho thôn Nà Sâm.")
    assert by_why["Sâm."].passage == Passage("Chi 1250 đồng cho thôn Nà", "Sâm.", "")
    assert by_why["99"].passage == Passage("cộng", "99", "")
    assert by_why["99"].place == OnPage(1, Box(300, 80, 390, 120), 300, 90, 1.5)
    assert by_why["The page could not be read: damaged"].place is None


def test_the_record_of_an_earlier_version_has_fewer() -> None:
    data = to_dict(DOCUMENT)
    for record in (*data["blocks"], *data["warnings"], *data["pages"]):
        for key in ("words_to_check", "about", "rotation", "lowest_word"):
            record.pop(key, None)
    del data["doubts"], data["documents"]
    assert [check.kind for check in checks_of(data)] == ["dropped"]
    assert outcome_of(data, "a.pdf", 75.0).warnings[0] == "page 1: Footnote mark 3 has no note."


def test_what_may_be_text_is_listed_first_of_what_was_left_out() -> None:
    found = [one["text"] for one in left_out(to_dict(DOCUMENT)["dropped"])]
    assert found == ["740 m².", "ĐẾN", "~ .", "- 2 -"]


def test_only_the_least_sure_words_are_pointed_out() -> None:
    tokens = tuple(Token(f"a{n}", 1, Box(n, 0, n + 1, 9), float(n)) for n in range(79, 0, -1))
    found = checks_of(to_dict(Document(SOURCE, (Block("paragraph", tokens, 1),), pages=(PAGE,))))
    assert [check.passage.words for check in found if check.passage] == [f"a{n}" for n in range(1, MOST_WORDS + 1)]


@pytest.mark.parametrize(
    ("text", "changed", "wanted"),
    [
        ("Một. Nó đã tổ chức hội nghị; hết.", "tổ", ("Nó đã", "tổ", "chức hội nghị;")),
        ("thành phố[^1]. Nó đã", "phố", ("thành", "phố[^1].", "")),
        ("ngày 12.5 và 3,4 tổ", "tổ", ("ngày 12.5 và 3,4", "tổ", "")),
        ("tổ", "tổ", ("", "tổ", "")),
        ("Nó (tổ) đi", "tổ", ("Nó", "(tổ)", "đi")),
    ],
)
def test_a_sentence_about_its_words(text: str, changed: str, wanted: tuple[str, str, str]) -> None:
    at = text.index(changed)
    assert passage(text, at, at + len(changed)) == Passage(*wanted)


@given(st.text("ab. ;\n…", max_size=400), st.integers(0, 400), st.integers(0, 9))
def test_a_passage_is_of_its_text_and_bounded(text: str, start: int, length: int) -> None:
    found = passage(text, start, start + length)
    assert text[start : start + length].strip() in found.words
    pieces = [piece for side in (found.before, found.words, found.after) for piece in re.split("^… | …$", side)]
    at = 0
    for piece in pieces:
        at = text.index(piece, at) + len(piece)
    assert max(len(found.before), len(found.after)) <= LONGEST_SIDE + 2


def test_a_correction_is_shown_where_it_is_published() -> None:
    """In a block behind a reference, in the second paragraph of a note, in a row of a table."""
    cited = replace(words("Nó")[0], references=(Reference(2, "7"),))
    note = Footnote("7", "7", (words("Theo tô này."), words("Một tô nữa.")), (1,))
    table = Block("table", words("a tô b tô"), 1, rows=(("a tô",), ("b tô",)))
    before = Document(SOURCE, (Block("paragraph", (cited, *words("là tô hai.")), 1), table), (note,))
    found: list[Place] = [place for place in places(before) if place.token.text == "tô"]
    changes = [place.change(0, 2, "tổ", 0.9, "") for place in found]
    data: dict[str, Any] = to_dict(apply(before, changes))
    shown = [passage_of(data, one) for one in data["corrections"]]
    assert shown == [
        Passage("Nó[^7] là", "tổ", "hai."),
        Passage("a", "tổ", ""),
        Passage("b", "tổ", ""),
        Passage("Theo", "tổ", "này."),
        Passage("Một", "tổ", "nữa."),
    ]


def test_the_least_sure_corrections_are_shown() -> None:
    before = Document(SOURCE, (Block("paragraph", words("tô " * 30), 1),), pages=(PAGE,))
    changes = [place.change(0, 2, "tổ", 1 - n / 100, "") for n, place in enumerate(places(before))]
    data = to_dict(apply(before, changes))
    assert len(outcome_of(data, "a", 75.0).changes) == SHOWN_CHANGES
    data["corrections"] = [{**one, "page": 1 + (one["probability"] > 0.8)} for one in data["corrections"]]
    pages = [change.page for change in outcome_of(data, "a", 75.0).changes]
    assert pages == [1] * 10 + [2] * 10


@given(st.lists(st.tuples(st.sampled_from(["fact", "print", "word"]), st.booleans())), st.integers(0, 12))
def test_each_kind_gets_pictures(kinds: list[tuple[Kind, bool]], most: int) -> None:
    checks = [Check(kind, 1, "", place=OnPage(1, Box(0, 0, 9, 9), 300, 0, 0.0) if has else None) for kind, has in kinds]
    chosen = to_picture(checks, most)
    placed = [at for at, check in enumerate(checks) if check.place]
    assert len(chosen) == min(most, len(placed))
    assert chosen == sorted(set(chosen) & set(placed))
    if most >= 9:
        for kind in ("fact", "print", "word"):
            of_kind = [at for at in placed if checks[at].kind == kind]
            assert set(of_kind[:3]) <= set(chosen)
