"""The steps of the pipeline, for one document: look, read each page to disk, finish and publish.

``nambat convert`` and the Prefect flow are two ways to run these same functions. They take paths and return
small records, so that each can run in a worker process; what was read lies on disk as one JSON file a page,
and a page whose file is there is never read again.
"""

from __future__ import annotations

import hashlib
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

from flows import faults
from flows.host.files import replace_file
from flows.host.names import readable
from flows.pipeline.faults import OF_THE_MACHINE
from flows.pipeline.outcome import Outcome, outcome_of
from flows.pipeline.to_check import Check, to_picture
from flows.pipeline.versions import MARKS, Shelf
from normalize.document import Document, Source
from ocr.faults import Fault, Killed
from ocr.page import Page, from_json, to_json

WARM = ("ocr.reading",)
"""What a worker imports before its first call."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A scan that opens.

    Attributes:
        sha256: of the file, in hexadecimal.
        pages, bytes: its size.
    """

    sha256: str
    pages: int
    bytes: int


@dataclass(frozen=True, slots=True)
class PageRead:
    """One page that was read, or given up.

    Attributes:
        words: how many.
        confidence: mean over its words, 0 to 100; ``None`` without words.
        seconds: wall time; 0 when the record was on disk already.
        error: why it could not be read, or ``None``.
        kept: whether the record was on disk already.
    """

    number: int
    words: int
    confidence: float | None
    seconds: float
    error: str | None = None
    kept: bool = False


@dataclass(frozen=True, slots=True)
class PublishPlan:
    """How a document whose pages are read is to be published.

    Attributes:
        repair: ``off``, ``safe`` or ``full``.
        footnotes: ``paragraph``, ``inline`` or ``end``.
        low_confidence: mean confidence (0 to 100) of a page's words below which the page is pointed out.
        targets: format -> file to publish; ``json`` among them, last.
        staging: folder for files in the making, on the targets' file system.
        versions: folder for what would be lost where a target is replaced; ``None`` to keep nothing.
        root: folder of all that is published, which the targets lie in or below; no link below it is followed. The
            targets' own folder if it is ``None``.
        keeps_formats: whether files of the same scan stay in formats that are not asked for this time.
        path_mark: what tells the input from one of the same name elsewhere (see :mod:`flows.pipeline.versions`); empty
            where names tell.
        split: where the documents of a bundle are parted, ``off``, ``separator`` or ``letterhead``.
        tells_strangers: whether a document that has nothing in common with the one published at the targets gets a name
            of its own (see :mod:`flows.pipeline.strangers`); else it replaces it.
        timezone: in which dates are told; empty for the machine's.
        made_with: a mark of all that makes a document of pages, which a batch run knows its documents by; may be empty.
    """

    repair: str
    footnotes: str
    low_confidence: float
    targets: Mapping[str, Path]
    staging: Path
    versions: Path | None = None
    split: str = "off"
    root: Path | None = None
    keeps_formats: bool = False
    path_mark: str = ""
    tells_strangers: bool = False
    timezone: str = ""
    made_with: str = ""

    @property
    def shelf(self) -> Shelf:
        root = self.root or self.targets["json"].parent
        return Shelf(root, self.staging, self.versions, self.keeps_formats, self.timezone)


def digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check(path: Path, max_bytes: int, max_pages: int) -> Checked:
    """Open a scan, count its pages and hold it against the limits.

    Raises:
        ScanFault: it cannot be read as a scan, or is too large.
        ToolMissing: poppler is not installed.
        OSError: the file cannot be opened at all.
    """
    from ocr.rasterize import inspect

    size = path.stat().st_size
    if size > max_bytes:
        raise faults.FILE_TOO_LARGE.fault(megabytes=size / 1e6, most=max_bytes / 1e6)
    info = inspect(path)
    if info.pages > max_pages:
        raise faults.TOO_MANY_PAGES.fault(pages=info.pages, most=max_pages)
    return Checked(digest(path), info.pages, info.bytes)


def record_path(records: Path, number: int) -> Path:
    """Where the record of page ``number`` lies."""
    return records / f"{number:05}.json"


def read_page_to_disk(scan: Path, number: int, records: Path, dpi: int, seconds: float, max_pixels: int) -> PageRead:
    """Read one page and keep its record, unless it is there already.

    Args:
        seconds: wall time the page may take.
        max_pixels: of its image; a page of more is rendered at a lower resolution.

    Raises:
        PageFault: the page cannot be read; no record is kept.
        ToolMissing: Tesseract, its Vietnamese data or poppler is missing.
        OSError: the record cannot be written.
    """
    from ocr.reading import read_page

    place = record_path(records, number)
    if place.exists():
        try:
            return _page_read(from_json(place.read_text("utf-8")), kept=True)
        except ValueError:
            place.unlink()  # another version's, or damaged: read the page again
    try:
        page = read_page(scan, number, dpi=dpi, timeout=seconds, max_pixels=max_pixels)
    except Killed as fault:
        raise faults.READER_KILLED.fault(fault.detail) from fault  # with the setting that helps
    except Fault:
        raise
    except OSError as fault:
        if fault.errno in OF_THE_MACHINE:
            raise
        # A program that ends well and leaves no output, a scratch file beyond its limit.
        raise faults.PAGE_UNREADABLE.fault(repr(fault)) from fault
    except MemoryError as fault:
        raise faults.PAGE_TOO_HUNGRY.fault(repr(fault)) from fault
    except Exception as fault:
        # OpenCV has its own word for "no memory"; anything else is a fault of ours. Either costs this page only.
        detail = "".join(traceback.format_exception(fault)).strip()
        if "Insufficient memory" in str(fault):
            raise faults.PAGE_TOO_HUNGRY.fault(detail) from fault
        raise faults.FAILED_ON_PAGE.fault(detail) from fault
    replace_file(place, to_json(page).encode())
    return _page_read(page)


