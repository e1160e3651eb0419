"""What people are told of batch runs, in a line."""

from __future__ import annotations

from collections.abc import Callable

from flows.batch.plan import Batch
from flows.batch.work import Done, PartDone
from flows.language import _, counted, language

ENDS: dict[str, Callable[[], str]] = {
    "published": lambda: _("published"),
    "there": lambda: _("published before"),
    "quarantined": lambda: _("not published"),
    "kept": lambda: _("not read again; what was published before stays"),
    "put off": lambda: _("put off"),
    "held": lambda: _("in work elsewhere"),
    "gone": lambda: _("gone"),
    "waiting": lambda: _("waiting"),
}
"""What the ends of documents are called."""


def planned_line(batch: Batch) -> str:
    """What a batch holds, in one line."""
    documents = counted("{count} document", "{count} documents", batch.documents)
    parts = counted("{count} part", "{count} parts", batch.parts)
    return _("{documents} in {parts}").format(documents=documents, parts=parts)


def part_line(done: PartDone) -> str:
    """What a part came to, in one line."""
    left = _("; left for another try: {count}").format(count=done.left) if done.left else ""
    return counts_line(done.counts) + left


def counts_line(counts: dict[str, int]) -> str:
    """How many documents came to which end."""
    return ", ".join(f"{ENDS[end]()}: {count}" for end, count in counts.items()) or _("nothing")


def reason(one: Done) -> str:
    """Why a document was not published, in the language of the moment."""
    return (one.vietnamese if language() == "vi" else one.reason) or ENDS[one.end]()
