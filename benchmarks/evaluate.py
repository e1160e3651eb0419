"""Run the pipeline over scans with known text and print how well it read them.

    python -m benchmarks.evaluate DIR... [--repair safe] [--bare] [--keep OUT] [--jobs 2]

Each ``NAME.gold.json`` in DIR is the true text of the scan ``NAME.*`` beside it: ``{"blocks": [{"text"}], "footnotes":
{"1": "..."}}``, marks as ``[^n]`` in the texts, and optionally ``metadata``. ``--bare`` reads the same pages with
plain Tesseract instead (300 dpi, no cleaning, no repair), for comparison.

Columns: syllable error rate of the body (insertions, deletions and substitutions over the syllables of the gold),
the part of it where only marks differ, substitutions; F1 of the paragraph ends; footnotes whose text and anchor are
both right, and their F1; metadata fields that are right. Old and new tone placement count as the same, as do
typographic and plain quotes and dashes. The last line says what structure and repair cost beside reading.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rapidfuzz import fuzz
from rapidfuzz.distance import Levenshtein
from unidecode import unidecode

from ocr.rasterize import SUFFIXES, inspect

MARK = re.compile(r"\[\^([^\]\s]+)\]")
_PLAIN = str.maketrans({"–": "-", "—": "-", "“": '"', "”": '"', "’": "'", "‘": "'"})
_EDGES = re.compile(r"^[^\w%]+|[^\w%]+$")
_PLACEMENT = re.compile("([ou])([aey])([\u0300\u0301\u0303\u0309\u0323])$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Text:
    """A document's body as a sequence.

    Attributes:
        words: compared forms, marks out.
        ends: positions after which a block ends.
        anchors: position each footnote's mark follows.
        notes: text of each footnote.
    """

    words: list[str]
    ends: set[int]
    anchors: dict[str, int]
    notes: dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class Score:
    syllables: int
    errors: int
    marks_only: int
    substitutions: int
    paragraph_f1: float
    notes: int
    notes_right: int
    notes_found: int


def compared(word: str) -> str:
    """A word without punctuation at its ends, its tone where the old placement has it."""
    parts = unicodedata.normalize("NFD", _EDGES.sub("", word))
    found = _PLACEMENT.search(parts)
    if found:
        parts = parts[: found.start()] + found[1] + found[3] + found[2]
    return unicodedata.normalize("NFC", parts)


def words_of(text: str) -> list[str]:
    return unicodedata.normalize("NFC", text).translate(_PLAIN).replace("…", "...").split()


def sequence(blocks: list[str], notes: dict[str, str]) -> Text:
    words: list[str] = []
    ends: set[int] = set()
    anchors: dict[str, int] = {}
    for block in blocks:
        for index, part in enumerate(MARK.split(block)):
            if index % 2:
                anchors.setdefault(part, len(words))
                continue
            new = words_of(part)
            if index and new and words and re.fullmatch(r"[.,;:!?)\"]+", new[0]):
                new = new[1:]  # what follows a mark without a space belongs to the word before it
            words += new
        ends.add(len(words))
    return Text(
        [compared(word) for word in words],
        ends,
        anchors,
        {label: [compared(w) for w in words_of(MARK.sub("", text))] for label, text in notes.items()},
    )


def parse_published(text: str) -> tuple[list[str], dict[str, str]]:
    """Blocks and footnotes of a published text."""
    blocks: list[str] = []
    notes: dict[str, str] = {}
    current = None
    for block in re.split(r"\n\s*\n", text):
        if not block.strip():
            continue
        if found := re.match(r"\[\^([^\]\s]+)\]:\s*", block):
            current = found[1]
            notes[current] = " ".join(block[found.end() :].split())
        elif current and block.startswith("    "):
            notes[current] += " " + " ".join(block.split())
        else:
            current = None
            blocks.append(" ".join(block.split()))
    return blocks, notes


def body_only(blocks: list[str], title: str) -> list[str]:
    """From the title to the recipients: what the gold covers."""
    first = next(
        (i for i, block in enumerate(blocks) if fuzz.ratio(MARK.split(block)[0].strip()[:40], title[:40]) > 75), 0
    )
    head = re.compile(r"\W*N[oơ]i nh[aậâ]n", re.IGNORECASE)
    last = next((i for i in range(len(blocks) - 1, -1, -1) if head.match(blocks[i])), len(blocks))
    return blocks[first:last]


def score(gold: dict[str, Any], published: str) -> Score:
    texts = [block["text"] for block in gold["blocks"]]
    true = sequence(texts, gold["footnotes"])
    blocks, notes = parse_published(published)
    read = sequence(body_only(blocks, texts[0]), notes)
    steps = Levenshtein.editops(true.words, read.words)
    replaced = [(true.words[s.src_pos], read.words[s.dest_pos]) for s in steps if s.tag == "replace"]
    where = {len(true.words): len(read.words)}
    for op in Levenshtein.opcodes(true.words, read.words):
        for k in range(op.src_end - op.src_start):
            where[op.src_start + k] = op.dest_start if op.tag == "delete" else min(op.dest_start + k, op.dest_end)
    common = sum(where.get(e, -1) in read.ends or where.get(e - 1, -2) + 1 in read.ends for e in true.ends)
    right = 0
    for label, words in true.notes.items():
        found = read.notes.get(label)
        if found is None or Levenshtein.distance(words, found) > max(1, 0.1 * len(words)):
            continue
        if label in true.anchors:
            right += read.anchors.get(label) == where.get(true.anchors[label], -1)
        else:
            right += any(f"[^{label}]" in text for text in notes.values())
    return Score(
        syllables=len(true.words),
        errors=len(steps),
        marks_only=sum(unidecode(a) == unidecode(b) for a, b in replaced),
        substitutions=len(replaced),
        paragraph_f1=2 * common / max(1, len(true.ends) + len(read.ends)),
        notes=len(true.notes),
        notes_right=right,
        notes_found=len(read.notes),
    )


def metadata_right(gold: dict[str, Any], published: dict[str, Any]) -> tuple[int, int]:
    """How many of the gold's metadata fields are right, of how many."""
    fields = gold.get("metadata") or _metadata_of(gold)
    return sum(published["metadata"].get(name) == value for name, value in fields.items()), len(fields)


