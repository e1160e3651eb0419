"""The letters that count list items, ``a)`` to ``y)``, put right where their order and the page agree.

``c)`` is followed by ``d)``; where the page was read as ``đ)`` there and showed a ``d`` beside it, a d was printed. No
letter changes that stands in its turn, and none becomes one that the page did not show.
"""

from __future__ import annotations

import re

from normalize.document import Document
from normalize.repair.candidates import Change, by_rule, page_letters

ORDER = "abcdđeghiklmnopqrstuvxy"
_MARKER = re.compile(r"\(?(\S)\)[.,;]?")
# What small letters in print are read as that no list begins with.
_NO_LETTER = frozenset("øØ©€®@¢")
# The page must have shown the letter with at least this confidence.
_SHOWN = 15
PROBABILITY = 0.95


def list_letters(document: Document) -> list[Change]:
    """Letters of list items that are out of turn."""
    places = []
    for text, (where, tokens) in enumerate(document.texts()):
        if where.startswith("blocks/") and len(tokens) > 1 and (found := _MARKER.fullmatch(tokens[0].text)):
            letter = found[1]
            if (letter in ORDER or letter in _NO_LETTER) and not tokens[0].marks:
                places.append((text, tokens[0], found.start(1), letter))
    out = []
    letters = [letter for *_, letter in places]
    for number, (text, token, at, read) in enumerate(places):
        before = letters[number - 1] if number else ""
        after = letters[number + 1] if number + 1 < len(places) else ""
        if not page_letters(token) or follows(before, read) or (read == "a" and after in ("", "b")):
            continue
        shown = {text.lower(): confidence for text, confidence in reversed(token.letters[at].choices)}
        for letter in sorted(ORDER, key=lambda one: -shown.get(one, -1)):
            if shown.get(letter, -1) < _SHOWN:
                break
            if letter != read and (follows(before, letter) or (letter == "a" and after == "b")):
                reason = f"list items count in letters: the one before is {before or 'none'}, the one after "
                reason += f"{after or 'none'}; the page also showed {letter} ({shown[letter]}) beside {read}"
                out.append(by_rule(text, 0, token, at, at + 1, letter, PROBABILITY, reason))
                letters[number] = letter
                break
    return out


def follows(before: str, letter: str) -> bool:
    """Whether a list goes on from one letter to another; some lists leave out đ.

    >>> follows("c", "d"), follows("c", "đ"), follows("d", "e"), follows("", "b")
    (True, False, True, False)
    """
    if not before or before not in ORDER or letter not in ORDER:
        return False
    step = ORDER.index(letter) - ORDER.index(before)
    return step == 1 or (before, letter) == ("d", "e")
