"""The lines about a seal, read again: as one block, without Tesseract's own layout analysis, and row by row.

What is left of a seal and the signature across it still look like a picture, and a name beside them is taken for a part
of it. A row of letters that is cut out of all this reads far better. The network that was taught such rows is asked
first; where it is not sure, what several readings of Tesseract's agree on is likely to stand there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import cv2
import numpy as np

from ocr.image.components import Components, Shapes, find_components
from ocr.image.seals import Seal
from ocr.page import Box, Line, Word, Zone, hull, in_rows, lines_of, mean_confidence, of_words, without, words_of
from ocr.reread.overprinted.network import LETTERS
from ocr.reread.overprinted.witness import Witness, look
from ocr.reread.table_cells import Again

#: What a line read anew must show at least: a word of four letters read with confidence.
_ONE_WORD = 150.0
#: By how much a line read anew must show more than before.
_BETTER = 1.1
#: A row is not read once more whose line was read with this confidence, its worst word with that.
_SURE_LINE, _SURE_WORD = 88.0, 75.0
#: The same where the network is not asked.
_VERY_SURE = (92.0, 88.0)
#: Confidence of a word at least that two readings of a row agree on; at most, where they disagree and none prevails.
_AGREED, _DISPUTED = 80.0, 60.0
#: The share of the votes by which a reading of a word prevails; what the least confident one counts for.
_MAJORITY, _LEAST_VOTE = 0.6, 5.0
#: By so much less confidence a word of letters is no better than one with signs among them.
_CLEARLY_LESS = 10.0
#: A word was lost at an end of a row whose ink goes on there for this share of its height.
_UNREAD = 0.6
#: In heights of a row: from where to where before a word a lost letter is looked for. So much of that is inked over
#: more than half of the height where there is one: 0.23 and more of 60 lines measured; elsewhere 0 but once.
_BEFORE_WORD, _STEM = (0.85, 0.1), 0.12
#: A row is read no more often once so many readings make a sure one.
_ENOUGH = 2
#: Two readings are of one word when they share so much of the width of the wider one.
_SAME_PLACE = 0.75

# In x-heights: a letter, two joined ones of a stamp's bold type included; the gap between letters of a row, and how
# level their feet are from one to the next (name stamps lean); the paper about a row.
_HEIGHT, _WIDTH = (0.75, 2.9), (0.15, 9.0)
_NEXT, _LEVEL = 2.2, 0.35
_FEWEST, _NARROWEST = 3, 3.0
_ABOVE, _BELOW, _BEFORE, _AFTER = 2.6, 0.7, 2.5, 1.5
#: In x-heights: how high capitals are; how high a stem is at least, where a stroke of the pen is cut out.
_CAPITAL, _STEM_HEIGHT = 1.45, 0.45
#: In pixels: capitals lower than this show no marks, and such pictures would only be drawn out.
_LEGIBLE = 9.0
# In radii of a seal: how far to the left, right, above and below its centre its signature block goes.
_LEFT, _RIGHT, _UP, _DOWN = 1.3, 3.2, 1.9, 2.0


@dataclass(frozen=True, slots=True)
class _Row:
    """Letters on one level about a seal, from left to right, and the box around them; what the network saw there."""

    letters: tuple[Box, ...]
    box: Box
    seen: tuple[Word, ...] = ()


def read_about_seals(
    zones: Sequence[Zone],
    seals: Sequence[Seal],
    parts: Components,
    agains: Sequence[Again],
    layers: Sequence[np.ndarray],
) -> list[Line] | None:
    """The lines of a page; about a seal, line by line, the reading that shows more. ``None`` if nothing was replaced.

    Args:
        zones: of the page.
        seals: on the page.
        parts: the components of the page's ink.
        agains: each reads a part of the page by itself, as one block, in its own way; the first is the best.
        layers: the page in grey with its seals and without them.
    """
    before = lines_of(zones)
    out = before
    for seal in seals:
        block = _read_block(out, seal, agains[0])
        for line in block:
            same = [one for one in out if _is_same_line(one, line)]
            if _evidence([line]) > max(_BETTER * _evidence(same), _ONE_WORD):
                out = [one for one in out if one not in same] + [line]
        size = _x_height(out)
        rows = _rows(seal, seals, parts, size)
        crossed = _crossed_rows(rows, _rows(seal, seals, _stems(seal, parts.labels, size), size))
        witness = partial(_witness, layers=layers, capital=_CAPITAL * size)
        out, _ = _with_witness(out, crossed, seals, parts.labels, witness)
        out, rows = _with_witness(out, rows, seals, parts.labels, witness)
        out = _with_rows(out, block, rows, agains)
        out = _with_doubts(out, rows, parts.labels)
    return None if out is before else out


def _witness(row: _Row, *, layers: Sequence[np.ndarray], capital: float) -> Witness:
    return look(layers, row.letters, capital) if capital >= _LEGIBLE else Witness((), False)


def _read_block(lines: Sequence[Line], seal: Seal, again: Again) -> Sequence[Line]:
    """What stands about a seal, right of the lines that end at its left, read as one block."""
    top, bottom = max(0, round(seal.y - 1.5 * seal.radius)), round(seal.y + 2 * seal.radius)
    beside = [line.box.right for line in lines if top < line.box.y < bottom and line.box.right < seal.x]
    left = max(0, round(seal.x - 2.5 * seal.radius), *(edge + seal.radius // 16 for edge in beside))
    return again(Box(left, top, round(seal.x + 3.5 * seal.radius), bottom))


def _with_witness(
    lines: list[Line], rows: Sequence[_Row], seals: Sequence[Seal], ink: np.ndarray, witness: Callable[[_Row], Witness]
) -> tuple[list[Line], list[_Row]]:
    """The lines, rows that were not read with great confidence as the network reads them where it is sure.

    Also the rows about which it was not, or was not asked. Where digits stand it is not believed.
    """
    open_rows = []
    for row in rows:
        seen = witness(row) if _is_doubtful(row.box, words_of(lines), ink) else Witness((), False)
        if _is_told(seen):
            words = _doubted_start(list(seen.words), row, seals)
            old = _in_row(words_of(lines), row.box, _reach(row.box, seen.words))
            beside = [word for word in old if _stands_beside(word, words, seals)]
            lines = _replaced(lines, old, sorted([*words, *beside], key=lambda word: word.box.left), row.box)
        else:
            open_rows.append(replace(row, seen=seen.words))
    return lines, open_rows


def _is_doubtful(row: Box, words: Sequence[Word], ink: np.ndarray) -> bool:
    """Whether a row may be shown to the network: it was not read with great confidence, and is a line by itself."""
    place = _with_paper(row)
    old = _in_row(words, row, place)
    whole = bool(old) and not any(_lost_at_ends(old, row)) and not _is_stem_before(old[0].box, row, ink)
    if (whole and _is_sure(old, *_VERY_SURE)) or any(map(_is_beyond, old)):
        return False
    # A word that was read badly begins no line: it may be the row's own, joined with the seal's rim.
    return not _is_begun_before([word for word in words if word.confidence >= _DISPUTED], row, place)


def _is_told(seen: Witness) -> bool:
    """Whether what the network read stands for a row: surely, of some length, and without digits."""
    digits = any(c.isdigit() for word in seen.words for c in word.text)
    return seen.sure and not digits and _shown(seen.words) > _ONE_WORD


def _is_beyond(word: Word) -> bool:
    """Whether a word has what the network cannot answer, a raised sign or one like &, and was not read badly.

    Signs by themselves, but for &, are traces of the seal or the pen, however surely they were read.
    """
    unknown = not set(word.text) <= set(LETTERS) and (not _is_trace(word) or "&" in word.text)
    return (bool(word.raised) and word.confidence >= _DISPUTED) or (unknown and word.confidence >= _AGREED)


def _stands_beside(word: Word, words: Sequence[Word], seals: Sequence[Seal]) -> bool:
    """Whether a word was read surely outside of the seals where the network read nothing."""
    sure = word.confidence >= _AGREED and not _is_trace(word)
    apart = all(word.box.across(other.box) <= 0 for other in words)
    return sure and apart and not any(seal.covers(word.box.x, word.box.y, 1.0) for seal in seals)


def _reach(row: Box, words: Sequence[Word]) -> Box:
    """The place of a row, as far as words of it reach."""
    place, found = _with_paper(row), hull([word.box for word in words])
    return Box(min(place.left, found.left), place.top, max(place.right, found.right), place.bottom)


def _replaced(lines: list[Line], old: Sequence[Word], words: Sequence[Word], row: Box) -> list[Line]:
    """The lines with other words in a row instead of the old ones."""
    x_height = _x_height([line for line in lines if any(word in line.words for word in old)])
    line = Line(tuple(words), hull([word.box for word in words]), float(row.bottom), x_height or row.height / 1.5)
    return [*without(lines, old), line]


def _doubted_start(words: list[Word], row: _Row, seals: Sequence[Seal]) -> list[Word]:
    """The words of a row, the first in doubt where letters stand before it that are no seal's: a "KT." by hand."""
    before = [
        box
        for box in row.letters
        if words[0].box.left - box.left > _UNREAD * row.box.height
        and not any(seal.covers(box.x, box.y, 1.0) for seal in seals)
    ]
    if before:
        words[0] = replace(words[0], confidence=min(words[0].confidence, _DISPUTED - 1))
    return words


