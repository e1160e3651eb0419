"""The line of a letterhead with the place and the date, told from lines that cite the date of something else.

"V/v thực hiện Công điện" / "ngày 12/3/2016" stands beside it, "Sửa đổi Quyết định số 12/QĐ-SXD ngày 07 tháng 8 năm
2009" below it. Where the right line cannot be read, such a one must not be taken for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache

from rapidfuzz.distance import Levenshtein

from normalize.document import Block
from normalize.facts.values import plain_text
from normalize.vietnamese import decree30
from normalize.vietnamese.gazetteer import as_key, load_gazetteer

#: In letters: a line with the date that is longer is a sentence.
_LONGEST = 90
#: What a place may be called besides its name: Thành phố Hồ Chí Minh, TP. Vinh.
_KINDS_OF_PLACE = re.compile(r"(thành phố|tp|tỉnh|quận|huyện|thị xã|thị trấn|xã|phường|đặc khu)\b[. ]*", re.IGNORECASE)
#: A place has no figures and none of these signs: what else stands in its line was read along.
NO_PLACE = re.compile(r"[\d/:_]")
#: What goes on behind a date in small letters is a sentence: "ngày 12/3/2016 của Bộ Xây dựng".
_GOES_ON = re.compile(r"\W*[^\W\d_]{2,}")
#: What is left of a date that cannot be read, by its skeleton: two of them make a line with one.
_TRACES = (re.compile(r"ng[ae]y"), re.compile("thang"), re.compile(r"\bnam\b"), re.compile(r"\b(?:19|20)\d\d\b"))
_FEWEST_TRACES = 2


def find_date_line(head: Sequence[Block]) -> Block | None:
    """The line with the date, as one block where it is printed on two lines; ``None`` where there is none to be read.

    Args:
        head: the lines of the letterhead and the first ones below it.
    """
    lines = list(_with_wrapped(head))
    motto = _end_of_motto(head)
    # The left column comes first, and the subject of a letter, which may cite a date, stands in it.
    for at, block in [*((at, b) for at, b in lines if at >= motto), *((at, b) for at, b in lines if at < motto)]:
        if _is_date_line(block, head[:at]):
            return block
    return None


def unread_date_line(head: Sequence[Block]) -> Block | None:
    """The line below the motto that has the words of a date and cannot be read as one."""
    for block in head[_end_of_motto(head) :]:
        line = plain_text(block)
        if (block.type == "letterhead" or decree30.begins_number(line)) and _has_traces(line):
            return block
    return None


def _is_name_of_place(text: str) -> bool:
    """Whether a text may be a place's name: capitals at its words, and no figures; or one of the gazetteer."""
    if NO_PLACE.search(text):
        return False
    return _is_known(text) or all(word[0].isupper() for word in re.findall(r"[^\W\d_]+", text))


def is_misread_place(text: str) -> bool:
    """Whether a text is no place's name, or a province's with a letter more, less or another: "ắk Lắk", "Đắk Lắb"."""
    name = _KINDS_OF_PLACE.sub("", text)
    if not name[:1].isupper():
        return True
    if _is_known(text):
        return False
    words = re.findall(r"[^\W\d_]+", name)
    key = as_key(name.split())
    return not all(word[0].isupper() for word in words) or any(
        Levenshtein.distance(key, province) == 1 for province in _provinces()
    )


@lru_cache(maxsize=1)
def _provinces() -> tuple[str, ...]:
    return tuple(name for name, units in load_gazetteer().items() if any(unit.level == "province" for unit in units))


def _end_of_motto(head: Sequence[Block]) -> int:
    """The index behind the motto; 0 where there is none."""
    return max((at + 1 for at, block in enumerate(head) if decree30.is_motto(plain_text(block))), default=0)


def _with_wrapped(head: Sequence[Block]) -> Iterator[tuple[int, Block]]:
    """The lines that bear a date, those among them as one that are printed on two, each with its index."""
    for at, block in enumerate(head):
        text = plain_text(block)
        parts = decree30.date_parts(text)
        before, after = head[at - 1] if at else None, head[at + 1] if at + 1 < len(head) else None
        if parts and not parts.place and before and _is_place_above(before, block):
            yield at, _joined(before, block)
        elif parts:
            yield at, block
        elif after and after.type == block.type == "letterhead" and after.page == block.page:
            both = _joined(block, after)
            found = decree30.date_parts(plain_text(both))
            if found and found.place <= len(text) < found.year[1]:
                yield at, both


def _is_place_above(above: Block, block: Block) -> bool:
    """Whether a line ends with the comma between a place and its date."""
    text = plain_text(above)
    return above.type == block.type and above.page == block.page and text.endswith(",") and _is_name_of_place(text)


def _joined(first: Block, second: Block) -> Block:
    return replace(first, tokens=(*first.tokens, *second.tokens))


def _is_date_line(block: Block, above: Sequence[Block]) -> bool:
    """Whether the date of a line is the document's.

    Args:
        above: the lines before it.
    """
    line = plain_text(block)
    parts = decree30.date_parts(line)
    if parts is None or len(line) > _LONGEST:
        return False
    place = line[: parts.place].strip(" ,.;")
    if place and _is_known(place):
        return True
    tail = _GOES_ON.match(line, parts.year[1])
    if tail and tail[0].strip().islower():
        return False
    if block.type == "letterhead":
        return not decree30.begins_about(line) and not _is_of_subject(above)
    return block.type != "title" and bool(place) and _is_name_of_place(place)


def _is_of_subject(above: Sequence[Block]) -> bool:
    """Whether a line goes on with the subject of a letter, which began above it in the same column."""
    for block in reversed(above):
        if decree30.is_motto(plain_text(block)):
            return False
        if decree30.begins_about(plain_text(block)):
            return True
    return False


def _is_known(place: str) -> bool:
    names = _KINDS_OF_PLACE.sub("", place.strip(" ,.;")).split(" - ")
    return all(as_key(name.split()) in load_gazetteer() for name in names)


def _has_traces(line: str) -> bool:
    plain = decree30.skeleton(line)
    return len(line) <= _LONGEST and sum(bool(trace.search(plain)) for trace in _TRACES) >= _FEWEST_TRACES
