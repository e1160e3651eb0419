"""Connected components of a page's ink: letters, their marks, specks. Several steps look at the same ones."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np


@dataclass(frozen=True, slots=True)
class Components:
    """The connected components of an ink mask, neighbours at the corners included.

    Attributes:
        labels: ``(height, width)``, 0 for paper, else the number of the component.
        stats: a row a component, that of the paper first: left, top, width, height, area (``cv2.CC_STAT_...``).
    """

    labels: np.ndarray
    stats: np.ndarray


def find_components(ink: np.ndarray) -> Components:
    """The components of a mask, 255 (or anything but 0) where there is ink."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    return Components(labels, stats)
