"""Ink accounting: what looks like print and stands in no word is told, what is none is not."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from normalize.document import Source
from normalize.structure.build import build_document
from ocr.image.components import find_components
from ocr.image.seals import Seal
from ocr.layout.unread_ink import InkAccount, account
from ocr.page import Box, Line, Page, Word, from_json, letter, to_json, zone_of
from ocr.reread.missed_text import read_unread
from tests.typeset import line, page

X_HEIGHT = 28.0
TEXTS = ("Thong", "bao", "ket", "luan", "cuoc", "hop", "ngay", "thang", "nam", "2024")


def drawn() -> tuple[np.ndarray, list[Word]]:
    """A page of 300 dpi with two words a line, and the words."""
    ink = np.zeros((1400, 1200), np.uint8)
    words = []
    for index, text in enumerate(TEXTS):
        left, baseline = 150 + 450 * (index % 2), 200 + 120 * (index // 2)
        (width, height), below = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 1.6, 5)
        cv2.putText(ink, text, (left, baseline), cv2.FONT_HERSHEY_SIMPLEX, 1.6, 255, 5)
        box = Box(left, baseline - height, left + width, baseline + below)
        words.append(Word(text, box, 95.0, tuple(map(letter, text))))
    return ink, words


def account_of(ink: np.ndarray, words: list[Word], seals: tuple[Seal, ...] = ()) -> InkAccount:
    return account(find_components(ink), [word.box for word in words], X_HEIGHT, seals, 300)


def test_a_page_that_was_read_whole_is_explained() -> None:
    found = account_of(*drawn())
    assert (found.explained, found.unread) == (1.0, ())
    assert found.ink > 0


@pytest.mark.parametrize("lost", range(len(TEXTS)))
def test_a_word_that_was_not_read_is_told_with_its_place(lost: int) -> None:
    ink, words = drawn()
    found = account_of(ink, words[:lost] + words[lost + 1 :])
    assert found.explained < 0.97
    assert len(found.unread) == 1
    assert found.unread[0].shared(words[lost].box) > 0.9


def _pen(ink: np.ndarray) -> None:
    points = [(400 + 12 * step, round(1100 + 90 * np.sin(step / 3))) for step in range(50)]
    cv2.polylines(ink, [np.array(points, np.int32)], False, 255, 4)


def _speck(ink: np.ndarray) -> None:
    cv2.circle(ink, (700, 1000), 5, 255, -1)


def _rule(ink: np.ndarray) -> None:
    cv2.line(ink, (300, 950), (800, 950), 255, 4)


def _edge_of_the_paper(ink: np.ndarray) -> None:
    for top in range(100, 1200, 60):
        cv2.rectangle(ink, (1180, top), (1195, top + 35), 255, 3)


@pytest.mark.parametrize("draw", [_pen, _speck, _rule, _edge_of_the_paper])
def test_what_is_no_print_is_not_missed(draw: object) -> None:
    ink, words = drawn()
    draw(ink)  # type: ignore[operator]
    found = account_of(ink, words)
    assert (found.explained, found.unread) == (1.0, ())


def _line_through(ink: np.ndarray, words: list[Word]) -> None:
    for word in words:
        cv2.line(ink, (word.box.left - 30, word.box.top + 20), (word.box.right + 30, word.box.top + 22), 255, 4)


def test_letters_that_a_line_joins_are_told_with_their_place() -> None:
    """A line of the pen through a word makes one shape of it, which is like no letter."""
    ink, words = drawn()
    _line_through(ink, words[:1])
    found = account_of(ink, words[1:])
    assert len(found.unread) == 1
    assert found.unread[0].shared(words[0].box) > 0.8
    assert account_of(ink, words).unread == ()


def _signature(ink: np.ndarray) -> None:
    points = [(300 + 10 * n, round(1200 + (60 + n) * np.sin(n / 2.2) * np.cos(n / 7))) for n in range(60)]
    cv2.polylines(ink, [np.array(points, np.int32)], False, 255, 5)
    cv2.line(ink, (280, 1230), (920, 1190), 255, 5)


def _frame(ink: np.ndarray) -> None:
    cv2.rectangle(ink, (120, 1000), (900, 1300), 255, 4)
    cv2.rectangle(ink, (300, 1050), (500, 1250), 255, 4)


@pytest.mark.parametrize("draw", [_signature, _frame])
def test_lines_that_join_no_letters_are_not_told(draw: object) -> None:
    ink, words = drawn()
    draw(ink)  # type: ignore[operator]
    assert account_of(ink, words).unread == ()


def test_letters_along_a_seal_are_the_seals() -> None:
    ink, words = drawn()
    for angle in range(0, 360, 30):
        place = (round(600 + 100 * np.cos(np.radians(angle))), round(1100 + 100 * np.sin(np.radians(angle))))
        cv2.putText(ink, "U", place, cv2.FONT_HERSHEY_SIMPLEX, 1.2, 255, 4)
    assert account_of(ink, words).explained < 1.0
    found = account_of(ink, words, (Seal(615, 1090, 130, np.zeros(0)),))
    assert (found.explained, found.unread) == (1.0, ())


@settings(max_examples=20)
@given(st.sets(st.integers(0, len(TEXTS) - 1)), st.integers(0, len(TEXTS) - 1))
def test_reading_one_word_more_explains_no_less(read: set[int], more: int) -> None:
    ink, words = drawn()
    less = account_of(ink, [words[index] for index in sorted(read)])
    assert account_of(ink, [words[index] for index in sorted(read | {more})]).explained >= less.explained


def test_the_record_of_a_page_keeps_the_account_and_old_records_are_read() -> None:
    whole = Page(1, 100, 100, 300, ink_explained=0.97, unread=(Box(1, 2, 3, 4),))
    assert from_json(to_json(whole)) == whole
    old = to_json(whole).replace('"ink":[0.97,[[1,2,3,4]]],', "")
    assert "ink" not in old
    assert from_json(old) == Page(1, 100, 100, 300)


def test_print_that_was_not_read_is_a_warning_with_its_place() -> None:
    typeset = page(1, ["T Báo cáo kết quả thực hiện nhiệm vụ năm 2024 của huyện.<"])
    lost = Page(
        1, typeset.width, typeset.height, 300, zones=typeset.zones, ink_explained=0.9, unread=(Box(300, 600, 420, 640),)
    )
    document = build_document([lost], Source("a.pdf", "0" * 64, 1, 1))
    assert document.pages[0].ink_explained == 0.9
    assert [warning.message for warning in document.warnings] == [
        "Print that was not read stands 2.5 cm from the left and 5.1 cm from the top: look at the page."
    ]


def typeset(top: int) -> list[Line]:
    lines = (line("Ủy ban nhân dân các xã, thị trấn<", "T", top + 90 * at) for at in range(8))
    return [replace(one, x_height=25.0) for one in lines]


def alone(text: str, baseline: int) -> np.ndarray:
    """The ink of a page with a few letters on it, and nothing else."""
    ink = np.zeros((3508, 2480), np.uint8)
    cv2.putText(ink, text, (1230, baseline), cv2.FONT_HERSHEY_COMPLEX, 1.6, 255, 4)
    return ink


@pytest.mark.parametrize(
    ("text", "confidence", "kept"),
    [
        ("(%)", 90.0, True),
        ("37", 90.0, True),
        ("37", 40.0, False),
        ("~ —", 90.0, False),
        ("ngay thang nam", 90.0, False),
    ],
)
def test_an_unread_group_is_read_where_it_reads_as_so_many_letters(text: str, confidence: float, kept: bool) -> None:
    ink = alone("37" if text != "(%)" else "(%)", 1500)
    parts = find_components(ink)
    lines = typeset(600) + typeset(1900)
    ink_account = account(parts, [word.box for one in lines for word in one.words], 25.0, (), 300)
    assert len(ink_account.unread) == 1
    word = Word(text, ink_account.unread[0], confidence, tuple(map(letter, text)))
    again = [Line((word,), word.box, float(word.box.bottom), 25.0)]
    out = read_unread(zone_of("text", lines), ink_account, parts, 255 - ink, lambda box: again)
    assert [one.text for one in out or [] if one not in lines] == [text] * kept


def gap(width: int) -> tuple[np.ndarray, list[Line], Box]:
    """A page with a shape between two words of a line, its other lines, the line, and where the shape stands."""
    ink = np.zeros((3508, 2480), np.uint8)
    shape = Box(1000, 1500, 1000 + width, 1540)
    for left in range(shape.left, shape.right - 8, 22):  # letters that touch: strokes and a line through them
        cv2.rectangle(ink, (left, shape.top), (left + 5, shape.bottom - 1), 255, -1)
    cv2.rectangle(ink, (shape.left, shape.top + 16), (shape.right - 10, shape.top + 20), 255, -1)
    words = [
        Word(text, Box(left, 1500, right, 1540), confidence, tuple(map(letter, text)))
        for text, left, right, confidence in (("75/2017/1", 820, 990, 40.0), ("-CP", 1010 + width, 1070 + width, 80.0))
    ]
    whole = Line(tuple(words), Box(820, 1500, 1070 + width, 1540), 1540.0, 25.0)
    return ink, [*typeset(600), *typeset(1900), whole], shape


@pytest.mark.parametrize(("width", "is_told"), [(90, True), (30, False)])
def test_letters_that_touch_and_were_left_out_within_a_line_are_told(width: int, is_told: bool) -> None:
    ink, lines, shape = gap(width)
    words = [word.box for one in lines for word in one.words]
    found = account(find_components(ink), words, 25.0, (), 300)
    assert [box.shared(shape) > 0.8 for box in found.unread] == [True] * is_told
    at_the_end = account(find_components(ink), words[:-1], 25.0, (), 300)
    assert at_the_end.unread == ()  # where a stroke of the pen would be


@pytest.mark.parametrize(
    ("text", "confidence", "kept"),
    [("75/2017/NĐ-CP", 92.0, True), ("75/2017/NĐ-CP", 60.0, False), ("75/201/CP", 95.0, False)],
)
def test_what_was_left_out_within_a_line_is_read_with_the_words_beside_it(
    text: str, confidence: float, kept: bool
) -> None:
    ink, lines, shape = gap(90)
    parts = find_components(ink)
    ink_account = account(parts, [word.box for one in lines for word in one.words], 25.0, (), 300)
    asked: list[Box] = []

    def again(box: Box) -> list[Line]:
        asked.append(box)
        if not box.holds(lines[-1].box):
            return []
        word = Word(text, lines[-1].box, confidence, tuple(map(letter, text)))
        return [Line((word,), word.box, 1540.0, 25.0)]

    out = read_unread(zone_of("text", lines), ink_account, parts, 255 - ink, again)
    assert asked[0].holds(shape)
    assert [one.text for one in out or lines if one not in lines[:-1]] == [text if kept else "75/2017/1 -CP"]


def test_a_line_that_was_lost_is_told() -> None:
    """All lines but one explain their ink: the place of the lost one is told, and the measure falls."""
    ink, words = drawn()
    for lost in range(0, len(words), 2):
        found = account_of(ink, [word for at, word in enumerate(words) if at not in (lost, lost + 1)])
        assert found.explained < 0.9
        assert all(any(box.overlaps(word.box) for box in found.unread) for word in words[lost : lost + 2])


@pytest.mark.parametrize(("explained", "is_told"), [(0.97, True), (0.99, False)])
def test_print_that_was_lost_without_a_place_is_told(explained: float, is_told: bool) -> None:
    typeset = page(1, ["T Báo cáo kết quả thực hiện nhiệm vụ năm 2024 của huyện.<"])
    lost = replace(typeset, ink_explained=explained, unread=())
    told = [one.message for one in build_document([lost], Source("a.pdf", "0" * 64, 1, 1)).warnings]
    assert any(one.startswith("About 3 % of what looks like print") for one in told) is is_told


def _column(left: int, count: int, words: int = 6) -> list[Line]:
    lines = []
    for row in range(count):
        top = 300 + 60 * row
        row_words = tuple(
            Word("công", Box(left + 120 * at, top, left + 120 * at + 100, top + 36), 95.0) for at in range(words)
        )
        lines.append(Line(row_words, Box(left, top, left + 120 * words - 20, top + 36), top + 30.0, 22.0))
    return lines


@pytest.mark.parametrize(
    ("columns", "size", "is_spread"),
    [
        ((_column(200, 20), _column(1800, 20)), (3508, 2480), True),
        ((_column(200, 20), _column(1800, 20)), (2480, 3508), False),  # a page of two columns
        ((_column(200, 20), _column(1800, 4)), (3508, 2480), False),  # a note beside the text
        ((_column(200, 20, 24),), (3508, 2480), False),  # a wide page of one column
    ],
)
def test_two_pages_on_one_scan_are_told_of(
    columns: tuple[list[Line], ...], size: tuple[int, int], is_spread: bool
) -> None:
    zones = tuple(zone for lines in columns for zone in zone_of("text", lines))
    scan = Page(1, *size, 300, zones=zones, has_ink=True)
    told = [one.message for one in build_document([scan], Source("a.pdf", "0" * 64, 1, 1)).warnings]
    assert any(one.startswith("Two pages stand side by side") for one in told) is is_spread
