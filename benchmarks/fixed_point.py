"""Show that ``normalize`` on what it published changes nothing more.

    python -m benchmarks.fixed_point [TEXT.txt ...] [--own OWN.txt.gz ...] [--spoilt 200] [--modes off safe full]

The texts are taken as another engine's. To them come pieces of the reports that training left out of the OWN texts,
with misreadings put into them (see ``benchmarks/noised_reports.py``). Each is normalized twice; where the second text
is not the first one, the lines that differ are printed and the status is 1.
"""

from __future__ import annotations

import argparse
import difflib
import random
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from normalize.document import Source
from normalize.formats import to_text
from normalize.plaintext.parse import parse_text
from normalize.repair.repair import repair
from normalize.repair.train_without_page import noised, reports

_SOURCE = Source("benchmark", "", 0, 0)
_LENGTH = 40  # paragraphs of a piece


def normalized(text: str, mode: str) -> str:
    """A text as ``nambat normalize`` publishes it."""
    return to_text(repair(parse_text(text, _SOURCE), mode), "paragraph")


def spoilt_pieces(own: Sequence[Path], count: int) -> Iterator[tuple[str, str]]:
    """Names and texts of pieces of the reports, each with other misreadings in it."""
    found = [(name, texts) for path in own for name, texts in reports(path).items()]
    chance = random.Random("fixed point")
    for number in range(count if found else 0):
        name, texts = found[number % len(found)]
        first = chance.randrange(max(1, len(texts) - _LENGTH))
        piece = noised(texts[first : first + _LENGTH], chance)
        yield f"{name} {number}", "\n\n".join(" ".join(words) for words in piece)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("texts", nargs="*", type=Path)
    parser.add_argument("--own", nargs="*", type=Path, default=[])
    parser.add_argument("--spoilt", type=int, default=200)
    parser.add_argument("--modes", nargs="*", default=["off", "safe", "full"])
    given = parser.parse_args()
    texts = [(str(path), path.read_text(encoding="utf-8")) for path in given.texts]
    texts += spoilt_pieces(given.own, given.spoilt)
    moved = 0
    for mode in given.modes:
        held = 0
        for name, text in texts:
            once = normalized(text, mode)
            twice = normalized(once, mode)
            held += once == twice
            if once != twice:
                print(f"{name}, {mode}:", *difflib.unified_diff(once.split("\n"), twice.split("\n"), n=0), sep="\n")
        moved += len(texts) - held
        print(f"{mode}: {held} of {len(texts)} texts are the same the second time", flush=True)
    sys.exit(bool(moved))


if __name__ == "__main__":
    main()
