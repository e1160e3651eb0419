"""References and notes to one sequence: which printed number is which footnote.

The number of a reference and the number at the head of its note are read apart and may both be misread; but they rise
by one from reference to reference, and so do those of heads. The most likely rising sequence is found for each by
dynamic programming over what was read, and the two are matched by number.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import accumulate, pairwise

from normalize.document import PageWarning, Token, Tokens
from normalize.structure import note_heads
from normalize.structure.lines import Key, Margins, Ruling, SetLine, cut, set_line, usual_pitch
from ocr.page import Box, Line, Raised, Word, hull

#: A raised 2 or 3 after one of these is part of a unit, not a footnote reference.
_UNIT = re.compile(r"(?:^|[^A-Za-zÀ-ỹ])(?:[kdchm]?m)$")
_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
#: The number at the head of a note that is set in ordinary digits: ``1Tổ chức``, ``1. Tổ chức``, ``(1) Tổ chức``.
_PLAIN_HEAD = re.compile(r"[\[(]?(\d{1,3})[\])]?[.:]?(?=[^\d.,/%]|$)")

_STARS = re.compile(r"\*+")
#: Asterisks at the head of a note that are not raised, or were read so: ``* Tổ chức``, ``(*) Tổ chức``.
_STARRED_HEAD = re.compile(r"[\[(]?(\*{1,5})[\])]?[.:]?(?=\w|$)")
_ENDS_SENTENCE = re.compile(r"[.!?…][\"”’)\]]*$")
#: What Tesseract makes of a small raised digit that stands alone.
_UNREAD_DIGITS = frozenset(
    ["!", "?", "*", "'", '"', "”", "“", "’", "‘", "°", "+", "^", "¡", "|", "'*", "°°", "ˆ", "”°"]
)

_STRAY_SIGN = re.compile(r"[%$#@&®©§¥£€~{}<>=ŠšŽž]")

#: The same at the end of a word, a full stop after it or not.
_UNREAD_REFERENCE = re.compile(r"^(.*[\w%)”\"])([!?*°'’\"”^ˆ]{1,2})([.,;:]?)$")

# Costs of the alignment, in nats by feel: what it takes to disbelieve a reading.
_MISREAD_RAISED = 2.6
_LEAST_DOUBTED = 0.35  # share of that for a reading of no confidence
_DROP_SURE, _DROP_DOUBTFUL = 3.5, 1.2
_SKIP_NUMBER = 2.2
_RESTART = 1.0
_UNCITED_RESTART = 4.0  # heads start anew on a page on which no reference does
_START_LATER = 3.0  # a scan may begin in the middle of a document
_FURTHEST_SKIP = 4
_JUMP = 8.0  # over more numbers than that: a whole page's signs are gone
_BEAM = 48
#: A raised number without a note is print from this confidence on; below it, it is noise.
_SURE_REFERENCE = 80.0
#: So many references in a row, no number left out, are references though there is no note at all.
_NUMBERING = 3

# By what a line of a footnote zone may begin a note, in x-heights:
#: the line before has more free space at its end than this,
_SHORT_LINE = 3.0
#: or it stands in by more than this,
_INDENTED = 1.2
#: or it is so many times the usual pitch below.
_WIDE_PITCH = 1.12

Citation = tuple[int, int | str | None]
"""A reference of the body: its page, and its number or its asterisks; ``None`` for a sign that is no reference."""


@dataclass(frozen=True, slots=True)
class Sign:
    """A number that may belong to a footnote: a reference in the text, or the head of a note.

    Attributes:
        page: 1 for the first.
        text: digits as read.
        drop: cost of taking it for something else.
        misread: cost of taking it for another number than was read; infinite where the digits are plain.
        run: a longer run of digits that begins with ``text``: the number and the first word of the note may be
            set together (``12354 hộ`` is note 12, "354 hộ").
        unread: something stands where the number should, and it was read as ``?`` or ``”``.
        confidence: with which a raised number was read, 0 to 100.
    """

    page: int
    text: str
    drop: float
    misread: float = _MISREAD_RAISED
    run: str = ""
    unread: bool = False
    confidence: float = 100.0


def reference_sign(page: int, raised: Raised) -> Sign:
    """The sign of a raised number in the text."""
    sure = raised.confidence >= _SURE_REFERENCE and not raised.text.startswith("0")  # no number begins with 0
    return Sign(page, raised.text, _DROP_SURE if sure else _DROP_DOUBTFUL)


def raised_head(line: Line) -> tuple[int, Raised] | None:
    """The raised sign that heads a line, specks read as signs before it aside, and the index of its word."""
    for index, word in enumerate(line.words[:3]):
        for raised in word.raised:
            if not any(c.isalnum() for c in word.text[: raised.offset]):
                return index, raised
        if any(c.isalnum() for c in word.text):
            return None
    return None


def head_sign(page: int, tokens: Tokens, raised: Raised | None, begins_paragraph: bool) -> Sign | None:
    """The sign at the head of a line of the footnote zone, if it may begin a note.

    Args:
        tokens: of the line, raised signs taken out.
        raised: the raised sign that heads the line, if there is one.
        begins_paragraph: whether the line may be the first of a paragraph.
    """
    if raised and raised.text.isdigit():
        return Sign(page, raised.text, _DROP_SURE, confidence=raised.confidence)
    text = tokens[0].text
    if begins_paragraph and len(tokens) > 1 and _is_unread(text):
        return Sign(page, "", _DROP_DOUBTFUL, float("inf"), unread=True)
    found = _PLAIN_HEAD.match(text)
    if not found:
        digits = re.match(r"\d{2,}", text)
        return Sign(page, "", 1.4, float("inf"), digits[0]) if digits and begins_paragraph else None
    if found.end() < len(text) or text != found[1]:  # 1Tổ chức, or a number with a full stop or in brackets
        return Sign(page, found[1], _DROP_DOUBTFUL + (1.5 if begins_paragraph else 0.0), float("inf"))
    # A number between spaces may just as well be part of the sentence.
    return Sign(page, found[1], 0.8 if begins_paragraph else -0.5, float("inf"))


def _is_unread(text: str) -> bool:
    """Whether this is what Tesseract makes of a small raised digit: some sign, or one that nobody prints there."""
    return text in _UNREAD_DIGITS or bool(_STRAY_SIGN.fullmatch(text))


def settle(
    signs: Sequence[Sign], wanted: frozenset[int] = frozenset(), restarts: Set[int] | None = None
) -> list[int | None]:
    """The number of each sign in the most likely rising sequence; ``None`` for a sign that is no footnote's.

    Numbers rise by one from sign to sign; a skipped number, a misread one, a sign that is none and a new
    start at 1 on a new page each have their cost. Viterbi over (sign, last number).

    Args:
        signs: in reading order.
        wanted: numbers known from elsewhere (the references, when heads are settled).
        restarts: pages on which numbering may start anew, known in the same way; on others it is less likely.
    """
    # best[n] = cost of the cheapest story in which the last footnote so far was number n
    best: dict[int, float] = {0: 0.0}
    back: list[dict[int, tuple[int, int | None]]] = []
    page_of: dict[int, int] = {0: 0}
    for sign in signs:
        step: dict[int, float] = {}
        from_: dict[int, tuple[int, int | None]] = {}
        pages: dict[int, int] = {}

        def offer(
            number: int,
            cost: float,
            previous: int,
            given: int | None,
            page: int,
            step: dict[int, float] = step,
            from_: dict[int, tuple[int, int | None]] = from_,
            pages: dict[int, int] = pages,
        ) -> None:
            if cost < step.get(number, float("inf")):
                step[number], from_[number], pages[number] = cost, (previous, given), page

        for last, cost in best.items():
            offer(last, cost + sign.drop, last, None, page_of[last])
            reachable = [(last + 1 + skip, skip * _SKIP_NUMBER) for skip in range(_FURTHEST_SKIP)]
            if last == 0 and wanted:
                reachable.append((min(wanted), _START_LATER))
            if last == 0 and sign.text.isdigit() and int(sign.text) > 1:
                reachable.append((int(sign.text), _START_LATER))
            elif sign.text.isdigit() and int(sign.text) > last + _FURTHEST_SKIP:
                reachable.append((int(sign.text), _JUMP))
            if sign.text == "1" and last >= 1 and page_of[last] != sign.page:
                uncited = restarts is not None and sign.page not in restarts
                reachable.append((1, _UNCITED_RESTART if uncited else _RESTART))
            for number, extra in reachable:
                offer(number, cost + extra + _reading_cost(sign, number, wanted), last, number, sign.page)
        back.append(from_)
        # In a long document most last numbers are out of the question: only the likeliest go on.
        kept = sorted(step, key=lambda number: step[number])[:_BEAM]
        best, page_of = {number: step[number] for number in kept}, pages
    if not best:
        return []
    last = min(best, key=lambda n: best[n])
    numbers: list[int | None] = []
    for from_ in reversed(back):
        last, given = from_[last]
        numbers.append(given)
    return numbers[::-1]


def _reading_cost(sign: Sign, number: int, wanted: frozenset[int]) -> float:
    printed = str(number)
    if sign.unread:
        return 0.3 if number in wanted else float("inf")
    if sign.run:
        rest = sign.run.removeprefix(printed)
        fits = number in wanted and rest not in ("", sign.run) and not rest.startswith("0")
        return 0.0 if fits else float("inf")
    if sign.text == printed:
        return 0.0
    if len(sign.text) != len(printed):
        return sign.misread * 1.5
    return sign.misread * sum(a != b for a, b in zip(sign.text, printed, strict=True))


def labels(numbers: Sequence[int | str | None]) -> list[tuple[str, str] | None]:
    """``(label, printed label)`` of each sign: as printed, or 1..N where the printed ones are not unique numbers.

    They are not where numbering starts anew on later pages, and where notes have asterisks.
    """
    starts_anew = False
    last = 0
    for number in numbers:
        if isinstance(number, str):
            starts_anew = True
        elif number is not None:
            starts_anew |= number <= last
            last = number
    out: list[tuple[str, str] | None] = []
    count = 0
    for number in numbers:
        if number is None:
            out.append(None)
            continue
        count += 1
        out.append((str(count if starts_anew else number), str(number)))
    return out


def match_references(
    references: Sequence[Citation], heads: Sequence[tuple[int, str, str]], farthest: int = 1
) -> list[str | None]:
    """The label of the note that each reference cites.

    Args:
        references: of the body.
        heads: ``(page, label, printed label)`` of each note.
        farthest: how many pages after its reference a note may stand where numbers repeat.

    Returns:
        For each reference a label, or ``None`` when no note has its number on its page or on the next one.
    """
    out: list[str | None] = [None] * len(references)
    renumbered = any(label != printed for _, label, printed in heads)
    # Where numbers repeat, a note on a reference's own page is no other page's.
    for most in (0, farthest) if renumbered else (None,):
        for index, (page, number) in enumerate(references):
            if number is None or out[index] is not None:
                continue
            candidates = [
                (abs(note_page - page), label)
                for note_page, label, printed in heads
                if printed == str(number) and label not in out and (most is None or 0 <= note_page - page <= most)
            ]
            out[index] = min(candidates)[1] if candidates else None
    return out


def is_exponent(before: str, digits: str) -> bool:
    """Whether digits raised after ``before`` begin with the exponent of a unit: m², km², m³."""
    return digits[:1] in ("2", "3") and bool(_UNIT.search(before))


def superscript(digits: str) -> str:
    """Digits as superscript characters; ``*`` stays."""
    return digits.translate(_SUPERSCRIPTS)


@dataclass(slots=True)
class Note:
    """A footnote: its number, and its lines from all pages it stands on."""

    label: str
    printed: str
    page: int
    lines: list[SetLine] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Reattached:
    """What the raised signs and the footnote zones of a document come to.

    Attributes:
        rulings: of every raised sign.
        notes: in printed order.
        relined: lines of the body, by index, in which a sign turned out to be an unread reference.
        strays: page, box and text of what is nothing: raised signs and specks.
        warnings: references without a note, notes without a number.
    """

    rulings: dict[Key, Ruling]
    notes: list[Note]
    relined: dict[int, Line]
    strays: list[tuple[int, Box | None, str]]
    warnings: list[PageWarning]


@dataclass(frozen=True, slots=True)
class _Reference:
    """A raised sign of the body that may be a footnote reference.

    Attributes:
        raised: the sign without the exponent before it.
        exponent: of the unit that it follows without a space (``m²`` and reference 3, read as ``m23``), or empty.
        after_digit: whether it stands right behind a digit on the line.
    """

    page: int
    raised: Raised
    exponent: str = ""
    after_digit: bool = False

    @property
    def key(self) -> Key:
        return self.page, self.raised.box


def reattach(
    body: Sequence[tuple[int, Line]], zone_lines: Sequence[tuple[int, Line]], margins: Mapping[int, Margins]
) -> Reattached:
    """Link the references of the body to the notes of the footnote zones.

    Args:
        body: ``(page, line)`` of everything outside the footnote zones, in reading order.
        zone_lines: the same for the footnote zones.
        margins: of the pages.
    """
    references, rulings = _references_of(body)
    numbers = _numbers_of(references)
    cited: list[Citation] = [(one.page, number) for one, number in zip(references, numbers, strict=True)]
    gathered = _gather(zone_lines, margins, cited)
    notes, warnings, strays = gathered.notes, [*gathered.warnings], [*gathered.strays]
    rulings |= gathered.rulings
    known = {note.label for note in notes}
    found = match_references(cited, [(note.page, note.label, note.printed) for note in notes])
    found, said = _with_misread(references, found, notes)
    warnings += said
    numbering = _numbering(references, numbers, found)
    for reference, number, label in zip(references, numbers, found, strict=True):
        if label is None and isinstance(number, str):  # asterisks that no note has are the text's own
            rulings[reference.key] = Ruling(text=number)
            continue
        text = reference.exponent
        if label is None and _lost_its_note(reference, number, known) and number in numbering:
            label = str(number)
            warnings.append(PageWarning(reference.page, f"Footnote mark {number} has no note."))
        elif label is None and _is_print(reference):
            text += superscript(reference.raised.text)
            unanswered = f"A raised {reference.raised.text} has no note and belongs to no numbering"
            warnings.append(PageWarning(reference.page, f"{unanswered}; it stands as printed."))
        elif label is None:
            strays.append((reference.page, reference.raised.box, reference.raised.text))
        rulings[reference.key] = Ruling(label=label, text=text)
    relined, said = _find_unread_references(notes, body, rulings)
    return Reattached(rulings, notes, relined, strays, warnings + said)


def _with_misread(
    references: Sequence[_Reference], found: Sequence[str | None], notes: Sequence[Note]
) -> tuple[list[str | None], list[PageWarning]]:
    """The labels of references, with those whose number was misread: the one sign where that of a note must stand.

    It stands between the references to the notes before and after, on the page of one of those. That to the first note
    stands before the second one's, that to the last after the one before; then it has to be a part of its number.
    """
    out, warnings = list(found), []
    for before, note, after in zip([None, *notes], notes, [*notes[1:], None], strict=False):
        beside = [one for one in (before, after) if one]
        if note.label in found or not beside or any(one.label not in found for one in beside):
            continue
        first = found.index(before.label) if before else -1
        last = found.index(after.label) if after else len(found)
        between = [
            at
            for at in range(first + 1, last)
            if _may_be_misread(references[at], out[at], note)
            and (len(beside) == 2 or references[at].raised.text in note.printed)
        ]
        if len(between) == 1:
            one = references[between[0]]
            out[between[0]] = note.label
            read = f"The mark of footnote {note.printed} was read as {one.raised.text}"
            warnings.append(PageWarning(one.page, f"{read}; it stands where its number was expected."))
    return out, warnings


def _may_be_misread(reference: _Reference, label: str | None, note: Note) -> bool:
    """Whether a sign that cites no note may be the number of one: half of its digits, or not surely read."""
    if label is not None or reference.exponent or reference.after_digit:
        return False
    near = reference.page in (note.page, note.page - 1)
    return near and (reference.raised.text in note.printed or reference.raised.confidence < _SURE_REFERENCE)


def _references_of(body: Sequence[tuple[int, Line]]) -> tuple[list[_Reference], dict[Key, Ruling]]:
    """The raised signs that may be references, and the rulings on the others: exponents and bullets, which are text."""
    references: list[_Reference] = []
    rulings: dict[Key, Ruling] = {}
    for page, line in body:
        for index, word in enumerate(line.words):
            for raised in word.raised:
                unit = is_exponent(word.text[: raised.offset], raised.text)
                if unit and len(raised.text) == 1:
                    rulings[page, raised.box] = Ruling(text=superscript(raised.text))
                elif unit:  # m² and a reference right after it were read as one number
                    rest = replace(raised, text=raised.text[1:])
                    references.append(_Reference(page, rest, superscript(raised.text[0])))
                elif raised.text.isdigit() or _is_starred_reference(raised, index):
                    digit = word.text[: raised.offset][-1:].isdigit()
                    references.append(_Reference(page, raised, after_digit=digit))
                else:
                    rulings[page, raised.box] = Ruling(text=raised.text)
    return references, rulings


def _is_starred_reference(raised: Raised, index: int) -> bool:
    """Whether asterisks in the word at ``index`` of its line may be a reference; at its head they are a bullet."""
    heads_line = index == 0 and raised.offset == 0
    return bool(_STARS.fullmatch(raised.text)) and not heads_line


def _numbers_of(references: Sequence[_Reference]) -> list[int | str | None]:
    """What each one says: its number in the likeliest rising sequence, or its asterisks; ``None`` for no reference."""
    digits = [one for one in references if one.raised.text.isdigit()]
    settled = iter(_exact_first(digits, settle([reference_sign(one.page, one.raised) for one in digits])))
    return [next(settled) if one.raised.text.isdigit() else one.raised.text for one in references]


def _exact_first(references: Sequence[_Reference], numbers: list[int | None]) -> list[int | None]:
    """The numbers, one given to a sign that reads otherwise taken back for a sign of its page that says just this.

    In the head of a table marks need not rise in the order in which its cells are read.
    """
    out = list(numbers)
    for index, reference in enumerate(references):
        if out[index] is not None or reference.raised.confidence < _SURE_REFERENCE:
            continue
        number = int(reference.raised.text)
        for other, rival in enumerate(references):
            if out[other] == number and rival.page == reference.page and rival.raised.text != reference.raised.text:
                out[index], out[other] = number, None
    return out


def _lost_its_note(reference: _Reference, number: int | str | None, known: Set[str]) -> bool:
    """Whether a sign that no note answers is a reference all the same, surely read and of a number that no note has."""
    return number is not None and reference.raised.confidence >= _SURE_REFERENCE and str(number) not in known


def _is_print(reference: _Reference) -> bool:
    """Whether a raised number that is no reference is printed at all; a ring is only as the degree of a number."""
    return reference.raised.confidence >= _SURE_REFERENCE and (
        not reference.raised.text.startswith("0") or reference.after_digit
    )


def _numbering(
    references: Sequence[_Reference], numbers: Sequence[int | str | None], found: Sequence[str | None]
) -> set[int]:
    """The numbers that belong to a numbering of references: one with a note to it, or one that goes on long enough."""
    read = [(one, n, label) for one, n, label in zip(references, numbers, found, strict=True) if isinstance(n, int)]
    answered = {n for _, n, label in read if label}
    sure = answered | {n for one, n, _ in read if one.raised.confidence >= _SURE_REFERENCE}
    between = {n for n in sure if answered and min(answered) < n < max(answered)}
    return between.union(*(run for run in _runs_of(sure) if len(run) >= _NUMBERING or answered & run))


def _runs_of(numbers: Set[int]) -> list[set[int]]:
    """The numbers, those together between which none is left out."""
    runs: list[set[int]] = []
    for number in sorted(numbers):
        if runs and number - 1 in runs[-1]:
            runs[-1].add(number)
        else:
            runs.append({number})
    return runs


def _find_unread_references(
    notes: Sequence[Note], body: Sequence[tuple[int, Line]], rulings: dict[Key, Ruling]
) -> tuple[dict[int, Line], list[PageWarning]]:
    """Look for the references to notes that have none; each that is found is added to ``rulings``.

    A reference that was found narrows down where its neighbours may stand.

    Returns:
        The lines of the body, by index, in which a sign turned out to be a reference; and a warning for each such note.
    """
    relined: dict[int, Line] = {}
    warnings: list[PageWarning] = []
    anchored = {ruling.label for ruling in rulings.values()}
    for run in _runs(notes, anchored):
        places: Sequence[_Place | None] = _unread_references(run, body, rulings) or [None] * len(run)
        for note, place in zip(run, places, strict=True):
            if place is None:
                warnings.append(PageWarning(note.page, f"The mark of footnote {note.printed} was not found."))
                continue
            index, at, sign = place
            line, raised = _raised_in(relined.get(index, body[index][1]), at, sign)
            page = body[index][0]
            relined[index] = line
            rulings[page, raised.box] = Ruling(label=note.label)
            said = (
                f"The mark of footnote {note.printed} was read as {sign[2]}; it stands where its number was expected."
            )
            warnings.append(PageWarning(page, said))
    return relined, warnings


def _runs(notes: Sequence[Note], anchored: Set[str | None]) -> list[list[Note]]:
    """The notes that have no reference, those that follow each other together; notes without a number left out."""
    runs: list[list[Note]] = []
    last = None
    for index, note in enumerate(notes):
        if note.label in anchored or not note.printed:  # that one has no number is said already
            continue
        if runs and last == index - 1 and runs[-1][-1].page == note.page:
            runs[-1].append(note)
        else:
            runs.append([note])
        last = index
    return runs


_Place = tuple[int, int, re.Match[str]]
"""Index of a line of the body, index of the word in it, and the sign at the end of that word."""


def _unread_references(
    run: Sequence[Note], body: Sequence[tuple[int, Line]], rulings: Mapping[Key, Ruling]
) -> list[_Place] | None:
    """The words between the neighbouring references that end in what Tesseract makes of a raised digit.

    They stand on the page of the notes, or all on the page before it.

    Returns:
        As many places as there are notes; ``None`` where there are more or fewer such words.
    """
    if not all(note.label.isdigit() for note in run):
        return None
    first, last = 0, len(body)
    for index, (page, line) in enumerate(body):
        for word in line.words:
            for raised in word.raised:
                label = rulings.get((page, raised.box), Ruling()).label
                if label == str(int(run[0].label) - 1):
                    first = index
                elif label == str(int(run[-1].label) + 1):
                    last = min(last, index + 1)
    for page in (run[0].page, run[0].page - 1):
        found = _unread_on(page, body, first, last)
        if found:
            return found if len(found) == len(run) else None
    return None


def _unread_on(page: int, body: Sequence[tuple[int, Line]], first: int, last: int) -> list[_Place]:
    """The words of a page, on the lines from ``first`` up to ``last``, that may end in an unread reference."""
    found: list[_Place] = []
    for index in range(first, last):
        on, line = body[index]
        if on != page:
            continue
        for at, word in enumerate(line.words):
            sign = _UNREAD_REFERENCE.match(word.text)
            if sign and not word.raised and not _closes_a_quote(line, at, sign[2]):
                found.append((index, at, sign))
    return found


def _raised_in(line: Line, at: int, sign: re.Match[str]) -> tuple[Line, Raised]:
    """The line with the sign at the end of one of its words raised, and that sign."""
    word = line.words[at]
    # It has no box of its own; two of one word's would be one, but a word has one such sign.
    raised = Raised(len(sign[1]), sign[2], 0.0, word.box)
    plain = replace(word, text=sign[1] + sign[3], letters=(), raised=(raised,))
    return replace(line, words=(*line.words[:at], plain, *line.words[at + 1 :])), raised


def _closes_a_quote(line: Line, at: int, sign: str) -> bool:
    """Whether a sign may be a closing quote: one was opened before it on the line, or none is in sight."""
    if not set(sign) & set("\"”’'"):
        return False
    before = " ".join(word.text for word in line.words[: at + 1])
    return before.count("“") >= before.count("”") > 0 or (before.count('"') % 2 == 0 and '"' in sign)


@dataclass(frozen=True, slots=True)
class _Gathered:
    """What the footnote zones come to.

    Attributes:
        notes: in printed order.
        rulings: of the raised signs in the zones.
        strays: page, box and text of the specks before the numbers of notes.
        warnings: text without a number.
    """

    notes: list[Note]
    rulings: dict[Key, Ruling]
    strays: list[tuple[int, Box | None, str]]
    warnings: list[PageWarning]


@dataclass(frozen=True, slots=True)
class _Head:
    """The head of a note.

    Attributes:
        label: the note's label.
        printed: the label as printed.
        read: something was read there that is its number or its asterisks.
    """

    label: str
    printed: str
    read: bool


def _gather(
    zone_lines: Sequence[tuple[int, Line]], margins: Mapping[int, Margins], references: Sequence[Citation]
) -> _Gathered:
    """The notes with their lines."""
    zone_lines, strays = _with_heads_joined(zone_lines)
    heads = _heads(zone_lines, [set_line(page, line, margins, {}) for page, line in zone_lines], references)
    notes: list[Note] = []
    rulings: dict[Key, Ruling] = {}
    warnings: list[PageWarning] = []
    for index, (page, printed) in enumerate(zone_lines):
        head = heads.get(index)
        headed = raised_head(printed) if head else None
        inner = _rulings_within(page, printed, headed[1] if headed else None)
        rulings |= inner
        line = set_line(page, printed, margins, inner)
        if head:
            line, specks = _without_head(line, head, headed)
            strays += [(page, speck.box, speck.text) for speck in specks]
            notes.append(Note(head.label, head.printed, page))
        elif not notes:
            notes.append(Note("0", "", page))
            warnings.append(PageWarning(page, "The text below the footnote rule begins without a number."))
        if line.tokens:
            notes[-1].lines.append(line)
    return _Gathered([note for note in notes if note.lines], rulings, strays, warnings)


def _with_heads_joined(
    zone_lines: Sequence[tuple[int, Line]],
) -> tuple[list[tuple[int, Line]], list[tuple[int, Box | None, str]]]:
    """The lines with the raised digits at the head of each joined to one number, and what else is raised there.

    That is half an opening quote, which stands as it should in the text that was read behind the number.
    """
    out: list[tuple[int, Line]] = []
    strays: list[tuple[int, Box | None, str]] = []
    for page, line in zone_lines:
        headed = raised_head(line)
        joined, others = _with_head_joined(line.words[headed[0]]) if headed else (line.words[0], [])
        words = [*line.words[: headed[0]], joined, *line.words[headed[0] + 1 :]] if headed else line.words
        strays += [(page, raised.box, raised.text) for raised in others]
        out.append((page, replace(line, words=tuple(words))))
    return out, strays


def _with_head_joined(word: Word) -> tuple[Word, list[Raised]]:
    """The first word of a note with the raised digits before its text joined, and the other signs there."""
    signs = [raised for raised in word.raised if not any(c.isalnum() for c in word.text[: raised.offset])]
    digits = sorted((raised for raised in signs if raised.text.isdigit()), key=lambda raised: raised.box.left)
    if len(signs) < 2 or not digits:
        return word, []
    rest = [raised for raised in word.raised if raised not in signs]
    return replace(word, raised=(_one_number(digits), *rest)), [raised for raised in signs if raised not in digits]


def _one_number(digits: Sequence[Raised]) -> Raised:
    """Raised digits that stand side by side, as one sign."""
    return Raised(
        max(raised.offset for raised in digits),
        "".join(raised.text for raised in digits),
        min(raised.confidence for raised in digits),
        hull([raised.box for raised in digits]),
    )


def _rulings_within(page: int, line: Line, head: Raised | None) -> dict[Key, Ruling]:
    """A number raised inside a note is text, as the notes of a note are not marked so; that at its head is left out."""
    return {
        (page, raised.box): Ruling() if raised is head else Ruling(text=superscript(raised.text))
        for word in line.words
        for raised in word.raised
    }


def _without_head(line: SetLine, head: _Head, headed: tuple[int, Raised] | None) -> tuple[SetLine, list[Token]]:
    """A note's first line without its number, raised or not, and the specks that were read before a raised one."""
    if headed:
        return _without_specks(line, *headed)
    if head.read:
        rest = _without_number(line, head.printed)
        return (rest if rest.tokens else line), []  # a number and nothing else: better kept than lost
    return line, []


