"""Lines that look like print and were read with no confidence, read again by themselves before they are dropped.

So are words that were hardly read, in lists and in lines that else are sure: beside a seal and under the pen, what is
no part of the line spoils the words next to it, and a line alone reads better.

A number by hand in the middle of "Số: ... /KH-SYT", a stamp's frame through a line or a speck before it cost the whole
line its confidence; alone, or word by word, the rest of it reads well.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise

import numpy as np

from ocr.image.seals import NO_PRINT, Seal
from ocr.layout.two_columns import DASHES
from ocr.page import Box, Line, Word, Zone, evidence, is_read_elsewhere, lines_of, mean_confidence, of_words
from ocr.reread.table_cells import Again

#: Height of a line of print, in x-heights of the page.
_HEIGHT = (0.9, 3.2)
#: A line of fewer letters and digits may be a speck or a pen's stroke.
_FEWEST = 4
#: Below this confidence a line read again is read word by word as well.
_SURE = 70.0
#: What a line read again must show at least, and how much more than before: its letters, each by its confidence above
#: a guess. On the lines of real scans that were thrown away, print had 130 and more, traces of seals 60 at most.
_EVIDENCE, _BETTER = 100.0, 1.2
#: A frame of so many columns at most, so wide and so high, in pages, may be a stamp's.
_FRAME_COLUMNS, _FRAME_WIDTH, _FRAME_HEIGHT = 3, 0.45, 0.14
#: Paper about a word, in x-heights.
_RIM = 0.25
#: A word of an item read with less confidence is read again, of 39 lists of recipients 60 of 84 such words were wrong;
#: a word of running text below the second, where so many others of its line are sure.
_DOUBTED, _LOST, _FEWEST_SURE = 50.0, 25.0, 3
#: A list is narrow when its items end left of here, in page widths; a line goes on with an item that ends so many
#: x-heights above it, at most. So many lines of a page are read again, at most: more of them are a page that reads ill.
_NARROW, _NEXT_LINE, _MOST_LINES = 0.62, 4.0, 8
#: What was read anew with this confidence is not read once more.
_SURE_AGAIN = 80.0
#: The rim of a seal is read as so many letters at most; signs that close an item, a misread one among them.
_RIM_LETTERS, _CLOSING = 3, (";", ".", ":")
#: By how much more confidence a word must be read alone than it was before.
_SURER = 8.0
#: In x-heights: a gap between words that a word may be lost in; what is read there has this confidence at least.
_HOLE, _STRUCK = (3.0, 8.0), 30.0
#: Dirt between words is read as so many letters, at most.
_TRACE_LETTERS = 2
#: The letters and digits of the language that Tesseract is told to read.
_LETTERS = frozenset(
    unicodedata.normalize("NFC", form)
    for vowel in ("a", "ă", "â", "e", "ê", "i", "o", "ô", "ơ", "u", "ư", "y")
    for mark in ("", "\u0300", "\u0301", "\u0303", "\u0309", "\u0323")
    for form in ((vowel + mark).lower(), (vowel + mark).upper())
) | frozenset("bcdđghklmnpqrstvxfjwzBCDĐGHKLMNPQRSTVXFJWZÐ0123456789")
#: In x-heights: how far a line reaches above and below its baseline.
_ABOVE, _BELOW = 2.4, 0.9
#: Dots to write on, and how many of them are read with the label before them, in x-heights.
_LEADER, _DOTS = re.compile(r"[.…_-]{3,}"), 3

#: Reads parts of a page by themselves: the lines of each.
Apart = Callable[[Sequence[Box]], Sequence[Sequence[Line]]]


def read_doubtful(
    zones: Sequence[Zone], seals: Sequence[Seal], again: Again, framed: Again, width: int, height: int
) -> list[Line] | None:
    """The lines of a page, with those of its noise and of its small frames that read better by themselves.

    Args:
        zones: of the page.
        seals: what stands in one is no print.
        again: reads a part of the page by itself, as one block.
        framed: the same, with the borders of tables.
        width, height: of the page, in pixels.

    Returns:
        ``None`` where no line reads better.
    """
    sizes = [line.x_height for zone in zones if zone.kind != "noise" for line in zone.lines]
    if not sizes:
        return None
    out = lines_of(zones)
    size = float(np.median(sizes))

    def reread(line: Line, zone: Zone) -> Line:
        if zone.kind == "noise" and _looks_like_print(line, size, seals) and not is_read_elsewhere(line, out):
            return _better_of(line, _read_again(line, size, again))
        if _is_small_frame(zone, width, height) and mean_confidence(line.words) < _SURE:
            return _better_of(line, _one_line(framed(line.box), line))
        return line

    taken = [reread(line, zone) for zone in zones for line in zone.lines]
    return taken if any(one is not line for one, line in zip(taken, out, strict=True)) else None


def _better_of(line: Line, again: Line) -> Line:
    """A line as it was read again where that shows so much more, or else as it was."""
    return again if evidence(again.words) > max(_EVIDENCE, _BETTER * evidence(line.words)) else line


def _is_small_frame(zone: Zone, width: int, height: int) -> bool:
    """Whether a table is as small as the frame of a stamp, and has as few columns."""
    # Of part of a page the height says nothing.
    small = zone.box.width < _FRAME_WIDTH * width and zone.box.height < _FRAME_HEIGHT * max(height, width)
    return zone.kind == "table" and len(zone.columns) <= _FRAME_COLUMNS + 1 and small


def _looks_like_print(line: Line, size: float, seals: Sequence[Seal]) -> bool:
    """Whether a line has the height of the page's print, a few letters, and stands in no seal."""
    if not _HEIGHT[0] * size < line.box.height < _HEIGHT[1] * size:
        return False
    if sum(c.isalnum() for c in line.text) < _FEWEST:
        return False
    return not any(seal.covers(line.box.x, line.box.y, NO_PRINT) for seal in seals)


