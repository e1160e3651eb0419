"""What the document has elsewhere speaks for a reading on a page, as far as the page shows it, and no further."""

from __future__ import annotations

import pytest

from normalize.document import Block, Document, Source, Token
from normalize.repair.repair import repair, undo
from ocr.page import Box, Letter

SHOWN = {"ê": (("ê", 93), ("ệ", 16), ("ề", 0))}
"""Of a word: "liêu" was read, and of what was printed there was a trace."""


def read(*paragraphs: str, doubted: str, shown: dict[str, tuple[tuple[str, int], ...]]) -> Document:
    """A page; where this word stands, these letters competed."""

    def token(word: str) -> Token:
        doubts = shown if word.strip(",.;") == doubted else {}
        letters = tuple(Letter(c, doubts.get(c, ((c, 96),))) for c in word)
        return Token(word, 1, Box(0, 0, 9, 9), 95.0, letters)

    blocks = tuple(Block("paragraph", tuple(map(token, text.split()))) for text in paragraphs)
    return Document(Source("test.pdf", "", 1, 0), blocks)


PLACE = "18.400 liều vắc xin; 23.150 liêu cho lợn."


@pytest.mark.parametrize(
    ("elsewhere", "becomes"),
    [
        ("", "liêu"),
        ("Đã tiêm 5.600 liều cho chó, mèo.", "liều"),
        ("Đã tiêm 5.600 liều cho chó, mèo và 300 liều cho trâu, bò.", "liều"),
        ("Số liều tiêm đạt kế hoạch.", "liêu"),  # beside no such neighbour
        ("Đã tiêm 5.600 liều cho chó; nhà ông Liêu cho mượn; 40 liêu cho mèo.", "liêu"),  # read both ways
    ],
)
def test_a_phrase_of_the_document_decides_between_what_the_page_shows(elsewhere: str, becomes: str) -> None:
    before = read(*filter(None, (PLACE, elsewhere)), doubted="liêu", shown=SHOWN)
    after = repair(before)
    assert after.blocks[0].text == PLACE.replace("liêu", becomes)
    assert undo(after) == before
    assert repair(after) == after
    told = [one.evidence for one in after.corrections if one.after == "liều"]
    assert all("beside the same word the document has it" in why for why in told)
    assert bool(told) == (becomes == "liều")


def test_a_letter_that_the_page_does_not_doubt_stays() -> None:
    before = read(PLACE, "Đã tiêm 5.600 liều cho chó, mèo.", doubted="liêu", shown={})
    assert repair(before) == before


@pytest.mark.parametrize("name", ["Trần Văn Liêu", "Liêu Thị Hoa"])
def test_a_name_stays(name: str) -> None:
    before = read(f"Giao ông {name} cho vay vốn.", "Đã tiêm 5.600 liều cho chó.", doubted="Liêu", shown=SHOWN)
    assert repair(before).blocks[0].text == before.blocks[0].text


def test_a_page_that_has_a_word_wrong_throughout_is_no_witness() -> None:
    """Read rightly once and wrongly five times: the one stays, and what the page doubts of the five is put right."""
    wrong = [f"Các đơn vị tô chức {what}." for what in ("hội nghị", "lễ hội", "tiếp dân", "bầu cử", "thi đấu")]
    shown = {"ổ": (("ổ", 90), ("ô", 40)), "ô": (("ô", 90), ("ổ", 40))}
    tokens = read("Sở tổ chức hội thi.", *wrong, doubted="tô", shown=shown)
    doubted = read("Sở tổ chức hội thi.", *wrong, doubted="tổ", shown=shown)
    assert all(" tổ chức " in block.text for block in repair(tokens).blocks)
    assert repair(doubted).blocks[0].text == "Sở tổ chức hội thi."