def _with_rows(lines: list[Line], block: Sequence[Line], rows: Sequence[_Row], agains: Sequence[Again]) -> list[Line]:
    """The lines, what was not read with confidence in rows of letters as the readings of the row have it."""
    for row in rows:
        box, place = row.box, _with_paper(row.box)
        old = _in_row(words_of(lines), box, place)
        whole = bool(old) and not any(_lost_at_ends(old, box))
        if (whole and _is_sure(old)) or _is_begun_before(words_of(lines), box, place):
            continue
        readings = _readings([old, _in_row(words_of(block), box, place), row.seen], box, agains)
        best = _agreed(readings)
        if best and _shown(best) > max(_shown(old), _ONE_WORD):
            lines = _replaced(lines, old, _doubted_at_ends(best, box, readings), box)
    return lines


def _readings(found: Sequence[Sequence[Word]], row: Box, agains: Sequence[Again]) -> list[list[Word]]:
    """What was found in a row, and what is read there by itself, as often as it takes to be sure."""
    place = _with_paper(row)
    readings = [_trimmed(words) for words in found]
    for again in agains:
        readings.append(_trimmed(_in_row(words_of(again(place)), row, place)))
        if len(readings) > _ENOUGH and _is_sure(_agreed(readings)):
            break
    return readings


