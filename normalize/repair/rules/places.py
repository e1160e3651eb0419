"""Names of places, by the gazetteer: ``huyện Trảng Định`` is Tràng Định, and ``xã Lang Can`` stays what it is.

A word that says what kind of place follows (``tỉnh``, ``huyện``, ``xã``, ``sông`` ...) is a frame; the capitalised
words behind it are a name, and so are those enumerated after it. In its frame a name is known or not.

One that is known there is not for the language model to change (:func:`beside_known_names`). One that is not known, and
that differs from a known one of that kind in the marks of one letter, was likely misread. It is changed if no other
such place is as likely, and a commune only if the document tells of it: of the district or province it belongs to, or
of the commune itself, elsewhere. A name that is known somewhere else in the country gives way only in a document that
names nothing it belongs to, and both the other place and what that belongs to.
"""

from __future__ import annotations

import functools
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from normalize.document import Document, Tokens
from normalize.repair.changes import Change, Place, cleaned, confidence_of, page_letters
from normalize.repair.seen import Seen
from normalize.vietnamese.gazetteer import LONGEST, Unit, as_key, load_gazetteer, one_mark_away
from normalize.vietnamese.language import WORD
from normalize.vietnamese.syllable import key, match_case, parse, skeleton, spellings

#: What kinds of places a word is followed by; a city is a district, unless it is a province.
_FRAMES = {
    ("tỉnh",): ("province",),
    ("thành", "phố"): ("province", "district"),
    ("tp",): ("province", "district"),
    ("huyện",): ("district",),
    ("quận",): ("district",),
    ("thị", "xã"): ("district",),
    ("thị", "trấn"): ("commune",),
    ("xã",): ("commune",),
    ("phường",): ("commune",),
    ("đặc", "khu"): ("commune",),
    ("sông",): ("river",),
}
_FRAME_WORDS = frozenset(word for frame in _FRAMES for word in frame)
#: A document is about the provinces that are so large a share, 0 to 1, of all that it names.
_SHARE = 0.25
#: A name that is read so often one way, and never as the place that it would be, is a place that the list lacks.
_OFTEN = 4
#: So many times as often as read the document must name a place for which another one is read that is none of its kind.
_TIMES = 3
#: The page must have shown the letter with at least this confidence, 0 to 100.
_SHOWN = 5
PROBABILITY = 0.95


class _Word(NamedTuple):
    """A word of a text.

    Attributes:
        token, start, end: where it stands.
        after: what stands between it and the next word, a space for the end of a token.
    """

    token: int
    start: int
    end: int
    text: str
    after: str


@dataclass(frozen=True, slots=True)
class _Name:
    """A name in its frame.

    Attributes:
        text: index of the text in ``Document.texts()``.
        levels: what kinds of places it may be the name of.
    """

    text: int
    words: tuple[_Word, ...]
    levels: tuple[str, ...]

    @property
    def key(self) -> str:
        return as_key([word.text for word in self.words])

    def units(self, name: str) -> list[Unit]:
        """The places of its kinds that have some name."""
        return [unit for unit in load_gazetteer().get(name, ()) if unit.level in self.levels]

    def meets(self, change: Change) -> bool:
        """Whether a change is one of some of its characters."""
        first, last = self.words[0], self.words[-1]
        begins, ends = (first.token, first.start), (last.token, last.end)
        return begins < (change.last, change.end) and (change.first, change.start) < ends


@dataclass(frozen=True, slots=True)
class _Told:
    """What a document says of places.

    Attributes:
        names: in their frames.
        times: how often rows of two and more capitalised words stand in it, by their key.
        provinces: those it is about.
        others: the rest of those that it names.
        districts: those it names in a frame.
        near: the provinces and districts that each of its texts names.
    """

    names: Sequence[_Name]
    times: Counter[str]
    provinces: Collection[str]
    others: Collection[str]
    districts: Collection[str]
    near: Mapping[int, Collection[str]]

    def tells_of(self, unit: Unit, text: int) -> bool:
        """Whether the document is about the province of a place, or the text names what the place belongs to."""
        near = self.near.get(text, ())
        if unit.province in self.provinces or unit.province in near or unit.district in near:
            return True
        return self.is_about_one_place and not self.provinces and unit.district in self.districts

    @property
    def is_about_one_place(self) -> bool:
        """Whether it is no collection of texts about places all over the country."""
        return bool(self.provinces) or not self.others

    def tells_of_any(self, units: Iterable[Unit], text: int) -> bool:
        return any(self.tells_of(unit, text) for unit in units)


