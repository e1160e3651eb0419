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
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from flows.convert import Event
    from flows.pipeline.outcome import Outcome
    from flows.settings import Settings
    from ocr.faults import Fault

FAILED = 1
USAGE = 2
MISSING = 3
STOPPED = 130

INPUT = click.Path(path_type=Path, readable=False)
"""A scan or text. One that cannot be read is told of when its turn comes: it must not keep the others."""


def complain(message: str) -> None:
    """One line on standard error."""
    click.echo(f"nambat: {message}", err=True)


def complain_of(name: str, fault: Fault, verbose: bool) -> None:
    """Why ``name`` failed: one line, and the technical detail below it if asked for."""
    complain(f"{name}: {fault}")
    if verbose and fault.detail:
        click.echo("\n".join(f"    {line}" for line in fault.detail.splitlines()), err=True)


def tell_kept(name: str, outcome: Outcome) -> None:
    """Where the text lies now that was published before: another scan's, or mended by hand."""
    from flows.host.names import readable

    if outcome.kept:
        places = ", ".join(readable(path) for path in outcome.kept)
        complain(f"{name}: what was published there before, and is not the same, is kept: {places}")


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
        click.option("--format", "formats", metavar="txt,json,md", help="Files to write; json always is. [txt,json]"),
        click.option(
            "--footnotes",
            type=click.Choice(["paragraph", "inline", "end"]),
            help="Where a note stands: after its paragraph, inline, or at the end. [paragraph]",
        ),
        click.option(
            "--split",
            type=click.Choice(["off", "separator", "letterhead"]),
            help="Publish each document of a bundle by itself: at separator sheets, or at letterheads too. [off]",
        ),
        click.option("--repair", type=click.Choice(["off", "safe", "full"]), help="How far marks are repaired. [safe]"),
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
@click.argument("inputs", nargs=-1, required=True, type=INPUT)
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
    split: str | None,
    summary: bool | None,
) -> None:
    """Read scans (PDF, TIFF, PNG, JPEG; folders are searched) and write clean text. Needs no server.

    An input that is missing or cannot be read gets a line; the rest is published all the same, and the exit status is
    1 (2 if no input exists).
    """
    from flows.convert import Failed, Published, plan, scratch
    from flows.convert import convert as events
    from flows.pipeline.archives import open_archives

    settings = read_settings(jobs=jobs, dpi=dpi, repair=repair, footnotes=footnotes, formats=formats, split=split)
    require_tools()
    files, failed = usable_inputs(context, inputs)
    outcomes: list[Outcome] = []
    with contextlib.ExitStack() as stack:
        work = stack.enter_context(scratch(out))
        opened = open_archives(files, work, settings.max_bytes)
        failed += len(opened.failed)
        for name, fault in opened.failed:
            complain_of(name, fault, context.obj)
        for name, line in opened.others:
            complain(f"{name}: left in the archive: {line}")
        wanted = plan(opened.files, out, settings.formats, split=settings.split != "off")
        wanted = [replace(one, path=opened.places.get(one.path, one.path)) for one in wanted]
        tell = stack.enter_context(progress(len(wanted)))
        for event in events(wanted, settings, work):
            tell(event)
            if isinstance(event, Published):
                outcomes.append(event.outcome)
                tell_kept(event.wanted.name, event.outcome)
                for number, why in event.outcome.failed_pages:
                    complain(f"{event.wanted.name}: page {number} is marked as unreadable: {why}")
                for number, why in event.outcome.damaged_pages:
                    complain(f"{event.wanted.name}: page {number} is not whole: {why}")
            elif isinstance(event, Failed):
                failed += 1
                complain_of(event.wanted.name, event.fault, context.obj)
    sum_up(outcomes, summary)
    context.exit(FAILED if failed else 0)


