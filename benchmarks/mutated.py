"""Damaged scans through ``convert`` in one run: no traceback, none beyond its time, none that loses words unsaid.

    python -m benchmarks.mutated [--files 2000] [--jobs 2] [--seed 1] [--keep FOLDER]

Part of a page of ``sample_scans`` is written as scanners write it, in fourteen containers and codings; each file is
then a copy of one of them with some harm done to it: cut off, bytes flipped, blanked, dropped or doubled, other
filters, a destroyed table of contents, a stream that is shorter than its picture, other numbers. What may come of it:
it is refused; all words are there; or fewer are there, and a warning or a marker says so. Anything else is printed.
As many words are not the same words: how many were read otherwise without a word of warning is printed beside it.
"""

from __future__ import annotations

import argparse
import io
import random
import re
import shutil
import tempfile
import time
import zlib
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from PIL import Image

from flows import convert
from flows.pipeline.outcome import Outcome
from flows.pipeline.page_policy import GRACE
from flows.settings import load
from tests.bad_inputs import SAMPLE, pdf, picture, stream

_PART = (200, 810, 1560, 1050)  # of the sample, in pixels: four lines with 46 words
_DPI = 200
_PAGE_SECONDS = 60.0
_MOST_TOLD = 20  # files with words read otherwise, by name

Harm = Callable[[bytes, random.Random], bytes]


def seeds() -> dict[str, bytes]:
    """The whole files, by name."""
    with Image.open(SAMPLE) as image:
        part = image.convert("L").crop(_PART)
    bits = part.point(lambda value: 255 * (value > 150)).convert("1")
    rows = np.asarray(part)
    up = np.hstack([np.full((len(rows), 1), 2, np.uint8), np.diff(rows, axis=0, prepend=np.uint8(0))])
    tall = picture("TIFF", bits, compression="group4", dpi=(_DPI, _DPI))
    fax = _strips(tall)
    jpeg = picture("JPEG", part, dpi=(_DPI, _DPI), quality=80)
    predicted = f"<</Predictor 15 /Columns {part.width}>>"
    return {
        "jpeg.pdf": _page(part, jpeg, "/DCTDecode"),
        "jpeg_as_libraries_write_it.pdf": picture("PDF", part, resolution=_DPI),
        "flate.pdf": _page(part, zlib.compress(part.tobytes()), "/FlateDecode"),
        "predicted.pdf": _page(part, zlib.compress(up.tobytes()), "/FlateDecode", DecodeParms=predicted),
        "plain.pdf": _page(part, part.tobytes(), ""),
        "fax.pdf": _page(
            part,
            fax,
            "/CCITTFaxDecode",
            BitsPerComponent=1,
            DecodeParms=f"<</K -1 /Columns {part.width} /Rows {part.height}>>",
        ),
        "jpeg2000.pdf": _page(part, picture("JPEG2000", part), "/JPXDecode"),
        "strips.pdf": _in_strips(part, 4),
        "baseline.jpg": jpeg,
        "progressive.jpg": picture("JPEG", part, dpi=(_DPI, _DPI), progressive=True),
        "grey.png": picture("PNG", part, dpi=(_DPI, _DPI)),
        "fax.tif": tall,
        "lzw.tif": picture("TIFF", part, compression="tiff_lzw", dpi=(_DPI, _DPI)),
        "plain.tif": picture("TIFF", part, dpi=(_DPI, _DPI)),
    }


def _strips(tiff: bytes) -> bytes:
    with Image.open(io.BytesIO(tiff)) as image:
        (start,), (length,) = image.tag_v2[273], image.tag_v2[279]  # type: ignore[attr-defined]
    return tiff[start : start + length]


def _page(part: Image.Image, data: bytes, code: str, **entries: object) -> bytes:
    """A page that one picture covers."""
    return pdf(_objects(part, {10: (data, code, (0, part.height))}, **entries))


