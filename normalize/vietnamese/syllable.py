"""The Vietnamese syllable: its parts, its spelling, and what a page may have made of it.

A written syllable is onset + glide + nucleus + coda with one of six tones on it. Three things about its spelling
matter to a program that compares texts:

* The tone of an open ``oa``, ``oe``, ``uy`` stands on the first vowel in the old style (``hòa``) and on the second
  in the new one (``hoà``). Both are right, so both have one :func:`key`, and output keeps the page's style.
* A syllable that ends in ``c``, ``ch``, ``p`` or ``t`` carries sắc or nặng only: ``câp`` cannot exist.
* The same letter has several code sequences (NFC, NFD, ``â`` + U+0301 from CP1258) and look-alikes from other
  alphabets (``Ð`` U+00D0 for ``Đ`` U+0110); :func:`clean` makes one of them all.

The parts and rimes follow the usual descriptions of the orthography (Thompson, "A Vietnamese Reference Grammar";
Đoàn Thiện Thuật, "Ngữ âm tiếng Việt").
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from unidecode import unidecode

TONES = ("ngang", "huyền", "sắc", "hỏi", "ngã", "nặng")
TONE_MARKS = ("", "\u0300", "\u0301", "\u0309", "\u0303", "\u0323")
_TONE_OF_MARK = {mark: index for index, mark in enumerate(TONE_MARKS) if mark}
SAC, NANG = 2, 5
STOPPED = ("c", "ch", "p", "t")

ONSETS = (
    *("ngh", "ng", "nh", "gh", "gi", "ch", "kh", "ph", "qu", "th", "tr"),
    *("b", "c", "d", "đ", "g", "h", "k", "l", "m", "n", "p", "r", "s", "t", "v", "x"),
)
_ONSETS_BY_LETTER = {letter: tuple(o for o in ONSETS if o[0] == letter) for letter in {one[0] for one in ONSETS}}
CODAS = ("ch", "ng", "nh", "c", "m", "n", "p", "t", "i", "y", "o", "u")

# Rimes without glide, then with one; each row is a nucleus and the codas that it takes ("-" for none).
_PLAIN = """
a - c ch i m n ng nh o p t u y
ă c m n ng p t
â c m n ng p t u y
e - c m n ng o p t
ê - c ch m n ng nh p t u
i - c ch m n nh p t u
iê c m n ng p t u
ia -
o - c i m n ng p t
oo c n ng
ô - c i m n ng p t
ơ - i m n p t
u - c i m n ng p t
uô c i m n ng t
ua -
ư - c i m n ng t u
ươ c i m n ng p t u
ưa -
y - t
yê m n ng t u
"""
_GLIDED = """
oa - c ch i m n ng nh o p t y
oă c m n ng t
oe - n o t
uâ n ng t y
uê - ch n nh
uơ -
uy - ch n nh p t u
uya -
uyê n t
"""


def _rimes(rows: str) -> dict[str, tuple[str, str]]:
    """Written rime -> (nucleus, coda)."""
    out = {}
    for row in rows.split("\n"):
        if row:
            nucleus, *codas = row.split(" ")
            for coda in codas:
                out[nucleus + coda.replace("-", "")] = (nucleus, coda.replace("-", ""))
    return out


_PLAIN_RIMES = _rimes(_PLAIN)
_GLIDED_RIMES = {rime: (nucleus[0], nucleus[1:], coda) for rime, (nucleus, coda) in _rimes(_GLIDED).items()}
_FRONT = ("e", "ê", "i", "y")
_VOWELS = "aăâeêioôơuưy"
_SHAPED_VOWELS = "ăâêôơư"  # with a circumflex, breve or horn, which draws the tone mark to it
# Rimes whose glide is the u of "qu": quốc, quý, quýt, quỳnh, quyền.
_AFTER_QU = {"ôc": ("ô", "c")} | {
    rime[1:]: (nucleus, coda) for rime, (_, nucleus, coda) in _GLIDED_RIMES.items() if rime.startswith("uy")
}

# Letters of other alphabets that a page or a keyboard puts in place of Latin ones.
_ETH = str.maketrans("ÐðƉ", "ĐđĐ")
_LOOKALIKES = str.maketrans(
    "АВЕКМНОРСТУХаеорсухіјѕΑΒΕΖΗΙΚΜΝΟΡΤΥΧο",
    "ABEKMHOPCTYXaeopcyxijsABEZHIKMNOPTYXo",
)
_INVISIBLE = dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u2060\ufeff"))


def clean(text: str) -> str:
    """NFC without invisible characters, with Vietnamese Đ/đ and, inside words that are otherwise Latin, Latin letters.

    >>> clean("Ðiều"), clean("câ\u0301p"), clean("Сộng"), clean("СССР")
    ('Điều', 'cấp', 'Cộng', 'СССР')
    """
    text = unicodedata.normalize("NFC", text.translate(_INVISIBLE)).translate(_ETH)
    if text.isascii():
        return text
    swapped = text.translate(_LOOKALIKES)
    if swapped == text:
        return text
    words = []
    for old, new in zip(text.split(" "), swapped.split(" "), strict=True):
        latin = any("LATIN" in unicodedata.name(letter, "") for letter in old)
        words.append(unicodedata.normalize("NFC", new) if latin else old)
    return " ".join(words)


@lru_cache(maxsize=1 << 16)
def skeleton(text: str) -> str:
    """Lower-case letters without diacritics: what is common to all readings of a word that differ in diacritics only.

    >>> skeleton("Thống"), skeleton("ĐƯỜNG")
    ('thong', 'duong')
    """
    return unidecode(text).lower()


def split_tone(text: str) -> tuple[str, int] | None:
    """``text`` (any normal form) without tone, NFC, and its tone (index into :data:`TONES`).

    None where two tones stand in one word.

    >>> split_tone("thống"), split_tone("hoà"), split_tone("ban")
    (('thông', 2), ('hoa', 1), ('ban', 0))
    """
    if text.isascii():
        return text, 0
    tone, letters = 0, []
    for character in unicodedata.normalize("NFD", text):
        found = _TONE_OF_MARK.get(character)
        if found is None:
            letters.append(character)
        elif tone:
            return None
        else:
            tone = found
    return unicodedata.normalize("NFC", "".join(letters)), tone


@dataclass(frozen=True, slots=True)
class Syllable:
    """A syllable in its parts, lower case.

    Attributes:
        onset: as written (``ngh``, ``gi``, ``qu``), or empty.
        glide: ``o`` or ``u`` before the nucleus, or empty; that of ``qu`` counts as part of the onset.
        nucleus: one or two vowels, without tone.
        coda: as written, or empty.
        tone: index into :data:`TONES`.
    """

    onset: str
    glide: str
    nucleus: str
    coda: str
    tone: int

    @property
    def letters(self) -> str:
        """The syllable without its tone."""
        return self.onset + self.glide + self.nucleus + self.coda


@lru_cache(maxsize=1 << 16)
def parse(text: str) -> Syllable | None:
    """The parts of a syllable in any case, normal form and tone placement; None for what cannot be Vietnamese.

    >>> parse("Nghiêng")
    Syllable(onset='ngh', glide='', nucleus='iê', coda='ng', tone=0)
    >>> parse("hoà") == parse("hòa"), parse("câp"), parse("gì").nucleus
    (True, None, 'i')
    """
    parted = split_tone(text.lower())
    if parted is None:
        return None
    letters, tone = parted
    syllable = _parts(letters, tone)
    # The tone mark must stand where one of the two styles puts it: "hòan" and "tóan" are slips, "hoàn" is the word.
    if syllable is None or (tone and unicodedata.normalize("NFC", text.lower()) not in spellings(syllable)):
        return None
    return syllable


def _parts(letters: str, tone: int) -> Syllable | None:
    """Parse toneless lower-case NFC ``letters``."""
    if not letters.isalpha():
        return None
    for onset in (*(o for o in _ONSETS_BY_LETTER.get(letters[0], ()) if letters.startswith(o)), ""):
        rime = letters[len(onset) :]
        if not _agrees(onset, rime):
            continue
        glide = ""
        if onset == "qu" and rime in _AFTER_QU:
            nucleus, coda = _AFTER_QU[rime]
        elif rime in _PLAIN_RIMES:
            nucleus, coda = _PLAIN_RIMES[rime]
        elif rime in _GLIDED_RIMES and onset not in ("qu", "gi", "gh", "ngh"):
            glide, nucleus, coda = _GLIDED_RIMES[rime]
        else:
            continue
        if coda in STOPPED and tone not in (SAC, NANG):
            return None
        return Syllable(onset, glide, nucleus, coda, tone)
    return None


def _agrees(onset: str, rime: str) -> bool:
    """The spelling rules between an onset and the rime's first letter."""
    if not rime:
        return False
    front = rime[0] in _FRONT
    if onset in ("k", "gh", "ngh"):
        return front
    if onset in ("c", "ng"):
        return not front
    if onset == "g":  # g + i is written gi and read [z]: gì, gìn; their i belongs to the rime
        return not front or rime[0] == "i"
    if onset == "qu":
        return rime[0] in "aăâeêiơ" or rime in _AFTER_QU
    if onset == "gi":
        return rime[0] not in "iy"
    if onset:
        return not rime.startswith("yê")
    return True


