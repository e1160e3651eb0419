"""Lines that are no print: specks read as letters, traces of seals and pen strokes."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from ocr.image.seals import Seal
from ocr.layout.tick_boxes import EMPTY, TICKED
from ocr.page import Line, Word, is_read_elsewhere, mean_confidence, of_words, without

#: A speck is read as so many signs at most, one of them a letter or digit at most.
_LONGEST_SPECK = 8
#: A letter that stands alone is print from this confidence on, if it is as large as this share of the page's x-height.
_SURE_LETTER, _SMALL_LETTER = 80.0, 0.75
#: A letter by itself that is taller, in x-heights of the page, was drawn by a pen: Ấ and Ỗ are 2.1 tall.
_TALL_LETTER = 2.6
#: A line is print, however little of the rest was read, when words of so many letters each, and so many in all, were
#: read with this confidence.
_SURE_WORD, _WORD, _SURE_LETTERS = 85.0, 3, 5
#: Below this confidence a line is no print; below the second, if less than this share of its signs are letters.
_GARBAGE = 30.0
_DOUBTFUL, _FEW_LETTERS = 50.0, 0.6
#: Letters so many times as large as the page's are drawings, unless they were read with this confidence; a word or two
#: so many times as high, in x-heights of the page, are a pen's.
_OUT_OF_SCALE, _SURE_SCALE = 3.5, 75.0
#: Dots to be written on, as they are read.
_LEADER = re.compile(r"[.…·_]{3,}")
#: What stands before such dots is print when it begins with the number of an item, or from this confidence on.
_ITEM, _SURE_LABEL = re.compile(r"\d{1,2}[.)]|[a-zđ]\)"), 60.0
#: Signs that a speck is read as; in x-heights: so far behind the last word of a line they are no part of it.
_SPECKS = frozenset("'`´‘’\".,:;·~^°")
_LOOSE = 2.0
_PEN_WORDS, _PEN_HEIGHT = 2, 5.0
#: In x-heights of a table: a single letter is no higher and no lower than this.
_HIGHEST_WORD, _LOWEST_WORD = 4.0, 0.85
#: Words whose boxes share so much of the smaller one stand in one place.
_ONE_PLACE = 0.4
#: Share of the page's x-height: what is larger is not read of diacritics alone. In x-heights of the line that has them,
#: how far above its baseline they stand at least, and how far above its box they reach; their share that is above it.
#: Small letters end at 1.
_SMALL_MARKS, _ABOVE_LETTERS, _RIM, _OVER = 0.6, 0.85, 0.3, 0.9
#: In radii: what is read nearer to the centre of a seal is noise below this confidence, or with so few letters.
_IN_SEAL = 0.9
_SURE_IN_SEAL, _FEWEST_IN_SEAL = 85.0, 3


def without_noise(lines: Sequence[Line], seals: Sequence[Seal] = ()) -> tuple[list[Line], list[Line]]:
    """The lines that are print, and those that are none."""
    kept: list[Line] = []
    noise: list[Line] = []
    x_height = float(np.median([line.x_height for line in lines])) if lines else 0.0
    for line in lines:
        is_noise = (
            _is_speck(line, x_height)
            or (_is_garbage(line) and not (_has_sure_words(line) and not is_read_elsewhere(line, lines)))
            or _is_out_of_scale(line, x_height)
            or _is_read_in_seal(line, seals)
            or _is_of_marks(line, lines, x_height)
        )
        (noise if is_noise else kept).append(line)
    return kept, noise


def cut_off_speck(line: Line) -> list[Line]:
    """A line that a speck far behind its last word was read into, and the speck by itself."""
    if len(line.words) < 2:
        return [line]
    before, last = line.words[-2:]
    loose = last.box.left - before.box.right > _LOOSE * line.x_height
    return [of_words(line, line.words[:-1]), of_words(line, [last])] if loose and set(last.text) <= _SPECKS else [line]


def without_strays(lines: Sequence[Line]) -> tuple[list[Line], list[Line]]:
    """The lines of a table that are print, and what was read in it that is none: specks, pieces of a seal."""
    stray = _strays(lines)
    if not stray:
        return list(lines), []
    gone = [of_words(line, [word for word in line.words if word in stray]) for line in lines if _any_of(line, stray)]
    return without(lines, stray), gone


def _strays(lines: Sequence[Line]) -> list[Word]:
    """The words of a table that are no print."""
    size = float(np.median([line.x_height for line in lines]))
    words = [word for line in lines for word in line.words]
    out: list[Word] = []
    for line in lines:
        of_marks = _is_of_marks(line, lines, size)
        out += [word for word in line.words if of_marks or _is_stray(word, line, size) or _is_doubled(word, words)]
    return out


def _any_of(line: Line, words: Sequence[Word]) -> bool:
    return any(word in words for word in line.words)


def _is_stray(word: Word, line: Line, size: float) -> bool:
    """Whether a word of a table is no letter, and unsure, or one of a size that nothing else in it has."""
    letters = sum(c.isalnum() for c in word.text)
    if letters == 0:
        return word.confidence < _GARBAGE or (line.x_height < _SMALL_LETTER * size and word.confidence < _DOUBTFUL)
    if letters > 1:
        return False
    return word.box.height > _HIGHEST_WORD * size or (word.box.height < _LOWEST_WORD * size and len(line.words) <= 2)


def _is_doubled(word: Word, words: Sequence[Word]) -> bool:
    """Whether a word that was read badly stands where a surer one does."""
    return word.confidence < _DOUBTFUL and any(
        other.confidence > word.confidence and other is not word and word.box.shared(other.box) > _ONE_PLACE
        for other in words
    )


def _is_speck(line: Line, x_height: float) -> bool:
    """Diacritics that came off their capitals are read as a line of signs; a lone letter is a trace of pen or seal."""
    if any(sign in line.text for sign in (EMPTY, TICKED)):
        return False
    signs, letters = _signs(line), _count(line, str.isalnum)
    if signs > _LONGEST_SPECK or letters > 1 or _count(line, str.isdigit):
        return False
    wrong_size = line.x_height < _SMALL_LETTER * x_height or line.box.height > _TALL_LETTER * x_height
    return letters == 0 or signs > 1 or mean_confidence(line.words) < _SURE_LETTER or wrong_size


def _is_garbage(line: Line) -> bool:
    if not _reads_like_garbage(line.words):
        return False
    # A row of dots, left to be written on, is read with little confidence, and says nothing about the words before it.
    words = [replace(word, text=_LEADER.sub("", word.text)) for word in line.words if not _LEADER.fullmatch(word.text)]
    left_open = bool(words) and any(_LEADER.search(word.text) for word in line.words)
    if not left_open or _reads_like_garbage(words):
        return True
    return not _ITEM.fullmatch(words[0].text) and mean_confidence(words) < _SURE_LABEL


def _reads_like_garbage(words: Sequence[Word]) -> bool:
    confidence = mean_confidence(words)
    text = "".join(word.text for word in words)
    few_letters = sum(c.isalnum() for c in text) < _FEW_LETTERS * len(text)
    return confidence < _GARBAGE or (confidence < _DOUBTFUL and few_letters)


def _has_sure_words(line: Line) -> bool:
    """Whether part of a line was read beyond doubt: what a pen or a stamp left of the rest costs it its confidence."""
    sure = [word.text for word in line.words if word.confidence >= _SURE_WORD]
    letters = [sum(c.isalpha() for c in text) for text in sure]
    return sum(n for n in letters if n >= _WORD) >= _SURE_LETTERS


def _is_of_marks(line: Line, lines: Sequence[Line], x_height: float) -> bool:
    """Whether a line is read of the diacritics of another one: it stands above the small letters of that, and no higher
    than its marks do.

    Args:
        x_height: of the page, or the table.
    """
    return line.x_height < _SMALL_MARKS * x_height and any(
        other is not line
        and line.box.bottom <= other.baseline - _ABOVE_LETTERS * other.x_height
        and line.box.top >= other.box.top - _RIM * other.x_height
        and line.box.across(other.box) >= _OVER * line.box.width
        for other in lines
    )


def _is_out_of_scale(line: Line, x_height: float) -> bool:
    drawn = line.x_height > _OUT_OF_SCALE * x_height
    written = len(line.words) <= _PEN_WORDS and line.box.height > _PEN_HEIGHT * x_height
    return (drawn or written) and mean_confidence(line.words) < _SURE_SCALE


def _is_read_in_seal(line: Line, seals: Sequence[Seal]) -> bool:
    """The words along a seal's rim, and the signature across it."""
    if not any(seal.covers(line.box.x, line.box.y, _IN_SEAL) for seal in seals):
        return False
    return mean_confidence(line.words) < _SURE_IN_SEAL or _count(line, str.isalnum) <= _FEWEST_IN_SEAL


def _count(line: Line, is_one: Callable[[str], bool]) -> int:
    return sum(is_one(c) for c in line.text)


def _signs(line: Line) -> int:
    return sum(not c.isspace() for c in line.text)
