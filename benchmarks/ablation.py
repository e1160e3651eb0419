"""What each part of repair is worth on the scans with known text.

    python -m benchmarks.ablation [--shared ../shared] [--cache DIR]

Each row adds one thing to the row above it: the language model with the same price for every confusion, the table of
confusions, the letters that competed on the page, what the document says elsewhere, and the rules that need no model
of the language (numerals, formulas, specks, capitals, abbreviations). ``benchmarks/repair.py`` says how words are
compared; a broken word was right and is no longer.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from benchmarks.repair import compare, gold_words, read_scan, words
from normalize.document import Document, Tokens
from normalize.repair.candidates import Proposal, lattice
from normalize.repair.channel import Channel, load_channel
from normalize.repair.corrections import apply
from normalize.repair.decision import Judge, decide, load_decision
from normalize.repair.noisy_channel import changed
from normalize.repair.repair import repair
from normalize.repair.search import decode
from normalize.vietnamese.language import load_language_model


class Deaf(Judge):
    """A judge that does not listen to the rest of the document."""

    def elsewhere(self, change: Proposal) -> tuple[int, int]:
        return 0, 0


def without_letters(document: Document) -> Document:
    """The document as if it came from another engine."""

    def bare(tokens: Tokens) -> Tokens:
        return tuple(replace(token, letters=()) for token in tokens)

    blocks = tuple(replace(block, tokens=bare(block.tokens)) for block in document.blocks)
    notes = tuple(replace(note, paragraphs=tuple(map(bare, note.paragraphs))) for note in document.footnotes)
    return replace(document, blocks=blocks, footnotes=notes)


def judged(document: Document, channel: Channel, judge_type: type[Judge]) -> Document:
    """The document with the changes of the language model alone."""
    model = load_language_model()
    ids, slots = lattice(document, model, channel)
    judge = judge_type(load_decision(), "safe", ids, slots)
    proposals = decide(decode(ids, slots, model, channel.burst), ids, model, channel.burst, judge.accept)
    texts = [tokens for _, tokens in document.texts()]
    return apply(document, [changed(one, texts) for one in proposals])


def rows() -> list[tuple[str, Callable[[Document], Document]]]:
    """Name and repair of each row of the table."""
    channel = load_channel()
    mean = sum(channel.kind.values()) / len(channel.kind)
    flat = replace(channel, kind={}, other=mean, burst=0.0)
    return [
        ("as read", lambda document: document),
        ("language model, one price", lambda document: judged(without_letters(document), flat, Deaf)),
        ("+ table of confusions", lambda document: judged(without_letters(document), channel, Deaf)),
        ("+ letters that competed", lambda document: judged(document, channel, Deaf)),
        ("+ the rest of the document", lambda document: judged(document, channel, Judge)),
        ("+ rules (`safe`)", lambda document: repair(document, "safe")),
        ("`full`", lambda document: repair(document, "full")),
    ]


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--cache", type=Path, help="folder to keep the pages in, once they are read")
    given = parser.parse_args()
    scans = []
    for path in sorted((given.shared / "devset").glob("*.pdf")):
        gold = json.loads(path.with_suffix(".gold.json").read_text(encoding="utf-8"))
        scans.append((path.stem.startswith("real"), gold_words(gold), read_scan(path, given.cache)))
    print("| | wrong marks, real | wrong letters | broken | wrong marks, degraded | wrong letters | broken |")
    print("|---|---|---|---|---|---|---|")
    for name, run in rows():
        sums = {True: [0, 0, 0], False: [0, 0, 0]}
        for real, truth, document in scans:
            counts, _ = compare(truth, words(document), words(run(document)))
            for place, column in enumerate(("marks after", "letters after", "broken")):
                sums[real][place] += counts[column]
        print(f"| {name} | " + " | ".join(map(str, sums[True] + sums[False])) + " |", flush=True)


if __name__ == "__main__":
    main()
