"""Put right what OCR misread, with reasons, and without harming what is right.

Each syllable that may have lost or changed its marks is a slot with candidates: the known syllables of the same
letters. The channel (``normalize/confusion.py``) says how readily the page would show each candidate as what was
read, the language model (``normalize/language.py``) how well it fits between its neighbours, and the best sequence
is found by dynamic programming over whole sentences (the noisy channel: Kernighan, Church and Gale 1990; the
search: Viterbi over 4-gram states), so that several wrong syllables in a row are put right together.

First, do no harm. A change is made only when it beats the text as read by a margin that was calibrated on text the
model has not seen; numbers, codes, addresses, abbreviations and foreign words are no slots at all; names change only
where the page doubts them and the same document reads them otherwise elsewhere. Every change is a
:class:`~normalize.document.Correction`, and :func:`undo` gives the text as it was read.
"""

from __future__ import annotations

import itertools
import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from normalize import confusion, language
from normalize.confusion import Channel
from normalize.document import Block, Correction, Document, Footnote, Mark, Token, Tokens
from normalize.language import NONE, OTHER, START, LanguageModel, symbols
from normalize.letterhead import read_metadata
from normalize.syllable import NANG, SAC, clean, match_case, parse, place, skeleton, spellings, split_tone
from ocr.page import Letter

DATA = Path(__file__).parent / "data"
MODES = ("off", "safe", "full")
# A candidate whose own gain is this far below the text as read can still win together with its neighbours.
SLACK = 4.0
# An unseen syllable takes an equal share of the unknown: there are about 18,000 possible ones.
UNSEEN = math.log(18_000)
# Two syllables in a row are tried together where the model finds one of them less likely than this.
ODD = -5.0
# Two syllables count as a word where the second follows the first with at least this log probability.
WORD = -5.0
BEAM = 200
# So many slots are swept at a time.
PART = 5000
# So many symbols on either side tell whether the model knows this kind of text.
FAR = 12
# A candidate that the channel makes this much dearer (nats) is no rival.
RIVAL = 8.0
# The margin (nats) that overrules a letter without such a competitor. The regression would be content with less: on
# its pages, which are worse than real ones, such letters are wrong too often to teach it caution.
OVERWHELMING = {"safe": 6.0, "full": 3.0}
# Look-alike letters and stray capitals are put right by rule; this is what their corrections carry.
MECHANICAL = 0.99
# Without a page the search proposes more than it believes: changes this much (nats) cheaper than the channel says.
# The decision then weighs each proposal by more than its likelihood.
PROPOSE = 6.5
# What it is worth that the document reads a name one way elsewhere, nats; half of it for other words.
EVIDENCE = 3.0


# Symbol id, spelling, channel cost in nats.
Candidate = tuple[int, str, float]


@dataclass(frozen=True, slots=True)
class Slot:
    """A syllable that may be repaired.

    Attributes:
        at: its index in the sequence of symbols.
        text: index of the text in ``Document.texts()``.
        token: index of the token in it.
        start, end: characters of the token.
        read: as it stands there.
        letters: one for each character of ``read``, or empty.
        name: capitalised inside a sentence.
        candidates: without the one that was read.
    """

    at: int
    text: int
    token: int
    start: int
    end: int
    read: str
    letters: tuple[Letter, ...]
    name: bool
    candidates: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """A slot and what it becomes.

    Attributes:
        cost: of the channel, nats.
        margin: by how much the text with it beats the text as read, nats.
        features: see :data:`FEATURES`.
        probability: that it is right.
    """

    slot: Slot
    after: str
    symbol: int
    cost: float
    margin: float = 0.0
    features: tuple[float, ...] = ()
    probability: float = 0.0


def repair(document: Document, mode: str = "safe") -> Document:
    """The document with its misread syllables put right.

    Starts from the text as it was read: corrections that ``document`` already carries are undone first, so that a
    document can be repaired again in another mode.

    Args:
        mode: ``off`` (the document as it is), ``safe`` or ``full`` (more repairs, more risk).

    Raises:
        ValueError: ``mode`` is none of these.
    """
    if mode not in MODES:
        raise ValueError(f"repair mode must be one of {', '.join(MODES)}, not {mode!r}")
    if mode == "off":
        return document
    document = undo(document)
    model, channel = language.load(), confusion.load()
    ids, slots = lattice(document, model, channel)
    judge = Judge(load_decision(), mode, ids, slots)
    changes = decide(decode(ids, slots, model, channel.burst), ids, model, channel.burst, judge.accept)
    changes = [replace(one, probability=judge.probability(one)) for one in changes]
    return apply(document, changes + mechanical(document, changes))