@nambat.command()
@click.argument("inputs", nargs=-1, required=True, type=INPUT)
@publishing_options
@click.pass_context
def normalize(
    context: click.Context,
    inputs: tuple[Path, ...],
    out: Path,
    repair: str | None,
    footnotes: str | None,
    formats: str | None,
    split: str | None,
    summary: bool | None,
) -> None:
    """Clean up text that another OCR engine produced (.txt or .md; folders are searched)."""
    from flows.convert import normalized, plan, scratch
    from flows.pipeline.faults import as_fault
    from flows.pipeline.parts import may_replace
    from flows.pipeline.publish import TEXT_SUFFIXES
    from flows.pipeline.workers import WorkerPool

    settings = read_settings(repair=repair, footnotes=footnotes, formats=formats, split=split)
    files, failed = usable_inputs(context, inputs, TEXT_SUFFIXES)
    wanted = plan(files, out, settings.formats, ".txt", TEXT_SUFFIXES, settings.split != "off")
    given = {path.resolve() for path, _ in files}
    targets = [{form: target.resolve() for form, target in one.targets.items()} for one in wanted]
    if any(given & set(one.values()) or any(may_replace(one, path) for path in given) for one in targets):
        raise click.UsageError("--out would overwrite an input; choose another folder.")
    outcomes: list[Outcome] = []
    with scratch(out) as work, WorkerPool(1, memory=settings.worker_memory, scratch=settings.worker_scratch) as pool:
        for one in wanted:
            try:
                outcome = normalized(one, settings, work, pool)
                outcomes.append(outcome)
                tell_kept(one.name, outcome)
            except Exception as fault:
                failed += 1
                complain_of(one.name, as_fault(fault), context.obj)
    sum_up(outcomes, summary)
    context.exit(FAILED if failed else 0)


