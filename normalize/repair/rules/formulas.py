"""Fixed formulas of Decree 30/2020/NĐ-CP, set right where a line is nearly one of them.

The letterhead, the titles and the signature block are capitals in large and often smudged type, too short for the
language model and full of words that could be abbreviations or names. But what they say is prescribed (the decree's
annex I), so a line of as many words whose letters are nearly the same cannot be anything else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from rapidfuzz.distance import Levenshtein

from normalize.document import Document, Token, Tokens
from normalize.repair.candidates import Change, by_rule, cleaned
from normalize.vietnamese.decree30 import FORMULAS, RECIPIENTS_HEAD, is_capacity_sign
from normalize.vietnamese.syllable import key, match_case, parse, skeleton

_BLOCKS = ("letterhead", "title", "signature", "recipients")
# "№" is how "No" with its marks looks to some engines.
_SIGNS = re.compile(r"^(?:(?!№)[\W_])+|(?:(?!№)[\W_])+$")
#: (b/c), for báo cáo: "to report to".
_REPORT = re.compile(r"\([bB]/(€)\)")
#: The C of "C, PVP": the chief and the deputies of an office.
_CAPITAL_C = re.compile(r"-?(€),")
_SURNAME = "the seal hides the beginning of a family name that no other ends like"
_REASON = "a fixed formula of Decree 30/2020/NĐ-CP"
PROBABILITY = 0.98


def formulas(document: Document) -> list[Change]:
    """The words of letterhead, titles and signatures that are not as the formula has them."""
    out = []
    for text, ((_, tokens), block) in enumerate(zip(document.texts(), document.blocks, strict=False)):
        head = len(tokens) == 2 and tokens[-1].text.endswith(":")
        if block.type in _BLOCKS or head:
            for formula in FORMULAS if block.type in _BLOCKS else (RECIPIENTS_HEAD,):
                found = _matched(tokens, formula)
                if found:
                    out += _changes(text, tokens, found)
                    break
            else:
                out += _cut_by_seal(text, tokens) if block.type == "signature" else ()
            if block.type == "signature":
                out += _role_in_capitals(text, tokens)
        if block.type == "recipients":
            out += _list_signs(text, tokens)
    return out


def _cut_by_seal(text: int, tokens: Tokens) -> list[Change]:
    """An office or a family name whose first letters the seal hides: ``HỨ TRƯỞNG``, ``uyễn Sỹ Hiệp``."""
    words = [_SIGNS.sub("", token.text) for token in tokens]
    places = [i for i, word in enumerate(words) if word]
    if len(places) < 2:
        return []
    first, rest = places[0], [skeleton(words[i]) for i in places[1:]]
    part = words[first]
    if part.isupper() and len(part) > 1:
        whole = {
            formula.split()[0]
            for formula in FORMULAS
            if [skeleton(word) for word in formula.split()[1:]] == rest
            and key(formula.split()[0]).endswith(key(part))
            and len(formula.split()[0]) - len(part) in (1, 2)
        }
        if len(whole) == 1:
            return _changes(text, tokens, [(first, whole.pop())])
    elif (
        not part.isupper()
        and 2 <= len(rest) <= 4
        and all(words[i][:1].isupper() for i in places[1:])
        and _is_cut_surname(part)
    ):
        return [by_rule(text, first, tokens[first], *_edges(tokens[first]), "Nguyễn", PROBABILITY, _SURNAME)]
    return []


def _is_cut_surname(part: str) -> bool:
    """Whether a word can only be what a seal left of Nguyễn: no Vietnamese word, or one without a capital."""
    plain = skeleton(part)
    crossed = len(plain) >= 5 and parse(part) is None and Levenshtein.distance(plain, "nguyen") <= 2
    return crossed or key(part) == "uyễn"


def _role_in_capitals(text: int, tokens: Tokens) -> list[Change]:
    """``q. CHỦ TỊCH``: the letters before an office in capitals are capitals."""
    head, rest = tokens[0].text, [token.text for token in tokens[1:]]
    if head.islower() and is_capacity_sign(head.upper()) and rest and all(word.isupper() for word in rest):
        return [by_rule(text, 0, tokens[0], 0, len(head), head.upper(), PROBABILITY, _REASON)]
    return []


def _list_signs(text: int, tokens: Tokens) -> list[Change]:
    """Signs of a list of recipients: the dash read as ``~``, a C read as ``€``, the closing ``;`` read as ``)``."""
    out = []
    head = tokens[0].text
    if head in ("~", "~-", "-~", "=", "¬") and len(tokens) > 1:
        out.append(by_rule(text, 0, tokens[0], 0, len(head), "-", PROBABILITY, _REASON))
    for index, token in enumerate(tokens):
        for found in _REPORT.finditer(token.text):
            out.append(by_rule(text, index, token, *found.span(1), "c", PROBABILITY, _REASON))
        if chief := _CAPITAL_C.fullmatch(token.text):
            out.append(by_rule(text, index, token, *chief.span(1), "C", PROBABILITY, _REASON))
    last = tokens[-1]
    if last.text.endswith(")") and not any("(" in token.text for token in tokens):
        end = len(last.text)
        out.append(by_rule(text, len(tokens) - 1, last, end - 1, end, ";", PROBABILITY, _REASON))
    return out


def _edges(token: Token) -> tuple[int, int]:
    """Where the word of a token begins and ends, the signs around it left out."""
    word = _SIGNS.sub("", token.text)
    start = token.text.index(word)
    return start, start + len(word)


def _matched(tokens: Tokens, formula: str) -> list[tuple[int, str]]:
    """Index of each token that ``formula`` names, with the formula's word; empty where the line is not that formula."""
    wanted = formula.split()
    start = formula.endswith("…")
    if start:
        wanted.pop()
    places = [i for i, token in enumerate(tokens) if _SIGNS.sub("", token.text)]
    while places and is_capacity_sign(tokens[places[0]].text):
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
    lost = length // 8 if length >= 12 else int(formula == RECIPIENTS_HEAD)
    return found if sum(distances) <= lost else []


def _changes(text: int, tokens: Tokens, found: Iterable[tuple[int, str]]) -> list[Change]:
    out = []
    for index, word in found:
        token = tokens[index]
        start, end = _edges(token)
        edges = token.text[start:end]
        if key(cleaned(edges)) == key(word) or any(start < mark.offset < end for mark in token.marks):
            continue
        after = word.upper() if edges.isupper() and len(edges) > 1 else word
        if len(after) == len(edges) and not edges.isupper():
            after = match_case(word.lower(), edges)
        out.append(by_rule(text, index, token, start, end, after, PROBABILITY, _REASON))
    return out
