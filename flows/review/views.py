"""A published JSON as the page of a document shows it: words with their places on the scan, and what is lit about them.

Plain data for the templates, told for each page by itself, so that a long document is shown as it is scrolled to.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from normalize.document import DOUBT

Light = Literal["correction", "doubt", "unlike", "number", "warning", "dropped"]
"""What is lit: what repair changed, a word read with doubt, a number that two readers read unlike, any other number, a
warning, print that was left out."""

LIGHTS: tuple[Light, ...] = ("correction", "doubt", "unlike", "number", "warning", "dropped")

Record = Mapping[str, Any]

_WORD = re.compile(r"\S+")
_REFERENCE = re.compile(r"\[\^([^\]\s]+)\]")
_DIGIT = re.compile(r"\d")


@dataclass(frozen=True, slots=True)
class Spot:
    """A rectangle on a page, in pixels of its levelled image."""

    page: int
    left: int
    top: int
    right: int
    bottom: int

    def __str__(self) -> str:
        return f"{self.page},{self.left},{self.top},{self.right},{self.bottom}"


@dataclass(frozen=True, slots=True)
class Piece:
    """Some letters of a word, or the mark of a footnote in it.

    Attributes:
        note: label of the note that it leads to; empty for letters.
    """

    text: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Word:
    """What stands between two spaces of a published text.

    Attributes:
        offset: in its text.
        text: as published, footnote references and all.
        spots: where it stands on paper; of a word that was joined over the end of a line there may be several.
        lights: what is lit about it, in the order of :data:`LIGHTS`.
        correction: index of the correction that made it, or some of it.
        confidence: 0 to 100, of words that are listed as to be checked.
        second: what a second reader made of a number.
    """

    offset: int
    text: str
    spots: tuple[Spot, ...] = ()
    lights: tuple[Light, ...] = ()
    correction: int | None = None
    confidence: float | None = None
    second: str | None = None

    @property
    def pieces(self) -> list[Piece]:
        """Its letters and its footnote references, in order."""
        out, at = [], 0
        for found in _REFERENCE.finditer(self.text):
            if found.start() > at:
                out.append(Piece(self.text[at : found.start()]))
            out.append(Piece(found[1], found[1]))
            at = found.end()
        return [*out, Piece(self.text[at:])] if at < len(self.text) else out

    @property
    def bare(self) -> str:
        """Its letters alone."""
        return _REFERENCE.sub("", self.text)


@dataclass(frozen=True, slots=True)
class Text:
    """A run of words that edits name as one.

    Attributes:
        where: as in :class:`normalize.document.Correction`.
    """

    where: str
    words: tuple[Word, ...]
    plain: str


@dataclass(frozen=True, slots=True)
class BlockView:
    """A block of the text.

    Attributes:
        rows: of a table: the words of each cell of each row.
    """

    index: int
    type: str
    level: int
    text: Text
    rows: tuple[tuple[tuple[Word, ...], ...], ...] = ()
    is_last: bool = False


@dataclass(frozen=True, slots=True)
class NoteView:
    """A footnote.

    Attributes:
        cited_in: index of the first block that cites it.
    """

    label: str
    printed_label: str
    anchored: bool
    texts: tuple[Text, ...]
    cited_in: int | None = None


@dataclass(frozen=True, slots=True)
class Remark:
    """A warning about a page, or print that was left out of its text.

    Attributes:
        text: the sentence, or the print.
        reason: why print was left out; empty for a warning.
    """

    text: str
    spot: Spot | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Fact:
    """A value of the metadata beside the place it was read from.

    Attributes:
        name: field of :class:`normalize.document.Metadata`.
        value: empty where it was left open.
        spot: where it stands, or the first of its lines.
    """

    name: str
    value: str
    spot: Spot | None = None
    confidence: float | None = None

    @property
    def is_unsure(self) -> bool:
        return self.confidence is not None and self.confidence < DOUBT


@dataclass(frozen=True, slots=True)
class PageView:
    """What is told about one page of the scan, and the text that begins on it."""

    number: int
    blocks: tuple[BlockView, ...] = ()
    notes: tuple[NoteView, ...] = ()
    warnings: tuple[Remark, ...] = ()
    dropped: tuple[Remark, ...] = ()
    grade: str | None = None
    error: str | None = None

    @property
    def counts(self) -> dict[str, int]:
        """How many places are lit, by light; each correction counts once."""
        words = list(self.words())
        found: Counter[Light] = Counter(light for word in words for light in word.lights if light != "correction")
        found["correction"] = len({word.correction for word in words if word.correction is not None})
        found["warning"], found["dropped"] = len(self.warnings), len(self.dropped)
        return {light: found[light] for light in LIGHTS if found[light]}

    def words(self) -> Iterator[Word]:
        """All words of the text that begins here."""
        for block in self.blocks:
            yield from block.text.words
        for note in self.notes:
            for text in note.texts:
                yield from text.words


@dataclass(frozen=True, slots=True)
class DocumentView:
    """A whole document.

    Attributes:
        seal: of the published JSON: who mends it says which version he saw.
        pages: page 0 holds what belongs to no page, such as all text of another engine.
    """

    seal: str
    record: Record = field(repr=False)
    facts: tuple[Fact, ...] = ()
    pages: Mapping[int, PageView] = field(default_factory=dict)

    @property
    def counts(self) -> dict[str, int]:
        """How many places of the document are lit, by light."""
        found: Counter[str] = Counter()
        for page in self.pages.values():
            found.update(page.counts)
        return dict(found)


def view_of(record: Record) -> DocumentView:
    """What is shown of a published JSON.

    Raises:
        ValueError, KeyError, TypeError, AttributeError: it is not whole.
    """
    seconds = {(one["where"], tuple(one["bbox"] or ())): one["second"] for one in record.get("doubts", ())}
    made = _by_text(record["corrections"])
    blocks: dict[int, list[BlockView]] = defaultdict(list)
    cited: dict[str, int] = {}
    last = len(record["blocks"]) - 1
    for index, block in enumerate(record["blocks"]):
        where = f"blocks/{index}"
        text = Text(where, tuple(_words(block["text"], block, where, made, seconds)), block["text"])
        rows = tuple(_rows(block["rows"], text.words)) if block.get("rows") else ()
        shown = BlockView(index, block["type"], block["level"], text, rows, is_last=index == last)
        blocks[block["page"]].append(shown)
        for word in text.words:
            for label in _REFERENCE.findall(word.text):
                cited.setdefault(label, index)
    notes: dict[int, list[NoteView]] = defaultdict(list)
    for note in record["footnotes"]:
        texts = tuple(_paragraphs(note, made, seconds))
        page = note["pages"][0] if note["pages"] else 0
        view = NoteView(note["label"], note["printed_label"], note["anchored"], texts, cited.get(note["label"]))
        notes[page].append(view)
    return DocumentView(str(record.get("this_file", "")), record, tuple(_facts(record)), _pages(record, blocks, notes))


_Corrections = Mapping[str, Sequence[tuple[int, Record]]]


def _by_text(corrections: Sequence[Record]) -> _Corrections:
    """The corrections of each text, with their index."""
    found: dict[str, list[tuple[int, Record]]] = defaultdict(list)
    for index, one in enumerate(corrections):
        found[one["where"]].append((index, one))
    return found


def _paragraphs(note: Record, made: _Corrections, seconds: Mapping[Any, str]) -> Iterator[Text]:
    """The paragraphs of a note, each as a text of its own; offsets of the record count from the note's beginning."""
    begin = 0
    for number, plain in enumerate(note["text"].split("\n")):
        where = f"footnotes/{note['label']}/{number}"
        yield Text(where, tuple(_words(plain, note, where, made, seconds, begin)), plain)
        begin += len(plain) + 1


