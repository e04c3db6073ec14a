"""PostGraphile's own documents for the queries, and the shape of StackFlow's schema made from its answers."""

from collections.abc import Mapping
from typing import Any

from bench.peers.queries import DOCUMENTS, Query

QUERIES = frozenset({"q1"})


def document(query: Query) -> tuple[str, Mapping[str, object]]:
    """Return its document and variables for a query."""
    return (DOCUMENTS / "postgraphile" / f"{query.key}.graphql").read_text(), query.variables


def normalize(_: str, data: Any) -> Any:
    """Return the data of an answer in the shape of StackFlow's schema."""
    return data