@nambat.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.pass_context
def explain(context: click.Context, file: Path) -> None:
    """Every correction in a published JSON file, why it was made, and the numbers that two readers read unlike."""
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
        doubts = [
            (one["page"] or "", one["text"], one["second"], f"{one['confidence']:.0f}")
            for one in data.get("doubts", [])
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
    if doubts:
        plain_table("Numbers to compare with the page", ("page", "published", "read again", "confidence"), doubts)


@nambat.command()
@click.option(
    *("-o", "--out"),
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("nambat-separator.pdf"),
    help="File to write. [nambat-separator.pdf]",
)
@click.pass_context
def separator(context: click.Context, out: Path) -> None:
    """Write the sheet to print and put between two documents that are scanned in one go; see --split."""
    from flows.pipeline.separator_sheet import sheet

    try:
        with out.open("xb") as file:
            file.write(sheet())
    except OSError as fault:
        complain(f"{out}: {fault.strerror}; name another file with --out.")
        context.exit(FAILED)
    click.echo(f"{out}: print it on white A4 paper.")


@nambat.command("settings")
def show_settings() -> None:
    """Every setting with its environment variable, its default and its meaning."""
    from flows.settings import table
    from flows.show import plain_table

    plain_table("Settings", ("environment variable", "default", "meaning"), table())


@nambat.command()
@click.option("--home", type=click.Path(path_type=Path), help="The service's folders. [NAMBAT_HOME or ./nambat-data]")
@click.option("--host", help="Address the Prefect server listens on. [127.0.0.1]")
@click.option("--port", type=click.IntRange(1, 65535), help="Port of the Prefect server and its UI. [4200]")
@click.option("-j", "--jobs", type=click.IntRange(min=1), help="Pages read side by side. [all cores]")
@verbose_option
@click.pass_context
def serve(context: click.Context, home: Path | None, host: str | None, port: int | None, jobs: int | None) -> None:
    """Watch the inbox and read what is dropped there, until stopped. See `nambat settings` for the rest."""
    from flows.faults import ShareAway
    from flows.serve import AlreadyServed
    from flows.serve import serve as run
    from flows.service.prefect_server import ServerTrouble, password_trouble

    # The runs are processes of their own and read their settings from the environment.
    for name, value in (("HOME", home), ("HOST", host), ("PORT", port), ("JOBS", jobs)):
        if value is not None:
            os.environ[f"NAMBAT_{name}"] = str(value)
    settings = read_settings()
    require_tools()
    trouble = None if os.environ.get("PREFECT_API_URL") else password_trouble(settings.host, settings.no_password)
    if trouble:
        complain(trouble)
        context.exit(USAGE)
    try:
        run(settings, click.echo if sys.stdout.isatty() else None)
    except (AlreadyServed, ShareAway, ServerTrouble) as fault:
        complain(str(fault))
        context.exit(FAILED)


@nambat.command()
@click.argument("inputs", nargs=-1, required=True, type=INPUT)
@click.option("-o", "--out", type=click.Path(path_type=Path, file_okay=False), help="Folder to publish into.")
@verbose_option
@click.pass_context
def ingest(context: click.Context, inputs: tuple[Path, ...], out: Path | None) -> None:
    """Run the Prefect flow over scans, which stay where they are. The runs are kept for the UI of `nambat serve`."""
    from flows.pipeline.publish import name_for, target_stems
    from flows.serve import ingest_now
    from flows.service.prefect_server import ServerTrouble

    settings = read_settings(published=out)
    require_tools()
    files, failed = usable_inputs(context, inputs)
    stems = target_stems(files)
    named = [(path, name_for(stem, path)) for (path, _), stem in zip(files, stems, strict=True)]
    outcomes: list[Outcome] = []

    def tell(name: str, outcome: Outcome | None, message: str) -> None:
        nonlocal failed
        if outcome is None:
            failed += 1
            complain(f"{name}: {message}")
        else:
            outcomes.append(outcome)
            tell_kept(name, outcome)
            if sys.stderr.isatty():
                click.echo(f"{name}: {message}", err=True)

    if sys.stderr.isatty():
        click.echo("Starting Prefect ...", err=True)
    try:
        ingest_now(named, settings, tell)
    except ServerTrouble as fault:
        complain(str(fault))
        failed += 1
    sum_up(outcomes, True)
    context.exit(FAILED if failed else 0)


@nambat.command()
def status() -> None:
    """What lies in which folder of the service, and why."""
    from flows.host import heartbeat
    from flows.host.names import readable
    from flows.intake import status
    from flows.intake.claims import ClaimStore
    from flows.service.health import look
    from flows.service.record import read_service
    from flows.show import plain_table

    store = ClaimStore(read_settings())
    health = look(store)
    folders = store.folders
    service = read_service(folders)
    running = heartbeat.pid_of(folders, service.get("owner", "")) is not None
    click.echo(
        f"{folders.home}: " + (f"served, UI at {service['api'].removesuffix('/api')}" if running else "not served")
    )
    if running:
        for trouble in health.troubles:
            click.echo(f"BAD  {trouble.what}: {trouble.found}")
    counts, held = status.status(store, health.hindrance)
    click.echo("  ".join(f"{name} {count}" for name, count in counts.items()))
    if held:
        rows = [(one.where, readable(one.name), readable(one.why)) for one in held[:100]]
        plain_table("Not done", ("where", "file", "why"), rows)
        if len(held) > 100:
            click.echo(f"and {len(held) - 100} more")


@nambat.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option("--all", "everything", is_flag=True, help="All files in quarantine.")
@click.pass_context
def retry(context: click.Context, files: tuple[Path, ...], everything: bool) -> None:
    """Put quarantined files back into the inbox. FILES are names as `nambat status` shows them."""
    from flows.host.heartbeat import identity
    from flows.host.mounts import missing_mount
    from flows.host.moves import Gone
    from flows.host.names import readable
    from flows.intake import quarantine
    from flows.intake.claims import ClaimStore

    if bool(files) == everything:
        raise click.UsageError("name the files to put back, or give --all; `nambat status` lists them.")
    store = ClaimStore(read_settings())
    folders = store.folders
    if away := missing_mount(folders):
        complain(str(away))
        context.exit(FAILED)
    wanted = [path for path, _ in quarantine.quarantined_files(store)] if everything else []
    wanted += [path if path.is_absolute() else folders.quarantine / path for path in files]
    failed = 0
    for path in wanted:
        try:
            place = quarantine.retry(store, Path(os.path.normpath(path)), identity())
            click.echo(f"{readable(path.name)} lies in the inbox again: {readable(place)}")
        except Gone as fault:
            failed += 1
            complain(f"{fault}; `nambat status` lists what is.")
        except OSError as fault:
            failed += 1
            complain(f"{readable(path.name)} cannot be moved: {fault.strerror}")
    context.exit(FAILED if failed else 0)


@nambat.command()
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_context
def health(context: click.Context, as_json: bool) -> None:
    """Whether the running service is well: exit status 0 if it is, 1 if not."""
    import json

    from flows.intake.claims import ClaimStore
    from flows.service.health import look

    found = look(ClaimStore(read_settings()))
    if as_json:
        click.echo(json.dumps(found.as_record(), ensure_ascii=False, indent=1))
    else:
        for check in found.checks:
            click.echo(f"{'ok  ' if check.ok else 'BAD '} {check.what}: {check.found}")
    context.exit(0 if found.is_well else FAILED)


@nambat.command()
@click.pass_context
def doctor(context: click.Context) -> None:
    """Check Tesseract, its Vietnamese data, poppler, the folders and Prefect."""
    from flows.doctor import checks

    troubles = missing = 0
    for check in checks(read_settings()):
        click.echo(f"{'ok  ' if check.ok else 'BAD '} {check.what}: {check.found}")
        troubles += not check.ok
        missing += not check.ok and check.is_program
    context.exit(MISSING if missing else FAILED if troubles else 0)


def read_settings(**given: object) -> Settings:
    """The settings; a bad one ends the program in :func:`main`."""
    from flows.settings import load

    return load(**given)


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
    from flows.host.programs import find_programs
    from ocr.messages import POPPLER_MISSING, TESSERACT_MISSING

    found = find_programs()
    missing: list[str] = []
    if not found.has_tesseract:
        missing.append(TESSERACT_MISSING.english)
    elif found.reads_vietnamese is False:
        missing.append(
            "Tesseract has no Vietnamese data (vie); install it with: apt-get install tesseract-ocr-vie "
            "(or set TESSDATA_PREFIX to the folder that holds vie.traineddata)"
        )
    if not found.has_poppler:
        missing.append(POPPLER_MISSING.english)
    return missing


def usable_inputs(
    context: click.Context, inputs: Sequence[Path], suffixes: Sequence[str] | None = None
) -> tuple[list[tuple[Path, Path]], int]:
    """The files to work on, each with the folder its output path is relative to, and how many inputs are no use.

    What is wrong with those is said; where nothing is left, the program ends.
    """
    from flows.convert import find_inputs

    files, complaints = find_inputs(inputs, suffixes) if suffixes else find_inputs(inputs)
    for complaint in complaints:
        complain(complaint)
    if not files:
        context.exit(USAGE)
    return files, len(complaints)


def require_tools() -> None:
    """Exit with status 3 if a needed program or language file is missing."""
    missing = missing_tools()
    for sentence in missing:
        complain(sentence)
    if missing:
        raise SystemExit(MISSING)


def main() -> None:
    """The entry point: turns whatever happens into one clear line and an exit status."""
    from flows.host.trusted_paths import shut_out_current_folder

    shut_out_current_folder()

    from flows.settings import BadSetting

    # These then unwind like Ctrl-C: children are ended and scratch files removed.
    for signum in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(signum) != signal.SIG_IGN:  # as under nohup
            signal.signal(signum, _terminate)
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
        from flows.pipeline.faults import as_fault
        from ocr.faults import ToolMissing

        complain(str(as_fault(fault)) if isinstance(fault, OSError) or hasattr(fault, "permanent") else _bug(fault))
        if verbose:
            traceback.print_exception(fault)
        status = MISSING if isinstance(fault, ToolMissing) else FAILED
    sys.exit(status if isinstance(status, int) else 0)


def _bug(fault: Exception) -> str:
    what = f"{type(fault).__name__}: {fault}"
    return f"an error in nambat itself ({what}); run it again with -v and report what it says."


def _terminate(signum: int, _: object) -> None:
    raise SystemExit(128 + signum)


if __name__ == "__main__":
    main()