def _words(
    plain: str, holder: Record, where: str, made: _Corrections, seconds: Mapping[Any, str], begin: int = 0
) -> Iterator[Word]:
    """The words of a text, each with what is known of it.

    Args:
        holder: the block or note whose record tells of them.
        begin: where the text begins in that record's.
    """
    places = spots_of(holder.get("places", ()))
    checks = {one["offset"]: one for one in holder.get("words_to_check", ())}
    for found in _WORD.finditer(plain):
        at = begin + found.start()
        check = checks.get(at)
        spots = places.get(at, ())
        lights: list[Light] = []
        correction = next(
            (
                (index, one)
                for index, one in made.get(where, ())
                if one["start"] < found.end()
                and found.start() < max(one["start"] + len(one["after"]), one["start"] + 1)
            ),
            None,
        )
        second = None
        if correction:
            lights.append("correction")
            spots = spots or _spots(correction[1]["page"], correction[1]["bbox"])
        if check:
            spots = spots or _spots(check["page"], check["bbox"])
            second = seconds.get((where, tuple(check["bbox"] or ())))
            if second is not None:
                lights.append("unlike")
            elif check["confidence"] < DOUBT:
                lights.append("doubt")
            if second is None and _DIGIT.search(found[0]):
                lights.append("number")
        yield Word(
            found.start(),
            found[0],
            spots,
            tuple(lights),
            correction[0] if correction else None,
            check["confidence"] if check else None,
            second,
        )


