"""The command line ``nambat``.

Start-up is part of the product: this module imports click and nothing heavy; each command imports what it
needs.
Exit status: 0 all published, 1 something failed, 2 wrong usage, 3 a program or language file is missing,
130 stopped by Ctrl-C.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from flows.convert import Event
    from flows.stages import Outcome
    from ocr.faults import Fault

FAILED = 1
USAGE = 2
MISSING = 3
STOPPED = 130


def complain(message: str) -> None:
    """One line on standard error."""
    click.echo(f"nambat: {message}", err=True)


def complain_of(name: str, fault: Fault, verbose: bool) -> None:
    """Why ``name`` failed: one line, and the technical detail below it if asked for."""
    complain(f"{name}: {fault}")
    if verbose and fault.detail:
        click.echo("\n".join(f"    {line}" for line in fault.detail.splitlines()), err=True)


class InOrder(click.Group):
    """Lists its commands in the order a user meets them, not by alphabet."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)


@click.group(cls=InOrder, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="nambat", message="%(prog)s %(version)s")
@click.option("-v", "--verbose", is_flag=True, help="Show technical detail of what fails.")
@click.pass_context
def nambat(context: click.Context, verbose: bool) -> None:
    """Scanned Vietnamese administrative documents to clean text."""
    context.obj = verbose


def verbose_option(command: Any) -> Any:
    """``-v`` after the command too, where people write it."""

    def remember(context: click.Context, _: click.Parameter, value: bool) -> None:
        context.obj = bool(context.obj) or value

    return click.option(
        *("-v", "--verbose"),
        is_flag=True,
        expose_value=False,
        callback=remember,
        help="Show technical detail of what fails.",
    )(command)


def publishing_options(command: Any) -> Any:
    """The options that ``convert`` and ``normalize`` share."""
    for option in (
        click.option("--summary/--no-summary", default=None, help="End with a table. [on a terminal]"),
        click.option(
            "--format", "formats", metavar="txt,json,md", help="Files to write; json always is. [txt,json]"
        ),
        click.option(
            "--footnotes",
            type=click.Choice(["paragraph", "inline", "end"]),
            help="Where a note stands: after its paragraph, inline, or at the end. [paragraph]",
        ),
        click.option(
            "--repair", type=click.Choice(["off", "safe", "full"]), help="How far marks are repaired. [safe]"
        ),
        click.option(
            *("-o", "--out"),
            type=click.Path(path_type=Path, file_okay=False),
            required=True,
            help="Folder to publish into.",
        ),
    ):
        command = option(command)
    return verbose_option(command)


@nambat.command()
@click.argument("inputs", nargs=-1, required=True, type=click.Path(path_type=Path))
@publishing_options
@click.option("-j", "--jobs", type=click.IntRange(min=1), help="Pages read side by side. [all cores]")
@click.option("--dpi", type=click.IntRange(72, 1200), help="Resolution at which pages are read. [300]")
@click.pass_context
def convert(
    context: click.Context,
    inputs: tuple[Path, ...],
    out: Path,
    jobs: int | None,
    dpi: int | None,
    repair: str | None,
    footnotes: str | None,
    formats: str | None,
    summary: bool | None,
) -> None:
    """Read scans (PDF, TIFF, PNG, JPEG; folders are searched) and write clean text. Needs no server."""
    from flows.convert import Failed, Published, find_inputs, plan, scratch
    from flows.convert import convert as events
    from flows.settings import load

    settings = load(jobs=jobs, dpi=dpi, repair=repair, footnotes=footnotes, formats=formats)
    require_tools()
    files, complaints = find_inputs(inputs)
    for complaint in complaints:
        complain(complaint)
    if not files:
        context.exit(USAGE)
    outcomes: list[Outcome] = []
    failed = len(complaints)
    with scratch(out) as work, progress(len(files)) as tell:
        for event in events(plan(files, out, settings.formats), settings, work):
            tell(event)
            if isinstance(event, Published):
                outcomes.append(event.outcome)
                for number, why in event.outcome.failed_pages:
                    complain(f"{event.wanted.name}: page {number} is marked as unreadable: {why}")
            elif isinstance(event, Failed):
                failed += 1
                complain_of(event.wanted.name, event.fault, context.obj)
    sum_up(outcomes, summary)
    context.exit(FAILED if failed else 0)


@nambat.command()
@click.argument("inputs", nargs=-1, required=True, type=click.Path(path_type=Path))
@publishing_options
@click.pass_context
def normalize(
    context: click.Context,
    inputs: tuple[Path, ...],
    out: Path,
    repair: str | None,
    footnotes: str | None,
    formats: str | None,
    summary: bool | None,
) -> None:
    """Clean up text that another OCR engine produced (.txt or .md; folders are searched)."""
    from flows.convert import find_inputs, plan, scratch
    from flows.publish import TEXT_SUFFIXES
    from flows.settings import load
    from flows.stages import as_fault, normalize_text

    settings = load(repair=repair, footnotes=footnotes, formats=formats)
    files, complaints = find_inputs(inputs, TEXT_SUFFIXES)
    for complaint in complaints:
        complain(complaint)
    if not files:
        context.exit(USAGE)
    wanted = plan(files, out, settings.formats, plain=".txt", family=TEXT_SUFFIXES)
    given = {path.resolve() for path, _ in files}
    if any(target.resolve() in given for one in wanted for target in one.targets.values()):
        raise click.UsageError("--out would overwrite an input; choose another folder.")
    outcomes: list[Outcome] = []
    failed = len(complaints)
    with scratch(out) as work:
        for one in wanted:
            try:
                outcomes.append(normalize_text(one.path, one.name, one.targets, settings, work))
            except Exception as fault:
                failed += 1
                complain_of(one.name, as_fault(fault), context.obj)
    sum_up(outcomes, summary)
    context.exit(FAILED if failed else 0)


