"""Documents to published files: plain text, JSON (schema ``nambat/1``) and Markdown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from normalize.document import Block, Document, Footnote, published

SCHEMA = "nambat/1"
FOOTNOTE_STYLES = ("paragraph", "inline", "end")


def to_text(document: Document, footnotes: str = "paragraph") -> str:
    """The published text: blocks parted by a blank line, one paragraph on one line.

    A table is one block: a line for each row, cells parted by tabs.

    Args:
        footnotes: where notes stand: ``paragraph`` (after the paragraph that cites them), ``inline`` (in brackets
            at the mark) or ``end`` (after the last block).

    Raises:
        ValueError: ``footnotes`` is none of these.
    """
    return _joined(_parts(document, footnotes, _plain))


def to_markdown(document: Document, footnotes: str = "paragraph") -> str:
    """The same as Markdown: headings as headings, tables as tables.

    Raises:
        ValueError: see :func:`to_text`.
    """
    return _joined(_parts(document, footnotes, _marked_up))


def _joined(parts: Iterator[str]) -> str:
    text = "\n\n".join(parts)
    return text + "\n" if text else ""


def _plain(block: Block) -> str:
    if block.rows:
        return "\n".join("\t".join(row) for row in block.rows)
    return block.text


def _marked_up(block: Block) -> str:
    if block.rows:
        width = max(len(row) for row in block.rows)
        rows = [[*row, *[""] * (width - len(row))] for row in block.rows]
        lines = ["| " + " | ".join(cell.replace("|", r"\|") for cell in row) + " |" for row in rows]
        return "\n".join([lines[0], "|" + " --- |" * width, *lines[1:]])
    if block.type == "title":
        return f"# {block.text}"
    if block.type == "heading":
        return "#" * min(6, block.level + 1) + f" {block.text}"
    return block.text


def _parts(document: Document, style: str, render: Any) -> Iterator[str]:
    if style not in FOOTNOTE_STYLES:
        raise ValueError(f"footnotes must be one of {', '.join(FOOTNOTE_STYLES)}, not {style!r}")
    notes = {note.label: note for note in document.footnotes}
    done: set[str] = set()
    waiting = _unanchored(document)
    for index, block in enumerate(document.blocks):
        text = render(block)
        if style == "inline":
            yield _with_notes_inside(text, block.labels, notes, done)
        else:
            yield text
        if style == "paragraph":
            yield from _notes(block.labels, notes, done)
        if style != "end":
            yield from _notes(waiting.get(index, []), notes, done)
    yield from _notes(list(notes), notes, done)


def _unanchored(document: Document) -> dict[int, list[str]]:
    """Index of the block after which each note without a mark stands: the last one of its page."""
    after: dict[int, list[str]] = {}
    for note in document.footnotes:
        if note.anchored:
            continue
        page = note.pages[0] if note.pages else 0
        body = [
            i
            for i, block in enumerate(document.blocks)
            if block.type not in ("recipients", "signature") and (not page or block.page <= page)
        ]
        after.setdefault(body[-1] if body else len(document.blocks) - 1, []).append(note.label)
    return after


def _notes(labels: list[str], notes: dict[str, Footnote], done: set[str]) -> Iterator[str]:
    for label in labels:
        note = notes.get(label)
        if note is None or label in done:
            continue
        done.add(label)
        first, *others = (published(tokens) for tokens in note.paragraphs)
        yield f"[^{label}]: {first}"
        for text in others:
            yield f"    {text}"
        yield from _notes(note.labels, notes, done)


def _with_notes_inside(text: str, labels: list[str], notes: dict[str, Footnote], done: set[str]) -> str:
    for label in labels:
        note = notes.get(label)
        if note is None or label in done:
            continue
        done.add(label)
        inside = " ".join(published(tokens) for tokens in note.paragraphs)
        inside = _with_notes_inside(inside, note.labels, notes, done)
        text = text.replace(f"[^{label}]", f" [{label}: {inside}]", 1)
    return text


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
