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
from flows.pipeline.archives import Unpacking
from flows.pipeline.outcome import Outcome, grades
from flows.pipeline.to_check import Check, Kind, Passage
from flows.service import day
from flows.service.day import Day
from flows.service.record import name_on_server, read_service
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
ABOUT_INGEST = f"""\
Reads one scan and publishes its text. Each document is a run, named after its file. Runs start by themselves: \
drop scans into the inbox. There is nothing to start by hand here.

To see what waits for a person, choose the tag `{NEEDS_ATTENTION}` under *Runs*.

**Completed**: the text is published. Its tags:

- `{PAGES_MISSING}`: pages or parts of them could not be read. The report under *Artifacts* names them; scan them again.
- `{HARD_TO_READ}`: some pages were hard to read. The report names them; compare them with the scan.
- `{WARNINGS}`: something is doubtful, such as a footnote without its mark. The report lists it.
- `{COPY}`: the scan has the same bytes as an earlier one, whose text was copied.
- `{REPLACED}`: the text of an earlier scan of the same name was replaced, and is kept in versions/.
- `{ANOTHER_DOCUMENT}`: the scan has a name under which a document is published that has nothing in common with it. \
Its text has a name of its own, such as b~2.txt.

**Failed**: the log says why, in Vietnamese and English. The tags:

- `{QUARANTINED}`: the scan lies in quarantine. Drop a better scan of the same name, or mend it there and press *Retry*.
- `{PUT_OFF}`: the machine has a trouble, such as a full disk. The document is tried again at the time in the log.

**Crashed**: nambat was stopped or killed. The file is taken again by itself.

*Retry* on a completed run reads its scan again, from `originals/`. If that fails, what was published stays.

**Cancelled**: the file was handed back to the inbox, or a person cancelled the run. The log says which.

A run loses `{NEEDS_ATTENTION}` when its scan leaves quarantine: a better scan of the same name was published, or \
somebody used `nambat retry` or `nambat dismiss`. A scan that crashed its reader too often has no tag: `nambat status` \
lists what lies in quarantine now.
"""

ABOUT_READ = f"""\
Reads one file that lies somewhere else than in the inbox, and publishes its text. *Run*, *Custom run*, and give its \
path: below the service's folder, or below one of those that the setting NAMBAT_READ_ROOTS names.

A scan of `originals/` is read again. Any other file stays where it is; a copy of it is read. Its text is published \
under the path that the file has below the service's folder; what lies elsewhere, below the name of its folder. \
The tags and states are those of *ingest*: `{NEEDS_ATTENTION}` is for a person.
"""

ABOUT_SWEEP = f"""\
Looks at the inbox on a schedule, so that nothing is lost which the watcher did not see. *Run*, *Quick run* looks at \
once. For each file that it takes, a run of *ingest* starts.

The tag `{NEEDS_ATTENTION}` says that something could not be done; the run's log says what.

Runs to come bear names that Prefect makes up, until they start.
"""


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
        return cast(UUID, create_progress_artifact(0.0, description=f"0 of {total} pages read"))
    return None


def show_progress(artifact: UUID | None, done: int, total: int) -> None:
    """Show how many pages are read.

    Args:
        artifact: what :func:`begin_progress` gave.
    """
    if artifact is not None:
        with best_effort():
            update_progress_artifact(artifact, done / total * 100, description=f"{done} of {total} pages read")


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


def about_others(outcome: Outcome) -> list[str]:
    """What became of other texts and scans of the same name, a sentence each."""
    lines = []
    kept = readable(outcome.kept[0]) if outcome.kept else ""
    if outcome.replaced:
        before = f"{outcome.replaced.title} of {outcome.replaced.published.astimezone():%Y-%m-%d %H:%M}"
        lines.append(f"replaces the text of {before}, kept as {kept}" if kept else f"replaces the text of {before}")
    elif kept:
        lines.append(f"what was published there before is kept as {kept}")
    if outcome.beside:
        name = readable(outcome.files[0].name) if outcome.files else ""
        lines.append(f"has nothing in common with what is published as {readable(outcome.beside)}, so it is {name}")
    if outcome.settled:
        where = ", ".join(map(readable, outcome.settled))
        lines.append(f"settles what lay in quarantine under this name, now {where}")
    return lines


def success_line(outcome: Outcome) -> str:
    """The outcome of a document in one line."""
    return "; ".join([_counts(outcome), *about_others(outcome)])


def _counts(outcome: Outcome) -> str:
    if outcome.copy_of:
        return f"The same bytes as {outcome.copy_of}, which was read before: its text was copied."
    always = (outcome.pages, "page"), (outcome.footnotes, "footnote"), (outcome.corrections, "correction")
    troubles = (
        (len(outcome.failed_pages), "unreadable page"),
        (len(outcome.damaged_pages), "damaged page"),
        (len(outcome.low_pages), "low-confidence page"),
        (len(outcome.warnings), "warning"),
    )
    counts = (*always, *(trouble for trouble in troubles if trouble[0]))
    return ", ".join(counted(number, thing) for number, thing in counts)


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
    return f"page {page}: " if page else ""


