"""ỵ, which the engine reads y: told by the dot that stands on the page, below this letter and below no other."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from ocr.image.components import find_components
from ocr.page import Box, Line, Word, Zone, hull, letter
from ocr.signs.dots_below import with_dots_below
from sample_scans.layout import font_files

BASELINE = 200

DOTTED = "Mỵ Tỵ, (Kỵ) lỵ; quỵ. thuỵ huỵch TỴ QUỴ:"
PLAIN = "My Ty, (Ky) ly; quy. huyện nguyện tuyệt chạy vậy, CÔNG TY. QUY: ý kỳ y Ly! hụy"


def file_of(face: str) -> str:
    return next(str(file) for file in font_files("Liberation Serif") if file.stem.endswith(f"-{face}"))


def printed(text: str, file: str, size: int, blur: float = 0.0) -> tuple[Zone, Image.Image]:
    """A line of print, read as an engine without ỵ would, and its picture; below it stands a line full of marks."""
    font = ImageFont.truetype(file, size)
    width = round(font.getlength(text)) + 200
    image = Image.new("L", (width, 400), 255)
    draw = ImageDraw.Draw(image)
    words, at = [], 100.0
    for word in text.split():
        draw.text((at, BASELINE), word, font=font, fill=0, anchor="ls")
        box = Box(*map(round, draw.textbbox((at, BASELINE), word, font=font, anchor="ls")))
        read = word.translate({ord("ỵ"): "y", ord("Ỵ"): "Y"})
        letters = tuple(letter(c, ((c, 94),)) for c in read)
        words.append(Word(read, box, 95.0, letters))
        at += font.getlength(word + " ")
    draw.text((100, BASELINE + 1.2 * size), "Ế Ộ ị Ĩ ể i j " * 9, font=font, fill=0, anchor="ls")
    x_height = -font.getbbox("x", anchor="ls")[1]
    box = hull([word.box for word in words])
    line = Line(tuple(words), box, BASELINE, float(x_height))
    return Zone("text", (line,), box), image.filter(ImageFilter.GaussianBlur(blur))


def as_told(zone: Zone, image: Image.Image) -> str:
    ink = np.where(np.asarray(image) < 140, 255, 0).astype(np.uint8)
    return with_dots_below([zone], find_components(ink))[0].lines[0].text


@pytest.mark.parametrize("size", [28, 36, 54])
@pytest.mark.parametrize("face", ["Regular", "Bold", "Italic"])
@pytest.mark.parametrize("text", [DOTTED, PLAIN], ids=["dotted", "plain"])
def test_a_dot_below_a_y_is_seen_and_no_other(text: str, face: str, size: int) -> None:
    assert as_told(*printed(text, file_of(face), size)) == text


def test_no_other_ink_is_such_a_dot() -> None:
    zone, image = printed("Mỵ Ty", file_of("Regular"), 54)
    draw = ImageDraw.Draw(image)
    word = zone.lines[0].words[1].box
    draw.line((word.left, word.bottom + 2, word.right, word.bottom + 2), fill=0, width=6)  # underlined
    draw.point((word.right - 9, BASELINE + 12), fill=0)  # a speck
    assert as_told(zone, image) == "Mỵ Ty"


def test_what_was_read_stays_a_choice() -> None:
    zone, image = printed("Mỵ", file_of("Regular"), 54)
    ink = np.where(np.asarray(image) < 140, 255, 0).astype(np.uint8)
    word = with_dots_below([zone], find_components(ink))[0].lines[0].words[0]
    assert word.letters[1].choices == (("ỵ", 94), ("y", 94))
