"""Lines of notes read again without the raised number that touched their first letter or digit.

``¹02 vụ`` was read as ``102 vụ`` and ``⁵Dịch`` as ``SDịch``: the number is cut off in the picture, and the line is read
without it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ocr.layout.zones import body_x_height
from ocr.page import Box, Line, Raised, Word, Zone, evidence, lines_of
from ocr.superscripts.find import RaisedSign
from ocr.superscripts.note_heads import NoteHead

#: Where no zone of notes was found, lines whose type is smaller than this share of the body's may be notes.
_SMALL_TYPE = 0.9

# In x-heights of the line: what of the page is read again, above and below the baseline and at both ends.
_ABOVE, _BELOW, _BESIDE = 2.0, 0.7, 0.5
#: The line that was read again stands so near to the baseline of the first ...
_SAME_LINE = 0.5
#: ... and shares so much of the smaller one's box.
_SAME_PRINT = 0.6
#: A word to which a raised number may stick unseen: the marks of other letters are too much like one.
_ENDS_PLAIN = re.compile(r"[a-zđ0-9%)][.,;:]?$", re.IGNORECASE)
#: A number read as digits at the head of a note.
_TOUCHES = re.compile(r"(\d{1,3})(?=[^\W\d_]|[(“\"])")
#: In the distance of two lines of notes: what stands further above them is text.
_PITCH = 1.15
#: So many numbers in a row may be lost among those that the body cites.
_MOST_SKIPPED = 1
#: What is read again shows at least so much of what was read at first.
_ENOUGH = 0.8


def read_note_heads(
    zones: Sequence[Zone],
    find: Callable[[Line, str], NoteHead | None],
    find_broken: Callable[[Line, str], NoteHead | None],
    again: Callable[[Box, NoteHead], Sequence[Line]],
) -> list[Line] | None:
    """The lines of a page, those with a number newly found at their head read again; ``None`` when there are none.

    What is cited on the page and heads no note is looked for once more, on the lines where that note must begin, and
    so is a number of which only a part was found behind the one before it.

    Args:
        zones: of the page.
        find: the raised number at the head of a line: the one that is expected, or any where that is empty.
        find_broken: the number that is expected where only a part of it was told.
        again: reads a part of the page by itself, with that number as a raised sign.
    """
    lines = lines_of(zones)
    if not lines:
        return None
    look = _Look(find, find_broken, again)
    sizes = _sizes(zones)
    found = look.for_any(sizes)
    sizes |= (first := _first_lines_of_notes(zones))
    notes = [*first, *(line for zone in zones if zone.kind == "notes" for line in zone.lines)]
    cited = _cited([line for line in lines if line not in sizes])
    found |= _with_missing({line: sizes[line] for line in notes}, cited, found, look)
    return [found.get(line, line) for line in lines] if found else None


def _with_missing(
    notes: Mapping[Line, float], cited: Sequence[int], known: Mapping[Line, Line], look: _Look
) -> dict[Line, Line]:
    """The lines of notes at whose head a number was found that is missing among the others, read again.

    Args:
        notes: the lines of the notes with their x-heights.
        cited: the numbers that the body cites.
        known: lines that were read again before.
    """
    found = dict(known)

    def heads() -> list[str]:
        return [_head(found.get(line, line)) for line in notes]

    def some(places: range) -> dict[Line, float]:
        return dict(list(notes.items())[places.start : places.stop])

    for number, places in _unanswered(cited, heads()):
        found |= look.for_one(number, some(places))
    for numbers, places in _in_one_gap(_unanswered(cited, heads())):
        found |= look.for_all(numbers, some(places))
    for number, at in _cut_short(heads()):
        found |= look.for_one(number, some(range(at, at + 1)))
    return found


def read_glued_marks(zones: Sequence[Zone], find: Callable[[Line, Word, str], RaisedSign | None]) -> list[Line] | None:
    """The lines of a page, with the references to its notes that touch the words they stand at; ``None`` without any.

    A note whose reference was not found is cited somewhere between the references to those before and after it.

    Args:
        zones: of the page.
        find: a raised number at the end of a word.
    """
    body = [line for zone in zones if zone.kind not in ("notes", "table") for line in zone.lines]
    words = [(line, word) for line in body for word in line.words]
    at_of = {raised.text: at for at, (_, word) in enumerate(words) for raised in word.raised}
    marked: dict[Word, Word] = {}
    for number in _uncited([line for zone in zones if zone.kind == "notes" for line in zone.lines], at_of):
        first, last = at_of.get(str(number - 1), -1), at_of.get(str(number + 1))
        marked |= _with_mark(number, words[first + 1 : last], find)
    if not marked:
        return None
    return [replace(line, words=tuple(marked.get(word, word) for word in line.words)) for line in lines_of(zones)]


def _with_mark(
    number: int, words: Sequence[tuple[Line, Word]], find: Callable[[Line, Word, str], RaisedSign | None]
) -> dict[Word, Word]:
    """The word that a number stands at, with that number; none where it is seen at no word or at several."""
    found = [(word, sign) for line, word in words if (sign := _glued(line, word, number, find))]
    if len(found) != 1:
        return {}
    word, sign = found[0]
    raised = Raised(len(word.text.rstrip(".,;:")), sign.text, sign.confidence, sign.box)
    return {word: replace(word, raised=(raised,))}


def _uncited(notes: Sequence[Line], cited: Container[str]) -> list[int]:
    """The numbers that head notes and are cited nowhere, those with a neighbour that is."""
    heads = [int(head) for line in notes if (head := _raised_head(line)).isdigit() and head not in cited]
    return [number for number in heads if str(number - 1) in cited or str(number + 1) in cited]


def _glued(
    line: Line, word: Word, number: int, find: Callable[[Line, Word, str], RaisedSign | None]
) -> RaisedSign | None:
    """A number at the end of a word, where that may bear one unseen."""
    if word.raised or not _ENDS_PLAIN.search(word.text):
        return None
    return find(line, word, str(number))


@dataclass(frozen=True, slots=True)
class _Look:
    """How numbers at the heads of lines are looked for; the arguments of :func:`read_note_heads`."""

    find: Callable[[Line, str], NoteHead | None]
    find_broken: Callable[[Line, str], NoteHead | None]
    again: Callable[[Box, NoteHead], Sequence[Line]]

    def for_any(self, sizes: Mapping[Line, float]) -> dict[Line, Line]:
        """The lines at whose head some number is seen that was not found before, read again."""
        found: dict[Line, Line] = {}
        for line, size in sizes.items():
            head = self.find(replace(line, x_height=size), "")
            if head and not _raised_head(line).startswith(head.sign.text):
                found |= self._read(line, size, head)
        return found

    def for_one(self, number: int, sizes: Mapping[Line, float]) -> dict[Line, Line]:
        """The line at whose head a number is seen, whole or of it a part, read again; none where it is at no head."""
        return self._expected(number, sizes) or self._broken(number, sizes)

    def for_all(self, numbers: Sequence[int], sizes: Mapping[Line, float]) -> dict[Line, Line]:
        """As many lines as numbers are missing, where something raised stands at the head of so many and no more.

        A head that was told, if as another number, is none of them.
        """
        first = str(numbers[0])
        headless = [line for line in sizes if not _raised_head(line)]
        lines = [line for line in headless if self.find_broken(replace(line, x_height=sizes[line]), first)]
        if len(lines) != len(numbers):
            return {}
        found: dict[Line, Line] = {}
        for line, number in zip(lines, numbers, strict=True):
            head = self.find_broken(replace(line, x_height=sizes[line]), str(number))
            found |= self._read(line, sizes[line], head)
        return found

    def _expected(self, number: int, sizes: Mapping[Line, float]) -> dict[Line, Line]:
        """The line at whose head a number is seen most surely, read again; none where it is seen at no head."""
        seen = {line: self.find(replace(line, x_height=size), str(number)) for line, size in sizes.items()}
        heads = {line: head for line, head in seen.items() if head}
        line = max(heads, key=lambda one: heads[one].sign.confidence, default=None)
        return self._read(line, sizes[line], heads[line]) if line else {}

    def _broken(self, number: int, sizes: Mapping[Line, float]) -> dict[Line, Line]:
        """The one line at whose head a part of a number was found, read again without the rest of it.

        That was read as a sign, “ or ?, and the first letter behind it often as another one.
        """
        lines = [line for line in sizes if _has_part_of(number, line)]
        if len(lines) != 1:
            return {}
        line, size = lines[0], sizes[lines[0]]
        return self._read(line, size, self.find_broken(replace(line, x_height=size), str(number)))

    def _read(self, line: Line, size: float, head: NoteHead | None) -> dict[Line, Line]:
        read = _read(line, head, self.again) if head else None
        return {line: replace(read, x_height=size)} if read else {}


def _has_part_of(number: int, line: Line) -> bool:
    """Whether a part of a number, and not all of it, was found at the head of a line."""
    head = _raised_head(line)
    return bool(head) and head != str(number) and head in str(number)


def _in_one_gap(unanswered: Sequence[tuple[int, range]]) -> list[tuple[list[int], range]]:
    """The numbers of each gap between known ones, with the lines in it."""
    gaps: dict[range, list[int]] = {}
    for number, places in unanswered:
        gaps.setdefault(places, []).append(number)
    return [(numbers, places) for places, numbers in gaps.items()]


def _sizes(zones: Sequence[Zone]) -> dict[Line, float]:
    """The lines that may begin a note, each with its x-height."""
    small = _SMALL_TYPE * body_x_height(lines_of(zones))
    out: dict[Line, float] = {}
    for zone in zones:
        if zone.kind == "notes":  # a line of capitals and digits is measured too large
            usual = float(np.median([one.x_height for one in zone.lines]))
            out |= {line: min(line.x_height, usual) for line in zone.lines}
        elif zone.kind == "text":
            out |= {line: line.x_height for line in zone.lines if line.x_height < small}
    return out


def _first_lines_of_notes(zones: Sequence[Zone]) -> dict[Line, float]:
    """The lines of text that go on right above the notes as their lines do, each with the notes' x-height.

    The number at the head of the first note may not be known, and a line of digits is measured too large for a note.
    A line with references is the body's.
    """
    notes = [line for zone in zones if zone.kind == "notes" for line in zone.lines]
    if len(notes) < 2:
        return {}
    pitch = float(np.median(np.diff([line.baseline for line in notes])))
    usual = float(np.median([line.x_height for line in notes]))
    out: dict[Line, float] = {}
    next_one = notes[0]
    text = [line for zone in zones if zone.kind == "text" for line in zone.lines]
    for line in sorted(text, key=lambda one: -one.baseline):
        if line.baseline >= next_one.baseline:
            continue
        if next_one.baseline - line.baseline > _PITCH * pitch or any(word.raised for word in line.words):
            break
        out = {line: usual, **out}
        next_one = line
    return out


def _cited(body: Sequence[Line]) -> list[int]:
    """The numbers that the body cites, without a gap: from the first to the last of the longest series that rises."""
    signs = [raised.text for line in body for word in line.words for raised in word.raised]
    series = _rising([int(sign) if sign.isdigit() else None for sign in signs], most=_MOST_SKIPPED + 1)
    numbers = [int(signs[at]) for at in series]
    return list(range(numbers[0], numbers[-1] + 1)) if numbers else []


def _rising(numbers: Sequence[int | None], most: int) -> list[int]:
    """Indices of the longest series in which each number is 1 to ``most`` larger than the one before it."""
    best: list[list[int]] = []
    for at, number in enumerate(numbers):
        before = [
            series
            for series, other in zip(best, numbers, strict=False)
            if series and number is not None and other is not None and 1 <= number - other <= most
        ]
        best.append([*max(before, key=len, default=[]), at] if number is not None else [])
    return max(best, key=len, default=[])


def _unanswered(cited: Sequence[int], heads: Sequence[str]) -> list[tuple[int, range]]:
    """The cited numbers that head no line of the notes, each with the lines between those of its neighbours."""
    numbers = [int(head) if head.isdigit() and int(head) in cited else None for head in heads]
    known = _rising(numbers, most=len(cited))
    at_of = {numbers[at]: at for at in known}
    out = []
    for number in cited:
        if number not in at_of:
            first = max((at + 1 for one, at in at_of.items() if one is not None and one < number), default=0)
            end = min((at for one, at in at_of.items() if one is not None and one > number), default=len(heads))
            out.append((number, range(first, end)))
    return out


def _cut_short(heads: Sequence[str]) -> list[tuple[int, int]]:
    """The numbers of which a part was found where they must stand, after the one before them, and at which line."""
    out = []
    before: int | None = None
    for at, head in enumerate(heads):
        if not head.isdigit():
            continue
        wanted = str(before + 1) if before is not None else head
        if head != wanted and head in wanted:
            out.append((int(wanted), at))
            before = int(wanted)
        else:
            before = int(head)
    return out


def _head(line: Line) -> str:
    """The number that heads a line, raised or read as digits that touch a capital: "1Quy", "3(1)"."""
    touching = _TOUCHES.match(line.words[0].text)
    return _raised_head(line) or (touching[1] if touching else "")


def _raised_head(line: Line) -> str:
    """The number that was found at the head of a line already."""
    first = line.words[0]
    return first.raised[0].text if first.raised and first.raised[0].offset == 0 else ""


def _read(
    line: Line, head: NoteHead, again: Callable[[Box, NoteHead], Sequence[Line]], bent: bool = False
) -> Line | None:
    """The line read without its number; ``None`` where that shows less of it than before.

    Args:
        bent: its baseline was set right already.
    """
    size = line.x_height
    box = Box(
        max(0, round(min(line.box.left, head.sign.box.left) - _BESIDE * size)),
        max(0, round(line.baseline - _ABOVE * size)),
        round(line.box.right + _BESIDE * size),
        round(line.baseline + _BELOW * size),
    )
    near = [one for one in again(box, head) if one.box.shared(line.box) > _SAME_PRINT]
    best = max(near, key=lambda one: evidence(one.words), default=None)
    if best is None:
        return None
    if abs(best.baseline - line.baseline) >= _SAME_LINE * size:
        # The line bends, and its baseline was taken where it lies higher or lower than at its head.
        there = replace(head, sign=replace(head.sign, baseline=best.baseline))
        return None if bent else _read(replace(line, baseline=best.baseline), there, again, bent=True)
    if evidence(best.words) < _ENOUGH * evidence(line.words):
        return None
    if _raised_head(best) != head.sign.text:
        return None
    return replace(best, baseline=line.baseline)
