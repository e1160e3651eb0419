"""One file, several documents: a new letterhead on a later page begins another one.

Forms in annexes have the national title too, and number and date left open to be filled in. A document of its own has
an issuing body, a symbol and a year, and stands after the signature or the recipients of the one before.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import takewhile

from normalize.document import Block
from normalize.facts.letterhead import agency
from normalize.facts.values import plain_text
from normalize.vietnamese import decree30

_YEAR = re.compile(r"(?:19|20)\d\d")


def documents(blocks: Sequence[Block]) -> list[Sequence[Block]]:
    """The blocks of each document in the file; all of them where it holds one."""
    starts = [at for at in range(1, len(blocks)) if _begins_another(blocks, at)]
    ended = [0]
    for at in starts:
        if any(block.type in ("recipients", "signature") for block in blocks[ended[-1] : at]):
            ended.append(at)
    return [blocks[start:end] for start, end in zip(ended, [*ended[1:], len(blocks)], strict=True)]


def _begins_another(blocks: Sequence[Block], at: int) -> bool:
    """Whether a letterhead that begins there, on top of a page, is that of a document of its own."""
    page = blocks[at].page
    if blocks[at - 1].page >= page:
        return False
    run = list(takewhile(lambda block: block.page == page and _is_letterhead(block), blocks[at:]))
    texts = [plain_text(block) for block in run]
    has_number = any(decree30.number_parts(text) for text in texts)
    year = next((text[slice(*date.year)] for text in texts if (date := decree30.date_parts(text))), "")
    return (
        any(decree30.is_motto(text) for text in texts)
        and has_number
        and bool(_YEAR.search(year))
        and agency(run).text is not None
    )


def _is_letterhead(block: Block) -> bool:
    """Whether a block is of the letterhead; its first lines may have been read across both columns, as text."""
    return block.type == "letterhead" or decree30.is_motto(plain_text(block))
