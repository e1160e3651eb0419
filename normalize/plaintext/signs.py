"""Characters that say something in the text of another OCR engine: raised numbers, ends of sentences, plain heads.

Raised numbers are sealed between private characters as soon as they are seen, so that whatever takes the text apart
later finds them in one notation.
"""

from __future__ import annotations

import re

from normalize.structure.footnotes import is_exponent
from normalize.vietnamese.decree30 import is_list_item

#: Around a raised number, and a bracketed one, while the text is taken apart.
RAISED, BRACKETED, CLOSED = "\ue000", "\ue002", "\ue001"
SIGN = re.compile(f"([{RAISED}{BRACKETED}])(\\d+){CLOSED}")
SURE_SIGN = 3.5  # nats: cost of taking a number that is plainly raised for something else

_DIGITS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
NOTATION = re.compile(
    r"<sup>\s{0,4}[\[(]?\s{0,4}(?P<sup>\d{1,3})\s{0,4}[\])]?\s{0,4}</sup>"
    r"|⁽?(?P<raised>[⁰¹²³⁴⁵⁶⁷⁸⁹]{1,3})⁾?"
    r"|\$\s{0,4}(?:\{\})?\^\s{0,4}\{?\s{0,4}(?:\\text\{)?[(\[]?(?P<latex>\d{1,3})[)\]]?\}?\}?\s{0,4}\$"
    r"|\\\(\s{0,4}\^\s{0,4}\{?(?P<latex2>\d{1,3})\}?\s{0,4}\\\)"
    r"|\\textsuperscript\{(?P<text>\d{1,3})\}"
    r"|\^\{?\[?(?P<caret>\d{1,3})\]?\}?\^"
    r"|\^\{(?P<brace>\d{1,3})\}"
    r"|\\?\[\^(?P<markdown>\d{1,3})\\?\]:?"
    r"|\\?\[(?P<bracket>\d{1,3})\\?\]",
    re.IGNORECASE,
)
_UNREAD_PAGE = re.compile(r"\[trang \d{1,5}: không đọc được\]")
_ENDED = re.compile(rf"[.;:!?…](?:[\"”’)\]*_]|\s?[{RAISED}{BRACKETED}]\d+{CLOSED})*$|/\.$")
_LONGEST_END = 120  # letters from the last stop of a text to its end
#: What a note's head may look like where its number is set in ordinary digits.
PLAIN_HEAD = re.compile(
    r"(?:\((?P<paren>\d{1,3})\)\s*|(?P<dot>\d{1,3})\.\s+|(?P<close>\d{1,3})\)\s*|(?P<space>\d{1,3})\s+"
    r"|(?P<glued>\d{1,3})(?=[^\W\d_][^\W\d_]|[(“\"]))(?=\S)"
)


def seal(found: re.Match[str]) -> str:
    """What :data:`NOTATION` found, as :data:`SIGN` finds it."""
    digits = next(group for group in found.groups() if group).translate(_DIGITS)
    return f"{BRACKETED if found['bracket'] else RAISED}{digits}{CLOSED}"


#: "a. Đối với", "b- Tổ chức": a letter that counts, and a capital behind it.
_LETTERED = re.compile(r"[a-zđ]\s?[.\-–]\s+[^\W\d_]")


def begins_lower(text: str) -> bool:
    """Whether a text begins in the middle of a sentence, by its looks."""
    first = next((c for c in text if c.isalnum()), "")
    return first.islower() and not is_list_item(text) and not _LETTERED.match(text)


def ended(text: str) -> bool:
    """Whether a text ends with a sentence, whatever closes or cites it after the stop."""
    return bool(_ENDED.search(text[-_LONGEST_END:]))


def is_unread_page(text: str) -> bool:
    """Whether a text is what we publish in the place of a page that could not be read."""
    return bool(_UNREAD_PAGE.fullmatch(text))


def bare(text: str) -> str:
    """A chunk's text without its raised numbers."""
    return SIGN.sub("", text)


def raised_numbers(text: str) -> list[re.Match[str]]:
    """The sealed numbers of a text, found by :data:`SIGN`, without the exponents of units: ``km²`` cites no note."""
    return [sign for sign in SIGN.finditer(text) if not raises_unit(text, sign.start(), sign[2])]


def raises_unit(text: str, at: int, digits: str) -> bool:
    """Whether a raised number at a place of a text is the exponent of the unit before it."""
    before = text[max(0, at - 40) : at]  # a word, with room to spare
    words = before.split()
    word = words[-1] if words and not before[-1].isspace() else ""
    return len(digits) == 1 and is_exponent(word, digits)