def _heads(
    zone_lines: Sequence[tuple[int, Line]], bare: Sequence[SetLine], references: Sequence[Citation]
) -> dict[int, _Head]:
    """The heads of notes, by the index of their line.

    Args:
        zone_lines: ``(page, line)`` of the footnote zones.
        bare: the same lines without their raised signs.
        references: of the body.
    """
    headed = [raised_head(line) for _, line in zone_lines]
    fresh = _first_lines(bare)
    stars = {i: star for i, line in enumerate(bare) if (star := _starred_head(line, headed[i]))}
    starred = _cited_stars(stars, bare, references)
    signs = _signs([i for i in range(len(bare)) if i not in starred], bare, headed, fresh)
    numbers = settle(list(signs.values()), *_wanted(references))
    numbered = {index: number for index, number in zip(signs, numbers, strict=True) if number is not None}
    loose = {i: star for i, star in stars.items() if headed[i] and i in fresh and i not in numbered}
    starred = _with_loose_stars(starred, loose)
    numbered |= _unread_heads([line.page for line in bare], numbered, starred, references)
    if not starred:
        numbered = _by_references(numbered, signs, fresh, bare, references)
    return _labelled({**numbered, **starred}, read={*signs, *starred})


def _by_references(
    numbered: dict[int, int],
    signs: Mapping[int, Sign],
    fresh: Set[int],
    lines: Sequence[SetLine],
    references: Sequence[Citation],
) -> dict[int, int]:
    """The heads as they were told by themselves, or as the references tell them where that answers more of those."""
    raised = {index for index, sign in signs.items() if sign.misread < float("inf")}
    better = _better(numbered, _aligned(lines, signs, references), raised, lines, references)
    return better | _heads_between(better, fresh, lines, references)


