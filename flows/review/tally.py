"""What repair and people changed in a document, counted from its published JSON; and the words that people put right.

A correction that a person took back, or typed another word over, stands no longer among the corrections of the JSON but
with the edit that took it out.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from normalize.formats.record import REFERENCE

What = Literal["words", "made", "taken back", "typed over", "typed", "edits", "lost"]
"""What is counted: words of the text; corrections that repair made, by kind; of these, those that people took back and
those that they typed something else over; words that people typed; edits that stand, by kind; edits that did not find
their place when the scan was read again."""

LONGEST_NAME = 6
"""Words: what a person put in place of more was no name but a new sentence."""

_LETTERS = re.compile(r"[^\W\d_]+(?:[-'’.][^\W\d_]+)*")
_EDGE = re.compile(r"^[\W_]+|[\W_]+$")


def counts_of(data: Mapping[str, Any]) -> Counter[tuple[What, str]]:
    """Everything that is counted of a document, each with its kind where there are kinds.

    Raises:
        ValueError, KeyError, TypeError, AttributeError: the JSON is not as we write it.
    """
    found: Counter[tuple[What, str]] = Counter()
    found["words", ""] = sum(len(one["text"].split()) for one in (*data["blocks"], *data["footnotes"]))
    found.update(("made", str(one["kind"])) for one in data["corrections"])
    for edit in data.get("edits", ()):
        if edit["undone"]:
            continue
        if not edit["applied"]:
            found["lost", ""] += 1
            continue
        found["edits", str(edit["kind"])] += 1
        gone: What = "taken back" if edit["kind"] == "take_back" else "typed over"
        for one in edit["taken"].get("corrections", ()):
            found["made", str(one["kind"])] += 1
            found[gone, str(one["kind"])] += 1
        if edit["kind"] == "text":
            found["typed", ""] += sum(len(after) for _, after in _changes(edit["before"], edit["after"]))
    return found


def put_right(data: Mapping[str, Any]) -> Iterator[tuple[int, str, str]]:
    """The words that people put right: number of the edit, the words as they stood, and what was put there.

    Raises:
        ValueError, KeyError, TypeError, AttributeError: the JSON is not as we write it.
    """
    for number, edit in enumerate(data.get("edits", ())):
        if edit["kind"] in ("text", "take_back") and edit["applied"] and not edit["undone"]:
            for before, after in dict.fromkeys(words_put_right(edit["before"], edit["after"])):
                yield number, before, after


def words_put_right(before: str, after: str) -> Iterator[tuple[str, str]]:
    """The words in which two texts differ, where they can be words or names: no numbers, no signs alone.

    >>> list(words_put_right("xã Krông Păc, năm 2019", "xã Krông Pắk, năm 2021"))
    [('Păc', 'Pắk')]
    """
    for old, new in _changes(before, after):
        said, meant = (" ".join(filter(None, (_EDGE.sub("", word) for word in words))) for words in (old, new))
        are_words = meant and len(new) <= LONGEST_NAME and all(map(_LETTERS.fullmatch, meant.split()))
        if said and said != meant and are_words:
            yield said, meant


def _changes(before: str, after: str) -> Iterator[tuple[Sequence[str], Sequence[str]]]:
    """The runs of words in which two texts differ."""
    old, new = (REFERENCE.sub(" ", text).split() for text in (before, after))
    for kind, begin, end, new_begin, new_end in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind != "equal":
            yield old[begin:end], new[new_begin:new_end]
