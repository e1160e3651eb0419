"""What the review page says, in the language of the one who asks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from flows.language import N_, _, language
from flows.review.views import DocumentView, Fact, Light, Word

_LIGHTS: Mapping[Light, str] = {
    "correction": N_("Corrections"),
    "doubt": N_("Doubtful words"),
    "unlike": N_("Numbers read unlike"),
    "number": N_("All numbers"),
    "warning": N_("Warnings"),
    "dropped": N_("Left out"),
}
_FACTS = {
    "number": N_("Number"),
    "symbol": N_("Symbol"),
    "type": N_("Type"),
    "subject": N_("Subject"),
    "agency": N_("Agency"),
    "place": N_("Place"),
    "date": N_("Date"),
    "signer": N_("Signer"),
    "signer_title": N_("Office of the signer"),
    "recipients": N_("Recipients"),
}
_TYPES = {
    "letterhead": N_("Letterhead"),
    "title": N_("Title"),
    "heading": N_("Heading"),
    "paragraph": N_("Paragraph"),
    "list_item": N_("Item of a list"),
    "table": N_("Table"),
    "recipients": N_("Recipients"),
    "signature": N_("Signature"),
    "missing": N_("Unreadable page"),
}
_REASONS = {
    "page number": N_("Page number"),
    "running header": N_("Running header"),
    "page separator": N_("Page separator"),
    "separator sheet": N_("Separator sheet"),
    "received stamp": N_("Received stamp"),
    "electronic signature": N_("Electronic signature"),
    "copy line": N_("Copy line"),
    "stamp": N_("Stamp"),
    "image link": N_("Link to a picture"),
    "noise": N_("Noise"),
}
_GRADES = {
    "good": N_("read well"),
    "fair": N_("read fairly"),
    "poor": N_("read poorly"),
    "unread": N_("not read"),
}
_KEYS = (
    ("n", N_("next doubtful place, of the kinds that are lit")),
    ("N", N_("the one before")),
    ("Enter", N_("to what is known of this word, and to mend it")),
    ("Esc", N_("back to the text")),
    ("[ ]", N_("page before, next page")),
    ("1 2 3 4 5 6", N_("kinds of doubt lit or not")),
    ("+ - 0", N_("page larger, smaller, as wide as it fits")),
    ("/", N_("search")),
    ("?", N_("this help")),
)
_KEYS_OF_MENDING = (
    ("t", N_("take this correction back")),
    ("e", N_("mend this paragraph")),
    ("Ctrl+Z", N_("undo")),
    ("Ctrl+Shift+Z", N_("redo")),
)
_SAID = {
    "close": N_("Close"),
    "cancel": N_("Cancel"),
    "save": N_("Save"),
    "saved": N_("Saved."),
    "undone": N_("Undone."),
    "redone": N_("Done again."),
    "reload": N_("Show it anew"),
    "again": N_("Try again"),
    "changed": N_("Somebody changed this document meanwhile. Nothing of yours was saved; show it anew."),
    "unreachable": N_("nambat does not answer; is it still running?"),
    "noPicture": N_("This page cannot be shown."),
    "sure": N_("Right with a probability of {share} %:"),
    "second": N_("A second reading gave “{second}”, the first “{first}”."),
    "read": N_("Read with a confidence of {share} %."),
    "takeBack": N_("Take back: “{before}”"),
    "use": N_("Use “{text}”"),
    "word": N_("Word"),
    "value": N_("Value"),
    "kind": N_("Kind"),
    "level": N_("Level"),
    "paragraph": N_("Mend the paragraph"),
    "thisParagraph": N_("This paragraph"),
    "part": N_("Part the paragraph here"),
    "join": N_("Join with the next paragraph"),
    "tie": N_("Click on the word after which the mark of footnote {label} belongs; Esc ends this."),
    "warning": N_("Warning"),
    "leftOut": N_("Left out of the text"),
    "last": N_("No doubtful place follows."),
    "first": N_("No doubtful place stands before this."),
}


def _told(names: Mapping[Any, str]) -> dict[Any, str]:
    return {name: _(sentence) for name, sentence in names.items()}


_KINDS = {
    "tone": N_("tone mark"),
    "mark": N_("other mark"),
    "letter": N_("letter"),
    "join": N_("words joined"),
    "split": N_("words parted"),
    "case": N_("capital or small"),
    "sign": N_("sign"),
}
_DECIDED = {
    "accept": N_("The word is in the list now."),
    "reject": N_("The word is not offered any more."),
    "again": N_("The word is offered again."),
}
_STATES = {"new": N_("new"), "looked at": N_("looked at"), "mended": N_("mended"), "broken": N_("broken")}
_ORDERS = {
    "newest": N_("Newest first"),
    "doubtful": N_("Most doubtful first"),
    "dated": N_("By date of the document"),
    "oldest": N_("Oldest first"),
}


def states() -> dict[str, str]:
    """What has become of a document."""
    return _told(_STATES)


def decided() -> dict[str, str]:
    """What is said when somebody has decided about a word, by what was done."""
    return _told(_DECIDED)


def kinds() -> dict[str, str]:
    """What a correction changed."""
    return _told(_KINDS)


def orders() -> dict[str, str]:
    """How a list may be sorted."""
    return _told(_ORDERS)


def day(iso: str) -> str:
    """A day as people write it, such as 27/02/2021; as it is in English."""
    return "/".join(reversed(iso.split("-"))) if language() == "vi" else iso


def fact_shown(fact: Fact) -> str:
    """A value of the metadata as people write it."""
    return day(fact.value) if fact.name == "date" else fact.value


def light_names() -> dict[Light, str]:
    """What is lit, as the buttons call it."""
    return _told(_LIGHTS)


def fact_names() -> dict[str, str]:
    """The fields of the metadata."""
    return _told(_FACTS)


def block_types() -> dict[str, str]:
    """The types of a block."""
    return _told(_TYPES)


def types_to_choose() -> dict[str, str]:
    """What a person may make of a block: no table, whose cells nobody would know."""
    return {name: label for name, label in block_types().items() if name not in ("table", "missing")}


def reasons() -> dict[str, str]:
    """Why print was left out."""
    return _told(_REASONS)


def grades() -> dict[str, str]:
    """How well a page was read."""
    return _told(_GRADES)


def said() -> dict[str, str]:
    """What the script of the page says."""
    return _told(_SAID)


def keys(writable: bool) -> list[tuple[str, str]]:
    """The keys, and what each does."""
    return [(key, _(meaning)) for key, meaning in (*_KEYS, *(_KEYS_OF_MENDING if writable else ()))]


def lit(word: Word) -> str:
    """What a screen reader says of a word that is lit."""
    sentences = {
        "correction": _("corrected"),
        "doubt": _("read with doubt, confidence {share} %").format(share=f"{word.confidence or 0:.0f}"),
        "unlike": _("a second reading gave “{second}”").format(second=word.second),
        "number": _("number"),
    }
    return "; ".join(sentences[light] for light in word.lights if light in sentences)


def heading_of(view: DocumentView, name: str) -> tuple[str, str]:
    """What a document is called, and what it is about."""
    facts = view.record["metadata"]
    code = "/".join(filter(None, (facts.get("number"), facts.get("symbol"))))
    called = " ".join(filter(None, (facts.get("type"), code)))
    return called or PurePosixPath(name).stem, facts.get("subject") or PurePosixPath(name).stem


def no_scan(source: Mapping[str, Any]) -> str:
    """Why no page is shown."""
    if not source["pages"]:
        return _("This text comes from another program; there is no scan of it.")
    said = _(
        "The scan {name} was not found, so no page is shown; tell where it lies with `nambat review --scans FOLDER`."
    )
    return said.format(name=source["name"])
