"""The command line ``nambat``.

Start-up is part of the product: this module imports click and nothing heavy; each command imports what it
needs.
Exit status: 0 all published, 1 something failed, 2 wrong usage, 3 a program or language file is missing,
130 stopped by Ctrl-C.
"""

from __future__ import annotations

import contextlib
import inspect
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from flows.language import _, cause, let_click_speak, ngettext, told

if TYPE_CHECKING:
    from flows.batch.plan import Batch
    from flows.batch.storage import Storage
    from flows.intake.reread import Original
    from flows.pipeline.engine import Event
    from flows.pipeline.outcome import Outcome
    from flows.review.index import Library
    from flows.review.readings import Reading
    from flows.service.health import Check
    from flows.settings import Folders, Settings
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
    complain(f"{name}: {told(fault)}")
    if verbose and fault.detail:
        click.echo("\n".join(f"    {line}" for line in fault.detail.splitlines()), err=True)


def tell_kept(name: str, outcome: Outcome) -> None:
    """Where the text lies now that was published before: another scan's, or mended by hand."""
    from flows.host.names import readable

    if outcome.kept:
        places = ", ".join(readable(path) for path in outcome.kept)
        kept = _("what was published there before, and is not the same, is kept: {places}").format(places=places)
        complain(f"{name}: {kept}")


def helps(command: click.Command) -> Iterator[str]:
    """Every help text of a command, and of those below it, in English as it stands here."""
    if command.help:
        yield inspect.cleandoc(command.help)
    yield from (option.help for option in command.params if isinstance(option, click.Option) and option.help)
    for other in command.commands.values() if isinstance(command, click.Group) else ():
        yield from helps(other)


def speak(command: click.Command) -> None:
    """Put the help texts of a command, and of those below it, into the language of the moment."""
    command.help = command.help and _(inspect.cleandoc(command.help))
    for option in command.params:
        if isinstance(option, click.Option) and option.help:
            option.help = _(option.help)
    for other in command.commands.values() if isinstance(command, click.Group) else ():
        speak(other)


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

    def remember(context: click.Context, option: click.Parameter, value: bool) -> None:
        context.obj = bool(context.obj) or value

    return click.option(
        *("-v", "--verbose"),
        is_flag=True,
        expose_value=False,
        callback=remember,
        help="Show technical detail of what fails.",
    )(command)


def known_formats(context: click.Context, option: click.Parameter, value: str | None) -> str | None:
    """``value``, if it names formats only: what is wrong with an option is not to be blamed on a setting."""
    if value is None:
        return None
    from flows.settings import FORMATS, split_names

    for name in split_names(value):
        if name not in FORMATS:
            said = _("there is no format {name!r}; write of {formats}")
            raise click.BadParameter(said.format(name=name, formats=", ".join(FORMATS)))
    return value


def day(context: click.Context, option: click.Parameter, value: str) -> str:
    """``value``, if it is a day as the JSON writes it, or none."""
    from datetime import date

    try:
        return date.fromisoformat(value).isoformat() if value else ""
    except ValueError:
        raise click.BadParameter(_("write a day as year-month-day, such as 2015-03-31.")) from None


