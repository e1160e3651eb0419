"""Printed rules: the horizontal lines over footnotes, under the letterhead, between parts."""

from __future__ import annotations

import cv2
import numpy as np

from ocr.page import Box


def find_rules(ink: np.ndarray) -> tuple[Box, ...]:
    """Printed horizontal lines, top to bottom: at least 3 % of the page's width long and at most 0.3 % thick.

    Args:
        ink: ``(height, width)`` mask, 255 where there is ink.
    """
    height, width = ink.shape
    # At half the resolution a rule of two pixels is still there and the work a quarter.
    small = cv2.resize(ink, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    _, small = cv2.threshold(small, 60, 255, cv2.THRESH_BINARY)
    length = max(10, round(0.015 * width))
    # Scanned rules are broken and not quite level: join small gaps before looking for long runs.
    joined = cv2.morphologyEx(small, cv2.MORPH_CLOSE, np.ones((1, 5), np.uint8))
    runs = cv2.morphologyEx(joined, cv2.MORPH_OPEN, np.ones((1, length), np.uint8))
    runs = cv2.dilate(runs, np.ones((3, 7), np.uint8))
    _, _, stats, _ = cv2.connectedComponentsWithStats(runs)
    rules = []
    for left, top, w, h in (2 * stats[1:, :4]).tolist():
        if h > max(8, 0.003 * height) + 4 + 0.01 * w:
            continue
        # A rule has paper above and below it; a run of letters' serifs or a table's border has not.
        above = ink[max(0, top - 6) : top, left : left + w]
        below = ink[top + h : top + h + 6, left : left + w]
        if above.size and below.size and above.mean() < 40 and below.mean() < 40:
            rules.append(Box(left + 6, top + 2, left + w - 6, top + h - 2))
    return tuple(sorted(rules, key=lambda rule: (rule.top, rule.left)))
