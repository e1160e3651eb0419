"""Count a language model from texts and pack it: ``python -m normalize.vietnamese.train_language TEXT... --out DIR``.

A TEXT is a plain or gzipped UTF-8 file, one paragraph a line. ``TEXT=8`` counts each of its words eight times: what
an office writes itself should weigh more than the statutes, which are many and all alike.

Smoothing is interpolated absolute discounting with the three discounts of modified Kneser-Ney (Chen and Goodman
1998), taken off as a fraction of each weighted count. Pruning leaves out the n-grams whose loss costs least
(Stolcke 1998, by the weight of the n-gram times the change of its log probability). The lower orders keep plain
counts and not continuation counts, because Kneser-Ney's do not survive pruning (Chelba et al. 2010).

One paragraph in 25, chosen by a hash of its text, is left out of training, so that repair can be measured on text
the model has not seen (:func:`held_out`); so is one stretch in twelve of the texts that count more than once
(:func:`report_of`).
"""

from __future__ import annotations

import argparse
import gzip
import io
import sys
import time
import zlib
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from normalize.vietnamese.language import COMMA, NONE, ORDER, OTHER, RESERVED, START, STEP, mix, symbols
from normalize.vietnamese.syllable import clean, parse

Keys = npt.NDArray[np.uint64]
Reals = npt.NDArray[np.float64]

#: A text with at least this weight is an office's own.
OWN = 10
_BYTES_AN_NGRAM = {2: 4, 3: 4, 4: 3}


def held_out(paragraph: str) -> bool:
    """Whether a paragraph is kept from training; the same on every machine."""
    return zlib.crc32(paragraph.encode()) % 25 == 0


def report_of(number: int) -> int | None:
    """Which whole report a paragraph of an office's own text belongs to, if that is kept from training.

    Repair looks at the rest of a document, so that it must be measured on documents: stretches of 200 paragraphs.

    Args:
        number: of the paragraph in its text, from 0.
    """
    stretch = number // 200
    return stretch if stretch % 12 == 5 else None


def is_left_out(paragraph: str, number: int, weight: float) -> bool:
    """Whether a paragraph of a text is kept from training.

    Args:
        number: of the paragraph in its text, from 0.
        weight: of the text.
    """
    return held_out(paragraph) or (weight >= OWN and report_of(number) is not None)


def paragraphs(path: Path) -> Iterator[str]:
    """The paragraphs of a text, cleaned."""
    with path.open("rb") as raw, gzip.open(raw) if path.suffix == ".gz" else raw as unpacked:
        lines = io.TextIOWrapper(unpacked, encoding="utf-8")
        for line in lines:
            text = clean(line.strip())
            if text:
                yield text


@dataclass(frozen=True)
class NGrams:
    """n-grams of one order, sorted by key.

    Attributes:
        keys: packed, the newest word in the lowest 16 bits.
        raw: how often each was seen.
        weighted: the same, each time with the weight of its text.
    """

    keys: Keys
    raw: Reals
    weighted: Reals


def read_texts(texts: list[tuple[Path, float]], rare: int) -> tuple[list[str], list[npt.NDArray[np.uint16]]]:
    """All texts as symbol ids, and the vocabulary in order of frequency (weighted).

    Syllables of Vietnamese enter the vocabulary at 2 occurrences, other words (abbreviations, names) at ``rare``.
    """
    numbers: dict[str, int] = {name: index for index, name in enumerate(RESERVED)}
    cache: dict[str, tuple[int, ...]] = {}
    streams = []
    for path, weight in texts:
        stream = array("i")
        for number, text in enumerate(paragraphs(path)):
            if is_left_out(text, number, weight):
                continue
            stream.append(START)
            for token in text.split():
                ids = cache.get(token)
                if ids is None:
                    ids = tuple(numbers.setdefault(piece.symbol, len(numbers)) for piece in symbols(token))
                    cache[token] = ids
                stream.extend(ids)
        streams.append(np.frombuffer(stream, np.int32))
    size = len(numbers)
    raw = np.zeros(size)
    weighted = np.zeros(size)
    for (_, weight), one in zip(texts, streams, strict=True):
        count = np.bincount(one, minlength=size)
        raw += count
        weighted += weight * count
    names = list(numbers)
    kept = [
        index
        for index in range(len(RESERVED), size)
        if raw[index] >= rare or (raw[index] >= 2 and parse(names[index]) is not None)
    ]
    kept.sort(key=lambda index: -weighted[index])
    kept = kept[: 65_535 - len(RESERVED)]
    new = np.full(size, OTHER, np.uint16)
    new[: len(RESERVED)] = np.arange(len(RESERVED))
    new[kept] = np.arange(len(RESERVED), len(RESERVED) + len(kept))
    words = [*RESERVED, *(names[index] for index in kept)]
    return words, [new[one] for one in streams]


