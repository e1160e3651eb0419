"""Numbers read twice: digits are what such papers are about, and one reader's word for them is not enough.

A second model reads each word that holds digits by itself, unless the first was sure of it. Two readers that agree are
seldom wrong together; where they do not, neither is sure. What follows from that is decided where the text is known.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import cv2
import numpy as np

from ocr.page import Box, Line, Word, Zone, each_line, of_words

#: Pixels that the second model is given a word's box in, and paper around it.
_HEIGHT, _PAPER = 40, 14
#: Pixels of the page around the box: letters may reach out of it a little.
_RIM = 4

#: A word read with this confidence, 0 to 100, is not read again: of 95 numbers with wrong digits, among 3,562 on bad
#: scans, none was read so surely, and three of four of all were.
_SURE = 95.0

ReadRows = Callable[[Sequence[np.ndarray]], Sequence[str]]


def read_twice(zones: Sequence[Zone], image: np.ndarray, read_rows: ReadRows) -> tuple[Zone, ...]:
    """The zones with what a second reader made of each word that holds digits and was not read surely.

    Args:
        image: ``(height, width)`` grey, what the words were read from.
        read_rows: the second reader: a text for each small image.
    """
    numbers = [word for zone in zones for line in zone.lines for word in line.words if _is_number(word)]
    texts = read_rows([_cut_out(image, word.box) for word in numbers])
    second = {id(word): text for word, text in zip(numbers, texts, strict=True) if text}

    def seen(word: Word) -> Word:
        return replace(word, second=second[id(word)]) if id(word) in second else word

    def with_second(line: Line) -> Line:
        has_any = any(id(word) in second for word in line.words)
        return of_words(line, [seen(word) for word in line.words]) if has_any else line

    return each_line(zones, with_second)


def _is_number(word: Word) -> bool:
    """Whether a word holds digits that may be wrong. One with a raised sign is left out: that would be read along."""
    has_digits = any(c.isdigit() for c in word.text) and word.confidence < _SURE
    return has_digits and not word.raised and word.box.width > 0 and word.box.height > 0


def _cut_out(image: np.ndarray, box: Box) -> np.ndarray:
    """A word's place on the page, ``(height, width)`` grey, brought to one height, with paper around it."""
    part = image[max(0, box.top - _RIM) : box.bottom + _RIM, max(0, box.left - _RIM) : box.right + _RIM]
    if not part.size:
        return np.full((_HEIGHT, _HEIGHT), 255, np.uint8)
    scale = _HEIGHT / max(_HEIGHT // 2, part.shape[0])
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    part = cv2.resize(part, None, fx=scale, fy=scale, interpolation=way)
    return np.pad(part, ((_PAPER, _PAPER), (2 * _PAPER, 2 * _PAPER)), constant_values=255)
