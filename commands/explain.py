"""`stackflow explain`: run a query and show how it was executed, level by level, with its statements."""

import asyncio
import pkgutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console

import settings
from commands.exit_codes import CommandError, Exit
from commands.output.explanation import show_explanation
from commands.stores import use_stores
from datasources.aurora.configuration_items.table import fetch_classes
from datasources.errors import SourceError, SourceRefused
from datasources.request import RequestContext
from datasources.sources import open_sources
from resolvers.context import Context, Limits
from resolvers.principals.principal import operator_principal


def command(
    file: Annotated[str, typer.Argument(help="A file with a GraphQL document, or - for standard input.")],
    variables: Annotated[str, typer.Option(help="The variables, as a JSON object.")] = "{}",
    operation: Annotated[str | None, typer.Option(help="The operation to run, if the document has several.")] = None,
    statements: Annotated[bool, typer.Option("--statements", help="With PostgreSQL's plan of each statement.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The explanation as JSON.")] = False,
) -> None:
    """Run a query on the stores of the settings, and show its plan, its statements, their rows and times.

    The data is not printed. Mutations and subscriptions are refused.
    """
    document, values = _read(file), _parse_variables(variables)
    try:
        with use_stores(settings.load_settings()) as resolved:
            body = asyncio.run(_run(resolved, document, values, operation, with_statements=statements))
    except SourceRefused as error:
        raise CommandError(f"{error}; if its tables are missing, run stackflow migrate") from error
    except SourceError as error:
        raise CommandError(str(error), Exit.UNREACHABLE) from error
    for each in body.get("errors", []):
        sys.stderr.write(f"stackflow: {each['message']}\n")
    if "plan" not in body["extensions"] or "data" not in body:
        raise typer.Exit(int(Exit.USAGE))
    if as_json:
        typer.echo(msgspec.json.encode(body["extensions"]["plan"]).decode())
    else:
        show_explanation(Console(highlight=False), body["extensions"]["plan"])


def _read(file: str) -> str:
    try:
        return sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{file} cannot be read: {error}", Exit.USAGE) from error


def _parse_variables(text: str) -> Mapping[str, Any]:
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise CommandError(f"--variables is not a JSON object: {error}", Exit.USAGE) from error


async def _run(
    resolved: settings.Settings,
    document: str,
    variables: Mapping[str, Any],
    operation: str | None,
    *,
    with_statements: bool,
) -> dict[str, Any]:
    """Return the body of the response."""
    # The schema takes a second to build, and most commands do without it.
    execution = pkgutil.resolve_name("schema.execution.execution")
    limits = resolved.limits.document
    prepared = execution.prepare_document(document, limits).document
    if prepared is not None:
        kind = execution.find_operation_type(prepared, operation)
        if kind is not None and kind.value != "query":
            raise CommandError(f"a {kind.value} is not explained, since it would be executed; send a query", Exit.USAGE)
    sources = open_sources(*resolved.require_stores(), resolved.language)
    principal = operator_principal()
    allowed = Limits(page=limits.page, fields=limits.cost, plans=resolved.limits.plans)
    context = Context(principal, principal.scope, sources, RequestContext(), allowed)
    request = execution.GraphQLRequest(document, variables, operation, explain=True, explain_statements=with_statements)
    try:
        # A lost store, or one without tables, is an error of the command and not of each field.
        await fetch_classes(sources.main)
        body: dict[str, Any] = (await execution.execute_request(request, context, limits)).body
    finally:
        await sources.close()
    return body
