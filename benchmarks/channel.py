"""Learn the channel from pages whose text is known (``benchmarks/noisy_pages.py``): ``normalize/data/channel.json``.

    python benchmarks/channel.py PAIRS.jsonl.gz --out normalize/data/channel.json

* ``listed``: among the letters of the same base that Tesseract listed with a confidence in one bin, how many were
  the printed one, against how many were not: -log of these odds.
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

from rapidfuzz.distance import Levenshtein

from normalize.confusion import CONFIDENCES, UNLISTED, kind_of, rank
from normalize.syllable import key, skeleton
from ocr.page import Letter

# Share of the vowels that an engine we know nothing about gets wrong, and of that how much follows our counts.
ERROR_RATE, COUNTED = 0.004, 0.5
# Letters of each base: how many there are that could have been listed.
FAMILY = {"a": 18, "e": 12, "i": 6, "o": 18, "u": 12, "y": 6, "d": 2}


def burst(path: Path) -> float:
    """log of how much likelier a word is to be wrong in its marks right after another such one."""
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
    """Printed word, read word and the choices of each letter, where they differ in marks at most; lower case."""
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
                    if not len(printed) == len(read) == len(letters) or skeleton(printed) != skeleton(read):
                        continue
                    choices = [{text.lower(): conf for text, conf in one[1:]} for one in letters]
                    yield printed, read, choices


def learn(path: Path) -> dict[str, object]:
    """The content of ``channel.json``."""
    right: Counter[int] = Counter()
    wrong: Counter[int] = Counter()
    kinds: Counter[str] = Counter()
    for printed, read, choices in aligned(path):
        for true, seen, listed in zip(printed, read, choices, strict=True):
            if kind_of(true, seen) is None:
                continue
            unlisted = FAMILY.get(skeleton(true), 0) - 1
            for text, confidence in listed.items():
                if text == seen or len(text) != 1 or not kind_of(text, seen):
                    continue
                unlisted -= 1
                (right if text == true else wrong)[rank(Letter(seen, ((text, confidence),)), text)] += 1
            if true != seen:
                kinds[kind_of(true, seen) or ""] += 1
                if true not in listed:
                    right[UNLISTED] += 1
            wrong[UNLISTED] += max(0, unlisted)
    total = sum(kinds.values())
    spread = 1 / 150  # shapes times tones that one letter can be taken for, roughly
    even = -math.log(ERROR_RATE * (1 - COUNTED) * spread)
    return {
        "listed": [round(math.log((wrong[i] + 1) / (right[i] + 0.5)), 2) for i in range(len(CONFIDENCES) + 1)],
        "kind": {
            kind: round(-math.log(ERROR_RATE * (COUNTED * times / total + (1 - COUNTED) * spread)), 2)
            for kind, times in kinds.most_common()
            if times > 2
        },
        "kind_weight": 0.0,
        "other": round(even, 2),
        "burst": round(burst(path), 2),
        "learned_from": {"letters_wrong": total, "letters_listed": sum(wrong.values())},
    }


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("pairs", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    learned = learn(given.pairs)
    given.out.write_text(json.dumps(learned, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
