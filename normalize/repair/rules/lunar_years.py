"""Lunar years, ``Ất Tỵ 2025``: a stem and a branch of the sixty-year cycle, put right where only one pair can be meant.

Ten stems and twelve branches go round together, so that a stem meets six of the branches only: ``Ất Ty`` is Ất Tỵ,
because Ất never meets Tý. The model takes such words for names and leaves them alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from normalize.document import Document
from normalize.repair.changes import Change, Place, cleaned, places_where
from normalize.vietnamese.syllable import key, match_case, skeleton

STEMS = ("Giáp", "Ất", "Bính", "Đinh", "Mậu", "Kỷ", "Canh", "Tân", "Nhâm", "Quý")
BRANCHES = ("Tý", "Sửu", "Dần", "Mão", "Thìn", "Tỵ", "Ngọ", "Mùi", "Thân", "Dậu", "Tuất", "Hợi")
_INITIALS = frozenset(stem[0] for stem in STEMS) | {"Ð"}
_WORD = re.compile(r"[^\W\d_]+")
# Words before a lunar year; elsewhere the pair may be somebody's name.
_BEFORE = frozenset(("năm", "xuân", "tết", "đán", "tuổi"))
PROBABILITY = 0.97


def lunar_years(document: Document) -> Iterator[Change]:
    """Branches whose diacritics the stem before them does not allow."""
    for place in places_where(document, _is_capitalised):
        stem = cleaned(place.before) if place.before[:1] in _INITIALS else ""
        if stem not in STEMS or place.token.references or place.tokens[place.index - 1].references:
            continue
        found = _WORD.match(place.token.text)
        word = found.group() if found else ""
        branch = branch_of(stem, word)
        if branch is not None and key(branch) != key(word) and _is_year(place, stem, branch):
            because = f"in the sixty-year cycle {stem} meets {branch} and no other branch of these letters"
            yield place.change(0, len(word), match_case(branch, word), PROBABILITY, because)


def _is_capitalised(text: str) -> bool:
    return text[:1].isupper()


def _is_year(place: Place, stem: str, branch: str) -> bool:
    """Whether the words around say that stem and branch are a year: ``Tết Ất Tỵ``, ``Ất Tỵ (2025)``."""
    before = place.tokens[place.index - 2].text.lower().strip("(") if place.index > 1 else ""
    after = re.match(r"\(?(\d{4})\b", place.after)
    return before in _BEFORE or (after is not None and year_name(int(after[1])) == (stem, branch))


def branch_of(stem: str, word: str) -> str | None:
    """The branch that a word can stand for after a stem; None where there is none.

    >>> branch_of("Ất", "Ty"), branch_of("Canh", "Ty"), branch_of("Ất", "Thin")
    ('Tỵ', 'Tý', None)
    """
    if not word.istitle():
        return None
    start = STEMS.index(stem) % 2
    return next((one for one in BRANCHES[start::2] if skeleton(one) == skeleton(word) and len(one) == len(word)), None)


def year_name(year: int) -> tuple[str, str]:
    """Stem and branch of the lunar year that begins in a year of our calendar.

    >>> year_name(2025), year_name(1984)
    (('Ất', 'Tỵ'), ('Giáp', 'Tý'))
    """
    return STEMS[(year - 4) % 10], BRANCHES[(year - 4) % 12]