def _with_doubts(lines: list[Line], rows: Sequence[_Row], ink: np.ndarray) -> list[Line]:
    """The lines, the first word of a row in doubt where a letter stands before it that is in no word.

    A pen stroke through the first letter of a name makes it part of the stroke, and the name is read without it.
    """
    for row in (one.box for one in rows):
        words = _in_row(words_of(lines), row, _with_paper(row))
        first = next((word for word in words if not _is_trace(word)), None)
        if first is not None and _is_stem_before(first.box, row, ink):
            doubted = replace(first, confidence=min(first.confidence, _DISPUTED - 1))
            lines = [of_words(line, [doubted if w is first else w for w in line.words]) for line in lines]
    return lines


def _is_stem_before(word: Box, row: Box, ink: np.ndarray) -> bool:
    """Whether right before a word there is ink as upright as the stem of a letter; strokes of the pen lie flatter."""
    left, right = (round(word.left - share * row.height) for share in _BEFORE_WORD)
    before = ink[row.top : row.bottom, max(0, left) : max(0, right)] > 0
    return bool(before.size) and float((before.mean(axis=0) > 0.5).mean()) > _STEM


def _rows(seal: Seal, seals: Sequence[Seal], parts: Shapes, size: float) -> list[_Row]:
    """Level rows of letters about a seal, from top to bottom: the offices above it and the names below."""
    if not size:
        return []
    beside = [other.x for other in seals if other.x > seal.x and abs(other.y - seal.y) < 2 * seal.radius]
    right = min([seal.x + _RIGHT * seal.radius, *((seal.x + x) / 2 + 0.5 * seal.radius for x in beside)])
    near = (parts.x > seal.x - _LEFT * seal.radius) & (parts.x < right)
    near &= (parts.y > seal.y - _UP * seal.radius) & (parts.y < seal.y + _DOWN * seal.radius)
    near &= (parts.height > _HEIGHT[0] * size) & (parts.height < _HEIGHT[1] * size)
    near &= (parts.width > _WIDTH[0] * size) & (parts.width < _WIDTH[1] * size)
    letters = sorted(parts.take(near).boxes(), key=lambda box: box.left)
    rows = in_rows(letters, lambda row, letter: _goes_on(row, letter, size))
    found = [_Row(tuple(row), hull(row)) for row in rows if len(row) >= _FEWEST and _stands_outside(row, seal)]
    return sorted((row for row in found if row.box.width > _NARROWEST * size), key=lambda row: row.box.bottom)


