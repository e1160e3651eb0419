"""Scans to words: real files, the real Tesseract, and the sample scans."""

from __future__ import annotations

import json
import time
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from rapidfuzz import fuzz

from benchmarks.evaluate import score
from normalize.document import Source
from normalize.formats import to_dict, to_text
from normalize.repair.repair import repair
from normalize.structure.build import build_document
from ocr import faults
from ocr.image import clean, seals, specks
from ocr.image.components import find_components
from ocr.layout import ruled_tables
from ocr.layout.rules import find_rules
from ocr.page import Box, Page, letter
from ocr.rasterize import inspect, rasterize
from ocr.reading import read_page
from ocr.superscripts.attach import attach
from ocr.superscripts.erase import erase
from ocr.superscripts.find import RaisedSign, find_raised
from ocr.tesseract import ReadLine, ReadWord, parse_hocr, recognize

SAMPLES = Path(__file__).parent.parent / "sample_scans"
INVITATION = SAMPLES / "giay_moi_trang_1.jpg"
NOTICE = SAMPLES / "thong_bao_nghieng300.pdf"


@cache
def sample_page(name: str, number: int) -> Page:
    return read_page(SAMPLES / name, number)


@cache
def sample_image(name: str, number: int) -> np.ndarray:
    return clean.clean(rasterize(SAMPLES / name, number)[0]).image


# -- files to images -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content", "fault"),
    [
        ("empty.pdf", b"", faults.NotAScan),
        ("text.pdf", b"Day la van ban, khong phai PDF.\n", faults.NotAScan),
        ("page.html.pdf", b"<!doctype html><title>404</title>", faults.NotAScan),
        ("header_only.pdf", b"%PDF-1.4\n%%EOF\n", faults.NotAScan),
        ("cut.tif", b"II*\x00\x08\x00\x00\x00", faults.NotAScan),
        ("noise.jpg", bytes(range(256)) * 8, faults.NotAScan),
    ],
)
def test_what_is_no_scan_is_refused(tmp_path: Path, name: str, content: bytes, fault: type[faults.Fault]) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(fault) as caught:
        inspect(path)
    assert caught.value.permanent
    assert str(caught.value).endswith(".")
    assert caught.value.vietnamese != str(caught.value)


def test_a_jpeg_named_pdf_is_read_as_what_it_is(tmp_path: Path) -> None:
    path = tmp_path / "anh.pdf"
    path.write_bytes(INVITATION.read_bytes())
    assert inspect(path).kind == "image"
    assert rasterize(path, 1)[0].shape[0] > 3000


def test_poppler_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(faults.ToolMissing, match="apt-get install poppler-utils"):
        inspect(NOTICE)


def test_a_page_that_is_not_there() -> None:
    with pytest.raises(faults.PageFault):
        rasterize(NOTICE, 99)
    with pytest.raises(faults.PageFault):
        rasterize(INVITATION, 2)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16"])
def test_every_kind_of_image_becomes_dark_on_light(tmp_path: Path, mode: str) -> None:
    grey = np.full((1100, 800), 255, np.uint8)
    grey[100:200, 100:700] = 0
    if mode == "I;16":
        image = Image.fromarray(grey.astype(np.uint16) * 257)
    else:
        image = Image.fromarray(grey).convert(mode)
    path = tmp_path / ("page.tif" if mode in ("CMYK", "I;16") else "page.png")
    image.save(path, dpi=(300, 300))
    array, dpi = rasterize(path, 1)
    array = array if array.ndim == 2 else cv2.cvtColor(array, cv2.COLOR_RGB2GRAY)
    assert dpi == 300
    assert array.shape == (1100, 800)
    assert array[150, 400] < 40
    assert array[600, 400] > 215


def test_a_coarse_image_is_enlarged_and_a_turned_photograph_set_upright(tmp_path: Path) -> None:
    image = Image.fromarray(np.full((1100, 800), 255, np.uint8))
    image.save(tmp_path / "coarse.png", dpi=(100, 100))
    array, dpi = rasterize(tmp_path / "coarse.png", 1)
    assert (array.shape, dpi) == ((3300, 2400), 300)
    exif = Image.Exif()
    exif[0x0112] = 6
    image.save(tmp_path / "turned.jpg", dpi=(300, 300), exif=exif)
    assert rasterize(tmp_path / "turned.jpg", 1)[0].shape[:2] == (800, 1100)


