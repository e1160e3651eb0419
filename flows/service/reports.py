"""What the UI shows of a run: its tags and artifacts, and the descriptions of the flows that explain them."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import re
import textwrap
import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import cast
from uuid import UUID

from prefect import get_run_logger, runtime
from prefect.artifacts import (
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)
from prefect.client.orchestration import get_client

from flows.host.names import dashed, readable
from flows.intake.claims import ClaimStore
from flows.intake.sweep import Swept
from flows.language import N_, _, counted, shown_moment, told
from flows.pipeline.archives import Unpacking
from flows.pipeline.outcome import Outcome, grades
from flows.pipeline.to_check import Check, Kind, Passage
from flows.retold import retold
from flows.review.index import document_id
from flows.service import day
from flows.service.day import Day
from flows.service.prefect_server import local_address
from flows.service.record import name_on_server, read_service
from flows.settings import Settings
from normalize.formats.markdown import escaped_paragraph
from ocr.faults import Fault

NEEDS_ATTENTION, QUARANTINED, PUT_OFF = "needs attention", "quarantined", "put off"
PAGES_MISSING, HARD_TO_READ, WARNINGS, COPY = "pages missing", "low confidence", "warnings", "copy"
REPLACED, ANOTHER_DOCUMENT = "replaced", "another document"
TAGS = frozenset(
    {
        *(NEEDS_ATTENTION, QUARANTINED, PUT_OFF, PAGES_MISSING, HARD_TO_READ, WARNINGS, COPY),
        *(REPLACED, ANOTHER_DOCUMENT),
    }
)
"""Tags of runs: by them the UI finds what a person should look at. States keep Prefect's names, because the UI's list
of states to choose from knows no others."""

# A line feed within a paragraph would show as one in the UI.
ABOUT_INGEST = N_("""\
Reads one scan and publishes its text. Each document is a run, named after its file. Runs start by themselves: \
drop scans into the inbox. There is nothing to start by hand here.

To see what waits for a person, choose the tag `{needs_attention}` under *Runs*.

**Completed**: the text is published. Its tags:

- `{pages_missing}`: pages or parts of them could not be read. The report under *Artifacts* names them; scan them again.
- `{hard_to_read}`: some pages were hard to read. The report names them; compare them with the scan.
- `{warnings}`: something is doubtful, such as a footnote without its mark. The report lists it.
- `{copy}`: the scan has the same bytes as an earlier one, whose text was copied.
- `{replaced}`: the text of an earlier scan of the same name was replaced, and is kept in versions/.
- `{another_document}`: the scan has a name under which a document is published that has nothing in common with it. \
Its text has a name of its own, such as b~2.txt.

**Failed**: the log says why, in Vietnamese and English. The tags:

- `{quarantined}`: the scan lies in quarantine. Drop a better scan of the same name, or mend it there and press *Retry*.
- `{put_off}`: the machine has a trouble, such as a full disk. The document is tried again at the time in the log.

**Crashed**: nambat was stopped or killed. The file is taken again by itself.

*Retry* on a completed run reads its scan again, from `originals/`. If that fails, what was published stays.

**Cancelled**: the file was handed back to the inbox, or a person cancelled the run. The log says which.

A run loses `{needs_attention}` when its scan leaves quarantine: a better scan of the same name was published, or \
somebody used `nambat retry` or `nambat dismiss`. A scan that crashed its reader too often has no tag: `nambat status` \
lists what lies in quarantine now.
""")

ABOUT_READ = N_("""\
Reads one file that lies somewhere else than in the inbox, and publishes its text. *Run*, *Custom run*, and give its \
path: below the service's folder, or below one of those that the setting NAMBAT_READ_ROOTS names.

A scan of `originals/` is read again. Any other file stays where it is; a copy of it is read. Its text is published \
under the path that the file has below the service's folder; what lies elsewhere, below the name of its folder. \
The tags and states are those of *ingest*: `{needs_attention}` is for a person.
""")

ABOUT_SWEEP = N_("""\
Looks at the inbox on a schedule, so that nothing is lost which the watcher did not see. *Run*, *Quick run* looks at \
once. For each file that it takes, a run of *ingest* starts.