def _stems(seal: Seal, labels: np.ndarray, size: float) -> Shapes:
    """What is upright of the ink about a seal: the stems of letters, without the flat strokes that join them."""
    height, width = labels.shape
    left, right = max(0, round(seal.x - _LEFT * seal.radius)), min(width, round(seal.x + _RIGHT * seal.radius))
    top, bottom = max(0, round(seal.y - _UP * seal.radius)), min(height, round(seal.y + _DOWN * seal.radius))
    ink = (labels[top:bottom, left:right] > 0).astype(np.uint8)
    if not ink.size:
        return Shapes(np.zeros((0, 5), np.int64))
    upright = cv2.morphologyEx(ink, cv2.MORPH_OPEN, np.ones((max(3, round(_STEM_HEIGHT * size)), 1), np.uint8))
    return Shapes(find_components(upright).stats + np.array([left, top, 0, 0, 0]))


def _crossed_rows(rows: Sequence[_Row], of_stems: Sequence[_Row]) -> list[_Row]:
    """Rows of which no letters were found but stems: a stroke of the pen joins them all to one."""
    return [
        row
        for row in of_stems
        if not any(_is_level(row.box, other.box) and row.box.across(other.box) > 0 for other in rows)
    ]


def _goes_on(row: Sequence[Box], letter: Box, size: float) -> bool:
    """Whether a letter stands next to those of a row, on their level; a dot below may hang from either."""
    near = letter.left - max(box.right for box in row[-3:]) < _NEXT * size
    feet = float(np.median([box.bottom for box in row[-4:]]))
    hangs = row[-1].down(letter) > 0.6 * min(row[-1].height, letter.height)
    return near and (
        abs(letter.bottom - feet) < _LEVEL * size or (hangs and abs(letter.bottom - feet) < 2 * _LEVEL * size)
    )


def _stands_outside(row: Sequence[Box], seal: Seal) -> bool:
    """Whether at least two letters of a row are not the seal's own."""
    return sum(math.hypot(box.x - seal.x, box.y - seal.y) > seal.radius for box in row) >= 2


def _with_paper(row: Box) -> Box:
    """The box of a row with room for marks, for tails, and for a letter before it that the seal has broken."""
    unit = row.height / 1.5  # a row is as tall as its capitals, with marks on some
    return Box(
        max(0, round(row.left - _BEFORE * unit)),
        max(0, round(row.bottom - _ABOVE * unit)),
        round(row.right + _AFTER * unit),
        round(row.bottom + _BELOW * unit),
    )


def _is_begun_before(words: Sequence[Word], row: Box, place: Box) -> bool:
    """Whether a row is the end of a line that begins before its place; a stroke of the pen begins none."""
    before = [
        word.box for word in words if word.box.left < place.left and _is_level(word.box, row) and not _is_trace(word)
    ]
    return any(
        -row.height < box.right - place.left < 2 * row.width and box.right > place.left - row.height for box in before
    )


def _is_level(box: Box, row: Box) -> bool:
    return box.down(row) > 0.5 * min(box.height, row.height)


def _is_sure(words: Sequence[Word], line: float = _SURE_LINE, worst: float = _SURE_WORD) -> bool:
    if not words:
        return False
    sure = mean_confidence(words) >= line and min(word.confidence for word in words) >= worst
    return sure and all(word.text[0].isalnum() for word in words)


def _in_row(words: Sequence[Word], row: Box, place: Box) -> list[Word]:
    """The words that stand in a row or in the paper right before or after it."""
    inside = [word for word in words if _is_level(word.box, row) and place.left <= word.box.x < place.right]
    return sorted(inside, key=lambda word: word.box.left)


def _trimmed(words: Sequence[Word]) -> list[Word]:
    """The words without the signs that traces of the seal before and after them were read as."""
    kept = [word for word in words if not any(_is_spurious(word, other) for other in words)]
    while kept and _is_trace(kept[0]):
        del kept[0]
    while kept and _is_trace(kept[-1]):
        del kept[-1]
    return kept


def _is_spurious(word: Word, other: Word) -> bool:
    """Whether a word was read once more, and worse, where another one stands."""
    inside = word.box.across(other.box) > 0.5 * word.box.width
    return word is not other and inside and word.confidence < other.confidence


