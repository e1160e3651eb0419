"""A small language model of Vietnamese syllables: interpolated 4-grams with absolute discounting, in mapped files.

The text is a sequence of symbols: a syllable as its :func:`~normalize.vietnamese.syllable.key`, ``<n>`` for whatever
holds a digit, ``<x>`` for words the model does not know, ``,`` for a comma or bracket and ``<s>`` for the start of a
sentence (and so for the end of the one before). :func:`symbols` cuts a token of the text into them, for training
(``normalize/vietnamese/train_language.py``) and for repair alike.

n-grams of order 2 to 4 lie in one table of 16-bit fingerprints in buckets, sorted, with quantized log
probabilities and back-off weights beside them (the idea of Guthrie and Hepple, "Storing the Web in Memory", 2010,
and of Talbot and Osborne's randomised models, 2007: the n-grams themselves are not stored, and about one unseen
n-gram in 10,000 is taken for a seen one). Everything is mapped, not read, so that all processes share one copy.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from normalize.vietnamese.syllable import key, skeleton

NONE, START, NUMBER, OTHER, COMMA = 0, 1, 2, 3, 4
RESERVED = ("", "<s>", "<n>", "<x>", ",")
ORDER = 4
# Log probabilities are kept in steps of 1/13 nat: 8 bits reach to 19.6 nats, and the error is below 0.04.
STEP = 1 / 13
DATA = Path(__file__).parent / "data"

WORD = re.compile(r"[^\W\d_]+")
_ADDRESS = re.compile(r"@|://|^www\.|\.(?:vn|com|org|net)\b", re.IGNORECASE)
_LIST_LETTER = re.compile(r"^\(?[a-zđ]\)[.,;]?$", re.IGNORECASE)
_COMMA_LIKE = re.compile(r"[,()\[\]]")
#: A word and, behind a stroke, how many: "224 hộ, cá nhân/224 thửa". A document's symbol is in capitals.
_COUNTED = re.compile(r"((?:(?![\d_A-ZĐ])\w){2,})/(?=\d)[\d.,]+$")
_SENTENCE_END = re.compile(r"[.;:!?…][\"'”’»)\]*]*$")


class Piece(NamedTuple):
    """A symbol and where it stands: ``token[start:end]``; ``start == end`` for punctuation."""

    symbol: str
    start: int
    end: int


@lru_cache(maxsize=1 << 16)
def symbols(token: str) -> tuple[Piece, ...]:
    """The symbols of what stands between two spaces.

    >>> [piece.symbol for piece in symbols("(Thống")], [piece.symbol for piece in symbols("2015-2020,")]
    ([',', 'thống'], ['<n>', ','])
    >>> [piece.symbol for piece in symbols("HĐND-UBND.")], [piece.symbol for piece in symbols("nhân/224")]
    (['hđnd', 'ubnd', '<s>'], ['nhân', '<n>'])
    """
    end = len(token)
    counted = _COUNTED.match(token)
    if counted:
        pieces = [Piece(key(counted[1]), 0, len(counted[1])), Piece("<n>", len(counted[1]) + 1, end)]
    elif _ADDRESS.search(token):
        pieces = [Piece("<x>", 0, end)]
    elif any(map(str.isdigit, token)) or _LIST_LETTER.match(token):
        pieces = [Piece("<n>", 0, end)]
    else:
        pieces = _words_and_commas(token)
    if _SENTENCE_END.search(token):
        if pieces and pieces[-1].symbol == ",":
            pieces.pop()
        pieces.append(Piece("<s>", end, end))
    elif pieces and pieces[-1].symbol == "<n>" and token.endswith((",", ")")) and not _LIST_LETTER.match(token):
        pieces.append(Piece(",", end, end))
    return tuple(pieces)


def _words_and_commas(token: str) -> list[Piece]:
    """The words of a token that holds no digit, and a comma wherever a comma or bracket parts or ends them."""
    pieces: list[Piece] = []
    at = 0
    for found in WORD.finditer(token):
        start, end = found.span()
        if _COMMA_LIKE.search(token, at, start):
            pieces.append(Piece(",", start, start))
        pieces.append(Piece(key(found.group()), start, end))
        at = end
    if pieces and _COMMA_LIKE.search(token, at):
        pieces.append(Piece(",", len(token), len(token)))
    return pieces


def pack(ngrams: npt.NDArray[np.int64]) -> npt.NDArray[np.uint64]:
    """Rows of up to four ids, right-aligned (0 = no word), as 64-bit keys; shape (n, 4) -> (n,)."""
    ids = ngrams.astype(np.uint64)
    return (ids[:, 0] << np.uint64(48)) | (ids[:, 1] << np.uint64(32)) | (ids[:, 2] << np.uint64(16)) | ids[:, 3]


_M1, _M2 = 0x9E3779B97F4A7C15, 0xD6E8FEB86659FD93
_MASK = (1 << 64) - 1


def mix(keys: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Spread packed n-grams evenly over 64 bits."""
    with np.errstate(over="ignore"):
        h = keys * np.uint64(_M1)
        h = (h ^ (h >> np.uint64(32))) * np.uint64(_M2)
    return h ^ (h >> np.uint64(32))