def places(document: Document, seen: Seen | None = None) -> Iterator[Change]:
    """Names of places that were misread by the marks of one letter.

    Args:
        seen: what earlier looks at the document left.
    """
    texts = [tokens for _, tokens in document.texts()]
    where = [name for name, _ in document.texts()]
    told = _told(texts, seen or Seen())
    for name in told.names:
        found = _right_name(name, told, texts[name.text])
        if found is None:
            continue
        right, because = found
        for word, read, syllable in zip(name.words, name.key.split(), right.split(), strict=True):
            place = Place(name.text, where[name.text], texts[name.text], word.token)
            if syllable != read and not place.holds_reference(word.start, word.end):
                yield place.change(word.start, word.end, _spelt_as(syllable, word.text), PROBABILITY, because)


def beside_known_names(changes: Iterable[Change], document: Document, seen: Seen | None = None) -> list[Change]:
    """The changes without those of marks in names of places that are known where they stand.

    What is no letter of ours (``Ðồng``) may become one.

    Args:
        seen: what earlier looks at the document left.
    """
    changes = list(changes)
    marks = [one for one in changes if _is_of_marks(one)]
    if not marks:
        return changes
    told = _told([tokens for _, tokens in document.texts()], seen or Seen())
    known: dict[int, list[_Name]] = defaultdict(list)
    for name in told.names:
        if _is_at_home(name, told) or any(unit.level != "commune" for unit in name.units(name.key)):
            known[name.text].append(name)
    vetoed = {id(one) for one in marks if any(name.meets(one) for name in known[one.text])}
    return [one for one in changes if id(one) not in vetoed]


def _is_of_marks(change: Change) -> bool:
    before = cleaned(change.before)
    return key(before) != key(change.after) and skeleton(before) == skeleton(change.after)


def _spelt_as(syllable: str, read: str) -> str:
    """A syllable in the case of the one that was read, the tone where that has it."""
    parsed = parse(syllable)
    is_new = read.lower() != key(read)
    form = spellings(parsed)[-1 if is_new else 0] if parsed is not None else syllable
    return match_case(form, read)


# -- what a name should be --------------------------------------------------------------------------------------------


def _right_name(name: _Name, told: _Told, tokens: Tokens) -> tuple[str, str] | None:
    """The key of the place that was printed where another was read, and why; ``None`` where the name may be right."""
    if len(name.words) < 2 or _is_at_home(name, told):
        return None
    likely: dict[str, str] = {}
    for other in _one_mark_away(name.key):
        units = [unit for unit in name.units(other) if not unit.abroad]
        if name.key in load_gazetteer():
            because = _why_not_the_other(name, other, units, told)
        else:
            because = _why(name, other, units, told, tokens)
        if units and because is not None:
            likely[other] = because
    if len(likely) > 1:  # one that the document names elsewhere is likelier than those that would be near
        likely = {other: because for other, because in likely.items() if told.times[other]}
    return next(iter(likely.items())) if len(likely) == 1 else None


def _is_at_home(name: _Name, told: _Told) -> bool:
    """Whether a name is known in its frame, and the document is not about another part of the country."""
    units = name.units(name.key)
    return bool(units) and (not told.provinces or told.tells_of_any(units, name.text))


@lru_cache(maxsize=1 << 12)
def _one_mark_away(name: str) -> tuple[str, ...]:
    return tuple(one_mark_away(name, load_gazetteer()))