def undo(document: Document) -> Document:
    """The document as it was before repair."""
    if not document.corrections:
        return document
    wanted: dict[str, list[Correction]] = {}
    for correction in document.corrections:
        wanted.setdefault(correction.where, []).append(correction)

    def restore(where: str, tokens: Tokens) -> Tokens:
        here = wanted.get(where)
        if not here:
            return tokens
        out = list(tokens)
        starts = _starts(tokens)
        for correction in sorted(here, key=lambda one: -one.start):
            index = max(i for i, start in enumerate(starts) if start <= correction.start)
            token = out[index]
            start = _text_offset(token, correction.start - starts[index])
            out[index] = _replace(token, start, start + len(correction.after), correction.before)
        return tuple(out)

    return replace(_with_texts(document, restore), corrections=())


# --- the lattice


def lattice(document: Document, model: LanguageModel, channel: Channel) -> tuple[npt.NDArray[np.int64], list[Slot]]:
    """The document as one sequence of symbol ids, and the slots in it."""
    ids: list[int] = [START]
    pending: list[tuple[int, int, int, int, int, str]] = []
    texts = [tokens for _, tokens in document.texts()]
    for number, tokens in enumerate(texts):
        if ids[-1] != START:
            ids.append(START)
        for index, token in enumerate(tokens):
            cleaned = _cleaned(token.text)
            for piece in symbols(cleaned):
                if piece.end > piece.start and piece.symbol not in ("<n>", "<x>"):
                    word = cleaned[piece.start : piece.end]
                    pending.append((len(ids), number, index, piece.start, piece.end, word))
                ids.append(model.id(piece.symbol))
    if ids[-1] != START:
        ids.append(START)
    new_style = _prefers_new_style(word for *_, word in pending)
    slots = []
    pageless: dict[str, tuple[Candidate, ...]] = {}
    for number, one in enumerate(pending):
        at, text, index, start, end, word = one
        token = texts[text][index]
        before = pending[number - 1] if number and pending[number - 1][0] == at - 1 else None
        after = pending[number + 1] if number + 1 < len(pending) and pending[number + 1][0] == at + 1 else None
        if any(start < mark.offset < end for mark in token.marks):
            continue
        neighbours = [near[5] for near in (before, after) if near is not None]
        if frozen(word, neighbours):
            continue
        letters = _letters(token, start, end)
        candidates = pageless.get(word) if not letters else None
        if candidates is None:
            candidates = _candidates(word, letters, model, channel, new_style)
            if not letters:
                pageless[word] = candidates
        if candidates:
            first = ids[at - 1] == START or (start == 0 and _marker(texts[text], index))
            name = word[0].isupper() and not word.isupper() and not first
            if first and after is not None and word.istitle() and after[5].istitle():
                name = True
            # What breaks the rule of tones was not printed so: "Quôc" is nobody's name.
            name = name and parse(word) is not None
            slots.append(Slot(at, text, index, start, end, word, letters, name, candidates))
    return np.array(ids, np.int64), slots


_MARKER = re.compile(r"^(?:[-–+*•]|\(?[\da-zđ]{1,2}[.)]+)$")


def _marker(tokens: Tokens, index: int) -> bool:
    """Whether a token follows the sign of a list item: ``(4) Chỉnh trang``."""
    return index == 0 or _MARKER.match(tokens[index - 1].text) is not None


