"""Abbreviations that lost the bar of their Đ: ``BCD`` beside nine ``BCĐ``, ``HDND`` for ``HĐND``.

The bar is thin and goes lost; nothing puts it there. So a D gives way to a Đ where the corpus knows the abbreviation
with a Đ only, or where the page showed a Đ beside it and the document has it with a Đ several times as often, or has
the words that it stands for (Ban Chỉ đạo). Without the page's doubt those say little: a report on ``NĐT`` may speak of
``NDT`` once, and any three words begin with the letters of something. Then the words must be a name, with a capital,
and stand somewhere after the same two words as the abbreviation ("thành lập BCD", "thành lập Ban Chỉ đạo").

Abbreviations of two letters stay as they are: ``HD`` and ``HĐ`` are two things. So do the symbols of documents, except
for parts that no symbol has, where the page itself showed the Đ: ``24/2009/QD-TTg``.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Collection, Iterator
from functools import lru_cache

from normalize.document import Document, Tokens
from normalize.repair.changes import Change, Place, cleaned, confidence_of, page_letters, places, places_where
from normalize.repair.channel import DOUBT
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
    introduced: dict[str, set[tuple[str, ...]]] = {}
    for place, _, word in doubtful:
        introduced.setdefault(word, set()).add(_two_before(place.tokens, place.index))
    for place, start, word in doubtful:
        shown = tuple(form for form in barred(word) if _page_shows(place, start, word, form))
        right = _right_form(word, shown, seen, phrases, model)
        if right is None and not place.token.letters:
            right = _named_form(document, word, introduced[word], seen, phrases, model)
        if right is not None:
            form, because = right
            yield place.change(start, start + len(word), form, PROBABILITY, because)


def _with_d(document: Document) -> Iterator[tuple[Place, int, str]]:
    """The abbreviations with a D or Đ: their token, where they begin in it, and they themselves."""
    for place in places_where(document, _in_token):
        for start, word in _in_token(place.token.text):
            yield place, start, word


@lru_cache(maxsize=1 << 16)
def _in_token(text: str) -> tuple[tuple[int, str], ...]:
    """The abbreviations with a D or Đ in a token, and where each begins in it."""
    if text.islower() or any(letter.isdigit() for letter in text):
        return ()
    words = ((found.start(), found.group()) for found in language.WORD.finditer(cleaned(text)))
    return tuple(
        (start, word)
        for start, word in words
        if len(word) > 2 and word.isupper() and ("D" in word or "Đ" in word) and parse(word) is None
    )


def _may_have_lost_a_bar(place: Place, start: int, word: str) -> bool:
    return "D" in word and not place.holds_reference(start, start + len(word))


def _page_shows(place: Place, start: int, word: str, form: str) -> bool:
    """Whether the page showed a Đ beside every D that would become one."""
    letters = page_letters(place.token)[start : start + len(word)]
    changed = [letter for letter, one, two in zip(letters, word, form, strict=False) if one != two]
    return bool(changed) and all(confidence_of(letter, "ĐÐđð") >= DOUBT for letter in changed)


def _right_form(
    word: str, shown: Collection[str], seen: Counter[str], phrases: dict[str, Counter[str]], model: LanguageModel
) -> tuple[str, str] | None:
    """What an abbreviation should be, and why; ``None`` where it may well be right.

    Args:
        shown: the forms of the word that the page showed too.
        seen: how often the document has each abbreviation.
        phrases: see :func:`_phrases`.
    """
    best = max(barred(word), key=lambda one: (seen[one], _count(model, one)), default=word)
    own = _count(model, word)
    if best in shown and seen[best] >= _OFTEN and seen[best] >= _TIMES * seen[word]:
        return best, f"the document has {best} {seen[best]} times, {word} {seen[word]} times"
    if own < _KNOWN and not seen[best] and (full := _stands_for(word, shown, phrases)):
        form, phrase, times = full
        return form, f"the document has {phrase!r} {times} times"
    is_of_this_document = seen[word] > _OFTEN and not seen[best]
    is_official = _count(model, best) >= _CORPUS_OFTEN and _count(model, best) >= _CORPUS_TIMES * max(own, 1.0)
    return (best, f"official texts write {best}, not {word}") if is_official and not is_of_this_document else None


def _named_form(
    document: Document,
    word: str,
    introduced: Collection[tuple[str, ...]],
    seen: Counter[str],
    phrases: dict[str, Counter[str]],
    model: LanguageModel,
) -> tuple[str, str] | None:
    """What an abbreviation should be where there is no page: a name of the document, after the same two words.

    Args:
        introduced: the two words before each of its places.
        seen, phrases: see :func:`_right_form`.
    """
    if _count(model, word) >= _KNOWN or any(seen[form] for form in barred(word)):
        return None
    full = _stands_for(word, barred(word), phrases)
    if full is None:
        return None
    form, phrase, times = full
    wanted = phrase.split()
    for _, tokens in document.texts():
        words = [_bare(token.text) for token in tokens]
        for at in range(2, len(words) - len(wanted) + 1):
            is_name = tokens[at].text[0].isupper() and words[at : at + len(wanted)] == wanted
            before = _two_before(tokens, at)
            if is_name and before in introduced and all(map(str.isalpha, before)):
                return form, f"the document has {phrase!r} {times} times, also after {' '.join(words[at - 2 : at])!r}"
    return None


def _bare(text: str) -> str:
    return text.lower().rstrip(".,;:)")


def _two_before(tokens: Tokens, index: int) -> tuple[str, ...]:
    """The two words before a token of its text."""
    return tuple(token.text.lower() for token in tokens[max(0, index - 2) : index])


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
            bare, initial, is_last = _initial(token.text)
            if not initial:
                words, initials = [], ""
                continue
            words.append(bare)
            initials += initial
            for size in sizes:
                if initials[-size:] in out and len(initials) >= size:
                    out[initials[-size:]][" ".join(words[-size:])] += 1
            if is_last:
                words, initials = [], ""
    return out


@lru_cache(maxsize=1 << 16)
def _initial(text: str) -> tuple[str, str, bool]:
    """A word without the signs behind it, its first letter as a capital, empty for what is no syllable, and whether
    there were such signs."""
    bare = _bare(text)
    return bare, bare[0].upper() if parse(bare) is not None else "", bare != text.lower()


def _stands_for(word: str, shown: Collection[str], phrases: dict[str, Counter[str]]) -> tuple[str, str, int] | None:
    """The abbreviation with Đ whose words the document has often, those words, and how often; None where unsure."""
    own = max(phrases[word].values(), default=0)
    found = [(times, form, phrase) for form in shown for phrase, times in phrases[form].most_common(1)]
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
