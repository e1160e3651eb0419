"""Fit the decision of repair: ``normalize/repair/data/decision.json``.

    python -m normalize.repair.train_decision PAIRS.jsonl.gz TEXT.gz ... --out normalize/repair/data/decision.json

Two logistic regressions tell right changes from false ones: ``page`` on rendered pages that Tesseract read
(``benchmarks/noisy_pages.py``), ``text`` on held-out paragraphs of the TEXTs into which confusions were put at random,
by the channel's own table. A small share of the labels is taken to be wrong, because corpus text has slips of its own.
Half of the paragraphs fit, the other half is measured; the table shows precision and recall at each threshold. With
``--measure`` nothing is fitted: the decision as it is is measured, on that other half of the texts and on all pages.
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
import random
import re
import zlib
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw
from rapidfuzz.distance import Levenshtein

from normalize.document import Block, Document, Source, Token
from normalize.repair.candidates import Proposal, lattice
from normalize.repair.channel import cost, kind_of, load_channel
from normalize.repair.decision import FEATURES, decide, load_decision
from normalize.repair.search import decode
from normalize.vietnamese.language import load_language_model
from normalize.vietnamese.syllable import key, match_case, parse, place, skeleton
from normalize.vietnamese.train_language import held_out, paragraphs
from ocr.page import Letter

SOURCE = Source("calibration", "", 0, 0)
LETTERS = sorted({place(vowel, tone) for vowel in "aăâeêioôơuưy" for tone in range(6)} | {"d", "đ"})
THRESHOLDS = {"page": {"safe": 0.85, "full": 0.5}, "text": {"safe": 0.7, "full": 0.45}}
NOISE, ROW = 0.006, 0.08
MISLABELLED = 0.03
_EDGES = re.compile(r"^\W+|\W+$")


def proposals(document: Document) -> list[Proposal]:
    """All changes that the search proposes and that are not hopeless, with their features."""
    model, channel = load_language_model(), load_channel()
    ids, slots = lattice(document, model, channel)
    return decide(decode(ids, slots, model, channel.burst), ids, model, channel.burst, lambda one: one.margin + 2)


def label(change: Proposal, document: Document, truth: str) -> int:
    """1 where the change gives the true word, else 0."""
    text = document.blocks[change.slot.text].tokens[change.slot.token].text
    after = text[: change.slot.start] + change.after + text[change.slot.end :]
    return int(key(_EDGES.sub("", after)) == key(_EDGES.sub("", truth)))


Sample = tuple[tuple[float, ...], int, bool]


def one_letter(printed: str, read: str) -> bool:
    """Whether two words differ in diacritics and in one base letter at most."""
    if len(printed) != len(read):
        return False
    return sum(skeleton(one) != skeleton(two) for one, two in zip(printed, read, strict=True)) <= 1


def from_pages(path: Path, measured: bool = False) -> tuple[list[Sample], int, int]:
    """Samples from rendered pages; how many words the second half has (all pages where they are only ``measured``), and
    how many of them are wrong in their diacritics or in one letter."""
    samples, words, wrong = [], 0, 0
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines):
            page = json.loads(line)
            tokens = tuple(
                Token(text, 1, letters=tuple(Letter(one[0], tuple(map(tuple, one[1:]))) for one in letters))
                for text, letters in page["read"]
            )
            document = Document(SOURCE, (Block("paragraph", tokens, 1),))
            truth = {}
            read = [key(_EDGES.sub("", token.text)) for token in tokens]
            printed = [key(_EDGES.sub("", word)) for word in page["truth"]]
            for op in Levenshtein.opcodes(printed, read):
                if op.tag in ("equal", "replace"):
                    for i, j in zip(range(op.src_start, op.src_end), range(op.dest_start, op.dest_end), strict=False):
                        truth[j] = page["truth"][i]
                        second = measured or number % 2 == 0
                        words += second
                        wrong += second and printed[i] != read[j] and one_letter(printed[i], read[j])
            for change in proposals(document):
                if change.slot.token in truth:
                    first = not measured and bool(number % 2)
                    samples.append((change.features, label(change, document, truth[change.slot.token]), first))
    return samples, words, wrong


@lru_cache(maxsize=256)
def family(letter: str) -> tuple[str, ...]:
    """The letters that differ from one in diacritics, lower case."""
    if letter not in "aăâeêioôơuưyđd" and skeleton(letter) == letter:
        return ()
    return tuple(other for other in LETTERS if other != letter and kind_of(letter, other))


def spoil(word: str, rng: random.Random) -> str:
    """The word with wrong diacritics, by the channel's table and a little at random.

    A quarter of the time any letters may come out (as from a reader of letters), else a known syllable and rather a
    common one (as from an engine with a language model of its own: four of five misread syllables are real ones).
    """
    model, channel = load_language_model(), load_channel()
    low = word.lower()
    if rng.random() < 0.25:
        others = [low[:i] + new + low[i + 1 :] for i, letter in enumerate(low) for new in family(letter)]
    else:
        others = [model.words[symbol] for symbol in model.same_letters(low)]
        others = [other for other in others if len(other) == len(low) and other != low and parse(other) is not None]
    if not others:
        return word
    weights = [
        (math.exp(-cost(channel, low, other, ())) + 1e-5)
        * (1 + float(model.counts[model.ids[other]]) if other in model.ids else 1.0) ** 0.25
        for other in others
    ]
    return match_case(rng.choices(others, weights)[0], word)


def from_texts(paths: list[Path], limit: int) -> tuple[list[Sample], int, int]:
    """Samples from spoilt held-out paragraphs; how many words the second half has, and how many of them are
    spoilt."""
    rng = random.Random(2)
    samples, words, wrong = [], 0, 0
    for path in paths:
        size = 0
        for text in paragraphs(path):
            if not held_out(text):
                continue
            true = text.split()
            half = bool(zlib.crc32(text.encode()) // 25 % 2)
            size += len(true)
            if size > limit:
                break
            read, row = list(true), False
            for index, word in enumerate(true):
                core = _EDGES.sub("", word)
                row = rng.random() < (ROW if row else NOISE) and len(core) > 1 and parse(core) is not None
                if row and (core.islower() or core.istitle()):
                    read[index] = word.replace(core, spoil(core, rng))
                    wrong += not half and read[index] != word
            words += 0 if half else len(true)
            document = Document(SOURCE, (Block("paragraph", tuple(map(Token, read))),))
            samples += [(one.features, label(one, document, true[one.slot.token]), half) for one in proposals(document)]
    return samples, words, wrong


def fit(features: npt.NDArray[np.float64], labels: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Logistic regression with a share of wrong labels, by gradient descent on standardised features."""
    mean, spread = features.mean(0), features.std(0) + 1e-9
    mean[0], spread[0] = 0, 1
    x = (features - mean) / spread
    w = np.zeros(x.shape[1])
    momentum = np.zeros_like(w)
    for _ in range(4000):
        p = 1 / (1 + np.exp(-x @ w))
        q = MISLABELLED + (1 - 2 * MISLABELLED) * p
        slope = (labels / q - (1 - labels) / (1 - q)) * (1 - 2 * MISLABELLED) * p * (1 - p)
        gradient = x.T @ slope / x.shape[0] - 1e-4 * np.where(np.arange(w.shape[0]) > 0, w, 0)
        momentum = 0.9 * momentum + gradient
        w = w + 0.5 * momentum
    out = w / spread
    out[0] -= float((w[1:] * mean[1:] / spread[1:]).sum())
    return out


