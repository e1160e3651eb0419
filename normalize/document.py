"""What a document says: blocks, footnotes, corrections and metadata.

All records are frozen and slotted. A block's text is a sequence of :class:`Token`: what stands between two
spaces in the published text, with the page evidence it was read from. Every stage after the first (structure,
repair) takes a :class:`Document` and returns another one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from ocr.page import Box, Letter, figures

#: A word below this confidence, 0 to 100, is one that was read with doubt.
DOUBT = 80.0

_DIGIT = re.compile(r"\d")


@dataclass(frozen=True, slots=True)
class Reference:
    """A footnote's number at the place that cites it.

    Attributes:
        offset: it stands after that many characters of the token's text.
        label: as published (unique in the document).
    """

    offset: int
    label: str


#: From where to where, both in pixels.
Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Token:
    """What stands between two spaces of the published text.

    Attributes:
        text: as published, NFC, without footnote references.
        page: 1 for the first; 0 where there are no pages.
        box: in pixels of that page's cleaned image; ``None`` for text from another engine.
        confidence: 0 to 100; ``None`` for text from another engine.
        letters: the page's evidence for what was *printed* here: one entry for each letter of the text as it
            was read, with its competitors. Stays the same when repair changes ``text``. Empty for text from
            another engine.
        references: footnote references in order of ``offset``.
        uneven: by how much its digits differ from the type of their line (:attr:`ocr.page.Word.uneven`).
        second: what a second reader made of a number; ``None`` where none looked.
        line: top and bottom of the printed line it was read on, in the same pixels; ``None`` where that is not known.
    """

    text: str
    page: int = 0
    box: Box | None = None
    confidence: float | None = None
    letters: tuple[Letter, ...] = ()
    references: tuple[Reference, ...] = ()
    uneven: float = 0.0
    second: str | None = None
    line: Span | None = field(default=None, compare=False, repr=False)

    @property
    def doubted(self) -> bool:
        """Whether two readers saw other digits here, or parted them otherwise."""
        return self.second is not None and figures(self.text) != figures(self.second)

    @property
    def is_number(self) -> bool:
        """Whether it holds a digit; the raised one of m² is none."""
        return _DIGIT.search(self.text) is not None

    @property
    def is_unsure(self) -> bool:
        """Whether it was read with doubt."""
        return self.confidence is not None and self.confidence < DOUBT

    @property
    def published(self) -> str:
        """The text with its references: ``phố[^1].``"""
        if not self.references:
            return self.text
        out, at = [], 0
        for reference in self.references:
            out.append(self.text[at : reference.offset])
            out.append(f"[^{reference.label}]")
            at = reference.offset
        out.append(self.text[at:])
        return "".join(out)


Tokens = tuple[Token, ...]


def published(tokens: Tokens) -> str:
    """The published text of a sequence of tokens."""
    return " ".join(token.published for token in tokens)


Grade = Literal["good", "fair", "poor"]

BlockType = Literal[
    "letterhead", "title", "heading", "paragraph", "list_item", "table", "recipients", "signature", "missing"
]


@dataclass(frozen=True, slots=True)
class Block:
    """One paragraph of the published text.

    Attributes:
        type: ``letterhead``, ``title``, ``heading``, ``paragraph``, ``list_item``, ``table``, ``recipients``,
            ``signature`` or ``missing`` (the marker of a page that could not be read, or not whole).
        tokens: its words.
        page: where it begins.
        level: depth of a heading or list item, 1 the highest; 0 elsewhere.
        box: on the page where it begins; ``None`` for text from another engine.
        rows: of a table only: cells of each row; ``tokens`` then hold the same words, row by row.
    """

    type: BlockType
    tokens: Tokens
    page: int = 0
    level: int = 0
    box: Box | None = None
    rows: tuple[tuple[str, ...], ...] = ()

    @property
    def text(self) -> str:
        return published(self.tokens)

    @property
    def labels(self) -> list[str]:
        """The footnotes this block cites, in order."""
        return [reference.label for token in self.tokens for reference in token.references]


@dataclass(frozen=True, slots=True)
class Footnote:
    """One footnote.

    Attributes:
        label: as published, unique in the document.
        printed_label: as printed on the page.
        paragraphs: the note's paragraphs, at least one.
        pages: the pages it stands on, in order; empty for text from another engine.
        anchored: whether the reference to it was found.
    """

    label: str
    printed_label: str
    paragraphs: tuple[Tokens, ...]
    pages: tuple[int, ...] = ()
    anchored: bool = True

    @property
    def labels(self) -> list[str]:
        """The footnotes that this one cites in turn."""
        return [reference.label for tokens in self.paragraphs for token in tokens for reference in token.references]


@dataclass(frozen=True, slots=True)
class Correction:
    """One change that repair made, with what is needed to explain and to undo it.

    Attributes:
        where: ``blocks/12``, ``footnotes/3/0`` (label, paragraph) or ``dropped/4``: the text it stands in.
        start: offset of ``after`` in that published text, references and all.
        before: as it was read.
        after: as it is published.
        kind: ``tone``, ``mark`` (another diacritic), ``letter``, ``join``, ``split``, ``case`` or ``sign``.
        probability: that ``after`` is right, 0 to 1.
        evidence: in plain English: the competing letters and their confidences, what the language model
            thinks, what the rest of the document says.
        page, box: where it stands on paper; 0 and ``None`` for text from another engine.
        read: of the first of the corrections that share tokens: which tokens of its text they made (from, to), and the
            tokens as they were read.
    """

    where: str
    start: int
    before: str
    after: str
    kind: str
    probability: float
    evidence: str
    page: int = 0
    box: Box | None = None
    read: tuple[int, int, Tokens] | None = field(default=None, compare=False, repr=False)


DropReason = Literal[
    "page number",
    "running header",
    "page separator",
    "separator sheet",
    "received stamp",
    "electronic signature",
    "copy line",
    "stamp",
    "image link",
    "noise",
]


@dataclass(frozen=True, slots=True)
class Dropped:
    """Words on the page that are not in the published text, and why.

    Attributes:
        reason: why.
        tokens: of a stamp or a note that was put on the page later, its words, which repair puts right like the
            document's; of anything else none, as it was no print or is published elsewhere.
    """

    page: int
    box: Box | None
    text: str
    reason: DropReason
    tokens: Tokens = field(default=(), repr=False)


#: What a warning is about: a fact (a field of :class:`Metadata`), a page that was read badly or not at all, print
#: that was not read, numbers that do not agree, or the text in general.
About = Literal[
    "number",
    "symbol",
    "type",
    "subject",
    "agency",
    "place",
    "date",
    "signer",
    "signer_title",
    "recipients",
    "page",
    "print",
    "numbers",
    "text",
]


@dataclass(frozen=True, slots=True)
class PageWarning:
    """Something a person should look at.

    Attributes:
        page: 0 when it concerns the whole document.
        message: one plain English sentence.
        box: where on the page; ``None`` where it concerns the whole page.
        about: what kind of thing is to be looked at.
    """

    page: int
    message: str
    box: Box | None = None
    about: About = "text"


@dataclass(frozen=True, slots=True)
class Metadata:
    """The components of Decree 30/2020/NĐ-CP; ``None`` where absent or unsure.

    Attributes:
        number: ``559``.
        symbol: ``BC-UBND``.
        type: ``Báo cáo``.
        subject: what it is about (trích yếu).
        agency: the issuing body.
        place: of issue.
        date: ISO 8601.
        signer, signer_title: name and capacity.
        recipients: the lines of "Nơi nhận".
    """

    number: str | None = None
    symbol: str | None = None
    type: str | None = None
    subject: str | None = None
    agency: str | None = None
    place: str | None = None
    date: str | None = None
    signer: str | None = None
    signer_title: str | None = None
    recipients: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where a value of the metadata stands, and how surely it was read.

    Attributes:
        page: 0 where there are no pages.
        box: around its words; ``None`` for text from another engine.
        confidence: of its least sure word, 0 to 100; ``None`` for text from another engine.
    """

    page: int
    box: Box | None
    confidence: float | None


