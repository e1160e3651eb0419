"""The language model's part of repair: the likeliest reading of the whole document, where it is sure enough."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from normalize.document import Document, Tokens
from normalize.repair import without_page
from normalize.repair.candidates import Proposal, lattice
from normalize.repair.changes import Change
from normalize.repair.channel import load_channel
from normalize.repair.decision import Judge, decide, load_decision
from normalize.repair.own_phrases import OwnPhrases
from normalize.repair.search import decode
from normalize.repair.seen import Seen
from normalize.repair.without_page import SURE, sure
from normalize.vietnamese.language import LanguageModel

# Kinds of correction as the language model makes them.
_MARKS = ("tone", "mark")


def noisy_channel(document: Document, model: LanguageModel, mode: str, seen: Seen | None = None) -> list[Change]:
    """What the channel and the language model together read otherwise.

    Args:
        document: its corrections are those that it has already.
        mode: how sure the decision must be, ``safe`` or ``full``.
        seen: what earlier looks at the document left.
    """
    channel = load_channel()
    ids, slots = lattice(document, model, channel, seen)
    texts = [tokens for _, tokens in document.texts()]
    if not any(slot.letters for slot in slots):
        mended = sum(one.kind in _MARKS and one.probability >= SURE for one in document.corrections)
        return [changed(one, texts) for one in sure(ids, slots, model, mode, mended, seen)]
    phrases = OwnPhrases(ids, slots)
    slots = [phrases.cheapened(slot) for slot in slots]
    judge = Judge(load_decision(), mode, slots, phrases)
    proposals = decide(decode(ids, slots, model, channel.burst), ids, model, channel.burst, judge.accept)
    judge.see(proposals)
    proposals = decide(proposals, ids, model, channel.burst, judge.accept)
    return [changed(replace(one, probability=judge.probability(one)), texts, phrases) for one in proposals]


def changed(proposal: Proposal, texts: Sequence[Tokens], phrases: OwnPhrases | None = None) -> Change:
    """A proposal as a change of the document with these texts.

    Args:
        phrases: what the document says, where a page was looked at, too.
    """
    slot = proposal.slot
    before = texts[slot.text][slot.token].text[slot.start : slot.end]
    place = (slot.text, slot.token, slot.start, slot.token, slot.end)
    return Change(*place, before, proposal.after, proposal.probability, _because(proposal, phrases))


def _because(proposal: Proposal, phrases: OwnPhrases | None) -> str:
    """Why, in plain English."""
    slot = proposal.slot
    reasons = []
    for letter, new, old in zip(slot.letters, proposal.after, slot.read, strict=False):
        if new != old:
            seen = dict(letter.choices)
            if new in seen:
                reasons.append(f"the page also showed {new} ({seen[new]}) beside {old} ({seen.get(old, 0)})")
            else:
                reasons.append(f"the page showed {old} alone")
    if slot.letters:
        if phrases is not None and (here := phrases.only_so(slot, proposal.symbol)):
            reasons.append(_beside_the_same(here, 0))
    else:
        reasons.append("no page to look at")
        weighed = len(proposal.features)
        if weighed == len(without_page.FEATURES):
            reasons.append(_beside_the_same(*without_page.beside_the_same(proposal)))
        elif weighed == len(without_page.PAIR_FEATURES):
            here = without_page.together_elsewhere(proposal)
            reasons.append(f"misread together with its neighbour; the document has the two {here} times elsewhere")
        if weighed in (len(without_page.FEATURES), len(without_page.PAIR_FEATURES)):
            orders = without_page.seen_from_both_sides(proposal) / math.log(10)
            reasons.append(f"a network that sees both sides of it finds it {orders:.1f} orders of magnitude likelier")
    times = (proposal.margin + proposal.cost) / math.log(10)
    reasons.append(f"in its sentence the new reading is {times:.1f} orders of magnitude likelier")
    return "; ".join(reasons)


def _beside_the_same(here: int, as_read: int) -> str:
    return f"beside the same word the document has it {here} times elsewhere, and as read {as_read} times"
