"""Lines as they are set on the page: tokens between margins, raised signs in their place or gone.

The step from the records of the page to those of the document. All measures that paragraphs are told by are in
x-heights of the line, so that type size and resolution do not matter.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median

from normalize.document import Reference, Span, Token, Tokens
from normalize.vietnamese.decree30 import TEXT_LEFT, TEXT_RIGHT
from ocr.page import BOLD, Box, Letter, Line, Word

#: Words of bold print may be so much lighter than bold print is.
_UNSURE = 0.06
#: In bold print this share of the letters is at most so much lighter, and this share is not; in print of which some is
#: bold, at least the last.
_ALL_BOLD, _MOST_BOLD, _SOME_BOLD = 0.85, 0.5, 0.15
#: Pages whose widths differ by this share are not of one size: a landscape page has margins of its own.
_SAME_SIZE = 0.05


@dataclass(frozen=True, slots=True)
class SetLine:
    """A printed line as the paragraph stage sees it.

    Attributes:
        tokens: its words, references in place.
        page: 1 for the first.
        box: in pixels.
        baseline: y, in pixels.
        x_height: in pixels.
        left, right: margins of the text the line stands in, in pixels.
        weights: of each word whose strokes were measured, their weight and how many letters it has.
        indented: it begins where other lines begin that end elsewhere; then it stands in the middle by chance.
    """

    tokens: Tokens
    page: int
    box: Box
    baseline: float
    x_height: float
    left: float
    right: float
    weights: tuple[tuple[float, int], ...] = ()
    indented: bool = False

    @property
    def text(self) -> str:
        return " ".join(token.text for token in self.tokens)

    @property
    def indent(self) -> float:
        """In x-heights."""
        return (self.box.left - self.left) / self.x_height

    @property
    def room(self) -> float:
        """Free space at its end, in x-heights."""
        return (self.right - self.box.right) / self.x_height

    @property
    def centred(self) -> bool:
        """Set in from both margins by the same measure, and not by chance."""
        if self.indented:
            return False
        uneven = abs((self.box.left - self.left) - (self.right - self.box.right))
        return min(self.indent, self.room) > 0.6 and uneven < 0.03 * (self.right - self.left) + self.x_height

    @property
    def capitals(self) -> bool:
        """Set in capitals, apart from single letters."""
        letters = [c for c in self.text if c.isalpha()]
        return len(letters) > 2 and sum(c.isupper() for c in letters) > 0.85 * len(letters)


Key = tuple[int, Box]
"""What identifies a raised sign: its page and its place."""


@dataclass(frozen=True, slots=True)
class Ruling:
    """What a raised sign turned out to be.

    Attributes:
        label: it is the reference to this footnote; ``None`` when it is none.
        text: it is part of the text (the exponent of m²); empty when it is to be left out. With a label, it stands
            before the reference.
    """

    label: str | None = None
    text: str = ""


Rulings = Mapping[Key, Ruling]


def set_line(page: int, line: Line, margins: Mapping[int, Margins], rulings: Rulings) -> SetLine:
    """A printed line between its page's margins, each raised sign as it was ruled; one without a ruling is left out."""
    span = (line.box.top, line.box.bottom)
    tokens = [token(page, word, rulings, span) for word in line.words]
    first = line.words[0].raised[0] if line.words[0].raised else None
    if first and first.offset == 0 and rulings.get((page, first.box), Ruling()).text.startswith("*"):
        # A bullet: its word begins after it.
        stars = rulings[page, first.box].text
        rest = cut(tokens[0], len(stars))
        bullet = Token(stars, page, first.box, first.confidence, line=span)
        tokens[:1] = [bullet, *([rest] if rest else [])]
    own = margins[page]
    # Figures are all of one width, and lighter than letters.
    letters = ((word.weight, sum(c.isalpha() for c in word.text)) for word in line.words)
    weights = tuple((weight, count) for weight, count in letters if weight and count)
    return SetLine(tuple(tokens), page, line.box, line.baseline, line.x_height, own.left, own.right, weights)


def are_bold(lines: Iterable[SetLine]) -> bool | None:
    """Whether the print of some lines is bold from end to end; ``None`` where its strokes were not measured."""
    lines = list(lines)
    heavy, surely = _share_from(lines, BOLD - _UNSURE), _share_from(lines, BOLD)
    return None if heavy is None or surely is None else heavy >= _ALL_BOLD and surely >= _MOST_BOLD


def are_partly_bold(lines: Iterable[SetLine]) -> bool:
    """Whether some words of lines are bold and others are not, as where a sentence begins with its heading."""
    share = _share_from(list(lines), BOLD)
    return share is not None and _SOME_BOLD < share < _ALL_BOLD


def _share_from(lines: Sequence[SetLine], weight: float) -> float | None:
    """The share of letters that are at least so heavy; ``None`` where none were measured."""
    weights = [one for line in lines for one in line.weights]
    letters = sum(count for _, count in weights)
    return sum(count for one, count in weights if one >= weight) / letters if letters else None


def token(page: int, word: Word, rulings: Rulings, line: Span | None = None) -> Token:
    """A word as a token, its raised signs as they were ruled.

    Args:
        line: top and bottom of the line it stands on.
    """
    out = Token(
        word.text,
        page,
        word.box,
        word.confidence,
        word.letters,
        second=word.second,
        uneven=word.uneven,
        line=line,
    )
    # From the right, so that what is inserted moves no offset that is still to come.
    for raised in reversed(word.raised):
        ruling = rulings.get((page, raised.box), Ruling())
        if ruling.text:
            out = insert(out, raised.offset, ruling.text)
        if ruling.label is not None:
            out = replace(out, references=(Reference(raised.offset + len(ruling.text), ruling.label), *out.references))
    return out