def _heads_between(
    heads: Mapping[int, int], fresh: Set[int], lines: Sequence[SetLine], references: Sequence[Citation]
) -> dict[int, int]:
    """Heads whose number was not read at all between two of a page whose numbers leave out just one that is cited.

    The note begins somewhere between them; it does where only one line may be the first of a paragraph.
    """
    found: dict[int, int] = {}
    for first, last in pairwise(sorted(heads)):
        page, number = lines[first].page, heads[first] + 1
        asked = (page, number) in references or (page - 1, number) in references
        if asked and heads[last] == number + 1 and lines[last].page == page:
            places = [index for index in range(first + 1, last) if index in fresh]
            found |= {index: number for index in places if len(places) == 1}
    return found


def _aligned(lines: Sequence[SetLine], signs: Mapping[int, Sign], references: Sequence[Citation]) -> dict[int, int]:
    """The numbers of heads, by the index of their line, as references and heads say together."""
    cited = [(page, number) for page, number in references if isinstance(number, int)]
    wanted = frozenset(number for _, number in cited)

    def head(index: int, line: SetLine) -> note_heads.Line:
        sign = signs.get(index)
        if sign is None:
            return note_heads.Line(line.page, lambda number: float("inf"), 0.0)
        return note_heads.Line(line.page, partial(_head_cost, sign, wanted=wanted), sign.drop)

    return note_heads.align([head(index, line) for index, line in enumerate(lines)], cited)