#: By field of :class:`Metadata`, each line of the recipients for itself. Values that are ``None`` have none.
MetadataEvidence = Mapping[str, Evidence | tuple[Evidence, ...]]


@dataclass(frozen=True, slots=True)
class Part:
    """One of the documents that a file holds; most files hold one.

    Attributes:
        first_page, last_page: both inclusive; 0 where there are no pages.
        first_block: index of the block with which it begins.
        separated: whether a separator sheet stands before it.
    """

    first_page: int
    last_page: int
    metadata: Metadata
    evidence: MetadataEvidence = field(default_factory=dict)
    first_block: int = 0
    separated: bool = False


@dataclass(frozen=True, slots=True)
class LowestWord:
    """The least sure word of a page, as it was read."""

    text: str
    box: Box


@dataclass(frozen=True, slots=True)
class PageReport:
    """How well a page was read.

    Attributes:
        skew: degrees by which it was turned.
        mean_confidence, lowest_confidence: over its words, 0 to 100; ``None`` for a page without words.
        error: why it could not be read, or ``None``.
        damage: what is known to be missing of a page whose rest was read, or ``None``.
        ink_explained: share of the ink that looks like print and stands in a word that was read, 0 to 1.
        grade: ``good``, ``fair`` or ``poor``; ``None`` for a page that could not be read.
        rotation: degrees by which the scan was turned clockwise, 0, 90, 180 or 270, before it was levelled by ``skew``.
        lowest_word: the one that ``lowest_confidence`` is of.
    """

    number: int
    dpi: int
    skew: float
    words: int
    mean_confidence: float | None
    lowest_confidence: float | None
    seconds: float
    error: str | None = None
    damage: str | None = None
    ink_explained: float = 1.0
    grade: Grade | None = None
    rotation: int = 0
    lowest_word: LowestWord | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """The file a document came from."""

    name: str
    sha256: str
    pages: int
    bytes: int


