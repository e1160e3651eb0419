"""Text of another OCR engine to chunks: paragraphs, or the pieces of them that page ends left.

Engines differ in what a line is (a printed line, or a paragraph), in what blank lines part, and in what they leave of
the page: its number, its running header, a rule, a form feed, a comment. What a line is, is told by the lengths of all
lines; what belongs to the page and not to the text, by numbers that rise and by lines that come again and again.
"""

from __future__ import annotations

import html
import re
import unicodedata
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from normalize.document import Dropped
from normalize.vietnamese.decree30 import is_list_item

#: Around a raised number, and a bracketed one, while the text is taken apart.
RAISED, BRACKETED, CLOSED = "\ue000", "\ue002", "\ue001"
SIGN = re.compile(f"([{RAISED}{BRACKETED}])(\\d+){CLOSED}")
_TABLE = "\ue003"

_DIGITS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
_NOTATION = re.compile(
    r"<sup>\s*[\[(]?\s*(?P<sup>\d{1,3})\s*[\])]?\s*</sup>"
    r"|⁽?(?P<raised>[⁰¹²³⁴⁵⁶⁷⁸⁹]{1,3})⁾?"
    r"|\$\s*(?:\{\})?\^\s*\{?\s*(?:\\text\{)?[(\[]?(?P<latex>\d{1,3})[)\]]?\}?\}?\s*\$"
    r"|\\\(\s*\^\s*\{?(?P<latex2>\d{1,3})\}?\s*\\\)"
    r"|\\textsuperscript\{(?P<text>\d{1,3})\}"
    r"|\^\{?\[?(?P<caret>\d{1,3})\]?\}?\^"
    r"|\^\{(?P<brace>\d{1,3})\}"
    r"|\\?\[\^(?P<markdown>\d{1,3})\\?\]:?"
    r"|\\?\[(?P<bracket>\d{1,3})\\?\]",
    re.IGNORECASE,
)
_HEAD = re.compile(rf"[{RAISED}{BRACKETED}](\d+){CLOSED}\s*")
_ESCAPED = re.compile(r"\\([*_#\[\]().+\-!~>|])")
#: Stars or underscores around words, as Markdown has them; engines do not always close with as many as they open.
_EMPHASIS = re.compile(
    r"(?<!\w)\*{1,3}(?=[^\s*).,;:])(.*?[^\s*(])\*{1,3}(?!\w)|\*\*(?=\S)(.*?\S)\*\*"
    r"|(?<!\w)(?P<line>_{1,3})(?=[^\W_])(.*?[^\s_])(?P=line)(?!\w)"
)
_TAG = re.compile(r"</?(?:b|i|u|strong|em|span|font|p|div|center)(?:\s[^<>]*)?>", re.IGNORECASE)
_RULE = re.compile(r"[\s\-_*=–—~]{3,}")
#: Lines that only another engine writes between two pages.
_PAGE_END = re.compile(
    r"<!--\s*(?:(?:page|trang|pagebreak|page[ -]break)\b[^<>]*)-->|\{\d+\}-{3,}|<page_number>.{0,12}</page_number>"
    r"|<(?:pagebreak|page)\s*/?>|\\(?:newpage|pagebreak)",
    re.IGNORECASE,
)
_PAGE_NUMBER = re.compile(
    r"(?P<fence>[\s#*=_\[(|<–—-]*)(?P<word>(?:trang|page|tr\.|p\.)\s*(?:số\s*)?[:.]?\s*)?(?P<number>\d{1,3})"
    r"(?P<of>\s*(?:/|of|trên)\s*\d{1,3})?[\s#*=_\])|>–—-]*",
    re.IGNORECASE,
)
_ENDED = re.compile(rf"[.;:!?…](?:[\"”’)\]*_]|\s?[{RAISED}{BRACKETED}]\d+{CLOSED})*$|/\.$")
#: What a note's head may look like where its number is set in ordinary digits.
PLAIN_HEAD = re.compile(
    r"(?:\((?P<paren>\d{1,3})\)\s*|(?P<dot>\d{1,3})\.\s+|(?P<close>\d{1,3})\)\s*|(?P<space>\d{1,3})\s+"
    r"|(?P<glued>\d{1,3})(?=[^\W\d_][^\W\d_]|[(“\"]))(?=\S)"
)

