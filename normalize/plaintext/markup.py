r"""The markup of other engines taken off: HTML, Markdown, LaTeX, image links.

``$m^{2}$`` is m², ``$104\%$`` is 104%, ``**Điều 1**`` is Điều 1. What is no plain print after that stays as it stands.
Nothing here looks farther than it must: a sign that opens and is never closed costs no search of the whole text.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from normalize.document import Dropped
from normalize.plaintext.signs import NOTATION, seal

TABLE = "\ue003"
"""Around the number of a table, on the line that stands for it."""

Rows = tuple[tuple[str, ...], ...]

_ESCAPED = re.compile(r"\\([*_#\[\]().+\-!~<>|$%&:@`])")
_TAG = re.compile(
    r"</?(?:b|i|u|strong|em|span|font|p|div|center|figure|figcaption|ins|mark|small)(?:\s[^<>]*)?>", re.IGNORECASE
)
_NOT_SUPERSCRIPT = re.compile(r"<(?!/?sup\b)[^<>]*>")
#: Links to pictures that an engine cut out of the page, and comments that stand for one.
_IMAGE = re.compile(
    r"!\[[^\[\]\n]*\]\((?:[^()\n]|\([^()\n]*\))*\)|!\[[^\[\]\n]*\]\[[^\[\]\n]*\]|<img\b[^<>]*>"
    r"|<!--\s?(?:image|picture|figure|formula-not-decoded)\s?-->",
    re.IGNORECASE,
)


def without_images(text: str) -> tuple[str, list[Dropped]]:
    """The text without links to pictures, and those links."""
    if "!" not in text and "<" not in text:
        return text, []
    links = [Dropped(0, None, found[0], "image link") for found in _IMAGE.finditer(text)]
    return _IMAGE.sub(" ", text) if links else text, links


# -- HTML -----------------------------------------------------------------------------------------------------------


def without_html(text: str) -> tuple[str, list[Rows]]:
    """The text with a line of its own for each HTML table, and the tables' cells."""
    tables: list[Rows] = []

    def take(found: str) -> str:
        rows = [
            tuple(
                plain(re.sub(r"\s+", " ", _NOT_SUPERSCRIPT.sub(" ", cell)).strip())
                for cell in _elements(row, r"<t[dh]\b[^<>]*>", r"</t[dh]>")
            )
            for row in _elements(found, r"<tr\b[^<>]*>", r"</tr>")
        ]
        rows = [row for row in rows if row]
        kept = "".join(cell for row in rows for cell in row)
        rest = _NOT_SUPERSCRIPT.sub(" ", found)
        if not _same_words(kept, plain(rest)):  # a broken table is text
            return rest
        tables.append(tuple(rows))
        return f"\n\n{TABLE}{len(tables) - 1}{TABLE}\n\n"

    if "&" in text:
        text = re.sub(r"&(?:nbsp|amp|quot);", lambda found: html.unescape(found[0]).replace("\xa0", " "), text)
    if "<" in text:
        text = _replaced(text, r"<table\b[^<>]*>", r"</table>", take)
        text = re.sub(r"<br\s{0,3}/?>", "\n", text, flags=re.IGNORECASE)
    return text, tables


def _spans(text: str, opening: str, closing: str) -> Iterator[tuple[int, int, int, int]]:
    """Where elements begin, where their insides begin and end, and where they end; one that is not closed is none."""
    opens, closes = (re.compile(pattern, re.IGNORECASE) for pattern in (opening, closing))
    at = 0
    while (first := opens.search(text, at)) and (last := closes.search(text, first.end())):
        yield first.start(), first.end(), last.start(), last.end()
        at = last.end()


def _elements(text: str, opening: str, closing: str) -> list[str]:
    """The insides of the elements of a text."""
    return [text[begins:ends] for _, begins, ends, _ in _spans(text, opening, closing)]


def _replaced(text: str, opening: str, closing: str, replace: Callable[[str], str]) -> str:
    """The text with each element replaced, by its text."""
    out, at = [], 0
    for start, _, _, end in _spans(text, opening, closing):
        out += [text[at:start], replace(text[start:end])]
        at = end
    return "".join([*out, text[at:]])


def _same_words(one: str, other: str) -> bool:
    return sorted(c for c in one if c.isalnum()) == sorted(c for c in other if c.isalnum())


# -- LaTeX ----------------------------------------------------------------------------------------------------------

