"""The components of Decree 30/2020/NĐ-CP: who issued the document, its number, date, type, subject and signer.

Read from the lines of the letterhead, the title blocks and the signature block. Diacritics are what Tesseract
misreads most, so fixed words are compared by their skeleton (``so``, ``ngay``, ``thang``) and values are taken as
printed.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from normalize.document import About, Block, Document, Evidence, Metadata, PageWarning, Part
from normalize.facts import letterhead
from normalize.facts.bundles import after_sheets, beginnings
from normalize.facts.recipients import read_recipients
from normalize.facts.signature import read_signature
from normalize.facts.title import title as find_title
from normalize.facts.values import Value, located
from normalize.vietnamese import decree30

#: An agency, place or symbol whose least sure word was read with less confidence (0 to 100) is no fact. On 26 papers of
#: seven offices those that were right had 58 and more. Numbers and dates have their own measures (``values``), a type
#: is one of a list, and a long subject is right in spite of a word at 13.
LEAST_CONFIDENCE = 35.0
#: What the letterhead ends with, in blocks after its last one: the date or the number may have been laid out as text.
_AFTER_LETTERHEAD = 4
#: What letters that are broken, or under a stroke, are read for: none of 52 field papers and scans prints it there.
_ODD = re.compile(r"[\[\]{}|#*~^\\<>@§†‡¤]")


def read_metadata(blocks: Sequence[Block]) -> Metadata:
    """The metadata of a document, or of the first one in a file of several, from its blocks."""
    return read_parts(blocks)[0][0].metadata


def read_parts(
    blocks: Sequence[Block], sheets: Collection[int] = ()
) -> tuple[tuple[Part, ...], tuple[PageWarning, ...]]:
    """The documents in a file with their metadata and where those stand, and what a person should look at.

    Args:
        sheets: pages that are separator sheets.
    """
    parts: list[Part] = []
    warnings: list[PageWarning] = []
    starts, parted = beginnings(blocks, sheets), after_sheets(blocks, sheets)
    for start, end in zip(starts, [*starts[1:], len(blocks)], strict=True):
        own = blocks[start:end]
        pages = [block.page for block in own]
        first, last = (min(pages), max(pages)) if pages else (0, 0)
        metadata, evidence, doubts = _read(own)
        if parts:
            warnings.append(another_begins(own[0]))
            last_before = max(parts[-1].first_page, min(parts[-1].last_page, first - 1)) if first else 0
            parts[-1] = replace(parts[-1], last_page=last_before)
        parts.append(Part(first, last, metadata, evidence, start, start in parted))
        warnings += doubts
    return tuple(parts), tuple(warnings)


def another_begins(block: Block) -> PageWarning:
    """What is said where another document of the same file begins with a block."""
    where = f"on page {block.page}" if block.page else f"with “{block.text}”"
    return PageWarning(block.page, f"Another document begins {where}; its metadata are under documents.")


def with_parts(document: Document) -> Document:
    """The document with what its blocks say of the documents in it, and with the warnings of that."""
    parts, doubts = read_parts(document.blocks, document.sheets)
    warnings = tuple(sorted((*document.warnings, *doubts), key=lambda one: one.page))
    return replace(document, metadata=parts[0].metadata, parts=parts, warnings=warnings)


def _read(blocks: Sequence[Block]) -> tuple[Metadata, dict[str, Evidence | tuple[Evidence, ...]], list[PageWarning]]:
    """The metadata of one document, their evidence, and a warning for each that is there and cannot be told."""
    head = _head(blocks)
    number, symbol = letterhead.number_and_symbol(head)
    place, date = letterhead.place_and_date(head, blocks)
    title = find_title(blocks, symbol.text)
    signature = [block for block in blocks if block.type == "signature"]
    signed = read_signature(blocks)
    recipients = read_recipients(blocks)
    values: dict[About, Value] = {
        "number": number,
        "symbol": _sure(symbol),
        "type": title.kind,
        "subject": _printed(title.subject),
        "agency": _printed(_sure(letterhead.agency([block for block in head if block.type == "letterhead"], blocks))),
        "place": _sure(place),
        "date": date,
    }
    metadata = Metadata(
        **{name: value.text for name, value in values.items()},
        signer=signed.signer,
        signer_title=signed.title,
        recipients=tuple(block.text for block in recipients.lines),
    )
    shown = {
        **values,
        "signer": _of_signature(signed.signer, signature),
        "signer_title": _of_signature(signed.title, signature),
    }
    evidence: dict[str, Evidence | tuple[Evidence, ...]] = {}
    evidence.update({name: found for name, value in shown.items() if (found := value.evidence)})
    lines = tuple(found for block in recipients.lines if (found := Value(block.text, block.tokens).evidence))
    evidence.update({"recipients": lines} if lines else {})
    return metadata, evidence, [*_doubts(values, blocks[0].page if blocks else 0), *signed.doubts, *recipients.doubts]


def _of_signature(text: str | None, signature: Sequence[Block]) -> Value:
    """A value that was read from the signature block, with its words there; those of several signers together."""
    words = [token for one in (text or "").split("; ") for token in located(one, signature)]
    return Value(text, tuple(words))


def _head(blocks: Sequence[Block]) -> list[Block]:
    """The lines of the letterhead, those included that were laid out as text below it."""
    page = blocks[0].page if blocks else 0
    last = max((i for i, b in enumerate(blocks) if b.type == "letterhead" and b.page == page), default=-1)
    below = []
    for block in blocks[last + 1 : last + 1 + _AFTER_LETTERHEAD]:
        if block.page != page or decree30.is_addressee(block.text) or decree30.begins_text(block.text):
            break
        below.append(block)
    return [block for block in blocks[: last + 1] if block.type not in ("table", "recipients", "signature")] + below


def _sure(value: Value) -> Value:
    """The value, or none where a word of it was hardly read."""
    sure = value.sure
    if value.text is None or sure is None or sure >= LEAST_CONFIDENCE:
        return value
    return Value(None, value.tokens, "cannot be read surely")


def _printed(value: Value) -> Value:
    """The value, or none where it holds a sign that no name of an agency and no subject is printed with."""
    if value.text is None or value.sure is None or not _ODD.search(value.text):
        return value
    return Value(None, value.tokens, "holds signs that are not printed so")


def _doubts(values: Mapping[About, Value], page: int) -> list[PageWarning]:
    """What a person has to type: the field, why it is empty and where on the page it stands."""
    out = []
    for name, value in values.items():
        if value.doubt and (box := value.place):  # text from another engine has no place to look at
            where = f"{box.left}, {box.top} to {box.right}, {box.bottom}"
            words = f"The {name} {value.doubt}; it is left empty. It stands at {where} (pixels)."
            out.append(PageWarning(value.tokens[0].page if value.tokens else page, words, box, name))
    return out
