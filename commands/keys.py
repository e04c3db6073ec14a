"""`stackflow key`: create and revoke API keys. The text of a key is shown once; only its hash is stored."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, TypeVar

import typer

import settings
from commands.exit_codes import CommandError
from commands.stores import use_stores
from datasources.aurora.driver.database import Database
from datasources.aurora.principals.api_keys import insert_api_key, revoke_api_key
from datasources.errors import SourceRefused
from datasources.sources import open_sources
from resolvers.principals.api_keys import generate_api_key
from resolvers.principals.principal import parse_permissions

T = TypeVar("T")

application = typer.Typer(help="API keys for programs.", no_args_is_help=True)


@application.command("create")
def create(
    name: Annotated[str, typer.Argument(help="The name of the program that uses it; unique.")],
    permission: Annotated[list[str], typer.Option(help="For example incidents:read, or * for all. Repeatable.")],
    team: Annotated[
        list[str] | None, typer.Option(help="Key of a team whose restricted incidents it can read.")
    ] = None,
    owner: Annotated[str, typer.Option(help="The person for whom it acts: the subject in their tokens.")] = "",
    days: Annotated[int | None, typer.Option(min=1, help="Days until it expires; by default it does not.")] = None,
) -> None:
    """Create a key and print it once."""
    unknown = sorted(set(permission) - parse_permissions(permission))
    if unknown:
        raise CommandError(f"{unknown[0]!r} is not a permission; write it like incidents:read")
    key = generate_api_key()
    expires = None if days is None else datetime.now(UTC) + timedelta(days=days)

    async def insert(main: Database) -> None:
        await insert_api_key(
            main,
            name=name,
            key_hash=key.hash,
            permissions=permission,
            team_keys=team or [],
            expires_at=expires,
            owner=owner,
        )

    try:
        _with_main(insert)
    except SourceRefused as error:
        raise CommandError(f"the key was not stored; is the name {name!r} in use?") from error
    typer.echo(key.text)


@application.command("revoke")
def revoke(name: Annotated[str, typer.Argument(help="The name of the key.")]) -> None:
    """Revoke a key immediately."""
    if not _with_main(lambda main: revoke_api_key(main, name)):
        raise CommandError(f"there is no key {name!r} that could be revoked")
    typer.echo(f"revoked {name}")


def _with_main(use: Callable[[Database], Awaitable[T]]) -> T:
    async def run(resolved: settings.Settings) -> T:
        sources = open_sources(*resolved.require_stores())
        try:
            return await use(sources.main)
        finally:
            await sources.close()

    with use_stores(settings.load_settings()) as resolved:
        return asyncio.run(run(resolved))