def _metadata_of(gold: dict[str, Any]) -> dict[str, Any]:
    """What the letterhead and the signature of a gold without ``metadata`` say of them."""
    head, signature = gold.get("letterhead"), gold.get("signature")
    if not head or not signature:
        return {}
    number, _, symbol = head["number"].removeprefix("Số:").strip().partition("/")
    return {
        "number": number.strip() or None,
        "symbol": symbol,
        "agency": " ".join(head["left"]),
        "place": head["place"].partition(", ngày")[0],
        "signer": signature["name"],
        "signer_title": signature["right"][-1],
        "recipients": signature["left"][1:],
    }


def bare_tesseract(scan: Path, jobs: int) -> str:
    """The scan as plain Tesseract reads it."""
    with tempfile.TemporaryDirectory() as folder:
        if scan.suffix.lower() == ".pdf":
            subprocess.run(["pdftoppm", "-r", "300", "-gray", str(scan), f"{folder}/p"], check=True)
            pages = sorted(Path(folder).glob("p*"))
        else:
            pages = [scan]
        environment = {**os.environ, "OMP_THREAD_LIMIT": "1"}

        def read(page: Path) -> str:
            command = ["tesseract", str(page), "-", "-l", "vie"]
            return subprocess.run(command, capture_output=True, text=True, env=environment, check=True).stdout

        with ThreadPoolExecutor(jobs) as pool:
            return "\n\n".join(pool.map(read, pages))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path, metavar="DIR")
    parser.add_argument("--repair", default="safe", choices=("off", "safe", "full"))
    parser.add_argument("--bare", action="store_true", help="plain Tesseract instead of the pipeline")
    parser.add_argument("--keep", type=Path, help="folder to leave the published files in")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    golds = sorted(gold for folder in options.folders for gold in folder.glob("*.gold.json"))
    if not golds:
        sys.exit("no *.gold.json in " + ", ".join(map(str, options.folders)))
    print(
        f"{'scan':26}{'pages':>6}{'syllables':>10}{'error':>9}{'marks':>9}{'subst':>6}{'par F1':>8}"
        f"{'notes':>9}{'note F1':>8}{'meta':>7}{'s/page':>8}"
    )
    with tempfile.TemporaryDirectory() as scratch:
        out = options.keep or Path(scratch)
        timings: dict[str, float] = {}
        total = [_measure(gold, out, options, timings) for gold in golds]
    syllables = sum(one.syllables for one in total)
    print(
        f"{'all':26}{'':6}{syllables:>10}{sum(s.errors for s in total) / syllables:>9.2%}"
        f"{sum(s.marks_only for s in total) / syllables:>9.3%}{sum(s.substitutions for s in total):>6}"
    )
    if timings:
        print(
            f"of the time that reading takes, structure takes {timings['structure'] / timings['reading']:.2%} "
            f"and repair {timings['repair'] / timings['reading']:.2%}"
        )


def _measure(gold_path: Path, out: Path, options: argparse.Namespace, timings: dict[str, float]) -> Score:
    name = gold_path.name.removesuffix(".gold.json")
    scan = next(p for p in gold_path.parent.iterdir() if p.stem == name and p.suffix.lower() in SUFFIXES)
    gold = json.loads(gold_path.read_text("utf-8"))
    pages = inspect(scan).pages
    begun = time.perf_counter()
    meta = ""
    if options.bare:
        text = bare_tesseract(scan, options.jobs)
    else:
        folder = out / name
        command = [sys.executable, "-m", "flows.cli", "convert", str(scan), "--out", str(folder)]
        command += ["--repair", options.repair, "--jobs", str(options.jobs)]
        subprocess.run(command, check=True)
        text = next(folder.glob("*.txt")).read_text("utf-8")
        published = json.loads(next(folder.glob("*.json")).read_text("utf-8"))
        for stage, took in published["timings"].items():
            timings[stage] = timings.get(stage, 0.0) + took
        right, of = metadata_right(gold, published)
        meta = f"{right}/{of}" if of else ""
    seconds = time.perf_counter() - begun
    result = score(gold, text)
    f1 = 2 * result.notes_right / max(1, result.notes + result.notes_found)
    notes = f"{result.notes_right}/{result.notes}" if result.notes else ""
    print(
        f"{name:26}{pages:>6}{result.syllables:>10}{result.errors / result.syllables:>9.2%}"
        f"{result.marks_only / result.syllables:>9.3%}{result.substitutions:>6}{result.paragraph_f1:>8.3f}"
        f"{notes:>9}{(f'{f1:.3f}' if notes else ''):>8}{meta:>7}{seconds / pages:>8.2f}",
        flush=True,
    )
    return result


if __name__ == "__main__":
    main()
