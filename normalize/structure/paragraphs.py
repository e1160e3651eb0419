"""Lines to paragraphs, within a page and across pages.

Typesetters leave three signs of a paragraph's end: the next line is indented, the last line had room for the next
line's first word, or there is more space between the two. A sentence that is not finished speaks against
it. All measures are in x-heights of the lines, so that type size and resolution do not matter.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from normalize.document import Tokens
from normalize.structure.lines import SetLine, join_lines, usual_pitch
from normalize.vietnamese.decree30 import begins_part, is_document_type, is_list_item
from ocr.page import Box, hull

_ENDS_SENTENCE = re.compile(r"[.;:!?…](?:[\"”’)\]]*)$|\./\.?$")


@dataclass(slots=True)
class Paragraph:
    """Lines that are one paragraph."""

    lines: list[SetLine] = field(default_factory=list)

    @property
    def tokens(self) -> Tokens:
        return join_lines([line.tokens for line in self.lines])

    @property
    def text(self) -> str:
        return " ".join(token.text for token in self.tokens)

    @property
    def page(self) -> int:
        return self.lines[0].page

    @property
    def box(self) -> Box:
        """On the page where it begins."""
        return hull([line.box for line in self.lines if line.page == self.page])

    @property
    def ends_centred(self) -> bool:
        """Several lines of which the last is short and in the middle, as the subject of a document is set."""
        last = self.lines[-1]
        short = last.centred and min(last.indent, last.room) > 2.5
        return 1 < len(self.lines) < 6 and short and not _ENDS_SENTENCE.search(last.text)

    @property
    def centred(self) -> bool:
        return all(line.centred or line.capitals for line in self.lines) and any(
            line.centred and min(line.indent, line.room) > 2.5 for line in self.lines
        )


def group(lines: Iterable[SetLine]) -> list[Paragraph]:
    """The paragraphs of consecutive lines, page ends included."""
    paragraphs: list[Paragraph] = []
    lines = list(lines)
    pitch = usual_pitch(lines)
    before: SetLine | None = None
    for line in lines:
        if before is None or begins_paragraph(before, line, paragraphs[-1], pitch):
            paragraphs.append(Paragraph())
        paragraphs[-1].lines.append(line)
        before = line
    return paragraphs


def begins_paragraph(before: SetLine, line: SetLine, paragraph: Paragraph, pitch: float) -> bool:
    """Whether ``line`` begins a new paragraph after ``before``, the last line of ``paragraph``."""
    text_before, text = before.text, line.text
    goes_on = not _ENDS_SENTENCE.search(text_before) and text[:1].islower()
    same_page = before.page == line.page
    step = (line.baseline - before.baseline) / line.x_height if same_page else pitch
    set_apart = step > 1.3 * pitch + 0.2

    if before.centred or line.centred:
        return _begins_title_line(before, line, set_apart, goes_on)

    first = line.tokens[0].box
    word = (first.width if first else line.x_height * 2) / line.x_height
    had_room = before.room > word + 1.6
    indented = line.indent > 1.4
    marker = is_list_item(text) or begins_part(text)
    if goes_on and not marker:
        # Only a line that plainly stops short ends a paragraph in the middle of a sentence.
        return had_room and (indented or set_apart) and before.room > 8
    if had_room:
        return True
    if indented:
        hanging = len(paragraph.lines) > 1 and abs(paragraph.lines[-1].indent - line.indent) < 0.5
        return not hanging or marker or bool(_ENDS_SENTENCE.search(text_before))
    if set_apart:
        return True
    return marker and bool(_ENDS_SENTENCE.search(text_before)) and not text.startswith(("-", "–"))


def _begins_title_line(before: SetLine, line: SetLine, set_apart: bool, goes_on: bool) -> bool:
    """The same question where one of the lines is centred: titles break by style, not by room."""
    part = begins_part(before.text) or is_list_item(line.text)
    if before.capitals and line.capitals:
        return set_apart or part or is_document_type(before.text)
    if not (before.centred and line.centred):
        # A short last line of a paragraph may look centred by chance, and a title's first line may fill the measure.
        goes_on = goes_on or (before.text.endswith(",") and min(line.indent, line.room) > 2.5)
        return not (goes_on and before.room < 2 and not set_apart)
    return (
        before.capitals != line.capitals
        or is_document_type(before.text)
        or part
        or line.text.startswith("(")
        or (bool(_ENDS_SENTENCE.search(before.text)) and not (before.text.endswith(";") and line.text[:1].islower()))
        or set_apart
    )
