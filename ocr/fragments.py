"""Words that Tesseract read twice in part, or set apart where no space is printed.

At a doubtful letter its recognizer now and then ends a word and begins the next with the same letter (``29- -NQ/TW``,
``22/1 12/1990``), or reads a piece of a word by itself before it reads the word (``s số``). The boxes of the letters
tell: no two letters stand in one place.
"""

from __future__ import annotations

from dataclasses import replace

from ocr.page import Box, hull
from ocr.tesseract import ReadLine, ReadWord, plain_letters

#: Letters whose boxes share this much stand in one place.
_ONE_PLACE = 0.6
#: A word that stands within another with this share of its width is a piece of it.
_WITHIN = 0.7
#: In x-heights: between what belongs to one number or symbol ("51" and "-KL/TW") there is less paper than this; spaces
#: of the scans in devset/ are 0.45 wide at least, and a 1 has up to 0.3 of paper beside it.
_NO_SPACE = 0.36


def mended(line: ReadLine) -> ReadLine:
    """The line with each letter once, and the parts of a symbol in one word."""
    words = list(line.words)
    index = 0
    while index + 1 < len(words):
        before, after = words[index], words[index + 1]
        if _is_piece(before, after):
            del words[index]
            index = max(0, index - 1)
        elif _is_piece(after, before):
            del words[index + 1]
        elif (shared := _shared_letters(before, after)) or _is_one_symbol(before, after, line.x_height):
            words[index : index + 2] = [_joined(before, after, shared)]
        else:
            index += 1
    return replace(line, words=tuple(words)) if len(words) < len(line.words) else line


def _is_piece(word: ReadWord, whole: ReadWord) -> bool:
    """Whether a word is the beginning or end of another, and stands where that does."""
    text, other = plain_letters(word.text), plain_letters(whole.text)
    within = word.box.across(whole.box) >= _WITHIN * word.box.width
    shorter = len(text) < len(other) or (text == other and word.confidence < whole.confidence)
    return within and shorter and (other.startswith(text) or other.endswith(text))


def _shared_letters(before: ReadWord, after: ReadWord) -> int:
    """How many letters at the end of a word are those at the beginning of the next, read in the same place."""
    for count in (2, 1):
        ends, begins = before.letters[-count:], after.letters[:count]
        places = zip(before.letter_boxes[-count:], after.letter_boxes[:count], strict=False)
        same = [one.text for one in ends] == [one.text for one in begins]
        if min(len(before.letters), len(after.letters)) > count and same and all(_in_one_place(*two) for two in places):
            return count
    return 0


def _in_one_place(one: Box, other: Box) -> bool:
    return one.across(other) >= _ONE_PLACE * max(one.width, other.width)


def _is_one_symbol(before: ReadWord, after: ReadWord, x_height: float) -> bool:
    """Whether a word carries on a number or symbol: a hyphen or slash, then a capital, with no space before it."""
    gap = after.box.left - before.box.right
    carries_on = after.text[:1] in "-/" and after.text[1:2].isupper()
    return carries_on and before.text[-1:].isalnum() and -_NO_SPACE * x_height < gap < _NO_SPACE * x_height


def _joined(before: ReadWord, after: ReadWord, shared: int) -> ReadWord:
    """Two words as one, without the first ``shared`` letters of the second."""
    letters = before.letters + after.letters[shared:]
    return ReadWord(
        "".join(one.text for one in letters),
        hull([before.box, after.box]),
        min(before.confidence, after.confidence),
        letters,
        before.letter_boxes + after.letter_boxes[shared:],
    )