def count(streams: list[npt.NDArray[np.uint16]], weights: list[float], order: int) -> NGrams:
    """The n-grams of one order; none reaches across the start of a sentence."""
    keys, raws, heavy = [], [], []
    for stream, weight in zip(streams, weights, strict=True):
        if stream.shape[0] < order:
            continue
        length = stream.shape[0] - order + 1
        packed = np.zeros(length, np.uint64)
        whole = np.ones(length, bool)
        for place in range(order):
            part = stream[place : place + length]
            packed = (packed << np.uint64(16)) | part.astype(np.uint64)
            if 0 < place < order - 1:
                whole &= part != START
        found, times = np.unique(packed[whole], return_counts=True)
        keys.append(found)
        raws.append(times.astype(np.float64))
        heavy.append(times * weight)
    joined, where = np.unique(np.concatenate(keys), return_inverse=True)
    return NGrams(
        joined,
        np.bincount(where, np.concatenate(raws), joined.shape[0]).astype(np.float64),
        np.bincount(where, np.concatenate(heavy), joined.shape[0]).astype(np.float64),
    )


def discounts(raw: Reals) -> Reals:
    """D(1), D(2), D(3+) of modified Kneser-Ney from the counts of counts; index 0 is unused."""
    n1, n2, n3, n4 = (float(np.sum(raw == times)) or 1.0 for times in (1, 2, 3, 4))
    y = n1 / (n1 + 2 * n2)
    values = np.array([0, 1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3])
    return np.clip(values, 0.1, [1, 0.95, 1.9, 2.8])


@dataclass(frozen=True)
class Level:
    """Probabilities of one order before pruning.

    Attributes:
        p: P(word | context), interpolated.
        lower: P(word | shorter context).
        gamma: weight of the lower order in this context.
    """

    ngrams: NGrams
    p: Reals
    lower: Reals
    gamma: Reals


def interpolate(ngrams: NGrams, lower_keys: Keys, lower_p: Reals, order: int) -> Level:
    """One order on top of the next lower one."""
    d = discounts(ngrams.raw)
    taken = ngrams.weighted * d[np.minimum(ngrams.raw, 3).astype(np.int64)] / ngrams.raw
    contexts, where = np.unique(ngrams.keys >> np.uint64(16), return_inverse=True)
    total = np.bincount(where, ngrams.weighted, contexts.shape[0])
    gamma = (np.bincount(where, taken, contexts.shape[0]) / total)[where]
    suffix = ngrams.keys & np.uint64((1 << (16 * (order - 1))) - 1)
    lower = lower_p[np.minimum(np.searchsorted(lower_keys, suffix), lower_keys.shape[0] - 1)]
    return Level(ngrams, (ngrams.weighted - taken) / total[where] + gamma * lower, lower, gamma)


def contains(sorted_keys: Keys, wanted: Keys) -> npt.NDArray[np.bool_]:
    """Which of ``wanted`` are among ``sorted_keys``."""
    if not sorted_keys.shape[0]:
        return np.zeros(wanted.shape[0], bool)
    at = np.minimum(np.searchsorted(sorted_keys, wanted), sorted_keys.shape[0] - 1)
    return np.asarray(sorted_keys[at] == wanted)


def prune(levels: dict[int, Level], threshold: float) -> dict[int, npt.NDArray[np.bool_]]:
    """Which n-grams stay: those that matter, and the contexts of those that stay."""
    keep: dict[int, npt.NDArray[np.bool_]] = {}
    needed: Keys = np.zeros(0, np.uint64)
    for order in range(ORDER, 1, -1):
        level = levels[order]
        worth = level.ngrams.weighted * np.abs(np.log(level.p / (level.gamma * level.lower)))
        stays = (worth > threshold) & ((level.ngrams.weighted > 1) | (order == 2))
        stays |= contains(needed, level.ngrams.keys)
        keep[order] = stays
        needed = np.unique(level.ngrams.keys[stays] >> np.uint64(16))
    return keep


def fit_size(levels: dict[int, Level], budget: int) -> dict[int, npt.NDArray[np.bool_]]:
    """Prune until the tables take no more than ``budget`` bytes."""
    low, high = 0.01, 1000.0
    for _ in range(14):
        middle = (low * high) ** 0.5
        keep = prune(levels, middle)
        size = sum(int(keep[order].sum()) * _BYTES_AN_NGRAM[order] for order in keep)
        low, high = (middle, high) if size > budget else (low, middle)
    return prune(levels, high)


def quantize(log: Reals) -> npt.NDArray[np.uint8]:
    """Log probabilities (natural, <= 0) in steps of ``STEP``, 8 bits."""
    return np.clip(np.round(-log / STEP), 0, 255).astype(np.uint8)


