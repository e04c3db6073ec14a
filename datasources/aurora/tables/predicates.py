"""Translates predicates to SQL, with a table's allow-list of columns and relations, and every value bound."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from datasources.aurora.statements import statements
from datasources.records.queries import And, FieldComparison, Not, Operator, Or, Predicate, Some

_COMPARISONS = {Operator.GT: ">", Operator.GTE: ">=", Operator.LT: "<", Operator.LTE: "<="}


@dataclass(frozen=True, slots=True)
class Column:
    """A field for filters, orders or groups: its SQL and its PostgreSQL type.

    `indexed` allows ordering; such an expression is never null. `spelled` says that its ASCII spelling has a trigram
    index. `within` is SQL that widens equality, with the bound array in place of `{}`.
    """

    sql: str
    type: str = "text"
    indexed: bool = False
    grouped: bool = False
    spelled: bool = False
    within: str | None = None


class Filterable(Protocol):
    """What a predicate can use: the columns of the table, and other domains by the names of relations."""

    @property
    def domain(self) -> str: ...
    @property
    def columns(self) -> Mapping[str, Column]: ...
    @property
    def relations(self) -> Mapping[str, str]: ...
    @property
    def tables(self) -> tuple[str, ...]: ...


@dataclass(slots=True)
class Parameters:
    """The values bound so far, by generated names, and the domains and tables that the predicate reads.

    `registry` contains the tables that relations lead to, by domain.
    """

    registry: Mapping[str, Filterable]
    values: dict[str, object] = field(default_factory=dict)
    domains: set[str] = field(default_factory=set)
    tables: set[str] = field(default_factory=set)

    def bind(self, value: object, type_: str) -> str:
        """Return a placeholder for the value, cast to the PostgreSQL type."""
        name = f"p{len(self.values)}"
        self.values[name] = value
        return f"%({name})s::{type_}"


def to_sql(table: Filterable, predicate: Predicate, parameters: Parameters) -> str:
    """Return the predicate in parentheses. Raise ValueError for a field, relation or operator that is not allowed."""
    match predicate:
        case FieldComparison():
            return f"({_compare(table, predicate, parameters)})"
        case And(parts):
            return _joined(" AND ", "true", [to_sql(table, part, parameters) for part in parts])
        case Or(parts):
            return _joined(" OR ", "false", [to_sql(table, part, parameters) for part in parts])
        case Not(part):
            return f"({to_sql(table, part, parameters)} IS NOT TRUE)"
        case Some(relation, inner):
            if relation not in table.relations:
                raise ValueError(f"{table.domain} has no relation {relation}")
            target = parameters.registry[table.relations[relation]]
            parameters.domains.add(target.domain)
            parameters.tables.update(target.tables)
            fragment = statements(f"{table.domain}/table")[f"{table.domain}_having_{relation}"]
            return f"({fragment.fill_slots(where=to_sql(target, inner, parameters)).text})"


def _joined(separator: str, empty: str, parts: list[str]) -> str:
    return f"({separator.join(parts)})" if parts else f"({empty})"


def _compare(table: Filterable, compare: FieldComparison, parameters: Parameters) -> str:
    if compare.field not in table.columns:
        raise ValueError(f"{table.domain} cannot be filtered by {compare.field}")
    column = table.columns[compare.field]
    sql, operator, value = column.sql, compare.operator, compare.value
    if operator in {Operator.EQ, Operator.IN}:
        values = [value] if operator is Operator.EQ else list(value) if isinstance(value, tuple) else [value]
        array = parameters.bind(values, f"{column.type}[]")
        return column.within.format(array) if column.within else f"{sql} = ANY({array})"
    if operator is Operator.IS_NULL:
        return f"{sql} IS NULL" if value else f"{sql} IS NOT NULL"
    if operator is Operator.HOLDS:
        return f"{sql} @> {parameters.bind(value, 'jsonb')}"
    if operator in {Operator.CONTAINS, Operator.STARTS_WITH}:
        return _like(column, operator is Operator.CONTAINS, parameters.bind(value, "text"))
    return f"{sql} {_COMPARISONS[operator]} {parameters.bind(value, column.type)}"


def _like(column: Column, anywhere: bool, text: str) -> str:
    """Return SQL that tests whether the column contains the text, or begins with it, ignoring case in any script."""
    before = "'%%' ||" if anywhere else ""
    condition = f"folded({column.sql}) LIKE {before} like_literal(folded({text})) || '%%'"
    if not column.spelled:
        return condition
    # The index is used first: a column that contains the text also contains its spelling.
    return f"spelled({column.sql}) LIKE {before} like_literal(spelled({text})) || '%%' AND {condition}"
