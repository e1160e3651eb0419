"""Scans to page images: which files, how large, at what resolution. The reading of them is in `test_reading.py`."""

from __future__ import annotations

import errno
import gzip
import io
import os
import shutil
import subprocess
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont

from flows.pipeline.stages import read_page_to_disk
from flows.settings import load
from ocr.faults import Fault, Killed, NotAScan, PageFault
from ocr.rasterize import MAX_PIXELS, inspect, rasterize
from ocr.reading import read_page
from sample_scans.layout import font_files
from tests.bad_inputs import SAMPLE, good_pdf, heif, pdf, picture, psd, scan_objects, several, sheet_pdf, strip, tiff

A4 = (2481, 3508)


def paper(width: int, height: int) -> Image.Image:
    """A white picture with a black bar at its top, for a page."""
    page = Image.new("L", (width, height), 255)
    page.paste(0, (width // 10, height // 20, width // 2, height // 10))
    return page


def archive(make: Callable[[io.BytesIO, bytes], None]) -> bytes:
    """An archive of a small PDF, stored as it is."""
    out = io.BytesIO()
    make(out, good_pdf())
    return out.getvalue()


def in_zip(out: io.BytesIO, scan: bytes) -> None:
    with zipfile.ZipFile(out, "w") as zipped:
        zipped.writestr("mot.pdf", scan)
        zipped.writestr("hai.pdf", scan)


def in_tar(out: io.BytesIO, scan: bytes) -> None:
    with tarfile.open(fileobj=out, mode="w") as tarred:
        member = tarfile.TarInfo("mot.pdf")
        member.size = len(scan)
        tarred.addfile(member, io.BytesIO(scan))


def in_gzip(out: io.BytesIO, scan: bytes) -> None:
    out.write(gzip.compress(scan))


def in_word(out: io.BytesIO, scan: bytes) -> None:
    with zipfile.ZipFile(out, "w") as zipped:
        zipped.writestr("[Content_Types].xml", "<Types/>")
        zipped.writestr("word/media/scan.pdf", scan)


def in_old_word(out: io.BytesIO, scan: bytes) -> None:
    out.write(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504) + scan)


def in_rich_text(out: io.BytesIO, scan: bytes) -> None:
    out.write(b"{\\rtf1\\ansi " + scan)


@pytest.mark.parametrize(
    ("make", "named"),
    [
        *((in_zip, "ZIP archive"), (in_tar, "TAR archive"), (in_gzip, "gzip"), (in_word, "office program")),
        *((in_old_word, "office program"), (in_rich_text, "office program")),
    ],
)
def test_an_archive_is_not_one_of_the_scans_in_it(
    tmp_path: Path, make: Callable[[io.BytesIO, bytes], None], named: str
) -> None:
    path = tmp_path / "scan.pdf"
    path.write_bytes(archive(make))
    with pytest.raises(NotAScan, match=named):
        inspect(path)


def test_a_pdf_after_some_other_bytes_is_still_a_pdf(tmp_path: Path) -> None:
    path = tmp_path / "scan.pdf"
    path.write_bytes(b"\x00\x01 mail header\n" + good_pdf())
    assert inspect(path).kind == "pdf"


def rasterized(folder: Path, data: bytes, **options: int) -> tuple[np.ndarray, int]:
    path = folder / "scan"
    path.write_bytes(data)
    return rasterize(path, 1, **options)


def size(folder: Path, data: bytes, **options: int) -> tuple[int, int, int]:
    """Width, height and resolution of the first page."""
    image, dpi = rasterized(folder, data, **options)
    return image.shape[1], image.shape[0], dpi


def about(width: int, height: int, dpi: int) -> object:
    return pytest.approx((width, height, dpi), abs=5)


# -- which files ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["TIFF", "PNG", "JPEG", "MPO", "WEBP", "BMP", "GIF", "JPEG2000"])
def test_a_picture_of_each_kind_is_one_page_dark_on_light(tmp_path: Path, form: str) -> None:
    path = tmp_path / "scan"
    path.write_bytes(picture(form, paper(827, 1169), dpi=(100, 100)))
    assert inspect(path).pages == 1
    image, dpi = rasterize(path, 1)
    assert (image.shape[1], image.shape[0], dpi) == about(*A4, 300)
    assert image[250, 600].max() < 30
    assert image[2000, 600].min() > 225


@pytest.mark.parametrize("form", ["EPS", "ICO", "PPM", "TGA", "PCX", "SGI", "PSD", "HEIF", "nothing"])
def test_pictures_of_other_kinds_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    """Without starting any program: Pillow would hand an EPS to Ghostscript."""
    made = {"PSD": lambda: psd(strip()), "HEIF": lambda: heif(b"heic"), "nothing": lambda: bytes(range(256))}
    path = tmp_path / "scan.png"
    path.write_bytes(made[form]() if form in made else picture(form))
    (tmp_path / "gs").write_text(f"#!/bin/sh\ntouch {tmp_path}/started\n")
    (tmp_path / "gs").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NotAScan):
        inspect(path)
    with pytest.raises(PageFault):
        rasterize(path, 1)
    assert not (tmp_path / "started").exists()


