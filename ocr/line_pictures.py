"""Small pictures of places on a page, for a person who compares them with what was read there."""

from __future__ import annotations

import io
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from ocr.image.clean import upright
from ocr.page import Box, Place
from ocr.rasterize import MAX_PIXELS, render

#: Of a picture, in pixels.
_WIDEST, _HIGHEST = 640, 160
#: At most so much of the line is shown about a place: in its heights to either side, above and below.
_BESIDE, _ABOVE = 9.0, 0.5
#: Shades of grey. With the colour of the frame they fit into three bits a pixel.
_SHADES = 7
_FRAME = (200, 30, 30)


def line_pictures(
    path: Path, places: Sequence[Place], *, dpi: int = 300, timeout: float = 60.0, max_pixels: int = MAX_PIXELS
) -> list[bytes]:
    """A picture of each place with a frame about it, as PNG; empty for one that lies on no page as it is rendered now.

    Args:
        dpi, max_pixels: as the pages were read with.
        timeout: seconds that rendering a page may take.

    Raises:
        ocr.faults.PageFault: a page cannot be rendered.
        ocr.faults.ToolMissing: poppler is missing.
    """
    pictures = {}
    for number, on_page in groupby(sorted(set(places), key=lambda one: one.page), key=lambda one: one.page):
        rendered = render(path, number, dpi=dpi, timeout=timeout, max_pixels=max_pixels)
        turned: dict[tuple[int, float], np.ndarray] = {}
        for place in on_page:
            turn = place.rotation, place.skew
            if turn not in turned:
                turned[turn] = upright(rendered.image, *turn)
            pictures[place] = _picture(turned[turn], place.box) if place.dpi == rendered.dpi else b""
    return [pictures[place] for place in places]


def _picture(page: np.ndarray, box: Box) -> bytes:
    """What stands about a box of a page, no larger than a line in a report."""
    height, width = page.shape
    beside, above = round(_BESIDE * min(box.height, box.width)), round(_ABOVE * box.height)
    left, right = max(0, box.left - beside), min(width, box.right + beside)
    top, bottom = max(0, box.top - above), min(height, box.bottom + above)
    if left >= right or top >= bottom:
        return b""
    scale = min(1.0, _WIDEST / (right - left), _HIGHEST / (bottom - top))
    size = max(1, round(scale * (right - left))), max(1, round(scale * (bottom - top)))
    shown = cv2.resize(page[top:bottom, left:right], size, interpolation=cv2.INTER_AREA)
    shades = np.round(shown.astype(np.float32) * ((_SHADES - 1) / 255)).astype(np.uint8)
    first = round(scale * (box.left - left)) - 2, round(scale * (box.top - top)) - 2
    last = round(scale * (box.right - left)) + 1, round(scale * (box.bottom - top)) + 1
    cv2.rectangle(shades, first, last, color=_SHADES)
    picture = Image.fromarray(shades).convert("P")
    greys = [round(255 * shade / (_SHADES - 1)) for shade in range(_SHADES)]
    picture.putpalette([*(level for grey in greys for level in (grey, grey, grey)), *_FRAME])
    out = io.BytesIO()
    picture.save(out, "PNG", optimize=True, bits=4)
    return out.getvalue()