def spots_of(lines: Iterable[str]) -> dict[int, tuple[Spot, ...]]:
    """Where each word stands, by its offset, from the ``places`` of a record.

    >>> spots_of(["1 250 300 0:100-180 5:190-260"])[5]
    (Spot(page=1, left=190, top=250, right=260, bottom=300),)
    """
    found: dict[int, tuple[Spot, ...]] = {}
    for line in lines:
        page, top, bottom, *words = line.split(" ")
        for word in words:
            offset, _, across = word.partition(":")
            left, _, right = across.partition("-")
            spot = Spot(int(page), int(left), int(top), int(right), int(bottom))
            found[int(offset)] = (*found.get(int(offset), ()), spot)
    return found


def _spots(page: int, box: Sequence[int] | None) -> tuple[Spot, ...]:
    return (Spot(page, *map(int, box)),) if page and box else ()


def _rows(rows: Sequence[Sequence[str]], words: Sequence[Word]) -> Iterator[tuple[tuple[Word, ...], ...]]:
    """The words of a table by row and cell: its text is all cells that are not empty, with a space between two."""
    left = iter(words)
    for row in rows:
        yield tuple(tuple(word for _, word in zip(cell.split(), left, strict=False)) for cell in row)


def _facts(record: Record) -> Iterator[Fact]:
    evidence = record.get("metadata_evidence", {})
    for name, value in record["metadata"].items():
        told = evidence.get(name) or {}
        lines = told if isinstance(told, list) else [told]
        first = next((line for line in lines if line), {})
        sure = [line["confidence"] for line in lines if line and line["confidence"] is not None]
        spots = _spots(first.get("page", 0), first.get("box"))
        shown = "\n".join(value) if isinstance(value, list) else value or ""
        yield Fact(name, shown, spots[0] if spots else None, min(sure, default=None))


def _pages(
    record: Record, blocks: Mapping[int, list[BlockView]], notes: Mapping[int, list[NoteView]]
) -> dict[int, PageView]:
    reports = {one["number"]: one for one in record["pages"]}
    warnings: dict[int, list[Remark]] = defaultdict(list)
    for one in record["warnings"]:
        warnings[one["page"]].append(_remark(one["message"], one))
    dropped: dict[int, list[Remark]] = defaultdict(list)
    for one in record["dropped"]:
        dropped[one["page"]].append(_remark(one["text"], one, one["reason"]))
    numbers = sorted({*reports, *blocks, *notes, *warnings, *dropped})
    return {
        number: PageView(
            number,
            tuple(blocks.get(number, ())),
            tuple(notes.get(number, ())),
            tuple(warnings[number]),
            tuple(dropped[number]),
            reports.get(number, {}).get("grade"),
            reports.get(number, {}).get("error"),
        )
        for number in numbers
    }


def _remark(text: str, one: Record, reason: str = "") -> Remark:
    spots = _spots(one["page"], one.get("bbox"))
    return Remark(text, spots[0] if spots else None, reason)
