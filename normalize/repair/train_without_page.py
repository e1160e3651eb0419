"""Fit what weighs the changes of text that brings no page: ``normalize/repair/data/without_page.json``.

    python -m normalize.repair.train_without_page OWN.txt.gz ... --general LAWS.txt.gz WIKI.txt.gz \\
        --unseen OTHER.txt.gz --out FILE

OWN are an office's own texts, of which training left out whole reports (``train_language.report_of``). Each is spoilt
several times as other engines spoil text (``misreadings.py``), and every plausible change is a sample, right or
false. Held-out paragraphs of GENERAL texts, spoilt in the same way, count as much, and so do texts of a kind that
training has not seen at all: what is to be left alone is not reports only, and where neither n-grams nor network know
what they read, they must not be believed.

The table shows recall and false changes of each report as the weights see it that were fitted to the others.
"""

from __future__ import annotations

import argparse
import json
import math
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from normalize.document import Block, Document, Source, Token
from normalize.repair.candidates import Slot, lattice
from normalize.repair.channel import load_channel
from normalize.repair.misreadings import ROW, is_mended, spoilt
from normalize.repair.pairs_without_page import PAIR_FEATURES, PlausiblePairs, plausible_pairs
from normalize.repair.without_page import FEATURES, Plausible, plausible
from normalize.vietnamese.language import load_language_model
from normalize.vietnamese.train_language import held_out, paragraphs, report_of

SOURCE = Source("calibration", "", 0, 0)
#: Least probability of a change in each mode. By the table ``safe`` makes 0.3 false changes in 10,000 and ``full``
#: between 0.7 and 1.6; on labelled reports of offices and years that no text here is of, none and 2.4.
THRESHOLDS = {"safe": 0.6, "full": 0.35}
#: The same of a pair, after the odds are made those of real rows. In 377,502 words of reports spoilt so that half of
#: the misreadings stand in rows, those above 0.2 put right 185 pairs and changed one wrongly; those between 0.08 and
#: 0.2 seven and seven; between 0.05 and 0.08 two and two; between 0.03 and 0.05 none and four.
PAIR_THRESHOLDS = {"safe": 0.2, "full": 0.1}
#: Corpus text has slips of its own: a change of such a gain (nats) where nothing was put in is not called false.
SLIP = 12.0
RIDGE = 30.0
#: Paragraphs of a short document, and of a tiny one.
PAGE, LINES = 15, 2
GENERAL_WEIGHT = 1.0
#: Words of each general text.
LIMIT = 300_000
#: Pairs are rare: for them misreadings are put in so that more of them stand in rows, this often a report.
ROW_OF_PAIRS, TIMES_OF_PAIRS = 0.5, 12

Reals = npt.NDArray[np.float64]
Paragraphs = Sequence[Sequence[str]]


def reports(path: Path) -> dict[str, list[list[str]]]:
    """The reports of a text that training left out: name -> paragraphs of words."""
    out: dict[str, list[list[str]]] = {}
    for number, text in enumerate(paragraphs(path)):
        report = report_of(number)
        if report is not None:
            out.setdefault(f"{path.name.split('.')[0]} {report}", []).append(text.split())
    return out


def general_texts(path: Path, limit: int, unseen: bool = False, length: int = 300) -> Iterator[list[list[str]]]:
    """Paragraphs of a text that training left out, ``length`` together as if they were a document.

    Args:
        limit: words.
        unseen: whether training left out all of it.
    """
    texts, size = [], 0
    for text in paragraphs(path):
        if unseen or held_out(text):
            texts.append(text.split())
            size += len(texts[-1])
            if len(texts) == length or size > limit:
                yield texts
                texts = []
            if size > limit:
                return


def noised(texts: Paragraphs, rng: random.Random, row: float = ROW) -> list[list[str]]:
    """A document with misreadings in it; ``row``: how likely one follows another."""
    words = iter(spoilt([word for text in texts for word in text], load_language_model(), rng, row=row))
    return [[next(words) for _ in text] for text in texts]


def spoilt_general(
    general: Sequence[Path], unseen: Sequence[Path], limit: int
) -> list[tuple[list[list[str]], list[list[str]]]]:
    """The documents of general texts and of unseen ones, each as printed and with misreadings.

    Args:
        limit: words of each text.
    """
    return [
        (texts, noised(texts, random.Random(number)))
        for path in (*general, *unseen)
        for number, texts in enumerate(general_texts(path, limit, path in unseen))
    ]


def plain_document(texts: Paragraphs) -> Document:
    """A document of paragraphs that brings no page."""
    return Document(SOURCE, tuple(Block("paragraph", tuple(map(Token, text))) for text in texts if text))


