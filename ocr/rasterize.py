"""Scans to page images, one page at a time: PDF through poppler (pdf2image), TIFF, PNG, JPEG ... through Pillow.

A page image is a ``uint8`` array, ``(height, width)`` when the page is grey or bilevel and ``(height, width, 3)``
in RGB order when it has colour: colour is what tells a red seal from black letters.

What a file says of its resolution is believed as long as it makes a page of a size that offices scan, with type of a
size that is printed. Otherwise the page is taken to be as wide as A4, or, if its type were out of all proportion then
(part of a page, a photo of a few lines), to be set in type of the usual size.
"""

from __future__ import annotations

import errno
import re
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from math import ceil
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageOps

from ocr import messages
from ocr.faults import NotAScan, PageFault
from ocr.image.damage import (
    PICTURE_PIXELS,
    Loss,
    Picture,
    heard,
    image_file_loss,
    jpeg_loss,
    lies_open,
    losses_told,
    picture_loss,
    truncated_images,
    undrawn_pictures,
)

PDF_SUFFIXES = frozenset({".pdf"})
IMAGE_SUFFIXES = frozenset({".tif", ".tiff", ".png", ".jpg", ".jpeg"})
SUFFIXES = PDF_SUFFIXES | IMAGE_SUFFIXES

#: A page of more pixels is rendered at a lower resolution; A3 at 300 dpi has 17 million, A0 139 million.
MAX_PIXELS = 60_000_000
#: Below this a page is enlarged: Tesseract wants letters of at least 20 pixels.
MIN_DPI = 250
#: A page below this share of its resolution cannot be read, however it is rendered.
MIN_READABLE_DPI = 60