EditKind = Literal["text", "take_back", "metadata", "type", "join", "part", "tie"]


@dataclass(frozen=True, slots=True)
class Taken:
    """What an edit took out of a document, so that it can be undone and nothing is forgotten.

    Attributes:
        tokens: words, of a text in which some are changed.
        corrections: those of the changed words, each with its place among all corrections.
        warnings: about a fact that somebody put right, each with its place among all warnings.
        block: whose type or extent is changed, without its words.
        evidence: of a value of the metadata.
    """

    tokens: Tokens = ()
    corrections: tuple[tuple[int, Correction], ...] = ()
    warnings: tuple[tuple[int, PageWarning], ...] = ()
    block: Block | None = None
    evidence: Evidence | tuple[Evidence, ...] | None = None


@dataclass(frozen=True, slots=True)
class Edit:
    """One change that a person made to a published document.

    Attributes:
        id: 16 hexadecimal digits.
        kind: ``text`` (characters of a text are others), ``take_back`` (a correction is undone), ``metadata`` (a fact),
            ``type`` (of a block, with its level), ``join`` (a block with the next one), ``part`` (a block in two) or
            ``tie`` (a footnote's reference is put where it is cited).
        who: made it.
        when: ISO 8601, in UTC.
        where: ``blocks/12``, ``footnotes/3/0`` or ``dropped/4`` as for :class:`Correction`, or ``documents/0/subject``
            (which document of the file, which field of its metadata), at the moment of the edit.
        start: of ``before`` in that published text, and of ``after``; 0 for metadata and types.
        before, after: the published text, references and all. A break stands where one block ends and the next one
            begins; a type is ``heading 2`` or ``paragraph``; recipients are parted by breaks; a fact that is unknown is
            empty.
        page, box: where it stands on paper; 0 and ``None`` where that is not known.
        undone: somebody took the edit back; the last ones so marked can be made again.
        applied: ``False`` if the scan was read again since and the edit found no place in what was read then, or what
            it says stands there already.
        taken: what it took out of the document.
    """

    id: str
    kind: EditKind
    who: str
    when: str
    where: str
    start: int
    before: str
    after: str
    page: int = 0
    box: Box | None = None
    undone: bool = False
    applied: bool = True
    taken: Taken = field(default_factory=Taken, repr=False)

    @property
    def is_made(self) -> bool:
        """Whether the document is as the edit says."""
        return self.applied and not self.undone


@dataclass(frozen=True, slots=True)
class Document:
    """A whole document, at any stage after its structure is known.

    Attributes:
        footnotes: by label, in order of first citation.
        metadata: of the first document in the file.
        parts: the documents in the file, each with its metadata; empty where nobody has looked for them.
        corrections: in document order; empty before repair.
        engine: versions of what read and repaired it.
        timings: seconds by stage.
        edits: what people changed, in the order in which they did.
    """

    source: Source
    blocks: tuple[Block, ...]
    footnotes: tuple[Footnote, ...] = ()
    metadata: Metadata = field(default_factory=Metadata)
    parts: tuple[Part, ...] = ()
    corrections: tuple[Correction, ...] = ()
    pages: tuple[PageReport, ...] = ()
    dropped: tuple[Dropped, ...] = ()
    warnings: tuple[PageWarning, ...] = ()
    engine: dict[str, str] = field(default_factory=dict)
    timings: dict[str, float] = field(default_factory=dict)
    edits: tuple[Edit, ...] = ()

    @property
    def sheets(self) -> frozenset[int]:
        """Pages that are separator sheets."""
        return frozenset(one.page for one in self.dropped if one.reason == "separator sheet")

    def texts(self) -> Iterator[tuple[str, Tokens]]:
        """Every text of the document with its ``where`` (see :class:`Correction`): blocks, then footnotes."""
        for index, block in enumerate(self.blocks):
            yield f"blocks/{index}", block.tokens
        for note in self.footnotes:
            for index, tokens in enumerate(note.paragraphs):
                yield f"footnotes/{note.label}/{index}", tokens
