"""Tables of other engines' text, and of our own: rows of cells parted by tabs or by bars.

A cell may be empty, the first or the last of its row too, and so may a whole row: what makes lines a table is that
they stand together, not what is in them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise

from normalize.plaintext.markup import Rows, plain

ROW = "\ue004"
"""Before a line that is a row of cells parted by tabs."""

#: A line of so many words between tabs is a row even if no other stands beside it.
_CELLS_ALONE = 3
_DELIMITER, _LONG_DELIMITER = re.compile(r":?-+:?"), re.compile(r":?-{3,}:?")


def with_rows_told(lines: Sequence[str]) -> list[str]:
    """The lines, those that are rows of cells parted by tabs with :data:`ROW` before them."""
    out: list[str] = []
    for tabbed, group in groupby(lines, key=lambda line: "\t" in line):
        run = list(group)
        out += [ROW + line for line in run] if tabbed and _are_rows(run) else run
    return out


def _are_rows(run: Sequence[str]) -> bool:
    """Whether lines with tabs are rows: two of them with as many cells, and not for an indent's sake alone."""
    inner = [line.strip().count("\t") for line in run]
    if len(run) == 1:
        return len(re.findall(r"[^\t]+", run[0].strip())) >= _CELLS_ALONE
    alike = any(one.count("\t") == other.count("\t") for one, other in pairwise(run))
    return alike and any(inner)


def is_row(line: str) -> bool:
    """Whether a line is a row of a table, its cells parted by tabs or by bars."""
    return bool(_kind(line))


def _kind(line: str) -> str:
    """What parts the cells of a line: :data:`ROW` for tabs, a bar, or nothing."""
    return ROW if line.startswith(ROW) else "|" if _is_barred(line) else ""


def _is_barred(line: str) -> bool:
    return line.lstrip().startswith("|") and line.rstrip().endswith("|") and line.count("|") > 1


def tables_in(lines: Sequence[str]) -> Iterator[tuple[list[str], Rows]]:
    """Lines that follow each other, as text or as the cells of a table: one of the two is empty."""
    for kind, group in groupby(
        lines, key=lambda line: ROW if line.startswith(ROW) else "|" if _is_barred(line) else ""
    ):
        run = list(group)
        if kind == ROW:
            yield [], tuple(tuple(map(_cell, line[len(ROW) :].split("\t"))) for line in run)
        elif kind:
            rows = [tuple(map(_cell, re.split(r"(?<!\\)\|", line.strip()[1:-1]))) for line in run]
            yield [], tuple(row for index, row in enumerate(rows) if not _parts_head(row, index)) or (("",),)
        else:
            yield run, ()


def _parts_head(row: Sequence[str], index: int) -> bool:
    """Whether a row of bars is the line below the head: dashes, three of them where it is not the second row."""
    dashes = _DELIMITER if index == 1 else _LONG_DELIMITER
    return all(dashes.fullmatch(cell) for cell in row)


def _cell(text: str) -> str:
    return " ".join(plain(text.strip()).split())
