"""What people are told of batch runs, in the UI and on a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from prefect.artifacts import create_markdown_artifact

from flows.batch.again import Chosen
from flows.batch.plan import Batch
from flows.batch.told import ENDS, chosen_line, counts_line, missing_line, planned_line, reading_line, reason
from flows.batch.under_way import Summary, summary_of
from flows.batch.work import PartDone
from flows.language import N_, _, counted
from flows.review.readings import Reading
from flows.service.reports import NEEDS_ATTENTION, best_effort, cell, tag_run

ABOUT_BATCH = N_("""\
Lists a folder of scans, or the inbox of a bucket, in parts of some hundred pages. *Run*, *Custom run*, and name the \
source: a folder below the service's, or below one of those that the setting NAMBAT_READ_ROOTS names. The parts get \
runs of *batch_part* by themselves, a few at a time.
""")

ABOUT_PART = N_("""\
Reads the documents of one part of a batch. There is nothing to start by hand here.

**Completed**: all its documents have come to an end. The report under *Artifacts* names those that were not \
published, with reasons, and those with pages to look at. **Failed**: some are left, and a later run goes on with \
them. While scans wait in the inbox a batch reads one page at a time.

What became of each document is a line in `logs/nambat.log`.
""")

ABOUT_REPROCESS = N_("""\
Has scans read again whose texts are published already, such as after an upgrade. *Run*, *Custom run*, and say which: \
those of a condition, those that an earlier version read, or both. With *dry_run* it only lists them. The parts get \
runs of *batch_part* by themselves, and give way to the inbox.

What people have changed is changed again in the new text. What cannot be read this time stays as it is published.
""")

MOST_SHOWN = 200
"""Documents that a report names of each kind; the log names all."""


def batch_report(batch: Batch, whole: Summary) -> str:
    """What a batch has come to, as Markdown: counts, what failed and why, what to look at."""
    pages = counted("{count} page", "{count} pages", whole.pages)
    lines = [
        f"# {cell(batch.source.shown)}",
        "",
        _("Batch {batch}: {documents}, {pages}").format(batch=batch.id, documents=planned_line(batch), pages=pages),
        "",
        *table(whole.counts),
    ]
    if batch.left:
        said = counted("{count} file is no scan", "{count} files are no scans", batch.left)
        lines += ["", _("Left alone: {files}").format(files=said)]
    closed = [f"- {cell(one)}" for one in batch.closed[:MOST_SHOWN]]
    lines += _listed(_("## Could not be looked into"), closed, len(batch.closed) - MOST_SHOWN)
    return "\n".join([*lines, *_told_of(whole)]) + "\n"


def part_report(batch: Batch, done: PartDone) -> str:
    """What one part of a batch has come to, as Markdown, where the whole is not summed up."""
    came_to = summary_of(done.documents, len(done.documents) + done.unseen)
    head = [f"# {cell(batch.source.shown)}", "", _("Batch {batch}, part {part}").format(batch=batch.id, part=done.part)]
    return "\n".join([*head, "", *table(came_to.counts), *_told_of(came_to)]) + "\n"


def _told_of(whole: Summary) -> list[str]:
    """Lines about what was not published, and about what a person should look at."""
    failed = [
        line
        for why, several in groupby(whole.failed[:MOST_SHOWN], key=reason)
        for line in (f"- {cell(why)}", *(f"    - {cell(one.name)}" for one in several))
    ]
    lines = _listed(_("## Not published, and why"), failed, len(whole.failed) - MOST_SHOWN)
    looks = [f"- {cell(one.name)}: {pages_shown(one.to_check)}" for one in whole.to_check[:MOST_SHOWN]]
    return lines + _listed(_("## Pages to look at"), looks, len(whole.to_check) - MOST_SHOWN)


def table(counts: dict[str, int]) -> list[str]:
    """Counts of documents as a table of Markdown."""
    heads = [ENDS[end]() for end in counts]
    return [f"| {' | '.join(heads)} |", "|" + "---:|" * len(heads), f"| {' | '.join(map(str, counts.values()))} |"]


def _listed(head: str, lines: Sequence[str], more: int = 0) -> list[str]:
    if not lines:
        return []
    rest = [_("- and {count} more, which the log names").format(count=more)] if more > 0 else []
    return ["", head, "", *lines, *rest]


def pages_shown(numbers: Sequence[int]) -> str:
    """Numbers of pages: ``1, 4, 5 ...``."""
    return ", ".join(map(str, numbers[:10])) + (" ..." if len(numbers) > 10 else "")


def report_planned(batch: Batch) -> None:
    """Show in the UI what a batch holds."""
    waiting = Summary(batch.documents, batch.pages, {"waiting": batch.documents})
    with best_effort():
        described = _("Planned: {name}").format(name=cell(batch.source.shown))
        create_markdown_artifact(batch_report(batch, waiting), key=f"batch-{batch.id}", description=described)


def chosen_report(chosen: Chosen, planned: Batch | None, missing: Sequence[Reading], jobs: int) -> str:
    """What is to be read again, as Markdown."""
    lines = [_("# To be read again"), "", chosen_line(chosen, jobs)]
    if planned is not None:
        lines += ["", _("Batch {batch}: {documents}").format(batch=planned.id, documents=planned_line(planned))]
    without = [f"- {cell(missing_line(one))}" for one in missing[:MOST_SHOWN]]
    lines += _listed(_("## Not to be read again"), without, len(missing) - MOST_SHOWN)
    shown = [f"- {cell(reading_line(one))}" for one in chosen.readings[:MOST_SHOWN]]
    return "\n".join([*lines, *_listed(_("## Documents"), shown, len(chosen.readings) - MOST_SHOWN)]) + "\n"


def report_chosen(chosen: Chosen, jobs: int, planned: Batch | None = None, missing: Sequence[Reading] = ()) -> None:
    """Show in the UI what is to be read again.

    Args:
        planned: the batch that it is; ``None`` if it was only asked.
        missing: what cannot be read again.
    """
    with best_effort():
        if missing:
            tag_run([NEEDS_ATTENTION])
        key = f"batch-{planned.id}" if planned is not None else None
        create_markdown_artifact(chosen_report(chosen, planned, missing, jobs), key=key)


def report_part(batch: Batch, done: PartDone, whole: Summary | None) -> None:
    """Show in the UI what the batch has come to, after one of its parts.

    Args:
        whole: ``None`` if that was not summed up; then what the part has come to is shown.
    """
    with best_effort():
        if done.left or any(one.end in ("quarantined", "kept") or one.to_check for one in done.documents):
            tag_run([NEEDS_ATTENTION])
        if whole is None:
            create_markdown_artifact(part_report(batch, done))  # of its run; without a key it is listed nowhere else
            return
        described = f"{cell(batch.source.shown)}: {counts_line(whole.counts)}"
        create_markdown_artifact(batch_report(batch, whole), key=f"batch-{batch.id}", description=described)