The tag `{needs_attention}` says that something could not be done; the run's log says what.

Runs to come bear names that Prefect makes up, until they start.
""")


def about(text: str) -> str:
    """A description of a flow, in the language of the moment."""
    return _(text).format(
        needs_attention=NEEDS_ATTENTION,
        quarantined=QUARANTINED,
        put_off=PUT_OFF,
        pages_missing=PAGES_MISSING,
        hard_to_read=HARD_TO_READ,
        warnings=WARNINGS,
        copy=COPY,
        replaced=REPLACED,
        another_document=ANOTHER_DOCUMENT,
    )


@contextlib.contextmanager
def best_effort(else_said: str = "the UI does not hear of this") -> Iterator[None]:
    """What only the UI would miss must not fail a document while the server is away.

    Args:
        else_said: what the log says of it then.
    """
    try:
        yield
    except Exception as fault:
        get_run_logger().debug("%s: %s", else_said, fault)


def tag_run(tags: Iterable[str]) -> None:
    """Put ``tags`` on this run, in place of those of :data:`TAGS` that an earlier try left on it.

    Raises:
        Exception: whatever Prefect raises while its server is away.
    """
    old = set(runtime.flow_run.tags)
    new = {*(old - TAGS), *tags}
    if new != old:
        with get_client(sync_client=True) as client:
            client.update_flow_run(UUID(runtime.flow_run.id), tags=sorted(new))


def tags_of(outcome: Outcome) -> list[str]:
    """The tags of a run that published a document."""
    holds = {
        NEEDS_ATTENTION: outcome.failed_pages or outcome.damaged_pages or outcome.low_pages or not outcome.words,
        PAGES_MISSING: outcome.failed_pages or outcome.damaged_pages,
        HARD_TO_READ: outcome.low_pages,
        WARNINGS: outcome.warnings,
        COPY: outcome.copy_of,
        REPLACED: outcome.replaced,
        ANOTHER_DOCUMENT: outcome.beside,
    }
    return [tag for tag, why in holds.items() if why]


def begin_progress(total: int) -> UUID | None:
    """Show that none of ``total`` pages is read yet; the id to go on with, ``None`` if the UI cannot be told."""
    with best_effort():
        return cast(UUID, create_progress_artifact(0.0, description=_progress(0, total)))
    return None


def show_progress(artifact: UUID | None, done: int, total: int) -> None:
    """Show how many pages are read.

    Args:
        artifact: what :func:`begin_progress` gave.
    """
    if artifact is not None:
        with best_effort():
            update_progress_artifact(artifact, done / total * 100, description=_progress(done, total))


def _progress(done: int, total: int) -> str:
    return _("{done} of {total} pages read").format(done=done, total=total)


def artifact_key(name: str) -> str:
    """The key of a document's artifacts: small letters, digits and dashes, the same for the same name."""
    short = dashed(name)[:60].strip("-")
    return f"{short}-{hashlib.sha256(os.fsencode(name)).hexdigest()[:8]}".lstrip("-")


def cell(text: str) -> str:
    """``text`` as Markdown shows it anywhere, also in a cell: what people name or write is no link, picture or tag."""
    return escaped_paragraph(readable(" ".join(text.split()))).replace("|", r"\|")


def code(text: str) -> str:
    """``text`` as Markdown code within a line."""
    fence = "`" * (longest_run("`", text) + 1)
    space = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{space}{text}{space}{fence}"


def code_block(text: str) -> list[str]:
    """Lines of Markdown that show the lines of ``text``."""
    fence = "`" * max(3, longest_run("`", text) + 1)
    return [fence, *map(readable, text.splitlines()), fence]


def longest_run(sign: str, text: str) -> int:
    """How often ``sign`` stands side by side at most."""
    return max((len(run) for run in re.findall(f"{re.escape(sign)}+", text)), default=0)


def path_shown(path: Path) -> str:
    """A path as Markdown code."""
    return code(readable(path))


