"""What a long document holds once for all its pages, and not once for each: it must fit the memory of a worker."""

from __future__ import annotations

from normalize.document import Block, Document, Source, Token
from normalize.repair.candidates import lattice
from normalize.repair.channel import load_channel
from normalize.vietnamese.language import load_language_model
from ocr.page import Box, Letter, Line, Page, Word, Zone, from_json, to_json

LINE = "Ủy ban nhân dân xã phấn đấu trồng rừng"


def page(number: int) -> Page:
    words = tuple(
        Word(text, Box(1000 + 100 * index, 2000, 1090 + 100 * index, 2040), 96.0, tuple(Letter(c) for c in text))
        for index, text in enumerate(LINE.split())
    )
    line = Line(words, Box(1000, 2000, 1900, 2040), 2038.0, 30.0)
    return Page(number, 2480, 3508, 300, zones=(Zone("body", (line,), line.box),))


def test_pages_share_their_words_letters_and_numbers() -> None:
    one, other = (from_json(to_json(page(number))).words for number in (1, 2))
    assert len(one) == len(other) == len(LINE.split())
    for a, b in zip(one, other, strict=True):
        assert a.text is b.text
        assert all(x is y for x, y in zip(a.letters, b.letters, strict=True))
        assert all(x is y for x, y in zip(a.box, b.box, strict=True))


def test_a_number_beyond_any_page_is_read_as_it_is() -> None:
    far = page(1).zones[0].lines[0].words[0]
    far = Word(far.text, Box(-3, 0, 70_000, 90_000), 96.0)
    line = Line((far,), far.box, 0.0, 0.0)
    read = from_json(to_json(Page(1, 2480, 3508, 300, zones=(Zone("body", (line,), line.box),))))
    assert read.words[0].box == far.box


def test_slots_share_their_candidates() -> None:
    blocks = tuple(Block("paragraph", tuple(map(Token, LINE.split()))) for _ in range(2))
    _, slots = lattice(Document(Source("a", "", 0, 0), blocks), load_language_model(), load_channel())
    assert slots
    half = len(slots) // 2
    assert all(one.candidates is other.candidates for one, other in zip(slots[:half], slots[half:], strict=True))