_WIDEST = 140  # letters in a printed line
_PAGE_AT_LEAST = 500  # letters between two page numbers
_MOST_HEADERS = 4  # different lines that pages carry at top and foot
_NAMED_PAGE_AT_LEAST = 80  # the same where they are written as such


@dataclass(frozen=True, slots=True)
class Chunk:
    """A paragraph or a piece of one, as it stands in the text.

    Attributes:
        text: plain, raised numbers between private characters.
        head: the raised number it begins with; empty for none.
        bracketed: the head is ``[1]``, which may as well be a list's.
        table: cells by row, of a Markdown or HTML table, as ``text`` is.
        page: 1 for the first, where the text says where pages end; 0 elsewhere.
        glued: it goes on with the chunk before it unless it turns out to be a note: nothing but its first
            characters, digits, speaks for a new paragraph.
        indented: by four spaces or more, as further paragraphs of a published note are.
    """

    text: str
    head: str = ""
    bracketed: bool = False
    table: tuple[tuple[str, ...], ...] = ()
    page: int = 0
    glued: bool = False
    indented: bool = False

    @property
    def ended(self) -> bool:
        """Its last sentence is whole, or it has none."""
        return bool(_ENDED.search(self.text)) or bool(self.table)

    @property
    def lower(self) -> bool:
        """Begins in the middle of a sentence, by its looks."""
        return begins_lower(self.text)

    @property
    def short(self) -> bool:
        """May be a heading, which ends without a full stop."""
        return len(self.text) < 160


def begins_lower(text: str) -> bool:
    """Whether a text begins in the middle of a sentence, by its looks."""
    first = next((c for c in text if c.isalnum()), "")
    return first.islower() and not is_list_item(text)


def bare(text: str) -> str:
    """A chunk's text without its raised numbers."""
    return SIGN.sub("", text)


def chunks_of(text: str) -> tuple[list[Chunk], list[Dropped]]:
    """The chunks of a text, and what belongs to its pages only: page numbers, running headers, separators."""
    text, tables = _without_html(_cleaned(text))
    lines = [line.rstrip() for line in text.split("\n")]
    pages, dropped = _page_ends(lines)
    chunks: list[Chunk] = []
    page = 1 if pages else 0
    measure = _measure([line for index, line in enumerate(lines) if index not in dropped])
    width = measure.width
    spaced = width > 0 and _spaced(lines, dropped)
    blank = sum(not line.strip() for line in lines)
    a_line_each = not width and blank < 0.1 * len(lines)
    begun = 0  # chunks before this page
    run: list[str] = []

    def close() -> None:
        chunks.extend(_chunks_of_run(run, page, measure, a_line_each, tables))
        run.clear()

    for index, line in enumerate(lines):
        if index in pages:
            close()
            page += len(chunks) > begun  # several signs of one page end count once
            begun = len(chunks)
        if index in dropped:
            continue
        if line.strip():
            run.append(line)
        elif not spaced:
            close()
    close()
    gone = [Dropped(0, None, lines[index].strip(), reason) for index, reason in sorted(dropped.items()) if reason]
    return chunks, [one for one in gone if any(c.isalnum() for c in one.text)]


def _cleaned(text: str) -> str:
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    text = re.sub("[\ufeff\u200b\u200c\u200d\u2060\u00ad]", "", text)
    text = re.sub("[\ue000-\ue003]", "\ufffd", text)
    text = re.sub("[\u00a0\u2000-\u200a\u202f]", " ", text).replace("\v", "\n").replace("\u2028", "\n")
    text = re.sub(r"^[ \t]+", lambda found: found[0].expandtabs(4), text, flags=re.MULTILINE)
    return text.replace("\f", "\n\f\n")


# -- tables and tags ------------------------------------------------------------------------------------------------


