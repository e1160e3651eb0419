"""Roman numerals of strokes alone: II and III, which Tesseract reads as H and HI.

An H has a bar across; strokes that nothing joins from their heads to their feet are as many ones.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ocr.page import Box, letter
from ocr.tesseract import ReadLine, ReadWord

#: What II and III are read as; the sign after them stays.
_MISREAD = re.compile(r"(H|HI|IH|HH|HL|HT|IN|HÌ)([.,:;)]?)")
#: Ink is darker than this, of 256 shades.
_DARK = 140
#: At these heights of a numeral, from its head, its strokes are counted: serifs join heads and feet.
_LEVELS = (0.25, 0.35, 0.45, 0.5, 0.55, 0.65, 0.75)
#: The widest stroke is at most so many times the narrowest, and strokes stand so evenly.
_ALIKE = 1.8


def with_roman_ones(lines: Sequence[ReadLine], image: np.ndarray) -> list[ReadLine]:
    """The lines with each numeral of strokes as it stands on the page.

    Args:
        image: ``(height, width)`` grey, in which the lines were read.
    """
    return [
        replace(line, words=tuple(_mended(word, image) for word in line.words))
        if any(_MISREAD.fullmatch(word.text) for word in line.words)
        else line
        for line in lines
    ]


def _mended(word: ReadWord, image: np.ndarray) -> ReadWord:
    match = _MISREAD.fullmatch(word.text)
    if not match:
        return word
    box = hull_of_letters(word, len(match[1]))
    strokes = strokes_in(image, box)
    if not 2 <= strokes <= 3:
        return word
    letters = (*(letter("I") for _ in range(strokes)), *(letter(c) for c in match[2]))
    width = box.width / strokes
    boxes = [
        box._replace(left=round(box.left + n * width), right=round(box.left + (n + 1) * width)) for n in range(strokes)
    ]
    return replace(
        word,
        text="I" * strokes + match[2],
        letters=letters,
        letter_boxes=(*boxes, *word.letter_boxes[len(match[1]) :][: len(match[2])]),
    )


def hull_of_letters(word: ReadWord, count: int) -> Box:
    """The box of the first letters of a word, as high as the word."""
    right = word.letter_boxes[count - 1].right if len(word.letter_boxes) > count else word.box.right
    return word.box._replace(right=right)


def strokes_in(image: np.ndarray, box: Box) -> int:
    """How many strokes, alike and joined by nothing, all that stands in a box is; 0 where it is anything else."""
    window = image[max(0, box.top - 3) : box.bottom + 3, max(0, box.left - 3) : box.right + 3] < _DARK
    rows = np.nonzero(window.any(axis=1))[0]
    if len(rows) < 8:
        return 0
    top, height = int(rows[0]), int(rows[-1] - rows[0] + 1)
    counts, widths = set(), []
    for level in _LEVELS:
        edges = np.flatnonzero(np.diff(np.concatenate(([0], window[top + int(level * height)].astype(np.int8), [0]))))
        counts.add(len(edges) // 2)
        widths += (edges[1::2] - edges[::2]).tolist()
    if len(counts) != 1 or not widths or max(widths) > _ALIKE * min(widths) or max(widths) > 0.35 * height:
        return 0
    return counts.pop()
