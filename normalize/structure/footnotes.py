"""Marks and notes to one sequence: which printed number is which footnote.

The number at a mark and the number at the head of its note are read apart and may both be misread; but marks rise
by one from mark to mark, and so do heads. The most likely rising sequence is found for each by dynamic
programming over what was read, and the two are matched by number.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from normalize.document import PageWarning, Token, Tokens
from normalize.structure.lines import Key, Margins, Ruling, SetLine, cut, set_line, usual_pitch
from ocr.page import Box, Line, Raised

#: A raised 2 or 3 after one of these is part of a unit, not a footnote mark.
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
_UNREAD_MARK = re.compile(r"^(.*[\w%)”\"])([!?*°'’\"”^ˆ]{1,2})([.,;:]?)$")

# Costs of the alignment, in nats by feel: what it takes to disbelieve a reading.
_MISREAD_RAISED = 2.6
_DROP_SURE, _DROP_DOUBTFUL = 3.5, 1.2
_SKIP_NUMBER = 2.2
_RESTART = 1.0
_START_LATER = 3.0  # a scan may begin in the middle of a document
_FURTHEST_SKIP = 4
_JUMP = 8.0  # over more numbers than that: a whole page's signs are gone
_BEAM = 48
#: A mark without a note is kept as a mark from this confidence on; below it, it is noise.
_SURE_MARK = 80.0


@dataclass(frozen=True, slots=True)
class Sign:
    """A number that may belong to a footnote: a mark in the text, or the head of a note.

    Attributes:
        page: 1 for the first.
        text: digits as read.
        drop: cost of taking it for something else.
        misread: cost of taking it for another number than was read; infinite where the digits are plain.
        run: a longer run of digits that begins with ``text``: the number and the first word of the note may be
            set together (``12354 hộ`` is note 12, "354 hộ").
        unread: something stands where the number should, and it was read as ``?`` or ``”``.
    """

    page: int
    text: str
    drop: float
    misread: float = _MISREAD_RAISED
    run: str = ""
    unread: bool = False


def mark_sign(page: int, raised: Raised) -> Sign:
    """The sign of a raised number in the text."""
    return Sign(page, raised.text, _DROP_SURE if raised.confidence >= 80 else _DROP_DOUBTFUL)


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
        return Sign(page, raised.text, _DROP_SURE)
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


def settle(signs: Sequence[Sign], wanted: frozenset[int] = frozenset()) -> list[int | None]:
    """The number of each sign in the most likely rising sequence; ``None`` for a sign that is no footnote's.

    Numbers rise by one from sign to sign; a skipped number, a misread one, a sign that is none and a new
    start at 1 on a new page each have their cost. Viterbi over (sign, last number).

    Args:
        signs: in reading order.
        wanted: numbers known from elsewhere (the marks, when heads are settled).
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
            if last == 0 and sign.text.isdigit() and int(sign.text) > 1:
                reachable.append((int(sign.text), _START_LATER))
            elif sign.text.isdigit() and int(sign.text) > last + _FURTHEST_SKIP:
                reachable.append((int(sign.text), _JUMP))
            if sign.text == "1" and last >= 1 and page_of[last] != sign.page:
                reachable.append((1, _RESTART))
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


