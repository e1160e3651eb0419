"""What a paragraph is: title, heading, item of a list or running text.

Headings are numbered or stand in the middle, and so do items and lines that are short by chance. What tells them apart
in print is bold type, and where a document has bold headings, a numbered line in regular type is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from normalize.document import BlockType
from normalize.structure.lines import are_partly_bold
from normalize.structure.paragraphs import Paragraph
from normalize.vietnamese.decree30 import (
    LONGEST_HEADING,
    begins_part,
    begins_text,
    heading_level,
    is_document_type,
    is_list_item,
    is_motto,
    numbered_level,
)

#: In letters: what stands in the middle and is longer is no heading.
_LONGEST_CENTRED = 200
#: The level of a bold line without a number: that of ``1.``
_UNNUMBERED = 3
#: Chương, Phần, Mục and ``I.`` are headings in any type; what has a lower level is one in bold only.
_IN_ANY_TYPE = 2
#: In letters: a numbered line in regular type that is longer, or of more than one line, is an item or a sentence.
_LONGEST_REGULAR = 60
#: What begins further from the left margin, in shares of the measure, stands where people sign.
_AT_THE_RIGHT = 0.45
#: "A. THỦ TỤC CẤP TỈNH" stands above what is numbered I. or 1.
_LETTERED, _LETTERED_LEVEL = re.compile(r"[A-ZĐ][.)]\s"), 1
_DASHES = tuple("-–—+*•")


def marks_in_bold(paragraphs: Iterable[Paragraph]) -> bool:
    """Whether a document sets headings in bold: some paragraph with a heading's number is."""
    return any(paragraph.bold and heading_level(paragraph.text) > 0 for paragraph in paragraphs)


def type_of(
    paragraph: Paragraph, in_title: bool, bold_headings: bool, signed: bool, listed: bool
) -> tuple[BlockType, int]:
    """The type of a paragraph's block, and its level.

    Args:
        in_title: nothing but the title's lines stands above it.
        bold_headings: the document sets headings in bold.
        signed: the recipients or a signature stand above it on the page; then what has no number is part of them,
            unless it names a document, as an annex is named.
        listed: the paragraph before or after it is numbered alike.
    """
    text = paragraph.text
    in_middle = paragraph.centred or paragraph.ends_centred
    listed_sign = text.startswith(_DASHES) and not paragraph.bold  # specks before a title are read as dashes
    if in_title and in_middle and not heading_level(text) and not listed_sign:
        return "title", 0
    level = _heading_level(paragraph, text, bold_headings, listed)
    if level and (not signed or numbered_level(text) or is_document_type(text)):
        return "heading", level
    return ("list_item", 1) if is_list_item(text) else ("paragraph", 0)


def may_stand_above_title(paragraph: Paragraph) -> bool:
    """Whether a paragraph may stand above the title: a line of a letterhead that was not taken for one."""
    return len(paragraph.lines) == 1 and paragraph.page == 1 and not begins_text(paragraph.text)


def follow_each_other(paragraph: Paragraph, other: Paragraph | None) -> bool:
    """Whether two paragraphs are numbered alike with nothing between them, as items are and headings are not."""
    level = numbered_level(paragraph.text)
    return other is not None and level > _IN_ANY_TYPE and numbered_level(other.text) == level


def _heading_level(paragraph: Paragraph, text: str, bold_headings: bool, listed: bool) -> int:
    """The level of a heading; 0 for what is none."""
    if text.startswith(_DASHES) or text.rstrip().endswith(";") or is_motto(text):
        return 0
    if _is_lettered(paragraph, text):
        return _LETTERED_LEVEL
    if paragraph.bold:
        return _bold_level(paragraph, text)
    level = heading_level(text)
    if level > _IN_ANY_TYPE and paragraph.bold is False:
        may_be = not bold_headings and not listed and _is_short(paragraph, text)
        level = level if may_be else 0
    return level or int(_is_centred_heading(paragraph, text))


def _is_lettered(paragraph: Paragraph, text: str) -> bool:
    """Whether a paragraph in capitals is counted in letters; ``I.`` and ``V.`` are numbers."""
    lettered = bool(_LETTERED.match(text)) and not numbered_level(text)
    return lettered and len(text) <= LONGEST_HEADING and all(line.capitals for line in paragraph.lines)


def _is_short(paragraph: Paragraph, text: str) -> bool:
    """Whether a numbered line in regular type, in a document without bold headings, is as short as a heading."""
    short = len(paragraph.lines) == 1 and len(text) <= _LONGEST_REGULAR
    return short and text.rstrip()[-1:].isalnum() and not are_partly_bold(paragraph.lines)


def _bold_level(paragraph: Paragraph, text: str) -> int:
    """The level of a paragraph in bold; one that is too long, or a sentence without a number, is text in bold."""
    level = numbered_level(text)
    if level and len(text) <= LONGEST_HEADING:
        return level
    if _is_centred_heading(paragraph, text):
        return 1
    line = paragraph.lines[0]
    if text.startswith("("):
        return 0
    at_right = line.box.left - line.left > _AT_THE_RIGHT * (line.right - line.left)
    if len(paragraph.lines) > 1 or at_right or text.rstrip().endswith((".", ",")) or is_list_item(text):
        return 0
    return 1 if line.capitals else _UNNUMBERED


def _is_centred_heading(paragraph: Paragraph, text: str) -> bool:
    """Whether a paragraph in the middle is a heading: in capitals or bold, or in type that was not measured."""
    if not paragraph.centred or len(text) >= _LONGEST_CENTRED or text.startswith("(") or is_list_item(text):
        return False
    capitals = all(line.capitals for line in paragraph.lines)
    return capitals or begins_part(text) or paragraph.bold is not False
