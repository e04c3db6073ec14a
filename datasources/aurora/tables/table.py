"""What can be asked of a table: by key, by page, counted and grouped, for many keys in one statement."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from datasources.aurora.driver.database import Database
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

R = TypeVar("R")
K = TypeVar("K")


@dataclass(frozen=True)
class Table(Generic[R]):
    """One entity's rows in one database.

    The statements `<domain>_by_ids`, `_page`, `_count`, `_groups` and the fragments `_from`, `_from_<link>` and
    `_having_<relation>` stand in `<domain>/table.sql`. `relations` gives the domains that predicates may reach.
    `restricted` tables hide rows by the asker's scope, in their statements.
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
    # What else a row's visibility or links depend on, besides the table of the domain's own name.
    also_reads: tuple[str, ...] = ()

    @property
    def tables(self) -> tuple[str, ...]:
        """Names whose change makes an answer from this table stale."""
        return (self.domain, *self.also_reads)

    def tables_read(self, predicate: Predicate) -> tuple[str, ...]:
        """As `tables`, for an answer filtered by the predicate."""
        parameters = _parameters()
        to_sql(self, predicate, parameters)
        return tuple(sorted({*self.tables, *parameters.tables}))

    def domains_reached(self, predicate: Predicate) -> tuple[str, ...]:
        """The domains that the predicate looks into across relations, sorted."""
        parameters = _parameters()
        to_sql(self, predicate, parameters)
        return tuple(sorted(parameters.domains))

    async def fetch_by_key(self, database: Database, name: str, keys: Sequence[K], scope: Scope) -> dict[K, R]:
        """Records by the unique key that statement `<domain>_by_<name>` finds them by; missing keys are left out."""
        statement = statements(f"{self.domain}/table")[f"{self.domain}_by_{name}"]
        pairs = await database.fetch(statement, {"keys": list(keys)} | _bound(scope), self._pair)
        return dict(pairs)

    async def fetch_pages(
        self,
        database: Database,
        link: str | None,
        keys: Sequence[K],
        predicate: Predicate,
        page: PageRequest,
        scope: Scope,
        extra: Mapping[str, object],
    ) -> dict[K, RowPage[R]]:
        """One page for each key, in one statement. Without a link there is one key, None: the whole table."""
        parameters = _parameters()
        order = self._order(page)
        where = self._where(predicate, parameters) + self._keyset(page, parameters)
        statement = self._statement("page", link, position=self.columns[page.order.field].sql, order=order, where=where)
        bound = {"keys": list(keys), "limit": page.limit + 1} | _bound(scope) | dict(extra) | parameters.values
        found: dict[K, list[Row[R]]] = {key: [] for key in keys}
        for key, row in await database.fetch(statement, bound, self._row):
            found[key].append(row)
        answer: dict[K, RowPage[R]] = {}
        for key, rows in found.items():
            kept = rows[: page.limit]
            answer[key] = RowPage(tuple(reversed(kept)) if page.backwards else tuple(kept), more=len(rows) > page.limit)
        return answer

    async def fetch_counts(
        self,
        database: Database,
        link: str | None,
        keys: Sequence[K],
        predicate: Predicate,
        scope: Scope,
        extra: Mapping[str, object],
    ) -> dict[K, int]:
        """How many rows for each key, in one statement."""
        parameters = _parameters()
        where = self._where(predicate, parameters)
        statement = self._statement("count", link, where=where)
        bound = {"keys": list(keys)} | _bound(scope) | dict(extra) | parameters.values
        return dict(await database.fetch(statement, bound, _count))

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
        """How many rows for each key and value of a field, largest groups first, in one statement."""
        column = self.columns[by]
        if not column.grouped:
            raise ValueError(f"{self.domain} cannot be grouped by {by}")
        parameters = _parameters()
        where = self._where(predicate, parameters)
        statement = self._statement("groups", link, group=column.sql, where=where)
        bound = {"keys": list(keys)} | _bound(scope) | dict(extra) | parameters.values
        found: dict[K, list[GroupCount]] = {key: [] for key in keys}
        for key, group in await database.fetch(statement, bound, _group):
            found[key].append(group)
        return {key: tuple(groups) for key, groups in found.items()}

    def _pair(self, key: Any, *values: Any) -> tuple[Any, R]:
        return key, self.record(*values)

    def _row(self, key: Any, value: str, *values: Any) -> tuple[Any, Row[R]]:
        record = self.record(*values)
        return key, Row(KeysetPosition(value, values[0]), record)

    def _statement(self, kind: str, link: str | None, **slots: str) -> Statement:
        statement = statements(f"{self.domain}/table")[f"{self.domain}_{kind}"]
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
    # The registry imports every table, and so this module.
    from datasources.aurora.registry import TABLES

    return Parameters(TABLES)


def _bound(scope: Scope) -> dict[str, object]:
    return {"sees_restricted": scope.sees_restricted, "team_keys": list(scope.team_keys)}


def _count(key: Any, count: int) -> tuple[Any, int]:
    return key, count


def _group(key: Any, value: str | None, count: int) -> tuple[Any, GroupCount]:
    return key, GroupCount(value, count)