def _read_again(line: Line, size: float, again: Again) -> Line:
    """The better of a line read by itself and the same read word by word."""
    whole = _one_line(again(line.box), line)
    if len(line.words) == 1 or mean_confidence(whole.words) >= _SURE:
        return whole
    rim = round(_RIM * size)
    words: list[Word] = []
    for word in line.words:
        box = Box(max(0, word.box.left - rim), line.box.top, word.box.right + rim, line.box.bottom)
        words += _one_line(again(box), of_words(line, [word])).words
    by_words = of_words(line, sorted(words, key=lambda word: word.box.left))
    return by_words if evidence(by_words.words) > evidence(whole.words) else whole


def _one_line(found: Sequence[Line], before: Line) -> Line:
    """Of the lines read at a place the one that shows most; the one read there before where there is none."""
    best = max(found, key=lambda line: evidence(line.words), default=before)
    return best if best.words else before


def read_alone(zones: Sequence[Zone], width: int, seals: Sequence[Seal], agains: Sequence[Apart]) -> list[Line] | None:
    """The lines of a page, with words that were hardly read as they read in their line alone.

    Those are of the items of narrow lists, which are read in every way, and of lines that else were read well.

    Args:
        zones: of the page.
        width: of the page, in pixels.
        seals: what their rims left at the ends of items becomes a line of its own.
        agains: each reads parts of the page by themselves, in its own way.

    Returns:
        ``None`` where no word reads otherwise.
    """
    items = {line: _parted_at_rim(line, below, seals) for line, below in _items(zones, width)}
    listed = [line for line, _ in items.values() if any(map(_is_doubtful, line.words))]
    running = [line for zone in zones for line in zone.lines if line not in items and _has_lost_word(line, zone)]
    settled = _settled_lines(_worst(listed), _worst(running), agains)
    parted = [piece for line in lines_of(zones) for piece in items.get(line, (line, None)) if piece is not None]
    out = [piece for line in parted for piece in _with_traces_apart(line, settled.get(line, line))]
    return out if out != lines_of(zones) else None


def _with_traces_apart(line: Line, settled: Line) -> list[Line]:
    """A line as it was settled, and what had been read of it where nothing was read any more, by itself."""
    places = [word.box for word in settled.words]
    gone = [word for word in line.words if not any(word.box.across(place) > 0 for place in places)]
    return [settled, *(of_words(line, [word]) for word in gone)]


def _worst(lines: Sequence[Line]) -> list[Line]:
    """The lines that hold the least surely read words: as many as are read again."""
    return sorted(lines, key=lambda line: min(word.confidence for word in line.words))[:_MOST_LINES]


def _has_lost_word(line: Line, zone: Zone) -> bool:
    """Whether a word of a line that is else sure was hardly read, or may be lost in a hole; or a label was hardly read.

    Numbers and dates stand in columns without being told from a pen's, so those are left as they are.
    """
    if zone.kind not in ("text", "left", "right") or (zone.kind != "text" and _has_digits(line.words)):
        return False
    lost = any(map(_is_lost, _without_end(line))) or (zone.kind == "text" and bool(_about_hole(line)))
    return (lost and sum(map(_is_sure, line.words)) >= _FEWEST_SURE) or _label(line) is not None


def _is_lost(word: Word) -> bool:
    return word.confidence < _LOST and any(c.isalnum() for c in word.text)