@pytest.mark.parametrize("brand", [b"heic", b"heix", b"mif1", b"avif"])
def test_a_heic_photograph_is_refused_with_what_to_do(tmp_path: Path, brand: bytes) -> None:
    (tmp_path / "IMG_1.HEIC").write_bytes(heif(brand))
    with pytest.raises(NotAScan, match=r"HEIC.*save it as JPEG or PDF") as caught:
        inspect(tmp_path / "IMG_1.HEIC")
    assert "HEIC" in caught.value.vietnamese
    assert "JPEG" in caught.value.vietnamese


def test_a_film_is_no_heic_photograph(tmp_path: Path) -> None:
    (tmp_path / "film.mp4").write_bytes(heif(b"isom"))
    with pytest.raises(NotAScan, match="not a PDF"):
        inspect(tmp_path / "film.mp4")


@pytest.mark.parametrize("form", ["GIF", "WEBP", "PNG"])
def test_an_animation_is_no_scan(tmp_path: Path, form: str) -> None:
    """Its frames are no pages, and all but the first would be lost in silence."""
    (tmp_path / "moves").write_bytes(several(form, 2))
    with pytest.raises(NotAScan, match="animation"):
        inspect(tmp_path / "moves")


def test_the_second_picture_in_a_phones_jpeg_is_no_page(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(several("MPO", 2))
    with Image.open(path) as image:
        assert image.n_frames == 2
    assert inspect(path).pages == 1
    rasterize(path, 1)
    with pytest.raises(PageFault):
        rasterize(path, 2)


def test_each_image_of_a_tiff_is_a_page(tmp_path: Path) -> None:
    (tmp_path / "two.tif").write_bytes(several("TIFF", 2))
    assert inspect(tmp_path / "two.tif").pages == 2
    first, second = (rasterize(tmp_path / "two.tif", number)[0] for number in (1, 2))
    assert not np.array_equal(first, second)


# -- resolution ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pixels", "said", "expected"),
    [
        # A screen's resolution, written by programs that do not know.
        ((2480, 3508), (72, 72), (*A4, 300)),
        ((2480, 3508), (96, 96), (*A4, 300)),
        ((3508, 2480), (72, 72), (3509, 2481, 300)),
        ((1654, 2339), (72, 72), (*A4, 300)),
        ((1654, 2339), (96, 96), (*A4, 300)),
        ((3024, 4032), (72, 72), (2481, 3308, 300)),
        ((1654, 2339), (600, 600), (*A4, 300)),
        # None, and nonsense.
        ((1654, 2339), None, (*A4, 300)),
        ((1654, 2339), (1, 9000), (*A4, 300)),
        ((1000, 200), None, (4962, 992, 300)),
        # The truth.
        ((595, 842), (72, 72), (2479, 3508, 300)),
        ((794, 1123), (96, 96), (*A4, 300)),
        ((842, 1191), (72, 72), (3508, 4962, 300)),
        ((1169, 1654), (100, 100), (3507, 4962, 300)),
        ((1654, 2339), (200, 200), (*A4, 300)),
        ((2480, 3508), (150, 150), (4960, 7016, 300)),
        ((2480, 3508), (300, 300), (2480, 3508, 300)),
        ((2100, 2970), (254, 254), (2100, 2970, 254)),
        ((1748, 2480), (300, 300), (1748, 2480, 300)),
        ((3508, 4961), (300, 300), (3508, 4961, 300)),
        ((4961, 7016), (300, 300), (4961, 7016, 300)),
        ((4961, 7016), (600, 600), (2480, 3508, 300)),
        ((1000, 200), (300, 300), (1000, 200, 300)),
        ((1000, 200), (600, 600), (500, 100, 300)),
        ((1728, 1146), (204, 98), (2541, 3508, 300)),
        ((1654, 1169), (200, 100), (2481, 3507, 300)),
    ],
)
def test_what_an_image_says_of_its_resolution_is_believed_where_it_makes_an_office_page(
    tmp_path: Path, pixels: tuple[int, int], said: tuple[int, int] | None, expected: tuple[int, int, int]
) -> None:
    data = picture("PNG", paper(*pixels).convert("1"), dpi=said or (0, 0))
    assert size(tmp_path, data) == about(*expected)


