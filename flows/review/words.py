"""The words that a text is found by, with their marks and without, and what somebody looks for.

A word is a run of letters and digits; a full stop or a comma between two digits belongs to it. So ``1.250`` and
``12,5`` are found as they are typed, and ``559/BC-UBND`` is the phrase of ``559``, ``bc`` and ``ubnd``, however its
parts are set.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from unidecode import unidecode

from normalize.vietnamese.syllable import key

WORD = re.compile(r"[^\W_]+(?:(?<=\d)[.,](?=\d)[^\W_]+)*")

#: Stands between two texts of a document, so that no phrase is found that begins in one and ends in the next.
BREAK = "_"

LONGEST_QUESTION = 500
"""Characters of a question that are heeded; what comes after them is cut off."""

_REFERENCE = re.compile(r"\[\^[^\]\s]{1,20}\]")
_ASKED = re.compile(r'["“”]([^"“”]*)["“”]|([^\s"“”]+)')


class _Plain(dict[int, str]):
    """What each letter is without its marks and small: one letter for one, so that places stay what they are."""

    def __missing__(self, code: int) -> str:
        letter = chr(code)
        plain = unidecode(letter).lower()
        if len(plain) != 1 or plain.isalnum() != letter.isalnum():
            plain = letter.lower() if len(letter.lower()) == 1 else letter
        self[code] = plain
        return plain


_PLAIN = _Plain()


def without_marks(text: str) -> str:
    """A text in small letters without tone marks and other marks, as long as it was.

    >>> without_marks("Ủy ban nhân dân huyện Đắk Hà")
    'uy ban nhan dan huyen dak ha'
    """
    return text.translate(_PLAIN)


def without_references(text: str) -> str:
    """A published text with blanks in place of its footnote references, as long as it was."""
    return _REFERENCE.sub(lambda found: " " * len(found[0]), text) if "[^" in text else text


_exact = lru_cache(maxsize=1 << 16)(key)
_plain = lru_cache(maxsize=1 << 16)(without_marks)


def words_of(text: str) -> list[str]:
    """The words of a published text."""
    return WORD.findall(without_references(text))


def exact(words: list[str]) -> str:
    """Words as the index keeps them with their marks; old and new places of the tone are the same.

    >>> exact(["Hoà", "Bình"])
    'hòa bình'
    """
    return " ".join(map(_exact, words))


def plain(words: list[str]) -> str:
    """Words as the index keeps them without marks."""
    return " ".join(map(_plain, words))


class _Kept(dict[str, tuple[str, str]]):
    """The words between two blanks as the index keeps them, with marks and without. Most occur again and again, so that
    a text is put into words by looking them up."""

    def __missing__(self, between: str) -> tuple[str, str]:
        if len(self) >= MOST_KEPT:
            self.clear()
        words = words_of(between)
        found = self[between] = exact(words), plain(words)
        return found


MOST_KEPT = 1 << 17
"""So many of them are kept in memory, some 30 MB."""

_KEPT = _Kept()


def indexed(texts: Iterable[str]) -> tuple[str, str]:
    """The words of a document as the index keeps them, with marks and without.

    >>> indexed(["Hoà Bình (2021)[^1]", "12,5 ha"])
    ('hòa bình 2021 _ 12,5 ha', 'hoa binh 2021 _ 12,5 ha')
    """
    as_typed, plainly = [], []
    for text in texts:
        pairs = [_KEPT[between] for between in text.split()]
        as_typed.append(" ".join([words for words, _ in pairs if words]))
        plainly.append(" ".join([words for _, words in pairs if words]))
    return f" {BREAK} ".join(as_typed), f" {BREAK} ".join(plainly)


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words that are looked for one behind the other.

    Attributes:
        exact: with their marks, as the index keeps them.
        plain: without.
    """

    exact: str
    plain: str

    @property
    def has_marks(self) -> bool:
        """Whether it was typed with marks: texts with the same ones come first then."""
        return self.exact != self.plain

    @property
    def pattern(self) -> str:
        """A regular expression for it in a published text, whatever marks that has.

        It begins with a letter and not with what must stand before it, so that whole texts are searched fast.
        """
        first, *rest = [_GAP if sign == " " else _alike(sign) for sign in self.plain]
        before = r"(?<![^\W_].)"
        if self.plain[0].isdecimal():
            before += r"(?<!\d[.,].)(?<!\[\^.)"
        after = r"(?![^\W_])"
        if self.plain[-1].isdecimal():
            after += r"(?![.,]\d)"
        return first + before + "".join(rest) + after


#: What stands between two words of a phrase; also a reference to a footnote.
_GAP = r"(?:\[\^[^\]\s]{1,20}\]|[\W_])+"


@lru_cache(maxsize=1 << 10)
def _alike(plain: str) -> str:
    """A regular expression for all letters that are this one without their marks."""
    return f"[{re.escape(plain)}{''.join(letter for letter in _LETTERS if without_marks(letter) == plain)}]"


#: Latin letters, all those of Vietnamese among them.
_LETTERS = [chr(code) for code in (*range(0x41, 0x250), *range(0x1E00, 0x1F00)) if chr(code).isalnum()]


def asked(question: str) -> tuple[Phrase, ...]:
    """What somebody looks for: words, numbers and symbols, and phrases in quotes. All must be in a document.

    >>> [phrase.plain for phrase in asked('559/BC-UBND "đất đai", 1.250 ...')]
    ['559 bc ubnd', 'dat dai', '1.250']
    """
    whole = unicodedata.normalize("NFC", question)[:LONGEST_QUESTION]
    found = [WORD.findall(quoted or bare) for quoted, bare in _ASKED.findall(whole)]
    return tuple(dict.fromkeys(Phrase(exact(words), plain(words)) for words in found if words))
