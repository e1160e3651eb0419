"""Make the separator sheet that ``nambat separator`` writes.

    python -m flows.pipeline.make_separator_sheet

Needs Typst and the Liberation fonts. The sheet bears the code twice, so that one may be covered or torn.
"""

from __future__ import annotations

import cv2
import numpy as np
import typst

from flows.pipeline.separator_sheet import SHEET
from ocr.image.separator_sheet import PAYLOAD

_SIDE = 75  # of a code, in mm; at 200 dpi a module is 20 pixels wide


def code() -> np.ndarray:
    """The modules of the code, 0 for black; a third of it may be lost."""
    given = cv2.QRCodeEncoder.Params()
    given.correction_level = cv2.QRCodeEncoder_CORRECT_LEVEL_H
    drawn: np.ndarray = cv2.QRCodeEncoder.create(given).encode(PAYLOAD)
    return drawn


def markup() -> str:
    """The sheet, in Typst's language."""
    modules = code()
    side = _SIDE / len(modules)
    # Runs of black in each row; a hair wider and higher than they are, so that none shows white between two.
    runs = []
    for y, row in enumerate(modules):
        edges = np.flatnonzero(np.diff(np.concatenate(([255], row, [255])).astype(int)))
        for left, right in zip(edges[::2], edges[1::2], strict=True):
            where = f"dx: {left * side:.3f}mm, dy: {y * side:.3f}mm"
            size = f"width: {(right - left) * side + 0.02:.3f}mm, height: {side + 0.02:.3f}mm"
            runs.append(f"#place({where}, rect({size}))")
    drawn = "\n".join(runs)
    return f"""
#set page(paper: "a4", margin: 20mm)
#set text(font: "Liberation Sans", lang: "vi")
#set align(center)
#let code = box(width: {_SIDE}mm, height: {_SIDE}mm, align(left + top)[#set rect(fill: black, stroke: none)
{drawn}])
#code
#v(1fr)
#text(48pt, weight: "bold")[TỜ TÁCH HỒ SƠ]
#v(-4mm)
#text(14pt)[Đặt tờ này giữa hai văn bản rồi quét: sau nó bắt đầu một văn bản mới.]
#v(-2mm)
#text(12pt, lang: "en")[Separator sheet: put it between two documents before scanning. (nambat)]
#v(1fr)
#code
"""


def main() -> None:
    SHEET.parent.mkdir(exist_ok=True)
    SHEET.write_bytes(typst.compile(markup().encode(), format="pdf"))
    print(SHEET)


if __name__ == "__main__":
    main()
