"""Documents with known text, laid out as another OCR engine might leave them, through ``nambat normalize``'s reader.

    python -m benchmarks.otherengines DIR... [--only STYLE] [--seed 1] [--show] [--keep OUT]

Each ``NAME.gold.json`` in DIR (see ``benchmarks/evaluate.py``) is cut into pages: a page ends in the middle of a
sentence, the notes that it cites follow, the last of them may go on at the bottom of the next page without a number.
Then the pages are written down in each of the styles below. No repair is done: only the structure is measured.

Columns: F1 of the footnotes whose text and anchor are both right, the best that could be had (marks that the style
loses count as misses), F1 of the paragraph ends, words that are neither published nor dropped, warnings.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import textwrap
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.evaluate import MARK, score
from normalize.document import Document, Source
from normalize.formats import to_text
from normalize.plaintext.parse import parse_text

_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_PAGE_WORDS = 330
_NOTE_SIZE = 0.75  # of a word of the body, in room

MARKS = {
    "raised": lambda n: n.translate(_RAISED),
    "sup": lambda n: f"<sup>{n}</sup>",
    "sup_bracket": lambda n: f"<sup>[{n}]</sup>",
    "bracket": lambda n: f"[{n}]",
    "bracket_spaced": lambda n: f" [{n}]",
    "caret": lambda n: f"^{n}^",
    "latex": lambda n: f"$^{{{n}}}$",
    "paren": lambda n: f"({n})",
    "paren_spaced": lambda n: f" ({n})",
    "plain": lambda n: n,
    "spaced": lambda n: f" {n}",
}
HEADS = {
    "raised": lambda n: f"{n.translate(_RAISED)} ",
    "raised_glued": lambda n: n.translate(_RAISED),
    "sup": lambda n: f"<sup>{n}</sup> ",
    "bracket": lambda n: f"[{n}] ",
    "caret": lambda n: f"^{n}^ ",
    "latex": lambda n: f"$^{{{n}}}$ ",
    "paren": lambda n: f"({n}) ",
    "plain": lambda n: f"{n} ",
    "glued": lambda n: n,
    "dot": lambda n: f"{n}. ",
}
PAGE_ENDS = {
    "": lambda n, of: [],
    "rule": lambda n, of: ["---"],
    "feed": lambda n, of: ["\f"],
    "comment": lambda n, of: [f"<!-- page {n + 1} -->"],
    "heading": lambda n, of: [f"## Page {n + 1}"],
    "trang": lambda n, of: [f"Trang {n + 1}"],
    "of": lambda n, of: [f"{n}/{of}"],
    "number": lambda n, of: [str(n + 1)],
    "dashes": lambda n, of: [f"- {n + 1} -"],
    "header": lambda n, of: ["UBND HUYỆN THANH SƠN HẠ", str(n + 1)],
    "running": lambda n, of: ["Báo cáo tình hình kinh tế - xã hội"],
    "marker": lambda n, of: [f"{{{n}}}" + "-" * 48],
}


@dataclass(frozen=True)
class Style:
    """How an engine writes a document down.

    Attributes:
        layout: ``blank`` (a blank line after each paragraph), ``lines`` (one paragraph a line, none blank),
            ``wrapped`` (printed lines, paragraphs not parted), ``wrapped_blank`` (printed lines, paragraphs parted),
            ``spaced`` (a blank line after each printed line), ``indented`` (printed lines, paragraphs indented).
        per_page: numbers begin anew on each page.
        at_end: all notes after the last page.
        lost, misread: share of the marks that are gone, or read as another sign.
    """

    name: str
    marks: str = "raised"
    heads: str = "raised"
    layout: str = "blank"
    page_end: str = ""
    per_page: bool = False
    at_end: bool = False
    markdown: bool = False
    lost: float = 0.0
    misread: float = 0.0
    coding: str = ""


STYLES = [
    *(Style(f"marks {m}", m, h) for m, h in (
        ("raised", "raised"), ("raised", "raised_glued"), ("sup", "sup"), ("sup_bracket", "bracket"),
        ("bracket", "bracket"), ("bracket_spaced", "bracket"), ("caret", "caret"), ("latex", "latex"),
        ("paren", "paren"), ("paren_spaced", "paren"), ("plain", "plain"), ("plain", "dot"), ("spaced", "plain"),
    )),
    *(Style(f"raised / {h}", "raised", h) for h in ("plain", "dot", "bracket", "paren", "glued")),
    *(Style(f"plain / {h}", "plain", h) for h in ("raised", "glued", "bracket")),
    *(Style(f"layout {one}", layout=one) for one in ("lines", "wrapped", "wrapped_blank", "spaced", "indented")),
    *(Style(f"pages {one}", page_end=one) for one in PAGE_ENDS if one),
    *(Style(f"wrapped, pages {one}", page_end=one, layout="wrapped") for one in ("number", "header", "feed")),
    Style("per page", per_page=True),
    Style("per page, plain", "plain", "plain", per_page=True),
    Style("per page, numbers", per_page=True, page_end="number"),
    Style("at end", at_end=True),
    Style("at end, brackets", "bracket", "bracket", at_end=True),
    Style("at end, plain", "plain", "dot", at_end=True),
    Style("markdown", "sup", "sup", markdown=True),
    Style("markdown, plain heads", "sup", "plain", markdown=True, page_end="rule"),
    Style("lost marks", lost=0.2),
    Style("lost marks, plain", "plain", "plain", lost=0.2),
    Style("misread marks", misread=0.2),
    Style("plain, wrapped", "plain", "plain", "wrapped"),
    Style("plain, wrapped, numbers", "plain", "plain", "wrapped", "number"),
    Style("plain, lines", "plain", "plain", "lines"),
    Style("dot heads, wrapped, feed", "plain", "dot", "wrapped", "feed"),
    Style("sup, wrapped, plain heads", "sup", "plain", "wrapped"),
    Style("windows, decomposed", coding="windows"),
]  # fmt: skip


@dataclass
class Page:
    """Pieces of paragraphs: ``(kind, words, begins)``; and of notes: ``(number or "", words)``."""

    body: list[tuple[str, list[str], bool]] = field(default_factory=list)
    notes: list[tuple[str, list[str]]] = field(default_factory=list)


def paged(gold: dict[str, Any], chance: random.Random) -> list[Page]:
    """The document cut into pages of about ``_PAGE_WORDS`` words, notes and all."""
    pages = [Page()]
    room = _PAGE_WORDS * chance.uniform(0.6, 0.9)
    carried: list[tuple[str, list[str]]] = []
    cited: set[str] = set()

    def turn() -> float:
        nonlocal carried
        pages.append(Page(notes=carried))
        left = _PAGE_WORDS * chance.uniform(0.85, 1.1) - sum(len(words) for _, words in carried) * _NOTE_SIZE
        carried = []
        return left

    for block in gold["blocks"]:
        words, begins = block["text"].split(), True
        kind = block.get("kind", "p")
        if room < 12 and kind in ("h", "hi", "title"):
            room = turn()
        pages[-1].body.append((kind, [], True))
        for word in words:
            if room <= 0:
                if not pages[-1].body[-1][1]:
                    begins = pages[-1].body.pop()[2]
                room = turn()
                pages[-1].body.append((kind, [], begins))
            begins = False
            pages[-1].body[-1][1].append(word)
            room -= 1
            for label in MARK.findall(word):
                if label in cited or label not in gold["footnotes"]:
                    continue
                cited.add(label)
                for index, paragraph in enumerate(gold["footnotes"][label].split("\n")):
                    text = paragraph.split()
                    number = "" if index else label
                    fits = int(max(room, 0) / _NOTE_SIZE)
                    if carried:
                        carried.append((number, text))
                    elif len(text) > fits + 6 and fits > 6 and chance.random() < 0.6:
                        pages[-1].notes.append((number, text[:fits]))
                        carried.append(("", text[fits:]))
                        room = 0
                    else:
                        pages[-1].notes.append((number, text))
                        room -= len(text) * _NOTE_SIZE
    if carried:
        turn()
    return pages


def written(gold: dict[str, Any], style: Style, seed: int) -> tuple[str, set[str]]:
    """The text that an engine would leave, and the labels of the marks it loses."""
    chance = random.Random(f"{seed}/{style.name}/{gold.get('id')}")
    pages = paged(gold, chance)
    printed: dict[str, str] = {}
    for page in pages:
        numbers = [number for number, _ in page.notes if number]
        for index, number in enumerate(numbers):
            printed[number] = str(index + 1) if style.per_page else number
    lost: set[str] = set()
    misread: dict[str, str] = {}
    for number in printed:
        draw = chance.random()
        if draw < style.lost:
            lost.add(number)
        elif draw < style.lost + style.misread:
            misread[number] = chance.choice("'”!*°")

    def marked(words: Sequence[str]) -> str:
        def render(found: re.Match[str]) -> str:
            label = found[1]
            if label in lost:
                return ""
            return misread.get(label) or MARKS[style.marks](printed.get(label, label))

        return MARK.sub(render, " ".join(words))

    chunks: list[str] = []
    ending: list[str] = []
    for number, page in enumerate(pages, start=1):
        for kind, words, begins in page.body:
            text = marked(words)
            if style.markdown and begins and kind in ("h", "title"):
                text = f"## **{text}**"
            elif style.markdown and begins and kind == "hi":
                text = f"*{text}*"
            chunks.append(_set(text, style, begins))
        for label, words in page.notes:
            head = HEADS[style.heads](printed[label]) if label else ""
            (ending if style.at_end else chunks).append(_set(head + marked(words), style, bool(label)))
        if number < len(pages):
            chunks += PAGE_ENDS[style.page_end](number, len(pages))
    chunks += ["Nơi nhận:", "- Như trên;", "- Lưu: VT.", "TM. ỦY BAN NHÂN DÂN", "CHỦ TỊCH", "Lường Quốc Khải", *ending]
    gap = "\n\n" if style.layout in ("blank", "wrapped_blank", "spaced") else "\n"
    text = gap.join(chunks).replace("\n\f\n", "\n\f") + "\n"
    if style.coding == "windows":
        text = "\ufeff" + unicodedata.normalize("NFD", text).replace("\n", "\r\n")
    return text, lost | set(misread)


def _set(text: str, style: Style, begins: bool) -> str:
    if style.layout in ("blank", "lines"):
        return text
    first = "    " if style.layout == "indented" and begins else ""
    lines = textwrap.wrap(text, 88, initial_indent=first, break_on_hyphens=False, break_long_words=False)
    return ("\n\n" if style.layout == "spaced" else "\n").join(lines)


def words_astray(text: str, document: Document) -> tuple[Counter[str], Counter[str]]:
    """Runs of letters of the text that are nowhere in what is published and dropped, and those that came from nowhere.

    Digits are left out: marks are digits.
    """
    text = re.sub(r"</?\w+>|<!--|-->", " ", unicodedata.normalize("NFC", text))
    after = " ".join([to_text(document), *(one.text for one in document.dropped)])
    before, after_ = (Counter(re.findall(r"[^\W\d_⁰¹²³⁴⁵⁶⁷⁸⁹]+", one)) for one in (text, after))
    return before - after_, after_ - before


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path, metavar="DIR")
    parser.add_argument("--only", help="styles whose name holds this")
    parser.add_argument("--document", default="", help="documents whose name holds this")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", action="store_true", help="one line for each document")
    parser.add_argument("--keep", type=Path, help="folder to leave the texts and what became of them in")
    options = parser.parse_args()
    golds = {
        path.name.removesuffix(".gold.json"): json.loads(path.read_text("utf-8"))
        for folder in options.folders
        for path in sorted(folder.glob("**/*.gold.json"))
        if options.document in path.name
    }
    print(f"{'style':28}{'notes F1':>10}{'best':>8}{'par F1':>8}{'lowest':>8}{'astray':>8}{'warnings':>9}")
    all_notes, all_paragraphs = [], []
    for style in STYLES:
        if options.only and options.only not in style.name:
            continue
        rights = found = notes = best = astray = warnings = 0
        paragraphs = []
        for name, gold in golds.items():
            text, lost = written(gold, style, options.seed)
            document = parse_text(text, Source(name, "0" * 64, 0, 1))
            published = to_text(document)
            result = score(gold, published)
            missing, new = words_astray(text, document)
            rights, found, notes = rights + result.notes_right, found + result.notes_found, notes + result.notes
            best += result.notes - len(lost)
            astray += missing.total() + new.total()
            warnings += len(document.warnings)
            paragraphs.append(result.paragraph_f1)
            if options.show:
                detail = f"{result.notes_right}/{result.notes} ({result.notes_found} found)"
                print(f"    {name:24}{detail:>18}{result.paragraph_f1:>8.3f} {dict(missing)} {dict(new)}"[:160])
                for one in document.warnings:
                    print(f"        {one.message}"[:160])
            if options.keep:
                options.keep.mkdir(parents=True, exist_ok=True)
                stem = re.sub(r"\W+", "_", f"{style.name}_{name}")
                (options.keep / f"{stem}.txt").write_text(text, "utf-8")
                (options.keep / f"{stem}.out.txt").write_text(published, "utf-8")
        f1 = 2 * rights / max(1, found + notes)
        mean = sum(paragraphs) / len(paragraphs)
        all_notes.append(f1)
        all_paragraphs.append(mean)
        print(
            f"{style.name:28}{f1:>10.3f}{best / max(1, notes):>8.3f}{mean:>8.3f}{min(paragraphs):>8.3f}"
            f"{astray:>8}{warnings:>9}",
            flush=True,
        )
    print(f"{'mean':28}{sum(all_notes) / len(all_notes):>10.3f}{'':8}{sum(all_paragraphs) / len(all_paragraphs):>8.3f}")


if __name__ == "__main__":
    main()
