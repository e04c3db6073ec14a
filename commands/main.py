"""The `stackflow` command line, composed of one module for each command."""

from typing import Annotated

import typer

from commands import ask, doctor, documents, events, explain, graph, imports, keys, migrate, print_schema, queues, serve
from commands.exit_codes import EXIT_CODES_HELP

application = typer.Typer(
    name="stackflow",
    help="A knowledge graph of IT operations behind one GraphQL schema.",
    epilog=EXIT_CODES_HELP,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
schema = typer.Typer(help="The GraphQL schema as text.", no_args_is_help=True)

application.command("serve")(serve.command)
application.command("migrate")(migrate.command)
application.command("import")(imports.command)
application.command("doctor")(doctor.command)
application.command("ask")(ask.command)
application.command("explain")(explain.command)
schema.command("print")(print_schema.command)
application.add_typer(schema, name="schema")
application.add_typer(keys.application, name="key")
application.add_typer(documents.application, name="documents")
application.add_typer(graph.application, name="graph")
application.add_typer(events.application, name="events")
application.add_typer(queues.application, name="queues")


def _version(requested: bool) -> None:
    if requested:
        from importlib.metadata import version

        typer.echo(version("stackflow"))
        raise typer.Exit


@application.callback()
def _frame(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """A knowledge graph of IT operations behind one GraphQL schema."""
