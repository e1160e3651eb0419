"""Fixed formulas of Decree 30/2020/NĐ-CP, set right where a line is nearly one of them.

The letterhead, the titles and the signature block are capitals in large and often smudged type, too short for the
language model and full of words that could be abbreviations or names. But what they say is prescribed (the decree's
annex I), so a line of as many words whose letters are nearly the same cannot be anything else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from rapidfuzz.distance import Levenshtein

from normalize.document import Document, Tokens
from normalize.paragraphs import DOCUMENT_TYPES
from normalize.slots import Change, by_rule, cleaned
from normalize.syllable import key, match_case, skeleton

# Whole lines, or (with …) the beginning of one.
FORMULAS = (
    "Cộng hòa xã hội chủ nghĩa Việt Nam",
    "Độc lập Tự do Hạnh phúc",
    "Nơi nhận",
    "Ủy ban nhân dân …",
    "Hội đồng nhân dân …",
    "Chủ tịch",
    "Phó Chủ tịch",
    "Chánh Văn phòng",
    "Phó Chánh Văn phòng",
    "Giám đốc",
    "Phó Giám đốc",
    "Bộ trưởng",
    "Thứ trưởng",
    "Thủ tướng",
    "Phó Thủ tướng",
    "Chính phủ",
    "Thành phố …",
    *DOCUMENT_TYPES.values(),
)
_BLOCKS = ("letterhead", "title", "signature", "recipients")
_ROLE = re.compile(r"^(?:TM|KT|TL|TUQ|Q)\.?$")
# "№" is how "No" with its marks looks to some engines.
_SIGNS = re.compile(r"^[^\w№]+|[^\w№]+$")
_REASON = "a fixed formula of Decree 30/2020/NĐ-CP"
PROBABILITY = 0.98


def formulas(document: Document) -> list[Change]:
    """The words of letterhead, titles and signatures that are not as the formula has them."""
    out = []
    for text, ((_, tokens), block) in enumerate(zip(document.texts(), document.blocks, strict=False)):
        head = len(tokens) == 2 and tokens[-1].text.endswith(":")
        if block.type in _BLOCKS or head:
            for formula in FORMULAS if block.type in _BLOCKS else ("Nơi nhận",):
                found = _matched(tokens, formula)
                if found:
                    out += _changes(text, tokens, found)
                    break
    return out


def _matched(tokens: Tokens, formula: str) -> list[tuple[int, str]]:
    """Index of each token that ``formula`` names, with the formula's word; empty where the line is not that formula."""
    wanted = formula.split()
    start = formula.endswith("…")
    if start:
        wanted.pop()
    places = [i for i, token in enumerate(tokens) if _SIGNS.sub("", token.text)]
    while places and _ROLE.match(tokens[places[0]].text):
        places.pop(0)
    if len(places) < len(wanted) or (not start and len(places) > len(wanted)):
        return []
    found = list(zip(places, wanted, strict=False))
    read = [skeleton(cleaned(_SIGNS.sub("", tokens[i].text)).replace("№", "No")) for i, _ in found]
    true = [skeleton(word) for word in wanted]
    distances = [Levenshtein.distance(one, two) for one, two in zip(read, true, strict=True)]
    length = sum(map(len, true))
    if not all(distance <= max(1, len(word) // 3) for distance, word in zip(distances, true, strict=True)):
        return []
    # A short formula must have all its letters ("Thạnh Phú" is a district); a long one may have lost one in eight.
    lost = length // 8 if length >= 12 else int(wanted == ["Nơi", "nhận"])
    return found if sum(distances) <= lost else []


def _changes(text: int, tokens: Tokens, found: Iterable[tuple[int, str]]) -> list[Change]:
    out = []
    for index, word in found:
        token = tokens[index]
        edges = _SIGNS.sub("", token.text)
        start = token.text.index(edges)
        end = start + len(edges)
        if key(cleaned(edges)) == key(word) or any(start < mark.offset < end for mark in token.marks):
            continue
        after = word.upper() if edges.isupper() and len(edges) > 1 else word
        if len(after) == len(edges) and not edges.isupper():
            after = match_case(word.lower(), edges)
        out.append(by_rule(text, index, token, start, end, after, PROBABILITY, _REASON))
    return out
