"""The published JSON read back: the document as :mod:`normalize.formats.record` wrote it.

What the JSON does not tell is not there: the letters that competed, the confidence of words that are no numbers and
were read surely, what repair was given. All that is published is: written again, the document gives the same JSON.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar

from normalize.document import (
    DOUBT,
    Block,
    Correction,
    Document,
    Dropped,
    Edit,
    Evidence,
    Footnote,
    LowestWord,
    Metadata,
    MetadataEvidence,
    PageReport,
    PageWarning,
    Part,
    Reference,
    Source,
    Span,
    Taken,
    Token,
    Tokens,
)
from normalize.formats.record import REFERENCE
from ocr.page import Box

_HARDLY_UNSURE = math.nextafter(DOUBT, 0.0)
"""The confidence of an unsure word that was published, to a tenth, as :data:`~normalize.document.DOUBT`."""

Record = TypeVar("Record")

_PAGE_FIELDS = frozenset(field.name for field in fields(PageReport))


def from_dict(data: Mapping[str, Any]) -> Document:
    """The document with this published JSON. JSONs of earlier versions, without ``places``, have fewer boxes.

    Raises:
        ValueError: it is no published JSON, or not whole.
    """
    try:
        return _document(data)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as fault:
        raise ValueError(f"not a published record: {fault!r}") from fault


def edits_of(data: Mapping[str, Any]) -> tuple[Edit, ...]:
    """What people changed in the document with this published JSON.

    Raises:
        ValueError: it is not whole.
    """
    try:
        return tuple(map(_edit, data.get("edits", ())))
    except (KeyError, TypeError, IndexError, AttributeError) as fault:
        raise ValueError(f"not a published record: {fault!r}") from fault


def _document(data: Mapping[str, Any]) -> Document:
    exact = _ExactWords.of(data)
    source = data["source"]
    return Document(
        source=Source(source["name"], source["sha256"], source["pages"], source["bytes"]),
        blocks=tuple(
            replace(_bare_block(one), tokens=_paragraphs(one, [f"blocks/{number}"], exact)[0])
            for number, one in enumerate(data["blocks"])
        ),
        footnotes=tuple(_footnote(one, exact) for one in data["footnotes"]),
        metadata=_metadata(data["metadata"]),
        parts=tuple(
            Part(
                one["first_page"],
                one["last_page"],
                _metadata(one["metadata"]),
                _evidence(one["metadata_evidence"]),
                one["first_block"],
                one["separated"],
            )
            for one in data.get("documents", ())
        ),
        corrections=tuple(map(_correction, data["corrections"])),
        pages=tuple(map(_page, data["pages"])),
        dropped=tuple(Dropped(one["page"], _box(one["bbox"]), one["text"], one["reason"]) for one in data["dropped"]),
        warnings=tuple(map(_warning, data["warnings"])),
        engine=dict(data.get("engine", {})),
        timings=dict(data.get("timings", {})),
        edits=edits_of(data),
    )


@dataclass(frozen=True, slots=True)
class _ExactWords:
    """What the JSON tells of single words outside of the text that they stand in.

    Attributes:
        doubts: by text, the numbers that were read twice, in its order.
        lowest: by text and place there, the least sure word of a page.
    """

    doubts: Mapping[str, Sequence[Mapping[str, Any]]]
    lowest: Mapping[str, Mapping[int, LowestWord]]

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> _ExactWords:
        doubts: dict[str, list[Mapping[str, Any]]] = {}
        for one in data.get("doubts", ()):
            doubts.setdefault(one["where"], []).append(one)
        lowest: dict[str, dict[int, LowestWord]] = {}
        for page in data["pages"]:
            word = page.get("lowest_word")
            if word and word["where"] and word["offset"] is not None:
                lowest.setdefault(word["where"], {})[word["offset"]] = LowestWord(word["text"], Box(*word["bbox"]))
        return cls(doubts, lowest)


@dataclass(frozen=True, slots=True)
class _OnPaper:
    """Where a word stands on paper."""

    page: int
    box: Box
    line: Span


def _footnote(data: Mapping[str, Any], exact: _ExactWords) -> Footnote:
    names = [f"footnotes/{data['label']}/{number}" for number in range(data["text"].count("\n") + 1)]
    paragraphs = tuple(_paragraphs(data, names, exact))
    return Footnote(data["label"], data["printed_label"], paragraphs, tuple(data["pages"]), data["anchored"])


def _paragraphs(data: Mapping[str, Any], names: Sequence[str], exact: _ExactWords) -> list[Tokens]:
    """The words of each paragraph of a published text.

    Args:
        data: what the JSON says of the text.
        names: of its paragraphs, as corrections name them.
    """
    places = _places(data.get("places", ()))
    checked = {one["offset"]: one for one in data.get("words_to_check", ())}
    no_references = frozenset(data.get("no_references", ()))
    out = []
    begin = 0  # in the whole text; the lowest words of pages are counted from the beginning of their paragraph
    for name, text in zip(names, data["text"].split("\n") if len(names) > 1 else [data["text"]], strict=True):
        lengths = {at - begin: one["length"] for at, one in checked.items()}
        lowest = exact.lowest.get(name, {})
        tokens = []
        for offset, word in _cut(text, lengths | {at: len(one.text) for at, one in lowest.items()}):
            at = begin + offset
            token = _token(word, at, no_references, places.get(at), checked.get(at))
            tokens.append(replace(token, box=lowest[offset].box) if offset in lowest else token)
        out.append(_with_second_readings(tokens, exact.doubts.get(name, ())))
        begin += len(text) + 1
    return out


def _cut(text: str, lengths: Mapping[int, int]) -> Iterator[tuple[int, str]]:
    """The words of a paragraph, each with its place there.

    Args:
        lengths: by place, of some words: they may have spaces of their own.
    """
    at = 0
    while at < len(text):
        end = text.find(" ", at + lengths.get(at, 0))
        end = end if end >= 0 else len(text)
        yield at, text[at:end]
        if end == len(text) - 1:  # an empty word after the last space
            yield end + 1, ""
        at = end + 1


def _places(lines: Sequence[str]) -> dict[int, _OnPaper]:
    """By its place in the text, where each word stands."""
    found = {}
    for line in lines:
        page, top, bottom, *words = line.split(" ")
        span = int(top), int(bottom)
        number = int(page)
        for word in words:
            offset, _, sides = word.partition(":")
            left, _, right = sides.partition("-")
            found[int(offset)] = _OnPaper(number, Box(int(left), span[0], int(right), span[1]), span)
    return found


def _token(
    published: str,
    at: int,
    no_references: frozenset[int],
    place: _OnPaper | None,
    checked: Mapping[str, Any] | None,
) -> Token:
    text = published
    references: tuple[Reference, ...] = ()
    if "[^" in published:
        text, references = _without_references(published, at, no_references)
    line = place.line if place else None
    if checked:
        sure = float(checked["confidence"])
        token = Token(text, checked["page"], _box(checked["bbox"]), sure, references=references, line=line)
        return replace(token, confidence=_HARDLY_UNSURE) if sure >= DOUBT and not token.is_number else token
    if place:
        return Token(text, place.page, place.box, references=references, line=line)
    return Token(text, references=references)


def _without_references(published: str, at: int, no_references: frozenset[int]) -> tuple[str, tuple[Reference, ...]]:
    """A word without the footnote references in it, and these."""
    text, references, done = "", [], 0
    for found in REFERENCE.finditer(published):
        if at + found.start() not in no_references:
            text += published[done : found.start()]
            references.append(Reference(len(text), found[1]))
            done = found.end()
    return text + published[done:], tuple(references)


def _with_second_readings(tokens: Sequence[Token], doubts: Sequence[Mapping[str, Any]]) -> Tokens:
    """The words of a paragraph, the numbers among them that were read twice with both readings."""
    out = list(tokens)
    at = 0
    for one in doubts:
        page, box = one["page"], _box(one["bbox"])
        alike = [index for index in range(at, len(out)) if out[index].text == one["text"]]
        # Of words whose confidence is published the very box is known, of others their line.
        very = (index for index in alike if out[index].box == box and out[index].confidence is not None)
        near = (index for index in alike if out[index].confidence is None and _may_stand_at(out[index], page, box))
        index = next(very, next(near, None))
        if index is not None:
            out[index] = replace(out[index], page=page, box=box, second=one["second"], confidence=one["confidence"])
            at = index + 1
    return tuple(out)


def _may_stand_at(token: Token, page: int, box: Box | None) -> bool:
    if token.box is None or box is None:
        return token.box == box
    return token.page == page and token.box.overlaps(box)


def _bare_block(data: Mapping[str, Any]) -> Block:
    """A block without its words."""
    rows = tuple(tuple(row) for row in data.get("rows", ()))
    return Block(data["type"], (), data["page"], data["level"], _box(data["bbox"]), rows)


def _metadata(data: Mapping[str, Any]) -> Metadata:
    return Metadata(**{**data, "recipients": tuple(data["recipients"])})


def _evidence(data: Mapping[str, Any]) -> MetadataEvidence:
    return {name: _evidence_of(one) for name, one in data.items()}


def _evidence_of(one: Any) -> Evidence | tuple[Evidence, ...]:
    if isinstance(one, Mapping):
        return Evidence(one["page"], _box(one["box"]), one["confidence"])
    return tuple(Evidence(line["page"], _box(line["box"]), line["confidence"]) for line in one)


def _correction(one: Mapping[str, Any]) -> Correction:
    return Correction(
        one["where"],
        one["start"],
        one["before"],
        one["after"],
        one["kind"],
        one["probability"],
        one["evidence"],
        one["page"],
        _box(one["bbox"]),
    )


def _page(data: Mapping[str, Any]) -> PageReport:
    known = {name: value for name, value in data.items() if name in _PAGE_FIELDS}
    word = data.get("lowest_word")
    return PageReport(**{**known, "lowest_word": LowestWord(word["text"], Box(*word["bbox"])) if word else None})


def _warning(one: Mapping[str, Any]) -> PageWarning:
    return PageWarning(one["page"], one["message"], _box(one.get("bbox")), one.get("about", "text"))


def _edit(one: Mapping[str, Any]) -> Edit:
    return Edit(
        one["id"],
        one["kind"],
        one["who"],
        one["when"],
        one["where"],
        one["start"],
        one["before"],
        one["after"],
        one["page"],
        _box(one["bbox"]),
        one["undone"],
        one["applied"],
        _taken(one["taken"]),
    )


def _taken(data: Mapping[str, Any]) -> Taken:
    return Taken(
        tokens=tuple(map(_word, data.get("words", ()))),
        corrections=_numbered(data.get("corrections", ()), _correction),
        warnings=_numbered(data.get("warnings", ()), _warning),
        block=_bare_block(data["block"]) if "block" in data else None,
        evidence=_evidence_of(data["evidence"]) if "evidence" in data else None,
    )


def _numbered(
    found: Sequence[Mapping[str, Any]], read: Callable[[Mapping[str, Any]], Record]
) -> tuple[tuple[int, Record], ...]:
    return tuple((one["index"], read(one)) for one in found)


def _word(data: Mapping[str, Any]) -> Token:
    return Token(
        data["text"],
        data["page"],
        _box(data["bbox"]),
        data["confidence"],
        references=tuple(Reference(offset, label) for offset, label in data["references"]),
        second=data["second"],
        line=(data["line"][0], data["line"][1]) if data["line"] else None,
    )


def _box(box: Sequence[int] | None) -> Box | None:
    return Box(*box) if box else None
