"""The list of recipients: what the pen, the seal and braces leave beside it, and items that go on elsewhere."""

from __future__ import annotations

from dataclasses import replace

import pytest

from normalize.document import Document
from normalize.structure import recipients
from normalize.structure.build import build_document
from ocr.page import Box, Line, Word, hull, letter, of_words, zone_of
from tests.test_structure import SOURCE, head
from tests.typeset import line, page


def read(*words: tuple[str, float] | tuple[str, float, float]) -> Line:
    """A line of words, each with the confidence it was read with and how uneven its digits are."""
    set_words = line(" ".join(one[0] for one in words) + "<", "L", 500).words
    known = [
        replace(word, confidence=one[1], uneven=one[2] if len(one) > 2 else 0.0)
        for word, one in zip(set_words, words, strict=True)
    ]
    return of_words(line("x", "L", 500), known)


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        # A number of copies, a stroke, and what the rim of the seal was read as.
        ([("Lưu:", 95), ("VT,", 92), ("KTN", 90), ("(5b).", 91), ("48", 79, 0.3)], "Lưu: VT, KTN (5b)."),
        ([("Lưu:", 95), ("VT.", 92), ("$Š", 78)], "Lưu: VT."),
        ([("ngoài.", 91), ("MC”", 65), ("„`", 50), ("-", 32)], "ngoài."),
        ([("Sở;", 91), ("-", 59)], "Sở;"),
        ([("(5b).é#Q", 40)], "(5b)."),
        ([("TW;_", 90)], "TW;"),
        ([("Đài", 95), ("huyện——_", 60)], "Đài huyện"),
        ([("Đài", 95), ("huyện;", 92), ("——", 90)], "Đài huyện;"),
        # Who typed it, how many copies were printed, and a remark are print.
        ([("Lưu:", 95), ("(3b).", 92), ("ThTùng", 92)], "Lưu: (3b). ThTùng"),
        ([("Lưu:", 95), ("VT.", 92), ("“HT”", 81)], "Lưu: VT. “HT”"),
        ([("Lưu:", 95), ("VT.", 92), ("(12b)", 93)], "Lưu: VT. (12b)"),
        ([("TW;(để", 93), ("phối", 95), ("hợp)", 95)], "TW;(để phối hợp)"),
        ([("Sở", 95), ("Công", 20), ("Thương", 20)], "Sở Công Thương"),
        ([("Các", 95), ("khóa", 95), ("2008", 91), ("-", 90), ("2015;", 91)], "Các khóa 2008 - 2015;"),
    ],
)
def test_what_the_pen_left_behind_an_item(words: list[tuple[str, float]], kept: str) -> None:
    (item,) = recipients.parted(read(*words))
    assert recipients.without_pen(item).text == kept


def tall(word: Word) -> Word:
    return replace(word, box=Box(word.box.left, word.box.top - 60, word.box.right, word.box.bottom + 60))


@pytest.mark.parametrize(
    ("words", "brace", "pieces"),
    [
        ("- Các phòng, ban } Website", 4, ["- Các phòng, ban", "} Website"]),
        ("- Các phòng, ban ƒ qua mạng", 4, ["- Các phòng, ban", "} qua mạng"]),
        ("- Các phòng, ban} Website", None, ["- Các phòng, ban", "} Website"]),
        ("- Các phòng, ban }", 4, ["- Các phòng, ban", "}"]),
        ("- Các phòng (ban ) Website", None, ["- Các phòng (ban ) Website"]),
        ("- Các phòng / ban;", None, ["- Các phòng / ban;"]),
    ],
)
def test_a_brace_ends_an_item(words: str, brace: int | None, pieces: list[str]) -> None:
    row = line(words + "<", "L", 500)
    row = of_words(row, [tall(word) if at == brace else word for at, word in enumerate(row.words)])
    assert [piece.text for piece in recipients.parted(row)] == pieces