def backoff_weights(level: Level, stays: npt.NDArray[np.bool_], contexts: Keys) -> Reals:
    """log back-off weight of each context (sorted keys); 0 for one that heads no n-gram that stays."""
    keys = level.ngrams.keys[stays] >> np.uint64(16)
    at = np.searchsorted(contexts, keys)
    upper = np.bincount(at, level.p[stays], contexts.shape[0])
    lower = np.bincount(at, level.lower[stays], contexts.shape[0])
    return np.log(np.clip(1 - upper, 1e-6, 1) / np.clip(1 - lower, 1e-6, 1))


def write(
    out: Path,
    words: list[str],
    unigrams: tuple[Reals, Reals],
    levels: dict[int, Level],
    keep: dict[int, npt.NDArray[np.bool_]],
) -> None:
    """Pack the model into ``out``."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "vocabulary.txt").write_text("\n".join(words), encoding="utf-8")
    counts, p1 = unigrams
    np.save(out / "counts.npy", counts.astype(np.float32))
    np.save(out / "unigrams.npy", quantize(np.log(p1)))
    np.save(
        out / "unigram_backoffs.npy",
        quantize(backoff_weights(levels[2], keep[2], np.arange(len(words), dtype=np.uint64))),
    )
    keys, p, b = [], [], []
    for order in range(2, ORDER + 1):
        level, stays = levels[order], keep[order]
        own = level.ngrams.keys[stays]
        keys.append(own)
        p.append(quantize(np.log(level.p[stays])))
        if order < ORDER:
            b.append(quantize(backoff_weights(levels[order + 1], keep[order + 1], own)))
    # Contexts (orders below the highest) come first in each bucket's order of fingerprints only by chance, so the
    # back-off weights of the highest order are stored as zeros: they compress to nothing.
    b.append(np.zeros(keys[-1].shape[0], np.uint8))
    hashed = mix(np.concatenate(keys))
    bits = max(1, int(hashed.shape[0] // 8).bit_length())
    order_of = np.argsort(hashed >> np.uint64(48 - bits), kind="stable")
    hashed = hashed[order_of]
    bucket = (hashed >> np.uint64(64 - bits)).astype(np.int64)
    np.save(out / "buckets.npy", np.bincount(bucket, minlength=1 << bits).astype(np.uint8))
    np.save(out / "fingerprints.npy", ((hashed >> np.uint64(48 - bits)) & np.uint64(0xFFFF)).astype(np.uint16))
    np.save(out / "probabilities.npy", np.concatenate(p)[order_of])
    np.save(out / "backoffs.npy", np.concatenate(b)[order_of])


def train(texts: list[tuple[Path, float]], out: Path, budget: int, rare: int) -> None:
    """Count, smooth, prune and pack a model.

    Args:
        texts: files and their weights.
        out: the folder to write.
        budget: bytes of the n-gram tables.
        rare: how often a word that is no Vietnamese syllable must occur to be known.
    """
    started = time.monotonic()

    def say(what: str) -> None:
        print(f"{time.monotonic() - started:6.1f} s  {what}", file=sys.stderr)

    words, streams = read_texts(texts, rare)
    weights = [weight for _, weight in texts]
    say(f"{sum(s.shape[0] for s in streams):,} symbols, {len(words):,} words")
    ones = count(streams, weights, 1)
    counts = np.zeros(len(words))
    counts[ones.keys.astype(np.int64)] = ones.weighted
    raw = np.zeros(len(words))
    raw[ones.keys.astype(np.int64)] = ones.raw
    d = discounts(ones.raw)
    taken = counts * d[np.minimum(raw, 3).astype(np.int64)] / np.maximum(raw, 1)
    p1 = (counts - taken) / counts.sum() + taken.sum() / counts.sum() / len(words)
    p1[NONE] = p1[COMMA + 1 :].min()
    lower_keys, lower_p = np.arange(len(words), dtype=np.uint64), p1
    levels = {}
    for order in range(2, ORDER + 1):
        levels[order] = interpolate(count(streams, weights, order), lower_keys, lower_p, order)
        lower_keys, lower_p = levels[order].ngrams.keys, levels[order].p
        say(f"order {order}: {lower_keys.shape[0]:,} n-grams")
    keep = fit_size(levels, budget)
    say("kept " + ", ".join(f"{int(keep[order].sum()):,} of order {order}" for order in sorted(keep)))
    write(out, words, (counts, p1), levels, keep)
    say(f"wrote {out}")


def _text(argument: str) -> tuple[Path, float]:
    name, _, weight = argument.partition("=")
    return Path(name), float(weight or 1)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m normalize.vietnamese.train_language", description=__doc__.split("\n")[0]
    )
    parser.add_argument("texts", nargs="+", metavar="TEXT[=WEIGHT]", type=_text)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.add_argument("--megabytes", type=float, default=22, help="size of the n-gram tables (22)")
    parser.add_argument("--rare", type=int, default=40, help="least count of words that are no syllables (40)")
    given = parser.parse_args()
    train(given.texts, given.out, int(given.megabytes * 1e6), given.rare)


if __name__ == "__main__":
    main()
