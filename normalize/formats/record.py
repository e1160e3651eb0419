"""The published JSON (schema ``nambat/1``): the text, and where everything in it comes from."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from normalize.document import Document, published

SCHEMA = "nambat/1"


def to_dict(document: Document) -> dict[str, Any]:
    """The published JSON as plain data; ``json.dumps(..., ensure_ascii=False)`` writes it."""
    return {
        "schema": SCHEMA,
        "source": asdict(document.source),
        "metadata": {**asdict(document.metadata), "recipients": list(document.metadata.recipients)},
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
        "warnings": [{"page": one.page, "message": one.message} for one in document.warnings],
        "engine": dict(document.engine),
        "timings": dict(document.timings),
    }


def _box(box: tuple[int, int, int, int] | None) -> list[int] | None:
    return list(box) if box else None
