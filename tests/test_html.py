"""The HTML page: what is linked, what is marked, and that nothing from a scan is markup."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from normalize.document import Block, Correction, Document, Footnote, PageWarning, Reference, Source, Token
from normalize.formats import WRITERS, to_html, write
from tests.markdown import WORDS

VOID = {"meta", "br", "hr"}


class Page(HTMLParser):
    """The tags of a page; fails where one is not closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.tags if tag == name]


def tokens(text: str, references: dict[int, str] | None = None) -> tuple[Token, ...]:
    words = text.split()
    return tuple(
        Token(word, 1, references=(Reference(len(word), (references or {})[n]),) if n in (references or {}) else ())
        for n, word in enumerate(words)
    )


def document(*blocks: Block, **more: object) -> Document:
    return Document(Source("quét.pdf", "", 1, 0), blocks, **more)  # type: ignore[arg-type]


def test_notes_are_linked_both_ways() -> None:
    notes = (
        Footnote("1", "1", (tokens("Số liệu năm 2010."), tokens("Đoạn hai."))),
        Footnote("2", "2", (tokens("X."),)),
    )
    made = document(
        Block("paragraph", tokens("Cấp 229 giấy cho dân", {2: "1"}), 1),
        Block("paragraph", tokens("Hủy 5 giấy.", {2: "2"}), 2),
        footnotes=notes,
    )
    page = Page(to_html(made))
    places = {attributes["id"] for _, attributes in page.tags if "id" in attributes}
    links = {attributes["href"] for attributes in page.all("a")}
    assert {"ref-1", "note-1", "ref-2", "note-2", "trang-1", "trang-2"} <= places
    assert links == {"#ref-1", "#note-1", "#ref-2", "#note-2"}
    text = to_html(made)
    assert text.index("Số liệu") < text.index("Hủy 5")
    end = to_html(made, "end")
    assert end.index("Hủy 5") < end.index("Số liệu")
    with pytest.raises(ValueError, match="footnotes must be"):
        to_html(made, "margin")


def test_a_note_that_nothing_cites_is_there() -> None:
    made = document(
        Block("paragraph", tokens("Văn bản."), 1), footnotes=(Footnote("1", "1", (tokens("Lạc."),), (1,), False),)
    )
    assert "Lạc." in Page(to_html(made)).text


def test_corrections_say_what_was_read() -> None:
    correction = Correction("blocks/0", 9, "đầu", "đấu", "tone", 0.97, "", 1)
    made = document(Block("paragraph", tokens("Phấn đấu đấu 5 %", {1: "7"}), 1), corrections=(correction,))
    page = Page(to_html(made))
    assert page.all("ins") == []  # there is a reference in between: the place of the record is another one
    correction = Correction("blocks/0", 13, "đầu", "đấu", "tone", 0.97, "", 1)
    page = Page(to_html(document(*made.blocks, corrections=(correction,))))
    assert [one["title"] for one in page.all("ins")] == ["Bản quét đọc là: đầu (chắc 97 %)"]
    assert "Đã sửa 1 chỗ" in page.text


def test_tables_are_tables() -> None:
    rows = (("TT", "Nội dung"), ("1", "Nạo vét"), ("2", "Nạo vét"))
    words = tokens(" ".join(" ".join(row) for row in rows))
    start = " ".join(" ".join(row) for row in rows).rindex("vét")
    made = document(
        Block("table", words, 1, rows=rows), corrections=(Correction("blocks/0", start, "vẹt", "vét", "tone", 0.9, ""),)
    )
    text = to_html(made)
    assert len(Page(text).all("tr")) == 3
    assert len(Page(text).all("th")) == 2
    assert text.count("<ins") == 1
    assert "<td>Nạo vét</td>" in text, "the first of two equal cells was not corrected"


@pytest.mark.parametrize("kind", ["title", "heading", "paragraph", "letterhead", "table", "list_item"])
def test_nothing_of_a_scan_is_markup(kind: str) -> None:
    evil = '<script>alert(1)</script> "quoted" & <b onload=x>'
    rows = ((evil,),) if kind == "table" else ()
    made = document(
        Block(kind, tokens(evil), 1, level=1, rows=rows),
        warnings=(PageWarning(1, evil),),
        corrections=(Correction("blocks/0", 0, '"><script>', "<script>alert(1)</script>", "letter", 0.9, evil),),
    )
    page = Page(to_html(made))
    assert {tag for tag, _ in page.tags}.isdisjoint({"script", "b"})
    assert all(not name.startswith("on") for _, attributes in page.tags for name in attributes)
    assert "<script>alert(1)</script>" in page.text


@settings(max_examples=100)
@given(WORDS, st.sampled_from(["title", "paragraph", "table"]))
def test_what_is_shown_is_what_was_printed(words: list[str], kind: str) -> None:
    printed = " ".join(words)
    made = document(Block(kind, tokens(printed), 1, rows=((printed,),) if kind == "table" else ()))
    page = Page(to_html(made))
    assert printed in page.text
    assert {tag for tag, _ in page.tags} <= {
        *("html", "head", "meta", "title", "style", "body", "main", "footer", "p", "h1", "table", "tr", "th"),
    }


@pytest.mark.parametrize("name", WRITERS)
def test_every_writer_writes(name: str) -> None:
    assert "Văn bản.".encode() in write(document(Block("paragraph", tokens("Văn bản."), 1)), name, "paragraph")


def test_an_unknown_format_is_an_error() -> None:
    with pytest.raises(ValueError, match="unknown format 'docx'; there are txt, md, html"):
        write(document(), "docx", "paragraph")