def _without_html(text: str) -> tuple[str, list[tuple[tuple[str, ...], ...]]]:
    """The text with a line of its own for each HTML table, and the tables' cells."""
    tables: list[tuple[tuple[str, ...], ...]] = []

    def take(found: re.Match[str]) -> str:
        rows = [
            tuple(
                _inside(re.sub(r"\s+", " ", re.sub(r"<(?!/?sup\b)[^<>]*>", " ", cell)).strip())
                for cell in re.findall(r"<t[dh]\b[^>]*>(.*?)</t[dh]>", row, re.DOTALL | re.IGNORECASE)
            )
            for row in re.findall(r"<tr\b[^>]*>(.*?)</tr>", found[0], re.DOTALL | re.IGNORECASE)
        ]
        rows = [row for row in rows if row]
        kept = "".join(cell for row in rows for cell in row)
        plain = re.sub(r"<(?!/?sup\b)[^<>]*>", " ", found[0])
        if not _same_words(kept, _inside(plain)):  # a broken table is text
            return plain
        tables.append(tuple(rows))
        return f"\n\n{_TABLE}{len(tables) - 1}{_TABLE}\n\n"

    if "&" in text:
        text = re.sub(r"&(?:nbsp|amp|quot);", lambda found: html.unescape(found[0]).replace("\xa0", " "), text)
    if "<" in text:
        text = re.sub(r"<table\b.*?</table>", take, text, flags=re.DOTALL | re.IGNORECASE)
        text = re.sub(r"<br\s*/?>", "\n", text, flags=re.IGNORECASE)
    return text, tables


def _same_words(one: str, other: str) -> bool:
    return sorted(c for c in one if c.isalnum()) == sorted(c for c in other if c.isalnum())


def _inside(text: str) -> str:
    """A stretch of text with its raised numbers sealed and its Markdown gone."""
    text = _TAG.sub("", text) if "<" in text else text
    text = _NOTATION.sub(_seal, text)
    while True:
        plain = _EMPHASIS.sub(lambda found: found[1] or found[2] or found[4], text)
        if plain == text:
            break
        text = plain
    return _ESCAPED.sub(r"\1", text)


def _seal(found: re.Match[str]) -> str:
    digits = next(group for group in found.groups() if group).translate(_DIGITS)
    return f"{BRACKETED if found['bracket'] else RAISED}{digits}{CLOSED}"


# -- what belongs to the page ---------------------------------------------------------------------------------------


def _page_ends(lines: Sequence[str]) -> tuple[set[int], dict[int, str]]:
    """Indexes of the lines at which a new page begins, and of the lines to leave out, with the reason.

    An empty reason is for lines that hold no word.
    """
    dropped: dict[int, str] = {}
    ends: set[int] = set()
    at = [0]  # letters before each line
    for line in lines:
        at.append(at[-1] + len(line.strip()))
    for index, line in enumerate(lines):
        if line == "\f" or _PAGE_END.fullmatch(line.strip()):
            dropped[index] = "page separator"
            ends.add(index)
    numbers = _page_numbers(lines, at)
    for index in numbers:
        dropped[index] = "page number"
    ends |= numbers
    rules = [index for index, line in enumerate(lines) if _RULE.fullmatch(line) and line.strip()]
    dropped |= dict.fromkeys(rules, "")
    if not ends and rules and not any(_heads_note(lines, index) for index in rules):
        ends |= {index for index in rules if at[index] >= _PAGE_AT_LEAST}
    headers = _running_headers(lines, at, dropped, ends)
    dropped |= dict.fromkeys(headers, "running header")
    if not ends:
        ends = headers
    return ends, dropped


def _heads_note(lines: Sequence[str], index: int) -> bool:
    """Whether the next line with words begins with a raised number: the rule stands above the footnotes."""
    following = next((line.strip() for line in lines[index + 1 :] if line.strip()), "")
    found = _NOTATION.match(following)
    return bool(found)


