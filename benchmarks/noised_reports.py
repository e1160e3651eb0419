"""Repair of text without a page, on held-out reports with misreadings of other engines' kind put into them.

    python -m benchmarks.noised_reports OWN.txt.gz ... [--gold NAME.gold.json ...] [--times 3] [--mode safe] [--show]

Three labelled reports hold 36 errors, too few to tell two systems apart. Here are hundreds: the reports that training
left out of the OWN texts (``train_language.report_of``), each spoilt several times with other misreadings
(``normalize/repair/misreadings.py``: drawn so that they go as well with their neighbours as labelled ones do). A gold
file (see ``benchmarks/evaluate.py``) is a report, too.

A false change is any change of a word that was not spoilt, slips of the text itself among them (``--show`` prints
them, so that they can be told apart).
"""

from __future__ import annotations

import argparse
import json
import random
import re
import time
from collections import Counter
from pathlib import Path

from normalize.repair.misreadings import is_mended
from normalize.repair.repair import repair
from normalize.repair.train_without_page import noised, plain_document, reports

_MARK = re.compile(r"\[\^\d+\]")


def gold_report(path: Path) -> list[list[str]]:
    """The paragraphs and notes of a gold file as words."""
    gold = json.loads(path.read_text(encoding="utf-8"))
    texts = [block["text"] for block in gold["blocks"]] + list(gold["footnotes"].values())
    return [_MARK.sub("", text).split() for text in texts]


def compared(printed: list[list[str]], read: list[list[str]], mode: str, show: bool) -> Counter[str]:
    """What became of the misreadings and of the other words of one report."""
    printed, read = [text for text in printed if text], [text for text in read if text]
    counts: Counter[str] = Counter()
    started = time.process_time()
    repaired = repair(plain_document(read), mode)
    counts["ms"] = round(1000 * (time.process_time() - started))
    for true, spoilt, block in zip(printed, read, repaired.blocks, strict=True):
        now = [token.text for token in block.tokens]
        if len(now) != len(true):  # a rule joined or parted words
            counts["left out"] += len(true)
            continue
        for at, (one, two, three) in enumerate(zip(true, spoilt, now, strict=True)):
            counts["words"] += 1
            if one != two:
                counts["wrong"] += 1
                counts["mended"] += is_mended(one, three)
            elif two != three:
                counts["false"] += 1
                if show:
                    before, after = " ".join(spoilt[max(0, at - 4) : at]), " ".join(spoilt[at + 1 : at + 5])
                    print(f"    {before} [{two} -> {three}] {after}")
    return counts


def spoilt_and_compared(name: str, texts: list[list[str]], times: int, mode: str, show: bool = False) -> Counter[str]:
    """What became of a report that was spoilt so many times, with other misreadings than those that fitted the weights.

    Args:
        show: print the false changes of the first time.
    """
    counts: Counter[str] = Counter()
    for number in range(times):
        read = noised(texts, random.Random(f"measured {name} {number}"))
        counts += compared(texts, read, mode, show and not number)
    return counts


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("own", nargs="*", type=Path)
    parser.add_argument("--gold", nargs="*", type=Path, default=[])
    parser.add_argument("--times", type=int, default=3, help="how often each report is spoilt")
    parser.add_argument("--mode", default="safe")
    parser.add_argument("--show", action="store_true", help="print the false changes of the first time")
    given = parser.parse_args()
    found = {name: texts for path in given.own for name, texts in reports(path).items()}
    found |= {path.name.split(".")[0]: gold_report(path) for path in given.gold}
    total: Counter[str] = Counter()
    print(f"{'report':32}{'words':>9}{'wrong':>7}{'mended':>8}{'recall':>8}{'false':>7}{'in 10,000':>11}")
    for name, texts in found.items():
        counts = spoilt_and_compared(name, texts, given.times, given.mode, given.show)
        _print(name, counts)
        total += counts
    _print("all", total)
    print(f"{1000 * total['words'] / max(1, total['ms']):,.0f} words a second")


def _print(name: str, counts: Counter[str]) -> None:
    recall, rate = counts["mended"] / max(1, counts["wrong"]), 1e4 * counts["false"] / max(1, counts["words"])
    print(
        f"{name:32}{counts['words']:9,}{counts['wrong']:7}{counts['mended']:8}{recall:8.3f}{counts['false']:7}{rate:11.2f}"
    )


if __name__ == "__main__":
    main()
