"""`stackflow graph`: keep the graph's copy of items and relationships like the tables."""

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
from commands.graph_output import progress_bars, show_check, show_rebuild
from commands.stores import use_stores
from datasources.aurora.driver.database import Database
from datasources.aurora.outbox import outbox
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
from resolvers.projection.stale import TRAVERSAL_TABLES
from settings import Settings

application = typer.Typer(help="The graph's copy of items and relationships.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="The report as JSON.")]


@application.command("rebuild")
def rebuild_command(
    clear: Annotated[bool, typer.Option("--clear", help="Empty the graph first. Walks find nothing then.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask before emptying the graph.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where the last rebuild broke off.")] = False,
    as_json: AsJson = False,
) -> None:
    """Bring the graph to what the tables hold: send everything, then remove and mend what is different.

    Walks and writes may go on meanwhile. With GRAPH_LOADER_BUCKET the sending is a bulk load.
    """
    if clear and resume:
        raise CommandError("--resume goes on as the rebuild began; leave --clear out", Exit.USAGE)
    chosen = settings.load_settings()
    with use_stores(chosen) as whole:
        if clear and not yes:
            asyncio.run(_require_projection(whole))
            _confirm(_name(whole))
        place = chosen.server.state / "graph-rebuild.json"
        options = RebuildOptions(clear=clear, resume=resume, place=place, store=_name(whole))
        with _explain_resume(place):
            report = asyncio.run(_rebuild(whole, options))
    if as_json:
        typer.echo(msgspec.json.encode(report).decode())
    else:
        show_rebuild(report, Console())
    if report.compared is not None and report.compared.left:
        raise typer.Exit(int(Exit.DIFFERS))


@application.command("check")
def check_command(
    repair: Annotated[bool, typer.Option("--repair", help="Mend what differs, and nothing else.")] = False,
    as_json: AsJson = False,
) -> None:
    """Compare the whole graph with the tables: items, relationships and every fact of them.

    What is being written meanwhile is no difference. Exit code 6 if something differs and was not repaired.
    """
    with use_stores(settings.load_settings()) as whole:
        report = asyncio.run(_check(whole, repair=repair))
    if as_json:
        typer.echo(msgspec.json.encode(report).decode())
    else:
        show_check(report, Console())
    if report.left or (report.differences and not repair):
        raise typer.Exit(int(Exit.DIFFERS))


def fill_graph(whole: Settings, on_filled: Callable[[str], None]) -> None:
    """Fill a graph that is empty, as one in memory is after its start. Nothing if walks run in the main database.

    Blocks. SourceError if the database or the graph fails.
    """
    report = asyncio.run(_fill(whole))
    if report is not None:
        on_filled(f"graph filled: {report.nodes:,} items, {report.edges:,} relationships")


async def project_pending(sources: Sources) -> int | None:
    """Bring the graph to what was written to the tables, with whoever else follows the outbox: the changes that were
    sent from here; None if walks run in the main database. Then the rows are left to a server, which may know a graph
    that this command does not."""
    if sources.projection is None:
        return None
    done = await OutboxProjector(sources).run_until_done()
    return done.nodes + done.edges


async def _rebuild(whole: Settings, options: RebuildOptions) -> RebuildReport:
    async with _open_projection(whole, writes=True) as (main, projection, marks):
        aside = await outbox.fetch_poison_positions(main)
        with progress_bars(Console(stderr=True)) as progress:
            report = await rebuild(main, projection, options, bulk=open_bulk_store(whole.graph), progress=progress)
        if report.compared is not None:
            await _save_check(main, report.compared, report.compared.left, aside)
            await _mark_complete(marks, report.compared)
        return report


async def _check(whole: Settings, *, repair: bool) -> CheckReport:
    async with _open_projection(whole, writes=repair) as (main, projection, marks):
        aside = await outbox.fetch_poison_positions(main) if repair else []
        with progress_bars(Console(stderr=True)) as progress:
            report = await check(main, projection, repair=repair, progress=progress)
        await _save_check(main, report, report.left if repair else report.differences, aside)
        if repair:
            await _mark_complete(marks, report)
        return report


async def _save_check(main: Database, report: CheckReport, divergent: int, aside: Sequence[int]) -> None:
    """Keep what a comparison left; if it is nothing, the rows that were set aside before it are told by now."""
    await outbox.store_check(main, report.nodes, report.edges, divergent)
    if aside and not divergent:
        await outbox.mark_repaired(main, aside)


async def _mark_complete(marks: CompletenessMarker | None, report: CheckReport) -> None:
    # Who follows the outbox need not compare it once more.
    if marks is not None and not report.left:
        await marks.finish()


async def _fill(whole: Settings) -> RebuildReport | None:
    sources = open_sources(*whole.require_stores())
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


async def _require_projection(whole: Settings) -> None:
    async with _open_projection(whole):
        pass


@asynccontextmanager
async def _open_projection(whole: Settings, *, writes: bool = False) -> AsyncIterator[OpenProjection]:
    sources = open_sources(*whole.require_stores())
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
            # Walks of before, also if it broke off.
            await sources.cache.invalidate(TRAVERSAL_TABLES)
        await sources.close()


def _name(whole: Settings) -> str:
    # A URL may hold a password; its host does not.
    return (urlsplit(whole.graph.url).hostname if whole.graph.url else None) or whole.graph.engine.value


def _confirm(name: str) -> None:
    if not _is_interactive():
        raise CommandError("nobody can be asked whether to empty the graph; say --yes", Exit.USAGE)
    typer.confirm(f"Empty the graph at {name}? Walks find nothing until it is rebuilt", abort=True, err=True)


@contextmanager
def _explain_resume(place: Path) -> Iterator[None]:
    """Say how to go on, if the body breaks off where one can."""
    try:
        yield
    except KeyboardInterrupt:
        raise CommandError(f"stopped; {_RESUME}" if place.exists() else "stopped") from None
    except CheckpointError as error:
        raise CommandError(str(error), Exit.USAGE) from error
    except SourceError as error:
        if isinstance(error, LoadFailed):
            for line in error.lines:
                typer.echo(line, err=True)
        if place.exists():
            typer.echo(_RESUME, err=True)
        raise


_RESUME = "go on with: stackflow graph rebuild --resume"


def _is_interactive() -> bool:
    """Whether somebody can be asked."""
    return sys.stdin.isatty()
