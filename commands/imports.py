"""`stackflow import`: a mapping and its files into the databases, with a report."""

import asyncio
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

import settings
from commands.exits import CommandError, Exit
from commands.graph import follow
from commands.stores import databases, opened
from datasources.aurora.imports.landing import ImportStopped
from datasources.credentials.opened import complete
from datasources.errors import SourceError, SourceUnavailable
from datasources.files.mapping import MappingError
from datasources.sources import Sources, open_sources
from resolvers.imports.report import ImportReport
from resolvers.imports.run import Options, run_import
from settings import Settings
from workers.migrations import migrate

_COUNTS = ("created", "changed", "left", "repeated", "pending", "rejected", "unresolved", "skipped")
# Shorter than the report's own names, so that a table fits a terminal.
_SHOWN = {"created": "new", "left": "same", "repeated": "twice", "pending": "waiting", "unresolved": "loose"}
_ALWAYS = frozenset({"created", "changed", "left"})


def command(
    mapping: Annotated[Path, typer.Argument(help="The mapping file, YAML.")],
    data: Annotated[Path | None, typer.Option(help="Folder of the files; the mapping's own by default.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would happen and write nothing.")] = False,
    prune: Annotated[str | None, typer.Option(help="Delete what this source no longer holds.")] = None,
    rejects: Annotated[Path | None, typer.Option(help="Where rejected rows go, as JSON Lines.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The report as JSON.")] = False,
) -> None:
    """Import configuration items, relationships, incidents and more, as a mapping file says.

    Into the stores that the settings name, or those of a running `stackflow serve`, or the embedded ones.
    """
    # A dry run leaves no file behind unless one is named.
    chosen = rejects or (None if dry_run else Path(f"{mapping.stem}.rejects.jsonl"))
    options = Options(dry_run=dry_run, prune=prune, rejects=chosen)
    try:
        with opened(settings.read()) as whole:
            for name, postgres in databases(whole).items():
                migrate(name, complete(name, postgres))
            report, behind = asyncio.run(_run(whole, mapping, data or mapping.parent, options))
    except (MappingError, ImportStopped) as error:
        raise CommandError(str(error)) from error
    if as_json:
        typer.echo(msgspec.json.encode(report).decode())
    else:
        show(report, Console())
    if behind is not None:
        # The import itself is done and stays.
        raise CommandError(
            f"the import is done, but the graph did not follow ({behind}); run stackflow graph check --repair",
            Exit.UNREACHABLE if isinstance(behind, SourceUnavailable) else Exit.FAILED,
        )


async def _run(whole: Settings, mapping: Path, data: Path, options: Options) -> tuple[ImportReport, SourceError | None]:
    errors = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TextColumn("{task.completed:,}"), TimeElapsedColumn())
    sources = open_sources(*whole.stores())
    try:
        with Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal) as bar:
            task = bar.add_task("reading", total=None)
            report = await run_import(
                mapping,
                data,
                sources.main,
                sources.requirements,
                options,
                after_write=lambda tables: sources.cache.invalidate(sorted(tables)),
                progress=lambda title, rows: bar.update(task, description=title, completed=rows),
            )
        return report, None if options.dry_run else await _follow(sources, report)
    finally:
        await sources.close()


async def _follow(sources: Sources, report: ImportReport) -> SourceError | None:
    """Bring the graph to what was imported; the error if it can't be."""
    try:
        report.graph = await follow(sources)
    except SourceError as error:
        return error
    return None


def show(report: ImportReport, console: Console) -> None:
    """The report as a table with examples. Values of rows stand in the rejects file only."""
    table = Table(
        title=f"{report.mapping}{' (dry run: nothing was written)' if report.dry_run else ''}",
        box=SIMPLE,
        padding=(0, 1, 0, 0),
    )
    table.add_column("section", min_width=24)
    # What happened to no row at all takes no room: a terminal has 80 columns.
    counts = [name for name in _COUNTS if name in _ALWAYS or report.total(name)]
    for name in counts:
        table.add_column(_SHOWN.get(name, name), justify="right", no_wrap=True)
    for section in report.sections:
        table.add_row(section.title, *(_count(getattr(section, name)) for name in counts))
    table.add_section()
    table.add_row("all", *(f"{report.total(name):,}" for name in counts))
    console.print(table)
    for section in report.sections:
        for fate, examples in section.examples.items():
            for example in examples:
                console.print(f"{section.title}: {fate}: {example}", highlight=False, markup=False, soft_wrap=True)
    for line in _closing(report):
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def _count(number: int) -> str:
    return f"{number:,}" if number else "·"


def _closing(report: ImportReport) -> list[str]:
    lines = [f"{report.pending:,} relationships wait for an item that is not known"] if report.pending else []
    if report.settled:
        lines.append(f"{report.settled:,} pending relationships found their items")
    if report.linked:
        lines.append(f"{report.linked:,} requirements were linked to their items")
    if report.prune_refused:
        lines.append(f"nothing was pruned: {report.prune_refused}")
    if report.pruned is not None:
        gone = report.pruned
        lines.append(
            f"pruned of {gone.source}: {gone.deleted:,} items deleted, {gone.retired:,} retired,"
            f" {gone.relationships:,} relationships, {gone.pending:,} pending, {gone.keys:,} keys"
        )
    if report.graph is not None:
        lines.append(f"graph: {report.graph:,} changes")
    if report.rejects:
        lines.append(f"rejected and unresolved rows: {report.rejects}")
    lines.append(f"{'would change nothing' if report.dry_run else 'changed nothing'}" if report.changes_nothing else "")
    lines.append(f"{report.seconds:.1f} s")
    return [line for line in lines if line]