def test_an_image_without_resolution_is_taken_for_a4(tmp_path: Path) -> None:
    Image.fromarray(np.full((1754, 1240), 255, np.uint8)).save(tmp_path / "page.png")
    array, dpi = rasterize(tmp_path / "page.png", 1)
    assert dpi == 300
    assert abs(array.shape[1] - 2481) < 5


def test_every_page_of_a_tiff(tmp_path: Path) -> None:
    frames = [Image.fromarray(np.full((1100, 800), shade, np.uint8)) for shade in (255, 180, 90)]
    frames[0].save(tmp_path / "three.tif", save_all=True, append_images=frames[1:], dpi=(300, 300))
    assert inspect(tmp_path / "three.tif").pages == 3
    assert [int(rasterize(tmp_path / "three.tif", n)[0].mean()) for n in (1, 2, 3)] == [255, 180, 90]


# -- clean ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("degrees", [-3.0, -0.8, 0.5, 2.2])
def test_skew_is_found_and_mended(degrees: float) -> None:
    level = sample_image("quyet_dinh_fax200.pdf", 1)
    turned = clean.turn(level, -degrees)
    assert clean.find_skew(turned) == pytest.approx(degrees, abs=0.12)
    assert abs(clean.clean(turned).skew - degrees) < 0.12


def test_a_red_seal_is_dropped_and_black_letters_under_it_stay() -> None:
    page = np.full((400, 400, 3), 255, np.uint8)
    page[100:300, 100:300] = (220, 40, 50)
    page[190:210, 50:350] = (20, 20, 25)
    grey = seals.drop_red(page, seals.red_ink(page))
    assert grey[120, 120] > 200
    assert grey[200, 200] < 60
    assert grey[200, 60] < 60


def test_uneven_light_is_evened() -> None:
    shade = np.linspace(140, 250, 1200)[None, :].repeat(1600, 0)
    page = shade.astype(np.uint8)
    page[::40, 100:1100] = 30
    even = clean.even_light(page)
    assert int(even[20, 30]) > 235
    assert int(even[20, 1150]) > 235


def test_a_blank_page_stays_blank() -> None:
    random = np.random.default_rng(1)
    blank = random.normal(245, 1.0, (1500, 1000)).clip(0, 255).astype(np.uint8)
    assert not clean.clean(blank).ink.any()


# -- specks, marks, tables -----------------------------------------------------------------------------------------


def test_specks_between_words_go_and_print_stays() -> None:
    image = sample_image("giay_moi_trang_1.jpg", 1)
    ink = clean.binarize(image)
    dirty = image.copy()
    # In the white margin, far from any letter.
    for x, y in ((60, 900), (90, 1500), (2440, 2000)):
        cv2.circle(dirty, (x, y), 3, 0, -1)
    cleaned, _ = specks.drop_specks(dirty, clean.binarize(dirty))
    for x, y in ((60, 900), (90, 1500), (2440, 2000)):
        assert cleaned[y, x] > 180
    untouched, _ = specks.drop_specks(image, ink)
    lost = cv2.connectedComponents(((untouched > 150) & (image < 100)).astype(np.uint8))[0] - 1
    assert lost <= 3


def test_the_ink_of_a_speck_is_taken_out_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    # The box of the frame holds the speck, and the speck's box a corner of the rule that is none of it.
    ink = np.zeros((40, 60), np.uint8)
    ink[5:30, 5] = ink[5:30, 40] = ink[5, 5:41] = 255
    ink[10, 10] = ink[11, 11] = ink[12, 12] = ink[12, 10] = 255
    parts = find_components(ink)
    for chosen in [*np.eye(parts.count, dtype=bool), np.ones(parts.count, bool)]:
        monkeypatch.setattr(specks, "_specks", lambda *given, chosen=chosen: chosen)
        cleaned, left = specks.drop_specks(255 - ink, ink, (), parts)
        assert np.array_equal(left, np.where(parts.mask(chosen), 0, ink))
        assert (cleaned[parts.mask(chosen)] == 255).all()
        assert (cleaned[left > 0] == 0).all()


def test_raised_digits_are_found_and_read() -> None:
    found = [raised.text for word in sample_page("thong_bao_nghieng300.pdf", 2).words for raised in word.raised]
    body_marks = [text for text in found if text in "12345"]
    assert body_marks.count("1") >= 2  # at the word and at the head of the note
    assert body_marks.count("3") >= 2


