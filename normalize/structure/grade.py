"""A grade for each page, so that a person knows which ones to compare with the scan.

Three things tell how well a page was read, and each alone is blind: the confidence of the words says nothing of what
was passed over, ink accounting nothing of what was misread, and both little of digits, which a second reader checks.
"""

from __future__ import annotations

from collections.abc import Sequence

from normalize.document import Grade
from ocr.page import Word

#: A word below this confidence, 0 to 100, is one that was read with doubt.
_DOUBT = 80.0
#: Shares of words read with doubt, of print-like ink that no word explains, and of numbers two readers read unlike: up
#: to the first a page is good, above the second poor. On 45 pages printed and spoiled in five ways the median of wrong
#: words was 0.8 % of the 17 good ones, 2.3 % of the 25 fair and 48 % of the 3 poor ones; at worst 3.7, 9.4 and 100 %.
_WORDS, _INK, _NUMBERS = (0.015, 0.1), (0.005, 0.05), (0.1, 0.34)
#: With fewer doubted numbers their share says nothing.
_FEW = 2


def grade(words: Sequence[Word], ink_explained: float) -> Grade:
    """How well a page was read.

    Args:
        words: all of the page but noise.
        ink_explained: share of the print-like ink that stands in words, 0 to 1.
    """
    numbers = [word for word in words if word.second is not None]
    doubted = sum(word.doubted for word in numbers)
    weak = sum(word.confidence < _DOUBT for word in words)
    shares = (
        (weak / max(1, len(words)), _WORDS),
        (1.0 - ink_explained, _INK),
        (doubted / len(numbers) if doubted >= _FEW else 0.0, _NUMBERS),
    )
    if any(share > poor for share, (_, poor) in shares):
        return "poor"
    return "fair" if any(share > good for share, (good, _) in shares) else "good"
