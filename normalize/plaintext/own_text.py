"""Our own published text, taken back as it is: there a block is a block, and a note stands below what cites it.

Known by its form alone. Another engine may happen to write so; then the halves of a sentence that a page end parted
are still joined where the second is in lower case, which a text of ours has no more.
"""

from __future__ import annotations

import re
from collections.abc import Sequence, Set
from dataclasses import replace
from itertools import pairwise

from normalize.plaintext.chunks import Chunk, chunks_of
from normalize.plaintext.form_lines import part_of_form, stands_alone
from normalize.plaintext.plain_numbers import with_plain_numbers
from normalize.plaintext.signs import NOTATION, ended, raises_unit
from normalize.plaintext.story import LEAST_GAIN, Continuity, Told, stands_for_itself

_NOTE = re.compile(r"\[\^(\d{1,3})\]: (?=\S)")
_NOTE_INSIDE = re.compile(r" \[\d{1,3}: ")
_REFERENCE = re.compile(r"\[\^(\d{1,3})\]")
#: Raised digits that are no references, and what stands for them while the text is taken apart.
_RAISED, _HIDDEN = "⁰¹²³⁴⁵⁶⁷⁸⁹", "".join(map(chr, range(0xE010, 0xE01A)))
_NO_HEAD, _NO_BRACKET = "\ue01a", "\ue01b"
_BRACKET = re.compile(r"(?<=\[)(?=\d{1,3}\])")
_BRACKETED_HEAD = re.compile(rf"\[{_NO_BRACKET}(\d{{1,3}})\]")
#: A number in brackets, raised, or in ordinary digits after a word: what may cite a note.
_CITES = re.compile(rf"(?<=.)\[{_NO_BRACKET}(\d{{1,3}})\]|([{_HIDDEN}]{{1,3}})|(?<=[^\W\d_])[.,;:”\")]?(\d{{1,3}})\b")
_PLAIN = str.maketrans(_RAISED, "0123456789")
_HIDE, _SHOW = str.maketrans(_RAISED, _HIDDEN), str.maketrans(_HIDDEN, _RAISED, _NO_HEAD + _NO_BRACKET)
_FURTHER = re.compile(r" {4}(?=\S)")  # a further paragraph of a note
#: Letters: the lines of the head of a document are shorter.
_LONG = 160
_LINE = (60, 140)  # letters of a printed line
_FEWEST_LINES = 4


def own_chunks(text: str) -> list[Chunk] | None:
    """The chunks of a text that has the form of our own, ``None`` for any other."""
    if not _is_own(text) or not set(_HIDDEN + _NO_HEAD + _NO_BRACKET).isdisjoint(text):
        return None
    # A block that begins with a reference heads no note: those have a colon.
    hidden = re.sub(r"^(?=\[\^\d{1,3}\](?!: ))", _NO_HEAD, text.translate(_HIDE), flags=re.MULTILINE)
    hidden = _BRACKET.sub(_NO_BRACKET, hidden)
    chunks, dropped = chunks_of(hidden, a_block_each=True)
    has_notes = any(chunk.head for chunk in chunks)
    if not has_notes and _may_head_notes(chunks):
        return None
    # Page numbers, running headers, notes with ordinary digits: another engine's.
    if dropped or (not has_notes and with_plain_numbers(chunks)[1]):
        return None
    return [
        replace(
            chunk,
            text=chunk.text.translate(_SHOW),
            table=tuple(tuple(cell.translate(_SHOW) for cell in row) for row in chunk.table),
        )
        for chunk in chunks
    ]


def _may_head_notes(chunks: Sequence[Chunk]) -> bool:
    """Whether chunks begin with raised numbers, or with such in brackets as something may cite."""
    texts = [chunk.text for chunk in chunks if not chunk.table]
    if any(text[:1] in _HIDDEN for text in texts if text):
        return True
    heads = {found[1] for text in texts if (found := _BRACKETED_HEAD.match(text))}
    if not heads:
        return False
    cited = {digits for text in texts for found in _CITES.finditer(text) for digits in found.groups() if digits}
    return not heads.isdisjoint(digits.translate(_SHOW).translate(_PLAIN) for digits in cited)


def _is_own(text: str) -> bool:
    """Whether a text has the form of our own: blocks between single blank lines, notes in their places."""
    if not text.endswith("\n") or text != text.strip("\n") + "\n" or "\r" in text or "\f" in text:
        return False
    blocks = text[:-1].split("\n\n")
    if not all(map(_is_block, blocks)):
        return False
    cites = bool(_REFERENCE.search(text) or _NOTE_INSIDE.search(text))
    if any(not _is_own_notation(found, cites) for found in NOTATION.finditer(text)):
        return False
    if _are_printed_lines(blocks):
        return False
    return _further_ones_follow_notes(blocks) and _notes_in_their_places(blocks)


