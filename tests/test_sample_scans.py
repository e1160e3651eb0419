"""The sample scans and their true text."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pdf2image import pdfinfo_from_path
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "sample_scans"
GOLDS = sorted(FOLDER.glob("*.gold.json"))
MARK = re.compile(r"\[\^(\d+)\]")


@pytest.fixture
def from_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """``sample_scans`` is no installed package: it is found beside the tests."""
    monkeypatch.syspath_prepend(str(ROOT))


def read(path: Path) -> dict[str, Any]:
    """A gold file."""
    truth: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return truth


def strings(value: object) -> Iterator[str]:
    """Every string inside a JSON value, keys aside."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)


def printed_text(truth: dict[str, Any]) -> list[str]:
    """What a reader of the pages reads."""
    parts = [truth["letterhead"], truth["footnotes"], truth["signature"]]
    return [*strings(parts), *(block["text"] for block in truth["blocks"])]


def test_there_are_enough_of_them() -> None:
    truths = [read(path) for path in GOLDS]
    assert len(truths) >= 5
    conditions = {truth["source"]["condition"] for truth in truths}
    assert {"clean300", "office300", "poor200", "fax200", "skewed300"} <= conditions
    assert any(len(t["footnotes"]) > 10 for t in truths), "no note with a mark of two digits"
    pages = [pages for truth in truths for pages in truth["footnote_pages"].values()]
    assert any(first != last for first, last in pages), "no note runs over the page end"
    assert any("\n" in note for t in truths for note in t["footnotes"].values()), "no note of two paragraphs"
    assert any(list(t["footnote_printed"].values()).count("1") > 1 for t in truths), "none numbers by page"
    assert any(block["kind"] == "table" for t in truths for block in t["blocks"])


def test_they_are_small() -> None:
    scans = [path for path in FOLDER.iterdir() if path.suffix in {".pdf", ".tif", ".jpg", ".png"}]
    assert len(scans) == len(GOLDS)
    assert sum(path.stat().st_size for path in scans) < 8_000_000


@pytest.mark.parametrize("path", GOLDS, ids=lambda path: path.name.removesuffix(".gold.json"))
def test_true_text_is_whole(path: Path) -> None:
    truth = read(path)
    marks = MARK.findall(" ".join(block["text"] for block in truth["blocks"]))
    assert marks == [str(n) for n in range(1, len(marks) + 1)], "marks are numbered in reading order"
    for part in ("footnotes", "footnote_printed", "footnote_pages"):
        assert list(truth[part]) == marks
    assert truth["metadata"]["date"][:4] in truth["letterhead"]["place"]
    for text in strings(truth):
        assert text == unicodedata.normalize("NFC", text)
        assert text == text.strip() or "\t" in text
        assert "  " not in text


@pytest.mark.parametrize("path", GOLDS, ids=lambda path: path.name.removesuffix(".gold.json"))
def test_scan_has_the_stated_pages(path: Path) -> None:
    source = read(path)["source"]
    scan = FOLDER / source["file"]
    if scan.suffix == ".pdf":
        if not shutil.which("pdfinfo"):
            pytest.skip("poppler-utils is not installed")
        pages = pdfinfo_from_path(str(scan))["Pages"]
    else:
        with Image.open(scan) as picture:
            pages = getattr(picture, "n_frames", 1)
            assert round(picture.info["dpi"][0]) == source["dpi"]
    assert pages == source["pages"]


@pytest.mark.parametrize("path", GOLDS, ids=lambda path: path.name.removesuffix(".gold.json"))
def test_true_text_is_vietnamese(path: Path) -> None:
    """A slip of the pen in a mark makes a syllable that cannot exist."""
    syllable = pytest.importorskip("normalize.vietnamese.syllable")
    wrong = set()
    # Units, list letters, and "b/c" (for the information of) are no syllables; nor are abbreviations (SKHĐT).
    no_syllables = {*("m", "m²", "m³", "km", "km²", "cm", "mm"), *"bcdđsvx", "TTr", "camera"}
    for text in printed_text(read(path)):
        for word in re.findall(r"[^\W\d_]+[²³]?", MARK.sub(" ", text)):
            abbreviated = re.fullmatch(r"[A-ZĐ]+", word)
            if not abbreviated and word not in no_syllables and syllable.parse(word) is None:
                wrong.add(word)
    assert not wrong


def test_source_and_true_text_agree(from_root: None) -> None:
    """Nobody edits a gold file by hand, or a source without making its scan anew."""
    if importlib.util.find_spec("sample_scans") is None:
        pytest.skip("run from a checkout")
    from sample_scans.source import gold, read_source

    for path in sorted((FOLDER / "source").glob("*.txt")):
        source = read_source(path)
        truth = read(FOLDER / f"{Path(source.one('file')).stem}.gold.json")
        assert {key: truth[key] for key in gold(source)} == gold(source), path.name


def test_scans_are_made_the_same_again(from_root: None, tmp_path: Path) -> None:
    pytest.importorskip("typst", reason="the typesetter is a development dependency")
    if not shutil.which("fc-list"):
        pytest.skip("fontconfig is not installed")
    from sample_scans.layout import typeset
    from sample_scans.make import make, scan_page
    from sample_scans.source import read_source

    source = read_source(FOLDER / "source" / "giay_moi.txt")
    try:
        first = make(source, tmp_path)
    except FileNotFoundError as missing_font:
        pytest.skip(str(missing_font))
    (tmp_path / "again").mkdir()
    again = make(source, tmp_path / "again")
    assert first.read_bytes() == again.read_bytes()
    page = typeset(source)[0][0]
    one, two = scan_page(source, page, 1), scan_page(source, page, 2)
    assert not np.array_equal(one, two), "each page has its own noise"


def test_a_mark_without_its_note_is_refused(from_root: None, tmp_path: Path) -> None:
    from sample_scans.source import read_source

    path = tmp_path / "a.txt"
    path.write_text("title: A\n---\nMột câu[^a].\n", encoding="utf-8")
    with pytest.raises(ValueError, match="marks and notes differ"):
        read_source(path)
