"""Fixed formulas of Decree 30/2020/NĐ-CP, set right where a line is nearly one of them.

The letterhead, the titles and the signature block are capitals in large and often smudged type, too short for the
language model and full of words that could be abbreviations or names. But what they say is prescribed (the decree's
annex I), so a line of as many words whose letters are nearly the same cannot be anything else.

Unless it is somebody's name: "Vũ Trường" is no Vụ trưởng, "Tô Trinh" no tờ trình. So a line that may be a name, by its
case or by its place below an office, is a formula only where the page itself doubts the letters that would change.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from rapidfuzz.distance import Levenshtein

from normalize.document import Block, Document, Token
from normalize.repair.changes import Change, Place, cleaned, confidence_of, page_letters
from normalize.repair.channel import DOUBT
from normalize.vietnamese.decree30 import (
    BODIES,
    DOCUMENT_TYPES,
    FORMULAS,
    NATIONAL_TITLE,
    RECIPIENTS_HEAD,
    begins_capacity,
    is_capacity_sign,
    is_motto,
    names_office,
)
from normalize.vietnamese.family_names import misread_for
from normalize.vietnamese.syllable import key, match_case, parse, skeleton

_BLOCKS = ("letterhead", "title", "signature", "recipients")
#: No formulas, but offices with the letters of one: whoever heads an office is no deputy of a minister.
_ALIKE = ("Thủ trưởng",)
#: No document's type stands below its text: "Tô Trinh" there is the signer.
_BELOW_TEXT = (*(one for one in FORMULAS if one not in DOCUMENT_TYPES.values()), *_ALIKE)
# "№" is how "Nơ" looks to some engines.
_SIGNS = re.compile(r"^(?:(?!№)[\W_])+|(?:(?!№)[\W_])+$")
#: (b/c), for báo cáo: "to report to".
_REPORT = re.compile(r"(?<!\w)(?:[bB]/([€©¢])|b/([eCGo]))\)")
#: The C of "C, PVP": the chief and the deputies of an office.
_CAPITAL_C = re.compile(r"-?(€),")
#: V/v, for về việc: "about". Its stroke is read as a letter.
_ABOUT = re.compile(r"V[iịìíỉĩlI|1!jJ]v")
#: (5b), for 5 bản: so many copies are kept.
_COPIES = re.compile(r"\((S)b\)")
#: "Lưu: VT," as small italics are read: the comma has become a dot below the T, which has become a vowel. No office has
#: a list where a department (Vụ) in capitals stands first.
_FILED = re.compile(r"V[UỤŨÙÚIỊ1],?")
#: In words.
_LONGEST_NAME = 4
_FAMILY_NAME = "no family name is written so; the page also showed another mark, which makes it one"
_SURNAME = "the seal hides the beginning of a family name that no other ends like"
_OVERPRINTED = "the national title goes on so, and the motto stands under it; something was printed over it"
#: Words of the national title that must be read, and how wide the rest may be, in its width by their letters.
_WORDS_READ, _REST_WIDE, _REST_ALIKE = 4, (0.8, 1.5), 0.5
_REASON = "a fixed formula of Decree 30/2020/NĐ-CP"
PROBABILITY = 0.98


def formulas(document: Document) -> Iterator[Change]:
    """The words of letterhead, titles and signatures that are not as the formula has them."""
    for number, block in enumerate(document.blocks):
        tokens = block.tokens
        is_head = len(tokens) == 2 and tokens[-1].text.endswith(":")
        if block.type in _BLOCKS or is_head:
            line = [Place(number, f"blocks/{number}", tokens, index) for index in range(len(tokens))]
            yield from _in_line(line, document.blocks, number)


def _in_line(line: Sequence[Place], blocks: Sequence[Block], number: int) -> Iterator[Change]:
    block = blocks[number]
    changes = _formula_changes(line, blocks, number)
    if changes is not None:
        yield from changes
    elif block.type == "letterhead" and _is_motto_below(blocks, number):
        yield from _overprinted(line)
    elif block.type == "signature":
        yield from _cut_by_seal(line)
        yield from _family_name(line)
    if block.type == "signature":
        yield from _role_in_capitals(line)
    if block.type in ("letterhead", "title"):
        yield from _about(line)
    if block.type == "recipients":
        yield from _list_signs(line)


def _is_motto_below(blocks: Sequence[Block], number: int) -> bool:
    """Whether the next line of the letterhead is the motto."""
    below = blocks[number + 1 : number + 2]
    return bool(below) and below[0].type == "letterhead" and is_motto(below[0].text)


def _overprinted(line: Sequence[Place]) -> Iterator[Change]:
    """The end of the national title where a note of a copy was printed over it: no letter of it may be right."""
    wanted = NATIONAL_TITLE.split()
    head, rest = line[:_WORDS_READ], line[_WORDS_READ:]
    if [skeleton(place.token.text) for place in head] != [skeleton(word) for word in wanted[:_WORDS_READ]] or not rest:
        return
    if not all(place.token.text.isupper() for place in head) or not _is_as_wide(head, rest):
        return
    # What is left of it must agree: its first two letters, or half of all.
    read = "".join(skeleton(place.token.text) for place in rest)
    missing = "".join(skeleton(word) for word in wanted[_WORDS_READ:])
    if read[:2] == missing[:2] or Levenshtein.normalized_similarity(read, missing) >= _REST_ALIKE:
        yield rest[0].change_through(rest[-1], " ".join(wanted[_WORDS_READ:]).upper(), PROBABILITY, _OVERPRINTED)


def _is_as_wide(head: Sequence[Place], rest: Sequence[Place]) -> bool:
    """Whether the rest of the national title is about as wide as its letters are, set like those that were read."""
    boxes = [place.token.box for place in (head[0], head[-1], rest[0], rest[-1])]
    if None in boxes:
        return False
    first, last, start, end = (box for box in boxes if box)
    wanted = NATIONAL_TITLE.split()
    read, missing = " ".join(wanted[:_WORDS_READ]), " ".join(wanted[_WORDS_READ:])
    as_set = (last.right - first.left) / len(read) * len(missing)
    return _REST_WIDE[0] * as_set < end.right - start.left < _REST_WIDE[1] * as_set


def _formula_changes(line: Sequence[Place], blocks: Sequence[Block], number: int) -> list[Change] | None:
    """What makes a line the formula that it nearly is; nothing where it may be a name, ``None`` where it is none."""
    bodies = BODIES if blocks[number].type in _BLOCKS else ()
    tried = chain((_matched(line, one) for one in _known(blocks[number])), (_named(line, body) for body in bodies))
    matching = [found for found in tried if found]
    if not matching:
        return None
    found = matching[0]
    alike = [list(_changes(one)) for one in matching[1:] if len(one) == len(found)]
    changes = list(_changes(found)) if all(alike) else []  # as it stands it may be one of them
    if _may_be_another(changes, alike) or _has_case_of_name(found) or _stands_where_name_does(blocks, number):
        return changes if _all_doubted(line, changes) else []
    return changes


def _may_be_another(changes: Sequence[Change], alike: Sequence[Sequence[Change]]) -> bool:
    """Whether other formulas would make something else of a line, or nothing."""
    return any(_made(other) != _made(changes) for other in alike)


def _made(changes: Sequence[Change]) -> list[tuple[int, int, str]]:
    return [(one.first, one.start, one.after) for one in changes]


def _all_doubted(line: Sequence[Place], changes: Sequence[Change]) -> bool:
    return all(_is_doubted(line[one.first].token, one) for one in changes)


def _known(block: Block) -> Sequence[str]:
    """The formulas that a block of its type may be."""
    if block.type not in _BLOCKS:
        return (RECIPIENTS_HEAD,)
    return _BELOW_TEXT if block.type in ("signature", "recipients") else (*FORMULAS, *_ALIKE)


def _has_case_of_name(found: Sequence[tuple[Place, str]]) -> bool:
    """Whether each word has a capital and small letters: offices and types are set in capitals, or begin with one."""
    if len(found) > _LONGEST_NAME or found[-1][0].token.text.endswith(":"):
        return False
    return all(_SIGNS.sub("", place.token.text).istitle() for place, _ in found)


def _stands_where_name_does(blocks: Sequence[Block], number: int) -> bool:
    """Whether a line closes a signature, below an office that nobody else signs for: there the name stands."""
    if number == 0 or any(blocks[at].type != "signature" for at in (number - 1, number)):
        return False
    above, below = blocks[number - 1].text, blocks[number + 1] if number + 1 < len(blocks) else None
    is_last = below is None or below.type != "signature" or begins_capacity(below.text)
    return is_last and above.isupper() and names_office(above) and not begins_capacity(above)


def _is_doubted(token: Token, change: Change) -> bool:
    """Whether the page showed another letter wherever a change puts one."""
    letters = page_letters(token)[change.start : change.end]
    if not letters:
        return False
    if len(letters) != len(change.after):
        return any(len(letter.choices) > 1 for letter in letters)
    changed = [(letter, new) for letter, new in zip(letters, change.after, strict=True) if letter.text != new]
    return all(confidence_of(letter, new.lower() + new.upper()) >= DOUBT for letter, new in changed)


def _cut_by_seal(line: Sequence[Place]) -> Iterator[Change]:
    """An office or a family name whose first letters the seal hides: ``HỨ TRƯỞNG``, ``uyễn Sỹ Hiệp``."""
    found = [(place, word) for place in line if (word := _SIGNS.sub("", place.token.text))]
    if len(found) < 2:
        return
    (first, part), rest = found[0], [word for _, word in found[1:]]
    if part.isupper() and len(part) > 1:
        whole = _offices(part, rest)
        if len(whole) == 1:
            yield from _changes([(first, whole.pop())])
    elif 2 <= len(rest) <= 4 and all(word[0].isupper() for word in rest) and _is_cut_surname(part, first.token):
        yield first.change(*_edges(first.token), "Nguyễn", PROBABILITY, _SURNAME)


def _offices(part: str, rest: Sequence[str]) -> set[str]:
    """The first words of offices that go on with ``rest`` and may have lost a letter or two before ``part``."""
    out = set()
    for formula in FORMULAS:
        first, *words = formula.split()
        is_this = [skeleton(word) for word in words] == [skeleton(word) for word in rest]
        if is_this and key(first).endswith(key(part)) and len(first) - len(part) in (1, 2):
            out.add(first)
    return out


def _is_cut_surname(part: str, token: Token) -> bool:
    """Whether a word can only be what a seal left of Nguyễn: no Vietnamese word, or one without a capital.

    "Nguyen" in a text is what somebody wrote who wrote no diacritics.
    """
    plain = skeleton(part)
    if part.isascii() and part[0].isupper() and not page_letters(token):
        return False
    crossed = len(plain) >= 5 and parse(part) is None and Levenshtein.distance(plain, "nguyen") <= 2
    return not part.isupper() and (crossed or key(part) == "uyễn")


def _family_name(line: Sequence[Place]) -> Iterator[Change]:
    """A signer's family name that is none: ``Đỉnh Quang Thạch`` where the page showed ``Đinh``, too.

    The other words of a name may be any, and any family name that is known stays.
    """
    words = [_SIGNS.sub("", place.token.text) for place in line]
    if not (1 < len(words) <= _LONGEST_NAME and all(word.istitle() for word in words)):
        return
    edges = _edges(line[0].token)
    tried = (line[0].change(*edges, name, PROBABILITY, _FAMILY_NAME) for name in misread_for(words[0]))
    shown = [change for change in tried if _is_doubted(line[0].token, change)]
    if len(shown) == 1:
        yield shown[0]


def _role_in_capitals(line: Sequence[Place]) -> Iterator[Change]:
    """``q. CHỦ TỊCH``: the letters before an office in capitals are capitals."""
    head, rest = line[0].token.text, [place.token.text for place in line[1:]]
    if head.islower() and is_capacity_sign(head.upper()) and rest and all(word.isupper() for word in rest):
        yield line[0].change(0, len(head), head.upper(), PROBABILITY, _REASON)


def _about(line: Sequence[Place]) -> Iterator[Change]:
    """``Vịv`` and ``__ Viv`` at the head of a subject: V/v."""
    words = [place for place in line[:2] if _SIGNS.sub("", place.token.text)]
    if words and _ABOUT.fullmatch(words[0].token.text):
        yield line[0].change_through(words[0], "V/v", PROBABILITY, _REASON)


def _list_signs(line: Sequence[Place]) -> Iterator[Change]:
    """What a list of recipients has: the dash read as ``~``, a C read as ``€``, the closing ``;`` read as ``)``.

    And, in its last line, the ``VT,`` of the registry's copy.
    """
    head, last = line[0], line[-1]
    if head.token.text in ("~", "~-", "-~", "=", "¬") and len(line) > 1:
        yield head.change(0, len(head.token.text), "-", PROBABILITY, _REASON)
    for place in line:
        for found in _REPORT.finditer(place.token.text):
            yield place.change(*found.span(found.lastindex or 0), "c", PROBABILITY, _REASON)
        if copies := _COPIES.search(place.token.text):
            yield place.change(*copies.span(1), "5", PROBABILITY, _REASON)
        if _is_filed(place):
            yield place.change(0, len(place.token.text), "VT,", PROBABILITY, _REASON)
        if chief := _CAPITAL_C.fullmatch(place.token.text):
            yield place.change(*chief.span(1), "C", PROBABILITY, _REASON)
    if last.token.text.endswith(")") and not any("(" in place.token.text for place in line):
        end = len(last.token.text)
        yield last.change(end - 1, end, ";", PROBABILITY, _REASON)


def _is_filed(place: Place) -> bool:
    """Whether a word stands where ``VT,`` does, is nearly that, and was read with doubt."""
    is_doubted = any(sure >= DOUBT for letter in place.token.letters for _, sure in letter.choices[1:])
    return (
        skeleton(place.before) == "luu:"
        and bool(place.after)
        and is_doubted
        and bool(_FILED.fullmatch(place.token.text))
    )


def _edges(token: Token) -> tuple[int, int]:
    """Where the word of a token begins and ends, the signs around it left out."""
    word = _SIGNS.sub("", token.text)
    start = token.text.index(word)
    return start, start + len(word)


def _matched(line: Sequence[Place], formula: str) -> list[tuple[Place, str]]:
    """Each token that ``formula`` names, with the formula's word; empty where the line is not that formula."""
    wanted = formula.split()
    is_beginning = formula.endswith("…")
    if is_beginning:
        wanted.pop()
    worded = [place for place in line if _SIGNS.sub("", place.token.text)]
    while worded and is_capacity_sign(worded[0].token.text):
        worded.pop(0)
    if len(worded) < len(wanted) or (not is_beginning and len(worded) > len(wanted)):
        return []
    found = list(zip(worded, wanted, strict=False))
    read = [skeleton(cleaned(_SIGNS.sub("", place.token.text)).replace("№", "No")) for place, _ in found]
    return found if _are_these(read, [skeleton(word) for word in wanted], is_head=formula == RECIPIENTS_HEAD) else []


