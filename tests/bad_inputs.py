"""Files that an inbox must survive, built or mutated from good ones: what they are, and how each may end.

The classes are those an office's scanners, phones, sync clients and enemies produce: not what the name says, damaged,
protected, size bombs, odd colours and codings, odd geometry, odd text layers, odd contents. What the file system and
the life of a service add (links, names, crashes) is in `test_inbox.py`, `test_moves.py` and `benchmarks/chaos.py`.
"""

from __future__ import annotations

import hashlib
import io
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

SAMPLE = Path(__file__).parent.parent / "sample_scans" / "giay_moi_trang_1.jpg"

PUBLISHED = frozenset({"published"})
WARNED = frozenset({"warned"})
REFUSED = frozenset({"refused"})
EITHER = PUBLISHED | WARNED | REFUSED
"""What a damaged file may give depends on how much of it poppler can mend; what matters is that it ends, and when."""


@dataclass(frozen=True)
class BadInput:
    """A file and how it may end.

    Attributes:
        name: its name in the inbox, unlike all others.
        kind: its class, as in the table of the knowledge base: ``1 not what it says`` ...
        make: its content.
        ends: ``published``, ``warned`` (published with warnings about pages) or ``refused``; one of these.
        fault: class of the fault it is refused with; empty for any.
    """

    name: str
    kind: str
    make: Callable[[], bytes]
    ends: frozenset[str]
    fault: str = ""


@cache
def strip() -> Image.Image:
    """One line of a scan: the least that can be read, in a third of a second."""
    with Image.open(SAMPLE) as image:
        return image.convert("L").crop((300, 250, 1300, 450))


@cache
def sheet() -> Image.Image:
    """The strip on a square sheet: without a resolution, a page counts as wide as A4, and a strip would become huge."""
    page = Image.new("L", (1000, 1000), 255)
    page.paste(strip(), (0, 100))
    return page


def picture(form: str, image: Image.Image | None = None, **options: object) -> bytes:
    """An image file that says 300 dpi where its format can."""
    if form in ("PNG", "JPEG", "TIFF", "BMP"):
        options.setdefault("dpi", (300, 300))
    out = io.BytesIO()
    (image or strip()).save(out, form, **options)
    return out.getvalue()


def good_pdf(pages: int = 1, image: Image.Image | None = None) -> bytes:
    """A scan as a scanner makes it."""
    one = image or strip()
    return picture("PDF", one, resolution=300, save_all=True, append_images=[one] * (pages - 1))


# A small PDF writer: tables of objects, so that each of them can be spoiled


def stream(data: bytes, **entries: object) -> bytes:
    """A stream object's body."""
    listed = "".join(f"/{name} {value} " for name, value in {"Length": len(data), **entries}.items())
    return f"<<{listed}>>\nstream\n".encode() + data + b"\nendstream"


def pdf(objects: dict[int, bytes], trailer: str = "/Root 1 0 R", head: bytes = b"%PDF-1.6\n") -> bytes:
    """A PDF file of these objects with a right cross-reference table."""
    out = bytearray(head)
    places = {}
    for number, body in objects.items():
        places[number] = len(out)
        out += f"{number} 0 obj\n".encode() + body + b"\nendobj\n"
    start = len(out)
    size = max(objects) + 1
    out += f"xref\n0 {size}\n0000000000 65535 f \n".encode()
    for number in range(1, size):
        out += f"{places[number]:010} 00000 n \n".encode() if number in places else b"0000000000 00000 f \n"
    out += f"trailer\n<</Size {size} {trailer}>>\nstartxref\n{start}\n%%EOF\n".encode()
    return bytes(out)


def scan_objects(
    *,
    box: str = "[0 0 240 48]",
    page: str = "",
    content: bytes = b"q 240 0 0 48 0 0 cm /I Do Q",
    resources: str = "<</XObject <</I 5 0 R>>>>",
    image: bytes | None = None,
) -> dict[int, bytes]:
    """A page with the strip on it, as objects: 1 catalog, 2 pages, 3 page, 4 content, 5 image."""
    width, height = strip().size
    jpeg = picture("JPEG")
    whole = stream(
        jpeg,
        Type="/XObject",
        Subtype="/Image",
        Width=width,
        Height=height,
        ColorSpace="/DeviceGray",
        BitsPerComponent=8,
        Filter="/DCTDecode",
    )
    listed = f"/Resources {resources} " if resources else ""
    return {
        1: b"<</Type /Catalog /Pages 2 0 R>>",
        2: b"<</Type /Pages /Kids [3 0 R] /Count 1>>",
        3: f"<</Type /Page /Parent 2 0 R /MediaBox {box} {listed}/Contents 4 0 R {page}>>".encode(),
        4: stream(content),
        5: image if image is not None else whole,
    }


def coded(data: bytes, code: str, **entries: object) -> bytes:
    """The strip as an image object in another code than JPEG."""
    width, height = strip().size
    known = {"ImageMask": "false"} if "ImageMask" in entries else {"ColorSpace": "/DeviceGray"}
    head = {"Type": "/XObject", "Subtype": "/Image", "Width": width, "Height": height, "BitsPerComponent": 8}
    return stream(data, **{**head, **known, "Filter": code, **entries})


