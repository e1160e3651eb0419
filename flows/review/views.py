"""A published JSON as the page of a document shows it: words with their places on the scan, and what is lit about them.

Plain data for the templates, told for each page by itself, so that a long document is shown as it is scrolled to.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from flows.pipeline.to_check import UNSURE_FACT
from normalize.document import DOUBT
from normalize.formats.record import REFERENCE

Light = Literal["correction", "doubt", "unlike", "number", "warning", "dropped"]
"""What is lit: what repair changed, a word read with doubt, a number that two readers read unlike, any other number, a
warning, print that was left out."""

LIGHTS: tuple[Light, ...] = ("correction", "doubt", "unlike", "number", "warning", "dropped")

Record = Mapping[str, Any]

_WORD = re.compile(r"\S+")
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
        no_references: places in it of what only looks like a footnote reference.
    """

    offset: int
    text: str
    spots: tuple[Spot, ...] = ()
    lights: tuple[Light, ...] = ()
    correction: int | None = None
    confidence: float | None = None
    second: str | None = None
    no_references: tuple[int, ...] = ()

    @property
    def pieces(self) -> list[Piece]:
        """Its letters and its footnote references, in order."""
        out, at = [], 0
        for found in REFERENCE.finditer(self.text):
            if found.start() in self.no_references:
                continue
            if found.start() > at:
                out.append(Piece(self.text[at : found.start()]))
            out.append(Piece(found[1], found[1]))
            at = found.end()
        return [*out, Piece(self.text[at:])] if at < len(self.text) else out