def about_others(outcome: Outcome, *, for_log: bool = False) -> list[str]:
    """What became of other texts and scans of the same name, a sentence each.

    Args:
        for_log: without the title of what was replaced: logs hold no text of documents.
    """
    lines = []
    kept = readable(outcome.kept[0]) if outcome.kept else ""
    if outcome.replaced:
        said = _("replaces the text of {title} of {time}, kept as {place}")
        if for_log:
            said = _("replaces the text of {time}, kept as {place}") if kept else _("replaces the text of {time}")
        elif not kept:
            said = _("replaces the text of {title} of {time}")
        moment = shown_moment(outcome.replaced.published)
        lines.append(said.format(title=outcome.replaced.title, time=moment, place=kept))
    elif kept:
        lines.append(_("what was published there before is kept as {place}").format(place=kept))
    if outcome.beside:
        name = readable(outcome.files[0].name) if outcome.files else ""
        said = _("has nothing in common with what is published as {other}, so it is {name}")
        lines.append(said.format(other=readable(outcome.beside), name=name))
    if outcome.settled:
        where = ", ".join(map(readable, outcome.settled))
        lines.append(_("settles what lay in quarantine under this name, now {places}").format(places=where))
    return lines


def success_line(outcome: Outcome, *, for_log: bool = False) -> str:
    """The outcome of a document in one line; for a log without any of its text."""
    return "; ".join([_counts(outcome), *about_others(outcome, for_log=for_log)])


def _counts(outcome: Outcome) -> str:
    if outcome.copy_of:
        said = _("The same bytes as {name}, which was read before: its text was copied.")
        return said.format(name=outcome.copy_of)
    failed, damaged, low = len(outcome.failed_pages), len(outcome.damaged_pages), len(outcome.low_pages)
    warnings = len(outcome.warnings)
    always = (
        counted("{count} page", "{count} pages", outcome.pages),
        counted("{count} footnote", "{count} footnotes", outcome.footnotes),
        counted("{count} correction", "{count} corrections", outcome.corrections),
    )
    troubles = (
        (failed, counted("{count} unreadable page", "{count} unreadable pages", failed)),
        (damaged, counted("{count} damaged page", "{count} damaged pages", damaged)),
        (low, counted("{count} low-confidence page", "{count} low-confidence pages", low)),
        (warnings, counted("{count} warning", "{count} warnings", warnings)),
    )
    return ", ".join((*always, *(said for count, said in troubles if count)))


MOST_OF_A_KIND = 10
"""So many checks of one kind a report shows."""

MOST_PICTURED = 100_000
"""Signs of Markdown that the pictures of one report may take."""


def passage_shown(passage: Passage) -> str:
    """A sentence as Markdown, its words in question in bold type."""
    words = cell(passage.words)
    parts = cell(passage.before), words and f"**{words}**", cell(passage.after)
    return " ".join(filter(None, parts))


def page_shown(page: int) -> str:
    """A page's name before what is said of it; nothing where there are no pages."""
    return _("page {number}: ").format(number=page) if page else ""


HEADINGS: dict[Kind, str] = {
    "fact": N_("Facts that are left open"),
    "unsure fact": N_("Facts that were read with doubt"),
    "page": N_("Pages that could not be read, or not well"),
    "print": N_("Print that was not read"),
    "number": N_("Doubtful numbers"),
    "word": N_("The least sure words"),
    "dropped": N_("Print that was left out as noise"),
}
"""What each kind of check is called."""


def checklist(checks: Sequence[Check]) -> list[str]:
    """What to check as Markdown, with its pictures.

    No numbered list: the UI cuts off numbers of two digits.
    """
    lines: list[str] = []
    room = MOST_PICTURED
    for kind, of_kind in groupby(checks, key=lambda check: check.kind):
        found = list(of_kind)
        more = len(found) - MOST_OF_A_KIND
        rest = _(" ({count} more are in the JSON)").format(count=more) if more > 0 else ""
        heading = _(HEADINGS[kind])
        lines += ["", f"**{heading}**{rest}", ""]
        for check in found[:MOST_OF_A_KIND]:
            lines.append(f"- {page_shown(check.page)}{cell(retold(check.why))}")
            lines += ["", f"  {passage_shown(check.passage)}", ""] if check.passage else []
            picture = base64.b64encode(check.picture).decode()
            if picture and len(picture) <= room:
                room -= len(picture)
                described = _("the place on the page")
                lines += ["", f"  ![{described}](data:image/png;base64,{picture})", ""]
    return lines


