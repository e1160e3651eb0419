"""The Vietnamese syllable: parts, validity, tone placement, normal forms."""

import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from normalize.vietnamese.syllable import (
    NANG,
    ONSETS,
    SAC,
    STOPPED,
    TONES,
    clean,
    key,
    match_case,
    parse,
    place,
    skeleton,
    spellings,
    split_tone,
)

CASES = Path(__file__).parent / "cases"
PARTS = [
    line.split("\t")
    for line in (CASES / "syllables.tsv").read_text(encoding="utf-8").splitlines()
    if not line.startswith("#")
]
NOT_SYLLABLES = (CASES / "not_syllables.txt").read_text(encoding="utf-8").split()
RIMES = [
    "a",
    "ai",
    "an",
    "ang",
    "anh",
    "ao",
    "ăc",
    "ăn",
    "âp",
    "ât",
    "ây",
    "e",
    "en",
    "ê",
    "ênh",
    "êt",
    "i",
    "ich",
    "iên",
    "iêp",
    "ia",
    "o",
    "oa",
    "oan",
    "oe",
    "ong",
    "ô",
    "ôi",
    "ông",
    "ơi",
    "u",
    "ua",
    "uyên",
    "uy",
    "ươi",
    "ưa",
    "ương",
    "yê",
]


@st.composite
def syllables(draw: st.DrawFn) -> str:
    """A valid syllable in one of its right spellings."""
    letters = draw(st.sampled_from([*ONSETS, ""])) + draw(st.sampled_from(RIMES))
    tone = draw(st.integers(0, 5))
    text = place(letters, tone, draw(st.booleans()))
    if parse(text) is None:
        return "việc"
    return text


@pytest.mark.parametrize("row", PARTS, ids=[row[0] for row in PARTS])
def test_parts(row: list[str]) -> None:
    text, *parts, tone, canonical = row
    syllable = parse(text)
    assert syllable is not None
    found = [syllable.onset, syllable.glide, syllable.nucleus, syllable.coda]
    assert found == [part.replace("-", "") for part in parts]
    assert TONES[syllable.tone] == tone
    assert key(text) == canonical


@pytest.mark.parametrize("text", NOT_SYLLABLES)
def test_not_a_syllable(text: str) -> None:
    assert parse(text) is None


@given(syllables())
def test_all_spellings_are_one_syllable_with_one_key(text: str) -> None:
    syllable = parse(text)
    assert syllable is not None
    assert {parse(form) for form in spellings(syllable)} == {syllable}
    assert {key(form) for form in spellings(syllable)} == {key(text)}
    assert text in spellings(syllable)


@given(syllables())
def test_stopped_codas_take_sac_or_nang_only(text: str) -> None:
    syllable = parse(text)
    assert syllable is not None
    if syllable.coda in STOPPED:
        assert syllable.tone in (SAC, NANG)


@given(syllables(), st.sampled_from(["NFC", "NFD"]))
def test_normal_form_and_case_do_not_matter(text: str, form: str) -> None:
    other = unicodedata.normalize(form, text.upper())  # type: ignore[arg-type]
    assert parse(other) == parse(text)
    assert key(other) == key(text)
    assert skeleton(clean(other)) == skeleton(text)


@given(syllables())
def test_the_tone_comes_off_and_goes_on_again(text: str) -> None:
    parted = split_tone(text)
    assert parted is not None
    assert text in (place(*parted), place(*parted, new_style=True))


@given(st.text(max_size=30))
def test_cleaning_is_idempotent_and_nothing_breaks_on_any_text(text: str) -> None:
    assert clean(clean(text)) == clean(text)
    parse(text)
    key(text)


@pytest.mark.parametrize(
    ("read", "wanted"),
    [
        ("Ðiều", "Điều"),
        ("ðất", "đất"),
        ("Ɖảng", "Đảng"),
        ("Сộng hòa", "Cộng hòa"),
        ("câ\u0301p", "cấp"),
        ("giấy\u00ad phép\u200b", "giấy phép"),
        ("СССР", "СССР"),
        ("10 m² và “ngoặc”", "10 m² và “ngoặc”"),
    ],
)
def test_clean(read: str, wanted: str) -> None:
    assert clean(read) == wanted


def test_no_vowel_no_place_for_a_tone() -> None:
    with pytest.raises(ValueError, match="no vowel"):
        place("ng", 2)


@given(syllables(), st.lists(st.booleans(), min_size=12, max_size=12))
def test_case_comes_from_the_pattern(text: str, upper: list[bool]) -> None:
    pattern = "".join(c.upper() if up else c for c, up in zip(text, upper, strict=False))
    assert match_case(text, pattern) == pattern
