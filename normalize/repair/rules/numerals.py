"""Numerals that were read as letters, and strokes of roman numerals that were lost, put right on the page's evidence.

A digit never changes here. A letter becomes a digit only where the page itself showed that digit beside it; strokes of
a roman numeral are counted by the width of the word, or by the headings around it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from normalize.document import Document, Token, Tokens
from normalize.repair.candidates import Change, by_rule, page_letters
from normalize.vietnamese.syllable import parse, skeleton

ROMAN = (
    "",
    *[
        "I",
        "II",
        "III",
        "IV",
        "V",
        "VI",
        "VII",
        "VIII",
        "IX",
        "X",
        "XI",
        "XII",
        "XIII",
        "XIV",
        "XV",
        "XVI",
        "XVII",
        "XVIII",
        "XIX",
        "XX",
    ],
)
# What a printed digit is read as. The last row is letters that stand beside digits in their own right (L7, T4, O2) and
# need a word before them that a number follows.
_DIGITS = {**dict.fromkeys("lI|ÍÌỊ¡!", "1"), **dict.fromkeys("ØÖ", "0")}
_DIGITS_AFTER = {**_DIGITS, **dict.fromkeys("LT", "1"), **dict.fromkeys("OoƠ", "0"), "Q": "0", "S": "5", "B": "8"}
_NUMBER = re.compile(r"\d{1,3}(?:\.\d{3})*(?:,\d+)?%?|\d+,\d+%?|\d{1,2}[/-]\d{1,2}(?:[/-]\d{4})?|\d{1,2}/\d{4}|\d+%?")
_BEFORE_NUMBERS = frozenset(("ngay", "thang", "nam", "dieu", "khoan", "so", "diem"))
# Words that a number stands before: "1 triệu". A roman numeral does not.
_AFTER_NUMBERS = frozenset(("triệu", "tỷ", "tỉ", "nghìn", "ngàn", "đồng", "ha", "km", "kg", "tấn", "lượt", "người"))
_NEVER_BEFORE_ROMANS = frozenset(("ngay", "thang", "dieu", "khoan"))
_BEFORE_ROMANS = frozenset(("quy", "chuong", "phan", "muc", "loai", "hang", "nhom", "giai", "dot", "ky", "cap", "luc"))
# The page must have shown the digit with at least this confidence.
_SHOWN = 20
# What Tesseract makes of the strokes of a roman numeral.
_STROKES = {"I": "I", "l": "I", "|": "I", "1": "I", "L": "I", "H": "II", "V": "V", "X": "X"}
_EDGE = ".,;:"
# A sign after the numeral adds this much to its width, in heights of a capital.
_SIGN_WIDTH = 0.3
# Width of one, two and three strokes in heights of a capital: Times and its kin, regular 0.34, 0.83, 1.34 and bold
# 0.49, 1.07, 1.60, measured on the sample scans.
_WIDTHS = ((0.25, 0.62), (0.72, 1.18), (1.22, 1.8))
SURE, LIKELY = 0.97, 0.93


def numerals(document: Document) -> list[Change]:
    """Letters that are digits, and roman numerals whose strokes are wrong."""
    measured = _trustworthy_widths(document)
    out = [*_headings(document, measured)]
    done = {(change.slot.text, change.slot.token) for change in out}
    for text, (_, tokens) in enumerate(document.texts()):
        for index, token in enumerate(tokens):
            if (text, index) in done or not token.letters or token.marks:
                continue
            before = skeleton(tokens[index - 1].text).strip(".,;:()") if index else ""
            if before in _BEFORE_ROMANS and (change := _roman_after(text, index, token, measured)):
                out.append(change)
                continue
            after = tokens[index + 1].text if index + 1 < len(tokens) else ""
            change = _number(text, index, token, before, after)
            if change is not None:
                out.append(change)
    return out


def _number(text: int, index: int, token: Token, before: str, after: str) -> Change | None:
    """A number of which letters were read: ``I8``, ``Ø7``, ``l3/01/2010``."""
    core = token.text.strip("().,;:")
    if not core or len(core) > 12 or not all(c in _DIGITS_AFTER or c in "0123456789./-,%" for c in core):
        return None
    start = token.text.index(core)
    letters = page_letters(token)
    table = _DIGITS_AFTER if before in _BEFORE_NUMBERS else _DIGITS
    if not any(c.isdigit() for c in core):
        if not _lone_one(core, token.text, before, after):
            return None
        table = {"l": "1", "|": "1", "I": "1"}
    elif len(core) == 2 and before not in (*_BEFORE_NUMBERS, "thu") and core[0] != "l" and not set(core) & set("ØÖ"):
        return None
    wrong = [i for i, c in enumerate(core) if c.isalpha() or c in "|¡!"]
    if not wrong or not letters:
        return None
    new = list(core)
    reasons = []
    for i in wrong:
        digit = table.get(core[i])
        shown = dict(letters[start + i].choices).get(digit or "", -1)
        if digit is None or shown < _SHOWN:
            return None
        new[i] = digit
        reasons.append(f"the page also showed {digit} ({shown}) beside {core[i]}")
    after_ = "".join(new)
    if not _NUMBER.fullmatch(after_):
        return None
    return by_rule(text, index, token, start, start + len(core), after_, SURE, "a number; " + "; ".join(reasons))


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
    if token.box is None or token.marks or not core or set(strokes(core) or "?") != {"I"}:
        return None
    tail = token.text[len(core) :]
    height = token.box.height * (0.87 if set(tail) & set(",;") else 1.0)
    if len(tail) > 1 or height <= 0:
        return None
    width = token.box.width / height - (_SIGN_WIDTH if tail else 0.0)
    return next((n for n, (low, high) in enumerate(_WIDTHS, 1) if low <= width <= high), None)


def _trustworthy_widths(document: Document) -> bool:
    """Whether the document's type is one whose strokes can be counted by width: its right numerals must agree."""
    agree = 0
    for _, tokens in document.texts():
        for token in tokens:
            core = token.text.rstrip(_EDGE)
            if core in ("I", "II", "III") and (n := width_in_strokes(token)) is not None:
                agree += n == len(core)
                if core == "I" and n > 1:
                    return False
    return agree > 0