def publishing_options(command: Any) -> Any:
    """The options that ``convert`` and ``normalize`` share."""
    for option in (
        click.option("--summary/--no-summary", default=None, help="End with a table. [on a terminal]"),
        click.option("--name", help="Name of what comes from standard input, where INPUTS has -."),
        click.option(
            *("--format", "formats"),
            metavar="txt,json,md",
            callback=known_formats,
            help="Files to write; json always is. [txt,json]",
        ),
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
    name: str | None,
    summary: bool | None,
) -> None:
    """Read scans and write clean text, without a server.

    Takes PDF, TIFF, PNG, JPEG, and ZIP files of them. Folders are searched; - stands for standard input.
    An input that is missing or cannot be read gets a line; the rest is published all the same, and the exit status is
    1 (2 if no input exists).
    """
    from flows import standard_input
    from flows.convert import convert as events
    from flows.convert import plan, scratch
    from flows.pipeline.archives import open_archives
    from flows.pipeline.engine import Failed, Published
    from flows.pipeline.publish import SCAN_SUFFIXES
    from flows.retold import retold

    settings = read_settings(jobs=jobs, dpi=dpi, repair=repair, footnotes=footnotes, formats=formats, split=split)
    check_name(inputs, name)
    require_tools()
    files, failed = usable_inputs(context, inputs)
    outcomes: list[Outcome] = []
    with contextlib.ExitStack() as stack:
        work = stack.enter_context(scratch(out))
        spooled = from_standard_input(context, inputs, name, work, settings.max_bytes)
        failed += spooled is None
        opened = open_archives([*files, *(spooled or ())], work, settings.max_bytes)
        opened = standard_input.as_piped(opened, work / "stdin", ".pdf", SCAN_SUFFIXES)
        failed += len(opened.failed)
        for shown, fault in opened.failed:
            complain_of(shown, fault, context.obj)
        for shown, line in opened.others:
            complain(_("{name}: left in the archive: {line}").format(name=shown, line=line))
        wanted = plan(opened.files, out, settings.formats, split=settings.split != "off")
        wanted = [replace(one, path=opened.places.get(one.path, one.path)) for one in wanted]
        tell = stack.enter_context(progress(len(wanted)))
        for event in events(wanted, settings, work):
            tell(event)
            if isinstance(event, Published):
                outcomes.append(event.outcome)
                tell_kept(event.wanted.name, event.outcome)
                shown = event.wanted.name
                for number, why in event.outcome.failed_pages:
                    said = _("{name}: page {number} is marked as unreadable: {why}")
                    complain(said.format(name=shown, number=number, why=retold(why)))
                for number, why in event.outcome.damaged_pages:
                    complain(
                        _("{name}: page {number} is not whole: {why}").format(
                            name=shown, number=number, why=retold(why)
                        )
                    )
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
    name: str | None,
    summary: bool | None,
) -> None:
    """Clean up text that another OCR engine produced.

    Takes .txt and .md. Folders are searched; - stands for standard input.
    """
    from flows import standard_input
    from flows.convert import normalized, plan, scratch
    from flows.pipeline.archives import Opened
    from flows.pipeline.faults import as_fault
    from flows.pipeline.parts import may_replace
    from flows.pipeline.publish import TEXT_SUFFIXES
    from flows.pipeline.workers import WorkerPool

    settings = read_settings(repair=repair, footnotes=footnotes, formats=formats, split=split)
    check_name(inputs, name)
    files, failed = usable_inputs(context, inputs, TEXT_SUFFIXES)
    outcomes: list[Outcome] = []
    with scratch(out) as work, WorkerPool(1, memory=settings.worker_memory, scratch=settings.worker_scratch) as pool:
        spooled = from_standard_input(context, inputs, name, work, settings.max_text_bytes)
        failed += spooled is None
        opened = Opened([*files, *(spooled or ())])
        opened = standard_input.as_piped(opened, work / "stdin", ".txt", TEXT_SUFFIXES)
        wanted = plan(opened.files, out, settings.formats, ".txt", TEXT_SUFFIXES, settings.split != "off")
        given = {path.resolve() for path, root in files}
        targets = [{form: target.resolve() for form, target in one.targets.items()} for one in wanted]
        if any(given & set(one.values()) or any(may_replace(one, path) for path in given) for one in targets):
            raise click.UsageError(_("--out would overwrite an input; choose another folder."))
        wanted = [replace(one, path=opened.places.get(one.path, one.path)) for one in wanted]
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
    """Show every correction in a published JSON, and its reason.

    The numbers that two readers read unlike follow, and the least sure words.
    """
    import json

    from flows.pipeline.to_check import checks_of
    from flows.retold import evidence_told, retold
    from flows.show import plain_table

    try:
        data = json.loads(file.read_text("utf-8"))
        words = [
            (one.page or "", f"{one.passage.before} »{one.passage.words}« {one.passage.after}".strip(), retold(one.why))
            for one in checks_of(data)
            if one.kind == "word" and one.passage
        ]
        rows = [
            (
                one["page"] or "",
                one["before"],
                one["after"],
                one["kind"],
                f"{one['probability']:.2f}",
                evidence_told(one["evidence"]),
            )
            for one in data["corrections"]
        ]
        doubts = [
            (one["page"] or "", one["text"], one["second"], f"{one['confidence']:.0f}")
            for one in data.get("doubts", [])
        ]
    except OSError as fault:
        complain(_("{path}: {cause}; check the path.").format(path=file, cause=cause(fault)))
        context.exit(USAGE)
    except (ValueError, KeyError, TypeError):
        said = _("{path}: not a JSON file that nambat published; give the .json beside the .txt.")
        complain(said.format(path=file))
        context.exit(USAGE)
    if rows:
        heads = (_("page"), _("before"), _("after"), _("kind"), _("probability"), _("evidence"))
        plain_table(str(file.name), heads, rows)
    else:
        click.echo(_("{name}: no corrections.").format(name=file.name))
    if doubts:
        doubt_heads = (_("page"), _("published"), _("read again"), _("confidence"))
        plain_table(_("Numbers to compare with the page"), doubt_heads, doubts)
    if words:
        plain_table(_("The least sure words"), (_("page"), _("published"), _("why")), words)


