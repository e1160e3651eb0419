"""Put right what OCR misread, with reasons, and without harming what is right.

Each syllable that may have lost or changed its marks is a slot with candidates: the known syllables of the same
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

from dataclasses import replace

from normalize.document import Document
from normalize.repair.candidates import Change, lattice
from normalize.repair.channel import load_channel
from normalize.repair.corrections import apply, undo
from normalize.repair.decision import Judge, decide, load_decision
from normalize.repair.rules.abbreviations import abbreviations, symbols
from normalize.repair.rules.formulas import formulas
from normalize.repair.rules.glued import glued
from normalize.repair.rules.letters import formula_marks, look_alikes, small_capitals
from normalize.repair.rules.list_letters import list_letters
from normalize.repair.rules.lunar_years import lunar_years
from normalize.repair.rules.numerals import numerals
from normalize.repair.search import decode
from normalize.vietnamese.language import load_language_model

__all__ = ["MODES", "repair", "undo"]

MODES = ("off", "safe", "full")


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
    model, channel = load_language_model(), load_channel()
    ids, slots = lattice(document, model, channel)
    judge = Judge(load_decision(), mode, ids, slots)
    changes = decide(decode(ids, slots, model, channel.burst), ids, model, channel.burst, judge.accept)
    judge.see(changes)
    changes = decide(changes, ids, model, channel.burst, judge.accept)
    changes = [replace(one, probability=judge.probability(one)) for one in changes]
    fixed = formulas(document)
    changes = [*fixed, *beside(fixed, changes)]
    changes += beside(changes, numerals(document))
    changes += beside(changes, abbreviations(document, model))
    changes += beside(changes, symbols(document))
    changes += beside(changes, list_letters(document))
    changes += beside(changes, lunar_years(document))
    changes += beside(changes, formula_marks(document))
    changes += look_alikes(document, changes)
    changes += small_capitals(document, model, changes)
    return apply(document, changes + glued(document, model))


def beside(made: list[Change], more: list[Change]) -> list[Change]:
    """The changes of ``more`` in tokens that ``made`` leaves alone."""
    done = {(change.slot.text, change.slot.token) for change in made}
    return [change for change in more if (change.slot.text, change.slot.token) not in done]
