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
_DASHES = ("-", "–")
# All in x-heights.
#: The first line of a paragraph stands in by more than this.
_INDENTED = 1.4
#: Indents that differ by less are the same.
_SAME_INDENT = 0.5
#: A line had room for the next line's first word when it has this much more than the word is wide: the space between.
_SPACE = 1.6
#: A line with less room than this fills the measure; one with more than that stops short.
_FULL, _STOPS_SHORT = 2.0, 8.0
#: A short line in the middle stands in from both margins by more than this.
_SET_IN = 2.5
#: Two lines are set apart when their baselines are further from each other than so many times the usual, and so much.
_APART_TIMES, _APART_MORE = 1.3, 0.2
#: Lines: a centred ending is looked for in paragraphs of fewer.
_TITLE_LINES = 6


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
        short = last.centred and _is_set_in(last)
        return 1 < len(self.lines) < _TITLE_LINES and short and not _ends_sentence(last)

    @property
    def centred(self) -> bool:
        return all(line.centred or line.capitals for line in self.lines) and any(
            line.centred and _is_set_in(line) for line in self.lines
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
    set_apart = _are_set_apart(before, line, pitch)
    if before.centred or line.centred:
        return _begins_title_line(before, line, set_apart)
    ended = _ends_sentence(before)
    new_item = _begins_item(line)
    had_room = _had_room_for_first_word(before, line)
    indented = line.indent > _INDENTED
    if _sentence_goes_on(before, line) and not new_item:
        # Only a line that plainly stops short ends a paragraph in the middle of a sentence.
        return had_room and (indented or set_apart) and before.room > _STOPS_SHORT
    if had_room:
        return True
    if indented:
        return ended or new_item or not _hangs(line, paragraph)
    return set_apart or (ended and new_item and not line.text.startswith(_DASHES))


def _begins_title_line(before: SetLine, line: SetLine, set_apart: bool) -> bool:
    """The same question where one of the lines is centred: titles break by style, not by room."""
    if set_apart:
        return True
    stands_alone = is_document_type(before.text) or begins_part(before.text) or is_list_item(line.text)
    if before.capitals and line.capitals:
        return stands_alone
    if before.centred and line.centred:
        return stands_alone or _style_changes(before, line) or _title_is_finished(before, line)
    # A short last line of a paragraph may look centred by chance, and a title's first line may fill the measure.
    return before.room >= _FULL or not (_sentence_goes_on(before, line) or _title_goes_on(before, line))


def _ends_sentence(line: SetLine) -> bool:
    return bool(_ENDS_SENTENCE.search(line.text))


def _begins_item(line: SetLine) -> bool:
    """Whether a line begins as an item of a list or a part of the text does: ``a)``, ``1.``, Điều 5."""
    return is_list_item(line.text) or begins_part(line.text)


def _sentence_goes_on(before: SetLine, line: SetLine) -> bool:
    """Whether a sentence plainly runs from one line to the next: no full stop, no capital."""
    return not _ends_sentence(before) and line.text[:1].islower()


def _style_changes(before: SetLine, line: SetLine) -> bool:
    """Whether capitals begin or end, or what is in brackets under a title begins."""
    return before.capitals != line.capitals or line.text.startswith("(")


def _title_goes_on(before: SetLine, line: SetLine) -> bool:
    """Whether a comma promises more, and a short line in the middle follows."""
    return before.text.endswith(",") and _is_set_in(line)


def _title_is_finished(before: SetLine, line: SetLine) -> bool:
    """Whether a centred line ends a sentence; a semicolon does not where small letters follow."""
    listed = before.text.endswith(";") and line.text[:1].islower()
    return _ends_sentence(before) and not listed


def _had_room_for_first_word(before: SetLine, line: SetLine) -> bool:
    """Whether the first word of a line would have fitted on the line before, had the paragraph gone on."""
    first = line.tokens[0].box
    width = (first.width if first else line.x_height * 2) / line.x_height
    return before.room > width + _SPACE


def _are_set_apart(before: SetLine, line: SetLine, pitch: float) -> bool:
    """Whether there is more than the usual space between two lines; over a page end it cannot be told."""
    step = (line.baseline - before.baseline) / line.x_height if before.page == line.page else pitch
    return step > _APART_TIMES * pitch + _APART_MORE


def _hangs(line: SetLine, paragraph: Paragraph) -> bool:
    """Whether an indented line stands under another of its paragraph that is indented as far."""
    return len(paragraph.lines) > 1 and abs(paragraph.lines[-1].indent - line.indent) < _SAME_INDENT


def _is_set_in(line: SetLine) -> bool:
    return min(line.indent, line.room) > _SET_IN
