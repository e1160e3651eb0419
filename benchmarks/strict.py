"""What a published record has exactly as its gold has it: sign for sign, with nothing forgiven.

:mod:`benchmarks.evaluate` counts errors of the body by syllables and forgives quotes, dashes and the signs at the ends
of words. Here a note is right when all its signs are, a line of the letterhead or of the signature likewise; a
reference when it stands between the same signs; a figure when it is the same figure. Each difference is kept, so that
it can be shown.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rapidfuzz import fuzz
from rapidfuzz.distance import Levenshtein

MARK = re.compile(r"\[\^([^\]\s]+)\]")
#: A number as printed, with the points and strokes inside it; a raised 2 or 3 belongs to m² and m³.
_FIGURE = re.compile(r"[\d⁰¹²³⁴-⁹](?:[\d⁰¹²³⁴-⁹.,/:]*[\d⁰¹²³⁴-⁹])?")
#: The signs at the end of what stands before a mark, and at the head of what follows it.
_LAST_SIGNS, _FIRST_SIGNS = re.compile(r"[^\w\s]*$"), re.compile(r"[^\w\s]*")
#: The letters before a mark may be misread; so many of them, and so alike in percent, are the same place.
_LETTERS_BEFORE, _ALIKE = 25, 75
_AROUND_BODY = frozenset({"letterhead", "recipients", "signature"})
#: So many words are shown on either side of a difference.
_AROUND = 3


@dataclass(frozen=True, slots=True)
class Difference:
    """What was printed, and what was published in its place; one of them may be empty."""

    where: str
    printed: str
    published: str

    def __str__(self) -> str:
        return f"{self.where}: printed {self.printed!r}, published {self.published!r}"


@dataclass(frozen=True, slots=True)
class Exact:
    """One kind of thing that a document has several of.

    Attributes:
        of: how many there are in print; what was published and is not printed counts as well.
        differences: of those that are not right.
    """

    of: int
    differences: tuple[Difference, ...] = ()

    @property
    def right(self) -> int:
        return self.of - len(self.differences)

    def __str__(self) -> str:
        return f"{self.right}/{self.of}" if self.of else ""

    def __add__(self, other: Exact) -> Exact:
        return Exact(self.of + other.of, self.differences + other.differences)


@dataclass(frozen=True, slots=True)
class Strict:
    """A published document held against its gold.

    Attributes:
        body: its words, with all their signs.
        notes: footnotes that are the same in every sign.
        references: marks in the text that stand between the same signs as in print.
        letterhead, signature: lines.
        figures: numbers of body, tables and notes.
    """

    body: Exact
    notes: Exact
    references: Exact
    letterhead: Exact
    signature: Exact
    figures: Exact


def exact(gold: dict[str, Any], record: dict[str, Any]) -> Strict:
    """Hold a published record (the JSON) against a gold; what the gold does not cover is not counted."""
    blocks = record["blocks"]
    inner = [block["text"] for block in blocks if block["type"] not in _AROUND_BODY]
    printed = [block["text"] for block in gold["blocks"]]
    published = body_only(inner, printed[0])
    notes = {note["label"]: note["text"] for note in record["footnotes"]}
    words, read = _words(" ".join(printed)), _words(" ".join(published))
    figures = same_figures("body", words, read)
    for label, text in gold["footnotes"].items():
        figures += same_figures(f"note {label}", _words(text), _words(notes.get(label, "")))
    head, signature = _letterhead(gold), _signature(gold)
    return Strict(
        same_words(words, read),
        same_notes(gold["footnotes"], notes),
        same_references([*printed, *gold["footnotes"].values()], [*published, *notes.values()]),
        same_lines("letterhead", head, _lines(blocks, "letterhead")) if head else Exact(0),
        same_lines("signature", signature, _lines(blocks, "recipients", "signature")) if signature else Exact(0),
        figures,
    )


def body_only(blocks: list[str], title: str) -> list[str]:
    """From the title to the recipients: what the gold covers."""
    first = next(
        (i for i, block in enumerate(blocks) if fuzz.ratio(MARK.split(block)[0].strip()[:40], title[:40]) > 75), 0
    )
    head = re.compile(r"\W*N[oơ]i nh[aậâ]n", re.IGNORECASE)
    last = next((i for i in range(len(blocks) - 1, -1, -1) if head.match(blocks[i])), len(blocks))
    return blocks[first:last]


def same_notes(printed: dict[str, str], published: dict[str, str]) -> Exact:
    """The notes whose text is the same in every sign, ends of paragraphs included."""
    differences = []
    for label, text in printed.items():
        if label not in published:
            differences.append(Difference(f"note {label}", text, ""))
        elif _clean(text) != _clean(published[label]):
            differences.append(Difference(f"note {label}", *apart(_clean(text), _clean(published[label]))))
    added = [label for label in published if label not in printed]
    differences += [Difference(f"note {label}", "", published[label]) for label in added]
    return Exact(len(printed) + len(added), tuple(differences))


def same_references(printed: Sequence[str], published: Sequence[str]) -> Exact:
    """The references that stand right: at the same place of the text, between the same signs."""
    right, found = _references(printed), _references(published)
    differences = [
        Difference(f"reference {label}", f"{before}[^]{behind}", "[^]".join(found.get(label, ())))
        for label, (before, behind) in right.items()
        if label not in found or not _same_place((before, behind), found[label])
    ]
    added = [label for label in found if label not in right]
    differences += [Difference(f"reference {label}", "", found[label][0]) for label in added]
    return Exact(len(right) + len(added), tuple(differences))


def same_lines(where: str, printed: Sequence[str], published: Sequence[str]) -> Exact:
    """Lines of a part that are published as such, in their order."""
    right, found = [_clean(line) for line in printed], [_clean(line) for line in published]
    differences = []
    for op in Levenshtein.editops(right, found):
        was = "" if op.tag == "insert" else right[op.src_pos]
        differences.append(Difference(where, was, "" if op.tag == "delete" else found[op.dest_pos]))
    added = sum(not one.printed for one in differences)
    return Exact(len(right) + added, tuple(differences))


def apart(printed: str, published: str) -> tuple[str, str]:
    """The words in which two texts differ, from the first to the last, with some around them."""
    right, found = printed.split(" "), published.split(" ")
    ops = [op for op in Levenshtein.opcodes(right, found) if op.tag != "equal"]
    if not ops:
        return printed, published
    first, last = max(0, ops[0].src_start - _AROUND), ops[-1].src_end + _AROUND
    start, end = max(0, ops[0].dest_start - _AROUND), ops[-1].dest_end + _AROUND
    return " ".join(right[first:last]), " ".join(found[start:end])


def same_figures(where: str, printed: Sequence[str], published: Sequence[str]) -> Exact:
    """The numbers among the words: each that is published as another, or not at all, is a difference."""
    total, differences = 0, []
    for op in Levenshtein.opcodes(printed, published):
        right = _numbers(printed[op.src_start : op.src_end])
        total += len(right)
        if op.tag == "equal":
            continue
        found = _numbers(published[op.dest_start : op.dest_end])
        context = " ".join(published[max(0, op.dest_start - _AROUND) : op.dest_end + _AROUND])
        for step in Levenshtein.editops(right, found):
            if step.tag == "insert":
                total += 1
                differences.append(Difference(f"figure in {where}", "", f"{found[step.dest_pos]} ({context})"))
            else:
                differences.append(Difference(f"figure in {where}", right[step.src_pos], context))
    return Exact(total, tuple(differences))


def same_words(printed: Sequence[str], published: Sequence[str]) -> Exact:
    """The words of the body with all their signs."""
    differences, added = [], 0
    for op in Levenshtein.opcodes(printed, published):
        if op.tag == "equal":
            continue
        right, found = printed[op.src_start : op.src_end], published[op.dest_start : op.dest_end]
        for at in range(max(len(right), len(found))):
            differences.append(Difference("body", "".join(right[at : at + 1]), "".join(found[at : at + 1])))
        added += max(0, len(found) - len(right))
    return Exact(len(printed) + added, tuple(differences))


def _numbers(words: Sequence[str]) -> list[str]:
    return _FIGURE.findall(" ".join(words))


def _references(texts: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Of each reference what stands before it, and what follows it up to a space."""
    found: dict[str, tuple[str, str]] = {}
    for text in texts:
        for mark in MARK.finditer(text):
            before = MARK.sub("", text[: mark.start()])[-_LETTERS_BEFORE:]
            found.setdefault(mark[1], (before, MARK.sub("", text[mark.end() :]).partition(" ")[0]))
    return found


