"""Full-text search over published documents: those with the words as they were typed first, then by how well they fit.

The index tells which documents hold all that is asked for; where in their texts it stands is looked up for those that
are shown.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

from flows.host.names import readable
from flows.pipeline.to_check import LONGEST_SIDE, Passage, passage
from flows.review.entry import Text
from flows.review.index import Library, ask, unpacked
from flows.review.listing import SHOWN, Filter, Listed, conditions, count, documents, listed, place_of, read_place
from flows.review.words import Phrase, asked, exact, plain, words_of

SENTENCES = 3
"""So many sentences of a document are shown, more only where more phrases were asked for."""

MOST_PLACES = 200
"""So many places of a phrase are looked at in a document, to show those where others stand beside it."""

MOST_RANKED = 500
"""So many documents are put in order by how well they fit."""


@dataclass(frozen=True, slots=True)
class Found:
    """A place where something that was asked for stands.

    Attributes:
        where: ``blocks/12``, ``footnotes/3`` (by label) or ``metadata/0/subject`` (document in the file, field).
        page: 0 where there are no pages, or for a fact.
        offset, length: of the words in the published text, references and all; of several that stand side by side.
        passage: the words in their sentence.
        is_exact: whether they stand there with the marks that were typed.
    """

    where: str
    page: int
    offset: int
    length: int
    passage: Passage
    is_exact: bool


@dataclass(frozen=True, slots=True)
class Hit:
    """A document with all that was asked for."""

    document: Listed
    found: tuple[Found, ...]


@dataclass(frozen=True, slots=True)
class Hits:
    """A page of hits.

    Attributes:
        count: of all documents with what was asked for.
        after: where the next page begins; empty if there is none.
    """

    hits: tuple[Hit, ...]
    count: int
    after: str = ""


def search(library: Library, question: str, wanted: Filter | None = None, *, after: str = "", limit: int = 20) -> Hits:
    """The documents that hold every word and phrase of a question, which may be typed without marks.

    Args:
        question: words, numbers, symbols; phrases in quotes.
        wanted: which documents to look through.
        after: as the page before says; empty for the first one.

    Raises:
        BadPlace: ``after`` was not made here.
    """
    phrases = asked(question)
    if not phrases:
        return Hits((), 0)
    behind = tuple(read_place(after, 3)) if after else ()

    def answer(connection: sqlite3.Connection) -> Hits:
        ranked = _ranked(connection, phrases, wanted or Filter())
        rest = [key for key in ranked if key > behind]
        hits = tuple(_hit(connection, number, phrases) for _, _, number in rest[:limit])
        return Hits(hits, len(ranked), place_of(rest[limit - 1]) if len(rest) > limit else "")

    return ask(library, answer)


def look_for(library: Library, question: str, wanted: Filter, *, limit: int = 20) -> Hits:
    """The same, where a question without words asks for all documents that the filter lets through, the latest first.

    Args:
        limit: of documents.
    """
    if asked(question):
        return search(library, question, wanted, limit=limit)
    if question.strip():  # of signs alone: nothing can be found by them
        return Hits((), 0)
    page = documents(library, wanted, "dated", limit=limit)
    return Hits(tuple(Hit(document, ()) for document in page.documents), count(library, wanted))


def asked_on_command_line(words: Sequence[str]) -> str:
    """The arguments of a command line as one question: one with blanks in it had quotes, which the shell took away."""
    return " ".join(f'"{word}"' if " " in word and '"' not in word else word for word in words)


def as_record(found: Hits) -> dict[str, Any]:
    """Hits as JSON for programs."""
    return {
        "count": found.count,
        "documents": [
            {
                "id": hit.document.id,
                "json": readable(hit.document.name),
                "scan": hit.document.scan,
                "pages": hit.document.pages,
                "state": hit.document.state,
                "broken": hit.document.broken,
                "metadata": [asdict(facts) for facts in hit.document.parts],
                "found": [asdict(one) for one in hit.found],
            }
            for hit in found.hits
        ],
    }


def _ranked(connection: sqlite3.Connection, phrases: Sequence[Phrase], wanted: Filter) -> list[tuple[bool, float, int]]:
    """The documents with all the phrases, the best first: whether other marks were typed, how well it fits, number.

    Where so many have them that the words tell little, the latest come first, which is faster, too.
    """
    plainly = " AND ".join(f'"{phrase.plain}"' for phrase in phrases)
    where, values = conditions(wanted)
    statement = f"FROM plain JOIN documents ON documents.number = plain.rowid WHERE plain MATCH ? AND {where}"
    fitting = connection.execute(f"SELECT plain.rowid, -documents.changed {statement}", (plainly, *values)).fetchall()
    if len(fitting) <= MOST_RANKED:
        fitting = connection.execute(f"SELECT plain.rowid, bm25(plain) {statement}", (plainly, *values)).fetchall()
    exactly = _with_marks(connection, phrases)
    return sorted((exactly is not None and number not in exactly, fit, number) for number, fit in fitting)


def _with_marks(connection: sqlite3.Connection, phrases: Sequence[Phrase]) -> set[int] | None:
    """The documents with all those phrases that were typed with marks, as they were typed; ``None`` if none was."""
    as_typed = " AND ".join(f'"{phrase.exact}"' for phrase in phrases if phrase.has_marks)
    if not as_typed:
        return None
    return {number for (number,) in connection.execute("SELECT rowid FROM exact WHERE exact MATCH ?", (as_typed,))}


def _hit(connection: sqlite3.Connection, number: int, phrases: Sequence[Phrase]) -> Hit:
    row = connection.execute(f"SELECT {SHOWN} FROM documents WHERE number = ?", (number,)).fetchone()
    (document,) = listed(connection, [row])
    return Hit(document, places(_texts(connection, number), phrases))


def _texts(connection: sqlite3.Connection, number: int) -> list[Text]:
    row = connection.execute("SELECT packed FROM texts WHERE document = ?", (number,)).fetchone()
    return unpacked(row[0]) if row else []


def places(texts: Sequence[Text], phrases: Sequence[Phrase]) -> tuple[Found, ...]:
    """Where in a document the phrases stand: those places first where most of them stand together, with the marks that
    were typed; so many that each phrase can be seen, and then others, as many as are shown."""
    if len(phrases) == 1:
        return tuple(_places_of(texts, phrases[0]))
    left = _runs(texts, phrases)
    seen: set[int] = set()
    shown: list[Found] = []
    while left and (len(shown) < SENTENCES or len(seen) < len(phrases)):
        best = max(left, key=lambda run: (len(run.near - seen), len(run.phrases), run.exact))
        found = _found(best.text, best.begin, best.end, best.exact == len(best.phrases))
        beside = f"{found.passage.before}\n{found.passage.after}"
        news = best.phrases | {at for at in best.near if re.search(phrases[at].pattern, beside)}
        if len(shown) >= SENTENCES and news <= seen:
            best.near.intersection_update(best.phrases)  # what stands near stands in another sentence
            if best.phrases <= seen:
                left.remove(best)
            continue
        shown.append(found)
        seen |= news
        # What stands near may stand in another sentence, and is shown by itself if nothing else shows it.
        left = [run for run in left if run is not best and not (_is_near(run, best) and run.phrases <= seen)]
    return tuple(shown)


@dataclass(frozen=True, slots=True, eq=False)
class _Run:
    """Phrases that stand in a text one behind the other.

    Attributes:
        phrases: by their numbers.
        exact: how many have the marks that were typed.
        near: what else can be seen beside them, if no sentence ends between.
    """

    text: Text
    begin: int
    end: int
    phrases: frozenset[int]
    exact: int
    near: set[int]


def _runs(texts: Sequence[Text], phrases: Sequence[Phrase]) -> list[_Run]:
    """All runs of phrases; of one that stands everywhere the first ones only."""
    patterns = [re.compile(phrase.pattern) for phrase in phrases]
    left = [MOST_PLACES] * len(phrases)
    runs: list[_Run] = []
    for text in texts:
        spans = []
        for number, pattern in enumerate(patterns):
            for match in islice(pattern.finditer(text.text), left[number]):
                left[number] -= 1
                is_exact = exact(words_of(match[0])) == phrases[number].exact
                spans.append((match.start(), match.end(), number, is_exact))
        found: list[_Run] = []
        for begin, end, number, is_exact in sorted(spans):
            last = found[-1] if found else None
            if last and begin >= last.end and _GAP.fullmatch(text.text, last.end, begin):
                numbers = last.phrases | {number}
                found[-1] = _Run(text, last.begin, end, numbers, min(last.exact + is_exact, len(numbers)), set(numbers))
            elif not last or begin >= last.end:
                found.append(_Run(text, begin, end, frozenset({number}), int(is_exact), {number}))
        for at, run in enumerate(found):
            for other in found[at + 1 :]:
                if not _is_near(other, run):
                    break
                run.near.update(other.phrases)
                other.near.update(run.phrases)
        runs += found
    return runs


def _is_near(run: _Run, shown: _Run) -> bool:
    in_one = run.text is shown.text
    return in_one and run.begin - shown.end < LONGEST_SIDE and shown.begin - run.end < LONGEST_SIDE


#: What may stand between two words of a run.
_GAP = re.compile(r"(?:\[\^[^\]\s]{1,20}\]|[\W_]){1,4}")


def marked(text: str, phrases: Sequence[Phrase]) -> list[tuple[str, bool]]:
    """A passage in pieces, each with whether it is one of the phrases, with the marks that were typed if any were.

    >>> marked("về kế hoạch", asked("hoach"))
    [('về kế ', False), ('hoạch', True)]
    """
    pieces, at = [], 0
    wanted = {phrase.exact for phrase in phrases if phrase.has_marks}
    bare = {phrase.plain for phrase in phrases if not phrase.has_marks}
    for match in re.finditer("|".join(phrase.pattern for phrase in phrases) or r"(?!)", text):
        words = words_of(match[0])
        if exact(words) in wanted or plain(words) in bare:
            pieces += [(text[at : match.start()], False), (match[0], True)]
            at = match.end()
    return [piece for piece in (*pieces, (text[at:], False)) if piece[0]]


def _places_of(texts: Sequence[Text], phrase: Phrase) -> list[Found]:
    """The first places of a phrase, as many as are shown, those with the marks that were typed before others."""
    pattern = re.compile(phrase.pattern)
    exactly: list[Found] = []
    otherwise: list[Found] = []
    for text in texts:
        for match in pattern.finditer(text.text):
            is_exact = exact(words_of(match[0])) == phrase.exact
            fitting = exactly if is_exact else otherwise
            if len(fitting) < SENTENCES and not (fitting and _is_beside(fitting[-1], text, match)):
                fitting.append(_found(text, *match.span(), is_exact))
            if len(exactly) == SENTENCES:
                return exactly
    return [*exactly, *otherwise][:SENTENCES]


def _is_beside(shown: Found, text: Text, match: re.Match[str]) -> bool:
    """Whether a place can be seen in what is shown of another one already."""
    return shown.where == text.where and match.start() - shown.offset < LONGEST_SIDE


def _found(text: Text, begin: int, end: int, is_exact: bool) -> Found:
    return Found(text.where, text.page_at(begin), begin, end - begin, passage(text.text, begin, end), is_exact)