@pytest.mark.parametrize(("orientation", "expected"), [(1, (4962, 992)), (6, (2481, 12405))])
def test_a_strip_of_a_page_is_measured_as_it_is_seen(
    tmp_path: Path, orientation: int, expected: tuple[int, int]
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert size(tmp_path, picture("PNG", paper(1000, 200), dpi=(0, 0), exif=exif)) == about(*expected, 300)


def typed(width: int, height: int, x_height: float) -> Image.Image:
    """A page of so many pixels with lines in type of that x-height."""
    letters = ImageFont.truetype(str(font_files("Liberation Serif")[0]), round(x_height / 0.45))
    page = Image.new("L", (width, height), 255)
    for n in range(round(height / (4 * x_height)) - 2):
        words = "công tác kiểm tra được duy trì thường xuyên, theo kế hoạch " * 4
        ImageDraw.Draw(page).text((width // 10, round((n + 1) * 4 * x_height)), words, font=letters, fill=0)
    page.paste(255, (width - width // 12, 0, width, height))
    return page


@pytest.mark.parametrize(
    ("pixels", "x_height", "said", "expected"),
    [
        ((750, 1034), 8.0, 200, (2481, 3421)),  # a page of 9 cm with type of 6 points: an A4 page of 91 dpi
        ((750, 1034), 8.0, 0, (2481, 3421)),
        ((413, 583), 9.5, 100, (1239, 1749)),  # a small page of 100 dpi in type of 15 points: it may be true
        ((750, 500), 17.0, 200, (1125, 750)),  # part of a page
        ((1654, 2339), 8.0, 200, (2481, 3508)),  # small type on an A4 page
        ((900, 500), 17.0, 0, (1350, 750)),  # part of a page of which nothing is known
    ],
)
@pytest.mark.parametrize("form", ["PNG", "PDF"])
def test_the_size_of_the_type_tells_a_resolution_that_lies(
    tmp_path: Path, form: str, pixels: tuple[int, int], x_height: float, said: int, expected: tuple[int, int]
) -> None:
    page = typed(*pixels, x_height)
    if form == "PDF":
        if not said:
            pytest.skip("the pages of a PDF have a size")
        data = sheet_pdf((pixels[0] * 72 / said, pixels[1] * 72 / said), page)
    else:
        data = picture("PNG", page, dpi=(said, said))
    width, height, dpi = size(tmp_path, data)
    assert dpi == 300
    # By the type alone, where it is part of a page: that is as exact as letters of a few pixels can be measured.
    assert (width, height) == pytest.approx(expected, rel=0.12 if not said and pixels[0] == 900 else 0.01)


@pytest.mark.parametrize("compression", [None, "tiff_lzw"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_fax_is_set_upright_with_its_resolution(
    tmp_path: Path, orientation: int, compression: str | None
) -> None:
    """Whichever way it lies in the file: 2 inches wide, 3 high, a black bar at the upper left."""
    upright = np.full((300, 400), 255, np.uint8)
    upright[20:40, 20:200] = 0
    laid = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.T,
        6: np.rot90(upright),
        7: upright[::-1, ::-1].T,
        8: np.rot90(upright, -1),
    }[orientation]
    dpi = (200, 100) if orientation < 5 else (100, 200)
    data = picture(
        "TIFF",
        Image.fromarray(np.ascontiguousarray(laid)),
        dpi=dpi,
        tiffinfo={274: orientation},
        compression=compression,
    )
    image, dpi_found = rasterized(tmp_path, data)
    assert (image.shape, dpi_found) == ((900, 600), 300)
    assert image[75:105, 60:270].max() < 60
    assert image[200:].min() > 200
    assert image[:, 320:].min() > 200


@pytest.mark.parametrize(
    ("box", "pixels", "strips", "expected"),
    [
        # A pixel taken for a point, or for 1/96 inch; millimetres taken for points.
        ((2480, 3508), (2480, 3508), 1, (*A4, 300)),
        ((2480, 3508), (2480, 3508), 9, (*A4, 300)),
        ((3508, 2480), (3508, 2480), 1, (3509, 2481, 300)),
        ((1860, 2631), (2480, 3508), 1, (*A4, 300)),
        ((1654, 2339), (1654, 2339), 1, (*A4, 300)),
        ((210, 297), (2480, 3508), 1, (*A4, 300)),
        ((210, 297), (1240, 1754), 1, (*A4, 300)),
        # The truth.
        ((595.2, 841.9), (2480, 3508), 1, (2480, 3508, 300)),
        ((595.2, 841.9), (827, 1169), 1, (2480, 3508, 300)),
        ((841.9, 1190.6), (1754, 2480), 1, (3508, 4961, 300)),
        ((841.9, 1190.6), (842, 1191), 1, (3508, 4961, 300)),
        ((1190.6, 1683.8), (2480, 3508), 1, (4961, 7016, 300)),
        ((243, 153), (1012, 638), 1, (1013, 638, 300)),
        ((240, 48), (1000, 200), 1, (1000, 200, 300)),
        ((240, 48), (2000, 400), 1, (1000, 200, 300)),
    ],
)
def test_the_size_of_a_page_is_believed_where_it_is_an_office_page(
    tmp_path: Path,
    box: tuple[float, float],
    pixels: tuple[int, int],
    strips: int,
    expected: tuple[int, int, int],
) -> None:
    assert size(tmp_path, sheet_pdf(box, paper(*pixels), strips)) == about(*expected)


@pytest.mark.parametrize("box", [(1000, 1414), (210, 297), (595, 842)])
def test_so_is_that_of_a_page_with_a_turn(tmp_path: Path, box: tuple[float, float]) -> None:
    assert size(tmp_path, sheet_pdf(box, paper(1654, 2339), page="/Rotate 90")) == about(3508, 2481, 300)


def test_a_huge_page_that_no_picture_covers_keeps_its_size(tmp_path: Path) -> None:
    """A drawing, say. Its letters may be of any size."""
    stamp = b"q 240 0 0 48 0 0 cm /I Do Q"
    data = pdf(scan_objects(box="[0 0 2480 3508]", content=stamp))
    assert size(tmp_path, data, max_pixels=10_000_000) == about(2653, 3752, 77)


@pytest.mark.parametrize("box", [(1654, 2339), (1240.5, 1754.25), (210, 297)])
def test_a_picture_is_rendered_alike_whatever_its_box_says(tmp_path: Path, box: tuple[float, float]) -> None:
    with Image.open(SAMPLE) as image:
        scan = image.convert("L").resize((1654, 2339))
    right, dpi = rasterized(tmp_path, sheet_pdf((595.44, 842.04), scan))
    wrong, same_dpi = rasterized(tmp_path, sheet_pdf(box, scan))
    assert dpi == same_dpi
    assert wrong.shape == pytest.approx(right.shape, abs=5)
    # Not pixel by pixel: edges of letters may lie half a pixel further on.
    right, wrong = (np.asarray(Image.fromarray(one).resize((414, 585), Image.Resampling.BOX)) for one in (right, wrong))
    assert np.abs(right.astype(int) - wrong).mean() < 2


def test_what_is_cropped_away_is_not_rendered(tmp_path: Path) -> None:
    """As in any viewer. The box around it may be as large as it likes."""
    whole, _ = rasterized(tmp_path, good_pdf())
    data = pdf(scan_objects(box="[0 0 90000 90000]", page="/CropBox [24 0 216 48]"))
    image, dpi = rasterized(tmp_path, data)
    assert (image.shape, dpi) == ((200, 800), 300)
    assert np.abs(image.astype(int) - whole[:, 100:900]).mean() < 5


# -- limits --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["pdf", "image"])
def test_the_most_pixels_are_an_argument_of_the_call(tmp_path: Path, kind: str) -> None:
    page = paper(2480, 3508)
    data = sheet_pdf((595.2, 841.9), page) if kind == "pdf" else picture("PNG", page)
    width, height, dpi = size(tmp_path, data, max_pixels=2_000_000)
    assert 1_900_000 < width * height <= 2_010_000
    assert dpi == pytest.approx(300 * width / 2480, abs=1)
    assert size(tmp_path, data) == about(2480, 3508, 300)  # the next call has its own limit


def test_the_most_pixels_reach_the_page_record(tmp_path: Path) -> None:
    (tmp_path / "scan.png").write_bytes(picture("PNG"))
    page = read_page(tmp_path / "scan.png", 1, max_pixels=50_000)
    assert 45_000 < page.width * page.height <= 51_000
    read_page_to_disk(tmp_path / "scan.png", 1, tmp_path, 300, 60, 50_000)
    (record,) = tmp_path.glob("*.json")
    assert f"[{page.width},{page.height},{page.dpi}]" in record.read_text("utf-8").replace(" ", "").replace("\n", "")


def test_the_usual_limit_is_the_one_of_the_settings() -> None:
    assert load().max_pixels == MAX_PIXELS


def test_a_page_far_too_large_is_refused_and_says_how_large_it_is(tmp_path: Path) -> None:
    with pytest.raises(PageFault, match="3528 x 3528 cm, too large"):
        rasterized(tmp_path, pdf(scan_objects(box="[0 0 100000 100000]")))
    with pytest.raises(PageFault, match="too large"):  # poppler writes such a size as 1e+06
        rasterized(tmp_path, pdf(scan_objects(box="[0 0 1000000 1000000]")))


# -- damage --------------------------------------------------------------------------------------------------------


def test_a_tiff_without_a_size_is_no_scan(tmp_path: Path) -> None:
    """Pillow ends with a TypeError there."""
    (tmp_path / "a.tif").write_bytes(tiff([(258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1), (273, 4, 1, 8)]))
    with pytest.raises(NotAScan):
        inspect(tmp_path / "a.tif")


def raises(fault: Exception) -> Callable[..., None]:
    """A function that fails."""

    def raise_it(*_: object, **__: object) -> None:
        raise fault

    return raise_it


@pytest.mark.parametrize("call", [1, 2, 3])
@pytest.mark.parametrize("program", ["pdfinfo", "pdfimages", "pdftoppm"])
def test_a_poppler_that_is_killed_once_says_nothing_about_the_scan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str, call: int
) -> None:
    """The kernel kills one of its programs for want of memory: the page is read, or the fault says what happened."""
    scan = tmp_path / "a.pdf"
    scan.write_bytes(good_pdf())
    expected, _ = rasterize(scan, 1)
    scan = scan.rename(tmp_path / "b.pdf")  # what is known of the file is not known of this one
    (tmp_path / "bin").mkdir()
    script = tmp_path / "bin" / program
    count = tmp_path / "count"
    script.write_text(
        f"#!/bin/sh\necho >> {count}\n"
        f'[ "$(wc -l < {count})" -eq {call} ] && kill -KILL $$\nexec {shutil.which(program)} "$@"\n'
    )
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    try:
        assert inspect(scan).pages == 1
        image, _ = rasterize(scan, 1)
    except Killed:
        image, _ = rasterize(scan, 1)
    assert np.array_equal(image, expected)
    assert count.read_text()


def test_a_machine_that_fails_is_no_damaged_scan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.png").write_bytes(picture("PNG"))
    monkeypatch.setattr(Image, "open", raises(OSError(errno.EIO, "Input/output error")))
    with pytest.raises(OSError, match="Input/output"):
        inspect(tmp_path / "a.png")
    with pytest.raises(OSError, match="Input/output"):
        rasterize(tmp_path / "a.png", 1)
    (tmp_path / "a.pdf").write_bytes(good_pdf())
    with monkeypatch.context() as patched:
        patched.setattr(subprocess, "run", raises(OSError(errno.EAGAIN, "Resource unavailable")))
        with pytest.raises(OSError, match="Resource"):
            rasterize(tmp_path / "a.pdf", 1)
    for damaged in (OSError("broken data stream"), OSError(-2), OSError(errno.EINVAL, "Invalid argument")):
        monkeypatch.setattr(Image, "open", raises(damaged))
        with pytest.raises(NotAScan):
            inspect(tmp_path / "a.png")
        with pytest.raises(PageFault):
            rasterize(tmp_path / "a.png", 1)


def _small(form: str, **options: object) -> bytes:
    return picture(form, strip().resize((90, 40)), **options)


SEEDS = (
    *(_small(form) for form in ("PNG", "JPEG", "TIFF", "BMP", "GIF", "WEBP", "JPEG2000")),
    _small("TIFF", compression="tiff_lzw", tiffinfo={274: 6}),
    _small("JPEG", progressive=True, exif=b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"),
)


@pytest.mark.filterwarnings("ignore::UserWarning")  # of Pillow, about tags it skips
@settings(max_examples=300, suppress_health_check=list(HealthCheck), derandomize=True)
@given(
    st.sampled_from(SEEDS),
    st.lists(st.tuples(st.integers(0, 300), st.binary(min_size=1, max_size=4)), min_size=1, max_size=5),
    st.integers(30, 10_000),
)
def test_a_damaged_picture_ends_in_a_fault_of_ours_or_is_read(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, changes: list[tuple[int, bytes]], length: int
) -> None:
    for at, value in changes:
        data = data[:at] + value + data[at + len(value) :]
    path = tmp_path_factory.getbasetemp() / "damaged"
    path.write_bytes(data[:length])
    try:
        pages = inspect(path).pages
        image, _ = rasterize(path, pages, max_pixels=1_000_000)
        assert image.dtype == np.uint8
    except (Fault, MemoryError) as fault:
        assert isinstance(fault, MemoryError) or fault.permanent
