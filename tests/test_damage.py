"""Pictures that did not come whole: each is heard of, and nothing that is whole is complained of."""

from __future__ import annotations

import io
import random
import re
import struct
import sys
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from flows.pipeline.outcome import Outcome, outcome_of
from flows.service.reports import tags_of
from normalize.document import Source
from normalize.formats import to_dict, write
from normalize.structure.build import build_document
from ocr.faults import PageFault
from ocr.image.damage import _is_beyond, _is_torn, heard, jpeg_loss, losses_told
from ocr.page import Page, from_json, to_json
from ocr.rasterize import render
from ocr.reading import read_page
from tests.bad_inputs import (
    SAMPLE,
    coded,
    encrypted,
    page_with,
    pdf,
    picture,
    scan_objects,
    sheet_pdf,
    stream,
    strip,
    with_object,
)

WIDTH, HEIGHT = strip().size
RAW = strip().tobytes()
JPEG = picture("JPEG")
FLATE = zlib.compress(RAW)
HALF = len(JPEG) // 2


def jpeg(data: bytes, **entries: object) -> Callable[[], bytes]:
    return with_object(5, coded(data, "/DCTDecode", **entries))


def flate(data: bytes, **entries: object) -> Callable[[], bytes]:
    return with_object(5, coded(data, "/FlateDecode", **entries))


def plain(data: bytes) -> Callable[[], bytes]:
    head = {"Type": "/XObject", "Subtype": "/Image", "Width": WIDTH, "Height": HEIGHT, "ColorSpace": "/DeviceGray"}
    return with_object(5, stream(data, **head, BitsPerComponent=8))


def jpeg_of_length(length: bytes) -> bytes:
    return coded(JPEG, "/DCTDecode").replace(b"/Length %d" % len(JPEG), b"/Length " + length)


def inline(data: bytes) -> bytes:
    """A page's content with a JPEG written into it."""
    head = f"q 240 0 0 48 0 0 cm BI /W {WIDTH} /H {HEIGHT} /CS /G /BPC 8 /F /DCT ID ".encode()
    return head + data + b"\nEI Q"


def fax_strip() -> bytes:
    file = picture("TIFF", strip().convert("1"), compression="group4")
    with Image.open(io.BytesIO(file)) as image:
        (start,), (length,) = image.tag_v2[273], image.tag_v2[279]  # type: ignore[attr-defined]
    return file[start : start + length]


def fax(data: bytes) -> Callable[[], bytes]:
    parameters = f"<</K -1 /Columns {WIDTH} /Rows {HEIGHT}>>"
    return with_object(5, coded(data, "/CCITTFaxDecode", BitsPerComponent=1, DecodeParms=parameters))


def predicted() -> bytes:
    rows = np.asarray(strip())
    return zlib.compress(np.hstack([np.zeros((HEIGHT, 1), np.uint8), rows]).tobytes())


FAX = fax_strip()
JP2 = picture("JPEG2000", strip())


def lzw(data: bytes) -> bytes:
    """What is packed as one strip of a TIFF."""
    file = picture("TIFF", Image.frombytes("L", (len(data), 1), data), compression="tiff_lzw")
    with Image.open(io.BytesIO(file)) as image:
        (start,), (length,) = image.tag_v2[273], image.tag_v2[279]  # type: ignore[attr-defined]
    return file[start : start + length]


def in_strips(rows: int, filled_up: int, more: bytes = b"") -> bytes:
    """A TIFF in LZW strips of so many rows; the last has so many in its data, and ``more``."""
    parts = [RAW[at : at + rows * WIDTH] for at in range(0, len(RAW), rows * WIDTH)]
    parts[-1] = parts[-1].ljust(filled_up * WIDTH, b"\xff") + more
    packed = [lzw(part) for part in parts]
    count, head = len(packed), 8 + 2 + 12 * 9 + 4
    begins = [head + 8 * count + sum(map(len, packed[:number])) for number in range(count)]
    size = {256: WIDTH, 257: HEIGHT, 258: 8, 259: 5, 262: 1, 273: head, 277: 1, 278: rows, 279: head + 4 * count}
    entries = b"".join(
        struct.pack("<HHII", tag, 4, count if tag in (273, 279) else 1, value) for tag, value in size.items()
    )
    places = struct.pack(f"<{2 * count}I", *begins, *map(len, packed))
    return b"II*\0" + struct.pack("<IH", 8, 9) + entries + bytes(4) + places + b"".join(packed)


