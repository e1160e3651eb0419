"""Edits made once more in a document whose scan was read anew.

The words, blocks and corrections of another reading have other numbers. An edit finds its place by what stood there
when it was made and where on paper that was; where nothing of the kind is known or found it is not made, but kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import pairwise

from normalize.document import Correction, Document, Edit, PageWarning, Taken, Token, Tokens, published
from normalize.edits.apply import DoesNotFit, fact, make, type_of
from normalize.edits.words import begins_of, text_at
from ocr.page import Box, hull

NOT_KEPT = "A change by {who} found no place when the scan was read again: “{before}” had become “{after}”."
"""What is said of an edit that is not made any more."""

_LONGEST_SHOWN = 60


def replay(document: Document, edits: Iterable[Edit]) -> tuple[Document, tuple[Edit, ...], tuple[Edit, ...]]:
    """The document with edits of an earlier reading made again, as far as their places are found.

    All of them are in its ``edits`` then. Those that found no place are not applied, and a warning tells of each; nor
    are those applied of which the text says already what they want.

    Args:
        document: as it was read anew, without edits.

    Returns:
        That document, the edits that were made, and those that found no place.
    """
    out: list[Edit] = []
    lost: list[Edit] = []
    for edit in edits:
        if edit.undone:
            out.append(replace(edit, applied=False, taken=Taken()))
            continue
        again = _made_again(document, edit)
        if again is not None:
            document, made = again
            out.append(made)
            continue
        resting = replace(edit, applied=False, taken=_remembered(edit))
        out.append(resting)
        if not _says_so_already(document, edit):
            lost.append(resting)
    told = tuple(map(_warning, lost))
    document = replace(document, edits=tuple(out), warnings=(*document.warnings, *told))
    return document, tuple(one for one in out if one.is_made), tuple(lost)


def _remembered(edit: Edit) -> Taken:
    """What must be known of an edit to find its place another time."""
    return Taken(corrections=edit.taken.corrections) if edit.kind == "take_back" else Taken()


def _made_again(document: Document, edit: Edit) -> tuple[Document, Edit] | None:
    for moved in _PLACES[edit.kind](document, edit):
        try:
            return make(document, moved)
        except DoesNotFit:
            continue
    return None


def _warning(edit: Edit) -> PageWarning:
    before, after = (_short(text.replace("\n", " ¶ ")) for text in (edit.before, edit.after))
    return PageWarning(edit.page, NOT_KEPT.format(who=edit.who or "?", before=before, after=after), edit.box)


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


# -- places --------------------------------------------------------------------------------------------------------


def _of_words(document: Document, edit: Edit) -> Iterator[Edit]:
    for where, start in _places_of(document, edit, edit.before):
        yield replace(edit, where=where, start=start)


def _of_take_back(document: Document, edit: Edit) -> Iterator[Edit]:
    """A correction that says the same of the same place."""
    for _, known in edit.taken.corrections:
        if not _is_of_edit(known, edit):
            continue
        alike = [one for one in document.corrections if (one.before, one.after) == (known.before, known.after)]
        near = [one for one in alike if one.page == known.page and _meet(one.box, known.box)]
        for one in near or (alike if len(alike) == 1 and alike[0].page == known.page else []):
            yield replace(edit, where=one.where, start=one.start, before=one.after, after=one.before)


def _is_of_edit(known: Correction, edit: Edit) -> bool:
    """Whether it is the correction that was taken back, and not one that stood in the same words."""
    at = known.start - edit.start
    if not 0 <= at <= len(edit.before):
        return False
    return (edit.before[:at] + known.before + edit.before[at + len(known.after) :]).split() == edit.after.split()


def _of_facts(document: Document, edit: Edit) -> Iterator[Edit]:
    """What a person said of a document stands against whatever is read of it later."""
    number = int(edit.where.split("/")[1])
    if document.parts and edit.page:
        on_page = [at for at, part in enumerate(document.parts) if part.first_page <= edit.page <= part.last_page]
        number = on_page[0] if on_page else number
    where = f"documents/{number}/{edit.where.split('/')[2]}"
    try:
        yield replace(edit, where=where, before=fact(document, where))
    except DoesNotFit:
        return


def _of_types(document: Document, edit: Edit) -> Iterator[Edit]:
    for index, block in enumerate(document.blocks):
        where = f"blocks/{index}"
        is_there = _meet(block.box, edit.box) if edit.box and block.box else where == edit.where
        if block.page == edit.page and type_of(block) == edit.before and is_there:
            yield replace(edit, where=where)


def _of_joins(document: Document, edit: Edit) -> Iterator[Edit]:
    for where, start in _seams_of(document, edit, edit.before):
        yield replace(edit, where=where, start=start)


def _of_parts(document: Document, edit: Edit) -> Iterator[Edit]:
    for where, start in _places_of(document, edit, edit.before):
        yield replace(edit, where=where, start=start)


_PLACES = {
    "text": _of_words,
    "tie": _of_words,
    "take_back": _of_take_back,
    "metadata": _of_facts,
    "type": _of_types,
    "join": _of_joins,
    "part": _of_parts,
}


def _places_of(document: Document, edit: Edit, words: str) -> Iterator[tuple[str, int]]:
    """Where some whole words stand that stood at the place of an edit: first what lies there on paper.

    What lies elsewhere is of concern only if the words are found once on their page.
    """
    if not words:
        if not edit.page and _is_empty(document, edit.where):
            yield edit.where, 0
        return
    found = list(_found_on_page(document, edit.page, words))
    near = [(where, start) for where, start, box in found if edit.box and _meet(box, edit.box)]
    if not edit.box:
        near = [(where, start) for where, start, _ in found if (where, start) == (edit.where, edit.start)]
    yield from near or ([found[0][:2]] if len(found) == 1 else [])


def _found_on_page(document: Document, page: int, words: str) -> Iterator[tuple[str, int, Box | None]]:
    """Where some whole words stand whose page is the same, and their boxes; on any page, if it is 0."""
    for where, tokens in document.texts():
        for first, end, start in _runs_of(tokens, words):
            if not page or tokens[first].page == page:
                yield where, start, _box_of(tokens[first:end])


def _is_empty(document: Document, where: str) -> bool:
    try:
        return not text_at(document, where)
    except DoesNotFit:
        return False


def _runs_of(tokens: Tokens, words: str) -> Iterator[tuple[int, int, int]]:
    """From which word to which some words stand in a text, and where that begins; as often as they do."""
    text = published(tokens)
    if words not in text:
        return
    begins = {begin: index for index, begin in enumerate(begins_of(tokens))}
    start = text.find(words)
    while start >= 0:
        end = start + len(words) + 1
        if start in begins and end in begins:
            yield begins[start], begins[end], start
        start = text.find(words, start + 1)


def _seams_of(document: Document, edit: Edit, words: str) -> Iterator[tuple[str, int]]:
    """The blocks that end, and whose next ones begin, with the words about a break; and where the last word stands."""
    head, _, tail = words.partition("\n")
    found = []
    for index, (first, second) in enumerate(pairwise(document.blocks)):
        if (_last(first.tokens), _first(second.tokens)) == (head, tail):
            last = first.tokens[-1] if first.tokens else Token("", first.page, first.box)
            if not edit.page or last.page == edit.page:
                found.append((f"blocks/{index}", begins_of(first.tokens)[-2] if first.tokens else 0, last.box))
    near = [(where, start) for where, start, box in found if edit.box and _meet(box, edit.box)]
    yield from near or ([found[0][:2]] if len(found) == 1 else [])


def _first(tokens: Tokens) -> str:
    return published(tokens[:1])


def _last(tokens: Tokens) -> str:
    return published(tokens[-1:])


def _box_of(tokens: Tokens) -> Box | None:
    boxes = [token.box for token in tokens if token.box is not None and token.page == tokens[0].page]
    return hull(boxes) if boxes else None


def _meet(one: Box | None, other: Box | None) -> bool:
    return (one is None and other is None) or (one is not None and other is not None and one.overlaps(other))


def _says_so_already(document: Document, edit: Edit) -> bool:
    """Whether the document is as the edit wants it without being changed."""
    if edit.kind == "type":
        wanted = replace(edit, before=edit.after)
        return any(True for _ in _of_types(document, wanted))
    if edit.kind == "metadata":
        return any(one.before == edit.after for one in _of_facts(document, edit))
    if edit.kind == "part":
        return any(True for _ in _seams_of(document, edit, edit.after))
    return bool(edit.after) and any(True for _ in _places_of(document, edit, edit.after))
