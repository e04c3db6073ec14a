"""Queries of a table: by key, by page, counts and groups, for many keys by one statement."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Generic, Protocol, TypeVar, get_type_hints

from datasources.aurora.driver.bounded_rows import LARGE_COLUMNS
from datasources.aurora.driver.database import Database
from datasources.aurora.driver.row_factory import KeyedRecord
from datasources.aurora.statements import Statement, statements
from datasources.aurora.tables.predicates import Column, Parameters, to_sql
from datasources.records.queries import (
    ANYTHING,
    GroupCount,
    KeysetPosition,
    PageRequest,
    Predicate,
    Row,
    RowPage,
    Scope,
)


class HasId(Protocol):
    """A record of a table."""

    @property
    def id(self) -> str: ...


R = TypeVar("R", bound=HasId)
K = TypeVar("K")


@dataclass(frozen=True)
class Table(Generic[R]):
    """One entity's rows in one database.

    The statements `<domain>_by_ids`, `_page`, `_count`, `_groups` and the fragments `_from`, `_from_<link>` and
    `_having_<relation>` are in `<domain>/table.sql`. `relations` names the domains that predicates may use. The
    statements of `restricted` tables hide rows by the caller's scope.
    """

    domain: str
    record: type[R]
    alias: str
    columns: Mapping[str, Column]
    database: str = "main"
    relations: Mapping[str, str] = field(default_factory=dict)
    links: frozenset[str] = frozenset()
    # Links whose key is text instead of a uuid; the statements of such a table have a slot `key` for the type.
    text_links: frozenset[str] = frozenset()
    restricted: bool = False
    # Other tables on which the visibility or the links of a row depend.
    also_reads: tuple[str, ...] = ()

    @property
    def tables(self) -> tuple[str, ...]:
        """The names of tables whose changes make a result of this table stale."""
        return (self.domain, *self.also_reads)

    @cached_property
    def large_columns(self) -> frozenset[str]:
        """The columns of documents and long texts, which cost most of the time to read a row."""
        return LARGE_COLUMNS & get_type_hints(self.record).keys()

    def tables_read(self, predicate: Predicate) -> tuple[str, ...]:
        """Return the tables that a result filtered by the predicate depends on, sorted."""
        parameters = _parameters()
        to_sql(self, predicate, parameters)
        return tuple(sorted({*self.tables, *parameters.tables}))

    def domains_reached(self, predicate: Predicate) -> tuple[str, ...]:
        """Return the domains that the predicate reads across relations, sorted."""
        parameters = _parameters()
        to_sql(self, predicate, parameters)
        return tuple(sorted(parameters.domains))

    async def fetch_by_key(self, database: Database, name: str, keys: Sequence[K], scope: Scope) -> dict[K, R]:
        """Return records by the unique key of the statement `<domain>_by_<name>`; missing keys are left out."""
        statement = statements(f"{self.domain}/table")[f"{self.domain}_by_{name}"]
        return dict(await database.fetch(statement, {"keys": list(keys)} | _bound(scope), KeyedRecord(self.record)))

    async def fetch_pages(
        self,
        database: Database,
        link: str | None,
        keys: Sequence[K],
        predicate: Predicate,
        page: PageRequest,
        scope: Scope,
        extra: Mapping[str, object],
        omitted: tuple[str, ...] = (),
    ) -> dict[K, RowPage[R]]:
        """Return one page for each key, by one statement. Without a link there is one key, None: the whole table.

        Records have None for the `omitted` columns, which are not read.
        """
        parameters = _parameters()
        order = self._order(page)
        where = self._where(predicate, parameters) + self._keyset(page, parameters)
        position = self.columns[page.order.field].sql
        statement = self._statement("page", link, omitted, position=position, order=order, where=where)
        bound = {"keys": list(keys), "limit": page.limit + 1} | _bound(scope) | dict(extra) | parameters.values
        rows_by_key: dict[K, list[Row[R]]] = {key: [] for key in keys}
        row = KeyedRecord(KeyedRecord(self.record, "keyset_value"))
        for key, (value, record) in await database.fetch(statement, bound, row):
            rows_by_key[key].append(Row(position=KeysetPosition(value=value, id=record.id), record=record))
        pages: dict[K, RowPage[R]] = {}
        for key, rows in rows_by_key.items():
            page_rows = rows[: page.limit]
            ordered = tuple(reversed(page_rows)) if page.backwards else tuple(page_rows)
            pages[key] = RowPage(rows=ordered, more=len(rows) > page.limit)
        return pages

    async def fetch_counts(
        self,
        database: Database,
        link: str | None,
        keys: Sequence[K],
        predicate: Predicate,
        scope: Scope,
        extra: Mapping[str, object],
    ) -> dict[K, int]:
        """Return the number of rows for each key, by one statement."""
        parameters = _parameters()
        where = self._where(predicate, parameters)
        statement = self._statement("count", link, where=where)
        bound = {"keys": list(keys)} | _bound(scope) | dict(extra) | parameters.values
        return dict(await database.fetch(statement, bound, KeyedRecord(int)))

    async def fetch_groups(
        self,
        database: Database,
        link: str | None,
        keys: Sequence[K],
        predicate: Predicate,
        by: str,
        scope: Scope,
        extra: Mapping[str, object],
    ) -> dict[K, tuple[GroupCount, ...]]:
        """Return the number of rows for each key and value of a field, largest groups first, by one statement."""
        column = self.columns[by]
        if not column.grouped:
            raise ValueError(f"{self.domain} cannot be grouped by {by}")
        parameters = _parameters()
        where = self._where(predicate, parameters)
        statement = self._statement("groups", link, group=column.sql, where=where)
        bound = {"keys": list(keys)} | _bound(scope) | dict(extra) | parameters.values
        groups_by_key: dict[K, list[GroupCount]] = {key: [] for key in keys}
        for key, group in await database.fetch(statement, bound, KeyedRecord(GroupCount)):
            groups_by_key[key].append(group)
        return {key: tuple(groups) for key, groups in groups_by_key.items()}

    def _statement(self, kind: str, link: str | None, omitted: tuple[str, ...] = (), **slots: str) -> Statement:
        statement = statements(f"{self.domain}/table")[f"{self.domain}_{kind}"].omit_columns(self.alias, omitted)
        if "key" in statement.slots:
            slots["key"] = "text" if link in self.text_links else "uuid"
        return statement.fill_slots(**slots, **{"from": self._from(link)})

    def _from(self, link: str | None) -> str:
        if link is None:
            return statements(f"{self.domain}/table")[f"{self.domain}_from"].text
        if link not in self.links:
            raise ValueError(f"{self.domain} has no link {link}")
        return statements(f"{self.domain}/table")[f"{self.domain}_from_{link}"].text

    def _where(self, predicate: Predicate, parameters: Parameters) -> str:
        return "" if predicate == ANYTHING else f"AND {to_sql(self, predicate, parameters)}"

    def _order(self, page: PageRequest) -> str:
        column = self.columns[page.order.field]
        if not column.indexed:
            raise ValueError(f"{self.domain} cannot be ordered by {page.order.field}")
        direction = "DESC" if page.order.descending != page.backwards else "ASC"
        return f"{column.sql} {direction}, {self.alias}.id {direction}"

    def _keyset(self, page: PageRequest, parameters: Parameters) -> str:
        column = self.columns[page.order.field]
        text = ""
        for position, later in ((page.after, True), (page.before, False)):
            if position is not None:
                compared = ">" if later != page.order.descending else "<"
                value, identity = parameters.bind(position.value, column.type), parameters.bind(position.id, "uuid")
                text += f" AND ({column.sql}, {self.alias}.id) {compared} ({value}, {identity})"
        return text


def _parameters() -> Parameters:
    # Imported here because the registry imports every table, and so this module.
    from datasources.aurora.registry import TABLES

    return Parameters(TABLES)


def _bound(scope: Scope) -> dict[str, object]:
    return {"sees_restricted": scope.sees_restricted, "team_keys": list(scope.team_keys)}