def sheet_pdf(box: tuple[float, float], image: Image.Image | None = None, strips: int = 1, page: str = "") -> bytes:
    """A page of ``box`` points that a picture covers, cut into so many strips."""
    whole = image or sheet()
    width, height = box
    across, down = whole.size
    cuts = [round(down * number / strips) for number in range(strips + 1)]
    objects = scan_objects(box=f"[0 0 {width} {height}]", page=page)
    content, names = [], []
    for number, (top, bottom) in enumerate(pairwise(cuts), 10):
        jpeg = picture("JPEG", whole.crop((0, top, across, bottom)))
        space = "/DeviceGray" if whole.mode == "L" else "/DeviceRGB"
        head = {"Type": "/XObject", "Subtype": "/Image", "Width": across, "Height": bottom - top, "ColorSpace": space}
        objects[number] = stream(jpeg, **head, BitsPerComponent=8, Filter="/DCTDecode")
        low, high = height * (1 - bottom / down), height * (bottom - top) / down
        content.append(f"q {width} 0 0 {high:.3f} 0 {low:.3f} cm /I{number} Do Q")
        names.append(f"/I{number} {number} 0 R")
    resources = f"<</XObject <<{' '.join(names)}>>>>"
    objects[3] = objects[3].replace(b"<</XObject <</I 5 0 R>>>>", resources.encode())
    return pdf({**objects, 4: stream(" ".join(content).encode())})


def with_object(number: int, body: bytes, **options: object) -> Callable[[], bytes]:
    """The scan with one object replaced."""
    return lambda: pdf({**scan_objects(**options), number: body})  # type: ignore[arg-type]


def page_with(**options: object) -> Callable[[], bytes]:
    """The scan made with these options."""
    return lambda: pdf(scan_objects(**options))  # type: ignore[arg-type]


def replaced(old: bytes, new: bytes) -> Callable[[], bytes]:
    """The good scan with some bytes replaced."""

    def make() -> bytes:
        data = pdf(scan_objects())
        assert old in data
        return data.replace(old, new)

    return make


def cut(share: float) -> Callable[[], bytes]:
    """The beginning of a good scan."""
    return lambda: (data := good_pdf(2))[: int(len(data) * share)]


def many_pages(count: int, claimed: int | None = None) -> bytes:
    """So many pages that show the same."""
    numbers = range(6, 6 + count)
    kids = " ".join(f"{number} 0 R" for number in numbers)
    body = f"<</Type /Pages /Kids [{kids}] /Count {count if claimed is None else claimed}>>".encode()
    objects = scan_objects()
    return pdf({**objects, 2: body, **dict.fromkeys(numbers, objects[3])})


# Encryption, as the first PDF standards had it: enough to ask for a password


def rc4(key: bytes, data: bytes) -> bytes:
    """The stream cipher RC4."""
    box = list(range(256))
    j = 0
    for i in range(256):
        j = (j + box[i] + key[i % len(key)]) % 256
        box[i], box[j] = box[j], box[i]
    i = j = 0
    out = bytearray()
    for byte in data:
        i = (i + 1) % 256
        j = (j + box[i]) % 256
        box[i], box[j] = box[j], box[i]
        out.append(byte ^ box[(box[i] + box[j]) % 256])
    return bytes(out)


def encrypted(user: bytes, owner: bytes, objects: dict[int, bytes] | None = None) -> bytes:
    """The scan, or such ``objects``, under 40-bit RC4."""
    padding = bytes.fromhex("28BF4E5E4E758A4164004E56FFFA01082E2E00B6D0683E802F0CA9FE6453697A")
    mark = b"0123456789abcdef"
    user_pad, owner_pad = (user + padding)[:32], (owner + padding)[:32]
    o = rc4(hashlib.md5(owner_pad).digest()[:5], user_pad)
    rights = struct.pack("<i", -44)
    key = hashlib.md5(user_pad + o + rights + mark).digest()[:5]
    u = rc4(key, padding)
    objects = dict(objects or scan_objects())

    def secret(number: int, body: bytes) -> bytes:
        head, rest = body.split(b"stream\n", 1)
        data = rest.removesuffix(b"\nendstream")
        own = hashlib.md5(key + struct.pack("<I", number)[:3] + b"\0\0").digest()[:10]
        return head + b"stream\n" + rc4(own, data) + b"\nendstream"

    for number in (4, 5):
        objects[number] = secret(number, objects[number])
    objects[6] = f"<</Filter /Standard /V 1 /R 2 /O <{o.hex()}> /U <{u.hex()}> /P -44>>".encode()
    return pdf(objects, f"/Root 1 0 R /Encrypt 6 0 R /ID [<{mark.hex()}> <{mark.hex()}>]")


# Pictures as bytes, so that their heads can lie