def _is_sure(word: Word) -> bool:
    return word.confidence >= _SURE_AGAIN and sum(c.isalpha() for c in word.text) > 1


def _without_end(line: Line) -> Sequence[Word]:
    """The words of a line without what the pen left behind its full stop."""
    end = next((at for at, word in enumerate(line.words, 1) if _ends_text(line.words[at - 1 :])), len(line.words))
    return line.words[:end]


def _about_hole(line: Line) -> Sequence[Word]:
    """The words about a gap that is wider than running text has: one may be lost there, under a stroke of the pen."""
    for before, after in pairwise(line.words):
        gap = after.box.left - before.box.right
        if (
            _HOLE[0] * line.x_height < gap < _HOLE[1] * line.x_height
            and before.text[-1].isalpha()
            and after.text[0].isalpha()
        ):
            return before, after
    return ()


def _ends_text(words: Sequence[Word]) -> bool:
    """Whether nothing that can be read follows the first of some words, which ends a sentence."""
    return words[0].text.endswith(".") and all(word.confidence < _DOUBTED for word in words[1:])


def _label(line: Line) -> Line | None:
    """A label that a leader follows, "Chức vụ: .....", where it was hardly read; ``None`` where it was, or is none."""
    at = next((n for n, word in enumerate(line.words) if _LEADER.search(word.text)), None)
    if at is None or not any(map(_is_doubtful, line.words[: at + 1])):
        return None
    last = line.words[at]
    own = len(_LEADER.split(last.text)[0])  # of the letters before the dots in the same word
    right = min(last.box.right, last.box.left + round((own + _DOTS) * line.x_height)) if own else last.box.left
    words = [*line.words[:at], replace(last, box=last.box._replace(right=right))] if own else list(line.words[:at])
    return of_words(line, words) if words else None


def _items(zones: Sequence[Zone], width: int) -> list[tuple[Line, Line | None]]:
    """The lines of the items that begin with a dash and keep to the left of the page, second ones too.

    Each comes with the next line of its item, if it has one.
    """
    out: list[tuple[Line, Line | None]] = []
    for zone in zones:
        if zone.kind not in ("left", "text"):
            continue
        listed = False
        for line, below in zip(zone.lines, (*zone.lines[1:], None), strict=True):
            listed = listed or _is_item(line)
            near = below is not None and below.baseline - line.baseline < _NEXT_LINE * line.x_height
            carried_on = below if below is not None and near and not _is_item(below) else None
            if listed and line.box.right < _NARROW * width:
                out.append((line, carried_on))
            listed = listed and carried_on is not None
    return out


def _is_item(line: Line) -> bool:
    return line.words[0].text[:1] in DASHES


def _parted_at_rim(line: Line, below: Line | None, seals: Sequence[Seal]) -> tuple[Line, Line | None]:
    """A line of an item without what the rim of a seal left behind it, and that.

    Only where the item is closed before that or goes on below: or else it may be a word that the seal covers.
    """
    end = len(line.words)
    while end > 1 and _may_be_rim(line.words[end - 1], seals):
        end -= 1
    whole = below is not None or line.words[end - 1].text.endswith(_CLOSING)
    if end == len(line.words) or not whole:
        return line, None
    return of_words(line, line.words[:end]), of_words(line, line.words[end:])


def _may_be_rim(word: Word, seals: Sequence[Seal]) -> bool:
    inside = any(seal.covers(word.box.x, word.box.y, NO_PRINT) for seal in seals)
    return inside and word.confidence < _DOUBTED and sum(c.isalnum() for c in word.text) <= _RIM_LETTERS


def _is_doubtful(word: Word, least: float = _DOUBTED) -> bool:
    return _sureness(word) < least and any(c.isalnum() for c in word.text)


def _sureness(word: Word) -> float:
    """Confidence of a word; none where it has a letter that the language has not."""
    return 0.0 if any(c.isalnum() and c not in _LETTERS for c in word.text) else word.confidence


@dataclass(frozen=True, slots=True)
class _Run:
    """Words side by side that were read with doubt, or as surely as others.

    Attributes:
        left, right: where what stands before and after them ends and begins, in pixels.
    """

    words: tuple[Word, ...]
    doubtful: bool
    left: int
    right: int


