"""The published JSON (schema ``nambat/1``): the text, and where everything in it comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from normalize.document import Document, Evidence, Metadata, MetadataEvidence, PageReport, Token, Tokens, published
from ocr.page import Box

SCHEMA = "nambat/1"


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
                **_words_to_check([block.tokens]),
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
                **_words_to_check(note.paragraphs),
            }
            for note in document.footnotes
        ],
        "corrections": [
            {
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
            for one in document.corrections
        ],
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
        "warnings": [
            {
                "page": one.page,
                "message": one.message,
                "about": one.about,
                **({"bbox": _box(one.box)} if one.box else {}),
            }
            for one in document.warnings
        ],
        "engine": dict(document.engine),
        "timings": dict(document.timings),
    }


def _words_to_check(paragraphs: Sequence[Tokens]) -> dict[str, list[dict[str, Any]]]:
    """The words of a published text that were read with doubt, and all its numbers, each with its place in the text.

    A text without such words has no list of them.

    Args:
        paragraphs: of the text, which is published with one character between two of them, as between two words.
    """
    found, at = [], 0
    for tokens in paragraphs:
        for token in tokens:
            length = len(token.published)
            if token.confidence is not None and (token.is_unsure or token.is_number):
                found.append(
                    {
                        "offset": at,
                        "length": length,
                        "confidence": _short(token.confidence),
                        "page": token.page,
                        "bbox": _box(token.box),
                    }
                )
            at += length + 1
    return {"words_to_check": found} if found else {}


def _short(confidence: float) -> float:
    """A confidence to a tenth, without one where there is none: most are whole."""
    return round(confidence) if round(confidence, 1).is_integer() else round(confidence, 1)


_Place = tuple[int, Box | None]


def _pages(document: Document) -> list[dict[str, Any]]:
    """The reports of all pages, and where in the published text the least sure word of each stands."""
    words = _places(document)
    return [{**asdict(page), "lowest_word": _lowest_word(page, document, words)} for page in document.pages]


def _places(document: Document) -> dict[_Place, tuple[str, int, Token]]:
    """By page and box of each word: the text it stands in, where, and the word as it is published."""
    found: dict[_Place, tuple[str, int, Token]] = {}
    for where, tokens in document.texts():
        at = 0
        for token in tokens:
            found.setdefault((token.page, token.box), (where, at, token))
            at += len(token.published) + 1
    return found


def _lowest_word(
    page: PageReport, document: Document, words: Mapping[_Place, tuple[str, int, Token]]
) -> dict[str, Any] | None:
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


def _box(box: tuple[int, int, int, int] | None) -> list[int] | None:
    return list(box) if box else None
