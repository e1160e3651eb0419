"""Make the sample scans and their true text: ``python -m sample_scans.make [--only NAME]``.

Needs the development dependencies (Typst), fontconfig's ``fc-list`` and the fonts named in README.md.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import unicodedata
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

from sample_scans.layout import typeset
from sample_scans.scan import CONDITIONS, Condition
from sample_scans.source import Source, gold, read_source

HERE = Path(__file__).parent
SOURCES = HERE / "source"


def scan_page(source: Source, page: np.ndarray, number: int) -> np.ndarray:
    """One page as the scanner sees it; the seed hangs on the document and the page alone."""
    seed = zlib.crc32(f"{source.name}/{number}".encode())
    return CONDITIONS[source.one("scan")].worsen(page, np.random.default_rng(seed))


def save(pages: Sequence[np.ndarray], condition: Condition, path: Path) -> None:
    """Write the pages as a scan without any text layer; the kind of file is told by the name."""
    pictures = []
    for page in pages:
        colours = cv2.cvtColor(page, cv2.COLOR_BGR2RGB) if page.ndim == 3 else page
        picture = Image.fromarray(colours)
        pictures.append(picture.convert("1", dither=Image.Dither.NONE) if condition.quality == 0 else picture)
    options: dict[str, Any] = {"append_images": pictures[1:], "save_all": True}
    if path.suffix == ".pdf":
        # A fixed date, or each run would give another file.
        date = time.struct_time((2026, 1, 1, 0, 0, 0, 3, 1, 0))
        options |= {"resolution": condition.dpi, "creationDate": date, "modDate": date}
    elif path.suffix == ".tif":
        options |= {"compression": "group4", "dpi": (condition.dpi, condition.dpi)}
    else:
        options = {"dpi": (condition.dpi, condition.dpi)}
    if condition.quality:
        options |= {"quality": condition.quality, "optimize": True}
    pictures[0].save(path, **options)


def make(source: Source, folder: Path) -> Path:
    """Write a document's scan and its true text into the folder."""
    pages, notes = typeset(source)
    condition = CONDITIONS[source.one("scan")]
    scan = folder / source.one("file")
    save([scan_page(source, page, n) for n, page in enumerate(pages, 1)], condition, scan)
    truth = gold(source)
    labels = dict(zip(truth["footnotes"], notes.values(), strict=True))  # type: ignore[call-overload]
    truth["footnote_printed"] = {label: note["printed"] for label, note in labels.items()}
    truth["footnote_pages"] = {label: note["pages"] for label, note in labels.items()}
    truth["source"] = {
        "file": scan.name, "pages": len(pages), "dpi": condition.dpi, "condition": source.one("scan"),
    }  # fmt: skip
    text = json.dumps(truth, ensure_ascii=False, indent=1) + "\n"
    (folder / f"{scan.stem}.gold.json").write_text(unicodedata.normalize("NFC", text), encoding="utf-8")
    return scan


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description="Make the sample scans and their true text.")
    parser.add_argument("--only", metavar="NAME", help="only the document whose source file is NAME.txt")
    parser.add_argument("--out", type=Path, default=HERE, help="folder to write to (default: %(default)s)")
    args = parser.parse_args()
    paths = sorted(SOURCES.glob(f"{args.only or '*'}.txt"))
    if not paths:
        print(f"no source named {args.only} in {SOURCES}", file=sys.stderr)
        return 2
    for path in paths:
        try:
            scan = make(read_source(path), args.out)
        except (FileNotFoundError, ValueError) as error:
            print(error, file=sys.stderr)
            return 1
        print(f"{scan.name}: {scan.stat().st_size / 1e6:.2f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