def _mix_one(value: int) -> int:
    h = value * _M1 & _MASK
    h = (h ^ (h >> 32)) * _M2 & _MASK
    return h ^ (h >> 32)


class LanguageModel:
    """P(symbol | the three before it), and the syllables that share a skeleton.

    Attributes:
        words: id -> symbol.
        ids: symbol -> id.
        counts: id -> how often training saw it (weighted), as float32.
    """

    def __init__(self, folder: Path) -> None:
        """Map the files that ``normalize.vietnamese.train_language`` wrote.

        Raises:
            FileNotFoundError: ``folder`` holds no model.
        """
        self.words: list[str] = (folder / "vocabulary.txt").read_text(encoding="utf-8").split("\n")
        self.words[0] = ""
        self.ids = {word: index for index, word in enumerate(self.words)}
        self.counts: npt.NDArray[np.float32] = np.load(folder / "counts.npy", mmap_mode="r")
        self._p1: npt.NDArray[np.float32] = np.load(folder / "unigrams.npy").astype(np.float32) * -STEP
        self._b1: npt.NDArray[np.float32] = np.load(folder / "unigram_backoffs.npy").astype(np.float32) * -STEP
        # Plain views of the maps: what is cut out of a memmap is one again, and making one takes time.
        self._fingerprints: npt.NDArray[np.uint16] = np.asarray(np.load(folder / "fingerprints.npy", mmap_mode="r"))
        self._p: npt.NDArray[np.uint8] = np.asarray(np.load(folder / "probabilities.npy", mmap_mode="r"))
        self._b: npt.NDArray[np.uint8] = np.asarray(np.load(folder / "backoffs.npy", mmap_mode="r"))
        sizes = np.load(folder / "buckets.npy")
        self._bits = int(sizes.shape[0]).bit_length() - 1
        self._starts: npt.NDArray[np.int32] = np.zeros(sizes.shape[0] + 1, np.int32)
        np.cumsum(sizes, out=self._starts[1:])
        self._steps = int(sizes.max()).bit_length()
        self._groups: dict[str, list[int]] = {}
        for index, word in enumerate(self.words[len(RESERVED) :], len(RESERVED)):
            self._groups.setdefault(skeleton(word), []).append(index)
        # Views for single look-ups: indexing a memoryview is several times faster than indexing an array.
        self._view_f = self._fingerprints.data
        self._view_s = self._starts.data
        self._memo: dict[int, float] = {}

    def id(self, word: str) -> int:
        """The id of a symbol; that of ``<x>`` for an unknown one."""
        return self.ids.get(word, OTHER)

    def same_letters(self, word: str) -> list[int]:
        """Ids of the known syllables that differ from ``word`` in diacritics at most, the commonest first."""
        return self._groups.get(skeleton(word), [])

    def add_words(self, words: Iterable[str]) -> None:
        """Make an office's own syllables known, so that they are candidates and no longer count as unknown.

        They take the probability of a rare word; only syllables that are new need to be named.
        """
        for word in words:
            for part in word.split():
                low = key(part)
                if low not in self.ids:
                    self.ids[low] = len(self.words)
                    self._groups.setdefault(skeleton(low), []).append(len(self.words))
                    self.words.append(low)
        extra = len(self.words) - self._p1.shape[0]
        if extra > 0:
            self._p1 = np.append(self._p1, np.full(extra, self._p1[len(RESERVED) :].min(), np.float32))
            self._b1 = np.append(self._b1, np.zeros(extra, np.float32))
            self.counts = np.append(self.counts, np.ones(extra, np.float32))

    def find(self, keys: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
        """Row of each packed n-gram of order 2 or more, -1 where it is not in the table; shape (n,) -> (n,)."""
        h = mix(keys)
        bucket = (h >> np.uint64(64 - self._bits)).astype(np.intp)
        wanted = (h >> np.uint64(48 - self._bits)).astype(np.uint16)
        at, end = self._starts[bucket], self._starts[bucket + 1]
        # The first fingerprint of the bucket that is not below the wanted one: `at` moves in halving steps.
        for step in range(self._steps - 1, -1, -1):
            ahead = at + np.int32(1 << step)
            below = self._fingerprints.take(ahead - np.int32(1), mode="clip") < wanted
            below &= ahead <= end
            at += below.astype(np.int32) << np.int32(step)
        hit = self._fingerprints.take(at, mode="clip") == wanted
        hit &= at < end
        return np.where(hit, at, np.int32(-1)).astype(np.int64)

    def score_many(self, ngrams: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """log P(last | the ones before) for rows of four ids, right-aligned with 0 for no word; (n, 4) -> (n,)."""
        total = np.zeros(ngrams.shape[0], np.float32)
        if not ngrams.shape[0]:
            return total
        # A sentence's start hides what stands before it.
        rows = ngrams.copy()
        rows[:, 0] *= (rows[:, 1] != START) & (rows[:, 2] != START)
        rows[:, 1] *= rows[:, 2] != START
        keys = pack(rows)
        known, longest = self._longest(rows, keys)
        for order in range(ORDER, 1, -1):
            at = np.flatnonzero((longest < order) & (rows[:, ORDER - order] != NONE))
            if at.size:
                total[at] += self._backoff(keys[at] & np.uint64((1 << (16 * order)) - 1), order - 1)
        total += known
        return total

    def _longest(
        self, rows: npt.NDArray[np.int64], keys: npt.NDArray[np.uint64]
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
        """log P by the longest n-gram at the end of each row that the tables have, and its order.

        The tables have the end of each n-gram that they have (of 100,000 n-grams of text without one exception but
        those that were taken for others), so the shorter ones are looked up first: most candidates have none. And what
        is taken for an n-gram seldom has such an end, too.
        """
        known = self._p1[rows[:, 3]]
        longest = np.ones(rows.shape[0], np.int64)
        at = np.arange(rows.shape[0])
        for order in range(2, ORDER + 1):
            at = at[rows[at, ORDER - order] != NONE]
            if not at.size:
                break
            found = self.find(keys[at] & np.uint64((1 << (16 * order)) - 1))
            at, found = at[found >= 0], found[found >= 0]
            known[at] = self._p[found].astype(np.float32) * -STEP
            longest[at] = order
        return known, longest

    def alone(self, ids: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """log P of symbols by themselves; shape (n,) -> (n,)."""
        return self._p1[ids]

    def _backoff(self, keys: npt.NDArray[np.uint64], order: int) -> npt.NDArray[np.float32]:
        """log back-off weight of the contexts of packed n-grams; ``order`` is that of the context."""
        context = keys >> np.uint64(16)
        if order == 1:
            return self._b1[context.astype(np.int64)]
        # The candidates of one place stand together, and have one context.
        first = np.flatnonzero(np.concatenate([[True], context[1:] != context[:-1]]))
        found = self.find(context[first])
        weights = np.where(found >= 0, self._b[np.maximum(found, 0)].astype(np.float32) * -STEP, np.float32(0))
        return np.repeat(weights, np.diff(first, append=context.shape[0]))

    def _find_one(self, value: int) -> int:
        h = _mix_one(value)
        bucket = h >> (64 - self._bits)
        wanted = h >> (48 - self._bits) & 0xFFFF
        view = self._view_f
        for row in range(self._view_s[bucket], self._view_s[bucket + 1]):
            seen = view[row]
            if seen >= wanted:
                return row if seen == wanted else -1
        return -1

    def score(self, a: int, b: int, c: int, d: int) -> float:
        """log P(d | a b c); the same as one row of :meth:`score_many`, for decoding step by step."""
        if c == START:
            a = b = NONE
        elif b == START:
            a = NONE
        value = a << 48 | b << 32 | c << 16 | d
        kept = self._memo.get(value)
        if kept is not None:
            return kept
        known, longest = float(self._p1[d]), 1
        for order, first in ((2, c), (3, b), (4, a)):
            row = self._find_one(value & ((1 << (16 * order)) - 1)) if first != NONE else -1
            if row < 0:
                break
            known, longest = int(self._p[row]) * -STEP, order
        total = 0.0
        for order, first in ((4, a), (3, b), (2, c)):
            if order <= longest or first == NONE:
                continue
            context = (value & ((1 << (16 * order)) - 1)) >> 16
            if order == 2:
                total += float(self._b1[context])
            elif (row := self._find_one(context)) >= 0:
                total += int(self._b[row]) * -STEP
        total += known
        if len(self._memo) > 400_000:
            self._memo.clear()
        self._memo[value] = total
        return total


@lru_cache(maxsize=2)
def load_language_model(folder: Path = DATA, own_words: str | None = None) -> LanguageModel:
    """The model, once a process.

    Args:
        folder: what ``python -m normalize.vietnamese.train_language --out`` wrote.
        own_words: a plain text file with an office's own words and names, one entry a line, ``#`` for remarks;
            the environment variable ``NAMBAT_WORDS`` names one where this is None.

    Raises:
        FileNotFoundError: there is no model in ``folder``, or ``own_words`` does not exist.
    """
    model = LanguageModel(folder)
    path = own_words or os.environ.get("NAMBAT_WORDS")
    if path:
        model.add_words(read_words(Path(path)))
    return model


@lru_cache(maxsize=1)
def known_syllables(folder: Path = DATA) -> frozenset[str]:
    """What the model knows without anybody's own words, as ``normalize.vietnamese.syllable.key`` writes it."""
    return frozenset((folder / "vocabulary.txt").read_text(encoding="utf-8").split("\n")[len(RESERVED) :])


def read_words(path: Path) -> list[str]:
    """The entries of a file of own words."""
    lines = (line.split("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line]
