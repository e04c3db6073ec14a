"""`stackflow import`: a mapping and its files into the databases, with a report."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from datasources.aurora.database import Database
from datasources.aurora.imports.landing import ImportStopped
from datasources.errors import SourceError
from datasources.files.mapping import MappingError
from resolvers.imports.report import ImportReport
from resolvers.imports.run import AfterWrite, Options, run_import

_COUNTS = ("created", "changed", "left", "repeated", "pending", "rejected", "unresolved", "skipped")

# Gives the two databases, and what to call with the tables that were written.
Opened = tuple[Database, Database, AfterWrite | None]
Open = Callable[[], Awaitable[Opened]]


def import_command(open_databases: Open) -> Callable[..., None]:
    """The command as a function for typer; `open_databases` is awaited inside the command's own event loop."""

    def import_(
        *,
        mapping: Annotated[Path, typer.Argument(help="The mapping file, YAML.")],
        data: Annotated[Path | None, typer.Option(help="Folder of the files; the mapping's own by default.")] = None,
        dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would happen and write nothing.")] = False,
        prune: Annotated[str | None, typer.Option(help="Delete what this source no longer holds.")] = None,
        rejects: Annotated[Path | None, typer.Option(help="Where rejected rows go, as JSON Lines.")] = None,
        as_json: Annotated[bool, typer.Option("--json", help="The report as JSON.")] = False,
    ) -> None:
        """Import configuration items, relationships, incidents and more, as a mapping file says."""
        errors = Console(stderr=True)
        # A dry run leaves no file behind unless one is named.
        chosen = rejects or (None if dry_run else Path(f"{mapping.stem}.rejects.jsonl"))
        options = Options(dry_run=dry_run, prune=prune, rejects=chosen)
        try:
            report = asyncio.run(_run(open_databases, mapping, data or mapping.parent, options, errors))
        except (MappingError, ImportStopped, SourceError) as error:
            errors.print(f"error: {error}", style="red", highlight=False, markup=False, soft_wrap=True)
            raise typer.Exit(1) from error
        if as_json:
            sys.stdout.write(msgspec.json.encode(report).decode() + "\n")
        else:
            show(report, Console())

    return import_


async def _run(open_databases: Open, mapping: Path, data: Path, options: Options, errors: Console) -> ImportReport:
    main, requirements, after_write = await open_databases()
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TextColumn("{task.completed:,}"), TimeElapsedColumn())
    try:
        with Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal) as bar:
            task = bar.add_task("reading", total=None)
            return await run_import(
                mapping,
                data,
                main,
                requirements,
                options,
                after_write=after_write,
                progress=lambda title, rows: bar.update(task, description=title, completed=rows),
            )
    finally:
        await main.close()
        await requirements.close()


def show(report: ImportReport, console: Console) -> None:
    """The report as a table with examples. Values of rows stand in the rejects file only."""
    table = Table(title=f"{report.mapping}{' (dry run: nothing was written)' if report.dry_run else ''}")
    table.add_column("section")
    for name in _COUNTS:
        table.add_column(name, justify="right")
    for section in report.sections:
        table.add_row(section.title, *(f"{getattr(section, name):,}" for name in _COUNTS))
    table.add_section()
    table.add_row("all", *(f"{report.total(name):,}" for name in _COUNTS))
    console.print(table)
    for section in report.sections:
        for fate, examples in section.examples.items():
            for example in examples:
                console.print(f"{section.title}: {fate}: {example}", highlight=False, markup=False, soft_wrap=True)
    for line in _closing(report):
        console.print(line, highlight=False, markup=False, soft_wrap=True)


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
    if report.rejects:
        lines.append(f"rejected and unresolved rows: {report.rejects}")
    lines.append(f"{'would change nothing' if report.dry_run else 'changed nothing'}" if report.changes_nothing else "")
    lines.append(f"{report.seconds:.1f} s")
    return [line for line in lines if line]
