"""Which columns of rows an operation reads, so that statements leave out large ones."""

from typing import Any, get_type_hints

from graphql import FieldNode

from datasources.aurora.tables.table import Table
from resolvers.loading.tables import PagesBy
from schema.execution.plans.leaves import LeafColumn
from schema.execution.plans.plan import ListPlan, ObjectPlan, ValuePlan


class ColumnUse:
    """The large columns that no field of an operation reads, for each loader of pages.

    Two fields with the same arguments share one statement whatever they select, so all fields with the same loader omit
    the same columns: those that none of them reads.
    """

    def __init__(self) -> None:
        self._unread: dict[type[PagesBy[Any]], frozenset[str]] = {}
        self._pages: dict[int, type[PagesBy[Any]]] = {}

    def add(self, node: FieldNode, pages: type[PagesBy[Any]], value: ValuePlan) -> None:
        """Add a place of a connection; the plan of its value has the fields of rows."""
        unread = pages.table.large_columns - _columns_read(value, pages.table)
        self._pages[id(node)] = pages
        self._unread[pages] = self._unread.get(pages, unread) & unread

    def unread(self) -> dict[int, tuple[type[PagesBy[Any]], tuple[str, ...]]]:
        """Return the loader and its columns, sorted, by the identity of the field node, if there are any."""
        return {
            node: (pages, tuple(sorted(self._unread[pages])))
            for node, pages in self._pages.items()
            if self._unread[pages]
        }


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
    columns = {each.declared.column for each in fields.fields if each.declared is not None}
    # A property of the record can read any column.
    is_known = columns <= get_type_hints(table.record).keys()
    return table.large_columns & columns if is_known else table.large_columns
