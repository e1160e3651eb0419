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

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from normalize import confusion, language
from normalize.confusion import Channel
from normalize.document import Block, Correction, Document, Footnote, Mark, Token, Tokens
from normalize.language import NONE, OTHER, START, LanguageModel, symbols
from normalize.syllable import match_case, parse, spellings, split_tone
from ocr.page import Letter

MODES = ("off", "safe", "full")
# A candidate whose own gain is this far below the text as read can still win together with its neighbours.
SLACK = 4.0
# An unseen syllable takes an equal share of the unknown: there are about 18,000 possible ones.
UNSEEN = math.log(18_000)
# Two syllables in a row are tried together where the model finds one of them less likely than this.
ODD = -5.0
BEAM = 200


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
        candidates: ``(symbol id, spelling, channel cost)``, without the one that was read.
    """

    at: int
    text: int
    token: int
    start: int
    end: int
    read: str
    letters: tuple[Letter, ...]
    name: bool
    candidates: tuple[tuple[int, str, float], ...]


@dataclass(frozen=True, slots=True)
class Change:
    """A slot, what it becomes, and by how much that beats the text as read (nats)."""

    slot: Slot
    after: str
    symbol: int
    cost: float
    margin: float


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
    changes = decide(decode(ids, slots, model), ids, model, mode)
    return apply(document, changes)


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


def lattice(
    document: Document, model: LanguageModel, channel: Channel
) -> tuple[npt.NDArray[np.int64], list[Slot]]:
    """The document as one sequence of symbol ids, and the slots in it."""
    ids: list[int] = [START]
    pending: list[tuple[int, int, int, int, int, str]] = []
    texts = [tokens for _, tokens in document.texts()]
    for number, tokens in enumerate(texts):
        if ids[-1] != START:
            ids.append(START)
        for index, token in enumerate(tokens):
            for piece in symbols(token.text):
                if piece.end > piece.start and piece.symbol not in ("<n>", "<x>"):
                    word = token.text[piece.start : piece.end]
                    pending.append((len(ids), number, index, piece.start, piece.end, word))
                ids.append(model.id(piece.symbol))
    if ids[-1] != START:
        ids.append(START)
    new_style = _prefers_new_style(word for *_, word in pending)
    slots = []
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
        candidates = _candidates(word, letters, model, channel, new_style)
        if candidates:
            first = ids[at - 1] == START
            name = word[0].isupper() and not word.isupper() and not first
            if first and after is not None and word.istitle() and after[5].istitle():
                name = True
            slots.append(Slot(at, text, index, start, end, word, letters, name, candidates))
    return np.array(ids, np.int64), slots


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
        if syllable is None:
            return True
        return any(near.isascii() and not near.isupper() and parse(near) is None for near in neighbours)
    return not _looks_vietnamese(word)


def _looks_vietnamese(word: str) -> bool:
    """Whether a word is a syllable, or would be one with another tone."""
    if parse(word) is not None:
        return True
    parted = split_tone(word.lower())
    return parted is not None and not word.isascii() and any(parse(s) for s in _retoned(parted[0]))


def _retoned(letters: str) -> list[str]:
    from normalize.syllable import NANG, SAC, place

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


def _prefers_new_style(words: "Sequence[str] | object") -> bool:
    """Whether a document writes hoà (new) rather than hòa."""
    new = old = 0
    for word in words:  # type: ignore[attr-defined]
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


def _candidates(
    word: str, letters: tuple[Letter, ...], model: LanguageModel, channel: Channel, new_style: bool
) -> tuple[tuple[int, str, float], ...]:
    low = word.lower()
    own = parse(low)
    if own is not None and own.tone:
        forms = spellings(own)
        if len(forms) > 1:
            new_style = low == forms[1]
    out = []
    for symbol in model.same_letters(low):
        syllable = parse(model.words[symbol])
        if syllable is None or syllable == own:
            continue
        forms = spellings(syllable)
        form = forms[-1] if new_style else forms[0]
        if len(form) != len(word):
            continue
        cased = match_case(form, word)
        out.append((symbol, cased, confusion.cost(channel, cased, word, letters)))
    return tuple(out)


# --- decoding


def decode(ids: npt.NDArray[np.int64], slots: list[Slot], model: LanguageModel) -> list[Change]:
    """The best sequence of candidates; returns the slots where it differs from the text as read.

    Most slots are settled in one sweep of vectorised look-ups: a candidate that loses by more than ``SLACK`` alone,
    and with each single candidate of its neighbour, cannot be on the best path. What remains is searched exactly.
    """
    if not slots:
        return []
    open_ = _promising(ids, slots, model)
    changes: list[Change] = []
    numbers = sorted(open_)
    group: list[int] = []
    for number in [*numbers, -1]:
        if group and (number < 0 or slots[number].at - slots[group[-1]].at > 3):
            changes += _search(ids, [(slots[i], open_[i]) for i in group], model)
            group = []
        group.append(number)
    return changes


def _padded(ids: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    return np.concatenate([[NONE] * 3, ids, [NONE] * 3]).astype(np.int64)


def _promising(
    ids: npt.NDArray[np.int64], slots: list[Slot], model: LanguageModel
) -> dict[int, list[tuple[int, str, float]]]:
    """Slot number -> the candidates worth searching."""
    padded = _padded(ids)
    windows = np.lib.stride_tricks.sliding_window_view(padded[: len(ids) + 3], 4)
    base = _score(model, windows)
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
        inside = at[hope] + shift < len(ids)
        total += np.where(inside, _score(model, rows) - base_padded[at[hope] + shift], 0)
    gain[hope] += total
    gain[np.setdiff1d(np.arange(gain.shape[0]), hope)] = -np.inf

    out: dict[int, list[tuple[int, str, float]]] = {}
    kept: set[int] = set()
    for index in np.flatnonzero(gain > -SLACK):
        kept.add(int(index))
    kept |= _pairs(ids, slots, model, base)
    for index in sorted(kept):
        out.setdefault(int(numbers[index]), []).append(flat[index])
    return out


def _score(model: LanguageModel, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    """Scores of rows of ids; an unknown word gets its share of the unknown only."""
    out = model.score_many(rows)
    out -= np.where(rows[:, 3] == OTHER, UNSEEN, 0).astype(np.float32)
    return out


def _pairs(
    ids: npt.NDArray[np.int64], slots: list[Slot], model: LanguageModel, base: npt.NDArray[np.float32]
) -> set[int]:
    """Flat indices of the candidates that are worth it together with a candidate of the neighbour.

    "phân đầu" for "phấn đấu": either alone is no better than what was read. Only the two as a word are judged here
    (P(first) P(second | first)); the search then weighs them in their sentence.
    """
    offsets = np.cumsum([0, *(len(slot.candidates) for slot in slots)])
    rows, costs, which = [], [], []
    for number in range(len(slots) - 1):
        one, two = slots[number], slots[number + 1]
        if two.at != one.at + 1 or max(base[two.at], base[one.at]) > ODD:
            continue
        for i, first in enumerate(one.candidates):
            for j, second in enumerate(two.candidates):
                rows.append((first[0], second[0], ids[one.at], ids[two.at]))
                costs.append(first[2] + second[2])
                which.append((offsets[number] + i, offsets[number + 1] + j))
    if not rows:
        return set()
    table = np.array(rows, np.int64)
    zero = np.zeros((len(rows), 3), np.int64)
    new = model.score_many(np.hstack([zero, table[:, :1]])) + model.score_many(np.hstack([zero[:, :2], table[:, :2]]))
    old = _score(model, np.hstack([zero, table[:, 2:3]])) + _score(model, np.hstack([zero[:, :2], table[:, 2:]]))
    good = np.flatnonzero(new - old - np.array(costs) > -SLACK)
    return {int(index) for row in good for index in which[row]}


def _search(
    ids: npt.NDArray[np.int64], group: list[tuple[Slot, list[tuple[int, str, float]]]], model: LanguageModel
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
        for (a, b, c), (total, path) in states.items():
            for pick, (symbol, _, cost) in enumerate(options or [(int(ids[at]), "", 0.0)]):
                value = total - cost + _one(model, a, b, c, symbol)
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
            changes.append(Change(slots[at], after, symbol, cost, 0.0))
    return changes


def _one(model: LanguageModel, a: int, b: int, c: int, d: int) -> float:
    value = model.score(a, b, c, d)
    return value - UNSEEN if d == OTHER else value


def _total(model: LanguageModel, ids: npt.NDArray[np.int64], first: int, last: int) -> float:
    """log P of the symbols from ``first`` to ``last``."""
    total = 0.0
    for at in range(first, min(last, len(ids) - 1) + 1):
        context = [int(ids[i]) if i >= 0 else NONE for i in range(at - 3, at)]
        total += _one(model, *context, int(ids[at]))  # type: ignore[arg-type]
    return total


# --- deciding


def decide(
    changes: list[Change], ids: npt.NDArray[np.int64], model: LanguageModel, mode: str
) -> list[Change]:
    """The changes that are sure enough for the mode."""
    kept: list[Change] = []
    group: list[Change] = []
    for change in [*changes, None]:
        if group and (change is None or change.slot.at - group[-1].slot.at > 3):
            kept += _decide_group(group, ids, model, mode)
            group = []
        if change is not None:
            group.append(change)
    return kept


def _decide_group(
    group: list[Change], ids: npt.NDArray[np.int64], model: LanguageModel, mode: str
) -> list[Change]:
    """Reject the weakest change until the others stand, each against the text without it and without its row."""
    while group:
        group = _margins(group, ids, model)
        weakest = min(group, key=lambda one: probability(one) - threshold(one, mode))
        if probability(weakest) >= threshold(weakest, mode):
            return group
        group = [one for one in group if one is not weakest]
    return []


def _margins(group: list[Change], ids: npt.NDArray[np.int64], model: LanguageModel) -> list[Change]:
    first, last = group[0].slot.at, group[-1].slot.at + 3
    changed = ids.copy()
    for one in group:
        changed[one.slot.at] = one.symbol
    best = _total(model, changed, first, last) - sum(one.cost for one in group)
    none = best - _total(model, ids, first, last)
    out = []
    for one in group:
        without = changed.copy()
        without[one.slot.at] = ids[one.slot.at]
        alone = best - (_total(model, without, first, last) - sum(o.cost for o in group) + one.cost)
        out.append(replace(one, margin=min(alone, none)))
    return out


def probability(change: Change) -> float:
    """That the change is right, from its margin."""
    return 1 / (1 + math.exp(-min(change.margin, 50.0)))


def threshold(change: Change, mode: str) -> float:
    """The least probability at which a change is made."""
    if change.slot.name:
        margin = (8.0 if change.slot.letters else 99.0)
    else:
        margin = 2.0 if change.slot.letters else 4.0
    if mode == "full":
        margin /= 2
    return 1 / (1 + math.exp(-margin)) if margin < 50 else 2.0


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
        for change in sorted(by_text.get(where, []), key=lambda one: (one.slot.token, one.slot.start)):
            slot, token = change.slot, tokens[change.slot.token]
            corrections.append(
                Correction(
                    where=where,
                    start=starts[slot.token] + _published_offset(token, slot.start),
                    before=slot.read,
                    after=change.after,
                    kind=_kind(slot.read, change.after),
                    probability=round(probability(change), 4),
                    evidence=_evidence(change),
                    page=token.page,
                    box=token.box,
                )
            )
    return replace(repaired, corrections=tuple(corrections))


def _kind(before: str, after: str) -> str:
    one, two = split_tone(before.lower()), split_tone(after.lower())
    return "tone" if one is not None and two is not None and one[0] == two[0] else "mark"


def _evidence(change: Change) -> str:
    """Why, in plain English."""
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
    reasons.append(f"in its sentence the new reading is 10^{times:.1f} times likelier")
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
    return replace(document, blocks=tuple(blocks), footnotes=tuple(notes))


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
    marks = tuple(
        Mark(mark.offset + longer, mark.label) if mark.offset >= end else mark for mark in token.marks
    )
    return replace(token, text=token.text[:start] + text + token.text[end:], marks=marks)


def count_kinds(document: Document) -> Counter[str]:
    """How many corrections of each kind a document carries."""
    return Counter(correction.kind for correction in document.corrections)