def _vowel_places(low: str) -> list[int]:
    """Where the vowels of the rime stand in lower-case letters; the u of qu and the i of gi are the onset's."""
    onset = 2 if low.startswith(("qu", "gi")) and len(low) > 2 and low[2] in _VOWELS else 0
    return [i for i in range(onset, len(low)) if low[i] in _VOWELS]


def _tone_carrier(low: str, vowels: list[int], new_style: bool) -> int:
    """Which of the rime's vowels bears the tone mark."""
    shaped = [i for i in vowels if low[i] in _SHAPED_VOWELS]
    if shaped:
        return shaped[-1]
    if len(vowels) == 1:
        return vowels[0]
    closed = vowels[-1] != len(low) - 1
    open_glide = low[vowels[0] :] in ("oa", "oe", "uy")  # all that the two styles differ in
    second = len(vowels) > 2 or closed or (new_style and open_glide)
    return vowels[1] if second else vowels[0]


def place(letters: str, tone: int, new_style: bool = False) -> str:
    """``letters`` (toneless, NFC, any case) with the tone mark where the style puts it.

    Raises:
        ValueError: there is no vowel to carry the tone mark.

    >>> place("hoa", 1), place("hoa", 1, new_style=True), place("QUY", 2), place("giêng", 2)
    ('hòa', 'hoà', 'QUÝ', 'giếng')
    """
    if not tone:
        return letters
    low = letters.lower()
    vowels = _vowel_places(low)
    if not vowels:
        raise ValueError(f"no vowel in {letters!r}")
    at = _tone_carrier(low, vowels, new_style)
    return unicodedata.normalize("NFC", letters[: at + 1] + TONE_MARKS[tone] + letters[at + 1 :])


