"""What a page says: words on lines, with boxes, confidence and the letters that competed.

The records of this module are the only part of :mod:`ocr` that the other rooms import. All are frozen and
slotted; they go to disk as JSON (:func:`to_json`, :func:`from_json`), so that a page is read once, whatever
happens afterwards.

Boxes are in pixels of the *cleaned* page image (upright, deskewed, at ``Page.dpi``), origin at the top left,
right and bottom exclusive. Confidences run from 0 to 100.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Literal, NamedTuple, Protocol, TypeVar

Item = TypeVar("Item")

#: Words that share so much of the smaller one's box are the same print.
_SAME_PRINT = 0.5


class Box(NamedTuple):
    """A rectangle in pixels; ``right`` and ``bottom`` are exclusive."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def height(self) -> int:
        return self.bottom - self.top

    @property
    def y(self) -> float:
        """Vertical centre."""
        return (self.top + self.bottom) / 2

    @property
    def x(self) -> float:
        """Horizontal centre."""
        return (self.left + self.right) / 2

    def across(self, other: Box) -> int:
        """Pixels of width that both boxes share; below 0 the gap between them."""
        return min(self.right, other.right) - max(self.left, other.left)

    def down(self, other: Box) -> int:
        """Pixels of height that both boxes share; below 0 the gap between them."""
        return min(self.bottom, other.bottom) - max(self.top, other.top)

    def overlaps(self, other: Box) -> bool:
        """Whether the boxes share any ground; boxes that merely touch do not."""
        return (
            self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom
        )

    def shared(self, other: Box) -> float:
        """How much of the smaller box the other one covers, 0 to 1."""
        if not self.overlaps(other):
            return 0.0
        smaller = min(self.width * self.height, other.width * other.height)
        return self.across(other) * self.down(other) / max(1, smaller)

    def holds(self, other: Box) -> bool:
        """Whether the middle of the other box stands in this one."""
        return self.left <= other.x < self.right and self.top <= other.y < self.bottom

    def moved(self, right: int, down: int = 0) -> Box:
        """The box so many pixels further right and down."""
        return Box(self.left + right, self.top + down, self.right + right, self.bottom + down)


class Place(NamedTuple):
    """A place on a page that was read.

    Attributes:
        page: 1 for the first.
        box: in pixels of the page as it was read.
        dpi, rotation, skew: of that page (see :class:`Page`).
    """

    page: int
    box: Box
    dpi: int
    rotation: int
    skew: float


def hull(boxes: list[Box]) -> Box:
    """The smallest box that holds all ``boxes``.

    Raises:
        ValueError: ``boxes`` is empty.
    """
    return Box(
        min(b.left for b in boxes),
        min(b.top for b in boxes),
        max(b.right for b in boxes),
        max(b.bottom for b in boxes),
    )


def in_rows(items: Iterable[Item], goes_on: Callable[[list[Item], Item], bool]) -> list[list[Item]]:
    """Items in their order, each in the first row that it goes on, or else in a row of its own."""
    rows: list[list[Item]] = []
    for item in items:
        row = next((row for row in rows if goes_on(row, item)), None)
        if row is None:
            rows.append([item])
        else:
            row.append(item)
    return rows


@dataclass(frozen=True, slots=True)
class Letter:
    """One recognized letter and what else it might have been.

    Attributes:
        text: the letter that Tesseract chose (NFC; rarely more than one character).
        choices: ``(letter, confidence)`` of every letter Tesseract weighed at this place, most confident first,
            the chosen one among them. Letters with confidence 0 are kept only when they differ from the chosen
            one in their diacritics (``ô`` for ``ố``): that Tesseract listed them at all is evidence. Empty where
            the engine gave none.
    """

    text: str
    choices: tuple[tuple[str, int], ...] = ()


@lru_cache(maxsize=1 << 16)
def letter(text: str, choices: tuple[tuple[str, int], ...] = ()) -> Letter:
    """An interned :class:`Letter`: most letters of a long document are alike, and memory is bounded."""
    return Letter(text, choices)