def _page_numbers(lines: Sequence[str], at: Sequence[int]) -> set[int]:
    """The lines that are page numbers: alone on their line, rising by one, a page apart."""
    found: list[tuple[int, int, bool, bool]] = []  # line, number, named, a word says so
    for index, line in enumerate(lines):
        if len(line) > 40 or not any(c.isdigit() for c in line):
            continue
        match = _PAGE_NUMBER.fullmatch(line.strip())
        if match and int(match["number"]) > 0:
            named = bool(match["word"] or match["of"] or re.search(r"[-–—=]", match["fence"]))
            if re.search(r"#", match["fence"]) and not match["word"]:
                continue  # a heading that is a number
            found.append((index, int(match["number"]), named, bool(match["word"])))
    # best[i]: longest chain of pages that ends with the i-th candidate
    best: list[int] = []
    before: list[int | None] = []
    last: dict[int, list[int]] = {}
    for i, (index, number, named, _) in enumerate(found):
        length, previous = 1, None
        for step in (1, 2, 3):
            for j in last.get(number - step, [])[-4:]:
                apart = at[index] - at[found[j][0] + 1]
                needed = _NAMED_PAGE_AT_LEAST if named and found[j][2] else _PAGE_AT_LEAST
                if apart >= needed and best[j] + 1 > length:
                    length, previous = best[j] + 1, j
        best.append(length)
        before.append(previous)
        last.setdefault(number, []).append(i)
    if not found:
        return set()
    end = max(range(len(found)), key=lambda i: (best[i], found[i][3]))
    chain: list[int] = []
    at_last: int | None = end
    while at_last is not None:
        chain.append(at_last)
        at_last = before[at_last]
    if len(chain) == 1 and not found[end][3] and not _cuts_sentence(lines, found[end][0], found[end][1], at):
        return set()
    kept = {found[i][0] for i in chain}
    # Numbers that are written as page numbers, and misread or out of order.
    kept |= {index for index, _, _, word in found if word}
    first, lowest = found[chain[-1]][0], found[chain[-1]][1]
    if lowest == 2:  # a 1 at the very top
        kept |= {index for index, number, _, _ in found if number == 1 and index < first and at[index] < 40}
    return kept


def _cuts_sentence(lines: Sequence[str], index: int, number: int, at: Sequence[int]) -> bool:
    """Whether a lone number parts two halves of a sentence, with a page of text before it."""
    if number != 2 or at[index] < _PAGE_AT_LEAST:
        return False
    following = next((line for line in lines[index + 1 :] if line.strip()), "")
    return begins_lower(following)


def _running_headers(lines: Sequence[str], at: Sequence[int], dropped: dict[int, str], ends: set[int]) -> set[int]:
    """Lines that come again and again where pages begin or end, and lie between the halves of sentences."""
    places: dict[str, list[int]] = {}
    for index, line in enumerate(lines):
        text = line.strip()
        if index in dropped or not 6 <= len(text) <= 120 or is_list_item(text) or "|" in text:
            continue
        places.setdefault(re.sub(r"[\W\d_]+", " ", text).casefold().strip(), []).append(index)
    full = [index for index, line in enumerate(lines) if line.strip() and index not in dropped]
    boundaries = sorted(ends)
    width = _measure(lines).width
    headers: list[list[int]] = []
    for key, where in places.items():
        if len(where) < 3 or len(key) < 6 or " " not in key or begins_lower(lines[where[0]]):
            continue
        if any(at[after] - at[before] < _PAGE_AT_LEAST for before, after in pairwise(where)):
            continue  # not a page apart
        if boundaries:
            close = [index for index in where if _beside(index, boundaries, lines)]
            if len(close) >= 2 and len(close) >= 0.6 * len(where):
                headers.append(close)
            continue
        cut = []
        for index in where:
            after = bisect_left(full, index) + 1
            cut.append(after < len(full) and begins_lower(lines[full[after]]))
        full_line = len(lines[where[0]].strip()) > 0.75 * (width or _WIDEST)
        if full_line:  # a clause that comes again, not a header
            continue
        share = 0.6 if len(where) == 3 else 0.3
        if sum(cut) >= max(2, share * len(where)) and not _ENDED.search(lines[where[0]].strip()):
            headers.append([index for index, is_cut in zip(where, cut, strict=True) if is_cut or index != where[0]])
    # More of them, and the text itself says everything several times.
    return {index for where in headers for index in where} if len(headers) <= _MOST_HEADERS else set()