def _why(name: _Name, other: str, units: Sequence[Unit], told: _Told, tokens: Tokens) -> str | None:
    """Why a place was printed where a name was read that none has; ``None`` where that is not sure.

    Args:
        other: the key of its name.
        units: the places that have it.
    """
    read, times = told.times[name.key], told.times[other]
    if told.is_about_one_place and times > 0 and 2 * times >= read:
        return f"no such place is known, and the document names {other} {times} times"
    if _shown(name, other, tokens):
        return f"no such place is known, and the page also showed {other}"
    # There are few provinces, districts and long rivers: in 7.4 million syllables of clean text one real name, a
    # district of another country, was so near one of ours. Of the 10,000 communes too many are.
    levels = {unit.level for unit in units}
    if told.tells_of_any(units, name.text) and (read < _OFTEN or levels != {"commune"}):
        return f"no such place is known, and the document names what {other} belongs to"
    if "province" in levels or (read < _OFTEN and levels != {"commune"}):
        return f"no such place is known, but {other}"
    return None


def _why_not_the_other(name: _Name, other: str, units: Sequence[Unit], told: _Told) -> str | None:
    """Why a place was printed where the name of another one was read, which is far away or of another kind."""
    read, times = told.times[name.key], told.times[other]
    own = name.units(name.key)
    is_elsewhere = told.tells_of_any(units, name.text) and all(unit.province not in told.others for unit in own)
    is_often = not own and times >= _OFTEN and times >= _TIMES * read
    if 2 * times >= read and times > 0 and (is_elsewhere or is_often):
        return f"the document names {other} {times} times, and nothing that the other place belongs to"
    return None


def _shown(name: _Name, other: str, tokens: Tokens) -> bool:
    """Whether the page showed the letter that would change."""
    for word, read, syllable in zip(name.words, name.key.split(), other.split(), strict=True):
        letters = page_letters(tokens[word.token])[word.start : word.end]
        if syllable != read and not any(
            one != two and confidence_of(letter, two + two.upper()) >= _SHOWN
            for letter, one, two in zip(letters, read, syllable, strict=False)
        ):
            return False
    return True


# -- names in their frames --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _ToldInText:
    """What one text says of places.

    Attributes:
        names: in their frames.
        rows: of two and more capitalised words, all that there are in longer ones, by their keys.
        provinces: those it names, once for each time.
        districts: those it names in a frame.
    """

    names: Sequence[_Name]
    rows: Sequence[str]
    provinces: Sequence[str]
    districts: Collection[str]


def _told(texts: Sequence[Tokens], seen: Seen) -> _Told:
    each = [seen.of("places", *one, functools.partial(_told_in_text, *one)) for one in enumerate(texts)]
    times = Counter(row for one in each for row in one.rows)
    provinces = Counter(row for one in each for row in one.provinces)
    districts = {row for one in each for row in one.districts}
    about = {one for one, often in provinces.items() if often >= _SHARE * provinces.total()}
    near = {number: {*one.districts, *one.provinces} for number, one in enumerate(each)}
    names = [name for one in each for name in one.names]
    return _Told(names, times, about, set(provinces) - about, districts, near)


def _told_in_text(number: int, tokens: Tokens) -> _ToldInText:
    words = _words(tokens)
    names = list(_framed(number, words))
    rows = [as_key([word.text for word in row]) for row in _rows(words)]
    rows += [name.key for name in names if name.words[0].text.isupper()]
    districts = {name.key for name in names if any(unit.level == "district" for unit in name.units(name.key))}
    parts = [part for row in rows for part in _parts(row)]
    return _ToldInText(names, parts, [row for row in rows if _is_province(row)], districts)


@lru_cache(maxsize=1 << 12)
def _is_province(row: str) -> bool:
    return any(unit.level == "province" and not unit.abroad for unit in load_gazetteer().get(row, ()))


def _parts(row: str) -> Iterator[str]:
    """The rows of two words and more in a row of words."""
    words = row.split()
    for at in range(len(words) - 1):
        for end in range(at + 2, len(words) + 1):
            yield " ".join(words[at:end])


