"""`stackflow queues`: look at what stands on a queue without taking it."""

import asyncio
from enum import StrEnum
from typing import Annotated

import msgspec
import typer

import settings
from commands.exit_codes import CommandError, Exit
from commands.stores import use_stores
from datasources.queues.port import Message
from datasources.queues.tables.queue import TablesQueue
from datasources.sources import open_sources

application = typer.Typer(help="What stands on the queues.", no_args_is_help=True)


class QueueName(StrEnum):
    """A queue."""

    EVENTS = "events"
    REMEDIATION_P1 = "remediation-p1"
    REMEDIATION_STANDARD = "remediation-standard"
    NOTIFICATIONS = "notifications"


@application.callback()
def _frame() -> None:
    """What stands on the queues."""


@application.command("show")
def show(
    name: Annotated[QueueName, typer.Argument(help="Which queue.")],
    most: Annotated[int, typer.Option(min=1, max=1_000, help="How many messages.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="The messages as JSON, one a line.")] = False,
) -> None:
    """Show the oldest messages of a queue in tables. They stay there, for whoever is to receive them."""
    with use_stores(settings.load_settings()) as whole:
        url = getattr(whole.queues, name.name.lower())
        if url is not None:
            raise CommandError(
                "this queue is on SQS, where looking is receiving; to put messages back at once: "
                f"aws sqs receive-message --visibility-timeout 0 --max-number-of-messages 10 --queue-url {url}",
                Exit.USAGE,
            )
        found = asyncio.run(_peek(whole, name, most))
    if as_json:
        for each in found:
            typer.echo(msgspec.json.encode(_to_json(each)).decode())
    elif not found:
        typer.echo(f"nothing stands on {name}")
    else:
        for each in found:
            _print(each)


def _print(message: Message) -> None:
    # No table: a body is to be read whole, and its id copied.
    head = f"message {message.id}  group {message.group}  received {message.attempt} times"
    typer.secho(f"{head}  request {message.request_id}" if message.request_id else head, bold=True)
    try:
        typer.echo(msgspec.json.format(message.body, indent=2))
    except msgspec.DecodeError:
        typer.echo(message.body)
    typer.echo()


async def _peek(whole: settings.Settings, name: QueueName, most: int) -> list[Message]:
    sources = open_sources(*whole.require_stores())
    try:
        return await TablesQueue(sources.main, name.value).peek(most)
    finally:
        await sources.close()


def _to_json(message: Message) -> dict[str, object]:
    told: dict[str, object] = {"id": message.id, "group": message.group, "requestId": message.request_id}
    try:
        return told | {"body": msgspec.json.decode(message.body)}
    except msgspec.DecodeError:
        return told | {"body": message.body}
