"""Our own published text, taken back as it is: there a block is a block, and a note stands below what cites it.

Known by its form alone. Another engine may happen to write so; then the halves of a sentence that a page end parted
are still joined, which a text of ours has no more.
"""

from __future__ import annotations

import re
from collections.abc import Sequence, Set
from dataclasses import replace
from itertools import pairwise

from normalize.plaintext.chunks import Chunk, chunks_of
from normalize.plaintext.form_lines import part_of_form
from normalize.plaintext.plain_numbers import with_plain_numbers
from normalize.plaintext.signs import NOTATION, raises_unit
from normalize.plaintext.story import Continuity, Told, stands_for_itself
from normalize.vietnamese.decree30 import is_list_item

_NOTE = re.compile(r"\[\^(\d{1,3})\]: (?=\S)")
_REFERENCE = re.compile(r"\[\^(\d{1,3})\]")
#: Raised digits that are no references, and what stands for them while the text is taken apart.
_RAISED, _HIDDEN = "⁰¹²³⁴⁵⁶⁷⁸⁹", "".join(map(chr, range(0xE010, 0xE01A)))
_NO_HEAD = "\ue01a"
_PLAIN = str.maketrans(_RAISED, "0123456789")
_HIDE, _SHOW = str.maketrans(_RAISED, _HIDDEN), str.maketrans(_HIDDEN, _RAISED, _NO_HEAD)
_FURTHER = re.compile(r" {4}(?=\S)")  # a further paragraph of a note
#: Letters: what is shorter and ends without a stop is a whole line of its own before a capital.
_LONG = 160
#: Nats by which a capital must be likelier after a long line than at a sentence's start to go on with it.
_LIKELY_ON = 2.0


def own_chunks(text: str) -> list[Chunk] | None:
    """The chunks of a text that has the form of our own, ``None`` for any other."""
    if not _is_own(text) or not set(_HIDDEN + _NO_HEAD).isdisjoint(text):
        return None
    # A block that begins with a reference heads no note: those have a colon.
    hidden = re.sub(r"^(?=\[\^\d{1,3}\](?!: ))", _NO_HEAD, text.translate(_HIDE), flags=re.MULTILINE)
    chunks, dropped = chunks_of(hidden)
    _, plain = with_plain_numbers(chunks)
    if plain or dropped:  # notes with ordinary digits, page numbers: another engine's
        return None
    return [
        replace(
            chunk,
            text=chunk.text.translate(_SHOW),
            table=tuple(tuple(cell.translate(_SHOW) for cell in row) for row in chunk.table),
        )
        for chunk in chunks
    ]


def _is_own(text: str) -> bool:
    """Whether a text has the form of our own: blocks between single blank lines, notes in their places."""
    if not text.endswith("\n") or text != text.strip("\n") + "\n" or "\r" in text or "\f" in text:
        return False
    blocks = text[:-1].split("\n\n")
    if len(blocks) < 2 or not all(map(_is_block, blocks)):
        return False
    has_notes = any(map(_NOTE.match, blocks))
    if any(not _is_own_notation(found, has_notes) for found in NOTATION.finditer(text)):
        return False
    return _further_ones_follow_notes(blocks) and _notes_in_their_places(blocks)


def _is_block(block: str) -> bool:
    """Whether lines are one block: a paragraph on one line, or the rows of a table."""
    lines = block.split("\n")
    if not block.strip() or not all(lines):
        return False
    return len(lines) == 1 or all("\t" in line for line in lines) or all(map(_is_barred, lines))


def _is_barred(line: str) -> bool:
    return line.startswith("|") and line.endswith("|")


def _is_own_notation(found: re.Match[str], has_notes: bool) -> bool:
    """Whether a raised number is written as we do: a reference as ``[^1]``, anything else, an exponent, as ``m²``."""
    if found["raised"]:
        text, at = found.string, found.start()
        if at == 0 or text[at - 1] == "\n":
            return False
        after_figure = text[at - 1].isdigit() or text[at - 1] == " "
        return has_notes or after_figure or raises_unit(text, at, found["raised"].translate(_PLAIN))
    return bool(found["markdown"]) and not found[0].startswith("\\")


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
    end_of_head = next((at for at in bodies if chunks[at].ended or len(chunks[at].text) > _LONG), len(chunks))
    for before, after in pairwise(bodies):
        joins[after] = after > end_of_head and _goes_on(chunks[before], chunks[after], judge, before, after)
    return Told(in_note, joins)


def _goes_on(last: Chunk, chunk: Chunk, judge: Continuity, before: int, after: int) -> bool:
    """Whether a chunk goes on with the one before it in the middle of a sentence."""
    if last.ended or last.table or chunk.table or part_of_form(last.text, chunk.text):
        return False
    if stands_for_itself(last.text, chunk.lower) or stands_for_itself(chunk.text, chunk.lower):
        return False
    if chunk.lower:
        return not chunk.text.startswith("(")  # "(ký và đóng dấu)"
    is_likely = len(last.text) >= _LONG and not is_list_item(chunk.text)
    return is_likely and judge.follows(before, after) >= _LIKELY_ON