def test_a_remark_behind_a_brace_is_printed_and_is_no_recipient() -> None:
    rows = head("T >Nội dung.<", "L Nơi nhận:", "L - Như trên;", "L - Các phòng} Website", "L - Lưu: VT.")
    document = build_document([page(1, [*rows, "R CHỦ TỊCH", "R Lê Văn Đạt"])], SOURCE)
    assert document.metadata.recipients == ("- Như trên;", "- Các phòng", "- Lưu: VT.")
    assert "} Website" in [block.text for block in document.blocks if block.type == "recipients"]


def closed(rest: list[str], gap: int = 0) -> list[str]:
    """The recipients of a page whose list is parted by a stroke: its second half was laid out as text."""
    start = page(1, head("T >Nội dung.<", "L Nơi nhận:", "L - Các Bộ: Ngoại giao, Tài chính,", "R CHỦ TỊCH"))
    (item,) = (one for zone in start.zones for one in zone.lines if one.text.startswith("- Các"))
    lines = [line(text + "<", "L", round(item.baseline) + gap + 75 * (n + 1)) for n, text in enumerate(rest)]
    (zone,) = zone_of("text", lines)
    assert zone.box == hull([one.box for one in lines])
    document = build_document([replace(start, zones=(*start.zones, zone))], SOURCE)
    return list(document.metadata.recipients)


def test_an_item_goes_on_below_a_stroke() -> None:
    whole = ["- Các Bộ: Ngoại giao, Tài chính, Quốc phòng;", "- UBND thành phố;", "- Lưu: VT."]
    assert closed(["Quốc phòng;", "- UBND thành phố;", "- Lưu: VT."]) == whole


def test_text_far_below_the_list_is_text() -> None:
    assert closed(["Tài liệu gửi kèm theo công văn."], gap=300) == ["- Các Bộ: Ngoại giao, Tài chính,"]


def listed(confidence: float, text: str = "- Sở Tài chính;", letters: str | None = None) -> Document:
    """A document with a list of recipients, whose second item has a word that was read with some confidence."""
    start = page(1, head("T >Nội dung.<", "L Nơi nhận:", "L - Như trên;", f"L {text}", "L - Lưu: VT.", "R CHỦ TỊCH"))

    def doubted(one: Line) -> Line:
        if one.text != text:
            return one
        known = one.words[1].letters if letters is None else tuple(map(letter, letters))
        return of_words(
            one, [one.words[0], replace(one.words[1], confidence=confidence, letters=known), *one.words[2:]]
        )

    zones = tuple(replace(zone, lines=tuple(map(doubted, zone.lines))) for zone in start.zones)
    return build_document([replace(start, zones=zones)], SOURCE)


def test_a_list_with_a_word_that_could_not_be_read_is_left_open() -> None:
    document = listed(20.0)
    assert document.metadata.recipients == ()
    (doubt,) = (warning for warning in document.warnings if "recipients" in warning.message)
    (line_of_it,) = (block for block in document.blocks if block.text == "- Sở Tài chính;")
    assert doubt.page == 1
    assert doubt.box == line_of_it.box
    assert "recipients" not in document.parts[0].evidence


@pytest.mark.parametrize("doubted", [(60.0,), (20.0, "- Sở Tài chính;", "SỞ"), (5.0, "- – Tài chính;")])
def test_doubts_that_are_none(doubted: tuple[float, str, str]) -> None:
    """A word that is sure enough, one that was repaired, and a sign that is no word."""
    document = listed(*doubted)
    assert len(document.metadata.recipients) == 3
    assert not [warning for warning in document.warnings if "recipients" in warning.message]


def test_a_list_that_text_tears_apart_is_left_open() -> None:
    rows = head("T >Nội dung.<", "L Nơi nhận:", "L - Như trên;", "T Tài liệu gửi kèm theo văn bản này cho các đơn vị.<")
    document = build_document([page(1, [*rows, "L - Sở Tài chính;", "L - Lưu: VT.", "R CHỦ TỊCH"])], SOURCE)
    assert document.metadata.recipients == ()
    assert any("recipients" in warning.message for warning in document.warnings)