@nambat.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.pass_context
def explain(context: click.Context, file: Path) -> None:
    """Every correction in a published JSON file: what it was, what it became, and on what evidence."""
    import json

    from flows.show import plain_table

    try:
        data = json.loads(file.read_text("utf-8"))
        rows = [
            (
                one["page"] or "",
                one["before"],
                one["after"],
                one["kind"],
                f"{one['probability']:.2f}",
                one["evidence"],
            )
            for one in data["corrections"]
        ]
    except OSError as fault:
        complain(f"{file}: {fault.strerror}; check the path.")
        context.exit(USAGE)
    except (ValueError, KeyError, TypeError):
        complain(f"{file}: not a JSON file that nambat published; give the .json beside the .txt.")
        context.exit(USAGE)
    if rows:
        plain_table(str(file.name), ("page", "before", "after", "kind", "probability", "evidence"), rows)
    else:
        click.echo(f"{file.name}: no corrections.")


@nambat.command("settings")
def show_settings() -> None:
    """Every setting with its environment variable, its default and its meaning."""
    from flows.settings import table
    from flows.show import plain_table

    plain_table("Settings", ("environment variable", "default", "meaning"), table())


def sum_up(outcomes: list[Outcome], wanted: bool | None) -> None:
    """The closing table: if asked for, or by default on a terminal."""
    if wanted or (wanted is None and sys.stdout.isatty()):
        from flows.show import summary_table

        summary_table(outcomes)


@contextlib.contextmanager
def progress(documents: int) -> Iterator[Callable[[Event], None]]:
    """A progress bar if a person is watching, else nothing."""
    if sys.stderr.isatty():
        from flows.show import progress_bar

        with progress_bar(documents) as tell:
            yield tell
    else:
        yield lambda event: None


def missing_tools() -> list[str]:
    """What is not installed of Tesseract, its Vietnamese data and poppler: one sentence each."""
    import shutil

    missing = []
    if shutil.which("tesseract") is None:
        missing.append(
            "Tesseract is not installed; install it with: apt-get install tesseract-ocr tesseract-ocr-vie"
        )
    else:
        listed = subprocess.run(["tesseract", "--list-langs"], capture_output=True, text=True, timeout=60)
        if "vie" not in (listed.stdout + listed.stderr).split():
            missing.append(
                "Tesseract has no Vietnamese data (vie); install it with: apt-get install tesseract-ocr-vie "
                "(or set TESSDATA_PREFIX to the folder that holds vie.traineddata)"
            )
    if shutil.which("pdftoppm") is None or shutil.which("pdfinfo") is None:
        missing.append("poppler is not installed; install it with: apt-get install poppler-utils")
    return missing


def require_tools() -> None:
    """Exit with status 3 if a needed program or language file is missing."""
    missing = missing_tools()
    for sentence in missing:
        complain(sentence)
    if missing:
        raise SystemExit(MISSING)


def main() -> None:
    """The entry point: turns whatever happens into one clear line and an exit status."""
    from flows.settings import BadSetting

    # SIGTERM then unwinds like Ctrl-C: children are ended and scratch files removed.
    signal.signal(signal.SIGTERM, _terminate)
    verbose = any(argument in ("-v", "--verbose") for argument in sys.argv[1:])
    try:
        status = nambat.main(prog_name="nambat", standalone_mode=False)
    except click.exceptions.Abort:
        status = STOPPED
    except click.ClickException as fault:
        fault.show()
        status = fault.exit_code
    except BadSetting as fault:
        complain(str(fault))
        status = USAGE
    except KeyboardInterrupt:
        complain("stopped.")
        status = STOPPED
    except BrokenPipeError:
        # The reader of a pipe has gone (`| head`); not an error of ours. Keep Python from complaining at
        # exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = FAILED
    except Exception as fault:
        from flows.stages import as_fault
        from ocr.faults import ToolMissing

        complain(
            str(as_fault(fault)) if isinstance(fault, OSError) or hasattr(fault, "permanent") else _bug(fault)
        )
        if verbose:
            traceback.print_exception(fault)
        status = MISSING if isinstance(fault, ToolMissing) else FAILED
    sys.exit(status if isinstance(status, int) else 0)


def _bug(fault: Exception) -> str:
    what = f"{type(fault).__name__}: {fault}"
    return f"an error in nambat itself ({what}); run it again with -v and report what it says."


def _terminate(*_: object) -> None:
    raise SystemExit(128 + signal.SIGTERM)


if __name__ == "__main__":
    main()