def give_up_page(number: int, records: Path, dpi: int, fault: Fault) -> PageRead:
    """Keep a record that says why a page could not be read: the document goes on without it.

    Raises:
        OSError: the record cannot be written.
    """
    page = Page(number=number, width=0, height=0, dpi=dpi, error=str(fault))
    replace_file(record_path(records, number), to_json(page).encode())
    return _page_read(page)


def _page_read(page: Page, kept: bool = False) -> PageRead:
    words = page.words
    confidence = sum(word.confidence for word in words) / len(words) if words else None
    return PageRead(page.number, len(words), confidence, 0.0 if kept else page.seconds, page.error, kept)


def pages_on_disk(records: Path, count: int) -> Iterator[Page]:
    """The pages of a document in order, one in memory at a time.

    Raises:
        OSError, ValueError: a record is missing or damaged.
    """
    for number in range(1, count + 1):
        yield from_json(record_path(records, number).read_text("utf-8"))


def finish(records: Path, name: str, checked: Checked, plan: PublishPlan) -> Outcome:
    """Make a document of the pages on disk, repair it and publish it.

    Raises:
        OSError: a file cannot be written; nothing is half-written.
    """
    from normalize.structure.build import build_document

    source = Source(name=readable(name), sha256=checked.sha256, pages=checked.pages, bytes=checked.bytes)
    return publish_document(build_document(pages_on_disk(records, checked.pages), source), plan)


def with_pictures(
    scan: Path, checks: Sequence[Check], most: int, dpi: int, seconds: float, max_pixels: int
) -> tuple[Check, ...]:
    """The checks, some of them with a picture of their place on the page.

    Args:
        most: pictures.
        seconds: wall time that rendering a page may take.

    Raises:
        PageFault: a page cannot be rendered.
        ToolMissing: poppler is missing.
        OSError: the file cannot be read.
    """
    from ocr.line_pictures import line_pictures

    shown = to_picture(checks, most)
    places = [place for at in shown if (place := checks[at].place)]
    found = line_pictures(scan, places, dpi=dpi, timeout=seconds, max_pixels=max_pixels)
    pictures = dict(zip(shown, found, strict=True))
    return tuple(replace(one, picture=pictures.get(at, b"")) for at, one in enumerate(checks))


def publish_document(document: Document, plan: PublishPlan) -> Outcome:
    """Repair a document and publish it in every format asked for, the JSON last; a bundle in parts, if asked for.

    What people changed in it when the same scan was published before is changed in it again.

    Raises:
        OSError: a file cannot be written; nothing is half-written.
    """
    from flows.pipeline import revise, saves
    from normalize.repair.repair import repair

    started = time.monotonic()
    document = repair(document, plan.repair)
    document = replace(
        document,
        timings={**document.timings, "repair": round(time.monotonic() - started, 3)},
        engine={**document.engine, "nambat": version("nambat")},
    )
    with saves.lock_if_saved_here(plan.shelf.root, plan.targets["json"]):
        begun = time.monotonic()
        saves.finish_saves(plan.shelf, plan.targets["json"])
        outcome = _publish(revise.with_earlier_edits(document, plan.targets, plan.shelf.root), plan)
        return replace(outcome, timings={**outcome.timings, "publish": round(time.monotonic() - begun, 3)})


def _publish(document: Document, plan: PublishPlan) -> Outcome:
    from flows.pipeline import parts, strangers

    sets = parts.file_sets(document, plan.split, plan.targets, plan.footnotes)
    for one in sets:
        one.data["source"] |= _marks(plan)
    place = strangers.Place(dict(plan.targets))
    if plan.tells_strangers:
        place = strangers.place_for(sets[-1].data, plan.targets, plan.shelf.root, plan.low_confidence, plan.timezone)
        if place.targets != plan.targets:
            sets = parts.file_sets(document, plan.split, place.targets, plan.footnotes)
            for one in sets:
                one.data["source"] |= _marks(plan)
    kept = parts.publish_sets(sets, place.targets, plan.shelf)
    files = tuple(target for one in sets for target in one.targets.values())
    outcome = outcome_of(sets[-1].data, document.source.name, plan.low_confidence, files)
    return replace(outcome, kept=tuple(kept), replaced=place.replaced, beside=place.beside)


def _marks(plan: PublishPlan) -> dict[str, str]:
    """What a document's JSON says of its source beside what the document knows."""
    return {name: mark for name in MARKS if (mark := getattr(plan, name))}


def normalize_text(path: Path, name: str, plan: PublishPlan) -> Outcome:
    """Clean up the text of another OCR engine and publish it.

    Raises:
        NotAScan: the file is not UTF-8 text, or holds none.
        OSError: a file cannot be read or written; nothing is half-written.
    """
    from normalize.plaintext.parse import parse_text

    started = time.monotonic()
    data = path.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        raise faults.NOT_UTF8.fault(str(fault)) from fault
    if not text.strip():
        raise faults.NO_TEXT.fault()
    source = Source(name=readable(path.name), sha256=hashlib.sha256(data).hexdigest(), pages=0, bytes=len(data))
    document = parse_text(text, source)
    document = replace(document, timings={**document.timings, "structure": round(time.monotonic() - started, 3)})
    outcome = publish_document(document, plan)
    return replace(outcome, name=name, seconds=time.monotonic() - started)
