"""Documents as they are published, drawn at random: all that the JSON tells occurs in them."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from normalize.document import (
    Block,
    Correction,
    Document,
    Dropped,
    Evidence,
    Footnote,
    LowestWord,
    Metadata,
    PageReport,
    PageWarning,
    Part,
    Reference,
    Source,
    Token,
    Tokens,
)
from ocr.page import Box

SOURCE = Source("Báo cáo.pdf", "ab" * 32, 3, 1000)
LABELS = ("1", "12")

WORDS = st.sampled_from(
    ["tô", "chức", "l2", "8.OOO", "1.250", "(3)", "m²", "Uỷ", "ban", "12/2010/NĐ-CP", "a b", "1 2", "[^1]", "[^x]", "-"]
)
CONFIDENCES = st.sampled_from([None, 0.0, 41.25, 79.96, 80.0, 96.0])


@st.composite
def texts(draw: st.DrawFn, page: int, top: int, *, least: int = 1, is_read: bool = True) -> Tokens:
    """Words on printed lines of their own from ``top`` down, some cited, some unsure, some read twice."""
    tokens = []
    for number, word in enumerate(draw(st.lists(WORDS, min_size=least, max_size=5))):
        at = draw(st.integers(0, len(word)))
        cited = (Reference(at, draw(st.sampled_from(LABELS))),) if draw(st.integers(0, 4)) == 0 else ()
        row, column = divmod(number, 3)
        above = top + 50 * row
        box = Box(100 * column, above + draw(st.integers(0, 9)), 100 * column + 90, above + draw(st.integers(30, 40)))
        if not is_read or draw(st.integers(0, 9)) == 0:
            tokens.append(Token(word, page, references=cited))
            continue
        token = Token(word, page, box, draw(CONFIDENCES), references=cited)
        token = replace(token, line=draw(st.sampled_from([None, (above, above + 40)])))
        has_figures = any(c.isdecimal() for c in word)
        tokens.append(
            replace(
                token, second="77" if has_figures and token.confidence is not None and draw(st.booleans()) else None
            )
        )
    return tuple(tokens)


@st.composite
def blocks(draw: st.DrawFn, page: int, top: int, *, is_read: bool) -> Block:
    kind = draw(st.sampled_from(["paragraph", "heading", "list_item", "table", "missing"]))
    box = Box(0, top, 300, top + 150) if is_read else None
    if kind != "table":
        level = draw(st.integers(0, 3))
        return Block(kind, draw(texts(page, top, is_read=is_read)), page, level, box)
    cells = [
        tuple(replace(token, text=token.text.replace(" ", ""), references=()) for token in cell)
        for cell in draw(st.lists(texts(page, top, is_read=is_read), min_size=2, max_size=4))
    ]
    rows = tuple((" ".join(token.published for token in cell), "") for cell in cells)
    return Block("table", tuple(token for cell in cells for token in cell), page, 0, box, rows)


@st.composite
def documents(draw: st.DrawFn) -> Document:
    """A document of two pages, of a scan or of another engine's text."""
    is_read = draw(st.integers(0, 5)) > 0
    body = [
        draw(blocks(1 + number // 3 if is_read else 0, 200 * (number % 3), is_read=is_read))
        for number in range(draw(st.integers(1, 4)))
    ]
    notes = [
        Footnote(
            label,
            "*",
            tuple(draw(st.lists(texts(1, 700 + 300 * number, is_read=is_read), min_size=1, max_size=2))),
            (1,) if is_read else (),
        )
        for number, label in enumerate(LABELS[: draw(st.integers(0, 2))])
    ]
    document = Document(SOURCE, tuple(body), tuple(notes), engine={"nambat": "1"}, timings={"repair": 0.25})
    cited = {reference.label for _, tokens in document.texts() for one in tokens for reference in one.references}
    known = draw(metadata())
    evidence = {"subject": Evidence(1, Box(0, 0, 9, 9), 71.5), "recipients": (Evidence(1, None, None),)}
    first_of_second = draw(st.integers(1, len(body)))
    others = [Part(2, 2, draw(metadata()), {}, first_of_second, True)] if first_of_second < len(body) else []
    dropped = (Dropped(1, Box(0, 1900, 300, 1950), "Trang 1", "page number"), Dropped(2, None, "x", "noise"))
    return replace(
        document,
        footnotes=tuple(replace(note, anchored=note.label in cited) for note in notes),
        metadata=known,
        parts=(Part(1, 1, known, evidence if draw(st.booleans()) else {}), *others) if draw(st.booleans()) else (),
        corrections=tuple(draw(corrections(document))),
        pages=_pages(document) if is_read else (),
        dropped=dropped if is_read else (),
        warnings=(
            PageWarning(0, "The subject is not sure.", None, "subject"),
            PageWarning(1, "Print was not read.", Box(1, 2, 3, 4), "print"),
        ),
    )


@st.composite
def metadata(draw: st.DrawFn) -> Metadata:
    return Metadata(
        number=draw(st.sampled_from([None, "559"])),
        subject=draw(st.sampled_from([None, "Về việc giao đất"])),
        date=draw(st.sampled_from([None, "2024-02-29"])),
        recipients=draw(st.sampled_from([(), ("Như trên;", "Lưu: VT.")])),
    )


@st.composite
def corrections(draw: st.DrawFn, document: Document) -> list[Correction]:
    """Whole words, each said to have been read otherwise, in the order of the document."""
    found = []
    for where, tokens in document.texts():
        at = 0
        for token in tokens:
            if draw(st.integers(0, 5)) == 0:
                before = draw(st.sampled_from(["to", "chưc", "x y", ""]))
                found.append(
                    Correction(where, at, before, token.published, "tone", 0.9371, "because", token.page, token.box)
                )
            at += len(token.published) + 1
    return found


def _pages(document: Document) -> tuple[PageReport, ...]:
    """Reports of two pages: the least sure word of the first is in the text, if any is; of the second it is not."""
    words = [token for _, tokens in document.texts() for token in tokens if token.box and token.page == 1]
    lowest = LowestWord(words[-1].text, words[-1].box) if words and words[-1].box else None
    return (
        PageReport(1, 300, 0.25, 5, 90.5, 12.0, 1.5, ink_explained=0.99, grade="fair", rotation=90, lowest_word=lowest),
        PageReport(2, 300, 0.0, 2, 41.0, 12.0, 1.5, damage="cut", lowest_word=LowestWord("x", Box(9, 990, 20, 999))),
    )
