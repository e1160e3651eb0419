"""How often repair was wrong in the field: what people took back, typed over and typed, counted over published texts.

The rates are over the words of documents that somebody opened. Nobody is made to read them to the end, so what people
overlooked is not counted: the true rates are these or higher.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flows.language import _
from flows.review import wording
from flows.review.index import Library, ask

OF_WORDS = 10_000


@dataclass(frozen=True, slots=True)
class OfKind:
    """What became of the corrections of one kind.

    Attributes:
        kind: ``tone``, ``mark``, ``letter``, ``join``, ``split``, ``case`` or ``sign``; empty for all together.
        made: by repair.
        taken_back: by people.
        typed_over: people typed something else there.
    """

    kind: str
    made: int
    taken_back: int
    typed_over: int

    @property
    def wrong(self) -> int:
        return self.taken_back + self.typed_over

    def wrong_of_words(self, words: int) -> float | None:
        """How many were wrong of 10,000 words; ``None`` where there are no words."""
        return OF_WORDS * self.wrong / words if words else None


@dataclass(frozen=True, slots=True)
class Counted:
    """What was counted over some documents.

    Attributes:
        words: of their texts.
        kinds: the commonest first.
        typed: words that people typed.
        edits: that stand, by kind.
        lost: edits that found no place when a scan was read again.
    """

    documents: int
    words: int
    kinds: tuple[OfKind, ...]
    typed: int
    edits: dict[str, int]
    lost: int

    @property
    def together(self) -> OfKind:
        made, back, over = (sum(getattr(one, name) for one in self.kinds) for name in _FIELDS)
        return OfKind("", made, back, over)


_FIELDS = ("made", "taken_back", "typed_over")


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All published documents, and of these the ones that somebody opened or mended."""

    all: Counted
    opened: Counted


def evaluate(library: Library) -> Evaluation:
    """Count over the documents that the index knows.

    Raises:
        OSError, sqlite3.Error: it cannot be used.
    """

    def question(connection: sqlite3.Connection) -> Evaluation:
        return Evaluation(_counted(connection, ""), _counted(connection, "AND state IN ('looked at', 'mended')"))

    return ask(library, question)


def _counted(connection: sqlite3.Connection, which: str) -> Counted:
    # What is published in parts is counted once, as the whole: only that has counts.
    joined = f"FROM counts JOIN documents ON documents.number = counts.document {which}"
    many: Counter[tuple[str, str]] = Counter()
    for what, kind, count in connection.execute(f"SELECT what, kind, sum(many) {joined} GROUP BY what, kind"):
        many[what, kind] = count
    (documents,) = connection.execute(f"SELECT count(DISTINCT counts.document) {joined}").fetchone()
    kinds = sorted((kind for what, kind in many if what == "made"), key=lambda kind: (-many["made", kind], kind))
    return Counted(
        documents,
        many["words", ""],
        tuple(OfKind(kind, many["made", kind], many["taken back", kind], many["typed over", kind]) for kind in kinds),
        many["typed", ""],
        {kind: count for (what, kind), count in sorted(many.items()) if what == "edits"},
        many["lost", ""],
    )


def tables_of(found: Evaluation) -> Iterator[tuple[str, tuple[str, ...], list[tuple[object, ...]]]]:
    """Title, heads and rows of what a terminal shows."""
    opened, rates = found.opened, (_("made"), _("taken back"), _("typed over"), _("wrong of 10,000 words"))
    rows: list[tuple[object, ...]] = []
    for one in (*opened.kinds, opened.together):
        rate = one.wrong_of_words(opened.words)
        name = wording.kinds().get(one.kind, one.kind) or _("all")
        rows.append((name, one.made, one.taken_back, one.typed_over, "–" if rate is None else f"{rate:.2f}"))
    title = _("Corrections in the documents that somebody opened: {count} of {all}, {words} words")
    yield (
        title.format(count=opened.documents, all=found.all.documents, words=opened.words),
        (_("kind"), *rates),
        rows,
    )
    told = (
        (_("words"), found.all.words, opened.words),
        (_("corrections by repair"), found.all.together.made, opened.together.made),
        (_("words typed by people"), found.all.typed, opened.typed),
        (_("changes by people"), sum(found.all.edits.values()), sum(opened.edits.values())),
        (_("changes without a place in a new reading"), found.all.lost, opened.lost),
    )
    yield _("Counted"), ("", _("all documents"), _("opened ones")), list(told)


def as_record(found: Evaluation) -> dict[str, Any]:
    """What was counted, as JSON for programs."""
    return {"all": _record(found.all), "opened": _record(found.opened)}


def _record(counted: Counted) -> dict[str, Any]:
    def of_kind(one: OfKind) -> dict[str, Any]:
        told = {name: getattr(one, name) for name in _FIELDS}
        return {**told, "wrong_per_10000_words": one.wrong_of_words(counted.words)}

    typed = OF_WORDS * counted.typed / counted.words if counted.words else None
    return {
        "documents": counted.documents,
        "words": counted.words,
        "corrections": of_kind(counted.together),
        "corrections_by_kind": {one.kind: of_kind(one) for one in counted.kinds},
        "words_typed": counted.typed,
        "words_typed_per_10000_words": typed,
        "edits": counted.edits,
        "edits_without_place": counted.lost,
    }
