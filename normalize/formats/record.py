"""The published JSON (schema ``nambat/1``): the text, and where everything in it comes from."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from normalize.document import Document, Evidence, Metadata, MetadataEvidence, published

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
        "pages": [asdict(page) for page in document.pages],
        "dropped": [
            {"page": one.page, "bbox": _box(one.box), "text": one.text, "reason": one.reason}
            for one in document.dropped
        ],
        "warnings": [
            {"page": one.page, "message": one.message, **({"bbox": _box(one.box)} if one.box else {})}
            for one in document.warnings
        ],
        "engine": dict(document.engine),
        "timings": dict(document.timings),
    }


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