def review_address(settings: Settings, record: Path | None) -> str:
    """Where the review page shows a document, for people on this machine; empty if it does not.

    Args:
        record: the document's published JSON.
    """
    root = settings.folders.published
    if record is None or not settings.review_port or not record.is_relative_to(root):
        return ""
    address = local_address(settings.host, settings.review_port)
    return f"{address}/documents/{document_id(str(record.relative_to(root)))}"


def success_report(outcome: Outcome, scan: Path | None, review: str = "") -> str:
    """The outcome of a document as Markdown: what to check first, then all else.

    Args:
        review: address of the document on the review page, if there is one.
    """
    confidence = "–" if outcome.confidence is None else f"{outcome.confidence:.1f}"
    told = {f"page {check.page}: {check.why}" if check.page else check.why for check in outcome.checks}
    warnings = [warning for warning in outcome.warnings if warning not in told]
    beside = _("Read and mend it beside its scan")
    copy = _("The same bytes as {name}: a copy of its text.")
    lines = [
        f"# {cell(outcome.name)}",
        "",
        *([f"[{beside}]({review})", ""] if review else []),
        _("| pages | words | footnotes | corrections | grades of pages | mean confidence | seconds |"),
        "|---:|---:|---:|---:|---|---:|---:|",
        f"| {outcome.pages} | {outcome.words} | {outcome.footnotes} | {outcome.corrections} "
        f"| {grades(outcome)} | {confidence} | {outcome.seconds:.1f} |",
        *(["", copy.format(name=cell(outcome.copy_of))] if outcome.copy_of else []),
        *(line for fact in about_others(outcome) for line in ("", f"{cell(fact[0].upper() + fact[1:])}.")),
        "",
        _("## What to check first"),
        "",
        *(checklist(outcome.checks) or [_("Nothing: no fact is left open, and no word was read with doubt.")]),
        *pages_to_check(outcome),
        *(["", _("## Warnings"), "", *(f"- {cell(retold(warning))}" for warning in warnings[:50])] if warnings else []),
        *corrections_shown(outcome),
        *left_out_shown(outcome),
        "",
        _("## Files"),
        "",
        *(f"- {path_shown(path)}" for path in outcome.files),
        *([_("- {path} (the scan)").format(path=path_shown(scan))] if scan else []),
    ]
    return "\n".join(lines) + "\n"


def pages_to_check(outcome: Outcome) -> list[str]:
    """Lines of Markdown about the pages that were not read well."""
    lines: list[str] = []
    if outcome.failed_pages:
        lines += ["", _("**Pages that could not be read**"), ""]
        lines += [f"- {page_shown(number)}{cell(retold(why))}" for number, why in outcome.failed_pages]
    if outcome.damaged_pages:
        lines += ["", _("**Pages of which a part is missing**"), ""]
        lines += [f"- {page_shown(number)}{cell(retold(why))}" for number, why in outcome.damaged_pages]
    if outcome.low_pages:
        lines += ["", _("**Pages that were hard to read, with their mean confidence**"), ""]
        lines += [f"- {page_shown(number)}{value:.1f}" for number, value in outcome.low_pages]
    if outcome.fair_pages:
        numbers = ", ".join(map(str, outcome.fair_pages))
        lines += ["", _("**Pages with some doubtful words**: {numbers}").format(numbers=numbers)]
    return lines


def corrections_shown(outcome: Outcome) -> list[str]:
    """Lines of Markdown with corrections in their sentences."""
    if not outcome.changes:
        return []
    shown = len(outcome.changes)
    heading = _("## Corrections (all)")
    if shown < outcome.corrections:
        heading = _("## Corrections (the {shown} least sure ones of {count})")
    change = _("- {page}“{before}” was read, now: {after}")
    changes = [
        change.format(page=page_shown(one.page), before=cell(one.before), after=passage_shown(one.after))
        for one in outcome.changes
    ]
    return ["", heading.format(shown=shown, count=outcome.corrections), "", *changes]


