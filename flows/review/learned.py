"""Words and names that people put right again and again, offered for the office's own list of words.

The list is the file that ``NAMBAT_WORDS`` names; what stands in it counts as known from the next document on. It holds
syllables that the language model does not know, so only words with such a one are offered: of the others the model has
an opinion already, which the list does not change.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from flows.host.files import replace_file
from flows.host.locks import locked
from flows.host.names import readable
from flows.review.index import Library, ask
from normalize.vietnamese.language import known_syllables, read_words
from normalize.vietnamese.syllable import key

LEAST = 2
"""So many edits must have put the same words right in the same way."""

MOST = 200
"""So many words are offered at once, those that were put right most often."""


@dataclass(frozen=True, slots=True)
class Offer:
    """Words that were put right more than once.

    Attributes:
        before: as they stood in the text.
        after: what people put there.
        times: edits that did so.
        documents: id and path of those it was done in, at most three.
    """

    before: str
    after: str
    times: int
    documents: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Learned:
    """What people put right more than once, the most frequent first.

    Attributes:
        offered: words that the list would help with.
        rejected: the same, which somebody did not want in the list.
        known: words of known syllables only.
    """

    offered: tuple[Offer, ...]
    rejected: tuple[Offer, ...]
    known: tuple[Offer, ...]


@dataclass(frozen=True, slots=True)
class WordList:
    """The office's list of words, and what was rejected of it.

    Attributes:
        file: may not be there yet.
        is_used: whether documents are read with it.
        notes: private folder that the rejected words are noted in.
    """

    file: Path
    is_used: bool
    notes: Path

    @property
    def is_writable(self) -> bool:
        """Whether words can be put into it, and rejected ones be noted."""
        place = self.file if self.file.exists() else self.file.parent
        return os.access(place, os.W_OK) and os.access(self.notes, os.W_OK)

    def words(self) -> list[str]:
        """Its entries.

        Raises:
            OSError: it is there and cannot be read.
            ValueError: it is no UTF-8.
        """
        return read_words(self.file) if self.file.exists() else []

    def rejected(self) -> list[str]:
        """The words that somebody rejected."""
        with contextlib.suppress(OSError, ValueError):
            found = json.loads(self._rejected.read_bytes())
            return [word for word in found if isinstance(word, str)] if isinstance(found, list) else []
        return []

    def accept(self, offer: Offer, who: str) -> None:
        """Put words into the list, with a remark that says why. What stands in it stays as it is.

        Raises:
            OSError: it cannot be written.
            ValueError: what is there is no UTF-8.
        """
        with locked(self.notes / "words.lock"):
            if offer.after in self.words():
                return
            said = readable(f"{offer.times} × {offer.before} -> {offer.after}; {who}, {date.today().isoformat()}")
            line = f"{offer.after}  # {said}\n"
            with self.file.open("a+b") as file:  # whoever else has it open keeps the same file
                if file.tell() and not _ends_a_line(file.fileno(), file.tell()):
                    line = f"\n{line}"
                file.write(line.encode())
                file.flush()
                os.fsync(file.fileno())

    def reject(self, words: str, *, rejected: bool = True) -> None:
        """Note that words are not wanted in the list, or that they may be offered again.

        Raises:
            OSError: it cannot be noted.
        """
        with locked(self.notes / "words.lock"):
            kept = [one for one in self.rejected() if one != words]
            replace_file(self._rejected, json.dumps([*kept, *([words] if rejected else [])]).encode())

    @property
    def _rejected(self) -> Path:
        return self.notes / "words_rejected.json"


def _ends_a_line(handle: int, size: int) -> bool:
    return os.pread(handle, 1, size - 1) == b"\n"


def learned(library: Library, words: WordList) -> Learned:
    """What people put right more than once and what is not in the list yet.

    Raises:
        OSError, sqlite3.Error: the index or the list cannot be read.
        ValueError: the list is no UTF-8.
    """
    listed, rejected = set(words.words()), set(words.rejected())
    known = known_syllables() | {key(part) for entry in listed for part in entry.split()}
    offers = [one for one in ask(library, _offers) if one.after not in listed]
    helped = [one for one in offers if not _is_known(one.after, known)]
    return Learned(
        tuple(one for one in helped if one.after not in rejected)[:MOST],
        tuple(one for one in helped if one.after in rejected)[:MOST],
        tuple(one for one in offers if _is_known(one.after, known))[:MOST],
    )


def _is_known(words: str, known: Collection[str]) -> bool:
    return all(key(part) in known for part in words.split())


def _offers(connection: sqlite3.Connection) -> list[Offer]:
    rows = connection.execute(
        "SELECT before, after, count(*) AS times FROM put_right GROUP BY before, after HAVING times >= ? "
        "ORDER BY times DESC, after, before",
        (LEAST,),
    ).fetchall()
    return [Offer(before, after, times, _documents(connection, before, after)) for before, after, times in rows]


def _documents(connection: sqlite3.Connection, before: str, after: str) -> tuple[tuple[str, str], ...]:
    rows = connection.execute(
        "SELECT DISTINCT id, name FROM documents JOIN put_right ON put_right.document = documents.number "
        "WHERE before = ? AND after = ? ORDER BY documents.changed DESC LIMIT 3",
        (before, after),
    )
    return tuple((id, os.fsdecode(name)) for id, name in rows)