def _settled_lines(listed: Sequence[Line], running: Sequence[Line], agains: Sequence[Apart]) -> dict[Line, Line]:
    """Lines with words in doubt, each with those words as they read in the line alone.

    Args:
        listed: of lists; read in each way until they are sure.
        running: others; read once.
    """
    labels = {line: label for line in running if (label := _label(line)) is not None}
    readings: dict[Line, list[tuple[Word, ...]]] = {line: [] for line in (*listed, *running)}
    found = {line: line for line in readings}
    waiting = list(readings)
    for again in agains:
        boxes = [_band(labels.get(line, line)) for line in waiting]
        for line, read in zip(waiting, again(boxes) if boxes else (), strict=True):
            readings[line].append(_on_level(line, read))
            found[line] = _with_words_settled(line, labels.get(line), readings[line], numbers=line in listed)
        waiting = [line for line in listed if not _is_settled(line, found[line])]
    return found


def _band(line: Line) -> Box:
    """Where a line stands, without what reaches far out of it: strokes of the pen."""
    top, bottom = round(line.baseline - _ABOVE * line.x_height), round(line.baseline + _BELOW * line.x_height)
    return Box(line.box.left, max(line.box.top, top), line.box.right, max(min(line.box.bottom, bottom), top + 1))


def _with_words_settled(line: Line, label: Line | None, readings: Sequence[tuple[Word, ...]], *, numbers: bool) -> Line:
    """A line with its doubtful words as its readings by itself have them.

    Args:
        label: all of it that was read again, where that is not the whole line.
        numbers: whether words with digits are taken as well.
    """
    if label is not None:
        read = max(readings, key=evidence)
        better = evidence(read) > _BETTER * evidence(label.words)
        return of_words(line, [*read, *line.words[len(label.words) :]]) if better else line
    settled = [_settled(run, readings, numbers=numbers) if run.doubtful else run.words for run in _runs(line)]
    return of_words(line, [word for words in settled for word in words] or line.words)


def _is_settled(line: Line, found: Line) -> bool:
    """Whether the words of a line that were read with doubt are sure as they were found."""
    known = [word for word in line.words if not _is_doubtful(word)]
    return all(_sureness(word) >= _SURE_AGAIN for word in found.words if word not in known)


def _runs(line: Line) -> list[_Run]:
    """The words of a line, those read with doubt apart from the others."""
    holed = _about_hole(line)
    marked = groupby(line.words, key=lambda word: _is_doubtful(word) or word in holed)
    runs = [(doubtful, tuple(group)) for doubtful, group in marked]
    ends = [line.box.left, *(words[-1].box.right for _, words in runs)]
    begins = [*(words[0].box.left for _, words in runs[1:]), line.box.right]
    return [
        _Run(words, doubtful, left, right)
        for (doubtful, words), left, right in zip(runs, ends[:-1], begins, strict=True)
    ]


def _on_level(line: Line, found: Sequence[Line]) -> tuple[Word, ...]:
    """The words of that of the lines read at a line's place that stands on its level and shows most."""
    level = [one for one in found if abs(one.baseline - line.baseline) < line.x_height]
    return max(level, key=lambda one: evidence(one.words)).words if level else ()


def _settled(run: _Run, readings: Sequence[tuple[Word, ...]], *, numbers: bool) -> tuple[Word, ...]:
    """Words that were read with doubt, as the surest of the readings of their line has them, or as they were."""
    found = [tuple(word for word in words if run.left < word.box.x < run.right) for words in readings]
    if numbers and _is_trace(run) and all(readings) and not any(found):
        return ()
    rivals = [words for words in found if words and _may_stand_for(words, run.words, numbers=numbers)]
    best = max(rivals, key=_least_sure, default=run.words)
    return best if _is_better(best, run.words) else run.words


def _may_stand_for(words: Sequence[Word], before: Sequence[Word], *, numbers: bool) -> bool:
    return (numbers or not _has_digits((*words, *before))) and not _reads_swung_dash(words)


def _is_better(words: Sequence[Word], before: Sequence[Word]) -> bool:
    """Whether words are surer than those read with doubt; or more than those about a hole, where all is badly read."""
    if any(map(_is_doubtful, before)):
        return _least_sure(words) > _least_sure(before) + _SURER
    return _count(words) > _count(before) + 1 and _least_sure(words) >= _STRUCK


def _count(words: Sequence[Word]) -> int:
    return sum(c.isalnum() for word in words for c in word.text)


def _least_sure(words: Sequence[Word]) -> float:
    return min(map(_sureness, words))


def _is_trace(run: _Run) -> bool:
    """Whether a letter or two between sure words may be dirt."""
    return len(run.words) == 1 and sum(c.isalnum() for c in run.words[0].text) <= _TRACE_LETTERS


def _reads_swung_dash(words: Sequence[Word]) -> bool:
    """Whether a dash was read as ~, which such papers do not print."""
    return any("~" in word.text for word in words)


def _has_digits(words: Sequence[Word]) -> bool:
    return any(c.isdigit() for word in words for c in word.text)