def _words(tokens: Tokens) -> list[_Word]:
    """The words of a text, and what stands between them."""
    words: list[_Word] = []
    for index, token in enumerate(tokens):
        found = _in_token(token.text)
        between = token.text[: found[0][0]] if found else token.text + " "
        if between and words:
            words[-1] = words[-1]._replace(after=words[-1].after + between)
        words += [_Word(index, start, end, word, after) for start, end, word, after in found]
    return words


@lru_cache(maxsize=1 << 16)
def _in_token(token: str) -> tuple[tuple[int, int, str, str], ...]:
    """From where to where each word of a token stands, itself, and what stands behind it."""
    token = cleaned(token)
    found = list(WORD.finditer(token))
    if not found:
        return ()
    ends = [one.start() for one in found[1:]] + [len(token)]
    return tuple(
        (one.start(), one.end(), one.group(), token[one.end() : end] + " " * (end == len(token)))
        for one, end in zip(found, ends, strict=True)
    )


def _rows(words: Sequence[_Word]) -> Iterator[Sequence[_Word]]:
    """The rows of capitalised words, without the frame that may begin one: ``Huyện Tràng Định``."""
    at = 0
    while at < len(words):
        size = _frame_at(words, at)
        end = _end_of_row(words, at, is_capitals=False)
        if not size and LONGEST >= end - at >= 2:
            yield words[at:end]
        at = at + size if size else max(end, at + 1)


def _end_of_row(words: Sequence[_Word], at: int, *, is_capitals: bool) -> int:
    """Where a row of capitalised words ends (exclusive) that begins at a place; there, if none does."""
    end = at
    while end < len(words):
        word = words[end].text
        is_name = word.isupper() and not _frame_at(words, end) if is_capitals else word.istitle()
        if not is_name:
            break
        end += 1
        if words[end - 1].after != " ":
            break
    return end


def _framed(text: int, words: Sequence[_Word]) -> Iterator[_Name]:
    """The names behind a frame, and those enumerated behind them."""
    for start in range(len(words)):
        size = _frame_at(words, start)
        if not size:
            continue
        levels = _FRAMES[tuple(word.text.lower() for word in words[start : start + size])]
        is_capitals = words[start].text.isupper() and len(words[start].text) > 2
        at: int | None = start + size
        while at is not None:
            end = _end_of_row(words, at, is_capitals=is_capitals)
            name = _name(text, words[at:end], levels)
            if name is None:
                break
            yield name
            at = _next_enumerated(words, at + len(name.words))


def _frame_at(words: Sequence[_Word], at: int) -> int:
    """Of how many words the frame is that stands at a place; 0 for none."""
    first = words[at].text.lower()
    if first not in _FRAME_WORDS:
        return 0
    if (first,) in _FRAMES:
        is_longer = at > 0 and (words[at - 1].text.lower(), first) in _FRAMES  # thị xã
        return 0 if is_longer or words[at].after not in ((" ", ". ", ".") if first == "tp" else " ") else 1
    if at + 1 == len(words) or words[at].after != " " or words[at + 1].after != " ":
        return 0
    return 2 if (first, words[at + 1].text.lower()) in _FRAMES else 0


def _name(text: int, row: Sequence[_Word], levels: tuple[str, ...]) -> _Name | None:
    """The name that begins a row of capitalised words: the longest that is known or may be a known one misread, or the
    whole row."""
    if not row or row[-1].after.startswith(("'", "’", "‘")):
        return None
    names = [_Name(text, tuple(row[:size]), levels) for size in range(min(LONGEST, len(row)), 1, -1)]
    for name in names:
        if name.units(name.key) or any(name.units(other) for other in _one_mark_away(name.key)):
            return name
    return _Name(text, tuple(row), levels) if len(row) <= LONGEST else None


def _next_enumerated(words: Sequence[_Word], end: int) -> int | None:
    """Where the next name of an enumeration begins, behind the one that ends there; ``None`` where none does."""
    if words[end - 1].after == ", ":
        return end
    is_and = words[end - 1].after == " " and end + 1 < len(words) and words[end].text in ("và", "VÀ")
    return end + 1 if is_and and words[end].after == " " else None
