"""Connected components of a page's ink: letters, their diacritics, specks. Several steps look at the same ones."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from ocr.page import Box


@dataclass(frozen=True)
class Shapes:
    """Places and sizes of components; each column is an array with an entry a component, in pixels.

    Attributes:
        stats: a row a component: left, top, width, height, area (``cv2.CC_STAT_...``).
    """

    stats: np.ndarray

    @property
    def left(self) -> np.ndarray:
        return self.stats[:, cv2.CC_STAT_LEFT]

    @property
    def top(self) -> np.ndarray:
        return self.stats[:, cv2.CC_STAT_TOP]

    @property
    def width(self) -> np.ndarray:
        return self.stats[:, cv2.CC_STAT_WIDTH]

    @property
    def height(self) -> np.ndarray:
        return self.stats[:, cv2.CC_STAT_HEIGHT]

    @property
    def area(self) -> np.ndarray:
        """Pixels of ink."""
        return self.stats[:, cv2.CC_STAT_AREA]

    @cached_property
    def right(self) -> np.ndarray:
        return self.left + self.width

    @cached_property
    def bottom(self) -> np.ndarray:
        return self.top + self.height

    @property
    def x(self) -> np.ndarray:
        """Horizontal centres."""
        return self.left + self.width / 2

    @property
    def y(self) -> np.ndarray:
        """Vertical centres."""
        return self.top + self.height / 2

    @property
    def count(self) -> int:
        return len(self.stats)

    def within(self, box: Box) -> np.ndarray:
        """For each component, whether its centre stands in a box."""
        return (self.x > box.left) & (self.x < box.right) & (self.y > box.top) & (self.y < box.bottom)

    def take(self, which: np.ndarray | slice) -> Shapes:
        """Some of the components: a mask, a slice or indices, in whose order they come."""
        return Shapes(self.stats[which])

    def box(self, index: int) -> Box:
        left, top, width, height = self.stats[index, :4].tolist()
        return Box(left, top, left + width, top + height)

    def boxes(self) -> list[Box]:
        return [self.box(index) for index in range(self.count)]


@dataclass(frozen=True)
class Components(Shapes):
    """The connected components of an ink mask, neighbours at the corners included.

    Attributes:
        labels: ``(height, width)``, 0 for paper, else the index of the component plus 1.
    """

    labels: np.ndarray

    def mask(self, chosen: np.ndarray) -> np.ndarray:
        """``(height, width)``: the pixels of the components for which ``chosen`` is true."""
        return np.concatenate(([False], chosen))[self.labels]


def find_components(ink: np.ndarray) -> Components:
    """The components of a mask, 255 (or anything but 0) where there is ink."""
    if not ink.size:  # a window beyond the edge of the page; OpenCV crashes on it
        return Components(np.zeros((0, 5), np.int64), np.zeros(ink.shape, np.int32))
    _, labels, stats, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    return Components(stats[1:].astype(np.int64), labels)
