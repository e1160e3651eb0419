"""Numerals that were read as letters, and strokes of roman numerals that were lost, put right on the page's evidence.

A digit never changes here, but for the ``1.`` of a first roman heading, which the headings after it tell. A letter
becomes a digit only where the page itself showed that digit beside it; strokes of a roman numeral are counted by the
width of the word, or by the headings around it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import takewhile

from normalize.document import Document, Token
from normalize.repair.changes import Change, Place, brings_page, confidence_of, heads, page_letters, places
from normalize.vietnamese.syllable import parse, skeleton

_ONES = ("", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX")
ROMAN = (*_ONES, *(f"X{one}" for one in _ONES), "XX")
"""Roman numerals by their number; there is none for 0."""

# What a printed digit is read as. The last row is letters that stand beside digits in their own right (L7, T4, O2) and
# need a word before them that a number follows.
_DIGITS = {**dict.fromkeys("lI|ÍÌỊ¡!", "1"), **dict.fromkeys("ØÖ", "0")}
_DIGITS_AFTER = {**_DIGITS, **dict.fromkeys("LT", "1"), **dict.fromkeys("OoƠ", "0"), "Q": "0", "S": "5", "B": "8"}
_STROKE_ALONE = {"l": "1", "|": "1", "I": "1"}
_OF_NUMBERS = "0123456789./-,%"
_LONGEST = 12  # letters of a number
_NUMBER = re.compile(r"\d{1,3}(?:\.\d{3})*(?:,\d+)?%?|\d+,\d+%?|\d{1,2}[/-]\d{1,2}(?:[/-]\d{4})?|\d{1,2}/\d{4}|\d+%?")
_BEFORE_NUMBERS = frozenset(("ngay", "thang", "nam", "dieu", "khoan", "so", "diem"))
# Words that a number stands before: "1 triệu". A roman numeral does not.
_AFTER_NUMBERS = frozenset(
    ("triệu", "tỷ", "tỉ", "nghìn", "ngàn", "đồng", "ha", "km", "kg", "tấn", "lượt", "người", "tuổi", "vụ", "hộ", "lần")
)
_NEVER_BEFORE_ROMANS = frozenset(("ngay", "thang", "dieu", "khoan"))
_BEFORE_ROMANS = frozenset(("quy", "chuong", "phan", "muc", "loai", "hang", "nhom", "giai", "dot", "ky", "cap", "luc"))
# The page must have shown the digit with at least this confidence.
_SHOWN = 20
# What Tesseract makes of the strokes of a roman numeral.
_STROKES = {"I": "I", "l": "I", "|": "I", "1": "I", "L": "I", "H": "II", "V": "V", "X": "X"}
#: What the first roman numeral of headings is read as.
_FIRST = frozenset("L1l|")
_EDGE = ".,;:"
_ARABIC = re.compile(r"\d{1,2}")
# A sign after the numeral adds this much to its width, in heights of a capital.
_SIGN_WIDTH = 0.3
# Width of one, two and three strokes in heights of a capital: Times and its kin, regular 0.34, 0.83, 1.27 to 1.34 and
# bold 0.49, 1.02 to 1.12, 1.51 to 1.68; bold of a wide face (DejaVu Serif) 0.58, 1.13 to 1.22, 1.84 to 1.93; 60 pages.
_WIDTHS = ((0.25, 0.62), (0.72, 1.18), (1.25, 2.0))
SURE, LIKELY = 0.97, 0.93


def numerals(document: Document) -> Iterator[Change]:
    """Letters that are digits, and roman numerals whose strokes are wrong."""
    is_read = brings_page(document)
    measured = is_read and _trustworthy_widths(document)
    headings = {(change.text, change.first): change for change in _headings(document, measured)}
    if not is_read:
        yield from headings.values()
        return
    for place in places(document):
        change = headings.get((place.text, place.index))
        if change is None and place.token.letters and not place.token.references:
            before = skeleton(place.before).strip(".,;:()")
            if measured and before in _BEFORE_ROMANS:
                change = _roman(place)
            change = change or _number(place, before)
        if change is not None:
            yield change


def _number(place: Place, before: str) -> Change | None:
    """A number of which letters were read: ``I8``, ``Ø7``, ``l3/01/2010``."""
    text = place.token.text
    core = text.strip("().,;:")
    if not core or len(core) > _LONGEST or not all(c in _DIGITS_AFTER or c in _OF_NUMBERS for c in core):
        return None
    table = _digits(place, core, before)
    letters = page_letters(place.token)
    wrong = [i for i, c in enumerate(core) if c.isalpha() or c in "|¡!"]
    if table is None or not wrong or not letters:
        return None
    start = text.index(core)
    new = list(core)
    reasons = []
    for i in wrong:
        digit = table.get(core[i], "")
        shown = confidence_of(letters[start + i], digit)
        if shown < _SHOWN:
            return None
        new[i] = digit
        reasons.append(f"the page also showed {digit} ({shown}) beside {core[i]}")
    number = "".join(new)
    if not _NUMBER.fullmatch(number):
        return None
    return place.change(start, start + len(core), number, SURE, "a number; " + "; ".join(reasons))


def _digits(place: Place, core: str, before: str) -> Mapping[str, str] | None:
    """What each letter of a word would be as a digit; ``None`` where the word may be no number at all.

    Args:
        core: the word without the signs around it.
        before: letters of the word before it.
    """
    if not any(c.isdigit() for c in core):
        if _is_eleven(core, before, place.after):
            return _STROKE_ALONE
        return _STROKE_ALONE if _lone_one(core, place.token.text, before, place.after) else None
    is_code = len(core) == 2 and core[0] != "l" and not set(core) & set("ØÖ")  # L7, T4, O2
    if is_code and before not in (*_BEFORE_NUMBERS, "thu"):
        return None
    return _DIGITS_AFTER if before in _BEFORE_NUMBERS else _DIGITS


def _is_eleven(core: str, before: str, after: str) -> bool:
    """Whether two strokes are the 11 of a date: ``ngày 10 tháng II năm 2008``. No month or day has a roman numeral."""
    is_before = before == "ngay" and skeleton(after) == "thang"
    return core in ("II", "Il", "lI", "ll") and (is_before or (before == "thang" and skeleton(after) == "nam"))


def _lone_one(core: str, word: str, before: str, after: str) -> bool:
    """Whether a stroke that stands alone is the number 1: ``Điều I.``, ``l tháng``, ``I triệu``."""
    if core not in ("l", "|", "I"):
        return False
    if before in _NEVER_BEFORE_ROMANS:
        return True
    # A lone "l" between words is neither a word nor a roman numeral; as a unit it follows a number.
    found = re.match(r"[^\W\d_]*", after)
    following = found.group() if found else ""
    if word != core or before[-1:].isdigit() or not following.islower() or parse(following) is None:
        return False
    return core != "I" or (following in _AFTER_NUMBERS and before not in _BEFORE_ROMANS)


def strokes(word: str) -> str | None:
    """What the strokes of a numeral were read as, spelt out: ``HI`` -> ``III``; None for other words.

    >>> strokes("HI"), strokes("VH"), strokes("Chi")
    ('III', 'VII', None)
    """
    if not word or any(c not in _STROKES for c in word):
        return None
    return "".join(_STROKES[c] for c in word)


def width_in_strokes(token: Token) -> int | None:
    """How many strokes of a roman numeral fit the width of a word that holds nothing else; None where unsure."""
    core = token.text.rstrip(_EDGE)
    if token.box is None or token.references or not core or set(strokes(core) or "?") != {"I"}:
        return None
    tail = token.text[len(core) :]
    height = token.box.height * (0.87 if set(tail) & set(",;") else 1.0)
    if len(tail) > 1 or height <= 0:
        return None
    width = token.box.width / height - (_SIGN_WIDTH if tail else 0.0)
    return next((n for n, (low, high) in enumerate(_WIDTHS, 1) if low <= width <= high), None)


def _trustworthy_widths(document: Document) -> bool:
    """Whether the document's type is one whose strokes can be counted by width: its right numerals must agree.

    Those of headings that are in turn are right: in wide type II is as wide as III is elsewhere.
    """
    last = 0
    for place, core in _numbered(document):
        read = strokes(core) if not core.isdigit() else None
        if read in ROMAN and ROMAN.index(read) == last + 1:
            last += 1
            if core in ("II", "III") and width_in_strokes(place.token) not in (None, len(core)):
                return False
    agree = 0
    for _, tokens in document.texts():
        for token in tokens:
            core = token.text.rstrip(_EDGE)
            if core in ("I", "II", "III") and (n := width_in_strokes(token)) is not None:
                agree += n == len(core)
                if core == "I" and n > 1:
                    return False
    return agree > 0


def _roman(place: Place) -> Change | None:
    """The numeral of "quý III", "Chương II", by the width of its word."""
    core = place.token.text.rstrip(_EDGE)
    read = strokes(core)
    return _restroked(place, core, read) if read is not None and core != "1" * len(core) else None


def _restroked(place: Place, core: str, read: str) -> Change | None:
    """The numeral with as many strokes as its word is wide. A numeral that could be right only gains strokes."""
    counted = width_in_strokes(place.token)
    if counted is None or core == "I" * counted or core.isdigit() or (core == read and counted < len(read)):
        return None
    if core in ("L", "l", "|"):
        return None
    because = f"a roman numeral; its word is as wide as {counted} stroke{'s' if counted > 1 else ''}"
    return place.change(0, len(core), "I" * counted, LIKELY, because)


def _numbered(document: Document) -> Iterator[tuple[Place, str]]:
    """The heads of blocks that are a numeral and a full stop, and the numeral as it was read."""
    for place in heads(document):
        text = place.token.text
        core = text[:-1]
        if len(place.tokens) > 1 and text.endswith(".") and (_ARABIC.fullmatch(core) or strokes(core) is not None):
            yield place, core


def _headings(document: Document, measured: bool) -> Iterator[Change]:
    """Numerals at the head of a block: ``HI.`` after ``II.``, ``I.`` before ``2.``"""
    found = list(_numbered(document))
    cores = [core for _, core in found]
    # Where blocks are counted in letters, H is one of them.
    lettered = any(tokens[0].text == "G." for _, tokens in document.texts() if tokens)
    last = 0  # the number of the last roman heading
    for index, (place, core) in enumerate(found):
        if place.token.references:
            continue
        after = cores[index + 1 :]
        change = _first_heading(place, core, index, after) if not last and not lettered else None
        if change is None and core.isdigit():
            continue
        change = change or _heading(place, core, "".join(after[:1]), last, measured=measured, lettered=lettered)
        value = change.after if change is not None else core
        last = ROMAN.index(value) if value in ROMAN else last
        if change is not None:
            yield change


def _first_heading(place: Place, core: str, index: int, after: Sequence[str]) -> Change | None:
    """The numeral of the first heading; a ``1.`` that is one is the first number of all.

    Args:
        index: of the number among those that head blocks.
        after: the numbers behind it.
    """
    return _roman_one(place, after) if core in _FIRST and (core != "1" or index == 0) else None


def _heading(place: Place, core: str, following: str, last: int, *, measured: bool, lettered: bool) -> Change | None:
    """The numeral of a heading: ``I.`` that was printed ``1.``, or one whose strokes are wrong."""
    one = _arabic_one(place, core) if core in ("I", "l", "|") and following == "2" else None
    return one or _roman_heading(place, core, following, last, measured=measured, lettered=lettered)


def _roman_one(place: Place, following: Sequence[str]) -> Change | None:
    """``L.`` or ``1.`` that was printed ``I.``: the first of roman headings, by the numbers that follow it.

    Its own items count from 1, and the next heading is II.; a ``1.`` that is followed by ``2.`` before that is one of
    the items of a heading that was not read.

    Args:
        following: the numbers after it.
    """
    core = place.token.text[:-1]
    items = list(takewhile(str.isdigit, following))
    next_is_two = strokes(following[len(items)]) == "II" if len(items) < len(following) else False
    from_one = items[:1] in ([], ["1"])
    if core == "1":
        sure = next_is_two and from_one and items.count("1") <= 1  # lists that begin anew have items of 1 each
    else:
        sure = from_one and (next_is_two or bool(items))
    if not sure:
        return None
    around = f"the next ones are {', '.join(following[: len(items) + 1][:3])}"
    return place.change(0, 1, "I", LIKELY, f"a roman numeral: {around}")


def _roman_heading(
    place: Place, core: str, following: str, last: int, *, measured: bool, lettered: bool
) -> Change | None:
    """A roman numeral by the one after it, by its width, or by the number of the one before it (``last``)."""
    if core in ("l", "|") and following in ("1", "II", "H", "HI"):
        return place.change(0, 1, "I", LIKELY, f"a roman numeral: the next one is {following}")
    read = strokes(core) or ""
    if measured and place.token.letters and set(read) == {"I"} and not (core == "H" and lettered):
        by_width = _restroked(place, core, read)
        if by_width is not None:
            return by_width
    if core == read or lettered or not _comes_next(core, read, last):
        return None
    return place.change(0, len(core), read, SURE, f"a roman numeral: the one before it is {ROMAN[last] or 'none'}")


def _comes_next(core: str, read: str, last: int) -> bool:
    """Whether a numeral is the one after number ``last``; a single stroke that is the first may be anything."""
    return read in ROMAN and ROMAN.index(read) == last + 1 and (len(core) > 1 or last > 0)


def _arabic_one(place: Place, core: str) -> Change | None:
    """``I.`` that was printed ``1.``, where ``2.`` follows and the page knows of it."""
    letters = page_letters(place.token)
    shown = confidence_of(letters[0], "1") if letters else -1
    if shown < _SHOWN:
        return None
    because = f"the page also showed 1 ({shown}) beside {core}, and the next number is 2"
    return place.change(0, 1, "1", SURE, because)
