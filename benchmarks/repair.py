"""Measure repair: scans with known text, labelled OCR text, and clean text that training left out.

    python -m benchmarks.repair [--shared ../shared] [--mode safe] [--cache DIR] [scans] [bare] [seeds] [clean]

``scans`` reads the pages with Tesseract (about 2.5 s each; ``--cache`` keeps what was read), ``bare`` sets the errors
of the body beside those of plain Tesseract, ``seeds`` is text of another engine with labelled errors, ``clean`` is
corpus text whose every change is a false one (or mends a slip of its author: nobody labelled those).
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from rapidfuzz.distance import Levenshtein

from benchmarks import evaluate
from normalize.document import Block, Document, Footnote, Source, Token
from normalize.formats import to_text
from normalize.repair.repair import repair
from normalize.structure.build import build_document
from normalize.vietnamese.syllable import key, skeleton
from normalize.vietnamese.train_language import held_out, paragraphs
from ocr.page import from_json, to_json
from ocr.rasterize import inspect
from ocr.reading import read_page

SOURCE = Source("benchmark", "", 0, 0)
_MARK = re.compile(r"\[\^\d+\]")
_EDGES = re.compile(r"^[^\w%]+|[^\w%]+$")


COLUMNS = (
    "words",
    "marks before",
    "marks after",
    "letters before",
    "letters after",
    "mended",
    "broken",
    "still wrong",
)


def compared(word: str) -> str:
    """A word as it is compared: without punctuation at its ends, tone placement folded, case kept."""
    word = _EDGES.sub("", word)
    folded = key(word)
    return (
        word
        if folded == word.lower()
        else "".join(new.upper() if old.isupper() else new for new, old in zip(folded, word, strict=False))
    )


def plain_document(texts: Iterable[str]) -> Document:
    """A document of paragraphs without page evidence."""
    return Document(SOURCE, tuple(Block("paragraph", tuple(map(Token, text.split()))) for text in texts))


def words(document: Document) -> list[str]:
    """All words of a document as they are compared, each note after the block that cites it."""
    notes = {note.label: note for note in document.footnotes}
    out = []
    for block in document.blocks:
        texts = [block.tokens]
        for label in block.labels:
            texts += notes.pop(label).paragraphs if label in notes else ()
        out += [compared(token.text) for tokens in texts for token in tokens]
    return out + [compared(token.text) for note in notes.values() for tokens in note.paragraphs for token in tokens]


def gold_words(gold: dict) -> list[str]:
    """The words of a gold file, each note after the block that cites it."""
    texts = []
    for block in gold["blocks"]:
        texts.append(block["text"])
        texts += [gold["footnotes"].get(label[2:-1], "") for label in _MARK.findall(block["text"])]
    return [compared(word) for text in texts for word in _MARK.sub("", text).split()]


def compare(truth: list[str], before: list[str], after: list[str]) -> tuple[dict[str, int], list[str]]:
    """Counts of aligned words (wrong marks and wrong letters before and after, mended, broken), and lines that show
    what went wrong.

    Both are aligned with the truth: repair joins words that were parted and parts others.
    """
    counts = dict.fromkeys(COLUMNS, 0)
    shown = []
    now = _aligned(truth, after)
    for i, j in _aligned(truth, before).items():
        if i not in now:
            continue
        true, old, new = truth[i], before[j], after[now[i]]
        near = " ".join(before[max(0, j - 3) : j + 4])
        counts["words"] += 1
        same = skeleton(true) == skeleton(old)
        counts["marks before"] += same and true != old
        counts["marks after"] += same and true != new
        counts["letters before"] += not same
        counts["letters after"] += skeleton(true) != skeleton(new)
        counts["mended"] += true != old and true == new
        if true == old and true != new:
            counts["broken"] += 1
            shown.append(f"BROKEN {true}->{new} in {near}")
        elif same and true != new:
            shown.append(f"missed {old} ({true}) now {new} in {near}")
        elif old != new and true != new:
            counts["still wrong"] += 1
            shown.append(f"other {old} ({true}) now {new} in {near}")
    return counts, shown


def _aligned(truth: list[str], words: list[str]) -> dict[int, int]:
    """Place in ``truth`` -> place in ``words``, of those that stand for each other."""
    out = {}
    for op in Levenshtein.opcodes(truth, words):
        if op.tag in ("equal", "replace"):
            out.update(zip(range(op.src_start, op.src_end), range(op.dest_start, op.dest_end), strict=False))
    return out


def read_scan(path: Path, cache: Path | None) -> Document:
    """The document that a scan holds, before repair; its pages from ``cache`` where they are there."""
    pages = []
    for number in range(1, inspect(path).pages + 1):
        kept = cache / path.stem / f"{number:03}.json" if cache else None
        if kept and kept.exists():
            pages.append(from_json(kept.read_text(encoding="utf-8")))
            continue
        pages.append(read_page(path, number))
        if kept:
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_text(to_json(pages[-1]), encoding="utf-8")
    return build_document(pages, Source(path.name, "", len(pages), 0))


def scans(shared: Path, mode: str, cache: Path | None, show: bool) -> None:
    """Table of the scans with known text."""
    print(f"{'scan':26}" + "".join(f"{name:>15}" for name in COLUMNS) + f"{'ms a page':>12}")
    sums = {"real": dict.fromkeys(COLUMNS, 0), "d": dict.fromkeys(COLUMNS, 0)}
    for path in sorted((shared / "devset").glob("*.pdf")):
        gold = json.loads(path.with_suffix(".gold.json").read_text(encoding="utf-8"))
        document = read_scan(path, cache)
        started = time.process_time()
        repaired = repair(document, mode)
        spent = (time.process_time() - started) / document.source.pages
        counts, shown = compare(gold_words(gold), words(document), words(repaired))
        print(f"{path.stem:26}" + "".join(f"{counts[c]:15,}" for c in COLUMNS) + f"{1000 * spent:12.0f}")
        if show:
            print("".join(f"    {line}\n" for line in shown), end="")
        total = sums["real" if path.stem.startswith("real") else "d"]
        for column in COLUMNS:
            total[column] += counts[column]
    for name, total in sums.items():
        print(f"{'all ' + name:26}" + "".join(f"{total[c]:15,}" for c in COLUMNS))


def bare(shared: Path, mode: str, cache: Path | None) -> None:
    """Table of the errors of the body: plain Tesseract, the pages as we read them, and repaired.

    Substitutions that differ in marks alone, and all others: letters, digits, roman numerals, words joined or parted.
    """
    ways = ("bare", "read", mode)
    print(f"{'scan':26}{'syllables':>10}" + "".join(f"{way:>9}{'marks':>7}{'other':>7}" for way in ways))
    sums: dict[str, list[int]] = {"real": [0] * 10, "d": [0] * 10}
    for path in sorted((shared / "devset").glob("*.pdf")):
        gold = json.loads(path.with_suffix(".gold.json").read_text(encoding="utf-8"))
        kept = cache / path.stem / "bare.txt" if cache else None
        if kept and kept.exists():
            plain = kept.read_text(encoding="utf-8")
        else:
            plain = evaluate.bare_tesseract(path, 1)
            if kept:
                kept.parent.mkdir(parents=True, exist_ok=True)
                kept.write_text(plain, encoding="utf-8")
        document = read_scan(path, cache)
        row = []
        for text in (plain, to_text(document), to_text(repair(document, mode))):
            one = evaluate.score(gold, text)
            row += [one.errors, one.marks_only, one.substitutions - one.marks_only]
        row.insert(0, one.syllables)
        _print_errors(path.stem, row)
        total = sums["real" if path.stem.startswith("real") else "d"]
        total[:] = [sum(pair) for pair in zip(total, row, strict=True)]
    for name, total in sums.items():
        _print_errors(f"all {name}", total)


def _print_errors(name: str, row: list[int]) -> None:
    print(
        f"{name:26}{row[0]:10,}" + "".join(f"{a:9,}{b:7,}{c:7,}" for a, b, c in zip(*[iter(row[1:])] * 3, strict=True))
    )


def seeds(shared: Path, mode: str, show: bool) -> None:
    """Table of the labelled texts, by the project's scorer."""
    sys.path.insert(0, str(shared))
    import score  # type: ignore[import-not-found]

    names = ("errors", "fixed", "missed", "wrong", "false_changes", "syllables")
    sums = dict.fromkeys(names, 0)
    print(f"{'seed':8}" + "".join(f"{name:>14}" for name in names))
    for folder in sorted(p for p in (shared / "seeds").iterdir() if p.is_dir()):
        load = {n: json.loads((folder / f"{folder.name}.{n}.json").read_text()) for n in ("raw", "sure", "all")}
        raw = load["raw"]

        def tokens(text: str) -> tuple[Token, ...]:
            return tuple(Token(word) for word in _MARK.sub("", text).split())

        document = Document(
            SOURCE,
            tuple(Block("paragraph", tokens(block["text"])) for block in raw["blocks"]),
            tuple(Footnote(label, label, (tokens(text),)) for label, text in raw["footnotes"].items()),
        )
        repaired = repair(document, mode)
        # The scorer reads published text; the marks that were taken out go back to the end of their block.
        parts = []
        for old, block in zip(raw["blocks"], repaired.blocks, strict=True):
            parts.append(" ".join([block.text, *_MARK.findall(old["text"])]))
        for note in repaired.footnotes:
            cited = _MARK.findall(raw["footnotes"][note.label])
            parts.append(f"[^{note.label}]: " + " ".join([t.text for t in note.paragraphs[0]] + cited))
        result = score.repairs(raw, load["sure"], load["all"], "\n\n".join(parts), 60 if show else 0)
        print(f"{folder.name:8}" + "".join(f"{result[name]:14,}" for name in names))
        for name in names:
            sums[name] += result[name]
    recall = sums["fixed"] / sums["errors"]
    false = 1e4 * sums["false_changes"] / sums["syllables"]
    print(f"recall {recall:.2f}, false changes per 10,000 syllables {false:.1f}")


