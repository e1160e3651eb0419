"""One file, several documents: a new letterhead on a later page begins another one, and so does a separator sheet.

Forms in annexes have the national title too, and number and date left open to be filled in. A document of its own has
an issuing body, a symbol and a year, and stands after the signature or the recipients of the one before.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from itertools import takewhile

from normalize.document import Block, Tokens
from normalize.facts.letterhead import agency
from normalize.facts.values import plain_text
from normalize.vietnamese import decree30

#: A letterhead has at most so many lines before its motto and behind it, in a text without a layout ...
_LETTERHEAD_LINES = 6
#: ... each of at most so many letters, and names in capitals for so large a share.
_LONGEST_LINE, _CAPITALS = 120, 0.8
_YEAR = re.compile(r"(?:19|20)\d\d")


def documents(blocks: Sequence[Block], sheets: Collection[int] = ()) -> list[Sequence[Block]]:
    """The blocks of each document in the file; all of them where it holds one.

    Args:
        sheets: pages that are separator sheets.
    """
    starts = beginnings(blocks, sheets)
    return [blocks[start:end] for start, end in zip(starts, [*starts[1:], len(blocks)], strict=True)]


def beginnings(blocks: Sequence[Block], sheets: Collection[int] = ()) -> list[int]:
    """Index of the block with which each document in the file begins; 0 is always one."""
    parted = after_sheets(blocks, sheets)
    out = [0]
    ended = False
    for at in range(1, len(blocks)):
        ended = ended or blocks[at - 1].type in ("recipients", "signature")
        if at in parted or (ended and _begins_another(blocks, at)):
            out.append(at)
            ended = False
    return out


def after_sheets(blocks: Sequence[Block], sheets: Collection[int]) -> set[int]:
    """Indices of the blocks before which a separator sheet stands; a sheet before all of them parts nothing."""
    firsts = (next((at for at, block in enumerate(blocks) if block.page > sheet), 0) for sheet in sheets)
    return {at for at in firsts if at}


def _begins_another(blocks: Sequence[Block], at: int) -> bool:
    """Whether a letterhead that begins there, on top of a page, is that of a document of its own.

    In a text without pages it begins where the blocks of a letterhead do.
    """
    page = blocks[at].page
    if blocks[at - 1].page >= page and (page or _is_letterhead(blocks[at - 1])):
        return False
    return _is_whole(list(takewhile(lambda block: block.page == page and _is_letterhead(block), blocks[at:])))


def _is_whole(run: Sequence[Block]) -> bool:
    """Whether some blocks are all of a letterhead: motto, number, date and issuing body."""
    texts = [plain_text(block) for block in run]
    has_number = any(decree30.number_parts(text) for text in texts)
    year = next((text[slice(*date.year)] for text in texts if (date := decree30.date_parts(text))), "")
    return (
        any(decree30.is_motto(text) for text in texts)
        and has_number
        and bool(_YEAR.search(year))
        and agency(run).text is not None
    )


def letterheads_within(texts: Sequence[Tokens]) -> list[range]:
    """Where letterheads stand in a text without a layout: at its head, and behind the end of another document.

    Args:
        texts: of the blocks, of which nothing else is known.
    """
    lines = [" ".join(token.text for token in tokens) for tokens in texts]
    found: list[range] = []
    begun = 0
    for at, line in enumerate(lines):
        if at < begun or not decree30.is_motto(line):
            continue
        run = _run_about(lines, at, begun)
        ended = not run.start or any(decree30.is_recipients_head(text) for text in lines[begun : run.start])
        if ended and _is_whole([Block("letterhead", texts[index]) for index in run]):
            found.append(run)
        begun = run.stop if ended else begun
    return found


def _run_about(lines: Sequence[str], at: int, least: int) -> range:
    """The lines of the letterhead in which a line stands, none of them before ``least``."""
    first, end = at, at + 1
    while first > max(least, at - _LETTERHEAD_LINES) and _may_be_of_letterhead(lines[first - 1]):
        if decree30.has_office_word(lines[first - 1]) and not decree30.begins_body(lines[first - 1]):
            break  # who signed the document before
        first -= 1
    while end < min(len(lines), at + _LETTERHEAD_LINES) and _may_be_of_letterhead(lines[end]):
        end += 1
    return range(first, end)


def _may_be_of_letterhead(line: str) -> bool:
    """Whether a line is the motto, a number, a date, or a name in capitals."""
    if decree30.is_document_type(line) or len(line) > _LONGEST_LINE:
        return False
    if decree30.is_motto(line) or decree30.number_parts(line) or decree30.bears_date(line):
        return True
    letters = [c for c in line if c.isalpha()]
    return sum(c.isupper() for c in letters) > _CAPITALS * len(letters) > 0


def _is_letterhead(block: Block) -> bool:
    """Whether a block is of the letterhead; its first lines may have been read across both columns, as text."""
    return block.type == "letterhead" or decree30.is_motto(plain_text(block))
