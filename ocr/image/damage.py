"""What tells that a picture of a scan did not come whole: it is cut short, garbled, or promises more than it holds.

Decoders mend in silence. What is missing of a JPEG is grey, of any other picture white, and a page of which half is
gone looks like a short page. Three witnesses tell: what poppler says while it draws a page, what the libraries behind
OpenCV and Pillow say while they decode, and the length of a picture's data, held against its width and height.
"""

from __future__ import annotations

import contextlib
import io
import mmap
import os
import re
import struct
import subprocess
import tempfile
import threading
import zlib
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageFile

#: What poppler complains of although nothing that is printed is lost: a table of contents that was mended, links,
#: forms, layers, colour profiles, a wrong length of a stream that has an end; and what only concerns its own work.
_HARMLESS = re.compile(
    r"^Syntax Warning(?!.*(?:decode|color space))|xref|trailer|Catalog|endstream|annot|destination|outline|link|"
    r"Fields|AcroForm|signature|optional content|default config|OCG|Marked Content|\bICC|NSS|Config Error|"
    r"Permission Error|Info dict|Metadata|file specification|Unsupported version|newer version|"
    r"extraneous bytes before marker 0xd9|JFIF revision|Invalid SOS parameters",
    re.IGNORECASE,
)
#: Of fonts: poppler takes another one, or draws nothing. Behind a scan lies text that is not to be seen.
_OF_FONTS = re.compile(r"font|glyph|cmap|ToUnicode|encoding|language pack|character collection", re.IGNORECASE)
_NOT_DRAWN = re.compile(r"No font in show", re.IGNORECASE)

#: A picture whose data end within so many rows of its height is whole: some writers pad, some leave off a row.
_ROWS_OFF = 2
_OBJECT = re.compile(rb"(\d{1,9})[ \t\r\n\0]+\d{1,5}$")
_FILTER = re.compile(rb"/Filter\s*(?:\[\s*/(\w+)\s*\]|/(\w+))")
_IS_PICTURE = re.compile(rb"/Subtype\s*/Image\b")
#: Not that of ``/Length 12 0 R``, which stands elsewhere.
_LENGTH = re.compile(rb"/Length\s+(\d+)\b(?!\s+\d+\s+R)")
_SIZE = re.compile(rb"/(?:Width|Height)\s+(\d+)")
_MASK = re.compile(rb"/S?Mask\s+(\d+)\s+\d+\s+R")
#: What has fewer pixels across or down is no scan: a line, a logo.
PICTURE_PIXELS = 100
#: A picture's dictionary is shorter, and its data begin so near; they are unpacked by so many bytes at a time.
_HEAD, _SPAN, _STEP = 4096, 1 << 16, 1 << 12


def losses_told(said: str, *, covered: bool) -> list[str]:
    """Those of poppler's words about a page that mean that something printed may be missing.

    Args:
        said: its standard error.
        covered: whether a picture covers the page: then fonts are those of an invisible text behind it.
    """
    lines = [line.strip() for line in said.splitlines()]
    return [line for line in lines if line and not _HARMLESS.search(line) and not _is_of_a_font(line, covered)]


