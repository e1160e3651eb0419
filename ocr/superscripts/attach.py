"""Raised signs put back into the lines that were read without them: each between two letters of a word."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from ocr.page import Box, Letter, Line, Raised, Word, hull, letter
from ocr.superscripts.find import RaisedSign
from ocr.tesseract import ReadLine, ReadWord

#: Signs that follow a word without a space.
_CLOSING = frozenset(".,;:!?)]}”’\"'…")
_POINTS = ".,;:…"
#: A unit with what was read behind it, where an exponent follows the unit without anything between them.
_UNIT = re.compile(r"(?:.*[\W\d_])?[kdc]?m(?P<tail>[-–.,;:)]+)")
_BARE_UNIT = re.compile(r"(?:.*[\W\d_])?[kdc]?m")
#: Behind these no raised sign stands, but before them (m³/s).
_OPENING = frozenset("/([{“")
#: What Tesseract likes to see in a gap; Unicode counts the circumflex among the letters.
_CIRCUMFLEX = "ˆ"
#: What stands before a degree sign, and what follows it.
_MEASURE = re.compile(r"[-–+(]?\d+([.,]\d+)?")
_CELSIUS = re.compile(r"C(?![^\W\d_])")
_PHANTOMS = frozenset("_ˆ^`´¨~°")
#: Pieces of print that some signs are made of; others are one.
_PIECES = {"”": 2, "“": 2, '"': 2, "…": 3}
#: By so many letters boxes may be wrong.
_FAR = 2
#: A sign leaves a gap as wide as itself and so much more, in x-heights.
_ROOM_BESIDE_SIGN = 0.9


def attach(lines: list[ReadLine], signs: list[RaisedSign]) -> list[Line]:
    """The lines with each raised sign in its place between two letters.

    A sign belongs to the line whose baseline it was measured from, and there to the word that ends or begins
    nearest to it. Taking the sign out of the image can leave the full stop after it as a word of its own; it
    is put back. A sign that belongs to no line is left out (it stood in a drawing).
    """
    at: dict[int, list[RaisedSign]] = {}
    for sign in signs:
        index = _line_of(lines, sign)
        if index is not None:
            at.setdefault(index, []).append(sign)
    return [_line_with(line, at.get(index, [])) for index, line in enumerate(lines)]


def _line_of(lines: list[ReadLine], sign: RaisedSign) -> int | None:
    best, least = None, 0.6 * sign.x_height
    for index, line in enumerate(lines):
        reach = 2 * sign.x_height
        if not (line.box.left - reach < sign.box.right and sign.box.left < line.box.right + reach):
            continue
        distance = abs(line.baseline + line.slope * (sign.box.x - line.box.left) - sign.baseline)
        if distance < least:
            best, least = index, distance
    return best


def _without_phantoms(word: ReadWord, signs: list[RaisedSign]) -> ReadWord | None:
    """The word without signs read where a raised one was taken out: Tesseract likes to fill a gap with ``_``."""
    kept = [
        at
        for at, (one, box) in enumerate(zip(word.letters, word.letter_boxes, strict=True))
        if _may_be_printed(one.text) or not any(_is_phantom_of(sign, one.text, box) for sign in signs)
    ]
    if len(kept) == len(word.letters):
        return word
    return _of_letters(word, kept) if kept else None


def _as_many_behind_exponent(word: ReadWord, signs: list[RaisedSign]) -> ReadWord:
    """A unit with no more signs behind it than stand behind its exponent: in the gap that it left some are invented.

    Between a unit and its exponent nothing is printed. Which of several is invented, the height of the print tells.
    """
    found = _UNIT.fullmatch(word.text)
    if not found or len(word.letters) != len(word.text):
        return word
    near = [one for one in signs if one.text[:1] in ("2", "3") and _is_near_end(one, word)]
    if len(near) != 1 or not 0 <= near[0].behind < len(found["tail"]):
        return word
    begin, end = found.span("tail")
    low = [at for at in range(begin, end) if (word.text[at] in ".,") == near[0].point_after]
    kept = low[-1:] if near[0].behind == 1 and low else list(range(end - near[0].behind, end))
    return _of_letters(word, [*range(begin), *kept])


def _is_near_end(sign: RaisedSign, word: ReadWord) -> bool:
    """Whether a sign stands above the end of a word, or right behind it."""
    return word.box.right - 1.5 * sign.x_height < sign.box.x < word.box.right + sign.x_height


def _of_letters(word: ReadWord, kept: Sequence[int]) -> ReadWord:
    """The word with some of its letters only, by their index."""
    letters = tuple(word.letters[at] for at in kept)
    boxes = tuple(word.letter_boxes[at] for at in kept)
    return ReadWord("".join(one.text for one in letters), hull([*boxes]), word.confidence, letters, boxes)


def _may_be_printed(text: str) -> bool:
    """Whether a sign is a letter, digit or point, which Tesseract hardly ever invents."""
    return (text.isalnum() and text != _CIRCUMFLEX) or text in _CLOSING


def _is_phantom_of(sign: RaisedSign, text: str, box: Box) -> bool:
    """Whether a sign was read where a raised one was taken out.

    Tesseract's letter boxes are rough, but only for what is hardly ever printed may that count: a slash follows m³.
    """
    if text == "/" and sign.behind > 0:  # m³/s
        return False
    if text == "_" and sign.box.left - box.right < 2 * sign.x_height:
        return True
    rim = 0.5 * sign.x_height if text in _PHANTOMS else 2
    return sign.box.left - rim <= box.x <= sign.box.right + rim


def _line_with(line: ReadLine, signs: list[RaisedSign]) -> Line:
    """The line with the signs that belong to it, from left to right."""
    words = list(line.words)
    if signs:
        words = [kept for word in words if (kept := _without_phantoms(word, signs))] or words
        words = [_as_many_behind_exponent(word, signs) for word in words]
    for sign in signs:
        words = _with_follower_glued(words, sign)
    raised: list[list[Raised]] = [[] for _ in words]
    for sign in sorted(signs, key=lambda s: s.box.left):
        index, offset = _place(words, sign)
        words[index], offset = _with_point_behind(words[index], offset, sign)
        raised[index].append(Raised(offset, sign.text, sign.confidence, sign.box))
    out = tuple(_word_with(word, found) for word, found in zip(words, raised, strict=True))
    return Line(out, hull([word.box for word in out]), line.baseline, line.x_height)


def _with_point_behind(word: ReadWord, offset: int, sign: RaisedSign) -> tuple[ReadWord, int]:
    """A word with the full stop or comma behind a raised sign that the page shows, and the sign's place in it then.

    In the gap that the sign left it may have been read twice, not at all, or a question mark before it. Which of a
    comma and a full stop it is, Tesseract tells better.
    """
    before, after = word.text[:offset].rstrip(_POINTS + "?"), word.text[offset:]
    if not sign.point or not before or after.strip(_POINTS) or len(word.letters) != len(word.text):
        return word, offset
    kept = offset if sign.point_before else len(before)
    point = after if len(after) == 1 and (sign.point in ".," or after in ":;") and after != "…" else sign.point
    if (kept, point) == (offset, after):
        return word, offset
    text = word.text[:kept] + point
    x, baseline = sign.x_height, sign.baseline
    place = Box(sign.box.right, round(baseline - 0.3 * x), round(sign.box.right + 0.3 * x), round(baseline))
    letters = (*word.letters[:kept], word.letters[offset] if point == after else letter(point))
    boxes = (*word.letter_boxes[:kept], word.letter_boxes[offset] if point == after else place)
    return ReadWord(text, hull([*boxes, word.box]), word.confidence, letters, boxes), kept


def _with_follower_glued(words: list[ReadWord], sign: RaisedSign) -> list[ReadWord]:
    """The words, with the full stop or bracket beside a sign that was read as a word of its own put to the one before.

    The sign stands between the two or behind both.
    """
    room = sign.box.width + _ROOM_BESIDE_SIGN * sign.x_height
    for at, (word, follower) in enumerate(pairwise(words)):
        inside = word.box.right - 0.5 * sign.x_height < sign.box.x < follower.box.right + sign.x_height
        tight = follower.text[0] in _CLOSING and follower.box.left - word.box.right < room
        behind = sign.behind != 0 or sign.box.x > follower.box.x
        if (inside and tight and behind) or _is_point_behind(follower, sign):
            return [*words[:at], _glued(word, follower), *words[at + 2 :]]
    return words


def _is_point_behind(word: ReadWord, sign: RaisedSign) -> bool:
    """Whether a word is the full stop or comma that the page shows behind a sign; its box may be rough."""
    return bool(sign.point) and not word.text.strip(_POINTS) and abs(word.box.x - sign.box.right) < sign.x_height


def _word_with(word: ReadWord, raised: list[Raised]) -> Word:
    box = hull([word.box, *(sign.box for sign in raised)])
    text, letters = word.text, word.letters
    kept: list[Raised] = []
    # From the right, so that what is inserted moves no offset that is still to come.
    for sign in sorted(raised, key=lambda one: -one.offset):
        if _ends_in_slash(text, sign):
            text, letters = _with_letter(text, letters, "/", sign.offset)
            kept = [replace(one, offset=one.offset + 1) for one in kept]
            kept.append(replace(sign, text=sign.text[:-1]))
        elif _is_degree(text, sign):
            text, letters = _with_letter(text, letters, "°", sign.offset)
            kept = [replace(one, offset=one.offset + 1) for one in kept]
        else:
            kept.append(sign)
    return Word(text, box, word.confidence, letters, tuple(reversed(kept)))


def _is_degree(text: str, sign: Raised) -> bool:
    """Whether a ring that was read as a digit is the degree sign: behind a number, and no number begins with 0.

    Before a C that ends its word it is one whatever it was read as.
    """
    before, after = text[: sign.offset], text[sign.offset :]
    if _CELSIUS.match(after) and (not before or before[-1].isdigit()):
        return True
    return sign.text == "0" and bool(_MEASURE.fullmatch(before))


def _ends_in_slash(text: str, sign: Raised) -> bool:
    """Whether the last digit is the stroke of m³/s, of which a bad scan left the upper half: a letter follows it."""
    unit = _BARE_UNIT.fullmatch(text[: sign.offset])
    return bool(unit) and sign.text in ("27", "37") and text[sign.offset : sign.offset + 1].isalpha()


def _with_letter(text: str, letters: tuple[Letter, ...], new: str, offset: int) -> tuple[str, tuple[Letter, ...]]:
    """A word's text and letters with one more letter before the character at ``offset``."""
    at = count = 0
    while count < len(letters) and at + len(letters[count].text) <= offset:
        at += len(letters[count].text)
        count += 1
    more = (*letters[:count], letter(new), *letters[count:]) if letters else ()
    return text[:offset] + new + text[offset:], more


