"""`stackflow import`: import the files of a mapping, with progress on stderr and a report on stdout."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console

import settings
from commands.exit_codes import CommandError, Exit
from commands.graph import project_pending
from commands.interruption import Interrupted, interruptible
from commands.output.import_progress import ImportProgress
from commands.output.import_report import full_width, show
from commands.stores import databases, use_stores
from datasources.aurora.imports.session import ImportStopped
from datasources.credentials.factory import resolve_conninfo
from datasources.errors import SourceError, SourceUnavailable
from datasources.files.errors import MappingError
from datasources.sources import Sources, open_sources
from resolvers.documents.indexing import index_documents
from resolvers.imports.report import ImportReport
from resolvers.imports.run import MAX_PRUNE_SHARE, ImportOptions, run_import
from settings import Settings
from workers.migrations import migrate


def command(
    mapping: Annotated[Path, typer.Argument(help="The mapping file, YAML.")],
    data: Annotated[
        Path | None, typer.Option(help="Folder of the files; by default the folder of the mapping.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Report what would happen; write nothing.")] = False,
    prune: Annotated[str | None, typer.Option(help="Delete what this source no longer has.")] = None,
    max_prune_share: Annotated[
        float,
        typer.Option(
            min=0, max=100, help="Maximum percentage of the source's items or relationships that --prune deletes."
        ),
    ] = MAX_PRUNE_SHARE * 100,
    force: Annotated[bool, typer.Option("--force", help="Let --prune delete more than that share, or all.")] = False,
    rejects: Annotated[
        Path | None,
        typer.Option(
            help="The file for rejected and unresolved rows, as JSON Lines that only you can read; "
            "MAPPING.rejects.jsonl in the current folder by default, nowhere by default in a dry run."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The report as JSON.")] = False,
) -> None:
    """Import configuration items, relationships, incidents and more, as a mapping file describes.

    It writes to the stores of the settings, or of a running `stackflow serve`, or to the embedded stores.
    Ctrl-C stops it between two statements: committed batches remain, and the same import can be run again.
    """
    # A dry run writes no file unless one is named.
    chosen = rejects or (None if dry_run else Path(f"{mapping.stem}.rejects.jsonl"))
    options = ImportOptions(
        dry_run=dry_run, prune=prune, prune_share=max_prune_share / 100, force=force, rejects=chosen
    )
    errors = Console(stderr=True)
    bar = ImportProgress(errors)
    try:
        with interruptible():
            if errors.is_terminal and chosen is not None:
                errors.print(f"rejected rows go to {chosen}", highlight=False, markup=False, soft_wrap=True)
            report, projection_error = _import(mapping, data or mapping.parent, options, bar)
            if as_json:
                typer.echo(msgspec.json.encode(report).decode())
            else:
                show(report, full_width(Console()))
    except (MappingError, ImportStopped) as error:
        raise CommandError(str(error)) from error
    except Interrupted as interrupted:
        sys.stderr.write(f"stackflow: {bar.interruption_message(dry=dry_run)}\n")
        raise typer.Exit(interrupted.exit_code) from None
    if projection_error is not None:
        # The import itself is complete and remains.
        raise CommandError(
            f"the import is complete, but the graph was not updated ({projection_error}); "
            "run stackflow graph check --repair",
            Exit.UNREACHABLE if isinstance(projection_error, SourceUnavailable) else Exit.FAILED,
        )


def _import(
    mapping: Path, data: Path, options: ImportOptions, bar: ImportProgress
) -> tuple[ImportReport, SourceError | None]:
    with use_stores(settings.load_settings()) as resolved:
        for name, postgres in databases(resolved).items():
            migrate(name, resolve_conninfo(name, postgres))
        return asyncio.run(_run(resolved, mapping, data, options, bar))


async def _run(
    resolved: Settings, mapping: Path, data: Path, options: ImportOptions, bar: ImportProgress
) -> tuple[ImportReport, SourceError | None]:
    sources = open_sources(*resolved.require_stores())
    try:
        with bar:
            report = await run_import(
                mapping,
                data,
                sources.main,
                sources.requirements,
                options,
                after_write=lambda tables: sources.cache.invalidate(sorted(tables)),
                progress=bar.show,
            )
            if not options.dry_run:
                await _index(sources, report, bar)
        return report, None if options.dry_run else await _follow(sources, report)
    finally:
        await sources.close()


async def _index(sources: Sources, report: ImportReport, bar: ImportProgress) -> None:
    """Index the imported documents. A running server does it, too, so a failure is only reported."""
    if any(section.entity == "documents" and section.created + section.changed for section in report.sections):
        try:
            report.indexed = await index_documents(sources, bar.show)
        except SourceError:
            report.indexed = None


async def _follow(sources: Sources, report: ImportReport) -> SourceError | None:
    """Project the imported rows to the graph. Return the error if that fails."""
    try:
        report.graph = await project_pending(sources)
    except SourceError as error:
        return error
    return None
