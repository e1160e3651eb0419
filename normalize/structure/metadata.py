"""The components of Decree 30/2020/NĐ-CP: who issued the document, its number, date, type, subject and signer.

Read from the lines of the letterhead, the title blocks and the signature block. Diacritics are what Tesseract
misreads most, so fixed words are compared by their skeleton (``so``, ``ngay``, ``thang``) and values are taken as
printed.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import takewhile

from normalize.document import Block, Metadata
from normalize.vietnamese import decree30

_EDGES = " _-–.,:'\""
#: Share of its letters that make a line one of capitals.
_CAPITALS = 0.8
#: The type stands within so many blocks after the letterhead.
_TITLE_BLOCKS = 8
_TypeAndSubject = tuple[str | None, str | None]


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


def _type_and_subject(blocks: Sequence[Block], head: Sequence[str]) -> _TypeAndSubject:
    """Type and subject; where no line is a type and none says "V/v", the title is the subject."""
    text = [block for block in blocks if block.type != "letterhead"]
    title = next((block.text for block in text if block.type == "title"), None)
    return _type_on_its_own(text) or _letter(head) or _type_within(title) or (None, title)


def _type_on_its_own(text: Sequence[Block]) -> _TypeAndSubject | None:
    """The type from a line that is nothing else, and the subject from the block after it."""
    for index, block in enumerate(text[:_TITLE_BLOCKS]):
        kind = decree30.document_type(block.text) if block.type in ("title", "heading") else None
        if kind:
            after = text[index + 1] if index + 1 < len(text) else None
            return kind, after.text.rstrip(" .") if after and _is_subject(after) else None
    return None


def _letter(head: Sequence[str]) -> _TypeAndSubject | None:
    """A letter has no type printed: it is told by "V/v", and its subject goes on below in the same column."""
    start = next((i for i, line in enumerate(head) if decree30.begins_about(line)), None)
    if start is None:
        return None
    first = re.sub(r"^(V/v|Về việc)\W*", "", head[start], flags=re.IGNORECASE)
    more = takewhile(lambda line: not _ends_about(line), head[start + 1 :])
    return decree30.LETTER, " ".join([first, *more]).rstrip(" .")


def _ends_about(line: str) -> bool:
    """Whether a line of the letterhead belongs to the other column, and not to the subject of a letter above it."""
    return decree30.is_motto(line) or decree30.bears_date(line) or line.isupper()


def _type_within(title: str | None) -> _TypeAndSubject | None:
    """Type and subject in one: "KẾ HOẠCH PHÁT TRIỂN ..."."""
    if title is None or not title.isupper():
        return None
    kind = decree30.leading_document_type(title)
    return (kind, " ".join(title.split()[len(kind.split()) :])) if kind else None


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
        if decree30.begins_number(text) and "/" in text:
            if names:
                break
        elif _may_name_body(text):
            if names and not decree30.begins_body(text):
                names[-1] += " " + text
            else:
                names.append(text.lstrip(_EDGES))
            names[-1] = names[-1].rstrip(_EDGES)
    return names[-1] if names else None


def _may_name_body(text: str) -> bool:
    """Whether a line of the letterhead is in capitals and nothing else that is printed so."""
    return _share_of_capitals(text) >= _CAPITALS and not decree30.is_motto(text) and not decree30.bears_date(text)


def _share_of_capitals(text: str) -> float:
    """Of the letters, 0 to 1."""
    letters = [c for c in text if c.isalpha()]
    return sum(c.isupper() for c in letters) / max(1, len(letters))


def is_signature(texts: Sequence[str]) -> bool:
    """Whether lines are an office in capitals and, under it, a name."""
    first, last = texts[0], texts[-1]
    office = first.isupper() and (decree30.names_office(first) or decree30.begins_capacity(first))
    return office and _is_name(last.split()) and not last.isupper()


def _is_name(words: Sequence[str]) -> bool:
    """Whether words may be the name of a person: a few, each with a capital."""
    return (
        2 <= len(words) <= 7
        and all(word[0].isupper() for word in words)
        and sum(c.isalpha() for word in words for c in word) > 5
    )


@dataclass(slots=True)
class _Signer:
    """One who signs: the lines of capitals above the name, and the name once it is found."""

    capacities: list[str] = field(default_factory=list)
    name: str | None = None

    @property
    def title(self) -> str:
        return " ".join(line for line in self.capacities if not decree30.signs_for_others(line))


def _signers(signature: Sequence[str]) -> tuple[str | None, str | None]:
    """Names and capacities; those of several signers parted by semicolons.

    A name is a line in mixed case, a capacity the capitals above it. What the seal and the pen left between them is
    neither.
    """
    signers = [_Signer()]
    for line in signature:
        text = _without_traces(line)
        if _is_capacity(text):
            if signers[-1].name:  # the next signer's begins
                signers.append(_Signer())
            signers[-1].capacities.append(text)
        elif _is_signers_name(text):
            signers[-1].name = text  # the last one before the next capacity: what is above it is the pen's
    names = [signer.name for signer in signers if signer.name]
    titles = [signer.title for signer in signers if signer.title]
    return "; ".join(names) or None, "; ".join(titles) or None


def _without_traces(line: str) -> str:
    """A line of the signature block without what the seal and the pen left at its ends."""
    return re.sub(r"^\S*[^\w\s.]\S* ", "", line).strip(" _-–—.,:;*'\"|\\/`^~")


def _is_capacity(text: str) -> bool:
    """Whether a line says in what capacity someone signs: "TM. ỦY BAN NHÂN DÂN", "PHÓ CHỦ TỊCH"."""
    if decree30.begins_capacity(text):
        return True
    return _share_of_capitals(text) > _CAPITALS and decree30.names_office(text) and not _is_cut_by_seal(text)


def _is_cut_by_seal(text: str) -> bool:
    """Whether a line begins with a single letter, what the seal left of a word; Q. is one by itself."""
    first = text.split()[0] if text else ""
    return len(first) == 1 and first.upper() != "Q"


def _is_signers_name(text: str) -> bool:
    """Whether a line is a name in mixed case, after a rank or not."""
    words = text.split()
    return _share_of_capitals(text) <= _CAPITALS and _is_name(words[2:] if decree30.begins_rank(text) else words)