@dataclass(frozen=True, slots=True)
class Margins:
    """Left and right margin of a page's text, in pixels."""

    left: float
    right: float

    @property
    def width(self) -> float:
        return self.right - self.left


def page_margins(boxes: Sequence[Box]) -> Margins:
    """The margins that the lines of one page show: most begin at the left one and end at the right one.

    An eighth may overshoot on either side (specks read as letters).

    Raises:
        ValueError: ``boxes`` is empty.
    """
    if not boxes:
        raise ValueError("a page without lines has no margins")
    lefts = sorted(box.left for box in boxes)
    rights = sorted(box.right for box in boxes)
    return Margins(float(lefts[len(lefts) // 8]), float(rights[-1 - len(rights) // 8]))


def settled_margins(found: Mapping[int, Margins], widths: Mapping[int, int]) -> dict[int, Margins]:
    """The margins of each page in the light of the others.

    A page of short or indented lines only (the last one, often) shows margins that are too narrow: it gets those of
    the pages that are set full, or, where no page is, those that Decree 30/2020/NĐ-CP prescribes.

    Args:
        found: margins by page number, from :func:`page_margins`.
        widths: of the page images in pixels.
    """
    out = {}
    for page, own in found.items():
        alike = [other for other in found if abs(widths[other] - widths[page]) < _SAME_SIZE * widths[page]]
        full = [found[other] for other in alike if found[other].width > 0.62 * widths[other]]
        usual = Margins(median(m.left for m in full), median(m.right for m in full)) if full else None
        wide = usual or Margins(TEXT_LEFT * widths[page], TEXT_RIGHT * widths[page])
        if own.width >= 0.93 * wide.width:
            out[page] = own
        elif abs(own.right - wide.right) < 0.03 * wide.width:
            out[page] = Margins(min(own.left, own.right - wide.width), own.right)
        elif abs(own.left - wide.left) < 0.03 * wide.width:
            out[page] = Margins(own.left, max(own.right, own.left + wide.width))
        else:
            out[page] = Margins(min(own.left, wide.left), max(own.right, wide.right))
    return out


def usual_pitch(lines: Sequence[SetLine]) -> float:
    """The usual distance from baseline to baseline of lines that follow each other, in x-heights."""
    steps = [
        (after.baseline - before.baseline) / after.x_height
        for before, after in pairwise(lines)
        if before.page == after.page and after.baseline > before.baseline
    ]
    return median(steps) if steps else 2.5


def insert(token: Token, offset: int, text: str) -> Token:
    """The token with ``text`` inserted after ``offset`` characters, page evidence kept in step."""
    letters = token.letters
    if letters:
        at = count = 0
        while count < len(letters) and at + len(letters[count].text) <= offset:
            at += len(letters[count].text)
            count += 1
        letters = (*letters[:count], *(Letter(c) for c in text), *letters[count:])
    return Token(
        token.text[:offset] + text + token.text[offset:],
        token.page,
        token.box,
        token.confidence,
        letters,
        tuple(replace(one, offset=one.offset + len(text)) if one.offset > offset else one for one in token.references),
        token.uneven,
        line=token.line,
    )


def cut(token: Token, length: int) -> Token | None:
    """The token without its first ``length`` characters; ``None`` when nothing is left."""
    if length >= len(token.text):
        return None
    letters, at = list(token.letters), 0
    while letters and at < length:
        at += len(letters[0].text)
        letters.pop(0)
    return Token(
        token.text[length:],
        token.page,
        token.box,
        token.confidence,
        tuple(letters) if at == length else (),
        tuple(replace(one, offset=one.offset - length) for one in token.references if one.offset >= length),
        token.uneven,
        line=token.line,
    )


def join_lines(lines: Iterable[Tokens]) -> Tokens:
    """The tokens of a paragraph: a number or symbol broken after its hyphen or slash is one token again.

    Vietnamese breaks no word at a line end, so a hyphen or slash there belongs to the text: ``2021-`` and ``2025``
    are ``2021-2025``, ``68/NQ-`` and ``CP`` are ``68/NQ-CP``. A dash between spaces stays alone.
    """
    out: list[Token] = []
    for tokens in lines:
        if out and tokens and _broken(out[-1], tokens[0]):
            out[-1] = glue(out[-1], tokens[0])
            out += tokens[1:]
        else:
            out += tokens
    return tuple(out)


def _broken(before: Token, after: Token) -> bool:
    return (
        len(before.text) > 1
        and before.text[-1] in "-–/"
        and before.text[-2].isalnum()
        and after.text[:1].isalnum()
        and not (before.references and before.references[-1].offset == len(before.text))
    )


def glue(before: Token, after: Token) -> Token:
    """Two tokens as one."""
    shift = len(before.text)
    return replace(
        before,
        text=before.text + after.text,
        confidence=None if before.confidence is None else min(before.confidence, after.confidence or 0.0),
        letters=before.letters + after.letters if before.letters and after.letters else (),
        references=before.references + tuple(replace(one, offset=shift + one.offset) for one in after.references),
        uneven=max(before.uneven, after.uneven),
    )
