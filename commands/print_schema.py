"""`stackflow schema print`: print the schema in SDL, as committed in schema/schema.graphql."""

import pkgutil

import typer

from commands.exit_codes import CommandError


def command() -> None:
    """Print the GraphQL schema (SDL)."""
    try:
        sdl = pkgutil.resolve_name("schema.schema:print_sdl")
    except (ImportError, AttributeError) as error:
        raise CommandError(f"the schema cannot be loaded: {error}") from error
    typer.echo(sdl().rstrip("\n"))
