"""What a terminal shows: the progress bar and the tables."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table
from rich.text import Text

from flows.host.names import readable
from flows.language import _, ngettext, told
from flows.pipeline.engine import Event, Failed, Opened, PageDone, Published
from flows.pipeline.outcome import Outcome, grades
from flows.retold import retold


@contextlib.contextmanager
def progress_bar(documents: int) -> Iterator[Callable[[Event[Any]], None]]:
    """A progress bar on standard error for the events of a conversion."""
    with Progress(
        SpinnerColumn(),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(_("pages, {task.fields[published]} of {task.fields[documents]} documents published")),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    ) as bar:
        task = bar.add_task("", total=None, published=0, documents=documents)
        pages = published = 0

        def tell(event: Event[Any]) -> None:
            nonlocal pages, published
            match event:
                case Opened():
                    pages += event.pages
                    bar.update(task, total=pages)
                case PageDone():
                    bar.advance(task)
                case Published():
                    published += 1
                    bar.update(task, published=published)
                case Failed():
                    bar.console.print(Text(f"{readable(event.wanted.name)}: {told(event.fault)}", style="red"))

        yield tell


def number(value: float | None, form: str = ".1f") -> str:
    """``value`` in ``form``, or a dash where there is none."""
    return "–" if value is None else format(value, form)


def summary_table(outcomes: Sequence[Outcome]) -> None:
    """What was published, on standard output."""
    table = Table(
        title=_("Published"), title_justify="left", box=box.SIMPLE_HEAD, collapse_padding=True, pad_edge=False
    )
    table.add_column(_("document"), overflow="fold")
    for head in (_("pages"), _("footnotes"), _("corrections"), _("grades"), _("confidence"), _("seconds")):
        table.add_column(head, justify="right")
    for one in outcomes:
        failed = len(one.failed_pages)
        table.add_row(
            Text(one.name),
            str(one.pages) + (_(" ({count} unreadable)").format(count=failed) if failed else ""),
            str(one.footnotes),
            str(one.corrections),
            grades(one),
            number(one.confidence),
            number(one.seconds),
        )
    Console().print(table)
    for one in outcomes:
        for warning in one.warnings[:5]:
            Console().print(Text(f"  {one.name}: {retold(warning)}", style="yellow"))
        if len(one.warnings) > 5:
            more = len(one.warnings) - 5
            said = ngettext("{count} more warning in its JSON", "{count} more warnings in its JSON", more)
            Console().print(Text(f"  {one.name}: {said.format(count=more)}", style="yellow"))


def plain_table(title: str, heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Any small table on standard output."""
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    for head in heads:
        table.add_column(head, overflow="fold")
    for row in rows:
        table.add_row(*(Text(str(cell)) for cell in row))
    Console().print(table)
