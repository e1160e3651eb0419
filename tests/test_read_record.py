"""The published JSON read back: nothing that it tells is lost, and what is written of it is the same."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from normalize.document import Block, Document, Footnote, Reference, Token, Tokens
from normalize.formats import WRITERS, to_dict, write
from normalize.formats.read_record import from_dict
from normalize.plaintext.parse import parse_text
from normalize.repair.repair import repair
from ocr.page import Box
from tests.published import SOURCE, documents
from tests.test_metadata import BODY, CLOSING, built, letterhead
from tests.test_plaintext import DECISION

few = settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])


def on_disk(data: dict[str, Any]) -> Any:
    return json.loads(json.dumps(data, ensure_ascii=False))


@few
@given(documents())
def test_what_is_read_back_is_written_again_alike(document: Document) -> None:
    data = on_disk(to_dict(document))
    assert on_disk(to_dict(from_dict(data))) == data


@few
@given(documents(), st.sampled_from(["paragraph", "inline", "end"]))
def test_all_formats_are_the_same_again(document: Document, footnotes: str) -> None:
    again = from_dict(on_disk(to_dict(document)))
    for form in WRITERS:
        assert write(again, form, footnotes) == write(document, form, footnotes)


@pytest.mark.parametrize(
    "document",
    [
        built([*letterhead("Số: 12/QĐ-SXD"), "T |QUYẾT ĐỊNH", "T |Về việc giao đất", *BODY, *CLOSING]),
        parse_text(DECISION, replace(SOURCE, pages=0)),
    ],
    ids=["a scan", "another engine's text"],
)
def test_documents_that_were_built(document: Document) -> None:
    document = repair(document, "full")
    data = on_disk(to_dict(document))
    again = from_dict(data)
    assert on_disk(to_dict(again)) == data
    assert again.metadata == document.metadata
    assert again.footnotes == tuple(
        replace(note, paragraphs=found.paragraphs)
        for note, found in zip(document.footnotes, again.footnotes, strict=True)
    )


def test_each_word_has_its_place_on_its_printed_line() -> None:
    words: Tokens = (
        Token("Uỷ", 1, Box(100, 122, 140, 155), 96.0, references=(Reference(2, "3"),), line=(120, 160)),
        Token("ban", 1, Box(150, 125, 190, 150), 96.0, line=(120, 160)),
        Token("(không", 1),
        Token("rõ)", 2, Box(90, 40, 120, 70), 96.0),
    )
    document = Document(SOURCE, (Block("paragraph", words, 1),), (Footnote("3", "3", (words[:1], words[1:2])),))
    block, note = to_dict(document)["blocks"][0], to_dict(document)["footnotes"][0]
    assert block["places"] == ["1 120 160 0:100-140 7:150-190", "2 40 70 18:90-120"]
    assert block["text"][7:10] == "ban"
    assert block["text"][18:] == "rõ)"
    assert note["places"] == ["1 120 160 0:100-140 7:150-190"]
    assert note["text"][7:] == "ban"
    read = from_dict(on_disk(to_dict(document))).blocks[0].tokens
    assert [one.box for one in read] == [Box(100, 120, 140, 160), Box(150, 120, 190, 160), None, Box(90, 40, 120, 70)]
    assert read[0].references == (Reference(2, "3"),)


def test_a_paragraph_without_words_moves_no_place() -> None:
    words = (Token("7", 1, Box(0, 0, 9, 9), 50.0),)
    note = to_dict(Document(SOURCE, (), (Footnote("1", "1", (words, (), words)),)))["footnotes"][0]
    assert [note["text"][one["offset"]] for one in note["words_to_check"]] == ["7", "7"]


def test_what_only_looks_like_a_reference_stays_text() -> None:
    words = (Token("xem[^1]", 1, references=(Reference(3, "2"),)), Token("[^1]"))
    document = Document(SOURCE, (Block("paragraph", words, 1),))
    assert to_dict(document)["blocks"][0]["no_references"] == [7, 12]
    assert from_dict(on_disk(to_dict(document))).blocks[0].labels == ["2"]


@few
@given(documents())
def test_a_record_of_an_earlier_version_is_read(document: Document) -> None:
    """Without places, edits, what warnings are about, or the grades of pages."""
    data = on_disk(to_dict(document))
    del data["edits"], data["doubts"], data["documents"]
    for one in (*data["blocks"], *data["footnotes"]):
        one.pop("places", None)
        one.pop("no_references", None)
    for one in data["warnings"]:
        del one["about"]
    for page in data["pages"]:
        del page["grade"], page["rotation"], page["damage"], page["lowest_word"]
    again = from_dict(data)
    assert [block.text for block in again.blocks] == [block.text for block in document.blocks]
    assert checked_boxes(to_dict(again)) == checked_boxes(data)


def checked_boxes(data: dict[str, Any]) -> list[tuple[int, int, list[int] | None]]:
    words = (word for block in data["blocks"] for word in block.get("words_to_check", ()))
    return [(word["offset"], word["length"], word["bbox"]) for word in words]


@pytest.mark.parametrize("data", [None, [], {}, {"blocks": [1]}, {"schema": "nambat/1", "source": {}}, "x"])
def test_what_is_no_record_is_refused(data: Any) -> None:
    with pytest.raises(ValueError, match="not a published record"):
        from_dict(data)


@few
@given(documents(), st.data())
def test_a_damaged_record_is_refused_or_read_but_never_anything_else(document: Document, data: st.DataObject) -> None:
    record = on_disk(to_dict(document))
    holder: Any = record
    while isinstance(holder, dict | list) and holder:
        key = data.draw(st.sampled_from(sorted(holder) if isinstance(holder, dict) else list(range(len(holder)))))
        if data.draw(st.booleans()) or not isinstance(holder[key], dict | list) or not holder[key]:
            holder[key] = data.draw(st.sampled_from([None, -1, "x", [], {}, 10**30]))
            break
        holder = holder[key]
    with contextlib.suppress(ValueError):
        from_dict(record)
