"""The components of Decree 30/2020/NĐ-CP: who issued the document, its number, date, type, subject and signer.

Read from the lines of the letterhead, the title blocks and the signature block. Marks are what Tesseract misreads
most, so fixed words are compared by their skeleton (``so``, ``ngay``, ``thang``) and values are taken as printed.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence

from normalize.document import Block, Metadata
from normalize.vietnamese import decree30

_EDGES = " _-–.,:'\""


def read_metadata(blocks: Sequence[Block]) -> Metadata:
    """The metadata of a document from its blocks."""
    head = [block.text for block in blocks if block.type == "letterhead"]
    number, symbol = _number_and_symbol(head)
    place, date = _place_and_date(head)
    kind, subject = _type_and_subject(blocks, head)
    signature = [block.text for block in blocks if block.type == "signature"]
    signer, title = _signers(signature)
    recipients = [block.text for block in blocks if block.type == "recipients"]
    return Metadata(
        number=number,
        symbol=symbol,
        type=kind,
        subject=subject,
        agency=_agency(head),
        place=place,
        date=date,
        signer=signer,
        signer_title=title,
        recipients=tuple(text for text in recipients if not decree30.is_recipients_head(text)),
    )


def _number_and_symbol(head: Sequence[str]) -> tuple[str | None, str | None]:
    for text in head:
        if not decree30.begins_number(text) or ("/" not in text and "|" not in text):
            continue
        # The skeleton may be longer than the text (… becomes ...), so the head is cut off by its last letter.
        rest = re.sub(r"^\s*\w+\s*[:.;]?\s*", "", text, count=1)
        match = decree30.NUMBER_AND_SYMBOL.search(rest)
        if match:
            number = re.sub(r"\D", "", match[1]) or None
            year = re.sub(r"\D", "", match[2])
            symbol = re.sub(r"\s*[-–]\s*", "-", match[3]).replace("Ð", "Đ")
            if rest[: match.start()].strip(" .…_"):  # a number by hand, of which a part was read as letters
                number = None
            if number and year:
                number = f"{number}/{year}"
            return number, symbol
    return None, None


def _place_and_date(head: Sequence[str]) -> tuple[str | None, str | None]:
    for text in head:
        found = decree30.date_parts(text)
        if not found:
            continue
        place = None
        before = re.split(r"[,;]?\s*ng[aàảáạ]y\b", text, maxsplit=1, flags=re.IGNORECASE)[0].strip(" ,.;")
        if before and any(c.isalpha() for c in before):
            place = before
        day, month, year = (part.strip(" .…_") for part in found)
        try:
            return place, datetime.date(int(year), int(month), int(day)).isoformat()
        except ValueError:  # left open to be filled in by hand, or misread
            return place, None
    return None, None


def _type_and_subject(blocks: Sequence[Block], head: Sequence[str]) -> tuple[str | None, str | None]:
    text = [block for block in blocks if block.type != "letterhead"]
    titles = [block for block in text if block.type == "title"]
    for index, block in enumerate(text[:8]):
        kind = decree30.document_type(block.text) if block.type in ("title", "heading") else None
        if kind:
            after = text[index + 1] if index + 1 < len(text) else None
            return kind, after.text.rstrip(" .") if after and _is_subject(after) else None
    for index, line in enumerate(head):
        if decree30.begins_about(line):
            lines = [re.sub(r"^(V/v|Về việc)\W*", "", line, flags=re.IGNORECASE)]
            for more in head[index + 1 :]:  # the lines below it in the same column
                if decree30.is_motto(more) or decree30.bears_date(more) or more.isupper():
                    break
                lines.append(more)
            return decree30.LETTER, " ".join(lines).rstrip(" .")
    if titles and titles[0].text.isupper():
        kind = decree30.leading_document_type(titles[0].text)
        if kind:  # type and subject in one
            rest = " ".join(titles[0].text.split()[len(kind.split()) :])
            return kind, rest
    return None, titles[0].text if titles else None


def _is_subject(block: Block) -> bool:
    """Whether what follows the type of a document says what it is about, and is not its text yet."""
    return block.type == "title" or (
        block.type in ("paragraph", "heading")
        and len(block.text) < 300
        and not decree30.begins_text(block.text)
        and not block.text.endswith((":", ";"))
    )


def _agency(head: Sequence[str]) -> str | None:
    """The issuing body: the last name in capitals above the number, with the place it belongs to."""
    names: list[str] = []
    for text in head:
        numbered = decree30.begins_number(text) and "/" in text
        if numbered and names:
            break
        if numbered or decree30.is_motto(text) or decree30.bears_date(text):
            continue
        letters = [c for c in text if c.isalpha()]
        if not letters or sum(c.isupper() for c in letters) < 0.8 * len(letters):
            continue
        if names and not decree30.begins_body(text):
            names[-1] += " " + text
        else:
            names.append(text.lstrip(_EDGES))
        names[-1] = names[-1].rstrip(_EDGES)
    return names[-1] if names else None


def _is_name(words: Sequence[str]) -> bool:
    return (
        2 <= len(words) <= 7
        and all(word[0].isupper() for word in words)
        and sum(c.isalpha() for word in words for c in word) > 5
    )


def is_signature(texts: Sequence[str]) -> bool:
    """Whether lines are an office in capitals and, under it, a name."""
    offices = [
        text for text in texts if text.isupper() and (decree30.names_office(text) or decree30.begins_capacity(text))
    ]
    return bool(offices) and texts[0] in offices and _is_name(texts[-1].split()) and not texts[-1].isupper()


def _signers(signature: Sequence[str]) -> tuple[str | None, str | None]:
    """Names and capacities; those of several signers parted by semicolons.

    A name is a line in mixed case, a capacity the capitals above it. What the seal and the pen left between them is
    neither.
    """
    names: list[str] = []
    capacities: list[list[str]] = [[]]
    for line in signature:
        text = re.sub(r"^\S*[^\w\s.]\S* ", "", line).strip(" _-–—.,:;*'\"|\\/`^~")
        letters = [c for c in text if c.isalpha()]
        words = text.split()
        capitals = letters and sum(c.isupper() for c in letters) > 0.8 * len(letters)
        cut = len(words) > 0 and len(words[0]) == 1 and words[0].upper() != "Q"  # by the seal
        if (capitals and decree30.names_office(text) and not cut) or decree30.begins_capacity(text):
            if len(names) == len(capacities):  # the next signer's begins
                capacities.append([])
            capacities[-1].append(text)
        elif _is_name(words[2:] if decree30.begins_rank(text) else words) and not capitals:
            del names[len(capacities) - 1 :]
            names.append(text)
    titles = [" ".join(line for line in lines if not decree30.signs_for_others(line)) for lines in capacities]
    return "; ".join(names) or None, "; ".join(title for title in titles if title) or None
