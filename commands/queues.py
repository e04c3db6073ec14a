"""`stackflow queues`: show the messages of a queue without receiving them."""

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

application = typer.Typer(help="The messages of the queues.", no_args_is_help=True)


class QueueName(StrEnum):
    """The name of a queue."""

    EVENTS = "events"
    REMEDIATION_P1 = "remediation-p1"
    REMEDIATION_STANDARD = "remediation-standard"
    NOTIFICATIONS = "notifications"


@application.callback()
def _frame() -> None:
    """The messages of the queues."""


@application.command("show")
def show(
    name: Annotated[QueueName, typer.Argument(help="The queue.")],
    most: Annotated[int, typer.Option(min=1, max=1_000, help="The maximum number of messages.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="The messages as JSON, one a line.")] = False,
) -> None:
    """Show the oldest messages of a queue in tables. They remain there for their receivers."""
    with use_stores(settings.load_settings()) as resolved:
        url = getattr(resolved.queues, name.name.lower())
        if url is not None:
            raise CommandError(
                "this queue is in SQS, where messages can only be shown by receiving them; to return them at once: "
                f"aws sqs receive-message --visibility-timeout 0 --max-number-of-messages 10 --queue-url {url}",
                Exit.USAGE,
            )
        messages = asyncio.run(_peek(resolved, name, most))
    if as_json:
        for each in messages:
            typer.echo(msgspec.json.encode(_to_json(each)).decode())
    elif not messages:
        typer.echo(f"no messages on {name}")
    else:
        for each in messages:
            _print(each)


def _print(message: Message) -> None:
    # Not a table, so that a body is shown completely and its id can be copied.
    head = f"message {message.id}  group {message.group}  received {message.attempt} times"
    typer.secho(f"{head}  request {message.request_id}" if message.request_id else head, bold=True)
    try:
        typer.echo(msgspec.json.format(message.body, indent=2))
    except msgspec.DecodeError:
        typer.echo(message.body)
    typer.echo()


async def _peek(resolved: settings.Settings, name: QueueName, most: int) -> list[Message]:
    sources = open_sources(*resolved.require_stores())
    try:
        return await TablesQueue(sources.main, name.value).peek(most)
    finally:
        await sources.close()


def _to_json(message: Message) -> dict[str, object]:
    body: dict[str, object] = {"id": message.id, "group": message.group, "requestId": message.request_id}
    try:
        return body | {"body": msgspec.json.decode(message.body)}
    except msgspec.DecodeError:
        return body | {"body": message.body}
