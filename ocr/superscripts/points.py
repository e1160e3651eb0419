"""The full stop, comma, colon or semicolon behind a raised sign, told by its shape.

In the gap that a sign leaves Tesseract reads it twice, as three or not at all: ``82,7%¹³.`` as ``82,7%`` or
``82,7%...``.
"""

from __future__ import annotations

import numpy as np

from ocr.image.components import find_components
from ocr.page import Box

# In x-heights; they fit eight faces at 200 and 300 dpi, in 17 drawn reports.
_ABOVE, _BELOW = 1.3, 0.6  # what is looked at, above and below the baseline
_NEAR, _SPACE = 0.8, 0.4  # it begins so near to the sign, and so much paper follows it
_ELLIPSIS = 1.2  # another point within so much behind it, and it is the first of several
_WIDEST = 0.45
_POINT_HEIGHT = 0.42
_ON_BASELINE = (-0.2, 0.12)  # where a point ends, downwards
_COMMA_HEIGHT = (0.25, 0.8)
_UPPER_POINT = (-1.1, -0.45)  # where the upper one of two ends
#: Of its square, in pixels: less ink is a speck.
_LEAST_INK = 0.01


def point_behind(ink: np.ndarray, right: int, baseline: float, x_height: float) -> str:
    """``.``, ``,``, ``:`` or ``;`` where that alone stands between a raised sign and the next space; else nothing.

    Args:
        ink: of the page without its raised signs, 255 where there is ink.
        right: where the sign ends.
        baseline: y, at the sign.
        x_height: of the letters around it, in pixels.
    """
    top, bottom = max(0, round(baseline - _ABOVE * x_height)), round(baseline + _BELOW * x_height)
    window = ink[top:bottom, right : right + round((_NEAR + _ELLIPSIS + 2 * _WIDEST) * x_height)]
    runs = runs_of_ink(window)
    if not runs or runs[0][0] > _NEAR * x_height:
        return ""
    told = [_told(window[:, start:end], baseline - top, x_height) for start, end in runs[:2]]
    if len(runs) > 1:
        gap = runs[1][0] - runs[0][1]
        if gap <= _SPACE * x_height or (gap <= _ELLIPSIS * x_height and told[1] == "."):
            return ""
    return told[0]


def runs_of_ink(window: np.ndarray) -> list[tuple[int, int]]:
    """Where there is ink, from left to right: first column and the one behind the last."""
    inked = window.max(axis=0, initial=0) > 0
    edges = np.flatnonzero(np.diff(inked.astype(np.int8), prepend=0, append=0))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def _told(print_: np.ndarray, baseline: float, x_height: float) -> str:
    """The sign that a piece of print is; empty where it is none of them."""
    parts = find_components(np.ascontiguousarray(print_))
    kept = parts.take(np.flatnonzero(parts.area >= _LEAST_INK * x_height**2)).boxes()
    return _of_pieces(sorted(kept, key=lambda box: box.top), baseline, x_height)


def _of_pieces(pieces: list[Box], baseline: float, x_height: float) -> str:
    """The sign that these pieces, from above, make."""
    if not pieces or max(box.width for box in pieces) > _WIDEST * x_height:
        return ""
    lowest = _low(pieces[-1], baseline, x_height)
    if len(pieces) == 1:
        return lowest
    upper = pieces[0]
    is_upper = upper.height <= _POINT_HEIGHT * x_height and _within(_UPPER_POINT, upper.bottom - baseline, x_height)
    return {".": ":", ",": ";"}.get(lowest, "") if is_upper and len(pieces) == 2 else ""


def _low(piece: Box, baseline: float, x_height: float) -> str:
    """What a piece on the baseline is."""
    if piece.height <= _POINT_HEIGHT * x_height and _within(_ON_BASELINE, piece.bottom - baseline, x_height):
        return "."
    begins_low = piece.top > baseline - _POINT_HEIGHT * x_height
    hangs = piece.bottom - baseline > _ON_BASELINE[1] * x_height
    return "," if begins_low and hangs and _within(_COMMA_HEIGHT, piece.height, x_height) else ""


def _within(bounds: tuple[float, float], length: float, x_height: float) -> bool:
    return bounds[0] * x_height <= length <= bounds[1] * x_height
