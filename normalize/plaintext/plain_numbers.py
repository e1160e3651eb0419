"""Footnotes whose numbers another OCR engine left as ordinary digits: ``thành phố1.``, ``(1)``, ``1. Trong đó``.

Digits after a word and numbers before a paragraph are nearly always part of the text. They are taken for a mark and
the head of its note only together: a mark and, a page further on at most, a note with its number, then the next mark
and the next note, and so on. The chain of such pairs that the text supports best is sought; what is not in it stays
as it is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from normalize.plaintext.chunks import CLOSED, PLAIN_HEAD, RAISED, SIGN, Chunk
from normalize.structure.footnotes import is_exponent
from normalize.vietnamese.decree30 import heading_level

_PLAIN_MARKS = {
    # A digit after a syllable, after its full stop, between brackets; before a full stop after a space.
    "glued": re.compile(rf"(?:(?<=[^\W\d_])|(?<=[%{CLOSED}]))(\d{{1,3}})(?![\w%°]|[.,/\-–]\d)"),
    "after": re.compile(
        rf"(?:(?<=[^\W\d_][.,;:])|(?<=[%)”{CLOSED}][.,;:]))(\d{{1,3}})(?=\s|$)"
        r"|(?<=[”\")%])(\d{1,3})(?=[\s.,;:]|$)(?![.,]\d)"
    ),
    # After a year, capitals, a document's symbol: where letters and digits stand together anyway.
    "loose": re.compile(
        r"(?<=\b(?:19|20)\d\d)(\d{1,3})(?![\w%/\-–]|[.,]\d)|(?<=[A-ZĐ]{2})(\d{1,3})(?=[\s.,;:]|$)(?![.,]\d)"
    ),
    "paren": re.compile(rf"(?<=[\w%”\"){CLOSED}])\s?\((\d{{1,3}})\)(?=[.,;:)]|\s|$)"),
    "spaced": re.compile(rf"(?:(?<=[^\W\d_])|(?<=[%{CLOSED}]))\s(\d{{1,3}})(?=[.,;:]?$|[.,;:]\s)"),
}
#: What is counted or numbered: the digits after these words are theirs.
_NUMBERED = re.compile(
    r"(?:điều|khoản|điểm|mục|phần|chương|số|năm|tháng|ngày|quý|tuần|kỳ|khóa|khoá|lần|thứ|đợt|cấp|hạng|loại|nhóm|tổ|đội"
    r"|lớp|khối|khu|phường|quận|xóm|thôn|ấp|bản|đường|ngõ|km|quốc lộ|tỉnh lộ|bảng|biểu|mẫu|hình|phụ lục|trang|bước"
    r"|vòng|tập|quyển|tầng|phòng|ca|giờ|từ|đến|là|được|có|và|hơn|gần|khoảng|trên|dưới|còn|tăng|giảm|đạt|bằng|gồm"
    r"|vùng|giai đoạn|mức|độ|bậc|chỉ|tiêu chí|câu|ý|vụ|dự án|đoạn|tuyến|lô|thửa|ô|kênh|trạm|trường)$",
    re.IGNORECASE,
)

# Points for what speaks for a pair; below zero against.
_MARK_POINTS = {"raised": 3.0, "glued": 2.0, "after": 1.5, "paren": 1.5, "loose": 0.5, "spaced": 0.2}
_HEAD_POINTS = {"raised": 3.0, "glued": 1.5, "space": 0.5, "paren": 0.3, "close": -0.5, "dot": -0.5}
#: Kinds of marks that one document may hold.
_TOGETHER = (
    ("raised",),
    ("raised", "glued", "after", "loose"),
    ("raised", "glued", "after", "loose", "spaced"),
    ("raised", "paren"),
)
_LOST_MARK = -2.0
_SKIPPED = -3.5
_ANEW = -1.0
_LATER = -4.0  # a first number that is not 1
_ENOUGH = 3.5  # for the first pair, beyond what raised numbers show
_PAGE = 2800  # letters of a full page: where a note is farther from its mark, each 800 letters more cost a point
_AT_END = 0.6  # a text that ends in nothing but numbered paragraphs most likely ends in its notes
_FARTHEST = 9000  # letters between a mark and its note
_RECENT = 40  # candidates with the number before, that a pair is tried on


@dataclass(frozen=True, slots=True)
class _Mark:
    chunk: int
    start: int
    end: int
    number: int
    kind: str


@dataclass(frozen=True, slots=True)
class _Head:
    chunk: int
    length: int
    number: int
    kind: str
    points: float


@dataclass(frozen=True, slots=True)
class _Link:
    """A note's head and the mark that cites it, at the end of a chain.

    Attributes:
        mark: ``None`` where it was not found; ``at`` is then that of the link before.
        at: letters of text before the mark.
    """

    head: _Head
    mark: _Mark | None
    at: int
    points: float
    before: _Link | None


def with_plain_numbers(chunks: Sequence[Chunk]) -> tuple[list[Chunk], list[str]]:
    """The chunks with ordinary digits raised where they are marks and heads of notes, and the numbers so taken.

    Chunks that hang on the one before them and turned out not to be notes are joined to it.
    """
    chunks = _with_brackets_settled(chunks)
    offsets = [0]
    for chunk in chunks:
        offsets.append(offsets[-1] + len(chunk.text))
    heads = _head_candidates(chunks)
    marks = _mark_candidates(chunks, {head.number for head in heads})
    surely_heads = [head for head in heads if head.kind == "raised"]
    surely_marks = [mark for mark in marks if mark.kind == "raised"]
    plain = _points(_chain(surely_heads, surely_marks, offsets))
    best: tuple[float, _Link | None] = (plain + _ENOUGH, None)
    kinds_of_heads = sorted({head.kind for head in heads} - {"raised"})
    at_end = _end_heads(chunks, heads)
    for head_kind in [*kinds_of_heads, ""]:
        some_heads = [head for head in heads if head.kind in ("raised", head_kind)]
        for mark_kinds in _TOGETHER:
            some_marks = [mark for mark in marks if mark.kind in mark_kinds]
            if not some_heads or not some_marks:
                continue
            for far in (False, True):
                chosen = [head for head in some_heads if head.chunk in at_end] if far else some_heads
                found = _chain(chosen, some_marks, offsets, 10**9 if far else _FARTHEST)
                if _points(found) > best[0]:
                    best = (_points(found), found)
    return _raised(chunks, best[1])


def _points(link: _Link | None) -> float:
    return link.points if link else 0.0


def _with_brackets_settled(chunks: Sequence[Chunk]) -> list[Chunk]:
    """Heads like ``[1]`` are notes' only where something cites one of them."""
    heads = {chunk.head for chunk in chunks if chunk.bracketed}
    cited = {sign[2] for chunk in chunks for sign in SIGN.finditer(chunk.text)}
    cited |= {sign for chunk in chunks for sign in re.findall(r"[^\W\d_][.,;:”\")]?(\d{1,3})\b", chunk.text)}
    if len(heads & cited) > 0.5 * len(heads):
        return list(chunks)
    return [
        replace(chunk, text=f"[{chunk.head}] {chunk.text}", head="", bracketed=False) if chunk.bracketed else chunk
        for chunk in chunks
    ]