def test_erasing_a_sign_leaves_its_neighbours() -> None:
    image = np.full((100, 200), 250, np.uint8)
    image[40:80, 20:60] = 10
    image[30:50, 70:80] = 10
    sign = RaisedSign("1", Box(70, 30, 80, 50), 99.0, 80.0, 28.0)
    out = erase(image, clean.binarize(image), [sign])
    assert out[30:50, 70:80].min() > 200
    assert (out[40:80, 20:60] == 10).all()


def read_word(text: str, left: int) -> ReadWord:
    boxes = tuple(Box(left + 20 * i, 60, left + 20 * i + 18, 100) for i in range(len(text)))
    return ReadWord(text, Box(left, 60, boxes[-1].right, 100), 95.0, (), boxes)


@pytest.mark.parametrize(
    ("words", "sign", "expected"),
    [
        ([("phố", 0), (".", 75)], (60, 70), [("phố.", 3)]),  # the full stop was read as a word of its own
        ([("phố", 0), ("Tổng", 100)], (60, 70), [("phố", 3), ("Tổng", None)]),
        ([("Tổng", 100)], (80, 92), [("Tổng", 0)]),  # at the head of a note
        ([("vị,", 0)], (40, 44), [("vị,", 2)]),
    ],
)
def test_a_sign_goes_to_its_word(
    words: list[tuple[str, int]], sign: tuple[int, int], expected: list[tuple[str, int | None]]
) -> None:
    read = tuple(
        ReadWord(w.text, w.box, w.confidence, tuple(letter(c) for c in w.text), w.letter_boxes)
        for w in (read_word(text, left) for text, left in words)
    )
    line = ReadLine(read, Box(0, 60, 400, 100), 100.0, 0.0, 28.0, 1)
    raised = RaisedSign("1", Box(sign[0], 55, sign[1], 75), 99.0, 100.0, 28.0)
    out = attach([line], [raised])[0]
    assert [(w.text, w.raised[0].offset if w.raised else None) for w in out.words] == expected


def test_a_table_is_found_by_its_borders() -> None:
    ink = np.zeros((3508, 2480), np.uint8)
    for y in (500, 600, 700):
        ink[y : y + 4, 300:2200] = 255
    for x in (300, 900, 2197):
        ink[500:704, x : x + 4] = 255
    found, borders = ruled_tables.find_tables(ink)
    assert len(found) == 1
    assert len(found[0].columns) == 3
    assert len(found[0].rows) == 3
    assert (borders[502, 400:2000] == 255).all()


def test_a_frame_is_no_table() -> None:
    ink = np.zeros((3508, 2480), np.uint8)
    cv2.rectangle(ink, (200, 200), (2280, 3300), 255, 4)
    assert ruled_tables.find_tables(ink)[0] == []


def test_a_short_rule_is_found_and_underlined_words_are_not_letters() -> None:
    ink = np.zeros((3508, 2480), np.uint8)
    ink[2800:2804, 350:940] = 255
    rules = find_rules(ink)
    assert len(rules) == 1
    assert abs(rules[0].left - 350) < 6
    assert abs(rules[0].right - 940) < 6


# -- recognition ---------------------------------------------------------------------------------------------------

HOCR = """<?xml version="1.0" encoding="UTF-8"?>
<html xmlns="http://www.w3.org/1999/xhtml"><body>
<div class='ocr_page'><div class='ocr_carea'><p class='ocr_par'>
<span class='ocr_line' title="bbox 10 20 200 60; baseline 0.01 -5; x_size 40; x_descenders 8; x_ascenders 10">
<span class='ocrx_word' title='bbox 10 20 90 60; x_wconf 96'>
<span class='ocrx_cinfo' title='x_bboxes 10 20 30 60; x_conf 99'>t</span>
<span class='ocrx_cinfo' id='lstm_choices_1_1_1'><span class='ocrx_cinfo' title='x_confs 95.2'>t</span>
<span class='ocrx_cinfo' title='x_confs 0'>l</span></span>
<span class='ocrx_cinfo' title='x_bboxes 30 20 60 60; x_conf 99'>ô</span>
<span class='ocrx_cinfo' id='lstm_choices_1_1_2'><span class='ocrx_cinfo' title='x_confs 80.4'>ô</span>
<span class='ocrx_cinfo' title='x_confs 51.6'>ố</span><span class='ocrx_cinfo' title='x_confs 0'>ổ</span>
<span class='ocrx_cinfo' title='x_confs 0'>6</span></span>
</span></span></p></div></div></body></html>"""


