"""Stock Strawberry: its types, data loaders and ASGI view, with its caches of parsed and validated documents."""

import enum
from collections.abc import Hashable
from datetime import datetime
from typing import Any, Generic, TypeVar

import strawberry
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.dataloader import DataLoader
from strawberry.extensions import ParserCache, ValidationCache
from strawberry.scalars import JSON

from bench.peers.servers.database import Row, cursor_of, fetch, fetch_groups, lifespan

T = TypeVar("T")


class Loaders:
    """The loaders of one request: one for each statement and its arguments."""

    def __init__(self) -> None:
        self._known: dict[Hashable, DataLoader[str, list[Row]]] = {}

    async def load(self, name: str, key: str, *arguments: Any, database: str = "main") -> list[Row]:
        """Return the rows of a key, batched with the other keys of the same level."""
        # Lists of states are no keys of a dictionary.
        known = (name, repr(arguments))
        if known not in self._known:

            async def batch(keys: list[str]) -> list[list[Row]]:
                return await fetch_groups(name, keys, *arguments, database=database)

            self._known[known] = DataLoader(load_fn=batch)
        return await self._known[known].load(key)


Info = strawberry.Info[Loaders, None]


@strawberry.enum
class IncidentState(enum.Enum):
    NEW = "NEW"
    IN_PROGRESS = "IN_PROGRESS"
    ON_HOLD = "ON_HOLD"
    RESOLVED = "RESOLVED"
    CLOSED = "CLOSED"


@strawberry.enum
class ChangeState(enum.Enum):
    PROPOSED = "PROPOSED"
    APPROVED = "APPROVED"
    SCHEDULED = "SCHEDULED"


@strawberry.enum
class Direction(enum.Enum):
    ASC = "ASC"
    DESC = "DESC"


@strawberry.enum
class IncidentOrderField(enum.Enum):
    OPENED_AT = "OPENED_AT"


@strawberry.input
class IncidentOrder:
    field: IncidentOrderField
    direction: Direction


@strawberry.input
class IncidentStateFilter:
    eq: IncidentState | None = None
    in_: list[IncidentState] | None = strawberry.field(name="in", default=None)


@strawberry.input
class IncidentFilter:
    state: IncidentStateFilter


@strawberry.input
class ChangeStateFilter:
    in_: list[ChangeState] | None = strawberry.field(name="in", default=None)


@strawberry.input
class ChangeFilter:
    state: ChangeStateFilter


@strawberry.type
class PageInfo:
    has_next_page: bool
    end_cursor: str | None


@strawberry.type
class Nodes(Generic[T]):
    nodes: list[T]


@strawberry.type
class Team:
    key: str
    contact: str


@strawberry.type
class Change:
    number: str
    title: str
    planned_start: datetime | None


@strawberry.type
class Requirement:
    key: str
    title: str


@strawberry.type
class DependentEdge:
    depth: int
    node: "ConfigurationItem"


@strawberry.type
class Dependents:
    edges: list[DependentEdge]
    truncated: bool
    page_info: PageInfo

    @strawberry.field
    def nodes(self) -> list["ConfigurationItem"]:
        return [edge.node for edge in self.edges]


@strawberry.type
class Incident:
    id: strawberry.ID
    number: str
    title: str
    priority: int
    state: IncidentState
    opened_at: datetime
    team_id: strawberry.Private[object]

    @strawberry.field
    async def team(self, info: Info) -> Team | None:
        return await _team(info, self.team_id)

    @strawberry.field
    async def configuration_items(self, info: Info, first: int = 25) -> Nodes["ConfigurationItem"]:
        rows = await info.context.load("items_by_incidents", self.id.removeprefix("inc_"), first)
        return Nodes(nodes=[_item(row) for row in rows])