def _head_candidates(chunks: Sequence[Chunk]) -> list[_Head]:
    found: list[_Head] = []
    last: dict[str, int] = {}  # number of the candidate before, by kind, with its chunk
    for index, chunk in enumerate(chunks):
        if chunk.table:
            continue
        if chunk.head:
            found.append(_Head(index, 0, int(chunk.head), "raised", _HEAD_POINTS["raised"]))
            continue
        match = PLAIN_HEAD.match(chunk.text)
        if not match or len(chunk.text) - match.end() < 4:
            continue
        kind = match.lastgroup or ""
        number = int(match[kind])
        rest = chunk.text[match.end() :]
        points = _HEAD_POINTS[kind]
        if kind in ("space", "glued") and not rest[:1].isupper() and not rest.startswith(("(", "“", '"')):
            points -= 1.5
        before = chunks[index - 1] if index else None
        after = chunks[index + 1] if index + 1 < len(chunks) else None
        if before is not None and not before.ended and not before.short and not before.table:
            points += 1.5  # in the middle of a sentence
        if after is not None and not PLAIN_HEAD.match(after.text):
            points += 1.0 if after.lower else 0.0
        if after is None or (chunk.page and after.page > chunk.page):
            points += 0.7
        if heading_level(chunk.text) and len(chunk.text) < 100 and not (before and before.head):
            points -= 1.0
        if last.get(kind) == index - 1 or (before is not None and before.head):
            points += 0.7
        last[kind] = index
        found.append(_Head(index, match.end(), number, kind, points))
    return found


def _mark_candidates(chunks: Sequence[Chunk], wanted: set[int]) -> list[_Mark]:
    found: list[_Mark] = []
    for index, chunk in enumerate(chunks):
        if chunk.table:
            continue
        begin = PLAIN_HEAD.match(chunk.text)
        first = begin.end() if begin else 0
        for sign in SIGN.finditer(chunk.text):
            if int(sign[2]) in wanted and not _exponent(chunk.text, sign.start(), sign[2]):
                found.append(_Mark(index, sign.start(), sign.end(), int(sign[2]), "raised"))
        for kind, pattern in _PLAIN_MARKS.items():
            for one in pattern.finditer(chunk.text, first):
                digits = next(filter(None, one.groups()))
                if int(digits) not in wanted or digits.startswith("0"):
                    continue
                word = re.split(r"[\s(\"“]", chunk.text[: one.start()].rstrip())[-1]
                if kind == "glued" and not _syllable(word, digits):
                    continue
                if kind == "spaced" and _NUMBERED.search(chunk.text[: one.start()]):
                    continue
                if kind == "spaced" and word[:1].isupper():
                    continue
                found.append(_Mark(index, one.start(), one.end(), int(digits), kind))
    return sorted(found, key=lambda mark: (mark.chunk, mark.start))


