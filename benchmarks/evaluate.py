"""Run the pipeline over scans with known text and print how well it read them.

    python -m benchmarks.evaluate DIR... [--repair safe] [--bare] [--show] [--markdown] [--records DIR] [--keep OUT]

Each ``NAME.gold.json`` in DIR is the true text of the scan ``NAME.*`` beside it: ``{"blocks": [{"text"}], "footnotes":
{"1": "..."}}``, marks as ``[^n]`` in the texts, and optionally ``letterhead``, ``signature`` and ``metadata``.
``--bare`` reads the same pages with plain Tesseract instead (300 dpi, no cleaning, no repair), for comparison.

The first columns forgive: *error* is the syllable error rate of the body (insertions, deletions and substitutions over
the syllables of the gold), *marks* the part of it where only marks differ, *subst* substitutions; *par F1* is that of
the paragraph ends; *linked* counts footnotes whose text is right to a tenth of its syllables and whose reference stands
behind the right one, *link F1* is theirs. Old and new tone placement count as the same, as do typographic and plain
quotes and dashes, and signs at the ends of words are not looked at.

The others forgive nothing (:mod:`benchmarks.strict`): *words* of the body that differ in any sign, *notes* that are
the same in every sign, references (*refs*) that stand between the same signs as in print, lines of the letterhead
(*head*) and of recipients and signature (*sign*), *figures* of body and notes, *meta*data fields. ``--show`` lists each
difference. ``--markdown`` prints the table as the README has it. The last line says what structure and repair cost
beside reading.

With ``--records`` pages are read once and their records kept there (:mod:`benchmarks.from_records`); a change in
ocr/ asks for another folder.
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
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from rapidfuzz.distance import Levenshtein
from unidecode import unidecode

from benchmarks import from_records
from benchmarks.strict import MARK, Difference, Exact, Strict, body_only, exact
from flows.pipeline.stages import check, record_path
from flows.settings import Settings
from ocr.rasterize import SUFFIXES, inspect

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


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured on one scan.

    Attributes:
        loose: columns that forgive.
        strict: columns that do not; ``None`` for plain Tesseract, which publishes no record.
        metadata: fields of the record.
        per_page: seconds from scan to published text; ``None`` where the pages had been read before.
    """

    name: str
    pages: int
    loose: Score
    strict: Strict | None
    metadata: Exact
    per_page: float | None
    timings: dict[str, float]


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


def same_metadata(gold: dict[str, Any], record: dict[str, Any]) -> Exact:
    """The fields of the metadata that are as in the gold."""
    fields, found = gold.get("metadata") or _metadata_of(gold), record["metadata"]
    wrong = [name for name, value in fields.items() if found.get(name) != value]
    return Exact(len(fields), tuple(Difference(name, _shown(fields[name]), _shown(found.get(name))) for name in wrong))


def _shown(value: object) -> str:
    return "; ".join(map(str, value)) if isinstance(value, list) else "" if value is None else str(value)


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


def measure(gold_path: Path, out: Path, options: argparse.Namespace) -> Measured:
    """Publish the scan of a gold into ``out`` and hold it against the gold."""
    name = gold_path.name.removesuffix(".gold.json")
    scan = next(p for p in gold_path.parent.iterdir() if p.stem == name and p.suffix.lower() in SUFFIXES)
    gold = json.loads(gold_path.read_text("utf-8"))
    pages = inspect(scan).pages
    begun = time.perf_counter()
    if options.bare:
        text = bare_tesseract(scan, options.jobs)
        seconds = time.perf_counter() - begun
        return Measured(name, pages, score(gold, text), None, Exact(0), seconds / pages, {})
    folder = out / name
    if options.records:
        publish_from_records(scan, options.records, folder, options.repair, options.jobs)
    else:
        command = [sys.executable, "-m", "flows.cli", "convert", str(scan), "--out", str(folder)]
        command += ["--repair", options.repair, "--jobs", str(options.jobs)]
        subprocess.run(command, check=True)
    seconds = time.perf_counter() - begun
    text = next(folder.glob("*.txt")).read_text("utf-8")
    record = json.loads(next(folder.glob("*.json")).read_text("utf-8"))
    return Measured(
        name,
        pages,
        score(gold, text),
        exact(gold, record),
        same_metadata(gold, record),
        None if options.records else seconds / pages,
        record["timings"],
    )


def publish_from_records(scan: Path, records: Path, out: Path, repair: str, jobs: int) -> None:
    """Publish a scan, reading only pages that no record is kept of."""
    settings = Settings().model_copy(update={"repair": repair})
    checked = check(scan, settings.max_bytes, settings.max_pages)
    kept = records / checked.sha256
    kept.mkdir(parents=True, exist_ok=True)
    missing = [number for number in range(1, checked.pages + 1) if not record_path(kept, number).exists()]
    if missing:
        with ProcessPoolExecutor(jobs) as pool:
            list(pool.map(partial(from_records.read, scan, records=kept), missing))
    from_records.publish(scan, checked, kept, out, scan.stem, settings)