def _head_cost(sign: Sign, number: int, wanted: frozenset[int]) -> float:
    """Of taking what was read at the head of a line for a number: as many nats as digits were misread or lost."""
    if sign.unread or sign.run or sign.misread == float("inf"):
        return _reading_cost(sign, number, wanted)
    share = _LEAST_DOUBTED + (1 - _LEAST_DOUBTED) * sign.confidence / 100
    return sign.misread * share * _unlike(sign.text, str(number))


def _unlike(read: str, printed: str) -> float:
    """By how many digits two numbers differ; a 1 is thin and easily lost."""
    weigh = {digit: 0.6 if digit == "1" else 1.0 for digit in "0123456789"}
    row = [0.0, *accumulate(weigh[digit] for digit in printed)]
    for sign in read:
        before, row = row, [row[0] + weigh[sign]]
        for at, digit in enumerate(printed):
            row.append(min(before[at] + (sign != digit), before[at + 1] + weigh[sign], row[at] + weigh[digit]))
    return row[-1]


def _better(
    numbered: dict[int, int],
    aligned: dict[int, int],
    raised: Set[int],
    lines: Sequence[SetLine],
    references: Sequence[Citation],
) -> dict[int, int]:
    """The second of two accounts of the heads where it answers more references, else the first.

    Where it answers as many, it may know more notes whose marks were not found: such as have raised numbers.
    """

    def answered(heads: Mapping[int, int]) -> int:
        named = labels([heads[index] for index in sorted(heads)])
        notes = [(lines[index].page, *name) for index, name in zip(sorted(heads), named, strict=True) if name]
        return sum(label is not None for label in match_references(references, notes))

    before, after = answered(numbered), answered(aligned)
    goes_further = numbered.items() <= aligned.items() and set(aligned) - set(numbered) <= raised
    return aligned if after > before or (after == before and goes_further) else numbered