@dataclass(frozen=True)
class Samples:
    """Plausible changes of one spoilt document.

    Attributes:
        features: one row each.
        right: whether each gives what was printed; shape (n,).
        slot: which slot each belongs to, or begins at; shape (n,).
        spoilt: how many words, or pairs of words, were spoilt.
        words: how many there are.
    """

    features: Reals
    right: npt.NDArray[np.bool_]
    slot: npt.NDArray[np.int64]
    spoilt: int
    words: int


def samples(printed: Paragraphs, read: Paragraphs) -> Samples:
    """The plausible changes of a document whose text is known."""
    model = load_language_model()
    printed, read = [text for text in printed if text], [text for text in read if text]
    ids, slots = lattice(plain_document(read), model, load_channel())
    found = plausible(ids, slots, model)
    right, kept = [], []
    gain = FEATURES.index("gain")
    for number, (_, form, _), row in zip(found.slot.tolist(), found.candidate, found.features, strict=True):
        was_wrong, is_right = _mends(slots[number], form, printed, read)
        right.append(was_wrong and is_right)
        # What else a misread word might have been says nothing about right words.
        kept.append(right[-1] or (not was_wrong and row[gain] < SLIP))
    changed = sum(
        one != two for text, other in zip(printed, read, strict=True) for one, two in zip(text, other, strict=True)
    )
    return _samples(found, right, kept, changed, printed)


def pair_samples(printed: Paragraphs, read: Paragraphs) -> Samples:
    """The plausible changes of two syllables in a row of a document whose text is known."""
    model = load_language_model()
    printed, read = [text for text in printed if text], [text for text in read if text]
    ids, slots = lattice(plain_document(read), model, load_channel())
    found = plausible_pairs(ids, slots, model)
    right, kept = [], []
    gain = PAIR_FEATURES.index("gain")
    for number, pair, row in zip(found.slot.tolist(), found.candidates, found.features, strict=True):
        states = [
            _mends(slot, form, printed, read)
            for slot, (_, form, _) in zip(slots[number : number + 2], pair, strict=True)
        ]
        are_wrong = all(was_wrong for was_wrong, _ in states)
        right.append(are_wrong and all(is_right for _, is_right in states))
        # What else two misread words might have been says nothing about right ones.
        kept.append(right[-1] or (not are_wrong and row[gain] < SLIP))
    changed = sum(
        text[at] != other[at] and text[at + 1] != other[at + 1]
        for text, other in zip(printed, read, strict=True)
        for at in range(len(text) - 1)
    )
    return _samples(found, right, kept, changed, printed)


def _mends(slot: Slot, form: str, printed: Paragraphs, read: Paragraphs) -> tuple[bool, bool]:
    """Whether a slot's word was misread, and whether a candidate of it gives what was printed."""
    true, word = printed[slot.text][slot.token], read[slot.text][slot.token]
    return true != word, is_mended(true, word[: slot.start] + form + word[slot.end :])


def _samples(
    found: Plausible | PlausiblePairs, right: list[bool], kept: list[bool], changed: int, printed: Paragraphs
) -> Samples:
    """Those of what was found that are kept as samples."""
    keep = np.array(kept, bool)
    return Samples(found.features[keep], np.array(right, bool)[keep], found.slot[keep], changed, sum(map(len, printed)))


def fit(parts: Iterable[tuple[Samples, float]]) -> Reals:
    """Logistic regression with a ridge on the standardised features, by Newton's method.

    Args:
        parts: samples and what each of them counts.
    """
    many = list(parts)
    x = np.concatenate([one.features for one, _ in many])
    y = np.concatenate([one.right for one, _ in many]).astype(float)
    counts = np.concatenate([np.full(len(one.right), weight) for one, weight in many])
    mean, spread = x.mean(axis=0), x.std(axis=0) + 1e-9
    mean[0], spread[0] = 0.0, 1.0
    x = (x - mean) / spread
    ridge = np.full(x.shape[1], RIDGE)
    ridge[0] = 0.0
    w = np.zeros(x.shape[1])
    for _ in range(30):
        p = 1 / (1 + np.exp(-x @ w))
        slope = x.T @ (counts * (y - p)) - ridge * w
        curvature = (x * (counts * p * (1 - p))[:, None]).T @ x + np.diag(ridge + 1e-6)
        step = np.linalg.solve(curvature, slope)
        w += step * min(1.0, 5 / np.abs(step).max())
    out = w / spread
    out[0] -= float((w[1:] * mean[1:] / spread[1:]).sum())
    return np.asarray(out)


