"""What is left of the pages in another engine's text: separators, page numbers, running headers.

Page numbers are known by rising, a page apart; running headers by coming again and again, where pages end or between
the halves of a sentence.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from normalize.document import DropReason
from normalize.plaintext.form_lines import stands_alone
from normalize.plaintext.signs import NOTATION, begins_lower, ended
from normalize.plaintext.tables import is_row
from normalize.vietnamese.decree30 import is_list_item

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

_PAGE_AT_LEAST = 500  # letters between two page numbers
_SHORT_PAGE = 80  # the same where nothing else in the text looks like a page number
_NAMED_PAGE_AT_LEAST = 80  # the same where both are written as such
_MOST_LOST = 3  # page numbers rise by this much at most, the ones between unread
_LATEST = 4  # lines with the number before, that a page number is tried on
_LONGEST_NUMBER = 40  # letters of a line that is a page number
_TOP = 40  # letters that may stand before a first page's number

_HEADER_LETTERS = (6, 120)  # fewest and most
_FEWEST_PLACES = 3  # a header comes at least so often
_MOST_HEADERS = 4  # different lines that pages carry at top and foot; with more, the text itself repeats its lines
_BESIDE_SHARE = 0.6  # of a header's places lie beside page ends
_CUT_SHARE = 0.3  # of a header's places lie in the middle of a sentence ...
_CUT_SHARE_OF_FEWEST = 0.6  # ... and more of them where there are hardly any
_CLAUSE = 0.75  # of a full line: what is that long and comes again is a clause, not a header


def page_ends(lines: Sequence[str], full_line: int) -> tuple[set[int], dict[int, DropReason | None]]:
    """Indexes of the lines at which a new page begins, and of the lines to leave out, with the reason.

    No reason is for lines that hold no word.

    Args:
        lines: of the whole text.
        full_line: letters that a printed line holds.
    """
    at = [0]  # letters before each line
    for line in lines:
        at.append(at[-1] + len(line.strip()))
    separators = {index for index, line in enumerate(lines) if line == "\f" or _PAGE_END.fullmatch(line.strip())}
    numbers = _page_numbers(lines, at)
    rules = [index for index, line in enumerate(lines) if _RULE.fullmatch(line) and line.strip()]
    ends = separators | numbers or _rules_between_pages(lines, at, rules)
    dropped: dict[int, DropReason | None] = {}
    dropped.update(dict.fromkeys(separators, "page separator"))
    dropped.update(dict.fromkeys(numbers, "page number"))
    dropped.update(dict.fromkeys(rules))  # after the others: a rule holds no word, whatever else it may be
    headers = _running_headers(lines, at, dropped, ends, full_line)
    dropped.update(dict.fromkeys(headers, "running header"))
    return ends or headers, dropped


def _rules_between_pages(lines: Sequence[str], at: Sequence[int], rules: Sequence[int]) -> set[int]:
    """The rules that part pages; none do where one of them stands above footnotes."""
    if any(_stands_above_note(lines, index) for index in rules):
        return set()
    return {index for index in rules if at[index] >= _PAGE_AT_LEAST}


def _stands_above_note(lines: Sequence[str], index: int) -> bool:
    """Whether the next line with words begins with a raised number."""
    return bool(NOTATION.match(_next_words(lines, index).strip()))


def _next_words(lines: Sequence[str], index: int) -> str:
    """The next line that is not blank."""
    return next((lines[at] for at in range(index + 1, len(lines)) if lines[at].strip()), "")


# -- page numbers ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _LoneNumber:
    """A number alone on its line.

    Attributes:
        line: its index.
        number: its value.
        named: dashes, a total or a word show that it is a page's, ``- 3 -``, ``3/12``, ``Trang 3``.
        worded: a word does.
    """

    line: int
    number: int
    named: bool
    worded: bool


@dataclass(frozen=True, slots=True)
class _Chain:
    """Numbers that rise with the pages; ``before`` is the chain without the last of them."""

    last: _LoneNumber
    before: _Chain | None
    length: int


def _page_numbers(lines: Sequence[str], at: Sequence[int]) -> set[int]:
    """The lines that are page numbers: alone on their line, rising by one, a page apart."""
    candidates = _lone_numbers(lines)
    if _count_pages(lines, candidates, at):
        return {one.line for one in candidates}
    chain = _longest_chain(candidates, at)
    if chain is None:
        return set()
    if chain.length == 1 and not chain.last.worded and not _cuts_sentence(lines, chain.last, at):
        return set()
    # Numbers that are written as page numbers, and misread or out of order.
    kept = {one.line for one in candidates if one.worded}
    first = chain.last
    link: _Chain | None = chain
    while link is not None:
        first = link.last
        kept.add(first.line)
        link = link.before
    if first.number == 2:  # a 1 at the very top
        kept |= {one.line for one in candidates if one.number == 1 and one.line < first.line and at[one.line] < _TOP}
    return kept


def _rise_apart(candidates: Sequence[_LoneNumber], at: Sequence[int]) -> bool:
    """Whether numbers go up by one, with at least a short page between them."""
    return all(
        two.number == one.number + 1 and at[two.line] - at[one.line] >= _SHORT_PAGE for one, two in pairwise(candidates)
    )


def _count_pages(lines: Sequence[str], candidates: Sequence[_LoneNumber], at: Sequence[int]) -> bool:
    """Whether the only lone numbers of a text are those of its pages: 1, 2 ... at the feet, 2, 3 ... at the tops.

    Pages may be short then: what counts that fits no list, and no column of figures.
    """
    if not candidates:
        return False
    first, last = candidates[0], candidates[-1]
    words = [index for index, line in enumerate(lines) if line.strip()]
    if at[first.line] < _SHORT_PAGE or not _rise_apart(candidates, at):
        return False
    if not all(_stands_alone(lines, one.line) for one in candidates):
        return False
    at_feet = first.number == 1 and last.line == words[-1]
    at_tops = first.number == 2 and last.line != words[-1] and at[first.line] >= _PAGE_AT_LEAST
    return at_feet or (at_tops and not _is_numbered(lines))


def _stands_alone(lines: Sequence[str], index: int) -> bool:
    """Whether blank lines, or the ends of the text, are around a line, and nothing above it asks for a number."""
    around = [lines[other] for other in (index - 1, index + 1) if 0 <= other < len(lines)]
    above = next((lines[at] for at in range(index - 1, -1, -1) if lines[at].strip()), "")
    return not any(line.strip() for line in around) and not above.rstrip().endswith((":", "="))


def _is_numbered(lines: Sequence[str]) -> bool:
    """Whether a line begins with a 1 and none with a 2: the lone 2 may be what is left of it."""
    heads = {found[1] for line in lines if (found := re.match(r"\s*([12])\s?[.)]?\s\S", line))}
    return heads == {"1"}


def _lone_numbers(lines: Sequence[str]) -> list[_LoneNumber]:
    """The lines that may be page numbers by their looks."""
    found: list[_LoneNumber] = []
    for index, line in enumerate(lines):
        if len(line) > _LONGEST_NUMBER or _in_table(lines, index):
            continue
        match = _PAGE_NUMBER.fullmatch(line.strip())
        if not match or int(match["number"]) == 0:
            continue
        worded = bool(match["word"])
        if "#" in match["fence"] and not worded:
            continue  # a heading that is a number
        named = worded or bool(match["of"] or re.search(r"[-–—=]", match["fence"]))
        found.append(_LoneNumber(index, int(match["number"]), named, worded))
    return found


def _in_table(lines: Sequence[str], index: int) -> bool:
    """Whether a line is a row of a table, with another one beside it."""
    beside = [lines[other] for other in (index - 1, index + 1) if 0 <= other < len(lines)]
    return is_row(lines[index]) and any(map(is_row, beside))


def _longest_chain(candidates: Sequence[_LoneNumber], at: Sequence[int]) -> _Chain | None:
    """The longest chain of numbers a page apart, ending in one that a word names rather than another."""
    chains: list[_Chain] = []
    ending_in: dict[int, list[_Chain]] = {}
    for one in candidates:
        possible = [
            chain
            for step in range(1, _MOST_LOST + 1)
            for chain in ending_in.get(one.number - step, [])[-_LATEST:]
            if _a_page_apart(chain.last, one, at)
        ]
        before = max(possible, key=lambda chain: chain.length, default=None)
        chain = _Chain(one, before, before.length + 1 if before else 1)
        chains.append(chain)
        ending_in.setdefault(one.number, []).append(chain)
    return max(chains, key=lambda chain: (chain.length, chain.last.worded), default=None)


def _a_page_apart(one: _LoneNumber, other: _LoneNumber, at: Sequence[int]) -> bool:
    needed = _NAMED_PAGE_AT_LEAST if one.named and other.named else _PAGE_AT_LEAST
    return at[other.line] - at[one.line + 1] >= needed


def _cuts_sentence(lines: Sequence[str], one: _LoneNumber, at: Sequence[int]) -> bool:
    """Whether a lone 2 parts two halves of a sentence, with a page of text before it."""
    return one.number == 2 and at[one.line] >= _PAGE_AT_LEAST and begins_lower(_next_words(lines, one.line))


# -- running headers ------------------------------------------------------------------------------------------------


def _running_headers(
    lines: Sequence[str], at: Sequence[int], dropped: Mapping[int, DropReason | None], ends: set[int], full_line: int
) -> set[int]:
    """Lines that come again and again where pages begin or end, or lie between the halves of sentences."""
    text_lines = [index for index, line in enumerate(lines) if line.strip() and index not in dropped]
    boundaries = sorted(ends)
    headers: list[list[int]] = []
    for words, places in _same_lines(lines, text_lines).items():
        if not _may_run(words, lines[places[0]], places, at):
            continue
        if boundaries:
            header = _places_beside(places, boundaries, lines)
        elif len(lines[places[0]].strip()) > _CLAUSE * full_line:
            header = []
        else:
            header = _places_in_sentences(places, text_lines, lines)
        if header:
            headers.append(header)
    return {index for places in headers for index in places} if len(headers) <= _MOST_HEADERS else set()


def _same_lines(lines: Sequence[str], text_lines: Sequence[int]) -> dict[str, list[int]]:
    """Where the lines stand that are the same but for case, digits and signs, by their words."""
    fewest, most = _HEADER_LETTERS
    places: dict[str, list[int]] = {}
    for index in text_lines:
        text = lines[index].strip()
        if fewest <= len(text) <= most and "|" not in text and not is_list_item(text):
            places.setdefault(re.sub(r"[\W\d_]+", " ", text).casefold().strip(), []).append(index)
    return places


def _may_run(words: str, first: str, places: Sequence[int], at: Sequence[int]) -> bool:
    """Whether a line is of several words, comes often enough, and always a page apart."""
    if len(places) < _FEWEST_PLACES or len(words) < _HEADER_LETTERS[0] or " " not in words or begins_lower(first):
        return False
    if stands_alone(first.strip()):  # the letterhead of each of several documents
        return False
    return all(at[after] - at[before] >= _PAGE_AT_LEAST for before, after in pairwise(places))


def _places_beside(places: Sequence[int], boundaries: Sequence[int], lines: Sequence[str]) -> list[int]:
    """The places of a line that lie beside page ends; none where too few of them do."""
    beside = [index for index in places if _beside(index, boundaries, lines)]
    return beside if len(beside) >= max(2, _BESIDE_SHARE * len(places)) else []


def _beside(index: int, boundaries: Sequence[int], lines: Sequence[str]) -> bool:
    """Whether nothing but blank lines, or one other line, lies between a line and the nearest page end."""
    place = bisect_left(boundaries, index)
    for boundary in boundaries[max(0, place - 1) : place + 1]:
        between = lines[min(index, boundary) + 1 : max(index, boundary)]
        if sum(bool(line.strip()) for line in between) <= 1 and len(between) <= 6:
            return True
    return False


def _places_in_sentences(places: Sequence[int], text_lines: Sequence[int], lines: Sequence[str]) -> list[int]:
    """The places of a line that the text before it does not need; none where it cuts too few sentences."""
    cutting = {index for index in places if _goes_on_below(index, text_lines, lines)}
    share = _CUT_SHARE_OF_FEWEST if len(places) == _FEWEST_PLACES else _CUT_SHARE
    if len(cutting) < max(2, share * len(places)) or ended(lines[places[0]].strip()):
        return []
    # Its first place may be where the text says it: it goes only if it is cut in there as well.
    return [index for index in places if index in cutting or index != places[0]]


def _goes_on_below(index: int, text_lines: Sequence[int], lines: Sequence[str]) -> bool:
    """Whether the line of text after this one begins in the middle of a sentence."""
    after = bisect_left(text_lines, index) + 1
    return after < len(text_lines) and begins_lower(lines[text_lines[after]])
