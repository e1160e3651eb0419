"""The letters that count list items, ``a)`` to ``y)``, put right where their order and the page agree.

``c)`` is followed by ``d)``; where the page was read as ``đ)`` there and showed a ``d`` beside it, a d was printed. No
letter changes that stands in its turn, and none becomes one that the page did not show. A sign that is no letter
(``©)``) is the one letter between its neighbours, whatever the page showed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from normalize.document import Document
from normalize.repair.changes import Change, Place, heads, page_letters

ORDER = "abcdđeghiklmnopqrstuvxy"
_MARKER = re.compile(r"\(?(\S)\)[.,;]?")
# What small letters in print are read as that no list begins with.
_NO_LETTER = frozenset("øØ©€®@¢¬£§¤")
# The page must have shown the letter with at least this confidence.
_SHOWN = 15
PROBABILITY = 0.95


def list_letters(document: Document) -> Iterator[Change]:
    """Letters of list items that are out of turn."""
    found = [(place, match.start(1), match[1]) for place in heads(document) if (match := _marker(place)) is not None]
    letters = [letter for *_, letter in found]
    for number, (place, at, read) in enumerate(found):
        before = letters[number - 1] if number else ""
        after = letters[number + 1] if number + 1 < len(found) else ""
        if follows(before, read) or (read == "a" and after in ("", "b")):
            continue
        for letter, because in _printed(place, at, read, before, after):
            yield place.change(at, at + 1, letter, PROBABILITY, because)
            letters[number] = letter


def _printed(place: Place, at: int, read: str, before: str, after: str) -> list[tuple[str, str]]:
    """The letter that was printed where one was read out of turn, and why; none where that is not sure."""
    between = _between(before, after) if read in _NO_LETTER else None
    if between is not None:
        return [(between, f"list items count in letters: the one before is {before}, the one after {after}")]
    if not page_letters(place.token):
        return []
    shown = {text.lower(): confidence for text, confidence in reversed(place.token.letters[at].choices)}
    letter = _in_turn(read, before, after, shown)
    if letter is None:
        return []
    because = f"list items count in letters: the one before is {before or 'none'}, the one after "
    because += f"{after or 'none'}; the page also showed {letter} ({shown[letter]}) beside {read}"
    return [(letter, because)]


def _marker(place: Place) -> re.Match[str] | None:
    """The letter at the head of a block that has more words, where no footnote is cited."""
    match = _MARKER.fullmatch(place.token.text)
    if match is None or len(place.tokens) < 2 or place.token.references:
        return None
    return match if match[1] in ORDER or match[1] in _NO_LETTER else None


def _between(before: str, after: str) -> str | None:
    """The letter between two others; ``None`` where that is not one alone."""
    found = [letter for letter in ORDER if follows(before, letter) and follows(letter, after)]
    return found[0] if len(found) == 1 else None


def _in_turn(read: str, before: str, after: str, shown: Mapping[str, int]) -> str | None:
    """The letter that is in turn and was shown by the page, the surest first."""
    for letter in sorted(ORDER, key=lambda one: -shown.get(one, -1)):
        if shown.get(letter, -1) < _SHOWN:
            return None
        if letter != read and (follows(before, letter) or (letter == "a" and after == "b")):
            return letter
    return None


def follows(before: str, letter: str) -> bool:
    """Whether a list goes on from one letter to another; some lists leave out đ.

    >>> follows("c", "d"), follows("c", "đ"), follows("d", "e"), follows("", "b")
    (True, False, True, False)
    """
    if not before or before not in ORDER or letter not in ORDER:
        return False
    step = ORDER.index(letter) - ORDER.index(before)
    return step == 1 or (before, letter) == ("d", "e")