Curve = list[tuple[float, float, float]]


def calibrate(
    samples: list[Sample], words: int, wrong: int, name: str, weights: tuple[float, ...] = ()
) -> tuple[dict[str, float], Curve]:
    """Fit on one half unless ``weights`` are given, print the curve on the other; the weights, and (threshold, recall,
    precision) of the curve."""
    x = np.array([one[0] for one in samples])
    y = np.array([one[1] for one in samples], float)
    half = np.array([one[2] for one in samples])
    w = np.array(weights) if weights else fit(x[half], y[half])
    p = 1 / (1 + np.exp(-x[~half] @ w))
    print(f"{name}: {words:,} words, {wrong:,} wrong, {len(samples):,} proposals, {int(y.sum()):,} right")
    print("  threshold  recall  precision  false per 10,000 words")
    for bound in (0.02, 0.1, 0.3, 0.45, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98):
        made, right = int((p >= bound).sum()), float(y[~half][p >= bound].sum())
        print(f"  {bound:9} {right / wrong:7.3f} {right / max(1, made):10.3f} {1e4 * (made - right) / words:8.2f}")
    curve = []
    for bound in np.linspace(0.02, 0.99, 98):
        made, right = int((p >= bound).sum()), float(y[~half][p >= bound].sum())
        if made:
            curve.append((float(bound), right / wrong, right / made))
    return {feature: round(float(value), 4) for feature, value in zip(FEATURES, w, strict=True)}, curve


