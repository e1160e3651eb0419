"""Words that were hardly read, read once more in their line alone: which are, and what of that is taken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from ocr.image.seals import Seal
from ocr.page import Box, Line, Word, Zone, letter, lines_of, of_words, zone_of
from ocr.reading import _doubted_digits
from ocr.reread.doubtful_lines import read_alone
from tests.typeset import WIDTH, line


def doubted(text: str, baseline: int = 500, zone: str = "L") -> Line:
    """A line in which each word followed by @ and a number was read with that confidence."""
    parts = [part.rpartition("@") for part in text.split()]
    set_line = line(" ".join(before or word for before, _, word in parts) + "<", zone, baseline)
    sure = [float(number) if before else 95.0 for before, _, number in parts]
    return of_words(set_line, [replace(word, confidence=one) for word, one in zip(set_line.words, sure, strict=True)])


class Reader:
    """Reads parts of the page: what it is told to read at each line, and which places it was asked for."""

    def __init__(self, *readings: Line) -> None:
        self.readings = readings
        self.asked: list[Box] = []

    def __call__(self, boxes: Sequence[Box]) -> list[list[Line]]:
        self.asked += boxes
        return [[one for one in self.readings if box.top < one.baseline < box.bottom] for box in boxes]


def texts(lines: Sequence[Line] | None) -> list[str] | None:
    return None if lines is None else [one.text for one in lines]


@pytest.mark.parametrize(
    ("kind", "before", "again", "after"),
    [
        # An item of a list: a number too.
        ("left", "- Lưu: VT, Gbỳ@0", "- Lưu: VT, (2b)", "- Lưu: VT, (2b)"),
        ("left", "- Lưu: VT, Gbỳ@30", "- Lưu: VT, G6@20", None),
        ("left", "- Bộ Văn hóa —Thể@45 thao", "- Bộ Văn hóa ~Thể thao", None),
        # Sure words are left alone, whatever they read as.
        ("left", "- Sở Tài chính ăn@10 phòng", "- Sở Nội vụ, Văn phòng", "- Sở Tài chính Văn phòng"),
        # A line that else is sure: a word, or several instead of one; no numbers, which a pen may have written.
        (
            "text",
            "được cấp có thâm@4 quyền phê duyệt",
            "được cấp có thẩm quyền phê duyệt",
            "được cấp có thẩm quyền phê duyệt",
        ),
        ("text", "tỉnh có 1l38@4 hộ nghèo mới", "tỉnh có 1138 hộ nghèo mới", None),
        ("text", "được cấp có thâm@40 quyền phê duyệt", "được cấp có thẩm quyền phê duyệt", None),
        ("right", "LIÊN ĐĐÀN@0 LAO ĐỘNG TỈNH", "LIÊN ĐOÀN LAO ĐỘNG TỈNH", "LIÊN ĐOÀN LAO ĐỘNG TỈNH"),
        ("right", "Hà Nội, ngày Ÿ@4 tháng năm 2010", "Hà Nội, ngày 9 tháng năm 2010", None),
        # The pen behind a full stop is no print.
        ("text", "hiệu lực từ ngày ký. JjflÊ@0", "hiệu lực từ ngày ký. Minh", None),
        ("noise", "được cấp có thâm@4 quyền phê duyệt", "được cấp có thẩm quyền phê duyệt", None),
    ],
)
def test_what_is_read_alone(kind: str, before: str, again: str, after: str | None) -> None:
    (zone,) = zone_of(kind, [doubted(before)])  # type: ignore[arg-type]
    reader = Reader(doubted(again))
    assert texts(read_alone([zone], WIDTH, [], [reader])) == (None if after is None else [after])


def test_a_stroke_that_reaches_far_out_of_a_line_is_left_out_of_its_place() -> None:
    written = doubted("được cấp có thâm@4 quyền phê duyệt")
    tall = replace(written, box=written.box._replace(top=200, bottom=700))
    reader = Reader(doubted("được cấp có thẩm quyền phê duyệt"))
    read_alone(zone_of("text", [tall]), WIDTH, [], [reader])
    (asked,) = reader.asked
    assert asked.height < 4 * written.x_height


def test_lists_are_read_in_each_way_until_they_are_sure_and_text_once() -> None:
    item, text = doubted("- Sở Tài chánh;@10"), doubted("được cấp có thâm@4 quyền phê duyệt", 900)
    first, second = Reader(doubted("- Sở Tài chính;@60")), Reader(doubted("- Sở Tài chính;"))
    found = read_alone(zone_of("text", [item, text]), WIDTH, [], [first, second])
    assert texts(found) == ["- Sở Tài chính;", text.text]
    assert (len(first.asked), len(second.asked)) == (2, 1)


def test_a_page_without_such_words_is_not_read_again() -> None:
    reader = Reader()
    assert read_alone(zone_of("text", [doubted("- Sở Tài chính;"), doubted("Nội dung")]), WIDTH, [], [reader]) is None
    assert not reader.asked


def zone_with(*rows: str) -> tuple[Zone, ...]:
    return zone_of("left", [doubted(row, 500 + 75 * at) for at, row in enumerate(rows)])


def rim(word: Word) -> Seal:
    """A seal whose rim runs through a word."""
    return Seal(word.box.right + 190, round(word.box.y), 200, np.zeros(1))


@pytest.mark.parametrize(
    ("rows", "parted"),
    [
        (["- Đại diện tại nước 4u@34", "ngoài;"], ["- Đại diện tại nước", "4u", "ngoài;"]),
        (["- Đại diện; *#@41", "- Lưu: VT."], ["- Đại diện;", "*#", "- Lưu: VT."]),
        # It may be a word that the seal covers, and then the item is not whole.
        (["- Sở Kế hoạch và Đu@34", "- Lưu: VT."], None),
        (["- Đại diện; Website@34", "- Lưu: VT."], None),
    ],
)
def test_the_rim_of_a_seal_at_the_end_of_an_item(rows: list[str], parted: list[str] | None) -> None:
    zones = zone_with(*rows)
    seal = rim(lines_of(zones)[0].words[-1])
    assert texts(read_alone(zones, WIDTH, [seal], [Reader()])) == parted


def test_a_label_is_read_without_the_dots_behind_it() -> None:
    form = doubted("6) Chức 01...@45 .....................@9")
    reader = Reader(doubted("6) Chức vụ: ..."))
    assert texts(read_alone(zone_of("text", [form]), WIDTH, [], [reader])) == ["6) Chức vụ: ... ....................."]
    (asked,) = reader.asked
    assert asked.right < form.words[-1].box.left


@pytest.mark.parametrize(
    ("again", "after"),
    [
        ("số liệu báo cáo@45 về@41 Phòng qua bộ phận", "số liệu báo cáo về Phòng qua bộ phận"),
        ("số liệu báo ca~o Phòng qua bộ phận", None),
        ("số liệu báo c@90 Phòng qua bộ phận", None),
        ("số liệu báo x2vy@10 Phòng qua bộ phận", None),
    ],
)
def test_a_word_lost_in_a_hole_of_a_line(again: str, after: str | None) -> None:
    """A stroke of the pen took a word and a half with it: what is read there now stands there, with its doubt."""
    whole = doubted("số liệu báo cáovề Phòng qua bộ phận")
    torn = of_words(
        whole,
        [
            replace(w, text="c", box=w.box._replace(right=w.box.left + 22)) if w.text == "cáovề" else w
            for w in whole.words
        ],
    )
    found = read_alone(zone_of("text", [torn]), WIDTH, [], [Reader(spread(doubted(again), whole))])
    assert texts(found) == (None if after is None else [after])


def spread(again: Line, whole: Line) -> Line:
    """A reading, its words moved to where those of the line stand: the last ones at its end."""
    off = whole.box.right - again.box.right
    moved = [word if at < 3 else replace(word, box=word.box.moved(off)) for at, word in enumerate(again.words)]
    return of_words(again, moved)


# -- what a seal's ring runs through ----------------------------------------------------------------------------------


def ringed(x: int, y: int, *radii: int) -> Seal:
    """A seal whose rings, three pixels wide, have these radii."""
    inked = np.zeros(max(radii) + 20)
    for radius in radii:
        inked[radius - 1 : radius + 2] = 0.9
    return Seal(x, y, max(radii), inked)


@pytest.mark.parametrize(
    ("box", "touched"),
    [
        (Box(1190, 980, 1220, 1020), True),  # on the rim
        (Box(1100, 980, 1130, 1020), True),  # on the inner ring
        (Box(900, 700, 1300, 1300), True),  # around all of it
        (Box(1140, 980, 1170, 1020), False),  # between the two
        (Box(1225, 980, 1300, 1020), False),  # outside
        (Box(990, 990, 1010, 1010), False),  # in the middle
    ],
)
def test_a_box_is_touched_where_a_ring_runs(box: Box, touched: bool) -> None:
    assert ringed(1000, 1000, 110, 200).rings_touch(box) == touched


def test_digits_under_a_ring_are_not_believed() -> None:
    set_line = line("Hà Sơn, ngày 23 tháng 4 năm 2020<", "R", 500)
    sure = [
        replace(word, letters=tuple(letter(c, ((c, 95),)) for c in word.text), confidence=96.0)
        for word in set_line.words
    ]
    day, place = sure[3], sure[0]
    seals = [ringed(day.box.left - 150, round(day.box.y), 160), ringed(place.box.right + 150, round(place.box.y), 160)]
    (zone,) = _doubted_digits([Zone("right", (of_words(set_line, sure),), set_line.box)], seals[:1])
    found = {word.text: word for word in zone.lines[0].words}
    assert found["23"].confidence == 30
    assert [one.choices for one in found["23"].letters] == [(("2", 30),), (("3", 30),)]
    assert {word.confidence for text, word in found.items() if text != "23"} == {96.0}
    # A word without digits is left to those who read what lies about seals.
    (zone,) = _doubted_digits([Zone("right", (of_words(set_line, sure),), set_line.box)], seals[1:])
    assert {word.confidence for word in zone.lines[0].words} == {96.0}