def columns(one: Measured) -> dict[str, str]:
    """The cells of a scan's row, by the names of their columns."""
    loose, strict = one.loose, one.strict
    f1 = 2 * loose.notes_right / max(1, loose.notes + loose.notes_found)
    return {
        "pages": str(one.pages),
        "syllables": str(loose.syllables),
        "error": f"{loose.errors / loose.syllables:.2%}",
        "marks": f"{loose.marks_only / loose.syllables:.3%}",
        "subst": str(loose.substitutions),
        "par F1": f"{loose.paragraph_f1:.3f}",
        "linked": f"{loose.notes_right}/{loose.notes}" if loose.notes else "",
        "link F1": f"{f1:.3f}" if loose.notes else "",
        "words": str(len(strict.body.differences)) if strict else "",
        "notes": str(strict.notes) if strict else "",
        "refs": str(strict.references) if strict else "",
        "head": str(strict.letterhead) if strict else "",
        "sign": str(strict.signature) if strict else "",
        "figures": str(strict.figures) if strict else "",
        "meta": str(one.metadata),
        "s/page": "" if one.per_page is None else f"{one.per_page:.2f}",
    }


#: The columns of the README's table: their heads, and their names here.
README = {
    "pages": "pages",
    "syllables": "syllables",
    "error": "error",
    "marks": "marks",
    "paragraph F1": "par F1",
    "words that differ": "words",
    "footnotes the same": "notes",
    "references in place": "refs",
    "letterhead lines": "head",
    "signature lines": "sign",
    "figures": "figures",
    "metadata": "meta",
}


def together(measured: Sequence[Measured]) -> Measured:
    """All scans as one."""
    loose = [one.loose for one in measured]
    strict = [one.strict for one in measured if one.strict]
    sums = {name: sum(getattr(one, name) for one in loose) for name in Score.__slots__}
    parts = {name: sum((getattr(one, name) for one in strict), Exact(0)) for name in Strict.__slots__}
    ends = sum(one.paragraph_f1 * one.syllables for one in loose) / max(1, sums["syllables"])
    return Measured(
        "all",
        sum(one.pages for one in measured),
        Score(**{**sums, "paragraph_f1": ends}),
        Strict(**parts) if strict else None,
        sum((one.metadata for one in measured), Exact(0)),
        None,
        {},
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path, metavar="DIR")
    parser.add_argument("--repair", default="safe", choices=("off", "safe", "full"))
    parser.add_argument("--bare", action="store_true", help="plain Tesseract instead of the pipeline")
    parser.add_argument("--show", action="store_true", help="list each difference")
    parser.add_argument("--markdown", action="store_true", help="the table as the README has it")
    parser.add_argument("--records", type=Path, help="folder of page records, kept between runs")
    parser.add_argument("--keep", type=Path, help="folder to leave the published files in")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    golds = sorted(gold for folder in options.folders for gold in folder.glob("*.gold.json"))
    if not golds:
        sys.exit("no *.gold.json in " + ", ".join(map(str, options.folders)))
    measured: list[Measured] = []
    with tempfile.TemporaryDirectory() as scratch:
        for gold in golds:
            measured.append(measure(gold, options.keep or Path(scratch), options))
            _print_row(measured[-1], options.markdown, first=len(measured) == 1)
    _print_row(together(measured), options.markdown)
    if options.show:
        for one in measured:
            print(f"\n{one.name}", *differences(one), sep="\n  ")
    reading = sum(one.timings.get("reading", 0.0) for one in measured)
    if reading and not options.markdown:
        parts = {part: sum(one.timings[part] for one in measured) / reading for part in ("structure", "repair")}
        print(
            f"of the time that reading takes, structure takes {parts['structure']:.2%} and repair {parts['repair']:.2%}"
        )


def differences(one: Measured) -> list[Difference]:
    """All that is not as in the gold."""
    found = [getattr(one.strict, name) for name in Strict.__slots__] if one.strict else []
    return [difference for part in (*found, one.metadata) for difference in part.differences]


def _print_row(one: Measured, markdown: bool, *, first: bool = False) -> None:
    """One row, the head of the table before the first."""
    cells = columns(one)
    if markdown:
        if first:
            print("| scan | " + " | ".join(README) + " |")
            print("|---" * (len(README) + 1) + "|")
        print(f"| {one.name} | " + " | ".join(cells[name] or "-" for name in README.values()) + " |", flush=True)
        return
    if first:
        print(f"{'scan':26}" + "".join(f"{name:>10}" for name in cells))
    print(f"{one.name:26}" + "".join(f"{cell:>10}" for cell in cells.values()), flush=True)


if __name__ == "__main__":
    main()
