"""`stackflow documents`: import documents from files, and make the index that answers read."""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import typer
from rich.console import Console

import settings
from commands.import_progress import ImportProgress
from commands.interruption import Interrupted, interruptible
from commands.stores import databases, use_stores
from datasources.credentials.factory import resolve_conninfo
from datasources.sources import Sources, open_sources
from resolvers.documents.indexing import index_documents
from settings import Settings
from workers.migrations import migrate

T = TypeVar("T")

application = typer.Typer(help="Documents: runbooks and knowledge.", no_args_is_help=True)


@application.callback()
def _frame() -> None:
    """Documents: runbooks and knowledge."""


@application.command("index")
def index() -> None:
    """Make the index of all documents that are new or have changed. A running server does so by itself.

    Ctrl-C stops it between two documents; run it again to continue.
    """
    begin = time.perf_counter()
    bar = ImportProgress(Console(stderr=True))
    count = _run(bar, lambda sources: index_documents(sources, bar.show))
    typer.echo(f"{count:,} documents were indexed in {time.perf_counter() - begin:.1f} s")


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
    sources = open_sources(*resolved.require_stores())
    try:
        with bar:
            return await work(sources)
    finally:
        await sources.close()