@strawberry.type
class ConfigurationItem:
    id: strawberry.ID
    name: str
    class_key: str
    status: str
    environment: str
    criticality: str
    attributes: JSON
    valid_from: datetime
    owner_id: strawberry.Private[object]

    @strawberry.field
    async def owner(self, info: Info) -> Team | None:
        return await _team(info, self.owner_id)

    @strawberry.field
    async def dependents(self, info: Info, depth: int = 1, first: int = 25) -> Dependents:
        rows = await info.context.load("dependents_by_items", self.id.removeprefix("ci_"), depth, first)
        more = len(rows) > first
        edges = [DependentEdge(depth=row["_depth"], node=_item(row)) for row in rows[:first]]
        end = cursor_of(edges[-1].depth, edges[-1].node.id) if more else None
        return Dependents(edges=edges, truncated=more, page_info=PageInfo(has_next_page=more, end_cursor=end))

    @strawberry.field
    async def incidents(self, info: Info, first: int = 25, filter: IncidentFilter | None = None) -> Nodes[Incident]:
        states = None if filter is None or filter.state.in_ is None else [each.value for each in filter.state.in_]
        rows = await info.context.load("incidents_by_items", self.id.removeprefix("ci_"), first, states)
        return Nodes(nodes=[_incident(row) for row in rows])

    @strawberry.field
    async def changes(self, info: Info, first: int = 25, filter: ChangeFilter | None = None) -> Nodes[Change]:
        states = None if filter is None or filter.state.in_ is None else [each.value for each in filter.state.in_]
        rows = await info.context.load("changes_by_items", self.id.removeprefix("ci_"), first, states)
        return Nodes(
            nodes=[Change(number=row["number"], title=row["title"], planned_start=row["plannedStart"]) for row in rows]
        )

    @strawberry.field
    async def requirements(self, info: Info, first: int = 25) -> Nodes[Requirement]:
        id_ = self.id.removeprefix("ci_")
        rows = await info.context.load("requirements_by_items", id_, first, database="requirements")
        return Nodes(nodes=[Requirement(key=row["key"], title=row["title"]) for row in rows])


@strawberry.type
class IncidentEdge:
    cursor: str
    node: Incident


@strawberry.type
class IncidentConnection:
    total_count: int
    page_info: PageInfo
    edges: list[IncidentEdge]


async def _team(info: Info, id_: object) -> Team | None:
    rows = [] if id_ is None else await info.context.load("teams", str(id_))
    return Team(key=rows[0]["key"], contact=rows[0]["contact"]) if rows else None


def _item(row: Row) -> ConfigurationItem:
    return ConfigurationItem(
        id=row["id"], name=row["name"], class_key=row["classKey"], status=row["status"],
        environment=row["environment"], criticality=row["criticality"], attributes=row["attributes"],
        valid_from=row["validFrom"], owner_id=row["_owner"],
    )  # fmt: skip


def _incident(row: Row) -> Incident:
    return Incident(
        id=row["id"], number=row["number"], title=row["title"], priority=row["priority"],
        state=IncidentState(row["state"]), opened_at=row["openedAt"], team_id=row["_team"],
    )  # fmt: skip


@strawberry.type
class Query:
    @strawberry.field
    async def configuration_item(self, id: strawberry.ID) -> ConfigurationItem | None:
        rows = await fetch("item", (id.removeprefix("ci_"),))
        return _item(rows[0]) if rows else None

    @strawberry.field
    async def configuration_items(self, first: int = 25) -> Nodes[ConfigurationItem]:
        return Nodes(nodes=[_item(row) for row in await fetch("items", (first,))])

    @strawberry.field
    async def incident(self, number: str) -> Incident | None:
        rows = await fetch("incident", (number,))
        return _incident(rows[0]) if rows else None

    @strawberry.field
    async def incidents(self, filter: IncidentFilter, order_by: IncidentOrder, first: int = 25) -> IncidentConnection:
        assert filter.state.eq is not None
        state = filter.state.eq.value
        rows = await fetch("incidents", (state, first + 1))
        [counted] = await fetch("incidents_count", (state,))
        edges = [
            IncidentEdge(cursor=cursor_of(row["openedAt"], row["id"]), node=_incident(row)) for row in rows[:first]
        ]
        end = edges[-1].cursor if edges else None
        page = PageInfo(has_next_page=len(rows) > first, end_cursor=end)
        return IncidentConnection(total_count=counted["total"], page_info=page, edges=edges)


class View(GraphQL[Loaders, None]):
    """Strawberry's own view, with new loaders for each request."""

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket | None = None) -> Loaders:
        """Return the loaders of a request."""
        return Loaders()


SCHEMA = strawberry.Schema(Query, extensions=[ParserCache, ValidationCache])
app = Starlette(routes=[Route("/graphql", View(SCHEMA, graphql_ide=None), methods=["POST"])], lifespan=lifespan)
