"""`stackflow graph`: rebuild and check the projection, the copy of items and relationships in the graph store."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import msgspec
import typer
from rich.console import Console

import settings
from commands.exit_codes import CommandError, Exit
from commands.output.graph import progress_bars, show_check, show_rebuild
from commands.stores import use_stores
from datasources.aurora.driver.database import Database
from datasources.aurora.outbox import outbox
from datasources.aurora.tables.invalidation import TRAVERSAL_TABLES
from datasources.errors import SourceError
from datasources.graph.completeness import CompletenessMarker
from datasources.graph.gremlin.bulk.loading import LoadFailed, open_bulk_store
from datasources.graph.projection import Projection
from datasources.sources import Sources, open_sources
from resolvers.projection.check import check
from resolvers.projection.checkpoint import CheckpointError
from resolvers.projection.follow import OutboxProjector
from resolvers.projection.rebuild import RebuildOptions, rebuild
from resolvers.projection.reports import CheckReport, RebuildReport
from settings import Settings

application = typer.Typer(help="The copy of items and relationships in the graph store.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="The report as JSON.")]


@application.command("rebuild")
def rebuild_command(
    clear: Annotated[
        bool, typer.Option("--clear", help="Empty the graph first. Walks find nothing until it is rebuilt.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask before emptying the graph.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Continue an interrupted rebuild.")] = False,
    as_json: AsJson = False,
) -> None:
    """Rebuild the graph from the tables: write everything, then remove and repair differences.

    Walks and writes can continue meanwhile. With GRAPH_LOADER_BUCKET, it uses the bulk loader.
    """
    if clear and resume:
        raise CommandError("--resume continues with the options of the interrupted rebuild; omit --clear", Exit.USAGE)
    chosen = settings.load_settings()
    with use_stores(chosen) as resolved:
        if clear and not yes:
            asyncio.run(_require_projection(resolved))
            _confirm(_name(resolved))
        checkpoint = chosen.server.state / "graph-rebuild.json"
        options = RebuildOptions(clear=clear, resume=resume, place=checkpoint, store=_name(resolved))
        with _explain_resume(checkpoint):
            report = asyncio.run(_rebuild(resolved, options))
    if as_json:
        typer.echo(msgspec.json.encode(report).decode())
    else:
        show_rebuild(report, Console())
    if report.compared is not None and report.compared.left:
        raise typer.Exit(int(Exit.DIFFERS))


@application.command("check")
def check_command(
    repair: Annotated[bool, typer.Option("--repair", help="Repair the differences, and nothing else.")] = False,
    as_json: AsJson = False,
) -> None:
    """Compare the whole graph with the tables: items, relationships and all their properties.

    Concurrent writes do not count as differences. Exit code 6 if differences remain.
    """
    with use_stores(settings.load_settings()) as resolved:
        report = asyncio.run(_check(resolved, repair=repair))
    if as_json:
        typer.echo(msgspec.json.encode(report).decode())
    else:
        show_check(report, Console())
    if report.left or (report.differences and not repair):
        raise typer.Exit(int(Exit.DIFFERS))


def fill_graph(resolved: Settings, on_filled: Callable[[str], None]) -> None:
    """Fill an empty graph, such as one in memory after its start. Do nothing if walks run in the main database.

    Blocks. SourceError if the database or the graph fails.
    """
    report = asyncio.run(_fill(resolved))
    if report is not None:
        on_filled(f"graph filled: {report.nodes:,} items, {report.edges:,} relationships")


async def project_pending(sources: Sources) -> int | None:
    """Project the pending changes of the outbox, together with other projectors. Return the number of changes sent.

    None if walks run in the main database. Then the rows remain for a server, which can have a graph store that this
    command does not know.
    """
    if sources.projection is None:
        return None
    done = await OutboxProjector(sources).run_until_done()
    return done.nodes + done.edges


async def _rebuild(resolved: Settings, options: RebuildOptions) -> RebuildReport:
    async with _open_projection(resolved, writes=True) as (main, projection, marker):
        poison_positions = await outbox.fetch_poison_positions(main)
        with progress_bars(Console(stderr=True)) as progress:
            report = await rebuild(main, projection, options, bulk=open_bulk_store(resolved.graph), progress=progress)
        if report.compared is not None:
            await _save_check(main, report.compared, report.compared.left, poison_positions)
            await _mark_complete(marker, report.compared)
        return report


async def _check(resolved: Settings, *, repair: bool) -> CheckReport:
    async with _open_projection(resolved, writes=repair) as (main, projection, marker):
        poison_positions = await outbox.fetch_poison_positions(main) if repair else []
        with progress_bars(Console(stderr=True)) as progress:
            report = await check(main, projection, repair=repair, progress=progress)
        await _save_check(main, report, report.left if repair else report.differences, poison_positions)
        if repair:
            await _mark_complete(marker, report)
        return report


async def _save_check(main: Database, report: CheckReport, divergent: int, poison_positions: Sequence[int]) -> None:
    """Store the result of a comparison. If no difference is left, mark the rows that were set aside as repaired."""
    await outbox.store_check(main, report.nodes, report.edges, divergent)
    if poison_positions and not divergent:
        await outbox.mark_repaired(main, poison_positions)


async def _mark_complete(marker: CompletenessMarker | None, report: CheckReport) -> None:
    # The projector need not compare the graph again.
    if marker is not None and not report.left:
        await marker.finish()


async def _fill(resolved: Settings) -> RebuildReport | None:
    sources = open_sources(*resolved.require_stores())
    try:
        if sources.projection is None:
            return None
        with progress_bars(Console(stderr=True)) as progress:
            if sources.completeness_marker is not None:
                await sources.completeness_marker.begin()
            report = await rebuild(sources.main, sources.projection, RebuildOptions(compare=False), progress=progress)
            if sources.completeness_marker is not None:
                await sources.completeness_marker.finish()
            return report
    finally:
        await sources.close()


OpenProjection = tuple[Database, Projection, CompletenessMarker | None]


async def _require_projection(resolved: Settings) -> None:
    async with _open_projection(resolved):
        pass


@asynccontextmanager
async def _open_projection(resolved: Settings, *, writes: bool = False) -> AsyncIterator[OpenProjection]:
    sources = open_sources(*resolved.require_stores())
    try:
        if sources.projection is None:
            raise CommandError(
                "walks run in the main database; there is no graph to rebuild; set GRAPH_URL or GRAPH=gremlin"
            )
        if writes and sources.completeness_marker is not None:
            await sources.completeness_marker.begin()
        yield sources.main, sources.projection, sources.completeness_marker
    finally:
        if writes:
            # Cached walks are stale, also after an error.
            await sources.cache.invalidate(TRAVERSAL_TABLES)
        await sources.close()


def _name(resolved: Settings) -> str:
    # A URL can include a password; its host does not.
    return (urlsplit(resolved.graph.url).hostname if resolved.graph.url else None) or resolved.graph.engine.value


def _confirm(name: str) -> None:
    if not _is_interactive():
        raise CommandError("cannot ask for confirmation to empty the graph; pass --yes", Exit.USAGE)
    typer.confirm(f"Empty the graph at {name}? Walks find nothing until it is rebuilt", abort=True, err=True)


@contextmanager
def _explain_resume(checkpoint: Path) -> Iterator[None]:
    """Print how to resume, if the body is interrupted or fails after a checkpoint."""
    try:
        yield
    except KeyboardInterrupt:
        raise CommandError(f"stopped; {_RESUME}" if checkpoint.exists() else "stopped") from None
    except CheckpointError as error:
        raise CommandError(str(error), Exit.USAGE) from error
    except SourceError as error:
        if isinstance(error, LoadFailed):
            for line in error.lines:
                typer.echo(line, err=True)
        if checkpoint.exists():
            typer.echo(_RESUME, err=True)
        raise


_RESUME = "resume with: stackflow graph rebuild --resume"


def _is_interactive() -> bool:
    """Whether a user can answer a question."""
    return sys.stdin.isatty()
