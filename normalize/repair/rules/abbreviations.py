"""Abbreviations that lost the bar of their Đ: ``BCD`` beside nine ``BCĐ``, ``HDND`` for ``HĐND``.

The bar is thin and goes lost; nothing puts it there. So a D gives way to a Đ where the document has the abbreviation
with a Đ several times as often, where it has the words that it stands for (Ban Chỉ đạo), or where the corpus knows it
with a Đ only. Abbreviations of two letters stay as they are: ``HD`` and ``HĐ`` are two things. So do the symbols of
documents, except for parts that no symbol has, where the page itself showed the Đ: ``24/2009/QD-TTg``.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache

from normalize.document import Document
from normalize.repair.changes import Change, Place, cleaned, confidence_of, page_letters, places
from normalize.vietnamese import language
from normalize.vietnamese.decree30 import SYMBOL, SYMBOL_PARTS
from normalize.vietnamese.language import LanguageModel
from normalize.vietnamese.syllable import parse

# So often, and so many times as often, the document must have the abbreviation with a Đ.
_OFTEN, _TIMES = 3, 3
# The same of the words that an abbreviation stands for; any three words may begin with its letters now and then.
_PHRASE_OFTEN, _PHRASE_TIMES = 4, 5
# An abbreviation that the corpus has this often with its D is right.
_KNOWN = 4.0
# The same of the corpus, in its weighted counts.
_CORPUS_OFTEN, _CORPUS_TIMES = 100.0, 50.0
PROBABILITY = 0.95


def abbreviations(document: Document, model: LanguageModel) -> Iterator[Change]:
    """Abbreviations whose D is a Đ elsewhere in the document, or in the corpus."""
    found = list(_with_d(document))
    seen = Counter(word for _, _, word in found)
    doubtful = [(place, start, word) for place, start, word in found if _may_have_lost_a_bar(place, start, word)]
    phrases = _phrases(document, {form for *_, word in doubtful for form in (word, *barred(word))})
    for place, start, word in doubtful:
        right = _right_form(word, seen, phrases, model)
        if right is not None:
            form, because = right
            yield place.change(start, start + len(word), form, PROBABILITY, because)


def _with_d(document: Document) -> Iterator[tuple[Place, int, str]]:
    """The abbreviations with a D or Đ: their token, where they begin in it, and they themselves."""
    for place in places(document):
        text = place.token.text
        if text.islower() or any(letter.isdigit() for letter in text):
            continue
        for found in language.WORD.finditer(cleaned(text)):
            word = found.group()
            if len(word) > 2 and word.isupper() and ("D" in word or "Đ" in word) and parse(word) is None:
                yield place, found.start(), word


def _may_have_lost_a_bar(place: Place, start: int, word: str) -> bool:
    return "D" in word and not place.holds_reference(start, start + len(word))


def _right_form(
    word: str, seen: Counter[str], phrases: dict[str, Counter[str]], model: LanguageModel
) -> tuple[str, str] | None:
    """What an abbreviation should be, and why; ``None`` where it may well be right."""
    best = max(barred(word), key=lambda one: (seen[one], _count(model, one)), default=word)
    own = _count(model, word)
    if seen[best] >= _OFTEN and seen[best] >= _TIMES * seen[word]:
        return best, f"the document has {best} {seen[best]} times, {word} {seen[word]} times"
    if own < _KNOWN and not seen[best] and (full := _stands_for(word, phrases)):
        form, phrase, times = full
        return form, f"the document has {phrase!r} {times} times"
    is_of_this_document = seen[word] > _OFTEN and not seen[best]
    is_official = _count(model, best) >= _CORPUS_OFTEN and _count(model, best) >= _CORPUS_TIMES * max(own, 1.0)
    return (best, f"official texts write {best}, not {word}") if is_official and not is_of_this_document else None


# The page must have shown the Đ with at least this confidence.
_SHOWN = 20


def symbols(document: Document) -> Iterator[Change]:
    """Parts of document symbols whose D was a Đ on the page. No digit changes."""
    for place in places(document):
        text = place.token.text
        letters = page_letters(place.token) if "D" in text and "/" in text else ()
        found = SYMBOL.search(text) if letters else None
        if found is None:
            continue
        for part in language.WORD.finditer(text, found.start(), found.end()):
            best = SYMBOL_PARTS.get(part.group())
            if best is None or place.holds_reference(*part.span()):
                continue
            at = next(i for i, (one, two) in enumerate(zip(part.group(), best, strict=True)) if one != two)
            shown = confidence_of(letters[part.start() + at], "ĐÐ")
            if shown >= _SHOWN:
                because = f"no document symbol has {part.group()}; the page also showed Đ ({shown}) beside D"
                yield place.change(*part.span(), best, PROBABILITY, because)


def _phrases(document: Document, wanted: set[str]) -> dict[str, Counter[str]]:
    """For each abbreviation the words of the document that begin with its letters, and how often they stand there."""
    out: dict[str, Counter[str]] = {form: Counter() for form in wanted}
    sizes = {len(form) for form in wanted}
    if not sizes:
        return out
    for _, tokens in document.texts():
        words: list[str] = []
        initials = ""
        for token in tokens:
            word = token.text.lower()
            bare = word.rstrip(".,;:)")
            if parse(bare) is None:
                words, initials = [], ""
                continue
            words.append(bare)
            initials += bare[0].upper()
            for size in sizes:
                if initials[-size:] in out and len(initials) >= size:
                    out[initials[-size:]][" ".join(words[-size:])] += 1
            if bare != word:
                words, initials = [], ""
    return out


def _stands_for(word: str, phrases: dict[str, Counter[str]]) -> tuple[str, str, int] | None:
    """The abbreviation with Đ whose words the document has often, those words, and how often; None where unsure."""
    own = max(phrases[word].values(), default=0)
    found = [(times, form, phrase) for form in barred(word) for phrase, times in phrases[form].most_common(1)]
    if not found:
        return None
    times, form, phrase = max(found)
    return (form, phrase, times) if times >= _PHRASE_OFTEN and times >= _PHRASE_TIMES * own else None


@lru_cache(maxsize=1 << 12)
def barred(word: str) -> tuple[str, ...]:
    """The word with one or more of its D made Đ.

    >>> barred("HDND")
    ('HĐND', 'HDNĐ', 'HĐNĐ')
    """
    places = [i for i, letter in enumerate(word) if letter == "D"]
    if len(places) > 4:
        return ()
    out = []
    for size in range(1, len(places) + 1):
        for chosen in itertools.combinations(places, size):
            out.append("".join("Đ" if i in chosen else letter for i, letter in enumerate(word)))
    return tuple(sorted(out, key=lambda one: (one.count("Đ"), one.replace("Đ", "A"))))


def _count(model: LanguageModel, word: str) -> float:
    symbol = model.ids.get(word.lower())
    return float(model.counts[symbol]) if symbol is not None else 0.0
