"""The readable source of a sample document, and its true text.

One file feeds both the typesetter and the true text, so the two cannot drift apart. It begins with
``key: value`` lines (a key may come again: agency, recipient, ...), then a line ``---``, then the body, one
paragraph a block, blocks parted by a blank line::

    = I. ĐẶC ĐIỂM TÌNH HÌNH           heading (bold)
    == a) Về trồng trọt                lower heading (bold italic)
    ^ QUYẾT ĐỊNH:                      heading in the middle of the line
    ~ Căn cứ Luật ...;                 paragraph in italics
    |= 1,6,2                           table: widths of the columns, then one line a row
    | TT | Chỉ tiêu | Kết quả |
    *Điều 1.* Phê duyệt ...[^a].       paragraph; stars print bold; the mark of a footnote
    [^a]: Text of the note.            further paragraphs of the note: indented by four spaces

Footnotes have names in the source and are numbered in the order of their marks.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

MARK = re.compile(r"\[\^([^\]]+)\]")
BOLD = re.compile(r"\*([^*]+)\*")
MOTTO = ["CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", "Độc lập - Tự do - Hạnh phúc"]


@dataclass(frozen=True)
class Paragraph:
    """One block of the body; ``kind`` is h, hi, centre, italic, p or table (then ``rows`` and ``widths``)."""

    kind: str
    text: str
    rows: tuple[tuple[str, ...], ...] = ()
    widths: tuple[str, ...] = ()


@dataclass(frozen=True)
class Source:
    """A sample document before typesetting."""

    name: str
    head: dict[str, list[str]]
    body: tuple[Paragraph, ...]
    notes: dict[str, tuple[str, ...]]

    def one(self, key: str, default: str = "") -> str:
        """The value of a key that stands once."""
        return self.head[key][0] if key in self.head else default

    def all(self, key: str) -> list[str]:
        """The values of a key that may stand several times."""
        return self.head.get(key, [])


def read_source(path: Path) -> Source:
    """Read a source file; a note without a mark, or the reverse, is an error."""
    text = path.read_text(encoding="utf-8")
    if text != unicodedata.normalize("NFC", text):
        raise ValueError(f"{path.name}: not NFC")
    top, _, rest = text.partition("\n---\n")
    head: dict[str, list[str]] = {}
    for line in top.splitlines():
        if line.strip():
            key, _, value = line.partition(":")
            head.setdefault(key.strip(), []).append(value.strip())
    body: list[Paragraph] = []
    notes: dict[str, tuple[str, ...]] = {}
    for block in re.split(r"\n{2,}", rest.strip()):
        note = re.match(r"\[\^([^\]]+)\]:\s*(.*)", block, re.S)
        if note:
            notes[note.group(1)] = tuple(line.strip() for line in note.group(2).splitlines())
        else:
            body.append(_paragraph(block))
    cited = MARK.findall(" ".join(p.text for p in body))
    if len(set(cited)) != len(cited) or set(cited) != set(notes):
        raise ValueError(f"{path.name}: marks and notes differ: {sorted(set(cited) ^ set(notes)) or cited}")
    return Source(path.stem, head, tuple(body), notes)


def _paragraph(block: str) -> Paragraph:
    if block.startswith("|="):
        first, *lines = block.splitlines()
        rows = tuple(tuple(cell.strip() for cell in line.strip().strip("|").split("|")) for line in lines)
        text = "\n".join("\t".join(row) for row in rows)
        return Paragraph("table", text, rows, tuple(first[2:].strip().split(",")))
    text = " ".join(block.split())
    for sign, kind in (("== ", "hi"), ("= ", "h"), ("^ ", "centre"), ("~ ", "italic")):
        if text.startswith(sign):
            return Paragraph(kind, text[len(sign) :])
    return Paragraph("p", text)


def gold(source: Source) -> dict[str, object]:
    """The true text, in the format of a scan's ``.gold.json``."""
    numbers = {name: str(n) for n, name in enumerate(MARK.findall(" ".join(p.text for p in source.body)), 1)}

    def plain(text: str) -> str:
        return MARK.sub(lambda mark: f"[^{numbers[mark.group(1)]}]", BOLD.sub(r"\1", text))

    # "Kính gửi" opens the text of a letter, which has no title.
    titles = [text for text in (source.one("title"), " ".join(source.all("subject"))) if text]
    blocks = [{"kind": "title", "text": text} for text in titles]
    blocks += [{"kind": "p", "text": text} for text in source.all("to")]
    kinds = {"centre": "h", "italic": "p"}
    blocks += [{"kind": kinds.get(p.kind, p.kind), "text": plain(p.text)} for p in source.body]
    letterhead: dict[str, object] = {
        "left": source.all("parent") + source.all("agency"),
        "right": MOTTO,
        "number": source.one("number"),
        "place": source.one("place"),
    }
    if source.all("about"):
        letterhead["about"] = source.all("about")
    footnotes = {numbers[name]: "\n".join(plain(part) for part in source.notes[name]) for name in numbers}
    return {
        "id": source.name,
        "letterhead": letterhead,
        "blocks": blocks,
        "footnotes": footnotes,
        "signature": {
            "left": ["Nơi nhận:", *source.all("recipient")] if source.all("recipient") else [],
            "right": source.all("sign"),
            "name": source.one("signer"),
        },
        "metadata": _metadata(source),
    }


def _metadata(source: Source) -> dict[str, object]:
    number, _, symbol = source.one("number").removeprefix("Số:").strip().partition("/")
    place, _, date = source.one("place").partition(", ngày ")
    day, month, year = (int(part) for part in re.findall(r"\d+", date))
    subject = " ".join(source.all("subject")) or " ".join(source.all("about")).removeprefix("V/v ")
    return {
        "number": number,
        "symbol": symbol,
        "type": source.one("title").capitalize() or "Công văn",
        "subject": subject,
        "agency": " ".join(source.all("agency")),
        "place": place,
        "date": f"{year:04}-{month:02}-{day:02}",
        "signer": source.one("signer"),
        "signer_title": source.all("sign")[-1],
        "recipients": source.all("recipient"),
    }
