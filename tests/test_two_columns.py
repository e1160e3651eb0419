"""Lines side by side: two columns, or one line that was torn in two."""

from __future__ import annotations

import pytest

from ocr.layout.two_columns import columns_and_text, rows_of
from ocr.page import Line, of_words
from tests.typeset import WIDTH, line

FULL = (
    "được thực hiện đúng nguyên tắc của mọi người; giải quyết đúng trình tự",
    "thủ tục, không để xảy ra sai sót và gây phiền hà cho các tổ chức",
    "trên địa bàn thành phố; phối hợp chặt chẽ với ngành Giáo dục trong",
    "công tác tuyên truyền, vận động nhân dân thực hiện nếp sống mới",
)


def pieces(text: str, at: int, gap: int = 0) -> list[Line]:
    """A justified line torn before a word, and how much wider the gap there is."""
    whole = line(text, "T", 500)
    left, right = of_words(whole, whole.words[:at]), of_words(whole, whole.words[at:])
    return [of_words(left, [word for word in left.words if word.box.right < right.box.left - gap]), right]


@pytest.mark.parametrize("at", [3, 6, 9])
def test_a_torn_line_of_running_text_is_one(at: int) -> None:
    lines = [*pieces(FULL[0], at), *(line(text, "T", 575 + 75 * n) for n, text in enumerate(FULL[1:]))]
    (zone,) = columns_and_text(rows_of(lines), WIDTH)
    assert zone.kind == "text"
    assert [one.text for one in zone.lines] == [FULL[0], *FULL[1:]]


def test_columns_stay_columns() -> None:
    """A wide gap, and lines that no other begins and ends like."""
    text = [line(one, "T", 725 + 75 * n) for n, one in enumerate(FULL[1:])]
    wide = columns_and_text(rows_of([*pieces(FULL[0], 6, gap=120), *text]), WIDTH)
    assert [zone.kind for zone in wide] == ["left", "right", "text"]
    letterhead = [line("ỦY BAN NHÂN DÂN TỈNH HÀ SƠN VÀ SỞ", "L", 500), line("CỘNG HÒA XÃ HỘI", "R", 500)]
    assert [zone.kind for zone in columns_and_text(rows_of([*letterhead, *text]), WIDTH)] == ["left", "right", "text"]


def test_a_row_between_lines_that_run_across_its_gap_is_torn() -> None:
    """However ragged the lines are, and wide the gap that a stroke of the pen left."""
    rows = [line(one + "<", "T", 425 + 150 * n) for n, one in enumerate(FULL[:2])]
    torn = line(FULL[2] + "<", "T", 500)
    left, right = of_words(torn, torn.words[:5]), of_words(torn, torn.words[7:])
    zones = columns_and_text(rows_of([rows[0], left, right, rows[1]]), WIDTH)
    assert [zone.kind for zone in zones] == ["text"]
    apart = columns_and_text(rows_of([rows[0], left, right]), WIDTH)  # a list and a signature below the text
    assert [zone.kind for zone in apart] == ["text", "left", "right"]
