"""Tables: the words of their cells, tables that go on on the next page, and numbers that do not agree."""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import pairwise

from rapidfuzz import fuzz

from normalize.document import Block, PageWarning, Token, Tokens, published
from normalize.structure.lines import Rulings, join_lines, token
from normalize.vietnamese.syllable import skeleton
from ocr.page import Line, Word, Zone, hull

Row = tuple[Tokens, ...]

#: Of the table's width: how far its columns may stray from page to page.
_SAME_COLUMN = 0.025
_SAME_WIDTH = 0.06
#: Of 100: how alike two heads are, read twice, and the rows below those.
_SAME_HEAD, _SAME_ROW = 75, 90
_FEWEST_LETTERS = 4
#: A head has so many rows at most (groups of columns, columns, their numbers).
_HIGHEST_HEAD = 3
#: Tables with more columns than this may number them, in a row of their head.
_FEWEST_NUMBERED = 3
#: A formula has so many rows at most.
_HIGHEST_FORMULA = 4
#: Pieces of a cell stand on one line when they share so much of their height.
_LEVEL = 0.5

#: A relation between columns is the table's own when it holds in so many rows, and in such a share of them.
_FEWEST_ROWS, _MOST_ROWS = 4, 0.7
#: What stands at the head of a row of totals.
_TOTAL = re.compile(r"\W*(tong cong|tong so|tong|cong)\W*")
_NUMBER = re.compile(r"-?\d{1,3}(?:\.\d{3})+(?:,\d+)?|-?\d+(?:,\d+)?")


def carries_on(above: Zone, below: Zone) -> bool:
    """Whether a table at the top of a page goes on with the one that ended the page before: it has the same columns."""
    if len(above.columns) != len(below.columns) or len(above.columns) < 3:
        return False
    widths = [zone.columns[-1] - zone.columns[0] for zone in (above, below)]
    if min(widths) <= 0 or abs(widths[0] - widths[1]) > _SAME_WIDTH * max(widths):
        return False
    places = [
        [(x - zone.columns[0]) / width for x in zone.columns]
        for zone, width in zip((above, below), widths, strict=True)
    ]
    if any(abs(one - other) > _SAME_COLUMN for one, other in zip(*places, strict=True)):
        return False
    return bool(repeated_head(above, below)) or not _has_own_head(below)


def repeated_head(above: Zone, below: Zone) -> int:
    """How many rows at the top of a table are the head of the one above printed again."""
    heads = [_row_texts(zone)[:_HIGHEST_HEAD] for zone in (above, below)]
    if heads[1] and any(_are_same_column_numbers(row, heads[1][0]) for row in heads[0][1:]):
        return 1
    count = 0
    for one, other in zip(*heads, strict=False):
        plain = [skeleton(" ".join(row)) for row in (one, other)]
        if count:
            # Rows of like words are told apart by their numbers; the columns' own numbers are alike.
            alike = fuzz.ratio(*plain) >= _SAME_ROW and _digits(plain[0]) == _digits(plain[1])
        else:
            letters = sum(c.isalpha() for c in plain[0])
            named = letters >= _FEWEST_LETTERS and not _is_numeral(one[0]) and not _is_numeral(other[0])
            alike = named and fuzz.ratio(*plain) >= _SAME_HEAD
        if not alike:
            break
        count += 1
    return count


def _are_same_column_numbers(above: Sequence[str], below: Sequence[str]) -> bool:
    """Whether two rows number the columns, (1) (2) (3), one cell of them misread at most."""
    wanted = [str(number) for number in range(1, len(below) + 1)]
    return len(below) > _FEWEST_NUMBERED and all(
        sum(cell.strip("() ") == number for cell, number in zip(row, wanted, strict=False)) >= len(wanted) - 1
        for row in (above, below)
    )


def _is_numeral(cell: str) -> bool:
    return cell.strip(".) ").isdigit()


def _digits(text: str) -> str:
    return "".join(c for c in text if c.isdigit())


def without_rows(zone: Zone, count: int) -> tuple[Zone, list[Line]]:
    """A table without its first rows, and the lines of those."""
    at = zone.rows[count]
    gone = [line for line in zone.lines if line.box.y < at]
    kept = tuple(line for line in zone.lines if line.box.y >= at)
    rest = replace(
        zone,
        lines=kept,
        rows=zone.rows[count:],
        merged=tuple((row - count, column) for row, column in zone.merged if row >= count),
        tall=tuple((row - count, column) for row, column in zone.tall if row >= count),
        box=zone.box._replace(top=at),
    )
    return rest, gone


