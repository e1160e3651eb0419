"""Text that brings no page: what the rest of the document says for and against a change, and misreadings put in."""

import random

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from normalize.document import Block, Document, Source, Token
from normalize.repair.candidates import lattice
from normalize.repair.channel import load_channel
from normalize.repair.misreadings import SHARES, is_mended, kind_of_syllable, spoilt
from normalize.repair.repair import repair, undo
from normalize.repair.without_page import FEATURES, load_weights, plausible, rows, sure, weighed, weighed_pairs
from normalize.vietnamese.language import load_language_model
from normalize.vietnamese.syllable import parse, skeleton

PLAN = (
    "Ủy ban nhân dân huyện giao Phòng Tài chính - Kế hoạch chủ trì, phối hợp với các cơ quan, đơn vị có liên quan",
    "hướng dẫn, đôn đốc, kiểm tra việc thực hiện kế hoạch này; tổng hợp kết quả, báo cáo theo quy định.",
)


def document(*texts: str) -> Document:
    return Document(
        Source("test.txt", "", 0, 0), tuple(Block("paragraph", tuple(map(Token, text.split()))) for text in texts)
    )


def probability(after: str, *texts: str) -> float:
    """How likely a change of the first text is."""
    model = load_language_model()
    ids, slots = lattice(document(*texts), model, load_channel())
    found = weighed(ids, slots, model, load_weights())
    return max((one.probability for one in found if one.slot.text == 0 and one.after == after), default=0.0)


@pytest.mark.parametrize(
    ("after", "text", "elsewhere"),
    [
        ("kế", "Lũy kể từ đầu năm đến nay thu được 12 tỷ đồng", "số lũy kế từ đầu năm"),
        ("thế", "phát huy thể mạnh của từng xã", "khai thác thế mạnh của từng vùng"),
        ("cửa", "tuyến đường của khẩu Hữu Nghị", "thủ tục tại cửa khẩu được rút ngắn"),
    ],
)
def test_the_rest_of_the_document_is_evidence(after: str, text: str, elsewhere: str) -> None:
    assert probability(after, text, elsewhere, elsewhere, *PLAN) > probability(after, text, *PLAN)


def test_the_record_says_what_the_document_has_elsewhere() -> None:
    elsewhere = "khắc phục tình trạng chồng chéo trong quản lý"
    repaired = repair(document("quy định còn chông chéo chưa rõ", elsewhere, elsewhere, *PLAN))
    assert [one.after for one in repaired.corrections] == ["chồng"]
    assert "the document has it 2 times elsewhere, and as read 0 times" in repaired.corrections[0].evidence


PAIRS = [
    ("phấn", "các xã phân đầu đạt chuẩn nông thôn mới", "các cấp ủy phấn đấu thực hiện kế hoạch"),
    ("kiềm", "tập trung kiểm chê đà tăng của giá cả", "các biện pháp kiềm chế lạm phát"),
    ("liền", "hai thửa đất liên kể nhau", "thửa đất liền kề với đường"),
]


def pair_probability(after: str, *texts: str) -> float:
    """How likely a change of two syllables in a row of the first text is, the first of which becomes ``after``."""
    model = load_language_model()
    ids, slots = lattice(document(*texts), model, load_channel())
    found = weighed_pairs(ids, slots, model, load_weights())
    return max((one.probability for one, _ in found if one.slot.text == 0 and one.after == after), default=0.0)


@pytest.mark.parametrize(("after", "text", "elsewhere"), PAIRS)
def test_two_in_a_row_are_weighed_as_one_word(after: str, text: str, elsewhere: str) -> None:
    alone = pair_probability(after, text, *PLAN)
    assert 0 < alone < pair_probability(after, text, elsewhere, elsewhere, *PLAN)


def test_two_that_make_a_rare_word_are_no_other_word() -> None:
    elsewhere = "phát triển kinh tế - xã hội, bảo đảm an sinh xã hội"
    assert not pair_probability("xã", "tránh tư tưởng xả hơi, nghỉ ngơi", *[elsewhere] * 5, *PLAN)


@pytest.mark.parametrize(
    ("after", "text", "elsewhere"),
    [
        ("dự", "đây là một dữ kiện chắc chắn", "chương trình dự kiến thực hiện"),
        ("đầu", "có 22 người đậu tiến sĩ và phó bảng", "lần đầu tiên được công nhận"),
        ("việt", "bài thơ viết năm 1970", "nước cộng hòa xã hội chủ nghĩa việt nam"),
    ],
)
def test_two_that_make_sense_with_what_stands_about_them_stay(after: str, text: str, elsewhere: str) -> None:
    assert not pair_probability(after, text, *[elsewhere] * 20, *PLAN)


def test_what_makes_a_firm_word_stays() -> None:
    """The new reading would make none with either neighbour."""
    text, elsewhere = "người nghi mắc bệnh được cách ly kịp thời", "xử lý kịp thời các vụ việc"
    assert not probability("lý", text, *[elsewhere] * 20, *PLAN)
    assert probability("ly", "người nghi mắc bệnh được cách lỵ kịp thời", *[text] * 3, *PLAN)