def _is_of_a_font(line: str, covered: bool) -> bool:
    return bool(_OF_FONTS.search(line)) and (covered or not _NOT_DRAWN.search(line))


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of a PDF, as poppler lists it.

    Attributes:
        number: of its object.
        width, height: in pixels, as promised.
        bits: of a pixel.
        coding: ``image`` for what is not packed or packed without loss, ``jpeg``, ``ccitt``, ...
    """

    number: int
    width: int
    height: int
    bits: int
    coding: str


@dataclass(frozen=True, slots=True)
class Loss:
    """What is missing of a picture.

    Attributes:
        share: of its height that came, from its top, 0 to 1; ``None`` where that cannot be told.
        detail: what tells it.
    """

    share: float | None
    detail: str


def picture_loss(path: Path, picture: Picture) -> Loss | None:
    """What is missing of a picture of a PDF; ``None`` if it is whole, or of a kind whose data poppler checks."""
    if picture.coding not in ("jpeg", "image"):
        return None
    status = path.stat()
    place = _objects(path, status.st_mtime_ns, status.st_size).get(picture.number)
    if place is None:
        return None
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        found = _stream(data, place)
        loss: Loss | None = None
        if found is None:
            return None
        if found.filter == b"DCTDecode":
            loss = _jpeg_of(data[found.start : found.end], picture)
        elif found.filter in (b"", b"FlateDecode"):
            loss = _rows_loss(data, found, picture)
        # What is packed with a sum of itself is whole if that is right, however long it is said to be.
        if loss is None and found.is_of_other_length and found.filter in (b"", b"DCTDecode"):
            loss = Loss(None, "its data are not as long as they are said to be")
    return loss


@lru_cache(maxsize=2)
def _objects(path: Path, changed: int, size: int) -> dict[int, int]:
    """Where each object of a PDF begins, the last of those of one number; none of a file that is encrypted.

    Pictures are streams, and these lie in the file as they are, whatever its tables say.
    """
    del changed  # part of the cache's key only
    places: dict[int, int] = {}
    if not size:
        return places
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        if data.find(b"/Encrypt") >= 0:
            return places
        at = data.find(b"obj")
        while at >= 0:
            if found := _OBJECT.search(data[max(0, at - 24) : at].rstrip(b" \t\r\n\0")):
                places[int(found[1])] = at + 3
            at = data.find(b"obj", at + 3)
    return places


def lies_open(path: Path, picture: Picture) -> bool:
    """Whether a picture's data can be read where they lie: it is no part of a page's content and not encrypted."""
    status = path.stat()
    return picture.number in _objects(path, status.st_mtime_ns, status.st_size)


def undrawn_pictures(path: Path, drawn: Set[int], width: int | None = None) -> list[int]:
    """The numbers of the pictures in a PDF that no page shows, although they are large enough to be scans.

    Args:
        drawn: numbers of those that pages show.
        width: in pixels; if it is given, those as wide as this, be they mere strips of a scan.
    """
    status = path.stat()
    found: list[int] = []
    masks: set[int] = set()
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        for number, place in _objects(path, status.st_mtime_ns, status.st_size).items():
            head = data[place : place + _HEAD].split(b"stream", 1)[0].split(b"endobj", 1)[0]
            sizes = [int(size) for size in _SIZE.findall(head)]
            masks.update(int(mask) for mask in _MASK.findall(head))
            is_scan = width in sizes if width else bool(sizes) and min(sizes) >= PICTURE_PIXELS
            if number not in drawn and _IS_PICTURE.search(head) and is_scan:
                found.append(number)
    return [number for number in found if number not in masks]


@dataclass(frozen=True, slots=True)
class _Stream:
    """A stream object of a PDF.

    Attributes:
        head: its dictionary.
        start, end: where its data lie in the file.
        filter: the one it is packed with; empty for none, ``None`` for several.
        is_of_other_length: whether the dictionary says another length.
    """

    head: bytes
    start: int
    end: int
    filter: bytes | None
    is_of_other_length: bool


def _stream(data: mmap.mmap, place: int) -> _Stream | None:
    """The stream object that begins at ``place``; ``None`` if none does."""
    at = data.find(b"stream", place, place + _SPAN)
    if at < 0:
        return None
    head = data[place:at]
    start = at + len(b"stream")
    start += 2 if data[start : start + 2] == b"\r\n" else 1
    filters = _FILTER.search(head)
    one = (filters[1] or filters[2]) if filters else None if b"/Filter" in head else b""
    told = _LENGTH.search(head)
    if told and data.find(b"endstream", start + int(told[1]), start + int(told[1]) + 20) >= 0:
        return _Stream(head, start, start + int(told[1]), one, False)
    end = data.find(b"endstream", start)
    return _Stream(head, start, len(data) if end < 0 else end, one, told is not None)


def _is_predicted(head: bytes) -> bool:
    """Whether each row of a picture begins with a byte that says how it is told from the one above."""
    told = re.search(rb"/Predictor\s+(\d+)", head)
    return told is not None and int(told[1]) >= 10


def _rows_loss(data: mmap.mmap, found: _Stream, picture: Picture) -> Loss | None:
    row = (picture.width * picture.bits + 7) // 8 + (1 if _is_predicted(found.head) else 0)
    wanted = row * picture.height
    came, fault = found.end - found.start, ""
    if found.filter:
        came, fault = _unpacked_length(data, found.start, found.end, wanted + 64 * row)
    if "data check" in fault:  # at the very end: which of the data are other ones cannot be told
        return Loss(None, fault)
    if came < wanted - _ROWS_OFF * row:
        return Loss(came / wanted, f"{came} of {wanted} bytes came {fault}".rstrip())
    if fault and not (fault == _NO_END and came == wanted):
        return Loss(None, fault)
    if came > wanted + _ROWS_OFF * row:
        return Loss(None, f"there are more than the {wanted} bytes of a picture of its size")
    return None


_NO_END = "its data have no end"


def _unpacked_length(data: mmap.mmap, start: int, end: int, most: int) -> tuple[int, str]:
    """How many bytes zlib unpacks, up to ``most``, and what it says of them."""
    unpack = zlib.decompressobj()
    came = 0
    try:
        for at in range(start, end, _STEP):
            rest = data[at : min(at + _STEP, end)]
            while rest and not unpack.eof:
                came += len(unpack.decompress(rest, 1 << 20))
                rest = unpack.unconsumed_tail
                if came > most:
                    return came, ""
    except zlib.error as fault:
        return came, str(fault)
    return came, "" if unpack.eof else _NO_END


def _jpeg_of(data: bytes, picture: Picture) -> Loss | None:
    try:
        with Image.open(io.BytesIO(data), formats=("JPEG",)) as image:
            size = image.size
    except Exception as fault:
        return Loss(None, repr(fault))
    if size != (picture.width, picture.height):
        return Loss(None, f"a JPEG of {size[0]} x {size[1]} where {picture.width} x {picture.height} are promised")
    return jpeg_loss(data)


def jpeg_loss(data: bytes) -> Loss | None:
    """What is missing of a JPEG; ``None`` if it is whole. One that lacks only the mark of its end is."""
    import cv2

    with heard() as said:
        packed = np.frombuffer(data + b"\xff\xd9", np.uint8)
        decoded = cv2.imdecode(packed, cv2.IMREAD_REDUCED_GRAYSCALE_8)
    told = [line for line in said if not _is_padding(line, data)]
    if decoded is None:
        return Loss(None, "; ".join(told) or "it cannot be decoded")
    if not told and _is_torn(decoded):
        return Loss(None, "its paper changes in the middle of a row of blocks")
    if not told:
        return Loss(None, "it has blocks lighter than white or darker than black") if _is_beyond(data) else None
    # What is missing of a JPEG is of one even grey, in the middle between black and white.
    rows = np.nonzero((np.abs(decoded.astype(np.int16) - 128) > 1).any(axis=1))[0]
    share = float(rows[-1] + 1) / len(decoded) if rows.size else 0.0
    return Loss(share if share < 1.0 else None, "; ".join(told))


#: In grey levels: rounding takes the mean of a block no further than half of this out of black and white.
_BEYOND = 16
#: The steps of brightness are read as so many times smaller, at most: then a decoder cuts nothing off.
_SMALLER = 4


def _is_beyond(data: bytes) -> bool:
    """Whether a JPEG has blocks whose mean no picture has, which decoders show as white, or as anything.

    From a byte on that was changed, all blocks may be lighter by the same amount: white paper stays white, and the
    print on it is gone.
    """
    import cv2

    out, shares = bytearray(data), []
    for at, is_wide in _brightness_steps(data):
        step = int.from_bytes(data[at : at + 1 + is_wide], "big")
        smaller = max(1, round(step / _SMALLER))
        out[at : at + 1 + is_wide] = smaller.to_bytes(1 + is_wide, "big")
        shares.append(smaller / max(1, step))
    share = max(shares, default=1.0)
    if share >= 1.0:
        return False
    with heard():
        blocks = cv2.imdecode(np.frombuffer(bytes(out) + b"\xff\xd9", np.uint8), cv2.IMREAD_REDUCED_GRAYSCALE_8)
    return blocks is not None and bool((np.abs(blocks.astype(np.int16) - 128) > (128 + _BEYOND) * share + 1).any())


def _brightness_steps(data: bytes) -> Iterator[tuple[int, bool]]:
    """Where the tables in the head of a JPEG in grey or colours say how coarse the mean of a block is, and whether in
    two bytes.
    """
    at, places = 2, []
    while data[at : at + 1] == b"\xff" and (mark := data[at + 1]) != 0xDA:
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if mark == 0xDB:
            table = at + 4
            while table < min(end, len(data)):
                is_wide = data[table] >= 16
                places.append((table + 1, is_wide))
                table += 129 if is_wide else 65
        if 0xC0 <= mark <= 0xC2 and data[at + 9 : at + 10] not in (b"\1", b"\3"):
            return
        at = end
    yield from places


#: In rows of blocks: paper is even above and below a tear. In grey levels: how even, and what is another paper.
_EVEN_ROWS, _EVEN, _OTHER_PAPER = 3, 2.0, 8.0
#: In grey levels: what is of the same paper, and how much darker print is.
_SAME, _PRINT, _WHITE = 5, 60, 255
#: Shares of the blocks in the row of a tear: of either paper, at least; of what lies between them, at most.
_EITHER, _BETWEEN = 0.03, 0.35


def _is_torn(blocks: np.ndarray) -> bool:
    """Whether a JPEG's paper has another brightness from some block on, with print above and below.

    A byte that was changed seldom stops a decoder: it finds its way again, and from there on all blocks are lighter or
    darker by the same amount, or stand elsewhere. Edges of paper and grey bands begin at the left, or run aslant. On 70
    JPEGs of scans and photos, of good ones and bad ones, none is torn.

    Args:
        blocks: the mean of each block of 8 x 8 pixels.
    """
    paper = np.percentile(blocks, 97, axis=1)
    if len(paper) <= 2 * _EVEN_ROWS:
        return False
    near = np.lib.stride_tricks.sliding_window_view(paper, _EVEN_ROWS)
    even, usual = np.ptp(near, axis=1) <= _EVEN, np.median(near, axis=1)
    for deep in (1, 2):  # rows of blocks that are stored together
        above, below = np.arange(len(near) - _EVEN_ROWS - deep), np.arange(_EVEN_ROWS + deep, len(near))
        changes = even[above] & even[below] & (np.abs(usual[above] - usual[below]) >= _OTHER_PAPER)
        for at in np.flatnonzero(changes):
            row = int(at) + _EVEN_ROWS
            if _is_tear(blocks, row, row + deep, float(usual[at]), float(usual[row + deep])):
                return True
    return False


def _is_tear(blocks: np.ndarray, row: int, below: int, first: float, second: float) -> bool:
    """Whether the paper, of brightness ``first`` above, changes within a row of blocks and is another one below it."""
    values = blocks[row].astype(np.int16)
    is_new = np.abs(values - second) <= _SAME
    is_old = (np.abs(values - first) <= _SAME) & ~is_new
    between = (values > min(first, second) + _SAME) & (values < max(first, second) - _SAME)
    if min(is_old.mean(), is_new.mean()) < _EITHER:
        return False
    if between.mean() > _BETWEEN and not _changes_at_once(values, first, second):
        return False
    is_from_left = np.nonzero(is_old)[0].mean() < np.nonzero(is_new)[0].mean()
    has_print = second < _PRINT or second == _WHITE or blocks[below:].min() < second - _PRINT  # or it was swallowed
    return bool(is_from_left and blocks[: row + 1].min() < first - _PRINT and has_print)  # the row itself may be cut


#: In blocks: so near to a tear the lighter paper is seen between letters that it goes through.
_BESIDE = 16


def _changes_at_once(values: np.ndarray, first: float, second: float) -> bool:
    """Whether a row of blocks with print in it has paper of brightness ``first`` up to some block, and of ``second``
    from there on; at an edge that runs aslant it passes over by degrees.
    """
    row, dark, light = (values, second, first) if second < first else (values[::-1], first, second)
    split = int(np.flatnonzero(row > dark + _SAME)[-1]) + 1
    is_shared = _EITHER * len(row) <= split <= (1 - _EITHER) * len(row)
    return is_shared and bool(row[max(0, split - _BESIDE) : split].max() >= (dark + light) / 2)


_EXTRANEOUS = re.compile(r"(\d+) extraneous bytes before marker 0xd9")


def _is_padding(line: str, data: bytes) -> bool:
    """Whether libjpeg speaks of nothing that is lost.

    Scanners fill up with zeros. Other bytes that are left over mean that the decoder lost its place: the rest of the
    picture is shifted.
    """
    if found := _EXTRANEOUS.search(line):
        end = data.rfind(b"\xff\xd9")
        return not data[max(0, end - int(found[1])) : end].strip(b"\x00\xff")
    return bool(_HARMLESS.search(line))


@contextlib.contextmanager
def truncated_images() -> Iterator[None]:
    """Let Pillow decode what there is of pictures that are cut short."""
    before = ImageFile.LOAD_TRUNCATED_IMAGES
    ImageFile.LOAD_TRUNCATED_IMAGES = True
    try:
        yield
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = before


_one_at_a_time = threading.RLock()


@contextlib.contextmanager
def heard() -> Iterator[list[str]]:
    """Listen to libjpeg and libtiff, which have no other way to say that data are damaged than standard error.

    Yields:
        A list that holds what they said once the block has ended, a line each.
    """
    said: list[str] = []
    try:
        os.fstat(2)
    except OSError:  # it was closed
        yield said
        return
    with _one_at_a_time, tempfile.TemporaryFile() as file:
        kept = os.dup(2)
        os.dup2(file.fileno(), 2)
        try:
            yield said
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            file.seek(0)
            text = file.read().decode("utf-8", "replace")
            said += [line.strip() for line in text.splitlines() if line.strip()]


def image_file_loss(path: Path, image: Image.Image) -> Loss | None:
    """What is missing of a page of an image file, beside what Pillow finds while it decodes it.

    Args:
        image: opened from ``path``, at its page.
    """
    if image.format in ("JPEG", "MPO"):
        return jpeg_loss(path.read_bytes())
    if image.format == "PNG":
        try:
            with path.open("rb") as file, Image.open(file, formats=("PNG",)) as again:
                again.verify()  # the sums of its parts, which Pillow does not look at while it decodes
        except Exception as fault:
            return Loss(None, repr(fault))
    if image.format == "TIFF":
        try:
            return _fax_loss(path, image) or _strips_loss(path, image)
        except (ArithmeticError, LookupError, TypeError, struct.error):
            return None  # numbers in its head are none that could be; Pillow made a picture of it
    return None


_CCITT_GROUP_4 = 4
_FAX_SECONDS = 20
_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def _fax_loss(path: Path, image: Image.Image) -> Loss | None:
    """What is missing of a fax page of a TIFF: where the code of a strip ends early, libtiff is silent, poppler not."""
    tags = getattr(image, "tag_v2", {})
    if tags.get(259) != _CCITT_GROUP_4 or 273 not in tags or 279 not in tags:
        return None
    rows = min(tags.get(278, image.height), image.height)
    tops = range(0, image.height, max(1, rows))
    strips = []
    with path.open("rb") as file:
        for start, length, top in zip(tags[273], tags[279], tops, strict=False):
            file.seek(start)
            data = file.read(length)
            strips.append((data.translate(_REVERSED) if tags.get(266) == 2 else data, min(rows, image.height - top)))
    with tempfile.NamedTemporaryFile(suffix=".pdf") as file:
        file.write(_as_pdf(strips, tags.get(256, image.width)))
        file.flush()
        command = ["pdftoppm", "-r", "10", "-gray", file.name]
        try:
            done = subprocess.run(command, capture_output=True, timeout=_FAX_SECONDS, check=False)
        except (OSError, subprocess.TimeoutExpired):
            return None  # a picture can be read without poppler
    told = losses_told(done.stderr.decode("utf-8", "replace"), covered=True)
    return Loss(None, "; ".join(told[:5])) if told else None


#: Codes of a TIFF: none, and those whose length nothing else tells (LZW, Deflate by two numbers, PackBits).
_PLAIN, _PACKED = 1, (5, 8, 32946, 32773)
#: Tags of a TIFF that point to more directories: EXIF, GPS, others.
_POINTERS = frozenset({330, 34665, 34853})
#: Bytes that a value of a TIFF takes, by its type.
_VALUE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}
#: In bytes: larger strips are not unpacked once more. A page of A2 in colours at 300 dpi, in one strip, is smaller.
_MOST_UNPACKED = 1 << 27
#: A file may be filled up to whole words.
_WORD = 4


def _strips_loss(path: Path, image: Image.Image) -> Loss | None:
    """What is wrong with the strips of a TIFF that hold more than their rows.

    Libtiff takes as much of a strip as it needs and says nothing of the rest. But where a code is another one, or bytes
    came in between, what follows is displaced, and the last of it is left over.
    """
    tags = getattr(image, "tag_v2", {})
    code = tags.get(259, _PLAIN)
    if 273 not in tags or 279 not in tags:
        return None
    if code == _PLAIN:
        return _behind_strips(path, image)
    if code not in _PACKED:
        return None
    height, bits, parts = tags.get(257, image.height), tags.get(258, (1,)), tags.get(277, 1)
    row = (tags.get(256, image.width) * bits[0] * (parts if tags.get(284, 1) == 1 else 1) + 7) // 8
    rows = min(tags.get(278, height), height)
    if row * rows > _MOST_UNPACKED:
        return None
    rest = height % rows or rows  # of the last strip of a part, which some writers fill up
    of_a_part = -(-height // rows)
    with path.open("rb") as file, heard():
        for number, (start, length) in enumerate(zip(tags[273], tags[279], strict=False), 1):
            file.seek(start)
            data = file.read(length)
            packed = data.translate(_REVERSED) if tags.get(266) == 2 else data
            wanted = {row * rows} if number % of_a_part else {row * rest, row * rows}
            if _holds(packed, code, min(wanted) + 1) and not _holds_just(packed, code, max(wanted)):
                return Loss(None, f"strip {number} holds more than its rows")
    return None


def _holds_just(packed: bytes, code: int, count: int) -> bool:
    """Whether a strip holds so many bytes and no more."""
    return _holds(packed, code, count) and not _holds(packed, code, count + 1)


def _holds(packed: bytes, code: int, count: int) -> bool:
    """Whether so many bytes can be unpacked of a strip: as one row of grey pixels of a TIFF of its own."""
    size = {256: count, 257: 1, 258: 8, 259: code, 262: 1, 273: 0, 277: 1, 278: 1, 279: len(packed)}
    size[273] = 8 + 2 + 12 * len(size) + 4
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in size.items())
    file = b"II*\0" + struct.pack("<IH", 8, len(size)) + entries + bytes(4) + packed
    try:
        with Image.open(io.BytesIO(file), formats=("TIFF",)) as image:
            image.load()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return False
    return True


def _behind_strips(path: Path, image: Image.Image) -> Loss | None:
    """Whether a TIFF of one page goes on behind all that it tells of: its pixels are displaced by as much."""
    tags = getattr(image, "tag_v2", {})
    if getattr(image, "n_frames", 1) > 1 or _POINTERS.intersection(tags):
        return None
    size = path.stat().st_size
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        order = {b"II*\0": "<", b"MM\0*": ">"}.get(data[:4])
        if order is None:
            return None
        (place,) = struct.unpack(f"{order}I", data[4:8])
        (count,) = struct.unpack(f"{order}H", data[place : place + 2])
        ends = [place + 2 + 12 * count + 4]
        for at in range(place + 2, place + 2 + 12 * count, 12):
            _tag, kind, number, where = struct.unpack(f"{order}HHII", data[at : at + 12])
            length = _VALUE_BYTES.get(kind, size) * number
            ends += [where + length] if length > _WORD else []
        ends += [start + length for start, length in zip(tags[273], tags[279], strict=False)]
        if size - max(ends) < _WORD or not data[max(ends) :].strip(b"\0\xff"):
            return None
    return Loss(None, f"{size - max(ends)} bytes are left over behind its pixels")


def _as_pdf(strips: Sequence[tuple[bytes, int]], width: int) -> bytes:
    """A PDF that shows strips of fax code, each with its number of rows, one over the other."""
    names = " ".join(f"/I{number} {number} 0 R" for number in range(5, 5 + len(strips)))
    resources = f"/Resources <</XObject <<{names}>>>>"
    drawn = " ".join(f"q 72 0 0 72 0 0 cm /I{number} Do Q" for number in range(5, 5 + len(strips))).encode()
    bodies = [
        b"<</Type /Catalog /Pages 2 0 R>>",
        b"<</Type /Pages /Kids [3 0 R] /Count 1>>",
        f"<</Type /Page /Parent 2 0 R /MediaBox [0 0 72 72] /Contents 4 0 R {resources}>>".encode(),
        f"<</Length {len(drawn)}>>\nstream\n".encode() + drawn + b"\nendstream",
    ]
    for data, rows in strips:
        code = f"/Filter /CCITTFaxDecode /DecodeParms <</K -1 /Columns {width} /Rows {rows}>>"
        head = f"<</Subtype /Image /Width {width} /Height {rows} /ColorSpace /DeviceGray /BitsPerComponent 1 {code} "
        bodies.append(f"{head}/Length {len(data)}>>\nstream\n".encode() + data + b"\nendstream")
    out = bytearray(b"%PDF-1.4\n")
    places = []
    for number, body in enumerate(bodies, 1):
        places.append(len(out))
        out += f"{number} 0 obj\n".encode() + body + b"\nendobj\n"
    table = len(out)
    out += f"xref\n0 {len(bodies) + 1}\n0000000000 65535 f \n".encode()
    out += b"".join(f"{place:010} 00000 n \n".encode() for place in places)
    out += f"trailer\n<</Size {len(bodies) + 1} /Root 1 0 R>>\nstartxref\n{table}\n%%EOF\n".encode()
    return bytes(out)
