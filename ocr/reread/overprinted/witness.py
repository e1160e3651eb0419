"""What the network makes of a row of letters, and whether it is sure of all of it.

A row is looked at more than once: with the seal and without it, as large as it is and a little smaller. Traces of a
seal that make another letter in one picture make none, or a third one, in the next; print is read in all of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ocr.page import Box, Word, hull, letter
from ocr.reread.overprinted.lines import cut_out
from ocr.reread.overprinted.network import CAPITALS, FEET, Reading, read

#: Odds of every letter from which on a reading is sure, and at least those in the one that confirms it. Of 1200 lines
#: drawn for this in Times, all of them written over, a quarter of them with a mark or a letter that does not belong
#: there, 286 in mixed case were sure so, 2 of them wrong.
_SURE, _CONFIRMED = 0.95, 0.6
#: The same for a line in capitals: those over a signature must be offices besides, before anything is told of them. Of
#: these lines 372 were sure so, 15 of them wrong, one of which was an office then, TRƯỞNG THÔN out of TRƯỞNG PHÓ.
_SURE_CAPITALS, _CONFIRMED_CAPITALS = 0.8, 0.5
#: In columns of a picture: a letter nearer to its end may be half of one, and more may stand beyond.
_EDGE = 26
#: The second size at which a row is looked at.
_SMALLER = 1.12
#: In heights of a capital: from the middle of a letter to the end of its word.
_HALF_LETTER = 0.45
#: No word that was read by the network alone has more confidence.
_MOST = 95.0
#: In heights of a capital: letters of one line stand no further apart, from middle to middle, two words' included.
_APART = 2.6
_AT_ENDS = ".,:;()/- "


@dataclass(frozen=True, slots=True)
class Witness:
    """A row as the network reads it.

    Attributes:
        words: from left to right, their confidence by their letters' odds.
        sure: whether two pictures of the row say the same, and surely.
    """

    words: tuple[Word, ...]
    sure: bool


def look(layers: Sequence[np.ndarray], letters: Sequence[Box], capital: float) -> Witness:
    """Read a row.

    Args:
        layers: the page in grey with its seals, and without them where that is another one.
        letters: boxes of the row's letters, from left to right, as far as they are no part of a stroke.
        capital: how high its capitals are, in pixels.
    """
    seen: list[_View] = []
    for view in _views(layers, letters, capital):
        others = [other for other in seen if view.confirms(other)]
        seen.append(view)
        if others and not any(view.contradicts(other) for other in seen):
            best = max((view, *others), key=lambda one: one.reading.least)
            return Witness(best.words(), True)
    best = max(seen, key=lambda one: sum(one.reading.odds) / max(1, len(one.reading.odds)))
    return Witness(best.words(), False)


@dataclass(frozen=True, slots=True)
class _View:
    """What was read in one picture of a row.

    Attributes:
        to_page: the matrix from the picture to the page.
        cut: whether a letter may be cut off at an end.
        erased: whether a seal was taken out of the picture, and perhaps a letter with it.
    """

    reading: Reading
    to_page: np.ndarray
    cut: bool
    erased: bool

    @property
    def plain(self) -> str:
        return self.reading.text.strip(_AT_ENDS)

    def confirms(self, other: _View) -> bool:
        """Whether both say the same, and surely; what is read only where a seal was taken out may be half of it."""
        if (self.erased and other.erased) or self.cut or other.cut:
            return False
        sure, confirmed = (_SURE_CAPITALS, _CONFIRMED_CAPITALS) if self.plain.isupper() else (_SURE, _CONFIRMED)
        odds = (self.reading.least, other.reading.least)
        same = self.plain == other.plain != ""
        return same and max(odds) >= sure and min(odds) >= confirmed

    def contradicts(self, other: _View) -> bool:
        """Whether both are sure, and of different things."""
        sure = min(self.reading.least, other.reading.least) >= _SURE_CAPITALS and not self.cut and not other.cut
        return sure and self.plain != other.plain

    def words(self) -> tuple[Word, ...]:
        return _words(self.reading, self.to_page)


def _views(layers: Sequence[np.ndarray], letters: Sequence[Box], capital: float) -> Iterator[_View]:
    """The row in each layer, where they differ, and at another size."""
    pictures: list[np.ndarray] = []
    row = hull(list(letters))
    for size in (1.0, _SMALLER):
        for at, layer in enumerate(layers):
            picture, to_page = cut_out(layer, letters, size * capital)
            if not any(np.array_equal(picture, other) for other in pictures):
                pictures.append(picture)
                reading = _of_row(read(picture), to_page, row, capital)
                ends = (reading.columns[0], reading.columns[-1]) if reading.columns else (0, 0)
                cut = (ends[0] < _EDGE and to_page[0, 2] > 0) or ends[1] > picture.shape[1] - _EDGE
                yield _View(reading, to_page, cut, at > 0)


def _of_row(reading: Reading, to_page: np.ndarray, row: Box, capital: float) -> Reading:
    """The part of a reading that belongs to a row: letters that stand no further apart than words do."""
    places = [float(to_page[0, 0] * column + to_page[0, 2]) for column in reading.columns]
    printed = [at for at, letter in enumerate(reading.text) if letter != " "]
    cuts = [0]
    for one, after in pairwise(printed):
        if places[after] - places[one] > _APART * capital:
            cuts.append(after)
    pieces = list(zip(cuts, [*cuts[1:], len(places)], strict=True))
    first, last = max(
        pieces,
        key=lambda piece: sum(row.left - capital < places[at] < row.right + capital for at in range(*piece)),
        default=(0, 0),
    )
    text = reading.text[first:last].rstrip()
    return Reading(text, reading.odds[first : first + len(text)], reading.columns[first : first + len(text)])


def _words(reading: Reading, to_page: np.ndarray) -> tuple[Word, ...]:
    """The words of a reading, with boxes on the page from the heads of its capitals to their feet."""
    words: list[Word] = []
    half, at = _HALF_LETTER * CAPITALS, 0
    for text in reading.text.split(" "):
        odds, columns = reading.odds[at : at + len(text)], reading.columns[at : at + len(text)]
        at += len(text) + 1
        if text:
            corners = [(x, y, 1) for x in (columns[0] - half, columns[-1] + half) for y in (FEET - CAPITALS, FEET)]
            x, y = to_page @ np.array(corners, np.float64).T
            box = Box(max(0, round(x.min())), max(0, round(y.min())), round(x.max()), round(y.max()))
            confidence = round(min(_MOST, 100 * min(odds)), 1)
            words.append(Word(text, box, confidence, tuple(map(letter, text))))
    return tuple(words)