def _beside(index: int, boundaries: Sequence[int], lines: Sequence[str]) -> bool:
    """Whether nothing but blank lines, or one other line, lies between a line and the nearest page end."""
    place = bisect_left(boundaries, index)
    for boundary in boundaries[max(0, place - 1) : place + 1]:
        between = lines[min(index, boundary) + 1 : max(index, boundary)]
        if sum(bool(line.strip()) for line in between) <= 1 and len(between) <= 6:
            return True
    return False


# -- what is a paragraph --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Measure:
    """Of printed lines, in letters.

    Attributes:
        width: of a full line; 0 where a line is a paragraph.
        slack: free space that a line may have at its end though the next word would fit: letters differ in width.
    """

    width: int
    slack: float


def _measure(lines: Sequence[str]) -> _Measure:
    full = [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("|")]
    lengths = sorted(map(len, full))
    if len(lengths) < 8:
        return _Measure(0, 0.0)
    longest = lengths[int(0.98 * (len(lengths) - 1))]
    near = len(lengths) - bisect_left(lengths, 0.8 * longest)
    if not 30 <= longest <= _WIDEST or near < 0.35 * len(lengths):
        return _Measure(0, 0.0)
    rooms = sorted(
        _room(before, line, longest)
        for before, line in pairwise(full)
        if begins_lower(line) and not _ENDED.search(before) and len(before) > 0.6 * longest
    )
    usual = rooms[int(0.95 * (len(rooms) - 1))] if rooms else 0
    return _Measure(longest, min(0.2 * longest, max(0.02 * longest, usual + 1)))


def _room(before: str, line: str, width: int) -> int:
    """Letters that were still free at the end of a line, the next line's first word set there too."""
    return width - len(before) - 1 - len(line.split()[0])


def _spaced(lines: Sequence[str], dropped: dict[int, str]) -> bool:
    """Whether a blank line follows nearly every printed line, so that it says nothing."""
    full = [index for index, line in enumerate(lines[:-1]) if line.strip() and index not in dropped]
    return sum(not lines[index + 1].strip() for index in full) > 0.9 * len(full)


def _chunks_of_run(
    run: Sequence[str], page: int, measure: _Measure, a_line_each: bool, tables: Sequence[tuple[tuple[str, ...], ...]]
) -> list[Chunk]:
    """The chunks of lines that no blank line parts."""
    if not run:
        return []
    if len(run) == 1 and run[0].strip().startswith(_TABLE):
        return [_table(tables[int(run[0].strip().strip(_TABLE))], page)]
    out: list[Chunk] = []
    rest: list[str] = []
    for index, line in enumerate(run):
        if line.lstrip().startswith("|") and line.rstrip().endswith("|") and line.count("|") > 1:
            rest.append(line)
            continue
        if _tabbed(run, index):
            rest.append("|" + "|".join(cell.replace("|", r"\|") for cell in line.split("\t")) + "|")
            continue
        if rest:
            out.append(_markdown_table(rest, page))
            rest = []
        out.append(Chunk(line))  # taken apart below
    if rest:
        out.append(_markdown_table(rest, page))
    chunks: list[Chunk] = []
    plain: list[str] = []
    for one in [*out, Chunk("", table=(("",),))]:
        if not one.table:
            plain.append(one.text)
            continue
        if plain:
            chunks += _paragraphs(plain, page, measure, a_line_each)
            plain = []
        chunks.append(one)
    return chunks[:-1]


def _tabbed(run: Sequence[str], index: int) -> bool:
    """Whether a line is a row of cells parted by tabs, with another such row beside it."""
    tabs = run[index].strip().count("\t")
    return tabs > 0 and any(
        0 <= other < len(run) and run[other].count("\t") == run[index].count("\t") for other in (index - 1, index + 1)
    )


