r"""Markdown: headings as headings, tables as tables.

All else is shown as it was printed: what a reader's program would take for emphasis, a link, a list or HTML is escaped.
A list keeps the numbers on the page, which a program would count anew: ``3\. Kinh phí``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from normalize.document import Block, Document
from normalize.formats.plain_text import joined, parts

_INLINE = re.compile(
    r"""[`*_\[<~$]                                        # code, emphasis, links, HTML, strike-through, formulas
    | \\ (?= [!-/:-@\[-`{-~] | $ )                        # what escapes
    | & (?= \#? [0-9A-Za-z]+ ; )                          # letters by name
    | : (?= // ) | (?<= mailto ) : | (?<= xmpp ) :        # what programs make links of by themselves
    | (?<= [0-9A-Za-z] ) [.] (?= [0-9A-Za-z-]*[A-Za-z] ) | (?<= \S ) @ (?= \S )
    """,
    re.VERBOSE | re.IGNORECASE,
)
_AT_START = re.compile(r"[-+](?:\s|$)|-\s*-|>|#{1,6}(?:\s|$)|=+\s*$")
_NUMBER = re.compile(r"\d{1,9}(?=[.)](?:\s|$))")


def escaped(text: str, references: Sequence[str] = ()) -> str:
    """One line of text so that Markdown shows it, within a line.

    Args:
        references: labels of the footnotes it cites, which stay references.
    """
    shown = _INLINE.sub(r"\\\g<0>", text)
    for label in dict.fromkeys(references):
        # What stands right behind one must not make it a link or the head of a note.
        for behind, kept in (("(", r"\("), (":", r"\:"), ("", "")):
            shown = shown.replace(rf"\[^{label}]{behind}", f"[^{label}]{kept}")
    return shown


def escaped_paragraph(text: str, references: Sequence[str] = ()) -> str:
    """The same for a text that begins a line, where a number or a dash would make it a list."""
    shown = escaped(text, references)
    if number := _NUMBER.match(shown):
        return f"{number[0]}\\{shown[number.end() :]}"
    return f"\\{shown}" if _AT_START.match(shown) else shown


def to_markdown(document: Document, footnotes: str = "paragraph") -> str:
    """The published text as Markdown.

    Raises:
        ValueError: see :func:`~normalize.formats.plain_text.to_text`.
    """
    return joined(parts(document, footnotes, _marked_up, escaped_paragraph))


def _marked_up(block: Block) -> str:
    if block.rows:
        width = max(len(row) for row in block.rows)
        rows = [[*row, *[""] * (width - len(row))] for row in block.rows]
        lines = [f"| {' | '.join(_cell(cell, block.labels) for cell in row)} |" for row in rows]
        return "\n".join([lines[0], "|" + " --- |" * width, *lines[1:]])
    if block.type in ("title", "heading"):
        level = 1 if block.type == "title" else min(6, block.level + 1)
        # Number signs at its end would be taken for the heading's.
        return "#" * level + " " + re.sub(r"(#+)$", r"\\\1", escaped(block.text, block.labels))
    return escaped_paragraph(block.text, block.labels)


def _cell(text: str, references: Sequence[str]) -> str:
    return escaped(text, references).replace("|", r"\|")
