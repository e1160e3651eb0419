"""Who signs a document, and in what capacity: read from the lines of its signature blocks.

A seal and a pen lie over these lines, so what is read there is often half of what stands there, and half an office is
another office: GIÁM ĐỐC instead of PHÓ GIÁM ĐỐC. A fact is told only where the whole line was read and the lines agree
with each other; otherwise it is left open, with a warning that says where to look.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from normalize.document import About, Block, PageWarning, Token
from normalize.vietnamese import decree30, family_names
from normalize.vietnamese.syllable import parse, skeleton
from ocr.page import Box, hull

#: Share of its letters that make a line one of capitals.
_CAPITALS = 0.8
#: A word of a name was read with this confidence at least.
_SURE = 60.0
#: The same of a name in capitals. Offices over a signature are known, and are believed sooner; such a name is not.
_SURE_CAPITALS = 85.0
#: A word that could not be read belongs to what follows it within so many heights of the line.
_ADJACENT = 1.2
#: Names have so many syllables.
_SYLLABLES = (2, 5)
#: Two lines stand in one column when they share so much of the width of the narrower one.
_SHARED_WIDTH = 0.3
#: Words of names of Hmong and of the Central Highlands that are one letter: "Giàng A Páo", "Y Thanh".
_SHORT_NAMES = ("A", "Y")
#: A degree in one word with the name, "PGS.TS.Ngô": its signs are misread as often as not, and it is no part of that.
_GLUED_DEGREE = re.compile(rf"{decree30.DEGREE.pattern}(?=[A-ZĐÀ-Ỹ][a-zđà-ỹ])")
_EDGES = " _-–—.,:;*'\"|\\/`^~“”‘’"


@dataclass(frozen=True, slots=True)
class Signature:
    """What the signature blocks of a document say.

    Attributes:
        signer, title: of several signers parted by semicolons, from left to right; ``None`` where not sure.
        doubts: why, with the page and the place.
    """

    signer: str | None
    title: str | None
    doubts: tuple[PageWarning, ...] = ()


@dataclass(frozen=True, slots=True)
class _Row:
    """A line of a signature block.

    Attributes:
        text: what is left of it without traces of the seal and the pen at its ends.
        tokens: of that text.
        broken: something that could not be read stands right before it.
    """

    block: Block
    text: str
    tokens: tuple[Token, ...]
    broken: bool

    @property
    def capitals(self) -> bool:
        letters = [c for c in self.text if c.isalpha()]
        return sum(c.isupper() for c in letters) > _CAPITALS * max(1, len(letters))

    @property
    def cut(self) -> bool:
        """Whether its beginning may be lost."""
        first = self.tokens[0].confidence
        return self.broken or (first is not None and first < _SURE)

    @property
    def sure(self) -> bool:
        least = _SURE_CAPITALS if self.capitals else _SURE
        return all(token.confidence is None or token.confidence >= least for token in self.tokens)


@dataclass(slots=True)
class _Signer:
    """One who signs: the lines of his offices from the top, the line of his name, and lines that are not understood."""

    offices: list[_Row] = field(default_factory=list)
    name: _Row | None = None
    spoilt: list[_Row] = field(default_factory=list)

    @property
    def rows(self) -> list[_Row]:
        return [*self.offices, *([self.name] if self.name else []), *self.spoilt]


def read_signature(blocks: Sequence[Block]) -> Signature:
    """Names and offices of those who signed, as far as they are sure.

    A name is a line in mixed case, an office the capitals above it. What the seal and the pen left between them is
    neither.
    """
    lines = [block for block in _of_first_document(blocks) if block.type == "signature"]
    signers = [signer for column in columns(lines) for signer in _signers(map(_row, column))]
    signers = [signer for signer in signers if signer.offices or signer.name]
    if not signers:
        closed = next((block for block in reversed(blocks) if block.type in ("signature", "recipients")), None)
        if closed is None:
            return Signature(None, None)
        where = _place(lines[0] if lines else closed)
        missing = f"signer and signer_title are left open: no signature could be read {where}."
        return Signature(None, None, (PageWarning(closed.page, missing, about="signer"),))
    names = [_name(signer) for signer in signers]
    titles = [_title(signer) for signer in signers]
    doubts = [
        *_doubts("signer", "the name", signers, names),
        *_doubts("signer_title", "the office", signers, titles),
    ]
    return Signature(_all_or_none(names), _all_or_none(titles), tuple(doubts))


def _of_first_document(blocks: Sequence[Block]) -> Sequence[Block]:
    """The blocks up to a letterhead below a signature: another document begins there, or what was issued with this."""
    signed = next((at for at, block in enumerate(blocks) if block.type == "signature"), len(blocks))
    ends = (at for at, block in enumerate(blocks) if at > signed and block.type == "letterhead")
    return blocks[: next(ends, len(blocks))]


def is_signature(texts: Sequence[str]) -> bool:
    """Whether lines are an office in capitals and, under it, a name."""
    first, last = texts[0], texts[-1]
    over = first.isupper() and (
        decree30.names_office(first) or decree30.begins_capacity(first) or decree30.names_party(first)
    )
    words = last.split()
    named = 2 <= len(words) <= 7 and all(word[0].isupper() for word in words) and not last.isupper()
    return over and named and sum(c.isalpha() for c in last) > 5


def may_sign(text: str) -> bool:
    """Whether a line by itself may belong to a signature block: an office, a capacity, or a name."""
    tokens = [Token(word) for word in text.split()]
    if not tokens:
        return False
    row = _row(Block("signature", tuple(tokens)))
    return _is_office(row) or _is_name(row) or _may_be_cut_name(row)


def _may_be_cut_name(row: _Row) -> bool:
    """Whether a line is a few words, most of which may belong to a name."""
    words = [word.strip(_EDGES) for word in row.text.split()]
    like = [word for word in words if word.istitle() and parse(word.lower()) is not None]
    return not row.capitals and len(words) <= _SYLLABLES[1] and 2 * len(like) > len(words) and len(like) > 1


def _all_or_none(values: Sequence[str | None]) -> str | None:
    """Values of all signers, parted by semicolons; those of some would be taken for those of all."""
    told = [value for value in values if value]
    return "; ".join(told) if told and len(told) == len(values) else None


def _doubts(key: About, what: str, signers: Sequence[_Signer], values: Sequence[str | None]) -> Iterator[PageWarning]:
    for signer, value in zip(signers, values, strict=True):
        if value is None:
            block = signer.rows[0].block
            boxes = [row.block.box for row in signer.rows if row.block.box]
            place = f"({_corners(hull(boxes))})" if boxes else ""
            told = f"{key} is left open: {what} could not be read for sure {place}".rstrip() + "."
            yield PageWarning(block.page, told, hull(boxes) if boxes else None, key)


def _place(block: Block) -> str:
    return f"({_corners(block.box)})" if block.box else ""


def _corners(box: Box) -> str:
    return f"box {box.left}, {box.top}, {box.right}, {box.bottom}"


def columns(lines: Sequence[Block]) -> list[list[Block]]:
    """Lines of signatures that stand above each other, column by column from left to right, page by page.

    Lines without boxes, of another engine, are one column in the order they came in.
    """
    columns: list[list[Block]] = []
    for line in lines:
        column = next((column for column in columns if any(_stand_in_one(line, other) for other in column)), None)
        if column is None:
            columns.append([line])
        else:
            column.append(line)
    return sorted(columns, key=lambda column: (column[0].page, min(_left(line) for line in column)))


def _left(line: Block) -> int:
    return line.box.left if line.box else 0


def _stand_in_one(line: Block, other: Block) -> bool:
    if line.page != other.page:
        return False
    if line.box is None or other.box is None:
        return True
    return line.box.across(other.box) > _SHARED_WIDTH * min(line.box.width, other.box.width)


def _row(block: Block) -> _Row:
    """A line without traces of the seal and the pen at its ends."""
    tokens = list(block.tokens)
    broken = False
    while len(tokens) > 1 and not _is_word(tokens[0], tokens[1]) and not _names_office(tokens):
        first = tokens.pop(0)
        broken = any(c.isalnum() for c in first.text) and _is_near(first, tokens[0])
    while len(tokens) > 1 and not any(c.isalnum() for c in tokens[-1].text):
        tokens.pop()
    text = " ".join(token.text for token in tokens).strip(_EDGES)
    return _Row(block, text, tuple(tokens), broken)


def _names_office(tokens: Sequence[Token]) -> bool:
    return decree30.office(" ".join(token.text for token in tokens)) is not None


def _is_word(token: Token, after: Token) -> bool:
    """Whether the first token of a line is a word of an office or of a name, and no trace of the seal or the pen."""
    text = token.text.strip(_EDGES)
    if decree30.is_capacity_sign(text.upper()) or decree30.DEGREE.fullmatch(token.text):
        return True
    if _GLUED_DEGREE.match(text):
        return True
    if "." in text and decree30.is_capacity_sign(text.split(".")[0]):  # KT.GIÁM
        return True
    as_after = text.isupper() == after.text.strip(_EDGES).isupper() or text.istitle()
    return text[:1].isupper() and as_after and parse(text.lower()) is not None


def _is_near(token: Token, after: Token) -> bool:
    if token.box is None or after.box is None:
        return True
    return after.box.left - token.box.right < _ADJACENT * after.box.height


def _signers(rows: Iterable[_Row]) -> list[_Signer]:
    """Those who sign in one column, from top to bottom."""
    signers = [_Signer()]
    for row in rows:
        if _is_office(row):
            if signers[-1].name:  # the next signer's begins
                signers.append(_Signer())
            signers[-1].offices.append(row)
        elif _is_name(row):
            signers[-1].name = row  # the last one before the next office: what is above it is the pen's
        elif decree30.has_office_word(row.block.text) or (signers[-1].offices and _may_be_name(row)):
            signers[-1].spoilt.append(row)
    return signers


def _is_office(row: _Row) -> bool:
    """Whether a line says in what capacity someone signs: "TM. ỦY BAN NHÂN DÂN", "PHÓ CHỦ TỊCH"."""
    text = decree30.without_approval(row.text)
    if decree30.begins_capacity(text) or (decree30.names_party(text) and row.capitals):
        return True
    found = decree30.office(text)
    if found is None:
        return False
    # "Thư ký"; but "Vũ Trường" is somebody's name.
    return row.capitals or (skeleton(text) in decree30.OFFICES and not text.istitle())


def _is_name(row: _Row) -> bool:
    """Whether a line is a name, after a rank or a degree or not; in capitals it is a family name and two more words."""
    words = [word.strip(_EDGES) for word in _without_honours(row.text).split()]
    if row.capitals and len(words) > _SYLLABLES[0] and words[0].capitalize() in family_names.COMMON:
        words = [word.capitalize() for word in words]
    return (
        _SYLLABLES[0] <= len(words) <= _SYLLABLES[1]
        and not any(word.isupper() and word not in _SHORT_NAMES for word in words)
        and not words[-1].isupper()
        and all(word.istitle() and parse(word.lower()) is not None for word in words)
        and sum(len(word) for word in words) > 4
    )


def _may_be_name(row: _Row) -> bool:
    """Whether a line that was read badly looks like the name of a person in one of its words."""
    words = [word.strip(_EDGES) for word in row.text.split()]
    return not row.capitals and any(word.istitle() and len(word) > 2 and parse(word.lower()) for word in words)


def _without_honours(text: str) -> str:
    words = _GLUED_DEGREE.sub("", text).split()
    if decree30.begins_rank(text):
        return " ".join(words[2:])
    while words and decree30.DEGREE.fullmatch(words[0]):
        del words[0]
    return " ".join(words)


def _name(signer: _Signer) -> str | None:
    name = signer.name
    if name is None or name.broken or not name.sure:
        return None
    family, *_ = _without_honours(name.text).split()
    if family_names.misread_for(family):
        return None
    return _GLUED_DEGREE.sub("", name.text)


def _title(signer: _Signer) -> str | None:
    """The office of a signer; ``None`` where a line of it is not whole or does not go with the others.

    Who signs for another (KT.) is a deputy: after such a line one must follow. A line that something unreadable stands
    before may be one, and so may any office that a deputy's follows.
    """
    read = [(row, decree30.without_approval(row.text)) for row in signer.offices]
    deputy = _deputys(read)
    if deputy:
        return None if deputy[0][0].cut else _joined(deputy)
    spoilt = any(decree30.has_office_word(row.block.text) for row in signer.spoilt)
    if spoilt or any(decree30.signs_in_place(text) for _, text in read):
        return None
    own = _own(read)
    if own:
        return None if any(row.cut for row, _ in own) else _joined(own)
    return next((text for _, text in read[::-1] if decree30.names_party(text)), None)


def _deputys(read: Sequence[tuple[_Row, str]]) -> Sequence[tuple[_Row, str]]:
    """The lines from the last deputy's office on; what stands above is what he signs for."""
    found = [decree30.office(text) for _, text in read]
    at = max((at for at, office in enumerate(found) if office and office.deputy), default=len(read))
    return read[at:]


def _own(read: Sequence[tuple[_Row, str]]) -> Sequence[tuple[_Row, str]]:
    """The lines below those that name whom someone signs for."""
    return read[max((at for at, (_, text) in enumerate(read, 1) if _is_for_others(text)), default=0) :]


def _joined(read: Sequence[tuple[_Row, str]]) -> str | None:
    """The offices of some lines; ``None`` where one of them is none, or where one stands twice: PHÓ is lost."""
    offices = [found.text for _, text in read if (found := decree30.office(text))]
    twice = len({skeleton(office) for office in offices}) < len(offices)
    return " ".join(offices) if len(offices) == len(read) and not twice else None


def _is_for_others(text: str) -> bool:
    """Whether a line names a body, a person or a party that someone signs for."""
    return decree30.signs_for_others(text) or (decree30.names_party(text) and decree30.office(text) is None)
