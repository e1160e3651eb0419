"""What in a published document a person should compare with the scan, the likeliest and dearest faults first.

Read out of the published JSON, so that a document which was only copied, or published long ago, has the same.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from heapq import nsmallest
from typing import Any, Literal

from normalize.document import DOUBT, Metadata
from ocr.page import Box, Place

Kind = Literal["fact", "unsure fact", "page", "print", "number", "word", "dropped"]
"""A fact that is left open, or published and unsure; a page that could not be read, or not well; print that is in no
word; a number; another word; print that was left out."""

FACTS = frozenset(field.name for field in fields(Metadata))

UNSURE_FACT = 60.0
"""A published fact with a word below this confidence, 0 to 100, is pointed out. Those of the sample scans that have one
below 80 were read right; the marks of "(b/c)" and "VT" alone bring that about."""

MOST_WORDS = 10
"""So many of the least sure words are pointed out."""

PICTURES_OF_A_KIND = 3
"""So many checks of each kind get a picture before a kind gets more."""

LONGEST_SIDE = 90
"""Characters of a sentence that are shown before and after the words in question."""

_EXPECTED = frozenset({"page number", "running header", "page separator", "separator sheet", "copy line"})
"""Reasons for which print is left out of every document."""

_SENTENCE_END = re.compile(r"[.!?;](?=\s)|\n")


@dataclass(frozen=True, slots=True)
class Passage:
    """Words of a published text in the sentence they stand in."""

    before: str
    words: str
    after: str


@dataclass(frozen=True, slots=True)
class Check:
    """Something to compare with the scan.

    Attributes:
        page: 0 where there are no pages, or for the whole document.
        why: one English sentence.
        passage: the words in question, where they are published.
        place: where they stand on the page.
        picture: of that place, as PNG; empty where there is none.
    """

    kind: Kind
    page: int
    why: str
    passage: Passage | None = None
    place: Place | None = None
    picture: bytes = b""


def checks_of(data: Mapping[str, Any]) -> tuple[Check, ...]:
    """All that should be checked in the document with this published JSON, in the order to do so.

    Raises:
        ValueError, KeyError, TypeError: the JSON is not whole.
    """
    told = list(_told(data))
    found = (
        *(one for one in told if one.kind == "fact"),
        *_unsure_facts(data),
        *(one for one in told if one.kind == "page"),
        *(one for one in told if one.kind == "print"),
        *_numbers_read_unlike(data),
        *(one for one in told if one.kind == "number"),
        *_least_sure_words(data),
        *_left_out_as_noise(data),
    )
    return tuple(dict.fromkeys(found))


def _told(data: Mapping[str, Any]) -> Iterator[Check]:
    """What warnings say, but for those about the text in general."""
    kinds: dict[str, Kind] = {**dict.fromkeys(FACTS, "fact"), "page": "page", "print": "print", "numbers": "number"}
    for one in data["warnings"]:
        if kind := kinds.get(one.get("about", "text")):
            yield Check(kind, one["page"], one["message"], place=_place(data, one["page"], one.get("bbox")))


def _unsure_facts(data: Mapping[str, Any]) -> Iterator[Check]:
    """Facts that are published and of which a word was read with doubt."""
    for part in data.get("documents", ()):
        for name, evidence in part["metadata_evidence"].items():
            values, lines = part["metadata"][name], evidence
            if isinstance(evidence, Mapping):
                values, lines = [values], [evidence]
            for value, line in zip(values, lines, strict=False):
                sure = line["confidence"]
                if value and sure is not None and sure < UNSURE_FACT:
                    why = f"{name.replace('_', ' ').capitalize()}: “{value}” was read with a confidence of {sure:.0f}."
                    yield Check("unsure fact", line["page"], why, place=_place(data, line["page"], line["box"]))


def _numbers_read_unlike(data: Mapping[str, Any]) -> Iterator[Check]:
    for one in data.get("doubts", ()):
        record = _record_at(data, one["where"])
        word = next((word for word in record.get("words_to_check", ()) if word["bbox"] == one["bbox"]), None)
        found = _passage_of_word(record, word) if word else None
        why = f"A second reading of the number “{one['text']}” gave “{one['second']}”."
        yield Check("number", one["page"], why, found, _place(data, one["page"], one["bbox"]))


def _least_sure_words(data: Mapping[str, Any]) -> Iterator[Check]:
    told = {(one["page"], tuple(one["bbox"] or ())) for one in data.get("doubts", ())}
    unsure = [
        (word["confidence"], record, word)
        for record in (*data.get("blocks", ()), *data["footnotes"])
        for word in record.get("words_to_check", ())
        if word["confidence"] < DOUBT and (word["page"], tuple(word["bbox"] or ())) not in told
    ]
    for sure, record, word in nsmallest(MOST_WORDS, unsure, key=lambda one: one[0]):
        found = _passage_of_word(record, word)
        why = f"“{found.words}” was read with a confidence of {sure:.0f}."
        yield Check("word", word["page"], why, found, _place(data, word["page"], word["bbox"]))


def _left_out_as_noise(data: Mapping[str, Any]) -> Iterator[Check]:
    for one in left_out(data.get("dropped", ())):
        if one["reason"] == "noise" and _holds_text(one["text"]):
            why = f"“{one['text']}” was left out as noise."
            yield Check("dropped", one["page"], why, place=_place(data, one["page"], one["bbox"]))


def _place(data: Mapping[str, Any], number: int, box: Sequence[int] | None) -> Place | None:
    page = next((page for page in data["pages"] if page["number"] == number), None)
    if page is None or not box:
        return None
    return Place(number, Box(*box), page["dpi"], page.get("rotation", 0), page["skew"])


def to_picture(checks: Sequence[Check], most: int) -> list[int]:
    """Which of the checks get a picture: the first ones that have a place, some of each kind."""
    placed = [at for at, one in enumerate(checks) if one.place]
    of_kind: Counter[Kind] = Counter()
    rank = {}
    for at in placed:
        rank[at] = of_kind[checks[at].kind] // PICTURES_OF_A_KIND
        of_kind[checks[at].kind] += 1
    return sorted(sorted(placed, key=rank.__getitem__)[:most])


def left_out(dropped: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """What is not in the published text, in the order to look at it: first what may be some of the text."""
    return sorted(dropped, key=lambda one: (one["reason"] in _EXPECTED, not _holds_text(one["text"]), one["page"]))


def _holds_text(text: str) -> bool:
    """Whether there is a letter or a digit in it."""
    return any(map(str.isalnum, text))


def _record_at(data: Mapping[str, Any], where: str) -> Mapping[str, Any]:
    """What holds the text that ``blocks/12``, ``footnotes/3/0`` or ``dropped/4`` names; of a note, the whole of it."""
    kind, name, *_ = where.split("/")
    if kind == "footnotes":
        return {note["label"]: note for note in data["footnotes"]}[name]
    return dict(enumerate(data[kind]))[int(name)]


def passage_of(data: Mapping[str, Any], correction: Mapping[str, Any]) -> Passage:
    """What a correction made, in its sentence."""
    text, start = _row_at(_record_at(data, correction["where"]), correction["start"])
    if correction["where"].startswith("footnotes/"):  # of a note, one paragraph
        text = dict(enumerate(text.split("\n")))[int(correction["where"].rpartition("/")[2])]
    return passage(text, start, start + len(correction["after"]))


def _passage_of_word(record: Mapping[str, Any], word: Mapping[str, Any]) -> Passage:
    text, start = _row_at(record, word["offset"])
    return passage(text, start, start + word["length"])


def _row_at(record: Mapping[str, Any], offset: int) -> tuple[str, int]:
    """Of a table, the row that a place of its text is in, and the place there; of any other text, the whole."""
    begin = 0
    for row in record.get("rows", ()):
        text = " ".join(filter(None, row))
        if text and offset <= begin + len(text):
            return text, offset - begin
        begin += len(text) + 1 if text else 0
    return record["text"], offset


def passage(text: str, start: int, end: int) -> Passage:
    """Whole words about some characters of a text, in their sentence, which is cut where it is long.

    >>> passage("Một câu. Nó đã tổ chức hội nghị. Hết.", 15, 17)
    Passage(before='Nó đã', words='tổ', after='chức hội nghị.')
    """
    start, end = min(start, len(text)), min(end, len(text))
    while start > 0 and not text[start - 1].isspace():
        start -= 1
    while end < len(text) and not text[end].isspace():
        end += 1
    begins = max((found.end() for found in _SENTENCE_END.finditer(text, 0, start)), default=0)
    before, after = text[begins:start].strip(), text[end:].strip()
    ends = None if _SENTENCE_END.search(text[start : end + 1]) else _SENTENCE_END.search(f"{after}\n")
    after = after[: ends.end()].strip() if ends else ""
    if len(before) > LONGEST_SIDE:
        before = "… " + before[-LONGEST_SIDE:].partition(" ")[2]
    if len(after) > LONGEST_SIDE:
        after = after[:LONGEST_SIDE].rpartition(" ")[0] + " …"
    return Passage(before, text[start:end], after)
