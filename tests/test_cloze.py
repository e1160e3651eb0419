"""The network that says which of the syllables of the same letters stands in a gap."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from normalize.vietnamese.cloze import MOST, REACH, gaps, load_cloze
from normalize.vietnamese.language import OTHER, RESERVED, START, load_language_model, symbols


def ids(text: str) -> np.ndarray:
    """The symbols of a sentence between two others."""
    model = load_language_model()
    pieces = [piece.symbol for token in text.split() for piece in symbols(token)]
    return np.array([START, *map(model.id, pieces), START], np.int64)


def odds(text: str, right: str, wrong: str) -> float:
    """What the network says of ``right`` beside ``wrong`` where the text has one of them."""
    model, cloze, read = load_language_model(), load_cloze(), ids(text)
    one, two = model.id(right), model.id(wrong)
    at = np.flatnonzero(np.isin(read, (one, two)))[:1]
    return float(cloze.odds(cloze.vectors(gaps(read, at)), np.array([one]), np.array([two]))[0])


SENTENCES = [
    ("ngăn chặn được sự truy cập trái phép từ bên ngoài", "sự", "sử"),
    ("Bộ Xây dựng nhất trí đối với đề nghị của tỉnh", "nhất", "nhật"),
    ("các phương tiện lưu thông qua cửa khẩu phải được kiểm tra", "cửa", "của"),
    ("nội dung văn bản được gửi đến các cơ quan", "bản", "bán"),
]


@pytest.mark.parametrize(("text", "right", "wrong"), SENTENCES)
def test_it_knows_what_goes_with_what(text: str, right: str, wrong: str) -> None:
    assert odds(text, right, wrong) > 1
    assert odds(text.replace(right, wrong), right, wrong) == pytest.approx(odds(text, right, wrong))


def test_what_stands_in_the_gap_is_not_looked_at() -> None:
    cloze, around = load_cloze(), gaps(ids("Ủy ban nhân dân huyện chủ trì, phối hợp"), np.array([4]))
    other = around.copy()
    other[:, REACH] = OTHER
    assert np.array_equal(cloze.vectors(around), cloze.vectors(other))


_SYMBOLS = st.integers(0, len(load_language_model().words) + 3)


@given(st.lists(_SYMBOLS, min_size=1, max_size=90), _SYMBOLS, _SYMBOLS, st.data())
def test_odds_of_any_symbols_are_bounded_and_turn_round(
    text: list[int], one: int, two: int, data: st.DataObject
) -> None:
    """An office's own words, which the network does not know, have odds of 0."""
    cloze, read = load_cloze(), np.array(text, np.int64)
    vectors = cloze.vectors(gaps(read, np.array([data.draw(st.integers(0, len(text) - 1))])))
    first, second = np.array([one]), np.array([two])
    found = float(cloze.odds(vectors, first, second)[0])
    assert abs(found) <= MOST
    assert found == pytest.approx(-float(cloze.odds(vectors, second, first)[0]), abs=1e-3)
    if max(one, two) >= len(cloze.bias) or min(one, two) < len(RESERVED):
        assert found == 0


def test_no_gaps_have_no_vectors() -> None:
    cloze, none = load_cloze(), np.zeros(0, np.int64)
    vectors = cloze.vectors(gaps(ids("một"), none))
    assert vectors.shape[0] == 0
    assert cloze.odds(vectors, none, none).shape == (0,)