def png(width: int, height: int, rows: bytes, *, depth: int = 1, colour: int = 0, more: bytes = b"") -> bytes:
    """A PNG whose head says what you like."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + more + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def tiff(entries: list[tuple[int, int, int, int]], after: bytes = b"", next_folder: int = 0) -> bytes:
    """A little-endian TIFF with one directory of (tag, type, count, value)."""
    body = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return b"II*\x00" + struct.pack("<I", 8) + body + struct.pack("<I", next_folder) + after


def several(form: str, count: int, **options: object) -> bytes:
    """A file of so many frames, of which each shows something else."""
    first, *others = (turned(3 * number).resize(strip().size).convert("RGB") for number in range(count))
    return picture(form, first, save_all=True, append_images=others, **options)


def heif(brand: bytes) -> bytes:
    """The beginning of a HEIF file, as a phone writes it."""
    return struct.pack(">I", 24) + b"ftyp" + brand + bytes(4) + b"mif1" + brand + bytes(3000)


def psd(image: Image.Image) -> bytes:
    """A grey Photoshop file."""
    head = b"8BPS" + struct.pack(">H6xHIIHH", 1, 1, image.height, image.width, 8, 1)
    return head + bytes(12) + struct.pack(">H", 0) + image.tobytes()


def noise(width: int, height: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(1).integers(0, 256, (height, width), dtype=np.uint8))


def turned(degrees: float) -> Image.Image:
    return strip().rotate(degrees, expand=True, fillcolor=255, resample=Image.Resampling.BICUBIC)


def _exif(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif.tobytes()


def _flate_bomb(size: int) -> bytes:
    squeeze = zlib.compressobj(9)
    block = b" " * (1 << 20)
    data = b"".join(squeeze.compress(block) for _ in range(size >> 20)) + squeeze.flush()
    return stream(data, Filter="/FlateDecode")


def bad_inputs() -> Iterator[BadInput]:
    """All of them."""
    yield from _not_what_they_say()
    yield from _damaged()
    yield from _protected()
    yield from _bombs()
    yield from _colours()
    yield from _geometry()
    yield from _layers_and_contents()


def _not_what_they_say() -> Iterator[BadInput]:
    kind = "1 not what it says"

    def refused(name: str, data: bytes) -> BadInput:
        return BadInput(name, kind, lambda: data, REFUSED, "NotAScan")

    yield refused("empty.pdf", b"")
    yield refused("one_byte.pdf", b"%")
    yield refused("text.pdf", "Kính gửi: Ủy ban nhân dân xã".encode())
    yield refused("page.html.pdf", b"<!DOCTYPE html><html><body>404</body></html>")
    yield refused("head_and_end.pdf", b"%PDF-1.4\n%%EOF\n")
    yield refused("head_only.pdf", b"%PDF-1.7\n")
    yield refused("zeros.pdf", bytes(1_000_000))
    yield refused("random.pdf", np.random.default_rng(2).bytes(200_000))
    yield refused("zip.pdf", b"PK\x03\x04" + bytes(500))
    yield refused("program.pdf", b"\x7fELF" + bytes(2000))
    yield refused("script.pdf", b"#!/bin/sh\nrm -rf /\n")
    yield refused("mail.pdf", b"From: a@b.vn\nContent-Type: application/pdf\n\nJVBERi0xLjQK")
    yield refused("rtf.pdf", b"{\\rtf1\\ansi Xin ch\\'e0o}")
    yield refused("postscript.pdf", b"%!PS-Adobe-3.0\nshowpage\n")
    yield refused("late_head.pdf", b"x" * 2000 + good_pdf())
    yield refused("drawing.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>")
    yield refused("nothing_known.docx", b"\xd0\xcf\x11\xe0" + bytes(3000))
    yield BadInput("jpeg.pdf", kind, lambda: picture("JPEG"), PUBLISHED)
    yield BadInput("png.tif", kind, lambda: picture("PNG"), PUBLISHED)
    yield BadInput("pdf.jpg", kind, good_pdf, PUBLISHED)
    yield BadInput("tiff.pdf", kind, lambda: picture("TIFF"), PUBLISHED)
    yield BadInput("UPPER.PDF", kind, good_pdf, PUBLISHED)
    yield BadInput("no_suffix", kind, good_pdf, PUBLISHED)
    yield BadInput("junk_before.pdf", kind, lambda: b"\r\n" * 100 + good_pdf(), PUBLISHED)
    yield BadInput("junk_after.pdf", kind, lambda: good_pdf() + bytes(3000), PUBLISHED)
    yield BadInput("web.webp.png", kind, lambda: picture("WEBP", sheet()), PUBLISHED)
    yield BadInput("bitmap.bmp.png", kind, lambda: picture("BMP"), PUBLISHED)
    yield BadInput("web.webp", kind, lambda: picture("WEBP", sheet()), PUBLISHED)
    yield BadInput("bitmap.bmp", kind, lambda: picture("BMP"), PUBLISHED)
    yield BadInput("still.gif", kind, lambda: picture("GIF", sheet()), PUBLISHED)
    yield BadInput("page.jp2", kind, lambda: picture("JPEG2000", sheet()), PUBLISHED)
    yield BadInput("codestream.j2k", kind, lambda: picture("JPEG2000", sheet(), no_jp2=True), PUBLISHED)
    yield BadInput("two_views.jpg", kind, lambda: several("MPO", 2, dpi=(300, 300)), PUBLISHED)
    for brand in (b"heic", b"mif1", b"avif"):
        yield refused(f"{brand.decode()}.jpg", heif(brand))
    yield refused("film.mp4", heif(b"isom"))
    yield refused("postscript.eps.png", picture("EPS"))
    dos = struct.pack("<IIIIIII", 0xC6D3D0C5, 30, 40, 0, 0, 0, 0) + b"\xff\xff"
    yield refused("postscript_of_dos.eps", dos + b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 99 99\n")
    yield refused("photoshop.psd", psd(strip()))
    yield refused("metafile.wmf", struct.pack("<IH4hHIH", 0x9AC6CDD7, 0, 0, 0, 999, 999, 300, 0, 0) + bytes(100))
    for form in ("ICO", "PPM", "TGA", "PCX", "SGI"):
        yield refused(f"picture.{form.lower()}", picture(form))
    for form in ("GIF", "WEBP", "PNG"):
        yield refused(f"animation.{form.lower()}", several(form, 3))


def _damaged() -> Iterator[BadInput]:
    kind = "3 damaged"
    for share in (0.05, 0.2, 0.4, 0.6, 0.8, 0.95, 0.99):
        yield BadInput(f"cut_{share:.2f}.pdf", kind, cut(share), EITHER)
    yield BadInput("no_startxref.pdf", kind, replaced(b"startxref", b"startxxxx"), PUBLISHED)
    yield BadInput("wrong_xref.pdf", kind, replaced(b" 00000 n ", b" 00000 f "), EITHER)
    yield BadInput("no_trailer.pdf", kind, replaced(b"trailer", b"tra1ler"), EITHER)
    yield BadInput("root_missing.pdf", kind, lambda: pdf(scan_objects(), "/Info 1 0 R"), EITHER)
    yield BadInput("root_elsewhere.pdf", kind, lambda: pdf(scan_objects(), "/Root 5 0 R"), EITHER)
    yield BadInput("no_catalog.pdf", kind, with_object(1, b"null"), REFUSED, "NotAScan")
    yield BadInput("no_pages.pdf", kind, with_object(2, b"<</Type /Pages /Kids [] /Count 0>>"), REFUSED)
    yield BadInput("pages_in_circles.pdf", kind, with_object(2, b"<</Type /Pages /Kids [2 0 R] /Count 1>>"), REFUSED)
    yield BadInput("kids_are_null.pdf", kind, with_object(2, b"<</Type /Pages /Kids [null 3 0 R] /Count 2>>"), EITHER)
    yield BadInput("count_lies.pdf", kind, lambda: many_pages(1, 12), REFUSED)
    yield BadInput("count_below_zero.pdf", kind, lambda: many_pages(1, -5), EITHER)
    yield BadInput("no_contents.pdf", kind, with_object(4, b"null"), REFUSED, "TooManyPagesFailed")
    yield BadInput("no_resources.pdf", kind, page_with(resources=""), REFUSED, "TooManyPagesFailed")
    yield BadInput("resources_are_a_number.pdf", kind, page_with(resources="7"), REFUSED, "TooManyPagesFailed")
    yield BadInput("resources_are_a_stream.pdf", kind, page_with(resources="4 0 R"), REFUSED, "TooManyPagesFailed")
    yield BadInput("image_is_gone.pdf", kind, with_object(5, b"null"), REFUSED, "TooManyPagesFailed")
    yield BadInput("image_is_itself.pdf", kind, with_object(5, b"5 0 R"), REFUSED, "TooManyPagesFailed")
    form = b"q 1 0 0 1 0 0 cm /I Do Q"
    itself = stream(form, Type="/XObject", Subtype="/Form", BBox="[0 0 9 9]", Resources="<</XObject <</I 5 0 R>>>>")
    yield BadInput("form_draws_itself.pdf", kind, with_object(5, itself), PUBLISHED)
    yield BadInput("names_not_utf8.pdf", kind, replaced(b"/Type /Page ", b"/Type /Page /\xff\xfe\xe9 1 "), EITHER)
    yield BadInput("length_lies.pdf", kind, replaced(b"/Length 27", b"/Length 999999"), EITHER)
    yield BadInput("jpeg_is_cut.pdf", kind, with_object(5, scan_objects()[5][:9000] + b"\nendstream"), WARNED)
    broken = stream(b"not zlib at all", Filter="/FlateDecode")
    yield BadInput("flate_is_broken.pdf", kind, with_object(4, broken), REFUSED, "TooManyPagesFailed")
    yield BadInput(
        "filter_unknown.pdf",
        kind,
        with_object(4, stream(b"abc", Filter="/NoSuchDecode")),
        REFUSED,
        "TooManyPagesFailed",
    )
    yield BadInput("brackets_deep.pdf", kind, with_object(4, stream(b"[" * 200_000)), REFUSED, "TooManyPagesFailed")
    yield BadInput("states_deep.pdf", kind, with_object(4, stream(b"q " * 50_000)), REFUSED, "TooManyPagesFailed")
    yield BadInput("junk_content.pdf", kind, with_object(4, stream(np.random.default_rng(3).bytes(9000))), EITHER)
    yield BadInput("cut.png", kind, lambda: picture("PNG")[:20_000], EITHER)
    yield BadInput("cut.jpg", kind, lambda: picture("JPEG")[:5_000], EITHER)
    yield BadInput("cut.tif", kind, lambda: picture("TIFF")[:-50_000], EITHER)
    yield BadInput("head.png", kind, lambda: picture("PNG")[:30], REFUSED)
    yield BadInput("wrong_sums.png", kind, lambda: picture("PNG").replace(b"IDAT", b"IDAU"), REFUSED)
    yield BadInput("cut_in_page_2.tif", kind, _tiff_cut_in_page_2, EITHER)
    yield BadInput("circle.tif", kind, lambda: _tiff_in_circles(), EITHER)
    yield BadInput("empty_folder.tif", kind, lambda: tiff([]), REFUSED)


def _tiff_cut_in_page_2() -> bytes:
    data = picture("TIFF", save_all=True, append_images=[strip()])
    return data[: len(data) * 3 // 4]


def _tiff_in_circles() -> bytes:
    """A directory that names itself as the next one."""
    data = bytearray(picture("TIFF"))
    (first,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, first)
    struct.pack_into("<I", data, first + 2 + 12 * count, first)
    return bytes(data)


def _protected() -> Iterator[BadInput]:
    kind = "4 protected"
    yield BadInput("user_password.pdf", kind, lambda: encrypted(b"bi mat", b"chu"), REFUSED, "Encrypted")
    yield BadInput("owner_password.pdf", kind, lambda: encrypted(b"", b"chu"), PUBLISHED)
    unknown = "/Root 1 0 R /Encrypt <</Filter /NoSuchHandler /V 9 /R 9>>"
    yield BadInput("lock_unknown.pdf", kind, lambda: pdf(scan_objects(), unknown), REFUSED)
    signed = (
        b"<</Type /Catalog /Pages 2 0 R /AcroForm <</SigFlags 3 /Fields [<</FT /Sig /T (ky) /V <</Type /Sig "
        b"/Filter /Adobe.PPKLite /SubFilter /adbe.pkcs7.detached /ByteRange [0 9 9 9] /Contents <00>>>>>]>>>>"
    )
    yield BadInput("signed.pdf", kind, with_object(1, signed), PUBLISHED)
    form = (
        b"<</Type /Catalog /Pages 2 0 R /AcroForm <</NeedAppearances true /Fields [<</FT /Tx /T (ten) /V (An) "
        b"/Type /Annot /Subtype /Widget /Rect [0 0 9 9]>>]>>>>"
    )
    yield BadInput("form.pdf", kind, with_object(1, form), PUBLISHED)
    xfa = b"<</Type /Catalog /Pages 2 0 R /NeedsRendering true /AcroForm <</XFA [(template) 4 0 R] /Fields []>>>>"
    yield BadInput("xfa.pdf", kind, with_object(1, xfa), PUBLISHED)
    action = b"<</Type /Catalog /Pages 2 0 R /OpenAction <</S /JavaScript /JS (app.launchURL\\('http://x.vn'\\))>>>>"
    yield BadInput("javascript.pdf", kind, with_object(1, action), PUBLISHED)
    launch = b"<</Type /Catalog /Pages 2 0 R /OpenAction <</S /Launch /F (/bin/sh)>>>>"
    yield BadInput("launch.pdf", kind, with_object(1, launch), PUBLISHED)
    outside = stream(b"", Type="/XObject", Subtype="/Image", Width=9, Height=9, F="(/etc/passwd)", BitsPerComponent=8)
    yield BadInput("image_from_outside.pdf", kind, with_object(5, outside), REFUSED, "TooManyPagesFailed")


def _bombs() -> Iterator[BadInput]:
    kind = "5 size bomb"
    side = 35_000
    black = bytes(side // 8 + 1)
    yield BadInput("mono_35000.png", kind, lambda: png(side, side, black * 10), REFUSED, "TooLarge")
    yield BadInput("head_says_4_billion.png", kind, lambda: png(2**31 - 1, 2**31 - 1, b""), REFUSED, "TooLarge")
    yield BadInput("a4_1200_dpi.png", kind, lambda: png(9_921, 14_031, bytes(9_921 // 8 + 2) * 14_031), EITHER)
    yield BadInput("a4_2400_dpi.png", kind, lambda: png(19_843, 28_066, bytes(19_843 // 8 + 2) * 28_066), EITHER)
    sof = b"\xff\xd8\xff\xc0\x00\x0b\x08\xff\xff\xff\xff\x01\x01\x11\x00\xff\xd9"
    yield BadInput("head_says_65535.jpg", kind, lambda: sof, REFUSED)
    huge = [(256, 4, 1, 60_000), (257, 4, 1, 60_000), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1), (273, 4, 1, 8)]
    yield BadInput("head_says_60000.tif", kind, lambda: tiff([*huge, (279, 4, 1, 9)]), REFUSED)
    yield BadInput("huge_page.pdf", kind, page_with(box="[0 0 1000000 1000000]"), REFUSED)
    yield BadInput("page_14400.pdf", kind, page_with(box="[0 0 14400 14400]"), EITHER)
    yield BadInput("user_unit.pdf", kind, page_with(page="/UserUnit 75000"), EITHER)
    yield BadInput("long_page.pdf", kind, page_with(box="[0 0 20 200000]"), EITHER)
    yield BadInput("flate_bomb.pdf", kind, lambda: pdf({**scan_objects(), 4: _flate_bomb(64 << 20)}), EITHER)
    mono = zlib.compress(bytes(20_000 // 8 * 20_000), 9)
    image: dict[str, object] = {
        **{"Type": "/XObject", "Subtype": "/Image", "Filter": "/FlateDecode"},
        **{"Width": 20_000, "Height": 20_000, "BitsPerComponent": 1},
    }
    # Drawn out of shape, and nothing can be read.
    yield BadInput("image_20000.pdf", kind, with_object(5, stream(mono, ColorSpace="/DeviceGray", **image)), REFUSED)
    yield BadInput("pages_5001.pdf", kind, lambda: many_pages(5001), REFUSED, "TooLarge")
    yield BadInput("pages_claimed_2_billion.pdf", kind, lambda: many_pages(1, 2_000_000_000), REFUSED)
    yield BadInput("one_pixel.png", kind, lambda: picture("PNG", Image.new("L", (1, 1))), REFUSED)
    yield BadInput("one_pixel.pdf", kind, page_with(box="[0 0 0.1 0.1]"), REFUSED)
    yield BadInput("thin.png", kind, lambda: picture("PNG", Image.new("L", (3000, 3), 255)), REFUSED)
    chunk = zlib.compress(bytes(80_000_000))
    text = b"Comment\0\0" + chunk
    more = struct.pack(">I", len(text)) + b"zTXt" + text + struct.pack(">I", zlib.crc32(b"zTXt" + text))
    yield BadInput("text_bomb.png", kind, lambda: png(400, 40, (b"\0" + b"\xff" * 50) * 40, more=more), EITHER)
    yield BadInput("frames.gif.png", kind, _many_frames, REFUSED, "NotAScan")
    gif = picture("GIF", Image.new("L", (8, 8)))
    yield BadInput("head_says_65535.gif", kind, lambda: b"GIF89a" + b"\xff" * 4 + gif[10:], REFUSED, "TooLarge")
    bmp = b"BM" + struct.pack("<IIIIiiHHIIiiII", 99, 0, 54, 40, 2**20, 2**20, 1, 24, 0, 0, 0, 0, 0, 0)
    yield BadInput("head_says_a_million.bmp", kind, lambda: bmp, REFUSED, "TooLarge")
    yield BadInput("head_says_4_billion.j2k", kind, _huge_codestream, REFUSED, "TooLarge")
    yield BadInput("page_2_says_60000.tif", kind, _tiff_huge_in_page_2, WARNED)
    around = page_with(box="[0 0 100000 100000]", page="/CropBox [0 0 240 48]")
    yield BadInput("little_of_much.pdf", kind, around, PUBLISHED)


def endless_page() -> bytes:
    """A picture that is drawn 2 ** 40 times: each of 40 forms draws the next one twice. No poppler lives to its end."""
    last = 50
    forms = {
        number: stream(
            b"/I Do /I Do",
            Type="/XObject",
            Subtype="/Form",
            BBox="[0 0 240 48]",
            Resources=f"<</XObject <</I {number + 1 if number < last else 5} 0 R>>>>",
        )
        for number in range(10, last + 1)
    }
    return pdf({**scan_objects(resources="<</XObject <</I 10 0 R>>>>"), **forms})


def _many_frames() -> bytes:
    frames = [Image.new("1", (8, 8), n % 2) for n in range(12)]
    return picture("GIF", frames[0], save_all=True, append_images=frames[1:])


def _huge_codestream() -> bytes:
    data = bytearray(picture("JPEG2000", no_jp2=True))
    struct.pack_into(">II", data, 8, 2**32 - 1, 2**32 - 1)
    return bytes(data)


def _tiff_huge_in_page_2() -> bytes:
    data = bytearray(picture("TIFF", save_all=True, append_images=[strip()]))
    (first,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, first)
    (second,) = struct.unpack_from("<I", data, first + 2 + 12 * count)
    for entry in range(second + 2, second + 2 + 12 * count, 12):
        if struct.unpack_from("<H", data, entry)[0] in (256, 257):
            struct.pack_into("<HHII", data, entry, struct.unpack_from("<H", data, entry)[0], 4, 1, 60_000)
    return bytes(data)


def _colours() -> Iterator[BadInput]:
    kind = "6 colour and coding"
    grey = strip()
    rgba = grey.convert("RGBA")
    rgba.putalpha(grey.point(lambda value: 255 - value))
    deep = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
    turned_fax = grey.resize((667, 67)).rotate(90, expand=True)
    bits = zlib.compress(np.packbits(np.asarray(grey) > 128, axis=1).tobytes())
    floats = Image.fromarray(np.asarray(grey).astype(np.float32))
    made: dict[str, Callable[[], bytes]] = {
        "cmyk.jpg": lambda: picture("JPEG", grey.convert("CMYK")),
        "cmyk.pdf": lambda: good_pdf(image=grey.convert("CMYK")),
        "palette.png": lambda: picture("PNG", grey.convert("P")),
        "alpha.png": lambda: picture("PNG", rgba),
        "grey_alpha.png": lambda: picture("PNG", rgba.convert("LA")),
        "sixteen_bits.png": lambda: picture("PNG", deep),
        "sixteen_bits.tif": lambda: picture("TIFF", deep),
        "floats.tif": lambda: picture("TIFF", floats),
        "fax.tif": lambda: picture("TIFF", grey.convert("1"), compression="group4"),
        "lzw.tif": lambda: picture("TIFF", compression="tiff_lzw"),
        "bits.png": lambda: picture("PNG", grey.convert("1")),
        "jpeg2000.jpg": lambda: picture("JPEG2000", sheet()),
        "progressive.jpg": lambda: picture("JPEG", progressive=True),
        "dpi_200x100.tif": lambda: picture("TIFF", grey.resize((667, 67)), dpi=(200, 100)),
        "dpi_zero.tif": lambda: picture("TIFF", sheet(), dpi=(0, 0)),
        "dpi_absurd.png": lambda: picture("PNG", sheet(), dpi=(100_000, 1)),
        "dpi_of_a_screen.jpg": lambda: picture("JPEG", sheet(), dpi=(72, 72)),
        "dpi_of_another_screen.png": lambda: picture("PNG", sheet().resize((1500, 1500)), dpi=(96, 96)),
        "dpi_too_fine.png": lambda: picture("PNG", sheet(), dpi=(600, 600)),
        "turned.tif": lambda: picture("TIFF", grey.rotate(90, expand=True), tiffinfo={274: 6}),
        "turned_fax.tif": lambda: picture(
            "TIFF", turned_fax.convert("1"), compression="group4", dpi=(100, 200), tiffinfo={274: 8}
        ),
        "fax.pdf": lambda: good_pdf(image=grey.convert("1")),
        "palette.pdf": lambda: good_pdf(image=grey.convert("RGB").quantize(16)),
        "jpeg2000.pdf": with_object(5, coded(picture("JPEG2000", grey), "/JPXDecode")),
        "stencil.pdf": with_object(5, coded(bits, "/FlateDecode", BitsPerComponent=1, ImageMask="true")),
        "sixteen_bits.pdf": with_object(
            5, coded(zlib.compress(np.asarray(deep).astype(">u2").tobytes()), "/FlateDecode", BitsPerComponent=16)
        ),
        "exif_turned.jpg": lambda: picture("JPEG", grey.rotate(90, expand=True), exif=_exif(6)),
        "exif_broken.jpg": lambda: picture("JPEG", sheet(), exif=b"Exif\0\0MM\0*\xff\xff\xff\xff"),
        "icc_broken.png": lambda: picture("PNG", icc_profile=b"no profile at all"),
        "inverted.pdf": page_with(content=b"q 240 0 0 48 0 0 cm /I Do Q", resources="<</XObject <</I 5 0 R>>>>"),
        "pages_of_many_sizes.tif": lambda: picture(
            "TIFF", save_all=True, append_images=[grey.resize((500, 100)), grey.convert("1"), grey.convert("RGB")]
        ),
    }
    for name, make in made.items():
        yield BadInput(name, kind, make, PUBLISHED)
    broken = with_object(5, coded(bytes(99), "/JBIG2Decode", BitsPerComponent=1))
    yield BadInput("jbig2_broken.pdf", kind, broken, REFUSED, "TooManyPagesFailed")


def _geometry() -> Iterator[BadInput]:
    kind = "7 geometry"
    for degrees in (90, 180, 270, 45):
        yield BadInput(f"flag_{degrees}.pdf", kind, page_with(page=f"/Rotate {degrees}"), PUBLISHED)
    yield BadInput("baked_90.png", kind, lambda: picture("PNG", turned(90)), PUBLISHED)
    yield BadInput("skewed_15.png", kind, lambda: picture("PNG", turned(15)), PUBLISHED)
    yield BadInput("skewed_-15.png", kind, lambda: picture("PNG", turned(-15)), PUBLISHED)
    yield BadInput("flag_and_skew.pdf", kind, lambda: good_pdf(image=turned(7).rotate(90, expand=True)), PUBLISHED)
    boxes = {
        "box_reversed": ("[240 48 0 0]", PUBLISHED),
        "box_below_zero": ("[-120 -24 120 24]", PUBLISHED),
        "box_far_away": ("[100000 100000 100240 100048]", PUBLISHED),
        "box_empty": ("[0 0 0 0]", EITHER),
        "box_of_words": ("[a b c d]", EITHER),
        "box_too_short": ("[0 0 240]", EITHER),
        "box_not_a_number": ("[0 0 1e999 48]", EITHER),
        "box_null": ("null", EITHER),
    }
    for name, (box, ends) in boxes.items():
        yield BadInput(f"{name}.pdf", kind, page_with(box=box), ends)
    yield BadInput("cropped.pdf", kind, page_with(page="/CropBox [20 4 220 44]"), PUBLISHED)
    yield BadInput("point_a_pixel.pdf", kind, lambda: sheet_pdf((1000, 1000)), PUBLISHED)
    yield BadInput("point_a_pixel_in_strips.pdf", kind, lambda: sheet_pdf((1000, 1000), strips=7), PUBLISHED)
    yield BadInput("point_a_millimetre.pdf", kind, lambda: sheet_pdf((210, 210)), PUBLISHED)
    yield BadInput("ten_kilometres.pdf", kind, lambda: sheet_pdf((30_000_000, 30_000_000)), PUBLISHED)
    yield BadInput("user_unit_3.pdf", kind, page_with(page="/UserUnit 3"), PUBLISHED)
    yield BadInput("pages_of_many_sizes.pdf", kind, _pages_of_many_sizes, PUBLISHED)
    spread = Image.new("L", (2100, 300), 255)
    spread.paste(strip(), (0, 50))
    spread.paste(strip(), (1100, 50))
    yield BadInput("two_pages_side_by_side.png", kind, lambda: picture("PNG", spread), PUBLISHED)
    yield BadInput("strip_without_dpi.png", kind, lambda: picture("PNG", dpi=(0, 0)), PUBLISHED)
    yield BadInput("crop_outside.pdf", kind, page_with(page="/CropBox [900 900 990 990]"), EITHER)


def _pages_of_many_sizes() -> bytes:
    """The strip at its own size, 4 times as large, as one point to the pixel, lying."""
    pages = ((240, 48, ""), (960, 192, ""), (1000, 200, ""), (240, 48, "/Rotate 90"))
    objects = scan_objects()
    for number, (width, height, more) in enumerate(pages):
        content = stream(f"q {width} 0 0 {height} 0 0 cm /I Do Q".encode())
        box = objects[3].replace(b"[0 0 240 48]", f"[0 0 {width} {height}] {more}".encode())
        objects |= {20 + number: content, 30 + number: box.replace(b"4 0 R", f"{20 + number} 0 R".encode())}
    kids = " ".join(f"{30 + number} 0 R" for number in range(len(pages)))
    return pdf({**objects, 2: f"<</Type /Pages /Kids [{kids}] /Count {len(pages)}>>".encode()})


def _with_qr_code() -> Image.Image:
    page = Image.new("L", (1000, 600), 255)
    page.paste(strip(), (0, 20))
    code = cv2.QRCodeEncoder.create().encode("https://example.vn/tra-cuu?so=123/2024/QD-UBND")
    page.paste(Image.fromarray(code).convert("L").resize((300, 300), Image.Resampling.NEAREST), (50, 260))
    return page


def _layers_and_contents() -> Iterator[BadInput]:
    kind = "8 text layer"
    fonts = "<</XObject <</I 5 0 R>> /Font <</F <</Type /Font /Subtype /Type1 /BaseFont /Helvetica>>>>>>"
    drawn = b"q 240 0 0 48 0 0 cm /I Do Q"
    hidden = drawn + b" BT /F 8 Tf 3 Tr 5 5 Td (gi@y m0i l@y rac) Tj ET"
    yield BadInput("garbage_layer.pdf", kind, page_with(content=hidden, resources=fonts), PUBLISHED)
    born = b"BT /F 9 Tf 5 20 Td (UY BAN NHAN DAN) Tj ET"
    yield BadInput("born_digital.pdf", kind, page_with(content=born, resources=fonts), PUBLISHED)
    no_font = b"BT /Missing 9 Tf 5 20 Td (abc) Tj ET"
    yield BadInput("font_missing.pdf", kind, page_with(content=no_font), REFUSED, "TooManyPagesFailed")
    broken = fonts.replace("/Subtype /Type1", "/Subtype /TrueType /FontDescriptor <</FontFile2 4 0 R>>")
    yield BadInput("font_broken.pdf", kind, page_with(content=born, resources=broken), PUBLISHED)
    curves = b"".join(b"%d 5 m %d 40 l S " % (x, x + 3) for x in range(5, 235, 3))
    yield BadInput("curves.pdf", kind, page_with(content=curves), PUBLISHED)
    kind = "9 content"
    yield BadInput("white.png", kind, lambda: picture("PNG", Image.new("L", (800, 300), 255)), PUBLISHED)
    yield BadInput("black.png", kind, lambda: picture("PNG", Image.new("L", (800, 300), 0)), PUBLISHED)
    yield BadInput("noise.png", kind, lambda: picture("PNG", noise(800, 300)), PUBLISHED)
    yield BadInput("white_pages.pdf", kind, lambda: good_pdf(3, Image.new("L", (800, 300), 255)), PUBLISHED)
    checks = Image.fromarray((np.indices((300, 800)).sum(0) // 4 % 2 * 255).astype(np.uint8))
    yield BadInput("qr_code.png", kind, lambda: picture("PNG", _with_qr_code()), PUBLISHED)
    yield BadInput("checkerboard.png", kind, lambda: picture("PNG", checks), PUBLISHED)
