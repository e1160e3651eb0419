"""Which chunk of a text belongs to the body and which to a note, and what goes on with what: the cheapest story.

A story says of each chunk in turn which of five ways it takes: it heads a note, begins a paragraph of the body, goes on
with the body, goes on with a note, or begins a further paragraph of a note. Each way has its costs, and what goes on
gains what the language model says of the words on either side of the gap. Stories are told side by side (beam search);
of those that have come to the same state the cheapest is told on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from normalize.plaintext.chunks import Chunk
from normalize.plaintext.form_lines import part_of_form
from normalize.plaintext.signs import SURE_SIGN, bare, is_unread_page, raised_numbers
from normalize.structure.footnotes import Sign, settle
from normalize.vietnamese import language
from normalize.vietnamese.decree30 import heading_level, is_document_type
from normalize.vietnamese.language import load_language_model

_USUAL_PAGE = 12  # chunks
_THIN_PAGE = 600  # letters of body: fewer between two groups of notes are hardly a page's
_LONGEST_HEADING = 160  # letters; what is longer and ends without a full stop breaks off
_LONGEST_SIGNS = 40  # letters of the raised numbers behind a stop
_BEAM = 48  # stories told side by side
LEAST_GAIN = -6.0  # nats: words that never follow each other are not weighed below this, nor the likeliest above
_HOPELESS = 16.0  # nats: this much dearer than the cheapest, a story is given up


@dataclass(frozen=True, slots=True)
class Told:
    """What each chunk is: a note's or the body's, going on with the one before it of its kind or not."""

    in_note: list[bool]
    joins: list[bool]


@dataclass(frozen=True, slots=True)
class _Story:
    """What each chunk so far is, and what that cost.

    Attributes:
        before: the story up to the last chunk.
        in_note: the last chunk belongs to a note, not to the body.
        join: the last chunk goes on with the one before it of its kind.
        body, note: index of the last chunk of each kind, -1 for none.
        run: letters of body since the last note.
        length: letters of the body's last paragraph.
    """

    cost: float
    before: _Story | None = None
    in_note: bool = False
    join: bool = False
    body: int = -1
    note: int = -1
    run: int = 0
    length: int = 0


def tell(chunks: Sequence[Chunk]) -> Told:
    """The cheapest story of a whole text."""
    first_head = next((index for index, chunk in enumerate(chunks) if chunk.head), len(chunks))
    judge = Continuity(chunks, back=1 if first_head == len(chunks) else _USUAL_PAGE)
    cites = _cites(chunks)
    beam = [_Story(0.0)]
    for index in range(len(chunks)):
        judge.learn({(before, index) for story in beam for before in (story.body, story.note) if before >= 0})
        longer: list[_Story] = []
        for story in beam:
            place = _place(chunks, index, story, cites[index], notes_begun=index > first_head)
            longer += [_told_on(story, index, place, way, judge) for way in _WAYS if way.possible(place)]
        beam = _worth_telling(longer)
    return _told(beam[0])


def _worth_telling(stories: Iterable[_Story]) -> list[_Story]:
    """The cheapest story of each state, without those that are too dear already."""
    best: dict[tuple[int, int, bool], _Story] = {}
    for story in stories:
        state = (story.body, story.note, story.in_note)
        if state not in best or story.cost < best[state].cost:
            best[state] = story
    cheapest = sorted(best.values(), key=lambda story: story.cost)[:_BEAM]
    return [story for story in cheapest if story.cost <= cheapest[0].cost + _HOPELESS]


def _told(story: _Story) -> Told:
    """A story from its first chunk to its last."""
    in_note, joins = [], []
    while story.before is not None:
        in_note.append(story.in_note)
        joins.append(story.join)
        story = story.before
    return Told(in_note[::-1], joins[::-1])


def _cites(chunks: Sequence[Chunk]) -> list[int]:
    """How many references stand in each chunk, by the likeliest rising sequence of all raised numbers of the text."""
    counts = [0] * len(chunks)
    last_head: dict[str, int] = {}
    for index, chunk in enumerate(chunks):
        if chunk.head:
            last_head[chunk.head] = index
    if not last_head:
        return counts
    signs = [
        (index, sign[2]) for index, chunk in enumerate(chunks) if not chunk.head for sign in raised_numbers(chunk.text)
    ]
    numbers = settle([Sign(index, digits, SURE_SIGN) for index, digits in signs])
    for (index, digits), number in zip(signs, numbers, strict=True):
        if number is not None and last_head.get(digits, -1) > index:
            counts[index] += 1
    return counts


# -- the ways a chunk may take, and what each costs -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Place:
    """The next chunk, and where a story stands when it comes to it.

    Attributes:
        chunk: the next one.
        lower: it begins in the middle of a sentence, by its looks.
        page_begins: it is the first of a page.
        cites: references in it that notes further down answer.
        body, note: the last chunk of each kind.
        body_open, note_open: that chunk's sentence may go on.
        body_short: the body's last paragraph may be a heading.
        after_note: the chunk just before belongs to a note.
        notes_begun: a note was headed somewhere before.
        run: letters of body since the last note.
    """

    chunk: Chunk
    lower: bool
    page_begins: bool
    cites: int
    body: Chunk | None
    note: Chunk | None
    body_open: bool
    note_open: bool
    body_short: bool
    after_note: bool
    notes_begun: bool
    run: int


def _place(chunks: Sequence[Chunk], index: int, story: _Story, cites: int, notes_begun: bool) -> _Place:
    chunk = chunks[index]
    body = chunks[story.body] if story.body >= 0 else None
    note = chunks[story.note] if story.note >= 0 else None
    lower = chunk.lower
    return _Place(
        chunk=chunk,
        lower=lower,
        page_begins=index > 0 and chunk.page != chunks[index - 1].page,
        cites=cites,
        body=body,
        note=note,
        body_open=_is_open(body, lower),
        note_open=_is_open(note, lower),
        body_short=story.length < _LONGEST_HEADING,
        after_note=story.in_note,
        notes_begun=notes_begun,
        run=story.run,
    )


def _is_open(last: Chunk | None, lower: bool) -> bool:
    """Whether a chunk may be gone on with: by anything in the middle of a sentence, by lower case after a semicolon."""
    return last is not None and (not last.ended or (lower and _parts_halves(last)))


def _parts_halves(chunk: Chunk) -> bool:
    """Whether a chunk ends in a semicolon, which ends a list item, or parts two halves of a sentence."""
    return not chunk.table and bare(chunk.text[-_LONGEST_SIGNS:]).endswith(";")


def stands_for_itself(text: str, lower: bool) -> bool:
    """Whether a text is a title, a heading or in place of a page, so that the next chunk does not go on with it."""
    return is_unread_page(text) or is_document_type(text) or (bool(heading_level(text)) and not lower)


def _may_go_on_with_body(place: _Place) -> bool:
    plain = _is_plain(place.chunk)
    if not plain or not place.body_open or place.body is None or stands_for_itself(place.body.text, place.lower):
        return False
    return place.lower or not part_of_form(place.body.text, place.chunk.text)


def _may_be_in_note(place: _Place) -> bool:
    return _is_plain(place.chunk) and place.notes_begun and place.note is not None


def _is_plain(chunk: Chunk) -> bool:
    return not chunk.head and not chunk.table and not is_unread_page(chunk.text)


@dataclass(frozen=True, slots=True)
class _Cost:
    """Something that speaks against a way."""

    name: str
    nats: float
    holds: Callable[[_Place], bool]


@dataclass(frozen=True, slots=True)
class _Way:
    """One way to take a chunk into a story.

    Attributes:
        in_note: it belongs to a note.
        join: it goes on with the chunk before it of its kind, and gains what the words on either side say.
        possible: whether it is a way at all.
        costs: what speaks against it.
    """

    in_note: bool
    join: bool
    possible: Callable[[_Place], bool]
    costs: tuple[_Cost, ...]


# The nats are by feel: the language model has nothing to say here.
_LOWER_CASE_START = _Cost("a paragraph begins in lower case", 6.0, lambda at: at.lower)
_BODY_BELOW_NOTES = _Cost(
    "body below notes of its page", 4.0, lambda at: bool(at.chunk.page) and at.after_note and not at.page_begins
)
_NOTE_ON_TOP = _Cost("a note on top of a page", 3.0, lambda at: at.page_begins)
_REFERENCE_IN_NOTE = _Cost("a reference in a note", 4.0, lambda at: at.cites >= 1)
_SECOND_REFERENCE_IN_NOTE = _Cost("and another reference", 4.0, lambda at: at.cites >= 2)

_HEADS_NOTE = _Way(
    in_note=True,
    join=False,
    possible=lambda at: bool(at.chunk.head),
    costs=(
        _Cost("the note before breaks off", 2.0, lambda at: at.note_open),
        # Between two groups of notes lies the body of a page, which is seldom only a few lines.
        _Cost("thin body since the note before", 3.0, lambda at: at.note is not None and 0 < at.run < _THIN_PAGE),
    ),
)
_BEGINS_BODY_PARAGRAPH = _Way(
    in_note=False,
    join=False,
    possible=lambda at: not at.chunk.head,
    costs=(
        _LOWER_CASE_START,
        _Cost("the body before breaks off", 3.0, lambda at: at.body_open and not at.body_short),
        _BODY_BELOW_NOTES,
    ),
)
_GOES_ON_WITH_BODY = _Way(
    in_note=False,
    join=True,
    possible=_may_go_on_with_body,
    costs=(
        _Cost("a capital within a sentence", 2.0, lambda at: not at.lower),
        _Cost("a capital after a heading", 2.0, lambda at: not at.lower and at.body_short),
        _BODY_BELOW_NOTES,
    ),
)
_GOES_ON_WITH_NOTE = _Way(
    in_note=True,
    join=True,
    possible=lambda at: _may_be_in_note(at) and at.note_open,
    costs=(
        _Cost("a capital within a sentence", 1.0, lambda at: not at.lower and at.after_note),
        # Across a page end a capital hardly goes on with a sentence, whatever the words say.
        _Cost("a capital after a page of body", 4.0, lambda at: not at.lower and not at.after_note),
        _Cost("no page between the halves of a broken note", 3.0, lambda at: at.after_note),
        _Cost("a note after body", 1.0, lambda at: not at.after_note),
        _REFERENCE_IN_NOTE,
        _SECOND_REFERENCE_IN_NOTE,
        _NOTE_ON_TOP,
    ),
)
_BEGINS_NOTE_PARAGRAPH = _Way(
    in_note=True,
    join=False,
    possible=lambda at: _may_be_in_note(at) and at.after_note,
    costs=(
        _Cost("a further paragraph that is not indented", 2.2, lambda at: not at.chunk.indented),
        _LOWER_CASE_START,
        _REFERENCE_IN_NOTE,
        _SECOND_REFERENCE_IN_NOTE,
        _NOTE_ON_TOP,
    ),
)
_WAYS = (_HEADS_NOTE, _BEGINS_BODY_PARAGRAPH, _GOES_ON_WITH_BODY, _GOES_ON_WITH_NOTE, _BEGINS_NOTE_PARAGRAPH)


def _told_on(story: _Story, index: int, place: _Place, way: _Way, judge: Continuity) -> _Story:
    """A story with one more chunk that goes one way."""
    cost = sum(one.nats for one in way.costs if one.holds(place))
    if way.join:
        cost -= judge.follows(story.note if way.in_note else story.body, index)
    return _Story(
        cost=story.cost + cost,
        before=story,
        in_note=way.in_note,
        join=way.join,
        body=story.body if way.in_note else index,
        note=index if way.in_note else story.note,
        run=0 if way.in_note else story.run + len(place.chunk.text),
        length=story.length if way.in_note else len(place.chunk.text) + way.join * story.length,
    )


# -- what follows on what -------------------------------------------------------------------------------------------


class Continuity:
    """How well one chunk follows on another, by the language model."""

    def __init__(self, chunks: Sequence[Chunk], back: int) -> None:
        """Args: chunks; and how many chunks back most questions will go, to ask the model all of them at once."""
        self._model = load_language_model()
        # The edges are all that is looked at: a chunk may be long.
        self._heads = [self._ids(bare(chunk.text[:80]).split()[:2])[:2] for chunk in chunks]
        self._tails = [self._ids(bare(chunk.text[-120:]).split()[-3:])[-3:] for chunk in chunks]
        self._starts = self._scores([([0, 0, 0], head) for head in self._heads])
        self._open = [not chunk.ended for chunk in chunks]
        self._asked = [not chunk.head and not chunk.table for chunk in chunks]
        self._known: dict[tuple[int, int], float] = {}
        self.learn({(before, after) for after in range(len(chunks)) for before in range(max(0, after - back), after)})

    def _ids(self, parts: Sequence[str]) -> list[int]:
        return [self._model.id(piece.symbol) for part in parts for piece in language.symbols(part)]

    def _scores(self, wanted: Sequence[tuple[list[int], list[int]]]) -> list[float]:
        """Logarithm of the probability of each short sequence after its three symbols of context."""
        rows, owners = [], []
        for owner, (context, head) in enumerate(wanted):
            sequence = [*context, *head]
            for i in range(len(head)):
                rows.append(sequence[i : i + 4])
                owners.append(owner)
        if not rows:
            return [0.0] * len(wanted)
        scores = self._model.score_many(np.array(rows, np.int64))
        return list(np.bincount(owners, weights=scores, minlength=len(wanted)))

    def _gains(self, pairs: Sequence[tuple[int, int]]) -> list[float]:
        joined = self._scores([([0, 0, 0, *self._tails[before]][-3:], self._heads[after]) for before, after in pairs])
        return [
            max(LEAST_GAIN, min(-LEAST_GAIN, float(score - self._starts[after])))
            for score, (_, after) in zip(joined, pairs, strict=True)
        ]

    def learn(self, pairs: set[tuple[int, int]]) -> None:
        """Ask the model about several pairs of chunks at once."""
        wanted = [pair for pair in pairs if pair not in self._known and self._open[pair[0]] and self._asked[pair[1]]]
        if wanted:
            self._known.update(zip(wanted, self._gains(wanted), strict=True))

    def follows(self, before: int, after: int) -> float:
        """Nats by which the first two words of a chunk are likelier after another one than at a sentence's start."""
        if (before, after) not in self._known:
            self._known[before, after] = self._gains([(before, after)])[0]  # it ends in a semicolon
        return self._known[before, after]