WHOLE: dict[str, Callable[[], bytes]] = {
    "jpeg": jpeg(JPEG),
    "jpeg without the mark of its end": jpeg(JPEG[:-2]),
    "jpeg with zeros behind it": jpeg(JPEG + bytes(40)),
    "jpeg filled up with zeros": jpeg(JPEG[:-2] + bytes(9) + JPEG[-2:]),
    "flate": flate(FLATE),
    "flate with a row more": flate(zlib.compress(RAW + bytes(WIDTH))),
    "flate, of another length than it says": lambda: flate(FLATE)().replace(
        b"/Length %d" % len(FLATE), b"/Length %d" % (len(FLATE) - 99)
    ),
    "jpeg whose length stands elsewhere": lambda: pdf(
        {**scan_objects(image=jpeg_of_length(b"6 0 R")), 6: b"%d" % len(JPEG)}
    ),
    "flate with bytes behind it": flate(FLATE + b"\r\n"),
    "flate, predicted": flate(predicted(), DecodeParms=f"<</Predictor 15 /Columns {WIDTH}>>"),
    "plain": plain(RAW),
    "encrypted": lambda: encrypted(b"", b"chu"),
    "jpeg in the content": page_with(content=inline(JPEG)),
    "fax": fax(FAX),
    "jpeg2000": with_object(5, coded(JP2, "/JPXDecode")),
    "white": flate(zlib.compress(b"\xff" * len(RAW))),
    "hidden text in a font that is gone": page_with(
        content=b"q 240 0 0 48 0 0 cm /I Do Q BT /Gone 8 Tf 3 Tr 5 5 Td (abc) Tj ET"
    ),
    "a broken table of contents": lambda: pdf(scan_objects()).replace(b" 00000 n ", b" 00000 f "),
}