def _in_strips(part: Image.Image, count: int) -> bytes:
    cuts = [part.height * number // count for number in range(count + 1)]
    strips = {}
    for number, (top, bottom) in enumerate(pairwise(cuts), 10):
        own = picture("JPEG", part.crop((0, top, part.width, bottom)), quality=80)
        strips[number] = (own, "/DCTDecode", (top, bottom))
    return pdf(_objects(part, strips))


def _objects(
    part: Image.Image, pictures: Mapping[int, tuple[bytes, str, tuple[int, int]]], **entries: object
) -> dict[int, bytes]:
    width, height = part.width * 72 / _DPI, part.height * 72 / _DPI
    objects, content, names = {}, [], []
    for number, (data, code, (top, bottom)) in pictures.items():
        size = {"Width": part.width, "Height": bottom - top, "ColorSpace": "/DeviceGray", "BitsPerComponent": 8}
        head = {"Type": "/XObject", "Subtype": "/Image", **size, **({"Filter": code} if code else {}), **entries}
        objects[number] = stream(data, **head)
        low, high = height * (1 - bottom / part.height), height * (bottom - top) / part.height
        content.append(f"q {width:.2f} 0 0 {high:.3f} 0 {low:.3f} cm /I{number} Do Q")
        names.append(f"/I{number} {number} 0 R")
    box = f"/MediaBox [0 0 {width:.2f} {height:.2f}]"
    resources = f"/Resources <</XObject <<{' '.join(names)}>>>>"
    return {
        1: b"<</Type /Catalog /Pages 2 0 R>>",
        2: b"<</Type /Pages /Kids [3 0 R] /Count 1>>",
        3: f"<</Type /Page /Parent 2 0 R {box} {resources} /Contents 4 0 R>>".encode(),
        4: stream("\n".join(content).encode()),
        **objects,
    }


# -- harm ---------------------------------------------------------------------------------------------------------


def _place(data: bytes, chance: random.Random) -> int:
    return chance.randrange(len(data))


def cut(data: bytes, chance: random.Random) -> bytes:
    return data[: int(len(data) * chance.uniform(0.1, 0.99))]


def flip(data: bytes, chance: random.Random) -> bytes:
    out = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 5, 20))):
        out[_place(data, chance)] ^= 1 << chance.randrange(8)
    return bytes(out)


def blank(data: bytes, chance: random.Random) -> bytes:
    at, length = _place(data, chance), chance.choice((1, 16, 256, 4096))
    return data[:at] + bytes(min(length, len(data) - at)) + data[at + length :]


def drop(data: bytes, chance: random.Random) -> bytes:
    at = _place(data, chance)
    return data[:at] + data[at + chance.choice((1, 16, 256, 4096)) :]


def double(data: bytes, chance: random.Random) -> bytes:
    at = _place(data, chance)
    return data[: at + chance.choice((1, 16, 256, 4096))] + data[at:]


