"""A grade for each page, so that a person knows which ones to compare with the scan.

Three things tell how well a page was read, and each alone is blind: the confidence of the words says nothing of what
was passed over, ink accounting nothing of what was misread, and both little of digits, which a second reader checks.
"""

from __future__ import annotations

from collections.abc import Sequence

from normalize.document import DOUBT, Grade
from ocr.page import Word

#: Shares of words read with doubt, of print-like ink that no word explains, and of numbers two readers read unlike: up
#: to the first a page is good, above the second poor. Measured against the wrong words of 172 pages after repair: 72 of
#: devset and sample_scans, 100 printed and spoiled by scanners, fax and low resolution. Of the 119 good ones 98 % had
#: fewer than 1 % wrong, one (a page of 47 words with one wrong) more than 2 %; of the 41 fair ones 80 % had fewer than
#: 1 %, two more than 2 % (at most 4.1 %); all 12 poor ones had more than 2 %, half of them more than 20 %.
_WORDS, _INK, _NUMBERS = (0.025, 0.1), (0.005, 0.05), (0.1, 0.34)
#: With fewer doubted numbers their share says nothing; with fewer than the second it makes no page poor: where two
#: readers disagree on a few numbers of a page, the first is mostly right.
_FEW, _MANY = 2, 6


def grade(words: Sequence[Word], ink_explained: float) -> Grade:
    """How well a page was read.

    Args:
        words: all of the page but noise.
        ink_explained: share of the print-like ink that stands in words, 0 to 1.
    """
    numbers = [word for word in words if word.second is not None]
    doubted = sum(word.doubted for word in numbers)
    weak = sum(word.confidence < DOUBT for word in words)
    unlike = doubted / len(numbers) if doubted >= _FEW else 0.0
    shares = ((weak / max(1, len(words)), _WORDS), (1.0 - ink_explained, _INK), (unlike, _NUMBERS))
    if any(share > poor for share, (_, poor) in shares[: 3 if doubted >= _MANY else 2]):
        return "poor"
    return "fair" if any(share > good for share, (good, _) in shares) else "good"