def _has_own_head(zone: Zone) -> bool:
    """Whether the first row of a table names the columns: a word above numbers in the first column that has some."""
    rows = _row_texts(zone)
    if len(rows) < 2:
        return False
    numbered = [_is_numeral(row[0]) for row in rows[1:]]
    return sum(c.isalpha() for c in rows[0][0]) >= 2 and any(numbered) and sum(map(bool, rows[0])) > 1


def _row_texts(zone: Zone) -> list[list[str]]:
    """The words of each cell, as they were read."""
    return [[" ".join(word.text for line in cell for word in line) for cell in row] for row in _words(zone)]


def _words(zone: Zone) -> list[list[list[list[Word]]]]:
    """The words of a table by row, column and line; each in the cell in which its middle stands."""
    columns, rows = zone.columns[1:-1], zone.rows[1:-1]
    pieces: dict[tuple[int, int, int], list[Word]] = {}
    for number, line in enumerate(zone.lines):
        for word in line.words:
            at = _first_of_merged(zone, bisect(rows, word.box.y), bisect(columns, word.box.x))
            pieces.setdefault((*at, number), []).append(word)
    cells: dict[tuple[int, int], list[list[Word]]] = {}
    for (row, column, _), words in pieces.items():
        cells.setdefault((row, column), []).append(words)
    return [
        [_in_lines(cells.get((row, column), [])) for column in range(len(columns) + 1)] for row in range(len(rows) + 1)
    ]


def _in_lines(pieces: Sequence[list[Word]]) -> list[list[Word]]:
    """The words of a cell by the lines they stand on, left to right; a line may have been read in pieces."""
    lines: list[list[Word]] = []
    for piece in sorted(pieces, key=lambda words: hull([word.box for word in words]).y):
        box = hull([word.box for word in piece])
        above = hull([word.box for word in lines[-1]]) if lines else None
        if above and above.down(box) > _LEVEL * min(above.height, box.height) and above.across(box) <= 0:
            lines[-1] += piece
        else:
            lines.append(list(piece))
    return [sorted(line, key=lambda word: word.box.left) for line in lines]


def _first_of_merged(zone: Zone, row: int, column: int) -> tuple[int, int]:
    """Where the text of a cell stands: in the first row and column of those that it runs over."""
    while True:
        if (row, column - 1) in zone.merged:
            column -= 1
        elif (row - 1, column) in zone.tall:
            row -= 1
        else:
            return row, column


@dataclass(frozen=True, slots=True)
class PagePart:
    """The part of a table that stands on one page; ``goes_on``: it continues the one before it."""

    page: int
    zone: Zone
    goes_on: bool = False


def table_blocks(parts: Sequence[PagePart], rulings: Rulings) -> Iterator[Block]:
    """The tables that these parts make, a block each."""
    whole: list[PagePart] = []
    for part in parts:
        if whole and not part.goes_on:
            yield _block(whole, rulings)
            whole = []
        whole.append(part)
    if whole:
        yield _block(whole, rulings)


def _block(parts: Sequence[PagePart], rulings: Rulings) -> Block:
    if len(parts) == 1 and _is_formula(parts[0].zone):
        return _formula(parts[0], rulings)
    grid: list[Row] = []
    for part in parts:
        rows = _rows(part, rulings)
        if grid and rows and _cut_by_page_end(grid, rows):
            grid[-1] = tuple(join_lines([above, below]) for above, below in zip(grid[-1], rows.pop(0), strict=True))
        grid += rows
    cells = tuple(tuple(published(cell) for cell in row) for row in grid)
    tokens = tuple(one for row in grid for cell in row for one in cell)
    return Block("table", tokens, parts[0].page, box=parts[0].zone.box, rows=cells)


def _rows(part: PagePart, rulings: Rulings) -> list[Row]:
    """The tokens of each cell."""

    def cell(lines: Sequence[Sequence[Word]]) -> Tokens:
        return join_lines(_line_tokens(part.page, line, rulings) for line in lines)

    return [tuple(map(cell, row)) for row in _words(part.zone)]


def _line_tokens(page: int, words: Sequence[Word], rulings: Rulings) -> Tokens:
    """The words of one line of a cell."""
    box = hull([word.box for word in words])
    return tuple(token(page, word, rulings, (box.top, box.bottom)) for word in words)


def _is_formula(zone: Zone) -> bool:
    """Whether what looks like a table without borders is a formula in words, of few lines, with its equals sign."""
    if not zone.is_open:
        return False
    rows = _row_texts(zone)
    signs = [cell for row in rows for cell in row if cell.startswith("=")]
    return len(rows) <= _HIGHEST_FORMULA and len(signs) == 1


def _formula(part: PagePart, rulings: Rulings) -> Block:
    """A formula in words, term by term: what stands in one column is one term."""
    terms = [[line for cell in column for line in cell] for column in zip(*_words(part.zone), strict=True)]
    tokens = (one for term in terms for line in term for one in _line_tokens(part.page, line, rulings))
    return Block("paragraph", tuple(tokens), part.page, box=part.zone.box)


