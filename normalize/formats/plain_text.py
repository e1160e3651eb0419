"""Plain text, and the order in which every text format has blocks and notes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from normalize.document import Block, Document, Footnote, published

FOOTNOTE_STYLES = ("paragraph", "inline", "end")


def to_text(document: Document, footnotes: str = "paragraph") -> str:
    """The published text: blocks parted by a blank line, one paragraph on one line.

    A table is one block: a line for each row, cells parted by tabs.

    Args:
        footnotes: where notes stand: ``paragraph`` (after the paragraph that cites them), ``inline`` (in brackets
            at the reference) or ``end`` (after the last block).

    Raises:
        ValueError: ``footnotes`` is none of these.
    """
    return joined(parts(document, footnotes, _plain))


def joined(parts: Iterator[str]) -> str:
    """Parts with a blank line between two of them."""
    text = "\n\n".join(parts)
    return text + "\n" if text else ""


def _plain(block: Block) -> str:
    if block.rows:
        return "\n".join("\t".join(row) for row in block.rows)
    return block.text


def _as_it_is(text: str, references: Sequence[str]) -> str:
    return text


def parts(
    document: Document,
    style: str,
    render: Callable[[Block], str],
    escape: Callable[[str, Sequence[str]], str] = _as_it_is,
) -> Iterator[str]:
    """Blocks and notes in their order.

    Args:
        style: see :func:`to_text`.
        render: block -> its text.
        escape: a note's text and the labels it cites -> that text as the format shows it.

    Raises:
        ValueError: there is no such style.
    """
    if style not in FOOTNOTE_STYLES:
        raise ValueError(f"footnotes must be one of {', '.join(FOOTNOTE_STYLES)}, not {style!r}")
    notes = {note.label: note for note in document.footnotes}
    done: set[str] = set()
    waiting = unanchored(document)
    for index, block in enumerate(document.blocks):
        text = render(block)
        if style == "inline":
            yield _with_notes_inside(text, block.labels, notes, done, escape)
        else:
            yield text
        if style == "paragraph":
            yield from _notes(block.labels, notes, done, escape)
        if style != "end":
            yield from _notes(waiting.get(index, []), notes, done, escape)
    yield from _notes(list(notes), notes, done, escape)


def unanchored(document: Document) -> dict[int, list[str]]:
    """Index of the block after which each note without a reference stands: the last one of its page.

    Where no text stands on its page or before it, that is the first one.
    """
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
        after.setdefault(body[-1] if body else 0, []).append(note.label)
    return after


def _notes(
    labels: list[str], notes: dict[str, Footnote], done: set[str], escape: Callable[[str, Sequence[str]], str]
) -> Iterator[str]:
    for label in labels:
        note = notes.get(label)
        if note is None or label in done:
            continue
        done.add(label)
        first, *others = (escape(published(tokens), note.labels) for tokens in note.paragraphs)
        yield f"[^{label}]: {first}"
        for text in others:
            yield f"    {text}"
        yield from _notes(note.labels, notes, done, escape)


def _with_notes_inside(
    text: str,
    labels: list[str],
    notes: dict[str, Footnote],
    done: set[str],
    escape: Callable[[str, Sequence[str]], str],
) -> str:
    for label in labels:
        note = notes.get(label)
        if note is None or label in done:
            continue
        done.add(label)
        inside = escape(" ".join(published(tokens) for tokens in note.paragraphs), note.labels)
        inside = _with_notes_inside(inside, note.labels, notes, done, escape)
        text = text.replace(f"[^{label}]", f" {escape('[', ())}{label}: {inside}]", 1)
    return text