def left_out_shown(outcome: Outcome) -> list[str]:
    """Lines of Markdown with what is not in the published text."""
    if not outcome.left_out:
        return []
    shown, of = len(outcome.left_out), outcome.left_out_in_all
    head = _("## Left out of the text (all)")
    if shown < of:
        head = _("## Left out of the text (the first {shown} of {count})")
    left_out = outcome.left_out
    rows = [f"| {page or ''} | {cell(text[:LONGEST_LEFT_OUT])} | {retold(why)} |" for page, text, why in left_out]
    return ["", head.format(shown=shown, count=of), "", _("| page | text | reason |"), "|---:|---|---|", *rows]


LONGEST_LEFT_OUT = 200
"""Characters that are shown of a text that was left out."""


def report_success(outcome: Outcome, scan: Path | None, review: str = "") -> None:
    """Show the outcome in the UI.

    Args:
        review: address of the document on the review page, if there is one.
    """
    with best_effort():
        tag_run(tags_of(outcome))
        create_markdown_artifact(
            success_report(outcome, scan, review),
            key=artifact_key(outcome.name),
            description=_("Published: {name}").format(name=cell(outcome.name)),
        )


def failure_report(name: str, fault: Fault, place: Path | None) -> str:
    """Why a document failed, where it lies and what can be done, as Markdown."""
    lines = [f"# {cell(name)}", "", cell(fault.vietnamese), "", cell(str(fault))]
    if place:
        lines += ["", _("**The scan lies in quarantine**"), "", path_shown(place), ""]
        lines += [
            _(
                "Drop a better scan of the same name into the inbox. Or mend it in quarantine, then press *Retry* on "
                "its run or use `nambat retry`."
            )
        ]
    if fault.detail:
        lines += ["", _("**Technical detail**"), "", *code_block(fault.detail)]
    return "\n".join(lines) + "\n"


def report_failure(name: str, fault: Fault, place: Path | None) -> None:
    """Show in the UI why a document failed and where it lies."""
    with best_effort():
        tag_run([NEEDS_ATTENTION, QUARANTINED] if place else [NEEDS_ATTENTION])
        report, described = failure_report(name, fault, place), _("Failed: {name}").format(name=cell(name))
        create_markdown_artifact(report, key=artifact_key(name), description=described)


def unpacked_report(name: str, unpacking: Unpacking, archive: Path | None) -> str:
    """What was in an archive, as Markdown."""
    kept = [f"- {cell(str(scan.name))}" for scan in unpacking.scans if not scan.fault]
    bad = [f"- {cell(str(scan.name))}: {cell(told(scan.fault))}" for scan in unpacking.scans if scan.fault]
    lines = [f"# {cell(name)}", "", _("**Scans that went into the inbox**"), "", *(kept or [_("none")])]
    lines += ["", _("**Went to quarantine**"), "", *bad] if bad else []
    if unpacking.others:
        others = (f"- {cell(other)}" for other in unpacking.others)
        lines += ["", _("**No scans: left in the archive**"), "", *others]
    if archive:
        lines += ["", _("The archive: {path}").format(path=path_shown(archive))]
    return "\n".join(lines) + "\n"


def report_unpacked(name: str, unpacking: Unpacking, archive: Path | None) -> None:
    """Show in the UI what was in an archive."""
    bad = any(scan.fault for scan in unpacking.scans)
    with best_effort():
        tag_run([*([NEEDS_ATTENTION, QUARANTINED] if bad else []), *([WARNINGS] if unpacking.others else [])])
        create_markdown_artifact(
            unpacked_report(name, unpacking, archive),
            key=artifact_key(name),
            description=_("Unpacked: {name}").format(name=cell(name)),
        )


