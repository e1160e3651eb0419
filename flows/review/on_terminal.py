"""What ``nambat find`` prints."""

from __future__ import annotations

from collections.abc import Iterator

from flows.host.names import readable
from flows.language import _, ngettext
from flows.review.listing import Listed
from flows.review.search import Found, Hits


def lines_of(found: Hits) -> Iterator[str]:
    """Each document in a line, below it the sentences with what was asked for, and how many documents there are."""
    for hit in found.hits:
        yield _plain(_about(hit.document))
        yield from (f"    {_plain(_about_place(one))}" for one in hit.found)
    shown = len(found.hits)
    if shown < found.count:
        yield _("{shown} of {count} documents; --limit shows more").format(shown=shown, count=found.count)
    elif shown:
        yield ngettext("{count} document", "{count} documents", shown).format(count=shown)


def _about(document: Listed) -> str:
    facts = document.facts
    symbol = "/".join(filter(None, (facts.number, facts.symbol)))
    told = " · ".join(filter(None, (facts.type, symbol, facts.date, facts.agency)))
    return f"{document.name}: {told}" if told else document.name


def _about_place(one: Found) -> str:
    sentence = f"{one.passage.before} »{one.passage.words}« {one.passage.after}".strip()
    kind, _slash, label = one.where.partition("/")
    if kind == "metadata":
        return _("metadata: {sentence}").format(sentence=sentence)
    if kind == "footnotes":
        return _("page {page}, note {label}: {sentence}").format(page=one.page, label=label, sentence=sentence)
    if not one.page:
        return sentence
    return _("page {page}: {sentence}").format(page=one.page, sentence=sentence)


def _plain(line: str) -> str:
    """A line without breaks and without signs that a terminal would obey."""
    return readable(" ".join(line.split()))