def match_marks(
    marks: Sequence[tuple[int, int | str | None]], heads: Sequence[tuple[int, str, str]], farthest: int = 1
) -> list[str | None]:
    """The label of the note that each mark cites.

    Args:
        marks: ``(page, number or asterisks)`` of each mark, ``None`` for a sign that is none.
        heads: ``(page, label, printed label)`` of each note.
        farthest: how many pages after its mark a note may stand where numbers repeat.

    Returns:
        For each mark a label, or ``None`` when no note has its number on its page or on the next one.
    """
    taken: set[str] = set()
    out: list[str | None] = []
    renumbered = any(label != printed for _, label, printed in heads)
    for page, number in marks:
        found = None
        if number is not None:
            candidates = [
                (abs(note_page - page), label)
                for note_page, label, printed in heads
                if printed == str(number)
                and label not in taken
                and (not renumbered or 0 <= note_page - page <= farthest)
            ]
            found = min(candidates)[1] if candidates else None
        if found:
            taken.add(found)
        out.append(found)
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
        relined: lines of the body, by index, in which a sign turned out to be an unread mark.
        strays: page, box and text of what is nothing: raised signs and specks.
        warnings: marks without a note, notes without a number.
    """

    rulings: dict[Key, Ruling]
    notes: list[Note]
    relined: dict[int, Line]
    strays: list[tuple[int, Box | None, str]]
    warnings: list[PageWarning]


def reattach(
    body: Sequence[tuple[int, Line]], zone_lines: Sequence[tuple[int, Line]], margins: Mapping[int, Margins]
) -> Reattached:
    """Link the marks of the body to the notes of the footnote zones.

    Args:
        body: ``(page, line)`` of everything outside the footnote zones, in reading order.
        zone_lines: the same for the footnote zones.
        margins: of the pages.
    """
    rulings: dict[Key, Ruling] = {}
    warnings: list[PageWarning] = []
    strays: list[tuple[int, Box | None, str]] = []
    marks: list[tuple[int, Raised]] = []
    exponents: dict[Key, str] = {}
    for page, line in body:
        for at, word in enumerate(line.words):
            for raised in word.raised:
                unit = is_exponent(word.text[: raised.offset], raised.text)
                if unit and len(raised.text) == 1:
                    rulings[page, raised.box] = Ruling(text=superscript(raised.text))
                elif unit:  # m² and a mark right after it were read as one number
                    exponents[page, raised.box] = superscript(raised.text[0])
                    marks.append((page, replace(raised, text=raised.text[1:])))
                elif raised.text.isdigit() or (_STARS.fullmatch(raised.text) and (at or raised.offset)):
                    marks.append((page, raised))
                else:  # an asterisk that heads a line is a bullet
                    rulings[page, raised.box] = Ruling(text=raised.text)
    settled = iter(settle([mark_sign(page, raised) for page, raised in marks if raised.text.isdigit()]))
    numbers = [next(settled) if raised.text.isdigit() else raised.text for _, raised in marks]
    read: list[tuple[int, int | str | None]] = [
        (page, number) for (page, _), number in zip(marks, numbers, strict=True)
    ]
    notes = _gather(zone_lines, margins, rulings, read, strays, warnings)
    known = {note.label for note in notes}
    cited = match_marks(read, [(note.page, note.label, note.printed) for note in notes])
    for (page, raised), number, label in zip(marks, numbers, cited, strict=True):
        if label is None and isinstance(number, str):
            rulings[page, raised.box] = Ruling(text=number)
            continue
        if label is None and number is not None and raised.confidence >= _SURE_MARK and str(number) not in known:
            label = str(number)
            warnings.append(PageWarning(page, f"Footnote mark {number} has no note."))
        if label is None:
            strays.append((page, raised.box, raised.text))
        exponent = exponents.get((page, raised.box), "")
        rulings[page, raised.box] = Ruling(label=label, text=exponent)
    anchored = {ruling.label for ruling in rulings.values()}
    relined: dict[int, Line] = {}
    for note in notes:
        if note.label in anchored:
            continue
        place = _unread_mark(note, body, rulings)
        if place is None:
            warnings.append(PageWarning(note.page, f"The mark of footnote {note.printed} was not found."))
            continue
        index, raised, line = place
        relined[index] = line
        rulings[body[index][0], raised.box] = Ruling(label=note.label)
        said = (
            f"The mark of footnote {note.printed} was read as {raised.text}; it stands where its number was expected."
        )
        warnings.append(PageWarning(body[index][0], said))
    return Reattached(rulings, notes, relined, strays, warnings)


def _unread_mark(
    note: Note, body: Sequence[tuple[int, Line]], rulings: Mapping[Key, Ruling]
) -> tuple[int, Raised, Line] | None:
    """The one word between the neighbouring marks that ends in what Tesseract makes of a raised digit.

    Returns:
        Index of the line in ``body``, the sign, and the line with the sign raised; ``None`` when there is no such
        word, or more than one.
    """
    if not note.label.isdigit():
        return None
    first, last = 0, len(body)
    for index, (page, line) in enumerate(body):
        for word in line.words:
            for raised in word.raised:
                label = rulings.get((page, raised.box), Ruling()).label
                if label == str(int(note.label) - 1):
                    first = index
                elif label == str(int(note.label) + 1):
                    last = min(last, index + 1)
    found = []
    for index in range(first, last):
        page, line = body[index]
        if page != note.page:
            continue
        for at, word in enumerate(line.words):
            sign = _UNREAD_MARK.match(word.text)
            if sign and not word.raised and not _closes_a_quote(line, at, sign[2]):
                found.append((index, at, sign))
    if len(found) != 1:
        return None
    index, at, sign = found[0]
    line = body[index][1]
    word = line.words[at]
    raised = Raised(len(sign[1]), sign[2], 0.0, word.box)
    plain = replace(word, text=sign[1] + sign[3], letters=(), raised=(raised,))
    return index, raised, replace(line, words=(*line.words[:at], plain, *line.words[at + 1 :]))


def _closes_a_quote(line: Line, at: int, sign: str) -> bool:
    """Whether a sign may be a closing quote: one was opened before it on the line, or none is in sight."""
    if not set(sign) & set("\"”’'"):
        return False
    before = " ".join(word.text for word in line.words[: at + 1])
    return before.count("“") >= before.count("”") > 0 or (before.count('"') % 2 == 0 and '"' in sign)


def _gather(
    zone_lines: Sequence[tuple[int, Line]],
    margins: Mapping[int, Margins],
    rulings: dict[Key, Ruling],
    marks: Sequence[tuple[int, int | str | None]],
    strays: list[tuple[int, Box | None, str]],
    warnings: list[PageWarning],
) -> list[Note]:
    """The notes with their lines; rules on the raised signs inside them as well."""
    bare = [set_line(page, line, margins, {}) for page, line in zone_lines]
    pitch = usual_pitch(bare)
    signs: list[Sign] = []
    at: list[int] = []
    starred: dict[int, str] = {}
    loose: dict[int, str] = {}
    stars = [(page, number) for page, number in marks if isinstance(number, str)]
    for index, ((page, printed), line) in enumerate(zip(zone_lines, bare, strict=True)):
        before = bare[index - 1] if index else None
        fresh = (
            before is None
            or before.page != page
            or before.room > 3
            or line.indent > 1.2
            or line.baseline - before.baseline > 1.12 * pitch * line.x_height
            or (bool(_ENDS_SENTENCE.search(before.text)) and any(t.text[:1].isupper() for t in line.tokens[1:2]))
        )
        headed = raised_head(printed)
        star = _starred_head(line, headed)
        cited = [(p, number) for p, number in stars if number == star and p in (page, page - 1)]
        if cited:
            stars.remove(next((one for one in cited if one[0] == page), cited[0]))
            starred[index] = star
            continue
        if star and headed and fresh:
            loose[index] = star
        sign = head_sign(page, line.tokens, headed[1] if headed else None, fresh)
        if sign:
            signs.append(sign)
            at.append(index)
    numbers = settle(signs, frozenset(number for _, number in marks if isinstance(number, int)))
    heads: dict[int, int] = {index: number for index, number in zip(at, numbers, strict=True) if number is not None}
    # Asterisks that no mark answers are bullets, unless this is a document with asterisks for marks.
    first = {0} if zone_lines and not heads.get(0) else set()
    starred |= {index: star for index, star in loose.items() if index not in heads and (starred or index in first)}
    heads |= _unread_heads(zone_lines, heads, starred, marks)
    printed_as: dict[int, int | str] = {**heads, **starred}
    order = sorted(printed_as)
    named = labels([printed_as[index] for index in order])
    names = {index: name for index, name in zip(order, named, strict=True) if name}
    notes: list[Note] = []
    for index, (page, printed) in enumerate(zone_lines):
        name = names.get(index)
        headed = raised_head(printed) if name else None
        for word in printed.words:
            for raised in word.raised:
                # A number raised inside a note is text: the notes of a note are not marked so.
                ruling = Ruling() if headed and raised is headed[1] else Ruling(text=superscript(raised.text))
                rulings[page, raised.box] = ruling
        line = set_line(page, printed, margins, rulings)
        if name:
            if headed:
                line, specks = _without_specks(line, *headed)
                strays += [(page, speck.box, speck.text) for speck in specks]
            elif index in at or index in starred:
                bare_line = _without_number(line, name[1])
                line = bare_line if bare_line.tokens else line  # a number and nothing else: better kept than lost
            notes.append(Note(name[0], name[1], page))
        elif not notes:
            notes.append(Note("0", "", page))
            warnings.append(PageWarning(page, "The text below the footnote rule begins without a number."))
        if line.tokens:
            notes[-1].lines.append(line)
    return [note for note in notes if note.lines]


def _starred_head(line: SetLine, headed: tuple[int, Raised] | None) -> str:
    """The asterisks that head a line, raised or not; empty where none do."""
    if headed:
        return headed[1].text if _STARS.fullmatch(headed[1].text) else ""
    found = _STARRED_HEAD.match(line.tokens[0].text) if line.tokens else None
    return found[1] if found else ""


def _unread_heads(
    zone_lines: Sequence[tuple[int, Line]],
    heads: dict[int, int],
    starred: Mapping[int, str],
    marks: Sequence[tuple[int, int | str | None]],
) -> dict[int, int]:
    """Heads whose number was not read at all.

    The first line of a page's footnote zone without a number carries on the note of the page before, unless a mark
    on this very page asks for a note that no head answers and that would stand exactly here.
    """
    found: dict[int, int] = {}
    answered = set(heads.values())
    for index, (page, _) in enumerate(zone_lines):
        if index in heads or index in starred or (index and zone_lines[index - 1][0] == page):
            continue
        following = min((i for i in heads if i > index), default=None)
        last = max((heads[i] for i in heads if i < index), default=0)
        wanted = [n for at, n in marks if at == page and isinstance(n, int) and n not in answered]
        if wanted and wanted[0] == last + 1 and (following is None or heads[following] == wanted[0] + 1):
            found[index] = wanted[0]
    return found


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
