"""The published JSON (schema ``nambat/1``): the text, and where everything in it comes from.

:mod:`normalize.formats.read_record` reads it back.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from normalize.document import (
    Block,
    Correction,
    Document,
    Edit,
    Evidence,
    Metadata,
    MetadataEvidence,
    PageReport,
    PageWarning,
    Taken,
    Token,
    Tokens,
    published,
)
from ocr.page import Box

SCHEMA = "nambat/1"

REFERENCE = re.compile(r"\[\^([^\[\]\s]+)\]")
"""A footnote reference in a published text."""


def to_dict(document: Document) -> dict[str, Any]:
    """The published JSON as plain data; ``json.dumps(..., ensure_ascii=False)`` writes it."""
    return {
        "schema": SCHEMA,
        "source": asdict(document.source),
        "metadata": _metadata(document.metadata),
        "metadata_evidence": _evidence(document.parts[0].evidence) if document.parts else {},
        "documents": [
            {
                "first_page": part.first_page,
                "last_page": part.last_page,
                "first_block": part.first_block,
                "separated": part.separated,
                "metadata": _metadata(part.metadata),
                "metadata_evidence": _evidence(part.evidence),
            }
            for part in document.parts
        ],
        "blocks": [
            {
                "type": block.type,
                "level": block.level,
                "text": block.text,
                "page": block.page,
                "bbox": _box(block.box),
                **({"rows": [list(row) for row in block.rows]} if block.rows else {}),
                **_of_words([block.tokens]),
            }
            for block in document.blocks
        ],
        "footnotes": [
            {
                "label": note.label,
                "printed_label": note.printed_label,
                "text": "\n".join(published(tokens) for tokens in note.paragraphs),
                "pages": list(note.pages),
                "anchored": note.anchored,
                **_of_words(note.paragraphs),
            }
            for note in document.footnotes
        ],
        "corrections": [_correction(one) for one in document.corrections],
        "doubts": [
            {
                "page": token.page,
                "bbox": _box(token.box),
                "where": where,
                "text": token.text,
                "second": token.second,
                "confidence": token.confidence,
            }
            for where, tokens in document.texts()
            for token in tokens
            if token.doubted
        ],
        "pages": _pages(document),
        "dropped": [
            {"page": one.page, "bbox": _box(one.box), "text": one.text, "reason": one.reason}
            for one in document.dropped
        ],
        "warnings": [_warning(one) for one in document.warnings],
        "edits": [_edit(one) for one in document.edits],
        "engine": dict(document.engine),
        "timings": dict(document.timings),
    }


def _of_words(paragraphs: Sequence[Tokens]) -> dict[str, list[Any]]:
    """What is published of the words of a text; of what a text has none, it has no list.

    ``words_to_check``: those that were read with doubt, and all numbers, each with its place in the text.

    ``places``: where each word stands on paper, a string for each printed line, ``1 120 160 0:100-180 4:190-250``: the
    page, top and bottom of the line, and for each word its place in the text, left and right.

    ``no_references``: the places of what only looks like a reference to a footnote.

    Args:
        paragraphs: of the text, which is published with one character between two of them, as between two words.
    """
    words = list(_words(paragraphs))
    lists: dict[str, list[Any]] = {
        "words_to_check": [
            {
                "offset": at,
                "length": len(token.published),
                "confidence": _short(token.confidence),
                "page": token.page,
                "bbox": _box(token.box),
            }
            for at, token in words
            if token.confidence is not None and (token.is_unsure or token.is_number)
        ],
        "places": _printed_lines(words),
        "no_references": [at for one in words for at in _look_like_references(*one)],
    }
    return {name: found for name, found in lists.items() if found}


def _words(paragraphs: Sequence[Tokens]) -> Iterator[tuple[int, Token]]:
    """Each word of a text with its place there."""
    at = 0
    for tokens in paragraphs:
        begin = at
        for token in tokens:
            yield at, token
            at += len(token.published) + 1
        at += at == begin  # a paragraph without words has its break, too


def _printed_lines(words: Sequence[tuple[int, Token]]) -> list[str]:
    lines: list[str] = []
    current = None
    for at, token in words:
        if token.box is None:
            continue
        top, bottom = token.line or (token.box.top, token.box.bottom)
        line = token.page, min(top, token.box.top), max(bottom, token.box.bottom)
        if line != current:
            current = line
            lines.append(" ".join(map(str, line)))
        lines[-1] += f" {at}:{token.box.left}-{token.box.right}"
    return lines


def _look_like_references(at: int, token: Token) -> Iterator[int]:
    """The places of what looks like a reference in a published text, and is none."""
    if "[^" not in token.text:
        return
    real, longer = set(), 0
    for one in token.references:
        real.add(one.offset + longer)
        longer += len(one.label) + len("[^]")
    yield from (at + found.start() for found in REFERENCE.finditer(token.published) if found.start() not in real)


def _short(confidence: float) -> float:
    """A confidence to a tenth, without one where there is none: most are whole."""
    return round(confidence) if round(confidence, 1).is_integer() else round(confidence, 1)


_Found = Mapping[tuple[int, Box | None], tuple[str, int, Token]]


def _pages(document: Document) -> list[dict[str, Any]]:
    """The reports of all pages, and where in the published text the least sure word of each stands."""
    words = _lowest_words(document)
    return [{**asdict(page), "lowest_word": _lowest_word(page, document, words)} for page in document.pages]


def _lowest_words(document: Document) -> _Found:
    """By page and box of the least sure words: the text one stands in, where, and the word as it is published."""
    wanted = {page.number: page.lowest_word.box for page in document.pages if page.lowest_word}
    found: dict[tuple[int, Box | None], tuple[str, int, Token]] = {}
    for where, tokens in document.texts():
        for index, token in enumerate(tokens):
            if token.box is not None and wanted.get(token.page) == token.box:
                at = sum(len(one.published) + 1 for one in tokens[:index])
                found.setdefault((token.page, token.box), (where, at, token))
    return found


def _lowest_word(page: PageReport, document: Document, words: _Found) -> dict[str, Any] | None:
    """The least sure word of a page, and where it is published; else which dropped text holds it."""
    word = page.lowest_word
    if word is None:
        return None
    if (page.number, word.box) in words:
        where, at, token = words[page.number, word.box]
        return {"text": token.published, "where": where, "offset": at, "bbox": _box(word.box)}
    holds = (
        f"dropped/{index}"
        for index, one in enumerate(document.dropped)
        if one.page == page.number and one.box is not None and Box(*one.box).holds(word.box)
    )
    return {"text": word.text, "where": next(holds, None), "offset": None, "bbox": _box(word.box)}


def _metadata(metadata: Metadata) -> dict[str, Any]:
    return {**asdict(metadata), "recipients": list(metadata.recipients)}


def _evidence(evidence: MetadataEvidence) -> dict[str, Any]:
    """Page, box and confidence of each value that is there, of each line of the recipients."""

    def of(one: Evidence) -> dict[str, Any]:
        return {"page": one.page, "box": _box(one.box), "confidence": one.confidence}

    return {
        name: of(one) if isinstance(one, Evidence) else [of(line) for line in one] for name, one in evidence.items()
    }


def _correction(one: Correction) -> dict[str, Any]:
    return {
        "page": one.page,
        "bbox": _box(one.box),
        "where": one.where,
        "start": one.start,
        "before": one.before,
        "after": one.after,
        "kind": one.kind,
        "probability": one.probability,
        "evidence": one.evidence,
    }


def _warning(one: PageWarning) -> dict[str, Any]:
    box = {"bbox": _box(one.box)} if one.box else {}
    return {"page": one.page, "message": one.message, "about": one.about, **box}


def _edit(one: Edit) -> dict[str, Any]:
    return {
        "id": one.id,
        "kind": one.kind,
        "who": one.who,
        "when": one.when,
        "where": one.where,
        "start": one.start,
        "before": one.before,
        "after": one.after,
        "page": one.page,
        "bbox": _box(one.box),
        "undone": one.undone,
        "applied": one.applied,
        "taken": _taken(one.taken),
    }


def _taken(taken: Taken) -> dict[str, Any]:
    """What an edit took out of the document; nothing that it did not."""
    lists = {
        "words": [_word(token) for token in taken.tokens],
        "corrections": [{"index": index, **_correction(one)} for index, one in taken.corrections],
        "warnings": [{"index": index, **_warning(one)} for index, one in taken.warnings],
        "block": _bare_block(taken.block) if taken.block else None,
        "evidence": _evidence({"of": taken.evidence})["of"] if taken.evidence else None,
    }
    return {name: found for name, found in lists.items() if found}


def _word(token: Token) -> dict[str, Any]:
    return {
        "text": token.text,
        "references": [[one.offset, one.label] for one in token.references],
        "page": token.page,
        "bbox": _box(token.box),
        "line": list(token.line) if token.line else None,
        "confidence": token.confidence,
        "second": token.second,
    }


def _bare_block(block: Block) -> dict[str, Any]:
    return {
        "type": block.type,
        "level": block.level,
        "page": block.page,
        "bbox": _box(block.box),
        "rows": [list(row) for row in block.rows],
    }


def _box(box: tuple[int, int, int, int] | None) -> list[int] | None:
    return list(box) if box else None