@dataclass(frozen=True, slots=True)
class Raised:
    """A small raised sign inside or after a word: a footnote reference, or the exponent of m².

    Attributes:
        offset: how many characters of the word stand before it.
        text: the digits (or ``*``) read there; empty when something is there that could not be read.
        confidence: 0 to 100.
        box: where it stands.
    """

    offset: int
    text: str
    confidence: float
    box: Box


#: In usual strokes of the page: regular lines of the scans in devset/ have 0.89 to 1.11, bold ones 1.25 to 1.8.
BOLD = 1.18


def figures(text: str) -> str:
    """The digits of a text, with a point for each point or comma between two of them, which scans confuse.

    >>> figures("(1.250,5%),")
    '1.250.5'
    """
    return re.sub(r"[.,]+(?=\d)", ".", re.sub(r"[^\d.,]", "", text)).strip(".,")


@dataclass(frozen=True, slots=True)
class Word:
    """A run of letters between spaces.

    Attributes:
        text: NFC, without the raised signs.
        box: around the word, raised signs included.
        confidence: Tesseract's word confidence (``x_wconf``). It says little about diacritics.
        letters: one entry for each recognized letter; their texts joined give ``text``.
        raised: raised signs in order of ``offset``.
        weight: how thick its strokes are, as a multiple of what is usual on the page; 0.0 where that cannot be told.
            Print that stands among regular print is bold from :data:`BOLD` on.
        uneven: by how much its digits differ from the type of their line, in height or in where they stand, in
            heights of a capital; 0 where that could not be measured. A typeface keeps below 0.1, a hand does not.
        second: what a second reader made of a word with digits; ``None`` where none looked or it saw nothing.
    """

    text: str
    box: Box
    confidence: float
    letters: tuple[Letter, ...] = ()
    raised: tuple[Raised, ...] = ()
    weight: float = 0.0
    uneven: float = 0.0
    second: str | None = None

    @property
    def doubted(self) -> bool:
        """Whether two readers saw other digits here, or parted them otherwise."""
        return self.second is not None and figures(self.text) != figures(self.second)


class Recognized(Protocol):
    """What was read with some confidence: a :class:`Word`, or a word before its raised signs are in place."""

    @property
    def text(self) -> str: ...

    @property
    def confidence(self) -> float: ...


def mean_confidence(words: Sequence[Recognized]) -> float:
    """Mean confidence over the letters of ``words``, 0 to 100; 0.0 for no words."""
    return sum(word.confidence * len(word.text) for word in words) / max(1, sum(len(word.text) for word in words))


def evidence(words: Iterable[Recognized]) -> float:
    """How much was read: letters and digits, each by its confidence above a guess."""
    return sum(max(0.0, word.confidence - 50) * sum(c.isalnum() for c in word.text) for word in words)


@dataclass(frozen=True, slots=True)
class Line:
    """Words that stand on one baseline.

    Attributes:
        words: from left to right.
        box: around the words.
        baseline: y of the baseline at the left end of ``box``.
        x_height: height of a small letter without diacritics; the measure of type size.
    """

    words: tuple[Word, ...]
    box: Box
    baseline: float
    x_height: float

    @property
    def text(self) -> str:
        return " ".join(word.text for word in self.words)


def of_words(line: Line, words: Sequence[Word]) -> Line:
    """The line with other words, of which there is at least one, and the box around those."""
    return replace(line, words=tuple(words), box=hull([word.box for word in words]))


def without(lines: Iterable[Line], words: Iterable[Word]) -> list[Line]:
    """The lines without some of their words; a line left empty is gone."""
    gone = set(words)
    out = []
    for line in lines:
        kept = [word for word in line.words if word not in gone]
        if len(kept) == len(line.words):
            out.append(line)
        elif kept:
            out.append(of_words(line, kept))
    return out


def is_read_elsewhere(line: Line, lines: Sequence[Line]) -> bool:
    """Whether some of the print of a line stands in another line too: Tesseract may read a piece of one line twice."""
    return any(
        word.box.shared(other.box) > _SAME_PRINT
        for one in lines
        if one is not line and one.box.overlaps(line.box)
        for other in one.words
        for word in line.words
    )


ZoneKind = Literal["left", "right", "text", "notes", "head", "foot", "table", "stamp", "noise"]


