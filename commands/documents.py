"""`stackflow documents`: import documents from files, make the index that answers read, and publish its chunks."""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec
import typer
from rich.console import Console

import settings
from commands.exit_codes import CommandError, Exit
from commands.interruption import Interrupted, interruptible
from commands.output.import_progress import ImportProgress
from commands.stores import databases, use_stores
from datasources.aurora.documents.suggestions import count_suggestions
from datasources.credentials.factory import resolve_conninfo
from datasources.documents.errors import DocumentFileError
from datasources.records.documents import DocumentKind
from datasources.sources import Sources, open_sources
from datasources.values import key_violation, text_violation
from resolvers.documents.importing import DocumentImportOptions, DocumentImportReport, import_documents
from resolvers.documents.indexing import index_documents
from resolvers.documents.publishing import publish_chunks
from settings import Settings
from workers.migrations import migrate

T = TypeVar("T")

application = typer.Typer(help="Documents: runbooks and knowledge.", no_args_is_help=True)


@application.callback()
def _frame() -> None:
    """Documents: runbooks and knowledge."""


@application.command("import")
def import_(
    paths: Annotated[list[Path], typer.Argument(help="Folders, with all below them, or files: Markdown, HTML, text.")],
    source: Annotated[str, typer.Option(help="The source of the documents.")] = "files",
    kind: Annotated[DocumentKind, typer.Option(help="Their kind, unless their front matter names another.")] = (
        DocumentKind.RUNBOOK
    ),
    restricted_team: Annotated[
        str | None, typer.Option(help="Key of the only team that can read them, unless their front matter names one.")
    ] = None,
    prune: Annotated[bool, typer.Option("--prune", help="Delete documents of the source that no file has.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The report as JSON.")] = False,
) -> None:
    """Import documents from files, and index them. An unchanged file writes nothing.

    Ctrl-C stops it between two files: what was imported remains, and the same import can be run again.
    """
    for option, text in (("--source", source), ("--restricted-team", restricted_team)):
        if text is not None and not text.strip():
            raise CommandError(f"{option} is empty; write its value", Exit.USAGE)
        if text is not None and (violation := text_violation(text) or key_violation(text)):
            raise CommandError(f"{option} {violation}", Exit.USAGE)
    begin = time.perf_counter()
    bar = ImportProgress(Console(stderr=True))
    options = DocumentImportOptions(source, kind, restricted_team, prune)
    try:
        report, indexed, suggested = _run(bar, lambda sources: _import(sources, paths, options, bar))
    except DocumentFileError as error:
        raise CommandError(str(error), Exit.USAGE) from error
    if as_json:
        typer.echo(
            msgspec.json.encode({**msgspec.structs.asdict(report), "indexed": indexed, "suggested": suggested}).decode()
        )
    else:
        for line in _lines(report, indexed, suggested):
            typer.echo(line)
        typer.echo(f"{time.perf_counter() - begin:.1f} s")
    if report.refusal:
        raise CommandError(f"nothing was pruned: {report.refusal}")


@application.command("index")
def index() -> None:
    """Make the index of all documents that are new or have changed. A running server does so by itself.

    Ctrl-C stops it between two documents; run it again to continue.
    """
    begin = time.perf_counter()
    bar = ImportProgress(Console(stderr=True))
    count = _run(bar, lambda sources: index_documents(sources, bar.show))
    typer.echo(f"{count:,} documents were indexed in {time.perf_counter() - begin:.1f} s")


@application.command("publish")
def publish(
    again: Annotated[bool, typer.Option("--again", help="Write all objects, also those that are written.")] = False,
) -> None:
    """Index documents, and publish their chunks for the knowledge base. A running server does so by itself.

    Ctrl-C stops it between two batches; run it again, without --again, to continue.
    """
    begin = time.perf_counter()
    bar = ImportProgress(Console(stderr=True))
    count, started = _run(bar, lambda sources: _publish(sources, bar, again))
    typer.echo(f"{count:,} chunks were published in {time.perf_counter() - begin:.1f} s")
    if started:
        typer.echo("an ingestion was started")


async def _publish(sources: Sources, bar: ImportProgress, again: bool) -> tuple[int, bool]:
    if sources.knowledge_data_source is None:
        raise CommandError("KNOWLEDGE_BUCKET is missing; set it to the bucket of the knowledge base", Exit.USAGE)
    await index_documents(sources, bar.show)
    return await publish_chunks(sources, sources.knowledge_data_source, bar.show, again=again)


async def _import(
    sources: Sources, paths: list[Path], options: DocumentImportOptions, bar: ImportProgress
) -> tuple[DocumentImportReport, int, int]:
    """Return the report, the number of indexed documents, and that of links that are suggested for the source."""
    report = await import_documents(sources, paths, options, bar.show)
    indexed = await index_documents(sources, bar.show)
    return report, indexed, await count_suggestions(sources.main, options.source)


def _lines(report: DocumentImportReport, indexed: int, suggested: int) -> Iterator[str]:
    yield f"documents: {report.created:,} new, {report.changed:,} changed, {report.unchanged:,} unchanged"
    for count, what in (
        (report.items_linked, "items linked"),
        (report.items_unknown, "items not found"),
        (report.fields_ignored, "fields of front matter ignored"),
        (report.pruned, "documents pruned"),
        (indexed, "documents indexed"),
        (suggested, "links suggested; confirm them by confirmDocumentLinks"),
        (len(report.rejected), "files rejected"),
    ):
        if count:
            yield f"{count:,} {what}"
    for path, note in report.notes:
        yield f"{_printable(path)}: {note}"
    for path, reason in report.rejected:
        yield f"rejected: {_printable(path)}: {_printable(reason)}"


def _printable(text: str) -> str:
    """Return a text without signs that control a terminal or begin another line, for example of a file name."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)


def _run(bar: ImportProgress, work: Callable[[Sources], Awaitable[T]]) -> T:
    """Migrate the databases of the settings, and work on them with a bar on stderr."""
    try:
        with interruptible(), use_stores(settings.load_settings()) as resolved:
            for name, postgres in databases(resolved).items():
                migrate(name, resolve_conninfo(name, postgres))
            return asyncio.run(_with_sources(resolved, bar, work))
    except Interrupted as interrupted:
        sys.stderr.write("stackflow: interrupted; what was finished remains; run the same command again\n")
        raise typer.Exit(interrupted.exit_code) from None


async def _with_sources(resolved: Settings, bar: ImportProgress, work: Callable[[Sources], Awaitable[T]]) -> T:
    sources = open_sources(*resolved.require_stores(), resolved.language)
    try:
        with bar:
            return await work(sources)
    finally:
        await sources.close()