def _syllable(word: str, digits: str) -> bool:
    """Whether digits after a word are not part of its name: ``phố1``, not ``m2``, ``A1``, ``QL4`` or ``covid19``."""
    if is_exponent(word, digits[:1]):
        return False
    if word.endswith((CLOSED, "%")):
        return True
    letters = re.sub(r"^\W+|\W+$", "", word)
    spelled = letters[1:].islower() or (letters.isupper() and letters.isalpha() and len(letters) > 3)
    return len(letters) > 1 and spelled and letters.casefold() not in ("covid", "km", "sars", "cov")


def _exponent(text: str, at: int, digits: str) -> bool:
    return len(digits) == 1 and is_exponent(_last_word(text[:at]), digits)


def _last_word(text: str) -> str:
    words = text[-40:].split()
    return words[-1] if words and not text[-1:].isspace() else ""


def _end_heads(chunks: Sequence[Chunk], heads: Sequence[_Head]) -> set[int]:
    """Chunks of the heads that are the end of the text, nothing but notes after the first of them."""
    starts = [head.chunk for head in heads if head.number == 1]
    if not starts:
        return set()
    first = starts[-1]
    tail = {head.chunk for head in heads if head.chunk >= first}
    closing = len(chunks) - 1 - max(tail) <= 2
    return tail if closing and len(tail) > 1 and len(tail) >= 0.5 * (len(chunks) - first) else set()


def _chain(
    heads: Sequence[_Head], marks: Sequence[_Mark], offsets: Sequence[int], farthest: int = _FARTHEST
) -> _Link | None:
    """The best chain of notes, each with its mark if that was found."""
    by_number: dict[int, list[_Mark]] = {}
    for one in marks:
        by_number.setdefault(one.number, []).append(one)
    ends: dict[int, list[_Link]] = {}
    best: _Link | None = None
    for head in heads:
        links: list[_Link] = []
        here = offsets[head.chunk]
        near = [
            one
            for one in by_number.get(head.number, [])
            if one.chunk < head.chunk and here - offsets[one.chunk] - one.start <= farthest
        ][-_RECENT:]
        for mark in [*near, None]:
            at = offsets[mark.chunk] + mark.start if mark else -1
            if mark is None:
                own = head.points + _LOST_MARK
                if head.kind != "raised" and own < -3.5:
                    continue
            else:
                own = head.points + _MARK_POINTS[mark.kind]
                own += _AT_END if farthest > _FARTHEST else -max(0, here - at - _PAGE) / 800
            before, gained = _predecessor(head, mark, at, ends, offsets)
            if before is None:
                gained = 0.0 if head.number == 1 else _LATER
            points = own + gained
            if points > -6:
                links.append(_Link(head, mark, at if mark else (before.at if before else -1), points, before))
        ends.setdefault(head.number, []).extend(links)
        for link in links:
            if link.points > _points(best) and link.mark is not None:
                best = link
    return best


def _predecessor(
    head: _Head, mark: _Mark | None, at: int, ends: dict[int, list[_Link]], offsets: Sequence[int]
) -> tuple[_Link | None, float]:
    """The chain that a link is best added to, and what that adds; ``None`` where a new one is better."""
    best: _Link | None = None
    gained = 0.0 if head.number == 1 else _LATER
    for step in (1, 2, 3, 4):
        for link in ends.get(head.number - step, [])[-_RECENT:]:
            if link.head.chunk < head.chunk and (mark is None or link.at < at):
                points = link.points + (step - 1) * _SKIPPED
                if points > gained:
                    best, gained = link, points
    if head.number == 1 and mark is not None:
        for links in ends.values():
            for link in links[-_RECENT:]:
                if link.head.chunk < mark.chunk and link.points + _ANEW > gained:
                    best, gained = link, link.points + _ANEW
    return best, gained


def _raised(chunks: Sequence[Chunk], link: _Link | None) -> tuple[list[Chunk], list[str]]:
    heads: dict[int, _Head] = {}
    marks: dict[int, list[_Mark]] = {}
    taken: list[str] = []
    while link is not None:
        if link.head.kind != "raised":
            heads[link.head.chunk] = link.head
        if link.mark is not None and link.mark.kind != "raised":
            marks.setdefault(link.mark.chunk, []).append(link.mark)
        if link.head.kind != "raised" or (link.mark is not None and link.mark.kind != "raised"):
            taken.append(str(link.head.number))
        link = link.before
    out: list[Chunk] = []
    for index, chunk in enumerate(chunks):
        text = chunk.text
        for mark in sorted(marks.get(index, []), key=lambda one: -one.start):
            text = f"{text[: mark.start].rstrip()}{RAISED}{mark.number}{CLOSED}{text[mark.end :]}"
        head = heads.get(index)
        if head:
            out.append(replace(chunk, text=text[head.length :], head=str(head.number), glued=False))
        elif chunk.glued and out and not out[-1].table:
            out[-1] = replace(out[-1], text=out[-1].text + " " + text)
        else:
            out.append(replace(chunk, text=text))
    return out, taken[::-1]
