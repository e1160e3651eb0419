"""Search over many documents: how fast the index is made, how large it is, how long questions take.

    python -m benchmarks.finding [--documents 10000] [--pages 5] [--folder FOLDER]

The documents are made up: their words follow Zipf's law over the language model's vocabulary, their JSON has
all that one of a scan has (places of lines, words to check, corrections). Each question is asked ``--rounds`` times,
with the index in the machine's cache; quote the median and the worst.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import accumulate
from pathlib import Path
from typing import Any

from flows.review.index import Library, of_folder, refresh
from flows.review.listing import Filter, choices, count, documents
from flows.review.search import search
from normalize.formats.record import SCHEMA
from normalize.vietnamese.language import DATA

WORDS_A_PAGE, WORDS_A_BLOCK, WORDS_A_LINE = 380, 45, 12
AGENCIES = ["ỦY BAN NHÂN DÂN TỈNH ĐẮK LẮK", "SỞ TÀI CHÍNH", "BỘ NỘI VỤ", "UBND HUYỆN KRÔNG PẮC", "VĂN PHÒNG CHÍNH PHỦ"]
TYPES = ["Báo cáo", "Quyết định", "Công văn", "Kế hoạch", "Thông báo"]
SIGNS = {"Báo cáo": "BC", "Quyết định": "QĐ", "Công văn": "CV", "Kế hoạch": "KH", "Thông báo": "TB"}

QUESTIONS = {
    "a frequent word, without marks": "cong",
    "the same with marks": "công",
    "a rare word": "tờ trình thẩm tra",
    "three words": "kế hoạch ngân sách",
    "a phrase without marks": '"quy dinh cua"',
    "a phrase with marks": '"ủy ban nhân dân"',
    "the four most frequent words": "và của các định",
    "a document's symbol": "559/BC-UBND",
    "a number": "1.250.000",
    "nothing to be found": "xyzzy",
}


class Writer:
    """Makes up documents; the same for the same seed."""

    def __init__(self, seed: int = 1) -> None:
        self.chance = random.Random(seed)
        self.words = [word for word in (DATA / "vocabulary.txt").read_text("utf-8").split() if word.isalpha()]
        self.weights = list(accumulate(1 / (rank + 2.7) for rank in range(len(self.words))))

    def text(self, count: int) -> list[str]:
        found = self.chance.choices(self.words, cum_weights=self.weights, k=count)
        for at in range(0, count, 29):
            found[at] = f"{self.chance.randrange(1, 3000):,}".replace(",", ".") + self.chance.choice(["", ".000", ",5"])
        return found

    def document(self, number: int, pages: int) -> dict[str, Any]:
        kind = self.chance.choice(TYPES)
        day = f"{self.chance.randrange(2000, 2026)}-{self.chance.randrange(1, 13):02}-{self.chance.randrange(1, 29):02}"
        metadata = {
            "number": str(number % 3000),
            "symbol": f"{SIGNS[kind]}-UBND",
            "type": kind,
            "subject": " ".join(self.text(14)),
            "agency": self.chance.choice(AGENCIES),
            "place": "Đắk Lắk",
            "date": day,
            "signer": "Nguyễn Văn A",
            "signer_title": "CHỦ TỊCH",
            "recipients": ["Như trên;", "Lưu: VT."],
        }
        part = {"first_page": 1, "last_page": pages, "first_block": 0, "separated": False}
        return {
            "schema": SCHEMA,
            "source": {"name": f"{number}.pdf", "sha256": f"{number:064x}", "pages": pages, "bytes": 1_000_000},
            "metadata": metadata,
            "metadata_evidence": {},
            "documents": [{**part, "metadata": metadata, "metadata_evidence": {}}],
            "blocks": [self.head(metadata), *(one for page in range(pages) for one in self.blocks(page + 1))],
            "footnotes": [self.note(str(label + 1), label + 1) for label in range(pages)],
            "corrections": [self.correction(index) for index in range(2 * pages)],
            "doubts": [],
            "pages": [self.page(page + 1) for page in range(pages)],
            "dropped": [{"page": 1, "bbox": [1, 2, 3, 4], "text": "2", "reason": "page number"}],
            "warnings": [],
            "engine": {"tesseract": "5.3.0"},
            "timings": {"reading": 9.5},
        }

    def head(self, metadata: dict[str, Any]) -> dict[str, Any]:
        return self.block(
            "letterhead", f"{metadata['agency']} Số: {metadata['number']}/{metadata['symbol']}".split(), 1
        )

    def blocks(self, page: int) -> Iterator[dict[str, Any]]:
        for _ in range(WORDS_A_PAGE // WORDS_A_BLOCK):
            yield self.block("paragraph", self.text(WORDS_A_BLOCK), page)

    def block(self, kind: str, words: list[str], page: int) -> dict[str, Any]:
        text = " ".join(words)
        return {
            "type": kind,
            "level": 0,
            "text": text,
            "page": page,
            "bbox": [100, 100, 2000, 400],
            **self.marks(words, page),
        }

    def note(self, label: str, page: int) -> dict[str, Any]:
        words = self.text(20)
        text = " ".join(words)
        told = {"label": label, "printed_label": label, "text": text, "pages": [page], "anchored": True}
        return {**told, **self.marks(words, page)}

    def marks(self, words: list[str], page: int) -> dict[str, Any]:
        """The printed lines of a text, and its words to check."""
        starts = [0, *accumulate(len(word) + 1 for word in words)]
        lines = [
            f"{page} {top} {top + 40} "
            + " ".join(f"{at}:{9 * at}-{9 * at + 80}" for at in starts[top : top + WORDS_A_LINE])
            for top in range(0, len(words), WORDS_A_LINE)
        ]
        unsure = [
            {
                "offset": at,
                "length": len(word),
                "confidence": self.chance.randrange(40, 97),
                "page": page,
                "bbox": [1, 2, 3, 4],
            }
            for at, word in zip(starts, words, strict=False)
            if word[0].isdigit() or self.chance.random() < 0.02
        ]
        return {"words_to_check": unsure, "places": lines}

    def correction(self, index: int) -> dict[str, Any]:
        words = {
            "before": "tô",
            "after": "tổ",
            "kind": "tone",
            "evidence": "letters: ô 60, ổ 30; 12 times likelier here",
        }
        return {
            "page": 1,
            "bbox": [1, 2, 3, 4],
            "where": f"blocks/{index + 1}",
            "start": 0,
            "probability": 0.98,
            **words,
        }

    def page(self, number: int) -> dict[str, Any]:
        told = {"number": number, "dpi": 300, "skew": 0.1, "words": WORDS_A_PAGE, "mean_confidence": 93.5}
        rest = {"lowest_confidence": 41.0, "seconds": 2.1, "error": None, "damage": None, "ink_explained": 1.0}
        return {**told, **rest, "grade": self.chance.choice(["good", "good", "fair", "poor"]), "rotation": 0}


def write(folder: Path, many: int, pages: int) -> int:
    """Write so many documents into a folder; the bytes of their JSON."""
    writer, total = Writer(), 0
    for number in range(many):
        place = folder / f"{number // 500:03}" / f"{number}.json"
        place.parent.mkdir(parents=True, exist_ok=True)
        raw = json.dumps(writer.document(number, pages), ensure_ascii=False).encode()
        place.write_bytes(raw)
        total += len(raw)
    return total


def measured(ask: Callable[[], object], rounds: int) -> str:
    """Median and worst of so many rounds, by the clock and in processor time."""
    clock, processor = [], []
    for _ in range(rounds):
        begun, used = time.perf_counter(), time.process_time()
        ask()
        clock.append(1000 * (time.perf_counter() - begun))
        processor.append(1000 * (time.process_time() - used))
    told = (statistics.median(clock), max(clock), statistics.median(processor), max(processor))
    return "median {:6.1f} ms  worst {:6.1f} ms   of the processor {:6.1f} ms  worst {:6.1f} ms".format(*told)


def processor_seconds() -> float:
    """That this process and those that it started have used."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def list_pages(library: Library) -> dict[str, Callable[[], object]]:
    """What the list asks."""
    deep = documents(library, order="newest", limit=50)
    for _ in range(100):
        deep = documents(library, order="newest", after=deep.after, limit=50) if deep.after else deep
    agency = Filter(agency="so tai chinh", since="2010-01-01", until="2012-12-31")
    return {
        "list, newest": lambda: documents(library),
        "list, a page far down": lambda: documents(library, after=deep.after),
        "list, most doubtful": lambda: documents(library, order="doubtful"),
        "list, agency and dates": lambda: documents(library, agency, "dated"),
        "count with a filter": lambda: count(library, agency),
        "what to choose from": lambda: choices(library),
        "search with a filter": lambda: search(library, "kế hoạch", agency),
        "look for what is new": lambda: refresh(library),
    }