@dataclass(frozen=True, slots=True)
class Text:
    """A run of words that edits name as one.

    Attributes:
        where: as in :class:`normalize.document.Correction`.
        begin: where it begins in the text of its note; 0 for a block.
    """

    where: str
    words: tuple[Word, ...]
    plain: str
    begin: int = 0


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
        where: as in :class:`normalize.document.Edit`: ``documents/0/subject``.
        name: field of :class:`normalize.document.Metadata`.
        value: empty where it was left open.
        spot: where it stands, or the first of its lines.
    """

    where: str
    name: str
    value: str
    spot: Spot | None = None
    confidence: float | None = None

    @property
    def is_unsure(self) -> bool:
        """Whether it is to be compared with the scan."""
        return self.confidence is not None and self.confidence < UNSURE_FACT


@dataclass(frozen=True, slots=True)
class PageView:
    """What is told about one page of the scan, and the text that begins on it."""

    number: int
    blocks: tuple[BlockView, ...] = ()
    notes: tuple[NoteView, ...] = ()
    warnings: tuple[Remark, ...] = ()
    dropped: tuple[Remark, ...] = ()
    error: str | None = None

    def words(self) -> Iterator[Word]:
        """All words of the text that begins here."""
        for block in self.blocks:
            yield from block.text.words
        for note in self.notes:
            for text in note.texts:
                yield from text.words


@dataclass(slots=True)
class PageSummary:
    """What is known of a page before its words are looked at.

    Attributes:
        blocks, notes: the text that begins on it, by index in the record.
        counts: how many places are lit, by light.
        grade: how well it was read.
    """

    number: int
    blocks: list[int] = field(default_factory=list)
    notes: list[int] = field(default_factory=list)
    counts: Counter[Light] = field(default_factory=Counter)
    grade: str | None = None


@dataclass(frozen=True, slots=True)
class DocumentView:
    """A whole document. The words of a page are looked at when it is shown: a long document has very many.

    Attributes:
        seal: of the published JSON: who mends it says which version he saw.
        facts: of each document in the file.
        pages: by number; page 0 holds what belongs to no page, such as all text of another engine.
    """

    seal: str
    record: Record = field(repr=False)
    facts: tuple[tuple[Fact, ...], ...]
    pages: Mapping[int, PageSummary]
    _known: _Known = field(repr=False)

    @property
    def may_undo(self) -> bool:
        """Whether there is an edit to undo."""
        return any(one["applied"] and not one["undone"] for one in self.record.get("edits", ()))

    @property
    def may_redo(self) -> bool:
        """Whether there is an edit to make again: one that was undone, and nothing else was made since."""
        edits = self.record.get("edits", ())
        last = max((at for at, one in enumerate(edits) if one["applied"] and not one["undone"]), default=-1)
        return any(one["undone"] and one["applied"] for one in edits[last + 1 :])

    @property
    def counts(self) -> Counter[Light]:
        """How many places of the document are lit, by light."""
        return sum((page.counts for page in self.pages.values()), Counter())

    def page(self, number: int) -> PageView:
        """A page with its words.

        Raises:
            KeyError: there is none of that number.
        """
        summary, record = self.pages[number], self.record
        last = len(record["blocks"]) - 1
        reports = (one for one in record["pages"] if one["number"] == number)
        return PageView(
            number,
            tuple(_block(record["blocks"][index], index, self._known, index == last) for index in summary.blocks),
            tuple(_note(record["footnotes"][index], self._known) for index in summary.notes),
            tuple(_remark(one["message"], one) for one in record["warnings"] if one["page"] == number),
            tuple(_remark(one["text"], one, one["reason"]) for one in record["dropped"] if one["page"] == number),
            next((one.get("error") for one in reports), None),
        )


@dataclass(frozen=True, slots=True)
class _Known:
    """What the record tells of words apart from their texts.

    Attributes:
        made: the corrections of each text, with their index.
        seconds: what a second reader made of a number, by text and box.
        cited: the first block that cites a note, by label.
    """

    made: Mapping[str, Sequence[tuple[int, Record]]]
    seconds: Mapping[tuple[str, tuple[int, ...]], str]
    cited: Mapping[str, int]


def view_of(record: Record) -> DocumentView:
    """What is shown of a published JSON.

    Raises:
        ValueError, KeyError, TypeError, AttributeError: it is not whole.
    """
    made: dict[str, list[tuple[int, Record]]] = defaultdict(list)
    for index, one in enumerate(record["corrections"]):
        made[one["where"]].append((index, one))
    seconds = {(one["where"], tuple(one["bbox"] or ())): one["second"] for one in record.get("doubts", ())}
    cited: dict[str, int] = {}
    for index, block in enumerate(record["blocks"]):
        for label in REFERENCE.findall(block["text"]):
            cited.setdefault(label, index)
    known = _Known(made, seconds, cited)
    return DocumentView(
        str(record.get("this_file", "")), record, tuple(_all_facts(record)), _summaries(record, known), known
    )


def _summaries(record: Record, known: _Known) -> dict[int, PageSummary]:
    """All pages, in their order."""
    found: dict[int, PageSummary] = {}

    def page(number: int) -> PageSummary:
        return found.setdefault(number, PageSummary(number))

    for one in record["pages"]:
        page(one["number"]).grade = one.get("grade")
    for index, block in enumerate(record["blocks"]):
        page(block["page"]).blocks.append(index)
        page(block["page"]).counts += _lit(block, [f"blocks/{index}"], known)
    for index, note in enumerate(record["footnotes"]):
        number = note["pages"][0] if note["pages"] else 0
        texts = [f"footnotes/{note['label']}/{at}" for at in range(note["text"].count("\n") + 1)]
        page(number).notes.append(index)
        page(number).counts += _lit(note, texts, known)
    for one in record["warnings"]:
        page(one["page"]).counts["warning"] += 1
    for one in record["dropped"]:
        page(one["page"]).counts["dropped"] += 1
    return dict(sorted(found.items()))


def _lit(holder: Record, texts: Sequence[str], known: _Known) -> Counter[Light]:
    """How many places of a block or a note are lit."""
    found: Counter[Light] = Counter()
    found["correction"] = sum(len(known.made.get(where, ())) for where in texts)
    for check in holder.get("words_to_check", ()):
        box = tuple(check["bbox"] or ())
        word = holder["text"][check["offset"] :].split(None, 1)[:1]
        second = next((known.seconds[where, box] for where in texts if (where, box) in known.seconds), None)
        found.update(_lights_of(check, "".join(word), second))
    return found


def _lights_of(check: Record, word: str, second: str | None) -> list[Light]:
    """How a word is lit that is listed as to be checked."""
    if second is not None:
        return ["unlike"]
    unsure: list[Light] = ["doubt"] if check["confidence"] < DOUBT else []
    return [*unsure, "number"] if _DIGIT.search(word) else unsure


def _block(block: Record, index: int, known: _Known, is_last: bool) -> BlockView:
    text = Text(f"blocks/{index}", tuple(_words(block["text"], block, f"blocks/{index}", known)), block["text"])
    rows = tuple(_rows(block["rows"], text.words)) if block.get("rows") else ()
    return BlockView(index, block["type"], block["level"], text, rows, is_last)


def _note(note: Record, known: _Known) -> NoteView:
    """A note; each of its paragraphs is a text of its own, though offsets of the record count from its beginning."""
    texts, begin = [], 0
    for number, plain in enumerate(note["text"].split("\n")):
        where = f"footnotes/{note['label']}/{number}"
        texts.append(Text(where, tuple(_words(plain, note, where, known, begin)), plain, begin))
        begin += len(plain) + 1
    label = note["label"]
    return NoteView(label, note["printed_label"], note["anchored"], tuple(texts), known.cited.get(label))


def _words(plain: str, holder: Record, where: str, known: _Known, begin: int = 0) -> Iterator[Word]:
    """The words of a text, each with what is known of it.

    Args:
        holder: the block or note whose record tells of them.
        begin: where the text begins in that record's.
    """
    places = spots_of(holder.get("places", ()))
    checks = {one["offset"]: one for one in holder.get("words_to_check", ())}
    no_references = holder.get("no_references", ())
    made = known.made.get(where, ())
    for found in _WORD.finditer(plain):
        at = begin + found.start()
        check, spots = checks.get(at), places.get(at, ())
        lights: list[Light] = []
        second = None
        correction = next(((index, one) for index, one in made if _touches(one, *found.span())), None)
        if correction:
            lights.append("correction")
            spots = spots or _spots(correction[1]["page"], correction[1]["bbox"])
        if check:
            spots = spots or _spots(check["page"], check["bbox"])
            second = known.seconds.get((where, tuple(check["bbox"] or ())))
            lights += _lights_of(check, found[0], second)
        yield Word(
            found.start(),
            found[0],
            spots,
            tuple(lights),
            correction[0] if correction else None,
            check["confidence"] if check else None,
            second,
            tuple(one - at for one in no_references if at <= one < at + len(found[0])),
        )


def _touches(correction: Record, start: int, end: int) -> bool:
    """Whether a correction changed a word from ``start`` to ``end``; one that took letters away leaves none."""
    first = correction["start"]
    return first < end and start < max(first + len(correction["after"]), first + 1)


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


def _all_facts(record: Record) -> Iterator[tuple[Fact, ...]]:
    """The facts of each document in the file; of a record that knows of none, those of the whole."""
    for number, one in enumerate(record.get("documents") or [record]):
        yield tuple(_facts(one, f"documents/{number}"))


def _facts(document: Record, where: str) -> Iterator[Fact]:
    evidence = document.get("metadata_evidence", {})
    for name, value in document["metadata"].items():
        told = evidence.get(name) or {}
        lines = told if isinstance(told, list) else [told]
        first = next((line for line in lines if line), {})
        sure = [line["confidence"] for line in lines if line and line["confidence"] is not None]
        spots = _spots(first.get("page", 0), first.get("box"))
        shown = "\n".join(value) if isinstance(value, list) else value or ""
        yield Fact(f"{where}/{name}", name, shown, spots[0] if spots else None, min(sure, default=None))


def _remark(text: str, one: Record, reason: str = "") -> Remark:
    spots = _spots(one["page"], one.get("bbox"))
    return Remark(text, spots[0] if spots else None, reason)
