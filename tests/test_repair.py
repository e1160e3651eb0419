"""Repair: what must change, what must not, and that every change can be undone."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from normalize.document import Block, Document, Footnote, Metadata, Reference, Source, Token, Tokens
from normalize.facts.metadata import read_metadata
from normalize.repair.candidates import frozen
from normalize.repair.repair import repair, undo
from normalize.repair.rules.abbreviations import abbreviations
from normalize.vietnamese.language import load_language_model
from ocr.page import Box, Letter

CASES = json.loads((Path(__file__).parent / "cases" / "repair.json").read_text(encoding="utf-8"))
SMALL_CAPITALS = json.loads((Path(__file__).parent / "cases" / "small_capitals.json").read_text(encoding="utf-8"))
ABBREVIATIONS = json.loads((Path(__file__).parent / "cases" / "abbreviations.json").read_text(encoding="utf-8"))
SOURCE = Source("test.pdf", "", 1, 0)


def document(*texts: str, notes: tuple[str, ...] = ()) -> Document:
    return Document(
        SOURCE,
        tuple(Block("paragraph", tuple(map(Token, text.split()))) for text in texts),
        tuple(
            Footnote(str(number), str(number), (tuple(map(Token, text.split())),))
            for number, text in enumerate(notes, 1)
        ),
    )


def as_read(text: str, doubts: dict[str, tuple[tuple[str, int], ...]], where: str) -> Token:
    """A token whose letters carry ``doubts`` where the token is ``where``, and none elsewhere."""
    letters = tuple(Letter(c, doubts.get(c, ((c, 96),)) if text == where else ((c, 96),)) for c in text)
    return Token(text, 1, Box(0, 0, 9, 9), 95.0, letters)


def of_page(text: str, shown: int) -> Document:
    """A paragraph of a page that showed a Đ with a confidence beside every D; below 0, that doubted nothing."""
    doubts = {"D": (("D", 80), ("Đ", shown))} if shown >= 0 else {}
    tokens = tuple(as_read(word, doubts, word) for word in text.split())
    return Document(SOURCE, (Block("paragraph", tokens),))


@pytest.mark.parametrize("case", CASES, ids=[case["label"] for case in CASES])
@pytest.mark.parametrize("mode", ["safe", "full"])
def test_cases(case: dict[str, str | None], mode: str) -> None:
    before = document(str(case["before"]))
    after = repair(before, mode)
    assert after.blocks[0].text == (case["after"] or case["before"])
    assert bool(after.corrections) == bool(case["after"])
    assert list(undo(after).texts()) == list(before.texts())


@pytest.mark.parametrize("case", SMALL_CAPITALS, ids=[case["label"] for case in SMALL_CAPITALS])
def test_small_capitals(case: dict[str, Any]) -> None:
    shown = case.get("shown", {})
    words = case["before"].split()
    doubts = {c: ((c, 87), (shown[c], 55)) for c in shown}
    before = Document(SOURCE, (Block("paragraph", tuple(as_read(word, doubts, word) for word in words)),))
    after = repair(before)
    assert after.blocks[0].text == (case["after"] or case["before"])
    assert undo(after) == before


@pytest.mark.parametrize("case", ABBREVIATIONS, ids=[case["label"] for case in ABBREVIATIONS])
def test_abbreviations(case: dict[str, Any]) -> None:
    before = of_page(case["before"], case["shown"]) if "shown" in case else document(case["before"])
    found = list(abbreviations(before, load_language_model()))
    assert bool(found) == bool(case["after"])
    after = repair(before)
    if found:
        assert after.blocks[0].text == case["after"]
    assert undo(after) == before


def test_off_changes_nothing() -> None:
    before = document("còn chông chéo")
    assert repair(before, "off") is before


def test_an_unknown_mode_is_refused() -> None:
    with pytest.raises(ValueError, match="safe"):
        repair(document("a"), "bold")


def test_the_page_decides_where_the_language_cannot() -> None:
    """ "số" and "sổ" both fit here: the letter that competed makes the difference, and without one nothing changes."""
    text = ["thực", "hiện", "tô", "chức", "lại", "cơ", "quan"]
    doubts = {"ô": (("ô", 95), ("ổ", 52), ("ố", 3))}
    doubted = Document(SOURCE, (Block("paragraph", tuple(as_read(w, doubts, "tô") for w in text)),))
    (correction,) = repair(doubted).corrections
    assert (correction.before, correction.after, correction.kind) == ("tô", "tổ", "tone")
    assert "ổ (52)" in correction.evidence
    assert correction.page == 1 and correction.box == Box(0, 0, 9, 9)


@pytest.mark.parametrize(
    ("text", "where"), [("chặt hạ cành, cây khô chết", "cành,"), ("tà đạo, đạo lạ trái pháp luật", "lạ")]
)
def test_a_letter_without_competitor_is_not_overruled_lightly(text: str, where: str) -> None:
    quiet = Document(SOURCE, (Block("paragraph", tuple(as_read(word, {}, where) for word in text.split())),))
    assert not repair(quiet).corrections


def test_a_name_that_the_page_does_not_doubt_stays() -> None:
    text = ["Bà", "Hoàng", "Thị", "Ngân", "ở", "thôn", "Nà", "Sâm"]
    quiet = Document(SOURCE, (Block("paragraph", tuple(as_read(word, {}, "") for word in text)),))
    assert not repair(quiet, "full").corrections


def test_a_name_is_read_as_elsewhere_in_the_document() -> None:
    texts = ["Ủy ban nhân dân thành phố Lạng Sơn"] * 6 + ["Hội đồng nhân dân thành phố Lang Sơn"]
    assert repair(document(*texts)).blocks[-1].text.endswith("thành phố Lạng Sơn")


def test_a_long_clean_text_keeps_its_rare_words() -> None:
    """Where thousands of words are without error, a change that is hardly sure is not made."""
    clean = ["Ủy ban nhân dân thành phố phấn đấu hoàn thành các chỉ tiêu kế hoạch năm được giao."] * 600
    doubtful = "đối tượng trong các đợi xung kích"
    assert repair(document(doubtful, *clean[:10])).corrections
    assert not repair(document(doubtful, *clean)).corrections
    assert repair(document("bảo đảm an ninh chính tri, trật tự an toàn xã hội", *clean)).corrections


def test_references_stay_at_their_character() -> None:
    tokens = (
        Token("còn"),
        Token("chông"),
        Token("chéo.", references=(Reference(4, "12"),)),
        Token("Thành"),
        Token("phố"),
        Token("phân", references=(Reference(4, "13"),)),
        Token("đầu", references=(Reference(0, "14"), Reference(3, "15"))),
        Token("hoàn"),
        Token("thành"),
    )
    before = Document(SOURCE, (Block("paragraph", tokens),))
    after = repair(before)
    assert after.blocks[0].text == "còn chồng chéo[^12]. Thành phố phấn[^13] [^14]đấu[^15] hoàn thành"
    text = after.blocks[0].text
    for correction in after.corrections:
        assert text[correction.start :].startswith(correction.after)
    assert list(undo(after).texts()) == list(before.texts())


def test_table_cells_change_with_their_words() -> None:
    tokens = tuple(map(Token, ["Nhiệm", "vụ", "chông", "chéo", "12,5"]))
    before = Document(SOURCE, (Block("table", tokens, rows=(("Nhiệm vụ chông chéo", "12,5"),)),))
    after = repair(before)
    assert after.blocks[0].rows == (("Nhiệm vụ chồng chéo", "12,5"),)
    assert undo(after).blocks == before.blocks


def test_corrections_are_in_the_order_of_the_document() -> None:
    after = repair(document("còn chông chéo", "giải phóng mặt băng", notes=("Phôi hợp với các cơ quan liên quan",)))
    assert [c.where for c in after.corrections] == ["blocks/0", "blocks/1", "footnotes/1/0"]


def test_repairing_again_starts_from_the_text_as_read() -> None:
    before = document("còn chông chéo", "Thành phố phân đầu hoàn thành")
    once = repair(before, "safe")
    assert repair(once, "safe") == once
    assert repair(once, "full") == repair(before, "full")


@pytest.mark.parametrize(
    ("word", "near", "wanted"),
    [
        ("UBND", ["của"], True),
        ("PHÂN", ["ĐẤU"], False),
        ("TU", ["của"], True),
        ("set", ["một"], False),
        ("in", ["Microsoft"], True),
    ],
)
def test_frozen(word: str, near: list[str], wanted: bool) -> None:
    assert frozen(word, near) is wanted


WORDS = st.sampled_from(
    [
        "chông",
        "chéo",
        "phân",
        "đầu",
        "thành",
        "phố",
        "Lang",
        "Sơn",
        "12,5",
        "tỷ",
        "559/BC-UBND",
        "Ðiều",
        "UBND",
        "tô",
        "chức",
        "thông",
        "kê",
        "Quôc",
        "hội",
        "(mặt",
        "băng),",
        "hoà",
        "sỐ",
        "Covid",
        "nhiệm",
        "vụ;",
        "kế",
        "hoạch.",
        "gấp",
        "gỡ",
        "có",
        "gắng",
        "Phôi",
        "hợp",
        "đơn",
        "đốc",
        "quận",
        "3/4",
        "m2",
        "a)",
        "-",
        "hop@thu.vn",
        "QĐÐ-ÐĐT,",
        "QÐ-ĐÐ",
        "KHEN",
        "THƯƠNG",
        "tổ.chức",
        "kỷ-cương",
        "triển'khai",
        "I8",
        "Ø7",
        "HI.",
        "№i",
        "nhn:",
    ]
)


LOOKS_LIKE = {"I": "1", "l": "1", "i": "1", "Ø": "0", "O": "0", "o": "0", "b": "6", "B": "8", "S": "5", "Z": "2"}
"""Digits that a page shows nearly as well as the letter that was read."""


@st.composite
def documents(draw: st.DrawFn) -> Document:
    texts = draw(st.lists(st.lists(WORDS, min_size=1, max_size=12), min_size=1, max_size=3))
    blocks = []
    for words in texts:
        tokens = []
        for word in words:
            offsets = sorted(draw(st.lists(st.integers(0, len(word)), max_size=2)))
            references = tuple(Reference(offset, str(draw(st.integers(1, 120)))) for offset in offsets)
            rivals = draw(st.sampled_from([{}, LOOKS_LIKE, None]))
            letters = () if rivals is None else tuple(Letter(c, ((c, 90), (rivals.get(c, "ổ"), 40))) for c in word)
            tokens.append(Token(word, 1, Box(0, 0, 1, 1), 90.0, letters, references))
        blocks.append(Block("paragraph", tuple(tokens)))
    note = Footnote("7", "1", (blocks[0].tokens, blocks[-1].tokens))
    return Document(SOURCE, tuple(blocks), (note,))


SHOWN_AS_A_DIGIT = as_read("Ø7", {"Ø": (("Ø", 90), ("0", 40))}, "Ø7")


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(documents(), st.sampled_from(["safe", "full"]))
@example(Document(SOURCE, (Block("paragraph", (SHOWN_AS_A_DIGIT,)),)), "safe")
@example(Document(SOURCE, (Block("paragraph", (SHOWN_AS_A_DIGIT, as_read("tổ.chức", {}, ""))),)), "safe")
def test_undo_gives_the_text_as_read(before: Document, mode: str) -> None:
    after = repair(before, mode)
    assert undo(after) == before
    texts = {where: " ".join(token.published for token in tokens) for where, tokens in after.texts()}
    for correction in after.corrections:
        end = correction.start + len(correction.after)
        assert texts[correction.where][correction.start : end] == correction.after
        assert 0 < correction.probability <= 1
    for (_, read), (_, mended) in zip(before.texts(), after.texts(), strict=True):
        if len(read) != len(mended):  # words were parted: the digits stay in their order
            assert are_the_same_numbers(read, mended)
            continue
        for one, other in zip(read, mended, strict=True):
            assert digits(one.text) == digits(other.text) or is_shown_by_the_page(one, other.text)


def are_the_same_numbers(read: Tokens, mended: Tokens) -> bool:
    """Whether the digits stand in their order, where words were parted, and none came in that no page shows."""
    left = [token.text for token in mended if digits(token.text)]
    for token in read:
        same = bool(left) and (digits(token.text) == digits(left[0]) or is_shown_by_the_page(token, left[0]))
        if digits(token.text) and not same:
            return False
        if same:
            left.pop(0)
    return not left


def digits(text: str) -> str:
    return re.sub(r"\D", "", text)


def is_shown_by_the_page(read: Token, mended: str) -> bool:
    """Whether every digit that was read stays, and each that came in is one that the page shows for that letter."""
    return len(read.text) == len(mended) == len(read.letters) and all(
        before == after or (not before.isdigit() and (not after.isdigit() or after in dict(letter.choices)))
        for before, after, letter in zip(read.text, mended, read.letters, strict=True)
    )


def repaired_again(before: Document, mode: str = "safe") -> set[tuple[str, str]]:
    """What a repair changes in a text that was repaired already; the same word in two places counts once."""
    once = replace(repair(before, mode), corrections=())
    return {(one.before, one.after) for one in repair(once, mode).corrections}


@pytest.mark.parametrize("case", CASES + ABBREVIATIONS, ids=[case["label"] for case in CASES + ABBREVIATIONS])
@pytest.mark.parametrize("mode", ["safe", "full"])
def test_what_was_repaired_needs_no_repair(case: dict[str, Any], mode: str) -> None:
    assert repaired_again(document(case["before"]), mode) == set()


@settings(max_examples=100)
@given(documents(), st.sampled_from(["safe", "full"]))
def test_words_in_any_order_that_were_repaired_hardly_need_repair(before: Document, mode: str) -> None:
    """One word may be left: of 25,000 documents 13 had one that its mended neighbours, or the count of changes made,
    brought just over what is sure enough ("Phôi hợp", "Quôc hội", "thông kê", "gấp gỡ"); none had two."""
    assert len(repaired_again(before, mode)) <= 1


def test_metadata_follow_the_text_and_come_back() -> None:
    texts = ["Số: 559/BC-UBND", "BÁO CÁO", "Kết quả công tác giải phóng mặt băng", "Thành phố phân đầu hoàn thành."]
    kinds = ["letterhead", "title", "title", "paragraph"]
    blocks = tuple(Block(kind, tuple(map(Token, text.split())), 1) for kind, text in zip(kinds, texts, strict=True))
    before = Document(SOURCE, blocks, metadata=read_metadata(blocks))
    after = repair(before)
    assert after.metadata == read_metadata(after.blocks)
    assert (after.metadata.number, after.metadata.symbol) == ("559", "BC-UBND")
    assert after.metadata.subject == "Kết quả công tác giải phóng mặt bằng"
    assert undo(after) == before


def test_metadata_that_somebody_set_stay() -> None:
    before = replace(document("BÁO CÁO", "giải phóng mặt băng"), metadata=Metadata(subject="đặt bằng tay"))
    assert repair(before).metadata == before.metadata
