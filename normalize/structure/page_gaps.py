"""Pages that a scan may lack: where the printed page numbers go on faster than the pages do."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise

from normalize.document import Dropped, PageWarning

_NUMBER = re.compile(r"\D*?(\d{1,4})(?:\s?/\s?\d{1,4})?\W*")
#: Pages. Who leafed past more has scanned an excerpt, or the number was misread.
_MOST = 20


def page_gaps(firsts: Collection[int], dropped: Collection[Dropped]) -> Iterator[PageWarning]:
    """A warning for each page before which others seem to be missing.

    A number that those before and after it do not bear out was misread.

    Args:
        firsts: pages with a letterhead: those without a number are the first of their document.
    """
    printed = {one.page: int(found[1]) for one in dropped if (found := _page_number(one))}
    numbers = _borne_out(sorted({page: printed.get(page, 1) for page in {*firsts, *printed}}.items()))
    for (page, number), (later, after) in pairwise(numbers):
        if 0 < _missing((page, number), (later, after)) <= _MOST:
            said = (
                f"The printed page numbers go from {number} to {after}: pages between them may not have been scanned."
            )
            yield PageWarning(later, said, about="page")


def _page_number(one: Dropped) -> re.Match[str] | None:
    return _NUMBER.fullmatch(one.text) if one.reason == "page number" else None


def _borne_out(numbers: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Pages and their numbers without those that stand between two numbers which follow each other, and do not."""
    return [
        one
        for at, one in enumerate(numbers)
        if not (0 < at < len(numbers) - 1)
        or not _missing(numbers[at - 1], one)
        or _missing(numbers[at - 1], numbers[at + 1])
    ]


def _missing(one: tuple[int, int], other: tuple[int, int]) -> int:
    """How many more numbers than pages lie between two pages."""
    return (other[1] - one[1]) - (other[0] - one[0])
