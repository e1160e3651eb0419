"""Learn the channel, ``data/channel.json``, from pages whose text is known (``benchmarks/noisy_pages.py``).

    python -m normalize.repair.train_channel PAIRS.jsonl.gz --out normalize/repair/data/channel.json
    python -m normalize.repair.train_channel --show normalize/repair/data/channel.json  # a table, for docs/repair.md

* ``listed``: among the letters of the same base that Tesseract listed with a confidence in one bin, how many were
  the printed one, against how many were not: -log of these odds. ``unlisted_in_doubt`` is the same for the letters
  that were not listed, where some other one of the base was; ``other_base`` for listed letters of another base.
* ``on_page``: of each kind of confusion, how often the listed letter was the printed one against how often ``listed``
  foretells it, the log of it; kinds that were seen seldom stay near 0.
* ``kind``: how often a letter of one shape and tone is read as another one, given that it was printed. Half of the
  mass goes by what was counted, half is spread evenly, because other engines err in other ways.
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rapidfuzz.distance import Levenshtein

from normalize.repair.channel import COMPETES, CONFIDENCES, LETTERS, UNLISTED, competitors, doubtful, kind_of, rank
from normalize.vietnamese.syllable import key, skeleton
from ocr.page import Letter

# Share of the vowels that an engine we know nothing about gets wrong, and of that how much follows our counts.
ERROR_RATE, COUNTED = 0.004, 0.5
# So many letters of a kind are as good as none.
FEW = 3
SHAPES = {"plain": "a plain letter", "hat": "â ê ô", "horn": "ơ ư", "breve": "ă", "bar": "đ"}
TONES = {"level": "no tone", "huyen": "huyền", "sac": "sắc", "hoi": "hỏi", "nga": "ngã", "nang": "nặng"}
# Letters of each base: how many there are that could have been listed.
FAMILY = {"a": 18, "e": 12, "i": 6, "o": 18, "u": 12, "y": 6, "d": 2}


def burst(path: Path) -> float:
    """log of how much likelier a word is to be wrong in its diacritics right after another such one."""
    words = wrong = after = both = 0
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            page = json.loads(line)
            truth, read = [key(word) for word in page["truth"]], [key(word) for word, _ in page["read"]]
            before = False
            for op in Levenshtein.opcodes(truth, read):
                if op.tag in ("delete", "insert"):
                    before = False
                    continue
                for i, j in zip(range(op.src_start, op.src_end), range(op.dest_start, op.dest_end), strict=False):
                    faulty = truth[i] != read[j] and skeleton(truth[i]) == skeleton(read[j])
                    words, wrong = words + 1, wrong + faulty
                    after, both = after + before, both + (before and faulty)
                    before = faulty
    return math.log((both / after) / (wrong / words))


def aligned(path: Path) -> Iterator[tuple[str, str, list[dict[str, int]]]]:
    """Printed word, read word and the choices of each letter, where one letter at most has another base; lower case."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            page = json.loads(line)
            truth = [key(word) for word in page["truth"]]
            for op in Levenshtein.opcodes(truth, [key(word) for word, _ in page["read"]]):
                if op.tag in ("delete", "insert"):
                    continue
                for i, j in zip(range(op.src_start, op.src_end), range(op.dest_start, op.dest_end), strict=False):
                    printed, (read, letters) = page["truth"][i].lower(), page["read"][j]
                    read = read.lower()
                    if not len(printed) == len(read) == len(letters):
                        continue
                    if sum(skeleton(one) != skeleton(two) for one, two in zip(printed, read, strict=True)) > 1:
                        continue
                    choices = [{text.lower(): conf for text, conf in reversed(one[1:])} for one in letters]
                    yield printed, read, choices


def on_page(path: Path, listed: list[float]) -> dict[str, float]:
    """What each kind of confusion adds to the cost of a listed letter."""
    seen: Counter[str] = Counter()
    foretold: dict[str, float] = {}
    for printed, read, choices in aligned(path):
        for true, letter, others in zip(printed, read, choices, strict=True):
            for text, confidence in others.items():
                kind = kind_of(text, letter) if text != letter and len(text) == 1 and letter in LETTERS else None
                if kind:
                    cost = listed[rank(Letter(letter, ((text, confidence),)), text)]
                    seen[kind] += text == true
                    foretold[kind] = foretold.get(kind, 0.0) + 1 / (1 + math.exp(cost))
    ratios = {kind: math.log((foretold[kind] + FEW) / (seen[kind] + FEW)) for kind in foretold}
    return {kind: round(one, 2) for kind, one in sorted(ratios.items(), key=lambda item: item[1]) if abs(one) > 0.1}


