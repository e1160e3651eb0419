"""What Tesseract's Vietnamese model writes for signs it does not know, or knows badly: ``%o`` for ‰, ``”C`` for °C."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ocr.page import Letter, letter

#: Nothing else is written so: the sign is what is in brackets. A degree sign stands between a number and a C.
_MISREAD = (
    (re.compile(r"(%[oO0])(?!\w)"), "‰"),
    (re.compile(r"\d([”“\"’'‘*ºˆ^]{1,2})C(?![^\W\d_])"), "°"),
    (re.compile(r"^([”ºˆ^]{1,2})C(?![^\W\d_]|[\"”])"), "°"),
)


def signs_for(letters: Sequence[Letter]) -> list[tuple[int, int, Letter]]:
    """Which letters of a word, from and to, are one misread sign, and which; from the right to the left."""
    text = "".join(one.text for one in letters)
    if len(text) != len(letters):
        return []
    found = [(match.span(1), sign) for pattern, sign in _MISREAD for match in pattern.finditer(text)]
    return [(first, last, letter(sign)) for (first, last), sign in sorted(found, reverse=True)]
