"""Markdown: headings as headings, tables as tables."""

from __future__ import annotations

from normalize.document import Block, Document
from normalize.formats.plain_text import joined, parts


def to_markdown(document: Document, footnotes: str = "paragraph") -> str:
    """The published text as Markdown.

    Raises:
        ValueError: see :func:`~normalize.formats.plain_text.to_text`.
    """
    return joined(parts(document, footnotes, _marked_up))


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