def report(folder: Path, options: argparse.Namespace) -> None:
    begun = time.perf_counter()
    size = write(folder, options.documents, options.pages)
    seconds = time.perf_counter() - begun
    print(f"{options.documents} documents of {options.pages} pages, {size / 1e6:.0f} MB, in {seconds:.0f} s")
    library = of_folder(folder)
    begun, before = time.perf_counter(), processor_seconds()
    done = refresh(library)
    wall, used = time.perf_counter() - begun, processor_seconds() - before
    assert done.read == options.documents and not done.broken
    disk = sum(one.stat().st_size for one in library.place.iterdir() if one.is_file())
    print(
        f"index made in {wall:.1f} s ({done.read / wall:.0f} documents a second), {used:.1f} s of processor time "
        f"({done.read / used:.0f} a second of it); {disk / 1e6:.0f} MB; load {os.getloadavg()[0]:.0f}"
    )
    for name, question in QUESTIONS.items():
        found = search(library, question)
        told = measured(lambda question=question: search(library, question), options.rounds)  # type: ignore[misc]
        print(f"{name:32} {found.count:6} found  {told}")
    for name, ask in list_pages(library).items():
        print(f"{name:32}               {measured(ask, options.rounds)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=10_000)
    parser.add_argument("--pages", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--folder", type=Path, help="where to write them; a temporary folder if not given")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        report(options.folder or Path(made), options)


if __name__ == "__main__":
    main()
