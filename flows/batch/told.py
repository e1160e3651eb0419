"""What people are told of batch runs, in a line."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from flows.batch.plan import Batch
from flows.batch.work import Done, PartDone
from flows.host.names import readable
from flows.language import _, counted, language, ngettext

if TYPE_CHECKING:
    from flows.batch.again import Chosen
    from flows.batch.under_way import Open
    from flows.review.readings import Reading

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


def reading_line(one: Reading) -> str:
    """A document that is to be read again, in one line."""
    pages = ngettext("{count} page", "{count} pages", one.pages).format(count=one.pages)
    read_by = (
        _("read by nambat {version}").format(version=one.version) if one.version else _("read by a version before 0.2")
    )
    return f"{readable(one.name)}: {pages}, {read_by}"


def chosen_line(chosen: Chosen, jobs: int) -> str:
    """How much is to be read again, and how long that may take with so many pages side by side."""
    from flows.service.health import lasting

    documents = ngettext("{count} document", "{count} documents", len(chosen.readings))
    pages = ngettext("{count} page", "{count} pages", chosen.pages)
    said = _("To be read again: {documents}, {pages}, in about {time} with {jobs} pages side by side.").format(
        documents=documents.format(count=len(chosen.readings)),
        pages=pages.format(count=chosen.pages),
        time=lasting(chosen.seconds / jobs),
        jobs=jobs,
    )
    if not chosen.same:
        return said
    same = ngettext(
        "{count} more was read by this version with these settings; `nambat reread` reads it all the same.",
        "{count} more were read by this version with these settings; `nambat reread` reads them all the same.",
        chosen.same,
    )
    return f"{said} {same.format(count=chosen.same)}"


def missing_line(one: Reading) -> str:
    """A document that cannot be read again."""
    return _("{name}: its scan does not lie in originals/ any more").format(name=readable(one.name))


def at_it_line(batch: Open) -> str:
    """That others are read again just now."""
    said = _("the service reads some again just now; wait until it has: {done} of {parts} parts are done")
    return said.format(done=batch.parts_over, parts=batch.parts)