def _are_printed_lines(blocks: Sequence[str]) -> bool:
    """Whether most blocks break off as printed lines do, with a blank line below each."""
    lines = [block for block in blocks if _LINE[0] <= len(block) <= _LINE[1] and "\t" not in block]
    return len(lines) >= _FEWEST_LINES and sum(not ended(line) for line in lines) > 0.5 * len(lines)


def _is_block(block: str) -> bool:
    """Whether lines are one block: a paragraph on one line, or the rows of a table."""
    lines = block.split("\n")
    if not block.strip() or not all(lines):
        return False
    return len(lines) == 1 or all("\t" in line for line in lines) or all(map(_is_barred, lines))


def _is_barred(line: str) -> bool:
    return line.startswith("|") and line.endswith("|")


def _is_own_notation(found: re.Match[str], cites: bool) -> bool:
    """Whether a number is written as we do: a reference as ``[^1]``, an exponent as ``m²``, others as printed.

    Args:
        cites: the text has references or notes of our notation, so that no other number is one.
    """
    text, at = found.string, found.start()
    if found["markdown"]:
        return not found[0].startswith("\\")
    if not (found["raised"] or found["bracket"]):
        return False
    if found[0].startswith("\\"):  # our Markdown escapes a printed bracket where it opens
        return found[0].endswith("]") and not found[0].endswith("\\]")
    if cites or at == 0 or text[at - 1] in "\n\t":  # a cell; what begins like a note is seen to later
        return True
    if found["bracket"]:
        return True
    return text[at - 1].isdigit() or text[at - 1] == " " or raises_unit(text, at, found["raised"].translate(_PLAIN))


def _further_ones_follow_notes(blocks: Sequence[str]) -> bool:
    """Whether only further paragraphs of notes are indented."""
    notes = [bool(_NOTE.match(block) or _FURTHER.match(block)) for block in blocks]
    return not notes[0] and all(notes[at - 1] for at, block in enumerate(blocks) if _FURTHER.match(block))


def _notes_in_their_places(blocks: Sequence[str]) -> bool:
    """Whether notes come in the order of their references, right below the block or all of them below the last one."""
    heads = [(at, found[1]) for at, block in enumerate(blocks) if (found := _NOTE.match(block))]
    numbers = [number for _, number in heads]
    if len(set(numbers)) < len(numbers):
        return False
    if heads and _are_at_the_end(blocks, heads[0][0]):
        return True
    return _follow_their_references(blocks, set(numbers))


def _follow_their_references(blocks: Sequence[str], known: Set[str]) -> bool:
    """Whether each note stands below the block that cites it first, before the next one."""
    waiting: list[str] = []
    done: set[str] = set()
    for block in blocks:
        head = _NOTE.match(block)
        if head and head[1] in waiting:
            waiting.remove(head[1])
        elif not head and not _FURTHER.match(block) and waiting:
            return False  # the next block, and notes are still to come
        cited = [number for number in _REFERENCE.findall(block[head.end() if head else 0 :]) if number in known - done]
        done |= set(cited) | ({head[1]} if head else set())
        waiting = list(dict.fromkeys([*waiting, *cited]))
    return not waiting


def _are_at_the_end(blocks: Sequence[str], first: int) -> bool:
    """Whether nothing but notes follows the first of them."""
    return all(_NOTE.match(block) or _FURTHER.match(block) for block in blocks[first:])


def tell_own(chunks: Sequence[Chunk]) -> Told:
    """What each chunk of such a text is; only what must be halves of one sentence is joined."""
    in_note: list[bool] = []
    joins = [False] * len(chunks)
    for chunk in chunks:
        in_note.append(bool(chunk.head) or (chunk.indented and bool(in_note) and in_note[-1]))
    bodies = [index for index, noted in enumerate(in_note) if not noted]
    judge = Continuity(chunks, back=0)
    in_head = True  # of the first document, or of another one further down
    for before, after in pairwise(bodies):
        if stands_alone(chunks[before].text):
            in_head = True
        elif chunks[before].ended or len(chunks[before].text) > _LONG:
            in_head = False
        joins[after] = not in_head and _goes_on(chunks[before], chunks[after], judge, before, after)
    return Told(in_note, joins)


def _goes_on(last: Chunk, chunk: Chunk, judge: Continuity, before: int, after: int) -> bool:
    """Whether a chunk goes on with the one before it in the middle of a sentence."""
    if last.ended or last.table or chunk.table or last.marks or chunk.marks or part_of_form(last.text, chunk.text):
        return False
    if stands_for_itself(last.text, chunk.lower) or stands_for_itself(chunk.text, chunk.lower):
        return False
    is_remark = chunk.text.startswith("(")  # "(ký và đóng dấu)"
    return chunk.lower and not is_remark and judge.follows(before, after) > LEAST_GAIN