def _wanted(references: Sequence[Citation]) -> tuple[frozenset[int], set[int]]:
    """The numbers that references ask for, and the pages on which heads may start anew because references do."""
    numbers = frozenset(number for _, number in references if isinstance(number, int))
    anew = [page for page, number in references if number == 1][1:]  # with the first of them numbering begins
    return numbers, {page + more for page in anew for more in (0, 1)}


def _signs(
    indices: Sequence[int], lines: Sequence[SetLine], headed: Sequence[tuple[int, Raised] | None], fresh: Set[int]
) -> dict[int, Sign]:
    """What may be a number at the head of a line, for those of the lines that have it."""
    found: dict[int, Sign] = {}
    for index in indices:
        head = headed[index]
        sign = head_sign(lines[index].page, lines[index].tokens, head[1] if head else None, index in fresh)
        if sign:
            found[index] = sign
    return found


def _with_loose_stars(cited: Mapping[int, str], loose: Mapping[int, str]) -> dict[int, str]:
    """Asterisks that head notes, with those that no reference answers (``loose``).

    They are bullets, unless this is a document with asterisks for references or they stand where the first note begins.
    """
    return {**cited, **{index: star for index, star in loose.items() if cited or index == 0}}


def _labelled(printed: Mapping[int, int | str], read: Set[int]) -> dict[int, _Head]:
    """The heads with their labels, from the number or the asterisks of each; ``read`` are those not inferred."""
    order = sorted(printed)
    named = labels([printed[index] for index in order])
    return {index: _Head(*name, read=index in read) for index, name in zip(order, named, strict=True) if name}