@nambat.command()
@click.argument("words", nargs=-1)
@click.option(
    *("--in", "folder"),
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder that `nambat convert` wrote into. [what the service published]",
)
@click.option("--agency", default="", help="Only documents of this agency, or whose agency's name holds this.")
@click.option("--type", "kind", default="", help='Only documents of this type, such as "Quyết định".')
@click.option("--number", default="", help="Only documents with this number.")
@click.option("--symbol", default="", help="Only documents whose number and symbol hold this, such as 559/BC.")
@click.option("--since", default="", callback=day, metavar="YYYY-MM-DD", help="Only documents of this day or later.")
@click.option("--until", default="", callback=day, metavar="YYYY-MM-DD", help="Only documents of this day or earlier.")
@click.option("--limit", type=click.IntRange(min=1), default=20, help="Most documents to show. [20]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
@verbose_option
@click.pass_context
def find(
    context: click.Context,
    words: tuple[str, ...],
    folder: Path | None,
    agency: str,
    kind: str,
    number: str,
    symbol: str,
    since: str,
    until: str,
    limit: int,
    as_json: bool,
) -> None:
    """Find words in published texts.

    WORDS may be typed without tone marks; what is in quotes is found as a phrase. All of them must be in a document,
    anywhere. Needs no service. Exit status 1 if nothing is found.
    """
    import json

    from flows.review.listing import Filter, count
    from flows.review.on_terminal import lines_of
    from flows.review.search import as_record, asked_on_command_line, look_for

    wanted = Filter(since=since, until=until, agency=agency, type=kind, number=number, symbol=symbol)
    if not words and wanted == Filter():
        raise click.UsageError(_("say what to look for: words, or an option such as --agency."))
    question = asked_on_command_line(words)
    with _library(context, folder, _("{path}: nothing is published there yet; name a folder with --in.")) as library:
        found = look_for(library, question, wanted, limit=limit)
        broken = count(library, Filter(state="broken"))
    if broken:
        said = ngettext(
            "{count} published JSON is broken and is not searched.",
            "{count} published JSONs are broken and are not searched.",
            broken,
        )
        complain(said.format(count=broken))
    if as_json:
        click.echo(json.dumps(as_record(found), ensure_ascii=False, indent=1))
    else:
        for line in lines_of(found):
            click.echo(line)
        if not found.hits:
            complain(_("nothing is found."))
    context.exit(0 if found.hits else FAILED)


@contextlib.contextmanager
def _library(context: click.Context, folder: Path | None, nothing: str) -> Iterator[Library]:
    """The index of a folder that `convert` wrote into, or of what the service published, brought up to date.

    Ends the command where there is none, or where it cannot be used.

    Args:
        nothing: what is said where nothing is published, with ``{path}``.
    """
    import sqlite3

    from flows.review.index import of_folder, of_service, refresh

    folders = read_settings().folders
    if folder is None and not folders.published.is_dir():
        complain(nothing.format(path=folders.published))
        context.exit(USAGE)
    library = of_folder(folder) if folder else of_service(folders)
    try:
        refresh(library)
        yield library
    except sqlite3.Error as fault:
        said = _("the index cannot be used ({what}); delete {path} and try again.")
        complain(said.format(what=fault, path=library.file))
        context.exit(FAILED)


@nambat.command()
@click.argument("folder", required=False, type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
@verbose_option
@click.pass_context
def evaluate(context: click.Context, folder: Path | None, as_json: bool) -> None:
    """Count what people put right in published texts.

    FOLDER is one that `nambat convert` wrote into; without it, what the service published is looked at. How often
    repair was wrong is told of 10,000 words of those documents that somebody opened on the review page. What people
    overlooked is not known here.
    """
    import json

    from flows.review.evaluate import as_record, tables_of
    from flows.review.evaluate import evaluate as count_edits
    from flows.show import plain_table

    with _library(context, folder, _("{path}: nothing is published there yet; name a folder.")) as library:
        found = count_edits(library)
    if as_json:
        click.echo(json.dumps(as_record(found), ensure_ascii=False, indent=1))
    else:
        for title, heads, rows in tables_of(found):
            plain_table(title, heads, rows)


@nambat.command()
@click.option(
    *("-o", "--out"),
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("nambat-separator.pdf"),
    help="File to write. [nambat-separator.pdf]",
)
@click.pass_context
def separator(context: click.Context, out: Path) -> None:
    """Write the sheet to put between documents scanned in one go.

    Print it on white paper, put it between two documents, and read the scan with --split.
    """
    from flows.pipeline.separator_sheet import sheet

    try:
        with out.open("xb") as file:
            file.write(sheet())
    except OSError as fault:
        complain(_("{path}: {cause}; name another file with --out.").format(path=out, cause=cause(fault)))
        context.exit(FAILED)
    click.echo(_("{path}: print it on white A4 paper.").format(path=out))


@nambat.command("settings")
def show_settings() -> None:
    """Show every setting: its value now, where from, its meaning.

    An environment variable sets each of them; some are also options of a command, which wins.
    """
    from flows.settings import heeded, in_force

    set_by_hand, by_itself = _("environment"), _("default")
    for one in in_force(read_settings()):
        click.echo(f"{one.variable}={one.value}  ({set_by_hand if one.is_set else by_itself})")
        click.echo(click.wrap_text(one.meaning, 78, "    ", "    "))
    if others := heeded():
        click.echo("\n" + _("Also heeded, of Prefect and Tesseract:"))
    for name, value in others:
        click.echo(f"{name}={value}  ({set_by_hand})")


@nambat.command()
@click.option("--home", type=click.Path(path_type=Path), help="The service's folders. [NAMBAT_HOME or ./nambat-data]")
@click.option("--host", help="Address the Prefect server listens on. [127.0.0.1]")
@click.option("--port", type=click.IntRange(1, 65535), help="Port of the Prefect server and its UI. [4200]")
@click.option("-j", "--jobs", type=click.IntRange(min=1), help="Pages read side by side. [all cores]")
@click.option("--pool", help="Leave the reading to workers of this work pool; see `nambat worker`. [NAMBAT_POOL]")
@verbose_option
@click.pass_context
def serve(
    context: click.Context, home: Path | None, host: str | None, port: int | None, jobs: int | None, pool: str | None
) -> None:
    """Watch the inbox and read what is dropped there.

    Runs until it is stopped. See `nambat settings` for what else can be set.
    """
    from flows.faults import ShareAway
    from flows.serve import AlreadyServed
    from flows.serve import serve as run
    from flows.service.prefect_server import ServerTrouble, password_trouble

    # The runs are processes of their own and read their settings from the environment.
    for name, value in (("HOME", home), ("HOST", host), ("PORT", port), ("JOBS", jobs), ("POOL", pool)):
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
        complain(told(fault))
        context.exit(FAILED)


@nambat.command()
@click.option("--pool", help="Work pool to take runs from. [NAMBAT_POOL, or the service's]")
@click.option("--limit", type=click.IntRange(min=1), default=1, help="Runs at once, of NAMBAT_JOBS pages each. [1]")
@click.option("--name", default="", help="What Prefect calls this worker. [the machine's name]")
@verbose_option
@click.pass_context
def worker(context: click.Context, pool: str | None, limit: int, name: str) -> None:
    """Read for a service that was started with --pool.

    It may run on another machine. NAMBAT_HOME names the service's folders, which both machines share, and
    PREFECT_API_URL its Prefect server. Runs until it is stopped.
    """
    from flows.host.names import readable
    from flows.service.worker import WorkerTrouble, work

    if "/" in name or "%" in name or readable(name) != name:
        raise click.BadParameter(_("a worker's name has no /, no % and no sign that cannot be shown."))
    if pool is not None:
        os.environ["NAMBAT_POOL"] = pool
    try:
        work(read_settings(), limit, name, click.echo if sys.stdout.isatty() else None)
    except WorkerTrouble as fault:
        complain(str(fault))
        context.exit(MISSING if fault.is_program else FAILED)


@nambat.command(hidden=True)
def execute() -> None:
    """Work on one run, in a container that Prefect starts."""
    from flows.service.worker import execute as run

    run(read_settings())


@nambat.command()
@click.argument("folder", required=False, type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option(
    "--scans",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder in which the scans lie, beside FOLDER itself. May be given several times.",
)
@click.option("--host", help="Address that the page is served at. [127.0.0.1]")
@click.option("--port", type=click.IntRange(1, 65535), help="Its port. [4280]")
@verbose_option
@click.pass_context
def review(
    context: click.Context, folder: Path | None, scans: tuple[Path, ...], host: str | None, port: int | None
) -> None:
    """Show published documents beside their scans, in a browser.

    FOLDER is one that convert or normalize wrote into; without it, what the service published is shown. Runs until it
    is stopped.
    """
    from flows.review.server import begin, desk_of_folder, desk_of_service
    from flows.service.prefect_server import is_taken, password_trouble

    settings = read_settings(host=host, review_port=port)
    if trouble := password_trouble(settings.host, settings.no_password):
        complain(trouble)
        context.exit(USAGE)
    port = settings.review_port or 4280
    if is_taken(settings.host, port):
        complain(_("another program has port {port}; choose one with --port.").format(port=port))
        context.exit(FAILED)
    desk = desk_of_folder(folder, scans, settings) if folder else desk_of_service(settings)
    if not desk.root.is_dir():
        complain(_("{path} is not there yet; name a folder that nambat published into.").format(path=desk.root))
        context.exit(USAGE)
    begin(desk, settings, settings.host, port, click.echo)


@nambat.command()
@click.argument("inputs", nargs=-1, required=True, type=INPUT)
@click.option("-o", "--out", type=click.Path(path_type=Path, file_okay=False), help="Folder to publish into.")
@verbose_option
@click.pass_context
def ingest(context: click.Context, inputs: tuple[Path, ...], out: Path | None) -> None:
    """Run the Prefect flow over scans, which stay where they are.

    The runs are kept for the UI of `nambat serve`.
    """
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
        click.echo(_("Starting Prefect ..."), err=True)
    try:
        ingest_now(named, settings, tell)
    except ServerTrouble as fault:
        complain(str(fault))
        failed += 1
    sum_up(outcomes, True)
    context.exit(FAILED if failed else 0)


@nambat.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
def status(as_json: bool) -> None:
    """Show what lies in which folder of the service, and why."""
    import json

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
    running = heartbeat.is_alive(folders, service.get("owner", ""), store.settings.claim_timeout)
    counts, held = status.status(store, health.hindrance)
    if as_json:
        ui = service["ui"] if running else ""
        about = {"home": readable(folders.home), "served": running, "ui": ui, **health.as_record()}
        click.echo(json.dumps({**about, **status.as_record(counts, held)}, ensure_ascii=False, indent=1))
        return
    served = _served_by(service) if running else _("not served")
    click.echo(f"{folders.home}: {served}")
    if running:
        for trouble in health.troubles:
            tell_check(trouble)
    click.echo("  ".join(f"{name} {count}" for name, count in counts.items()))
    if held:
        rows = [(one.where, readable(one.name), readable(one.why)) for one in held[:100]]
        plain_table(_("Not done"), (_("where"), _("file"), _("why")), rows)
        if len(held) > 100:
            click.echo(_("and {count} more").format(count=len(held) - 100))
    _show_given_up(folders)
    _show_workers(folders)


def _served_by(service: Mapping[str, str]) -> str:
    """Where the service of a record runs, and its UI."""
    from flows.host.processes import machine

    if service["owner"].split(":")[0] == machine() or service["ui"] != service["api"].removesuffix("/api"):
        return _("served, UI at {address}").format(address=service["ui"])
    return _("served by another machine, its UI at {address} there").format(address=service["ui"])


def _show_given_up(folders: Folders) -> None:
    """The batches of which parts are not tried any more."""
    from flows.batch.under_way import all_with_given_up

    said = _("{source}: {count} of {parts} parts were given up; once more with: nambat batch --again {batch}")
    for one in all_with_given_up(folders):
        click.echo(said.format(source=one.shown, count=len(one.given_up), parts=one.parts, batch=one.id))


def _show_workers(folders: Folders) -> None:
    """The workers that read for a home, if it has any."""
    from flows.host.files import try_writing
    from flows.service.health import seen_workers
    from flows.show import plain_table

    try:
        workers = seen_workers(folders, try_writing(folders.working))
    except OSError:
        return  # that was said already
    if workers:
        rows = [
            (
                *(one.worker.name, one.worker.host, one.worker.version, one.worker.pool),
                one.ago and _("{time} ago").format(time=one.ago),
                one.worker.trouble or (_("takes runs") if one.is_heard else _("silent")),
            )
            for one in workers
        ]
        columns = (_("worker"), _("machine"), _("version"), _("work pool"), _("last sign"), _("state"))
        plain_table(_("Workers"), columns, rows)


@nambat.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option("--all", "everything", is_flag=True, help="All files in quarantine.")
@click.pass_context
def retry(context: click.Context, files: tuple[Path, ...], everything: bool) -> None:
    """Put quarantined files back into the inbox.

    FILES are names as `nambat status` shows them.
    """
    from flows.host.heartbeat import identity
    from flows.host.mounts import missing_mount
    from flows.host.moves import Gone
    from flows.host.names import readable
    from flows.intake import quarantine
    from flows.intake.claims import ClaimStore

    if bool(files) == everything:
        raise click.UsageError(_("name the files to put back, or give --all; `nambat status` lists them."))
    store = ClaimStore(read_settings())
    folders = store.folders
    if away := missing_mount(folders):
        complain(told(away))
        context.exit(FAILED)
    wanted = [path for path, _ in quarantine.quarantined_files(store)] if everything else []
    wanted += [path if path.is_absolute() else folders.quarantine / path for path in files]
    failed = 0
    for path in wanted:
        try:
            place = quarantine.retry(store, Path(os.path.normpath(path)), identity())
            said = _("{name} lies in the inbox again: {place}")
            click.echo(said.format(name=readable(path.name), place=readable(place)))
        except Gone:
            failed += 1
            said = _("{name} is not in quarantine; `nambat status` lists what is.")
            complain(said.format(name=readable(path.name)))
        except OSError as fault:
            failed += 1
            complain(_("{name} cannot be moved: {cause}").format(name=readable(path.name), cause=cause(fault)))
    context.exit(FAILED if failed else 0)


@nambat.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
@click.option("--worker", "of_workers", is_flag=True, help="Say it of this machine's `nambat worker` instead.")
@click.pass_context
def health(context: click.Context, as_json: bool, of_workers: bool) -> None:
    """Say whether the running service is well.

    Exit status 0 if it is, 1 if not.
    """
    import json

    from flows.intake.claims import ClaimStore
    from flows.service.health import look, look_at_workers

    found = (look_at_workers if of_workers else look)(ClaimStore(read_settings()))
    if as_json:
        click.echo(json.dumps(found.as_record(), ensure_ascii=False, indent=1))
    else:
        for check in found.checks:
            tell_check(check)
    context.exit(0 if found.is_well else FAILED)


@nambat.command()
@click.argument("names", nargs=-1, required=True)
@verbose_option
@click.pass_context
def reread(context: click.Context, names: tuple[str, ...]) -> None:
    """Read published scans again.

    NAMES are names as originals/ or published/ show them. Of several scans of one name the newest is read; a path
    below originals/ tells which.
    """
    from flows.faults import PathRefused
    from flows.host.mounts import missing_mount
    from flows.host.moves import Gone
    from flows.host.names import readable
    from flows.intake.claims import ClaimStore
    from flows.intake.reread import find_original, take_original
    from flows.service.record import ServiceGone, owner_of_service

    settings = read_settings()
    store = ClaimStore(settings)
    if away := missing_mount(store.folders):
        complain(told(away))
        context.exit(FAILED)
    failed = 0
    wanted = []
    for name in names:
        try:
            wanted.append(find_original(store, name))
        except PathRefused as fault:
            failed += 1
            complain(told(fault))
            continue
        if others := wanted[-1].others:
            said = _("{name}: the newest is read; older ones, to be named by their path: {places}")
            older = ", ".join(readable(store.folders.originals / place) for place in others)
            click.echo(said.format(name=readable(name), places=older))
    try:
        owner = owner_of_service(store.folders)
    except ServiceGone:
        context.exit(_reread_here(wanted, settings, failed))
    for original in wanted:
        try:
            take_original(store, original, owner)
            click.echo(_("{name}: the service reads it again").format(name=readable(original.place)))
        except PathRefused as fault:
            failed += 1
            complain(told(fault))
        except Gone:
            failed += 1
            complain(_("{name} is gone").format(name=readable(original.place)))
        except OSError as fault:
            failed += 1
            complain(_("{name} cannot be moved: {cause}").format(name=readable(original.place), cause=cause(fault)))
    context.exit(FAILED if failed else 0)


@nambat.command()
@click.option("--since", metavar="VERSION", help="Documents that an earlier version of nambat read.")
@click.option(
    "--where",
    metavar="CONDITION",
    help='Documents of which this holds, such as "low pages > 0" or "warnings > 3 and pages < 10".',
)
@click.option("--dry-run", is_flag=True, help="Only list what would be read.")
@verbose_option
@click.pass_context
def reprocess(context: click.Context, since: str | None, where: str | None, dry_run: bool) -> None:
    """Read many published scans again.

    For after an upgrade or a change of the settings. What this version has read with these settings is left out, so the
    same command goes on where a stopped one was. It gives way to the inbox. A condition compares pages, low pages, poor
    pages, unread pages or warnings with a number, or says "published before 2026-01-31" or "published since
    2026-01-31"; several are joined by "and".
    """
    from flows.batch.again import choose, wanted
    from flows.batch.told import chosen_line, reading_line
    from flows.host.mounts import missing_mount
    from flows.intake.duplicates import made_with
    from flows.review.readings import BadCondition, readings
    from flows.settings import tell_words

    settings = read_settings()
    if not since and not where:
        raise click.UsageError(_("say which documents: --since VERSION, --where CONDITION, or both."))
    try:
        holds = wanted(since or "", where or "", settings)
    except BadCondition as fault:
        raise click.UsageError(str(fault)) from None
    if away := missing_mount(settings.folders):
        complain(told(away))
        context.exit(FAILED)
    tell_words(settings)
    with _library(context, None, _("{path}: nothing is published there yet.")) as library:
        known = readings(library)
    chosen = choose(known, holds, made_with(settings))
    if dry_run:
        for one in chosen.readings:
            click.echo(reading_line(one))
    click.echo(chosen_line(chosen, settings.jobs))
    if chosen.readings and not dry_run:
        context.exit(_reprocess(chosen.readings, settings))


def _reprocess(chosen: Sequence[Reading], settings: Settings) -> int:
    """Have published scans read again, by the service if one runs; the exit status."""
    from flows.batch.again import at_it, plan_again
    from flows.batch.storage import open_folders, open_home
    from flows.batch.told import at_it_line, missing_line
    from flows.batch.under_way import open_batch
    from flows.service.record import ServiceGone, owner_of_service

    missed = 0

    def missing(one: Reading) -> None:
        nonlocal missed
        missed += 1
        complain(missing_line(one))

    if (others := at_it(settings.folders)) is not None:
        complain(at_it_line(others))
        return FAILED
    try:
        owner_of_service(settings.folders)
    except ServiceGone:
        require_tools()
        home = open_folders(settings)
        return _reprocess_here(plan_again(chosen, settings, home, missing), len(chosen), settings, home)
    batch = plan_again(chosen, settings, open_home(settings), missing)  # where the service looks for batches
    if not batch.documents:
        return FAILED
    open_batch(settings, batch)
    click.echo(
        _("The service reads them again as batch {batch}, one page at a time while scans wait.").format(batch=batch.id)
    )
    return FAILED if missed else 0


def _reprocess_here(batch: Batch, wanted: int, settings: Settings, home: Storage) -> int:
    """Read published scans again in this process; the exit status.

    Args:
        wanted: how many documents were to be read.
        home: where the batch lies.
    """
    from collections import Counter

    from flows.batch.plan import Entry
    from flows.batch.work import work
    from flows.host import heartbeat, log
    from flows.host.names import readable
    from flows.pipeline.engine import Failed, Published

    ends: Counter[str] = Counter()

    def tell(event: object) -> None:
        match event:
            case Published(Entry() as entry, outcome):
                click.echo(_("{name}: read again").format(name=readable(entry.name)))
                tell_kept(readable(entry.name), outcome)
            case Failed(Entry() as entry, fault, _cause):
                complain_of(readable(entry.name), fault, False)
            case _:
                pass

    log.begin(settings, console=False)
    with heartbeat.beating(settings.folders):
        for part in range(1, batch.parts + 1):
            done = work(batch, part, settings, home=home, scans=home, tell=tell)
            ends.update(one.end for one in done.documents)
            if done.trouble is not None:
                complain(told(done.trouble))
                break
    left = wanted - ends["published"] - ends["there"]
    said = _("Read again: {published}. What was published before stays of {left} others.")
    click.echo(said.format(published=ends["published"], left=left))
    return FAILED if left else 0


def _reread_here(originals: Sequence[Original], settings: Settings, failed: int) -> int:
    """Read scans again in this process, because no service runs; the exit status.

    Args:
        failed: how many names were no use.
    """
    from flows.host.names import readable
    from flows.serve import AlreadyServed, reread_now
    from flows.service.prefect_server import ServerTrouble

    def tell(name: str, outcome: Outcome | None, message: str) -> None:
        nonlocal failed
        if outcome is None:
            failed += 1
            complain(f"{readable(name)}: {message}")
        else:
            tell_kept(readable(name), outcome)
            click.echo(f"{readable(name)}: {message}")

    if not originals:
        return FAILED
    require_tools()
    try:
        reread_now(originals, settings, tell)
    except (AlreadyServed, ServerTrouble) as fault:
        failed += 1
        complain(told(fault))
    return FAILED if failed else 0


@nambat.command()
@click.argument("source", required=False)
@click.option("--wait", is_flag=True, help="Wait until the service has read it all.")
@click.option("--again", is_flag=True, help="Try parts once more that were given up; SOURCE is a batch, or left out.")
@click.option(
    "-j", "--jobs", type=click.IntRange(min=1), help="Pages read side by side, without a service. [all cores]"
)
@verbose_option
@click.pass_context
def batch(context: click.Context, source: str | None, wait: bool, again: bool, jobs: int | None) -> None:
    """Read a whole archive, in parts.

    SOURCE is a folder below the home or a folder of NAMBAT_READ_ROOTS, whose scans stay where they are, or a folder of
    the bucket that NAMBAT_BUCKET names; `inbox` is the inbox there. The running service reads it beside what comes into
    its inbox; without a service it is read here. What is published already is not read again, so a run that was stopped
    can be repeated. With --again the service tries parts once more that it has given up, or whose runs were cancelled.
    Exit status 1 if something is not published.
    """
    from flows.batch import plan as plans
    from flows.batch.on_terminal import read_here, tell_summary, wait_for
    from flows.batch.storage import BUCKET, open_home
    from flows.batch.told import planned_line
    from flows.batch.under_way import open_batch, sum_up
    from flows.service.record import ServiceGone, owner_of_service
    from ocr.faults import Fault

    settings = read_settings(jobs=jobs)
    if again:
        context.exit(_try_again(source or "", settings))
    if not source:
        raise click.UsageError(_("say what to read: a folder, or --again."))
    is_path = source != plans.INBOX and not source.startswith(BUCKET)
    try:
        found = plans.source_of(str(Path.cwd() / source) if is_path else source, settings)
        try:
            owner_of_service(settings.folders)
        except ServiceGone:
            require_tools()
            planned = read_here(found, settings, lambda planned: progress(planned.documents), complain)
        else:
            planned = plans.plan_for_service(found, settings)
            open_batch(settings, planned)
            said = _("The service reads {documents}: batch {batch}")
            click.echo(said.format(documents=planned_line(planned), batch=planned.id))
            if not wait:
                context.exit(0)
            wait_for(settings, planned)
        summary = sum_up(open_home(settings), planned)
    except (Fault, OSError) as fault:
        from flows.pipeline.faults import as_fault

        complain_of(source, as_fault(fault), context.obj)
        context.exit(FAILED)
    tell_summary(summary, complain)
    context.exit(0 if summary.is_well else FAILED)


def _try_again(batch_id: str, settings: Settings) -> int:
    """Have the service try parts of batches again that were given up; the exit status.

    Args:
        batch_id: of all batches if it is empty.
    """
    from flows.batch.under_way import all_with_given_up, try_again
    from flows.language import counted
    from flows.service.record import ServiceGone, owner_of_service

    found = [one for one in all_with_given_up(settings.folders) if batch_id in ("", one.id)]
    if not found:
        complain(_("no part was given up: {batch}").format(batch=batch_id) if batch_id else _("no part was given up"))
        return FAILED
    for one in found:
        parts = counted("{count} part", "{count} parts", try_again(settings.folders, one.id))
        click.echo(
            _("Tried again: {parts} of batch {batch}, {source}").format(parts=parts, batch=one.id, source=one.shown)
        )
    try:
        owner_of_service(settings.folders)
    except ServiceGone as fault:
        complain(str(fault))
        return FAILED
    return 0


@nambat.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.pass_context
def dismiss(context: click.Context, files: tuple[Path, ...]) -> None:
    """Put away quarantined files that nobody wants any more.

    They go to dismissed/, with their reasons. FILES are names as `nambat status` shows them.
    """
    from flows.host.mounts import missing_mount
    from flows.host.moves import Gone
    from flows.host.names import readable
    from flows.intake import settling
    from flows.intake.claims import ClaimStore

    store = ClaimStore(read_settings())
    folders = store.folders
    if away := missing_mount(folders):
        complain(told(away))
        context.exit(FAILED)
    failed = 0
    for path in files:
        wanted = path if path.is_absolute() else folders.quarantine / path
        try:
            place = settling.dismiss(store, Path(os.path.normpath(wanted)))
            click.echo(_("{name} is put away: {place}").format(name=readable(path), place=readable(place)))
        except Gone as fault:
            failed += 1
            complain(_("{why}; `nambat status` lists what is.").format(why=fault))
        except OSError as fault:
            failed += 1
            complain(_("{name} cannot be moved: {cause}").format(name=readable(path), cause=cause(fault)))
    context.exit(FAILED if failed else 0)


@nambat.command()
@click.pass_context
def doctor(context: click.Context) -> None:
    """Check Tesseract, its data, poppler, the folders and Prefect."""
    from flows.doctor import checks

    troubles = missing = 0
    for check in checks(read_settings()):
        tell_check(check)
        troubles += not check.ok
        missing += not check.ok and check.is_program
    context.exit(MISSING if missing else FAILED if troubles else 0)


def tell_check(check: Check) -> None:
    """One thing that was looked at, in one line."""
    verdict = _("ok") if check.ok else _("BAD")
    click.echo(f"{verdict:4} {check.shown}: {check.found}")


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
def progress(documents: int) -> Iterator[Callable[[Event[Any]], None]]:
    """A progress bar if a person is watching, else nothing."""
    if sys.stderr.isatty():
        from flows.show import progress_bar

        with progress_bar(documents) as tell:
            yield tell
    else:
        yield lambda event: None


def usable_inputs(
    context: click.Context, inputs: Sequence[Path], suffixes: Sequence[str] | None = None
) -> tuple[list[tuple[Path, Path]], int]:
    """The files to work on, each with the folder its output path is relative to, and how many inputs are no use.

    What is wrong with those is said; where nothing is left, the program ends.
    """
    from flows.convert import find_inputs
    from flows.standard_input import MARK

    if MARK in inputs:
        inputs = [path for path in inputs if path != MARK]
        if not inputs:
            return [], 0
    files, complaints = find_inputs(inputs, suffixes) if suffixes else find_inputs(inputs)
    for complaint in complaints:
        complain(complaint)
    if not files:
        context.exit(USAGE)
    return files, len(complaints)


def check_name(inputs: Sequence[Path], name: str | None) -> None:
    """Make sure that what is piped in has a name, and that nothing else is given one.

    Raises:
        UsageError: it is not so; it says what to do.
    """
    from flows.standard_input import MARK, is_plain_name

    if MARK not in inputs:
        if name is not None:
            raise click.UsageError(_("--name goes with standard input: give - in place of a file."))
    elif name is None or not is_plain_name(name):
        raise click.UsageError(_("standard input has no name; give it one with --name, such as --name report.pdf."))
    elif sys.stdin is None or sys.stdin.isatty():
        raise click.UsageError(_("nothing is piped in; write for example: nambat convert - --name X --out DIR < FILE"))


def from_standard_input(
    context: click.Context, inputs: Sequence[Path], name: str | None, work: Path, most: int
) -> list[tuple[Path, Path]] | None:
    """What is piped in, as a file in ``work`` with its folder, where ``inputs`` ask for it.

    Args:
        name: of the file, as :func:`check_name` let it pass.
        most: bytes that it may have.

    Returns:
        At most one file; ``None`` if too much came, which is said.
    """
    from flows.standard_input import MARK, spool
    from ocr.faults import TooLarge

    if MARK not in inputs or name is None:
        return []
    try:
        return [(spool(sys.stdin.buffer, name, work / "stdin", most), work / "stdin")]
    except TooLarge as fault:
        complain_of(name, fault, context.obj)
        return None


def require_tools() -> None:
    """Exit with status 3 if a needed program or language file is missing."""
    from flows.host.programs import missing_tools

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
    let_click_speak()
    speak(nambat)
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
        complain(_("stopped."))
        status = STOPPED
    except BrokenPipeError:
        # The reader of a pipe has gone (`| head`); not an error of ours. Keep Python from complaining at
        # exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = FAILED
    except Exception as fault:
        from flows.pipeline.faults import as_fault
        from ocr.faults import ToolMissing

        complain(told(as_fault(fault)) if isinstance(fault, OSError) or hasattr(fault, "permanent") else _bug(fault))
        if verbose:
            traceback.print_exception(fault)
        status = MISSING if isinstance(fault, ToolMissing) else FAILED
    sys.exit(status if isinstance(status, int) else 0)


def _bug(fault: Exception) -> str:
    what = f"{type(fault).__name__}: {fault}"
    return _("an error in nambat itself ({what}); run it again with -v and report what it says.").format(what=what)


def _terminate(signum: int, _: object) -> None:
    raise SystemExit(128 + signum)


if __name__ == "__main__":
    main()