def _roman_after(text: int, index: int, token: Token, measured: bool) -> Change | None:
    """The numeral of "quý III", "Chương II"."""
    core = token.text.rstrip(_EDGE)
    read = strokes(core)
    if not measured or read is None or core == "1" * len(core):
        return None
    return _restroked(text, index, token, core, read)


def _restroked(text: int, index: int, token: Token, core: str, read: str) -> Change | None:
    """The numeral with as many strokes as its word is wide. A numeral that could be right only gains strokes."""
    counted = width_in_strokes(token)
    if counted is None or core == "I" * counted or core.isdigit() or (core == read and counted < len(read)):
        return None
    if core in ("L", "l", "|"):
        return None
    reason = f"a roman numeral; its word is as wide as {counted} stroke{'s' if counted > 1 else ''}"
    return by_rule(text, index, token, 0, len(core), "I" * counted, LIKELY, reason)


def _markers(document: Document) -> Iterator[tuple[int, Tokens, str]]:
    """Texts that begin with a numeral and a full stop: index, tokens, the numeral as it was read."""
    for text, (where, tokens) in enumerate(document.texts()):
        if not where.startswith("blocks/") or len(tokens) < 2 or not tokens[0].text.endswith("."):
            continue
        core = tokens[0].text[:-1]
        if re.fullmatch(r"\d{1,2}", core) or strokes(core) is not None:
            yield text, tokens, core


def _headings(document: Document, measured: bool) -> Iterator[Change]:
    """Numerals at the head of a block: ``HI.`` after ``II.``, ``I.`` before ``2.``"""
    found = list(_markers(document))
    letters = {tokens[0].text for _, tokens in document.texts() if tokens}
    last = 0  # the number of the last roman heading
    for number, (text, tokens, core) in enumerate(found):
        following = found[number + 1][2] if number + 1 < len(found) else ""
        token = tokens[0]
        if core.isdigit() or token.marks:
            continue
        read = strokes(core) or ""
        change: Change | None = None
        if core in ("I", "l", "|") and following == "2":
            change = _arabic_one(text, token, core)
            if change is not None:
                yield change
                continue
        if core in ("l", "|") and following in ("1", "II", "H", "HI"):
            reason = f"a roman numeral: the next one is {following}"
            change = by_rule(text, 0, token, 0, 1, "I", LIKELY, reason)
        elif core == "H" and "G." in letters:
            pass
        elif measured and token.letters and set(read) == {"I"}:
            change = _restroked(text, 0, token, core, read)
        if change is None and core != read and read in ROMAN and ROMAN.index(read) == last + 1 and "G." not in letters:
            reason = f"a roman numeral: the one before it is {ROMAN[last] or 'none'}"
            if len(core) > 1 or last:
                change = by_rule(text, 0, token, 0, len(core), read, SURE, reason)
        value = change.after if change is not None else core
        if value in ROMAN:
            last = ROMAN.index(value)
        if change is not None:
            yield change


def _arabic_one(text: int, token: Token, core: str) -> Change | None:
    """``I.`` that was printed ``1.``, where ``2.`` follows and the page knows of it."""
    letters = page_letters(token)
    shown = dict(letters[0].choices).get("1", -1) if letters else -1
    if shown < _SHOWN:
        return None
    reason = f"the page also showed 1 ({shown}) beside {core}, and the next number is 2"
    return by_rule(text, 0, token, 0, 1, "1", SURE, reason)