def _first_lines(lines: Sequence[SetLine]) -> set[int]:
    """Indices of the lines that may be the first of a paragraph."""
    pitch = usual_pitch(lines)
    return {
        index
        for index, line in enumerate(lines)
        if index == 0 or line.page != lines[index - 1].page or _is_parted(lines[index - 1], line, pitch)
    }


def _is_parted(before: SetLine, line: SetLine, pitch: float) -> bool:
    """Whether a paragraph may begin between two lines of a page, by room, indent, space or a finished sentence."""
    step = line.baseline - before.baseline
    return (
        before.room > _SHORT_LINE
        or line.indent > _INDENTED
        or step > _WIDE_PITCH * pitch * line.x_height
        or (bool(_ENDS_SENTENCE.search(before.text)) and any(t.text[:1].isupper() for t in line.tokens[1:2]))
    )


def _cited_stars(stars: Mapping[int, str], lines: Sequence[SetLine], references: Sequence[Citation]) -> dict[int, str]:
    """Those asterisks at the heads of lines that a reference on the same page answers, or one on the page before."""
    waiting = [(page, number) for page, number in references if isinstance(number, str)]
    cited: dict[int, str] = {}
    for index, star in stars.items():
        page = lines[index].page
        answer = next((one for one in ((page, star), (page - 1, star)) if one in waiting), None)
        if answer:
            waiting.remove(answer)
            cited[index] = star
    return cited