@lru_cache(maxsize=1 << 15)
def spellings(syllable: Syllable) -> tuple[str, ...]:
    """The right spellings: old style first, and the new one where it differs.

    >>> spellings(parse("thuỷ")), spellings(parse("toán"))
    (('thủy', 'thuỷ'), ('toán',))
    """
    old, new = (place(syllable.letters, syllable.tone, style) for style in (False, True))
    return (old,) if old == new else (old, new)


@lru_cache(maxsize=1 << 17)
def key(text: str) -> str:
    """One form for all spellings of a word: NFC, lower case, old tone placement; other words just lower-cased.

    >>> key("HOÀ"), key("Quý"), key("UBND")
    ('hòa', 'quý', 'ubnd')
    """
    low = unicodedata.normalize("NFC", text.lower())
    if low.isascii():
        return low
    parted = split_tone(low)
    if parted is None or not parted[1]:
        return low
    syllable = _parts(*parted)
    return spellings(syllable)[0] if syllable else low


def match_case(text: str, pattern: str) -> str:
    """``text`` with the case of ``pattern``, letter by letter; both have the same length.

    >>> match_case("phấn", "PHÂN"), match_case("điều", "Điêu")
    ('PHẤN', 'Điều')
    """
    return "".join(new.upper() if old.isupper() else new.lower() for new, old in zip(text, pattern, strict=True))