def _place(words: list[ReadWord], sign: RaisedSign) -> tuple[int, int]:
    """Index of the word a sign belongs to, and how many of its characters stand before the sign."""
    index, offset = _place_by_boxes(words, sign)
    text = words[index].text
    if offset == 0 and index and text[0] in _CLOSING:
        before = words[index - 1]
        if sign.box.left - before.box.right < 2 * sign.x_height:
            return index - 1, len(before.text)
    # Tesseract's letter boxes are rough; the ink beside the sign tells on which side of a full stop it stands.
    counted = _place_by_print_behind(text, offset, sign)
    offset = _place_by_points(text, offset, sign) if counted is None else counted
    while offset > 1 and text[offset - 1] in _OPENING:
        offset -= 1
    return index, offset


def _place_by_points(text: str, offset: int, sign: RaisedSign) -> int:
    """The place in a word on the side of its full stop on which one stands beside the sign."""
    if sign.point_after and not sign.point_before:
        while offset > 1 and offset == len(text.rstrip(_POINTS)) + 1 and text[offset - 1] in _POINTS:
            offset -= 1
    elif sign.point_before and not sign.point_after:
        while offset < len(text) and text[offset] in _POINTS:
            offset += 1
    return offset


def _place_by_print_behind(text: str, offset: int, sign: RaisedSign) -> int | None:
    """The place among the signs at the end of a word behind which as much print stands as behind a raised sign.

    ``None`` where that cannot be told: the raised sign heads the word, or letters stand behind it.
    """
    if sign.behind < 0 or not offset:
        return None
    core = max(1, len(text.rstrip("".join(_CLOSING))))
    if offset < core - _FAR:
        return None
    pieces = [sum(_PIECES.get(c, 1) for c in text[at:]) for at in range(core, len(text) + 1)]
    if sign.behind in pieces:
        return core + pieces.index(sign.behind)
    broken = text[core:][:1] in (":", ";") and sign.behind == pieces[0] + 1  # into its point and what is under it
    return core if broken else None


def _place_by_boxes(words: list[ReadWord], sign: RaisedSign) -> tuple[int, int]:
    for index, word in enumerate(words):
        if word.box.left + 1 < sign.box.x < word.box.right - 1:
            before = [
                len(one.text) for one, box in zip(word.letters, word.letter_boxes, strict=True) if box.x < sign.box.x
            ]
            return index, sum(before)
    left = max((i for i, w in enumerate(words) if w.box.right - 1 <= sign.box.x), default=None)
    if left is None:
        return 0, 0
    if left + 1 == len(words):
        return left, len(words[left].text)
    gap_left = sign.box.left - words[left].box.right
    if words[left + 1].text[0] in _CLOSING and gap_left < 1.5 * sign.x_height:
        return left, len(words[left].text)
    gap_right = words[left + 1].box.left - sign.box.right
    if gap_left <= 0.5 * sign.x_height or gap_left <= gap_right:
        return left, len(words[left].text)
    return left + 1, 0


def _glued(word: ReadWord, follower: ReadWord) -> ReadWord:
    return ReadWord(
        word.text + follower.text,
        hull([word.box, follower.box]),
        min(word.confidence, follower.confidence),
        word.letters + follower.letters,
        word.letter_boxes + follower.letter_boxes,
    )