DAMAGED: dict[str, Callable[[], bytes]] = {
    "jpeg cut": jpeg(JPEG[: len(JPEG) * 55 // 100]),
    "jpeg cut, with the mark of an end": jpeg(JPEG[:HALF] + b"\xff\xd9"),
    "jpeg blanked": jpeg(JPEG[:HALF] + bytes(200) + JPEG[HALF + 200 :]),
    "jpeg of another width": jpeg(JPEG, Width=WIDTH + 100),
    "jpeg of another height": jpeg(JPEG, Height=HEIGHT // 2),
    "flate cut": flate(FLATE[: len(FLATE) // 2]),
    "flate of half the rows": flate(zlib.compress(RAW[: len(RAW) // 2])),
    "flate of too many rows": flate(FLATE, Height=HEIGHT // 2),
    "flate with other bytes": flate(FLATE[:9000] + b"abc" + FLATE[9003:]),
    "plain, longer than it says": lambda: plain(RAW)().replace(RAW[5000:5016], RAW[5000:5016] * 3),
    "jpeg, shorter than it says": lambda: jpeg(JPEG)().replace(JPEG[8000:8040], b""),
    "plain, of too many rows": plain(RAW + bytes(40 * WIDTH)),
    "plain cut": plain(RAW[: len(RAW) // 2]),
    "fax cut": fax(FAX[: len(FAX) // 2]),
    "fax with other bytes": fax(FAX[:8000] + b"\x55\xaa" + FAX[8002:]),
    "jpeg2000 cut": with_object(5, coded(JP2[: len(JP2) // 2], "/JPXDecode")),
    "an unknown filter": with_object(5, coded(FLATE, "/NoSuchDecode")),
    "jbig2 of zeros": with_object(5, coded(bytes(99), "/JBIG2Decode", BitsPerComponent=1)),
    "an unknown operator": page_with(content=b"q 240 0 0 48 0 0 cm /I Dn Q"),
    "an unknown picture": page_with(content=b"q 240 0 0 48 0 0 cm /J Do Q"),
    "drawn narrow": page_with(content=b"q 40 0 0 48 0 0 cm /I Do Q"),
    "drawn beyond the page": page_with(box="[0 0 140 48]"),
    "jpeg cut, encrypted": lambda: encrypted(
        b"", b"chu", scan_objects(image=coded(JPEG[: len(JPEG) // 2], "/DCTDecode"))
    ),
    "jpeg cut, in the content": page_with(content=inline(JPEG[: len(JPEG) // 2])),
    "no content": with_object(4, b"null"),
    "text in a font that is gone": page_with(content=b"BT /Gone 9 Tf 5 20 Td (UBND) Tj ET"),
}

IMAGES: dict[str, tuple[bytes, bool]] = {
    "jpeg": (JPEG, False),
    "jpeg cut": (JPEG[:HALF], True),
    "jpeg blanked": (JPEG[:HALF] + bytes(200) + JPEG[HALF + 200 :], True),
    "png": (picture("PNG"), False),
    "png cut": (picture("PNG")[:30_000], True),
    "png with other bytes": (picture("PNG")[:30_000] + b"abc" + picture("PNG")[30_003:], True),
    "tiff": (picture("TIFF"), False),
    "tiff cut": (picture("TIFF")[:-50_000], True),
    "fax": (picture("TIFF", strip().convert("1"), compression="group4"), False),
    "fax with other bytes": (
        picture("TIFF", strip().convert("1"), compression="group4").replace(FAX[8000:8004], b"\x55\xaa\x55\xaa"),
        True,
    ),
    "fax whose code ends early": (
        picture("TIFF", strip().convert("1"), compression="group4").replace(FAX[8000:], bytes(len(FAX) - 8000)),
        True,
    ),
    "lzw": (picture("TIFF", compression="tiff_lzw"), False),
    "lzw, predicted, in strips of seven rows": (
        picture("TIFF", compression="tiff_lzw", tiffinfo={317: 2, 278: 7}),
        False,
    ),
    "lzw, bilevel": (picture("TIFF", strip().convert("1"), compression="tiff_lzw"), False),
    "lzw, in colour": (picture("TIFF", strip().convert("RGB"), compression="tiff_lzw"), False),
    "lzw whose last strip is filled up": (in_strips(rows=70, filled_up=70), False),
    "lzw whose last strip holds a row more": (in_strips(rows=70, filled_up=61), True),
    "lzw whose last strip holds a byte more": (in_strips(rows=70, filled_up=60, more=b"a"), True),
    "deflate": (picture("TIFF", compression="tiff_adobe_deflate"), False),
    "packbits": (picture("TIFF", compression="packbits"), False),
    "tiff of two pages": (picture("TIFF", save_all=True, append_images=[strip()]), False),
    "tiff with zeros behind it": (picture("TIFF") + bytes(40), False),
    "tiff with a byte behind it": (picture("TIFF") + b"a", False),
    "tiff with pixels put in": (picture("TIFF").replace(RAW[90_000:90_256], RAW[90_000:90_256] * 2), True),
}


def damage(folder: Path, data: bytes) -> PageFault | None:
    (folder / "scan").write_bytes(data)
    return render(folder / "scan", 1, dpi=100).damage


@pytest.mark.parametrize("name", WHOLE)
def test_nothing_is_said_of_a_page_that_is_whole(tmp_path: Path, name: str) -> None:
    assert damage(tmp_path, WHOLE[name]()) is None


@pytest.mark.parametrize("name", DAMAGED)
def test_what_is_missing_of_a_page_is_heard_of(tmp_path: Path, name: str) -> None:
    found = damage(tmp_path, DAMAGED[name]())
    assert found is not None
    assert found.vietnamese != str(found)


@pytest.mark.parametrize("name", IMAGES)
def test_so_it_is_of_an_image_file(tmp_path: Path, name: str) -> None:
    data, is_damaged = IMAGES[name]
    assert (damage(tmp_path, data) is not None) is is_damaged


def test_a_code_of_lzw_that_is_another_one_is_heard_of(tmp_path: Path) -> None:
    """Libtiff says nothing as long as enough pixels come, whichever they are."""
    whole, chance = IMAGES["lzw"][0], random.Random(1)
    with Image.open(io.BytesIO(whole)) as image:
        pixels = np.asarray(image)
        first, end = image.tag_v2[273][0], image.tag_v2[273][-1] + image.tag_v2[279][-1]  # type: ignore[attr-defined]
    heard_of = changed = 0
    for _ in range(40):
        data = bytearray(whole)
        data[chance.randrange(first, end)] ^= 1 << chance.randrange(8)
        try:
            told = damage(tmp_path, bytes(data)) is not None
            with heard(), Image.open(io.BytesIO(data)) as image:
                is_other = int((np.abs(np.asarray(image).astype(int) - pixels) > 40).sum()) > 500
        except (OSError, PageFault):
            continue
        changed += is_other
        heard_of += is_other and told
    assert changed >= 5
    assert heard_of >= 0.9 * changed


@pytest.mark.parametrize(("across", "is_cut"), [(1.0, False), (0.9, True)])
def test_print_that_the_edge_of_the_page_cuts_off_is_heard_of(tmp_path: Path, across: float, is_cut: bool) -> None:
    with Image.open(SAMPLE) as sample:
        part = sample.convert("L").crop((200, 810, 1560, 1050))
    width, height = part.width * 0.36, part.height * 0.36
    content = f"q {width:.2f} 0 0 {height:.2f} 0 0 cm /I Do Q".encode()
    image = stream(
        picture("JPEG", part),
        Subtype="/Image",
        Width=part.width,
        Height=part.height,
        ColorSpace="/DeviceGray",
        BitsPerComponent=8,
        Filter="/DCTDecode",
    )
    box = f"[0 0 {width * across:.2f} {height:.2f}]"
    found = damage(tmp_path, pdf(scan_objects(box=box, content=content, image=image)))
    assert (found is not None) is is_cut
    white = pdf(
        scan_objects(
            box="[0 0 220 48]", image=coded(picture("JPEG", Image.new("L", (WIDTH, HEIGHT), 255)), "/DCTDecode")
        )
    )
    assert damage(tmp_path, white) is None


def test_a_picture_in_the_place_of_another_is_heard_of(tmp_path: Path) -> None:
    """One strip of a scan stands on the page twice, and one of its width nowhere."""
    whole = sheet_pdf((240, 240), strips=4)
    assert damage(tmp_path, whole) is None
    names = re.findall(rb"/S?\w+ Do", whole)
    assert len(set(names)) == 4
    assert damage(tmp_path, whole.replace(names[1], names[2])) is not None


def test_a_page_with_a_seam_is_marked_with_its_place(tmp_path: Path) -> None:
    with Image.open(SAMPLE) as sample:
        part = np.asarray(sample.convert("L").crop((200, 810, 1560, 1050)))
    torn = np.vstack([part[:155], np.roll(part[155:], 16, axis=1)])
    (tmp_path / "whole.png").write_bytes(picture("PNG", Image.fromarray(part), dpi=(200, 200)))
    (tmp_path / "torn.png").write_bytes(picture("PNG", Image.fromarray(torn), dpi=(200, 200)))
    assert read_page(tmp_path / "whole.png", 1).damage is None
    outcome, text, (warning, *_) = published(read_page(tmp_path / "torn.png", 1))
    assert warning.startswith("A picture on the page is displaced from 2.0 cm below its top on")
    assert text.endswith("[trang 1: một phần không đọc được]\n")
    assert outcome.damaged_pages


def test_a_fax_is_read_without_poppler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert damage(tmp_path, IMAGES["fax"][0]) is None


@pytest.mark.parametrize("name", ["jpeg cut", "flate of half the rows", "plain cut"])
def test_how_much_is_missing_is_said(tmp_path: Path, name: str) -> None:
    found = damage(tmp_path, DAMAGED[name]())
    assert found is not None
    assert 40 <= int(str(found).split("lower ")[1].split("%")[0]) <= 60


@pytest.mark.parametrize(
    ("line", "covered", "is_told"),
    [
        ("Syntax Warning: Mismatch between font type and embedded font file", False, False),
        ("Syntax Error: Unknown font tag 'F1'", False, False),
        ("Syntax Error: No font in show", True, False),
        ("Syntax Error: No font in show", False, True),
        ("Syntax Error: Missing 'endstream' or incorrect stream length", True, False),
        ("Internal Error: xref num 1 not found but needed, try to reconstruct", True, False),
        ("Syntax Error: insufficient arguments for Marked Content", True, False),
        ("Syntax Error (91): Bad annotation destination", True, False),
        ("Corrupt JPEG data: 12 extraneous bytes before marker 0xd9", True, False),
        ("Corrupt JPEG data: 12 extraneous bytes before marker 0xd3", True, True),
        ("Syntax Error: XObject 'I' is unknown", True, True),
        ("Syntax Warning: Unable to decode image", True, True),
        ("Bogus memory allocation size", True, True),
    ],
)
def test_what_poppler_complains_of_is_weighed(line: str, covered: bool, is_told: bool) -> None:
    assert losses_told(f"{line}\n\n", covered=covered) == [line] * is_told


def test_what_libraries_say_is_heard_and_nothing_else_is_lost(capfd: pytest.CaptureFixture[str]) -> None:
    with heard() as said:
        assert said == []
        assert jpeg_loss(JPEG[:HALF]) is not None  # listens by itself meanwhile
    print("after", file=sys.stderr)
    assert said == []
    assert capfd.readouterr().err == "after\n"


def test_a_page_of_which_a_part_is_missing_is_read_and_marked(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(DAMAGED["jpeg cut"]())
    page = read_page(tmp_path / "a.pdf", 1)
    assert page.words
    assert "cut short" in (page.damage or "")
    assert from_json(to_json(page)) == page
    outcome, text, warnings = published(page)
    assert text.endswith("[trang 1: một phần không đọc được]\n")
    assert warnings[0] == page.damage
    assert tags_of(outcome)[:2] == ["needs attention", "pages missing"]


def test_a_page_of_which_nothing_is_left_is_not_blank(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(DAMAGED["an unknown picture"]())
    with pytest.raises(PageFault, match="could be drawn"):
        read_page(tmp_path / "a.pdf", 1)


@pytest.mark.parametrize(("has_ink", "said"), [(True, "not blank"), (False, "page is blank")])
def test_a_page_with_ink_and_no_words_is_not_blank(has_ink: bool, said: str) -> None:
    outcome, text, (warning,) = published(Page(1, 800, 300, 300, has_ink=has_ink))
    assert said in warning
    assert text.strip() == ""
    assert "needs attention" in tags_of(outcome)


def published(page: Page) -> tuple[Outcome, str, list[str]]:
    document = build_document([replace(page, engine={})], Source("a.pdf", "0" * 64, 1, 1))
    data = to_dict(document)
    text = write(document, "txt", "paragraph").decode()
    return outcome_of(data, "a.pdf", 75.0), text, [warning.message for warning in document.warnings]


def lighter_from_the_middle(quality: int, by: int) -> bytes:
    """A JPEG whose blocks are lighter by ``by`` levels from the middle on, though white was the lightest there is.

    Drawn with less contrast and decoded with more: another table of steps does what a changed code does.
    """
    rows = np.asarray(strip()).astype(np.float64)
    rows[len(rows) // 2 :] += by
    part = Image.fromarray(((rows - 128) / 4 + 128).round().clip(0, 255).astype(np.uint8))
    tables = [[max(1, round(value)) for value in np.full(64, 100 - quality)]]
    data = bytearray(picture("JPEG", part, qtables=tables))
    at = data.find(b"\xff\xdb") + 5
    data[at : at + 64] = bytes(value * 4 for value in data[at : at + 64])
    return bytes(data)


@pytest.mark.parametrize(
    ("quality", "by", "is_beyond"), [(92, 0, False), (92, 60, True), (60, 0, False), (60, 90, True)]
)
def test_blocks_lighter_than_white_are_of_no_picture(quality: int, by: int, is_beyond: bool) -> None:
    assert _is_beyond(lighter_from_the_middle(quality, by)) is is_beyond


@pytest.mark.parametrize("quality", [5, 30, 75, 90, 97, 100])
@pytest.mark.parametrize("kind", ["print", "black and white", "noise", "colour", "progressive"])
def test_pictures_in_full_contrast_are_within_black_and_white(quality: int, kind: str) -> None:
    drawn = {
        "black and white": Image.fromarray(
            np.kron(np.indices((20, 60)).sum(0) % 2, np.ones((8, 8))).astype(np.uint8) * 255
        ),
        "noise": Image.fromarray(np.random.default_rng(2).choice([0, 255], (300, 400)).astype(np.uint8)),
        "colour": strip().convert("RGB"),
    }
    data = picture("JPEG", drawn.get(kind, strip()), quality=quality, progressive=kind == "progressive")
    assert not _is_beyond(data)
    assert not _is_beyond(data[:300])
    assert not _is_beyond(data[: len(data) // 2])


@pytest.mark.parametrize(("at", "by", "is_torn"), [(None, 0, False), (60, 30, True), (60, 4, False), (0, 30, False)])
def test_a_tear_is_a_change_of_the_paper_in_the_middle_of_a_row(at: int | None, by: int, is_torn: bool) -> None:
    """Blocks from some place on are darker; where all blocks of a row are, it may be a band that was printed."""
    blocks = np.full((40, 170), 245, np.int16)
    blocks[4:38:3, 10:150:2] = 120
    if at is not None:
        blocks.reshape(-1)[20 * 170 + at :] -= by
    assert _is_torn(blocks.astype(np.uint8)) is is_torn


@pytest.mark.parametrize(("by", "is_torn"), [(-80, True), (80, True), (0, False)])
@pytest.mark.parametrize("aslant", [False, True])
def test_a_tear_through_print_is_one_too(by: int, is_torn: bool, aslant: bool) -> None:
    """Letters hide most of the paper in the row that is torn; where it passes over by degrees, it is a band."""
    blocks = np.full((40, 170), 240 if by <= 0 else 160, np.float64)
    blocks[4:38:3, 10:150] -= np.random.default_rng(3).choice([0, 20, 60, 110], (12, 140), p=[0.2, 0.3, 0.3, 0.2])
    part = np.linspace(0, by, 170) if aslant else np.where(np.arange(170) < 110, 0, by)
    blocks[19] += part
    blocks[20:] += by
    assert _is_torn(blocks.clip(0, 255).astype(np.uint8)) is (is_torn and not aslant)
