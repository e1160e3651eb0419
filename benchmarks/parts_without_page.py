"""What each part of repair without a page is worth, and what it costs.

    python -m benchmarks.parts_without_page OWN.txt.gz ... --general LAWS.txt.gz WIKI.txt.gz --unseen MANUALS.txt.gz

The texts are those that ``normalize.repair.train_without_page`` takes. First what the weights look at: the regression
is fitted anew without a group of features, each report is judged by what the others fitted, and the table says how many
misreadings are mended where one change in 10,000 words is false, and three. Then what repair does beside it: each part
is left out of the whole, reports are spoilt with other misreadings, and mended in ``safe`` and ``full``.
"""

from __future__ import annotations

import argparse
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from unittest import mock

import numpy as np

from benchmarks.noised_reports import spoilt_and_compared
from normalize.repair import repair, without_page
from normalize.repair.misreadings import SHARES
from normalize.repair.train_without_page import (
    GENERAL_WEIGHT,
    LIMIT,
    Samples,
    judged_by_others,
    noised,
    reports,
    samples,
    spoilt_general,
)
from normalize.repair.without_page import FEATURES
from normalize.vietnamese import cloze, language

#: Features by what they come from; "bias", "capital", "name", "begins" and "ends" are in none.
GROUPS: Mapping[str, Callable[[str], object]] = {
    "the n-grams' gain": lambda name: name in ("gain", "left", "right", "weaker side", "before the next best"),
    "the network": lambda name: name == "odds",
    "the rest of the document": lambda name: " here" in f" {name}" or name in ("room", "gain in little room"),
    "kinds of confusion": lambda name: name in SHARES,
    "bonds and known n-grams": lambda name: (
        name.startswith(("bond", "pairs ", "triples ", "fours ", "no pair", "familiar")) and "here" not in name
    ),
    "frequencies": lambda name: name.startswith("frequency"),
}


def without(group: Callable[[str], object], one: Samples) -> Samples:
    """Samples that lack some features."""
    kept = [index for index, name in enumerate(FEATURES) if not group(name)]
    return replace(one, features=one.features[:, kept])


def recall_at(by_report: Mapping[str, Sequence[Samples]], general: Sequence[Samples]) -> tuple[float, float]:
    """Share of the misreadings mended where one change in 10,000 words is false, and three; each report held out."""
    p, right = judged_by_others(by_report, [(one, GENERAL_WEIGHT) for one in general])
    order = np.argsort(-p)
    false, mended = np.cumsum(~right[order]), np.cumsum(right[order])
    many = [one for held in by_report.values() for one in held]
    words, spoilt = sum(one.words for one in many), sum(one.spoilt for one in many)
    one, three = (mended[np.searchsorted(false, times * words / 1e4, side="right") - 1] / spoilt for times in (1, 3))
    return float(one), float(three)


def _without_rules(*names: str) -> mock._patch[object]:
    return mock.patch.object(repair, "RULES", tuple(rule for rule in repair.RULES if rule.name not in names))


def parts() -> Iterator[tuple[str, tuple[mock._patch[object], ...]]]:
    """Name of each part and what leaves it out."""
    yield "all", ()
    yield "pairs", (mock.patch.object(without_page, "weighed_pairs", lambda *arguments: []),)
    yield "rows by likelihood", (mock.patch.object(without_page, "rows", lambda *arguments: []),)
    yield "looking again", (mock.patch.object(repair, "_MORE_ROUNDS", 0),)
    yield "names of places", (_without_rules("places"),)
    yield "torn, run together", (_without_rules("torn syllables", "run together"),)
    pageless = {rule.name for rule in repair.RULES if not rule.of_page}
    known = {"places", "torn syllables", "run together", "noisy channel"}
    yield "the other rules", (_without_rules(*(pageless - known)),)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("own", nargs="+", type=Path)
    parser.add_argument("--general", nargs="*", type=Path, default=[])
    parser.add_argument("--unseen", nargs="*", type=Path, default=[])
    parser.add_argument("--times", type=int, default=3, help="how often each report is spoilt")
    parser.add_argument("--limit", type=int, default=LIMIT, help="words of each general text")
    given = parser.parse_args()
    found = {name: texts for path in given.own for name, texts in reports(path).items()}

    tables = (language.DATA / f"{name}.npy" for name in ("buckets", "fingerprints", "probabilities", "backoffs"))
    print(f"n-grams {sum(path.stat().st_size for path in tables) / 1e6:.1f} MB", end=", ")
    print(f"network {cloze.FILE.stat().st_size / 1e6:.1f} MB\n")

    general = [samples(*both) for both in spoilt_general(given.general, given.unseen, given.limit)]
    by_report = {
        name: [samples(texts, noised(texts, random.Random(f"{name} {time}"))) for time in range(given.times)]
        for name, texts in found.items()
    }
    print("| the weights look at | recall at 1 false in 10,000 | at 3 |\n|---|---|---|")
    for name, group in {"all": lambda name: False, **GROUPS}.items():
        one, three = recall_at(
            {report: [without(group, part) for part in many] for report, many in by_report.items()},
            [without(group, part) for part in general],
        )
        print(f"| {name if name == 'all' else f'all but {name}'} | {one:.3f} | {three:.3f} |", flush=True)

    print("\n| repair | safe: recall | false in 10,000 | full: recall | false in 10,000 | time |")
    print("|---|---|---|---|---|---|")
    whole = 0.0
    for name, patches in parts():
        row = ""
        started = time.process_time()
        for mode in ("safe", "full"):
            with ExitStack() as left_out:
                for patch in patches:
                    left_out.enter_context(patch)
                counts = sum((spoilt_and_compared(*one, given.times, mode) for one in found.items()), Counter[str]())
            row += f" {counts['mended'] / counts['wrong']:.3f} | {1e4 * counts['false'] / counts['words']:.2f} |"
        taken = time.process_time() - started
        whole = whole or taken
        print(f"| {name if name == 'all' else f'all but {name}'} |{row} {taken / whole:.2f} |", flush=True)


if __name__ == "__main__":
    main()
