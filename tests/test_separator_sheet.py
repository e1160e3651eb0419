"""The printed sheet between two documents: seen in every scan, in no other page, and nothing of it in the text."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from pdf2image import convert_from_path
from PIL import Image

from flows.cli import nambat
from flows.pipeline.separator_sheet import SHEET
from normalize.document import Document
from normalize.formats import to_dict, to_text
from normalize.structure.build import build_document
from ocr.image.separator_sheet import PAYLOAD, is_separator_sheet
from ocr.page import Page, from_json, to_json
from ocr.reading import read_page
from sample_scans.scan import CONDITIONS
from tests.test_metadata import BODY, CLOSING, SOURCE, letterhead
from tests.typeset import page


@cache
def sheet() -> np.ndarray:
    """The sheet as it comes from the printer: BGR, 300 dpi."""
    return cv2.cvtColor(np.asarray(convert_from_path(SHEET, dpi=300)[0]), cv2.COLOR_RGB2BGR)


def grey(picture: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY) if picture.ndim == 3 else picture


# -- seeing it ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("condition", "turns"), list(zip(CONDITIONS, [0, 1, 2, 3, 0, 2, 1], strict=True)))
def test_it_is_seen_in_every_scan(condition: str, turns: int) -> None:
    scanned = grey(CONDITIONS[condition].worsen(sheet().copy(), np.random.default_rng(7)))
    assert is_separator_sheet(np.ascontiguousarray(np.rot90(scanned, turns)), CONDITIONS[condition].dpi)


def torn(picture: np.ndarray) -> np.ndarray:
    picture[:1400] = 255
    return picture


def crossed_out(picture: np.ndarray) -> np.ndarray:
    cv2.line(picture, (200, 300), (2200, 3300), 0, 12)
    return picture


def smaller(picture: np.ndarray) -> np.ndarray:
    out = np.full_like(picture, 255)
    small = cv2.resize(picture, None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA)
    out[300 : 300 + small.shape[0], 200 : 200 + small.shape[1]] = small
    return out


@pytest.mark.parametrize("change", [torn, crossed_out, smaller])
def test_it_is_seen_when_it_has_been_through_much(change) -> None:
    assert is_separator_sheet(change(grey(sheet()).copy()), 300)


def with_code(text: str) -> np.ndarray:
    """A page with a code of somebody else's, as portals print them to look a document up."""
    code = cv2.resize(cv2.QRCodeEncoder.create().encode(text), (600, 600), interpolation=cv2.INTER_NEAREST)
    out = np.full((1754, 1240), 255, np.uint8)
    out[200:800, 300:900] = code
    return out


def form() -> np.ndarray:
    """Boxes within boxes, all of one size."""
    out = np.full((1754, 1240), 255, np.uint8)
    for x, y in ((100, 100), (900, 100), (100, 900)):
        cv2.rectangle(out, (x, y), (x + 110, y + 110), 0, 14)
        cv2.rectangle(out, (x + 35, y + 35), (x + 75, y + 75), 0, -1)
    return out


@pytest.mark.parametrize(
    "picture",
    [
        with_code("https://example.vn/tra-cuu?so=12/QD"),
        with_code(PAYLOAD + "S"),
        form(),
        np.full((1754, 1240), 255, np.uint8),
        np.zeros((1754, 1240), np.uint8),
    ],
)
def test_no_other_page_is_one(picture: np.ndarray) -> None:
    assert not is_separator_sheet(picture, 150)


# -- what it does ---------------------------------------------------------------------------------------------------


def separator(number: int) -> Page:
    return replace(page(number, ["T TỜ TÁCH HỒ SƠ"]), separator=True)


def built(*pages: list[str] | None) -> Document:
    """The document of these pages; None stands for a sheet."""
    return build_document([page(n, rows) if rows else separator(n) for n, rows in enumerate(pages, 1)], SOURCE)