def _starred_head(line: SetLine, headed: tuple[int, Raised] | None) -> str:
    """The asterisks that head a line, raised or not; empty where none do."""
    if headed:
        return headed[1].text if _STARS.fullmatch(headed[1].text) else ""
    found = _STARRED_HEAD.match(line.tokens[0].text) if line.tokens else None
    return found[1] if found else ""


def _unread_heads(
    pages: Sequence[int], heads: Mapping[int, int], starred: Mapping[int, str], references: Sequence[Citation]
) -> dict[int, int]:
    """Heads whose number was not read at all.

    The first line of a page's footnote zone without a number carries on the note of the page before, unless a reference
    on this very page asks for a note that no head answers and that would stand exactly here.

    Args:
        pages: of the lines of the footnote zones.
        heads: number of each head that was read, by the index of its line.
        starred: the same for asterisks.
        references: of the body.
    """
    found: dict[int, int] = {}
    answered = set(heads.values())
    firsts = [index for index, page in enumerate(pages) if index == 0 or pages[index - 1] != page]
    for index in firsts:
        if index in heads or index in starred:
            continue
        asked = (n for page, n in references if page == pages[index] and isinstance(n, int) and n not in answered)
        wanted = next(asked, None)
        if wanted is not None and _fits_between(heads, index, wanted):
            found[index] = wanted
    return found


