"""Connections: pages, counts and groups of linked rows, each loaded only when selected."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Generic, TypeVar

import strawberry

from datasources.records.queries import Order, PageRequest, Row, RowPage
from resolvers.context import Context
from resolvers.loading.tables import PagesBy, RowsArguments, Selection
from schema.declarations.fields import PAGE, Argument, Arguments, attribute, field
from schema.declarations.filters import to_order, to_predicate
from schema.declarations.paging import PAGE_ARGUMENTS, encode_cursor, to_page

T = TypeVar("T")
V = TypeVar("V")

FILTER_DESCRIPTION = (
    "Only rows that fulfil all of this. Null is no filter, as is a variable that is left out; a null within it is "
    "refused, as it would take a condition away."
)
# Groups of a connection that are typical: states, priorities, categories.
TYPICAL_GROUPS = 20


class ConnectionQuery:
    """Which rows a connection's arguments ask for, and their loaders: once for each field node and request."""

    __slots__ = ("counts", "page", "pages", "rows", "selection")

    def __init__(self, context: Context, pages: type[PagesBy[Any]], selection: Selection, page_: PageRequest) -> None:
        self.pages = pages
        self.selection = selection
        self.page = page_
        self.rows = context.loader(pages, RowsArguments(selection, page=page_))
        self.counts = context.loader(pages.counts, RowsArguments(selection))


@dataclass(frozen=True, slots=True)
class ConnectionValue:
    """What a connection was asked for by one parent; its fields load from it what is selected."""

    query: ConnectionQuery
    key: str | None

    @property
    def page(self) -> PageRequest:
        return self.query.page

    def rows(self, _: Context) -> Any:
        """The page, loaded once however many fields ask."""
        return self.query.rows.load(self.key)

    def count(self, _: Context) -> Any:
        """How many rows the connection has in all."""
        return self.query.counts.load(self.key)

    def groups(self, context: Context, by: str) -> Any:
        """How many rows by a field's value."""
        return context.loader(self.query.pages.groups, RowsArguments(self.query.selection, group=by)).load(self.key)


@dataclass(frozen=True, slots=True)
class EdgeValue:
    """A row in its place."""

    row: Row[Any]
    order: Order


async def _nodes(context: Context, request: ConnectionValue, _arguments: Mapping[str, Any]) -> list[Any]:
    rows: RowPage[Any] = await request.rows(context)
    return [row.record for row in rows.rows]


async def _edges(context: Context, request: ConnectionValue, _arguments: Mapping[str, Any]) -> list[EdgeValue]:
    rows: RowPage[Any] = await request.rows(context)
    return [EdgeValue(row, request.page.order) for row in rows.rows]


async def _page_info(context: Context, request: ConnectionValue, _arguments: Mapping[str, Any]) -> "PageInfoValue":
    rows: RowPage[Any] = await request.rows(context)
    asked = request.page
    return to_page_info(
        [encode_cursor(row.position, asked.order) for row in first_and_last(rows.rows)],
        has_more=asked.before is not None if asked.backwards else rows.more,
        has_previous=rows.more if asked.backwards else asked.after is not None,
    )


@dataclass(frozen=True, slots=True)
class PageInfoValue:
    """Where a page lies."""

    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


def first_and_last(page_: tuple[V, ...]) -> tuple[V, ...]:
    """The first and the last of a page; one where there is one."""
    return page_[:1] + page_[-1:]


def to_page_info(cursors: list[str], *, has_more: bool, has_previous: bool) -> PageInfoValue:
    """Where a page lies: the cursors of its ends, whether rows follow, whether it went on from a cursor."""
    return PageInfoValue(has_more, has_previous, cursors[0] if cursors else None, cursors[-1] if cursors else None)


@strawberry.type(description="Where a page lies in the whole.")
class PageInfo:
    has_next_page: bool = attribute("Whether rows follow.")
    has_previous_page: bool = attribute("Whether rows come before.")
    start_cursor: str | None = attribute("The cursor of the first row; null on an empty page.")
    end_cursor: str | None = attribute("The cursor of the last row; null on an empty page.")


@strawberry.type(description="A row in its place.")
class Edge(Generic[T]):
    node: T = attribute("The row.", of=lambda edge: edge.row.record)
    cursor: str = attribute(
        "Pass it as `after` or `before`.", of=lambda edge: encode_cursor(edge.row.position, edge.order)
    )


@strawberry.type(description="How many rows share a value.")
class Group:
    value: str | None = attribute("The value; null where rows have none.")
    count: int = attribute("How many rows have it.")


@strawberry.type(description="A page of rows; what is not selected is not loaded.")
class Connection(Generic[T]):
    nodes: list[T] = field(_nodes, "The rows of the page.", needs=None, size=PAGE)
    edges: list[Edge[T]] = field(_edges, "The rows of the page with their cursors.", needs=None, size=PAGE)
    page_info: PageInfo = field(_page_info, "Where the page lies.", needs=None)
    total_count: int = field(
        lambda context, request, _: request.count(context),
        "How many rows the filter leaves, over all pages. Costs a count of its own: one statement.",
        needs=None,
    )


def groups(by: type[Any]) -> Any:
    """The field that counts a connection's rows by one of the enum's fields."""

    def call(context: Context, request: ConnectionValue, arguments: Mapping[str, Any]) -> Any:
        return request.groups(context, arguments["by"].value)

    return field(
        call,
        "The rows counted by the value of a field, over all pages, largest groups first. One statement.",
        needs=None,
        arguments=(Argument("by", by, "The field to group by."),),
        size=TYPICAL_GROUPS,
    )


def connection(
    pages: type[PagesBy[Any]],
    description: str,
    *,
    needs: str,
    filter: Any,
    order: Any,
    default_order: Order,
    key: str | Callable[[Any], Any] | None = None,
    more_arguments: tuple[Argument, ...] = (),
    link_parameters: Callable[[Mapping[str, Any]], tuple[tuple[str, str | None], ...]] | None = None,
) -> Any:
    """Pages of rows by the key out of the parent record, or of the whole table where `key` is None.

    `also` are further arguments, which `extra` turns into bound parameters of the link.
    """
    get = attrgetter(key) if isinstance(key, str) else key

    def asked(context: Context, arguments: Arguments) -> ConnectionQuery:
        ordered = to_order(arguments.get("orderBy"), default_order)
        predicate = to_predicate(arguments.get("filter"))
        # A filter tells as much of related rows as reading them, so it takes the same permissions.
        for domain in pages.table.domains_reached(predicate):
            context.require(f"{domain.replace('_', '-')}:read")
        return ConnectionQuery(
            context,
            pages,
            Selection(predicate, () if link_parameters is None else link_parameters(arguments)),
            to_page(arguments, ordered, context.limits.page),
        )

    def call(context: Context, parent: Any, arguments: Arguments) -> ConnectionValue:
        if arguments.query is None:
            arguments.query = asked(context, arguments)
        return ConnectionValue(arguments.query, None if get is None else get(parent))

    return field(
        call,
        description,
        needs=needs,
        arguments=(
            *PAGE_ARGUMENTS,
            Argument("filter", filter, FILTER_DESCRIPTION),
            Argument("orderBy", order, "The order; ties are broken by id."),
            *more_arguments,
        ),
    )
