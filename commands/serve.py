"""`stackflow serve`: start the embedded stores, migrate, and serve until a signal."""

import pkgutil
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import typer

import settings
from commands import demo, graph
from commands.exit_codes import CommandError, Exit
from commands.http_server import server
from commands.http_server.signals import GracefulShutdown
from commands.stores import databases, embedded_stores, with_embedded_urls
from datasources.config import GraphEngine
from datasources.credentials.factory import resolve_conninfo
from settings import Settings
from workers.migrations import migrate

Create = Callable[..., Any]

_GRAPHS = {
    GraphEngine.SQL: "recursive SQL",
    GraphEngine.GREMLIN: "Gremlin Server",
    GraphEngine.NEPTUNE_LIKE: "Neptune-like",
}


def command(
    host: Annotated[
        str | None, typer.Option(help="Address to listen on. Default: STACKFLOW_HOST, or 127.0.0.1.")
    ] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Default: STACKFLOW_PORT, or 8000. 0 for any free port.")
    ] = None,
    with_demo: Annotated[
        bool, typer.Option("--demo/--no-demo", help="Load the demo into empty embedded stores.")
    ] = True,
) -> None:
    """Serve GraphQL over HTTP. Stores without a URL in the settings are started as embedded stores.

    Ctrl-C stops the server and its embedded stores within 10 seconds; running requests have 5 of them. A second Ctrl-C
    does not wait for requests.
    """
    chosen = settings.load_settings(server.override_environment(host, port))
    serve(chosen, pkgutil.resolve_name("app:create_app"), with_demo=with_demo)


def serve(chosen: Settings, create: Create, *, with_demo: bool = True) -> None:
    """Serve until a signal.

    CommandError if the port is in use, before anything is started; EmbeddedError; SourceError if a database cannot be
    reached or migrated.
    """
    stores = embedded_stores(chosen, _print_download)
    with closing(_socket(chosen)) as socket, GracefulShutdown(stores.kill) as stopping:
        try:
            if stores.selection.has_any:
                _print_line("starting the stores")
            resolved = with_embedded_urls(chosen, stores.start())
            with stores.explain_failures():
                _fill(resolved, with_demo=with_demo and chosen.main is None and chosen.requirements is None)
                if stores.selection.graph is not GraphEngine.SQL:
                    # It is in memory, so it is empty after its start.
                    graph.fill_graph(resolved, _print_line)
            _banner(chosen, server.url_of(socket))
            stores.supervise()
            loopback = server.is_on_loopback(socket)
            application = create(resolved, on_loopback=loopback, run_workers=resolved.projection)
            server.run(application, socket, resolved, stopping)
        finally:
            stopping.start_countdown()
            cut_off = [*stopping.cut_off, *(f"embedded {name}" for name in stores.stop(stopping.remaining_seconds))]
            if cut_off:
                _print_line(f"stopped; cut off: {', '.join(cut_off)}")


def _fill(resolved: Settings, *, with_demo: bool) -> None:
    for name, postgres in databases(resolved).items():
        migrate(
            name,
            resolve_conninfo(name, postgres),
            on_step=lambda step: _print_line(f"migrating {step.database}: {step.name}"),
        )
    if with_demo:
        _load_demo(resolved)


def _socket(chosen: Settings) -> Any:
    try:
        return server.bind_socket(chosen.server.host, chosen.server.port)
    except server.PortBusy as error:
        state = chosen.server.state
        is_stackflow = embedded_stores(chosen).find_running() is not None
        owner = f"StackFlow already runs in {state}" if is_stackflow else "another program listens there"
        raise CommandError(
            f"{error}: {owner}; stop it, or choose another port with STACKFLOW_PORT", Exit.BUSY
        ) from error


def _load_demo(resolved: Settings) -> None:
    created = demo.load(resolved)
    if created:
        _print_line(f"demo landscape loaded: {created} rows")


def _banner(chosen: Settings, address: str) -> None:
    def where(configured: object, embedded: str) -> str:
        return "yours" if configured is not None else embedded

    cache = "off" if chosen.cache is not None and chosen.cache.url is None else where(chosen.cache, "embedded Valkey")
    walks = where(chosen.graph.url, _GRAPHS[chosen.graph.engine])
    lines = [
        "",
        f"  StackFlow    {address}/graphiql/",
        f"  GraphQL      {address}/graphql",
        f"  stores       main {where(chosen.main, 'embedded PostgreSQL')}"
        f" | requirements {where(chosen.requirements, 'embedded PostgreSQL')} | cache {cache} | graph {walks}",
    ]
    if embedded_stores(chosen).selection.has_any:
        lines.append(f"  state        {_display_path(chosen.server.state)}")
    _print_line("\n".join([*lines, "  stop         Ctrl-C", ""]))


def _display_path(folder: Path) -> str:
    path = folder.resolve()
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def _print_line(text: str) -> None:
    # Flush, so that readers get the line immediately, also through a pipe.
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _print_download(done: int, total: int) -> None:
    line = f"downloading the graph's jars, once: {done} of {total}"
    if sys.stdout.isatty():
        # One line that is updated in place.
        sys.stdout.write(f"\r{line}" + "\n" * (done == total))
        sys.stdout.flush()
    elif done == total:
        _print_line(line)
