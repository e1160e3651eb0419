"""To whom a document goes: the lines under "Nơi nhận:", where all of them are sure.

A list that lacks a line, or has one that cannot be read, is none to send a document by. The pen, the seal and whoever
files the paper write into it; so a list with a word that could not be read is left open, with a warning that says where
to look.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from normalize.document import Block, PageWarning, Token
from normalize.facts.values import box_of
from normalize.vietnamese import decree30
from normalize.vietnamese.syllable import parse
from ocr.page import hull

#: A word of a line was read with this confidence (0 to 100) at least. Of 3,300 words of 45 lists two had less, both
#: wrong; of the six from there to 45 five were right.
LEAST_CONFIDENCE = 35.0
_RUN = re.compile(r"[^\W\d_]+")
#: Signs that stand in no list of recipients, and a stroke that begins a word.
_ODD = re.compile(r"[^\w\s.,;:()/&“”\"'’‘+=–—-]|[²³¹]|^[/\\|]\w")
_GLUED = re.compile(r"([^\W\d_]*?[^\W\d_A-ZĐ])([A-ZĐÐ]{2,})")


@dataclass(frozen=True, slots=True)
class Recipients:
    """The lines of the list.

    Attributes:
        lines: empty where there are none, or where one of them is not sure.
        doubts: why they are left open.
    """

    lines: tuple[Block, ...] = ()
    doubts: tuple[PageWarning, ...] = ()


def read_recipients(blocks: Sequence[Block]) -> Recipients:
    """The list of recipients of one document, if each line of it is whole and was read surely."""
    listed = [block for block in blocks if block.type == "recipients"]
    lines = [block for block in listed if _is_recipient(block.text)]
    unsure = [block for block in lines if any(map(_is_unread, block.tokens))] or _torn_off(blocks)
    if not lines and listed:
        unsure = listed
    if not unsure:
        return Recipients(tuple(lines))
    return Recipients((), (_doubt(unsure),))


def _is_recipient(text: str) -> bool:
    return not (decree30.is_recipients_head(text) or decree30.is_remark_on_recipients(text))


def _is_unread(token: Token) -> bool:
    """Whether a word could hardly be read, and was not repaired, which takes other evidence; or is no word."""
    unread = token.confidence is not None and token.confidence < LEAST_CONFIDENCE
    repaired = bool(token.letters) and "".join(one.text for one in token.letters) != token.text
    unlike = token.confidence is not None and is_unlike_print(token.text)
    return unlike or (unread and not repaired and any(c.isalnum() for c in token.text))


def is_unlike_print(text: str) -> bool:
    """Whether a word has a sign that no such list has, or marks on letters that make no syllable.

    >>> [is_unlike_print(word) for word in ("Bˆ", "ÑVD,", "ChínÈ.", "(b/c);", "SởVH,TT&DL;", "kvxuyen.")]
    [True, True, True, False, False, False]
    """
    runs = _RUN.findall(text)
    return bool(_ODD.search(text)) or any(_is_marked(run) and not _is_spelt(run) for run in runs)


def _is_marked(run: str) -> bool:
    return any(not c.isascii() and c not in "ĐđÐ" for c in run)


def _is_spelt(run: str) -> bool:
    """Whether letters are a syllable, or one with an abbreviation after it: "SởVH"."""
    with_abbreviation = _GLUED.fullmatch(run)
    return parse((with_abbreviation[1] if with_abbreviation else run).lower()) is not None


def _torn_off(blocks: Sequence[Block]) -> list[Block]:
    """Text between two lines of one list: a line of it was taken for text."""
    at = [n for n, block in enumerate(blocks) if block.type == "recipients"]
    if not at:
        return []
    between = blocks[at[0] : at[-1]]
    heads = sum(decree30.is_recipients_head(block.text) for block in blocks if block.type == "recipients")
    return [block for block in between if block.type in ("paragraph", "list_item")] if heads < 2 else []


def _doubt(unsure: Sequence[Block]) -> PageWarning:
    """What a person has to type, and where the lines stand that could not be read."""
    page = unsure[0].page
    boxes = [box for block in unsure if block.page == page and (box := block.box or box_of(block.tokens))]
    box = hull(boxes) if boxes else None
    where = f" A line of them stands at {box.left}, {box.top} to {box.right}, {box.bottom} (pixels)." if box else ""
    return PageWarning(page, f"The recipients cannot be read surely; they are left empty.{where}", box, "recipients")
