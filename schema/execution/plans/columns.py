"""Which columns of rows an operation reads, so that statements leave out large ones."""

from typing import Any

from graphql import FieldNode

from datasources.aurora.tables.table import Table
from schema.declarations.fields import column_of
from schema.execution.plans.leaves import LeafColumn
from schema.execution.plans.plan import ListPlan, ObjectPlan, ValuePlan


class ColumnUse:
    """The large columns that no field reads, for each field node of a connection.

    A node in a fragment can occur at several places with other fields below it: only what no place reads is omitted.
    """

    def __init__(self) -> None:
        self._omitted: dict[int, frozenset[str]] = {}

    def add(self, node: FieldNode, table: Table[Any], value: ValuePlan) -> None:
        """Add a place of a connection with the rows of `table`: the plan of its value has the fields of rows."""
        unread = table.large_columns - _columns_read(value, table)
        self._omitted[id(node)] = self._omitted.get(id(node), unread) & unread

    def omitted(self) -> dict[int, tuple[str, ...]]:
        """Return the columns to omit, sorted, by the identity of the field node; nodes without any are left out."""
        return {node: tuple(sorted(columns)) for node, columns in self._omitted.items() if columns}


def _columns_read(value: ValuePlan, table: Table[Any]) -> frozenset[str]:
    """Return the large columns that are read from records of the table, at `value` and above the next record."""
    if isinstance(value, LeafColumn):
        return frozenset()
    if isinstance(value, ListPlan):
        return _columns_read(value.item, table)
    read: frozenset[str] = frozenset()
    for type_, fields in value.types.items():
        if type_ is table.record:
            read |= _columns_of_record(fields, table)
        elif type_ is None:
            # The connection, its edges and its page: what leads to records.
            read = read.union(*(_columns_read(each.value, table) for each in fields.fields if each.value is not None))
        else:
            return table.large_columns
    return read


def _columns_of_record(fields: ObjectPlan, table: Table[Any]) -> frozenset[str]:
    columns = {column_of(each.declared) for each in fields.fields if each.declared is not None}
    return table.large_columns if None in columns else table.large_columns & columns