def best(one: Samples, weights: Reals) -> tuple[Reals, npt.NDArray[np.bool_]]:
    """Probability of the best change of each slot, and whether it is right."""
    p = 1 / (1 + np.exp(-np.clip(one.features @ weights, -50, 50)))
    order = np.lexsort((-p, one.slot))
    first = order[np.flatnonzero(np.diff(one.slot[order], prepend=-1))]
    return p[first], one.right[first]


def judged_by_others(
    by_report: Mapping[str, Sequence[Samples]], general: Sequence[tuple[Samples, float]]
) -> tuple[Reals, npt.NDArray[np.bool_]]:
    """:func:`best` of all reports, each by weights that were fitted to the others and to general texts."""
    judged = []
    for name, held in by_report.items():
        weights = fit([*((one, 1.0) for other, many in by_report.items() if other != name for one in many), *general])
        judged += [best(one, weights) for one in held]
    p, right = (np.concatenate(column) for column in zip(*judged, strict=True))
    return p, right


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("own", nargs="+", type=Path)
    parser.add_argument("--general", nargs="*", type=Path, default=[])
    parser.add_argument("--unseen", nargs="*", type=Path, default=[])
    parser.add_argument("--times", type=int, default=6, help="how often each report is spoilt")
    parser.add_argument("--limit", type=int, default=LIMIT, help="words of each general text")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    own = {name: texts for path in given.own for name, texts in reports(path).items()}
    read = spoilt_general(given.general, given.unseen, given.limit)
    by_report = {name: _spoilt_samples(name, texts, given.times) for name, texts in own.items()}
    general = [(samples(*both), GENERAL_WEIGHT) for both in read]
    print(f"{len(own)} reports spoilt {given.times + 2} times")
    _show_held_out(by_report, general)
    weights = fit([(one, 1.0) for many in by_report.values() for one in many] + general)
    pairs = {name: _spoilt_pairs(name, texts) for name, texts in own.items()}
    general_pairs = [(pair_samples(*both), GENERAL_WEIGHT) for both in read]
    print(f"pairs, reports spoilt {TIMES_OF_PAIRS} times with rows at {ROW_OF_PAIRS}")
    _show_held_out(pairs, general_pairs)
    pair_weights = fit([(one, 1.0) for many in pairs.values() for one in many] + general_pairs)
    # Real rows are as rare as ROW says.
    pair_weights[0] += math.log(ROW / ROW_OF_PAIRS)
    data = {
        "weights": _named(FEATURES, weights),
        "pairs": _named(PAIR_FEATURES, pair_weights),
        "thresholds": THRESHOLDS,
        "pair thresholds": PAIR_THRESHOLDS,
    }
    given.out.write_text(json.dumps(data, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _named(names: Sequence[str], weights: Reals) -> dict[str, float]:
    return {name: round(float(value), 4) for name, value in zip(names, weights, strict=True)}


def _spoilt_pairs(name: str, texts: Paragraphs) -> list[Samples]:
    """The samples of pairs of a report that was spoilt so many times."""
    reads = (noised(texts, random.Random(f"{name} rows {time}"), ROW_OF_PAIRS) for time in range(TIMES_OF_PAIRS))
    return [pair_samples(texts, read) for read in reads]


def _spoilt_samples(name: str, texts: Paragraphs, times: int) -> list[Samples]:
    """The samples of a report that was spoilt so many times, and once more each as short documents and as tiny ones,
    which have little to say about themselves.
    """
    many = [samples(texts, noised(texts, random.Random(f"{name} {time}"))) for time in range(times)]
    for size in (PAGE, LINES):
        read = noised(texts, random.Random(f"{name} by {size}"))
        many += [samples(texts[at : at + size], read[at : at + size]) for at in range(0, len(texts), size)]
    return many


def _show_held_out(by_report: Mapping[str, list[Samples]], general: list[tuple[Samples, float]]) -> None:
    """Print what each threshold makes of the reports, each judged by weights that were fitted to the others."""
    p, right = judged_by_others(by_report, general)
    spoilt_words = sum(one.spoilt for many in by_report.values() for one in many)
    words = sum(one.words for many in by_report.values() for one in many)
    print(f"{words:,} words, {spoilt_words} wrong")
    print("threshold  recall  false in 10,000")
    for bound in (0.3, 0.4, 0.5, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.93, 0.95, 0.97):
        made = p >= bound
        print(f"{bound:9} {right[made].sum() / spoilt_words:7.3f} {1e4 * (~right[made]).sum() / words:16.2f}")


if __name__ == "__main__":
    main()
