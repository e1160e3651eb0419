"""The components of Decree 30/2020/NĐ-CP: who issued the document, its number, date, type, subject and signer.

Read from the lines of the letterhead, the title blocks and the signature block. Marks are what Tesseract misreads
most, so fixed words are compared by their skeleton (``so``, ``ngay``, ``thang``) and values are taken as printed.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence

from normalize.document import Block, Metadata
from normalize.structure.paragraphs import DOCUMENT_TYPES, document_type
from normalize.vietnamese.syllable import skeleton

_NUMBER = re.compile(r"^\s*so\s*[:.;]?\s*")
_SYMBOL = re.compile(r"([\d\s.…_]*)((?:/\s*\d{4}\s*)?)[/|]\s*([A-ZĐÐa-z][\w&ĐÐ/]*(?:\s*[-–]\s*[\wĐÐ&]+)*)")
# The day and the number are often written by hand, and what is read there may be anything.
_DATE = re.compile(r"ngay\b(.{0,9}?)\bthang\b(.{0,9}?)\bnam\W*(\d{4})")
_RECIPIENTS = re.compile(r"\W*n\w{0,2}[il1]\s*nh[aeo]?n?\W*$|\W*n\w?[il1]\s*nh[ae]n")
_MOTTO = ("cong hoa xa hoi", "doc lap", "tu do - hanh phuc")
#: First words of the names of bodies; a line in capitals that begins otherwise carries on the name above it.
_BODIES = (
    "uy ban", "ubnd", "hoi dong", "hdnd", "bo", "so", "cuc", "tong cuc", "chi cuc", "phong", "ban", "van phong",
    "vien", "truong", "trung tam", "thanh tra", "cong an", "toa an", "cong ty", "tong cong ty", "benh vien",
    "doan", "dang bo", "dang uy", "huyen uy", "thanh uy", "tinh uy", "mat tran", "lien doan", "hoi", "kho bac",
    "ngan hang", "chinh phu", "thu tuong", "quoc hoi", "kiem toan", "vien kiem sat", "hat", "tram", "doi",
)  # fmt: skip
#: What begins like the name of a body and is a part of one: "Ban quản lý rừng / phòng hộ Sông Lôi".
_NO_BODY = re.compile(r"phong (ho|chong|benh)\b|so \d|bo doi\b|doan ket\b|hoi (an|nhap)\b")
#: Words of an office; other capitals in a signature block are traces of the seal.
_OFFICE = re.compile(
    r"\b(chu tich|chu nhiem|giam doc|truong|thu tuong|chanh|pho|bi thu|tong|vien|hieu|cuc|vu|thu truong|"
    r"uy ban|ubnd|hoi dong|hdnd|bo|chinh phu|van phong|dai dien|thua|quyen|q)\b"
)
_ABOUT = re.compile(r"(v/v|ve viec)\b")
#: First words of the text of a document, which may follow its type at once.
_OPENING = re.compile(r"(can cu|kinh gui|xet|theo|thuc hien|ngay|thi hanh|trong|sau khi|dieu \d|[ivx\d]+[.)])(\W|$)")
_TYPES_BY_LENGTH = sorted(DOCUMENT_TYPES, key=len, reverse=True)
_EDGES = " _-–.,:'\""
_RANK = re.compile(r"(dai|thuong|trung|thieu) (tuong|ta|uy) ")
_CAPACITY = re.compile(r"^(tm|kt|tl|tuq|q|thua lenh|thua uy quyen)\b\.?")


def is_motto(text: str) -> bool:
    """Whether a line belongs to the national title and motto."""
    plain = skeleton(text)
    return any(part in plain for part in _MOTTO)


def is_addressee(text: str) -> bool:
    """Whether a line begins "Kính gửi:", to whom a letter goes."""
    return bool(re.match(r"\W*kinh gui\b", skeleton(text)))


def is_recipients_head(text: str) -> bool:
    """Whether a line is "Nơi nhận:" (its marks and a letter may be misread)."""
    return len(text) < 24 and bool(_RECIPIENTS.match(skeleton(text)))


def is_recipients_list(texts: Sequence[str]) -> bool:
    """Whether lines are a list of recipients whose head could not be read: dashes before most of them."""
    dashed = sum(bool(re.match(r"\W{1,2}\s?\w", text)) for text in texts)
    return (len(texts) >= 3 and dashed >= 0.5 * len(texts)) or any(
        re.match(r"\W*luu\s*:", skeleton(text)) for text in texts
    )


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
        recipients=tuple(text for text in recipients if not is_recipients_head(text)),
    )


def _number_and_symbol(head: Sequence[str]) -> tuple[str | None, str | None]:
    for text in head:
        plain = skeleton(text)
        found = _NUMBER.match(plain)
        if not found or ("/" not in text and "|" not in text):
            continue
        # The skeleton may be longer than the text (… becomes ...), so the head is cut off by its last letter.
        rest = re.sub(r"^\s*\w+\s*[:.;]?\s*", "", text, count=1)
        match = _SYMBOL.search(rest)
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
        plain = skeleton(text)
        found = _DATE.search(plain)
        if not found:
            continue
        place = None
        before = re.split(r"[,;]?\s*ng[aàảáạ]y\b", text, maxsplit=1, flags=re.IGNORECASE)[0].strip(" ,.;")
        if before and any(c.isalpha() for c in before):
            place = before
        day, month, year = (part.strip(" .…_") for part in found.groups())
        try:
            return place, datetime.date(int(year), int(month), int(day)).isoformat()
        except ValueError:  # left open to be filled in by hand, or misread
            return place, None
    return None, None


def _type_and_subject(blocks: Sequence[Block], head: Sequence[str]) -> tuple[str | None, str | None]:
    text = [block for block in blocks if block.type != "letterhead"]
    titles = [block for block in text if block.type == "title"]
    for index, block in enumerate(text[:8]):
        kind = document_type(block.text) if block.type in ("title", "heading") else None
        if kind:
            after = text[index + 1] if index + 1 < len(text) else None
            return kind, after.text.rstrip(" .") if after and _is_subject(after) else None
    for index, line in enumerate(head):
        if _ABOUT.match(skeleton(line)):
            lines = [re.sub(r"^(V/v|Về việc)\W*", "", line, flags=re.IGNORECASE)]
            for more in head[index + 1 :]:  # the lines below it in the same column
                if is_motto(more) or _DATE.search(skeleton(more)) or more.isupper():
                    break
                lines.append(more)
            return "Công văn", " ".join(lines).rstrip(" .")
    if titles and titles[0].text.isupper():
        kind = next((name for name in _TYPES_BY_LENGTH if skeleton(titles[0].text).startswith(name + " ")), None)
        if kind:  # type and subject in one
            rest = " ".join(titles[0].text.split()[len(kind.split()) :])
            return DOCUMENT_TYPES[kind], rest
    return None, titles[0].text if titles else None


def _is_subject(block: Block) -> bool:
    """Whether what follows the type of a document says what it is about, and is not its text yet."""
    return block.type == "title" or (
        block.type in ("paragraph", "heading")
        and len(block.text) < 300
        and not _OPENING.match(skeleton(block.text))
        and not block.text.endswith((":", ";"))
    )


def _agency(head: Sequence[str]) -> str | None:
    """The issuing body: the last name in capitals above the number, with the place it belongs to."""
    names: list[str] = []
    for text in head:
        plain = skeleton(text)
        numbered = bool(_NUMBER.match(plain)) and "/" in text
        if numbered and names:
            break
        if numbered or is_motto(text) or _DATE.search(plain):
            continue
        letters = [c for c in text if c.isalpha()]
        if not letters or sum(c.isupper() for c in letters) < 0.8 * len(letters):
            continue
        if names and (not plain.startswith(tuple(body + " " for body in _BODIES)) or _NO_BODY.match(plain)):
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
        text for text in texts if text.isupper() and (_OFFICE.search(skeleton(text)) or _CAPACITY.match(skeleton(text)))
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
        plain = skeleton(text)
        cut = len(words) > 0 and len(words[0]) == 1 and words[0].upper() != "Q"  # by the seal
        if (capitals and _OFFICE.search(plain) and not cut) or _CAPACITY.match(plain):
            if len(names) == len(capacities):  # the next signer's begins
                capacities.append([])
            capacities[-1].append(text)
        elif _is_name(words[2:] if _RANK.match(plain) else words) and not capitals:
            del names[len(capacities) - 1 :]
            names.append(text)
    titles = [
        " ".join(line for line in lines if not re.match(r"(tm|kt|tl|tuq)\b", skeleton(line))) for lines in capacities
    ]
    return "; ".join(names) or None, "; ".join(title for title in titles if title) or None