def _named(line: Sequence[Place], body: str) -> list[tuple[Place, str]]:
    """Each token of a body's name with the word it is; empty where the line does not begin with all its letters."""
    worded = [place for place in line if _SIGNS.sub("", place.token.text)]
    found = list(zip(worded, body.split(), strict=False))
    same = all(skeleton(_SIGNS.sub("", place.token.text)) == skeleton(word).strip(",") for place, word in found)
    return [(place, word.strip(",")) for place, word in found] if same and len(found) == len(body.split()) else []


def _are_these(read: Sequence[str], true: Sequence[str], *, is_head: bool) -> bool:
    """Whether words can only be misread ones of a formula.

    A short formula must have all its letters ("Thạnh Phú" is a district); a long one may have lost one in eight.
    """
    distances = [Levenshtein.distance(one, two) for one, two in zip(read, true, strict=True)]
    if any(distance > max(1, len(word) // 3) for distance, word in zip(distances, true, strict=True)):
        return False
    length = sum(map(len, true))
    return sum(distances) <= (length // 8 if length >= 12 else int(is_head))


def _changes(found: Iterable[tuple[Place, str]]) -> Iterator[Change]:
    for place, word in found:
        start, end = _edges(place.token)
        read = place.token.text[start:end]
        if key(cleaned(read)) == key(word) or place.holds_reference(start, end):
            continue
        after = word.upper() if read.isupper() and len(read) > 1 else word
        if len(after) == len(read) and not read.isupper():
            after = match_case(word.lower(), read)
        yield place.change(start, end, after, PROBABILITY, _REASON)