def test_hocr_gives_letters_with_their_competitors() -> None:
    (line,) = parse_hocr(HOCR.encode())
    (word,) = line.words
    assert (word.text, word.confidence, word.box) == ("tô", 96.0, Box(10, 20, 90, 60))
    assert word.letters[0].choices == (("t", 95),)
    # A letter of confidence 0 is kept when it differs in its marks only.
    assert word.letters[1].choices == (("ô", 80), ("ố", 52), ("ổ", 0))
    assert line.x_height == 22.0
    assert line.baseline == 55.0


def test_a_blank_at_the_edge_of_a_word_is_no_letter() -> None:
    spaced = HOCR.replace(">t</span>\n<span class='ocrx_cinfo' id", "> </span>\n<span class='ocrx_cinfo' id", 1)
    (word,) = parse_hocr(spaced.encode())[0].words
    assert (word.text, len(word.letters), word.letter_boxes) == ("ô", 1, (Box(30, 20, 60, 60),))


@pytest.mark.parametrize("damaged", [b"", b"<html>", HOCR.encode()[:600]])
def test_damaged_hocr_is_no_crash(damaged: bytes) -> None:
    assert all(word.text for line in parse_hocr(damaged) for word in line.words)


def test_tesseract_is_killed_when_it_takes_too_long() -> None:
    with pytest.raises(faults.Timeout) as caught:
        recognize(sample_image("giay_moi_trang_1.jpg", 1), timeout=0.05)
    assert not caught.value.permanent


def test_vietnamese_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TESSDATA_PREFIX", str(tmp_path))
    with pytest.raises(faults.ToolMissing, match="apt-get install tesseract-ocr-vie"):
        recognize(sample_image("giay_moi_trang_1.jpg", 1))


def test_faults_keep_their_words_across_processes() -> None:
    import pickle

    fault = faults.Timeout("Too long.", vietnamese="Quá lâu.", detail="killed")
    copy = pickle.loads(pickle.dumps(fault))
    assert (type(copy), str(copy), copy.vietnamese, copy.detail) == (faults.Timeout, "Too long.", "Quá lâu.", "killed")


# -- whole pages ---------------------------------------------------------------------------------------------------


def test_zones_of_a_first_page() -> None:
    page = sample_page("thong_bao_nghieng300.pdf", 1)
    kinds = [zone.kind for zone in page.zones]
    assert kinds[:3] == ["left", "right", "text"]
    assert "notes" in kinds
    assert page.skew == pytest.approx(-1.6, abs=0.2)
    assert page.zones[1].lines[0].text.startswith("CỘNG HÒA XÃ HỘI")


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_a_page_that_lies_wrong_is_turned_upright(tmp_path: Path, turn: int) -> None:
    path = tmp_path / "turned.png"
    with Image.open(INVITATION) as image:
        image.convert("L").rotate(turn, expand=True).save(path, dpi=(200, 200))
    page = read_page(path, 1)
    assert page.rotation == turn
    assert "GIẤY MỜI" in " ".join(word.text for word in page.words) or "MỜI" in " ".join(w.text for w in page.words)


def test_a_blank_page_has_no_words(tmp_path: Path) -> None:
    Image.fromarray(np.full((3508, 2480), 255, np.uint8)).save(tmp_path / "blank.png", dpi=(300, 300))
    page = read_page(tmp_path / "blank.png", 1)
    assert page.words == []
    assert page.error is None


@pytest.mark.parametrize(
    ("name", "pages", "worst_error", "added_later"),
    [
        ("giay_moi_trang_1.jpg", 1, 0.02, "electronic signature"),
        ("thong_bao_nghieng300.pdf", 3, 0.015, None),
        ("cong_van_300.tif", 2, 0.015, "received stamp"),
    ],
)
def test_samples_are_read_repaired_and_their_footnotes_reattached(
    name: str, pages: int, worst_error: float, added_later: str | None
) -> None:
    gold = json.loads((SAMPLES / name).with_suffix(".gold.json").read_text("utf-8"))
    read = [sample_page(name, number) for number in range(1, pages + 1)]
    document = repair(build_document(read, Source(name, "", pages, 0)))
    result = score(gold, to_text(document))
    assert result.errors / result.syllables <= worst_error
    assert result.notes_right == result.notes == result.notes_found
    assert result.paragraph_f1 == 1.0
    found = to_dict(document)["metadata"]
    # A name is read as well as any word; what stands where is to be right.
    loose = ("signer", "recipients")
    for field, value in gold["metadata"].items():
        if field in loose:
            assert fuzz.ratio(" ".join([*found[field]]), " ".join([*value])) > 95
        else:
            assert found[field] == value, field
    stamps = [one.text for one in document.dropped if one.reason == added_later]
    assert (len(stamps) >= 4) == bool(added_later)