def frozen(word: str, neighbours: Sequence[str]) -> bool:
    """Whether a word is not for the language model to touch, given the words right beside it.

    >>> frozen("UBND", ["của"]), frozen("PHÂN", ["ĐẤU"]), frozen("Covid", []), frozen("tô", [])
    (True, False, True, False)
    """
    if len(word) < 2 and word.isupper():
        return True
    syllable = parse(word)
    if word.isupper():
        # Abbreviations stand alone; a heading is a row of capital syllables.
        if not any(near.isupper() and len(near) > 1 and _looks_vietnamese(near) for near in neighbours):
            return True
        return not _looks_vietnamese(word)
    if not (word.islower() or word.istitle()):
        return True
    if word.isascii():
        if syllable is None and not _looks_vietnamese(word):
            return True
        return any(near.isascii() and not near.isupper() and parse(near) is None for near in neighbours)
    return not _looks_vietnamese(word)


def _looks_vietnamese(word: str) -> bool:
    """Whether a word is a syllable, or would be one with another tone."""
    if parse(word) is not None:
        return True
    parted = split_tone(word.lower())
    return parted is not None and any(parse(s) for s in _retoned(parted[0]))


def _retoned(letters: str) -> list[str]:
    """``letters`` with the tones that no coda forbids."""
    try:
        return [place(letters, tone) for tone in (0, SAC, NANG)]
    except ValueError:
        return []


def _letters(token: Token, start: int, end: int) -> tuple[Letter, ...]:
    """The page's evidence for some characters of a token; empty where it cannot be told."""
    if not token.letters or any(len(one.text) != 1 for one in token.letters):
        return ()
    if len(token.letters) != len(token.text) or any(
        one.text != character for one, character in zip(token.letters, token.text, strict=True)
    ):
        return ()
    found = token.letters[start:end]
    return found if any(one.choices for one in found) else ()


def _prefers_new_style(words: Iterable[str]) -> bool:
    """Whether a document writes hoà (new) rather than hòa."""
    new = old = 0
    for word in words:
        if not word.isascii() and len(word) < 8:
            syllable = parse(word)
            if syllable is not None and syllable.tone:
                forms = spellings(syllable)
                if len(forms) > 1:
                    if word.lower() == forms[0]:
                        old += 1
                    else:
                        new += 1
    return new > old


@lru_cache(maxsize=1 << 16)
def _options(word: str, model: LanguageModel, new_style: bool) -> tuple[tuple[int, str], ...]:
    """Symbol and spelling of each other syllable of the same letters, in the case and style of ``word``."""
    low = word.lower()
    own = parse(low)
    if own is not None and own.tone and len(spellings(own)) > 1:
        new_style = low == spellings(own)[1]
    out = []
    for symbol in model.same_letters(low):
        syllable = parse(model.words[symbol])
        if syllable is None or syllable == own:
            continue
        form = spellings(syllable)[-1 if new_style else 0]
        if len(form) == len(word):
            out.append((symbol, match_case(form, word)))
    return tuple(out)


def _candidates(
    word: str, letters: tuple[Letter, ...], model: LanguageModel, channel: Channel, new_style: bool
) -> tuple[Candidate, ...]:
    """The candidates of a slot with their costs."""
    offer = 0.0 if letters else PROPOSE
    return tuple(
        (symbol, form, max(0.5, confusion.cost(channel, form, word, letters) - offer))
        for symbol, form in _options(word, model, new_style)
    )


# --- decoding


def decode(ids: npt.NDArray[np.int64], slots: list[Slot], model: LanguageModel, burst: float) -> list[Change]:
    """The best sequence of candidates; returns the slots where it differs from the text as read.

    Most slots are settled in one sweep of vectorised look-ups: a candidate that loses by more than ``SLACK`` alone,
    and with each single candidate of its neighbour, cannot be on the best path. What remains is searched exactly.
    """
    padded, base = _padded(ids), base_scores(ids, model)
    changes: list[Change] = []
    for part in _parts(slots):
        open_ = _promising(padded, base, part, model)
        group: list[int] = []
        for number in [*sorted(open_), -1]:
            if group and (number < 0 or part[number].at - part[group[-1]].at > 3):
                changes += _search(ids, [(part[i], open_[i]) for i in group], model, burst)
                group = []
            group.append(number)
    return changes


def _parts(slots: list[Slot]) -> Iterator[list[Slot]]:
    """The slots of whole texts, about ``PART`` at a time: the memory of a sweep does not grow with the document."""
    part: list[Slot] = []
    for slot in slots:
        if len(part) >= PART and slot.text != part[-1].text:
            yield part
            part = []
        part.append(slot)
    if part:
        yield part