@dataclass(frozen=True, slots=True)
class Zone:
    """Lines that belong together by geometry.

    Attributes:
        kind: ``left`` and ``right`` (columns that stand side by side, as in the letterhead and at the signature;
            a ``right`` always follows its ``left``), ``text`` (the full measure), ``notes`` (the footnotes at
            the end of the page), ``head`` and ``foot`` (page numbers in the top or bottom margin), ``table`` (with or
            without borders), ``noise`` (stamps, seals, specks).
        lines: in reading order.
        box: around the lines; of a table its borders.
        columns, rows: of a table only: x of its vertical and y of its horizontal borders; where there are none, of the
            middle of the free strips between its cells.
        merged: of a table only: row and column, from 0, of each cell without a border to the next column's.
        tall: of a table only: row and column of each cell without a border to the next row's.
    """

    kind: ZoneKind
    lines: tuple[Line, ...]
    box: Box
    columns: tuple[int, ...] = ()
    rows: tuple[int, ...] = ()
    merged: tuple[tuple[int, int], ...] = ()
    tall: tuple[tuple[int, int], ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether it is a table without borders: then its last row ends with its words."""
        return self.kind == "table" and bool(self.rows) and self.rows[-1] == self.box.bottom


def zone_of(kind: ZoneKind, lines: Sequence[Line]) -> tuple[Zone, ...]:
    """A zone of these lines; none where there are no lines."""
    return (Zone(kind, tuple(lines), hull([line.box for line in lines])),) if lines else ()


def lines_of(zones: Iterable[Zone]) -> list[Line]:
    """The lines of all zones."""
    return [line for zone in zones for line in zone.lines]


def words_of(lines: Iterable[Line]) -> list[Word]:
    """The words of all lines."""
    return [word for line in lines for word in line.words]


def each_line(zones: Iterable[Zone], change: Callable[[Line], Line]) -> tuple[Zone, ...]:
    """The zones with each line as ``change`` makes it."""
    return tuple(replace(zone, lines=tuple(map(change, zone.lines))) for zone in zones)


def each_word(zones: Iterable[Zone], change: Callable[[Word], Word]) -> tuple[Zone, ...]:
    """The zones with each word as ``change`` makes it, in its line's box as it was."""
    return each_line(zones, lambda line: replace(line, words=tuple(map(change, line.words))))


def take_out(zones: Iterable[Zone], which: Callable[[Line], bool]) -> tuple[tuple[Zone, ...], list[Line]]:
    """The zones without the lines for which ``which`` is true, and those lines; a zone left empty is gone."""
    kept, taken = [], []
    for zone in zones:
        lines = tuple(line for line in zone.lines if not which(line))
        taken += [line for line in zone.lines if which(line)]
        if len(lines) == len(zone.lines):
            kept.append(zone)
        elif lines:
            kept.append(replace(zone, lines=lines, box=hull([line.box for line in lines])))
    return tuple(kept), taken


@dataclass(frozen=True, slots=True)
class Page:
    """One page as it was read.

    Attributes:
        number: 1 for the first.
        width, height: of the cleaned image, in pixels.
        dpi: of the cleaned image.
        skew: degrees by which the page was turned to be level; positive = it hung down to the right.
        rotation: 0, 90, 180 or 270: degrees by which it was turned upright, clockwise.
        zones: in reading order.
        rules: horizontal printed lines (the footnote rule, the rule under an agency's name).
        ink_explained: share of the ink that looks like print and stands in a word of some zone, 0 to 1.
        unread: where print stands that is in no word.
        streaks: dirt and folds that run across print; they were taken out, and what they cross may be misread.
        has_ink: whether there is any ink on it; a page without words need not be blank.
        damage: what is known to be missing of a page whose rest was read, one sentence; ``None`` where nothing is.
        separator: whether it is a separator sheet, which parts two documents and belongs to none.
        seconds: wall time of reading the page.
        error: why the page could not be read; then there are no zones. ``None`` for a page that was read,
            a blank one included.
    """

    number: int
    width: int
    height: int
    dpi: int
    skew: float = 0.0
    rotation: int = 0
    zones: tuple[Zone, ...] = ()
    rules: tuple[Box, ...] = ()
    ink_explained: float = 1.0
    unread: tuple[Box, ...] = ()
    streaks: tuple[Box, ...] = ()
    has_ink: bool = False
    damage: str | None = None
    separator: bool = False
    seconds: float = 0.0
    error: str | None = None
    engine: dict[str, str] = field(default_factory=dict)

    @property
    def words(self) -> list[Word]:
        return [word for zone in self.zones for line in zone.lines for word in line.words]


def to_json(page: Page) -> str:
    """One line of JSON that :func:`from_json` turns back into an equal page."""
    return json.dumps(
        {
            "number": page.number,
            "size": [page.width, page.height, page.dpi],
            "skew": page.skew,
            "rotation": page.rotation,
            "zones": [
                [
                    zone.kind,
                    zone.box,
                    [
                        [line.box, line.baseline, line.x_height, [_word_to_list(w) for w in line.words]]
                        for line in zone.lines
                    ],
                    zone.columns,
                    zone.rows,
                    zone.merged,
                    zone.tall,
                ]
                for zone in page.zones
            ],
            "rules": page.rules,
            "ink": [page.ink_explained, page.unread],
            **({"streaks": page.streaks} if page.streaks else {}),
            "blank": not page.has_ink,
            "damage": page.damage,
            **({"separator": True} if page.separator else {}),
            "seconds": page.seconds,
            "error": page.error,
            "engine": page.engine,
        },
        ensure_ascii=False,
        separators=(",", ":"),
    )


def from_json(text: str) -> Page:
    """The page that :func:`to_json` wrote.

    Raises:
        ValueError: ``text`` is no such page (half-written, another format).
    """
    try:
        data: dict[str, Any] = json.loads(text)
        width, height, dpi = data["size"]
        ink_explained, unread = data.get("ink", (1.0, ()))
        zones = tuple(
            Zone(
                kind,
                tuple(
                    Line(tuple(_word_from_list(w) for w in words), Box(*line_box), baseline, x_height)
                    for line_box, baseline, x_height, words in lines
                ),
                Box(*box),
                tuple(columns),
                tuple(rows),
                *(tuple((row, column) for row, column in cells) for cells in open_cells),
            )
            for kind, box, lines, columns, rows, *open_cells in data["zones"]
        )
        return Page(
            number=data["number"],
            width=width,
            height=height,
            dpi=dpi,
            skew=data["skew"],
            rotation=data["rotation"],
            zones=zones,
            rules=tuple(Box(*rule) for rule in data["rules"]),
            ink_explained=ink_explained,
            unread=tuple(Box(*box) for box in unread),
            streaks=tuple(Box(*box) for box in data.get("streaks", ())),
            has_ink=not data.get("blank", True),
            damage=data.get("damage"),
            separator=bool(data.get("separator")),
            seconds=data["seconds"],
            error=data["error"],
            engine=data["engine"],
        )
    except (KeyError, TypeError, ValueError) as fault:
        raise ValueError(f"not a page record: {fault}") from fault


def _word_to_list(word: Word) -> list[Any]:
    return [
        word.text,
        word.box,
        word.confidence,
        [[one.text, *(part for choice in one.choices for part in choice)] for one in word.letters],
        [[r.offset, r.text, r.confidence, r.box] for r in word.raised],
        *([word.weight, word.uneven, word.second] if word.weight or word.uneven or word.second else []),
    ]


#: A document holds four for each word, and Python shares none above 256: as many as a page has pixels on a side.
_COORDINATES = tuple(range(1 << 14))


def _shared(coordinate: int) -> int:
    """The same number, for the second time the same object."""
    return _COORDINATES[coordinate] if 0 <= coordinate < len(_COORDINATES) else coordinate


def _word_from_list(data: list[Any]) -> Word:
    text, box, confidence, letters, raised, *more = data
    weight, uneven, second = more or (0.0, 0.0, None)
    return Word(
        text=sys.intern(text),
        box=Box(*map(_shared, box)),
        confidence=confidence,
        letters=tuple(letter(one[0], tuple(zip(one[1::2], one[2::2], strict=True))) for one in letters),
        raised=tuple(Raised(offset, sign, conf, Box(*b)) for offset, sign, conf, b in raised),
        weight=weight,
        uneven=uneven,
        second=second,
    )