CLEAN = ("official_docs_luatvn", "admin_from_1000docs", "official_hddtvn", "laws_vlc", "phapdien", "viwiki2017_ccbysa")


def clean(shared: Path, mode: str, limit: int, show: bool) -> None:
    """Changes made to corpus text that training left out; sums of the official texts and of Wikipedia."""
    sums = {"official": [0, 0], "wikipedia": [0, 0]}
    print(f"{'held-out text':26}{'syllables':>12}{'changes':>10}{'per 10,000':>12}{'syllables/s':>13}")
    for name in CLEAN:
        texts, size = [], 0
        for text in paragraphs(shared / "corpus" / f"{name}.txt.gz"):
            if held_out(text):
                texts.append(text)
                size += len(text.split())
                if size > limit:
                    break
        document = plain_document(texts)
        started = time.process_time()
        repaired = repair(document, mode)
        spent = time.process_time() - started
        made = len(repaired.corrections)
        print(f"{name:26}{size:12,}{made:10,}{1e4 * made / size:12.2f}{size / spent:13,.0f}")
        if show:
            for one in repaired.corrections:
                text = repaired.blocks[int(one.where.split("/")[1])].text
                before, after = text[max(0, one.start - 45) : one.start], text[one.start + len(one.after) :][:45]
                print(f"    {one.probability:.2f} {before}[{one.before} -> {one.after}]{after}")
        total = sums["wikipedia" if "wiki" in name else "official"]
        total[0], total[1] = total[0] + size, total[1] + made
    for name, (size, made) in sums.items():
        print(f"{'all ' + name:26}{size:12,}{made:10,}{1e4 * made / size:12.2f}")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("what", nargs="*", default=["scans", "bare", "seeds", "clean"])
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--mode", default="safe")
    parser.add_argument("--cache", type=Path, help="folder to keep the pages in, once they are read")
    parser.add_argument("--limit", type=int, default=250_000, help="syllables of each clean text")
    parser.add_argument("--show", action="store_true", help="print what was missed, broken or changed")
    given = parser.parse_args()
    for what in given.what:
        if what == "scans":
            scans(given.shared, given.mode, given.cache, given.show)
        elif what == "bare":
            bare(given.shared, given.mode, given.cache)
        elif what == "seeds":
            seeds(given.shared, given.mode, given.show)
        else:
            clean(given.shared, given.mode, given.limit, given.show)
        print()


if __name__ == "__main__":
    main()