def _padded(ids: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    return np.concatenate([[NONE] * 3, ids, [NONE] * 4]).astype(np.int64)


def base_scores(ids: npt.NDArray[np.int64], model: LanguageModel) -> npt.NDArray[np.float32]:
    """log P of each symbol of the text as read; shape (n,) -> (n,)."""
    return _score(model, np.lib.stride_tricks.sliding_window_view(_padded(ids)[: len(ids) + 3], 4))


def _promising(
    padded: npt.NDArray[np.int64], base: npt.NDArray[np.float32], slots: list[Slot], model: LanguageModel
) -> dict[int, list[Candidate]]:
    """Slot number -> the candidates worth searching."""
    size = base.shape[0]
    base_padded = np.concatenate([base, np.zeros(3, np.float32)])

    numbers = np.repeat(np.arange(len(slots)), [len(slot.candidates) for slot in slots])
    at = np.array([slot.at for slot in slots])[numbers]
    flat = [candidate for slot in slots for candidate in slot.candidates]
    symbol = np.array([one[0] for one in flat])
    cost = np.array([one[2] for one in flat])
    gain = -cost
    # Evidence of unknown words aside, no more can be won than what the four affected symbols cost now.
    room = base_padded[at] + base_padded[at + 1] + base_padded[at + 2] + base_padded[at + 3]
    hope = np.flatnonzero(-room - cost > -SLACK)
    total = np.zeros(hope.shape[0])
    for shift in range(4):
        rows = padded[(at[hope] + shift)[:, None] + np.arange(4)]
        rows[:, 3 - shift] = symbol[hope]
        inside = at[hope] + shift < size
        total += np.where(inside, _score(model, rows) - base_padded[at[hope] + shift], 0)
    gain[hope] += total
    gain[np.setdiff1d(np.arange(gain.shape[0]), hope)] = -np.inf

    out: dict[int, list[Candidate]] = {}
    kept = set(np.flatnonzero(gain > -SLACK).tolist()) | _pairs(padded, base, slots, model)
    for index in sorted(kept):
        out.setdefault(int(numbers[index]), []).append(flat[index])
    return out


def _score(model: LanguageModel, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    """Scores of rows of ids; an unknown word gets its share of the unknown only."""
    out = model.score_many(rows)
    out -= np.where(rows[:, 3] == OTHER, UNSEEN, 0).astype(np.float32)
    return out


def _pairs(
    padded: npt.NDArray[np.int64], base: npt.NDArray[np.float32], slots: list[Slot], model: LanguageModel
) -> set[int]:
    """Flat indices of the candidates that are worth it together with a candidate of the neighbour.

    "phân đầu" for "phấn đấu": either alone is no better than what was read. The two must make a word (the second is
    likely after the first), and then win in their sentence.
    """
    offsets = np.cumsum([0, *(len(slot.candidates) for slot in slots)])
    rows, costs, which, places = [], [], [], []
    for number in range(len(slots) - 1):
        one, two = slots[number], slots[number + 1]
        if two.at != one.at + 1 or max(base[two.at], base[one.at]) > ODD:
            continue
        for i, first in enumerate(one.candidates):
            for j, second in enumerate(two.candidates):
                rows.append((first[0], second[0]))
                costs.append(first[2] + second[2])
                which.append((offsets[number] + i, offsets[number + 1] + j))
                places.append(one.at)
    if not rows:
        return set()
    pair = np.array(rows, np.int64)
    bond = model.score_many(np.hstack([np.zeros((len(rows), 2), np.int64), pair]))
    words = np.flatnonzero(bond > WORD)
    pair, at = pair[words], np.array(places, np.int64)[words]
    size = base.shape[0]
    base = np.concatenate([base, np.zeros(4, np.float32)])
    gain = -np.array(costs)[words]
    for shift in range(5):
        around = padded[(at + shift)[:, None] + np.arange(4)]
        for k in range(2):
            place = 3 - shift + k
            if 0 <= place < 4:
                around[:, place] = pair[:, k]
        inside = at + shift < size
        gain += np.where(inside, _score(model, around) - base[at + shift], 0)
    return {int(index) for row in words[gain > -SLACK] for index in which[row]}


def _search(
    ids: npt.NDArray[np.int64],
    group: list[tuple[Slot, list[Candidate]]],
    model: LanguageModel,
    burst: float,
) -> list[Change]:
    """Viterbi over one group of open slots, with states of three symbols."""
    choices = {slot.at: [(int(ids[slot.at]), slot.read, 0.0), *open_] for slot, open_ in group}
    slots = {slot.at: slot for slot, _ in group}
    first, last = group[0][0].at, min(group[-1][0].at + 3, len(ids) - 1)
    context = tuple(int(ids[i]) if i >= 0 else NONE for i in range(first - 3, first))
    states: dict[tuple[int, ...], tuple[float, tuple[int, ...]]] = {context: (0.0, ())}
    for at in range(first, last + 1):
        following: dict[tuple[int, ...], tuple[float, tuple[int, ...]]] = {}
        options = choices.get(at)
        row = at - 1 in choices
        for (a, b, c), (total, path) in states.items():
            for pick, (symbol, _, cost) in enumerate(options or [(int(ids[at]), "", 0.0)]):
                value = total - cost + _one(model, a, b, c, symbol)
                if pick and row and path[-1]:
                    value += burst
                state = (b, c, symbol)
                if state not in following or following[state][0] < value:
                    following[state] = (value, (*path, pick) if options else path)
        if len(following) > BEAM:
            best = sorted(following.items(), key=lambda item: -item[1][0])[:BEAM]
            following = dict(best)
        states = following
    _, path = max(states.values())
    changes = []
    for at, pick in zip(choices, path, strict=True):
        if pick:
            symbol, after, cost = choices[at][pick]
            changes.append(Change(slots[at], after, symbol, cost))
    return changes


def _one(model: LanguageModel, a: int, b: int, c: int, d: int) -> float:
    value = model.score(a, b, c, d)
    return value - UNSEEN if d == OTHER else value


def _total(model: LanguageModel, ids: npt.NDArray[np.int64], first: int, last: int) -> float:
    """log P of the symbols from ``first`` to ``last``."""
    total = 0.0
    for at in range(first, min(last, len(ids) - 1) + 1):
        a, b, c = (int(ids[i]) if i >= 0 else NONE for i in range(at - 3, at))
        total += _one(model, a, b, c, int(ids[at]))
    return total


# --- what needs no model


# One printed Đ that Tesseract read twice, as each of the two letters its alphabet has for it.
_DOUBLE = re.compile("ĐÐ|ÐĐ")


def mechanical(document: Document, changes: list[Change]) -> list[Change]:
    """Letters of other alphabets in Vietnamese words (Ð for Đ, ĐÐ for Đ), and capitals in a small word (``sỐ``).

    Leaves alone what ``changes`` change already.
    """
    done = {(change.slot.text, change.slot.token) for change in changes}
    out = []
    for text, (_, tokens) in enumerate(document.texts()):
        for index, token in enumerate(tokens):
            word = token.text
            if word.isascii() or (text, index) in done or (_cleaned(word) == word and word.islower()):
                continue
            for found in language.WORD.finditer(word):
                start, end = found.span()
                part = _cleaned(_DOUBLE.sub("Đ", word[start:end]))
                if part[0].islower() and not part.islower() and not part.isascii() and parse(part) is not None:
                    part = part.lower()
                if part != word[start:end] and not any(start < mark.offset < end for mark in token.marks):
                    slot = Slot(-1, text, index, start, end, word[start:end], (), False, ())
                    out.append(Change(slot, part, OTHER, 0.0, probability=MECHANICAL))
    return out


@lru_cache(maxsize=1 << 14)
def _cleaned(text: str) -> str:
    """The text in Vietnamese letters, where that changes no offsets."""
    if text.isascii():
        return text
    cleaned = clean(text)
    return cleaned if len(cleaned) == len(text) else text


# --- deciding


@dataclass(frozen=True, slots=True)
class Decision:
    """Logistic regressions from a change to the probability that it is right, one for each kind of text.

    Attributes:
        page, text: weight of each of :data:`FEATURES`, for slots with and without the evidence of a page.
        thresholds: least probability, by ``page`` or ``text`` and then by mode.
    """

    page: tuple[float, ...]
    text: tuple[float, ...]
    thresholds: dict[str, dict[str, float]]


FEATURES = ("bias", "margin", "name", "word after", "word before", "row", "familiar")


@lru_cache(maxsize=4)
def load_decision(path: Path = DATA / "decision.json") -> Decision:
    """The decision as ``benchmarks/calibrate.py`` fitted it.

    Raises:
        FileNotFoundError: the data file is missing.
    """
    data = json.loads(path.read_text(encoding="utf-8"))
    page, text = (tuple(data[kind][name] for name in FEATURES) for kind in ("page", "text"))
    return Decision(page, text, data["thresholds"])


def decide(
    changes: list[Change],
    ids: npt.NDArray[np.int64],
    model: LanguageModel,
    burst: float,
    accept: Callable[[Change], float],
) -> list[Change]:
    """The changes that are sure enough.

    Changes that see each other (within the reach of the model) are judged together: the weakest is rejected until
    the others stand.

    Args:
        accept: by how much a change passes; negative for one that does not.
    """
    kept: list[Change] = []
    group: list[Change] = []
    base = base_scores(ids, model) if changes else np.zeros(0, np.float32)
    for change in [*changes, None]:
        if group and (change is None or change.slot.at - group[-1].slot.at > 3):
            while group:
                group = weigh(group, ids, model, burst, base)
                weakest = min(group, key=accept)
                if accept(weakest) >= 0:
                    break
                group = [one for one in group if one is not weakest]
            kept += group
            group = []
        if change is not None:
            group.append(change)
    return kept


def weigh(
    group: list[Change], ids: npt.NDArray[np.int64], model: LanguageModel, burst: float, base: npt.NDArray[np.float32]
) -> list[Change]:
    """Each change with its features; the margin is against the text without it, with each other candidate in its
    place, and without the whole group, together."""
    first, last = group[0].slot.at, group[-1].slot.at + 3
    changed = ids.copy()
    for one in group:
        changed[one.slot.at] = one.symbol
    places = {one.slot.at for one in group}

    def total(symbols_: npt.NDArray[np.int64], made: list[Change]) -> float:
        at = {one.slot.at for one in made}
        rows = sum(1 for place in at if place - 1 in at)
        return _total(model, symbols_, first, last) - sum(one.cost for one in made) + burst * rows

    best = total(changed, group)
    none = total(ids, [])
    out = []
    for one in group:
        at, was = one.slot.at, int(ids[one.slot.at])
        other = changed.copy()
        others = [o for o in group if o is not one]
        rivals = [none]
        for symbol, _, cost in ((was, "", None), *one.slot.candidates):
            if symbol != one.symbol and (cost is None or cost < one.cost + RIVAL):
                other[at] = symbol
                made = others if cost is None else sorted([*others, replace(one, cost=cost)], key=_place)
                rivals.append(total(other, made))
        margin = best - max(rivals) - math.log(sum(math.exp(r - max(rivals)) for r in rivals))
        features = (
            1.0,
            min(max(margin, -4.0), 16.0),
            float(one.slot.name),
            _bond(model, changed, at, one.symbol),
            _bond(model, ids, at, was),
            float(at - 1 in places or at + 1 in places),
            _familiar(base, first, last),
        )
        out.append(replace(one, margin=margin, features=features))
    return out


def _familiar(base: npt.NDArray[np.float32], first: int, last: int) -> float:
    """How well the model knows the text around a group, the group left out: mean log probability of a symbol."""
    around = np.concatenate([base[max(0, first - FAR) : first], base[last + 1 : last + 1 + FAR]])
    return float(around.mean()) if around.size else 0.0


def _undoubted(change: Change) -> bool:
    """Whether a change replaces a letter that had no such competitor on the page."""
    letters = zip(change.slot.letters, change.after, change.slot.read, strict=False)
    return any(new != old and confusion.rank(letter, new) == confusion.UNLISTED for letter, new, old in letters)


def _place(change: Change) -> int:
    return change.slot.at


def _bond(model: LanguageModel, ids: npt.NDArray[np.int64], at: int, symbol: int) -> float:
    """How firmly a syllable makes a word with one of its neighbours: the greater pointwise mutual information."""
    bonds = [0.0]
    if at > 0 and ids[at - 1] >= len(language.RESERVED):
        bonds.append(_one(model, NONE, NONE, int(ids[at - 1]), symbol) - _one(model, NONE, NONE, NONE, symbol))
    if at + 1 < len(ids) and ids[at + 1] >= len(language.RESERVED):
        after = int(ids[at + 1])
        bonds.append(_one(model, NONE, NONE, symbol, after) - _one(model, NONE, NONE, NONE, after))
    return min(max(bonds), 10.0)


class Judge:
    """What this document's own words say about a change, and the probability that comes of it all."""

    def __init__(self, decision: Decision, mode: str, ids: npt.NDArray[np.int64], slots: list[Slot]) -> None:
        self._decision, self._mode, self._ids = decision, mode, ids
        self._pairs = Counter(zip(ids[:-1].tolist(), ids[1:].tolist(), strict=True))
        # "gia đình" says nothing about Gia Định: for names, only capitalised neighbours count.
        self._names = Counter(
            (int(ids[one.at]), int(ids[two.at]))
            for one, two in itertools.pairwise(slots)
            if two.at == one.at + 1 and not one.read.islower() and not two.read.islower()
        )

    def elsewhere(self, change: Change) -> tuple[int, int]:
        """How often the document has the new and the old reading beside the same neighbour, this place left out."""
        ids, at = self._ids, change.slot.at
        pairs = self._names if change.slot.name else self._pairs
        was, before, after, new, old = int(ids[at]), int(ids[at - 1]), int(ids[at + 1]), 0, 0
        if before >= len(language.RESERVED):
            new, old = pairs[before, change.symbol], pairs[before, was] - 1
        if after >= len(language.RESERVED):
            new = max(new, pairs[change.symbol, after])
            old = max(old, pairs[was, after] - 1)
        return new, old

    def probability(self, change: Change) -> float:
        """That the change is right."""
        decision = self._decision
        weights = decision.page if change.slot.letters else decision.text
        value = sum(weight * feature for weight, feature in zip(weights, change.features, strict=True))
        new, old = self.elsewhere(change)
        if change.slot.name:
            if new >= 2 and new > 3 * old:
                value += EVIDENCE
            elif not change.slot.letters:
                value -= 2 * EVIDENCE
            elif old >= 1:
                value -= EVIDENCE
        elif not change.slot.letters:
            if new >= 1 and not old:
                value += EVIDENCE / 2
            elif old >= 2 and not new:
                value -= EVIDENCE / 2
        return 1 / (1 + math.exp(-max(-50.0, min(value, 50.0))))

    def accept(self, change: Change) -> float:
        """By how much a change passes the threshold of the mode."""
        if change.margin < OVERWHELMING[self._mode] and _undoubted(change):
            return -1.0
        kind = "page" if change.slot.letters else "text"
        return self.probability(change) - self._decision.thresholds[kind][self._mode]


# --- applying


def apply(document: Document, changes: list[Change]) -> Document:
    """The document with ``changes`` made, and their corrections."""
    texts = list(document.texts())
    by_text: dict[str, list[Change]] = {}
    for change in changes:
        by_text.setdefault(texts[change.slot.text][0], []).append(change)

    def change_tokens(where: str, tokens: Tokens) -> Tokens:
        here = by_text.get(where)
        if not here:
            return tokens
        out = list(tokens)
        for change in sorted(here, key=lambda one: (one.slot.token, -one.slot.start)):
            slot = change.slot
            out[slot.token] = _replace(out[slot.token], slot.start, slot.end, change.after)
        return tuple(out)

    repaired = _with_texts(document, change_tokens)
    corrections = []
    for where, tokens in repaired.texts():
        starts = _starts(tokens)
        shifts: Counter[int] = Counter()  # by token: how much longer the changes before this one made it
        for change in sorted(by_text.get(where, []), key=lambda one: (one.slot.token, one.slot.start)):
            slot, token = change.slot, tokens[change.slot.token]
            start = slot.start + shifts[slot.token]
            shifts[slot.token] += len(change.after) - (slot.end - slot.start)
            before = texts[slot.text][1][slot.token].text[slot.start : slot.end]
            corrections.append(
                Correction(
                    where=where,
                    start=starts[slot.token] + _published_offset(token, start),
                    before=before,
                    after=change.after,
                    kind=_kind(before, change.after),
                    probability=round(change.probability, 4),
                    evidence=_evidence(change),
                    page=token.page,
                    box=token.box,
                )
            )
    return replace(repaired, corrections=tuple(corrections))


def _kind(before: str, after: str) -> str:
    if before.lower() == after.lower():
        return "case"
    if skeleton(before) != skeleton(after) or clean(before).lower() == after.lower():
        return "letter"
    one, two = split_tone(before.lower()), split_tone(after.lower())
    return "tone" if one is not None and two is not None and one[0] == two[0] else "mark"


def _evidence(change: Change) -> str:
    """Why, in plain English."""
    if change.slot.at < 0:
        if change.slot.read.lower() == change.after.lower():
            return "a capital letter inside a small word"
        return "a letter of another alphabet inside a Vietnamese word"
    reasons = []
    for letter, new, old in zip(change.slot.letters, change.after, change.slot.read, strict=False):
        if new != old:
            seen = dict(letter.choices)
            if new in seen:
                reasons.append(f"the page also showed {new} ({seen[new]}) beside {old} ({seen.get(old, 0)})")
            else:
                reasons.append(f"the page showed {old} alone")
    if not change.slot.letters:
        reasons.append("no page to look at")
    times = (change.margin + change.cost) / math.log(10)
    reasons.append(f"in its sentence the new reading is {times:.1f} orders of magnitude likelier")
    return "; ".join(reasons)


def _with_texts(document: Document, change: Callable[[str, Tokens], Tokens]) -> Document:
    """The document with each text passed through ``change(where, tokens)``."""
    blocks = []
    for index, block in enumerate(document.blocks):
        tokens = change(f"blocks/{index}", block.tokens)
        blocks.append(block if tokens is block.tokens else _with_tokens(block, tokens))
    notes: list[Footnote] = []
    for note in document.footnotes:
        paragraphs = tuple(
            change(f"footnotes/{note.label}/{index}", tokens) for index, tokens in enumerate(note.paragraphs)
        )
        notes.append(replace(note, paragraphs=paragraphs) if paragraphs != note.paragraphs else note)
    # Metadata are what the blocks say; where somebody else set them, they stay.
    metadata = document.metadata
    if metadata == read_metadata(document.blocks):
        metadata = read_metadata(blocks)
    return replace(document, blocks=tuple(blocks), footnotes=tuple(notes), metadata=metadata)


def _with_tokens(block: Block, tokens: Tokens) -> Block:
    """The block with other words; the cells of a table hold the same words and change with them."""
    rows = []
    at = 0
    for row in block.rows:
        cells = []
        for cell in row:
            size = len(cell.split())
            old, new = block.tokens[at : at + size], tokens[at : at + size]
            if cell == " ".join(token.text for token in old):
                cell = " ".join(token.text for token in new)
            elif cell == " ".join(token.published for token in old):
                cell = " ".join(token.published for token in new)
            cells.append(cell)
            at += size
        rows.append(tuple(cells))
    return replace(block, tokens=tokens, rows=tuple(rows))


def _starts(tokens: Tokens) -> list[int]:
    """Where each token begins in the published text."""
    starts, at = [], 0
    for token in tokens:
        starts.append(at)
        at += len(token.published) + 1
    return starts


def _published_offset(token: Token, offset: int) -> int:
    """Offset in the published token of a character of its text."""
    return offset + sum(len(mark.label) + 3 for mark in token.marks if mark.offset <= offset)


def _text_offset(token: Token, offset: int) -> int:
    """Offset in the token's text of a character of the published token."""
    at = offset
    for mark in token.marks:
        if mark.offset + len(mark.label) + 3 <= at:
            at -= len(mark.label) + 3
    return at


def _replace(token: Token, start: int, end: int, text: str) -> Token:
    """The token with some of its characters replaced; marks stay at their character."""
    longer = len(text) - (end - start)
    marks = tuple(Mark(mark.offset + longer, mark.label) if mark.offset >= end else mark for mark in token.marks)
    return replace(token, text=token.text[:start] + text + token.text[end:], marks=marks)
