"""What the strict columns of the benchmark count, and what they do not forgive."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.strict import Exact, apart, exact, same_figures, same_lines, same_notes, same_references, same_words

GOLD: dict[str, Any] = {
    "blocks": [
        {"kind": "title", "text": "BÁO CÁO"},
        {"kind": "p", "text": "Tổng vốn 27,4 tỷ đồng[^1]; diện tích 1.250 m²."},
    ],
    "footnotes": {"1": "Gồm 12 dự án."},
    "letterhead": {"left": ["UBND"], "right": ["CỘNG HÒA"], "number": "Số: 7/BC", "place": "Bình Lâm, ngày 2"},
    "signature": {"left": ["Nơi nhận:", "- Lưu: VT."], "right": ["CHỦ TỊCH"], "name": "Lò Văn Tư"},
}
TEXTS = {
    "letterhead": ["UBND", "Số: 7/BC", "CỘNG HÒA", "Bình Lâm, ngày 2"],
    "title": ["BÁO CÁO"],
    "paragraph": ["Tổng vốn 27,4 tỷ đồng[^1]; diện tích 1.250 m²."],
    "recipients": ["Nơi nhận:", "- Lưu: VT."],
    "signature": ["CHỦ TỊCH", "Lò Văn Tư"],
}


def record(note: str = "Gồm 12 dự án.", **texts: list[str]) -> dict[str, Any]:
    """A published record with the texts of the gold, but for those given."""
    blocks = [{"type": kind, "text": text} for kind, own in {**TEXTS, **texts}.items() for text in own]
    return {"blocks": blocks, "footnotes": [{"label": "1", "text": note}]}


def counts(found: Any) -> dict[str, str]:
    return {name: str(getattr(found, name)) for name in ("notes", "references", "letterhead", "signature", "figures")}


ALL_RIGHT = {"notes": "1/1", "references": "1/1", "letterhead": "4/4", "signature": "4/4", "figures": "4/4"}


@pytest.mark.parametrize(
    ("published", "differs"),
    [
        (record(), {}),
        (record("Gồm 12 dự án"), {"notes": "0/1"}),  # one full stop
        (record("Gồm 12 dự án. "), {}),
        (record("Gồm 72 dự án."), {"notes": "0/1", "figures": "3/4"}),
        (record(paragraph=["Tổng vốn 27A tỷ đồng[^1]; diện tích 1.250 m²."]), {"figures": "3/4"}),
        (record(paragraph=["Tổng vốn 27,4 tỷ đồng[^1]; diện tích 1.250 m."]), {"figures": "3/4"}),
        (record(paragraph=["Tổng vốn 27,4 tỷ đồng;[^1] diện tích 1.250 m²."]), {"references": "0/1"}),
        (record(paragraph=["Tổng vốn 27,4 tỷ đồng [^1]; diện tích 1.250 m²."]), {"references": "0/1"}),
        (record(paragraph=["Tổng vốn 27,4 tỷ đống[^1]; diện tích 1.250 m²."]), {}),
        (record(letterhead=["UBND.", "Số: 7/BC", "CỘNG HÒA", "Bình Lâm, ngày 2"]), {"letterhead": "3/4"}),
        (record(letterhead=["UBND", "Số: 7/BC", "CỘNG HÒA", "Bình Lâm, ngày 2", "IV Xu"]), {"letterhead": "4/5"}),
        (record(signature=["CHỦ TỊCH", "Lò Vân Tư"]), {"signature": "3/4"}),
    ],
)
def test_one_sign_is_enough(published: dict[str, Any], differs: dict[str, str]) -> None:
    assert counts(exact(GOLD, published)) == ALL_RIGHT | differs


def test_a_gold_without_letterhead_and_signature_asks_for_none() -> None:
    found = exact({"blocks": GOLD["blocks"], "footnotes": {}}, record())
    assert found.letterhead == found.signature == Exact(0)


def test_notes_that_nobody_printed_count() -> None:
    assert str(same_notes({"1": "một"}, {"1": "một", "2": "hai"})) == "1/2"
    assert str(same_references(["một[^1]"], ["một[^1] hai[^2]"])) == "1/2"
    assert str(same_figures("body", ["12", "xã"], ["12", "xã", "7"])) == "1/2"


def test_a_note_of_two_paragraphs_is_not_one_of_one() -> None:
    assert str(same_notes({"1": "một\nhai"}, {"1": "một hai"})) == "0/1"


def test_what_differs_is_shown_with_what_stands_around_it() -> None:
    right = "a b c d e cm x 30 cm; bó f g h i"
    assert apart(right, right.replace("cm", "em")) == ("c d e cm x 30 cm; bó f g", "c d e em x 30 em; bó f g")
    (one,) = same_figures("note 3", ["tăng", "27,4", "tỷ"], ["tăng", "27A", "tỷ"]).differences
    assert str(one) == "figure in note 3: printed '27,4', published 'tăng 27A tỷ'"


WORDS = st.lists(st.sampled_from(["xã", "12", "4,2", "m²", "hộ.", "–"]), max_size=12)


@given(WORDS, WORDS)
def test_right_and_different_are_all_there_is(printed: list[str], published: list[str]) -> None:
    for found in (
        same_words(printed, published),
        same_figures("body", printed, published),
        same_lines("letterhead", printed, published),
    ):
        assert 0 <= found.right <= found.of
        assert printed != published or not found.differences
    if printed != published:
        assert same_words(printed, published).differences
        assert same_lines("letterhead", printed, published).differences
