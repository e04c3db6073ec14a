"""Ariadne: its schema-first resolvers and ASGI view, with aiodataloader, and documents parsed and validated once."""

from collections.abc import Awaitable, Callable, Hashable
from datetime import datetime
from functools import lru_cache
from typing import Any

from aiodataloader import DataLoader
from ariadne import ObjectType, ScalarType, make_executable_schema
from ariadne.asgi import GraphQL
from graphql import DocumentNode, GraphQLError, GraphQLSchema, parse, validate
from starlette.applications import Starlette
from starlette.routing import Route

from bench.peers.servers.database import Row, cursor_of, fetch, fetch_groups, lifespan
from bench.peers.servers.statements import SQL

date_time = ScalarType("DateTime", serializer=datetime.isoformat)


class Loaders:
    """The loaders of one request: one for each statement and its arguments."""

    def __init__(self) -> None:
        self._known: dict[Hashable, Any] = {}

    async def load(self, name: str, key: str, *arguments: Any, database: str = "main") -> list[Row]:
        """Return the rows of a key, batched with the other keys of the same level."""
        known = (name, repr(arguments))
        if known not in self._known:

            async def batch(keys: list[str]) -> list[list[Row]]:
                return await fetch_groups(name, keys, *arguments, database=database)

            self._known[known] = DataLoader(batch)
        rows: list[Row] = await self._known[known].load(key)
        return rows


async def resolve_item(_: None, _info: Any, id: str) -> Row | None:
    """Return an item by its id, or None."""
    rows = await fetch("item", (id.removeprefix("ci_"),))
    return rows[0] if rows else None


async def resolve_items(_: None, _info: Any, first: int) -> Row:
    """Return the first items by name."""
    return {"nodes": await fetch("items", (first,))}


async def resolve_incident(_: None, _info: Any, number: str) -> Row | None:
    """Return an incident by its number, or None."""
    rows = await fetch("incident", (number,))
    return rows[0] if rows else None


async def resolve_incidents(_: None, _info: Any, first: int, filter: Row, **_order: Row) -> Row:
    """Return the latest incidents in a state, with their total number."""
    state = filter["state"]["eq"]
    rows = await fetch("incidents", (state, first + 1))
    [counted] = await fetch("incidents_count", (state,))
    edges = [{"cursor": cursor_of(row["openedAt"], row["id"]), "node": row} for row in rows[:first]]
    page = {"hasNextPage": len(rows) > first, "endCursor": edges[-1]["cursor"] if edges else None}
    return {"totalCount": counted["total"], "pageInfo": page, "edges": edges}


async def resolve_owner(row: Row, info: Any) -> Row | None:
    """Return the team that owns an item, or None."""
    return await _team(info, row["_owner"])


async def resolve_dependents(row: Row, info: Any, depth: int, first: int) -> Row:
    """Return the items that depend on an item, by depth and id."""
    rows = await _load(info, "dependents_by_items", row["id"].removeprefix("ci_"), depth, first)
    more, nodes = len(rows) > first, rows[:first]
    end = cursor_of(nodes[-1]["_depth"], nodes[-1]["id"]) if more else None
    edges = [{"depth": node["_depth"], "node": node} for node in nodes]
    return {"truncated": more, "pageInfo": {"hasNextPage": more, "endCursor": end}, "edges": edges, "nodes": nodes}


async def resolve_item_incidents(row: Row, info: Any, first: int, filter: Row | None = None) -> Row:
    """Return the latest incidents of an item."""
    states = filter["state"]["in"] if filter else None
    return {"nodes": await _load(info, "incidents_by_items", row["id"].removeprefix("ci_"), first, states)}


async def resolve_changes(row: Row, info: Any, first: int, filter: Row | None = None) -> Row:
    """Return the changes of an item, the last planned first."""
    states = filter["state"]["in"] if filter else None
    return {"nodes": await _load(info, "changes_by_items", row["id"].removeprefix("ci_"), first, states)}


async def resolve_requirements(row: Row, info: Any, first: int) -> Row:
    """Return the requirements of an item, from the other database."""
    loaders: Loaders = info.context["loaders"]
    id_ = row["id"].removeprefix("ci_")
    return {"nodes": await loaders.load("requirements_by_items", id_, first, database="requirements")}


async def resolve_team(row: Row, info: Any) -> Row | None:
    """Return the team of an incident, or None."""
    return await _team(info, row["_team"])


async def resolve_incident_items(row: Row, info: Any, first: int) -> Row:
    """Return the items of an incident, by name."""
    return {"nodes": await _load(info, "items_by_incidents", row["id"].removeprefix("inc_"), first)}


async def _load(info: Any, name: str, key: str, *arguments: Any) -> list[Row]:
    loaders: Loaders = info.context["loaders"]
    return await loaders.load(name, key, *arguments)


async def _team(info: Any, id_: object) -> Row | None:
    rows = [] if id_ is None else await _load(info, "teams", str(id_))
    return rows[0] if rows else None


RESOLVERS: dict[str, dict[str, Callable[..., Awaitable[Any]]]] = {
    "Query": {
        "configurationItem": resolve_item,
        "configurationItems": resolve_items,
        "incident": resolve_incident,
        "incidents": resolve_incidents,
    },
    "ConfigurationItem": {
        "owner": resolve_owner,
        "dependents": resolve_dependents,
        "incidents": resolve_item_incidents,
        "changes": resolve_changes,
        "requirements": resolve_requirements,
    },
    "Incident": {
        "team": resolve_team,
        "configurationItems": resolve_incident_items,
    },
}


@lru_cache(maxsize=100)
def parse_text(text: str) -> DocumentNode:
    """Return the document of a text, parsed once."""
    return parse(text)


# Kept with their documents, so that no other document gets the same id.
_validated: dict[int, tuple[DocumentNode, list[GraphQLError]]] = {}


def validate_once(schema: GraphQLSchema, document: DocumentNode, *arguments: Any, **named: Any) -> list[GraphQLError]:
    """Return the errors of a document, validated once."""
    if id(document) not in _validated:
        _validated[id(document)] = (document, validate(schema, document, *arguments, **named))
    return _validated[id(document)][1]


def parse_request(_: Any, data: dict[str, Any]) -> DocumentNode:
    """Return the document of a request."""
    return parse_text(data["query"])


def object_types() -> list[ObjectType]:
    """Return the types with their resolvers."""
    types = []
    for name, fields in RESOLVERS.items():
        types.append(ObjectType(name))
        for field, resolver in fields.items():
            types[-1].set_field(field, resolver)
    return types


SCHEMA = make_executable_schema((SQL.parent / "schema.graphql").read_text(), *object_types(), date_time)
VIEW = GraphQL(
    SCHEMA,
    context_value=lambda *_: {"loaders": Loaders()},
    query_parser=parse_request,
    query_validator=validate_once,
)
app = Starlette(routes=[Route("/graphql", VIEW, methods=["POST"])], lifespan=lifespan)