def sweep_line(swept: Swept) -> str:
    """A sweep in one line."""
    counts = _("{taken} taken, {waiting} still arriving, {returned} handed back, {quarantined} to quarantine").format(
        taken=len(swept.taken),
        waiting=swept.waiting,
        returned=len(swept.returned),
        quarantined=len(swept.quarantined),
    )
    if not swept.troubles:
        return counts
    troubles = counted("{count} trouble: see the logs", "{count} troubles: see the logs", len(swept.troubles))
    return f"{counts}; {troubles}"


def sweep_rows(swept: Swept) -> list[dict[str, str]]:
    """The table of what a sweep moved; the UI shows its cells as Markdown."""
    moved = [
        (_("taken"), swept.taken),
        (_("handed back"), swept.returned),
        (_("to quarantine"), swept.quarantined),
    ]
    file, what = _("file"), _("what")
    return [{file: cell(name), what: became} for became, names in moved for name in names[:200]]


def report_sweep(swept: Swept) -> None:
    """List in the UI what a sweep moved, if anything."""
    if rows := sweep_rows(swept):
        with best_effort():
            create_table_artifact(rows, key="sweep", description=sweep_line(swept))


DAY_KEY = "needs-a-look"
"""Of the table of the day: one artifact of each home, with its history."""

MOST_ROWS = 200
"""Rows that the table of the day has; the rest is counted."""


WIDEST_CELL = 56
"""Characters in a line of the table of the day: the UI breaks none by itself."""


def broken(text: str) -> str:
    """Text for a wide cell of a table, in lines."""
    return "<br>".join(map(cell, textwrap.wrap(text, WIDEST_CELL)))


def day_rows(seen: Day) -> list[dict[str, str]]:
    """The table of what needs a look, quarantine first; the UI shows its cells as Markdown.

    The link is a cell of its own: the UI takes no escapes in the text of a link, and names are anyone's.
    """
    rows = [day_row(name, [_("in quarantine: {why}").format(why=retold(why))]) for name, why in seen.quarantined]
    for note in seen.to_look_at:
        looks = [*map(retold, note.looks)]
        if note.more:
            looks.append(_("and {count} more to check").format(count=note.more))
        words = _("open")
        report = f"[{words}](/runs/flow-run/{note.run}?tab=Artifacts)" if note.run else ""
        time_of_day = f"{datetime.fromtimestamp(note.at, seen.date.tzinfo):%H:%M}"
        rows.append(day_row(note.name, looks, report, time_of_day, f"{note.pages} ({note.grades})"))
    return rows


def day_row(name: str, looks: Sequence[str], report: str = "", at: str = "", pages: str = "") -> dict[str, str]:
    """A row of the table of the day."""
    document, look = broken(name), "<br>".join(map(broken, looks))
    values = zip(DAY_HEADS, (document, look, report, at, pages), strict=True)
    return {_(head): value for head, value in values}


def day_line(seen: Day) -> str:
    """What the table of the day is about, in one line."""
    return _("{time}: {published}, {looks}; {quarantined}").format(
        time=shown_moment(seen.date),
        published=counted("{count} document published today", "{count} documents published today", len(seen.notes)),
        looks=counted("{count} of them needs a look", "{count} of them need a look", len(seen.to_look_at)),
        quarantined=counted("{count} file in quarantine", "{count} files in quarantine", len(seen.quarantined)),
    )


def report_day(store: ClaimStore) -> None:
    """Show in the UI which documents of the day need a look, if that has changed since it was shown last."""
    with best_effort():
        state = day.state_of(store.folders)
        if not day.is_news(store.folders, state):
            return
        seen = day.read_day(store, time.time())
        rows = day_rows(seen)
        more = len(rows) - MOST_ROWS
        line = day_line(seen) + (_(". The first {count} are shown").format(count=MOST_ROWS) if more > 0 else "")
        home = read_service(store.folders).get("home", "")
        create_table_artifact(
            rows[:MOST_ROWS] or [day_row("–", [_("nothing")])], key=name_on_server(DAY_KEY, home), description=line
        )
        day.mark_shown(store.folders, state)


DAY_HEADS = (N_("document"), N_("what needs a look"), N_("run"), N_("time"), N_("pages"))
"""Of the table of the day."""