def _cut_by_page_end(above: Sequence[Row], below: Sequence[Row]) -> bool:
    """Whether the first row of a page is the rest of the last one of the page before.

    The first column, which has something in all other rows, is empty in it, and what it has goes on with a text.
    """
    rest, last = below[0], above[-1]
    if rest[0] or not any(rest):
        return False
    if not all(row[0] for row in (*above[1:], *below[1:])):
        return False
    filled = [(cell, before) for cell, before in zip(rest, last, strict=True) if cell]
    if not all(before for _, before in filled):
        return False
    return len(filled) == 1 or all(_begins_within(cell[0]) for cell, _ in filled)


def _begins_within(first: Token) -> bool:
    """Whether a word may stand in the middle of a sentence only."""
    return first.text[:1].islower() or not first.text[:1].isalnum()


def disagreements(block: Block) -> Iterator[PageWarning]:
    """A warning for each row of a table whose numbers do not agree as those of its other rows do.

    One column may be the share, in percent, of another in a third, or the sum of the ones before it; a row of totals is
    the sum of the rows above it. Nothing is changed: the paper itself may be wrong.
    """
    numbers = [[_number(cell) for cell in row] for row in block.rows]
    for row in sorted(_odd_rows(numbers)):
        values = "; ".join(
            cell for cell, number in zip(block.rows[row], numbers[row], strict=True) if number is not None
        )
        yield PageWarning(
            block.page,
            f"The numbers in row {row + 1} of a table do not agree as in the others: {values}.",
            about="numbers",
        )
    yield from _wrong_totals(block, numbers)


def _is_total(cell: str) -> bool:
    return bool(_TOTAL.fullmatch(skeleton(cell)))


def _number(cell: str) -> Decimal | None:
    """A cell as a number, as they are written in Vietnamese: ``1.234,5``."""
    text = cell.strip().rstrip("%").strip()
    return Decimal(text.replace(".", "").replace(",", ".")) if _NUMBER.fullmatch(text) else None


def _odd_rows(numbers: Sequence[Sequence[Decimal | None]]) -> set[int]:
    """The rows in which a relation that holds in most others does not."""
    columns = max(map(len, numbers), default=0)
    odd: set[int] = set()
    for whole in range(1, columns):
        for part in range(1, columns):
            for share in range(max(whole, part) + 1, columns):
                if whole == part:
                    continue
                held = {
                    index: _is_share(row[whole], row[part], row[share])
                    for index, row in enumerate(numbers)
                    if row[whole] and row[part] is not None and row[share] is not None
                }
                if sum(held.values()) >= max(_FEWEST_ROWS, _MOST_ROWS * len(held)):
                    odd |= {index for index, holds in held.items() if not holds}
    return odd


def _is_share(whole: Decimal | None, part: Decimal | None, share: Decimal | None) -> bool:
    """Whether ``share`` is 100 times ``part`` over ``whole``, rounded, or cut off, to as many places as it has."""
    assert whole is not None and part is not None and share is not None
    exponent = share.as_tuple().exponent
    unit = Decimal(1).scaleb(exponent if isinstance(exponent, int) else 0)
    return abs(100 * part / whole - share) <= unit


def _wrong_totals(block: Block, numbers: Sequence[Sequence[Decimal | None]]) -> Iterator[PageWarning]:
    """The last row, where it gives totals, against the rows above it."""
    totals = [any(map(_is_total, row)) for row in block.rows]
    if len(numbers) < _FEWEST_ROWS or not totals[-1] or any(totals[1:-1]):  # no sums of sums
        return
    for column, total in enumerate(numbers[-1]):
        addends = _addends([row[column] for row in block.rows[:-1]])
        if total is not None and addends and sum(addends) != total:
            yield PageWarning(
                block.page,
                f"The last row of a table says {block.rows[-1][column]} in column {column + 1}; "
                f"the rows above it add up to {sum(addends)}.",
                about="numbers",
            )


def _addends(cells: Sequence[str]) -> list[Decimal]:
    """The numbers of a column below its head; none where it holds anything else, or counts the rows."""
    numbers = [_number(cell) for cell in cells if cell.strip()]
    first = next((index for index, number in enumerate(numbers) if number is not None), len(numbers))
    body = [number for number in numbers[first:] if number is not None]
    if len(body) < max(_FEWEST_ROWS - 1, len(numbers) - first) or _rises_by_one(body):
        return []
    return body


def _rises_by_one(numbers: Sequence[Decimal]) -> bool:
    return all(after - before == 1 for before, after in pairwise(numbers))