_SUPERSCRIPTS, _SUBSCRIPTS = (str.maketrans("0123456789", digits) for digits in ("⁰¹²³⁴⁵⁶⁷⁸⁹", "₀₁₂₃₄₅₆₇₈₉"))
_LONGEST_FORMULA = 200  # letters
#: The space between a formula and a comma is the engine's, not the page's.
_FORMULA = re.compile(
    rf"(?:\$\$?([^$\n]{{1,{_LONGEST_FORMULA}}})\$\$?|\\\(([^$\n]{{1,{_LONGEST_FORMULA}}}?)\\\))(?: (?=[.,;:](?:\s|$)))?"
)
#: What only a formula has; "$100" and "$200" are money.
_IS_LATEX = re.compile(r"[\\^_{}~]")
_FONT = re.compile(
    r"\\(?:mathrm|mathbf|mathit|mathsf|text|textbf|textit|textrm|underline|emph|operatorname|mbox|rm|bf)\s?\{([^{}]*)\}"
)
_FONTS_WITHIN = 3  # fonts within fonts
_FRACTION = re.compile(r"\\[dt]?frac\s?\{([^{}]*)\}\s?\{([^{}]*)\}")
_RAISED = re.compile(r"(?:\{\s?\})?\s?\^\s?(?:\{\s?[\[(]?\s?(\d(?:\s?\d){0,2})\s?[\])]?\s?\}|(\d))")
_LOWERED = re.compile(r"\s?_\s?(?:\{\s?(\d+)\s?\}|(\d))")
#: A raised sign behind a number: the unit of money, as print has it (182.900đ), and the degree.
_RAISED_DONG = re.compile(r"(?<=\d)\s?(?:\^(?:\s?\{\s?đ\s?\}|đ(?!\w))|<sup>\s?đ\s?</sup>)")
_DONG = re.compile(r"\s?\^\s?(?:\{\s?đ\s?\}|đ)\s?")
_RAISED_DEGREE = re.compile(r"(?<=\d)\s?\^\s?(?:\{\s?[oO0°º]\s?\}|[oO0°º])\s?C\b")
_DEGREE = re.compile(r"\s?\^\s?(?:\{\s?\\circ\s?\}|\\circ)\s?")
#: What is left of ``25 $^{\circ}$ C`` with the spaces around the formula.
_SPACED_DEGREE = re.compile(r"(?<=\d) ?° ?C\b")
_NAMED = {
    "times": "×", "cdot": "·", "div": "÷", "pm": "±", "le": "≤", "leq": "≤", "leqslant": "≤", "ge": "≥", "geq": "≥",
    "geqslant": "≥", "ne": "≠", "neq": "≠", "approx": "≈", "sim": "~", "to": "→", "rightarrow": "→", "Rightarrow": "⇒",
    "leftarrow": "←", "degree": "°", "circ": "°", "alpha": "α", "beta": "β", "gamma": "γ", "mu": "µ", "Delta": "Δ",
    "Sigma": "Σ", "sum": "∑", "infty": "∞", "ldots": "…", "dots": "…", "cdots": "…", "permil": "‰", "checkmark": "✓",
    "square": "☐", "Box": "☐", "boxtimes": "☒", "bullet": "•", "star": "★", "ast": "*", "quad": " ",
}  # fmt: skip
_COMMAND = re.compile(r"\\([A-Za-z]+)")
_SPACE = re.compile(r"\\[,;:! ]|~")
_SIGN = re.compile(r"\\([%&#_$])")
#: What engines write of a formula without its dollar signs.
_UNIT = re.compile(r"\b((?:[kcdmh]|da)?m)\s?\^\s?([23])(?![\w^])")
_BARE_SIGN = re.compile(r"\\(times|leq?|geq?|leqslant|geqslant|pm|approx|div|rightarrow)(?![A-Za-z])")
_BARE_FORMULA = re.compile(r"[\\^]")


def _without_latex(text: str) -> str:
    """The text with each formula that is plain print written as such."""
    if "$" in text or "\\(" in text:
        text = _FORMULA.sub(lambda found: _printed(found[1] or found[2]) or found[0], text)
        text = _SPACED_DEGREE.sub("°C", text)
    return _without_bare_latex(text) if _BARE_FORMULA.search(text) or "<sup>" in text else text


def _without_bare_latex(text: str) -> str:
    """The text with what engines write of formulas without dollar signs as print has it: ``12 m^2``, ``5 ^oC``."""
    for _ in range(_FONTS_WITHIN):
        text = _FONT.sub(r"\1", text)
    text = _RAISED_DEGREE.sub("°C", _RAISED_DONG.sub("đ", text))
    text = _UNIT.sub(lambda found: found[1] + found[2].translate(_SUPERSCRIPTS), text)
    return _BARE_SIGN.sub(lambda found: _NAMED[found[1]], text)


