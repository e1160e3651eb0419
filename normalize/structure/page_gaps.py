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

    A number that the next one goes back from was misread.

    Args:
        firsts: pages with a letterhead: those without a number are the first of their document.
    """
    printed = {one.page: int(found[1]) for one in dropped if (found := _page_number(one))}
    numbers = sorted({page: printed.get(page, 1) for page in {*firsts, *printed}}.items())
    for at, ((page, number), (later, after)) in enumerate(pairwise(numbers)):
        missing = (after - number) - (later - page)
        if 0 < missing <= _MOST and not _goes_back(numbers[at + 1 :]):
            said = (
                f"The printed page numbers go from {number} to {after}: pages between them may not have been scanned."
            )
            yield PageWarning(later, said, about="page")


def _page_number(one: Dropped) -> re.Match[str] | None:
    return _NUMBER.fullmatch(one.text) if one.reason == "page number" else None


def _goes_back(numbers: Sequence[tuple[int, int]]) -> bool:
    """Whether the second number is less than the first one, and no first page's."""
    return len(numbers) > 1 and 1 < numbers[1][1] <= numbers[0][1]
