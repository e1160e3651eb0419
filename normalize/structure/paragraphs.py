"""Lines to paragraphs, within a page and across pages.

Typesetters leave three signs of a paragraph's end: the next line is indented, the last line had room for the next
line's first word, or there is more space between the two. A sentence that is not finished speaks against
it. All measures are in x-heights of the lines, so that type size and resolution do not matter.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from normalize.document import Tokens
from normalize.structure.lines import SetLine, are_bold, join_lines, usual_pitch
from normalize.vietnamese.decree30 import begins_about, begins_part, heading_level, is_document_type, is_list_item
from ocr.page import Box, hull

_ENDS_SENTENCE = re.compile(r"[.;:!?…](?:[\"”’)\]]*)$|\./\.?$")
_DASHES = ("-", "–")
_PARTING_DASHES = tuple(f" {dash}" for dash in "-–—")
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
#: A colon set off from its label stands among so many first words, and so far behind the label unless the line above
#: has one too.
_LABEL_WORDS, _SET_OFF = 8, 1.0
#: Lines: a centred ending is looked for in paragraphs of fewer.
_TITLE_LINES = 6
#: So many other lines begin where an indented line begins, ...
_INDENTED_ALIKE = 2
#: ... and end this much further right or left.
_ENDS_ELSEWHERE = 2.0
#: A line hangs under the words of the item above it when it begins no further from them.
_UNDER_WORDS = 0.8


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
    def bold(self) -> bool | None:
        """Set in bold from end to end; ``None`` where that was not measured."""
        return are_bold(self.lines)

    @property
    def centred(self) -> bool:
        return all(line.centred or line.capitals for line in self.lines) and any(
            line.centred and _is_set_in(line) for line in self.lines
        )


def group(lines: Iterable[SetLine]) -> list[Paragraph]:
    """The paragraphs of consecutive lines, page ends included."""
    paragraphs: list[Paragraph] = []
    lines = _with_indents(list(lines))
    pitch = usual_pitch(lines)
    before: SetLine | None = None
    for line in lines:
        if before is None or _is_valued(line, before) or begins_paragraph(before, line, paragraphs[-1], pitch):
            paragraphs.append(Paragraph())
        paragraphs[-1].lines.append(line)
        before = line
    return paragraphs


def _with_indents(lines: Sequence[SetLine]) -> list[SetLine]:
    """The lines, those marked as indented that stand in the middle by chance.

    What is centred begins somewhere else in each line; where it does not, it ends at the same place too. Titles are in
    capitals or bold, and a title of nearly the full measure may well begin where the paragraphs do.
    """
    return [replace(line, indented=True) if _stands_among_indented(line, lines) else line for line in lines]


def _stands_among_indented(line: SetLine, lines: Sequence[SetLine]) -> bool:
    if not line.centred or line.capitals or are_bold([line]):
        return False
    alike = [
        other
        for other in lines
        if other is not line
        and other.page == line.page
        and abs(other.box.left - line.box.left) < _SAME_INDENT * line.x_height
        and abs(other.box.right - line.box.right) > _ENDS_ELSEWHERE * line.x_height
    ]
    return len(alike) >= (1 if is_list_item(line.text) else _INDENTED_ALIKE)


def begins_paragraph(before: SetLine, line: SetLine, paragraph: Paragraph, pitch: float) -> bool:
    """Whether ``line`` begins a new paragraph after ``before``, the last line of ``paragraph``."""
    set_apart = _are_set_apart(before, line, pitch)
    if _bold_ends(before, line):
        return True
    if _is_subject_of_letter(paragraph, line) and not set_apart:
        return False
    if _is_title_line(before, line):
        return _begins_title_line(before, line, set_apart)
    return _begins_in_text(before, line, paragraph, set_apart)


def _is_subject_of_letter(paragraph: Paragraph, line: SetLine) -> bool:
    """Whether a line carries on "V/v ...", which has a narrow column of its own and so less room than the page."""
    return begins_about(paragraph.lines[0].text) and _sentence_goes_on(paragraph.lines[-1], line)


def _begins_in_text(before: SetLine, line: SetLine, paragraph: Paragraph, set_apart: bool) -> bool:
    """The same question where none of the lines is centred."""
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
        return new_item or not _carries_on(line, paragraph, ended)
    return set_apart or (ended and new_item and not line.text.startswith(_DASHES))


def _carries_on(line: SetLine, paragraph: Paragraph, ended: bool) -> bool:
    """Whether an indented line carries on a paragraph, after a full stop only under the words of an item."""
    return _hangs(line, paragraph) and (not ended or _stands_under_words(line, paragraph))


def _is_title_line(before: SetLine, line: SetLine) -> bool:
    """Whether one of two lines is centred, and the second does not just fill the measure."""
    fills_measure = _sentence_goes_on(before, line) and not _is_set_in(line)
    return before.centred or (line.centred and not fills_measure)


def _is_valued(line: SetLine, before: SetLine) -> bool:
    """Whether a line is a label and, behind a colon set off from it, its value: "Địa chỉ       : 41 phố Chợ"."""
    gap = _colon_gap(line)
    return gap is not None and (gap > _SET_OFF or _colon_gap(before) is not None)


def _colon_gap(line: SetLine) -> float | None:
    """The space before the first colon that stands by itself after a label, in x-heights; ``None`` without one."""
    if not line.tokens[0].text[:1].isupper():
        return None
    for label, colon in pairwise(line.tokens[:_LABEL_WORDS]):
        if colon.text.startswith(":") and label.box and colon.box:
            return (colon.box.left - label.box.right) / line.x_height
        if label.text.endswith((":", ";", ".", ",")):
            return None
    return None


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
    """Whether a sentence plainly runs from one line to the next: no full stop, no capital, or a dash between words."""
    return not _ends_sentence(before) and (line.text[:1].islower() or before.text.endswith(_PARTING_DASHES))


def _style_changes(before: SetLine, line: SetLine) -> bool:
    """Whether capitals begin or end, or what is in brackets under a title begins."""
    return before.capitals != line.capitals or line.text.startswith("(")


def _bold_ends(before: SetLine, line: SetLine) -> bool:
    """Whether a line ends in bold, as a heading does, and the next begins something new in regular type."""
    # Strokes are weighed against their own page's.
    begins_anew = before.page == line.page and not line.centred and not line.text[:1].islower()
    return begins_anew and are_bold([before]) is True and are_bold([line]) is False


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
    """Whether an indented line carries on a paragraph that is indented as a whole.

    It stands under another line that is indented as far, or under the words of the item that it carries on.
    """
    above = paragraph.lines[-1]
    under_line = abs(above.indent - line.indent) < _SAME_INDENT
    in_block = under_line and (len(paragraph.lines) > 1 or (above.room < _FULL and not heading_level(above.text)))
    return in_block or _stands_under_words(line, paragraph)


def _stands_under_words(line: SetLine, paragraph: Paragraph) -> bool:
    """Whether a line begins under the first word of the item that its paragraph is, behind the item's sign."""
    first = paragraph.lines[0]
    words = first.tokens[1].box if len(first.tokens) > 1 else None
    if words is None or not is_list_item(first.text) or first.page != line.page:
        return False
    return abs(line.box.left - words.left) < _UNDER_WORDS * line.x_height


def _is_set_in(line: SetLine) -> bool:
    return min(line.indent, line.room) > _SET_IN
