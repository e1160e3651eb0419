"""Pictures of pages, rendered when somebody looks at them, turned and levelled as the boxes of the record want it.

They are kept in memory, up to a bound; beside the texts nothing is stored. The scan is opened in a worker process with
limits, as when it was read.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

from flows.pipeline.workers import WorkerPool

MOST_BYTES = 128 * 1024**2
"""Of pictures that are kept: some 500 pages."""

SECONDS = 60.0
"""A page that takes longer is not shown."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A page as it was read.

    Attributes:
        scan: the file.
        sha256: of it.
        dpi, rotation, skew: of :class:`normalize.document.PageReport`.
        reduced: by how much it is reduced; 1 for every pixel.
    """

    scan: Path
    sha256: str
    number: int
    dpi: int
    rotation: int
    skew: float
    reduced: int = 2


class PagePictures:
    """Makes and keeps the pictures. Safe to use from several threads."""

    def __init__(self, pool: WorkerPool, most_bytes: int = MOST_BYTES) -> None:
        self._pool = pool
        self._most = most_bytes
        self._kept: OrderedDict[Wanted, bytes] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()
        self._making: dict[Wanted, threading.Lock] = {}

    def picture(self, wanted: Wanted, max_pixels: int) -> bytes:
        """The page as JPEG.

        Raises:
            Fault: it cannot be rendered.
            OSError: the scan cannot be read.
        """
        with self._lock:
            making = self._making.setdefault(wanted, threading.Lock())
        with making:  # who asks for what is being made waits for that
            with self._lock:
                if wanted in self._kept:
                    self._kept.move_to_end(wanted)
                    return self._kept[wanted]
            try:
                made = self._pool.call(page_picture, wanted, max_pixels, seconds=SECONDS)
            finally:
                with self._lock:
                    self._making.pop(wanted, None)
            self._keep(wanted, made)
            return made

    def _keep(self, wanted: Wanted, made: bytes) -> None:
        with self._lock:
            if wanted not in self._kept:
                self._size += len(made)
            self._kept[wanted] = made
            while self._size > self._most and len(self._kept) > 1:
                _, oldest = self._kept.popitem(last=False)
                self._size -= len(oldest)


def page_picture(wanted: Wanted, max_pixels: int) -> bytes:
    """Render a page of a scan as its record says that it was read; in a worker process.

    Raises:
        PageFault: it cannot be rendered.
        ToolMissing: poppler is missing.
        OSError: the scan cannot be read.
    """
    import cv2

    from ocr.image.clean import upright
    from ocr.rasterize import render

    rendered = render(wanted.scan, wanted.number, dpi=wanted.dpi, timeout=SECONDS, max_pixels=max_pixels)
    page = upright(rendered.image, wanted.rotation, wanted.skew)
    height, width = page.shape
    # A page that is rendered at another resolution today keeps the size of its boxes.
    scale = wanted.dpi / rendered.dpi / wanted.reduced
    size = max(1, round(width * scale)), max(1, round(height * scale))
    if size != (width, height):
        page = cv2.resize(page, size, interpolation=cv2.INTER_AREA)
    done, coded = cv2.imencode(".jpg", page, [cv2.IMWRITE_JPEG_QUALITY, 78])
    if not done:
        raise OSError("the picture could not be written")
    return bytes(coded)
