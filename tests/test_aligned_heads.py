"""References and heads of notes side by side: what one misreads the other tells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from normalize.structure.footnotes import raised_head, reattach
from normalize.structure.lines import page_margins
from normalize.structure.note_heads import Line, align
from ocr.page import Box, Raised, Word
from ocr.page import Line as PageLine
from ocr.reread.note_heads import read_glued_marks, read_note_heads
from ocr.superscripts.find import RaisedSign
from ocr.superscripts.note_heads import NoteHead
from tests.typeset import line as typeset_line
from tests.typeset import page

NEVER = float("inf")


def head(page: int, read: int | None) -> Line:
    """A line at whose head a number was read, or none."""
    if read is None:
        return Line(page, lambda number: NEVER, 0.0)
    return Line(page, lambda number: 0.0 if number == read else 2.6, 3.5)


@st.composite
def documents(draw: st.DrawFn) -> tuple[list[tuple[int, int]], list[tuple[int, int | None]]]:
    """References with their pages, and the lines of the notes with the numbers they head; ``None`` for other lines."""
    anew = draw(st.booleans())
    references, lines = [], []
    number = draw(st.integers(1, 30)) if not anew else 1
    for on in range(1, draw(st.integers(1, 4)) + 1):
        number = 1 if anew else number
        for _ in range(draw(st.integers(0, 5))):
            references.append((on, number))
            lines.append((on, number))
            lines += [(on, None)] * draw(st.integers(0, 2))
            number += 1
    return references, lines


@given(documents())
def test_what_was_read_right_is_kept(document: tuple[list[tuple[int, int]], list[tuple[int, int | None]]]) -> None:
    references, lines = document
    found = align([head(*one) for one in lines], references)
    assert found == {index: number for index, (_, number) in enumerate(lines) if number is not None}


@given(documents(), st.data())
def test_one_misread_head_is_told_by_the_references(
    document: tuple[list[tuple[int, int]], list[tuple[int, int | None]]], data: st.DataObject
) -> None:
    references, lines = document
    heads = [index for index, (_, number) in enumerate(lines) if number is not None]
    if len(heads) < 3:
        return
    wrong = data.draw(st.sampled_from(heads[1:-1]))
    read = [(page, 77 if index == wrong else number) for index, (page, number) in enumerate(lines)]
    found = align([head(*one) for one in read], references)
    assert found == {index: lines[index][1] for index in heads}


@given(documents(), st.data())
def test_no_note_without_a_number_that_was_read_or_asked_for(
    document: tuple[list[tuple[int, int]], list[tuple[int, int | None]]], data: st.DataObject
) -> None:
    """Whatever is read at the heads of lines: what heads no line is no note, and notes stand in the order of series."""
    references, lines = document
    read = [(page, data.draw(st.one_of(st.none(), st.integers(1, 40)))) for page, _ in lines]
    found = align([head(*one) for one in read], references)
    assert list(found) == sorted(found)
    assert all(read[index][1] is not None for index in found)
    if all(one < other for (_, one), (_, other) in pairwise(references)):
        assert list(found.values()) == sorted(set(found.values()))


def test_a_note_on_the_page_after_its_reference() -> None:
    assert align([head(1, 1), head(2, 2)], [(1, 1), (1, 2)]) == {0: 1, 1: 2}


def test_numbers_that_repeat_are_matched_on_their_own_pages() -> None:
    lines = [head(1, 1), head(1, 7), head(2, 1), head(2, 2)]
    assert align(lines, [(1, 1), (1, 2), (2, 1), (2, 2)]) == {0: 1, 1: 2, 2: 1, 3: 2}


# -- on the document's lines ------------------------------------------------------------------------------------------


def with_signs(line: PageLine, *signs: tuple[str, int]) -> PageLine:
    """The line with raised signs before its first word, each at so many pixels from the left."""
    raised = tuple(Raised(0, text, 90.0, Box(left, 100, left + 9, 120)) for text, left in signs)
    return replace(line, words=(replace(line.words[0], raised=raised), *line.words[1:]))


@pytest.mark.parametrize(
    ("signs", "number", "strays"),
    [
        ([("1", 300), ("3", 310)], "13", []),
        ([("3", 310), ("1", 300)], "13", []),
        ([("*", 320), ("13", 300)], "13", ["*"]),  # half an opening quote
        ([("13", 300)], "13", []),
    ],
)
def test_signs_at_one_head_are_one_number(signs: list[tuple[str, int]], number: str, strays: list[str]) -> None:
    body = [(1, typeset_line(f"Huyện đã trồng rừng{mark} tại các xã.<", "T", 200)) for mark in ("¹²", "¹³")]
    notes = [
        (1, typeset_line("¹²Rừng phòng hộ.<", "N", 900)),
        (1, with_signs(typeset_line("Hai xã.<", "N", 975), *signs)),
    ]
    margins = {1: page_margins([one.box for _, one in body])}
    found = reattach(body, notes, margins)
    assert [note.label for note in found.notes] == ["12", number]
    assert [text for _, _, text in found.strays] == strays
    assert [" ".join(token.text for token in note.lines[0].tokens) for note in found.notes] == [
        "Rừng phòng hộ.",
        "Hai xã.",
    ]


@pytest.mark.parametrize(
    ("marks", "labels"),
    [
        (["2", "83", "84"], ["82", "83", "84"]),  # the first note's: half of its digits, before the second one's
        (["82", "83", "8"], ["82", "83", "84"]),
        (["82", "83", "9"], ["82", "83", None]),
        (["7", "83", "84"], [None, "83", "84"]),
        (["2", "8", "83", "84"], [None, None, "83", "84"]),  # there are two, and neither is surely it
    ],
)
def test_half_of_the_first_or_last_mark_is_told_by_its_neighbour(marks: list[str], labels: list[str | None]) -> None:
    up = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
    body = [
        (1, typeset_line(f"Huyện đã trồng rừng{mark.translate(up)} tại xã.<", "T", 200 + 75 * at))
        for at, mark in enumerate(marks)
    ]
    notes = [
        (1, typeset_line(f"{n.translate(up)}Rừng phòng hộ.<", "N", 900 + 75 * at))
        for at, n in enumerate(("82", "83", "84"))
    ]
    found = reattach(body, notes, {1: page_margins([one.box for _, one in body])})
    signs = [raised for _, one in body for word in one.words for raised in word.raised]
    assert [found.rulings[1, sign.box].label if (1, sign.box) in found.rulings else None for sign in signs] == labels


# -- on the page ------------------------------------------------------------------------------------------------------


def asked(
    rows: Sequence[str], seen: dict[str, str], broken: Sequence[str] = ()
) -> tuple[list[str], list[tuple[str, str]]]:
    """What heads the lines of a page after reading them again, and which line was looked at for which number.

    Args:
        seen: by the beginning of a line the number that is at its head, seen only by who expects it.
        broken: how lines begin at whose head something raised has room for a number.
    """
    zones = page(1, list(rows)).zones
    looked: list[tuple[str, str]] = []

    def find(line: PageLine, number: str) -> NoteHead | None:
        if not number:
            return None
        looked.append((line.text.split()[0], number))
        there = next((n for begins, n in seen.items() if line.text.startswith(begins)), None)
        if there != number:
            return None
        sign = RaisedSign(number, Box(330, 0, 345, 10), 20.0, line.baseline, line.x_height)
        return NoteHead(sign, None, None, line.box)  # type: ignore[arg-type]

    def find_broken(line: PageLine, number: str) -> NoteHead | None:
        if not line.text.startswith(tuple(broken)):
            return None
        sign = RaisedSign(number, Box(330, 0, 345, 10), 20.0, line.baseline, line.x_height)
        return NoteHead(sign, None, None, line.box)  # type: ignore[arg-type]

    def again(box: Box, found: NoteHead) -> list[PageLine]:
        (old,) = [line for zone in zones for line in zone.lines if line.baseline == found.sign.baseline]
        raised = Raised(0, found.sign.text, 20.0, found.sign.box)
        return [replace(old, words=(replace(old.words[0], raised=(raised,)), *old.words[1:]))]

    lines = read_note_heads(zones, find, find_broken, again) or [line for zone in zones for line in zone.lines]
    heads = [headed[1].text if (headed := raised_head(line)) else "" for line in lines]
    return heads, looked


BODY = "T >Huyện đã trồng rừng¹ tại ba xã², giao đất³ cho hộ nghèo⁴.<"


def test_a_cited_number_is_looked_for_between_its_neighbours() -> None:
    rows = [BODY, "N ¹Rừng phòng hộ.<", "N ZXã Lộc An.<", "N xã Hòa Khê.<", "N ³Đất trồng cây.<", "N ⁴Hộ nghèo.<"]
    heads, looked = asked(rows, {"ZXã": "2"})
    assert heads == ["", "1", "2", "", "3", "4"]
    assert looked == [("ZXã", "2"), ("xã", "2")]


def test_nothing_is_looked_for_where_every_number_is_answered() -> None:
    rows = [BODY, "N ¹Rừng.<", "N ²Xã.<", "N ³Đất.<", "N ⁴Hộ.<"]
    assert asked(rows, {}) == (["", "1", "2", "3", "4"], [])


def test_what_is_not_seen_is_not_put_there() -> None:
    rows = [BODY, "N ¹Rừng phòng hộ.<", "N Xã Lộc An.<", "N ³Đất trồng cây.<", "N ⁴Hộ nghèo.<"]
    heads, looked = asked(rows, {"Xã": "7"})
    assert heads == ["", "1", "", "3", "4"]
    assert looked == [("Xã", "2")]


@pytest.mark.parametrize(
    ("notes", "broken", "heads"),
    [
        # Cited, or only behind the number before it: 16 of which the 6 was told, 12 of which the 1 was.
        (["¹¹Rừng.<", "¹“Bậc mầm non.<", "¹³Đất.<"], ["“Bậc"], ["11", "12", "13"]),
        (
            ["¹¹Rừng.<", "¹²Bậc.<", "¹³Đất.<", "¹⁴Hộ.<", "¹⁵Đơn.<", "⁶?§ố 41.<"],
            ["?§ố"],
            ["11", "12", "13", "14", "15", "16"],
        ),
        (["¹³Đất.<", "¹⁴Hộ.<", "¹⁵Đơn.<", "⁶?§ố 41.<"], [], ["13", "14", "15", "6"]),
        # As many lines with something raised as numbers are missing between two that are known, and not one more.
        (
            ["¹¹Rừng.<", "“Bậc mầm non.<", "lớp một.<", "?Đất.<", "¹⁴Hộ.<"],
            ["“Bậc", "?Đất"],
            ["11", "12", "", "13", "14"],
        ),
        (["¹¹Rừng.<", "“Bậc mầm non.<", "?Đất.<", "”Xã.<", "¹⁴Hộ.<"], ["“", "?", "”"], ["11", "", "", "", "14"]),
        # What was told as another number stays: a 6 that was read for a 5 does not make a 7 of the next one.
        (["¹¹Rừng.<", "¹³Bậc.<", "¹³Đất.<", "¹⁴Hộ.<"], ["Bậc", "Đất", "Hộ"], ["11", "13", "13", "14"]),
        # No part of the number that has to come.
        (
            ["¹¹Rừng.<", "¹²Bậc.<", "¹³Đất.<", "¹⁴Hộ.<", "¹⁵Đơn.<", "⁷Số 41.<"],
            ["Số"],
            ["11", "12", "13", "14", "15", "7"],
        ),
        (["¹¹Rừng.<", "¹²Bậc.<", "¹³Đất.<", "¹⁴Hộ.<", "Số 41.<"], ["Số"], ["11", "12", "13", "14", ""]),
    ],
)
def test_a_number_of_which_a_part_was_told_is_looked_for_where_it_must_stand(
    notes: list[str], broken: list[str], heads: list[str]
) -> None:
    body = "T >Huyện đã trồng rừng¹¹ tại ba xã¹², giao đất¹³ cho hộ nghèo¹⁴.<"
    assert asked([body, *(f"N {note}" for note in notes)], {}, broken)[0] == ["", *heads]


def test_the_line_right_above_the_notes_may_be_the_first_of_them() -> None:
    body = "T >Huyện đã trồng rừng¹ tại ba xã², giao đất³ cho hộ nghèo⁴.<"
    rows = [body, "T >!4 hộ nghèo.<", "N ²Xã.<", "N ³Đất.<", "N ⁴Hộ.<"]
    assert asked(rows, {"!4": "1"})[0] == ["", "1", "2", "3", "4"]


def test_a_page_without_references_asks_for_nothing() -> None:
    assert asked(["T >Huyện đã trồng rừng.<", "N ¹Rừng.<", "N ZXã.<"], {"ZXã": "2"})[1] == []


def glued(rows: Sequence[str], *seen: str) -> tuple[list[str], list[tuple[str, str]]]:
    """The words of a page that bear a raised number after looking for glued ones, and which word was asked for which.

    Args:
        seen: words at whose end the number that is asked for is seen.
    """
    zones = page(1, list(rows)).zones
    looked: list[tuple[str, str]] = []

    def find(line: PageLine, word: Word, number: str) -> RaisedSign | None:
        looked.append((word.text, number))
        there = RaisedSign(number, word.box, 99.0, line.baseline, line.x_height)
        return there if word.text in seen else None

    lines = read_glued_marks(zones, find) or [line for zone in zones for line in zone.lines]
    body = [word for line in lines[:1] for word in line.words]
    marks = [(word.text, one) for word in body for one in word.raised]
    return [f"{text[: one.offset]}^{one.text}{text[one.offset :]}" for text, one in marks], looked


NOTES = ["N ¹Rừng phòng hộ.<", "N ²Xã Lộc An.<", "N ³Đất trồng cây.<"]


def test_a_mark_that_touches_its_word_is_looked_for_between_its_neighbours() -> None:
    rows = ["T >Huyện trồng rừng¹ trên ba bờ cỏ trọc, giao đất³ cho dân.<", *NOTES]
    marks, looked = glued(rows, "trọc,")
    assert marks == ["rừng^1", "trọc^2,", "đất^3"]
    assert looked == [("trên", "2"), ("ba", "2"), ("trọc,", "2"), ("giao", "2")]  # those of ờ and ỏ are none


def test_where_two_words_may_bear_it_none_does() -> None:
    rows = ["T >Huyện trồng rừng¹ trên ba bờ cỏ trọc, giao đất³ cho dân.<", *NOTES]
    assert glued(rows, "trên", "trọc,")[0] == ["rừng^1", "đất^3"]


def test_no_mark_is_looked_for_where_all_notes_are_cited() -> None:
    assert glued(["T >Huyện trồng rừng¹ trên đồi², giao đất³ cho dân.<", *NOTES], "trên")[1] == []


def test_no_mark_is_looked_for_where_no_neighbour_says_where() -> None:
    assert glued(["T >Huyện trồng rừng trên ba đồi, giao đất cho dân.<", *NOTES], "trên")[1] == []
