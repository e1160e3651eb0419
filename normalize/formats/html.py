"""One readable page: headings and tables as such, notes linked both ways, what was corrected marked with what was read.

Everything that comes from the scan is escaped. The page needs nothing from anywhere else and runs no script.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from html import escape

from normalize.document import Block, Correction, Document, Footnote, published
from normalize.formats.plain_text import FOOTNOTE_STYLES, unanchored

_REFERENCE = re.compile(r"\[\^([^\]\s]+)\]")
_STYLE = """
body { max-width: 46rem; margin: 2rem auto; padding: 0 1rem; font: 1.05rem/1.6 "Times New Roman", serif; color: #111; }
h1, .letterhead, .title { text-align: center; }
h1 { font-size: 1.3rem; } h2, h3, h4, h5, h6 { font-size: 1.1rem; }
.letterhead, .recipients, .signature { margin: .2rem 0; }
.signature { text-align: right; }
table { border-collapse: collapse; margin: 1rem 0; } th, td { border: 1px solid #777; padding: .2rem .5rem; }
aside { margin: .3rem 0 .3rem 2rem; font-size: .9rem; color: #333; } aside p { margin: .2rem 0; }
sup { line-height: 0; }
ins { text-decoration: underline dotted #b36b00; cursor: help; }
.missing { color: #a00; } footer { margin-top: 3rem; border-top: 1px solid #999; font: .85rem/1.5 sans-serif; }
@media print { ins { text-decoration: none; } footer { display: none; } }
"""


def to_html(document: Document, footnotes: str = "paragraph") -> str:
    """The published text as one HTML page.

    Args:
        footnotes: ``end`` puts the notes behind the text; otherwise they stand after the paragraph that cites them.

    Raises:
        ValueError: there is no such footnote style.
    """
    if footnotes not in FOOTNOTE_STYLES:
        raise ValueError(f"footnotes must be one of {', '.join(FOOTNOTE_STYLES)}, not {footnotes!r}")
    body = "\n".join(_body(document, at_end=footnotes == "end"))
    return (
        '<!doctype html>\n<html lang="vi">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(_title(document))}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n{body}\n"
        f"</main>\n{_footer(document)}\n</body>\n</html>\n"
    )


@dataclass(frozen=True, slots=True)
class _Links:
    """What is linked in a page.

    Attributes:
        labels: of the document's footnotes and references; what only looks like one is text.
        made: the links' places so far.
    """

    labels: frozenset[str]
    made: set[str] = field(default_factory=set)


def _title(document: Document) -> str:
    known = document.metadata
    symbol = f"{known.number or '...'}/{known.symbol}" if known.symbol else None
    return " ".join(part for part in (known.type, symbol, known.subject) if part) or document.source.name


def _body(document: Document, *, at_end: bool) -> Iterator[str]:
    corrections: dict[str, list[Correction]] = {}
    for one in document.corrections:
        corrections.setdefault(one.where, []).append(one)
    notes = {note.label: note for note in document.footnotes}
    waiting = {} if at_end else unanchored(document)
    cited = _Links(frozenset(notes) | {label for block in document.blocks for label in block.labels})
    page = 0
    for index, block in enumerate(document.blocks):
        anchor = f' id="trang-{block.page}"' if block.page > page else ""
        page = max(page, block.page)
        yield _block(block, corrections.get(f"blocks/{index}", []), anchor, cited)
        for label in [] if at_end else [*block.labels, *waiting.get(index, [])]:
            yield from _notes(label, notes, corrections, cited)
    for label in list(notes):
        yield from _notes(label, notes, corrections, cited)


def _block(block: Block, corrections: Sequence[Correction], anchor: str, cited: _Links) -> str:
    if block.rows:
        return _table(block, corrections, anchor, cited)
    text = _marked_up(block.text, corrections, cited)
    if block.type == "title":
        return f"<h1{anchor}>{text}</h1>"
    if block.type == "heading":
        level = min(6, block.level + 1)
        return f"<h{level}{anchor}>{text}</h{level}>"
    return f'<p class="{escape(block.type)}"{anchor}>{text}</p>'


def _table(block: Block, corrections: Sequence[Correction], anchor: str, cited: _Links) -> str:
    rows = []
    text, at = block.text, 0
    for number, row in enumerate(block.rows):
        cells = []
        for cell in row:
            # The block's text has the same words, row by row; where it has not, no correction is shown in the cell.
            start = text.find(cell, at)
            here = [one for one in corrections if 0 <= start <= one.start < start + len(cell)]
            at = start + len(cell) if start >= 0 else at
            tag = "th" if not number else "td"
            cells.append(f"<{tag}>{_marked_up(cell, here, cited, max(0, start))}</{tag}>")
        rows.append(f"<tr>{''.join(cells)}</tr>")
    return f"<table{anchor}>\n" + "\n".join(rows) + "\n</table>"


def _marked_up(text: str, corrections: Sequence[Correction], cited: _Links, offset: int = 0) -> str:
    """A published text with its footnote references as links and its corrections marked.

    Args:
        offset: where ``text`` begins in the text that the corrections count from.
    """
    out = []
    at = 0
    for one in corrections:
        start = one.start - offset
        end = start + len(one.after)
        if start < at or text[start:end] != one.after:
            continue
        read = f"Bản quét đọc là: {one.before} (chắc {100 * one.probability:.0f} %)"
        out.append(_linked(text[at:start], cited))
        out.append(f'<ins title="{escape(read)}">{_linked(one.after, cited)}</ins>')
        at = end
    return "".join(out) + _linked(text[at:], cited)


def _linked(text: str, cited: _Links) -> str:
    out = []
    at = 0
    for found in _REFERENCE.finditer(text):
        if found[1] not in cited.labels:
            continue
        label = escape(found[1])
        # A note may be cited twice; the way back leads to the first place.
        place = "" if f"ref {label}" in cited.made else f' id="ref-{label}"'
        cited.made.add(f"ref {label}")
        out.append(escape(text[at : found.start()], quote=False))
        out.append(f'<sup><a{place} href="#note-{label}">{label}</a></sup>')
        at = found.end()
    return "".join(out) + escape(text[at:], quote=False)


def _notes(
    label: str, notes: dict[str, Footnote], corrections: dict[str, list[Correction]], cited: _Links
) -> Iterator[str]:
    """A note, once, and those that it cites in turn."""
    note = notes.get(label)
    if note is None or f"note {label}" in cited.made:
        return
    cited.made.add(f"note {label}")
    paragraphs = []
    for index, tokens in enumerate(note.paragraphs):
        text = _marked_up(published(tokens), corrections.get(f"footnotes/{label}/{index}", []), cited)
        sign = f'<a href="#ref-{escape(label)}">{escape(label)}</a> ' if not index else ""
        paragraphs.append(f"<p>{sign}{text}</p>")
    yield f'<aside id="note-{escape(label)}">{"".join(paragraphs)}</aside>'
    for other in note.labels:
        yield from _notes(other, notes, corrections, cited)


def _footer(document: Document) -> str:
    """What a reader should know of the page: its source, what was corrected, what is doubtful."""
    lines = [f"Nguồn: {escape(document.source.name)}, {document.source.pages} trang."]
    if document.corrections:
        lines.append(f"Đã sửa {len(document.corrections)} chỗ; rê chuột lên chữ gạch chân để xem bản quét đọc là gì.")
    parts = [f"<p>{line}</p>" for line in lines]
    if document.warnings:
        items = "".join(
            f"<li>{f'Trang {one.page}: ' if one.page else ''}{escape(one.message)}</li>" for one in document.warnings
        )
        parts.append(f"<p>Cần xem lại:</p>\n<ul>{items}</ul>")
    return "<footer>\n" + "\n".join(parts) + "\n</footer>"