@pytest.mark.parametrize(
    ("token", "is_left_alone"),
    [
        ("Spi-nô-da", True),
        ("Spi-nô-da,", True),
        ("Lê-ô-na", True),
        ("Mô-na-cô", True),
        ("tê-xã", False),
        ("Ma-Cao", False),
        ("Trường", False),
    ],
)
def test_foreign_names_in_syllables_are_left_alone(token: str, is_left_alone: bool) -> None:
    _, slots = lattice(document(f"theo học thuyết {token} tiến bộ"), load_language_model(), load_channel())
    assert {3}.isdisjoint(slot.token for slot in slots) == is_left_alone


@pytest.mark.parametrize(
    ("text", "rows_found"),
    [
        ("tránh tư tương xả hơi, nghỉ ngơi", []),
        ("các xã phân đầu đạt chuẩn", [["phấn", "đấu"]]),
    ],
)
def test_a_row_leaves_a_rare_word_alone(text: str, rows_found: list[list[str]]) -> None:
    """The likelihood alone would make "xã hội" of "xả hơi"."""
    elsewhere = "phát triển kinh tế - xã hội, phấn đấu bảo đảm an sinh xã hội"
    model = load_language_model()
    ids, slots = lattice(document(text, *[elsewhere] * 5, *PLAN), model, load_channel())
    assert [[one.after for one in row] for row in rows(ids, slots, model, "full")] == rows_found


def test_the_record_says_that_two_were_misread_together() -> None:
    _, text, elsewhere = PAIRS[1]
    repaired = repair(document(text, *[elsewhere] * 4, *PLAN))
    assert repaired.blocks[0].text == "tập trung kiềm chế đà tăng của giá cả"
    assert "has the two 4 times elsewhere" in repaired.corrections[0].evidence


def test_what_was_mended_still_tells_how_clean_a_text_is() -> None:
    """A text is looked at again after what was mended: it is no cleaner than it was."""
    model = load_language_model()
    text = "đối tượng trong các đợi xung kích", *PLAN
    ids, slots = lattice(document(*text), model, load_channel())
    few, many = (sure(ids, slots, model, "full", mended) for mended in (0, 5))
    assert max((one.probability for one in few), default=0.0) < max(one.probability for one in many)


def test_what_the_document_has_often_stays() -> None:
    """A rare word that comes again is meant."""
    text = "các miếu thổ công trên địa bàn"
    assert probability("thờ", text, *PLAN) > probability("thờ", text, *[text] * 4, *PLAN)


@pytest.mark.parametrize(
    ("text", "elsewhere"),
    [
        ("xã Hoàng Đông, huyện Cao Lộc", "xã Hoàng Đông được công nhận"),
        ("ông Trần Văn Gia Định", "hộ gia đình, gia đình chính sách, gia đình văn hóa"),
    ],
)
def test_a_name_stays_without_other_names_that_say_otherwise(text: str, elsewhere: str) -> None:
    before = document(text, elsewhere, elsewhere, *PLAN)
    assert repair(before, "full").blocks[0].text == text


@pytest.mark.parametrize(
    ("printed", "read", "kind"),
    [
        ("chồng", "chông", "tone lost"),
        ("tỉnh", "tính", "tone for tone"),
        ("chi", "chỉ", "tone added"),
        ("cửa", "của", "shape"),
        ("gặp", "gấp", "shape and tone"),
        ("đo", "do", "đ"),
        ("mương", "nương", None),
        ("cửa", "cửa", None),
    ],
)
def test_kinds_of_misreadings(printed: str, read: str, kind: str | None) -> None:
    assert kind_of_syllable(printed, read) == kind
    assert kind is None or kind in SHARES


def test_misreadings_keep_letters_and_give_syllables() -> None:
    words = " ".join(PLAN * 40).split()
    read = spoilt(words, load_language_model(), random.Random(3), rate=0.02)
    assert read == spoilt(words, load_language_model(), random.Random(3), rate=0.02)
    changed = [(one, two) for one, two in zip(words, read, strict=True) if one != two]
    assert 0.005 < len(changed) / len(words) < 0.04
    for one, two in changed:
        assert skeleton(one) == skeleton(two)
        assert parse(two.strip(",.;")) is not None
        assert not is_mended(one, two)


def test_misreadings_go_better_with_their_neighbours_than_chance() -> None:
    """ "của khẩu" is read for "cửa khẩu" more often than "cưa khẩu"."""
    words = ["Tại", "cửa", "khẩu", "quốc", "tế"] * 400
    read = spoilt(words, load_language_model(), random.Random(1), rate=0.1)
    became = [two for one, two in zip(words, read, strict=True) if one == "cửa" != two]
    assert became.count("của") > became.count("cưa")


WORDS = st.lists(
    st.sampled_from(["phấn", "đấu", "phân", "đầu", "của", "khẩu", "Hoàng", "Đồng", "BCD", "12,5%", "và.", "kế;", "kể"]),
    max_size=30,
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(texts=st.lists(WORDS, max_size=4))
def test_features_are_finite_and_every_change_can_be_undone(texts: list[list[str]]) -> None:
    before = document(*[" ".join(text) for text in texts if text])
    model = load_language_model()
    ids, slots = lattice(before, model, load_channel())
    found = plausible(ids, slots, model)
    assert found.features.shape == (len(found.candidate), len(FEATURES))
    assert np.isfinite(found.features).all()
    assert list(undo(repair(before, "full")).texts()) == list(before.texts())
