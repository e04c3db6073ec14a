"""Connections: pages, counts and groups of linked rows, each loaded only when selected."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Generic, TypeVar

import strawberry

from datasources.records.queries import Order, PageRequest, Row, RowPage
from resolvers.context import Context
from resolvers.loading.tables import PagesBy, RowsArguments, Selection
from schema.declarations.enums import make_column_enum
from schema.declarations.field_sources import Arguments
from schema.declarations.fields import PAGE, Argument, attribute, derived, field
from schema.declarations.filters import to_order, to_predicate
from schema.declarations.paging import PAGE_ARGUMENTS, encode_cursor, to_page

T = TypeVar("T")
V = TypeVar("V")

FILTER_DESCRIPTION = (
    "Only rows for which all of this holds. Null, or a variable that is left out, means no filter; a null inside the "
    "filter is rejected, because it would remove a condition."
)
# Typical number of groups, for the cost estimate: states, priorities, categories.
TYPICAL_GROUPS = 20


class ConnectionQuery:
    """The rows that the arguments of a connection select, and their loaders: one for each field node and request."""

    __slots__ = ("counts", "page", "pages", "rows", "selection")

    def __init__(
        self,
        context: Context,
        pages: type[PagesBy[Any]],
        selection: Selection,
        page: PageRequest,
        omitted: tuple[str, ...],
    ) -> None:
        self.pages = pages
        self.selection = selection
        self.page = page
        self.rows = context.loader(pages, RowsArguments(selection, page=page, omitted=omitted))
        self.counts = context.loader(pages.counts, RowsArguments(selection))


@dataclass(frozen=True, slots=True)
class ConnectionValue:
    """The value of a connection for one parent; its fields load what is selected."""

    query: ConnectionQuery
    key: str | None

    @property
    def page(self) -> PageRequest:
        return self.query.page

    def count(self, _: Context) -> Any:
        """Load the number of rows of the connection, over all pages."""
        return self.query.counts.load(self.key)

    def groups(self, context: Context, by: str) -> Any:
        """Load the number of rows for each value of a field."""
        return context.loader(self.query.pages.groups, RowsArguments(self.query.selection, group=by)).load(self.key)


@dataclass(frozen=True, slots=True)
class EdgeValue:
    """A row, and the order that its cursor needs."""

    row: Row[Any]
    order: Order


def _load_rows(_: Context, request: ConnectionValue) -> asyncio.Future[RowPage[Any]]:
    rows: asyncio.Future[RowPage[Any]] = request.query.rows.load(request.key)
    return rows


def _to_nodes(_: ConnectionValue, rows: RowPage[Any]) -> list[Any]:
    return [row.record for row in rows.rows]


def _to_edges(request: ConnectionValue, rows: RowPage[Any]) -> list[EdgeValue]:
    return [EdgeValue(row, request.page.order) for row in rows.rows]


def _to_page_info(request: ConnectionValue, rows: RowPage[Any]) -> "PageInfoValue":
    page = request.page
    return to_page_info(
        [encode_cursor(row.position, page.order) for row in first_and_last(rows.rows)],
        has_more=page.before is not None if page.backwards else rows.more,
        has_previous=rows.more if page.backwards else page.after is not None,
    )


@dataclass(frozen=True, slots=True)
class PageInfoValue:
    """The position of a page among all rows."""

    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


def first_and_last(page: tuple[V, ...]) -> tuple[V, ...]:
    """Return the first and the last item of a page; the only item appears twice."""
    return page[:1] + page[-1:]


def to_page_info(cursors: list[str], *, has_more: bool, has_previous: bool) -> PageInfoValue:
    """Return the page info: cursors of both ends, whether rows follow, and whether rows come before."""
    return PageInfoValue(has_more, has_previous, cursors[0] if cursors else None, cursors[-1] if cursors else None)


@strawberry.type(description="The position of a page among all rows.")
class PageInfo:
    has_next_page: bool = attribute("Whether rows follow.")
    has_previous_page: bool = attribute("Whether rows come before.")
    start_cursor: str | None = attribute("The cursor of the first row; null on an empty page.")
    end_cursor: str | None = attribute("The cursor of the last row; null on an empty page.")


@strawberry.type(description="A row and its cursor.")
class Edge(Generic[T]):
    node: T = attribute("The row.", of=lambda edge: edge.row.record)
    cursor: str = attribute(
        "Pass it as `after` or `before`.", of=lambda edge: encode_cursor(edge.row.position, edge.order)
    )


@strawberry.type(description="The number of rows that share a value.")
class Group:
    value: str | None = attribute("The value; null for rows without one.")
    count: int = attribute("The number of rows with this value.")


@strawberry.type(description="A page of rows; only what is selected is loaded.")
class Connection(Generic[T]):
    nodes: list[T] = derived(_load_rows, _to_nodes, "The rows of the page.", size=PAGE)
    edges: list[Edge[T]] = derived(_load_rows, _to_edges, "The rows of the page with their cursors.", size=PAGE)
    page_info: PageInfo = derived(_load_rows, _to_page_info, "The position of the page.")
    total_count: int = field(
        lambda context, request, _: request.count(context),
        "The number of rows that match the filter, over all pages. Costs one statement.",
        needs=None,
    )


def groups(noun: str, plural: str, /, **columns: str | tuple[str, str]) -> Any:
    """Declare the field that counts the rows of a connection by a column, and its enum `<noun>GroupBy`.

    `columns` as in make_column_enum.
    """
    by = make_column_enum(f"{noun}GroupBy", f"What {plural} can be grouped by.", columns)

    def call(context: Context, request: ConnectionValue, arguments: Mapping[str, Any]) -> Any:
        return request.groups(context, arguments["by"].value)

    return field(
        call,
        "The rows counted by the value of a field, over all pages, largest groups first. One statement.",
        needs=None,
        arguments=(Argument("by", by, "The field to group by."),),
        size=TYPICAL_GROUPS,
    )


@dataclass(frozen=True, slots=True)
class PageDeclaration:
    """How all pages of a domain are read: the permission, the types of the filter and the order, the default order."""

    needs: str
    filter: Any
    order: Any
    default_order: Order


def connection(
    loader: type[PagesBy[Any]],
    description: str,
    *,
    pages: PageDeclaration,
    key: str | Callable[[Any], Any] | None = None,
    more_arguments: tuple[Argument, ...] = (),
    link_parameters: Callable[[Mapping[str, Any]], tuple[tuple[str, str | None], ...]] | None = None,
) -> Any:
    """Declare pages of the rows that belong to `key` of the parent record, or of the whole table if `key` is None.

    `link_parameters` converts `more_arguments` to bound parameters of the link.
    """
    get = attrgetter(key) if isinstance(key, str) else key

    def build_query(context: Context, arguments: Arguments) -> ConnectionQuery:
        order_by = to_order(arguments.get("orderBy"), pages.default_order)
        predicate = to_predicate(arguments.get("filter"))
        # A filter discloses as much about related rows as reading them, so it needs the same permissions.
        for domain in loader.table.domains_reached(predicate):
            context.require(f"{domain.replace('_', '-')}:read")
        return ConnectionQuery(
            context,
            loader,
            Selection(predicate, () if link_parameters is None else link_parameters(arguments)),
            to_page(arguments, order_by, context.limits.page),
            arguments.omitted,
        )

    def call(context: Context, parent: Any, arguments: Arguments) -> ConnectionValue:
        if arguments.query is None:
            arguments.query = build_query(context, arguments)
        return ConnectionValue(arguments.query, None if get is None else get(parent))

    return field(
        call,
        description,
        needs=pages.needs,
        arguments=(
            *PAGE_ARGUMENTS,
            Argument("filter", pages.filter, FILTER_DESCRIPTION),
            Argument("orderBy", pages.order, "The order; ties are broken by id."),
            *more_arguments,
        ),
        column=key if isinstance(key, str) else None,
        pages=loader,
    )
