"""What each part of repair without a page is worth: recall, false changes, time and megabytes.

    python -m benchmarks.parts_without_page OWN.txt.gz ... --general LAWS.txt.gz WIKI.txt.gz \\
        --unseen OTHER.txt.gz [--shared ../shared]

Each row leaves out one part of the whole. Where features are left out, the weights are fitted anew without them, as
``normalize/repair/train_without_page.py`` fits them. Measured on the labelled texts of another engine
(``benchmarks/repair.py seeds``) and on the reports that training left out, with other misreadings in them than those
that fitted the weights (``benchmarks/noised_reports.py``). The time is that of the reports, in seconds of this process,
each row beside the whole.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import random
import re
import time
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from unittest import mock

import numpy as np

from benchmarks.noised_reports import compared
from benchmarks.repair import seeds
from normalize.repair import pairs_without_page, repair, without_page
from normalize.repair.pairs_without_page import PAIR_FEATURES
from normalize.repair.train_without_page import LIMIT, Samples, all_samples, fit, fit_pairs, noised, reports
from normalize.repair.without_page import FEATURES, Weights

DATA = Path(repair.__file__).parents[1] / "vietnamese" / "data"
_HERE = tuple(name for name in FEATURES if " here " in f" {name} ")
_HERE_OF_PAIRS = tuple(name for name in PAIR_FEATURES if " here " in f" {name} ")


@dataclass(frozen=True)
class Part:
    """One thing to leave out.

    Attributes:
        features: of both regressions, that are left out.
        rules: by name, that are left out.
        without: of this module's own steps, those that find nothing.
        files: data that nothing else needs.
        saves: whether leaving it out saves its time here.
    """

    name: str
    features: Collection[str] = ()
    rules: Collection[str] = ()
    without: Collection[str] = ()
    files: Sequence[str] = ()
    saves: bool = True


PARTS = (
    Part("nothing"),
    Part("the network", ("odds",), without=("_odds",), files=("cloze.npz",)),
    Part("the rest of the document", (*_HERE, *_HERE_OF_PAIRS), saves=False),
    Part("pairs", without=("weighed_pairs",)),
    Part("rows by likelihood alone", without=("rows",)),
    Part("the gazetteer", rules=("places",), files=("places.txt",)),
    Part("torn and run-together words", rules=("torn syllables", "run together")),
    Part("markup", rules=("formula markup", "raised đ")),
    Part("abbreviations, look-alikes, lunar years", rules=("abbreviations", "look-alikes", "lunar years")),
)


def _none(*_: object, **__: object) -> list[object]:
    return []


def _silent(ids: object, at: Sequence[int], *_: object) -> object:
    return np.zeros(len(at))


@contextlib.contextmanager
def left_out(part: Part, weights: Weights) -> Iterator[None]:
    """Repair without one part of it."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(mock.patch.object(without_page, "load_weights", lambda: weights))
        kept = tuple(rule for rule in repair.RULES if rule.name not in part.rules)
        stack.enter_context(mock.patch.object(repair, "RULES", kept))
        for name in part.without:
            if name == "_odds":
                for module in (without_page, pairs_without_page):
                    stack.enter_context(mock.patch.object(module, name, _silent))
            else:
                stack.enter_context(mock.patch.object(without_page, name, _none))
        yield


def measured(found: Mapping[str, list[list[str]]], times: int) -> Counter[str]:
    """What becomes of misreadings in all reports."""
    total: Counter[str] = Counter()
    for name, texts in found.items():
        for number in range(times):
            total += compared(texts, noised(texts, random.Random(f"measured {name} {number}")), "safe", False)
    return total


def of_seeds(shared: Path) -> str:
    """The last line of what ``benchmarks.repair seeds`` prints."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        seeds(shared, "safe", False)
    recall, false = re.findall(r"[\d.]+", printed.getvalue().splitlines()[-1].replace("10,000", ""))
    return f"{recall} | {false}"


def without(
    samples: Sequence[tuple[Samples, float]], names: Sequence[str], left: Collection[str]
) -> list[tuple[Samples, float]]:
    """Samples whose features say nothing where they are left out."""
    kept = np.array([name not in left for name in names], float)
    return [(replace(one, features=one.features * kept), weight) for one, weight in samples]


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("own", nargs="+", type=Path)
    parser.add_argument("--general", nargs="*", type=Path, default=[])
    parser.add_argument("--unseen", nargs="*", type=Path, default=[])
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--times", type=int, default=3, help="how often each report is spoilt, to fit and to measure")
    parser.add_argument("--limit", type=int, default=LIMIT, help="words of each general text")
    given = parser.parse_args()
    spoilt = all_samples(given.own, given.general, given.unseen, given.times, given.limit)
    found = {name: texts for path in given.own for name, texts in reports(path).items()}
    print("| left out | seeds: recall | false per 10,000 | reports: recall | false per 10,000 | time | MB |")
    print("|---|---|---|---|---|---|---|")
    shipped = without_page.load_weights()
    for part in PARTS:
        weights = shipped
        if part.features:
            weights = Weights(
                tuple(fit(without(spoilt.together(), FEATURES, part.features))),
                tuple(fit_pairs(without(spoilt.pairs_together(), PAIR_FEATURES, part.features))),
                shipped.thresholds,
                shipped.pair_thresholds,
            )
        with left_out(PARTS[0], shipped):
            started = time.process_time()
            measured(found, 1)
            whole = time.process_time() - started
        with left_out(part, weights):
            started = time.process_time()
            measured(found, 1)
            spent = time.process_time() - started
            counts = measured(found, given.times)
            labelled = of_seeds(given.shared)
        megabytes = sum((DATA / name).stat().st_size for name in part.files) / 1e6
        print(
            f"| {part.name} | {labelled} | {counts['mended'] / counts['wrong']:.3f} "
            f"| {1e4 * counts['false'] / counts['words']:.2f} "
            f"| {f'{spent / whole:.2f}' if part.saves else ''} | {f'{megabytes:.1f}' if megabytes else ''} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