def _same_place(printed: tuple[str, str], published: tuple[str, str]) -> bool:
    """Whether two marks stand at the same place, given what is before and behind each."""
    signs = [
        (_LAST_SIGNS.findall(before)[0], _FIRST_SIGNS.findall(behind)[0]) for before, behind in (printed, published)
    ]
    tight = [before[-1:].isspace() for before, _ in (printed, published)]
    return signs[0] == signs[1] and tight[0] == tight[1] and fuzz.ratio(printed[0], published[0]) >= _ALIKE


def _letterhead(gold: dict[str, Any]) -> list[str]:
    """The lines of a gold's letterhead as they are published: the left column, then the right one."""
    head = gold.get("letterhead")
    if not head:
        return []
    return [*head["left"], head["number"], *head.get("about", []), *head["right"], head["place"]]


def _signature(gold: dict[str, Any]) -> list[str]:
    signature = gold.get("signature")
    return [*signature["left"], *signature["right"], signature["name"]] if signature else []


def _lines(blocks: Sequence[dict[str, Any]], *kinds: str) -> list[str]:
    """The lines of all blocks of the first of these types, then of the next."""
    return [line for kind in kinds for block in blocks if block["type"] == kind for line in block["text"].splitlines()]


def _clean(text: str) -> str:
    """NFC, runs of blanks as one; ends of lines stay."""
    lines = unicodedata.normalize("NFC", text).splitlines()
    return "\n".join(" ".join(line.split()) for line in lines)


def _words(text: str) -> list[str]:
    """The words with all their signs, references out."""
    return unicodedata.normalize("NFC", MARK.sub("", text)).split()