def _fits_between(heads: Mapping[int, int], index: int, number: int) -> bool:
    """Whether a head with this number before the line ``index`` would leave the numbers without a gap."""
    last = max((heads[i] for i in heads if i < index), default=0)
    following = min((i for i in heads if i > index), default=None)
    return number == last + 1 and (following is None or heads[following] == number + 1)


def _without_specks(line: SetLine, index: int, head: Raised) -> tuple[SetLine, list[Token]]:
    """A note's first line from its raised number on, and the specks that were read before it."""
    specks = list(line.tokens[:index])
    first = line.tokens[index]
    if head.offset:
        specks.append(replace(first, text=first.text[: head.offset], letters=()))
    rest = cut(first, head.offset)
    return replace(line, tokens=(*([rest] if rest else []), *line.tokens[index + 1 :])), specks


def _without_number(line: SetLine, number: str) -> SetLine:
    """A note's first line without the number set before it in ordinary digits."""
    text = line.tokens[0].text
    if _is_unread(text) and not number.startswith("*"):
        return replace(line, tokens=line.tokens[1:])
    found = re.match(rf"[\[(]?{re.escape(number)}[\])]?[.:]?", text)
    rest = cut(line.tokens[0], found.end()) if found else line.tokens[0]
    return replace(line, tokens=(*([rest] if rest else []), *line.tokens[1:]))
