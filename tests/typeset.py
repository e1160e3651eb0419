"""Pages for tests, typeset from a few characters a line.

A page of a case file is a list of lines, each ``ZONE TEXT``:

- the zone: ``L`` left column, ``R`` right column, ``T`` text, ``N`` footnotes, ``H`` head, ``X`` noise,
  ``B`` a small frame at the left (a table of one cell), ``S`` text set in the right half;
- ``+`` in place of ``R``: the first line of a right column that begins level with the left one above it;
- ``>`` before the text: set in by a first-line indent; ``|`` before it: centred;
- ``<`` after it: a last line, as long as its words; without it the line is justified to the right margin;
- superscript digits in the text are raised signs, and so is ``⁎`` (a raised asterisk).

``--- page`` begins a page, ``--- unreadable`` an unreadable one, ``--- published`` the expected text.
"""

from __future__ import annotations

import re
from pathlib import Path

from ocr.page import Box, Line, Page, Raised, Word, Zone, hull, letter

LEFT, RIGHT, WIDTH, HEIGHT = 350, 2270, 2480, 3508
LETTER, GAP, PITCH = 22, 14, 75
_SUPERSCRIPT = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁎", "0123456789*", strict=True))
_RAISED = re.compile("[" + "".join(_SUPERSCRIPT) + "]+")
ZONES = {"L": "left", "R": "right", "T": "text", "N": "notes", "H": "head", "X": "noise", "B": "table", "S": "text"}


def word(text: str, left: int, baseline: int, confidence: float = 95.0) -> Word:
    """A word at a place; superscript digits in it become raised signs."""
    plain, raised, at = "", [], 0
    for found in _RAISED.finditer(text):
        plain += text[at : found.start()]
        at = found.end()
        x = left + LETTER * len(plain)
        digits = "".join(_SUPERSCRIPT[c] for c in found[0])
        raised.append(Raised(len(plain), digits, 95.0, Box(x, baseline - 45, x + 10, baseline - 25)))
    plain += text[at:]
    box = Box(left, baseline - 40, left + LETTER * max(1, len(plain)), baseline + 10)
    return Word(plain, box, confidence, tuple(letter(c) for c in plain), tuple(raised))


def line(text: str, zone: str, baseline: int) -> Line:
    """A line of one zone, set as its signs say."""
    small = zone == "N"
    indented, centred, short = text.startswith(">"), text.startswith("|"), text.endswith("<")
    parts = text.lstrip(">|").removesuffix("<").split()
    natural = sum(LETTER * len(_RAISED.sub("", part)) for part in parts) + GAP * (len(parts) - 1)
    left, right = LEFT + (150 if indented else 0), RIGHT
    if zone in "RS":
        left = 1300 if zone == "R" else 1500
    if centred:
        left = (LEFT + RIGHT - natural) // 2
    justified = not (short or centred or zone in "LRHXBS")
    gap = (right - left - natural + GAP * (len(parts) - 1)) / max(1, len(parts) - 1) if justified else GAP
    assert gap >= 0, f"too long for a line: {text}"
    words, x = [], float(left)
    for part in parts:
        words.append(word(part, round(x), baseline))
        x += words[-1].box.width + gap
    return Line(tuple(words), hull([one.box for one in words]), baseline, 20.0 if small else 28.0)


def page(number: int, rows: list[str]) -> Page:
    """A page of lines as described above."""
    zones: list[tuple[str, list[Line]]] = []
    baseline, lowest = 200, 200
    for row in rows:
        kind, text = row[0].replace("+", "R"), row[2:]
        if row[0] == "+":
            lowest, baseline = baseline, zones[-1][1][0].baseline
        elif kind != "R":
            baseline = max(baseline, lowest)
        if not zones or zones[-1][0] != ZONES[kind]:
            zones.append((ZONES[kind], []))
        zones[-1][1].append(line(text, kind, baseline))
        baseline += PITCH
    return Page(
        number=number,
        width=WIDTH,
        height=HEIGHT,
        dpi=300,
        zones=tuple(_zone(kind, lines) for kind, lines in zones),
    )


def _zone(kind: str, lines: list[Line]) -> Zone:
    box = hull([one.box for one in lines])
    if kind == "table":
        return Zone(kind, tuple(lines), box, (box.left, box.right), (box.top, box.bottom))
    return Zone(kind, tuple(lines), box)


def read_case(path: Path) -> tuple[list[Page], str]:
    """The pages of a case file and the text expected of them."""
    pages: list[Page] = []
    rows: list[str] = []
    expected: list[str] | None = None
    kind = ""

    def finish() -> None:
        if kind == "page":
            pages.append(page(len(pages) + 1, rows))
        elif kind == "unreadable":
            pages.append(Page(len(pages) + 1, WIDTH, HEIGHT, 300, error="poppler gave no picture"))

    for row in path.read_text("utf-8").splitlines():
        if expected is not None:
            expected.append(row)
        elif row.startswith("--- "):
            finish()
            kind, rows = row[4:].strip(), []
            if kind == "published":
                expected = []
        elif row and not row.startswith("#"):
            rows.append(row)
    assert expected is not None, f"{path} expects nothing"
    return pages, "\n".join(expected).strip() + "\n"