#: What Pillow may try. It knows forty more, of which some start programs (EPS) and none is a scan.
_FORMATS = ("TIFF", "PNG", "JPEG", "WEBP", "BMP", "GIF", "JPEG2000")
#: From the fifth byte on: pictures of phones, which Pillow reads with a plug-in (HEIC) or in new releases only (AVIF).
_HEIF = tuple(b"ftyp" + kind for kind in (b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1", b"avif"))

#: What the pictures begin with that are read.
_PICTURES = (
    *(b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"BM"),
    *(b"GIF87a", b"GIF89a", b"RIFF", b"\x00\x00\x00\x0cjP  ", b"\xff\x4f\xff\x51"),
)
#: Readers of PDF find its head that far from the beginning of a file.
_PDF_WITHIN = 1024
#: What archives begin with, and where a TAR file says that it is one.
_ARCHIVES = (
    *(("ZIP", magic) for magic in (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")),
    ("RAR", b"Rar!\x1a\x07"),
    ("7z", b"7z\xbc\xaf\x27\x1c"),
    ("gzip", b"\x1f\x8b"),
)
_TAR_AT = 257
#: Documents of office programs that are no archives: Word, Excel and others before 2007 (and locked ones since), RTF.
_OFFICE = (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"{\\rtf")

_A4_WIDTH_INCHES = 8.27
#: Pages whose short side is larger than A3's (11.7 inches) are not scanned below 150 dpi: 72 and 96 are what programs
#: write that do not know, or that take a pixel for a point.
_LARGE_INCHES, _COARSE_DPI = 12.2, 150
#: Pages smaller than A6 (4.1 inches) with the detail of a whole page come of millimetres taken for points.
_SMALL_INCHES, _FINE_DPI, _PAGE_PIXELS = 4.0, 320, 827
#: X-heights of type, in points: of 13 point Times, which offices use; of the smallest and the largest that is believed,
#: 9 and 21 points. In 40 real scans of 70 to 300 dpi it is 5.2 to 8.5.
_USUAL_TYPE, _SMALLEST_TYPE, _LARGEST_TYPE = 6.0, 4.2, 9.5
#: The type of a page whose short side is smaller than A5's (5.8 inches) is looked at.
_SUSPECT_INCHES = 5.6
#: A picture covers a page when it covers this share of it; margins of a few millimetres are common.
_COVERS = 0.8
#: Faxes have pixels up to 2.1 times as high as wide.
_ODD_PIXEL = 2.5
#: A picture that is so many times as long as the page shows not all that is on it.
_BEYOND = 1.25
#: One that is so many times as long may have white margins there, unless print is cut off by the edge of the page: so
#: many pieces of ink of the size of letters, in inches, end at one edge. In 151 pages of scans one picture is longer
#: than its page, by 1 %.
_LONGER, _CUT_LETTERS, _LETTER = 1.02, 2, (0.02, 0.2)
#: In grey levels: print differs so much from its paper.
_CONTRAST = 80
#: In pixels: a strip of a scan is at least so wide, 100 dpi on A4.
_STRIP_WIDTH = 800
#: What has fewer pixels may be an ornament, which is stretched as one likes.
_SCAN_PIXELS = 150_000
_NUMBER = r"(-?[\d.]+(?:e[+-]?\d+)?)"
_PAGE_SIZE = re.compile(rf"^Page +(\d+) +size: +{_NUMBER} x {_NUMBER} pts", re.MULTILINE)
_INSPECT_TIMEOUT = 60

# The limits below are ours; Pillow's own guard would refuse large but honest scans.
Image.MAX_IMAGE_PIXELS = 8 * MAX_PIXELS


@dataclass(frozen=True, slots=True)
class Rendered:
    """The image of a page.

    Attributes:
        image: ``(height, width)`` grey or ``(height, width, 3)`` RGB, ``uint8``.
        dpi: its resolution.
        damage: what is known to be missing of the page, as the fault that says it; ``None`` where nothing is.
    """

    image: np.ndarray
    dpi: int
    damage: PageFault | None = None


@dataclass(frozen=True, slots=True)
class ScanInfo:
    """What a scan is, before any page of it is read.

    Attributes:
        kind: ``pdf`` or ``image``.
        pages: at least 1.
        bytes: size of the file.
    """

    kind: str
    pages: int
    bytes: int


def inspect(path: Path) -> ScanInfo:
    """Open a scan and count its pages.

    Only a TIFF has several images for pages. The second picture in a phone's JPEG (MPO) is a view or a depth map of
    the first; an animation is no scan.

    Raises:
        NotAScan: it is empty, damaged, or none of the kinds that are read.
        Encrypted: it asks for a password.
        NoPages: it holds no page.
        TooLarge: it has more pixels than any page.
        ToolMissing: poppler is not installed.
        OSError: the file cannot be opened, or the machine fails otherwise (its disk, its memory).
    """
    size = path.stat().st_size
    if size == 0:
        raise messages.EMPTY_FILE.fault()
    with path.open("rb") as file:
        head = file.read(_TAR_AT + 8)
    if (kind := archive_kind(head)) is not None:
        raise (messages.OFFICE_DOCUMENT if kind == "office" else messages.ARCHIVE).fault(kind=kind)
    if _is_pdf(path):
        return ScanInfo("pdf", _pdf_pages(path), size)
    try:
        with path.open("rb") as file, Image.open(file, formats=_FORMATS) as image:
            pages = getattr(image, "n_frames", 1) if image.format == "TIFF" else 1
            is_animated = image.format not in ("TIFF", "MPO") and getattr(image, "is_animated", False)
    except Image.DecompressionBombError as fault:
        raise messages.TOO_MANY_PIXELS.fault(str(fault)) from fault
    except Exception as fault:  # Pillow lets out whatever a damaged head runs into, MemoryError among it
        if _is_of_the_machine(fault):
            raise
        raise _no_scan(path, repr(fault)) from fault
    if is_animated:
        raise messages.ANIMATION.fault()
    return ScanInfo("image", pages, size)


def rasterize(
    path: Path, number: int, *, dpi: int = 300, timeout: float = 60.0, max_pixels: int = MAX_PIXELS
) -> tuple[np.ndarray, int]:
    """The image of page ``number`` (from 1) and its resolution; :func:`render` also tells whether it is whole.

    Raises:
        ocr.faults.Fault, OSError: as :func:`render`.
    """
    page = render(path, number, dpi=dpi, timeout=timeout, max_pixels=max_pixels)
    return page.image, page.dpi


def render(path: Path, number: int, *, dpi: int = 300, timeout: float = 60.0, max_pixels: int = MAX_PIXELS) -> Rendered:
    """The image of page ``number`` (from 1), and what is missing of it.

    The resolution is ``dpi``, or less where the page would have more than ``max_pixels``; an image file
    keeps its own resolution when that is between :data:`MIN_DPI` and ``dpi``.

    Raises:
        PageFault: the page cannot be rendered.
        Killed: a program of poppler's was killed from outside.
        RenderTimeout: poppler took longer than ``timeout`` seconds and was killed.
        ToolMissing: poppler is not installed.
        OSError: the file cannot be opened, or the machine fails otherwise (its disk, its memory).
    """
    from ocr.image.torn_rows import find_seam  # by way of OpenCV, which takes its time

    if _is_pdf(path):
        page = _rasterize_pdf(path, number, dpi, timeout, max_pixels)
    else:
        page = _rasterize_image(path, number, dpi, max_pixels)
    if page.damage is None and (seam := find_seam(page.image, page.dpi)) is not None:
        return replace(page, damage=messages.PICTURE_TORN.fault(f"row {seam}", top=seam / page.dpi * 2.54))
    return page


def archive_kind(head: bytes) -> str | None:
    """``ZIP``, ``RAR``, ... for a file that holds other files, ``office`` for a document of an office program.

    A PDF stored in an archive is found by those who look for its head near the beginning of a file; it is one of
    several, and the rest would be lost.

    Args:
        head: at least the first 300 bytes.
    """
    if head.startswith(b"PK") and (b"[Content_Types].xml" in head or b"mimetypeapplication/vnd.oasis" in head):
        return "office"
    if head.startswith(_OFFICE):
        return "office"
    if head[_TAR_AT:].startswith(b"ustar"):
        return "TAR"
    return next((kind for kind, magic in _ARCHIVES if head.startswith(magic)), None)


def begins_as_scan(head: bytes) -> bool:
    """Whether a file begins as a PDF or a picture does, be it of a kind that is not read (HEIC).

    Args:
        head: at least the first 1,024 bytes.
    """
    return b"%PDF-" in head[:_PDF_WITHIN] or head[4:].startswith(_HEIF) or head.startswith(_PICTURES)


def _is_pdf(path: Path) -> bool:
    """Whether the file says so itself, whatever its name."""
    with path.open("rb") as file:
        return b"%PDF-" in file.read(_PDF_WITHIN)


def _no_scan(path: Path, detail: str) -> NotAScan:
    with path.open("rb") as file:
        is_heif = file.read(12)[4:].startswith(_HEIF)
    return (messages.PHONE_PICTURE if is_heif else messages.UNKNOWN_FORMAT).fault(detail)


def _is_of_the_machine(fault: Exception) -> bool:
    """Whether a file could not be read, rather than not be understood: the system's errors have a number.

    EINVAL is what a damaged file gives whose head points before its beginning.
    """
    return isinstance(fault, OSError) and fault.errno not in (None, errno.EINVAL)


def _pdf_pages(path: Path) -> int:
    from pdf2image import pdfinfo_from_path
    from pdf2image.exceptions import PDFInfoNotInstalledError, PDFPageCountError, PDFPopplerTimeoutError

    try:
        try:
            info = pdfinfo_from_path(str(path.absolute()), timeout=_INSPECT_TIMEOUT)
        except PDFPageCountError:
            # Killed from outside, pdfinfo says no more than that: only what comes twice is believed.
            info = pdfinfo_from_path(str(path.absolute()), timeout=_INSPECT_TIMEOUT)
    except PDFInfoNotInstalledError as fault:
        raise messages.POPPLER_MISSING.fault(str(fault)) from fault
    except PDFPopplerTimeoutError as fault:
        raise messages.ENDLESS_PDF.fault(str(fault)) from fault
    except (PDFPageCountError, ValueError) as fault:
        if "incorrect password" in str(fault).lower():
            raise messages.PASSWORD.fault(str(fault)) from fault
        raise messages.DAMAGED_PDF.fault(str(fault)) from fault
    pages = int(info.get("Pages", 0))
    if pages < 1:
        raise messages.NO_PAGES.fault()
    return pages


@dataclass(frozen=True, slots=True)
class _PageFacts:
    """What poppler says of a page of a PDF.

    Attributes:
        width, height: inches.
        colour: whether any picture on it has colour. A page without pictures (born digital) counts as coloured: it may
            have a red seal drawn on it.
        picture_dpi: of the finest picture that covers the page, 0.0 if none does.
        pictures: that lie in the file as objects.
        is_odd: whether a picture reaches far beyond the page or is drawn out of shape.
        is_longer: whether one reaches beyond it at all.
    """

    width: float
    height: float
    colour: bool
    picture_dpi: float
    pictures: tuple[Picture, ...] = ()
    is_odd: bool = False
    is_longer: bool = False


def _pdf_page_facts(path: Path, number: int, timeout: float) -> _PageFacts:
    status = path.stat()
    facts = _all_page_facts(path.absolute(), status.st_mtime_ns, status.st_size, timeout)
    return facts.get(number, _PageFacts(_A4_WIDTH_INCHES, _A4_WIDTH_INCHES * 1.414, True, 0.0))


@lru_cache(maxsize=4)
def _all_page_facts(path: Path, changed: int, size: int, timeout: float) -> dict[int, _PageFacts]:
    """The facts of every page of a PDF; asked of poppler once, as long as the file does not change."""
    del changed, size  # part of the cache's key only
    listing = _output_of("pdfimages", "-list", str(path), timeout=timeout)
    pictures: dict[int, list[list[str]]] = {}
    for row in listing.splitlines()[2:]:
        parts = row.split()
        if len(parts) > 9 and parts[0].isdigit():
            pictures.setdefault(int(parts[0]), []).append(parts)
    sizes = _output_of("pdfinfo", "-f", "1", "-l", "100000", str(path), timeout=timeout)
    facts = {}
    for found in _PAGE_SIZE.finditer(sizes):
        number = int(found[1])
        width, height = abs(float(found[2])) / 72, abs(float(found[3])) / 72
        rows = pictures.get(number, [])
        colour = not rows or any(row[5] not in ("gray", "-") for row in rows)
        facts[number] = _PageFacts(
            width,
            height,
            colour,
            _covering_dpi(rows, width * height),
            tuple(_picture(row) for row in rows if "mask" not in row[2]),  # a mask bears its picture's number
            any(_is_oddly_drawn(row, width, height, _BEYOND) for row in rows),
            any(_is_oddly_drawn(row, width, height, _LONGER) for row in rows),
        )
    return facts


def _picture(row: list[str]) -> Picture:
    """A line of poppler's list of pictures; what is written into the page itself has no number."""
    across, down, parts, bits = (int(row[i]) if row[i].isdigit() else 0 for i in (3, 4, 6, 7))
    return Picture(int(row[10]) if row[10].isdigit() else 0, across, down, parts * bits, row[8])


def _is_oddly_drawn(row: list[str], width: float, height: float, beyond: float) -> bool:
    """Whether a picture of some size is more than ``beyond`` times as large as the page of so many inches, or has
    pixels of an odd shape.
    """
    across, down, x_dpi, y_dpi = (float(row[i]) for i in (3, 4, -4, -3))
    if min(across, down) < PICTURE_PIXELS or across * down < _SCAN_PIXELS:
        return False
    if min(x_dpi, y_dpi) <= 0 or max(x_dpi / y_dpi, y_dpi / x_dpi) > _ODD_PIXEL:
        return True
    sides = sorted((across / x_dpi, down / y_dpi))
    return any(side > beyond * edge for side, edge in zip(sides, sorted((width, height)), strict=True))


def _output_of(*command: str, timeout: float) -> str:
    """What a program of poppler's says, even if it complains.

    Raises:
        Killed: it was killed from outside.
        FileNotFoundError: it is not installed.
        subprocess.TimeoutExpired: it takes longer than ``timeout`` seconds.
    """
    done = subprocess.run(command, capture_output=True, timeout=timeout, check=False)
    if done.returncode == -signal.SIGKILL:
        raise messages.READER_KILLED.fault(f"{command[0]} was killed")
    return done.stdout.decode("utf-8", "replace")


def _covering_dpi(rows: list[list[str]], area: float) -> float:
    """Resolution of the finest picture that covers a page of ``area`` square inches, be it cut into strips."""
    covered: dict[float, float] = {}
    for row in rows:
        width, height, x_dpi, y_dpi = (float(row[i]) for i in (3, 4, -4, -3))
        if x_dpi > 0 and y_dpi > 0:
            covered[x_dpi] = covered.get(x_dpi, 0.0) + width / x_dpi * height / y_dpi
    return max((dpi for dpi, share in covered.items() if share >= _COVERS * area), default=0.0)


def _is_made_up(short_side: float, dpi: float) -> bool:
    """Whether a page of so many inches, scanned at ``dpi``, is rather one whose resolution nobody knew."""
    if dpi < _COARSE_DPI:
        return short_side > _LARGE_INCHES
    return dpi > _FINE_DPI and short_side < _SMALL_INCHES and short_side * dpi >= _PAGE_PIXELS


def _grown_by_type(image: np.ndarray, dpi: float, short_side: float, *, guessed: bool) -> float:
    """How many times larger a page must be than its resolution says, so that its type is of a size that is printed.

    Args:
        image: of the page, at ``dpi``.
        short_side: of the page, in inches.
        guessed: whether nothing was said of its resolution, and it was taken to be as wide as A4.

    Returns:
        1.0 where nothing speaks against the resolution.
    """
    if not guessed and short_side >= _SUSPECT_INCHES:
        return 1.0
    points = _type_points(image, dpi)
    if points is None or (points <= _LARGEST_TYPE if guessed else points >= _SMALLEST_TYPE):
        return 1.0
    as_a4 = _A4_WIDTH_INCHES / short_side
    return as_a4 if _SMALLEST_TYPE <= points * as_a4 <= _LARGEST_TYPE else _USUAL_TYPE / points


def _type_points(image: np.ndarray, dpi: float) -> float | None:
    """The x-height of the type of a page's image, in points."""
    from ocr.layout.x_height import type_size  # OpenCV takes its time, and most pages need no second look

    pixels = type_size(image)
    return None if pixels is None else pixels / dpi * 72


def _per_a4(width: float, height: float) -> float:
    """Pixels, or what else width and height are given in, to the inch of a page whose short side is that of A4.

    What is more than twice as wide as high is a strip of a page: its width counts as twice that of A4.
    """
    return max(min(width, height), width / 2) / _A4_WIDTH_INCHES


def _rasterize_pdf(path: Path, number: int, dpi: int, timeout: float, max_pixels: int, grown: float = 1.0) -> Rendered:
    """The page, ``grown`` so many times where its type told that its size cannot be true."""
    try:
        facts = _pdf_page_facts(path, number, timeout)
        width, height, zoom = facts.width * grown, facts.height * grown, grown
        if grown == 1.0 and facts.picture_dpi and _is_made_up(min(width, height), facts.picture_dpi):
            zoom = 1 / _per_a4(width, height)
            width, height = width * zoom, height * zoom
        if width * height * dpi * dpi > max_pixels:
            dpi = int((max_pixels / (width * height)) ** 0.5)
            if dpi < MIN_READABLE_DPI:
                raise messages.PAGE_TOO_LARGE.fault(number=number, width=width * 2.54, height=height * 2.54)
        drawn = _drawn(path, number, dpi * zoom, facts.colour, timeout)
        if drawn is not None:
            image, said = drawn
            again = 1.0
            if facts.picture_dpi and zoom == 1.0:
                again = _grown_by_type(image, dpi, min(width, height), guessed=False)
            if again != 1.0:
                return _rasterize_pdf(path, number, dpi, timeout, max_pixels, again)
            return Rendered(image, dpi, _damage_of_pdf_page(path, number, facts, image, said, timeout))
    except FileNotFoundError as fault:
        raise messages.POPPLER_MISSING.fault(str(fault)) from fault
    except subprocess.TimeoutExpired as fault:
        raise messages.SLOW_TO_RENDER.fault(str(fault), number=number, seconds=timeout) from fault
    except (OSError, ValueError, SyntaxError) as fault:
        if _is_of_the_machine(fault):
            raise
        raise messages.DAMAGED_PAGE.fault(str(fault), number=number) from fault
    raise messages.DAMAGED_PAGE.fault("poppler gave no picture", number=number)


def _drawn(path: Path, number: int, dpi: float, colour: bool, timeout: float) -> tuple[np.ndarray, str] | None:
    """A page as poppler draws it, and what poppler says meanwhile (pdf2image's own call keeps that to itself); ``None``
    if it draws nothing.

    Raises:
        FileNotFoundError: poppler is not installed.
        subprocess.TimeoutExpired: it takes longer than ``timeout`` seconds.
        OSError, ValueError, SyntaxError: it cannot be started, or what it gives is no picture.
    """
    from pdf2image.parsers import parse_buffer_to_pgm, parse_buffer_to_ppm

    page = str(number)
    # The crop box is what pdfinfo counts and what viewers show.
    command = ["pdftoppm", "-r", str(dpi), "-f", page, "-l", page, "-cropbox", *([] if colour else ["-gray"])]
    # Killed from outside, pdftoppm gives no picture or half of one: only what comes twice is believed.
    for is_last in (False, True):
        try:
            done = subprocess.run(
                [*command, str(path.absolute())], capture_output=True, timeout=ceil(timeout), check=False
            )
            images = (parse_buffer_to_ppm if colour else parse_buffer_to_pgm)(done.stdout)
            # Poppler answers a page it has no memory for with one white pixel and exit status 0.
            if images and min(images[0].size) >= 16:
                return np.asarray(images[0]), done.stderr.decode("utf-8", "replace")
        except (OSError, ValueError, SyntaxError) as fault:
            if is_last or isinstance(fault, FileNotFoundError) or _is_of_the_machine(fault):
                raise
    return None


def _damage_of_pdf_page(
    path: Path, number: int, facts: _PageFacts, image: np.ndarray, said: str, timeout: float
) -> PageFault | None:
    """What is missing of a page that poppler has drawn as ``image``, while it ``said`` so much."""
    for picture in facts.pictures:
        if loss := picture_loss(path, picture):
            return _fault_of(loss)
    if any(picture.coding == "jpeg" and not lies_open(path, picture) for picture in facts.pictures):
        for data in _jpegs_taken_out(path, number, timeout):
            if loss := jpeg_loss(data):
                return _fault_of(loss)
    if told := losses_told(said, covered=facts.picture_dpi > 0):
        return messages.NOT_ALL_DRAWN.fault("\n".join(told[:20]))
    if facts.is_odd or (facts.is_longer and _cuts_print(image, image.shape[1] / facts.width)):
        return messages.PICTURE_OUTSIDE.fault()
    if undrawn := _undrawn(path, facts, image, timeout):
        return messages.NOT_ALL_DRAWN.fault(f"no page shows the pictures that are objects {undrawn[:20]}")
    return None


def _cuts_print(image: np.ndarray, dpi: float) -> bool:
    """Whether letters end at an edge of a page's image."""
    grey = image if image.ndim == 2 else image.min(axis=2)
    for edge in (grey[:, 0], grey[:, -1], grey[0], grey[-1]):
        ink = np.concatenate(([0], (edge < (int(edge.max()) + int(edge.min())) / 2).astype(np.int8), [0]))
        sizes = (np.flatnonzero(np.diff(ink) == -1) - np.flatnonzero(np.diff(ink) == 1)) / dpi
        letters = int(((sizes > _LETTER[0]) & (sizes < _LETTER[1])).sum())
        if int(edge.max()) - int(edge.min()) > _CONTRAST and letters >= _CUT_LETTERS:
            return True
    return False


def _undrawn(path: Path, facts: _PageFacts, image: np.ndarray, timeout: float) -> list[int]:
    """The pictures that no page shows, although this one, drawn as ``image``, seems to lack some: it is empty, or
    another stands on it twice.
    """
    widths: set[int | None] = {one.width for one in _twice(facts.pictures)}
    if not facts.pictures and image.min() == image.max():
        widths = {None}
    if not widths:
        return []
    status = path.stat()
    pages = _all_page_facts(path.absolute(), status.st_mtime_ns, status.st_size, timeout).values()
    drawn = {one.number for page in pages for one in page.pictures}
    return [number for width in widths for number in undrawn_pictures(path, drawn, width)]


def _twice(pictures: Sequence[Picture]) -> list[Picture]:
    """Those of a page's pictures that stand on it twice and are large enough for parts of a scan: where another of
    their width stands on no page, one of the two may be in its place.
    """
    large = [one for one in pictures if one.number and one.width >= _STRIP_WIDTH]
    return [one for one in large if sum(other.number == one.number for other in large) > 1]


def _jpegs_taken_out(path: Path, number: int, timeout: float) -> list[bytes]:
    """The JPEGs of a page as poppler gives them out, decrypted."""
    page = str(number)
    with tempfile.TemporaryDirectory(prefix="nambat-pictures-") as folder:
        _output_of("pdfimages", "-j", "-f", page, "-l", page, str(path.absolute()), f"{folder}/p", timeout=timeout)
        return [taken.read_bytes() for taken in sorted(Path(folder).glob("*.jpg"))]


def _fault_of(loss: Loss) -> PageFault:
    if loss.share is None:
        return messages.PICTURE_DAMAGED.fault(loss.detail)
    return messages.PICTURE_CUT.fault(loss.detail, missing=1 - loss.share)


def _rasterize_image(path: Path, number: int, dpi: int, max_pixels: int) -> Rendered:
    image, scale_x, scale_y, guessed, damage = _load_frame(path, number)
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        paper = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(paper, image.convert("RGBA")).convert("RGB")
    elif image.mode.startswith(("I", "F")):
        values = np.asarray(image, dtype=np.float64)
        top = 65535.0 if values.max() > 255 else 255.0
        image = Image.fromarray((values * (255.0 / top)).clip(0, 255).astype(np.uint8))
    elif image.mode in ("1", "L"):
        image = image.convert("L")
    else:
        image = image.convert("RGB")
    short_side = min(image.width / scale_x, image.height / scale_y)
    # Of pixels that are higher than wide, the height counts.
    grown = _grown_by_type(np.asarray(image), scale_y, short_side, guessed=guessed)
    scale_x, scale_y = scale_x / grown, scale_y / grown
    target = min(max(scale_x, scale_y), float(dpi)) if max(scale_x, scale_y) >= MIN_DPI else float(dpi)
    width, height = image.width * target / scale_x, image.height * target / scale_y
    if width * height > max_pixels:
        shrink = (max_pixels / (width * height)) ** 0.5
        width, height, target = width * shrink, height * shrink, target * shrink
    if min(width, height) < 16:
        raise messages.DAMAGED_PAGE.fault("the picture is only a few pixels wide", number=number)
    size = (round(width), round(height))
    if size != image.size:
        image = image.resize(size, Image.Resampling.BICUBIC if target > scale_x else Image.Resampling.LANCZOS)
    return Rendered(np.asarray(image), round(target), damage)


def _load_frame(path: Path, number: int) -> tuple[Image.Image, float, float, bool, PageFault | None]:
    """A page of an image file, upright, its resolution across and down, whether that is guessed by its width, and what
    is missing of it.
    """
    loss: Loss | None = None
    try:
        try:
            image, x, y, is_turned, loss = _decoded(path, number)
        except (OSError, SyntaxError, ValueError) as fault:
            if _is_of_the_machine(fault):
                raise
            with truncated_images():
                image, x, y, is_turned, _ = _decoded(path, number)
            loss = Loss(None, repr(fault))
    except MemoryError:
        raise
    except Exception as fault:  # as in `inspect`
        if _is_of_the_machine(fault):
            raise
        raise messages.DAMAGED_PAGE.fault(repr(fault), number=number) from fault
    if is_turned:
        x, y = y, x
    guessed = not (x and y) or _is_made_up(min(image.width / x, image.height / y), max(x, y))
    if guessed:
        x = y = max(1.0, _per_a4(*image.size))
    return image, x, y, guessed, _fault_of(loss) if loss else None


def _decoded(path: Path, number: int) -> tuple[Image.Image, float, float, bool, Loss | None]:
    """A page of an image file, upright, its resolution before it was turned, whether it lay on its side, and what is
    missing of it.

    Raises:
        Exception: whatever Pillow runs into.
    """
    # Opened by its path, an uncompressed file would be mapped into memory, which breaks with a file that shrinks,
    # and Pillow 13 mixes up width and height of such a TIFF when it is turned.
    with path.open("rb") as file, Image.open(file, formats=_FORMATS) as frame:
        if number > 1 and frame.format != "TIFF":
            raise EOFError("the file has one page")
        frame.seek(number - 1)
        is_turned = frame.getexif().get(ExifTags.Base.Orientation, 1) in (5, 6, 7, 8)
        x, y = _said_dpi(frame)
        with heard() as said:
            frame.load()
        loss = image_file_loss(path, frame)
        if loss is None and said:
            loss = Loss(None, "; ".join(said))
        return ImageOps.exif_transpose(frame), x, y, is_turned, loss


def _said_dpi(image: Image.Image) -> tuple[float, float]:
    """What an image file says of its resolution across and down; zeros if that is nothing, or nonsense."""
    try:
        x, y = (float(value) for value in image.info.get("dpi", (0, 0)))
    except (TypeError, ValueError):
        return 0.0, 0.0
    return (x, y) if 50 <= x <= 2400 and 50 <= y <= 2400 else (0.0, 0.0)