def rising(counts: list[tuple[int, int]]) -> list[float]:
    """-log odds of (right, wrong), bins pooled until none is dearer than the one after it."""
    pools: list[list[int]] = []  # right, wrong, bins
    for right, wrong in counts:
        pools.append([right, wrong, 1])
        while len(pools) > 1 and _dearness(pools[-2]) > _dearness(pools[-1]):
            last = pools.pop()
            pools[-1] = [one + two for one, two in zip(pools[-1], last, strict=True)]
    return [round(_dearness(pool), 2) for pool in pools for _ in range(pool[2])]


def _dearness(pool: list[int]) -> float:
    return math.log((pool[1] + 1) / (pool[0] + 0.5))


def learn(path: Path) -> dict[str, object]:
    """The content of ``channel.json``."""
    right: Counter[int] = Counter()
    wrong: Counter[int] = Counter()
    doubted = [0, 0]  # letters that were not listed where another was: those printed, all of them
    others: dict[bool, Counter[int]] = {True: Counter(), False: Counter()}
    kinds: Counter[str] = Counter()
    for printed, read, choices in aligned(path):
        for true, seen, listed in zip(printed, read, choices, strict=True):
            letter = Letter(seen, tuple(listed.items()))
            for other in competitors(letter):
                others[other == true][rank(letter, other)] += 1
            if seen not in LETTERS:
                continue
            unlisted = FAMILY.get(skeleton(seen), 0) - 1
            for text, confidence in listed.items():
                if text == seen or len(text) != 1 or not kind_of(text, seen):
                    continue
                unlisted -= 1
                (right if text == true else wrong)[rank(Letter(seen, ((text, confidence),)), text)] += 1
            other_diacritics = true != seen and kind_of(true, seen) is not None
            if other_diacritics:
                kinds[kind_of(true, seen) or ""] += 1
            if doubtful(letter):
                doubted[0] += other_diacritics and true not in listed
                doubted[1] += max(0, unlisted)
            else:
                right[UNLISTED] += other_diacritics and true not in listed
                wrong[UNLISTED] += max(0, unlisted)
    costs = rising([(right[i], wrong[i]) for i in range(len(CONFIDENCES) + 1)])
    total = sum(kinds.values())
    spread = 1 / 150  # shapes times tones that one letter can be taken for, roughly
    even = -math.log(ERROR_RATE * (1 - COUNTED) * spread)
    return {
        "listed": costs,
        "on_page": on_page(path, costs),
        "unlisted_in_doubt": rising([(doubted[0], doubted[1])])[0],
        "other_base": rising(
            [(others[True][i], others[False][i]) for i, bound in enumerate(CONFIDENCES) if bound >= COMPETES]
        ),
        "kind": {
            kind: round(-math.log(ERROR_RATE * (COUNTED * times / total + (1 - COUNTED) * spread)), 2)
            for kind, times in kinds.most_common()
            if times > 2
        },
        "other": round(even, 2),
        "burst": round(burst(path), 2),
        "learned_from": {"letters_wrong": total, "letters_listed": sum(wrong.values())},
    }


def confusion_table(learned: dict[str, Any], rows: int = 16) -> str:
    """The commonest kinds of confusion as a table in Markdown."""
    lines = ["| printed | read | per 10,000 letters |", "|---|---|---|"]
    for kind, cost in sorted(learned["kind"].items(), key=lambda one: one[1])[:rows]:
        shapes, tones = ["", ""], ["", ""]
        for part in kind.split():
            ends = part.split(">")
            (shapes if ends[0] in SHAPES else tones)[:] = [ends[0], ends[-1]]
        printed, read = (
            " with ".join(filter(None, (SHAPES.get(shape, ""), TONES.get(tone, ""))))
            for shape, tone in zip(shapes, tones, strict=True)
        )
        lines.append(f"| {printed} | {read} | {1e4 * math.exp(-cost):.2f} |")
    return "\n".join(lines)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("pairs", type=Path, nargs="?")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--show", type=Path, metavar="CHANNEL.json", help="print the confusion table that was learned")
    parser.add_argument("--keep-table", action="store_true", help="leave the table for text without a page as it is")
    given = parser.parse_args()
    if given.show:
        print(confusion_table(json.loads(given.show.read_text(encoding="utf-8"))))
        return
    if not given.pairs or not given.out:
        parser.error("PAIRS and --out are needed")
    learned = learn(given.pairs)
    if given.keep_table:
        old = json.loads(given.out.read_text(encoding="utf-8"))
        learned |= {name: old[name] for name in ("kind", "other", "burst")}
    given.out.write_text(json.dumps(learned, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
