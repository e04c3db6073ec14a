"""`stackflow events`: list the dead letters of the queue of events, and replay or delete them."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar
from uuid import UUID

import msgspec
import typer
from rich.console import Console
from rich.table import Table

import settings
from commands.exit_codes import CommandError, Exit
from commands.stores import use_stores
from datasources.queues.factory import open_queues
from datasources.queues.port import DeadLetter, Queue, QueueDepth
from datasources.sources import open_sources

T = TypeVar("T")

application = typer.Typer(help="The queue of events and its dead letters.", no_args_is_help=True)


@application.command("replay")
def replay(
    ids: Annotated[list[UUID] | None, typer.Argument(help="Ids of dead letters. Without ids, they are listed.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All dead letters.")] = False,
    drop: Annotated[bool, typer.Option("--drop", help="Delete them instead of replaying them.")] = False,
    most: Annotated[int, typer.Option(min=1, help="The maximum number to list.")] = 100,
    as_json: Annotated[bool, typer.Option("--json", help="The list as JSON.")] = False,
) -> None:
    """List the dead letters with their reasons, or send them again to the end of the queue.

    A replayed event does not overwrite newer data from its source.
    """
    if everything and ids:
        raise CommandError("give ids or --all, not both", Exit.USAGE)
    if not everything and not ids:
        if drop:
            raise CommandError("say which dead letters to drop, or --all", Exit.USAGE)
        dead, depth = _with_queue(lambda queue: _list_dead_letters(queue, most))
        _show(dead, depth, as_json=as_json)
        return
    chosen = None if everything else [str(id) for id in ids or ()]
    done = _with_queue(lambda queue: queue.delete_dead_letters(chosen) if drop else queue.redrive_dead_letters(chosen))
    typer.echo(f"{'dropped' if drop else 'replayed'} {len(done)}")
    unknown = sorted(set(chosen or ()) - set(done))
    if unknown:
        raise CommandError(f"there is no dead letter {unknown[0]}")


async def _list_dead_letters(queue: Queue, most: int) -> tuple[list[DeadLetter], QueueDepth]:
    return await queue.list_dead_letters(most), await queue.depth()


def _show(dead: list[DeadLetter], depth: QueueDepth, *, as_json: bool) -> None:
    if as_json:
        typer.echo(msgspec.json.encode({"waiting": depth, "dead": dead}).decode())
        return
    age = "" if depth.oldest_seconds is None else f", the oldest for {depth.oldest_seconds:.0f} s"
    typer.echo(f"{depth.waiting} events wait{age}")
    if not dead:
        typer.echo("no dead letters")
        return
    table = Table("id", "source", "died", "attempts", "reason")
    for each in dead:
        table.add_row(each.id, each.group, f"{each.died_at:%Y-%m-%d %H:%M}", str(each.attempt), each.reason)
    Console().print(table)


def _with_queue(use: Callable[[Queue], Awaitable[T]]) -> T:
    async def run(resolved: settings.Settings) -> T:
        sources = open_sources(*resolved.require_stores())
        try:
            return await use(open_queues(sources.main, resolved.queues).events)
        finally:
            await sources.close()

    with use_stores(settings.load_settings()) as resolved:
        return asyncio.run(run(resolved))