def test_a_grey_seal_fades_and_the_letters_beside_it_are_read() -> None:
    page = sample_page("ke_hoach_poor200.pdf", 3)
    text = " ".join(word.text for word in page.words)
    assert "TM. ỦY BAN NHÂN" in text
    assert "Phùng Thế Vượng" in text


def test_a_seal_as_black_as_the_letters_is_erased_and_the_letters_beside_it_stay() -> None:
    page = np.full((1754, 1240), 250, np.uint8)
    page[100:1000:40, 100:900] = 20
    bare = page.copy()
    cv2.circle(page, (600, 1300), 110, 20, 4)
    cv2.circle(page, (600, 1300), 20, 20, -1)  # the star
    page[1340:1350, 640:900] = bare[1340:1350, 640:900] = 20  # a name that the rim crosses
    ink = clean.binarize(page)
    found = seals.find_seals(page, ink)
    assert [(seal.x, seal.y) for seal in found] == [(600, 1300)]
    erased = seals.without_seals(page, ink, found)
    assert (erased[:1150] == page[:1150]).all()
    assert (erased[1100:1500] < 128).sum() == pytest.approx((bare[1100:1500] < 128).sum(), rel=0.06)


@pytest.mark.parametrize("radius", [30, 50, 160])
def test_a_ring_of_another_size_is_no_seal(radius: int) -> None:
    page = np.full((1754, 1240), 250, np.uint8)
    page[100:1000:40, 100:900] = 20
    cv2.circle(page, (600, 1300), radius, 20, 4)
    ink = clean.binarize(page)
    found = seals.find_seals(page, ink)
    assert found == []
    assert seals.without_seals(page, ink, found) is page


@pytest.mark.parametrize("shape", [(0, 5), (5, 0), (0, 0)])
def test_a_window_beyond_the_page_has_no_components(shape: tuple[int, int]) -> None:
    """A raised sign at the very edge is asked what stands beside it; OpenCV crashes on an empty picture."""
    assert find_components(np.zeros(shape, np.uint8)).count == 0


def test_a_page_of_noise_costs_seconds() -> None:
    """A third of a million components; what is slow is Tesseract, which is left out here."""
    ink = (np.random.default_rng(1).random((3508, 2480)) < 0.3).astype(np.uint8) * 255
    image = 255 - ink
    begun = time.monotonic()
    parts = find_components(ink)
    signs = find_raised(image, ink, parts)
    assert specks.drop_specks(image, ink, [sign.box for sign in signs], parts)[0] is image
    assert time.monotonic() - begun < 30


def test_a_letter_that_a_ring_crosses_keeps_its_strokes() -> None:
    page = np.full((1800, 1200), 255, np.uint8)
    cv2.circle(page, (600, 900), 90, 0, 4)
    cv2.circle(page, (600, 900), 60, 0, 4)
    cv2.rectangle(page, (596, 780), (604, 830), 0, -1)  # the stem of a letter, from above to within the rim
    ink = clean.binarize(page)
    erased = seals.without_seals(page, ink, seals.find_seals(page, ink))
    assert (erased[785:828, 600] == 0).all()
    assert erased[988:992, 598:602].min() == 255  # the rim below


def test_a_name_stamped_in_red_below_a_seal_stays() -> None:
    page = np.full((1800, 1200, 3), 255, np.uint8)
    red, blue = (225, 40, 50), (40, 60, 200)
    cv2.circle(page, (600, 900), 90, red, 4)
    cv2.circle(page, (600, 900), 60, red, 4)
    cv2.putText(page, "UBND", (560, 905), cv2.FONT_HERSHEY_SIMPLEX, 0.7, red, 2)
    cv2.putText(page, "Hoa Van Tam", (560, 1040), cv2.FONT_HERSHEY_SIMPLEX, 0.9, red, 3)
    cv2.line(page, (500, 1060), (900, 1000), blue, 3)
    cleaned = clean.clean(page).image
    assert (cleaned[1010:1045, 560:760] < 128).sum() > 500
    assert cleaned[880:920, 550:650].min() > 200