LETTER = [*letterhead(), "T |QUYẾT ĐỊNH", "T |Về việc giao đất", *BODY, *CLOSING]
#: No letterhead tells where it begins, and the sentence before does not end.
UNFINISHED = ["T >Các hộ có tên trong danh sách được giao đất theo", "T quy hoạch đã được phê duyệt tại xã Hà Sơn và"]
GOES_ON = ["T hai thôn của xã Thượng Lâm, huyện An Lão, được nhận", "T đất trong năm nay theo quyết định của Ủy ban.<"]


def test_what_lies_behind_a_sheet_is_another_document() -> None:
    document = built(UNFINISHED, None, GOES_ON)
    assert [(part.first_page, part.last_page, part.separated) for part in document.parts] == [
        (1, 1, False),
        (3, 3, True),
    ]
    assert [block.page for block in document.blocks] == [1, 3]
    whole = built(UNFINISHED, GOES_ON)
    assert len(whole.parts) == len(whole.blocks) == 1  # without it the sentence goes on


def test_nothing_of_a_sheet_is_in_the_text() -> None:
    data = to_dict(built(LETTER, None, LETTER))
    text = to_text(built(LETTER, None, LETTER))
    assert "TÁCH" not in text
    assert [(one["page"], one["text"]) for one in data["dropped"]] == [(2, "TỜ TÁCH HỒ SƠ")]
    assert data["dropped"][0]["reason"] == "separator sheet"
    assert data["pages"][1]["grade"] is None  # nobody is asked to look at it
    assert [one["metadata"]["number"] for one in data["documents"]] == ["118", "118"]


def test_a_document_behind_a_sheet_has_its_letterhead_and_title() -> None:
    blocks = built(UNFINISHED, None, LETTER).blocks
    assert [block.type for block in blocks[1:7]] == ["letterhead"] * 6
    assert next(block.text for block in blocks if block.type == "title") == "QUYẾT ĐỊNH"


@pytest.mark.parametrize(
    ("pages", "parts"),
    [
        ([None, LETTER], 1),
        ([LETTER, None], 1),
        ([LETTER, None, None, LETTER], 2),
        ([None, LETTER, None, LETTER, None], 2),
    ],
)
def test_a_sheet_before_or_behind_everything_parts_nothing(pages: list[list[str] | None], parts: int) -> None:
    assert len(built(*pages).parts) == parts


def test_nothing_but_sheets() -> None:
    document = built(None, None)
    assert document.blocks == ()
    assert len(document.parts) == 1


def test_a_page_record_keeps_it() -> None:
    assert from_json(to_json(separator(3))) == separator(3)
    plain = page(3, ["T một"])
    assert not from_json(to_json(plain)).separator


def test_the_command_writes_the_sheet_and_overwrites_nothing(tmp_path: Path) -> None:
    out = tmp_path / "to.pdf"
    assert CliRunner().invoke(nambat, ["separator", "--out", str(out)]).exit_code == 0
    assert out.read_bytes() == SHEET.read_bytes()
    out.write_bytes(b"mine")
    assert CliRunner().invoke(nambat, ["separator", "--out", str(out)]).exit_code == 1
    assert out.read_bytes() == b"mine"


@pytest.mark.slow
def test_a_scanned_sheet_is_read_as_one(tmp_path: Path) -> None:
    path = tmp_path / "sheet.png"
    scanned = CONDITIONS["office300"].worsen(sheet().copy(), np.random.default_rng(1))
    Image.fromarray(np.rot90(scanned, 2)).save(path, dpi=(300, 300))
    assert read_page(path, 1).separator


@pytest.mark.slow
def test_a_page_with_another_code_is_read_like_any_page(tmp_path: Path) -> None:
    """Its squares look like a table with columns of no width."""
    path = tmp_path / "code.png"
    Image.fromarray(np.rot90(grey(sheet()), 2)[:1700]).save(path, dpi=(300, 300))
    assert read_page(path, 1).separator
    Image.fromarray(with_code("https://example.vn/tra-cuu?so=12/QD")).save(path, dpi=(150, 150))
    assert not read_page(path, 1).separator
