"""A published document and its scan for tests of the review page: words that are black bars at known places."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

from flows.pipeline.publish import manifest
from normalize.document import (
    Block,
    Correction,
    Document,
    Dropped,
    Evidence,
    Footnote,
    Metadata,
    PageReport,
    PageWarning,
    Part,
    Reference,
    Source,
    Token,
)
from normalize.formats import to_text
from normalize.formats.record import to_dict
from ocr.page import Box

DPI, WIDTH, HEIGHT = 100, 827, 1169

BODY = ["Ủy", "ban", "nhân", "dân", "xã", "tổ", "chức", "hội", "nghị", "lúc", "8", "giờ", "tại", "12", "thôn"]
CORRECTED, UNSURE, UNLIKE = BODY.index("tổ"), BODY.index("nghị"), BODY.index("12")


@dataclass(frozen=True)
class Published:
    """A document in a folder of its own.

    Attributes:
        folder: of the texts.
        scans: folder of the scan.
        boxes: of the words of each page's text.
    """

    folder: Path
    scans: Path
    boxes: dict[int, list[Box]]

    @property
    def json(self) -> Path:
        return self.folder / "van-ban.json"

    @property
    def text(self) -> str:
        return (self.folder / "van-ban.txt").read_text("utf-8")

    def record(self) -> dict[str, Any]:
        data: dict[str, Any] = json.loads(self.json.read_text("utf-8"))
        return data


def boxes(words: list[str], top: int, leading: int = 40) -> list[Box]:
    """Where the words of some lines stand."""
    found, left = [], 80
    for word in words:
        width = 9 * len(word)
        if left + width > WIDTH - 80:
            left, top = 80, top + leading
        found.append(Box(left, top, left + width, top + 18))
        left += width + 12
    return found


def publish(root: Path, pages: int = 2, times: int = 1) -> Published:
    """A document of so many pages, each with a word of every kind that is lit, and its scan as a TIFF.

    Args:
        times: the same words stand so many times in a page's one paragraph.
    """
    root.mkdir(parents=True, exist_ok=True)
    scans, folder = root / "scans", root / "published"
    scans.mkdir()
    folder.mkdir()
    places = {number: boxes(BODY * times, 200, 40 if times == 1 else 21) for number in range(1, pages + 1)}
    scan = scans / "van-ban.tif"
    drawn = [_drawn(places[number]) for number in places]
    drawn[0].save(scan, save_all=True, append_images=drawn[1:], dpi=(DPI, DPI), compression="group4")
    raw = scan.read_bytes()
    source = Source("van-ban.tif", hashlib.sha256(raw).hexdigest(), pages, len(raw))
    document = _document(source, places)
    text = to_text(document).encode()
    (folder / "van-ban.txt").write_bytes(text)
    (folder / "van-ban.json").write_bytes(manifest(to_dict(document), {"van-ban.txt": text}))
    return Published(folder, scans, places)


def _drawn(words: list[Box]) -> Image.Image:
    page = Image.new("1", (WIDTH, HEIGHT), 1)
    for box in words:
        ImageDraw.Draw(page).rectangle((box.left, box.top, box.right - 1, box.bottom - 1), fill=0)
    return page


def _document(source: Source, places: dict[int, list[Box]]) -> Document:
    blocks, corrections = [], []
    for number, words in places.items():
        tokens = [
            Token(word, number, box, 60.0 if at == UNSURE else 96.0, line=(box.top, box.bottom))
            for at, (word, box) in enumerate(zip(BODY * (len(words) // len(BODY)), words, strict=True))
        ]
        tokens[UNLIKE] = replace(tokens[UNLIKE], second="72")
        if number == 1:
            tokens[-1] = replace(tokens[-1], references=(Reference(len(tokens[-1].text), "1"),))
        blocks.append(Block("paragraph", tuple(tokens), number, box=words[0]))
        start = len(" ".join(BODY[:CORRECTED])) + 1
        corrections.append(
            Correction(f"blocks/{number - 1}", start, "tố", "tổ", "tone", 0.97, "because", number, words[CORRECTED])
        )
    note = Footnote("1", "1", ((Token("Gồm", 1, Box(80, 900, 120, 915), 96.0), Token("3", 1, None, 96.0)),), (1,))
    metadata = Metadata(number="559", symbol="BC-UBND", type="Báo cáo", subject="Về <b>giao</b> đất", date="2024-02-29")
    evidence = {"subject": Evidence(1, Box(80, 100, 300, 118), 50.0), "number": Evidence(1, Box(80, 60, 120, 78), 95.0)}
    return Document(
        source,
        tuple(blocks),
        (note,),
        metadata,
        (Part(1, source.pages, metadata, evidence),),
        tuple(corrections),
        tuple(PageReport(number, DPI, 0.0, len(BODY), 94.0, 60.0, 1.0, grade="fair") for number in places),
        (Dropped(1, Box(400, 1100, 420, 1115), "Trang 1", "page number"),),
        (PageWarning(1, "Footnote mark 3 has no note.", Box(500, 300, 520, 318)),),
        {"nambat": "1"},
        {"repair": 0.1},
    )