def _is_trace(word: Word) -> bool:
    return not any(c.isalnum() for c in word.text)


def _agreed(readings: Sequence[list[Word]]) -> list[Word]:
    """The reading of a row that shows most, each word as most of the readings have it.

    Args:
        readings: the first is the one that stands if no other shows more.
    """
    best = max(readings, key=_worth)
    return [_settled(word, [other for reading in readings for other in reading]) for word in best]


def _worth(words: Sequence[Word]) -> float:
    """What a reading shows, a word that was read badly being worth less than none."""
    return _shown(words) - _ONE_WORD * sum(word.confidence < _DISPUTED for word in words)


def _doubted_at_ends(words: list[Word], row: Box, readings: Sequence[list[Word]]) -> list[Word]:
    """The words of a row; the first, or the last, in doubt where more stands there than it shows.

    That is ink of the row before it, or a longer word in another reading.
    """
    if not words:
        return words
    first, last = words[0].box, words[-1].box
    over_first = [word.box for reading in readings for word in reading if word.box.across(first) > 0.5 * first.width]
    over_last = [word.box for reading in readings for word in reading if word.box.across(last) > 0.5 * last.width]
    seen = Box(
        min([row.left, *(box.left for box in over_first)]),
        row.top,
        max([row.right, *(box.right for box in over_last)]),
        row.bottom,
    )
    lost = _lost_at_ends(words, seen)
    for end in (0, -1):
        if lost[end]:
            words[end] = replace(words[end], confidence=min(words[end].confidence, _DISPUTED - 1))
    return words


def _lost_at_ends(words: Sequence[Word], row: Box) -> tuple[bool, bool]:
    """Whether ink of a row stands before its first word, and after its last."""
    room = _UNREAD * row.height
    return words[0].box.left - row.left > room, row.right - words[-1].box.right > room


def _settled(word: Word, words: Sequence[Word]) -> Word:
    """A word as most readings of its place have it, with the confidence of that."""
    rivals = [other for other in words if _is_same_place(word.box, other.box) and _is_plain(other)]
    text, share = _elected(rivals)
    agreed = [other for other in rivals if other.text == text]
    if not agreed:
        return word
    chosen = max(agreed, key=lambda other: other.confidence)
    if text != word.text and (share < _MAJORITY or chosen.confidence < word.confidence - _CLEARLY_LESS):
        disputed = share < _MAJORITY and _is_plain(word)
        return replace(word, confidence=min(word.confidence, _DISPUTED)) if disputed else word
    return replace(chosen, confidence=max(chosen.confidence, _AGREED)) if len(agreed) > 1 else chosen


def _elected(words: Sequence[Word]) -> tuple[str, float]:
    """The text that most of the words have, each counting by its confidence, and its share of all votes."""
    votes: dict[str, float] = {}
    for word in words:
        votes[word.text] = votes.get(word.text, 0.0) + max(_LEAST_VOTE, word.confidence - 30)
    text = max(votes, key=lambda one: votes[one], default="")
    return text, votes.get(text, 0.0) / max(1.0, sum(votes.values()))


def _is_plain(word: Word) -> bool:
    """Whether a word is letters, with a sign after them at most."""
    return word.text.rstrip(".,:;").isalpha()


def _is_same_place(one: Box, other: Box) -> bool:
    return one.across(other) > _SAME_PLACE * max(one.width, other.width) and one.down(other) > 0


def _shown(words: Sequence[Word]) -> float:
    """How much a reading shows: its signs by their confidence above a guess; below a guess, they count against it."""
    return sum((word.confidence - 50) * len(word.text) for word in words)


def _x_height(lines: Sequence[Line]) -> float:
    return float(np.median([line.x_height for line in lines])) if lines else 0.0


def _is_same_line(line: Line, other: Line) -> bool:
    """Whether two lines share ground, over more than half of the height of the smaller one."""
    least = 0.5 * min(line.box.height, other.box.height)
    return line.box.across(other.box) > 0 and line.box.down(other.box) > least


def _evidence(lines: Sequence[Line]) -> float:
    """How much was read: its letters, each by its confidence above a guess. Digits are strokes and rings as often."""
    return sum(max(0.0, word.confidence - 50) * sum(c.isalpha() for c in word.text) for word in words_of(lines))
