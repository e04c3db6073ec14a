"""A plan: the fields of an operation by object type, with how their values are read and completed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graphql import GraphQLObjectType
from graphql.execution.collect_fields import FieldDetailsList

from resolvers.context import Context
from resolvers.loading.tables import PagesBy
from schema.declarations.field_sources import Getter
from schema.declarations.fields import OBJECT_COST, DeclaredField
from schema.execution.plans.leaves import LeafColumn


@dataclass(frozen=True, slots=True)
class ListPlan:
    """A list of values; `is_nullable` is of the list itself."""

    item: "ValuePlan"
    is_nullable: bool


@dataclass(frozen=True, slots=True)
class ObjectsPlan:
    """Objects: their fields by the Python type of the object, or for all types by None."""

    types: Mapping[type | None, "ObjectPlan"]
    is_nullable: bool


ValuePlan = LeafColumn | ListPlan | ObjectsPlan


@dataclass(frozen=True, slots=True)
class FieldPlan:
    """A field of an object. Without a declaration it is `__typename`. `get` reads an attribute."""

    declared: DeclaredField | None
    details: FieldDetailsList
    value: ValuePlan | None
    get: Getter | None = None


@dataclass(frozen=True, slots=True)
class OperationPlan:
    """A compiled operation: its fields, and the columns that none of them reads.

    `unread` has the loader of pages and the columns, sorted, by the identity of the field node of a connection.
    """

    root: "ObjectPlan"
    unread: Mapping[int, tuple[type[PagesBy[Any]], tuple[str, ...]]]

    def omitted(self, context: Context) -> dict[int, tuple[str, ...]]:
        """Return the columns that statements of this request leave out, by the identity of the field node.

        Documents share pages that are read through the cache, so these have all columns.
        """
        return {node: columns for node, (pages, columns) in self.unread.items() if not pages.reads_cache(context)}


@dataclass(frozen=True, slots=True)
class ObjectPlan:
    """The selected fields of an object type, in the order of the response."""

    type: GraphQLObjectType
    keys: tuple[str, ...]
    fields: tuple[FieldPlan, ...]

    @property
    def cost(self) -> int:
        """The cost of one object without the objects below it."""
        return OBJECT_COST + len(self.fields)

    @property
    def is_flat(self) -> bool:
        """Whether no field leads to objects, lists or loads, so that equal objects have equal data at once."""
        return all(
            each.declared is None or (each.get is not None and isinstance(each.value, LeafColumn))
            for each in self.fields
        )