def draw(curves: dict[str, Curve], path: Path) -> None:
    """Precision against recall as a small PNG; the thresholds of the two modes are marked."""
    width, height, left, top, right, bottom = 640, 420, 60, 20, 620, 370
    low_recall, low_precision = 0.4, 0.85
    image = Image.new("RGB", (width, height), "white")
    pen = ImageDraw.Draw(image)

    def at(recall: float, precision: float) -> tuple[float, float]:
        x = left + (recall - low_recall) / (1 - low_recall) * (right - left)
        return x, bottom - (precision - low_precision) / (1 - low_precision) * (bottom - top)

    for tenth in range(7):
        recall = 0.4 + tenth / 10
        x, _ = at(recall, low_precision)
        pen.line((x, top, x, bottom), fill="#dddddd")
        pen.text((x - 9, bottom + 6), f"{recall:.1f}", fill="black")
    for step in range(4):
        precision = 0.85 + step / 20
        _, y = at(low_recall, precision)
        pen.line((left, y, right, y), fill="#dddddd")
        pen.text((left - 32, y - 6), f"{precision:.2f}", fill="black")
    pen.text(((left + right) / 2 - 20, bottom + 24), "recall", fill="black")
    pen.text((left + 6, top - 16), "precision", fill="black")
    for (name, curve), colour in zip(curves.items(), ("#1f5fa8", "#b3541e"), strict=True):
        points = [at(r, p) for _, r, p in curve if r >= low_recall and p >= low_precision]
        pen.line(points, fill=colour, width=2)
        for mode, bound in THRESHOLDS[name].items():
            _, r, p = min(curve, key=lambda one: abs(one[0] - bound))
            x, y = at(r, p)
            pen.ellipse((x - 4, y - 4, x + 4, y + 4), fill=colour)
            pen.text((x + 7, y - 6), f"{name}, {mode}", fill=colour)
    image.save(path, optimize=True)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("pairs", type=Path)
    parser.add_argument("texts", nargs="+", type=Path)
    parser.add_argument("--limit", type=int, default=60_000, help="words of each text")
    parser.add_argument("--out", type=Path, help="the file to write")
    parser.add_argument("--measure", action="store_true", help="fit nothing, measure the decision that repair uses")
    parser.add_argument("--curve", type=Path, help="PNG to draw precision against recall into")
    given = parser.parse_args()
    if bool(given.out) == given.measure:
        parser.error("either --out or --measure")
    now = load_decision() if given.measure else None
    pages = from_pages(given.pairs, given.measure)
    page, page_curve = calibrate(*pages, "page", now.page if now else ())
    text, text_curve = calibrate(*from_texts(given.texts, given.limit), "text", now.text if now else ())
    if given.curve:
        draw({"page": page_curve, "text": text_curve}, given.curve)
    if given.measure:
        return
    data = {"page": page, "text": text, "thresholds": THRESHOLDS}
    given.out.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
