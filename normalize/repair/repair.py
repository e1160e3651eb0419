"""Put right what OCR misread, with reasons, and without harming what is right.

Repair is a table of rules, :data:`RULES`, of which the language model is one.

Each syllable that may have lost or changed its diacritics is a slot with candidates: the known syllables of the same
letters. The channel (``channel.py``) says how readily the page would show each candidate as what was read, the
language model (``vietnamese/language.py``) how well it fits between its neighbours, and the best sequence is found by
dynamic programming over whole sentences (the noisy channel: Kernighan, Church and Gale 1990; the search: Viterbi over
4-gram states), so that several wrong syllables in a row are put right together.

First, do no harm. A change is made only when it beats the text as read by a margin that was calibrated on text the
model has not seen; numbers, codes, addresses, abbreviations and foreign words are no slots at all; names change only
where the page doubts them and the same document reads them otherwise elsewhere. Every change is a
:class:`~normalize.document.Correction`, and :func:`undo` gives the text as it was read.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace

from normalize.document import Block, Document, published
from normalize.repair.changes import Change, beside, brings_page, carried_back, put_back
from normalize.repair.corrections import apply, undo
from normalize.repair.noisy_channel import noisy_channel
from normalize.repair.rules.abbreviations import abbreviations, symbols
from normalize.repair.rules.bodies import bodies
from normalize.repair.rules.brackets import brackets
from normalize.repair.rules.dimensions import dimensions
from normalize.repair.rules.formulas import formulas
from normalize.repair.rules.glued import glued, lone_signs, stray_points
from normalize.repair.rules.letters import formula_markup, look_alikes, raised_dong, small_capitals
from normalize.repair.rules.list_commas import list_commas
from normalize.repair.rules.list_letters import list_letters
from normalize.repair.rules.list_numbers import list_numbers
from normalize.repair.rules.lunar_years import lunar_years
from normalize.repair.rules.numerals import numerals
from normalize.repair.rules.places import beside_known_names, places
from normalize.repair.rules.second_readings import second_readings
from normalize.repair.rules.siblings import siblings
from normalize.repair.rules.spaces import syllables_run_together, torn_syllables
from normalize.repair.rules.specks import specks
from normalize.repair.seen import Seen
from normalize.vietnamese.language import LanguageModel, load_language_model

__all__ = ["MODES", "RULES", "Rule", "repair", "undo"]

#: So often a text is looked at again after what was mended.
_MORE_ROUNDS = 3

MODES = ("off", "safe", "full")

Find = Callable[[Document, LanguageModel, str, Seen], Iterable[Change]]


@dataclass(frozen=True, slots=True)
class Rule:
    """One way to put a misreading right.

    Attributes:
        name: what the record calls it.
        mends: a misreading and what it becomes.
        why: what makes it safe.
        find: document, language model, mode and what earlier looks left -> the changes it would make.
        of_page: whether it finds nothing where no page was read.
        by_text: whether what it finds in a text depends on nothing outside it.
    """

    name: str
    mends: str
    why: str
    find: Find
    of_page: bool = False
    by_text: bool = False


def by_itself(find: Callable[[Document], Iterable[Change]]) -> Find:
    """A rule that asks no language model."""
    return lambda document, model, mode, seen: find(document)


def with_model(find: Callable[[Document, LanguageModel], Iterable[Change]]) -> Find:
    """A rule that asks the language model, in every mode alike."""
    return lambda document, model, mode, seen: find(document, model)


def with_memory(find: Callable[[Document, Seen], Iterable[Change]]) -> Find:
    """A rule that asks no language model, and keeps what it made of each text."""
    return lambda document, model, mode, seen: find(document, seen)


RULES = (
    Rule("formulas", "VIẸT NAM -> VIỆT NAM", "Decree 30 prescribes the line", by_itself(formulas)),
    Rule(
        "bodies",
        "SỞ Y TÉ -> SỞ Y TẾ",
        "the text names the body so, the page showed it",
        by_itself(bodies),
        of_page=True,
    ),
    Rule("places", "huyện Trảng Định -> Tràng Định", "the only such district near one mark", with_memory(places)),
    Rule(
        "torn syllables", "quy đ ịnh -> quy định", "half of it is no syllable", with_model(torn_syllables), by_text=True
    ),
    Rule(
        "run together",
        "tạiUBND -> tại UBND",
        "it is no word, and two",
        with_model(syllables_run_together),
        by_text=True,
    ),
    Rule("noisy channel", "phân đầu -> phấn đấu", "page and language agree, by a calibrated margin", noisy_channel),
    Rule("numerals", "ngày I8 -> 18, HI. -> III.", "the page showed the digit, or counts strokes", by_itself(numerals)),
    Rule("siblings", "II. between II. and IV. -> III.", "headings count by one", by_itself(siblings)),
    Rule(
        "specks",
        "_2. -> 2., quý-IV/2021 -> quý IV/2021",
        "no print has such a sign there",
        by_itself(specks),
        of_page=True,
    ),
    Rule(
        "second readings",
        "17/572020 -> 17/5/2020",
        "the page, read again, has a number's form",
        by_itself(second_readings),
        of_page=True,
    ),
    Rule("abbreviations", "BCD -> BCĐ", "the document or official texts have it with Đ", with_model(abbreviations)),
    Rule(
        "symbols",
        "24/2009/QD-TTg -> QĐ",
        "no symbol has QD, and the page showed the Đ",
        by_itself(symbols),
        of_page=True,
    ),
    Rule("list letters", "c) đ) đ) -> c) d) đ)", "one letter is in turn, the page showed it", by_itself(list_letters)),
    Rule("list numbers", ". between 3. and 5. -> 4.", "as many items as numbers missing", by_itself(list_numbers)),
    Rule(
        "list commas",
        "các phường. xã -> phường, xã",
        "a list of recipients enumerates",
        by_itself(list_commas),
        of_page=True,
    ),
    Rule(
        "dimensions",
        "30 em x 30 em -> 30 cm x 30 cm",
        "a length is multiplied, pupils are not",
        by_itself(dimensions),
        of_page=True,
    ),
    Rule("brackets", "(tại Hà Nội} -> (tại Hà Nội)", "nothing opens the other kind", by_itself(brackets), of_page=True),
    Rule("lunar years", "Xuân Ất Ty -> Ất Tỵ", "a stem meets six branches only", by_itself(lunar_years), by_text=True),
    Rule(
        "formula markup", "$42,98\\%$ -> 42,98%", "signs around figures only", by_itself(formula_markup), by_text=True
    ),
    Rule(
        "raised đ", "182.900.000^d -> 182.900.000đ", "no amount has an exponent d", by_itself(raised_dong), by_text=True
    ),
    Rule(
        "look-alikes",
        "Ðảng -> Đảng, sỐ -> số",
        "no Vietnamese word has such letters",
        by_itself(look_alikes),
        by_text=True,
    ),
    Rule(
        "small capitals",
        "hồ SƠ -> hồ sơ",
        "one shape, and the sentence is small",
        with_model(small_capitals),
        of_page=True,
    ),
    Rule("glued", "tổ.chức -> tổ chức", "the language goes on across the speck", with_model(glued), of_page=True),
    Rule(
        "stray points",
        "tổ. chức -> tổ chức",
        "the sentence goes on, in small letters",
        with_model(stray_points),
        of_page=True,
    ),
    Rule(
        "lone signs", "trong . đó -> trong đó", "the sentence goes on across it", with_model(lone_signs), of_page=True
    ),
)
"""In their order: what an earlier rule changed, no later one touches."""


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
    model = load_language_model()
    return _with_dropped(_repaired(undo(document), model, mode), model, mode)


def _repaired(document: Document, model: LanguageModel, mode: str) -> Document:
    is_read = brings_page(document)
    rules = [rule for rule in RULES if is_read or not rule.of_page]
    look = functools.partial(_found, rules, model, mode, Seen())
    changes = look(document, document)
    repaired = apply(document, changes)
    if is_read:
        return repaired
    # Where there is no page, what was mended may make its neighbours sure enough, and whoever took the published text
    # back would see that. A change that would then be undone is left out: there, neither word is sure.
    more, left = changes, set[tuple[int, int, str, str]]()
    for _ in range(_MORE_ROUNDS):
        found = look(repaired, _only(repaired, {one.text for one in more}))
        undone = put_back(found, changes)
        left |= {(one.text, one.first, one.before, one.after) for one in undone}
        new = beside(changes, carried_back(found, changes), document)
        new = [one for one in new if (one.text, one.first, one.before, one.after) not in left]
        more = new + undone
        if not more:
            break
        changes = [one for one in changes if one not in undone] + new
        repaired = apply(document, changes)
    return repaired


def _found(
    rules: Iterable[Rule], model: LanguageModel, mode: str, seen: Seen, document: Document, new: Document
) -> list[Change]:
    """The changes that rules make in a document as it stands.

    Args:
        seen: what earlier looks at the document left.
        new: the document with those of its texts only that were not looked at before.
    """
    changes: list[Change] = []
    for rule in rules:
        found = rule.find(new if rule.by_text else document, model, mode, seen)
        if rule.find is noisy_channel:
            found = beside_known_names(found, document, seen)
        changes += beside(changes, found, document)
    return changes


def _only(document: Document, texts: Collection[int]) -> Document:
    """A document whose texts are empty but for some, by their index in ``Document.texts()``."""
    blocks = tuple(
        block if number in texts else replace(block, tokens=()) for number, block in enumerate(document.blocks)
    )
    numbers = itertools.count(len(blocks))
    notes = tuple(
        replace(note, paragraphs=tuple(tokens if next(numbers) in texts else () for tokens in note.paragraphs))
        for note in document.footnotes
    )
    return replace(document, blocks=blocks, footnotes=notes)


def _with_dropped(document: Document, model: LanguageModel, mode: str) -> Document:
    """The document with the words of stamps and notes, which are listed under ``dropped``, put right like its own."""
    worded = [index for index, one in enumerate(document.dropped) if one.tokens]
    if not worded:
        return document
    dropped = list(document.dropped)
    blocks = tuple(Block("letterhead", dropped[index].tokens, dropped[index].page) for index in worded)
    repaired = _repaired(Document(document.source, blocks), model, mode)
    for index, block in zip(worded, repaired.blocks, strict=True):
        dropped[index] = replace(dropped[index], tokens=block.tokens, text=published(block.tokens))
    names = {f"blocks/{number}": f"dropped/{index}" for number, index in enumerate(worded)}
    made = (replace(one, where=names[one.where]) for one in repaired.corrections)
    return replace(document, dropped=tuple(dropped), corrections=(*document.corrections, *made))