HEADINGS: dict[Kind, str] = {
    "fact": "Facts that are left open",
    "unsure fact": "Facts that were read with doubt",
    "page": "Pages that could not be read, or not well",
    "print": "Print that was not read",
    "number": "Doubtful numbers",
    "word": "The least sure words",
    "dropped": "Print that was left out as noise",
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
        lines += ["", f"**{HEADINGS[kind]}**" + (f" ({more} more are in the JSON)" if more > 0 else ""), ""]
        for check in found[:MOST_OF_A_KIND]:
            lines.append(f"- {page_shown(check.page)}{cell(check.why)}")
            lines += ["", f"  {passage_shown(check.passage)}", ""] if check.passage else []
            picture = base64.b64encode(check.picture).decode()
            if picture and len(picture) <= room:
                room -= len(picture)
                lines += ["", f"  ![the place on the page](data:image/png;base64,{picture})", ""]
    return lines


def success_report(outcome: Outcome, scan: Path | None) -> str:
    """The outcome of a document as Markdown: what to check first, then all else."""
    confidence = "–" if outcome.confidence is None else f"{outcome.confidence:.1f}"
    told = {f"{page_shown(check.page)}{check.why}" for check in outcome.checks}
    warnings = [warning for warning in outcome.warnings if warning not in told]
    lines = [
        f"# {cell(outcome.name)}",
        "",
        "| pages | words | footnotes | corrections | grades of pages | mean confidence | seconds |",
        "|---:|---:|---:|---:|---|---:|---:|",
        f"| {outcome.pages} | {outcome.words} | {outcome.footnotes} | {outcome.corrections} "
        f"| {grades(outcome)} | {confidence} | {outcome.seconds:.1f} |",
        *(["", f"The same bytes as {cell(outcome.copy_of)}: a copy of its text."] if outcome.copy_of else []),
        *(line for fact in about_others(outcome) for line in ("", f"{cell(fact[0].upper() + fact[1:])}.")),
        "",
        "## What to check first",
        "",
        *(checklist(outcome.checks) or ["Nothing: no fact is left open, and no word was read with doubt."]),
        *pages_to_check(outcome),
        *(["", "## Warnings", "", *(f"- {cell(warning)}" for warning in warnings[:50])] if warnings else []),
        *corrections_shown(outcome),
        *left_out_shown(outcome),
        "",
        "## Files",
        "",
        *(f"- {path_shown(path)}" for path in outcome.files),
        *([f"- {path_shown(scan)} (the scan)"] if scan else []),
    ]
    return "\n".join(lines) + "\n"


def pages_to_check(outcome: Outcome) -> list[str]:
    """Lines of Markdown about the pages that were not read well."""
    lines: list[str] = []
    if outcome.failed_pages:
        lines += ["", "**Pages that could not be read**", ""]
        lines += [f"- page {number}: {cell(why)}" for number, why in outcome.failed_pages]
    if outcome.damaged_pages:
        lines += ["", "**Pages of which a part is missing**", ""]
        lines += [f"- page {number}: {cell(why)}" for number, why in outcome.damaged_pages]
    if outcome.low_pages:
        lines += ["", "**Pages that were hard to read, with their mean confidence**", ""]
        lines += [f"- page {number}: {value:.1f}" for number, value in outcome.low_pages]
    if outcome.fair_pages:
        lines += ["", f"**Pages with some doubtful words**: {', '.join(map(str, outcome.fair_pages))}"]
    return lines


def corrections_shown(outcome: Outcome) -> list[str]:
    """Lines of Markdown with corrections in their sentences."""
    if not outcome.changes:
        return []
    shown = len(outcome.changes)
    which = f"the {shown} least sure ones of {outcome.corrections}" if shown < outcome.corrections else "all"
    changes = [
        f"- {page_shown(one.page)}“{cell(one.before)}” was read, now: {passage_shown(one.after)}"
        for one in outcome.changes
    ]
    return ["", f"## Corrections ({which})", "", *changes]


def left_out_shown(outcome: Outcome) -> list[str]:
    """Lines of Markdown with what is not in the published text."""
    if not outcome.left_out:
        return []
    shown, of = len(outcome.left_out), outcome.left_out_in_all
    head = f"## Left out of the text ({f'the first {shown} of {of}' if shown < of else 'all'})"
    rows = [f"| {page or ''} | {cell(text[:LONGEST_LEFT_OUT])} | {why} |" for page, text, why in outcome.left_out]
    return ["", head, "", "| page | text | reason |", "|---:|---|---|", *rows]


LONGEST_LEFT_OUT = 200
"""Characters that are shown of a text that was left out."""


def report_success(outcome: Outcome, scan: Path | None) -> None:
    """Show the outcome in the UI."""
    with best_effort():
        tag_run(tags_of(outcome))
        create_markdown_artifact(
            success_report(outcome, scan),
            key=artifact_key(outcome.name),
            description=f"Published: {cell(outcome.name)}",
        )


def failure_report(name: str, fault: Fault, place: Path | None) -> str:
    """Why a document failed, where it lies and what can be done, as Markdown."""
    lines = [f"# {cell(name)}", "", cell(fault.vietnamese), "", cell(str(fault))]
    if place:
        lines += ["", "**The scan lies in quarantine**", "", path_shown(place), ""]
        lines += [
            "Drop a better scan of the same name into the inbox. Or mend it in quarantine, then press *Retry* on its "
            "run or use `nambat retry`."
        ]
    if fault.detail:
        lines += ["", "**Technical detail**", "", *code_block(fault.detail)]
    return "\n".join(lines) + "\n"


def report_failure(name: str, fault: Fault, place: Path | None) -> None:
    """Show in the UI why a document failed and where it lies."""
    with best_effort():
        tag_run([NEEDS_ATTENTION, QUARANTINED] if place else [NEEDS_ATTENTION])
        create_markdown_artifact(
            failure_report(name, fault, place), key=artifact_key(name), description=f"Failed: {cell(name)}"
        )


def unpacked_report(name: str, unpacking: Unpacking, archive: Path | None) -> str:
    """What was in an archive, as Markdown."""
    kept = [f"- {cell(str(scan.name))}" for scan in unpacking.scans if not scan.fault]
    bad = [f"- {cell(str(scan.name))}: {cell(str(scan.fault))}" for scan in unpacking.scans if scan.fault]
    lines = [f"# {cell(name)}", "", "**Scans that went into the inbox**", "", *(kept or ["none"])]
    lines += ["", "**Went to quarantine**", "", *bad] if bad else []
    if unpacking.others:
        lines += ["", "**No scans: left in the archive**", "", *(f"- {cell(other)}" for other in unpacking.others)]
    return "\n".join([*lines, *(["", f"The archive: {path_shown(archive)}"] if archive else [])]) + "\n"


def report_unpacked(name: str, unpacking: Unpacking, archive: Path | None) -> None:
    """Show in the UI what was in an archive."""
    bad = any(scan.fault for scan in unpacking.scans)
    with best_effort():
        tag_run([*([NEEDS_ATTENTION, QUARANTINED] if bad else []), *([WARNINGS] if unpacking.others else [])])
        create_markdown_artifact(
            unpacked_report(name, unpacking, archive),
            key=artifact_key(name),
            description=f"Unpacked: {cell(name)}",
        )


def sweep_line(swept: Swept) -> str:
    """A sweep in one line."""
    counts = (
        f"{len(swept.taken)} taken, {swept.waiting} still arriving, {len(swept.returned)} handed back, "
        f"{len(swept.quarantined)} to quarantine"
    )
    return f"{counts}; {counted(len(swept.troubles), 'trouble')}: see the logs" if swept.troubles else counts


def sweep_rows(swept: Swept) -> list[dict[str, str]]:
    """The table of what a sweep moved; the UI shows its cells as Markdown."""
    moved = [("taken", swept.taken), ("handed back", swept.returned), ("to quarantine", swept.quarantined)]
    return [{"file": cell(name), "what": what} for what, names in moved for name in names[:200]]


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
    rows = [
        {DOCUMENT: broken(name), LOOK: broken(f"in quarantine: {why}"), REPORT: "", TIME: "", PAGES: ""}
        for name, why in seen.quarantined
    ]
    for note in seen.to_look_at:
        looks = [*note.looks, *([f"and {note.more} more"] if note.more else [])]
        rows.append(
            {
                DOCUMENT: broken(note.name),
                LOOK: "<br>".join(map(broken, looks)),
                REPORT: f"[open](/runs/flow-run/{note.run}?tab=Artifacts)" if note.run else "",
                TIME: f"{datetime.fromtimestamp(note.at, seen.date.tzinfo):%H:%M}",
                PAGES: f"{note.pages} ({note.grades})",
            }
        )
    return rows


def day_line(seen: Day) -> str:
    """What the table of the day is about, in one line."""
    need = len(seen.to_look_at)
    return (
        f"{seen.date:%Y-%m-%d}, {seen.date:%H:%M}: {counted(len(seen.notes), 'document')} published today, "
        f"{need} of them {'needs' if need == 1 else 'need'} a look; "
        f"{counted(len(seen.quarantined), 'file')} in quarantine"
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
        line = day_line(seen) + (f". The first {MOST_ROWS} are shown" if more > 0 else "")
        home = read_service(store.folders).get("home", "")
        create_table_artifact(rows[:MOST_ROWS] or [NO_ROW], key=name_on_server(DAY_KEY, home), description=line)
        day.mark_shown(store.folders, state)


DOCUMENT, LOOK, REPORT, TIME, PAGES = "document", "what needs a look", "run", "time", "pages"
NO_ROW = {DOCUMENT: "–", LOOK: "nothing", REPORT: "", TIME: "", PAGES: ""}


def counted(number: int, thing: str) -> str:
    """A number of things in words: ``1 page``, ``2 pages``."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