def shuffle(data: bytes, chance: random.Random) -> bytes:
    """Two blocks of a disk in each other's place."""
    size = chance.choice((512, 4096))
    one, two = sorted(chance.randrange(max(1, len(data) // size)) * size for _ in range(2))
    first, second = data[one : one + size], data[two : two + size]
    return data[:one] + second + data[one + size : two] + first + data[two + size :] if two >= one + size else data


# Of PDF only


def other_filter(data: bytes, chance: random.Random) -> bytes:
    names = (b"DCTDecode", b"FlateDecode", b"CCITTFaxDecode", b"JPXDecode", b"JBIG2Decode", b"LZWDecode", b"NoDecode")
    return re.sub(rb"(?<=/Filter /)\w+", lambda _: chance.choice(names), data, count=1)


def no_table(data: bytes, chance: random.Random) -> bytes:
    """The table of contents blanked or gone, and often the end of the file with it."""
    at = data.rfind(b"xref\n", 0, data.rfind(b"startxref"))
    at = max(at, 0)
    return data[:at] + (chance.choice((b"", bytes(200))) + data[data.rfind(b"trailer") :])


def short_stream(data: bytes, chance: random.Random) -> bytes:
    """A picture's data end early, and the file is whole around them, as a writer leaves it that was interrupted."""
    found = max(re.finditer(rb"stream\r?\n(.*?)endstream", data, re.DOTALL), key=lambda one: len(one[1]))
    kept = int(len(found[1]) * chance.uniform(0.05, 0.97))
    return data[: found.start(1) + kept] + b"\n" + data[found.end(1) :]


def other_number(data: bytes, chance: random.Random) -> bytes:
    """A digit of a dictionary or of the page's content is another one."""
    heads = [one for one in re.finditer(rb"\d", data) if b"/" in data[max(0, one.start() - 30) : one.start()]]
    at = chance.choice(heads).start()
    return data[:at] + str(chance.randrange(10)).encode() + data[at + 1 :]


def other_name(data: bytes, chance: random.Random) -> bytes:
    """A letter of a key or a value of a dictionary is another one."""
    names = [one for one in re.finditer(rb"/[A-Za-z]{2,}", data) if data[one.start() - 1 : one.start()] in b" [<"]
    at = chance.choice(names).start() + 1
    return data[:at] + bytes([chance.randrange(97, 123)]) + data[at + 1 :]


HARMS: dict[str, Harm] = {one.__name__: one for one in (cut, flip, blank, drop, double, shuffle)}
HARMS_OF_PDF: dict[str, Harm] = {
    one.__name__: one for one in (other_filter, no_table, short_stream, other_number, other_name)
}


def mutants(count: int, seed: int) -> dict[str, bytes]:
    """So many damaged files; the name of each says of what and how."""
    chance = random.Random(seed)
    whole = seeds()
    made = {}
    for number in range(count):
        name = list(whole)[number % len(whole)]
        harms = HARMS | HARMS_OF_PDF if name.endswith(".pdf") else HARMS
        harm = list(harms)[number // len(whole) % len(harms)]
        made[f"{number:04}-{harm}-{name}"] = harms[harm](whole[name], chance)
    return made


# -- the run --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class End:
    """How a file ended.

    Attributes:
        how: ``refused``, ``whole``, ``told`` (fewer words, and a warning or a marker) or ``unsaid``.
        words: that were published.
        detail: of a refusal, or the warnings.
        otherwise: how many words of the whole file are not among them, although nothing is said of it.
    """

    how: str
    words: int = 0
    detail: str = ""
    otherwise: int = 0


def run(files: Mapping[str, bytes], folder: Path, jobs: int) -> tuple[dict[str, Outcome | Exception], float]:
    """Convert files; what came of each, and the longest pause between two events in seconds."""
    scans, out, work = (folder / name for name in ("in", "out", "work"))
    for place in (scans, out, work):
        place.mkdir(parents=True)
    for name, data in files.items():
        (scans / name).write_bytes(data)
    settings = load(jobs=jobs, page_timeout=_PAGE_SECONDS, repair="off")
    wanted = convert.plan([(scans / name, scans) for name in files], out, ("txt", "json"))
    ends: dict[str, Outcome | Exception] = {}
    last, longest = time.monotonic(), 0.0
    for event in convert.convert(wanted, settings, work):
        longest, last = max(longest, time.monotonic() - last), time.monotonic()
        if isinstance(event, convert.Published):
            ends[event.wanted.name] = event.outcome
        elif isinstance(event, convert.Failed):
            ends[event.wanted.name] = event.fault
        if len(ends) % 100 == 0 and isinstance(event, convert.Published | convert.Failed):
            print(f"{len(ends)} of {len(files)}", flush=True)
    return ends, longest


def judge(end: Outcome | Exception, whole: Outcome) -> End:
    """How a damaged file ended beside the whole one."""
    if not isinstance(end, Outcome):
        is_ours = "report it" in str(end)
        return End("traceback" if is_ours else "refused", 0, f"{end} {getattr(end, 'detail', '') if is_ours else ''}")
    new = [warning for warning in end.warnings if warning not in whole.warnings]
    is_told = bool(new or end.failed_pages or end.damaged_pages)
    otherwise = 0 if is_told else (_words(whole) - _words(end)).total()
    how = "whole" if end.words >= whole.words else "told" if is_told else "unsaid"
    return End(how, end.words, "; ".join(new), otherwise)


def _words(outcome: Outcome) -> Counter[str]:
    return Counter(next(path for path in outcome.files if path.suffix == ".txt").read_text().split())


def main() -> int:
    parser = argparse.ArgumentParser(description="Damaged scans through convert in one run")
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="leave the files and what was published of them here")
    options = parser.parse_args()
    folder = options.keep or Path(tempfile.mkdtemp(prefix="nambat-mutated-"))
    begun = time.monotonic()
    judged: dict[str, End] = {}
    try:
        whole, _ = run(seeds(), folder / "whole", options.jobs)
        ends, longest = run(mutants(options.files, options.seed), folder / "mutated", options.jobs)
        for name, end in ends.items():
            origin = whole[name.split("-", 2)[2]]
            assert isinstance(origin, Outcome), origin
            judged[name] = judge(end, origin)
    finally:
        if not options.keep:
            shutil.rmtree(folder, ignore_errors=True)
    counts = Counter(end.how for end in judged.values())
    unread = options.files - len(judged)
    print(f"{len(judged)} files, {time.monotonic() - begun:.0f} s, longest pause {longest:.1f} s")
    print(", ".join(f"{count} {how}" for how, count in counts.most_common()))
    for name, end in sorted(judged.items()):
        if end.how in ("unsaid", "traceback"):
            origin = whole[name.split("-", 2)[2]]
            print(f"{end.how}: {name}: {end.words} of {getattr(origin, 'words', 0)} words {end.detail}")
    other = {name: end.otherwise for name, end in judged.items() if end.how == "whole" and end.otherwise}
    print(f"as many words, some read otherwise, and nothing said: {len(other)} files, {sum(other.values())} words")
    for name, count in sorted(other.items(), key=lambda one: -one[1])[:_MOST_TOLD]:
        print(f"otherwise: {name}: {count} words")
    bad = counts["unsaid"] + counts["traceback"] + unread
    return 1 if bad or longest > _PAGE_SECONDS + GRACE else 0


if __name__ == "__main__":
    raise SystemExit(main())