def _printed(formula: str) -> str | None:
    """What a formula looks like in print, where that is a line of plain signs; ``None`` for any other."""
    if _DONG.fullmatch(formula):
        return "đ"
    if not _IS_LATEX.search(formula):
        return None
    out = " ".join(formula.split())
    if all(len(part) == 1 or part.startswith("\\") for part in out.split(" ")):  # "1 0 4 \%": a space between all signs
        out = re.sub(r"(?<=[\d.,]) (?=[\d.,%\\])", "", out)
    for _ in range(_FONTS_WITHIN):
        out = _FONT.sub(r"\1", out)
    out = _RAISED_DONG.sub("đ", out)
    out = _FRACTION.sub(r"\1/\2", out)
    out = _DEGREE.sub("°", out)
    out = _RAISED.sub(lambda found: (found[1] or found[2]).replace(" ", "").translate(_SUPERSCRIPTS), out)
    out = _LOWERED.sub(lambda found: (found[1] or found[2]).translate(_SUBSCRIPTS), out)
    out = _SPACE.sub(" ", _SIGN.sub(r"\1", out))
    out = _COMMAND.sub(lambda found: _NAMED.get(found[1], found[0]), out)
    out = re.sub(r"\{([^{}]*)\}", r"\1", out).strip()
    return None if not out or re.search(r"[\\^{}]", out) else out


# -- Markdown -------------------------------------------------------------------------------------------------------

_LONGEST_RUN = 3  # stars or underscores that may be emphasis
_DEEPEST = 8  # emphasis within emphasis
_ASIDE = {sign: chr(0xE020 + at) for at, sign in enumerate("*_<$")}
_SHOWN = str.maketrans({aside: sign for sign, aside in _ASIDE.items()})


def plain(text: str) -> str:
    """A stretch of text with its raised numbers sealed and its markup gone."""
    text = _set_aside(text, "*<$") if "\\" in text else text
    text = _TAG.sub("", text) if "<" in text else text
    text = NOTATION.sub(seal, _without_latex(text))
    text = _set_aside(text, "_") if "\\" in text else text  # in a formula it stands for itself anyway
    for _ in range(_DEEPEST):
        bare = _without_lines(_without_stars(text))
        if bare == text:
            break
        text = bare
    return _ESCAPED.sub(r"\1", text).translate(_SHOWN)


def _set_aside(text: str, signs: str) -> str:
    """The text with other signs for those that are escaped, which are no markup."""
    for sign in signs:
        text = text.replace(f"\\{sign}", _ASIDE[sign])
    return text


def _is_word(text: str, at: int) -> bool:
    """Whether the character at a place belongs to a word; there is none beyond the ends."""
    return 0 <= at < len(text) and (text[at].isalnum() or text[at] == "_")


def _without_stars(text: str) -> str:
    """The text without the stars around words; engines do not always close with as many as they open."""
    if "*" not in text:
        return text
    runs = [found.span() for found in re.finditer(r"\*+", text)]
    gone = _paired([run for run in runs if run[1] - run[0] <= _LONGEST_RUN], text, _closes_word, _opens_word)
    # Two stars each are emphasis inside words as well.
    twos = [run for run in runs if run[1] - run[0] == 2 and run not in gone]
    return _cut(text, gone | _paired(twos, text, _closes_anywhere, _opens_anywhere))


_Span = tuple[int, int]
_Takes = Callable[[str, _Span], bool]


def _paired(runs: Sequence[_Span], text: str, closes: _Takes, opens: _Takes) -> set[_Span]:
    """The runs that open and close something, by each other: the nearest open one is closed first."""
    gone: set[_Span] = set()
    opened: list[_Span] = []
    for run in runs:
        if opened and closes(text, run):
            gone |= {opened.pop(), run}
        elif opens(text, run):
            opened.append(run)
    return gone


def _closes_word(text: str, run: _Span) -> bool:
    return text[run[0] - 1] not in " \t\n(" and not _is_word(text, run[1])


def _opens_word(text: str, run: _Span) -> bool:
    return not _is_word(text, run[0] - 1) and run[1] < len(text) and text[run[1]] not in " \t\n).,;:"


def _closes_anywhere(text: str, run: _Span) -> bool:
    return not text[run[0] - 1].isspace()


def _opens_anywhere(text: str, run: _Span) -> bool:
    return run[1] < len(text) and not text[run[1]].isspace()


def _without_lines(text: str) -> str:
    """The text without the underscores around words."""
    if "_" not in text:
        return text
    gone: set[tuple[int, int]] = set()
    opened: dict[int, list[tuple[int, int]]] = {length: [] for length in range(1, _LONGEST_RUN + 1)}
    for found in re.finditer(r"_+", text):
        start, end = found.span()
        same = opened.get(end - start)
        if same is None:
            continue
        if same and not text[start - 1].isspace() and not _is_word(text, end):
            gone |= {same.pop(), (start, end)}
        elif not _is_word(text, start - 1) and _is_word(text, end):
            same.append((start, end))
    return _cut(text, gone)


def _cut(text: str, gone: set[tuple[int, int]]) -> str:
    """The text without some of its parts."""
    if not gone:
        return text
    edges = [(0, 0), *sorted(gone), (len(text), len(text))]
    return "".join(text[before[1] : after[0]] for before, after in pairwise(edges))
