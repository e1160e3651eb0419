"""Names of bodies in capitals, set right by the same name in the running text: SỞ Y TÉ, where the text has Sở Y tế.

The diacritics of capitals are the smallest signs on a page, and the letterhead has the names of two bodies in them, too
short for the language model. The running text names the body that issued it too, in small letters, which are read
surely, and several times.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise

from normalize.document import Document, Token
from normalize.repair.changes import Change, Place, cleaned
from normalize.repair.channel import DOUBT
from normalize.vietnamese.syllable import key, skeleton

_BLOCKS = ("letterhead", "title", "signature")
_SIGNS = " .,;:()[]“”\"'-–—*"
#: So often at least does the text name the body with other diacritics, and so often for each time with those read. Once
#: will do where the page showed the other letters with this confidence, 0 to 100.
_FEWEST, _TIMES, _SHOWN = 2, 4, 50
PROBABILITY = 0.97


def bodies(document: Document) -> Iterator[Change]:
    """Syllables of names in capitals that the text writes with other diacritics between the same neighbours."""
    known = _pairs(document)
    for number, block in enumerate(document.blocks):
        if block.type not in _BLOCKS:
            continue
        words = [_word(token) for token in block.tokens]
        for index, word in enumerate(words):
            if not word.isupper() or not _is_one_word(block.tokens[index]):
                continue
            told, often = _told(known, words, index)
            if not often or key(told) == key(cleaned(word)).lower():
                continue
            if not _shown(block.tokens[index], told, 0 if often >= _FEWEST else _SHOWN):
                continue
            start = block.tokens[index].text.index(word)
            place = Place(number, f"blocks/{number}", block.tokens, index)
            if not place.holds_reference(start, start + len(word)):
                why = f"the text names it so between the same words: {told}"
                yield place.change(start, start + len(word), told.upper(), PROBABILITY, why)


_Pairs = dict[tuple[str, str], list[tuple[str, Token]]]


def _pairs(document: Document) -> tuple[_Pairs, _Pairs]:
    """How the text writes a word after another and before another in small letters, by the skeletons of both."""
    after: _Pairs = defaultdict(list)
    before: _Pairs = defaultdict(list)
    for _, tokens in document.texts():
        words = [(word.lower() if not (word := _word(token)).isupper() else "", token) for token in tokens]
        for (one, first), (two, second) in pairwise(words):
            if one.isalpha() and two.isalpha():
                after[skeleton(one), skeleton(two)].append((two, second))
                before[skeleton(two), skeleton(one)].append((one, first))
    return after, before


def _told(known: tuple[_Pairs, _Pairs], words: Sequence[str], index: int) -> tuple[str, int]:
    """How the text writes a word beside its neighbour in the name, and how often; 0 where it says it both ways.

    What the page doubts in favour of the name as it was read is no witness: who reads THỂ rightly in capitals may read
    Thế in the text.

    Args:
        words: of a line in capitals.
    """
    plain, read = skeleton(words[index]), cleaned(words[index]).lower()
    votes: Counter[str] = Counter()
    for neighbour, pairs in ((index - 1, known[0]), (index + 1, known[1])):
        if 0 <= neighbour < len(words) and words[neighbour].isupper():
            mentions = pairs.get((skeleton(words[neighbour]), plain), ())
            votes |= Counter(  # a mention has both neighbours
                word for word, token in mentions if word == read or not _shown(token, read, DOUBT)
            )
    if not votes:
        return "", 0
    (best, often), *others = votes.most_common()
    return (best, often) if often >= _TIMES * sum(count for _, count in others) else ("", 0)


def _word(token: Token) -> str:
    return token.text.strip(_SIGNS)


def _is_one_word(token: Token) -> bool:
    return _word(token).isalpha()


def _shown(token: Token, word: str, least: int) -> bool:
    """Whether the page doubted the letters that change: each of them competed, with this confidence at least."""
    read = [one for one in token.letters if one.text.isalpha()]
    if len(read) != len(word):
        return False
    return all(
        one.text.lower() == letter or any(choice.lower() == letter and sure >= least for choice, sure in one.choices)
        for one, letter in zip(read, word, strict=True)
    )
