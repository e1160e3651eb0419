"""What the page says about each candidate."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from normalize.repair.channel import CONFIDENCES, UNLISTED, competitors, cost, kind_of, load_channel, rank
from ocr.page import Letter


@pytest.mark.parametrize(
    ("printed", "read", "kind"),
    [
        ("ố", "ô", "hat sac>level"),
        ("Ổ", "ô", "hat hoi>level"),
        ("ư", "u", "horn>plain"),
        ("ằ", "ấ", "breve>hat huyen>sac"),
        ("đ", "d", "bar>plain"),
        ("a", "a", ""),
        ("o", "u", None),
        ("n", "m", None),
    ],
)
def test_kind(printed: str, read: str, kind: str | None) -> None:
    assert kind_of(printed, read) == kind


@given(st.integers(0, 100))
def test_a_surer_competitor_is_never_dearer(confidence: int) -> None:
    letter = Letter("ô", (("ô", 95), ("ố", confidence)))
    listed = load_channel().listed
    assert listed[rank(letter, "ố")] <= listed[rank(Letter("ô", (("ố", max(0, confidence - 20)),)), "ố")]
    assert rank(letter, "ộ") == UNLISTED
    assert len(listed) == len(CONFIDENCES) + 1


def test_the_syllable_as_read_costs_nothing() -> None:
    assert cost(load_channel(), "thông", "thông", ()) == 0


def test_the_page_is_believed() -> None:
    page = tuple(Letter(c, ((c, 96), ("ố", 52)) if c == "ô" else ()) for c in "thông")
    quiet = tuple(Letter(c, ((c, 96),)) for c in "thông")
    doubted, unlisted = cost(load_channel(), "thống", "thông", page), cost(load_channel(), "thống", "thông", quiet)
    assert 0 < doubted < unlisted - 3


def test_a_letter_that_was_not_listed_is_cheaper_in_doubt() -> None:
    quiet = (Letter("t"), Letter("ô", (("ô", 96), ("ồ", 0))))
    doubtful_ = (Letter("t"), Letter("ô", (("ô", 90), ("ồ", 40))))
    assert cost(load_channel(), "tổ", "tô", doubtful_) < cost(load_channel(), "tổ", "tô", quiet)


def test_letters_of_another_base_must_compete() -> None:
    letter = Letter("n", (("n", 92), ("M", 62), ("ñ", 40), ("h", 9), ("5", 30), ("rn", 30)))
    assert competitors(letter) == ("m",)
    assert competitors(Letter("ô", (("ô", 90), ("ố", 60)))) == ()
    page = (letter, *(Letter(c, ((c, 96),)) for c in "inh"))
    assert 0 < cost(load_channel(), "minh", "ninh", page) < load_channel().listed[UNLISTED]


def test_case_does_not_matter_to_evidence() -> None:
    page = (Letter("T"), Letter("Ô", (("Ô", 90), ("ố", 30))))
    assert cost(load_channel(), "TỐ", "TÔ", page) < cost(load_channel(), "TỘ", "TÔ", page)