def _markdown_table(rows: Sequence[str], page: int) -> Chunk:
    cells = [tuple(_inside(cell.strip()) for cell in re.split(r"(?<!\\)\|", row.strip()[1:-1])) for row in rows]
    return _table([row for row in cells if not all(re.fullmatch(r":?-*:?", cell) for cell in row)], page)


def _table(rows: Sequence[tuple[str, ...]], page: int) -> Chunk:
    kept = tuple(row for row in rows if any(row)) or (("",),)
    return Chunk(" ".join(cell for row in kept for cell in row if cell), table=kept, page=page)


def _paragraphs(lines: Sequence[str], page: int, measure: _Measure, a_line_each: bool) -> list[Chunk]:
    """The chunks of lines that are not a table's."""
    chunks: list[Chunk] = []
    text, indented, glued = "", False, False
    left = min(len(line) - len(line.lstrip()) for line in lines)
    width = measure.width
    a_line_each |= not width and len(lines) > 1 and max(map(len, lines)) > _WIDEST

    def close() -> None:
        nonlocal text
        one = _chunk(text, page, glued, indented)
        if one is not None:
            chunks.append(one)
        text = ""

    before = ""
    for line in lines:
        plain = line.strip()
        if text:
            how = "new" if a_line_each else _how(before, line, left, measure)
            if how == "on":
                broken = width and re.search(r"\w[-–/]$", text) and plain[:1].isalnum()
                text += plain if broken else " " + plain
            else:
                close()
                glued = how == "perhaps"
        if not text:
            text, indented = plain, len(line) - len(line.lstrip()) >= 4
            glued = glued and bool(chunks)
        before = line
    close()
    return chunks


def _how(before: str, line: str, left: int, measure: _Measure) -> str:
    """Whether a line goes ``on`` with the one before it, begins a ``new`` paragraph, or does so ``perhaps``."""
    last, text = before.strip(), line.strip()
    width = measure.width
    ended = bool(_ENDED.search(last))
    if re.match(r"[-–+*•]\s", text):
        return "new" if not width or ended or len(last) < 0.8 * width else "on"
    if _NOTATION.match(text) and re.search(r"[^\W\d_]", text):
        return "new"
    lower = begins_lower(text)
    if not width:
        if ended and not lower:
            return "new" if len(last) > 40 else "on"
        return "new" if re.match(r"#{1,6}\s", text) or re.match(r"#{1,6}\s", last) else "on"
    counted = bool(re.match(r"\d[\d.,]*\s", text))  # "12 hộ" is no list item
    marker = is_list_item(text) and not counted
    room = _room(last, text, width)
    if (lower or (counted and not ended)) and not marker:
        if ended and last.endswith("."):
            return "new" if room > measure.slack else "on"
        if room <= 0.45 * width:
            return "perhaps" if counted and PLAIN_HEAD.match(text) else "on"
        return "new"
    if room > measure.slack:
        return "new"
    indent = len(line) - len(line.lstrip()) - left
    if 2 <= indent <= 12 and indent > len(before) - len(before.lstrip()) - left:
        return "new"
    if marker and ended:
        return "new"
    return "perhaps" if PLAIN_HEAD.match(text) else "on"


def _chunk(text: str, page: int, glued: bool, indented: bool) -> Chunk | None:
    plain = re.sub(r"^#{1,6}\s+", "", text.strip())
    plain = _inside(re.sub(r"^>\s+", "", plain))
    # A space before a mark is the engine's, not the page's.
    plain = re.sub(rf"\s+(?={RAISED})(?!{RAISED}\d+{CLOSED}\s*\w)", "", plain).strip()
    if plain.count("**") % 2:  # bold that was opened and never closed
        plain = re.sub(r"^\*\*|\*\*$", "", plain)
    if not any(c.isalnum() for c in plain):  # a rule of dashes, an empty paragraph
        return None
    head = _HEAD.match(plain)
    if head and len(plain) > head.end():
        return Chunk(plain[head.end() :], head[1], plain[0] == BRACKETED, page=page, indented=indented)
    return Chunk(plain, page=page, glued=glued, indented=indented)
