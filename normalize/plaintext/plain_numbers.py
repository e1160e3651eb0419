"""Footnotes whose numbers another OCR engine left as ordinary digits: ``thành phố1.``, ``(1)``, ``1. Trong đó``.

Digits after a word and numbers before a paragraph are nearly always part of the text. They are taken for a reference
and the head of its note only together: a reference and, a page further on at most, a note with its number, then the
next reference and the next note, and so on. The chain of such pairs that the text supports best is sought;
what is not in it stays as it is.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from normalize.plaintext.chunks import Chunk
from normalize.plaintext.signs import CLOSED, PLAIN_HEAD, RAISED, SIGN, raised_numbers
from normalize.structure.footnotes import is_exponent
from normalize.vietnamese.decree30 import heading_level

_PLAIN_REFERENCES = {
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
_REFERENCE_POINTS = {"raised": 3.0, "glued": 2.0, "after": 1.5, "paren": 1.5, "loose": 0.5, "spaced": 0.2}
_HEAD_POINTS = {"raised": 3.0, "glued": 1.5, "space": 0.5, "paren": 0.3, "close": -0.5, "dot": -0.5}
#: Kinds of references that one document may hold.
_TOGETHER = (
    ("raised",),
    ("raised", "glued", "after", "loose"),
    ("raised", "glued", "after", "loose", "spaced"),
    ("raised", "paren"),
)
_LOST_REFERENCE = -2.0
_SKIPPED = -3.5
_ANEW = -1.0
_LATER = -4.0  # a first number that is not 1
_ENOUGH = 3.5  # for the first pair, beyond what raised numbers show
_POOREST_ALONE = -3.5  # points that a plain head must have left where its reference is not found
_HOPELESS = -6.0  # points at which a chain is given up
_PAGE = 2800  # letters of a full page
_LETTERS_A_POINT = 800  # where a note is farther from its reference than a page, so many letters more cost a point
_AT_END = 0.6  # a text that ends in nothing but numbered paragraphs most likely ends in its notes
_FARTHEST = 9000  # letters between a reference and its note
_ANYWHERE = 10**9  # letters between a reference and a note at the end of the text
_SHORTEST_NOTE = 4  # letters
_LONGEST_HEADING = 100  # letters
_LONGEST_WORD = 60  # letters before digits that say what those count
_RECENT = 40  # candidates with the number before, that a pair is tried on


@dataclass(frozen=True, slots=True)
class _Reference:
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
    """A note's head and the reference that cites it, at the end of a chain.

    Attributes:
        reference: ``None`` where it was not found; ``at`` is then that of the link before.
        at: letters of text before the reference.
    """

    head: _Head
    reference: _Reference | None
    at: int
    points: float
    before: _Link | None


def with_plain_numbers(chunks: Sequence[Chunk]) -> tuple[list[Chunk], list[str]]:
    """The chunks with ordinary digits raised where they are references and heads of notes, and the numbers so taken.

    Chunks that hang on the one before them and turned out not to be notes are joined to it.
    """
    chunks = _with_brackets_settled(chunks)
    offsets = [0, *accumulate(len(chunk.text) for chunk in chunks)]
    heads = _head_candidates(chunks)
    references = _reference_candidates(chunks, {head.number for head in heads})
    return _raised(chunks, _best_chain(heads, references, _end_heads(chunks, heads), offsets))


def _best_chain(
    heads: Sequence[_Head], references: Sequence[_Reference], at_end: set[int], offsets: Sequence[int]
) -> _Link | None:
    """The chain that the text supports best; ``None`` where raised numbers alone do nearly as well.

    Args:
        heads, references: what may be one.
        at_end: chunks of the notes that stand together at the end of the text, if any do.
        offsets: letters before each chunk.
    """
    surely_heads = [head for head in heads if head.kind == "raised"]
    surely_references = [one for one in references if one.kind == "raised"]
    best: _Link | None = None
    most = _points(_chain(surely_heads, surely_references, offsets, _FARTHEST)) + _ENOUGH
    for some_heads, some_references in _families(heads, references):
        end_heads = [head for head in some_heads if head.chunk in at_end]
        for chosen, farthest in ((some_heads, _FARTHEST), (end_heads, _ANYWHERE)):
            found = _chain(chosen, some_references, offsets, farthest)
            if _points(found) > most:
                best, most = found, _points(found)
    return best


def _families(
    heads: Sequence[_Head], references: Sequence[_Reference]
) -> Iterator[tuple[list[_Head], list[_Reference]]]:
    """Heads and references that one document may hold: raised ones, one plain kind of heads, kinds that agree."""
    plain_kinds = sorted({head.kind for head in heads} - {"raised"})
    for plain_kind in [*plain_kinds, ""]:
        some_heads = [head for head in heads if head.kind in ("raised", plain_kind)]
        for reference_kinds in _TOGETHER:
            some_references = [one for one in references if one.kind in reference_kinds]
            if some_heads and some_references:
                yield some_heads, some_references


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


@dataclass(frozen=True, slots=True)
class _Setting:
    """A number before a paragraph, and what stands around it.

    Attributes:
        kind: how the number is set, one of :data:`_HEAD_POINTS`.
        chunk: the paragraph.
        rest: its text after the number.
        before, after: the chunks around it; ``None`` at the ends of the text.
        in_a_row: the chunk before begins with a number set the same way.
    """

    kind: str
    chunk: Chunk
    rest: str
    before: Chunk | None
    after: Chunk | None
    in_a_row: bool


def _begins_small(at: _Setting) -> bool:
    """Neither a capital nor an opening sign follows a number that stands bare."""
    begins = at.rest[:1].isupper() or at.rest.startswith(("(", "“", '"'))
    return at.kind in ("space", "glued") and not begins


def _cuts_sentence(at: _Setting) -> bool:
    """The paragraph before breaks off in the middle of a sentence."""
    before = at.before
    return before is not None and not before.ended and not before.short and not before.table


def _before_second_half(at: _Setting) -> bool:
    """The chunk below goes on with a sentence that began above the note."""
    return at.after is not None and at.after.lower and not PLAIN_HEAD.match(at.after.text)


def _ends_page(at: _Setting) -> bool:
    """Nothing follows on its page, or in the text."""
    return at.after is None or bool(at.chunk.page and at.after.page > at.chunk.page)


def _looks_like_heading(at: _Setting) -> bool:
    """A numbered heading looks the same, but seldom stands below a note."""
    after_note = at.before is not None and at.before.head
    return bool(heading_level(at.chunk.text)) and len(at.chunk.text) < _LONGEST_HEADING and not after_note


def _follows_note(at: _Setting) -> bool:
    """The chunk before is a note, or begins like this one."""
    return at.in_a_row or (at.before is not None and bool(at.before.head))


#: What speaks for a number being the head of a note, or against it, and by how many points.
_HEAD_EVIDENCE: tuple[tuple[Callable[[_Setting], bool], float], ...] = (
    (_begins_small, -1.5),
    (_cuts_sentence, 1.5),
    (_before_second_half, 1.0),
    (_ends_page, 0.7),
    (_looks_like_heading, -1.0),
    (_follows_note, 0.7),
)


def _head_candidates(chunks: Sequence[Chunk]) -> list[_Head]:
    """Whatever may be the head of a note, with its points."""
    found: list[_Head] = []
    last: dict[str, int] = {}  # chunk of the plain candidate before, by kind
    for index, chunk in enumerate(chunks):
        if chunk.table:
            continue
        if chunk.head:
            found.append(_Head(index, 0, int(chunk.head), "raised", _HEAD_POINTS["raised"]))
            continue
        match = PLAIN_HEAD.match(chunk.text)
        if not match or len(chunk.text) - match.end() < _SHORTEST_NOTE:
            continue
        kind = match.lastgroup or ""
        setting = _Setting(
            kind=kind,
            chunk=chunk,
            rest=chunk.text[match.end() :],
            before=chunks[index - 1] if index else None,
            after=chunks[index + 1] if index + 1 < len(chunks) else None,
            in_a_row=last.get(kind) == index - 1,
        )
        points = _HEAD_POINTS[kind]
        for holds, worth in _HEAD_EVIDENCE:
            points += worth if holds(setting) else 0.0
        last[kind] = index
        found.append(_Head(index, match.end(), int(match[kind]), kind, points))
    return found


def _reference_candidates(chunks: Sequence[Chunk], wanted: set[int]) -> list[_Reference]:
    """Whatever may be a reference with one of the wanted numbers, in the order of the text."""
    found: list[_Reference] = []
    for index, chunk in enumerate(chunks):
        if not chunk.table:
            found += (_Reference(index, *sign.span(), int(sign[2]), "raised") for sign in raised_numbers(chunk.text))
            found += _plain_references(index, chunk.text)
    return sorted((one for one in found if one.number in wanted), key=lambda one: (one.chunk, one.start))


def _plain_references(index: int, text: str) -> Iterator[_Reference]:
    """The digits of a chunk that may be references by where they stand, by kind; those of its own head are none."""
    head = PLAIN_HEAD.match(text)
    for kind, pattern in _PLAIN_REFERENCES.items():
        for found in pattern.finditer(text, head.end() if head else 0):
            digits = next(filter(None, found.groups()))
            before = text[max(0, found.start() - _LONGEST_WORD) : found.start()]
            if not digits.startswith("0") and not _belongs_to_word(kind, before, digits):
                yield _Reference(index, *found.span(), int(digits), kind)


def _belongs_to_word(kind: str, before: str, digits: str) -> bool:
    """Whether digits count, number or name something by what stands before them, and so are no reference."""
    word = re.split(r"[\s(\"“]", before.rstrip())[-1]
    if kind == "glued":
        return not _syllable(word, digits)
    if kind == "spaced":
        return bool(_NUMBERED.search(before)) or word[:1].isupper()
    return False


def _syllable(word: str, digits: str) -> bool:
    """Whether digits after a word are not part of its name: ``phố1``, not ``m2``, ``A1``, ``QL4`` or ``covid19``."""
    if is_exponent(word, digits[:1]):
        return False
    if word.endswith((CLOSED, "%")):
        return True
    letters = re.sub(r"^\W+|\W+$", "", word)
    spelled = letters[1:].islower() or (letters.isupper() and letters.isalpha() and len(letters) > 3)
    return len(letters) > 1 and spelled and letters.casefold() not in ("covid", "km", "sars", "cov")


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
    heads: Sequence[_Head], references: Sequence[_Reference], offsets: Sequence[int], farthest: int
) -> _Link | None:
    """The best chain of notes, each with its reference if that was found at most so many letters above it."""
    by_number: dict[int, list[_Reference]] = {}
    for reference in references:
        by_number.setdefault(reference.number, []).append(reference)
    so_far = _Chains()
    best: _Link | None = None
    for head in heads:
        here, same = offsets[head.chunk], by_number.get(head.number, [])
        above = bisect_left(same, head.chunk, key=lambda one: one.chunk)
        recent = same[max(0, above - _RECENT) : above]
        near = [one for one in recent if here - offsets[one.chunk] - one.start <= farthest]
        links = _links(head, near, so_far, offsets, at_end=farthest > _FARTHEST)
        for link in links:
            so_far.add(link)
            if link.points > _points(best) and link.reference is not None:
                best = link
    return best


class _Chains:
    """The chains so far, in the order of their last notes."""

    def __init__(self) -> None:
        self._by_number: dict[int, list[_Link]] = {}
        self._chunks: list[int] = []  # of their last notes
        self._best: list[_Link] = []  # up to each of them

    def add(self, link: _Link) -> None:
        self._by_number.setdefault(link.head.number, []).append(link)
        best = self._best[-1] if self._best else link
        self._chunks.append(link.head.chunk)
        self._best.append(link if link.points > best.points else best)

    def ending_in(self, number: int) -> list[_Link]:
        """The latest of those whose last note has a number."""
        return self._by_number.get(number, [])[-_RECENT:]

    def best_above(self, chunk: int) -> _Link | None:
        """The best whose last note stands above a chunk."""
        above = bisect_left(self._chunks, chunk)
        return self._best[above - 1] if above else None


def _links(
    head: _Head, near: Sequence[_Reference], so_far: _Chains, offsets: Sequence[int], at_end: bool
) -> list[_Link]:
    """The chains that may end in a note: with each of the references that may cite it, and with none."""
    links: list[_Link] = []
    if head.kind == "raised" or head.points + _LOST_REFERENCE >= _POOREST_ALONE:
        candidates: list[_Reference | None] = [*near, None]
    else:
        candidates = [*near]
    for reference in candidates:
        at = offsets[reference.chunk] + reference.start if reference else -1
        if reference is None:
            own = head.points + _LOST_REFERENCE
        else:
            own = head.points + _REFERENCE_POINTS[reference.kind]
            own += _AT_END if at_end else -max(0, offsets[head.chunk] - at - _PAGE) / _LETTERS_A_POINT
        before, gained = _predecessor(head, reference, at, so_far)
        if own + gained > _HOPELESS:
            place = at if reference or before is None else before.at
            links.append(_Link(head, reference, place, own + gained, before))
    return links


def _predecessor(head: _Head, reference: _Reference | None, at: int, so_far: _Chains) -> tuple[_Link | None, float]:
    """The chain that a link is best added to, and what that adds; ``None`` where a new one is better."""
    best: _Link | None = None
    gained = 0.0 if head.number == 1 else _LATER
    for step in (1, 2, 3, 4):
        for link in so_far.ending_in(head.number - step):
            if link.head.chunk < head.chunk and (reference is None or link.at < at):
                points = link.points + (step - 1) * _SKIPPED
                if points > gained:
                    best, gained = link, points
    if head.number == 1 and reference is not None:
        link_above = so_far.best_above(reference.chunk)
        if link_above and link_above.points + _ANEW > gained:
            best, gained = link_above, link_above.points + _ANEW
    return best, gained


def _raised(chunks: Sequence[Chunk], link: _Link | None) -> tuple[list[Chunk], list[str]]:
    heads: dict[int, _Head] = {}
    references: dict[int, list[_Reference]] = {}
    taken: list[str] = []
    while link is not None:
        if link.head.kind != "raised":
            heads[link.head.chunk] = link.head
        if link.reference is not None and link.reference.kind != "raised":
            references.setdefault(link.reference.chunk, []).append(link.reference)
        if link.head.kind != "raised" or (link.reference is not None and link.reference.kind != "raised"):
            taken.append(str(link.head.number))
        link = link.before
    out: list[Chunk] = []
    for index, chunk in enumerate(chunks):
        text = chunk.text
        for reference in sorted(references.get(index, []), key=lambda one: -one.start):
            text = f"{text[: reference.start].rstrip()}{RAISED}{reference.number}{CLOSED}{text[reference.end :]}"
        head = heads.get(index)
        if head:
            out.append(replace(chunk, text=text[head.length :], head=str(head.number), glued=False))
        elif chunk.glued and out and not out[-1].table:
            out[-1] = replace(out[-1], text=out[-1].text + " " + text)
        else:
            out.append(replace(chunk, text=text))
    return out, taken[::-1]
